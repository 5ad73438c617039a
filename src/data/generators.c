/* The family of generators, and writing what one makes. */
#include "data/generator.h"
#include "base/array.h"
#include "base/math.h"
#include "base/random.h"
#include "data/token_writer.h"
#include <inttypes.h>
#include <math.h>

#define X(name) extern const Generator generator_##name;
#include "generator.def"
#undef X

static const Entry *const entries[] = {
#define X(name) &generator_##name.entry,
#include "generator.def"
#undef X
    NULL,
};

const Family generators = {"generator", "generators", entries};

enum { QUANTILES = 65536, PIECE = 256 };

/* Peter Acklam's rational approximation of the normal quantile, error below 1.2e-9 of its value. */
static double quantile(double p)
{
  static const double a[] = {-3.969683028665376e+01, 2.209460984245205e+02,  -2.759285104469687e+02,
                             1.383577518672690e+02,  -3.066479806614716e+01, 2.506628277459239e+00};
  static const double b[] = {-5.447609879822406e+01, 1.615858368580409e+02,  -1.556989798598866e+02,
                             6.680131188771972e+01,  -1.328068155288572e+01, 1};
  static const double c[] = {-7.784894002430293e-03, -3.223964580411365e-01, -2.400758277161838e+00,
                             -2.549732539343734e+00, 4.374664141464968e+00,  2.938163982698783e+00};
  static const double e[] = {7.784695709041462e-03, 3.224671290700398e-01, 2.445134137142996e+00,
                             3.754408661907416e+00, 1};
  if (p > 0.5) return -quantile(1 - p);
  const bool tail = p < 0.02425;
  const double q = tail ? sqrt(-2 * math_log(p)) : p - 0.5, x = tail ? q : q * q;
  double above = 0, below = 0;
  for (int i = 0; i < 6; i++) above = above * x + (tail ? c[i] : a[i]);
  for (int i = 0; i < (tail ? 5 : 6); i++) below = below * x + (tail ? e[i] : b[i]);
  return (tail ? above : above * q) / below;
}

void normal_quantiles(float table[QUANTILES])
{
  for (int i = 0; i < QUANTILES; i++) table[i] = (float)quantile((i + 0.5) / QUANTILES);
}

void noise_fill(const Synth *synth, uint32_t purpose, int64_t row, float *z)
{
  const int64_t d = synth->d, blocks = (d + 7) / 8;
  for (int64_t i = 0; i < d; i += 8) {
    const RandomBits bits = random_bits(synth->seed, purpose, (uint64_t)(row * blocks + i / 8));
    for (int64_t j = 0; j < 8 && i + j < d; j++)
      z[i + j] = synth->noise[bits.word[j / 2] >> (j & 1 ? 16 : 0) & 0xffff];
  }
}

void random_directions(uint64_t seed, uint32_t purpose, int64_t m, int64_t d, float *D)
{
  for (int64_t j = 0; j < m; j++) {
    double square = 0;
    for (int64_t i = 0; i < d; i++) {
      const double x = random_normal(seed, purpose, (uint64_t)(j * d + i));
      D[j * d + i] = (float)x;
      square += x * x;
    }
    const double scale = 1 / sqrt(square);
    for (int64_t i = 0; i < d; i++) D[j * d + i] = (float)((double)D[j * d + i] * scale);
  }
}

/* This rank's rows, piece by piece. */
static PetscErrorCode WritePart(const Generator *generator, const Synth *synth, TokenWriter *writer,
                                const SynthOptions *options, Mistakes *mistakes)
{
  PetscFunctionBeginUser;
  int64_t first, count, bad = -1, *label, *group;
  float *values;
  token_writer_part(writer, &first, &count);
  PetscCall(ArrayCreate(PIECE * synth->d, &values));
  PetscCall(PetscMalloc2(PIECE, &label, PIECE, &group));
  for (int64_t row = first; row < first + count && bad < 0; row += PIECE) {
    const int64_t rows = min_i64(PIECE, first + count - row);
    generator->fill(synth, row, rows, values, label, group);
    const TokenRows data = {.X = values, .label = label, .group = group};
    PetscCall(TokenWriterRows(writer, rows, &data, &bad));
    if (bad >= 0)
      mistake(mistakes, options->output, 0, 0,
              "row %" PRId64 " would hold a number too large for %s; use --dtype bf16 or f32",
              row + bad, token_kind_name(options->kind));
  }
  PetscCall(ArrayDestroy(&values));
  PetscCall(PetscFree2(label, group));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode WriteTruth(MPI_Comm comm, const Synth *synth, H5Writer *file,
                                 const int *array)
{
  PetscFunctionBeginUser;
  int rank;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  for (int t = 0; t < synth->truths && rank == 0; t++)
    PetscCall(H5WriterRows(file, array[t], 0, synth->truth[t].dims[0], synth->truth[t].data));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode SynthRun(MPI_Comm comm, const Kernels *kernels, const Generator *generator,
                        const void *params, const SynthOptions *options, Mistakes *mistakes,
                        char *digest)
{
  PetscFunctionBeginUser;
  Synth synth = {.n = options->n, .d = options->d, .seed = options->seed};
  TokenWriter *writer;
  float *noise;
  int array[TRUTH_MAX];
  PetscCall(PetscMalloc1(QUANTILES, &noise));
  normal_quantiles(noise);
  synth.noise = noise;
  PetscCall(generator->prepare(&synth, params));
  const TokenLayout layout = {.n = synth.n,
                              .d = synth.d,
                              .kind = options->kind,
                              .labels = synth.labels,
                              .groups = synth.groups,
                              .source = options->source};
  PetscCall(TokenWriterCreate(comm, kernels, options->output, &layout, &writer));
  for (int t = 0; t < synth.truths; t++) {
    Text name = {0};
    text_add(&name, "truth/%s", synth.truth[t].name);
    PetscCall(H5WriterArray(token_writer_file(writer), name.s, synth.truth[t].kind,
                            synth.truth[t].rank, synth.truth[t].dims, &array[t]));
    text_clear(&name);
  }
  PetscCall(TokenWriterLayout(writer, mistakes));
  bool any = mistakes_count(mistakes) > 0;
  if (!any) {
    PetscCall(WritePart(generator, &synth, writer, options, mistakes));
    PetscCall(WriteTruth(comm, &synth, token_writer_file(writer), array));
  }
  PetscCall(MistakesAgree(comm, mistakes, &any));
  if (any)
    PetscCall(TokenWriterAbandon(&writer));
  else
    PetscCall(TokenWriterCommit(&writer, mistakes, digest));
  PetscCall(generator->destroy(&synth));
  PetscCall(PetscFree(noise));
  PetscFunctionReturn(PETSC_SUCCESS);
}
