/* Laws of the kernels of classical methods: every usable set gives the bits of the plain loops, on
   awkward sizes, and these what include/compute/kernels.h says.
   RUN ranks=1 time=300 */
#include "../kernel_values.h"
#include "../tap.h"
#include "base/math.h"
#include "compute/forest.h"

static double *hold_doubles(int64_t n, int kind)
{
  double *x;
  PetscCallAbort(PETSC_COMM_SELF, ArrayCreate(n, &x));
  for (int64_t i = 0; i < n; i++)
    x[i] = (double)value_of(kind) * (1 + 0x1p-40 * (double)below(100));
  hold((float *)x);
  return x;
}

static bool check_sums(const Kernels *a, const Kernels *b, int64_t n, int64_t m, int64_t d, int k)
{
  const int64_t ldA = m + below(3), ldB = d + below(3), ldO = d + below(3), first = below(m + 1);
  const float *A = hold(fill(n * ldA, k)), *B = hold(fill(n * ldB, k)), *shift = hold(fill(d, k));
  double *S = hold_doubles(m * ldO, PLAIN), *T = hold_doubles(m * ldO, PLAIN);
  const int64_t part = below(m - first + 1), cols = below(4) ? d : below(d + 1);
  const bool shifted = below(2);
  const Kernels *kernels[] = {a, b};
  Packed P[2][2] = {{{0}}};
  memcpy(T, S, (size_t)(m * ldO) * 8);
  bool same = true;
  for (int s = 0; s < 2; s++) {
    kernels[s]->pack_columns(n, m, A, ldA, NULL, &P[s][0]);
    kernels[s]->pack_columns(n, d, B, ldB, shifted ? shift : NULL, &P[s][1]);
    kernels[s]->sum_products(&P[s][0], first, part, &P[s][1], cols, s ? T : S, ldO);
  }
  for (int64_t i = 0; i < m * ldO; i++) same = same && same_double(S[i], T[i]);
  for (int s = 0; s < 2; s++) packed_clear(&P[s][0]), packed_clear(&P[s][1]);
  return same;
}

/* Products of whole matrices, and of chosen rows, against one element after another. */
static bool check_subtract(const Kernels *b, int64_t m, int64_t p, int64_t d, int kind)
{
  const int64_t rows = p + below(9), ldA = p + below(3), ldB = d + below(3), ldO = d + below(3);
  const double *A = hold_doubles(m * ldA, kind), *B = hold_doubles(rows * ldB, kind);
  double *S = hold_doubles(m * ldO, kind), *T = hold_doubles(m * ldO, kind);
  int32_t *index = (int32_t *)hold(fill(p, PLAIN));
  for (int64_t q = 0; q < p; q++) index[q] = (int32_t)below(rows);
  const bool all = below(2);
  memcpy(T, S, (size_t)(m * ldO) * 8);
  b->subtract64(m, p, d, A, ldA, B, ldB, all ? NULL : index, T, ldO);
  bool same = true;
  for (int64_t j = 0; j < m; j++)
    for (int64_t i = 0; i < ldO; i++) {
      for (int64_t q = 0; q < p && i < d; q++) {
        const volatile double product = A[j * ldA + q] * B[(all ? q : index[q]) * ldB + i];
        S[j * ldO + i] -= product;
      }
      same = same && same_double(S[j * ldO + i], T[j * ldO + i]);
    }
  return same;
}

/* A symmetric matrix [m + 1 x ld] of float64, positive definite but for every third one's second
   row, which may be the first again; its last row and column are 0. */
static double *hold_matrix(int64_t m, int64_t ld)
{
  double *Q = hold_doubles((m + 1) * ld, PLAIN);
  memset(Q, 0, (size_t)((m + 1) * ld) * sizeof(*Q));
  for (int64_t i = 0; i < m; i++)
    for (int64_t j = 0; j <= i; j++)
      Q[i * ld + j] = Q[j * ld + i] = (double)(below(2001) - 1000) / 1e3 + (i == j ? (double)m : 0);
  for (int64_t j = 0; j < m && m > 1 && !below(3); j++) {
    Q[ld + j] = Q[j * ld + 1] = Q[j > 1 ? j : 0];
    if (j < 2) Q[ld + j] = Q[j * ld + 1] = Q[0];
  }
  return Q;
}

