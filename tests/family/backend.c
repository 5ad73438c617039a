/* Laws of the kernels: every usable set gives the bits of the plain loops, on awkward sizes and
   values (tails, subnormal numbers, infinities, NaN, equal values), and the plain loops give what
   docs/numerics.md says.
   RUN ranks=1 time=300 */
#include "../kernel_values.h"
#include "../tap.h"

static bool check_scores(const Kernels *a, const Kernels *b, int64_t n, int64_t m, int64_t d, int k)
{
  const int64_t ldX = d + below(5), ldE = d + below(5), ldS = m + below(5);
  const float *X = hold(fill(n * ldX, k)), *E = hold(fill(m * ldE, k)), *init = hold(fill(m, k));
  float *S = hold(fill(n * ldS, PLAIN)), *T = hold(fill(n * ldS, PLAIN));
  memcpy(T, S, (size_t)(n * ldS) * 4);
  Packed P = {0}, Q = {0};
  a->pack(m, d, E, ldE, &P);
  b->pack(m, d, E, ldE, &Q);
  const bool with = below(2);
  a->scores(n, X, ldX, &P, with ? init : NULL, S, ldS);
  b->scores(n, X, ldX, &Q, with ? init : NULL, T, ldS);
  packed_clear(&P);
  packed_clear(&Q);
  return same_float(n * ldS, S, T);
}

static bool check_combine(const Kernels *a, const Kernels *b, int64_t m, int64_t p, int64_t d,
                          int k)
{
  const int64_t ldA = p + below(3), ldB = d + below(3), ldO = d + below(3);
  float *A = hold(fill(m * ldA, k));
  const float *B = hold(fill(p * ldB, k));
  const int64_t kept = below(4) ? 101 : below(60); /* of 100: the rest are zeros of either sign */
  for (int64_t i = 0; i < m * ldA; i++)
    if (below(100) >= kept) A[i] = below(2) ? 0.0f : -0.0f;
  float *S = hold(fill(m * ldO, PLAIN)), *T = hold(fill(m * ldO, PLAIN));
  memcpy(T, S, (size_t)(m * ldO) * 4);
  a->combine(m, p, d, A, ldA, B, ldB, S, ldO);
  b->combine(m, p, d, A, ldA, B, ldB, T, ldO);
  return same_float(m * ldO, S, T);
}

static bool check_select(const Kernels *a, const Kernels *b, int64_t m, int64_t top, int kind)
{
  const float *s = hold(fill(m, kind));
  float *v = hold(fill(m + top, PLAIN)), *w = hold(fill(m + top, PLAIN));
  int32_t *i = (int32_t *)hold(fill(m + top, PLAIN)), *j = (int32_t *)hold(fill(m + top, PLAIN));
  uint8_t *mask = (uint8_t *)hold(fill(m, PLAIN));
  for (int64_t l = 0; l < m; l++) mask[l] = below(3) != 0;
  bool same = true;
  for (int masked = 0; masked < 2; masked++) {
    const int64_t x = a->select_top(m, s, top, masked ? mask : NULL, i, v);
    const int64_t y = b->select_top(m, s, top, masked ? mask : NULL, j, w);
    same = same && x == y && !memcmp(i, j, (size_t)x * 4) && same_float(x, v, w);
  }
  const int64_t x = a->select_positive(m, s, i, v), y = b->select_positive(m, s, j, w);
  return same && x == y && !memcmp(i, j, (size_t)x * 4) && same_float(x, v, w);
}

static bool check_near(const Kernels *a, const Kernels *b, int64_t m, int kind)
{
  const float *s = hold(fill(m, kind));
  float *to = hold(fill(m, kind)), *v = hold(fill(2 * m, PLAIN)), *w = hold(fill(2 * m, PLAIN));
  int32_t *i = (int32_t *)hold(fill(m, PLAIN)), *j = (int32_t *)hold(fill(m, PLAIN));
  const double far = below(3) ? (double)below(4) / 4 : below(2) ? -1 : (double)INFINITY;
  const bool from_zero = below(2), near = below(3);
  for (int64_t l = 0; l < m; l++)
    if (!below(3)) to[l] = s[l]; /* equal, and thresholds below 0 too */
  const int64_t x = a->select_near(m, s, to, far, from_zero, i, v, near ? v + m : NULL),
                y = b->select_near(m, s, to, far, from_zero, j, w, near ? w + m : NULL);
  return x == y && !memcmp(i, j, (size_t)x * 4) && same_float(x, v, w) &&
         (!near || same_float(x, v + m, w + m));
}

