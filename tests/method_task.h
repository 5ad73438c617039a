/* Tokens made by a function, and a method trained on them to its end. */
#pragma once
#include "sae_task.h"
#include "base/file.h"
#include "learn/dictionary.h"

/* A number in [0, 1) from a whole number; tests/oracle has the same. */
static inline double noise(uint64_t k)
{
  k = (k ^ (k >> 31)) * 0x9E3779B97F4A7C15u;
  k = (k ^ (k >> 29)) * 0xBF58476D1CE4E5B9u;
  k = k ^ (k >> 32);
  return (double)(k >> 11) / 9007199254740992.0;
}

/* Column i of token row. */
typedef double (*TokenValue)(int64_t row, int64_t i);

static inline const Method *method_of(const SAETask *t)
{
  return (const Method *)family_find(&methods, settings_get(&t->settings, "method"));
}

/* MethodTokens - writes n tokens of width d. Collective on the world. */
static inline PetscErrorCode MethodTokens(const char *path, int64_t n, int64_t d, TokenValue value)
{
  const TokenLayout layout = {.n = n, .d = d, .kind = H5_F32, .source = "a test"};
  Mistakes *mistakes;
  const Kernels *kernels;
  TokenWriter *writer;
  int64_t first, count, bad;
  float *X;
  PetscFunctionBeginUser;
  MPI_Barrier(PETSC_COMM_WORLD);
  PetscCall(MistakesCreate(&mistakes));
  PetscCall(KernelsChoose(NULL, mistakes, &kernels));
  PetscCall(TokenWriterCreate(PETSC_COMM_WORLD, kernels, path, &layout, &writer));
  PetscCall(TokenWriterLayout(writer, mistakes));
  token_writer_part(writer, &first, &count);
  PetscCall(ArrayCreate(count * d, &X));
  for (int64_t t = 0; t < count; t++)
    for (int64_t i = 0; i < d; i++) X[t * d + i] = (float)value(first + t, i);
  if (count) PetscCall(TokenWriterRows(writer, count, &(TokenRows){.X = X}, &bad));
  PetscCall(TokenWriterCommit(&writer, mistakes, NULL));
  PetscCheck(!mistakes_count(mistakes), PETSC_COMM_SELF, PETSC_ERR_FILE_WRITE, "%s", path);
  PetscCall(ArrayDestroy(&X));
  PetscCall(MistakesDestroy(&mistakes));
  MPI_Barrier(PETSC_COMM_WORLD);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* MethodTaskOpen - SAETaskOpen with the defaults of the method that the words name. Collective on
   comm. */
static inline PetscErrorCode MethodTaskOpen(MPI_Comm comm, const char *path, const char *words,
                                            int64_t p, SAETask *t)
{
  PetscFunctionBeginUser;
  PetscCall(SAETaskOpen(comm, path, words, p, t));
  settings_defaults(&t->settings, "", method_of(t)->entry.params);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What the method's check has against the settings, in fresh memory, or NULL; about: which one. */
static inline char *method_refuses(const SAETask *t, const char **about)
{
  const Method *method = method_of(t);
  char *why = NULL;
  void *params = calloc(1, method->entry.params_size);
  if (ParamsRead(&t->settings, "", method->entry.params, params)) abort();
  if (method->entry.check) why = method->entry.check(params, &t->settings, about);
  if (ParamsRelease(method->entry.params, params)) abort();
  free(params);
  return why;
}

/* MethodSteps - steps until the end, or so many; how many there were. */
static inline PetscErrorCode MethodSteps(const Method *method, void *learner, int64_t most,
                                         StepReport *report, int64_t *steps)
{
  PetscFunctionBeginUser;
  report->state = STEP_MORE;
  for (*steps = 0; *steps < most && report->state == STEP_MORE; ++*steps)
    PetscCall(method->step(learner, report));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* MethodTaskLearn - trains to the end and reads the model back; report may be NULL. Collective on
   the world. */
static inline PetscErrorCode MethodTaskLearn(SAETask *t, Dictionary **dictionary,
                                             StepReport *report)
{
  static const char path[] = "method_task.model.h5";
  const Method *method = method_of(t);
  StepReport last;
  int64_t steps;
  void *learner;
  PetscFunctionBeginUser;
  PetscCall(method->create(&t->task, &learner));
  PetscCall(MethodSteps(method, learner, 1000000, &last, &steps));
  PetscCall(ModelWrite(&t->task, method, learner, path, "done", t->mistakes));
  PetscCall(method->destroy(&learner));
  MPI_Barrier(PETSC_COMM_WORLD);
  PetscCall(DictionaryRead(path, t->kernels, t->mistakes, dictionary));
  PetscCheck(*dictionary, PETSC_COMM_WORLD, PETSC_ERR_FILE_READ, "%s", path);
  MPI_Barrier(PETSC_COMM_WORLD);
  int rank;
  MPI_Comm_rank(PETSC_COMM_WORLD, &rank);
  if (rank == 0) unlink(path);
  if (report) *report = last;
  PetscFunctionReturn(PETSC_SUCCESS);
}
