/* Time and memory of this process. */
#include "base/clock.h"
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

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

/* The number in a file, INFINITY where there is none. */
static double file_number(const char *path)
{
  double number = INFINITY;
  FILE *f = fopen(path, "r");
  if (f && fscanf(f, "%lf", &number) != 1) number = INFINITY;
  if (f) fclose(f);
  return number;
}

/* The least memory.max of this process's control groups, from its own up to the root. */
static double control_group_bytes(void)
{
  char line[4096], path[4200];
  double least = file_number("/sys/fs/cgroup/memory/memory.limit_in_bytes");
  FILE *f = fopen("/proc/self/cgroup", "r");
  while (f && fgets(line, sizeof(line), f)) {
    if (strncmp(line, "0::/", 4)) continue;
    line[strcspn(line, "\n")] = 0;
    for (char *end = line + strlen(line); end; end = strrchr(line + 3, '/')) {
      *end = 0;
      snprintf(path, sizeof(path), "/sys/fs/cgroup%s/memory.max", line + 3);
      least = fmin(least, file_number(path));
    }
  }
  if (f) fclose(f);
  return least;
}

double machine_memory_bytes(void)
{
  return fmin((double)sysconf(_SC_PHYS_PAGES) * (double)sysconf(_SC_PAGESIZE),
              control_group_bytes());
}

double peak_memory_bytes(void)
{
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return 1024 * (double)usage.ru_maxrss;
}
