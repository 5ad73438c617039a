/* Matching pursuit. */
#include "learn/pursue.h"
#include "base/array.h"
#include <math.h>
#include <string.h>

char *pursuit_check(const Settings *all, const char **path)
{
  static const struct {
    const char *setting, *word, *why;
  } needs[] = {
      {"atoms.name", "free", "coefficients are products with rows of length 1"},
      {"atoms.norm", "unit", "coefficients are products with rows of length 1"},
      {"encoder.name", "tied", "what is left of a token is compared with the atoms themselves"},
      {"goal.name", "plain", "picks have an order of their own, which levels would cut"},
      {"goal.loss", "mse", "the way back through the picks is that of the plain error"},
      {"revive.name", "none", "atoms that are never picked have no scores to be revived by"},
  };
  Text why = {0};
  *path = "name";
  for (size_t i = 0; i < sizeof(needs) / sizeof(*needs) && !why.s; i++) {
    const char *is = settings_get(all, needs[i].setting);
    if (is && *is && strcmp(is, needs[i].word))
      text_add(&why, "%s, so this code needs %s: %s, not %s", needs[i].why, needs[i].setting,
               needs[i].word, is);
  }
  return why.s;
}

int64_t pursuit_most(const CodeNow *now, int64_t m)
{
  const PursuitParams *settings = now->params;
  return min_i64(m, now->k ? now->k : settings->k);
}

/* What is left of n tokens and what is known of its scores.

   With Gram's matrix G scores are not made anew after a pick of atom b: those there are lose c
   G_bj, and are no more than near the defined ones. They are held as whole numbers of 16 bits, in
   units of 1/U, a token's own: so that its largest score at first is MOST of them. G_bj is held as
   g_j of units w of G, and c as the whole number q nearest to 2^15 c w U, so that q g_j / 2^15 is
   near c G_bj U. How near: with u = 2^-24, gamma = d u / (1 - d u), N the norm of the longest atom,
   r what is left,
     - a defined score, and an entry of G, is a chain: within gamma |r| N of the product, or gamma
       N^2, and d 2^-149;
     - r is rounded in each place, by u of itself: the product with an atom is off by u |r| N more;
     - g_j is rounded: within half a unit more, and a hundredth of that for the factors' rounding;
     - at first a number is rounded, by half a one and a hundredth, from a score or, for scores made
       in integers, from what encode.c calls a lower bound with v = 0, which is within n v of the
       product; with each pick q is, by half of one, of which g_j / 2^15 < 1 is taken, and so is
       what is taken off.
   So each pick adds U (|c| (gamma N^2 + w / 2) + u |r| N) + 1 to err, and all defined scores are
   within err + U gamma |r| N of these numbers. With bounds that are larger by a hundredth, and by U
   2^-120 (1 + |c|) for numbers near 0, whatever can be the largest score is at most twice that
   below the largest number. Those scores are made by the chain. Where they are many, or none is
   above 0, or what is left is small beside err, or a number has come to the end of 16 bits, all
   scores of the token are made anew. */
enum {
  BLOCK = 32, /* tokens that go from pick to pick together: their scores stay near */
  ROOM = 32,  /* scores of a token that are made alone */
  MOST = 24000
};
typedef struct {
  const Kernels *kernels;
  const Gram *gram;
  int64_t n, m, d;
  const Packed *P;
  const float *D;
  float *left, *S;                  /* [n x d]; [n x m] */
  int16_t *near;                    /* [n x m] */
  double units[BLOCK];              /* of near: U */
  double square[BLOCK], err[BLOCK]; /* of what is left; of near */
  double norm[BLOCK];               /* of what is left, a bound from above */
  double enough[BLOCK];             /* of its square: nothing more is picked */
  bool done[BLOCK], sure[BLOCK];    /* so it is; whether S has the defined scores */
  bool integer;                     /* the first scores are made in integers: */
  Quantised tokens;
  float *zero; /* [m] */
  int64_t start[BLOCK + 1];
  int32_t index[BLOCK * ROOM];
  float score[BLOCK * ROOM];
} Pursuit;

/* Scores as they are defined, of tokens t .. t + count - 1. */
static void score(Pursuit *p, int64_t t, int64_t count)
{
  p->kernels->scores(count, p->left + t * p->d, p->d, p->P, NULL, p->S + t * p->m, p->m);
  for (int64_t i = t; i < t + count; i++) p->sure[i] = true;
}

/* Takes the scores of token t, within `off` of the products, as whole numbers: false where none is
   of a size that can be. */
