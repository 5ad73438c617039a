/* Losses that compare several reconstructions of a token with it, each by the codes of the levels
   up to its own: docs/numerics.md section 3. */
#include "learn/goal.h"
#include <string.h>

const char *const goal_loss_words[] = {"mse", "nmse", NULL};

char *nested_check(const Settings *all)
{
  Text why = {0};
  const char *code = settings_get(all, "code.name");
  if (code && strcmp(code, "topk"))
    text_add(
        &why,
        "this goal keeps the largest codes of each token, as many as its levels say, which only "
        "code topk does, not %s",
        code);
  return why.s;
}

/* Level of each of a token's codes by size: those below bound[l] in order of size, lowest atom
   first among equals. What is not among the largest of a level is of a higher one. */
static void levels_by_size(const Kernels *kernels, const SAELevels *levels, int64_t count,
                           const float *value, uint8_t *level, int32_t *index, float *kept)
{
  memset(level, levels->count - 1, (size_t)count);
  for (int l = levels->count - 2; l >= 0; l--) {
    const int64_t most =
        kernels->select_top(count, value, min_i64(levels->bound[l], count), NULL, index, kept);
    for (int64_t i = 0; i < most; i++) level[index[i]] = (uint8_t)l;
  }
}

static void levels_by_atom(const SAELevels *levels, int64_t count, const int32_t *atom,
                           uint8_t *level)
{
  int l = 0; /* atoms ascend */
  for (int64_t q = 0; q < count; q++) {
    while (l + 1 < levels->count && atom[q] >= levels->bound[l]) l++;
    level[q] = (uint8_t)l;
  }
}

PetscErrorCode SplitLevels(const Kernels *kernels, const SAELevels *levels, const Codes *codes,
                           Codes *const to[])
{
  const int64_t total = codes->start[codes->rows];
  int64_t most = 0;
  uint8_t *level;
  int32_t *index;
  float *kept;

  PetscFunctionBegin;
  for (int64_t t = 0; t < codes->rows; t++)
    most = max_i64(most, codes->start[t + 1] - codes->start[t]);
  PetscCall(ArrayCreate(most, &level));
  PetscCall(ArrayCreate(most, &index));
  PetscCall(ArrayCreate(most, &kept));
  for (int l = 0; l < levels->count; l++) {
    to[l]->has_more = codes->has_more;
    PetscCall(CodesReserve(to[l], codes->rows, total));
    to[l]->rows = codes->rows, to[l]->start[0] = 0;
  }
  for (int64_t t = 0; t < codes->rows; t++) {
    const int64_t at = codes->start[t], count = codes->start[t + 1] - at;
    if (levels->by_atom)
      levels_by_atom(levels, count, codes->atom + at, level);
    else
      levels_by_size(kernels, levels, count, codes->value + at, level, index, kept);
    for (int l = 0; l < levels->count; l++) to[l]->start[t + 1] = to[l]->start[t];
    for (int64_t q = 0; q < count; q++) {
      Codes *one = to[level[q]];
      const int64_t end = one->start[t + 1]++;
      one->atom[end] = codes->atom[at + q], one->value[end] = codes->value[at + q];
      if (codes->has_more) one->more[end] = codes->more[at + q];
    }
  }
  PetscCall(ArrayDestroy(&level));
  PetscCall(ArrayDestroy(&index));
  PetscCall(ArrayDestroy(&kept));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Atoms 0 .. that - 1 have all codes of a level; the last prefix is all atoms. */
static int64_t level_atoms(const SAELevels *levels, int l, int64_t m)
{
  return levels->by_atom && l < levels->count - 1 ? levels->bound[l] : m;
}

void goal_pass(const Kernels *kernels, const SAELevels *levels, int64_t n, int64_t m, int64_t d,
               const float *D, const float *xc, const Codes *const codes[], float *const g[],
               float *const e[], float *rest, double *square, float *leaf, float *work)
{
  const int last = levels->count - 1;
  const bool apart = last || levels->relative; /* slopes are not those of e[l] as it is at first */
  for (int l = 0; l <= last; l++) /* e[l]: what is left of the token after levels 0 .. l */
    kernels->residuals(n, codes[l]->start, codes[l]->atom, codes[l]->value,
                       level_atoms(levels, l, m), d, D, l ? 1 : -1, l ? e[l - 1] : xc, e[l],
                       apart ? NULL : g[l], square, apart ? NULL : leaf, work);
  if (!apart) return;
  if (leaf) memset(leaf, 0, (size_t)(leaf_count(n) * d) * sizeof(*leaf));
  if (n) memcpy(rest, e[last], (size_t)(n * d) * sizeof(*rest));
  for (int64_t t = 0; t < n; t++) {
    const double whole = levels->relative ? kernels->square64(d, xc + t * d) : (double)d,
                 counts = whole > 0 ? (double)d / whole : 0;
    square[t] = 0;
    for (int l = 0; l <= last; l++)
      square[t] += levels->weight[l] * counts * kernels->square64(d, e[l] + t * d);
    for (int l = last; l >= 0; l--) { /* now the sum of the errors that level l is part of */
      const float by = (float)(levels->weight[l] * counts);
      float *to = e[l] + t * d;
      const float *more = l < last ? e[l + 1] + t * d : NULL;
      for (int64_t i = 0; i < d; i++) to[i] = by * to[i] + (more ? more[i] : 0.0f);
    }
    if (leaf) kernels->add_scaled(d, 1, e[0] + t * d, leaf + t / LEAF_TOKENS * d);
  }
  for (int l = 0; l <= last; l++)
    kernels->slopes(n, codes[l]->start, codes[l]->atom, level_atoms(levels, l, m), d, D, e[l], g[l],
                    work);
}
