/* Column sums without rounding: in blocks of 256 rows whose values lie within 20 powers of two,
   sums of x are exact in float64, and so are those of x^2 once each is cut in two at a fixed bit.
   Other columns go through the exact accumulator value by value. */
#include "sums.h"
#include "base/array.h"
#include <math.h>
#include <string.h>

enum { BLOCK = 256, TILE = 16, SPREAD = 20 };

PetscErrorCode ColumnSumsCreate(int64_t d, ColumnSums **sums)
{
  PetscFunctionBeginUser;
  PetscCall(PetscNew(sums));
  (*sums)->d = d;
  PetscCall(
      PetscCalloc4(d, &(*sums)->sum, d, &(*sums)->square, d, &(*sums)->least, d, &(*sums)->most));
  for (int64_t i = 0; i < d; i++) (*sums)->least[i] = INFINITY, (*sums)->most[i] = -INFINITY;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ColumnSumsDestroy(ColumnSums **sums)
{
  PetscFunctionBeginUser;
  if (!*sums) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscFree4((*sums)->sum, (*sums)->square, (*sums)->least, (*sums)->most));
  PetscCall(PetscFree(*sums));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Of each of width columns: the bits of its largest |x|, and of its least that is not 0, less 1. */
static inline void find_sizes(int64_t rows, int width, const float *X, int64_t ld, uint32_t *large,
                              uint32_t *small, float *least, float *most)
{
  for (int64_t r = 0; r < rows; r++) {
    for (int c = 0; c < width; c++) {
      const float x = X[r * ld + c];
      uint32_t bits;
      memcpy(&bits, &x, sizeof(bits));
      bits &= 0x7fffffffu;
      large[c] = bits > large[c] ? bits : large[c];
      small[c] = bits - 1 < small[c] ? bits - 1 : small[c];
      least[c] = x < least[c] ? x : least[c];
      most[c] = x > most[c] ? x : most[c];
    }
  }
}

/* s: sums; high and low: sums of the squares' parts above and below the bit that cut[] names. */
static inline void add_rows(int64_t rows, int width, const float *X, int64_t ld, const double *cut,
                            double *s, double *high, double *low)
{
  for (int64_t r = 0; r < rows; r++) {
    for (int c = 0; c < width; c++) {
      const double x = (double)X[r * ld + c], square = x * x;
      const double part = (square + cut[c]) - cut[c];
      s[c] += x;
      high[c] += part;
      low[c] += square - part;
    }
  }
}

static void add_slowly(int64_t rows, const float *X, int64_t ld, Exact *sum, Exact *square)
{
  for (int64_t r = 0; r < rows; r++) {
    const double x = (double)X[r * ld];
    exact_add(sum, x);
    exact_add(square, x * x);
  }
}

/* Columns first .. first + width - 1 of up to BLOCK rows. With e the exponent field of the largest
   value, squares are below 2^(2 e - 252); cut at 2^(2 e - 297), 256 upper parts fill 53 bits at
   most, and so do 256 lower parts when the least value's field is above e - 21. */
static inline void add_tile(ColumnSums *sums, int64_t rows, int width, int64_t first,
                            const float *X)
{
  uint32_t large[TILE] = {0}, small[TILE];
  double cut[TILE], s[TILE] = {0}, high[TILE] = {0}, low[TILE] = {0};
  memset(small, 0xff, sizeof(small));
  const float *x = X + first;
  find_sizes(rows, width, x, sums->d, large, small, sums->least + first, sums->most + first);
  for (int c = 0; c < width; c++) {
    const int e = (int)(large[c] >> 23);
    cut[c] = ldexp(1.5, 2 * (e > 1 ? e : 1) - 245);
  }
  add_rows(rows, width, x, sums->d, cut, s, high, low);
  for (int c = 0; c < width; c++) {
    const int e = (int)(large[c] >> 23), f = small[c] == UINT32_MAX ? e : (int)(small[c] >> 23);
    if (e - (f > 1 ? f : 1) > SPREAD) {
      add_slowly(rows, x + c, sums->d, &sums->sum[first + c], &sums->square[first + c]);
      continue;
    }
    exact_add(&sums->sum[first + c], s[c]);
    exact_add(&sums->square[first + c], high[c]);
    exact_add(&sums->square[first + c], low[c]);
  }
}

void column_sums_add(ColumnSums *sums, int64_t rows, const float *X)
{
  const int64_t d = sums->d;
  for (int64_t r = 0; r < rows; r += BLOCK) {
    const int64_t count = min_i64(BLOCK, rows - r);
    int64_t i = 0;
    for (; i + TILE <= d; i += TILE) add_tile(sums, count, TILE, i, X + r * d);
    if (i < d) add_tile(sums, count, (int)(d - i), i, X + r * d);
  }
}

PetscErrorCode ColumnSumsJoin(MPI_Comm comm, ColumnSums *sums)
{
  PetscFunctionBeginUser;
  const int d = (int)sums->d;
  PetscCall(ExactSum(comm, d, sums->sum));
  PetscCall(ExactSum(comm, d, sums->square));
  for (int i = 0; i < d; i++) sums->least[i] += 0.0f, sums->most[i] += 0.0f; /* no -0 */
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, sums->least, d, MPI_FLOAT, MPI_MIN, comm));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, sums->most, d, MPI_FLOAT, MPI_MAX, comm));
  PetscFunctionReturn(PETSC_SUCCESS);
}
