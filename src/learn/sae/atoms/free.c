/* Atoms are free rows, of length 1 or of at most 1. */
#include "learn/rows.h"

typedef struct {
  RowsParams rows;
  int norm;
} Free;

enum { UNIT, BALL };
static const char *const norm_words[] = {"unit", "ball", NULL};

static const Param params[] = {
    ROWS_PARAMS(RowsParams),
    {"norm", PARAM_WORD, offsetof(Free, norm), "unit", .doc = "rows of length 1, or of at most 1",
     .words = norm_words, .quiet = true},
    {0},
};

static bool in_ball(const SAE *sae)
{
  return ((const Free *)sae->params.atoms.params)->norm == BALL;
}

static double pull_back_row(SAE *sae, int64_t j)
{
  return in_ball(sae) ? sae->kernels->square64(sae->d, sae->G + j * sae->d) : rows_tangent(sae, j);
}

static void project(SAE *sae, const Tensor *t, int64_t row, int64_t rows, const float *previous)
{
  const int64_t d = sae->d;
  if (t != tensor_named(sae, "atoms")) return;
  if (!in_ball(sae)) {
    rows_unit(sae, t, row, rows, previous);
    return;
  }
  for (int64_t j = row; j < row + rows; j++)
    if (sae->kernels->square64(d, t->p + j * d) > 1) sae->kernels->unit(d, t->p + j * d);
}

const SAEAtoms sae_atoms_free = {
    .entry = {"free", "unit rows, learned freely", NULL, params, sizeof(Free)},
    .tensors = rows_tensors,
    .start = RowsStart,
    .form = rows_form,
    .pull_back = RowsPullBack,
    .pull_back_row = pull_back_row,
    .project = project,
    .replace = rows_replace,
};
