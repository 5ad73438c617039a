/* Rows rounded to 16-bit integers. */
#include "learn/rounded.h"
#include "base/array.h"
#include <string.h>

PetscErrorCode RoundedCreate(Nodes *nodes, int64_t m, int64_t d, Rounded *r)
{
  const int64_t pairs = (d + 1) / 2;

  PetscFunctionBegin;
  *r = (Rounded){.m = m, .d = d, .pairs = {.rows = m, .d = pairs}};
  r->pairs.space = (m + PACKED_ROWS - 1) / PACKED_ROWS * PACKED_ROWS * pairs;
  PetscCall(SharedCreate(nodes, r->pairs.space, &r->pairs.x));
  PetscCall(SharedCreate(nodes, m, &r->scale));
  PetscCall(SharedCreate(nodes, m, &r->norm));
  PetscCall(SharedCreate(nodes, m, &r->rest));
  PetscFunctionReturn(PETSC_SUCCESS);
}

void rounded_renew(const Kernels *kernels, int64_t first, int64_t count, const float *E, Rounded *r)
{
  const int64_t pairs = r->pairs.d;
  Packed part = {.x = r->pairs.x + first * pairs, .space = r->pairs.space - first * pairs};
  kernels->quantise(count, r->d, E + first * r->d, r->d, &r->part);
  kernels->pack(count, pairs, (const float *)(const void *)r->part.q, pairs, &part);
  memcpy(r->scale + first, r->part.scale, (size_t)count * sizeof(float));
  memcpy(r->norm + first, r->part.norm, (size_t)count * sizeof(float));
  memcpy(r->rest + first, r->part.rest, (size_t)count * sizeof(float));
}

PetscErrorCode RoundedDestroy(Nodes *nodes, Rounded *r)
{
  PetscFunctionBegin;
  PetscCall(SharedDestroy(nodes, &r->pairs.x));
  PetscCall(SharedDestroy(nodes, &r->scale));
  PetscCall(SharedDestroy(nodes, &r->norm));
  PetscCall(SharedDestroy(nodes, &r->rest));
  quantised_clear(&r->part);
  PetscFunctionReturn(PETSC_SUCCESS);
}
