/* The matching of two large dictionaries: weights once for a node, filled by all its ranks. */
#include "base/array.h"
#include "base/shared.h"
#include "compare/assignment.h"

enum { ROWS = 64 };

/* This rank's rows of the weights. */
static PetscErrorCode FillWeights(Nodes *nodes, const Kernels *kernels, int64_t rows,
                                  const float *A, int64_t columns, const float *B, int64_t d,
                                  int32_t *weight)
{
  Packed packed = {0};
  int64_t first, count;
  float *cosine;

  PetscFunctionBegin;
  part_of(rows, ROWS, nodes_rank(nodes), nodes_size(nodes), &first, &count);
  PetscCall(ArrayCreate(ROWS * columns, &cosine));
  kernels->pack(columns, d, B, d, &packed);
  for (int64_t i = first; i < first + count; i += ROWS) {
    const int64_t here = min_i64(ROWS, first + count - i);
    kernels->scores(here, A + i * d, d, &packed, NULL, cosine, columns);
    PetscCall(AssignmentWeights(here * columns, cosine, weight + i * columns));
  }
  packed_clear(&packed);
  PetscCall(ArrayDestroy(&cosine));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode AssignmentOfAtoms(MPI_Comm comm, const Kernels *kernels, int64_t rows,
                                 const float *A, int64_t columns, const float *B, int64_t d,
                                 int64_t *partner, int64_t *sum)
{
  Nodes *nodes;
  int32_t *weight;
  int rank;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  PetscCall(NodesCreate(comm, &nodes));
  if (nodes_number(nodes) == nodes_of(nodes, 0)) {
    PetscCall(SharedCreate(nodes, max_i64(1, rows * columns), &weight));
    PetscCall(FillWeights(nodes, kernels, rows, A, columns, B, d, weight));
    PetscCall(NodesBarrier(nodes));
    if (rank == 0) PetscCall(AssignmentSolve(rows, columns, weight, partner, sum));
    PetscCall(SharedDestroy(nodes, &weight));
  }
  PetscCallMPI(MPI_Bcast(partner, (int)rows, MPI_INT64_T, 0, comm));
  PetscCallMPI(MPI_Bcast(sum, 1, MPI_INT64_T, 0, comm));
  PetscCall(NodesDestroy(&nodes));
  PetscFunctionReturn(PETSC_SUCCESS);
}
