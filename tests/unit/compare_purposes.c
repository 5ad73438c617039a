/* Which seed matters: known effects and shares, what is planted in atoms, and purposes that a model
   does not draw from.
   RUN ranks=1 */
#include "compare/purposes.h"
#include "../interval_values.h"
#include "../planted.h"
#include "../tap.h"
#include <stdlib.h>

static void test_known(void)
{
  double V[8], share[3], mean, low, high;
  purpose_effects(3, purposes_m, V, share);
  for (int u = 0; u < 8; u++) NEAR(V[u], purposes_v[u], 1e-14, "V of set %d", u);
  for (int p = 0; p < 3; p++) NEAR(share[p], purposes_share[p], 1e-14, "share of purpose %d", p);
  NEAR(share[0] + share[1] + share[2], 1 - purposes_m[0], 1e-15, "shares add up to 1 - M(none)");
  OK(V[6] < 0, "negative effects are not clipped");
  blocks_mean(5, blocks, &mean, &low, &high);
  NEAR(mean, blocks_known[0], 1e-15, "mean over blocks");
  NEAR(low, blocks_known[1], 1e-13, "low, t with 4 degrees");
  NEAR(high, blocks_known[2], 1e-13, "high");
  blocks_mean(2, blocks, &mean, &low, &high);
  OK(isnan(low) && isnan(high), "two blocks: no interval");
  NEAR(mean, (blocks[0] + blocks[1]) / 2, 1e-15, "but a mean");
}

enum { B = 6, M = 24, WIDTH = 48, RUNS = BLOCK_RUNS * B };
static ComparedRun run[RUNS];
static int64_t block[RUNS];
static double value[RUNS * (RUNS - 1) / 2 * STAGES * CENTRINGS];
static double same[RUNS * (RUNS - 1) / 2];
static Living living[RUNS];
static ComparedGroup group = {
    .model = "planted", .runs = RUNS, .run = run, .blocks = B, .block = block};
static GroupPairs pairs = {.runs = RUNS,
                           .pairs = RUNS * (RUNS - 1) / 2,
                           .measures = 1,
                           .value = value,
                           .same = same,
                           .living = living};
static ChosenComparison chosen[2];

