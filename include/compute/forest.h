/* Trees that tokens go down, for Kernels.walk. */
#pragma once
#include "base/param.h"

/* Goes to the second of its two sides where x[dimension] >= cut. */
typedef struct {
  int32_t dimension;
  float cut;
} Fork;

/* A fork of the first levels that has two sides. */
typedef struct {
  int32_t column; /* where its dimension begins in a packed panel */
  float cut;
  int32_t at; /* its number in its tree */
} TopFork;

/* Levels that tokens go through side by side; below, one by one. Forks there are in a tree. */
enum { FOREST_TOP = 8, FOREST_FORKS = (1 << FOREST_TOP) - 1 };

/* Each tree is written out in full: a token at fork i goes on to fork 2 i + 1 or 2 i + 2, and after
   the last level is at leaf i - (2^levels - 1). Where a tree ends sooner all forks below have the
   cut infinity, so that every token goes to the first side. */
typedef struct Forest {
  int64_t trees, levels;
  Fork *fork;     /* [trees x 2^levels] the last one of a tree is not used */
  double *leaf;   /* [trees x 2^levels] */
  int64_t top;    /* levels, at most FOREST_TOP */
  int64_t *start; /* [trees x top + 1] where each of those levels begins in */
  TopFork *list;  /* [start[trees x top]] */
} Forest;

/* ForestCreate - trees that end at once, with leaves of 0, for the caller to fill; ForestReady then
   lists the first levels. ForestDestroy takes NULL too. Not collective. */
PetscErrorCode ForestCreate(int64_t trees, int64_t levels, Forest **forest);
PetscErrorCode ForestReady(Forest *forest);
PetscErrorCode ForestDestroy(Forest **forest);
