/* Scores in 16-bit integers and their settlement, implemented in avx512_filter.c. */
#pragma once
#include "compute/backend.h"

void avx512_quantise(int64_t n, int64_t d, const float *X, int64_t ldX, Quantised *Q);
double avx512_filter_gain(void);
void avx512_filter(const Quantised *tokens, const Packed *P, const float *scale, const float *init,
                   const float *slack, float *L, int64_t ldL);
void avx512_chains(int64_t n, const int64_t *start, const int32_t *index, int64_t d, const float *E,
                   int64_t ldE, const float *X, int64_t ldX, const void *soon, int64_t ldsoon,
                   float *s);
