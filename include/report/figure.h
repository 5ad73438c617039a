/* A figure: the table that it shows, and the picture drawn from it. */
#pragma once
#include "base/param.h"
#include "base/table.h"
#include "report/svg.h"

typedef struct Report Report;

typedef struct {
  Entry entry;
  int place;           /* on the page: lower first */
  const char *heading; /* what the picture answers */
  const char *words;   /* how to read it, in whole sentences: it stands beside the picture */
  /* data: what the picture shows, nothing more, also its .csv; shown: what stands under it on the
     page, NULL where that is the same. The caller destroys both. */
  PetscErrorCode (*tabulate)(const Report *report, Table **data, Table **shown);
  /* Draws for svg->width (900 or 360) and sets svg->height. Not called without rows. */
  PetscErrorCode (*draw)(const Report *report, const Table *data, Svg *svg);
  const char *nothing; /* what stands there when there are no rows, and why */
} Figure;

extern const Family figures;