static bool check_decode(const Kernels *a, const Kernels *b, int64_t nonzeros, int64_t d, int kind)
{
  const int64_t rows = 1 + below(20), ld = d + below(5);
  const float *D = hold(fill(rows * ld, kind)), *value = hold(fill(nonzeros, kind));
  float *y = hold(fill(d, PLAIN)), *z = hold(fill(d, PLAIN));
  int32_t *index = (int32_t *)hold(fill(nonzeros, PLAIN));
  for (int64_t q = 0; q < nonzeros; q++) index[q] = (int32_t)below(rows);
  a->decode(nonzeros, index, value, d, D, ld, y);
  b->decode(nonzeros, index, value, d, D, ld, z);
  const float *e = hold(fill(d, kind));
  float *g = hold(fill(nonzeros, PLAIN)), *h = hold(fill(nonzeros, PLAIN));
  a->blockdots(nonzeros, index, d, D, ld, e, g);
  b->blockdots(nonzeros, index, d, D, ld, e, h);
  a->add_scaled(d, e[0], D, y);
  b->add_scaled(d, e[0], D, z);
  if (!same_float(nonzeros, g, h)) return false;
  return same_float(d, y, z);
}

static bool check_picks(const Kernels *a, const Kernels *b, int64_t rows, int kind)
{
  const int64_t anchors = 1 + below(20), *start = hold_starts(rows, 9), all = start[rows];
  const float *X = hold(fill(anchors * DOT_BLOCK, kind)), *value = hold(fill(all, kind));
  const float *from = hold(fill(rows * DOT_BLOCK, kind)), *before = hold(fill(all, kind));
  float *y = hold(fill(rows * DOT_BLOCK, PLAIN)), *z = hold(fill(rows * DOT_BLOCK, PLAIN));
  float *g = hold(fill(all, PLAIN)), *h = hold(fill(all, PLAIN));
  int32_t *index = (int32_t *)hold(fill(all, PLAIN)), *row = (int32_t *)hold(fill(all, PLAIN));
  memcpy(y, from, (size_t)(rows * DOT_BLOCK) * 4), memcpy(z, from, (size_t)(rows * DOT_BLOCK) * 4);
  memcpy(g, before, (size_t)all * 4), memcpy(h, before, (size_t)all * 4);
  for (int64_t r = 0; r < rows; r++)
    for (int64_t q = start[r]; q < start[r + 1]; q++)
      index[q] = (int32_t)below(anchors), row[q] = (int32_t)r;
  a->add_picks(rows, start, index, value, X, y);
  b->add_picks(rows, start, index, value, X, z);
  a->dot_picks(all, index, row, X, from, g);
  b->dot_picks(all, index, row, X, from, h);
  return same_float(rows * DOT_BLOCK, y, z) && same_float(all, g, h);
}

/* share of all atoms, in a hundredth: of those the codes are, ascending; 0: any few, in any order.
 */
static bool check_residuals(const Kernels *a, const Kernels *b, int64_t n, int64_t m, int64_t d,
                            int64_t share, int kind)
{
  int64_t *start = hold_starts(n, share ? m : 40), all = start[n];
  const float sign = below(2) ? 1.0f : -1.0f;
  const float *D = hold(fill(m * d, kind)), *x = hold(fill(n * d, kind));
  const float *value = hold(fill(all, kind));
  float *e = hold(fill(n * d, PLAIN)), *f = hold(fill(n * d, PLAIN));
  float *g = hold(fill(all, PLAIN)), *h = hold(fill(all, PLAIN)),
        *work = hold(fill(residuals_work(n, m), AWKWARD));
  double *s = (double *)hold(fill(2 * n, PLAIN)), *t = (double *)hold(fill(2 * n, PLAIN));
  int32_t *index = (int32_t *)hold(fill(all, PLAIN));
  for (int64_t q = 0; q < all; q++) index[q] = (int32_t)below(m);
  for (int64_t i = 0, q = 0; share && i < n; i++) {
    const int64_t first = below(6) ? 0 : below(m), room = start[i + 1];
    start[i] = q;
    for (int64_t j = first; j < m && q < room; j++)
      if (below(100) < share) index[q++] = (int32_t)j;
    if (i + 1 == n) start[n] = all = q;
  }
  const int64_t leaves = leaf_count(n) * d;
  float *u = hold(fill(leaves, PLAIN)), *v = hold(fill(leaves, PLAIN));
  a->residuals(n, start, index, value, m, d, D, sign, x, e, g, s, u, work);
  b->residuals(n, start, index, value, m, d, D, sign, x, f, h, t, v, work);
  bool same = same_float(n * d, e, f) && same_float(all, g, h) && same_float(leaves, u, v);
  for (int64_t i = 0; i < n; i++) same = same && same_double(s[i], t[i]);
  b->residuals(n, start, index, value, m, d, D, sign, x, f, NULL, t, NULL, work);
  same = same && same_float(n * d, e, f);
  a->slopes(n, start, index, m, d, D, x, g, work);
  b->slopes(n, start, index, m, d, D, x, h, work);
  return same && same_float(all, g, h);
}

