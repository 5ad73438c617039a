/* One lane of the stability picture. */
#include "report/chart.h"
#include <math.h>
#include <string.h>

/* What chance reaches, and the nulls. */
static void draw_chance(Svg *svg, const Scale *scale, double y, double half, const Table *data,
                        int64_t row)
{
  const double reach = highest_null(data, row);
  if (isfinite(reach))
    svg_rect(svg, scale->from, y - half, scale_at(scale, reach) - scale->from, 2 * half, 0,
             (Look){.fill = INK_BAND});
  for (int i = 0; i < NULLS; i++) {
    const double null = table_real(data, row, null_columns[i]);
    if (!isfinite(null)) continue;
    const double x = scale_at(scale, null);
    svg_line(svg, x, y - half, x, y + half, chance_look((Key)(KEY_RANDOM + i)));
  }
}

enum { MOST_PAIRS = 500 }; /* ticks in a lane */

static void draw_pairs(Svg *svg, const Scale *scale, double y, double half, const Lanes *lanes,
                       int64_t row, int64_t model)
{
  const Table *pairs = lanes->report->pairs, *data = lanes->data;
  const Span span = lanes->pairs[model];
  const char *name = table_cell(data, row, "model"), *centring = table_cell(data, row, "centring");
  const int stage = table_column(pairs, "stage"), at = table_column(pairs, "centring"),
            measure = table_column(pairs, "measure"), whose = table_column(pairs, "model");
  double x[MOST_PAIRS];
  int64_t count = 0;
  for (int64_t i = span.first; i < span.end && count < MOST_PAIRS; i++) {
    char **cell = pairs->cells + i * pairs->columns;
    if (!strcmp(cell[stage], "end") && !strcmp(cell[at], centring) &&
        !strcmp(cell[measure], lanes->measure) && !strcmp(cell[whose], name))
      x[count++] = scale_at(scale, table_real(pairs, i, "value"));
  }
  if (count)
    svg_ticks(svg, count, x, y, half / 2 + 0.5,
              (Look){.line = INK_MODEL, .width = 1.2, .opacity = 0.6});
}

/* Everything about one row as a sentence, for the tooltip. */
static void describe(Text *to, const Report *report, const Table *data, int64_t row)
{
  static const char *const part[][2] = {
      {"initial", "at step 0 "},
      {"end_start", "against the other run\xe2\x80\x99s start "},
      {"null_random", "random directions "},
      {"null_gaussian", "Gaussian "},
      {"null_tokens", "random tokens "},
      {"null_surrogate", "trained on Gaussian tokens "},
      {"nearest", "nearest atom of the same run "},
      {"lambda", "variance of runs over that of pairs "},
  };
  text_add(to, "%s, %s: ", table_cell(data, row, "model"), table_cell(data, row, "centring"));
  text_fixed(to, table_real(data, row, "value"), 3);
  if (*table_cell(data, row, "low")) {
    text_add(to, " ("), text_fixed(to, table_real(data, row, "low"), 3);
    text_add(to, " to "), text_fixed(to, table_real(data, row, "high"), 3);
    text_add(to, ")");
  }
  for (size_t i = 0; i < sizeof(part) / sizeof(*part); i++) {
    if (!*table_cell(data, row, part[i][0])) continue;
    text_add(to, ", %s", part[i][1]);
    text_fixed(to, table_real(data, row, part[i][0]), 3);
  }
  text_add(to, ". ");
  row_warnings(report, data, row, to);
}

/* Hollow marks for step 0 and for what the start alone explains. */
static void draw_starts(Svg *svg, const Scale *scale, double y, const Table *data, int64_t row,
                        double size)
{
  const double value = table_real(data, row, "value"), start = table_real(data, row, "initial"),
               inherited = table_real(data, row, "end_start");
  const bool near = fabs(scale_at(scale, start) - scale_at(scale, value)) < 11 * size;
  if (isfinite(inherited))
    svg_mark(svg, 2, scale_at(scale, inherited), y, 3.6 * size,
             (Look){.fill = INK_PAPER, .line = INK_START, .width = 1.4});
  if (isfinite(start) && !near)
    svg_circle(svg, scale_at(scale, start), y, 4.5 * size,
               (Look){.fill = INK_PAPER, .line = INK_START, .width = 1.7});
  if (isfinite(value))
    svg_circle(svg, scale_at(scale, value), y, 5.4 * size,
               (Look){.fill = INK_MODEL, .line = INK_PAPER, .width = 1.2});
  if (isfinite(start) && near) /* else the dot would hide it */
    svg_circle(svg, scale_at(scale, start), y, 8.8 * size, (Look){.line = INK_START, .width = 1.7});
}

void draw_lane(Svg *svg, const Lanes *lanes, const Scale *scale, double y, int64_t row,
               int64_t model)
{
  const Table *data = lanes->data;
  const double value = table_real(data, row, "value"), low = table_real(data, row, "low"),
               high = table_real(data, row, "high"), start = table_real(data, row, "initial"),
               half = lanes->close ? 9 : 15, size = lanes->close ? 0.72 : 1;
  Text words = {0};
  describe(&words, lanes->report, data, row);
  svg_begin(svg, words.s);
  text_clear(&words);
  draw_chance(svg, scale, y, half, data, row);
  svg_line(svg, scale->from, y, scale->to, y, (Look){.line = INK_GRID});
  if (isfinite(start) && isfinite(value))
    svg_line(svg, scale_at(scale, start), y, scale_at(scale, value), y,
             (Look){.line = INK_QUIET, .width = 1.2});
  draw_pairs(svg, scale, y, half, lanes, row, model);
  if (isfinite(low) && isfinite(high)) {
    const double a = scale_at(scale, low), b = scale_at(scale, high), thick = 4.5 * size;
    svg_rect(svg, a - 1, y - thick, b - a + 2, 2 * thick, thick,
             (Look){.fill = INK_MODEL, .opacity = 0.4});
  }
  draw_starts(svg, scale, y, data, row, size);
  svg_end(svg);
}

void draw_value(Svg *svg, double x, double y, const Lanes *lanes, int64_t row)
{
  const bool wide = svg_wide(svg), beside = !wide || lanes->close;
  const double half =
      (table_real(lanes->data, row, "high") - table_real(lanes->data, row, "low")) / 2;
  Text value = {0}, around = {0};
  text_fixed(&value, table_real(lanes->data, row, "value"), 2);
  text_add(&around, "\xc2\xb1 "), text_fixed(&around, half, 3);
  svg_words(svg, x, beside && wide ? y + 4 : y,
            (Type){.size = lanes->close ? 12 : 14,
                   .bold = true,
                   .anchor = wide ? 's' : 'e',
                   .ink = INK_MODEL},
            value.s);
  if (isfinite(half))
    svg_words(svg,
              !wide          ? x - 38
              : lanes->close ? x + 33
                             : x,
              !wide          ? y
              : lanes->close ? y + 4
                             : y + 13,
              (Type){.size = lanes->close && wide ? 9.5 : 10.5,
                     .ink = INK_QUIET,
                     .anchor = wide ? 's' : 'e'},
              around.s);
  text_clear(&value), text_clear(&around);
}
