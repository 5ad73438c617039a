/* The family of model importers, and what they share. */
#include "run/model_importer.h"
#include "base/array.h"
#include "base/math.h"
#include <inttypes.h>
#include <math.h>
#include <string.h>

#define X(name) extern const ModelImporter model_importer_##name;
#include "model-importer.def" /* written by the Makefile from the folder's listing */
#undef X

static const Entry *const entries[] = {
#define X(name) &model_importer_##name.entry,
#include "model-importer.def"
#undef X
    NULL,
};

const Family model_importers = {"model importer", "model importers", entries};

static const char *fact_in(const Table *table, const char *path)
{
  for (int64_t row = 0; table && row < table->rows; row++)
    if (!strcmp(table_cell(table, row, "path"), path)) return table_cell(table, row, "value");
  return "";
}

const char *model_fact(const ModelSource *source, const char *path)
{
  const char *value = fact_in(source->config, path);
  return *value || !source->arrays ? value : fact_in(source->arrays->facts, path);
}

static void tell_missing(const ModelSource *source, const char *name, Mistakes *mistakes)
{
  Text list = {0};
  const int64_t count = source->arrays->count;
  for (int64_t i = 0; i < count && i < 12; i++)
    text_add(&list, "%s%s", i ? ", " : "", source->arrays->array[i].name);
  mistake(mistakes, source->path, 0, 0, "has no array %s; it has %s%s", name,
          list.s ? list.s : "none", count > 12 ? ", …" : "");
  text_clear(&list);
}

/* Whether the array is of that shape; sizes that are 0 become its own. */
static bool fit(const FileArray *array, bool transposed, int64_t *rows, int64_t *cols)
{
  const int rank = *cols == 1 ? *rows == 1 ? 0 : 1 : 2;
  const bool number = rank == 0 && array->count == 1; /* [] and [1] are one number both */
  if (!array->numeric || (array->rank != rank && !number)) return false;
  int64_t *size[2] = {transposed ? cols : rows, transposed ? rows : cols};
  for (int i = 0; i < rank; i++) {
    if (!*size[i]) *size[i] = array->dims[i];
    if (*size[i] != array->dims[i]) return false;
  }
  return array->count > 0;
}

static void tell_shape(const ModelSource *source, const FileArray *array, bool transposed,
                       int64_t rows, int64_t cols, Mistakes *mistakes)
{
  Text shape = {0};
  const int64_t want[2] = {transposed ? cols : rows, transposed ? rows : cols};
  for (int i = 0; i < array->rank; i++)
    text_add(&shape, "%s%" PRId64, i ? " x " : "", array->dims[i]);
  text_add(&shape, "] of %s; it should be [", array->type);
  for (int i = 0; i < (cols == 1 ? rows == 1 ? 0 : 1 : 2); i++) {
    text_add(&shape, i ? " x " : "");
    text_add(&shape, want[i] ? "%" PRId64 : "any", want[i]);
  }
  mistake(mistakes, source->path, 0, 0, "%s is [%s] of numbers", array->name, shape.s);
  text_clear(&shape);
}

PetscErrorCode ModelTake(const ModelSource *source, const char *name, bool transposed,
                         int64_t *rows, int64_t *cols, float **x, Mistakes *mistakes)
{
  const FileArray *array = file_array_named(source->arrays, name);
  float *stored;
  bool finite = true;

  PetscFunctionBegin;
  *x = NULL;
  if (!array) tell_missing(source, name, mistakes);
  if (!array) PetscFunctionReturn(PETSC_SUCCESS);
  if (!fit(array, transposed, rows, cols)) {
    tell_shape(source, array, transposed, *rows, *cols, mistakes);
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(ArrayCreate(array->count, &stored));
  PetscCall(FileArrayRead(source->arrays, array, source->kernels, stored));
  for (int64_t i = 0; i < array->count && finite; i++)
    if (!isfinite(stored[i])) {
      finite = false;
      mistake(mistakes, source->path, 0, 0, "%s: number %" PRId64 " is not finite", name, i);
    }
  if (finite && transposed) {
    PetscCall(ArrayCreate(array->count, x));
    for (int64_t r = 0; r < *rows; r++)
      for (int64_t c = 0; c < *cols; c++) (*x)[r * *cols + c] = stored[c * *rows + r];
  } else if (finite) {
    *x = stored;
  }
  if (*x != stored) PetscCall(ArrayDestroy(&stored));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ModelTakeExtra(const ModelSource *source, const char *name, const char *as,
                              double (*what)(double), ForeignModel *model, Mistakes *mistakes)
{
  int64_t one = 1;
  float *x;

  PetscFunctionBegin;
  PetscCall(ModelTake(source, name, false, &model->m, &one, &x, mistakes));
  if (!x) PetscFunctionReturn(PETSC_SUCCESS);
  const int at = model->extras++;
  model->extra[at].name = as, model->extra[at].each = true;
  PetscCall(ArrayCreate(model->m, &model->extra[at].x));
  for (int64_t j = 0; j < model->m; j++)
    model->extra[at].x[j] = what ? what((double)x[j]) : (double)x[j];
  PetscCall(ArrayDestroy(&x));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ModelNumber(ForeignModel *model, const char *as, double value)
{
  const int at = model->extras++;

  PetscFunctionBegin;
  model->extra[at].name = as, model->extra[at].each = false;
  PetscCall(ArrayCreate(1, &model->extra[at].x));
  model->extra[at].x[0] = value;
  PetscFunctionReturn(PETSC_SUCCESS);
}

double model_log_threshold(double threshold)
{
  return threshold > 0 ? math_log(threshold) : -200;
}

/* An array of the code that was taken, or NULL. */
static double *extra_named(const ForeignModel *model, const char *name)
{
  for (int i = 0; i < model->extras; i++)
    if (!strcmp(model->extra[i].name, name)) return model->extra[i].x;
  return NULL;
}

void model_fold_bias(ForeignModel *model)
{
  const double *log_scale = extra_named(model, "code/log_scale");
  double *magnitude = log_scale ? extra_named(model, "code/bias") : NULL;
  for (int64_t j = 0; j < model->m; j++) {
    double sum = 0;
    for (int64_t i = 0; i < model->d; i++)
      sum += (double)model->encoder[j * model->d + i] * (double)model->bias[i];
    model->encoder_bias[j] = (float)((double)model->encoder_bias[j] + sum);
    if (magnitude) magnitude[j] += math_exp(log_scale[j]) * sum;
  }
}

void model_unit_atoms(ForeignModel *model)
{
  const int64_t d = model->d;
  for (int64_t j = 0; j < model->m; j++) {
    float *atom = model->atoms + j * d, *row = model->encoder + j * d;
    double square = 0;
    for (int64_t i = 0; i < d; i++) square += (double)atom[i] * (double)atom[i];
    const double norm = __builtin_sqrt(square);
    if (!(norm > 0)) continue;
    for (int64_t i = 0; i < d; i++)
      atom[i] = (float)((double)atom[i] / norm), row[i] = (float)((double)row[i] * norm);
    model->encoder_bias[j] = (float)((double)model->encoder_bias[j] * norm);
  }
}
