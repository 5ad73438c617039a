/* Learning curves: a small panel for each model, a line for each run. */
#include "report/chart.h"
#include "report/figure.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* One row for each run, for the page; the points are in the CSV. */
static PetscErrorCode Summarise(const Table *data, Table **shown)
{
  PetscFunctionBegin;
  PetscCall(TableCreate(
      "model,run,points,first step,loss there,last step,loss at the end,least loss", shown));
  for (int64_t i = 0, end; i < data->rows; i = end) {
    double least = NAN;
    for (end = i;
         end < data->rows && !strcmp(table_cell(data, end, "run"), table_cell(data, i, "run"));
         end++)
      least = fmin(least, table_real(data, end, "loss"));
    PetscCall(TableAddRow(*shown));
    table_text(*shown, "model", table_cell(data, i, "model"));
    table_text(*shown, "run", table_cell(data, i, "run"));
    table_integer(*shown, "points", end - i);
    table_text(*shown, "first step", table_cell(data, i, "step"));
    table_text(*shown, "loss there", table_cell(data, i, "loss"));
    table_text(*shown, "last step", table_cell(data, end - 1, "step"));
    table_text(*shown, "loss at the end", table_cell(data, end - 1, "loss"));
    table_number(*shown, "least loss", least);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Tabulate(const Report *report, Table **data, Table **shown)
{
  const Table *steps = report->steps;

  PetscFunctionBegin;
  PetscCall(TableCreate("model,run,step,tokens,loss,averaged,quantity", data));
  for (int64_t i = 0; i < steps->rows; i++) {
    if (!isfinite(table_real(steps, i, "loss"))) continue;
    PetscCall(TableAddRow(*data));
    for (int c = 0; c < (*data)->columns; c++)
      table_text(*data, (*data)->names[c], table_cell(steps, i, (*data)->names[c]));
  }
  PetscCall(Summarise(*data, shown));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What all panels share. */
typedef struct {
  const Report *report;
  const Table *data;
  Span *span;         /* [models] rows of data */
  const char *across; /* the column on the horizontal axis */
  int64_t stride;     /* every such point of a line is drawn, and the last */
} Panels;

enum { MOST_POINTS = 60000 };

/* Tokens seen where every log has them, else steps. */
static const char *across(const Table *data)
{
  for (int64_t i = 0; i < data->rows; i++)
    if (!isfinite(table_real(data, i, "tokens"))) return "step";
  return "tokens";
}

/* The loss of answering with the mean token: mse / (1 - r2), about the same for all runs of a
   model. An objective is no mean over tokens, so it has none. */
static double mean_token_loss(const Panels *panels, int64_t model)
{
  const Table *runs = panels->report->runs;
  const char *name = table_cell(panels->report->models, model, "model");
  if (!strcmp(table_cell(panels->data, panels->span[model].first, "quantity"), "objective"))
    return NAN;
  for (int64_t i = 0; i < runs->rows; i++) {
    const double mse = table_real(runs, i, "mse"), r2 = table_real(runs, i, "r2");
    if (!strcmp(table_cell(runs, i, "model"), name) && isfinite(mse) && r2 < 1)
      return mse / (1 - r2);
  }
  return NAN;
}

static const char *method_of(const Panels *panels, int64_t model)
{
  return table_cell(panels->report->models, model, "method");
}

/* Losses and steps of one method share axes: other methods minimise other things. */
static void shared_scales(const Panels *panels, int64_t model, Scale *sx, Scale *sy)
{
  double low = NAN, high = NAN, last = 0;
  for (int64_t m = 0; m < panels->report->models->rows; m++) {
    if (strcmp(method_of(panels, m), method_of(panels, model))) continue;
    for (int64_t i = panels->span[m].first; i < panels->span[m].end; i++) {
      const double loss = table_real(panels->data, i, "loss");
      low = fmin(low, loss), high = fmax(high, loss);
      last = fmax(last, table_real(panels->data, i, panels->across));
    }
    if (panels->span[m].end)
      low = fmin(low, mean_token_loss(panels, m)), high = fmax(high, mean_token_loss(panels, m));
  }
  *sy = scale_around(low, high, low > 0 && high > 4 * low, 0, 1);
  *sx = (Scale){.low = 0, .high = last > 0 ? last : 1};
}

static bool ended_well(const Report *report, const char *run)
{
  for (int64_t i = 0; i < report->runs->rows; i++)
    if (!strcmp(table_cell(report->runs, i, "run"), run))
      return !strcmp(table_cell(report->runs, i, "status"), "done");
  return false;
}

static PetscErrorCode DrawRun(const Panels *panels, int64_t first, int64_t end, const Scale *sx,
                              const Scale *sy, Svg *svg)
{
  const char *run = table_cell(panels->data, first, "run");
  int64_t count = 0;
  double *x, *y;

  PetscFunctionBegin;
  PetscCall(PetscMalloc2((size_t)(end - first), &x, (size_t)(end - first), &y));
  for (int64_t i = first; i < end; i++) {
    if ((i - first) % panels->stride && i < end - 1) continue;
    x[count] = scale_at(sx, table_real(panels->data, i, panels->across));
    y[count++] = scale_at(sy, table_real(panels->data, i, "loss"));
  }
  svg_begin(svg, run);
  svg_path(svg, count, x, y, (Look){.line = INK_MODEL, .width = 1.4, .opacity = 0.8});
  svg_circle(svg, x[0], y[0], 3.2, (Look){.fill = INK_PAPER, .line = INK_START, .width = 1.3});
  if (!ended_well(panels->report, run))
    svg_mark(svg, 5, x[count - 1], y[count - 1], 3.5, (Look){.fill = INK_CHANCE});
  svg_end(svg);
  PetscCall(PetscFree2(x, y));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Panel number index, on scales whose places are set here. */
static PetscErrorCode DrawPanel(const Panels *panels, int64_t model, int64_t index, double top,
                                Scale sx, Scale sy, Svg *svg)
{
  const Table *data = panels->data;
  const char *name = table_cell(panels->report->models, model, "model");
  const double mean = mean_token_loss(panels, model);

  PetscFunctionBegin;
  panel_frame(svg, panels->report, model, index, top, &sx, &sy);
  if (isfinite(mean))
    svg_line(svg, sx.from, scale_at(&sy, mean), sx.to, scale_at(&sy, mean), chance_look(KEY_MEAN));
  for (int64_t i = panels->span[model].first, end; i < panels->span[model].end; i = end) {
    const char *run = table_cell(data, i, "run");
    for (end = i + 1; end < data->rows && !strcmp(table_cell(data, end, "run"), run);) end++;
    if (!strcmp(table_cell(data, i, "model"), name))
      PetscCall(DrawRun(panels, i, end, &sx, &sy, svg));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Draw(const Report *report, const Table *data, Svg *svg)
{
  static const Key keys[] = {KEY_RUN, KEY_FIRST, KEY_MEAN, KEY_FAILED};
  const double top = draw_keys(svg, 0, 4, keys) + 8;
  Panels panels = {report, data, NULL, across(data), 1 + data->rows / MOST_POINTS};
  Scale sx = {0}, sy = {0};
  int64_t panel = 0, before = -1;

  PetscFunctionBegin;
  PetscCall(ModelSpans(report, data, &panels.span));
  for (int64_t m = 0; m < report->models->rows; m++) {
    if (!panels.span[m].end) continue;
    if (before < 0 || strcmp(method_of(&panels, m), method_of(&panels, before)))
      shared_scales(&panels, m, &sx, &sy);
    PetscCall(DrawPanel(&panels, m, panel++, top, sx, sy, svg));
    before = m;
  }
  const double bottom = panels_bottom(svg, panel, top);
  svg_words(svg, svg->width / 2, bottom + 2, (Type){.size = 12, .anchor = 'm', .room = svg->width},
            !strcmp(panels.across, "step")
                ? "steps (across), loss on the training batches (up)"
                : "tokens seen (across), loss on the training batches (up)");
  svg->height = bottom + 12;
  free(panels.span);
  PetscFunctionReturn(PETSC_SUCCESS);
}

const Figure figure_learning = {
    .entry = {"learning", "learning curves"},
    .place = 11,
    .heading = "Did every run finish learning?",
    .words =
        "Each line is one run: its loss on the training batches over the steps it has done. "
        "Long logs are averaged over equal stretches of steps, so that a line has at most 240 "
        "points. "
        "The dashed line is the loss of answering every token with the mean token.\n"
        "The loss is the squared error for each dimension, in units of the normalised tokens, plus "
        "the "
        "model\xe2\x80\x99s own penalties: models with a penalty lie higher for that reason alone. "
        "k-means shows its "
        "objective instead, the sum of squared distances. Models of one method share both axes.",
    .tabulate = Tabulate,
    .draw = Draw,
    .nothing = "No log of a run holds a step with a finite loss.",
};
