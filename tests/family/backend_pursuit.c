/* Laws of the kernels of codes by pursuit: every usable set gives the bits of plain loops.
   RUN ranks=1 time=300 */
#include "../kernel_values.h"
#include "../tap.h"

enum { NOT_POSITIVE, AT_TOP, AT_BOTTOM, TOO_MANY, FULL, SOME, CASES }; /* of less_leading */
static int seen[CASES];

/* Sizes, and scores as whole numbers, by their definitions. */
static bool check_rounding(const Kernels *b, int64_t m, int kind)
{
  static const float odd[] = {0.5f,      1.5f,     2.5f,     -0.5f,     -1.5f,     -2.5f,
                              32766.5f,  32767.0f, 32767.5f, -32766.5f, -32767.0f, -32767.5f,
                              -32768.0f, 0x1p30f,  -0x1p30f, 0x1p100f,  -0x1p100f, INFINITY,
                              -INFINITY, NAN,      -0.0f,    0x1p-149f, 8191.5f,   -8192.5f};
  float *x = hold(fill(m, kind)), size = 0;
  int16_t *y = (int16_t *)hold(fill((m + 1) / 2, PLAIN));
  const bool whole = below(2);
  for (int64_t i = 0; i < m && whole; i++)
    if (below(2)) x[i] = odd[below(sizeof(odd) / sizeof(*odd))];
  for (int64_t i = 0; i < m; i++)
    if (fabsf(x[i]) > size) size = fabsf(x[i]);
  const float units = whole            ? 1
                      : below(3)       ? below(2) ? 9000 : 40000
                      : below(2)       ? 1e-9f
                      : isfinite(size) ? 32000 / size
                                       : 0,
              other = b->largest_size(m, x);
  bool same = same_float(1, &size, &other);
  b->round16(m, units, x, y);
  for (int64_t i = 0; i < m; i++) {
    const float v = units * x[i];
    const double near = isnan(v) ? -32767 : fmin(fmax(rint((double)v), -32767), 32767);
    same = same && y[i] == near;
  }
  return same;
}

static int64_t plain_leading(int64_t m, int16_t c, const int16_t *x, int16_t *y, int gap,
                             int64_t room, int32_t *index)
{
  int64_t most = INT64_MIN, least = INT64_MAX, found = 0;
  for (int64_t j = 0; j < m; j++) {
    const int64_t left = y[j] - (int64_t)floor((double)c * x[j] / 32768 + 0.5);
    y[j] = (int16_t)(left > 32767 ? 32767 : left < -32768 ? -32768 : left);
    most = y[j] > most ? y[j] : most, least = y[j] < least ? y[j] : least;
  }
  for (int64_t j = 0; j < m; j++)
    if (y[j] >= most - gap && found++ < room) index[found - 1] = (int32_t)j;
  const int now = most <= 0         ? NOT_POSITIVE
                  : most == 32767   ? AT_TOP
                  : least == -32768 ? AT_BOTTOM
                  : found > room    ? TOO_MANY
                  : found == room   ? FULL
                                    : SOME;
  seen[now]++;
  return now < FULL ? 0 : found;
}

/* Small, middling and large numbers, some of them all below 0, one of them often near an end. */
static bool check_leading(const Kernels *b, int64_t m)
{
  static const int64_t ranges[] = {3, 300, 31000, 32767};
  const int64_t range = ranges[below(4)], down = below(4) ? 0 : range,
                rooms[] = {1, m, m ? m - 1 : 0, below(m + 2)}, room = rooms[below(4)];
  int16_t *x = (int16_t *)hold(fill((m + 1) / 2, PLAIN)),
          *y = (int16_t *)hold(fill((m + 1) / 2, PLAIN)),
          *z = (int16_t *)hold(fill((m + 1) / 2, PLAIN));
  int32_t *i = (int32_t *)hold(fill(room, TINY)), *j = (int32_t *)hold(fill(room + 1, TINY));
  const bool wide = below(2);
  for (int64_t l = 0; l < m; l++) {
    x[l] = (int16_t)(wide && below(2) ? below(65535) - 32767 : below(7) - 3);
    y[l] = (int16_t)(below(2 * range + 1 - down) - range);
  }
  if (m && below(2)) y[below(m)] = (int16_t)((below(2) ? 1 : -1) * (32767 - below(4)));
  memcpy(z, y, (size_t)m * 2);
  j[room] = -5;
  bool same = true;
  for (int turn = 0; turn < 3; turn++) {
    const int16_t c = (int16_t)(below(4) ? below(2001) - 1000 : below(65536) - 32768);
    const int gap = (int)below(below(2) ? 3 : 70000);
    const int64_t found = plain_leading(m, c, x, y, gap, room, i);
    same = same && found == b->less_leading(m, c, x, z, gap, room, j) &&
           !memcmp(y, z, (size_t)m * 2) && !memcmp(i, j, (size_t)found * 4) && j[room] == -5;
  }
  return same;
}

