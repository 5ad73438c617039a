/* purposes.csv: what each purpose of seeds decides, from blocks of five runs. */
#include "compare/purposes.h"
#include <math.h>
#include <stdlib.h>
#include "base/exact.h"
#include "base/math.h"
#include "compare/entered.h"

static int count_bits(int set)
{
  int bits = 0;
  for (; set; set &= set - 1) bits++;
  return bits;
}

void purpose_effects(int purposes, const double *M, double *V, double *share)
{
  for (int p = 0; p < purposes; p++) share[p] = 0;
  for (int u = 0; u < 1 << purposes; u++) {
    Exact sum = {0};
    for (int s = 0; s <= u; s++)
      if ((s & u) == s) exact_add(&sum, (count_bits(u) - count_bits(s)) % 2 ? -M[s] : M[s]);
    V[u] = exact_value(&sum);
    for (int p = 0; p < purposes; p++)
      if (u >> p & 1) share[p] += V[u] / count_bits(u);
  }
}

void blocks_mean(int64_t blocks, const double *value, double *mean, double *low, double *high)
{
  Exact sum = {0}, squares = {0};
  for (int64_t b = 0; b < blocks; b++) exact_add(&sum, value[b]);
  *mean = exact_value(&sum) / (double)blocks;
  for (int64_t b = 0; b < blocks; b++) exact_add(&squares, (value[b] - *mean) * (value[b] - *mean));
  const double degrees = (double)(blocks - 1);
  const double error = sqrt(exact_value(&squares) / degrees / (double)blocks);
  const double half = blocks < 3 ? (double)NAN : math_student_quantile(0.975, degrees) * error;
  *low = *mean - half;
  *high = *mean + half;
}

/* The purposes that vary in a group, and what its blocks give. */
typedef struct {
  const ComparedGroup *group;
  const GroupPairs *pairs;
  int purposes, purpose[SEED_PURPOSES];
  int64_t blocks;
  double *M, *V, *share; /* [blocks x 2^purposes], the same, [blocks x purposes] */
  Text given;            /* what the runs of different blocks share, and what did not finish */
} Blocks;

/* Which of the varying seeds two runs share. */
static int shared_seeds(const Blocks *all, int64_t i, int64_t j)
{
  int set = 0;
  for (int p = 0; p < all->purposes; p++)
    if (all->group->run[i].seed[all->purpose[p]] == all->group->run[j].seed[all->purpose[p]])
      set |= 1 << p;
  return set;
}

static bool seen_before(const int64_t *run, int q)
{
  for (int p = 0; p < q; p++)
    if (run[p] == run[q]) return true;
  return false;
}

/* M [2^purposes] of the block of these runs; false: one is not finished, or has no value. */
static bool block_similarities(const Blocks *all, const int64_t *run, Centring c, int64_t measure,
                               double *M)
{
  const int sets = 1 << all->purposes;
  Exact sum[PURPOSE_SETS] = {0};
  int64_t count[PURPOSE_SETS] = {0};
  for (int q = 0; q < BLOCK_RUNS; q++) {
    if (run[q] < 0) return false;
    for (int p = 0; p < q; p++) {
      if (seen_before(run, q) || seen_before(run, p)) continue;
      const int64_t i = min_i64(run[p], run[q]), j = max_i64(run[p], run[q]);
      const int set = shared_seeds(all, i, j);
      count[set]++;
      exact_add(&sum[set], *pair_value(all->pairs, pair_number(all->pairs->runs, i, j), STAGE_END,
                                       c, measure));
    }
  }
  for (int s = 0; s < sets; s++) {
    M[s] = s == sets - 1 ? 1 : exact_value(&sum[s]) / (double)count[s];
    if (isnan(M[s])) return false;
  }
  return true;
}

