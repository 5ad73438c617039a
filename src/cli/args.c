/* Command lines. */
#include "cli/args.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static Option *find(Option *options, const char *word, size_t length, bool letter)
{
  for (Option *o = options; o->name; o++) {
    const char *name = letter ? o->letter : o->name;
    if (name && strlen(name) == length && !strncmp(name, word, length)) return o;
  }
  return NULL;
}

static void unknown(const Option *options, const char *arg, Mistakes *mistakes)
{
  const char *names[64];
  int n = 0;
  for (const Option *o = options; o->name && n < 63; o++) names[n++] = o->name;
  names[n] = NULL;
  const char *near = arg[1] == '-' ? nearest_word(arg + 2, names) : NULL;
  if (near)
    mistake(mistakes, NULL, 0, 0, "unknown option %s; did you mean --%s?", arg, near);
  else
    mistake(mistakes, NULL, 0, 0, "unknown option %s; --help lists the options", arg);
}

void args_read(int argc, char **argv, Option *options, Mistakes *mistakes, const char **rest,
               int *count)
{
  *count = 0;
  for (int i = 1; i < argc; i++) {
    const char *arg = argv[i];
    if (!strcmp(arg, "--")) {
      while (++i < argc) rest[(*count)++] = argv[i];
      break;
    }
    if (arg[0] != '-' || !arg[1]) {
      rest[(*count)++] = arg;
      continue;
    }
    const bool letter = arg[1] != '-';
    const char *name = arg + (letter ? 1 : 2), *equal = letter ? NULL : strchr(name, '=');
    Option *o = find(options, name, equal ? (size_t)(equal - name) : strlen(name), letter);
    if (!o) {
      unknown(options, arg, mistakes);
      if (i + 1 < argc && argv[i + 1][0] != '-' && !equal) i++;
    } else if (o->value) {
      mistake(mistakes, NULL, 0, 0, "--%s is given twice", o->name);
      if (!o->flag && !equal) i++;
    } else if (o->flag) {
      if (equal) mistake(mistakes, NULL, 0, 0, "--%s takes no value", o->name);
      o->value = "";
    } else if (equal) {
      o->value = equal + 1;
    } else if (i + 1 < argc && strncmp(argv[i + 1], "--", 2)) {
      o->value = argv[++i];
    } else {
      mistake(mistakes, NULL, 0, 0, "%s needs a value", arg);
    }
  }
}

const char *option_value(const Option *options, const char *name)
{
  for (const Option *o = options; o->name; o++)
    if (!strcmp(o->name, name)) return o->value;
  return NULL;
}

int64_t option_integer(const Option *options, const char *name, int64_t missing, int64_t least,
                       int64_t most, Mistakes *mistakes)
{
  const char *value = option_value(options, name);
  if (!value) return missing;
  char *end;
  errno = 0;
  const long long number = strtoll(value, &end, 10);
  if (errno || *end || end == value)
    mistake(mistakes, NULL, 0, 0, "--%s %s: a whole number is needed", name, value);
  else if (number < least || number > most)
    mistake(mistakes, NULL, 0, 0, "--%s %s: must be between %lld and %lld", name, value,
            (long long)least, (long long)most);
  else
    return number;
  return missing;
}

int command_end(Mistakes **mistakes, int code)
{
  int started = 0, ended = 0, rank = 0;
  bool any = mistakes_count(*mistakes) > 0;
  MPI_Initialized(&started);
  MPI_Finalized(&ended);
  if (started && !ended) {
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    if (MistakesAgree(MPI_COMM_WORLD, *mistakes, &any)) return 1;
  }
  if (any && rank == 0) mistakes_print(*mistakes, stderr);
  if (MistakesDestroy(mistakes)) return 1;
  return any ? 2 : code;
}
