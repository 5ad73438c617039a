/* Families: those that are named here, and those that their settings choose from. */
#include "cli/families.h"
#include "cli/command.h"
#include "compare/comparison.h"
#include "compute/kernels.h"
#include "data/generator.h"
#include "data/import.h"
#include "measure/metric.h"
#include "report/figure.h"
#include "run/bench.h"
#include "run/exporter.h"
#include "run/model_importer.h"
#include <string.h>

static const struct {
  const Family *family;
  const char *path; /* in a spec; NULL: none */
} roots[] = {{&methods, "method"}, {&metrics, "measure"},    {&comparisons, "compare"},
             {&importers, NULL},   {&generators, NULL},      {&figures, NULL},
             {&exporters, NULL},   {&model_importers, NULL}, {&backends, NULL},
             {&benches, NULL},     {&commands, NULL}};
enum { ROOTS = sizeof(roots) / sizeof(*roots) };

static void add(const Family *list[FAMILIES_MOST], int *count, const Family *family)
{
  for (int i = 0; i < *count; i++)
    if (list[i] == family) return;
  if (*count == FAMILIES_MOST) return;
  list[(*count)++] = family;
  for (const Entry *const *e = family->entries; *e; e++)
    for (const Param *param = (*e)->params; param && param->name; param++)
      if (param->type == PARAM_CHOICE) add(list, count, param->family);
}

int families_all(const Family *list[FAMILIES_MOST])
{
  int count = 0;
  for (int i = 0; i < ROOTS; i++) add(list, &count, roots[i].family);
  return count;
}

/* "train: {optimizer: " for "train.optimizer". */
static void open_path(const char *path, Text *text, int *braces)
{
  for (const char *dot; (dot = strchr(path, '.')); path = dot + 1, (*braces)++)
    text_add(text, "%.*s: {", (int)(dot - path), path);
  text_add(text, "%s: ", path);
}

/* What stands before an entry of family in a mapping of at's settings; false: it is not below. */
static bool open_below(const Family *at, const Family *family, Text *text, int *braces)
{
  const size_t length = text->length;
  const int open = *braces;
  for (const Entry *const *e = at->entries; *e; e++)
    for (const Param *param = (*e)->params; param && param->name; param++) {
      if (param->type != PARAM_CHOICE) continue;
      if (at != &methods) text_add(text, "{name: %s, ", (*e)->name), ++*braces;
      open_path(param->name, text, braces);
      if (param->family == family || open_below(param->family, family, text, braces)) return true;
      text->s[text->length = length] = 0;
      *braces = open;
    }
  return false;
}

bool family_open(const Family *family, Text *text, int *braces)
{
  *braces = 0;
  for (int i = 0; i < ROOTS; i++)
    if (roots[i].family == family) {
      if (roots[i].path) text_add(text, "%s: ", roots[i].path);
      return roots[i].path != NULL;
    }
  return open_below(&methods, family, text, braces);
}
