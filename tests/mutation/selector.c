/* Linked with test programs whose learning layer holds every break of its functions, each as a
   function of its own (places.py). The program runs unbroken; when it first calls a function, it
   forks a child for each break of it that is asked for, waits until the child says `not ok`,
   crashes, leaks, ends or takes too long, and goes on. What a child reads and writes lies in a
   folder of its own. On several ranks nothing forks: one break is in force from the start.

   MUTATE_TASK: file of lines "function break limit", the breaks to try and their CPU seconds.
   MUTATE_RESULTS: file to append to, "break seconds what" (what: empty when nothing was seen) and
   "reached function seconds". MUTATE_UNTIL: no child starts after this time, in seconds since 1970.
   MUTATE_ONE: the only break, in force from the start. */
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <mpi.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { FUNCTIONS = 100000, LINE = 400 };

int mutant; /* the break in force; 0: none */
void mutant_enter(int function);

static struct {
  bool child, seen[FUNCTIONS];
  int (*task)[3], tasks, left;
  double began, waited; /* seconds: when the program began, how long it waited for children */
  FILE *results;
} all;

static double now(void)
{
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static double setting(const char *name, double otherwise)
{
  return getenv(name) ? atof(getenv(name)) : otherwise;
}

__attribute__((constructor)) static void begin(void)
{
  mutant = (int)setting("MUTATE_ONE", 0);
  if (getenv("MUTATE_RESULTS")) all.results = fopen(getenv("MUTATE_RESULTS"), "a");
  FILE *file = getenv("MUTATE_TASK") ? fopen(getenv("MUTATE_TASK"), "r") : NULL;
  int task[3];
  all.began = now();
  while (file && fscanf(file, "%d %d %d", &task[0], &task[1], &task[2]) == 3) {
    all.task = realloc(all.task, sizeof(*all.task) * (size_t)(all.tasks + 1));
    memcpy(all.task[all.tasks++], task, sizeof(task));
  }
  all.left = all.tasks;
  if (file) fclose(file);
}

/* A child has no MPI to end: the processes that the library talks to are the parent's. */
int MPI_Finalize(void)
{
  return all.child ? MPI_SUCCESS : PMPI_Finalize();
}

int MPI_Abort(MPI_Comm comm, int code)
{
  if (!all.child) return PMPI_Abort(comm, code);
  fflush(NULL);
  _exit(86);
}

/* A child has no threads of its parent: what would start one does its work itself. */
int pthread_create(pthread_t *thread, const pthread_attr_t *how, void *(*work)(void *), void *with)
{
  int begun = 0;
  int (*create)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *) =
      dlsym(RTLD_NEXT, "pthread_create");
  MPI_Initialized(&begun);
  return all.task && begun ? EAGAIN : create(thread, how, work, with);
}

static void leave(int code, void *unused)
{
  (void)unused;
  fflush(NULL);
  _exit(code);
}

static void copy(const char *name, const char *folder)
{
  char to[4096], buffer[65536];
  struct stat about;
  if (stat(name, &about) || !S_ISREG(about.st_mode)) return;
  snprintf(to, sizeof(to), "%s/%s", folder, name);
  FILE *in = fopen(name, "r"), *out = fopen(to, "w");
  for (size_t n; in && out && (n = fread(buffer, 1, sizeof(buffer), in));)
    fwrite(buffer, 1, n, out);
  if (in) fclose(in);
  if (out) fclose(out);
}

/* A folder with copies of the files of this one. */
static void move_to(const char *folder)
{
  mkdir(folder, 0777);
  DIR *here = opendir(".");
  for (struct dirent *entry; here && (entry = readdir(here));) copy(entry->d_name, folder);
  if (here) closedir(here);
  if (chdir(folder)) _exit(87);
}

static void remove_folder(const char *folder)
{
  char path[4096];
  DIR *there = opendir(folder);
  for (struct dirent *entry; there && (entry = readdir(there));) {
    snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
    unlink(path);
  }
  if (there) closedir(there);
  rmdir(folder);
}

static void become(int number, int limit, const char *folder, int pipe_end)
{
  FILE *statm = fopen("/proc/self/statm", "r");
  long pages = 0;
  if (statm && fscanf(statm, "%ld", &pages) != 1) pages = 0;
  if (statm) fclose(statm);
  const struct rlimit time = {(rlim_t)(limit + 1), (rlim_t)(limit + 1)}, core = {0, 0},
                      file = {1 << 28, 1 << 28},
                      space = {(rlim_t)pages * 4096 + (2ul << 30), RLIM_INFINITY};
  all.child = true;
  mutant = number;
  setpgid(0, 0);
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  setrlimit(RLIMIT_CPU, &time), setrlimit(RLIMIT_CORE, &core), setrlimit(RLIMIT_FSIZE, &file);
  setrlimit(RLIMIT_AS, &space);
  signal(SIGALRM, SIG_DFL), signal(SIGXCPU, SIG_DFL);
  alarm(20 + 10 * (unsigned)limit);
  dup2(pipe_end, 1), dup2(pipe_end, 2);
  close(pipe_end);
  move_to(folder);
  on_exit(leave, NULL);
}

/* Does the line say what is wrong? */
static bool wrong(const char *line)
{
  int rank, bytes, end = 0;
  if (!strncmp(line, "not ok", 6)) return true;
  sscanf(line, "[ %d] %d bytes %n", &rank, &bytes, &end);
  return end > 0;
}

/* Reads what the child prints until it ends or says what is wrong, which goes to what. */
static void watch(pid_t child, int pipe_end, char *what)
{
  FILE *in = fdopen(pipe_end, "r");
  char line[LINE];
  bool plan = false;
  int status;
  *what = 0;
  while (!*what && fgets(line, sizeof(line), in)) {
    plan |= !strncmp(line, "1..", 3);
    line[strcspn(line, "\n")] = 0;
    if (wrong(line)) snprintf(what, LINE, "%s", line);
  }
  if (*what) kill(child, SIGKILL);
  fclose(in);
  waitpid(child, &status, 0);
  if (*what) return;
  if (WIFSIGNALED(status))
    snprintf(what, LINE, "signal %d", WTERMSIG(status));
  else if (WEXITSTATUS(status) || !plan)
    snprintf(what, LINE, "exit %d", WEXITSTATUS(status));
}

static void attempt(int number, int limit)
{
  char folder[64], what[LINE];
  int ends[2];
  const double from = now();
  snprintf(folder, sizeof(folder), "mutant.%d", number);
  fflush(NULL);
  if (pipe(ends)) return;
  const pid_t child = fork();
  if (!child) {
    close(ends[0]);
    become(number, limit, folder, ends[1]);
    return;
  }
  close(ends[1]);
  watch(child, ends[0], what);
  fprintf(all.results, "%d %.2f %s\n", number, now() - from, what);
  fflush(all.results);
  all.waited += now() - from;
  remove_folder(folder);
}

/* Every break has been tried: the rest of the program would tell nothing more. */
static void end_early(void)
{
  puts("1..0");
  fflush(NULL);
  _exit(0);
}

void mutant_enter(int function)
{
  if (mutant || all.seen[function] || !all.results) return;
  all.seen[function] = true;
  fprintf(all.results, "reached %d %.3f\n", function, now() - all.began - all.waited);
  for (int i = 0; i < all.tasks && !all.child; i++)
    if (all.task[i][0] == function) {
      const bool late = (double)time(NULL) > setting("MUTATE_UNTIL", 1e18);
      if (!late) attempt(all.task[i][1], all.task[i][2]);
      if (!all.child && (!--all.left || late)) end_early();
    }
}
