/* Codes of one dictionary on a sample of tokens: by token as the encoder gives them, by
   atom sorted from these, so that two atoms are compared on the tokens where they fire. */
#include "compare/codes.h"
#include <math.h>
#include <string.h>

enum { TILE = 256 };

/* Appends the codes of some tokens: of living atoms alone, under their new numbers. */
static PetscErrorCode Append(const Codes *from, const int32_t *number, AtomCodes *codes)
{
  Codes *to = &codes->tokens;
  const int64_t used = to->rows ? to->start[to->rows] : 0;
  PetscFunctionBeginUser;
  PetscCall(CodesReserve(to, codes->n, used + from->start[from->rows]));
  int64_t at = used;
  for (int64_t t = 0; t < from->rows; t++) {
    for (int64_t q = from->start[t]; q < from->start[t + 1]; q++) {
      const int32_t j = number[from->atom[q]];
      if (j < 0 || from->value[q] == 0) continue;
      to->atom[at] = j;
      to->value[at++] = from->value[q];
    }
    to->start[++to->rows] = at;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode AtomCodesSort(AtomCodes *codes)
{
  const int64_t m = codes->m, count = codes->n ? codes->tokens.start[codes->n] : 0;
  const double n = (double)codes->n;
  int64_t *at;
  PetscFunctionBeginUser;
  PetscCall(ArrayCreate(m + 1, &codes->start));
  PetscCall(ArrayCreate(count, &codes->token));
  PetscCall(ArrayCreate(count, &codes->value));
  PetscCall(ArrayCreate(m, &codes->mean));
  PetscCall(ArrayCreate(m, &codes->deviation));
  PetscCall(ArrayCreate(m, &at));
  for (int64_t q = 0; q < count; q++) codes->start[codes->tokens.atom[q] + 1]++;
  for (int64_t j = 0; j < m; j++) codes->start[j + 1] += codes->start[j];
  memcpy(at, codes->start, (size_t)m * sizeof(*at));
  for (int64_t t = 0; t < codes->n; t++)
    for (int64_t q = codes->tokens.start[t]; q < codes->tokens.start[t + 1]; q++) {
      const int64_t to = at[codes->tokens.atom[q]]++;
      codes->token[to] = (int32_t)t;
      codes->value[to] = codes->tokens.value[q];
    }
  for (int64_t j = 0; j < m; j++) {
    const int64_t first = codes->start[j], end = codes->start[j + 1];
    double sum = 0, square = 0;
    for (int64_t q = first; q < end; q++) sum += (double)codes->value[q];
    const double mean = codes->mean[j] = sum / n;
    for (int64_t q = first; q < end; q++) {
      const double off = (double)codes->value[q] - mean;
      square += off * off;
    }
    square += (n - (double)(end - first)) * (mean * mean);
    codes->deviation[j] = sqrt(square / n);
  }
  PetscCall(ArrayDestroy(&at));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode EncodeWith(const void *dictionary, int64_t n, const float *X, Codes *some)
{
  return DictionaryEncode(dictionary, n, X, some);
}

PetscErrorCode AtomCodesCreate(const Dictionary *dictionary, const View *view, bool held_out,
                               int64_t m, const int64_t *atom, AtomCodes *codes)
{
  int32_t *number;
  PetscFunctionBeginUser;
  PetscCall(ArrayCreate(dictionary->m, &number));
  for (int64_t j = 0; j < dictionary->m; j++) number[j] = -1;
  for (int64_t j = 0; j < m; j++) number[atom[j]] = (int32_t)j;
  PetscCall(AtomCodesEncode(EncodeWith, dictionary, view, held_out, m, number, codes));
  PetscCall(ArrayDestroy(&number));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode AtomCodesEncode(EncodeTokens encode, const void *with, const View *view,
                               bool held_out, int64_t m, const int32_t *number, AtomCodes *codes)
{
  const int64_t count = split_count(view->split, held_out), n = min_i64(count, CODE_TOKENS);
  int64_t row[TILE];
  Codes some = {0};
  float *X;
  PetscFunctionBeginUser;
  *codes = (AtomCodes){.n = n, .m = m};
  PetscCall(ArrayCreate(TILE * tokens_width(view->tokens), &X));
  for (int64_t t = 0; t < n; t += TILE) {
    const int64_t here = min_i64(TILE, n - t);
    for (int64_t i = 0; i < here; i++)
      row[i] = split_row(view->split, held_out, (t + i) * count / n);
    PetscCall(ViewRead(view, here, row, X));
    PetscCall(encode(with, here, X, &some));
    PetscCall(Append(&some, number, codes));
  }
  PetscCall(AtomCodesSort(codes));
  codes_clear(&some);
  PetscCall(ArrayDestroy(&X));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode AtomCodesDestroy(AtomCodes *codes)
{
  PetscFunctionBeginUser;
  codes_clear(&codes->tokens);
  PetscCall(ArrayDestroy(&codes->start));
  PetscCall(ArrayDestroy(&codes->token));
  PetscCall(ArrayDestroy(&codes->value));
  PetscCall(ArrayDestroy(&codes->mean));
  PetscCall(ArrayDestroy(&codes->deviation));
  *codes = (AtomCodes){0};
  PetscFunctionReturn(PETSC_SUCCESS);
}

int64_t atom_codes_bytes(const AtomCodes *codes)
{
  const int64_t count = codes->n ? codes->start[codes->m] : 0;
  return 24 * codes->m + 8 * codes->n + 20 * count;
}

double code_correlation(const AtomCodes *a, int64_t i, const AtomCodes *b, int64_t j)
{
  int64_t p = a->start[i], q = b->start[j];
  double sum = 0;
  const double spread = a->deviation[i] * b->deviation[j];
  while (p < a->start[i + 1] && q < b->start[j + 1]) {
    if (a->token[p] == b->token[q]) sum += (double)a->value[p] * (double)b->value[q];
    const int32_t t = a->token[p], u = b->token[q];
    p += t <= u;
    q += u <= t;
  }
  return spread > 0 ? (sum / (double)a->n - a->mean[i] * b->mean[j]) / spread : 0;
}

void code_overlap(const AtomCodes *a, int64_t i, const AtomCodes *b, int64_t j, int64_t *both,
                  int64_t *either)
{
  int64_t p = a->start[i], q = b->start[j];
  *both = 0;
  *either = a->start[i + 1] - p + b->start[j + 1] - q;
  while (p < a->start[i + 1] && q < b->start[j + 1]) {
    const int32_t t = a->token[p], u = b->token[q];
    *both += t == u;
    p += t <= u;
    q += u <= t;
  }
  *either -= *both;
}
