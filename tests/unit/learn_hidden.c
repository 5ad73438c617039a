/* The hidden layer of encoder mlp: the same bits from every kernel set, those of its formula in
   float64 up to rounding, and a finished model gives the scores of the one that learned.
   RUN ranks=1 */
#include "../plain_sae.h"
#include "../sae_task.h"
#include "../tap.h"
#include "learn/dictionary.h"
#include "learn/hidden.h"
#include <math.h>

enum { N = 300, ROWS = 90 };
static const char path[] = "learn_hidden.test.h5", saved_path[] = "learn_hidden.saved.h5";

static void check_kernels(void)
{
  enum { WIDTH = 70, INPUTS = 45 };
  float W[WIDTH * INPUTS], vector[3][WIDTH], X[ROWS * INPUTS], first[ROWS * WIDTH], A[ROWS * WIDTH],
      norm[ROWS * WIDTH], inverse[ROWS];
  bool same = true, flat = true;
  int sets = 0;
  for (int i = 0; i < WIDTH * INPUTS; i++)
    W[i] = (float)random_normal(1, RANDOM_SYNTH, (uint64_t)i);
  for (int i = 0; i < 3 * WIDTH; i++)
    vector[i / WIDTH][i % WIDTH] = (float)random_normal(2, RANDOM_SYNTH, (uint64_t)i);
  for (int i = 0; i < ROWS * INPUTS; i++)
    X[i] = i < INPUTS ? 0 : (float)random_normal(3, RANDOM_SYNTH, (uint64_t)i);
  for (const Entry *const *entry = backends.entries; *entry; entry++) {
    const Kernels *kernels = (const Kernels *)*entry;
    Packed packed = {0};
    if (!kernels->usable()) continue;
    kernels->pack(WIDTH, INPUTS, W, INPUTS, &packed);
    const Hidden hidden = {&packed, vector[0], vector[1], vector[2]};
    hidden_forward(kernels, &hidden, ROWS, X, norm, inverse, A);
    if (!sets++) memcpy(first, A, sizeof(A));
    same &= !memcmp(first, A, sizeof(A));
    packed_clear(&packed);
  }
  OK(same && sets > 1, "%d kernel sets give the same bits", sets);
  for (int t = 0; t < ROWS; t++) {
    double sum = 0, square = 0;
    for (int i = 0; i < WIDTH; i++) {
      const double x = (double)norm[t * WIDTH + i];
      sum += x, square += x * x;
    }
    flat &= fabs(sum) < 1e-4 && fabs(square / WIDTH - 1) < 1e-4;
  }
  OK(flat, "mean 0 and variance 1 before gains");
}

/* Codes of the model that is read back, against scores in float64. */
static PetscErrorCode CheckModel(const char *more)
{
  PetscFunctionBeginUser;
  SAETask t;
  SAE *sae;
  StepReport report;
  Dictionary *dictionary;
  Codes codes = {0};
  Plain plain;
  float X[ROWS * D];
  Text words = {0};
  double worst = 0, in[WIDEST], xc[D];
  unsigned char positive[WIDEST];
  int64_t row[ROWS];
  bool all = true;
  text_add(&words,
           "width=13 code.name=relu encoder.name=mlp train.batch=60 train.steps=9 "
           "train.optimizer.lr=0.01 %s",
           more);
  PetscCall(SAETaskOpen(PETSC_COMM_SELF, path, words.s, 0, &t));
  PetscCall(SAECreate(&t.task, &sae));
  for (int s = 0; s < 8; s++) PetscCall(SAEStep(sae, &report));
  PetscCall(PlainCreate(sae, &plain));
  PetscCall(ModelWrite(&t.task, (const Method *)family_find(&methods, "sae"), sae, saved_path, "",
                       t.mistakes));
  PetscCall(DictionaryRead(saved_path, t.kernels, t.mistakes, &dictionary));
  OK(dictionary && !dictionary->encoder, "the model reads back, without rows to be compared");
  for (int64_t i = 0; i < ROWS; i++) row[i] = 3 * i;
  PetscCall(ViewRead(&t.task.view, ROWS, row, X));
  PetscCall(DictionaryEncode(dictionary, ROWS, X, &codes));
  const double *E = value_of(&plain, "encoder/output"), *b = value_of(&plain, "encoder/bias");
  for (int64_t r = 0; r < ROWS; r++) {
    int64_t q = codes.start[r];
    for (int64_t i = 0; i < D; i++) xc[i] = (double)X[r * D + i] - (double)sae->bias[i];
    hidden_layer(&plain, xc, positive, in);
    for (int64_t j = 0; j < plain.m; j++) {
      double score = b[j], z = 0;
      for (int64_t i = 0; i < plain.inputs; i++) score += E[j * plain.inputs + i] * in[i];
      if (q < codes.start[r + 1] && codes.atom[q] == j) z = (double)codes.value[q++];
      worst = fmax(worst, fabs(fmax(score, 0) - z));
    }
    all &= q == codes.start[r + 1];
  }
  OK(all && worst < 1e-5 && codes.start[ROWS] > ROWS, "and encodes as the formula says%s", more);
  if (worst >= 1e-5) fprintf(stderr, "# off by %g\n", worst);
  codes_clear(&codes);
  text_clear(&words);
  PetscCall(PlainDestroy(&plain));
  PetscCall(DictionaryDestroy(&dictionary));
  PetscCall(SAEDestroy(&sae));
  PetscCall(SAETaskClose(&t));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  TestBegin(&argc, &argv);
  RUN(SAETaskTokens(path, N, D));
  check_kernels();
  RUN(CheckModel(""));
  RUN(CheckModel(" encoder.hidden=17"));
  RUN(CheckModel(" encoder.hidden=6"));
  unlink(path), unlink(saved_path);
  return TestEnd();
}
