/* Laws of the atoms: the constraint holds after project and projecting twice is projecting once,
   pull_back is the gradient of form, few anchors are safe, and a relaxation of size 0 is none.
   RUN ranks=1
   RUN ranks=2
   RUN ranks=3 */
#include "../sae_task.h"
#include "../tap.h"

#define COMM PETSC_COMM_WORLD
enum { N = 600, D = 8 };
static const char path[] = "sae_atoms.test.h5";

static const SAEAtoms *atoms_of(const SAE *sae)
{
  return (const SAEAtoms *)sae->params.atoms.entry;
}

static double noise(uint64_t seed, int64_t i)
{
  return random_normal(seed, RANDOM_SYNTH + 9, (uint64_t)i);
}

static double row_norm(const float *x, int64_t n)
{
  double square = 0;
  for (int64_t i = 0; i < n; i++) square += (double)x[i] * (double)x[i];
  return sqrt(square);
}

static bool is(const SAE *sae, const char *name)
{
  return !strcmp(sae->params.atoms.entry->name, name);
}

/* Do rows of W go to the nearest point of the simplex? All entries shift together then, by as much
   as the row's rounded sum is off 1, however small they are. */
static bool to_nearest(const SAE *sae)
{
  const char *how = settings_get(sae->task->settings, "atoms.simplex");
  return tensor_named((SAE *)sae, "W") && how && !strcmp(how, "euclidean");
}

static bool in_ball(const SAE *sae)
{
  const char *norm = settings_get(sae->task->settings, "atoms.norm");
  return is(sae, "free") && norm && !strcmp(norm, "ball");
}

/* Do the parameters here satisfy what the atoms promise? */
static bool constrained(SAE *sae)
{
  const Tensor *free_rows = tensor_named(sae, "atoms"), *W = tensor_named(sae, "W"),
               *L = tensor_named(sae, "relaxation");
  bool fine = free_rows || W; /* atoms of another kind need their own line here */
  for (int64_t j = 0; j < sae->rows; j++) {
    double sum = 0;
    for (int64_t q = 0; W && q < W->cols; q++) {
      fine &= W->p[j * W->cols + q] >= 0;
      sum += (double)W->p[j * W->cols + q];
    }
    fine &= !W || fabs(sum - 1) < 1e-5;
    const double norm = free_rows ? row_norm(free_rows->p + j * D, D) : 1;
    fine &= in_ball(sae) ? norm < 1 + 1e-6 : fabs(norm - 1) < 1e-6;
    for (int i = 0; i < D && is(sae, "nonnegative"); i++) fine &= free_rows->p[j * D + i] >= 0;
    fine &= !L || row_norm(L->p + j * D, D) <=
                      settings_real(sae->task->settings, "atoms.delta") * (1 + 1e-6);
  }
  return fine;
}

/* The constraint on all parameters here, which were previous (laid out like the block) before. */
static void project(SAE *sae, const float *previous)
{
  for (int i = 0; i < sae->tensors; i++) {
    const Tensor *t = &sae->tensor[i];
    const int64_t half = t->rows / 2;
    const float *before = previous + (t->p - sae->block[0]);
    atoms_of(sae)->project(sae, t, 0, half, before);
    atoms_of(sae)->project(sae, t, half, t->rows - half, before + half * t->cols);
  }
}

static void check_project(SAE *sae, const char *title)
{
  const size_t size = sizeof(float) * (size_t)sae->block_size;
  float *once = malloc(size);
  bool fine = true, same = true;
  for (uint64_t turn = 0; turn < 5; turn++) {
    memcpy(once, sae->block[0], size);
    for (int64_t i = 0; i < sae->block_size; i++)
      sae->block[0][i] += (float)(0.3 * noise(turn, i + 1000 * tap_rank));
    project(sae, once);
    fine &= constrained(sae);
    memcpy(once, sae->block[0], size);
    project(sae, once);
    for (int64_t i = 0; i < sae->block_size; i++)
      same &= fabs((double)sae->block[0][i] - (double)once[i]) <=
              (to_nearest(sae) ? 1.2e-7 : 1e-6 * (fabs((double)once[i]) + 0.01));
  }
  OK(fine, "%s: the constraint holds after project", title);
  OK(same, "%s: projecting twice is projecting once", title);
  free(once);
}