/* One row: the mean over blocks of value[b x stride]. */
static PetscErrorCode AddTerm(Table *table, const Blocks *all, const char *measure, Centring c,
                              const char *term, const double *value, int64_t stride)
{
  const int64_t planned = all->group->blocks;
  double *each, mean, low, high;
  Text note = {0};
  PetscFunctionBeginUser;
  PetscCall(ArrayCreate(all->blocks, &each));
  for (int64_t b = 0; b < all->blocks; b++) each[b] = value[b * stride];
  blocks_mean(all->blocks, each, &mean, &low, &high);
  PetscCall(TableAddRow(table));
  table_text(table, "model", all->group->model);
  table_text(table, "measure", measure);
  table_text(table, "centring", centring_names[c]);
  table_text(table, "term", term);
  table_number(table, "value", mean);
  table_number(table, "low", low);
  table_number(table, "high", high);
  table_integer(table, "blocks", all->blocks);
  if (all->given.s) text_add(&note, "%s", all->given.s);
  if (all->blocks < planned)
    note_add(&note, "%lld of %lld blocks, those whose runs all have a value",
             (long long)all->blocks, (long long)planned);
  table_text(table, "note", note.s ? note.s : "");
  text_clear(&note);
  PetscCall(ArrayDestroy(&each));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* "M(init,data)" */
static void name_term(const Blocks *all, const char *kind, int set, Text *name)
{
  text_clear(name);
  text_add(name, "%s", kind);
  for (int p = 0, n = 0; p < all->purposes; p++)
    if (set >> p & 1) text_add(name, "%s%s", n++ ? "," : "(", seed_purposes[all->purpose[p]]);
  text_add(name, ")");
}

/* The rows of one measure: core, M and V of every set, shares. */
static PetscErrorCode AddMeasure(Table *table, Blocks *all, const char *measure, Centring c,
                                 int64_t v)
{
  const int sets = 1 << all->purposes;
  const ComparedGroup *group = all->group;
  Text name = {0};
  PetscFunctionBeginUser;
  all->blocks = 0;
  for (int64_t b = 0; b < group->blocks; b++) {
    double *M = all->M + all->blocks * sets;
    if (!block_similarities(all, group->block + b * BLOCK_RUNS, c, v, M)) continue;
    purpose_effects(all->purposes, M, all->V + all->blocks * sets,
                    all->share + all->blocks * all->purposes);
    all->blocks++;
  }
  if (all->blocks > 0) {
    PetscCall(AddTerm(table, all, measure, c, "core", all->M, sets));
    for (int s = 1; s < sets; s++) {
      name_term(all, "M", s, &name);
      PetscCall(AddTerm(table, all, measure, c, name.s, all->M + s, sets));
    }
    for (int s = 1; s < sets; s++) {
      name_term(all, "V", s, &name);
      PetscCall(AddTerm(table, all, measure, c, name.s, all->V + s, sets));
    }
    for (int p = 0; p < all->purposes; p++) {
      name_term(all, "share", 1 << p, &name);
      PetscCall(AddTerm(table, all, measure, c, name.s, all->share + p, all->purposes));
    }
  }
  text_clear(&name);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Runs that share no seed are those of different blocks, and two of each block. */
static PetscErrorCode NoteBlocks(Blocks *all)
{
  int64_t runs, *run;
  PetscFunctionBeginUser;
  PetscCall(RunsThatEnter(all->group, &runs, &run, NULL));
  note_shared(all->group, all->pairs, runs, run, &all->given);
  note_unfinished(all->group, &all->given);
  PetscCall(ArrayDestroy(&run));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode PurposesTable(int64_t count, const ComparedGroup *groups, const GroupPairs *pairs,
                             const ChosenComparison *chosen, Table **purposes)
{
  PetscFunctionBeginUser;
  PetscCall(TableCreate("model,measure,centring,term,value,low,high,blocks,note", purposes));
  for (int64_t g = 0; g < count; g++) {
    Blocks all = {.group = &groups[g], .pairs = &pairs[g]};
    for (int p = 0; p < SEED_PURPOSES; p++)
      if (purpose_varies(&groups[g], p)) all.purpose[all.purposes++] = p;
    if (groups[g].blocks == 0 || pairs[g].pairs == 0 || groups[g].is_surrogate) continue;
    PetscCall(ArrayCreate(groups[g].blocks * PURPOSE_SETS, &all.M));
    PetscCall(ArrayCreate(groups[g].blocks * PURPOSE_SETS, &all.V));
    PetscCall(ArrayCreate(groups[g].blocks * SEED_PURPOSES, &all.share));
    PetscCall(NoteBlocks(&all));
    for (int64_t v = 0; chosen[v].comparison; v++) {
      const Comparison *one = chosen[v].comparison;
      /* of codes, a run with itself falls below 1 where an atom is silent on the tokens held out */
      const bool self = one->laws & LAW_SELF && !(one->needs & NEED_CODES);
      char *measure = chosen_label(&chosen[v]);
      for (Centring c = 0; self && c < CENTRINGS; c++)
        PetscCall(AddMeasure(*purposes, &all, measure, c, v));
      free(measure);
    }
    text_clear(&all.given);
    PetscCall(ArrayDestroy(&all.share));
    PetscCall(ArrayDestroy(&all.V));
    PetscCall(ArrayDestroy(&all.M));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}
