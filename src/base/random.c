/* Philox4x32-10 (Salmon, Moraes, Dror, Shaw: Parallel random numbers: as easy as 1, 2, 3, SC 2011)
 * and what is made of it. */
#include "base/random.h"
#include "base/math.h"

RandomBits random_bits(uint64_t seed, uint32_t purpose, uint64_t index)
{
  uint32_t c[4] = {(uint32_t)index, (uint32_t)(index >> 32), purpose, 0x41726469u};
  uint32_t k[2] = {(uint32_t)seed, (uint32_t)(seed >> 32)};
  for (int round = 0; round < 10; round++) {
    const uint64_t p0 = (uint64_t)0xD2511F53u * c[0], p1 = (uint64_t)0xCD9E8D57u * c[2];
    const uint32_t n0 = (uint32_t)(p1 >> 32) ^ c[1] ^ k[0], n2 = (uint32_t)(p0 >> 32) ^ c[3] ^ k[1];
    c[0] = n0, c[1] = (uint32_t)p1, c[2] = n2, c[3] = (uint32_t)p0;
    k[0] += 0x9E3779B9u, k[1] += 0xBB67AE85u;
  }
  return (RandomBits){{c[0], c[1], c[2], c[3]}};
}

static double unit_interval(uint32_t high, uint32_t low)
{
  return (double)((((uint64_t)high << 32) | low) >> 11) * 0x1p-53;
}

double random_uniform(uint64_t seed, uint32_t purpose, uint64_t index)
{
  const RandomBits bits = random_bits(seed, purpose, index);
  return unit_interval(bits.word[0], bits.word[1]);
}

double random_normal(uint64_t seed, uint32_t purpose, uint64_t index)
{
  const RandomBits bits = random_bits(seed, purpose, index >> 1);
  const double u = 1 - unit_interval(bits.word[0], bits.word[1]),
               v = unit_interval(bits.word[2], bits.word[3]);
  const double radius = __builtin_sqrt(-2 * math_log(u)), angle = 6.283185307179586 * v;
  return radius * (index & 1 ? math_sin(angle) : math_cos(angle));
}

int64_t random_below(uint64_t seed, uint32_t purpose, uint64_t index, int64_t n)
{
  const RandomBits bits = random_bits(seed, purpose, index);
  const uint64_t high = ((uint64_t)bits.word[0] << 32) | bits.word[1],
                 low = ((uint64_t)bits.word[2] << 32) | bits.word[3];
  /* the top 64 bits of a 128-bit fraction times n: biased by less than 2^-64 */
  const unsigned __int128 t = (unsigned __int128)low * (uint64_t)n >> 64;
  return (int64_t)(((unsigned __int128)high * (uint64_t)n + t) >> 64);
}

static uint32_t round_value(uint64_t key, uint32_t half, uint32_t round)
{
  uint64_t x = key ^ ((uint64_t)half | (uint64_t)(round + 1) << 32);
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
  return (uint32_t)(x >> 32) ^ (uint32_t)(x >> 3);
}

int64_t random_permuted(uint64_t seed, uint32_t purpose, uint64_t index, int64_t n, int64_t i)
{
  if (n < 2) return 0;
  int bits = 2;
  while (((uint64_t)1 << bits) < (uint64_t)n) bits += 2;
  const int half = bits / 2;
  const uint32_t mask = (uint32_t)(((uint64_t)1 << half) - 1);
  const RandomBits k = random_bits(seed, purpose, index);
  const uint64_t key = ((uint64_t)k.word[0] << 32) | k.word[1],
                 other = ((uint64_t)k.word[2] << 32) | k.word[3];
  uint64_t x = (uint64_t)i;
  do {
    uint32_t left = (uint32_t)(x >> half), right = (uint32_t)x & mask;
    for (uint32_t round = 0; round < 8; round++) {
      const uint32_t next = left ^ (round_value(round & 1 ? other : key, right, round) & mask);
      left = right, right = next;
    }
    x = (uint64_t)left << half | right;
  } while (x >= (uint64_t)n);
  return (int64_t)x;
}
