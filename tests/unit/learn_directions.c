/* ica and sparse_pca against plain loops over the tokens, turn by turn: docs/methods.md section 4.
   RUN ranks=1
   RUN ranks=2 */
#include "../plain_classical.h"

enum { N = 1025, D = 6, MOST = 6 }; /* the last leaf is of one token */
static const char path[] = "learn_directions.tokens.h5";
static double X[N * D]; /* tokens less their mean */
static double mean[D], values[D], vectors[D * D];

/* Heavy-tailed independent sources, some noise, away from 0. */
static double sources(int64_t row, int64_t i)
{
  double x = 1 + 0.3 * (double)i + 0.1 * noise((uint64_t)(row * D + i + 1));
  for (int64_t f = 0; f < 5; f++) {
    const double u = 2 * noise((uint64_t)(1000000 + row * 5 + f)) - 1, cube = u * u * u;
    x += (double)(f + 2) * cube * cube * u * (noise((uint64_t)(2000000 + f * D + i)) - 0.5);
  }
  return x;
}

/* The same in the first three dimensions, the others constant. */
static double flat(int64_t row, int64_t i)
{
  return i < 3 ? sources(row, i) : 2;
}

/* The same far from 0. */
static double far(int64_t row, int64_t i)
{
  return sources(row, i) + 500;
}

static double wide(int64_t row, int64_t i)
{
  return noise((uint64_t)(row * 200 + i));
}

static void settle(int64_t d, double *x, double *beside)
{
  int64_t top = 0;
  for (int64_t i = 1; i < d; i++)
    if (fabs(x[i]) > fabs(x[top])) top = i;
  for (int64_t i = 0; i < d && x[top] < 0; i++)
    if (i != top) x[i] = -x[i], beside[i] = -beside[i];
  if (x[top] < 0) x[top] = -x[top], beside[top] = -beside[top];
}

