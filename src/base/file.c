/* Files that are complete or not there. */
#include "base/file.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static void sync_folder(const char *path)
{
  char *folder = text_copy(path), *slash = strrchr(folder, '/');
  if (slash && slash != folder) *slash = 0;
  const int fd = open(!slash ? "." : slash == folder ? "/" : folder, O_RDONLY | O_DIRECTORY);
  if (fd >= 0) {
    fsync(fd);
    close(fd);
  }
  free(folder);
}

static int write_all(int fd, const char *bytes, size_t count)
{
  while (count) {
    const ssize_t done = write(fd, bytes, count);
    if (done < 0 && errno == EINTR) continue;
    if (done < 0) return errno;
    bytes += done, count -= (size_t)done;
  }
  return 0;
}

char *temporary_name(const char *path)
{
  char host[65] = "";
  Text name = {0};
  gethostname(host, sizeof(host) - 1);
  text_add(&name, "%s.%s.%ld.part", path, host, (long)getpid());
  return name.s;
}

void temporary_sweep(const char *path)
{
  enum { DAY = 86400 };
  const char *slash = strrchr(path, '/'), *base = slash ? slash + 1 : path;
  char *folder = text_copy(slash ? path : ".");
  if (slash) folder[slash - path + (slash == path)] = 0;
  DIR *list = opendir(folder);
  const size_t length = strlen(base), end = strlen(".part");
  for (struct dirent *entry; list && (entry = readdir(list));) {
    const size_t whole = strlen(entry->d_name);
    if (strncmp(entry->d_name, base, length) || entry->d_name[length] != '.' ||
        whole < length + end || strcmp(entry->d_name + whole - end, ".part"))
      continue;
    char *found = path_join(folder, entry->d_name);
    struct stat status;
    if (!stat(found, &status) && status.st_mtime + DAY < time(NULL)) unlink(found);
    free(found);
  }
  if (list) closedir(list);
  free(folder);
}

PetscErrorCode FileWrite(const char *path, const char *bytes, size_t count)
{
  char *temporary = temporary_name(path);

  PetscFunctionBegin;
  const int fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC, 0666);
  int error = fd < 0 ? errno : write_all(fd, bytes, count);
  if (fd >= 0) {
    if (fsync(fd) && !error) error = errno;
    if (close(fd) && !error) error = errno;
  }
  if (!error && rename(temporary, path)) error = errno;
  if (error) unlink(temporary);
  sync_folder(path);
  free(temporary);
  PetscCheck(!error, PETSC_COMM_SELF, PETSC_ERR_FILE_WRITE, "%s: cannot be written: %s", path,
             strerror(error));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode FileRead(const char *path, Text *text, bool *found)
{
  char buffer[1 << 16];

  PetscFunctionBegin;
  memset(text, 0, sizeof(*text));
  FILE *f = fopen(path, "rb");
  *found = f != NULL;
  if (!f) PetscFunctionReturn(PETSC_SUCCESS);
  text_append(text, "", 0);
  for (size_t got; (got = fread(buffer, 1, sizeof(buffer), f)) > 0;) text_append(text, buffer, got);
  *found = !ferror(f);
  fclose(f);
  PetscFunctionReturn(PETSC_SUCCESS);
}

bool file_exists(const char *path)
{
  struct stat status;
  return !stat(path, &status);
}

bool file_same(const char *a, const char *b)
{
  struct stat one, other;
  return !stat(a, &one) && !stat(b, &other) && one.st_dev == other.st_dev &&
         one.st_ino == other.st_ino;
}

bool folder_make(const char *path)
{
  char *part = text_copy(path);
  bool made = true;
  for (char *p = part + 1; made; p++) {
    if (*p && *p != '/') continue;
    const char end = *p;
    struct stat status;
    *p = 0;
    if (mkdir(part, 0777) && (errno != EEXIST || stat(part, &status) || !S_ISDIR(status.st_mode)))
      made = false;
    *p = end;
    if (!end) break;
  }
  free(part);
  return made;
}

const char *folder_refuses(const char *path)
{
  char *name = path_join(path, "ardis"), *temporary = temporary_name(name);
  const int fd = open(temporary, O_WRONLY | O_CREAT, 0666);
  const char *wrong = fd < 0 ? strerror(errno) : NULL;
  if (fd >= 0) {
    close(fd);
    unlink(temporary);
  }
  free(temporary);
  free(name);
  return wrong;
}

PetscErrorCode FileMakeFolder(const char *path)
{
  PetscFunctionBegin;
  PetscCheck(folder_make(path), PETSC_COMM_SELF, PETSC_ERR_FILE_WRITE,
             "%s: the folder cannot be made: %s", path, strerror(errno));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode FileRename(const char *from, const char *to)
{
  PetscFunctionBegin;
  PetscCheck(!rename(from, to), PETSC_COMM_SELF, PETSC_ERR_FILE_WRITE,
             "%s: cannot be renamed to %s: %s", from, to, strerror(errno));
  sync_folder(to);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode FileRemove(const char *path)
{
  PetscFunctionBegin;
  PetscCheck(!unlink(path) || errno == ENOENT, PETSC_COMM_SELF, PETSC_ERR_FILE_WRITE,
             "%s: cannot be removed: %s", path, strerror(errno));
  sync_folder(path);
  PetscFunctionReturn(PETSC_SUCCESS);
}

char *path_join(const char *folder, const char *name)
{
  if (!folder || !*folder || name[0] == '/') return text_copy(name);
  Text text = {0};
  text_add(&text, "%s%s%s", folder, folder[strlen(folder) - 1] == '/' ? "" : "/", name);
  return text.s;
}
