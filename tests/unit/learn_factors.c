/* nmf, seminmf and dictionary_learning against plain loops, pass by pass: docs/methods.md
   section 4. RUN ranks=1 RUN ranks=2 */
#include "../plain_classical.h"

enum { N = 1100, D = 6 };
static const char path[] = "learn_factors.tokens.h5";
static Plain p;

/* Nonnegative, of five directions. */
static double mixed(int64_t row, int64_t i)
{
  double x = 0.1 * noise((uint64_t)(row * D + i + 1));
  for (int64_t f = 0; f < 5; f++) {
    const double u = fmax(noise((uint64_t)(1000000 + row * 5 + f)) - 0.5, 0);
    x += (double)(f + 2) * u * fmax(noise((uint64_t)(2000700 + f * D + i)) - 0.5, 0);
  }
  return x;
}

/* The same in the first three dimensions, 0 in the rest. */
static double flat(int64_t row, int64_t i)
{
  return i < 3 ? mixed(row, i) : 0;
}

/* Dimensions go nearly together. */
static double along(int64_t row, int64_t i)
{
  return (1 + 2 * noise((uint64_t)(5000000 + row))) * (1 + 0.02 * mixed(row, i));
}

static double either(int64_t row, int64_t i)
{
  return mixed(row, i) - 0.6 * noise((uint64_t)(3000000 + i));
}

/* One after another, each the best one while the others stay. */
static void one_by_one(Plain *a)
{
  for (int64_t j = 0; j < a->m; j++)
    for (int64_t i = 0; i < a->d && a->S[j * a->m + j] > 0; i++) {
      double left = a->T[j * a->d + i];
      for (int64_t l = 0; l < a->m; l++)
        if (l != j) left -= a->S[j * a->m + l] * a->D[l * a->d + i];
      a->D[j * a->d + i] = fmax(left / a->S[j * a->m + j], 0);
    }
}

static void by_factors(Plain *a)
{
  double times[PLAIN_M * PLAIN_D];
  for (int64_t j = 0; j < a->m; j++)
    for (int64_t i = 0; i < a->d; i++) {
      double below = 0;
      for (int64_t l = 0; l < a->m; l++) below += a->S[j * a->m + l] * a->D[l * a->d + i];
      times[j * a->d + i] = below > 0 ? a->T[j * a->d + i] / below : 1;
    }
  for (int64_t i = 0; i < a->m * a->d; i++) a->D[i] *= times[i];
}

/* (S + 1e-8 of its mean diagonal) D = T. */
static void least_squares(Plain *a)
{
  const int64_t m = a->m, d = a->d;
  double A[PLAIN_M * PLAIN_M], b[PLAIN_M] = {0}, x[PLAIN_M], trace = 0;
  for (int64_t j = 0; j < m; j++) trace += a->S[j * m + j];
  for (int64_t i = 0; i < m * m; i++)
    A[i] = a->S[i] + (i / m == i % m ? 1e-8 * trace / (double)m : 0);
  for (int64_t i = 0; i < d; i++) {
    for (int64_t j = 0; j < m; j++) b[j] = a->T[j * d + i];
    if (!plain_solve(m, A, b, x)) return;
    for (int64_t j = 0; j < m; j++)
      if (a->S[j * m + j] > 0) a->D[j * d + i] = x[j];
  }
}

/* Each the best unit row while the others stay. */
static void unit_rows(Plain *a)
{
  for (int64_t j = 0; j < a->m; j++) {
    double row[PLAIN_D];
    if (!(a->S[j * a->m + j] > 0)) continue;
    for (int64_t i = 0; i < a->d; i++) {
      row[i] = a->T[j * a->d + i];
      for (int64_t l = 0; l < a->m; l++)
        if (l != j) row[i] -= a->S[j * a->m + l] * a->D[l * a->d + i];
    }
    const double size = plain_norm(a->d, row);
    for (int64_t i = 0; i < a->d && size > 0; i++) a->D[j * a->d + i] = row[i] / size;
  }
}

