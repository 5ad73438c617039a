/* Which scores are kept, with AVX-512. The k-th largest maximum of disjoint groups is at most the
   k-th largest score, so one pass that compresses what reaches it leaves a short list, in which the
   bits of the k-th largest are searched. Scores above 0 order like their bits as integers. */
#include "avx512_select.h"
#include "avx512_tile.h"
#include "select.h"

#define GROUPS 16 /* vectors of lane-wise maxima, at most */
#define STRIDE 64 /* elements looked at together */
#define LIST 2048 /* scores in the list; more are searched in place */

typedef struct {
  int64_t found;
  int32_t key[LIST + STRIDE]
      __attribute__((aligned(64))); /* the scores' bits, 0 where not above 0 */
  int32_t at[LIST + STRIDE] __attribute__((aligned(64)));
  float upper[LIST + STRIDE] __attribute__((aligned(64))); /* with slack */
} List;

/* Elements j .. j + 15, 0 where there is none or it is masked out. */
__attribute__((always_inline)) static inline __m512 load(const Row *row, int64_t j, bool whole)
{
  __mmask16 lanes = whole ? 0xffff : lanes512(row->m, j);
  if (row->mask)
    lanes &= _mm_test_epi8_mask(_mm_maskz_loadu_epi8(lanes, row->mask + j), _mm_set1_epi8(-1));
  return whole && !row->mask ? _mm512_loadu_ps(row->s + j)
                             : _mm512_maskz_loadu_ps(lanes, row->s + j);
}

__attribute__((always_inline)) static inline __m512 upper_of(const Row *row, int64_t j, bool whole,
                                                             __m512 x)
{
  if (!row->slack) return x;
  const __m512 slack = _mm512_maskz_loadu_ps(whole ? 0xffff : lanes512(row->m, j), row->slack + j);
  return _mm512_fmadd_ps(_mm512_set1_ps(row->twice), slack, x);
}

