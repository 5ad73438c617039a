/* What the files that read a run folder share. Inside report only. */
#pragma once
#include "report/report.h"

/* ReadLogs - report->steps and report->facts. ReadFrequencies - report->frequency. A run without
   these files is left out. Not collective. */
PetscErrorCode ReadLogs(Report *report);
PetscErrorCode ReadFrequencies(Report *report);
/* A file of the run in that row of the plan (its folder is the model's first word): fresh memory
   (free). */
char *report_run_file(const Report *report, int64_t row, const char *file);
