/* What the machine can do, measured by small probes: the limits that work is held against. */
#pragma once
#include "compute/kernels.h"

typedef enum {
  LIMIT_NONE,
  LIMIT_FMA,    /* float32 operations a second in registers, one core */
  LIMIT_INT8,   /* operations a second of 8-bit dot products in registers, one core */
  LIMIT_INT16,  /* the same of 16 bits */
  LIMIT_READ,   /* bytes a second read from memory, one core */
  LIMIT_TRIAD,  /* bytes a second of a = b + s c in memory, counted as three arrays */
  LIMIT_DISK,   /* bytes a second of a file that is not in memory */
  LIMIT_CACHED, /* bytes a second of a file that the system holds in memory */
  LIMIT_PING,   /* messages of 8 bytes a second between two ranks, there or back */
  LIMIT_LINK,   /* bytes a second that each of two ranks sends while it receives as many */
  LIMITS
} Limit;

typedef struct Limits Limits;
/* LimitsCreate - for this rank of comm. Files are made in the folder scratch. LimitsDestroy takes
   NULL too. Collective on comm. */
PetscErrorCode LimitsCreate(MPI_Comm comm, const Kernels *kernels, const char *scratch,
                            Limits **limits);
PetscErrorCode LimitsDestroy(Limits **limits);
/* LimitProbe - measures a limit now, for some milliseconds (LIMIT_DISK and LIMIT_CACHED: up to
   seconds). 0 where this machine or this communicator has none. Not collective, except LIMIT_PING
   and LIMIT_LINK: collective on comm. */
PetscErrorCode LimitProbe(Limits *limits, Limit limit, double *rate);
/* LimitGet - what was measured last, or measures it; collective as LimitProbe. */
PetscErrorCode LimitGet(Limits *limits, Limit limit, double *rate);
/* Its name in tables, as "multiply-add peak"; its unit and how many of LimitProbe's units that is:
   "GFLOP/s", 1e9. */
const char *limit_name(Limit limit);
const char *limit_unit(Limit limit, double *scale);
/* Seconds of this thread's own work: what other programs do meanwhile does not count. */
double thread_seconds(void);
