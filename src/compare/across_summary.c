/* What the pairs of two models' runs say together. */
#include "compare/across_parts.h"
#include "compare/entered.h"
#include "compare/interval.h"
#include "compare/purposes.h"
#include <math.h>

/* The number of a pair of runs, by their places; -1: there is none. */
static int64_t find_pair(const Across *all, int64_t i, int64_t j)
{
  for (int64_t p = 0; p < all->pairs; p++)
    if (all->pair[p][0] == i && all->pair[p][1] == j) return p;
  return -1;
}

bool across_paired(const Across *all, int64_t *partner)
{
  const int64_t n = all->side[0].runs;
  if (n != all->side[1].runs || all->pairs != n * (n - 1)) return false;
  for (int64_t i = 0; i < n; i++) {
    partner[i] = -1;
    for (int64_t j = 0; j < n; j++)
      if (find_pair(all, i, j) < 0) partner[i] = partner[i] < 0 ? j : n;
    if (partner[i] < 0 || partner[i] == n) return false;
    for (int64_t q = 0; q < i; q++)
      if (partner[q] == partner[i]) return false;
  }
  return true;
}

/* The interval over seeds that both models have. */
static PetscErrorCode OverSeeds(const Across *all, const int64_t *partner, Centring c, int64_t v,
                                Summary *row)
{
  const int64_t n = all->side[0].runs;
  double *h;
  PetscFunctionBeginUser;
  PetscCall(ArrayCreate(n * n, &h));
  for (int64_t i = 0; i < n; i++)
    for (int64_t j = i + 1; j < n; j++) {
      const int64_t one = find_pair(all, i, partner[j]), other = find_pair(all, j, partner[i]);
      h[i * n + j] = (*across_value(all, all->value, one, c, v) +
                      *across_value(all, all->value, other, c, v)) /
                     2;
    }
  const PairInterval interval = pair_interval(n, h);
  row->low = interval.low;
  row->high = interval.high;
  PetscCall(ArrayDestroy(&h));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode AcrossSummary(const Across *all, Centring c, int64_t v, Summary *row)
{
  const bool single = all->side[0].runs == 1 || all->side[1].runs == 1;
  Exact sum = {0}, whole = {0};
  int64_t *partner;
  double *value;
  PetscFunctionBeginUser;
  *row = (Summary){(double)NAN, (double)NAN, (double)NAN, (double)NAN};
  if (all->pairs == 0) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(ArrayCreate(all->side[0].runs, &partner));
  PetscCall(ArrayCreate(all->pairs, &value));
  for (int64_t p = 0; p < all->pairs; p++) {
    value[p] = *across_value(all, all->value, p, c, v);
    exact_add(&sum, value[p]);
    exact_add(&whole, *across_value(all, all->whole, p, c, v));
  }
  row->mean = exact_value(&sum) / (double)all->pairs;
  row->whole = exact_value(&whole) / (double)all->pairs;
  if (single && !isnan(row->mean)) {
    double mean;
    blocks_mean(all->pairs, value, &mean, &row->low, &row->high);
  } else if (!isnan(row->mean) && across_paired(all, partner))
    PetscCall(OverSeeds(all, partner, c, v, row));
  PetscCall(ArrayDestroy(&value));
  PetscCall(ArrayDestroy(&partner));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static bool holds(const Across *all, int fact)
{
  for (int64_t p = 0; p < all->pairs; p++)
    if (all->fact[p * FACTS + fact] > 0) return true;
  return false;
}

/* "model_a has no ...", by which of the models has it. */
static void note_lack(bool a, bool b, const char *what, Text *note)
{
  note_add(note, a ? "model_b has no %s" : b ? "model_a has no %s" : "neither model has %s", what);
}

/* Why a row has no value, though there are pairs. */
static void note_absent(const Across *all, const Comparison *one, Text *note)
{
  const ComparedGroup *a = all->side[0].group;
  const bool encoder_a = holds(all, FACT_ENCODER_A), encoder_b = holds(all, FACT_ENCODER_B),
             codes_a = holds(all, FACT_CODES_A), codes_b = holds(all, FACT_CODES_B);
  if (one->needs & (NEED_CODES | NEED_TRUTH) && !a->view->tokens)
    note_add(note, "no tokens are given");
  else if (one->needs & NEED_TRUTH)
    note_add(note, "tokens without known atoms");
  else if (one->needs & NEED_CODES && !all->same_tokens)
    note_add(note, "codes of other tokens");
  else if (one->needs & NEED_CODES && !a->all_tokens && !split_count(a->view->split, true))
    note_add(note, "no held-out tokens");
  else if (one->needs & NEED_CODES)
    note_lack(codes_a, codes_b, "codes", note);
  else if (one->needs & (NEED_ENCODER | NEED_BOTH))
    note_lack(encoder_a, encoder_b, encoder_a || encoder_b ? "encoder" : "an encoder", note);
}

static bool share_anchors(const Across *all)
{
  const AcrossSide *a = &all->side[0], *b = &all->side[1];
  for (int64_t p = 0; p < all->pairs; p++)
    if (same_anchors(&a->group->run[a->run[all->pair[p][0]]],
                     &b->group->run[b->run[all->pair[p][1]]]))
      return true;
  return false;
}

void across_note(const Across *all, const Comparison *one, const Summary *row, Text *note)
{
  const AcrossSide *a = &all->side[0], *b = &all->side[1];
  Text of_a = {0}, of_b = {0}, both = {0};
  if (all->stored_units) note_add(note, "in units of the tokens as stored");
  if (share_anchors(all)) note_add(note, "given these anchors");
  if (holds(all, FACT_SAME_START)) note_add(note, "given this start");
  if (all->pairs == 0)
    note_add(note, "no two runs without a common seed");
  else if (isnan(row->mean))
    note_absent(all, one, note);
  else if (all->pairs > 1 && isnan(row->low))
    note_add(note, a->runs < 3 || b->runs < 3 ? "fewer than 3 runs: no interval"
                                              : "runs of other seeds: no interval");
  if (a->runs == 1 && b->runs > 1) note_add(note, "given model_a's one run");
  if (b->runs == 1 && a->runs > 1) note_add(note, "given model_b's one run");
  if (all->pairs > 2 && (a->runs == 3 || b->runs == 3) && !isnan(row->low))
    note_add(note, "weak: 3 runs");
  note_unfinished(a->group, &of_a);
  note_unfinished(b->group, &of_b);
  note_two(of_a.s, of_b.s, &both);
  if (both.s) note_add(note, "%s", both.s);
  text_clear(&of_a);
  text_clear(&of_b);
  text_clear(&both);
}
