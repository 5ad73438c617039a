/* Random numbers: Philox against its published answers and our layout of its key and counter, the
   moments of what is made of it, and permutations.
   RUN ranks=1 */
#include "../tap.h"
#include "base/random.h"
#include <stdlib.h>

/* Philox4x32-10 a second time, as Random123 writes it: any counter, any key. */
static void philox(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4])
{
  uint32_t x0 = counter[0], x1 = counter[1], x2 = counter[2], x3 = counter[3];
  uint32_t k0 = key[0], k1 = key[1];
  for (int round = 0; round < 10; round++) {
    const uint64_t a = 0xD2511F53ull * x0, b = 0xCD9E8D57ull * x2;
    const uint32_t y0 = (uint32_t)(b >> 32) ^ x1 ^ k0, y2 = (uint32_t)(a >> 32) ^ x3 ^ k1;
    x1 = (uint32_t)b, x3 = (uint32_t)a, x0 = y0, x2 = y2;
    k0 += 0x9E3779B9u, k1 += 0xBB67AE85u;
  }
  out[0] = x0, out[1] = x1, out[2] = x2, out[3] = x3;
}

/* The three lines of Random123's kat_vectors for philox4x32 with 10 rounds. */
static void known_answers(void)
{
  static const uint32_t line[3][10] = {
      {0, 0, 0, 0, 0, 0, 0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8},
      {~0u, ~0u, ~0u, ~0u, ~0u, ~0u, 0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd},
      {0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344, 0xa4093822, 0x299f31d0, 0xd16cfe09,
       0x94fdcceb, 0x5001e420, 0x24126ea1},
  };
  for (int i = 0; i < 3; i++) {
    uint32_t out[4];
    philox(line[i], line[i] + 4, out);
    OK(!memcmp(out, line[i] + 6, sizeof(out)), "the test's own Philox gives known answer %d", i);
  }
  bool same = true;
  for (uint64_t i = 0; i < 1000; i++) {
    const uint64_t seed = i * 0x9E3779B97F4A7C15u, index = i * i * 0x1000000012345u;
    const uint32_t purpose = (uint32_t)i % 200, key[2] = {(uint32_t)seed, (uint32_t)(seed >> 32)},
                   counter[4] = {(uint32_t)index, (uint32_t)(index >> 32), purpose, 0x41726469u};
    uint32_t out[4];
    const RandomBits bits = random_bits(seed, purpose, index);
    philox(counter, key, out);
    same &= !memcmp(out, bits.word, sizeof(out));
  }
  OK(same, "random_bits: the key is the seed, the counter index, purpose and a constant");
}

static void moments(void)
{
  enum { N = 200000 };
  double uniform[2] = {0}, normal[4] = {0}, least = 1, most = 0, pairs = 0, last = 0;
  for (uint64_t i = 0; i < N; i++) {
    const double u = random_uniform(3, RANDOM_SYNTH, i), z = random_normal(3, RANDOM_SYNTH, i);
    least = fmin(least, u), most = fmax(most, u);
    uniform[0] += u / N, uniform[1] += u * u / N;
    double power = 1;
    for (int k = 0; k < 4; k++) normal[k] += (power *= z) / N;
    pairs += z * last / N, last = z;
  }
  OK(least >= 0 && most < 1 && least < 1e-4 && most > 1 - 1e-4, "uniform numbers fill [0, 1)");
  NEAR(uniform[0], 0.5, 0.003, "their mean is 1/2");
  NEAR(uniform[1], 1.0 / 3, 0.003, "their mean square is 1/3");
  NEAR(normal[0], 0, 0.01, "normal numbers: mean 0");
  NEAR(normal[1], 1, 0.015, "variance 1");
  NEAR(normal[2], 0, 0.04, "third moment 0");
  NEAR(normal[3], 3, 0.1, "fourth moment 3");
  NEAR(pairs, 0, 0.01, "neighbours, which share their bits, are uncorrelated");
  const RandomBits bits = random_bits(3, 5, 7);
  NEAR(random_uniform(3, 5, 7), (double)bits.word[0] / 4294967296.0, 3e-10,
       "a uniform number is made of the first words");
}

static void below(void)
{
  int64_t count[7] = {0};
  bool inside = true;
  for (uint64_t i = 0; i < 70000; i++) count[random_below(1, RANDOM_SYNTH, i, 7)]++;
  for (int i = 0; i < 7; i++) inside &= llabs(count[i] - 10000) < 500;
  OK(inside, "random_below is even over 7 values");
  inside = true;
  const int64_t large = (int64_t)1 << 62;
  for (uint64_t i = 0; i < 1000; i++) {
    const int64_t x = random_below(1, RANDOM_SYNTH, i, large);
    inside &= x >= 0 && x < large && random_below(1, RANDOM_SYNTH, i, 1) == 0;
  }
  OK(inside, "and stays in bounds for 1 and for 2^62");
}

static void permutations(void)
{
  static const int64_t sizes[] = {1, 2, 3, 4, 5, 16, 17, 63, 64, 65, 1000, 4096, 4097};
  bool permutation = true, other = true;
  for (size_t s = 0; s < sizeof(sizes) / sizeof(*sizes); s++) {
    const int64_t n = sizes[s];
    int64_t moved = 0, differs[3] = {0};
    char *seen = calloc((size_t)n, 1);
    for (int64_t i = 0; i < n; i++) {
      const int64_t j = random_permuted(11, 2, 3, n, i);
      permutation &= j >= 0 && j < n && !seen[j];
      if (j >= 0 && j < n) seen[j] = 1;
      moved += i != j;
      differs[0] += j != random_permuted(12, 2, 3, n, i);
      differs[1] += j != random_permuted(11, 3, 3, n, i);
      differs[2] += j != random_permuted(11, 2, 4, n, i);
    }
    free(seen);
    for (int k = 0; n >= 63 && k < 3; k++) other &= differs[k] > n / 2 && moved > n / 2;
  }
  OK(permutation, "random_permuted is a permutation, for sizes that are powers of 4 and others");
  OK(other, "another seed, purpose or index is another permutation");
  const int64_t huge = ((int64_t)1 << 40) + 7, at = random_permuted(1, 2, 3, huge, huge - 1);
  OK(at >= 0 && at < huge, "also of 2^40 + 7 elements");
  double place = 0;
  for (uint64_t i = 0; i < 2000; i++) place += (double)random_permuted(5, 2, i, 101, 0) / 2000;
  NEAR(place, 50, 3, "the first element lands anywhere");
}

int main(int argc, char **argv)
{
  TestBegin(&argc, &argv);
  known_answers();
  moments();
  below();
  permutations();
  return TestEnd();
}
