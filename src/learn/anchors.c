/* Candidate sets: read from and written as files of ours. */
#include "base/digest.h"
#include "learn/dictionary.h"

PetscErrorCode AnchorsRead(const char *path, const Kernels *kernels, Mistakes *mistakes,
                           Anchors **anchors)
{
  Dictionary *dictionary;
  Digest digest;

  PetscFunctionBegin;
  *anchors = NULL;
  PetscCall(DictionaryRead(path, kernels, mistakes, &dictionary));
  if (!dictionary) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(ArrayCreate(1, anchors));
  (*anchors)->p = dictionary->m, (*anchors)->d = dictionary->d;
  (*anchors)->points = dictionary->atoms;
  dictionary->atoms = NULL;
  digest_begin(&digest);
  digest_add(&digest, &(*anchors)->p, sizeof((*anchors)->p));
  digest_add(&digest, (*anchors)->points, (size_t)((*anchors)->p * (*anchors)->d) * sizeof(float));
  digest_end(&digest, (*anchors)->digest);
  PetscCall(DictionaryDestroy(&dictionary));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode AnchorsDestroy(Anchors **anchors)
{
  PetscFunctionBegin;
  if (*anchors) PetscCall(ArrayDestroy(&(*anchors)->points));
  PetscCall(ArrayDestroy(anchors));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode AnchorsWrite(const char *path, const Dictionary *dictionary,
                            const Normaliser *normaliser, Mistakes *mistakes)
{
  State state = {0};
  H5Writer *writer;
  int numbers[STATE_MAX];

  PetscFunctionBegin;
  state_shared(&state, "atoms", H5_F32, 2, dictionary->m, dictionary->d, dictionary->atoms);
  state_shared(&state, "normalise/mean", H5_F64, 1, normaliser->d, 1, normaliser->mean);
  state_shared(&state, "normalise/scale", H5_F64, 1, normaliser->d, 1, normaliser->scale);
  PetscCall(H5WriterCreate(MPI_COMM_SELF, path, &writer));
  PetscCall(StateDeclare(writer, &state, numbers));
  PetscCall(H5WriterInteger(writer, NULL, "schema", 1));
  PetscCall(H5WriterText(writer, NULL, "kind", "anchors"));
  PetscCall(H5WriterText(writer, NULL, "method", ""));
  PetscCall(H5WriterText(writer, NULL, "settings", ""));
  PetscCall(H5WriterText(writer, NULL, "tokens", dictionary->tokens_digest));
  PetscCall(H5WriterText(writer, NULL, "anchors", ""));
  PetscCall(H5WriterLayout(writer, mistakes));
  if (mistakes_count(mistakes)) {
    PetscCall(H5WriterAbandon(&writer));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(StateWrite(MPI_COMM_SELF, writer, &state, numbers));
  PetscCall(H5WriterCommit(&writer, mistakes));
  PetscFunctionReturn(PETSC_SUCCESS);
}
