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

void penalty_begin(SAE *sae)
{
  const PenaltyParams *params = sae->now.params;
  if (of(params)->adapts) sae->now.numbers[0] = of(params)->start(params->sparsity.params);
}

void penalty_stepped(CodeNow *now, double l0)
{
  const PenaltyParams *params = now->params;
  if (of(params)->adapts)
    now->numbers[0] = of(params)->adapt(params->sparsity.params, l0, now->numbers[0]);
}

double penalty_l1(const CodeNow *now)
{
  const PenaltyParams *params = now->params;
  const Sparsity *sparsity = of(params);
  if (sparsity == (const Sparsity *)family_find(&sparsities, "none")) return params->l1;
  const double rise =
      warmup_factor(sparsity->warmup(params->sparsity.params), now->step, now->steps);
  return sparsity->penalty(params->sparsity.params, false, 0, now->numbers[0], rise).l1;
}

int64_t every_atom(const CodeNow *now, int64_t m)
{
  (void)now;
  return m;
}