/* Products of a few rows by lane64. */
static bool check_products(const Kernels *a, const Kernels *b, int64_t d, int kind)
{
  const int64_t p = below(20), ld = d + below(3), rows = 1 + below(20);
  int32_t *index = (int32_t *)hold(fill(p, PLAIN));
  bool same = true;
  const float *D = hold(fill(rows * ld, kind)), *e = hold(fill(d, kind));
  double *Q = (double *)hold(fill(2 * p * p, PLAIN)), *R = (double *)hold(fill(2 * p * p, PLAIN)),
         *c = (double *)hold(fill(2 * p, PLAIN)), *f = (double *)hold(fill(2 * p, PLAIN)),
         *work = (double *)hold(fill(2 * products64_work(p, d), AWKWARD));
  for (int64_t q = 0; q < p; q++) index[q] = (int32_t)below(rows);
  a->products64(p, index, d, D, ld, e, 0, NULL, Q, c, work);
  b->products64(p, index, d, D, ld, e, p, index, R, f, work);
  for (int64_t q = 0; q < p * p; q++) same = same && same_double(Q[q], R[q]);
  for (int64_t q = 0; q < p; q++)
    same = same && same_double(c[q], f[q]) && same_double(c[q], a->dot64(d, D + index[q] * ld, e));
  return same;
}

/* A few systems, against the definition. */
static bool check_refine(const Kernels *b, int64_t n, int64_t ld, int kind)
{
  int64_t p[9];
  double *Q = (double *)hold(fill(2 * n * ld * ld, PLAIN)),
         *c = (double *)hold(fill(2 * n * ld, PLAIN)),
         *slope = (double *)hold(fill(2 * ld, AWKWARD)),
         *z = (double *)hold(fill(2 * n * ld, PLAIN)), *y = (double *)hold(fill(2 * n * ld, PLAIN));
  const int64_t turns = below(4);
  bool same = true;
  for (int64_t s = 0; s < n; s++) p[s] = below(3) ? ld : below(ld + 1);
  for (int64_t i = 0; i < n * ld * ld; i++) Q[i] = (double)value_of(kind);
  for (int64_t i = 0; i < n * ld; i++)
    c[i] = (double)value_of(kind), z[i] = y[i] = fabs((double)value_of(kind));
  for (int64_t s = 0; s < n; s++) {
    double *q = Q + s * ld * ld, *x = y + s * ld, now[64], square = 0;
    const int64_t w = p[s];
    for (int64_t i = 0; i < w; i++)
      for (int64_t j = 0; j < i; j++) q[i * w + j] = q[j * w + i];
    for (int64_t i = 0; i < w * w; i++) square += q[i] * q[i];
    for (int64_t turn = 0; turn < turns; turn++) {
      memcpy(now, x, (size_t)w * 8);
      for (int64_t i = 0; i < w; i++) {
        double fall = -c[s * ld + i];
        for (int64_t j = 0; j < w; j++) fall += q[i * w + j] * now[j];
        const double next = now[i] - (square > 0 ? 1 / sqrt(square) : 0) * fall;
        x[i] = next > 0 ? next : 0;
      }
    }
  }
  b->refine64(n, turns, p, ld, Q, c, slope, z);
  for (int64_t i = 0; i < n * ld; i++) same = same && same_double(z[i], y[i]);
  return same;
}

/* Rows that lose a multiple of another, and their squares. */
static bool check_less(const Kernels *a, const Kernels *b, int64_t n, int64_t d, int kind)
{
  const int64_t stride = 1 + below(3), rows = 1 + below(20), ld = d + below(3);
  int32_t *index = (int32_t *)hold(fill(n * stride, PLAIN));
  const float *D = hold(fill(rows * ld, kind));
  float *by = hold(fill(n * stride, kind)), *y = hold(fill(n * d, kind)),
        *z = hold(fill(n * d, PLAIN));
  double *c = (double *)hold(fill(2 * n, PLAIN)), *f = (double *)hold(fill(2 * n, PLAIN));
  for (int64_t t = 0; t < n * stride; t++) {
    index[t] = (int32_t)below(rows);
    if (kind == PLAIN && !below(9)) by[t] = INFINITY; /* not a number past a row's end alone */
  }
  memcpy(z, y, (size_t)(n * d) * 4);
  a->less_rows(n, stride, index, by, d, D, ld, y, c);
  b->less_rows(n, stride, index, by, d, D, ld, z, f);
  bool same = same_float(n * d, y, z);
  for (int64_t t = 0; t < n; t++) same = same && same_double(c[t], f[t]);
  return same;
}

/* The way back through picks against the sums of all its rows, each held, of the atoms from `first`
   on. */
