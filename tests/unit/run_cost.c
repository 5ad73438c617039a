/* The model of the cost: more work never costs less, cores that are shared cost time, and the bytes
   that it says a step sends are those that are sent.
   RUN ranks=1
   RUN ranks=2
   RUN ranks=3
   RUN ranks=4 */
#include "../tap.h"
#include "../sae_task.h"
#include "run/cost.h"
#include <string.h>

#undef MPI_Isend
static int64_t sent; /* bytes that this rank gave MPI_Isend */

int MPI_Isend(const void *buffer, int count, MPI_Datatype type, int other, int tag, MPI_Comm comm,
              MPI_Request *request)
{
  int size;
  MPI_Type_size(type, &size);
  sent += (int64_t)size * count;
  return PMPI_Isend(buffer, count, type, other, tag, comm, request);
}

static const CostShape
    topk = {.n = 1e6, .d = 768, .m = 3840, .batch = 4096, .steps = 100, .active = 32},
    hull = {.n = 1e6,
            .d = 768,
            .m = 3840,
            .batch = 4096,
            .steps = 100,
            .active = 32,
            .anchors = 32000},
    kmeans = {.kmeans = true, .n = 1e6, .d = 768, .m = 32000, .batch = 1e6, .steps = 10};

static Cost cost_on(const Machine *machine, const CostShape *shape, int ranks, int nodes)
{
  const CostGroup group = {ranks, nodes, (double)ranks / nodes, 12.5e9, 2e-6};
  return cost_of(machine, shape, &group);
}

/* Atoms of few anchors: their rows are gathered, and chosen by one dense product now and then. */
static void check_support(const Machine *machine)
{
  CostShape few = hull;
  few.support = 128, few.renew = 50;
  const double dense = hull.m * hull.anchors * (4 * hull.d * machine->mix + machine->weight),
               gathered = hull.m * 128 * (hull.d * machine->gather + machine->weight) +
                          hull.m * hull.anchors * 2 * hull.d * machine->mix / 50,
               saved = cost_on(machine, &hull, 1, 1).compute - cost_on(machine, &few, 1, 1).compute;
  NEAR(saved / (dense - gathered), 1, 1e-9, "a support costs gathered rows and renewal");
}

/* Each of the sizes of a shape twice as large: never faster, smaller or shorter. */
static void check_growth(const Machine *machine, const CostShape *shape, const char *name)
{
  static const size_t fields[] = {offsetof(CostShape, n),      offsetof(CostShape, d),
                                  offsetof(CostShape, m),      offsetof(CostShape, batch),
                                  offsetof(CostShape, steps),  offsetof(CostShape, active),
                                  offsetof(CostShape, anchors)};
  bool grows = true, some = true;
  for (int ranks = 1; ranks <= 64; ranks *= 8) {
    const Cost before = cost_on(machine, shape, ranks, ranks > 8 ? 8 : 1);
    for (size_t i = 0; i < sizeof(fields) / sizeof(*fields); i++) {
      CostShape larger = *shape;
      double *field = (double *)(void *)((char *)&larger + fields[i]);
      *field *= 2;
      const Cost after = cost_on(machine, &larger, ranks, ranks > 8 ? 8 : 1);
      grows = grows && after.run >= before.run && after.memory >= before.memory &&
              after.disk >= before.disk;
      if (*field > 0 && fields[i] == offsetof(CostShape, m))
        some = some && after.run > 1.5 * before.run;
    }
  }
  OK(grows, "%s: twice any size never costs less", name);
  OK(some, "%s: twice the atoms cost more than half as much again", name);
}

static void check_ranks(const Machine *machine)
{
  const double one = cost_on(machine, &topk, 1, 1).compute,
               two = cost_on(machine, &topk, 2, 1).compute,
               four = cost_on(machine, &topk, 4, 1).compute,
               spread = cost_on(machine, &topk, 4, 2).compute;
  OK(two < 0.65 * one, "two ranks on two cores: %g against %g", two, one);
  OK(four > 0.95 * two, "four ranks on two cores are no faster than two: %g against %g", four, two);
  OK(spread < 0.65 * two, "four ranks on two nodes of two cores are: %g", spread);
  OK(cost_on(machine, &topk, 64, 32).sent > 0 && cost_on(machine, &topk, 2, 1).sent == 0,
     "only nodes send");
  OK(curve_at(&(Curve){2, {1, 100}, {3, 5}}, 10) == 4 && curve_at(&(Curve){1, {1}, {3}}, 1e9) == 3,
     "costs lie between those measured");
}

/* Steps of a model whose ranks are nodes of their own. */
static PetscErrorCode CheckSent(const Machine *machine)
{
  enum { N = 512, D = 32, STEPS = 4 };
  const char *path = "cost.h5";
  SAETask t;
  SAE *sae;
  StepReport report;

  PetscFunctionBeginUser;
  PetscCall(SAETaskTokens(path, N, D));
  PetscCall(SAETaskOpen(PETSC_COMM_WORLD, path,
                        "method=sae width=96 code.name=topk code.k=6 train.batch=128 "
                        "train.epochs=2 atoms.name=free",
                        0, &t));
  PetscCall(SAECreate(&t.task, &sae));
  sent = 0;
  for (int i = 0; i < STEPS; i++) PetscCall(SAEStep(sae, &report));
  int64_t all = sent;
  MPI_Allreduce(MPI_IN_PLACE, &all, 1, MPI_INT64_T, MPI_SUM, PETSC_COMM_WORLD);
  const CostShape shape = cost_shape(&t.settings, N, D, 0);
  const double said = cost_on(machine, &shape, tap_size, tap_size).sent,
               counted = (double)all / STEPS / tap_size;
  NEAR(said, counted, 0.02 * counted, "a step sends %g bytes a rank, and %g are predicted", counted,
       said);
  OK((counted > 0) == (tap_size > 1), "one rank sends nothing");
  PetscCall(SAEDestroy(&sae));
  PetscCall(SAETaskClose(&t));
  MPI_Barrier(PETSC_COMM_WORLD);
  if (tap_rank == 0) unlink(path);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Run(void)
{
  Machine machine;
  char folder[] = "/tmp/ardis-cost-XXXXXX";

  PetscFunctionBeginUser;
  setenv("ARDIS_NODE_RANKS", "1", 1);
  machine_builtin(&machine);
  check_growth(&machine, &topk, "topk");
  check_support(&machine);
  check_growth(&machine, &hull, "hull");
  check_growth(&machine, &kmeans, "k-means");
  check_ranks(&machine);
  if (tap_rank == 0 && !mkdtemp(folder)) return PETSC_ERR_FILE_WRITE;
  MPI_Bcast(folder, sizeof(folder), MPI_CHAR, 0, PETSC_COMM_WORLD);
  if (chdir(folder)) return PETSC_ERR_FILE_OPEN;
  PetscCall(CheckSent(&machine));
  if (tap_rank == 0) rmdir(folder);
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  TestBegin(&argc, &argv);
  if (Run()) MPI_Abort(PETSC_COMM_WORLD, 1);
  return TestEnd();
}
