/* The machine's numbers and their file. */
#include "run/machine.h"
#include "base/file.h"
#include "base/json.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
  const char *name;
  size_t offset;
} numbers[] =
    {
#define N(field)                                                                                   \
  {                                                                                                \
#field, offsetof(Machine, field)                                                               \
  }
        N(cores), N(memory),  N(process), N(crowd),  N(crowd_rows), N(crowd_update), N(stride),
        N(turns), N(latency), N(meet),    N(list),   N(link),       N(read),         N(token),
        N(step),  N(mix),     N(weight),  N(gather), N(sum),        N(renew),        N(drawn),
},
  curves[] = {N(score), N(sparse), N(update), N(assign)},
  words[] = {N(cpu), N(kernels), N(date), N(commit)};
#undef N
#define P(field)                                                                                   \
  {                                                                                                \
#field, offsetof(MethodRate, field)                                                            \
  }
static const struct {
  const char *name;
  size_t offset;
} rate_parts[] = {P(before), P(after), P(once)};
#undef P
enum {
  RATE_PARTS = sizeof(rate_parts) / sizeof(*rate_parts),
  NUMBERS = sizeof(numbers) / sizeof(*numbers),
  CURVES = sizeof(curves) / sizeof(*curves),
  WORDS = sizeof(words) / sizeof(*words)
};
enum { PLAIN = 4 }; /* times that plain loops take longer than the machine's rates */
static const size_t word_space[] = {sizeof(((Machine *)0)->cpu), sizeof(((Machine *)0)->kernels),
                                    sizeof(((Machine *)0)->date), sizeof(((Machine *)0)->commit)};

static void *field(const void *machine, size_t offset)
{
  return (char *)(uintptr_t)machine + offset;
}

double curve_at(const Curve *curve, double size)
{
  int i = 0;
  if (!curve->count) return 0;
  while (i < curve->count && curve->size[i] < size) i++;
  if (i == 0) return curve->cost[0];
  if (i == curve->count) return curve->cost[i - 1];
  const double low = log(curve->size[i - 1]), high = log(curve->size[i]),
               share = (log(size) - low) / (high - low);
  return curve->cost[i - 1] + share * (curve->cost[i] - curve->cost[i - 1]);
}

MethodRate machine_rate(const Machine *machine, const char *method)
{
  MethodRate rate = {{0}};
  for (int r = 0; r < machine->rates; r++)
    if (!strcmp(machine->rate[r].name, method)) rate = machine->rate[r];
  if (!rate.token.count) rate.token = (Curve){1, {1}, {PLAIN}};
  if (!(rate.before > 0)) rate.before = PLAIN;
  if (!(rate.after > 0)) rate.after = PLAIN;
  if (!(rate.once > 0)) rate.once = PLAIN;
  return rate;
}

void machine_builtin(Machine *machine)
{
  *machine = (Machine){
      .cpu = "AMD EPYC (Zen 4)",
      .kernels = "avx512",
      .date = "2026-11-23T03:12:39Z",
      .commit = "c86bb3e",
      .cores = 2,
      .memory = 2.52765e+10,
      .process = 4e+07,
      .crowd = 1.12,
      .crowd_rows = 1.05,
      .crowd_update = 1.4,
      .stride = 1.79,
      .turns = 8e-4,
      .latency = 5.63369e-07,
      .meet = 0,
      .list = 1.29616e-09,
      .link = 3.4153e+09,
      .read = 2.48968e+10,
      .token = 3.38624e-09,
      .step = 0,
      .mix = 8.93933e-12,
      .weight = 3.14708e-09,
      .gather = 1.83616e-10,
      .sum = 3.57416e-09,
      .renew = 6.60311e-09,
      .drawn = 1.9e-10,
      .score = {4,
                {65536, 589824, 2.94912e+06, 7.86432e+06},
                {1.229e-11, 9.635e-12, 1.046e-11, 9.788e-12}},
      .sparse = {4,
                 {65536, 589824, 2.94912e+06, 7.86432e+06},
                 {4.279e-10, 3.646e-10, 3.409e-10, 6.493e-10}},
      .update = {4,
                 {65536, 589824, 2.94912e+06, 7.86432e+06},
                 {3.454e-09, 6.442e-09, 6.682e-09, 7.197e-09}},
      .assign = {3, {786432, 3.14573e+06, 6.29146e+06}, {4.579e-12, 4.578e-12, 4.57e-12}},
      .rates = 13,
      .rate =
          {{"archetypal_analysis", {3, {4096, 24576, 98304}, {17.73, 5.97, 2.832}}, 0, 2.05, 4.813},
           {"convexnmf", {3, {4096, 24576, 98304}, {8.447, 4.733, 3.671}}, 0, 1.897, 3.681},
           {"data_hull", {3, {4096, 24576, 98304}, {4.412, 5.027, 3.867}}, 2.197, 0, 8.226},
           {"dictionary_learning", {3, {4096, 24576, 98304}, {8.612, 5.173, 4.625}}, 0, 1.04, 0},
           {"ica", {3, {4096, 24576, 98304}, {5.471, 3.135, 2.176}}, 1.997, 12.65, 6.207},
           {"isolation_forest", {3, {4096, 24576, 98304}, {2.199, 2.451, 4.073}}, 0, 0, 27.74},
           {"local_outlier_factor", {3, {4096, 24576, 98304}, {3.118, 1.844, 1.702}}, 0, 0, 4.568},
           {"nmf", {3, {4096, 24576, 98304}, {20.57, 10.56, 7.815}}, 1.32, 2.078, 4.671},
           {"one_class_svm", {3, {4096, 24576, 98304}, {7.637, 5.95, 5.32}}, 0, 0, 3.967},
           {"pca", {3, {4096, 24576, 98304}, {3.197, 1.795, 1.874}}, 0, 0, 4.708},
           {"seminmf", {3, {4096, 24576, 98304}, {24.12, 12.86, 10.97}}, 0, 2.654, 0},
           {"sparse_pca", {3, {4096, 24576, 98304}, {3.401, 1.749, 1.474}}, 0, 0, 5.845},
           {"svd", {3, {4096, 24576, 98304}, {2.858, 1.732, 1.639}}, 0, 0, 4.773}},
  };
}

