/* The parts of AcrossTable(): one couple of models, what its pairs say together, in words. */
#pragma once
#include "compare/across.h"
#include "compare/sides.h"
#include "base/text.h"

typedef struct {
  const ComparedGroup *group;
  const Living *living;
  int64_t runs, *run; /* [runs] those that enter */
  Sides *sides;
} AcrossSide;

/* Two models, and the pairs of their runs. */
typedef struct {
  const CompareOptions *options;
  AcrossSide side[2];
  bool stored_units; /* of the tokens; false: those of both normalisations */
  bool same_tokens;  /* codes of both can be compared */
  int64_t measures, pairs;
  int64_t (*pair)[2]; /* [pairs] runs of a and of b, by their place in side[].run */
  double *value;      /* [pairs x CENTRINGS x measures] */
  double *whole;      /* likewise, the atoms without a partner counted as 0 */
  double *fact;       /* [pairs x FACTS] 1: it holds */
} Across;
enum { FACT_ENCODER_A, FACT_ENCODER_B, FACT_CODES_A, FACT_CODES_B, FACT_SAME_START, FACTS };

static inline double *across_value(const Across *all, double *of, int64_t pair, Centring c,
                                   int64_t measure)
{
  return of + (pair * CENTRINGS + c) * all->measures + measure;
}

/* Mean over pairs, and its interval, NaN where there is none. */
typedef struct {
  double mean, low, high, whole;
} Summary;
/* AcrossSummary - of one measure. Not collective. */
PetscErrorCode AcrossSummary(const Across *all, Centring c, int64_t measure, Summary *summary);

/* across_note - what is to be said of a row. */
void across_note(const Across *all, const Comparison *one, const Summary *row, Text *note);

/* Do the runs of both models have the same seeds one by one, partner [runs of a]? */
bool across_paired(const Across *all, int64_t *partner);
