/* Laws of the schedules: factors in (0, 1], rising through the warm-up, never after it.
   RUN ranks=1 */
#include "../sae_task.h"
#include "../tap.h"

static void laws(const Entry *entry, const char *warmup, int64_t steps, int64_t rise)
{
  const Schedule *schedule = (const Schedule *)entry;
  Settings settings = {0};
  Choice choice;
  settings_set(&settings, "s.name", entry->name);
  if (warmup) settings_set(&settings, "s.warmup", warmup);
  settings_defaults(&settings, "s.", entry->params);
  RUN(ChoiceRead(&settings, "s", &schedules, &choice));
  bool bounded = true, monotone = true, linear = true;
  double last = 0;
  for (int64_t step = 0; step < steps; step++) {
    const double factor = schedule->factor(choice.params, step, steps);
    bounded &= factor > 0 && factor <= 1;
    if (step < rise)
      linear &= fabs(factor - (double)(step + 1) / (double)rise) < 1e-15;
    else
      monotone &= (step == rise && factor == 1) || (step > rise && factor <= last);
    last = factor;
  }
  OK(bounded && linear && monotone,
     "%s, warm-up %s of %d: in (0, 1], up through %d steps, then not up", entry->name,
     warmup ? warmup : "left out", (int)steps, (int)rise);
  if (steps > 100) {
    const int64_t middle = rise + (steps - rise) / 2;
    const double factor = schedule->factor(choice.params, middle, steps);
    if (!strcmp(entry->name, "constant")) OK(factor == 1 && last == 1, "constant stays");
    if (!strcmp(entry->name, "constant_linear"))
      OK(schedule->factor(choice.params, steps * 4 / 5 - 1, steps) == 1 &&
             fabs(schedule->factor(choice.params, steps * 9 / 10, steps) - 0.5) < 1e-15 &&
             fabs(last - 5.0 / (double)steps) < 1e-15,
         "constant_linear: 1 for 80 %%, half at 90 %%, near 0 at the end");
    if (!strcmp(entry->name, "linear"))
      OK(fabs(factor - 0.5) < 0.01 && last < 0.02, "linear: half at the middle, near 0 at the end");
    if (!strcmp(entry->name, "cosine"))
      OK(fabs(factor - 0.5) < 0.02 && last < 1e-3, "cosine: half at the middle, flat at the end");
  }
  RUN(ChoiceRelease(&choice));
  settings_clear(&settings);
}

int main(int argc, char **argv)
{
  TestBegin(&argc, &argv);
  for (const Entry *const *entry = schedules.entries; *entry; entry++) {
    laws(*entry, NULL, 1, 0);
    laws(*entry, NULL, 1000, 0);
    laws(*entry, "5%", 1000, 50);
    laws(*entry, "5%", 7, 0);
    laws(*entry, "30", 1000, 30);
    laws(*entry, "30", 30, 30);
    laws(*entry, "30", 10, 30);
    laws(*entry, "100%", 20, 20);
  }
  return TestEnd();
}
