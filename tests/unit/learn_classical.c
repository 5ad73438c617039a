/* Classical methods against the numbers that NumPy, SciPy and scikit-learn find in float64 on the
   same tokens: tests/oracle/classical.py.
   RUN ranks=2 */
#include "../data/classical.inc"
#include "../method_task.h"
#include "../tap.h"

enum { N = 2500, D = 6, M = 3 };
static const char path[] = "learn_classical.tokens.h5";

static double value(int64_t row, int64_t i)
{
  double x = 0.2 * noise((uint64_t)(row * D + i + 1));
  for (int64_t f = 0; f < M; f++) {
    const double u = fmax(noise((uint64_t)(1000000 + row * M + f)) - 0.6, 0);
    x += (double)(f + 3) * u * fmax(noise((uint64_t)(2000000 + f * D + i)) - 0.4, 0);
  }
  return x;
}

/* Heavy-tailed independent sources. */
static double mixture(int64_t row, int64_t i)
{
  double x = 0.02 * noise((uint64_t)(row * D + i + 1));
  for (int64_t f = 0; f < M; f++) {
    const double u = 2 * noise((uint64_t)(1000000 + row * M + f)) - 1, cube = u * u * u;
    x += (double)(f + 1) * (cube * cube * cube) * (noise((uint64_t)(2000000 + f * D + i)) - 0.5);
  }
  return x;
}

static const int64_t planted[M] = {5, 700, 1900};

/* Three tokens far out, each its own way. */
static double lonely(int64_t row, int64_t i)
{
  double x = noise((uint64_t)(row * D + i));
  for (int64_t f = 0; f < M; f++)
    if (row == planted[f]) x += i % M == f ? 5 : -2;
  return x;
}

