/* Generators: tokens made as a function of (seed, row), so that any rank makes any of them, with
   the truth behind them stored beside. */
#pragma once
#include "base/h5.h"
#include "base/param.h"
#include "compute/kernels.h"

/* An array stored as /truth/<name>. data belongs to the generator's state. */
typedef struct {
  const char *name;
  H5Kind kind;
  int rank;
  int64_t dims[2];
  const void *data;
} Truth;

#define TRUTH_MAX 4
/* A generator at work. */
typedef struct {
  int64_t n, d;
  uint64_t seed;
  bool labels, groups; /* set by prepare: does fill give them? */
  int truths;
  Truth truth[TRUTH_MAX];
  const float *noise; /* normal_quantiles() */
  void *state;        /* the generator's own */
} Synth;

typedef struct {
  Entry entry;
  /* Makes what all rows share (the same on every rank), and says what it gives. */
  PetscErrorCode (*prepare)(Synth *synth, const void *params);
  /* Rows first .. : X [rows x d]; label, group [rows] where prepare promised them. */
  void (*fill)(const Synth *synth, int64_t first, int64_t rows, float *X, int64_t *label,
               int64_t *group);
  PetscErrorCode (*destroy)(Synth *synth);
} Generator;
extern const Family generators;

typedef struct {
  int64_t n, d;
  uint64_t seed;
  H5Kind kind; /* H5_F16, H5_BF16 or H5_F32 */
  const char *output;
  const char *source; /* what made it, stored in the file */
} SynthOptions;
/* SynthRun - writes the token file. digest [33] may be NULL. Collective on comm. A number that the
   kind cannot hold, a disk that is full: a mistake, and no file is left. */
PetscErrorCode SynthRun(MPI_Comm comm, const Kernels *kernels, const Generator *generator,
                        const void *params, const SynthOptions *options, Mistakes *mistakes,
                        char *digest);

/* Helpers of generators. */

/* The 65,536 quantiles of the standard normal distribution at (i + 1/2) / 65536. */
void normal_quantiles(float table[65536]);
/* d nearly normal numbers of a row: 16 random bits each, through the table. */
void noise_fill(const Synth *synth, uint32_t purpose, int64_t row, float *z);
/* Rows first .. of unit vectors with random directions, D [m x d]. */
void random_directions(uint64_t seed, uint32_t purpose, int64_t m, int64_t d, float *D);
