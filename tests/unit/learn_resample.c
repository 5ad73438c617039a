/* Dead atoms that begin anew: exactly they change, into what the definition says, from tokens that
   are drawn by the squares of their losses.
   RUN ranks=1
   RUN ranks=3 */
#include "../sae_task.h"
#include "../tap.h"
#include "learn/average.h"
#include "learn/resample.h"
#include <math.h>

#define COMM PETSC_COMM_WORLD
enum { N = 400, D = 7, M = 24, EVERY = 3 };
static const char path[] = "learn_resample.test.h5";

/* Two draws of five tokens: how often each is first, and among both, against the chances of drawing
   one after the other. */
static void check_draws(void)
{
  enum { TOKENS = 5, TIMES = 20000 };
  const double loss[TOKENS] = {1, 0.5, 0, 2, 1.5};
  double weight[TOKENS], first[TOKENS], both[TOKENS], sum = 0;
  int64_t count[2][TOKENS] = {0}, token[TOKENS], found;
  bool fine = true;
  for (int t = 0; t < TOKENS; t++) sum += weight[t] = loss[t] * loss[t];
  for (int t = 0; t < TOKENS; t++) first[t] = both[t] = weight[t] / sum;
  for (int t = 0; t < TOKENS; t++)
    for (int s = 0; s < TOKENS; s++)
      if (s != t) both[t] += first[s] * weight[t] / (sum - weight[s]);
  for (int64_t step = 0; step < TIMES; step++) {
    RUN(ResampleDraw(3, step, TOKENS, loss, 2, token, &found));
    fine &= found == 2 && token[0] != token[1];
    count[0][token[0]]++, count[1][token[0]]++, count[1][token[1]]++;
  }
  OK(fine, "two different tokens each time");
  for (int k = 0; k < 2; k++)
    for (int t = 0; t < TOKENS; t++) {
      const double p = k ? both[t] : first[t];
      fine &= fabs((double)count[k][t] - TIMES * p) <= 4 * sqrt(TIMES * p * (1 - p));
    }
  OK(fine, "as often as squares of the losses say, within four deviations");
  RUN(ResampleDraw(3, 1, TOKENS, loss, 5, token, &found));
  OK(found == 4, "a token without loss is never drawn");
}

/* The token of this batch that the row [D] points to, or -1; its centred form. */
static int64_t token_of(const SAE *sae, const float *row, double *xc)
{
  const Order order = {(uint64_t)sae->task->seed_data, sae->n_train};
  float x[D];
  for (int64_t t = 0; t < sae->params.batch; t++) {
    const int64_t at = order_at(&order, 0, (EVERY - 1) * sae->params.batch + t);
    double square = 0, worst = 0;
    RUN(ViewRead(&sae->task->view, 1, &at, x));
    for (int i = 0; i < D; i++) {
      xc[i] = (double)x[i] - (double)sae->bias[i];
      square += xc[i] * xc[i];
    }
    for (int i = 0; i < D; i++) worst = fmax(worst, fabs(xc[i] / sqrt(square) - (double)row[i]));
    if (worst < 1e-6) return t;
  }
  return -1;
}

static double mean_alive(const SAE *sae, const bool *dead)
{
  double sum = 0, count = 0;
  for (int64_t j = 0; j < M; j++) {
    double square = 0;
    for (int i = 0; i < D; i++) square += (double)sae->E[j * D + i] * (double)sae->E[j * D + i];
    if (!dead[j]) sum += sqrt(square), count++;
  }
  return sum / count;
}

/* Whether row j of the tensors is as in the other run, moments too. */
static bool same_row(const SAE *a, const SAE *b, int64_t j)
{
  bool same = true;
  for (int i = 0; i < a->tensors; i++) {
    const Tensor *x = &a->tensor[i], *y = &b->tensor[i];
    const int64_t at = x->shared ? 0 : j * x->cols;
    const size_t size = sizeof(float) * (size_t)x->cols;
    same &= !memcmp(x->p + at, y->p + at, size) && !memcmp(x->m + at, y->m + at, size) &&
            !memcmp(x->v + at, y->v + at, size);
  }
  return same;
}

