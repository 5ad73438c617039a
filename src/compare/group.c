/* All pairs of one group's runs, spread over the ranks. */
#include "compare/entered.h"
#include "compare/others.h"
#include "compare/sides.h"
#include "measure/rows.h"
#include "measure/spectrum.h"
#include "base/math.h"
#include <math.h>
#include <string.h>

int64_t pair_number(int64_t runs, int64_t i, int64_t j)
{
  return i * (2 * runs - i - 1) / 2 + j - i - 1;
}

double *pair_value(const GroupPairs *all, int64_t pair, Stage stage, Centring centring,
                   int64_t measure)
{
  return all->value + ((pair * STAGES + stage) * CENTRINGS + centring) * all->measures + measure;
}

double *with_dead_value(const GroupPairs *all, int64_t pair, Centring centring, int64_t measure)
{
  return all->with_dead + (pair * CENTRINGS + centring) * all->measures + measure;
}

double *end_start_value(const GroupPairs *all, int64_t run, Centring centring, int64_t measure)
{
  return all->end_start + (run * CENTRINGS + centring) * all->measures + measure;
}

/* What a rank works with. */
typedef struct {
  const Kernels *kernels;
  const ComparedGroup *group;
  const CompareOptions *options;
  unsigned needs;
  Sides *sides;
  Others *others; /* NULL: nobody asked */
  GroupPairs *all;
  int64_t number, workers; /* this rank's among those that work, -1: none; how many they are */
} Working;

static void fill_nan(int64_t count, double *values)
{
  for (int64_t i = 0; i < count; i++) values[i] = (double)NAN;
}

/* One run at one stage against another: values [measures] of each centring, with_dead too
   where it is not NULL. */
