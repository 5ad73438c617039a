/* Atoms that several runs agree on: partners in other runs, recurrence, and groups over all runs.
 */
#pragma once
#include "compare/compare.h"

/* When atoms of two runs are partners: each is the other's nearest, with a cosine of at least t. */
typedef struct {
  double t;
  Centring centring;    /* of the atoms, before cosines are taken */
  int64_t train_tokens; /* limit of the training sample that atoms.csv counted on */
} PartnerRule;

/*
  StableGroups - partners, recurrence and groups over all runs of each model, at the end of training

  Only atoms that fired on the training sample count. Atoms of two runs are mutual best when each
  is the other's nearest by signed cosine (of equals, the one of the lowest number); an edge is such
  a pair with a cosine of at least t. recurrence: the share of all runs' atoms that have an edge to
  at least s - 1 of the other runs, beside the same share of three kinds of null dictionaries
  (compare/nulls.h). Groups: the edges, largest cosine first, then by the runs' content and the
  atoms' numbers, join the clusters of their ends where these hold no run twice and every pair
  between them has a cosine of at least t; an edge that may not join is inconsistent. Clusters of at
  least two atoms are groups, by size, then mean cosine of their pairs. Nothing depends on the order
  of the runs but that of rows and columns.

  Writes partners.csv into each run's folder (a run of two groups has the partners in both, and its
  recurrence counts the runs of both), and folder/stable/<model>.h5 with the unit means of
  the groups' unit atoms, where there are groups.

  Collective on comm; the tables are the same on every rank, and do not depend on how many there
  are. Unit atoms of one model at a time are held once for each node, and blocks of cosines.

  in   folder      of the experiment
  in   groups      [count]  one whose files are missing or foreign gives mistakes and no rows
  out  tables      [STABLE_TABLES]
*/
enum { TABLE_RECURRENCE, TABLE_STABLE, TABLE_ATOMS, TABLE_MEMBERS, STABLE_TABLES };
extern const char *const stable_files[STABLE_TABLES]; /* recurrence.csv, ... */
PetscErrorCode StableGroups(MPI_Comm comm, const Kernels *kernels, const char *folder,
                            int64_t count, const ComparedGroup *groups, const PartnerRule *rule,
                            Mistakes *mistakes, Table *tables[STABLE_TABLES]);
