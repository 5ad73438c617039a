/* Matchings of dictionaries as they come: unrelated, noisy copies, a shared offset, clusters, few
   directions many times. Against SciPy where it is there; from weights that are held and that are
   made row by row.
   RUN ranks=1
   TEST_LONG=1 adds 8,192 atoms, TEST_LONG=2 also 32,768 (2 GB, a few minutes) */
#include "../tap.h"
#include "base/array.h"
#include "base/random.h"
#include "compare/assignment.h"
#include "measure/rows.h"
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const Kernels *kernels;
enum { UNRELATED, COPIES, OFFSET, CLUSTERS, FEW, KINDS };
static const char *const words[KINDS] = {"unrelated", "noisy copies", "a shared offset", "clusters",
                                         "few directions"};

/* A sum of four uniform numbers, near enough to normal. */
static float noise(uint64_t seed, uint64_t at)
{
  const RandomBits bits = random_bits(seed, RANDOM_LAST, at);
  double sum = 0;
  for (int q = 0; q < 4; q++) sum += (double)bits.word[q] * 0x1p-32 - .5;
  return (float)(1.73 * sum);
}

/* m unit atoms of one of two dictionaries. */
static void make(int kind, int side, int64_t m, int64_t d, float *D)
{
  const uint64_t mine = 10 + (uint64_t)side, both = 9;
  for (int64_t j = 0; j < m; j++) {
    const uint64_t like = kind == COPIES
                              ? (uint64_t)(side ? random_permuted(3, RANDOM_LAST, 0, m, j) : j)
                              : (uint64_t)random_below(mine, RANDOM_SAMPLE, (uint64_t)j, 40);
    const float common = kind == UNRELATED ? 0 : kind == OFFSET ? 2 : 1;
    const float own = kind == FEW ? 0 : kind == COPIES ? .4f : kind == CLUSTERS ? .7f : 1;
    for (int64_t i = 0; i < d; i++)
      D[j * d + i] = common * noise(both, (kind == OFFSET ? 0 : like * (uint64_t)d) + (uint64_t)i) +
                     own * noise(mine, (uint64_t)(j * d + i));
  }
  unit_rows(kernels, m, d, D, D);
}

/* Matrices with the sums that were found, for SciPy to look at all at once. */
static const char path[] = "compare_assignment_atoms.test";
static const char script[] =
    "import numpy, scipy.optimize as o\n"
    "f = open('compare_assignment_atoms.test', 'rb')\n"
    "good = 0\n"
    "while True:\n"
    "    h = numpy.fromfile(f, 'i8', 3)\n"
    "    if len(h) < 3: break\n"
    "    w = numpy.fromfile(f, 'i4', h[0] * h[1]).reshape(h[0], h[1]).astype('i8')\n"
    "    good += w[o.linear_sum_assignment(w, True)].sum() == h[2]\n"
    "print(good)\n";
static FILE *matrices;
static int written;

static void give_to_scipy(int64_t rows, int64_t columns, const int32_t *weight, int64_t sum)
{
  if (!matrices) return;
  fwrite((int64_t[]){rows, columns, sum}, sizeof(sum), 3, matrices);
  fwrite(weight, sizeof(*weight), (size_t)(rows * columns), matrices);
  written++;
}

static void ask_scipy(void)
{
  const char *python = getenv("PYTHON");
  char command[2048];
  int good = -1;
  if (!matrices) return;
  fclose(matrices);
  snprintf(command, sizeof(command), "%s -c \"%s\" 2>/dev/null", python ? python : "python3",
           script);
  FILE *answer = popen(command, "r");
  if (answer && fscanf(answer, "%d", &good) != 1) good = -1;
  if (answer) pclose(answer);
  unlink(path);
  OK(good < 0 || good == written, "SciPy finds the same sum %d times of %d%s", good, written,
     good < 0 ? " # SKIP no SciPy" : "");
}

static int64_t dense_sum(int64_t rows, int64_t columns, int64_t d, const float *A, const float *B,
                         int32_t **weight, int64_t *partner)
{
  Packed packed = {0};
  float *cosine;
  int64_t sum;
  RUN(ArrayCreate(rows * columns, &cosine));
  RUN(ArrayCreate(rows * columns, weight));
  kernels->pack(columns, d, B, d, &packed);
  kernels->scores(rows, A, d, &packed, NULL, cosine, columns);
  RUN(WeightsRound(rows * columns, cosine, *weight));
  RUN(AssignmentSolve(rows, columns, *weight, partner, &sum));
  packed_clear(&packed);
  RUN(ArrayDestroy(&cosine));
  return sum;
}

