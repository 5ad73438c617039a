/* Fidelity against sparsity: one mark for each run. */
#include "report/chart.h"
#include "report/figure.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

static PetscErrorCode Tabulate(const Report *report, Table **data, Table **shown)
{
  const Table *runs = report->runs;

  PetscFunctionBegin;
  *shown = NULL;
  PetscCall(TableCreate("model,run,l0,r2,dead", data));
  for (int64_t i = 0; i < runs->rows; i++) {
    if (!isfinite(table_real(runs, i, "r2")) || !isfinite(table_real(runs, i, "l0"))) continue;
    PetscCall(TableAddRow(*data));
    for (int c = 0; c < (*data)->columns; c++)
      table_text(*data, (*data)->names[c], table_cell(runs, i, (*data)->names[c]));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static int64_t collect_tags(const Report *report, const Table *data, const Scale *sx,
                            const Scale *sy, Tag *tag)
{
  int64_t count = 0;
  for (int64_t m = 0; m < report->models->rows; m++) {
    double x = 0, y = 0, n = 0;
    for (int64_t i = 0; i < data->rows; i++)
      if (model_index(report, table_cell(data, i, "model")) == m)
        x += scale_at(sx, table_real(data, i, "l0")), y += scale_at(sy, table_real(data, i, "r2")),
            n++;
    if (n > 0) tag[count++] = (Tag){m, x / n, y / n, 0};
  }
  return count;
}

enum { STRIP = 30 }; /* height of the strip that stands for everything below the axis */

/* Where answering with the mean token would be: on the plot, or in a strip below it. */
static void draw_mean_token(Svg *svg, const Scale *sx, const Scale *sy, double bottom)
{
  const bool inside = bottom == sy->from;
  const double y = inside ? scale_at(sy, 0) : bottom - 8;
  if (!inside)
    svg_rect(svg, sx->from, bottom - STRIP + 6, sx->to - sx->from, STRIP - 6, 0,
             (Look){.fill = INK_BAND});
  svg_line(svg, sx->from, y, sx->to, y, chance_look(KEY_MEAN));
  svg_words(svg, sx->from + 8, y - 4,
            (Type){.size = 11.5, .ink = INK_CHANCE, .room = sx->to - sx->from - 12},
            "chance: the mean token alone, r\xc2\xb2 = 0");
  if (!inside)
    svg_words(svg, sx->from - 7, y + 4, (Type){.size = 11.5, .ink = INK_CHANCE, .anchor = 'e'},
              "0");
}

static PetscErrorCode Draw(const Report *report, const Table *data, Svg *svg)
{
  const bool wide = svg_wide(svg);
  double low = NAN, high = NAN, l0 = NAN, h0 = NAN;
  Tag *tag;

  PetscFunctionBegin;
  spread(data, "r2", &low, &high);
  spread(data, "l0", &l0, &h0);
  if (low < 0.3 * high) low = fmin(low, 0);
  const double right = wide ? svg->width - 200 : svg->width - 8, top = 26,
               height = fmax(wide ? 380 : 290, wide ? 19 * (double)report->models->rows : 0),
               bottom = top + height;
  const Scale sx = scale_around(l0, h0, l0 > 0 && h0 > 4 * l0, 52, right),
              sy = scale_around(low, high, false, low > 0 ? bottom - STRIP : bottom, top);
  svg_words(svg, 0, 12, (Type){.size = 12}, "r\xc2\xb2 on held-out tokens (1 is perfect)");
  svg->height = bottom + 46;
  draw_axis_x(svg, &sx, top, bottom, wide ? 12 : 6,
              sx.log ? "l0: active atoms for each token (log scale)"
                     : "l0: active atoms for each token");
  draw_axis_y(svg, &sy, sx.from, sx.to, 8);
  draw_mean_token(svg, &sx, &sy, bottom);
  for (int64_t i = 0; i < data->rows; i++) {
    Text words = {0};
    text_add(&words, "%s, run %s: r\xc2\xb2 ", table_cell(data, i, "model"),
             table_cell(data, i, "run"));
    text_fixed(&words, table_real(data, i, "r2"), 4), text_add(&words, ", l0 ");
    text_fixed(&words, table_real(data, i, "l0"), 2);
    svg_begin(svg, words.s);
    draw_mark(svg, scale_at(&sx, table_real(data, i, "l0")),
              scale_at(&sy, table_real(data, i, "r2")),
              model_index(report, table_cell(data, i, "model")));
    svg_end(svg);
    text_clear(&words);
  }
  PetscCall(PetscMalloc1((size_t)report->models->rows + 1, &tag));
  draw_tags(svg, report, collect_tags(report, data, &sx, &sy, tag), tag, sx.to, top, bottom);
  PetscCall(PetscFree(tag));
  PetscFunctionReturn(PETSC_SUCCESS);
}

const Figure figure_fidelity = {
    .entry = {"fidelity", "fidelity against sparsity"},
    .place = 5,
    .heading = "What does the stability cost?",
    .words = "Each mark is one run. Upwards is better: r\xc2\xb2 is the share of the held-out "
             "tokens\xe2\x80\x99 variance that the dictionary "
             "explains; 1 is perfect, and 0 is what the mean token alone explains. To the left is "
             "sparser: l0 is the mean number of "
             "atoms that are active for a token. Compare models at the same l0, since more active "
             "atoms always "
             "explain more."
             "\nThe axis need not begin at 0: the dashed line says where chance is, in a strip of "
             "its own where the axis begins above it.",
    .tabulate = Tabulate,
    .draw = Draw,
    .nothing = "No run has both r2 and l0 on held-out tokens.",
};
