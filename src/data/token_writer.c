/* Writing token files. The digest is made of digests of blocks of 4,096 rows, and the statistics of
   exact sums, so that ranks, which own whole blocks, find the same of both. */
#include "data/token_writer.h"
#include "base/array.h"
#include "base/digest.h"
#include "statistics.h"
#include "sums.h"
#include <inttypes.h>
#include <math.h>
#include <string.h>

enum { BLOCK = 4096, HEX = DIGEST_LENGTH - 1 };
enum { PART_TOKENS, PART_LABELS, PART_GROUPS, PART_POSITIONS, PARTS };
static const char *const part_names[PARTS] = {"tokens", "labels", "groups", "positions"};

struct TokenWriter {
  MPI_Comm comm;
  int rank, size;
  const Kernels *kernels;
  H5Writer *file;
  int64_t n, d, first, count, done; /* done: rows of the part written */
  H5Kind kind;
  int columns[PARTS]; /* numbers for each token; 0: the part is left out */
  int array[PARTS], names_array, statistics_array[7];
  ColumnSums *sums;
  Digest block[PARTS];
  char *digests[PARTS]; /* [blocks of this rank x HEX] */
  void *stored;         /* narrowed rows */
  int64_t stored_rows;
  char *names; /* [names x names_length] */
  int64_t names_count, names_length;
};

const char *token_kind_name(H5Kind kind)
{
  return kind == H5_F16 ? "float16" : kind == H5_BF16 ? "bfloat16" : "float32";
}

int64_t first_not_finite(int64_t rows, int64_t d, const float *X)
{
  for (int64_t r = 0; r < rows; r++) {
    uint32_t most = 0;
    for (int64_t i = 0; i < d; i++) {
      uint32_t bits;
      memcpy(&bits, &X[r * d + i], sizeof(bits));
      bits &= 0x7fffffffu;
      most = bits > most ? bits : most;
    }
    if (most >= 0x7f800000u) return r;
  }
  return -1;
}

