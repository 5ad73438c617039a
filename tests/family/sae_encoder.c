/* Laws of the encoders: rows start finite and of sensible size, biases at 0, the same on any number
   of ranks.
   RUN ranks=1
   RUN ranks=3 */
#include "../sae_task.h"
#include "../tap.h"

#define COMM PETSC_COMM_WORLD
enum { N = 300, D = 8, M = 21 };
static const char path[] = "sae_encoder.test.h5";

static PetscErrorCode Laws(const char *name, const char *more, bool unit)
{
  PetscFunctionBeginUser;
  SAETask together, alone;
  SAE *many, *one;
  Text words = {0};
  text_add(&words, "width=21 train.batch=64 code.name=relu atoms.name=hull encoder.name=%s %s",
           name, more);
  PetscCall(SAETaskOpen(COMM, path, words.s, 30, &together));
  PetscCall(SAETaskOpen(PETSC_COMM_SELF, path, words.s, 30, &alone));
  PetscCall(SAECreate(&together.task, &many));
  PetscCall(SAECreate(&alone.task, &one));
  bool sized = true, zero = true, along = true;
  for (int64_t j = 0; j < M; j++) {
    double square = 0, dot = 0, atom = 0;
    for (int64_t i = 0; i < D; i++) {
      const double e = (double)one->E[j * D + i], a = (double)one->D[j * D + i];
      square += e * e, dot += e * a, atom += a * a;
    }
    sized &= square > 0.01 && square < 4;
    along &= fabs(square - 1) < 1e-6 && fabs(dot - sqrt(atom)) < 1e-5;
    zero &= one->b[j] == 0;
  }
  OK(sized && zero, "%s %s: rows of a length near 1, biases 0", name, more);
  OK(along == unit, "%s %s: rows %s the unit atoms", name, more, unit ? "are" : "are not");
  OK(!memcmp(one->E, many->E, sizeof(float) * M * D), "%s %s: the same on %d ranks and on one",
     name, more, tap_size);
  PetscCall(SAEDestroy(&many));
  PetscCall(SAEDestroy(&one));
  PetscCall(SAETaskClose(&together));
  PetscCall(SAETaskClose(&alone));
  text_clear(&words);
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  TestBegin(&argc, &argv);
  RUN(SAETaskTokens(path, N, D));
  for (const Entry *const *entry = sae_encoders.entries; *entry; entry++)
    RUN(Laws((*entry)->name, "", true));
  RUN(Laws("linear", "encoder.start=random", false));
  MPI_Barrier(COMM);
  if (tap_rank == 0) unlink(path);
  return TestEnd();
}
