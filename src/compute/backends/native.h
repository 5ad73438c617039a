/* How wide the vectors of the CPU are that a file is compiled for, in bytes. Wider ones GCC takes
   apart through memory, which makes a loop ten times as long. */
#pragma once

enum {
#if defined(__AVX512F__)
  NATIVE = 64
#elif defined(__AVX__)
  NATIVE = 32
#else
  NATIVE = 16
#endif
};
