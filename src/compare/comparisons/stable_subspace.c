/* Do the most stable atoms of two dictionaries span the same subspace? The q atoms of each run that
   the other runs have best, chosen without the run that they are compared with. */
#include "compare/comparison.h"
#include <math.h>

typedef struct {
  int64_t q;
} Params;

static double value(const AtomPair *pair, const void *params)
{
  const int64_t d = pair->a.d, wanted = params ? ((const Params *)params)->q : 8,
                most = min_i64(wanted, d);
  double *room;
  if (ArrayCreate(2 * most * d, &room)) return (double)NAN;
  const int64_t p = span_basis(d, min_i64(most, pair->a.m), pair->a.unit, pair->a.stable, room),
                q = span_basis(d, min_i64(most, pair->b.m), pair->b.unit, pair->b.stable,
                               room + most * d);
  const double overlap = spans_overlap(d, p, room, q, room + most * d);
  ArrayDestroy(&room);
  return overlap;
}

const Comparison comparison_stable_subspace = {
    .entry = {.name = "stable_subspace",
              .summary =
                  "mean squared cosine of the principal angles of the q atoms that third runs "
                  "have best",
              .cite = "2606.12138; Bjorck and Golub 1973",
              .params =
                  (const Param[]){
                      {"q", PARAM_INT, offsetof(Params, q), "8", 1, 4096, "how many atoms"}, {0}},
              .params_size = sizeof(Params)},
    .needs = NEED_OTHERS,
    .laws = LAW_SELF | LAW_SYMMETRIC | LAW_ORDER,
    .whole = true,
    .value = value,
};
