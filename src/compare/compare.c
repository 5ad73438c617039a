/* pairs.csv and stability.csv: every group's pairs, and what they say together. */
#include "compare/compare.h"
#include "compare/group.h"
#include "compare/interval.h"
#include "compare/nulls.h"
#include <math.h>
#include <string.h>

/* Nulls that were computed already: they serve all groups of the same size and tokens. */
typedef struct {
  NullKind kind;
  int64_t m, d;
  const View *view; /* NULL_RANDOM does not depend on it */
  double *value;    /* [CENTRINGS x measures] */
} KnownNull;

typedef struct {
  MPI_Comm comm;
  const Kernels *kernels;
  const ChosenComparison *chosen;
  int64_t measures, known, sources;
  KnownNull *null;     /* [known] */
  NullSource **source; /* [sources] */
  const View **view;   /* [sources] that each was made of */
  Table *pairs, *stability;
} Comparing;

/* The same training tokens, normalised alike. */
static bool same_tokens(const View *a, const View *b)
{
  const size_t size = (size_t)a->normaliser->d * sizeof(double);
  return a->tokens == b->tokens && a->split == b->split &&
         !memcmp(a->normaliser->mean, b->normaliser->mean, size) &&
         !memcmp(a->normaliser->scale, b->normaliser->scale, size);
}

