/* Which scores are kept, with AVX2. The k-th largest maximum of disjoint groups is at most the k-th
   largest score, so one pass that lists what reaches it leaves a short list, in which the bits of
   the k-th largest are searched. Scores above 0 order like their bits as integers. */
#include "avx2_select.h"
#include "avx2_tile.h"
#include "select.h"

#define PARTS 16  /* of a row, at most, each with groups of its own */
#define STRIDE 64 /* elements looked at together, and groups of a part: a vector's lane each */
#define LIST 2048 /* scores in the list; more are searched in place */
#define HITS 2    /* elements of a stride that are listed without a branch */

typedef struct {
  int64_t found;
  int32_t key[LIST + STRIDE] __attribute__((aligned(32))); /* the scores' bits */
  int32_t at[LIST + STRIDE + HITS];
} List;

/* Elements j .. j + 7, 0 where there is none or it is masked out. */
__attribute__((always_inline)) static inline __m256 load(const Row *row, int64_t j, bool whole)
{
  const __m256 x =
      whole ? _mm256_loadu_ps(row->s + j) : _mm256_maskload_ps(row->s + j, lanes256(row->m, j));
  if (!row->mask || j >= row->m) return x;
  int64_t bytes = 0;
  memcpy(&bytes, row->mask + j, (size_t)(j + 8 <= row->m ? 8 : row->m - j));
  const __m256i wide = _mm256_cvtepu8_epi32(_mm_cvtsi64_si128(bytes)),
                out = _mm256_cmpeq_epi32(wide, _mm256_setzero_si256());
  return _mm256_andnot_ps(_mm256_castsi256_ps(out), x);
}

/* What is compared of them; x are the scores themselves. */
__attribute__((always_inline)) static inline __m256 upper_of(const Row *row, int64_t j, bool whole,
                                                             __m256 x)
{
  if (!row->slack) return x;
  const __m256 slack = whole ? _mm256_loadu_ps(row->slack + j)
                             : _mm256_maskload_ps(row->slack + j, lanes256(row->m, j));
  return _mm256_fmadd_ps(_mm256_set1_ps(row->twice), slack, x);
}

static inline __m256i keys_of(__m256 x)
{
  return _mm256_castps_si256(_mm256_max_ps(x, _mm256_setzero_ps())); /* + 0 for NaN */
}

static inline int32_t sum_lanes(__m256i x)
{
  const __m128i half = _mm_add_epi32(_mm256_castsi256_si128(x), _mm256_extracti128_si256(x, 1)),
                pair = _mm_add_epi32(half, _mm_shuffle_epi32(half, 0x4e));
  return _mm_cvtsi128_si32(_mm_add_epi32(pair, _mm_shuffle_epi32(pair, 0xb1)));
}

/* How many of n keys (a multiple of 8) are at least v, which is above 0. */
static inline int64_t count_keys(int64_t n, const int32_t *keys, int32_t v)
{
  const __m256i below = _mm256_set1_epi32(v - 1);
  __m256i count = _mm256_setzero_si256();
  for (int64_t j = 0; j < n; j += 8) {
    const __m256i x = _mm256_load_si256((const __m256i *)(const void *)(keys + j));
    count = _mm256_sub_epi32(count, _mm256_cmpgt_epi32(x, below));
  }
  return sum_lanes(count);
}

/* How many of n words (a multiple of 64, at most 64 PARTS) are above v. */
static inline int64_t count_words(int64_t n, const int16_t *words, int16_t v)
{
  const __m256i below = _mm256_set1_epi16(v);
  __m256i count = _mm256_setzero_si256();
  for (int64_t j = 0; j < n; j += 64) {
    const __m256i *x = (const __m256i *)(const void *)(words + j);
    const __m256i a = _mm256_cmpgt_epi16(_mm256_load_si256(x), below),
                  b = _mm256_cmpgt_epi16(_mm256_load_si256(x + 1), below),
                  c = _mm256_cmpgt_epi16(_mm256_load_si256(x + 2), below),
                  d = _mm256_cmpgt_epi16(_mm256_load_si256(x + 3), below);
    count =
        _mm256_sub_epi16(count, _mm256_add_epi16(_mm256_add_epi16(a, b), _mm256_add_epi16(c, d)));
  }
  const __m256i sums = _mm256_sad_epu8(count, _mm256_setzero_si256());
  const __m128i half =
      _mm_add_epi32(_mm256_castsi256_si128(sums), _mm256_extracti128_si256(sums, 1));
  return _mm_cvtsi128_si32(half) + _mm_extract_epi32(half, 2);
}

