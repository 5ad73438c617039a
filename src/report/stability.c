/* The stability picture: for each model a lane with chance, step 0, every pair, mean and interval.
 */
#include "compare/comparison.h"
#include "report/chart.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

const char *measure_words(const char *measure)
{
  const Entry *entry = family_find(&comparisons, measure);
  return entry ? entry->summary : measure;
}

const char *centring_in_words(const char *centring)
{
  static const char *const words[][2] = {
      {"raw", "raw atoms"},
      {"centred", "centred atoms (minus the mean atom)"},
      {"projected", "without the direction of the mean token"},
  };
  for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
    if (!strcmp(centring, words[i][0])) return words[i][1];
  return centring;
}

PetscErrorCode TabulateStability(const Report *report, bool first, Table **data)
{
  const Table *from = report->stability;

  PetscFunctionBegin;
  PetscCall(TableCreate("", data));
  for (int c = 0; c < from->columns; c++) PetscCall(TableAddColumn(*data, from->names[c]));
  for (int64_t i = 0; i < from->rows; i++) {
    if (!strcmp(table_cell(from, i, "measure"), primary_measure) != first) continue;
    PetscCall(TableAddRow(*data));
    for (int c = 0; c < (*data)->columns; c++)
      table_text(*data, (*data)->names[c], from->cells[i * from->columns + c]);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static bool any_number(const Table *data, const char *column)
{
  for (int64_t i = 0; i < data->rows; i++)
    if (isfinite(table_real(data, i, column))) return true;
  return false;
}

void draw_stability_keys(Svg *svg, const Table *data, double *y)
{
  Key keys[10] = {KEY_TRAINED, KEY_INTERVAL, KEY_PAIR, KEY_START};
  int count = 4;
  if (any_number(data, "end_start")) keys[count++] = KEY_INHERITED;
  for (int i = 0; i < NULLS; i++)
    if (any_number(data, null_columns[i])) keys[count++] = (Key)(KEY_RANDOM + i);
  keys[count++] = KEY_REACH;
  *y = draw_keys(svg, *y, count, keys);
}

/* One panel: the rows of one centring. */
typedef struct {
  Lanes lanes;
  const char *centring;
  bool labels;
  bool warned; /* a row of the block has something to warn of */
  double left, right;
} Panel;

/* Name, number of runs, dead atoms and warnings of a model. */
static void draw_label(Svg *svg, const Panel *panel, double x, double y, double room, int64_t model,
                       int64_t row)
{
  const Table *data = panel->lanes.data;
  const double dead = table_real(data, row, "dead");
  Text words = {0}, warning = {0}, name = {0};
  model_label(panel->lanes.report, model, &name);
  row_warnings(panel->lanes.report, data, row, &warning);
  text_add(&words, "%s runs", table_cell(data, row, "runs"));
  if (isfinite(dead)) {
    text_add(&words, dead > 0 ? ", " : ", no dead atoms");
    if (dead > 0) text_short(&words, round(dead * 10) / 10), text_add(&words, " dead left out");
  }
  if (panel->lanes.close) {
    svg_words(svg, x, y, (Type){.size = 12, .room = room}, name.s);
    y -= 2;
  } else {
    svg_words(svg, x, y, (Type){.size = 13.5, .bold = true, .room = room}, name.s);
    svg_words(svg, x, y + 14, (Type){.size = 11, .ink = INK_QUIET, .room = room}, words.s);
  }
  if (warning.length)
    svg_words(
        svg, x, panel->lanes.close ? y + 13.5 : y + 28,
        (Type){
            .size = panel->lanes.close ? 10 : 11, .ink = INK_CHANCE, .italic = true, .room = room},
        warning.s);
  text_clear(&words), text_clear(&warning), text_clear(&name);
}

static Scale measure_scale(const Table *data, const char *measure, double from, double to)
{
  static const char *const columns[] = {"value",         "initial",     "end_start",
                                        "null_random",   "null_tokens", "null_gaussian",
                                        "null_surrogate"};
  double low = 0, high = 1;
  for (int64_t i = 0; i < data->rows; i++) {
    if (strcmp(table_cell(data, i, "measure"), measure)) continue;
    for (size_t c = 0; c < sizeof(columns) / sizeof(*columns); c++) {
      const double x = table_real(data, i, columns[c]);
      if (isfinite(x)) low = fmin(low, x), high = fmax(high, x);
    }
  }
  return scale_around(low, high, false, from, to);
}

static bool any_warning(const Lanes *lanes)
{
  Text words = {0};
  for (int64_t i = 0; i < lanes->data->rows; i++)
    row_warnings(lanes->report, lanes->data, i, &words);
  const bool any = words.length > 0;
  text_clear(&words);
  return any;
}

static double row_height(const Svg *svg, const Panel *panel)
{
  if (svg_wide(svg)) return !panel->lanes.close ? 54 : panel->warned ? 31 : 21;
  if (!panel->labels) return panel->lanes.close ? 40 : 58;
  return panel->lanes.close ? (panel->warned ? 53 : 42) : (panel->warned ? 90 : 76);
}

/* One lane of a model, its label and its value; y is the top of its row. */
static void draw_row(Svg *svg, const Panel *panel, const Scale *scale, int64_t model, int64_t row,
                     double y)
{
  const bool wide = svg_wide(svg), close = panel->lanes.close;
  const double left = scale->from, right = scale->to, height = row_height(svg, panel),
               lane = wide ? y + height / 2 : y + height - (close ? 11 : 20);
  Text name = {0};
  model_label(panel->lanes.report, model, &name);
  if (wide && panel->labels)
    draw_label(svg, panel, 0, close ? lane + (panel->warned ? -1 : 4) : lane - 9, left - 26, model,
               row);
  if (!wide && panel->labels)
    draw_label(svg, panel, left, y + (close ? 12 : 14), right - left - 78, model, row);
  if (!wide && !panel->labels)
    svg_words(svg, left, y + 16,
              (Type){.size = close ? 12 : 13.5, .bold = !close, .room = right - left - 78}, name.s);
  text_clear(&name);
  draw_lane(svg, &panel->lanes, scale, lane, row, model);
  draw_value(svg, wide ? right + 10 : right,
             wide    ? lane + (close ? 0 : 1)
             : close ? y + 12
                     : y + 16,
             &panel->lanes, row);
}

static bool begins_heading(const Report *report, int64_t model)
{
  Text words = {0};
  const bool heading = model_label(report, model, &words);
  text_clear(&words);
  return heading;
}

/* Title, lanes of all models that have a row, axis. Gives the y below. */
static double draw_panel(Svg *svg, const Panel *panel, double y)
{
  const Lanes *lanes = &panel->lanes;
  const Table *models = lanes->report->models;
  const Scale scale = measure_scale(lanes->data, lanes->measure, panel->left, panel->right);
  const double height = row_height(svg, panel), head = 26;
  double *top = calloc((size_t)models->rows + 1, sizeof(*top)), bottom;
  if (!top) abort();
  svg_words(svg, panel->left, y + 14,
            (Type){.size = 13, .bold = true, .room = panel->right - panel->left + 70},
            centring_in_words(panel->centring));
  bottom = y += 24;
  for (int64_t i = 0; i < models->rows; i++) {
    const bool heading = begins_heading(lanes->report, i);
    top[i] = bottom + (heading ? head : 0);
    bottom = top[i] + (measure_row(lanes->data, table_cell(models, i, "model"), lanes->measure,
                                   panel->centring) >= 0
                           ? height
                           : 0);
  }
  draw_axis_x(svg, &scale, y, bottom + 4, 5, NULL);
  for (int64_t i = 0; i < models->rows; i++) {
    const char *name = table_cell(models, i, "model");
    const int64_t row = measure_row(lanes->data, name, lanes->measure, panel->centring);
    if (begins_heading(lanes->report, i) && (panel->labels || !svg_wide(svg))) {
      Text words = {0};
      model_heading(lanes->report, i, &words);
      svg_words(svg, svg_wide(svg) ? 0 : panel->left, top[i] - 7,
                (Type){.size = 12.5, .bold = true, .room = panel->right - 26}, words.s);
      text_clear(&words);
    }
    if (row >= 0) draw_row(svg, panel, &scale, i, row, top[i]);
  }
  free(top);
  return bottom + 34;
}

/* Has the measure rows of that centring? */
static bool has_centring(const Table *data, const char *measure, const char *centring)
{
  for (int64_t i = 0; i < data->rows; i++)
    if (!strcmp(table_cell(data, i, "measure"), measure) &&
        !strcmp(table_cell(data, i, "centring"), centring))
      return true;
  return false;
}

PetscErrorCode DrawStability(const Report *report, const Table *data, const char *measure, Svg *svg,
                             double *y)
{
  Panel panel = {.lanes = {report, data, measure, NULL, report->models->rows > MANY_MODELS}};
  const double label = panel.lanes.close ? 232 : 196, gutter = panel.lanes.close ? 84 : 64,
               width = (svg->width - label - 2 * gutter) / 2;
  double below = *y;
  int count = 0;

  PetscFunctionBegin;
  PetscCall(ModelSpans(report, report->pairs, &panel.lanes.pairs));
  panel.warned = any_warning(&panel.lanes);
  svg_words(svg, 0, *y + 14, (Type){.size = 13, .room = svg->width, .ink = INK_QUIET},
            measure_words(measure));
  *y = below = *y + 26;
  for (int c = 0; shown_centrings[c]; c++) {
    if (!has_centring(data, measure, shown_centrings[c])) continue;
    panel.centring = shown_centrings[c];
    if (svg_wide(svg)) {
      panel.labels = count % 2 == 0;
      panel.left = panel.labels ? label : label + width + gutter;
      panel.right = panel.left + width;
      if (panel.labels) *y = below;
      below = fmax(below, draw_panel(svg, &panel, *y));
    } else {
      panel.labels = !count, panel.left = 6, panel.right = svg->width - 6;
      below = draw_panel(svg, &panel, below) + 10;
    }
    count++;
  }
  *y = below;
  free(panel.lanes.pairs);
  PetscFunctionReturn(PETSC_SUCCESS);
}
