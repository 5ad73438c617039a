/* Makers of candidate sets: tokens chosen by a score, in one pass. */
#pragma once
#include "work.h"
#include "learn/classical.h"

/* How tokens are scored. */
typedef struct {
  /* What scores need, in c->own's place for it. Collective. */
  PetscErrorCode (*prepare)(Classical *c, void **model);
  /* score [rows]: the largest are chosen. Not collective. */
  PetscErrorCode (*score)(const Classical *c, void *model, int64_t rows, const float *X,
                          double *score);
  PetscErrorCode (*release)(void **model);
} Scorer;

/* SelectStart, select_count, SelectLeaf, SelectFinish, SelectDestroy, SelectAgain - ClassicalParts
   of a method that takes the tokens of the largest scores as atoms, largest first, lowest token
   first among equals. */
PetscErrorCode SelectStart(Classical *c, const Scorer *scorer);
int64_t select_count(const Classical *c);
PetscErrorCode SelectLeaf(Classical *c, int64_t first, int64_t rows, const float *X, double *sums);
PetscErrorCode SelectFinish(Classical *c, const double *sums, double objective, StepReport *report);
PetscErrorCode SelectDestroy(Classical *c);
PetscErrorCode SelectAgain(Classical *c);

/* What prepare made, of a learner. */
const void *select_model(const void *self);

/* SampleTokens - the first count (at most all) of the training tokens in a random order named by
   seed init: rows [*count x d], on every rank; the caller frees. Collective. */
PetscErrorCode SampleTokens(const Classical *c, int64_t *count, float **rows);

/* The method of a file that has params, check, work, Prepare, Score and Release. */
#define SELECT_METHOD(word, type, summary, cite, ...)                                              \
  static const Scorer scorer = {Prepare, Score, Release};                                          \
  static PetscErrorCode Start(Classical *c)                                                        \
  {                                                                                                \
    PetscFunctionBegin;                                                                            \
    PetscCall(SelectStart(c, &scorer));                                                            \
    PetscFunctionReturn(PETSC_SUCCESS);                                                            \
  }                                                                                                \
  static const ClassicalParts parts = {.start = Start,                                             \
                                       .count = select_count,                                      \
                                       .leaf = SelectLeaf,                                         \
                                       .finish = SelectFinish,                                     \
                                       .destroy = SelectDestroy,                                   \
                                       .again = SelectAgain};                                      \
  extern const Method method_##word;                                                               \
  static PetscErrorCode Create(const Task *task, void **self)                                      \
  {                                                                                                \
    PetscFunctionBegin;                                                                            \
    PetscCall(ClassicalCreate(task, &parts, &method_##word.entry, self));                          \
    PetscFunctionReturn(PETSC_SUCCESS);                                                            \
  }                                                                                                \
  const Method method_##word = {                                                                   \
      .entry = {#word, summary, cite, params, sizeof(type), SEED_INIT, .check = check},            \
      .create = Create,                                                                            \
      CLASSICAL_METHOD,                                                                            \
      .encode = EncodeNearest,                                                                     \
      .work = work,                                                                                \
      __VA_ARGS__};
