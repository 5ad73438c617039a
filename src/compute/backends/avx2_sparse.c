/* Sparse codes with AVX2: sums over few rows, and the selection of the codes. */
#include "avx2_sparse.h"
#include "avx2_tile.h"
#include <string.h>

#define WIDE 12   /* vectors of a row held in registers */
#define NARROW 4  /* the same near the row's end, with masks */
#define GROUPS 16 /* vectors of lane-wise maxima */
#define LIST 2048 /* candidates of select_top; more are searched in place */

static inline __m256 load_lanes(bool masked, int64_t left, int v, const float *x)
{
  return masked ? _mm256_maskload_ps(x + 8 * v, lanes256(left, 8 * v)) : _mm256_loadu_ps(x + 8 * v);
}

/* Sums over the same vectors of many rows, in order, from + 0, and + 0 at the end. */
__attribute__((always_inline)) static inline void sum_rows(int vectors, bool masked, int64_t count,
                                                           const int32_t *index, const float *value,
                                                           int64_t left, const float *X,
                                                           int64_t ldX, float *a)
{
  __m256 sum[WIDE];
  for (int v = 0; v < vectors; v++) sum[v] = _mm256_setzero_ps();
  for (int64_t q = 0; q < count; q++) {
    const float *x = X + index[q] * ldX;
    const __m256 scale = _mm256_set1_ps(value[q]);
#pragma GCC unroll 12
    for (int v = 0; v < vectors; v++)
      sum[v] = _mm256_fmadd_ps(scale, load_lanes(masked, left, v, x), sum[v]);
  }
#pragma GCC unroll 12
  for (int v = 0; v < vectors; v++) {
    sum[v] = _mm256_add_ps(sum[v], _mm256_setzero_ps());
    if (masked)
      _mm256_maskstore_ps(a + 8 * v, lanes256(left, 8 * v), sum[v]);
    else
      _mm256_storeu_ps(a + 8 * v, sum[v]);
  }
}

void avx2_decode(int64_t nonzeros, const int32_t *index, const float *value, int64_t d,
                 const float *D, int64_t ldD, float *y)
{
  int64_t i = 0;
  for (; i + 8 * WIDE <= d; i += 8 * WIDE)
    sum_rows(WIDE, false, nonzeros, index, value, 0, D + i, ldD, y + i);
  for (; i + 8 * NARROW <= d; i += 8 * NARROW)
    sum_rows(NARROW, false, nonzeros, index, value, 0, D + i, ldD, y + i);
  if (i < d) sum_rows(NARROW, true, nonzeros, index, value, d - i, D + i, ldD, y + i);
}

/* Elements j .. j + 7 as integers that order like their values: 0 where the element is not above 0
   or is masked out. */
static inline __m256i keys256(int64_t m, const float *s, const uint8_t *mask, int64_t j)
{
  const bool whole = j + 8 <= m;
  if (j >= m) return _mm256_setzero_si256();
  const __m256 x = whole ? _mm256_loadu_ps(s + j) : _mm256_maskload_ps(s + j, lanes256(m, j));
  __m256i keep = _mm256_castps_si256(_mm256_cmp_ps(x, _mm256_setzero_ps(), _CMP_GT_OQ));
  if (mask) {
    int64_t bytes = 0;
    memcpy(&bytes, mask + j, (size_t)(whole ? 8 : m - j));
    const __m256i wide = _mm256_cvtepu8_epi32(_mm_cvtsi64_si128(bytes));
    keep = _mm256_andnot_si256(_mm256_cmpeq_epi32(wide, _mm256_setzero_si256()), keep);
  }
  return _mm256_and_si256(keep, _mm256_castps_si256(x));
}

/* Which of 8 keys are at least v, which is above 0. */
static inline unsigned at_least(__m256i keys, int32_t v)
{
  const __m256i above = _mm256_cmpgt_epi32(keys, _mm256_set1_epi32(v - 1));
  return (unsigned)_mm256_movemask_ps(_mm256_castsi256_ps(above));
}

