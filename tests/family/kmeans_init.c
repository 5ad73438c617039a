/* Laws of the starts of k-means: the first centroids are training tokens, drawn the same on any
   number of ranks.
   RUN ranks=1
   RUN ranks=2
   RUN ranks=3 */
#include "../tap.h"
#include "../unit/kmeans_tokens.h"
#include <unistd.h>

static const char path[] = "kmeans_init.test.h5";

enum { ROWS = 25 };

static PetscErrorCode Start(const KMeansInit *init, const Bench *bench, uint64_t seed, float *C)
{
  const KMeansStart start = {.task = &bench->task,
                             .K = ROWS,
                             .d = WIDTH,
                             .n = split_count(bench->split, false),
                             .seed = seed};
  PetscFunctionBeginUser;
  PetscCall(init->start(&start, C));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The sum over training tokens of the least squared distance. */
static double objective(const Bench *bench, int64_t n, const float *X, const float *C)
{
  double sum = 0;
  for (int64_t t = 0; t < n; t++) {
    double least = (double)INFINITY;
    for (int64_t j = 0; j < ROWS; j++)
      least =
          fmin(least, bench->task.view.kernels->distance64(WIDTH, X + t * WIDTH, C + j * WIDTH));
    sum += least;
  }
  return sum;
}

static PetscErrorCode Check(const KMeansInit *init, const Bench *world, const Bench *self,
                            int64_t n, const float *X, double *least)
{
  float C[ROWS * WIDTH], D[ROWS * WIDTH];
  const char *name = init->entry.name;
  int tokens = 0, equal = 0;
  PetscFunctionBeginUser;
  PetscCall(Start(init, world, 5, C));
  PetscCall(Start(init, self, 5, D));
  OK(!memcmp(C, D, sizeof(C)), "%s: the same as on one rank", name);
  SAME_ON_ALL_RANKS(C, sizeof(C), "%s: the same on every rank", name);
  for (int64_t j = 0; j < ROWS; j++) {
    bool found = false;
    for (int64_t t = 0; t < n && !found; t++)
      found = !memcmp(X + t * WIDTH, C + j * WIDTH, WIDTH * sizeof(float));
    tokens += found;
    for (int64_t i = 0; i < j; i++)
      equal += !memcmp(C + i * WIDTH, C + j * WIDTH, WIDTH * sizeof(float));
  }
  OK(tokens == ROWS, "%s: every centroid is a training token", name);
  OK(!strcmp(name, "random") == (equal > 0), "%s: a third of the tokens is the same one: %d pairs",
     name, equal);
  *least = objective(world, n, X, C);
  PetscCall(Start(init, world, 6, D));
  OK(memcmp(C, D, sizeof(C)), "%s: another seed, another start", name);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CheckAll(const Bench *world, const Bench *self)
{
  const int64_t n = split_count(world->split, false);
  int64_t *row;
  float *X;
  double least[8], random = 0;
  int inits = 0;
  PetscFunctionBeginUser;
  PetscCall(ArrayCreate(n, &row));
  PetscCall(ArrayCreate(n * WIDTH, &X));
  for (int64_t t = 0; t < n; t++) row[t] = split_row(world->split, false, t);
  PetscCall(ViewRead(&world->task.view, n, row, X));
  for (const Entry *const *e = kmeans_inits.entries; *e && inits < 8; e++, inits++) {
    PetscCall(Check((const KMeansInit *)*e, world, self, n, X, &least[inits]));
    if (!strcmp((*e)->name, "random")) random = least[inits];
  }
  for (int i = 0; i < inits; i++)
    if (strcmp(kmeans_inits.entries[i]->name, "random"))
      OK(least[i] < random, "%s starts below random: %g against %g", kmeans_inits.entries[i]->name,
         least[i], random);
  PetscCall(ArrayDestroy(&row));
  PetscCall(ArrayDestroy(&X));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  Bench world, self;
  Mistakes *mistakes;
  const Kernels *kernels;
  TestBegin(&argc, &argv);
  RUN(MistakesCreate(&mistakes));
  RUN(KernelsChoose(NULL, mistakes, &kernels));
  RUN(ClusterFile(PETSC_COMM_WORLD, kernels, path, mistakes));
  RUN(BenchOpen(PETSC_COMM_WORLD, kernels, path, mistakes, &world));
  RUN(BenchOpen(PETSC_COMM_SELF, kernels, path, mistakes, &self));
  RUN(CheckAll(&world, &self));
  RUN(BenchClose(&world));
  RUN(BenchClose(&self));
  RUN(MistakesDestroy(&mistakes));
  MPI_Barrier(MPI_COMM_WORLD);
  if (tap_rank == 0) unlink(path);
  return TestEnd();
}
