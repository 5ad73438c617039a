/* Files: whole or not there, folders, paths.
   RUN ranks=1 */
#include "../tap.h"
#include "base/file.h"
#include <dirent.h>
#include <stdlib.h>
#include <sys/time.h>
#include <time.h>
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

/* What killed processes left goes after a day, nothing else does. */
static void sweeping(void)
{
  const char *const names[] = {"model.h5.one.1.part", "model.h5.two.2.part", "model.h5",
                               "models.h5.one.1.part"};
  const time_t long_ago = time(NULL) - 100000;
  const struct timeval then[2] = {{long_ago, 0}, {long_ago, 0}};
  RUN(FileMakeFolder("base_file.test/sweep"));
  for (int i = 0; i < 4; i++) {
    char *path = path_join("base_file.test/sweep", names[i]);
    RUN(FileWrite(path, "x", 1));
    if (i != 1) utimes(path, then);
    free(path);
  }
  temporary_sweep("base_file.test/sweep/model.h5");
  OK(!file_exists("base_file.test/sweep/model.h5.one.1.part"), "what a killed process left goes");
  OK(entries("base_file.test/sweep") == 3, "what may be in use and other files stay");
  for (int i = 1; i < 4; i++) {
    char *path = path_join("base_file.test/sweep", names[i]);
    RUN(FileRemove(path));
    free(path);
  }
  OK(!rmdir("base_file.test/sweep"), "and nothing else is there");
  OK(!folder_refuses(folder) && entries(folder) == 1,
     "a folder that takes files is left as it was");
  OK(folder_refuses("/proc") != NULL, "one that takes none says why");
}

int main(int argc, char **argv)
{
  TestBegin(&argc, &argv);
  RUN(FileMakeFolder("base_file.test/one/two"));
  sweeping();
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
