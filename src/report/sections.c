/* The page's sections of plain tables: runs, settings, provenance. */
#include "report/chart.h"
#include "report/html.h"
#include "report/pages.h"
#include "report/svg.h"
#include <stdlib.h>
#include <string.h>

enum { MOST_ROWS = 1000 };

void put_heading(Text *page, const char *id, const char *heading)
{
  text_add(page, "<section id=\"%s\">\n<h2>%s</h2>\n", id, heading);
}

/* Is the cell of that column the same in all rows? */
static bool same_in_all(const Table *table, int column)
{
  for (int64_t r = 1; r < table->rows; r++)
    if (strcmp(table->cells[r * table->columns + column], table->cells[column])) return false;
  return true;
}

static PetscErrorCode CopyColumn(const Table *from, int column, const char *name, Table *to)
{
  const int c = to->columns;

  PetscFunctionBegin;
  PetscCall(TableAddColumn(to, name));
  for (int64_t r = 0; r < to->rows; r++) {
    char **cell = &to->cells[r * to->columns + c];
    free(*cell);
    *cell = text_copy(from->cells[r * from->columns + column]);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode RunsTabulate(const Report *report, Table **made)
{
  static const char *const columns[] = {"status",       "reason", "seed_init", "seed_data",
                                        "seed_anchors", "r2",     "l0",        "dead",
                                        "mse",          "cosine", "run"};
  const Table *runs = report->runs;

  PetscFunctionBegin;
  PetscCall(TableCreate("model,number", made));
  for (int64_t r = 0, number = 0; r < runs->rows; r++) {
    number = r && !strcmp(table_cell(runs, r, "model"), table_cell(runs, r - 1, "model"))
                 ? number + 1
                 : 1;
    PetscCall(TableAddRow(*made));
    table_text(*made, "model", table_cell(runs, r, "model"));
    table_integer(*made, "number", number);
  }
  for (size_t i = 0; i < sizeof(columns) / sizeof(*columns); i++) {
    const int c = table_column(runs, columns[i]);
    if (c >= 0) PetscCall(CopyColumn(runs, c, columns[i], *made));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode PutRuns(Text *page, const Report *report)
{
  const Table *runs = report->runs;
  Table *shown = NULL;
  int64_t failed = 0;

  PetscFunctionBegin;
  PetscCall(RunsTabulate(report, &shown));
  for (int64_t r = 0; r < runs->rows; r++)
    failed += strcmp(table_cell(runs, r, "status"), "done") != 0;
  put_heading(page, "runs", "Runs, and why each one stopped");
  text_add(page,
           "<p class=\"words\">%lld runs are in the table; %lld did not finish, and no figure "
           "counts those. "
           "Figures are on held-out tokens, dead on the training sample; a dash is a seed that the "
           "model does not use. "
           "Everything is in <a href=\"../runs.csv\">runs.csv</a>, this table in "
           "<a href=\"runs.tex\">runs.tex</a>.</p>\n",
           (long long)runs->rows, (long long)failed);
  html_table(page, shown, "Runs with their seeds, stop reasons and figures", MOST_ROWS);
  if (runs->rows > MOST_ROWS)
    text_add(page, "<p class=\"small\">The first %d rows are shown.</p>\n", (int)MOST_ROWS);
  text_add(page, "</section>\n");
  PetscCall(TableDestroy(&shown));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* One row of the plan for each model. */
static PetscErrorCode PlanOfModels(const Report *report, Table **made)
{
  const Table *plan = report->plan;

  PetscFunctionBegin;
  PetscCall(TableCreate("", made));
  for (int c = 0; c < plan->columns; c++) PetscCall(TableAddColumn(*made, plan->names[c]));
  for (int64_t m = 0; m < report->models->rows; m++)
    for (int64_t r = 0; r < plan->rows; r++) {
      if (strcmp(table_cell(plan, r, "model"), table_cell(report->models, m, "model"))) continue;
      PetscCall(TableAddRow(*made));
      for (int c = 0; c < plan->columns; c++)
        table_text(*made, plan->names[c], plan->cells[r * plan->columns + c]);
      break;
    }
  PetscFunctionReturn(PETSC_SUCCESS);
}

bool is_setting(const char *column)
{
  static const char *const others[] = {"run",       "model",        "seed_init",
                                       "seed_data", "seed_anchors", "anchors"};
  for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++)
    if (!strcmp(column, others[i])) return false;
  return strncmp(column, "seed_", 5) != 0;
}

/* A row for each setting, a column for each model. */
PetscErrorCode DifferentTabulate(const Report *report, Table **turned)
{
  Table *plan = NULL;

  PetscFunctionBegin;
  PetscCall(PlanOfModels(report, &plan));
  PetscCall(TableCreate("setting", turned));
  for (int64_t m = 0; m < plan->rows; m++)
    PetscCall(TableAddColumn(*turned, table_cell(plan, m, "model")));
  for (int c = 0; c < plan->columns; c++) {
    if (!is_setting(plan->names[c]) || same_in_all(plan, c)) continue;
    PetscCall(TableAddRow(*turned));
    table_text(*turned, "setting", plan->names[c]);
    for (int64_t m = 0; m < plan->rows; m++) {
      char **cell = &(*turned)->cells[((*turned)->rows - 1) * (*turned)->columns + 1 + m];
      free(*cell);
      *cell = text_copy(plan->cells[m * plan->columns + c]);
    }
  }
  PetscCall(TableDestroy(&plan));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode PutSettings(Text *page, const Report *report)
{
  Table *plan = NULL, *turned = NULL;

  PetscFunctionBegin;
  PetscCall(PlanOfModels(report, &plan));
  PetscCall(DifferentTabulate(report, &turned));
  put_heading(page, "settings", "Settings");
  text_add(page,
           "<p class=\"words\">Every setting of every model, defaults included, as planned in "
           "<a href=\"../plan.csv\">plan.csv</a>. An empty cell is a setting that the model does "
           "not have.</p>\n");
  if (turned->rows) {
    text_add(page, "<h3>What differs between the models</h3>\n");
    html_table(page, turned, "Settings that differ between models", MOST_ROWS);
    text_add(page,
             "<p class=\"files\">For a paper: <a href=\"settings.tex\">settings.tex</a></p>\n");
  }
  PetscCall(TableDestroy(&turned));
  text_add(page, "<h3>%s</h3>\n<dl>\n", plan->rows == 1 ? "The model" : "What all models share");
  for (int c = 0; plan->rows && c < plan->columns; c++)
    if (is_setting(plan->names[c]) && same_in_all(plan, c) && *plan->cells[c])
      html_term(page, plan->names[c], plan->cells[c]);
  text_add(page, "</dl>\n");
  if (report->spec.length) {
    text_add(page, "<details><summary>The specification</summary>\n<pre tabindex=\"0\">");
    text_safe(page, report->spec.s);
    text_add(page, "</pre></details>\n");
  }
  text_add(page, "</section>\n");
  PetscCall(TableDestroy(&plan));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Manifests side by side: a row for each run, a column for each fact. */
static PetscErrorCode GatherFacts(const Report *report, Table **made)
{
  const Table *facts = report->facts;

  PetscFunctionBegin;
  PetscCall(TableCreate("run", made));
  for (int64_t i = 0; i < facts->rows; i++) {
    const char *run = table_cell(facts, i, "run"), *path = table_cell(facts, i, "path");
    if (!i || strcmp(run, table_cell(facts, i - 1, "run"))) {
      PetscCall(TableAddRow(*made));
      table_text(*made, "run", run);
    }
    if (!strcmp(path, "run")) continue;
    if (table_column(*made, path) < 0) PetscCall(TableAddColumn(*made, path));
    table_text(*made, path, table_cell(facts, i, "value"));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode PutProvenance(Text *page, const Report *report)
{
  Table *facts = NULL, *different = NULL;

  PetscFunctionBegin;
  PetscCall(GatherFacts(report, &facts));
  put_heading(page, "provenance", "Provenance");
  if (facts->rows) {
    PetscCall(TableCreate("run", &different));
    for (int64_t r = 0; r < facts->rows; r++) {
      PetscCall(TableAddRow(different));
      table_text(different, "run", table_cell(facts, r, "run"));
    }
    text_add(page,
             "<p class=\"words\">From the manifest.json of %lld run%s. These facts are the same in "
             "all of them:</p>\n<dl>\n",
             (long long)facts->rows, facts->rows == 1 ? "" : "s");
    for (int c = 1; c < facts->columns; c++)
      if (!same_in_all(facts, c))
        PetscCall(CopyColumn(facts, c, facts->names[c], different));
      else if (*facts->cells[c])
        html_term(page, facts->names[c], facts->cells[c]);
    text_add(page, "</dl>\n");
    if (different->columns > 1)
      html_details(page, "What differs from run to run", different, MOST_ROWS, "../runs.csv");
    PetscCall(TableDestroy(&different));
  } else {
    text_add(page,
             "<p class=\"nothing\">No run of this folder has a readable manifest.json.</p>\n");
  }
  text_add(page, "</section>\n");
  PetscCall(TableDestroy(&facts));
  PetscFunctionReturn(PETSC_SUCCESS);
}
