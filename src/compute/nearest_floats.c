/* The finest level: scores in float32, a chain of d fused multiply-adds of x' = fl(a) and c' =
   fl(b) from h = fl(-|c'|^2 / 2). Against the names of nearest.c, with n >= |x'|, R >= |c'|, gamma
   = d u / (1 - d u):
     - the chain: |s - (h + x'.c')| <= gamma (|h| + sum |x'_i c'_i|) + d 2^-149
                                    <= gamma (R^2 / 2 + n R) (1 + u) + d 2^-149   (Cauchy-Schwarz);
     - centring: |a - x'| <= u |x'| and |b - c'| <= u |c'|, so |x'.c' - a.b| <= (2 u + u^2) n R;
     - h: | |b|^2 - |c'|^2 | / 2 <= (u + u^2 / 2) R^2, and rounding h adds u R^2 / 2 and 2^-150;
     - the verdict is distance64 and not |x - c|^2: 4 eps (n^2 + R^2), see nearest.c;
     - s + e and s - e are rounded: u (|s| + e), where |s| <= (1 + gamma) (n R + R^2).
   Together t(c) and s differ by less than
     e = (gamma + 8 u) n R + (gamma / 2 + 8 u + 4 eps) R^2 + 4 eps n^2 + 2^-100,
   taken larger by 2^-18 of itself for the rounding of e, n and R. NaN is never left out. Where n +
   R is not below 10^18 a float32 sum could overflow, and e is infinite: everything is settled. */
#include "nearest_parts.h"
#include <math.h>
#include <string.h>

/* Centred rows, -|c'|^2 / 2 and the bounds of one group of PANEL_ROWS centroids. */
static void prepare_group(const Nearest *N, Floats *F, int64_t g)
{
  const int64_t d = N->d;
  float *to = F->centred + g * d * PANEL_ROWS;
  double widest = 0;
  for (int64_t q = 0; q < PANEL_ROWS; q++) {
    const int64_t j = N->order[g * PANEL_ROWS + q];
    const float *c = N->C + max_i64(j, 0) * d;
    double square = 0;
    for (int64_t i = 0; i < d; i++) {
      const float v = j >= 0 ? c[i] - N->mean[i] : 0.0f;
      to[i * PANEL_ROWS + q] = v;
      square += (double)v * (double)v;
    }
    F->half[g * PANEL_ROWS + q] = j >= 0 ? (float)(-0.5 * square) : -INFINITY;
    if (!(sqrt(square) <= widest)) widest = above(sqrt(square)); /* NaN stays */
  }
  const bool wild = !(widest < 1e18);
  F->radius[g] = wild ? 0.0f : (float)above(widest);
  F->slack[g] =
      wild ? INFINITY : (float)above((F->gamma / 2 + 8 * ROUNDING + 4 * N->eps) * widest * widest);
}

PetscErrorCode FloatsCreate(const Nearest *N, Floats **floats)
{
  const double du = (double)N->d * ROUNDING;
  PetscFunctionBegin;
  PetscCall(ArrayCreate(1, floats));
  Floats *F = *floats;
  F->gamma = du < 0.5 ? du / (1 - du) : (double)INFINITY;
  PetscCall(ArrayCreate(N->places * N->d, &F->centred));
  PetscCall(ArrayCreate(N->places, &F->half));
  PetscCall(ArrayCreate(N->groups, &F->radius));
  PetscCall(ArrayCreate(N->groups, &F->slack));
  PetscCall(ArrayCreate(BLOCK * N->d, &F->panels));
  PetscCall(ArrayCreate(BLOCK, &F->reach));
  PetscCall(ArrayCreate(BLOCK, &F->room));
  for (int64_t g = 0; g < N->groups; g++) prepare_group(N, F, g);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode FloatsDestroy(Floats **floats)
{
  Floats *F = *floats;
  PetscFunctionBegin;
  if (!F) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(ArrayDestroy(&F->centred));
  PetscCall(ArrayDestroy(&F->half));
  PetscCall(ArrayDestroy(&F->radius));
  PetscCall(ArrayDestroy(&F->slack));
  PetscCall(ArrayDestroy(&F->panels));
  PetscCall(ArrayDestroy(&F->reach));
  PetscCall(ArrayDestroy(&F->room));
  PetscCall(ArrayDestroy(floats));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Centred tokens as panels, with what their bounds need. */
static void prepare_tokens(const Nearest *N, Floats *F)
{
  const int64_t d = N->d, count = N->now.count, lanes = (count + PANEL - 1) / PANEL * PANEL;
  for (int64_t t = 0; t < lanes; t++) {
    float *to = F->panels + t / PANEL * PANEL * d + t % PANEL;
    const float *x = N->now.x[t < count ? t : 0];
    for (int64_t i = 0; i < d; i++) to[i * PANEL] = t < count ? x[i] - N->mean[i] : 0.0f;
    const double norm = t < count ? N->size[t] * (1 + ROUNDING) : 0;
    const bool wild = !(norm + N->largest < 1e18);
    F->reach[t] = wild ? 0.0f : (float)above((F->gamma + 8 * ROUNDING) * norm);
    F->room[t] = wild ? INFINITY : (float)above(4 * N->eps * norm * norm + 0x1p-100);
  }
}

void floats_search(Nearest *N, Floats *F)
{
  prepare_tokens(N, F);
  for (int64_t g = 0; g < N->groups; g++) {
    ScreenTile tile = {.d = N->d,
                       .centroids = F->centred + g * N->d * PANEL_ROWS,
                       .init = F->half + g * PANEL_ROWS,
                       .radius = F->radius[g],
                       .slack = F->slack[g],
                       .score = N->score};
    for (int64_t t = 0; t < N->now.count; t += PANEL) {
      tile.tokens = F->panels + t * N->d;
      tile.reach = F->reach + t;
      tile.room = F->room + t;
      tile.low = N->low + t;
      const unsigned hits = N->kernels->screens->chain(&tile);
      if (!hits) continue;
      uint64_t lanes[PANEL_ROWS];
      for (int q = 0; q < PANEL_ROWS; q++) lanes[q] = hits >> q & 1u ? ~(uint64_t)0 : 0;
      for (int l = 0; l < PANEL; l++)
        N->bound[l] = tile.reach[l] * tile.radius + tile.slack + tile.room[l];
      nearest_take(N, g, t, lanes);
    }
  }
}
