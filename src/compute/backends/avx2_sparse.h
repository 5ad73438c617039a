/* Sums over few rows and single vectors, implemented in avx2_sparse.c,
   avx2_sums.c and avx2_many_sums.c. */
#pragma once
#include "compute/backend.h"

void avx2_decode(int64_t nonzeros, const int32_t *index, const float *value, int64_t d,
                 const float *D, int64_t ldD, float *y);
void avx2_blockdots(int64_t nonzeros, const int32_t *index, int64_t d, const float *D, int64_t ldD,
                    const float *e, float *g);
void avx2_add_picks(int64_t rows, const int64_t *start, const int32_t *index, const float *value,
                    const float *X, float *sum);
void avx2_dot_picks(int64_t picks, const int32_t *index, const int32_t *row, const float *X,
                    const float *E, float *dot);
void avx2_residuals(int64_t n, const int64_t *start, const int32_t *index, const float *value,
                    int64_t m, int64_t d, const float *D, float sign, const float *x, float *e,
                    float *slope, double *square, float *leaf, float *work);
void avx2_slopes(int64_t n, const int64_t *start, const int32_t *index, int64_t m, int64_t d,
                 const float *D, const float *e, float *slope, float *work);
void avx2_unroll_slopes(int64_t n, const int64_t *start, const int32_t *index, int64_t d,
                        const float *D, const float *from, float *e, float *a);
void avx2_unroll_sums(const Unroll *u, float *GU, float *GV, float *work);
void avx2_leaf_sums(int64_t n, int64_t d, int64_t atoms, const int64_t *bucket, const int32_t *row,
                    const int32_t *token, const float *u, const float *v, const float *U,
                    const float *V, float *GU, float *GV, float *work);
/* The same of one matrix, where atoms have many tokens. */
void avx2_many_sums(int64_t n, int64_t d, int64_t atoms, const int64_t *bucket, const int32_t *to,
                    const int32_t *token, const float *u, const float *U, float *GU);
