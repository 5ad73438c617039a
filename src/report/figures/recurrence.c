/* In how many runs the atoms of a model are found: a small panel for each model. */
#include "report/chart.h"
#include "report/figure.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static PetscErrorCode Tabulate(const Report *report, Table **data, Table **shown)
{
  PetscFunctionBegin;
  *shown = NULL;
  PetscCall(TableCopy(report->recurrence, data));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Chance of each kind; KEY_RANDOM + i is the key of column i. */
static const char *const chances[] = {"chance", "chance_gaussian", "chance_tokens"};
enum { CHANCES = sizeof(chances) / sizeof(*chances) };

/* Bars of the share, and a line for each kind of chance. */
static void draw_curve(Svg *svg, const Table *data, Span span, const char *model, const Scale *sx,
                       const Scale *sy)
{
  const size_t most = (size_t)(span.end - span.first);
  const double step = scale_at(sx, 1) - scale_at(sx, 0), base = scale_at(sy, 0);
  double *x = calloc(2 * CHANCES * most + 1, sizeof(*x)), *y = x + CHANCES * most;
  size_t count[CHANCES] = {0};
  if (!x) abort();
  for (int64_t i = span.first; i < span.end; i++) {
    const double s = table_real(data, i, "s"), share = table_real(data, i, "share");
    if (strcmp(table_cell(data, i, "model"), model) || !isfinite(share)) continue;
    const double width = fmin(fmax(step * 0.72, 1), 24), at = scale_at(sx, s);
    Text words = {0};
    text_fixed(&words, 100 * share, 1);
    text_add(&words, " %% of the atoms in at least %.0f runs", s);
    for (int k = 0; k < CHANCES; k++) {
      static const char *const kind[] = {"random directions", "Gaussian", "random tokens"};
      const double chance = table_real(data, i, chances[k]);
      if (!isfinite(chance)) continue;
      text_add(&words, "; %s ", kind[k]), text_fixed(&words, 100 * chance, 1);
      text_add(&words, " %%");
      x[(size_t)k * most + count[k]] = at;
      y[(size_t)k * most + count[k]++] = scale_at(sy, chance);
    }
    svg_begin(svg, words.s);
    svg_rect(svg, at - width / 2, scale_at(sy, share), width, base - scale_at(sy, share), 0,
             (Look){.fill = INK_MODEL, .opacity = 0.75});
    svg_end(svg);
    text_clear(&words);
  }
  for (int k = 0; k < CHANCES; k++)
    if (count[k])
      svg_path(svg, (int64_t)count[k], x + (size_t)k * most, y + (size_t)k * most,
               chance_look((Key)(KEY_RANDOM + k)));
  free(x);
}

static PetscErrorCode Draw(const Report *report, const Table *data, Svg *svg)
{
  static const Key keys[] = {KEY_RANDOM, KEY_GAUSSIAN, KEY_TOKENS};
  const double top = draw_keys(svg, 0, CHANCES, keys) + 8;
  double least = 1, most = 2;
  int64_t panel = 0;
  Span *span;

  PetscFunctionBegin;
  spread(data, "s", &least, &most);
  PetscCall(ModelSpans(report, data, &span));
  for (int64_t m = 0; m < report->models->rows; m++) {
    const char *model = table_cell(report->models, m, "model");
    Scale sx = {0.4, most + 0.6, 0, 0, false}, sy = {0, 1, 0, 0, false};
    if (!span[m].end) continue;
    panel_frame(svg, report, m, panel++, top, &sx, &sy);
    draw_curve(svg, data, span[m], model, &sx, &sy);
  }
  const double bottom = panels_bottom(svg, panel, top);
  svg_words(svg, svg->width / 2, bottom + 2, (Type){.size = 12, .anchor = 'm', .room = svg->width},
            "s runs (across), share of the atoms found in at least s (up)");
  svg->height = bottom + 12;
  free(span);
  PetscFunctionReturn(PETSC_SUCCESS);
}

const Figure figure_recurrence = {
    .entry = {"recurrence", "share of the atoms found in at least s runs"},
    .place = 7,
    .heading = "How many of the atoms come back, and how often?",
    .words =
        "Each panel is one model. A bar says what share of its living atoms is found in at "
        "least s of the S runs, the atom\xe2\x80\x99s own run counted: the first bar is all "
        "of them, the last the atoms that every seed finds. Two atoms are the same where each "
        "is the other\xe2\x80\x99s best match and their cosine is at least the threshold t "
        "of the table. The lines are the same for as many dictionaries of unrelated atoms: random "
        "directions, Gaussian directions, random tokens. Only what lies above all three is "
        "more than chance. "
        "Many atoms in two runs and few in all are shared by luck of the pair; a level row of "
        "bars is a core that all runs have.",
    .tabulate = Tabulate,
    .draw = Draw,
    .nothing = "Recurrence needs at least two finished runs of a model whose atoms were compared.",
};
