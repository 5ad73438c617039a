/* Nulls that were computed already: they serve all groups of the same size and tokens. */
#include "compare/nulls.h"
#include <string.h>

typedef struct Known {
  NullKind kind;
  int64_t a, b, d;
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

/* Directions without preference do not depend on the tokens, unless their truth is compared. */
static bool serves(const NullStore *store, const Known *k, const View *view, NullKind kind,
                   int64_t a, int64_t b)
{
  const bool any = kind == NULL_RANDOM && !(chosen_needs(store->options->chosen) & NEED_TRUTH);
  return k->kind == kind && k->a == a && k->b == b && k->d == view->normaliser->d &&
         (any || same_tokens(k->view, view));
}

PetscErrorCode NullStoreGet(NullStore *store, const View *view, NullKind kind, int64_t m,
                            const double **value)
{
  PetscFunctionBeginUser;
  PetscCall(NullStoreGetTwo(store, view, kind, m, m, value));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NullStoreGetTwo(NullStore *store, const View *view, NullKind kind, int64_t a,
                               int64_t b, const double **value)
{
  NullSource *source = NULL;
  Known *k;
  PetscFunctionBeginUser;
  for (k = store->known; k; k = k->next)
    if (serves(store, k, view, kind, a, b)) {
      *value = k->value;
      PetscFunctionReturn(PETSC_SUCCESS);
    }
  PetscCall(PetscNew(&k));
  *k = (Known){kind, a, b, view->normaliser->d, view, NULL, store->known};
  store->known = k;
  PetscCall(ArrayCreate(CENTRINGS * chosen_count(store->options->chosen), &k->value));
  PetscCall(NullStoreSource(store, view, &source));
  PetscCall(NullValues(store->comm, source, kind, a, b, store->options, k->value, NULL));
  *value = k->value;
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
