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

static const CostShape topk = {.n = 1e6,
                               .d = 768,
                               .m = 3840,
                               .batch = 4096,
                               .steps = 100,
                               .active = 32,
                               .entries = 32,
                               .bytes = 36,
                               .scans = 1,
                               .levels = 1,
                               .filtered = true},
                       hull = {.n = 1e6,
                               .d = 768,
                               .m = 3840,
                               .batch = 4096,
                               .steps = 100,
                               .active = 32,
                               .entries = 32,
                               .bytes = 36,
                               .scans = 1,
                               .levels = 1,
                               .filtered = true,
                               .points = 32000,
                               .anchors = 32000},
                       kmeans = {.kind = COST_KMEANS,
                                 .n = 1e6,
                                 .d = 768,
                                 .m = 32000,
                                 .batch = 1e6,
                                 .steps = 10};

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

/* A machine on which every kind of operation takes a time that sums can be made of by hand. */
static Machine by_hand(void)
{
  Machine machine = {.cores = 4,
                     .crowd = 1,
                     .crowd_rows = 1,
                     .crowd_update = 1,
                     .stride = 3,
                     .link = 1e9,
                     .read = 1e10,
                     .mix = 1e-9,
                     .sum = 3e-9,
                     .turns = 0.5,
                     .drawn = 2e-9};
  machine.rates = 1;
  machine.rate[0] = (MethodRate){"nmf", {1, {1}, {3}}, 2, 5, 7};
  machine.score = (Curve){1, {1}, {1e-9}};
  machine.assign = (Curve){1, {1}, {1e-9}};
  machine.sparse = (Curve){1, {1}, {1e-8}};
  return machine;
}

static void find_settings(const char *words, Settings *settings)
{
  settings_words(settings, words);
  const Entry *method = family_find(&methods, settings_get(settings, "method"));
  settings_defaults(settings, "", method->params);
}

