/* Zip archives without compression, as torch.save writes them: the directory at the end, with
   64-bit sizes where they are needed (PKWARE's APPNOTE 6.3.10, sections 4.3.7, 4.3.12 to 4.3.16 and
   4.5.3). */
#include "zip.h"
#include "base/array.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { END = 22, END64 = 56, LOCATOR = 20, CENTRAL = 46, LOCAL = 30, LONGEST = 64 << 20 };

typedef struct {
  const char *path;
  int fd;
  int64_t size;
  Mistakes *mistakes;
} Archive;

static uint64_t number(const unsigned char *bytes, int count)
{
  uint64_t value = 0;
  for (int i = 0; i < count; i++) value |= (uint64_t)bytes[i] << 8 * i;
  return value;
}

static bool read_at(const Archive *archive, int64_t at, int64_t count, unsigned char *to)
{
  if (at < 0 || count < 0 || at > archive->size || count > archive->size - at) return false;
  while (count > 0) {
    const ssize_t got = pread(archive->fd, to, (size_t)count, at);
    if (got <= 0) return false;
    to += got, at += got, count -= got;
  }
  return true;
}

/* Where the directory is, how long, and how many files it lists. False: there is none. */
static bool find_directory(const Archive *archive, int64_t *at, int64_t *length, int64_t *files)
{
  const int64_t most = min_i64(archive->size, 65535 + END), begin = archive->size - most;
  unsigned char *tail = malloc((size_t)most + 1), locator[LOCATOR], end[END64];
  int64_t place = -1;
  const bool there = tail && read_at(archive, begin, most, tail);
  for (int64_t i = most - END; there && place < 0 && i >= 0; i--)
    if (number(tail + i, 4) == 0x06054b50) place = i;
  bool found = place >= 0;
  if (found) {
    *files = (int64_t)number(tail + place + 10, 2);
    *length = (int64_t)number(tail + place + 12, 4), *at = (int64_t)number(tail + place + 16, 4);
    if (read_at(archive, begin + place - LOCATOR, LOCATOR, locator) &&
        number(locator, 4) == 0x07064b50) {
      found = read_at(archive, (int64_t)number(locator + 8, 8), END64, end) &&
              number(end, 4) == 0x06064b50;
      *files = (int64_t)number(end + 32, 8);
      *length = (int64_t)number(end + 40, 8), *at = (int64_t)number(end + 48, 8);
    }
  }
  free(tail);
  return found && *length >= 0 && *length <= LONGEST && *files >= 0 && *files <= *length / CENTRAL;
}

/* Sizes of 64 bits from the directory's extra fields, where 32 do not do. */
static bool widen_sizes(const unsigned char *extra, int64_t length, uint64_t value[3])
{
  for (; length >= 4;) {
    const int64_t size = (int64_t)number(extra + 2, 2);
    if (size > length - 4) return false;
    if (number(extra, 2) == 1) {
      int64_t used = 0;
      for (int i = 0; i < 3; i++)
        if (value[i] == 0xffffffff) {
          if (used + 8 > size) return false;
          value[i] = number(extra + 4 + used, 8), used += 8;
        }
    }
    extra += 4 + size, length -= 4 + size;
  }
  return true;
}

/* One record of the directory; *used: its length. False: it is broken. */
static bool take_entry(const Archive *archive, const unsigned char *record, int64_t left,
                       ZipEntry *entry, int64_t *used)
{
  unsigned char local[LOCAL];
  if (left < CENTRAL || number(record, 4) != 0x02014b50) return false;
  const int64_t name = (int64_t)number(record + 28, 2), extra = (int64_t)number(record + 30, 2);
  uint64_t value[3] = {number(record + 24, 4), number(record + 20, 4), number(record + 42, 4)};
  *used = CENTRAL + name + extra + (int64_t)number(record + 32, 2);
  if (*used > left || !widen_sizes(record + CENTRAL + name, extra, value)) return false;
  entry->name = calloc((size_t)name + 1, 1);
  if (!entry->name) return false;
  memcpy(entry->name, record + CENTRAL, (size_t)name);
  if (number(record + 8, 2) & 1)
    mistake(archive->mistakes, archive->path, 0, 0, "is an archive with encrypted files: %s",
            entry->name);
  else if (number(record + 10, 2) != 0 || value[0] != value[1])
    mistake(archive->mistakes, archive->path, 0, 0,
            "is a compressed archive: %s is not stored as it is, as torch.save would have it",
            entry->name);
  const int64_t at = (int64_t)value[2];
  if (!read_at(archive, at, LOCAL, local) || number(local, 4) != 0x04034b50) return false;
  entry->offset = at + LOCAL + (int64_t)number(local + 26, 2) + (int64_t)number(local + 28, 2);
  entry->size = (int64_t)value[0];
  return entry->offset <= archive->size && entry->size >= 0 &&
         entry->size <= archive->size - entry->offset;
}

PetscErrorCode ZipRead(const char *path, int fd, int64_t size, Mistakes *mistakes, int64_t *count,
                       ZipEntry **entry)
{
  const Archive archive = {path, fd, size, mistakes};
  int64_t at = 0, length = 0, files = 0, done = 0;
  unsigned char *directory = NULL;

  PetscFunctionBegin;
  *count = 0, *entry = NULL;
  bool good = find_directory(&archive, &at, &length, &files);
  if (good) {
    directory = malloc((size_t)length + 1);
    *entry = calloc((size_t)files + 1, sizeof(**entry));
    good = directory && *entry && read_at(&archive, at, length, directory);
  }
  for (int64_t i = 0; good && i < files; i++) {
    int64_t used = 0;
    ++*count;
    good = take_entry(&archive, directory + done, length - done, *entry + i, &used);
    done += used;
  }
  if (!good)
    mistake(mistakes, path, 0, 0,
            *count ? "is a broken zip archive: record %" PRId64 " of its directory is wrong"
                   : "is cut short, or no zip archive: it has no directory at its end",
            *count);
  free(directory);
  PetscFunctionReturn(PETSC_SUCCESS);
}

void zip_free(int64_t count, ZipEntry *entry)
{
  for (int64_t i = 0; i < count; i++) free(entry[i].name);
  free(entry);
}
