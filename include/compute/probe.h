/* Peaks of the CPU: what registers alone can do. For measuring only. */
#pragma once
#include "compute/kernels.h"

/* probe_dot - multiplies and adds whole numbers of 8 or 16 bits into 32 in registers, rounds times,
   with the instructions of the kernel set: VNNI where the CPU has it, else maddubs and madd. Gives
   the operations done (a multiplication and an addition are two), 0 where the set has none. */
double probe_dot(const Kernels *kernels, int bits, int64_t rounds);
/* Their name: "vpdpbusd", "vpmaddubsw", …, or "". */
const char *probe_dot_name(const Kernels *kernels, int bits);