/* <G, D> of all ranks, D formed from the parameters. */
static double height(SAE *sae, const double *G, float *D_here)
{
  double sum = 0;
  atoms_of(sae)->form(sae, D_here);
  for (int64_t i = 0; i < sae->rows * D; i++) sum += G[i] * (double)D_here[i];
  MPI_Allreduce(MPI_IN_PLACE, &sum, 1, MPI_DOUBLE, MPI_SUM, COMM);
  return sum;
}

/* The slope of <G, D> along a random direction of all atoms' parameters, by differences and by
   pull_back. Rows of free atoms are divided by their norm along the way. */
static void check_pull_back(SAE *sae, const char *title)
{
  const size_t size = sizeof(float) * (size_t)sae->block_size;
  Tensor *rows = tensor_named(sae, "atoms");
  const bool unit = rows && !in_ball(sae);
  const double step = 1.0 / 64;
  float *start = malloc(size), *D_here = malloc(sizeof(float) * (size_t)(sae->rows * D + 1));
  double *G = malloc(sizeof(double) * (size_t)(sae->rows * D + 1)), slope = 0, side[2];
  for (int64_t i = 0; i < sae->rows * D; i++) G[i] = noise(7, sae->first * D + i);
  RUN(SAEPublish(sae));
  for (int64_t i = 0; i < sae->rows * D; i++) sae->G[i] = (float)G[i];
  RUN(atoms_of(sae)->pull_back(sae));
  memcpy(start, sae->block[0], size);
  for (int way = 0; way < 2; way++) {
    memcpy(sae->block[0], start, size);
    for (int i = 0; i < sae->tensors; i++) {
      Tensor *t = &sae->tensor[i];
      if (!strncmp(t->name, "encoder", 7) || !strcmp(t->name, "bias")) continue;
      for (int64_t q = 0; q < t->rows * t->cols; q++) {
        const double direction = noise(8, (t->shared ? 0 : sae->first * t->cols) + q + 9999 * i);
        t->p[q] += (float)((way ? -step : step) * direction);
        if (!way && !(t->shared && sae->rank)) slope += direction * (double)t->g[q];
      }
    }
    for (int64_t j = 0; unit && j < sae->rows; j++) {
      const double norm = row_norm(rows->p + j * D, D);
      for (int i = 0; i < D; i++) rows->p[j * D + i] = (float)((double)rows->p[j * D + i] / norm);
    }
    side[way] = height(sae, G, D_here);
  }
  memcpy(sae->block[0], start, size);
  MPI_Allreduce(MPI_IN_PLACE, &slope, 1, MPI_DOUBLE, MPI_SUM, COMM);
  const double measured = (side[0] - side[1]) / (2 * step);
  NEAR(measured, slope, 5e-3 * fabs(slope) + 1e-2, "%s: pull_back is the slope of form (%.4f)",
       title, slope);
  OK(fabs(slope) > 0.1, "%s: which is not 0", title);
  free(start), free(D_here), free(G);
}

/* Rows without a positive part keep what they were. */
static void check_collapsed_row(SAE *sae, const char *title)
{
  Tensor *W = tensor_named(sae, "W"), *rows = tensor_named(sae, "atoms"), *t = W ? W : rows;
  const size_t size = sizeof(float) * (size_t)sae->block_size;
  float *before = malloc(size);
  bool kept = t != NULL;
  memcpy(before, sae->block[0], size);
  for (int64_t i = 0; t && i < t->rows * t->cols; i++)
    t->p[i] = W ? (i % t->cols ? -1.0f : 9e-7f) : 0.0f;
  project(sae, before);
  kept = (t && in_ball(sae)) || to_nearest(sae) || (t && !memcmp(before, sae->block[0], size));
  memcpy(sae->block[0], before, size);
  free(before);
  OK(kept, "%s: a row without enough to divide by keeps its previous value", title);
}