static bool check_unroll(const Kernels *a, const Kernels *b, int64_t n, int64_t d, int64_t m,
                         int kind)
{
  const int64_t *start = hold_starts(n, 6), all = start[n], first = below(m),
                atoms = m - first - below(2), leaves = n > 0 ? (n + 1023) / 1024 : 1;
  int32_t *index = (int32_t *)hold(fill(all, PLAIN));
  for (int64_t q = 0; q < all; q++) index[q] = (int32_t)below(m);
  const float *c = hold(fill(all, kind)), *s = hold(fill(all, kind)), *D = hold(fill(m * d, kind)),
              *e = hold(fill(n * d, kind));
  float *GU = hold(fill(m * d, PLAIN)), *GV = hold(fill(m * d, PLAIN)), *U = hold(fill(d, PLAIN)),
        *V = hold(fill(d, PLAIN)), *work = hold(fill(unroll_work(n, m, m), AWKWARD));
  float *sum = hold(fill(leaves * 2 * m * d, PLAIN)), *end = hold(fill(n * d, AWKWARD)),
        *slope = hold(fill(all, AWKWARD)), dot;
  bool same = true;
  b->unroll_slopes(n, start, index, d, D, e, end, slope);
  for (int64_t t = 0; t < n; t++) {
    memcpy(U, e + t * d, (size_t)d * 4);
    for (int64_t q = start[t]; q < start[t + 1]; q++) {
      a->blockdots(1, index + q, d, D, d, U, &dot);
      a->add_scaled(d, -dot, D + index[q] * d, U);
      same = same && same_float(1, &dot, slope + q);
    }
    same = same && same_float(d, U, end + t * d);
  }
  b->unroll_sums(&(Unroll){n, m, d, first, atoms, start, index, c, s, D, e, 0.3f}, GU, GV, work);
  memset(sum, 0, (size_t)(leaves * 2 * m * d) * 4);
  for (int64_t t = 0; t < n; t++) {
    for (int64_t l = 0; l < d; l++) U[l] = e[t * d + l], V[l] = -U[l];
    for (int64_t q = start[t]; q < start[t + 1]; q++) {
      float *to = sum + (t / 1024 * m + index[q]) * 2 * d;
      a->add_scaled(d, c[q], D + index[q] * d, V);
      a->add_scaled(d, c[q], U, to);
      a->add_scaled(d, 0.3f * s[q], V, to + d);
      a->add_scaled(d, -s[q], D + index[q] * d, U);
    }
  }
  for (int64_t l = 0; l < leaves * 2 * m * d; l++) sum[l] += 0.0f;
  for (int64_t left = leaves, size = 2 * m * d; left > 1; left = (left + 1) / 2) {
    for (int64_t l = 0; l < left / 2; l++)
      for (int64_t i = 0; i < size; i++)
        sum[l * size + i] = sum[2 * l * size + i] + sum[(2 * l + 1) * size + i];
    if (left & 1) memcpy(sum + left / 2 * size, sum + (left - 1) * size, (size_t)size * 4);
  }
  for (int64_t j = 0; j < atoms; j++)
    same = same && same_float(d, GU + j * d, sum + 2 * (first + j) * d) &&
           same_float(d, GV + j * d, sum + (2 * (first + j) + 1) * d);
  return same;
}

static void check(const Kernels *b, const char *called)
{
  bool good[3] = {true, true, true};
  int least = INT32_MAX;
  counter = 0, memset(seen, 0, sizeof(seen));
  for (int turn = 0; turn < 120; turn++) {
    const int kind = turn % VALUE_KINDS;
    good[2] &= check_rounding(b, size_of(below(2) ? 300 : 2500), kind), let_go();
    for (int t = 0; t < 4; t++)
      good[2] &= check_leading(b, size_of(t ? 300 : below(2) ? 2500 : 9000)), let_go();
    good[0] &= check_products(&backend_ref, b, size_of(300), kind), let_go();
    good[0] &= check_less(&backend_ref, b, size_of(40), size_of(300), kind), let_go();
    good[0] &= check_refine(b, below(10), 1 + below(40), kind), let_go();
    good[1] &= check_unroll(&backend_ref, b, size_of(40), size_of(below(9) ? 80 : 2500),
                            1 + below(12), kind),
        let_go();
  }
  for (int t = 0; t < 8; t++)
    good[1] &= check_unroll(&backend_ref, b, 1024 * t + below(3), 1 + below(40), 2, t % 2),
        let_go();
  for (int t = 0; t < 32; t++) /* rows that end in each block of those joined at once */
    good[1] &= check_unroll(&backend_ref, b, 3, 32 * t + 1 + below(31), 5, t % 2), let_go();
  OK(good[2], "%s: largest_size, round16 and less_leading by their definitions", called);
  for (int i = 0; i < CASES; i++) least = seen[i] < least ? seen[i] : least;
  OK(least > 30, "each case of leading numbers comes at least %d times", least);
  OK(good[0], "%s: products64, refine64 and less_rows", called);
  OK(good[1], "%s: unroll_slopes and unroll_sums", called);
}

int main(int argc, char **argv)
{
  TestBegin(&argc, &argv);
  each_backend(check);
  return TestEnd();
}
