/* A core of its own for each rank of a bench. */
#include "run/bench.h"

/* Whether all ranks of a machine may use the same cores: nobody has said which rank gets which. */
static PetscErrorCode SameCores(MPI_Comm machine, const cpu_set_t *mine, bool *same)
{
  cpu_set_t all, any;
  int here;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Allreduce(mine, &all, sizeof(all), MPI_BYTE, MPI_BAND, machine));
  PetscCallMPI(MPI_Allreduce(mine, &any, sizeof(any), MPI_BYTE, MPI_BOR, machine));
  here = CPU_EQUAL(&all, &any);
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &here, 1, MPI_INT, MPI_MIN, machine));
  *same = here;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode BenchCoresTake(MPI_Comm comm, BenchCores *cores)
{
  MPI_Comm machine;
  cpu_set_t mine;
  int rank, size;
  bool same = false;

  PetscFunctionBegin;
  *cores = (BenchCores){.bound = false};
  CPU_ZERO(&mine);
  PetscCallMPI(MPI_Comm_split_type(comm, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &machine));
  PetscCallMPI(MPI_Comm_rank(machine, &rank));
  PetscCallMPI(MPI_Comm_size(machine, &size));
  CPU_ZERO(&cores->before); /* the system may fill in only a part */
  const bool known = !sched_getaffinity(0, sizeof(cores->before), &cores->before);
  PetscCall(SameCores(machine, &cores->before, &same));
  PetscCallMPI(MPI_Comm_free(&machine));
  if (!known || !same || size == 1 || CPU_COUNT(&cores->before) < size)
    PetscFunctionReturn(PETSC_SUCCESS);
  for (int c = 0, seen = 0; c < CPU_SETSIZE; c++)
    if (CPU_ISSET(c, &cores->before) && seen++ == rank) CPU_SET(c, &mine);
  cores->bound = !sched_setaffinity(0, sizeof(mine), &mine);
  PetscFunctionReturn(PETSC_SUCCESS);
}

void bench_cores_leave(BenchCores *cores)
{
  if (cores->bound) sched_setaffinity(0, sizeof(cores->before), &cores->before);
  cores->bound = false;
}
