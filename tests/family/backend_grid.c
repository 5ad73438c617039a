/* Laws of screening in whole numbers: sums of every usable set are those of 64-bit integers, for
   numbers as large as the set promises to hold, and what it writes is no larger.
   RUN ranks=1 */
#include "../kernel_values.h"
#include "../tap.h"

/* Numbers of one byte or two: at their largest, or drawn. */
static int32_t number(int32_t most, bool extreme)
{
  if (extreme) return below(8) ? most : -most;
  return (int32_t)below(2 * most + 1) - most;
}

static void put(char *row, int bytes, int64_t i, int32_t x)
{
  if (bytes == 1)
    ((uint8_t *)row)[i] = (uint8_t)x;
  else
    ((int16_t *)(void *)row)[i] = (int16_t)x;
}

/* A tile and the same tokens one by one, against sums in 64 bits. */
static bool check_sums(const Kernels *b, int bytes, int64_t length, bool extreme)
{
  const Screens *screens = b->screens;
  const int32_t most = bytes == 2 ? (extreme ? 1000 : 3000) : 0,
                shift = bytes == 1 ? screens->token + 1 : 0;
  const int64_t ld = length * bytes + 64 * below(2), steps = length * bytes / 4;
  char *rows = (char *)hold(fill(PANEL_ROWS * ld / 4, PLAIN)),
       *x = (char *)hold(fill(ld / 4, PLAIN));
  uint32_t *panel = (uint32_t *)hold(fill(steps * PANEL, PLAIN));
  int32_t *C = (int32_t *)hold(fill(PANEL_ROWS * length, PLAIN)),
          *T = (int32_t *)hold(fill(PANEL * length, PLAIN));
  float one[PANEL], none[PANEL] = {0}, low[PANEL], score[PANEL_ROWS * PANEL], bound[PANEL];
  int32_t init[PANEL_ROWS], place[PANEL_ROWS], dot[PANEL_ROWS];
  uint64_t lanes[PANEL_ROWS];
  bool same = true;
  memset(rows, 0, (size_t)(PANEL_ROWS * ld));
  for (int64_t i = 0; i < PANEL_ROWS * length; i++) {
    C[i] = number(bytes == 1 ? screens->centroid : most, extreme);
    put(rows + i / length * ld, bytes, i % length, C[i]);
  }
  for (int64_t l = 0; l < PANEL; l++) {
    memset(x, 0, (size_t)ld);
    for (int64_t i = 0; i < length; i++) {
      T[l * length + i] = number(bytes == 1 ? screens->token : most, extreme) + shift;
      put(x, bytes, i, T[l * length + i]);
    }
    for (int64_t i = 0; i < steps; i++) memcpy(&panel[i * PANEL + l], x + 4 * i, 4);
    one[l] = 1, low[l] = -INFINITY;
  }
  for (int q = 0; q < PANEL_ROWS; q++)
    init[q] = (int32_t)below(2001) - 1000, place[q] = PANEL_ROWS - 1 - q;
  const GridTile tile = {.steps = steps,
                         .tokens = panel,
                         .centroids = rows,
                         .ld = ld,
                         .init = init,
                         .scale = one,
                         .half = none,
                         .unit = one,
                         .reach = none,
                         .span = none,
                         .beyond = none,
                         .room = none,
                         .low = low,
                         .score = score,
                         .bound = bound};
  same = screens->grid[bytes - 1](&tile, lanes);
  screens->dots[bytes - 1](ld, x, rows, PANEL_ROWS, place, dot);
  for (int64_t q = 0; q < PANEL_ROWS; q++)
    for (int64_t l = 0; l < PANEL; l++) {
      int64_t sum = 0;
      for (int64_t i = 0; i < length; i++) sum += (int64_t)C[q * length + i] * T[l * length + i];
      same = same && score[q * PANEL + l] == (float)(sum + init[q]) && (lanes[q] >> l & 1);
      if (l == PANEL - 1) same = same && dot[PANEL_ROWS - 1 - q] == sum;
    }
  return same;
}

/* Vectors as numbers: none larger than promised, and units and remainders belong to them. */
static bool check_written(const Kernels *b, int bytes, bool token, int64_t d)
{
  const Screens *screens = b->screens;
  const int64_t length = (d + 63) / 64 * 64, block = 64;
  const int32_t most = bytes == 2 ? 32766
                       : token    ? screens->token
                                  : screens->centroid,
                shift = bytes == 1 && token ? most + 1 : 0;
  float *X = hold(fill(PANEL * d, PLAIN)), *sign = hold(fill(d, PLAIN)),
        *work = hold(fill(length * PANEL, PLAIN));
  uint32_t *to = (uint32_t *)hold(fill(length * bytes / 4 * PANEL, PLAIN));
  const float *x[PANEL];
  float unit[PANEL], square[PANEL], rest[PANEL];
  bool good = true;
  for (int64_t i = 0; i < d; i++) sign[i] = below(2) ? 1.0f : -1.0f;
  for (int64_t l = 0; l < PANEL; l++) x[l] = X + l * d;
  const GridPanel panel = {.bytes = bytes,
                           .most = most,
                           .shift = shift,
                           .d = d,
                           .length = length,
                           .block = block,
                           .count = PANEL,
                           .x = x,
                           .sign = sign,
                           .work = work,
                           .to = to,
                           .unit = unit,
                           .square = square,
                           .rest = rest};
  screens->write(&panel);
  for (int64_t l = 0; l < PANEL; l++) {
    double left = 0, largest = 0;
    for (int64_t i = 0; i < length; i++) {
      const uint32_t word = to[i * bytes / 4 * PANEL + l] >> 8 * bytes * (i % (4 / bytes));
      const int32_t q = bytes == 2 ? (int16_t)(uint16_t)word
                        : shift    ? (int32_t)(word & 255) - shift
                                   : (int8_t)(uint8_t)word;
      const double r = (double)work[i * PANEL + l] - (double)q * (double)unit[l];
      left += r * r;
      largest = fmax(largest, fabs((double)q));
    }
    good = good && largest <= most && fabs(left - (double)rest[l]) <= 1e-3 * left;
    good = good && (bytes == 2 || largest == most);
  }
  return good;
}

static void check(const Kernels *b, const char *called)
{
  bool sums[2] = {true, true}, written = true;
  counter = 0;
  for (int turn = 0; turn < 60; turn++)
    for (int bytes = 1; bytes <= 2; bytes++) {
      sums[bytes - 1] &= check_sums(b, bytes, 64 * (1 + below(13)), turn % 2), let_go();
      written &= check_written(b, bytes, turn % 2, 1 + below(300)), let_go();
    }
  OK(sums[0], "%s: sums of bytes, up to their largest", called);
  OK(sums[1], "%s: sums of 16-bit numbers", called);
  OK(written, "%s: numbers as large as promised, and what they leave", called);
}

int main(int argc, char **argv)
{
  TestBegin(&argc, &argv);
  each_backend(check);
  return TestEnd();
}
