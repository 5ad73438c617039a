/* Stages on an existing run folder. */
#include "cli/stage.h"
#include "base/file.h"
#include <stdlib.h>
#include <string.h>

/* The spec that made the folder, if it is still there and says what the folder's copy says: fresh
 * memory, or NULL with a mistake. */
static PetscErrorCode FindSpec(const char *dir, Mistakes *mistakes, char **spec)
{
  char *from = path_join(dir, "spec.from"), *copy = path_join(dir, "spec.yaml");
  Text path = {0}, then = {0}, now = {0};
  bool known, kept, there = false;

  PetscFunctionBegin;
  *spec = NULL;
  PetscCall(FileRead(from, &path, &known));
  PetscCall(FileRead(copy, &then, &kept));
  if (known && path.length) path.s[strcspn(path.s, "\n")] = 0;
  if (known) PetscCall(FileRead(path.s, &now, &there));
  if (!known || !kept)
    mistake(mistakes, dir, 0, 0, "is not a run folder: it has no spec.yaml and spec.from");
  else if (!there || then.length != now.length || memcmp(then.s, now.s, now.length))
    mistake(mistakes, dir, 0, 0, "was made from %s, which %s; say --spec SPEC", path.s,
            there ? "has changed since" : "is gone");
  else
    *spec = text_copy(path.s);
  text_clear(&path);
  text_clear(&then);
  text_clear(&now);
  free(from);
  free(copy);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode OnFolder(const char *dir, const char *given, StageFunction stage,
                               Mistakes *mistakes, int *code)
{
  char *spec = given ? text_copy(given) : NULL;
  Work *work = NULL;
  bool any;

  PetscFunctionBegin;
  if (!spec) PetscCall(FindSpec(dir, mistakes, &spec));
  PetscCall(MistakesAgree(MPI_COMM_WORLD, mistakes, &any));
  if (!any) PetscCall(WorkOpen(MPI_COMM_WORLD, spec, dir, mistakes, &work));
  if (work) PetscCall(stage(work, mistakes, code));
  PetscCall(WorkClose(&work));
  free(spec);
  PetscFunctionReturn(PETSC_SUCCESS);
}

int stage_main(int argc, char **argv, StageFunction stage)
{
  Option options[] = {{"spec", NULL, false, NULL}, {0}};
  const char **rest = calloc((size_t)argc + 1, sizeof(*rest));
  Mistakes *mistakes;
  int count, code = 0;
  if (!rest || MistakesCreate(&mistakes)) return 1;
  args_read(argc, argv, options, mistakes, rest, &count);
  if (count != 1)
    mistake(mistakes, NULL, 0, 0, "ardis %s needs one run folder: ardis %s DIR [--spec SPEC]",
            argv[0], argv[0]);
  if (!mistakes_count(mistakes) &&
      OnFolder(rest[0], option_value(options, "spec"), stage, mistakes, &code))
    MPI_Abort(MPI_COMM_WORLD, 1);
  free(rest);
  return command_end(&mistakes, code);
}
