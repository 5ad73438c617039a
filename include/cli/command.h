/* One command of the program. */
#pragma once
#include "base/param.h"

typedef struct {
  Entry entry;       /* name and one line */
  const char *usage; /* the text of --help after the first line: synopsis, options, exit codes */
  bool alone;        /* needs no MPI start-up (list, check, plan …): runs on login nodes */
  int (*main)(int argc, char **argv); /* argv[0] is the command's name; returns the exit code */
} Command;

extern const Family commands;