/* One system by plain loops; false: rows depend on each other. */
static bool solve_plainly(int64_t n, const int32_t *row, const double *Q, int64_t ld, bool sum,
                          double *y, double *multiplier)
{
  double L[40][40], f[2][40], inverse[40], top = 0, all = 0;
  for (int64_t i = 0; i < n; i++) {
    for (int64_t j = 0; j <= i; j++) {
      volatile double x = Q[row[i] * ld + row[j]];
      for (int64_t k = 0; k < j; k++) x -= (volatile double){L[i][k] * L[j][k]};
      if (j < i) L[i][j] = x * inverse[j];
      if (j < i) continue;
      if (!(x > 1e-10 * Q[row[i] * ld + row[i]])) return false;
      L[i][i] = sqrt(x), inverse[i] = 1 / L[i][i];
    }
    for (int s = 0; s < 2; s++) {
      volatile double x = s ? 1 : y[i];
      for (int64_t k = 0; k < i; k++) x -= (volatile double){f[s][k] * L[i][k]};
      f[s][i] = x * inverse[i];
    }
    top += (volatile double){f[1][i] * f[0][i]}, all += (volatile double){f[1][i] * f[1][i]};
  }
  if (sum) *multiplier = (top - 1) / all;
  for (int64_t i = 0; i < n; i++)
    y[i] = sum ? f[0][i] - (volatile double){*multiplier * f[1][i]} : f[0][i];
  for (int64_t i = n - 1; i >= 0; i--) {
    y[i] *= inverse[i];
    for (int64_t k = 0; k < i; k++) y[k] -= (volatile double){L[i][k] * y[i]};
  }
  return true;
}

static bool check_solve(const Kernels *b, int64_t n, int64_t m, bool sum)
{
  enum { MOST = 40 };
  const int64_t ld = m + 1 + below(9);
  const double *Q = hold_matrix(m, ld);
  int64_t start[MOST + 1] = {0};
  int32_t *row = (int32_t *)hold(fill(n * m, PLAIN));
  double *y = hold_doubles(n * m, PLAIN), *work = hold_doubles(solve_sets_work(m), PLAIN),
         multiplier[MOST] = {0}, *z = hold_doubles(n * m, PLAIN);
  bool solved[MOST], same = true;
  for (int64_t s = 0; s < n; s++) {
    const int64_t kept = below(101);
    start[s + 1] = start[s];
    for (int64_t j = 0; j < m; j++)
      if (below(100) < kept) row[start[s + 1]++] = (int32_t)j;
  }
  memcpy(z, y, (size_t)start[n] * sizeof(*z));
  b->solve_sets(n, start, row, m, Q, ld, y, sum ? multiplier : NULL, solved, work);
  for (int64_t s = 0; s < n; s++) {
    const int64_t from = start[s], count = start[s + 1] - from;
    double factor = 0;
    const bool good = solve_plainly(count, row + from, Q, ld, sum, z + from, &factor);
    same = same && good == solved[s] && (!sum || !good || same_double(factor, multiplier[s]));
    for (int64_t i = from; i < start[s + 1]; i++) same = same && same_double(y[i], good ? z[i] : 0);
  }
  return same;
}

/* Coordinate descent of one row of products by plain loops. */
static void descend_plainly(const Descent *by, int sweeps, const float *b, float *z)
{
  volatile float lift = 0;
  memset(z, 0, (size_t)by->m * sizeof(*z));
  for (int s = 0; s < sweeps; s++) {
    volatile float sum = 0;
    for (int64_t j = 0; j < by->m; j++) sum += z[j];
    if (by->pull > 0) lift += (volatile float){by->pull * (1 - sum)};
    for (int64_t j = 0; j < by->m; j++) {
      volatile float q = b[j] + lift;
      for (int in = 0; in < 2; in++)
        for (int64_t l = 0; l < by->m; l++)
          if (l != j && (l / 4 == j / 4) == in) q -= (volatile float){by->K[j * by->ld + l] * z[l]};
      if (!by->either_sign)
        q = q - by->cost > 0 ? q - by->cost : 0;
      else
        q = q > by->cost ? q - by->cost : q < -by->cost ? q + by->cost : 0;
      z[j] = q * by->inverse[j];
    }
  }
}

