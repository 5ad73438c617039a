/* Two sets of atoms and what the comparisons say of them. */
#pragma once
#include "compare/comparison.h"

/* A comparison that was asked for. Lists of them end with a comparison of NULL. */
typedef struct {
  const Comparison *comparison;
  void *params; /* as the entry declares them, or NULL */
} ChosenComparison;

typedef enum { CENTRING_RAW, CENTRING_CENTRED, CENTRINGS } Centring;
extern const char *const centring_names[CENTRINGS];

/*
  AtomsPrepare - unit rows of m atoms D [m x d], as they are or minus their mean

  The mean is a float64 sum in order of atoms, divided by m; a centred atom is the difference,
  rounded to float32. Unit rows as unit_rows() makes them.

  Not collective.

  out  unit  [m x d]  the caller's memory
*/
PetscErrorCode AtomsPrepare(const Kernels *kernels, Centring centring, int64_t m, int64_t d,
                            const float *D, float *unit);

/* PairValues - values[i] of the chosen comparisons (ended by NULL) of two sets of prepared atoms;
   NaN where a set is empty. Cosines are chains over d; the matching is the optimal one for weights
   round(2^30 cosine). Not collective. */
PetscErrorCode PairValues(const Kernels *kernels, Atoms a, Atoms b, const ChosenComparison *chosen,
                          double *values);

/* SpreadJoin - values that each came from one rank, 0 bits on the others, given to all ranks bit by
   bit. Collective on comm. */
PetscErrorCode SpreadJoin(MPI_Comm comm, int64_t count, double *values);
