/* convexnmf and archetypal_analysis against plain loops, pass by pass: docs/methods.md section 4.
   RUN ranks=1
   RUN ranks=2
   RUN ranks=3 */
#include "../plain_classical.h"
#include "learn/pick.h"

enum { N = 1100, D = 6, MOST = 12 };
static const char path[] = "learn_mixtures.tokens.h5";
static Plain p;
static double C[MOST * D], W[PLAIN_M * MOST]; /* [anchors x D], [m x anchors] */

static double mixed(int64_t row, int64_t i)
{
  double x = 0.1 * noise((uint64_t)(row * D + i + 1));
  for (int64_t f = 0; f < 5; f++) {
    const double u = fmax(noise((uint64_t)(1000000 + row * 5 + f)) - 0.5, 0);
    x += (double)(f + 2) * u * (noise((uint64_t)(2000000 + f * D + i)) - 0.3);
  }
  return x;
}

/* The nearest point of the simplex: of all sets of weights the one whose threshold fits. */
static void to_simplex(int64_t count, double *w)
{
  double low = -1e3, high = 1e3;
  for (int turn = 0; turn < 200; turn++) { /* sum max(0, w - threshold) = 1 by halves */
    const double middle = (low + high) / 2;
    double sum = 0;
    for (int64_t q = 0; q < count; q++) sum += fmax(w[q] - middle, 0);
    *(sum > 1 ? &low : &high) = middle;
  }
  for (int64_t q = 0; q < count; q++) w[q] = fmax(w[q] - high, 0);
}

static void form(int64_t anchors)
{
  memset(p.D, 0, sizeof(p.D));
  for (int64_t j = 0; j < p.m; j++)
    for (int64_t q = 0; q < anchors; q++)
      for (int64_t i = 0; i < D; i++) p.D[j * D + i] += W[j * anchors + q] * C[q * D + i];
}

/* One step of projected gradient on all rows of W. */
static void renew(int64_t anchors, double steepest, bool strict)
{
  for (int64_t j = 0; j < p.m; j++) {
    double g[D], size = 0;
    for (int64_t l = 0; l < p.m; l++) size += fabs(p.S[j * p.m + l]);
    for (int64_t i = 0; i < D; i++) {
      g[i] = -p.T[j * D + i];
      for (int64_t l = 0; l < p.m; l++) g[i] += p.S[j * p.m + l] * p.D[l * D + i];
    }
    for (int64_t q = 0; q < anchors && size * steepest > 0; q++)
      for (int64_t i = 0; i < D; i++) W[j * anchors + q] -= g[i] * C[q * D + i] / (size * steepest);
    if (strict) to_simplex(anchors, W + j * anchors);
    for (int64_t q = 0; q < anchors; q++) W[j * anchors + q] = fmax(W[j * anchors + q], 0);
  }
  form(anchors);
}

static double steepest_of(int64_t anchors)
{
  double A[D * D] = {0}, values[D], vectors[D * D];
  for (int64_t q = 0; q < anchors; q++)
    for (int64_t i = 0; i < D * D; i++) A[i] += C[q * D + i / D] * C[q * D + i % D];
  plain_eigen(D, A, values, vectors);
  return values[0];
}

typedef struct {
  const char *method, *pick;
  Pick as;
  int64_t m, anchors;
  int passes, sweeps;
  bool strict;
  double weight; /* of the penalty */
  bool nothing;  /* the first anchor is 0, which no token uses */
} Case;

/* So many passes from the picked anchors on, then one that ends the run. */
static PetscErrorCode Check(const Case *c)
{
  Learner l;
  char words[300], *to = words, *end = words + sizeof(words);
  double atoms = 0, weights = 0, objective = 0;
  bool told = true;
  PetscFunctionBeginUser;
  to += snprintf(to, (size_t)(end - to),
                 "method=%s width=%d pick=%s sweeps=%d iterations=%d tolerance=0", c->method,
                 (int)c->m, c->pick, c->sweeps, c->passes);
  if (!c->strict) to += snprintf(to, (size_t)(end - to), " strict=false");
  if (c->weight > 0)
    to += snprintf(to, (size_t)(end - to), " sparsity.name=l1 sparsity.weight=%g", c->weight);
  PetscCall(LearnerTask(path, words, c->anchors, 1, &l));
  if (c->nothing) memset(l.t.anchors.points, 0, D * sizeof(float));
  PetscCall(LearnerBegin(&l));
  PetscCall(PlainTokens(&l, &p));
  p.m = c->m, p.l1 = c->weight * D / 2, p.either_sign = false;
  p.simplex = !strcmp(c->method, "archetypal_analysis");
  for (int64_t i = 0; i < c->anchors * D; i++) C[i] = (double)l.t.anchors.points[i];
  memset(W, 0, sizeof(W));
  for (int64_t j = 0; j < c->m; j++) {
    const AnchorPick picked = anchor_pick(c->as, 3, c->m, c->anchors, j);
    for (int q = 0; q < 2; q++) W[j * c->anchors + picked.q[q]] += (double)picked.w[q];
  }
  form(c->anchors);
  NEAR(fmax(learner_off(&l, "W", W), learner_off(&l, "atoms", p.D)), 0, 1e-6, "%s: its start",
       words);
  const double steepest = steepest_of(c->anchors);
  for (int pass = 0; pass <= c->passes; pass++) {
    plain_pass(&p);
    for (int s = 0; s < c->sweeps && pass < c->passes; s++) renew(c->anchors, steepest, c->strict);
    PetscCall(LearnerPass(&l));
    const StepReport *r = &l.report;
    atoms = fmax(atoms, learner_off(&l, "atoms", p.D));
    weights = fmax(weights, learner_off(&l, "W", W));
    told = told && r->values == 1 && r->step == pass + 1 && r->steps == c->passes + 1 &&
           r->state == (pass < c->passes ? STEP_MORE : STEP_DONE);
    if (r->values)
      objective = fmax(objective, fabs(r->value[0].value / (p.objective / (double)p.n) - 1));
  }
  NEAR(atoms, 0, 2e-5, "%s: atoms", words);
  NEAR(weights, 0, 5e-5, "%s: weights", words);
  NEAR(objective, 0, 5e-6, "%s: objectives", words);
  OK(told && !strcmp(l.report.reason, "iterations"), "%s: what it tells", words);
  PetscCall(LearnerClose(&l));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  static const Case cases[] = {
      {"convexnmf", "identity", PICK_IDENTITY, 5, 12, 3, 3, true},
      {"convexnmf", "permuted", PICK_PERMUTED, 4, 12, 3, 20, false},
      {"convexnmf", "random_subset", PICK_RANDOM_SUBSET, 4, 9, 3, 2, true, .weight = 0.05},
      {"convexnmf", "default", PICK_DEFAULT, 6, 4, 0, 2, true},
      {"convexnmf", "identity", PICK_IDENTITY, 4, 9, 3, 2, false, .nothing = true},
      {"archetypal_analysis", "identity", PICK_IDENTITY, 5, 12, 3, 3, true},
      {"archetypal_analysis", "default", PICK_DEFAULT, 4, 12, 3, 4, true, .nothing = true},
  };
  TestBegin(&argc, &argv);
  RUN(MethodTokens(path, N, D, mixed));
  for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) RUN(Check(&cases[i]));
  RUN(CheckStopped(path, "method=convexnmf width=4 iterations=2", 12));
  MPI_Barrier(PETSC_COMM_WORLD);
  if (tap_rank == 0) unlink(path);
  return TestEnd();
}