static PetscErrorCode OnePair(const Working *w, int64_t i, Stage stage_i, int64_t j, Stage stage_j,
                              double *values, double *with_dead)
{
  const Living *a = &w->all->living[i], *b = &w->all->living[j];
  const int64_t measures = w->all->measures;
  PetscFunctionBeginUser;
  fill_nan(CENTRINGS * measures, values);
  if (with_dead) fill_nan(CENTRINGS * measures, with_dead);
  for (Centring c = 0; c < CENTRINGS; c++) {
    Atoms A, B;
    AtomPair pair;
    if (!(w->options->centrings >> c & 1)) continue;
    PetscCall(SidesGet(w->sides, i, stage_i, c, &A));
    PetscCall(SidesGet(w->sides, j, stage_j, c, &B));
    if (!A.unit || !B.unit) continue;
    PetscCall(PairCreate(w->kernels, &A, &B, w->needs, &pair));
    pair_values(&pair, w->options->chosen, values + c * measures);
    pair.of_a = a->m;
    pair.of_b = b->m;
    if (with_dead) pair_values(&pair, w->options->chosen, with_dead + c * measures);
    for (int64_t v = 0; v < measures; v++) {
      const Comparison *one = w->options->chosen[v].comparison;
      if (with_dead && one->whole) with_dead[c * measures + v] = (double)NAN;
      if (one->once && c != CENTRING_RAW) {
        values[c * measures + v] = (double)NAN;
        if (with_dead) with_dead[c * measures + v] = (double)NAN;
      }
    }
    if (w->others && stage_i == stage_j)
      PetscCall(OthersKeep(w->others, stage_i * CENTRINGS + c, i, j, &pair));
    PetscCall(PairDestroy(&pair));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What needs the matchings of all pairs, of this rank's pairs. */
static PetscErrorCode OtherPairs(MPI_Comm comm, const Working *w)
{
  GroupPairs *all = w->all;
  PetscFunctionBeginUser;
  PetscCall(OthersJoin(comm, w->others));
  for (int64_t slot = 0; slot < STAGES * CENTRINGS; slot++) {
    const Stage stage = (Stage)(slot / CENTRINGS);
    const Centring c = (Centring)(slot % CENTRINGS);
    for (int64_t i = 0; i < all->runs; i++)
      for (int64_t j = i + 1; j < all->runs; j++) {
        Atoms a, b;
        if (!others_kept(w->others, slot, i, j)) continue;
        PetscCall(SidesGet(w->sides, i, stage, c, &a));
        PetscCall(SidesGet(w->sides, j, stage, c, &b));
        PetscCall(OthersValues(w->kernels, w->others, slot, i, j, a, b, w->options->chosen,
                               pair_value(all, pair_number(all->runs, i, j), stage, c, 0)));
      }
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode SameStart(const Working *w, int64_t i, int64_t j)
{
  const Living *a = &w->all->living[i], *b = &w->all->living[j];
  const float *A, *B;
  PetscFunctionBeginUser;
  PetscCall(SidesWhole(w->sides, i, STAGE_INITIAL, &A));
  PetscCall(SidesWhole(w->sides, j, STAGE_INITIAL, &B));
  w->all->same[pair_number(w->all->runs, i, j)] =
      A && B && a->m == b->m && !memcmp(A, B, (size_t)(a->m * a->d) * sizeof(*A));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Mean over atoms of the largest cosine with another of the same dictionary. */
static PetscErrorCode WithinRun(const Working *w, const Atoms *atoms, double *nearest)
{
  float *largest;
  double sum = 0;
  PetscFunctionBeginUser;
  *nearest = (double)NAN;
  if (!atoms->unit || atoms->m < 2) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(ArrayCreate(atoms->m, &largest));
  PetscCall(LargestWithin(w->kernels, atoms->m, atoms->d, atoms->unit, largest));
  for (int64_t i = 0; i < atoms->m; i++) sum += (double)largest[i];
  *nearest = sum / (double)atoms->m;
  PetscCall(ArrayDestroy(&largest));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What a run is like by itself, at its end. */
static PetscErrorCode OneRun(const Working *w, int64_t run)
{
  GroupPairs *all = w->all;
  Atoms atoms;
  PetscFunctionBeginUser;
  all->effective_rank[run] = (double)NAN;
  for (Centring c = 0; c < CENTRINGS; c++) {
    all->nearest[run * CENTRINGS + c] = (double)NAN;
    if (!(w->options->centrings >> c & 1)) continue;
    PetscCall(SidesGet(w->sides, run, STAGE_END, c, &atoms));
    PetscCall(WithinRun(w, &atoms, &all->nearest[run * CENTRINGS + c]));
  }
  PetscCall(SidesGet(w->sides, run, STAGE_END, CENTRING_RAW, &atoms));
  if (atoms.unit && atoms.m)
    PetscCall(EffectiveRank(w->kernels, atoms.m, atoms.d, atoms.unit, &all->effective_rank[run]));
  if (!atoms.codes || !atoms.codes->n) PetscFunctionReturn(PETSC_SUCCESS);
  const int64_t count = atoms.codes->start[atoms.codes->m];
  all->active[run] = (double)count / (double)atoms.codes->n;
  for (int64_t q = 0; q < count; q++)
    if (atoms.codes->value[q] < 0) all->negative[run] = 1;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The pairs of run i with later ones at the end, or at step 0. */
static PetscErrorCode AlikePairs(const Working *w, int64_t i, Stage stage, int64_t *job)
{
  GroupPairs *all = w->all;
  PetscFunctionBeginUser;
  for (int64_t j = i + 1; j < all->runs; j++) {
    const int64_t pair = pair_number(all->runs, i, j);
    if ((*job)++ % w->workers != w->number) continue;
    PetscCall(OnePair(w, i, stage, j, stage, pair_value(all, pair, stage, 0, 0),
                      stage == STAGE_END ? with_dead_value(all, pair, 0, 0) : NULL));
    if (stage == STAGE_INITIAL) PetscCall(SameStart(w, i, j));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* This rank's share: a run by itself or a pair of (run, stage) is one piece of work. Those of a
   kind, which cost about the same, follow one another, so that they are spread evenly. */
static PetscErrorCode AllPairs(const Working *w)
{
  GroupPairs *all = w->all;
  int64_t job = 0;
  PetscFunctionBeginUser;
  for (int64_t i = 0; i < all->runs; i++)
    if (job++ % w->workers == w->number) PetscCall(OneRun(w, i));
  for (Stage s = 0; s < STAGES; s++)
    for (int64_t i = 0; i < all->runs; i++) PetscCall(AlikePairs(w, i, s, &job));
  for (int64_t i = 0; i < all->runs; i++)
    if (all->next[i] >= 0 && job++ % w->workers == w->number)
      PetscCall(OnePair(w, i, STAGE_END, all->next[i], STAGE_INITIAL, end_start_value(all, i, 0, 0),
                        NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode FindNext(const ComparedGroup *group, GroupPairs *all)
{
  int64_t runs, *run;
  PetscFunctionBeginUser;
  PetscCall(ArrayCreate(group->runs, &all->next));
  PetscCall(RunsThatEnter(group, &runs, &run, NULL));
  for (int64_t r = 0; r < group->runs; r++) all->next[r] = -1;
  for (int64_t q = 0; runs > 1 && q < runs; q++) all->next[run[q]] = run[(q + 1) % runs];
  PetscCall(ArrayDestroy(&run));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CreateOthers(const ComparedGroup *group, int64_t most, Others *others)
{
  int64_t runs, *run;
  bool *enters;
  PetscFunctionBeginUser;
  PetscCall(ArrayCreate(group->runs, &enters));
  PetscCall(RunsThatEnter(group, &runs, &run, NULL));
  for (int64_t q = 0; q < runs; q++) enters[run[q]] = true;
  PetscCall(ArrayDestroy(&run));
  PetscCall(OthersCreate(group->runs, STAGES * CENTRINGS, most, enters, others));
  PetscCall(ArrayDestroy(&enters));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ReadLiving(const ComparedGroup *group, Mistakes *mistakes, GroupPairs *all)
{
  PetscFunctionBeginUser;
  for (int64_t r = 0; r < group->runs; r++) {
    PetscCall(LivingRead(group->run[r].folder, mistakes, &all->living[r]));
    if (r > 0 && all->living[r].d != all->living[0].d)
      mistake(mistakes, group->run[r].folder, 0, 0, "atoms of width %lld among runs of width %lld",
              (long long)all->living[r].d, (long long)all->living[0].d);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The arrays of values and how long they are. */
typedef struct {
  double **values;
  int64_t count;
} Part;

enum { PARTS = 8 };

static void parts_of_group(GroupPairs *all, Part part[PARTS])
{
  const int64_t each = CENTRINGS * all->measures;
  const Part parts[PARTS] = {{&all->value, all->pairs * STAGES * each},
                             {&all->with_dead, all->pairs * each},
                             {&all->end_start, all->runs * each},
                             {&all->nearest, all->runs * CENTRINGS},
                             {&all->effective_rank, all->runs},
                             {&all->same, all->pairs},
                             {&all->active, all->runs},
                             {&all->negative, all->runs}};
  memcpy(part, parts, sizeof(parts));
}

PetscErrorCode GroupPairsCreate(MPI_Comm comm, const Kernels *kernels, const ComparedGroup *group,
                                const CompareOptions *options, Mistakes *mistakes, bool *any,
                                GroupPairs *all)
{
  const int64_t runs = group->runs;
  const unsigned needs = chosen_needs(options->chosen);
  Working w = {kernels, group, options, needs, .all = all};
  Part part[PARTS];
  Others others = {0};
  int64_t most = 0;
  PetscFunctionBeginUser;
  *all = (GroupPairs){.runs = runs, .pairs = runs * (runs - 1) / 2};
  all->measures = chosen_count(options->chosen);
  parts_of_group(all, part);
  PetscCall(ArrayCreate(runs, &all->living));
  for (int p = 0; p < PARTS; p++) PetscCall(ArrayCreate(part[p].count, part[p].values));
  PetscCall(FindNext(group, all));
  PetscCall(ReadLiving(group, mistakes, all));
  PetscCall(MistakesAgree(comm, mistakes, any));
  if (*any) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(SidesCreate(kernels, group, options, needs, all->living, mistakes, &w.sides));
  for (int64_t r = 0; r < runs; r++) most = max_i64(most, all->living[r].alive);
  PetscCall(PairWorkers(comm, most, &w.number, &w.workers));
  if (needs & NEED_OTHERS) {
    PetscCall(CreateOthers(group, most, &others));
    w.others = &others;
  }
  PetscCall(AllPairs(&w));
  if (w.others) PetscCall(OtherPairs(comm, &w));
  PetscCall(OthersDestroy(&others));
  PetscCall(SidesDestroy(&w.sides));
  for (int p = 0; p < PARTS; p++) PetscCall(SpreadJoin(comm, part[p].count, *part[p].values));
  PetscCall(MistakesAgree(comm, mistakes, any));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode GroupPairsDestroy(GroupPairs *all)
{
  Part part[PARTS];
  PetscFunctionBeginUser;
  parts_of_group(all, part);
  for (int p = 0; p < PARTS; p++) PetscCall(ArrayDestroy(part[p].values));
  for (int64_t r = 0; r < all->runs; r++) PetscCall(ArrayDestroy(&all->living[r].atom));
  PetscCall(ArrayDestroy(&all->living));
  PetscCall(ArrayDestroy(&all->next));
  PetscFunctionReturn(PETSC_SUCCESS);
}

void pair_matrix(const GroupPairs *all, int64_t n, const int64_t *run, Stage stage,
                 Centring centring, int64_t measure, double *h)
{
  for (int64_t q = 0; q < n; q++)
    for (int64_t p = 0; p < n; p++) {
      const int64_t i = min_i64(run[p], run[q]), j = max_i64(run[p], run[q]);
      if (i == j) continue;
      h[p * n + q] = *pair_value(all, pair_number(all->runs, i, j), stage, centring, measure);
    }
}

bool centred_tokens(const ComparedGroup *group)
{
  if (!group->view || !group->view->tokens) return true;
  const TokenStatistics *statistics = tokens_statistics(group->view->tokens);
  const Normaliser *normaliser = group->view->normaliser;
  bool centred = true;
  for (int64_t i = 0; i < normaliser->d; i++)
    centred &= normaliser->mu[i] == (float)statistics->mean[i];
  return centred;
}

bool is_primary(const ComparedGroup *group, const ChosenComparison *one, Centring centring)
{
  return one->comparison->primary && centring == CENTRING_RAW && centred_tokens(group);
}

bool purpose_varies(const ComparedGroup *group, int purpose)
{
  for (int64_t r = 1; r < group->runs; r++)
    if (group->run[r].seed[purpose] != group->run[0].seed[purpose]) return true;
  return false;
}
