/* Which atoms of a model the atlas shows. */
#include "base/array.h"
#include "base/file.h"
#include "explain/atlas.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* An atom of the first run: in how many other runs it has a partner, and how like they are. */
typedef struct {
  int64_t row, fired, partners; /* row of partners.csv; training tokens */
  double cosine;                /* mean over its partners, -1 without any */
} Candidate;

static int by_stability(const void *a, const void *b)
{
  const Candidate *s = a, *t = b;
  if (s->partners != t->partners) return s->partners < t->partners ? -1 : 1;
  if (s->cosine < t->cosine || s->cosine > t->cosine) return s->cosine < t->cosine ? -1 : 1;
  if (s->fired != t->fired) return s->fired > t->fired ? -1 : 1;
  return s->row < t->row ? -1 : 1;
}

static int by_fired(const void *a, const void *b)
{
  const Candidate *s = a, *t = b;
  return s->fired < t->fired ? -1 : s->fired > t->fired ? 1 : s->row < t->row ? -1 : 1;
}

/* The column of partners.csv with what another run's partner is: its atom, or its cosine. */
static int partner_column(const Table *partners, const char *run, const char *what)
{
  Text name = {0};
  text_add(&name, "%s_%s", run, what);
  const int column = table_column(partners, name.s);
  text_clear(&name);
  return column;
}

static const char *cell_at(const Table *table, int64_t row, int column)
{
  return column < 0 ? "" : table->cells[row * table->columns + column];
}

