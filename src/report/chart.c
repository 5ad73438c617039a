/* What several figures share. */
#include "report/chart.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

int64_t model_index(const Report *report, const char *model)
{
  for (int64_t i = 0; i < report->models->rows; i++)
    if (!strcmp(table_cell(report->models, i, "model"), model)) return i;
  return -1;
}

PetscErrorCode ModelSpans(const Report *report, const Table *table, Span **spans)
{
  PetscFunctionBegin;
  *spans = calloc((size_t)report->models->rows + 1, sizeof(**spans));
  PetscCheck(*spans, PETSC_COMM_SELF, PETSC_ERR_MEM, "no memory");
  int64_t m = -1;
  for (int64_t r = 0; r < table->rows; r++) {
    const char *model = table_cell(table, r, "model");
    if (!r || strcmp(model, table_cell(table, r - 1, "model"))) m = model_index(report, model);
    if (m < 0) continue;
    if (!(*spans)[m].end) (*spans)[m].first = r;
    (*spans)[m].end = r + 1;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

Ink model_ink(int64_t index)
{
  return (Ink)(INK_SERIES + (index < 0 ? 6 : index % 8));
}

int model_shape(int64_t index)
{
  return index < 0 ? 0 : (int)((index + index / 8) % 8);
}

void spread(const Table *table, const char *column, double *low, double *high)
{
  for (int64_t i = 0; i < table->rows; i++) {
    const double x = table_real(table, i, column);
    if (!isfinite(x)) continue;
    *low = isnan(*low) || x < *low ? x : *low;
    *high = isnan(*high) || x > *high ? x : *high;
  }
}

static const char *const key_words[KEY_COUNT] = {
    [KEY_TRAINED] = "trained",
    [KEY_INTERVAL] = "95 % interval over runs",
    [KEY_PAIR] = "one pair of runs",
    [KEY_START] = "step 0, untrained",
    [KEY_FIRST] = "first step in the log",
    [KEY_RANDOM] = "chance: random directions",
    [KEY_GAUSSIAN] = "chance: tokens\xe2\x80\x99 mean and covariance",
    [KEY_TOKENS] = "chance: random tokens",
    [KEY_REACH] = "within reach of chance",
    [KEY_MEAN] = "chance: the mean token alone",
    [KEY_RUN] = "one run",
    [KEY_FAILED] = "run that failed or stopped",
};

Look chance_look(Key key)
{
  const char *dash = key == KEY_RANDOM ? "1.5 2.5" : key == KEY_GAUSSIAN ? "5 2.5" : NULL;
  return (Look){.line = INK_CHANCE, .width = 1.8, .dash = key == KEY_MEAN ? "6 4" : dash};
}

/* How wide the sample before the words is. */
static double key_width(Key key)
{
  switch (key) {
  case KEY_INTERVAL:
  case KEY_REACH:
  case KEY_MEAN:
  case KEY_RUN:
    return 22;
  case KEY_TRAINED:
  case KEY_START:
  case KEY_FIRST:
  case KEY_FAILED:
    return 11;
  default:
    return 4;
  }
}

static void draw_key(Svg *svg, double x, double y, Key key)
{
  const double middle = x + key_width(key) / 2;
  switch (key) {
  case KEY_TRAINED:
    svg_circle(svg, middle, y, 5, (Look){.fill = INK_MODEL});
    break;
  case KEY_INTERVAL:
    svg_rect(svg, x, y - 4.5, 22, 9, 4.5, (Look){.fill = INK_MODEL, .opacity = 0.4});
    break;
  case KEY_PAIR:
    svg_line(svg, middle, y - 7, middle, y + 7, (Look){.line = INK_MODEL, .width = 1.4});
    break;
  case KEY_START:
  case KEY_FIRST:
    svg_circle(svg, middle, y, 4.5, (Look){.fill = INK_PAPER, .line = INK_START, .width = 1.7});
    break;
  case KEY_REACH:
    svg_rect(svg, x, y - 7, 22, 14, 2, (Look){.fill = INK_BAND});
    break;
  case KEY_MEAN:
    svg_line(svg, x, y, x + 22, y, chance_look(key));
    break;
  case KEY_RUN:
    svg_line(svg, x, y, x + 22, y, (Look){.line = INK_MODEL, .width = 1.6});
    break;
  case KEY_FAILED:
    svg_mark(svg, 5, middle, y, 3.8, (Look){.fill = INK_CHANCE});
    break;
  default:
    svg_line(svg, middle, y - 8, middle, y + 8, chance_look(key));
    break;
  }
}

double draw_keys(Svg *svg, double y, int count, const Key *keys)
{
  double x = 0;
  for (int i = 0; i < count; i++) {
    const double sample = key_width(keys[i]) + 7,
                 width = sample + svg_width(key_words[keys[i]], 12, false);
    if (x > 0 && x + width > svg->width) x = 0, y += 22;
    draw_key(svg, x, y + 10, keys[i]);
    svg_words(svg, x + sample, y + 14, (Type){.size = 12, .ink = INK_QUIET}, key_words[keys[i]]);
    x += width + 18;
  }
  return y + 32;
}

/* A tick in few signs: 20k, 3M. */
static void tick_label(Text *to, double value)
{
  if (value >= 1e4 && value < 1e6)
    text_add(to, "%.6gk", value / 1000);
  else
    text_short(to, value);
}

void draw_axis_x(Svg *svg, const Scale *scale, double top, double y, int most, const char *title)
{
  double tick[16];
  const int count = scale_ticks(scale, most, tick);
  for (int i = 0; i < count; i++) {
    const double x = scale_at(scale, tick[i]);
    Text label = {0};
    svg_line(svg, x, top, x, y, (Look){.line = INK_GRID});
    svg_line(svg, x, y, x, y + 4, (Look){.line = INK_RULE});
    tick_label(&label, tick[i]);
    svg_words(svg, x, y + 17, (Type){.size = 11.5, .ink = INK_QUIET, .anchor = 'm'}, label.s);
    text_clear(&label);
  }
  svg_line(svg, scale->from, y, scale->to, y, (Look){.line = INK_RULE});
  if (title)
    svg_words(svg, (scale->from + scale->to) / 2, y + 36,
              (Type){.size = 12, .anchor = 'm', .room = svg->width}, title);
}

void draw_axis_y(Svg *svg, const Scale *scale, double x, double right, int most)
{
  double tick[16];
  const int count = scale_ticks(scale, most, tick);
  for (int i = 0; i < count; i++) {
    const double y = scale_at(scale, tick[i]);
    Text label = {0};
    svg_line(svg, x, y, right, y, (Look){.line = INK_GRID});
    tick_label(&label, tick[i]);
    svg_words(svg, x - 7, y + 4, (Type){.size = 11.5, .ink = INK_QUIET, .anchor = 'e'}, label.s);
    text_clear(&label);
  }
}
