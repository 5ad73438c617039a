/* Partners, recurrence and groups over all runs: planted atoms are found, a plain computation gives
   the same, and the order of runs and the number of ranks do not matter.
   RUN ranks=1
   RUN ranks=3 */
#include "stable_runs.h"

/* The group of each atom by stable_members.csv, -1: none */
static void groups_of(const Table *members, int64_t group[RUNS][MOST])
{
  for (int r = 0; r < RUNS; r++)
    for (int64_t j = 0; j < MOST; j++) group[r][j] = -1;
  for (int64_t q = 0; q < members->rows; q++)
    group[run_number(table_cell(members, q, "run"))][(int)table_real(members, q, "atom")] =
        (int64_t)table_real(members, q, "group");
}

/* Pairs of atoms of different runs: planted alike, and found in one group. */
static void check_groups(const Plan *plan, const Table *members)
{
  static int64_t group[RUNS][MOST];
  int64_t both = 0, alike = 0, found = 0;
  groups_of(members, group);
  for (int a = 0; a < RUNS; a++)
    for (int b = a + 1; b < RUNS; b++)
      for (int64_t i = 0; i < plan->m; i++)
        for (int64_t j = 0; j < plan->m; j++) {
          const bool truth = truth_of[a][i] >= 0 && truth_of[a][i] == truth_of[b][j];
          const bool says = group[a][i] >= 0 && group[a][i] == group[b][j];
          alike += truth;
          found += says;
          both += truth && says;
        }
  OK((double)both >= .98 * (double)found, "groups: precision %.4f", (double)both / (double)found);
  OK((double)both >= .98 * (double)alike, "groups: recall %.4f", (double)both / (double)alike);
}