static PetscErrorCode FindSource(Comparing *all, const View *view, NullSource **source)
{
  PetscFunctionBeginUser;
  for (int64_t i = 0; i < all->sources; i++)
    if (same_tokens(all->view[i], view)) {
      *source = all->source[i];
      PetscFunctionReturn(PETSC_SUCCESS);
    }
  PetscCall(NullSourceCreate(all->comm, all->kernels, tokens_width(view->tokens), view, source));
  all->view[all->sources] = view;
  all->source[all->sources++] = *source;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode FindNull(Comparing *all, const View *view, NullKind kind, int64_t m,
                               const double **value)
{
  const int64_t d = tokens_width(view->tokens);
  NullSource *source;
  PetscFunctionBeginUser;
  for (int64_t i = 0; i < all->known; i++) {
    const KnownNull *k = &all->null[i];
    if (k->kind == kind && k->m == m && k->d == d &&
        (kind == NULL_RANDOM || same_tokens(k->view, view))) {
      *value = k->value;
      PetscFunctionReturn(PETSC_SUCCESS);
    }
  }
  KnownNull mine = {.kind = kind, .m = m, .d = d, .view = view};
  PetscCall(FindSource(all, view, &source));
  PetscCall(ArrayCreate(CENTRINGS * all->measures, &mine.value));
  PetscCall(NullValues(all->comm, source, kind, m, all->chosen, mine.value, NULL));
  *value = mine.value;
  all->null[all->known++] = mine;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode AddPairRows(Comparing *to, const ComparedGroup *group, const GroupPairs *all,
                                  int64_t i, int64_t j)
{
  PetscFunctionBeginUser;
  for (int64_t v = 0; v < all->measures; v++)
    for (Centring c = 0; c < CENTRINGS; c++)
      for (Stage s = 0; s < STAGES; s++) {
        PetscCall(TableAddRow(to->pairs));
        table_text(to->pairs, "model", group->model);
        table_text(to->pairs, "run_a", group->run[i].id);
        table_text(to->pairs, "run_b", group->run[j].id);
        table_text(to->pairs, "measure", to->chosen[v].comparison->entry.name);
        table_text(to->pairs, "centring", centring_names[c]);
        table_text(to->pairs, "stage", stage_names[s]);
        table_number(to->pairs, "value", *pair_value(all, pair_number(all->runs, i, j), s, c, v));
        table_integer(to->pairs, "atoms_a", all->living[i].alive);
        table_integer(to->pairs, "atoms_b", all->living[j].alive);
      }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What entered a group's rows of stability.csv. */
typedef struct {
  int64_t runs, alive; /* how many runs; mean number of living atoms, rounded */
  int64_t *run;        /* [runs] */
  double dead;
  const double *null[NULL_KINDS]; /* NULL: none */
  Text note;
} Entered;

static void add_note(Text *note, const char *text)
{
  text_add(note, "%s%s", note->length ? "; " : "", text);
}

static bool same_text(const char *a, const char *b)
{
  return a && b && *a && !strcmp(a, b);
}

static void write_note(const ComparedGroup *group, const GroupPairs *all, Entered *in)
{
  bool anchors = false, start = false, none = false;
  for (int64_t q = 0; q < in->runs; q++) {
    const int64_t j = in->run[q];
    none |= all->living[j].alive == 0;
    for (int64_t p = 0; p < q; p++) {
      const int64_t i = in->run[p];
      anchors |= same_text(group->run[i].anchors, group->run[j].anchors);
      start |= all->same[pair_number(all->runs, i, j)] > 0;
    }
  }
  if (in->runs < group->runs) {
    Text some = {0};
    text_add(&some, "%lld of %lld runs, those that share no varied seed", (long long)in->runs,
             (long long)group->runs);
    add_note(&in->note, some.s);
    text_clear(&some);
  }
  if (anchors) add_note(&in->note, "given these anchors");
  if (start) add_note(&in->note, "given this start");
  if (none) add_note(&in->note, "a run without living atoms");
  if (in->runs == 1) add_note(&in->note, "one run: no pairs");
  if (in->runs == 2) add_note(&in->note, "2 runs: no interval");
  if (in->runs == 3) add_note(&in->note, "weak: 3 runs");
}

static PetscErrorCode Enter(Comparing *to, const ComparedGroup *group, const GroupPairs *all,
                            Entered *in)
{
  bool *enters;
  int64_t living = 0, dead = 0;
  PetscFunctionBeginUser;
  *in = (Entered){0};
  PetscCall(ArrayCreate(group->runs, &enters));
  PetscCall(ArrayCreate(group->runs, &in->run));
  runs_that_enter(group, enters);
  for (int64_t r = 0; r < group->runs; r++) {
    if (!enters[r]) continue;
    in->run[in->runs++] = r;
    living += all->living[r].alive;
    dead += all->living[r].m - all->living[r].alive;
  }
  in->dead = (double)dead / (double)in->runs;
  in->alive = (2 * living + in->runs) / (2 * in->runs);
  for (NullKind k = 0; in->runs > 1 && k < NULL_KINDS; k++)
    PetscCall(FindNull(to, group->view, k, in->alive, &in->null[k]));
  write_note(group, all, in);
  PetscCall(ArrayDestroy(&enters));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Mean and interval of one measure over the runs that entered. */
static PetscErrorCode Summarise(const GroupPairs *all, const Entered *in, Stage stage, Centring c,
                                int64_t measure, PairInterval *interval)
{
  const int64_t n = in->runs;
  double *h;
  PetscFunctionBeginUser;
  PetscCall(ArrayCreate(n * n, &h));
  pair_matrix(all, n, in->run, stage, c, measure, h);
  *interval = pair_interval(n, h);
  PetscCall(ArrayDestroy(&h));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode AddStabilityRow(Comparing *to, const ComparedGroup *group,
                                      const GroupPairs *all, const Entered *in, int64_t v,
                                      Centring c)
{
  static const char *const null_columns[NULL_KINDS] = {"null_random", "null_gaussian",
                                                       "null_tokens"};
  Table *table = to->stability;
  PairInterval end, initial;
  PetscFunctionBeginUser;
  PetscCall(Summarise(all, in, STAGE_END, c, v, &end));
  PetscCall(Summarise(all, in, STAGE_INITIAL, c, v, &initial));
  PetscCall(TableAddRow(table));
  table_text(table, "model", group->model);
  table_text(table, "measure", to->chosen[v].comparison->entry.name);
  table_text(table, "centring", centring_names[c]);
  table_integer(table, "runs", in->runs);
  table_number(table, "value", end.mean);
  table_number(table, "low", end.low);
  table_number(table, "high", end.high);
  table_number(table, "initial", initial.mean);
  for (NullKind k = 0; k < NULL_KINDS; k++)
    if (in->null[k]) table_number(table, null_columns[k], in->null[k][c * to->measures + v]);
  table_text(table, "anchors", group->anchors);
  table_number(table, "dead", in->dead);
  table_text(table, "note", in->note.s ? in->note.s : "");
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CompareGroup(Comparing *to, const ComparedGroup *group, Mistakes *mistakes)
{
  GroupPairs all;
  Entered in;
  bool any;
  PetscFunctionBeginUser;
  if (group->runs == 0) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(GroupPairsCreate(to->comm, to->kernels, group, to->chosen, mistakes, &any, &all));
  if (!any) {
    for (int64_t i = 0; i < group->runs; i++)
      for (int64_t j = i + 1; j < group->runs; j++) PetscCall(AddPairRows(to, group, &all, i, j));
    PetscCall(Enter(to, group, &all, &in));
    for (int64_t v = 0; v < to->measures; v++)
      for (Centring c = 0; c < CENTRINGS; c++)
        PetscCall(AddStabilityRow(to, group, &all, &in, v, c));
    PetscCall(ArrayDestroy(&in.run));
    text_clear(&in.note);
  }
  PetscCall(GroupPairsDestroy(&all));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode CompareGroups(MPI_Comm comm, const Kernels *kernels, int64_t count,
                             const ComparedGroup *groups, const ChosenComparison *chosen,
                             Mistakes *mistakes, Table **pairs, Table **stability)
{
  Comparing all = {.comm = comm, .kernels = kernels, .chosen = chosen};
  PetscFunctionBeginUser;
  while (chosen[all.measures].comparison) all.measures++;
  PetscCall(ArrayCreate(NULL_KINDS * count, &all.null));
  PetscCall(ArrayCreate(count, &all.source));
  PetscCall(ArrayCreate(count, &all.view));
  PetscCall(TableCreate("model,run_a,run_b,measure,centring,stage,value,atoms_a,atoms_b", pairs));
  PetscCall(TableCreate("model,measure,centring,runs,value,low,high,initial,null_random,"
                        "null_gaussian,null_tokens,anchors,dead,note",
                        stability));
  all.pairs = *pairs;
  all.stability = *stability;
  for (int64_t g = 0; g < count; g++) PetscCall(CompareGroup(&all, &groups[g], mistakes));
  for (int64_t i = 0; i < all.known; i++) PetscCall(ArrayDestroy(&all.null[i].value));
  for (int64_t i = 0; i < all.sources; i++) PetscCall(NullSourceDestroy(&all.source[i]));
  PetscCall(ArrayDestroy(&all.view));
  PetscCall(ArrayDestroy(&all.source));
  PetscCall(ArrayDestroy(&all.null));
  PetscFunctionReturn(PETSC_SUCCESS);
}
