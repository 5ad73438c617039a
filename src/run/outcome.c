/* Which stages of a run's folder are done: stages.csv. */
#include "base/file.h"
#include "run/work.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const run_status_words[] = {"pending", "done", "failed", "stopped", NULL};

/* The table, or an empty one where there is none or it is broken: the stage is then done again. */
static PetscErrorCode Load(const char *folder, Table **table, char **path)
{
  Mistakes *ignored;

  PetscFunctionBegin;
  *path = path_join(folder, "stages.csv");
  *table = NULL;
  PetscCall(MistakesCreate(&ignored));
  if (file_exists(*path)) PetscCall(TableRead(*path, ignored, table));
  if (!*table) PetscCall(TableCreate("stage,inputs,status,reason", table));
  PetscCall(MistakesDestroy(&ignored));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode OutcomeRead(const char *folder, const char *stage, const char *inputs,
                           Outcome *outcome)
{
  Table *table;
  char *path;

  PetscFunctionBegin;
  *outcome = (Outcome){RUN_PENDING, ""};
  PetscCall(Load(folder, &table, &path));
  for (int64_t r = 0; r < table->rows; r++) {
    if (strcmp(table_cell(table, r, "stage"), stage) ||
        (inputs && strcmp(table_cell(table, r, "inputs"), inputs)))
      continue;
    for (int s = RUN_DONE; s <= RUN_STOPPED; s++)
      if (!strcmp(table_cell(table, r, "status"), run_status_words[s]))
        outcome->status = (RunStatus)s;
    snprintf(outcome->reason, sizeof(outcome->reason), "%s", table_cell(table, r, "reason"));
  }
  PetscCall(TableDestroy(&table));
  free(path);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode OutcomeWrite(const char *folder, const char *stage, const char *inputs,
                            const Outcome *outcome)
{
  Table *old, *table;
  char *path;

  PetscFunctionBegin;
  PetscCall(Load(folder, &old, &path));
  PetscCall(TableCreate("stage,inputs,status,reason", &table));
  for (int64_t r = 0; r <= old->rows; r++) {
    const bool last = r == old->rows;
    if (!last && !strcmp(table_cell(old, r, "stage"), stage)) continue;
    PetscCall(TableAddRow(table));
    table_text(table, "stage", last ? stage : table_cell(old, r, "stage"));
    table_text(table, "inputs", last ? inputs : table_cell(old, r, "inputs"));
    table_text(table, "status",
               last ? run_status_words[outcome->status] : table_cell(old, r, "status"));
    table_text(table, "reason", last ? outcome->reason : table_cell(old, r, "reason"));
  }
  PetscCall(TableWrite(table, path));
  PetscCall(TableDestroy(&old));
  PetscCall(TableDestroy(&table));
  free(path);
  PetscFunctionReturn(PETSC_SUCCESS);
}
