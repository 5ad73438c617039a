/* The nearest atom of a run, where an atom of the first run has no partner there. */
#include "base/array.h"
#include "base/file.h"
#include "explain/atlas.h"
#include <math.h>
#include <stdlib.h>

/* Cosine of two rows, sums in double in order; 0 where one is 0. */
static double cosine_of(int64_t d, const float *a, const float *b)
{
  double product = 0, aa = 0, bb = 0;
  for (int64_t i = 0; i < d; i++) {
    product += (double)a[i] * (double)b[i];
    aa += (double)a[i] * (double)a[i];
    bb += (double)b[i] * (double)b[i];
  }
  return aa > 0 && bb > 0 ? product / (sqrt(aa) * sqrt(bb)) : 0;
}

/* The living atom nearest to x; of equals the first. */
static void find_nearest(const Dictionary *run, const bool *alive, const float *x, AtlasAtom *found)
{
  for (int64_t j = 0; j < run->m; j++) {
    if (!alive[j]) continue;
    const double cosine = cosine_of(run->d, x, run->atoms + j * run->d);
    if (found->atom < 0 || cosine > found->cosine) found->atom = j, found->cosine = cosine;
  }
}

static bool any_missing(int64_t run, int64_t count, const AtlasAtom *atoms)
{
  for (int64_t i = 0; i < count; i++)
    if (atoms[i].atom < 0 && (run < 0 || atoms[i].run == run)) return true;
  return false;
}

/* A run's model, and which of its atoms live [m]; *dictionary NULL after a mistake. */
static PetscErrorCode ReadRun(const AtlasModel *model, int64_t run, Mistakes *mistakes,
                              Dictionary **dictionary, bool **alive)
{
  char *path = path_join(model->run[run].folder, "model.h5"),
       *atoms = path_join(model->run[run].folder, "atoms.csv");
  Table *fired;

  PetscFunctionBegin;
  PetscCall(DictionaryRead(path, model->view->kernels, mistakes, dictionary));
  PetscCall(TableRead(atoms, mistakes, &fired));
  PetscCall(ArrayCreate(*dictionary ? (*dictionary)->m : 0, alive));
  for (int64_t j = 0; *dictionary && fired && j < min_i64((*dictionary)->m, fired->rows); j++)
    (*alive)[j] = table_real(fired, j, "fired_train") > 0;
  PetscCall(TableDestroy(&fired));
  free(path);
  free(atoms);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode AtlasNearest(const AtlasModel *model, int64_t count, AtlasAtom *atoms,
                            Mistakes *mistakes)
{
  Dictionary *first = NULL, *other;
  bool *alive = NULL;

  PetscFunctionBegin;
  if (any_missing(-1, count, atoms)) PetscCall(ReadRun(model, 0, mistakes, &first, &alive));
  PetscCall(ArrayDestroy(&alive));
  for (int64_t r = 1; first && r < model->runs; r++) {
    if (!any_missing(r, count, atoms)) continue;
    PetscCall(ReadRun(model, r, mistakes, &other, &alive));
    for (int64_t i = 0, own = -1; i < count; i++) { /* own: the first run's atom of the group */
      if (atoms[i].run == 0) own = atoms[i].atom;
      if (other && atoms[i].run == r && atoms[i].atom < 0 && own < first->m && other->d == first->d)
        find_nearest(other, alive, first->atoms + own * first->d, &atoms[i]);
    }
    PetscCall(DictionaryDestroy(&other));
    PetscCall(ArrayDestroy(&alive));
  }
  PetscCall(DictionaryDestroy(&first));
  PetscFunctionReturn(PETSC_SUCCESS);
}
