/* The states of all metrics of one pass: added to tile by tile, joined once. */
#include "measure/pass.h"
#include "measure/rows.h"
#include <math.h>
#include <string.h>

/* All metrics' parts of one kind lie in one array, so that joining is one call for each kind. The
   counts begin with the number of tokens and the m counts of firing. */
struct Pass {
  const Dictionary *dictionary;
  const ChosenMetric *chosen;
  bool train, cosines, encodes;
  int metrics;
  MetricShape all;
  MetricState whole, *state;
  Packed unit; /* atoms with unit rows, for the cosines */
  Codes codes;
  int64_t space;    /* tokens there is room for below */
  float *Y, *U, *S; /* [space x d], [space x d], [space x m] */
};

struct MetricOutput {
  Table *table;
  const char *metric, *split;
};

void metric_put(MetricOutput *output, const char *setting, double value)
{
  if (TableAddRow(output->table)) return;
  table_text(output->table, "metric", output->metric);
  table_text(output->table, "split", output->split);
  table_text(output->table, "setting", setting ? setting : "");
  table_number(output->table, "value", value);
}

static bool applies(const Pass *pass, const Metric *metric)
{
  return (pass->encodes || metric->codeless) &&
         (pass->train || !(metric->once || metric->train_only));
}

static MetricShape shape_of(const Pass *pass, const ChosenMetric *chosen)
{
  const Metric *metric = chosen->metric;
  if (!metric->shape || !applies(pass, metric)) return (MetricShape){0};
  return metric->shape(pass->dictionary->m, pass->dictionary->d, chosen->params);
}

