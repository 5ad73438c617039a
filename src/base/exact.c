/* A fixed-point accumulator as wide as float64 (after Neal 2015, arXiv:1505.05571): words of 32
 * bits in 64-bit integers, so that carries wait. */
#include "base/exact.h"
#include <math.h>
#include <string.h>

enum { LOWEST = -1120, WAIT = 1 << 29 };

/* Brings words into [0, 2^32), the highest keeps the sign. */
static void normalise(Exact *sum)
{
  int64_t carry = 0;
  for (int i = 0; i < EXACT_WORDS - 1; i++) {
    const int64_t w = sum->word[i] + carry;
    carry = w >> 32;
    sum->word[i] = w & 0xffffffff;
  }
  sum->word[EXACT_WORDS - 1] += carry;
  sum->pending = 0;
}

void exact_add(Exact *sum, double x)
{
  union {
    double d;
    uint64_t u;
  } bits = {x};
  const int field = (int)(bits.u >> 52 & 0x7ff);
  uint64_t mantissa = bits.u & 0xfffffffffffffu;
  if (field == 0x7ff) {
    sum->special++;
    return;
  }
  if (field) mantissa |= (uint64_t)1 << 52;
  const int exponent =
      (field ? field : 1) - 1075 - LOWEST; /* of the lowest bit, from the accumulator's lowest */
  const int at = exponent >> 5, shift = exponent & 31;
  const unsigned __int128 wide = (unsigned __int128)mantissa << shift;
  const int64_t w0 = (int64_t)((uint64_t)wide & 0xffffffffu),
                w1 = (int64_t)((uint64_t)(wide >> 32) & 0xffffffffu);
  const int64_t w2 = (int64_t)(uint64_t)(wide >> 64), sign = -(int64_t)(bits.u >> 63);
  sum->word[at] += (w0 ^ sign) - sign;
  sum->word[at + 1] += (w1 ^ sign) - sign;
  sum->word[at + 2] += (w2 ^ sign) - sign;
  if (++sum->pending >= WAIT) normalise(sum);
}

void exact_join(Exact *sum, const Exact *other)
{
  Exact copy = *other;
  normalise(&copy);
  normalise(sum);
  for (int i = 0; i < EXACT_WORDS; i++) sum->word[i] += copy.word[i];
  sum->special += copy.special;
  normalise(sum);
}

double exact_value(const Exact *sum)
{
  Exact s = *sum;
  if (s.special) return NAN;
  normalise(&s);
  const bool negative = s.word[EXACT_WORDS - 1] < 0;
  if (negative) {
    for (int i = 0; i < EXACT_WORDS; i++) s.word[i] = -s.word[i];
    normalise(&s);
  }
  int top = EXACT_WORDS - 1;
  while (top >= 0 && !s.word[top]) top--;
  if (top < 0) return 0;
  /* the 96 leading bits as an integer, with a sticky bit for the rest */
  unsigned __int128 lead = 0;
  for (int i = 0; i < 3; i++) lead = lead << 32 | (uint64_t)(top - i >= 0 ? s.word[top - i] : 0);
  bool sticky = false;
  for (int i = top - 3; i >= 0; i--) sticky |= s.word[i] != 0;
  int exponent = LOWEST + 32 * (top - 2), length = 0;
  for (unsigned __int128 x = lead; x; x >>= 1) length++;
  int drop = length - 53;
  if (exponent + drop < -1074) drop = -1074 - exponent; /* subnormal: fewer bits */
  if (drop < 0) drop = 0;
  const unsigned __int128 unit = (unsigned __int128)1 << drop, rest = lead & (unit - 1),
                          half = drop ? unit >> 1 : 0;
  uint64_t kept = (uint64_t)(lead >> drop);
  if (drop && (rest > half || (rest == half && (sticky || (kept & 1))))) kept++;
  const double value = ldexp((double)kept, exponent + drop);
  return negative ? -value : value;
}

PetscErrorCode ExactSum(MPI_Comm comm, int64_t n, Exact *sums)
{
  PetscFunctionBegin;
  const int64_t most = 1 << 20;
  for (int64_t i = 0; i < n; i++) normalise(&sums[i]);
  for (int64_t first = 0; first < n; first += most) {
    const int64_t count = n - first < most ? n - first : most;
    PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &sums[first],
                               (int)(count * (int64_t)(sizeof(Exact) / 8)), MPI_INT64_T, MPI_SUM,
                               comm));
  }
  for (int64_t i = 0; i < n; i++) normalise(&sums[i]);
  PetscFunctionReturn(PETSC_SUCCESS);
}
