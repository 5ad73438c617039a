/* Dense products and the screening tile, implemented in avx2_dense.c. */
#pragma once
#include "compute/backend.h"

void avx2_pack(int64_t m, int64_t d, const float *E, int64_t ldE, Packed *P);
void avx2_scores(int64_t n, const float *X, int64_t ldX, const Packed *P, const float *init,
                 float *S, int64_t ldS);
void avx2_combine(int64_t m, int64_t p, int64_t d, const float *A, int64_t ldA, const float *B,
                  int64_t ldB, float *OUT, int64_t ldOUT);
unsigned avx2_screen(const ScreenTile *tile);
