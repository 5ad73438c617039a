/* plan.csv. */
#include "plan/experiment.h"
#include <string.h>

static void put_seed(Table *plan, const char *column, int64_t seed)
{
  if (seed < 0)
    table_text(plan, column, "-");
  else
    table_integer(plan, column, seed);
}

PetscErrorCode PlanTable(const Experiment *experiment, Table **plan)
{
  PetscFunctionBegin;
  PetscCall(TableCreate("run,model,seed_init,seed_data,seed_anchors,anchors,method,width", plan));
  for (int64_t i = 0; i < experiment->runs; i++) {
    const Run *run = &experiment->run[i];
    PetscCall(TableAddRow(*plan));
    table_text(*plan, "run", run->id ? run->id : "");
    table_text(*plan, "model", run->model);
    put_seed(*plan, "seed_init", run->seed_init);
    put_seed(*plan, "seed_data", run->seed_data);
    put_seed(*plan, "seed_anchors", run->seed_anchors);
    if (run->anchors >= 0 && experiment->anchors[run->anchors].id)
      table_text(*plan, "anchors", experiment->anchors[run->anchors].id);
    for (int64_t s = 0; s < run->settings.count; s++) {
      const char *path = run->settings.items[s].path;
      if (run->settings.items[s].quiet) continue;
      if (table_column(*plan, path) < 0) PetscCall(TableAddColumn(*plan, path));
      table_text(*plan, path, run->settings.items[s].value);
    }
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}
