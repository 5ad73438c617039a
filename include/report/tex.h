/* Tables for papers: LaTeX with booktabs, every text escaped. */
#pragma once
#include "base/table.h"
#include "base/text.h"

/* Adds any bytes as text of LaTeX: its own signs escaped, what is no valid text as ?. Longer ones
   than most characters end in dots; 0: no limit. */
void tex_text(Text *to, const char *bytes, int64_t most);

/* A file with one table: numbers in few digits, to the right; a longtable where it has more rows
   than a page. At most most rows, and what was left out in a comment. label: for \ref. */
void tex_table(Text *to, const Table *table, const char *label, const char *caption, int64_t most);
