/* Atoms made of their nearest anchors: which these are, by brute force in float64; what happens to
   weights and moments when they are renewed; and all anchors as support against no support.
   RUN ranks=1
   RUN ranks=3 */
#include "../sae_task.h"
#include "../tap.h"
#include "learn/average.h"
#include "learn/simplex.h"

#define COMM PETSC_COMM_WORLD
enum { N = 700, D = 9, P = 30, Q = 5 };
static const char path[] = "learn_support.test.h5";
#define TRAIN                                                                                      \
  "width=20 train.batch=128 train.steps=40 train.optimizer.lr=0.02 code.name=topk code.k=3 "

static bool has(const int32_t *anchor, int64_t count, int64_t q)
{
  for (int64_t i = 0; i < count; i++)
    if (anchor[i] == q) return true;
  return false;
}

/* Is every anchor among the row's nearer to its point than every other one, rounding aside? */
static bool nearest(const SAE *sae, int64_t j, const float *point, int64_t count)
{
  const int32_t *anchor = sae->support->anchor + j * count;
  double within = 0, without = 1e300;
  for (int64_t q = 0; q < P; q++) {
    double square = 0;
    for (int64_t i = 0; i < D; i++) {
      const double e = (double)point[i] - (double)sae->task->anchors->points[q * D + i];
      square += e * e;
    }
    if (has(anchor, count, q))
      within = fmax(within, square);
    else
      without = fmin(without, square);
  }
  return within <= without * (1 + 1e-5) + 1e-5;
}

static bool ascending(const SAE *sae)
{
  const int64_t count = sae->support->count;
  bool fine = true;
  for (int64_t j = 0; j < sae->rows; j++)
    for (int64_t i = 0; i < count; i++) {
      const int32_t *a = sae->support->anchor + j * count;
      fine &= a[i] >= 0 && a[i] < P && (!i || a[i] > a[i - 1]);
    }
  return fine;
}

