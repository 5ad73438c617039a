/* Runs' dictionaries: read when first asked for, prepared for each centring when first asked for,
   and forgotten, the one that was not asked for longest, when the next does not fit. */
#include "compare/sides.h"
#include "base/file.h"
#include "data/tokens.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const int64_t room = INT64_C(1) << 30; /* bytes */

typedef struct {
  bool there;
  int64_t used; /* when it was asked for last */
  int64_t bytes;
  float *D, *E; /* [m x d] as stored; the living first in E. NULL: not read, or not there */
  AtomCodes codes;
  float *unit[CENTRINGS], *encoder[CENTRINGS];
  double **own[CENTRINGS];
} Side;

struct Sides {
  const Kernels *kernels;
  const ComparedGroup *group;
  const CompareOptions *options;
  const Living *living;
  Mistakes *mistakes;
  unsigned needs;
  bool stored_units;
  Side *side; /* [runs x STAGES] */
  int64_t clock, bytes;
  float *direction; /* [d] of the tokens' mean */
  bool directed;
  int64_t truths;
  float *truth, *true_unit[CENTRINGS]; /* [truths x d] atoms that the tokens were made of */
};

static PetscErrorCode Forget(Sides *sides, Side *side)
{
  PetscFunctionBeginUser;
  for (Centring c = 0; c < CENTRINGS; c++) {
    PetscCall(ArrayDestroy(&side->unit[c]));
    PetscCall(ArrayDestroy(&side->encoder[c]));
    PetscCall(OwnDestroy(sides->options->chosen, &side->own[c]));
  }
  PetscCall(ArrayDestroy(&side->D));
  PetscCall(ArrayDestroy(&side->E));
  PetscCall(AtomCodesDestroy(&side->codes));
  sides->bytes -= side->bytes;
  *side = (Side){0};
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Forgets others until what is coming fits; the two asked for last stay. */
static PetscErrorCode MakeRoom(Sides *sides, const Side *coming)
{
  PetscFunctionBeginUser;
  while (sides->bytes > room) {
    Side *oldest = NULL;
    for (int64_t i = 0; i < sides->group->runs * STAGES; i++) {
      Side *side = &sides->side[i];
      if (side->there && side != coming && side->used < sides->clock - 1 &&
          (!oldest || side->used < oldest->used))
        oldest = side;
    }
    if (!oldest) break;
    PetscCall(Forget(sides, oldest));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void grow(Sides *sides, Side *side, int64_t bytes)
{
  side->bytes += bytes;
  sides->bytes += bytes;
}

static PetscErrorCode ReadCodes(Sides *sides, int64_t run, Stage stage, Side *side)
{
  const Living *living = &sides->living[run];
  char *path = stage_path(sides->group->run[run].folder, stage);
  Dictionary *dictionary;
  PetscFunctionBeginUser;
  PetscCall(DictionaryRead(path, sides->kernels, sides->mistakes, &dictionary));
  if (dictionary && dictionary->method && dictionary->method->encode) {
    PetscCall(AtomCodesCreate(dictionary, sides->group->view, !sides->group->all_tokens,
                              living->alive, living->atom, &side->codes));
    grow(sides, side, atom_codes_bytes(&side->codes));
  }
  PetscCall(DictionaryDestroy(&dictionary));
  free(path);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Rows from normalised units to those of the tokens: directions of atoms grow with the scale, those
   of encoder rows shrink with it. */
static void to_stored_units(const Sides *sides, const Living *living, Side *side)
{
  const double *scale = sides->group->view->normaliser->scale;
  const int64_t d = living->d;
  for (int64_t j = 0; j < living->m; j++)
    for (int64_t i = 0; i < d; i++) {
      if (side->D) side->D[j * d + i] = (float)((double)side->D[j * d + i] * scale[i]);
      if (side->E) side->E[j * d + i] = (float)((double)side->E[j * d + i] / scale[i]);
    }
}

static PetscErrorCode Find(Sides *sides, int64_t run, Stage stage, Side **found)
{
  Side *side = *found = &sides->side[run * STAGES + stage];
  const Living *living = &sides->living[run];
  const char *folder = sides->group->run[run].folder;
  PetscFunctionBeginUser;
  if (side->used != sides->clock) side->used = ++sides->clock;
  if (side->there) PetscFunctionReturn(PETSC_SUCCESS);
  side->there = true;
  PetscCall(MakeRoom(sides, side));
  PetscCall(AtomsRead(folder, stage, living, sides->mistakes, &side->D));
  if (sides->needs & NEED_ENCODER)
    PetscCall(EncoderRead(folder, stage, living, sides->mistakes, &side->E));
  if (sides->stored_units) to_stored_units(sides, living, side);
  if (side->E) keep_living(living, side->E);
  if (sides->needs & NEED_CODES && sides->group->view->tokens)
    PetscCall(ReadCodes(sides, run, stage, side));
  grow(sides, side, (int64_t)sizeof(float) * living->m * living->d * (side->E ? 2 : 1));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Prepare(Sides *sides, Side *side, const Living *living, Centring centring)
{
  const int64_t count = living->alive * living->d;
  PetscFunctionBeginUser;
  PetscCall(ArrayCreate(count, &side->unit[centring]));
  for (int64_t j = 0; j < living->alive; j++)
    memcpy(side->unit[centring] + j * living->d, side->D + living->atom[j] * living->d,
           (size_t)living->d * sizeof(float));
  PetscCall(AtomsPrepare(sides->kernels, centring, living->alive, living->d, side->unit[centring],
                         sides->direction, side->unit[centring]));
  if (side->E) {
    PetscCall(ArrayCreate(count, &side->encoder[centring]));
    PetscCall(AtomsPrepare(sides->kernels, centring, living->alive, living->d, side->E,
                           sides->direction, side->encoder[centring]));
  }
  grow(sides, side, (int64_t)sizeof(float) * count * (side->E ? 2 : 1));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode SidesGet(Sides *sides, int64_t run, Stage stage, Centring centring, Atoms *atoms)
{
  const Living *living = &sides->living[run];
  Side *side;
  PetscFunctionBeginUser;
  *atoms = (Atoms){.m = living->alive, .d = living->d};
  PetscCall(Find(sides, run, stage, &side));
  if (!side->D || (centring == CENTRING_PROJECTED && !sides->directed))
    PetscFunctionReturn(PETSC_SUCCESS);
  const bool first = !side->unit[centring];
  if (first) PetscCall(Prepare(sides, side, living, centring));
  atoms->unit = side->unit[centring];
  atoms->encoder = side->encoder[centring];
  atoms->codes = sides->needs & NEED_CODES ? &side->codes : NULL;
  atoms->truths = sides->truths;
  atoms->truth = sides->true_unit[centring];
  if (first)
    PetscCall(OwnCreate(sides->kernels, atoms, sides->options->chosen, &side->own[centring]));
  atoms->own = side->own[centring];
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode SidesWhole(Sides *sides, int64_t run, Stage stage, const float **D)
{
  Side *side;
  PetscFunctionBeginUser;
  PetscCall(Find(sides, run, stage, &side));
  *D = side->D;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The atoms that the tokens were made of, by each centring. */
static PetscErrorCode PrepareTruth(Sides *sides)
{
  const int64_t d = sides->group->view->normaliser->d;
  PetscFunctionBeginUser;
  for (Centring c = 0; c < CENTRINGS && sides->truths; c++) {
    if (c == CENTRING_PROJECTED && !sides->directed) continue;
    if (!sides->true_unit[c]) PetscCall(ArrayCreate(sides->truths * d, &sides->true_unit[c]));
    PetscCall(AtomsPrepare(sides->kernels, c, sides->truths, d, sides->truth, sides->direction,
                           sides->true_unit[c]));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode SidesCreate(const Kernels *kernels, const ComparedGroup *group,
                           const CompareOptions *options, unsigned needs, const Living *living,
                           Mistakes *mistakes, Sides **out)
{
  const int64_t d = group->view->normaliser->d;
  Sides *sides;
  PetscFunctionBeginUser;
  PetscCall(PetscNew(&sides));
  *out = sides;
  *sides = (Sides){kernels, group, options, living, mistakes, needs};
  PetscCall(ArrayCreate(group->runs * STAGES, &sides->side));
  PetscCall(ArrayCreate(d, &sides->direction));
  if (!group->view->tokens) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(MeanDirection(group->view, sides->direction, &sides->directed));
  if (needs & NEED_TRUTH) PetscCall(TruthRead(group->view, &sides->truths, &sides->truth));
  PetscCall(PrepareTruth(sides));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode SidesStoredUnits(Sides *sides)
{
  const View *view = sides->group->view;
  const double *scale = view->normaliser->scale;
  const int64_t d = view->normaliser->d;
  double square = 0;
  PetscFunctionBeginUser;
  sides->stored_units = true;
  for (int64_t i = 0; i < d; i++) {
    const double x = (double)sides->direction[i] * scale[i];
    square += x * x;
  }
  for (int64_t i = 0; i < d && sides->directed; i++)
    sides->direction[i] = (float)((double)sides->direction[i] * scale[i] / sqrt(square));
  for (int64_t j = 0; j < sides->truths; j++)
    for (int64_t i = 0; i < d; i++)
      sides->truth[j * d + i] = (float)((double)sides->truth[j * d + i] * scale[i]);
  PetscCall(PrepareTruth(sides));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode SidesDestroy(Sides **sides)
{
  PetscFunctionBeginUser;
  if (!*sides) PetscFunctionReturn(PETSC_SUCCESS);
  for (int64_t i = 0; i < (*sides)->group->runs * STAGES; i++)
    PetscCall(Forget(*sides, &(*sides)->side[i]));
  for (Centring c = 0; c < CENTRINGS; c++) PetscCall(ArrayDestroy(&(*sides)->true_unit[c]));
  PetscCall(ArrayDestroy(&(*sides)->truth));
  PetscCall(ArrayDestroy(&(*sides)->direction));
  PetscCall(ArrayDestroy(&(*sides)->side));
  PetscCall(PetscFree(*sides));
  PetscFunctionReturn(PETSC_SUCCESS);
}
