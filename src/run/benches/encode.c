/* From tokens to TopK codes, one core: float32 scores and selection, and the filter in 16-bit
   integers; rows of the encoder that point anywhere (as at the start of training) and along the
   tokens' parts (as after it). */
#include "base/array.h"
#include "base/random.h"
#include "learn/encoder.h"
#include "run/bench.h"
#include <stdio.h>

enum { N = 1024, D = 768, M = 3840, WARM = 32, ACTIVE = 32 };

typedef struct {
  const Kernels *kernels;
  float *X, *E, *b, *S;
  int32_t *index;
  float *value;
  int64_t k;
  Packed packed;
  Choice code;
  Encoder *encoder;
  Codes codes;
} Data;

/* Tokens that are sums of ACTIVE rows and noise, or of noise alone. */
static void fill(Data *b, bool aligned)
{
  for (int64_t j = 0; j < M * D; j++)
    b->E[j] = (float)(random_normal(1, RANDOM_SYNTH, (uint64_t)j) / __builtin_sqrt((double)D));
  for (int64_t t = 0; t < N; t++) {
    float *x = b->X + t * D;
    for (int64_t i = 0; i < D; i++)
      x[i] = (float)random_normal(2, RANDOM_SYNTH, (uint64_t)(t * D + i)) * (aligned ? 0.5f : 1.0f);
    for (int64_t q = 0; aligned && q < ACTIVE; q++) {
      const int64_t at = t * ACTIVE + q, j = random_below(3, RANDOM_SYNTH, (uint64_t)at, M);
      const float z = 2 + 4 * (float)random_uniform(4, RANDOM_SYNTH, (uint64_t)at);
      for (int64_t i = 0; i < D; i++) x[i] += z * b->E[j * D + i];
    }
  }
}

