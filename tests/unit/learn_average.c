/* The average of the parameters: the mean of what the steps left, written here a second time in
   float64, under the atoms' constraint; training does not feel it; the same bytes on any number of
   ranks, and when it was stopped and resumed.
   RUN ranks=1
   RUN ranks=2
   RUN ranks=3 */
#include "../sae_task.h"
#include "../tap.h"
#include "learn/average.h"
#include <math.h>

#define COMM PETSC_COMM_WORLD
enum { N = 400, D = 7, STEPS = 6 };
static const char path[] = "learn_average.test.h5", saved_path[] = "learn_average.saved.h5";
static const double decay = 0.75;

static const Method *sae_method(void)
{
  return (const Method *)family_find(&methods, "sae");
}

static const float *array_named(const State *state, const char *name)
{
  for (int i = 0; i < state->count; i++)
    if (!strcmp(state->array[i].name, name)) return state->array[i].data;
  return NULL;
}

/* Rows of a mean [rows x cols] brought under the constraint of free or of hull atoms. */
static void constrain(const char *name, int64_t rows, int64_t cols, double delta, double *x)
{
  for (int64_t j = 0; j < rows; j++, x += cols) {
    double sum = 0, square = 0, by = 1;
    for (int64_t i = 0; i < cols; i++) {
      if (!strcmp(name, "W") && x[i] < 0) x[i] = 0;
      sum += x[i], square += x[i] * x[i];
    }
    if (!strcmp(name, "W")) by = sum;
    if (!strcmp(name, "atoms")) by = sqrt(square);
    if (!strcmp(name, "relaxation")) by = fmax(1, sqrt(square) / delta);
    for (int64_t i = 0; i < cols; i++) x[i] /= by;
  }
}

/* history [STEPS][block_size]: what each step left. */
static void check_means(const char *title, SAE *sae, const float *history)
{
  State model = {0};
  double worst = 0, mean[64 * 16];
  const double delta = settings_real(sae->task->settings, "atoms.delta");
  RUN(sae_method()->model(sae, &model));
  for (int i = 0; i < sae->tensors; i++) {
    const Tensor *t = &sae->tensor[i];
    const int64_t at = t->p - sae->block[0], count = t->rows * t->cols;
    const float *shown = array_named(&model, t->name);
    if (!shown) shown = shown_tensor(sae, t); /* log_multiplier is an attribute */
    for (int64_t q = 0; q < count; q++) {
      double sum = 0, weights = 0;
      for (int s = 0; s < STEPS; s++) {
        const double weight = pow(decay, STEPS - 1 - s);
        sum += weight * (double)history[s * sae->block_size + at + q], weights += weight;
      }
      mean[q] = sum / weights;
    }
    constrain(t->name, t->rows, t->cols, delta, mean);
    for (int64_t q = 0; q < count; q++) worst = fmax(worst, fabs(mean[q] - (double)shown[q]));
  }
  OK(worst < 1e-6, "%s: the weighted mean of what the steps left, within 1e-6", title);
  if (!(worst < 1e-6)) fprintf(stderr, "# off by %g\n", worst);
}

/* Atoms are formed from the averages. */
static bool formed(SAE *sae)
{
  State model = {0};
  double worst = 0;
  RUN(sae_method()->model(sae, &model));
  const float *atoms = array_named(&model, "atoms"), *W = array_named(&model, "W"),
              *L = array_named(&model, "relaxation");
  const Tensor *s = tensor_named(sae, "log_multiplier"), *own = tensor_named(sae, "atoms");
  for (int64_t j = 0; j < sae->rows; j++)
    for (int64_t i = 0; i < D; i++) {
      double x = own ? (double)shown_tensor(sae, own)[j * D + i] : L ? (double)L[j * D + i] : 0;
      for (int64_t q = 0; W && q < sae->task->anchors->p; q++)
        x += (double)W[j * sae->task->anchors->p + q] *
             (double)sae->task->anchors->points[q * D + i];
      if (s) x *= exp((double)*shown_tensor(sae, s));
      worst = fmax(worst, fabs(x - (double)atoms[j * D + i]));
    }
  return worst < 1e-5;
}

