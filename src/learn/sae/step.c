/* The whole training step on one page: docs/numerics.md section 3. */
#include "batch.h"
#include "learn/average.h"
#include "learn/encoder.h"
#include "learn/hidden.h"
#include "learn/resample.h"
#include "learn/rows.h"
#include <math.h>
#include <string.h>

/* What the sums over the batch are multiplied by. */
typedef struct {
  double b;
  float f, h;          /* for GD and ge; for GE, gb and the chain */
  double l1;           /* 0: no penalty */
  bool with_aux;       /* the auxiliary loss has sums */
  float aux;           /* for its sums */
  double lift;         /* what the loss loses of a silent atom's mean score; 0: nothing */
  const float *tokens; /* [inputs] sum of what scores are made of, with lift */
} Factors;

static void scale(int64_t n, float a, float plus, float *x)
{
  for (int64_t i = 0; i < n; i++) x[i] = a * x[i] + plus;
}

static void add_scaled(int64_t n, float a, const float *restrict x, float *restrict y)
{
  for (int64_t i = 0; i < n; i++) y[i] += a * x[i];
}

static void add(int64_t n, const float *restrict x, float *restrict y)
{
  for (int64_t i = 0; i < n; i++) y[i] += x[i];
}

/* Sums of the gate's part: its atoms count as constant. */
static PetscErrorCode GateSums(SAE *sae, double l1)
{
  SAEBatch *batch = sae->batch;
  const int64_t rows = sae->rows;
  const SAESums sums = {
      1 << SUM_GE | 1 << SUM_GB | (l1 > 0) << SUM_ZS,
      {[SUM_GE] = batch->level_sums, [SUM_GB] = batch->gate_gb, [SUM_ZS] = batch->zs}};

  PetscFunctionBegin;
  memcpy(batch->main_gb, batch->gb, (size_t)rows * sizeof(float));
  PetscCall(NodesBarrier(sae->nodes)); /* the sums before have been read */
  PetscCall(BatchGather(sae, batch->gate, &sums));
  add(rows * sae->inputs, sums.to[SUM_GE], sae->GE);
  add(rows, batch->gate_gb, batch->gb);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The sums of the main loss: GD in sae->G, GE in sae->GE; those of further levels are added to
   those of the first, in order. */
static PetscErrorCode MainSums(SAE *sae, double l1)
{
  SAEBatch *batch = sae->batch;
  const SAESums first = {sums_always(sae) | 1 << SUM_FIRED |
                             (l1 > 0 && !sae->now.code->gate) << SUM_ZS |
                             (sae->now.code->slopes != NULL) << SUM_OWN,
                         {sae->G, sae->GE, batch->gb, batch->zs, batch->own, batch->fired}};

  PetscFunctionBegin;
  PetscCall(BatchGather(sae, sae_main(sae), &first));
  for (int p = PART_MAIN + 1; p < PART_MAIN + sae_levels(sae); p++) {
    SAESums more = first;
    if (p == batch->unchosen) more.wanted = sums_always(sae);
    PetscCall(NodesBarrier(sae->nodes)); /* the sums before have been read */
    PetscCall(BatchGatherMore(sae, p, &more));
  }
  if (sae->now.code->gate) PetscCall(GateSums(sae, l1));
  PetscCall(BatchChain(sae, false, batch->gb));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The gradient of the bias that scores and reconstructions share. */
static void bias_gradient(SAE *sae, const Factors *by, bool aux)
{
  const SAEBatch *batch = sae->batch;
  float *g = tensor_named(sae, "bias")->g;
  for (int64_t i = 0; i < sae->d; i++)
    g[i] = aux ? g[i] - by->aux * batch->chain[i] : by->f * batch->ge[i] - by->h * batch->chain[i];
}

/* The sums of the auxiliary loss, whose value is *loss. */
static PetscErrorCode AuxSums(SAE *sae, double square, double weight, Factors *by, double *loss)
{
  SAEBatch *batch = sae->batch;
  Exact sum = {0};
  const float *columns = batch->ge; /* sums of the residuals of all codes */

  PetscFunctionBegin;
  *loss = 0;
  if (sae_apart(sae)) PetscCall(BatchRest(sae, &square, &columns));
  const double variance = square - sae->kernels->square64(sae->d, columns) / by->b;
  if (!(variance > 0)) PetscFunctionReturn(PETSC_SUCCESS);
  by->with_aux = true;
  by->aux = (float)(2 * weight / variance);
  PetscCall(BatchAux(sae, &sum));
  PetscCall(SAESum(sae, 1, &sum));
  *loss = weight * exact_value(&sum) / variance;
  PetscCall(
      BatchGather(sae, PART_AUX,
                  &(SAESums){sums_always(sae),
                             {[SUM_GD] = batch->aG, [SUM_GE] = batch->aE, [SUM_GB] = batch->ab}}));
  PetscCall(BatchChain(sae, true, batch->ab));
  bias_gradient(sae, by, true);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Is the atom active nowhere in the batch, so that its scores are lifted? After batch_silence. */
static bool lifted(const SAE *sae, const Factors *by, int64_t j)
{
  return by->lift > 0 && sae->silent[j] > 0;
}

/* Reanimation: its factor, the value it adds to the loss, and what the bias learns from it. After
   batch_silence. */
static PetscErrorCode Lift(SAE *sae, Factors *by, double *loss)
{
  const Choice *revive = &sae->params.revive;
  const SAERevive *how = (const SAERevive *)revive->entry;
  const int64_t d = sae->inputs;
  int64_t silent = 0;
  float *g = tensor_named(sae, "bias")->g;

  PetscFunctionBegin;
  *loss = 0;
  if (!how->lift) PetscFunctionReturn(PETSC_SUCCESS);
  for (int64_t j = 0; j < sae->m; j++) silent += sae->silent[j] > 0;
  by->lift = how->lift(revive->params, sae->m, silent);
  if (!silent || !(by->lift > 0)) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(BatchColumns(sae, d, sae->batch->in, &by->tokens));
  if (encoder_rows(sae) == ROWS_HIDDEN) /* its way back takes further sums */
    by->tokens =
        memcpy(sae->batch->hidden_row + max_i64(d, sae->d), by->tokens, (size_t)d * sizeof(float));
  for (int64_t j = 0; j < sae->m; j++) {
    const float *E = sae->E + j * d;
    if (!lifted(sae, by, j)) continue;
    *loss -= by->lift * (sae->kernels->dot64(d, E, by->tokens) / by->b + (double)sae->b[j]);
    if (encoder_rows(sae) != ROWS_HIDDEN) add_scaled(d, (float)by->lift, E, g);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Gradients of the atoms and of the encoder from their sums, a row at a time: factors, penalty,
   auxiliary loss, what the atoms make of it where that needs only the row, and the squared norms of
   what is finished. */
static void finish_rows(SAE *sae, const Factors *by, Exact *square)
{
  SAEBatch *batch = sae->batch;
  const SAEAtoms *atoms = (const SAEAtoms *)sae->params.atoms.entry;
  const Kernels *kernels = sae->kernels;
  const int64_t d = sae->d, inputs = sae->inputs;
  const Tensor *bias = tensor_named(sae, "encoder/bias");
  float *db = bias ? bias->g : batch->unused;
  const float *gb = sae->now.code->gate ? batch->gate_gb : batch->gb;
  const int kind = encoder_rows(sae);
  /* what the auxiliary loss adds to atoms that live: its factor times + 0; - 0 adds nothing */
  const float none = by->with_aux ? by->aux * 0.0f : -0.0f;
  int64_t at = 0; /* among the dead atoms here */
  for (int64_t j = 0; j < sae->rows; j++) {
    float *G = sae->G + j * d, *dE = sae->GE ? sae->GE + j * inputs : NULL;
    const double norm = by->l1 > 0 ? batch->norm[sae->first + j] : 0;
    const bool dead = by->with_aux && batch->dead[sae->first + j];
    const float plus = dead ? -0.0f : none;
    scale(d, by->f, by->l1 > 0 ? -0.0f : plus, G);
    if (dE) scale(inputs, by->h, plus, dE);
    db[j] = by->h * gb[j] + plus;
    if (by->l1 > 0)
      add_scaled(d, norm > 0 ? (float)(by->l1 * (double)batch->zs[j] / (by->b * norm)) : 0,
                 sae->D + (sae->first + j) * d, G);
    if (by->l1 > 0 && by->with_aux) scale(d, 1, plus, G);
    if (dead) {
      add_scaled(d, by->aux, batch->aG + at * d, G);
      if (dE) add_scaled(inputs, by->aux, batch->aE + at * inputs, dE);
      db[j] += by->aux * batch->ab[at++];
    }
    if (lifted(sae, by, sae->first + j)) {
      add_scaled(inputs, (float)(-by->lift / by->b), by->tokens, dE);
      db[j] += (float)-by->lift;
    }
    if (kind == ROWS_LEARNED || kind == ROWS_HIDDEN)
      exact_add(square, kernels->square64(inputs, dE));
    if (kind == ROWS_ATOMS) add(d, dE, G);
    if (atoms->pull_back_row) exact_add(square, atoms->pull_back_row(sae, j));
  }
}

/* All gradients from the sums, and their norm: squares of rows in float64, their sum exact; what
 * all ranks hold is counted once. */
static PetscErrorCode Finish(SAE *sae, const Factors *by, double *norm)
{
  const SAEAtoms *atoms = (const SAEAtoms *)sae->params.atoms.entry;
  Exact sum = {0};

  PetscFunctionBegin;
  finish_rows(sae, by, &sum);
  if (sae->now.code->finish)
    sae->now.code->finish(sae, sae->batch->own, sae->batch->main_gb, by->h);
  if (!atoms->pull_back_row) PetscCall(atoms->pull_back(sae));
  for (int i = 0; i < sae->tensors; i++) {
    const Tensor *t = &sae->tensor[i];
    const bool counted =
        t == encoder_tensor(sae) || (atoms->pull_back_row && t == tensor_named(sae, "atoms"));
    if (counted || (t->shared && sae->rank)) continue;
    for (int64_t j = 0; j < t->rows; j++)
      exact_add(&sum, sae->kernels->square64(t->cols, t->g + j * t->cols));
  }
  PetscCall(SAESum(sae, 1, &sum));
  *norm = __builtin_sqrt(exact_value(&sum));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Whether nobody reads D and E between Apply and the next step. */
static bool rows_free(const SAE *sae)
{
  return ((const SAEAtoms *)sae->params.atoms.entry)->form == rows_form &&
         !((const SAERevive *)sae->params.revive.entry)->resample;
}

/* Finished rows of atoms and encoder go where all ranks read them, while they are near. */
static void publish_rows(SAE *sae, const Tensor *t, int64_t row, int64_t rows)
{
  const bool atoms = t == tensor_named(sae, "atoms");
  const int64_t at = (sae->first + row) * t->cols;
  const size_t size = (size_t)(rows * t->cols) * sizeof(float);
  const float *from = t->p + row * t->cols;
  if (atoms && sae->D + at != from) memcpy(sae->D + at, from, size);
  if (atoms ? encoder_rows(sae) == ROWS_ATOMS : t == encoder_tensor(sae))
    memcpy(sae->E + at, from, size);
}

/* Optimizer, whether every parameter is finite, and the constraint, over a few rows at a time. */
static PetscErrorCode Apply(SAE *sae, double rate, double norm, bool *finite)
{
  const Choice *optimizer = &sae->params.optimizer;
  const double clip = sae->params.clip;
  Update update = {.step = sae->step + 1,
                   .scale = clip > 0 && norm > clip ? (float)(clip / norm) : 1,
                   .rate = rate,
                   .kernels = sae->kernels};
  int64_t bad = 0; /* before the constraint, which turns NaN in weights into 0 */

  PetscFunctionBegin;
  sae->published = rows_free(sae);
  for (int i = 0; i < sae->tensors; i++) {
    const Tensor *t = &sae->tensor[i];
    const int64_t most = max_i64(APPLY_COUNT / t->cols, 1);
    for (int64_t row = 0; row < t->rows; row += most) {
      const int64_t rows = min_i64(most, t->rows - row), at = row * t->cols;
      update.count = rows * t->cols;
      update.p = t->p + at, update.m = t->m + at, update.v = t->v + at, update.g = t->g + at;
      memcpy(sae->batch->previous, update.p, (size_t)update.count * sizeof(float));
      ((const Optimizer *)optimizer->entry)->update(optimizer->params, &update);
      bad |= !all_finite(update.count, update.p);
      ((const SAEAtoms *)sae->params.atoms.entry)->project(sae, t, row, rows, sae->batch->previous);
      if (sae->published) publish_rows(sae, t, row, rows);
    }
  }
  PetscCall(NodesSum(sae->nodes, 1, &bad));
  *finite = !bad;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode SAERehearse(SAE *sae)
{
  Exact sums[2] = {0};
  bool finite;

  PetscFunctionBegin;
  PetscCall(SAESum(sae, 2, sums));
  if (sae->size > 1) PetscCall(BatchRehearse(sae));
  PetscCall(SAESum(sae, 1, sums));
  PetscCall(Apply(sae, 0, 0, &finite));
  PetscCall(BatchPublish(sae));
  PetscFunctionReturn(PETSC_SUCCESS);
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

/* The route of this step, where it is not forced: from the batch before, and not anew each time, so
 * that tokens read ahead stay useful. */
static void choose_route(SAE *sae)
{
  if (sae->wanted != ROUTE_AUTO || (sae->route && sae->step % 32 != 2)) return;
  const double most = (double)sae->now.code->most(&sae->now, sae->m);
  const StepShape shape = {.b = sae->params.batch,
                           .m = sae->m,
                           .d = sae->d,
                           .k = sae->active > 0 ? sae->active
                                : most < sae->m ? most
                                                : most / 2,
                           .ranks = sae->size,
                           .nodes = nodes_count(sae->nodes)};
  sae->route = route_choose(&shape);
}

PetscErrorCode SAEStep(SAE *sae, StepReport *report)
{
  SAEBatch *batch = sae->batch;
  const SAEParams *params = &sae->params;
  const SAECode *code = sae->now.code;
  const Optimizer *optimizer = (const Optimizer *)params->optimizer.entry;
  const SAEAtoms *atoms = (const SAEAtoms *)params->atoms.entry;
  Exact sums[3] = {0};
  double aux_loss = 0, lift_loss = 0, norm = 0;
  int64_t resampled = 0;
  bool finite = true;

  PetscFunctionBegin;
  const double rate = optimizer->rate(params->optimizer.params) *
                      ((const Schedule *)params->schedule.entry)
                          ->factor(params->schedule.params, sae->step, sae->steps);
  sae->now.step = sae->step, sae->now.steps = sae->steps;
  const double l1 = sae->l1 = code->l1 ? code->l1(&sae->now) : 0;
  choose_route(sae);
  PetscCall(BatchForward(sae, sums));
  PetscCall(SAESum(sae, code->gate ? 3 : 2, sums));
  sae->active = (double)batch->active / (double)batch->b;
  const double square = exact_value(&sums[0]);
  const double b = (double)batch->b;
  Factors by = {.b = b, .f = (float)(2.0 / (b * (double)sae->d)), .h = (float)(1.0 / b), .l1 = l1};
  PetscCall(MainSums(sae, l1));
  bias_gradient(sae, &by, false);
  if (batch->deads) PetscCall(AuxSums(sae, square, sae_aux(sae).weight, &by, &aux_loss));
  batch_silence(sae);
  PetscCall(Lift(sae, &by, &lift_loss));
  if (encoder_rows(sae) == ROWS_HIDDEN)
    PetscCall(HiddenBack(sae, by.h, by.with_aux ? (float)((double)by.aux * b) : 0, (float)by.lift));
  PetscCall(Finish(sae, &by, &norm));
  PetscCall(Apply(sae, rate, norm, &finite));
  sae->step++;
  if (code->stepped) code->stepped(&sae->now, sae->active);
  if (finite) PetscCall(Resample(sae, &resampled));
  average_step(sae);
  if (finite && atoms->renew && sae->step < sae->steps) atoms->renew(sae);
  PetscCall(SAEPublish(sae));
  const double mse = square / ((double)batch->b * (double)sae->d),
               penalty = l1 * exact_value(&sums[1]) / (double)batch->b;
  const double loss = mse + (l1 > 0 ? penalty : 0) + aux_loss + lift_loss +
                      exact_value(&sums[2]) / ((double)batch->b * (double)sae->d) +
                      (code->loss ? code->loss(&sae->now, sae->active) : 0);
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
  sae->taken |= 1u << sae->route;
  report->route = sae->size == 1                   ? "none"
                  : sae->taken == 1u << sae->route ? route_words[sae->route]
                                                   : "owner and allreduce";
  report->memory = nodes_word(sae->nodes);
  report->encoder = encoder_word(sae->encoder);
  report_value(report, "loss", loss);
  report_value(report, "mse", mse);
  report_value(report, "l0", sae->active);
  report_value(report, "gradient", norm);
  report_value(report, "rate", rate);
  report_value(report, "dead", (double)batch->deads);
  if (resampled) report_value(report, "resampled", (double)resampled);
  PetscFunctionReturn(PETSC_SUCCESS);
}
