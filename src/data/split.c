/* The split into training and held-out tokens by whole groups. Neither side is a list of rows but a
   list of runs of rows, found by bisection. */
#include "base/array.h"
#include "base/random.h"
#include "data/view.h"
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

enum { PIECE = 1 << 16 };

/* Consecutive rows of one group. */
typedef struct {
  int64_t group, first, count;
} Segment;

typedef struct {
  int64_t number, tokens;
  uint64_t hash;
  int64_t place; /* in the order of the hashes */
} Group;

/* Consecutive rows of one side; before: elements of the side in earlier runs. */
typedef struct {
  int64_t first, count, before;
} Rows;

typedef struct {
  int64_t runs, count;
  Rows *run;
} Side;

struct Split {
  int64_t segments, groups, held;
  Segment *segment;
  Group *group; /* by number */
  int64_t *by_hash, *held_number;
  Side side[2]; /* training, held out */
};

/* Appends to segments that grow; rank 0 only. */
static PetscErrorCode AddSegment(Split *split, int64_t *space, int64_t group, int64_t row)
{
  PetscFunctionBeginUser;
  if (split->segments == *space) {
    *space = *space ? 2 * *space : 1024;
    PetscCall(PetscRealloc((size_t)*space * sizeof(Segment), &split->segment));
  }
  split->segment[split->segments++] = (Segment){group, row, 1};
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ReadSegments(MPI_Comm comm, Tokens *tokens, Split *split)
{
  PetscFunctionBeginUser;
  int rank;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  if (rank == 0) {
    int64_t space = 0, *group;
    PetscCall(PetscMalloc1(PIECE, &group));
    for (int64_t first = 0, n = tokens_count(tokens); first < n; first += PIECE) {
      const int64_t count = min_i64(PIECE, n - first);
      PetscCall(TokensGroups(tokens, first, count, group));
      for (int64_t i = 0; i < count; i++) {
        Segment *last = split->segments ? split->segment + split->segments - 1 : NULL;
        if (last && last->group == group[i])
          last->count++;
        else
          PetscCall(AddSegment(split, &space, group[i], first + i));
      }
    }
    PetscCall(PetscFree(group));
  }
  PetscCallMPI(MPI_Bcast(&split->segments, 1, MPI_INT64_T, 0, comm));
  if (rank) PetscCall(PetscMalloc1(split->segments, &split->segment));
  for (int64_t s = 0; s < split->segments; s += PIECE)
    PetscCallMPI(MPI_Bcast(split->segment + s, (int)(3 * min_i64(PIECE, split->segments - s)),
                           MPI_INT64_T, 0, comm));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static int by_number(const void *a, const void *b)
{
  const int64_t x = ((const Group *)a)->number, y = ((const Group *)b)->number;
  return (x > y) - (x < y);
}

static int by_hash(const void *a, const void *b)
{
  const Group *x = a, *y = b;
  return x->hash == y->hash ? by_number(a, b) : (x->hash > y->hash) - (x->hash < y->hash);
}

static uint64_t group_hash(uint64_t seed, uint32_t purpose, int64_t number)
{
  const RandomBits bits = random_bits(seed, purpose, (uint64_t)number);
  return (uint64_t)bits.word[1] << 32 | bits.word[0];
}

/* The group of that number, which exists. */
static Group *find_group(const Split *split, int64_t number)
{
  const Group key = {.number = number};
  return bsearch(&key, split->group, (size_t)split->groups, sizeof(Group), by_number);
}

/* The groups, by number, with their sizes and their places in the order of the hashes. */
static PetscErrorCode ListGroups(Split *split)
{
  PetscFunctionBeginUser;
  Group *all;
  PetscCall(PetscMalloc1(split->segments, &all));
  for (int64_t s = 0; s < split->segments; s++)
    all[s] = (Group){split->segment[s].group, split->segment[s].count, 0, 0};
  qsort(all, (size_t)split->segments, sizeof(Group), by_number);
  for (int64_t s = 0; s < split->segments; s++) {
    if (split->groups && all[split->groups - 1].number == all[s].number)
      all[split->groups - 1].tokens += all[s].tokens;
    else
      all[split->groups++] = all[s];
  }
  for (int64_t g = 0; g < split->groups; g++)
    all[g].hash = group_hash(0, RANDOM_SAMPLE, all[g].number);
  PetscCall(PetscMalloc1(split->groups, &split->group));
  PetscCall(PetscMalloc1(split->groups, &split->by_hash));
  PetscCall(PetscArraycpy(split->group, all, split->groups));
  qsort(all, (size_t)split->groups, sizeof(Group), by_hash);
  for (int64_t g = 0; g < split->groups; g++) {
    Group *group = find_group(split, all[g].number);
    group->place = g;
    split->by_hash[g] = group - split->group;
  }
  PetscCall(PetscFree(all));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void append(Side *side, const Segment *segment)
{
  Rows *last = side->run + side->runs - 1;
  if (side->runs && last->first + last->count == segment->first)
    last->count += segment->count;
  else
    side->run[side->runs++] = (Rows){segment->first, segment->count, side->count};
  side->count += segment->count;
}

/* The runs of both sides in file order. */
static PetscErrorCode ListRuns(Split *split)
{
  PetscFunctionBeginUser;
  for (int s = 0; s < 2; s++) PetscCall(PetscMalloc1(split->segments, &split->side[s].run));
  for (int64_t i = 0; i < split->segments; i++) {
    const Segment *segment = &split->segment[i];
    append(&split->side[find_group(split, segment->group)->place < split->held], segment);
  }
  PetscCall(PetscMalloc1(split->held, &split->held_number));
  for (int64_t g = 0, h = 0; g < split->groups; g++)
    if (split->group[g].place < split->held) split->held_number[h++] = split->group[g].number;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode SplitCreate(MPI_Comm comm, Tokens *tokens, double share, Mistakes *mistakes,
                           Split **split)
{
  PetscFunctionBeginUser;
  PetscCall(PetscNew(split));
  PetscCall(ReadSegments(comm, tokens, *split));
  PetscCall(ListGroups(*split));
  if (share > 0) {
    const int64_t held = (int64_t)floor(share * (double)(*split)->groups + 0.5);
    (*split)->held = min_i64(max_i64(held, 1), (*split)->groups - 1);
    if ((*split)->groups < 2) {
      mistake(mistakes, NULL, 0, 0,
              "held_out: %g needs at least two groups of tokens, and there is one (%" PRId64
              " tokens); use held_out: 0 or tokens with /groups",
              share, tokens_count(tokens));
      PetscCall(SplitDestroy(split));
      PetscFunctionReturn(PETSC_SUCCESS);
    }
  }
  PetscCall(ListRuns(*split));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode SplitDestroy(Split **split)
{
  PetscFunctionBeginUser;
  if (!*split) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscFree((*split)->segment));
  PetscCall(PetscFree((*split)->group));
  PetscCall(PetscFree((*split)->by_hash));
  PetscCall(PetscFree((*split)->held_number));
  for (int s = 0; s < 2; s++) PetscCall(PetscFree((*split)->side[s].run));
  PetscCall(PetscFree(*split));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* How many training groups a share is. */
static int64_t share_groups(const Split *split, double share)
{
  const int64_t training = split->groups - split->held;
  return min_i64(max_i64((int64_t)floor(share * (double)training + 0.5), 1), training);
}

static PetscErrorCode KeepRuns(const Split *split, const Group *all, int64_t kept, Side *side)
{
  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(split->segments, &side->run));
  for (int64_t i = 0; i < split->segments; i++) {
    const Segment *segment = &split->segment[i];
    const Group key = {.number = segment->group};
    if (bsearch(&key, all, (size_t)kept, sizeof(Group), by_number)) append(side, segment);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode SplitSubsample(const Split *split, double share, int64_t seed, Split **part)
{
  const int64_t training = split->groups - split->held, kept = share_groups(split, share);
  Group *all;
  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(training, &all));
  for (int64_t g = 0; g < training; g++) {
    all[g] = split->group[split->by_hash[split->held + g]];
    all[g].hash = group_hash((uint64_t)seed, RANDOM_SUBSAMPLE, all[g].number);
  }
  qsort(all, (size_t)training, sizeof(Group), by_hash);
  qsort(all, (size_t)kept, sizeof(Group), by_number);
  PetscCall(PetscNew(part));
  PetscCall(KeepRuns(split, all, kept, &(*part)->side[0]));
  PetscCall(PetscFree(all));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static int by_size(const void *a, const void *b)
{
  const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
  return (x > y) - (x < y);
}

PetscErrorCode SplitLeast(const Split *split, double share, int64_t *tokens)
{
  const int64_t training = split->groups - split->held, kept = share_groups(split, share);
  int64_t *size;
  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(training, &size));
  for (int64_t g = 0; g < training; g++)
    size[g] = split->group[split->by_hash[split->held + g]].tokens;
  qsort(size, (size_t)training, sizeof(*size), by_size);
  *tokens = 0;
  for (int64_t g = 0; g < kept; g++) *tokens += size[g];
  PetscCall(PetscFree(size));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int64_t split_count(const Split *split, bool held_out)
{
  return split->side[held_out].count;
}

int64_t split_row(const Split *split, bool held_out, int64_t i)
{
  const Side *side = &split->side[held_out];
  int64_t low = 0, high = side->runs - 1;
  while (low < high) {
    const int64_t middle = (low + high + 1) / 2;
    if (side->run[middle].before <= i)
      low = middle;
    else
      high = middle - 1;
  }
  return side->run[low].first + (i - side->run[low].before);
}

const int64_t *split_held_groups(const Split *split, int64_t *count)
{
  *count = split->held;
  return split->held_number;
}

/* The place, in the order of the hashes, of the first group that is not in the sample. */
static int64_t sample_end(const Split *split, int64_t limit, int64_t *tokens)
{
  int64_t place = split->held;
  *tokens = 0;
  for (; place < split->groups; place++) {
    const int64_t more = split->group[split->by_hash[place]].tokens;
    if (place > split->held && *tokens + more > limit) break;
    *tokens += more;
  }
  return place;
}

int64_t split_sample_count(const Split *split, int64_t limit)
{
  int64_t tokens;
  sample_end(split, limit, &tokens);
  return tokens;
}

PetscErrorCode SplitSample(const Split *split, int64_t limit, int64_t *row)
{
  PetscFunctionBeginUser;
  int64_t tokens, count = 0;
  const int64_t end = sample_end(split, limit, &tokens);
  for (int64_t i = 0; i < split->segments; i++) {
    const Segment *segment = &split->segment[i];
    const int64_t place = find_group(split, segment->group)->place;
    if (place < split->held || place >= end) continue;
    for (int64_t t = 0; t < segment->count; t++) row[count++] = segment->first + t;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}
