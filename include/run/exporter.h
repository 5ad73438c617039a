/* A format that models can be taken to. */
#pragma once
#include "base/h5.h"
#include "base/param.h"

/* One array of a model. */
typedef struct {
  const char *name; /* "encoder/weight" */
  H5Kind kind;      /* H5_F32, H5_F64, H5_I32 or H5_I64 */
  int rank;
  int64_t dims[2];
  const void *data;
} ExportArray;

typedef struct {
  const char *source;                     /* the model's file */
  const char *method, *settings, *tokens; /* its attributes */
  double log_multiplier;                  /* 0 where the model has none */
  int64_t count;
  const ExportArray *array; /* [count], sorted by name */
} ExportModel;

typedef struct {
  Entry entry;
  const char *target; /* what -o names: "a folder" or "a file" */
  /* Writes a model. Not collective; one rank calls it. */
  PetscErrorCode (*write)(const ExportModel *model, const char *to);
} Exporter;

extern const Family exporters;

/* ExportRun - reads the model.h5 at path (or of a run's folder) and hands it to the exporter. to
 * NULL: beside the model. Not collective. */
PetscErrorCode ExportRun(const char *path, const Exporter *exporter, const char *to,
                         Mistakes *mistakes);
