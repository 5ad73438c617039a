/* Reading rows of token files: stored bytes first, by plain reads that a helper thread may do, then
   their meaning. */
#include "base/array.h"
#include "data/token_reading.h"
#include "token_files.h"
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>
#include <unistd.h>

enum { GROUP_TOKENS = 256, ONCE_BYTES = 1 << 20 };

/* The file that holds row, which exists. */
static const TokenFile *file_of(const Tokens *tokens, int64_t row)
{
  int64_t low = 0, high = tokens->files - 1;
  while (low < high) {
    const int64_t middle = (low + high + 1) / 2;
    if (tokens->file[middle].first <= row)
      low = middle;
    else
      high = middle - 1;
  }
  return &tokens->file[low];
}

/* Bytes of a file into memory: 0, an errno, or -1 at the file's end. */
static int read_bytes(const TokenFile *file, int64_t offset, size_t count, void *bytes)
{
  char *to = bytes;
  while (count) {
    const ssize_t n = pread(file->fd, to, count, offset);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return n ? errno : -1;
    to += n;
    offset += n;
    count -= (size_t)n;
  }
  return 0;
}

static PetscErrorCode ReadBytes(const TokenFile *file, int64_t row, int64_t offset, size_t count,
                                void *bytes)
{
  PetscFunctionBeginUser;
  const int error = read_bytes(file, offset, count, bytes);
  PetscCheck(!error, PETSC_COMM_SELF, PETSC_ERR_FILE_READ,
             "%s: row %" PRId64 " (byte %" PRId64 ") cannot be read: %s", file->path, row, offset,
             error > 0 ? strerror(error) : "end of file");
  PetscFunctionReturn(PETSC_SUCCESS);
}

static int64_t row_bytes(const Tokens *tokens, const TokenFile *file)
{
  return tokens->d * (int64_t)h5_size((H5Kind)file->facts.kind);
}

size_t tokens_stored_size(const Tokens *tokens)
{
  return (size_t)(tokens->d * tokens->size);
}

/* How many of the rows from i on follow each other in one file, and fit into one read; 1 where the
   file's rows are narrower than the places they go to. */
static int64_t together(const Tokens *tokens, const TokenFile *file, int64_t count,
                        const int64_t *row)
{
  const int64_t bytes = row_bytes(tokens, file);
  if (bytes < tokens->d * tokens->size) return 1;
  const int64_t most =
      min_i64(min_i64(count, max_i64(1, ONCE_BYTES / bytes)), file->first + file->facts.n - row[0]);
  int64_t run = 1;
  while (run < most && row[run] == row[0] + run) run++;
  return run;
}

bool tokens_fetch(Tokens *tokens, int64_t count, const int64_t *row, void *stored,
                  const atomic_bool *stop, FetchFailure *failure)
{
  for (int64_t i = 0, run; i < count; i += run) {
    if (row[i] < 0 || row[i] >= tokens->n) {
      *failure = (FetchFailure){row[i], ERANGE};
      return false;
    }
    const TokenFile *file = file_of(tokens, row[i]);
    const int64_t bytes = row_bytes(tokens, file);
    run = together(tokens, file, count - i, row + i);
    *failure = (FetchFailure){row[i], 0};
    if (!read_limit_wait(&tokens->limit, (size_t)(run * bytes), stop)) return false;
    failure->error =
        read_bytes(file, file->facts.offset + (row[i] - file->first) * bytes, (size_t)(run * bytes),
                   (char *)stored + i * tokens->d * tokens->size);
    if (failure->error) return false;
  }
  return true;
}

PetscErrorCode TokensFetchError(const Tokens *tokens, const FetchFailure *failure)
{
  PetscFunctionBeginUser;
  PetscCheck(failure->error != ERANGE, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE,
             "row %" PRId64 " of %" PRId64, failure->row, tokens->n);
  const TokenFile *file = file_of(tokens, failure->row);
  const int64_t row = failure->row - file->first;
  SETERRQ(PETSC_COMM_SELF, PETSC_ERR_FILE_READ,
          "%s: row %" PRId64 " (byte %" PRId64 ") cannot be read: %s", file->path, row,
          file->facts.offset + row * row_bytes(tokens, file),
          failure->error > 0 ? strerror(failure->error) : "end of file");
}

typedef int32_t Bits __attribute__((vector_size(16)));

