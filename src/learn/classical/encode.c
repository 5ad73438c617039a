/* Codes of finished models that many methods share. */
#include "learn/classical.h"

static PetscErrorCode ForgetPacked(Dictionary *dictionary)
{
  Packed *packed = dictionary->extra;

  PetscFunctionBegin;
  packed_clear(packed);
  PetscCall(ArrayDestroy(&dictionary->extra));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode KeepPacked(Dictionary *dictionary)
{
  Packed *packed;

  PetscFunctionBegin;
  PetscCall(ArrayCreate(1, &packed));
  dictionary->kernels->pack(dictionary->m, dictionary->d, dictionary->encoder, dictionary->d,
                            packed);
  dictionary->extra = packed;
  dictionary->forget = ForgetPacked;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EncodeScores(const Dictionary *dictionary, int64_t n, const float *X, Codes *codes)
{
  enum { ROWS = 128 };
  const int64_t d = dictionary->d, m = dictionary->m;
  float *xc, *S;

  PetscFunctionBegin;
  if (!dictionary->extra) PetscCall(KeepPacked((Dictionary *)(uintptr_t)dictionary));
  PetscCall(ArrayCreate(ROWS * d, &xc));
  PetscCall(ArrayCreate(ROWS * m, &S));
  codes->rows = 0;
  PetscCall(CodesReserve(codes, n, n * m));
  int64_t at = codes->start[0] = 0;
  for (int64_t first = 0; first < n; first += ROWS) {
    const int64_t count = min_i64(ROWS, n - first);
    less_shift(count, d, X + first * d, dictionary->bias, xc);
    dictionary->kernels->scores(count, xc, d, dictionary->extra, dictionary->encoder_bias, S, m);
    for (int64_t t = 0; t < count; t++) {
      for (int64_t j = 0; j < m; j++) {
        if (S[t * m + j] == 0) continue;
        codes->atom[at] = (int32_t)j;
        codes->value[at++] = S[t * m + j];
      }
      codes->start[first + t + 1] = at;
    }
  }
  codes->rows = n;
  PetscCall(ArrayDestroy(&xc));
  PetscCall(ArrayDestroy(&S));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ForgetNearest(Dictionary *dictionary)
{
  Nearest *nearest = dictionary->extra;

  PetscFunctionBegin;
  dictionary->extra = NULL;
  PetscCall(NearestDestroy(&nearest));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EncodeNearest(const Dictionary *dictionary, int64_t n, const float *X, Codes *codes)
{
  double *distance;

  PetscFunctionBegin;
  if (!dictionary->extra) { /* kept with the dictionary from the first call on */
    Dictionary *keeper = (Dictionary *)(uintptr_t)dictionary;
    Nearest *nearest;
    PetscCall(NearestCreate(dictionary->kernels, dictionary->m, dictionary->d, dictionary->atoms,
                            &nearest));
    keeper->extra = nearest;
    keeper->forget = ForgetNearest;
  }
  codes->rows = 0;
  PetscCall(CodesReserve(codes, n, n));
  PetscCall(ArrayCreate(n, &distance));
  dictionary->kernels->nearest(n, X, dictionary->d, dictionary->extra, codes->atom, distance);
  for (int64_t t = 0; t < n; t++) {
    codes->start[t] = t;
    codes->value[t] = 1.0f;
  }
  codes->start[n] = n;
  codes->rows = n;
  PetscCall(ArrayDestroy(&distance));
  PetscFunctionReturn(PETSC_SUCCESS);
}
