/* What a run will roughly cost, from its settings alone. */
#pragma once
#include "base/param.h"

typedef struct {
  double flops;  /* floating-point operations of the dense products */
  double memory; /* bytes of parameters, moments and gradients, over all ranks of its group */
  double disk;   /* bytes of initial.h5, model.h5 and tables */
} Estimate;

/* Floating-point operations per second that estimates take one rank to do. */
#define ESTIMATE_RATE 1e10

/* The estimate of a run on n training tokens of width d, with p candidates (0: none). */
Estimate estimate_run(const Settings *settings, int64_t n, int64_t d, int64_t p);