/* Tokens of each atom: most atoms a few, some all of them, some none. */
static bool check_leaf_sums(const Kernels *a, const Kernels *b, int64_t n, int64_t d, int64_t atoms,
                            int kind)
{
  int64_t *bucket = hold_starts(atoms, n);
  int32_t *token = (int32_t *)hold(fill(bucket[atoms], PLAIN));
  for (int64_t j = 0, from = 0; j < atoms; j++) {
    const int64_t some = bucket[j + 1] - from, step = some ? n / some : 1, shift = below(step);
    const int64_t count = below(4) ? some : 0;
    from = bucket[j + 1];
    bucket[j + 1] = bucket[j] + count;
    for (int64_t q = 0; q < count; q++) token[bucket[j] + q] = (int32_t)(q * step + shift);
  }
  const int64_t all = bucket[atoms];
  const float *u = hold(fill(all, kind)), *v = hold(fill(all, kind));
  const float *U = hold(fill(n * d, kind)), *V = hold(fill(n * d, kind));
  float *GU = hold(fill(atoms * d, PLAIN)), *GV = hold(fill(atoms * d, PLAIN));
  float *HU = hold(fill(atoms * d, PLAIN)), *HV = hold(fill(atoms * d, PLAIN));
  float *work = hold(fill(leaf_sums_work(n), AWKWARD));
  int32_t *row = (int32_t *)hold(fill(atoms, PLAIN));
  for (int64_t j = 0; j < atoms; j++) row[j] = (int32_t)(atoms - 1 - j);
  if (below(2)) row = NULL;
  float *alone = hold(fill(atoms * d, PLAIN));
  a->leaf_sums(n, d, atoms, bucket, row, token, u, v, U, V, GU, GV, work);
  b->leaf_sums(n, d, atoms, bucket, row, token, u, v, U, V, HU, HV, work);
  b->leaf_sums(n, d, atoms, bucket, row, token, v, NULL, V, NULL, alone, NULL, work);
  return same_float(atoms * d, GU, HU) && same_float(atoms * d, GV, HV) &&
         same_float(atoms * d, GV, alone);
}

static bool check_vectors(const Kernels *a, const Kernels *b, int64_t d, int kind)
{
  const float *x = hold(fill(d, kind)), *y = hold(fill(d, kind)), *inv = hold(fill(d, kind));
  const int64_t n = below(4), ld = d + below(3);
  float *X = hold(fill(n * ld, kind)), *Y = hold(fill(n * ld, kind));
  memcpy(Y, X, (size_t)(n * ld) * 4);
  a->normalise(n, d, X, ld, y, inv);
  b->normalise(n, d, Y, ld, y, inv);
  float *g = hold(fill(d, kind)), *h = hold(fill(d, kind));
  memcpy(h, g, (size_t)d * 4);
  bool same = same_double(a->tangent(d, g, x), b->tangent(d, h, x)) && same_float(d, g, h);
  same = same && same_double(a->unit(d, g), b->unit(d, h));
  same = same && same_float(d, g, h);
  if (d) { /* no number past the end times an infinite product is in the square */
    float *ones = hold(fill(d, PLAIN)), *row = hold(fill(d, PLAIN));
    for (int64_t i = 0; i < d; i++) ones[i] = row[i] = 1;
    row[d / 2] = INFINITY;
    same = same && b->tangent(d, ones, row) == (double)INFINITY;
  }
  return same && same_float(n * ld, X, Y) && same_double(a->square64(d, x), b->square64(d, x)) &&
         same_double(a->dot64(d, x, y), b->dot64(d, x, y)) &&
         same_double(a->distance64(d, x, y), b->distance64(d, x, y)) &&
         same_double(a->sum64(d, x), b->sum64(d, x));
}

