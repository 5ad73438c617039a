/* ardis kmeans TOKENS.h5 --k K -o OUT.h5 */
#include "base/array.h"
#include "base/file.h"
#include "cli/args.h"
#include "cli/command.h"
#include "learn/dictionary.h"
#include "learn/kmeans.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define COMM PETSC_COMM_WORLD

/* A finished k-means with where each token of this rank went. */
typedef struct {
  const Method *method;
  void *learner;
  int64_t n, first, count;
  int32_t *index; /* [count] */
} Assigned;

static PetscErrorCode Model(void *self, State *model)
{
  Assigned *a = self;
  PetscFunctionBeginUser;
  PetscCall(a->method->model(a->learner, model));
  state_sliced(model, "assignments", H5_I32, 1, a->n, 1, a->first, a->count, a->index);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Every token's nearest centroid; the objective of the centroids as they are. */
static PetscErrorCode Assign(const Task *task, Assigned *a, double *objective)
{
  const KMeans *K = a->learner;
  const int64_t tile = 3072;
  int rank, size;
  int64_t *row;
  float *X;
  double *distance;
  Nearest *nearest;
  Exact sum = {0};
  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(task->comm, &rank));
  PetscCallMPI(MPI_Comm_size(task->comm, &size));
  a->n = tokens_count(task->view.tokens);
  part_of(a->n, 1, rank, size, &a->first, &a->count);
  PetscCall(ArrayCreate(a->count, &a->index));
  PetscCall(ArrayCreate(tile, &row));
  PetscCall(ArrayCreate(tile, &distance));
  PetscCall(ArrayCreate(tile * K->d, &X));
  PetscCall(NearestCreate(task->view.kernels, K->K, K->d, K->centroids, &nearest));
  for (int64_t at = 0; at < a->count; at += tile) {
    const int64_t count = min_i64(tile, a->count - at);
    for (int64_t t = 0; t < count; t++) row[t] = a->first + at + t;
    PetscCall(ViewRead(&task->view, count, row, X));
    task->view.kernels->nearest(count, X, K->d, nearest, a->index + at, distance);
    for (int64_t t = 0; t < count; t++) exact_add(&sum, distance[t]);
  }
  PetscCall(ExactSum(task->comm, 1, &sum));
  *objective = exact_value(&sum);
  PetscCall(NearestDestroy(&nearest));
  PetscCall(ArrayDestroy(&row));
  PetscCall(ArrayDestroy(&distance));
  PetscCall(ArrayDestroy(&X));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Learns, telling each iteration, and writes the file. *failed: why it ended badly, or NULL. */
static PetscErrorCode Learn(const Task *task, const char *out, Mistakes *mistakes,
                            const char **failed)
{
  Assigned a = {.method = (const Method *)family_find(&methods, "kmeans")};
  StepReport report = {.state = STEP_MORE};
  double objective = 0;
  int rank, done = 0;
  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(task->comm, &rank));
  PetscCall(a.method->create(task, &a.learner));
  while (report.state == STEP_MORE) {
    report = (StepReport){0};
    PetscCall(a.method->step(a.learner, &report));
    if (!report.log || rank || report.step == done) continue;
    done = (int)report.step;
    printf("iteration %d: objective %.17g, %g empty\n", done, report.value[0].value,
           report.value[1].value);
    fflush(stdout);
  }
  *failed = report.state == STEP_FAILED ? report.reason : NULL;
  if (!*failed) {
    PetscCall(Assign(task, &a, &objective));
    Method assigned = *a.method;
    assigned.model = Model;
    PetscCall(ModelWrite(task, &assigned, &a, out, report.reason, mistakes));
    if (rank == 0 && !mistakes_count(mistakes))
      printf("%s after %d: objective %.17g\n%s\n", report.reason, done, objective, out);
  }
  PetscCall(ArrayDestroy(&a.index));
  PetscCall(a.method->destroy(&a.learner));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A setting of the normalisation from its option. */
static PetscErrorCode Normalisation(const Option *options, int which, Settings *settings,
                                    Mistakes *mistakes)
{
  const Param *param = &normalise_params[which];
  const char *value = option_value(options, param->name);
  char *canonical = NULL, *complaint = NULL;
  Text path = {0};
  PetscFunctionBeginUser;
  PetscCall(ParamScalar(param, value ? value : "none", &canonical, &complaint));
  text_add(&path, "normalise.%s", param->name);
  if (complaint)
    mistake(mistakes, NULL, 0, 0, "--%s: %s", param->name, complaint);
  else
    settings_set(settings, path.s, canonical);
  text_clear(&path);
  free(canonical);
  free(complaint);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The options as the settings of a run of `method: kmeans`. */
static PetscErrorCode ReadSettings(const Option *options, Settings *settings, Mistakes *mistakes)
{
  const char *init = option_value(options, "init"), *words[16];
  int n = 0;
  Text number = {0};
  PetscFunctionBeginUser;
  if (!option_value(options, "k"))
    mistake(mistakes, NULL, 0, 0, "--k K is missing: how many centroids");
  settings_set(settings, "method", "kmeans");
  text_add(&number, "%lld", (long long)option_integer(options, "k", 1, 1, 1000000000, mistakes));
  settings_set(settings, "width", number.s);
  text_clear(&number);
  text_add(&number, "%lld",
           (long long)option_integer(options, "iterations", 25, 0, 1000000, mistakes));
  settings_set(settings, "iterations", number.s);
  text_clear(&number);
  if (!init) init = "random";
  for (const Entry *const *e = kmeans_inits.entries; *e && n < 15; e++) words[n++] = (*e)->name;
  words[n] = NULL;
  if (!family_find(&kmeans_inits, init)) {
    const char *near = nearest_word(init, words);
    mistake(mistakes, NULL, 0, 0, "--init %s: there is no such start; %s %s", init,
            near ? "the nearest word is" : "one of them is", near ? near : words[0]);
  }
  settings_set(settings, "init.name", init);
  for (int which = 0; which < 2; which++)
    PetscCall(Normalisation(options, which, settings, mistakes));
  settings_set(settings, "held_out", "0");
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Opens the tokens and learns; what is wrong is in mistakes on some rank. */
static PetscErrorCode Work(const Option *options, const char *path, Settings *settings,
                           Mistakes *mistakes, const char **failed)
{
  const Kernels *kernels;
  Tokens *tokens = NULL;
  Split *split = NULL;
  Normaliser *normaliser = NULL;
  bool any;
  PetscFunctionBeginUser;
  PetscCall(KernelsChoose(NULL, mistakes, &kernels));
  PetscCall(MistakesAgree(COMM, mistakes, &any));
  if (!any) PetscCall(TokensOpen(COMM, kernels, 1, &path, mistakes, &tokens));
  if (tokens) PetscCall(SplitCreate(COMM, tokens, 0, mistakes, &split));
  if (tokens && settings_int(settings, "width") > tokens_count(tokens))
    mistake(mistakes, NULL, 0, 0, "--k %s: %s has only %lld tokens",
            settings_get(settings, "width"), path, (long long)tokens_count(tokens));
  PetscCall(MistakesAgree(COMM, mistakes, &any));
  if (!any) {
    PetscCall(NormaliserCreate(tokens, settings, &normaliser));
    const View view = {tokens, split, normaliser, kernels};
    Reader *reader;
    PetscCall(ReaderCreate(&view, &reader));
    const Task task = {.comm = COMM,
                       .view = view,
                       .reader = reader,
                       .settings = settings,
                       .seed_init = option_integer(options, "seed", 1, 0, INT64_MAX, mistakes)};
    PetscCall(Learn(&task, option_value(options, "out"), mistakes, failed));
    PetscCall(ReaderDestroy(&reader));
    PetscCall(NormaliserDestroy(&normaliser));
  }
  PetscCall(SplitDestroy(&split));
  if (tokens) PetscCall(TokensClose(&tokens));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A file that could not be written at the end would be a pity. */
static void check_folder(const char *out, Mistakes *mistakes)
{
  const char *slash = strrchr(out, '/');
  Text folder = {0};
  if (slash)
    text_append(&folder, out, (size_t)(slash - out) + 1);
  else
    text_add(&folder, ".");
  if (access(folder.s, W_OK))
    mistake(mistakes, NULL, 0, 0, "--out %s: there is no folder %s to write in", out, folder.s);
  text_clear(&folder);
}

static int kmeans_main(int argc, char **argv)
{
  Option options[] = {
      {"k"},      {"iterations"}, {"init"}, {"seed"}, {.name = "out", .letter = "o"},
      {"center"}, {"scale"},      {0}};
  Mistakes *mistakes = NULL;
  Settings settings = {0};
  const char **rest, *failed = NULL;
  int count = 0, code = 0;
  if (MistakesCreate(&mistakes)) return 1;
  if (!(rest = calloc((size_t)argc + 1, sizeof(*rest)))) return 1;
  args_read(argc, argv, options, mistakes, rest, &count);
  if (count != 1)
    mistake(mistakes, NULL, 0, 0,
            "one file of tokens is needed, as in: ardis kmeans tokens.h5 "
            "--k 1000 -o centroids.h5");
  const char *out = option_value(options, "out");
  if (out && count == 1 && file_same(out, rest[0]))
    mistake(mistakes, NULL, 0, 0, "--out %s: is the file of tokens itself", out);
  else if (out)
    check_folder(out, mistakes);
  else
    mistake(mistakes, NULL, 0, 0, "--out FILE is missing: where the centroids go");
  option_integer(options, "seed", 1, 0, INT64_MAX, mistakes);
  if (ReadSettings(options, &settings, mistakes)) return 1;
  if (!mistakes_count(mistakes) && Work(options, rest[0], &settings, mistakes, &failed)) return 1;
  if (failed) {
    fprintf(stderr, "ardis kmeans: %s\n", failed);
    code = 1;
  }
  settings_clear(&settings);
  free(rest);
  return command_end(&mistakes, code);
}

const Command command_kmeans = {
    .entry = {"kmeans", "centroids of a token file, and the nearest one of each token"},
    .usage =
        "usage: ardis kmeans TOKENS.h5 --k K -o OUT.h5 [options]      under mpirun or alone\n\n"
        "Lloyd's iterations over all tokens of the file, out of core. Each token belongs to the\n"
        "centroid whose distance in float64 is least, the lowest one among equals; the same bytes\n"
        "on any number of ranks. Prints the objective (the sum of squared distances) that each\n"
        "iteration started from. OUT.h5 holds /atoms [K x d] and /assignments [n], and can serve\n"
        "as a candidate set of a spec (anchors: {NAME: {file: OUT.h5}}).\n\n"
        "  --k K              centroids\n"
        "  -o, --out FILE     where they go\n"
        "  --iterations I     most passes over the tokens (25); it ends when the objective stops "
        "falling\n"
        "  --init START       random | plusplus | scalable (random)\n"
        "  --seed S           of the start (1)\n"
        "  --center WORD      none | mean | min: taken off the tokens first (none)\n"
        "  --scale WORD       none | rms | unit | std: what they are divided by (none)\n\n"
        "exit codes: 0 done; 1 the objective is not finite; 2 a mistake, nothing was written\n",
    .main = kmeans_main,
};
