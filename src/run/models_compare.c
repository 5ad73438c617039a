/* Comparing model files that stand alone: each is a model of one run. */
#include "compare/across.h"
#include "run/models.h"
#include <stdlib.h>
#include <string.h>

enum { FIRING_TOKENS = 1000000 };

/* The models, and what comparing them needs. */
typedef struct {
  MPI_Comm comm;
  const Kernels *kernels;
  int64_t count;
  char **file;             /* [count] */
  Dictionary **dictionary; /* [count] */
  Tokens *tokens;          /* NULL: none */
  Split *split;
  Normaliser **normaliser; /* [count] */
  View *view;              /* [count] */
  ComparedRun *run;        /* [count] */
  ComparedGroup *group;    /* [count] */
  Living **living;         /* [count] */
} Models;

static PetscErrorCode ReadModels(Models *all, Mistakes *mistakes)
{
  PetscFunctionBegin;
  for (int64_t i = 0; i < all->count; i++) {
    PetscCall(DictionaryRead(all->file[i], all->kernels, mistakes, &all->dictionary[i]));
    const Dictionary *first = all->dictionary[0], *one = all->dictionary[i];
    if (first && one && one->d != first->d)
      mistake(mistakes, all->file[i], 0, 0,
              "atoms of width %lld, but those of %s are %lld wide: only models of the same tokens "
              "can be compared",
              (long long)one->d, all->file[0], (long long)first->d);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Atoms that fire; without tokens or codes, atoms that are not 0. */
static PetscErrorCode FindLiving(const Models *all, int64_t i, Living *living)
{
  const Dictionary *D = all->dictionary[i];
  const ChosenMetric none[1] = {{NULL, NULL}};
  Table *values, *atoms = NULL;
  PetscFunctionBegin;
  *living = (Living){.m = D->m, .d = D->d};
  PetscCall(ArrayCreate(D->m, &living->atom));
  if (all->tokens && has_codes(D)) {
    PetscCall(MeasureRun(all->comm, &all->view[i], D, none, FIRING_TOKENS, &values, &atoms));
    PetscCall(TableDestroy(&values));
  }
  for (int64_t j = 0; j < D->m; j++) {
    const bool alive = atoms ? table_real(atoms, j, "fired_train") > 0
                             : D->kernels->square64(D->d, D->atoms + j * D->d) > 0;
    if (alive) living->atom[living->alive++] = j;
  }
  PetscCall(TableDestroy(&atoms));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Each model as a group of one run. */
static PetscErrorCode MakeGroup(Models *all, int64_t i, const char *name)
{
  const Dictionary *D = all->dictionary[i];
  PetscFunctionBegin;
  PetscCall(NormaliserFromArrays(D->d, D->mean, D->scale, &all->normaliser[i]));
  all->view[i] = (View){all->tokens, all->split, all->normaliser[i], all->kernels};
  all->run[i] = (ComparedRun){name, all->file[i], {0}, D->anchors_digest, false};
  for (int p = 0; p < SEED_PURPOSES; p++) all->run[i].seed[p] = -1;
  all->group[i] = (ComparedGroup){.model = name,
                                  .anchors = "",
                                  .view = &all->view[i],
                                  .runs = 1,
                                  .run = &all->run[i],
                                  .surrogate = -1,
                                  .all_tokens = true};
  PetscCall(ArrayCreate(1, &all->living[i]));
  PetscCall(FindLiving(all, i, all->living[i]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CompareAll(Models *all, const char *const *path, Mistakes *mistakes,
                                 Table **table)
{
  const unsigned centrings = 1U << CENTRING_RAW | 1U << CENTRING_CENTRED;
  int64_t measures = 0, couples = 0;
  ChosenComparison *chosen;
  Couple *couple;
  PetscFunctionBegin;
  while (comparisons.entries[measures]) measures++;
  PetscCall(ArrayCreate(measures + 1, &chosen));
  PetscCall(ArrayCreate(all->count * all->count, &couple));
  for (int64_t v = 0; v < measures; v++)
    chosen[v].comparison = (const Comparison *)comparisons.entries[v];
  for (int64_t i = 0; i < all->count; i++) PetscCall(MakeGroup(all, i, path[i]));
  for (int64_t a = 0; a < all->count; a++)
    for (int64_t b = a + 1; b < all->count; b++) couple[couples++] = (Couple){a, b};
  const CompareOptions options = {chosen, centrings};
  PetscCall(AcrossTable(all->comm, all->kernels, all->group, all->living, couples, couple, &options,
                        mistakes, table));
  PetscCall(ArrayDestroy(&couple));
  PetscCall(ArrayDestroy(&chosen));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Release(Models *all)
{
  PetscFunctionBegin;
  for (int64_t i = 0; i < all->count; i++) {
    if (all->living[i]) PetscCall(LivingRelease(&all->group[i], &all->living[i]));
    PetscCall(NormaliserDestroy(&all->normaliser[i]));
    PetscCall(DictionaryDestroy(&all->dictionary[i]));
    free(all->file[i]);
  }
  PetscCall(SplitDestroy(&all->split));
  PetscCall(TokensClose(&all->tokens));
  PetscCall(ArrayDestroy(&all->file));
  PetscCall(ArrayDestroy(&all->dictionary));
  PetscCall(ArrayDestroy(&all->normaliser));
  PetscCall(ArrayDestroy(&all->view));
  PetscCall(ArrayDestroy(&all->run));
  PetscCall(ArrayDestroy(&all->group));
  PetscCall(ArrayDestroy(&all->living));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode CompareModels(MPI_Comm comm, const Kernels *kernels, int64_t count,
                             const char *const *path, const char *tokens, Mistakes *mistakes,
                             Table **table)
{
  Models all = {.comm = comm, .kernels = kernels, .count = count};
  bool any;
  PetscFunctionBegin;
  *table = NULL;
  PetscCall(ArrayCreate(count, &all.file));
  PetscCall(ArrayCreate(count, &all.dictionary));
  PetscCall(ArrayCreate(count, &all.normaliser));
  PetscCall(ArrayCreate(count, &all.view));
  PetscCall(ArrayCreate(count, &all.run));
  PetscCall(ArrayCreate(count, &all.group));
  PetscCall(ArrayCreate(count, &all.living));
  for (int64_t i = 0; i < count; i++) all.file[i] = model_file(path[i]);
  PetscCall(ReadModels(&all, mistakes));
  PetscCall(MistakesAgree(comm, mistakes, &any));
  if (!any && tokens)
    PetscCall(TokensFit(comm, kernels, tokens, all.dictionary[0]->d, mistakes, &all.tokens));
  if (all.tokens) PetscCall(SplitCreate(comm, all.tokens, 0, mistakes, &all.split));
  PetscCall(MistakesAgree(comm, mistakes, &any));
  if (!any) PetscCall(CompareAll(&all, path, mistakes, table));
  PetscCall(MistakesAgree(comm, mistakes, &any));
  if (any) PetscCall(TableDestroy(table));
  PetscCall(Release(&all));
  PetscFunctionReturn(PETSC_SUCCESS);
}
