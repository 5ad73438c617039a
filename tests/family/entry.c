/* Laws of every registered entry: it is named after its file, it and its settings are documented,
   defaults pass their own checks and read back as they were written, bounds are kept.
   RUN ranks=1 */
#include "../sae_task.h"
#include "../tap.h"
#include "cli/command.h"
#include "compare/comparison.h"
#include "data/import.h"
#include "data/generator.h"
#include "learn/kmeans.h"
#include "learn/sparsity.h"
#include "measure/metric.h"
#include "report/figure.h"
#include "run/exporter.h"
#include "run/model_importer.h"
#include <ctype.h>

/* The files of each folder, as the Makefile lists them. */
#define X(name) #name,
static const char *const files[][64] = {
    {
#include "backend.def"
    },
    {
#include "importer.def"
    },
    {
#include "generator.def"
    },
    {
#include "method.def"
    },
    {
#include "kmeans-init.def"
    },
    {
#include "sae-code.def"
    },
    {
#include "sae-atoms.def"
    },
    {
#include "sae-start.def"
    },
    {
#include "sae-encoder.def"
    },
    {
#include "sae-goal.def"
    },
    {
#include "sae-revive.def"
    },
    {
#include "optimizer.def"
    },
    {
#include "sparsity.def"
    },
    {
#include "average.def"
    },
    {
#include "schedule.def"
    },
    {
#include "metric.def"
    },
    {
#include "comparison.def"
    },
    {
#include "figure.def"
    },
    {
#include "exporter.def"
    },
    {
#include "model-importer.def"
    },
    {
#include "command.def"
    },
};
#undef X
static const Family *const families[] = {
    &backends,   &importers,       &generators,   &methods,   &kmeans_inits, &sae_codes,
    &sae_atoms,  &sae_starts,      &sae_encoders, &sae_goals, &sae_revivals, &optimizers,
    &sparsities, &averages,        &schedules,    &metrics,   &comparisons,  &figures,
    &exporters,  &model_importers, &commands};
enum { FAMILIES = sizeof(families) / sizeof(*families) };

static bool named_after_file(const char *name, const char *file)
{
  for (; *name && *file; name++, file++)
    if (*name != *file && !(*name == '-' && *file == '_')) return false;
  return !*name && !*file;
}

static bool sentence(const char *text)
{
  return text && *text && strlen(text) < 320 && text[strlen(text) - 1] != '.' && !strchr(text, '!');
}

static void check_family(const Family *family, const char *const *file)
{
  int count = 0, listed = 0;
  bool sorted = true;
  for (const Entry *const *e = family->entries; *e; e++, count++)
    sorted &= !count || strcmp(e[-1]->name, (*e)->name) < 0;
  while (file[listed]) listed++;
  OK(count == listed && sorted, "%s: one entry for each file, by name", family->plural);
  for (int i = 0; i < count; i++) {
    const Entry *entry = family->entries[i];
    OK(named_after_file(entry->name, file[i]) && family_find(family, entry->name) == entry,
       "%s %s is named after its file", family->kind, entry->name);
    OK(sentence(entry->summary), "%s %s says what it is: %s", family->kind, entry->name,
       entry->summary);
  }
  OK(!family_find(family, "no such entry"), "%s: no other word is found", family->plural);
}

/* A text that reads as one side past the bound. */
static bool refuses(const Param *param, double value)
{
  char text[40], *canonical, *complaint;
  snprintf(text, sizeof(text), param->type == PARAM_INT ? "%.0f" : "%.17g", value);
  RUN(ParamScalar(param, text, &canonical, &complaint));
  const bool refused = !canonical && complaint;
  free(canonical);
  free(complaint);
  return refused;
}

static bool bounded(const Param *param)
{
  const bool number = param->type == PARAM_INT || param->type == PARAM_REAL;
  if (!number || (param->min == 0 && param->max == 0)) return true;
  return param->min <= param->max && refuses(param, param->min - 1) &&
         refuses(param, param->max * 1.5 + 1) && (!param->open_min || refuses(param, param->min));
}

/* The default, if there is one, is fine; and what it becomes stays as it is. */
static bool settled(const Param *param)
{
  char *canonical, *again = NULL, *complaint;
  if (param->type == PARAM_CHOICE)
    return param->family && (!param->initial || family_find(param->family, param->initial));
  if (!param->initial || !*param->initial) return true;
  RUN(ParamScalar(param, param->initial, &canonical, &complaint));
  bool fine = canonical && !complaint;
  free(complaint);
  if (fine) RUN(ParamScalar(param, canonical, &again, &complaint));
  fine = fine && again && !strcmp(canonical, again);
  free(canonical);
  free(again);
  return fine;
}

static void check_params(const Family *family, const Entry *entry)
{
  OK(!entry->params == !entry->params_size, "%s %s: settings have room, or there are none",
     family->kind, entry->name);
  for (const Param *param = entry->params; param && param->name; param++) {
    bool once = true, lower = true;
    for (const Param *other = entry->params; other != param; other++)
      once &= strcmp(other->name, param->name) != 0;
    for (const char *c = param->name; *c; c++)
      lower &= islower(*c) || isdigit(*c) || strchr("_.", *c);
    OK(once && lower && sentence(param->doc) && param->offset < entry->params_size,
       "%s %s: %s is documented: %s", family->kind, entry->name, param->name, param->doc);
    OK(param->type != PARAM_WORD || (param->words && param->words[0]), "its words are listed");
    OK(settled(param), "the default of %s is %s", param->name,
       param->initial ? param->initial : "none");
    OK(bounded(param), "%s keeps its bounds", param->name);
  }
}

/* All defaults together can be read, and the entry itself has nothing against them. */
static void check_defaults(const Family *family, const Entry *entry)
{
  Settings settings = {0};
  Choice choice;
  char *why = NULL;
  const char *about = NULL;
  const bool method = family == &methods;
  settings_set(&settings, method ? "width" : "x.width", "64");
  settings_set(&settings, method ? "code.name" : "x.code.name", "topk");
  settings_set(&settings, "x.name", entry->name);
  settings_defaults(&settings, method ? "" : "x.", entry->params);
  if (method) {
    void *params = calloc(1, entry->params_size);
    RUN(ParamsRead(&settings, "", entry->params, params));
    if (entry->check) why = entry->check(params, &settings, &about);
    RUN(ParamsRelease(entry->params, params));
    free(params);
  } else {
    RUN(ChoiceRead(&settings, "x", family, &choice));
    if (entry->check) why = entry->check(choice.params, &settings, &about);
    RUN(ChoiceRelease(&choice));
  }
  OK(!why, "%s %s: its defaults pass its own checks%s%s", family->kind, entry->name,
     why ? ": " : "", why ? why : "");
  free(why);
  settings_clear(&settings);
}

int main(int argc, char **argv)
{
  TestBegin(&argc, &argv);
  for (int f = 0; f < FAMILIES; f++) {
    check_family(families[f], files[f]);
    for (const Entry *const *entry = families[f]->entries; *entry; entry++) {
      check_params(families[f], *entry);
      check_defaults(families[f], *entry);
    }
  }
  return TestEnd();
}
