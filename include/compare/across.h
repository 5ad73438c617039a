/* How much of one model's dictionary is in another's. */
#pragma once
#include "compare/group.h"

/*
  AcrossTable - rows of across.csv for couples of models: each run of the one against the runs of
  the other that it shares no seed with

  Of each model the runs that enter its interval. Two of them share a seed where both draw from a
  purpose that varies in one of the models, and the seeds are equal. A value is the mean over pairs.
  Where the runs of both have the same seeds one by one, S of each and S at least 3, its interval is
  pair_interval() of the mean of the pairs (i, j) and (j, i); where one of the models has a single
  run, and the other at least 3, it is mean +- t_{S-1} sd / sqrt(S); else there is none. Measures
  from matchings have with_unmatched too: sums divided by the atoms of the larger dictionary, so
  that those without a partner count as 0. Nulls are those of dictionaries as large as the two, in
  which one may be larger.

  Atoms are compared as they are stored where the models' scales are the same up to a factor, else
  in units of the tokens as stored: atoms times the scale, encoder rows divided by it.

  Collective on comm: pairs and centrings are spread over its ranks; rows are the same on every
  rank.

  in   groups   [count]  with runs; a group's view may be without tokens: then measures of codes and
                         of true atoms have no value, and only null_random is known
  in   living   [count]  [runs] of each
  in   couple   [couples]  numbers of the two groups
  out  table    model_a, model_b, measure, centring, pairs, value, low, high, unmatched_a,
                unmatched_b, note, matched, with_unmatched, runs_a, runs_b, dead_a, dead_b,
                null_random, null_gaussian, null_tokens: numbers of atoms are means over the pairs
*/
typedef struct {
  int64_t a, b;
} Couple;
PetscErrorCode AcrossTable(MPI_Comm comm, const Kernels *kernels, const ComparedGroup *groups,
                           Living *const *living, int64_t couples, const Couple *couple,
                           const CompareOptions *options, Mistakes *mistakes, Table **table);

/* LivingOfGroup - which atoms of each run live, fresh memory [runs]. What is wrong with a file is a
   mistake. LivingRelease frees. Not collective. */
PetscErrorCode LivingOfGroup(const ComparedGroup *group, Mistakes *mistakes, Living **living);
PetscErrorCode LivingRelease(const ComparedGroup *group, Living **living);

/* Are two normalisations the same up to a factor and a centre? */
bool same_units(const Normaliser *a, const Normaliser *b);
