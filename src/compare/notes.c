/* What stands beside figures of a group's runs. */
#include "compare/entered.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void note_add(Text *note, const char *format, ...)
{
  char words[256];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(words, sizeof(words), format, arguments);
  va_end(arguments);
  text_add(note, "%s%s", note->length ? "; " : "", words);
}

bool same_anchors(const ComparedRun *a, const ComparedRun *b)
{
  return a->anchors && b->anchors && *a->anchors && !strcmp(a->anchors, b->anchors);
}

void note_shared(const ComparedGroup *group, const GroupPairs *all, int64_t n, const int64_t *run,
                 Text *note)
{
  bool anchors = false, start = false, none = false;
  for (int64_t q = 0; q < n; q++) {
    none |= all->living[run[q]].alive == 0;
    for (int64_t p = 0; p < q; p++) {
      const int64_t i = min_i64(run[p], run[q]), j = max_i64(run[p], run[q]);
      anchors |= same_anchors(&group->run[i], &group->run[j]);
      start |= all->same[pair_number(all->runs, i, j)] > 0;
    }
  }
  if (!centred_tokens(group)) note_add(note, "tokens not centred");
  if (group->is_surrogate) note_add(note, "a null: trained on surrogate tokens");
  if (anchors) note_add(note, "given these anchors");
  if (start) note_add(note, "given this start");
  if (none) note_add(note, "a run without living atoms");
}

void note_unfinished(const ComparedGroup *group, Text *note)
{
  const long long planned = (long long)(group->runs + group->failed + group->pending);
  if (group->failed) note_add(note, "%lld of %lld runs failed", (long long)group->failed, planned);
  if (group->pending)
    note_add(note, "%lld of %lld runs not finished", (long long)group->pending, planned);
}

PetscErrorCode NoteRuns(const ComparedGroup *group, const GroupPairs *all, int64_t n,
                        const int64_t *run, Text *note)
{
  bool sought;
  int64_t entered;
  PetscFunctionBeginUser;
  PetscCall(RunsThatEnter(group, &entered, NULL, &sought));
  if (entered < group->runs)
    note_add(note, "%lld of %lld runs, those that share no varied seed", (long long)n,
             (long long)group->runs);
  if (!sought) note_add(note, "there may be more of those");
  note_shared(group, all, n, run, note);
  if (n == 1) note_add(note, "one run: no pairs");
  if (n == 2) note_add(note, "2 runs: no interval");
  if (n == 3) note_add(note, "weak: 3 runs");
  note_unfinished(group, note);
  PetscFunctionReturn(PETSC_SUCCESS);
}

void note_two(const char *a, const char *b, Text *note)
{
  const bool any_a = a && *a, any_b = b && *b;
  if (any_a && any_b && !strcmp(a, b)) {
    text_add(note, "%s", a);
    return;
  }
  if (any_a) text_add(note, "a: %s", a);
  if (any_b) text_add(note, "%sb: %s", any_a ? "; " : "", b);
}
