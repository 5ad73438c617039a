/* Measuring model files that stand alone. */
#include "run/models.h"
#include "base/file.h"
#include <stdlib.h>
#include <string.h>

enum { TRAIN_TOKENS = 1000000 }; /* of a spec that does not say how many */

char *model_file(const char *path)
{
  char *inside = path_join(path, "model.h5");
  if (file_exists(inside)) return inside;
  free(inside);
  return text_copy(path);
}

bool has_codes(const Dictionary *dictionary)
{
  return dictionary->method && dictionary->method->encode;
}

PetscErrorCode TokensFit(MPI_Comm comm, const Kernels *kernels, const char *path, int64_t d,
                         Mistakes *mistakes, Tokens **tokens)
{
  bool any;
  PetscFunctionBegin;
  PetscCall(TokensOpen(comm, kernels, 1, &path, mistakes, tokens));
  if (*tokens && tokens_width(*tokens) != d)
    mistake(mistakes, path, 0, 0, "tokens of width %lld, but the model's are %lld wide",
            (long long)tokens_width(*tokens), (long long)d);
  PetscCall(MistakesAgree(comm, mistakes, &any));
  if (any) PetscCall(TokensClose(tokens));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* All metrics with their defaults; ended by NULL. */
static PetscErrorCode AllMetrics(ChosenMetric **chosen)
{
  int64_t count = 0;
  PetscFunctionBegin;
  while (metrics.entries[count]) count++;
  PetscCall(ArrayCreate(count + 1, chosen));
  for (int64_t i = 0; i < count; i++) (*chosen)[i].metric = (const Metric *)metrics.entries[i];
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* One split of all tokens is no training sample. */
static void rename_split(Table *values)
{
  const int column = table_column(values, "split");
  for (int64_t r = 0; r < values->rows; r++) {
    char **cell = &values->cells[r * values->columns + column];
    free(*cell);
    *cell = text_copy("all");
  }
}

PetscErrorCode MeasureModel(MPI_Comm comm, const Dictionary *dictionary, Tokens *tokens,
                            double held_out, Mistakes *mistakes, Table **values)
{
  const int64_t sample = held_out > 0 ? TRAIN_TOKENS : tokens_count(tokens);
  Normaliser *normaliser;
  ChosenMetric *chosen;
  Table *atoms;
  Split *split;
  bool any;
  PetscFunctionBegin;
  *values = NULL;
  PetscCall(SplitCreate(comm, tokens, held_out, mistakes, &split));
  PetscCall(MistakesAgree(comm, mistakes, &any));
  if (!any) {
    PetscCall(
        NormaliserFromArrays(dictionary->d, dictionary->mean, dictionary->scale, &normaliser));
    const View view = {tokens, split, normaliser, dictionary->kernels};
    PetscCall(AllMetrics(&chosen));
    PetscCall(MeasureRun(comm, &view, dictionary, chosen, sample, values, &atoms));
    if (held_out == 0) rename_split(*values);
    PetscCall(TableDestroy(&atoms));
    PetscCall(ArrayDestroy(&chosen));
    PetscCall(NormaliserDestroy(&normaliser));
  }
  PetscCall(SplitDestroy(&split));
  PetscFunctionReturn(PETSC_SUCCESS);
}
