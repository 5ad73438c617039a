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
/* PutDifferences - models against each other: differences, matched levels, atoms of one in another,
   groups over all runs.
   Adds nothing where the folder has none of these tables. Not collective. */
PetscErrorCode PutDifferences(Text *page, const Report *report);
/* The tables of the page that are no figure's: GlanceTabulate - one row a model; RunsTabulate - one
   a run; DifferentTabulate - settings that differ between models. Not collective. */
PetscErrorCode GlanceTabulate(const Report *report, Table **table);
PetscErrorCode RunsTabulate(const Report *report, Table **table);
PetscErrorCode DifferentTabulate(const Report *report, Table **table);
/* What the words mean. */
void put_terms(Text *page);
