/* Tokens for benches. */
#include "base/array.h"
#include "base/file.h"
#include "data/generator.h"
#include "data/token_writer.h"
#include "data/tokens.h"
#include "run/bench.h"
#include <stdlib.h>
#include <string.h>

enum { SEED = 11, NOISE_PURPOSE = 0x6e6f, PIECE = 256 };

const char *bench_tokens_name(BenchTokens kind)
{
  static const char *const names[] = {"isotropic noise", "synth activations", "real activations"};
  return names[kind];
}

/* The generator's settings, all at their defaults. */
static PetscErrorCode Defaults(const Entry *entry, void **params)
{
  Settings settings = {0};

  PetscFunctionBegin;
  for (const Param *p = entry->params; p && p->name; p++)
    settings_set(&settings, p->name, p->initial);
  PetscCall(PetscCalloc(entry->params_size + 1, (char **)params));
  PetscCall(ParamsRead(&settings, "", entry->params, *params));
  settings_clear(&settings);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode FillSynth(int64_t n, int64_t d, Synth *synth, float *X)
{
  const Generator *generator = (const Generator *)family_find(&generators, "activations");
  int64_t label[PIECE], group[PIECE];
  void *params;

  PetscFunctionBegin;
  PetscCall(Defaults(&generator->entry, &params));
  PetscCall(generator->prepare(synth, params));
  for (int64_t row = 0; row < n; row += PIECE)
    generator->fill(synth, row, min_i64(PIECE, n - row), X + row * d, label, group);
  PetscCall(generator->destroy(synth));
  PetscCall(ParamsRelease(generator->entry.params, params));
  PetscCall(PetscFree(params));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode FillReal(BenchRun *run, int64_t n, int64_t d, float *X, bool *there)
{
  Mistakes *mistakes;
  Tokens *tokens = NULL;

  PetscFunctionBegin;
  *there = false;
  if (!run->tokens) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(MistakesCreate(&mistakes));
  PetscCall(TokensOpen(PETSC_COMM_SELF, run->kernels, 1, &run->tokens, mistakes, &tokens));
  *there = tokens && tokens_width(tokens) == d && tokens_count(tokens) >= n;
  if (*there) PetscCall(TokensReadRange(tokens, 0, n, X));
  PetscCall(TokensClose(&tokens));
  PetscCall(MistakesDestroy(&mistakes));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode BenchTokensFill(BenchRun *run, BenchTokens kind, int64_t n, int64_t d, float *X,
                               bool *there)
{
  float *noise;

  PetscFunctionBegin;
  *there = true;
  if (kind == BENCH_REAL) {
    PetscCall(FillReal(run, n, d, X, there));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(PetscMalloc1(65536, &noise));
  normal_quantiles(noise);
  Synth synth = {.n = n, .d = d, .seed = SEED, .noise = noise};
  if (kind == BENCH_SYNTH)
    PetscCall(FillSynth(n, d, &synth, X));
  else
    for (int64_t row = 0; row < n; row++) noise_fill(&synth, NOISE_PURPOSE, row, X + row * d);
  PetscCall(PetscFree(noise));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode WriteTokens(BenchRun *run, int64_t n, int64_t d, float *X, const char *path)
{
  const TokenLayout layout = {.n = n, .d = d, .kind = H5_F16, .source = "ardis bench"};
  const TokenRows rows = {.X = X};
  Mistakes *mistakes;
  TokenWriter *writer;
  int64_t first, count, bad;

  PetscFunctionBegin;
  PetscCall(MistakesCreate(&mistakes));
  PetscCall(TokenWriterCreate(PETSC_COMM_SELF, run->kernels, path, &layout, &writer));
  PetscCall(TokenWriterLayout(writer, mistakes));
  token_writer_part(writer, &first, &count);
  PetscCall(TokenWriterRows(writer, count, &rows, &bad));
  PetscCheck(bad < 0 && !mistakes_count(mistakes), PETSC_COMM_SELF, PETSC_ERR_FILE_WRITE,
             "cannot write %s", path);
  PetscCall(TokenWriterCommit(&writer, mistakes, NULL));
  PetscCall(MistakesDestroy(&mistakes));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode BenchTokensFile(BenchRun *run, BenchTokens kind, int64_t n, int64_t d, char **path)
{
  static const char *const short_names[] = {"noise", "synth", "real"};
  Text name = {0};
  bool there;
  float *X;

  PetscFunctionBegin;
  if (kind == BENCH_REAL) {
    *path = run->tokens ? text_copy(run->tokens) : NULL;
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  text_add(&name, "%s-%lld-%lld.h5", short_names[kind], (long long)n, (long long)d);
  *path = path_join(run->scratch, name.s);
  text_clear(&name);
  if (run->rank == 0 && !file_exists(*path)) {
    PetscCall(ArrayCreate(n * d, &X));
    PetscCall(BenchTokensFill(run, kind, n, d, X, &there));
    PetscCall(WriteTokens(run, n, d, X, *path));
    PetscCall(ArrayDestroy(&X));
  }
  PetscCall(BenchMeet(run));
  PetscFunctionReturn(PETSC_SUCCESS);
}
