/* Sparse autoencoders as a method: the settings, and the door to src/learn/sae. */
#include "learn/average.h"
#include "learn/dictionary.h"
#include "learn/encoder.h"
#include "learn/hidden.h"
#include "learn/simplex.h"
#include <string.h>

const Param sae_params[] = {
    {"width", PARAM_INT, offsetof(SAEParams, width), NULL, 1, 1e9, "atoms of the dictionary"},
    {"code", PARAM_CHOICE, offsetof(SAEParams, code), NULL, .doc = "which scores become the code",
     .family = &sae_codes},
    {"atoms", PARAM_CHOICE, offsetof(SAEParams, atoms), "free", .doc = "what atoms can be",
     .family = &sae_atoms},
    {"encoder", PARAM_CHOICE, offsetof(SAEParams, encoder), "linear", .doc = "tokens to scores",
     .family = &sae_encoders},
    {"goal", PARAM_CHOICE, offsetof(SAEParams, goal), "plain", .doc = "what the loss sums",
     .family = &sae_goals},
    {"revive", PARAM_CHOICE, offsetof(SAEParams, revive), "none", .doc = "help for silent atoms",
     .family = &sae_revivals},
    {"train.epochs", PARAM_INT, offsetof(SAEParams, epochs), "20", 1, 1e9,
     "passes over the training tokens", .instead = "train.steps"},
    {"train.steps", PARAM_INT, offsetof(SAEParams, steps), "", 1, 1e12, "steps instead of epochs",
     .instead = "train.epochs"},
    {"train.batch", PARAM_INT, offsetof(SAEParams, batch), "1024", 1, 1e9, "tokens of a step"},
    {"train.optimizer", PARAM_CHOICE, offsetof(SAEParams, optimizer), "adam",
     .doc = "how gradients become steps", .family = &optimizers},
    {"train.schedule", PARAM_CHOICE, offsetof(SAEParams, schedule), "constant",
     .doc = "course of the learning rate", .family = &schedules},
    {"train.average", PARAM_CHOICE, offsetof(SAEParams, average), "none",
     .doc = "what becomes the model: the parameters after the last step, or their mean over steps",
     .family = &averages, .quiet = true},
    {"train.clip", PARAM_REAL, offsetof(SAEParams, clip), "1", 0, 1e9,
     "greatest norm of all gradients together; 0: no clipping"},
    {0},
};

