/* The family of kernel sets, and which one this CPU gets. */
#include "compute/backend.h"
#include "base/array.h"
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
