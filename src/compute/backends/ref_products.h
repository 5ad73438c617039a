/* Sums of products over tokens by plain loops; a part of ref.c, whose add_rows and add_zero it
   takes. */
#pragma once
#include "compute/backend.h"

static void pack_columns(int64_t n, int64_t d, const float *X, int64_t ldX, const float *shift,
                         Packed *P)
{
  packed_reserve(P, d, n);
  for (int64_t j0 = 0; j0 < d; j0 += PANEL) {
    for (int64_t t = 0; t < n; t++) {
      for (int64_t l = 0; l < PANEL; l++) {
        const int64_t i = j0 + l;
        const float x = i >= d ? 0.0f : shift ? X[t * ldX + i] - shift[i] : X[t * ldX + i];
        P->x[j0 * n + t * PANEL + l] = x;
      }
    }
  }
}

/* One row of OUT, a panel of B at a time. */
static void sum_row(int64_t n, const float *a, const Packed *B, int64_t d, double *out)
{
  for (int64_t i = 0; i < d; i += PANEL) {
    double total[PANEL] = {0};
    for (int64_t t = 0; t < n; t += SUM_PIECE) {
      float part[PANEL] = {0};
      for (int64_t q = t; q < n && q < t + SUM_PIECE; q++)
        add_rows(PANEL, a[q * PANEL], B->x + i * n + q * PANEL, part);
      add_zero(PANEL, part);
      for (int l = 0; l < PANEL; l++) total[l] += (double)part[l];
    }
    for (int64_t l = 0; l < PANEL && i + l < d; l++) out[i + l] += total[l];
  }
}

static void sum_products(const Packed *A, int64_t first, int64_t m, const Packed *B, int64_t d,
                         double *OUT, int64_t ldOUT)
{
  for (int64_t j = first; j < first + m; j++)
    sum_row(A->d, A->x + j / PANEL * PANEL * A->d + j % PANEL, B, d, OUT + (j - first) * ldOUT);
}
