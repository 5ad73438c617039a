/* Stability against fidelity and sparsity: which models are beaten by none in all three. */
#include "report/chart.h"
#include "report/figure.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

static bool is_centred(const Table *data, int64_t row)
{
  return !strcmp(table_cell(data, row, "tokens_centred"), "yes");
}

/* Is row b at least as good as a in all three, and better in one? Where the tokens of one of them
   were not centred, by the stability of centred atoms. */
static bool beats(const Table *data, int64_t b, int64_t a)
{
  const char *column = is_centred(data, a) && is_centred(data, b) ? "value" : "value_centred";
  const double r = table_real(data, b, "r2") - table_real(data, a, "r2"),
               l = table_real(data, a, "l0") - table_real(data, b, "l0"),
               s = table_real(data, b, column) - table_real(data, a, column);
  return r >= 0 && l >= 0 && s >= 0 && (r > 0 || l > 0 || s > 0);
}

static PetscErrorCode Tabulate(const Report *report, Table **data, Table **shown)
{
  const Table *from = report->stability;

  PetscFunctionBegin;
  *shown = NULL;
  PetscCall(TableCreate(
      "model,r2,l0,value,low,high,chance,initial,value_centred,tokens_centred,note", data));
  for (int64_t m = 0; m < report->models->rows; m++) {
    const char *model = table_cell(report->models, m, "model");
    const int64_t row = measure_row(from, model, primary_measure, primary_centring),
                  centred = measure_row(from, model, primary_measure, "centred");
    const double r2 = group_mean(report, model, "r2", "held_out"),
                 l0 = group_mean(report, model, "l0", "held_out");
    Text note = {0};
    if (!isfinite(r2) || !isfinite(l0) || !isfinite(table_real(from, row, "value"))) continue;
    PetscCall(TableAddRow(*data));
    table_text(*data, "model", model);
    table_number(*data, "r2", r2), table_number(*data, "l0", l0);
    table_text(*data, "value", table_cell(from, row, "value"));
    table_text(*data, "low", table_cell(from, row, "low"));
    table_text(*data, "high", table_cell(from, row, "high"));
    table_text(*data, "initial", table_cell(from, row, "initial"));
    table_number(*data, "chance", highest_null(from, row));
    table_text(*data, "value_centred", table_cell(from, centred, "value"));
    table_text(*data, "tokens_centred", tokens_centred(report, model) ? "yes" : "no");
    row_warnings(report, from, row, &note);
    table_text(*data, "note", note.length ? note.s : "");
    text_clear(&note);
  }
  PetscCall(TableAddColumn(*data, "beaten_by"));
  for (int64_t a = 0; a < (*data)->rows; a++) {
    int64_t by = -1;
    for (int64_t b = 0; b < (*data)->rows && by < 0; b++)
      if (beats(*data, b, a)) by = b;
    char **cell = &(*data)->cells[(a + 1) * (*data)->columns - 1];
    free(*cell);
    *cell = text_copy(by < 0 ? "" : table_cell(*data, by, "model"));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The square of centred atoms below a mark of raw ones. */
static void draw_centred(Svg *svg, const Table *data, int64_t row, double x, double y,
                         const Scale *sy)
{
  const double below = scale_at(sy, table_real(data, row, "value_centred"));
  if (is_centred(data, row) || !isfinite(below)) return;
  svg_line(svg, x, y, x, below, (Look){.line = INK_QUIET, .width = 1.2});
  svg_mark(svg, 1, x, below, 4, (Look){.fill = INK_PAPER, .line = INK_MODEL, .width = 1.5});
}

/* Mark with its interval, a ring where no model beats it, and a tick where chance is. */
static void draw_point(Svg *svg, const Report *report, const Table *data, int64_t row, double x,
                       const Scale *sy)
{
  const double low = table_real(data, row, "low"), high = table_real(data, row, "high"),
               value = table_real(data, row, "value"), chance = table_real(data, row, "chance"),
               y = scale_at(sy, value);
  const int64_t model = model_index(report, table_cell(data, row, "model"));
  const char *note = table_cell(data, row, "note"), *by = table_cell(data, row, "beaten_by");
  Text words = {0};
  text_add(&words, "%s: stability ", table_cell(data, row, "model")), text_fixed(&words, value, 3);
  text_add(&words, ", r\xc2\xb2 "), text_fixed(&words, table_real(data, row, "r2"), 3);
  text_add(&words, ", l0 "), text_fixed(&words, table_real(data, row, "l0"), 1);
  text_add(&words, *by ? "; beaten by %s" : "; beaten by none", by);
  if (!is_centred(data, row)) {
    text_add(&words, "; of centred atoms ");
    text_fixed(&words, table_real(data, row, "value_centred"), 3);
  }
  if (*note) text_add(&words, "; %s", note);
  svg_begin(svg, words.s);
  text_clear(&words);
  if (isfinite(chance))
    svg_line(svg, x - 6, scale_at(sy, chance), x + 6, scale_at(sy, chance),
             chance_look(KEY_TOKENS));
  if (isfinite(low) && isfinite(high))
    svg_line(svg, x, scale_at(sy, low), x, scale_at(sy, high),
             (Look){.line = model_ink(model), .width = 2});
  draw_centred(svg, data, row, x, y, sy);
  if (!*by) svg_circle(svg, x, y, 9.5, (Look){.line = INK_WORDS, .width = 1.3});
  draw_mark(svg, x, y, model);
  if (*note)
    svg_words(svg, x + 11, y - 6, (Type){.size = 12, .bold = true, .ink = INK_CHANCE}, "!");
  svg_end(svg);
}

/* One plot of stability over a column; gives the marks' places for the tags. */
static void draw_plot(Svg *svg, const Report *report, const Table *data, const char *column,
                      Scale *sx, const Scale *sy, const char *title, Tag *tag)
{
  draw_axis_x(svg, sx, sy->to, sy->from, 6, title);
  draw_axis_y(svg, sy, sx->from, sx->to, 8);
  for (int64_t i = 0; i < data->rows; i++) {
    const double x = scale_at(sx, table_real(data, i, column));
    draw_point(svg, report, data, i, x, sy);
    tag[i] = (Tag){model_index(report, table_cell(data, i, "model")), x,
                   scale_at(sy, table_real(data, i, "value")), 0};
  }
}

static double draw_legend(Svg *svg, const Table *data)
{
  bool offset = false;
  for (int64_t i = 0; i < data->rows; i++) offset |= !is_centred(data, i);
  const double second = svg_wide(svg) ? 250 : 0, y = svg_wide(svg) ? 14 : 34;
  svg_circle(svg, 10, 10, 8, (Look){.line = INK_WORDS, .width = 1.3});
  svg_words(svg, 26, 14, (Type){.size = 12, .ink = INK_QUIET}, "beaten by no model in all three");
  svg_line(svg, second + 2, y - 4, second + 16, y - 4, chance_look(KEY_TOKENS));
  svg_words(svg, second + 26, y, (Type){.size = 12, .ink = INK_QUIET},
            "the highest kind of chance");
  svg_words(svg, svg_wide(svg) ? 500 : 4, svg_wide(svg) ? 14 : 54,
            (Type){.size = 12, .bold = true, .ink = INK_CHANCE}, "!");
  svg_words(svg, svg_wide(svg) ? 512 : 26, svg_wide(svg) ? 14 : 54,
            (Type){.size = 12, .ink = INK_QUIET}, "a warning, told in the table");
  if (!offset) return svg_wide(svg) ? 46 : 86;
  const double below = svg_wide(svg) ? 34 : 74;
  svg_mark(svg, 1, 8, below - 4, 4, (Look){.fill = INK_PAPER, .line = INK_MODEL, .width = 1.5});
  svg_words(svg, 26, below, (Type){.size = 12, .ink = INK_QUIET, .room = svg->width - 26},
            "the same of centred atoms, of models whose tokens were not centred");
  return below + 32;
}

static PetscErrorCode Draw(const Report *report, const Table *data, Svg *svg)
{
  const bool wide = svg_wide(svg);
  double low = 0, high = 1, r = NAN, R = NAN, l = NAN, L = NAN, top = draw_legend(svg, data);
  Tag *tag;

  PetscFunctionBegin;
  spread(data, "value", &low, &high);
  spread(data, "r2", &r, &R);
  spread(data, "l0", &l, &L);
  PetscCall(PetscMalloc1((size_t)data->rows + 1, &tag));
  const double right = wide ? svg->width - 190 : svg->width - 8, gap = 56,
               width = wide ? (right - 44 - gap) / 2 : right - 44,
               height = wide ? fmax(320, 19 * (double)data->rows) : 250;
  Scale sy = scale_around(low, high, false, top + height, top),
        sx = scale_around(r, R, false, 44, 44 + width);
  svg_print(svg, 0, top - 12, (Type){.size = 12, .room = svg->width},
            "stability: mean cosine of matched atoms (%s)", primary_centring);
  draw_plot(svg, report, data, "r2", &sx, &sy, "r\xc2\xb2 on held-out tokens", tag);
  const double next = wide ? top : top + height + 66;
  sy.from = next + height, sy.to = next;
  sx = scale_around(l, L, l > 0 && L > 4 * l, wide ? 44 + width + gap : 44, right);
  draw_plot(svg, report, data, "l0", &sx, &sy,
            sx.log ? "l0: active atoms for each token (log scale)"
                   : "l0: active atoms for each token",
            tag);
  svg->height = next + height + 46;
  draw_tags(svg, report, data->rows, tag, right, next, next + height);
  PetscCall(PetscFree(tag));
  PetscFunctionReturn(PETSC_SUCCESS);
}

const Figure figure_frontier = {
    .entry = {"frontier", "stability, fidelity and sparsity together"},
    .place = 4,
    .heading = "Which models give up least?",
    .words =
        "Each mark is one model: the mean of its runs. Up is more stable, to the right in the "
        "first plot explains more of the held-out tokens, to the left in the second uses fewer "
        "atoms for a token. The stroke through a mark is the 95 % interval of its stability, the "
        "short line below it the highest kind of chance for as many atoms. "
        "A ring marks the frontier: no other model is at least as stable, as faithful and as "
        "sparse, and better in one of them. Raw atoms of models whose tokens were not centred "
        "share "
        "an offset, and look alike for it: they have a square at the stability of centred atoms, "
        "and are compared with others by that. A dictionary that is stable and explains nothing, "
        "or "
        "lies at chance, stands on the frontier too: read the three together.",
    .tabulate = Tabulate,
    .draw = Draw,
    .nothing = "No model has a stability, r2 and l0.",
};
