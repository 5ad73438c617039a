/* ardis COMMAND …: finds the command, starts MPI and PETSc if it needs them, ends them exactly
 * once. */
#include "cli/command.h"
#include "run/version.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#if defined(__GLIBC__)
#include <malloc.h>
#endif
#if defined(__SSE__)
#include <xmmintrin.h>
#endif

static int usage(FILE *to)
{
  fprintf(to, "ardis - learns dictionaries from activations, once per seed, and measures which "
              "atoms survive a change of seed\n\n"
              "usage: ardis COMMAND [arguments]      under mpirun or alone\n\n");
  for (const Entry *const *e = commands.entries; *e; e++)
    fprintf(to, "  %-10s %s\n", (*e)->name, (*e)->summary);
  fprintf(to, "\nardis COMMAND --help explains one; ardis --version says what was built\n");
  return to == stdout ? 0 : 2;
}

static int version(void)
{
  printf("ardis %s (%s)\ncompiler %s\nflags %s\nPETSc %d.%d.%d, MPI %d.%d\n", ardis_version,
         ardis_commit, ardis_compiler, ardis_flags, PETSC_VERSION_MAJOR, PETSC_VERSION_MINOR,
         PETSC_VERSION_SUBMINOR, MPI_VERSION, MPI_SUBVERSION);
  return 0;
}

static int help(const Command *command)
{
  printf("ardis %s - %s\n\n%s", command->entry.name, command->entry.summary, command->usage);
  return 0;
}

/* A file that cannot be read or written is no bug: its name and the system's reason without a
   traceback, and the exit code of a mistake. */
static PetscErrorCode tell(MPI_Comm comm, int line, const char *function, const char *file,
                           PetscErrorCode code, PetscErrorType type, const char *message,
                           void *context)
{
  if (code != PETSC_ERR_FILE_OPEN && code != PETSC_ERR_FILE_READ && code != PETSC_ERR_FILE_WRITE &&
      code != PETSC_ERR_FP)
    return PetscTraceBackErrorHandler(comm, line, function, file, code, type, message, context);
  fprintf(stderr, "%s\n", message);
  MPI_Abort(MPI_COMM_WORLD, 2);
  return code;
}

/* PETSc's options are not ours: it sees none of the command line, only PETSC_OPTIONS. */
static int run(const Command *command, int argc, char **argv)
{
  char *no_arguments[] = {argv[0], NULL}, **list = no_arguments;
  int one = 1, code;
  if (command->alone) return command->main(argc, argv);
#if defined(__GLIBC__)
  mallopt(M_MMAP_THRESHOLD,
          32 << 20); /* what is freed is kept for the next tile: the system would */
  mallopt(M_TRIM_THRESHOLD, 256 << 20); /* clear its pages again */
#endif
  if (PetscInitialize(&one, &list, NULL, NULL) || PetscPushErrorHandler(tell, NULL)) return 1;
#if defined(__SSE__)
  _mm_setcsr(_mm_getcsr() &
             ~0x8040u); /* subnormal numbers are numbers: neither flushed nor read as 0 */
#endif
  code = command->main(argc, argv);
  int same = code;
  MPI_Allreduce(MPI_IN_PLACE, &same, 1, MPI_INT, MPI_MAX, MPI_COMM_WORLD);
  if (PetscFinalize()) return 1;
  return same;
}

int main(int argc, char **argv)
{
  if (argc < 2) return usage(stderr);
  const char *word = argv[1];
  if (!strcmp(word, "--help") || !strcmp(word, "-h") || (!strcmp(word, "help") && argc == 2))
    return usage(stdout);
  if (!strcmp(word, "--version")) return version();
  const bool asks = !strcmp(word, "help");
  if (asks) word = argv[2];
  const Command *command = (const Command *)family_find(&commands, word);
  if (!command) {
    const char *names[64];
    int n = 0;
    for (const Entry *const *e = commands.entries; *e && n < 63; e++) names[n++] = (*e)->name;
    names[n] = NULL;
    const char *near = nearest_word(word, names);
    fprintf(stderr,
            near ? "ardis: no command %s; did you mean %s?\n"
                 : "ardis: no command %s; ardis --help lists them\n",
            word, near);
    return 2;
  }
  if (asks) return help(command);
  for (int i = 2; i < argc && strcmp(argv[i], "--"); i++)
    if (!strcmp(argv[i], "--help") || !strcmp(argv[i], "-h")) return help(command);
  return run(command, argc - 1, argv + 1);
}
