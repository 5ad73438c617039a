/* Tables of text cells, and CSV. */
#include "base/table.h"
#include "base/file.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

static char *copy_part(const char *from, size_t length)
{
  char *copy = malloc(length + 1);
  if (!copy) abort();
  memcpy(copy, from, length);
  copy[length] = 0;
  return copy;
}

PetscErrorCode TableCreate(const char *names, Table **table)
{
  PetscFunctionBegin;
  *table = calloc(1, sizeof(**table));
  PetscCheck(*table, PETSC_COMM_SELF, PETSC_ERR_MEM, "no memory");
  while (*names) {
    const size_t length = strcspn(names, ",");
    char *name = copy_part(names, length);
    PetscCall(TableAddColumn(*table, name));
    free(name);
    names += length + (names[length] == ',');
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TableDestroy(Table **table)
{
  PetscFunctionBegin;
  if (*table) {
    for (int64_t i = 0; i < (*table)->rows * (*table)->columns; i++) free((*table)->cells[i]);
    for (int i = 0; i < (*table)->columns; i++) free((*table)->names[i]);
    free((*table)->cells);
    free((*table)->names);
    free(*table);
  }
  *table = NULL;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TableAddColumn(Table *table, const char *name)
{
  const int old = table->columns, columns = old + 1;

  PetscFunctionBegin;
  int64_t space = 1; /* as TableAddRow leaves it */
  while (space < table->rows) space *= 2;
  char **cells = malloc((size_t)(space * columns + 1) * sizeof(*cells));
  char **names = realloc(table->names, (size_t)columns * sizeof(*names));
  PetscCheck(cells && names, PETSC_COMM_SELF, PETSC_ERR_MEM, "no memory");
  for (int64_t r = 0; r < table->rows; r++) {
    for (int c = 0; c < old; c++) cells[r * columns + c] = table->cells[r * old + c];
    cells[r * columns + old] = text_copy("");
  }
  free(table->cells);
  names[old] = text_copy(name);
  table->cells = cells, table->names = names, table->columns = columns;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TableAddRow(Table *table)
{
  PetscFunctionBegin;
  const int64_t rows = table->rows;
  if ((rows & (rows - 1)) == 0) { /* grows by doubling */
    const size_t space = (size_t)((rows ? 2 * rows : 1) * table->columns + 1);
    char **cells = realloc(table->cells, space * sizeof(*cells));
    PetscCheck(cells, PETSC_COMM_SELF, PETSC_ERR_MEM, "no memory");
    table->cells = cells;
  }
  for (int c = 0; c < table->columns; c++) table->cells[rows * table->columns + c] = text_copy("");
  table->rows++;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TableCopy(const Table *table, Table **copy)
{
  PetscFunctionBegin;
  PetscCall(TableCreate("", copy));
  for (int c = 0; c < table->columns; c++) PetscCall(TableAddColumn(*copy, table->names[c]));
  for (int64_t r = 0; r < table->rows; r++) {
    PetscCall(TableAddRow(*copy));
    for (int c = 0; c < table->columns; c++) {
      char **cell = &(*copy)->cells[r * table->columns + c];
      free(*cell);
      *cell = text_copy(table->cells[r * table->columns + c]);
    }
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

int table_column(const Table *table, const char *name)
{
  for (int c = 0; c < table->columns; c++)
    if (!strcmp(table->names[c], name)) return c;
  return -1;
}

void table_text(Table *table, const char *column, const char *value)
{
  const int c = table_column(table, column);
  if (c < 0 || !table->rows) abort(); /* a bug: the column was never declared */
  char **cell = &table->cells[(table->rows - 1) * table->columns + c];
  free(*cell);
  *cell = text_copy(value);
}

void table_number(Table *table, const char *column, double value)
{
  char buffer[40] = "";
  if (!isnan(value)) snprintf(buffer, sizeof(buffer), "%.17g", value);
  table_text(table, column, buffer);
}

void table_integer(Table *table, const char *column, int64_t value)
{
  char buffer[40];
  snprintf(buffer, sizeof(buffer), "%lld", (long long)value);
  table_text(table, column, buffer);
}

const char *table_cell(const Table *table, int64_t row, const char *column)
{
  const int c = table_column(table, column);
  return c < 0 || row < 0 || row >= table->rows ? "" : table->cells[row * table->columns + c];
}

double table_real(const Table *table, int64_t row, const char *column)
{
  const char *cell = table_cell(table, row, column);
  return *cell ? strtod(cell, NULL) : (double)NAN;
}

PetscErrorCode TableWrite(const Table *table, const char *path)
{
  Text text = {0};

  PetscFunctionBegin;
  for (int c = 0; c < table->columns; c++) {
    if (c) text_add(&text, ",");
    text_csv(&text, table->names[c]);
  }
  text_add(&text, "\n");
  for (int64_t r = 0; r < table->rows; r++) {
    for (int c = 0; c < table->columns; c++) {
      if (c) text_add(&text, ",");
      text_csv(&text, table->cells[r * table->columns + c]);
    }
    text_add(&text, "\n");
  }
  PetscCall(FileWrite(path, text.s, text.length));
  text_clear(&text);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* One record from *at on: cells into cell[] (fresh memory), at most most; gives how many there
 * were, -1 for an open quote. */
static int read_record(const char **at, char **cell, int most)
{
  const char *p = *at;
  int count = 0;
  for (;;) {
    Text text = {0};
    text_append(&text, "", 0);
    if (*p == '"') {
      for (p++; *p && !(*p == '"' && p[1] != '"'); p++) {
        if (*p == '"') p++;
        text_append(&text, p, 1);
      }
      if (*p != '"') return text_clear(&text), -1;
      p++;
    }
    const size_t length = strcspn(p, ",\r\n");
    text_append(&text, p, length);
    p += length;
    if (count < most)
      cell[count] = text.s;
    else
      text_clear(&text);
    count++;
    if (*p != ',') break;
    p++;
  }
  if (*p == '\r') p++;
  if (*p == '\n') p++;
  *at = p;
  return count;
}

PetscErrorCode TableRead(const char *path, Mistakes *mistakes, Table **table)
{
  enum { MOST = 4096 };
  Text text = {0};
  bool found;
  char **cell;

  PetscFunctionBegin;
  *table = NULL;
  PetscCall(FileRead(path, &text, &found));
  if (!found) {
    mistake(mistakes, path, 0, 0, "no such file, or it cannot be read");
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(TableCreate("", table));
  PetscCall(PetscMalloc1(MOST, &cell));
  const char *at = text.s;
  for (int line = 1; *at; line++) {
    const int count = read_record(&at, cell, MOST), kept = count < MOST ? count : MOST;
    if (count < 0 || count > MOST || (line > 1 && count != (*table)->columns)) {
      mistake(mistakes, path, line, 0, "%s; a table of %d columns was expected",
              count < 0 ? "a quote is not closed" : "another number of cells", (*table)->columns);
      for (int c = 0; c < kept; c++) free(cell[c]);
      PetscCall(TableDestroy(table));
      break;
    }
    if (line > 1) PetscCall(TableAddRow(*table));
    for (int c = 0; c < kept; c++) {
      if (line == 1) {
        PetscCall(TableAddColumn(*table, cell[c]));
        free(cell[c]);
      } else {
        char **to = &(*table)->cells[((*table)->rows - 1) * (*table)->columns + c];
        free(*to);
        *to = cell[c];
      }
    }
  }
  PetscCall(PetscFree(cell));
  text_clear(&text);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A cell as it is shown; room for a short number. */
static const char *shown(const char *cell, char room[32])
{
  char *end;
  const double x = strtod(cell, &end);
  if (!*cell || *end || !strpbrk(cell, ".e")) return cell;
  snprintf(room, 32, "%.6g", x);
  return room;
}

void table_print(const Table *table, FILE *to)
{
  char room[32];
  int *width = calloc((size_t)table->columns + 1, sizeof(*width));
  if (!width) abort();
  for (int64_t r = -1; r < table->rows; r++)
    for (int c = 0; c < table->columns; c++) {
      const char *cell = r < 0 ? table->names[c] : table->cells[r * table->columns + c];
      const int length = (int)strlen(shown(cell, room));
      if (length > width[c]) width[c] = length;
    }
  for (int64_t r = -1; r < table->rows; r++)
    for (int c = 0; c < table->columns; c++) {
      const char *cell = r < 0 ? table->names[c] : table->cells[r * table->columns + c];
      const bool last = c + 1 == table->columns;
      fprintf(to, "%-*s%s", last ? 0 : width[c], shown(cell, room), last ? "\n" : "  ");
    }
  free(width);
}
