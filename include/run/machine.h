/* What work costs on one kind of machine: measured by `ardis bench --save`, kept in a small file,
   used by `ardis plan --ranks`. docs/scaling.md explains each number. */
#pragma once
#include "base/mistakes.h"
#include "base/text.h"

enum { CURVE_POINTS = 6, RATES_MOST = 64 };

/* A cost that depends on a size: between the sizes measured on the line between the logarithms'
   neighbours, outside them that of the nearest. */
typedef struct {
  int count;
  double size[CURVE_POINTS], cost[CURVE_POINTS]; /* sizes ascending */
} Curve;
double curve_at(const Curve *curve, double size);

/* How many times longer the parts of a method take than Method.work does at the machine's rates
   (mix for float32, twice mix for float64, read for what is gathered): a token of its units, one of
   those before, the end of a unit, what is done once. 0: not measured. */
typedef struct {
  char name[32];
  Curve token; /* by m d */
  double before, after, once;
} MethodRate;

/* Costs in seconds of one core, while the others idle. */
typedef struct {
  char cpu[128], kernels[16], date[24], commit[64];
  bool measured;       /* false: built-in numbers */
  double cores;        /* of a node */
  double memory;       /* bytes of a node */
  double process;      /* bytes of a rank before it has read a token */
  double crowd;        /* how many times longer work on tokens takes while all cores work */
  double crowd_rows;   /* the same of work on their active atoms, whose rows are gathered */
  double crowd_update; /* and of work that goes through all atoms once a step */
  double stride;       /* how many times longer that takes where rows of 2,048 bytes lie in the same
                          parts of caches; twice as much more at 4,096, and so on */
  double turns;        /* what a step loses by waiting where ranks share cores */
  double latency;      /* of a message between two ranks of a node */
  double meet;         /* what the ranks of a node lose in a step by waiting for each other */
  double list;         /* for each active atom that another rank found: sorted by every rank */
  double link;         /* bytes a second, between two ranks of a node, both ways at once */
  double read;         /* bytes a second that a core reads from memory */
  double token;        /* for each value of a token: read, unpack, centre, residual */
  double step;         /* for each step, whatever its size */
  double mix;          /* for each operation of D = W C and G C^T */
  double weight;       /* for each weight of W in a step: optimizer, constraint */
  double
      gather;   /* with `support`: for each weight and each of its anchor's values, both products */
  double sum;   /* k-means: for each value of a token added to its centroid */
  double renew; /* k-means: for each value of the centroids in an iteration */
  double drawn; /* k-means++: for each token, each centroid drawn and each of its values */
  Curve score;  /* by m d: for each token and each value of the encoder, with selection */
  Curve sparse; /* by m d: for each active atom of a token and each of its d values */
  Curve update; /* by m d: for each of the m d values of a dictionary in a step */
  Curve assign; /* by K d: for each token and each value of the centroids */
  int rates;
  MethodRate rate[RATES_MOST];
} Machine;

/* The rate of a method: what was measured, else that of plain loops. */
MethodRate machine_rate(const Machine *machine, const char *method);

/* The built-in numbers, of the machine that docs/bench.md names. */
void machine_builtin(Machine *machine);
/* Where the numbers are kept: ARDIS_MACHINE, else ardis/machine.json in XDG_CONFIG_HOME or
   ~/.config; fresh memory (free). given NULL, or a path that goes before all of these. */
char *machine_path(const char *given);
/* MachineRead - the file, or the built-in numbers where there is none. A file that is not one of
   these is a mistake; so is one that was given and is not there. MachineWrite makes its folder.
   Not collective. */
PetscErrorCode MachineRead(const char *given, Mistakes *mistakes, Machine *machine);
PetscErrorCode MachineWrite(const Machine *machine, const char *path, Mistakes *mistakes);
