/* The family of kernel sets, and which one this CPU gets. */
#include "compute/backend.h"
#include "base/array.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define X(name) extern const Kernels backend_##name;
#include "backend.def"
#undef X

static const Entry *const entries[] = {
#define X(name) &backend_##name.entry,
#include "backend.def"
#undef X
    NULL,
};

const Family backends = {"backend", "backends", entries};

bool cpu_always(void)
{
  return true;
}

bool cpu_has_fma(void)
{
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}

bool cpu_has_avx2(void)
{
  return cpu_has_fma() && __builtin_cpu_supports("f16c");
}

bool cpu_has_avx512(void)
{
  return cpu_has_avx2() && __builtin_cpu_supports("avx512f") &&
         __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
         __builtin_cpu_supports("avx512vl");
}

bool cpu_has_vnni(void)
{
  return cpu_has_avx512() && __builtin_cpu_supports("avx512vnni");
}

static const Kernels *best_usable(void)
{
  const Kernels *best = NULL;
  for (const Entry *const *e = entries; *e; e++) {
    const Kernels *k = (const Kernels *)*e;
    if (k->usable() && (!best || k->rank > best->rank)) best = k;
  }
  return best;
}

PetscErrorCode KernelsChoose(const char *name, Mistakes *mistakes, const Kernels **kernels)
{
  PetscFunctionBegin;
  const char *from = name ? "kernels" : "ARDIS_KERNELS";
  if (!name) name = getenv("ARDIS_KERNELS");
  *kernels = NULL;
  if (!name || !*name) {
    *kernels = best_usable();
  } else {
    const Kernels *found = (const Kernels *)family_find(&backends, name);
    Text words = {0};
    for (const Entry *const *e = entries; *e; e++) {
      if (((const Kernels *)*e)->usable())
        text_add(&words, "%s%s", words.s ? ", " : "", (*e)->name);
    }
    if (!found) {
      mistake(mistakes, NULL, 0, 0, "%s: there are no kernels '%s'; this machine can use: %s", from,
              name, words.s);
    } else if (!found->usable()) {
      mistake(mistakes, NULL, 0, 0, "%s: this CPU cannot run '%s'; it can use: %s", from, name,
              words.s);
    } else {
      *kernels = found;
    }
    text_clear(&words);
  }
  if (*kernels && !strcmp((*kernels)->entry.name, "ref") && cpu_has_fma()) {
    *kernels = &kernels_ref_fma;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

void packed_reserve(Packed *packed, int64_t m, int64_t d)
{
  const int64_t need = (m + PANEL - 1) / PANEL * PANEL * d;
  packed->rows = m;
  packed->d = d;
  if (need <= packed->space) return;
  PetscCallAbort(PETSC_COMM_SELF, ArrayDestroy(&packed->x));
  PetscCallAbort(PETSC_COMM_SELF, ArrayCreate(need, &packed->x));
  packed->space = need;
}

void packed_clear(Packed *packed)
{
  PetscCallAbort(PETSC_COMM_SELF, ArrayDestroy(&packed->x));
  *packed = (Packed){0};
}

void quantised_reserve(Quantised *quantised, int64_t n, int64_t d)
{
  const int64_t ld = (d + 1) / 2 * 2;
  float **const arrays[] = {&quantised->scale, &quantised->norm, &quantised->rest};
  quantised->rows = n, quantised->d = d, quantised->ld = ld;
  if (n * ld > quantised->space || !quantised->q) {
    PetscCallAbort(PETSC_COMM_SELF, ArrayDestroy(&quantised->q));
    PetscCallAbort(PETSC_COMM_SELF, ArrayCreate(n * ld, &quantised->q));
    quantised->space = n * ld;
  }
  for (int64_t t = 0; ld > d && t < n; t++) quantised->q[t * ld + d] = 0;
  if (n <= quantised->row_space && quantised->scale) return;
  for (int i = 0; i < 3; i++) {
    PetscCallAbort(PETSC_COMM_SELF, ArrayDestroy(arrays[i]));
    PetscCallAbort(PETSC_COMM_SELF, ArrayCreate(n, arrays[i]));
  }
  quantised->row_space = n;
}

/* With |x| <= norm, |q| <= |x| / scale (1 + 2^-21) + sqrt(d) / 2 <= 46,340, and |q_i| <= 32,767 as
   the largest element is at most 32,767 (1 - 2^-20) scales. */
float quantised_scale(int64_t d, double square, float most, float *norm, float *inverse)
{
  const double length = __builtin_sqrt(square) * (1 + 0x1p-20), widest = (double)most,
               room = 46338 - __builtin_sqrt((double)d) / 2;
  *inverse = 0;
  *norm = INFINITY;
  if (!(length < 0x1p50) || !(widest < 0x1p50)) return 0;
  *norm = (float)(length * (1 + 0x1p-20));
  if (length < 0x1p-40) *norm += 0x1p-100f;
  if (length < 0x1p-40 || room < 4096) return 0;
  const double by_norm = length / room, by_size = widest / 32767 * (1 + 0x1p-19);
  const float scale = (float)(by_norm > by_size ? by_norm : by_size);
  *inverse = 1.0f / scale;
  return scale;
}

float quantised_rest(double square, float norm)
{
  return norm < INFINITY ? (float)(__builtin_sqrt(square) * (1 + 0x1p-20) + 0x1p-100) : INFINITY;
}

void quantised_clear(Quantised *quantised)
{
  float **const arrays[] = {&quantised->scale, &quantised->norm, &quantised->rest};
  PetscCallAbort(PETSC_COMM_SELF, ArrayDestroy(&quantised->q));
  for (int i = 0; i < 3; i++) PetscCallAbort(PETSC_COMM_SELF, ArrayDestroy(arrays[i]));
  *quantised = (Quantised){0};
}
