/* Many small problems side by side, a problem in each lane of a vector: plain arithmetic, the same
   for all kernel sets, which include this and are compiled for their CPU. Products are rounded
   before they are subtracted, so no instruction of any CPU can make a difference, and no lane
   knows of the others. */
#pragma once
#include "compute/backend.h"
#include "native.h"
#include <string.h>

#ifdef __AVX__
#include <immintrin.h>
#endif

typedef float Tokens32 __attribute__((vector_size(NATIVE)));
typedef int32_t Mask32 __attribute__((vector_size(NATIVE)));
typedef double Systems64 __attribute__((vector_size(NATIVE)));
typedef double Lanes2 __attribute__((vector_size(16), aligned(16)));
typedef int64_t SystemsMask __attribute__((vector_size(NATIVE)));

enum {
  DESCEND_BLOCK = 4,
  DESCEND_VECTORS =
      NATIVE == 64 ? 4 : 2, /* with a block, as many sums as there are registers for */
  SOLVE_BLOCK = 4,
  SOLVE_ROWS = NATIVE == 64 ? 4 : 2, /* of a block that go together */
  SYSTEMS = NATIVE / 8               /* at most 8, as solve_sets_work says */
};

static inline Tokens32 above_zero(Tokens32 x)
{
  return (Tokens32)((Mask32)x & (x > 0.0f));
}

/* x brought nearer to 0 by cost; 0 where that would turn its sign. */
static inline Tokens32 nearer_zero(Tokens32 x, float cost)
{
  const Tokens32 less = x - cost, more = x + cost;
  return (Tokens32)(((Mask32)less & (x > cost)) | ((Mask32)more & (x < -cost)));
}

/* Takes columns from .. to - 1 of K off p. */
__attribute__((always_inline)) static inline void
descend_columns(const float *K, int64_t ld, int64_t from, int64_t to, const Tokens32 *z,
                Tokens32 p[DESCEND_BLOCK][DESCEND_VECTORS])
{
  for (int64_t l = from; l < to; l++)
#pragma GCC unroll 4
    for (int r = 0; r < DESCEND_BLOCK; r++)
#pragma GCC unroll 4
      for (int v = 0; v < DESCEND_VECTORS; v++)
        p[r][v] -= K[r * ld + l] * z[l * DESCEND_VECTORS + v];
}

/* One sweep over z [m x vectors] with products b, of atoms in blocks; lift is added to b. */
static inline void descend_sweep(const Descent *by, const Tokens32 *b, const Tokens32 *lift,
                                 Tokens32 *z)
{
  enum { B = DESCEND_BLOCK, V = DESCEND_VECTORS };
  const int64_t m = by->m, ld = by->ld;
  for (int64_t j = 0; j < m; j += B) {
    const float *K = by->K + j * ld;
    const int64_t rows = m - j < B ? m - j : B;
    Tokens32 p[B][V];
#pragma GCC unroll 4
    for (int r = 0; r < B; r++)
#pragma GCC unroll 4
      for (int v = 0; v < V; v++) p[r][v] = r < rows ? b[(j + r) * V + v] + lift[v] : lift[v];
    descend_columns(K, ld, 0, j, z, p);
    descend_columns(K, ld, j + rows, m, z, p);
    for (int64_t r = 0; r < rows; r++)
      for (int v = 0; v < V; v++) {
        Tokens32 q = p[r][v];
        for (int64_t l = 0; l < rows; l++)
          if (l != r) q -= K[r * ld + j + l] * z[(j + l) * V + v];
        q = by->either_sign ? nearer_zero(q, by->cost) : above_zero(q - by->cost);
        z[(j + r) * V + v] = q * by->inverse[j + r];
      }
  }
}

static void descend(int64_t n, const Descent *by, int sweeps, const float *S, float *Z, float *work)
{
  enum { V = DESCEND_VECTORS, TOKENS = NATIVE / 4 * V };
  const int64_t m = by->m;
  Tokens32 *b = (Tokens32 *)(void *)work, *z = b + m * V, lift[V];
  float *bx = (float *)b, *zx = (float *)z;
  for (int64_t t = 0; t < n; t += TOKENS) {
    const int64_t count = n - t < TOKENS ? n - t : TOKENS;
    memset(work, 0, (size_t)(2 * m * TOKENS) * sizeof(float));
    for (int64_t q = 0; q < count; q++)
      for (int64_t j = 0; j < m; j++) bx[j * TOKENS + q] = S[(t + q) * m + j];
    for (int v = 0; v < V; v++) lift[v] = (Tokens32){0};
    for (int s = 0; s < sweeps; s++) {
      for (int v = 0; v < V && by->pull > 0; v++) {
        Tokens32 sum = {0};
        for (int64_t j = 0; j < m; j++) sum += z[j * V + v];
        lift[v] += by->pull * (1.0f - sum);
      }
      descend_sweep(by, b, lift, z);
    }
    for (int64_t q = 0; q < count; q++)
      for (int64_t j = 0; j < m; j++) Z[(t + q) * m + j] = zx[j * TOKENS + q];
  }
}

