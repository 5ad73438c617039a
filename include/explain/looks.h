/* What tokens look like: labels and positions of their files, pictures and texts beside them. */
#pragma once
#include "base/table.h"
#include "data/tokens.h"

typedef struct Looks Looks;

/* Where they come from. */
typedef struct {
  Tokens *tokens;
  int64_t files;
  char *const *paths;    /* [files] of the tokens */
  const char *images;    /* a folder, or NULL */
  int64_t rows, columns; /* of the grid of positions in a picture; 0: found out */
  const char *texts;     /* a file, or NULL */
} LookSources;

/*
  LooksOpen - reads names, texts and which pictures there are

  A picture belongs to the group whose number is its name, with any zeros before it: 027.jpg to
  group 27; .png, .jpg and .jpeg count. A text file has a line for each token, or else for each
  group (line g + 1 for group g). Positions are one number for each token, counted row by row, or
  two (row, column); without a grid given, it is as large as the positions need: square for one
  number (none if their count is no square).

  Not collective: one rank calls it. Sources are borrowed until LooksClose, which takes NULL too.
*/
PetscErrorCode LooksOpen(const LookSources *sources, Mistakes *mistakes, Looks **looks);
PetscErrorCode LooksClose(Looks **looks);
/* LooksPut - of token row of a group: sets position, label, name, text, image, row, column, rows
   and columns of the table's last row. LooksCopy - copies the pictures that a table names into a
   folder. Not collective. */
PetscErrorCode LooksPut(const Looks *looks, int64_t row, int64_t group, Table *table);
PetscErrorCode LooksCopy(const Looks *looks, const Table *table, const char *folder);
