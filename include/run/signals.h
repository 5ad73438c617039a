/* Signals become flags that are asked for between steps (design: USR1, TERM, INT save and stop;
 * USR2 saves; a second INT ends at once). */
#pragma once
#include "base/error.h"

enum { ORDER_SAVE = 1, ORDER_STOP = 2 };

/* SignalsCatch - from now on. Not collective; every rank calls it, after PetscInitialize. */
PetscErrorCode SignalsCatch(void);
/* SignalsEndAtOnce - from now on a stop ends this process with 75 where it stands: what is finished
   lies in files, the rest is done anew. *stop: one had come to a rank before. speaks: this rank
   says so. Collective on comm. */
PetscErrorCode SignalsEndAtOnce(MPI_Comm comm, bool speaks, bool *stop);
/* What was asked of this process since the last call: ORDER_* bits. ORDER_STOP stays. */
int signals_seen(void);
