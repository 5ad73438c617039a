/* Nulls that were computed already: they serve all groups of the same size and tokens. */
#include "compare/nulls.h"
#include <math.h>
#include <string.h>

typedef struct Known {
  NullKind kind;
  NullPart part;
  NullShape shape;
  int64_t d;
  const View *view;
  double *value; /* [CENTRINGS x comparisons] */
  struct Known *next;
} Known;

typedef struct Source {
  const View *view;
  NullSource *source;
  struct Source *next;
} Source;

struct NullStore {
  MPI_Comm comm;
  const Kernels *kernels;
  const CompareOptions *options;
  Known *known;
  Source *sources;
};

PetscErrorCode NullStoreCreate(MPI_Comm comm, const Kernels *kernels, const CompareOptions *options,
                               NullStore **store)
{
  PetscFunctionBeginUser;
  PetscCall(PetscNew(store));
  **store = (NullStore){comm, kernels, options};
  PetscFunctionReturn(PETSC_SUCCESS);
}

bool same_tokens(const View *a, const View *b)
{
  const size_t size = (size_t)a->normaliser->d * sizeof(double);
  return a->tokens == b->tokens && a->split == b->split &&
         !memcmp(a->normaliser->mean, b->normaliser->mean, size) &&
         !memcmp(a->normaliser->scale, b->normaliser->scale, size);
}

PetscErrorCode NullStoreSource(NullStore *store, const View *view, NullSource **source)
{
  Source *s;
  PetscFunctionBeginUser;
  for (s = store->sources; s; s = s->next)
    if (same_tokens(s->view, view)) {
      *source = s->source;
      PetscFunctionReturn(PETSC_SUCCESS);
    }
  PetscCall(PetscNew(&s));
  *s = (Source){view, NULL, store->sources};
  store->sources = s;
  PetscCall(NullSourceCreate(store->comm, store->kernels, view->normaliser->d,
                             view->tokens ? view : NULL, &s->source));
  *source = s->source;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Directions without preference do not depend on the tokens, unless their truth or codes are
   compared. */
static bool serves(const NullStore *store, const Known *k, const View *view, NullKind kind,
                   const NullShape *shape, NullPart part)
{
  const bool any = kind == NULL_RANDOM && part != NULLS_CODES &&
                   !(chosen_needs(store->options->chosen) & NEED_TRUTH);
  if (k->kind != kind || k->part != part || k->shape.m[0] != shape->m[0] ||
      k->shape.m[1] != shape->m[1] || k->d != view->normaliser->d ||
      !(any || same_tokens(k->view, view)))
    return false;
  if (part == NULLS_OTHERS) return null_set(&k->shape) == null_set(shape);
  return part != NULLS_CODES ||
         (k->shape.active == shape->active && k->shape.negative == shape->negative);
}

/* The values of one part, found already or made. */
static PetscErrorCode FindPart(NullStore *store, const View *view, NullKind kind,
                               const NullShape *shape, NullPart part, const Known **found)
{
  NullSource *source = NULL;
  Known *k;
  PetscFunctionBeginUser;
  for (k = store->known; k; k = k->next)
    if (serves(store, k, view, kind, shape, part)) {
      *found = k;
      PetscFunctionReturn(PETSC_SUCCESS);
    }
  PetscCall(PetscNew(&k));
  *k = (Known){kind, part, *shape, view->normaliser->d, view, NULL, store->known};
  *found = store->known = k;
  const int64_t count = CENTRINGS * chosen_count(store->options->chosen);
  PetscCall(ArrayCreate(count, &k->value));
  for (int64_t i = 0; i < count; i++) k->value[i] = (double)NAN;
  PetscCall(NullStoreSource(store, view, &source));
  PetscCall(NullValues(store->comm, source, kind, shape, part, store->options, k->value, NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NullStoreGet(NullStore *store, const View *view, NullKind kind,
                            const NullShape *shape, double *values)
{
  const int64_t measures = chosen_count(store->options->chosen);
  const Known *known = NULL;
  PetscFunctionBeginUser;
  for (NullPart part = 0; part < NULL_PARTS; part++) {
    PetscCall(FindPart(store, view, kind, shape, part, &known));
    for (int64_t i = 0; i < CENTRINGS * measures; i++)
      if (null_part(store->options->chosen[i % measures].comparison) == part)
        values[i] = known->value[i];
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NullStoreGetTwo(NullStore *store, const View *view, NullKind kind, int64_t a,
                               int64_t b, const double **value)
{
  const NullShape shape = {.m = {a, b}};
  const Known *known = NULL;
  PetscFunctionBeginUser;
  PetscCall(FindPart(store, view, kind, &shape, NULLS_PLAIN, &known));
  *value = known->value;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NullStoreDestroy(NullStore **store)
{
  PetscFunctionBeginUser;
  for (Known *k = (*store)->known, *next; k; k = next) {
    next = k->next;
    PetscCall(ArrayDestroy(&k->value));
    PetscCall(PetscFree(k));
  }
  for (Source *s = (*store)->sources, *next; s; s = next) {
    next = s->next;
    PetscCall(NullSourceDestroy(&s->source));
    PetscCall(PetscFree(s));
  }
  PetscCall(PetscFree(*store));
  PetscFunctionReturn(PETSC_SUCCESS);
}
