/* The rows and files that a model's partners and groups fill. */
#include "base/file.h"
#include "compare/entered.h"
#include "compare/stable_parts.h"
#include "learn/dictionary.h"
#include "measure/rows.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* What is shared by some of the runs, so that their agreement is less than it seems. */
static PetscErrorCode WriteNote(const StableRuns *runs, Text *note)
{
  const ComparedGroup *group = runs->group;
  bool anchors = false, start = false;
  int64_t entered;
  PetscFunctionBeginUser;
  PetscCall(RunsThatEnter(group, &entered, NULL, NULL));
  for (int64_t q = 0; q < group->runs; q++)
    for (int64_t p = 0; p < q; p++) {
      anchors |= same_anchors(&group->run[p], &group->run[q]);
      start |= !strcmp(runs->place[p].start, runs->place[q].start);
    }
  if (entered < group->runs) note_add(note, "some runs share varied seeds");
  if (!centred_tokens(group)) note_add(note, "tokens not centred");
  if (anchors) note_add(note, "given these anchors");
  if (start) note_add(note, "given this start");
  note_unfinished(group, note);
  if (!note->s) text_append(note, "", 0);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode AddRecurrence(const StableRuns *runs, const PartnerRule *rule,
                                    const char *note, Table *table)
{
  static const char *const columns[NULL_KINDS] = {"chance", "chance_gaussian", "chance_tokens"};
  const int64_t S = runs->sets.sets, atoms = runs->sets.first[S];
  int64_t *count;
  PetscFunctionBeginUser;
  PetscCall(ArrayCreate(S, &count));
  recurrence_counts(&runs->sets, &runs->partners, atoms, rule->t, count);
  for (int64_t s = 0; s < S; s++) {
    PetscCall(TableAddRow(table));
    table_text(table, "model", runs->group->model);
    table_number(table, "t", rule->t);
    table_integer(table, "runs", S);
    table_integer(table, "s", s + 1);
    table_number(table, "share", atoms ? (double)count[s] / (double)atoms : (double)NAN);
    for (NullKind k = 0; k < NULL_KINDS; k++)
      table_number(table, columns[k], atoms ? runs->chance[k].share[s] : (double)NAN);
    table_text(table, "centring", centring_names[rule->centring]);
    table_text(table, "note", note);
  }
  PetscCall(ArrayDestroy(&count));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode AddStable(const StableRuns *runs, const PartnerRule *rule, const char *note,
                                Table *table)
{
  static const char *const columns[NULL_KINDS] = {"chance_edges", "chance_gaussian",
                                                  "chance_tokens"};
  const Clusters *C = &runs->clusters;
  const int64_t S = runs->sets.sets;
  PetscFunctionBeginUser;
  PetscCall(TableAddRow(table));
  table_text(table, "model", runs->group->model);
  table_integer(table, "runs", S);
  table_number(table, "t", rule->t);
  table_integer(table, "groups", C->groups);
  table_integer(table, "edges", C->edges);
  for (NullKind k = 0; k < NULL_KINDS; k++)
    table_number(table, columns[k], (double)(S * (S - 1) / 2) * runs->chance[k].edges);
  table_number(table, "inconsistent",
               C->edges ? (double)C->rejected / (double)C->edges : (double)NAN);
  table_text(table, "centring", centring_names[rule->centring]);
  table_integer(table, "atoms", runs->sets.first[S]);
  table_text(table, "note", note);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A table of run r's partners without rows: a pair of columns for each other run of its model, then
   those that `before`, its partners at an earlier grid point, has besides. */
static PetscErrorCode PartnersTable(const StableRuns *runs, int64_t r, const Table *before,
                                    Table **table)
{
  const ComparedGroup *group = runs->group;
  Text names = {0};
  PetscFunctionBeginUser;
  text_add(&names, "atom,recurrence");
  for (int64_t b = 0; b < group->runs; b++)
    if (b != r) text_add(&names, ",%s_atom,%s_cosine", group->run[b].id, group->run[b].id);
  PetscCall(TableCreate(names.s, table));
  for (int c = 2; before && c < before->columns; c++)
    if (table_column(*table, before->names[c]) < 0)
      PetscCall(TableAddColumn(*table, before->names[c]));
  text_clear(&names);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Partners of living atom i of run r, in the last row, and how many there are of a cosine of at
   least t. */
static void put_partners(const StableRuns *runs, int64_t r, int64_t i, double t, Table *table)
{
  const int64_t S = runs->group->runs, at = (runs->sets.first[runs->set_of[r]] + i) * S;
  const int32_t *atom = runs->partners.atom + at;
  const float *cosine = runs->partners.cosine + at;
  int64_t recurrence = 0;
  for (int64_t b = 0, column = 2; b < S; b++) {
    const int64_t q = runs->set_of[b];
    if (b == r) continue;
    if (atom[q] >= 0) {
      table_integer(table, table->names[column], runs->living[b].atom[atom[q]]);
      table_number(table, table->names[column + 1], (double)cosine[q]);
    }
    column += 2;
  }
  for (int c = 3; c < table->columns; c += 2) {
    const char *cell = table->cells[(table->rows - 1) * table->columns + c];
    recurrence += *cell && strtod(cell, NULL) >= t;
  }
  table_integer(table, "recurrence", recurrence);
}

/* One run's partners.csv: a row for each atom, empty where it does not live. */
static PetscErrorCode WritePartners(const StableRuns *runs, int64_t r, double t, Mistakes *mistakes)
{
  const Living *living = &runs->living[r];
  char *path = path_join(runs->group->run[r].folder, "partners.csv");
  Table *before = NULL, *table;
  PetscFunctionBeginUser;
  if (runs->group->run[r].again) PetscCall(TableRead(path, mistakes, &before));
  PetscCall(PartnersTable(runs, r, before, &table));
  for (int64_t j = 0, i = 0; j < living->m; j++) {
    PetscCall(TableAddRow(table));
    table_integer(table, "atom", j);
    if (i == living->alive || living->atom[i] != j) continue;
    for (int c = 2; before && j < before->rows && c < before->columns; c++)
      table_text(table, before->names[c], before->cells[j * before->columns + c]);
    put_partners(runs, r, i++, t, table);
  }
  PetscCall(TableWrite(table, path));
  PetscCall(TableDestroy(&table));
  PetscCall(TableDestroy(&before));
  free(path);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Which rank writes a run's partners: always the same one, so that it finds what it wrote before.
 */
static int writer_of(const char *id, int size)
{
  unsigned sum = 0;
  for (; *id; id++) sum = sum * 31 + (unsigned char)*id;
  return (int)(sum % (unsigned)size);
}

/* Share of the training sample on which each living atom of a run fires, in the order of sets. */
static PetscErrorCode ReadRates(const StableRuns *runs, const PartnerRule *rule, Mistakes *mistakes,
                                double *rate)
{
  const ComparedGroup *group = runs->group;
  const double tokens = (double)split_sample_count(group->view->split, rule->train_tokens);
  PetscFunctionBeginUser;
  for (int64_t r = 0; r < group->runs; r++) {
    char *path = path_join(group->run[r].folder, "atoms.csv");
    double *mine = rate + runs->sets.first[runs->set_of[r]];
    Table *table;
    PetscCall(TableRead(path, mistakes, &table));
    for (int64_t i = 0; table && i < runs->living[r].alive; i++)
      mine[i] = table_real(table, runs->living[r].atom[i], "fired_train") / tokens;
    PetscCall(TableDestroy(&table));
    free(path);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* mean [d]: of count unit atoms, made unit; gives its length before. */
static double unit_mean(const Kernels *kernels, const AtomSets *sets, int64_t count,
                        const int32_t *atom, double *sum, float *mean)
{
  double square = 0;
  memset(sum, 0, (size_t)sets->d * sizeof(*sum));
  for (int64_t q = 0; q < count; q++)
    for (int64_t i = 0; i < sets->d; i++) sum[i] += (double)sets->unit[atom[q] * sets->d + i];
  for (int64_t i = 0; i < sets->d; i++) {
    sum[i] /= (double)count;
    square += sum[i] * sum[i];
    mean[i] = (float)sum[i];
  }
  unit_rows(kernels, 1, sets->d, mean, mean);
  return sqrt(square);
}

/* The members of a group, runs in plan order. */
static PetscErrorCode AddMembers(const Kernels *kernels, const StableRuns *runs, int64_t g,
                                 const float *mean, Table *table)
{
  const AtomSets *sets = &runs->sets;
  const Clusters *C = &runs->clusters;
  PetscFunctionBeginUser;
  for (int64_t r = 0; r < sets->sets; r++)
    for (int64_t at = C->first[g]; at < C->first[g + 1]; at++) {
      const int64_t atom = C->atom[at], first = sets->first[runs->set_of[r]];
      if (atom < first || atom >= sets->first[runs->set_of[r] + 1]) continue;
      PetscCall(TableAddRow(table));
      table_text(table, "model", runs->group->model);
      table_integer(table, "group", g);
      table_text(table, "run", runs->group->run[r].id);
      table_integer(table, "atom", runs->living[r].atom[atom - first]);
      table_number(table, "cosine", kernels->dot64(sets->d, mean, sets->unit + atom * sets->d));
    }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode AddGroups(const Kernels *kernels, const StableRuns *runs, const double *rate,
                                float *mean, Table *tables[STABLE_TABLES])
{
  const Clusters *C = &runs->clusters;
  const int64_t d = runs->sets.d;
  Table *table = tables[TABLE_ATOMS];
  double *sum;
  PetscFunctionBeginUser;
  PetscCall(ArrayCreate(d, &sum));
  for (int64_t g = 0; g < C->groups; g++) {
    const int64_t count = C->first[g + 1] - C->first[g];
    const int32_t *atom = C->atom + C->first[g];
    double fires = 0;
    for (int64_t q = 0; q < count; q++) fires += rate[atom[q]];
    const double length = unit_mean(kernels, &runs->sets, count, atom, sum, mean + g * d);
    PetscCall(TableAddRow(table));
    table_text(table, "model", runs->group->model);
    table_integer(table, "group", g);
    table_integer(table, "size", count);
    table_number(table, "cosine", C->cosine[g]);
    table_number(table, "spread", 1 - length);
    table_number(table, "frequency", fires / (double)count);
    PetscCall(AddMembers(kernels, runs, g, mean + g * d, tables[TABLE_MEMBERS]));
  }
  PetscCall(ArrayDestroy(&sum));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* folder/stable/<model>.h5; none where there is no group. */
static PetscErrorCode WriteModel(const char *folder, const StableRuns *runs, float *mean,
                                 Mistakes *mistakes)
{
  const View *view = runs->group->view;
  Dictionary dictionary = {.m = runs->clusters.groups,
                           .d = runs->sets.d,
                           .atoms = mean,
                           .tokens_digest = (char *)tokens_digest(view->tokens)};
  char *stable = path_join(folder, "stable"), *path;
  Text name = {0};
  PetscFunctionBeginUser;
  text_add(&name, "%s.h5", runs->group->model);
  for (char *c = name.s; *c; c++)
    if (*c == '/') *c = '_';
  path = path_join(stable, name.s);
  if (dictionary.m) {
    PetscCall(FileMakeFolder(stable));
    PetscCall(AnchorsWrite(path, &dictionary, view->normaliser, mistakes));
  } else if (file_exists(path))
    PetscCall(FileRemove(path));
  text_clear(&name);
  free(path);
  free(stable);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode StableRows(MPI_Comm comm, const Kernels *kernels, const char *folder,
                          const StableRuns *runs, const PartnerRule *rule, Mistakes *mistakes,
                          Table *tables[STABLE_TABLES])
{
  const int64_t S = runs->sets.sets;
  Text note = {0};
  double *rate;
  float *mean;
  int rank, size;
  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  PetscCallMPI(MPI_Comm_size(comm, &size));
  PetscCall(ArrayCreate(runs->sets.first[S], &rate));
  PetscCall(ArrayCreate(runs->clusters.groups * runs->sets.d, &mean));
  PetscCall(WriteNote(runs, &note));
  PetscCall(AddRecurrence(runs, rule, note.s, tables[TABLE_RECURRENCE]));
  PetscCall(AddStable(runs, rule, note.s, tables[TABLE_STABLE]));
  PetscCall(ReadRates(runs, rule, mistakes, rate));
  PetscCall(AddGroups(kernels, runs, rate, mean, tables));
  for (int64_t r = 0; r < S; r++)
    if (writer_of(runs->group->run[r].id, size) == rank)
      PetscCall(WritePartners(runs, r, rule->t, mistakes));
  if (rank == 0) PetscCall(WriteModel(folder, runs, mean, mistakes));
  text_clear(&note);
  PetscCall(ArrayDestroy(&mean));
  PetscCall(ArrayDestroy(&rate));
  PetscFunctionReturn(PETSC_SUCCESS);
}
