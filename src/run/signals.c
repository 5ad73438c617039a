/* The handlers only set flags; these are the program's one piece of changing global state. */
#include "run/signals.h"
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

static volatile sig_atomic_t stop_asked, save_asked, at_once, says;
static long steps_left = -1; /* ARDIS_STOP_AFTER: as if SIGUSR1 came after so many steps */

static void on_signal(int number)
{
  if (number == SIGUSR2)
    save_asked = 1;
  else if (at_once) {
    static const char text[] = "stopped; the same command goes on\n";
    if (says && write(STDERR_FILENO, text, sizeof(text) - 1) < 0) _exit(75);
    _exit(75);
  } else if (number == SIGINT && stop_asked)
    _exit(128 + SIGINT);
  else
    stop_asked = 1;
}

PetscErrorCode SignalsCatch(void)
{
  const int numbers[] = {SIGUSR1, SIGUSR2, SIGTERM, SIGINT};
  struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};

  PetscFunctionBegin;
  if (getenv("ARDIS_STOP_AFTER")) steps_left = atol(getenv("ARDIS_STOP_AFTER"));
  sigemptyset(&action.sa_mask);
  for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++)
    PetscCheck(!sigaction(numbers[i], &action, NULL), PETSC_COMM_SELF, PETSC_ERR_SYS,
               "signal %d cannot be caught", numbers[i]);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode SignalsEndAtOnce(MPI_Comm comm, bool speaks, bool *stop)
{
  int seen;

  PetscFunctionBegin;
  says = speaks;
  at_once = 1;
  seen = stop_asked;
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &seen, 1, MPI_INT, MPI_MAX, comm));
  *stop = seen;
  PetscFunctionReturn(PETSC_SUCCESS);
}

int signals_seen(void)
{
  if (steps_left >= 0 && steps_left-- == 0) stop_asked = 1;
  const int seen = (stop_asked ? ORDER_STOP : 0) | (save_asked ? ORDER_SAVE : 0);
  save_asked = 0;
  return seen;
}
