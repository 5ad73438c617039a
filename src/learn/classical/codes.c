/* Codes from products with the atoms. Most are found by exchanging whole sets of atoms; for the
   rest, Lawson and Hanson's active sets in terms of the Gram matrix K = D D^T: atoms enter, a few
   at a time, those that would help most, and leave where their weight would turn its sign. On the
   simplex K and the products get one constant added, which changes the objective by a constant
   there and makes K regular where the atoms in use are affinely independent. */
#include "codes.h"
#include "exchange.h"
#include "triangle.h"
#include <math.h>
#include <string.h>

enum { ROWS = EXCHANGE_ROWS, TOGETHER = TRIANGLE_TOGETHER };

struct CodeSolver {
  CodeRule rule;
  const Kernels *kernels;
  int64_t m, d, ld; /* ld: m, up to a multiple of 8 */
  double *K;        /* [m x ld], with the constant */
  double *D, *DT;   /* [m x d], [d x ld] the atoms */
  double constant;
  Packed packed;
  float *S;           /* [ROWS x m] products of tokens and atoms */
  Exchange *exchange; /* what finds most codes */
  bool *found;        /* [ROWS] */
  Triangle in;        /* of the atoms in use */
  double *sign;       /* [m] of their weights */
  double *length;     /* [ld] of the atoms; on the simplex, where all weigh alike, 1 */
  double *z, *y;      /* [m] weights of those in use; the best ones */
  double *b, *w;      /* [ld] products; what is left of them */
  double *barred;     /* [ld] 0, or - infinity: in use, or found to be of no use */
};

