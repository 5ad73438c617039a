/* Sums over tokens with AVX2 for atoms that have many. Rows of one matrix are packed in blocks of
   columns and tiles of tokens; the tokens that an atom has in a tile are a run, and runs of a group
   of atoms stand in the order in which they are added, so that what is read streams, but for the
   rows of a tile, which stay in the first cache. Runs are filled up to fours by a row of zeros
   times 0, which changes a sum by the sign of a zero at most; the + 0 at a leaf's end takes that
   away. */
#include "avx2_blocks.h"
#include "avx2_runs.h"
#include "avx2_sparse.h"
#include "base/array.h"

enum {
  FEW = 64,    /* tokens of a tile: a part of a leaf */
  GROUP = 256, /* atoms whose sums stay in the second cache */
  NEXT = 4     /* atoms whose tokens are brought near before their turn */
};

typedef struct {
  int vectors;           /* of 8 columns, of a block */
  int64_t columns;       /* 8 vectors */
  int64_t pitch;         /* of a tile's rows, the last one zeros */
  int64_t tiles, atoms;  /* atoms of the group */
  const int64_t *bucket; /* [atoms + 1] */
  const int32_t *token;
  const float *weight;
  uint8_t *length; /* [tiles x atoms] tokens of the runs, one after the other */
  uint8_t *row;    /* of each, in its tile */
  float *value;    /* and its weight */
  float *sum;      /* [atoms x columns] of a leaf */
  float *part;     /* [levels][GROUP x columns] leaves that wait to be joined */
} Group;

/* Blocks of columns [tiles x pitch], one after the other. */
static void pack_tiles(const Group *group, int64_t n, int64_t d, const float *U, float *rows)
{
  const int64_t columns = group->columns;
  for (int64_t i = 0; i < d; i += columns) {
    for (int64_t t = 0; t < n; t += FEW, rows += group->pitch) {
      pack_columns(min_i64(FEW, n - t), d, i, columns, U + t * d, columns, rows);
      memset(rows + FEW * columns, 0, (size_t)columns * sizeof(*rows));
    }
  }
}

static void sort_tokens(Group *group)
{
  int64_t at[GROUP + NEXT], p = 0;
  for (int64_t a = 0; a < GROUP + NEXT; a++) at[a] = group->bucket[min_i64(a, group->atoms)];
  for (int64_t s = 0; s < group->tiles; s++) {
    for (int64_t a = 0; a < group->atoms; a++) {
      const int64_t from = at[a];
      int64_t q = from;
      for (int f = 0; f < 48; f += 16) {
        __builtin_prefetch(group->token + at[a + NEXT] + f);
        __builtin_prefetch(group->weight + at[a + NEXT] + f);
      }
      for (int count = 8; count == 8; q += count)
        count = take_run(group->bucket[a + 1] - q, group->token + q, group->weight + q,
                         (int32_t)(s * FEW), FEW, group->row + p + q - from,
                         group->value + p + q - from);
      group->length[s * group->atoms + a] = (uint8_t)(q - from);
      p += (q - from + 3) / 4 * 4;
      at[a] = q;
    }
  }
}

/* A run of one atom, added to its sum. */
__attribute__((always_inline)) static inline void add_run(const int vectors, int left,
                                                          const uint8_t *row, const float *value,
                                                          const float *rows, float *to)
{
  __m256 sum[12];
#pragma GCC unroll 12
  for (int v = 0; v < vectors; v++) sum[v] = _mm256_load_ps(to + 8 * v);
  for (; left > 0; left -= 4, row += 4, value += 4) {
    const __m256 scale = _mm256_broadcast_ps((const __m128 *)(const void *)value);
    const __m256 each[4] = {_mm256_permute_ps(scale, 0x00), _mm256_permute_ps(scale, 0x55),
                            _mm256_permute_ps(scale, 0xaa), _mm256_permute_ps(scale, 0xff)};
    uint32_t four;
    memcpy(&four, row, 4);
#pragma GCC unroll 4
    for (int r = 0; r < 4; r++) {
      const float *x = rows + (four >> 8 * r & 255) * (unsigned)(8 * vectors);
#pragma GCC unroll 12
      for (int v = 0; v < vectors; v++)
        sum[v] = _mm256_fmadd_ps(each[r], _mm256_load_ps(x + 8 * v), sum[v]);
    }
  }
#pragma GCC unroll 12
  for (int v = 0; v < vectors; v++) _mm256_store_ps(to + 8 * v, sum[v]);
}

