/* runs.csv and groups.csv from the tables of a few runs.
   RUN ranks=1 */
#include "../tap.h"
#include "measure/summary.h"

static PetscErrorCode Metrics(double held_out, double train, double dead, Table **table)
{
  const struct {
    const char *metric, *split, *setting;
    double value;
  } row[] = {{"r2", "held_out", "", held_out},
             {"r2", "train", "", train},
             {"density", "train", "q=0.5", .125},
             {"dead", "train", "", dead}};
  PetscFunctionBeginUser;
  PetscCall(TableCreate("metric,split,setting,value", table));
  for (int i = 0; i < 4; i++) {
    PetscCall(TableAddRow(*table));
    table_text(*table, "metric", row[i].metric);
    table_text(*table, "split", row[i].split);
    table_text(*table, "setting", row[i].setting);
    table_number(*table, "value", row[i].value);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Tests(void)
{
  Table *a, *b, *c, *runs, *groups;
  PetscFunctionBeginUser;
  PetscCall(Metrics(.5, .625, 0, &a));
  PetscCall(Metrics(.75, .875, .25, &b));
  PetscCall(Metrics(.25, .25, .5, &c));
  const RunSummary run[] = {{"r1", "topk", {1, 2, -1, -1}, "done", NULL, a},
                            {"r2", "topk", {3, 4, -1, -1}, "done", "steps", b},
                            {"r3", "topk", {5, 6, -1, -1}, "failed", "loss is not finite", NULL},
                            {"r4", "relu", {1, 2, 7, -1}, "done", "steps", c}};
  PetscCall(RunsTable(4, run, &runs));
  static const char *const columns[] = {"run",          "model",  "seed_init", "seed_data",
                                        "seed_anchors", "status", "reason",    "r2",
                                        "r2_train",     "dead"};
  OK(runs->columns == 10 && runs->rows == 4, "ten columns, a row for each run");
  for (int i = 0; i < 10 && i < runs->columns; i++)
    OK(!strcmp(runs->names[i], columns[i]), "column %d is %s", i, columns[i]);
  OK(!strcmp(table_cell(runs, 0, "seed_anchors"), "-") && table_real(runs, 3, "seed_anchors") == 7,
     "a seed that is not used");
  OK(table_real(runs, 1, "r2") == .75 && table_real(runs, 1, "r2_train") == .875 &&
         table_real(runs, 1, "dead") == .25,
     "values");
  OK(!*table_cell(runs, 2, "r2") && !strcmp(table_cell(runs, 2, "reason"), "loss is not finite"),
     "a failed run has a reason and no values");
  PetscCall(GroupsTable(4, run, &groups));
  OK(groups->rows == 6, "two models, r2 on two splits and dead on one");
  OK(!strcmp(table_cell(groups, 0, "metric"), "r2") &&
         !strcmp(table_cell(groups, 0, "split"), "held_out") && table_real(groups, 0, "runs") == 2,
     "held out comes first; the failed run does not count");
  NEAR(table_real(groups, 0, "mean"), .625, 0, "mean");
  NEAR(table_real(groups, 0, "sd"), .125 * sqrt(2.), 1e-16, "standard deviation");
  NEAR(table_real(groups, 0, "high"), .625 + 12.706204736174698 * .125, 1e-9, "t with 1 degree");
  NEAR(table_real(groups, 0, "low"), .625 - 12.706204736174698 * .125, 1e-9, "symmetric");
  OK(!strcmp(table_cell(groups, 5, "model"), "relu") && table_real(groups, 5, "mean") == .5 &&
         !*table_cell(groups, 5, "sd") && !*table_cell(groups, 5, "low"),
     "one run has a mean alone");
  PetscCall(TableDestroy(&groups));
  PetscCall(TableDestroy(&runs));
  PetscCall(TableDestroy(&c));
  PetscCall(TableDestroy(&b));
  PetscCall(TableDestroy(&a));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  TestBegin(&argc, &argv);
  RUN(Tests());
  return TestEnd();
}