static bool take_scores(Pursuit *p, int64_t t, double off)
{
  const float *S = p->S + t * p->m, size = p->kernels->largest_size(p->m, S);
  p->err[t] = INFINITY;
  if (!(size > 0x1p-100f && size < 0x1p100f)) return false;
  const float units = MOST / size;
  p->kernels->round16(p->m, units, S, p->near + t * p->m);
  p->units[t] = (double)units;
  p->err[t] = p->units[t] * (off + 0x1p-120) + 0.51;
  return true;
}

/* How far scores in integers of a token, the i-th of those rounded, are from the products; encode.c
   says why. Infinity: they are not to be used. */
static double integer_error(const Pursuit *p, int64_t i)
{
  const double n = (double)p->tokens.norm[i], rest = (double)p->tokens.rest[i],
               N = p->gram->longest;
  if (!(isfinite(n) && n > 0x1p-40 && rest <= n * 0x1p-6)) return INFINITY;
  return (1 + 0x1p-18) * (n * ((1 + rest / n) * p->gram->rest + 16 * 0x1p-24 * N) + rest * N +
                          (double)(p->d + 1024) * 0x1p-149);
}

/* Once c times an atom is taken off: which scores of token t can be the largest, from `at` on;
   gives how many. 0: it is not known. */
static int64_t narrow_down(Pursuit *p, int64_t t, int32_t atom, float c, int64_t at)
{
  const bool sure = p->sure[t];
  p->sure[t] = false;
  if (!p->gram) return 0;
  const double N = p->gram->longest, gamma = gram_chain_error(p->d);
  if (sure && !take_scores(p, t, gamma * p->norm[t] * N)) return 0;
  const double size = (double)__builtin_fabsf(c), unit = (double)p->gram->unit,
               entry = gamma * N * N + 0.51 * unit, norm = 1.0001 * __builtin_sqrt(p->square[t]),
               most = norm * N, U = p->units[t], units = 0x1p15 * unit * U * (double)c;
  p->norm[t] = norm;
  p->err[t] += 1.01 * U * (size * entry + 0x1p-24 * most) + 1 + U * 0x1p-120 * (1 + size);
  const double off = 1.01 * (p->err[t] + U * gamma * most);
  if (!(off <= U * most / 64 && off < MOST && units < INT16_MAX && units > -INT16_MAX)) return 0;
  return p->kernels->less_leading(p->m, (int16_t)(units + (units < 0 ? -0.5 : 0.5)),
                                  p->gram->x + atom * p->m, p->near + t * p->m, (int)(2 * off) + 1,
                                  ROOM, p->index + at);
}

/* Some of what will be needed soon. */
static void fetch(const void *from, int64_t bytes)
{
  for (int64_t i = 0; i < bytes; i += 64) __builtin_prefetch((const char *)from + i, 0, 2);
}

/* Makes the scores that the next picks need, after those in atom and c [n], k apart. */
static void next_scores(Pursuit *p, int64_t k, const int32_t *atom, const float *c)
{
  int64_t unsure = 0;
  for (int64_t t = 0; t < p->n; t++) {
    const int64_t at = p->start[t];
    const int64_t found = p->done[t] ? 0 : narrow_down(p, t, atom[t * k], c[t * k], at);
    for (int64_t q = at; q < at + found; q++) {
      p->score[q] = 0;
      fetch(p->D + p->index[q] * p->d, 4 * p->d);
    }
    p->start[t + 1] = at + found;
    unsure += !p->done[t] && !found;
  }
  if (8 * unsure > p->n) score(p, 0, p->n);
  for (int64_t t = 0; t < p->n; t++)
    if (!p->sure[t] && !p->done[t] && p->start[t + 1] == p->start[t]) score(p, t, 1);
  p->kernels->chains(p->n, p->start, p->index, p->d, p->D, p->d, p->left, p->d,
                     p->gram ? p->gram->x : NULL, p->m * (int64_t)sizeof(int16_t), p->score);
}

/* The largest score of token t, lowest index among equals, and its atom. */
static float largest_score(const Pursuit *p, int64_t t, int32_t *atom)
{
  const float *s = p->S + t * p->m;
  int64_t best = p->start[t];
  float value;
  if (!p->sure[t]) {
    for (int64_t q = best + 1; q < p->start[t + 1]; q++)
      if (p->score[q] > p->score[best]) best = q;
    *atom = p->index[best];
    return p->score[best];
  }
  *atom = 0;
  if (p->kernels->select_top(p->m, s, 1, NULL, atom, &value)) return value;
  for (int64_t j = 1; j < p->m; j++) /* none is above 0 */
    if (s[j] > s[*atom]) *atom = (int32_t)j;
  return s[*atom];
}

