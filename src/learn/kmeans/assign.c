/* A block of tokens is assigned by all ranks: each has its own stretch of it, which its reader
   holds. Cores are not equally fast at all times, so a rank that has done its own takes tokens from
   the ends of what others of its node have left, and reads them itself. Everything summed is an
   integer or exact, so that who did what does not show. */
#include "learn/kmeans.h"
#include <math.h>
#include <string.h>

/* Tokens that are taken at once: at most, and at least where there are so many. */
enum { PIECE = 1024, LEAST = 64 };

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

/* A token that has its answer. */
static void add_token(KMeans *K, const KMeansToken *one)
{
  const int32_t j = K->index[one->answer];
  const double distance = K->distance[one->answer];
  add_member(K->d, one->x, ldexp(1, K->exponent), K->sums + j * K->d);
  K->counts[j]++;
  exact_add(&K->objective, distance);
  if (distance > 0) far_insert(K->far, min_i64(FAR_TOKENS, K->K), (FarToken){distance, one->token});
  if (one->hint) *one->hint = j;
}

/* Tokens at .. of a rank's stretch: searched for and added, but for those that wait. */
static void find(KMeans *K, int rank, int64_t at, int64_t count, const float *X, int64_t answer)
{
  int32_t *hint = kmeans_hints(K, rank, at, count);
  for (int64_t t = 0; t < count; t++) K->guess[answer + t] = hint ? hint[t] : -1;
  K->task->view.kernels->nearest(count, X, K->d, K->nearest, K->index + answer,
                                 K->distance + answer);
  for (int64_t t = 0; t < count; t++) {
    const KMeansToken one = {answer + t, K->share[rank].first + at + t, X + t * K->d,
                             hint ? hint + t : NULL};
    if (K->index[one.answer] < 0)
      K->waiting[K->waits++] = one;
    else
      add_token(K, &one);
  }
}

static void begin(KMeans *K)
{
  K->waits = 0;
  nearest_begin(K->nearest, K->guess, K->index, K->distance);
}

/* Those that wait. */
static void end(KMeans *K)
{
  nearest_end(K->nearest);
  for (int64_t w = 0; w < K->waits; w++) add_token(K, &K->waiting[w]);
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

/* This rank's tokens. */
static PetscErrorCode FindOwn(KMeans *K)
{
  const int rank = nodes_rank(K->nodes);
  int64_t at, count;
  const float *X = NULL;
  PetscFunctionBegin;
  while (take(&K->share[rank], true, 1, &at, &count)) {
    PetscCall(ReaderRows(K->task->reader, at, count, &X));
    find(K, rank, at, count, X, at);
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
static PetscErrorCode FindOthers(KMeans *K)
{
  int64_t at, count, held = 0, row[PIECE];
  PetscFunctionBegin;
  for (int r = slowest(K); take(&K->share[r], false, 2 * LEAST, &at, &count); r = slowest(K)) {
    if (held + count > KMEANS_MORE) end(K), begin(K), held = 0;
    float *X = K->rows + held * K->d;
    for (int64_t t = 0; t < count; t++)
      row[t] = split_row(K->task->view.split, false, K->share[r].first + at + t);
    PetscCall(ViewRead(&K->task->view, count, row, X));
    find(K, r, at, count, X, KMEANS_BLOCK + held);
    held += count;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode KMeansAssign(KMeans *K, const Stretch *stretch)
{
  KMeansShare *own = &K->share[nodes_rank(K->nodes)];
  const Exact none = {0};
  PetscFunctionBegin;
  K->far->count = 0;
  begin(K);
  own->first = stretch->first;
  atomic_store(&own->left, (uint64_t)stretch->count << 32);
  PetscCall(FindOwn(K));
  PetscCall(FindOthers(K));
  end(K);
  exact_join(&K->objective, &none); /* carries, so that ranks can be added */
  PetscCall(JoinFar(K));            /* after which nobody takes tokens of this block */
  PetscFunctionReturn(PETSC_SUCCESS);
}
