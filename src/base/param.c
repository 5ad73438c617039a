/* Settings declared once: checking the text of one, and filling an entry's parameters from many. */
#include "base/param.h"
#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The number that all of text says in decimal digits; hexadecimal, nan and infinity are none. */
static bool read_real(const char *text, double *x)
{
  char *end;
  if (!*text || text[strspn(text, "0123456789+-.eE")]) return false;
  *x = strtod(text, &end);
  return !*end && end != text && isfinite(*x);
}

/* Whole numbers may be written as 1e6 too, while a double holds them exactly. */
static bool read_integer(const char *text, int64_t *x)
{
  char *end;
  double real;
  if (text[strspn(text, "0123456789+-")]) {
    if (!read_real(text, &real) || real != floor(real) || fabs(real) > 9007199254740992.0)
      return false;
    *x = (int64_t)real;
    return true;
  }
  errno = 0;
  *x = strtoll(text, &end, 10);
  return *text && !*end && !errno;
}

static bool bounded(const Param *param)
{
  return param->min != 0 || param->max != 0;
}

static bool in_bounds(const Param *param, double x)
{
  if (!bounded(param)) return true;
  return (param->open_min ? x > param->min : x >= param->min) && x <= param->max;
}

void param_bounds(const Param *param, Text *text)
{
  if (param->type == PARAM_BOOL) text_add(text, "true or false");
  if (param->type == PARAM_WORD)
    for (const char *const *word = param->words; *word; word++)
      text_add(text, "%s%s", word == param->words ? "" : word[1] ? ", " : " or ", *word);
  const bool number =
      param->type == PARAM_INT || param->type == PARAM_REAL || param->type == PARAM_SHARE;
  if (!number || !bounded(param)) return;
  const bool low = param->min > -1e300, high = param->max < 1e300;
  if (low && (param->open_min || !high)) text_add(text, param->open_min ? "above " : "at least ");
  if (low) text_number(text, param->min);
  if (high) text_add(text, low && !param->open_min ? " to " : low ? ", at most " : "at most ");
  if (high) text_number(text, param->max);
}

/* Complains that text is not what, and says the bounds. */
static void complain(const Param *param, const char *text, const char *what, Text *complaint)
{
  Text bounds = {0};
  param_bounds(param, &bounds);
  text_add(complaint, "'%s' is %s", text, what);
  if (bounds.s) text_add(complaint, "; it must be %s", bounds.s);
  text_clear(&bounds);
}

static void check_integer(const Param *param, const char *text, Text *canonical, Text *complaint)
{
  int64_t x;
  if (!read_integer(text, &x))
    complain(param, text, "not a whole number", complaint);
  else if (!in_bounds(param, (double)x))
    complain(param, text, "out of bounds", complaint);
  else
    text_add(canonical, "%lld", (long long)x);
}

static void check_real(const Param *param, const char *text, Text *canonical, Text *complaint)
{
  double x;
  if (!read_real(text, &x))
    complain(param, text, "not a number", complaint);
  else if (!in_bounds(param, x))
    complain(param, text, "out of bounds", complaint);
  else
    text_number(canonical, x + 0.0); /* -0 is 0 */
}

static void check_share(const Param *param, const char *text, Text *canonical, Text *complaint)
{
  double x;
  char *number = text_copy(text);
  const size_t length = strlen(text);
  const bool percent = length && text[length - 1] == '%';
  if (percent) number[length - 1] = 0;
  if (!read_real(number, &x) || (!percent && x != floor(x)))
    complain(param, text, "neither a whole number nor a percentage such as 5%", complaint);
  else if (percent && (x < 0 || x > 100))
    text_add(complaint, "'%s' is out of bounds; a percentage must be 0%% to 100%%", text);
  else if (!percent && !in_bounds(param, x))
    complain(param, text, "out of bounds", complaint);
  else {
    text_number(canonical, x + 0.0);
    if (percent) text_add(canonical, "%%");
  }
  free(number);
}

static void check_word(const Param *param, const char *text, Text *canonical, Text *complaint)
{
  for (const char *const *word = param->words; *word; word++)
    if (!strcmp(*word, text)) text_add(canonical, "%s", text);
  if (canonical->s) return;
  const char *near = nearest_word(text, param->words);
  complain(param, text, "unknown", complaint);
  if (near) text_add(complaint, " (did you mean %s?)", near);
}

