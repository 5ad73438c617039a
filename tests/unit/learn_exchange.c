/* Exchanges of whole sets of atoms, turn by turn, against plain loops: what the descent is given,
   which systems are solved in each turn, when a search ends, and with which code.
   RUN ranks=1 */
#include "../../src/learn/classical/exchange.h"
#include "../plain_classical.h"

enum { M = 7, D = 9, LD = 9, TOKENS = 48, TURNS = 24, CALLS = 2 * TURNS };
#define CONSTANT 4.0 /* added to the products of atoms on the simplex */

/* The systems of all turns: in a turn first those of atoms in use, then those of atoms that are
   not. A set is a bit for each atom. */
typedef struct {
  int calls;
  int64_t n[CALLS];
  uint8_t set[CALLS][TOKENS];
} Turns;

/* A token's search. */
typedef struct {
  bool others, open, found; /* others: systems of the atoms that are not in use */
  int sign[M], fewest, since;
  double z[M];
} Search;

static const Kernels *real;
static Plain p;
static double K[M * M], b[TOKENS * M];
static float S[TOKENS * M], Z[TOKENS * M];
static Search search[TOKENS];
static Turns expected, seen;
static double off; /* of the matrices that systems are solved in */

/* What the descent was given, and where it ended. */
static int64_t descended;
static float given[TOKENS * M], end[TOKENS * M], square[M * M], inverse_of[M], pull_of;

static void descend(int64_t n, const Descent *by, int sweeps, const float *from, float *to,
                    float *work)
{
  real->descend(n, by, sweeps, from, to, work);
  descended = n, pull_of = by->pull;
  memcpy(given, from, (size_t)(n * M) * sizeof(*from));
  memcpy(end, to, (size_t)(n * M) * sizeof(*to));
  memcpy(inverse_of, by->inverse, sizeof(inverse_of));
  for (int64_t i = 0; i < M * M; i++) square[i] = by->K[i / M * by->ld + i % M];
}

static void solve_sets(int64_t n, const int64_t *start, const int32_t *row, int64_t m,
                       const double *Q, int64_t ldQ, double *y, double *multiplier, bool *solved,
                       double *work)
{
  const int call = seen.calls++;
  for (int64_t q = 0; q < start[n] && call < CALLS; q++) {
    int64_t s = 0;
    while (start[s + 1] <= q) s++;
    seen.set[call][s] |= (uint8_t)(1 << row[q]);
  }
  if (call < CALLS) seen.n[call] = n;
  for (int64_t i = 0; i < M * M && n; i++) { /* K, or what times K is 1 */
    double sum = call % 2 ? 0 : Q[i / M * ldQ + i % M] - (p.simplex ? CONSTANT : 0);
    for (int64_t l = 0; l < M && call % 2; l++) sum += Q[i / M * ldQ + l] * K[l * M + i % M];
    off = fmax(off, fabs(sum - (call % 2 ? i % (M + 1) == 0 : K[i])));
  }
  real->solve_sets(n, start, row, m, Q, ldQ, y, multiplier, solved, work);
}

static uint8_t set_of(const Search *s)
{
  uint8_t set = 0;
  for (int j = 0; j < M; j++) set |= (uint8_t)(((s->sign[j] != 0) != s->others) << j);
  return set;
}

/* Of token t: products less the costs of codes of one sign; independent: - K^-1 times products. */
static bool given_well(int t, bool independent)
{
  static const int all[M] = {1, 1, 1, 1, 1, 1, 1};
  double want[M], most = 1, far = 0;
  if (independent) plain_weights(&p, K, b + t * M, all, want);
  for (int j = 0; j < M; j++) {
    want[j] = independent ? -want[j] : b[t * M + j] - (p.either_sign ? 0 : p.l1);
    most = fmax(most, fabs(want[j]));
    far = fmax(far, fabs((double)given[t * M + j] - want[j]));
  }
  return far < 1e-5 * most;
}

/* Where searches begin: at the atoms in use where the descent ends, on the simplex not at none.
   independent: it goes over slopes, and an atom is in use where there is none. */
static void begin(bool independent, const char *title)
{
  bool fine = descended == TOKENS;
  for (int t = 0; t < TOKENS; t++) {
    Search *s = &search[t];
    int used = 0, nearest = 0;
    *s = (Search){.open = true, .fewest = M + 1};
    fine = fine && given_well(t, independent);
    for (int j = 0; j < M; j++) {
      const float z = end[t * M + j];
      s->sign[j] = independent ? !(z > 0) : (z > 0) - (z < 0);
      used += s->sign[j] != 0;
      if (K[j * M + j] / 2 - b[t * M + j] < K[nearest * M + nearest] / 2 - b[t * M + nearest])
        nearest = j;
    }
    s->others = independent && 2 * used > M;
    if (p.simplex && used == 0) s->sign[nearest] = 1;
  }
  OK(fine, "%s: what all tokens descend from", title);
}