/* Row j of a run whose atom began anew. */
static bool renewed(const SAE *sae, const SAE *plain, int64_t j, double norm, int64_t *token)
{
  const float *E = tensor_named((SAE *)(uintptr_t)sae, "encoder/weight")->p + j * D,
              *atom = sae->D + (sae->first + j) * D;
  const Tensor *W = tensor_named((SAE *)(uintptr_t)sae, "W"),
               *threshold = tensor_named((SAE *)(uintptr_t)sae, "code/log_threshold"),
               *scale = tensor_named((SAE *)(uintptr_t)sae, "code/log_scale"),
               *offset = tensor_named((SAE *)(uintptr_t)sae, "code/bias");
  double xc[D], length = 0, worst = 0, direction[D];
  float unit[D];
  const bool positive = !strcmp(sae->params.atoms.entry->name, "nonnegative");
  bool fine = tensor_named((SAE *)(uintptr_t)sae, "encoder/bias")->p[j] == 0;
  for (int i = 0; i < D; i++) length += (double)E[i] * (double)E[i];
  length = sqrt(length);
  for (int i = 0; i < D; i++) direction[i] = (double)E[i] / length, unit[i] = (float)direction[i];
  *token = token_of(sae, unit, xc);
  fine &= *token >= 0 && fabs(length - norm) < 1e-5 * norm && sae->silent[sae->first + j] == 0;
  double square = 0;
  for (int i = 0; i < D; i++) {
    if (positive) direction[i] = fmax(direction[i], 0);
    square += direction[i] * direction[i];
  }
  for (int i = 0; i < D && !W; i++)
    worst = fmax(worst, fabs(direction[i] / sqrt(square) - (double)atom[i]));
  if (W) { /* the nearest anchor has all weight */
    const Anchors *anchors = sae->task->anchors;
    double least = INFINITY;
    int64_t nearest = 0;
    for (int64_t q = 0; q < anchors->p; q++) {
      double distance = 0;
      for (int i = 0; i < D; i++)
        distance += pow(xc[i] + (double)sae->bias[i] - (double)anchors->points[q * D + i], 2);
      if (distance < least) least = distance, nearest = q;
    }
    for (int i = 0; i < D; i++)
      worst = fmax(worst, fabs((double)anchors->points[nearest * D + i] - (double)atom[i]));
  }
  if (threshold) fine &= fabs(exp((double)threshold->p[j]) / sae->now.unit - 1.5) < 1e-5;
  if (scale) fine &= scale->p[j] == 0 && offset->p[j] == 0;
  for (int i = 0; i < sae->tensors; i++)
    for (int64_t c = 0; c < sae->tensor[i].cols && !sae->tensor[i].shared; c++)
      fine &= sae->tensor[i].m[j * sae->tensor[i].cols + c] == 0 &&
              sae->tensor[i].v[j * sae->tensor[i].cols + c] == 0;
  return fine && worst < 1e-6 && !same_row(sae, plain, j);
}

/* Whether what is shown of the encoder's row j is the row itself, and no mean of what it was. */
static bool shown_as_is(const SAE *sae, int64_t j)
{
  const Tensor *E = tensor_named((SAE *)(uintptr_t)sae, "encoder/weight");
  double worst = 0, most = 0;
  for (int i = 0; i < D; i++) {
    worst = fmax(worst, fabs((double)shown_tensor(sae, E)[j * D + i] - (double)E->p[j * D + i]));
    most = fmax(most, fabs((double)E->p[j * D + i]));
  }
  return worst <= 1e-6 * most;
}

/* Averages of atoms that began anew begin anew, and no others. */
static void check_averages(const char *title, SAE *sae, const bool *dead)
{
  bool fine = true;
  if (!sae->average) return;
  average_show(sae);
  for (int64_t j = 0; j < sae->rows; j++) fine &= shown_as_is(sae, j) == dead[sae->first + j];
  OK(fine, "%s: averages of those begin anew", title);
}

/* A start at which every third atom, the last too, is too shy to fire, away from its anchor, and
   has a code of its own. */
