/* Command lines: options --name value, --name=value, flags, and the rest. */
#pragma once
#include "base/mistakes.h"

typedef struct {
  const char *name;   /* "out"; a one-letter name is also read as -o */
  const char *letter; /* "o" or NULL */
  bool flag;          /* takes no value */
  const char *value;  /* out: NULL: not given; for a flag "" */
} Option;

/* args_read - fills options (ended by a NULL name) from argv[1..]; the other words become rest[0 ..
   *count) (room for argc). An unknown or repeated option and a missing value are mistakes, with the
   nearest option. "--" ends the options. */
void args_read(int argc, char **argv, Option *options, Mistakes *mistakes, const char **rest,
               int *count);
/* The value of an option, or NULL. */
const char *option_value(const Option *options, const char *name);
/* A whole number in [least, most] from an option's value, or missing if it was not given; anything
 * else is a mistake. */
int64_t option_integer(const Option *options, const char *name, int64_t missing, int64_t least,
                       int64_t most, Mistakes *mistakes);

/* Ends a command: prints the mistakes on rank 0 of the world, frees them, and gives the exit code 2
   if there are any, else code. The same on every rank; collective when MPI runs. */
int command_end(Mistakes **mistakes, int code);
