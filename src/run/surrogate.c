/* Surrogate tokens: normal ones with the mean and covariance of the training tokens, on which a
   model finds what it finds in any tokens of that kind. */
#include "base/eigen.h"
#include "base/file.h"
#include "base/random.h"
#include "compare/covariance.h"
#include "data/token_writer.h"
#include "run/work.h"
#include <stdlib.h>
#include <string.h>

enum { COVARIANCE_TOKENS = 1 << 20, PIECE = 1024, SURROGATE_SEED = 0x53555252 };

typedef struct {
  int64_t d;
  double *mean;   /* [d] of the raw tokens */
  double *factor; /* [d x d] */
} Shape;

static PetscErrorCode ShapeRead(Work *work, const Split *split, Shape *shape)
{
  const int64_t d = work->d, tokens = split_count(split, false),
                n = min_i64(tokens, COVARIANCE_TOKENS);
  double *zero, *one;
  int64_t *row;
  Normaliser *plain;

  PetscFunctionBegin;
  shape->d = d;
  PetscCall(ArrayCreate(d, &zero));
  PetscCall(ArrayCreate(d, &one));
  PetscCall(ArrayCreate(n, &row));
  PetscCall(ArrayCreate(d, &shape->mean));
  PetscCall(ArrayCreate(d * d, &shape->factor));
  for (int64_t i = 0; i < d; i++) one[i] = 1;
  for (int64_t i = 0; i < n; i++) row[i] = split_row(split, false, i * tokens / n);
  PetscCall(NormaliserFromArrays(d, zero, one, &plain));
  const View raw = {work->tokens, split, plain, work->kernels};
  PetscCall(TokensCovariance(work->world, &raw, n, row, shape->mean, shape->factor));
  PetscCheck(cholesky(d, shape->factor), work->world, PETSC_ERR_FP,
             "the covariance of the tokens has no factor");
  PetscCall(NormaliserDestroy(&plain));
  PetscCall(ArrayDestroy(&row));
  PetscCall(ArrayDestroy(&one));
  PetscCall(ArrayDestroy(&zero));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode WritePart(Work *work, const Shape *shape, TokenWriter *writer,
                                const char *path, Mistakes *mistakes)
{
  int64_t first, count, *group, bad = -1;
  float *X;

  PetscFunctionBegin;
  token_writer_part(writer, &first, &count);
  PetscCall(ArrayCreate(PIECE * shape->d, &X));
  PetscCall(ArrayCreate(PIECE, &group));
  for (int64_t row = first; row < first + count && bad < 0; row += PIECE) {
    const int64_t rows = min_i64(PIECE, first + count - row);
    const TokenRows data = {.X = X, .group = group};
    PetscCall(GaussianRows(shape->d, shape->mean, shape->factor, SURROGATE_SEED, RANDOM_SURROGATE,
                           (uint64_t)(row * shape->d), rows, X));
    PetscCall(TokensGroups(work->tokens, row, rows, group));
    PetscCall(TokenWriterRows(writer, rows, &data, &bad));
    if (bad >= 0) mistake(mistakes, path, 0, 0, "row %lld is not finite", (long long)(row + bad));
  }
  PetscCall(ArrayDestroy(&X));
  PetscCall(ArrayDestroy(&group));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* source: what the file says it was made of. */
static PetscErrorCode Make(Work *work, const Split *split, const char *path, const char *source,
                           Mistakes *mistakes)
{
  const TokenLayout layout = {
      .n = work->n, .d = work->d, .kind = H5_F32, .groups = true, .source = source};
  TokenWriter *writer;
  Shape shape;
  bool any;

  PetscFunctionBegin;
  PetscCall(ShapeRead(work, split, &shape));
  PetscCall(TokenWriterCreate(work->world, work->kernels, path, &layout, &writer));
  PetscCall(TokenWriterLayout(writer, mistakes));
  if (!mistakes_count(mistakes)) PetscCall(WritePart(work, &shape, writer, path, mistakes));
  PetscCall(MistakesAgree(work->world, mistakes, &any));
  if (any)
    PetscCall(TokenWriterAbandon(&writer));
  else
    PetscCall(TokenWriterCommit(&writer, mistakes, NULL));
  PetscCall(ArrayDestroy(&shape.mean));
  PetscCall(ArrayDestroy(&shape.factor));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Is the file there, and made of these tokens? The same on every rank. */
static PetscErrorCode IsThere(const Work *work, const char *path, const char *source, int *there)
{
  Mistakes *unread;
  H5Reader *reader = NULL;
  char *text = NULL;
  bool found = false;

  PetscFunctionBegin;
  PetscCall(MistakesCreate(&unread));
  if (work->rank == 0 && file_exists(path)) PetscCall(H5ReaderOpen(path, unread, &reader));
  if (reader) PetscCall(H5ReaderText(reader, NULL, "source", &text, &found));
  *there = found && !strcmp(text, source);
  free(text);
  PetscCall(H5ReaderClose(&reader));
  PetscCall(MistakesDestroy(&unread));
  PetscCallMPI(MPI_Bcast(there, 1, MPI_INT, 0, work->world));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode OpenOne(Work *work, int64_t share, Mistakes *mistakes)
{
  Text name = {0}, source = {0};
  int there;

  PetscFunctionBegin;
  text_add(&name, "surrogate-");
  text_number(&name, work->experiment->share[share].held_out);
  text_add(&name, ".h5");
  text_add(&source, "normal tokens with the mean and covariance of the training tokens of %s",
           tokens_digest(work->tokens));
  char *path = path_join(work->out, name.s);
  PetscCall(IsThere(work, path, source.s, &there));
  if (!there) PetscCall(Make(work, work->split[share], path, source.s, mistakes));
  if (!mistakes_count(mistakes)) {
    const char *paths[] = {path};
    PetscCall(TokensOpen(work->world, work->kernels, 1, paths, mistakes, &work->surrogate[share]));
  }
  free(path);
  text_clear(&name);
  text_clear(&source);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode SurrogatesOpen(Work *work, Mistakes *mistakes)
{
  const Experiment *experiment = work->experiment;
  bool any = false;

  PetscFunctionBegin;
  if (work->surrogate) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(ArrayCreate(experiment->shares, &work->surrogate));
  for (int64_t g = 0; g < experiment->groups && !any; g++) {
    const int64_t share = same_split(experiment, experiment->group[g].share);
    if (!experiment->group[g].is_surrogate || work->surrogate[share]) continue;
    PetscCall(OpenOne(work, share, mistakes));
    PetscCall(MistakesAgree(work->world, mistakes, &any));
  }
  for (int64_t s = 0; s < experiment->shares; s++)
    work->surrogate[s] = work->surrogate[same_split(experiment, s)];
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode SurrogatesClose(Work *work)
{
  PetscFunctionBegin;
  for (int64_t s = 0; work->surrogate && s < work->experiment->shares; s++)
    if (same_split(work->experiment, s) == s) PetscCall(TokensClose(&work->surrogate[s]));
  PetscCall(ArrayDestroy(&work->surrogate));
  PetscFunctionReturn(PETSC_SUCCESS);
}
