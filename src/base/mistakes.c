/* What the user got wrong. */
#include "base/mistakes.h"
#include "base/text.h"
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

struct Mistakes {
  int count;
  char **line;
};

PetscErrorCode MistakesCreate(Mistakes **mistakes)
{
  PetscFunctionBegin;
  *mistakes = calloc(1, sizeof(**mistakes));
  PetscCheck(*mistakes, PETSC_COMM_SELF, PETSC_ERR_MEM, "no memory");
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode MistakesDestroy(Mistakes **mistakes)
{
  PetscFunctionBegin;
  if (*mistakes) {
    for (int i = 0; i < (*mistakes)->count; i++) free((*mistakes)->line[i]);
    free((*mistakes)->line);
    free(*mistakes);
  }
  *mistakes = NULL;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void add_line(Mistakes *mistakes, const char *line)
{
  for (int i = 0; i < mistakes->count; i++)
    if (!strcmp(mistakes->line[i], line)) return;
  char **grown = realloc(mistakes->line, (size_t)(mistakes->count + 1) * sizeof(*grown));
  if (!grown) abort();
  mistakes->line = grown;
  mistakes->line[mistakes->count++] = text_copy(line);
}

void mistake(Mistakes *mistakes, const char *file, int line, int column, const char *format, ...)
{
  Text text = {0};
  char what[2048];
  va_list list;
  va_start(list, format);
  vsnprintf(what, sizeof(what), format, list);
  va_end(list);
  if (file && line && column)
    text_add(&text, "%s:%d:%d: ", file, line, column);
  else if (file && line)
    text_add(&text, "%s:%d: ", file, line);
  else if (file)
    text_add(&text, "%s: ", file);
  text_add(&text, "%s", what);
  add_line(mistakes, text.s);
  text_clear(&text);
}

int mistakes_count(const Mistakes *mistakes)
{
  return mistakes->count;
}

/* line * 10^6 + column of "file:line:column: ..."; 0 where there is no place. */
static long long place(const char *text, const char *file)
{
  const size_t length = strlen(file);
  int line = 0, column = 0;
  if (!strncmp(text, file, length)) sscanf(text + length, ":%d:%d:", &line, &column);
  return line * 1000000LL + column;
}

void mistakes_sort(Mistakes *mistakes, int first, const char *file)
{
  for (int i = first + 1; i < mistakes->count; i++)
    for (int j = i; j > first; j--) {
      char *above = mistakes->line[j - 1], *here = mistakes->line[j];
      if (place(above, file) <= place(here, file)) break;
      mistakes->line[j - 1] = here, mistakes->line[j] = above;
    }
}

PetscErrorCode MistakesAgree(MPI_Comm comm, Mistakes *mistakes, bool *any)
{
  int size, mine = mistakes->count, all;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_size(comm, &size));
  PetscCallMPI(MPI_Allreduce(&mine, &all, 1, MPI_INT, MPI_SUM, comm));
  *any = all > 0;
  if (!all || size == 1) PetscFunctionReturn(PETSC_SUCCESS);
  Text text = {0};
  for (int i = 0; i < mine; i++)
    text_append(&text, mistakes->line[i], strlen(mistakes->line[i]) + 1);
  int *length = calloc(2 * (size_t)size, sizeof(*length)), *start = length + size;
  const int own = (int)text.length;
  PetscCallMPI(MPI_Allgather(&own, 1, MPI_INT, length, 1, MPI_INT, comm));
  for (int r = 1; r < size; r++) start[r] = start[r - 1] + length[r - 1];
  const int total = start[size - 1] + length[size - 1];
  char *joined = malloc((size_t)total + 1);
  PetscCheck(joined, PETSC_COMM_SELF, PETSC_ERR_MEM, "no memory");
  PetscCallMPI(MPI_Allgatherv(text.s, own, MPI_CHAR, joined, length, start, MPI_CHAR, comm));
  for (int i = 0; i < mine; i++) free(mistakes->line[i]);
  mistakes->count = 0;
  for (int at = 0; at < total; at += (int)strlen(joined + at) + 1) add_line(mistakes, joined + at);
  free(joined);
  free(length);
  text_clear(&text);
  PetscFunctionReturn(PETSC_SUCCESS);
}

void mistakes_print(const Mistakes *mistakes, FILE *to)
{
  for (int i = 0; i < mistakes->count; i++) fprintf(to, "%s\n", mistakes->line[i]);
  fflush(to);
}

/* Edit distance with swaps of neighbours counted once, on the first 40 letters. */
static int edit_distance(const char *a, const char *b)
{
  enum { MOST = 40 };
  int row[3][MOST + 1];
  const int la = (int)strnlen(a, MOST), lb = (int)strnlen(b, MOST);
  for (int j = 0; j <= lb; j++) row[1][j] = j, row[0][j] = MOST;
  for (int i = 1; i <= la; i++) {
    int *now = row[2];
    now[0] = i;
    for (int j = 1; j <= lb; j++) {
      int best = row[1][j - 1] + (a[i - 1] != b[j - 1]);
      if (row[1][j] + 1 < best) best = row[1][j] + 1;
      if (now[j - 1] + 1 < best) best = now[j - 1] + 1;
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
          row[0][j - 2] + 1 < best)
        best = row[0][j - 2] + 1;
      now[j] = best;
    }
    memcpy(row[0], row[1], sizeof(row[0]));
    memcpy(row[1], now, sizeof(row[0]));
  }
  return row[1][lb];
}

const char *nearest_word(const char *written, const char *const *words)
{
  const char *best = NULL;
  int least = 1 + (int)strlen(written) / 2;
  if (least > 4) least = 4;
  for (int i = 0; words[i]; i++) {
    const int distance = edit_distance(written, words[i]);
    const bool prefix = strlen(written) >= 3 && !strncmp(written, words[i], strlen(written));
    if (distance < least || (prefix && !best))
      best = words[i], least = distance < least ? distance : least;
  }
  return best;
}