/* Rows of the relaxation half as long as delta stay, those twice as long are halved. */
static void check_shortened(SAE *sae, const char *title)
{
  const Tensor *L = tensor_named(sae, "relaxation");
  const double delta = L ? settings_real(sae->task->settings, "atoms.delta") : 0;
  double worst = 0, row[D];
  for (int64_t j = 0; L && j < L->rows; j++) {
    double square = 0;
    for (int64_t i = 0; i < D; i++) row[i] = noise(11, j * D + i), square += row[i] * row[i];
    const double length = delta * (j % 2 ? 2 : 0.5);
    for (int64_t i = 0; i < D; i++) L->p[j * D + i] = (float)(row[i] *= length / sqrt(square));
    atoms_of(sae)->project(sae, L, j, 1, L->p + j * D);
    for (int64_t i = 0; i < D; i++)
      worst = fmax(worst, fabs((double)L->p[j * D + i] - row[i] * (j % 2 ? 0.5 : 1)));
  }
  OK(worst <= 1e-6 * delta, "%s: a relaxation longer than delta is shortened, others stay", title);
}

/* Rows that take the place of tokens satisfy the constraint; tokens have at most one number above
   0, and a row of atoms that have no others stays where there is none. */
static void check_replace(SAE *sae, const char *title)
{
  const Tensor *rows = tensor_named(sae, "atoms");
  bool stays = true;
  for (int64_t j = 0; j < sae->rows; j++) {
    float x[D], before[D];
    for (int64_t i = 0; i < D; i++) {
      x[i] = (float)noise(12, j * D + i);
      x[i] = j % 2 || i + 1 < D ? -fabsf(x[i]) : 1;
    }
    if (rows) memcpy(before, rows->p + j * D, sizeof(before));
    atoms_of(sae)->replace(sae, j, x, x);
    stays &= !is(sae, "nonnegative") || j % 2 == !memcmp(before, rows->p + j * D, sizeof(before));
  }
  OK(stays && constrained(sae), "%s: rows that take the place of tokens satisfy it", title);
}

static PetscErrorCode Laws(const char *title, const char *words, int64_t p)
{
  PetscFunctionBeginUser;
  SAETask t;
  SAE *sae;
  StepReport report;
  PetscCall(SAETaskOpen(COMM, path, words, p, &t));
  PetscCall(SAECreate(&t.task, &sae));
  OK(constrained(sae), "%s: the constraint holds at the start", title);
  bool alive = true;
  for (int64_t j = 0; j < sae->m; j++) alive &= row_norm(sae->D + j * D, D) > 1e-3;
  OK(alive, "%s: no atom starts at 0", title);
  for (int s = 0; s < 5; s++) PetscCall(SAEStep(sae, &report));
  bool finite = report.state != STEP_FAILED;
  for (int64_t i = 0; i < sae->m * D; i++) finite &= isfinite(sae->D[i]);
  OK(finite && constrained(sae), "%s: and after some steps, all finite", title);
  check_pull_back(sae, title);
  check_collapsed_row(sae, title);
  if (tensor_named(sae, "relaxation")) check_shortened(sae, title);
  check_project(sae, title);
  check_replace(sae, title);
  PetscCall(SAEDestroy(&sae));
  PetscCall(SAETaskClose(&t));
  PetscFunctionReturn(PETSC_SUCCESS);
}

#define TRAIN                                                                                      \
  "width=20 train.batch=128 train.steps=9 train.optimizer.lr=0.01 code.name=topk code.k=3 "

/* A projected row is the nearest point of the simplex: for all corners q, what was taken away does
   not point to the corner, <w - y, e_q - y> <= 0 (and the row is on the simplex: constrained). All
   that is above 0 has lost the same, but for one rounding. */
