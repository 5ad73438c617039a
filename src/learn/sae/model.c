/* A sparse autoencoder's parameters: one block, named views into it, each atom with the rank that
 * owns it. */
#include "learn/average.h"
#include "learn/encoder.h"
#include "learn/hidden.h"
#include "batch.h"
#include "learn/simplex.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int sae_add_tensor(SAE *sae, const char *name, bool shared, int64_t cols)
{
  if (sae->tensors == SAE_TENSORS)
    abort(); /* a bug: a model with more tensors than there is room for */
  Tensor *t = &sae->tensor[sae->tensors];
  *t = (Tensor){.name = name,
                .shared = shared,
                .rank = shared || !cols ? 1 : 2,
                .cols = max_i64(cols, 1),
                .rows = shared ? 1 : sae->rows};
  snprintf(t->names[0], sizeof(t->names[0]), "%s", name);
  snprintf(t->names[1], sizeof(t->names[1]), "moment1/%s", name);
  snprintf(t->names[2], sizeof(t->names[2]), "moment2/%s", name);
  snprintf(t->names[3], sizeof(t->names[3]), "average/%s", name);
  return sae->tensors++;
}

Tensor *tensor_named(SAE *sae, const char *name)
{
  for (int i = 0; i < sae->tensors; i++)
    if (!strcmp(sae->tensor[i].name, name)) return &sae->tensor[i];
  return NULL;
}

CodeNow code_now(const Choice *code)
{
  return (CodeNow){.code = (const SAECode *)code->entry, .params = code->params, .unit = 1};
}

int64_t code_k(const CodeNow *now)
{
  return now->code->largest ? now->code->largest(now) : 0;
}

int encoder_rows(const SAE *sae)
{
  return ((const SAEEncoder *)sae->params.encoder.entry)->rows;
}

int64_t encoder_inputs(const Choice *encoder, int64_t d)
{
  const SAEEncoder *how = (const SAEEncoder *)encoder->entry;
  return how->hidden ? how->hidden(encoder->params, d) : d;
}

Tensor *encoder_tensor(SAE *sae)
{
  const int kind = encoder_rows(sae);
  return kind == ROWS_LEARNED  ? tensor_named(sae, "encoder/weight")
         : kind == ROWS_HIDDEN ? tensor_named(sae, "encoder/output")
                               : NULL;
}

/* A tensor's part of a block: whole cache lines, so that each tensor begins with one, as kernels
   ask for that write past the caches. */
static int64_t room_of(const Tensor *t)
{
  enum { LINE = 16 };
  return (t->rows * t->cols + LINE - 1) / LINE * LINE;
}

