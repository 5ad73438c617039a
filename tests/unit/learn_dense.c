/* Sums over tokens by dense products give the bytes of sparse ones: batches of several leaves with
   a short last one, atoms that never fire, products that underflow, residuals that are 0 or not
   finite; on every number of ranks. Steps of codes with many active atoms give those of the plain
   kernels.
   RUN ranks=1
   RUN ranks=2
   RUN ranks=3 */
#include "../../src/learn/sae/batch.h"
#include "../sae_task.h"
#include "../tap.h"

enum { N = 7500, D = 20, STEPS = 4, QUIET = 3 };
static const char path[] = "learn_dense.test.h5";

/* Ways to take the same steps: a variable and its two values. */
static const char *const dense[] = {"ARDIS_DENSE", "always", "never"}, *const plain[] = {
                                                                           "ARDIS_KERNELS", "ref",
                                                                           ""};

/* One atom in QUIET gets a bias that no score outweighs. */
static PetscErrorCode Silence(SAE *sae)
{
  PetscFunctionBeginUser;
  Tensor *bias = tensor_named(sae, "encoder/bias");
  for (int64_t j = 0; j < sae->rows; j++)
    if ((sae->first + j) % QUIET == 0) bias->p[j] = -1e6f;
  PetscCall(SAEPublish(sae));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static bool same_model(const SAE *a, const SAE *b)
{
  const size_t size = sizeof(float) * (size_t)a->block_size;
  bool same = true;
  for (int i = 0; i < 4; i++) same = same && !memcmp(a->block[i], b->block[i], size);
  return same && !memcmp(a->silent, b->silent, sizeof(int64_t) * (size_t)a->m);
}

static PetscErrorCode Steps(const char *words, Route route, const char *const *ways)
{
  PetscFunctionBeginUser;
  SAETask task[2];
  SAE *sae[2];
  StepReport report[2];
  bool same = true, took = true;
  for (int i = 0; i < 2; i++) {
    setenv(ways[0], ways[1 + i], 1);
    if (!*ways[1 + i]) unsetenv(ways[0]);
    PetscCall(SAETaskOpen(PETSC_COMM_WORLD, path, words, 0, &task[i]));
    task[i].task.route = route;
    PetscCall(SAECreate(&task[i].task, &sae[i]));
    PetscCall(Silence(sae[i]));
  }
  for (int s = 0; s < STEPS; s++) {
    for (int i = 0; i < 2; i++) PetscCall(SAEStep(sae[i], &report[i]));
    for (int i = 0; i < report[0].values; i++)
      same = same && !memcmp(&report[0].value[i].value, &report[1].value[i].value, sizeof(double));
  }
  took = ways == plain || (sae[0]->batch->dense && !sae[1]->batch->dense);
  OK(took, "%s, route %s: dense sums when they are asked for", words, route_words[route]);
  OK(same, "the same reports, %s", ways[0]);
  OK(same_model(sae[0], sae[1]), "the same parameters, moments and gradients");
  for (int i = 0; i < 2; i++) {
    PetscCall(SAEDestroy(&sae[i]));
    PetscCall(SAETaskClose(&task[i]));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A term of n tokens: a share of codes, and residuals many of which are 0, - 0 or so small that
   products underflow. */
static void fill_term(int64_t n, int64_t m, double share, float *e, float *xc, Codes *codes,
                      float *g)
{
  static const float odd[] = {0, -0.0f, 1e-30f, -1e-30f, 1e-42f, -1.5f, 0.7f, -1e-20f};
  codes->rows = n, codes->start[0] = 0;
  for (int64_t t = 0; t < n; t++) {
    int64_t q = codes->start[t];
    for (int64_t i = 0; i < D; i++) {
      const uint64_t at = (uint64_t)(t * D + i);
      e[at] = odd[random_below(5, RANDOM_SYNTH, at, i < 4 ? 4 : 8)];
      xc[at] = t % 9 ? odd[random_below(6, RANDOM_SYNTH, at, 8)] : 0;
    }
    for (int64_t j = 0; j < m; j++) {
      const uint64_t at = (uint64_t)(t * m + j);
      if (j % QUIET == 0 || random_uniform(7, RANDOM_SYNTH, at) > share) continue;
      codes->atom[q] = (int32_t)j, codes->value[q] = 1e-25f * (float)(1 + j % 5);
      g[q++] = odd[random_below(8, RANDOM_SYNTH, at, 8)];
    }
    codes->start[t + 1] = q;
  }
}

static void swap(void *a, void *b)
{
  int32_t x, y;
  memcpy(&x, a, 4), memcpy(&y, b, 4), memcpy(a, &y, 4), memcpy(b, &x, 4);
}

/* Each token's codes from the last to the first. */
static void turn_codes(Codes *codes, float *g)
{
  for (int64_t t = 0; t < codes->rows; t++)
    for (int64_t q = codes->start[t], r = codes->start[t + 1] - 1; q < r; q++, r--) {
      swap(codes->atom + q, codes->atom + r), swap(codes->value + q, codes->value + r);
      swap(g + q, g + r);
    }
}

/* Sums of such a term, dense, sparse, without those of values, and with its codes in another order;
   odd: a residual that is not finite, which only some atoms see. */
static PetscErrorCode Sums(int64_t m, int64_t n, double share, float odd)
{
  PetscFunctionBeginUser;
  Text words = {0};
  SAETask task;
  SAE *sae;
  Codes codes = {0};
  float *e, *xc, *g, *G[5];
  text_add(&words, "width=%d train.batch=4100 code.name=relu train.steps=9", (int)m);
  PetscCall(SAETaskOpen(PETSC_COMM_SELF, path, words.s, 0, &task));
  text_clear(&words);
  PetscCall(SAECreate(&task.task, &sae));
  PetscCall(ArrayCreate(n * D, &e));
  PetscCall(ArrayCreate(n * D, &xc));
  PetscCall(ArrayCreate(n * m, &g));
  PetscCall(CodesReserve(&codes, n, n * m));
  fill_term(n, m, share, e, xc, &codes, g);
  if (odd != 0) e[n / 2 * D] = odd;
  const SAETerm term = {&codes, g, NULL, e, xc};
  const int64_t rest = m * (D + 2); /* sums of slopes and the two of single numbers */
  for (int i = 0; i < 5; i++) {
    PetscCall(ArrayCreate(m * D + rest, &G[i]));
    sae->batch->use = i % 2 ? DENSE_NEVER : DENSE_ALWAYS;
    if (i == 4) turn_codes(&codes, g);
    const SAESums sums = {sums_always(sae) | 1 << SUM_ZS,
                          {i / 2 == 1 ? NULL : G[i], G[i] + m * D, G[i] + m * 2 * D,
                           G[i] + m * (2 * D + 1), NULL, NULL}};
    PetscCall(BatchSums(sae, &term, 0, m, &sums));
  }
  for (int i = 1; i < 5; i++)
    OK(!memcmp(G[0] + (i / 2 == 1) * m * D, G[i] + (i / 2 == 1) * m * D,
               sizeof(float) * (size_t)(i / 2 == 1 ? rest : m * D + rest)),
       "sums %d of %d atoms, %d tokens, a share %g of codes, a residual %g", i, (int)m, (int)n,
       share, (double)odd);
  for (int i = 0; i < 5; i++) PetscCall(ArrayDestroy(&G[i]));
  PetscCall(ArrayDestroy(&e));
  PetscCall(ArrayDestroy(&xc));
  PetscCall(ArrayDestroy(&g));
  codes_clear(&codes);
  PetscCall(SAEDestroy(&sae));
  PetscCall(SAETaskClose(&task));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  static const char *const cases[] = {
      "width=70 train.batch=5300 code.name=relu code.l1=0.02 train.steps=9 "
      "train.optimizer.lr=0.01 atoms.name=free",
      "width=70 train.batch=5300 code.name=topk code.k=30 train.steps=9 "
      "train.optimizer.lr=0.01 atoms.name=free revive.name=auxk revive.k=5 revive.weight=0.5 "
      "revive.dead_after=5000"};
  static const char *const many[] = {"code.name=relu code.l1=0.02", "code.name=jumprelu",
                                     "code.name=gated", "code.name=relu goal.name=matryoshka",
                                     "code.name=topk code.k=9 revive.name=auxk_attached "
                                     "revive.k=200"};
  TestBegin(&argc, &argv);
  RUN(SAETaskTokens(path, N, D));
  for (int c = 0; c < 2; c++)
    for (int r = 0; r < (tap_size > 1 ? 2 : 1); r++)
      RUN(Steps(cases[c], r ? ROUTE_ALLREDUCE : ROUTE_OWNER, dense));
  unsetenv("ARDIS_DENSE");
  for (size_t c = 0; c < sizeof(many) / sizeof(*many) && tap_size < 3; c++) {
    Text words = {0};
    text_add(&words, "width=700 train.batch=300 train.steps=9 atoms.name=free %s", many[c]);
    RUN(Steps(words.s, ROUTE_OWNER, plain));
    text_clear(&words);
  }
  RUN(Sums(70, 4100, 0.5, 0));
  RUN(Sums(70, 1025, 0.01, 0));
  RUN(Sums(70, 4100, 0.002, 0)); /* atoms with tokens in one leaf, in several, and none between */
  RUN(Sums(1538, 70, 0.5, 0)); /* a third is silent, so that one more has codes than go together */
  RUN(Sums(70, 600, 0.9, 0));
  RUN(Sums(70, 3000, 0.5, __builtin_inff()));
  MPI_Barrier(PETSC_COMM_WORLD);
  if (tap_rank == 0) unlink(path);
  return TestEnd();
}
