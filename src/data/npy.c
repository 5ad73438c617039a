/* .npy headers: a Python dictionary with descr, fortran_order and shape. */
#include "npy.h"
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LONGEST = 1 << 20 };

bool npy_recognised(const unsigned char begin[16])
{
  return !memcmp(begin, "\x93NUMPY", 6);
}

/* What follows 'key': in the dictionary, or NULL. */
static const char *value_of(const char *text, const char *key)
{
  const size_t length = strlen(key);
  for (const char *p = text; (p = strstr(p, key)); p += length) {
    const char *after = p + length;
    if (p == text || (p[-1] != '\'' && p[-1] != '"') || *after != p[-1]) continue;
    after++;
    while (isspace((unsigned char)*after)) after++;
    if (*after++ != ':') continue;
    while (isspace((unsigned char)*after)) after++;
    return after;
  }
  return NULL;
}

static bool read_shape(const char *p, NpyHeader *header)
{
  if (*p++ != '(') return false;
  header->rank = 0;
  header->count = 1;
  while (true) {
    while (isspace((unsigned char)*p) || *p == ',') p++;
    if (*p == ')') return true;
    char *end;
    errno = 0;
    const long long size = strtoll(p, &end, 10);
    if (end == p || errno || size < 0 || header->rank == 4) return false;
    if (*end == 'L') end++;
    if (__builtin_mul_overflow(header->count, (int64_t)size, &header->count)) return false;
    header->dims[header->rank++] = size;
    p = end;
  }
}

/* Fills the header from its text; the reason otherwise. */
static const char *parse(const char *text, NpyHeader *header)
{
  const char *descr = value_of(text, "descr"), *order = value_of(text, "fortran_order"),
             *shape = value_of(text, "shape");
  if (!descr || !order || !shape) return "descr, fortran_order or shape is not in its header";
  if (*descr != '\'' && *descr != '"') return "it holds records, not one array of numbers";
  header->order = descr[1];
  header->type = descr[2];
  header->size = atoi(descr + 3);
  header->fortran = !strncmp(order, "True", 4);
  if (header->size < 1 || header->size > 32) return "its type is not one of numbers";
  if (!read_shape(shape, header)) return "its shape has more than 4 dimensions or is unreadable";
  return NULL;
}

bool npy_header(const char *path, int fd, Mistakes *mistakes, NpyHeader *header)
{
  unsigned char begin[16] = {0};
  struct stat status;
  *header = (NpyHeader){0};
  if (pread(fd, begin, sizeof(begin), 0) < 10 || fstat(fd, &status) || !npy_recognised(begin)) {
    mistake(mistakes, path, 0, 0, "is not a .npy file");
    return false;
  }
  const int version = begin[6], start = version == 1 ? 10 : 12;
  if (version < 1 || version > 3) {
    mistake(mistakes, path, 0, 0, "is a .npy file of version %d; 1 to 3 are known", version);
    return false;
  }
  int64_t length = begin[8] | begin[9] << 8;
  if (version > 1) length |= (int64_t)begin[10] << 16 | (int64_t)begin[11] << 24;
  char *text = length <= LONGEST ? calloc((size_t)length + 1, 1) : NULL;
  if (!text || pread(fd, text, (size_t)length, start) != length) {
    mistake(mistakes, path, 0, 0, "is cut short: its header should have %" PRId64 " bytes", length);
    free(text);
    return false;
  }
  const char *wrong = parse(text, header);
  free(text);
  header->offset = start + length;
  int64_t bytes = 0;
  if (!wrong && __builtin_mul_overflow(header->count, (int64_t)header->size, &bytes))
    wrong = "its shape is impossibly large";
  if (wrong)
    mistake(mistakes, path, 0, 0, "is a .npy file that cannot be read: %s", wrong);
  else if (header->offset + bytes > status.st_size)
    mistake(mistakes, path, 0, 0,
            "is cut short: its header promises %" PRId64 " bytes, it has %" PRId64,
            header->offset + bytes, (int64_t)status.st_size);
  return !wrong && header->offset + bytes <= status.st_size;
}