/* An atom recurs where another living atom of its truth is in every other run. */
static PetscErrorCode CheckRecurrence(const Plan *plan)
{
  int64_t both = 0, truly = 0, says = 0, dead = 0;
  PetscFunctionBeginUser;
  for (int r = 0; r < RUNS; r++) {
    char *path = path_join(folder[r], "partners.csv");
    Table *table;
    PetscCall(TableRead(path, mistakes, &table));
    for (int64_t j = 0; table && j < plan->m; j++) {
      int64_t here = 0;
      for (int q = 0; q < RUNS; q++)
        for (int64_t i = 0; i < plan->m; i++)
          here += q != r && truth_of[r][j] >= 0 && truth_of[q][i] == truth_of[r][j];
      const double recurrence = table_real(table, j, "recurrence");
      dead += is_dead(j) && !*table_cell(table, j, "recurrence");
      truly += here;
      says += recurrence > 0 ? (int64_t)recurrence : 0;
      both += recurrence > 0 ? min_i64(here, (int64_t)recurrence) : 0;
    }
    OK(table && table->columns == 2 + 2 * (RUNS - 1), "partners.csv of run %s", ids[r]);
    PetscCall(TableDestroy(&table));
    free(path);
  }
  OK(dead == RUNS * (plan->m / 10), "dead atoms have no recurrence");
  OK((double)both >= .98 * (double)says, "recurrence: precision %.4f", (double)both / (double)says);
  OK((double)both >= .98 * (double)truly, "recurrence: recall %.4f", (double)both / (double)truly);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static const int straight[RUNS] = {0, 1, 2, 3, 4, 5}, shuffled[RUNS] = {3, 0, 5, 1, 4, 2};

static PetscErrorCode TestPlanted(void)
{
  const Plan plan = {300, 48, 180, .95};
  Table *tables[STABLE_TABLES];
  PetscFunctionBeginUser;
  PetscCall(Plant(&plan));
  PetscCall(Find(COMM, straight, .8, CENTRING_RAW, tables));
  OK(!mistakes_count(mistakes), "no mistakes");
  check_groups(&plan, tables[TABLE_MEMBERS]);
  PetscCall(CheckRecurrence(&plan));
  OK(table_real(tables[TABLE_STABLE], 0, "chance_edges") == 0,
     "no edges by chance in 48 dimensions");
  const Table *recurrence = tables[TABLE_RECURRENCE];
  OK(recurrence->rows == RUNS && table_real(recurrence, 0, "share") == 1 &&
         table_real(recurrence, RUNS - 1, "chance") == 0,
     "a row for each number of runs");
  for (int64_t s = 1; s < RUNS; s++)
    OK(table_real(recurrence, s, "share") <= table_real(recurrence, s - 1, "share"),
       "share found in %d of the runs: %g", (int)s + 1, table_real(recurrence, s, "share"));
  forget(tables);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Groups by the sets of their members: names each atom's group by the least (run, atom) in it. */
static bool same_groups(const Table *a, const Table *b)
{
  static int64_t one[RUNS][MOST], two[RUNS][MOST];
  groups_of(a, one);
  groups_of(b, two);
  return a->rows == b->rows && !memcmp(one, two, sizeof(one));
}

static bool same_bytes(const char *a, const char *b)
{
  Text one = {0}, two = {0};
  bool there_a = false, there_b = false;
  RUN(FileRead(a, &one, &there_a));
  RUN(FileRead(b, &two, &there_b));
  const bool same =
      there_a && there_b && one.length == two.length && !memcmp(one.s, two.s, one.length);
  text_clear(&one);
  text_clear(&two);
  return same;
}

/* Many pairs near t, so that much is contested. */
static PetscErrorCode TestOrder(Centring centring)
{
  const char *word = centring_names[centring];
  Table *tables[STABLE_TABLES], *other[STABLE_TABLES];
  PetscFunctionBeginUser;
  PetscCall(Find(COMM, straight, .55, centring, tables));
  if (tap_rank == 0) PetscCall(FileRename("compare_stable.test/stable/planted.h5", "one.test.h5"));
  PetscCall(Find(COMM, shuffled, .55, centring, other));
  OK(table_real(tables[TABLE_STABLE], 0, "inconsistent") > .02, "%s: %s of the edges contested",
     word, table_cell(tables[TABLE_STABLE], 0, "inconsistent"));
  OK(same_groups(tables[TABLE_MEMBERS], other[TABLE_MEMBERS]),
     "%s: the same groups, numbered alike, of runs in another order", word);
  OK(same_tables(tables[TABLE_ATOMS], other[TABLE_ATOMS]) &&
         same_tables(tables[TABLE_STABLE], other[TABLE_STABLE]) &&
         same_tables(tables[TABLE_RECURRENCE], other[TABLE_RECURRENCE]),
     "%s: the same figures", word);
  if (tap_rank == 0) PetscCall(FileRename("compare_stable.test/stable/planted.h5", "two.test.h5"));
  PetscCallMPI(MPI_Barrier(COMM));
  OK(same_bytes("one.test.h5", "two.test.h5"), "%s: the same mean atoms", word);
  PetscCallMPI(MPI_Barrier(COMM));
  forget(other);
  PetscCall(Find(PETSC_COMM_SELF, straight, .55, centring, other));
  for (int i = 0; i < STABLE_TABLES; i++)
    OK(same_tables(tables[i], other[i]), "%s: %s is the same by one rank", word, stable_files[i]);
  forget(other);
  forget(tables);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A plain computation in float64: all cosines, mutual best pairs, and clusters as sets. */
enum { NAIVE = 40, ALL = RUNS * NAIVE };
static double cosine[ALL][ALL];
static int cluster[ALL];

typedef struct {
  double cosine;
  int a, b;
} NaiveEdge;

static int by_cosine(const void *x, const void *y)
{
  const NaiveEdge *e = x, *f = y;
  return (e->cosine < f->cosine) - (e->cosine > f->cosine);
}

static void naive_cosines(const Plan *plan)
{
  for (int a = 0; a < ALL; a++)
    for (int b = 0; b < ALL; b++) {
      const float *x = planted[a / NAIVE] + a % NAIVE * plan->d;
      const float *y = planted[b / NAIVE] + b % NAIVE * plan->d;
      double xy = 0, xx = 0, yy = 0;
      for (int64_t i = 0; i < plan->d; i++) {
        xy += (double)x[i] * (double)y[i];
        xx += (double)x[i] * (double)x[i];
        yy += (double)y[i] * (double)y[i];
      }
      cosine[a][b] = is_dead(a % NAIVE) || is_dead(b % NAIVE) ? -2 : xy / sqrt(xx * yy);
    }
}

static int naive_best(int a, int run)
{
  int best = run * NAIVE;
  for (int b = run * NAIVE; b < (run + 1) * NAIVE; b++)
    if (cosine[a][b] > cosine[a][best]) best = b;
  return best;
}

static int naive_edges(double t, NaiveEdge *edge)
{
  int count = 0;
  for (int a = 0; a < ALL; a++)
    for (int run = a / NAIVE + 1; run < RUNS; run++) {
      const int b = naive_best(a, run);
      if (naive_best(b, a / NAIVE) == a && cosine[a][b] >= t)
        edge[count++] = (NaiveEdge){cosine[a][b], a, b};
    }
  qsort(edge, (size_t)count, sizeof(*edge), by_cosine);
  return count;
}

static bool naive_may_join(int one, int two, double t)
{
  for (int a = 0; a < ALL; a++)
    for (int b = 0; b < ALL; b++)
      if (cluster[a] == one && cluster[b] == two && (a / NAIVE == b / NAIVE || cosine[a][b] < t))
        return false;
  return true;
}

/* Members, mean cosine, spread and frequency of one group of the tables against the plain ones. */
static double group_fault(const Plan *plan, const Table *atoms, const Table *members, int64_t row)
{
  double mean[MOST_WIDTH] = {0}, pairs = 0, length = 0, fired = 0;
  int list[RUNS], count = 0;
  for (int64_t q = 0; q < members->rows; q++)
    if (table_real(members, q, "group") == (double)row)
      list[count++] =
          run_number(table_cell(members, q, "run")) * NAIVE + (int)table_real(members, q, "atom");
  for (int p = 0; p < count; p++) {
    const float *x = planted[list[p] / NAIVE] + list[p] % NAIVE * plan->d;
    double xx = 0;
    if (cluster[list[p]] != cluster[list[0]]) return 1;
    for (int64_t i = 0; i < plan->d; i++) xx += (double)x[i] * (double)x[i];
    for (int64_t i = 0; i < plan->d; i++) mean[i] += (double)x[i] / sqrt(xx) / count;
    for (int q = 0; q < p; q++) pairs += cosine[list[p]][list[q]];
    fired += (double)fires[list[p] / NAIVE][list[p] % NAIVE];
  }
  for (int64_t i = 0; i < plan->d; i++) length += mean[i] * mean[i];
  for (int a = 0, size = 0; a < ALL; a++) {
    size += cluster[a] == cluster[list[0]];
    if (a == ALL - 1 && size != count) return 1;
  }
  const double tokens = (double)split_sample_count(test.view.split, TOKENS);
  return fabs(table_real(atoms, row, "size") - count) +
         fabs(table_real(atoms, row, "cosine") - pairs / (count * (count - 1) / 2.0)) +
         fabs(table_real(atoms, row, "spread") - 1 + sqrt(length)) +
         fabs(table_real(atoms, row, "frequency") - fired / count / tokens);
}

static PetscErrorCode TestPlain(double t)
{
  const Plan plan = {NAIVE, 6, 24, .8};
  static NaiveEdge edge[ALL * RUNS];
  Table *tables[STABLE_TABLES];
  int rejected = 0, groups = 0;
  double worst = 0;
  PetscFunctionBeginUser;
  PetscCall(Plant(&plan));
  PetscCall(Find(COMM, straight, t, CENTRING_RAW, tables));
  naive_cosines(&plan);
  const int edges = naive_edges(t, edge);
  for (int a = 0; a < ALL; a++) cluster[a] = a;
  for (int e = 0; e < edges; e++) {
    const int one = cluster[edge[e].a], two = cluster[edge[e].b];
    if (one == two) continue;
    const bool may = naive_may_join(one, two, t);
    rejected += !may;
    for (int a = 0; may && a < ALL; a++)
      if (cluster[a] == two) cluster[a] = one;
  }
  for (int c = 0; c < ALL; c++) {
    int size = 0;
    for (int a = 0; a < ALL; a++) size += cluster[a] == c;
    groups += size > 1;
  }
  const Table *atoms = tables[TABLE_ATOMS], *stable = tables[TABLE_STABLE];
  OK(table_real(stable, 0, "edges") == edges && edges > 100, "t = %g: %d edges", t, edges);
  OK(table_real(stable, 0, "groups") == groups && atoms->rows == groups, "%d groups", groups);
  NEAR(table_real(stable, 0, "inconsistent"), (double)rejected / edges, 1e-15, "%d edges refused",
       rejected);
  for (int64_t q = 0; q < atoms->rows; q++)
    worst = fmax(worst, group_fault(&plan, atoms, tables[TABLE_MEMBERS], q));
  NEAR(worst, 0, 2e-6, "members, cosine, spread and frequency of all groups");
  OK(table_real(stable, 0, "chance_edges") > 0 && table_real(stable, 0, "chance_tokens") > 0,
     "in 6 dimensions some edges are there by chance: %s", table_cell(stable, 0, "chance_edges"));
  forget(tables);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Single directions in three dimensions: each two are mutual best, and the share with a cosine of
   at least t is the area of a cap, (1 - t)/2. */
static PetscErrorCode TestChance(void)
{
  const PartnerRule rule = {.5, CENTRING_RAW, TOKENS};
  NullSource *source;
  Nodes *nodes;
  Chance chance;
  PetscFunctionBeginUser;
  PetscCall(NodesCreate(COMM, &nodes));
  PetscCall(NullSourceCreate(COMM, kernels, 3, NULL, &source));
  PetscCall(ChanceFind(COMM, nodes, kernels, source, NULL_RANDOM, 3, 1, 40, &rule, &chance));
  NEAR(chance.edges, .25, .03, "edges of single directions by chance");
  double mean = 0;
  for (int s = 1; s < 40; s++) mean += chance.share[s];
  NEAR(mean, 39 * chance.edges, 1e-9, "shares add up to the edges");
  OK(chance.share[0] == 1, "each is found in its own");
  PetscCall(ArrayDestroy(&chance.share));
  PetscCall(NullSourceDestroy(&source));
  PetscCall(NodesDestroy(&nodes));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The exported groups are unit means, and can be read as candidates. */
static PetscErrorCode TestModel(void)
{
  Table *tables[STABLE_TABLES];
  Anchors *anchors;
  double off = 0;
  PetscFunctionBeginUser;
  PetscCall(Find(COMM, straight, .55, CENTRING_RAW, tables));
  PetscCallMPI(MPI_Barrier(COMM));
  PetscCall(AnchorsRead("compare_stable.test/stable/planted.h5", kernels, mistakes, &anchors));
  const Table *members = tables[TABLE_MEMBERS];
  OK(anchors && (double)anchors->p == table_real(tables[TABLE_STABLE], 0, "groups"),
     "a file of as many atoms as groups");
  for (int64_t q = 0; anchors && q < members->rows; q++) {
    const int r = run_number(table_cell(members, q, "run"));
    const float *x = planted[r] + (int64_t)table_real(members, q, "atom") * anchors->d;
    const float *mean = anchors->points + (int64_t)table_real(members, q, "group") * anchors->d;
    double xy = 0, xx = 0;
    for (int64_t i = 0; i < anchors->d; i++) {
      xy += (double)x[i] * (double)mean[i];
      xx += (double)x[i] * (double)x[i];
    }
    off = fmax(off, fabs(table_real(members, q, "cosine") - xy / sqrt(xx)));
  }
  NEAR(off, 0, 1e-6, "members' cosines with the exported atoms");
  PetscCall(AnchorsDestroy(&anchors));
  forget(tables);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* `count` models from `first` on, of two that have run 0 in common; *shared: that run's
 * partners.csv. */
static PetscErrorCode FindTwo(int first, int count, Table **shared)
{
  const PartnerRule rule = {.7, CENTRING_RAW, TOKENS};
  ComparedRun run[2][3];
  ComparedGroup group[2];
  Table *tables[STABLE_TABLES];
  PetscFunctionBeginUser;
  for (int q = 0; q < 6; q++) {
    const int g = q / 3, r = q % 3 ? q % 3 + 2 * g : 0;
    run[g][q % 3] = (ComparedRun){ids[r], folder[r], {r, r, -1, -1}, .again = q == 3 && !first};
    group[g] = (ComparedGroup){"planted", "none", &test.view, 3, run[g]};
  }
  PetscCall(StableGroups(COMM, kernels, out, count, group + first, &rule, mistakes, tables));
  PetscCallMPI(MPI_Barrier(COMM));
  PetscCall(TableRead("compare_stable.test.r5/partners.csv", mistakes, shared));
  forget(tables);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A run of two models keeps its partners in both: t[2] has those of t[0] and t[1]. */
static PetscErrorCode TestShared(void)
{
  Table *t[3];
  int64_t off = 0;
  PetscFunctionBeginUser;
  for (int i = 0; i < 3; i++) PetscCall(FindTwo(i == 1, 1 + (i == 2), &t[i]));
  for (int64_t j = 0; j < t[2]->rows; j++) {
    for (int c = 2; c < 10; c++) /* those of t[1] come first */
      off +=
          0 != strcmp(table_cell(t[2], j, t[2]->names[c]), table_cell(t[c < 6], j, t[2]->names[c]));
    off += !is_dead(j) && table_real(t[2], j, "recurrence") !=
                              table_real(t[0], j, "recurrence") + table_real(t[1], j, "recurrence");
  }
  OK(t[2]->columns == 10 && t[2]->rows > 0 && !off, "a run of two models: partners of both");
  for (int i = 0; i < 3; i++) PetscCall(TableDestroy(&t[i]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Tests(void)
{
  const Plan contested = {120, 12, 80, .8};
  PetscFunctionBeginUser;
  PetscCall(MistakesCreate(&mistakes));
  PetscCall(KernelsChoose(NULL, mistakes, &kernels));
  PetscCall(TestPlanted());
  PetscCall(TestChance());
  PetscCall(TestPlain(.5));
  PetscCall(TestPlain(.7));
  PetscCall(Plant(&contested));
  PetscCall(TestOrder(CENTRING_RAW));
  PetscCall(TestOrder(CENTRING_CENTRED));
  PetscCall(TestShared());
  PetscCall(TestModel());
  PetscCall(TestViewDestroy(&test));
  PetscCall(MistakesDestroy(&mistakes));
  PetscCallMPI(MPI_Barrier(COMM));
  if (tap_rank == 0) {
    for (int r = 0; r < RUNS; r++) run_folder_remove(folder[r]);
    unlink("compare_stable.test/stable/planted.h5");
    unlink("one.test.h5");
    unlink("two.test.h5");
    unlink(tokens_path);
    rmdir("compare_stable.test/stable");
    rmdir(out);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  TestBegin(&argc, &argv);
  RUN(Tests());
  return TestEnd();
}
