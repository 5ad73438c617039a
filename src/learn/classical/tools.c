/* Small things that classical methods share: rules of sign and order, a check. */
#include "lanes.h"
#include "learn/classical.h"
#include <math.h>
#include <string.h>

void less_shift(int64_t rows, int64_t d, const float *X, const float *shift, float *restrict out)
{
  for (int64_t t = 0; t < rows; t++, X += d, out += d) {
    int64_t i = 0;
    for (; i + 4 <= d; i += 4)
      *(FloatLanes *)(out + i) = *(const FloatLanes *)(X + i) - *(const FloatLanes *)(shift + i);
    for (; i < d; i++) out[i] = X[i] - shift[i];
  }
}

void product64(const Kernels *kernels, int64_t m, int64_t p, int64_t d, const double *A,
               const double *B, double *OUT)
{
  memset(OUT, 0, (size_t)(m * d) * sizeof(*OUT));
  kernels->subtract64(m, p, d, A, p, B, d, NULL, OUT, d);
  for (int64_t i = 0; i < m * d; i++) OUT[i] = 0 - OUT[i]; /* 0 stays + 0 */
}

bool settle_sign(int64_t d, double *x)
{
  int64_t largest = 0;
  for (int64_t i = 1; i < d; i++)
    if (fabs(x[i]) > fabs(x[largest])) largest = i;
  if (!(x[largest] < 0)) return false;
  for (int64_t i = 0; i < d; i++) x[i] = -x[i];
  return true;
}

void order_by(int64_t m, const double *key, int64_t *order)
{
  for (int64_t j = 0; j < m; j++) {
    int64_t at = j;
    for (; at > 0 && key[j] > key[order[at - 1]]; at--) order[at] = order[at - 1];
    order[at] = j;
  }
}

/* Some columns of Y, `wide` of them in rows ld apart. L: the transpose of R. */
static void solve_columns(const Kernels *kernels, int64_t m, int64_t wide, const double *L,
                          const double *R, double *Y, int64_t ld)
{
  enum { TOGETHER = 8 };
  for (int64_t j = 0; j < m; j++) {
    const int64_t first = j / TOGETHER * TOGETHER; /* rows before it were taken off together */
    double *restrict y = Y + j * ld;
    if (j == first)
      kernels->subtract64(min_i64(TOGETHER, m - j), j, wide, L + j * m, m, Y, ld, NULL, y, ld);
    kernels->subtract64(1, j - first, wide, L + j * m + first, m, Y + first * ld, ld, NULL, y, ld);
    for (int64_t i = 0; i < wide; i++) y[i] = L[j * m + j] > 0 ? y[i] / L[j * m + j] : 0;
  }
  for (int64_t j = m - 1; j >= 0; j--) {
    double *restrict y = Y + j * ld;
    kernels->subtract64(1, m - 1 - j, wide, R + j * m + j + 1, m, Y + (j + 1) * ld, ld, NULL, y,
                        ld);
    for (int64_t i = 0; i < wide; i++) y[i] = R[j * m + j] > 0 ? y[i] / R[j * m + j] : 0;
  }
}

PetscErrorCode SolveFactored(const Kernels *kernels, int64_t m, int64_t d, const double *R,
                             double *Y)
{
  double *L;

  PetscFunctionBegin;
  PetscCall(ArrayCreate(m * m, &L));
  for (int64_t i = 0; i < m * m; i++) L[i % m * m + i / m] = R[i];
  for (int64_t i = 0; i < d; i += CLASSICAL_COLUMNS)
    solve_columns(kernels, m, min_i64(CLASSICAL_COLUMNS, d - i), L, R, Y + i, d);
  PetscCall(ArrayDestroy(&L));
  PetscFunctionReturn(PETSC_SUCCESS);
}

char *width_check(int64_t width, const Settings *all, const char *what)
{
  const int64_t d = settings_int(all, "tokens.width");
  Text reason = {0};
  if (d && width > d)
    text_add(&reason, "%lld %s are more than the %lld dimensions of the tokens", (long long)width,
             what, (long long)d);
  return reason.s;
}

char *tokens_check(int64_t width, const Settings *all)
{
  const int64_t n = settings_int(all, "tokens.train");
  Text reason = {0};
  if (n && width > n)
    text_add(&reason, "%lld atoms are more than the %lld training tokens that they are drawn from",
             (long long)width, (long long)n);
  return reason.s;
}

char *negative_check(const Settings *all, const char *method)
{
  const char *center = settings_get(all, "normalise.center");
  const double least = settings_real(all, "tokens.minimum");
  Text reason = {0};
  if (center && !strcmp(center, "mean"))
    text_add(&reason,
             "%s needs tokens that are nowhere negative, and normalise.center: mean makes them so; "
             "give the model normalise: {center: min}",
             method);
  else if (center && !strcmp(center, "none") && least < 0)
    text_add(&reason,
             "%s needs tokens that are nowhere negative, but they go down to %g; give the model "
             "normalise: {center: min}",
             method, least);
  return reason.s;
}
