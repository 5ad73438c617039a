/* Lawson and Hanson's active sets in terms of the Gram matrix K = D D^T: atoms enter one by one,
   the one that would help most first, and leave where their weight would turn its sign. On the
   simplex K and the products get one constant added, which changes the objective by a constant
   there and makes K regular where the atoms in use are affinely independent. */
#include "codes.h"
#include <math.h>
#include <string.h>

enum { ROWS = 64 };

struct CodeSolver {
  const Kernels *kernels;
  CodeRule rule;
  int64_t m, d;
  double *K; /* [m x m], with the constant */
  double constant;
  Packed packed;
  float *S;      /* [ROWS x m] products of tokens and atoms */
  int64_t count; /* atoms in use */
  int64_t *in;   /* [m] which */
  double *sign;  /* [m] of their weights */
  double *R;     /* [m x m] rows 0 .. count - 1: upper triangular, R^T R = K of the atoms in use */
  double *z, *y, *ones; /* [m] weights of those; what solves for them */
  double *b, *w;        /* [m] products; what is left of them */
  uint8_t *barred;      /* [m] in use, or found to be of no use */
};

PetscErrorCode CodeSolverCreate(const Kernels *kernels, int64_t m, int64_t d, const CodeRule *rule,
                                CodeSolver **out)
{
  CodeSolver *s;

  PetscFunctionBegin;
  PetscCall(ArrayCreate(1, &s));
  *out = s;
  s->kernels = kernels, s->rule = *rule, s->m = m, s->d = d;
  PetscCall(ArrayCreate(m * m, &s->K));
  PetscCall(ArrayCreate(m * m, &s->R));
  PetscCall(ArrayCreate(ROWS * m, &s->S));
  PetscCall(ArrayCreate(m, &s->in));
  PetscCall(ArrayCreate(m, &s->sign));
  PetscCall(ArrayCreate(m, &s->z));
  PetscCall(ArrayCreate(m, &s->y));
  PetscCall(ArrayCreate(m, &s->ones));
  PetscCall(ArrayCreate(m, &s->b));
  PetscCall(ArrayCreate(m, &s->w));
  PetscCall(ArrayCreate(m, &s->barred));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode CodeSolverDestroy(CodeSolver **solver)
{
  CodeSolver *s = *solver;

  PetscFunctionBegin;
  if (!s) PetscFunctionReturn(PETSC_SUCCESS);
  packed_clear(&s->packed);
  PetscCall(ArrayDestroy(&s->K));
  PetscCall(ArrayDestroy(&s->R));
  PetscCall(ArrayDestroy(&s->S));
  PetscCall(ArrayDestroy(&s->in));
  PetscCall(ArrayDestroy(&s->sign));
  PetscCall(ArrayDestroy(&s->z));
  PetscCall(ArrayDestroy(&s->y));
  PetscCall(ArrayDestroy(&s->ones));
  PetscCall(ArrayDestroy(&s->b));
  PetscCall(ArrayDestroy(&s->w));
  PetscCall(ArrayDestroy(&s->barred));
  PetscCall(ArrayDestroy(solver));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode CodeSolverRenew(CodeSolver *s, const float *D)
{
  const int64_t m = s->m, d = s->d;

  PetscFunctionBegin;
  s->kernels->pack(m, d, D, d, &s->packed);
  for (int64_t i = 0; i < m; i++)
    for (int64_t j = 0; j <= i; j++)
      s->K[i * m + j] = s->K[j * m + i] = s->kernels->dot64(d, D + i * d, D + j * d);
  s->constant = 0;
  if (!s->rule.simplex) PetscFunctionReturn(PETSC_SUCCESS);
  for (int64_t i = 0; i < m; i++) s->constant = fmax(s->constant, s->K[i * m + i]);
  if (s->constant == 0) s->constant = 1;
  for (int64_t i = 0; i < m * m; i++) s->K[i] += s->constant;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Adds atom j to those in use: a further row and column of R. False: it depends on the others. */
static bool extend(CodeSolver *s, int64_t j)
{
  const int64_t m = s->m, n = s->count;
  const double *k = s->K + j * m;
  double left = k[j];
  for (int64_t a = 0; a < n; a++) {
    double r = k[s->in[a]];
    for (int64_t i = 0; i < a; i++) r -= s->R[i * m + a] * s->R[i * m + n];
    s->R[a * m + n] = r / s->R[a * m + a];
  }
  for (int64_t a = 0; a < n; a++) left -= s->R[a * m + n] * s->R[a * m + n];
  if (!(left > 1e-10 * k[j])) return false;
  s->R[n * m + n] = sqrt(left);
  s->in[n] = j;
  s->z[n] = 0;
  s->count++;
  return true;
}

/* Takes the atom at place `at` out; what came after it enters anew. */
static void take_out(CodeSolver *s, int64_t at)
{
  const int64_t later = s->count - at - 1;
  s->barred[s->in[at]] = 0;
  s->count = at;
  for (int64_t i = 0; i < later; i++) {
    const int64_t j = s->in[at + 1 + i];
    const double z = s->z[at + 1 + i];
    if (extend(s, j))
      s->z[s->count - 1] = z;
    else
      s->barred[j] = 0;
  }
}

/* Solves R^T R y = y. */
static void solve(const CodeSolver *s, double *y)
{
  const int64_t m = s->m, n = s->count;
  for (int64_t a = 0; a < n; a++) {
    y[a] /= s->R[a * m + a];
    for (int64_t i = a + 1; i < n; i++) y[i] -= s->R[a * m + i] * y[a];
  }
  for (int64_t a = n - 1; a >= 0; a--) {
    for (int64_t i = a + 1; i < n; i++) y[a] -= s->R[a * m + i] * y[i];
    y[a] /= s->R[a * m + a];
  }
}

/* y: the best weights of the atoms in use, whatever their signs; gives the multiplier of the sum.
 */
static double best(CodeSolver *s)
{
  double sum = 0, all = 0;
  for (int64_t a = 0; a < s->count; a++)
    s->y[a] = s->b[s->in[a]] - s->rule.l1 * s->sign[s->in[a]], s->ones[a] = 1;
  solve(s, s->y);
  if (!s->rule.simplex) return 0;
  solve(s, s->ones);
  for (int64_t a = 0; a < s->count; a++) sum += s->y[a], all += s->ones[a];
  const double multiplier = (sum - 1) / all;
  for (int64_t a = 0; a < s->count; a++) s->y[a] -= multiplier * s->ones[a];
  return multiplier;
}

/* How much weight atom j wants, past what it costs. */
static double wish(const CodeSolver *s, int64_t j, double multiplier)
{
  const double w = s->rule.either_sign ? fabs(s->w[j]) : s->w[j];
  return w - s->rule.l1 - multiplier;
}

/* Moves the weights to the best ones as far as all keep their signs, and takes out what stops that,
   until nothing does. False: the atom that entered last was taken out. */
static bool settle(CodeSolver *s, double *multiplier)
{
  const int64_t entered = s->in[s->count - 1];
  bool stays = true;
  while (s->count) {
    double step = 1;
    int64_t at = -1;
    *multiplier = best(s);
    for (int64_t a = 0; a < s->count; a++) {
      const double sign = s->sign[s->in[a]];
      if (sign * s->y[a] > 0) continue;
      const double part = s->z[a] == 0 ? 0 : s->z[a] / (s->z[a] - s->y[a]);
      if (at < 0 || part < step) step = part, at = a;
    }
    for (int64_t a = 0; a < s->count; a++) s->z[a] += step * (s->y[a] - s->z[a]);
    if (at < 0) break;
    if (s->in[at] == entered) stays = false;
    take_out(s, at);
  }
  if (!stays) s->barred[entered] = 1;
  return stays;
}

static void find_left(CodeSolver *s)
{
  const int64_t m = s->m;
  memcpy(s->w, s->b, (size_t)m * sizeof(*s->w));
  for (int64_t a = 0; a < s->count; a++) {
    const double *restrict k = s->K + s->in[a] * m;
    double *restrict w = s->w;
    const double z = s->z[a];
    for (int64_t j = 0; j < m; j++) w[j] -= z * k[j];
  }
}

/* On the simplex the nearest atom is in use first. */
static double begin(CodeSolver *s)
{
  const int64_t m = s->m;
  int64_t nearest = 0;
  s->count = 0;
  memset(s->barred, 0, (size_t)m);
  for (int64_t j = 0; j < m; j++) s->sign[j] = 1;
  if (!s->rule.simplex) return 0;
  for (int64_t j = 1; j < m; j++)
    if (s->K[j * m + j] / 2 - s->b[j] < s->K[nearest * m + nearest] / 2 - s->b[nearest])
      nearest = j;
  extend(s, nearest);
  s->barred[nearest] = 1;
  s->z[0] = 1;
  return best(s);
}

/* One token's code from its products s->b. */
static void find_code(CodeSolver *s, float *z)
{
  const int64_t m = s->m;
  double multiplier = begin(s), most = s->constant;
  for (int64_t j = 0; j < m; j++) most = fmax(most, fabs(s->b[j]));
  for (int64_t turn = 0; turn < 3 * m + 10; turn++) {
    int64_t wanted = -1;
    find_left(s);
    for (int64_t j = 0; j < m; j++)
      if (!s->barred[j] && wish(s, j, multiplier) > 0x1p-21 * most &&
          (wanted < 0 || wish(s, j, multiplier) > wish(s, wanted, multiplier)))
        wanted = j;
    if (wanted < 0) break;
    s->barred[wanted] = 1;
    s->sign[wanted] = s->rule.either_sign && s->w[wanted] < 0 ? -1 : 1;
    if (extend(s, wanted)) settle(s, &multiplier);
  }
  memset(z, 0, (size_t)m * sizeof(*z));
  for (int64_t a = 0; a < s->count; a++) z[s->in[a]] = (float)s->z[a];
}

void code_solver_rows(CodeSolver *s, int64_t rows, const float *X, float *Z)
{
  const int64_t m = s->m;
  for (int64_t t = 0; t < rows; t += ROWS) {
    const int64_t count = min_i64(ROWS, rows - t);
    s->kernels->scores(count, X + t * s->d, s->d, &s->packed, NULL, s->S, m);
    for (int64_t r = 0; r < count; r++) {
      for (int64_t j = 0; j < m; j++) s->b[j] = (double)s->S[r * m + j] + s->constant;
      find_code(s, Z + (t + r) * m);
    }
  }
}

static PetscErrorCode ForgetSolver(Dictionary *dictionary)
{
  CodeSolver *solver = dictionary->extra;

  PetscFunctionBegin;
  dictionary->extra = NULL;
  PetscCall(CodeSolverDestroy(&solver));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EncodeSolved(const Dictionary *dictionary, int64_t n, const float *X,
                            const CodeRule *rule, Codes *codes)
{
  const int64_t m = dictionary->m, d = dictionary->d;
  Dictionary *keeper = (Dictionary *)(uintptr_t)dictionary;
  float *Z;

  PetscFunctionBegin;
  if (!dictionary->extra) {
    CodeSolver *solver;
    PetscCall(CodeSolverCreate(dictionary->kernels, m, d, rule, &solver));
    PetscCall(CodeSolverRenew(solver, dictionary->atoms));
    keeper->extra = solver;
    keeper->forget = ForgetSolver;
  }
  PetscCall(ArrayCreate(ROWS * m, &Z));
  codes->rows = 0;
  PetscCall(CodesReserve(codes, n, n * min_i64(m, d + 1)));
  int64_t at = codes->start[0] = 0;
  for (int64_t first = 0; first < n; first += ROWS) {
    const int64_t count = min_i64(ROWS, n - first);
    code_solver_rows(dictionary->extra, count, X + first * d, Z);
    for (int64_t t = 0; t < count; t++) {
      for (int64_t j = 0; j < m; j++) {
        if (Z[t * m + j] == 0) continue;
        codes->atom[at] = (int32_t)j;
        codes->value[at++] = Z[t * m + j];
      }
      codes->start[first + t + 1] = at;
    }
  }
  codes->rows = n;
  PetscCall(ArrayDestroy(&Z));
  PetscFunctionReturn(PETSC_SUCCESS);
}
