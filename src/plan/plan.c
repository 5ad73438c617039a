/* plan.csv. */
#include "plan/experiment.h"
#include <string.h>

/* A column for each setting; for one that is left out at its default only if some run sets it. */
static PetscErrorCode SettingColumns(const Experiment *experiment, Table *plan)
{
  PetscFunctionBegin;
  for (int64_t i = 0; i < experiment->runs; i++) {
    const Settings *settings = &experiment->run[i].settings;
    for (int64_t s = 0; s < settings->count; s++)
      if (!settings->items[s].quiet && table_column(plan, settings->items[s].path) < 0)
        PetscCall(TableAddColumn(plan, settings->items[s].path));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode PlanTable(const Experiment *experiment, Table **plan)
{
  Text columns = {0};
  unsigned drawn = 0;

  PetscFunctionBegin;
  for (int64_t i = 0; i < experiment->runs; i++) drawn |= seeds_drawn(experiment->run[i].seed);
  text_add(&columns, "run,model,");
  seed_columns(drawn, &columns);
  text_add(&columns, ",anchors,method,width");
  PetscCall(TableCreate(columns.s, plan));
  text_clear(&columns);
  PetscCall(SettingColumns(experiment, *plan));
  for (int64_t i = 0; i < experiment->runs; i++) {
    const Run *run = &experiment->run[i];
    PetscCall(TableAddRow(*plan));
    table_text(*plan, "run", run->id ? run->id : "");
    table_text(*plan, "model", run->model);
    table_seeds(*plan, run->seed);
    if (run->anchors >= 0 && experiment->anchors[run->anchors].id)
      table_text(*plan, "anchors", experiment->anchors[run->anchors].id);
    for (int64_t s = 0; s < run->settings.count; s++) {
      const char *path = run->settings.items[s].path;
      if (table_column(*plan, path) >= 0) table_text(*plan, path, run->settings.items[s].value);
    }
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}
