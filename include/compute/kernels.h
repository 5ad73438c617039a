/* The dense and sparse kernels behind one table. docs/numerics.md defines the arithmetic of each;
   every backend gives the same bits. All kernels are local (no MPI), never fail, and write all of
   their output. Matrices are row-major with a stride in elements (ld...); sizes may be 0. Outputs
   may not overlap inputs. */
#pragma once
#include "base/param.h"
#include "base/shared.h"

/* Rows packed for scores: opaque to callers. Stretches of PACKED_ROWS rows (the last one shorter,
   in as much room) lie one after another, each PACKED_ROWS x d floats, and can be packed on their
   own. */
enum { PACKED_ROWS = 48 };
typedef struct {
  int64_t rows, d;
  float *x;      /* panels */
  int64_t space; /* floats there is room for */
} Packed;

/* Rows rounded to 16-bit integers: |row - scale q| <= rest, |row| <= norm, |q| <= 46,340, so that
   the product of two such rows and each part of it is an exact 32-bit sum. A row that is not finite
   or longer than 2^50 has norm infinity. ld is even, elements past d are 0. */
typedef struct {
  int64_t rows, d, ld;
  int16_t *q;                 /* [rows x ld] */
  float *scale, *norm, *rest; /* [rows] */
  int64_t space, row_space;
} Quantised;

struct Nearest;
struct Screens;
struct Forest;

/* What `descend` minimises: z K z / 2 - z b + cost sum |z| over z >= 0 or z of either sign, and
   where pull is above 0, with a multiplier and pull / 2 times the square of what the sum of z is
   off 1. */
typedef struct {
  int64_t m, ld;        /* ld a multiple of 4 */
  const float *K;       /* [m, up to a multiple of 4, x ld] with pull added to each element */
  const float *inverse; /* [m] 1 over K's diagonal, 0 where that is 0 */
  float cost, pull;
  bool either_sign;
} Descent;

/* What picks were, each token's from the last to the first: U = e[t] and V = -e[t] at first; for q
   = start[t] .. start[t + 1] - 1, with j = index[q], V = fmaf(c[q], D[j], V), GU[j] takes c[q] U
   and GV[j] takes (by a[q]) V, and U = fmaf(-a[q], D[j], U). Sums are leaf sums over the tokens,
   those of a token in this order; atoms first .. first + atoms - 1 have some. */
typedef struct {
  int64_t n, m, d, first, atoms;
  const int64_t *start;
  const int32_t *index;
  const float *c, *a;
  const float *D, *e; /* [m x d], [n x d] */
  float by;
} Unroll;

enum {
  LEAF_TOKENS = 1024, /* of sums over tokens */
  SUM_PIECE = 256,    /* of those that are widened */
  DOT_BLOCK = 64,     /* of a blockdot */
  MANY_TOKENS = 512,  /* that go on with the same few atoms, at most */
  UNROLL_COLUMNS = 32 /* that unroll_sums goes through together */
};