char *machine_path(const char *given)
{
  const char *environment = getenv("ARDIS_MACHINE"), *config = getenv("XDG_CONFIG_HOME"),
             *home = getenv("HOME");
  Text path = {0};
  if (given && *given) return text_copy(given);
  if (environment && *environment) return text_copy(environment);
  if (config && *config)
    text_add(&path, "%s/ardis/machine.json", config);
  else
    text_add(&path, "%s/.config/ardis/machine.json", home ? home : "");
  return path.s;
}

/* The value at a path, or NULL. */
static const char *value_at(const Table *table, const char *path)
{
  for (int64_t r = 0; r < table->rows; r++)
    if (!strcmp(table_cell(table, r, "path"), path)) return table_cell(table, r, "value");
  return NULL;
}

static bool number_at(const Table *table, double *to, const char *format, const char *name,
                      const char *part)
{
  Text path = {0};
  text_add(&path, format, name, part);
  const char *value = value_at(table, path.s);
  text_clear(&path);
  if (!value || !*value) return false;
  *to = strtod(value, NULL);
  return isfinite(*to) && *to >= 0;
}

static bool read_curve(const Table *table, const char *name, Curve *curve)
{
  *curve = (Curve){0};
  for (int i = 0; i < CURVE_POINTS; i++) {
    char size[16], cost[16];
    snprintf(size, sizeof(size), "size.%d", i), snprintf(cost, sizeof(cost), "cost.%d", i);
    if (!number_at(table, &curve->size[i], "%s.%s", name, size)) break;
    if (!number_at(table, &curve->cost[i], "%s.%s", name, cost)) return false;
    if (i && !(curve->size[i] > curve->size[i - 1])) return false;
    curve->count++;
  }
  return curve->count > 0;
}

/* The rates of all methods that the file has, in its order. */
static void read_rates(const Table *table, Machine *machine)
{
  machine->rates = 0;
  for (int64_t r = 0; r < table->rows && machine->rates < RATES_MOST; r++) {
    MethodRate *rate = &machine->rate[machine->rates];
    Text curve = {0};
    char part[16];
    if (sscanf(table_cell(table, r, "path"), "methods.%31[^.].%15s", rate->name, part) != 2 ||
        strcmp(part, rate_parts[0].name))
      continue;
    for (size_t i = 0; i < RATE_PARTS; i++)
      if (!number_at(table, field(rate, rate_parts[i].offset), "methods.%s.%s", rate->name,
                     rate_parts[i].name))
        *(double *)field(rate, rate_parts[i].offset) = 0;
    text_add(&curve, "methods.%s.token", rate->name);
    read_curve(table, curve.s, &rate->token);
    text_clear(&curve);
    machine->rates++;
  }
}

