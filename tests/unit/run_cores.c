/* Ranks of a bench: each on a core of its own, with its threads, where there are so many; as they
   were where there are fewer, where somebody else has given them theirs, and afterwards.
   RUN ranks=1
   RUN ranks=2
   RUN ranks=3 */
#include "../tap.h"
#include "run/bench.h"
#include <pthread.h>

static cpu_set_t used_now(void)
{
  cpu_set_t cores;
  CPU_ZERO(&cores);
  sched_getaffinity(0, sizeof(cores), &cores);
  return cores;
}

static void *of_thread(void *cores)
{
  *(cpu_set_t *)cores = used_now();
  return NULL;
}

/* Cores that all ranks use, and how many there are of all of them. */
static void among_ranks(const cpu_set_t *mine, int *common, int *together)
{
  cpu_set_t all, any;
  MPI_Allreduce(mine, &all, sizeof(all), MPI_BYTE, MPI_BAND, PETSC_COMM_WORLD);
  MPI_Allreduce(mine, &any, sizeof(any), MPI_BYTE, MPI_BOR, PETSC_COMM_WORLD);
  *common = CPU_COUNT(&all), *together = CPU_COUNT(&any);
}

/* All ranks may use the same cores. */
static PetscErrorCode CheckSame(const cpu_set_t *start)
{
  const bool enough = tap_size > 1 && CPU_COUNT(start) >= tap_size;
  BenchCores cores;
  cpu_set_t thread;
  pthread_t helper;
  int common, together;

  PetscFunctionBeginUser;
  PetscCall(BenchCoresTake(PETSC_COMM_WORLD, &cores));
  cpu_set_t now = used_now(), shared;
  among_ranks(&now, &common, &together);
  CPU_AND(&shared, &now, start);
  OK(cores.bound == enough, "%d ranks on %d cores: bound %d", tap_size, CPU_COUNT(start),
     cores.bound);
  OK(enough ? CPU_COUNT(&now) == 1 && CPU_EQUAL(&shared, &now) : CPU_EQUAL(&now, start),
     "to one of the cores that were given");
  OK(!enough || (common == 0 && together == tap_size), "no two to the same");
  CPU_ZERO(&thread);
  OK(!pthread_create(&helper, NULL, of_thread, &thread) && !pthread_join(helper, NULL) &&
         CPU_EQUAL(&thread, &now),
     "a thread stays with its rank");
  bench_cores_leave(&cores);
  now = used_now();
  OK(!cores.bound && CPU_EQUAL(&now, start), "and then all as it was");
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Rank 0 was given one core only. */
static PetscErrorCode CheckGiven(const cpu_set_t *start)
{
  BenchCores cores;
  cpu_set_t given = *start;

  PetscFunctionBeginUser;
  for (int c = 0; tap_rank == 0 && c < CPU_SETSIZE && CPU_COUNT(&given) > 1; c++)
    CPU_CLR(c, &given);
  sched_setaffinity(0, sizeof(given), &given);
  PetscCall(BenchCoresTake(PETSC_COMM_WORLD, &cores));
  const cpu_set_t now = used_now();
  OK(!cores.bound && CPU_EQUAL(&now, &given), "ranks that were given their cores keep them");
  bench_cores_leave(&cores);
  sched_setaffinity(0, sizeof(*start), start);
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  TestBegin(&argc, &argv);
  const cpu_set_t start = used_now();
  if (CheckSame(&start) || CheckGiven(&start)) MPI_Abort(PETSC_COMM_WORLD, 1);
  return TestEnd();
}