/* Unit rows, most energy first. */
static void settle(Plain *a)
{
  double energy[PLAIN_M], size[PLAIN_M], old[PLAIN_M * PLAIN_D];
  int64_t order[PLAIN_M];
  memcpy(old, a->D, sizeof(old));
  for (int64_t j = 0; j < a->m; j++) {
    size[j] = plain_norm(a->d, old + j * a->d);
    energy[j] = a->S[j * a->m + j] * size[j] * size[j];
  }
  plain_order(a->m, energy, order);
  for (int64_t j = 0; j < a->m; j++)
    for (int64_t i = 0; i < a->d; i++) {
      const double x = old[order[j] * a->d + i];
      a->D[j * a->d + i] = size[order[j]] > 0 ? x / size[order[j]] : x;
    }
}

/* Boutsidis and Gallopoulos 2008 by singular vectors of the tokens on both sides: gives how many
   atoms are the negative part of theirs. */
static int singular_parts(Plain *a, bool fill)
{
  double A[PLAIN_D * PLAIN_D] = {0}, values[PLAIN_D], vectors[PLAIN_D * PLAIN_D];
  const int64_t d = a->d;
  int turned = 0;
  for (int64_t t = 0; t < a->n; t++)
    for (int64_t i = 0; i < d * d; i++) A[i] += a->X[t * d + i / d] * a->X[t * d + i % d];
  plain_eigen(d, A, values, vectors);
  for (int64_t j = 0; j < a->m; j++) {
    double part[2] = {0, 0}, across[2] = {0, 0}, size = 0, mean = 0;
    const double *v = vectors + j * d;
    double *atom = a->D + j * d;
    for (int64_t t = 0; t < a->n; t++) {
      double u = 0;
      for (int64_t i = 0; i < d; i++) u += a->X[t * d + i] * v[i];
      across[u < 0] += u * u;
    }
    for (int64_t i = 0; i < d; i++) part[v[i] < 0] += v[i] * v[i];
    const bool negative = sqrt(part[1] * across[1]) > sqrt(part[0] * across[0]);
    int64_t top = 0;
    for (int64_t i = 1; i < d; i++)
      if (fabs(v[i]) > fabs(v[top])) top = i;
    turned += negative == (v[top] > 0) && values[j] > 1e-5 * values[0];
    for (int64_t i = 0; i < d; i++)
      atom[i] = values[j] > 1e-5 * values[0] ? fmax(negative ? -v[i] : v[i], 0) : 0;
    size = plain_norm(d, atom);
    for (int64_t i = 0; i < d && size > 0; i++) mean += (atom[i] /= size) / (double)d;
    for (int64_t i = 0; i < d && fill; i++)
      if (atom[i] == 0) atom[i] = mean / 100;
  }
  return turned;
}

static void normals(Plain *a)
{
  for (int64_t j = 0; j < a->m; j++) {
    double *row = a->D + j * a->d;
    for (int64_t i = 0; i < a->d; i++)
      row[i] = fabs(random_normal(1, RANDOM_ATOMS, (uint64_t)(j * a->d + i)));
    const double size = plain_norm(a->d, row);
    for (int64_t i = 0; i < a->d; i++) row[i] /= size;
  }
}

static void tokens(Plain *a, bool unit)
{
  for (int64_t j = 0; j < a->m; j++) {
    const double *x = a->X + random_permuted(1, RANDOM_ATOMS, 0, a->n, j) * a->d,
                 size = unit ? plain_norm(a->d, x) : 1;
    for (int64_t i = 0; i < a->d; i++) a->D[j * a->d + i] = x[i] / size;
  }
}

/* So many passes from atoms D on, then one that ends the run; each is what plain loops make of it.
 */
