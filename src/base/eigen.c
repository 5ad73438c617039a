/* Symmetric eigenvalues: Householder tridiagonal form, then implicit QL. All long loops run along
   rows, with each output in a lane of its own, so that a compiler may vectorise them without
   touching a bit. */
#include "base/eigen.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

/* y += a x */
static void add_scaled(int64_t n, double a, const double *restrict x, double *restrict y)
{
  for (int64_t i = 0; i < n; i++) y[i] += a * x[i];
}

/* Sum in eight lanes, joined by a fixed tree */
static double dot(int64_t n, const double *x, const double *y)
{
  double lane[8] = {0};
  int64_t i = 0;
  for (; i + 8 <= n; i += 8)
    for (int j = 0; j < 8; j++) lane[j] += x[i + j] * y[i + j];
  for (int j = 0; i < n; i++, j++) lane[j] += x[i] * y[i];
  return ((lane[0] + lane[4]) + (lane[2] + lane[6])) + ((lane[1] + lane[5]) + (lane[3] + lane[7]));
}

/* Turns row k's first k elements into a reflector u with u^T u = 2 h, in place; e is the element
   left beside the diagonal. Returns h, or 0 where there is nothing to reflect. */
static double make_reflector(int64_t k, double *row, double *e)
{
  double scale = 0;
  for (int64_t i = 0; i < k; i++) scale = fmax(scale, fabs(row[i]));
  *e = k > 0 ? row[k - 1] : 0;
  if (k < 2 || scale == 0) return 0;
  for (int64_t i = 0; i < k; i++) row[i] /= scale;
  const double square = dot(k, row, row);
  const double size = sqrt(square);
  const double last = row[k - 1];
  const double g = last >= 0 ? -size : size;
  *e = scale * g;
  row[k - 1] = last - g;
  return square - last * g;
}

/* The leading k x k block becomes P block P, P = 1 - u u^T / h: block - u q^T - q u^T */
static void reflect_block(int64_t d, int64_t k, double *A, const double *u, double h, double *q)
{
  memset(q, 0, (size_t)k * sizeof(*q));
  for (int64_t i = 0; i < k; i++) add_scaled(k, u[i], A + i * d, q);
  for (int64_t i = 0; i < k; i++) q[i] /= h;
  const double half = dot(k, u, q) / (h + h);
  for (int64_t i = 0; i < k; i++) q[i] -= half * u[i];
  for (int64_t i = 0; i < k; i++) {
    double *restrict row = A + i * d;
    const double a = u[i];
    const double b = q[i];
    for (int64_t j = 0; j < k; j++) row[j] -= a * q[j] + b * u[j];
  }
}

/* A becomes tridiagonal (diagonal, beside[k] between k - 1 and k); its reflectors stay in its rows,
 * sizes in h */
static void tridiagonalise(int64_t d, double *A, double *diagonal, double *beside, double *h,
                           double *scratch)
{
  for (int64_t k = d - 1; k >= 0; k--) {
    double *row = A + k * d;
    diagonal[k] = row[k];
    h[k] = make_reflector(k, row, &beside[k]);
    if (h[k] != 0) reflect_block(d, k, A, row, h[k], scratch);
  }
}

/* A's reflectors are replaced by the transpose of their product: row i is the i-th basis vector */
static void form_basis(int64_t d, double *A, const double *h, double *u, double *q)
{
  for (int64_t k = 0; k < d; k++) {
    double *row = A + k * d;
    if (h[k] != 0) {
      memcpy(u, row, (size_t)k * sizeof(*u));
      for (int64_t i = 0; i < k; i++) q[i] = dot(k, A + i * d, u) / h[k];
      for (int64_t i = 0; i < k; i++) add_scaled(k, -q[i], u, A + i * d);
    }
    memset(row, 0, (size_t)d * sizeof(*row));
    for (int64_t i = 0; i < k; i++) A[i * d + k] = 0;
    row[k] = 1;
  }
}

/* Rotates rows x and y by the angle with sine s and cosine c */
static void rotate_rows(int64_t d, double s, double c, double *restrict x, double *restrict y)
{
  for (int64_t i = 0; i < d; i++) {
    const double f = y[i];
    y[i] = s * x[i] + c * f;
    x[i] = c * x[i] - s * f;
  }
}

