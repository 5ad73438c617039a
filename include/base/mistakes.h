/* What the user got wrong: collected, told once and all together, exit code 2. A mistake is no
   error of the program, so functions that meet one add it and return PETSC_SUCCESS; whoever called
   asks mistakes_any() or MistakesAgree(). */
#pragma once
#include "base/error.h"
#include <stdio.h>

typedef struct Mistakes Mistakes;

/* MistakesCreate, MistakesDestroy - an empty collection. Not collective. */
PetscErrorCode MistakesCreate(Mistakes **mistakes);
PetscErrorCode MistakesDestroy(Mistakes **mistakes);

/* mistake - adds one. file may be NULL (the command line); line 0: none; column 0: none. Equal ones
 * are kept once. */
void mistake(Mistakes *mistakes, const char *file, int line, int column, const char *format, ...)
    __attribute__((format(printf, 5, 6)));

/* How many this rank has. */
int mistakes_count(const Mistakes *mistakes);

/* Puts those from number first on, which are about one file, in the order of their places. */
void mistakes_sort(Mistakes *mistakes, int first, const char *file);

/* MistakesAgree - afterwards every rank of comm holds the mistakes of all, in order of rank; *any:
   is there one. Collective on comm. */
PetscErrorCode MistakesAgree(MPI_Comm comm, Mistakes *mistakes, bool *any);

/* Prints them, one a line, as file:line:column: text. */
void mistakes_print(const Mistakes *mistakes, FILE *to);

/* The word of the list (ended by NULL) that is nearest to what was written, or NULL if none is
 * near. */
const char *nearest_word(const char *written, const char *const *words);
