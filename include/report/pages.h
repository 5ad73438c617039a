/* Sections of the page; each adds one. */
#pragma once
#include "report/report.h"

/* One sentence on what was found. */
void put_lead(Text *page, const Report *report);
/* The table that answers: stability beside chance, step 0 and cost. */
void put_glance(Text *page, const Report *report);
/* PutRuns - the table of runs with their stop reasons. PutSettings - every setting, those that
   differ between models first. PutProvenance - the manifests. Not collective. */
PetscErrorCode PutRuns(Text *page, const Report *report);
PetscErrorCode PutSettings(Text *page, const Report *report);
PetscErrorCode PutProvenance(Text *page, const Report *report);
/* What the words mean. */
void put_terms(Text *page);
