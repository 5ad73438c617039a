/* Tables: the currency of plans, metrics and reports. Cells are text; numbers are written as %.17g,
 * NaN as an empty cell. */
#pragma once
#include "base/mistakes.h"
#include "base/text.h"

typedef struct {
  int64_t rows;
  int columns;
  char **names; /* [columns] */
  char **cells; /* [rows x columns], row-major; never NULL */
} Table;

/* TableCreate - columns named one after another in a comma-separated list. TableDestroy takes NULL
 * too. Not collective. */
PetscErrorCode TableCreate(const char *names, Table **table);
PetscErrorCode TableDestroy(Table **table);
/* TableCopy - another table of the same cells. Not collective. */
PetscErrorCode TableCopy(const Table *table, Table **copy);
PetscErrorCode TableAddColumn(Table *table, const char *name); /* existing rows get an empty cell */
/* TableAddRow - an empty row; its number is table->rows - 1 afterwards. */
PetscErrorCode TableAddRow(Table *table);
int table_column(const Table *table, const char *name); /* -1: none */
/* Sets a cell of the last row. The column must exist. */
void table_text(Table *table, const char *column, const char *value);
void table_number(Table *table, const char *column, double value);
void table_integer(Table *table, const char *column, int64_t value);
/* Reads a cell: never NULL; "" where there is none. table_real gives NaN for an empty cell. */
const char *table_cell(const Table *table, int64_t row, const char *column);
double table_real(const Table *table, int64_t row, const char *column);
/* TableWrite, TableRead - as CSV (RFC 4180, header line, \n). Not collective. A file that is not
 * there or broken is a mistake. */
PetscErrorCode TableWrite(const Table *table, const char *path);
PetscErrorCode TableRead(const char *path, Mistakes *mistakes, Table **table);
/* table_print - for reading: columns side by side, numbers with a fraction to six digits. */
void table_print(const Table *table, FILE *to);
