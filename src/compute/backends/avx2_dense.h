/* Dense products and the screening tile, implemented in avx2_dense.c. */
#pragma once
#include "compute/backend.h"

void avx2_pack(int64_t m, int64_t d, const float *E, int64_t ldE, Packed *P);
void avx2_scores(int64_t n, const float *X, int64_t ldX, const Packed *P, const float *init,
                 float *S, int64_t ldS);
void avx2_combine(int64_t m, int64_t p, int64_t d, const float *A, int64_t ldA, const float *B,
                  int64_t ldB, float *OUT, int64_t ldOUT);
void avx2_pack_columns(int64_t n, int64_t d, const float *X, int64_t ldX, const float *shift,
                       Packed *P);
void avx2_sum_products(const Packed *A, int64_t first, int64_t m, const Packed *B, int64_t d,
                       double *OUT, int64_t ldOUT);
unsigned avx2_screen(const ScreenTile *tile);
