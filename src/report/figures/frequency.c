/* Whether atoms that fire often come back more often: a small panel for each model. */
#include "report/chart.h"
#include "report/figure.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

static PetscErrorCode Tabulate(const Report *report, Table **data, Table **shown)
{
  PetscFunctionBegin;
  *shown = NULL;
  PetscCall(TableCopy(report->frequency, data));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Share found again over frequency, its marks as large as the number of atoms; the mean cosine as a
   dashed line. */
static void draw_curve(Svg *svg, const Table *data, Span span, const Scale *sx, const Scale *sy)
{
  const size_t n = (size_t)(span.end - span.first);
  double *x = calloc(3 * n + 1, sizeof(*x)), *y = x + n, *z = y + n, most = 1;
  if (!x) abort();
  for (int64_t i = span.first; i < span.end; i++) most = fmax(most, table_real(data, i, "atoms"));
  for (size_t i = 0; i < n; i++) {
    const int64_t row = span.first + (int64_t)i;
    x[i] = scale_at(sx, sqrt(table_real(data, row, "low") * table_real(data, row, "high")));
    y[i] = scale_at(sy, table_real(data, row, "found"));
    z[i] = scale_at(sy, table_real(data, row, "cosine"));
  }
  svg_path(svg, (int64_t)n, x, z, (Look){.line = INK_QUIET, .width = 1.3, .dash = "3 3"});
  svg_path(svg, (int64_t)n, x, y, (Look){.line = INK_MODEL, .width = 1.5});
  for (size_t i = 0; i < n; i++) {
    const int64_t row = span.first + (int64_t)i;
    Text words = {0};
    text_short(&words, table_real(data, row, "atoms")), text_add(&words, " atoms that fire on ");
    text_short(&words, table_real(data, row, "low")), text_add(&words, " to ");
    text_short(&words, table_real(data, row, "high") - 1);
    text_add(&words, " tokens: found in "),
        text_fixed(&words, 100 * table_real(data, row, "found"), 1);
    text_add(&words, " %% of the other runs, mean cosine ");
    text_fixed(&words, table_real(data, row, "cosine"), 3);
    svg_begin(svg, words.s);
    svg_circle(svg, x[i], y[i], 1.5 + 6 * sqrt(table_real(data, row, "atoms") / most),
               (Look){.fill = INK_MODEL, .opacity = 0.7});
    svg_end(svg);
    text_clear(&words);
  }
  free(x);
}

static PetscErrorCode Draw(const Report *report, const Table *data, Svg *svg)
{
  double low = NAN, high = NAN, top = 32;
  int64_t panel = 0;
  Span *span;

  PetscFunctionBegin;
  svg_circle(svg, 8, 10, 6, (Look){.fill = INK_MODEL, .opacity = 0.7});
  svg_words(svg, 22, 14, (Type){.size = 12, .ink = INK_QUIET, .room = svg->width - 22},
            "share of the other runs where they are found; area: number of atoms");
  svg_line(svg, 0, 32, 22, 32, (Look){.line = INK_QUIET, .width = 1.3, .dash = "3 3"});
  svg_words(svg, 29, 36, (Type){.size = 12, .ink = INK_QUIET, .room = svg->width - 29},
            "mean cosine with their partners");
  top += 22;
  spread(data, "low", &low, &high);
  spread(data, "high", &low, &high);
  PetscCall(ModelSpans(report, data, &span));
  for (int64_t m = 0; m < report->models->rows; m++) {
    Scale sx = scale_around(low, high, low > 0, 0, 1), sy = {0, 1, 0, 0, false};
    if (!span[m].end) continue;
    panel_frame(svg, report, m, panel++, top, &sx, &sy);
    draw_curve(svg, data, span[m], &sx, &sy);
  }
  const double bottom = panels_bottom(svg, panel, top);
  svg_words(svg, svg->width / 2, bottom + 2, (Type){.size = 12, .anchor = 'm', .room = svg->width},
            "tokens of the training sample on which an atom fires (across, log scale)");
  svg->height = bottom + 12;
  free(span);
  PetscFunctionReturn(PETSC_SUCCESS);
}

const Figure figure_frequency = {
    .entry = {"frequency", "stability against frequency"},
    .place = 8,
    .heading = "Do atoms that fire often come back more often?",
    .words = "Each panel is one model, all of its runs together. Atoms are counted by how many "
             "tokens of the training sample they fire on, in classes that double. The dots say in "
             "what share of the other runs such an atom is found (mutual best match, cosine at "
             "least t), the dashed line how like its partners it is on the average. "
             "Where rare atoms are not found again, their concepts need more tokens, or are "
             "accidents of the seed; where frequent ones are not, more tokens will not help.",
    .tabulate = Tabulate,
    .draw = Draw,
    .nothing = "No run has both atoms.csv and partners.csv.",
};