static bool check_descend(const Kernels *b, int64_t n, int64_t m, int kind)
{
  const int64_t ld = (m + 3) / 4 * 4;
  float *K = hold(fill(ld * ld, kind)), *S = hold(fill(n * m, kind)), *Z = hold(fill(n * m, PLAIN)),
        *z = hold(fill(m, PLAIN)), *work = hold(fill(descend_work(m), PLAIN)),
        *inverse = hold(fill(m, kind));
  const Descent by = {.m = m,
                      .ld = ld,
                      .K = K,
                      .inverse = inverse,
                      .cost = (float)below(3) / 8,
                      .pull = (float)below(2) / 4,
                      .either_sign = below(2)};
  const int sweeps = (int)below(4);
  bool same = true;
  b->descend(n, &by, sweeps, S, Z, work);
  for (int64_t t = 0; t < n; t++) {
    descend_plainly(&by, sweeps, S + t * m, z);
    same = same && same_float(m, z, Z + t * m);
  }
  return same;
}

static bool check_exp(const Kernels *b, int64_t n)
{
  double *x = hold_doubles(n, PLAIN), *y = hold_doubles(n, PLAIN);
  const int far = below(4);
  for (int64_t i = 0; i < n; i++) {
    x[i] = (double)(below(2000001) - 1000000) / 1e6 * (far ? 40 * far : 1);
    if (far == 3 && !below(30)) x[i] = (double[]){-745.5, 710, INFINITY, NAN, 0, -744}[below(6)];
  }
  b->exp64(n, x, y);
  bool same = true;
  for (int64_t i = 0; i < n; i++) same = same && same_double(math_exp(x[i]), y[i]);
  return same;
}

static bool check_distances(const Kernels *b, int64_t n, int64_t d, int kind)
{
  const int64_t rows = n + below(5), ld = d + below(3);
  const float *X = hold(fill(n * ld, kind)), *Y = hold(fill(rows * ld, kind));
  double *distance = hold_doubles(n, PLAIN);
  int32_t *index = (int32_t *)hold(fill(n, PLAIN));
  const bool one = below(2), all = below(2);
  for (int64_t q = 0; q < n; q++) index[q] = (int32_t)below(rows);
  b->distances64(n, d, X, one ? 0 : ld, Y, ld, all ? NULL : index, distance);
  bool same = true;
  for (int64_t q = 0; q < n; q++)
    same = same && same_double(backend_ref.distance64(d, X + (one ? 0 : q * ld),
                                                      Y + (all ? q : index[q]) * ld),
                               distance[q]);
  return same;
}

/* A tree below fork `at`, which ends at random; its leaves have values of their own. */
static void grow(Forest *f, int64_t tree, int64_t at, int64_t level, int64_t d, int kind)
{
  const int64_t last = ((int64_t)1 << f->levels) - 1;
  if (level < f->levels && below(12)) {
    float cut = value_of(kind);
    f->fork[(tree << f->levels) + at] = (Fork){(int32_t)below(d), isfinite(cut) ? cut : -1};
    for (int s = 1; s <= 2; s++) grow(f, tree, 2 * at + s, level + 1, d, kind);
    return;
  }
  while (at < last) at = 2 * at + 1;
  f->leaf[(tree << f->levels) + at - last] = (double)value_of(PLAIN);
}

/* The leaf that a token comes to, child by child. */
static double leaf_of(const Forest *f, int64_t tree, const float *x, int64_t at)
{
  const int64_t last = ((int64_t)1 << f->levels) - 1, base = tree << f->levels;
  if (at >= last) return f->leaf[base + at - last];
  const Fork fork = f->fork[base + at];
  return leaf_of(f, tree, x, x[fork.dimension] < fork.cut ? 2 * at + 1 : 2 * at + 2);
}

