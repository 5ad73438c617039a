/* Settings of one run: flat, ordered pairs of path and value. */
#include "base/param.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

static int64_t find(const Settings *settings, const char *path)
{
  for (int64_t i = 0; i < settings->count; i++)
    if (!strcmp(settings->items[i].path, path)) return i;
  return -1;
}

void settings_set(Settings *settings, const char *path, const char *value)
{
  const int64_t i = find(settings, path);
  if (i >= 0) {
    char *copy = text_copy(value);
    free(settings->items[i].value);
    settings->items[i].value = copy;
    settings->items[i].quiet = false;
    return;
  }
  void *grown = realloc(settings->items, (size_t)(settings->count + 1) * sizeof(*settings->items));
  if (!grown) abort(); /* no memory for a few words */
  settings->items = grown;
  settings->items[settings->count].path = text_copy(path);
  settings->items[settings->count].value = text_copy(value);
  settings->items[settings->count].quiet = false;
  settings->count++;
}

void settings_quiet(Settings *settings, const char *path)
{
  const int64_t i = find(settings, path);
  if (i >= 0) settings->items[i].quiet = true;
}

const char *settings_get(const Settings *settings, const char *path)
{
  const int64_t i = find(settings, path);
  return i < 0 ? NULL : settings->items[i].value;
}

double settings_real(const Settings *settings, const char *path)
{
  const char *value = settings_get(settings, path);
  return value && *value ? strtod(value, NULL) : (double)NAN;
}

int64_t settings_int(const Settings *settings, const char *path)
{
  const char *value = settings_get(settings, path);
  return value ? strtoll(value, NULL, 10) : 0;
}

void settings_copy(Settings *to, const Settings *from)
{
  settings_clear(to);
  for (int64_t i = 0; i < from->count; i++)
    settings_set(to, from->items[i].path, from->items[i].value),
        to->items[to->count - 1].quiet = from->items[i].quiet;
}

void settings_clear(Settings *settings)
{
  for (int64_t i = 0; i < settings->count; i++) {
    free(settings->items[i].path);
    free(settings->items[i].value);
  }
  free(settings->items);
  memset(settings, 0, sizeof(*settings));
}

void settings_fill(Settings *settings, const char *prefix, const Param *params)
{
  for (const Param *param = params; param && param->name; param++) {
    const bool choice = param->type == PARAM_CHOICE;
    Text path = {0}, inner = {0};
    text_add(&path, "%s%s%s", prefix, param->name, choice ? ".name" : "");
    text_add(&inner, "%s%s.", prefix, param->name);
    const bool instead = param->instead && settings_get(settings, param->instead);
    const char *initial = param->type == PARAM_ANCHORS ? "own"
                          : instead || !param->initial ? ""
                                                       : param->initial;
    if (!settings_get(settings, path.s)) settings_set(settings, path.s, initial);
    const Entry *entry = choice ? family_find(param->family, settings_get(settings, path.s)) : NULL;
    if (entry) settings_fill(settings, inner.s, entry->params);
    text_clear(&path);
    text_clear(&inner);
  }
}
