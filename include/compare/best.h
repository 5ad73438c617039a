/* Which atom is nearest: the largest cosine, of equals the lowest number. */
#pragma once
#include <stdint.h>

/* A cosine and a number as one integer, so that the larger of two keys is the nearer atom; 0 is
   less than any. */
uint64_t key_of(float cosine, int64_t number);
int64_t key_number(uint64_t key);
float key_cosine(uint64_t key);

/* The key of the largest of n cosines, at least one. */
uint64_t best_of(int64_t n, const float *cosine);
/* Raises most[n] and at[n] by row i of cosines; rows come in ascending order. */
void best_columns(int64_t n, const float *cosine, int32_t i, float *most, int32_t *at);
