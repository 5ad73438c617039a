/* Opening token files: rank 0 reads what HDF5 knows and tells the others; every rank then reads
   rows from the file itself (token_rows.c), which keeps its memory small. */
#include "base/array.h"
#include "base/file.h"
#include "statistics.h"
#include "token_files.h"
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PIECE_BYTES = 1 << 20 };

/* The offset of an optional array of n int64, -1: not there. */
static PetscErrorCode FindIntegers(H5Reader *reader, const char *path, const char *name, int64_t n,
                                   int64_t size, Mistakes *mistakes, int64_t *offset)
{
  PetscFunctionBeginUser;
  H5Info info;
  bool found;
  *offset = -1;
  PetscCall(H5ReaderInfo(reader, name, &info, &found));
  if (!found) PetscFunctionReturn(PETSC_SUCCESS);
  if (info.rank != 1 || info.dims[0] != n || info.kind != H5_I64 || !info.plain)
    mistake(mistakes, path, 0, 0, "/%s is not a plain array of %" PRId64 " int64 numbers", name, n);
  else if (info.offset + n * 8 > size)
    mistake(mistakes, path, 0, 0, "is cut short: /%s ends at byte %" PRId64 " of %" PRId64, name,
            info.offset + n * 8, size);
  *offset = info.offset;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Is /tokens what a token file of ours holds? Says what is wrong otherwise. */
static void check_array(const H5Info *info, const char *path, int64_t size, Mistakes *mistakes)
{
  if (info->rank != 2 || info->dims[0] < 1 || info->dims[1] < 1)
    mistake(mistakes, path, 0, 0, "/tokens has %d dimensions; [tokens x width] is needed",
            info->rank);
  else if (info->kind > H5_F32 || !info->plain)
    mistake(mistakes, path, 0, 0,
            "/tokens is not a contiguous array of float16, bfloat16 or float32; `ardis import` "
            "makes one");
  else if (info->offset + info->dims[0] * info->dims[1] * (int64_t)h5_size(info->kind) > size)
    mistake(mistakes, path, 0, 0, "is cut short: /tokens ends at byte %" PRId64 " of %" PRId64,
            info->offset + info->dims[0] * info->dims[1] * (int64_t)h5_size(info->kind), size);
}

/* Fills facts and sums [6 x d], least, most [d] (fresh memory) from an open file. */
static PetscErrorCode ReadFacts(H5Reader *reader, const char *path, Mistakes *mistakes,
                                FileFacts *facts, double **numbers)
{
  PetscFunctionBeginUser;
  H5Info info, sums;
  struct stat status = {0};
  bool found, known, named;
  int64_t schema = 0;
  char *digest;
  const int before = mistakes_count(mistakes);
  PetscCall(H5ReaderInfo(reader, "tokens", &info, &found));
  PetscCall(H5ReaderInteger(reader, NULL, "schema", &schema, &known));
  PetscCall(H5ReaderText(reader, NULL, "digest", &digest, &named));
  stat(path, &status);
  if (!found)
    mistake(mistakes, path, 0, 0, "has no array /tokens: it is no token file");
  else if (!known || !named || strlen(digest) >= DIGEST_LENGTH)
    mistake(mistakes, path, 0, 0,
            "was not written by Ardis (no schema, statistics and digest); `ardis import "
            "%s:/tokens -o NEW.h5` makes a token file of it",
            path);
  else if (schema != 1)
    mistake(mistakes, path, 0, 0,
            "has schema %" PRId64 "; this version of Ardis reads schema 1 only", schema);
  else
    check_array(&info, path, (int64_t)status.st_size, mistakes);
  if (mistakes_count(mistakes) == before) {
    *facts = (FileFacts){info.dims[0], info.dims[1], info.kind, info.offset, -1, -1, ""};
    snprintf(facts->digest, sizeof(facts->digest), "%s", digest);
    PetscCall(
        FindIntegers(reader, path, "groups", facts->n, status.st_size, mistakes, &facts->groups));
    PetscCall(
        FindIntegers(reader, path, "labels", facts->n, status.st_size, mistakes, &facts->labels));
    PetscCall(H5ReaderInfo(reader, "statistics/sums", &sums, &found));
    if (!found || sums.rank != 2 || sums.dims[0] != SUM_ROWS || sums.dims[1] != facts->d)
      mistake(mistakes, path, 0, 0, "has no /statistics/sums [6 x %" PRId64 "]", facts->d);
  }
  free(digest);
  if (mistakes_count(mistakes) == before) {
    PetscCall(PetscMalloc1((SUM_ROWS + 2) * facts->d, numbers));
    PetscCall(H5ReaderRows(reader, "statistics/sums", 0, SUM_ROWS, H5_F64, *numbers));
    PetscCall(H5ReaderRows(reader, "statistics/minimum", 0, facts->d, H5_F64,
                           *numbers + SUM_ROWS * facts->d));
    PetscCall(H5ReaderRows(reader, "statistics/maximum", 0, facts->d, H5_F64,
                           *numbers + (SUM_ROWS + 1) * facts->d));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Rank 0 reads one file's facts, all ranks get them and open it. numbers is fresh memory on every
 * rank, NULL after a mistake. */
static PetscErrorCode OpenOne(MPI_Comm comm, TokenFile *file, Mistakes *mistakes, double **numbers)
{
  PetscFunctionBeginUser;
  int rank, good = 1;
  *numbers = NULL;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  if (rank == 0) {
    H5Reader *reader;
    const int before = mistakes_count(mistakes);
    PetscCall(H5ReaderOpen(file->path, mistakes, &reader));
    if (mistakes_count(mistakes) > before && file_exists(file->path) && !h5_recognised(file->path))
      mistake(mistakes, file->path, 0, 0,
              "is no token file; `ardis import INPUT -o TOKENS.h5` makes one of .npy, HDF5, "
              "safetensors and raw numbers");
    if (reader) PetscCall(ReadFacts(reader, file->path, mistakes, &file->facts, numbers));
    PetscCall(H5ReaderClose(&reader));
    good = *numbers != NULL;
  }
  PetscCallMPI(MPI_Bcast(&good, 1, MPI_INT, 0, comm));
  if (!good) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCallMPI(MPI_Bcast(&file->facts, sizeof(file->facts), MPI_BYTE, 0, comm));
  const int64_t count = (SUM_ROWS + 2) * file->facts.d;
  if (rank) PetscCall(PetscMalloc1(count, numbers));
  PetscCallMPI(MPI_Bcast(*numbers, (int)count, MPI_DOUBLE, 0, comm));
  file->fd = open(file->path, O_RDONLY | O_CLOEXEC);
  if (file->fd < 0) mistake(mistakes, file->path, 0, 0, "cannot be read: %s", strerror(errno));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Statistics and digest of all files as one. */
static PetscErrorCode JoinFiles(Tokens *tokens, double *const *numbers)
{
  PetscFunctionBeginUser;
  const int64_t d = tokens->d;
  PetscCall(StatisticsCreate(d, &tokens->statistics));
  TokenStatistics *s = tokens->statistics;
  statistics_from_sums(tokens->n, d, tokens->files, (const double *const *)numbers, s);
  for (int64_t i = 0; i < d; i++) {
    s->minimum[i] = PETSC_INFINITY;
    s->maximum[i] = PETSC_NINFINITY;
    for (int64_t f = 0; f < tokens->files; f++) {
      s->minimum[i] = PetscMin(s->minimum[i], numbers[f][SUM_ROWS * d + i]);
      s->maximum[i] = PetscMax(s->maximum[i], numbers[f][(SUM_ROWS + 1) * d + i]);
    }
  }
  if (tokens->files == 1) {
    memcpy(tokens->digest, tokens->file[0].facts.digest, sizeof(tokens->digest));
  } else {
    Digest digest;
    digest_begin(&digest);
    for (int64_t f = 0; f < tokens->files; f++) digest_text(&digest, tokens->file[f].facts.digest);
    digest_end(&digest, tokens->digest);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TokensOpen(MPI_Comm comm, const Kernels *kernels, int64_t files,
                          const char *const *paths, Mistakes *mistakes, Tokens **tokens)
{
  PetscFunctionBeginUser;
  Tokens *t;
  double **numbers;
  const int before = mistakes_count(mistakes);
  PetscCall(PetscNew(tokens));
  t = *tokens;
  t->kernels = kernels;
  t->files = files;
  PetscCall(PetscCalloc1(files, &t->file));
  PetscCall(PetscCalloc1(files, &numbers));
  for (int64_t f = 0; f < files; f++) {
    t->file[f].path = text_copy(paths[f]);
    t->file[f].fd = -1;
  }
  for (int64_t f = 0; f < files; f++) {
    TokenFile *file = &t->file[f];
    PetscCall(OpenOne(comm, file, mistakes, &numbers[f]));
    if (!numbers[f]) continue;
    file->first = t->n;
    t->n += file->facts.n;
    if (!t->d) t->d = file->facts.d;
    if (file->facts.d != t->d)
      mistake(mistakes, file->path, 0, 0, "holds tokens of width %" PRId64 ", %s of %" PRId64,
              file->facts.d, t->file[0].path, t->d);
    if ((file->facts.groups >= 0) != (t->file[0].facts.groups >= 0) && numbers[0])
      mistake(mistakes, file->path, 0, 0,
              "%s /groups and %s %s: read as one, all need them or none",
              file->facts.groups >= 0 ? "has" : "has no", t->file[0].path,
              file->facts.groups >= 0 ? "has not" : "has");
  }
  bool any;
  PetscCall(ReadLimitOpen(comm, &t->limit, mistakes));
  PetscCall(MistakesAgree(comm, mistakes, &any));
  if (mistakes_count(mistakes) == before) {
    PetscCall(JoinFiles(t, numbers));
    for (int64_t f = 0; f < files; f++)
      t->size = max_i64(t->size, (int64_t)h5_size((H5Kind)t->file[f].facts.kind));
    t->piece_rows = max_i64(1, PIECE_BYTES / (t->d * t->size));
    PetscCall(PetscMalloc((size_t)(t->piece_rows * t->d * t->size), &t->piece));
  } else {
    PetscCall(TokensClose(tokens));
  }
  for (int64_t f = 0; f < files; f++) PetscCall(PetscFree(numbers[f]));
  PetscCall(PetscFree(numbers));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TokensClose(Tokens **tokens)
{
  PetscFunctionBeginUser;
  if (!*tokens) PetscFunctionReturn(PETSC_SUCCESS);
  for (int64_t f = 0; f < (*tokens)->files; f++) {
    if ((*tokens)->file[f].fd >= 0) close((*tokens)->file[f].fd);
    free((*tokens)->file[f].path);
  }
  PetscCall(ReadLimitClose(&(*tokens)->limit));
  PetscCall(StatisticsDestroy(&(*tokens)->statistics));
  PetscCall(PetscFree((*tokens)->piece));
  PetscCall(PetscFree((*tokens)->file));
  PetscCall(PetscFree(*tokens));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int64_t tokens_count(const Tokens *tokens)
{
  return tokens->n;
}

int64_t tokens_width(const Tokens *tokens)
{
  return tokens->d;
}

const char *tokens_digest(const Tokens *tokens)
{
  return tokens->digest;
}

const TokenStatistics *tokens_statistics(const Tokens *tokens)
{
  return tokens->statistics;
}