static bool check_adam(const Kernels *a, const Kernels *b, int64_t n, int kind)
{
  const float *g = hold(fill(n, kind));
  float *p = hold(fill(n, kind)), *m = hold(fill(n, kind)), *v = hold(fill(n, kind));
  float *q = hold(fill(n, kind)), *o = hold(fill(n, kind)), *w = hold(fill(n, kind));
  for (int64_t i = 0; i < n; i++) v[i] = fabsf(v[i]);
  memcpy(q, p, (size_t)n * 4);
  memcpy(o, m, (size_t)n * 4);
  memcpy(w, v, (size_t)n * 4);
  const float scale = below(2) ? 1.0f : 0.37f;
  a->adam(n, p, m, v, g, scale, 1e-3f, 1.5f, 0.9f, 0.999f, 1e-8f);
  b->adam(n, q, o, w, g, scale, 1e-3f, 1.5f, 0.9f, 0.999f, 1e-8f);
  return same_float(n, p, q) && same_float(n, m, o) && same_float(n, v, w);
}

static bool check_narrow(const Kernels *a, const Kernels *b, int64_t n, int kind)
{
  const float *x = hold(fill(n, kind));
  uint16_t *h = (uint16_t *)hold(fill(n, PLAIN)), *i = (uint16_t *)hold(fill(n, PLAIN));
  a->narrow_half(n, x, h);
  b->narrow_half(n, x, i);
  const bool same = same_half(n, h, i, 0x7c00);
  a->narrow_bfloat(n, x, h);
  b->narrow_bfloat(n, x, i);
  return same && same_half(n, h, i, 0x7f80);
}

/* All 65,536 stored values, and back. */
static bool check_widen(const Kernels *a, const Kernels *b)
{
  const int64_t n = 65536;
  uint16_t *h = (uint16_t *)hold(fill(n, PLAIN)), *back = (uint16_t *)hold(fill(n, PLAIN));
  float *x = hold(fill(n, PLAIN)), *y = hold(fill(n, PLAIN));
  for (int64_t i = 0; i < n; i++) h[i] = (uint16_t)i;
  bool same = !a->widen_half(n, h, x) && !b->widen_half(n, h, y) && same_float(n, x, y);
  for (int64_t i = 0; i < n; i++) { /* in the middle of a vector, and past the last whole one */
    const bool half = (i & 0x7c00) != 0x7c00, bfloat = (i & 0x7f80) != 0x7f80;
    uint16_t one[19] = {0};
    float to[19];
    one[i % 19] = (uint16_t)i;
    same &= b->widen_half(19, one, to) == half && b->widen_bfloat(19, one, to) == bfloat;
  }
  b->narrow_half(n, y, back);
  same = same && same_half(n, h, back, 0x7c00);
  same = same && !a->widen_bfloat(n, h, x) && !b->widen_bfloat(n, h, y) && same_float(n, x, y);
  b->narrow_bfloat(n, y, back);
  return same && same_half(n, h, back, 0x7f80);
}

