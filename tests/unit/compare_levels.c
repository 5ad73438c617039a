/* Models at matched levels: between grid points, inside both ranges only.
   RUN ranks=1 */
#include "compare/levels.h"
#include "../tap.h"
#include <stdlib.h>

static PetscErrorCode Point(Table *stability, Table *groups, const char *model, double l0,
                            double r2, double value)
{
  PetscFunctionBeginUser;
  for (int i = 0; i < 2; i++) {
    PetscCall(TableAddRow(stability));
    table_text(stability, "model", model);
    table_text(stability, "measure", "matched_cosine");
    table_text(stability, "centring", i ? "centred" : "raw");
    table_number(stability, "value", value + .5 * i);
    table_text(stability, "note",
               !strncmp(model, "relu", 4) ? "given these anchors"
               : value == .6              ? "given these anchors; weak: 3 runs"
                                          : "weak: 3 runs");
  }
  for (int i = 0; i < 4; i++) { /* only held-out means count */
    PetscCall(TableAddRow(groups));
    table_text(groups, "model", model);
    table_text(groups, "metric", i % 2 ? "r2" : "l0");
    table_text(groups, "split", i < 2 ? "train" : "held_out");
    table_number(groups, "mean", i < 2 ? 99 : i % 2 ? r2 : l0);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void check_row(const Table *t, int64_t r, const char *at, double level, double a, double b)
{
  OK(!strcmp(table_cell(t, r, "model_a"), "topk") && !strcmp(table_cell(t, r, "model_b"), "relu") &&
         !strcmp(table_cell(t, r, "at"), at) && table_real(t, r, "level") == level,
     "row %d is at %s %g", (int)r, at, level);
  NEAR(table_real(t, r, "value_a"), a, 1e-15, "the one");
  NEAR(table_real(t, r, "value_b"), b, 1e-15, "the other");
  NEAR(table_real(t, r, "difference"), a - b, 1e-15, "their difference");
}

static PetscErrorCode TestLevels(void)
{
  Table *stability, *groups, *t;
  PetscFunctionBeginUser;
  PetscCall(TableCreate("model,measure,centring,value,note", &stability));
  PetscCall(TableCreate("model,metric,split,mean", &groups));
  /* out of order; two points at l0 16 count as their mean, .5 */
  PetscCall(Point(stability, groups, "topk k=32", 32, .9, .3));
  PetscCall(Point(stability, groups, "topk k=8", 8, .5, .7));
  PetscCall(Point(stability, groups, "topk k=16", 16, .7, .6));
  PetscCall(Point(stability, groups, "topk k=16 lr=1", 16, .6, .4));
  PetscCall(Point(stability, groups, "relu l1=1", 12, .95, .8));
  PetscCall(Point(stability, groups, "relu l1=2", 20, .97, .6));
  PetscCall(
      Point(stability, groups, "topk-b", 1000, .1, .2)); /* another model, out of all ranges */
  PetscCall(Point(stability, groups, "dead", (double)NAN, .6, (double)NAN));
  /* nulls of grid points: neither points of theirs nor models */
  PetscCall(Point(stability, groups, "topk k=16 surrogate", 14, .1, .9));
  PetscCall(Point(stability, groups, "relu l1=1 surrogate", 16, .1, .1));
  PetscCall(LevelsTable(stability, groups, &t));
  OK(t->rows == 2 * 3, "12, 16 and 20 for l0, each raw and centred; no r2 in common: %d rows",
     (int)t->rows);
  check_row(t, 0, "l0", 12, .6, .8);
  check_row(t, 1, "l0", 16, .5, .7);
  check_row(t, 2, "l0", 20, .45, .6);
  check_row(t, 3, "l0", 12, 1.1, 1.3);
  OK(!strcmp(table_cell(t, 3, "centring"), "centred"), "centred ones after");
  OK(!strcmp(table_cell(t, 0, "note"),
             "a: weak: 3 runs; given these anchors; b: given these anchors"),
     "what is said of any point of a model, once: %s", table_cell(t, 0, "note"));
  PetscCall(TableDestroy(&t));
  PetscCall(TableDestroy(&groups));
  PetscCall(TableDestroy(&stability));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  TestBegin(&argc, &argv);
  RUN(TestLevels());
  return TestEnd();
}
