/* What several figures share. */
#include "report/chart.h"
#include <math.h>
#include <string.h>

Ink scale_ink(double value)
{
  const int step = isfinite(value) ? (int)floor(fmin(fmax(value, 0), 1) * 20 + 0.5) : 0;
  return (Ink)(INK_SCALE + step);
}

Ink scale_words_ink(double value)
{
  return scale_ink(value) >= INK_SCALE + 14 ? INK_OVER : INK_WORDS;
}

double draw_scale(Svg *svg, const char *low, const char *high, double room)
{
  const double left = 24, cell = svg_wide(svg) ? 11 : 9;
  for (int i = 0; i <= 20; i++)
    svg_rect(svg, left + i * cell, 2, cell + 0.3, 14, 0, (Look){.fill = scale_ink(i / 20.0)});
  svg_words(svg, left - 8, 14, (Type){.size = 12, .anchor = 'e', .ink = INK_QUIET}, low);
  svg_words(svg, left + 21 * cell + 8, 14,
            (Type){.size = 12,
                   .ink = INK_QUIET,
                   .room = svg->width - left - 21 * cell - 8 - (svg_wide(svg) ? room : 0)},
            high);
  return svg_wide(svg) ? 40 : 38;
}

enum { PANEL_GAP = 24, PANEL_PITCH = 48 };

static int panel_columns(const Svg *svg)
{
  return svg_wide(svg) ? 3 : 1;
}

static double panel_height(const Svg *svg)
{
  return svg_wide(svg) ? 160 : 150;
}

void panel_frame(Svg *svg, const Report *report, int64_t model, int64_t index, double top,
                 Scale *sx, Scale *sy)
{
  const char *name = table_cell(report->models, model, "model");
  const int columns = panel_columns(svg);
  const double width = (svg->width - PANEL_GAP * (columns - 1)) / columns,
               left = (double)(index % columns) * (width + PANEL_GAP), height = panel_height(svg);
  top += (double)(index / columns) * (height + PANEL_PITCH);
  sx->from = left + 40, sx->to = left + width - 8, sy->from = top + height, sy->to = top + 24;
  Text warning = {0};
  row_warnings(report, report->stability,
               measure_row(report->stability, name, primary_measure, "raw"), &warning);
  svg_words(svg, left + 40, top + (warning.length ? 4 : 12),
            (Type){.size = 13, .bold = true, .room = width - 48}, name);
  if (warning.length)
    svg_words(svg, left + 40, top + 17,
              (Type){.size = 10, .ink = INK_CHANCE, .italic = true, .room = width - 48}, warning.s);
  text_clear(&warning);
  draw_axis_x(svg, sx, top + height, top + height, 4, NULL);
  draw_axis_y(svg, sy, sx->from, sx->to, 5);
}

double panels_bottom(const Svg *svg, int64_t count, double top)
{
  const int columns = panel_columns(svg);
  return top + (double)((count + columns - 1) / columns) * (panel_height(svg) + PANEL_PITCH);
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
    [KEY_SURROGATE] = "trained on Gaussian tokens",
    [KEY_INHERITED] = "trained, against the other run\xe2\x80\x99s start",
    [KEY_REACH] = "within reach of chance",
    [KEY_MEAN] = "chance: the mean token alone",
    [KEY_RUN] = "one run",
    [KEY_FAILED] = "run that failed or stopped",
    [KEY_BAND] = "95 % interval over runs",
    [KEY_CENTRED] = "the same of centred atoms",
    [KEY_GROUP] = "one pair of models that differ in this alone",
    [KEY_CHANCE] = "the highest kind of chance",
};

Look chance_look(Key key)
{
  const char *dash = key == KEY_RANDOM      ? "1.5 2.5"
                     : key == KEY_GAUSSIAN  ? "5 2.5"
                     : key == KEY_SURROGATE ? "8 2 2 2"
                                            : NULL;
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
  case KEY_BAND:
    return 22;
  case KEY_TRAINED:
  case KEY_START:
  case KEY_FIRST:
  case KEY_FAILED:
  case KEY_INHERITED:
  case KEY_CENTRED:
    return 11;
  case KEY_GROUP:
    return 6;
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
  case KEY_BAND:
    svg_rect(svg, x, y - 6, 22, 12, 0, (Look){.fill = INK_MODEL, .opacity = 0.2});
    svg_line(svg, x, y, x + 22, y, (Look){.line = INK_MODEL, .width = 1.8});
    break;
  case KEY_INHERITED:
    svg_mark(svg, 2, middle, y, 3.6, (Look){.fill = INK_PAPER, .line = INK_START, .width = 1.4});
    break;
  case KEY_CENTRED:
    svg_mark(svg, 1, middle, y, 4, (Look){.fill = INK_PAPER, .line = INK_MODEL, .width = 1.8});
    break;
  case KEY_GROUP:
    svg_circle(svg, middle, y, 2.6, (Look){.fill = INK_MODEL, .opacity = 0.5});
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
