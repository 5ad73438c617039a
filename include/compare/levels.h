/* Stability of two models where they are equally sparse, or explain equally much. */
#pragma once
#include "base/table.h"

/*
  LevelsTable - rows of levels.csv: two models over their grids, at matched l0 and at matched r2

  The grid points of a model ("topk", "topk code.k=8", ...) are sorted by their held-out mean of l0
  (or r2); points at one level count as their mean. Between neighbours the value of a measure is
  interpolated linearly. A level is one that either model was measured at, inside the ranges of
  both: nothing is extrapolated.

  Not collective.

  in   stability  rows as of stability.csv
  in   groups     rows as of groups.csv
  out  levels     model_a, model_b, at, level, measure, centring, value_a, value_b, difference,
                   note (what stands beside any row of stability.csv that a value is made of)
*/
PetscErrorCode LevelsTable(const Table *stability, const Table *groups, Table **levels);
