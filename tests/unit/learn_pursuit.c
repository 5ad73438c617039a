/* Matching pursuit's guarantees, pick by pick, and the codes of `omp` against the least squares of
   every set of the picked atoms.
   RUN ranks=1 */
#include "../sae_task.h"
#include "../tap.h"
#include "base/eigen.h"
#include "learn/classical.h"
#include "learn/pursue.h"

extern const Kernels backend_ref;

enum { N = 62, D = 6, M = 9, K = 4 };
static float atoms[M * D], tokens[N * D];

static double dot(const float *x, const double *y)
{
  double sum = 0;
  for (int i = 0; i < D; i++) sum += (double)x[i] * y[i];
  return sum;
}

/* |x - z D|^2 of the least squares over the atoms of set (bits among p), or infinity where a code
   is below 0 or the atoms depend on each other. */
static double solved(const double *x, int p, const int32_t *atom, int set, double *z)
{
  double Q[K * K], left[D], square = 0;
  int count = 0, in[K];
  memset(z, 0, K * sizeof(*z));
  for (int i = 0; i < p; i++)
    if (set >> i & 1) in[count++] = i;
  double b[K] = {0};
  for (int i = 0; i < count; i++) {
    b[i] = dot(atoms + atom[in[i]] * D, x);
    for (int j = 0; j < count; j++) {
      double row[D];
      for (int l = 0; l < D; l++) row[l] = (double)atoms[atom[in[j]] * D + l];
      Q[i * count + j] = dot(atoms + atom[in[i]] * D, row);
    }
  }
  if (count && !cholesky(count, Q)) return (double)INFINITY;
  if (count) PetscCallAbort(PETSC_COMM_SELF, SolveFactored(&backend_ref, count, 1, Q, b));
  for (int l = 0; l < D; l++) left[l] = x[l];
  for (int i = 0; i < count; i++) {
    if (b[i] < 0) return (double)INFINITY;
    z[in[i]] = b[i];
    for (int l = 0; l < D; l++) left[l] -= b[i] * (double)atoms[atom[in[i]] * D + l];
  }
  for (int l = 0; l < D; l++) square += left[l] * left[l];
  return square;
}

/* Of all sets of p atoms the least squares with codes of 0 or more. */
static double best_of_all(const double *x, int p, const int32_t *atom, double *z)
{
  double best = (double)INFINITY, now[K];
  for (int set = 0; set < 1 << p; set++) {
    const double square = solved(x, p, atom, set, now);
    if (square < best) best = square, memcpy(z, now, sizeof(now));
  }
  return best;
}

/* Each pick is the atom of the largest product, what is left has no part along it, and its square
   falls by the coefficient's. */
static void check_picks(const int32_t *pick, const float *coefficient)
{
  double along = 0, fall = 0, behind = 0;
  for (int t = 0; t < N; t++) {
    double left[D];
    for (int l = 0; l < D; l++) left[l] = (double)tokens[t * D + l];
    for (int i = 0; i < K; i++) {
      const float *row = atoms + pick[t * K + i] * D;
      const double c = (double)coefficient[t * K + i];
      double before = 0, after = 0, most = -1e300;
      for (int j = 0; j < M; j++) most = fmax(most, dot(atoms + j * D, left));
      behind = fmax(behind, most - dot(row, left));
      for (int l = 0; l < D; l++) before += left[l] * left[l];
      for (int l = 0; l < D; l++) left[l] -= c * (double)row[l];
      for (int l = 0; l < D; l++) after += left[l] * left[l];
      along = fmax(along, fabs(dot(row, left)));
      fall = fmax(fall, fabs(after - (before - c * c)));
    }
  }
  NEAR(behind, 0, 1e-6, "each pick has the largest product with what is left");
  NEAR(along, 0, 1e-6, "what is left has no part along the atom picked last");
  NEAR(fall, 0, 1e-5, "its square falls by that of the coefficient");
}

