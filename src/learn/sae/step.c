/* The whole training step on one page: docs/numerics.md section 3. */
#include "batch.h"
#include <math.h>
#include <string.h>

/* Whole-batch sums of the main loss, finished into gradients of D, the encoder and the biases. */
static PetscErrorCode MainGradients(SAE *sae, double l1)
{
  SAEBatch *batch = sae->batch;
  const int64_t d = sae->d;
  const double b = (double)batch->b;
  const float f = (float)(2.0 / (b * (double)d)), h = (float)(1.0 / b);
  float *dE = tensor_named(sae, "encoder/weight")->g, *db = tensor_named(sae, "encoder/bias")->g,
        *dbias = tensor_named(sae, "bias")->g;
  SAETerm term;

  PetscFunctionBegin;
  PetscCall(BatchExchange(sae, false, &term));
  PetscCall(BatchSums(sae, &term, sae->G, batch->GE, batch->gb, l1 > 0 ? batch->zs : NULL));
  PetscCall(BatchChain(sae, batch->gb, batch->e));
  for (int64_t j = 0; j < sae->rows; j++) {
    const float *D = sae->D + (sae->first + j) * d;
    const double norm = l1 > 0 ? batch->norm[sae->first + j] : 0;
    const float coefficient = norm > 0 ? (float)(l1 * (double)batch->zs[j] / (b * norm)) : 0;
    for (int64_t i = 0; i < d; i++) {
      sae->G[j * d + i] = f * sae->G[j * d + i];
      if (l1 > 0) sae->G[j * d + i] += coefficient * D[i];
      dE[j * d + i] = h * batch->GE[j * d + i];
    }
    db[j] = h * batch->gb[j];
  }
  for (int64_t i = 0; i < d; i++) dbias[i] = f * batch->ge[i] - h * batch->chain[i];
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The auxiliary loss: its own sums, each added once. *loss is its value. */
static PetscErrorCode AuxGradients(SAE *sae, double square, double weight, double *loss)
{
  SAEBatch *batch = sae->batch;
  const int64_t d = sae->d;
  float *dE = tensor_named(sae, "encoder/weight")->g, *db = tensor_named(sae, "encoder/bias")->g,
        *dbias = tensor_named(sae, "bias")->g;
  const double variance = square - sae->kernels->square64(d, batch->ge) / (double)batch->b;
  Exact sum = {0};

  PetscFunctionBegin;
  *loss = 0;
  if (!(variance > 0)) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(BatchAux(sae, &sum));
  PetscCall(SAESum(sae, 1, &sum));
  *loss = weight * exact_value(&sum) / variance;
  SAETerm term;
  PetscCall(BatchExchange(sae, true, &term));
  PetscCall(BatchSums(sae, &term, batch->aG, batch->aE, batch->ab, NULL));
  PetscCall(BatchChain(sae, batch->ab, NULL));
  const float f = (float)(2 * weight / variance);
  for (int64_t i = 0; i < sae->rows * d; i++) {
    sae->G[i] += f * batch->aG[i];
    dE[i] += f * batch->aE[i];
  }
  for (int64_t j = 0; j < sae->rows; j++) db[j] += f * batch->ab[j];
  for (int64_t i = 0; i < d; i++) dbias[i] -= f * batch->chain[i];
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Squared norm of all gradients: rows in float64, their sum exact; what all ranks hold is counted
 * once. */
static PetscErrorCode GradientNorm(SAE *sae, double *norm)
{
  Exact sum = {0};

  PetscFunctionBegin;
  for (int i = 0; i < sae->tensors; i++) {
    const Tensor *t = &sae->tensor[i];
    if (t->shared && sae->rank) continue;
    for (int64_t j = 0; j < t->rows; j++)
      exact_add(&sum, sae->kernels->square64(t->cols, t->g + j * t->cols));
  }
  PetscCall(SAESum(sae, 1, &sum));
  *norm = __builtin_sqrt(exact_value(&sum));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Optimizer, whether every parameter is finite, and the constraint. */
static PetscErrorCode Apply(SAE *sae, double rate, double norm, bool *finite)
{
  const Choice *optimizer = &sae->params.optimizer;
  const double clip = sae->params.clip;
  const Update update = {.count = sae->block_size,
                         .step = sae->step + 1,
                         .p = sae->block[0],
                         .g = sae->block[1],
                         .m = sae->block[2],
                         .v = sae->block[3],
                         .scale = clip > 0 && norm > clip ? (float)(clip / norm) : 1,
                         .rate = rate,
                         .kernels = sae->kernels};

  PetscFunctionBegin;
  memcpy(sae->previous, sae->block[0], (size_t)sae->block_size * sizeof(float));
  ((const Optimizer *)optimizer->entry)->update(optimizer->params, &update);
  int64_t bad = 0; /* before the constraint, which turns NaN in weights into 0 */
  for (int64_t i = 0; i < sae->block_size; i++) bad |= !isfinite(sae->block[0][i]);
  ((const SAEAtoms *)sae->params.atoms.entry)->project(sae);
  PetscCall(NodesSum(sae->nodes, 1, &bad));
  *finite = !bad;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Tokens since each atom fired, and how many fired in all. */
static int64_t count_silence(SAE *sae, const Codes *codes)
{
  for (int64_t j = 0; j < sae->m; j++) sae->silent[j] += sae->batch->b;
  for (int64_t q = 0; q < codes->start[codes->rows]; q++) sae->silent[codes->atom[q]] = 0;
  return codes->start[codes->rows];
}

static void report_value(StepReport *report, const char *name, double value)
{
  report->value[report->values].name = name;
  report->value[report->values++].value = value;
}

static bool worth_logging(int64_t step, int64_t steps)
{
  const int64_t every = max_i64(steps / 200, 1);
  return step <= 10 || step % every == 0 || step == steps;
}

PetscErrorCode SAEStep(SAE *sae, StepReport *report)
{
  SAEBatch *batch = sae->batch;
  const SAEParams *params = &sae->params;
  const SAECode *code = (const SAECode *)params->code.entry;
  const double l1 = code->l1 ? code->l1(params->code.params) : 0;
  const Optimizer *optimizer = (const Optimizer *)params->optimizer.entry;
  Exact sums[2] = {0};
  double aux_loss = 0, norm = 0;
  bool finite = true;

  PetscFunctionBegin;
  const double rate = optimizer->rate(params->optimizer.params) *
                      ((const Schedule *)params->schedule.entry)
                          ->factor(params->schedule.params, sae->step, sae->steps);
  PetscCall(BatchForward(sae, sums));
  PetscCall(SAESum(sae, 2, sums));
  const double square = exact_value(&sums[0]);
  PetscCall(MainGradients(sae, l1));
  if (batch->deads) {
    const SAEAux aux =
        ((const SAERevive *)params->revive.entry)->aux(params->revive.params, sae->d);
    PetscCall(AuxGradients(sae, square, aux.weight, &aux_loss));
  }
  const int64_t nonzeros = count_silence(sae, sae->size > 1 ? &batch->all[0].codes : &batch->own);
  PetscCall(((const SAEAtoms *)params->atoms.entry)->pull_back(sae));
  PetscCall(GradientNorm(sae, &norm));
  PetscCall(Apply(sae, rate, norm, &finite));
  PetscCall(SAEPublish(sae));
  sae->step++;
  const double mse = square / ((double)batch->b * (double)sae->d),
               penalty = l1 * exact_value(&sums[1]) / (double)batch->b;
  const double loss = mse + (l1 > 0 ? penalty : 0) + aux_loss;
  *report = (StepReport){.step = sae->step,
                         .steps = sae->steps,
                         .tokens = batch->b,
                         .log = worth_logging(sae->step, sae->steps)};
  report->state = !finite || !isfinite(loss) ? STEP_FAILED
                  : sae->step >= sae->steps  ? STEP_DONE
                                             : STEP_MORE;
  report->reason = !isfinite(loss) ? "the loss is not finite"
                   : !finite       ? "a parameter is not finite"
                                   : "all steps done";
  report_value(report, "loss", loss);
  report_value(report, "mse", mse);
  report_value(report, "l0", (double)nonzeros / (double)batch->b);
  report_value(report, "gradient", norm);
  report_value(report, "rate", rate);
  report_value(report, "dead", (double)batch->deads);
  PetscFunctionReturn(PETSC_SUCCESS);
}
