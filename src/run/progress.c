/* How training is getting on. */
#include "run/progress.h"
#include "base/clock.h"
#include "base/text.h"
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static void duration(double seconds, char text[24])
{
  const long s = (long)(seconds + 0.5);
  if (s >= 3600)
    snprintf(text, 24, "%ld:%02ld:%02ld", s / 3600, s / 60 % 60, s % 60);
  else
    snprintf(text, 24, "%ld:%02ld", s / 60, s % 60);
}

/* Columns of the terminal that stderr is. */
static size_t columns(void)
{
  struct winsize size = {0};
  return !ioctl(STDERR_FILENO, TIOCGWINSZ, &size) && size.ws_col ? size.ws_col : 80;
}

void progress_show(Progress *progress, const StepReport *report, int64_t done, int64_t item)
{
  const double now = clock_seconds();
  const bool terminal = isatty(STDERR_FILENO);
  if (progress->begun == 0) progress->begun = progress->shown = now;
  progress->tokens += report->tokens;
  if (now - progress->shown < (terminal ? 0.2 : 60)) return;
  progress->shown = now;
  const double passed = now - progress->begun;
  char left[24] = "?", bar[11];
  if (done > 0) duration(passed / (double)done * (double)(report->steps - report->step), left);
  const int filled = report->steps ? (int)(10 * report->step / report->steps) : 0;
  for (int i = 0; i < 10; i++) bar[i] = i < filled ? '#' : '.';
  bar[10] = 0;
  Text text = {0};
  /* on a terminal the hash after the model's name is left out: a line that wraps cannot be renewed
   */
  text_add(&text, "%s %lld of %lld  %.*s", progress->replicas > 1 ? "pack" : "run", (long long)item,
           (long long)progress->items,
           (int)(terminal ? strcspn(progress->label, "/") : strlen(progress->label)),
           progress->label);
  if (progress->replicas > 1) text_add(&text, " and %lld more", (long long)progress->replicas - 1);
  text_add(&text, "  [%s] step %lld/%lld", bar, (long long)report->step, (long long)report->steps);
  if (passed > 0) text_add(&text, "  %s left", left);
  if (report->values) text_add(&text, "  %s %.4g", report->value[0].name, report->value[0].value);
  if (passed > 0) text_add(&text, "  %.3g tokens/s", (double)progress->tokens / passed);
  if (terminal)
    fprintf(stderr, "\r\033[K%.*s", (int)columns() - 1, text.s);
  else
    fprintf(stderr, "%s\n", text.s);
  fflush(stderr);
  text_clear(&text);
  progress->line = terminal;
}

void progress_end(Progress *progress)
{
  if (progress->line) fprintf(stderr, "\r\033[K");
  progress->line = false;
}