/* Adds the runs of one tile, from code q on; gives where they end. */
__attribute__((always_inline)) static inline int64_t
add_tile_of(const int vectors, const Group *group, int64_t s, const float *rows, int64_t q)
{
  const uint8_t *length = group->length + s * group->atoms;
  for (int64_t a = 0; a < group->atoms; a++) {
    add_run(vectors, length[a], group->row + q, group->value + q, rows,
            group->sum + a * 8 * vectors);
    q += (length[a] + 3) / 4 * 4;
  }
  return q;
}

static int64_t add_tile(const Group *group, int64_t s, const float *rows, int64_t q)
{
  return group->vectors == 12 ? add_tile_of(12, group, s, rows, q)
                              : add_tile_of(8, group, s, rows, q);
}

static void add(int64_t count, const float *restrict x, float *restrict y)
{
  for (int64_t i = 0; i < count; i++) y[i] = x[i] + y[i];
}

/* A block of columns of the group's sums, left in part[0 .. atoms - 1]: leaf after leaf, joined as
   in avx2_sums.c. */
static void sum_block(const Group *group, const float *rows)
{
  const int64_t leaf_tiles = LEAF_TOKENS / FEW, count = group->atoms * group->columns,
                level = GROUP * group->columns;
  int64_t parts = 0, q = 0;
  for (int64_t s = 0; s < group->tiles; s++) {
    if (s % leaf_tiles == 0) memset(group->sum, 0, (size_t)count * sizeof(*group->sum));
    q = add_tile(group, s, rows + s * group->pitch, q);
    if ((s + 1) % leaf_tiles && s + 1 < group->tiles) continue;
    float *part = group->part + parts++ * level;
    for (int64_t i = 0; i < count; i++) part[i] = group->sum[i] + 0.0f;
    for (int64_t l = s / leaf_tiles; l & 1; l >>= 1, part -= level, parts--)
      add(count, part, part - level);
  }
  for (float *part = group->part + (parts - 1) * level; parts > 1; parts--, part -= level)
    add(count, part, part - level);
}

/* Blocks of 96 columns, or of 64 where that leaves fewer empty. */
static void set_blocks(int64_t d, Group *group)
{
  group->vectors = (d + 95) / 96 * 96 <= (d + 63) / 64 * 64 ? 12 : 8;
  group->columns = 8 * group->vectors;
  group->pitch = (FEW + 1) * group->columns;
}

void avx2_many_sums(int64_t n, int64_t d, int64_t atoms, const int64_t *bucket, const int32_t *to,
                    const int32_t *token, const float *u, const float *U, float *GU)
{
  Group group = {.tiles = (n + FEW - 1) / FEW, .token = token, .weight = u};
  int64_t most = 0, levels = 3; /* leaves that wait to be joined, the one that comes, and its sum */
  float *rows;
  set_blocks(d, &group);
  const int64_t columns = group.columns, blocks = (d + columns - 1) / columns;
  for (int64_t l = leaf_count(n); l > 1; l /= 2) levels++;
  for (int64_t j = 0; j < atoms; j += GROUP)
    most = max_i64(most, bucket[min_i64(j + GROUP, atoms)] - bucket[j]);
  most += 3 * group.tiles * GROUP + 8; /* runs are filled up, and written by eights */
  PetscCallAbort(PETSC_COMM_SELF, ArrayScratch(blocks * group.tiles * group.pitch, &rows));
  PetscCallAbort(PETSC_COMM_SELF, ArrayScratch(group.tiles * GROUP, &group.length));
  PetscCallAbort(PETSC_COMM_SELF, ArrayScratch(most, &group.row));
  PetscCallAbort(PETSC_COMM_SELF, ArrayScratch(most, &group.value));
  PetscCallAbort(PETSC_COMM_SELF, ArrayScratch(levels * GROUP * columns, &group.sum));
  group.part = group.sum + GROUP * columns;
  pack_tiles(&group, n, d, U, rows);
  for (int64_t j = 0; j < atoms; j += GROUP) {
    group.atoms = min_i64(GROUP, atoms - j), group.bucket = bucket + j;
    sort_tokens(&group);
    for (int64_t b = 0; b < blocks; b++) {
      sum_block(&group, rows + b * group.tiles * group.pitch);
      for (int64_t a = 0; a < group.atoms; a++)
        memcpy(GU + (to ? to[j + a] : j + a) * d + b * columns, group.part + a * columns,
               (size_t)min_i64(d - b * columns, columns) * sizeof(*GU));
    }
  }
  void **arrays[] = {(void **)&rows, (void **)&group.length, (void **)&group.row,
                     (void **)&group.value, (void **)&group.sum};
  for (size_t i = 0; i < sizeof(arrays) / sizeof(*arrays); i++)
    PetscCallAbort(PETSC_COMM_SELF, ArrayDestroyBytes(arrays[i]));
}