static PetscErrorCode CheckPasses(Learner *l, const char *words, int passes, int sweeps,
                                  void (*renew)(Plain *))
{
  double worst = 0, objective = 0;
  bool told = true;
  PetscFunctionBeginUser;
  for (int pass = 0; pass <= passes; pass++) {
    plain_pass(&p);
    for (int s = 0; s < sweeps && pass < passes; s++) renew(&p);
    if (pass == passes) settle(&p);
    PetscCall(LearnerPass(l));
    const StepReport *r = &l->report;
    worst = fmax(worst, learner_off(l, "atoms", p.D));
    told = told && r->log && r->values == 1 && !strcmp(r->value[0].name, "objective") &&
           r->state == (pass < passes ? STEP_MORE : STEP_DONE) &&
           r->step == r->steps - passes + pass;
    if (r->values)
      objective = fmax(objective, fabs(r->value[0].value / (p.objective / (double)p.n) - 1));
  }
  NEAR(worst, 0, 2e-5, "%s: atoms of %d passes", words, passes);
  NEAR(objective, 0, 2e-5, "%s: objectives", words);
  OK(told && l->report.reason && !strcmp(l->report.reason, "iterations"), "%s: what it tells",
     words);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Atom j becomes `share` times atom 0, so that no token uses it. */
static void twin(Learner *l, int64_t j, double share)
{
  float *atoms = learner_array(l, "atoms")->data;
  for (int64_t i = 0; i < p.d; i++) {
    p.D[j * p.d + i] = share * p.D[i];
    atoms[j * p.d + i] = (float)share * atoms[i];
  }
}

/* turned: so many singular vectors have their lesser part taken; twins as below. */
static PetscErrorCode CheckNMF(int64_t m, bool singular, bool factors, int sweeps, int turned,
                               bool twins)
{
  Learner l;
  char words[200];
  double first = 0;
  PetscFunctionBeginUser;
  snprintf(words, sizeof(words),
           "method=nmf width=%d start=%s solver=%s sweeps=%d iterations=3 tolerance=0", (int)m,
           singular ? "nndsvd" : "random", factors ? "multiplicative" : "hals", sweeps);
  PetscCall(LearnerOpen(path, words, 0, 1, &l));
  PetscCall(PlainTokens(&l, &p));
  p.m = m, p.l1 = 0, p.either_sign = p.simplex = false;
  if (singular) {
    for (int64_t i = 0; i < m * p.d; i++) p.D[i] = i / p.d % p.d == i % p.d;
    first = learner_off(&l, "atoms", p.D);
    PetscCall(LearnerPass(&l));
    PetscCall(LearnerPass(&l));
    OK(l.report.step == 2 && l.report.steps == 6 && !l.report.values, "%s: two passes before",
       words);
    const int found = singular_parts(&p, factors);
    OK(found == turned, "%s: %d atoms are the lesser part of theirs", words, found);
  } else {
    normals(&p);
  }
  NEAR(fmax(first, learner_off(&l, "atoms", p.D)), 0, 1e-5, "%s: its start", words);
  if (twins) twin(&l, 1, 1);
  PetscCall(CheckPasses(&l, words, 3, sweeps, factors ? by_factors : one_by_one));
  PetscCall(LearnerClose(&l));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* weight: of the penalty. The last atom is scaled, so that its codes outweigh all others;
   axes: atoms start there, so that many are in use together. */
static PetscErrorCode CheckSemi(int64_t m, double weight, bool twins, double scale, bool axes)
{
  Learner l;
  char words[200];
  PetscFunctionBeginUser;
  snprintf(words, sizeof(words),
           "method=seminmf width=%d iterations=3 tolerance=0 sparsity.name=%s sparsity.weight=%g",
           (int)m, weight > 0 ? "l1" : "none", weight);
  PetscCall(LearnerOpen(path, words, 0, 1, &l));
  PetscCall(PlainTokens(&l, &p));
  p.m = m, p.l1 = weight * (double)p.d / 2, p.either_sign = p.simplex = false;
  tokens(&p, weight > 0);
  NEAR(learner_off(&l, "atoms", p.D), 0, 1e-7, "%s: its start", words);
  if (twins) twin(&l, 1, 1);
  for (int64_t i = 0; i < m * p.d && axes; i++) {
    p.D[i] = i / p.d == i % p.d;
    ((float *)learner_array(&l, "atoms")->data)[i] = (float)p.D[i];
  }
  float *last = (float *)learner_array(&l, "atoms")->data + (m - 1) * p.d;
  for (int64_t i = 0; i < p.d; i++) {
    last[i] *= (float)scale;
    p.D[(m - 1) * p.d + i] *= (double)(float)scale;
  }
  PetscCall(CheckPasses(&l, words, 3, weight > 0 ? 10 : 1, weight > 0 ? unit_rows : least_squares));
  PetscCall(LearnerClose(&l));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Mairal et al. 2009, algorithm 2: each atom once, from forgetful means A and B in S and T. */
static void online_atoms(Plain *a)
{
  for (int64_t j = 0; j < a->m; j++) {
    double u[PLAIN_D];
    const double square = a->S[j * a->m + j];
    if (!(square > 1e-6)) continue;
    for (int64_t i = 0; i < a->d; i++) {
      u[i] = a->D[j * a->d + i] + a->T[j * a->d + i] / square;
      for (int64_t l = 0; l < a->m; l++) u[i] -= a->S[j * a->m + l] * a->D[l * a->d + i] / square;
    }
    const double size = fmax(plain_norm(a->d, u), 1);
    for (int64_t i = 0; i < a->d; i++) a->D[j * a->d + i] = u[i] / size;
  }
}

/* half: 0, or the atom that becomes half of atom 0, but whose products with the next one begin as
   they would be of an atom in use. */
static PetscErrorCode CheckOnline(int64_t m, int64_t batch, double l1, bool positive, int64_t half)
{
  static double A[PLAIN_M * PLAIN_M], B[PLAIN_M * PLAIN_D];
  Learner l;
  char words[200];
  double worst = 0, objective = 0;
  bool told = true;
  PetscFunctionBeginUser;
  snprintf(words, sizeof(words),
           "method=dictionary_learning width=%d batch=%d l1=%g positive=%s epochs=2", (int)m,
           (int)batch, l1, positive ? "true" : "false");
  PetscCall(LearnerOpen(path, words, 0, 1, &l));
  PetscCall(PlainTokens(&l, &p));
  const int64_t n = p.n, per_epoch = (n + batch - 1) / batch;
  p.m = m, p.l1 = l1, p.either_sign = !positive, p.simplex = false;
  tokens(&p, true);
  NEAR(learner_off(&l, "atoms", p.D), 0, 1e-7, "%s: its start", words);
  memset(A, 0, sizeof(A));
  memset(B, 0, sizeof(B));
  if (half) {
    const int64_t next = half + 1 < m ? half + 1 : 0;
    double *mean = learner_array(&l, "codes")->data;
    twin(&l, half, 0.5);
    for (int64_t i = 0; i < 2; i++) {
      const int64_t at = i ? half * m + next : next * m + half;
      mean[at] = A[at] = 20;
    }
  }
  for (int64_t step = 0; step < 2 * per_epoch; step++) {
    const Stretch part = {.shuffled = true,
                          .seed = 2,
                          .epoch = step / per_epoch,
                          .first = step % per_epoch * batch,
                          .count = min_i64(batch, n - step % per_epoch * batch)};
    const double t = (double)(step + 1), b = (double)batch,
                 theta = step + 1 < batch ? t * b : b * b + t - b,
                 beta = (theta + 1 - b) / (theta + 1);
    const float *X;
    Reader *reader; /* of this test's own */
    PetscCall(ReaderCreate(&l.t.task.view, &reader));
    PetscCall(ReaderAsk(reader, &part, NULL));
    PetscCall(ReaderRows(reader, 0, part.count, &X));
    p.n = part.count;
    for (int64_t i = 0; i < p.n * p.d; i++) p.X[i] = (double)X[i];
    PetscCall(ReaderDestroy(&reader));
    plain_pass(&p);
    for (int64_t i = 0; i < m * m; i++) p.S[i] = A[i] = beta * A[i] + p.S[i] / (double)p.n;
    for (int64_t i = 0; i < m * p.d; i++) p.T[i] = B[i] = beta * B[i] + p.T[i] / (double)p.n;
    online_atoms(&p);
    PetscCall(l.method->step(l.learner, &l.report)); /* leaves have 128 tokens */
    told = told && l.report.tokens == min_i64(128 * tap_size, part.count);
    if (l.report.tokens < part.count) PetscCall(LearnerPass(&l));
    const StepReport *r = &l.report;
    worst = fmax(worst, learner_off(&l, "atoms", p.D));
    told = told && r->log && r->values == 1 && !strcmp(r->value[0].name, "objective") &&
           r->step == step + 1 && r->steps == 2 * per_epoch &&
           r->state == (r->step < r->steps ? STEP_MORE : STEP_DONE);
    if (r->values)
      objective = fmax(objective, fabs(r->value[0].value / (p.objective / (double)p.n) - 1));
  }
  NEAR(worst, 0, 2e-5, "%s: atoms of %d batches", words, (int)(2 * per_epoch));
  NEAR(objective, 0, 2e-5, "%s: objectives", words);
  OK(told && l.report.reason && !strcmp(l.report.reason, "steps"), "%s: what it tells", words);
  PetscCall(LearnerClose(&l));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Tokens whose dimensions are six over and over: atoms are as well. */
static double again(int64_t row, int64_t i)
{
  return mixed(row, i % 6);
}

static PetscErrorCode CheckAgain(const char *words, int64_t d)
{
  Learner l;
  double off = 0, most = 0;
  PetscFunctionBeginUser;
  PetscCall(LearnerOpen(path, words, 0, 1, &l));
  while (l.report.state == STEP_MORE) PetscCall(LearnerPass(&l));
  const StateArray *a = learner_array(&l, "atoms");
  const float *atoms = a->data;
  for (int64_t i = 0; i < a->rows * d; i++) {
    off = fmax(off, fabs((double)(atoms[i] - atoms[i / d * d + i % d % 6])));
    most = fmax(most, fabs((double)atoms[i]));
  }
  NEAR(off / most, 0, 2e-6, "%s: %d dimensions are six over and over, in atoms too", words, (int)d);
  PetscCall(LearnerClose(&l));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* It ends with the first pass whose objective is no more than that share below the one before. */
static PetscErrorCode CheckEnds(const char *words, double share)
{
  Learner l;
  double last = 0, fall = 1;
  bool early = false;
  int passes = 0;
  PetscFunctionBeginUser;
  PetscCall(LearnerOpen(path, words, 0, 1, &l));
  while (l.report.state == STEP_MORE && passes < 100) {
    PetscCall(LearnerPass(&l));
    if (!l.report.values) continue;
    early = early || (passes > 0 && fall <= share);
    fall = passes++ ? 1 - l.report.value[0].value / last : 1;
    last = l.report.value[0].value;
  }
  OK(!early && fall <= share && passes > 2 && !strcmp(l.report.reason, "converged"),
     "%s: ends after %d passes, the last of which lowers the objective by %g", words, passes, fall);
  PetscCall(LearnerClose(&l));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CheckRefused(const char *words, const char *setting, const char *reason)
{
  SAETask t;
  const char *about = "";
  PetscFunctionBeginUser;
  PetscCall(MethodTaskOpen(PETSC_COMM_WORLD, path, words, 12, &t));
  settings_set(&t.settings, "tokens.width", "6");
  settings_set(&t.settings, "tokens.train", "1100");
  char *why = method_refuses(&t, &about);
  OK(why && strstr(why, reason) && about && !strcmp(about, setting), "%s: %s: %s", words, about,
     why ? why : "is not refused");
  free(why);
  PetscCall(SAETaskClose(&t));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Which seeds a model with these settings draws from. */
static PetscErrorCode CheckDraws(const char *words, unsigned seeds)
{
  SAETask t;
  PetscFunctionBeginUser;
  PetscCall(MethodTaskOpen(PETSC_COMM_WORLD, path, words, 12, &t));
  const Method *method = method_of(&t);
  void *params = calloc(1, method->entry.params_size);
  PetscCall(ParamsRead(&t.settings, "", method->entry.params, params));
  OK(method->entry.draws(params) == seeds, "%s: its seeds", words);
  PetscCall(ParamsRelease(method->entry.params, params));
  free(params);
  PetscCall(SAETaskClose(&t));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  TestBegin(&argc, &argv);
  RUN(MethodTokens(path, N, D, mixed));
  RUN(CheckNMF(5, true, false, 3, 2, false));
  RUN(CheckNMF(4, true, true, 2, 1, false));
  RUN(CheckNMF(6, false, false, 1, 0, false));
  RUN(CheckNMF(5, false, false, 2, 0, true));
  RUN(CheckNMF(5, false, true, 2, 0, true));
  RUN(CheckEnds("method=nmf width=3 tolerance=0.02", 0.02));
  RUN(CheckEnds("method=seminmf width=3 tolerance=0.02", 0.02));
  RUN(CheckStopped(path, "method=nmf width=3 iterations=2 start=nndsvd", 0));
  RUN(CheckRefused("method=seminmf width=3 sparsity.name=l0", "sparsity", "no gradient"));
  RUN(CheckRefused("method=seminmf width=3 sparsity.name=target", "sparsity", "follows"));
  RUN(CheckRefused("method=seminmf width=3 sparsity.name=l1 sparsity.warmup=10%", "sparsity",
                   "warmup"));
  RUN(CheckRefused("method=convexnmf width=3 sparsity.name=target", "sparsity", "follows"));
  RUN(CheckRefused("method=convexnmf width=3 strict=false sparsity.name=l1", "sparsity", "strict"));
  RUN(CheckRefused("method=seminmf width=1101", "width", "1100 training tokens"));
  RUN(CheckRefused("method=nmf width=7", "start", "6 dimensions of the tokens; take random"));
  RUN(CheckDraws("method=nmf width=3", 0));
  RUN(CheckDraws("method=nmf width=3 start=random", SEED_INIT));
  RUN(CheckDraws("method=convexnmf width=3 pick=identity", 0));
  RUN(CheckDraws("method=convexnmf width=3 pick=permuted", SEED_ANCHORS));
  RUN(CheckDraws("method=archetypal_analysis width=3 pick=identity", 0));
  RUN(CheckDraws("method=archetypal_analysis width=3", SEED_ANCHORS));
  RUN(MethodTokens(path, N, D, either));
  RUN(CheckSemi(4, 0, false, 1, false));
  RUN(CheckSemi(5, 0, true, 1, false));
  RUN(CheckSemi(4, 0, false, 0x1p-8, false));
  RUN(CheckSemi(4, 0.02, false, 1, false));
  RUN(CheckSemi(5, 0.02, true, 1, false));
  RUN(CheckOnline(5, 300, 0.1, true, 0));
  RUN(CheckOnline(4, 300, 0.1, false, 1));
  RUN(CheckOnline(7, 300, 0.1, true, 4));
  RUN(CheckStopped(path, "method=seminmf width=3 iterations=2", 0));
  RUN(CheckStopped(path, "method=dictionary_learning width=3 batch=400 epochs=2 l1=0.1", 0));
  RUN(MethodTokens(path, 13, D, either));
  RUN(CheckOnline(4, 2, 0.1, true, 0));
  RUN(MethodTokens(path, 15, D, mixed));
  RUN(CheckNMF(5, true, false, 1, 0, false));
  RUN(MethodTokens(path, N, D, along));
  RUN(CheckSemi(4, 0.02, false, 1, true));
  RUN(MethodTokens(path, 400, D, flat));
  RUN(CheckNMF(5, true, false, 2, 0, false));
  RUN(CheckNMF(5, true, true, 2, 0, false));
  RUN(MethodTokens(path, 200, 129, again));
  RUN(CheckAgain("method=nmf width=3 iterations=2", 129));
  RUN(CheckAgain("method=nmf width=3 iterations=2 solver=multiplicative", 129));
  MPI_Barrier(PETSC_COMM_WORLD);
  if (tap_rank == 0) unlink(path);
  return TestEnd();
}
