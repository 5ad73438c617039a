/* What a step tells, and what it does beside the gradient: the report against plain loops in
   float64, the clipped update, what stops a run, thresholds and weights that go from step to step.
   RUN ranks=1 */
#include "../../src/learn/sae/batch.h"
#include "../plain_sae.h"

#define COMM PETSC_COMM_WORLD
enum { N = 700 };
static const char path[] = "learn_step.test.h5";
#define WORDS "width=14 train.batch=300 train.steps=8 atoms.name=free "

static PetscErrorCode Begin(const char *words, int64_t p, SAETask *t, SAE **sae)
{
  PetscFunctionBeginUser;
  PetscCall(SAETaskOpen(COMM, path, words, p, t));
  PetscCall(SAECreate(&t->task, sae));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode End(SAETask *t, SAE **sae)
{
  PetscFunctionBeginUser;
  PetscCall(SAEDestroy(sae));
  PetscCall(SAETaskClose(t));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static double told(const StepReport *report, const char *name)
{
  for (int i = 0; i < report->values; i++)
    if (!strcmp(report->value[i].name, name)) return report->value[i].value;
  return NAN;
}

static double norm_of(int64_t n, const float *x)
{
  double square = 0;
  for (int64_t i = 0; i < n; i++) square += (double)x[i] * (double)x[i];
  return sqrt(square);
}

typedef struct {
  double square, penalty, active;
} Sums;

/* Squared errors, L1 and number of the codes of a token by positive scores. */
static void add_token(const SAE *sae, const double *x, Sums *sums)
{
  double e[D];
  for (int i = 0; i < D; i++) e[i] = x[i] - (double)sae->bias[i];
  double rest[D];
  memcpy(rest, e, sizeof(e));
  for (int64_t j = 0; j < sae->m; j++) {
    const float *row = sae->D + j * D;
    double z = (double)sae->b[j];
    for (int i = 0; i < D; i++) z += (double)sae->E[j * D + i] * e[i];
    if (!(z > 0)) continue;
    sums->active++, sums->penalty += z * norm_of(D, row);
    for (int i = 0; i < D; i++) rest[i] -= z * (double)row[i];
  }
  for (int i = 0; i < D; i++) sums->square += rest[i] * rest[i];
}

static PetscErrorCode Report(void)
{
  PetscFunctionBeginUser;
  SAETask t;
  SAE *sae;
  StepReport report;
  PetscCall(Begin(WORDS "atoms.norm=ball code.name=relu code.l1=0.02 train.optimizer.lr=0.01 "
                        "train.schedule.name=constant train.schedule.warmup=5",
                  0, &t, &sae));
  for (int s = 0; s < 8; s++) {
    Plain plain;
    Sums sums = {0};
    double square = 0;
    PetscCall(PlainCreate(sae, &plain));
    for (int64_t i = 0; i < plain.b; i++) add_token(sae, plain.x + i * D, &sums);
    const double b = (double)plain.b, mse = sums.square / (b * D);
    PetscCall(PlainDestroy(&plain));
    PetscCall(SAEStep(sae, &report));
    NEAR(told(&report, "mse"), mse, 1e-5 * mse, "step %d: the mean squared error", s);
    NEAR(told(&report, "loss"), mse + 0.02 * sums.penalty / b, 1e-5 * mse, "its loss");
    NEAR(told(&report, "l0"), sums.active / b, 0.5 / b, "its codes a token");
    NEAR(told(&report, "rate"), 0.01 * fmin((s + 1) / 5.0, 1), 1e-15, "its rate");
    for (int i = 0; i < sae->tensors; i++)
      square += pow(norm_of(sae->tensor[i].rows * sae->tensor[i].cols, sae->tensor[i].g), 2);
    NEAR(told(&report, "gradient"), sqrt(square), 1e-6 * sqrt(square), "its gradient's norm");
    OK(report.step == s + 1 && report.steps == 8 && report.tokens == (s % 3 == 2 ? 100 : 300) &&
           told(&report, "dead") == 0 && report.state == (s < 7 ? STEP_MORE : STEP_DONE),
       "its counts");
  }
  OK(!strcmp(report.reason, "all steps done") && !strcmp(report.route, "none") &&
         !strcmp(report.memory, "one rank") && report.encoder && *report.encoder,
     "why it ended, and its words");
  PetscCall(End(&t, &sae));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Atoms without a code for 300 tokens are dead in the step after. */
static PetscErrorCode Dead(void)
{
  PetscFunctionBeginUser;
  SAETask t;
  SAE *sae;
  StepReport report;
  PetscCall(Begin("width=60 train.batch=100 train.steps=20 atoms.name=free code.name=topk code.k=1 "
                  "train.optimizer.lr=0.001 revive.name=auxk revive.k=3 revive.dead_after=300",
                  0, &t, &sae));
  bool same = true;
  double most = 0;
  for (int s = 0; s < 8; s++) {
    double dead = 0;
    for (int64_t j = 0; j < sae->m; j++) dead += sae->silent[j] >= 300;
    PetscCall(SAEStep(sae, &report));
    same &= told(&report, "dead") == dead;
    most = fmax(most, dead);
  }
  OK(same && most > 0, "the report counts dead atoms (%g)", most);
  PetscCall(End(&t, &sae));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Plain descent along the gradient, shortened to the norm `clip` where that is above 0. */
static PetscErrorCode Clip(const char *words, double clip)
{
  PetscFunctionBeginUser;
  SAETask t;
  SAE *sae;
  StepReport report;
  float before[14];
  double worst = 0, largest = 0;
  PetscCall(Begin(words, 0, &t, &sae));
  const Tensor *bias = tensor_named(sae, "encoder/bias");
  for (int s = 0; s < 3; s++) {
    memcpy(before, bias->p, sizeof(before));
    PetscCall(SAEStep(sae, &report));
    const double norm = told(&report, "gradient"), by = clip > 0 && norm > clip ? clip / norm : 1;
    for (int j = 0; j < 14; j++) {
      const double step = 0.5 * by * (double)bias->g[j];
      worst = fmax(worst, fabs((double)before[j] - (double)bias->p[j] - step));
      largest = fmax(largest, fabs(step));
    }
  }
  OK(worst < 1e-6 * largest + 1e-7 && largest > 0, "descent, clipped to a norm of %g", clip);
  PetscCall(End(&t, &sae));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A step fails where the loss or a parameter is not finite, of whatever tensor. */
static PetscErrorCode Fails(void)
{
  PetscFunctionBeginUser;
  for (int i = -1; i < 3; i++) {
    SAETask t;
    SAE *sae;
    StepReport report;
    PetscCall(Begin(WORDS "code.name=relu train.optimizer.name=sgd train.optimizer.momentum=0.5", 0,
                    &t, &sae));
    Tensor *tensor = i < 0 ? tensor_named(sae, "encoder/bias") : &sae->tensor[i];
    const int64_t last = tensor->rows * tensor->cols - 1;
    if (i < 0) {
      tensor->p[0] = INFINITY;
      PetscCall(SAEPublish(sae));
    } else {
      tensor->m[last] = NAN; /* which the step does not see before it moves */
    }
    PetscCall(SAEStep(sae, &report));
    OK(report.state == STEP_FAILED &&
           !strcmp(report.reason, i < 0 ? "the loss is not finite" : "a parameter is not finite"),
       "fails: %s", i < 0 ? "the loss" : tensor->name);
    PetscCall(End(&t, &sae));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The running threshold of batchtopk: a moving average of the least value kept. */
static PetscErrorCode Threshold(void)
{
  PetscFunctionBeginUser;
  SAETask t;
  SAE *sae;
  StepReport report;
  double expected = 0;
  bool same = true;
  PetscCall(Begin(WORDS "code.name=batchtopk code.k=2.6 code.momentum=0.75", 0, &t, &sae));
  for (int s = 0; s < 4; s++) {
    PetscCall(SAEStep(sae, &report));
    const Codes *codes = &sae->batch->part[PART_MAIN].codes;
    double least = INFINITY;
    for (int64_t q = 0; q < codes->start[codes->rows]; q++)
      least = fmin(least, (double)codes->value[q]);
    expected = s ? 0.75 * expected + 0.25 * least : least;
    same &= fabs(sae->now.numbers[0] - expected) < 1e-12;
  }
  OK(same && expected > 0, "batchtopk: the running threshold is %g", expected);
  PetscCall(End(&t, &sae));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A wanted number of codes: the law of the L1 weight, and of the penalty on thresholds. */
static PetscErrorCode Wanted(void)
{
  PetscFunctionBeginUser;
  static const double wanted[] = {3, 20, 0.5};
  for (int i = 0; i < 3; i++) {
    SAETask t;
    SAE *sae;
    StepReport report;
    Text words = {0};
    double weight = 0.05;
    bool same = true;
    text_add(&words,
             WORDS "code.name=relu code.sparsity.name=target code.sparsity.l0=%g "
                   "code.sparsity.weight=0.05 code.sparsity.rate=0.1 code.sparsity.warmup=50%%",
             wanted[i]);
    PetscCall(Begin(words.s, 0, &t, &sae));
    text_clear(&words);
    for (int s = 0; s < 6; s++) {
      PetscCall(SAEStep(sae, &report));
      same &= fabs(sae->l1 - weight * fmin((s + 1) / 4.0, 1)) < 1e-15;
      weight *= 1 + 0.1 * fmax(-1, fmin(1, told(&report, "l0") / wanted[i] - 1));
      same &= fabs(sae->now.numbers[0] - weight) < 1e-15;
    }
    OK(same, "%g codes wanted: the weight of L1 is %g", wanted[i], weight);
    PetscCall(End(&t, &sae));
  }
  for (int i = 0; i < 2; i++) {
    SAETask t;
    SAE *sae;
    StepReport report;
    PetscCall(Begin(i ? WORDS "code.name=jumprelu code.sparsity.name=target code.sparsity.l0=3 "
                              "code.sparsity.weight=0.05 code.sparsity.warmup=4"
                      : WORDS "code.name=jumprelu code.sparsity.name=l0 code.sparsity.weight=0.05 "
                              "code.sparsity.warmup=4",
                    0, &t, &sae));
    bool slope = true, value = true, has = true;
    for (int s = 0; s < 6; s++) {
      PetscCall(SAEStep(sae, &report));
      const double l0 = told(&report, "l0"), by = 0.05 * fmin((s + 1) / 4.0, 1), off = l0 / 3 - 1,
                   *is = sae->now.numbers + SAE_NUMBERS - 2;
      slope &= fabs(is[0] - (i ? 2 * by * off / 3 : by)) < 1e-12;
      value &= fabs(is[1] - (i ? by * off * off : by * l0)) < 1e-12;
      has &= fabs(told(&report, "loss") - told(&report, "mse") - is[1]) < 1e-12;
    }
    OK(slope && value && has, "thresholds, %s: slope and value of the penalty, which the loss has",
       i ? "target" : "l0");
    PetscCall(End(&t, &sae));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Supports are renewed every `renew` steps, but not at the end. */
static PetscErrorCode Renews(int renew, int steps, bool expected)
{
  PetscFunctionBeginUser;
  SAETask t;
  SAE *sae;
  StepReport report;
  Text words = {0};
  int32_t before[14 * 3];
  text_add(&words,
           "width=14 train.batch=300 train.steps=%d code.name=topk code.k=3 atoms.name=hull "
           "atoms.support=3 train.optimizer.lr=0.3 atoms.renew=%d",
           steps, renew);
  PetscCall(Begin(words.s, 20, &t, &sae));
  memcpy(before, sae->support->anchor, sizeof(before));
  for (int s = 0; s < 4; s++) PetscCall(SAEStep(sae, &report));
  OK((memcmp(before, sae->support->anchor, sizeof(before)) != 0) == expected,
     "anchors renewed every %d steps of %d%s", renew, steps, expected ? "" : ": not yet");
  text_clear(&words);
  PetscCall(End(&t, &sae));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Silence grows by the tokens of a batch and ends where any code of the atom, of whatever level, is
   in one. */
static PetscErrorCode Silence(const char *words)
{
  PetscFunctionBeginUser;
  SAETask t;
  SAE *sae;
  StepReport report;
  int64_t expected[40] = {0};
  bool same = true;
  PetscCall(Begin(words, 0, &t, &sae));
  Tensor *bias = tensor_named(sae, "encoder/bias");
  bias->p[39] = -50;
  PetscCall(SAEPublish(sae));
  for (int s = 0; s < 5; s++) {
    PetscCall(SAEStep(sae, &report));
    for (int j = 0; j < 40; j++) expected[j] += report.tokens;
    for (int l = 0; l < sae->levels.count; l++) {
      const Codes *codes = &sae->batch->part[PART_MAIN + l].codes;
      for (int64_t q = 0; q < codes->start[codes->rows]; q++)
        if (codes->value[q] != 0) expected[codes->atom[q]] = 0;
    }
    for (int j = 0; j < 40; j++) same &= sae->silent[j] == expected[j];
  }
  OK(same && expected[39] > 0, "tokens since an atom had a code: %s", words);
  PetscCall(End(&t, &sae));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Every parameter of a model of more rows than change together moves once, along its gradient. */
static PetscErrorCode Blocks(void)
{
  PetscFunctionBeginUser;
  SAETask t;
  SAE *sae;
  StepReport report;
  enum { M = APPLY_COUNT / D + 1 };
  static float before[3 * M * D];
  PetscCall(Begin("width=820 train.batch=40 train.steps=8 code.name=relu atoms.name=free "
                  "train.optimizer.name=sgd train.optimizer.momentum=0 train.optimizer.lr=0.5",
                  0, &t, &sae));
  OK(sae->m == M && sae->block_size <= 3 * M * D, "one row more than change together");
  for (int64_t i = 0; i < sae->block_size; i++) before[i] = sae->block[0][i];
  PetscCall(SAEStep(sae, &report));
  const double by = fmin(1, 1 / told(&report, "gradient"));
  for (int i = 0; i < sae->tensors; i++) {
    const Tensor *tensor = &sae->tensor[i];
    const float *was = before + (tensor->p - sae->block[0]);
    const bool unit = !strcmp(tensor->name, "atoms"); /* divided by their norm after it */
    double worst = 0, most = 0;
    for (int64_t j = 0; j < tensor->rows; j++) {
      double row[M] = {0}, square = 0;
      for (int64_t q = 0; q < tensor->cols; q++) {
        row[q] =
            (double)was[j * tensor->cols + q] - 0.5 * by * (double)tensor->g[j * tensor->cols + q];
        square += row[q] * row[q];
      }
      for (int64_t q = 0; q < tensor->cols; q++) {
        const double is = (double)tensor->p[j * tensor->cols + q];
        worst = fmax(worst, fabs(row[q] / (unit ? sqrt(square) : 1) - is));
        most = fmax(most, fabs(is - (double)was[j * tensor->cols + q]));
      }
    }
    OK(worst < 1e-6 && most > 1e-5, "%s moves along its gradient (%.2g)", tensor->name, most);
  }
  PetscCall(End(&t, &sae));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Weights that a step leaves without a positive one stay what they were. */
static PetscErrorCode Kept(void)
{
  PetscFunctionBeginUser;
  enum { P = 2 };
  SAETask t;
  SAE *sae;
  StepReport report;
  float before[14 * P];
  int64_t kept = 0;
  bool same = true;
  PetscCall(Begin("width=14 train.batch=300 train.steps=8 code.name=relu atoms.name=hull "
                  "train.optimizer.name=sgd train.optimizer.lr=1000 train.clip=0",
                  P, &t, &sae));
  const Tensor *W = tensor_named(sae, "W");
  for (int i = 0; i < 14 * P; i++) before[i] = W->p[i];
  PetscCall(SAEStep(sae, &report));
  for (int j = 0; j < 14; j++) {
    bool positive = false;
    for (int i = j * P; i < (j + 1) * P; i++) positive |= before[i] - 1000 * W->g[i] > 0;
    if (positive) continue;
    kept++, same &= !memcmp(before + j * P, W->p + j * P, sizeof(float) * P);
  }
  OK(same && kept > 0, "hull: %d rows of weights without a positive one stay", (int)kept);
  PetscCall(End(&t, &sae));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Reanimation of the last atom, the only silent one: the loss of the definition. */
static PetscErrorCode LastSilent(const char *words)
{
  PetscFunctionBeginUser;
  SAETask t;
  SAE *sae;
  StepReport report;
  Plain plain;
  int64_t silent = 0;
  PetscCall(Begin(words, 0, &t, &sae));
  tensor_named(sae, "encoder/bias")->p[5] = -50;
  PetscCall(SAEPublish(sae));
  PetscCall(PlainCreate(sae, &plain));
  const double expected = loss(&plain);
  PetscCall(SAEStep(sae, &report));
  for (int j = 0; j < 6; j++) silent += sae->silent[j] > 0;
  NEAR(told(&report, "loss"), expected, 2e-6 * fabs(expected), "%s: the loss", words);
  OK(silent == 1 && sae->silent[5] == 300, "where only the last atom is silent");
  PetscCall(PlainDestroy(&plain));
  PetscCall(End(&t, &sae));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  TestBegin(&argc, &argv);
  RUN(SAETaskTokens(path, N, D));
  RUN(Report());
  RUN(Dead());
#define DESCENT                                                                                    \
  WORDS "code.name=relu train.optimizer.name=sgd train.optimizer.momentum=0 "                      \
        "train.optimizer.lr=0.5 train.clip="
  RUN(Clip(DESCENT "0", 0));
  RUN(Clip(DESCENT "0.01", 0.01));
  RUN(Clip(DESCENT "1000", 1000));
  RUN(Fails());
  RUN(Threshold());
  RUN(Wanted());
  RUN(Renews(2, 8, true));
  RUN(Renews(4, 4, false));
  RUN(Renews(5, 8, false));
  RUN(Silence("width=40 train.batch=60 train.steps=8 atoms.name=free code.name=topk code.k=1"));
  RUN(Silence("width=40 train.batch=60 train.steps=8 atoms.name=free code.name=batchtopk code.k=1 "
              "goal.name=matryoshka goal.levels=3"));
  RUN(Blocks());
  RUN(Kept());
#define LIFTED                                                                                     \
  "width=6 train.batch=300 train.steps=8 atoms.name=free code.name=topk code.k=3 "                 \
  "revive.name=reanimation revive.weight=0.3 revive.over="
  RUN(LastSilent(LIFTED "all"));
  RUN(LastSilent(LIFTED "silent"));
  unlink(path);
  return TestEnd();
}
