/* From inputs to a token file: check all, write in parallel, keep only what is complete. */
#include "data/import.h"
#include "base/array.h"
#include "base/file.h"
#include "data/token_writer.h"
#include "integers.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { LABELS, GROUPS, POSITIONS, BESIDE };
enum { PIECE_ROWS = 256, PIECE_VALUES = 1 << 18 };

typedef struct {
  MPI_Comm comm;
  const Kernels *kernels;
  const ImportOptions *options;
  Mistakes *mistakes;
  Source **source;
  int64_t *first, *first_image; /* [inputs] of each input's tokens and images among all */
  int64_t n, d, images;         /* images 0: the inputs have none */
  H5Kind kind;                  /* to store */
  Integers *beside[BESIDE];
  Text names_text;
  int64_t names;
  const char **name;
  int64_t dropped, *drop; /* rows left out, ascending */
  /* one piece on its way */
  int64_t piece;
  float *X;
  int64_t *whole[BESIDE];
  int64_t *from; /* [piece] row of the piece that each kept one was */
} Import;

/* The inputs opened, their shapes joined. */
static PetscErrorCode OpenInputs(Import *import)
{
  PetscFunctionBeginUser;
  const ImportOptions *o = import->options;
  PetscCall(PetscCalloc3(o->inputs, &import->source, o->inputs, &import->first, o->inputs,
                         &import->first_image));
  H5Kind kind = H5_F32;
  for (int64_t i = 0; i < o->inputs; i++) {
    PetscCall(SourceOpen(o->input[i], o, import->mistakes, &import->source[i]));
    const Source *s = import->source[i];
    if (!s) continue;
    import->first[i] = import->n;
    import->first_image[i] = import->images;
    if (import->n && s->d != import->d)
      mistake(import->mistakes, s->path, 0, 0,
              "has tokens of width %" PRId64 ", those before it %" PRId64, s->d, import->d);
    if (import->n && (s->images > 0) != (import->images > 0))
      mistake(import->mistakes, s->path, 0, 0,
              "%s images, those before it %s: import them one by one", s->images ? "has" : "has no",
              s->images ? "have none" : "have");
    kind = !import->n || kind == s->kind ? s->kind : H5_F32;
    import->n += s->n;
    import->images += s->images;
    import->d = s->d;
  }
  import->kind = o->converts ? o->dtype : kind == H5_F64 ? H5_F32 : kind;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Labels, groups and positions opened, their lengths checked. */
static PetscErrorCode OpenBeside(Import *import)
{
  PetscFunctionBeginUser;
  const char *const asked[BESIDE] = {import->options->labels, import->options->groups,
                                     import->options->positions};
  static const char *const names[BESIDE] = {"labels", "groups", "positions"};
  for (int b = 0; b < BESIDE; b++) {
    if (!asked[b]) continue;
    PetscCall(IntegersOpen(asked[b], import->mistakes, &import->beside[b]));
    const Integers *numbers = import->beside[b];
    if (!numbers || !import->n) continue;
    const int64_t count = integers_count(numbers);
    if (integers_columns(numbers) > (b == POSITIONS ? 2 : 1))
      mistake(import->mistakes, asked[b], 0, 0, "has %d columns; --%s takes %s",
              integers_columns(numbers), names[b], b == POSITIONS ? "one or two" : "one");
    if (count != import->n && (b == POSITIONS || count != import->images))
      mistake(import->mistakes, asked[b], 0, 0,
              "has %" PRId64 " numbers; there are %" PRId64 " tokens%s", count, import->n,
              import->images ? " (labels and groups may also have one for each image)" : "");
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ReadNames(Import *import)
{
  PetscFunctionBeginUser;
  const char *path = import->options->names;
  bool found;
  if (!path) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(FileRead(path, &import->names_text, &found));
  if (!found) mistake(import->mistakes, path, 0, 0, "cannot be read");
  if (!import->options->labels)
    mistake(import->mistakes, path, 0, 0, "names labels, and --labels is not given");
  char *text = import->names_text.s;
  if (!found || !text) PetscFunctionReturn(PETSC_SUCCESS);
  int64_t lines = 1;
  for (const char *p = text; *p; p++) lines += *p == '\n';
  PetscCall(PetscMalloc1(lines, &import->name));
  for (char *line = text; line && *line;) {
    char *end = strchr(line, '\n');
    if (end) *end = 0;
    const size_t length = strlen(line);
    if (length && line[length - 1] == '\r') line[length - 1] = 0;
    import->name[import->names++] = line;
    line = end ? end + 1 : NULL;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The input that holds a row, and the row in it. */
static int64_t input_of(const Import *import, int64_t row, int64_t *inside)
{
  int64_t i = import->options->inputs - 1;
  while (import->first[i] > row) i--;
  *inside = row - import->first[i];
  return i;
}

/* Numbers beside tokens first .. of one input. Those of images are repeated for each token. */
static PetscErrorCode ReadBeside(Import *import, int b, int64_t input, int64_t inside,
                                 int64_t count, int64_t *values)
{
  PetscFunctionBeginUser;
  const Source *s = import->source[input];
  const int64_t each = s->images ? s->n / s->images : 1;
  Integers *numbers = import->beside[b];
  if (numbers && integers_count(numbers) == import->n) {
    PetscCall(IntegersRead(numbers, import->first[input] + inside, count, values));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  for (int64_t i = 0, last = -1; i < count; i++) {
    const int64_t image = import->first_image[input] + (inside + i) / each;
    if (b == POSITIONS)
      values[i] = (inside + i) % each;
    else if (!numbers)
      values[i] = image;
    else if (image == last)
      values[i] = values[i - 1];
    else
      PetscCall(IntegersRead(numbers, image, 1, &values[i]));
    last = image;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The next piece of rows from `row` on, at most until `end`: how many in *count, from which input.
 */
static PetscErrorCode ReadPiece(Import *import, int64_t row, int64_t end, int64_t *input,
                                int64_t *inside, int64_t *count, const void **stored)
{
  PetscFunctionBeginUser;
  *input = input_of(import, row, inside);
  Source *s = import->source[*input];
  *count = min_i64(min_i64(import->piece, end - row), s->n - *inside);
  PetscCall(SourceRead(s, import->kernels, *inside, *count, import->X, stored));
  if (s->kind != import->kind || s->mean) *stored = NULL;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Finds the rows with NaN or infinity, every rank looking through its share. */
static PetscErrorCode FindRowsToDrop(Import *import)
{
  PetscFunctionBeginUser;
  int rank, size, mine = 0, space = 0, *counts, *starts;
  int64_t first, count, *list = NULL;
  PetscCallMPI(MPI_Comm_rank(import->comm, &rank));
  PetscCallMPI(MPI_Comm_size(import->comm, &size));
  part_of(import->n, PIECE_ROWS, rank, size, &first, &count);
  for (int64_t row = first, input, inside, got; row < first + count; row += got) {
    const void *stored;
    PetscCall(ReadPiece(import, row, first + count, &input, &inside, &got, &stored));
    for (int64_t t = 0; t < got; t++) {
      bool finite = first_not_finite(1, import->d, import->X + t * import->d) < 0;
      if (!finite) PetscCall(SourceFinite(import->source[input], inside + t, &finite));
      if (finite) continue;
      if (mine == space) {
        space = space ? 2 * space : 256;
        PetscCall(PetscRealloc((size_t)space * sizeof(int64_t), &list));
      }
      list[mine++] = row + t;
    }
  }
  PetscCall(PetscCalloc2(size, &counts, size, &starts));
  PetscCallMPI(MPI_Allgather(&mine, 1, MPI_INT, counts, 1, MPI_INT, import->comm));
  for (int r = 0; r < size; r++) starts[r] = r ? starts[r - 1] + counts[r - 1] : 0;
  import->dropped = starts[size - 1] + counts[size - 1];
  PetscCall(PetscMalloc1(import->dropped + 1, &import->drop));
  PetscCallMPI(MPI_Allgatherv(list, mine, MPI_INT64_T, import->drop, counts, starts, MPI_INT64_T,
                              import->comm));
  PetscCall(PetscFree2(counts, starts));
  PetscCall(PetscFree(list));
  if (import->dropped == import->n)
    mistake(import->mistakes, import->options->output, 0, 0,
            "would hold no token: every row holds NaN or infinity");
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* How many dropped rows come before the kept row of that number. */
static int64_t dropped_before(const Import *import, int64_t kept)
{
  int64_t low = 0, high = import->dropped;
  while (low < high) {
    const int64_t middle = (low + high) / 2;
    if (import->drop[middle] - middle <= kept)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

/* Takes the dropped rows out of a piece that begins at row; *next: the first dropped one not yet
 * met. Gives how many are left. */
static int64_t compact(Import *import, int64_t row, int64_t count, int64_t *next,
                       const void **stored, const int *columns)
{
  int64_t kept = 0;
  const int64_t d = import->d;
  for (int64_t t = 0; t < count; t++) import->from[t] = t;
  if (*next >= import->dropped || import->drop[*next] >= row + count) return count;
  for (int64_t t = 0; t < count; t++) {
    if (*next < import->dropped && import->drop[*next] == row + t) {
      (*next)++;
      continue;
    }
    memmove(import->X + kept * d, import->X + t * d, (size_t)d * sizeof(float));
    for (int b = 0; b < BESIDE; b++)
      memmove(import->whole[b] + kept * columns[b], import->whole[b] + t * columns[b],
              (size_t)columns[b] * sizeof(int64_t));
    import->from[kept++] = t;
  }
  *stored = NULL;
  return kept;
}

/* Says why a row cannot be stored. */
static PetscErrorCode ExplainRow(Import *import, int64_t input, int64_t inside)
{
  PetscFunctionBeginUser;
  Source *s = import->source[input];
  const int64_t each = s->images ? s->n / s->images : 0;
  char where[96];
  bool finite;
  PetscCall(SourceFinite(s, inside, &finite));
  snprintf(where, sizeof(where), each ? "image %" PRId64 ", token %" PRId64 : "row %" PRId64,
           each ? inside / each : inside, each ? inside % each : 0);
  if (finite)
    mistake(import->mistakes, s->path, 0, 0,
            "%s holds a number too large for %s; --dtype bf16 or f32 may hold it", where,
            token_kind_name(import->kind));
  else
    mistake(import->mistakes, s->path, 0, 0,
            "%s holds NaN or infinity; --nonfinite drop leaves such rows out", where);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Checks that labels have names; false where one has none. */
static bool labels_named(Import *import, int64_t row, int64_t count)
{
  if (!import->names) return true;
  for (int64_t t = 0; t < count; t++) {
    const int64_t label = import->whole[LABELS][t];
    if (label >= 0 && label < import->names) continue;
    mistake(import->mistakes, import->options->labels, 0, 0,
            "the label %" PRId64 " of token %" PRId64
            " has no name; %s has the names of 0 to %" PRId64,
            label, row + t, import->options->names, import->names - 1);
    return false;
  }
  return true;
}

/* This rank's part of the file. Ends early at the first mistake. */
static PetscErrorCode WritePart(Import *import, TokenWriter *writer, const int *columns)
{
  PetscFunctionBeginUser;
  int64_t first, count, bad = -1;
  token_writer_part(writer, &first, &count);
  int64_t next = dropped_before(import, first), row = first + next;
  while (count > 0 && bad < 0) {
    int64_t input, inside, got;
    const void *stored;
    PetscCall(ReadPiece(import, row, import->n, &input, &inside, &got, &stored));
    for (int b = 0; b < BESIDE; b++)
      if (columns[b]) PetscCall(ReadBeside(import, b, input, inside, got, import->whole[b]));
    if (!labels_named(import, row, got)) break;
    const int64_t kept = min_i64(compact(import, row, got, &next, &stored, columns), count);
    const TokenRows rows = {import->X, stored, import->whole[LABELS], import->whole[GROUPS],
                            import->whole[POSITIONS]};
    PetscCall(TokenWriterRows(writer, kept, &rows, &bad));
    if (bad >= 0) PetscCall(ExplainRow(import, input, inside + import->from[bad]));
    row += got;
    count -= kept;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Names of the inputs without their folders. */
static void describe_inputs(const ImportOptions *options, Text *text)
{
  for (int64_t i = 0; i < options->inputs && i < 8; i++) {
    const char *slash = strrchr(options->input[i], '/'), *colon = strrchr(options->input[i], ':');
    if (colon && slash > colon)
      for (slash = colon; slash > options->input[i] && *slash != '/';) slash--;
    text_add(text, "%s%s", i ? ", " : "", slash ? slash + (*slash == '/') : options->input[i]);
  }
  if (options->inputs > 8) text_add(text, " and %" PRId64 " more", options->inputs - 8);
}

static PetscErrorCode WriteFile(Import *import, ImportSummary *summary)
{
  PetscFunctionBeginUser;
  const ImportOptions *o = import->options;
  TokenWriter *writer;
  Text source = {0};
  bool any;
  const Integers *positions = import->beside[POSITIONS];
  const bool image_positions = import->images && import->n > import->images;
  const int columns[BESIDE] = {import->beside[LABELS] != NULL,
                               import->beside[GROUPS] || import->images,
                               positions ? integers_columns(positions) : image_positions};
  describe_inputs(o, &source);
  const TokenLayout layout = {import->n - import->dropped,
                              import->d,
                              import->kind,
                              columns[LABELS],
                              columns[GROUPS],
                              columns[POSITIONS],
                              import->names,
                              import->name,
                              source.s,
                              o->model,
                              o->layer};
  for (int b = 0; b < BESIDE; b++)
    PetscCall(PetscMalloc1(import->piece * (columns[b] + 1), &import->whole[b]));
  PetscCall(TokenWriterCreate(import->comm, import->kernels, o->output, &layout, &writer));
  if (o->drop)
    PetscCall(H5WriterInteger(token_writer_file(writer), NULL, "dropped", import->dropped));
  PetscCall(TokenWriterLayout(writer, import->mistakes));
  any = mistakes_count(import->mistakes) > 0;
  if (!any) PetscCall(WritePart(import, writer, columns));
  PetscCall(MistakesAgree(import->comm, import->mistakes, &any));
  if (any)
    PetscCall(TokenWriterAbandon(&writer));
  else
    PetscCall(TokenWriterCommit(&writer, import->mistakes, summary->digest));
  summary->n = layout.n;
  summary->d = layout.d;
  summary->kind = layout.kind;
  summary->dropped = import->dropped;
  text_clear(&source);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ImportRun(MPI_Comm comm, const Kernels *kernels, const ImportOptions *options,
                         Mistakes *mistakes, ImportSummary *summary)
{
  PetscFunctionBeginUser;
  Import import = {.comm = comm, .kernels = kernels, .options = options, .mistakes = mistakes};
  bool any;
  *summary = (ImportSummary){0};
  PetscCall(OpenInputs(&import));
  PetscCall(OpenBeside(&import));
  PetscCall(ReadNames(&import));
  PetscCall(MistakesAgree(comm, mistakes, &any));
  if (!any) {
    import.piece = max_i64(1, PIECE_VALUES / import.d / PIECE_ROWS) * PIECE_ROWS;
    PetscCall(ArrayCreate(import.piece * import.d, &import.X));
    PetscCall(PetscMalloc1(import.piece, &import.from));
    if (options->drop) PetscCall(FindRowsToDrop(&import));
    PetscCall(MistakesAgree(comm, mistakes, &any));
    if (!any) PetscCall(WriteFile(&import, summary));
  }
  for (int64_t i = 0; i < options->inputs; i++) PetscCall(SourceClose(&import.source[i]));
  for (int b = 0; b < BESIDE; b++) {
    PetscCall(IntegersClose(&import.beside[b]));
    PetscCall(PetscFree(import.whole[b]));
  }
  PetscCall(PetscFree3(import.source, import.first, import.first_image));
  PetscCall(PetscFree(import.name));
  PetscCall(PetscFree(import.drop));
  PetscCall(PetscFree(import.from));
  PetscCall(ArrayDestroy(&import.X));
  text_clear(&import.names_text);
  PetscFunctionReturn(PETSC_SUCCESS);
}
