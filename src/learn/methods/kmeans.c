/* k-means as a method: the settings, the state, and the door to src/learn/kmeans. */
#include "learn/classical.h"
#include "learn/kmeans.h"
#include <string.h>

static const Param params[] = {
    {"width", PARAM_INT, offsetof(KMeansParams, width), NULL, 1, 1e9, "centroids"},
    {"iterations", PARAM_INT, offsetof(KMeansParams, iterations), "25", 0, 1e6,
     "most passes over the training tokens; it ends earlier when the objective stops falling"},
    {"init", PARAM_CHOICE, offsetof(KMeansParams, init), "random", .doc = "the first centroids",
     .family = &kmeans_inits},
    {0},
};

static char *check(const void *settings, const Settings *all, const char **path)
{
  const int64_t width = ((const KMeansParams *)settings)->width,
                train = settings_int(all, "tokens.train");
  Text reason = {0};
  if (train == 0 || width <= train) return NULL;
  *path = "width";
  text_add(&reason, "%lld centroids are more than the %lld training tokens", (long long)width,
           (long long)train);
  return reason.s;
}

static PetscErrorCode Allocate(KMeans *K)
{
  PetscFunctionBegin;
  PetscCall(NodesCreate(K->task->comm, &K->nodes));
  PetscCall(SharedCreate(K->nodes, K->K * K->d, &K->centroids));
  PetscCall(SharedCreate(K->nodes, K->K * K->d, &K->previous));
  PetscCall(SharedCreate(K->nodes, nodes_size(K->nodes) * K->K * K->d, &K->all_sums));
  K->sums = K->all_sums + nodes_rank(K->nodes) * K->K * K->d;
  PetscCall(ArrayCreate(K->K, &K->counts));
  PetscCall(SharedCreate(K->nodes, nodes_size(K->nodes), &K->share));
  PetscCall(ArrayCreate(1, &K->far));
  PetscCall(ArrayCreate(KMEANS_ANSWERS, &K->index));
  PetscCall(ArrayCreate(KMEANS_ANSWERS, &K->guess));
  PetscCall(ArrayCreate(KMEANS_ANSWERS, &K->distance));
  PetscCall(ArrayScratch(KMEANS_ANSWERS, &K->waiting));
  PetscCall(ArrayScratch(nodes_size(K->nodes) > 1 ? KMEANS_MORE * K->d : 0, &K->rows));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The first centroids, once on each node. */
static PetscErrorCode Start(KMeans *K)
{
  const KMeansStart start = {
      .task = K->task, .K = K->K, .d = K->d, .n = K->n, .seed = (uint64_t)K->task->seed_init};
  float *C;
  PetscFunctionBegin;
  PetscCall(ArrayCreate(K->K * K->d, &C));
  PetscCall(((const KMeansInit *)K->params.init.entry)->start(&start, C));
  if (nodes_rank(K->nodes) == 0) memcpy(K->centroids, C, (size_t)(K->K * K->d) * sizeof(*C));
  PetscCall(NodesBarrier(K->nodes));
  PetscCall(ArrayDestroy(&C));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Create(const Task *task, void **self)
{
  KMeans *K;
  double most;
  PetscFunctionBegin;
  PetscCall(ArrayCreate(1, &K));
  *self = K;
  K->task = task;
  PetscCall(ParamsRead(task->settings, "", params, &K->params));
  PetscCallMPI(MPI_Comm_rank(task->comm, &K->rank));
  PetscCallMPI(MPI_Comm_size(task->comm, &K->size));
  K->K = K->params.width;
  K->d = task->view.normaliser->d;
  K->n = split_count(task->view.split, false);
  PetscCheck(K->K <= K->n, task->comm, PETSC_ERR_ARG_SIZ, "%lld centroids of %lld tokens",
             (long long)K->K, (long long)K->n);
  K->exponent = kmeans_exponent(&task->view, K->n, &most);
  PetscCall(Allocate(K));
  PetscCall(Start(K));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Destroy(void **self)
{
  KMeans *K = *self;
  PetscFunctionBegin;
  PetscCall(NearestDestroy(&K->nearest));
  PetscCall(DirectionsDestroy(&K->directions));
  PetscCall(SharedDestroy(K->nodes, &K->hint));
  PetscCall(SharedDestroy(K->nodes, &K->share));
  PetscCall(SharedDestroy(K->nodes, &K->centroids));
  PetscCall(SharedDestroy(K->nodes, &K->previous));
  PetscCall(SharedDestroy(K->nodes, &K->all_sums));
  PetscCall(NodesDestroy(&K->nodes));
  PetscCall(ArrayDestroy(&K->counts));
  PetscCall(ArrayDestroy(&K->far));
  PetscCall(ArrayDestroy(&K->index));
  PetscCall(ArrayDestroy(&K->guess));
  PetscCall(ArrayDestroy(&K->distance));
  PetscCall(ArrayDestroy(&K->waiting));
  PetscCall(ArrayDestroy(&K->rows));
  PetscCall(ParamsRelease(params, &K->params));
  PetscCall(ArrayDestroy((KMeans **)self));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Save(void *self, State *state)
{
  KMeans *K = self;
  PetscFunctionBegin;
  state_shared(state, "centroids", H5_F32, 2, K->K, K->d, K->centroids);
  state_shared(state, "previous", H5_F32, 2, K->K, K->d, K->previous);
  state_summed(state, "sums", K->K * K->d, K->sums);
  state_summed(state, "counts", K->K, K->counts);
  state_summed(state, "objective", sizeof(Exact) / 8, (int64_t *)&K->objective);
  state_shared(state, "last", H5_F64, 1, 1, 1, &K->last);
  state_shared(state, "position", H5_I64, 1, KMEANS_NUMBERS, 1, K->number);
  state_shared(state, "far/distance", H5_F64, 1, FAR_TOKENS, 1, K->far_distance);
  state_shared(state, "far/token", H5_I64, 1, FAR_TOKENS, 1, K->far_token);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Resumed(void *self)
{
  PetscFunctionBegin;
  PetscCall(NearestDestroy(&((KMeans *)self)->nearest));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static int64_t seen(const void *self)
{
  const KMeans *K = self;
  return K->number[KMEANS_ITERATION] * K->n + K->number[KMEANS_POSITION];
}

static PetscErrorCode Step(void *self, StepReport *report)
{
  PetscFunctionBegin;
  PetscCall(KMeansStep(self, report));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Model(void *self, State *model)
{
  KMeans *K = self;
  PetscFunctionBegin;
  state_shared(model, "atoms", H5_F32, 2, K->K, K->d, K->centroids);
  PetscFunctionReturn(PETSC_SUCCESS);
}

const Method method_kmeans = {
    .entry = {"kmeans", "k-means: a token's code is 1 at its nearest centroid",
              "Lloyd 1982, IEEE Trans. Inf. Theory 28, 129", params, sizeof(KMeansParams),
              SEED_INIT, .check = check},
    .create = Create,
    .state = Save,
    .resumed = Resumed,
    .seen = seen,
    .step = Step,
    .model = Model,
    .destroy = Destroy,
    .encode = EncodeNearest,
};
