/* The largest codes of a batch, found digit by digit: floats above 0 are ordered like the integers
   of their bits, and counts of codes with the same leading bits are all that ranks need to know. */
#include "learn/batch_codes.h"
#include "batch.h"
#include <string.h>

enum { DIGITS = 3, WIDTH = 11, BINS = 1 << WIDTH };
static const int shift[DIGITS] = {20, 10, 0}, width[DIGITS] = {11, 10, 10}; /* 31 bits: no sign */

static uint32_t bits_of(float x)
{
  uint32_t bits;
  memcpy(&bits, &x, sizeof(bits));
  return bits;
}

int64_t sae_batch(const SAE *sae)
{
  return sae->batch->b;
}

/* The bits of the total-th largest value of all ranks; of the codes that have just them, so many
   are among the largest. total: at most all there are. */
static PetscErrorCode Threshold(SAE *sae, const Codes *codes, int64_t *total, uint32_t *value,
                                int64_t *equal)
{
  int64_t count[BINS], want = 0;
  uint32_t leading = 0;

  PetscFunctionBegin;
  for (int k = 0; k < DIGITS; k++) {
    const int bins = 1 << width[k], above = shift[k] + width[k];
    memset(count, 0, sizeof(count));
    for (int64_t q = codes->start[0]; q < codes->start[codes->rows]; q++) {
      const uint32_t bits = bits_of(codes->value[q]);
      if ((uint64_t)bits >> above == (uint64_t)leading >> above)
        count[bits >> shift[k] & (uint32_t)(bins - 1)]++;
    }
    PetscCall(NodesSum(sae->nodes, bins, count));
    if (k == 0) {
      int64_t all = 0;
      for (int b = 0; b < bins; b++) all += count[b];
      want = *total = min_i64(*total, all);
      if (!want) break;
    }
    int b = bins - 1;
    for (; count[b] < want; b--) want -= count[b];
    leading |= (uint32_t)b << shift[k];
  }
  *value = leading, *equal = want;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode KeepLargest(SAE *sae, int64_t total, Codes *codes, double *least)
{
  uint32_t value;
  int64_t equal, *ties, kept = codes->start[0], from = codes->start[0];
  float x;

  PetscFunctionBegin;
  PetscCall(Threshold(sae, codes, &total, &value, &equal));
  PetscCall(ArrayCreate(sae->size, &ties));
  for (int64_t q = codes->start[0]; q < codes->start[codes->rows]; q++)
    ties[sae->rank] += bits_of(codes->value[q]) == value;
  PetscCall(NodesSum(sae->nodes, sae->size, ties));
  for (int r = 0; r < sae->rank; r++) equal -= ties[r]; /* ranks have tokens in order */
  for (int64_t t = 0; t < codes->rows; t++) {
    const int64_t end = codes->start[t + 1];
    for (int64_t q = from; q < end; q++) {
      const uint32_t bits = bits_of(codes->value[q]);
      if (!total || bits < value || (bits == value && equal-- <= 0)) continue;
      codes->atom[kept] = codes->atom[q], codes->value[kept] = codes->value[q];
      kept++;
    }
    from = end, codes->start[t + 1] = kept;
  }
  memcpy(&x, &value, sizeof(x));
  *least = total ? (double)x : 0;
  PetscCall(ArrayDestroy(&ties));
  PetscFunctionReturn(PETSC_SUCCESS);
}
