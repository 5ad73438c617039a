/* Residuals and slopes of tokens by some atoms at a time, for the vector backends: each includes
   this with its own loops over a few columns.

   The same sums in the same order as without; what differs is which of them go on when. Else codes
   pick their rows out of a block of columns of all atoms, each row used once a token. Where a token
   has many codes, MANY_ATOMS rows of a block stay in the first cache while all tokens of a tile go
   on with those of their codes that are of these atoms, their sums waiting in memory; where it has
   few and the block is larger than the second cache, so do as many rows as that one holds. For that
   a token's atoms must ascend, as they do in all codes but those of pursuits. Slopes are made for
   so many codes at a time as fill a vector; what is left waits for the next atoms. */
#pragma once
#include "compute/backend.h"
#include <string.h>

enum {
  MANY_ATOMS = 64,
  MANY_LEAST = 6,   /* codes among MANY_ATOMS, so that a visit of a token pays */
  MANY_BLOCK = 512, /* atoms, so that a block of all is too large for the first cache */
  MANY_SHARE = 256, /* tokens that share MANY_ATOMS */
  FEW_LEAST = 4     /* codes among the rows of the second cache, so that a visit pays */
};

typedef struct {
  int64_t tokens;
  const int64_t *start;        /* [tokens + 1] */
  int64_t at[MANY_TOKENS + 4]; /* the first of each token's codes that is still to come */
  const int32_t *index;
  const float *value, *block; /* columns of all atoms, packed */
  float *sum;                 /* [tokens x width] */
  float *slope;
  int64_t columns; /* up to width, of the block */
  bool first;      /* of the blocks */
} ManyTile;

typedef struct {
  int64_t width; /* columns of a block, one or more DOT_BLOCK */
  void (*pack)(int64_t m, int64_t d, int64_t i, const float *D, float *block);
  /* Adds the codes of atoms below limit to the sums. */
  void (*add)(ManyTile *tile, int64_t limit);
  /* sum = sum + 0 + sign x, - 0 past the columns; also to e, and its squares to 8 lanes a token. */
  void (*finish)(const ManyTile *tile, int64_t d, float sign, const float *x, float *e, bool past,
                 double *square);
  /* sum = e, - 0 past the columns. */
  void (*take)(const ManyTile *tile, int64_t d, const float *e);
  /* Slopes of full vectors of codes of atoms below limit; last: of all that are left. */
  void (*dot)(ManyTile *tile, int64_t limit, bool last);
} ManyKind;

/* How many atoms go together, of which `second` have their rows in the second cache (0: all have);
   0: all at once. */
static inline int64_t many_atoms(int64_t second, int64_t n, const int64_t *start,
                                 const int32_t *index, int64_t m)
{
  const int64_t codes = start[n] - start[0];
  const bool many = m >= MANY_BLOCK && codes * MANY_ATOMS >= n * m * MANY_LEAST,
             few = second && m > second && codes * second >= n * m * FEW_LEAST &&
                   codes >= m * FEW_LEAST; /* they pay for the packing of all rows */
  bool ascend = n > 0 && (many || few);
  for (int64_t t = 0; t < n && ascend; t++) {
    int falls = 0;
    for (int64_t q = start[t] + 1; q < start[t + 1]; q++) falls |= index[q - 1] >= index[q];
    ascend = !falls;
  }
  return !ascend ? 0 : many ? MANY_ATOMS : second;
}

/* Brings near what a token needs, a few tokens before its turn. */
static inline void many_fetch(const ManyTile *tile, int64_t t, const float *more)
{
  const int64_t q = tile->at[t + 2];
  for (int i = 0; i < MANY_ATOMS; i += 16) {
    __builtin_prefetch(tile->index + q + i);
    __builtin_prefetch(more + q + i);
  }
}

static inline void many_rewind(ManyTile *tile)
{
  for (int64_t t = 0; t < MANY_TOKENS + 4; t++)
    tile->at[t] = tile->start[t < tile->tokens ? t : tile->tokens];
}

/* lane64's lanes of each token joined. */
static inline void many_squares(int64_t n, double *lanes, double *square)
{
  for (int64_t t = 0; t < n; t++) {
    double *s = lanes + t * 8;
    for (int h = 4; h > 0; h /= 2) {
      for (int l = 0; l < h; l++) s[l] += s[l + h];
    }
    square[t] = s[0];
  }
}

/* Sums of e over leaves, for those who did not make them on the way. */
static inline void many_leaves(int64_t n, int64_t d, const float *e, float *leaf)
{
  memset(leaf, 0, (size_t)(leaf_count(n) * d) * sizeof(*leaf));
  for (int64_t t = 0; t < n; t++) {
    for (int64_t i = 0; i < d; i++) leaf[t / LEAF_TOKENS * d + i] += e[t * d + i];
  }
}

/* What many_tokens is to do: residuals, slopes or both. */
typedef struct {
  int64_t atoms, n, m, d; /* atoms: that go together */
  const int64_t *start;
  const int32_t *index;
  const float *value; /* NULL: e is given */
  const float *D;
  float sign;
  const float *x;
  float *e;     /* written only where value is there */
  bool past;    /* e is written past the caches */
  float *slope; /* NULL: not wanted */
  double *square;
  float *work;
} Many;

void avx2_many(const Many *many);
void avx512_many(const Many *many);

static inline void many_tokens(const ManyKind *kind, const Many *many)
{
  const int64_t n = many->n, m = many->m, d = many->d, atoms = many->atoms,
                share = atoms == MANY_ATOMS ? MANY_SHARE : MANY_TOKENS;
  double *lanes = (double *)(void *)many->work;
  float *block = many->work + n * 16, *sum = block + m * kind->width;
  memset(lanes, 0, (size_t)n * 8 * sizeof(*lanes));
  for (int64_t i = 0; i < d; i += kind->width) {
    kind->pack(m, d, i, many->D, block);
    for (int64_t t = 0; t < n; t += share) {
      const int64_t at = t * d + i;
      ManyTile tile = {.tokens = n - t < share ? n - t : share,
                       .start = many->start + t,
                       .index = many->index,
                       .value = many->value,
                       .block = block,
                       .sum = sum,
                       .slope = many->slope,
                       .columns = d - i < kind->width ? d - i : kind->width,
                       .first = i == 0};
      many_rewind(&tile);
      if (many->value) {
        memset(sum, 0, (size_t)(tile.tokens * kind->width) * sizeof(*sum));
        for (int64_t j = 0; j < m; j += atoms) kind->add(&tile, j + atoms);
        kind->finish(&tile, d, many->sign, many->x + at, many->e + at, many->past, lanes + t * 8);
        many_rewind(&tile);
      } else {
        kind->take(&tile, d, many->e + at);
      }
      for (int64_t j = 0; many->slope && j < m; j += atoms)
        kind->dot(&tile, j + atoms, j + atoms >= m);
    }
  }
  if (many->value) many_squares(n, lanes, many->square);
}
