/* Codes of a token file, tile by tile: counted first, then written where they belong. */
#include "run/encode.h"
#include "base/shared.h"
#include <string.h>

enum { TILE = 1024 };

/* This rank's part of the work. */
typedef struct {
  MPI_Comm comm;
  const Dictionary *dictionary;
  Tokens *tokens;
  Normaliser *normaliser;
  int64_t first, count; /* tokens of this rank */
  int64_t keep;
  bool reconstruct;
  int64_t *start; /* [count + 1] nonzeros before each, in the whole file at the end */
  Codes kept;     /* of the first tokens here */
  Codes tile;
  int64_t *row; /* [TILE] */
  float *X;     /* [TILE x d] tokens, then reconstructions */
} Encoding;

/* Codes of the tokens at .. at + rows - 1 of this rank. */
static PetscErrorCode EncodeTile(Encoding *e, int64_t at, int64_t rows)
{
  const View view = {
      .tokens = e->tokens, .normaliser = e->normaliser, .kernels = e->dictionary->kernels};
  PetscFunctionBegin;
  for (int64_t t = 0; t < rows; t++) e->row[t] = e->first + at + t;
  PetscCall(ViewRead(&view, rows, e->row, e->X));
  PetscCall(DictionaryEncode(e->dictionary, rows, e->X, &e->tile));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Keep(Encoding *e)
{
  Codes *to = &e->kept;
  const Codes *from = &e->tile;
  const int64_t before = to->rows ? to->start[to->rows] : 0, count = from->start[from->rows];
  PetscFunctionBegin;
  PetscCall(CodesReserve(to, to->rows + from->rows, before + count));
  to->start[0] = 0;
  for (int64_t t = 0; t < from->rows; t++)
    to->start[to->rows + t + 1] = before + from->start[t + 1];
  memcpy(to->atom + before, from->atom, (size_t)count * sizeof(*to->atom));
  memcpy(to->value + before, from->value, (size_t)count * sizeof(*to->value));
  to->rows += from->rows;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Counts, and keeps what there is room for. */
static PetscErrorCode Count(Encoding *e)
{
  bool room = true;
  PetscFunctionBegin;
  for (int64_t at = 0; at < e->count; at += TILE) {
    const int64_t rows = min_i64(TILE, e->count - at);
    PetscCall(EncodeTile(e, at, rows));
    for (int64_t t = 0; t < rows; t++) e->start[at + t + 1] = e->start[at] + e->tile.start[t + 1];
    room = room && e->start[at + rows] <= e->keep;
    if (room) PetscCall(Keep(e));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Describe(const Encoding *e, int64_t n, H5Writer *writer)
{
  const Dictionary *dictionary = e->dictionary;
  const char *k = settings_get(&dictionary->settings, "code.k");
  PetscFunctionBegin;
  PetscCall(H5WriterInteger(writer, NULL, "schema", 1));
  PetscCall(H5WriterText(writer, NULL, "kind", "codes"));
  PetscCall(H5WriterReals(writer, NULL, "shape", 2, (double[]){(double)n, (double)dictionary->m}));
  PetscCall(H5WriterText(writer, NULL, "tokens", tokens_digest(e->tokens)));
  PetscCall(H5WriterText(writer, NULL, "model_tokens", dictionary->tokens_digest));
  if (k) PetscCall(H5WriterText(writer, NULL, "k", k));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Reconstructions of the tokens at .. at + codes->rows - 1 of this rank, in the units of their
   file. */
static PetscErrorCode WriteReconstructions(const Encoding *e, int64_t at, const Codes *codes,
                                           H5Writer *writer, int array)
{
  const int64_t d = e->dictionary->d;
  const Normaliser *normaliser = e->normaliser;
  PetscFunctionBegin;
  if (!e->reconstruct) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(DictionaryDecode(e->dictionary, codes, e->X));
  for (int64_t q = 0; q < codes->rows * d; q++)
    e->X[q] = (float)((double)e->X[q] * normaliser->scale[q % d] + normaliser->mean[q % d]);
  PetscCall(H5WriterRows(writer, array, e->first + at, codes->rows, e->X));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode WriteRows(const Encoding *e, H5Writer *writer, const int array[4])
{
  const Codes *kept = &e->kept;
  PetscFunctionBegin;
  PetscCall(H5WriterRows(writer, array[0], e->first + 1, e->count, e->start + 1));
  if (e->first == 0) PetscCall(H5WriterRows(writer, array[0], 0, 1, &(int64_t){0}));
  if (kept->rows) {
    PetscCall(H5WriterRows(writer, array[1], e->start[0], kept->start[kept->rows], kept->atom));
    PetscCall(H5WriterRows(writer, array[2], e->start[0], kept->start[kept->rows], kept->value));
  }
  for (int64_t at = 0; at < kept->rows; at += TILE) {
    const Codes part = {.rows = min_i64(TILE, kept->rows - at),
                        .start = kept->start + at,
                        .atom = kept->atom,
                        .value = kept->value};
    PetscCall(WriteReconstructions(e, at, &part, writer, array[3]));
  }
  for (int64_t at = kept->rows; at < e->count; at += TILE) {
    const int64_t rows = min_i64(TILE, e->count - at);
    PetscCall(EncodeTile((Encoding *)(uintptr_t)e, at, rows));
    PetscCall(H5WriterRows(writer, array[1], e->start[at], e->tile.start[rows], e->tile.atom));
    PetscCall(H5WriterRows(writer, array[2], e->start[at], e->tile.start[rows], e->tile.value));
    PetscCall(WriteReconstructions(e, at, &e->tile, writer, array[3]));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Write(Encoding *e, const char *path, Mistakes *mistakes, int64_t *nonzeros)
{
  const int64_t n = tokens_count(e->tokens);
  int64_t before = 0, here = e->start[e->count];
  int array[4] = {0};
  H5Writer *writer;
  PetscFunctionBegin;
  PetscCallMPI(MPI_Allreduce(&here, nonzeros, 1, MPI_INT64_T, MPI_SUM, e->comm));
  PetscCallMPI(MPI_Exscan(&here, &before, 1, MPI_INT64_T, MPI_SUM, e->comm));
  for (int64_t t = 0; t <= e->count; t++) e->start[t] += e->first == 0 ? 0 : before;
  PetscCall(H5WriterCreate(e->comm, path, &writer));
  PetscCall(H5WriterArray(writer, "indptr", H5_I64, 1, (int64_t[]){n + 1}, &array[0]));
  PetscCall(H5WriterArray(writer, "indices", H5_I32, 1, nonzeros, &array[1]));
  PetscCall(H5WriterArray(writer, "data", H5_F32, 1, nonzeros, &array[2]));
  if (e->reconstruct)
    PetscCall(H5WriterArray(writer, "reconstructions", H5_F32, 2, (int64_t[]){n, e->dictionary->d},
                            &array[3]));
  PetscCall(Describe(e, n, writer));
  PetscCall(H5WriterLayout(writer, mistakes));
  if (mistakes_count(mistakes)) {
    PetscCall(H5WriterAbandon(&writer));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(WriteRows(e, writer, array));
  PetscCall(H5WriterCommit(&writer, mistakes));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EncodeTokens(MPI_Comm comm, const Dictionary *dictionary, Tokens *tokens,
                            const char *path, int64_t keep, bool reconstruct, Mistakes *mistakes,
                            int64_t *nonzeros)
{
  Encoding e = {.comm = comm, .dictionary = dictionary, .tokens = tokens, .keep = keep};
  int rank, size;
  PetscFunctionBegin;
  e.reconstruct = reconstruct;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  PetscCallMPI(MPI_Comm_size(comm, &size));
  part_of(tokens_count(tokens), 1, rank, size, &e.first, &e.count);
  PetscCall(
      NormaliserFromArrays(dictionary->d, dictionary->mean, dictionary->scale, &e.normaliser));
  PetscCall(ArrayCreate(e.count + 1, &e.start));
  PetscCall(ArrayCreate(TILE, &e.row));
  PetscCall(ArrayCreate(TILE * dictionary->d, &e.X));
  PetscCall(Count(&e));
  PetscCall(Write(&e, path, mistakes, nonzeros));
  codes_clear(&e.kept);
  codes_clear(&e.tile);
  PetscCall(ArrayDestroy(&e.X));
  PetscCall(ArrayDestroy(&e.row));
  PetscCall(ArrayDestroy(&e.start));
  PetscCall(NormaliserDestroy(&e.normaliser));
  PetscFunctionReturn(PETSC_SUCCESS);
}
