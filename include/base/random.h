/* Random numbers as functions of (seed, purpose, index): no state, so any rank computes any of
   them. Philox4x32-10 (Salmon et al., SC 2011). */
#pragma once
#include "base/error.h"

typedef enum {
  RANDOM_ATOMS = 1,       /* start of atoms; index = element */
  RANDOM_ENCODER,         /* start of encoders */
  RANDOM_PICK,            /* which anchor an atom starts from, mixtures */
  RANDOM_CHUNKS,          /* order of chunks; index = epoch */
  RANDOM_WINDOW,          /* order inside a window; index = epoch, window */
  RANDOM_CENTROIDS,       /* start of k-means */
  RANDOM_NULL,            /* null dictionaries */
  RANDOM_SYNTH,           /* generators: use RANDOM_SYNTH + 0 .. + 63 */
  RANDOM_RESAMPLE = 125,  /* tokens that dead atoms become; index = step, token */
  RANDOM_SURROGATE = 126, /* tokens of the surrogate null; index = element */
  RANDOM_SUBSAMPLE = 127, /* groups that a run trains on; index = group */
  RANDOM_SAMPLE = 128,    /* samples taken for measuring */
  RANDOM_LAST
} RandomPurpose;

typedef struct {
  uint32_t word[4];
} RandomBits;

/* 128 random bits. */
RandomBits random_bits(uint64_t seed, uint32_t purpose, uint64_t index);
/* Uniform in [0, 1), 53 bits. */
double random_uniform(uint64_t seed, uint32_t purpose, uint64_t index);
/* Standard normal (Box-Muller; indices 2 i and 2 i + 1 share their bits). */
double random_normal(uint64_t seed, uint32_t purpose, uint64_t index);
/* Uniform in 0 .. n - 1, n > 0. */
int64_t random_below(uint64_t seed, uint32_t purpose, uint64_t index, int64_t n);
/* Element i of a random permutation of 0 .. n - 1 named by (seed, purpose, index): a Feistel
 * network with cycle walking. */
int64_t random_permuted(uint64_t seed, uint32_t purpose, uint64_t index, int64_t n, int64_t i);