/* Weights held against weights made row by row. */
static void test_kind(int kind, int64_t rows, int64_t columns, int64_t d)
{
  float *A, *B;
  int32_t *weight;
  int64_t *partner, *other, sum, matched = 0, again = 0;
  RUN(ArrayCreate(rows * d, &A));
  RUN(ArrayCreate(columns * d, &B));
  RUN(ArrayCreate(rows, &partner));
  RUN(ArrayCreate(rows, &other));
  make(kind, 0, rows, d, A);
  make(kind, 1, columns, d, B);
  RUN(AssignmentOfCosines(&(Cosines){kernels, rows, columns, d, A, B}, 4 * 50 * columns, partner,
                          &sum));
  const int64_t alone = dense_sum(rows, columns, d, A, B, &weight, other);
  OK(sum == alone && !memcmp(partner, other, (size_t)rows * sizeof(*partner)),
     "%s, %d x %d: the same matching of weights made row by row", words[kind], (int)rows,
     (int)columns);
  for (int64_t i = 0; i < rows; i++)
    if (partner[i] >= 0) {
      matched++;
      again += weight[i * columns + partner[i]];
    }
  OK(again == sum && matched == min_i64(rows, columns), "%s: the sum of its pairs", words[kind]);
  give_to_scipy(rows, columns, weight, sum);
  RUN(ArrayDestroy(&weight));
  RUN(ArrayDestroy(&other));
  RUN(ArrayDestroy(&partner));
  RUN(ArrayDestroy(&B));
  RUN(ArrayDestroy(&A));
}

/* Whole numbers with many ties, in matrices so wide that rows list a part of their columns only:
   most are 0, or all are about what their column is worth. */
static void test_ties(int64_t rows, int64_t columns, int64_t range, int64_t odds, int64_t steps)
{
  int32_t *weight;
  int64_t *partner, sum, again = 0;
  RUN(ArrayCreate(rows * columns, &weight));
  RUN(ArrayCreate(rows, &partner));
  for (int64_t k = 0; k < rows * columns; k++) {
    const int64_t one = random_below(7, RANDOM_LAST, (uint64_t)(2 * k), odds);
    weight[k] = (int32_t)(k % columns * steps / columns) +
                (one ? 0 : (int32_t)random_below(7, RANDOM_LAST, (uint64_t)(2 * k + 1), range));
  }
  RUN(AssignmentSolve(rows, columns, weight, partner, &sum));
  for (int64_t i = 0; i < rows; i++)
    if (partner[i] >= 0) again += weight[i * columns + partner[i]];
  OK(again == sum, "ties, %d x %d of 0 to %d: the sum of its pairs", (int)rows, (int)columns,
     (int)(range + steps));
  give_to_scipy(rows, columns, weight, sum);
  RUN(ArrayDestroy(&partner));
  RUN(ArrayDestroy(&weight));
}

/* Large ones are proved by their prices, inside. */
static void test_large(int kind, int64_t m, int64_t d)
{
  float *A, *B;
  int64_t *partner, sum;
  RUN(ArrayCreate(m * d, &A));
  RUN(ArrayCreate(m * d, &B));
  RUN(ArrayCreate(m, &partner));
  make(kind, 0, m, d, A);
  make(kind, 1, m, d, B);
  const double begin = MPI_Wtime();
  RUN(AssignmentOfCosines(&(Cosines){kernels, m, m, d, A, B}, WEIGHTS_ROOM, partner, &sum));
  OK(sum > 0, "%s, %d atoms: %.1f s, mean %.4f", words[kind], (int)m, MPI_Wtime() - begin,
     (double)sum * 0x1p-30 / (double)m);
  RUN(ArrayDestroy(&partner));
  RUN(ArrayDestroy(&B));
  RUN(ArrayDestroy(&A));
}

int main(int argc, char **argv)
{
  Mistakes *mistakes;
  TestBegin(&argc, &argv);
  const char *large = getenv("TEST_LONG");
  const int level = large ? atoi(large) : 0;
  RUN(MistakesCreate(&mistakes));
  RUN(KernelsChoose(NULL, mistakes, &kernels));
  matrices = fopen(path, "wb");
  for (int kind = 0; kind < KINDS; kind++) {
    test_kind(kind, 300, 300, 32);
    test_kind(kind, 210, 330, 32);
    test_kind(kind, 330, 210, 32);
  }
  test_kind(UNRELATED, 2000, 2000, 64);
  test_kind(CLUSTERS, 2000, 2000, 64);
  test_kind(CLUSTERS, 700, 1000, 64);
  test_kind(CLUSTERS, 500, 501, 32); /* coarse bids, with columns that stay unmatched */
  test_kind(CLUSTERS, 500, 503, 32);
  test_kind(CLUSTERS, 504, 500, 64);
  test_kind(UNRELATED, 500, 503, 4);
  test_kind(OFFSET, 504, 500, 4);
  for (int64_t range = 2; range <= 50; range *= 5)
    for (int64_t odds = 1; odds <= 10; odds += 9) {
      test_ties(150, 150, range, odds, 0);
      test_ties(100, 180, range, odds, 5);
      test_ties(180, 100, range, odds, 90);
    }
  ask_scipy();
  for (int kind = 0; level >= 1 && kind < KINDS; kind++) test_large(kind, 8192, 128);
  for (int kind = 0; level >= 2 && kind < KINDS; kind++) test_large(kind, 32768, 128);
  RUN(MistakesDestroy(&mistakes));
  return TestEnd();
}
