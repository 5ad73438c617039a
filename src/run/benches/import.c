/* Import: a plain file of float32 becomes a token file of float16, with its statistics and digest.
 */
#include "base/array.h"
#include "base/file.h"
#include "data/import.h"
#include "run/bench.h"
#include <stdlib.h>
#include <unistd.h>

static const char *const rows[] = {"import", NULL};
enum { N = 65536, D = 768 };

typedef struct {
  BenchRun *run;
  const char *from;
  char *to;
} Files;

static PetscErrorCode Import(void *context)
{
  const Files *files = context;
  const ImportOptions options = {.inputs = 1,
                                 .input = &files->from,
                                 .output = files->to,
                                 .is_raw = true,
                                 .raw = H5_F32,
                                 .dim = D,
                                 .converts = true,
                                 .dtype = H5_F16};
  ImportSummary summary;
  Mistakes *mistakes;

  PetscFunctionBegin;
  PetscCall(MistakesCreate(&mistakes));
  PetscCall(ImportRun(PETSC_COMM_SELF, files->run->kernels, &options, mistakes, &summary));
  PetscCheck(!mistakes_count(mistakes) && summary.n == N, PETSC_COMM_SELF, PETSC_ERR_FILE_WRITE,
             "cannot import into %s", files->to);
  PetscCall(MistakesDestroy(&mistakes));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Run(BenchRun *run)
{
  char *from = path_join(run->scratch, "import.raw"), *to = path_join(run->scratch, "import.h5");
  Files files = {run, from, to};
  BenchWork work = {.work = Import, .context = &files, .wall = true, .rounds = 3};
  BenchTiming timing;
  bool there;
  float *X;

  PetscFunctionBegin;
  PetscCall(ArrayCreate((int64_t)N * D, &X));
  PetscCall(BenchTokensFill(run, BENCH_SYNTH, N, D, X, &there));
  PetscCall(FileWrite(from, (const char *)X, (size_t)N * D * sizeof(*X)));
  PetscCall(ArrayDestroy(&X));
  PetscCall(BenchTime(run, &work, &timing));
  double rate;
  PetscCall(LimitGet(run->limits, LIMIT_CACHED, &rate));
  const double seconds = timing.seconds, bytes = 4.0 * N * D;
  const BenchFigure figure = {.row = "import",
                              .size = "65536 x 768, float32 to float16",
                              .figure = bytes / seconds * 1e-9,
                              .unit = "GB/s",
                              .limit = limit_name(LIMIT_CACHED),
                              .limit_value = rate * 1e-9,
                              .note = "with statistics, digest, writing and syncing"};
  PetscCall(BenchRow(run, &figure));
  unlink(from);
  unlink(to);
  free(from);
  free(to);
  PetscFunctionReturn(PETSC_SUCCESS);
}

const Bench bench_import = {
    .entry = {"import", "a plain file becomes a token file, one rank"},
    .rows = rows,
    .run = Run,
};
