/* A training step of every code, goal, encoder, kind of atoms, revival, average and optimizer of
   the registries, the rest of the model as TopK has it, beside what the step's kernels take on the
   same model: docs/bench.md says how each is counted. One core. */
#include "base/array.h"
#include "learn/encoder.h"
#include "learn/rounded.h"
#include "run/bench_task.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { M = 2048, D = 768, B = 2048, K = 32, P = 1024, DEAD = 128, N = 4 * B, ROUNDS = 5 };
enum { SCORE_ROWS = 128, FILTER_ROWS = 64, PICK_ROWS = 32 }; /* tokens at a time */
enum { ROOM = 64 };                                          /* leading scores of one */

static const char *const rows[] = {
#define X(name) "code " #name,
#include "sae-code.def" /* these are written by the Makefile from the folders' listings */
#undef X
#define X(name) "goal " #name,
#include "sae-goal.def"
#undef X
#define X(name) "encoder " #name,
#include "sae-encoder.def"
#undef X
#define X(name) "atoms " #name,
#include "sae-atoms.def"
#undef X
#define X(name) "revive " #name,
#include "sae-revive.def"
#undef X
#define X(name) "average " #name,
#include "average.def"
#undef X
#define X(name) "optimizer " #name,
#include "optimizer.def"
#undef X
    NULL,
};

/* What a step of a row needs besides one residual, one sum of gradients and one update for each of
   its codes, atoms and parameters; dense products in operations a token. */
typedef struct {
  const char *row, *words;
  double scores;    /* times the products of tokens and all atoms; 0: the encoder's own time */
  double filter;    /* the same by `filter`, where the encoder takes integers */
  double picks;     /* of a token, each with the kernels that no other pick can share */
  double residuals; /* times the residuals of the codes; 0: once */
  double sums;      /* times their sums; 0: once */
  double dense;     /* further products */
  double bytes;     /* further bytes of memory for each parameter */
  double touched;   /* the same for each token */
} Count;

#define PRODUCT (2.0 * M * D) /* scores of a token */
/* Half of the products of the atoms with each other. */
#define GRAM (M / (2.0 * B))
static const Count special[] = {
    {"code batchtopk", "", 1},
    {"code gated", "", 1, .residuals = 2, .sums = 1.5},
    {"code jumprelu", "", 1},
    {"code mp", "encoder.name=tied", GRAM, .filter = 1, .picks = K, .residuals = 2},
    {"code omp", "encoder.name=tied", GRAM, .filter = 1, .picks = K,
     .dense = 2.0 * K * K * D + 40.0 * K * K},
    {"code quantised", "", 1},
    {"code relu", "code.l1=0.01", 1},
    {"goal matryoshka", "", .touched = 4 * 8.0 * D},
    {"goal msae", "goal.ks=32,64,128", .touched = 2 * 8.0 * D},
    {"goal multi_topk", "", .touched = 8.0 * D},
    {"encoder identity", "width=768", 0},
    {"encoder mlp", "", 0, .residuals = 1.5, .dense = 4.0 * D * D},
    {"atoms hull", "", .dense = 4.0 * M * P * D / B},
    {"atoms hull_relaxed", "", .dense = 4.0 * M * P * D / B},
    {"revive auxk", "", .residuals = 3, .sums = 3, .dense = 2.0 * DEAD * D},
    {"revive auxk_attached", "", 1, .dense = 3.7 * PRODUCT},
    {"revive resample", "revive.every=1 revive.times=1000000"},
    {"average ema", "", .bytes = 12},
};

typedef struct {
  const char *row;
  Count count;
  BenchTask *task;
  SAE *sae;
  float *X, *e, *slope, *G[2], *moments, *work;
  double *square;
  int64_t *bucket, b;
  int32_t *token, *leading;
  float *z, *g, *S, *zero, *left, *score;
  int16_t *products, *near;
  Rounded rounded;
  Quantised words;
  Packed packed;
  Codes codes;
} Data;

static Count count_of(const char *row)
{
  Count count = {.row = row, .words = ""};
  for (size_t i = 0; i < sizeof(special) / sizeof(*special); i++)
    if (!strcmp(special[i].row, row)) count = special[i];
  if (!(count.residuals > 0)) count.residuals = 1;
  if (!(count.sums > 0)) count.sums = 1;
  return count;
}

