/* How training is getting on. */
#include "run/progress.h"
#include "base/clock.h"
#include <stdio.h>
#include <unistd.h>

static void duration(double seconds, char text[24])
{
  const long s = (long)(seconds + 0.5);
  if (s >= 3600)
    snprintf(text, 24, "%ld:%02ld:%02ld", s / 3600, s / 60 % 60, s % 60);
  else
    snprintf(text, 24, "%ld:%02ld", s / 60, s % 60);
}

void progress_show(Progress *progress, const StepReport *report, int64_t item)
{
  const double now = clock_seconds();
  const bool terminal = isatty(STDERR_FILENO);
  if (progress->begun == 0)
    progress->begun = progress->shown = now, progress->first_step = report->step;
  progress->tokens += report->tokens;
  if (now - progress->shown < (terminal ? 0.2 : 60)) return;
  progress->shown = now;
  const double passed = now - progress->begun;
  const int64_t done = report->step - progress->first_step;
  char left[24] = "?", bar[21];
  if (done > 0) duration(passed / (double)done * (double)(report->steps - report->step), left);
  const int filled = report->steps ? (int)(20 * report->step / report->steps) : 0;
  for (int i = 0; i < 20; i++) bar[i] = i < filled ? '#' : '.';
  bar[20] = 0;
  fprintf(stderr, "%srun %lld of %lld  %s  [%s] step %lld/%lld", terminal ? "\r\033[K" : "",
          (long long)item, (long long)progress->items, progress->label, bar,
          (long long)report->step, (long long)report->steps);
  if (report->values) fprintf(stderr, "  %s %.4g", report->value[0].name, report->value[0].value);
  if (passed > 0)
    fprintf(stderr, "  %.3g tokens/s  %s left", (double)progress->tokens / passed, left);
  if (!terminal) fprintf(stderr, "\n");
  fflush(stderr);
  progress->line = terminal;
}

void progress_end(Progress *progress)
{
  if (progress->line) fprintf(stderr, "\r\033[K");
  progress->line = false;
}
