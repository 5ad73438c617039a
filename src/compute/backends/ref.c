/* Plain loops: the definition of every kernel (docs/numerics.md), outputs innermost so that
   compilers vectorise them. Compiled twice: as it is, where fmaf is the C library's, and with
   REF_FMA and the CPU's own instruction; both give the same bits. */
#include "ref_nearest.h"
#include "exp64.h"
#include "small_systems.h"
#include "subtract64.h"
#include <math.h>
#include <string.h>

#ifdef REF_FMA
#define FMAF __builtin_fmaf
#define FMA __builtin_fma
#define TABLE kernels_ref_fma
#define USABLE cpu_has_fma
#else
#define FMAF fmaf
#define FMA fma
#define TABLE backend_ref
#define USABLE cpu_always
#endif
#include "layer.h"

static void pack(int64_t m, int64_t d, const float *E, int64_t ldE, Packed *P)
{
  packed_reserve(P, m, d);
  for (int64_t j0 = 0; j0 < m; j0 += PANEL) {
    float *panel = P->x + j0 * d;
    for (int64_t l = 0; l < PANEL; l++) {
      for (int64_t i = 0; i < d; i++) {
        panel[i * PANEL + l] = j0 + l < m ? E[(j0 + l) * ldE + i] : 0.0f;
      }
    }
  }
}

static void chain_panel(int64_t d, const float *restrict x, const float *restrict panel,
                        float *restrict a)
{
  for (int64_t i = 0; i < d; i++) {
    for (int l = 0; l < PANEL; l++) a[l] = FMAF(x[i], panel[i * PANEL + l], a[l]);
  }
}

static void scores(int64_t n, const float *X, int64_t ldX, const Packed *P, const float *init,
                   float *S, int64_t ldS)
{
  for (int64_t j0 = 0; j0 < P->rows; j0 += PANEL) {
    const int64_t lanes = P->rows - j0 < PANEL ? P->rows - j0 : PANEL;
    for (int64_t t = 0; t < n; t++) {
      float a[PANEL] = {0};
      if (init) memcpy(a, init + j0, (size_t)lanes * sizeof(float));
      chain_panel(P->d, X + t * ldX, P->x + j0 * P->d, a);
      memcpy(S + t * ldS + j0, a, (size_t)lanes * sizeof(float));
    }
  }
}

static void add_rows(int64_t count, float value, const float *restrict x, float *restrict a)
{
  for (int64_t i = 0; i < count; i++) a[i] = FMAF(value, x[i], a[i]);
}

static void add_zero(int64_t count, float *restrict a)
{
  for (int64_t i = 0; i < count; i++) a[i] += 0.0f;
}

static void combine(int64_t m, int64_t p, int64_t d, const float *A, int64_t ldA, const float *B,
                    int64_t ldB, float *OUT, int64_t ldOUT)
{
  for (int64_t j = 0; j < m; j++) {
    float *out = OUT + j * ldOUT;
    for (int64_t i = 0; i < d; i++) out[i] = 0.0f;
    for (int64_t q = 0; q < p; q++) add_rows(d, A[j * ldA + q], B + q * ldB, out);
    add_zero(d, out);
  }
}

#include "ref_products.h"
#include "ref_select.h"

static void decode(int64_t nonzeros, const int32_t *index, const float *value, int64_t d,
                   const float *D, int64_t ldD, float *y)
{
  for (int64_t i = 0; i < d; i++) y[i] = 0.0f;
  for (int64_t q = 0; q < nonzeros; q++) add_rows(d, value[q], D + index[q] * ldD, y);
  add_zero(d, y);
}

static void add_scaled(int64_t d, float a, const float *x, float *y)
{
  add_rows(d, a, x, y);
}

static float blockdot(int64_t d, const float *restrict x, const float *restrict y)
{
  float sum = 0.0f;
  for (int64_t i0 = 0; i0 < d; i0 += 64) {
    float lane[16] = {0};
    const int64_t end = d - i0 < 64 ? d - i0 : 64;
    for (int64_t r = 0; r < end; r += 16) {
      const int64_t lanes = end - r < 16 ? end - r : 16;
      for (int64_t l = 0; l < lanes; l++) {
        lane[l] = FMAF(x[i0 + r + l], y[i0 + r + l], lane[l]);
      }
    }
    for (int h = 8; h > 0; h /= 2) {
      for (int l = 0; l < h; l++) lane[l] += lane[l + h];
    }
    sum = i0 == 0 ? lane[0] : sum + lane[0];
  }
  return sum;
}

