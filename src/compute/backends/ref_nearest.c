/* Screening in whole numbers as plain loops. */
#include "ref_nearest.h"
#include "grid_write.h"
#include <math.h>

/* Scores of the sums a, which bits are set, and the lower bounds after them. */
static bool scores_of(const GridTile *tile, int32_t a[PANEL_ROWS][PANEL],
                      uint64_t lanes[PANEL_ROWS])
{
  uint64_t any = 0;
  float limit[PANEL], best[PANEL];
  for (int l = 0; l < PANEL; l++) {
    tile->bound[l] = tile->reach[l] * tile->radius + tile->span[l] * tile->rest +
                     tile->beyond[l] * tile->tail + tile->slack + tile->room[l];
    limit[l] = tile->low[l] - tile->bound[l];
    best[l] = -INFINITY;
  }
  for (int q = 0; q < PANEL_ROWS; q++) {
    float *restrict s = tile->score + q * PANEL;
    lanes[q] = 0;
    for (int l = 0; l < PANEL; l++) {
      s[l] = fmaf((float)a[q][l] * tile->unit[l], tile->scale[q], tile->half[q]);
      lanes[q] |= (uint64_t) !(s[l] < limit[l]) << l;
      best[l] = s[l] > best[l] ? s[l] : best[l];
    }
    any |= lanes[q];
  }
  for (int l = 0; tile->raise && l < PANEL; l++) {
    const float low = best[l] - tile->bound[l];
    if (low > tile->low[l]) tile->low[l] = low;
  }
  return any;
}

static inline int32_t byte_of(uint32_t x, int r)
{
  return (int8_t)(uint8_t)(x >> 8 * r);
}

static inline int32_t word_of(uint32_t x, int r)
{
  return (int16_t)(uint16_t)(x >> 16 * r);
}

bool ref_screen_bytes(const GridTile *tile, uint64_t lanes[PANEL_ROWS])
{
  int32_t a[PANEL_ROWS][PANEL];
  for (int q = 0; q < PANEL_ROWS; q++) {
    const uint32_t *c = (const uint32_t *)(const void *)(tile->centroids + q * tile->ld);
    for (int l = 0; l < PANEL; l++) a[q][l] = tile->init[q];
    for (int64_t i = 0; i < tile->steps; i++) {
      const uint32_t *restrict x = tile->tokens + i * PANEL;
      for (int r = 0; r < 4; r++) {
        const int32_t y = byte_of(c[i], r);
        for (int l = 0; l < PANEL; l++) a[q][l] += (int32_t)(x[l] >> 8 * r & 255u) * y;
      }
    }
  }
  return scores_of(tile, a, lanes);
}

bool ref_screen_words(const GridTile *tile, uint64_t lanes[PANEL_ROWS])
{
  int32_t a[PANEL_ROWS][PANEL];
  for (int q = 0; q < PANEL_ROWS; q++) {
    const uint32_t *c = (const uint32_t *)(const void *)(tile->centroids + q * tile->ld);
    uint32_t sum[PANEL]; /* it may go round on its way, not at its end */
    for (int l = 0; l < PANEL; l++) sum[l] = (uint32_t)tile->init[q];
    for (int64_t i = 0; i < tile->steps; i++) {
      const uint32_t *restrict x = tile->tokens + i * PANEL;
      for (int r = 0; r < 2; r++) {
        const int32_t y = word_of(c[i], r);
        for (int l = 0; l < PANEL; l++) sum[l] += (uint32_t)(word_of(x[l], r) * y);
      }
    }
    for (int l = 0; l < PANEL; l++) a[q][l] = (int32_t)sum[l];
  }
  return scores_of(tile, a, lanes);
}

void ref_dots_bytes(int64_t ld, const char *x, const char *rows, int64_t count,
                    const int32_t *place, int32_t *dot)
{
  const uint8_t *a = (const uint8_t *)x;
  for (int64_t i = 0; i < count; i++) {
    const int8_t *b = (const int8_t *)(rows + place[i] * ld);
    dot[i] = 0;
    for (int64_t l = 0; l < ld; l++) dot[i] += (int32_t)a[l] * b[l];
  }
}

void ref_dots_words(int64_t ld, const char *x, const char *rows, int64_t count,
                    const int32_t *place, int32_t *dot)
{
  const int16_t *a = (const int16_t *)(const void *)x;
  for (int64_t i = 0; i < count; i++) {
    const int16_t *b = (const int16_t *)(const void *)(rows + place[i] * ld);
    uint32_t sum = 0;
    for (int64_t l = 0; l < ld / 2; l++) sum += (uint32_t)((int32_t)a[l] * b[l]);
    dot[i] = (int32_t)sum;
  }
}

void ref_grid_write(const GridPanel *panel)
{
  grid_write(panel);
}

int ref_best(void)
{
  return 4;
}
