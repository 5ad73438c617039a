/* What each setting does to stability: the first picture of an experiment that varies settings. */
#include "report/chart.h"
#include "report/figure.h"
#include <math.h>
#include <string.h>

/* The page shows the levels; the pairs of models behind them are in the CSV. */
static PetscErrorCode Tabulate(const Report *report, Table **data, Table **shown)
{
  static const char columns[] = "setting,level,against,centring,pairs,runs,value_against,value,"
                                "difference,low,high,chance,initial";

  PetscFunctionBegin;
  PetscCall(TabulateFactors(report, data));
  PetscCall(TableCreate(columns, shown));
  for (int64_t i = 0; i < (*data)->rows; i++) {
    if (strcmp(table_cell(*data, i, "kind"), "level")) continue;
    PetscCall(TableAddRow(*shown));
    for (int c = 0; c < (*shown)->columns; c++)
      table_text(*shown, (*shown)->names[c], table_cell(*data, i, (*shown)->names[c]));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static bool is_row(const Table *data, int64_t row, const char *kind, const char *centring)
{
  return !strcmp(table_cell(data, row, "kind"), kind) &&
         !strcmp(table_cell(data, row, "centring"), centring);
}

static bool same_level(const Table *data, int64_t a, int64_t b)
{
  return !strcmp(table_cell(data, a, "setting"), table_cell(data, b, "setting")) &&
         !strcmp(table_cell(data, a, "level"), table_cell(data, b, "level"));
}

/* What all rows share: where their two plots are. */
typedef struct {
  Scale values, effects;
  double label; /* right end of the labels */
} Places;

static const char other_centring[] = "centred";

/* The effect with its interval, and the pairs of models behind it. */
static void draw_effect(Svg *svg, const Table *data, int64_t row, const Places *places, double y,
                        bool centred)
{
  const Scale *scale = &places->effects;
  const double value = table_real(data, row, "difference"), low = table_real(data, row, "low"),
               high = table_real(data, row, "high"), x = scale_at(scale, value),
               at = centred ? y + 6 : y - 3;
  if (!centred)
    for (int64_t i = 0; i < data->rows; i++)
      if (is_row(data, i, "pair", primary_centring) && same_level(data, i, row))
        svg_circle(svg, scale_at(scale, table_real(data, i, "difference")), at, 2.6,
                   (Look){.fill = INK_MODEL, .opacity = 0.45});
  if (isfinite(low) && isfinite(high))
    svg_rect(svg, scale_at(scale, low), at - (centred ? 1.6 : 3.6),
             scale_at(scale, high) - scale_at(scale, low), centred ? 3.2 : 7.2, centred ? 1.6 : 3.6,
             (Look){.fill = INK_MODEL, .opacity = 0.4});
  if (centred)
    svg_mark(svg, 1, x, at, 3, (Look){.fill = INK_PAPER, .line = INK_MODEL, .width = 1.5});
  else
    svg_circle(svg, x, at, 5, (Look){.fill = INK_MODEL, .line = INK_PAPER, .width = 1.2});
}

/* From the value of the first level to that of this one. */
static void draw_change(Svg *svg, const Table *data, int64_t row, const Scale *scale, double y,
                        bool centred)
{
  const double a = scale_at(scale, table_real(data, row, "value_against")),
               b = scale_at(scale, table_real(data, row, "value"));
  const Look look = {.line = INK_MODEL, .width = centred ? 1.2 : 2};
  svg_line(svg, a, y, b, y, look);
  svg_ticks(svg, 1, &a, y, centred ? 3 : 6, look);
  if (centred)
    svg_mark(svg, 1, b, y, 3, (Look){.fill = INK_PAPER, .line = INK_MODEL, .width = 1.5});
  else
    svg_circle(svg, b, y, 5, (Look){.fill = INK_MODEL, .line = INK_PAPER, .width = 1.2});
}

/* That of raw atoms beside chance, and that of centred ones (-1: none) below. */
static void draw_values(Svg *svg, const Table *data, int64_t row, int64_t centred,
                        const Scale *scale, double y)
{
  const double chance = table_real(data, row, "chance"), start = table_real(data, row, "initial");
  if (isfinite(chance)) {
    svg_rect(svg, scale->from, y - 11, scale_at(scale, chance) - scale->from, 22, 0,
             (Look){.fill = INK_BAND});
    svg_line(svg, scale_at(scale, chance), y - 11, scale_at(scale, chance), y + 11,
             chance_look(KEY_CHANCE));
  }
  svg_line(svg, scale->from, y, scale->to, y, (Look){.line = INK_GRID});
  if (isfinite(start))
    svg_circle(svg, scale_at(scale, start), y - 2, 3.6,
               (Look){.fill = INK_PAPER, .line = INK_START, .width = 1.4});
  draw_change(svg, data, row, scale, y - 2, false);
  if (centred >= 0) draw_change(svg, data, centred, scale, y + 7, true);
}

static void print_effect(const Table *data, int64_t row, Text *to)
{
  const double value = table_real(data, row, "difference"),
               half = (table_real(data, row, "high") - table_real(data, row, "low")) / 2;
  if (value > 0) text_add(to, "+");
  text_fixed(to, value, 3);
  if (isfinite(half)) text_add(to, " \xc2\xb1 "), text_fixed(to, half, 3);
}

static int64_t centred_row(const Table *data, int64_t row)
{
  for (int64_t i = 0; i < data->rows; i++)
    if (is_row(data, i, "level", other_centring) && same_level(data, i, row)) return i;
  return -1;
}

/* The change of raw atoms, and that of centred ones below it. */
static void draw_numbers(Svg *svg, const Places *places, const char *effect, const char *centred,
                         double y)
{
  const bool wide = svg_wide(svg);
  const double x = wide ? places->effects.to + 12 : svg->width;
  const char anchor = wide ? 's' : 'e';
  svg_words(svg, x, wide ? y + 1 : y - 20,
            (Type){.size = 12, .bold = true, .ink = INK_MODEL, .anchor = anchor}, effect);
  if (*centred)
    svg_words(svg, x, wide ? y + 12 : y - 9, (Type){.size = 10, .ink = INK_QUIET, .anchor = anchor},
              centred);
}

static void draw_row(Svg *svg, const Table *data, int64_t row, const Places *places, double y)
{
  const int64_t centred = centred_row(data, row);
  const bool wide = svg_wide(svg);
  Text words = {0}, effect = {0}, other = {0}, tip = {0};
  text_add(&words, "%s \xe2\x86\x92 %s", table_cell(data, row, "against"),
           table_cell(data, row, "level"));
  print_effect(data, row, &effect);
  text_add(&tip, "%s, %s: %s (%s)", table_cell(data, row, "setting"), words.s, effect.s,
           primary_centring);
  if (centred >= 0) {
    print_effect(data, centred, &other);
    text_add(&other, " %s", other_centring);
    text_add(&tip, "; %s", other.s);
  }
  text_add(&tip, "; %s pairs of models", table_cell(data, row, "pairs"));
  svg_begin(svg, tip.s);
  svg_words(svg, 0, wide ? y + 4 : y - 20,
            (Type){.size = 12.5, .room = wide ? places->label : svg->width - 110}, words.s);
  if (wide) draw_values(svg, data, row, centred, &places->values, y);
  draw_effect(svg, data, row, places, y, false);
  if (centred >= 0) draw_effect(svg, data, centred, places, y, true);
  draw_numbers(svg, places, effect.s, other.s ? other.s : "", y);
  svg_end(svg);
  text_clear(&words), text_clear(&effect), text_clear(&other), text_clear(&tip);
}

static void find_scales(const Table *data, const Svg *svg, Places *places)
{
  static const char *const columns[] = {"difference", "low", "high"};
  const bool wide = svg_wide(svg);
  double low = 0, high = 0.01;
  for (int64_t i = 0; i < data->rows; i++)
    for (int c = 0; c < 3; c++) {
      const double x = table_real(data, i, columns[c]);
      if (isfinite(x)) low = fmin(low, x), high = fmax(high, x);
    }
  places->label = 190;
  places->values = scale_around(0, 1, false, 210, 470);
  places->effects = scale_around(low, high, false, wide ? 510 : 8, wide ? 770 : svg->width - 8);
}

/* One setting: its heading, rows and axes. Gives the y below, and the row after it in *row. */
static double draw_setting(Svg *svg, const Table *data, const Places *places, int64_t *row,
                           double y)
{
  const char *setting = table_cell(data, *row, "setting");
  const double height = svg_wide(svg) ? 30 : 52, top = y + 24;
  int64_t count = 0, end = *row;
  for (; end < data->rows && !strcmp(table_cell(data, end, "setting"), setting); end++)
    count += is_row(data, end, "level", primary_centring);
  const double bottom = top + height * (double)count;
  if (count) {
    svg_words(svg, 0, y + 16, (Type){.size = 13.5, .bold = true, .room = svg->width}, setting);
    if (svg_wide(svg)) draw_axis_x(svg, &places->values, top, bottom, 5, NULL);
    draw_axis_x(svg, &places->effects, top, bottom, 6, NULL);
    svg_line(svg, scale_at(&places->effects, 0), top, scale_at(&places->effects, 0), bottom,
             (Look){.line = INK_RULE, .width = 1.4});
    y = top + (svg_wide(svg) ? 15 : 36);
    for (int64_t i = *row; i < end; i++) {
      if (!is_row(data, i, "level", primary_centring)) continue;
      draw_row(svg, data, i, places, y);
      y += height;
    }
  }
  *row = end;
  return count ? bottom + 34 : y;
}

static PetscErrorCode Draw(const Report *report, const Table *data, Svg *svg)
{
  static const Key keys[] = {KEY_TRAINED, KEY_INTERVAL, KEY_GROUP,
                             KEY_CENTRED, KEY_START,    KEY_CHANCE};
  double y = draw_keys(svg, 0, svg_wide(svg) ? 6 : 4, keys);
  Places places;

  PetscFunctionBegin;
  (void)report;
  find_scales(data, svg, &places);
  if (svg_wide(svg))
    svg_print(svg, places.values.from, y + 12, (Type){.size = 12, .ink = INK_QUIET, .room = 290},
              "stability: cosine of matched atoms (%s)", primary_centring);
  svg_print(svg, places.effects.from, y + 12, (Type){.size = 12, .ink = INK_QUIET},
            "change of stability (%s)", primary_centring);
  y += 18;
  for (int64_t row = 0; row < data->rows;) y = draw_setting(svg, data, &places, &row, y);
  svg->height = y;
  PetscFunctionReturn(PETSC_SUCCESS);
}

const Figure figure_factors = {
    .entry = {"factors", "what each setting changes"},
    .place = 1,
    .heading = "What does each setting do to stability?",
    .words =
        "Each row changes one setting and nothing else: it takes all pairs of models that differ "
        "in that setting alone (settings that only one of the two has aside), and averages. "
        "On wide pages, the left plot has stability itself: it goes from the tick (first value) to "
        "the dot (second); the shade ends at the highest kind of chance, and the hollow dot is "
        "step 0. The other plot is the "
        "change: the dot its mean, the small dots single pairs of models. Dots are of raw atoms, "
        "squares of atoms minus their mean: where tokens are not centred, raw atoms share an "
        "offset and look alike whatever they mean, so that of this setting only the squares can "
        "be compared.\n"
        "The bar is the 95 % interval over runs of the mean change; models are compared run by "
        "run, with the same seeds on both sides. Without seeds that correspond, or with fewer "
        "than three runs, there is none. A change that only raw atoms show, or that stays within "
        "reach of chance, says nothing about concepts.",
    .tabulate = Tabulate,
    .draw = Draw,
    .nothing = "No two models with a stability differ in one setting alone.",
};
