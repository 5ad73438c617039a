/* Codes of whole token files. */
#pragma once
#include "data/tokens.h"
#include "learn/dictionary.h"

/*
  EncodeTokens - writes the codes of all tokens by a model, as compressed sparse rows

  The file holds /indptr [n + 1] (int64), /indices [nonzeros] (int32, ascending in a row) and /data
  [nonzeros] (float32): row t of the [n x m] matrix has data[indptr[t]] .. at columns indices[..].
  With `reconstruct` also /reconstructions [n x d] (float32): what the codes make of each token, in
  the units of the token file. Tokens are normalised as the model's were. Ranks share the tokens
  out; the bytes do not depend on how many there are. Each rank keeps its first codes, at most
  `keep` nonzeros, and computes the others twice, so that memory does not grow with n.

  Collective on comm.

  in   dictionary  the same on every rank
  in   tokens      of the model's width
  in   path        the file to write; replaced when it is whole
  in   keep        8 bytes each
  in   reconstruct whether reconstructions are written too
  out  nonzeros    of all tokens
*/
PetscErrorCode EncodeTokens(MPI_Comm comm, const Dictionary *dictionary, Tokens *tokens,
                            const char *path, int64_t keep, bool reconstruct, Mistakes *mistakes,
                            int64_t *nonzeros);
