/* Average linkage: which runs of a model are most alike. */
#pragma once
#include "base/error.h"

typedef struct {
  int a, b;      /* nodes: below n a run, n + i the i-th merge */
  double height; /* mean distance of the runs of both */
} Merge;

/*
  cluster_average - merges n runs by average linkage (UPGMA, Sokal and Michener 1958)

  The two clusters whose runs are on the average nearest are joined, until one is left; of equal
  distances those of the least runs first. Not collective.

  in   n
  in   distance  [n x n] symmetric; the diagonal is not read
  out  merge     [n - 1] in the order in which they were made; a holds the least run of both
  out  order     [n] the runs from left to right, so that no branches cross
*/
void cluster_average(int n, const double *distance, Merge *merge, int *order);
