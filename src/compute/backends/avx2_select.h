/* Which scores are kept, implemented in avx2_select.c. */
#pragma once
#include "compute/backend.h"

int64_t avx2_select_top(int64_t m, const float *s, int64_t k, const uint8_t *mask, int32_t *index,
                        float *value);
int64_t avx2_select_positive(int64_t m, const float *s, int32_t *index, float *value);
int64_t avx2_select_near(int64_t m, const float *s, const float *threshold, double far,
                         bool from_zero, int32_t *index, float *value, float *near);
int64_t avx2_candidates(int64_t m, const float *L, const float *slack, float norm, int64_t k,
                        int64_t room, int32_t *index);
