/* Clusters of atoms of several dictionaries, joined pair by pair, the surest first. */
#include "compare/stable_parts.h"
#include <stdlib.h>
#include <string.h>

typedef struct {
  float cosine;
  int32_t a, b; /* numbers over all sets, a's set before b's */
} Edge;

/* Largest cosine first; then lower sets, then lower atoms (numbers ascend with the set). */
static int compare_edges(const void *x, const void *y)
{
  const Edge *e = x, *f = y;
  if (e->cosine != f->cosine) return e->cosine > f->cosine ? -1 : 1;
  if (e->a != f->a) return e->a < f->a ? -1 : 1;
  return (e->b > f->b) - (e->b < f->b);
}

/* Clusters in the making: members of one are a list in rising order of sets. */
typedef struct {
  const Kernels *kernels;
  const AtomSets *sets;
  double t;
  int32_t *set;   /* [atoms] of each atom */
  int32_t *head;  /* [atoms] first member of an atom's cluster */
  int32_t *next;  /* [atoms] -1: the last */
  int32_t *list;  /* [sets] members of the one cluster */
  float *cosines; /* [sets] */
} Joining;

static int64_t members_of(const Joining *J, int32_t atom, int32_t *list)
{
  int64_t count = 0;
  for (int32_t i = J->head[atom]; i >= 0; i = J->next[i]) list[count++] = i;
  return count;
}

static bool share_a_set(const Joining *J, int32_t a, int32_t b)
{
  int32_t i = J->head[a], j = J->head[b];
  while (i >= 0 && j >= 0) {
    if (J->set[i] == J->set[j]) return true;
    if (J->set[i] < J->set[j])
      i = J->next[i];
    else
      j = J->next[j];
  }
  return false;
}

/* Chains of atom i with those of list: the very cosines that `scores` gives. */
static void cosines_with(const Joining *J, int32_t i, int64_t count, const int32_t *list,
                         float *cosine)
{
  const AtomSets *sets = J->sets;
  for (int64_t q = 0; q < count; q++) cosine[q] = 0;
  J->kernels->chains(1, (int64_t[]){0, count}, list, sets->d, sets->unit, sets->d,
                     sets->unit + (int64_t)i * sets->d, sets->d, NULL, 0, cosine);
}

static bool all_close(const Joining *J, int32_t a, int32_t b)
{
  const int64_t count = members_of(J, b, J->list);
  for (int32_t i = J->head[a]; i >= 0; i = J->next[i]) {
    cosines_with(J, i, count, J->list, J->cosines);
    for (int64_t q = 0; q < count; q++)
      if ((double)J->cosines[q] < J->t) return false;
  }
  return true;
}

/* One cluster of two, members in rising order. */
static void join(Joining *J, int32_t a, int32_t b)
{
  int32_t i = J->head[a], j = J->head[b], last = -1;
  const int32_t head = i < j ? i : j;
  while (i >= 0 || j >= 0) {
    const bool left = j < 0 || (i >= 0 && i < j);
    const int32_t now = left ? i : j;
    if (left)
      i = J->next[i];
    else
      j = J->next[j];
    if (last >= 0) J->next[last] = now;
    J->head[now] = head;
    last = now;
  }
}