static inline __m512i keys_of(__m512 x)
{
  return _mm512_castps_si512(_mm512_max_ps(x, _mm512_setzero_ps())); /* + 0 for NaN */
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

/* A number that k of the n keys reach, low <= k-th largest <= high: the largest one whose bits
   below `last` are 0, or one that exactly k reach. */
static int32_t search(int64_t n, const int32_t *keys, int64_t k, int32_t low, int32_t high,
                      uint32_t last)
{
  const uint32_t differ = (uint32_t)low ^ (uint32_t)high;
  if (!differ) return low;
  uint32_t bit = 1u << (31 - __builtin_clz(differ)), v = (uint32_t)high & ~(2 * bit - 1);
  for (; bit >= last && bit; bit >>= 1) {
    const int64_t count = count_keys(n, keys, (int32_t)(v | bit));
    if (count >= k) v |= bit;
    if (count == k) break;
  }
  return (int32_t)v;
}

/* A lower bound of the k-th largest key, above 0: the k-th largest of disjoint groups' maxima, to
   its upper 16 bits; 1 if there are fewer. */
__attribute__((always_inline)) static inline int32_t lower_bound(const Row *row, int64_t k)
{
  int32_t most[16 * GROUPS] __attribute__((aligned(64)));
  if (k > 16 * GROUPS) return 1;
  __m512 group[GROUPS];
  int64_t j = 0;
#pragma GCC unroll 16
  for (int g = 0; g < GROUPS; g++) group[g] = _mm512_setzero_ps();
  for (; j + 16 * GROUPS <= row->m; j += 16 * GROUPS) {
#pragma GCC unroll 16
    for (int g = 0; g < GROUPS; g++) { /* the group where the element is NaN */
      group[g] = _mm512_max_ps(load(row, j + 16 * g, true), group[g]);
    }
  }
#pragma GCC unroll 16
  for (int g = 0; g < GROUPS; g++) {
    if (j + 16 * g < row->m) group[g] = _mm512_max_ps(load(row, j + 16 * g, false), group[g]);
    _mm512_store_si512(most + 16 * g, _mm512_castps_si512(group[g]));
  }
  int64_t n = 16 * GROUPS; /* twice as many maxima as are wanted bound them as well as more */
  for (; n >= 4 * k && n > 64; n /= 2) {
    for (int64_t i = 0; i < n / 2; i += 16)
      _mm512_store_si512(most + i, _mm512_max_epi32(_mm512_load_si512(most + i),
                                                    _mm512_load_si512(most + n / 2 + i)));
  }
  __m512i low = _mm512_load_si512(most), high = low;
  for (int64_t i = 16; i < n; i += 16) {
    const __m512i keys = _mm512_load_si512(most + i);
    low = _mm512_min_epi32(low, keys), high = _mm512_max_epi32(high, keys);
  }
  const int32_t v =
      search(n, most, k, _mm512_reduce_min_epi32(low), _mm512_reduce_max_epi32(high), 1u << 15);
  return v > 0 ? v : 1;
}

/* Adds the elements from j on, up to STRIDE of them, whose upper bound is at least `least`. */
__attribute__((always_inline)) static inline void take(const Row *row, int64_t j, bool whole,
                                                       __m512 least, List *list)
{
  const __m512i lane = _mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
  __m512 x[STRIDE / 16], upper[STRIDE / 16];
  __mmask16 hit[STRIDE / 16];
  unsigned any = 0;
  for (int v = 0; v < STRIDE / 16; v++) {
    x[v] = load(row, j + 16 * v, whole);
    upper[v] = upper_of(row, j + 16 * v, whole, x[v]);
    hit[v] = _mm512_cmp_ps_mask(upper[v], least, _CMP_GE_OQ);
    any |= hit[v];
  }
  if (!any) return;
  int64_t found = list->found;
  for (int v = 0; v < STRIDE / 16; v++) {
    const __m512i at = _mm512_add_epi32(lane, _mm512_set1_epi32((int)(j + 16 * v)));
    _mm512_storeu_si512(list->key + found, _mm512_maskz_compress_epi32(hit[v], keys_of(x[v])));
    _mm512_storeu_si512(list->at + found, _mm512_maskz_compress_epi32(hit[v], at));
    if (row->slack)
      _mm512_storeu_ps(list->upper + found, _mm512_maskz_compress_ps(hit[v], upper[v]));
    found += __builtin_popcount(hit[v]);
  }
  list->found = found;
}

/* The list of all that reach `least`; false if it is too short for them. */
__attribute__((always_inline)) static inline bool list_row(const Row *row, int32_t least,
                                                           List *list)
{
  const __m512 bound = _mm512_castsi512_ps(_mm512_set1_epi32(least));
  int64_t j = 0;
  list->found = 0;
  for (; j < row->m; j += STRIDE) {
    if (list->found + STRIDE > LIST) return false;
    if (j + STRIDE <= row->m)
      take(row, j, true, bound, list);
    else
      take(row, j, false, bound, list);
  }
  _mm512_storeu_si512(list->key + list->found, _mm512_setzero_si512());
  return true;
}

static inline int32_t most_key(int64_t n, const int32_t *keys)
{
  __m512i most = _mm512_setzero_si512();
  for (int64_t j = 0; j < n; j += 16) most = _mm512_max_epi32(most, _mm512_load_si512(keys + j));
  return _mm512_reduce_max_epi32(most);
}

static int32_t search_in_place(const Row *row, int64_t k)
{
  uint32_t v = 0;
  for (uint32_t bit = 1u << 30; bit; bit >>= 1) {
    const __m512i least = _mm512_set1_epi32((int32_t)(v | bit));
    int64_t count = 0;
    for (int64_t j = 0; j < row->m; j += 16) {
      count += __builtin_popcount(_mm512_cmpge_epi32_mask(keys_of(load(row, j, false)), least));
    }
    if (count >= k) v |= bit;
  }
  return v > 0 ? (int32_t)v : 1;
}

/* Of equal keys the first ones, as many as are left. */
static inline __mmask16 first_of(__mmask16 equal, int64_t *left)
{
  while (__builtin_popcount(equal) > *left)
    equal &= (__mmask16) ~(1u << (31 - __builtin_clz(equal)));
  *left -= __builtin_popcount(equal);
  return equal;
}

static int64_t keep_largest(List *list, int64_t k, int32_t least, int32_t *index, float *value)
{
  const int64_t n = (list->found + 15) / 16 * 16;
  int32_t v = least;
  if (list->found > k) v = search(n, list->key, k, least, most_key(n, list->key), 1);
  int64_t kept = 0, equals = k - (list->found > k ? count_keys(n, list->key, v + 1) : 0);
  for (int64_t q = 0; q < n; q += 16) {
    const __m512i key = _mm512_load_si512(list->key + q), at = _mm512_load_si512(list->at + q);
    const __mmask16 equal = _mm512_cmpeq_epi32_mask(key, _mm512_set1_epi32(v)),
                    above = _mm512_cmpgt_epi32_mask(key, _mm512_set1_epi32(v)),
                    keep = above | first_of(equal, &equals);
    const int count = __builtin_popcount(keep);
    const __mmask16 store = lanes512(count, 0);
    _mm512_mask_storeu_epi32(index + kept, store, _mm512_maskz_compress_epi32(keep, at));
    _mm512_mask_storeu_epi32(value + kept, store, _mm512_maskz_compress_epi32(keep, key));
    kept += count;
  }
  return kept;
}

/* One copy for rows without a mask, one for rows with one. */
__attribute__((always_inline)) static inline int64_t select_row(const Row *row, int64_t k,
                                                                int32_t *index, float *value)
{
  List list;
  const int32_t least = lower_bound(row, k);
  if (!list_row(row, least, &list)) return select_in_place(row, k, index, value);
  return keep_largest(&list, k, least, index, value);
}

int64_t avx512_select_top(int64_t m, const float *s, int64_t k, const uint8_t *mask, int32_t *index,
                          float *value)
{
  if (k <= 0) return 0;
  if (mask) return select_row(&(Row){.m = m, .s = s, .mask = mask}, k, index, value);
  return select_row(&(Row){.m = m, .s = s}, k, index, value);
}

static int64_t candidates_in_place(const Row *row, int64_t k, int64_t room, int32_t *index)
{
  const __m512 least = _mm512_castsi512_ps(_mm512_set1_epi32(search_in_place(row, k)));
  int64_t found = 0;
  for (int64_t j = 0; j < row->m; j += 16) {
    const __m512 upper = upper_of(row, j, false, load(row, j, false));
    unsigned hit = _mm512_cmp_ps_mask(upper, least, _CMP_GE_OQ);
    for (; hit; hit &= hit - 1) {
      if (found == room) return -1;
      index[found++] = (int32_t)j + __builtin_ctz(hit);
    }
  }
  return found;
}

/* The k-th largest key of the list, 1 if there are fewer; it is at least `bound`. */
static int32_t exact_bound(const List *list, int64_t k, int32_t bound)
{
  const int64_t n = (list->found + 15) / 16 * 16, count = count_keys(n, list->key, bound);
  if (count < k) return 1;
  const int32_t v = count > k ? search(n, list->key, k, bound, most_key(n, list->key), 1) : bound;
  const __m512i reached = _mm512_set1_epi32(v);
  __m512i lowest = _mm512_set1_epi32(INT32_MAX);
  for (int64_t q = 0; q < n; q += 16) {
    const __m512i key = _mm512_load_si512(list->key + q);
    lowest = _mm512_mask_min_epi32(lowest, _mm512_cmpge_epi32_mask(key, reached), lowest, key);
  }
  return _mm512_reduce_min_epi32(lowest);
}

int64_t avx512_candidates(int64_t m, const float *L, const float *slack, float norm, int64_t k,
                          int64_t room, int32_t *index)
{
  const Row row = {.m = m, .s = L, .slack = slack, .twice = 2 * norm};
  List list;
  if (k <= 0) return 0;
  const int32_t bound = lower_bound(&row, k);
  if (!list_row(&row, bound, &list)) return candidates_in_place(&row, k, room, index);
  const int64_t n = (list.found + 15) / 16 * 16;
  const __m512i least = _mm512_set1_epi32(exact_bound(&list, k, bound));
  int64_t found = 0;
  for (int64_t q = 0; q < n; q += 16) {
    const __mmask16 keep =
        lanes512(list.found, q) &
        _mm512_cmp_ps_mask(_mm512_load_ps(list.upper + q), _mm512_castsi512_ps(least), _CMP_GE_OQ);
    const int count = __builtin_popcount(keep);
    if (found + count > room) return -1;
    _mm512_mask_storeu_epi32(index + found, lanes512(count, 0),
                             _mm512_maskz_compress_epi32(keep, _mm512_load_si512(list.at + q)));
    found += count;
  }
  return found;
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

/* Which of 8 scores are within far of their threshold. */
static inline __mmask8 within(__m256 s, __m256 threshold, __m512d far)
{
  const __m512d away = _mm512_sub_pd(_mm512_cvtps_pd(s), _mm512_cvtps_pd(threshold));
  return _mm512_cmp_pd_mask(_mm512_abs_pd(away), far, _CMP_LE_OQ);
}

int64_t avx512_select_near(int64_t m, const float *s, const float *threshold, double far,
                           bool from_zero, int32_t *index, float *value, float *near)
{
  const __m512i lane = _mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
  const __m512 zero = _mm512_setzero_ps(), one = _mm512_set1_ps(1);
  const __m512d reach = _mm512_set1_pd(far);
  int64_t found = 0;
  for (int64_t j = 0; j < m; j += 16) {
    const __mmask16 lanes = lanes512(m, j);
    const __m512 x = _mm512_maskz_loadu_ps(lanes, s + j),
                 to = _mm512_maskz_loadu_ps(lanes, threshold + j);
    __mmask16 kept = lanes & _mm512_cmp_ps_mask(x, to, _CMP_GT_OQ);
    __m512 from = x;
    if (from_zero) {
      kept |= lanes & _mm512_cmp_ps_mask(x, to, _CMP_EQ_OQ);
      from = _mm512_mask_mov_ps(x, _mm512_cmp_ps_mask(x, zero, _CMP_LT_OQ), zero);
    }
    const __mmask16 low = within(_mm512_castps512_ps256(from), _mm512_castps512_ps256(to), reach),
                    high = within(_mm512_extractf32x8_ps(from, 1), _mm512_extractf32x8_ps(to, 1),
                                  reach),
                    close = lanes & (low | (unsigned)high << 8), hit = kept | close;
    const int count = __builtin_popcount(hit);
    const __mmask16 store = lanes512(count, 0);
    _mm512_mask_storeu_ps(value + found, store,
                          _mm512_maskz_compress_ps(hit, _mm512_maskz_mov_ps(kept, x)));
    _mm512_mask_storeu_epi32(
        index + found, store,
        _mm512_maskz_compress_epi32(hit, _mm512_add_epi32(lane, _mm512_set1_epi32((int)j))));
    if (near)
      _mm512_mask_storeu_ps(near + found, store,
                            _mm512_maskz_compress_ps(hit, _mm512_maskz_mov_ps(close, one)));
    found += count;
  }
  return found;
}
