/* Token files: activations [n x d] with labels, groups and positions, as docs/files.md describes.
 * Several files may be read as one. */
#pragma once
#include "base/h5.h"
#include "compute/kernels.h"

typedef struct Tokens Tokens;

/* Statistics of all tokens, exact sums rounded once. */
typedef struct {
  double *mean;         /* [d] */
  double *deviation;    /* [d] sqrt(mean (x - mean)^2) */
  double *minimum;      /* [d] */
  double *maximum;      /* [d] */
  double square;        /* mean over tokens of |x - mean|^2 */
  double mean_over_rms; /* |mean| / sqrt(mean |x|^2) */
} TokenStatistics;

/* TokensOpen - opens token files (all of one width) for reading; rows are counted through them. A
   file that is missing, foreign, truncated or of another width is a mistake, and *tokens is NULL
   then. Collective on comm. TokensClose takes NULL too. */
PetscErrorCode TokensOpen(MPI_Comm comm, const Kernels *kernels, int64_t files,
                          const char *const *paths, Mistakes *mistakes, Tokens **tokens);
PetscErrorCode TokensClose(Tokens **tokens);

int64_t tokens_count(const Tokens *tokens);
int64_t tokens_width(const Tokens *tokens);
const char *tokens_digest(const Tokens *tokens); /* content of tokens, labels, groups, positions
                                                    and names; of several files, of their digests */
const TokenStatistics *tokens_statistics(const Tokens *tokens);

/* TokensRead - count rows named by row[] (any order, repeats allowed; ascending runs are read
   together) as float32, not normalised. X [count x d]. Not collective. Errors: PETSC_ERR_FILE_READ
   naming file and row; PETSC_ERR_FP at a non-finite value, with its row. */
PetscErrorCode TokensRead(Tokens *tokens, int64_t count, const int64_t *row, float *X);
/* TokensReadRange - rows first .. first + count - 1. Not collective. */
PetscErrorCode TokensReadRange(Tokens *tokens, int64_t first, int64_t count, float *X);
/* TokensGroups, TokensLabels - the group (label) of rows first .. ; without groups in the file,
   blocks of 256 consecutive tokens are the groups. there says whether all files have labels. Not
   collective. */
PetscErrorCode TokensGroups(Tokens *tokens, int64_t first, int64_t count, int64_t *group);
PetscErrorCode TokensLabels(Tokens *tokens, int64_t first, int64_t count, int64_t *label,
                            bool *there);
/* TokensTruth - /truth/atoms of the first file, which `ardis synth` stores beside tokens made of
   atoms: fresh memory [count x d] (ArrayDestroy), NULL where there is none. Not collective. */
PetscErrorCode TokensTruth(const Tokens *tokens, int64_t *count, float **atoms);
