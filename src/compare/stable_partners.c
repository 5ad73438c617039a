/* Mutual best atoms of pairs of dictionaries, by blocks of cosines. */
#include "compare/best.h"
#include "compare/stable_parts.h"
#include <string.h>

enum { ROWS = 16 };

/* This rank's rows of one pair: row [rows of a], column [rows of b]. */
static PetscErrorCode BestOfPair(MPI_Comm comm, const Kernels *kernels, const AtomSets *sets,
                                 int64_t a, const Packed *packed, uint64_t *row, uint64_t *column)
{
  const int64_t n = packed->rows, d = sets->d;
  int64_t first, count;
  float *cosine, *most;
  int32_t *at;
  int rank, size;
  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  PetscCallMPI(MPI_Comm_size(comm, &size));
  part_of(set_size(sets, a), ROWS, rank, size, &first, &count);
  PetscCall(ArrayCreate(ROWS * n, &cosine));
  PetscCall(ArrayCreate(n, &most));
  PetscCall(ArrayCreate(n, &at));
  for (int64_t j = 0; j < n; j++) most[j] = -2;
  for (int64_t i = first; i < first + count; i += ROWS) {
    const int64_t here = min_i64(ROWS, first + count - i);
    kernels->scores(here, sets->unit + (sets->first[a] + i) * d, d, packed, NULL, cosine, n);
    for (int64_t q = 0; q < here; q++) {
      row[i + q] = best_of(n, cosine + q * n);
      best_columns(n, cosine + q * n, (int32_t)(i + q), most, at);
    }
  }
  for (int64_t j = 0; j < n && count > 0; j++) column[j] = key_of(most[j], at[j]);
  PetscCall(ArrayDestroy(&at));
  PetscCall(ArrayDestroy(&most));
  PetscCall(ArrayDestroy(&cosine));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Notes the pairs of sets a and b that are each other's best. */
static void note_mutual(const AtomSets *sets, int64_t a, int64_t b, const uint64_t *row,
                        const uint64_t *column, Partners *partners)
{
  for (int64_t i = 0; i < set_size(sets, a); i++) {
    const int64_t j = key_number(row[i]);
    if (key_number(column[j]) != i) continue;
    const int64_t at_a = (sets->first[a] + i) * sets->sets + b;
    const int64_t at_b = (sets->first[b] + j) * sets->sets + a;
    partners->atom[at_a] = (int32_t)j;
    partners->atom[at_b] = (int32_t)i;
    partners->cosine[at_a] = partners->cosine[at_b] = key_cosine(row[i]);
  }
}

static PetscErrorCode PartnersOfSet(MPI_Comm comm, const Kernels *kernels, const AtomSets *sets,
                                    int64_t b, int64_t left, Partners *partners)
{
  const int64_t n = set_size(sets, b), before = min_i64(b, left), rows = sets->first[before];
  Packed packed = {0};
  uint64_t *row, *column;
  PetscFunctionBeginUser;
  PetscCall(ArrayCreate(rows, &row));
  PetscCall(ArrayCreate(before * n, &column));
  kernels->pack(n, sets->d, sets->unit + sets->first[b] * sets->d, sets->d, &packed);
  for (int64_t a = 0; a < before && n > 0; a++)
    PetscCall(BestOfPair(comm, kernels, sets, a, &packed, row + sets->first[a], column + a * n));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, row, (int)rows, MPI_UINT64_T, MPI_MAX, comm));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, column, (int)(before * n), MPI_UINT64_T, MPI_MAX, comm));
  for (int64_t a = 0; a < before && n > 0; a++)
    note_mutual(sets, a, b, row + sets->first[a], column + a * n, partners);
  packed_clear(&packed);
  PetscCall(ArrayDestroy(&column));
  PetscCall(ArrayDestroy(&row));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode PartnersFind(MPI_Comm comm, const Kernels *kernels, const AtomSets *sets,
                            int64_t left, Partners *partners)
{
  const int64_t cells = sets->first[sets->sets] * sets->sets;
  PetscFunctionBeginUser;
  PetscCall(ArrayCreate(cells, &partners->atom));
  PetscCall(ArrayCreate(cells, &partners->cosine));
  for (int64_t i = 0; i < cells; i++) partners->atom[i] = -1;
  for (int64_t b = 1; b < sets->sets; b++)
    PetscCall(PartnersOfSet(comm, kernels, sets, b, left, partners));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode PartnersDestroy(Partners *partners)
{
  PetscFunctionBeginUser;
  PetscCall(ArrayDestroy(&partners->atom));
  PetscCall(ArrayDestroy(&partners->cosine));
  PetscFunctionReturn(PETSC_SUCCESS);
}