/* One turn of a search with products c: all atoms of the wrong side change it. It ends where none
   is, or where for the fourth time they are no fewer than they have been. What
   is as small as rounding counts as none: the bound for an atom, or for its weight by its square.
 */
static void take_turn(Search *s, const double *c)
{
  double g[M], cost = p.l1, most = 0;
  int wrong = 0, side[M];
  for (int j = 0; j < M; j++)
    most = fmax(most, p.simplex ? fabs(c[j] + CONSTANT) : fabs(c[j]) / sqrt(K[j * (M + 1)]));
  s->open = plain_weights(&p, K, c, s->sign, s->z);
  if (!s->open) return;
  for (int j = 0; j < M; j++) {
    g[j] = c[j];
    for (int l = 0; l < M; l++) g[j] -= K[j * M + l] * s->z[l];
    if (s->sign[j] && p.simplex) cost = g[j];
  }
  for (int j = 0; j < M; j++) {
    const int to = p.either_sign && g[j] < 0 ? -1 : 1, is = s->sign[j];
    const double bound = 0x1p-21 * most * (p.simplex ? 1 : sqrt(K[j * (M + 1)]));
    side[j] = is ? is * (is * s->z[j] > bound / K[j * (M + 1)]) : to * (to * g[j] > cost + bound);
    wrong += side[j] != s->sign[j];
  }
  s->found = wrong == 0;
  s->since = wrong < s->fewest ? 0 : s->since + 1;
  s->fewest = wrong < s->fewest ? wrong : s->fewest;
  s->open = wrong > 0 && s->since <= 3;
  memcpy(s->sign, side, sizeof(side));
}

/* All turns, the last one of no system. */
static void search_all(void)
{
  for (int64_t n = 1; n && expected.calls < CALLS;) {
    n = 0;
    for (int others = 0; others < 2; others++) {
      const int call = expected.calls++;
      for (int i = 0; i < (M + 1) * TOKENS; i++) { /* small sets first */
        const Search *s = &search[i % TOKENS];
        if (!s->open || s->others != others || __builtin_popcount(set_of(s)) != i / TOKENS)
          continue;
        expected.set[call][expected.n[call]++] = set_of(s);
      }
      n += expected.n[call];
    }
    for (int t = 0; t < TOKENS; t++)
      if (search[t].open) take_turn(&search[t], b + t * M);
  }
}

/* What the descent is given of the atoms: K with a pull of an eighth of its mean diagonal on the
   simplex, or K^-1, and one over the diagonal. */
static void check_matrix(bool independent, const char *title)
{
  static const int all[M] = {1, 1, 1, 1, 1, 1, 1};
  double pull = 0, most = 0, far = 0, want[M][M], unit[M] = {0};
  for (int j = 0; j < M && p.simplex; j++) pull += K[j * (M + 1)] / M / 8;
  for (int j = 0; j < M; j++) {
    unit[j] = 1;
    if (independent) plain_weights(&p, K, unit, all, want[j]);
    unit[j] = 0;
    for (int l = 0; l < M; l++) {
      if (!independent) want[j][l] = K[j * M + l] + pull;
      most = fmax(most, fabs(want[j][l]));
      far = fmax(far, fabs((double)square[j * M + l] - want[j][l]));
    }
  }
  far = fmax(far, fabs((double)pull_of - pull)) / most;
  for (int j = 0; j < M; j++) far = fmax(far, fabs((double)inverse_of[j] * want[j][j] - 1));
  NEAR(far, 0, 1e-6, "%s: the matrix of the descent", title);
}

