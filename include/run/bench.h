/* Timings beside the machine's limits. A file in src/run/benches adds rows to one table; its rows
   are named in its struct, so that they can be chosen, and named where they are skipped. */
#pragma once
#include "base/table.h"
#include "run/limits.h"
#include <sched.h>

typedef struct Bench Bench;
typedef struct BenchKernel BenchKernel;

/* A bench at work. */
typedef struct {
  MPI_Comm comm; /* all ranks of the program */
  int rank, size;
  const Kernels *kernels;
  const char *scratch; /* a folder that is removed at the end */
  const char *tokens;  /* a token file of real activations, or NULL */
  double seconds;      /* what one file of benches should take at most */
  double process;      /* bytes of this process before the first row */
  Limits *limits;
  const Bench *bench;
  const char *chosen;     /* --rows, or NULL */
  const char *machine;    /* the file of the cost model's numbers to go by, or NULL: measured */
  const char *save;       /* where they go once they are measured, or NULL */
  Table *table;           /* rank 0 */
  const char *csv, *json; /* where it is written, with each row anew, or NULL */
  bool bound;             /* each rank has a core of its own */
  double begun;           /* by the clock */
} BenchRun;

struct Bench {
  Entry entry;
  const char *const *rows;    /* their names, ended by NULL; or NULL where there are */
  const BenchKernel *kernels; /* rows of kernels, ended by one whose row is NULL */
  /* false: rank 0 runs it while the others are asleep. true: all ranks run it (there may be one
     only); what one rank does alone is followed by BenchMeet. */
  bool together;
  PetscErrorCode (*run)(BenchRun *run);
};
extern const Family benches;
/* The name of its row i, NULL past the last. */
const char *bench_row(const Bench *bench, int i);

/* One row. ratio = figure / limit, both in unit. */
typedef struct {
  const char *row; /* one of the bench's */
  const char *size;
  double figure;
  const char *unit;
  const char *limit;  /* what it is held against, "" or NULL: nothing */
  double limit_value; /* in unit */
  const char *goal;   /* "ratio <= 0.32", "figure <= 2", "ratio 0.8 to 1.2" or NULL */
  const char *note;   /* or NULL */
} BenchFigure;

/* Whether a row was asked for: its name, or the bench's, holds one of the words of --rows; as a
   whole word, where any does so. */
bool bench_wants(const BenchRun *run, const char *row);
/* BenchRow - adds a row on rank 0, says so on standard error and writes the files, so that a bench
   that is stopped has its rows; elsewhere nothing. BenchSkip - a row that cannot be measured
   here, and why. Not collective. */
PetscErrorCode BenchRow(BenchRun *run, const BenchFigure *figure);
PetscErrorCode BenchSkip(BenchRun *run, const char *row, const char *why);
/* BenchMeet - all ranks wait for each other, asleep. Collective. */
PetscErrorCode BenchMeet(BenchRun *run);

/* What is timed. Zero is a good value for what is optional. */
typedef struct {
  PetscErrorCode (*work)(void *context);
  PetscErrorCode (*before)(void *context); /* before each round, untimed; or NULL */
  void *context;
  Limit limit;    /* measured before and after each round */
  bool together;  /* all ranks at once: wall time of the slowest. Else this rank's own work, in
                     thread time, which other programs do not disturb */
  bool wall;      /* wall time, for this rank alone too: work that waits for a disk */
  double seconds; /* go on for so long; 0: 0.3 */
  int rounds;     /* at least; 0: 5 */
  bool first;     /* the first call is a round too: it takes seconds, beside which cold caches are
                     nothing */
} BenchWork;

typedef struct {
  double seconds; /* of one call, median of the rounds; where a limit is measured beside them,
                     corrected by the round's own clock, so that seconds x rate is the median too */
  double best;    /* of all rounds */
  double rate;    /* of the limit: median of what was measured beside the rounds; 0: none */
  int rounds;
} BenchTiming;

/* BenchTime - one call to warm up, then rounds. Collective if together. */
PetscErrorCode BenchTime(BenchRun *run, const BenchWork *work, BenchTiming *timing);
/* BenchTimeTurns - count works in turns, so that all meet the same clock and the same neighbours:
   as many rounds each as the first one asks for, and after each work its limit, if it has one;
   first calls as with BenchTime. timing[i].seconds and .rate: medians of the rounds. Collective if
   together. */
PetscErrorCode BenchTimeTurns(BenchRun *run, int count, const BenchWork *work, BenchTiming *timing);
/* Fill figure, unit, limit and limit_value of work that takes so many of the limit's operations or
   bytes a call: as a rate in the limit's own unit (ratio 1: at the limit), or as microseconds for
   each of `units` (tokens, atoms) named by unit "us/token". */
void bench_rate(BenchFigure *figure, Limit limit, const BenchTiming *timing, double operations);
void bench_cost(BenchFigure *figure, Limit limit, const BenchTiming *timing, double operations,
                double units, const char *unit);

typedef struct {
  const char *rows, *tokens, *machine, *save, *csv, *json; /* or NULL */
} BenchOptions;
/* BenchRunAll - the rows that were asked for, in the order of the files' names. An unknown word in
   rows is a mistake. The table is rank 0's (NULL elsewhere); its files are written, but it is not
   printed. *bound: as BenchCoresTake bound the
   ranks. Collective on the world. */
PetscErrorCode BenchRunAll(MPI_Comm comm, const Kernels *kernels, const BenchOptions *options,
                           Mistakes *mistakes, Table **table, bool *bound);
/* The table for people. */
void bench_text(const Table *table, const Kernels *kernels, int ranks, bool bound, Text *text);
/* BenchWrite - the table so far as CSV, and as JSON with date, CPU, commit, kernels, ranks and
   whether it is complete, where they were asked for. Rank 0. */
PetscErrorCode BenchWrite(const BenchRun *run, bool complete);
/* "AMD EPYC …" as the system says it. */
const char *cpu_name(char name[128]);

/* The core that a rank has for itself. */
typedef struct {
  bool bound;
  cpu_set_t before; /* what it could use */
} BenchCores;
/* BenchCoresTake - binds each rank of a machine, and the threads that it makes from now on (the one
   that reads ahead), to one of the cores that all of them may use: as many ranks as cores compute
   without changing places, and a rank that works while others sleep has no second core. Nothing
   changes for a single rank, for more ranks than cores, and where the ranks may use different
   cores, since then somebody has said which. Collective. bench_cores_leave: as it was, for this
   rank. */
PetscErrorCode BenchCoresTake(MPI_Comm comm, BenchCores *cores);
void bench_cores_leave(BenchCores *cores);

/* Tokens to measure with. */
typedef enum {
  BENCH_NOISE, /* isotropic noise: the hard case */
  BENCH_SYNTH, /* `ardis synth activations` */
  BENCH_REAL   /* of run->tokens */
} BenchTokens;
const char *bench_tokens_name(BenchTokens kind); /* "isotropic noise", … */
/* BenchTokensFill - n rows as stored (not normalised) into X [n x d]; of BENCH_REAL the file's
   first n. *there: whether there are so many of that width. Not collective. */
PetscErrorCode BenchTokensFill(BenchRun *run, BenchTokens kind, int64_t n, int64_t d, float *X,
                               bool *there);
/* BenchTokensFile - a token file (float16) of n such rows in the scratch folder (BENCH_REAL: the
   file itself), made once; path is fresh memory (free), NULL if there is none. Collective. */
PetscErrorCode BenchTokensFile(BenchRun *run, BenchTokens kind, int64_t n, int64_t d, char **path);
