/* JSON lines. */
#include "base/log.h"
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct Log {
  FILE *file;
  Text line;
};

PetscErrorCode LogOpen(const char *path, Log **log)
{
  PetscFunctionBegin;
  *log = NULL;
  if (!path) PetscFunctionReturn(PETSC_SUCCESS);
  FILE *file = fopen(path, "ab");
  PetscCheck(file, PETSC_COMM_SELF, PETSC_ERR_FILE_OPEN, "%s: cannot be written: %s", path,
             strerror(errno));
  *log = calloc(1, sizeof(**log));
  PetscCheck(*log, PETSC_COMM_SELF, PETSC_ERR_MEM, "no memory");
  (*log)->file = file;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode LogClose(Log **log)
{
  PetscFunctionBegin;
  if (*log) {
    fclose((*log)->file);
    text_clear(&(*log)->line);
    free(*log);
  }
  *log = NULL;
  PetscFunctionReturn(PETSC_SUCCESS);
}

void log_begin(Log *log, const char *event)
{
  if (!log) return;
  log->line.length = 0;
  text_add(&log->line, "{\"schema\":1,\"event\":");
  text_json(&log->line, event);
}

void log_number(Log *log, const char *key, double value)
{
  if (!log) return;
  text_add(&log->line, ",");
  text_json(&log->line, key);
  text_add(&log->line, ":");
  if (isfinite(value))
    text_number(&log->line, value);
  else
    text_add(&log->line, "null");
}

void log_text(Log *log, const char *key, const char *value)
{
  if (!log) return;
  text_add(&log->line, ",");
  text_json(&log->line, key);
  text_add(&log->line, ":");
  text_json(&log->line, value);
}

void log_end(Log *log)
{
  if (!log) return;
  text_add(&log->line, "}\n");
  fwrite(log->line.s, 1, log->line.length, log->file);
  fflush(log->file);
}