/* SYSTEMS systems at work. Rows of L are packed: row i begins at i (i + 1) / 2; two more rows
   follow for the right sides. */
typedef struct {
  int64_t size;                   /* of the largest, up to a multiple of SOLVE_BLOCK */
  Systems64 *L, *inverse, *right; /* right [2 x size] */
  Systems64 *none;                /* [size] 1 in lanes that have no such row, else 0 */
  int32_t *row[SYSTEMS];          /* [size] of Q, of each system */
} Systems;

static inline Systems64 *row_of_systems(const Systems *e, int64_t i)
{
  return i < e->size ? e->L + i * (i + 1) / 2 : e->right + (i - e->size) * e->size;
}

/* Columns j .. j + 3 of rows i .. i + rows - 1, below the diagonal block: what is left of t after
   the columns before, then of the block's own. */
__attribute__((always_inline)) static inline void
solve_tile(const Systems *e, const int rows, int64_t i, int64_t j, Systems64 t[4][4])
{
  Systems64 *row[4], *col[4];
#pragma GCC unroll 4
  for (int r = 0; r < rows; r++) row[r] = row_of_systems(e, i + r);
#pragma GCC unroll 4
  for (int c = 0; c < 4; c++) col[c] = row_of_systems(e, j + c);
  for (int64_t k = 0; k < j; k++) {
    Systems64 x[4];
#pragma GCC unroll 4
    for (int c = 0; c < 4; c++) x[c] = col[c][k];
#pragma GCC unroll 4
    for (int r = 0; r < rows; r++)
#pragma GCC unroll 4
      for (int c = 0; c < 4; c++) t[r][c] -= row[r][k] * x[c];
  }
}

__attribute__((always_inline)) static inline void
finish_tile(const Systems *e, const int rows, int64_t i, int64_t j, Systems64 t[4][4])
{
#pragma GCC unroll 4
  for (int c = 0; c < 4; c++) {
    const Systems64 *col = row_of_systems(e, j + c) + j;
#pragma GCC unroll 4
    for (int r = 0; r < rows; r++) {
#pragma GCC unroll 4
      for (int k = 0; k < c; k++) t[r][c] -= t[r][k] * col[k];
      t[r][c] *= e->inverse[j + c];
      row_of_systems(e, i + r)[j + c] = t[r][c];
    }
  }
}

static inline void take_root(Systems64 *x)
{
#if defined(__AVX512F__)
  *x = (Systems64)_mm512_sqrt_pd((__m512d)*x);
#elif defined(__AVX__)
  *x = (Systems64)_mm256_sqrt_pd((__m256d)*x);
#else
  for (int l = 0; l < SYSTEMS; l++) (*x)[l] = __builtin_sqrt((*x)[l]);
#endif
}

/* The diagonal block of columns j ..; dependent: lanes where a pivot was too small beside what
   `diagonal` has. */
static inline void solve_corner(const Systems *e, int64_t j, const Systems64 diagonal[4],
                                Systems64 t[4][4], SystemsMask *dependent)
{
#pragma GCC unroll 4
  for (int c = 0; c < 4; c++) {
    const Systems64 least = 1e-10 * (diagonal[c] + e->none[j + c]);
    t[c][c] += e->none[j + c];
    *dependent |= ~(t[c][c] > least);
    take_root(&t[c][c]);
    e->inverse[j + c] = 1.0 / t[c][c];
#pragma GCC unroll 4
    for (int r = c + 1; r < 4; r++) {
      t[r][c] *= e->inverse[j + c];
#pragma GCC unroll 4
      for (int k = c + 1; k <= r; k++) t[r][k] -= t[r][c] * t[k][c];
    }
#pragma GCC unroll 4
    for (int r = c; r < 4; r++) row_of_systems(e, j + r)[j + c] = t[r][c];
  }
}

/* L of all systems, and L^-1 of their right sides, of which there are `sides`. */
static inline void factor_systems(const Systems *e, int sides, SystemsMask *dependent)
{
  for (int64_t j = 0; j < e->size; j += SOLVE_BLOCK) {
    for (int64_t i = j; i < e->size; i += SOLVE_BLOCK) {
      Systems64 t[4][4];
#pragma GCC unroll 4
      for (int r = 0; r < 4; r++) {
        const Systems64 *row = row_of_systems(e, i + r) + j;
#pragma GCC unroll 4
        for (int c = 0; c < 4; c++) t[r][c] = i > j || c <= r ? row[c] : (Systems64){0};
      }
      const Systems64 diagonal[4] = {t[0][0], t[1][1], t[2][2], t[3][3]};
      for (int r = 0; r < 4; r += SOLVE_ROWS) solve_tile(e, SOLVE_ROWS, i + r, j, t + r);
      if (i == j)
        solve_corner(e, j, diagonal, t, dependent);
      else
        finish_tile(e, 4, i, j, t);
    }
    for (int s = 0; s < sides; s++) {
      Systems64 t[4][4];
      for (int c = 0; c < 4; c++) t[0][c] = e->right[s * e->size + j + c];
      solve_tile(e, 1, e->size + s, j, t);
      finish_tile(e, 1, e->size + s, j, t);
    }
  }
}

