/* Do the leading directions of two dictionaries span the same subspace? Mean squared cosine of the
   principal angles of the q leading right singular vectors of their unit atoms. */
#include "base/eigen.h"
#include "compare/comparison.h"
#include <math.h>
#include <string.h>

typedef struct {
  int64_t q;
} Params;

static int64_t dims(const Atoms *atoms, const void *params)
{
  return min_i64(params ? ((const Params *)params)->q : 8, min_i64(atoms->m, atoms->d));
}

/* How many, then the vectors. */
static int64_t own_size(const Atoms *atoms, const void *params)
{
  return 1 + dims(atoms, params) * atoms->d;
}

/* Products of all rows of X [rows x length] with each other. */
static void make_gram(const Kernels *kernels, int64_t rows, int64_t length, const float *X,
                      double *gram)
{
  for (int64_t i = 0; i < rows; i++)
    for (int64_t j = 0; j <= i; j++)
      gram[i * rows + j] = gram[j * rows + i] =
          kernels->dot64(length, X + i * length, X + j * length);
}

/* The combination of the unit atoms with these weights, made unit. */
static void combine(const Atoms *atoms, const double *weight, double *vector)
{
  double square = 0;
  for (int64_t i = 0; i < atoms->d; i++) vector[i] = 0;
  for (int64_t j = 0; j < atoms->m; j++)
    for (int64_t i = 0; i < atoms->d; i++)
      vector[i] += weight[j] * (double)atoms->unit[j * atoms->d + i];
  for (int64_t i = 0; i < atoms->d; i++) square += vector[i] * vector[i];
  for (int64_t i = 0; i < atoms->d; i++) vector[i] /= sqrt(square);
}

/* Right singular vectors of the unit atoms U, from U^T U or U U^T, whichever is smaller. Those of
   squares below 2^-40 of the largest are none. */
static PetscErrorCode own(const Kernels *kernels, const Atoms *atoms, const void *params,
                          double *leading)
{
  const int64_t d = atoms->d, m = atoms->m, q = dims(atoms, params), side = min_i64(d, m);
  double *gram, *values, *vectors;
  float *turned = NULL;
  PetscFunctionBeginUser;
  PetscCall(ArrayCreate(side * side, &gram));
  PetscCall(ArrayCreate(q, &values));
  PetscCall(ArrayCreate(q * side, &vectors));
  if (d <= m) PetscCall(ArrayCreate(d * m, &turned));
  for (int64_t i = 0; turned && i < d * m; i++) turned[i] = atoms->unit[i % m * d + i / m];
  make_gram(kernels, side, turned ? m : d, turned ? turned : atoms->unit, gram);
  PetscCall(EigenLeading(side, gram, q, values, vectors));
  int64_t there = 0;
  for (; there < q && values[there] > values[0] * 0x1p-40; there++) {
    double *to = leading + 1 + there * d;
    if (turned)
      memcpy(to, vectors + there * d, (size_t)d * sizeof(*to));
    else
      combine(atoms, vectors + there * m, to);
  }
  leading[0] = (double)there;
  PetscCall(ArrayDestroy(&turned));
  PetscCall(ArrayDestroy(&vectors));
  PetscCall(ArrayDestroy(&values));
  PetscCall(ArrayDestroy(&gram));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static double value(const AtomPair *pair, const void *params)
{
  (void)params;
  return spans_overlap(pair->a.d, (int64_t)pair->own_a[0], pair->own_a + 1, (int64_t)pair->own_b[0],
                       pair->own_b + 1);
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
