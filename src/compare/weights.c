/* Weights of pairs of rows, held or made row by row. */
#include "compare/weights.h"
#include "base/array.h"
#include <math.h>
#include <string.h>

enum { BLOCK = 32, LANES = 16, LOOKS = 64 };

struct Weights {
  int64_t rows, columns;
  const int32_t *held;    /* NULL: rows are made */
  int64_t all;            /* rows of held, of which row i is number i * all / rows */
  int32_t *own;           /* what held points to, if it is not borrowed */
  Cosines of;             /* kernels NULL: none */
  float *copy[4];         /* sampled A, B, A_too, B_too */
  Packed packed, too;     /* of.B, of.B_too */
  float *cosine, *second; /* [BLOCK x columns] */
  int32_t *block;         /* [BLOCK x columns] rows first .. first + count - 1 */
  int64_t first, count;
  int32_t *kept;     /* [slots x columns] single rows, row i in slot i % slots */
  int64_t *kept_row; /* [slots] which */
  int64_t slots;
};

PetscErrorCode WeightsRound(int64_t count, const float *cosine, int32_t *weight)
{
  int wrong = 0;

  PetscFunctionBegin;
  for (int64_t i = 0; i < count; i++) {
    const bool good = fabsf(cosine[i]) < 1.5f; /* not so for a NaN; rounding may pass 1 a little */
    weight[i] = good ? (int32_t)lrintf(cosine[i] * 0x1p30f) : 0;
    wrong |= !good;
  }
  for (int64_t i = 0; wrong && i < count; i++)
    PetscCheck(fabsf(cosine[i]) < 1.5f, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE,
               "number %lld of %lld is %g, which is no cosine", (long long)i, (long long)count,
               (double)cosine[i]);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* least[q] = the larger of itself and c[q]; a NaN is passed over. */
static void raise_lanes(const float *restrict c, float *restrict least)
{
  for (int q = 0; q < LANES; q++) least[q] = c[q] > least[q] ? c[q] : least[q];
}

/* One row of cosines: gives the largest, and raises that of each column. */
static float largest_of(int64_t columns, const float *c, float *most)
{
  const int64_t whole = columns / LANES * LANES;
  float lane[LANES], one = -INFINITY;
  for (int q = 0; q < LANES; q++) lane[q] = -INFINITY;
  for (int64_t j = 0; j < whole; j += LANES) {
    raise_lanes(c + j, most + j);
    raise_lanes(c + j, lane);
  }
  for (int64_t j = whole; j < columns; j++) {
    if (c[j] > most[j]) most[j] = c[j];
    if (c[j] > one) one = c[j];
  }
  for (int q = 0; q < LANES; q++) one = lane[q] > one ? lane[q] : one;
  return one;
}

/* W->cosine [count x columns] of rows i .. i + count - 1, at most BLOCK. */
static void make_cosines(Weights *W, int64_t i, int64_t count)
{
  const Cosines *of = &W->of;
  const int64_t columns = W->columns, d = of->d;
  of->kernels->scores(count, of->A + i * d, d, &W->packed, NULL, W->cosine, columns);
  if (of->A_too) {
    of->kernels->scores(count, of->A_too + i * d, d, &W->too, NULL, W->second, columns);
    for (int64_t q = 0; q < count * columns; q++)
      W->cosine[q] = (W->cosine[q] + W->second[q]) * .5f;
  }
  for (int64_t q = 0; q < count && of->within; q++) W->cosine[q * columns + i + q] = -INFINITY;
}

static void make_absolute(int64_t count, int32_t *weight)
{
  for (int64_t q = 0; q < count; q++) weight[q] = weight[q] < 0 ? -weight[q] : weight[q];
}

static PetscErrorCode Round(const Weights *W, int64_t count, int32_t *weight)
{
  PetscFunctionBegin;
  PetscCall(WeightsRound(count * W->columns, W->cosine, weight));
  if (W->of.absolute) make_absolute(count * W->columns, weight);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Memory for the cosines of a block, and B packed */
static PetscErrorCode Prepare(Weights *W)
{
  const Cosines *of = &W->of;

  PetscFunctionBegin;
  PetscCall(ArrayCreate(BLOCK * W->columns, &W->cosine));
  of->kernels->pack(W->columns, of->d, of->B, of->d, &W->packed);
  if (of->A_too) {
    PetscCall(ArrayCreate(BLOCK * W->columns, &W->second));
    of->kernels->pack(W->columns, of->d, of->B_too, of->d, &W->too);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeightsCreate(const Cosines *of, int64_t room, Weights **weights)
{
  const int64_t row = max_i64(1, of->columns) * (int64_t)sizeof(int32_t);
  Weights *W;

  PetscFunctionBegin;
  PetscCall(PetscNew(&W));
  *weights = W;
  *W = (Weights){.rows = of->rows, .columns = of->columns, .all = of->rows, .of = *of};
  PetscCall(Prepare(W));
  if (of->within) PetscFunctionReturn(PETSC_SUCCESS);
  if (of->rows * row <= room) {
    PetscCall(ArrayCreate(max_i64(1, of->rows * of->columns), &W->own));
    W->held = W->own;
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  W->slots = max_i64(1, room / row);
  PetscCall(ArrayCreate(W->slots * of->columns, &W->kept));
  PetscCall(ArrayCreate(W->slots, &W->kept_row));
  PetscCall(ArrayCreate(BLOCK * of->columns, &W->block));
  for (int64_t q = 0; q < W->slots; q++) W->kept_row[q] = -1;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeightsFill(Weights *W, float *largest_a, float *largest_b)
{
  PetscFunctionBegin;
  for (int64_t j = 0; j < W->columns && largest_b; j++) largest_b[j] = -INFINITY;
  for (int64_t i = 0; i < W->rows && (W->own || largest_a); i += BLOCK) {
    const int64_t here = min_i64(BLOCK, W->rows - i);
    make_cosines(W, i, here);
    for (int64_t q = 0; q < here && largest_a; q++)
      largest_a[i + q] = largest_of(W->columns, W->cosine + q * W->columns, largest_b);
    if (W->own) PetscCall(Round(W, here, W->own + i * W->columns));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeightsAbsolute(Weights *W)
{
  PetscFunctionBegin;
  if (W->own) make_absolute(W->rows * W->columns, W->own);
  for (int64_t q = 0; q < W->slots; q++) W->kept_row[q] = -1;
  W->of.absolute = true;
  W->count = 0;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeightsOf(int64_t rows, int64_t columns, const int32_t *weight, Weights **weights)
{
  PetscFunctionBegin;
  PetscCall(PetscNew(weights));
  **weights = (Weights){.rows = rows, .columns = columns, .held = weight, .all = rows};
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Fresh memory with count of the rows of X [all x d], evenly spaced; X itself where that is all. */
static PetscErrorCode SomeRows(int64_t count, int64_t all, int64_t d, const float *X, float **copy,
                               const float **rows)
{
  PetscFunctionBegin;
  *rows = X;
  if (!X || count == all) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(ArrayCreate(count * d, copy));
  for (int64_t i = 0; i < count; i++)
    memcpy(*copy + i * d, X + i * all / count * d, (size_t)d * sizeof(*X));
  *rows = *copy;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A sample of weights that are held: a copy, unless whole rows are wanted */
static PetscErrorCode SampleHeld(const Weights *from, Weights *W)
{
  PetscFunctionBegin;
  W->held = from->held;
  W->all = from->all;
  if (W->columns == from->columns) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(ArrayCreate(W->rows * W->columns, &W->own));
  for (int64_t i = 0; i < W->rows; i++) {
    const int32_t *row = from->held + i * from->all / W->rows * from->columns;
    for (int64_t j = 0; j < W->columns; j++)
      W->own[i * W->columns + j] = row[j * from->columns / W->columns];
  }
  W->held = W->own;
  W->all = W->rows;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeightsSample(const Weights *from, int64_t rows, int64_t columns, Weights **weights)
{
  Cosines of = from->of;
  float *copy[4] = {0};

  PetscFunctionBegin;
  if (from->held) {
    PetscCall(WeightsOf(rows, columns, NULL, weights));
    PetscCall(SampleHeld(from, *weights));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(SomeRows(rows, of.rows, of.d, of.A, &copy[0], &of.A));
  PetscCall(SomeRows(columns, of.columns, of.d, of.B, &copy[1], &of.B));
  PetscCall(SomeRows(rows, of.rows, of.d, of.A_too, &copy[2], &of.A_too));
  PetscCall(SomeRows(columns, of.columns, of.d, of.B_too, &copy[3], &of.B_too));
  of.rows = rows;
  of.columns = columns;
  PetscCall(WeightsCreate(&of, columns == from->columns ? 0 : WEIGHTS_ROOM, weights));
  memcpy((*weights)->copy, copy, sizeof(copy));
  PetscCall(WeightsFill(*weights, NULL, NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeightsDestroy(Weights **weights)
{
  Weights *W = *weights;

  PetscFunctionBegin;
  if (!W) PetscFunctionReturn(PETSC_SUCCESS);
  packed_clear(&W->packed);
  packed_clear(&W->too);
  for (int q = 0; q < 4; q++) PetscCall(ArrayDestroy(&W->copy[q]));
  PetscCall(ArrayDestroy(&W->own));
  PetscCall(ArrayDestroy(&W->cosine));
  PetscCall(ArrayDestroy(&W->second));
  PetscCall(ArrayDestroy(&W->block));
  PetscCall(ArrayDestroy(&W->kept));
  PetscCall(ArrayDestroy(&W->kept_row));
  PetscCall(PetscFree(*weights));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int64_t weights_rows(const Weights *W)
{
  return W->rows;
}

int64_t weights_columns(const Weights *W)
{
  return W->columns;
}

PetscErrorCode WeightsNext(Weights *W, int64_t i, const int32_t **row)
{
  PetscFunctionBegin;
  if (W->held) {
    *row = W->held + i * W->all / W->rows * W->columns;
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  if (i < W->first || i >= W->first + W->count) {
    W->first = i;
    W->count = min_i64(BLOCK, W->rows - i);
    make_cosines(W, i, W->count);
    PetscCall(Round(W, W->count, W->block));
  }
  *row = W->block + (i - W->first) * W->columns;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeightsRow(Weights *W, int64_t i, const int32_t **row)
{
  PetscFunctionBegin;
  if (W->held || (i >= W->first && i < W->first + W->count)) {
    PetscCall(WeightsNext(W, i, row));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  const int64_t slot = i % W->slots;
  int32_t *kept = W->kept + slot * W->columns;
  if (W->kept_row[slot] != i) {
    W->kept_row[slot] = i;
    make_cosines(W, i, 1);
    PetscCall(Round(W, 1, kept));
  }
  *row = kept;
  PetscFunctionReturn(PETSC_SUCCESS);
}

uint64_t weights_look(const Weights *W, int64_t i)
{
  const int64_t all = W->held ? W->columns : W->of.d;
  const void *from = W->held ? (const void *)(W->held + i * W->all / W->rows * all)
                             : (const void *)(W->of.A + i * all);
  uint64_t look = 0;
  for (int64_t q = 0; q < LOOKS; q++) {
    uint32_t bits;
    memcpy(&bits, (const char *)from + q * all / LOOKS * 4, sizeof(bits));
    look ^= bits;
    look *= UINT64_C(0x9e3779b97f4a7c15);
    look ^= look >> 32;
  }
  return look;
}

bool weights_alike(const Weights *W, int64_t i, int64_t j)
{
  const Cosines *of = &W->of;
  const int64_t d = of->d;
  if (W->held)
    return !memcmp(W->held + i * W->all / W->rows * W->columns,
                   W->held + j * W->all / W->rows * W->columns,
                   (size_t)W->columns * sizeof(*W->held));
  return !memcmp(of->A + i * d, of->A + j * d, (size_t)d * sizeof(*of->A)) &&
         (!of->A_too || !memcmp(of->A_too + i * d, of->A_too + j * d, (size_t)d * sizeof(*of->A)));
}
