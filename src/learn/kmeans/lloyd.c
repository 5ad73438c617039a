/* Lloyd's iterations over tokens that stay on disk: a step assigns one block of tokens, the last
   step of an iteration also moves the centroids. Everything summed is an integer or exact, so the
   blocks and the ranks do not show. */
#include "learn/kmeans.h"
#include <math.h>
#include <string.h>

enum { LEAST = 3072 }; /* tokens of a step, where no fewer are left */

int kmeans_exponent(const View *view, int64_t n, double *most)
{
  const TokenStatistics *statistics = tokens_statistics(view->tokens);
  const Normaliser *normaliser = view->normaliser;
  *most = 0;
  for (int64_t i = 0; i < normaliser->d; i++) { /* rounding keeps the order of values */
    float x[2] = {(float)statistics->minimum[i], (float)statistics->maximum[i]};
    for (int l = 0; l < 2; l++) {
      view->kernels->normalise(1, 1, &x[l], 1, normaliser->mu + i, normaliser->inv + i);
      *most = fmax(*most, fabs((double)x[l]));
    }
  }
  int exponent;
  frexp((double)n * *most, &exponent);
  return *most > 0 ? 62 - exponent : 0;
}

PetscErrorCode KMeansGather(const Task *task, int64_t count, const int64_t *token, float *rows)
{
  const int64_t d = task->view.normaliser->d, most = max_i64(1, ((int64_t)1 << 26) / d);
  int rank, size;
  int64_t first, mine, *row;
  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_rank(task->comm, &rank));
  PetscCallMPI(MPI_Comm_size(task->comm, &size));
  part_of(count, 1, rank, size, &first, &mine);
  PetscCall(ArrayCreate(mine, &row));
  for (int64_t j = 0; j < mine; j++) row[j] = split_row(task->view.split, false, token[first + j]);
  PetscCall(ViewRead(&task->view, mine, row, rows + first * d));
  PetscCall(ArrayDestroy(&row));
  for (int r = 0; r < size; r++) {
    part_of(count, 1, r, size, &first, &mine);
    for (int64_t j = 0; j < mine; j += most)
      PetscCallMPI(MPI_Bcast(rows + (first + j) * d, (int)(min_i64(most, mine - j) * d), MPI_FLOAT,
                             r, task->comm));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Tokens of one step: at most some seconds of work for each rank. */
static int64_t block_size(const KMeans *K)
{
  const int64_t each = ((int64_t)1 << 37) / max_i64(1, K->K * K->d);
  return K->size * max_i64(LEAST, min_i64(each, KMEANS_BLOCK));
}

/* This rank's tokens of the block that begins at a position. */
static Stretch block_part(const KMeans *K, int64_t position)
{
  const int64_t block = min_i64(block_size(K), K->n - position);
  int64_t first, count;
  part_of(block, 1, K->rank, K->size, &first, &count);
  return (Stretch){.first = position + first, .count = count};
}

/* The centroids that this rank sums and moves for its node. */
static Stretch own_part(const KMeans *K)
{
  Stretch own;
  part_of(K->K, 1, nodes_rank(K->nodes), nodes_size(K->nodes), &own.first, &own.count);
  return own;
}

/* Sums of all ranks where memory is not enough to read them; nobody reads centroids after this. */
static PetscErrorCode SumRanks(KMeans *K)
{
  PetscFunctionBegin;
  PetscCall(NodesSum(K->nodes, K->K, K->counts));
  if (nodes_count(K->nodes) > 1) PetscCall(NodesSum(K->nodes, K->K * K->d, K->sums));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The sums of one of this rank's centroids, with what the others of its node hold of it, which
   nobody else reads: theirs become 0. */
static int64_t *take_sums(const KMeans *K, int64_t j)
{
  int64_t *restrict sums = K->sums + j * K->d;
  for (int r = 0; r < nodes_size(K->nodes) && nodes_count(K->nodes) == 1; r++) {
    int64_t *restrict other = K->all_sums + (r * K->K + j) * K->d;
    if (r == nodes_rank(K->nodes)) continue;
    for (int64_t i = 0; i < K->d; i++) sums[i] += other[i];
    memset(other, 0, (size_t)K->d * sizeof(*other));
  }
  return sums;
}

static void clear_sums(KMeans *K)
{
  memset(K->sums, 0, (size_t)(K->K * K->d) * sizeof(*K->sums));
}

/* Empty centroids go to the farthest tokens; those that find none stay. */
static PetscErrorCode FillEmpty(KMeans *K, int64_t *empty)
{
  const Stretch own = own_part(K);
  int64_t taken = 0, centroid[FAR_TOKENS];
  float *rows;
  PetscFunctionBegin;
  *empty = 0;
  for (int64_t j = 0; j < K->K; j++) {
    if (K->counts[j]) continue;
    ++*empty;
    if (taken < K->number[KMEANS_FAR]) centroid[taken++] = j;
  }
  PetscCall(ArrayCreate(taken * K->d, &rows));
  PetscCall(KMeansGather(K->task, taken, K->far_token, rows));
  for (int64_t q = 0; q < taken; q++)
    if (centroid[q] >= own.first && centroid[q] < own.first + own.count)
      memcpy(K->centroids + centroid[q] * K->d, rows + q * K->d, (size_t)K->d * sizeof(float));
  PetscCall(ArrayDestroy(&rows));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The centroids of the next iteration: each rank sums and moves its own ones. Sums become 0. */
static PetscErrorCode Move(KMeans *K, int64_t *empty)
{
  const double unit = ldexp(1, -K->exponent);
  const Stretch own = own_part(K);
  PetscFunctionBegin;
  for (int64_t j = own.first; j < own.first + own.count; j++) {
    float *c = K->centroids + j * K->d;
    memcpy(K->previous + j * K->d, c, (size_t)K->d * sizeof(float));
    if (!K->counts[j]) continue;
    int64_t *sums = take_sums(K, j);
    for (int64_t i = 0; i < K->d; i++)
      c[i] = (float)((double)sums[i] * unit / (double)K->counts[j]);
    memset(sums, 0, (size_t)K->d * sizeof(*sums));
  }
  if (nodes_count(K->nodes) > 1) clear_sums(K);
  PetscCall(FillEmpty(K, empty));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Back to the centroids before the last move. */
static void move_back(KMeans *K)
{
  const Stretch own = own_part(K);
  memcpy(K->centroids + own.first * K->d, K->previous + own.first * K->d,
         (size_t)(own.count * K->d) * sizeof(float));
}

/* After the last block: moves the centroids, or ends. */
static PetscErrorCode EndIteration(KMeans *K, StepReport *report)
{
  int64_t empty = 0;
  PetscFunctionBegin;
  PetscCall(SumRanks(K));
  PetscCall(ExactSum(K->task->comm, 1, &K->objective));
  const double objective = exact_value(&K->objective);
  const bool first = K->number[KMEANS_ITERATION] == 0;
  if (!isfinite(objective)) {
    report->state = STEP_FAILED;
    report->reason = "the objective is not finite";
    clear_sums(K);
  } else if (!first && !(objective < K->last)) {
    move_back(K);
    clear_sums(K);
    K->number[KMEANS_ENDED] = KMEANS_CONVERGED;
  } else {
    PetscCall(Move(K, &empty));
    K->last = objective;
    K->number[KMEANS_ITERATION]++;
  }
  PetscCall(NodesBarrier(K->nodes)); /* all centroids are there, and nobody reads sums */
  memset(K->counts, 0, (size_t)K->K * sizeof(int64_t));
  memset(&K->objective, 0, sizeof(K->objective));
  K->number[KMEANS_POSITION] = K->number[KMEANS_FAR] = 0;
  K->moved = true;
  report->log = K->number[KMEANS_ENDED] != KMEANS_CONVERGED; /* the last pass changed nothing */
  report->values = 2;
  report->value[0].name = "objective";
  report->value[0].value = K->last;
  report->value[1].name = "empty";
  report->value[1].value = (double)empty;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode KMeansStep(KMeans *K, StepReport *report)
{
  int64_t *position = &K->number[KMEANS_POSITION];
  PetscFunctionBegin;
  *report = (StepReport){.state = STEP_MORE, .steps = K->params.iterations};
  if (K->number[KMEANS_ITERATION] < K->params.iterations && !K->number[KMEANS_ENDED]) {
    const int64_t block = min_i64(block_size(K), K->n - *position);
    const bool last = *position + block == K->n;
    const Stretch now = block_part(K, *position),
                  next = block_part(K, last ? 0 : *position + block);
    const bool ends = last && K->number[KMEANS_ITERATION] + 1 >= K->params.iterations;
    PetscCall(KMeansPrepare(K, *position / K->size)); /* blocks before this one were whole */
    PetscCall(ReaderAsk(K->task->reader, &now, ends ? NULL : &next));
    PetscCall(KMeansAssign(K, &now));
    *position += block;
    report->tokens = block;
    if (*position == K->n) PetscCall(EndIteration(K, report));
  }
  if (K->number[KMEANS_ITERATION] >= K->params.iterations && !K->number[KMEANS_ENDED])
    K->number[KMEANS_ENDED] = KMEANS_ITERATIONS;
  if (report->state == STEP_MORE && K->number[KMEANS_ENDED]) {
    report->state = STEP_DONE;
    report->reason = K->number[KMEANS_ENDED] == KMEANS_CONVERGED ? "converged" : "iterations";
  }
  report->step = K->number[KMEANS_ITERATION];
  PetscFunctionReturn(PETSC_SUCCESS);
}
