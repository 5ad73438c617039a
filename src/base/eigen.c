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

/* The rotations of rows i and i + 1, in order, where vectors are made from them afterwards. */
typedef struct {
  int64_t count, space;
  int64_t *row;
  double *sine, *cosine;
} Turns;

static PetscErrorCode TurnsReserve(Turns *turns, int64_t more)
{
  const int64_t need = turns->count + more;
  PetscFunctionBegin;
  if (need <= turns->space) PetscFunctionReturn(PETSC_SUCCESS);
  turns->space = need + need / 2;
  const size_t bytes = (size_t)turns->space * sizeof(double);
  PetscCall(PetscRealloc(bytes, &turns->row));
  PetscCall(PetscRealloc(bytes, &turns->sine));
  PetscCall(PetscRealloc(bytes, &turns->cosine));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* One implicit QL step on the unreduced block first..last; beside[k] joins k and k + 1 here */
static void ql_step(int64_t d, int64_t first, int64_t last, double *diagonal, double *beside,
                    double *Q, Turns *turns)
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
    if (turns) {
      turns->row[turns->count] = i;
      turns->sine[turns->count] = s;
      turns->cosine[turns->count++] = c;
    }
  }
  diagonal[first] -= p;
  beside[first] = g;
  beside[last] = 0;
}

/* Diagonalises the tridiagonal matrix; rows of Q, where given, follow, or the turns are kept. What
   joins two rows counts as 0 beside their diagonals, or far below the rounding of the largest:
   where dimensions repeat each other, what is left falls by that again and again, and steps would
   not end.
 */
static PetscErrorCode QLIterate(int64_t d, double *diagonal, double *beside, double *Q,
                                Turns *turns)
{
  double least = 0;

  PetscFunctionBegin;
  for (int64_t k = 0; k < d; k++)
    least = fmax(least, 0x1p-106 * (fabs(diagonal[k]) + fabs(beside[k])));
  for (int64_t k = 0; k < d; k++) {
    for (int step = 0;; step++) {
      int64_t last = k;
      for (; last < d - 1; last++) {
        const double size = fabs(diagonal[last]) + fabs(diagonal[last + 1]);
        if (fabs(beside[last]) <= fmax(0x1p-53 * size, least)) break;
      }
      if (last == k) break;
      PetscCheck(step < 60, PETSC_COMM_SELF, PETSC_ERR_CONV_FAILED,
                 "eigenvalue %" PRId64 " of %" PRId64 " not found", k, d);
      if (turns) PetscCall(TurnsReserve(turns, last - k));
      ql_step(d, k, last, diagonal, beside, Q, turns);
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
  PetscCall(QLIterate(d, values, beside, vectors ? A : NULL, NULL));
  sort_ascending(d, values, vectors ? A : NULL);
  PetscCall(PetscFree4(beside, h, u, q));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Rows of W [d x q] turned back, from the last turn to the first. */
static void turn_back(const Turns *turns, int64_t q, double *W)
{
  for (int64_t t = turns->count - 1; t >= 0; t--) {
    double *restrict x = W + turns->row[t] * q, *restrict y = x + q;
    const double s = turns->sine[t], c = turns->cosine[t];
    for (int64_t j = 0; j < q; j++) {
      const double f = x[j];
      x[j] = c * f + s * y[j];
      y[j] = c * y[j] - s * f;
    }
  }
}

/* Unit vectors of the q largest diagonal elements as columns of W, largest first; these too. */
static void choose_largest(int64_t d, double *diagonal, int64_t q, double *values, double *W)
{
  for (int64_t j = 0; j < q; j++) {
    int64_t most = 0;
    for (int64_t i = 1; i < d; i++)
      if (diagonal[i] > diagonal[most]) most = i;
    values[j] = diagonal[most];
    diagonal[most] = -INFINITY;
    W[most * q + j] = 1;
  }
}

PetscErrorCode EigenLeading(int64_t d, double *A, int64_t q, double *values, double *vectors)
{
  Turns turns = {0};
  double *diagonal, *beside, *h, *scratch, *W;
  PetscFunctionBegin;
  for (int64_t i = 0; i < d * d; i++)
    PetscCheck(isfinite(A[i]), PETSC_COMM_SELF, PETSC_ERR_FP,
               "element %" PRId64 " of the matrix is not finite", i);
  PetscCall(
      PetscCalloc5(d + 1, &diagonal, d + 1, &beside, d + 1, &h, d + 1, &scratch, d * q + 1, &W));
  tridiagonalise(d, A, diagonal, beside, h, scratch);
  for (int64_t k = 1; k < d; k++) beside[k - 1] = beside[k];
  if (d > 0) beside[d - 1] = 0;
  PetscCall(QLIterate(d, diagonal, beside, NULL, &turns));
  choose_largest(d, diagonal, q, values, W);
  turn_back(&turns, q, W);
  for (int64_t j = 0; j < q; j++) {
    double *v = vectors + j * d;
    for (int64_t i = 0; i < d; i++) v[i] = W[i * q + j];
    for (int64_t k = 0; k < d; k++)
      if (h[k] != 0) add_scaled(k, -dot(k, A + k * d, v) / h[k], A + k * d, v);
  }
  PetscCall(PetscFree5(diagonal, beside, h, scratch, W));
  PetscCall(PetscFree(turns.row));
  PetscCall(PetscFree(turns.sine));
  PetscCall(PetscFree(turns.cosine));
  PetscFunctionReturn(PETSC_SUCCESS);
}
