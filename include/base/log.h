/* Messages to stderr and objects to log.jsonl. */
#pragma once
#include "base/text.h"
#include <stdio.h>

typedef struct Log Log;

/* LogOpen - appends to a file of JSON lines. One rank calls it; the others pass path NULL and get a
   log that drops all. LogClose also takes NULL. Not collective. */
PetscErrorCode LogOpen(const char *path, Log **log);
PetscErrorCode LogClose(Log **log);
/* Begins, fills and writes (flushed) one object; every object has "schema": 1 and "event". */
void log_begin(Log *log, const char *event);
void log_number(Log *log, const char *key, double value); /* NaN and infinities become null */
void log_text(Log *log, const char *key, const char *value);
void log_end(Log *log);