/* The first number that the file lacks or that cannot be one, or NULL. */
static const char *read_all(const Table *table, Machine *machine)
{
  const char *wrong = NULL;
  for (int i = CURVES - 1; i >= 0; i--)
    if (!read_curve(table, curves[i].name, field(machine, curves[i].offset)))
      wrong = curves[i].name;
  for (int i = NUMBERS - 1; i >= 0; i--)
    if (!number_at(table, field(machine, numbers[i].offset), "%s", numbers[i].name, ""))
      wrong = numbers[i].name;
  for (int i = 0; i < WORDS; i++) {
    const char *value = value_at(table, words[i].name);
    snprintf(field(machine, words[i].offset), word_space[i], "%s", value ? value : "");
  }
  read_rates(table, machine);
  if (wrong) return wrong;
  return machine->cores < 1    ? "cores"
         : machine->crowd <= 0 ? "crowd"
         : machine->link <= 0  ? "link"
         : machine->read <= 0  ? "read"
                               : NULL;
}

PetscErrorCode MachineRead(const char *given, Mistakes *mistakes, Machine *machine)
{
  char *path = machine_path(given);
  const char *environment = getenv("ARDIS_MACHINE");
  Text text = {0};
  Table *table;
  bool found, valid = false;

  PetscFunctionBegin;
  machine_builtin(machine);
  PetscCall(FileRead(path, &text, &found));
  if (found) {
    PetscCall(TableCreate("path,value", &table));
    PetscCall(JsonFlatten(text.s, text.length, table, &valid));
    const char *wrong = read_all(table, machine);
    machine->measured = valid && !wrong;
    if (valid && wrong && value_at(table, "cores"))
      mistake(mistakes, path, 0, 0,
              "has no number `%s` (an earlier version did not measure it, or it cannot be that); "
              "measure again with ardis bench --save, or remove the file",
              wrong);
    else if (!machine->measured)
      mistake(mistakes, path, 0, 0,
              "is not what ardis bench --save writes; measure again, or remove it");
    PetscCall(TableDestroy(&table));
  } else if (given || (environment && *environment)) {
    mistake(mistakes, path, 0, 0, "no such file; ardis bench --save makes it");
  }
  text_clear(&text);
  free(path);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void add_curve(Text *text, const char *name, const Curve *curve)
{
  text_add(text, "\"%s\": {\"size\": [", name);
  for (int i = 0; i < curve->count; i++) text_add(text, "%s%.6g", i ? ", " : "", curve->size[i]);
  text_add(text, "], \"cost\": [");
  for (int i = 0; i < curve->count; i++) text_add(text, "%s%.4g", i ? ", " : "", curve->cost[i]);
  text_add(text, "]}");
}

static void add_rates(Text *text, const Machine *machine)
{
  text_add(text, ",\n  \"methods\": {");
  for (int r = 0; r < machine->rates; r++) {
    const MethodRate *rate = &machine->rate[r];
    text_add(text, "%s\n    \"%s\": {", r ? "," : "", rate->name);
    for (size_t i = 0; i < RATE_PARTS; i++)
      text_add(text, "\"%s\": %.4g, ", rate_parts[i].name,
               *(const double *)field(rate, rate_parts[i].offset));
    add_curve(text, "token", &rate->token);
    text_add(text, "}");
  }
  text_add(text, "\n  }");
}

PetscErrorCode MachineWrite(const Machine *machine, const char *path, Mistakes *mistakes)
{
  char *folder = text_copy(path), *slash = strrchr(folder, '/');
  Text text = {0};

  PetscFunctionBegin;
  text_add(&text, "{\n  \"schema\": 1");
  for (int i = 0; i < WORDS; i++) {
    text_add(&text, ",\n  \"%s\": ", words[i].name);
    text_json(&text, field(machine, words[i].offset));
  }
  for (int i = 0; i < NUMBERS; i++)
    text_add(&text, ",\n  \"%s\": %.6g", numbers[i].name,
             *(const double *)field(machine, numbers[i].offset));
  for (int i = 0; i < CURVES; i++) {
    text_add(&text, ",\n  ");
    add_curve(&text, curves[i].name, field(machine, curves[i].offset));
  }
  add_rates(&text, machine);
  text_add(&text, "\n}\n");
  if (slash) *slash = 0;
  if (slash && *folder && !folder_make(folder))
    mistake(mistakes, folder, 0, 0, "the folder cannot be made; ARDIS_MACHINE names another file");
  else
    PetscCall(FileWrite(path, text.s, text.length));
  text_clear(&text);
  free(folder);
  PetscFunctionReturn(PETSC_SUCCESS);
}
