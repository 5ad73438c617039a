/* Which atoms of a run the other runs have best, without the run that it is compared with. */
#pragma once
#include "compare/pair.h"

/* Pairs are kept in slots, such as a stage and a centring, which do not mix. */
typedef struct {
  int64_t runs, slots, most; /* no run has more living atoms than `most` */
  int64_t entered;           /* how many runs atoms may be chosen by */
  bool *enters;              /* [runs] which */
  int64_t *total;            /* [slots x runs x most] weights of an atom's matches in those */
  Matched *kept;             /* [slots x pairs] of this rank's pairs */
} Others;

/* OthersCreate, OthersDestroy - enters [runs]: the runs by which atoms are chosen; copied. Not
   collective. */
PetscErrorCode OthersCreate(int64_t runs, int64_t slots, int64_t most, const bool *enters,
                            Others *others);
PetscErrorCode OthersDestroy(Others *others);

/* OthersKeep - takes the matching of the atoms of runs i < j out of their pair. Not collective. */
PetscErrorCode OthersKeep(Others *others, int64_t slot, int64_t i, int64_t j, AtomPair *pair);

/* OthersJoin - all pairs are there: sums over the ranks. Collective on comm. */
PetscErrorCode OthersJoin(MPI_Comm comm, Others *others);

/* Has this rank kept the pair? */
bool others_kept(const Others *others, int64_t slot, int64_t i, int64_t j);

/* OthersValues - values[v] of those comparisons that need others, of a pair that this rank kept;
   NaN where no other run is left. The rest of values is not touched. Not collective. */
PetscErrorCode OthersValues(const Kernels *kernels, const Others *others, int64_t slot, int64_t i,
                            int64_t j, Atoms a, Atoms b, const ChosenComparison *chosen,
                            double *values);
