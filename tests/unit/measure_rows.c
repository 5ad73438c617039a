/* Unit rows, exact column sums, singular values.
   RUN ranks=1 */
#include "../tap.h"
#include "base/array.h"
#include "base/random.h"
#include "measure/rows.h"
#include "measure/spectrum.h"

static const Kernels *kernels;

static void test_unit(void)
{
  const float tiny = 1e-30f, X[] = {3, 4, 0, 0, 0, 0, tiny, 0, -tiny, INFINITY, 1, 0};
  float U[12];
  unit_rows(kernels, 4, 3, X, U);
  OK(U[0] == 0.6f && U[1] == 0.8f && U[2] == 0, "3 4 0 becomes .6 .8 0");
  OK(U[3] == 0 && U[4] == 0 && U[5] == 0, "a row of norm 0 stays 0");
  NEAR((double)U[6], sqrt(.5), 1e-7, "a tiny row becomes a unit one");
  OK(U[9] == 0 && U[10] == 0, "a row that is not finite becomes 0");
}

/* Against one exact_add for each value: columns of one or more sizes from 1e-40 to 1e36, zeros, and
 * cancelling values. */
static PetscErrorCode TestColumns(void)
{
  enum { N = 200, WIDTH = 131 };
  static const double sizes[] = {1, 1e-3, 1e-6, 1e-9, 1e-40, 3e5, 3e7, 1e36};
  float *X;
  Exact *sums, *slow;
  int wrong = 0;
  PetscFunctionBeginUser;
  PetscCall(ArrayCreate(N * WIDTH, &X));
  PetscCall(ArrayCreate(WIDTH, &sums));
  PetscCall(ArrayCreate(WIDTH, &slow));
  for (uint64_t i = 0; i < N * WIDTH; i++) {
    const int64_t size = random_below(1, RANDOM_LAST, i, 1 + (int64_t)(i % WIDTH) / 17);
    X[i] = (float)(random_normal(2, RANDOM_LAST, i) * sizes[size]);
    if (i % 7 == 0) X[i] = 0;
    if (i % 11 == 0 && i >= WIDTH) X[i] = -X[i - WIDTH];
    if ((i / WIDTH == 0 || i / WIDTH == 50) && i % WIDTH < 9) X[i] = i < WIDTH ? 1e36f : -1e36f;
    exact_add(&slow[i % WIDTH], (double)X[i]);
  }
  exact_columns(N / 3, WIDTH, X, sums);
  exact_columns(N - N / 3, WIDTH, X + N / 3 * WIDTH, sums);
  for (int j = 0; j < WIDTH; j++) wrong += exact_value(&sums[j]) != exact_value(&slow[j]);
  OK(wrong == 0, "%d of %d columns differ from the exact sum", wrong, (int)WIDTH);
  X[5] = (float)NAN;
  exact_columns(1, WIDTH, X, sums);
  OK(isnan(exact_value(&sums[5])) && !isnan(exact_value(&sums[4])), "NaN shows in its column");
  PetscCall(ArrayDestroy(&slow));
  PetscCall(ArrayDestroy(&sums));
  PetscCall(ArrayDestroy(&X));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Whichever side is shorter, the values are the same. */
static PetscErrorCode TestSpectrum(void)
{
  float wide[] = {4, 0, 0, 0, 0, 1.2f, 0, 1.6f, 8, 1.2f, 0, 1.6f}, tall[12];
  double *squares;
  int64_t count;
  PetscFunctionBeginUser;
  for (int i = 0; i < 3; i++)
    for (int j = 0; j < 4; j++) tall[j * 3 + i] = wide[i * 4 + j];
  Dictionary D = {.kernels = kernels, .m = 3, .d = 4, .atoms = wide};
  PetscCall(SpectrumSquares(&D, &count, &squares));
  /* third row = twice the first + the second: rank 2; trace 16 + 4 + 68 = 88, and the nonzero
     squares are the roots of s^2 - 88 s + 384 */
  const double root = sqrt(44. * 44 - 384);
  OK(count == 3 && squares[0] == 0, "rank 2 of 3: the least is 0");
  NEAR(squares[1], 44 - root, 1e-5, "middle");
  NEAR(squares[2], 44 + root, 1e-5, "largest");
  PetscCall(ArrayDestroy(&squares));
  D.m = 4, D.d = 3, D.atoms = tall;
  PetscCall(SpectrumSquares(&D, &count, &squares));
  NEAR(squares[2], 44 + root, 1e-5, "the transpose has the same");
  OK(count == 3, "as many as the shorter side");
  PetscCall(ArrayDestroy(&squares));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Tests(void)
{
  Mistakes *mistakes;
  PetscFunctionBeginUser;
  PetscCall(MistakesCreate(&mistakes));
  PetscCall(KernelsChoose(NULL, mistakes, &kernels));
  PetscCall(MistakesDestroy(&mistakes));
  test_unit();
  PetscCall(TestColumns());
  PetscCall(TestSpectrum());
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  TestBegin(&argc, &argv);
  RUN(Tests());
  return TestEnd();
}
