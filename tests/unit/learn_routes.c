/* Training steps by both routes, with nodes of 1, 2 and all ranks, give the bytes of one rank:
   batches of several leaves that the ranks share unevenly, a short last batch with fewer leaves
   than ranks, dead atoms, atoms that fire on one token, and a penalty.
   RUN ranks=2
   RUN ranks=3
   RUN ranks=4 */
#include "../sae_task.h"
#include "../tap.h"

enum { N = 7500, D = 20, STEPS = 5 };
static const char path[] = "learn_routes.test.h5";

static bool same_state(const SAE *many, const SAE *one)
{
  const size_t all = sizeof(float) * (size_t)(one->m * one->d),
               inputs = sizeof(float) * (size_t)(one->m * one->inputs);
  bool same = !memcmp(many->D, one->D, all) && !memcmp(many->E, one->E, inputs) &&
              !memcmp(many->b, one->b, sizeof(float) * (size_t)one->m) &&
              !memcmp(many->silent, one->silent, sizeof(int64_t) * (size_t)one->m);
  for (int i = 0; i < one->tensors; i++) {
    const Tensor *a = &many->tensor[i], *b = &one->tensor[i];
    const int64_t at = a->shared ? 0 : many->first * a->cols;
    const size_t size = sizeof(float) * (size_t)(a->rows * a->cols);
    same = same && !memcmp(a->p, b->p + at, size) && !memcmp(a->m, b->m + at, size) &&
           !memcmp(a->v, b->v + at, size);
  }
  return same;
}

/* Every seventh atom counts as dead, whether it fired or not. */
static void silence(SAE *sae)
{
  for (int64_t j = 0; j < sae->m; j += 7) sae->silent[j] = N;
}

/* From the second step on, whose batch may be short. ROUTE_AUTO: two steps by each route. */
static PetscErrorCode Compare(const char *words, int64_t p, Route route, int node_ranks)
{
  PetscFunctionBeginUser;
  SAETask together, alone;
  SAE *many, *one;
  StepReport report, report_alone;
  char text[16];
  bool same = true, taken = true;
  snprintf(text, sizeof(text), "%d", node_ranks);
  setenv("ARDIS_NODE_RANKS", text, 1);
  PetscCall(SAETaskOpen(PETSC_COMM_WORLD, path, words, p, &together));
  PetscCall(SAETaskOpen(PETSC_COMM_SELF, path, words, p, &alone));
  together.task.route = route == ROUTE_AUTO ? ROUTE_OWNER : route;
  PetscCall(SAECreate(&together.task, &many));
  PetscCall(SAECreate(&alone.task, &one));
  many->step = one->step = 1;
  for (int s = 0; s < STEPS; s++) {
    if (route == ROUTE_AUTO) many->route = s / 2 % 2 ? ROUTE_ALLREDUCE : ROUTE_OWNER;
    silence(many), silence(one);
    PetscCall(SAEStep(many, &report));
    PetscCall(SAEStep(one, &report_alone));
    taken = taken && !strcmp(report.route, route == ROUTE_AUTO && s > 1 ? "owner and allreduce"
                                                                        : route_words[many->route]);
    for (int i = 0; i < report.values; i++)
      same = same && !memcmp(&report.value[i].value, &report_alone.value[i].value, sizeof(double));
  }
  OK(taken && (route == ROUTE_AUTO || many->route == route), "the route that was asked for");
  OK(same, "%s, route %s, %d ranks a node: the reports are those of one rank", words,
     route_words[route], node_ranks);
  OK(same_state(many, one), "so are the parameters");
  PetscCall(SAEDestroy(&many));
  PetscCall(SAEDestroy(&one));
  PetscCall(SAETaskClose(&together));
  PetscCall(SAETaskClose(&alone));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  static const char *const cases[] = {
      "width=70 train.batch=5300 code.name=topk code.k=3 train.steps=9 train.optimizer.lr=0.01 "
      "atoms.name=free revive.name=auxk revive.k=5 revive.weight=0.5 revive.dead_after=5000",
      "width=45 train.batch=6200 code.name=relu code.l1=0.02 train.steps=9 "
      "train.optimizer.lr=0.01 atoms.name=hull_relaxed atoms.delta=0.05",
      "width=45 train.batch=5300 code.name=mp code.k=3 encoder.name=tied train.steps=9 "
      "train.optimizer.lr=0.01 atoms.name=free",
      "width=45 train.batch=6500 code.name=gated code.l1=0.01 train.steps=9 "
      "train.optimizer.lr=0.01 atoms.name=free",
      "width=45 train.batch=5300 code.name=jumprelu code.bandwidth=0.5 train.steps=9 "
      "train.optimizer.lr=0.01 atoms.name=free",
      "width=200 train.batch=5300 code.name=topk code.k=1 train.steps=9 train.optimizer.lr=0.01 "
      "atoms.name=free revive.name=reanimation revive.weight=0.3",
      "width=45 train.batch=6200 code.name=batchtopk code.k=2.5 goal.name=matryoshka goal.levels=2 "
      "goal.loss=nmse train.steps=9 train.optimizer.lr=0.01 atoms.name=free revive.name=auxk "
      "revive.k=5 revive.weight=0.5 revive.dead_after=5000",
      "width=150 train.batch=2100 code.name=batchtopk code.k=0.001 train.steps=9 "
      "train.optimizer.lr=0.01 atoms.name=free",
      "width=70 train.batch=5300 code.name=topk code.k=3 train.steps=9 train.optimizer.lr=0.01 "
      "atoms.name=free encoder.name=mlp encoder.hidden=27 revive.name=auxk revive.k=5 "
      "revive.weight=0.5 revive.dead_after=5000"};
  TestBegin(&argc, &argv);
  RUN(SAETaskTokens(path, N, D));
  for (size_t c = 0; c < sizeof(cases) / sizeof(*cases); c++)
    for (int r = 0; r < ROUTES; r++)
      for (int n = 0; n < 3; n++)
        if (n != 1 || tap_size > 2)
          RUN(Compare(cases[c], c == 1 ? 60 : 0, (Route)r, n == 2 ? tap_size : n + 1));
  MPI_Barrier(PETSC_COMM_WORLD);
  if (tap_rank == 0) unlink(path);
  return TestEnd();
}
