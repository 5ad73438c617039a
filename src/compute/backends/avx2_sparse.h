/* Sums over few rows and single vectors, implemented in avx2_sparse.c. */
#pragma once
#include "compute/backend.h"

void avx2_decode(int64_t nonzeros, const int32_t *index, const float *value, int64_t d,
                 const float *D, int64_t ldD, float *y);
void avx2_blockdots(int64_t nonzeros, const int32_t *index, int64_t d, const float *D, int64_t ldD,
                    const float *e, float *g);
void avx2_accumulate(int64_t count, const int64_t *row, const float *value, int64_t d,
                     const float *X, int64_t ldX, float *a);
int64_t avx2_select_top(int64_t m, const float *s, int64_t k, const uint8_t *mask, int32_t *index,
                        float *value);
int64_t avx2_select_positive(int64_t m, const float *s, int32_t *index, float *value);