/* The first bit of a search between low and high, and in *v the bits that both begin with. */
static inline uint32_t first_bit(int32_t low, int32_t high, uint32_t *v)
{
  const uint32_t differ = (uint32_t)low ^ (uint32_t)high;
  *v = (uint32_t)high;
  if (!differ) return 0;
  const uint32_t bit = 1u << (31 - __builtin_clz(differ));
  *v &= ~(2 * bit - 1);
  return bit;
}

/* The k-th largest of n words, of which none is below 0. */
static int32_t kth_word(int64_t n, const int16_t *words, int64_t k)
{
  const __m256i *x = (const __m256i *)(const void *)words;
  __m256i low = _mm256_load_si256(x), high = low;
  for (int64_t i = 1; i < n / 16; i++) {
    low = _mm256_min_epi16(low, _mm256_load_si256(x + i));
    high = _mm256_max_epi16(high, _mm256_load_si256(x + i));
  }
  const __m128i least =
                    _mm_min_epi16(_mm256_castsi256_si128(low), _mm256_extracti128_si256(low, 1)),
                most =
                    _mm_max_epi16(_mm256_castsi256_si128(high), _mm256_extracti128_si256(high, 1)),
                inverse = _mm_xor_si128(most, _mm_set1_epi16(-1));
  uint32_t v, bit = first_bit(_mm_extract_epi16(_mm_minpos_epu16(least), 0),
                              0xffff & ~_mm_extract_epi16(_mm_minpos_epu16(inverse), 0), &v);
  for (; bit; bit >>= 1) {
    if (count_words(n, words, (int16_t)((v | bit) - 1)) >= k) v |= bit;
  }
  return (int32_t)v;
}

/* A number that k of the n keys reach, low <= k-th largest <= high: the k-th largest, or one that
   exactly k reach. */
static int32_t search(int64_t n, const int32_t *keys, int64_t k, int32_t low, int32_t high)
{
  uint32_t v, bit = first_bit(low, high, &v);
  for (; bit; bit >>= 1) {
    const int64_t count = count_keys(n, keys, (int32_t)(v | bit));
    if (count >= k) v |= bit;
    if (count == k) break;
  }
  return (int32_t)v;
}

/* The maxima of the groups of elements first .. end - 1, to their upper 16 bits. */
__attribute__((always_inline)) static inline void part_maxima(const Row *row, int64_t first,
                                                              int64_t end, int16_t *words)
{
  __m256 most[8];
  int64_t j = first;
#pragma GCC unroll 8
  for (int g = 0; g < 8; g++) most[g] = _mm256_setzero_ps();
  for (; j + STRIDE <= end; j += STRIDE) {
#pragma GCC unroll 8
    for (int g = 0; g < 8; g++) /* the group where the element is NaN */
      most[g] = _mm256_max_ps(load(row, j + 8 * g, true), most[g]);
  }
#pragma GCC unroll 8
  for (int g = 0; g < 8; g++)
    if (j + 8 * g < end) most[g] = _mm256_max_ps(load(row, j + 8 * g, false), most[g]);
#pragma GCC unroll 4
  for (int g = 0; g < 8; g += 2) { /* in any order */
    const __m256i a = _mm256_srli_epi32(_mm256_castps_si256(most[g]), 16),
                  b = _mm256_srli_epi32(_mm256_castps_si256(most[g + 1]), 16);
    _mm256_store_si256((__m256i *)(void *)(words + 8 * g), _mm256_packs_epi32(a, b));
  }
}

/* A lower bound of the k-th largest key, above 0: the k-th largest of the groups' maxima, to its
   upper 16 bits; 1 if there are fewer. */
