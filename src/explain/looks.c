/* What tokens look like. */
#include "explain/looks.h"
#include "base/array.h"
#include "base/file.h"
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* One file of tokens as rank 0 sees it; of several files, rows are counted through them. */
typedef struct {
  H5Reader *reader;
  int64_t first, n;
  int places; /* numbers of a position; 0: there are none */
} LookFile;

typedef struct {
  int64_t group;
  char *name;
} Picture;

struct Looks {
  LookSources sources;
  LookFile *file;         /* [files] */
  int64_t rows, columns;  /* of the grid; 0: none */
  int64_t names, letters; /* of the labels */
  char *name;             /* [names x letters], not ended */
  int64_t pictures;
  Picture *picture; /* by group */
  int64_t lines;
  Text text;
  char **line; /* [lines] into text */
};

static int by_group(const void *a, const void *b)
{
  const Picture *s = a, *t = b;
  return s->group < t->group ? -1 : s->group > t->group ? 1 : strcmp(s->name, t->name);
}

/* The number that a picture's name is, -1: none. */
static int64_t picture_group(const char *name)
{
  static const char *const endings[] = {".png", ".jpg", ".jpeg"};
  const size_t digits = strspn(name, "0123456789");
  if (!digits || digits > 18) return -1;
  for (size_t i = 0; i < sizeof(endings) / sizeof(*endings); i++)
    if (!strcasecmp(name + digits, endings[i])) return strtoll(name, NULL, 10);
  return -1;
}