static PetscErrorCode Begin(const SAETask *t, SAE **sae)
{
  PetscFunctionBeginUser;
  PetscCall(SAECreate(&t->task, sae));
  const Tensor *L = tensor_named(*sae, "relaxation");
  for (int64_t j = 0; j < (*sae)->rows; j++) {
    if (((*sae)->first + j) % 3 != 2) continue;
    tensor_named(*sae, "encoder/bias")->p[j] = -50;
    for (int i = 0; i < (*sae)->learned; i++)
      (*sae)->tensor[(*sae)->learned_tensor[i]].p[j] += 0.3f;
    for (int i = 0; i < D && L; i++) L->p[j * D + i] = 0.1f;
  }
  PetscCall(SAEPublish(*sae));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The number that the report has by that name; -1: none. */
static double told(const StepReport *report, const char *name)
{
  for (int i = 0; i < report->values; i++)
    if (!strcmp(report->value[i].name, name)) return report->value[i].value;
  return -1;
}

static PetscErrorCode CheckStep(const char *title, const char *words, int64_t p)
{
  PetscFunctionBeginUser;
  SAETask with, without;
  SAE *sae, *plain;
  StepReport report;
  Text all = {0};
  bool dead[M], others = true, fine = true, counted = true, used[N] = {0};
  int64_t deads = 0, taken = 0, token;
  double norm = 0;
  text_add(&all, "%s revive.name=resample revive.every=3 revive.dead_after=2 revive.scale=0.3",
           words);
  PetscCall(SAETaskOpen(COMM, path, all.s, p, &with));
  PetscCall(SAETaskOpen(COMM, path, words, p, &without));
  PetscCall(Begin(&with, &sae));
  PetscCall(Begin(&without, &plain));
  for (int s = 0; s < EVERY; s++) {
    if (s == EVERY - 1) {
      SAE *ahead; /* who is dead after this step */
      PetscCall(Begin(&without, &ahead));
      for (int r = 0; r < EVERY; r++) PetscCall(SAEStep(ahead, &report));
      const int64_t batch = ahead->params.batch;
      for (int64_t j = 0; j < M; j++) deads += dead[j] = ahead->silent[j] >= 2 * batch;
      PetscCall(SAEDestroy(&ahead));
      norm = 0.3 * mean_alive(plain, dead);
      for (int64_t j = 0; j < M; j++) dead[j] &= taken < batch, taken += dead[j];
    }
    PetscCall(SAEStep(plain, &report));
    PetscCall(SAEStep(sae, &report));
    counted &= told(&report, "resampled") == (s == EVERY - 1 ? (double)taken : -1);
  }
  OK(counted && !memcmp(sae->now.numbers, plain->now.numbers, sizeof(sae->now.numbers)),
     "%s: the report counts them, and the code's own numbers stay", title);
  OK(deads > 2 && deads < M, "%s: %d atoms are dead", title, (int)deads);
  for (int64_t j = 0; j < sae->rows; j++) {
    if (!dead[sae->first + j]) {
      others &= same_row(sae, plain, j);
      continue;
    }
    fine &= renewed(sae, plain, j, norm, &token);
    if (token >= 0) fine &= !used[token], used[token] = true;
  }
  OK(others, "%s: atoms that live go on as without", title);
  OK(fine, "%s: the dead become different tokens of the batch, without moments", title);
  check_averages(title, sae, dead);
  PetscCall(SAEStep(sae, &report));
  PetscCall(SAEDestroy(&sae));
  PetscCall(SAEDestroy(&plain));
  PetscCall(SAETaskClose(&with));
  PetscCall(SAETaskClose(&without));
  text_clear(&all);
  PetscFunctionReturn(PETSC_SUCCESS);
}

#define TRAIN "width=24 train.batch=60 train.steps=7 train.optimizer.lr=0.01 "

int main(int argc, char **argv)
{
  TestBegin(&argc, &argv);
  RUN(SAETaskTokens(path, N, D));
  check_draws();
  RUN(CheckStep("free", TRAIN "code.name=topk code.k=1", 0));
  RUN(CheckStep("jumprelu", TRAIN "code.name=jumprelu code.threshold=1.5 train.optimizer.lr=0.001",
                0));
  RUN(CheckStep("averages",
                TRAIN "code.name=topk code.k=1 train.average.name=ema train.average.decay=0.75",
                0));
  RUN(CheckStep("more dead atoms than tokens",
                "width=24 train.batch=5 train.steps=7 code.name=topk code.k=1", 0));
  RUN(CheckStep("matryoshka", TRAIN "code.name=batchtopk code.k=0.5 goal.name=matryoshka", 0));
  RUN(CheckStep("gated",
                TRAIN "code.name=gated code.sparsity.name=target code.sparsity.l0=1 "
                      "code.sparsity.rate=0.5",
                0));
  RUN(CheckStep("in the ball", TRAIN "code.name=topk code.k=1 atoms.norm=ball normalise.scale=unit",
                0));
  RUN(CheckStep("nonnegative", TRAIN "code.name=topk code.k=1 atoms.name=nonnegative", 0));
  RUN(CheckStep("hull", TRAIN "code.name=topk code.k=1 atoms.name=hull", 6));
  RUN(CheckStep("relaxed",
                TRAIN "code.name=topk code.k=1 atoms.name=hull_relaxed "
                      "atoms.multiplier=false",
                30));
  RUN(CheckStep("hull of 4 anchors",
                TRAIN "code.name=topk code.k=1 atoms.name=hull atoms.support=4 atoms.renew=2", 30));
  MPI_Barrier(COMM);
  if (tap_rank == 0) unlink(path);
  return TestEnd();
}