/* All picks of a block's tokens X, whose scores are there: they are tokens first and on of those
   that were rounded, if any were. */
static void pursue_block(Pursuit *p, const PursuitParams *settings, int64_t k, int64_t first,
                         const float *X, int32_t *pick, float *coefficient)
{
  memcpy(p->left, X, (size_t)(p->n * p->d) * sizeof(*p->left));
  for (int64_t t = 0; t < p->n; t++) {
    p->square[t] = p->kernels->square64(p->d, p->left + t * p->d);
    p->enough[t] = settings->stop * settings->stop * p->square[t];
    p->norm[t] = 1.0001 * __builtin_sqrt(p->square[t]);
    p->sure[t] = !p->integer, p->done[t] = !(p->square[t] > p->enough[t]);
    pick[t * k] = 0, coefficient[t * k] = 0;
    if (p->integer) take_scores(p, t, integer_error(p, first + t));
  }
  if (p->integer) next_scores(p, k, pick, coefficient);
  for (int64_t i = 0; i < k; i++, pick++, coefficient++) {
    if (i) next_scores(p, k, pick - 1, coefficient - 1);
    for (int64_t t = 0; t < p->n; t++) {
      pick[t * k] = 0, coefficient[t * k] = 0;
      if (!p->done[t]) coefficient[t * k] = largest_score(p, t, pick + t * k);
    }
    p->kernels->less_rows(p->n, k, pick, coefficient, p->d, p->D, p->d, p->left, p->square);
    for (int64_t t = 0; t < p->n; t++) p->done[t] = p->done[t] || !(p->square[t] > p->enough[t]);
  }
}

PetscErrorCode Pursue(const CodeNow *now, const Kernels *kernels, int64_t n, int64_t m, int64_t d,
                      const float *X, const Packed *P, const float *D, float *S, int32_t *pick,
                      float *coefficient)
{
  const PursuitParams *settings = now->params;
  const int64_t k = now->k ? now->k : settings->k;
  Pursuit p = {.kernels = kernels, .gram = now->gram, .m = m, .d = d, .P = P, .D = D};

  PetscFunctionBegin;
  p.integer = p.gram && p.gram->integer && isfinite(p.gram->rest);
  PetscCall(ArrayCreate(BLOCK * d, &p.left));
  if (p.gram) PetscCall(ArrayCreate(BLOCK * m, &p.near));
  if (p.integer) {
    const Rounded *rows = &p.gram->rows;
    PetscCall(ArrayCreate(m, &p.zero));
    kernels->quantise(n, d, X, d, &p.tokens);
    kernels->filter(&p.tokens, &rows->pairs, rows->scale, p.zero, p.zero, S, m);
  } else {
    kernels->scores(n, X, d, P, NULL, S, m);
  }
  for (int64_t t = 0; t < n; t += BLOCK) {
    p.n = min_i64(BLOCK, n - t), p.S = S + t * m;
    pursue_block(&p, settings, k, t, X + t * d, pick + t * k, coefficient + t * k);
  }
  PetscCall(ArrayDestroy(&p.left));
  PetscCall(ArrayDestroy(&p.near));
  PetscCall(ArrayDestroy(&p.zero));
  quantised_clear(&p.tokens);
  PetscFunctionReturn(PETSC_SUCCESS);
}

int64_t pursuit_merge(int64_t k, const int32_t *pick, const float *coefficient, int32_t *atom,
                      float *value)
{
  int64_t count = 0, kept = 0;
  for (int64_t i = 0; i < k; i++) {
    int64_t at = count;
    while (at > 0 && atom[at - 1] >= pick[i]) at--;
    if (coefficient[i] == 0) continue;
    if (at < count && atom[at] == pick[i]) {
      value[at] += coefficient[i];
      continue;
    }
    memmove(atom + at + 1, atom + at, (size_t)(count - at) * sizeof(*atom));
    memmove(value + at + 1, value + at, (size_t)(count - at) * sizeof(*value));
    atom[at] = pick[i], value[at] = coefficient[i], count++;
  }
  for (int64_t q = 0; q < count; q++)
    if (value[q] != 0) atom[kept] = atom[q], value[kept++] = value[q];
  return kept;
}