static PetscErrorCode ListEdges(const AtomSets *sets, const Partners *partners, double t,
                                int64_t *count, Edge **edges)
{
  const int64_t S = sets->sets;
  PetscFunctionBeginUser;
  *count = 0;
  for (int fill = 0; fill < 2; fill++) {
    int64_t n = 0;
    for (int64_t a = 0; a < S; a++)
      for (int64_t i = sets->first[a]; i < sets->first[a + 1]; i++)
        for (int64_t b = a + 1; b < S; b++) {
          const int32_t j = partners->atom[i * S + b];
          const float cosine = partners->cosine[i * S + b];
          if (j < 0 || (double)cosine < t) continue;
          if (fill) (*edges)[n] = (Edge){cosine, (int32_t)i, (int32_t)(sets->first[b] + j)};
          n++;
        }
    if (!fill) PetscCall(ArrayCreate(n, edges));
    *count = n;
  }
  qsort(*edges, (size_t)*count, sizeof(**edges), compare_edges);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode JoinAll(Joining *J, const Partners *partners, Clusters *clusters)
{
  Edge *edges;
  PetscFunctionBeginUser;
  PetscCall(ListEdges(J->sets, partners, J->t, &clusters->edges, &edges));
  for (int64_t e = 0; e < clusters->edges; e++) {
    const int32_t a = edges[e].a, b = edges[e].b;
    if (J->head[a] == J->head[b]) continue;
    if (share_a_set(J, a, b) || !all_close(J, a, b))
      clusters->rejected++;
    else
      join(J, a, b);
  }
  PetscCall(ArrayDestroy(&edges));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* One finished cluster, for sorting. */
typedef struct {
  int64_t size;
  double cosine;
  int32_t head;
} Found;

static int compare_found(const void *x, const void *y)
{
  const Found *f = x, *g = y;
  if (f->size != g->size) return f->size > g->size ? -1 : 1;
  if (f->cosine != g->cosine) return f->cosine > g->cosine ? -1 : 1;
  return (f->head > g->head) - (f->head < g->head);
}

static double mean_cosine(const Joining *J, int64_t count, const int32_t *list)
{
  double sum = 0;
  for (int64_t q = 1; q < count; q++) {
    cosines_with(J, list[q], q, list, J->cosines);
    for (int64_t p = 0; p < q; p++) sum += (double)J->cosines[p];
  }
  return sum / (double)(count * (count - 1) / 2);
}

static PetscErrorCode Collect(const Joining *J, Clusters *clusters)
{
  const int64_t atoms = J->sets->first[J->sets->sets];
  Found *found;
  PetscFunctionBeginUser;
  PetscCall(ArrayCreate(atoms, &found));
  for (int32_t i = 0; i < atoms; i++) {
    if (J->head[i] != i || J->next[i] < 0) continue;
    const int64_t size = members_of(J, i, J->list);
    found[clusters->groups++] = (Found){size, mean_cosine(J, size, J->list), i};
    clusters->members += size;
  }
  qsort(found, (size_t)clusters->groups, sizeof(*found), compare_found);
  PetscCall(ArrayCreate(clusters->groups + 1, &clusters->first));
  PetscCall(ArrayCreate(clusters->members, &clusters->atom));
  PetscCall(ArrayCreate(clusters->groups, &clusters->cosine));
  for (int64_t g = 0; g < clusters->groups; g++) {
    const int64_t at = clusters->first[g];
    clusters->first[g + 1] = at + members_of(J, found[g].head, clusters->atom + at);
    clusters->cosine[g] = found[g].cosine;
  }
  PetscCall(ArrayDestroy(&found));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ClustersFind(const Kernels *kernels, const AtomSets *sets, const Partners *partners,
                            double t, Clusters *clusters)
{
  const int64_t S = sets->sets, atoms = sets->first[S];
  Joining J = {.kernels = kernels, .sets = sets, .t = t};
  PetscFunctionBeginUser;
  *clusters = (Clusters){0};
  PetscCheck(atoms <= INT32_MAX, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE,
             "at most 2^31 atoms over all runs");
  PetscCall(PetscMalloc5(atoms, &J.set, atoms, &J.head, atoms, &J.next, S, &J.list, S, &J.cosines));
  for (int64_t r = 0; r < S; r++)
    for (int64_t i = sets->first[r]; i < sets->first[r + 1]; i++) {
      J.set[i] = (int32_t)r;
      J.head[i] = (int32_t)i;
      J.next[i] = -1;
    }
  PetscCall(JoinAll(&J, partners, clusters));
  PetscCall(Collect(&J, clusters));
  PetscCall(PetscFree5(J.set, J.head, J.next, J.list, J.cosines));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ClustersDestroy(Clusters *clusters)
{
  PetscFunctionBeginUser;
  PetscCall(ArrayDestroy(&clusters->first));
  PetscCall(ArrayDestroy(&clusters->atom));
  PetscCall(ArrayDestroy(&clusters->cosine));
  PetscFunctionReturn(PETSC_SUCCESS);
}
