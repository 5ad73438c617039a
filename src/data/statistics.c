/* Mean, deviation and sizes from exact sums: n S2 - S1^2 is formed without rounding, so that a
   large mean costs no digit. */
#include "statistics.h"
#include <math.h>

PetscErrorCode StatisticsCreate(int64_t d, TokenStatistics **statistics)
{
  PetscFunctionBeginUser;
  PetscCall(PetscNew(statistics));
  PetscCall(PetscCalloc4(d, &(*statistics)->mean, d, &(*statistics)->deviation, d,
                         &(*statistics)->minimum, d, &(*statistics)->maximum));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode StatisticsDestroy(TokenStatistics **statistics)
{
  PetscFunctionBeginUser;
  if (!*statistics) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscFree4((*statistics)->mean, (*statistics)->deviation, (*statistics)->minimum,
                       (*statistics)->maximum));
  PetscCall(PetscFree(*statistics));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Adds a b without rounding. */
static void add_product(Exact *sum, double a, double b)
{
  const double product = a * b;
  exact_add(sum, product);
  exact_add(sum, fma(a, b, -product));
}

/* The sum of one column over the files as three numbers; 0: sums, SUM_PARTS: squares. */
static void join_parts(int64_t d, int64_t files, const double *const *sums, int64_t column,
                       int first, double part[SUM_PARTS])
{
  Exact sum = {0};
  for (int64_t f = 0; f < files; f++)
    for (int p = 0; p < SUM_PARTS; p++) exact_add(&sum, sums[f][(first + p) * d + column]);
  for (int p = 0; p < SUM_PARTS; p++) {
    part[p] = exact_value(&sum);
    exact_add(&sum, -part[p]);
  }
}

void statistics_from_sums(int64_t n, int64_t d, int64_t files, const double *const *sums,
                          TokenStatistics *statistics)
{
  const double count = (double)n;
  Exact spread = {0}, squares = {0}, mean_squares = {0};
  for (int64_t i = 0; i < d; i++) {
    double one[SUM_PARTS], two[SUM_PARTS];
    Exact variance = {0};
    join_parts(d, files, sums, i, 0, one);
    join_parts(d, files, sums, i, SUM_PARTS, two);
    for (int p = 0; p < SUM_PARTS; p++) {
      add_product(&variance, count, two[p]);
      add_product(&squares, count, two[p]);
      for (int q = 0; q < SUM_PARTS; q++) {
        add_product(&variance, -one[p], one[q]);
        add_product(&mean_squares, one[p], one[q]);
      }
    }
    exact_join(&spread, &variance);
    statistics->mean[i] = one[0] / count;
    statistics->deviation[i] = sqrt(fmax(exact_value(&variance), 0)) / count;
  }
  const double all = exact_value(&squares);
  statistics->square = fmax(exact_value(&spread), 0) / count / count;
  statistics->mean_over_rms = all > 0 ? sqrt(exact_value(&mean_squares) / all) : 0;
}
