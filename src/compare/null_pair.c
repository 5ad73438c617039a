/* What null dictionaries say of each other: a pair of them, or a set in which atoms are chosen by
   the others. */
#include "compare/null_parts.h"
#include "compare/group.h"
#include "compare/others.h"
#include <math.h>

/* Null dictionaries, one after another in D, and how they encode. */
typedef struct {
  const NullSource *source;
  NullKind kind;
  const NullShape *shape;
  int64_t count;
  float *D;
  float *raw;       /* unit atoms, likewise */
  AtomCodes *codes; /* [count] NULL: nobody asked, or there are no tokens */
} Nulls;

/* Atoms of dictionary i; the second of a pair may have more or fewer. Floats before it. */
static int64_t atoms_of(const Nulls *nulls, int64_t i)
{
  return nulls->shape->m[i == 1];
}

static int64_t place_of(const Nulls *nulls, int64_t i)
{
  int64_t rows = 0;
  for (int64_t q = 0; q < i; q++) rows += atoms_of(nulls, q);
  return rows * nulls->source->d;
}

/* What encodes tokens as one of them. */
typedef struct {
  const Kernels *kernels;
  const NullShape *shape;
  Packed packed;
} Encoder;

/* The largest products with the unit atoms. */
static PetscErrorCode EncodeLargest(const void *with, int64_t n, const float *X, Codes *codes)
{
  const Encoder *encoder = with;
  const int64_t m = encoder->packed.rows, d = encoder->packed.d,
                k = min_i64(m, encoder->shape->active);
  float *score, *size;
  PetscFunctionBeginUser;
  PetscCall(ArrayCreate(n * m, &score));
  PetscCall(ArrayCreate(m, &size));
  PetscCall(CodesReserve(codes, n, n * k));
  codes->rows = 0;
  encoder->kernels->scores(n, X, d, &encoder->packed, NULL, score, m);
  for (int64_t t = 0; t < n; t++) {
    const int64_t at = codes->start[t];
    const float *row = score + t * m;
    for (int64_t j = 0; j < m; j++)
      size[j] = encoder->shape->negative && row[j] < 0 ? -row[j] : row[j];
    const int64_t end =
        at + encoder->kernels->select_top(m, size, k, NULL, codes->atom + at, codes->value + at);
    for (int64_t q = at; q < end; q++) codes->value[q] = row[codes->atom[q]];
    codes->start[++codes->rows] = end;
  }
  PetscCall(ArrayDestroy(&size));
  PetscCall(ArrayDestroy(&score));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode MakeCodes(Nulls *nulls)
{
  const NullSource *source = nulls->source;
  Encoder encoder = {source->kernels, nulls->shape, {0}};
  int32_t *number;
  PetscFunctionBeginUser;
  PetscCall(ArrayCreate(nulls->count, &nulls->codes));
  for (int64_t i = 0; i < nulls->count; i++) {
    const int64_t m = atoms_of(nulls, i), d = source->d;
    PetscCall(ArrayCreate(m, &number));
    for (int64_t j = 0; j < m; j++) number[j] = (int32_t)j;
    source->kernels->pack(m, d, nulls->raw + place_of(nulls, i), d, &encoder.packed);
    PetscCall(
        AtomCodesEncode(EncodeLargest, &encoder, source->view, true, m, number, &nulls->codes[i]));
    PetscCall(ArrayDestroy(&number));
  }
  packed_clear(&encoder.packed);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Dictionaries first .. first + count - 1. */
static PetscErrorCode NullsCreate(const NullSource *source, NullKind kind, const NullShape *shape,
                                  int64_t first, int64_t count, unsigned needs, Nulls *nulls)
{
  PetscFunctionBeginUser;
  *nulls = (Nulls){source, kind, shape, count};
  PetscCall(ArrayCreate(place_of(nulls, count), &nulls->D));
  PetscCall(ArrayCreate(place_of(nulls, count), &nulls->raw));
  for (int64_t i = 0; i < count; i++) {
    const int64_t m = atoms_of(nulls, i), at = place_of(nulls, i);
    PetscCall(NullDictionary(source, kind, first + i, m, nulls->D + at));
    PetscCall(AtomsPrepare(source->kernels, CENTRING_RAW, m, source->d, nulls->D + at, NULL,
                           nulls->raw + at));
  }
  if (needs & NEED_CODES && source->view && shape->active) PetscCall(MakeCodes(nulls));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode NullsDestroy(Nulls *nulls)
{
  PetscFunctionBeginUser;
  for (int64_t i = 0; nulls->codes && i < nulls->count; i++)
    PetscCall(AtomCodesDestroy(&nulls->codes[i]));
  PetscCall(ArrayDestroy(&nulls->codes));
  PetscCall(ArrayDestroy(&nulls->raw));
  PetscCall(ArrayDestroy(&nulls->D));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* They all with one centring; their rows are in the caller's memory: unit and encoder like D,
   truth [truths x d]. */
static PetscErrorCode Prepare(const Nulls *nulls, Centring c, float *unit, float *encoder,
                              float *truth, Atoms *side)
{
  const NullSource *source = nulls->source;
  const int64_t d = source->d;
  const float *direction = nulls->kind == NULL_RANDOM ? source->axis : source->direction;
  PetscFunctionBeginUser;
  PetscCall(AtomsPrepare(source->kernels, c, source->truths, d, source->truth, direction, truth));
  for (int64_t i = 0; i < nulls->count; i++) {
    const int64_t m = atoms_of(nulls, i), at = place_of(nulls, i);
    PetscCall(AtomsPrepare(source->kernels, c, m, d, nulls->D + at, direction, unit + at));
    PetscCall(AtomsPrepare(source->kernels, c, m, d, nulls->raw + at, direction, encoder + at));
    side[i] = (Atoms){
        m,    d, unit + at, encoder + at, nulls->codes ? &nulls->codes[i] : NULL, source->truths,
        truth};
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Mean over all pairs, of the comparisons that need others. */
static PetscErrorCode SetValues(const Nulls *nulls, const Atoms *side,
                                const ChosenComparison *chosen, double *values)
{
  const Kernels *kernels = nulls->source->kernels;
  const int64_t S = nulls->count, measures = chosen_count(chosen);
  Others others;
  bool *enters;
  double *one;
  PetscFunctionBeginUser;
  PetscCall(ArrayCreate(S, &enters));
  PetscCall(ArrayCreate(measures, &one));
  for (int64_t i = 0; i < S; i++) enters[i] = true;
  PetscCall(OthersCreate(S, 1, nulls->shape->m[0], enters, &others));
  for (int64_t i = 0; i < S; i++)
    for (int64_t j = i + 1; j < S; j++) {
      AtomPair pair;
      PetscCall(PairCreate(kernels, &side[i], &side[j], NEED_MATCHING, &pair));
      PetscCall(OthersKeep(&others, 0, i, j, &pair));
      PetscCall(PairDestroy(&pair));
    }
  for (int64_t v = 0; v < measures; v++) values[v] = 0;
  for (int64_t i = 0; i < S; i++)
    for (int64_t j = i + 1; j < S; j++) {
      PetscCall(OthersValues(kernels, &others, 0, i, j, side[i], side[j], chosen, one));
      for (int64_t v = 0; v < measures; v++) values[v] += one[v] / (double)(S * (S - 1) / 2);
    }
  PetscCall(OthersDestroy(&others));
  PetscCall(ArrayDestroy(&one));
  PetscCall(ArrayDestroy(&enters));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Values [CENTRINGS x comparisons] of these dictionaries: two of them, or a set. */
static PetscErrorCode AllCentrings(const Nulls *nulls, bool set, const CompareOptions *options,
                                   double *values)
{
  const NullSource *source = nulls->source;
  const int64_t measures = chosen_count(options->chosen), size = place_of(nulls, nulls->count);
  float *unit, *encoder, *truth;
  Atoms *side;
  PetscFunctionBeginUser;
  PetscCall(ArrayCreate(nulls->count, &side));
  PetscCall(ArrayCreate(size, &unit));
  PetscCall(ArrayCreate(size, &encoder));
  PetscCall(ArrayCreate(source->truths * source->d, &truth));
  for (Centring c = 0; c < CENTRINGS; c++) {
    double *mine = values + c * measures;
    for (int64_t v = 0; v < measures; v++) mine[v] = (double)NAN;
    if (!(options->centrings >> c & 1)) continue;
    if (c == CENTRING_PROJECTED && nulls->kind != NULL_RANDOM && !source->directed) continue;
    PetscCall(Prepare(nulls, c, unit, encoder, truth, side));
    if (set)
      PetscCall(SetValues(nulls, side, options->chosen, mine));
    else
      PetscCall(PairValues(source->kernels, side[0], side[1], options->chosen, mine));
    for (int64_t v = 0; v < measures; v++)
      if (options->chosen[v].comparison->once && c != CENTRING_RAW) mine[v] = (double)NAN;
  }
  PetscCall(ArrayDestroy(&truth));
  PetscCall(ArrayDestroy(&encoder));
  PetscCall(ArrayDestroy(&unit));
  PetscCall(ArrayDestroy(&side));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NullPair(const NullSource *source, NullKind kind, int64_t p, const NullShape *shape,
                        const CompareOptions *options, double *values)
{
  Nulls nulls;
  PetscFunctionBeginUser;
  PetscCall(NullsCreate(source, kind, shape, 2 * p, 2, chosen_needs(options->chosen), &nulls));
  PetscCall(AllCentrings(&nulls, false, options, values));
  PetscCall(NullsDestroy(&nulls));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NullSet(const NullSource *source, NullKind kind, int64_t p, const NullShape *shape,
                       const CompareOptions *options, double *values)
{
  const int64_t S = null_set(shape);
  Nulls nulls;
  PetscFunctionBeginUser;
  PetscCall(NullsCreate(source, kind, shape, S * p, S, 0, &nulls));
  PetscCall(AllCentrings(&nulls, true, options, values));
  PetscCall(NullsDestroy(&nulls));
  PetscFunctionReturn(PETSC_SUCCESS);
}
