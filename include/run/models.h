/* Model files without a run folder: imported ones, those of finished runs, stable dictionaries. */
#pragma once
#include "data/tokens.h"
#include "learn/dictionary.h"
#include "measure/metric.h"

/* model_file - the model file that a path names: a run's folder stands for its model.h5. Fresh
   memory. */
char *model_file(const char *path);

/* TokensFit - opens the tokens for models of width d; another width is a mistake, as is what
   TokensOpen() refuses, and *tokens NULL then. Collective on comm. */
PetscErrorCode TokensFit(MPI_Comm comm, const Kernels *kernels, const char *path, int64_t d,
                         Mistakes *mistakes, Tokens **tokens);

/*
  MeasureModel - all metrics of one model on tokens, normalised as the model's were

  Of atoms without an encoder those that ask for no codes.

  Collective on comm.

  in   dictionary  the same on every rank
  in   tokens      of its width
  in   held_out    share of the groups that are measured apart, as a spec's held_out says; then the
                   others are sampled as a spec does by default. 0: all tokens together
  out  values      rows of metrics.csv (metric, split, setting, value), split "all" where there is
                   one; the caller's
*/
PetscErrorCode MeasureModel(MPI_Comm comm, const Dictionary *dictionary, Tokens *tokens,
                            double held_out, Mistakes *mistakes, Table **values);

/* Has the model codes? Atoms alone have none. */
bool has_codes(const Dictionary *dictionary);

/*
  CompareModels - dictionaries of model files against each other, every two of them: the rows of
  across.csv (compare/across.h), a model by its path

  All comparisons with their default settings, raw and centred atoms. With tokens, an atom that
  fires on none of a million of them is dead and left out, and codes are compared on a sample of all
  tokens, each model's normalised as it was trained; without, atoms of length 0 are.

  Collective on comm.

  in   path    [count] files, or runs' folders
  in   tokens  a token file, or NULL
  out  table   the caller's; NULL after a mistake: dictionaries of different widths are one
*/
PetscErrorCode CompareModels(MPI_Comm comm, const Kernels *kernels, int64_t count,
                             const char *const *path, const char *tokens, Mistakes *mistakes,
                             Table **table);
