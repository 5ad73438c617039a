/* Time, for progress and provenance only: nothing that is computed depends on it. */
#pragma once
#include "base/error.h"

double clock_seconds(void);        /* monotonic */
void clock_utc(char text[21]);     /* 2026-01-31T12:00:00Z */
double machine_memory_bytes(void); /* of this node, or what a control group leaves of it */
double peak_memory_bytes(void);    /* largest resident size of this process so far */
