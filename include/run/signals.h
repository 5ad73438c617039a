/* Signals become flags that are asked for between steps (design: USR1, TERM, INT save and stop;
 * USR2 saves; a second INT ends at once). */
#pragma once
#include "base/error.h"

enum { ORDER_SAVE = 1, ORDER_STOP = 2 };

/* SignalsCatch - from now on. Not collective; every rank calls it, after PetscInitialize. */
PetscErrorCode SignalsCatch(void);
/* What was asked of this process since the last call: ORDER_* bits. ORDER_STOP stays. */
int signals_seen(void);