/* lane64: TERM gives lane l its next value from element i. */
#define LANE64(TERM)                                                                               \
  double lane[8] = {0};                                                                            \
  int64_t i0 = 0;                                                                                  \
  for (; i0 + 8 <= d; i0 += 8) {                                                                   \
    for (int l = 0; l < 8; l++) {                                                                  \
      const int64_t i = i0 + l;                                                                    \
      TERM;                                                                                        \
    }                                                                                              \
  }                                                                                                \
  for (int l = 0; i0 + l < d; l++) {                                                               \
    const int64_t i = i0 + l;                                                                      \
    TERM;                                                                                          \
  }                                                                                                \
  for (int h = 4; h > 0; h /= 2) {                                                                 \
    for (int l = 0; l < h; l++) lane[l] += lane[l + h];                                            \
  }                                                                                                \
  return lane[0]

static double square64(int64_t d, const float *x)
{
  LANE64(lane[l] = FMA((double)x[i], (double)x[i], lane[l]));
}

static double dot64(int64_t d, const float *x, const float *y)
{
  LANE64(lane[l] = FMA((double)x[i], (double)y[i], lane[l]));
}

static double distance64(int64_t d, const float *x, const float *y)
{
  LANE64(const double e = (double)x[i] - (double)y[i]; lane[l] = FMA(e, e, lane[l]));
}

static void distances64(int64_t n, int64_t d, const float *X, int64_t ldX, const float *Y,
                        int64_t ldY, const int32_t *index, double *distance)
{
  for (int64_t q = 0; q < n; q++)
    distance[q] = distance64(d, X + q * ldX, Y + (index ? index[q] : q) * ldY);
}

static double sum64(int64_t d, const float *x)
{
  LANE64(lane[l] += (double)x[i]);
}

static double tangent(int64_t d, float *restrict g, const float *restrict D)
{
  const double along = dot64(d, g, D);
  for (int64_t i = 0; i < d; i++) g[i] = (float)((double)g[i] - along * (double)D[i]);
  return square64(d, g);
}

static double unit(int64_t d, float *x)
{
  const double norm = __builtin_sqrt(square64(d, x));
  for (int64_t i = 0; i < d && norm > 0; i++) x[i] = (float)((double)x[i] / norm);
  return norm;
}

#include "ref_pursuit.h"
#include "refine64.h"
#include "ref_walk.h"

static void blockdots(int64_t nonzeros, const int32_t *index, int64_t d, const float *D,
                      int64_t ldD, const float *e, float *g)
{
  for (int64_t q = 0; q < nonzeros; q++) g[q] = blockdot(d, e, D + index[q] * ldD);
}

static void unroll_slopes(int64_t n, const int64_t *start, const int32_t *index, int64_t d,
                          const float *D, const float *from, float *e, float *a)
{
  if (n && d) memcpy(e, from, (size_t)(n * d) * sizeof(*e));
  for (int64_t t = 0; t < n; t++)
    for (int64_t q = start[t]; q < start[t + 1]; q++) {
      a[q] = blockdot(d, e + t * d, D + index[q] * d);
      add_scaled(d, -a[q], D + index[q] * d, e + t * d);
    }
}

static void add_picks(int64_t rows, const int64_t *start, const int32_t *index, const float *value,
                      const float *X, float *sum)
{
  for (int64_t r = 0; r < rows; r++)
    for (int64_t q = start[r]; q < start[r + 1]; q++)
      add_rows(DOT_BLOCK, value[q], X + (int64_t)index[q] * DOT_BLOCK, sum + r * DOT_BLOCK);
}

static void dot_picks(int64_t picks, const int32_t *index, const int32_t *row, const float *X,
                      const float *E, float *dot)
{
  for (int64_t q = 0; q < picks; q++)
    dot[q] +=
        blockdot(DOT_BLOCK, E + (int64_t)row[q] * DOT_BLOCK, X + (int64_t)index[q] * DOT_BLOCK);
}

