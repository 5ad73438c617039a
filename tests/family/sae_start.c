/* Laws of the starts of free atoms: rows that have a direction, the same on any number of ranks,
   drawn from the seeds that the entry names and from no other.
   RUN ranks=1
   RUN ranks=2
   RUN ranks=3 */
#include "../sae_task.h"
#include "../tap.h"

#define COMM PETSC_COMM_WORLD
enum { N = 300, D = 8, M = 21 };
static const char path[] = "sae_start.test.h5";

/* Starting atoms [M x D] on every rank of comm. */
static PetscErrorCode Start(MPI_Comm comm, const char *words, const int64_t seeds[3], int64_t p,
                            float *atoms)
{
  PetscFunctionBeginUser;
  SAETask t;
  SAE *sae;
  PetscCall(SAETaskOpen(comm, path, words, p, &t));
  t.task.seed_init = seeds[0], t.task.seed_data = seeds[1], t.task.seed_anchors = seeds[2];
  PetscCall(SAECreate(&t.task, &sae));
  memcpy(atoms, sae->D, sizeof(float) * M * D);
  PetscCall(SAEDestroy(&sae));
  PetscCall(SAETaskClose(&t));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static bool directions(const float *atoms)
{
  bool fine = true;
  for (int j = 0; j < M; j++) {
    double square = 0;
    for (int i = 0; i < D; i++) square += (double)atoms[j * D + i] * (double)atoms[j * D + i];
    fine &= fabs(square - 1) < 1e-6;
    for (int k = 0; k < j; k++)
      fine &= memcmp(atoms + k * D, atoms + j * D, sizeof(float) * D) != 0;
  }
  return fine;
}

/* The seeds that an entry draws from with the settings given. */
static PetscErrorCode Seeds(const Entry *entry, const char *words, unsigned *seeds)
{
  PetscFunctionBeginUser;
  Settings settings = {0};
  Choice choice;
  settings_words(&settings, words);
  settings_defaults(&settings, "", sae_params);
  PetscCall(ChoiceRead(&settings, "atoms.start", &sae_starts, &choice));
  *seeds = entry->seeds | (entry->draws ? entry->draws(choice.params) : 0);
  PetscCall(ChoiceRelease(&choice));
  settings_clear(&settings);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Laws(const Entry *entry, const char *more, int64_t p)
{
  PetscFunctionBeginUser;
  static float atoms[M * D], other[M * D];
  const int64_t seeds[3] = {1, 2, 3};
  Text words = {0};
  unsigned drawn = 0;
  text_add(&words, "width=21 train.batch=64 code.name=topk code.k=2 atoms.start.name=%s %s",
           entry->name, more);
  PetscCall(Seeds(entry, words.s, &drawn));
  PetscCall(Start(COMM, words.s, seeds, p, atoms));
  OK(directions(atoms), "%s %s: unit rows, no two alike", entry->name, more);
  PetscCall(Start(PETSC_COMM_SELF, words.s, seeds, p, other));
  OK(!memcmp(atoms, other, sizeof(atoms)), "%s: the same on %d ranks and on one", entry->name,
     tap_size);
  for (int k = 0; k < 3; k++) {
    int64_t moved[3] = {1, 2, 3};
    moved[k] += 10;
    PetscCall(Start(COMM, words.s, moved, p, other));
    const bool differs = memcmp(atoms, other, sizeof(atoms)) != 0;
    OK(differs == (bool)(drawn >> k & 1), "%s %s: %s seed %s it", entry->name, more,
       (const char *[]){"the init", "the data", "the anchors"}[k],
       differs ? "changes" : "does not change");
  }
  text_clear(&words);
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  TestBegin(&argc, &argv);
  RUN(SAETaskTokens(path, N, D));
  for (const Entry *const *entry = sae_starts.entries; *entry; entry++) RUN(Laws(*entry, "", 30));
  const Entry *anchors = family_find(&sae_starts, "anchors");
  RUN(Laws(anchors, "atoms.start.pick=identity", 30));
  RUN(Laws(anchors, "atoms.start.pick=permuted", 30));
  RUN(Laws(anchors, "atoms.start.pick=random_subset", 30));
  RUN(Laws(anchors, "atoms.start.pick=permuted", 9));
  MPI_Barrier(COMM);
  if (tap_rank == 0) unlink(path);
  return TestEnd();
}
