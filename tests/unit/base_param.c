/* Settings: what each type takes and refuses, defaults, and choices within choices.
   RUN ranks=1 */
#include "../tap.h"
#include "base/param.h"
#include <stdlib.h>

typedef struct {
  double rate;
  Share warmup;
} Inner;
typedef struct {
  int64_t k, steps;
  double l1;
  bool flag;
  int word;
  char *text, *anchors;
  Choice inner;
} Outer;

static const Param inner_params[] = {
    {"rate", PARAM_REAL, offsetof(Inner, rate), "1e-3", .max = INFINITY, .open_min = true},
    {"warmup", PARAM_SHARE, offsetof(Inner, warmup), "5%", .max = 1e9},
    {0}};
static const Entry inner_a = {.name = "adam", .params = inner_params, .params_size = sizeof(Inner)};
static const Entry inner_b = {.name = "none"};
static const Entry *const inner_entries[] = {&inner_a, &inner_b, NULL};
static const Family inners = {"inner", "inners", inner_entries};
static const char *const words[] = {"mean", "rms", NULL};
static const Param outer_params[] = {
    {"k", PARAM_INT, offsetof(Outer, k), "32", .min = 1, .max = 100},
    {"train.steps", PARAM_INT, offsetof(Outer, steps), "", .min = 1, .max = 1e9},
    {"l1", PARAM_REAL, offsetof(Outer, l1), NULL, .max = 10},
    {"flag", PARAM_BOOL, offsetof(Outer, flag), "true"},
    {"word", PARAM_WORD, offsetof(Outer, word), "rms", .words = words},
    {"text", PARAM_TEXT, offsetof(Outer, text), ""},
    {"anchors", PARAM_ANCHORS, offsetof(Outer, anchors), NULL},
    {"inner", PARAM_CHOICE, offsetof(Outer, inner), "adam", .family = &inners},
    {0}};

/* Setting i of the outer entry written as text gives canonical, or complains with these words. */
static void check(int i, const char *text, const char *canonical, const char *words_in_complaint)
{
  char *got, *complaint;
  RUN(ParamScalar(&outer_params[i], text, &got, &complaint));
  if (canonical)
    OK(got && !complaint && !strcmp(got, canonical), "%s '%s' is %s (%s)", outer_params[i].name,
       text, canonical, got ? got : complaint);
  else
    OK(!got && complaint && strstr(complaint, words_in_complaint), "%s '%s' is refused: %s",
       outer_params[i].name, text, complaint ? complaint : got);
  free(got);
  free(complaint);
}

static void scalars(void)
{
  check(0, "16", "16", NULL);
  check(0, "1e1", "10", NULL);
  check(0, "0", NULL, "1 to 100");
  check(0, "101", NULL, "out of bounds");
  check(0, "3.5", NULL, "not a whole number");
  check(0, "0x10", NULL, "not a whole number");
  check(0, "", NULL, "not a whole number");
  check(0, "99999999999999999999", NULL, "not a whole number");
  check(1, "", "", NULL);
  check(2, "1e-3", "0.001", NULL);
  check(2, "1.50", "1.5", NULL);
  check(2, "nan", NULL, "not a number");
  check(2, "1e999", NULL, "not a number");
  check(2, "-1", NULL, "0 to 10");
  check(3, "yes", NULL, "true or false");
  check(4, "mean", "mean", NULL);
  check(4, "meen", NULL, "did you mean mean?");
  check(6, "", NULL, "empty");
}

static void shares(void)
{
  char *got, *complaint;
  RUN(ParamScalar(&inner_params[1], "5.0%", &got, &complaint));
  OK(got && !strcmp(got, "5%"), "a percentage is kept as one");
  free(got);
  RUN(ParamScalar(&inner_params[1], "120%", &got, &complaint));
  OK(!got && strstr(complaint, "0% to 100%"), "more than all is refused: %s", complaint);
  free(complaint);
  RUN(ParamScalar(&inner_params[0], "0", &got, &complaint));
  OK(!got && strstr(complaint, "above 0"), "an open bound: %s", complaint);
  free(complaint);
}

static void reading(void)
{
  Settings settings = {0}, copy = {0};
  Outer outer = {0};
  const char *pairs[] = {
      "a.k",          "7",    "a.train.steps",  "",  "a.l1",      "0.5", "a.flag",       "true",
      "a.word",       "rms",  "a.text",         "",  "a.anchors", "own", "a.inner.name", "adam",
      "a.inner.rate", "0.01", "a.inner.warmup", "5%"};
  for (size_t i = 0; i < sizeof(pairs) / sizeof(*pairs); i += 2)
    settings_set(&settings, pairs[i], pairs[i + 1]);
  settings_copy(&copy, &settings);
  settings_clear(&settings);
  OK(settings_int(&copy, "a.k") == 7 && settings_real(&copy, "a.l1") == 0.5, "numbers by path");
  OK(isnan(settings_real(&copy, "a.train.steps")) && !settings_get(&copy, "b"),
     "what is not there");
  settings_set(&copy, "a.k", "8");
  OK(copy.count == 10 && !strcmp(copy.items[0].value, "8"), "set replaces and keeps the order");
  RUN(ParamsRead(&copy, "a.", outer_params, &outer));
  OK(outer.k == 8 && outer.steps == 0 && outer.l1 == 0.5 && outer.flag && outer.word == 1,
     "numbers and words are filled in");
  OK(!outer.text && outer.anchors && !strcmp(outer.anchors, "own"), "text, and text left out");
  const Inner *inner = outer.inner.params;
  OK(outer.inner.entry == &inner_a && inner->rate == 0.01 && inner->warmup.percent &&
         inner->warmup.value == 5,
     "a choice with its own settings");
  RUN(ParamsRelease(outer_params, &outer));
  OK(!outer.anchors && !outer.inner.params, "released");
  settings_clear(&copy);
  OK(family_find(&inners, "none") == &inner_b && !family_find(&inners, "nome"), "entries by name");
}

int main(int argc, char **argv)
{
  TestBegin(&argc, &argv);
  scalars();
  shares();
  reading();
  return TestEnd();
}
