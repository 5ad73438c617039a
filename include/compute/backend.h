/* For the files in src/compute/backends: what all kernel sets share. Layouts are the same in all of
   them, so that only the inner loops differ. */
#pragma once
#include "compute/kernels.h"

/* One tile of scores: PANEL outputs in vector lanes, PANEL_ROWS rows broadcast against them. */
#define PANEL PACKED_ROWS
#define PANEL_ROWS 8

/* Room for the panels of m rows: P->x is [ceil(m / PANEL)][d][PANEL]; aborts without memory. */
void packed_reserve(Packed *packed, int64_t m, int64_t d);

/* What the CPU and the operating system offer. */
bool cpu_always(void);
bool cpu_has_fma(void);    /* FMA and AVX2 */
bool cpu_has_avx2(void);   /* and F16C */
bool cpu_has_avx512(void); /* F, BW, DQ and VL too */

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

/* The search of `nearest` with a backend's inner loops. */
void nearest_search(int64_t n, const float *X, int64_t ldX, const Nearest *centroids, Screen screen,
                    double (*distance64)(int64_t, const float *, const float *), int32_t *index,
                    double *distance);
