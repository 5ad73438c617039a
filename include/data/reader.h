/* Reader - the training tokens of one view, stretch by stretch, as learners go through them. The
   rows of the last stretch are kept, so that learners that go through the same order side by side
   read each once; meanwhile a helper thread reads the next stretch. */
#pragma once
#include "data/view.h"

typedef struct Reader Reader;

/* Positions first .. first + count - 1 of an epoch, in the order of a seed (Order) or in file
   order. count may be 0. */
typedef struct {
  bool shuffled;
  int64_t seed, epoch; /* where shuffled; 0 elsewhere */
  int64_t first, count;
} Stretch;

/* ReaderCreate - for a view, which is borrowed. ReaderDestroy takes NULL too. Memory grows to two
   stretches of stored bytes and one of float32. Not collective, as all that follow. */
PetscErrorCode ReaderCreate(const View *view, Reader **reader);
PetscErrorCode ReaderDestroy(Reader **reader);
/* ReaderAsk - the rows of now are wanted, and those of next (NULL: none) most likely after them.
   Errors: as TokensRead, of now alone. */
PetscErrorCode ReaderAsk(Reader *reader, const Stretch *now, const Stretch *next);
/* ReaderRows - rows at .. at + count - 1 of the stretch asked for last, normalised: *X [count x d],
   to be read until another stretch is asked for. Rows are unpacked when they are first wanted. */
PetscErrorCode ReaderRows(Reader *reader, int64_t at, int64_t count, const float **X);
/* ReaderLess - the same rows less shift [d], to [count x d]. They are unpacked each time: that
   takes no longer than going through rows that are kept, which would not stay in a cache. */
PetscErrorCode ReaderLess(const Reader *reader, int64_t at, int64_t count, const float *shift,
                          float *to);
