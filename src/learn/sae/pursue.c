/* Matching pursuit. */
#include "learn/pursue.h"
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

PetscErrorCode Pursue(const CodeNow *now, const Kernels *kernels, int64_t n, int64_t m, int64_t d,
                      const float *X, const Packed *P, const float *D, float *S, int32_t *pick,
                      float *coefficient)
{
  const PursuitParams *settings = now->params;
  const int64_t k = now->k ? now->k : settings->k;
  float *left;
  double *enough;

  PetscFunctionBegin;
  PetscCall(ArrayCreate(n * d, &left));
  PetscCall(ArrayCreate(n, &enough));
  if (n) memcpy(left, X, (size_t)(n * d) * sizeof(*left));
  for (int64_t t = 0; t < n; t++)
    enough[t] = settings->stop * settings->stop * kernels->square64(d, X + t * d);
  for (int64_t i = 0; i < k; i++) {
    kernels->scores(n, left, d, P, NULL, S, m);
    for (int64_t t = 0; t < n; t++) {
      const float *s = S + t * m;
      float *r = left + t * d;
      int64_t best = 0;
      for (int64_t j = 1; j < m; j++)
        if (s[j] > s[best]) best = j;
      const bool done = !(kernels->square64(d, r) > enough[t]);
      const float c = done ? 0 : s[best];
      pick[t * k + i] = done ? 0 : (int32_t)best, coefficient[t * k + i] = c;
      for (int64_t x = 0; x < d && !done; x++) r[x] = __builtin_fmaf(-c, D[best * d + x], r[x]);
    }
  }
  PetscCall(ArrayDestroy(&left));
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
