/* The checks that entries bring along: combinations of settings. */
#include "plan/reader.h"
#include <stdlib.h>
#include <string.h>

void origin_of(const Settings *settings, const Origin *origin, const char *path, int *line,
               int *column)
{
  char *at = text_copy(path);
  for (;;) {
    Text name = {0};
    text_add(&name, "%s.name", at);
    for (int64_t i = 0; i < settings->count; i++) {
      const char *is = settings->items[i].path;
      if ((strcmp(is, at) && strcmp(is, name.s)) || !origin[i].line) continue;
      *line = origin[i].line, *column = origin[i].column;
      text_clear(&name);
      free(at);
      return;
    }
    text_clear(&name);
    char *dot = strrchr(at, '.');
    if (!dot) break;
    *dot = 0;
  }
  free(at);
}

/* The entry that a choice at prefix + param->name has, and "<that path>." in below; NULL: none. */
static const Entry *chosen_entry(const Settings *settings, const char *prefix, const Param *param,
                                 Text *below)
{
  if (param->type != PARAM_CHOICE) return NULL;
  text_add(below, "%s%s.name", prefix, param->name);
  const char *name = settings_get(settings, below->s);
  below->length -= strlen("name");
  below->s[below->length] = 0;
  return name ? family_find(param->family, name) : NULL;
}

PetscErrorCode ResolveSeeds(const Entry *entry, const char *prefix, const Settings *settings,
                            unsigned *seeds)
{
  void *params = NULL;

  PetscFunctionBegin;
  *seeds |= entry->seeds;
  if (entry->params_size) params = calloc(1, entry->params_size);
  if (params) PetscCall(ParamsRead(settings, prefix, entry->params, params));
  if (entry->draws) *seeds |= entry->draws(params);
  if (params) PetscCall(ParamsRelease(entry->params, params));
  free(params);
  for (const Param *param = entry->params; param && param->name; param++) {
    Text below = {0};
    const Entry *chosen = chosen_entry(settings, prefix, param, &below);
    if (chosen) PetscCall(ResolveSeeds(chosen, below.s, settings, seeds));
    text_clear(&below);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The check of one entry alone. */
static PetscErrorCode check_entry(Mistakes *mistakes, const char *file, const Entry *entry,
                                  const char *prefix, const Settings *settings,
                                  const Origin *origin, const Settings *all, const char *where,
                                  int line, int column)
{
  void *params = NULL;
  const char *about = NULL;

  PetscFunctionBegin;
  if (entry->params_size) params = calloc(1, entry->params_size);
  if (params) PetscCall(ParamsRead(settings, prefix, entry->params, params));
  char *reason = entry->check(params, all, &about);
  if (reason) {
    Text path = {0};
    text_add(&path, "%s%s", prefix, about ? about : "name");
    origin_of(settings, origin, path.s, &line, &column);
    mistake(mistakes, file, line, column, "%s%s%s%s", about ? path.s : "", about ? ": " : "",
            reason, where);
    text_clear(&path);
  }
  free(reason);
  if (params) PetscCall(ParamsRelease(entry->params, params));
  free(params);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ResolveChecks(Mistakes *mistakes, const char *file, const Entry *entry,
                             const char *prefix, const Settings *settings, const Origin *origin,
                             const Settings *all, const char *where, int line, int column)
{
  PetscFunctionBegin;
  if (entry->check)
    PetscCall(
        check_entry(mistakes, file, entry, prefix, settings, origin, all, where, line, column));
  for (const Param *param = entry->params; param && param->name; param++) {
    Text below = {0};
    const Entry *chosen = chosen_entry(settings, prefix, param, &below);
    if (chosen)
      PetscCall(ResolveChecks(mistakes, file, chosen, below.s, settings, origin, all, where, line,
                              column));
    text_clear(&below);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}