static PetscErrorCode LayOut(SAE *sae)
{
  const SAEAtoms *atoms = (const SAEAtoms *)sae->params.atoms.entry;

  PetscFunctionBegin;
  atoms->tensors(sae);
  const int kind = encoder_rows(sae);
  if (kind == ROWS_LEARNED) sae_add_tensor(sae, "encoder/weight", false, sae->d);
  if (kind == ROWS_HIDDEN) sae_add_tensor(sae, "encoder/output", false, sae->inputs);
  for (int i = 0; kind == ROWS_HIDDEN && i < HIDDEN_TENSORS; i++)
    sae_add_tensor(sae, hidden_names[i], true, sae->inputs * (i == HIDDEN_W ? sae->d : 1));
  if (kind != ROWS_IDENTITY) sae_add_tensor(sae, "encoder/bias", false, 0);
  sae_add_tensor(sae, "bias", true, sae->d);
  for (const char *const *name = sae->now.code->learned; name && *name; name++)
    sae->learned_tensor[sae->learned++] = sae_add_tensor(sae, *name, false, 0);
  for (int i = 0; i < sae->tensors; i++) sae->block_size += room_of(&sae->tensor[i]);
  for (int k = 0; k < 4; k++) PetscCall(ArrayCreate(sae->block_size, &sae->block[k]));
  int64_t at = 0;
  for (int i = 0; i < sae->tensors; i++) {
    Tensor *t = &sae->tensor[i];
    t->p = sae->block[0] + at, t->g = sae->block[1] + at, t->m = sae->block[2] + at,
    t->v = sae->block[3] + at;
    at += room_of(t);
  }
  sae->bias = tensor_named(sae, "bias")->p;
  if (encoder_tensor(sae))
    sae->GE = encoder_tensor(sae)->g;
  else if (kind != ROWS_IDENTITY)
    PetscCall(ArrayCreate(sae->rows * sae->inputs, &sae->GE));
  if (atoms->pull_back_row)
    sae->G = tensor_named(sae, "atoms")->g;
  else
    PetscCall(ArrayCreate(sae->rows * sae->d, &sae->G));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Start(SAE *sae)
{
  const SAEAtoms *atoms = (const SAEAtoms *)sae->params.atoms.entry;
  const Choice *encoder = &sae->params.encoder;

  PetscFunctionBegin;
  PetscCall(atoms->start(sae));
  atoms->form(sae, sae->G);
  const SAEEncoder *how = (const SAEEncoder *)encoder->entry;
  if (how->start) how->start(encoder->params, sae, sae->G);
  PetscCall(BiasStart(sae));
  if (sae->now.code->start) sae->now.code->start(sae);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void count_steps(SAE *sae)
{
  SAEParams *params = &sae->params;
  sae->n_train = split_count(sae->task->view.split, false);
  sae->per_epoch = (sae->n_train + params->batch - 1) / params->batch;
  sae->steps = params->steps ? params->steps : params->epochs * sae->per_epoch;
}

/* Whether the atoms that all see are the rows that this rank learns: where they are its own, and
   all are here. */
static bool own_rows(const SAE *sae)
{
  return sae->size == 1 && ((const SAEAtoms *)sae->params.atoms.entry)->pull_back_row;
}

/* Root mean square of a dimension of the normalised tokens; 1 where they are all 0. */
static double token_unit(const SAE *sae)
{
  const TokenStatistics *statistics = tokens_statistics(sae->task->view.tokens);
  const Normaliser *normaliser = sae->task->view.normaliser;
  double sum = 0;
  for (int64_t i = 0; i < sae->d; i++) {
    const double mean = (statistics->mean[i] - normaliser->mean[i]) / normaliser->scale[i],
                 deviation = statistics->deviation[i] / normaliser->scale[i];
    sum += mean * mean + deviation * deviation;
  }
  return sum > 0 ? __builtin_sqrt(sum / (double)sae->d) : 1;
}

/* The code of training, and the levels of the loss; a goal may ask for more codes than the code's
   own k. */
static void prepare_code(SAE *sae)
{
  const Choice *goal = &sae->params.goal;
  sae->now = code_now(&sae->params.code);
  sae->now.training = true, sae->now.unit = token_unit(sae);
  const int64_t k = code_k(&sae->now);
  ((const SAEGoal *)goal->entry)->levels(goal->params, sae->m, k, &sae->levels);
  sae->now.k = sae->levels.k;
  const Choice *revive = &sae->params.revive;
  const SAERevive *how = (const SAERevive *)revive->entry;
  if (how->unchosen) sae->unchosen = how->unchosen(revive->params, sae->m);
}

/* What the task wants, else what the environment says. */
static Route wanted_route(const Task *task)
{
  const char *word = getenv("ARDIS_ROUTE");
  if (task->route != ROUTE_AUTO || !word) return task->route;
  for (int r = 0; route_words[r]; r++)
    if (!strcmp(word, route_words[r])) return (Route)r;
  return ROUTE_AUTO;
}

PetscErrorCode SAECreate(const Task *task, SAE **out)
{
  SAE *sae;

  PetscFunctionBegin;
  PetscCall(ArrayCreate(1, &sae));
  sae->task = task, sae->kernels = task->view.kernels, sae->comm = task->comm;
  PetscCallMPI(MPI_Comm_rank(sae->comm, &sae->rank));
  PetscCallMPI(MPI_Comm_size(sae->comm, &sae->size));
  PetscCall(ParamsRead(task->settings, "", sae_params, &sae->params));
  sae->m = sae->params.width, sae->d = tokens_width(task->view.tokens);
  sae->inputs = encoder_inputs(&sae->params.encoder, sae->d);
  PetscCall(ArrayCreate(sae->size + 1, &sae->starts));
  parts_of(sae->m, sae->size, sae->starts);
  sae->first = sae->starts[sae->rank], sae->rows = sae->starts[sae->rank + 1] - sae->first;
  sae->wanted = sae->route = wanted_route(task);
  count_steps(sae);
  prepare_code(sae);
  PetscCall(LayOut(sae));
  PetscCall(AverageCreate(sae));
  PetscCall(BatchTake(sae));
  if (own_rows(sae))
    sae->D = tensor_named(sae, "atoms")->p;
  else
    PetscCall(SharedCreate(sae->nodes, sae->m * sae->d, &sae->D));
  PetscCall(SharedCreate(sae->nodes, sae->m * sae->inputs, &sae->E));
  const bool unit = encoder_rows(sae) == ROWS_IDENTITY;
  for (int64_t j = 0; unit && j < sae->m && nodes_rank(sae->nodes) == 0; j++)
    sae->E[j * (sae->d + 1)] = 1;
  PetscCall(SharedCreate(sae->nodes, sae->m, &sae->b));
  sae->now.bias = sae->b;
  for (int i = 0; i < sae->learned; i++) {
    PetscCall(SharedCreate(sae->nodes, sae->m, &sae->learned_all[i]));
    sae->now.learned[i] = sae->learned_all[i];
  }
  PetscCall(ArrayCreate(sae->m, &sae->silent));
  if (task->anchors)
    sae->kernels->pack(task->anchors->p, sae->d, task->anchors->points, sae->d, &sae->anchors);
  PetscCall(EncoderCreate(sae->kernels, sae->nodes, &sae->now, sae->m, sae->inputs,
                          unit ? NULL : sae->E, sae->b, encoder_use(), 0, &sae->encoder));
  PetscCall(Start(sae));
  PetscCall(SAEPublish(sae));
  *out = sae;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode BatchPublish(SAE *sae)
{
  const int64_t d = sae->d, inputs = sae->inputs, row = d * (int64_t)sizeof(float),
                taken = inputs * (int64_t)sizeof(float);
  float *E = sae->E + sae->first * inputs, *b = sae->b + sae->first;
  int count = 1;

  PetscFunctionBegin;
  const int kind = encoder_rows(sae);
  const bool again = !sae->published;
  sae->published = false;
  if (again) ((const SAEAtoms *)sae->params.atoms.entry)->form(sae, sae->D + sae->first * d);
  if (again && sae->rows && kind != ROWS_IDENTITY)
    memcpy(E, kind == ROWS_ATOMS ? sae->D + sae->first * d : encoder_tensor(sae)->p,
           (size_t)(sae->rows * taken));
  if (sae->rows && kind != ROWS_IDENTITY)
    memcpy(b, tensor_named(sae, "encoder/bias")->p, (size_t)sae->rows * sizeof(*b));
  SharedRows all[3 + SAE_LEARNED] = {{sae->D, row, sae->starts}};
  if (kind != ROWS_IDENTITY) {
    all[count++] = (SharedRows){sae->E, taken, sae->starts};
    all[count++] = (SharedRows){sae->b, sizeof(*b), sae->starts};
  }
  for (int i = 0; i < sae->learned; i++) {
    float *x = sae->learned_all[i];
    const float *from = sae->tensor[sae->learned_tensor[i]].p;
    for (int64_t j = 0; j < sae->rows; j++)
      x[sae->first + j] = sae->now.code->shown ? sae->now.code->shown(i, from[j]) : from[j];
    all[count++] = (SharedRows){x, sizeof(*x), sae->starts};
  }
  PetscCall(SharedExchange(sae->nodes, count, all));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode SAEPublish(SAE *sae)
{
  PetscFunctionBegin;
  PetscCall(BatchPublish(sae));
  PetscCall(EncoderRenew(sae->encoder));
  if (encoder_rows(sae) == ROWS_HIDDEN)
    sae->kernels->pack(sae->inputs, sae->d, tensor_named(sae, hidden_names[HIDDEN_W])->p, sae->d,
                       &sae->hidden);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode SAEDestroy(SAE **sae)
{
  PetscFunctionBegin;
  if (!*sae) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(EncoderDestroy(&(*sae)->encoder));
  for (int k = 0; k < 4; k++) PetscCall(ArrayDestroy(&(*sae)->block[k]));
  PetscCall(AverageDestroy(*sae));
  if (!own_rows(*sae)) PetscCall(SharedDestroy((*sae)->nodes, &(*sae)->D));
  PetscCall(SharedDestroy((*sae)->nodes, &(*sae)->E));
  PetscCall(SharedDestroy((*sae)->nodes, &(*sae)->b));
  for (int i = 0; i < (*sae)->learned; i++)
    PetscCall(SharedDestroy((*sae)->nodes, &(*sae)->learned_all[i]));
  PetscCall(ArrayDestroy(&(*sae)->silent));
  if (!encoder_tensor(*sae)) PetscCall(ArrayDestroy(&(*sae)->GE));
  if (!((const SAEAtoms *)(*sae)->params.atoms.entry)->pull_back_row)
    PetscCall(ArrayDestroy(&(*sae)->G));
  packed_clear(&(*sae)->anchors);
  packed_clear(&(*sae)->hidden);
  PetscCall(SupportDestroy(*sae));
  PetscCall(ArrayDestroy(&(*sae)->weights));
  PetscCall(ArrayDestroy(&(*sae)->starts));
  PetscCall(BatchGive(*sae));
  PetscCall(ParamsRelease(sae_params, &(*sae)->params));
  PetscCall(ArrayDestroy(sae));
  PetscFunctionReturn(PETSC_SUCCESS);
}
