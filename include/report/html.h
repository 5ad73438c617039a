/* Pieces of a page. It is HTML that is also well-formed XML; every text is escaped. */
#pragma once
#include "base/table.h"
#include "base/text.h"

/* A cell as readers see it, not yet escaped: numbers in few digits. */
void cell_words(Text *to, const char *cell, bool number);
/* A cell of a table for readers: numbers in few digits, long texts in a box of their own. */
void html_cell(Text *to, const char *cell, bool number);
/* Is every non-empty cell of the column a number, and the column not one of names (runs, hashes)?
 */
bool column_is_number(const Table *table, int column);
/* A table in a frame that scrolls sideways, with a caption for screen readers; at most most rows.
 */
void html_table(Text *to, const Table *table, const char *caption, int64_t most);
/* The same, hidden until opened by the words of summary. */
void html_details(Text *to, const char *summary, const Table *table, int64_t most,
                  const char *whole);
/* A term and its value in a list (<dl> around them is the caller's). */
void html_term(Text *to, const char *term, const char *value);
/* Begins a section of the page. */
void put_heading(Text *page, const char *id, const char *heading);
/* The style sheet. */
void html_style(Text *to);