/* What of the second side is to be taken off the first one, for a solution of sum 1. */
static inline Systems64 share_of_ones(const Systems *e)
{
  const Systems64 *f = e->right, *g = e->right + e->size;
  Systems64 sum = {0}, all = {0};
  for (int64_t i = 0; i < e->size; i++) sum += g[i] * f[i], all += g[i] * g[i];
  return (sum - 1.0) / all;
}

static inline void solve_back(const Systems *e)
{
  Systems64 *y = e->right;
  for (int64_t i = e->size - 1; i >= 0; i--) {
    const Systems64 *row = row_of_systems(e, i);
    y[i] *= e->inverse[i];
    for (int64_t k = 0; k < i; k++) y[k] -= row[k] * y[i];
  }
}

/* Rows of the lower triangle of Q, a number of each system side by side: two rows and two systems
   at a time, so that stores are wide and a row's end is still in the first cache when all are
   there. */
static inline void gather_systems(const Systems *e, const double *Q, int64_t ldQ)
{
  for (int64_t i = 0; i < e->size; i += 2)
    for (int l = 0; l < SYSTEMS; l += 2) {
      const int32_t *u = e->row[l], *v = e->row[l + 1];
      const double *a = Q + u[i] * ldQ, *b = Q + v[i] * ldQ, *c = Q + u[i + 1] * ldQ,
                   *d = Q + v[i + 1] * ldQ;
      double *upper = (double *)row_of_systems(e, i) + l,
             *lower = (double *)row_of_systems(e, i + 1) + l;
      for (int64_t j = 0; j <= i; j++) {
        *(Lanes2 *)(upper + SYSTEMS * j) = (Lanes2){a[u[j]], b[v[j]]};
        *(Lanes2 *)(lower + SYSTEMS * j) = (Lanes2){c[u[j]], d[v[j]]};
      }
      *(Lanes2 *)(lower + SYSTEMS * (i + 1)) = (Lanes2){c[u[i + 1]], d[v[i + 1]]};
    }
}

/* Puts systems first .. of the n in their lanes. Rows past the end of one are those of the unit
   matrix: the last row of Q, which is 0, with 1 added on the diagonal. */
static inline void load_systems(Systems *e, int64_t first, int64_t n, const int64_t *start,
                                const int32_t *row, int64_t m, const double *y)
{
  e->size = 0;
  for (int64_t s = first; s < n && s < first + SYSTEMS; s++) {
    const int64_t size = (start[s + 1] - start[s] + SOLVE_BLOCK - 1) / SOLVE_BLOCK * SOLVE_BLOCK;
    if (size > e->size) e->size = size;
  }
  for (int l = 0; l < SYSTEMS; l++) {
    const int64_t s = first + l, from = s < n ? start[s] : 0,
                  count = s < n ? start[s + 1] - from : 0;
    for (int64_t i = 0; i < e->size; i++) {
      e->row[l][i] = i < count ? row[from + i] : (int32_t)m;
      e->right[i][l] = i < count ? y[from + i] : 0;
      e->right[e->size + i][l] = i < count;
      e->none[i][l] = i >= count;
    }
  }
}

static void solve_sets(int64_t n, const int64_t *start, const int32_t *row, int64_t m,
                       const double *Q, int64_t ldQ, double *y, double *multiplier, bool *solved,
                       double *work)
{
  const int64_t room = (m + SOLVE_BLOCK - 1) / SOLVE_BLOCK * SOLVE_BLOCK;
  Systems e = {.L = (Systems64 *)(void *)work};
  e.inverse = e.L + room * (room + 1) / 2;
  e.right = e.inverse + room;
  e.none = e.right + 2 * room;
  for (int l = 0; l < SYSTEMS; l++) e.row[l] = (int32_t *)(e.none + room) + l * room;
  for (int64_t first = 0; first < n; first += SYSTEMS) {
    SystemsMask dependent = {0};
    Systems64 share = {0};
    load_systems(&e, first, n, start, row, m, y);
    gather_systems(&e, Q, ldQ);
    factor_systems(&e, multiplier ? 2 : 1, &dependent);
    if (multiplier) {
      share = share_of_ones(&e);
      for (int64_t i = 0; i < e.size; i++) e.right[i] -= share * e.right[e.size + i];
    }
    solve_back(&e);
    for (int l = 0; l < SYSTEMS && first + l < n; l++) {
      const int64_t s = first + l, count = start[s + 1] - start[s];
      solved[s] = !dependent[l];
      if (multiplier) multiplier[s] = share[l];
      for (int64_t i = 0; i < count; i++) y[start[s] + i] = dependent[l] ? 0 : e.right[i][l];
    }
  }
}
