/* The stage that makes the atlas. */
#include "base/digest.h"
#include "base/file.h"
#include "explain/atlas.h"
#include "run/stages.h"
#include <stdlib.h>
#include <string.h>

/* The finished runs of a group: run [experiment->runs], their folders fresh memory. */
static void list_runs(const Work *work, const Outcome *outcomes, int64_t group, AtlasRun *run,
                      AtlasModel *model)
{
  const Experiment *experiment = work->experiment;
  model->model = experiment->group[group].model;
  model->run = run;
  model->runs = 0;
  for (int64_t r = 0; r < experiment->runs; r++)
    if (experiment->run[r].group == group && outcomes[r].status == RUN_DONE)
      run[model->runs++] = (AtlasRun){experiment->run[r].id, run_folder(work, &experiment->run[r])};
}

static void free_runs(const AtlasModel *model)
{
  for (int64_t r = 0; r < model->runs; r++) free((void *)model->run[r].folder);
}

/* Adds a file's content, or that it is not there. */
static PetscErrorCode AddFile(const char *path, Digest *digest)
{
  char hex[DIGEST_LENGTH];
  bool found;

  PetscFunctionBegin;
  PetscCall(DigestFile(path, hex, &found));
  digest_text(digest, found ? hex : "none");
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What the atlas depends on: the runs, their groups and partners, and what tokens are shown as. */
static PetscErrorCode Inputs(const Work *work, const Outcome *outcomes, char hex[DIGEST_LENGTH])
{
  const Experiment *experiment = work->experiment;
  const int64_t numbers[] = {experiment->train_tokens,
                             experiment->image_rows,
                             experiment->image_columns,
                             ATLAS_GROUPS,
                             ATLAS_TOKENS,
                             ATLAS_SAMPLE};
  char *members = path_join(work->out, "stable_members.csv");
  Digest digest;

  PetscFunctionBegin;
  digest_begin(&digest);
  digest_add(&digest, numbers, sizeof(numbers));
  digest_text(&digest, experiment->images ? experiment->images : "");
  digest_text(&digest, experiment->texts ? experiment->texts : "");
  PetscCall(AddFile(members, &digest));
  for (int64_t r = 0, group = -1; r < experiment->runs; r++) {
    const Run *run = &experiment->run[r];
    char *partners = run_file(work, run, "partners.csv");
    digest_text(&digest, run->id);
    digest_text(&digest, run_status_words[outcomes[r].status]);
    if (outcomes[r].status == RUN_DONE && run->group != group) {
      PetscCall(AddFile(partners, &digest));
      group = run->group;
    }
    free(partners);
  }
  digest_end(&digest, hex);
  free(members);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* One model's rows; rank 0 chooses, all look at tokens. */
static PetscErrorCode ExplainModel(Work *work, AtlasModel *model, const Table *members,
                                   const Looks *looks, Mistakes *mistakes, Table *table)
{
  AtlasAtom *atoms = NULL;
  AtlasToken *tokens;
  int64_t count = 0;

  PetscFunctionBegin;
  if (work->rank == 0) PetscCall(AtlasChoose(model, members, mistakes, &count, &atoms));
  PetscCallMPI(MPI_Bcast(&count, 1, MPI_INT64_T, 0, work->world));
  if (work->rank) PetscCall(ArrayCreate(count, &atoms));
  PetscCallMPI(MPI_Bcast(atoms, (int)(count * (int64_t)sizeof(*atoms)), MPI_BYTE, 0, work->world));
  if (count) {
    PetscCall(ArrayCreate(count * ATLAS_TOKENS, &tokens));
    PetscCall(AtlasTokens(work->world, model, min_i64(work->experiment->train_tokens, ATLAS_SAMPLE),
                          count, atoms, mistakes, tokens));
    if (work->rank == 0) PetscCall(AtlasRows(model, count, atoms, tokens, looks, table));
    PetscCall(ArrayDestroy(&tokens));
  }
  PetscCall(ArrayDestroy(&atoms));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ExplainModels(Work *work, const Outcome *outcomes, const Looks *looks,
                                    Mistakes *mistakes, Table *table)
{
  const Experiment *experiment = work->experiment;
  char *path = path_join(work->out, "stable_members.csv");
  Table *members = NULL;
  AtlasRun *run;

  PetscFunctionBegin;
  if (work->rank == 0 && file_exists(path)) PetscCall(TableRead(path, mistakes, &members));
  if (!members) PetscCall(TableCreate("model,group,run,atom,cosine", &members));
  PetscCall(ArrayCreate(experiment->runs, &run));
  for (int64_t g = 0; g < experiment->groups; g++) {
    AtlasModel model;
    View view;
    if (experiment->group[g].is_surrogate) continue;
    list_runs(work, outcomes, g, run, &model);
    if (model.runs > 1) {
      PetscCall(WorkView(work, &experiment->group[g].settings, experiment->group[g].share, &view));
      model.view = &view;
      PetscCall(ExplainModel(work, &model, members, looks, mistakes, table));
      PetscCall(ViewRelease(&view));
    }
    free_runs(&model);
  }
  PetscCall(ArrayDestroy(&run));
  PetscCall(TableDestroy(&members));
  free(path);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The atlas as it has to be made; rank 0 writes it. */
static PetscErrorCode Explain(Work *work, const Outcome *outcomes, const char *path,
                              Mistakes *mistakes)
{
  const Experiment *experiment = work->experiment;
  const LookSources sources = {
      work->tokens,       experiment->token_files, experiment->token_paths,
      experiment->images, experiment->image_rows,  experiment->image_columns,
      experiment->texts};
  char *folder = path_join(work->out, "atlas");
  Looks *looks = NULL;
  Table *table;
  bool any;

  PetscFunctionBegin;
  if (work->rank == 0) PetscCall(LooksOpen(&sources, mistakes, &looks));
  PetscCall(TableCreate(atlas_columns, &table));
  PetscCall(MistakesAgree(work->world, mistakes, &any));
  if (!any) PetscCall(ExplainModels(work, outcomes, looks, mistakes, table));
  PetscCall(MistakesAgree(work->world, mistakes, &any));
  if (!any && work->rank == 0) {
    PetscCall(LooksCopy(looks, table, folder));
    PetscCall(TableWrite(table, path));
  }
  PetscCall(TableDestroy(&table));
  PetscCall(LooksClose(&looks));
  free(folder);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode StageExplain(Work *work, Mistakes *mistakes)
{
  char *path = path_join(work->out, "atlas.csv"), inputs[DIGEST_LENGTH] = "";
  Outcome *outcomes, before = {RUN_PENDING, ""};
  const Outcome done = {RUN_DONE, ""};
  int there = 0;

  PetscFunctionBegin;
  PetscCall(ArrayCreate(work->experiment->runs, &outcomes));
  PetscCall(OutcomesOfRuns(work, outcomes));
  if (work->rank == 0) {
    PetscCall(Inputs(work, outcomes, inputs));
    PetscCall(OutcomeRead(work->out, "explain", inputs, &before));
    there = before.status == RUN_DONE && file_exists(path);
  }
  PetscCallMPI(MPI_Bcast(&there, 1, MPI_INT, 0, work->world));
  if (!there) PetscCall(Explain(work, outcomes, path, mistakes));
  if (!there && !mistakes_count(mistakes) && work->rank == 0)
    PetscCall(OutcomeWrite(work->out, "explain", inputs, &done));
  PetscCall(ArrayDestroy(&outcomes));
  free(path);
  PetscFunctionReturn(PETSC_SUCCESS);
}