PetscErrorCode CodeSolverCreate(const Kernels *kernels, int64_t m, int64_t d, const CodeRule *rule,
                                CodeSolver **out)
{
  CodeSolver *s;

  PetscFunctionBegin;
  PetscCall(ArrayCreate(1, &s));
  *out = s;
  s->kernels = kernels, s->rule = *rule, s->m = m, s->d = d;
  PetscCall(TriangleCreate(kernels, m, &s->in));
  PetscCall(ExchangeCreate(kernels, m, rule, &s->exchange));
  s->ld = s->in.ld;
  PetscCall(ArrayCreate(m * s->ld, &s->K));
  PetscCall(ArrayCreate(m * d, &s->D));
  PetscCall(ArrayCreate(d * s->ld, &s->DT));
  PetscCall(ArrayCreate(ROWS * m, &s->S));
  PetscCall(ArrayCreateBytes(ROWS, sizeof(bool), (void **)&s->found));
  PetscCall(ArrayCreate(m, &s->sign));
  PetscCall(ArrayCreate(s->ld, &s->length));
  PetscCall(ArrayCreate(s->ld, &s->z));
  PetscCall(ArrayCreate(s->ld, &s->y));
  PetscCall(ArrayCreate(s->ld, &s->b));
  PetscCall(ArrayCreate(s->ld, &s->w));
  PetscCall(ArrayCreate(s->ld, &s->barred));
  for (int64_t j = m; j < s->ld; j++) s->barred[j] = -INFINITY;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode CodeSolverDestroy(CodeSolver **solver)
{
  CodeSolver *s = *solver;

  PetscFunctionBegin;
  if (!s) PetscFunctionReturn(PETSC_SUCCESS);
  packed_clear(&s->packed);
  PetscCall(TriangleDestroy(&s->in));
  PetscCall(ExchangeDestroy(&s->exchange));
  PetscCall(ArrayDestroyBytes((void **)&s->found));
  PetscCall(ArrayDestroy(&s->K));
  PetscCall(ArrayDestroy(&s->D));
  PetscCall(ArrayDestroy(&s->DT));
  PetscCall(ArrayDestroy(&s->S));
  PetscCall(ArrayDestroy(&s->sign));
  PetscCall(ArrayDestroy(&s->length));
  PetscCall(ArrayDestroy(&s->z));
  PetscCall(ArrayDestroy(&s->y));
  PetscCall(ArrayDestroy(&s->b));
  PetscCall(ArrayDestroy(&s->w));
  PetscCall(ArrayDestroy(&s->barred));
  PetscCall(ArrayDestroy(solver));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* K = D D^T, its lower triangle by rows of eight. */
static void find_products(CodeSolver *s, const float *D)
{
  const int64_t m = s->m, d = s->d, ld = s->ld;
  for (int64_t i = 0; i < m * d; i++) s->D[i] = (double)D[i];
  for (int64_t first = 0; first < d; first += TOGETHER) /* rows of DT that are written together */
    for (int64_t j = 0; j < m; j++)
      for (int64_t i = first; i < min_i64(first + TOGETHER, d); i++)
        s->DT[i * ld + j] = s->D[j * d + i];
  memset(s->K, 0, (size_t)(m * ld) * sizeof(*s->K));
  for (int64_t j = 0; j < m; j += TOGETHER)
    s->kernels->subtract64(min_i64(TOGETHER, m - j), d, j + TOGETHER, s->D + j * d, d, s->DT, ld,
                           NULL, s->K + j * ld, ld);
  for (int64_t j = 0; j < m; j++)
    for (int64_t l = 0; l <= j; l++) s->K[l * ld + j] = s->K[j * ld + l] = -s->K[j * ld + l];
}

PetscErrorCode CodeSolverRenew(CodeSolver *s, const float *D)
{
  const int64_t m = s->m, ld = s->ld;

  PetscFunctionBegin;
  s->kernels->pack(m, s->d, D, s->d, &s->packed);
  find_products(s, D);
  s->constant = 0;
  for (int64_t j = 0; j < m; j++) s->length[j] = s->rule.simplex ? 1 : sqrt(s->K[j * ld + j]);
  for (int64_t j = 0; j < m && s->rule.simplex; j++)
    s->constant = fmax(s->constant, s->K[j * ld + j]);
  if (s->rule.simplex && s->constant == 0) s->constant = 1;
  for (int64_t i = 0; i < m * ld; i++) s->K[i] += s->constant;
  PetscCall(ExchangeRenew(s->exchange, s->K, ld, s->constant));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Puts atoms with weights z to those in use; gives how many entered. One that depends on the
   others does not, and stays barred where `stays` says so: among several it may depend on those
   that enter with it and leave again. */
static int64_t enter(CodeSolver *s, int64_t count, const int32_t *atom, const double *z, bool stays)
{
  double right[2 * TOGETHER] = {0};
  bool entered[TOGETHER];
  int64_t at = s->in.count;
  for (int64_t q = 0; q < count; q++) {
    right[q] = s->b[atom[q]] - s->rule.l1 * s->sign[atom[q]];
    right[TOGETHER + q] = 1;
    s->barred[atom[q]] = -INFINITY;
  }
  const int64_t some = triangle_extend(&s->in, s->K, s->ld, count, atom, right, entered);
  for (int64_t q = 0; q < count; q++) {
    if (entered[q])
      s->z[at++] = z[q];
    else if (!stays)
      s->barred[atom[q]] = 0;
  }
  return some;
}

/* Takes out the atoms in use whose y is NaN; what came after the first of them enters anew. */
static void take_out(CodeSolver *s)
{
  const int64_t n = s->in.count;
  int64_t at = 0, count = 0;
  int32_t atom[TOGETHER];
  double z[TOGETHER];
  while (!isnan(s->y[at])) at++;
  s->in.count = at;
  for (int64_t a = at; a < n; a++) {
    const int32_t j = s->in.in[a];
    if (isnan(s->y[a]))
      s->barred[j] = 0;
    else
      atom[count] = j, z[count++] = s->z[a];
    if (count == TOGETHER || (a + 1 == n && count)) enter(s, count, atom, z, false), count = 0;
  }
}

/* y: the best weights of the atoms in use, whatever their signs; gives the multiplier of the sum:
   1^T K^-1 b and 1^T K^-1 1 are products of right sides. */
static double best(CodeSolver *s)
{
  const int64_t n = s->in.count;
  const double *f = s->in.right[0], *g = s->in.right[1];
  double sum = 0, all = 0, multiplier = 0;
  for (int64_t a = 0; a < n && s->rule.simplex; a++) sum += g[a] * f[a], all += g[a] * g[a];
  if (s->rule.simplex) multiplier = (sum - 1) / all;
  for (int64_t a = 0; a < n; a++) s->y[a] = f[a] - multiplier * g[a];
  triangle_solve(&s->in, s->y);
  return multiplier;
}

/* Atom j depends on those in use, D_j = sum_a c_a D_a (K c = K_j, of which the triangle still has
   L^-1 K_j): weight goes over to it, which leaves the reconstruction but costs less, until one of
   those in use has none left and leaves. False: none ever would. */
static bool exchange(CodeSolver *s, int32_t j)
{
  const int64_t n = s->in.count;
  double step = (double)INFINITY, most = 0;
  for (int64_t a = 0; a < n; a++) s->y[a] = s->sign[j] * s->in.part[a * TOGETHER];
  triangle_solve(&s->in, s->y);
  for (int64_t a = 0; a < n; a++) most = fmax(most, fabs(s->y[a]));
  for (int64_t a = 0; a < n; a++) {
    if (fabs(s->y[a]) < 1e-9 * most) s->y[a] = 0; /* no part in it, but for rounding */
    if (s->sign[s->in.in[a]] * s->y[a] > 0) step = fmin(step, s->z[a] / s->y[a]);
  }
  if (isinf(step)) return false;
  for (int64_t a = 0; a < n; a++) {
    const bool leaves = s->sign[s->in.in[a]] * s->y[a] > 0 && s->z[a] / s->y[a] <= step;
    s->z[a] -= step * s->y[a];
    if (leaves) s->y[a] = NAN;
  }
  take_out(s);
  enter(s, 1, &j, &(double){step * s->sign[j]}, true);
  return true;
}

/* Moves the weights to the best ones as far as all keep their signs, and takes out what stops that,
   until nothing does. */
static void settle(CodeSolver *s, double *multiplier)
{
  while (s->in.count) {
    const int64_t n = s->in.count;
    double step = 2;
    *multiplier = best(s);
    for (int64_t a = 0; a < n; a++) {
      if (s->sign[s->in.in[a]] * s->y[a] > 0) continue;
      step = fmin(step, s->z[a] == 0 ? 0 : s->z[a] / (s->z[a] - s->y[a]));
    }
    if (step > 1) {
      memcpy(s->z, s->y, (size_t)n * sizeof(*s->z));
      break;
    }
    for (int64_t a = 0; a < n; a++) {
      const bool turns = !(s->sign[s->in.in[a]] * s->y[a] > 0);
      const double part = s->z[a] == 0 ? 0 : s->z[a] / (s->z[a] - s->y[a]);
      s->z[a] += step * (s->y[a] - s->z[a]);
      if (turns && part <= step) s->y[a] = NAN;
    }
    take_out(s);
  }
}

static void find_left(CodeSolver *s)
{
  memcpy(s->w, s->b, (size_t)s->ld * sizeof(*s->w));
  s->kernels->subtract64(1, s->in.count, s->ld, s->z, s->in.count, s->K, s->ld, s->in.in, s->w,
                         s->ld);
}

/* The largest wish for weight, beyond its cost, of those above `least` times the atom's length; 0:
   there is none. */
static double largest_wish(CodeSolver *s, double least, double cost)
{
  double lane[8] = {0}, most = 0;
  for (int64_t j = 0; j < s->ld; j += 8)
    for (int l = 0; l < 8; l++) {
      const double w = s->w[j + l],
                   v = (s->rule.either_sign ? fabs(w) : w) + s->barred[j + l] - cost;
      lane[l] = v > lane[l] && v > least * s->length[j + l] ? v : lane[l];
    }
  for (int l = 0; l < 8; l++) most = fmax(most, lane[l]);
  return most;
}

/* The atoms of the largest wishes, at most `together` and none below half of the largest. */
static int64_t choose(CodeSolver *s, double least, double multiplier, int64_t together,
                      int32_t *atom)
{
  const double cost = s->rule.l1 + multiplier, most = largest_wish(s, least, cost);
  double wish[TOGETHER];
  int64_t count = 0;
  if (!(most > 0)) return 0;
  for (int64_t j = 0; j < s->m; j++) {
    const double w = s->rule.either_sign ? fabs(s->w[j]) : s->w[j], v = w + s->barred[j] - cost;
    if (!(v >= most / 2) || !(v > least * s->length[j])) continue;
    if (count == together && !(v > wish[count - 1])) continue;
    int64_t at = count < together ? count++ : count - 1;
    for (; at > 0 && v > wish[at - 1]; at--) wish[at] = wish[at - 1], atom[at] = atom[at - 1];
    wish[at] = v, atom[at] = (int32_t)j;
  }
  return count;
}

/* On the simplex the nearest atom is in use first. */
static double begin(CodeSolver *s)
{
  const int64_t m = s->m, wide = s->ld + 1;
  int32_t nearest = 0;
  const double one = 1;
  s->in.count = 0;
  memset(s->barred, 0, (size_t)m * sizeof(*s->barred));
  for (int64_t j = 0; j < m; j++) s->sign[j] = 1;
  if (!s->rule.simplex) return 0;
  for (int64_t j = 1; j < m; j++)
    if (s->K[j * wide] / 2 - s->b[j] < s->K[nearest * wide] / 2 - s->b[nearest])
      nearest = (int32_t)j;
  enter(s, 1, &nearest, &one, true);
  return best(s);
}

/* Only atoms in use are barred. */
static void admit(CodeSolver *s)
{
  memset(s->barred, 0, (size_t)s->m * sizeof(*s->barred));
  for (int64_t a = 0; a < s->in.count; a++) s->barred[s->in.in[a]] = -INFINITY;
}

/* One token's code from its products s->b. Where none of several that enter stays, the next one
   enters alone, in the place of another if it depends on those in use, and one that changes nothing
   then is left out until others have come in. */
static void find_code(CodeSolver *s, float *z)
{
  static const double none[TOGETHER];
  const int64_t m = s->m;
  double multiplier = begin(s), most = 0;
  int64_t together = TOGETHER, count;
  int32_t atom[TOGETHER];
  for (int64_t j = 0; j < m; j++)
    if (s->length[j] > 0) most = fmax(most, fabs(s->b[j]) / s->length[j]);
  for (int64_t turn = 0; turn < 3 * m + 10; turn++) {
    const int64_t old = s->in.count;
    int64_t stay = 0;
    find_left(s);
    if (!(count = choose(s, 0x1p-21 * most, multiplier, together, atom))) break;
    for (int64_t q = 0; q < count; q++)
      s->sign[atom[q]] = s->rule.either_sign && s->w[atom[q]] < 0 ? -1 : 1;
    if (enter(s, count, atom, none, count == 1) || (count == 1 && exchange(s, atom[0])))
      settle(s, &multiplier);
    for (int64_t a = 0; a < s->in.count; a++)
      for (int64_t q = 0; q < count; q++) stay += s->in.in[a] == atom[q];
    if (stay)
      admit(s);
    else if (count == 1 && s->in.count == old)
      s->barred[atom[0]] = -INFINITY;
    together = stay ? TOGETHER : 1;
  }
  memset(z, 0, (size_t)m * sizeof(*z));
  for (int64_t a = 0; a < s->in.count; a++) z[s->in.in[a]] = (float)s->z[a];
}

void code_solver_rows(CodeSolver *s, int64_t rows, const float *X, float *Z)
{
  const int64_t m = s->m;
  for (int64_t t = 0; t < rows; t += ROWS) {
    const int64_t count = min_i64(ROWS, rows - t);
    s->kernels->scores(count, X + t * s->d, s->d, &s->packed, NULL, s->S, m);
    exchange_rows(s->exchange, count, s->S, Z + t * m, s->found);
    for (int64_t r = 0; r < count; r++) {
      if (s->found[r]) continue;
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
