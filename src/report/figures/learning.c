/* Learning curves: a small panel for each model, a line for each run. */
#include "report/chart.h"
#include "report/figure.h"
#include <math.h>
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
  PetscCall(TableCreate("model,run,step,tokens,loss,averaged", data));
  for (int64_t i = 0; i < steps->rows; i++) {
    if (!isfinite(table_real(steps, i, "loss"))) continue;
    PetscCall(TableAddRow(*data));
    for (int c = 0; c < (*data)->columns; c++)
      table_text(*data, (*data)->names[c], table_cell(steps, i, (*data)->names[c]));
  }
  PetscCall(Summarise(*data, shown));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The loss of answering with the mean token: mse / (1 - r2), about the same for all runs of a
 * model. */
static double mean_token_loss(const Report *report, const char *model)
{
  for (int64_t i = 0; i < report->runs->rows; i++) {
    const double mse = table_real(report->runs, i, "mse"), r2 = table_real(report->runs, i, "r2");
    if (!strcmp(table_cell(report->runs, i, "model"), model) && isfinite(mse) && r2 < 1)
      return mse / (1 - r2);
  }
  return NAN;
}

static const char *method_of(const Report *report, int64_t model)
{
  return table_cell(report->models, model, "method");
}

/* Losses of one method share an axis: other methods minimise other things. */
static Scale loss_scale(const Report *report, const Table *data, int64_t model, double from,
                        double to)
{
  double low = NAN, high = NAN;
  for (int64_t i = 0; i < data->rows; i++) {
    const int64_t other = model_index(report, table_cell(data, i, "model"));
    if (other < 0 || strcmp(method_of(report, other), method_of(report, model))) continue;
    const double loss = table_real(data, i, "loss");
    const double mean = mean_token_loss(report, table_cell(data, i, "model"));
    low = fmin(low, fmin(loss, mean)), high = fmax(high, fmax(loss, mean));
  }
  return scale_around(low, high, low > 0 && high > 4 * low, from, to);
}

static bool ended_well(const Report *report, const char *run)
{
  for (int64_t i = 0; i < report->runs->rows; i++)
    if (!strcmp(table_cell(report->runs, i, "run"), run))
      return !strcmp(table_cell(report->runs, i, "status"), "done");
  return false;
}

static PetscErrorCode DrawRun(const Report *report, const Table *data, int64_t first, int64_t count,
                              const Scale *sx, const Scale *sy, Svg *svg)
{
  double *x, *y;

  PetscFunctionBegin;
  PetscCall(PetscMalloc2((size_t)count, &x, (size_t)count, &y));
  for (int64_t i = 0; i < count; i++) {
    x[i] = scale_at(sx, table_real(data, first + i, "tokens"));
    y[i] = scale_at(sy, table_real(data, first + i, "loss"));
  }
  svg_begin(svg, table_cell(data, first, "run"));
  svg_path(svg, count, x, y, (Look){.line = INK_MODEL, .width = 1.4, .opacity = 0.8});
  svg_circle(svg, x[0], y[0], 3.2, (Look){.fill = INK_PAPER, .line = INK_START, .width = 1.3});
  if (!ended_well(report, table_cell(data, first, "run")))
    svg_mark(svg, 5, x[count - 1], y[count - 1], 3.5, (Look){.fill = INK_CHANCE});
  svg_end(svg);
  PetscCall(PetscFree2(x, y));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DrawPanel(const Report *report, const Table *data, int64_t model,
                                double tokens, double left, double top, double width, double height,
                                Svg *svg)
{
  const char *name = table_cell(report->models, model, "model");
  const double mean = mean_token_loss(report, name);
  Scale sx = scale_around(0, tokens, false, left + 40, left + width - 8);
  const Scale sy = loss_scale(report, data, model, top + height, top + 24);

  PetscFunctionBegin;
  sx.high = tokens > 0 ? tokens : 1;
  svg_words(svg, left + 40, top + 12, (Type){.size = 13, .bold = true, .room = width - 48}, name);
  draw_axis_x(svg, &sx, top + height, top + height, 4, NULL);
  draw_axis_y(svg, &sy, sx.from, sx.to, 5);
  if (isfinite(mean))
    svg_line(svg, sx.from, scale_at(&sy, mean), sx.to, scale_at(&sy, mean), chance_look(KEY_MEAN));
  for (int64_t i = 0, end; i < data->rows; i = end) {
    for (end = i + 1;
         end < data->rows && !strcmp(table_cell(data, end, "run"), table_cell(data, i, "run"));)
      end++;
    if (!strcmp(table_cell(data, i, "model"), name))
      PetscCall(DrawRun(report, data, i, end - i, &sx, &sy, svg));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static bool has_points(const Table *data, const char *model)
{
  for (int64_t i = 0; i < data->rows; i++)
    if (!strcmp(table_cell(data, i, "model"), model)) return true;
  return false;
}

static PetscErrorCode Draw(const Report *report, const Table *data, Svg *svg)
{
  static const Key keys[] = {KEY_RUN, KEY_FIRST, KEY_MEAN, KEY_FAILED};
  const int columns = svg_wide(svg) ? 3 : 1;
  const double gap = 24, width = (svg->width - gap * (columns - 1)) / columns,
               height = svg_wide(svg) ? 160 : 150;
  const double top = draw_keys(svg, 0, 4, keys) + 8;
  double low = NAN, tokens = NAN;
  int64_t panel = 0;

  PetscFunctionBegin;
  spread(data, "tokens", &low, &tokens);
  for (int64_t m = 0; m < report->models->rows; m++) {
    if (!has_points(data, table_cell(report->models, m, "model"))) continue;
    PetscCall(DrawPanel(report, data, m, tokens, (double)(panel % columns) * (width + gap),
                        top + (double)(panel / columns) * (height + 48), width, height, svg));
    panel++;
  }
  const double bottom = top + (double)((panel + columns - 1) / columns) * (height + 48);
  svg_words(svg, svg->width / 2, bottom + 2, (Type){.size = 12, .anchor = 'm', .room = svg->width},
            svg_wide(svg) ? "tokens seen (across), loss on the training batches (up)"
                          : "tokens seen (across), training loss (up)");
  svg->height = bottom + 12;
  PetscFunctionReturn(PETSC_SUCCESS);
}

const Figure figure_learning = {
    .entry = {"learning", "learning curves"},
    .place = 4,
    .heading = "Did every run finish learning?",
    .words = "Each line is one run: its loss on the training batches, over the tokens it has seen "
             "(a token counts each time it is seen). "
             "Long logs are averaged over equal stretches of steps, so that a line has at most 240 "
             "points. The dashed line is the loss of answering every token with the mean token. "
             "The loss is the squared error for each dimension, in units of the normalised tokens, "
             "plus the model\xe2\x80\x99s own penalties: models with a penalty lie higher for that "
             "reason alone. "
             "Models of one method share the vertical axis.",
    .tabulate = Tabulate,
    .draw = Draw,
    .nothing = "No log of a run holds a step with a finite loss.",
};
