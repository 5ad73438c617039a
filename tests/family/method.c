/* Laws of every method, found from the registry: the same model file from any number of ranks,
   stopped and resumed or not; an end with a result or a reason on tokens that leave little to
   learn; nothing in any file that is not finite.
   RUN ranks=1
   RUN ranks=2
   RUN ranks=3 */
#include "../method_task.h"
#include "../tap.h"

static MPI_Comm COMM;
static const char tokens_path[] = "family_method.tokens.h5",
                  saved_path[] = "family_method.saved.h5";

static double mixed(int64_t row, int64_t i)
{
  return (double)sae_task_value(row, i);
}
static double constant_dimension(int64_t row, int64_t i)
{
  return i == 1 ? 3.25 : (double)sae_task_value(row, i);
}
static double zero(int64_t row, int64_t i)
{
  (void)row, (void)i;
  return 0;
}
static double twice(int64_t row, int64_t i)
{
  return (double)sae_task_value(row % 2, i);
}

/* A task of the method with its defaults: tokens from the least value on where it asks for that. */
static PetscErrorCode Open(const Method *method, MPI_Comm comm, int64_t width, SAETask *t)
{
  char words[200];
  PetscFunctionBeginUser;
  for (int turn = 0; turn < 2; turn++) {
    snprintf(words, sizeof(words),
             "method=%s width=%d normalise.center=%s code.name=topk code.k=2 train.steps=9 "
             "train.batch=64 iterations=12 sample=150 trees=20",
             method->entry.name, (int)width, turn ? "min" : "mean");
    PetscCall(MethodTaskOpen(comm, tokens_path, words, 8, t));
    const char *about;
    char *why = method_refuses(t, &about);
    if (!why) break;
    free(why);
    PetscCheck(!turn, comm, PETSC_ERR_ARG_WRONG, "%s takes neither", method->entry.name);
    PetscCall(SAETaskClose(t));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Save(MPI_Comm comm, const Method *method, void *learner, Mistakes *mistakes)
{
  State state = {0};
  H5Writer *writer;
  int numbers[STATE_MAX];
  PetscFunctionBeginUser;
  PetscCall(method->state(learner, &state));
  PetscCall(H5WriterCreate(comm, saved_path, &writer));
  PetscCall(StateDeclare(writer, &state, numbers));
  PetscCall(H5WriterLayout(writer, mistakes));
  PetscCall(StateWrite(comm, writer, &state, numbers));
  PetscCall(H5WriterCommit(&writer, mistakes));
  MPI_Barrier(COMM);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Load(MPI_Comm comm, const Method *method, void *learner, Mistakes *mistakes)
{
  State state = {0};
  H5Reader *reader;
  PetscFunctionBeginUser;
  PetscCall(method->state(learner, &state));
  PetscCall(H5ReaderOpen(saved_path, mistakes, &reader));
  PetscCall(StateRead(comm, reader, saved_path, &state, mistakes));
  PetscCall(H5ReaderClose(&reader));
  if (method->resumed) PetscCall(method->resumed(learner));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The bytes of the model file that the learner would leave. */
static PetscErrorCode ModelBytes(const SAETask *t, const Method *method, void *learner, Text *bytes)
{
  char path[80];
  bool found;
  int size;
  PetscFunctionBeginUser;
  MPI_Comm_size(t->task.comm, &size);
  snprintf(path, sizeof(path), "family_method.model.%d.h5", size == tap_size ? 0 : tap_rank + 1);
  PetscCall(ModelWrite(&t->task, method, learner, path, "done", t->mistakes));
  MPI_Barrier(COMM);
  text_clear(bytes);
  PetscCall(FileRead(path, bytes, &found));
  MPI_Barrier(COMM);
  if (size < tap_size || tap_rank == 0) unlink(path);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static bool same_bytes(const Text *a, const Text *b)
{
  return a->length > 0 && a->length == b->length && !memcmp(a->s, b->s, a->length);
}

/* The codes and reconstructions of some tokens. */
static PetscErrorCode CheckCodes(const SAETask *t, const Method *method, void *learner,
                                 const char *title)
{
  enum { ROWS = 7 };
  const int64_t d = t->normaliser->d;
  Dictionary *dictionary;
  Codes codes = {0}, one = {0};
  int64_t row[ROWS];
  float *X, *Y;
  bool finite = true, alike = true;
  PetscFunctionBeginUser;
  PetscCall(ModelWrite(&t->task, method, learner, saved_path, "done", t->mistakes));
  MPI_Barrier(COMM);
  PetscCall(DictionaryRead(saved_path, t->kernels, t->mistakes, &dictionary));
  PetscCheck(dictionary, COMM, PETSC_ERR_FILE_READ, "%s", saved_path);
  PetscCall(ArrayCreate(ROWS * d, &X));
  PetscCall(ArrayCreate(ROWS * d, &Y));
  for (int64_t i = 0; i < ROWS; i++) row[i] = i % tokens_count(t->tokens);
  PetscCall(ViewRead(&t->task.view, ROWS, row, X));
  PetscCall(DictionaryEncode(dictionary, ROWS, X, &codes));
  PetscCall(DictionaryDecode(dictionary, &codes, Y));
  for (int64_t q = 0; q < codes.start[ROWS]; q++) finite &= isfinite(codes.value[q]) != 0;
  for (int64_t i = 0; i < ROWS * d; i++) finite &= isfinite(Y[i]) != 0;
  for (int64_t i = 0; i < dictionary->m * d; i++) finite &= isfinite(dictionary->atoms[i]) != 0;
  for (int64_t i = 0; i < ROWS; i++) {
    const int64_t at = codes.start[i], count = codes.start[i + 1] - at;
    PetscCall(DictionaryEncode(dictionary, 1, X + i * d, &one));
    alike &= one.start[1] == count &&
             !memcmp(one.atom, codes.atom + at, (size_t)count * sizeof(int32_t)) &&
             !memcmp(one.value, codes.value + at, (size_t)count * sizeof(float));
    for (int64_t q = at + 1; q < at + count; q++) alike &= codes.atom[q - 1] < codes.atom[q];
  }
  OK(finite, "%s: atoms, codes and reconstructions are finite", title);
  OK(alike, "%s: a token's code is its own, whatever stands beside it, in order of atoms", title);
  codes_clear(&codes);
  codes_clear(&one);
  PetscCall(ArrayDestroy(&X));
  PetscCall(ArrayDestroy(&Y));
  PetscCall(DictionaryDestroy(&dictionary));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* On all ranks, on each alone, and stopped halfway. */
static PetscErrorCode CheckBytes(const Method *method)
{
  const char *name = method->entry.name;
  SAETask together, alone;
  void *learner;
  Text whole = {0}, other = {0};
  StepReport report;
  int64_t steps, some;
  PetscFunctionBeginUser;
  PetscCall(Open(method, COMM, 5, &together));
  PetscCall(Open(method, PETSC_COMM_SELF, 5, &alone));
  PetscCall(method->create(&together.task, &learner));
  PetscCall(MethodSteps(method, learner, 100000, &report, &steps));
  OK(report.state == STEP_DONE && report.reason, "%s ends: %s", name, report.reason);
  PetscCall(ModelBytes(&together, method, learner, &whole));
  PetscCall(CheckCodes(&together, method, learner, name));
  PetscCall(method->destroy(&learner));
  PetscCall(method->create(&alone.task, &learner));
  PetscCall(MethodSteps(method, learner, 100000, &report, &some));
  PetscCall(ModelBytes(&alone, method, learner, &other));
  OK(same_bytes(&whole, &other), "%s: the same model from 1 rank and from %d", name, tap_size);
  PetscCall(method->destroy(&learner));
  PetscCall(method->create(&together.task, &learner));
  PetscCall(MethodSteps(method, learner, (steps + 1) / 2, &report, &some));
  PetscCall(Save(COMM, method, learner, together.mistakes));
  PetscCall(method->destroy(&learner));
  for (int turn = 0; turn < 2; turn++) {
    SAETask *t = turn ? &together : &alone;
    t->task.seed_init = 77; /* another start, which the checkpoint overwrites */
    PetscCall(method->create(&t->task, &learner));
    t->task.seed_init = 1;
    PetscCall(Load(t->task.comm, method, learner, t->mistakes));
    PetscCall(MethodSteps(method, learner, 100000, &report, &some));
    PetscCall(ModelBytes(t, method, learner, &other));
    OK(!mistakes_count(t->mistakes) && same_bytes(&whole, &other),
       "%s: stopped on %d ranks, resumed on %d", name, tap_size, turn ? tap_size : 1);
    PetscCall(method->destroy(&learner));
  }
  text_clear(&whole);
  text_clear(&other);
  PetscCall(SAETaskClose(&together));
  PetscCall(SAETaskClose(&alone));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CheckLittle(const Method *method, int64_t width, const char *title)
{
  SAETask t;
  void *learner;
  StepReport report;
  int64_t steps;
  char what[100];
  PetscFunctionBeginUser;
  snprintf(what, sizeof(what), "%s, %s", method->entry.name, title);
  PetscCall(Open(method, COMM, width, &t));
  PetscCall(method->create(&t.task, &learner));
  PetscCall(MethodSteps(method, learner, 100000, &report, &steps));
  OK(report.state != STEP_MORE && report.reason && *report.reason, "%s: ends: %s", what,
     report.reason);
  if (report.state == STEP_DONE) PetscCall(CheckCodes(&t, method, learner, what));
  PetscCall(method->destroy(&learner));
  PetscCall(SAETaskClose(&t));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CheckAllLittle(int64_t n, int64_t d, TokenValue value, int64_t width,
                                     const char *title)
{
  PetscFunctionBeginUser;
  PetscCall(MethodTokens(tokens_path, n, d, value));
  for (const Entry *const *e = methods.entries; *e; e++)
    PetscCall(CheckLittle((const Method *)*e, width, title));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  TestBegin(&argc, &argv);
  COMM = MPI_COMM_WORLD;
  RUN(MethodTokens(tokens_path, 2300, 12, mixed));
  for (const Entry *const *e = methods.entries; *e; e++) RUN(CheckBytes((const Method *)*e));
  RUN(CheckAllLittle(300, 1, mixed, 1, "tokens of width 1"));
  RUN(CheckAllLittle(300, 4, mixed, 1, "one atom"));
  RUN(CheckAllLittle(300, 4, constant_dimension, 3, "a constant dimension"));
  RUN(CheckAllLittle(300, 4, zero, 3, "tokens that are 0"));
  RUN(CheckAllLittle(300, 4, twice, 3, "two tokens many times"));
  MPI_Barrier(COMM);
  if (tap_rank == 0) unlink(tokens_path), unlink(saved_path);
  return TestEnd();
}
