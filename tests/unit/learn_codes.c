/* Codes by active sets: against all sets of atoms where there are few, by the conditions of a least
   value where there are many; and the parts they are made of.
   RUN ranks=1 */
#include "../../src/learn/classical/codes.h"
#include "../../src/learn/classical/exchange.h"
#include "../../src/learn/classical/triangle.h"
#include "../plain_classical.h"

static const Kernels *kernels;
static Plain p;

enum { MANY = 72, WIDE = 90, ROWS = 70 };
static float D[MANY * WIDE], X[ROWS * WIDE], Z[ROWS * MANY];
static double K[MANY * MANY], b[MANY];

static double at(int64_t k)
{
  return 2 * noise((uint64_t)k + 17) - 1;
}

typedef struct {
  const char *title;
  CodeRule rule;
} Rule;
static const Rule rules[] = {
    {"z >= 0", {0}},
    {"z >= 0, l1", {.l1 = 0.2}},
    {"z of either sign, l1", {.l1 = 0.2, .either_sign = true}},
    {"z of either sign", {.either_sign = true}},
    {"the simplex", {.simplex = true}},
};

static PetscErrorCode Solve(const CodeRule *rule, int64_t m, int64_t d, int64_t rows)
{
  CodeSolver *solver;
  PetscFunctionBeginUser;
  PetscCall(CodeSolverCreate(kernels, m, d, rule, &solver));
  PetscCall(CodeSolverRenew(solver, D));
  code_solver_rows(solver, rows, X, Z);
  PetscCall(CodeSolverDestroy(&solver));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The objective of token t's code. */
static double value_of_code(const CodeRule *rule, int64_t m, int64_t d, int64_t t)
{
  double sum = 0;
  for (int64_t j = 0; j < m; j++) sum += rule->l1 * fabs((double)Z[t * m + j]);
  for (int64_t i = 0; i < d; i++) {
    double left = (double)X[t * d + i];
    for (int64_t j = 0; j < m; j++) left -= (double)Z[t * m + j] * (double)D[j * d + i];
    sum += left * left / 2;
  }
  return sum;
}

static bool allowed(const CodeRule *rule, int64_t m, int64_t t)
{
  double sum = 0;
  for (int64_t j = 0; j < m; j++) {
    if (!rule->either_sign && !(Z[t * m + j] >= 0)) return false;
    sum += (double)Z[t * m + j];
  }
  return !rule->simplex || fabs(sum - 1) < 1e-6;
}

/* Few atoms: no set of them does better. unique: there is one best code. scale: of all numbers. */
static PetscErrorCode CheckFew(const Rule *rule, int64_t m, int64_t d, bool unique, double scale)
{
  const double square = scale * scale;
  double value = 0, code = 0, most = 1;
  bool fine = true;
  PetscFunctionBeginUser;
  p.m = m, p.d = d;
  p.l1 = rule->rule.l1 / square, p.either_sign = rule->rule.either_sign;
  p.simplex = rule->rule.simplex;
  for (int64_t i = 0; i < m * d; i++) p.D[i] = (double)D[i] / scale;
  PetscCall(Solve(&rule->rule, m, d, ROWS));
  for (int64_t t = 0; t < ROWS; t++) {
    double x[PLAIN_D], z[PLAIN_M];
    for (int64_t i = 0; i < d; i++) x[i] = (double)X[t * d + i] / scale;
    const double least = plain_code(&p, x, z);
    value = fmax(value, fabs(value_of_code(&rule->rule, m, d, t) / square - least));
    for (int64_t j = 0; j < m; j++) {
      code = fmax(code, fabs((double)Z[t * m + j] - z[j]));
      most = fmax(most, fabs(z[j]));
    }
    fine = fine && allowed(&rule->rule, m, t);
  }
  OK(fine, "%s, %d atoms of width %d: codes are what the rule allows", rule->title, (int)m, (int)d);
  NEAR(value, 0, 1e-6, "%s, %d atoms of width %d: no set of atoms does better", rule->title, (int)m,
       (int)d);
  if (unique)
    NEAR(code / most, 0, 2e-5, "%s, %d atoms of width %d: the best code", rule->title, (int)m,
         (int)d);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* How far the gradient is from what a least value needs, beside the largest product, or what
   rounding the codes can change. */
static double unsettled(const CodeRule *rule, int64_t m, int64_t d, int64_t t, int64_t *used)
{
  double g[MANY], most = 0, off = 0, multiplier = 0, largest = 0, change = 0;
  for (int64_t j = 0; j < m; j++) {
    const double z = (double)Z[t * m + j];
    b[j] = 0;
    for (int64_t i = 0; i < d; i++) b[j] += (double)D[j * d + i] * (double)X[t * d + i];
    g[j] = b[j];
    for (int64_t l = 0; l < m; l++) g[j] -= K[j * m + l] * (double)Z[t * m + l];
    largest = fmax(largest, fabs(b[j]));
    change += K[j * m + j] * fabs(z);
    *used += z != 0;
    most = fmax(most, fabs(z));
    if (rule->simplex && fabs(z) == most) multiplier = g[j];
  }
  for (int64_t j = 0; j < m; j++) {
    const double z = (double)Z[t * m + j], sign = rule->either_sign && g[j] < 0 ? -1 : 1,
                 wish = sign * g[j] - rule->l1 - multiplier;
    off = fmax(off, z != 0 ? fabs(wish) : wish);
    if (z != 0 && rule->either_sign && rule->l1 > 0 && z * g[j] < 0) off = (double)INFINITY;
  }
  return off / fmax(largest, change);
}

static void find_products(int64_t m, int64_t d)
{
  memset(K, 0, sizeof(K));
  for (int64_t i = 0; i < m * d; i++)
    for (int64_t l = 0; l < m; l++) K[i / d * m + l] += (double)D[i] * (double)D[l * d + i % d];
}

static PetscErrorCode CheckMany(const Rule *rule, int64_t m, int64_t d, double together, bool even)
{
  double worst = 0;
  int64_t used = 0, most = 0;
  bool fine = true, same = true;
  PetscFunctionBeginUser;
  for (int64_t i = 0; i < m * d; i++) D[i] = (float)(at(i) + together * at(100000 + i % d));
  for (int64_t t = 0; t < ROWS; t++)
    for (int64_t i = 0; i < d; i++) {
      X[t * d + i] = (float)(0.2 * at(200000 + t * d + i));
      for (int64_t j = 0; j < m; j++) {
        const double u = at(300000 + t * m + j) + (even ? 0 : 0.5);
        X[t * d + i] += (float)(u * (double)D[j * d + i] * 4 / (double)m);
      }
    }
  find_products(m, d);
  PetscCall(Solve(&rule->rule, m, d, ROWS));
  for (int64_t t = 0; t < ROWS; t++) {
    int64_t count = 0;
    worst = fmax(worst, unsettled(&rule->rule, m, d, t, &count));
    fine = fine && allowed(&rule->rule, m, t) && count <= d + rule->rule.simplex;
    used += count, most = max_i64(most, count);
  }
  OK(fine, "%s, %d atoms of width %d: codes are what the rule allows, of independent atoms",
     rule->title, (int)m, (int)d);
  NEAR(worst, 0, 4e-6, "%s, %d atoms of width %d, %.2g: %.1f in use, at most %d", rule->title,
       (int)m, (int)d, together, (double)used / ROWS, (int)most);
  static float last[MANY];
  memcpy(last, Z + (ROWS - 1) * m, (size_t)m * sizeof(*last));
  memmove(X, X + (ROWS - 1) * d, (size_t)d * sizeof(*X));
  PetscCall(Solve(&rule->rule, m, d, 1));
  same = !memcmp(last, Z, (size_t)m * sizeof(*last));
  OK(same, "%s, %d atoms of width %d: the same code alone", rule->title, (int)m, (int)d);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Tokens that are 0, an atom, its opposite, a mean of two; the rest at random. */
static void draw(int64_t m, int64_t d, double lift)
{
  for (int64_t i = 0; i < m * d; i++) D[i] = (float)(at(500000 + i) + lift);
  for (int64_t i = 0; i < ROWS * d; i++) X[i] = (float)(2 * (at(600000 + i) + lift));
  memset(X, 0, (size_t)d * sizeof(*X));
  for (int64_t i = 0; i < d; i++) {
    X[d + i] = D[i], X[2 * d + i] = -D[i];
    X[3 * d + i] = (D[i] + D[(m - 1) * d + i]) / 2;
  }
}

static PetscErrorCode CheckAllFew(void)
{
  PetscFunctionBeginUser;
  for (size_t r = 0; r < sizeof(rules) / sizeof(*rules); r++) {
    for (int64_t m = 1; m <= 6; m++) {
      draw(m, 7, m % 2 ? 0 : 0.8);
      PetscCall(CheckFew(&rules[r], m, 7, true, 1));
    }
    draw(6, 3, 0.3); /* more atoms than dimensions */
    PetscCall(CheckFew(&rules[r], 6, 3, false, 1));
    draw(6, 5, 0.5);                         /* very long; depend on each other but for the sum */
    for (int64_t i = 0; i < ROWS * 5; i++) { /* half of them inside */
      X[i] /= 32;
      for (int64_t j = 0; j < 6 && i % 10 < 5; j++) X[i] += D[j * 5 + i % 5] / 6;
    }
    for (int64_t i = 0; i < ROWS * 5; i++) D[i % 30] *= i < 30 ? 0x1p20f : 1, X[i] *= 0x1p20f;
    if (rules[r].rule.simplex) PetscCall(CheckFew(&rules[r], 6, 5, false, 0x1p20));
    draw(5, 7, 0.8); /* far on the other side */
    for (int64_t i = 0; i < ROWS * 7; i++) X[i] *= -30;
    PetscCall(CheckFew(&rules[r], 5, 7, true, 30));
    draw(5, 7, 0.5); /* twins and nothing */
    memcpy(D + 7, D, 7 * sizeof(*D));
    memset(D + 21, 0, 7 * sizeof(*D));
    PetscCall(CheckFew(&rules[r], 5, 7, false, 1));
    memset(D, 0, sizeof(D)); /* nothing at all */
    PetscCall(CheckFew(&rules[r], 3, 7, false, 1));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Small whole numbers, so that atoms tie and depend on each other: m and d drawn by seed. */
static PetscErrorCode CheckTies(const Rule *rule, int64_t from, int64_t to)
{
  double worst = 0;
  bool fine = true;
  PetscFunctionBeginUser;
  for (int64_t seed = from; seed < to; seed++) {
    const int64_t base = seed * 100000, m = 3 + (int64_t)(noise((uint64_t)base + 1) * 25),
                  d = 2 + (int64_t)(noise((uint64_t)base + 2) * 10);
    const double lift = 3 * noise((uint64_t)base + 3), far = lift * at(base + 4 - 17) * 2;
    for (int64_t i = 0; i < m * d; i++)
      D[i] = rintf(2 * (float)(at(base + 983 + i) + lift * at(base + 483 + i % d)));
    for (int64_t i = 0; i < ROWS * d; i++)
      X[i] = rintf(2 * (float)(2 * at(base + 29983 + i) + far * at(base + 483 + i % d)));
    find_products(m, d);
    PetscCall(Solve(&rule->rule, m, d, 30));
    for (int64_t t = 0; t < 30; t++) {
      int64_t count = 0;
      worst = fmax(worst, unsettled(&rule->rule, m, d, t, &count));
      fine = fine && allowed(&rule->rule, m, t) && count <= d + rule->rule.simplex;
    }
  }
  OK(fine, "%s, whole numbers: codes are what the rule allows, of independent atoms", rule->title);
  NEAR(worst, 0, 4e-6, "%s, whole numbers: no weight would help", rule->title);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Atoms that do not depend on each other: exchanges of whole sets find every code. lift: so much
   more of every atom is in a token, so that more of them are in use. */
static PetscErrorCode CheckExchange(const Rule *rule, int64_t m, double lift)
{
  enum { TOKENS = 30 };
  const int64_t d = m + 16;
  static float S[TOKENS * MANY];
  static double A[MANY * MANY];
  double constant = 0, worst = 0;
  bool found[TOKENS] = {0}, fine = true;
  int64_t used = 0, all = 0;
  Exchange *x;
  PetscFunctionBeginUser;
  for (int64_t i = 0; i < m * d; i++) D[i] = (float)at(i);
  for (int64_t t = 0; t < TOKENS; t++)
    for (int64_t i = 0; i < d; i++) {
      X[t * d + i] = (float)at(200000 + t * d + i);
      for (int64_t j = 0; j < m; j++)
        X[t * d + i] += (float)(at(300000 + t * m + j) + lift) * D[j * d + i];
    }
  find_products(m, d);
  for (int64_t j = 0; j < m && rule->rule.simplex; j++) constant = fmax(constant, K[j * m + j]);
  for (int64_t i = 0; i < m * m; i++) A[i] = K[i] + constant;
  for (int64_t i = 0; i < TOKENS * m; i++) {
    double sum = 0;
    for (int64_t q = 0; q < d; q++) sum += (double)D[i % m * d + q] * (double)X[i / m * d + q];
    S[i] = (float)sum;
  }
  PetscCall(ExchangeCreate(kernels, m, &rule->rule, &x));
  PetscCall(ExchangeRenew(x, A, m, constant));
  for (int64_t i = 0; i < TOKENS * m; i++) Z[i] = NAN;
  exchange_rows(x, TOKENS, S, Z, found);
  for (int64_t t = 0; t < TOKENS; t++) {
    worst = fmax(worst, unsettled(&rule->rule, m, d, t, &used));
    fine = fine && allowed(&rule->rule, m, t);
    all += found[t];
  }
  OK(fine && all == TOKENS, "%s, %d atoms: %d codes by exchange, %.1f in use", rule->title, (int)m,
     (int)all, (double)used / TOKENS);
  NEAR(worst, 0, 4e-6, "%s, %d atoms by exchange: no weight would help", rule->title, (int)m);
  PetscCall(ExchangeDestroy(&x));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Exchanges find nothing: all codes come by active sets. */
static void solve_none(int64_t n, const int64_t *start, const int32_t *row, int64_t m,
                       const double *Q, int64_t ldQ, double *y, double *multiplier, bool *solved,
                       double *work)
{
  (void)start, (void)row, (void)m, (void)Q, (void)ldQ, (void)y, (void)multiplier, (void)work;
  memset(solved, 0, (size_t)n * sizeof(*solved));
}

/* Tokens that are an atom, or the sum of all atoms but one, none of which depends on the others:
   codes are of these atoms and no other. */
static PetscErrorCode CheckAlone(const Rule *rule, int64_t m, int64_t d)
{
  bool alone = true, others = true;
  PetscFunctionBeginUser;
  for (int64_t i = 0; i < m * d; i++) X[i] = D[i] = (float)at(i + 5000);
  PetscCall(Solve(&rule->rule, m, d, m));
  for (int64_t t = 0; t < m; t++)
    for (int64_t j = 0; j < m; j++) alone = alone && (Z[t * m + j] != 0) == (j == t);
  OK(alone, "%s: a token that is one of %lld atoms has a code of that atom alone", rule->title,
     (long long)m);
  /* costs may let it in, and active sets keep a weight that is rounding */
  if (rule->rule.l1 > 0 || kernels->solve_sets == solve_none) PetscFunctionReturn(PETSC_SUCCESS);
  const float share = rule->rule.simplex ? 1 / (float)(m - 1) : 1;
  for (int64_t i = 0; i < m * d; i++) X[i] = 0;
  for (int64_t i = 0; i < m * m * d; i++)
    if (i / d % m != i / d / m) X[i / d / m * d + i % d] += share * D[i / d % m * d + i % d];
  PetscCall(Solve(&rule->rule, m, d, m));
  for (int64_t t = 0; t < m; t++)
    for (int64_t j = 0; j < m; j++) others = others && (Z[t * m + j] != 0) == (j != t);
  OK(others, "%s: one that is all atoms but one has none of that", rule->title);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* An atom a power of two shorter gets that much more weight; nothing else changes. */
static PetscErrorCode CheckShort(const Rule *rule, int64_t m, int64_t d, float shorter)
{
  static float before[ROWS * MANY];
  double most = 0, off = 0;
  PetscFunctionBeginUser;
  draw(m, d, 0);
  PetscCall(Solve(&rule->rule, m, d, ROWS));
  memcpy(before, Z, (size_t)(ROWS * m) * sizeof(*Z));
  for (int64_t i = 0; i < m * d; i++) D[i] *= i / d % 3 == 1 ? shorter : 1;
  PetscCall(Solve(&rule->rule, m, d, ROWS));
  for (int64_t i = 0; i < ROWS * m; i++) {
    off = fmax(off, fabs((double)(Z[i] * (i % m % 3 == 1 ? shorter : 1) - before[i])));
    most = fmax(most, fabs((double)before[i]));
  }
  NEAR(off / most, 0, 2e-6, "%s: of %lld atoms every third is %.2g times as long", rule->title,
       (long long)m, (double)shorter);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The same solver for other atoms. */
static PetscErrorCode CheckRenewed(void)
{
  CodeSolver *solver;
  PetscFunctionBeginUser;
  for (size_t r = 0; r < sizeof(rules) / sizeof(*rules); r++) {
    static float first[ROWS * MANY];
    PetscCall(CodeSolverCreate(kernels, 11, 9, &rules[r].rule, &solver));
    for (int turn = 0; turn < 3; turn++) {
      draw(11, 9, turn == 1 ? 3 : 0.2);
      for (int i = 0; i < 11 * 9 && turn == 1; i++) D[i] *= 0x1p20f;
      PetscCall(CodeSolverRenew(solver, D));
      draw(11, 9, 0.2);
      code_solver_rows(solver, ROWS, X, Z);
      if (turn == 0) memcpy(first, Z, sizeof(first));
    }
    OK(!memcmp(first, Z, ROWS * 11 * sizeof(*Z)), "%s: the same codes after atoms far longer",
       rules[r].title);
    PetscCall(CodeSolverDestroy(&solver));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* L L^T = K of the rows in use, L f = right sides, L^T y = what was there. */
static void check_triangle(const Triangle *t, int64_t ld, const double *right, const char *title)
{
  double y[MANY], x[MANY], off = 0, below = 0, solved = 0;
  const int64_t n = t->count;
  for (int64_t a = 0; a < n; a++) {
    for (int64_t c = 0; c <= a; c++) {
      double sum = 0;
      for (int64_t q = 0; q <= c; q++) sum += t->L[a * t->ld + q] * t->L[c * t->ld + q];
      off = fmax(off, fabs(sum - K[t->in[a] * ld + t->in[c]]));
    }
    for (int i = 0; i < 2; i++) {
      double sum = 0;
      for (int64_t q = 0; q <= a; q++) sum += t->L[a * t->ld + q] * t->right[i][q];
      below = fmax(below, fabs(sum - right[i * MANY + t->in[a]]));
    }
    below = fmax(below, fabs(t->inverse[a] * t->L[a * t->ld + a] - 1));
    x[a] = y[a] = at(900 + a);
  }
  triangle_solve(t, y);
  for (int64_t a = 0; a < n; a++) {
    for (int64_t q = a; q < n; q++) x[a] -= t->L[q * t->ld + a] * y[q];
    solved = fmax(solved, fabs(x[a]));
  }
  NEAR(fmax(off, fmax(below, solved)), 0, 1e-9, "%s: a triangle of %d rows", title, (int)n);
}

static PetscErrorCode CheckTriangle(void)
{
  enum { M = 30, LD = 33 };
  static const int counts[] = {8, 3, 1, 8, 2, 8};
  double right[2 * MANY], now[2 * TRIANGLE_TOGETHER] = {0};
  bool entered[TRIANGLE_TOGETHER], fine = true;
  int32_t row[TRIANGLE_TOGETHER];
  Triangle t;
  int64_t next = 0, expected = 0;
  PetscFunctionBeginUser;
  for (int64_t i = 0; i < M * M; i++) {
    double sum = 0;
    for (int64_t q = 0; q < M + 5; q++) sum += at(i / M * 50 + q) * at(i % M * 50 + q);
    K[i / M * LD + i % M] = sum;
  }
  for (int64_t i = 0; i < 2 * MANY; i++) right[i] = at(4000 + i);
  PetscCall(TriangleCreate(kernels, M, &t));
  now[0] = 5;
  triangle_solve(&t, now + 1); /* of no rows */
  fine = now[0] == 5;
  for (int turn = 0; turn < 6; turn++) {
    for (int q = 0; q < counts[turn]; q++) { /* every seventh is there already */
      const bool again = expected > 0 && (next + q) % 7 == 6;
      row[q] = (int32_t)(again ? t.count ? t.in[0] : row[0] : (11 * (next + q)) % M);
      now[q] = right[row[q]], now[TRIANGLE_TOGETHER + q] = right[MANY + row[q]];
      expected += !again;
    }
    next += counts[turn];
    const int64_t before = t.count,
                  some = triangle_extend(&t, K, LD, counts[turn], row, now, entered);
    int64_t in = 0;
    for (int q = 0; q < counts[turn]; q++) {
      bool old = false;
      for (int64_t a = 0; a < before + in; a++) old = old || t.in[a] == row[q];
      fine = fine && (entered[q] ? t.in[before + in] == row[q] : old);
      in += entered[q];
    }
    fine = fine && some == in && t.count == before + in;
    check_triangle(&t, LD, right, "rows enter");
  }
  OK(fine && t.count == expected, "%d rows in use, each entered once, in order", (int)t.count);
  t.count = 13;
  for (int q = 0; q < 5; q++) {
    row[q] = (int32_t)(11 * (20 + q) % M);
    now[q] = right[row[q]], now[TRIANGLE_TOGETHER + q] = right[MANY + row[q]];
  }
  triangle_extend(&t, K, LD, 5, row, now, entered);
  check_triangle(&t, LD, right, "after some were taken out");
  PetscCall(TriangleDestroy(&t));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CheckRule(int64_t r)
{
  const Rule *rule = &rules[r];
  const bool free = rule->rule.either_sign && rule->rule.l1 == 0; /* codes without bounds */
  PetscFunctionBeginUser;
  PetscCall(CheckMany(rule, 20, 30, 0.3, false));
  PetscCall(CheckMany(rule, 20, 30, 0.3, true));
  PetscCall(CheckMany(rule, 48, 40, free ? 0.3 : 2, false));
  PetscCall(CheckMany(rule, 48, 12, 0.5, false));
  PetscCall(CheckMany(rule, 40, 12, 3, true));
  PetscCall(CheckTies(rule, r * 40, r * 40 + 40));
  PetscCall(CheckAlone(rule, 24, 40));
  for (int k = 0; k < 4 && rule->rule.l1 == 0 && !rule->rule.simplex; k++)
    PetscCall(CheckShort(rule, k < 2 ? 6 : 24, k < 2 ? 7 : 40, k % 2 ? 0x1p-30f : 0x1p-18f));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  Mistakes *mistakes;
  TestBegin(&argc, &argv);
  RUN(MistakesCreate(&mistakes));
  RUN(KernelsChoose(NULL, mistakes, &kernels));
  RUN(CheckTriangle());
  for (size_t r = 0; r < sizeof(rules) / sizeof(*rules); r++) {
    RUN(CheckExchange(&rules[r], 5, 0));
    RUN(CheckExchange(&rules[r], 70, 0));
    RUN(CheckExchange(&rules[r], 70, 0.8));
    RUN(CheckExchange(&rules[r], 20, -0.6));
  }
  const Kernels *exchange = kernels;
  Kernels no_exchange = *kernels;
  no_exchange.solve_sets = solve_none;
  for (int by = 0; by < 2; by++) {
    kernels = by ? &no_exchange : exchange;
    RUN(CheckAllFew());
    for (int64_t r = 0; r < (int64_t)(sizeof(rules) / sizeof(*rules)); r++) RUN(CheckRule(r));
    RUN(CheckTies(&rules[1], 3366, 3367));
    RUN(CheckTies(&rules[2], 17, 18));
  }
  kernels = exchange;
  RUN(CheckRenewed());
  RUN(MistakesDestroy(&mistakes));
  return TestEnd();
}
