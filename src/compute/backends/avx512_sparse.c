/* Sparse codes with AVX-512: sums over few rows, and the selection of the codes. */
#include "avx512_sparse.h"
#include "avx512_tile.h"

#define WIDE 24   /* vectors of a row held in registers */
#define NARROW 8  /* the same near the row's end, with masks */
#define GROUPS 16 /* vectors of lane-wise maxima */
#define LIST 2048 /* candidates of select_top; more are searched in place */

/* Sums over the same vectors of many rows, in order, from + 0, and + 0 at the end. */
__attribute__((always_inline)) static inline void sum_rows(int vectors, bool masked, int64_t count,
                                                           const int32_t *index, const float *value,
                                                           int64_t left, const float *X,
                                                           int64_t ldX, float *a)
{
  __m512 sum[WIDE];
  for (int v = 0; v < vectors; v++) sum[v] = _mm512_setzero_ps();
  for (int64_t q = 0; q < count; q++) {
    const float *x = X + index[q] * ldX;
    const __m512 scale = _mm512_set1_ps(value[q]);
#pragma GCC unroll 24
    for (int v = 0; v < vectors; v++) {
      const __mmask16 lanes = masked ? lanes512(left, 16 * v) : 0xffff;
      sum[v] = _mm512_fmadd_ps(scale, _mm512_maskz_loadu_ps(lanes, x + 16 * v), sum[v]);
    }
  }
#pragma GCC unroll 24
  for (int v = 0; v < vectors; v++) {
    const __mmask16 lanes = masked ? lanes512(left, 16 * v) : 0xffff;
    _mm512_mask_storeu_ps(a + 16 * v, lanes, _mm512_add_ps(sum[v], _mm512_setzero_ps()));
  }
}

void avx512_decode(int64_t nonzeros, const int32_t *index, const float *value, int64_t d,
                   const float *D, int64_t ldD, float *y)
{
  int64_t i = 0;
  for (; i + 16 * WIDE <= d; i += 16 * WIDE)
    sum_rows(WIDE, false, nonzeros, index, value, 0, D + i, ldD, y + i);
  for (; i + 16 * NARROW <= d; i += 16 * NARROW)
    sum_rows(NARROW, false, nonzeros, index, value, 0, D + i, ldD, y + i);
  if (i < d) sum_rows(NARROW, true, nonzeros, index, value, d - i, D + i, ldD, y + i);
}

/* Elements j .. j + 15 as integers that order like their values: 0 where the element is not above 0
   or is masked out. */
static inline __m512i keys512(int64_t m, const float *s, const uint8_t *mask, int64_t j)
{
  __mmask16 lanes = lanes512(m, j);
  const __m512 x = _mm512_maskz_loadu_ps(lanes, s + j);
  if (mask) lanes &= _mm_test_epi8_mask(_mm_maskz_loadu_epi8(lanes, mask + j), _mm_set1_epi8(-1));
  lanes &= _mm512_cmp_ps_mask(x, _mm512_setzero_ps(), _CMP_GT_OQ);
  return _mm512_maskz_mov_epi32(lanes, _mm512_castps_si512(x));
}

/* How many of n keys (a multiple of 16) are at least v. */
static inline int64_t count_keys(int64_t n, const int32_t *keys, int32_t v)
{
  const __m512i least = _mm512_set1_epi32(v);
  int64_t count = 0;
  for (int64_t j = 0; j < n; j += 16) {
    count += __builtin_popcount(_mm512_cmpge_epi32_mask(_mm512_load_si512(keys + j), least));
  }
  return count;
}

static int64_t count_row(int64_t m, const float *s, const uint8_t *mask, int32_t v)
{
  const __m512i least = _mm512_set1_epi32(v);
  int64_t count = 0;
  for (int64_t j = 0; j < m; j += 16) {
    count += __builtin_popcount(_mm512_cmpge_epi32_mask(keys512(m, s, mask, j), least));
  }
  return count;
}

/* A lower bound of the k-th largest key that is above 0: the k-th largest of disjoint groups'
   maxima, to its upper 16 bits; 1 if there are fewer. */
