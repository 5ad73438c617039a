/* The tokens on which chosen atoms fire most: one pass of each run over the sample. */
#include "base/array.h"
#include "base/file.h"
#include "explain/atlas.h"
#include <stdlib.h>
#include <string.h>

enum { TILE = 256 };

static bool is_better(const AtlasToken *a, const AtlasToken *b)
{
  if (a->row < 0 || b->row < 0) return a->row >= 0;
  return a->value > b->value || (a->value == b->value && a->row < b->row);
}

/* Puts a token in its place among an atom's; one of the same group gives way to a better. */
static void put_token(AtlasToken *list, AtlasToken token)
{
  int at = ATLAS_TOKENS - 1;
  for (int i = 0; i < ATLAS_TOKENS; i++)
    if (list[i].row >= 0 && list[i].group == token.group) {
      if (!is_better(&token, &list[i])) return;
      at = i;
    }
  if (!is_better(&token, &list[at])) return;
  for (; at > 0 && is_better(&token, &list[at - 1]); at--) list[at] = list[at - 1];
  list[at] = token;
}

/* The chosen atoms of one run: first [m + 1] into number [count]. */
typedef struct {
  int64_t *first, *number;
} Slots;

static PetscErrorCode SlotsCreate(int64_t m, int64_t run, int64_t count, const AtlasAtom *atoms,
                                  Slots *slots)
{
  PetscFunctionBegin;
  PetscCall(ArrayCreate(m + 1, &slots->first));
  PetscCall(ArrayCreate(count, &slots->number));
  for (int64_t i = 0; i < count; i++)
    if (atoms[i].run == run && atoms[i].atom >= 0 && atoms[i].atom < m)
      slots->first[atoms[i].atom + 1]++;
  for (int64_t j = 0; j < m; j++) slots->first[j + 1] += slots->first[j];
  for (int64_t i = count - 1; i >= 0; i--) {
    if (atoms[i].run != run || atoms[i].atom < 0 || atoms[i].atom >= m) continue;
    int64_t at = slots->first[atoms[i].atom + 1] - 1;
    while (slots->number[at]) at--;
    slots->number[at] = i + 1;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Adds what the codes of a tile hold of the chosen atoms. */
static PetscErrorCode AddCodes(const AtlasModel *model, const Codes *codes, int64_t n,
                               const int64_t *row, const Slots *slots, AtlasToken *tokens)
{
  PetscFunctionBegin;
  for (int64_t i = 0; i < n; i++)
    for (int64_t q = codes->start[i]; q < codes->start[i + 1]; q++) {
      const int32_t j = codes->atom[q];
      for (int64_t s = slots->first[j]; s < slots->first[j + 1]; s++) {
        AtlasToken *list = tokens + (slots->number[s] - 1) * ATLAS_TOKENS,
                   token = {row[i], 0, codes->value[q]};
        if (!(token.value > 0) || !is_better(&token, &list[ATLAS_TOKENS - 1])) continue;
        PetscCall(TokensGroups(model->view->tokens, token.row, 1, &token.group));
        put_token(list, token);
      }
    }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* This rank's tiles of the sample through one run's model. */
static PetscErrorCode AddRun(MPI_Comm comm, const AtlasModel *model, int64_t run, int64_t n,
                             const int64_t *sample, int64_t count, const AtlasAtom *atoms,
                             Mistakes *mistakes, AtlasToken *tokens)
{
  char *path = path_join(model->run[run].folder, "model.h5");
  Dictionary *dictionary;
  Codes codes = {0};
  Slots slots;
  int64_t first, here;
  int rank, size;
  float *X;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  PetscCallMPI(MPI_Comm_size(comm, &size));
  PetscCall(DictionaryRead(path, model->view->kernels, mistakes, &dictionary));
  if (dictionary) {
    part_of(n, TILE, rank, size, &first, &here);
    PetscCall(SlotsCreate(dictionary->m, run, count, atoms, &slots));
    PetscCall(ArrayCreate(min_i64(TILE, here) * dictionary->d, &X));
    for (int64_t t = first; t < first + here; t += TILE) {
      const int64_t part = min_i64(TILE, first + here - t);
      PetscCall(ViewRead(model->view, part, sample + t, X));
      PetscCall(DictionaryEncode(dictionary, part, X, &codes));
      PetscCall(AddCodes(model, &codes, part, sample + t, &slots, tokens));
    }
    PetscCall(ArrayDestroy(&X));
    PetscCall(ArrayDestroy(&slots.first));
    PetscCall(ArrayDestroy(&slots.number));
    codes_clear(&codes);
  }
  PetscCall(DictionaryDestroy(&dictionary));
  free(path);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The best of all ranks' lists: a token that belongs there is in the list of its rank. */
static PetscErrorCode JoinRanks(MPI_Comm comm, int64_t count, AtlasToken *tokens)
{
  const int64_t length = count * ATLAS_TOKENS;
  AtlasToken *all;
  int size;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_size(comm, &size));
  PetscCall(ArrayCreate(size * length, &all));
  PetscCallMPI(MPI_Allgather(tokens, (int)(length * (int64_t)sizeof(*tokens)), MPI_BYTE, all,
                             (int)(length * (int64_t)sizeof(*tokens)), MPI_BYTE, comm));
  for (int64_t i = 0; i < length; i++) tokens[i].row = -1;
  for (int64_t i = 0; i < size * length; i++)
    if (all[i].row >= 0) put_token(tokens + i % length / ATLAS_TOKENS * ATLAS_TOKENS, all[i]);
  PetscCall(ArrayDestroy(&all));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode AtlasTokens(MPI_Comm comm, const AtlasModel *model, int64_t limit, int64_t count,
                           const AtlasAtom *atoms, Mistakes *mistakes, AtlasToken *tokens)
{
  const int64_t n = split_sample_count(model->view->split, limit);
  int64_t *sample;

  PetscFunctionBegin;
  memset(tokens, 0, (size_t)(count * ATLAS_TOKENS) * sizeof(*tokens));
  for (int64_t i = 0; i < count * ATLAS_TOKENS; i++) tokens[i].row = -1;
  PetscCall(ArrayCreate(n, &sample));
  PetscCall(SplitSample(model->view->split, limit, sample));
  for (int64_t r = 0; r < model->runs; r++)
    PetscCall(AddRun(comm, model, r, n, sample, count, atoms, mistakes, tokens));
  PetscCall(JoinRanks(comm, count, tokens));
  PetscCall(ArrayDestroy(&sample));
  PetscFunctionReturn(PETSC_SUCCESS);
}

const char atlas_columns[] = "model,kind,group,run,atom,cosine,rank,token,value,token_group,"
                             "position,label,name,text,image,row,column,rows,columns";

PetscErrorCode AtlasRows(const AtlasModel *model, int64_t count, const AtlasAtom *atoms,
                         const AtlasToken *tokens, const Looks *looks, Table *table)
{
  PetscFunctionBegin;
  for (int64_t i = 0; i < count; i++)
    for (int k = 0; k < ATLAS_TOKENS; k++) {
      const AtlasToken *token = &tokens[i * ATLAS_TOKENS + k];
      if (token->row < 0) continue;
      PetscCall(TableAddRow(table));
      table_text(table, "model", model->model);
      table_text(table, "kind", atoms[i].least ? "least" : "most");
      table_integer(table, "group", atoms[i].group);
      table_text(table, "run", model->run[atoms[i].run].id);
      table_integer(table, "atom", atoms[i].atom);
      table_number(table, "cosine", atoms[i].cosine);
      table_integer(table, "rank", k + 1);
      table_integer(table, "token", token->row);
      table_number(table, "value", (double)token->value);
      table_integer(table, "token_group", token->group);
      PetscCall(LooksPut(looks, token->row, token->group, table));
    }
  PetscFunctionReturn(PETSC_SUCCESS);
}