static void residuals(int64_t n, const int64_t *start, const int32_t *index, const float *value,
                      int64_t m, int64_t d, const float *D, float sign, const float *x, float *e,
                      float *slope, double *square, float *leaf, float *work)
{
  (void)m, (void)work;
  for (int64_t i = 0; leaf && i < leaf_count(n) * d; i++) leaf[i] = 0;
  for (int64_t t = 0; t < n; t++) {
    float *et = e + t * d;
    decode(start[t + 1] - start[t], index + start[t], value + start[t], d, D, d, et);
    add_rows(d, sign, x + t * d, et);
    if (slope) blockdots(start[t + 1] - start[t], index + start[t], d, D, d, et, slope + start[t]);
    square[t] = square64(d, et);
    for (int64_t i = 0; leaf && i < d; i++) leaf[t / LEAF_TOKENS * d + i] += et[i];
  }
}

static void slopes(int64_t n, const int64_t *start, const int32_t *index, int64_t m, int64_t d,
                   const float *D, const float *e, float *slope, float *work)
{
  (void)m, (void)work;
  for (int64_t t = 0; t < n; t++)
    blockdots(start[t + 1] - start[t], index + start[t], d, D, d, e + t * d, slope + start[t]);
}

/* Joins leaves [count x DOT_BLOCK] pairwise into the first. */
static void join(int64_t count, float *leaves)
{
  for (; count > 1; count = (count + 1) / 2) {
    for (int64_t l = 0; l < count / 2; l++) {
      for (int i = 0; i < DOT_BLOCK; i++) {
        leaves[l * DOT_BLOCK + i] =
            leaves[2 * l * DOT_BLOCK + i] + leaves[(2 * l + 1) * DOT_BLOCK + i];
      }
    }
    if (count & 1) {
      memmove(leaves + count / 2 * DOT_BLOCK, leaves + (count - 1) * DOT_BLOCK,
              DOT_BLOCK * sizeof(*leaves));
    }
  }
}

/* One atom's sum of weight times rows of X, columns 0 .. width - 1; leaves is scratch. */
static void leaf_sum(int64_t n, int64_t count, const int32_t *token, const float *weight,
                     int64_t width, const float *X, int64_t d, float *leaves, float *out)
{
  const int64_t leaf_count = n > LEAF_TOKENS ? (n + LEAF_TOKENS - 1) / LEAF_TOKENS : 1;
  memset(leaves, 0, (size_t)leaf_count * DOT_BLOCK * sizeof(*leaves));
  for (int64_t q = 0; q < count; q++) {
    add_rows(width, weight[q], X + token[q] * d, leaves + token[q] / LEAF_TOKENS * DOT_BLOCK);
  }
  for (int64_t i = 0; i < leaf_count * DOT_BLOCK; i++) leaves[i] += 0.0f;
  join(leaf_count, leaves);
  memcpy(out, leaves, (size_t)width * sizeof(*out));
}

static void leaf_sums(int64_t n, int64_t d, int64_t atoms, const int64_t *bucket,
                      const int32_t *row, const int32_t *token, const float *u, const float *v,
                      const float *U, const float *V, float *GU, float *GV, float *work)
{
  for (int64_t j = 0; j < atoms; j++) {
    const int64_t from = bucket[j], count = bucket[j + 1] - from, to = (row ? row[j] : j) * d;
    for (int64_t i = 0; i < d; i += DOT_BLOCK) {
      const int64_t width = d - i < DOT_BLOCK ? d - i : DOT_BLOCK;
      leaf_sum(n, count, token + from, u + from, width, U + i, d, work, GU + to + i);
      if (V) leaf_sum(n, count, token + from, v + from, width, V + i, d, work, GV + to + i);
    }
  }
}

/* Of x - scale q. */
static double rest64(int64_t d, const float *x, const int16_t *q, float scale)
{
  LANE64(const double e = FMA(-(double)scale, (double)q[i], (double)x[i]);
         lane[l] = FMA(e, e, lane[l]));
}