static bool check_walk(const Kernels *b, int64_t n, int64_t d, int64_t levels, int kind)
{
  const int64_t trees = below(4), ld = d + below(3);
  float *X = hold(fill(n * ld, kind));
  double *sum = hold_doubles(n, PLAIN);
  Packed P = {0};
  Forest *f;
  bool same = true;
  PetscCallAbort(PETSC_COMM_SELF, ForestCreate(trees, levels, &f));
  for (int64_t r = 0; r < trees; r++) grow(f, r, 0, 0, d, kind);
  for (int64_t i = 0; i < n * ld; i++)
    if (!isfinite(X[i])) X[i] = f->fork[0].cut;
  for (int64_t i = 0; i < n * ld; i++) X[i] = isfinite(X[i]) ? X[i] : 0;
  PetscCallAbort(PETSC_COMM_SELF, ForestReady(f));
  b->pack(n, d, X, ld, &P);
  double *old = hold_doubles(n, PLAIN);
  memcpy(old, sum, (size_t)n * sizeof(*old));
  b->walk(f, &P, sum);
  for (int64_t t = 0; t < n; t++) {
    for (int64_t r = 0; r < trees; r++) old[t] -= leaf_of(f, r, X + t * ld, 0);
    same = same && same_double(old[t], sum[t]);
  }
  packed_clear(&P);
  PetscCallAbort(PETSC_COMM_SELF, ForestDestroy(&f));
  return same;
}

/* Pieces of 256 tokens in float32, added in float64 to what is there. */
static void check_pieces(void)
{
  enum { N = 3 * SUM_PIECE - 56 };
  const float *u = hold(fill(N, PLAIN)), *v = hold(fill(N, PLAIN));
  float piece[3] = {0};
  double sum = 0.125, other = 0.125;
  for (int t = 0; t < N; t++) piece[t / 256] = fmaf(u[t], v[t], piece[t / 256]);
  sum += ((double)piece[0] + (double)piece[1]) + (double)piece[2];
  Packed P = {0}, Q = {0};
  backend_ref.pack_columns(N, 1, u, 1, NULL, &P);
  backend_ref.pack_columns(N, 1, v, 1, NULL, &Q);
  backend_ref.sum_products(&P, 0, 1, &Q, 1, &other, 1);
  packed_clear(&P);
  packed_clear(&Q);
  OK(sum == other, "pieces of 256 tokens, added in float64");
  let_go();
}

static void check(const Kernels *b, const char *called)
{
  bool good[7] = {true, true, true, true, true, true, true};
  counter = 0;
  for (int turn = 0; turn < 120; turn++) {
    const int kind = turn % VALUE_KINDS;
    good[0] &= check_sums(&backend_ref, b, size_of(700), size_of(20), size_of(110), kind), let_go();
    if (turn % 15 == 0) /* more columns of A than go together */
      good[0] &= check_sums(&backend_ref, b, size_of(300), 60 + below(80), size_of(60), kind),
          let_go();
    good[1] &= check_subtract(b, size_of(12), size_of(20), size_of(60), kind), let_go();
    good[2] &= check_solve(b, below(40), 1 + below(39), turn % 2), let_go();
    good[4] &= check_exp(b, below(50)), let_go();
    good[5] &= check_distances(b, below(12), size_of(100), kind), let_go();
    good[6] &= check_walk(b, below(120), 1 + below(40), below(11), kind), let_go();
    good[3] &= check_descend(b, below(150), 1 + below(40), kind), let_go();
  }
  OK(good[0], "%s: sum_products", called);
  OK(good[1], "%s: subtract64, term by term", called);
  OK(good[2], "%s: solve_sets, term by term", called);
  OK(good[3], "%s: descend, term by term", called);
  OK(good[4], "%s: exp64 is math_exp", called);
  OK(good[5], "%s: distances64", called);
  OK(good[6], "%s: walk, fork by fork", called);
}

int main(int argc, char **argv)
{
  TestBegin(&argc, &argv);
  check_pieces();
  each_backend(check);
  return TestEnd();
}