typedef struct Kernels {
  Entry entry;
  int rank; /* the usable one of highest rank is the default */
  bool (*usable)(void);

  /* For measuring: multiplies and adds in registers rounds times, gives the float32 operations
   * done. */
  double (*probe)(int64_t rounds);
  /* Packs m rows of E [m x d] (grows P as needed; free with PackedClear). */
  void (*pack)(int64_t m, int64_t d, const float *E, int64_t ldE, Packed *P);
  /* S[t][j] = chain over d from init[j] (NULL: + 0) of X[t] and row j of P. S [n x P->rows]. */
  void (*scores)(int64_t n, const float *X, int64_t ldX, const Packed *P, const float *init,
                 float *S, int64_t ldS);
  /* OUT[j][i] = (chain over q of A[j][q] B[q][i] from + 0) + 0.0f. A [m x p], B [p x d], OUT [m x
   * d]. */
  void (*combine)(int64_t m, int64_t p, int64_t d, const float *A, int64_t ldA, const float *B,
                  int64_t ldB, float *OUT, int64_t ldOUT);
  /* Packs the columns of X [n x d] less shift [d] (NULL: nothing; grows P as needed), as `pack`
     does the rows of its transpose. */
  void (*pack_columns)(int64_t n, int64_t d, const float *X, int64_t ldX, const float *shift,
                       Packed *P);
  /* Columns first .. first + m - 1 of A and 0 .. d - 1 of B, packed for n = A->d = B->d tokens:
     OUT[j][i] += sum over pieces of SUM_PIECE tokens, in order in float64 from + 0, of (chain over
     the piece's tokens t of A[t][first + j] B[t][i] from + 0) + 0.0f. OUT [m x d]. */
  void (*sum_products)(const Packed *A, int64_t first, int64_t m, const Packed *B, int64_t d,
                       double *OUT, int64_t ldOUT);
  /* Of s[0..m) the k largest that are above 0, lowest index first among equals: their indices
     ascending in index[], the values in value[]; gives how many. Where mask is not NULL only
     elements with mask[j] != 0 count. NaN is never kept. */
  int64_t (*select_top)(int64_t m, const float *s, int64_t k, const uint8_t *mask, int32_t *index,
                        float *value);
  /* Rounds n rows X [n x d] (grows Q as needed; free with quantised_clear); docs/numerics.md
     section 1. */
  void (*quantise)(int64_t n, int64_t d, const float *X, int64_t ldX, Quantised *Q);
  /* How many times faster `filter` is than `scores`, roughly. */
  double (*filter_gain)(void);
  /* Lower bounds of scores: with the exact integer product I of token t and row j (P: the rows' q
     packed as d = ld / 2 pairs), L[t][j] = s - norm[t] slack[j] where s = (float)I (scale[t]
     scale[j]) + init[j]; both sums by fmaf. */
  void (*filter)(const Quantised *tokens, const Packed *P, const float *scale, const float *init,
                 const float *slack, float *L, int64_t ldL);
  /* Which scores can be among the k largest above 0: with T the k-th largest of L above 0 (none:
     the least number above 0), all j with fmaf(2 norm, slack[j], L[j]) >= T, ascending; gives how
     many, or -1 if that is more than room. */
  int64_t (*candidates)(int64_t m, const float *L, const float *slack, float norm, int64_t k,
                        int64_t room, int32_t *index);
  /* s[q] = chain over d from s[q] of X[t] and E[index[q]], for token t and q = start[t] ..
     start[t + 1] - 1. Row index[q] of `soon`, ldsoon bytes each, may be brought near meanwhile; or
     NULL. */
  void (*chains)(int64_t n, const int64_t *start, const int32_t *index, int64_t d, const float *E,
                 int64_t ldE, const float *X, int64_t ldX, const void *soon, int64_t ldsoon,
                 float *s);
  /* All s above 0, ascending index; gives how many. There is room for m, all of which may be
     written. */
  int64_t (*select_positive)(int64_t m, const float *s, int32_t *index, float *value);
  /* All s above their threshold, and those with |(double)s - (double)threshold| <= far, ascending;
     gives how many; room as before. value: s, or 0 where it is not above; near: 1 where it is
     within far, else 0, or NULL. from_zero: scores equal to the threshold count as above it, and of
     those below 0 it is 0 that is within far or not. */
  int64_t (*select_near)(int64_t m, const float *s, const float *threshold, double far,
                         bool from_zero, int32_t *index, float *value, float *near);
  /* y[i] = (sum over the nonzeros, in their order, of value fmaf D[index][i] from + 0) + 0.0f. */
  void (*decode)(int64_t nonzeros, const int32_t *index, const float *value, int64_t d,
                 const float *D, int64_t ldD, float *y);
  /* y[i] = fmaf(a, x[i], y[i]). */
  void (*add_scaled)(int64_t d, float a, const float *x, float *y);
  /* The largest |x[i]|; 0 where there is none, and NaN does not count. */
  float (*largest_size)(int64_t count, const float *x);
  /* y[i] = units x[i] to the nearest (even) whole number of at most 32,767 in size; NaN counts as
     the least. */
  void (*round16)(int64_t count, float units, const float *x, int16_t *y);
  /* y[i] = y[i] less c x[i] / 2^15, which is rounded to the nearest (half: up), or the end of 16
     bits that this is beyond; then which y are at least the largest less gap, ascending: how many,
     or 0 where these are more than room, the largest is not above 0, or some y is at an end. x at
     least - 32,767. */
  int64_t (*less_leading)(int64_t m, int16_t c, const int16_t *x, int16_t *y, int gap, int64_t room,
                          int32_t *index);
  /* Q[i][j] = dot64(D[index[i]], D[index[j]]), Q [p x p], and b[i] = dot64(D[index[i]], x). Rows
     `next` [nexts] may be brought near meanwhile. work: products64_work. */
  void (*products64)(int64_t p, const int32_t *index, int64_t d, const float *D, int64_t ldD,
                     const float *x, int64_t nexts, const int32_t *next, double *Q, double *b,
                     double *work);
  /* n systems, ld apart: Q [ld x ld, of which p x p are used one after another, symmetric], b and z
     [ld x n], slope [ld] scratch. `turns` times z = max(0, z - (Q z - b) / |Q|), |Q| the root of
     the sum of its squares in order; a sum of Q z - b starts from - b and runs in order, products
     rounded. */
  void (*refine64)(int64_t n, int64_t turns, const int64_t *p, int64_t ld, const double *Q,
                   const double *b, double *slope, double *z);
  /* Y[t][i] = fmaf(-a[t], D[index[t]][i], Y[t][i]) and square[t] = square64(Y[t]) of n rows [n x
     d]; index and a are `stride` apart. */
  void (*less_rows)(int64_t n, int64_t stride, const int32_t *index, const float *a, int64_t d,
                    const float *D, int64_t ldD, float *Y, double *square);
  /* The way back through picks (Unroll): a, and what U is in the end. With e[t] = from[t] at first,
     for q = start[t] .. start[t + 1] - 1, j = index[q]: a[q] = blockdot(e[t], D[j]), then e[t] =
     fmaf(-a[q], D[j], e[t]). */
  void (*unroll_slopes)(int64_t n, const int64_t *start, const int32_t *index, int64_t d,
                        const float *D, const float *from, float *e, float *a);
  /* Its sums: GU, GV [atoms x d]; work [unroll_work(n, m, atoms)]. */
  void (*unroll_sums)(const Unroll *unroll, float *GU, float *GV, float *work);
  /* g[q] = blockdot(e, D[index[q]]). */
  void (*blockdots)(int64_t nonzeros, const int32_t *index, int64_t d, const float *D, int64_t ldD,
                    const float *e, float *g);
  /* Both go over rows of DOT_BLOCK columns, X [any x DOT_BLOCK]. add_picks: sum[r] = sum[r] and, in
     order, fmaf of value[q] and X[index[q]] for q = start[r] .. start[r + 1] - 1. dot_picks: dot[q]
     += blockdot(E[row[q]], X[index[q]]). */
  void (*add_picks)(int64_t rows, const int64_t *start, const int32_t *index, const float *value,
                    const float *X, float *sum);
  void (*dot_picks)(int64_t picks, const int32_t *index, const int32_t *row, const float *X,
                    const float *E, float *dot);
  /* Residuals of n tokens with sparse codes, those of token t being start[t] .. start[t + 1] - 1 of
     index and value: e[t][i] = fmaf(sign, x[t][i], y[i]) with y of `decode`, sign 1 or -1; for
     each code slope[q] = blockdot(e[t], D[index[q]]) (slope NULL: not wanted); square[t] =
     square64(e[t]). leaf, or NULL: [leaves x d] sums of e over leaves of LEAF_TOKENS tokens, each
     in their order from + 0. D [m x d], x and e [n x d]; work [residuals_work(n, m)], 64-byte
     aligned. Fastest where codes ascend. */
  void (*residuals)(int64_t n, const int64_t *start, const int32_t *index, const float *value,
                    int64_t m, int64_t d, const float *D, float sign, const float *x, float *e,
                    float *slope, double *square, float *leaf, float *work);
  /* The slopes alone, of given e. */
  void (*slopes)(int64_t n, const int64_t *start, const int32_t *index, int64_t m, int64_t d,
                 const float *D, const float *e, float *slope, float *work);
  /* The share of codes that are not 0 above which dense products are faster than leaf_sums. */
  double dense_share;
  /* Sums over tokens, atom by atom. The tokens of atom j are token[q] in 0 .. n - 1, ascending,
     for q in bucket[j] .. bucket[j + 1] - 1. GU[row[j]] = sum of u[q] U[token[q]] and GV[row[j]] =
     sum of v[q] V[token[q]]: a = fmaf(u, U, a) from + 0 in leaves of LEAF_TOKENS tokens (counted
     from token 0), each ending with + 0.0f, joined by the tree. U, V [n x d], GU, GV [any x d]; row
     NULL: j itself; V NULL: no v and no GV; work [leaf_sums_work(n)], 64-byte aligned. */
  void (*leaf_sums)(int64_t n, int64_t d, int64_t atoms, const int64_t *bucket, const int32_t *row,
                    const int32_t *token, const float *u, const float *v, const float *U,
                    const float *V, float *GU, float *GV, float *work);
  /* lane64 sums: of x[i]^2, of x[i] y[i], of (x[i] - y[i])^2 (differences rounded in float64), of
   * x[i]. */
  double (*square64)(int64_t d, const float *x);
  double (*dot64)(int64_t d, const float *x, const float *y);
  double (*distance64)(int64_t d, const float *x, const float *y);
  double (*sum64)(int64_t d, const float *x);
  /* distance[q] = distance64(X[q], Y[index[q]]); index NULL: q itself; ldX 0: one row X. */
  void (*distances64)(int64_t n, int64_t d, const float *X, int64_t ldX, const float *Y,
                      int64_t ldY, const int32_t *index, double *distance);
  /* y[i] = math_exp(x[i]), its bits; y may be x. */
  void (*exp64)(int64_t count, const double *x, double *y);
  /* OUT[j][i] = OUT[j][i] - A[j][0] B[index[0]][i] - A[j][1] B[index[1]][i] - … to p - 1, from left
     to right, products and differences rounded to float64; index NULL: rows 0 .. p - 1 of B. A [m x
     p], OUT [m x d]. */
  void (*subtract64)(int64_t m, int64_t p, int64_t d, const double *A, int64_t ldA, const double *B,
                     int64_t ldB, const int32_t *index, double *OUT, int64_t ldOUT);
  /* Z [n x m]: coordinate descent from 0 for each row b of S [n x m], atoms in order, in float32: q
     = b_j, plus the lift where there is a pull, less K_jl z_l in the order of l over the atoms that
     are not in j's block of 4, then over those that are, but j (products rounded); z_j = inverse_j
     times max(0, q - cost), or q brought nearer to 0 by cost. Before each sweep the lift, first 0,
     grows by pull (1 - sum of z in order). work [descend_work(m)], 64-byte aligned. */
  void (*descend)(int64_t n, const Descent *by, int sweeps, const float *S, float *Z, float *work);
  /* n systems, each of some rows of Q, in order of theirs: those of system s are row[q] for q =
     start[s] .. start[s + 1] - 1. y [of all rows]: right sides, then solutions, by L L^T = Q. Every
     sum runs in order, from its first term to the last one, products rounded; the way back from the
     last row to the first. multiplier not NULL: less Q^-1 of that many ones (at
     multiplier[s]), so that its sum is 1. solved[s]: false, and y 0, where a pivot is not above
     1e-10 of the diagonal. Q [m + 1 x ldQ], symmetric, its last row and column 0. work
     [solve_sets_work(m)], 64-byte aligned. Systems of like size best come one after another. */
  void (*solve_sets)(int64_t n, const int64_t *start, const int32_t *row, int64_t m,
                     const double *Q, int64_t ldQ, double *y, double *multiplier, bool *solved,
                     double *work);
  /* Each token of P goes down all trees of a forest (compute/forest.h), whose values at the leaves
     where it ends are taken off sum[token] one after another. P finite. */
  void (*walk)(const struct Forest *forest, const Packed *P, double *sum);
  /* Takes off g what lies along D: g[i] = (float)(g[i] - dot64(g, D) D[i]), in float64. Gives
     square64(g) of what is left. */
  double (*tangent)(int64_t d, float *g, const float *D);
  /* x[i] = (float)(x[i] / norm), in float64, where norm = sqrt(square64(x)), which it gives, is
     above 0. */
  double (*unit)(int64_t d, float *x);
  /* Layer norm of rows of U [n x width], gains and positive parts: with mean and variance of a row,
     sums over it in order in float64, by = 1 / sqrt(variance + 1e-5), N = (float)((U - mean) by), A
     = fmaf(gain, N, offset), 0 where that is not above 0; inverse[t] = (float)by. N and inverse may
     be NULL, A may be U. */
  void (*layer_norm)(int64_t n, int64_t width, const float *U, const float *gain,
                     const float *offset, float *N, float *inverse, float *A);
  /* Its way back: offset_slope [n x width] is what changes with A, and becomes 0 where A is not
     above 0; gain_slope = offset_slope N; with r = offset_slope gain, slope = (float)(inverse (r -
     mean of r - N mean of r N)), means over a row, in order, in float64. */
  void (*layer_back)(int64_t n, int64_t width, const float *A, const float *N, const float *inverse,
                     const float *gain, float *offset_slope, float *gain_slope, float *slope);
  /* x[i] = (x[i] - mu[i]) * inv[i] for each of n rows. */
  void (*normalise)(int64_t n, int64_t d, float *X, int64_t ldX, const float *mu, const float *inv);
  /* Exact widening of count stored values: half (IEEE binary16), bfloat16. Gives whether all of
     them are finite. */
  bool (*widen_half)(int64_t count, const uint16_t *from, float *to);
  bool (*widen_bfloat)(int64_t count, const uint16_t *from, float *to);
  /* Rounding to nearest even; overflow gives infinity. */
  void (*narrow_half)(int64_t count, const float *from, uint16_t *to);
  void (*narrow_bfloat)(int64_t count, const float *from, uint16_t *to);
  /* One Adam update of count elements, docs/numerics.md section 3: a, s as there; g is multiplied
     by scale first (one rounding; 1 does nothing). m, v, p are read and written. */
  void (*adam)(int64_t count, float *p, float *m, float *v, const float *g, float scale, float a,
               float s, float b1, float b2, float eps);
  /* Exact nearest centroid of each of n tokens X [n x d] among the K centroids C [K x d] (packed by
     pack_nearest): index[t], and distance[t] = the float64 squared distance (lane64) of
     docs/numerics.md section 5. work is the backend's scratch. */
  void (*nearest)(int64_t n, const float *X, int64_t ldX, const struct Nearest *centroids,
                  int32_t *index, double *distance);
  const struct Screens *screens; /* its inner loops */
} Kernels;

