/* The subset of Python's pickle format that torch.save needs for dictionaries of tensors. */
#pragma once
#include "base/mistakes.h"
#include "base/text.h"

typedef enum {
  PICKLE_NONE,
  PICKLE_BOOL,
  PICKLE_INT,
  PICKLE_REAL,
  PICKLE_TEXT,
  PICKLE_TUPLE,
  PICKLE_LIST,
  PICKLE_DICT,
  PICKLE_GLOBAL,  /* text: "torch FloatStorage" */
  PICKLE_STORAGE, /* link: the tuple that names it */
  PICKLE_TENSOR   /* link: the tuple of arguments that it is rebuilt from */
} PickleKind;

/* One value. Values are named by their numbers. */
typedef struct {
  PickleKind kind;
  int64_t i;      /* BOOL, INT; STORAGE, TENSOR: number of the tuple */
  double x;       /* REAL */
  char *text;     /* TEXT, GLOBAL */
  int64_t first;  /* TUPLE, LIST, DICT: number of the first link, or -1 */
  int64_t last;   /* and of the last */
  int64_t length; /* how many */
} PickleValue;
typedef struct {
  int64_t key, value, next; /* key: DICT only; next -1: the last */
} PickleLink;

typedef struct {
  int64_t values, links, top; /* top: the number of what was pickled */
  PickleValue *value;
  PickleLink *link;
} Pickle;

/* PickleRead - what bytes say, without running anything: an instruction or a name that dictionaries
   of tensors do not need is a mistake of path, and so is anything broken; then pickle->values is 0.
   pickle_free frees. Not collective. */
PetscErrorCode PickleRead(const char *path, const unsigned char *bytes, int64_t size,
                          Mistakes *mistakes, Pickle *pickle);
void pickle_free(Pickle *pickle);
/* Member i of a tuple or list, or NULL. */
const PickleValue *pickle_item(const Pickle *pickle, const PickleValue *value, int64_t i);
