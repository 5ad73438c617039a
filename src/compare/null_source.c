/* Null dictionaries. */
#include "base/eigen.h"
#include "base/random.h"
#include "compare/covariance.h"
#include "compare/null_parts.h"

enum { NULL_SEED = 0x4e554c4c, COVARIANCE_TOKENS = 32768 };

static PetscErrorCode FactorCovariance(MPI_Comm comm, NullSource *source)
{
  const View *view = source->view;
  const int64_t tokens = split_count(view->split, false), n = min_i64(tokens, COVARIANCE_TOKENS);
  int64_t *row;
  PetscFunctionBeginUser;
  PetscCall(ArrayCreate(n, &row));
  PetscCall(ArrayCreate(source->d, &source->mean));
  PetscCall(ArrayCreate(source->d * source->d, &source->factor));
  for (int64_t i = 0; i < n; i++) row[i] = split_row(view->split, false, i * tokens / n);
  PetscCall(TokensCovariance(comm, view, n, row, source->mean, source->factor));
  PetscCheck(cholesky(source->d, source->factor), comm, PETSC_ERR_FP,
             "the covariance of the tokens has no factor");
  PetscCall(ArrayDestroy(&row));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NullSourceCreate(MPI_Comm comm, const Kernels *kernels, int64_t d, const View *view,
                                NullSource **source)
{
  PetscFunctionBeginUser;
  PetscCall(PetscNew(source));
  (*source)->kernels = kernels;
  (*source)->view = view;
  (*source)->d = d;
  PetscCall(ArrayCreate(d, &(*source)->axis));
  PetscCall(ArrayCreate(d, &(*source)->direction));
  (*source)->axis[0] = 1;
  if (view) {
    PetscCall(FactorCovariance(comm, *source));
    PetscCall(MeanDirection(view, (*source)->direction, &(*source)->directed));
    PetscCall(TruthRead(view, &(*source)->truths, &(*source)->truth));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NullSourceDestroy(NullSource **source)
{
  PetscFunctionBeginUser;
  if (!*source) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(ArrayDestroy(&(*source)->mean));
  PetscCall(ArrayDestroy(&(*source)->factor));
  PetscCall(ArrayDestroy(&(*source)->direction));
  PetscCall(ArrayDestroy(&(*source)->axis));
  PetscCall(ArrayDestroy(&(*source)->truth));
  PetscCall(PetscFree(*source));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Element i of dictionary `number`. */
static double normal(NullKind kind, int64_t number, int64_t i)
{
  return random_normal(NULL_SEED + (uint64_t)kind, RANDOM_NULL,
                       ((uint64_t)number << 40) + (uint64_t)i);
}

static PetscErrorCode SomeTokens(const NullSource *source, int64_t number, int64_t m, float *D)
{
  const Split *split = source->view->split;
  const int64_t n = split_count(split, false);
  const uint64_t seed = NULL_SEED + (uint64_t)NULL_TOKENS;
  int64_t *row;
  PetscFunctionBeginUser;
  PetscCall(ArrayCreate(m, &row));
  for (int64_t j = 0; j < m; j++) {
    const uint64_t at = ((uint64_t)number << 40) + (uint64_t)j;
    row[j] = split_row(split, false,
                       m <= n ? random_permuted(seed, RANDOM_SAMPLE, (uint64_t)number, n, j)
                              : random_below(seed, RANDOM_SAMPLE, at, n));
  }
  PetscCall(ViewRead(source->view, m, row, D));
  PetscCall(ArrayDestroy(&row));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NullDictionary(const NullSource *source, NullKind kind, int64_t number, int64_t m,
                              float *D)
{
  PetscFunctionBeginUser;
  if (kind == NULL_GAUSSIAN)
    PetscCall(GaussianRows(source->d, source->mean, source->factor, NULL_SEED + (uint64_t)kind,
                           RANDOM_NULL, (uint64_t)number << 40, m, D));
  if (kind == NULL_TOKENS) PetscCall(SomeTokens(source, number, m, D));
  if (kind == NULL_RANDOM)
    for (int64_t i = 0; i < m * source->d; i++) D[i] = (float)normal(kind, number, i);
  PetscFunctionReturn(PETSC_SUCCESS);
}
