/* Symmetric eigenvalues and the Cholesky factor: against their defining equations and known
   spectra. RUN ranks=1 */
#include "base/eigen.h"
#include "base/random.h"
#include "../tap.h"

/* The largest difference between A v_i and values[i] v_i, and between V V^T and 1 */
static void residuals(int64_t d, const double *A, const double *V, const double *values,
                      double *worst, double *skew)
{
  for (int64_t i = 0; i < d; i++)
    for (int64_t j = 0; j < d; j++) {
      double product = 0;
      double inner = 0;
      for (int64_t k = 0; k < d; k++) {
        product += A[j * d + k] * V[i * d + k];
        inner += V[j * d + k] * V[i * d + k];
      }
      *worst = fmax(*worst, fabs(product - values[i] * V[i * d + j]));
      *skew = fmax(*skew, fabs(inner - (i == j)));
    }
}

static void test_random(int64_t d)
{
  double *A, *V, *W, *values, *alone;
  PetscCallAbort(PETSC_COMM_SELF,
                 PetscMalloc5(d * d, &A, d * d, &V, d * d, &W, d, &values, d, &alone));
  for (int64_t i = 0; i < d; i++)
    for (int64_t j = 0; j <= i; j++)
      A[i * d + j] = A[j * d + i] = random_normal(1, RANDOM_LAST, (uint64_t)(i * d + j));
  memcpy(V, A, sizeof(double) * (size_t)(d * d));
  memcpy(W, A, sizeof(double) * (size_t)(d * d));
  RUN(EigenSymmetric(d, V, true, values));
  RUN(EigenSymmetric(d, W, false, alone));
  double worst = 0;
  double skew = 0;
  residuals(d, A, V, values, &worst, &skew);
  OK(worst < 1e-13 * (double)d, "d = %d: A v = lambda v within %.3g", (int)d, worst);
  OK(skew < 1e-13 * (double)d, "d = %d: eigenvectors are orthonormal within %.3g", (int)d, skew);
  OK(!memcmp(values, alone, sizeof(double) * (size_t)d), "d = %d: the same values without vectors",
     (int)d);
  bool ascending = true;
  for (int64_t i = 1; i < d; i++) ascending = ascending && values[i - 1] <= values[i];
  OK(ascending, "d = %d: ascending", (int)d);
  PetscCallAbort(PETSC_COMM_SELF, PetscFree5(A, V, W, values, alone));
}

/* The leading vectors alone, of distinct and of equal values: A v = lambda v, orthonormal, and the
   values of the whole. */
static void test_leading(int64_t d, int64_t q, int64_t rank)
{
  double *A, *G, *V, *W, *values, *all;
  double worst = 0, skew = 0, off = 0;
  PetscCallAbort(PETSC_COMM_SELF,
                 PetscMalloc6(d * d, &A, d * rank, &G, q * d, &V, d * d, &W, q, &values, d, &all));
  for (int64_t i = 0; i < d * rank; i++)
    G[i] = rank == d ? i / d == i % d : random_normal(4, RANDOM_LAST, (uint64_t)i);
  for (int64_t i = 0; i < d; i++)
    for (int64_t j = 0; j < d; j++) {
      A[i * d + j] = 0;
      for (int64_t k = 0; k < rank; k++) A[i * d + j] += G[i * rank + k] * G[j * rank + k];
    }
  memcpy(W, A, sizeof(double) * (size_t)(d * d));
  RUN(EigenSymmetric(d, W, false, all));
  memcpy(W, A, sizeof(double) * (size_t)(d * d));
  RUN(EigenLeading(d, W, q, values, V));
  for (int64_t i = 0; i < q; i++) {
    off = fmax(off, fabs(values[i] - all[d - 1 - i]));
    for (int64_t j = 0; j < d; j++) {
      double product = 0, inner = 0;
      for (int64_t k = 0; k < d; k++) {
        product += A[j * d + k] * V[i * d + k];
        if (j < q) inner += V[j * d + k] * V[i * d + k];
      }
      worst = fmax(worst, fabs(product - values[i] * V[i * d + j]));
      if (j < q) skew = fmax(skew, fabs(inner - (i == j)));
    }
  }
  const double bound = 1e-13 * (double)d * fmax(1, all[d - 1]);
  OK(off == 0 && worst < bound && skew < 1e-13 * (double)d,
     "the %d leading of %d, rank %d: A v = lambda v within %.3g, orthonormal within %.3g", (int)q,
     (int)d, (int)rank, worst, skew);
  PetscCallAbort(PETSC_COMM_SELF, PetscFree6(A, G, V, W, values, all));
}

