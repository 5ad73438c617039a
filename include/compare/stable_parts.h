/* The parts of StableCreate(): sets of atoms, their mutual best pairs, clusters of these. */
#pragma once
#include "base/digest.h"
#include "base/shared.h"
#include "compare/group.h"
#include "compare/nulls.h"
#include "compare/stable.h"

/* Unit atoms of several dictionaries, once for each node. Atom i of set r is number first[r] + i.
 */
typedef struct {
  int64_t sets, d;
  int64_t *first; /* [sets + 1] */
  float *unit;    /* [first[sets] x d], shared by the ranks of a node */
} AtomSets;

static inline int64_t set_size(const AtomSets *sets, int64_t r)
{
  return sets->first[r + 1] - sets->first[r];
}

/* SetsCreate, SetsDestroy - room for `count` dictionaries of size[r] atoms of width d. Collective
   on nodes. */
PetscErrorCode SetsCreate(Nodes *nodes, int64_t d, int64_t count, const int64_t *size,
                          AtomSets *sets);
PetscErrorCode SetsDestroy(Nodes *nodes, AtomSets *sets);

/* The mutual best of each atom in each other set. */
typedef struct {
  int32_t *atom; /* [atoms x sets] its number within the set; -1: none */
  float *cosine; /* [atoms x sets] */
} Partners;

/*
  PartnersFind - mutual best atoms of sets a < b, for all a below `left`

  Blocks of rows of a's cosines with all of b, spread over the ranks; no matrix is kept.

  Collective on comm. out partners: the caller's, freed with PartnersDestroy.
*/
PetscErrorCode PartnersFind(MPI_Comm comm, const Kernels *kernels, const AtomSets *sets,
                            int64_t left, Partners *partners);
PetscErrorCode PartnersDestroy(Partners *partners);

/* Clusters of atoms, at most one of each set. */
typedef struct {
  int64_t groups, members; /* groups of at least 2, and their atoms */
  int64_t edges, rejected;
  int64_t *first; /* [groups + 1] where a group's members begin */
  int32_t *atom;  /* [members] number over all sets, ascending in each group */
  double *cosine; /* [groups] mean over pairs of members */
} Clusters;

/* ClustersFind - joins mutual best pairs of a cosine of at least t, largest first; groups by size,
   then mean cosine, largest first. Not collective. ClustersDestroy frees. */
PetscErrorCode ClustersFind(const Kernels *kernels, const AtomSets *sets, const Partners *partners,
                            double t, Clusters *clusters);
PetscErrorCode ClustersDestroy(Clusters *clusters);

/* recurrence_counts - count[s], s = 0 .. sets - 1: the atoms numbered below `atoms` that have at
   least s partners of a cosine of at least t */
void recurrence_counts(const AtomSets *sets, const Partners *partners, int64_t atoms, double t,
                       int64_t *count);

/* What null dictionaries would show. */
typedef struct {
  double edges;  /* expected mutual best pairs of a cosine >= t, of one pair of sets */
  double *share; /* [sets] as recurrence_counts, divided by the number of atoms */
} Chance;

/*
  ChanceFind - of `sets` null dictionaries of m atoms, for one kind

  The atoms of one of them are looked for in the others, as often as makes 8,192 atoms but at most
  64 times. Isotropic ones whose chance of any such pair is below 1e-6, by the area of a spherical
  cap, are not made: all is 0.

  Collective on comm and on nodes.
*/
PetscErrorCode ChanceFind(MPI_Comm comm, Nodes *nodes, const Kernels *kernels,
                          const NullSource *source, NullKind kind, int64_t d, int64_t m,
                          int64_t sets, const PartnerRule *rule, Chance *chance);

/* One run among those of its model, in an order that is not the plan's: by content, then name. */
typedef struct {
  char digest[DIGEST_LENGTH]; /* of all its atoms and which of them live */
  char start[DIGEST_LENGTH];  /* of its atoms at step 0 */
  const char *id;
  int64_t run; /* in plan order */
} Place;

/* The runs of one model: set q of `sets` is run place[q].run; run r is set set_of[r]. */
typedef struct {
  const ComparedGroup *group;
  Living *living; /* [runs] in plan order */
  Place *place;   /* [runs] */
  int64_t *set_of;
  AtomSets sets;
  Partners partners;
  Clusters clusters;
  Chance chance[NULL_KINDS];
} StableRuns;

/* StableRunsCreate - the unit atoms of a model's runs. *any: there were mistakes, on every rank
   then, and nothing can be done but StableRunsDestroy. Collective on comm and nodes. */
PetscErrorCode StableRunsCreate(MPI_Comm comm, Nodes *nodes, const Kernels *kernels,
                                const ComparedGroup *group, Centring centring, Mistakes *mistakes,
                                bool *any, StableRuns *runs);
PetscErrorCode StableRunsDestroy(Nodes *nodes, StableRuns *runs);
/* StableRunsFill - their unit atoms again, by another centring. Collective on nodes. */
PetscErrorCode StableRunsFill(Nodes *nodes, const Kernels *kernels, Centring centring,
                              Mistakes *mistakes, StableRuns *runs);

/* StableRows - what is known of one model: its rows of all tables, its files. `folder` as for
   StableGroups(). Collective on comm. */
PetscErrorCode StableRows(MPI_Comm comm, const Kernels *kernels, const char *folder,
                          const StableRuns *runs, const PartnerRule *rule, Mistakes *mistakes,
                          Table *tables[STABLE_TABLES]);
