/* Which runs of a group count together, and what is to be said of them beside every figure. */
#pragma once
#include "compare/group.h"

/*
  RunsThatEnter - the most runs of which no two share a seed that varies in their group

  Of the sets with the most runs the lexicographically first one, where runs are sorted by their
  seeds (init, data, anchors, subsample), then by name: so the order in which a spec lists its seeds
  changes nothing. Where one or two purposes vary the answer is exact (for two it is a matching of
  the one's seeds with the other's). For three or more each size, from the most that matchings of
  two purposes allow downwards, is sought for ENTER_STEPS steps, and the first that is found counts.

  Not collective.

  out  runs    how many
  out  run     [runs]  which, in plan order; ArrayDestroy; NULL: only their number is wanted
  out  sought  false: the steps were not enough for a larger size; may be NULL
*/
enum { ENTER_STEPS = 5000 };
PetscErrorCode RunsThatEnter(const ComparedGroup *group, int64_t *runs, int64_t **run,
                             bool *sought);

/* note_add - appends words, after "; " where there are some. */
void note_add(Text *note, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* note_shared - what n runs of a group share, so that they agree for that reason: "given these
   anchors", "given this start"; that they are a null; that one has no living atom. */
void note_shared(const ComparedGroup *group, const GroupPairs *all, int64_t n, const int64_t *run,
                 Text *note);
/* note_unfinished - "1 of 4 runs failed", "2 of 4 runs not finished". */
void note_unfinished(const ComparedGroup *group, Text *note);

/* NoteRuns - all that is to be said of n runs of a group: how many of it they are, what they share,
   whether they are few, what did not finish. Not collective. */
PetscErrorCode NoteRuns(const ComparedGroup *group, const GroupPairs *all, int64_t n,
                        const int64_t *run, Text *note);

/* note_two - one note of two models: what is said of both, or "a: ...; b: ...". NULL is "". */
void note_two(const char *a, const char *b, Text *note);

/* Do two runs have the same anchors? */
bool same_anchors(const ComparedRun *a, const ComparedRun *b);
