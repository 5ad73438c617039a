/* A finished model as measuring, comparing and exporting see it: read from model.h5. */
#pragma once
#include "learn/method.h"

enum { DICTIONARY_ARRAYS = 16 };
struct Dictionary {
  const Method *method;
  const Kernels *kernels;
  Settings settings; /* this run's settings, from the file's attributes */
  int64_t m, d;
  int64_t k;      /* codes of a token, at most, in place of what the model was trained with; 0: as
                     trained.      To be set before the first token */
  float *atoms;   /* [m x d] */
  float *encoder; /* [m x d]; NULL: the method has none */
  float *encoder_bias;  /* [m] */
  float *bias;          /* [d]; NULL: none (0) */
  double *mean, *scale; /* [d] normalisation */
  int arrays;           /* further arrays under /code and /encoder */
  struct {
    char *name;
    int64_t count;
    double *x;
  } array[DICTIONARY_ARRAYS];
  char *anchors_digest; /* content of the anchors, or NULL */
  char *tokens_digest;
  void *extra;                                             /* the method's own */
  PetscErrorCode (*forget)(struct Dictionary *dictionary); /* frees extra; NULL: nothing to free */
};

/* DictionaryRead - from model.h5, initial.h5 or an anchors file. A file that is not ours or not
   whole is a mistake and *dictionary NULL. DictionaryDestroy takes NULL too. Not collective. */
PetscErrorCode DictionaryRead(const char *path, const Kernels *kernels, Mistakes *mistakes,
                              Dictionary **dictionary);
PetscErrorCode DictionaryDestroy(Dictionary **dictionary);
/* DictionaryEncode - codes of n normalised tokens X [n x d]. DictionaryDecode - reconstructions Y
   [n x d] = codes atoms + bias. Not collective. */
PetscErrorCode DictionaryEncode(const Dictionary *dictionary, int64_t n, const float *X,
                                Codes *codes);
PetscErrorCode DictionaryDecode(const Dictionary *dictionary, const Codes *codes, float *Y);

/* A further array of the file, of so many numbers; NULL: there is none. */
const double *dictionary_array(const Dictionary *dictionary, const char *name, int64_t count);

/* ModelWrite - model.h5 or initial.h5 of a learner: the method's arrays, /normalise, attributes
   from settings, seeds and digests, stop reason
   ("" for initial). Collective on the task's comm. */
PetscErrorCode ModelWrite(const Task *task, const Method *method, void *learner, const char *path,
                          const char *reason, Mistakes *mistakes);

/* AnchorsRead - candidates from a file with /atoms of ours, with the digest of their content. A bad
   file is a mistake and *anchors NULL. Not collective. AnchorsDestroy frees. */
PetscErrorCode AnchorsRead(const char *path, const Kernels *kernels, Mistakes *mistakes,
                           Anchors **anchors);
/* AnchorsWrite - a dictionary's atoms as candidates, in the units of tokens normalised so. One rank
 * calls it. */
PetscErrorCode AnchorsWrite(const char *path, const Dictionary *dictionary,
                            const Normaliser *normaliser, Mistakes *mistakes);
PetscErrorCode AnchorsDestroy(Anchors **anchors);