static PetscErrorCode PackUnitAtoms(Pass *pass)
{
  const Dictionary *D = pass->dictionary;
  float *unit;
  PetscFunctionBeginUser;
  PetscCall(ArrayCreate(D->m * D->d, &unit));
  unit_rows(D->kernels, D->m, D->d, D->atoms, unit);
  D->kernels->pack(D->m, D->d, unit, D->d, &pass->unit);
  PetscCall(ArrayDestroy(&unit));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Gives every metric its share of the arrays. */
static void lay_out(Pass *pass)
{
  MetricShape at = {.count = 1 + pass->dictionary->m};
  for (int i = 0; i < pass->metrics; i++) {
    const MetricShape shape = shape_of(pass, &pass->chosen[i]);
    pass->state[i] = (MetricState){pass->whole.exact + at.exact, pass->whole.least + at.least,
                                   pass->whole.most + at.most, pass->whole.count + at.count};
    at.exact += shape.exact;
    at.least += shape.least;
    at.most += shape.most;
    at.count += shape.count;
  }
  for (int64_t i = 0; i < at.least; i++) pass->whole.least[i] = INFINITY;
  for (int64_t i = 0; i < at.most; i++) pass->whole.most[i] = -INFINITY;
}

PetscErrorCode PassCreate(const Dictionary *dictionary, const ChosenMetric *chosen, bool train,
                          Pass **out)
{
  Pass *pass;
  PetscFunctionBeginUser;
  PetscCall(PetscNew(&pass));
  pass->dictionary = dictionary;
  pass->chosen = chosen;
  pass->train = train;
  pass->encodes = dictionary->method && dictionary->method->encode;
  pass->all.count = 1 + dictionary->m;
  for (; chosen[pass->metrics].metric; pass->metrics++) {
    const ChosenMetric *one = &chosen[pass->metrics];
    const MetricShape shape = shape_of(pass, one);
    pass->all.exact += shape.exact;
    pass->all.least += shape.least;
    pass->all.most += shape.most;
    pass->all.count += shape.count;
    pass->cosines |= applies(pass, one->metric) && one->metric->cosines;
  }
  PetscCall(ArrayCreate(pass->all.exact, &pass->whole.exact));
  PetscCall(ArrayCreate(pass->all.least, &pass->whole.least));
  PetscCall(ArrayCreate(pass->all.most, &pass->whole.most));
  PetscCall(ArrayCreate(pass->all.count, &pass->whole.count));
  PetscCall(ArrayCreate(pass->metrics, &pass->state));
  lay_out(pass);
  if (pass->cosines) PetscCall(PackUnitAtoms(pass));
  *out = pass;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode PassDestroy(Pass **pass)
{
  PetscFunctionBeginUser;
  if (!*pass) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(ArrayDestroy(&(*pass)->whole.exact));
  PetscCall(ArrayDestroy(&(*pass)->whole.least));
  PetscCall(ArrayDestroy(&(*pass)->whole.most));
  PetscCall(ArrayDestroy(&(*pass)->whole.count));
  PetscCall(ArrayDestroy(&(*pass)->state));
  PetscCall(ArrayDestroy(&(*pass)->Y));
  PetscCall(ArrayDestroy(&(*pass)->U));
  PetscCall(ArrayDestroy(&(*pass)->S));
  packed_clear(&(*pass)->unit);
  codes_clear(&(*pass)->codes);
  PetscCall(PetscFree(*pass));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Reserve(Pass *pass, int64_t n)
{
  const Dictionary *D = pass->dictionary;
  PetscFunctionBeginUser;
  if (n <= pass->space) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(ArrayDestroy(&pass->Y));
  PetscCall(ArrayDestroy(&pass->U));
  PetscCall(ArrayDestroy(&pass->S));
  PetscCall(ArrayCreate(n * D->d, &pass->Y));
  if (pass->cosines) PetscCall(ArrayCreate(n * D->d, &pass->U));
  if (pass->cosines) PetscCall(ArrayCreate(n * D->m, &pass->S));
  pass->space = n;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode PassAdd(Pass *pass, int64_t n, const float *X)
{
  const Dictionary *D = pass->dictionary;
  int64_t *fired = pass->whole.count + 1;
  PetscFunctionBeginUser;
  PetscCall(Reserve(pass, n));
  if (pass->encodes) {
    PetscCall(DictionaryEncode(D, n, X, &pass->codes));
    PetscCall(DictionaryDecode(D, &pass->codes, pass->Y));
  }
  if (pass->cosines) {
    unit_rows(D->kernels, n, D->d, X, pass->U);
    D->kernels->scores(n, pass->U, D->d, &pass->unit, NULL, pass->S, D->m);
  }
  pass->whole.count[0] += n;
  for (int64_t q = 0; pass->encodes && q < pass->codes.start[n]; q++)
    fired[pass->codes.atom[q]] += pass->codes.value[q] > 0;
  const Tile tile = {n, D->d, X, pass->Y, &pass->codes, D, pass->S};
  for (int i = 0; i < pass->metrics; i++) {
    const ChosenMetric *one = &pass->chosen[i];
    if (one->metric->add && applies(pass, one->metric))
      one->metric->add(&tile, one->params, &pass->state[i]);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode PassJoin(MPI_Comm comm, Pass *pass)
{
  const MetricState *w = &pass->whole;
  PetscFunctionBeginUser;
  PetscCall(ExactSum(comm, pass->all.exact, w->exact));
  for (int64_t i = 0; i < pass->all.least; i++) w->least[i] += 0.0; /* - 0 has no place here */
  for (int64_t i = 0; i < pass->all.most; i++) w->most[i] += 0.0;
  PetscCallMPI(
      MPI_Allreduce(MPI_IN_PLACE, w->least, (int)pass->all.least, MPI_DOUBLE, MPI_MIN, comm));
  PetscCallMPI(
      MPI_Allreduce(MPI_IN_PLACE, w->most, (int)pass->all.most, MPI_DOUBLE, MPI_MAX, comm));
  PetscCallMPI(
      MPI_Allreduce(MPI_IN_PLACE, w->count, (int)pass->all.count, MPI_INT64_T, MPI_SUM, comm));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode PassFinish(const Pass *pass, const char *split, Table *values)
{
  PetscFunctionBeginUser;
  for (int i = 0; i < pass->metrics; i++) {
    const ChosenMetric *one = &pass->chosen[i];
    MetricOutput output = {values, one->metric->entry.name, split};
    if (!applies(pass, one->metric)) continue;
    PetscCall(one->metric->finish(pass->dictionary, pass->whole.count[0], one->params,
                                  &pass->state[i], &output));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

const int64_t *pass_fired(const Pass *pass)
{
  return pass->whole.count + 1;
}
