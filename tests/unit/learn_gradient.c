/* The gradients of whole models: what a step computes in float32, on any number of ranks, against
   central differences of the loss, written here a second time in plain float64 loops; and the same
   bytes on one rank and on all.
   RUN ranks=1
   RUN ranks=2
   RUN ranks=3 */
#include "../tap.h"
#include "../plain_sae.h"
#include "../sae_task.h"

#define COMM PETSC_COMM_WORLD
enum { N = 1500, WARM = 4 };
static const char path[] = "learn_gradient.test.h5";

/* The finished gradients of the tensor's rows here against differences of the loss. The largest
   error, relative to the largest gradient of the tensor. */
static double worst_error(Plain *a, int tensor, const Tensor *t, int64_t first, bool *alive)
{
  const double step = 1e-5;
  double worst = 0, largest = 1e-12;
  for (int64_t q = 0; q < t->rows * t->cols; q++) {
    double *value = a->value[tensor] + (t->shared ? 0 : first * t->cols) + q;
    const double kept = *value;
    *value = kept + step;
    const double above = loss(a);
    *value = kept - step;
    const double below = loss(a);
    *value = kept;
    double slope = (above - below) / (2 * step);
    if (!strcmp(t->name, "code/log_threshold")) loss(a), slope = surrogate(a, first + q);
    worst = fmax(worst, fabs(slope - (double)t->g[q]));
    largest = fmax(largest, fabs(slope));
  }
  *alive = largest > 1e-7;
  return worst / largest;
}

