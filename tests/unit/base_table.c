/* Tables: cells, and CSV that reads back whatever was in them; broken files are told with their
   line.
   RUN ranks=1 */
#include "../tap.h"
#include "base/file.h"
#include "base/table.h"
#include <unistd.h>

static const char path[] = "base_table.test.csv";

static void round_trip(void)
{
  static const char *const odd[] = {"plain",
                                    "",
                                    "a,b",
                                    "say \"no\"",
                                    "\"",
                                    "two\nlines",
                                    "dos\r\nline",
                                    " blank at both ends ",
                                    "caf\xc3\xa9 \xf0\x9f\x90\x88\xe2\x80\x8d\xe2\xac\x9b",
                                    "\",\"\n\",\""};
  enum { ODD = sizeof(odd) / sizeof(*odd) };
  Mistakes *mistakes;
  Table *table, *read;
  RUN(MistakesCreate(&mistakes));
  RUN(TableCreate("text,\"name\",number,count", &table));
  for (int i = 0; i < ODD; i++) {
    RUN(TableAddRow(table));
    table_text(table, "text", odd[i]);
    table_number(table, "number", i == 3 ? (double)NAN : 0.1 * i);
    table_integer(table, "count", (int64_t)1 << (6 * i));
  }
  RUN(TableAddColumn(table, "late"));
  table_text(table, "late", "here");
  RUN(TableWrite(table, path));
  RUN(TableRead(path, mistakes, &read));
  OK(read && mistakes_count(mistakes) == 0 && read->rows == ODD && read->columns == 5,
     "a table reads back");
  bool same = true;
  for (int64_t i = 0; i < ODD; i++) {
    const double number = table_real(read, i, "number");
    same &= !strcmp(table_cell(read, i, "text"), odd[i]);
    same &= i == 3 ? isnan(number) && !*table_cell(read, i, "number") : number == 0.1 * (double)i;
  }
  OK(same, "with quotes, line ends, blanks and emoji as they were, and numbers to the last bit");
  OK(!strcmp(table_cell(read, 9, "count"), "18014398509481984"), "and large integers");
  OK(!*table_cell(read, 0, "late") && !strcmp(table_cell(read, 9, "late"), "here"),
     "a late column is empty before");
  OK(!*table_cell(read, 0, "nowhere") && !*table_cell(read, 99, "text") &&
         table_column(read, "nowhere") == -1,
     "what is not there is an empty cell");
  RUN(TableDestroy(&table));
  RUN(TableDestroy(&read));
  RUN(MistakesDestroy(&mistakes));
}

static void written(const char *text, bool fine, const char *what)
{
  Mistakes *mistakes;
  Table *table;
  RUN(MistakesCreate(&mistakes));
  RUN(FileWrite(path, text, strlen(text)));
  RUN(TableRead(path, mistakes, &table));
  OK(fine == (table != NULL) && fine == !mistakes_count(mistakes), "%s", what);
  if (table && table->rows)
    OK(!strcmp(table_cell(table, 0, "a"), "1") && !strcmp(table_cell(table, 0, "b"), "2"),
       "%s: cells", what);
  RUN(TableDestroy(&table));
  RUN(MistakesDestroy(&mistakes));
}

static void printed(void)
{
  char text[200] = {0};
  Table *table;
  FILE *to = fmemopen(text, sizeof(text), "w");
  RUN(TableCreate("name,value,n", &table));
  RUN(TableAddRow(table));
  table_text(table, "name", "r2");
  table_number(table, "value", 2.0 / 3);
  table_integer(table, "n", 1234567890);
  RUN(TableAddRow(table));
  table_text(table, "name", "a longer one");
  table_print(table, to);
  fclose(to);
  OK(!strcmp(text, "name          value     n\n"
                   "r2            0.666667  1234567890\n"
                   "a longer one            \n"),
     "printed for reading: %s", text);
  RUN(TableDestroy(&table));
}

int main(int argc, char **argv)
{
  TestBegin(&argc, &argv);
  printed();
  round_trip();
  written("a,b\n1,2\n", true, "plain");
  written("a,b\r\n1,2\r\n", true, "line ends of another system");
  written("a,b\n1,2", true, "no line end at the end");
  written("a,b\n", true, "no rows");
  written("a,b\n1\n", false, "a row that is too short is refused");
  written("a,b\n1,2,3\n", false, "a row that is too long is refused");
  written("a,b\n1,\"2\n", false, "an open quote is refused");
  unlink(path);
  Mistakes *mistakes;
  Table *table;
  RUN(MistakesCreate(&mistakes));
  RUN(TableRead(path, mistakes, &table));
  OK(!table && mistakes_count(mistakes) == 1, "a file that is not there is a mistake");
  RUN(MistakesDestroy(&mistakes));
  return TestEnd();
}
