/* The encoder: scores and codes of tiles of tokens, in float32 or behind a filter in 16-bit
   integers.

   The filter. Atom j's row E and a token x are rounded to integers, E = s q + r, x = s' q' + r',
   with known bounds |r| <= rest, |E| <= norm and the same of x. The product of q and q' is exact
   (Kernels: |q| <= 46,340). The score is *defined* as a float32 chain S of d fused multiply-adds
   from b. With u = 2^-24, gamma = d u / (1 - d u), n = norm of x, R = the largest rest / norm of
   the tile's tokens:
     - the chain: |S - (b + x.E)| <= gamma (|b| + sum |x_i E_i|) + d 2^-149
                                  <= gamma (|b| + n norm) + d 2^-149            (Cauchy-Schwarz);
     - rounding to integers: x.E - s s' q.q' = (s' q').r + r'.E, at most n (1 + R) rest + n R norm,
       since |s' q'| <= n (1 + R);
     - the filter computes fl(fl(q.q') fl(s s') + b) and goes down and up from there by n v, v >= 0:
       the integer and the product of scales each have an error of at most u of themselves, and each
       of the three sums u of its result: together below 8 u (n norm + |b|) + 8 u n v + 2^-140, as
       (1 + R)^2 (norm + rest) < 1.1 norm + ... is far below twice norm for R and rest/norm <= 2^-6,
       and rows with q = 0 (rest = norm) have no product at all.
   So S lies between the filter's bounds if
     v >= (1 + R) rest + R norm + (gamma + 16 u) (norm + |b| / n) + (d + 1024) 2^-149 / n,
   taken larger by 2^-18 of itself for the 8 u n v and for the rounding of v. The smallest n of the
   tile stands for all. If k lower bounds are at least T > 0, no atom with its upper bound below T
   is among the k largest scores (its score is below k others', so ties do not matter), and none
   with an upper bound that is not above 0 can be kept. What is left is settled by the defined
   chain.

   Tokens that are not finite, far shorter than the tile's longest, or leave too many atoms are
   scored in float32; so are all while a row of E is not finite. No number here reaches a result but
   the chains. */
#include "learn/encoder.h"
#include "learn/pursue.h"
#include "base/array.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
  SUBTILE = 64,  /* tokens filtered, or pursued, together: scores stay near the second cache */
  TILE = 32,     /* tokens scored together, */
  UNIT_TILE = 8, /* by the unit matrix: scores stay in the first cache */
  CHUNK = 1024,  /* tokens settled together: the rows of E stay in the last cache */
  AGAIN = 64     /* renewals after which a filter that did not pay is tried again */
};

struct Encoder {
  const Kernels *kernels;
  Nodes *nodes;
  const CodeNow *now;
  int64_t m, d, room;
  const float *E, *b; /* E NULL: the unit matrix */
  EncoderUse use;
  bool able;      /* the kernels and the code can be filtered */
  bool sound;     /* every row can be rounded to integers */
  bool integer;   /* for the next tokens */
  unsigned taken; /* 1: float32 was used, 2: integers */
  int64_t pause;  /* renewals until the filter is tried again */
  double left;    /* atoms left for a token, of the last chunk */
  int64_t refused;
  Packed packed;            /* E */
  Packed own;               /* E, packed by this rank alone */
  bool ready;               /* packed is that of the last renewal */
  int64_t renewals, own_of; /* so far; of which one `own` is */
  int64_t *asked;           /* [1] after which one packed rows were last taken, on the node */
  Rounded rounded;          /* E in integers */
  Quantised tokens;         /* a subtile */
  float *slack;             /* [m] v of a subtile */
  float *S;                 /* [SUBTILE x m] bounds, or scores of a tile */
  int64_t *start;           /* [CHUNK + 1] */
  int32_t *index;           /* [CHUNK x room] */
  float *score;             /* [CHUNK x room] */
  bool *filtered;           /* [CHUNK] */
  Packed some;              /* rows of some atoms */
  float *some_bias;         /* [m] */
  Gram *gram;               /* or NULL */
  int32_t *some_atom;       /* [m] */
};

EncoderUse encoder_use(void)
{
  const char *word = getenv("ARDIS_ENCODER");
  if (word && !strcmp(word, "fp32")) return ENCODER_FP32;
  if (word && !strcmp(word, "int16")) return ENCODER_INT16;
  return ENCODER_AUTO;
}

static int64_t kept(const Encoder *e)
{
  const SAECode *code = e->now->code;
  return code->largest ? min_i64(code->largest(e->now), e->m) : 0;
}

/* Whether the filter saves time if it leaves so many atoms: a float32 score by chains of gathered
   rows costs about eight of the packed product's. */
static bool pays(const Encoder *e, double left)
{
  const double gain = e->kernels->filter_gain(), m = (double)e->m;
  return e->d >= 64 && m / gain + 8 * left < m;
}

