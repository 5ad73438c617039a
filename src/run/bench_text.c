/* The table of timings for people and for programs. */
#include "base/clock.h"
#include "base/file.h"
#include "run/bench.h"
#include "run/version.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *cpu_name(char name[128])
{
  char line[256];
  FILE *from = fopen("/proc/cpuinfo", "r");
  strcpy(name, "unknown");
  while (from && fgets(line, sizeof(line), from)) {
    const char *colon = strchr(line, ':');
    if (strncmp(line, "model name", 10) || !colon) continue;
    snprintf(name, 128, "%.*s", (int)strcspn(colon + 2, "\n"), colon + 2);
    break;
  }
  if (from) fclose(from);
  return name;
}

static void add_cell(Text *text, const Table *table, int64_t row, const char *column, int width)
{
  const double x = table_real(table, row, column);
  if (isnan(x))
    text_add(text, " %*s", width, "");
  else
    text_add(text, " %*.4g", width, x);
}

static int widest(const Table *table, const char *column, int least)
{
  for (int64_t r = 0; r < table->rows; r++) {
    const int length = (int)strlen(table_cell(table, r, column));
    if (length > least) least = length;
  }
  return least;
}

void bench_text(const Table *table, const Kernels *kernels, int ranks, bool bound, Text *text)
{
  char cpu[128], date[21];
  const int row = widest(table, "row", 4), size = widest(table, "size", 4),
            unit = widest(table, "unit", 4), limit = widest(table, "limit", 5),
            goal = widest(table, "goal", 4);
  clock_utc(date);
  text_add(text, "%s, commit %s, %s, %s kernels, %d rank%s%s\n", date, ardis_commit, cpu_name(cpu),
           kernels->entry.name, ranks, ranks == 1 ? "" : "s",
           bound ? ", each on a core of its own" : "");
  text_add(text, "ratio = figure / limit, both measured in this run\n\n");
  text_add(text, "%-*s  %-*s  %9s %-*s  %9s %-*s %7s  %-*s %-3s  %s\n", row, "row", size, "size",
           "figure", unit, "unit", "limit", limit, "", "ratio", goal, "goal", "met", "note");
  for (int64_t r = 0; r < table->rows; r++) {
    text_add(text, "%-*s  %-*s ", row, table_cell(table, r, "row"), size,
             table_cell(table, r, "size"));
    add_cell(text, table, r, "figure", 9);
    text_add(text, " %-*s ", unit, table_cell(table, r, "unit"));
    add_cell(text, table, r, "limit_value", 9);
    text_add(text, " %-*s", limit, table_cell(table, r, "limit"));
    add_cell(text, table, r, "ratio", 7);
    text_add(text, "  %-*s %-3s  %s", goal, table_cell(table, r, "goal"),
             table_cell(table, r, "met"), table_cell(table, r, "note"));
    while (text->length && text->s[text->length - 1] == ' ') text->s[--text->length] = 0;
    text_add(text, "\n");
  }
}

static void add_member(Text *text, const char *name, const char *value)
{
  text_add(text, "  \"%s\": ", name);
  text_json(text, value);
  text_add(text, ",\n");
}

static void add_json(const BenchRun *run, bool complete, Text *text)
{
  const Table *table = run->table;
  char cpu[128], date[21];
  clock_utc(date);
  text_add(text, "{\n  \"schema\": 1,\n");
  add_member(text, "date", date);
  add_member(text, "commit", ardis_commit);
  add_member(text, "cpu", cpu_name(cpu));
  add_member(text, "kernels", run->kernels->entry.name);
  text_add(text, "  \"ranks\": %d,\n  \"bound\": %s,\n  \"complete\": %s,\n  \"rows\": [",
           run->size, run->bound ? "true" : "false", complete ? "true" : "false");
  for (int64_t r = 0; r < table->rows; r++) {
    text_add(text, "%s\n    {", r ? "," : "");
    for (int c = 0; c < table->columns; c++) {
      const char *name = table->names[c], *value = table_cell(table, r, name);
      const bool number =
          !strcmp(name, "figure") || !strcmp(name, "limit_value") || !strcmp(name, "ratio");
      text_add(text, "%s\"%s\": ", c ? ", " : "", name);
      if (number)
        text_add(text, "%s", *value ? value : "null");
      else
        text_json(text, value);
    }
    text_add(text, "}");
  }
  text_add(text, "\n  ]\n}\n");
}

PetscErrorCode BenchWrite(const BenchRun *run, bool complete)
{
  Text text = {0};

  PetscFunctionBegin;
  if (run->csv) PetscCall(TableWrite(run->table, run->csv));
  if (!run->json) PetscFunctionReturn(PETSC_SUCCESS);
  add_json(run, complete, &text);
  PetscCall(FileWrite(run->json, text.s, text.length));
  text_clear(&text);
  PetscFunctionReturn(PETSC_SUCCESS);
}