/* The nearest centroids by their definition. */
static bool check_nearest(const Kernels *b, int64_t n, int64_t K, int64_t d, int kind, float shift)
{
  const int64_t ld = d + below(3);
  float *X = hold(fill(n * ld, kind)), *C = hold(fill(K * d, kind));
  for (int64_t i = 0; i < n * ld; i++) X[i] += shift;
  for (int64_t i = 0; i < K * d; i++) C[i] += shift;
  for (int64_t j = 1; j < K; j++) { /* some equal or almost equal centroids, some are tokens */
    const int64_t like = below(3), at = below(d + 1);
    if (like) memcpy(C + j * d, C + below(j) * d, (size_t)d * 4);
    if (like == 1 && at < d) C[j * d + at] = nextafterf(C[j * d + at], 0.0f);
  }
  for (int64_t t = 0; t < n; t++) {
    if (!below(3)) memcpy(X + t * ld, C + below(K) * d, (size_t)d * 4);
  }
  int32_t *index = (int32_t *)hold(fill(n, PLAIN));
  double *distance;
  PetscCallAbort(PETSC_COMM_SELF, ArrayCreate(n, &distance));
  hold((float *)distance);
  /* any first level and prefix, lists that overflow, hints that are good, bad or none */
  const NearestWay way = {
      .first = (int)below(4), .prefix = 64 * below(3), .list = (int32_t)below(4)};
  Nearest *centroids;
  PetscCallAbort(PETSC_COMM_SELF, NearestCreateAs(b, K, d, C, &way, &centroids));
  int32_t *hint = (int32_t *)hold(fill(n, PLAIN));
  for (int64_t t = 0; t < n; t++) hint[t] = (int32_t)(below(K + 2) - 1);
  const bool together = below(2) == 1; /* of three calls, the answers that take longer at the end */
  const int64_t some = together ? below(n + 1) : n, more = together ? below(n - some + 1) : 0;
  if (together) nearest_begin(centroids, below(2) ? hint : NULL, index, distance);
  for (int64_t t = 0, call = 0; call < 3; call++) {
    const int64_t count = call == 0 ? some : call == 1 ? more : n - t;
    b->nearest(count, X + t * ld, ld, centroids, index + t, distance + t);
    t += count;
  }
  int32_t *early = (int32_t *)hold(fill(n, PLAIN)), wrong = 0;
  memcpy(early, index, (size_t)n * sizeof(*index));
  if (together) nearest_end(centroids);
  for (int64_t t = 0; t < n; t++) wrong += early[t] >= 0 && early[t] != index[t];
  if (wrong) fprintf(stderr, "# %d answers changed at the end\n", wrong);
  if (wrong) return false;
  PetscCallAbort(PETSC_COMM_SELF, NearestDestroy(&centroids));
  for (int64_t t = 0; t < n; t++) {
    double best = (double)INFINITY;
    int32_t at = 0;
    for (int64_t j = 0; j < K; j++) {
      const double e = backend_ref.distance64(d, X + t * ld, C + j * d);
      if (e < best) best = e, at = (int32_t)j;
    }
    if (index[t] != at || distance[t] != best) {
      fprintf(stderr, "# token %lld: %d (%a) instead of %d (%a)\n", (long long)t, index[t],
              distance[t], at, best);
      return false;
    }
  }
  return true;
}

