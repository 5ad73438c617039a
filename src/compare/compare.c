/* pairs.csv and stability.csv: every group's pairs, and what they say together. */
#include "compare/compare.h"
#include "compare/basins.h"
#include "compare/differences.h"
#include "compare/entered.h"
#include "compare/group.h"
#include "compare/interval.h"
#include "compare/nulls.h"
#include "compare/purposes.h"
#include "compare/trajectory.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
  MPI_Comm comm;
  const Kernels *kernels;
  const CompareOptions *options;
  int64_t measures;
  char **label; /* [measures] as in the tables */
  NullStore *nulls;
  CompareTables *tables;
} Comparing;

/* Is there a row for this measure and centring? */
static bool is_told(const CompareOptions *options, int64_t measure, Centring centring)
{
  return options->centrings >> centring & 1 &&
         !(options->chosen[measure].comparison->once && centring != CENTRING_RAW);
}

static PetscErrorCode AddPairRows(Comparing *to, const ComparedGroup *group, const GroupPairs *all,
                                  int64_t i, int64_t j)
{
  Table *table = to->tables->pairs;
  const int64_t a = all->living[i].alive, b = all->living[j].alive;
  PetscFunctionBeginUser;
  for (int64_t v = 0; v < all->measures; v++)
    for (Centring c = 0; c < CENTRINGS; c++)
      for (Stage s = 0; is_told(to->options, v, c) && s < STAGES; s++) {
        PetscCall(TableAddRow(table));
        table_text(table, "model", group->model);
        table_text(table, "run_a", group->run[i].id);
        table_text(table, "run_b", group->run[j].id);
        table_text(table, "measure", to->label[v]);
        table_text(table, "centring", centring_names[c]);
        table_text(table, "stage", stage_names[s]);
        table_number(table, "value", *pair_value(all, pair_number(all->runs, i, j), s, c, v));
        table_integer(table, "atoms_a", a);
        table_integer(table, "atoms_b", b);
        table_integer(table, "unmatched", a > b ? a - b : b - a);
      }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What entered a group's rows of stability.csv. */
typedef struct {
  int64_t runs, alive; /* how many runs; mean number of living atoms, rounded */
  int64_t *run;        /* [runs] */
  double dead;
  double *null[NULL_KINDS]; /* NULL: none */
  Text note;
} Entered;

/* Null dictionaries as large as the runs', and as many codes of a token, on average. */
static NullShape null_shape(const GroupPairs *all, const Entered *in)
{
  NullShape shape = {.m = {in->alive, in->alive}, .runs = in->runs};
  Exact active = {0};
  for (int64_t q = 0; q < in->runs; q++) {
    exact_add(&active, all->active[in->run[q]]);
    shape.negative |= all->negative[in->run[q]] > 0;
  }
  const double mean = exact_value(&active) / (double)max_i64(1, in->runs);
  shape.active = max_i64(1, (int64_t)(mean + .5));
  return shape;
}

static PetscErrorCode Enter(Comparing *to, const ComparedGroup *group, const GroupPairs *all,
                            Entered *in)
{
  int64_t living = 0, dead = 0;
  PetscFunctionBeginUser;
  *in = (Entered){0};
  PetscCall(RunsThatEnter(group, &in->runs, &in->run, NULL));
  for (int64_t q = 0; q < in->runs; q++) {
    const Living *one = &all->living[in->run[q]];
    living += one->alive;
    dead += one->m - one->alive;
  }
  in->dead = (double)dead / (double)in->runs;
  in->alive = (2 * living + in->runs) / max_i64(1, 2 * in->runs);
  const NullShape shape = null_shape(all, in);
  for (NullKind k = 0; in->runs > 1 && k < NULL_KINDS; k++) {
    PetscCall(ArrayCreate(CENTRINGS * to->measures, &in->null[k]));
    PetscCall(NullStoreGet(to->nulls, group->view, k, &shape, in->null[k]));
  }
  PetscCall(NoteRuns(group, all, in->runs, in->run, &in->note));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Means over the runs that entered, or over their pairs: exact sums, rounded once. */
typedef struct {
  double end_start, with_dead, nearest, effective_rank;
} Means;

static Means means_of(const GroupPairs *all, const Entered *in, Centring c, int64_t v)
{
  const double n = (double)in->runs, pairs = n * (n - 1) / 2;
  Exact cross = {0}, dead = {0}, nearest = {0}, rank = {0};
  for (int64_t q = 0; q < in->runs; q++) {
    const int64_t j = in->run[q];
    exact_add(&nearest, all->nearest[j * CENTRINGS + c]);
    exact_add(&rank, all->effective_rank[j]);
    if (in->runs > 1) exact_add(&cross, *end_start_value(all, j, c, v));
    for (int64_t p = 0; p < q; p++) {
      const int64_t i = in->run[p];
      exact_add(&dead, *with_dead_value(all, pair_number(all->runs, i, j), c, v));
    }
  }
  Means means = {(double)NAN, (double)NAN, exact_value(&nearest) / n, exact_value(&rank) / n};
  if (in->runs > 1) means.end_start = exact_value(&cross) / n;
  if (in->runs > 1) means.with_dead = exact_value(&dead) / pairs;
  return means;
}

/* Mean and interval of one measure over the runs that entered; basins: they look like two. */
static PetscErrorCode Summarise(const GroupPairs *all, const Entered *in, Stage stage, Centring c,
                                int64_t measure, PairInterval *interval, bool *basins)
{
  const int64_t n = in->runs;
  double *h;
  PetscFunctionBeginUser;
  PetscCall(ArrayCreate(n * n, &h));
  pair_matrix(all, n, in->run, stage, c, measure, h);
  *interval = pair_interval(n, h);
  if (basins) PetscCall(PairBasins(n, h, NULL, NULL, basins));
  PetscCall(ArrayDestroy(&h));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Why a row has no value, though there are pairs. */
static void note_of(const Comparison *one, const PairInterval *end, const Entered *in, Text *note)
{
  if (in->note.s) text_add(note, "%s", in->note.s);
  if (in->runs < 2 || !isnan(end->mean)) return;
  if (one->needs & (NEED_ENCODER | NEED_BOTH))
    note_add(note, "no encoder");
  else if (one->needs & NEED_CODES)
    note_add(note, "no held-out tokens");
  else if (one->needs & NEED_TRUTH)
    note_add(note, "tokens without known atoms");
  else if (one->needs & NEED_OTHERS && in->runs == 2)
    note_add(note, "no third run to choose atoms by");
}

static PetscErrorCode AddStabilityRow(Comparing *to, const ComparedGroup *group,
                                      const GroupPairs *all, const Entered *in, int64_t v,
                                      Centring c)
{
  static const char *const null_columns[NULL_KINDS] = {"null_random", "null_gaussian",
                                                       "null_tokens"};
  const Comparison *one = to->options->chosen[v].comparison;
  const Means means = means_of(all, in, c, v);
  Table *table = to->tables->stability;
  PairInterval end, initial;
  Text note = {0};
  bool basins;
  PetscFunctionBeginUser;
  PetscCall(Summarise(all, in, STAGE_END, c, v, &end, &basins));
  PetscCall(Summarise(all, in, STAGE_INITIAL, c, v, &initial, NULL));
  note_of(one, &end, in, &note);
  /* runs without encoder or codes: nulls that have them are not of their kind */
  const bool nothing =
      isnan(end.mean) && one->needs & (NEED_ENCODER | NEED_BOTH | NEED_CODES | NEED_OTHERS);
  if (basins) note_add(&note, "the runs look like two basins");
  PetscCall(TableAddRow(table));
  table_text(table, "model", group->model);
  table_text(table, "measure", to->label[v]);
  table_text(table, "centring", centring_names[c]);
  table_integer(table, "runs", in->runs);
  table_number(table, "value", end.mean);
  table_number(table, "low", end.low);
  table_number(table, "high", end.high);
  table_number(table, "initial", initial.mean);
  for (NullKind k = 0; k < NULL_KINDS; k++)
    if (in->null[k] && !nothing)
      table_number(table, null_columns[k], in->null[k][c * to->measures + v]);
  table_text(table, "anchors", group->anchors);
  table_number(table, "dead", in->dead);
  table_text(table, "note", note.s ? note.s : "");
  table_text(table, "role",
             is_primary(group, &to->options->chosen[v], c) ? "primary" : "secondary");
  table_number(table, "lambda", end.lambda);
  table_number(table, "end_start", means.end_start);
  table_number(table, "with_dead", means.with_dead);
  table_number(table, "nearest", means.nearest);
  table_number(table, "effective_rank", means.effective_rank);
  table_text(table, "basins", basins ? "two" : "");
  table_integer(table, "failed", group->failed);
  text_clear(&note);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* null_surrogate: the value of the same measure and centring of the group trained on surrogate
   tokens, which has rows of its own. */
static void add_surrogates(int64_t count, const ComparedGroup *groups, Table *table)
{
  const int column = table_column(table, "null_surrogate");
  for (int64_t g = 0; g < count; g++) {
    if (groups[g].surrogate < 0) continue;
    const char *from = groups[groups[g].surrogate].model;
    for (int64_t r = 0; r < table->rows; r++)
      for (int64_t s = 0;
           s < table->rows && !strcmp(table_cell(table, r, "model"), groups[g].model); s++)
        if (!strcmp(table_cell(table, s, "model"), from) &&
            !strcmp(table_cell(table, s, "measure"), table_cell(table, r, "measure")) &&
            !strcmp(table_cell(table, s, "centring"), table_cell(table, r, "centring"))) {
          char **cell = &table->cells[r * table->columns + column];
          free(*cell);
          *cell = text_copy(table_cell(table, s, "value"));
        }
  }
}

/* The rows of one group; its pairs are kept, or all 0 where there was a mistake. */
static PetscErrorCode CompareGroup(Comparing *to, const ComparedGroup *group, Mistakes *mistakes,
                                   GroupPairs *all)
{
  Entered in;
  bool any = false;
  PetscFunctionBeginUser;
  if (group->runs + group->failed == 0) PetscFunctionReturn(PETSC_SUCCESS);
  if (group->runs)
    PetscCall(GroupPairsCreate(to->comm, to->kernels, group, to->options, mistakes, &any, all));
  if (!any) {
    for (int64_t i = 0; i < group->runs; i++)
      for (int64_t j = i + 1; j < group->runs; j++) PetscCall(AddPairRows(to, group, all, i, j));
    PetscCall(Enter(to, group, all, &in));
    for (int64_t v = 0; v < to->measures; v++)
      for (Centring c = 0; c < CENTRINGS; c++)
        if (is_told(to->options, v, c)) PetscCall(AddStabilityRow(to, group, all, &in, v, c));
    PetscCall(TrajectoryAdd(to->comm, to->kernels, group, all->living, in.runs, in.run, in.note.s,
                            mistakes, to->tables->trajectory));
    for (NullKind k = 0; k < NULL_KINDS; k++) PetscCall(ArrayDestroy(&in.null[k]));
    PetscCall(ArrayDestroy(&in.run));
    text_clear(&in.note);
  } else {
    PetscCall(GroupPairsDestroy(all));
    *all = (GroupPairs){0};
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TablesCreate(CompareTables *tables)
{
  PetscFunctionBeginUser;
  PetscCall(TableCreate("model,run_a,run_b,measure,centring,stage,value,atoms_a,atoms_b,unmatched",
                        &tables->pairs));
  PetscCall(TableCreate("model,measure,centring,runs,value,low,high,initial,null_random,"
                        "null_gaussian,null_tokens,anchors,dead,note,role,lambda,null_surrogate,"
                        "end_start,with_dead,nearest,effective_rank,basins,failed",
                        &tables->stability));
  PetscCall(TableCreate("model,centring,step,runs,value,low,high,note", &tables->trajectory));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode CompareTablesDestroy(CompareTables *tables)
{
  PetscFunctionBeginUser;
  PetscCall(TableDestroy(&tables->pairs));
  PetscCall(TableDestroy(&tables->stability));
  PetscCall(TableDestroy(&tables->trajectory));
  PetscCall(TableDestroy(&tables->differences));
  PetscCall(TableDestroy(&tables->purposes));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode CompareGroups(MPI_Comm comm, const Kernels *kernels, int64_t count,
                             const ComparedGroup *groups, const CompareOptions *options,
                             Mistakes *mistakes, CompareTables *tables)
{
  Comparing all = {comm, kernels, options, chosen_count(options->chosen), .tables = tables};
  GroupPairs *pairs;
  PetscFunctionBeginUser;
  PetscCall(TablesCreate(tables));
  PetscCall(NullStoreCreate(comm, kernels, options, &all.nulls));
  PetscCall(ArrayCreate(all.measures, &all.label));
  for (int64_t v = 0; v < all.measures; v++) all.label[v] = chosen_label(&options->chosen[v]);
  PetscCall(ArrayCreate(count, &pairs));
  for (int64_t g = 0; g < count; g++)
    PetscCall(CompareGroup(&all, &groups[g], mistakes, &pairs[g]));
  PetscCall(DifferencesTable(count, groups, pairs, options->chosen, &tables->differences));
  PetscCall(PurposesTable(count, groups, pairs, options->chosen, &tables->purposes));
  add_surrogates(count, groups, tables->stability);
  for (int64_t g = 0; g < count; g++) PetscCall(GroupPairsDestroy(&pairs[g]));
  PetscCall(ArrayDestroy(&pairs));
  for (int64_t v = 0; v < all.measures; v++) free(all.label[v]);
  PetscCall(ArrayDestroy(&all.label));
  PetscCall(NullStoreDestroy(&all.nulls));
  PetscFunctionReturn(PETSC_SUCCESS);
}
