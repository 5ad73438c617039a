/* Every kernel of include/compute/kernels.h has a row of a bench that is named after it, and no
   bench has two rows of one name.
   RUN ranks=1 */
#include "../tap.h"
#include "run/bench.h"
#include <ctype.h>
#include <stdlib.h>

/* Those that say something of the kernels and compute nothing. */
static const char *const others[] = {"usable", "probe", "filter_gain"};

/* How many rows of all benches have that name; *most: of one bench. */
static int rows_of(const char *name, int *most)
{
  int count = 0;
  *most = 0;
  for (const Entry *const *e = benches.entries; *e; e++) {
    const char *row;
    int here = 0;
    for (int i = 0; (row = bench_row((const Bench *)*e, i)); i++) here += !strcmp(row, name);
    count += here, *most = here > *most ? here : *most;
  }
  return count;
}

/* The next `(*name)(` of a text that declares function pointers; NULL past the last. */
static const char *next_kernel(const char *from, char name[64])
{
  for (; (from = strstr(from, "(*")); from++) {
    int length = 0;
    while (length < 63 && (isalnum((unsigned char)from[2 + length]) || from[2 + length] == '_'))
      length++;
    if (length == 0 || strncmp(from + 2 + length, ")(", 2)) continue;
    snprintf(name, 64, "%.*s", length, from + 2);
    return from + 2 + length;
  }
  return NULL;
}

/* The struct as the header has it, in fresh memory. */
static char *declaration(void)
{
  enum { MOST = 1 << 18 };
  const char *root = getenv("ROOT");
  char path[4096], *text = calloc(MOST, 1);
  snprintf(path, sizeof(path), "%s/include/compute/kernels.h", root ? root : ".");
  FILE *file = fopen(path, "r");
  const size_t got = file ? fread(text, 1, MOST - 1, file) : 0;
  if (file) fclose(file);
  char *begin = got ? strstr(text, "typedef struct Kernels {") : NULL,
       *end = begin ? strstr(begin, "} Kernels;") : NULL;
  if (end) *end = 0;
  if (!end) *text = 0;
  memmove(text, end ? begin : text, end ? (size_t)(end - begin) + 1 : 1);
  return text;
}

int main(int argc, char **argv)
{
  char *const text = declaration(), name[64];
  int kernels = 0, most;

  TestBegin(&argc, &argv);
  for (const char *at = text; (at = next_kernel(at, name));) {
    bool computes = true;
    for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++)
      computes = computes && strcmp(name, others[i]);
    if (!computes) continue;
    OK(rows_of(name, &most) > 0, "%s: a bench has a row named after this kernel", name);
    kernels++;
  }
  free(text);
  OK(kernels > 40, "the header declares %d kernels", kernels);
  for (const Entry *const *e = benches.entries; *e; e++) {
    const char *row;
    for (int i = 0; (row = bench_row((const Bench *)*e, i)); i++) {
      rows_of(row, &most);
      if (most > 1) OK(false, "%s: more than one row is named %s", (*e)->name, row);
    }
  }
  return TestEnd();
}
