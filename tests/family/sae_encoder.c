/* Laws of the encoders: rows start finite and of sensible size, biases at 0, the same on any number
   of ranks.
   RUN ranks=1
   RUN ranks=3 */
#include "../sae_task.h"
#include "../tap.h"

#define COMM PETSC_COMM_WORLD
enum { N = 300, D = 8, M = 8 };
static const char path[] = "sae_encoder.test.h5";

/* The bias starts where the tokens' own mean is, or where the sum of distances to them is least. */
static PetscErrorCode Bias(const char *word)
{
  PetscFunctionBeginUser;
  SAETask t;
  SAE *sae;
  Text words = {0};
  double mean[D] = {0}, off = 0, here = 0, least = 1e300;
  static float X[N * D];
  int64_t row[N];
  text_add(&words, "width=8 train.batch=64 code.name=relu encoder.bias=%s normalise.center=none",
           word);
  PetscCall(SAETaskOpen(COMM, path, words.s, 0, &t));
  PetscCall(SAECreate(&t.task, &sae));
  for (int64_t i = 0; i < N; i++) row[i] = i;
  PetscCall(ViewRead(&t.task.view, N, row, X));
  for (int i = 0; i < N * D; i++) mean[i % D] += (double)X[i] / N;
  for (int i = 0; i < D; i++) off = fmax(off, fabs(mean[i] - (double)sae->bias[i]));
  if (!strcmp(word, "mean")) OK(off < 1e-6, "bias mean: the mean of the tokens");
  for (int at = 0; at <= 2 * D && !strcmp(word, "median"); at++) {
    double sum = 0;
    for (int k = 0; k < N; k++) {
      double square = 0;
      for (int i = 0; i < D; i++) {
        const double x = (double)X[k * D + i] - (double)sae->bias[i] -
                         (i == (at - 1) / 2 && at ? (at % 2 ? 0.01 : -0.01) : 0);
        square += x * x;
      }
      sum += sqrt(square);
    }
    if (at)
      least = fmin(least, sum);
    else
      here = sum;
  }
  if (!strcmp(word, "median"))
    OK(here < least && off > 1e-3, "bias median: no point near has a smaller sum of distances");
  text_clear(&words);
  PetscCall(SAEDestroy(&sae));
  PetscCall(SAETaskClose(&t));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Laws(const char *name, const char *more, bool unit)
{
  PetscFunctionBeginUser;
  SAETask together, alone;
  SAE *many, *one;
  Text words = {0};
  text_add(&words, "width=8 train.batch=64 code.name=relu atoms.name=%s encoder.name=%s %s",
           strcmp(name, "tied") ? "hull" : "free", name, more);
  PetscCall(SAETaskOpen(COMM, path, words.s, 30, &together));
  PetscCall(SAETaskOpen(PETSC_COMM_SELF, path, words.s, 30, &alone));
  PetscCall(SAECreate(&together.task, &many));
  PetscCall(SAECreate(&alone.task, &one));
  bool sized = true, zero = true, along = true;
  for (int64_t j = 0; j < M; j++) {
    double square = 0, dot = 0, atom = 0;
    for (int64_t i = 0; i < D; i++) {
      const double e = (double)one->E[j * D + i], a = (double)one->D[j * D + i];
      square += e * e, dot += e * a, atom += a * a;
    }
    sized &= square > 0.01 && square < 8;
    along &= fabs(square - 1) < 1e-6 && fabs(dot - sqrt(atom)) < 1e-5;
    zero &= one->b[j] == 0;
  }
  OK(sized && zero, "%s %s: rows of a length near 1, biases 0", name, more);
  OK(along == unit, "%s %s: rows %s the unit atoms", name, more, unit ? "are" : "are not");
  OK(!memcmp(one->E, many->E, sizeof(float) * M * D), "%s %s: the same on %d ranks and on one",
     name, more, tap_size);
  PetscCall(SAEDestroy(&many));
  PetscCall(SAEDestroy(&one));
  PetscCall(SAETaskClose(&together));
  PetscCall(SAETaskClose(&alone));
  text_clear(&words);
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  TestBegin(&argc, &argv);
  RUN(SAETaskTokens(path, N, D));
  for (const Entry *const *entry = sae_encoders.entries; *entry; entry++)
    RUN(Laws((*entry)->name, "",
             ((const SAEEncoder *)*entry)->rows == ROWS_LEARNED ||
                 ((const SAEEncoder *)*entry)->rows == ROWS_ATOMS));
  RUN(Laws("mlp", "encoder.start=kaiming", false));
  RUN(Laws("linear", "encoder.start=random", false));
  RUN(Laws("linear", "encoder.start=xavier", false));
  RUN(Laws("linear", "encoder.start=kaiming", false));
  RUN(Bias("mean"));
  RUN(Bias("median"));
  MPI_Barrier(COMM);
  if (tap_rank == 0) unlink(path);
  return TestEnd();
}