extern const Family backends;

/* Leaves of n tokens. */
static inline int64_t leaf_count(int64_t n)
{
  return (n + LEAF_TOKENS - 1) / LEAF_TOKENS;
}
/* Floats of scratch that `residuals` and `leaf_sums` are given. */
static inline int64_t residuals_work(int64_t n, int64_t m)
{
  return (m + MANY_TOKENS) * 2 * DOT_BLOCK + n * 16;
}
static inline int64_t leaf_sums_work(int64_t n)
{
  return (n + 1024) * DOT_BLOCK;
}
static inline int64_t unroll_work(int64_t n, int64_t m, int64_t atoms)
{
  int64_t parts = 2; /* leaves that wait to be joined, and the one that comes */
  for (int64_t leaves = (n + LEAF_TOKENS - 1) / LEAF_TOKENS; leaves > 1; leaves /= 2) parts++;
  return (m + 2 * parts * atoms) * UNROLL_COLUMNS;
}
/* Of a step of b tokens; unrolled: with the way back through picks. */
static inline int64_t step_work(int64_t b, int64_t m, bool unrolled)
{
  const int64_t residuals = residuals_work(b, m), sums = leaf_sums_work(b),
                picks = unrolled ? unroll_work(b, m, m) : 0, most = sums > picks ? sums : picks;
  return residuals > most ? residuals : most;
}
/* Doubles. */
static inline int64_t products64_work(int64_t p, int64_t d)
{
  return (p + 3) * (d + 15 + 24);
}
/* Floats, and doubles. */
static inline int64_t descend_work(int64_t m)
{
  return 2 * m * 64;
}
static inline int64_t solve_sets_work(int64_t m)
{
  return 8 * ((m + 3) * (m + 4) / 2 + 6 * (m + 3));
}