static PetscErrorCode Check(void)
{
  Settings settings = {0};
  Choice choice;
  Codes codes = {0};
  Packed packed = {0};
  Mistakes *mistakes;
  const Kernels *kernels;
  int32_t pick[N * K];
  float coefficient[N * K], S[N * M];
  double off = 0, over = 0;
  int several = 0, dropped = 0;

  PetscFunctionBeginUser;
  PetscCall(MistakesCreate(&mistakes));
  PetscCall(KernelsChoose(NULL, mistakes, &kernels));
  settings_words(&settings, "code.name=omp code.k=4 code.iterations=20000");
  settings_defaults(&settings, "code.", family_find(&sae_codes, "omp")->params);
  PetscCall(ChoiceRead(&settings, "code", &sae_codes, &choice));
  const CodeNow now = code_now(&choice);
  kernels->pack(M, D, atoms, D, &packed);
  PetscCall(Pursue(&now, kernels, N, M, D, tokens, &packed, atoms, S, pick, coefficient));
  check_picks(pick, coefficient);
  PetscCall(CodesReserve(&codes, N, N * now.code->most(&now, M)));
  PetscCall(now.code->pursue(&now, kernels, N, M, D, tokens, &packed, atoms, S, &codes));
  for (int t = 0; t < N; t++) {
    int32_t atom[K];
    float sum[K];
    double x[D], best[K], mine[K] = {0}, left[D], square = 0;
    const int p = (int)pursuit_merge(K, pick + t * K, coefficient + t * K, atom, sum);
    for (int l = 0; l < D; l++) x[l] = left[l] = (double)tokens[t * D + l];
    const double least = best_of_all(x, p, atom, best);
    for (int64_t q = codes.start[t]; q < codes.start[t + 1]; q++)
      for (int i = 0; i < p; i++)
        if (atom[i] == codes.atom[q]) mine[i] = (double)codes.value[q];
    for (int i = 0; i < p; i++) {
      off = fmax(off, fabs(mine[i] - best[i]));
      dropped += best[i] == 0;
      for (int l = 0; l < D; l++) left[l] -= mine[i] * (double)atoms[atom[i] * D + l];
    }
    for (int l = 0; l < D; l++) square += left[l] * left[l];
    over = fmax(over, square - least);
    several += p > 1;
  }
  OK(several > N / 2 && dropped > 0, "%d tokens have several picks, %d picks are left at 0",
     several, dropped);
  NEAR(off, 0, 2e-6, "omp: the codes of the best set of the atoms picked");
  NEAR(over, 0, 1e-6, "omp: no set of them reconstructs better");
  codes_clear(&codes);
  packed_clear(&packed);
  PetscCall(ChoiceRelease(&choice));
  PetscCall(MistakesDestroy(&mistakes));
  settings_clear(&settings);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Atoms of which some are equal, and some differ in their last digits alone; tokens of every
   length, sums of few atoms among them, of which soon nothing is left: with Gram's matrix the picks
   and their coefficients are the same, and most scores are not made. */
enum { MANY = 70, ATOMS = 300, WIDTH = 40, PICKS = 24 };
static int64_t scored;
static const Kernels *plain;
static void counted(int64_t n, const float *X, int64_t ldX, const Packed *P, const float *init,
                    float *S, int64_t ldS)
{
  scored += n;
  plain->scores(n, X, ldX, P, init, S, ldS);
}

/* together: each token is almost an atom, and a little of one of three that hardly differ; products
   with the first, rounded, are then off by more than the scores of the three differ. */
static void fill_close(bool together, float *x, float *E)
{
  for (int64_t q = 0; q < ATOMS * WIDTH; q++)
    E[q] = (float)random_normal(5, RANDOM_SYNTH, (uint64_t)q);
  for (int64_t j = 0; j < ATOMS; j++) {
    float *row = E + j * WIDTH;
    if (j % 7 > 4) memcpy(row, row - WIDTH, WIDTH * sizeof(*row));
    plain->unit(WIDTH, row);
    if (j % 14 > 10) row[j % WIDTH] *= 1 + 0x1p-22f;
    if (j % 14 == 5 || j % 14 == 6) row[j % WIDTH] *= 1 + (float)(j % 14 - 3) * 0x1p-9f;
  }
  for (int64_t t = 0; t < MANY; t++)
    for (int64_t l = 0; l < WIDTH; l++) {
      const double noise = random_normal(6, RANDOM_SYNTH, (uint64_t)(t * WIDTH + l));
      x[t * WIDTH + l] = together     ? 60 * E[t * WIDTH + l] + E[(14 * (t % 20) + 4) * WIDTH + l]
                         : t % 5 == 0 ? 0
                         : t % 5 == 1 ? E[t * WIDTH + l] - 2 * E[l]
                                      : (float)(noise * (t % 5 == 2 ? 1e-30 : t));
    }
}

static PetscErrorCode CheckGram(bool together, const char *words)
{
  static float x[MANY * WIDTH], E[ATOMS * WIDTH], S[MANY * ATOMS], c[3][MANY * PICKS];
  static int32_t pick[3][MANY * PICKS];
  Settings settings = {0};
  Choice choice;
  Mistakes *mistakes;
  Packed packed = {0};
  Gram *gram[3] = {NULL};
  int64_t made[3];

  PetscFunctionBeginUser;
  PetscCall(MistakesCreate(&mistakes));
  PetscCall(KernelsChoose(NULL, mistakes, &plain));
  Kernels kernels = *plain;
  kernels.scores = counted;
  settings_words(&settings, words);
  settings_defaults(&settings, "code.", family_find(&sae_codes, "mp")->params);
  PetscCall(ChoiceRead(&settings, "code", &sae_codes, &choice));
  fill_close(together, x, E);
  plain->pack(ATOMS, WIDTH, E, WIDTH, &packed);
  for (int with = 1; with < 3; with++) {
    PetscCall(GramCreate(plain, NULL, ATOMS, WIDTH, with == 2, &gram[with]));
    PetscCall(GramRenew(gram[with], E, &packed));
  }
  for (int with = 0; with < 3; with++) {
    CodeNow now = code_now(&choice);
    now.gram = gram[with];
    scored = 0;
    PetscCall(Pursue(&now, &kernels, MANY, ATOMS, WIDTH, x, &packed, E, S, pick[with], c[with]));
    made[with] = scored;
    OK(!memcmp(pick[0], pick[with], sizeof(pick[0])) && !memcmp(c[0], c[with], sizeof(c[0])),
       "%s: the same picks with Gram's matrix%s", words,
       with == 2 ? " and scores in integers" : "");
    if (with)
      OK((together ? 1 : 3) * made[with] < made[0], "%s: %lld rows of scores, not %lld", words,
         (long long)made[with], (long long)made[0]);
    PetscCall(GramDestroy(&gram[with]));
  }
  packed_clear(&packed);
  PetscCall(ChoiceRelease(&choice));
  PetscCall(MistakesDestroy(&mistakes));
  settings_clear(&settings);
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  TestBegin(&argc, &argv);
  for (int j = 0; j < M; j++) {
    double square = 0, row[D];
    for (int l = 0; l < D; l++) row[l] = random_normal(3, RANDOM_SYNTH, (uint64_t)(j * D + l));
    for (int l = 0; l < D; l++) square += row[l] * row[l];
    for (int l = 0; l < D; l++) atoms[j * D + l] = (float)(row[l] / sqrt(square));
  }
  for (int q = 0; q < N * D; q++) tokens[q] = (float)random_normal(4, RANDOM_SYNTH, (uint64_t)q);
  RUN(Check());
  RUN(CheckGram(true, "code.name=mp code.k=3"));
  RUN(CheckGram(false, "code.name=mp code.k=24"));
  RUN(CheckGram(false, "code.name=mp code.k=24 code.stop=0.3"));
  return TestEnd();
}
