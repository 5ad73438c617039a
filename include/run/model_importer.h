/* Dictionaries that other programs learned become model files. Each importer knows one format;
   finding the files, checking and writing are common to all. */
#pragma once
#include "base/param.h"
#include "data/arrays.h"

/* What is asked for; NULL where not given. */
typedef struct {
  const char *from; /* name of the format, found out by itself if NULL */
  const char *to;
  const char *tokens; /* a token file that the model belongs to */
  /* What a file may not say itself. */
  const char *code, *k, *threshold, *delta, *norm;
} ModelOptions;

/* What an importer reads from. */
typedef struct {
  const char *path;   /* of the file with the arrays */
  const char *inner;  /* the array that was named as FILE:ARRAY, or NULL */
  FileArrays *arrays; /* NULL: a file that holds one array, or HDF5 */
  Table *config;      /* path, value: of the JSON file beside it; no rows where there is none */
  const ModelOptions *options;
  const Kernels *kernels;
} ModelSource;

enum { MODEL_EXTRAS = 4 };
/* A model in Ardis's form: scores = (x - bias) encoder^T + encoder_bias, codes of them, x^ = codes
   atoms + bias. */
typedef struct {
  int64_t m, d;
  float *atoms;        /* [m x d] */
  float *encoder;      /* [m x d]; NULL: none, and no code */
  float *encoder_bias; /* [m] */
  float *bias;         /* [d] */
  Settings settings;   /* code.name and those of its settings that the file says */
  int extras;          /* arrays of the code */
  struct {
    const char *name;
    bool each; /* one number for each atom, float32; else a single float64 */
    double *x; /* [m] or [1] */
  } extra[MODEL_EXTRAS];
  Text note; /* what the user should know, in sentences */
} ForeignModel;

typedef struct {
  Entry entry;
  const char *weights; /* name of the file with the arrays in a folder; NULL: single files only */
  const char *config;  /* name of the JSON file beside it; NULL: none */
  /* Whether a file is of this format. */
  bool (*probe)(const ModelSource *source);
  /* Fills the model; what is wrong is a mistake. Not collective. */
  PetscErrorCode (*read)(const ModelSource *source, ForeignModel *model, Mistakes *mistakes);
} ModelImporter;
extern const Family model_importers;

/* ModelImport - reads the model at path and writes it. What is wrong is a mistake, and nothing is
   written. Not collective: one rank calls it. */
PetscErrorCode ModelImport(const char *path, const ModelOptions *options, const Kernels *kernels,
                           Mistakes *mistakes);

/* For importers. What the JSON file, or the arrays' own, says at path: "" where nothing. */
const char *model_fact(const ModelSource *source, const char *path);
/* ModelTake - an array [rows x cols] (cols 1: [rows]; both 1: one number) in fresh memory
   (ArrayDestroy); transposed: it is stored as [cols x rows]. A size that is 0 becomes the file's.
   One that is missing, of another shape, or not finite is a mistake, and *x NULL. Not collective.
 */
PetscErrorCode ModelTake(const ModelSource *source, const char *name, bool transposed,
                         int64_t *rows, int64_t *cols, float **x, Mistakes *mistakes);
/* ModelTakeExtra - the same of m numbers, as an array of the code; what (which may be NULL) turns
   each into what is kept. Not collective. */
PetscErrorCode ModelTakeExtra(const ModelSource *source, const char *name, const char *as,
                              double (*what)(double), ForeignModel *model, Mistakes *mistakes);
/* ModelNumber - a single number of the code. Not collective. */
PetscErrorCode ModelNumber(ForeignModel *model, const char *as, double value);
/* log(threshold), and of thresholds that nothing positive is below a number with exp 0. */
double model_log_threshold(double threshold);
/* The peer does not subtract its bias from tokens, but adds it to reconstructions: the encoder's
   biases, and those of a gate's magnitudes, make up for it. */
void model_fold_bias(ForeignModel *model);
/* Atoms to unit norm, the encoder's rows and biases times the norm they had: the same
   reconstructions by codes times those norms. Extra arrays stay. */
void model_unit_atoms(ForeignModel *model);