static PetscErrorCode NearestOfSimplex(int64_t p)
{
  PetscFunctionBeginUser;
  SAETask t;
  SAE *sae;
  PetscCall(SAETaskOpen(COMM, path, TRAIN "atoms.name=hull atoms.simplex=euclidean", p, &t));
  PetscCall(SAECreate(&t.task, &sae));
  Tensor *W = tensor_named(sae, "W");
  const int64_t count = W->rows * p;
  float *before = malloc(sizeof(float) * (size_t)(count + 1));
  double worst = 0, moved = 0;
  bool same = true;
  for (int64_t i = 0; i < count; i++) before[i] = W->p[i] += (float)(0.4 * noise(5, i));
  atoms_of(sae)->project(sae, W, 0, W->rows, before);
  for (int64_t j = 0; j < W->rows; j++) {
    const float *y = W->p + j * p, *w = before + j * p;
    double along = 0, most = -1e9, sum = 0, above = 0;
    for (int64_t q = 0; q < p; q++)
      if (y[q] > 0) sum += (double)w[q], above++;
    for (int64_t q = 0; q < p; q++) {
      same = same && (y[q] == 0 || y[q] == (float)((double)w[q] - (sum - 1) / above));
      const double away = (double)w[q] - (double)y[q];
      along += away * (double)y[q], most = fmax(most, away), moved += fabs(away);
    }
    worst = fmax(worst, most - along);
  }
  OK(constrained(sae) && same && worst < 1e-6 && (moved > 0.1 || !W->rows),
     "euclidean, %d anchors: rows go to the nearest point of the simplex", (int)p);
  free(before);
  PetscCall(SAEDestroy(&sae));
  PetscCall(SAETaskClose(&t));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* delta 0 with a multiplier or without: hull with the same, to the bit. */
static PetscErrorCode StrictIsRelaxedByZero(const char *multiplier)
{
  PetscFunctionBeginUser;
  SAETask t[2];
  SAE *sae[2];
  StepReport report;
  Text words[2] = {{0}, {0}};
  text_add(&words[0], TRAIN "atoms.name=hull atoms.multiplier=%s", multiplier);
  text_add(&words[1], TRAIN "atoms.name=hull_relaxed atoms.delta=0 atoms.multiplier=%s",
           multiplier);
  for (int i = 0; i < 2; i++) {
    PetscCall(SAETaskOpen(COMM, path, words[i].s, 30, &t[i]));
    PetscCall(SAECreate(&t[i].task, &sae[i]));
    for (int s = 0; s < 9; s++) PetscCall(SAEStep(sae[i], &report));
  }
  OK(sae[0]->block_size == sae[1]->block_size &&
         !memcmp(sae[0]->D, sae[1]->D, sizeof(float) * (size_t)(sae[0]->m * D)) &&
         !memcmp(sae[0]->block[0], sae[1]->block[0], sizeof(float) * (size_t)sae[0]->block_size),
     "hull_relaxed with delta 0 learns what hull learns, to the bit; multiplier: %s", multiplier);
  for (int i = 0; i < 2; i++) {
    text_clear(&words[i]);
    PetscCall(SAEDestroy(&sae[i]));
    PetscCall(SAETaskClose(&t[i]));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  TestBegin(&argc, &argv);
  RUN(SAETaskTokens(path, N, D));
  for (const Entry *const *entry = sae_atoms.entries; *entry; entry++)
    for (int few = 0; few < 2; few++) {
      Text words = {0}, title = {0};
      text_add(&words, TRAIN "atoms.name=%s", (*entry)->name);
      text_add(&title, "%s, %s anchors than atoms", (*entry)->name, few ? "fewer" : "more");
      RUN(Laws(title.s, words.s, few ? 7 : 30));
      text_clear(&words);
      text_clear(&title);
    }
  RUN(Laws("free rows in the unit ball", TRAIN "atoms.name=free atoms.norm=ball", 0));
  RUN(Laws("hull_relaxed with delta 0", TRAIN "atoms.name=hull_relaxed atoms.delta=0", 30));
  RUN(Laws("hull_relaxed with a small delta", TRAIN "atoms.name=hull_relaxed atoms.delta=0.01",
           30));
  RUN(Laws("hull of 6 anchors", TRAIN "atoms.name=hull atoms.support=6 atoms.renew=2", 30));
  RUN(Laws("hull_relaxed of 2 anchors, fewer anchors than atoms",
           TRAIN "atoms.name=hull_relaxed atoms.support=2 atoms.renew=3", 7));
  RUN(Laws("hull with one anchor", TRAIN "atoms.name=hull", 1));
  RUN(Laws("hull with a multiplier", TRAIN "atoms.name=hull atoms.multiplier=true", 30));
  RUN(Laws("hull, euclidean", TRAIN "atoms.name=hull atoms.simplex=euclidean", 30));
  RUN(Laws("hull_relaxed of 6 anchors, euclidean",
           TRAIN "atoms.name=hull_relaxed atoms.simplex=euclidean atoms.support=6 atoms.renew=2",
           30));
  RUN(NearestOfSimplex(30));
  RUN(NearestOfSimplex(2));
  RUN(StrictIsRelaxedByZero("false"));
  RUN(StrictIsRelaxedByZero("true"));
  MPI_Barrier(COMM);
  if (tap_rank == 0) unlink(path);
  return TestEnd();
}