/* KernelsChoose - the named kernels, or with NULL the best usable ones (environment ARDIS_KERNELS
   forces one). An unknown or unusable name is a mistake. Not collective. */
PetscErrorCode KernelsChoose(const char *name, Mistakes *mistakes, const Kernels **kernels);

/* Centroids prepared for `nearest`: what its screening needs. NearestCreate takes what suits the
   kernels and the size, NearestCreateAs what it is told (for tests and timings: the answers are the
   same). C is borrowed until NearestDestroy, which frees; NearestRenew prepares anew after C has
   changed, in the same memory, with no prefix. Collective where the way names nodes, as are
   NearestPilot and NearestUsePrefix then: the ranks of a node prepare the same C in parts, in
   memory that they share. Elsewhere not. */
typedef struct Nearest Nearest;
enum { NEAREST_BEST, NEAREST_BYTES, NEAREST_WORDS, NEAREST_FLOATS };
typedef struct {
  int first;      /* the numbers that screening starts with */
  int64_t prefix; /* leading directions that are screened before; 0: none; a multiple of 64 */
  int32_t list;   /* candidates remembered for a token, at most; 0: the usual number */
  Nodes *nodes;   /* of the ranks that prepare together; NULL: each alone. Borrowed */
} NearestWay;
PetscErrorCode NearestCreate(const Kernels *kernels, int64_t K, int64_t d, const float *C,
                             Nearest **centroids);