static void check(const Kernels *b, const char *called)
{
  const Kernels *a = &backend_ref;
  bool good[13];
  for (int i = 0; i < 13; i++) good[i] = true;
  counter = 0;
  for (int turn = 0; turn < 240; turn++) {
    const int kind = turn % VALUE_KINDS;
    good[0] &= check_scores(a, b, size_of(70), size_of(200), size_of(130), kind), let_go();
    if (turn % 7 == 0) /* more rows and longer ones than a kernel set keeps in its caches */
      good[0] &= check_scores(a, b, 100 + size_of(100), size_of(60), 180 + size_of(240), kind);
    let_go();
    good[1] &= check_combine(a, b, size_of(40), size_of(600), size_of(150), kind), let_go();
    good[2] &= check_select(a, b, size_of(2000), size_of(70), kind), let_go();
    if (turn % 15 == 0) /* more than a list holds, and more than there are groups */
      good[2] &= check_select(a, b, 3000 + below(6000), 70 + below(1000), kind), let_go();
    good[2] &= check_near(a, b, size_of(300), kind), let_go();
    good[3] &= check_decode(a, b, size_of(90), size_of(900), kind), let_go();
    good[12] &= check_picks(a, b, size_of(50), kind), let_go();
    good[9] &= check_residuals(a, b, size_of(50), 1 + below(20), size_of(300), 0, kind), let_go();
    good[10] &= check_leaf_sums(a, b, size_of(130), size_of(150), size_of(100), kind), let_go();
    good[4] &= check_vectors(a, b, size_of(300), kind), let_go();
    good[5] &= check_adam(a, b, size_of(300), kind), let_go();
    good[6] &= check_narrow(a, b, size_of(300), kind), let_go();
    good[7] &= check_nearest(b, size_of(120), 1 + size_of(150), size_of(80), kind,
                             turn % 5 ? 0.0f : 100.0f);
    let_go();
  }
  for (int t = 0; t < 12; t++)
    good[1] &= check_combine(a, b, 1 + below(20), 900 + below(2000), below(1000), t % VALUE_KINDS),
        let_go();
  for (int t = 0; t < 6; t++) /* more rows than pass a block together */
    good[1] &=
        check_combine(a, b, t % 2 ? 957 : 961 + below(200), 1000 + below(60), 1 + below(60), t),
        let_go();
  for (int t = 0; t < 4; t++) good[7] &= check_nearest(b, 900, 300 + t, 33, t % 2, 3.0f), let_go();
  for (int t = 0; t < 24; t++)
    good[7] &= check_nearest(b, 1 + size_of(150), 1 + below(400), 128 + below(150), t % VALUE_KINDS,
                             t % 5 ? 0.0f : 10.0f),
        let_go();
  good[8] = check_widen(a, b), let_go();
  for (int64_t t = 0; t < 9; t++)
    good[10] &=
        check_leaf_sums(a, b, 1024 * t + below(3) - (t > 0), 1 + size_of(70), 70, t % VALUE_KINDS),
        let_go();
  /* results so large that they are written past the caches */
  good[9] &= check_residuals(a, b, 8200, 20, 128, 0, PLAIN), let_go();
  good[9] &= check_residuals(a, b, 2048, 512, 512, 20, PLAIN), let_go();
  for (int64_t t = 0; t < 40; t++)
    good[11] &= check_residuals(a, b, size_of(24), 500 + below(130), size_of(200), 5 + below(96),
                                t % VALUE_KINDS),
        let_go();
  good[11] &= check_residuals(a, b, 530, 530, 131, 30, AWKWARD), let_go();
  /* few codes of more atoms than have their rows in the second cache */
  for (int64_t t = 0; t < 4; t++)
    good[11] &= check_residuals(a, b, 500 + below(120), 2100 + below(400), 1 + below(150),
                                1 + t % 2, t % 2 ? AWKWARD : PLAIN),
        let_go();
  good[10] &= check_leaf_sums(a, b, 20, 128, 8200, PLAIN), let_go();
  OK(good[0], "%s: pack and scores are those of the plain loops", called);
  OK(good[1], "%s: combine", called);
  OK(good[2], "%s: select_top, select_positive and select_near", called);
  OK(good[3], "%s: decode, blockdots and add_scaled", called);
  OK(good[12], "%s: add_picks and dot_picks", called);
  OK(good[9], "%s: residuals", called);
  OK(good[11], "%s: residuals of many codes", called);
  OK(good[10], "%s: leaf_sums", called);
  OK(good[4], "%s: normalise, tangent, unit and the lane64 sums", called);
  OK(good[5], "%s: adam", called);
  OK(good[6], "%s: narrowing", called);
  OK(good[7], "%s: nearest is the float64 brute force, lowest index first", called);
  OK(good[8], "%s: widening, and back", called);
}

/* Leaves of 1,024 tokens joined by pairs: five and a half of them, said again. */
static void check_tree(void)
{
  enum { N = 5 * 1024 + 512 };
  float *u = hold(fill(N, PLAIN)), *v = hold(fill(N, PLAIN)), *U = hold(fill(N, PLAIN)),
        *V = hold(fill(N, PLAIN)), *work = hold(fill(leaf_sums_work(N), PLAIN));
  float leaf[2][6] = {{0}}, sum[2];
  const int64_t bucket[] = {0, N};
  int32_t *token = (int32_t *)hold(fill(N, PLAIN));
  for (int t = 0; t < N; t++) {
    token[t] = t;
    leaf[0][t / 1024] = fmaf(u[t], U[t], leaf[0][t / 1024]);
    leaf[1][t / 1024] = fmaf(v[t], V[t], leaf[1][t / 1024]);
  }
  for (int i = 0; i < 2; i++) {
    const float *l = leaf[i];
    sum[i] = ((l[0] + l[1]) + (l[2] + l[3])) + (l[4] + l[5]);
  }
  float G[2];
  backend_ref.leaf_sums(N, 1, 1, bucket, NULL, token, u, v, U, V, G, G + 1, work);
  OK(G[0] == sum[0] && G[1] == sum[1], "leaves of 1,024 tokens, joined by pairs");
  let_go();
}

