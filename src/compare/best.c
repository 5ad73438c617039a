/* The largest cosine of a row, and of each column, row by row. */
#include "compare/best.h"
#include "base/array.h"
#include <string.h>

enum { BLOCK = 32 };

/* A cosine and a number as one integer: larger for a larger cosine, then for a lower number. 0 is
 * less than any. */
uint64_t key_of(float cosine, int64_t number)
{
  const float value = cosine + 0.0f; /* no - 0 */
  uint32_t bits;
  memcpy(&bits, &value, sizeof(bits));
  bits = bits >> 31 ? ~bits : bits | 0x80000000u;
  return (uint64_t)bits << 32 | (UINT32_MAX - (uint32_t)number);
}

int64_t key_number(uint64_t key)
{
  return (int64_t)(UINT32_MAX - (uint32_t)key);
}

float key_cosine(uint64_t key)
{
  uint32_t bits = (uint32_t)(key >> 32);
  float value;
  bits = bits >> 31 ? bits & 0x7fffffffu : ~bits;
  memcpy(&value, &bits, sizeof(value));
  return value;
}

/* The largest of n cosines, lowest number of equals. */
uint64_t best_of(int64_t n, const float *restrict cosine)
{
  float most[16];
  for (int l = 0; l < 16; l++) most[l] = cosine[0];
  int64_t j = 0;
  for (; j + 16 <= n; j += 16)
    for (int l = 0; l < 16; l++) most[l] = cosine[j + l] > most[l] ? cosine[j + l] : most[l];
  for (; j < n; j++) most[0] = cosine[j] > most[0] ? cosine[j] : most[0];
  for (int l = 1; l < 16; l++) most[0] = most[l] > most[0] ? most[l] : most[0];
  for (j = 0; cosine[j] != most[0];) j++;
  return key_of(most[0], j);
}

/* Takes one row of cosines, that of atom i, into the best so far of each column. Few are better,
   so that whole blocks are passed over. */
void best_columns(int64_t n, const float *restrict cosine, int32_t i, float *restrict most,
                  int32_t *restrict at)
{
  for (int64_t j = 0; j < n; j += BLOCK) {
    const int64_t end = min_i64(j + BLOCK, n);
    int any = end < j + BLOCK;
    for (int l = 0; l < BLOCK && end == j + BLOCK; l++) any |= cosine[j + l] > most[j + l];
    for (int64_t c = j; c < end && any; c++)
      if (cosine[c] > most[c]) {
        most[c] = cosine[c];
        at[c] = i;
      }
  }
}
