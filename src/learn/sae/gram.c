/* Products of the atoms with each other, and the atoms in integers, for matching pursuit. */
#include "learn/pursue.h"
#include "base/array.h"
#include <math.h>
#include <string.h>

enum { ROWS = 96 }; /* of products, made together: a multiple of PACKED_ROWS */

bool gram_helps(int64_t m, double picks)
{
  return m <= GRAM_ATOMS && picks >= GRAM_PICKS;
}

double gram_chain_error(int64_t d)
{
  const double du = (double)d * 0x1p-24;
  return 1.01 * du / (1 - du);
}

PetscErrorCode GramCreate(const Kernels *kernels, Nodes *nodes, int64_t m, int64_t d, bool integer,
                          Gram **gram)
{
  Gram *g;

  PetscFunctionBegin;
  PetscCall(ArrayCreate(1, gram));
  g = *gram;
  *g = (Gram){.kernels = kernels, .nodes = nodes, .m = m, .d = d, .integer = integer};
  PetscCall(SharedCreate(nodes, m * m, &g->x));
  PetscCall(ArrayCreate(ROWS * m, &g->products));
  if (integer) PetscCall(RoundedCreate(nodes, m, d, &g->rows));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode GramDestroy(Gram **gram)
{
  PetscFunctionBegin;
  if (!*gram) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(SharedDestroy((*gram)->nodes, &(*gram)->x));
  PetscCall(ArrayDestroy(&(*gram)->products));
  if ((*gram)->integer) PetscCall(RoundedDestroy((*gram)->nodes, &(*gram)->rows));
  PetscCall(ArrayDestroy(gram));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Turns rows i .. i + n - 1 of the columns right of them to columns. */
static void mirror(int64_t m, int64_t i, int64_t n, int16_t *x)
{
  enum { TURN = 16 };
  for (int64_t c = i; c < m; c += TURN)
    for (int64_t r = i; r < i + n; r += TURN)
      for (int64_t a = c; a < min_i64(c + TURN, m); a++)
        for (int64_t b = r; b < min_i64(r + TURN, i + n); b++) x[a * m + b] = x[b * m + a];
}

/* The unit of the products, from the longest atom. */
static void set_unit(Gram *g, const float *E)
{
  double square = 0;
  for (int64_t j = 0; j < g->m; j++) {
    const double one = g->kernels->square64(g->d, E + j * g->d);
    square = one > square || isnan(one) ? one : square;
    if (isnan(square)) break;
  }
  g->longest = 1.0001 * sqrt(square);
  g->unit = (float)(g->longest * g->longest * (1 + gram_chain_error(g->d)) / 32000);
}

PetscErrorCode GramRenew(Gram *g, const float *E, const Packed *packed)
{
  const int64_t m = g->m, d = g->d;
  const int ranks = nodes_size(g->nodes), rank = nodes_rank(g->nodes);

  PetscFunctionBegin;
  set_unit(g, E);
  const float units = g->unit > 0 ? 1 / g->unit : 0;
  for (int64_t i = rank * ROWS; i < m; i += ranks * ROWS) {
    const Packed right = {.x = packed->x + i * d, .rows = m - i, .d = d};
    const int64_t n = min_i64(ROWS, m - i);
    g->kernels->scores(n, E + i * d, d, &right, NULL, g->products, m - i);
    for (int64_t r = 0; r < n; r++)
      g->kernels->round16(m - i, units, g->products + r * (m - i), g->x + (i + r) * m + i);
    mirror(m, i, n, g->x);
    if (g->integer) rounded_renew(g->kernels, i, n, E, &g->rows);
  }
  PetscCall(NodesBarrier(g->nodes));
  g->rest = 0;
  for (int64_t j = 0; j < m && g->integer; j++) g->rest = fmax(g->rest, (double)g->rows.rest[j]);
  PetscFunctionReturn(PETSC_SUCCESS);
}