/* Tokens less their mean, and their principal directions. */
static PetscErrorCode Read(const Learner *l)
{
  static Plain p;
  double A[D * D] = {0}, spare[D];
  PetscFunctionBeginUser;
  PetscCall(PlainTokens(l, &p));
  memset(mean, 0, sizeof(mean));
  for (int64_t i = 0; i < N * D; i++) mean[i % D] += p.X[i] / N;
  for (int64_t i = 0; i < N * D; i++) X[i] = p.X[i] - mean[i % D];
  for (int64_t t = 0; t < N; t++)
    for (int64_t i = 0; i < D * D; i++) A[i] += X[t * D + i / D] * X[t * D + i % D] / N;
  plain_eigen(D, A, values, vectors);
  for (int64_t k = 0; k < D; k++) {
    settle(D, vectors + k * D, spare);
    if (values[k] <= values[0] / (1 << 20)) values[k] = 0;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static int64_t directions(int64_t m)
{
  int64_t r = 0;
  while (r < m && values[r] > 0) r++;
  return r;
}

/* W = (W W^T)^(-1/2) W for its leading r x r block; the rest becomes 0. */
static void decorrelate(int64_t m, int64_t r, double *W)
{
  double A[MOST * MOST] = {0}, size[MOST], v[MOST * MOST], old[MOST * MOST];
  memcpy(old, W, (size_t)(m * m) * sizeof(*W));
  memset(W, 0, (size_t)(m * m) * sizeof(*W));
  for (int64_t i = 0; i < r * r; i++)
    for (int64_t l = 0; l < r; l++) A[i] += old[i / r * m + l] * old[i % r * m + l];
  plain_eigen(r, A, size, v);
  for (int64_t i = 0; i < r; i++)
    for (int64_t j = 0; j < r; j++) {
      double root = 0; /* of the inverse, at i, j */
      for (int64_t q = 0; q < r; q++) root += v[q * r + i] * v[q * r + j] / sqrt(size[q]);
      for (int64_t l = 0; l < r; l++) W[i * m + l] += root * old[j * m + l];
    }
}

/* One iteration over all tokens; how far the farthest row has turned. */
static double turn(int64_t m, bool cube, double *W)
{
  double next[MOST * MOST] = {0}, most = 0;
  const int64_t r = directions(m);
  for (int64_t t = 0; t < N; t++) {
    double white[MOST] = {0};
    for (int64_t l = 0; l < r; l++)
      for (int64_t i = 0; i < D; i++)
        white[l] += vectors[l * D + i] * X[t * D + i] / sqrt(values[l]);
    for (int64_t j = 0; j < r; j++) {
      double y = 0;
      for (int64_t l = 0; l < r; l++) y += W[j * m + l] * white[l];
      const double g = cube ? y * y * y : tanh(y), slope = cube ? 3 * y * y : 1 - tanh(y) * tanh(y);
      for (int64_t l = 0; l < r; l++) next[j * m + l] += (g * white[l] - slope * W[j * m + l]) / N;
    }
  }
  decorrelate(m, r, next);
  for (int64_t j = 0; j < r; j++) {
    double cosine = 0;
    for (int64_t l = 0; l < r; l++) cosine += next[j * m + l] * W[j * m + l];
    most = fmax(most, 1 - fabs(cosine));
  }
  memcpy(W, next, sizeof(next));
  return most;
}

/* Atoms, longest first, and the encoder from W. */
static void mixing(int64_t m, const double *W, double *atoms, double *encoder)
{
  double a[MOST * D] = {0}, e[MOST * D] = {0}, size[MOST];
  int64_t order[MOST];
  for (int64_t j = 0; j < m; j++) {
    for (int64_t l = 0; l < directions(m); l++)
      for (int64_t i = 0; i < D; i++) {
        a[j * D + i] += W[j * m + l] * sqrt(values[l]) * vectors[l * D + i];
        e[j * D + i] += W[j * m + l] / sqrt(values[l]) * vectors[l * D + i];
      }
    settle(D, a + j * D, e + j * D);
    size[j] = plain_norm(D, a + j * D);
  }
  plain_order(m, size, order);
  for (int64_t i = 0; i < m * D; i++) {
    atoms[i] = a[order[i / D] * D + i % D];
    encoder[i] = e[order[i / D] * D + i % D];
  }
}

/* What the learner holds against atoms, encoder and bias. */
static double model_off(Learner *l, const double *atoms, const double *encoder)
{
  const double none[MOST] = {0};
  const double off =
      fmax(learner_off(l, "atoms", atoms), learner_off(l, "encoder/weight", encoder));
  return fmax(off, fmax(learner_off(l, "bias", mean), learner_off(l, "encoder/bias", none)));
}

static PetscErrorCode CheckICA(int64_t m, bool cube, int iterations)
{
  Learner l;
  char words[200];
  double W[MOST * MOST], atoms[MOST * D], encoder[MOST * D], off = 0, way = 0;
  bool told = true;
  PetscFunctionBeginUser;
  snprintf(words, sizeof(words), "method=ica width=%d fun=%s iterations=%d tolerance=0", (int)m,
           cube ? "cube" : "logcosh", iterations);
  PetscCall(LearnerOpen(path, words, 0, 1, &l));
  PetscCall(Read(&l));
  for (int64_t j = 0; j < m; j++) {
    for (int64_t i = 0; i < D; i++)
      atoms[j * D + i] = random_normal(1, RANDOM_ENCODER, (uint64_t)(j * D + i));
    const double size = plain_norm(D, atoms + j * D);
    for (int64_t i = 0; i < D; i++) atoms[j * D + i] /= size;
  }
  NEAR(fmax(learner_off(&l, "atoms", atoms), learner_off(&l, "encoder/weight", atoms)), 0, 1e-6,
       "%s: its start", words);
  for (int64_t i = 0; i < m * m; i++) W[i] = random_normal(1, RANDOM_ATOMS, (uint64_t)i);
  decorrelate(m, directions(m), W);
  for (int pass = 0; pass <= iterations; pass++) {
    const double turned = pass ? turn(m, cube, W) : 1;
    mixing(m, W, atoms, encoder);
    PetscCall(LearnerPass(&l));
    const StepReport *r = &l.report;
    off = fmax(off, model_off(&l, atoms, encoder));
    told = told && r->log && r->values == 1 && !strcmp(r->value[0].name, "turned") &&
           r->step == pass + 1 && r->steps == iterations + 1 &&
           r->state == (pass < iterations ? STEP_MORE : STEP_DONE);
    way = fmax(way, fabs(r->value[0].value - turned));
  }
  NEAR(off, 0, 5e-5, "%s: atoms and encoder", words);
  NEAR(way, 0, 1e-5, "%s: how far it turned", words);
  OK(told && !strcmp(l.report.reason, "iterations"), "%s: what it tells", words);
  PetscCall(LearnerClose(&l));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* It ends with the first iteration that turns no row by as much as the tolerance. */
static PetscErrorCode CheckEnds(const char *words, double tolerance)
{
  Learner l;
  double way = 1, before = 1;
  PetscFunctionBeginUser;
  PetscCall(LearnerOpen(path, words, 0, 1, &l));
  for (int pass = 0; pass < 200 && l.report.state == STEP_MORE; pass++) {
    PetscCall(LearnerPass(&l));
    before = way, way = l.report.value[0].value;
  }
  OK(way < tolerance && before >= tolerance && !strcmp(l.report.reason, "converged"),
     "%s: ends after %d passes, turned by %g", words, (int)l.report.step, way);
  PetscCall(LearnerClose(&l));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* More sums in an iteration than in the pass before: sources are as many as dimensions, the mixing
   undoes the unmixing. */
static PetscErrorCode CheckWide(int64_t d)
{
  Learner l;
  char words[80];
  double worst = 0;
  PetscFunctionBeginUser;
  snprintf(words, sizeof(words), "method=ica width=%d iterations=1", (int)d);
  PetscCall(LearnerOpen(path, words, 0, 1, &l));
  PetscCall(LearnerPass(&l));
  PetscCall(LearnerPass(&l));
  const float *atoms = learner_array(&l, "atoms")->data,
              *encoder = learner_array(&l, "encoder/weight")->data;
  for (int64_t j = 0; j < d * d; j++) {
    double sum = j / d == j % d ? -1 : 0;
    for (int64_t i = 0; i < d; i++)
      sum += (double)atoms[j / d * d + i] * (double)encoder[j % d * d + i];
    worst = fmax(worst, isnan(sum) ? 1 : fabs(sum));
  }
  NEAR(worst, 0, 1e-4, "%s: the mixing undoes the unmixing", words);
  PetscCall(LearnerClose(&l));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Factors of all tokens and loadings. */
typedef struct {
  int64_t m;
  double U[N * MOST], V[MOST * D];
} Loadings;

/* Lasso of all dimensions on the factors, by coordinates, until nothing moves. */
static void lasso(Loadings *s, double l1)
{
  const int64_t m = s->m;
  double M[MOST * MOST] = {0}, Q[MOST * D] = {0};
  for (int64_t t = 0; t < N; t++)
    for (int64_t k = 0; k < m; k++) {
      for (int64_t l = 0; l < m; l++) M[k * m + l] += s->U[t * m + k] * s->U[t * m + l] / N;
      for (int64_t i = 0; i < D; i++) Q[k * D + i] += s->U[t * m + k] * X[t * D + i] / N;
    }
  for (int sweep = 0; sweep < 3000; sweep++)
    for (int64_t k = 0; k < m; k++)
      for (int64_t i = 0; i < D && M[k * m + k] > 0; i++) {
        double left = Q[k * D + i];
        for (int64_t l = 0; l < m; l++)
          if (l != k) left -= M[k * m + l] * s->V[l * D + i];
        s->V[k * D + i] = copysign(fmax(fabs(left) - l1, 0), left) / M[k * m + k];
      }
}

static double residual(const Loadings *s, int64_t t, int64_t i)
{
  double left = X[t * D + i];
  for (int64_t k = 0; k < s->m; k++) left -= s->U[t * s->m + k] * s->V[k * D + i];
  return left;
}

/* Each factor in turn the best one for the loadings, of mean square 1 at most. */
static void factors(Loadings *s)
{
  for (int64_t k = 0; k < s->m; k++) {
    double square = 0;
    const double *v = s->V + k * D, size = plain_norm(D, v) * plain_norm(D, v);
    if (!(size > 1e-12)) continue;
    for (int64_t t = 0; t < N; t++) {
      double along = 0;
      for (int64_t i = 0; i < D; i++) along += residual(s, t, i) * v[i];
      s->U[t * s->m + k] += along / size;
      square += s->U[t * s->m + k] * s->U[t * s->m + k] / N;
    }
    for (int64_t t = 0; t < N; t++) s->U[t * s->m + k] /= fmax(sqrt(square), 1);
  }
}

static double objective_of(const Loadings *s, double l1)
{
  double sum = 0;
  for (int64_t i = 0; i < s->m * D; i++) sum += l1 * fabs(s->V[i]);
  for (int64_t t = 0; t < N; t++)
    for (int64_t i = 0; i < D; i++) sum += residual(s, t, i) * residual(s, t, i) / 2 / N;
  return sum;
}

/* Atoms are the loadings as unit rows; the encoder is (V V^T + ridge)^(-1) V. */
static void sparse_model(const Loadings *s, double ridge, double *atoms, double *encoder)
{
  const int64_t m = s->m;
  double A[MOST * MOST] = {0}, spare[D];
  memcpy(atoms, s->V, sizeof(s->V));
  for (int64_t k = 0; k < m; k++) {
    const double size = plain_norm(D, atoms + k * D);
    settle(D, atoms + k * D, spare);
    for (int64_t i = 0; i < D && size > 0; i++) atoms[k * D + i] /= size;
  }
  for (int64_t k = 0; k < m * m; k++) {
    A[k] = k / m == k % m ? ridge : 0;
    for (int64_t i = 0; i < D; i++) A[k] += atoms[k / m * D + i] * atoms[k % m * D + i];
  }
  for (int64_t i = 0; i < D; i++) {
    double b[MOST] = {0}, x[MOST] = {0};
    for (int64_t k = 0; k < m; k++) b[k] = atoms[k * D + i];
    plain_solve(m, A, b, x);
    for (int64_t k = 0; k < m; k++) encoder[k * D + i] = x[k];
  }
}

static PetscErrorCode CheckSparse(int64_t m, double l1, int iterations, double tolerance,
                                  const char *reason, int64_t empty)
{
  static Loadings s;
  Learner l;
  char words[200];
  double atoms[MOST * D], encoder[MOST * D], last = (double)INFINITY, now = 0;
  int64_t none = 0;
  PetscFunctionBeginUser;
  snprintf(words, sizeof(words),
           "method=sparse_pca width=%d l1=%g iterations=%d tolerance=%g ridge=0.05", (int)m, l1,
           iterations, tolerance);
  PetscCall(LearnerOpen(path, words, 0, 1, &l));
  PetscCall(Read(&l));
  s.m = m;
  memset(s.V, 0, sizeof(s.V));
  memset(s.U, 0, sizeof(s.U));
  for (int64_t k = 0; k < directions(m); k++)
    for (int64_t i = 0; i < D; i++) {
      s.V[k * D + i] = sqrt(values[k]) * vectors[k * D + i];
      for (int64_t t = 0; t < N; t++)
        s.U[t * m + k] += vectors[k * D + i] * X[t * D + i] / sqrt(values[k]);
    }
  for (int turns = 0; turns < (iterations ? iterations : 1); turns++) {
    if (turns) factors(&s);
    lasso(&s, l1);
    now = objective_of(&s, l1);
    if (turns && last - now <= tolerance * last) break;
    last = now;
  }
  for (int64_t k = 0; k < m; k++) none += plain_norm(D, s.V + k * D) == 0;
  sparse_model(&s, 0.05, atoms, encoder);
  PetscCall(LearnerPass(&l));
  const StepReport *r = &l.report;
  NEAR(model_off(&l, atoms, encoder), 0, 5e-5, "%s: atoms and encoder", words);
  NEAR(r->value[0].value / now, 1, 1e-6, "%s: objective", words);
  OK(none == empty, "%s: %d empty atoms", words, (int)none);
  OK(r->log && r->values == 1 && !strcmp(r->value[0].name, "objective") && r->step == 1 &&
         r->steps == 1 && r->state == STEP_DONE && !strcmp(r->reason, reason),
     "%s: what it tells, %s", words, r->reason);
  PetscCall(LearnerClose(&l));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  TestBegin(&argc, &argv);
  RUN(MethodTokens(path, N, D, sources));
  RUN(CheckICA(4, false, 3));
  RUN(CheckICA(3, true, 3));
  RUN(CheckICA(6, false, 0));
  RUN(CheckEnds("method=ica width=3 tolerance=1e-3", 1e-3));
  RUN(CheckStopped(path, "method=ica width=4 iterations=2", 0));
  RUN(CheckSparse(4, 0.05, 0, 0, "iterations", 0));
  RUN(CheckSparse(4, 0.05, 1, 0, "iterations", 0));
  RUN(CheckSparse(4, 0.05, 2, 0, "iterations", 0));
  RUN(CheckSparse(4, 0.05, 5, 0, "iterations", 0));
  RUN(CheckSparse(5, 0.2, 4, 0, "iterations", 2));
  RUN(CheckSparse(6, 0.04, 20, 0, "iterations", 1)); /* two atoms turn their signs */
  RUN(CheckSparse(4, 0.05, 1000, 0.01, "converged", 0));
  RUN(MethodTokens(path, N, D, far));
  RUN(CheckICA(3, false, 1));
  RUN(MethodTokens(path, 400, 130, wide));
  RUN(CheckWide(130));
  RUN(MethodTokens(path, N, D, flat));
  RUN(CheckICA(5, false, 2));
  RUN(CheckSparse(5, 0.05, 3, 0, "iterations", 2));
  MPI_Barrier(PETSC_COMM_WORLD);
  if (tap_rank == 0) unlink(path);
  return TestEnd();
}
