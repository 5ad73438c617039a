/* Principal directions as a dictionary: one pass, one decomposition. */
#include "projection.h"
#include "work.h"
#include <string.h>

typedef struct {
  float *encoder, *encoder_bias, *bias;
  double *variance, *mean;
  float *shift; /* NULL: about the origin */
} Projection;

const Param projection_params[] = {
    {"width", PARAM_INT, offsetof(ProjectionParams, width), NULL, 1, 1e9,
     "components, at most the width of a token"},
    {0},
};

char *projection_check(const void *settings, const Settings *all, const char **path)
{
  *path = "width";
  return width_check(((const ProjectionParams *)settings)->width, all, "components");
}

MethodWork projection_work(const void *settings, double n, double d, double p)
{
  (void)settings, (void)n, (void)p;
  return gram_work(d);
}

PetscErrorCode ProjectionStart(Classical *c, bool centred)
{
  Projection *p;
  void *array[4];

  PetscFunctionBegin;
  PetscCall(ArrayCreate(1, &p));
  c->own = p;
  PetscCall(ClassicalArray(c, "encoder/weight", H5_F32, 2, c->m, c->d, true, &array[0]));
  PetscCall(ClassicalArray(c, "encoder/bias", H5_F32, 1, c->m, 1, true, &array[1]));
  PetscCall(ClassicalArray(c, "bias", H5_F32, 1, c->d, 1, true, &array[2]));
  PetscCall(ClassicalArray(c, "variance", H5_F64, 1, c->m, 1, true, &array[3]));
  p->encoder = array[0], p->encoder_bias = array[1], p->bias = array[2], p->variance = array[3];
  PetscCall(ArrayCreate(c->d, &p->mean));
  if (centred) PetscCall(ArrayCreate(c->d, &p->shift));
  if (centred) shift_of(&c->task->view, p->shift);
  for (int64_t j = 0; j < c->m; j++) c->atoms[j * c->d + j % c->d] = 1;
  memcpy(p->encoder, c->atoms, (size_t)(c->m * c->d) * sizeof(float));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int64_t projection_count(const Classical *c)
{
  return gram_count(c->d);
}

PetscErrorCode ProjectionLeaf(Classical *c, int64_t first, int64_t rows, const float *X,
                              double *sums)
{
  PetscFunctionBegin;
  (void)first;
  gram_leaf(c, ((Projection *)c->own)->shift, rows, X, sums);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ProjectionFinish(Classical *c, const double *sums, double objective,
                                StepReport *report)
{
  Projection *p = c->own;
  double *vectors, kept = 0;

  PetscFunctionBegin;
  (void)objective;
  PetscCall(ArrayCreate(c->m * c->d, &vectors));
  PetscCall(SpectrumOfGram(c->n, c->d, sums, p->shift, c->m, p->mean, p->variance, vectors));
  for (int64_t i = 0; i < c->m * c->d; i++) c->atoms[i] = p->encoder[i] = (float)vectors[i];
  for (int64_t i = 0; i < c->d; i++) p->bias[i] = (float)p->mean[i];
  for (int64_t j = 0; j < c->m; j++) kept += p->variance[j];
  PetscCall(ArrayDestroy(&vectors));
  c->number[CLASSICAL_ENDED] = CLASSICAL_SOLVED;
  report->log = true;
  report->values = 1;
  report->value[0].name = "variance";
  report->value[0].value = kept;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ProjectionDestroy(Classical *c)
{
  Projection *p = c->own;

  PetscFunctionBegin;
  PetscCall(ArrayDestroy(&p->mean));
  PetscCall(ArrayDestroy(&p->shift));
  PetscCall(ArrayDestroy(&c->own));
  PetscFunctionReturn(PETSC_SUCCESS);
}

const double *projection_variance(const Classical *c)
{
  return ((const Projection *)c->own)->variance;
}

PetscErrorCode ProjectionCovariance(const Classical *c, const double *sums, double *C)
{
  const Projection *p = c->own;

  PetscFunctionBegin;
  PetscCall(CovarianceOfGram(c->n, c->d, sums, p->shift, p->mean, C));
  PetscFunctionReturn(PETSC_SUCCESS);
}

void projection_encoder(Classical *c, const double *E)
{
  Projection *p = c->own;
  for (int64_t i = 0; i < c->m * c->d; i++) p->encoder[i] = (float)E[i];
}
