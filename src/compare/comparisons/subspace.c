/* Do the leading directions of two dictionaries span the same subspace? Mean squared cosine of the
   principal angles of the q leading right singular vectors of their unit atoms. */
#include "base/eigen.h"
#include "compare/comparison.h"

typedef struct {
  int64_t q;
} Params;

static int64_t dims(const Atoms *atoms, const void *params)
{
  return min_i64(params ? ((const Params *)params)->q : 8, min_i64(atoms->m, atoms->d));
}

static int64_t own_size(const Atoms *atoms, const void *params)
{
  return dims(atoms, params) * atoms->d;
}

/* Eigenvectors of U^T U; each element of it is a sum in order of atoms. */
static PetscErrorCode own(const Kernels *kernels, const Atoms *atoms, const void *params,
                          double *leading)
{
  const int64_t d = atoms->d, q = dims(atoms, params);
  double *gram, *values;
  (void)kernels;
  PetscFunctionBeginUser;
  PetscCall(ArrayCreate(d * d, &gram));
  PetscCall(ArrayCreate(d, &values));
  for (int64_t j = 0; j < atoms->m; j++)
    for (int64_t i = 0; i < d; i++) {
      const double x = (double)atoms->unit[j * d + i];
      double *row = gram + i * d;
      for (int64_t k = 0; k <= i; k++) row[k] += x * (double)atoms->unit[j * d + k];
    }
  for (int64_t i = 0; i < d; i++)
    for (int64_t k = 0; k < i; k++) gram[k * d + i] = gram[i * d + k];
  PetscCall(EigenSymmetric(d, gram, true, values));
  for (int64_t i = 0; i < q * d; i++) leading[i] = gram[(d - 1 - i / d) * d + i % d];
  PetscCall(ArrayDestroy(&values));
  PetscCall(ArrayDestroy(&gram));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static double value(const AtomPair *pair, const void *params)
{
  const int64_t d = pair->a.d, p = dims(&pair->a, params), q = dims(&pair->b, params);
  double sum = 0;
  for (int64_t i = 0; i < p; i++)
    for (int64_t j = 0; j < q; j++) {
      double dot = 0;
      for (int64_t k = 0; k < d; k++) dot += pair->own_a[i * d + k] * pair->own_b[j * d + k];
      sum += dot * dot;
    }
  return sum / (double)min_i64(p, q);
}

const Comparison comparison_subspace = {
    .entry = {.name = "subspace",
              .summary = "mean squared cosine of the principal angles of the q leading directions "
                         "of the atoms",
              .cite = "2606.12138; Bjorck and Golub 1973",
              .params = (const Param[]){{"q", PARAM_INT, offsetof(Params, q), "8", 1, 4096,
                                         "how many directions"},
                                        {0}},
              .params_size = sizeof(Params)},
    .laws = LAW_SELF | LAW_SYMMETRIC | LAW_ORDER,
    .whole = true,
    .value = value,
    .own_size = own_size,
    .own = own,
};