/* The same before anything is known of the tokens, with what is wanted. */
static bool may_filter(const Encoder *e, double left)
{
  return e->use != ENCODER_FP32 && e->d < 1 << 20 && (e->use == ENCODER_INT16 || pays(e, left));
}

static PetscErrorCode CreateFilter(Encoder *e)
{
  PetscFunctionBegin;
  PetscCall(RoundedCreate(e->nodes, e->m, e->d, &e->rounded));
  PetscCall(ArrayCreate(e->m, &e->slack));
  PetscCall(ArrayCreate(CHUNK + 1, &e->start));
  PetscCall(ArrayCreate(CHUNK * e->room, &e->index));
  PetscCall(ArrayCreate(CHUNK * e->room, &e->score));
  PetscCall(ArrayCreate(CHUNK, &e->filtered));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EncoderCreate(const Kernels *kernels, Nodes *nodes, const CodeNow *now, int64_t m,
                             int64_t d, const float *E, const float *b, EncoderUse use,
                             int64_t room, Encoder **encoder)
{
  Encoder *e;

  PetscFunctionBegin;
  PetscCall(ArrayCreate(1, encoder));
  e = *encoder;
  *e = (Encoder){.kernels = kernels, .nodes = nodes, .now = now, .m = m, .d = d, .E = E, .b = b};
  e->use = use;
  const int64_t k = kept(e);
  e->room = room ? room : min_i64(m, k + k / 2 + 64);
  e->able = E && k > 0 && may_filter(e, 1.2 * (double)k);
  e->packed.rows = m, e->packed.d = d;
  e->packed.space = E ? (m + PACKED_ROWS - 1) / PACKED_ROWS * PACKED_ROWS * d : 0;
  if (E) PetscCall(SharedCreate(nodes, e->packed.space, &e->packed.x));
  PetscCall(SharedCreate(nodes, 1, &e->asked));
  PetscCall(ArrayCreate(SUBTILE * m, &e->S));
  if (e->able) PetscCall(CreateFilter(e));
  if (now->code->pursue && gram_helps(m, (double)now->code->most(now, m)))
    PetscCall(GramCreate(kernels, nodes, m, d, may_filter(e, 1), &e->gram));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EncoderDestroy(Encoder **encoder)
{
  Encoder *e = *encoder;

  PetscFunctionBegin;
  if (!e) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(SharedDestroy(e->nodes, &e->packed.x));
  PetscCall(SharedDestroy(e->nodes, &e->asked));
  if (e->able) PetscCall(RoundedDestroy(e->nodes, &e->rounded));
  PetscCall(GramDestroy(&e->gram));
  packed_clear(&e->own);
  packed_clear(&e->some);
  quantised_clear(&e->tokens);
  void **arrays[] = {(void **)&e->slack,     (void **)&e->S,        (void **)&e->start,
                     (void **)&e->index,     (void **)&e->score,    (void **)&e->filtered,
                     (void **)&e->some_bias, (void **)&e->some_atom};
  for (size_t i = 0; i < sizeof(arrays) / sizeof(*arrays); i++)
    PetscCall(ArrayDestroyBytes(arrays[i]));
  PetscCall(ArrayDestroy(encoder));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* E, packed for float32 scores: by the ranks of the node together where one of them took it after
   the renewal before, else by this rank when it is wanted. */
static const Packed *packed_rows(Encoder *e)
{
  const bool alone = nodes_size(e->nodes) == 1;
  Packed *to = alone ? &e->packed : &e->own;
  __atomic_store_n(e->asked, e->renewals, __ATOMIC_RELAXED);
  if (e->ready) return &e->packed;
  if (e->own_of != e->renewals) e->kernels->pack(e->m, e->d, e->E, e->d, to);
  e->own_of = e->renewals;
  return to;
}

/* Scores S [n x m] of n tokens X. By the unit matrix: the chain goes over products that are zeros
   and one that is x_j, which is left, - 0 as + 0; but 0 x is NaN where x is not finite. */
static void token_scores(Encoder *e, int64_t n, const float *X, float *S)
{
  const int64_t m = e->m;
  if (e->E) {
    e->kernels->scores(n, X, e->d, packed_rows(e), e->b, S, m);
    return;
  }
  for (int64_t t = 0; t < n; t++) {
    const float *restrict x = X + t * m;
    float *restrict s = S + t * m;
    int32_t wild = 0;
    for (int64_t j = 0; j < m; j++) s[j] = x[j] + 0.0f, wild += !(fabsf(x[j]) < INFINITY);
    for (int64_t j = 0; j < m && wild; j++)
      if (wild > 1 || fabsf(x[j]) < INFINITY) s[j] = NAN;
  }
}

PetscErrorCode EncoderRenew(Encoder *e)
{
  int64_t first, count;

  PetscFunctionBegin;
  if (!e->E) PetscFunctionReturn(PETSC_SUCCESS);
  part_of(e->m, PACKED_ROWS, nodes_rank(e->nodes), nodes_size(e->nodes), &first, &count);
  Packed part = {.x = e->packed.x + first * e->d, .space = e->packed.space - first * e->d};
  e->ready = !e->able || *e->asked == e->renewals;
  e->renewals++;
  if (count && e->ready) e->kernels->pack(count, e->d, e->E + first * e->d, e->d, &part);
  if (count && e->able) rounded_renew(e->kernels, first, count, e->E, &e->rounded);
  PetscCall(NodesBarrier(e->nodes));
  if (e->gram) PetscCall(GramRenew(e->gram, e->E, &e->packed));
  e->sound = e->able;
  for (int64_t j = 0; e->sound && j < e->m; j++)
    e->sound = e->rounded.norm[j] < INFINITY && fabsf(e->b[j]) < 0x1p100f;
  if (e->pause > 0 && --e->pause == 0) e->left = 0;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* v of every atom for the tokens of a subtile, and which tokens it holds for. */
static void set_slack(Encoder *e, bool *filtered)
{
  const Quantised *tokens = &e->tokens;
  float longest = 0, shortest = INFINITY, rest = 0;
  for (int64_t t = 0; t < tokens->rows; t++)
    if (tokens->norm[t] < INFINITY && tokens->norm[t] > longest) longest = tokens->norm[t];
  for (int64_t t = 0; t < tokens->rows; t++) {
    const float norm = tokens->norm[t];
    filtered[t] = norm < INFINITY && norm > 0x1p-40f && norm >= longest * 0x1p-10f &&
                  tokens->rest[t] <= norm * 0x1p-6f;
    if (!filtered[t]) continue;
    if (norm < shortest) shortest = norm;
    if (tokens->rest[t] / norm > rest) rest = tokens->rest[t] / norm;
  }
  const double u = 0x1p-24, du = (double)e->d * u, gamma = du / (1 - du) + 16 * u,
               R = (double)rest * (1 + 0x1p-20), n = (double)shortest,
               tiny = (double)(e->d + 1024) * 0x1p-149 / n, more = 1 + 0x1p-18;
  for (int64_t j = 0; j < e->m; j++) {
    const double norm = (double)e->rounded.norm[j], b = fabs((double)e->b[j]);
    e->slack[j] =
        (float)(((1 + R) * (double)e->rounded.rest[j] + R * norm + gamma * (norm + b / n) + tiny) *
                more);
  }
}

/* The atoms that may be kept for tokens first .. first + n - 1 of the chunk, after those of earlier
   tokens. */
static void filter_tokens(Encoder *e, int64_t first, int64_t n, const float *X)
{
  e->kernels->quantise(n, e->d, X, e->d, &e->tokens);
  set_slack(e, e->filtered + first);
  e->kernels->filter(&e->tokens, &e->rounded.pairs, e->rounded.scale, e->b, e->slack, e->S, e->m);
  const int64_t k = kept(e);
  for (int64_t t = first; t < first + n; t++) {
    const int64_t at = e->start[t];
    int64_t left = -1;
    if (e->filtered[t])
      left = e->kernels->candidates(e->m, e->S + (t - first) * e->m, e->slack,
                                    e->tokens.norm[t - first], k, e->room, e->index + at);
    e->filtered[t] = left >= 0;
    e->start[t + 1] = at + max_i64(left, 0);
    for (int64_t q = at; q < e->start[t + 1]; q++) e->score[q] = e->b[e->index[q]];
  }
}

static PetscErrorCode Append(const Encoder *e, int64_t n, int64_t m, const float *S, Codes *codes)
{
  const SAECode *code = e->now->code;
  const int64_t most = code->most(e->now, m);

  PetscFunctionBegin;
  PetscCall(CodesReserve(codes, codes->rows + n, codes->start[codes->rows] + n * most));
  code->forward(e->now, e->kernels, n, m, S, codes);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode FilteredCodes(Encoder *e, int64_t n, const float *X, Codes *codes)
{
  int64_t good = 0;

  PetscFunctionBegin;
  e->start[0] = 0;
  for (int64_t t = 0; t < n; t += SUBTILE)
    filter_tokens(e, t, min_i64(SUBTILE, n - t), X + t * e->d);
  e->kernels->chains(n, e->start, e->index, e->d, e->E, e->d, X, e->d, NULL, 0, e->score);
  for (int64_t t = 0; t < n; t++) {
    const int64_t at = e->start[t], before = codes->start[codes->rows];
    if (!e->filtered[t]) {
      e->kernels->scores(1, X + t * e->d, e->d, packed_rows(e), e->b, e->S, e->m);
      PetscCall(Append(e, 1, e->m, e->S, codes));
      continue;
    }
    good++;
    PetscCall(Append(e, 1, e->start[t + 1] - at, e->score + at, codes));
    for (int64_t q = before; q < codes->start[codes->rows]; q++)
      codes->atom[q] = e->index[at + codes->atom[q]];
  }
  e->refused += n - good;
  /* a token that was refused cost what a float32 one costs, and the filter on top */
  e->left = ((double)e->start[n] + (double)(n - good) * (double)e->m / 8) / (double)n;
  if (e->use == ENCODER_AUTO && !pays(e, e->left)) e->pause = AGAIN;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode PursuedCodes(Encoder *e, int64_t n, const float *X, Codes *codes)
{
  const SAECode *code = e->now->code;
  CodeNow now = *e->now;

  PetscFunctionBegin;
  e->taken |= e->gram && isfinite(e->gram->rest) && e->gram->integer ? 2 : 1;
  now.gram = e->gram;
  for (int64_t t = 0; t < n; t += SUBTILE) {
    const int64_t count = min_i64(SUBTILE, n - t);
    PetscCall(CodesReserve(codes, codes->rows + count,
                           codes->start[codes->rows] + count * code->most(e->now, e->m)));
    PetscCall(code->pursue(&now, e->kernels, count, e->m, e->d, X + t * e->d, packed_rows(e), e->E,
                           e->S, codes));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EncoderCodes(Encoder *e, int64_t n, const float *X, float *S, Codes *codes)
{
  PetscFunctionBegin;
  if (e->now->code->pursue) {
    PetscCall(PursuedCodes(e, n, X, codes));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  for (int64_t t = 0; t < n;) {
    e->integer = !S && encoder_filters(e);
    const int64_t count = min_i64(e->integer ? CHUNK : e->E ? TILE : UNIT_TILE, n - t);
    const float *x = X + t * e->d;
    e->taken |= e->integer ? 2 : 1;
    if (e->integer) {
      PetscCall(FilteredCodes(e, count, x, codes));
    } else {
      float *s = S ? S + t * e->m : e->S;
      const bool given =
          !e->E && !S && e->now->code->largest; /* by the tokens' own positive ones */
      if (!given) token_scores(e, count, x, s);
      PetscCall(Append(e, count, e->m, given ? x : s, codes));
    }
    t += count;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

bool encoder_filters(const Encoder *e)
{
  return e->sound && !e->pause;
}

PetscErrorCode EncoderSome(Encoder *e, const uint8_t *which, int64_t *count, const int32_t **atom)
{
  const int64_t d = e->d;
  float *rows;

  PetscFunctionBegin;
  if (!e->some_atom) {
    PetscCall(ArrayCreate(e->m, &e->some_atom));
    PetscCall(ArrayCreate(e->m, &e->some_bias));
  }
  *count = 0;
  for (int64_t j = 0; j < e->m; j++) {
    if (!which[j]) continue;
    e->some_atom[*count] = (int32_t)j;
    e->some_bias[(*count)++] = e->b[j];
  }
  const int64_t space = (*count + PACKED_ROWS - 1) / PACKED_ROWS * PACKED_ROWS * d;
  if (space > e->some.space) {
    packed_clear(&e->some);
    PetscCall(ArrayCreate(space, &e->some.x));
    e->some.space = space;
  }
  e->some.rows = *count, e->some.d = d;
  PetscCall(ArrayCreate(PACKED_ROWS * d, &rows));
  for (int64_t q = 0; q < *count; q += PACKED_ROWS) {
    const int64_t n = min_i64(PACKED_ROWS, *count - q);
    Packed part = {.x = e->some.x + q * d, .space = e->some.space - q * d};
    for (int64_t r = 0; r < n; r++)
      memcpy(rows + r * d, e->E + e->some_atom[q + r] * d, (size_t)d * sizeof(*rows));
    e->kernels->pack(n, d, rows, d, &part);
  }
  PetscCall(ArrayDestroy(&rows));
  *atom = e->some_atom;
  PetscFunctionReturn(PETSC_SUCCESS);
}

void encoder_some_scores(Encoder *e, int64_t n, const float *X, float *S)
{
  e->kernels->scores(n, X, e->d, &e->some, e->some_bias, S, e->some.rows);
}

void encoder_scores(Encoder *e, int64_t n, const float *X, float *S)
{
  token_scores(e, n, X, S);
}

const char *encoder_word(const Encoder *encoder)
{
  return (const char *const[]){"fp32", "fp32", "int16", "fp32 and int16"}[encoder->taken];
}

double encoder_left(const Encoder *encoder)
{
  return encoder->left;
}

int64_t encoder_refused(const Encoder *encoder)
{
  return encoder->refused;
}
