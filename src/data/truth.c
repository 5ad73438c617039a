/* The atoms that tokens were made of. */
#include "base/array.h"
#include "token_files.h"

PetscErrorCode TokensTruth(const Tokens *tokens, int64_t *count, float **atoms)
{
  Mistakes *mistakes;
  H5Reader *reader;
  H5Info info;
  bool found = false;
  PetscFunctionBeginUser;
  *count = 0;
  *atoms = NULL;
  PetscCall(MistakesCreate(&mistakes));
  PetscCall(H5ReaderOpen(tokens->file[0].path, mistakes, &reader));
  if (reader) PetscCall(H5ReaderInfo(reader, "truth/atoms", &info, &found));
  if (found && info.rank == 2 && info.dims[1] == tokens->d) {
    *count = info.dims[0];
    PetscCall(ArrayCreate(*count * tokens->d, atoms));
    PetscCall(H5ReaderRows(reader, "truth/atoms", 0, *count, H5_F32, *atoms));
  }
  PetscCall(H5ReaderClose(&reader));
  PetscCall(MistakesDestroy(&mistakes));
  PetscFunctionReturn(PETSC_SUCCESS);
}