__attribute__((always_inline)) static inline int32_t lower_bound(const Row *row, int64_t k)
{
  int16_t words[STRIDE * PARTS] __attribute__((aligned(32)));
  if (k > STRIDE * PARTS) return 1;
  int64_t parts = 1; /* about twice as many groups as are wanted bound them well */
  while (parts < PARTS && parts * STRIDE < 2 * k) parts *= 2;
  const int64_t each = (row->m + parts * STRIDE - 1) / (parts * STRIDE) * STRIDE;
  for (int64_t p = 0; p < parts; p++) {
    const int64_t end = (p + 1) * each;
    part_maxima(row, p * each, end < row->m ? end : row->m, words + p * STRIDE);
  }
  const int32_t v = kth_word(parts * STRIDE, words, k) << 16;
  return v > 0 ? v : 1;
}

/* Which of the elements j .. j + 31 reach `least`. */
__attribute__((always_inline)) static inline uint32_t reach32(const Row *row, int64_t j, bool whole,
                                                              __m256 least)
{
  __m256i hit[4];
#pragma GCC unroll 4
  for (int v = 0; v < 4; v++) {
    const __m256 upper = upper_of(row, j + 8 * v, whole, load(row, j + 8 * v, whole));
    hit[v] = _mm256_castps_si256(_mm256_cmp_ps(upper, least, _CMP_GE_OQ));
  }
  const __m256i mixed = _mm256_packs_epi16(_mm256_packs_epi32(hit[0], hit[1]),
                                           _mm256_packs_epi32(hit[2], hit[3])),
                order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
  return (uint32_t)_mm256_movemask_epi8(_mm256_permutevar8x32_epi32(mixed, order));
}

/* Lists which of the elements j .. j + STRIDE - 1 reach `least`. */
__attribute__((always_inline)) static inline void take(const Row *row, int64_t j, bool whole,
                                                       __m256 least, List *list)
{
  const uint64_t low = reach32(row, j, whole, least), high = reach32(row, j + 32, whole, least);
  uint64_t hit = low | high << 32;
  volatile int32_t *at =
      list->at + list->found; /* not gathered into vectors before they are stored */
  list->found += __builtin_popcountll(hit);
#pragma GCC unroll 2
  for (int i = 0; i < HITS; i++, hit &= hit - 1)
    at[i] = (int32_t)j + __builtin_ctzll(hit | 1ull << 63);
  for (int i = HITS; hit; i++, hit &= hit - 1) at[i] = (int32_t)j + __builtin_ctzll(hit);
}

/* The list of all that reach `least`; false if it is too short for them. */
__attribute__((always_inline)) static inline bool list_row(const Row *row, int32_t least,
                                                           List *list)
{
  const __m256 bound = _mm256_castsi256_ps(_mm256_set1_epi32(least));
  int64_t j = 0;
  list->found = 0;
  for (; j + STRIDE <= row->m; j += STRIDE) {
    if (list->found + STRIDE > LIST) return false;
    take(row, j, true, bound, list);
  }
  if (list->found + STRIDE > LIST) return false;
  if (j < row->m) take(row, j, false, bound, list);
  for (int64_t q = 0; q < list->found; q++) memcpy(&list->key[q], &row->s[list->at[q]], 4);
  memset(list->key + list->found, 0, 8 * sizeof(*list->key));
  return true;
}

static inline int32_t most_key(int64_t n, const int32_t *keys)
{
  __m256i most = _mm256_setzero_si256();
  for (int64_t j = 0; j < n; j += 8)
    most = _mm256_max_epi32(most, _mm256_load_si256((const __m256i *)(const void *)(keys + j)));
  const __m128i half =
                    _mm_max_epi32(_mm256_castsi256_si128(most), _mm256_extracti128_si256(most, 1)),
                pair = _mm_max_epi32(half, _mm_shuffle_epi32(half, 0x4e));
  return _mm_cvtsi128_si32(_mm_max_epi32(pair, _mm_shuffle_epi32(pair, 0xb1)));
}