static inline int64_t count_keys(int64_t n, const int32_t *keys, int32_t v)
{
  int64_t count = 0;
  for (int64_t j = 0; j < n; j += 8) {
    const __m256i x = _mm256_loadu_si256((const __m256i *)(const void *)(keys + j));
    count += __builtin_popcount(at_least(x, v));
  }
  return count;
}

static int64_t count_row(int64_t m, const float *s, const uint8_t *mask, int32_t v)
{
  int64_t count = 0;
  for (int64_t j = 0; j < m; j += 8) {
    count += __builtin_popcount(at_least(keys256(m, s, mask, j), v));
  }
  return count;
}

/* A lower bound of the k-th largest key that is above 0: the k-th largest of disjoint groups'
   maxima, to its upper 16 bits; 1 if there are fewer. */
static int32_t lower_bound(int64_t m, const float *s, int64_t k, const uint8_t *mask)
{
  int32_t most[8 * GROUPS] __attribute__((aligned(32))) = {0}, v = 0;
  if (k > 8 * GROUPS) return 1;
  for (int64_t j = 0; j < m; j += 8) {
    __m256i *group = (__m256i *)(void *)(most + j % (8 * GROUPS));
    _mm256_store_si256(group, _mm256_max_epi32(_mm256_load_si256(group), keys256(m, s, mask, j)));
  }
  for (int32_t bit = 1 << 30; bit >= 1 << 15; bit >>= 1) {
    if (count_keys(8 * GROUPS, most, v | bit) >= k) v |= bit;
  }
  return v > 0 ? v : 1;
}

/* More candidates than the list holds: the same search on the row itself. */
static int64_t select_in_place(int64_t m, const float *s, int64_t k, const uint8_t *mask,
                               int32_t *index, float *value)
{
  int32_t v = 0;
  for (int32_t bit = 1 << 30; bit; bit >>= 1) {
    if (count_row(m, s, mask, v | bit) >= k) v |= bit;
  }
  if (v == 0) v = 1; /* fewer than k are above 0 */
  int64_t kept = 0, equals = k - count_row(m, s, mask, v + 1);
  float least;
  memcpy(&least, &v, sizeof(least));
  for (int64_t j = 0; j < m && kept < k; j++) {
    if (!(s[j] >= least) || (mask && !mask[j]) || (s[j] == least && equals-- <= 0)) continue;
    index[kept] = (int32_t)j;
    value[kept++] = s[j];
  }
  return kept;
}

int64_t avx2_select_top(int64_t m, const float *s, int64_t k, const uint8_t *mask, int32_t *index,
                        float *value)
{
  int32_t key[LIST + 8], at[LIST];
  if (k <= 0) return 0;
  const int32_t least = lower_bound(m, s, k, mask);
  int64_t found = 0;
  for (int64_t j = 0; j < m; j += 8) {
    const __m256i x = keys256(m, s, mask, j);
    unsigned hit = at_least(x, least);
    if (found + 8 > LIST) return select_in_place(m, s, k, mask, index, value);
    for (; hit; hit &= hit - 1) {
      at[found] = (int32_t)j + __builtin_ctz(hit);
      memcpy(&key[found], &s[at[found]], sizeof(float));
      found++;
    }
  }
  memset(key + found, 0, 8 * sizeof(*key));
  const int64_t n = (found + 7) / 8 * 8;
  int32_t v = 0;
  for (int32_t bit = 1 << 30; bit && found > k; bit >>= 1) {
    if (count_keys(n, key, v | bit) >= k) v |= bit;
  }
  int64_t kept = 0, equals = found > k ? k - count_keys(n, key, v + 1) : found;
  for (int64_t q = 0; q < found && kept < k; q++) {
    if (key[q] < v || (key[q] == v && equals-- <= 0)) continue;
    index[kept] = at[q];
    value[kept++] = s[at[q]];
  }
  return kept;
}

int64_t avx2_select_positive(int64_t m, const float *s, int32_t *index, float *value)
{
  int64_t kept = 0;
  for (int64_t j = 0; j < m; j += 8) {
    unsigned hit = at_least(keys256(m, s, NULL, j), 1);
    for (; hit; hit &= hit - 1) {
      index[kept] = (int32_t)j + __builtin_ctz(hit);
      value[kept] = s[index[kept]];
      kept++;
    }
  }
  return kept;
}
