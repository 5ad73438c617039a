/* Import: arrays that others wrote become a token file. Each importer knows one format and gives an
   input as an array of 2 to 4 dimensions; selecting tokens, converting, checking and writing are
   common to all. */
#pragma once
#include "base/h5.h"
#include "base/param.h"
#include "compute/kernels.h"

typedef enum { SELECT_ALL, SELECT_CLS, SELECT_PATCHES, SELECT_MEAN } Select;

/* What is asked for. Texts and lists are borrowed; NULL where not given. */
typedef struct {
  int64_t inputs;
  const char *const *input; /* FILE or FILE:ARRAY */
  const char *output;
  const char *labels, *groups, *positions; /* whole numbers, one for each token or image */
  const char *names;                       /* text file, a line for each label */
  const char *model, *layer;               /* provenance */
  bool is_raw;
  H5Kind raw;  /* kind of headerless numbers */
  int64_t dim; /* their width */
  Select select;
  bool selects; /* select was given */
  bool converts;
  H5Kind dtype; /* what to store, if converts */
  bool drop;    /* leave out rows with NaN or infinity */
} ImportOptions;

/* One input, opened. */
typedef struct Source Source;
typedef struct Importer Importer;
struct Source {
  const Importer *importer;
  char *path, *inner; /* inner: array in the file, NULL: none named */
  int fd;
  void *state; /* the importer's own */
  /* Filled by the importer: the array as it is stored. */
  H5Kind kind;     /* H5_F16, H5_BF16, H5_F32 or H5_F64 */
  bool big_endian; /* bytes are in the other order */
  bool fortran;    /* columns lie together; rank 2 only */
  int rank;        /* 2: [tokens, d]; 3: [images, tokens, d]; 4: [images, h, w, d] */
  int64_t dims[4];
  int64_t offset; /* of the first number in the file */
  /* Filled by SourceOpen: what is selected. A plain array is from then on seen as [tokens, d]. */
  int64_t d, n;                   /* width and tokens */
  int64_t images;                 /* 0: the array has rank 2 */
  int64_t stored, skipped, taken; /* tokens of an image: stored, left out before, selected */
  bool mean;                      /* the mean of the selected ones is taken: one token an image */
  void *raw[2];                   /* scratch */
  size_t space[2];
};

struct Importer {
  Entry entry;
  /* Does this importer read the file? begin: its first bytes, 0 past its end. */
  bool (*probe)(const Source *source, const unsigned char begin[16], const ImportOptions *options);
  /* Fills the array's kind, shape and place; what is wrong is a mistake. */
  PetscErrorCode (*open)(Source *source, const ImportOptions *options, Mistakes *mistakes);
  /* Rows of the first dimension as they are stored (dims[1..] numbers each). */
  PetscErrorCode (*read)(Source *source, int64_t first, int64_t rows, void *values);
  PetscErrorCode (*close)(Source *source); /* NULL: nothing to do */
};
extern const Family importers;

/* SourceOpen - finds the importer of an input and opens it. A mistake leaves *source NULL. Not
   collective. SourceClose takes NULL too. */
PetscErrorCode SourceOpen(const char *argument, const ImportOptions *options, Mistakes *mistakes,
                          Source **source);
PetscErrorCode SourceClose(Source **source);
/* SourceRead - selected tokens first .. first + count - 1 as float32, X [count x d]; what float32
   cannot hold becomes infinite. *stored: the same as they are stored, until the next call, where
   they are in native order; NULL otherwise. Not collective. */
PetscErrorCode SourceRead(Source *source, const Kernels *kernels, int64_t first, int64_t count,
                          float *X, const void **stored);
/* SourceFinite - are all numbers behind token `row` finite as they are stored? Not collective. */
PetscErrorCode SourceFinite(Source *source, int64_t row, bool *finite);
/* SourceReadPlain - Importer.read of arrays that lie in the file as they are. */
PetscErrorCode SourceReadPlain(Source *source, int64_t first, int64_t rows, void *values);

typedef struct {
  int64_t n, d, dropped;
  H5Kind kind;
  char digest[33];
} ImportSummary;
/* ImportRun - writes the token file, complete or not at all. Collective on comm. Whatever is wrong
   with the inputs is a mistake, and no file is left. */
PetscErrorCode ImportRun(MPI_Comm comm, const Kernels *kernels, const ImportOptions *options,
                         Mistakes *mistakes, ImportSummary *summary);
