/* The penalty that codes without thresholds share. */
#include "learn/penalty.h"
#include "learn/train.h"

static const Sparsity *of(const PenaltyParams *params)
{
  return (const Sparsity *)params->sparsity.entry;
}

char *penalty_check(const PenaltyParams *params, const char **path)
{
  Text why = {0};
  *path = "sparsity";
  if (of(params)->of_number)
    text_add(&why, "the number of codes has no gradient here: only jumprelu's thresholds can be "
                   "moved by it; take l1 or target");
  return why.s;
}

const char *const *penalty_numbers(const void *params)
{
  static const char *const none[] = {NULL}, *const kept[] = {"code/l1", NULL};
  return of(params)->adapts ? kept : none;
}

double penalty_start(const PenaltyParams *params)
{
  return of(params)->adapts ? of(params)->start(params->sparsity.params) : 0;
}

void penalty_adapt(const PenaltyParams *params, double l0, double *weight)
{
  if (of(params)->adapts) *weight = of(params)->adapt(params->sparsity.params, l0, *weight);
}

double penalty_l1(const PenaltyParams *params, const CodeNow *now)
{
  const Sparsity *sparsity = of(params);
  if (sparsity == (const Sparsity *)family_find(&sparsities, "none")) return params->l1;
  const double rise =
      warmup_factor(sparsity->warmup(params->sparsity.params), now->step, now->steps);
  return sparsity->penalty(params->sparsity.params, false, 0, now->numbers[0], rise).l1;
}
