/* Mean values of pairs of null dictionaries, as many as it takes. */
#include "compare/nulls.h"
#include "compare/null_parts.h"
#include <math.h>

enum { MOST_PAIRS = 4096, MOST_OF_SET = 6 };
static const double standard_error = .002;

NullPart null_part(const Comparison *one)
{
  return one->needs & NEED_OTHERS  ? NULLS_OTHERS
         : one->needs & NEED_CODES ? NULLS_CODES
                                   : NULLS_PLAIN;
}

int64_t null_set(const NullShape *shape)
{
  return min_i64(shape->runs, MOST_OF_SET);
}

/* Mean of the first n pairs of one value, width apart, in order. Gives how many pairs it needs,
   judged by these. */
static double pairs_needed(int64_t n, int64_t width, const double *value, double *mean)
{
  double sum = 0, squares = 0;
  for (int64_t p = 0; p < n; p++) sum += value[p * width];
  *mean = sum / (double)n;
  for (int64_t p = 0; p < n; p++) {
    const double off = value[p * width] - *mean;
    squares += off * off;
  }
  return squares / (double)(n - 1) / (standard_error * standard_error);
}

/* Takes each value as far as the pairs done go: n[v] of them once they are enough, else as many as
   it wants next. Gives the most that any wants. */
static int64_t judge(int64_t done, int64_t limit, int64_t width, const double *all, int64_t *n,
                     double *mean)
{
  int64_t most = 0;
  for (int64_t v = 0; v < width; v++) {
    while (n[v] <= done) {
      const double needed = pairs_needed(n[v], width, all + v, &mean[v]);
      if (!(needed >= (double)n[v]) || n[v] == limit) break;
      n[v] = min_i64(limit, min_i64(2 * n[v], (int64_t)fmin(needed, 1e9) + 1));
    }
    most = max_i64(most, n[v]);
  }
  return most;
}

/* How many pairs, or sets, there are at first and at most. */
static void limits(const NullShape *shape, NullPart part, int64_t *first, int64_t *most)
{
  const int64_t m = max_i64(1, max_i64(shape->m[0], shape->m[1])), S = null_set(shape),
                each = part == NULLS_OTHERS ? max_i64(1, S * (S - 1) / 2) : 1;
  *most = max_i64(2, MOST_PAIRS / each);
  *first = max_i64(2, min_i64(64, 8192 / (m * each)));
  if (part == NULLS_CODES) *first = max_i64(4, min_i64(16, 2048 / m));
  if (min_i64(shape->m[0], shape->m[1]) == 0 || (part == NULLS_OTHERS && S < 3)) *first = 0;
}

/* Values [CENTRINGS x comparisons] of comparisons that are all of one part. */
static PetscErrorCode PartValues(MPI_Comm comm, const NullSource *source, NullKind kind,
                                 const NullShape *shape, NullPart part,
                                 const CompareOptions *options, double *values, int64_t *pairs)
{
  const int64_t width = CENTRINGS * chosen_count(options->chosen);
  int64_t done = 0, n, most, *each, number, workers;
  double *all;
  PetscFunctionBeginUser;
  limits(shape, part, &n, &most);
  PetscCall(PairWorkers(comm, max_i64(shape->m[0], shape->m[1]), &number, &workers));
  PetscCall(ArrayCreate(most * width, &all));
  PetscCall(ArrayCreate(width, &each));
  for (int64_t v = 0; v < width; v++) values[v] = (double)NAN;
  for (int64_t v = 0; v < width; v++) each[v] = n;
  while (done < n) {
    for (int64_t p = done; p < n; p++)
      if (p % workers == number)
        PetscCall((part == NULLS_OTHERS ? NullSet : NullPair)(source, kind, p, shape, options,
                                                              all + p * width));
    PetscCall(SpreadJoin(comm, (n - done) * width, all + done * width));
    done = n;
    n = judge(done, most, width, all, each, values);
  }
  *pairs = max_i64(*pairs, done);
  PetscCall(ArrayDestroy(&each));
  PetscCall(ArrayDestroy(&all));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NullValues(MPI_Comm comm, const NullSource *source, NullKind kind,
                          const NullShape *shape, NullPart part, const CompareOptions *options,
                          double *values, int64_t *pairs)
{
  const int64_t measures = chosen_count(options->chosen);
  ChosenComparison *chosen;
  int64_t count = 0, taken = 0, *measure;
  double *mine;
  PetscFunctionBeginUser;
  PetscCall(ArrayCreate(measures + 1, &chosen));
  PetscCall(ArrayCreate(measures, &measure));
  PetscCall(ArrayCreate(CENTRINGS * measures, &mine));
  for (int64_t v = 0; v < measures; v++) {
    if (null_part(options->chosen[v].comparison) != part) continue;
    measure[count] = v;
    chosen[count++] = options->chosen[v];
  }
  const CompareOptions only = {chosen, options->centrings};
  if (count) PetscCall(PartValues(comm, source, kind, shape, part, &only, mine, &taken));
  for (Centring c = 0; c < CENTRINGS; c++)
    for (int64_t v = 0; v < count; v++) values[c * measures + measure[v]] = mine[c * count + v];
  if (pairs) *pairs = taken;
  PetscCall(ArrayDestroy(&mine));
  PetscCall(ArrayDestroy(&measure));
  PetscCall(ArrayDestroy(&chosen));
  PetscFunctionReturn(PETSC_SUCCESS);
}