/* Is any of count numbers not finite? */
static bool not_finite(int64_t count, const float *x)
{
  Bits odd = {0};
  for (int64_t i = 0; i + 4 <= count; i += 4) {
    Bits bits;
    memcpy(&bits, x + i, sizeof(bits));
    odd |= (bits & 0x7f800000) == 0x7f800000;
  }
  bool any = odd[0] | odd[1] | odd[2] | odd[3];
  for (int64_t i = count / 4 * 4; i < count; i++) any |= !isfinite(x[i]);
  return any;
}

/* Stored rows of one kind, one after another, as float32; whether all is finite. */
static bool widen(const Tokens *tokens, H5Kind kind, int64_t count, const void *stored, float *X)
{
  const int64_t numbers = count * tokens->d;
  if (kind == H5_F16) return tokens->kernels->widen_half(numbers, stored, X);
  if (kind == H5_BF16) return tokens->kernels->widen_bfloat(numbers, stored, X);
  memcpy(X, stored, (size_t)numbers * sizeof(*X));
  return !not_finite(numbers, X);
}

PetscErrorCode TokensUnpack(const Tokens *tokens, int64_t count, const int64_t *row,
                            const void *stored, float *X)
{
  PetscFunctionBeginUser;
  const int64_t d = tokens->d;
  bool finite = true;
  if (tokens->files == 1) {
    finite = widen(tokens, (H5Kind)tokens->file[0].facts.kind, count, stored, X);
  } else {
    for (int64_t i = 0; i < count; i++)
      finite &= widen(tokens, (H5Kind)file_of(tokens, row[i])->facts.kind, 1,
                      (const char *)stored + i * d * tokens->size, X + i * d);
  }
  if (!finite)
    for (int64_t t = 0; t < count; t++) {
      const TokenFile *file = file_of(tokens, row[t]);
      PetscCheck(!not_finite(d, X + t * d), PETSC_COMM_SELF, PETSC_ERR_FP,
                 "%s: row %" PRId64 " holds NaN or infinity", file->path, row[t] - file->first);
    }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TokensRead(Tokens *tokens, int64_t count, const int64_t *row, float *X)
{
  PetscFunctionBeginUser;
  for (int64_t i = 0; i < count; i += tokens->piece_rows) {
    const int64_t part = min_i64(tokens->piece_rows, count - i);
    FetchFailure failure;
    if (!tokens_fetch(tokens, part, row + i, tokens->piece, NULL, &failure))
      PetscCall(TokensFetchError(tokens, &failure));
    PetscCall(TokensUnpack(tokens, part, row + i, tokens->piece, X + i * tokens->d));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TokensReadRange(Tokens *tokens, int64_t first, int64_t count, float *X)
{
  enum { ROWS = 512 };
  int64_t row[ROWS];

  PetscFunctionBeginUser;
  for (int64_t at = 0; at < count; at += ROWS) {
    const int64_t part = min_i64(ROWS, count - at);
    for (int64_t i = 0; i < part; i++) row[i] = first + at + i;
    PetscCall(TokensRead(tokens, part, row, X + at * tokens->d));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

void tokens_ask(const Tokens *tokens, int64_t row, int64_t count)
{
  const TokenFile *file = file_of(tokens, row);
  const int64_t bytes = row_bytes(tokens, file), first = row - file->first;
  posix_fadvise(file->fd, file->facts.offset + first * bytes,
                min_i64(count, file->facts.n - first) * bytes, POSIX_FADV_WILLNEED);
}

PetscErrorCode TokensGroups(Tokens *tokens, int64_t first, int64_t count, int64_t *group)
{
  PetscFunctionBeginUser;
  while (count) {
    const TokenFile *file = file_of(tokens, first);
    const int64_t at = first - file->first, part = min_i64(count, file->facts.n - at);
    if (file->facts.groups >= 0)
      PetscCall(ReadBytes(file, at, file->facts.groups + at * 8, (size_t)part * 8, group));
    else
      for (int64_t i = 0; i < part; i++) group[i] = (first + i) / GROUP_TOKENS;
    group += part;
    first += part;
    count -= part;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TokensLabels(Tokens *tokens, int64_t first, int64_t count, int64_t *label,
                            bool *there)
{
  PetscFunctionBeginUser;
  *there = true;
  for (int64_t f = 0; f < tokens->files; f++) *there &= tokens->file[f].facts.labels >= 0;
  while (count && *there) {
    const TokenFile *file = file_of(tokens, first);
    const int64_t at = first - file->first, part = min_i64(count, file->facts.n - at);
    PetscCall(ReadBytes(file, at, file->facts.labels + at * 8, (size_t)part * 8, label));
    label += part;
    first += part;
    count -= part;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}