static PetscErrorCode CheckMean(const char *title, const char *words, const char *average,
                                int64_t p)
{
  PetscFunctionBeginUser;
  SAETask with, without;
  SAE *sae, *plain;
  StepReport report;
  Text all = {0};
  float *history;
  bool same = true, start;
  text_add(&all, "%s %s", words, average);
  PetscCall(SAETaskOpen(COMM, path, all.s, p, &with));
  PetscCall(SAETaskOpen(COMM, path, words, p, &without));
  PetscCall(SAECreate(&with.task, &sae));
  PetscCall(SAECreate(&without.task, &plain));
  PetscCall(ArrayCreate(STEPS * sae->block_size, &history));
  average_show(sae);
  start =
      !memcmp(sae->shown, sae->block[0], sizeof(float) * (size_t)sae->block_size) &&
      !memcmp(shown_atoms(sae), sae->D + sae->first * D, sizeof(float) * (size_t)(sae->rows * D));
  for (int s = 0; s < STEPS; s++) {
    PetscCall(SAEStep(sae, &report));
    PetscCall(SAEStep(plain, &report));
    memcpy(history + s * sae->block_size, sae->block[0], sizeof(float) * (size_t)sae->block_size);
    same &= !memcmp(sae->block[0], plain->block[0], sizeof(float) * (size_t)sae->block_size);
  }
  OK(start, "%s: before the first step the parameters are shown", title);
  OK(same && !plain->average, "%s: training is as without", title);
  check_means(title, sae, history);
  OK(formed(sae), "%s: atoms are formed from the means", title);
  PetscCall(ArrayDestroy(&history));
  PetscCall(SAEDestroy(&sae));
  PetscCall(SAEDestroy(&plain));
  PetscCall(SAETaskClose(&with));
  PetscCall(SAETaskClose(&without));
  text_clear(&all);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Save(SAE *sae, Mistakes *mistakes)
{
  PetscFunctionBeginUser;
  State state = {0};
  H5Writer *writer;
  int numbers[STATE_MAX];
  PetscCall(sae_method()->state(sae, &state));
  PetscCall(H5WriterCreate(COMM, saved_path, &writer));
  PetscCall(StateDeclare(writer, &state, numbers));
  PetscCall(H5WriterLayout(writer, mistakes));
  PetscCall(StateWrite(COMM, writer, &state, numbers));
  PetscCall(H5WriterCommit(&writer, mistakes));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Of what model files hold, the rows of `many` and those of all, byte for byte. */
static bool same_models(SAE *many, SAE *one)
{
  State a = {0}, b = {0};
  bool same = true;
  RUN(sae_method()->model(many, &a));
  RUN(sae_method()->model(one, &b));
  for (int i = 0; i < a.count; i++) {
    const StateArray *x = &a.array[i], *y = &b.array[i];
    const int64_t cols = x->where == STATE_SCATTERED ? x->held : x->cols,
                  first = x->where == STATE_SHARED ? 0 : x->first,
                  count = x->where == STATE_SHARED ? x->rows : x->count;
    if (x->kind == H5_F32)
      same &= !memcmp(x->data, (const float *)y->data + first * cols,
                      sizeof(float) * (size_t)(count * cols));
  }
  return same;
}

/* On all ranks and stopped halfway, then alone, against one rank without a stop. */
static PetscErrorCode CheckRanks(const char *title, const char *words, int64_t p)
{
  PetscFunctionBeginUser;
  SAETask together, alone;
  SAE *many, *one, *rest;
  StepReport report;
  State state = {0};
  H5Reader *reader;
  PetscCall(SAETaskOpen(COMM, path, words, p, &together));
  PetscCall(SAETaskOpen(PETSC_COMM_SELF, path, words, p, &alone));
  PetscCall(SAECreate(&together.task, &many));
  PetscCall(SAECreate(&alone.task, &one));
  PetscCall(SAECreate(&alone.task, &rest));
  for (int s = 0; s < STEPS; s++) {
    if (s == STEPS / 2) PetscCall(Save(many, together.mistakes));
    PetscCall(SAEStep(many, &report));
    PetscCall(SAEStep(one, &report));
  }
  MPI_Barrier(COMM);
  PetscCall(sae_method()->state(rest, &state));
  PetscCall(H5ReaderOpen(saved_path, alone.mistakes, &reader));
  PetscCall(StateRead(PETSC_COMM_SELF, reader, saved_path, &state, alone.mistakes));
  PetscCall(H5ReaderClose(&reader));
  PetscCall(sae_method()->resumed(rest));
  for (int s = STEPS / 2; s < STEPS; s++) PetscCall(SAEStep(rest, &report));
  OK(one->average && same_models(many, one), "%s: the same model on %d ranks", title, tap_size);
  OK(!mistakes_count(alone.mistakes) && same_models(rest, one), "%s: and resumed on one", title);
  MPI_Barrier(COMM);
  PetscCall(SAEDestroy(&many));
  PetscCall(SAEDestroy(&one));
  PetscCall(SAEDestroy(&rest));
  PetscCall(SAETaskClose(&together));
  PetscCall(SAETaskClose(&alone));
  PetscFunctionReturn(PETSC_SUCCESS);
}

#define TRAIN "width=11 train.batch=90 train.steps=7 train.optimizer.lr=0.05 "
#define MEAN " train.average.name=ema train.average.decay=0.75"

int main(int argc, char **argv)
{
  static const struct {
    const char *title, *words;
    int64_t p;
  } cases[] = {
      {"free", TRAIN "code.name=topk code.k=3", 0},
      {"tied, in the ball",
       TRAIN "code.name=relu atoms.name=free atoms.norm=ball encoder.name=tied", 0},
      {"jumprelu, hull", TRAIN "code.name=jumprelu atoms.name=hull", 15},
      {"relaxed", TRAIN "code.name=topk code.k=3 atoms.name=hull_relaxed atoms.delta=0.02", 15},
      {"hull of 4 anchors",
       TRAIN "code.name=topk code.k=3 atoms.name=hull atoms.support=4 atoms.renew=2", 15}};
  TestBegin(&argc, &argv);
  RUN(SAETaskTokens(path, N, D));
  for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
    Text words = {0};
    text_add(&words, "%s" MEAN, cases[i].words);
    /* anchors of a support change on the way, so that its columns have no means of their own */
    if (!strstr(words.s, "support") && !strstr(words.s, "ball"))
      RUN(CheckMean(cases[i].title, cases[i].words, MEAN, cases[i].p));
    RUN(CheckRanks(cases[i].title, words.s, cases[i].p));
    text_clear(&words);
  }
  MPI_Barrier(COMM);
  if (tap_rank == 0) unlink(path), unlink(saved_path);
  return TestEnd();
}