static PetscErrorCode Create(const Task *task, void **self)
{
  PetscFunctionBegin;
  PetscCall(SAECreate(task, (SAE **)self));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Destroy(void **self)
{
  PetscFunctionBegin;
  PetscCall(SAEDestroy((SAE **)self));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void add_tensor(State *state, const SAE *sae, const Tensor *t, const char *name, float *data)
{
  if (t->shared)
    state_shared(state, name, H5_F32, 1, t->cols, 1, data);
  else
    state_sliced(state, name, H5_F32, t->rank, sae->m, t->cols, sae->first, sae->rows, data);
}

/* Names of the numbers that a code keeps, ended by NULL. */
static const char *const *number_names(const CodeNow *now)
{
  static const char *const none[] = {NULL};
  return now->code->numbers ? now->code->numbers(now->params) : none;
}

static void add_numbers(State *state, CodeNow *now)
{
  const char *const *name = number_names(now);
  for (int i = 0; name[i]; i++) state_shared(state, name[i], H5_F64, 1, 1, 1, &now->numbers[i]);
}

/* Parameters, moments, counters: all a checkpoint needs. */
static PetscErrorCode Save(void *self, State *state)
{
  SAE *sae = self;

  PetscFunctionBegin;
  for (int i = 0; i < sae->tensors; i++) {
    Tensor *t = &sae->tensor[i];
    add_tensor(state, sae, t, t->names[0], t->p);
    add_tensor(state, sae, t, t->names[1], t->m);
    add_tensor(state, sae, t, t->names[2], t->v);
    if (sae->average) add_tensor(state, sae, t, t->names[3], average_of(sae, t->p));
  }
  if (sae->support)
    state_sliced(state, "support", H5_I32, 2, sae->m, sae->support->count, sae->first, sae->rows,
                 sae->support->anchor);
  state_shared(state, "silent", H5_I64, 1, sae->m, 1, sae->silent);
  state_shared(state, "step", H5_I64, 1, 1, 1, &sae->step);
  add_numbers(state, &sae->now);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Resumed(void *self)
{
  PetscFunctionBegin;
  PetscCall(SAEPublish(self));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static int64_t seen(const void *self)
{
  const SAE *sae = self;
  return sae->step / sae->per_epoch * sae->n_train + sae->step % sae->per_epoch * sae->params.batch;
}

static PetscErrorCode Step(void *self, StepReport *report)
{
  PetscFunctionBegin;
  PetscCall(SAEStep(self, report));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Model(void *self, State *state)
{
  SAE *sae = self;

  PetscFunctionBegin;
  average_show(sae);
  state_sliced(state, "atoms", H5_F32, 2, sae->m, sae->d, sae->first, sae->rows, shown_atoms(sae));
  for (int i = 0; i < sae->tensors; i++) {
    const Tensor *t = &sae->tensor[i];
    if (sae->support && !strcmp(t->name, "W"))
      state_scattered(state, t->name, sae->m, sae->task->anchors->p, sae->first, sae->rows,
                      shown_tensor(sae, t), sae->support->anchor, sae->support->count);
    else if (strcmp(t->name, "atoms") && strcmp(t->name, "log_multiplier"))
      add_tensor(state, sae, t, t->name, shown_tensor(sae, t));
  }
  if (!encoder_tensor(sae))
    state_sliced(state, "encoder/weight", H5_F32, 2, sae->m, sae->d, sae->first, sae->rows,
                 encoder_rows(sae) == ROWS_ATOMS ? shown_atoms(sae) : sae->E + sae->first * sae->d);
  if (!tensor_named(sae, "encoder/bias"))
    state_sliced(state, "encoder/bias", H5_F32, 1, sae->m, 1, sae->first, sae->rows,
                 sae->b + sae->first);
  add_numbers(state, &sae->now);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Attributes(void *self, H5Writer *writer)
{
  const Tensor *s = tensor_named(self, "log_multiplier");

  PetscFunctionBegin;
  if (s) PetscCall(H5WriterReal(writer, NULL, "log_multiplier", (double)*shown_tensor(self, s)));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Made with the first tokens, and kept with the dictionary. */
typedef struct {
  Choice code;
  CodeNow now;
  float *learned[SAE_LEARNED];
  Encoder *encoder;
  int64_t inputs;                       /* numbers that an encoder row takes */
  float *rows, *hidden[HIDDEN_TENSORS]; /* of a hidden layer; else NULL */
  Packed W;
} Kept;

static PetscErrorCode Forget(Dictionary *dictionary)
{
  Kept *kept = dictionary->extra;

  PetscFunctionBegin;
  PetscCall(EncoderDestroy(&kept->encoder));
  PetscCall(ChoiceRelease(&kept->code));
  for (int i = 0; i < SAE_LEARNED; i++) PetscCall(ArrayDestroy(&kept->learned[i]));
  PetscCall(ArrayDestroy(&kept->rows));
  for (int i = 0; i < HIDDEN_TENSORS; i++) PetscCall(ArrayDestroy(&kept->hidden[i]));
  packed_clear(&kept->W);
  PetscCall(ArrayDestroy(&dictionary->extra));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What the code learned and kept, from the arrays of the file. */
static PetscErrorCode Recall(const Dictionary *dictionary, Kept *kept)
{
  const char *const *name = number_names(&kept->now), *const *learned = kept->now.code->learned;

  PetscFunctionBegin;
  for (int i = 0; learned && learned[i]; i++) {
    const double *x = dictionary_array(dictionary, learned[i], dictionary->m);
    PetscCheck(x, PETSC_COMM_SELF, PETSC_ERR_FILE_READ, "a model without /%s", learned[i]);
    PetscCall(ArrayCreate(dictionary->m, &kept->learned[i]));
    for (int64_t j = 0; j < dictionary->m; j++) {
      const float value = (float)x[j];
      kept->learned[i][j] = kept->now.code->shown ? kept->now.code->shown(i, value) : value;
    }
    kept->now.learned[i] = kept->learned[i];
  }
  for (int i = 0; name[i]; i++) {
    const double *x = dictionary_array(dictionary, name[i], 1);
    PetscCheck(x, PETSC_COMM_SELF, PETSC_ERR_FILE_READ, "a model without /%s", name[i]);
    kept->now.numbers[i] = *x;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* An array of the file as it was learned. */
static PetscErrorCode Floats(const Dictionary *dictionary, const char *name, int64_t count,
                             float **to)
{
  const double *x = dictionary_array(dictionary, name, count);

  PetscFunctionBegin;
  PetscCheck(x, PETSC_COMM_SELF, PETSC_ERR_FILE_READ, "a model without /%s", name);
  PetscCall(ArrayCreate(count, to));
  for (int64_t i = 0; i < count; i++) (*to)[i] = (float)x[i];
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The hidden layer and the rows behind it, of a model that has one. */
static PetscErrorCode RecallHidden(const Dictionary *dictionary, Kept *kept)
{
  const int64_t d = dictionary->d;
  Choice encoder;

  PetscFunctionBegin;
  kept->inputs = d;
  if (dictionary->encoder) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(ChoiceRead(&dictionary->settings, "encoder", &sae_encoders, &encoder));
  const int64_t width = kept->inputs = encoder_inputs(&encoder, d);
  PetscCall(ChoiceRelease(&encoder));
  PetscCall(Floats(dictionary, "encoder/output", dictionary->m * width, &kept->rows));
  for (int i = 0; i < HIDDEN_TENSORS; i++)
    PetscCall(
        Floats(dictionary, hidden_names[i], i == HIDDEN_W ? width * d : width, &kept->hidden[i]));
  dictionary->kernels->pack(width, d, kept->hidden[HIDDEN_W], d, &kept->W);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Keep(Dictionary *dictionary)
{
  Kept *kept;
  Choice goal;
  SAELevels levels;

  PetscFunctionBegin;
  PetscCall(ArrayCreate(1, &kept));
  PetscCall(ChoiceRead(&dictionary->settings, "code", &sae_codes, &kept->code));
  kept->now = code_now(&kept->code);
  kept->now.bias = dictionary->encoder_bias;
  PetscCall(Recall(dictionary, kept));
  PetscCall(RecallHidden(dictionary, kept));
  PetscCall(ChoiceRead(&dictionary->settings, "goal", &sae_goals, &goal));
  ((const SAEGoal *)goal.entry)->levels(goal.params, dictionary->m, code_k(&kept->now), &levels);
  PetscCall(ChoiceRelease(&goal));
  kept->now.k = dictionary->k ? dictionary->k : levels.k_evaluation;
  PetscCall(EncoderCreate(dictionary->kernels, NULL, &kept->now, dictionary->m, kept->inputs,
                          kept->rows ? kept->rows : dictionary->encoder, dictionary->encoder_bias,
                          encoder_use(), 0, &kept->encoder));
  PetscCall(EncoderRenew(kept->encoder));
  dictionary->extra = kept;
  dictionary->forget = Forget;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Of each token's codes the k largest, lowest atom first among equals. */
static void keep_largest(const Kernels *kernels, int64_t k, Codes *codes)
{
  int64_t end = 0, from = 0;
  for (int64_t t = 0; t < codes->rows; t++) {
    const int64_t count = codes->start[t + 1] - from;
    int32_t *index = codes->atom + end;
    if (count > k) {
      int32_t *kept;
      float *value;
      PetscCallAbort(PETSC_COMM_SELF, ArrayCreate(k, &kept));
      PetscCallAbort(PETSC_COMM_SELF, ArrayCreate(k, &value));
      const int64_t found = kernels->select_top(count, codes->value + from, k, NULL, kept, value);
      for (int64_t q = 0; q < found; q++)
        index[q] = codes->atom[from + kept[q]], codes->value[end + q] = value[q];
      from += count, end += found;
      PetscCallAbort(PETSC_COMM_SELF, ArrayDestroy(&kept));
      PetscCallAbort(PETSC_COMM_SELF, ArrayDestroy(&value));
    } else
      for (int64_t q = 0; q < count; q++, from++, end++)
        codes->atom[end] = codes->atom[from], codes->value[end] = codes->value[from];
    codes->start[t + 1] = end;
  }
}

static PetscErrorCode Encode(const Dictionary *dictionary, int64_t n, const float *X, Codes *codes)
{
  enum { ROWS = 128 };
  const int64_t d = dictionary->d;
  float *xc, *A = NULL;

  PetscFunctionBegin;
  if (!dictionary->extra) PetscCall(Keep((Dictionary *)(uintptr_t)dictionary));
  const Kept *kept = dictionary->extra;
  const Hidden hidden = {&kept->W, kept->hidden[HIDDEN_BIAS], kept->hidden[HIDDEN_GAIN],
                         kept->hidden[HIDDEN_OFFSET]};
  PetscCall(ArrayCreate(ROWS * d, &xc));
  if (kept->rows) PetscCall(ArrayCreate(ROWS * kept->inputs, &A));
  codes->rows = 0;
  PetscCall(CodesReserve(codes, n, 0));
  codes->start[0] = 0;
  for (int64_t first = 0; first < n; first += ROWS) {
    const int64_t count = min_i64(ROWS, n - first);
    for (int64_t t = 0; t < count; t++)
      for (int64_t i = 0; i < d; i++) xc[t * d + i] = X[(first + t) * d + i] - dictionary->bias[i];
    if (A) hidden_forward(dictionary->kernels, &hidden, count, xc, NULL, NULL, A);
    PetscCall(EncoderCodes(kept->encoder, count, A ? A : xc, NULL, codes));
  }
  PetscCall(ArrayDestroy(&xc));
  PetscCall(ArrayDestroy(&A));
  if (dictionary->k && !kept->now.code->largest)
    keep_largest(dictionary->kernels, dictionary->k, codes);
  PetscFunctionReturn(PETSC_SUCCESS);
}

const Method method_sae = {
    .entry = {"sae", "sparse autoencoder: code x atoms x encoder x goal x revival",
              "docs/numerics.md, section 3", sae_params, sizeof(SAEParams), SEED_DATA},
    .create = Create,
    .state = Save,
    .resumed = Resumed,
    .seen = seen,
    .step = Step,
    .model = Model,
    .attributes = Attributes,
    .destroy = Destroy,
    .encode = Encode,
};