static PetscErrorCode CheckGradients(const char *title, const char *words, int64_t p,
                                     bool expects_dead)
{
  PetscFunctionBeginUser;
  SAETask t;
  SAE *sae;
  StepReport report;
  Plain plain;
  PetscCall(SAETaskOpen(COMM, path, words, p, &t));
  PetscCall(SAECreate(&t.task, &sae));
  for (int s = 0; s < WARM; s++) PetscCall(SAEStep(sae, &report));
  PetscCall(PlainCreate(sae, &plain));
  const double expected = loss(&plain);
  PetscCall(SAEStep(sae, &report));
  NEAR(report.value[0].value, expected, 2e-6 * expected, "%s: the loss is %.9g", title, expected);
  int64_t dead = 0;
  for (int64_t j = 0; j < plain.m; j++) dead += plain.dead[j];
  OK(!expects_dead || (dead > 2 && dead < plain.m), "%s: %d atoms are dead", title, (int)dead);
  for (int i = 0; i < sae->tensors; i++) {
    const Tensor *tensor = &sae->tensor[i];
    bool alive;
    const double worst = worst_error(&plain, i, tensor, sae->first, &alive);
    alive |= plain.picks && !strcmp(tensor->name, "encoder/bias"); /* which nothing uses */
    OK(alive && worst < 2e-5, "%s: gradient of %s within 2e-5 of its largest element", title,
       tensor->name);
    if (worst >= 2e-5) fprintf(stderr, "# %s: off by %g\n", tensor->name, worst);
  }
  PetscCall(PlainDestroy(&plain));
  PetscCall(SAEDestroy(&sae));
  PetscCall(SAETaskClose(&t));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Some steps on all ranks together and on this rank alone give the same bytes. */
static PetscErrorCode CheckRanks(const char *title, const char *words, int64_t p)
{
  PetscFunctionBeginUser;
  SAETask together, alone;
  SAE *many, *one;
  StepReport report, report_alone;
  PetscCall(SAETaskOpen(COMM, path, words, p, &together));
  PetscCall(SAETaskOpen(PETSC_COMM_SELF, path, words, p, &alone));
  PetscCall(SAECreate(&together.task, &many));
  PetscCall(SAECreate(&alone.task, &one));
  bool same = true, moves = false;
  double before = 0, after = 0;
  for (int64_t i = 0; i < one->m * one->d; i++) before += (double)one->D[i];
  for (int s = 0; s < 6; s++) {
    PetscCall(SAEStep(many, &report));
    PetscCall(SAEStep(one, &report_alone));
    for (int i = 0; i < report.values; i++)
      same &= !memcmp(&report.value[i].value, &report_alone.value[i].value, sizeof(double));
  }
  for (int64_t i = 0; i < one->m * one->d; i++) after += (double)one->D[i];
  moves = after != before;
  const size_t row = sizeof(float) * (size_t)one->d, all = row * (size_t)one->m,
               inputs = sizeof(float) * (size_t)(one->m * one->inputs);
  OK(same, "%s: the reports are the same on %d ranks and on 1", title, tap_size);
  OK(!memcmp(many->D, one->D, all) && !memcmp(many->E, one->E, inputs) &&
         !memcmp(many->b, one->b, sizeof(float) * (size_t)one->m) &&
         !memcmp(many->bias, one->bias, row),
     "%s: so are the parameters", title);
  for (int i = 0; i < one->tensors; i++) {
    const Tensor *a = &many->tensor[i], *b = &one->tensor[i];
    const int64_t at = a->shared ? 0 : many->first * a->cols;
    const size_t size = sizeof(float) * (size_t)(a->rows * a->cols);
    same &= !memcmp(a->p, b->p + at, size) && !memcmp(a->m, b->m + at, size) &&
            !memcmp(a->v, b->v + at, size);
  }
  if (one->support)
    same &= !memcmp(many->support->anchor, one->support->anchor + many->first * one->support->count,
                    sizeof(int32_t) * (size_t)(many->rows * one->support->count));
  OK(same && moves, "%s: and everything else that a checkpoint holds", title);
  PetscCall(SAEDestroy(&many));
  PetscCall(SAEDestroy(&one));
  PetscCall(SAETaskClose(&together));
  PetscCall(SAETaskClose(&alone));
  PetscFunctionReturn(PETSC_SUCCESS);
}

#define TRAIN " train.steps=9 train.optimizer.lr=0.01"
#define LIFT " revive.name=reanimation revive.weight=0.3 revive.over="
#define AUX " revive.name=auxk revive.k=3 revive.weight=0.5 revive.dead_after=64"

#define ATTACHED " revive.name=auxk_attached revive.k=4 revive.weight=0.4"

static const struct {
  const char *title, *words;
  int64_t p;
  bool dead;
} cases[] = {
    {"topk, free", "width=14 train.batch=1025 code.name=topk code.k=3 atoms.name=free" TRAIN, 0},
    {"relu, free", "width=14 train.batch=300 code.name=relu code.l1=0.02 atoms.name=free" TRAIN, 0},
    {"batchtopk, free",
     "width=14 train.batch=300 code.name=batchtopk code.k=2.6 atoms.name=free" TRAIN, 0},
    {"topk, prefixes, relative errors",
     "width=14 train.batch=300 code.name=topk code.k=4 atoms.name=free goal.name=matryoshka "
     "goal.levels=3 goal.loss=nmse" TRAIN,
     0},
    {"batchtopk, prefixes, relative errors, auxk",
     "width=40 train.batch=64 code.name=batchtopk code.k=1 atoms.name=free goal.name=matryoshka "
     "goal.levels=3 goal.loss=nmse" AUX TRAIN,
     0, true},
    {"jumprelu, free",
     "width=14 train.batch=300 code.name=jumprelu code.threshold=0.3 code.bandwidth=0.4 "
     "code.sparsity.name=l0 code.sparsity.weight=0.01 atoms.name=free" TRAIN,
     0},
    {"gated, free", "width=14 train.batch=300 code.name=gated code.l1=0.02 atoms.name=free" TRAIN,
     0},
    {"gated, relaxed",
     "width=14 train.batch=300 code.name=gated code.l1=0.02 atoms.name=hull_relaxed "
     "atoms.delta=0.05" TRAIN,
     18},
    {"topk, tied, auxk",
     "width=40 train.batch=64 code.name=topk code.k=1 atoms.name=free encoder.name=tied" AUX TRAIN,
     0, true},
    {"relu, identity",
     "width=10 train.batch=300 code.name=relu atoms.name=free encoder.name=identity "
     "encoder.bias=median" TRAIN,
     0},
    {"mp", "width=14 train.batch=300 code.name=mp code.k=4 atoms.name=free encoder.name=tied" TRAIN,
     0},
    {"topk, rows in the unit ball",
     "width=14 train.batch=300 code.name=topk code.k=3 atoms.name=free atoms.norm=ball" TRAIN, 0},
    {"relu, nonnegative",
     "width=14 train.batch=300 code.name=relu code.l1=0.02 atoms.name=nonnegative" TRAIN, 0},
    {"topk, nested",
     "width=14 train.batch=300 code.name=topk atoms.name=free goal.name=msae "
     "goal.weights=reverse" TRAIN " code.k=2",
     0},
    {"topk, hull", "width=14 train.batch=300 code.name=topk code.k=3 atoms.name=hull" TRAIN, 18},
    {"topk, hull with a multiplier, nearest points of the simplex",
     "width=14 train.batch=300 code.name=topk code.k=3 atoms.name=hull atoms.multiplier=true "
     "atoms.simplex=euclidean" TRAIN,
     18},
    {"relu, hull, more atoms than anchors",
     "width=14 train.batch=300 code.name=relu code.l1=0.02 atoms.name=hull" TRAIN, 9},
    {"topk, relaxed",
     "width=14 train.batch=300 code.name=topk code.k=3 atoms.name=hull_relaxed "
     "atoms.delta=0.05" TRAIN,
     18},
    {"relu, relaxed, delta 0",
     "width=14 train.batch=300 code.name=relu code.l1=0.02 atoms.name=hull_relaxed "
     "atoms.delta=0" TRAIN,
     18},
    {"topk, hull of 5 anchors",
     "width=14 train.batch=300 code.name=topk code.k=3 atoms.name=hull atoms.support=5 "
     "atoms.renew=2" TRAIN,
     18},
    {"relu, relaxed, 3 anchors, more atoms than anchors",
     "width=14 train.batch=300 code.name=relu code.l1=0.02 atoms.name=hull_relaxed "
     "atoms.support=3 atoms.renew=2" TRAIN,
     9},
    {"reanimation over all, free",
     "width=40 train.batch=64 code.name=topk code.k=1 atoms.name=free" TRAIN LIFT "all", 0, true},
    {"reanimation over silent atoms, tied, prefixes",
     "width=40 train.batch=64 code.name=batchtopk code.k=1 atoms.name=free encoder.name=tied "
     "goal.name=matryoshka goal.levels=3" TRAIN LIFT "silent",
     0, true},
    {"auxk, free", "width=40 train.batch=64 code.name=topk code.k=1 atoms.name=free" AUX TRAIN, 0,
     true},
    {"auxk, dead atoms scored alone",
     "width=40 train.batch=129 code.name=topk code.k=1 atoms.name=free" AUX TRAIN, 0, true},
    {"mlp, free",
     "width=14 train.batch=17 code.name=topk code.k=3 atoms.name=free encoder.name=mlp" TRAIN, 0},
    {"mlp, penalty, two leaves",
     "width=14 train.batch=1100 code.name=relu code.l1=0.02 atoms.name=hull encoder.name=mlp "
     "encoder.start=kaiming" TRAIN,
     18},
    {"mlp, prefixes, auxk",
     "width=40 train.batch=64 code.name=batchtopk code.k=1 atoms.name=free goal.name=matryoshka "
     "goal.levels=3 encoder.name=mlp" AUX TRAIN,
     0, true},
    {"mlp, reanimation",
     "width=40 train.batch=64 code.name=topk code.k=1 atoms.name=free encoder.name=mlp" TRAIN LIFT
     "all",
     0, true},
    {"mlp, a wide hidden layer, two leaves",
     "width=14 train.batch=1100 code.name=topk code.k=3 atoms.name=free encoder.name=mlp "
     "encoder.hidden=17" TRAIN,
     0},
    {"mlp, a narrow hidden layer, prefixes, auxk",
     "width=40 train.batch=64 code.name=batchtopk code.k=1 atoms.name=free goal.name=matryoshka "
     "goal.levels=3 encoder.name=mlp encoder.hidden=6" AUX TRAIN,
     0, true},
    {"mlp, a wide hidden layer, unchosen codes",
     "width=14 train.batch=300 code.name=topk code.k=2 atoms.name=hull encoder.name=mlp "
     "encoder.hidden=13" TRAIN ATTACHED,
     18},
    {"mlp, a wide hidden layer, reanimation",
     "width=40 train.batch=64 code.name=topk code.k=1 atoms.name=free encoder.name=mlp "
     "encoder.hidden=21" TRAIN LIFT "all",
     0, true},
    {"unchosen codes, free",
     "width=14 train.batch=300 code.name=topk code.k=2 atoms.name=free" TRAIN ATTACHED, 0},
    {"unchosen codes of the batch, prefixes, relaxed",
     "width=14 train.batch=257 code.name=batchtopk code.k=1.5 atoms.name=hull_relaxed "
     "goal.name=matryoshka goal.levels=2" TRAIN ATTACHED,
     18},
    {"jumprelu, weights, unchosen codes",
     "width=14 train.batch=300 code.name=jumprelu code.threshold=0.3 code.bandwidth=0.4 "
     "code.sparsity.name=l1 code.sparsity.weight=0.02 atoms.name=hull" TRAIN ATTACHED,
     18},
    {"auxk, relaxed, more atoms than anchors",
     "width=40 train.batch=64 code.name=topk code.k=1 atoms.name=hull_relaxed" AUX TRAIN, 30, true},
};

int main(int argc, char **argv)
{
  TestBegin(&argc, &argv);
  RUN(SAETaskTokens(path, N, D));
  for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
    if (strstr(cases[i].title, "alone"))
      setenv("ARDIS_ENCODER", "int16", 1); /* so that not all scores are made */
    else
      unsetenv("ARDIS_ENCODER");
    RUN(CheckGradients(cases[i].title, cases[i].words, cases[i].p, cases[i].dead));
    if (tap_size > 1) RUN(CheckRanks(cases[i].title, cases[i].words, cases[i].p));
  }
  MPI_Barrier(COMM);
  if (tap_rank == 0) unlink(path);
  return TestEnd();
}
