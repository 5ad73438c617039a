/* k-means: what an iteration does, the same bytes on any number of ranks, and after a checkpoint in
   the middle.
   RUN ranks=1
   RUN ranks=2
   RUN ranks=3 */
#include "../../src/compute/nearest_parts.h"
#include "../tap.h"
#include "kmeans_tokens.h"
#include <stdlib.h>
#include <unistd.h>

extern const Method method_kmeans;
static const char path[] = "learn_kmeans.test.h5", saved[] = "learn_kmeans.checkpoint.h5";

enum { ROWS = 40 };

typedef struct {
  int iterations;
  double objective[64], empty[64];
  const char *reason;
} Course;

/* Steps until the end, or until `stop` steps were done. */
static PetscErrorCode Run(KMeans *K, int stop, Course *course)
{
  PetscFunctionBeginUser;
  StepReport report = {.log = true, .values = 3};
  for (int step = 0; step != stop; step++) {
    PetscCall(method_kmeans.step(K, &report));
    if (report.log && course->iterations < 64) {
      course->objective[course->iterations] = report.value[0].value;
      course->empty[course->iterations++] = report.value[1].value;
    }
    course->reason = report.reason;
    if (report.state != STEP_MORE) break;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Learner(Bench *bench, const char *iterations, KMeans **K)
{
  PetscFunctionBeginUser;
  settings_set(&bench->settings, "width", "40");
  settings_set(&bench->settings, "iterations", iterations);
  settings_set(&bench->settings, "init.name", "random");
  PetscCall(method_kmeans.create(&bench->task, (void **)K));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* All training tokens, on every rank. */
static PetscErrorCode ReadAll(const Bench *bench, int64_t *n, float **X)
{
  int64_t *row;
  PetscFunctionBeginUser;
  *n = split_count(bench->split, false);
  PetscCall(ArrayCreate(*n, &row));
  PetscCall(ArrayCreate(*n * WIDTH, X));
  for (int64_t t = 0; t < *n; t++) row[t] = split_row(bench->split, false, t);
  PetscCall(ViewRead(&bench->task.view, *n, row, *X));
  PetscCall(ArrayDestroy(&row));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* One iteration against its definition in plain float64. */
static PetscErrorCode CheckIteration(Bench *bench)
{
  KMeans *K;
  float *X, *C;
  int64_t n, members[ROWS] = {0}, empty = 0, filled = 0;
  double sum[ROWS][WIDTH] = {{0}}, objective = 0, *distance;
  bool means = true;
  PetscFunctionBeginUser;
  PetscCall(ReadAll(bench, &n, &X));
  PetscCall(Learner(bench, "1", &K));
  PetscCall(ArrayCreate(ROWS * WIDTH, &C));
  PetscCall(ArrayCreate(n, &distance));
  memcpy(C, K->centroids, ROWS * WIDTH * sizeof(float));
  Course course = {0};
  PetscCall(Run(K, -1, &course));
  for (int64_t t = 0; t < n; t++) {
    int64_t best = -1;
    for (int64_t j = 0; j < ROWS; j++) {
      double e = 0;
      for (int i = 0; i < WIDTH; i++) {
        const double x = (double)X[t * WIDTH + i] - (double)C[j * WIDTH + i];
        e += x * x;
      }
      if (best < 0 || e < distance[t]) distance[t] = e, best = j;
    }
    objective += distance[t];
    members[best]++;
    for (int i = 0; i < WIDTH; i++) sum[best][i] += (double)X[t * WIDTH + i];
  }
  NEAR(course.objective[0], objective, 1e-9 * objective, "the objective is the sum of distances");
  double farthest = 0;
  int64_t token = 0;
  for (int64_t t = 0; t < n; t++)
    if (distance[t] > farthest) farthest = distance[t], token = t;
  for (int64_t j = 0; j < ROWS; j++) {
    if (!members[j] && empty++ == 0)
      filled = !memcmp(K->centroids + j * WIDTH, X + token * WIDTH, WIDTH * sizeof(float));
    for (int i = 0; members[j] && i < WIDTH; i++) {
      const double mean = sum[j][i] / (double)members[j];
      means &= fabs((double)K->centroids[j * WIDTH + i] - mean) <= 1e-6 * fmax(1, fabs(mean));
    }
  }
  OK(means, "a centroid is the mean of its members");
  OK(empty > 0 && (double)empty == course.empty[0], "empty centroids are counted: %d", (int)empty);
  OK(filled, "the first empty centroid takes the farthest token");
  OK(course.reason && !strcmp(course.reason, "iterations"), "it ends after its iterations");
  PetscCall(method_kmeans.destroy((void **)&K));
  PetscCall(ArrayDestroy(&C));
  PetscCall(ArrayDestroy(&X));
  PetscCall(ArrayDestroy(&distance));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Checkpoint(MPI_Comm comm, KMeans *K, Mistakes *mistakes)
{
  State state = {0};
  H5Writer *writer;
  int numbers[STATE_MAX];
  PetscFunctionBeginUser;
  PetscCall(method_kmeans.state(K, &state));
  PetscCall(H5WriterCreate(comm, saved, &writer));
  PetscCall(StateDeclare(writer, &state, numbers));
  PetscCall(H5WriterLayout(writer, mistakes));
  PetscCall(StateWrite(comm, writer, &state, numbers));
  PetscCall(H5WriterCommit(&writer, mistakes));
  PetscCallMPI(MPI_Barrier(MPI_COMM_WORLD));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Resume(Bench *bench, Mistakes *mistakes, KMeans **K)
{
  State state = {0};
  H5Reader *reader;
  PetscFunctionBeginUser;
  PetscCall(Learner(bench, "30", K));
  memset((*K)->centroids, 0x7f, ROWS * WIDTH * sizeof(float));
  PetscCall(method_kmeans.state(*K, &state));
  PetscCall(H5ReaderOpen(saved, mistakes, &reader));
  PetscCall(StateRead(bench->task.comm, reader, saved, &state, mistakes));
  PetscCall(H5ReaderClose(&reader));
  PetscCall(method_kmeans.resumed(*K));
  PetscCallMPI(MPI_Barrier(MPI_COMM_WORLD));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The whole run here and on one rank, and both interrupted and carried on by the other. */
static PetscErrorCode CheckRanks(Bench *world, Bench *self, Mistakes *mistakes)
{
  KMeans *a, *b, *c, *d, *e;
  Course whole = {0}, alone = {0}, rest = {0};
  const size_t bytes = ROWS * WIDTH * sizeof(float);
  PetscFunctionBeginUser;
  PetscCall(Learner(world, "30", &a));
  PetscCall(Run(a, -1, &whole));
  bool falls = whole.iterations > 3;
  for (int i = 1; i < whole.iterations; i++) falls &= whole.objective[i] <= whole.objective[i - 1];
  OK(falls, "the objective never rises in %d iterations: %s", whole.iterations, whole.reason);
  OK(whole.empty[whole.iterations - 1] == 0, "no centroid is empty at the end");
  PetscCall(Learner(self, "30", &b));
  PetscCall(Run(b, -1, &alone));
  OK(!memcmp(a->centroids, b->centroids, bytes), "the same bytes as on one rank");
  SAME_ON_ALL_RANKS(a->centroids, bytes, "the same bytes on every rank");
  OK(whole.iterations == alone.iterations &&
         !memcmp(whole.objective, alone.objective, sizeof(whole.objective)),
     "the same objectives");
  for (int stop = 1; stop < 8; stop += 3) {
    Course before = {0};
    PetscCall(Learner(world, "30", &c));
    PetscCall(Run(c, stop, &before));
    PetscCall(Checkpoint(PETSC_COMM_WORLD, c, mistakes));
    const int64_t position = c->number[KMEANS_POSITION];
    PetscCall(method_kmeans.destroy((void **)&c));
    PetscCall(Resume(self, mistakes, &d));
    PetscCall(Run(d, -1, &rest));
    OK(!memcmp(a->centroids, d->centroids, bytes), "stopped at token %d, carried on by one rank",
       (int)position);
    PetscCall(method_kmeans.destroy((void **)&d));
    PetscCall(Resume(world, mistakes, &e));
    PetscCall(Run(e, -1, &rest));
    OK(!memcmp(a->centroids, e->centroids, bytes), "and by as many");
    PetscCall(method_kmeans.destroy((void **)&e));
  }
  PetscCall(Learner(self, "30", &c));
  PetscCall(Run(c, 5, &rest));
  if (tap_rank == 0) PetscCall(Checkpoint(PETSC_COMM_SELF, c, mistakes));
  if (tap_rank != 0) PetscCallMPI(MPI_Barrier(MPI_COMM_WORLD));
  PetscCall(Resume(world, mistakes, &e));
  PetscCall(Run(e, -1, &rest));
  OK(!memcmp(a->centroids, e->centroids, bytes), "stopped on one rank, carried on by more");
  OK(mistakes_count(mistakes) == 0, "no mistakes");
  PetscCall(method_kmeans.destroy((void **)&a));
  PetscCall(method_kmeans.destroy((void **)&b));
  PetscCall(method_kmeans.destroy((void **)&c));
  PetscCall(method_kmeans.destroy((void **)&e));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static const Kernels *plain;
static int64_t found[2]; /* tokens that this rank searched for; of these, what had to wait */

/* The search of a core that is slow at the moment, on rank 0; by bytes first, with so little room
   that many tokens need a finer screening. */
static void late(int64_t n, const float *X, int64_t ldX, const Nearest *centroids, int32_t *index,
                 double *distance)
{
  Nearest *N = (Nearest *)centroids;
  N->level = LEVEL_BYTES, N->list = 2, N->settled = 0;
  if (tap_rank == 0) usleep(20000);
  found[0] += n;
  plain->nearest(n, X, ldX, centroids, index, distance);
  for (int64_t t = 0; t < n; t++) found[1] += index[t] < 0;
}

/* Tokens of a slow rank are taken by the others of its node, and some wait for their answers, with
   the same result. */
static PetscErrorCode CheckHelp(Bench *world)
{
  Kernels slow = *world->task.view.kernels;
  int64_t all[2];
  KMeans *a, *b;
  PetscFunctionBeginUser;
  plain = world->task.view.kernels;
  slow.nearest = late;
  found[0] = found[1] = 0;
  PetscCall(Learner(world, "1", &a));
  PetscCall(Run(a, -1, &(Course){0}));
  world->task.view.kernels = &slow;
  PetscCall(Learner(world, "1", &b));
  PetscCall(Run(b, -1, &(Course){0}));
  world->task.view.kernels = plain;
  PetscCallMPI(MPI_Allreduce(found, all, 2, MPI_INT64_T, MPI_SUM, PETSC_COMM_WORLD));
  OK(all[0] == a->n, "each token is searched for once in a pass");
  OK(all[1] > 1000 && all[1] < a->n, "%d of them wait for their answers", (int)all[1]);
  OK(!memcmp(a->centroids, b->centroids, ROWS * WIDTH * sizeof(float)), "the same bytes");
  OK(tap_rank || tap_size == 1 || found[0] < all[0] / tap_size,
     "of %d tokens the slow rank did %d, two ranks a node", (int)all[0], (int)found[0]);
  PetscCall(method_kmeans.destroy((void **)&a));
  PetscCall(method_kmeans.destroy((void **)&b));
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
  for (int most = 1; most <= 3; most++) { /* ranks that share memory */
    setenv("ARDIS_NODE_RANKS", (const char *const[]){"1", "2", "3"}[most - 1], 1);
    RUN(CheckIteration(&world));
    RUN(CheckRanks(&world, &self, mistakes));
    if (most == 2) RUN(CheckHelp(&world));
  }
  RUN(BenchClose(&world));
  RUN(BenchClose(&self));
  RUN(MistakesDestroy(&mistakes));
  MPI_Barrier(MPI_COMM_WORLD);
  if (tap_rank == 0) unlink(path), unlink(saved);
  return TestEnd();
}
