/* The atoms of a model's runs, in an order that does not depend on the plan's. */
#include "compare/stable_parts.h"
#include <stdlib.h>
#include <string.h>

static int compare_places(const void *x, const void *y)
{
  const Place *a = x, *b = y;
  const int by_content = strcmp(a->digest, b->digest);
  return by_content ? by_content : strcmp(a->id, b->id);
}

/* Digest of all atoms of a stage and of which of them live; "" after a mistake. */
static PetscErrorCode DigestAtoms(const ComparedRun *run, Stage stage, const Living *living,
                                  Mistakes *mistakes, char hex[DIGEST_LENGTH])
{
  float *D;
  Digest digest;
  PetscFunctionBeginUser;
  PetscCall(AtomsRead(run->folder, stage, living, mistakes, &D));
  digest_begin(&digest);
  if (D) digest_add(&digest, D, (size_t)(living->m * living->d) * sizeof(*D));
  if (stage == STAGE_END)
    digest_add(&digest, living->atom, (size_t)living->alive * sizeof(*living->atom));
  digest_end(&digest, hex);
  PetscCall(ArrayDestroy(&D));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Fills place[], sorted; each run is read by one rank. */
static PetscErrorCode OrderRuns(MPI_Comm comm, Mistakes *mistakes, StableRuns *runs)
{
  const int64_t S = runs->group->runs;
  char(*hex)[2][DIGEST_LENGTH];
  int rank, size;
  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  PetscCallMPI(MPI_Comm_size(comm, &size));
  PetscCall(ArrayCreate(S, &hex));
  for (int64_t r = rank; r < S; r += size)
    for (Stage s = 0; s < STAGES; s++)
      PetscCall(DigestAtoms(&runs->group->run[r], s, &runs->living[r], mistakes, hex[r][s]));
  PetscCallMPI(
      MPI_Allreduce(MPI_IN_PLACE, hex, (int)(S * (int64_t)sizeof(*hex)), MPI_BYTE, MPI_BOR, comm));
  for (int64_t r = 0; r < S; r++) {
    Place *place = &runs->place[r];
    memcpy(place->digest, hex[r][STAGE_END], DIGEST_LENGTH);
    memcpy(place->start, hex[r][STAGE_INITIAL], DIGEST_LENGTH);
    place->id = runs->group->run[r].id;
    place->run = r;
  }
  qsort(runs->place, (size_t)S, sizeof(*runs->place), compare_places);
  for (int64_t q = 0; q < S; q++) runs->set_of[runs->place[q].run] = q;
  PetscCall(ArrayDestroy(&hex));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode StableRunsFill(Nodes *nodes, const Kernels *kernels, Centring centring,
                              Mistakes *mistakes, StableRuns *runs)
{
  AtomSets *sets = &runs->sets;
  PetscFunctionBeginUser;
  PetscCall(NodesBarrier(nodes));
  for (int64_t q = nodes_rank(nodes); q < sets->sets; q += nodes_size(nodes)) {
    const int64_t r = runs->place[q].run;
    const Living *living = &runs->living[r];
    float *D;
    PetscCall(AtomsRead(runs->group->run[r].folder, STAGE_END, living, mistakes, &D));
    if (!D) continue;
    keep_living(living, D);
    PetscCall(AtomsPrepare(kernels, centring, living->alive, living->d, D, NULL,
                           sets->unit + sets->first[q] * sets->d));
    PetscCall(ArrayDestroy(&D));
  }
  PetscCall(NodesBarrier(nodes));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode FillSets(Nodes *nodes, const Kernels *kernels, Centring centring,
                               Mistakes *mistakes, StableRuns *runs)
{
  const int64_t S = runs->group->runs;
  int64_t *size;
  PetscFunctionBeginUser;
  PetscCall(ArrayCreate(S, &size));
  for (int64_t q = 0; q < S; q++) size[q] = runs->living[runs->place[q].run].alive;
  PetscCall(SetsCreate(nodes, runs->living[0].d, S, size, &runs->sets));
  PetscCall(StableRunsFill(nodes, kernels, centring, mistakes, runs));
  PetscCall(ArrayDestroy(&size));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode StableRunsCreate(MPI_Comm comm, Nodes *nodes, const Kernels *kernels,
                                const ComparedGroup *group, Centring centring, Mistakes *mistakes,
                                bool *any, StableRuns *runs)
{
  const int64_t S = group->runs, d = tokens_width(group->view->tokens);
  PetscFunctionBeginUser;
  *runs = (StableRuns){.group = group};
  PetscCall(ArrayCreate(S, &runs->living));
  PetscCall(ArrayCreate(S, &runs->place));
  PetscCall(ArrayCreate(S, &runs->set_of));
  for (int64_t r = 0; r < S; r++) {
    PetscCall(LivingRead(group->run[r].folder, mistakes, &runs->living[r]));
    if (runs->living[r].d != d)
      mistake(mistakes, group->run[r].folder, 0, 0, "atoms of width %lld, tokens of width %lld",
              (long long)runs->living[r].d, (long long)d);
  }
  PetscCall(MistakesAgree(comm, mistakes, any));
  if (*any) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(OrderRuns(comm, mistakes, runs));
  PetscCall(FillSets(nodes, kernels, centring, mistakes, runs));
  PetscCall(MistakesAgree(comm, mistakes, any));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode StableRunsDestroy(Nodes *nodes, StableRuns *runs)
{
  PetscFunctionBeginUser;
  PetscCall(SetsDestroy(nodes, &runs->sets));
  PetscCall(PartnersDestroy(&runs->partners));
  PetscCall(ClustersDestroy(&runs->clusters));
  for (NullKind k = 0; k < NULL_KINDS; k++) PetscCall(ArrayDestroy(&runs->chance[k].share));
  for (int64_t r = 0; r < runs->group->runs; r++) PetscCall(ArrayDestroy(&runs->living[r].atom));
  PetscCall(ArrayDestroy(&runs->living));
  PetscCall(ArrayDestroy(&runs->place));
  PetscCall(ArrayDestroy(&runs->set_of));
  PetscFunctionReturn(PETSC_SUCCESS);
}
