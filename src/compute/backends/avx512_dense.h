/* Dense products and the screening tile, implemented in avx512_dense.c. */
#pragma once
#include "compute/backend.h"

void avx512_pack(int64_t m, int64_t d, const float *E, int64_t ldE, Packed *P);
void avx512_scores(int64_t n, const float *X, int64_t ldX, const Packed *P, const float *init,
                   float *S, int64_t ldS);
void avx512_combine(int64_t m, int64_t p, int64_t d, const float *A, int64_t ldA, const float *B,
                    int64_t ldB, float *OUT, int64_t ldOUT);
unsigned avx512_screen(const ScreenTile *tile);
