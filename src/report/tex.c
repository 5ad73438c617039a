/* Tables as LaTeX. */
#include "report/tex.h"
#include "report/html.h"
#include "report/svg.h"
#include <stdlib.h>
#include <string.h>

enum { PAGE_ROWS = 40, LONG_CELL = 90 };

static const char *escaped(unsigned point)
{
  static const struct {
    unsigned point;
    const char *tex;
  } signs[] = {
      {'\\', "\\textbackslash{}"},
      {'{', "\\{"},
      {'}', "\\}"},
      {'$', "\\$"},
      {'&', "\\&"},
      {'#', "\\#"},
      {'%', "\\%"},
      {'_', "\\_"},
      {'^', "\\textasciicircum{}"},
      {'~', "\\textasciitilde{}"},
      {'<', "\\textless{}"},
      {'>', "\\textgreater{}"},
      {'|', "\\textbar{}"},
      {'"', "\\textquotedbl{}"},
      {'`', "\\textasciigrave{}"},
      {'\n', " "},
      {'\t', " "},
      {0x2212, "$-$"},
      {0xb1, "$\\pm$"},
      {0xb2, "$^2$"},
      {0x2013, "--"},
      {0xa0, "~"},
      {0xfffd, "?"},
  };
  for (size_t i = 0; i < sizeof(signs) / sizeof(*signs); i++)
    if (signs[i].point == point) return signs[i].tex;
  return NULL;
}

void tex_text(Text *to, const char *bytes, int64_t most)
{
  for (int64_t count = 0; *bytes; count++) {
    unsigned point;
    const int step = text_point(bytes, &point);
    const char *tex = escaped(point);
    if (most && count == most) {
      text_add(to, "\\dots{}");
      return;
    }
    if (tex)
      text_add(to, "%s", tex);
    else
      text_append(to, bytes, (size_t)step);
    bytes += step;
  }
}

static void put_cell(Text *to, const char *cell, bool number)
{
  Text words = {0};
  cell_words(&words, cell, number);
  tex_text(to, words.s ? words.s : "", LONG_CELL);
  text_clear(&words);
}

static void put_row(Text *to, const Table *table, int64_t row, const bool *number)
{
  for (int c = 0; c < table->columns; c++) {
    if (c) text_add(to, " & ");
    if (row < 0)
      tex_text(to, table->names[c], LONG_CELL);
    else
      put_cell(to, table->cells[row * table->columns + c], number[c]);
  }
  text_add(to, " \\\\\n");
}

void tex_table(Text *to, const Table *table, const char *label, const char *caption, int64_t most)
{
  const int64_t rows = table->rows < most ? table->rows : most;
  const bool large = rows > PAGE_ROWS;
  bool *number = calloc((size_t)table->columns + 1, sizeof(*number));
  if (!number) abort();
  text_add(to,
           "%% \\usepackage{booktabs%s} and \\usepackage[T1]{fontenc}; LuaLaTeX or XeLaTeX "
           "where names hold other letters than Latin ones\n",
           large ? ",longtable" : "");
  text_add(to, large ? "\\begin{longtable}{" : "\\begin{table}\n  \\centering\n  \\caption{");
  if (!large) {
    tex_text(to, caption, 0);
    text_add(to, "}\\label{tab:%s}\n  \\begin{tabular}{", label);
  }
  for (int c = 0; c < table->columns; c++) {
    number[c] = column_is_number(table, c);
    text_add(to, number[c] ? "r" : "l");
  }
  text_add(to, "}\n");
  if (large) {
    text_add(to, "\\caption{"), tex_text(to, caption, 0);
    text_add(to, "}\\label{tab:%s}\\\\\n", label);
  }
  text_add(to, "\\toprule\n");
  put_row(to, table, -1, number);
  text_add(to, large ? "\\midrule\\endhead\n\\bottomrule\\endfoot\n" : "\\midrule\n");
  for (int64_t r = 0; r < rows; r++) put_row(to, table, r, number);
  if (rows < table->rows)
    text_add(to, "%% %lld more rows are in the CSV\n", (long long)(table->rows - rows));
  text_add(to, large ? "\\end{longtable}\n" : "\\bottomrule\n  \\end{tabular}\n\\end{table}\n");
  free(number);
}
