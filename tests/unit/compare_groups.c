/* Comparing the runs of groups from their files: dead atoms, crossed seeds, notes, failed runs,
   ranks, and files that are not what they should be. RUN ranks=1 RUN ranks=3 */
#include "../tap.h"
#include "compare/compare.h"
#include "compare/group.h"
#include "random_tokens.h"
#include "run_folder.h"

#define COMM PETSC_COMM_WORLD
enum { M = 12, WIDTH = 8, DEAD = 2, FOLDERS = 4 };
static const char *const folder[FOLDERS] = {"compare_groups.0.test", "compare_groups.1.test",
                                            "compare_groups.2.test", "compare_groups.3.test"};
static const char tokens_path[] = "compare_groups.test.h5";
static const Kernels *kernels;
static ChosenComparison chosen[32]; /* all comparisons of atoms alone, the primary one first */
static const CompareOptions options = {chosen, 3};
static int measures;

/* Run r: at the start, atoms of its own; at the end those of run 0 moved on by r, each scaled, with
   noise of size r / 10. The last DEAD atoms never fired and are equal in all runs. */
static PetscErrorCode WriteRun(int r, Mistakes *mistakes)
{
  float start[M * WIDTH], end[M * WIDTH];
  int64_t fired[M];
  const int64_t living = M - DEAD;
  PetscFunctionBeginUser;
  for (int64_t j = 0; j < M; j++) {
    fired[j] = j < living ? j + 1 : 0;
    for (int64_t i = 0; i < WIDTH; i++) {
      const uint64_t at = (uint64_t)((j < living ? (j + r) % living : j) * WIDTH + i);
      const double noise = random_normal(50 + (uint64_t)r, RANDOM_LAST, (uint64_t)(j * WIDTH + i));
      const double scale = j < living ? 1 + (double)j : 1;
      start[j * WIDTH + i] = (float)noise;
      end[j * WIDTH + i] = (float)(scale * (random_normal(40, RANDOM_LAST, at) +
                                            (j < living ? .1 * (double)r * noise : 0)));
    }
  }
  PetscCall(RunFolderWrite(folder[r], M, WIDTH, start, end, fired, mistakes));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The row of stability.csv. */
static int64_t row_of(const Table *t, const char *model, const char *measure, const char *centring)
{
  for (int64_t r = 0; r < t->rows; r++)
    if (!strcmp(table_cell(t, r, "model"), model) &&
        !strcmp(table_cell(t, r, "measure"), measure) &&
        !strcmp(table_cell(t, r, "centring"), centring))
      return r;
  return -1;
}

static void check_pairs(const Table *pairs)
{
  /* 6 pairs of four runs, then 1, 6 and none, x measures x 2 centrings x 2 stages */
  OK(pairs->rows == (6 + 1 + 6) * measures * 4, "all pairs are listed: %d rows", (int)pairs->rows);
  OK(!strcmp(table_cell(pairs, 0, "run_a"), "a") && !strcmp(table_cell(pairs, 0, "run_b"), "b") &&
         table_real(pairs, 0, "atoms_a") == M - DEAD,
     "the first pair, without its dead atoms");
  OK(!strcmp(table_cell(pairs, 0, "measure"), "matched_cosine") &&
         !strcmp(table_cell(pairs, 0, "stage"), "initial") &&
         !strcmp(table_cell(pairs, 1, "stage"), "end"),
     "stages side by side");
  const double initial = table_real(pairs, 0, "value"), end = table_real(pairs, 1, "value");
  OK(end > .97 && end < 1, "moved, scaled and noisy atoms are found again: %g", end);
  OK(initial < .85 && initial > .2, "different starts are different: %g", initial);
}

static void check_stability(const Table *pairs, const Table *t)
{
  const int64_t four = row_of(t, "four", "matched_cosine", "raw");
  const int64_t three = row_of(t, "two", "matched_cosine", "raw");
  const int64_t crossed = row_of(t, "crossed", "matched_cosine", "raw");
  const int64_t one = row_of(t, "one", "max_cosine", "centred");
  double mean = 0;
  OK(t->rows == 4 * 2 * measures && four >= 0 && three >= 0 && crossed >= 0 && one >= 0,
     "a row for each model, measure and centring");
  for (int p = 0; p < 6; p++) mean += table_real(pairs, 1 + p * measures * 4, "value") / 6;
  NEAR(table_real(t, four, "value"), mean, 1e-15, "mean of all pairs");
  OK(table_real(t, four, "low") < mean && mean < table_real(t, four, "high"), "an interval");
  OK(table_real(t, four, "initial") < .85, "the value at step 0");
  const double random = table_real(t, four, "null_random");
  OK(random > .2 && random < .6 && table_real(t, four, "null_gaussian") > 0 &&
         table_real(t, four, "null_tokens") > 0,
     "three nulls");
  OK(random == table_real(t, three, "null_random"), "shared by rows of the same size");
  OK(table_real(t, four, "dead") == DEAD && table_real(t, four, "runs") == 4 &&
         !strcmp(table_cell(t, four, "anchors"), "per_seed") && !*table_cell(t, four, "note"),
     "four runs: nothing to note");
  OK(!strcmp(table_cell(t, three, "note"),
             "a null: trained on surrogate tokens; given these anchors; 2 "
             "runs: no interval") &&
         !*table_cell(t, three, "low"),
     "two runs with shared anchors: %s", table_cell(t, three, "note"));
  OK(table_real(t, four, "null_surrogate") == table_real(t, three, "value") &&
         !*table_cell(t, three, "null_surrogate") && !*table_cell(t, crossed, "null_surrogate"),
     "the value of the model on surrogate tokens stands beside its own");
  OK(table_real(t, crossed, "runs") == 2 &&
         !strncmp(table_cell(t, crossed, "note"), "2 of 4 runs", 11),
     "crossed seeds: %s", table_cell(t, crossed, "note"));
  for (int64_t r = 0; r < t->rows; r++)
    OK(!strcmp(table_cell(t, r, "role"), "primary") ==
           (!strcmp(table_cell(t, r, "measure"), "matched_cosine") &&
            !strcmp(table_cell(t, r, "centring"), "raw")),
       "the primary row: %s %s %s", table_cell(t, r, "model"), table_cell(t, r, "measure"),
       table_cell(t, r, "centring"));
  NEAR(table_real(t, crossed, "value"), table_real(pairs, (6 + 1 + 2) * measures * 4 + 1, "value"),
       0, "only the pair that shares no seed");
  OK(!*table_cell(t, one, "value") && !*table_cell(t, one, "null_random") &&
         !strcmp(table_cell(t, one, "note"), "one run: no pairs"),
     "one run has no pairs");
}

static PetscErrorCode TestGroups(const View *view, Mistakes *mistakes)
{
  const ComparedRun four[] = {{"a", folder[0], {1, 1, 1}, "x"},
                              {"b", folder[1], {2, 2, 2}, "y"},
                              {"c", folder[2], {3, 3, 3}, "z"},
                              {"d", folder[3], {4, 4, 4}, "w"}};
  const ComparedRun crossed[] = {{"a", folder[0], {1, 1, -1}, NULL},
                                 {"b", folder[1], {1, 2, -1}, NULL},
                                 {"c", folder[2], {2, 1, -1}, NULL},
                                 {"d", folder[3], {2, 2, -1}, NULL}};
  const ComparedRun two[] = {{"a", folder[0], {1, 1, 1}, "x"}, {"b", folder[1], {2, 2, 2}, "x"}};
  const ComparedGroup groups[] = {{"four", "per_seed", view, 4, four, 1},
                                  {"two", "shared", view, 2, two, -1, true},
                                  {"crossed", "none", view, 4, crossed, -1},
                                  {"one", "none", view, 1, crossed, -1}};
  CompareTables tables, alone;
  PetscFunctionBeginUser;
  PetscCall(CompareGroups(COMM, kernels, 4, groups, &options, mistakes, &tables));
  OK(!mistakes_count(mistakes), "no mistakes");
  PetscCall(CompareGroups(PETSC_COMM_SELF, kernels, 4, groups, &options, mistakes, &alone));
  OK(same_tables(tables.pairs, alone.pairs) && same_tables(tables.stability, alone.stability),
     "the same bits on one rank");
  check_pairs(tables.pairs);
  check_stability(tables.pairs, tables.stability);
  PetscCall(CompareTablesDestroy(&alone));
  PetscCall(CompareTablesDestroy(&tables));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Tokens that were not centred: no row is primary, and all say why. */
static PetscErrorCode TestOffset(const View *view, Mistakes *mistakes)
{
  const ComparedRun run[] = {{"a", folder[0], {1, 1, 1}, NULL}, {"b", folder[1], {2, 2, 2}, NULL}};
  const ComparedGroup group = {"offset", "none", view, 2, run, -1};
  const ChosenComparison primary[] = {chosen[0], {0}};
  const CompareOptions only = {primary, options.centrings};
  CompareTables tables;
  PetscFunctionBeginUser;
  PetscCall(CompareGroups(COMM, kernels, 1, &group, &only, mistakes, &tables));
  OK(tables.stability->rows == 2, "raw and centred");
  for (int64_t r = 0; r < tables.stability->rows; r++)
    OK(!strcmp(table_cell(tables.stability, r, "role"), "secondary") &&
           !strcmp(table_cell(tables.stability, r, "note"),
                   "tokens not centred; 2 runs: no interval"),
       "secondary: %s", table_cell(tables.stability, r, "note"));
  PetscCall(CompareTablesDestroy(&tables));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Runs that all failed, and one of three: told, not passed over. */
static PetscErrorCode TestFailed(const View *view, Mistakes *mistakes)
{
  const ComparedRun two[] = {{"a", folder[0], {1, 1, 1}, "x"}, {"b", folder[1], {2, 2, 2}, "y"}};
  const ComparedGroup groups[] = {{"none", "shared", view, 0, NULL, -1, .failed = 3, .pending = 1},
                                  {"some", "per_seed", view, 2, two, -1, .failed = 1},
                                  {"nothing", "none", view, 0, NULL, -1, .pending = 2}};
  CompareTables tables;
  PetscFunctionBeginUser;
  PetscCall(CompareGroups(COMM, kernels, 3, groups, &options, mistakes, &tables));
  const Table *t = tables.stability;
  const int64_t none = row_of(t, "none", "matched_cosine", "centred"),
                some = row_of(t, "some", "matched_cosine", "raw");
  OK(t->rows == 2 * 2 * measures && none >= 0 && some >= 0, "rows of both models: %d",
     (int)t->rows);
  OK(table_real(t, none, "runs") == 0 && table_real(t, none, "failed") == 3 &&
         !*table_cell(t, none, "value") && !*table_cell(t, none, "dead") &&
         !strcmp(table_cell(t, none, "note"), "3 of 4 runs failed; 1 of 4 runs not finished"),
     "no run finished: %s", table_cell(t, none, "note"));
  OK(table_real(t, some, "failed") == 1 &&
         !strcmp(table_cell(t, some, "note"), "2 runs: no interval; 1 of 3 runs failed"),
     "one failed: %s", table_cell(t, some, "note"));
  PetscCall(CompareTablesDestroy(&tables));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The same start twice is told; a missing model, and a table of another size, are mistakes. */
static PetscErrorCode TestFaults(const View *view)
{
  const ComparedRun run[] = {{"a", folder[0], {1, 1, -1}, NULL},
                             {"b", folder[0], {1, 2, -1}, NULL}};
  const ComparedRun lost[] = {{"a", folder[0], {1, 1, -1}, NULL},
                              {"b", "nowhere", {1, 2, -1}, NULL}};
  const ComparedGroup twice = {"twice", "none", view, 2, run, -1},
                      gone = {"gone", "none", view, 2, lost, -1};
  Mistakes *mistakes;
  CompareTables tables;
  PetscFunctionBeginUser;
  PetscCall(MistakesCreate(&mistakes));
  PetscCall(CompareGroups(COMM, kernels, 1, &twice, &options, mistakes, &tables));
  OK(strstr(table_cell(tables.stability, 0, "note"), "given this start"),
     "the same start is told: %s", table_cell(tables.stability, 0, "note"));
  NEAR(table_real(tables.stability, 0, "value"), 1, 1e-6, "a run is its own twin");
  PetscCall(CompareTablesDestroy(&tables));
  PetscCall(CompareGroups(COMM, kernels, 1, &gone, &options, mistakes, &tables));
  OK(mistakes_count(mistakes) > 0 && tables.pairs->rows == 0, "a missing model is a mistake");
  PetscCall(CompareTablesDestroy(&tables));
  PetscCall(MistakesDestroy(&mistakes));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void clean(void)
{
  for (int r = 0; r < FOLDERS; r++) run_folder_remove(folder[r]);
  unlink(tokens_path);
}

static PetscErrorCode Tests(void)
{
  Mistakes *mistakes;
  TestView test, offset;
  PetscFunctionBeginUser;
  PetscCall(MistakesCreate(&mistakes));
  PetscCall(KernelsChoose(NULL, mistakes, &kernels));
  for (int first = 1; first >= 0; first--)
    for (int v = 0; comparisons.entries[v]; v++) {
      const Comparison *one = (const Comparison *)comparisons.entries[v];
      if (one->primary == first &&
          !(one->needs & (NEED_ENCODER | NEED_BOTH | NEED_CODES | NEED_TRUTH)))
        chosen[measures++].comparison = one;
    }
  for (int r = 0; tap_rank == 0 && r < FOLDERS; r++) PetscCall(WriteRun(r, mistakes));
  PetscCall(RandomTokens(COMM, kernels, tokens_path, 600, WIDTH, mistakes));
  PetscCall(TestViewCreate(COMM, kernels, tokens_path, .25, mistakes, &test));
  PetscCall(TestGroups(&test.view, mistakes));
  PetscCall(TestFailed(&test.view, mistakes));
  PetscCall(TestViewCentred(COMM, kernels, tokens_path, .25, "none", mistakes, &offset));
  PetscCall(TestOffset(&offset.view, mistakes));
  PetscCall(TestFaults(&test.view));
  PetscCall(TestViewDestroy(&offset));
  PetscCall(TestViewDestroy(&test));
  PetscCall(MistakesDestroy(&mistakes));
  PetscCallMPI(MPI_Barrier(COMM));
  if (tap_rank == 0) clean();
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  TestBegin(&argc, &argv);
  RUN(Tests());
  return TestEnd();
}
