/* The dictionaries of a group as comparisons see them, read and prepared once, kept while there is
   room. Each rank has its own. */
#pragma once
#include "compare/group.h"

typedef struct Sides Sides;

/* SidesCreate - of a group's runs, for comparisons that need what `needs` says (NEED_*). Borrows
   group, options, living [group->runs] and mistakes. Collective on comm for nothing: any rank may
   read what it wants. SidesDestroy takes NULL too. */
PetscErrorCode SidesCreate(const Kernels *kernels, const ComparedGroup *group,
                           const CompareOptions *options, unsigned needs, const Living *living,
                           Mistakes *mistakes, Sides **sides);
PetscErrorCode SidesDestroy(Sides **sides);

/* SidesGet - the living atoms of a run at a stage. *atoms holds until the second next run or stage
   is asked for; its unit is NULL after a mistake, or where the centring is not defined. */
PetscErrorCode SidesGet(Sides *sides, int64_t run, Stage stage, Centring centring, Atoms *atoms);

/* SidesStoredUnits - from now on in units of the tokens as stored: atoms times the scale of the
   group's normalisation, encoder rows divided by it. Before the first SidesGet. Not collective. */
PetscErrorCode SidesStoredUnits(Sides *sides);

/* SidesWhole - all atoms of a run at a stage as stored, dead ones too, [m x d], for as long;
   NULL after a mistake. */
PetscErrorCode SidesWhole(Sides *sides, int64_t run, Stage stage, const float **D);