PetscErrorCode ParamScalar(const Param *param, const char *text, char **canonical, char **complaint)
{
  Text right = {0}, wrong = {0};

  PetscFunctionBegin;
  PetscCheck(param->type != PARAM_CHOICE, PETSC_COMM_SELF, PETSC_ERR_ARG_WRONG,
             "%s is a choice, not a scalar", param->name);
  *canonical = *complaint = NULL;
  if (!*text && param->initial && !*param->initial) { /* optional, and not given */
    *canonical = text_copy("");
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  switch (param->type) {
  case PARAM_INT:
    check_integer(param, text, &right, &wrong);
    break;
  case PARAM_REAL:
    check_real(param, text, &right, &wrong);
    break;
  case PARAM_SHARE:
    check_share(param, text, &right, &wrong);
    break;
  case PARAM_WORD:
    check_word(param, text, &right, &wrong);
    break;
  case PARAM_BOOL:
    if (strcmp(text, "true") && strcmp(text, "false"))
      complain(param, text, "not a truth value", &wrong);
    else
      text_add(&right, "%s", text);
    break;
  default:
    if (*text)
      text_add(&right, "%s", text);
    else
      text_add(&wrong, "it is empty");
  }
  *complaint = wrong.s;
  *canonical = right.s;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static int word_number(const Param *param, const char *value)
{
  for (int i = 0; param->words[i]; i++)
    if (!strcmp(param->words[i], value)) return i;
  return -1;
}

/* One field; value is canonical text. */
static void fill(const Param *param, const char *value, void *field)
{
  switch (param->type) {
  case PARAM_INT:
    *(int64_t *)field = strtoll(value, NULL, 10);
    break;
  case PARAM_REAL:
    *(double *)field = *value ? strtod(value, NULL) : (double)NAN;
    break;
  case PARAM_BOOL:
    *(bool *)field = !strcmp(value, "true");
    break;
  case PARAM_WORD:
    *(int *)field = word_number(param, value);
    break;
  case PARAM_SHARE:
    ((Share *)field)->value = strtod(value, NULL);
    ((Share *)field)->percent = strchr(value, '%') != NULL;
    break;
  default:
    *(char **)field = *value ? text_copy(value) : NULL;
  }
}

/* ChoiceRead, with the word that stands where there is none. */
static PetscErrorCode ReadChoice(const Settings *settings, const char *path, const Family *family,
                                 const char *initial, Choice *choice)
{
  Text prefix = {0}, name = {0};

  PetscFunctionBegin;
  choice->entry = NULL, choice->params = NULL;
  text_add(&name, "%s.name", path);
  text_add(&prefix, "%s.", path);
  const char *word = settings_get(settings, name.s);
  if (!word) word = initial;
  PetscCheck(word, PETSC_COMM_SELF, PETSC_ERR_ARG_WRONG, "no setting %s", name.s);
  choice->entry = family_find(family, word);
  PetscCheck(choice->entry, PETSC_COMM_SELF, PETSC_ERR_ARG_WRONG, "%s: no %s named %s", path,
             family->kind, word);
  if (choice->entry->params_size) {
    choice->params = calloc(1, choice->entry->params_size);
    PetscCheck(choice->params, PETSC_COMM_SELF, PETSC_ERR_MEM, "no memory for %s", path);
    PetscCall(ParamsRead(settings, prefix.s, choice->entry->params, choice->params));
  }
  text_clear(&name);
  text_clear(&prefix);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ParamsRead(const Settings *settings, const char *prefix, const Param *params,
                          void *out)
{
  PetscFunctionBegin;
  for (const Param *param = params; param && param->name; param++) {
    Text path = {0};
    void *field = (char *)out + param->offset;
    text_add(&path, "%s%s", prefix, param->name);
    if (param->type == PARAM_CHOICE) {
      PetscCall(
          ReadChoice(settings, path.s, param->family, param->quiet ? param->initial : NULL, field));
    } else {
      const char *value = settings_get(settings, path.s);
      if (!value && param->quiet) value = param->initial;
      PetscCheck(value, PETSC_COMM_SELF, PETSC_ERR_ARG_WRONG, "no setting %s", path.s);
      if (*value || !((param->initial && !*param->initial) || param->instead)) {
        char *canonical, *complaint;
        PetscCall(ParamScalar(param, value, &canonical, &complaint));
        PetscCheck(canonical, PETSC_COMM_SELF, PETSC_ERR_ARG_WRONG, "setting %s: %s", path.s,
                   complaint);
        free(canonical);
      }
      fill(param, value, field);
    }
    text_clear(&path);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ParamsRelease(const Param *params, void *out)
{
  PetscFunctionBegin;
  for (const Param *param = params; out && param && param->name; param++) {
    void *field = (char *)out + param->offset;
    if (param->type == PARAM_CHOICE) PetscCall(ChoiceRelease(field));
    if (param->type == PARAM_TEXT || param->type == PARAM_ANCHORS) {
      free(*(char **)field);
      *(char **)field = NULL;
    }
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ChoiceRead(const Settings *settings, const char *path, const Family *family,
                          Choice *choice)
{
  PetscFunctionBegin;
  PetscCall(ReadChoice(settings, path, family, NULL, choice));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ChoiceRelease(Choice *choice)
{
  PetscFunctionBegin;
  if (choice->entry) PetscCall(ParamsRelease(choice->entry->params, choice->params));
  free(choice->params);
  choice->entry = NULL, choice->params = NULL;
  PetscFunctionReturn(PETSC_SUCCESS);
}