/* One implicit QL step on the unreduced block first..last; beside[k] joins k and k + 1 here */
static void ql_step(int64_t d, int64_t first, int64_t last, double *diagonal, double *beside,
                    double *Q)
{
  double g = (diagonal[first + 1] - diagonal[first]) / (2 * beside[first]);
  double r = sqrt(g * g + 1);
  g = diagonal[last] - diagonal[first] + beside[first] / (g + (g >= 0 ? r : -r));
  double s = 1;
  double c = 1;
  double p = 0;
  for (int64_t i = last - 1; i >= first; i--) {
    const double f = s * beside[i];
    const double b = c * beside[i];
    const double scale = fmax(fabs(f), fabs(g));
    r = scale == 0 ? 0 : scale * sqrt((f / scale) * (f / scale) + (g / scale) * (g / scale));
    beside[i + 1] = r;
    if (r == 0) { /* the block has come apart: go on with the upper part next time */
      diagonal[i + 1] -= p;
      beside[last] = 0;
      return;
    }
    s = f / r;
    c = g / r;
    g = diagonal[i + 1] - p;
    r = (diagonal[i] - g) * s + 2 * c * b;
    p = s * r;
    diagonal[i + 1] = g + p;
    g = c * r - b;
    if (Q) rotate_rows(d, s, c, Q + i * d, Q + (i + 1) * d);
  }
  diagonal[first] -= p;
  beside[first] = g;
  beside[last] = 0;
}

/* Diagonalises the tridiagonal matrix; rows of Q, where given, follow */
static PetscErrorCode QLIterate(int64_t d, double *diagonal, double *beside, double *Q)
{
  PetscFunctionBegin;
  for (int64_t k = 0; k < d; k++) {
    for (int step = 0;; step++) {
      int64_t last = k;
      for (; last < d - 1; last++) {
        const double size = fabs(diagonal[last]) + fabs(diagonal[last + 1]);
        if (fabs(beside[last]) <= 0x1p-53 * size) break;
      }
      if (last == k) break;
      PetscCheck(step < 60, PETSC_COMM_SELF, PETSC_ERR_CONV_FAILED,
                 "eigenvalue %" PRId64 " of %" PRId64 " not found", k, d);
      ql_step(d, k, last, diagonal, beside, Q);
    }
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Ascending, by selection of the least (first of equals); rows of Q, where given, are swapped along
 */
static void sort_ascending(int64_t d, double *values, double *Q)
{
  for (int64_t i = 0; i < d; i++) {
    int64_t least = i;
    for (int64_t j = i + 1; j < d; j++)
      if (values[j] < values[least]) least = j;
    if (least == i) continue;
    const double v = values[i];
    values[i] = values[least];
    values[least] = v;
    for (int64_t j = 0; Q && j < d; j++) {
      const double x = Q[i * d + j];
      Q[i * d + j] = Q[least * d + j];
      Q[least * d + j] = x;
    }
  }
}

PetscErrorCode EigenSymmetric(int64_t d, double *A, bool vectors, double *values)
{
  PetscFunctionBegin;
  if (d == 0) PetscFunctionReturn(PETSC_SUCCESS);
  for (int64_t i = 0; i < d * d; i++)
    PetscCheck(isfinite(A[i]), PETSC_COMM_SELF, PETSC_ERR_FP,
               "element %" PRId64 " of the matrix is not finite", i);
  double *beside;
  double *h;
  double *u;
  double *q;
  PetscCall(PetscMalloc4(d, &beside, d, &h, d, &u, d, &q));
  tridiagonalise(d, A, values, beside, h, q);
  if (vectors) form_basis(d, A, h, u, q);
  for (int64_t k = 1; k < d; k++) beside[k - 1] = beside[k];
  beside[d - 1] = 0;
  PetscCall(QLIterate(d, values, beside, vectors ? A : NULL));
  sort_ascending(d, values, vectors ? A : NULL);
  PetscCall(PetscFree4(beside, h, u, q));
  PetscFunctionReturn(PETSC_SUCCESS);
}
