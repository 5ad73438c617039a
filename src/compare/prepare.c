/* Atoms made ready to be compared, and the list of comparisons that were asked for. */
#include "compare/pair.h"
#include "measure/rows.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

const char *const centring_names[CENTRINGS] = {"raw", "centred", "projected"};

static PetscErrorCode TakeMean(int64_t m, int64_t d, const float *D, float *out)
{
  double *mean;
  PetscFunctionBeginUser;
  PetscCall(ArrayCreate(d, &mean));
  for (int64_t j = 0; j < m; j++)
    for (int64_t i = 0; i < d; i++) mean[i] += (double)D[j * d + i];
  for (int64_t i = 0; i < d; i++) mean[i] /= (double)m;
  for (int64_t j = 0; j < m; j++)
    for (int64_t i = 0; i < d; i++) out[j * d + i] = (float)((double)D[j * d + i] - mean[i]);
  PetscCall(ArrayDestroy(&mean));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode AtomsPrepare(const Kernels *kernels, Centring centring, int64_t m, int64_t d,
                            const float *D, const float *direction, float *unit)
{
  PetscFunctionBeginUser;
  if (centring == CENTRING_CENTRED) {
    PetscCall(TakeMean(m, d, D, unit));
    D = unit;
  }
  for (int64_t j = 0; centring == CENTRING_PROJECTED && j < m; j++) {
    const double along = kernels->dot64(d, D + j * d, direction);
    for (int64_t i = 0; i < d; i++)
      unit[j * d + i] = (float)((double)D[j * d + i] - along * (double)direction[i]);
  }
  unit_rows(kernels, m, d, centring == CENTRING_PROJECTED ? unit : D, unit);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode MeanDirection(const View *view, float *direction, bool *there)
{
  const TokenStatistics *statistics = tokens_statistics(view->tokens);
  const int64_t d = tokens_width(view->tokens);
  double *mean, square = 0;
  PetscFunctionBeginUser;
  PetscCall(ArrayCreate(d, &mean));
  for (int64_t i = 0; i < d; i++) {
    mean[i] = statistics->mean[i] / view->normaliser->scale[i];
    square += mean[i] * mean[i];
  }
  *there = statistics->mean_over_rms > 0x1p-20 && square > 0 && isfinite(square);
  for (int64_t i = 0; i < d; i++) direction[i] = *there ? (float)(mean[i] / sqrt(square)) : 0;
  PetscCall(ArrayDestroy(&mean));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TruthRead(const View *view, int64_t *truths, float **truth)
{
  const int64_t d = tokens_width(view->tokens);
  PetscFunctionBeginUser;
  PetscCall(TokensTruth(view->tokens, truths, truth));
  for (int64_t j = 0; j < *truths; j++)
    for (int64_t i = 0; i < d; i++)
      (*truth)[j * d + i] = (float)((double)(*truth)[j * d + i] / view->normaliser->scale[i]);
  PetscFunctionReturn(PETSC_SUCCESS);
}

int64_t chosen_count(const ChosenComparison *chosen)
{
  int64_t count = 0;
  while (chosen[count].comparison) count++;
  return count;
}

unsigned chosen_needs(const ChosenComparison *chosen)
{
  unsigned needs = 0;
  for (; chosen->comparison; chosen++) needs |= chosen->comparison->needs;
  if (needs & NEED_BOTH) needs |= NEED_ENCODER;
  if (needs & NEED_OTHERS) needs |= NEED_MATCHING;
  return needs;
}

/* Adds a setting that is not at its default. */
static void add_setting(const Param *param, const void *params, Text *text)
{
  const char *field = (const char *)params + param->offset;
  Text value = {0};
  if (param->type == PARAM_WORD)
    text_add(&value, "%s", param->words[*(const int *)field]);
  else if (param->type == PARAM_INT)
    text_add(&value, "%lld", (long long)*(const int64_t *)field);
  else
    text_number(&value, *(const double *)field);
  const bool differs = param->type == PARAM_WORD
                           ? strcmp(value.s, param->initial) != 0
                           : strtod(value.s, NULL) != strtod(param->initial, NULL);
  if (differs) text_add(text, " %s=%s", param->name, value.s);
  text_clear(&value);
}

char *chosen_label(const ChosenComparison *one)
{
  const Entry *entry = &one->comparison->entry;
  Text text = {0};
  text_add(&text, "%s", entry->name);
  for (const Param *param = entry->params; one->params && param && param->name; param++)
    add_setting(param, one->params, &text);
  return text.s;
}

PetscErrorCode OwnCreate(const Kernels *kernels, const Atoms *atoms, const ChosenComparison *chosen,
                         double ***own)
{
  PetscFunctionBeginUser;
  PetscCall(ArrayCreate(chosen_count(chosen), own));
  for (int64_t v = 0; chosen[v].comparison; v++) {
    const Comparison *one = chosen[v].comparison;
    if (!one->own || atoms->m == 0) continue;
    PetscCall(ArrayCreate(one->own_size(atoms, chosen[v].params), &(*own)[v]));
    PetscCall(one->own(kernels, atoms, chosen[v].params, (*own)[v]));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode OwnDestroy(const ChosenComparison *chosen, double ***own)
{
  PetscFunctionBeginUser;
  for (int64_t v = 0; *own && chosen[v].comparison; v++) PetscCall(ArrayDestroy(&(*own)[v]));
  PetscCall(ArrayDestroy(own));
  PetscFunctionReturn(PETSC_SUCCESS);
}
