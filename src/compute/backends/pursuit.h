/* Kernels of codes by pursuit, the same plain loops for all kernel sets: each includes this, after
   FMAF, less_whole and not_below, and is compiled for its CPU. */
#pragma once
#include "compute/backend.h"
#include <string.h>

/* Numbers that go together; not_below: a bit for each. */
enum { LEADING = 64, LEADING_GROUP = 4 * LEADING, LEADING_GROUPS = 16 };

static float largest_size(int64_t count, const float *x)
{
  float most[LEADING] = {0}, all = 0;
  int64_t i = 0;
  for (; i + LEADING <= count; i += LEADING)
    for (int l = 0; l < LEADING; l++) {
      const float size = __builtin_fabsf(x[i + l]);
      most[l] = size > most[l] ? size : most[l];
    }
  for (int l = 0; i < count; i++, l++) {
    const float size = __builtin_fabsf(x[i]);
    most[l] = size > most[l] ? size : most[l];
  }
  for (int l = 0; l < LEADING; l++) all = most[l] > all ? most[l] : all;
  return all;
}

/* LEADING of them at once, or fewer: bounded first, as compilers put both into branches and make
   one number at a time. */
static inline void round_some(int64_t count, float units, const float *restrict x,
                              int16_t *restrict y)
{
  float in[LEADING];
  for (int64_t l = 0; l < count; l++) {
    const float v = units * x[l], up = v > -32767 ? v : -32767;
    in[l] = up < 32767 ? up : 32767;
  }
  for (int64_t l = 0; l < count; l++) /* no digits are left after the point */
    y[l] = (int16_t)(int)(in[l] + 0x1.8p23f - 0x1.8p23f);
}

static void round16(int64_t count, float units, const float *restrict x, int16_t *restrict y)
{
  int64_t i = 0;
  for (; i + LEADING <= count; i += LEADING) round_some(LEADING, units, x + i, y + i);
  round_some(count - i, units, x + i, y + i);
}

/* Adds to index, after those found, what is at least `least` of j .. end - 1; -1: too many. */
static inline int64_t find_leading(int64_t j, int64_t end, const int16_t *y, int16_t least,
                                   int64_t room, int64_t found, int32_t *index)
{
  int16_t rest[LEADING];
  for (; j < end; j += LEADING) {
    const int64_t count = end - j < LEADING ? end - j : LEADING;
    if (count < LEADING) memcpy(rest, y + j, (size_t)count * sizeof(*rest));
    if (count < LEADING) memset(rest + count, 0, (size_t)(LEADING - count) * sizeof(*rest));
    uint64_t bits = not_below(count < LEADING ? rest : y + j, least);
    if (count < LEADING) bits &= ((uint64_t)1 << count) - 1;
    for (; bits; bits &= bits - 1) {
      if (found == room) return -1;
      index[found++] = (int32_t)(j + __builtin_ctzll(bits));
    }
  }
  return found;
}

/* The numbers past the last whole LEADING, through small buffers. */
static void less_rest(int64_t rest, int16_t c, const int16_t *x, int16_t *y, int16_t *best,
                      int16_t *low)
{
  int16_t from[LEADING] = {0}, to[LEADING] = {0}, high[LEADING];
  memcpy(from, x, (size_t)rest * sizeof(*from));
  memcpy(to, y, (size_t)rest * sizeof(*to));
  less_whole(LEADING, LEADING, c, from, to, high, low);
  memcpy(y, to, (size_t)rest * sizeof(*to));
  for (int l = 0; l < LEADING; l++) best[l] = high[l] > best[l] ? high[l] : best[l];
}

static int64_t less_leading(int64_t m, int16_t c, const int16_t *x, int16_t *y, int gap,
                            int64_t room, int32_t *index)
{
  const int64_t line = LEADING * LEADING_GROUPS, part = (m + line - 1) / line * LEADING,
                group = part > LEADING_GROUP ? part : LEADING_GROUP, whole = m / LEADING * LEADING;
  int16_t best[LEADING_GROUPS * LEADING], high[LEADING] = {0}, low[LEADING] = {0}, most = 0,
                                          end = 0;
  int64_t groups = (whole + group - 1) / group, found = 0;
  less_whole(whole, group, c, x, y, best, low);
  if (whole < m) {
    if (whole % group == 0) memset(best + groups++ * LEADING, 0, LEADING * sizeof(*best));
    less_rest(m - whole, c, x + whole, y + whole, best + (groups - 1) * LEADING, low);
  }
  for (int64_t g = 0; g < groups; g++)
    for (int l = 0; l < LEADING; l++)
      high[l] = best[g * LEADING + l] > high[l] ? best[g * LEADING + l] : high[l];
  for (int l = 0; l < LEADING; l++) most = high[l] > most ? high[l] : most;
  for (int l = 0; l < LEADING; l++) end = low[l] < end ? low[l] : end;
  if (most == 0 || most == INT16_MAX || end == INT16_MIN) return 0;
  const int16_t from = (int16_t)(most - gap > INT16_MIN ? most - gap : INT16_MIN);
  for (int64_t j = 0, g = 0; j < m && found >= 0; j += group, g++)
    if (not_below(best + g * LEADING, from))
      found = find_leading(j, j + group < m ? j + group : m, y, from, room, found, index);
  return found < 0 ? 0 : found;
}
