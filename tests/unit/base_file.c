/* Files: whole or not there, folders, paths.
   RUN ranks=1 */
#include "../tap.h"
#include "base/file.h"
#include <dirent.h>
#include <stdlib.h>
#include <unistd.h>

static const char folder[] = "base_file.test";

static int entries(const char *path)
{
  int count = 0;
  DIR *dir = opendir(path);
  for (struct dirent *e; dir && (e = readdir(dir));) count += e->d_name[0] != '.';
  if (dir) closedir(dir);
  return count;
}

static bool holds(const char *path, const char *bytes, size_t length)
{
  Text text;
  bool found;
  RUN(FileRead(path, &text, &found));
  const bool same = found && text.length == length && !memcmp(text.s, bytes, length);
  text_clear(&text);
  return same;
}

static void paths(void)
{
  static const char *const cases[][3] = {{"a", "b", "a/b"}, {"a/", "b", "a/b"}, {"a", "/b", "/b"},
                                         {NULL, "b", "b"},  {"", "b", "b"},     {"/", "b", "/b"}};
  for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
    char *joined = path_join(cases[i][0], cases[i][1]);
    OK(!strcmp(joined, cases[i][2]), "joined: %s", joined);
    free(joined);
  }
}

int main(int argc, char **argv)
{
  TestBegin(&argc, &argv);
  RUN(FileMakeFolder("base_file.test/one/two"));
  RUN(FileMakeFolder("base_file.test/one/two"));
  OK(file_exists("base_file.test/one/two"), "folders are made, those above too, twice is fine");
  const char bytes[] = "first\0and\nmore";
  RUN(FileWrite("base_file.test/a", bytes, sizeof(bytes)));
  OK(holds("base_file.test/a", bytes, sizeof(bytes)), "bytes come back, zeros too");
  RUN(FileWrite("base_file.test/a", "x", 1));
  OK(holds("base_file.test/a", "x", 1), "a shorter content takes the place of a longer one");
  RUN(FileWrite("base_file.test/empty", NULL, 0));
  OK(holds("base_file.test/empty", "", 0), "an empty file");
  OK(entries(folder) == 3, "nothing else is left");

  /* a folder stands where the file should go: refused, the content and the folder stay */
  PetscErrorCode error;
  RUN(PetscPushErrorHandler(PetscIgnoreErrorHandler, NULL));
  error = FileWrite("base_file.test/one", "x", 1);
  OK(error != 0 && entries(folder) == 3 && file_exists("base_file.test/one/two"),
     "a file that cannot be put in place leaves nothing beside it");
  error = FileWrite("base_file.test/none/a", "x", 1);
  OK(error != 0 && !file_exists("base_file.test/none"), "nor one whose folder is not there");
  error = FileMakeFolder("base_file.test/a/b");
  OK(error != 0, "a folder below a file is an error");
  error = FileRename("base_file.test/nothing", "base_file.test/b");
  OK(error != 0, "so is renaming what is not there");
  RUN(PetscPopErrorHandler());

  RUN(FileRename("base_file.test/a", "base_file.test/b"));
  OK(!file_exists("base_file.test/a") && holds("base_file.test/b", "x", 1), "renamed");
  RUN(FileRemove("base_file.test/b"));
  RUN(FileRemove("base_file.test/b"));
  OK(!file_exists("base_file.test/b"), "removed, twice is fine");
  RUN(FileRemove("base_file.test/empty"));
  rmdir("base_file.test/one/two"), rmdir("base_file.test/one");
  OK(!rmdir(folder), "nothing is left over");
  paths();
  return TestEnd();
}
