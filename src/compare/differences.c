/* differences.csv: every two models, on shared seeds or by Welch's test. */
#include "compare/differences.h"
#include <math.h>
#include <stdlib.h>
#include "base/math.h"
#include "compare/entered.h"

/* Interval and test of a mean with this variance; without variance there is nothing to test. */
static Difference from_variance(double value, double variance, double degrees)
{
  if (variance == 0) return (Difference){value, value, value, NAN};
  const double error = sqrt(variance);
  const double half = math_student_quantile(0.975, degrees) * error;
  const double t = (value < 0 ? -value : value) / error;
  return (Difference){value, value - half, value + half, 2 * math_student_tail(t, degrees)};
}

Difference difference_paired(int64_t S, const double *h)
{
  const PairInterval R = pair_interval(S, h);
  return from_variance(R.mean, interval_variance(&R), (double)(S - 1));
}

Difference difference_welch(int64_t Sa, const PairInterval *a, int64_t Sb, const PairInterval *b)
{
  const double va = interval_variance(a), vb = interval_variance(b), both = va + vb;
  const double degrees = both * both / (va * va / (double)(Sa - 1) + vb * vb / (double)(Sb - 1));
  return from_variance(a->mean - b->mean, both, degrees);
}

typedef struct {
  double p;
  int64_t at;
} Test;

static int by_p(const void *a, const void *b)
{
  const Test *x = a, *y = b;
  return x->p < y->p ? -1 : x->p > y->p ? 1 : (x->at > y->at) - (x->at < y->at);
}

