/* Codes by orthogonal matching pursuit against plain loops in float64.
   RUN ranks=1 */
#include "../../src/learn/sae/batch.h"
#include "../plain_sae.h"

#define COMM PETSC_COMM_WORLD
enum { N = 700 };
static const char path[] = "learn_omp.test.h5";

/* omp of one token, in float64: k picks, then steps down the slope of the squared error in the
   picked atoms' coefficients, none below 0. code [m]. */
static void pick_and_refine(const SAE *sae, int k, int iterations, const double *x, double *code)
{
  double left[D], next[14], square = 0;
  bool picked[14] = {false};
  for (int i = 0; i < D; i++) left[i] = x[i] - (double)sae->bias[i];
  for (int j = 0; j < 14; j++) code[j] = 0;
  for (int pick = 0; pick < k; pick++) {
    double best = -INFINITY;
    int at = 0;
    for (int j = 0; j < 14; j++) {
      double s = 0;
      for (int i = 0; i < D; i++) s += (double)sae->D[j * D + i] * left[i];
      if (s > best) best = s, at = j;
    }
    code[at] += best, picked[at] = true;
    for (int i = 0; i < D; i++) left[i] -= best * (double)sae->D[at * D + i];
  }
  for (int a = 0; a < 14; a++)
    for (int b = 0; b < 14; b++) {
      double dot = 0;
      for (int i = 0; i < D; i++) dot += (double)sae->D[a * D + i] * (double)sae->D[b * D + i];
      square += picked[a] && picked[b] ? dot * dot : 0;
    }
  for (int j = 0; j < 14; j++) code[j] = fmax(code[j], 0);
  for (int turn = 0; turn < iterations; turn++) {
    for (int i = 0; i < D; i++) {
      left[i] = x[i] - (double)sae->bias[i];
      for (int j = 0; j < 14; j++) left[i] -= code[j] * (double)sae->D[j * D + i];
    }
    for (int j = 0; j < 14; j++) {
      double fall = 0;
      for (int i = 0; i < D; i++) fall += (double)sae->D[j * D + i] * left[i];
      next[j] = picked[j] ? fmax(code[j] + fall / sqrt(square), 0) : 0;
    }
    memcpy(code, next, sizeof(next));
  }
}

static PetscErrorCode Refined(int k, int iterations)
{
  PetscFunctionBeginUser;
  SAETask t;
  SAE *sae;
  StepReport report;
  Plain plain;
  Text words = {0};
  static double expected[300][14];
  double worst = 0;
  text_add(&words,
           "width=14 train.batch=300 train.steps=8 atoms.name=free "
           "code.name=omp encoder.name=tied code.k=%d code.iterations=%d",
           k, iterations);
  PetscCall(SAETaskOpen(COMM, path, words.s, 0, &t));
  PetscCall(SAECreate(&t.task, &sae));
  PetscCall(PlainCreate(sae, &plain));
  for (int64_t s = 0; s < 300; s++)
    pick_and_refine(sae, k, iterations, plain.x + s * D, expected[s]);
  PetscCall(PlainDestroy(&plain));
  PetscCall(SAEStep(sae, &report));
  const Codes *codes = &sae->batch->part[PART_MAIN].codes;
  const int64_t count = codes->start[300];
  float g[300 * 14], own[300 * 14];
  bool still = true;
  for (int64_t q = 0; q < count; q++) g[q] = own[q] = 1;
  sae->now.code->slopes(&sae->now, codes, g, own);
  for (int64_t q = 0; q < count; q++) still &= g[q] == 0 && own[q] == 0;
  for (int64_t s = 0; s < 300; s++) {
    for (int64_t q = codes->start[s]; q < codes->start[s + 1]; q++)
      expected[s][codes->atom[q]] -= (double)codes->value[q];
    for (int j = 0; j < 14; j++) worst = fmax(worst, fabs(expected[s][j]));
  }
  OK(worst < 1e-5 && count > 300, "omp of %d picks, %d iterations: codes (%.2g)", k, iterations,
     worst);
  OK(still, "which count as constant");
  text_clear(&words);
  PetscCall(SAEDestroy(&sae));
  PetscCall(SAETaskClose(&t));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  TestBegin(&argc, &argv);
  RUN(SAETaskTokens(path, N, D));
  RUN(Refined(4, 3));
  RUN(Refined(3, 1));
  unlink(path);
  return TestEnd();
}
