/* The family of benches, and running them. */
#include "base/clock.h"
#include "base/file.h"
#include "run/bench_kernel.h"
#include <ctype.h>
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define X(name) extern const Bench bench_##name;
#include "bench.def" /* written by the Makefile from the folder's listing */
#undef X

static const Entry *const entries[] = {
#define X(name) &bench_##name.entry,
#include "bench.def"
#undef X
    NULL,
};

const Family benches = {"bench", "benches", entries};

const char *bench_row(const Bench *bench, int i)
{
  return bench->kernels ? bench->kernels[i].row : bench->rows[i];
}

enum { WORD_MOST = 64 };

/* The next word of a list with commas; false at its end. */
static bool next_word(const char **list, char word[WORD_MOST])
{
  while (**list == ',') (*list)++;
  const size_t length = strcspn(*list, ","), kept = length < WORD_MOST ? length : WORD_MOST - 1;
  memcpy(word, *list, kept);
  word[kept] = 0;
  *list += length;
  return length > 0;
}

/* Whether a name holds a word between its beginning, its end and what is no letter or digit. */
static bool holds_whole(const char *name, const char *word)
{
  const size_t length = strlen(word);
  for (const char *at = strstr(name, word); at; at = strstr(at + 1, word))
    if ((at == name || !isalnum((unsigned char)at[-1])) && !isalnum((unsigned char)at[length]))
      return true;
  return false;
}

/* Whether any bench or row does: then names that hold the word within others are not meant. */
static bool any_whole(const char *word)
{
  const char *row;
  for (const Entry *const *e = entries; *e; e++) {
    if (holds_whole((*e)->name, word)) return true;
    for (int i = 0; (row = bench_row((const Bench *)*e, i)); i++)
      if (holds_whole(row, word)) return true;
  }
  return false;
}

static bool holds(const Bench *bench, const char *row, const char *word)
{
  if (any_whole(word)) return holds_whole(bench->entry.name, word) || holds_whole(row, word);
  return strstr(bench->entry.name, word) || strstr(row, word);
}

static bool wanted(const Bench *bench, const char *row, const char *chosen)
{
  char word[WORD_MOST];
  if (!chosen) return true;
  while (next_word(&chosen, word))
    if (holds(bench, row, word)) return true;
  return false;
}

bool bench_wants(const BenchRun *run, const char *row)
{
  return wanted(run->bench, row, run->chosen);
}

static bool any_wanted(const Bench *bench, const char *chosen)
{
  const char *row;
  for (int i = 0; (row = bench_row(bench, i)); i++)
    if (wanted(bench, row, chosen)) return true;
  return false;
}

static void check_words(const char *chosen, Mistakes *mistakes)
{
  char word[WORD_MOST];
  while (chosen && next_word(&chosen, word)) {
    bool found = false;
    for (const Entry *const *e = entries; *e; e++)
      found = found || any_wanted((const Bench *)*e, word);
    if (!found)
      mistake(mistakes, NULL, 0, 0,
              "--rows %s: no row, and no bench (`ardis list benches`), has that in its name", word);
  }
}

static void remove_folder(const char *path)
{
  DIR *folder = opendir(path);
  for (struct dirent *e = folder ? readdir(folder) : NULL; e; e = readdir(folder)) {
    char *file = path_join(path, e->d_name);
    unlink(file);
    free(file);
  }
  if (folder) closedir(folder);
  rmdir(path);
}

/* One folder for all ranks: rank 0's choice. */
static PetscErrorCode MakeScratch(MPI_Comm comm, char path[PETSC_MAX_PATH_LEN], Mistakes *mistakes,
                                  bool *made)
{
  const char *parent = getenv("TMPDIR");
  int rank;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  *made = true;
  if (rank == 0) {
    snprintf(path, PETSC_MAX_PATH_LEN, "%s/ardis-bench-XXXXXX",
             parent && *parent ? parent : "/tmp");
    *made = mkdtemp(path) != NULL;
    if (!*made)
      mistake(mistakes, path, 0, 0, "cannot make a folder there; TMPDIR names another place");
  }
  PetscCallMPI(MPI_Bcast(path, PETSC_MAX_PATH_LEN, MPI_CHAR, 0, comm));
  PetscCallMPI(MPI_Bcast(made, 1, MPI_C_BOOL, 0, comm));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode RunChosen(BenchRun *run)
{
  PetscFunctionBegin;
  for (const Entry *const *e = entries; *e; e++) {
    run->bench = (const Bench *)*e;
    if (!any_wanted(run->bench, run->chosen)) continue;
    const double start = clock_seconds();
    if (run->rank == 0) fprintf(stderr, "bench %s\n", run->bench->entry.name);
    if (run->bench->together || run->rank == 0) PetscCall(run->bench->run(run));
    PetscCall(BenchMeet(run));
    if (run->rank == 0)
      fprintf(stderr, "bench %s: %.1f s\n", run->bench->entry.name, clock_seconds() - start);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode BenchRunAll(MPI_Comm comm, const Kernels *kernels, const BenchOptions *options,
                           Mistakes *mistakes, Table **table, bool *bound)
{
  char scratch[PETSC_MAX_PATH_LEN];
  bool made = false;
  BenchRun run = {.comm = comm,
                  .kernels = kernels,
                  .scratch = scratch,
                  .tokens = options->tokens,
                  .chosen = options->rows,
                  .machine = options->machine,
                  .save = options->save,
                  .seconds = 60,
                  .process = peak_memory_bytes(),
                  .csv = options->csv,
                  .json = options->json,
                  .begun = clock_seconds()};
  BenchCores cores;

  PetscFunctionBegin;
  *table = NULL, *bound = false;
  PetscCallMPI(MPI_Comm_rank(comm, &run.rank));
  PetscCallMPI(MPI_Comm_size(comm, &run.size));
  check_words(options->rows, mistakes);
  if (!mistakes_count(mistakes)) PetscCall(MakeScratch(comm, scratch, mistakes, &made));
  if (!made) PetscFunctionReturn(PETSC_SUCCESS);
  if (run.rank == 0)
    PetscCall(
        TableCreate("row,size,figure,unit,limit,limit_value,ratio,goal,met,note", &run.table));
  PetscCall(BenchCoresTake(comm, &cores));
  *bound = run.bound = cores.bound;
  PetscCall(LimitsCreate(comm, kernels, scratch, &run.limits));
  PetscCall(RunChosen(&run));
  PetscCall(LimitsDestroy(&run.limits));
  bench_cores_leave(&cores);
  PetscCallMPI(MPI_Barrier(comm));
  if (run.rank == 0) {
    remove_folder(scratch);
    PetscCall(BenchWrite(&run, true));
  }
  *table = run.table;
  PetscFunctionReturn(PETSC_SUCCESS);
}
