/* Accelerated projected gradient (Beck and Teboulle 2009, SIAM J. Imaging Sci. 2, 183, with a
   constant step) in float32: a dense product for each step of all tokens. Exact codes start from
   the atoms that it leaves above 0, so its steps are part of what defines their last bits. */
#include "guess.h"
#include "base/array.h"
#include <math.h>
#include <string.h>

PetscErrorCode GuessCreate(const Kernels *kernels, int64_t m, Guess *guess)
{
  double t = 1;

  PetscFunctionBegin;
  *guess = (Guess){.kernels = kernels, .m = m};
  PetscCall(ArrayCreate(m * m, &guess->K));
  PetscCall(ArrayCreate(GUESS_ROWS * m, &guess->Y));
  PetscCall(ArrayCreate(GUESS_ROWS * m, &guess->P));
  for (int i = 0; i < GUESS_STEPS; i++) {
    const double next = (1 + sqrt(1 + 4 * t * t)) / 2;
    guess->momentum[i] = (float)((t - 1) / next);
    t = next;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode GuessDestroy(Guess *guess)
{
  PetscFunctionBegin;
  packed_clear(&guess->packed);
  PetscCall(ArrayDestroy(&guess->K));
  PetscCall(ArrayDestroy(&guess->Y));
  PetscCall(ArrayDestroy(&guess->P));
  PetscFunctionReturn(PETSC_SUCCESS);
}

void guess_renew(Guess *guess, const double *K, int64_t ld)
{
  const int64_t m = guess->m;
  double most = 0;
  for (int64_t j = 0; j < m; j++) {
    double sum = 0;
    for (int64_t l = 0; l < m; l++) {
      guess->K[j * m + l] = (float)K[j * ld + l];
      sum += fabs(K[j * ld + l]);
    }
    most = fmax(most, sum);
  }
  guess->step = most > 0 ? (float)(1 / most) : 0;
  guess->kernels->pack(m, m, guess->K, m, &guess->packed);
}

/* z = max(0, y + (b - y K) step), then y = z + momentum (z - what it was). */
static void take_step(int64_t count, float step, float momentum, const float *restrict b,
                      const float *restrict P, float *restrict Y, float *restrict Z)
{
  for (int64_t i = 0; i < count; i++) {
    const float z = Y[i] + (b[i] - P[i]) * step, next = z > 0 ? z : 0;
    Y[i] = next + momentum * (next - Z[i]);
    Z[i] = next;
  }
}

void guess_rows(Guess *guess, int64_t rows, const float *b, float *Z)
{
  const int64_t m = guess->m;
  memset(Z, 0, (size_t)(rows * m) * sizeof(*Z));
  memset(guess->Y, 0, (size_t)(rows * m) * sizeof(*guess->Y));
  for (int i = 0; i < GUESS_STEPS; i++) {
    guess->kernels->scores(rows, guess->Y, m, &guess->packed, NULL, guess->P, m);
    take_step(rows * m, guess->step, guess->momentum[i], b, guess->P, guess->Y, Z);
  }
}