static int32_t lower_bound(int64_t m, const float *s, int64_t k, const uint8_t *mask)
{
  int32_t most[16 * GROUPS] __attribute__((aligned(64)));
  if (k > 16 * GROUPS) return 1;
  __m512i group[GROUPS];
  for (int g = 0; g < GROUPS; g++) group[g] = _mm512_setzero_si512();
  for (int64_t j = 0; j < m; j += 16 * GROUPS) {
#pragma GCC unroll 16
    for (int g = 0; g < GROUPS; g++) {
      group[g] = _mm512_max_epi32(group[g], keys512(m, s, mask, j + 16 * g));
    }
  }
  for (int g = 0; g < GROUPS; g++) _mm512_store_si512(most + 16 * g, group[g]);
  int32_t v = 0;
  for (int32_t bit = 1 << 30; bit >= 1 << 15; bit >>= 1) {
    if (count_keys(16 * GROUPS, most, v | bit) >= k) v |= bit;
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
  const float least = _mm_cvtss_f32(_mm_castsi128_ps(_mm_cvtsi32_si128(v)));
  for (int64_t j = 0; j < m && kept < k; j++) {
    if (!(s[j] >= least) || (mask && !mask[j]) || (s[j] == least && equals-- <= 0)) continue;
    index[kept] = (int32_t)j;
    value[kept++] = s[j];
  }
  return kept;
}

int64_t avx512_select_top(int64_t m, const float *s, int64_t k, const uint8_t *mask, int32_t *index,
                          float *value)
{
  int32_t key[LIST + 16] __attribute__((aligned(64))), at[LIST + 16];
  if (k <= 0) return 0;
  const __m512i least = _mm512_set1_epi32(lower_bound(m, s, k, mask));
  const __m512i lane = _mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
  int64_t found = 0;
  for (int64_t j = 0; j < m; j += 16) {
    const __m512i x = keys512(m, s, mask, j);
    const __mmask16 hit = _mm512_cmpge_epi32_mask(x, least);
    if (!hit) continue;
    if (found + 16 > LIST) return select_in_place(m, s, k, mask, index, value);
    _mm512_storeu_si512(key + found, _mm512_maskz_compress_epi32(hit, x));
    _mm512_storeu_si512(at + found, _mm512_maskz_compress_epi32(
                                        hit, _mm512_add_epi32(lane, _mm512_set1_epi32((int)j))));
    found += __builtin_popcount(hit);
  }
  _mm512_storeu_si512(key + found, _mm512_setzero_si512());
  const int64_t n = (found + 15) / 16 * 16;
  int32_t v = 0;
  for (int32_t bit = 1 << 30; bit && found > k; bit >>= 1) {
    if (count_keys(n, key, v | bit) >= k) v |= bit;
  }
  int64_t kept = 0, equals = found > k ? k - count_keys(n, key, v + 1) : found;
  for (int64_t q = 0; q < found && kept < k; q++) {
    if (key[q] == v && equals-- <= 0) continue;
    if (key[q] < v) continue;
    index[kept] = at[q];
    value[kept++] = s[at[q]];
  }
  return kept;
}

int64_t avx512_select_positive(int64_t m, const float *s, int32_t *index, float *value)
{
  const __m512i lane = _mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
  int64_t kept = 0;
  for (int64_t j = 0; j < m; j += 16) {
    const __mmask16 lanes = lanes512(m, j);
    const __m512 x = _mm512_maskz_loadu_ps(lanes, s + j);
    const __mmask16 hit = lanes & _mm512_cmp_ps_mask(x, _mm512_setzero_ps(), _CMP_GT_OQ);
    const int count = __builtin_popcount(hit);
    const __mmask16 store = lanes512(count, 0);
    _mm512_mask_storeu_ps(value + kept, store, _mm512_maskz_compress_ps(hit, x));
    _mm512_mask_storeu_epi32(
        index + kept, store,
        _mm512_maskz_compress_epi32(hit, _mm512_add_epi32(lane, _mm512_set1_epi32((int)j))));
    kept += count;
  }
  return kept;
}
