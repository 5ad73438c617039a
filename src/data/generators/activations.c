/* Tokens shaped like a transformer's activations: a word drawn with Zipf's frequencies, the topic
   of its document and context noise, each with a power-law spectrum over all dimensions, turned out
   of the axes by plane rotations; a large mean and two outlier channels. */
#include "base/math.h"
#include "base/random.h"
#include "data/generator.h"
#include <math.h>

enum { LAYERS = 12 };

typedef struct {
  int64_t words, topics, document;
  double zipf, decay, mean, outlier;
} Params;

typedef struct {
  Params p;
  int64_t outlier[2];
  double *upto;         /* [words] running sums of their frequencies */
  float *word, *topic;  /* [words x d], [topics x d] */
  float *mean, *size;   /* [d] mean token; deviation of each dimension before turning */
  int32_t *order;       /* [LAYERS x d] who is turned with whom: elements 2 j and 2 j + 1 */
  float *cosine, *sine; /* [LAYERS x d / 2] */
} State;

static const Param params[] = {
    {"words", PARAM_INT, offsetof(Params, words), "8192", 1, 1e6, "words of the vocabulary"},
    {"topics", PARAM_INT, offsetof(Params, topics), "64", 1, 1e5, "topics; they are the labels"},
    {"document", PARAM_INT, offsetof(Params, document), "256", 1, 1e9,
     "tokens of a document, which has one topic and is a group"},
    {"zipf", PARAM_REAL, offsetof(Params, zipf), "1", 0, 10, "frequency of word r is r^-zipf"},
    {"decay", PARAM_REAL, offsetof(Params, decay), "0.8", 0, 10,
     "variance along direction r is r^-decay"},
    {"mean", PARAM_REAL, offsetof(Params, mean), "1.5", 0, 1e3,
     "length of the mean token, as a multiple of the root mean square around it"},
    {"outlier", PARAM_REAL, offsetof(Params, outlier), "20", 0, 1e3,
     "mean of two channels, as a multiple of the root mean square of a channel; their deviation is "
     "a "
     "tenth of it more"},
    {0},
};

static const double shares[3] = {0.45, 0.2, 0.35}; /* variance of word, topic, context */