static void quantise(int64_t n, int64_t d, const float *X, int64_t ldX, Quantised *Q)
{
  quantised_reserve(Q, n, d);
  for (int64_t t = 0; t < n; t++) {
    const float *x = X + t * ldX;
    float most = 0.0f, inverse;
    for (int64_t i = 0; i < d; i++) most = fabsf(x[i]) > most ? fabsf(x[i]) : most;
    Q->scale[t] = quantised_scale(d, square64(d, x), most, &Q->norm[t], &inverse);
    for (int64_t i = 0; i < d; i++) {
      Q->q[t * Q->ld + i] = (int16_t)(inverse > 0.0f ? rintf(x[i] * inverse) : 0.0f);
    }
    Q->rest[t] = quantised_rest(rest64(d, x, Q->q + t * Q->ld, Q->scale[t]), Q->norm[t]);
  }
}

/* Exact sums of PANEL rows with one token, in pairs. */
static void products(int64_t pairs, const int16_t *q, const int16_t *panel, int32_t *restrict sum)
{
  for (int l = 0; l < PANEL; l++) sum[l] = 0;
  for (int64_t i = 0; i < pairs; i++) {
    for (int l = 0; l < PANEL; l++) {
      sum[l] +=
          q[2 * i] * panel[2 * (i * PANEL + l)] + q[2 * i + 1] * panel[2 * (i * PANEL + l) + 1];
    }
  }
}

static double filter_gain(void)
{
  return 1;
}

static void filter(const Quantised *tokens, const Packed *P, const float *scale, const float *init,
                   const float *slack, float *L, int64_t ldL)
{
  for (int64_t j0 = 0; j0 < P->rows; j0 += PANEL) {
    const int64_t lanes = P->rows - j0 < PANEL ? P->rows - j0 : PANEL;
    for (int64_t t = 0; t < tokens->rows; t++) {
      int32_t sum[PANEL];
      products(P->d, tokens->q + t * tokens->ld, (const int16_t *)(const void *)(P->x + j0 * P->d),
               sum);
      for (int64_t l = 0; l < lanes; l++) {
        const float s = FMAF((float)sum[l], tokens->scale[t] * scale[j0 + l], init[j0 + l]);
        L[t * ldL + j0 + l] = FMAF(-tokens->norm[t], slack[j0 + l], s);
      }
    }
  }
}

static int64_t candidates(int64_t m, const float *L, const float *slack, float norm, int64_t k,
                          int64_t room, int32_t *index)
{
  float least = 0x1p-149f;
  int64_t found = 0;
  for (float last = NAN, next;; last = next) { /* goes down the distinct values above 0 */
    int64_t above = 0;
    next = 0.0f;
    for (int64_t j = 0; j < m; j++) next = !(L[j] >= last) && L[j] > next ? L[j] : next;
    for (int64_t j = 0; j < m; j++) above += L[j] >= next;
    if (next == 0.0f) break;
    if (above >= k) least = next;
    if (above >= k) break;
  }
  for (int64_t j = 0; j < m && k > 0; j++) {
    if (!(FMAF(2 * norm, slack[j], L[j]) >= least)) continue;
    if (found == room) return -1;
    index[found++] = (int32_t)j;
  }
  return found;
}

static void chains(int64_t n, const int64_t *start, const int32_t *index, int64_t d, const float *E,
                   int64_t ldE, const float *X, int64_t ldX, const void *soon, int64_t ldsoon,
                   float *s)
{
  (void)soon, (void)ldsoon;
  for (int64_t t = 0; t < n; t++) {
    for (int64_t q = start[t]; q < start[t + 1]; q++) {
      const float *e = E + index[q] * ldE, *x = X + t * ldX;
      for (int64_t i = 0; i < d; i++) s[q] = FMAF(x[i], e[i], s[q]);
    }
  }
}

static void normalise(int64_t n, int64_t d, float *X, int64_t ldX, const float *mu,
                      const float *inv)
{
  for (int64_t t = 0; t < n; t++) {
    float *restrict x = X + t * ldX;
    for (int64_t i = 0; i < d; i++) x[i] = (x[i] - mu[i]) * inv[i];
  }
}

#include "ref_widen.h"