static PetscErrorCode ListPictures(Looks *looks, Mistakes *mistakes)
{
  DIR *folder = opendir(looks->sources.images);

  PetscFunctionBegin;
  for (struct dirent *entry; folder && (entry = readdir(folder));) {
    const int64_t group = picture_group(entry->d_name);
    if (group < 0) continue;
    Picture *grown =
        realloc(looks->picture, (size_t)(looks->pictures + 1) * sizeof(*looks->picture));
    PetscCheck(grown, PETSC_COMM_SELF, PETSC_ERR_MEM, "no memory");
    looks->picture = grown;
    grown[looks->pictures++] = (Picture){group, text_copy(entry->d_name)};
  }
  if (folder) closedir(folder);
  if (!folder || !looks->pictures)
    mistake(mistakes, looks->sources.images, 0, 0,
            "images: %s; a picture is named by the number of its group, as in 027.jpg",
            folder ? "holds no picture of a group" : "cannot be read");
  if (looks->pictures)
    qsort(looks->picture, (size_t)looks->pictures, sizeof(*looks->picture), by_group);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ReadTexts(Looks *looks, Mistakes *mistakes)
{
  bool found;

  PetscFunctionBegin;
  PetscCall(FileRead(looks->sources.texts, &looks->text, &found));
  if (!found) {
    mistake(mistakes, looks->sources.texts, 0, 0, "texts: cannot be read");
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  int64_t most = 1;
  for (size_t i = 0; i < looks->text.length; i++) most += looks->text.s[i] == '\n';
  PetscCall(ArrayCreate(most, &looks->line));
  for (char *at = looks->text.s; at && *at;) {
    char *end = at + strcspn(at, "\n");
    looks->line[looks->lines++] = at;
    at = *end ? end + 1 : NULL;
    *end = 0;
    if (end > looks->line[looks->lines - 1] && end[-1] == '\r') end[-1] = 0;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode OpenFiles(Looks *looks, Mistakes *mistakes)
{
  int64_t n = 0;

  PetscFunctionBegin;
  PetscCall(ArrayCreate(looks->sources.files, &looks->file));
  for (int64_t f = 0; f < looks->sources.files; f++) {
    LookFile *file = &looks->file[f];
    H5Info info;
    bool found;
    PetscCall(H5ReaderOpen(looks->sources.paths[f], mistakes, &file->reader));
    if (!file->reader) continue;
    PetscCall(H5ReaderInfo(file->reader, "tokens", &info, &found));
    file->first = n, file->n = found ? info.dims[0] : 0;
    n += file->n;
    PetscCall(H5ReaderInfo(file->reader, "positions", &info, &found));
    if (found && info.kind == H5_I64 && info.dims[0] == file->n)
      file->places = info.rank == 1 ? 1 : info.rank == 2 && info.dims[1] == 2 ? 2 : 0;
    PetscCall(H5ReaderInfo(file->reader, "names", &info, &found));
    if (looks->name || !found || info.kind != H5_TEXT || info.rank != 1 || !info.dims[1]) continue;
    looks->names = info.dims[0], looks->letters = info.dims[1];
    PetscCall(ArrayCreate(looks->names * looks->letters, &looks->name));
    PetscCall(H5ReaderRows(file->reader, "names", 0, looks->names, H5_TEXT, looks->name));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static int64_t whole_root(int64_t n)
{
  int64_t root = 0;
  while (root * root < n) root++;
  return root * root == n ? root : 0;
}

/* A grid as large as all positions need. */
static PetscErrorCode FindGrid(Looks *looks)
{
  enum { ROWS = 1 << 15 };
  int64_t most[2] = {-1, -1}, *position;
  int places = 0;

  PetscFunctionBegin;
  PetscCall(ArrayCreate(2 * ROWS, &position));
  for (int64_t f = 0; f < looks->sources.files; f++) {
    const LookFile *file = &looks->file[f];
    for (int64_t at = 0; at < file->n && file->places; at += ROWS) {
      const int64_t count = min_i64(ROWS, file->n - at);
      places = file->places;
      PetscCall(H5ReaderRows(file->reader, "positions", at, count, H5_I64, position));
      for (int64_t i = 0; i < count * places; i++)
        most[i % places] = max_i64(most[i % places], position[i]);
    }
  }
  PetscCall(ArrayDestroy(&position));
  if (places == 1) looks->rows = looks->columns = whole_root(most[0] + 1);
  if (places == 2) looks->rows = most[0] + 1, looks->columns = most[1] + 1;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode LooksOpen(const LookSources *sources, Mistakes *mistakes, Looks **made)
{
  PetscFunctionBegin;
  PetscCall(PetscNew(made));
  Looks *looks = *made;
  looks->sources = *sources;
  looks->rows = sources->rows, looks->columns = sources->columns;
  PetscCall(OpenFiles(looks, mistakes));
  if (sources->images) PetscCall(ListPictures(looks, mistakes));
  if (sources->images && !looks->rows) PetscCall(FindGrid(looks));
  if (sources->texts) PetscCall(ReadTexts(looks, mistakes));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode LooksClose(Looks **made)
{
  Looks *looks = *made;

  PetscFunctionBegin;
  if (!looks) PetscFunctionReturn(PETSC_SUCCESS);
  for (int64_t f = 0; f < looks->sources.files; f++)
    PetscCall(H5ReaderClose(&looks->file[f].reader));
  for (int64_t i = 0; i < looks->pictures; i++) free(looks->picture[i].name);
  free(looks->picture);
  text_clear(&looks->text);
  PetscCall(ArrayDestroy(&looks->file));
  PetscCall(ArrayDestroy(&looks->name));
  PetscCall(ArrayDestroy(&looks->line));
  PetscCall(PetscFree(*made));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* position, and where it is in the grid. */
static PetscErrorCode PutPosition(const Looks *looks, int64_t row, Table *table)
{
  const LookFile *file = looks->file;
  int64_t place[2] = {-1, -1};

  PetscFunctionBegin;
  while (row >= file->first + file->n) file++;
  if (!file->places) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(H5ReaderRows(file->reader, "positions", row - file->first, 1, H5_I64, place));
  if (file->places == 1) {
    table_integer(table, "position", place[0]);
    if (!looks->columns) PetscFunctionReturn(PETSC_SUCCESS);
    place[1] = place[0] % looks->columns, place[0] /= looks->columns;
  } else {
    Text words = {0};
    text_add(&words, "%lld %lld", (long long)place[0], (long long)place[1]);
    table_text(table, "position", words.s);
    text_clear(&words);
  }
  if (place[0] < 0 || place[1] < 0 || place[0] >= looks->rows || place[1] >= looks->columns)
    PetscFunctionReturn(PETSC_SUCCESS);
  table_integer(table, "row", place[0]), table_integer(table, "column", place[1]);
  table_integer(table, "rows", looks->rows), table_integer(table, "columns", looks->columns);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode PutLabel(const Looks *looks, int64_t row, Table *table)
{
  int64_t label;
  bool there;

  PetscFunctionBegin;
  PetscCall(TokensLabels(looks->sources.tokens, row, 1, &label, &there));
  if (!there) PetscFunctionReturn(PETSC_SUCCESS);
  table_integer(table, "label", label);
  if (label >= 0 && label < looks->names) {
    Text name = {0};
    const char *from = looks->name + label * looks->letters;
    text_append(&name, from, strnlen(from, (size_t)looks->letters));
    table_text(table, "name", name.s);
    text_clear(&name);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode LooksPut(const Looks *looks, int64_t row, int64_t group, Table *table)
{
  const int64_t line = looks->lines == tokens_count(looks->sources.tokens) ? row : group;
  const Picture wanted = {group, ""};

  PetscFunctionBegin;
  PetscCall(PutPosition(looks, row, table));
  PetscCall(PutLabel(looks, row, table));
  if (line >= 0 && line < looks->lines) table_text(table, "text", looks->line[line]);
  for (int64_t low = 0, high = looks->pictures; low < high;) { /* the first not before wanted */
    const int64_t middle = (low + high) / 2;
    if (by_group(&looks->picture[middle], &wanted) < 0)
      low = middle + 1;
    else
      high = middle;
    if (low == high && low < looks->pictures && looks->picture[low].group == group)
      table_text(table, "image", looks->picture[low].name);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode LooksCopy(const Looks *looks, const Table *table, const char *folder)
{
  bool *wanted;

  PetscFunctionBegin;
  PetscCall(ArrayCreate(looks->pictures, &wanted));
  for (int64_t r = 0; r < table->rows; r++)
    for (int64_t i = 0; i < looks->pictures; i++)
      wanted[i] |= !strcmp(looks->picture[i].name, table_cell(table, r, "image"));
  for (int64_t i = 0; i < looks->pictures; i++) {
    char *from = path_join(looks->sources.images, looks->picture[i].name),
         *to = path_join(folder, looks->picture[i].name);
    Text file = {0};
    bool found = false;
    if (wanted[i]) PetscCall(FileRead(from, &file, &found));
    if (found && file.length) {
      PetscCall(FileMakeFolder(folder));
      PetscCall(FileWrite(to, file.s, file.length));
    }
    text_clear(&file);
    free(from);
    free(to);
  }
  PetscCall(ArrayDestroy(&wanted));
  PetscFunctionReturn(PETSC_SUCCESS);
}
