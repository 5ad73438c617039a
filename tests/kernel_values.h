/* Values and sizes that kernels are tried with, and comparisons bit by bit. */
#pragma once
#include "base/array.h"
#include "base/random.h"
#include "compute/backend.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

extern const Kernels backend_ref;

/* TINY: of one sign, and so small that products round to 0 of their sign. */
enum { PLAIN, TIED, AWKWARD, TINY, VALUE_KINDS };
static uint64_t counter;

static inline uint64_t draw(void)
{
  const RandomBits b = random_bits(7, RANDOM_SYNTH, counter++);
  return (uint64_t)b.word[0] << 32 | b.word[1];
}
static inline int64_t below(int64_t n)
{
  return (int64_t)(draw() % (uint64_t)n);
}

static inline float value_of(int kind)
{
  const float x = (float)random_normal(7, RANDOM_SYNTH + 1, counter++);
  if (kind == TIED) return roundf(x * 2) / 2;
  if (kind == PLAIN || below(4)) return x;
  const float odd[] = {0.0f,      -0.0f,      INFINITY, -INFINITY, NAN,     0x1p-149f, -0x1p-149f,
                       0x1p-130f, -0x1p-75f,  0x1p-75f, 0x1p100f,  -3e38f,  65520.0f,  65519.9f,
                       0x1p-25f,  0x1.1p-24f, 6e-8f,    0x1p-14f,  1.0039f, -0x1p-101f};
  return odd[below(sizeof(odd) / sizeof(*odd))];
}

static inline float *fill(int64_t n, int kind)
{
  float *x;
  PetscCallAbort(PETSC_COMM_SELF, ArrayCreate(n, &x));
  const float sign = kind == TINY && below(2) ? -1.0f : 1.0f;
  for (int64_t i = 0; i < n; i++)
    x[i] = kind == TINY ? sign * (float)below(30) * 0x1p-90f : value_of(kind);
  return x;
}

static inline bool same_float(int64_t n, const float *a, const float *b)
{
  for (int64_t i = 0; i < n; i++) {
    if (!(isnan(a[i]) && isnan(b[i])) && memcmp(a + i, b + i, 4)) {
      fprintf(stderr, "# element %lld: %a against %a\n", (long long)i, (double)a[i], (double)b[i]);
      return false;
    }
  }
  return true;
}

static inline bool same_double(double a, double b)
{
  return (isnan(a) && isnan(b)) || !memcmp(&a, &b, 8);
}

static inline bool same_half(int64_t n, const uint16_t *a, const uint16_t *b, int exponent)
{
  for (int64_t i = 0; i < n; i++) {
    const int inf = exponent, na = (a[i] & 0x7fff) > inf, nb = (b[i] & 0x7fff) > inf;
    if (a[i] != b[i] && !(na && nb)) {
      fprintf(stderr, "# element %lld: %04x against %04x\n", (long long)i, a[i], b[i]);
      return false;
    }
  }
  return true;
}

/* Arrays of one case are freed together. */
static void *held[32];
static int holds;
static inline float *hold(float *x)
{
  return held[holds++] = x;
}
static inline void let_go(void)
{
  while (holds) free(held[--holds]);
}

static inline int64_t size_of(int64_t most)
{
  const int64_t special[] = {0, 1, 2, 7, 8, 9, 15, 16, 17, 47, 48, 49, 63, 64, 65, 96, 127, 129};
  const int64_t n = below(2) ? special[below(18)] : below(most + 1);
  return n < most ? n : most;
}

/* n counts that sum to what is given back; start [n + 1]. */
static inline int64_t *hold_starts(int64_t n, int64_t most)
{
  int64_t *start;
  PetscCallAbort(PETSC_COMM_SELF, ArrayCreate(n + 1, &start));
  hold((float *)start);
  for (int64_t t = 0; t < n; t++) start[t + 1] = start[t] + below(most + 1);
  return start;
}

/* check(kernels, name) of every kernel set that this CPU can run, or of ARDIS_KERNELS alone (in an
   emulator the others take hours). */
static inline void each_backend(void (*check)(const Kernels *, const char *))
{
  const char *only = getenv("ARDIS_KERNELS");
  if (!only && cpu_has_fma()) check(&kernels_ref_fma, "ref with FMA");
  bool any = false;
  for (const Entry *const *e = backends.entries; *e; e++) {
    const Kernels *k = (const Kernels *)*e;
    if (!k->usable() || (only && strcmp(only, k->entry.name) != 0)) continue;
    check(k, k->entry.name);
    any = true;
  }
  if (!any) abort(); /* no such kernels here */
}
