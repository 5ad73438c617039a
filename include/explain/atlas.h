/* The atlas: atoms that the runs of a model share most and least, with the tokens on which they
   fire most in each run. */
#pragma once
#include "base/table.h"
#include "explain/looks.h"
#include "learn/dictionary.h"

/* One finished run, and the finished runs of one model at one grid point. */
typedef struct {
  const char *id, *folder; /* holds model.h5, atoms.csv, partners.csv */
} AtlasRun;
typedef struct {
  const char *model;
  const View *view; /* the tokens as these runs saw them */
  int64_t runs;
  const AtlasRun *run; /* [runs] in plan order */
} AtlasModel;

enum { ATLAS_GROUPS = 4, ATLAS_TOKENS = 4 }; /* groups of each kind; tokens of an atom */
enum { ATLAS_SAMPLE = 131072 };              /* most tokens that are looked at */

/* An atom of a run that is shown. */
typedef struct {
  int64_t least; /* 1: of the least stable, 0: of the most */
  int64_t group; /* of its kind, from 0 */
  int64_t run, atom;
  double cosine; /* with the mean of its group, or with the atom of the first run; NaN: none */
} AtlasAtom;

/*
  AtlasChoose - which atoms of a model are shown

  Most stable: the first groups of stable_members.csv, which are the largest, then those of the
  highest cosine; where a model has none, the atoms of its first run with partners (partners.csv) in
  the most other runs, then of the highest mean cosine to them. Least stable: of the atoms of the
  first run that fire on at least as many training tokens as half of the living ones do, the 64 with
  partners in the fewest runs, then of the least mean cosine, then those that fire most; of these
  the ones least like what stands beside them. Beside an atom of the first run stand its partners,
  and where it has none the nearest living atom.

  Not collective.

  in   members  stable_members.csv
  out  count, atoms  the caller's (ArrayDestroy); 0 where there is no partners.csv
*/
PetscErrorCode AtlasChoose(const AtlasModel *model, const Table *members, Mistakes *mistakes,
                           int64_t *count, AtlasAtom **atoms);

/* AtlasNearest - fills in atoms that are -1: the living atom of their run that is nearest to the
   atom of the first run in their group, with its cosine. Not collective. */
PetscErrorCode AtlasNearest(const AtlasModel *model, int64_t count, AtlasAtom *atoms,
                            Mistakes *mistakes);

/* A token on which an atom fires. */
typedef struct {
  int64_t row, group; /* row -1: none */
  float value;
} AtlasToken;

/*
  AtlasTokens - for each chosen atom the tokens on which its run's code is greatest

  At most one token of a group of tokens (an image): its greatest, of equals the first. Greatest
  first, of equals the first row. Ranks share out the sample; the answer does not depend on them.

  Collective on comm.

  in   limit   of the training sample, in tokens (split_sample_count)
  in   atoms   [count] the same on every rank
  out  tokens  [count x ATLAS_TOKENS] on every rank; the caller's memory
*/
PetscErrorCode AtlasTokens(MPI_Comm comm, const AtlasModel *model, int64_t limit, int64_t count,
                           const AtlasAtom *atoms, Mistakes *mistakes, AtlasToken *tokens);

/* AtlasRows - appends the rows of atlas.csv for one model. Not collective. */
PetscErrorCode AtlasRows(const AtlasModel *model, int64_t count, const AtlasAtom *atoms,
                         const AtlasToken *tokens, const Looks *looks, Table *table);
extern const char atlas_columns[];