static PetscErrorCode Scores(void *context)
{
  Data *b = context;
  PetscFunctionBegin;
  for (int64_t t = 0; t < N; t += WARM)
    b->kernels->scores(WARM, b->X + t * D, D, &b->packed, b->b, b->S, M);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The scores of WARM tokens lie in the second cache. */
static PetscErrorCode Select(void *context)
{
  Data *b = context;
  PetscFunctionBegin;
  for (int64_t t = 0; t < N; t++)
    b->kernels->select_top(M, b->S + t % WARM * M, b->k, NULL, b->index, b->value);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Encode(void *context)
{
  Data *b = context;
  PetscFunctionBegin;
  b->codes.rows = 0;
  PetscCall(EncoderCodes(b->encoder, N, b->X, NULL, &b->codes));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Renew(void *context)
{
  Data *b = context;
  PetscFunctionBegin;
  PetscCall(EncoderRenew(b->encoder));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode SelectRows(BenchRun *run, Data *b)
{
  BenchTiming timing;
  char size[64];

  PetscFunctionBegin;
  const BenchWork work = {.work = Select, .context = b, .limit = LIMIT_FMA};
  for (b->k = 32; b->k <= 64; b->k *= 2) {
    BenchFigure figure = {.row = "select_warm", .size = size, .goal = "figure <= 1.5"};
    snprintf(size, sizeof(size), "%lld of %d, on the tile", (long long)b->k, M);
    PetscCall(Scores(b));
    PetscCall(BenchTime(run, &work, &timing));
    bench_cost(&figure, LIMIT_FMA, &timing, 2.0 * M * D * N, N, "us/token");
    PetscCall(BenchRow(run, &figure));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* One encoder: its cost a token, beside the 10 m d multiply-adds' time that a step is held to. */
static PetscErrorCode EncodeRow(BenchRun *run, Data *b, bool aligned, EncoderUse use,
                                const char *row)
{
  Settings settings = {0};
  BenchTiming timing;
  char size[64], note[64] = "", k[16];
  BenchFigure figure = {.row = row, .size = size, .note = note};

  PetscFunctionBegin;
  snprintf(size, sizeof(size), "%d of %d x %d, %s", (int)b->k, M, D,
           aligned ? "aligned" : "random");
  snprintf(k, sizeof(k), "%d", (int)b->k);
  settings_set(&settings, "code.name", "topk");
  settings_set(&settings, "code.k", k);
  PetscCall(ChoiceRead(&settings, "code", &sae_codes, &b->code));
  const CodeNow now = code_now(&b->code);
  PetscCall(EncoderCreate(run->kernels, NULL, &now, M, D, b->E, b->b, use, 0, &b->encoder));
  PetscCall(EncoderRenew(b->encoder));
  const BenchWork work = {.work = Encode, .context = b, .limit = LIMIT_FMA};
  PetscCall(BenchTime(run, &work, &timing));
  bench_cost(&figure, LIMIT_FMA, &timing, 10.0 * M * D * N, N, "us/token");
  if (use == ENCODER_INT16)
    snprintf(note, sizeof(note), "%.1f atoms settled a token", encoder_left(b->encoder));
  PetscCall(BenchRow(run, &figure));
  PetscCall(EncoderDestroy(&b->encoder));
  PetscCall(ChoiceRelease(&b->code));
  settings_clear(&settings);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode RenewRow(BenchRun *run, Data *b)
{
  Settings settings = {0};
  BenchTiming timing;
  BenchFigure figure = {.row = "encoder_renew", .size = "3840 x 768, both forms"};

  PetscFunctionBegin;
  settings_set(&settings, "code.name", "topk");
  settings_set(&settings, "code.k", "32");
  PetscCall(ChoiceRead(&settings, "code", &sae_codes, &b->code));
  const CodeNow now = code_now(&b->code);
  PetscCall(
      EncoderCreate(run->kernels, NULL, &now, M, D, b->E, b->b, ENCODER_INT16, 0, &b->encoder));
  const BenchWork work = {.work = Renew, .context = b, .limit = LIMIT_TRIAD};
  PetscCall(BenchTime(run, &work, &timing));
  bench_rate(&figure, LIMIT_TRIAD, &timing, 18.0 * M * D);
  PetscCall(BenchRow(run, &figure));
  PetscCall(EncoderDestroy(&b->encoder));
  PetscCall(ChoiceRelease(&b->code));
  settings_clear(&settings);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Run(BenchRun *run)
{
  Data b = {.kernels = run->kernels};

  PetscFunctionBegin;
  PetscCall(ArrayCreate(N * D, &b.X));
  PetscCall(ArrayCreate(M * D, &b.E));
  PetscCall(ArrayCreate(M, &b.b));
  PetscCall(ArrayCreate(WARM * M, &b.S));
  PetscCall(ArrayCreate(M, &b.index));
  PetscCall(ArrayCreate(M, &b.value));
  PetscCall(CodesReserve(&b.codes, N, 0));
  for (int aligned = 0; aligned < 2; aligned++) {
    fill(&b, aligned);
    run->kernels->pack(M, D, b.E, D, &b.packed);
    if (!aligned && bench_wants(run, "select_warm")) PetscCall(SelectRows(run, &b));
    for (b.k = 32; b.k <= 64; b.k *= 2) {
      if (bench_wants(run, "encode_fp32"))
        PetscCall(EncodeRow(run, &b, aligned, ENCODER_FP32, "encode_fp32"));
      if (bench_wants(run, "encode_int16"))
        PetscCall(EncodeRow(run, &b, aligned, ENCODER_INT16, "encode_int16"));
    }
  }
  if (bench_wants(run, "encoder_renew")) PetscCall(RenewRow(run, &b));
  packed_clear(&b.packed);
  codes_clear(&b.codes);
  void **arrays[] = {(void **)&b.X, (void **)&b.E,     (void **)&b.b,
                     (void **)&b.S, (void **)&b.index, (void **)&b.value};
  for (size_t i = 0; i < sizeof(arrays) / sizeof(*arrays); i++)
    PetscCall(ArrayDestroyBytes(arrays[i]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static const char *const rows[] = {"select_warm", "encode_fp32", "encode_int16", "encoder_renew",
                                   NULL};

const Bench bench_encode = {
    .entry = {"encode", "tokens to TopK codes, one core"},
    .rows = rows,
    .run = Run,
};
