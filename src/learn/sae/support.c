/* Atoms that are made of their nearest anchors only: W has a column for each of these, and its
   products touch no others (docs/numerics.md section 4). */
#include "learn/simplex.h"
#include "learn/average.h"
#include <string.h>

enum {
  ROWS = 64,         /* whose distances are computed together */
  STRETCH = 1024,    /* anchors, of which DOT_BLOCK columns are a part of the second cache */
  PICKS = 4,         /* of an atom in a stretch, or longer ones */
  AT_ONCE = 16,      /* atoms that one call sums */
  PICKS_AT_ONCE = 64 /* and products that it makes */
};

PetscErrorCode SupportCreate(SAE *sae, int64_t count, int64_t renew)
{
  const int64_t p = sae->task->anchors->p, d = sae->d, rows = sae->rows;
  Support *support;

  PetscFunctionBegin;
  PetscCall(ArrayCreate(1, &sae->support));
  support = sae->support;
  support->count = count, support->renew = renew;
  PetscCall(ArrayCreate(rows * count, &support->anchor));
  PetscCall(ArrayCreate(p, &support->half));
  PetscCall(ArrayCreate(rows * d, &support->row));
  support->stretch = max_i64(STRETCH, PICKS * p / count);
  support->stretches = (p + support->stretch - 1) / support->stretch;
  PetscCall(ArrayCreate(support->stretches * rows + 1, &support->start));
  PetscCall(ArrayCreate(rows * count, &support->sorted));
  PetscCall(ArrayCreate(rows * count, &support->pick));
  PetscCall(ArrayCreate(rows * count, &support->atom));
  PetscCall(ArrayCreate(rows * count, &support->value));
  PetscCall(ArrayCreate(rows * DOT_BLOCK, &support->part));
  PetscCall(ArrayCreate((d + DOT_BLOCK - 1) / DOT_BLOCK * DOT_BLOCK * p, &support->blocks));
  for (int64_t i = 0; i < d; i += DOT_BLOCK)
    for (int64_t q = 0; q < p; q++)
      memcpy(support->blocks + i * p + q * DOT_BLOCK, sae->task->anchors->points + q * d + i,
             (size_t)min_i64(DOT_BLOCK, d - i) * sizeof(float));
  for (int64_t q = 0; q < p; q++)
    support->half[q] =
        (float)(-0.5 * sae->kernels->square64(d, sae->task->anchors->points + q * d));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode SupportDestroy(SAE *sae)
{
  PetscFunctionBegin;
  if (!sae->support) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(ArrayDestroy(&sae->support->anchor));
  PetscCall(ArrayDestroy(&sae->support->half));
  PetscCall(ArrayDestroy(&sae->support->blocks));
  PetscCall(ArrayDestroy(&sae->support->start));
  PetscCall(ArrayDestroy(&sae->support->sorted));
  PetscCall(ArrayDestroy(&sae->support->pick));
  PetscCall(ArrayDestroy(&sae->support->atom));
  PetscCall(ArrayDestroy(&sae->support->value));
  PetscCall(ArrayDestroy(&sae->support->part));
  PetscCall(ArrayDestroy(&sae->support->row));
  PetscCall(ArrayDestroy(&sae->support));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The anchors with the largest s [p], lowest first among equals, ascending. Differences from the
   least are what is compared, since select_top keeps only what is above 0. s is changed. */
static void nearest(const SAE *sae, float *s, int32_t *anchor, float *value)
{
  const int64_t p = sae->task->anchors->p, count = sae->support->count;
  float least = s[0];
  for (int64_t q = 1; q < p; q++) least = s[q] < least ? s[q] : least;
  for (int64_t q = 0; q < p; q++) s[q] -= least;
  int64_t found = sae->kernels->select_top(p, s, count, NULL, anchor, value);
  for (int64_t q = 0; found < count && q < p; q++) { /* those equal to the least */
    int64_t at = 0;
    while (at < found && anchor[at] < q) at++;
    if (at < found && anchor[at] == q) continue;
    memmove(anchor + at + 1, anchor + at, (size_t)(found - at) * sizeof(*anchor));
    memmove(value + at + 1, value + at, (size_t)(found - at) * sizeof(*value));
    anchor[at] = (int32_t)q, value[at] = 0, found++;
  }
}

/* Puts anchor q among them, for the farthest one but `kept`. */
static void put_in(int64_t count, int32_t *anchor, float *value, int64_t q, int64_t kept)
{
  int64_t out = -1;
  for (int64_t i = 0; i < count; i++) {
    if (anchor[i] == q) return;
    if (anchor[i] != kept && (out < 0 || value[i] <= value[out])) out = i;
  }
  for (; out + 1 < count && anchor[out + 1] < q; out++)
    anchor[out] = anchor[out + 1], value[out] = value[out + 1];
  for (; out > 0 && anchor[out - 1] > q; out--)
    anchor[out] = anchor[out - 1], value[out] = value[out - 1];
  anchor[out] = (int32_t)q;
}

/* Calls act for each atom here with its nearest anchors and what they are chosen by; points [rows x
   d] are what they are nearest to. */
static void each_atom(SAE *sae, const float *points, const void *context,
                      void (*act)(SAE *sae, const void *context, int64_t j, int32_t *anchor,
                                  float *value))
{
  const int64_t p = sae->task->anchors->p, d = sae->d, count = sae->support->count;
  float *s, *value;
  int32_t *anchor;
  PetscCallAbort(PETSC_COMM_SELF, ArrayCreate(ROWS * p, &s));
  PetscCallAbort(PETSC_COMM_SELF, ArrayCreate(count, &anchor));
  PetscCallAbort(PETSC_COMM_SELF, ArrayCreate(count, &value));
  for (int64_t j = 0; j < sae->rows; j += ROWS) {
    const int64_t rows = min_i64(ROWS, sae->rows - j);
    sae->kernels->scores(rows, points + j * d, d, &sae->anchors, sae->support->half, s, p);
    for (int64_t r = 0; r < rows; r++) {
      nearest(sae, s + r * p, anchor, value);
      act(sae, context, j + r, anchor, value);
    }
  }
  PetscCallAbort(PETSC_COMM_SELF, ArrayDestroy(&s));
  PetscCallAbort(PETSC_COMM_SELF, ArrayDestroy(&anchor));
  PetscCallAbort(PETSC_COMM_SELF, ArrayDestroy(&value));
}

static void start_row(SAE *sae, const void *context, int64_t j, int32_t *anchor, float *value)
{
  const int64_t count = sae->support->count;
  const AnchorPick from = simplex_pick(sae, context, j);
  float *w = tensor_named(sae, "W")->p + j * count;
  put_in(count, anchor, value, from.q[0], -1);
  if (from.w[1] != 0) put_in(count, anchor, value, from.q[1], from.q[0]);
  memcpy(sae->support->anchor + j * count, anchor, (size_t)count * sizeof(*anchor));
  for (int64_t i = 0; i < count; i++)
    w[i] = anchor[i] == from.q[0]                     ? from.w[0]
           : from.w[1] != 0 && anchor[i] == from.q[1] ? from.w[1]
                                                      : 0;
}

void support_start(SAE *sae, const SimplexParams *params)
{
  const int64_t d = sae->d;
  for (int64_t j = 0; j < sae->rows; j++) {
    const AnchorPick from = simplex_pick(sae, params, j);
    sae->kernels->decode(from.w[1] != 0 ? 2 : 1,
                         (int32_t[]){(int32_t)from.q[0], (int32_t)from.q[1]}, from.w, d,
                         sae->task->anchors->points, d, sae->support->row + j * d);
  }
  each_atom(sae, sae->support->row, params, start_row);
}

void support_replace(SAE *sae, int64_t j, int64_t q)
{
  const int64_t p = sae->task->anchors->p, d = sae->d, count = sae->support->count;
  int32_t *anchor = sae->support->anchor + j * count;
  float *s, *value, *w = tensor_named(sae, "W")->p + j * count;
  PetscCallAbort(PETSC_COMM_SELF, ArrayCreate(p, &s));
  PetscCallAbort(PETSC_COMM_SELF, ArrayCreate(count, &value));
  sae->kernels->scores(1, sae->task->anchors->points + q * d, d, &sae->anchors, sae->support->half,
                       s, p);
  nearest(sae, s, anchor, value);
  put_in(count, anchor, value, q, -1);
  for (int64_t i = 0; i < count; i++) w[i] = anchor[i] == q;
  PetscCallAbort(PETSC_COMM_SELF, ArrayDestroy(&s));
  PetscCallAbort(PETSC_COMM_SELF, ArrayDestroy(&value));
}

/* Weights, or what is theirs, between the order of the rows of W and that of the stretches. */
static void reorder(const Support *support, int64_t rows, bool back, float *by_row,
                    float *by_stretch)
{
  for (int64_t j = 0, at = 0; j < rows; j++)
    for (int64_t s = 0; s < support->stretches; s++) {
      const int64_t *start = support->start + s * rows + j;
      for (int64_t q = start[0]; q < start[1]; q++, at++)
        if (back)
          by_row[at] = by_stretch[q];
        else
          by_stretch[q] = by_row[at];
    }
}

/* The weights in the order of stretches of anchors, of atoms in a stretch, of anchors in an atom:
   the sums of an atom still go through its anchors in ascending order. */
static void sort(const Support *support, int64_t rows)
{
  const int64_t count = support->count, stretch = support->stretch;
  const size_t size = (size_t)(rows * count) * sizeof(*support->anchor);
  int64_t *start = support->start;
  if (!memcmp(support->sorted, support->anchor, size)) return;
  memcpy(support->sorted, support->anchor, size);
  memset(start, 0, (size_t)(support->stretches * rows + 1) * sizeof(*start));
  for (int64_t j = 0; j < rows; j++)
    for (int64_t q = 0, s = 0; q < count; q++) {
      while (support->anchor[j * count + q] >= (s + 1) * stretch) s++;
      start[s * rows + j + 1]++;
    }
  for (int64_t v = 0; v < support->stretches * rows; v++) start[v + 1] += start[v];
  for (int64_t j = 0, at = 0; j < rows; j++)
    for (int64_t s = 0; s < support->stretches; s++)
      for (int64_t q = start[s * rows + j]; q < start[s * rows + j + 1]; q++)
        support->pick[q] = support->anchor[at++], support->atom[q] = (int32_t)j;
}

/* Asks for a part, the i-th of n, of the rows of the anchors after a stretch: those of one are
   brought into the second cache, in the order of memory, while the one before is worked on. */
static void bring(const Support *support, const float *after, int64_t i, int64_t n)
{
  const int64_t lines = support->stretch * (DOT_BLOCK / 16);
  for (int64_t l = lines * i / n; l < lines * (i + 1) / n; l++)
    __builtin_prefetch(after + 16 * l, 0, 2);
}

void support_form(SAE *sae, float *D)
{
  const Support *support = sae->support;
  const int64_t d = sae->d, p = sae->task->anchors->p, rows = sae->rows;
  const int64_t few = (rows + AT_ONCE - 1) / AT_ONCE;
  sort(support, rows);
  reorder(support, rows, false, tensor_named(sae, "W")->p, support->value);
  for (int64_t i = 0; i < d; i += DOT_BLOCK) {
    const float *block = support->blocks + i * p;
    memset(support->part, 0, (size_t)(rows * DOT_BLOCK) * sizeof(float));
    for (int64_t s = 0; s < support->stretches; s++)
      for (int64_t f = 0, j = 0; f < few; f++, j += AT_ONCE) {
        bring(support, block + (s + 1) * support->stretch * DOT_BLOCK, f, few);
        sae->kernels->add_picks(min_i64(AT_ONCE, rows - j), support->start + s * rows + j,
                                support->pick, support->value, block,
                                support->part + j * DOT_BLOCK);
      }
    for (int64_t j = 0; j < rows; j++)
      for (int64_t c = i; c < min_i64(i + DOT_BLOCK, d); c++)
        D[j * d + c] = support->part[j * DOT_BLOCK + c - i] + 0.0f;
  }
}

/* Products begin at - 0, which changes none that is added; so do columns past the last, where
   anchors have + 0. */
void support_pull_back(SAE *sae, float *dW)
{
  const Support *support = sae->support;
  const int64_t d = sae->d, p = sae->task->anchors->p, rows = sae->rows;
  float *dot = support->value;
  for (int64_t q = 0; q < rows * support->count; q++) dot[q] = -0.0f;
  for (int64_t i = 0; i < d; i += DOT_BLOCK) {
    const float *block = support->blocks + i * p;
    const int64_t width = min_i64(DOT_BLOCK, d - i);
    for (int64_t j = 0; j < rows; j++) {
      memcpy(support->part + j * DOT_BLOCK, sae->G + j * d + i, (size_t)width * sizeof(float));
      for (int64_t c = width; c < DOT_BLOCK; c++) support->part[j * DOT_BLOCK + c] = -0.0f;
    }
    for (int64_t s = 0; s < support->stretches; s++) {
      const int64_t from = support->start[s * rows], to = support->start[(s + 1) * rows];
      const int64_t few = (to - from + PICKS_AT_ONCE - 1) / PICKS_AT_ONCE;
      for (int64_t f = 0, q = from; f < few; f++, q += PICKS_AT_ONCE) {
        bring(support, block + (s + 1) * support->stretch * DOT_BLOCK, f, few);
        sae->kernels->dot_picks(min_i64(PICKS_AT_ONCE, to - q), support->pick + q,
                                support->atom + q, block, support->part, dot + q);
      }
    }
  }
  reorder(support, rows, true, dW, dot);
}

/* to[c] = the number that stood at the same anchor, or 0. */
static void carry(int64_t count, const int32_t *from, const float *x, const int32_t *to, float *y)
{
  for (int64_t i = 0, c = 0; c < count; c++) {
    while (i < count && from[i] < to[c]) i++;
    y[c] = i < count && from[i] == to[c] ? x[i] : 0;
  }
}

static void renew_row(SAE *sae, const void *context, int64_t j, int32_t *anchor, float *value)
{
  const int64_t count = sae->support->count;
  const size_t size = (size_t)count * sizeof(float);
  const Tensor *W = tensor_named(sae, "W");
  int32_t *before = sae->support->anchor + j * count;
  float *w = W->p + j * count,
        *all[4] = {w, W->m + j * count, W->v + j * count, average_of(sae, w)};
  (void)context;
  if (!memcmp(before, anchor, (size_t)count * sizeof(*anchor))) return;
  carry(count, before, all[0], anchor, value);
  const double sum = sae->kernels->sum64(count, value);
  if (sum < 1e-6) return;
  for (int64_t i = 0; i < count; i++) all[0][i] = (float)((double)value[i] / (sum + 1e-8));
  for (int k = 1; k < 4 && all[k]; k++) {
    carry(count, before, all[k], anchor, value);
    memcpy(all[k], value, size);
  }
  memcpy(before, anchor, (size_t)count * sizeof(*anchor));
}

void support_renew(SAE *sae)
{
  if (sae->step % sae->support->renew || sae->support->count == sae->task->anchors->p) return;
  support_form(sae, sae->support->row);
  each_atom(sae, sae->support->row, NULL, renew_row);
}
