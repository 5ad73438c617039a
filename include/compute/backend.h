/* For the files in src/compute/backends: what all kernel sets share. Layouts are the same in all of
   them, so that only the inner loops differ. */
#pragma once
#include "compute/kernels.h"

/* One tile of scores: PANEL outputs in vector lanes, PANEL_ROWS rows broadcast against them. */
#define PANEL PACKED_ROWS
#define PANEL_ROWS 8

/* Room for the panels of m rows: P->x is [ceil(m / PANEL)][d][PANEL]; aborts without memory. */
void packed_reserve(Packed *packed, int64_t m, int64_t d);

/* Room for n rows of d in 16-bit integers, ld set and the padding 0; aborts without memory. */
void quantised_reserve(Quantised *quantised, int64_t n, int64_t d);

/* How quantise treats a row with this square64 and largest size of an element: its scale (0: q is
   0) and its norm; *inverse rounds elements to q. */
float quantised_scale(int64_t d, double square, float most, float *norm, float *inverse);
/* The bound of what is left over, from its square64. */
float quantised_rest(double square, float norm);

/* What the CPU and the operating system offer. */
bool cpu_always(void);
bool cpu_has_fma(void);    /* FMA and AVX2 */
bool cpu_has_avx2(void);   /* and F16C */
bool cpu_has_avx512(void); /* F, BW, DQ and VL too */
bool cpu_has_vnni(void);   /* and its dot products of bytes and of 16-bit numbers */

/* The plain loops compiled with FMA instructions; used in the place of backend_ref where they run.
 */
extern const Kernels kernels_ref_fma;

/* Screening of PANEL tokens against PANEL_ROWS centroids, all centred; src/compute/nearest.c says
   what is proved with it. */
typedef struct {
  int64_t d;
  const float *tokens;    /* [d x PANEL] */
  const float *centroids; /* [d x PANEL_ROWS] */
  const float *init;      /* [PANEL_ROWS] -|c|^2 / 2 */
  float radius, slack;    /* of these centroids */
  const float *reach;     /* [PANEL] of each token */
  const float *room;      /* [PANEL] of each token */
  float *low;             /* [PANEL] best lower bound so far, read and written */
  float *score;           /* [PANEL_ROWS x PANEL] written where a row is hit */
} ScreenTile;
/* Scores s = chain over d from init; e = reach radius + slack + room; bit q of the answer is set if
   row q has a lane that is not s + e < low (NaN counts as a hit); low = max(low, s - e). */
typedef unsigned (*Screen)(const ScreenTile *tile);

/* PANEL vectors to be written as whole numbers: signs are turned, the vector is mixed by Hadamard
   transforms of its blocks (a rotation times sqrt(block), so that no element sticks out), and
   rounded to multiples of its unit. src/compute/nearest_grid.c says what is proved with it. */
typedef struct {
  int bytes;                /* of a whole number: 1, or 2, norm below 46,000 */
  int32_t most, shift;      /* the largest size of a number, and what is added to each */
  int64_t d, length, block; /* elements; padded to a multiple of block; a power of two, 4 or more */
  int64_t count;            /* vectors; the rest of the panel is 0 */
  const float *const *x;    /* [count] rows */
  const float *mean, *sign; /* [d] taken off first (NULL: nothing); + 1 or - 1 */
  float *work;              /* [length x PANEL] scratch */
  uint32_t *to;             /* [length * bytes / 4][PANEL] the lowest element in the lowest bits */
  float *unit;              /* [PANEL] */
  float *square;            /* [PANEL] squared norm of x - mean; unit 0 and zeros if not < 10^36 */
  float *rest;              /* [PANEL] squared norm of (mixed vector - unit times numbers) */
} GridPanel;
typedef void (*GridWrite)(const GridPanel *panel);

/* Screening of PANEL tokens against PANEL_ROWS centroids in whole numbers. */
typedef struct {
  int64_t steps;          /* of four bytes */
  const uint32_t *tokens; /* [steps][PANEL] single bytes are stored + most + 1 */
  const char *centroids;  /* PANEL_ROWS rows of signed numbers, ld bytes apart */
  int64_t ld;
  const int32_t *init;                              /* [PANEL_ROWS] what a sum starts from */
  const float *scale, *half;                        /* [PANEL_ROWS] unit, -|c|^2 / 2 */
  float radius, rest, tail, slack;                  /* of these centroids */
  const float *unit, *reach, *span, *beyond, *room; /* [PANEL] of each token */
  bool raise;                                       /* whether low rises */
  float *low;                                       /* [PANEL] best lower bound so far */
  float *score; /* [PANEL_ROWS x PANEL] written if anything is hit, as bound */
  float *bound; /* [PANEL] */
} GridTile;
/* s = (sum * unit) * scale + half (one multiplication, one fused multiply-add); bound = reach
   radius
   + span rest + beyond tail + slack + room; bit l of lanes[q] is set where s is not below low -
   bound; then low = max(low, largest s - bound). Gives whether any bit is set. */
typedef bool (*GridScreen)(const GridTile *tile, uint64_t lanes[PANEL_ROWS]);
/* dot[i] = sum of products of the row x and the row place[i] of rows, which are ld bytes apart; ld
   is a multiple of 64. */
typedef void (*GridDots)(int64_t ld, const char *x, const char *rows, int64_t count,
                         const int32_t *place, int32_t *dot);

/* A backend's inner loops of `nearest`; [0] of single bytes, [1] of 16-bit numbers. */
typedef struct Screens {
  Screen chain;
  GridWrite write;
  GridScreen grid[2];
  GridDots dots[2];
  int (*best)(void);       /* bytes of the numbers that pay here: 1, 2, or 4 for float32 */
  int32_t token, centroid; /* single bytes are at most so large: what the sums of grid[0] hold */
  double turn, dot; /* what a product takes in `scores`, and in dots, where it takes 1 in a grid */
} Screens;

/* The search of `nearest` with the screens of its kernels. */
void nearest_search(int64_t n, const float *X, int64_t ldX, const Nearest *centroids,
                    int32_t *index, double *distance);
