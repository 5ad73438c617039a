/* The other measures of stability, drawn as the main one. */
#include "report/chart.h"
#include "report/figure.h"
#include <string.h>

static PetscErrorCode Tabulate(const Report *report, Table **data, Table **shown)
{
  PetscFunctionBegin;
  *shown = NULL;
  PetscCall(TabulateStability(report, false, data));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Draw(const Report *report, const Table *data, Svg *svg)
{
  static const Key keys[] = {KEY_TRAINED, KEY_INTERVAL, KEY_PAIR,   KEY_START,
                             KEY_RANDOM,  KEY_GAUSSIAN, KEY_TOKENS, KEY_REACH};
  double y = draw_keys(svg, 0, 8, keys);

  PetscFunctionBegin;
  for (int64_t i = 0; i < data->rows; i++) {
    const char *measure = table_cell(data, i, "measure");
    bool first = true;
    for (int64_t j = 0; j < i && first; j++)
      first = strcmp(table_cell(data, j, "measure"), measure) != 0;
    if (!first) continue;
    PetscCall(DrawStability(report, data, measure, svg, &y));
    y += 16;
  }
  svg->height = y;
  PetscFunctionReturn(PETSC_SUCCESS);
}

const Figure figure_measures = {
    .entry = {"measures", "the other measures of stability"},
    .place = 2,
    .heading = "The same question, asked otherwise",
    .words = "Read as the picture above. The nearest atom of the other run may serve several "
             "atoms, so its cosine is never below "
             "that of the matching, and chance reaches higher, too. The share of matched pairs "
             "counts an atom as found again where its partner\xe2\x80\x99s "
             "cosine is .7 or more.",
    .tabulate = Tabulate,
    .draw = Draw,
    .nothing = "No other measure was computed, or no model has two finished runs.",
};
