/* The registry of schedules. */
#include "learn/train.h"

#define X(name) extern const Schedule schedule_##name;
#include "schedule.def" /* written by the Makefile from the folder's listing */
#undef X

static const Entry *const entries[] = {
#define X(name) &schedule_##name.entry,
#include "schedule.def"
#undef X
    NULL,
};

const Family schedules = {"schedule", "schedules", entries};

int64_t steps_of_share(const Share *share, int64_t steps)
{
  return share->percent ? (int64_t)(share->value * (double)steps / 100) : (int64_t)share->value;
}

double warmup_factor(const Share *warmup, int64_t step, int64_t steps)
{
  const int64_t rise = steps_of_share(warmup, steps);
  return step < rise ? (double)(step + 1) / (double)rise : 1;
}
