/* A block of tokens is assigned by all ranks: each has its own stretch of it, which its reader
   holds. Cores are not equally fast at all times, so a rank that has done its own takes tokens from
   the ends of what others of its node have left, and reads them itself. Everything summed is an
   integer or exact, so that who did what does not show. */
#include "learn/kmeans.h"
#include <math.h>
#include <string.h>

/* Tokens that are taken at once: at most, and at least where there are so many. */
enum { PIECE = KMEANS_PIECE, LEAST = 64 };

static bool before(const FarToken *a, const FarToken *b)
{
  return a->distance > b->distance || (a->distance == b->distance && a->token < b->token);
}

static void far_insert(FarList *list, int64_t most, FarToken one)
{
  if (list->count == most && !before(&one, &list->far[most - 1])) return;
  int64_t at = list->count < most ? list->count++ : most - 1;
  for (; at > 0 && before(&one, &list->far[at - 1]); at--) list->far[at] = list->far[at - 1];
  list->far[at] = one;
}

/* Joins the ranks' lists to the one that all hold. */
static PetscErrorCode JoinFar(KMeans *K)
{
  FarList *all, list = {.count = K->number[KMEANS_FAR]};
  const int64_t most = min_i64(FAR_TOKENS, K->K);
  PetscFunctionBegin;
  for (int64_t q = 0; q < list.count; q++)
    list.far[q] = (FarToken){K->far_distance[q], K->far_token[q]};
  PetscCall(ArrayCreate(K->size, &all));
  PetscCallMPI(MPI_Allgather(K->far, sizeof(FarList), MPI_BYTE, all, sizeof(FarList), MPI_BYTE,
                             K->task->comm));
  for (int r = 0; r < K->size; r++)
    for (int64_t q = 0; q < all[r].count; q++) far_insert(&list, most, all[r].far[q]);
  for (int64_t q = 0; q < list.count; q++) {
    K->far_distance[q] = list.far[q].distance;
    K->far_token[q] = list.far[q].token;
  }
  K->number[KMEANS_FAR] = list.count;
  PetscCall(ArrayDestroy(&all));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void add_member(int64_t d, const float *x, double scale, int64_t *restrict sum)
{
  for (int64_t i = 0; i < d; i++) sum[i] += llrint((double)x[i] * scale);
}

/* Adds tokens token .. token + count - 1, whose answers begin at element `answer`. */
static void add_tokens(KMeans *K, int64_t token, int64_t count, int64_t answer, const float *X)
{
  const double scale = ldexp(1, K->exponent);
  const int64_t most = min_i64(FAR_TOKENS, K->K);
  for (int64_t t = 0; t < count; t++) {
    const int64_t j = K->index[answer + t];
    const double distance = K->distance[answer + t];
    add_member(K->d, X + t * K->d, scale, K->sums + j * K->d);
    K->counts[j]++;
    exact_add(&K->objective, distance);
    if (distance > 0) far_insert(K->far, most, (FarToken){distance, token + t});
  }
}

/* Tokens that nobody has taken: from is in the low half of a word, to in the high one. */
static int64_t left_of(uint64_t word)
{
  return (int64_t)(word >> 32) - (int64_t)(word & UINT32_MAX);
}

/* How many to take of so many: some stay for others when the end is near. */
static int64_t piece_of(int64_t left)
{
  return min_i64(left, max_i64(LEAST, min_i64(PIECE, (left / 4 + 63) / 64 * 64)));
}

/* Takes tokens at .. at + count - 1 of a stretch, from its front or from its end, where no fewer
   than least are left. */
static bool take(KMeansShare *share, bool front, int64_t least, int64_t *at, int64_t *count)
{
  uint64_t word = atomic_load(&share->left), rest;
  do {
    const int64_t left = left_of(word);
    if (left < least) return false;
    const uint64_t piece = (uint64_t)(*count = piece_of(left));
    rest = front ? word + piece : word - (piece << 32);
    *at = (int64_t)(front ? word & UINT32_MAX : rest >> 32);
  } while (!atomic_compare_exchange_weak(&share->left, &word, rest));
  return true;
}

static void search(KMeans *K, int64_t count, const float *X, int64_t answer)
{
  K->task->view.kernels->nearest(count, X, K->d, K->nearest, K->index + answer,
                                 K->distance + answer);
}

/* This rank's tokens, the first done of its stretch: those that no other rank took. */
static PetscErrorCode DoOwn(KMeans *K, int64_t *done)
{
  KMeansShare *own = &K->share[nodes_rank(K->nodes)];
  int64_t at, count;
  const float *X = NULL;
  PetscFunctionBegin;
  for (*done = 0; take(own, true, 1, &at, &count); *done = at + count) {
    PetscCall(ReaderRows(K->task->reader, at, count, &X));
    search(K, count, X, at);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The rank of this node with the most tokens left. */
static int slowest(const KMeans *K)
{
  int most = 0;
  for (int r = 1; r < nodes_size(K->nodes); r++)
    if (left_of(atomic_load(&K->share[r].left)) > left_of(atomic_load(&K->share[most].left)))
      most = r;
  return most;
}

/* Tokens of others; their answers stand behind those of this rank's stretch. */
static PetscErrorCode DoOthers(KMeans *K)
{
  int64_t at, count, row[PIECE];
  PetscFunctionBegin;
  for (int r = slowest(K); take(&K->share[r], false, 2 * LEAST, &at, &count); r = slowest(K)) {
    const int64_t token = K->share[r].first + at;
    for (int64_t t = 0; t < count; t++) row[t] = split_row(K->task->view.split, false, token + t);
    PetscCall(ViewRead(&K->task->view, count, row, K->rows));
    kmeans_begin(K, r, at, count, KMEANS_BLOCK);
    search(K, count, K->rows, KMEANS_BLOCK);
    kmeans_end(K, r, at, count, KMEANS_BLOCK);
    add_tokens(K, token, count, KMEANS_BLOCK, K->rows);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode KMeansAssign(KMeans *K, const Stretch *stretch)
{
  const int rank = nodes_rank(K->nodes);
  const Exact none = {0};
  const float *X = NULL;
  int64_t done;
  PetscFunctionBegin;
  K->far->count = 0;
  kmeans_begin(K, rank, 0, stretch->count, 0);
  K->share[rank].first = stretch->first;
  atomic_store(&K->share[rank].left, (uint64_t)stretch->count << 32);
  PetscCall(DoOwn(K, &done));
  kmeans_end(K, rank, 0, done, 0);
  PetscCall(DoOthers(K));
  PetscCall(ReaderRows(K->task->reader, 0, done, &X));
  add_tokens(K, stretch->first, done, 0, X);
  exact_join(&K->objective, &none); /* carries, so that ranks can be added */
  PetscCall(JoinFar(K));            /* after which nobody takes tokens of this block */
  PetscFunctionReturn(PETSC_SUCCESS);
}