/* The settings of a row: its own ones come last. */
static void describe(const char *row, const char *words, Text *to)
{
  const int kind = (int)strcspn(row, " ");
  const bool training = !strncmp(row, "average", 7) || !strncmp(row, "optimizer", 9);
  text_add(to, "method=sae width=%d train.batch=%d train.steps=1000000 atoms.pick=identity ", M, B);
  if (strncmp(row, "code", 4) || !strcmp(row, "code topk")) text_add(to, "code.name=topk ");
  text_add(to, "code.k=%d %s%.*s.name=%s %s", K, training ? "train." : "", kind, row,
           row + kind + 1, words);
}

/* Atoms that AuxK has to help: those that were made silent may have fired again. */
static PetscErrorCode Silence(void *context)
{
  const Data *b = context;

  PetscFunctionBegin;
  for (int64_t j = 0; j < DEAD; j++) b->sae->silent[j * (b->sae->m / DEAD)] = (int64_t)1 << 40;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Step(void *context)
{
  PetscFunctionBegin;
  PetscCall(BenchTaskStep(((Data *)context)->task));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Encode(void *context)
{
  Data *b = context;

  PetscFunctionBegin;
  b->codes.rows = 0;
  b->sae->now.training = false, b->sae->now.trace = NULL;
  PetscCall(EncoderCodes(b->sae->encoder, b->b, b->X, NULL, &b->codes));
  b->sae->now.training = true;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Products of the tokens and all atoms. */
static PetscErrorCode Scores(void *context)
{
  const Data *b = context;
  const SAE *sae = b->sae;

  PetscFunctionBegin;
  for (int64_t t = 0; t < b->b; t += SCORE_ROWS)
    sae->kernels->scores(min_i64(SCORE_ROWS, b->b - t), b->X + t * sae->d, sae->d, &b->packed, NULL,
                         b->S, sae->m);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The same in integers, or not where the encoder does without. */
static PetscErrorCode Filter(void *context)
{
  Data *b = context;
  const SAE *sae = b->sae;

  PetscFunctionBegin;
  if (!b->rounded.m) {
    PetscCall(Scores(b));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  for (int64_t t = 0; t < b->b; t += FILTER_ROWS) {
    sae->kernels->quantise(min_i64(FILTER_ROWS, b->b - t), sae->d, b->X + t * sae->d, sae->d,
                           &b->words);
    sae->kernels->filter(&b->words, &b->rounded.pairs, b->rounded.scale, b->zero, b->zero, b->S,
                         sae->m);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What a pick cannot share with others, as each waits for the one before: the chain that is its
   coefficient, its row taken off what is left, and the atom's products off the scores. Atoms are
   drawn. */
static PetscErrorCode Picks(void *context)
{
  const Data *b = context;
  const SAE *sae = b->sae;
  const int64_t m = sae->m;
  int64_t start[PICK_ROWS + 1];
  int32_t atom[PICK_ROWS];
  const float a[PICK_ROWS] = {0};
  uint32_t drawn = 1;

  PetscFunctionBegin;
  for (int64_t r = 0; r <= PICK_ROWS; r++) start[r] = r;
  for (int64_t t = 0; t < b->b; t += PICK_ROWS)
    for (double i = 0; i < b->count.picks; i++) {
      for (int64_t r = 0; r < PICK_ROWS; r++) {
        drawn = 1664525 * drawn + 1013904223;
        atom[r] = (int32_t)((drawn >> 8) % (uint32_t)m), b->score[r] = 0;
      }
      sae->kernels->chains(PICK_ROWS, start, atom, sae->d, sae->D, sae->d, b->left, sae->d,
                           b->products, m * (int64_t)sizeof(int16_t), b->score);
      sae->kernels->less_rows(PICK_ROWS, 1, atom, a, sae->d, sae->D, sae->d, b->left, b->square);
      for (int64_t r = 0; r < PICK_ROWS; r++)
        sae->kernels->less_leading(m, r % 2 ? 1000 : -1000, b->products + atom[r] * m,
                                   b->near + r * m, 1000, ROOM, b->leading);
    }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Residuals(void *context)
{
  Data *b = context;
  const SAE *sae = b->sae;

  PetscFunctionBegin;
  sae->kernels->residuals(b->b, b->codes.start, b->codes.atom, b->codes.value, sae->m, sae->d,
                          sae->D, -1, b->X, b->e, b->slope, b->square, NULL, b->work);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode LeafSums(void *context)
{
  Data *b = context;
  const SAE *sae = b->sae;

  PetscFunctionBegin;
  sae->kernels->leaf_sums(b->b, sae->d, sae->m, b->bucket, NULL, b->token, b->z, b->g, b->e,
                          sae->GE ? b->X : NULL, b->G[0], b->G[1], b->work);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Adam(void *context)
{
  const Data *b = context;
  const SAE *sae = b->sae;

  PetscFunctionBegin;
  sae->kernels->adam(sae->block_size, sae->block[0], b->moments, b->moments + sae->block_size,
                     sae->block[1], 1, 0, 1, 0.9f, 0.999f, 1e-8f);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What scores and picks take: products of atoms a tenth of their squares and less, scores that stay
   within 16 bits. */
static PetscErrorCode TakeScores(Data *b)
{
  const int64_t m = b->sae->m;

  PetscFunctionBegin;
  if (!(b->count.scores > 0)) PetscFunctionReturn(PETSC_SUCCESS);
  b->sae->kernels->pack(m, b->sae->d, b->sae->D, b->sae->d, &b->packed);
  PetscCall(ArrayCreate(SCORE_ROWS * m, &b->S));
  if (!(b->count.picks > 0)) PetscFunctionReturn(PETSC_SUCCESS);
  if (strcmp(encoder_word(b->sae->encoder), "fp32")) {
    PetscCall(RoundedCreate(NULL, m, b->sae->d, &b->rounded));
    rounded_renew(b->sae->kernels, 0, m, b->sae->D, &b->rounded);
  }
  PetscCall(ArrayCreate(m, &b->zero));
  PetscCall(ArrayCreate(PICK_ROWS, &b->score));
  PetscCall(ArrayCreate(PICK_ROWS * b->sae->d, &b->left));
  memcpy(b->left, b->X, (size_t)(PICK_ROWS * b->sae->d) * sizeof(*b->left));
  PetscCall(ArrayCreate(m * m, &b->products));
  PetscCall(ArrayCreate(PICK_ROWS * m, &b->near));
  PetscCall(ArrayCreate(ROOM, &b->leading));
  for (int64_t i = 0; i < m * m; i++)
    b->products[i] = (int16_t)((uint32_t)i * 2654435761U >> 16) / 10;
  for (int64_t i = 0; i < PICK_ROWS * m; i++)
    b->near[i] = (int16_t)((uint32_t)i * 2246822519U >> 16) / 4;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The model's codes of a batch as it would be used, by token and by atom: once. */
static PetscErrorCode TakeCodes(void *context)
{
  Data *b = context;
  const SAE *sae = b->sae;
  const int64_t d = sae->d, m = sae->m;
  int64_t *at, *row;

  PetscFunctionBegin;
  if (b->X) PetscFunctionReturn(PETSC_SUCCESS);
  b->b = sae->params.batch;
  PetscCall(ArrayCreate(b->b * d, &b->X));
  PetscCall(ArrayCreate(b->b, &row));
  for (int64_t t = 0; t < b->b; t++) row[t] = t;
  PetscCall(ViewRead(&bench_task_task(b->task)->view, b->b, row, b->X));
  for (int64_t i = 0; i < b->b * d; i++) b->X[i] -= sae->bias[i % d];
  PetscCall(ArrayDestroy(&row));
  PetscCall(CodesReserve(&b->codes, b->b, b->b));
  PetscCall(Encode(b));
  const int64_t codes = b->codes.start[b->b];
  PetscCall(ArrayCreate(b->b * d, &b->e));
  PetscCall(ArrayCreate(codes, &b->slope));
  PetscCall(ArrayCreate(max_i64(residuals_work(b->b, m), leaf_sums_work(b->b)), &b->work));
  for (int i = 0; i < 2; i++) PetscCall(ArrayCreate(m * d, &b->G[i]));
  PetscCall(ArrayCreate(2 * sae->block_size, &b->moments));
  PetscCall(ArrayCreate(b->b, &b->square));
  PetscCall(ArrayCreate(m + 1, &b->bucket));
  PetscCall(ArrayCreate(codes, &b->token));
  PetscCall(ArrayCreate(codes, &b->z));
  PetscCall(ArrayCreate(codes, &b->g));
  PetscCall(ArrayCreate(m, &at));
  for (int64_t q = 0; q < codes; q++) b->bucket[b->codes.atom[q] + 1]++;
  for (int64_t j = 0; j < m; j++) b->bucket[j + 1] += b->bucket[j], at[j] = b->bucket[j];
  for (int64_t t = 0; t < b->b; t++)
    for (int64_t q = b->codes.start[t]; q < b->codes.start[t + 1]; q++) {
      const int64_t to = at[b->codes.atom[q]]++;
      b->token[to] = (int32_t)t, b->z[to] = b->codes.value[q], b->g[to] = b->slope[q];
    }
  PetscCall(ArrayDestroy(&at));
  PetscCall(TakeScores(b));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DropCodes(Data *b)
{
  void **arrays[] = {
      (void **)&b->X,      (void **)&b->e,        (void **)&b->slope, (void **)&b->G[0],
      (void **)&b->G[1],   (void **)&b->moments,  (void **)&b->work,  (void **)&b->square,
      (void **)&b->bucket, (void **)&b->token,    (void **)&b->z,     (void **)&b->g,
      (void **)&b->S,      (void **)&b->products, (void **)&b->near,  (void **)&b->leading,
      (void **)&b->zero,   (void **)&b->left,     (void **)&b->score};

  PetscFunctionBegin;
  for (size_t i = 0; i < sizeof(arrays) / sizeof(*arrays); i++)
    PetscCall(ArrayDestroyBytes(arrays[i]));
  codes_clear(&b->codes);
  packed_clear(&b->packed);
  quantised_clear(&b->words);
  PetscCall(RoundedDestroy(NULL, &b->rounded));
  PetscFunctionReturn(PETSC_SUCCESS);
}

enum { STEP, RESIDUALS, SUMS, UPDATE, ENCODE, PICKS, FILTER, WORKS };

/* What the kernels take for a batch; further products at the rate of the limit. */
static double bound_of(const Data *b, const BenchTiming timing[WORKS])
{
  const Count *count = &b->count;
  const double active = b->sae->active, product = 2.0 * (double)b->sae->m * D,
               tokens = (double)b->b, rate = timing[STEP].rate, all = 2 * product * tokens / rate,
               more = active * tokens / (double)b->codes.start[b->b]; /* than were taken here */
  double bytes = count->bytes * (double)b->sae->block_size + count->touched * tokens;
  if (bytes > 0) bytes /= timing[UPDATE].rate;
  return (count->scores > 0 ? count->scores : 1) * timing[ENCODE].seconds +
         count->filter * timing[FILTER].seconds + timing[PICKS].seconds +
         count->dense * tokens / rate +
         count->residuals * fmin(more * timing[RESIDUALS].seconds, all) +
         count->sums * fmin(more * timing[SUMS].seconds, all) + timing[UPDATE].seconds + bytes;
}

/* Seconds of a step, and of what it is held against. */
static PetscErrorCode Time(BenchRun *run, Data *b, double *step, double *bound)
{
  const Count *count = &b->count;
  const bool helped = !strcmp(b->row, "revive auxk"), memory = count->bytes + count->touched > 0,
             encode = encoder_rows(b->sae) != ROWS_IDENTITY;
  const BenchWork work[WORKS] = {
      [STEP] = {Step, helped ? Silence : NULL, b, LIMIT_FMA, .rounds = ROUNDS},
      [RESIDUALS] = {Residuals, TakeCodes, b},
      [SUMS] = {LeafSums, NULL, b},
      [UPDATE] = {Adam, NULL, b, memory ? LIMIT_TRIAD : LIMIT_NONE},
      [ENCODE] = {count->scores > 0 ? Scores : Encode, NULL, b},
      [PICKS] = {Picks, NULL, b},
      [FILTER] = {Filter, NULL, b},
  };
  BenchTiming timing[WORKS] = {0};

  PetscFunctionBegin;
  PetscCall(BenchTimeTurns(run, !encode ? ENCODE : count->picks > 0 ? WORKS : PICKS, work, timing));
  *step = timing[STEP].seconds;
  *bound = bound_of(b, timing);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A model that has been timed. */
typedef struct {
  const char *row;
  Settings settings;
  Text size, limit;
  double step, bound; /* us a token */
} Timed;

static bool same_settings(const Settings *a, const Settings *b)
{
  bool same = a->count == b->count;
  for (int64_t i = 0; i < a->count && same; i++) {
    const char *value = settings_get(b, a->items[i].path);
    same = value && !strcmp(value, a->items[i].value);
  }
  return same;
}

static PetscErrorCode TimeModel(BenchRun *run, const char *path, const char *words, Count count,
                                Timed *timed)
{
  Data b = {.row = timed->row, .count = count};
  double step = 0, bound = 0;

  PetscFunctionBegin;
  PetscCall(BenchTaskOpen(run, MPI_COMM_SELF, path, words, P, &b.task));
  b.sae = bench_task_learner(b.task);
  PetscCall(Time(run, &b, &step, &bound));
  const double tokens = (double)b.sae->params.batch;
  timed->step = 1e6 * step / tokens, timed->bound = 1e6 * bound / tokens;
  text_add(&timed->size, "%lld of %d, batch %lld", (long long)b.sae->m, D,
           (long long)b.sae->params.batch);
  text_add(&timed->limit, "%s%sresiduals, leaf_sums, adam",
           count.scores > 0                       ? "scores, "
           : encoder_rows(b.sae) == ROWS_IDENTITY ? ""
                                                  : "encode, ",
           count.picks > 0 ? "filter, chains, less_rows, less_leading, " : "");
  PetscCall(DropCodes(&b));
  PetscCall(BenchTaskClose(&b.task));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Row `now`, which is not timed again where one before has the same settings: the defaults of all
   registries are one model. */
static PetscErrorCode Row(BenchRun *run, const char *path, Timed *timed, int64_t now)
{
  Timed *t = &timed[now];
  const Count count = count_of(t->row);
  Text words = {0}, note = {0};
  int64_t first = 0;

  PetscFunctionBegin;
  describe(t->row, count.words, &words);
  bench_settings(words.s, &t->settings);
  while (!same_settings(&timed[first].settings, &t->settings)) first++;
  if (first < now)
    text_add(&note, "the model of %s", timed[first].row);
  else
    PetscCall(TimeModel(run, path, words.s, count, t));
  const BenchFigure figure = {.row = t->row,
                              .size = timed[first].size.s,
                              .figure = timed[first].step,
                              .unit = "us/token",
                              .limit = timed[first].limit.s,
                              .limit_value = timed[first].bound,
                              .goal = "ratio <= 1.5",
                              .note = note.s};
  PetscCall(BenchRow(run, &figure));
  text_clear(&words);
  text_clear(&note);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Run(BenchRun *run)
{
  Timed timed[sizeof(rows) / sizeof(*rows)] = {0};
  int64_t count = 0;
  char *path;

  PetscFunctionBegin;
  PetscCall(BenchTokensFile(run, BENCH_SYNTH, N, D, &path));
  for (const char *const *row = rows; *row && run->rank == 0; row++) {
    if (!bench_wants(run, *row)) continue;
    timed[count].row = *row;
    PetscCall(Row(run, path, timed, count++));
  }
  for (int64_t i = 0; i < count; i++) {
    settings_clear(&timed[i].settings);
    text_clear(&timed[i].size);
    text_clear(&timed[i].limit);
  }
  PetscCall(BenchMeet(run));
  free(path);
  PetscFunctionReturn(PETSC_SUCCESS);
}

const Bench bench_compositions = {
    .entry = {"compositions",
              "a step of every code, goal, encoder, kind of atoms, revival, average "
              "and optimizer, one core"},
    .rows = rows,
    .together = true,
    .run = Run,
};
