/* Rows enter up to eight at a time, so that the sums before the last block are products of
   matrices. All sums run in the order of the rows in use. */
#include "triangle.h"
#include "base/array.h"
#include <math.h>
#include <string.h>

enum { BLOCK = TRIANGLE_TOGETHER };
typedef double Lanes __attribute__((vector_size(8 * BLOCK), aligned(8)));

PetscErrorCode TriangleCreate(const Kernels *kernels, int64_t most, Triangle *t)
{
  PetscFunctionBegin;
  *t = (Triangle){.kernels = kernels, .ld = (most + BLOCK - 1) / BLOCK * BLOCK};
  PetscCall(ArrayCreate(t->ld, &t->in));
  PetscCall(ArrayCreate((most + BLOCK) * t->ld, &t->L));
  PetscCall(ArrayCreate(t->ld, &t->inverse));
  PetscCall(ArrayCreate(t->ld, &t->right[0]));
  PetscCall(ArrayCreate(t->ld, &t->right[1]));
  PetscCall(ArrayCreate(t->ld * BLOCK, &t->part));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TriangleDestroy(Triangle *t)
{
  PetscFunctionBegin;
  PetscCall(ArrayDestroy(&t->in));
  PetscCall(ArrayDestroy(&t->L));
  PetscCall(ArrayDestroy(&t->inverse));
  PetscCall(ArrayDestroy(&t->right[0]));
  PetscCall(ArrayDestroy(&t->right[1]));
  PetscCall(ArrayDestroy(&t->part));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* part [in use x 8] = L^-1 of the columns of K that enter, and the new rows of L so far. */
static void find_columns(Triangle *t, const double *K, int64_t ldK, int64_t count,
                         const int32_t *row)
{
  const int64_t n = t->count, ld = t->ld;
  for (int64_t i = 0; i < n; i++)
    for (int64_t q = 0; q < BLOCK; q++)
      t->part[i * BLOCK + q] = q < count ? K[t->in[i] * ldK + row[q]] : 0;
  for (int64_t i = 0; i < n; i += BLOCK) {
    const int64_t rows = min_i64(BLOCK, n - i);
    double *block = t->part + i * BLOCK;
    t->kernels->subtract64(rows, i, BLOCK, t->L + i * ld, ld, t->part, BLOCK, NULL, block, BLOCK);
    for (int64_t a = 0; a < rows; a++) {
      const double *l = t->L + (i + a) * ld + i;
      Lanes to = *(const Lanes *)(block + a * BLOCK);
      for (int64_t r = 0; r < a; r++) to -= l[r] * *(const Lanes *)(block + r * BLOCK);
      *(Lanes *)(block + a * BLOCK) = to * t->inverse[i + a];
    }
  }
  for (int64_t q = 0; q < count; q++)
    for (int64_t i = 0; i < n; i++) t->L[(n + q) * ld + i] = t->part[i * BLOCK + q];
}

/* The last of the new rows from what is left of the corner; false: nothing is. */
static bool finish_row(Triangle *t, const double *corner, int64_t s, const int64_t *at, int64_t q,
                       double diagonal, const double *right)
{
  const int64_t n = t->count, ld = t->ld;
  double *row = t->L + (n + s) * ld, left = corner[q * BLOCK + q], f = right[q],
         g = right[BLOCK + q];
  if (s != q) memmove(row, t->L + (n + q) * ld, (size_t)n * sizeof(*row));
  for (int64_t r = 0; r < s; r++) {
    const double *other = t->L + (n + r) * ld;
    double x = corner[q * BLOCK + at[r]];
    for (int64_t u = 0; u < r; u++) x -= row[n + u] * other[n + u];
    x *= t->inverse[n + r];
    row[n + r] = x;
    left -= x * x;
    f -= x * t->right[0][n + r];
    g -= x * t->right[1][n + r];
  }
  if (!(left > 1e-10 * diagonal)) return false;
  row[n + s] = sqrt(left);
  t->inverse[n + s] = 1 / row[n + s];
  t->right[0][n + s] = f * t->inverse[n + s];
  t->right[1][n + s] = g * t->inverse[n + s];
  return true;
}

int64_t triangle_extend(Triangle *t, const double *K, int64_t ldK, int64_t count,
                        const int32_t *row, const double *right, bool *entered)
{
  const int64_t n = t->count, ld = t->ld;
  double corner[BLOCK * BLOCK] = {0}, left[2 * BLOCK];
  int64_t at[BLOCK], s = 0;
  find_columns(t, K, ldK, count, row);
  for (int64_t q = 0; q < count; q++)
    for (int64_t r = 0; r < count; r++) corner[q * BLOCK + r] = K[row[q] * ldK + row[r]];
  memcpy(left, right, sizeof(left));
  t->kernels->subtract64(count, n, BLOCK, t->L + n * ld, ld, t->part, BLOCK, NULL, corner, BLOCK);
  for (int i = 0; i < 2; i++)
    t->kernels->subtract64(1, n, BLOCK, t->right[i], n, t->part, BLOCK, NULL, left + i * BLOCK,
                           BLOCK);
  for (int64_t q = 0; q < count; q++) {
    entered[q] = finish_row(t, corner, s, at, q, K[row[q] * ldK + row[q]], left);
    if (!entered[q]) continue;
    t->in[n + s] = row[q];
    at[s++] = q;
  }
  t->count += s;
  return s;
}

void triangle_solve(const Triangle *t, double *y)
{
  const int64_t n = t->count, ld = t->ld;
  for (int64_t i = n > 0 ? (n - 1) / BLOCK * BLOCK : -1; i >= 0; i -= BLOCK) {
    const int64_t rows = min_i64(BLOCK, n - i);
    for (int64_t a = rows - 1; a >= 0; a--) {
      const double *l = t->L + (i + a) * ld + i;
      y[i + a] *= t->inverse[i + a];
      for (int64_t r = 0; r < a; r++) y[i + r] -= l[r] * y[i + a];
    }
    t->kernels->subtract64(1, rows, i, y + i, rows, t->L + i * ld, ld, NULL, y, i);
  }
}
