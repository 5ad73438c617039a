/* Mistakes: collected once each, printed with their place, joined over ranks; the nearest word.
   RUN ranks=1
   RUN ranks=3 */
#include "../tap.h"
#include "base/mistakes.h"
#include <stdlib.h>

/* What is printed, in fresh memory. */
static char *printed(const Mistakes *mistakes)
{
  char *text = NULL;
  size_t length;
  FILE *f = open_memstream(&text, &length);
  mistakes_print(mistakes, f);
  fclose(f);
  return text;
}

static void words(void)
{
  static const char *const known[] = {"topk", "relu", "batchtopk", "hull", "hull_relaxed", NULL};
  static const struct {
    const char *written, *nearest;
  } cases[] = {{"topkk", "topk"},
               {"tpok", "topk"},
               {"rleu", "relu"},
               {"hul", "hull"},
               {"hull_relax", "hull_relaxed"},
               {"Relu", "relu"},
               {"elephant", NULL},
               {"", NULL}};
  for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
    const char *nearest = nearest_word(cases[i].written, known);
    OK(cases[i].nearest ? nearest && !strcmp(nearest, cases[i].nearest) : !nearest,
       "nearest to '%s': %s", cases[i].written, nearest ? nearest : "none");
  }
}

int main(int argc, char **argv)
{
  TestBegin(&argc, &argv);
  Mistakes *mistakes;
  bool any;
  RUN(MistakesCreate(&mistakes));
  RUN(MistakesAgree(MPI_COMM_WORLD, mistakes, &any));
  OK(!any && !mistakes_count(mistakes), "none at first, on any rank");
  if (tap_rank == tap_size - 1) {
    mistake(mistakes, "a.yaml", 3, 7, "%s is %d", "k", 5);
    mistake(mistakes, "a.yaml", 3, 7, "%s is %d", "k", 5);
    mistake(mistakes, "a.yaml", 4, 0, "no column");
    mistake(mistakes, "b.h5", 0, 0, "no line");
    mistake(mistakes, NULL, 0, 0, "no file");
    OK(mistakes_count(mistakes) == 4, "equal ones are kept once");
  } else {
    OK(!mistakes_count(mistakes), "nothing here");
  }
  if (tap_rank == 0) mistake(mistakes, NULL, 0, 0, "no file");
  RUN(MistakesAgree(MPI_COMM_WORLD, mistakes, &any));
  OK(any && mistakes_count(mistakes) == 4, "every rank has those of all, once");
  char *text = printed(mistakes);
  OK(!strcmp(text, tap_size == 1
                       ? "a.yaml:3:7: k is 5\na.yaml:4: no column\nb.h5: no line\nno file\n"
                       : "no file\na.yaml:3:7: k is 5\na.yaml:4: no column\nb.h5: no line\n"),
     "one a line, in order of rank, with file, line and column where there are");
  free(text);
  RUN(MistakesDestroy(&mistakes));
  OK(!mistakes, "destroyed");
  words();
  return TestEnd();
}
