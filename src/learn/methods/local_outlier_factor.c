/* The tokens whose neighbourhood is thinnest beside that of their neighbours, among a sample. */
#include "../classical/select.h"
#include <math.h>

typedef struct {
  int64_t width, neighbours, sample;
} Factor;

typedef struct {
  int64_t n, k;    /* tokens of the sample; neighbours */
  float *rows;     /* [n x d] */
  float *half;     /* [n] -|row|^2 / 2, and what keeps scores above 0 */
  double *reach;   /* [n] distance to the k-th neighbour */
  double *density; /* [n] */
  Packed packed;
  float *S; /* [CLASSICAL_CHUNK x n] */
} Sample;

/* A token of the sample, and how far it is. */
typedef struct {
  double distance;
  int64_t row;
} Near;

enum { MORE = 8, MOST = 2 * 500 + MORE };

static const Param params[] = {
    {"width", PARAM_INT, offsetof(Factor, width), NULL, 1, 1e9, "tokens chosen"},
    {"neighbours", PARAM_INT, offsetof(Factor, neighbours), "20", 1, 500,
     "neighbours of a token in the sample"},
    {"sample", PARAM_INT, offsetof(Factor, sample), "2048", 2, 1e6,
     "training tokens drawn at random that neighbours are looked for among"},
    {0},
};

static char *check(const void *settings, const Settings *all, const char **path)
{
  *path = "width";
  return tokens_check(((const Factor *)settings)->width, all);
}

static bool nearer(Near a, Near b)
{
  return a.distance < b.distance || (a.distance == b.distance && a.row < b.row);
}

/* Keeps the `most` nearest, in order. */
static void insert(Near *list, int64_t *count, int64_t most, Near one)
{
  if (*count == most && !nearer(one, list[most - 1])) return;
  int64_t at = *count < most ? (*count)++ : most - 1;
  for (; at > 0 && nearer(one, list[at - 1]); at--) list[at] = list[at - 1];
  list[at] = one;
}

/* The k nearest rows of the sample to x but row `but`: those that their distances say among the
   2 k + MORE that the float32 scores s [n] say. Scores are above 0 but for tokens that are far from
   all; those are looked at one by one. */
static void find_near(const Classical *c, const Sample *sample, const float *x, float *s,
                      int64_t but, Near *near)
{
  const int64_t wanted = min_i64(2 * sample->k + MORE, sample->n - (but >= 0));
  int32_t row[MOST];
  float value[MOST];
  double square[MOST];
  Near maybe[MOST];
  int64_t count = 0, found = 0;
  if (but >= 0) s[but] = 0;
  if (c->kernels->select_top(sample->n, s, wanted, NULL, row, value) < wanted) {
    for (int64_t r = 0; r < sample->n; r++)
      if (r != but) insert(maybe, &count, wanted, (Near){-(double)s[r], r});
    for (int64_t q = 0; q < wanted; q++) row[q] = (int32_t)maybe[q].row;
  }
  c->kernels->distances64(wanted, c->d, x, 0, sample->rows, c->d, row, square);
  for (int64_t q = 0; q < wanted; q++)
    insert(near, &found, sample->k, (Near){sqrt(square[q]), row[q]});
}

/* Breunig et al. 2000, definition 6. */
static double density_of(const Sample *sample, const Near *near)
{
  double sum = 0;
  for (int64_t q = 0; q < sample->k; q++) sum += fmax(near[q].distance, sample->reach[near[q].row]);
  return 1 / (sum / (double)sample->k + 1e-10);
}

static PetscErrorCode FindDensities(const Classical *c, Sample *sample)
{
  Near *near;

  PetscFunctionBegin;
  PetscCall(ArrayCreate(sample->n * sample->k, &near));
  for (int64_t t = 0; t < sample->n; t++) {
    const float *x = sample->rows + t * c->d;
    c->kernels->scores(1, x, c->d, &sample->packed, sample->half, sample->S, sample->n);
    find_near(c, sample, x, sample->S, t, near + t * sample->k);
    sample->reach[t] = near[t * sample->k + sample->k - 1].distance;
  }
  for (int64_t t = 0; t < sample->n; t++)
    sample->density[t] = density_of(sample, near + t * sample->k);
  PetscCall(ArrayDestroy(&near));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Prepare(Classical *c, void **model)
{
  const Factor *factor = c->params;
  Sample *sample;

  PetscFunctionBegin;
  PetscCall(ArrayCreate(1, &sample));
  *model = sample;
  sample->n = factor->sample;
  PetscCall(SampleTokens(c, &sample->n, &sample->rows));
  sample->k = min_i64(factor->neighbours, sample->n - 1);
  PetscCall(ArrayCreate(sample->n, &sample->half));
  PetscCall(ArrayCreate(sample->n, &sample->reach));
  PetscCall(ArrayCreate(sample->n, &sample->density));
  PetscCall(ArrayCreate(CLASSICAL_CHUNK * sample->n, &sample->S));
  double most = 0;
  for (int64_t r = 0; r < sample->n; r++)
    most = fmax(most, c->kernels->square64(c->d, sample->rows + r * c->d));
  for (int64_t r = 0; r < sample->n; r++)
    sample->half[r] = (float)(2 * most - c->kernels->square64(c->d, sample->rows + r * c->d) / 2);
  c->kernels->pack(sample->n, c->d, sample->rows, c->d, &sample->packed);
  if (sample->k > 0) PetscCall(FindDensities(c, sample));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Score(const Classical *c, void *model, int64_t rows, const float *X,
                            double *score)
{
  const Sample *sample = model;
  Near near[MOST];

  PetscFunctionBegin;
  c->kernels->scores(rows, X, c->d, &sample->packed, sample->half, sample->S, sample->n);
  for (int64_t t = 0; t < rows; t++) {
    double sum = 0;
    score[t] = 1;
    if (sample->k < 1) continue;
    find_near(c, sample, X + t * c->d, sample->S + t * sample->n, -1, near);
    for (int64_t q = 0; q < sample->k; q++) sum += sample->density[near[q].row];
    score[t] = sum / (double)sample->k / density_of(sample, near);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Release(void **model)
{
  Sample *sample = *model;

  PetscFunctionBegin;
  if (!sample) PetscFunctionReturn(PETSC_SUCCESS);
  packed_clear(&sample->packed);
  PetscCall(ArrayDestroy(&sample->rows));
  PetscCall(ArrayDestroy(&sample->half));
  PetscCall(ArrayDestroy(&sample->reach));
  PetscCall(ArrayDestroy(&sample->density));
  PetscCall(ArrayDestroy(&sample->S));
  PetscCall(ArrayDestroy(model));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static MethodWork work(const void *settings, double n, double d, double p)
{
  const Factor *s = settings;
  const double sample = fmin((double)s->sample, n);
  const double near = (double)(2 * s->neighbours + MORE), exact = 3 * d * near;
  (void)p;
  MethodWork all = select_work(2 * sample * d, exact, 4 * sample, sample * (2 * sample * d + exact),
                               sample * (8 * d + 16 * (double)s->neighbours + 4 * CLASSICAL_CHUNK),
                               (sample + (double)s->width) * d);
  work_part(&all, "scores", sample, d, 1);
  work_part(&all, "select_top", sample, near, 1);
  work_part(&all, "distances64", 0, d, near);
  return all;
}

SELECT_METHOD(local_outlier_factor, Factor,
              "the tokens with the thinnest neighbourhoods; codes are 1 at the nearest",
              "Breunig et al. 2000, SIGMOD, 93; Fel et al. 2025, arXiv:2502.12892, figure 11", )
