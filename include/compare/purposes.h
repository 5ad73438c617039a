/* Which seed matters: what of a dictionary each purpose of seeds decides. */
#pragma once
#include "compare/group.h"

enum { PURPOSE_SETS = 1 << SEED_PURPOSES, BLOCK_RUNS = 5 };

/*
  purpose_effects - from similarities of runs that share some seeds to what each purpose decides

  With M(s) the mean similarity of two runs that share exactly the seeds s,
  V(u) = sum over s in u of (-1)^(|u| - |s|) M(s); the share of purpose p is the sum of V(u) / |u|
  over the sets u that hold p. All V add up to M(all), the shares to M(all) - M(none). A function of
  purposes split so is the analysis of variance of independent inputs (Efron and Stein, Annals of
  Statistics 9, 1981), and the shares are its Shapley values (Owen, SIAM/ASA JUQ 2, 2014).

  Not collective.

  in   purposes  k of them
  in   M         [2^k]  bit p of a set: purpose p
  out  V         [2^k]
  out  share     [k]
*/
void purpose_effects(int purposes, const double *M, double *V, double *share);

/*
  blocks_mean - mean of one number per block, and its 95 % interval with t of B - 1 degrees

  Not collective. in  value [blocks]; fewer than 3 blocks give NaN limits, as
  two may agree by chance.
*/
void blocks_mean(int64_t blocks, const double *value, double *mean, double *low, double *high);

/*
  PurposesTable - rows of purposes.csv for the groups whose runs come in blocks

  A block is the runs (i,d,a), (i',d,a), (i,d',a), (i,d,a'), (i',d',a'); its pairs show every
  pattern of shared seeds. Purposes that do not vary in a group are left out, and two runs that
  differ in nothing else are one run, whose similarity with itself is 1. M(s) of a block is the mean
  over its pairs with that pattern. Terms: M(...), V(...) and share(...) by purposes, and core =
  M(none), what survives every change. Values are means over blocks; negative ones stand as they
  are. Blocks with a run that is not finished, or has no living atom, are left out,
  and so are measures that do not give a dictionary and itself 1.

  Not collective.

  in   groups, pairs  [count]  pairs as GroupPairsCreate() made them
  out  purposes       model, measure, centring, term, value, low, high, blocks, note
*/
PetscErrorCode PurposesTable(int64_t count, const ComparedGroup *groups, const GroupPairs *pairs,
                             const ChosenComparison *chosen, Table **purposes);
