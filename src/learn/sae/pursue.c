/* Matching pursuit. */
#include "learn/pursue.h"
#include "base/array.h"
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

   With Gram's matrix G scores are not made anew after a pick of atom b: those there are lose c G_bj
   (one fused multiply-add), and are no more than near the defined ones. How near: with u = 2^-24,
   gamma = d u / (1 - d u), N the norm of the longest atom, r what is left,
     - a defined score, and an entry of G, is a chain: within gamma |r| N of the product, or gamma
       N^2, and d 2^-149;
     - r is rounded in each place, by u of itself: the product with an atom is off by u |r| N more;
     - the number that stands for the score is rounded, by u of itself, which is below |r| N + err.
   So each pick adds |c| gamma N^2 + u |r| N + u (|r| N + err) to err, and all defined scores are
   within err + gamma |r| N of these numbers. With bounds that are larger by a hundredth, and by
   2^-120 (1 + |c|) for numbers near 0, whatever can be the largest score is at most twice that
   below the largest number. Those scores are made by the chain. Where they are many, or none is
   above 0, or what is left is small beside err, all scores of the token are made anew. */
typedef struct {
  const Kernels *kernels;
  const Gram *gram;
  int64_t n, m, d;
  const Packed *P;
  const float *D;
  float *left, *S;   /* [n x d], [n x m] */
  double *err;       /* [n] */
  double *norm;      /* [n] of what is left, a bound from above */
  bool *done, *sure; /* [n] whether nothing more is picked; whether S has the defined scores */
  float *ones;       /* [m] */
  int64_t *start;    /* [n + 1] */
  int32_t *index;    /* [n ROOM] */
  float *score;      /* [n ROOM] */
} Pursuit;

enum { ROOM = 32 }; /* scores of a token that are made alone */

static double chain_error(int64_t d)
{
  const double du = (double)d * 0x1p-24;
  return 1.01 * du / (1 - du);
}

/* Scores as they are defined, of tokens t .. t + count - 1. */
static void score(Pursuit *p, int64_t t, int64_t count)
{
  p->kernels->scores(count, p->left + t * p->d, p->d, p->P, NULL, p->S + t * p->m, p->m);
  for (int64_t i = t; i < t + count; i++) p->sure[i] = true;
}

/* Which scores of token t can be the largest, from `at` on; gives how many, 0: it is not known. */
static int64_t narrow_down(const Pursuit *p, int64_t t, int64_t at)
{
  const double longest = p->gram->longest, size = p->norm[t] * longest,
               off = 1.01 * (p->err[t] + chain_error(p->d) * size + 0x1p-23 * (size + p->err[t]));
  if (!(off <= size / 64)) return 0;
  const float *s = p->S + t * p->m;
  const int64_t found =
      p->kernels->candidates(p->m, s, p->ones, (float)(1.01 * off), 1, ROOM, p->index + at);
  float most = 0;
  for (int64_t q = at; q < at + found; q++) most = s[p->index[q]] > most ? s[p->index[q]] : most;
  return most > 0 ? found : 0;
}

