/* Sums of products over tokens with AVX2: four columns of A by three vectors of B in registers. A
   packed panel is one half after the other, each [n x HALF]. Columns of A are set side by side by
   fours, ROWS of them at a time, which stay in the second cache; SUM_PIECE tokens of half a panel
   of B stay in the first while all of them pass, and their sums are widened and added. */
#include "avx2_dense.h"
#include "avx2_tile.h"
#include "base/array.h"
#include <string.h>

enum { ROWS = 48 };

typedef struct {
  int64_t n, rows, width; /* rows of A, columns of B */
  float *fours;           /* [ROWS / ROWS4][n][ROWS4] */
  double total[ROWS][HALF] __attribute__((aligned(32)));
} Sums;

void avx2_pack_columns(int64_t n, int64_t d, const float *X, int64_t ldX, const float *shift,
                       Packed *P)
{
  packed_reserve(P, d, n);
  for (int64_t t = 0; t < n; t++) {
    const float *x = X + t * ldX;
    float *to = P->x + t * HALF;
    for (int64_t i = 0; i < P->rows; i += HALF, to += n * HALF) {
      for (int v = 0; v < 3; v++) {
        const __m256i lanes = lanes256(d, i + 8 * v);
        __m256 y = _mm256_maskload_ps(x + i + 8 * v, lanes);
        if (shift) y = _mm256_sub_ps(y, _mm256_maskload_ps(shift + i + 8 * v, lanes));
        _mm256_store_ps(to + 8 * v, y);
      }
    }
  }
}

/* Columns j .. of A by fours: j is a multiple of four, so that none are of two halves. */
static void set_fours(Sums *sums, const Packed *A, int64_t j)
{
  float *to = sums->fours;
  for (int64_t r = 0; r < sums->rows; r += ROWS4) {
    const float *from = A->x + (j + r) / HALF * HALF * sums->n + (j + r) % HALF;
    for (int64_t t = 0; t < sums->n; t++, from += HALF, to += ROWS4)
      _mm_store_ps(to, _mm_loadu_ps(from));
  }
}

/* Adds a tile's sums, + 0.0f, to total [ROWS4 x HALF]. */
__attribute__((always_inline)) static inline void widen(const int vectors, const Tile256 *t,
                                                        double total[ROWS4][HALF])
{
#pragma GCC unroll 4
  for (int r = 0; r < ROWS4; r++) {
#pragma GCC unroll 3
    for (int v = 0; v < vectors; v++) {
      const __m256 sum = _mm256_add_ps(t->a[r][v], _mm256_setzero_ps());
      double *to = total[r] + 8 * v;
      const __m256d low = _mm256_cvtps_pd(_mm256_castps256_ps128(sum)),
                    high = _mm256_cvtps_pd(_mm256_extractf128_ps(sum, 1));
      _mm256_store_pd(to, _mm256_add_pd(_mm256_load_pd(to), low));
      _mm256_store_pd(to + 4, _mm256_add_pd(_mm256_load_pd(to + 4), high));
    }
  }
}

/* All rows with half a panel of B; the piece after it is brought near. */
__attribute__((always_inline)) static inline void half_of(const int vectors, Sums *sums,
                                                          const float *b)
{
  const int64_t tiles = (sums->rows + ROWS4 - 1) / ROWS4,
                ahead = (4 * HALF * (int64_t)sizeof(float) + tiles - 1) / tiles;
  memset(sums->total, 0, sizeof(sums->total));
  for (int64_t t = 0; t < sums->n; t += SUM_PIECE, b += SUM_PIECE * HALF) {
    const int64_t count = min_i64(SUM_PIECE, sums->n - t);
    const char *next = (const char *)(b + count * HALF);
    for (int64_t r = 0; r < tiles; r++, next += count / 4 * ahead) {
      Tile256 tile = {0};
      four256(vectors, count, b, sums->fours + (r * sums->n + t) * ROWS4, true, next, ahead, &tile);
      widen(vectors, &tile, sums->total + r * ROWS4);
    }
  }
}

static void half(Sums *sums, const float *b)
{
  if (sums->width > 16)
    half_of(3, sums, b);
  else if (sums->width > 8)
    half_of(2, sums, b);
  else
    half_of(1, sums, b);
}

void avx2_sum_products(const Packed *A, int64_t first, int64_t m, const Packed *B, int64_t d,
                       double *OUT, int64_t ldOUT)
{
  Sums sums = {.n = A->d};
  PetscCallAbort(PETSC_COMM_SELF, ArrayScratch(ROWS * sums.n, &sums.fours));
  for (int64_t j = first / ROWS4 * ROWS4; j < first + m; j += ROWS) {
    sums.rows = min_i64(ROWS, first + m - j);
    set_fours(&sums, A, j);
    for (int64_t i = 0; i < d; i += HALF) {
      sums.width = min_i64(HALF, d - i);
      half(&sums, B->x + i * sums.n);
      for (int64_t r = max_i64(0, first - j); r < sums.rows; r++) {
        double *out = OUT + (j + r - first) * ldOUT + i;
        for (int64_t l = 0; l < sums.width; l++) out[l] += sums.total[r][l];
      }
    }
  }
  PetscCallAbort(PETSC_COMM_SELF, ArrayDestroy(&sums.fours));
}
