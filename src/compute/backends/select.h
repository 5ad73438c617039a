/* What the vector backends' selections of scores share: each includes this first. */
#pragma once
#include <stdint.h>
#include <string.h>

/* A row of scores. With slack (candidates) what is compared is the upper bound. */
typedef struct {
  int64_t m;
  const float *s;
  const uint8_t *mask;
  const float *slack;
  float twice; /* 2 norm */
} Row;

/* The k-th largest score's bits by a search on the row itself; 1 if there are fewer above 0. */
static int32_t search_in_place(const Row *row, int64_t k);

/* The k largest of a row that no list holds, equal ones from the first on. */
static int64_t select_in_place(const Row *row, int64_t k, int32_t *index, float *value)
{
  const int32_t v = search_in_place(row, k);
  int64_t kept = 0, above = 0;
  float least;
  memcpy(&least, &v, sizeof(least));
  for (int64_t j = 0; j < row->m; j++) above += row->s[j] > least && (!row->mask || row->mask[j]);
  for (int64_t j = 0, equals = k - above; j < row->m && kept < k; j++) {
    if (!(row->s[j] >= least) || (row->mask && !row->mask[j]) ||
        (row->s[j] == least && equals-- <= 0))
      continue;
    index[kept] = (int32_t)j;
    value[kept++] = row->s[j];
  }
  return kept;
}