/* Raw tokens, a method with these settings to its end, the model it leaves. */
static PetscErrorCode Learn(const char *words, SAETask *t, Dictionary **dictionary,
                            StepReport *report)
{
  char all[400];
  PetscFunctionBeginUser;
  snprintf(all, sizeof(all), "normalise.center=none normalise.scale=none %s", words);
  PetscCall(MethodTaskOpen(PETSC_COMM_WORLD, path, all, 12, t));
  PetscCall(MethodTaskLearn(t, dictionary, report));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CheckPlanted(const char *words)
{
  SAETask t;
  Dictionary *dictionary;
  StepReport report;
  int found = 0;
  PetscFunctionBeginUser;
  PetscCall(Learn(words, &t, &dictionary, &report));
  for (int64_t f = 0; f < M; f++)
    for (int64_t j = 0; j < M; j++) {
      bool same = true;
      for (int64_t i = 0; i < D; i++)
        same &= dictionary->atoms[j * D + i] == (float)lonely(planted[f], i);
      found += same;
    }
  OK(found == M, "%s: finds %d of %d tokens far out", words, found, M);
  PetscCall(DictionaryDestroy(&dictionary));
  PetscCall(SAETaskClose(&t));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static double worst(int64_t count, const float *x, const double *expected)
{
  double most = 0;
  for (int64_t i = 0; i < count; i++) most = fmax(most, fabs((double)x[i] - expected[i]));
  return most;
}

/* The codes of the first tokens as a matrix Z [rows x M]. */
static PetscErrorCode CodesOf(const SAETask *t, const Dictionary *dictionary, int64_t rows,
                              float *Z)
{
  Codes codes = {0};
  float X[8 * D];
  int64_t row[8];
  PetscFunctionBeginUser;
  for (int64_t r = 0; r < rows; r++) row[r] = r;
  PetscCall(ViewRead(&t->task.view, rows, row, X));
  PetscCall(DictionaryEncode(dictionary, rows, X, &codes));
  memset(Z, 0, (size_t)(rows * M) * sizeof(*Z));
  for (int64_t r = 0; r < rows; r++)
    for (int64_t q = codes.start[r]; q < codes.start[r + 1]; q++)
      Z[r * M + codes.atom[q]] = codes.value[q];
  codes_clear(&codes);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Atoms and codes of four tokens as the oracle has them, within tolerance. */
static PetscErrorCode Check(const char *words, const double *atoms, const double *codes,
                            double tolerance, double objective)
{
  SAETask t;
  Dictionary *dictionary;
  StepReport report;
  float Z[4 * M];
  PetscFunctionBeginUser;
  PetscCall(Learn(words, &t, &dictionary, &report));
  PetscCall(CodesOf(&t, dictionary, 4, Z));
  if (atoms) NEAR(worst(M * D, dictionary->atoms, atoms), 0, tolerance, "%s: atoms", words);
  if (codes) NEAR(worst(4 * M, Z, codes), 0, 4 * tolerance, "%s: codes", words);
  if (objective > 0) NEAR(report.value[0].value / objective, 1, 1e-6, "%s: objective", words);
  PetscCall(DictionaryDestroy(&dictionary));
  PetscCall(SAETaskClose(&t));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* No pass raises the objective. */
static PetscErrorCode CheckFalls(const char *words)
{
  SAETask t;
  StepReport report = {0};
  const Method *method;
  void *learner;
  bool falls = true;
  int passes = 0;
  double last = (double)INFINITY, first = 0;
  PetscFunctionBeginUser;
  PetscCall(MethodTaskOpen(PETSC_COMM_WORLD, path, words, 12, &t));
  method = method_of(&t);
  PetscCall(method->create(&t.task, &learner));
  while (report.state == STEP_MORE) {
    PetscCall(method->step(learner, &report));
    if (!report.values) continue;
    const double now = report.value[0].value;
    falls &= now <= last * (1 + 1e-6);
    last = now, first = passes++ ? first : now;
  }
  OK(falls && passes == 16 && last < 0.99 * first, "%s: %d passes, %g to %g, none rises", words,
     passes, first, last);
  PetscCall(method->destroy(&learner));
  PetscCall(SAETaskClose(&t));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  TestBegin(&argc, &argv);
  RUN(MethodTokens(path, N, D, value));
  RUN(Check("method=pca width=3", oracle_pca_atoms, oracle_pca_codes, 1e-5, 0));
  RUN(Check("method=svd width=3", oracle_svd_atoms, oracle_svd_codes, 1e-5, 0));
  RUN(Check("method=nmf width=3 tolerance=0 iterations=300", oracle_nmf_atoms, oracle_nmf_codes,
            1e-5, oracle_nmf_objective[0]));
  RUN(Check("method=nmf width=3 tolerance=0 iterations=1000 solver=multiplicative", NULL, NULL, 0,
            oracle_nmf_objective[0]));
  RUN(Check("method=seminmf width=3 tolerance=0 iterations=20", oracle_seminmf_atoms,
            oracle_seminmf_codes, 1e-5, oracle_seminmf_objective[0]));
  RUN(Check(
      "method=seminmf width=3 tolerance=0 iterations=20 sparsity.name=l1 sparsity.weight=0.02",
      oracle_sparse_seminmf_atoms, oracle_sparse_seminmf_codes, 1e-5,
      oracle_sparse_seminmf_objective[0]));
  RUN(Check("method=convexnmf width=3 pick=identity tolerance=0 iterations=10 sparsity.name=l1 "
            "sparsity.weight=0.02",
            oracle_sparse_convexnmf_atoms, oracle_sparse_convexnmf_codes, 1e-5,
            oracle_sparse_convexnmf_objective[0]));
  RUN(CheckFalls("method=seminmf width=5 tolerance=0 iterations=15 sparsity.name=l1 "
                 "sparsity.weight=0.05"));
  RUN(CheckFalls("method=convexnmf width=5 tolerance=0 iterations=15 sparsity.name=l1 "
                 "sparsity.weight=0.05"));
  RUN(Check("method=sparse_pca width=3 l1=0.03 tolerance=1e-14", oracle_sparse_pca_atoms,
            oracle_sparse_pca_codes, 2e-5, 0));
  RUN(Check("method=dictionary_learning width=3 l1=0.05 batch=250", oracle_online_positive_atoms,
            oracle_online_positive_codes, 1e-5, 0));
  RUN(Check("method=dictionary_learning width=3 l1=0.05 batch=250 positive=false",
            oracle_online_signed_atoms, oracle_online_signed_codes, 1e-5, 0));
  RUN(Check("method=convexnmf width=3 pick=identity tolerance=0 iterations=10",
            oracle_convexnmf_atoms, oracle_convexnmf_codes, 1e-5, oracle_convexnmf_objective[0]));
  RUN(Check("method=convexnmf width=3 pick=identity tolerance=0 iterations=10 strict=false",
            oracle_loose_atoms, oracle_loose_codes, 1e-5, oracle_loose_objective[0]));
  RUN(Check("method=archetypal_analysis width=3 pick=identity tolerance=0 iterations=10",
            oracle_archetypal_atoms, oracle_archetypal_codes, 1e-5,
            oracle_archetypal_objective[0]));
  RUN(Check("method=local_outlier_factor width=3 sample=600", oracle_lof_atoms, NULL, 1e-7, 0));
  RUN(Check("method=one_class_svm width=3 sample=600", oracle_svm_atoms, NULL, 1e-7, 0));
  RUN(MethodTokens(path, N, D, mixture));
  RUN(Check("method=ica width=3 tolerance=1e-9", oracle_ica_logcosh_atoms, oracle_ica_logcosh_codes,
            1e-5, 0));
  RUN(Check("method=ica width=3 tolerance=1e-9 fun=cube", oracle_ica_cube_atoms,
            oracle_ica_cube_codes, 1e-5, 0));
  RUN(MethodTokens(path, N, D, lonely));
  RUN(CheckPlanted("method=isolation_forest width=3"));
  RUN(CheckPlanted("method=local_outlier_factor width=3 sample=400"));
  RUN(CheckPlanted("method=one_class_svm width=3 sample=400"));
  RUN(CheckPlanted("method=data_hull width=3"));
  MPI_Barrier(PETSC_COMM_WORLD);
  if (tap_rank == 0) unlink(path);
  return TestEnd();
}
