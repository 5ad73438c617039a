/* Which scores are kept, with AVX2. Scores above 0 order like their bits as integers. */
#include "avx2_select.h"
#include "avx2_tile.h"
#include <string.h>

#define GROUPS 16 /* vectors of lane-wise maxima */
#define LIST 2048 /* candidates of select_top; more are searched in place */

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

/* Which of 4 scores are within far of their threshold. */
static inline unsigned within(__m128 s, __m128 threshold, __m256d far)
{
  const __m256d away = _mm256_sub_pd(_mm256_cvtps_pd(s), _mm256_cvtps_pd(threshold)),
                size = _mm256_andnot_pd(_mm256_set1_pd(-0.0), away);
  return (unsigned)_mm256_movemask_pd(_mm256_cmp_pd(size, far, _CMP_LE_OQ));
}

int64_t avx2_select_near(int64_t m, const float *s, const float *threshold, double far,
                         bool from_zero, int32_t *index, float *value, float *near)
{
  const __m256 zero = _mm256_setzero_ps();
  const __m256d reach = _mm256_set1_pd(far);
  int64_t found = 0;
  for (int64_t j = 0; j < m; j += 8) {
    const __m256i lanes = lanes256(m, j);
    const __m256 x = _mm256_maskload_ps(s + j, lanes),
                 to = _mm256_maskload_ps(threshold + j, lanes);
    __m256 kept = _mm256_cmp_ps(x, to, _CMP_GT_OQ), from = x;
    if (from_zero) {
      kept = _mm256_or_ps(kept, _mm256_cmp_ps(x, to, _CMP_EQ_OQ));
      from = _mm256_blendv_ps(x, zero, _mm256_cmp_ps(x, zero, _CMP_LT_OQ));
    }
    const unsigned inside = (unsigned)_mm256_movemask_ps(_mm256_castsi256_ps(lanes)),
                   above = inside & (unsigned)_mm256_movemask_ps(kept),
                   low = within(_mm256_castps256_ps128(from), _mm256_castps256_ps128(to), reach),
                   high =
                       within(_mm256_extractf128_ps(from, 1), _mm256_extractf128_ps(to, 1), reach),
                   close = inside & (low | high << 4);
    for (unsigned hit = above | close; hit; hit &= hit - 1) {
      const int l = __builtin_ctz(hit);
      index[found] = (int32_t)j + l;
      value[found] = above >> l & 1 ? s[j + l] : 0;
      if (near) near[found] = close >> l & 1 ? 1 : 0;
      found++;
    }
  }
  return found;
}

/* 8 upper bounds from j on, 0 past m. */
static inline __m256 upper256(int64_t m, const float *L, const float *slack, float twice, int64_t j)
{
  const __m256 x = j + 8 <= m ? _mm256_loadu_ps(L + j) : _mm256_maskload_ps(L + j, lanes256(m, j)),
               v = j + 8 <= m ? _mm256_loadu_ps(slack + j)
                              : _mm256_maskload_ps(slack + j, lanes256(m, j));
  return _mm256_fmadd_ps(_mm256_set1_ps(twice), v, x);
}

/* The k-th largest key of the row, `bound` <= it; 1 if there are fewer above 0. */
static int32_t exact_bound(int64_t m, const float *L, int64_t k, int32_t bound)
{
  int32_t key[LIST + 8] __attribute__((aligned(32))), v = 0;
  int64_t found = 0;
  for (int64_t j = 0; j < m && found >= 0; j += 8) {
    unsigned hit = at_least(keys256(m, L, NULL, j), bound);
    if (found + 8 > LIST) found = -1;
    for (; hit && found >= 0; hit &= hit - 1) {
      memcpy(&key[found++], &L[j + __builtin_ctz(hit)], sizeof(float));
    }
  }
  if (found >= 0) memset(key + found, 0, 8 * sizeof(*key));
  for (int32_t bit = 1 << 30; bit; bit >>= 1) {
    const int64_t count =
        found < 0 ? count_row(m, L, NULL, v | bit) : count_keys((found + 7) / 8 * 8, key, v | bit);
    if (count >= k) v |= bit;
  }
  return v > 0 ? v : 1;
}

int64_t avx2_candidates(int64_t m, const float *L, const float *slack, float norm, int64_t k,
                        int64_t room, int32_t *index)
{
  if (k <= 0) return 0;
  const int32_t bound = exact_bound(m, L, k, lower_bound(m, L, k, NULL));
  const __m256 least = _mm256_castsi256_ps(_mm256_set1_epi32(bound));
  int64_t found = 0;
  for (int64_t j = 0; j < m; j += 8) {
    const __m256 reach = _mm256_cmp_ps(upper256(m, L, slack, 2 * norm, j), least, _CMP_GE_OQ);
    for (unsigned hit = (unsigned)_mm256_movemask_ps(reach); hit; hit &= hit - 1) {
      if (found == room) return -1;
      index[found++] = (int32_t)j + __builtin_ctz(hit);
    }
  }
  return found;
}
