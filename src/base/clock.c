/* Time and memory of this process. */
#include "base/clock.h"
#include <sys/resource.h>
#include <time.h>

double clock_seconds(void)
{
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

void clock_utc(char text[21])
{
  const time_t now = time(NULL);
  struct tm parts;
  gmtime_r(&now, &parts);
  strftime(text, 21, "%Y-%m-%dT%H:%M:%SZ", &parts);
}

double peak_memory_bytes(void)
{
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return 1024 * (double)usage.ru_maxrss;
}