PetscErrorCode HolmAdjust(int64_t n, double *p)
{
  Test *test;
  int64_t tests = 0;
  double least = 0;
  PetscFunctionBeginUser;
  PetscCall(ArrayCreate(n, &test));
  for (int64_t i = 0; i < n; i++)
    if (!isnan(p[i])) test[tests++] = (Test){p[i], i};
  qsort(test, (size_t)tests, sizeof(*test), by_p);
  for (int64_t i = 0; i < tests; i++) {
    const double adjusted = (double)(tests - i) * test[i].p;
    if (adjusted > least) least = adjusted < 1 ? adjusted : 1;
    p[test[i].at] = least;
  }
  PetscCall(ArrayDestroy(&test));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* One model of a difference: the runs that enter. */
typedef struct {
  const ComparedGroup *group;
  const GroupPairs *pairs;
  int64_t runs;
  int64_t *run; /* [runs] */
} Side;

/* Two models: over which runs, and how. */
typedef struct {
  const Side *a, *b;
  bool paired;
  int64_t shared;
  int64_t *run_a, *run_b; /* [shared] */
  Text note;
} Couple;

typedef struct {
  int64_t measures, rows; /* rows = measures x CENTRINGS, of each couple */
  const ChosenComparison *chosen;
  double *h, *k; /* room for matrices of pairs */
} Differing;

static PetscErrorCode SideCreate(const ComparedGroup *group, const GroupPairs *pairs, Side *side)
{
  PetscFunctionBeginUser;
  *side = (Side){.group = group, .pairs = pairs};
  PetscCall(RunsThatEnter(group, &side->runs, &side->run, NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Equal in every purpose that varies in both groups, and there is one. */
static bool share_seeds(const Side *a, const Side *b, int64_t i, int64_t j)
{
  bool any = false;
  for (int p = 0; p < SEED_PURPOSES; p++) {
    if (!purpose_varies(a->group, p) || !purpose_varies(b->group, p)) continue;
    if (a->group->run[i].seed[p] != b->group->run[j].seed[p]) return false;
    any = true;
  }
  return any;
}

/* What is to be said of both models, or of one by its name. */
static PetscErrorCode NoteCouple(Couple *couple)
{
  const Side *a = couple->a, *b = couple->b;
  Text of_a = {0}, of_b = {0};
  PetscFunctionBeginUser;
  PetscCall(NoteRuns(a->group, a->pairs, couple->paired ? couple->shared : a->runs,
                     couple->paired ? couple->run_a : a->run, &of_a));
  PetscCall(NoteRuns(b->group, b->pairs, couple->paired ? couple->shared : b->runs,
                     couple->paired ? couple->run_b : b->run, &of_b));
  note_two(of_a.s, of_b.s, &couple->note);
  text_clear(&of_a);
  text_clear(&of_b);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CoupleCreate(const Side *a, const Side *b, Couple *couple)
{
  PetscFunctionBeginUser;
  *couple = (Couple){.a = a, .b = b};
  PetscCall(ArrayCreate(a->runs, &couple->run_a));
  PetscCall(ArrayCreate(a->runs, &couple->run_b));
  for (int64_t i = 0; i < a->runs; i++)
    for (int64_t j = 0; j < b->runs; j++)
      if (share_seeds(a, b, a->run[i], b->run[j])) {
        couple->run_a[couple->shared] = a->run[i];
        couple->run_b[couple->shared++] = b->run[j];
        break;
      }
  couple->paired = couple->shared >= 3;
  PetscCall(NoteCouple(couple));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CoupleDestroy(Couple *couple)
{
  PetscFunctionBeginUser;
  PetscCall(ArrayDestroy(&couple->run_a));
  PetscCall(ArrayDestroy(&couple->run_b));
  text_clear(&couple->note);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Is row i of the two models the one that counts without adjustment? */
static bool first_row(const Differing *all, const Couple *couple, int64_t i)
{
  const ChosenComparison *one = &all->chosen[i / CENTRINGS];
  const Centring c = (Centring)(i % CENTRINGS);
  return is_primary(couple->a->group, one, c) && is_primary(couple->b->group, one, c);
}

static Difference one_difference(const Differing *all, const Couple *couple, int64_t measure,
                                 Centring c)
{
  const Side *a = couple->a, *b = couple->b;
  if (couple->paired) {
    const int64_t n = couple->shared;
    pair_matrix(a->pairs, n, couple->run_a, STAGE_END, c, measure, all->h);
    pair_matrix(b->pairs, n, couple->run_b, STAGE_END, c, measure, all->k);
    for (int64_t i = 0; i < n * n; i++) all->h[i] -= all->k[i];
    return difference_paired(n, all->h);
  }
  pair_matrix(a->pairs, a->runs, a->run, STAGE_END, c, measure, all->h);
  pair_matrix(b->pairs, b->runs, b->run, STAGE_END, c, measure, all->k);
  const PairInterval A = pair_interval(a->runs, all->h), B = pair_interval(b->runs, all->k);
  return difference_welch(a->runs, &A, b->runs, &B);
}

/* All rows of two models: row [rows], and p adjusted [rows] but for the primary one, which is left
   as it is. Rows that are not wanted are NaN. */
static PetscErrorCode CoupleRows(const Differing *all, const Couple *couple, bool secondary,
                                 Difference *row, double *adjusted)
{
  double primary = NAN;
  int64_t at = -1;
  PetscFunctionBeginUser;
  for (int64_t i = 0; i < all->rows; i++) {
    const bool first = first_row(all, couple, i);
    row[i] = (Difference){NAN, NAN, NAN, NAN};
    if (first || secondary)
      row[i] = one_difference(all, couple, i / CENTRINGS, (Centring)(i % CENTRINGS));
    adjusted[i] = first ? (double)NAN : row[i].p;
    if (first) at = i, primary = row[i].p;
  }
  PetscCall(HolmAdjust(all->rows, adjusted));
  if (at >= 0) adjusted[at] = primary;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode AddRow(const Differing *all, const Couple *couple, int64_t i,
                             const Difference *row, double adjusted, Table *table)
{
  const Centring c = (Centring)(i % CENTRINGS);
  char *measure = chosen_label(&all->chosen[i / CENTRINGS]);
  PetscFunctionBeginUser;
  PetscCall(TableAddRow(table));
  table_text(table, "model_a", couple->a->group->model);
  table_text(table, "model_b", couple->b->group->model);
  table_text(table, "measure", measure);
  table_text(table, "centring", centring_names[c]);
  table_integer(table, "runs_a", couple->paired ? couple->shared : couple->a->runs);
  table_integer(table, "runs_b", couple->paired ? couple->shared : couple->b->runs);
  table_number(table, "difference", row->value);
  table_number(table, "low", row->low);
  table_number(table, "high", row->high);
  table_text(table, "design", couple->paired ? "paired" : "welch");
  table_number(table, "p", row->p);
  table_number(table, "p_holm", adjusted);
  table_text(table, "role", first_row(all, couple, i) ? "primary" : "secondary");
  table_text(table, "note", couple->note.s ? couple->note.s : "");
  free(measure);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The primary rows' p, adjusted for all couples that have one. */
static PetscErrorCode AdjustPrimary(const Differing *all, int64_t couples, const Couple *couple,
                                    double *adjusted)
{
  double *p;
  PetscFunctionBeginUser;
  PetscCall(ArrayCreate(couples, &p));
  for (int64_t i = 0; i < all->rows; i++) {
    for (int64_t k = 0; k < couples; k++)
      p[k] = first_row(all, &couple[k], i) ? adjusted[k * all->rows + i] : (double)NAN;
    PetscCall(HolmAdjust(couples, p));
    for (int64_t k = 0; k < couples; k++)
      if (first_row(all, &couple[k], i)) adjusted[k * all->rows + i] = p[k];
  }
  PetscCall(ArrayDestroy(&p));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Rows of every two of the sides. */
static PetscErrorCode WriteCouples(const Differing *all, int64_t sides, const Side *side,
                                   Table *table)
{
  const int64_t couples = sides * (sides - 1) / 2;
  Couple *couple;
  Difference *row;
  double *adjusted;
  int64_t k = 0;
  PetscFunctionBeginUser;
  PetscCall(ArrayCreate(couples, &couple));
  PetscCall(ArrayCreate(couples * all->rows, &row));
  PetscCall(ArrayCreate(couples * all->rows, &adjusted));
  for (int64_t a = 0; a < sides; a++)
    for (int64_t b = a + 1; b < sides; b++, k++) {
      PetscCall(CoupleCreate(&side[a], &side[b], &couple[k]));
      PetscCall(CoupleRows(all, &couple[k], sides <= DIFFERENCES_GROUPS, row + k * all->rows,
                           adjusted + k * all->rows));
    }
  PetscCall(AdjustPrimary(all, couples, couple, adjusted));
  for (k = 0; k < couples; k++) {
    for (int64_t i = 0, at = k * all->rows; i < all->rows; i++, at++)
      if (!isnan(row[at].value))
        PetscCall(AddRow(all, &couple[k], i, &row[at], adjusted[at], table));
    PetscCall(CoupleDestroy(&couple[k]));
  }
  PetscCall(ArrayDestroy(&adjusted));
  PetscCall(ArrayDestroy(&row));
  PetscCall(ArrayDestroy(&couple));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DifferencesTable(int64_t count, const ComparedGroup *groups, const GroupPairs *pairs,
                                const ChosenComparison *chosen, Table **differences)
{
  Differing all = {.chosen = chosen};
  int64_t sides = 0, most = 0;
  Side *side;
  PetscFunctionBeginUser;
  while (chosen[all.measures].comparison) all.measures++;
  all.rows = all.measures * CENTRINGS;
  PetscCall(TableCreate("model_a,model_b,measure,centring,runs_a,runs_b,difference,low,high,design,"
                        "p,p_holm,role,note",
                        differences));
  PetscCall(ArrayCreate(count, &side));
  for (int64_t g = 0; g < count; g++) {
    if (pairs[g].pairs == 0 || groups[g].is_surrogate) continue;
    PetscCall(SideCreate(&groups[g], &pairs[g], &side[sides++]));
    most = max_i64(most, groups[g].runs);
  }
  PetscCall(ArrayCreate(most * most, &all.h));
  PetscCall(ArrayCreate(most * most, &all.k));
  PetscCall(WriteCouples(&all, sides, side, *differences));
  PetscCall(ArrayDestroy(&all.k));
  PetscCall(ArrayDestroy(&all.h));
  for (int64_t s = 0; s < sides; s++) PetscCall(ArrayDestroy(&side[s].run));
  PetscCall(ArrayDestroy(&side));
  PetscFunctionReturn(PETSC_SUCCESS);
}