/* The definitions, on cases small enough to say them again. */
static void check_definition(void)
{
  const Kernels *k = &backend_ref;
  const int64_t d = 131;
  float *x = hold(fill(d, PLAIN)), *y = hold(fill(d, PLAIN)), s, init = 0.25f;
  Packed P = {0};
  k->pack(1, d, y, d, &P);
  k->scores(1, x, d, &P, &init, &s, 1);
  packed_clear(&P);
  float a = init, blocks[3], sum;
  for (int64_t i = 0; i < d; i++) a = fmaf(x[i], y[i], a);
  OK(a == s, "a score is one chain over d from init");
  for (int q = 0; q < 3; q++) {
    float l[16];
    for (int i = 0; i < 16; i++) {
      l[i] = 0.0f;
      for (int r = 0; r < 4 && 64 * q + 16 * r + i < d; r++)
        l[i] = fmaf(x[64 * q + 16 * r + i], y[64 * q + 16 * r + i], l[i]);
    }
    for (int i = 0; i < 8; i++) l[i] = l[i] + l[i + 8];
    blocks[q] = ((l[0] + l[4]) + (l[2] + l[6])) + ((l[1] + l[5]) + (l[3] + l[7]));
  }
  sum = (blocks[0] + blocks[1]) + blocks[2];
  const int32_t zero = 0;
  const int64_t start[] = {0, 1};
  const float nothing = 0.0f;
  double square;
  float *residual = hold(fill(d, PLAIN)), *leaf = hold(fill(d, PLAIN)),
        *work = hold(fill(residuals_work(1, 1), PLAIN));
  k->residuals(1, start, &zero, &nothing, 1, d, y, 1, x, residual, &s, &square, leaf, work);
  OK(sum == s && same_float(d, residual, x) && square == k->square64(d, x),
     "blockdot: blocks of 64 in order, 16 lanes joined by halving");
  double lane[8] = {0};
  for (int64_t i = 0; i < d; i++) {
    const double e = (double)x[i] - (double)y[i];
    lane[i % 8] = fma(e, e, lane[i % 8]);
  }
  const double total =
      ((lane[0] + lane[4]) + (lane[2] + lane[6])) + ((lane[1] + lane[5]) + (lane[3] + lane[7]));
  OK(total == k->distance64(d, x, y), "distance64: 8 lanes joined by halving");
  const float v[] = {1, 3, -2, 3, 0, NAN, 3, 2};
  int32_t index[3];
  float value[3];
  OK(k->select_top(8, v, 2, NULL, index, value) == 2 && index[0] == 1 && index[1] == 3,
     "select_top keeps the lowest index among equals");
  const uint8_t mask[] = {1, 0, 1, 1, 1, 1, 0, 1};
  OK(k->select_top(8, v, 3, mask, index, value) == 3 && index[0] == 0 && index[1] == 3 &&
         index[2] == 7 && value[2] == 2.0f,
     "select_top with a mask, ascending");
  float p = 1.0f, m = 0.5f, w = 0.25f, g = 2.0f;
  k->adam(1, &p, &m, &w, &g, 0.5f, 0.1f, 2.0f, 0.75f, 0.5f, 0.5f);
  OK(m == 0.625f && w == 0.625f && p == 1.0f - (0.1f * 0.625f) / (sqrtf(0.625f) * 2.0f + 0.5f),
     "adam by hand");
  m = 0x1p-100f, g = 0.0f;
  k->adam(1, &p, &m, &w, &g, 1.0f, 0.1f, 2.0f, 0.75f, 0.5f, 0.5f);
  OK(m == 0.0f, "a moment below 2^-100 becomes 0");
  let_go();
}

int main(int argc, char **argv)
{
  TestBegin(&argc, &argv);
  check_definition();
  check_tree();
  each_backend(check);
  Mistakes *mistakes;
  const Kernels *kernels;
  RUN(MistakesCreate(&mistakes));
  RUN(KernelsChoose("avx", mistakes, &kernels));
  OK(!kernels && mistakes_count(mistakes) == 1, "unknown kernels are a mistake");
  RUN(KernelsChoose("ref", mistakes, &kernels));
  OK(kernels && !strcmp(kernels->entry.name, "ref"), "kernels by name");
  RUN(MistakesDestroy(&mistakes));
  return TestEnd();
}
