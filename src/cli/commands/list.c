/* ardis list [FAMILY] */
#include "cli/args.h"
#include "cli/command.h"
#include "cli/families.h"
#include "compare/comparison.h"
#include "measure/metric.h"
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A value that has to be given, by its type: CODE, N, SET. */
static void placeholder(const Param *param, Text *text)
{
  const char *word = "X";
  if (param->type == PARAM_INT) word = "N";
  if (param->type == PARAM_TEXT) word = "TEXT";
  if (param->type == PARAM_ANCHORS) word = "SET";
  if (param->type == PARAM_CHOICE) word = param->family->kind;
  for (; *word; word++) text_add(text, "%c", toupper((unsigned char)*word));
}

/* ", key: value" of an entry's settings as a spec would write them, groups of dotted names as
   mappings. */
static void settings_as_written(const Param *params, Text *text)
{
  size_t open = 0; /* length of the group that is open, with its dot */
  const Param *last = NULL;
  for (const Param *param = params; param && param->name; last = param++) {
    const char *dot = strrchr(param->name, '.');
    const size_t group = dot ? (size_t)(dot - param->name) + 1 : 0;
    const bool same = open && group == open && !strncmp(last->name, param->name, group);
    if (open && !same) text_add(text, "}"), open = 0;
    if ((param->initial && !*param->initial) || (param->quiet && param->instead)) {
      if (open) continue;
      if (group) text_add(text, ", %.*s: {", (int)group - 1, param->name), open = group;
      continue;
    }
    const bool begins = group && !open;
    if (begins) text_add(text, ", %.*s: {", (int)group - 1, param->name), open = group;
    const bool first = text->length && text->s[text->length - 1] == '{';
    text_add(text, "%s%s: ", first ? "" : ", ", param->name + group);
    if (param->initial)
      text_add(text, "%s", param->initial);
    else
      placeholder(param, text);
  }
  if (open) text_add(text, "}");
}

/* The line of a spec that chooses the entry. */
static void as_written(const Family *family, const Entry *entry, Text *text)
{
  Text settings = {0};
  int braces;
  if (!family_open(family, text, &braces)) return;
  const bool list = family == &metrics || family == &comparisons;
  settings_as_written(entry->params, &settings);
  if (family == &methods || !settings.s)
    text_add(text, list ? "[%s" : "%s", entry->name);
  else
    text_add(text, list ? "[{name: %s" : "{name: %s", entry->name), braces++;
  text_add(text, "%s", settings.s ? settings.s : "");
  while (braces--) text_add(text, "}");
  if (list) text_add(text, "]");
  text_clear(&settings);
}

static void print_param(const Param *param)
{
  Text bounds = {0};
  param_bounds(param, &bounds);
  printf("      %-16s %s", param->name, param->doc ? param->doc : "");
  if (bounds.s) printf("; %s", bounds.s);
  if (param->type == PARAM_CHOICE) printf("; one of %s", param->family->plural);
  if (!param->initial)
    printf("; must be given\n");
  else if (!*param->initial)
    printf(param->instead ? "; in place of %s\n" : "; may be left out\n", param->instead);
  else
    printf("; default %s\n", param->initial);
  text_clear(&bounds);
}

static void print_family(const Family *family)
{
  printf("%s\n", family->plural);
  for (const Entry *const *e = family->entries; *e; e++) {
    const Entry *entry = *e;
    Text text = {0};
    printf("\n  %-14s %s\n", entry->name, entry->summary ? entry->summary : "");
    if (entry->cite) printf("      %s\n", entry->cite);
    as_written(family, entry, &text);
    if (text.s) printf("      %s\n", text.s);
    for (const Param *param = entry->params; param && param->name; param++) print_param(param);
    text_clear(&text);
  }
}

static void print_all(void)
{
  const Family *list[FAMILIES_MOST];
  const int count = families_all(list);
  for (int f = 0; f < count; f++) {
    printf("%s%s\n", f ? "\n" : "", list[f]->plural);
    for (const Entry *const *e = list[f]->entries; *e; e++)
      printf("  %-18s %s\n", (*e)->name, (*e)->summary ? (*e)->summary : "");
  }
  printf("\nardis list FAMILY tells one of them in full: its settings, bounds, defaults and "
         "sources\n");
}

static int list_main(int argc, char **argv)
{
  Option options[] = {{0}};
  const Family *list[FAMILIES_MOST], *found = NULL;
  const char *words[FAMILIES_MOST + 1], **rest;
  const int families = families_all(list);
  Mistakes *mistakes = NULL;
  int count = 0;

  if (MistakesCreate(&mistakes)) return 1;
  rest = calloc((size_t)argc + 1, sizeof(*rest));
  if (!rest) return 1;
  args_read(argc, argv, options, mistakes, rest, &count);
  if (count > 1)
    mistake(mistakes, NULL, 0, 0, "one family is expected, %d words were given", count);
  for (int f = 0; f < families; f++) {
    words[f] = list[f]->plural;
    if (count && (!strcmp(rest[0], list[f]->plural) || !strcmp(rest[0], list[f]->kind)))
      found = list[f];
  }
  words[families] = NULL;
  if (count == 1 && !found) {
    const char *near = nearest_word(rest[0], words);
    mistake(mistakes, NULL, 0, 0,
            near ? "no family %s; did you mean %s?" : "no family %s; ardis list names them all",
            rest[0], near);
  }
  if (!mistakes_count(mistakes)) {
    if (found)
      print_family(found);
    else
      print_all();
  }
  free(rest);
  return command_end(&mistakes, 0);
}

const Command command_list = {
    .entry = {"list", "prints what a spec can choose from, with settings, bounds and defaults"},
    .usage = "usage: ardis list [FAMILY]\n\n"
             "Without an argument: every family with its entries, a line each. With one (codes, "
             "atoms, metrics, ...):\n"
             "its entries as a spec would write them, their settings with meaning, bounds and "
             "default, and the source\n"
             "they come from.\n\n"
             "exit codes: 0 done; 2 there is no such family\n",
    .alone = true,
    .main = list_main,
};
