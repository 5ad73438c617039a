/* The part of a step that is per token: scores, codes, residuals, slopes. */
#include "batch.h"
#include "learn/encoder.h"
#include "learn/hidden.h"
#include "learn/pursue.h"
#include <string.h>

enum { TILES = 8 }; /* read before they are encoded, where they go through the encoder's filter */

static PetscErrorCode Room(float **array, int64_t *space, int64_t count)
{
  PetscFunctionBegin;
  if (count <= *space) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(ArrayDestroy(array));
  *space = count + count / 2 + 16;
  PetscCall(ArrayCreate(*space, array));
  PetscFunctionReturn(PETSC_SUCCESS);
}

AtomSet batch_atoms(const SAE *sae, bool aux)
{
  const SAEBatch *batch = sae->batch;
  const int64_t *starts = aux ? batch->dead_starts : sae->starts, first = starts[sae->rank];
  return (AtomSet){starts[sae->size], first, starts[sae->rank + 1] - first, starts};
}

SAEAux sae_aux(const SAE *sae)
{
  const Choice *revive = &sae->params.revive;
  const SAERevive *how = (const SAERevive *)revive->entry;
  return how->aux ? how->aux(revive->params, sae->d) : (SAEAux){0};
}

/* The dead atoms side by side, and room for their sums. */
static PetscErrorCode GatherDead(SAE *sae)
{
  SAEBatch *batch = sae->batch;
  const int64_t d = sae->d, inputs = sae->inputs;
  int64_t count = 0;

  PetscFunctionBegin;
  for (int r = 0; r < sae->size; r++) {
    batch->dead_starts[r] = count;
    for (int64_t j = sae->starts[r]; j < sae->starts[r + 1]; j++)
      if (batch->dead[j]) batch->dead_atom[count++] = (int32_t)j;
  }
  batch->dead_starts[sae->size] = count;
  const int64_t rows = batch_atoms(sae, true).rows;
  PetscCall(Room(&batch->dead_D, &batch->dead_space[0], count * d));
  PetscCall(Room(&batch->dead_E, &batch->dead_space[1], count * inputs));
  PetscCall(Room(&batch->aG, &batch->dead_space[2], rows * d));
  if (sae->GE) PetscCall(Room(&batch->aE, &batch->dead_space[3], rows * inputs));
  for (int64_t q = 0; q < count; q++) {
    memcpy(batch->dead_D + q * d, sae->D + batch->dead_atom[q] * d, (size_t)d * sizeof(float));
    memcpy(batch->dead_E + q * inputs, sae->E + batch->dead_atom[q] * inputs,
           (size_t)inputs * sizeof(float));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Tokens seen before a step. */
static int64_t seen_before(const SAE *sae, int64_t step)
{
  return step / sae->per_epoch * sae->n_train + step % sae->per_epoch * sae->params.batch;
}

int64_t dead_after(const SAE *sae, const SAEAux *aux, int64_t step, int64_t last)
{
  const int64_t now = seen_before(sae, step);
  if (aux->count == DEAD_BY_TOKENS) return aux->dead_after;
  const int64_t since =
      aux->count == DEAD_BY_EPOCH ? last - last % sae->per_epoch : step - aux->dead_after;
  return since >= 0 && since < step ? now - seen_before(sae, since) : INT64_MAX;
}

/* The dead atoms of this step, and the penalty's slopes. */
static void prepare(SAE *sae, double l1)
{
  SAEBatch *batch = sae->batch;
  const SAEAux aux = sae_aux(sae);
  const int64_t after = dead_after(sae, &aux, sae->step, sae->step);
  batch->deads = 0;
  for (int64_t j = 0; j < sae->m; j++) {
    batch->dead[j] = aux.weight > 0 && sae->silent[j] >= after;
    batch->deads += batch->dead[j];
    if (l1 <= 0) continue;
    batch->norm[j] = __builtin_sqrt(sae->kernels->square64(sae->d, sae->D + j * sae->d));
    batch->q[j] = (float)(l1 * batch->norm[j]);
  }
}

/* This rank's tokens of the batch of a step. */
static Stretch batch_stretch(const SAE *sae, int64_t step)
{
  const int64_t start = step % sae->per_epoch * sae->params.batch,
                b = min_i64(sae->params.batch, sae->n_train - start);
  int64_t first, count;
  batch_part(sae, b, sae->rank, &first, &count);
  return (Stretch){true, sae->task->seed_data, step / sae->per_epoch, start + first, count};
}

/* Centred tokens at .. at + n - 1 of this rank. */
static PetscErrorCode TileTokens(SAE *sae, int64_t at, int64_t n)
{
  SAEBatch *batch = sae->batch;
  float *xc = batch->xc + (batch->first + at) * sae->d;

  PetscFunctionBegin;
  PetscCall(ReaderLess(sae->task->reader, at, n, sae->bias, xc));
  if (batch->in != batch->xc) {
    const Hidden hidden = hidden_of(sae);
    hidden_forward(sae->kernels, &hidden, n, xc, batch->norm_in + at * sae->inputs,
                   batch->inverse + at, batch->in + (batch->first + at) * sae->inputs);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Codes of dead atoms for n tokens, from the tile's scores: of all atoms, or of the dead ones
   alone. */
static PetscErrorCode AuxCodes(SAE *sae, int64_t n, bool alone)
{
  SAEBatch *batch = sae->batch;
  const SAEAux aux = sae_aux(sae);
  Codes *codes = &batch->part[PART_AUX].codes;
  const int64_t deads = batch->deads, k = min_i64(aux.k, deads);

  PetscFunctionBegin;
  PetscCall(CodesReserve(codes, codes->rows + n, codes->start[codes->rows] + n * k));
  for (int64_t t = 0; t < n; t++) {
    float *s = batch->S + t * (alone ? deads : sae->m);
    for (int64_t q = 0; !alone && q < deads; q++) s[q] = s[batch->dead_atom[q]];
    const int64_t at = codes->start[codes->rows];
    codes->start[++codes->rows] =
        at + sae->kernels->select_top(deads, s, k, NULL, codes->atom + at, codes->value + at);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Where the encoder's codes go. */
static Codes *main_codes(SAEBatch *batch)
{
  return batch->parts - (batch->gate > 0) - (batch->picks > 0) - (batch->unchosen > 0) >
                 PART_MAIN + 1
             ? &batch->whole
             : &batch->part[PART_MAIN].codes;
}

/* The codes of n tokens from t on that they have not chosen, from the scores of the tile. */
static PetscErrorCode UnchosenCodes(SAE *sae, int64_t t, int64_t n)
{
  SAEBatch *batch = sae->batch;
  SAEPart *part = &batch->part[batch->unchosen];
  Codes *codes = &part->codes;
  const Codes *chosen = main_codes(batch);
  const int64_t k = sae->unchosen.k;

  PetscFunctionBegin;
  PetscCall(CodesReserve(codes, batch->count, batch->count * k));
  PetscCall(Room(&part->g, &part->g_space, batch->count * k));
  for (float *s = batch->S; codes->rows < t + n; s += sae->m) {
    const int64_t i = codes->rows++, at = codes->start[i];
    for (int64_t q = chosen->start[i]; q < chosen->start[i + 1]; q++)
      if (chosen->value[q] != 0) s[chosen->atom[q]] = 0;
    codes->start[i + 1] =
        at + sae->kernels->select_top(sae->m, s, k, NULL, codes->atom + at, codes->value + at);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Where what is chosen depends on the whole batch: from all scores once more. */
static PetscErrorCode UnchosenLater(SAE *sae)
{
  SAEBatch *batch = sae->batch;

  PetscFunctionBegin;
  for (int64_t t = 0; t < batch->count; t += TILE) {
    const int64_t n = min_i64(TILE, batch->count - t);
    encoder_scores(sae->encoder, n, batch->in + (batch->first + t) * sae->inputs, batch->S);
    PetscCall(UnchosenCodes(sae, t, n));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Codes of this rank's tokens from .. to - 1. Where all scores are not wanted for the codes, those
   of the dead atoms alone are made. */
static PetscErrorCode TokenCodes(SAE *sae, int64_t from, int64_t to, bool alone)
{
  SAEBatch *batch = sae->batch;
  const float *in = batch->in + batch->first * sae->inputs;
  const bool dead = batch->deads && !alone, unchosen = batch->unchosen && !sae->now.code->settle,
             all = dead || unchosen;
  const int64_t width = all ? TILE : to - from; /* S holds a tile */

  PetscFunctionBegin;
  for (int64_t t = from; t < to; t += width) {
    const int64_t n = min_i64(width, to - t);
    PetscCall(EncoderCodes(sae->encoder, n, in + t * sae->inputs, all ? batch->S : NULL,
                           main_codes(batch)));
    if (dead) PetscCall(AuxCodes(sae, n, false));
    if (unchosen) PetscCall(UnchosenCodes(sae, t, n));
  }
  for (int64_t t = from; alone && t < to; t += TILE) {
    const int64_t n = min_i64(TILE, to - t);
    encoder_some_scores(sae->encoder, n, in + t * sae->inputs, batch->S);
    PetscCall(AuxCodes(sae, n, true));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The codes of this rank's tokens, and of those that it takes of its neighbour's. */
static PetscErrorCode Encode(SAE *sae, bool alone)
{
  SAEBatch *batch = sae->batch;
  Border border = border_open(sae);
  int64_t from, to;

  PetscFunctionBegin;
  for (from = border.zone; from < border.zone_end; from = to) {
    to = min_i64(border.zone_end, from + TILE);
    PetscCall(TileTokens(sae, from, to - from));
  }
  border_made(&border);
  for (from = border.from; from < border.to; from = to) {
    const int64_t tiles = encoder_filters(sae->encoder) ? TILES : 1;
    to = min_i64(border.to, from + tiles * TILE);
    for (int64_t t = from; t < to; t += TILE) PetscCall(TileTokens(sae, t, min_i64(TILE, to - t)));
    PetscCall(TokenCodes(sae, from, to, alone));
  }
  while (border_take(&border, &from, &to)) PetscCall(TokenCodes(sae, from, to, alone));
  PetscCall(BorderOrder(sae, &border, main_codes(batch)));
  PetscCall(BorderOrder(sae, &border, &batch->part[PART_AUX].codes));
  border_close(sae, &border);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The codes of each level, from those of all; their slopes' room. */
static PetscErrorCode SplitCodes(SAE *sae)
{
  SAEBatch *batch = sae->batch;
  const bool own = sae->now.code->slopes != NULL;

  PetscFunctionBegin;
  if (sae->levels.count > 1) {
    Codes *to[SAE_LEVELS];
    for (int l = 0; l < sae->levels.count; l++) to[l] = &batch->part[PART_MAIN + l].codes;
    PetscCall(SplitLevels(sae->kernels, &sae->levels, &batch->whole, to));
  }
  batch->active_here = 0;
  for (int p = PART_MAIN; p < PART_MAIN + sae->levels.count; p++) {
    SAEPart *part = &batch->part[p];
    const int64_t count = part->codes.start[part->codes.rows];
    PetscCall(Room(&part->g, &part->g_space, count));
    if (own) PetscCall(Room(&part->own, &part->own_space, count));
    for (int64_t q = 0; q < count; q++) batch->active_here += part->codes.value[q] != 0;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Slopes of a part's squared errors become those of its loss. */
static void penalise(SAE *sae, SAEPart *part, double l1, Exact *penalty)
{
  const SAEBatch *batch = sae->batch;
  const Codes *codes = &part->codes;
  const float c = (float)(2.0 / (double)sae->d);
  for (int64_t t = 0; t < codes->rows; t++) {
    double sum = 0;
    for (int64_t q = codes->start[t]; q < codes->start[t + 1]; q++) {
      const int32_t j = codes->atom[q];
      part->g[q] = c * part->g[q] + (l1 > 0 ? batch->q[j] : 0);
      if (l1 > 0) sum += (double)codes->value[q] * batch->norm[j];
    }
    if (l1 > 0) exact_add(penalty, sum);
  }
}

/* Residuals, slopes and losses of this rank's tokens. */
static void losses_of_tokens(SAE *sae, double l1, Exact losses[3])
{
  SAEBatch *batch = sae->batch;
  const int64_t row = batch->first * sae->d;
  const Codes *codes[SAE_LEVELS + 1];
  float *e[SAE_LEVELS + 1], *g[SAE_LEVELS + 1];
  SAELevels levels = sae->levels;
  levels.count = sae_levels(sae);
  if (batch->unchosen) levels.weight[sae->levels.count] = sae->unchosen.weight;
  for (int l = 0; l < levels.count; l++) {
    SAEPart *part = &batch->part[PART_MAIN + l];
    codes[l] = &part->codes, g[l] = part->g, e[l] = part->e + row;
  }
  /* leaves are whole where there is one rank; picks are gone back through first */
  batch->leaves_made = sae->size == 1 && !batch->picks;
  goal_pass(sae->kernels, &levels, batch->count, sae->m, sae->d, sae->D, batch->xc + row, codes, g,
            e, batch->rest + row, batch->square, batch->leaves_made ? batch->leaf_all : NULL,
            batch->work);
  for (int64_t t = 0; t < batch->count; t++) exact_add(&losses[0], batch->square[t]);
  for (int l = 0; l < levels.count; l++) {
    SAEPart *part = &batch->part[PART_MAIN + l];
    const bool more = l == sae->levels.count;
    penalise(sae, part, batch->gate || more ? 0 : l1, &losses[1]);
    if (sae->now.code->slopes && !more)
      sae->now.code->slopes(&sae->now, &part->codes, part->g, part->own);
  }
}

/* The same of the gate's reconstruction, whose codes are the entries' further numbers. */
static PetscErrorCode Gate(SAE *sae, double l1, Exact losses[3])
{
  SAEBatch *batch = sae->batch;
  SAEPart *part = &batch->part[batch->gate];
  const Codes *from = &batch->part[PART_MAIN].codes;
  Codes *codes = &part->codes;
  const int64_t row = batch->first * sae->d, count = from->start[from->rows];

  PetscFunctionBegin;
  PetscCall(CodesReserve(codes, from->rows, count));
  PetscCall(Room(&part->g, &part->g_space, count));
  codes->rows = from->rows;
  memcpy(codes->start, from->start, (size_t)(from->rows + 1) * sizeof(*codes->start));
  if (count) {
    memcpy(codes->atom, from->atom, (size_t)count * sizeof(*codes->atom));
    memcpy(codes->value, from->more, (size_t)count * sizeof(*codes->value));
  }
  sae->kernels->residuals(batch->count, codes->start, codes->atom, codes->value, sae->m, sae->d,
                          sae->D, -1, batch->xc + row, part->e + row, part->g, batch->square, NULL,
                          batch->work);
  for (int64_t t = 0; t < batch->count; t++) exact_add(&losses[2], batch->square[t]);
  penalise(sae, part, l1, &losses[1]);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode BatchForward(SAE *sae, Exact losses[3])
{
  SAEBatch *batch = sae->batch;
  const SAECode *code = sae->now.code;
  const double l1 = sae->l1;
  const int64_t start = sae->step % sae->per_epoch * sae->params.batch;
  const Stretch now = batch_stretch(sae, sae->step), next = batch_stretch(sae, sae->step + 1);
  const int32_t *dead;
  int64_t deads;

  PetscFunctionBegin;
  batch->b = min_i64(sae->params.batch, sae->n_train - start);
  batch_part(sae, batch->b, sae->rank, &batch->first, &batch->count);
  PetscCall(ReaderAsk(sae->task->reader, &now, sae->step + 1 < sae->steps ? &next : NULL));
  batch->part[PART_AUX].codes.rows = main_codes(batch)->rows = 0;
  batch->part[batch->unchosen].codes.rows = 0;
  prepare(sae, l1);
  sae->now.trace = batch->trace;
  if (batch->trace) batch->trace->rows = 0;
  const bool alone = batch->deads && encoder_filters(sae->encoder);
  if (batch->deads) PetscCall(GatherDead(sae));
  if (alone) PetscCall(EncoderSome(sae->encoder, batch->dead, &deads, &dead));
  PetscCall(Encode(sae, alone));
  if (code->settle) PetscCall(code->settle(sae, main_codes(batch)));
  PetscCall(SplitCodes(sae));
  if (batch->unchosen && code->settle) PetscCall(UnchosenLater(sae));
  losses_of_tokens(sae, l1, losses);
  if (batch->gate) PetscCall(Gate(sae, l1, losses));
  if (batch->picks) PetscCall(BatchUnroll(sae));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode BatchAux(SAE *sae, Exact *loss)
{
  SAEBatch *batch = sae->batch;
  SAEPart *part = &batch->part[PART_AUX];
  const Codes *codes = &part->codes;
  const int64_t d = sae->d, row = batch->first * d;

  PetscFunctionBegin;
  PetscCall(Room(&part->g, &part->g_space, codes->start[codes->rows]));
  sae->kernels->residuals(batch->count, codes->start, codes->atom, codes->value, batch->deads, d,
                          batch->dead_D, 1, batch->rest + row, part->e + row, part->g,
                          batch->square, NULL, batch->work);
  for (int64_t t = 0; t < batch->count; t++) exact_add(loss, batch->square[t]);
  PetscFunctionReturn(PETSC_SUCCESS);
}
