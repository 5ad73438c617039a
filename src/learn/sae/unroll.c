/* The way back through the picks of matching pursuit, from the last to the first: docs/numerics.md
   section 3. They are a part of their own, whose codes are the picks in this order. */
#include "batch.h"
#include "learn/pursue.h"
#include <string.h>

/* The picks of this rank's token t, from the last to the first. */
static void turn_picks(SAE *sae, int64_t t)
{
  SAEPart *part = &sae->batch->part[sae->batch->picks];
  const struct SAETrace *trace = sae->batch->trace;
  int64_t at = part->codes.start[t];
  for (int64_t q = (t + 1) * trace->k - 1; q >= t * trace->k; q--) {
    if (trace->coefficient[q] == 0) continue;
    part->codes.atom[at] = trace->pick[q], part->codes.value[at++] = trace->coefficient[q];
  }
  part->codes.start[t + 1] = at;
}

PetscErrorCode BatchUnroll(SAE *sae)
{
  SAEPart *part = &sae->batch->part[sae->batch->picks];
  const int64_t n = sae->batch->count, most = n * sae->batch->trace->k,
                row = sae->batch->first * sae->d;

  PetscFunctionBegin;
  PetscCall(CodesReserve(&part->codes, n, most));
  if (most > part->g_space) {
    PetscCall(ArrayDestroy(&part->g));
    PetscCall(ArrayCreate(most, &part->g));
    part->g_space = most;
  }
  part->codes.rows = n;
  for (int64_t t = 0; t < n; t++) turn_picks(sae, t);
  sae->kernels->unroll_slopes(n, part->codes.start, part->codes.atom, sae->d, sae->D,
                              sae->batch->part[PART_MAIN].e + row, part->e + row, part->g);
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