/* The living atoms of the first run. */
static PetscErrorCode Candidates(const AtlasModel *model, const Table *partners, const Table *atoms,
                                 int64_t *count, Candidate **list)
{
  PetscFunctionBegin;
  *count = 0;
  PetscCall(ArrayCreate(partners->rows, list));
  for (int64_t i = 0; i < partners->rows; i++) {
    const int64_t atom = (int64_t)table_real(partners, i, "atom");
    Candidate one = {.row = i, .cosine = -1};
    double sum = 0;
    if (atom < 0 || atom >= atoms->rows) continue;
    one.fired = (int64_t)table_real(atoms, atom, "fired_train");
    for (int64_t r = 1; r < model->runs; r++) {
      const char *cell = cell_at(partners, i, partner_column(partners, model->run[r].id, "cosine"));
      if (*cell) sum += strtod(cell, NULL), one.partners++;
    }
    if (one.partners) one.cosine = sum / (double)one.partners;
    if (one.fired > 0) (*list)[(*count)++] = one;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Appends an atom of the first run and its partners; where it has none, a place for its nearest
   atom (atom -1). */
static void add_partners(const AtlasModel *model, const Table *partners, int64_t row, int64_t least,
                         int64_t group, int64_t *count, AtlasAtom *atoms)
{
  atoms[(*count)++] =
      (AtlasAtom){least, group, 0, (int64_t)table_real(partners, row, "atom"), (double)NAN};
  for (int64_t r = 1; r < model->runs; r++) {
    const char *atom = cell_at(partners, row, partner_column(partners, model->run[r].id, "atom")),
               *cosine =
                   cell_at(partners, row, partner_column(partners, model->run[r].id, "cosine"));
    atoms[(*count)++] = (AtlasAtom){least, group, r, *atom ? strtoll(atom, NULL, 10) : -1,
                                    *cosine ? strtod(cosine, NULL) : (double)NAN};
  }
}

static int64_t run_number(const AtlasModel *model, const char *id)
{
  for (int64_t r = 0; r < model->runs; r++)
    if (!strcmp(model->run[r].id, id)) return r;
  return -1;
}

/* The first groups of a model in stable_members.csv; gives how many. */
static int64_t add_members(const AtlasModel *model, const Table *members, int64_t *count,
                           AtlasAtom *atoms)
{
  const char *before = "";
  int64_t group = -1;
  for (int64_t i = 0; i < members->rows; i++) {
    if (strcmp(table_cell(members, i, "model"), model->model)) continue;
    const char *name = table_cell(members, i, "group");
    const int64_t run = run_number(model, table_cell(members, i, "run"));
    if (group < 0 || strcmp(name, before)) group++, before = name;
    if (group == ATLAS_GROUPS) return group;
    if (run >= 0)
      atoms[(*count)++] = (AtlasAtom){0, group, run, (int64_t)table_real(members, i, "atom"),
                                      table_real(members, i, "cosine")};
  }
  return group + 1;
}

enum { TRIED = 64 }; /* atoms of the first run that may be the least stable */

/* A group that was tried: its place, and its mean cosine. */
typedef struct {
  int64_t at;
  double cosine;
} Tried;

static int by_cosine(const void *a, const void *b)
{
  const Tried *s = a, *t = b;
  return s->cosine < t->cosine ? -1 : s->cosine > t->cosine ? 1 : s->at < t->at ? -1 : 1;
}

/* Of n candidates in the order of their stability those whose partners, or nearest atoms, are least
   like them. */
static PetscErrorCode AddLeast(const AtlasModel *model, const Table *partners, int64_t n,
                               const Candidate *list, Mistakes *mistakes, int64_t *count,
                               AtlasAtom *atoms)
{
  const int64_t tries = min_i64(n, TRIED), runs = model->runs;
  Tried order[TRIED];
  AtlasAtom *tried;
  int64_t all = 0;

  PetscFunctionBegin;
  PetscCall(ArrayCreate(tries * runs, &tried));
  for (int64_t i = 0; i < tries; i++) add_partners(model, partners, list[i].row, 1, i, &all, tried);
  PetscCall(AtlasNearest(model, all, tried, mistakes));
  for (int64_t i = 0; i < tries; i++) {
    order[i] = (Tried){i, 0};
    for (int64_t r = 1; r < runs; r++)
      if (tried[i * runs + r].atom >= 0) order[i].cosine += tried[i * runs + r].cosine;
  }
  qsort(order, (size_t)tries, sizeof(*order), by_cosine);
  for (int64_t g = 0; g < ATLAS_GROUPS && g < tries; g++)
    for (int64_t r = 0; r < runs; r++) {
      atoms[*count] = tried[order[g].at * runs + r];
      atoms[(*count)++].group = g;
    }
  PetscCall(ArrayDestroy(&tried));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Choose(const AtlasModel *model, const Table *members, const Table *partners,
                             const Table *fired, Mistakes *mistakes, int64_t *count,
                             AtlasAtom *atoms)
{
  Candidate *list;
  int64_t n;

  PetscFunctionBegin;
  PetscCall(Candidates(model, partners, fired, &n, &list));
  if (!add_members(model, members, count, atoms)) {
    qsort(list, (size_t)n, sizeof(*list), by_stability);
    for (int64_t g = 0; g < ATLAS_GROUPS && g < n; g++)
      add_partners(model, partners, list[n - 1 - g].row, 0, g, count, atoms);
    PetscCall(AtlasNearest(model, *count, atoms, mistakes));
  }
  qsort(list, (size_t)n, sizeof(*list), by_fired);
  const int64_t half = n / 2;
  qsort(list + half, (size_t)(n - half), sizeof(*list), by_stability);
  PetscCall(AddLeast(model, partners, n - half, list + half, mistakes, count, atoms));
  PetscCall(ArrayDestroy(&list));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode AtlasChoose(const AtlasModel *model, const Table *members, Mistakes *mistakes,
                           int64_t *count, AtlasAtom **atoms)
{
  char *paths[2] = {path_join(model->run[0].folder, "partners.csv"),
                    path_join(model->run[0].folder, "atoms.csv")};
  Table *partners = NULL, *fired = NULL;

  PetscFunctionBegin;
  *count = 0;
  PetscCall(ArrayCreate(2 * ATLAS_GROUPS * model->runs, atoms));
  if (file_exists(paths[0]) && file_exists(paths[1])) {
    PetscCall(TableRead(paths[0], mistakes, &partners));
    PetscCall(TableRead(paths[1], mistakes, &fired));
    if (partners && fired)
      PetscCall(Choose(model, members, partners, fired, mistakes, count, *atoms));
  }
  PetscCall(TableDestroy(&partners));
  PetscCall(TableDestroy(&fired));
  free(paths[0]);
  free(paths[1]);
  PetscFunctionReturn(PETSC_SUCCESS);
}
