/* One model after another: partners, recurrence and groups over all runs, beside chance. */
#include "compare/entered.h"
#include "compare/stable_parts.h"
#include <string.h>

const char *const stable_files[STABLE_TABLES] = {"recurrence.csv", "stable.csv", "stable_atoms.csv",
                                                 "stable_members.csv"};

/* What serves all models. */
typedef struct {
  MPI_Comm comm;
  Nodes *nodes;
  const Kernels *kernels;
  const PartnerRule *rule;
  NullStore *store;
  int64_t known;
  struct Known {
    NullKind kind;
    int64_t m, sets;
    const View *view;
    Chance chance;
  } * chance;
} Common;

/* Of dictionaries as many and as large as the runs', on average; found already, or made. */
static PetscErrorCode FindChance(Common *all, NullKind kind, StableRuns *runs)
{
  const int64_t S = runs->sets.sets, atoms = runs->sets.first[S];
  struct Known mine = {kind, (2 * atoms + S) / (2 * S), S, runs->group->view, {0}}, *known = &mine;
  NullSource *source;
  PetscFunctionBeginUser;
  for (int64_t i = 0; i < all->known; i++) {
    struct Known *k = &all->chance[i];
    if (k->kind == kind && k->m == mine.m && k->sets == S && same_tokens(k->view, mine.view))
      known = k;
  }
  if (known == &mine) {
    PetscCall(NullStoreSource(all->store, mine.view, &source));
    PetscCall(ChanceFind(all->comm, all->nodes, all->kernels, source, kind, runs->sets.d, mine.m, S,
                         all->rule, &mine.chance));
    known = &all->chance[all->known++];
    *known = mine;
  }
  runs->chance[kind].edges = known->chance.edges;
  PetscCall(ArrayCreate(S, &runs->chance[kind].share));
  memcpy(runs->chance[kind].share, known->chance.share, (size_t)S * sizeof(double));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A model whose runs all failed: its row says so. */
static PetscErrorCode AddFailed(const ComparedGroup *group, const PartnerRule *rule, Table *table)
{
  Text note = {0};
  PetscFunctionBeginUser;
  note_unfinished(group, &note);
  PetscCall(TableAddRow(table));
  table_text(table, "model", group->model);
  table_integer(table, "runs", 0);
  table_number(table, "t", rule->t);
  table_text(table, "centring", centring_names[rule->centring]);
  table_text(table, "note", note.s);
  text_clear(&note);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode OneModel(Common *all, const char *folder, const ComparedGroup *group,
                               Mistakes *mistakes, Table *tables[STABLE_TABLES])
{
  const PartnerRule *rule = all->rule;
  StableRuns runs;
  bool any;
  PetscFunctionBeginUser;
  if (group->runs == 0 && group->failed && !group->is_surrogate)
    PetscCall(AddFailed(group, rule, tables[TABLE_STABLE]));
  if (group->runs == 0 || group->is_surrogate) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(StableRunsCreate(all->comm, all->nodes, all->kernels, group, rule->centring, mistakes,
                             &any, &runs));
  if (!any) {
    PetscCall(PartnersFind(all->comm, all->kernels, &runs.sets, runs.sets.sets, &runs.partners));
    PetscCall(ClustersFind(all->kernels, &runs.sets, &runs.partners, rule->t, &runs.clusters));
    for (NullKind k = 0; k < NULL_KINDS; k++) PetscCall(FindChance(all, k, &runs));
    if (rule->centring != CENTRING_RAW)
      PetscCall(StableRunsFill(all->nodes, all->kernels, CENTRING_RAW, mistakes, &runs));
    PetscCall(StableRows(all->comm, all->kernels, folder, &runs, rule, mistakes, tables));
  }
  PetscCall(StableRunsDestroy(all->nodes, &runs));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode StableGroups(MPI_Comm comm, const Kernels *kernels, const char *folder,
                            int64_t count, const ComparedGroup *groups, const PartnerRule *rule,
                            Mistakes *mistakes, Table *tables[STABLE_TABLES])
{
  Common all = {.comm = comm, .kernels = kernels, .rule = rule};
  PetscFunctionBeginUser;
  PetscCall(NodesCreate(comm, &all.nodes));
  PetscCall(ArrayCreate(NULL_KINDS * count, &all.chance));
  PetscCall(NullStoreCreate(comm, kernels, NULL, &all.store));
  PetscCall(TableCreate("model,t,runs,s,share,chance,chance_gaussian,chance_tokens,centring,note",
                        &tables[TABLE_RECURRENCE]));
  PetscCall(TableCreate("model,runs,t,groups,edges,chance_edges,inconsistent,chance_gaussian,"
                        "chance_tokens,centring,atoms,note",
                        &tables[TABLE_STABLE]));
  PetscCall(TableCreate("model,group,size,cosine,spread,frequency", &tables[TABLE_ATOMS]));
  PetscCall(TableCreate("model,group,run,atom,cosine", &tables[TABLE_MEMBERS]));
  for (int64_t g = 0; g < count; g++)
    PetscCall(OneModel(&all, folder, &groups[g], mistakes, tables));
  for (int64_t i = 0; i < all.known; i++) PetscCall(ArrayDestroy(&all.chance[i].chance.share));
  PetscCall(NullStoreDestroy(&all.store));
  PetscCall(ArrayDestroy(&all.chance));
  PetscCall(NodesDestroy(&all.nodes));
  PetscFunctionReturn(PETSC_SUCCESS);
}