static PetscErrorCode Allocate(Synth *synth, const Params *p, State **state)
{
  PetscFunctionBeginUser;
  const int64_t d = synth->d;
  State *s;
  PetscCall(PetscNew(state));
  s = *state;
  s->p = *p;
  PetscCall(PetscMalloc5(p->words, &s->upto, p->words * d, &s->word, p->topics * d, &s->topic, d,
                         &s->mean, d, &s->size));
  PetscCall(PetscMalloc3(LAYERS * d, &s->order, LAYERS * d, &s->cosine, LAYERS * d, &s->sine));
  synth->state = s;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void prepare_turns(const Synth *synth, State *s)
{
  const int64_t d = synth->d;
  for (int64_t l = 0; l < LAYERS; l++) {
    for (int64_t i = 0; i < d; i++)
      s->order[l * d + i] =
          (int32_t)random_permuted(synth->seed, RANDOM_SYNTH + 1, (uint64_t)l, d, i);
    for (int64_t j = 0; j < d / 2; j++) {
      const double angle =
          6.283185307179586 * random_uniform(synth->seed, RANDOM_SYNTH + 2, (uint64_t)(l * d + j));
      s->cosine[l * d + j] = (float)math_cos(angle);
      s->sine[l * d + j] = (float)math_sin(angle);
    }
  }
}

/* Rows of normal numbers times factor and the deviations. */
static void prepare_rows(const Synth *synth, const State *s, uint32_t purpose, int64_t rows,
                         double factor, float *D)
{
  const int64_t d = synth->d;
  for (int64_t j = 0; j < rows; j++) {
    noise_fill(synth, purpose, j, D + j * d);
    for (int64_t i = 0; i < d; i++) D[j * d + i] *= (float)factor * s->size[i];
  }
}

static PetscErrorCode Prepare(Synth *synth, const void *given)
{
  PetscFunctionBeginUser;
  const Params *p = given;
  const int64_t d = synth->d;
  State *s;
  double sum = 0, spectrum = 0, square = 0;
  PetscCall(Allocate(synth, p, &s));
  for (int64_t r = 0; r < p->words; r++) s->upto[r] = sum += math_pow((double)(r + 1), -p->zipf);
  for (int64_t i = 0; i < d; i++) spectrum += math_pow((double)(i + 1), -p->decay);
  for (int64_t i = 0; i < d; i++) /* mean square of a channel: 1 */
    s->size[i] = (float)sqrt(math_pow((double)(i + 1), -p->decay) / spectrum * (double)d);
  prepare_turns(synth, s);
  prepare_rows(synth, s, RANDOM_SYNTH + 3, p->words, sqrt(shares[0]), s->word);
  prepare_rows(synth, s, RANDOM_SYNTH + 4, p->topics, sqrt(shares[1]), s->topic);
  noise_fill(synth, RANDOM_SYNTH + 5, 0, s->mean);
  for (int64_t i = 0; i < d; i++) square += (double)s->mean[i] * (double)s->mean[i];
  for (int64_t i = 0; i < d; i++)
    s->mean[i] = (float)((double)s->mean[i] * p->mean * sqrt((double)d / square));
  for (int64_t c = 0; c < 2; c++) {
    s->outlier[c] = random_permuted(synth->seed, RANDOM_SYNTH + 6, 0, d, c);
    s->mean[s->outlier[c]] = (float)(c ? -p->outlier : p->outlier);
  }
  synth->labels = synth->groups = true;
  synth->truth[synth->truths++] = (Truth){"mean", H5_F32, 1, {d, 1}, s->mean};
  synth->truth[synth->truths++] = (Truth){"deviation", H5_F32, 1, {d, 1}, s->size};
  PetscFunctionReturn(PETSC_SUCCESS);
}

static int64_t draw_word(const Synth *synth, const State *s, int64_t row)
{
  const double u =
      random_uniform(synth->seed, RANDOM_SYNTH + 7, (uint64_t)row) * s->upto[s->p.words - 1];
  int64_t low = 0, high = s->p.words - 1;
  while (low < high) {
    const int64_t middle = (low + high) / 2;
    if (s->upto[middle] > u)
      high = middle;
    else
      low = middle + 1;
  }
  return low;
}

static void turn(const State *s, int64_t d, float *x)
{
  for (int64_t l = 0; l < LAYERS; l++) {
    const int32_t *order = s->order + l * d;
    for (int64_t j = 0; j < d / 2; j++) {
      float *a = &x[order[2 * j]], *b = &x[order[2 * j + 1]];
      const float c = s->cosine[l * d + j], q = s->sine[l * d + j], u = *a, v = *b;
      *a = c * u - q * v;
      *b = q * u + c * v;
    }
  }
}

static void fill(const Synth *synth, int64_t first, int64_t rows, float *X, int64_t *label,
                 int64_t *group)
{
  const State *s = synth->state;
  const int64_t d = synth->d;
  const float context = (float)sqrt(shares[2]), wild = (float)(s->p.outlier / 10);
  for (int64_t r = 0; r < rows; r++) {
    float *x = X + r * d;
    const int64_t row = first + r, word = draw_word(synth, s, row);
    group[r] = row / s->p.document;
    label[r] = random_below(synth->seed, RANDOM_SYNTH + 8, (uint64_t)group[r], s->p.topics);
    noise_fill(synth, RANDOM_SYNTH + 9, row, x);
    const float *w = s->word + word * d, *t = s->topic + label[r] * d;
    for (int64_t i = 0; i < d; i++) x[i] = context * s->size[i] * x[i] + w[i] + t[i];
    turn(s, d, x);
    for (int64_t c = 0; c < 2; c++) x[s->outlier[c]] *= 1 + wild;
    for (int64_t i = 0; i < d; i++) x[i] += s->mean[i];
  }
}

static PetscErrorCode Destroy(Synth *synth)
{
  PetscFunctionBeginUser;
  State *s = synth->state;
  PetscCall(PetscFree5(s->upto, s->word, s->topic, s->mean, s->size));
  PetscCall(PetscFree3(s->order, s->cosine, s->sine));
  PetscCall(PetscFree(synth->state));
  PetscFunctionReturn(PETSC_SUCCESS);
}

const Generator generator_activations = {
    .entry = {.name = "activations",
              .summary =
                  "tokens shaped like a transformer's: Zipf words, topics, power-law spectrum, "
                  "large mean, two outlier channels",
              .params = params,
              .params_size = sizeof(Params)},
    .prepare = Prepare,
    .fill = fill,
    .destroy = Destroy,
};
