/* Two basins: the best split of the runs, after their own effects are taken away. */
#include "compare/basins.h"
#include <math.h>
#include <string.h>
#include "base/array.h"

/* 99 % quantiles of the best split's share for normal pairs, from S = 5 on (docs/coverage.md); more
   runs than listed: the last, which is above theirs. */
static const double bounds[] = {0.92805, 0.77319, 0.63390, 0.53142, 0.45452, 0.39591,
                                0.34759, 0.30805, 0.27552, 0.24958, 0.22835, 0.20928};

double basins_bound(int64_t S)
{
  const int64_t last = (int64_t)(sizeof(bounds) / sizeof(bounds[0])) + 4;
  return S < 5 ? (double)NAN : bounds[(S < last ? S : last) - 5];
}

/* h less its mean and run effects, by least squares, both halves; gives the sum of squares above
   the diagonal. */
static double take_effects(int64_t S, const double *h, double *effect, double *rest)
{
  const double s = (double)S;
  double total = 0, squares = 0;
  for (int64_t i = 0; i < S; i++) effect[i] = 0;
  for (int64_t i = 0; i < S; i++)
    for (int64_t j = i + 1; j < S; j++) {
      effect[i] += h[i * S + j];
      effect[j] += h[i * S + j];
      total += h[i * S + j];
    }
  const double mean = total / (s * (s - 1) / 2);
  for (int64_t i = 0; i < S; i++) effect[i] = (effect[i] - (s - 1) * mean) / (s - 2);
  for (int64_t i = 0; i < S; i++)
    for (int64_t j = i + 1; j < S; j++) {
      const double r = h[i * S + j] - mean - effect[i] - effect[j];
      rest[i * S + j] = rest[j * S + i] = r;
      squares += r * r;
    }
  return squares;
}

/* Sum of squares that the contrast of a split explains; 0 where a part is too small or the parts
   are less alike within than between. */
static double explained(int64_t S, const double *rest, const bool *side)
{
  double sum[3] = {0};
  double n = 0;
  for (int64_t i = 0; i < S; i++) {
    n += side[i];
    for (int64_t j = i + 1; j < S; j++) sum[side[i] != side[j] ? 2 : side[i]] += rest[i * S + j];
  }
  const double m = (double)S - n;
  if (n < 2 || m < 2) return 0;
  const double in = n * (n - 1) / 2, out = m * (m - 1) / 2, across = n * m;
  const double contrast = 0.5 * (sum[1] / in + sum[0] / out) - sum[2] / across;
  return contrast > 0 ? contrast * contrast / (0.25 / in + 0.25 / out + 1 / across) : 0;
}

/* Moves single runs from one part to the other while that explains more, the best move first. */
static double climb(int64_t S, const double *rest, bool *side)
{
  double best = explained(S, rest, side);
  for (;;) {
    int64_t move = -1;
    for (int64_t i = 0; i < S; i++) {
      side[i] = !side[i];
      const double value = explained(S, rest, side);
      if (value > best) best = value, move = i;
      side[i] = !side[i];
    }
    if (move < 0) return best;
    side[move] = !side[move];
  }
}

/* Those that are as like run i as it is itself, in sign. */
static void start_from(int64_t S, const double *rest, int64_t i, bool *side)
{
  for (int64_t j = 0; j < S; j++) side[j] = j == i || rest[i * S + j] > 0;
}

PetscErrorCode PairBasins(int64_t S, const double *h, bool *side, double *share, bool *two)
{
  double *rest, *effect, scale = 0, best = 0;
  bool *mine;
  PetscFunctionBeginUser;
  *two = false;
  if (side) memset(side, 0, (size_t)S * sizeof(*side));
  if (share) *share = NAN;
  if (S < 5) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(ArrayCreate(S * S, &rest));
  PetscCall(ArrayCreate(S, &effect));
  PetscCall(ArrayCreate(S, &mine));
  for (int64_t i = 0; i < S; i++)
    for (int64_t j = i + 1; j < S; j++) scale += h[i * S + j] * h[i * S + j];
  const double squares = take_effects(S, h, effect, rest);
  for (int64_t i = 0; squares > 1e-24 * scale && i < S; i++) {
    start_from(S, rest, i, mine);
    const double value = climb(S, rest, mine);
    if (!(value > best)) continue;
    best = value;
    for (int64_t j = 0; side && j < S; j++) side[j] = mine[j] != mine[0];
  }
  if (squares > 1e-24 * scale) {
    if (share) *share = best / squares;
    *two = best > basins_bound(S) * squares;
  }
  PetscCall(ArrayDestroy(&mine));
  PetscCall(ArrayDestroy(&effect));
  PetscCall(ArrayDestroy(&rest));
  PetscFunctionReturn(PETSC_SUCCESS);
}