static void adam(int64_t count, float *restrict p, float *restrict m, float *restrict v,
                 const float *restrict g, float scale, float a, float s, float b1, float b2,
                 float eps)
{
  const float c1 = 1.0f - b1, c2 = 1.0f - b2, least = 0x1p-100f;
  for (int64_t i = 0; i < count; i++) {
    const float grad = g[i] * scale;
    const float m1 = FMAF(b1, m[i], c1 * grad), v1 = FMAF(b2, v[i], c2 * (grad * grad));
    m[i] = fabsf(m1) < least ? 0.0f : m1;
    v[i] = fabsf(v1) < least ? 0.0f : v1;
    p[i] = p[i] - (a * m[i]) / (sqrtf(v[i]) * s + eps);
  }
}

static unsigned screen(const ScreenTile *tile)
{
  unsigned hits = 0;
  for (int q = 0; q < PANEL_ROWS; q++) {
    float *restrict s = tile->score + q * PANEL;
    for (int l = 0; l < PANEL; l++) s[l] = tile->init[q];
    for (int64_t i = 0; i < tile->d; i++) {
      const float c = tile->centroids[i * PANEL_ROWS + q], *restrict x = tile->tokens + i * PANEL;
      for (int l = 0; l < PANEL; l++) s[l] = FMAF(c, x[l], s[l]);
    }
    for (int l = 0; l < PANEL; l++) {
      const float e = FMAF(tile->reach[l], tile->radius, tile->slack) + tile->room[l];
      if (!(s[l] + e < tile->low[l])) hits |= 1u << q;
      if (s[l] - e > tile->low[l]) tile->low[l] = s[l] - e;
    }
  }
  return hits;
}

static const Screens screens = {
    .chain = screen,
    .write = ref_grid_write,
    .grid = {ref_screen_bytes, ref_screen_words},
    .dots = {ref_dots_bytes, ref_dots_words},
    .best = ref_best,
    .token = 127,
    .centroid = 127,
    .turn = 4,
    .dot = 8,
};

static double probe(int64_t rounds)
{
  float a[96];
  for (int i = 0; i < 96; i++) a[i] = (float)i;
  for (int64_t r = 0; r < rounds; r++) {
    for (int i = 0; i < 96; i++) a[i] = fmaf(a[i], 0.999f, 1e-3f);
    __asm__ volatile("" : : "r"(a) : "memory");
  }
  return 96.0 * 2 * (double)rounds;
}

const Kernels TABLE = {
    .entry = {"ref", "plain loops, on any CPU: the definition of the arithmetic"},
    .rank = 0,
    .usable = USABLE,
    .probe = probe,
    .pack = pack,
    .scores = scores,
    .combine = combine,
    .pack_columns = pack_columns,
    .sum_products = sum_products,
    .select_top = select_top,
    .quantise = quantise,
    .filter_gain = filter_gain,
    .filter = filter,
    .candidates = candidates,
    .chains = chains,
    .add_scaled = add_scaled,
    .largest_size = largest_size,
    .round16 = round16,
    .less_leading = less_leading,
    .products64 = products64,
    .refine64 = refine64,
    .less_rows = less_rows,
    .unroll_slopes = unroll_slopes,
    .unroll_sums = unroll_sums,
    .select_positive = select_positive,
    .select_near = select_near,
    .decode = decode,
    .blockdots = blockdots,
    .add_picks = add_picks,
    .dot_picks = dot_picks,
    .residuals = residuals,
    .slopes = slopes,
    .dense_share = 0.4,
    .leaf_sums = leaf_sums,
    .square64 = square64,
    .dot64 = dot64,
    .distance64 = distance64,
    .distances64 = distances64,
    .sum64 = sum64,
    .exp64 = exp64,
    .subtract64 = subtract64,
    .descend = descend,
    .solve_sets = solve_sets,
    .walk = walk,
    .tangent = tangent,
    .unit = unit,
    .layer_norm = layer_norm,
    .layer_back = layer_back,
    .normalise = normalise,
    .widen_half = widen_half,
    .widen_bfloat = widen_bfloat,
    .narrow_half = narrow_half,
    .narrow_bfloat = narrow_bfloat,
    .adam = adam,
    .nearest = nearest_search,
    .screens = &screens,
};