/* Dimensions that repeat each other: the values are those of one of each, so many times. */
static void test_again(int64_t some, int64_t times)
{
  const int64_t d = some * times;
  double *S, *A, *V, *one, *values, worst = 0, skew = 0, off = 0;
  PetscCallAbort(PETSC_COMM_SELF,
                 PetscMalloc5(some * some, &S, d * d, &A, d * d, &V, some, &one, d, &values));
  for (int64_t i = 0; i < some * some; i++) {
    S[i] = 0;
    for (int64_t k = 0; k < some; k++)
      S[i] += random_normal(5, RANDOM_LAST, (uint64_t)(i / some * some + k)) *
              random_normal(5, RANDOM_LAST, (uint64_t)(i % some * some + k));
  }
  for (int64_t i = 0; i < d * d; i++) A[i] = V[i] = S[i / d % some * some + i % d % some];
  RUN(EigenSymmetric(some, S, false, one));
  RUN(EigenSymmetric(d, V, true, values));
  residuals(d, A, V, values, &worst, &skew);
  for (int64_t i = 0; i < d; i++)
    off = fmax(off, fabs(values[i] - (i < d - some ? 0 : (double)times * one[i - d + some])));
  OK(fmax(worst, off) < 1e-13 * values[d - 1] && skew < 1e-12,
     "%d dimensions, each %d times: A v = lambda v within %.3g", (int)some, (int)times, worst);
  PetscCallAbort(PETSC_COMM_SELF, PetscFree5(S, A, V, one, values));
}

static void test_known(void)
{
  enum { D = 40 };
  static double A[D * D], values[D];
  for (int i = 0; i < D; i++) /* second differences: 2 - 2 cos(pi i / (D + 1)) */
    for (int j = 0; j < D; j++) A[i * D + j] = i == j ? 2 : abs(i - j) == 1 ? -1 : 0;
  RUN(EigenSymmetric(D, A, false, values));
  double worst = 0;
  for (int i = 0; i < D; i++)
    worst = fmax(worst, fabs(values[i] - (2 - 2 * cos(M_PI * (i + 1) / (D + 1)))));
  OK(worst < 1e-14 * D, "second differences: within %.3g", worst);
  for (int i = 0; i < D * D; i++) A[i] = 1;
  RUN(EigenSymmetric(D, A, true, values));
  OK(fabs(values[D - 1] - D) < 1e-12 && fabs(values[0]) < 1e-12 && fabs(values[D - 2]) < 1e-12,
     "all ones: rank 1");
  for (int i = 0; i < D * D; i++) A[i] = 0;
  RUN(EigenSymmetric(D, A, true, values));
  OK(values[0] == 0 && values[D - 1] == 0, "zero matrix");
  double one[] = {-3};
  RUN(EigenSymmetric(1, one, true, values));
  OK(values[0] == -3 && one[0] == 1, "one by one");
  RUN(EigenSymmetric(0, NULL, true, NULL));
}

/* A = G G^T with G [d x rank] comes back as R^T R with d - rank zero rows */
static void test_cholesky(int64_t d, int64_t rank)
{
  double *G, *A, *R;
  PetscCallAbort(PETSC_COMM_SELF, PetscMalloc3(d * rank, &G, d * d, &A, d * d, &R));
  for (int64_t i = 0; i < d * rank; i++) G[i] = random_normal(2, RANDOM_LAST, (uint64_t)i);
  for (int64_t i = 0; i < d; i++)
    for (int64_t j = 0; j < d; j++) {
      A[i * d + j] = 0;
      for (int64_t k = 0; k < rank; k++) A[i * d + j] += G[i * rank + k] * G[j * rank + k];
      R[i * d + j] = A[i * d + j];
    }
  OK(cholesky(d, R), "%d x %d of rank %d has a factor", (int)d, (int)d, (int)rank);
  double worst = 0;
  int zero = 0;
  for (int64_t i = 0; i < d; i++) {
    zero += R[i * d + i] == 0;
    for (int64_t j = 0; j < d; j++) {
      double sum = 0;
      for (int64_t k = 0; k < d; k++) sum += R[k * d + i] * R[k * d + j];
      worst = fmax(worst, fabs(sum - A[i * d + j]));
      if (j < i) worst = fmax(worst, fabs(R[i * d + j]));
    }
  }
  OK(worst < 1e-9, "R^T R = A and R is upper triangular, within %.3g", worst);
  OK(zero == d - rank, "%d zero rows", zero);
  PetscCallAbort(PETSC_COMM_SELF, PetscFree3(G, A, R));
}

static void test_cholesky_refusals(void)
{
  double negative[] = {1, 2, 2, 1};
  OK(!cholesky(2, negative), "an indefinite matrix is refused");
  double nan[] = {1, (double)NAN, (double)NAN, 1};
  OK(!cholesky(2, nan), "NaN is refused");
  double zero[] = {0, 0, 0, 4};
  OK(cholesky(2, zero) && zero[0] == 0 && zero[3] == 2, "a zero variance is allowed");
}

int main(int argc, char **argv)
{
  TestBegin(&argc, &argv);
  test_random(2);
  test_random(7);
  test_random(100);
  test_leading(60, 8, 40);
  test_leading(33, 33, 5);
  test_leading(20, 6, 20);
  test_leading(1, 1, 1);
  test_again(6, 22);
  test_again(3, 70);
  test_known();
  test_cholesky(30, 30);
  test_cholesky(60, 20);
  test_cholesky_refusals();
  return TestEnd();
}
