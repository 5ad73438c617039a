/* How stability grows while models learn: a small panel for each model. */
#include "report/chart.h"
#include "report/figure.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

static PetscErrorCode Tabulate(const Report *report, Table **data, Table **shown)
{
  PetscFunctionBegin;
  *shown = NULL;
  PetscCall(TableCopy(report->trajectory, data));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The points of one model and centring: band of the interval, line, dot at step 0. Steps are drawn
   at step + 1, so that 0 has a place on a log scale. */
static void draw_curve(Svg *svg, const Table *data, Span span, const char *model,
                       const char *centring, const Scale *sx, const Scale *sy)
{
  const size_t most = (size_t)(span.end - span.first);
  const bool raw = !strcmp(centring, "raw");
  double *x = calloc(4 * most + 1, sizeof(*x)), *y = x + most, *bx = y + most, *by;
  double *px = calloc(4 * most + 1, sizeof(*px)), *py = px + 2 * most;
  int64_t count = 0, band = 0;
  if (!x || !px) abort();
  by = bx + most;
  for (int64_t i = span.first; i < span.end; i++) {
    const double low = table_real(data, i, "low"), high = table_real(data, i, "high"),
                 value = table_real(data, i, "value");
    if (strcmp(table_cell(data, i, "model"), model) ||
        strcmp(table_cell(data, i, "centring"), centring) || !isfinite(value))
      continue;
    x[count] = scale_at(sx, table_real(data, i, "step") + 1), y[count++] = scale_at(sy, value);
    if (!isfinite(low) || !isfinite(high)) continue;
    px[band] = x[count - 1], py[band] = scale_at(sy, low);
    bx[band] = x[count - 1], by[band++] = scale_at(sy, high);
  }
  for (int64_t i = 0; i < band; i++) px[2 * band - 1 - i] = bx[i], py[2 * band - 1 - i] = by[i];
  if (band > 1 && raw) svg_path(svg, 2 * band, px, py, (Look){.fill = INK_MODEL, .opacity = 0.2});
  if (count) {
    svg_path(svg, count, x, y,
             (Look){.line = INK_MODEL, .width = raw ? 1.9 : 1.3, .dash = raw ? NULL : "3 3"});
    svg_circle(svg, x[0], y[0], 3.2, (Look){.fill = INK_PAPER, .line = INK_START, .width = 1.3});
  }
  free(x), free(px);
}

static void draw_nulls(Svg *svg, const Report *report, const char *model, const Scale *sx,
                       const Scale *sy)
{
  const int64_t row = measure_row(report->stability, model, primary_measure, "raw");
  for (int i = 0; i < NULLS; i++) {
    const double null = table_real(report->stability, row, null_columns[i]);
    if (!isfinite(null)) continue;
    const double y = scale_at(sy, null);
    svg_line(svg, sx->from, y, sx->to, y, chance_look((Key)(KEY_RANDOM + i)));
  }
}

static PetscErrorCode Draw(const Report *report, const Table *data, Svg *svg)
{
  static const Key keys[] = {KEY_BAND,     KEY_START,  KEY_RANDOM,
                             KEY_GAUSSIAN, KEY_TOKENS, KEY_SURROGATE};
  double least = NAN, most = NAN;
  spread(report->stability, null_columns[NULLS - 1], &least, &most);
  const double top = draw_keys(svg, 0, isfinite(most) ? 6 : 5, keys) + 8;
  double low = 0, high = 1, first = 0, last = 1;
  int64_t panel = 0;
  Span *span;

  PetscFunctionBegin;
  spread(data, "value", &low, &high);
  spread(data, "step", &first, &last);
  PetscCall(ModelSpans(report, data, &span));
  for (int64_t m = 0; m < report->models->rows; m++) {
    const char *model = table_cell(report->models, m, "model");
    Scale sx = scale_around(1, last + 1, true, 0, 1), sy = scale_around(low, high, false, 0, 1);
    if (!span[m].end) continue;
    panel_frame(svg, report, m, panel++, top, &sx, &sy);
    draw_nulls(svg, report, model, &sx, &sy);
    for (int c = 0; shown_centrings[c]; c++)
      draw_curve(svg, data, span[m], model, shown_centrings[c], &sx, &sy);
  }
  const double bottom = panels_bottom(svg, panel, top);
  svg_words(svg, svg->width / 2, bottom + 2, (Type){.size = 12, .anchor = 'm', .room = svg->width},
            "step + 1 (across, log scale), mean cosine of matched atoms (up)");
  svg->height = bottom + 12;
  free(span);
  PetscFunctionReturn(PETSC_SUCCESS);
}

const Figure figure_trajectory = {
    .entry = {"trajectory", "stability over training"},
    .place = 6,
    .heading = "When in training do the runs come together?",
    .words =
        "Each panel is one model: the mean cosine of matched atoms over all pairs of its runs, at "
        "the steps where snapshots were kept. The whole line is raw atoms with their 95 % "
        "interval, the dashed one centred atoms. "
        "The hollow dot is step 0. Horizontal lines are what chance gives with raw atoms. "
        "A line that starts high and stays level was inherited from the start; one that still "
        "rises at its end had not finished.",
    .tabulate = Tabulate,
    .draw = Draw,
    .nothing = "No snapshots were kept: `snapshots:` in the specification asks for them.",
};
