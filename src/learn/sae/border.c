/* Tokens between the parts of two ranks of a node: tiles of them go to whichever rank comes for
   them first, so that a core that is slow for a while does not hold up the other. What a token's
   codes are does not depend on who makes them. Ranks 0 and 1, 2 and 3, … are neighbours: the first
   takes tiles upwards, the second downwards, until they meet, and each has tokens without a gap. */
#include "base/array.h"
#include "batch.h"
#include <stdatomic.h>
#include <string.h>

enum {
  WIDTH = 64, /* tokens of a tile */
  SHARE = 4   /* of a rank's tokens one in so many can go over */
};

/* Where two neighbours meet: in a step one of two, in the next the other. */
struct SAEMeet {
  _Alignas(64) atomic_llong taken; /* tiles, by both */
  _Alignas(64) atomic_bool made[2];
};

PetscErrorCode BorderCreate(SAE *sae)
{
  const int64_t pairs = nodes_size(sae->nodes) / 2;

  PetscFunctionBegin;
  if (pairs) PetscCall(SharedCreate(sae->nodes, 2 * pairs, &sae->batch->meet));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode BorderDestroy(SAE *sae)
{
  PetscFunctionBegin;
  PetscCall(SharedDestroy(sae->nodes, &sae->batch->meet));
  codes_clear(&sae->batch->ordered);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Whether tokens of this step may change hands: no message goes by who has them, and nothing of
   them stays in memory of one rank but their codes. */
static bool movable(const SAE *sae)
{
  const SAEBatch *batch = sae->batch;
  return nodes_count(sae->nodes) == 1 && sae->route == ROUTE_OWNER && !batch->trace &&
         !batch->unchosen && encoder_rows(sae) != ROWS_HIDDEN;
}

Border border_open(SAE *sae)
{
  SAEBatch *batch = sae->batch;
  const int rank = sae->rank, other = rank ^ 1;
  Border border = {.upper = rank & 1, .from = 0, .to = batch->count, .zone = batch->count};
  int64_t first, count;
  if (sae->size == 1 || other >= sae->size || !movable(sae)) return border;
  batch_part(sae, batch->b, other, &first, &count);
  border.half = min_i64(batch->count, count) / SHARE / WIDTH;
  const int64_t tokens = border.half * WIDTH;
  struct SAEMeet *pair = batch->meet + 2 * (rank / 2);
  border.meet = pair + (batch->turn & 1);
  batch->turn++;
  /* the other one: both have passed a barrier since they used it, and will before they do again */
  struct SAEMeet *next = pair + (batch->turn & 1);
  atomic_store(&next->taken, 0);
  atomic_store(&next->made[border.upper], false);
  if (border.upper)
    border.from = tokens, border.zone = 0;
  else
    border.to = border.zone = batch->count - tokens;
  border.zone_end = border.zone + tokens;
  return border;
}

void border_made(Border *border)
{
  if (border->meet)
    atomic_store_explicit(&border->meet->made[border->upper], true, memory_order_release);
}

bool border_take(Border *border, int64_t *from, int64_t *to)
{
  if (!border->meet) return false;
  /* in the other's half its tokens must be there */
  if (border->taken >= border->half &&
      !atomic_load_explicit(&border->meet->made[!border->upper], memory_order_acquire))
    return false;
  if (atomic_fetch_add(&border->meet->taken, 1) >= 2 * border->half) return false;
  *from = border->upper ? border->zone_end - (border->taken + 1) * WIDTH
                        : border->zone + border->taken * WIDTH;
  *to = *from + WIDTH;
  border->taken++;
  return true;
}

/* Appends rows first .. first + rows - 1 of some codes. There is room. */
static void append(const Codes *from, int64_t first, int64_t rows, Codes *to)
{
  const int64_t begin = from->start[first], at = to->start[to->rows];
  const size_t count = (size_t)(from->start[first + rows] - begin);
  for (int64_t t = 1; t <= rows; t++) to->start[to->rows + t] = at + from->start[first + t] - begin;
  to->rows += rows;
  if (!count) return;
  memcpy(to->atom + at, from->atom + begin, count * sizeof(*to->atom));
  memcpy(to->value + at, from->value + begin, count * sizeof(*to->value));
  if (from->has_more) memcpy(to->more + at, from->more + begin, count * sizeof(*to->more));
}

PetscErrorCode BorderOrder(SAE *sae, const Border *border, Codes *codes)
{
  Codes *to = &sae->batch->ordered;
  const int64_t before = codes->rows - border->taken * WIDTH;

  PetscFunctionBegin;
  if (!border->upper || !border->taken || !codes->rows) PetscFunctionReturn(PETSC_SUCCESS);
  if (to->has_more != codes->has_more) codes_clear(to);
  to->has_more = codes->has_more;
  PetscCall(CodesReserve(to, codes->rows, codes->start[codes->rows]));
  to->rows = 0;
  for (int64_t i = border->taken - 1; i >= 0; i--) append(codes, before + i * WIDTH, WIDTH, to);
  append(codes, 0, before, to);
  const Codes old = *codes;
  *codes = *to, *to = old;
  PetscFunctionReturn(PETSC_SUCCESS);
}

void border_close(SAE *sae, const Border *border)
{
  SAEBatch *batch = sae->batch;
  if (!border->meet) return;
  if (border->upper) batch->first += border->zone_end - border->taken * WIDTH;
  batch->count += (border->taken - border->half) * WIDTH;
}
