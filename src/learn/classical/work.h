/* What classical methods have to do, put together: docs/scaling.md. */
#pragma once
#include "learn/method.h"

/* One more kernel for each token. */
static inline void work_part(MethodWork *all, const char *kernel, double a, double b, double times)
{
  int i = 0;
  while (i < WORK_PARTS && all->part[i].kernel) i++;
  PetscCheckAbort(i < WORK_PARTS, PETSC_COMM_SELF, PETSC_ERR_ARG_SIZ, "more than %d kernels",
                  WORK_PARTS);
  all->part[i] = (WorkPart){kernel, a, b, times};
}

/* One pass that sums the products of all pairs of dimensions, and the directions from them. */
static inline MethodWork gram_work(double d)
{
  return (MethodWork){.part = {{"sum_products", d, d, (d + 1) / (2 * d)}},
                      .units = 1,
                      .products = d * (d + 1),
                      .once = 9 * d * d * d,
                      .sums = d * (d + 3) / 2,
                      .memory = 8 * d * d};
}

/* Codes by active sets of about a of m atoms, and the sums Z^T Z and Z^T X: the set is looked for
   in float32 (`descend`), solved once (`solve_sets`), and held against all atoms once. */
static inline MethodWork factors_work(double units, double m, double d, double a)
{
  return (MethodWork){.part = {{"scores", m, d, 1},
                               {"descend", m, 0, 1},
                               {"solve_sets", a, m, 1},
                               {"subtract64 row", a, m, 1},
                               {"combine", m, d, 1},
                               {"distances64", 0, d, 1},
                               {"sum_products", m, d, 1},
                               {"sum_products", m, m, 1}},
                      .units = units,
                      .products = 6 * m * d + 2 * m * m + 6 * 2 * m * m,
                      .exact = a * a * a / 3 + 2 * a * a + 2 * m * a,
                      .after_exact = m * m * d,
                      .sums = m * (d + m),
                      .memory = 24 * m * (d + m) + 2048 * (d + 2 * m)};
}

/* One pass that scores tokens, after a sample was looked at. */
static inline MethodWork select_work(double products, double exact, double touched, double once,
                                     double memory, double gathered)
{
  return (MethodWork){.units = 1,
                      .products = products,
                      .exact = exact,
                      .touched = touched,
                      .once = once,
                      .memory = memory,
                      .gathered = gathered};
}