PetscErrorCode NearestCreateAs(const Kernels *kernels, int64_t K, int64_t d, const float *C,
                               const NearestWay *way, Nearest **centroids);
PetscErrorCode NearestRenew(Nearest *centroids);
PetscErrorCode NearestDestroy(Nearest **centroids);
/* Leading directions of centroids, which NearestPilot finds and those that follow can use again:
   NULL at first. Whoever uses them is destroyed before them; DirectionsDestroy frees. */
typedef struct Directions Directions;
PetscErrorCode DirectionsDestroy(Directions **directions);
/*
  NearestPilot - finds how many leading directions are worth screening first

  in X [n x d] some tokens, a few hundred of all ranks are enough and a rank may have none; in/out
  directions. out prefix: 0 for none, the same on all ranks. By an estimate of the cost from the
  tokens' own candidates, not by a clock.
*/
PetscErrorCode NearestPilot(Nearest *centroids, int64_t n, const float *X, int64_t ldX,
                            Directions **directions, int64_t *prefix);
/* Are there enough centroids for some prefix to be worth it, on the most favourable tokens? Where
   not, a pilot only takes time and memory (8 d^2 bytes and more). */
bool nearest_may_screen(const Nearest *centroids);
/* NearestUsePrefix - screens by so many of the leading directions from now on; 0: by none. */
PetscErrorCode NearestUsePrefix(Nearest *centroids, const Directions *directions, int64_t prefix);
/* nearest_begin - from here to nearest_end, calls of `nearest` answer in parts of the arrays index
   and distance, and may leave some to nearest_end: those with an index below 0, whose tokens must
   stay. The few that need finer screening are cheaper together. hint is NULL, or for each element
   of the arrays a centroid that is likely to be near its token, -1 for none: it makes the search
   shorter and changes no answer. */
void nearest_begin(Nearest *centroids, const int32_t *hint, int32_t *index, double *distance);
void nearest_end(Nearest *centroids);

void packed_clear(Packed *packed);
void quantised_clear(Quantised *quantised);
