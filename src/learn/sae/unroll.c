/* The way back through the picks of matching pursuit, from the last to the first: docs/numerics.md
   section 3. They are a part of their own, whose codes are the picks in this order. */
#include "batch.h"
#include "learn/pursue.h"
#include <string.h>

/* The picks of this rank's token t, with the product of each with what e is then; what remains of e
   in the end. */
static void go_back(SAE *sae, int64_t t)
{
  SAEPart *part = &sae->batch->part[sae->batch->picks];
  const struct SAETrace *trace = sae->batch->trace;
  const int64_t d = sae->d, row = (sae->batch->first + t) * d;
  float *e = part->e + row;
  int64_t at = part->codes.start[t];
  memcpy(e, sae->batch->part[PART_MAIN].e + row, (size_t)d * sizeof(*e));
  for (int64_t i = trace->k - 1; i >= 0; i--) {
    const int32_t j = trace->pick[t * trace->k + i];
    const float c = trace->coefficient[t * trace->k + i];
    if (c == 0) continue;
    if (i)
      for (int64_t l = 0; l < d; l += 16)
        __builtin_prefetch(sae->D + trace->pick[t * trace->k + i - 1] * d + l);
    sae->kernels->blockdots(1, &j, d, sae->D, d, e, &part->g[at]);
    sae->kernels->add_scaled(d, -part->g[at], sae->D + j * d, e);
    part->codes.atom[at] = j, part->codes.value[at++] = c;
  }
  part->codes.start[t + 1] = at;
}

PetscErrorCode BatchUnroll(SAE *sae)
{
  SAEPart *part = &sae->batch->part[sae->batch->picks];
  const int64_t n = sae->batch->count, most = n * sae->batch->trace->k;

  PetscFunctionBegin;
  PetscCall(CodesReserve(&part->codes, n, most));
  if (most > part->g_space) {
    PetscCall(ArrayDestroy(&part->g));
    PetscCall(ArrayCreate(most, &part->g));
    part->g_space = most;
  }
  part->codes.rows = n;
  for (int64_t t = 0; t < n; t++) go_back(sae, t);
  PetscFunctionReturn(PETSC_SUCCESS);
}

void batch_unrolled(const SAE *sae, const SAETerm *term, int64_t first, int64_t atoms,
                    const SAESums *sums)
{
  const Codes *codes = term->codes;
  const Unroll unroll = {.n = codes->rows,
                         .m = sae->m,
                         .d = sae->d,
                         .first = first,
                         .atoms = atoms,
                         .start = codes->start,
                         .index = codes->atom,
                         .c = codes->value,
                         .a = term->g,
                         .D = sae->D,
                         .e = term->e,
                         .by = (float)(2.0 / (double)sae->d)};
  memset(sums->to[SUM_GB], 0, (size_t)atoms * sizeof(float));
  sae->kernels->unroll_sums(&unroll, sums->to[SUM_GD], sums->to[SUM_GE], sae->batch->work);
}