/* Atoms A, tokens X of width D. */
static PetscErrorCode Check(Exchange *x, const double *A, const double *X, bool independent,
                            const char *title)
{
  static double padded[M * LD];
  bool found[TOKENS], fine = true;
  double code = 0, most = 1;
  int all = 0, by_others = 0;
  PetscFunctionBeginUser;
  memset(K, 0, sizeof(K));
  memset(b, 0, sizeof(b));
  for (int i = 0; i < M * M * D; i++)
    K[i / D] += A[i / D / M * D + i % D] * A[i / D % M * D + i % D];
  for (int i = 0; i < TOKENS * M * D; i++)
    b[i / D] += X[i / D / M * D + i % D] * A[i / D % M * D + i % D];
  for (int i = 0; i < TOKENS * M; i++) b[i] = (double)(S[i] = (float)b[i]);
  for (int i = 0; i < M * M; i++) padded[i / M * LD + i % M] = K[i] + (p.simplex ? CONSTANT : 0);
  memset(&seen, 0, sizeof(seen));
  memset(&expected, 0, sizeof(expected));
  off = 0;
  PetscCall(ExchangeRenew(x, padded, LD, p.simplex ? CONSTANT : 0));
  exchange_rows(x, TOKENS, S, Z, found);
  begin(independent, title);
  check_matrix(independent, title);
  search_all();
  for (int t = 0; t < TOKENS; t++) {
    fine = fine && found[t] == search[t].found;
    all += found[t], by_others += search[t].others;
    for (int j = 0; j < M && found[t]; j++) {
      code = fmax(code, fabs((double)Z[t * M + j] - search[t].z[j]));
      most = fmax(most, fabs(search[t].z[j]));
    }
  }
  OK(seen.calls == expected.calls && !memcmp(&seen, &expected, sizeof(seen)),
     "%s: the systems of %d turns", title, expected.calls / 2 - 1);
  NEAR(off, 0, 1e-6, "%s: in these matrices", title);
  OK(fine, "%s: %d of %d codes are found, %d by the others", title, all, TOKENS, by_others);
  NEAR(code / most, 0, 1e-5, "%s: as they should be", title);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static double at(int64_t k)
{
  return 2 * noise((uint64_t)k + 77) - 1;
}

/* Atoms that have `together` in common, the last one shorter; tokens of them all, of few, of none,
 * and far away. */
static void draw(double *A, double *X, double together, double lift)
{
  for (int i = 0; i < M * D; i++)
    A[i] = (at(i) + together * at(1000 + i % D)) * (i / D == M - 1 ? 0.7 : 1);
  for (int t = 0; t < TOKENS; t++)
    for (int i = 0; i < D; i++) {
      X[t * D + i] = 0.3 * at(2000 + t * D + i);
      for (int j = 0; j < M; j++)
        X[t * D + i] += (at(5000 + t * M + j) + lift) * A[j * D + i] * (t % 8 == 7 ? -9 : 1);
    }
}

static PetscErrorCode CheckRule(const CodeRule *rule, const Kernels *kernels, const char *name)
{
  const bool inverse = !rule->simplex && !rule->either_sign && rule->l1 == 0;
  double A[M * D], X[TOKENS * D];
  Exchange *x;
  PetscFunctionBeginUser;
  p.m = M, p.l1 = rule->l1, p.either_sign = rule->either_sign, p.simplex = rule->simplex;
  PetscCall(ExchangeCreate(kernels, M, rule, &x));
  draw(A, X, 0, 0);
  PetscCall(Check(x, A, X, inverse, name));
  draw(A, X, 0.5, 0.6);
  PetscCall(Check(x, A, X, inverse, name));
  draw(A, X, 4, 0.2);
  PetscCall(Check(x, A, X, inverse, name));
  draw(A, X, 0.3, 0.4);
  for (int i = 0; i < D; i++) A[6 * D + i] = A[i] + 0x1p-12 * at(9000 + i); /* almost twins */
  PetscCall(Check(x, A, X, false, name));
  draw(A, X, 0.3, 0.4);
  for (int i = 0; i < D; i++) A[3 * D + i] = A[i];
  PetscCall(Check(x, A, X, false, name));
  PetscCall(ExchangeDestroy(&x));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  static Kernels kernels;
  Mistakes *mistakes;
  TestBegin(&argc, &argv);
  RUN(MistakesCreate(&mistakes));
  RUN(KernelsChoose(NULL, mistakes, &real));
  kernels = *real;
  kernels.descend = descend, kernels.solve_sets = solve_sets;
  RUN(CheckRule(&(CodeRule){0}, &kernels, "z >= 0"));
  RUN(CheckRule(&(CodeRule){.l1 = 0.2}, &kernels, "z >= 0, l1"));
  RUN(CheckRule(&(CodeRule){.l1 = 0.2, .either_sign = true}, &kernels, "z of either sign, l1"));
  RUN(CheckRule(&(CodeRule){.either_sign = true}, &kernels, "z of either sign"));
  RUN(CheckRule(&(CodeRule){.simplex = true}, &kernels, "the simplex"));
  RUN(MistakesDestroy(&mistakes));
  return TestEnd();
}
