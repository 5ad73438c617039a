/* What classical methods share, against plain loops.
   RUN ranks=1 */
#include "../kernel_values.h"
#include "../tap.h"
#include "base/eigen.h"
#include "learn/classical.h"

static void check_shift(void)
{
  bool same = true;
  for (int64_t d = 1; d < 40; d += 3) {
    const float *X = hold(fill(3 * d, PLAIN)), *shift = hold(fill(d, PLAIN));
    float *out = hold(fill(3 * d, PLAIN));
    less_shift(3, d, X, shift, out);
    for (int64_t i = 0; i < 3 * d; i++) same = same && out[i] == X[i] - shift[i % d];
    let_go();
  }
  OK(same, "rows less a shift");
}

/* Sums in order, and no - 0. */
static void check_product(const Kernels *kernels)
{
  enum { M = 7, P = 5, D = 37 };
  double A[M * P], B[P * D], out[M * D];
  bool same = true;
  for (int i = 0; i < M * P; i++) A[i] = i % P == 2 ? 0 : (double)(i * 7 % 23) / 7 - 1;
  for (int i = 0; i < P * D; i++) B[i] = i % D == 3 ? -0.0 : (double)(i * 5 % 31) / 3 - 4;
  product64(kernels, M, P, D, A, B, out);
  for (int64_t j = 0; j < M; j++)
    for (int64_t i = 0; i < D; i++) {
      volatile double sum = 0;
      for (int64_t q = 0; q < P; q++) sum += (volatile double){A[j * P + q] * B[q * D + i]};
      same = same && sum == out[j * D + i] && !signbit(out[j * D + i]) == !signbit(sum);
    }
  OK(same, "%s: products of float64 matrices", kernels->entry.name);
}

/* Columns do not know of each other, however many there are. */
static PetscErrorCode CheckSolve(const Kernels *kernels)
{
  enum { M = 19, D = 2 * CLASSICAL_COLUMNS + 5 };
  double R[M * M], K[M * M], Y[M * D], one[M];
  bool same = true, solves = true;

  PetscFunctionBeginUser;
  for (int i = 0; i < M * M; i++)
    K[i] = R[i] = (i / M == i % M ? M : 0) + (double)(i / M * (i % M) % 5) / 5;
  for (int i = 0; i < M * D; i++) Y[i] = (double)(i * 7 % 41) - 20;
  OK(cholesky(M, R), "a factor");
  double before[M * D];
  memcpy(before, Y, sizeof(Y));
  PetscCall(SolveFactored(kernels, M, D, R, Y));
  for (int64_t i = 0; i < D; i++) {
    for (int64_t j = 0; j < M; j++) one[j] = before[j * D + i];
    PetscCall(SolveFactored(kernels, M, 1, R, one));
    for (int64_t j = 0; j < M; j++) {
      double sum = 0;
      same = same && one[j] == Y[j * D + i];
      for (int64_t l = 0; l < M; l++) sum += K[j * M + l] * Y[l * D + i];
      solves = solves && fabs(sum - before[j * D + i]) < 1e-11;
    }
  }
  OK(same && solves, "%s: systems of many right sides, each by itself", kernels->entry.name);
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  TestBegin(&argc, &argv);
  check_shift();
  for (const Entry *const *e = backends.entries; *e; e++) {
    const Kernels *kernels = (const Kernels *)*e;
    if (!kernels->usable()) continue;
    check_product(kernels);
    PetscCallAbort(PETSC_COMM_SELF, CheckSolve(kernels));
  }
  return TestEnd();
}