/* Blocks of runs with planted atoms; only pairs within a block have values. */
static PetscErrorCode Plant(const Kernels *kernels, uint64_t draw, float *D)
{
  double h[BLOCK_RUNS * BLOCK_RUNS];
  PetscFunctionBeginUser;
  for (int64_t i = 0; i < RUNS * (RUNS - 1) / 2 * STAGES * CENTRINGS; i++) value[i] = (double)NAN;
  for (int64_t b = 0; b < B; b++) {
    planted_block(draw * B + (uint64_t)b, M, WIDTH, D);
    PetscCall(AtomsPrepare(kernels, CENTRING_RAW, BLOCK_RUNS * M, WIDTH, D, NULL, D));
    PetscCall(PlantedShares(kernels, BLOCK_RUNS, M, WIDTH, D, h));
    for (int64_t q = 0; q < BLOCK_RUNS; q++) {
      const int64_t j = b * BLOCK_RUNS + q;
      block[j] = j;
      run[j] = (ComparedRun){.id = "", .seed = {0, 0, 0, -1}, .anchors = "x"};
      living[j].alive = M;
      for (int p = 0; p < 3; p++) run[j].seed[p] = 2 * b + planted_seed[q][p];
      for (int64_t p = 0; p < q; p++)
        *pair_value(&pairs, pair_number(RUNS, b * BLOCK_RUNS + p, j), STAGE_END, CENTRING_RAW, 0) =
            h[p * BLOCK_RUNS + q];
    }
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What was planted, by the terms' names. */
static double truth(const char *term)
{
  int set = 0, sets = 0;
  double sum = 0;
  for (int p = 0; p < 3; p++)
    if (strstr(term, seed_purposes[p])) set |= 1 << p;
  for (int u = 0; u < 8; u++) {
    sets = (u & 1) + (u >> 1 & 1) + (u >> 2 & 1);
    if (term[0] == 'V' ? u == set : term[0] == 's' ? (u & set) != 0 : (u & set) == u)
      sum += planted_effect[u] / (term[0] == 's' ? sets : 1);
  }
  return sum;
}

static PetscErrorCode TestPlanted(const Kernels *kernels)
{
  enum { DRAWS = 150, TERMS = 18 };
  int held[TERMS] = {0};
  char name[TERMS][32];
  double sum[TERMS] = {0};
  float *D;
  Table *t;
  PetscFunctionBeginUser;
  PetscCall(ArrayCreate(BLOCK_RUNS * M * WIDTH, &D));
  for (uint64_t draw = 0; draw < DRAWS; draw++) {
    PetscCall(Plant(kernels, draw, D));
    PetscCall(PurposesTable(1, &group, &pairs, chosen, &t));
    if (draw == 0)
      OK(t->rows == TERMS && table_real(t, 0, "blocks") == B, "core, 7 M, 7 V, 3 shares: %d rows",
         (int)t->rows);
    for (int64_t r = 0; r < t->rows && r < TERMS; r++) {
      const double known = truth(table_cell(t, r, "term"));
      snprintf(name[r], sizeof(name[r]), "%s", table_cell(t, r, "term"));
      held[r] +=
          table_real(t, r, "low") <= known + 1e-12 && known - 1e-12 <= table_real(t, r, "high");
      sum[r] += table_real(t, r, "value") / DRAWS;
    }
    PetscCall(TableDestroy(&t));
  }
  for (int r = 0; r < TERMS; r++) {
    NEAR(sum[r], truth(name[r]), .012, "%s: planted %.4f", name[r], truth(name[r]));
    OK(held[r] >= .9 * DRAWS, "%s: in its interval in %d of %d", name[r], held[r], DRAWS);
  }
  PetscCall(ArrayDestroy(&D));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static double term(const Table *t, const char *name)
{
  for (int64_t r = 0; r < t->rows; r++)
    if (!strcmp(table_cell(t, r, "term"), name)) return table_real(t, r, "value");
  return NAN;
}

/* A model that draws from init and data alone: the fourth run of a block is its first. */
static PetscErrorCode TestWithoutAnchors(void)
{
  Table *t;
  PetscFunctionBeginUser;
  for (int64_t j = 0; j < RUNS; j++) {
    run[j].seed[2] = -1;
    if (j % BLOCK_RUNS == 3) block[j] = j - 3;
  }
  block[7] = -1; /* one block is not finished */
  group.failed = 1;
  PetscCall(PurposesTable(1, &group, &pairs, chosen, &t));
  OK(term(t, "M(init,data)") == 1, "sharing all seeds that are drawn from is being the same run");
  OK(isnan(term(t, "M(anchors)")) && t->rows == 1 + 3 + 3 + 2, "no terms of other seeds: %d rows",
     (int)t->rows);
  OK(table_real(t, 0, "blocks") == B - 1, "a block that is not finished is left out");
  OK(!strcmp(table_cell(t, 0, "note"),
             "given these anchors; 1 of 31 runs failed; 5 of 6 blocks, those whose runs all have a "
             "value"),
     "and the note says so: %s", table_cell(t, 0, "note"));
  NEAR(term(t, "share(init)") + term(t, "share(data)") + term(t, "core"), 1, 1e-14,
       "shares and core add up to 1");
  PetscCall(TableDestroy(&t));
  for (int64_t i = 0; i < RUNS * (RUNS - 1) / 2 * STAGES * CENTRINGS; i++) value[i] = (double)NAN;
  PetscCall(PurposesTable(1, &group, &pairs, chosen, &t));
  OK(t->rows == 0, "no value, no rows");
  PetscCall(TableDestroy(&t));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  const Kernels *kernels;
  Mistakes *mistakes;
  TestBegin(&argc, &argv);
  RUN(MistakesCreate(&mistakes));
  RUN(KernelsChoose(NULL, mistakes, &kernels));
  RUN(MistakesDestroy(&mistakes));
  for (int i = 0; comparisons.entries[i]; i++)
    if (!strcmp(comparisons.entries[i]->name, "matched_share"))
      chosen[0].comparison = (const Comparison *)comparisons.entries[i];
  test_known();
  RUN(TestPlanted(kernels));
  RUN(TestWithoutAnchors());
  return TestEnd();
}
