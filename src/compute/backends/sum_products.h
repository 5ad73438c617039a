/* Sums of products over tokens, for the vector backends: each includes this with its own register
   tile. A tile's sums of each piece of SUM_PIECE tokens are widened and added while they are in the
   first cache. */
#pragma once
#include "compute/backend.h"
#include <string.h>

enum { SUM_MOST = 8 * PANEL };

/* out [rows x lanes of the tile] from n tokens of a panel of B and of one of A, PANEL apart: chains
   from + 0, and + 0.0f. width: columns that are wanted. */
typedef void (*SumTile)(int64_t n, const float *b, const float *a, int64_t width, float *out);

typedef struct {
  SumTile tile;
  int rows, lanes; /* parts of PANEL */
} SumKind;

/* Panel after panel, a row of X at a time. shift NULL: nothing is taken off. */
static inline void sum_pack(int64_t n, int64_t d, const float *X, int64_t ldX, const float *shift,
                            Packed *P)
{
  packed_reserve(P, d, n);
  for (int64_t t = 0; t < n; t++) {
    const float *restrict x = X + t * ldX;
    float *restrict to = P->x + t * PANEL;
    int64_t i = 0;
    for (; i + PANEL <= d; i += PANEL, to += n * PANEL)
      for (int l = 0; l < PANEL; l++) to[l] = shift ? x[i + l] - shift[i + l] : x[i + l];
    for (int64_t l = 0; i < d && l < PANEL; l++)
      to[l] = i + l >= d ? 0.0f : shift ? x[i + l] - shift[i + l] : x[i + l];
  }
}

/* OUT [rows x width] of one tile. */
static inline void sum_tile(const SumKind *kind, int64_t n, const float *b, const float *a,
                            int64_t rows, int64_t width, double *OUT, int64_t ldOUT)
{
  double total[SUM_MOST] __attribute__((aligned(64))) = {0};
  float part[SUM_MOST] __attribute__((aligned(64)));
  for (int64_t t = 0; t < n; t += SUM_PIECE) {
    kind->tile(n - t < SUM_PIECE ? n - t : SUM_PIECE, b + t * PANEL, a + t * PANEL, width, part);
    for (int i = 0; i < kind->rows * kind->lanes; i++) total[i] += (double)part[i];
  }
  for (int64_t r = 0; r < rows; r++) {
    const double *restrict from = total + r * kind->lanes;
    double *restrict out = OUT + r * ldOUT;
    if (width == kind->lanes)
      for (int l = 0; l < kind->lanes; l++) out[l] += from[l];
    else
      for (int64_t l = 0; l < width; l++) out[l] += from[l];
  }
}

static inline void sum_all(const SumKind *kind, const Packed *A, int64_t first, int64_t m,
                           const Packed *B, int64_t d, double *OUT, int64_t ldOUT)
{
  const int64_t n = A->d;
  for (int64_t i = 0; i < d; i += kind->lanes) {
    const float *b = B->x + i / PANEL * PANEL * n + i % PANEL;
    const int64_t width = d - i < kind->lanes ? d - i : kind->lanes;
    for (int64_t j = first, rows; j < first + m; j += rows) {
      rows = kind->rows - j % kind->rows;
      if (rows > first + m - j) rows = first + m - j;
      sum_tile(kind, n, b, A->x + j / PANEL * PANEL * n + j % PANEL, rows, width,
               OUT + (j - first) * ldOUT + i, ldOUT);
    }
  }
}
