/* Peaks of integer dot products. In assembly: through intrinsics GCC 12 keeps the sums of
   VNNI on the stack. */
#include "compute/probe.h"
#include <string.h>

typedef enum { NONE, MADD_256, VNNI_512 } Kind;

#if defined(__x86_64__)
static Kind kind_of(const Kernels *kernels)
{
  const bool wide = !strcmp(kernels->entry.name, "avx512"),
             narrow = !strcmp(kernels->entry.name, "avx2");
  if (wide && __builtin_cpu_supports("avx512vnni")) return VNNI_512;
  return wide || narrow ? MADD_256 : NONE;
}

/* Twelve sums in registers 0 to 11, inputs in 12 and 13: named, so that none is ever stored. */
enum { SUMS = 12 };
#define ALL(L) L("0") L("1") L("2") L("3") L("4") L("5") L("6") L("7") L("8") L("9") L("10") L("11")
#define TOUCHED                                                                                    \
  "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10",         \
      "xmm11", "xmm12", "xmm13", "xmm14", "xmm15"
#define CLEAR(i) "vpxor %%xmm" i ", %%xmm" i ", %%xmm" i "\n\t"
#define DPBUSD(i) "vpdpbusd %%zmm12, %%zmm13, %%zmm" i "\n\t"
#define DPWSSD(i) "vpdpwssd %%zmm12, %%zmm13, %%zmm" i "\n\t"
#define MADDWD(i) "vpmaddwd %%ymm12, %%ymm13, %%ymm14\n\tvpaddd %%ymm14, %%ymm" i ", %%ymm" i "\n\t"
#define JOIN "vpmaddubsw %%ymm12, %%ymm13, %%ymm15\n\tvpaddw %%ymm15, %%ymm14, %%ymm14\n\t"
#define MADDUBSW(i) /* four are joined before they are widened, as where centroids are screened */ \
  "vpmaddubsw %%ymm12, %%ymm13, %%ymm14\n\t" JOIN JOIN JOIN                                        \
  "vpmaddwd %%ymm12, %%ymm14, %%ymm14\n\tvpaddd %%ymm14, %%ymm" i ", %%ymm" i "\n\t"
/* All zeros: the clock does not care. */
#define REPEAT(LINE)                                                                               \
  __asm__ volatile(ALL(CLEAR) CLEAR("12")                                                          \
                       CLEAR("13") "1:\n\t" ALL(LINE) "sub $1, %0\n\tjnz 1b\n\tvzeroupper"         \
                   : "+r"(rounds)                                                                  \
                   :                                                                               \
                   : "cc", TOUCHED)

double probe_dot(const Kernels *kernels, int bits, int64_t rounds)
{
  const Kind kind = kind_of(kernels);
  const double joined = kind == MADD_256 && bits == 8 ? 4 : 1,
               each = 2.0 * SUMS * joined * (kind == VNNI_512 ? 512 : 256) / bits * (double)rounds;
  if (kind == NONE || rounds < 1) return 0;
  if (kind == VNNI_512 && bits == 8)
    REPEAT(DPBUSD);
  else if (kind == VNNI_512)
    REPEAT(DPWSSD);
  else if (bits == 8)
    REPEAT(MADDUBSW);
  else
    REPEAT(MADDWD);
  return each;
}
#else
static Kind kind_of(const Kernels *kernels)
{
  (void)kernels;
  return NONE;
}

double probe_dot(const Kernels *kernels, int bits, int64_t rounds)
{
  (void)kernels, (void)bits, (void)rounds;
  return 0;
}
#endif

const char *probe_dot_name(const Kernels *kernels, int bits)
{
  switch (kind_of(kernels)) {
  case VNNI_512:
    return bits == 8 ? "vpdpbusd" : "vpdpwssd";
  case MADD_256:
    return bits == 8 ? "vpmaddubsw" : "vpmaddwd";
  default:
    return "";
  }
}