/* The names side by side in equal lengths, and their array. */
static PetscErrorCode DeclareNames(TokenWriter *w, const TokenLayout *layout)
{
  PetscFunctionBeginUser;
  w->names_count = layout->names;
  w->names_length = 1;
  for (int64_t i = 0; i < layout->names; i++)
    w->names_length = max_i64(w->names_length, (int64_t)strlen(layout->name[i]));
  PetscCall(PetscCalloc1(layout->names * w->names_length + 1, &w->names));
  for (int64_t i = 0; i < layout->names; i++)
    memcpy(w->names + i * w->names_length, layout->name[i], strlen(layout->name[i]));
  if (layout->names)
    PetscCall(H5WriterArray(w->file, "names", H5_TEXT, 1,
                            (int64_t[]){layout->names, w->names_length}, &w->names_array));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DeclareAttributes(TokenWriter *w, const TokenLayout *layout)
{
  PetscFunctionBeginUser;
  PetscCall(H5WriterInteger(w->file, NULL, "schema", 1));
  PetscCall(H5WriterText(w->file, NULL, "kind", "tokens"));
  PetscCall(H5WriterInteger(w->file, NULL, "n", w->n));
  PetscCall(H5WriterInteger(w->file, NULL, "d", w->d));
  if (layout->source) PetscCall(H5WriterText(w->file, NULL, "source", layout->source));
  if (layout->model) PetscCall(H5WriterText(w->file, NULL, "model", layout->model));
  if (layout->layer) PetscCall(H5WriterText(w->file, NULL, "layer", layout->layer));
  PetscCall(H5WriterText(w->file, NULL, "digest", "00000000000000000000000000000000"));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static const char *const statistics_names[7] = {
    "statistics/sums",    "statistics/mean",   "statistics/deviation",    "statistics/minimum",
    "statistics/maximum", "statistics/square", "statistics/mean_over_rms"};

static PetscErrorCode DeclareStatistics(TokenWriter *w)
{
  PetscFunctionBeginUser;
  for (int s = 0; s < 7; s++) {
    const int64_t sums[2] = {SUM_ROWS, w->d}, one[1] = {w->d};
    PetscCall(H5WriterArray(w->file, statistics_names[s], H5_F64,
                            s == 0  ? 2
                            : s < 5 ? 1
                                    : 0,
                            s == 0 ? sums : one, &w->statistics_array[s]));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TokenWriterCreate(MPI_Comm comm, const Kernels *kernels, const char *path,
                                 const TokenLayout *layout, TokenWriter **writer)
{
  PetscFunctionBeginUser;
  PetscCall(PetscNew(writer));
  TokenWriter *w = *writer;
  w->comm = comm;
  w->kernels = kernels;
  w->n = layout->n;
  w->d = layout->d;
  w->kind = layout->kind;
  w->columns[PART_TOKENS] = (int)layout->d;
  w->columns[PART_LABELS] = layout->labels;
  w->columns[PART_GROUPS] = layout->groups;
  w->columns[PART_POSITIONS] = layout->positions;
  PetscCallMPI(MPI_Comm_rank(comm, &w->rank));
  PetscCallMPI(MPI_Comm_size(comm, &w->size));
  part_of(w->n, BLOCK, w->rank, w->size, &w->first, &w->count);
  PetscCall(H5WriterCreate(comm, path, &w->file));
  PetscCall(DeclareAttributes(w, layout));
  for (int p = 0; p < PARTS; p++) {
    if (!w->columns[p]) continue;
    PetscCall(H5WriterArray(w->file, part_names[p], p == PART_TOKENS ? w->kind : H5_I64,
                            p == PART_TOKENS || w->columns[p] > 1 ? 2 : 1,
                            (int64_t[]){w->n, w->columns[p]}, &w->array[p]));
    PetscCall(PetscMalloc1((w->count / BLOCK + 1) * HEX + 1, &w->digests[p]));
    digest_begin(&w->block[p]);
  }
  PetscCall(DeclareNames(w, layout));
  PetscCall(DeclareStatistics(w));
  PetscCall(ColumnSumsCreate(w->d, &w->sums));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TokenWriterDestroy(TokenWriter **writer)
{
  PetscFunctionBeginUser;
  for (int p = 0; p < PARTS; p++) PetscCall(PetscFree((*writer)->digests[p]));
  PetscCall(ColumnSumsDestroy(&(*writer)->sums));
  PetscCall(ArrayDestroy(&(*writer)->stored));
  PetscCall(PetscFree((*writer)->names));
  PetscCall(PetscFree(*writer));
  PetscFunctionReturn(PETSC_SUCCESS);
}

H5Writer *token_writer_file(TokenWriter *writer)
{
  return writer->file;
}

PetscErrorCode TokenWriterLayout(TokenWriter *writer, Mistakes *mistakes)
{
  return H5WriterLayout(writer->file, mistakes);
}

void token_writer_part(const TokenWriter *writer, int64_t *first, int64_t *count)
{
  *first = writer->first;
  *count = writer->count;
}

/* X narrowed into the writer's memory, and X what that means. */
static PetscErrorCode Narrow(TokenWriter *w, int64_t rows, float *X)
{
  PetscFunctionBeginUser;
  const int64_t values = rows * w->d;
  if (rows > w->stored_rows) {
    PetscCall(ArrayDestroy(&w->stored));
    PetscCall(ArrayCreateBytes(values, 2, &w->stored));
    w->stored_rows = rows;
  }
  if (w->kind == H5_F16) {
    w->kernels->narrow_half(values, X, w->stored);
    w->kernels->widen_half(values, w->stored, X);
  } else {
    w->kernels->narrow_bfloat(values, X, w->stored);
    w->kernels->widen_bfloat(values, w->stored, X);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Adds rows of one part to the digests of their blocks. */
static void add_to_digests(TokenWriter *w, int p, int64_t rows, const void *data)
{
  const size_t size = (p == PART_TOKENS ? h5_size(w->kind) : 8) * (size_t)w->columns[p];
  const char *bytes = data;
  for (int64_t done = w->done, more; rows; rows -= more, done += more) {
    more = min_i64(rows, BLOCK - done % BLOCK);
    digest_add(&w->block[p], bytes, (size_t)more * size);
    bytes += (size_t)more * size;
    if ((done + more) % BLOCK == 0 || done + more == w->count) {
      char hex[DIGEST_LENGTH];
      digest_end(&w->block[p], hex);
      memcpy(w->digests[p] + done / BLOCK * HEX, hex, HEX);
      digest_begin(&w->block[p]);
    }
  }
}

PetscErrorCode TokenWriterRows(TokenWriter *writer, int64_t rows, const TokenRows *data,
                               int64_t *bad)
{
  PetscFunctionBeginUser;
  TokenWriter *w = writer;
  const void *stored = data->stored;
  PetscCheck(w->done + rows <= w->count, PETSC_COMM_SELF, PETSC_ERR_ARG_SIZ,
             "%" PRId64 " rows beyond this rank's part", w->done + rows - w->count);
  if (!stored && w->kind != H5_F32) PetscCall(Narrow(w, rows, data->X));
  if (!stored) stored = w->kind == H5_F32 ? data->X : w->stored;
  *bad = first_not_finite(rows, w->d, data->X);
  if (*bad >= 0) PetscFunctionReturn(PETSC_SUCCESS);
  const void *parts[PARTS] = {stored, data->label, data->group, data->position};
  for (int p = 0; p < PARTS; p++) {
    if (!w->columns[p]) continue;
    PetscCall(H5WriterRows(w->file, w->array[p], w->first + w->done, rows, parts[p]));
    add_to_digests(w, p, rows, parts[p]);
  }
  column_sums_add(w->sums, rows, data->X);
  w->done += rows;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The digest of the blocks' digests, in order; collective, the result on rank 0. */
static PetscErrorCode JoinDigests(TokenWriter *w, char hex[DIGEST_LENGTH])
{
  PetscFunctionBeginUser;
  const int mine = (int)((w->count + BLOCK - 1) / BLOCK * HEX);
  const int64_t all = (w->n + BLOCK - 1) / BLOCK * HEX;
  int *counts, *starts;
  char *blocks, text[64];
  Digest digest;
  PetscCall(PetscCalloc3(w->size, &counts, w->size, &starts, all + 1, &blocks));
  PetscCallMPI(MPI_Gather(&mine, 1, MPI_INT, counts, 1, MPI_INT, 0, w->comm));
  for (int r = 1; r < w->size; r++) starts[r] = starts[r - 1] + counts[r - 1];
  digest_begin(&digest);
  snprintf(text, sizeof(text), "tokens %" PRId64 " x %" PRId64 " ", w->n, w->d);
  digest_text(&digest, text);
  digest_text(&digest, token_kind_name(w->kind));
  for (int p = 0; p < PARTS; p++) {
    if (!w->columns[p]) continue;
    PetscCallMPI(
        MPI_Gatherv(w->digests[p], mine, MPI_CHAR, blocks, counts, starts, MPI_CHAR, 0, w->comm));
    snprintf(text, sizeof(text), "%s %d", part_names[p], w->columns[p]);
    digest_text(&digest, text);
    digest_add(&digest, blocks, (size_t)all);
  }
  snprintf(text, sizeof(text), "names %" PRId64 " x %" PRId64, w->names_count, w->names_length);
  if (w->names_count) digest_text(&digest, text);
  digest_add(&digest, w->names, (size_t)(w->names_count * w->names_length));
  digest_end(&digest, hex);
  PetscCall(PetscFree3(counts, starts, blocks));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Writes the statistics; rank 0 only. */
static PetscErrorCode WriteStatistics(TokenWriter *w)
{
  PetscFunctionBeginUser;
  TokenStatistics *s;
  double *sums;
  PetscCall(StatisticsCreate(w->d, &s));
  PetscCall(PetscMalloc1(SUM_ROWS * w->d, &sums));
  for (int64_t i = 0; i < w->d; i++) {
    Exact rest[2] = {w->sums->sum[i], w->sums->square[i]};
    for (int p = 0; p < SUM_ROWS; p++) {
      Exact *from = &rest[p / SUM_PARTS];
      sums[p * w->d + i] = exact_value(from);
      exact_add(from, -sums[p * w->d + i]);
    }
    s->minimum[i] = (double)w->sums->least[i];
    s->maximum[i] = (double)w->sums->most[i];
  }
  statistics_from_sums(w->n, w->d, 1, (const double *const[]){sums}, s);
  const void *values[7] = {sums,       s->mean,    s->deviation,     s->minimum,
                           s->maximum, &s->square, &s->mean_over_rms};
  for (int a = 0; a < 7; a++)
    PetscCall(H5WriterRows(w->file, w->statistics_array[a], 0,
                           a == 0  ? SUM_ROWS
                           : a < 5 ? w->d
                                   : 1,
                           values[a]));
  PetscCall(PetscFree(sums));
  PetscCall(StatisticsDestroy(&s));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TokenWriterCommit(TokenWriter **writer, Mistakes *mistakes, char *digest)
{
  PetscFunctionBeginUser;
  TokenWriter *w = *writer;
  char hex[DIGEST_LENGTH] = "";
  PetscCheck(w->done == w->count, PETSC_COMM_SELF, PETSC_ERR_ARG_WRONGSTATE,
             "%" PRId64 " rows of this rank were not written", w->count - w->done);
  PetscCall(ColumnSumsJoin(w->comm, w->sums));
  PetscCall(JoinDigests(w, hex));
  PetscCallMPI(MPI_Bcast(hex, sizeof(hex), MPI_CHAR, 0, w->comm));
  if (w->rank == 0) {
    PetscCall(WriteStatistics(w));
    if (w->names_count)
      PetscCall(H5WriterRows(w->file, w->names_array, 0, w->names_count, w->names));
  }
  PetscCall(H5WriterLateText(w->file, NULL, "digest", hex));
  PetscCall(H5WriterCommit(&w->file, mistakes));
  if (digest) memcpy(digest, hex, sizeof(hex));
  PetscCall(TokenWriterDestroy(writer));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TokenWriterAbandon(TokenWriter **writer)
{
  PetscFunctionBeginUser;
  if (!*writer) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(H5WriterAbandon(&(*writer)->file));
  PetscCall(TokenWriterDestroy(writer));
  PetscFunctionReturn(PETSC_SUCCESS);
}
