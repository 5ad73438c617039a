/* Laws of the kernels that filter scores in 16-bit integers: every usable set gives the bits of the
   plain loops, and rounding keeps what it promises.
   RUN ranks=1 time=300 */
#include "../kernel_values.h"
#include "../tap.h"

static bool same_rounding(const Quantised *a, const Quantised *b)
{
  return a->rows == b->rows && a->ld == b->ld &&
         !memcmp(a->q, b->q, (size_t)(a->rows * a->ld) * sizeof(*a->q)) &&
         same_float(a->rows, a->scale, b->scale) && same_float(a->rows, a->norm, b->norm) &&
         same_float(a->rows, a->rest, b->rest);
}

/* Rounding to integers, the filter on them and the atoms it leaves. */
static bool check_filter(const Kernels *a, const Kernels *b, int64_t n, int64_t m, int64_t d, int k)
{
  const bool all = m > 2048; /* more can be kept than a list holds */
  const int64_t ldX = d + below(5), ldE = d + below(5), ldL = m + below(5);
  const int64_t room = all ? m : size_of(300);
  const float *X = hold(fill(n * ldX, k)), *E = hold(fill(m * ldE, k)), *init = hold(fill(m, k));
  float *slack = hold(fill(m, PLAIN)), *L = hold(fill(n * ldL, PLAIN)),
        *M = hold(fill(n * ldL, PLAIN));
  int32_t *i = (int32_t *)hold(fill(room, PLAIN)), *j = (int32_t *)hold(fill(room, PLAIN));
  memcpy(M, L, (size_t)(n * ldL) * 4);
  for (int64_t q = 0; q < m; q++)
    slack[q] = fabsf(slack[q]) * (all ? 10.0f : below(2) ? 1e-3f : 0.1f);
  Quantised x = {0}, y = {0}, e = {0}, f = {0};
  Packed P = {0}, Q = {0};
  a->quantise(n, d, X, ldX, &x);
  b->quantise(n, d, X, ldX, &y);
  a->quantise(m, d, E, ldE, &e);
  b->quantise(m, d, E, ldE, &f);
  bool same = same_rounding(&x, &y) && same_rounding(&e, &f);
  a->pack(m, e.ld / 2, (const float *)(const void *)e.q, e.ld / 2, &P);
  b->pack(m, f.ld / 2, (const float *)(const void *)f.q, f.ld / 2, &Q);
  a->filter(&x, &P, e.scale, init, slack, L, ldL);
  b->filter(&y, &Q, f.scale, init, slack, M, ldL);
  same = same && same_float(n * ldL, L, M);
  for (int64_t t = 0; t < n; t++) {
    const int64_t top = size_of(70);
    const int64_t p = a->candidates(m, L + t * ldL, slack, x.norm[t], top, room, i);
    const int64_t q = b->candidates(m, L + t * ldL, slack, x.norm[t], top, room, j);
    same = same && p == q && !memcmp(i, j, (size_t)(p > 0 ? p : 0) * 4);
  }
  quantised_clear(&x), quantised_clear(&y), quantised_clear(&e), quantised_clear(&f);
  packed_clear(&P), packed_clear(&Q);
  return same;
}

static bool check_chains(const Kernels *a, const Kernels *b, int64_t n, int64_t most, int64_t d,
                         int kind)
{
  const int64_t rows = 1 + below(20), ldE = d + below(5), ldX = d + below(5);
  int64_t start[128] = {0};
  n = n < 127 ? n : 127;
  for (int64_t t = 0; t < n; t++) start[t + 1] = start[t] + below(most + 1);
  const float *E = hold(fill(rows * ldE, kind)), *X = hold(fill(n * ldX, kind));
  float *s = hold(fill(start[n], kind)), *r = hold(fill(start[n], PLAIN));
  int32_t *index = (int32_t *)hold(fill(start[n], PLAIN));
  for (int64_t q = 0; q < start[n]; q++) index[q] = (int32_t)below(rows);
  memcpy(r, s, (size_t)start[n] * 4);
  a->chains(n, start, index, d, E, ldE, X, ldX, NULL, 0, s);
  b->chains(n, start, index, d, E, ldE, X, ldX, below(2) ? E : NULL, 4 * ldE, r);
  return same_float(start[n], s, r);
}

/* What quantise promises of its rows: bounds of length and of what is left over, and integers whose
   products cannot overflow. */
static void check_rounding(void)
{
  const int64_t n = 400;
  bool bound = true, fits = true, odd = true;
  for (int turn = 0; turn < 60; turn++) {
    const int64_t d = 1 + below(200);
    const float scale = (float[]){1, 1e-12f, 1e-20f, 1e12f, 1e20f}[turn % 5];
    float *X = hold(fill(n * d, turn % VALUE_KINDS));
    for (int64_t i = 0; i < n * d; i++) X[i] *= below(40) || turn % 4 ? scale : scale * 1e4f;
    Quantised Q = {0};
    backend_ref.quantise(n, d, X, d, &Q);
    for (int64_t t = 0; t < n; t++) {
      double square = 0, rest = 0;
      int64_t length = 0;
      for (int64_t i = 0; i < d; i++) {
        const double x = (double)X[t * d + i];
        const int64_t q = Q.q[t * Q.ld + i];
        const double r = x - (double)Q.scale[t] * (double)q;
        square += x * x, rest += r * r, length += q * q;
      }
      fits &= length <= (int64_t)46340 * 46340;
      if (Q.norm[t] < INFINITY)
        bound &= sqrt(square) <= (double)Q.norm[t] && sqrt(rest) <= (double)Q.rest[t];
      if (square < 0x1p98) odd &= Q.norm[t] < INFINITY;
      if (!(square < 0x1p101)) odd &= Q.norm[t] == INFINITY && length == 0;
    }
    quantised_clear(&Q);
    let_go();
  }
  OK(bound, "quantise: lengths and what is left over are bounded");
  OK(fits, "quantise: |q| is at most 46,340");
  OK(odd, "quantise: a row that is not finite has norm infinity, others have not");
}

static void check(const Kernels *b, const char *called)
{
  const Kernels *a = &backend_ref;
  bool filter = true, chains = true;
  counter = 0;
  for (int turn = 0; turn < 300; turn++) {
    filter &= check_filter(a, b, size_of(40), size_of(300), size_of(130), turn % VALUE_KINDS),
        let_go();
    chains &= check_chains(a, b, size_of(9), size_of(150), size_of(130), turn % VALUE_KINDS),
        let_go();
    chains &= check_chains(a, b, size_of(60), below(7), size_of(130), turn % VALUE_KINDS), let_go();
  }
  for (int turn = 0; turn < 6; turn++) /* more rows than a list holds */
    filter &= check_filter(a, b, 9, 2500 + 701 * (turn % 2), 12, turn % VALUE_KINDS), let_go();
  for (int turn = 0; turn < 12; turn++) /* more tokens, and longer, than pass a panel at once */
    filter &=
        check_filter(a, b, 60 + below(80), size_of(110), 150 + below(300), turn % VALUE_KINDS),
        let_go();
  OK(filter, "%s: quantise, filter and candidates are those of the plain loops", called);
  OK(chains, "%s: chains", called);
}

int main(int argc, char **argv)
{
  TestBegin(&argc, &argv);
  check_rounding();
  each_backend(check);
  return TestEnd();
}