static PetscErrorCode ShapeOf(const char *words, int64_t n, int64_t d, int64_t p, CostShape *shape)
{
  Settings settings = {0};

  PetscFunctionBeginUser;
  find_settings(words, &settings);
  PetscCall(CostShapeOf(&settings, n, d, p, shape));
  settings_clear(&settings);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Methods of units, against sums made by hand from what the method says. */
static PetscErrorCode CheckUnits(void)
{
  const Machine machine = by_hand();
  CostShape shape;
  MethodWork work = {.units = 12,
                     .first = 2,
                     .before = 100,
                     .products = 1000,
                     .exact = 200,
                     .touched = 5000,
                     .after = 2e6,
                     .after_exact = 1e6,
                     .spread = 8e6,
                     .once = 3e8,
                     .sums = 1e5,
                     .gathered = 1e7,
                     .memory = 1e6,
                     .spread_memory = 4e6};

  PetscFunctionBeginUser;
  shape = (CostShape){.kind = COST_UNITS,
                      .method = "nmf",
                      .n = 8192,
                      .d = 100,
                      .m = 10,
                      .batch = 8192,
                      .steps = 12,
                      .work = work};
  Cost cost = cost_on(&machine, &shape, 1, 1);
  /* a token: 1e-7 s read, 3 (1000 + 400) 1e-9 + 3 5000 / 1e10; the end 5 (2 + 8 + 2) 1e6 1e-9 */
  NEAR(cost.step, 8192 * (1e-7 + 4.2e-6 + 1.5e-6) + 0.06, 1e-9, "a unit of one rank");
  NEAR(cost.once, 7 * 0.6 + 1e7 * 3e-9 + 2 * 8192 * (1e-7 + 2e-7), 1e-9,
       "what is done once, and first units");
  NEAR(cost.run, 10 * cost.step + cost.once, 1e-9, "a run is ten more units");
  cost = cost_on(&machine, &shape, 3, 1);
  /* 8 leaves for three ranks: 3 rounds; sums of 8e5 bytes a round go to others and come back */
  NEAR(cost.compute, 3072 * (1e-7 + 4.2e-6 + 1.5e-6) + 5 * (2e-3 + 8e-3 / 3 + 2e-3), 1e-9,
       "leaves are dealt in turn");
  NEAR(cost.messages, 3 * 8e5 * 2 * 2 / 3 / 1e9, 1e-9, "and their sums joined");
  NEAR(cost.once, 7 * 0.6 + 1e7 / 3 * 3e-9 + 2e7 * 4 / 3 / 1e9 + 2 * 3072 * (1e-7 + 2e-7), 1e-9,
       "all ranks are given the tokens that were drawn");
  NEAR(cost.memory, 1.12 * (12000 + 8 * 1024 * 100 + (20 + 8. / 3) * 1e5 + 1e6 + 4e6 / 3), 1,
       "memory of a rank");
  shape.method = "unheard of";
  OK(cost_on(&machine, &shape, 1, 1).step > 8192 * 4 * 1.4e-6, "no rate: plain loops");
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Shapes from settings: the method's own counts, which are those of its header. */
static PetscErrorCode CheckShapes(void)
{
  CostShape shape;

  PetscFunctionBeginUser;
  PetscCall(ShapeOf("method=nmf width=8 iterations=5", 3000, 50, 0, &shape));
  OK(shape.kind == COST_UNITS && shape.steps == 8 && shape.work.first == 2 &&
         shape.work.before == 2550 && shape.work.sums == 464,
     "nmf: two first passes, five turns and the last objective");
  PetscCall(ShapeOf("method=dictionary_learning width=8 epochs=2 batch=500", 1250, 50, 0, &shape));
  OK(shape.steps == 6 && shape.batch == 500 && shape.work.leaf == 128, "batches of an epoch");
  PetscCall(ShapeOf("method=random_subset width=8", 1250, 50, 0, &shape));
  const Machine machine = by_hand();
  OK(cost_on(&machine, &shape, 1, 1).compute == 0, "tokens drawn at random: no pass");
  PetscCall(ShapeOf("method=pca width=8", 2048, 50, 0, &shape));
  OK(shape.steps == 1, "pca: one pass");
  NEAR(cost_on(&machine, &shape, 1, 1).once, 4 * 2 * 9 * 50. * 50 * 50 * 1e-9, 1e-9,
       "and the spectrum once");
  PetscCall(ShapeOf("method=kmeans width=30 iterations=7 init.name=plusplus", 1000, 50, 0, &shape));
  const Cost drawn = cost_on(&machine, &shape, 1, 1);
  OK(shape.steps == 7 && shape.drawn == 30, "centroids drawn one after another");
  NEAR(drawn.once, 1000. * 50 * 30 * 2e-9, 1e-9, "each looks at all tokens");
  PetscCall(ShapeOf("method=kmeans width=30 iterations=7 init.name=random", 1000, 50, 0, &shape));
  OK(cost_on(&machine, &shape, 1, 1).once == 0, "a random start costs nothing");
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Compositions: what each part adds. */
static PetscErrorCode CheckParts(void)
{
  static const char plain[] = "method=sae width=512 code.name=topk code.k=8 train.batch=1024 ";
  const Machine machine = by_hand();
  const double bd = 1024. * 96, md = 512. * 96, rounded = 1.12;
  CostShape shape, other;
  Text words = {0};

  PetscFunctionBeginUser;
  PetscCall(ShapeOf(plain, 4096, 96, 0, &shape));
  const Cost base = cost_on(&machine, &shape, 1, 1);
  const double parameters = 2 * md + 3 * 512;
  NEAR(base.rank,
       rounded * (16 * parameters + 8 * bd + 4 * 192 * 512 + 48 * 512 + 36 * 8 * 1024. +
                  4 * ((512 + 512) * 128 + 16 * 1024)),
       1, "a rank's arrays");
  NEAR(base.node, rounded * (14 * md + 12 * bd), 1, "a node's");
  other = shape, other.entries = 512 / 8;
  const double few = cost_on(&machine, &other, 1, 1).rank;
  other.entries++;
  NEAR(cost_on(&machine, &other, 1, 1).rank - few,
       rounded * (other.bytes * 1024 + 4 * bd + 5 * 256 * 1024.), 1,
       "tokens packed and sorted, for sums of many codes");
  text_add(&words, "%strain.average.name=ema", plain);
  PetscCall(ShapeOf(words.s, 4096, 96, 0, &other));
  NEAR(cost_on(&machine, &other, 1, 1).rank - base.rank, rounded * (8 * parameters + 4 * md), 1,
       "means of parameters, as they are shown too");
  text_clear(&words);
  text_add(&words, "%sencoder.name=mlp encoder.hidden=40", plain);
  PetscCall(ShapeOf(words.s, 4096, 96, 0, &other));
  const Cost hidden = cost_on(&machine, &other, 1, 1);
  NEAR(hidden.rank - base.rank,
       rounded * (16 * (40. * 100 - 512 * 56) + 4 * 40. * (1024 + 96 + 1024 + 2 * 96)), 1,
       "a hidden layer's parameters, and products of its slopes with tokens");
  NEAR(hidden.node - base.node, rounded * 16 * 1024 * 40, 1, "and its slopes");
  text_clear(&words);
  text_add(&words, "%sgoal.name=msae goal.ks=8,32,128", plain);
  PetscCall(ShapeOf(words.s, 4096, 96, 0, &other));
  OK(other.active == 128 && other.levels == 3 && other.entries == 128,
     "levels keep the last's codes");
  text_clear(&words);
  PetscCall(ShapeOf("method=sae width=512 code.name=mp code.k=8 train.batch=1024 "
                    "encoder.name=tied",
                    4096, 96, 0, &other));
  NEAR(cost_on(&machine, &other, 1, 1).compute,
       1024 * (2 * md * 1e-9 + 8 * 6 * 512 / 1e10 + 8 * 96 * 1e-8) + 512 * md * 1e-9, 1e-9,
       "a pursuit looks at all atoms once, at their products, and at a row of these for each pick");
  OK(other.unrolled && !topk.unrolled, "whose picks are gone back through");
  CostShape many = other;
  many.m = 32768, many.batch = 4096;
  const double back = cost_on(&machine, &many, 1, 1).rank;
  many.unrolled = false;
  NEAR(back - cost_on(&machine, &many, 1, 1).rank,
       rounded * 4 * (9. * 32768 * 32 - (33280. * 128 + 4096 * 16)), 1,
       "by columns of all atoms and of eight sums of each, more than residuals need");
  other.picks = 0, other.scans = 8;
  NEAR(cost_on(&machine, &other, 1, 1).compute, 1024 * (8 * 2 * md * 1e-9 + 8 * 96 * 1e-8), 1e-9,
       "or, of too many atoms, at all for each pick");
  NEAR(base.compute, 1024 * (md * 1e-9 + 8 * 96 * 1e-8), 1e-9, "others once");
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Rows whose starts share parts of caches; ranks that share cores. */
static void check_machine(void)
{
  const Machine machine = by_hand();
  CostShape at = topk;
  at.m = 1, at.batch = 64, at.active = 0.25, at.filtered = false, at.scans = 0;
  double work[4];
  static const double widths[] = {384, 512, 1024, 1e9};
  for (int i = 0; i < 3; i++)
    at.d = widths[i], work[i] = cost_on(&machine, &at, 1, 1).compute / widths[i];
  NEAR(work[1] / work[0], 3, 1e-9, "rows of 2,048 bytes");
  NEAR(work[2] / work[0], 5, 1e-9, "rows of 4,096 bytes");
  CostGroup group = {.ranks = 6, .nodes = 1, .busy = 6, .link = INFINITY};
  at.batch = 600, at.d = 384;
  const Cost shared = cost_of(&machine, &at, &group);
  NEAR(shared.compute / (100 * 0.25 * 384 * 1e-8), 1.75, 1e-9, "six ranks on four cores");
  NEAR(shared.messages, 0.5, 1e-9, "lose time by waiting");
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
  CostShape shape;
  PetscCall(CostShapeOf(&t.settings, N, D, 0, &shape));
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
  check_machine();
  PetscCall(CheckUnits());
  PetscCall(CheckShapes());
  PetscCall(CheckParts());
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
