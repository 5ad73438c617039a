/* Two sets of atoms and what the comparisons say of them. */
#pragma once
#include "compare/comparison.h"

/* A comparison that was asked for. Lists of them end with a comparison of NULL. */
typedef struct {
  const Comparison *comparison;
  void *params; /* as the entry declares them, or NULL */
} ChosenComparison;

int64_t chosen_count(const ChosenComparison *chosen);
/* NEED_* of all of them, with what those need in turn. */
unsigned chosen_needs(const ChosenComparison *chosen);
/* What the tables call it: the entry's name, then each setting that is not at its default, as in
   "matched_share t=0.5". Fresh memory. */
char *chosen_label(const ChosenComparison *one);

typedef enum { CENTRING_RAW, CENTRING_CENTRED, CENTRING_PROJECTED, CENTRINGS } Centring;
extern const char *const centring_names[CENTRINGS];

/*
  AtomsPrepare - unit rows of m atoms D [m x d]: as they are, minus their mean, or minus their part
  along a direction

  The mean is a float64 sum in order of atoms, divided by m; a centred atom is the difference,
  rounded to float32. The part along the direction is a lane64 sum in float64 of the products with
  its float32 values. Unit rows as unit_rows() makes them.

  Not collective.

  in   direction  [d] of norm 1, for CENTRING_PROJECTED alone; may be NULL else
  out  unit       [m x d]  the caller's memory; may be D
*/
PetscErrorCode AtomsPrepare(const Kernels *kernels, Centring centring, int64_t m, int64_t d,
                            const float *D, const float *direction, float *unit);

/* MeanDirection - the direction of the mean of all tokens, in the units of the normalised tokens
   before their centre is taken off: [d] of norm 1. *there false, where the mean is shorter than
   2^-20 of the tokens' root mean square. Not collective. */
PetscErrorCode MeanDirection(const View *view, float *direction, bool *there);

/* TruthRead - the atoms that the tokens were made of, in the units of the normalised tokens: fresh
   memory [truths x d], NULL where they are not known. Not collective. */
PetscErrorCode TruthRead(const View *view, int64_t *truths, float **truth);

/*
  PairCreate - matchings and maxima, as asked for by NEED_* bits

  Cosines are chains over d. They are made by blocks of rows and not kept. While a matching is
  sought, their weights are, 4 bytes for each atom of a times each of b, if that is at most
  WEIGHTS_ROOM; else only rows that were asked for lately, for as much.

  Borrows the arrays of a and b until PairDestroy. Not collective.
*/
PetscErrorCode PairCreate(const Kernels *kernels, const Atoms *a, const Atoms *b, unsigned needs,
                          AtomPair *pair);
PetscErrorCode PairDestroy(AtomPair *pair);
/* values[i] of the chosen comparisons (ended by NULL); NaN where a side is empty, or what a
   comparison needs is not there. */
void pair_values(AtomPair *pair, const ChosenComparison *chosen, double *values);

/* One of them, number v of the chosen. */
double value_of_pair(AtomPair *pair, const ChosenComparison *chosen, int64_t v);

/* OwnCreate - what the chosen comparisons make of one side: own [chosen_count], as Atoms.own; the
   caller's, freed with OwnDestroy. Not collective. */
PetscErrorCode OwnCreate(const Kernels *kernels, const Atoms *atoms, const ChosenComparison *chosen,
                         double ***own);
PetscErrorCode OwnDestroy(const ChosenComparison *chosen, double ***own);

/* PairValues - all of the above for two sets of prepared atoms. Not collective. */
PetscErrorCode PairValues(const Kernels *kernels, Atoms a, Atoms b, const ChosenComparison *chosen,
                          double *values);

/* LargestWithin - largest[i]: the largest cosine of unit row i with another of the m rows;
   -infinity where there is none. Not collective. */
PetscErrorCode LargestWithin(const Kernels *kernels, int64_t m, int64_t d, const float *unit,
                             float *largest);

/* PairWorkers - which ranks work on pairs of m atoms at the same time: as many of each node as 6
   GiB of weights allow, but one at least. *number: this rank's among them, -1: none; *count: how
   many they are. Collective on comm. */
PetscErrorCode PairWorkers(MPI_Comm comm, int64_t m, int64_t *number, int64_t *count);

/* SpreadJoin - values that each came from one rank, 0 bits on the others, given to all ranks bit by
   bit. Collective on comm. */
PetscErrorCode SpreadJoin(MPI_Comm comm, int64_t count, double *values);
