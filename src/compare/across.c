/* across.csv: two models' dictionaries against each other. */
#include "compare/across.h"
#include "compare/across_parts.h"
#include "compare/entered.h"
#include "compare/nulls.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

bool same_units(const Normaliser *a, const Normaliser *b)
{
  for (int64_t i = 1; i < a->d; i++) {
    const double x = a->scale[i] * b->scale[0], y = b->scale[i] * a->scale[0];
    if (!(fabs(x - y) <= 1e-12 * fabs(x))) return false;
  }
  return true;
}

PetscErrorCode LivingOfGroup(const ComparedGroup *group, Mistakes *mistakes, Living **living)
{
  PetscFunctionBeginUser;
  PetscCall(ArrayCreate(group->runs, living));
  for (int64_t r = 0; r < group->runs; r++)
    PetscCall(LivingRead(group->run[r].folder, mistakes, &(*living)[r]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode LivingRelease(const ComparedGroup *group, Living **living)
{
  PetscFunctionBeginUser;
  for (int64_t r = 0; *living && r < group->runs; r++) PetscCall(ArrayDestroy(&(*living)[r].atom));
  PetscCall(ArrayDestroy(living));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Equal seeds of a purpose that both draw from, and that varies in one of the models. */
static bool share_a_seed(const AcrossSide *a, const AcrossSide *b, int64_t i, int64_t j)
{
  for (int p = 0; p < SEED_PURPOSES; p++) {
    const int64_t x = a->group->run[a->run[i]].seed[p], y = b->group->run[b->run[j]].seed[p];
    if (x >= 0 && x == y && (purpose_varies(a->group, p) || purpose_varies(b->group, p)))
      return true;
  }
  return false;
}

static PetscErrorCode SideCreate(const ComparedGroup *group, const Living *living, AcrossSide *side)
{
  PetscFunctionBeginUser;
  *side = (AcrossSide){.group = group, .living = living};
  PetscCall(RunsThatEnter(group, &side->runs, &side->run, NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode AcrossCreate(const ComparedGroup *groups, Living *const *living,
                                   Couple couple, const CompareOptions *options, Across *all)
{
  const View *x = groups[couple.a].view, *y = groups[couple.b].view;
  AcrossSide *a = &all->side[0], *b = &all->side[1];
  PetscFunctionBeginUser;
  *all = (Across){.options = options, .measures = chosen_count(options->chosen)};
  PetscCall(SideCreate(&groups[couple.a], living[couple.a], a));
  PetscCall(SideCreate(&groups[couple.b], living[couple.b], b));
  all->stored_units = !same_units(x->normaliser, y->normaliser);
  all->same_tokens = x->tokens == y->tokens && x->split == y->split;
  PetscCall(ArrayCreate(a->runs * b->runs, &all->pair));
  for (int64_t i = 0; i < a->runs; i++)
    for (int64_t j = 0; j < b->runs; j++)
      if (!share_a_seed(a, b, i, j)) {
        all->pair[all->pairs][0] = i;
        all->pair[all->pairs++][1] = j;
      }
  PetscCall(ArrayCreate(all->pairs * CENTRINGS * all->measures, &all->value));
  PetscCall(ArrayCreate(all->pairs * CENTRINGS * all->measures, &all->whole));
  PetscCall(ArrayCreate(all->pairs * FACTS, &all->fact));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode AcrossDestroy(Across *all)
{
  PetscFunctionBeginUser;
  for (int s = 0; s < 2; s++) PetscCall(ArrayDestroy(&all->side[s].run));
  PetscCall(ArrayDestroy(&all->pair));
  PetscCall(ArrayDestroy(&all->value));
  PetscCall(ArrayDestroy(&all->whole));
  PetscCall(ArrayDestroy(&all->fact));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Values of one pair with one centring. */
static PetscErrorCode OnePair(const Kernels *kernels, const Across *all, int64_t pair, Centring c)
{
  const int64_t i = all->side[0].run[all->pair[pair][0]], j = all->side[1].run[all->pair[pair][1]];
  double *value = across_value(all, all->value, pair, c, 0),
         *whole = across_value(all, all->whole, pair, c, 0), *fact = all->fact + pair * FACTS;
  const ChosenComparison *chosen = all->options->chosen;
  AtomPair two;
  Atoms a, b;
  PetscFunctionBeginUser;
  for (int64_t v = 0; v < all->measures; v++) value[v] = whole[v] = (double)NAN;
  PetscCall(SidesGet(all->side[0].sides, i, STAGE_END, c, &a));
  PetscCall(SidesGet(all->side[1].sides, j, STAGE_END, c, &b));
  if (!a.unit || !b.unit) PetscFunctionReturn(PETSC_SUCCESS);
  if (!all->same_tokens) a.codes = b.codes = NULL;
  PetscCall(PairCreate(kernels, &a, &b, chosen_needs(chosen), &two));
  pair_values(&two, chosen, value);
  two.of_a = two.of_b = max_i64(a.m, b.m);
  pair_values(&two, chosen, whole);
  PetscCall(PairDestroy(&two));
  for (int64_t v = 0; v < all->measures; v++) {
    const Comparison *one = chosen[v].comparison;
    if (one->once && c != CENTRING_RAW) value[v] = (double)NAN;
    if (!(one->needs & (NEED_MATCHING | NEED_ABSOLUTE | NEED_ENCODER | NEED_BOTH)) || one->whole)
      whole[v] = (double)NAN;
  }
  if (c == CENTRING_RAW) {
    fact[FACT_ENCODER_A] = a.encoder != NULL;
    fact[FACT_ENCODER_B] = b.encoder != NULL;
    fact[FACT_CODES_A] = a.codes && a.codes->n > 0;
    fact[FACT_CODES_B] = b.codes && b.codes->n > 0;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Did both start from the same atoms? */
static PetscErrorCode SameStart(const Across *all, int64_t pair)
{
  const AcrossSide *a = &all->side[0], *b = &all->side[1];
  const int64_t i = a->run[all->pair[pair][0]], j = b->run[all->pair[pair][1]];
  const Living *x = &a->living[i], *y = &b->living[j];
  const float *A, *B;
  PetscFunctionBeginUser;
  if (x->m != y->m || a->group->all_tokens) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(SidesWhole(a->sides, i, STAGE_INITIAL, &A));
  PetscCall(SidesWhole(b->sides, j, STAGE_INITIAL, &B));
  all->fact[pair * FACTS + FACT_SAME_START] =
      A && B && !memcmp(A, B, (size_t)(x->m * x->d) * sizeof(*A));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* All pairs, spread over the ranks. */
static PetscErrorCode AllPairs(MPI_Comm comm, const Kernels *kernels, Across *all,
                               Mistakes *mistakes)
{
  const int64_t each = all->pairs * CENTRINGS * all->measures;
  const unsigned needs = chosen_needs(all->options->chosen);
  int64_t most = 0, job = 0, number, workers;
  PetscFunctionBeginUser;
  for (int s = 0; s < 2; s++) {
    AcrossSide *side = &all->side[s];
    for (int64_t r = 0; r < side->group->runs; r++) most = max_i64(most, side->living[r].alive);
    PetscCall(SidesCreate(kernels, side->group, all->options, needs, side->living, mistakes,
                          &side->sides));
    if (all->stored_units) PetscCall(SidesStoredUnits(side->sides));
  }
  PetscCall(PairWorkers(comm, most, &number, &workers));
  for (int64_t p = 0; p < all->pairs; p++) {
    for (Centring c = 0; c < CENTRINGS; c++)
      if (all->options->centrings >> c & 1 && job++ % workers == number)
        PetscCall(OnePair(kernels, all, p, c));
    if (p % workers == number) PetscCall(SameStart(all, p));
  }
  for (int s = 0; s < 2; s++) PetscCall(SidesDestroy(&all->side[s].sides));
  PetscCall(SpreadJoin(comm, each, all->value));
  PetscCall(SpreadJoin(comm, each, all->whole));
  PetscCall(SpreadJoin(comm, all->pairs * FACTS, all->fact));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Means over the pairs: atoms with a partner, without one on each side, dead ones on each side. */
typedef struct {
  double matched, unmatched[2], dead[2], alive[2];
} Counts;

static Counts count_atoms(const Across *all)
{
  Counts n = {0};
  for (int64_t p = 0; p < all->pairs; p++) {
    int64_t alive[2];
    for (int s = 0; s < 2; s++) {
      const Living *living = &all->side[s].living[all->side[s].run[all->pair[p][s]]];
      alive[s] = living->alive;
      n.alive[s] += (double)living->alive / (double)all->pairs;
      n.dead[s] += (double)(living->m - living->alive) / (double)all->pairs;
    }
    n.matched += (double)min_i64(alive[0], alive[1]) / (double)all->pairs;
    for (int s = 0; s < 2; s++)
      n.unmatched[s] += (double)max_i64(0, alive[s] - alive[1 - s]) / (double)all->pairs;
  }
  return n;
}

/* Values [CENTRINGS x measures] of null dictionaries as large as these; NULL where there are none.
 */
static PetscErrorCode FindNulls(NullStore *store, const Across *all, const Counts *n,
                                const double *null[NULL_KINDS])
{
  const View *view = all->side[0].group->view;
  const int64_t a = (int64_t)(n->alive[0] + .5), b = (int64_t)(n->alive[1] + .5);
  PetscFunctionBeginUser;
  for (NullKind k = 0; k < NULL_KINDS; k++) {
    null[k] = NULL;
    if (all->pairs == 0 || a == 0 || b == 0) continue;
    if (k == NULL_RANDOM || (view->tokens && !all->stored_units))
      PetscCall(NullStoreGetTwo(store, view, k, a, b, &null[k]));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode AddRow(const Across *all, int64_t v, Centring c, const Counts *n,
                             const double *const null[NULL_KINDS], Table *table)
{
  static const char *const columns[NULL_KINDS] = {"null_random", "null_gaussian", "null_tokens"};
  const ChosenComparison *one = &all->options->chosen[v];
  const AcrossSide *a = &all->side[0], *b = &all->side[1];
  char *label = chosen_label(one);
  Summary row;
  Text note = {0};
  PetscFunctionBeginUser;
  PetscCall(AcrossSummary(all, c, v, &row));
  across_note(all, one->comparison, &row, &note);
  PetscCall(TableAddRow(table));
  table_text(table, "model_a", a->group->model);
  table_text(table, "model_b", b->group->model);
  table_text(table, "measure", label);
  table_text(table, "centring", centring_names[c]);
  table_integer(table, "pairs", all->pairs);
  table_number(table, "value", row.mean);
  table_number(table, "low", row.low);
  table_number(table, "high", row.high);
  table_number(table, "unmatched_a", n->unmatched[0]);
  table_number(table, "unmatched_b", n->unmatched[1]);
  table_text(table, "note", note.s ? note.s : "");
  table_number(table, "matched", n->matched);
  table_number(table, "with_unmatched", row.whole);
  table_integer(table, "runs_a", a->runs);
  table_integer(table, "runs_b", b->runs);
  table_number(table, "dead_a", n->dead[0]);
  table_number(table, "dead_b", n->dead[1]);
  for (NullKind k = 0; k < NULL_KINDS; k++)
    if (null[k] && !isnan(row.mean))
      table_number(table, columns[k], null[k][c * all->measures + v]);
  text_clear(&note);
  free(label);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The rows of two models. */
static PetscErrorCode AddCouple(MPI_Comm comm, const Kernels *kernels, NullStore *store,
                                Across *all, Mistakes *mistakes, Table *table)
{
  const Counts n = count_atoms(all);
  const double *null[NULL_KINDS];
  bool any;
  PetscFunctionBeginUser;
  PetscCall(AllPairs(comm, kernels, all, mistakes));
  PetscCall(MistakesAgree(comm, mistakes, &any));
  if (any) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(FindNulls(store, all, &n, null));
  for (int64_t v = 0; v < all->measures; v++)
    for (Centring c = 0; c < CENTRINGS; c++)
      if (all->options->centrings >> c & 1 &&
          !(all->options->chosen[v].comparison->once && c != CENTRING_RAW))
        PetscCall(AddRow(all, v, c, &n, null, table));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode AcrossTable(MPI_Comm comm, const Kernels *kernels, const ComparedGroup *groups,
                           Living *const *living, int64_t couples, const Couple *couple,
                           const CompareOptions *options, Mistakes *mistakes, Table **table)
{
  NullStore *store;
  Across all;
  PetscFunctionBeginUser;
  PetscCall(TableCreate("model_a,model_b,measure,centring,pairs,value,low,high,unmatched_a,"
                        "unmatched_b,note,matched,with_unmatched,runs_a,runs_b,dead_a,dead_b,"
                        "null_random,null_gaussian,null_tokens",
                        table));
  PetscCall(NullStoreCreate(comm, kernels, options, &store));
  for (int64_t k = 0; k < couples; k++) {
    PetscCall(AcrossCreate(groups, living, couple[k], options, &all));
    PetscCall(AddCouple(comm, kernels, store, &all, mistakes, *table));
    PetscCall(AcrossDestroy(&all));
  }
  PetscCall(NullStoreDestroy(&store));
  PetscFunctionReturn(PETSC_SUCCESS);
}