/* How many of the row's keys are at least v, which is above 0. */
static int64_t count_row(const Row *row, int32_t v)
{
  const __m256i below = _mm256_set1_epi32(v - 1);
  int64_t count = 0;
  for (int64_t j = 0; j < row->m; j += 8) {
    const __m256i above = _mm256_cmpgt_epi32(keys_of(load(row, j, false)), below);
    count += __builtin_popcount((unsigned)_mm256_movemask_ps(_mm256_castsi256_ps(above)));
  }
  return count;
}

static int32_t search_in_place(const Row *row, int64_t k)
{
  uint32_t v = 0;
  for (uint32_t bit = 1u << 30; bit; bit >>= 1) {
    if (count_row(row, (int32_t)(v | bit)) >= k) v |= bit;
  }
  return v > 0 ? (int32_t)v : 1;
}

/* The k largest of the list, whose keys are all at least `least`. */
static int64_t keep_largest(const List *list, int64_t k, int32_t least, int32_t *index,
                            float *value)
{
  if (list->found <= k) {
    memcpy(index, list->at, (size_t)list->found * sizeof(*index));
    memcpy(value, list->key, (size_t)list->found * sizeof(*value));
    return list->found;
  }
  const int64_t n = (list->found + 7) / 8 * 8;
  const int32_t v = search(n, list->key, k, least, most_key(n, list->key));
  int64_t equals = k - count_keys(n, list->key, v + 1);
  for (int64_t q = 0, kept = 0; kept < k; q++) { /* without a branch on the key */
    const int32_t key = list->key[q];
    const int equal = key == v && equals > 0;
    index[kept] = list->at[q];
    memcpy(&value[kept], &key, sizeof(key));
    equals -= equal;
    kept += (key > v) | equal;
  }
  return k;
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

int64_t avx2_select_top(int64_t m, const float *s, int64_t k, const uint8_t *mask, int32_t *index,
                        float *value)
{
  if (k <= 0) return 0;
  if (mask) return select_row(&(Row){.m = m, .s = s, .mask = mask}, k, index, value);
  return select_row(&(Row){.m = m, .s = s}, k, index, value);
}

static int64_t candidates_in_place(const Row *row, int64_t k, int64_t room, int32_t *index)
{
  const __m256 least = _mm256_castsi256_ps(_mm256_set1_epi32(search_in_place(row, k)));
  int64_t found = 0;
  for (int64_t j = 0; j < row->m; j += 32) {
    for (uint32_t hit = reach32(row, j, false, least); hit; hit &= hit - 1) {
      if (found == room) return -1;
      index[found++] = (int32_t)j + __builtin_ctz(hit);
    }
  }
  return found;
}

/* The k-th largest key of the list, 1 if there are fewer; it is at least `bound`. */
static int32_t exact_bound(const List *list, int64_t k, int32_t bound)
{
  const int64_t n = (list->found + 7) / 8 * 8, count = count_keys(n, list->key, bound);
  if (count < k) return 1;
  const int32_t v = count > k ? search(n, list->key, k, bound, most_key(n, list->key)) : bound;
  int32_t lowest = INT32_MAX;
  for (int64_t q = 0; q < list->found; q++) {
    const int32_t key = list->key[q] >= v ? list->key[q] : INT32_MAX;
    lowest = key < lowest ? key : lowest;
  }
  return lowest;
}

int64_t avx2_candidates(int64_t m, const float *L, const float *slack, float norm, int64_t k,
                        int64_t room, int32_t *index)
{
  const Row row = {.m = m, .s = L, .slack = slack, .twice = 2 * norm};
  List list;
  if (k <= 0) return 0;
  const int32_t bound = lower_bound(&row, k);
  if (!list_row(&row, bound, &list)) return candidates_in_place(&row, k, room, index);
  const int32_t exact = exact_bound(&list, k, bound);
  float least;
  memcpy(&least, &exact, sizeof(least));
  int64_t found = 0;
  for (int64_t q = 0; q < list.found; q++) {
    const int32_t j = list.at[q];
    list.at[found] = j;
    found += __builtin_fmaf(row.twice, slack[j], L[j]) >= least;
  }
  if (found > room) return -1;
  memcpy(index, list.at, (size_t)found * sizeof(*index));
  return found;
}

#define BIT(mask, i) ((mask) >> (i)&1)
#define PLACE(mask, i)                                                                             \
  (BIT(mask, i) ? (uint64_t)(i) << 8 * __builtin_popcount((mask) & ((1u << (i)) - 1)) : 0)
#define ORDER(mask)                                                                                \
  (PLACE(mask, 0) | PLACE(mask, 1) | PLACE(mask, 2) | PLACE(mask, 3) | PLACE(mask, 4) |            \
   PLACE(mask, 5) | PLACE(mask, 6) | PLACE(mask, 7))
#define ORDER4(mask) ORDER(mask), ORDER((mask) + 1), ORDER((mask) + 2), ORDER((mask) + 3)
#define ORDER16(mask) ORDER4(mask), ORDER4((mask) + 4), ORDER4((mask) + 8), ORDER4((mask) + 12)
#define ORDER64(mask)                                                                              \
  ORDER16(mask), ORDER16((mask) + 16), ORDER16((mask) + 32), ORDER16((mask) + 48)

/* For each mask of 8 lanes those of its bits, ascending, a byte each. */
static const uint64_t orders[256] = {ORDER64(0u), ORDER64(64u), ORDER64(128u), ORDER64(192u)};

/* The lanes that hit, ascending, then lane 0. */
static inline __m256i order_of(unsigned hit)
{
  return _mm256_cvtepu8_epi32(_mm_cvtsi64_si128((int64_t)orders[hit]));
}

static inline void store_lanes(int32_t *to, __m256i x)
{
  _mm256_storeu_si256((__m256i *)(void *)to, x);
}

int64_t avx2_select_positive(int64_t m, const float *s, int32_t *index, float *value)
{
  int64_t kept = 0, j = 0;
  for (; j + 8 <= m; j += 8) { /* there is room for 8 more: kept <= j */
    const __m256 x = _mm256_loadu_ps(s + j);
    const unsigned hit =
        (unsigned)_mm256_movemask_ps(_mm256_cmp_ps(x, _mm256_setzero_ps(), _CMP_GT_OQ));
    const __m256i order = order_of(hit);
    _mm256_storeu_ps(value + kept, _mm256_permutevar8x32_ps(x, order));
    store_lanes(index + kept, _mm256_add_epi32(order, _mm256_set1_epi32((int)j)));
    kept += __builtin_popcount(hit);
  }
  for (; j < m; j++)
    if (s[j] > 0) index[kept] = (int32_t)j, value[kept++] = s[j];
  return kept;
}

/* All bits of the lanes whose bit is set. */
static inline __m256 lanes_of(unsigned mask)
{
  const __m256i bit = _mm256_setr_epi32(1, 2, 4, 8, 16, 32, 64, 128),
                own = _mm256_and_si256(_mm256_set1_epi32((int)mask), bit);
  return _mm256_castsi256_ps(_mm256_cmpeq_epi32(own, bit));
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
  const __m256 zero = _mm256_setzero_ps(), one = _mm256_set1_ps(1);
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
    unsigned hit = above | close;
    if (j + 8 <= m) { /* there is room for 8 more: found <= j */
      const __m256i order = order_of(hit);
      _mm256_storeu_ps(value + found, _mm256_permutevar8x32_ps(_mm256_and_ps(kept, x), order));
      store_lanes(index + found, _mm256_add_epi32(order, _mm256_set1_epi32((int)j)));
      if (near)
        _mm256_storeu_ps(near + found,
                         _mm256_permutevar8x32_ps(_mm256_and_ps(lanes_of(close), one), order));
      found += __builtin_popcount(hit);
      continue;
    }
    for (; hit; hit &= hit - 1) {
      const int l = __builtin_ctz(hit);
      index[found] = (int32_t)j + l;
      value[found] = above >> l & 1 ? s[j + l] : 0;
      if (near) near[found] = close >> l & 1 ? 1 : 0;
      found++;
    }
  }
  return found;
}