static PetscErrorCode Starts(void)
{
  PetscFunctionBeginUser;
  SAETask t;
  SAE *sae;
  PetscCall(SAETaskOpen(COMM, path, TRAIN "atoms.name=hull atoms.support=5", P, &t));
  PetscCall(SAECreate(&t.task, &sae));
  bool fine = ascending(sae);
  for (int64_t j = 0; j < sae->rows; j++) {
    fine &= nearest(sae, j, sae->D + (sae->first + j) * D, Q);
    const AnchorPick from = anchor_pick(PICK_DEFAULT, 3, 20, P, sae->first + j);
    for (int64_t i = 0; i < Q; i++)
      fine &= tensor_named(sae, "W")->p[j * Q + i] ==
              (sae->support->anchor[j * Q + i] == from.q[0] ? 1.0f : 0.0f);
  }
  OK(fine, "each atom starts at its anchor, among those nearest to it");
  PetscCall(SAEDestroy(&sae));
  PetscCall(SAETaskClose(&t));
  PetscCall(SAETaskOpen(COMM, path, TRAIN "atoms.name=hull atoms.support=2", 7, &t));
  PetscCall(SAECreate(&t.task, &sae));
  fine = true;
  for (int64_t j = 0; j < sae->rows; j++) {
    const AnchorPick from = anchor_pick(PICK_DEFAULT, 3, 20, 7, sae->first + j);
    for (int k = 0; k < 2; k++)
      fine &= from.w[k] == 0 || has(sae->support->anchor + j * 2, 2, from.q[k]);
  }
  OK(fine, "a mixture of two starts from both");
  PetscCall(SAEDestroy(&sae));
  PetscCall(SAETaskClose(&t));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Renews by hand after some steps and compares with what stood there before. */
static PetscErrorCode Renews(void)
{
  PetscFunctionBeginUser;
  SAETask t;
  SAE *sae;
  StepReport report;
  int32_t anchor[20 * Q];
  float W[4][20 * Q], point[20 * D];
  PetscCall(SAETaskOpen(COMM, path,
                        "width=20 train.batch=128 train.steps=40 train.optimizer.lr=0.3 "
                        "code.name=topk code.k=3 atoms.name=hull atoms.support=5 atoms.renew=1000 "
                        "train.average.name=ema train.average.decay=0.5",
                        P, &t));
  PetscCall(SAECreate(&t.task, &sae));
  for (int s = 0; s < 20; s++) PetscCall(SAEStep(sae, &report));
  const Tensor *now = tensor_named(sae, "W");
  for (int64_t i = 0; i < sae->rows * Q; i++) now->p[i] = i % Q == 1 ? 0.5f : 0.125f;
  PetscCall(SAEPublish(sae));
  const size_t size = sizeof(float) * (size_t)(sae->rows * Q);
  const float *block[4] = {now->p, now->m, now->v, average_of(sae, now->p)};
  memcpy(anchor, sae->support->anchor, size);
  for (int k = 0; k < 4; k++) memcpy(W[k], block[k], size);
  memcpy(point, sae->D + sae->first * D, sizeof(float) * (size_t)(sae->rows * D));
  sae->step = 999, simplex_renew(sae);
  OK(!memcmp(anchor, sae->support->anchor, size), "nothing is renewed between");
  sae->step = 1000, simplex_renew(sae);
  bool near = ascending(sae), kept = true;
  int64_t changed = 0;
  for (int64_t j = 0; j < sae->rows; j++) {
    const int32_t *is = sae->support->anchor + j * Q, *was = anchor + j * Q;
    double stay = 0;
    changed += memcmp(is, was, Q * sizeof(*is)) != 0;
    near &= nearest(sae, j, point + j * D, Q);
    for (int64_t i = 0; i < Q; i++) stay += has(is, Q, was[i]) ? (double)W[0][j * Q + i] : 0;
    if (!memcmp(is, was, Q * sizeof(*is))) stay = 1;
    for (int64_t i = 0; i < Q; i++) {
      float w = 0, m = 0, v = 0, mean = 0;
      for (int64_t c = 0; c < Q; c++)
        if (was[c] == is[i])
          w = W[0][j * Q + c], m = W[1][j * Q + c], v = W[2][j * Q + c], mean = W[3][j * Q + c];
      kept &= fabs((double)now->p[j * Q + i] - (double)w / stay) < 1e-6 && now->m[j * Q + i] == m &&
              now->v[j * Q + i] == v && block[3][j * Q + i] == mean;
    }
  }
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &changed, 1, MPI_INT64_T, MPI_SUM, COMM));
  OK(near && changed > 2, "renewed: the nearest anchors of where the atoms are now (%d changed)",
     (int)changed);
  OK(kept, "anchors that stay keep weight (divided by their sum), moments and average, others "
           "start at 0");
  PetscCall(SAEDestroy(&sae));
  PetscCall(SAETaskClose(&t));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode AllAnchors(void)
{
  PetscFunctionBeginUser;
  SAETask t[2];
  SAE *sae[2];
  StepReport report;
  const char *const words[] = {TRAIN "atoms.name=hull_relaxed",
                               TRAIN "atoms.name=hull_relaxed atoms.support=30"};
  for (int i = 0; i < 2; i++) {
    PetscCall(SAETaskOpen(COMM, path, words[i], P, &t[i]));
    PetscCall(SAECreate(&t[i].task, &sae[i]));
    for (int s = 0; s < 5; s++) PetscCall(SAEStep(sae[i], &report));
  }
  double off = 0;
  for (int64_t i = 0; i < 20 * D; i++)
    off = fmax(off, fabs((double)sae[0]->D[i] - (double)sae[1]->D[i]));
  OK(off < 1e-4, "a support of all anchors learns what no support learns (%.2g)", off);
  for (int i = 0; i < 2; i++) {
    PetscCall(SAEDestroy(&sae[i]));
    PetscCall(SAETaskClose(&t[i]));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Rows of W begin as mixtures of two anchors that only the init seed draws. */
static PetscErrorCode RandomStart(void)
{
  PetscFunctionBeginUser;
  SAETask t;
  float W[3][20 * P] = {{0}};
  int64_t rows = 0;
  for (int i = 0; i < 3; i++) {
    SAE *sae;
    PetscCall(SAETaskOpen(COMM, path, TRAIN "atoms.name=hull atoms.start=random", P, &t));
    t.task.seed_init = i == 1 ? 77 : 3;
    t.task.seed_anchors = i == 2 ? 78 : 4;
    PetscCall(SAECreate(&t.task, &sae));
    rows = sae->rows;
    memcpy(W[i], tensor_named(sae, "W")->p, (size_t)(rows * P) * sizeof(float));
    PetscCall(SAEDestroy(&sae));
    PetscCall(SAETaskClose(&t));
  }
  const size_t size = (size_t)(rows * P) * sizeof(float);
  bool two = true;
  for (int64_t j = 0; j < rows; j++) {
    int held = 0;
    double sum = 0;
    for (int64_t q = 0; q < P; q++) held += W[0][j * P + q] > 0, sum += (double)W[0][j * P + q];
    two &= held == 2 && fabs(sum - 1) < 1e-6;
  }
  OK(two, "start: random mixes two anchors");
  OK(memcmp(W[0], W[1], size) != 0, "the init seed draws them");
  OK(memcmp(W[0], W[2], size) == 0, "the anchors seed does not");
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Are atoms and the weights' gradient, bit for bit, the sums over whole rows of their anchors? */
static PetscErrorCode SameBits(SAE *sae, const float *atoms, bool *same)
{
  PetscFunctionBeginUser;
  const Tensor *W = tensor_named(sae, "W");
  const int64_t d = sae->d, count = W->cols;
  const float *points = sae->task->anchors->points;
  float *row, *g;
  PetscCall(ArrayCreate(d, &row));
  PetscCall(ArrayCreate(count, &g));
  for (int64_t j = 0; j < sae->rows; j++) {
    const int32_t *anchor = sae->support->anchor + j * count;
    sae->kernels->decode(count, anchor, W->p + j * count, d, points, d, row);
    sae->kernels->blockdots(count, anchor, d, points, d, sae->G + j * d, g);
    *same &= !memcmp(row, atoms + j * d, (size_t)d * sizeof(*row)) &&
             !memcmp(g, W->g + j * count, (size_t)count * sizeof(*g));
  }
  PetscCall(ArrayDestroy(&row));
  PetscCall(ArrayDestroy(&g));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The same for many anchors, those that the atoms start with and others. */
static PetscErrorCode ManyAnchors(void)
{
  PetscFunctionBeginUser;
  enum { MANY = 1300, WIDTH = 70 };
  static const char many[] = "learn_support.many.h5";
  SAETask t;
  SAE *sae;
  float *atoms;
  bool same = true;
  PetscCall(SAETaskTokens(many, 7 * MANY, WIDTH));
  PetscCall(SAETaskOpen(COMM, many,
                        "train.batch=100 train.steps=9 code.name=topk code.k=2 width=120 "
                        "atoms.name=hull atoms.support=20",
                        MANY, &t));
  PetscCall(SAECreate(&t.task, &sae));
  const SAEAtoms *kind = (const SAEAtoms *)sae->params.atoms.entry;
  const Tensor *W = tensor_named(sae, "W");
  PetscCall(ArrayCreate(sae->rows * WIDTH, &atoms));
  for (int64_t i = 0; i < sae->rows * WIDTH; i++)
    sae->G[i] = i % 11 ? (float)random_normal(21, RANDOM_SYNTH, (uint64_t)i) : -0.0f;
  for (int turn = 0; turn < 2; turn++) {
    for (int64_t i = 0; i < W->rows * W->cols; i++) {
      W->p[i] = (float)random_uniform(22, RANDOM_SYNTH, (uint64_t)(2 * i + turn));
      if (turn) sae->support->anchor[i] = (int32_t)(i / W->cols + i % W->cols * 60);
    }
    kind->form(sae, atoms);
    PetscCall(kind->pull_back(sae));
    PetscCall(SameBits(sae, atoms, &same));
  }
  OK(same, "stretches of anchors add in the same order");
  PetscCall(ArrayDestroy(&atoms));
  PetscCall(SAEDestroy(&sae));
  PetscCall(SAETaskClose(&t));
  MPI_Barrier(COMM);
  if (tap_rank == 0) unlink(many);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Atoms and the gradient of their weights against plain sums, where columns or rows take more than
   one block. */
static PetscErrorCode Sums(const char *words, int64_t d, int64_t p)
{
  PetscFunctionBeginUser;
  static const char wide[] = "learn_support.wide.h5";
  SAETask t;
  SAE *sae;
  float *atoms;
  double off = 0, steep = 0;
  PetscCall(SAETaskTokens(wide, 300, d));
  PetscCall(SAETaskOpen(COMM, wide, words, p, &t));
  PetscCall(SAECreate(&t.task, &sae));
  const SAEAtoms *kind = (const SAEAtoms *)sae->params.atoms.entry;
  const Tensor *W = tensor_named(sae, "W");
  PetscCall(ArrayCreate(sae->rows * d, &atoms));
  for (int64_t i = 0; i < sae->rows * d; i++)
    sae->G[i] = (float)random_normal(21, RANDOM_SYNTH, (uint64_t)i);
  for (int64_t i = 0; i < W->rows * W->cols; i++)
    W->p[i] = (float)random_uniform(22, RANDOM_SYNTH, (uint64_t)i);
  kind->form(sae, atoms);
  PetscCall(kind->pull_back(sae));
  for (int64_t j = 0; j < sae->rows; j++)
    for (int64_t i = 0; i < d; i++) {
      double sum = 0;
      for (int64_t q = 0; q < W->cols; q++)
        sum += (double)W->p[j * W->cols + q] *
               (double)t.anchors
                   .points[d * (sae->support ? sae->support->anchor[j * W->cols + q] : q) + i];
      off = fmax(off, fabs(sum - (double)atoms[j * d + i]));
    }
  for (int64_t j = 0; j < sae->rows; j++)
    for (int64_t q = 0; q < W->cols; q++) {
      const float *point =
          t.anchors.points + d * (sae->support ? sae->support->anchor[j * W->cols + q] : q);
      double sum = 0;
      for (int64_t i = 0; i < d; i++) sum += (double)sae->G[j * d + i] * (double)point[i];
      steep = fmax(steep, fabs(sum - (double)W->g[j * W->cols + q]));
    }
  OK(off < 1e-4, "%s, d = %d: atoms are mixtures (%.2g)", words, (int)d, off);
  OK(steep < 1e-3, "and weights learn from their anchors (%.2g)", steep);
  PetscCall(ArrayDestroy(&atoms));
  PetscCall(SAEDestroy(&sae));
  PetscCall(SAETaskClose(&t));
  MPI_Barrier(COMM);
  if (tap_rank == 0) unlink(wide);
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  TestBegin(&argc, &argv);
  RUN(SAETaskTokens(path, N, D));
  RUN(Starts());
  RUN(Renews());
  RUN(AllAnchors());
  RUN(RandomStart());
#define WIDE "train.batch=100 train.steps=9 code.name=topk code.k=2 atoms.name=hull "
  RUN(Sums(WIDE "width=6 atoms.support=3", 129, 9));
  RUN(Sums(WIDE "width=193", 9, 17));
  RUN(ManyAnchors());
  MPI_Barrier(COMM);
  if (tap_rank == 0) unlink(path);
  return TestEnd();
}
