/* Opens what a spec names: experiment, tokens, splits, and the run folder's paths. */
#include "run/work.h"
#include "base/digest.h"
#include "base/file.h"
#include "compare/comparison.h"
#include "measure/metric.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

int64_t work_train(const Work *work, int share)
{
  const Portion *portion = &work->experiment->share[share];
  if (work->least) return work->least[share];
  return (int64_t)((double)(work->n - (int64_t)(portion->held_out * (double)work->n)) *
                   portion->subsample);
}

int64_t same_split(const Experiment *experiment, int64_t share)
{
  int64_t first = 0;
  while (experiment->share[first].held_out != experiment->share[share].held_out) first++;
  return first;
}

static PetscErrorCode Splits(Work *work, Mistakes *mistakes)
{
  const Experiment *experiment = work->experiment;
  bool any = false;

  PetscFunctionBegin;
  PetscCall(ArrayCreate(experiment->shares, &work->split));
  PetscCall(ArrayCreate(experiment->shares, &work->least));
  for (int64_t s = 0; s < experiment->shares && !any; s++) {
    const Portion *share = &experiment->share[s];
    const int64_t first = same_split(experiment, s);
    if (first < s)
      work->split[s] = work->split[first];
    else
      PetscCall(SplitCreate(work->world, work->tokens, share->held_out, mistakes, &work->split[s]));
    PetscCall(MistakesAgree(work->world, mistakes, &any));
    if (any) break;
    work->least[s] = split_count(work->split[s], false);
    if (share->subsample < 1)
      PetscCall(SplitLeast(work->split[s], share->subsample, &work->least[s]));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Bind(Work *work, const SpecFamilies *families, Mistakes *mistakes)
{
  Experiment *experiment = work->experiment;
  const char *digest = work->tokens ? tokens_digest(work->tokens) : "";
  int64_t *n_train;

  PetscFunctionBegin;
  PetscCall(ArrayCreate(experiment->shares, &n_train));
  for (int64_t s = 0; s < experiment->shares; s++) n_train[s] = work_train(work, (int)s);
  for (int64_t i = 0; work->tokens && i < work->d; i++)
    experiment->least = fmin(experiment->least, tokens_statistics(work->tokens)->minimum[i]);
  PetscCall(ExperimentBind(experiment, families, digest, n_train, work->d, mistakes));
  PetscCall(ArrayDestroy(&n_train));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The work and its experiment, without tokens. */
static PetscErrorCode Begin(MPI_Comm world, const char *spec, const SpecFamilies *families,
                            Mistakes *mistakes, Work **result, bool *any)
{
  Work *work;

  PetscFunctionBegin;
  PetscCall(ArrayCreate(1, &work));
  work->world = world;
  PetscCallMPI(MPI_Comm_rank(world, &work->rank));
  PetscCallMPI(MPI_Comm_size(world, &work->size));
  PetscCall(KernelsChoose(NULL, mistakes, &work->kernels));
  PetscCall(ExperimentRead(spec, families, mistakes, &work->experiment));
  PetscCall(MistakesAgree(world, mistakes, any));
  *result = work;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WorkOpen(MPI_Comm world, const char *spec, const char *out, Mistakes *mistakes,
                        Work **result)
{
  const SpecFamilies families = {&methods, &metrics, &comparisons};
  Work *work;
  bool any;

  PetscFunctionBegin;
  PetscCall(Begin(world, spec, &families, mistakes, result, &any));
  work = *result;
  if (!any) {
    const Experiment *experiment = work->experiment;
    PetscCall(TokensOpen(world, work->kernels, experiment->token_files,
                         (const char *const *)experiment->token_paths, mistakes, &work->tokens));
    PetscCall(MistakesAgree(world, mistakes, &any));
  }
  if (!any) {
    work->n = tokens_count(work->tokens), work->d = tokens_width(work->tokens);
    PetscCall(Splits(work, mistakes));
    PetscCall(MistakesAgree(world, mistakes, &any));
  }
  if (!any) {
    PetscCall(Bind(work, &families, mistakes));
    PetscCall(MistakesAgree(world, mistakes, &any));
  }
  if (!any) {
    Digest digest;
    digest_begin(&digest);
    digest_text(&digest, work->experiment->text);
    digest_end(&digest, work->spec_digest);
  }
  if (!out) out = getenv("ARDIS_OUT");
  if (!any) work->out = out && *out ? text_copy(out) : path_join("runs", work->experiment->name);
  if (any) PetscCall(WorkClose(result));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WorkOpenSizes(MPI_Comm world, const char *spec, int64_t n, int64_t d,
                             Mistakes *mistakes, Work **result)
{
  const SpecFamilies families = {&methods, &metrics, &comparisons, true};
  bool any;

  PetscFunctionBegin;
  PetscCall(Begin(world, spec, &families, mistakes, result, &any));
  (*result)->n = n, (*result)->d = d;
  if (!any) PetscCall(Bind(*result, &families, mistakes));
  PetscCall(MistakesAgree(world, mistakes, &any));
  if (any) PetscCall(WorkClose(result));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WorkClose(Work **work)
{
  PetscFunctionBegin;
  if (!*work) PetscFunctionReturn(PETSC_SUCCESS);
  for (int64_t s = 0; (*work)->split && s < (*work)->experiment->shares; s++)
    if (same_split((*work)->experiment, s) == s) PetscCall(SplitDestroy(&(*work)->split[s]));
  PetscCall(ArrayDestroy(&(*work)->split));
  PetscCall(ArrayDestroy(&(*work)->least));
  PetscCall(SurrogatesClose(*work));
  PetscCall(TokensClose(&(*work)->tokens));
  PetscCall(ExperimentDestroy(&(*work)->experiment));
  free((*work)->out);
  PetscCall(ArrayDestroy(work));
  PetscFunctionReturn(PETSC_SUCCESS);
}

char *run_folder(const Work *work, const Run *run)
{
  Text text = {0};
  text_add(&text, "%s/%s/%s", work->out, run->folder, run->id);
  return text.s;
}

char *run_file(const Work *work, const Run *run, const char *name)
{
  Text text = {0};
  text_add(&text, "%s/%s/%s/%s", work->out, run->folder, run->id, name);
  return text.s;
}

char *anchors_file(const Work *work, const AnchorRun *anchors)
{
  Text text = {0};
  text_add(&text, "%s/anchors/%s.h5", work->out, anchors->id);
  return text.s;
}

PetscErrorCode WorkView(const Work *work, const Settings *settings, int share, View *view)
{
  Normaliser *normaliser;

  PetscFunctionBegin;
  Tokens *tokens = settings_get(settings, "tokens") ? work->surrogate[share] : work->tokens;
  PetscCall(NormaliserCreate(tokens, settings, &normaliser));
  *view = (View){tokens, work->split[share], normaliser, work->kernels};
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ViewRelease(View *view)
{
  Normaliser *normaliser = (Normaliser *)view->normaliser;

  PetscFunctionBegin;
  PetscCall(NormaliserDestroy(&normaliser));
  view->normaliser = NULL;
  PetscFunctionReturn(PETSC_SUCCESS);
}
