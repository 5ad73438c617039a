/* Codes of a dictionary's living atoms on a sample of tokens, by token and by atom. */
#pragma once
#include "data/view.h"
#include "learn/dictionary.h"

typedef struct {
  int64_t n, m;
  Codes tokens;   /* by token: living atoms only, numbered 0 .. m - 1 */
  int64_t *start; /* [m + 1] by atom: its codes are start[j] .. start[j + 1] - 1 of token, value */
  int32_t *token; /* ascending for each atom */
  float *value;
  double *mean, *deviation; /* [m] over all n tokens, dividing by n */
} AtomCodes;

/* At most so many tokens, evenly spaced in file order, are encoded to be compared. */
enum { CODE_TOKENS = 32768 };

/*
  AtomCodesCreate - encodes a sample: all codes of the atoms named, 0 left out

  Not collective.

  in   dictionary
  in   view   the tokens as the dictionary saw them
  in   held_out  of those held out (n is 0 where there are none), else of those that are not
  in   m      how many atoms
  in   atom   [m] their numbers, ascending
*/
PetscErrorCode AtomCodesCreate(const Dictionary *dictionary, const View *view, bool held_out,
                               int64_t m, const int64_t *atom, AtomCodes *codes);
/* Codes of n tokens X [n x d], in the place of those that were there. */
typedef PetscErrorCode (*EncodeTokens)(const void *with, int64_t n, const float *X, Codes *codes);
/* AtomCodesEncode - the same of whatever encodes: number[j] is the new number of its atom j, of m
   that count, -1: it does not. Not collective. */
PetscErrorCode AtomCodesEncode(EncodeTokens encode, const void *with, const View *view,
                               bool held_out, int64_t m, const int32_t *number, AtomCodes *codes);
/* AtomCodesSort - fills in what is by atom, where n, m and tokens are there. Not collective. */
PetscErrorCode AtomCodesSort(AtomCodes *codes);
/* AtomCodesDestroy - frees what they hold. Not collective. */
PetscErrorCode AtomCodesDestroy(AtomCodes *codes);
/* Bytes that they take. */
int64_t atom_codes_bytes(const AtomCodes *codes);

/* code_correlation - Pearson correlation of the codes of atom i of a and atom j of b over the
   tokens of both, which are the same; 0 where one of them is constant. */
double code_correlation(const AtomCodes *a, int64_t i, const AtomCodes *b, int64_t j);
/* Tokens on which both fire, and on which either does. */
void code_overlap(const AtomCodes *a, int64_t i, const AtomCodes *b, int64_t j, int64_t *both,
                  int64_t *either);
