/* What learners save: a checkpoint read on another number of ranks goes on to the same bytes, a
   model read back encodes as the learner did, and files that do not fit are refused; a step that
   fails on one rank has failed on all.
   RUN ranks=1
   RUN ranks=2
   RUN ranks=3 */
#include "../sae_task.h"
#include "../tap.h"
#include "learn/dictionary.h"

#define COMM PETSC_COMM_WORLD
static const char tokens_path[] = "learn_state.test.h5", saved_path[] = "learn_state.saved.h5";

static const Method *sae_method(void)
{
  return (const Method *)family_find(&methods, "sae");
}

static PetscErrorCode Save(MPI_Comm comm, void *learner, Mistakes *mistakes)
{
  PetscFunctionBeginUser;
  State state = {0};
  H5Writer *writer;
  int numbers[STATE_MAX];
  PetscCall(sae_method()->state(learner, &state));
  PetscCall(H5WriterCreate(comm, saved_path, &writer));
  PetscCall(StateDeclare(writer, &state, numbers));
  PetscCall(H5WriterLayout(writer, mistakes));
  PetscCall(StateWrite(comm, writer, &state, numbers));
  PetscCall(H5WriterCommit(&writer, mistakes));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Load(MPI_Comm comm, void *learner, Mistakes *mistakes)
{
  PetscFunctionBeginUser;
  State state = {0};
  H5Reader *reader;
  PetscCall(sae_method()->state(learner, &state));
  PetscCall(H5ReaderOpen(saved_path, mistakes, &reader));
  PetscCall(StateRead(comm, reader, saved_path, &state, mistakes));
  PetscCall(H5ReaderClose(&reader));
  if (!mistakes_count(mistakes)) PetscCall(sae_method()->resumed(learner));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Steps(SAE *sae, int count)
{
  PetscFunctionBeginUser;
  StepReport report;
  for (int s = 0; s < count; s++) PetscCall(SAEStep(sae, &report));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static bool same_model(const SAE *a, const SAE *b)
{
  const size_t row = sizeof(float) * (size_t)a->d, m = (size_t)a->m,
               inputs = sizeof(float) * (size_t)a->inputs;
  return !memcmp(a->D, b->D, m * row) && !memcmp(a->E, b->E, m * inputs) &&
         !memcmp(a->b, b->b, m * sizeof(float)) && !memcmp(a->bias, b->bias, row) &&
         !memcmp(a->silent, b->silent, m * sizeof(int64_t)) && a->step == b->step &&
         a->now.numbers[0] == b->now.numbers[0] &&
         (!a->learned || !memcmp(a->learned_all[0], b->learned_all[0], m * sizeof(float)));
}

/* 4 steps on all ranks, saved, 5 more on each rank alone and on all; and 9 without a stop. */
static PetscErrorCode CheckResume(const char *title, const char *words, int64_t p)
{
  PetscFunctionBeginUser;
  SAETask together, alone;
  SAE *whole, *first, *rest;
  PetscCall(SAETaskOpen(COMM, tokens_path, words, p, &together));
  PetscCall(SAETaskOpen(PETSC_COMM_SELF, tokens_path, words, p, &alone));
  PetscCall(SAECreate(&together.task, &whole));
  PetscCall(SAECreate(&together.task, &first));
  PetscCall(Steps(whole, 9));
  PetscCall(Steps(first, 4));
  PetscCall(Save(COMM, first, together.mistakes));
  MPI_Barrier(COMM);
  for (int turn = 0; turn < 2; turn++) {
    SAETask *task = turn ? &together : &alone;
    task->task.seed_init = 77; /* another start, which the checkpoint overwrites */
    PetscCall(SAECreate(&task->task, &rest));
    PetscCall(Load(task->task.comm, rest, task->mistakes));
    PetscCall(Steps(rest, 5));
    OK(!mistakes_count(task->mistakes) && same_model(whole, rest),
       "%s: stopped on %d ranks, resumed on %s", title, tap_size, turn ? "as many" : "one");
    PetscCall(SAEDestroy(&rest));
  }
  PetscCall(SAEDestroy(&whole));
  PetscCall(SAEDestroy(&first));
  PetscCall(SAETaskClose(&together));
  PetscCall(SAETaskClose(&alone));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The model file gives the atoms and codes of the learner. */
static PetscErrorCode CheckModel(const char *title, const char *words, int64_t p)
{
  PetscFunctionBeginUser;
  SAETask t;
  SAE *sae;
  Dictionary *dictionary;
  Codes codes = {0}, expected = {0};
  enum { ROWS = 100 };
  PetscCall(SAETaskOpen(COMM, tokens_path, words, p, &t));
  PetscCall(SAECreate(&t.task, &sae));
  PetscCall(Steps(sae, 3));
  PetscCall(ModelWrite(&t.task, sae_method(), sae, saved_path, "all steps done", t.mistakes));
  MPI_Barrier(COMM);
  PetscCall(DictionaryRead(saved_path, t.kernels, t.mistakes, &dictionary));
  OK(dictionary && !mistakes_count(t.mistakes), "%s: the model reads back", title);
  const int64_t m = sae->m, d = sae->d;
  OK(dictionary->m == m && dictionary->d == d && dictionary->method == sae_method() &&
         !memcmp(dictionary->atoms, sae->D, sizeof(float) * (size_t)(m * d)) &&
         !memcmp(dictionary->encoder, sae->E, sizeof(float) * (size_t)(m * d)) &&
         !memcmp(dictionary->bias, sae->bias, sizeof(float) * (size_t)d) &&
         !memcmp(dictionary->mean, t.normaliser->mean, sizeof(double) * (size_t)d),
     "%s: with its arrays", title);
  float *X, *S;
  int64_t row[ROWS];
  for (int64_t i = 0; i < ROWS; i++) row[i] = 2 * i;
  PetscCall(ArrayCreate(ROWS * d, &X));
  PetscCall(ArrayCreate(ROWS * m, &S));
  PetscCall(ViewRead(&t.task.view, ROWS, row, X));
  PetscCall(DictionaryEncode(dictionary, ROWS, X, &codes));
  for (int64_t i = 0; i < ROWS * d; i++) X[i] -= sae->bias[i % d];
  Packed packed = {0};
  t.kernels->pack(m, d, sae->E, d, &packed);
  t.kernels->scores(ROWS, X, d, &packed, sae->b, S, m);
  CodeNow now = sae->now;
  now.training = false;
  PetscCall(CodesReserve(&expected, ROWS, ROWS * m));
  now.trace = NULL;
  if (now.code->pursue)
    PetscCall(now.code->pursue(&now, t.kernels, ROWS, m, d, X, &packed, sae->E, S, &expected));
  else
    now.code->forward(&now, t.kernels, ROWS, m, S, &expected);
  packed_clear(&packed);
  const size_t count = (size_t)expected.start[ROWS];
  OK(codes.rows == ROWS && count > 0 && (size_t)codes.start[ROWS] == count &&
         !memcmp(codes.atom, expected.atom, count * sizeof(int32_t)) &&
         !memcmp(codes.value, expected.value, count * sizeof(float)),
     "%s: and gives the learner's codes", title);
  codes_clear(&codes);
  codes_clear(&expected);
  PetscCall(ArrayDestroy(&X));
  PetscCall(ArrayDestroy(&S));
  PetscCall(DictionaryDestroy(&dictionary));
  PetscCall(SAEDestroy(&sae));
  PetscCall(SAETaskClose(&t));
  PetscFunctionReturn(PETSC_SUCCESS);
}

#define TRAIN " train.batch=64 train.steps=9 train.optimizer.lr=0.01"

/* A checkpoint of a wider model, and a model file in the place of a checkpoint. */
static PetscErrorCode CheckRefused(void)
{
  PetscFunctionBeginUser;
  SAETask t;
  SAE *sae;
  PetscCall(SAETaskOpen(COMM, tokens_path, "width=21 code.name=relu" TRAIN, 0, &t));
  PetscCall(SAECreate(&t.task, &sae));
  PetscCall(Save(COMM, sae, t.mistakes));
  MPI_Barrier(COMM);
  PetscCall(SAEDestroy(&sae));
  PetscCall(SAETaskClose(&t));
  PetscCall(SAETaskOpen(COMM, tokens_path, "width=20 code.name=relu" TRAIN, 0, &t));
  PetscCall(SAECreate(&t.task, &sae));
  PetscCall(Load(COMM, sae, t.mistakes));
  OK(mistakes_count(t.mistakes) > 0, "a checkpoint of another width is refused");
  MPI_Barrier(COMM);
  PetscCall(MistakesDestroy(&t.mistakes));
  PetscCall(MistakesCreate(&t.mistakes));
  PetscCall(ModelWrite(&t.task, sae_method(), sae, saved_path, "", t.mistakes));
  MPI_Barrier(COMM);
  PetscCall(Load(COMM, sae, t.mistakes));
  OK(mistakes_count(t.mistakes) > 0, "a model is no checkpoint");
  PetscCall(SAEDestroy(&sae));
  PetscCall(SAETaskClose(&t));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CheckFailure(void)
{
  PetscFunctionBeginUser;
  SAETask t;
  SAE *sae;
  StepReport report;
  PetscCall(SAETaskOpen(COMM, tokens_path, "width=20 code.name=topk code.k=2" TRAIN, 0, &t));
  PetscCall(SAECreate(&t.task, &sae));
  if (tap_rank == 0) tensor_named(sae, "encoder/bias")->p[0] = NAN; /* the step's scores know not */
  PetscCall(SAEStep(sae, &report));
  OK(report.state == STEP_FAILED && !strcmp(report.reason, "a parameter is not finite"),
     "a parameter that is not finite on one rank: the step fails on all");
  PetscCall(SAEDestroy(&sae));
  PetscCall(SAETaskClose(&t));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  TestBegin(&argc, &argv);
  RUN(SAETaskTokens(tokens_path, 500, 6));
  RUN(CheckResume("topk, relaxed", "width=20 code.name=topk code.k=3 atoms.name=hull_relaxed" TRAIN,
                  30));
  RUN(CheckResume("auxk, free",
                  "width=20 code.name=topk code.k=1 revive.name=auxk revive.dead_after=64 "
                  "train.schedule.name=cosine" TRAIN,
                  0));
  RUN(CheckResume("resample, averaged, jumprelu",
                  "width=20 code.name=jumprelu code.threshold=1.5 revive.name=resample "
                  "revive.every=3 revive.dead_after=2 train.average.name=ema" TRAIN,
                  0));
  RUN(CheckResume("mlp, averaged",
                  "width=20 code.name=topk code.k=2 encoder.name=mlp encoder.hidden=9 "
                  "train.average.name=ema" TRAIN,
                  0));
  RUN(CheckResume("resample, hull of 4 anchors",
                  "width=20 code.name=topk code.k=1 atoms.name=hull atoms.support=4 atoms.renew=2 "
                  "revive.name=resample revive.every=3 revive.dead_after=2" TRAIN,
                  30));
  for (const Entry *const *code = sae_codes.entries; *code; code++) {
    Text words = {0};
    text_add(&words, "width=20 code.name=%s" TRAIN, (*code)->name);
    if (strstr((*code)->name, "topk")) text_add(&words, " code.k=3");
    if (((const SAECode *)*code)->pursue) text_add(&words, " code.k=3 encoder.name=tied");
    if (!strcmp((*code)->name, "relu"))
      text_add(&words, " code.sparsity.name=target code.sparsity.l0=3");
    RUN(CheckResume((*code)->name, words.s, 0));
    RUN(CheckModel((*code)->name, words.s, 0));
    text_clear(&words);
  }
  RUN(CheckModel("topk, relaxed", "width=20 code.name=topk code.k=3 atoms.name=hull_relaxed" TRAIN,
                 30));
  RUN(CheckModel("one anchor", "width=2 code.name=relu atoms.name=hull" TRAIN, 1));
  RUN(CheckRefused());
  RUN(CheckFailure());
  MPI_Barrier(COMM);
  RUN(SAETaskTokens(tokens_path, 500, 1));
  RUN(CheckModel("tokens of width 1", "width=5 code.name=topk code.k=2" TRAIN, 0));
  RUN(CheckModel("one atom", "width=1 code.name=relu" TRAIN, 0));
  MPI_Barrier(COMM);
  if (tap_rank == 0) unlink(tokens_path), unlink(saved_path);
  return TestEnd();
}
