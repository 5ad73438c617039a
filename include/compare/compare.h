/* Stability: how much of a model's dictionary comes back when its seeds change. */
#pragma once
#include "base/seeds.h"
#include "compare/pair.h"

/* One finished run of a group. */
typedef struct {
  const char *id;
  const char *folder;          /* holds initial.h5, model.h5 and atoms.csv; or a model file that
                                  stands alone, which has no start */
  int64_t seed[SEED_PURPOSES]; /* -1: the model does not draw from that purpose */
  const char *anchors;         /* digest of its anchors' content; NULL or "": it uses none */
  bool again; /* a run of an earlier group too, in the same folder: two grid points came to one */
} ComparedRun;

/* The finished runs of one model at one grid point, which differ only in seeds. */
typedef struct {
  const char *model;   /* as in the files: "topk width=256 code.k=8" */
  const char *anchors; /* as declared: "shared", "per_seed" or "none" */
  const View *view;    /* the tokens as these runs saw them */
  int64_t runs;
  const ComparedRun *run;  /* [runs] in plan order */
  int64_t surrogate;       /* number of the group trained on surrogate tokens, -1: there is none */
  bool is_surrogate;       /* this one is trained on surrogate tokens: a null, not a model */
  int64_t blocks;          /* of `combine: blocks`; 0: another way */
  const int64_t *block;    /* [blocks x 5] numbers of the runs (i, d, a), (i', d, a), (i, d', a),
                              (i, d, a'), (i', d', a'); equal where they coincide, -1: not finished */
  bool all_tokens;         /* these are model files: codes are compared on a sample of all tokens */
  int64_t failed, pending; /* planned runs that are not among `run`: they ended without a result, or
                              have not ended */
} ComparedGroup;

/* What is asked for. */
typedef struct {
  const ChosenComparison *chosen; /* ended by an entry of NULL */
  unsigned centrings;             /* bit c: Centring c */
} CompareOptions;

typedef struct {
  Table *pairs;       /* model, run_a, run_b, measure, centring, stage, value, atoms_a, atoms_b,
                         unmatched */
  Table *stability;   /* model, measure, centring, runs, value, low, high, initial, null_random,
                         null_gaussian, null_tokens, anchors, dead, note, role, lambda,
                         null_surrogate, end_start, with_dead, nearest, effective_rank, basins,
                         failed */
  Table *trajectory;  /* model, centring, step, runs, value, low, high, note */
  Table *differences; /* compare/differences.h */
  Table *purposes;    /* compare/purposes.h */
} CompareTables;
/* CompareTablesDestroy - all of them. Not collective. */
PetscErrorCode CompareTablesDestroy(CompareTables *tables);

/*
  CompareGroups - all pairs of runs within each group, and what they say together

  Atoms that fired on no token of the training sample (fired_train 0 in atoms.csv) are left out, at
  the end and at step 0 alike. pairs.csv holds all pairs. A row of stability.csv holds the mean over
  the pairs of those runs that enter, whose varied seeds are all distinct (compare/entered.h); of a
  group whose runs all failed it says that alone. Each row comes with its interval over
  runs, the value at step 0, the mean value between one run's end and the start of the next
  (of the first, after the last), the value with dead atoms counted as 0, and three nulls
  (compare/nulls.h) for the mean number of living atoms, rounded. trajectory.csv holds the signed
  matched cosine of the same runs at each step of their snapshots.h5 that all of them have.

  Collective on comm: pairs are spread over its ranks; the tables are the same on every rank, and do
  not depend on how many there are.

  in   groups  [count]  a group whose files are missing or foreign gives mistakes and no rows
  out  tables  the caller's
*/
PetscErrorCode CompareGroups(MPI_Comm comm, const Kernels *kernels, int64_t count,
                             const ComparedGroup *groups, const CompareOptions *options,
                             Mistakes *mistakes, CompareTables *tables);