/* Makes the scores that the next picks need. */
static void prepare_picks(Pursuit *p)
{
  int64_t unsure = 0;
  for (int64_t t = 0; t < p->n; t++) {
    const int64_t at = p->start[t];
    const bool skip = p->sure[t] || p->done[t];
    const int64_t found = skip || !p->gram ? 0 : narrow_down(p, t, at);
    for (int64_t q = at; q < at + found; q++) p->score[q] = 0;
    p->start[t + 1] = at + found;
    unsure += !skip && !found;
  }
  if (8 * unsure > p->n) score(p, 0, p->n);
  for (int64_t t = 0; t < p->n; t++)
    if (!p->sure[t] && !p->done[t] && p->start[t + 1] == p->start[t]) score(p, t, 1);
  p->kernels->chains(p->n, p->start, p->index, p->d, p->D, p->d, p->left, p->d, p->score);
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

static void note_norm(Pursuit *p, int64_t t, double square)
{
  p->norm[t] = 1.0001 * __builtin_sqrt(square);
}

/* Takes an atom's part off what is left of token t. */
static void take_off(Pursuit *p, int64_t t, int32_t atom, float c)
{
  float *r = p->left + t * p->d;
  p->kernels->add_scaled(p->d, -c, p->D + atom * p->d, r);
  if (!p->gram) {
    p->sure[t] = false;
    return;
  }
  const double N = p->gram->longest, gamma = chain_error(p->d), size = (double)__builtin_fabsf(c);
  if (p->sure[t]) p->err[t] = gamma * p->norm[t] * N + 0x1p-120;
  note_norm(p, t, p->kernels->square64(p->d, r));
  p->kernels->add_scaled(p->m, -c, p->gram->x + atom * p->m, p->S + t * p->m);
  p->err[t] += 1.01 * (size * gamma * N * N + 0x1p-24 * (2 * p->norm[t] * N + p->err[t])) +
               0x1p-120 * (1 + size);
  p->sure[t] = false;
}

static PetscErrorCode PursuitCreate(Pursuit *p, const float *X)
{
  PetscFunctionBegin;
  PetscCall(ArrayCreate(p->n * p->d, &p->left));
  PetscCall(ArrayCreate(p->n, &p->err));
  PetscCall(ArrayCreate(p->n, &p->norm));
  PetscCall(ArrayCreate(p->n, &p->done));
  PetscCall(ArrayCreate(p->n, &p->sure));
  PetscCall(ArrayCreate(p->m, &p->ones));
  PetscCall(ArrayCreate(p->n + 1, &p->start));
  PetscCall(ArrayCreate(p->n * ROOM, &p->index));
  PetscCall(ArrayCreate(p->n * ROOM, &p->score));
  if (p->n) memcpy(p->left, X, (size_t)(p->n * p->d) * sizeof(*p->left));
  for (int64_t j = 0; j < p->m; j++) p->ones[j] = 1;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode PursuitDestroy(Pursuit *p)
{
  void **arrays[] = {(void **)&p->left,  (void **)&p->err,   (void **)&p->norm,
                     (void **)&p->done,  (void **)&p->sure,  (void **)&p->ones,
                     (void **)&p->start, (void **)&p->index, (void **)&p->score};

  PetscFunctionBegin;
  for (size_t i = 0; i < sizeof(arrays) / sizeof(*arrays); i++)
    PetscCall(ArrayDestroyBytes(arrays[i]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode Pursue(const CodeNow *now, const Kernels *kernels, int64_t n, int64_t m, int64_t d,
                      const float *X, const Packed *P, const float *D, float *S, int32_t *pick,
                      float *coefficient)
{
  const PursuitParams *settings = now->params;
  const int64_t k = now->k ? now->k : settings->k;
  Pursuit p = {
      .kernels = kernels, .gram = now->gram, .n = n, .m = m, .d = d, .P = P, .D = D, .S = S};
  double *enough;

  PetscFunctionBegin;
  PetscCall(PursuitCreate(&p, X));
  PetscCall(ArrayCreate(n, &enough));
  for (int64_t t = 0; t < n; t++) {
    const double square = kernels->square64(d, X + t * d);
    enough[t] = settings->stop * settings->stop * square;
    note_norm(&p, t, square);
  }
  if (k > 0) score(&p, 0, n);
  for (int64_t i = 0; i < k; i++) {
    if (i) prepare_picks(&p);
    for (int64_t t = 0; t < n; t++) {
      int32_t *atom = pick + t * k + i;
      float *c = coefficient + t * k + i;
      p.done[t] = p.done[t] || !(kernels->square64(d, p.left + t * d) > enough[t]);
      *atom = 0, *c = 0;
      if (p.done[t]) continue;
      *c = largest_score(&p, t, atom);
      take_off(&p, t, *atom, *c);
    }
  }
  PetscCall(PursuitDestroy(&p));
  PetscCall(ArrayDestroy(&enough));
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
