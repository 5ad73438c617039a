/* A run folder's files as tables. */
#include "read.h"
#include "base/file.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static PetscErrorCode ReadTable(const char *dir, const char *name, const char *needs,
                                Mistakes *mistakes, Table **table)
{
  char *path = path_join(dir, name);

  PetscFunctionBegin;
  PetscCall(TableRead(path, mistakes, table));
  if (!*table) {
    PetscCall(TableCreate(needs, table));
  } else {
    Table *columns = NULL;
    PetscCall(TableCreate(needs, &columns));
    for (int c = 0; c < columns->columns; c++)
      if (table_column(*table, columns->names[c]) < 0)
        mistake(mistakes, path, 1, 0, "no column %s; write the file anew with this version",
                columns->names[c]);
    PetscCall(TableDestroy(&columns));
  }
  free(path);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The value of `name:` in the first column of a spec, or "" where it is not plain. */
static char *spec_name(const Text *spec)
{
  for (const char *line = spec->s; line && *line; line = strchr(line, '\n'), line += line != NULL) {
    if (strncmp(line, "name:", 5)) continue;
    const char *start = line + 5 + strspn(line + 5, " \t\"'");
    Text name = {0};
    text_append(&name, start, strcspn(start, "\"'\r\n#"));
    while (name.length && name.s[name.length - 1] == ' ') name.s[--name.length] = 0;
    return name.s;
  }
  return text_copy("");
}

static PetscErrorCode ReadSpec(Report *report, const char *dir)
{
  char *path = path_join(dir, "spec.yaml");
  bool found;

  PetscFunctionBegin;
  PetscCall(FileRead(path, &report->spec, &found));
  report->name = spec_name(&report->spec);
  if (!*report->name) {
    const size_t end = strlen(dir) - (strlen(dir) > 1 && dir[strlen(dir) - 1] == '/');
    size_t start = end;
    while (start && dir[start - 1] != '/') start--;
    Text name = {0};
    text_append(&name, dir + start, end - start);
    free(report->name);
    report->name = name.s;
  }
  free(path);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A table that a folder may lack: without rows then. */
static PetscErrorCode ReadOptional(const char *dir, const char *name, const char *needs,
                                   Mistakes *mistakes, Table **table)
{
  char *path = path_join(dir, name);

  PetscFunctionBegin;
  if (file_exists(path))
    PetscCall(ReadTable(dir, name, needs, mistakes, table));
  else
    PetscCall(TableCreate(needs, table));
  free(path);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ReadOptionals(Report *report, const char *dir, Mistakes *mistakes)
{
  const struct {
    const char *name, *needs;
    Table **table;
  } all[] = {
      {"trajectory.csv", "model,centring,step,runs,value,low,high", &report->trajectory},
      {"recurrence.csv", "model,t,runs,s,share,chance", &report->recurrence},
      {"purposes.csv", "model,measure,centring,term,value,low,high,blocks", &report->purposes},
      {"differences.csv",
       "model_a,model_b,measure,centring,runs_a,runs_b,difference,low,high,design,p,p_holm,role",
       &report->differences},
      {"levels.csv", "model_a,model_b,at,level,measure,centring,value_a,value_b,difference",
       &report->levels},
      {"across.csv",
       "model_a,model_b,measure,centring,pairs,value,low,high,unmatched_a,unmatched_b,note",
       &report->across},
      {"stable.csv", "model,runs,t,groups,edges,chance_edges,inconsistent", &report->stable},
      {"atlas.csv",
       "model,kind,group,run,atom,cosine,rank,token,value,token_group,position,label,name,text,"
       "image,row,column,rows,columns",
       &report->atlas},
  };

  PetscFunctionBegin;
  for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
    PetscCall(ReadOptional(dir, all[i].name, all[i].needs, mistakes, all[i].table));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Was the model trained on surrogate tokens? */
static bool is_surrogate(const Table *plan, const char *model)
{
  for (int64_t i = 0; i < plan->rows; i++)
    if (*table_cell(plan, i, "tokens") && !strcmp(table_cell(plan, i, "model"), model)) return true;
  return false;
}

/* A table without the rows of models trained on surrogate tokens. */
static PetscErrorCode WithoutSurrogates(const Table *plan, const Table *table, Table **kept)
{
  PetscFunctionBegin;
  PetscCall(TableCreate("", kept));
  for (int c = 0; c < table->columns; c++) PetscCall(TableAddColumn(*kept, table->names[c]));
  for (int64_t i = 0; i < table->rows; i++) {
    if (is_surrogate(plan, table_cell(table, i, "model"))) continue;
    PetscCall(TableAddRow(*kept));
    for (int c = 0; c < table->columns; c++)
      table_text(*kept, table->names[c], table->cells[i * table->columns + c]);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Those models are nulls: what is shown of them is the column null_surrogate of their models. */
static PetscErrorCode LeaveSurrogates(Report *report)
{
  Table **all[] = {&report->runs,       &report->groups,     &report->pairs,    &report->stability,
                   &report->trajectory, &report->recurrence, &report->purposes, &report->stable,
                   &report->atlas,      &report->plan}; /* the plan last: it tells */

  PetscFunctionBegin;
  if (table_column(report->plan, "tokens") < 0) PetscFunctionReturn(PETSC_SUCCESS);
  for (size_t t = 0; t < sizeof(all) / sizeof(*all); t++) {
    Table *kept;
    PetscCall(WithoutSurrogates(report->plan, *all[t], &kept));
    PetscCall(TableDestroy(all[t]));
    *all[t] = kept;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static const char *anchors_of(const Report *report, const char *model)
{
  for (int64_t i = 0; i < report->stability->rows; i++)
    if (!strcmp(table_cell(report->stability, i, "model"), model))
      return table_cell(report->stability, i, "anchors");
  return "";
}

static PetscErrorCode ListModels(Report *report)
{
  Table *models = report->models;
  const Table *plan = report->plan, *runs = report->runs;

  PetscFunctionBegin;
  for (int64_t i = 0; i < plan->rows; i++) {
    const char *model = table_cell(plan, i, "model");
    int64_t planned = 0, done = 0;
    bool first = true;
    for (int64_t j = 0; j < i && first; j++)
      first = strcmp(table_cell(plan, j, "model"), model) != 0;
    if (!first) continue;
    for (int64_t j = i; j < plan->rows; j++)
      planned += !strcmp(table_cell(plan, j, "model"), model);
    for (int64_t j = 0; j < runs->rows; j++)
      done += !strcmp(table_cell(runs, j, "model"), model) &&
              !strcmp(table_cell(runs, j, "status"), "done");
    PetscCall(TableAddRow(models));
    table_text(models, "model", model);
    table_text(models, "method", table_cell(plan, i, "method"));
    table_text(models, "width", table_cell(plan, i, "width"));
    table_text(models, "anchors", anchors_of(report, model));
    table_integer(models, "runs", planned);
    table_integer(models, "done", done);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ReportRead(const char *dir, Mistakes *mistakes, Report **made)
{
  PetscFunctionBegin;
  Report *report = *made = calloc(1, sizeof(*report));
  PetscCheck(report, PETSC_COMM_SELF, PETSC_ERR_MEM, "no memory");
  PetscCall(ReadTable(dir, "plan.csv", "run,model,method,width", mistakes, &report->plan));
  PetscCall(ReadTable(dir, "runs.csv", "run,model,status,reason", mistakes, &report->runs));
  PetscCall(ReadTable(dir, "groups.csv", "model,metric,split,runs,mean,sd,low,high", mistakes,
                      &report->groups));
  PetscCall(ReadTable(dir, "pairs.csv", "model,run_a,run_b,measure,centring,stage,value", mistakes,
                      &report->pairs));
  PetscCall(
      ReadTable(dir, "stability.csv",
                "model,measure,centring,runs,value,low,high,initial,null_random,null_gaussian,"
                "null_tokens,anchors,dead,note",
                mistakes, &report->stability));
  PetscCall(TableCreate("model,method,width,anchors,runs,done", &report->models));
  PetscCall(TableCreate("model,run,step,tokens,loss,averaged,quantity", &report->steps));
  PetscCall(TableCreate("run,path,value", &report->facts));
  PetscCall(TableCreate("model,low,high,atoms,found,cosine", &report->frequency));
  PetscCall(ReadOptionals(report, dir, mistakes));
  PetscCall(ReadSpec(report, dir));
  report->dir = text_copy(dir);
  if (!mistakes_count(mistakes)) {
    PetscCall(LeaveSurrogates(report));
    PetscCall(ListModels(report));
    PetscCall(ReadLogs(report));
    PetscCall(ReadFrequencies(report));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ReportDestroy(Report **made)
{
  Report *report = *made;

  PetscFunctionBegin;
  if (report) {
    Table **tables[] = {&report->plan,       &report->runs,      &report->groups,
                        &report->pairs,      &report->stability, &report->trajectory,
                        &report->recurrence, &report->purposes,  &report->differences,
                        &report->levels,     &report->stable,    &report->atlas,
                        &report->across,     &report->models,    &report->steps,
                        &report->facts,      &report->frequency};
    for (size_t i = 0; i < sizeof(tables) / sizeof(*tables); i++)
      PetscCall(TableDestroy(tables[i]));
    text_clear(&report->spec);
    free(report->name);
    free(report->dir);
    free(report);
  }
  *made = NULL;
  PetscFunctionReturn(PETSC_SUCCESS);
}
