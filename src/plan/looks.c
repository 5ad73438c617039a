/* images and texts: what the report shows tokens as. */
#include "plan/reader.h"
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* A path that must be there, as a folder or a file: fresh memory, NULL after a mistake. */
static char *read_path(Reader *reader, const char *what, const Node *node, bool folder)
{
  const char *text = scalar_text(reader, what, node);
  struct stat status;
  if (!text) return NULL;
  char *path = spec_path(reader->experiment, text);
  if (reader->families->tokens_later) return path;
  const bool there = !stat(path, &status);
  if (there && (folder ? S_ISDIR(status.st_mode) : S_ISREG(status.st_mode))) return path;
  MISTAKE(reader, node, "%s: %s is %s", what, path,
          !there   ? "not there"
          : folder ? "not a folder"
                   : "not a file");
  free(path);
  return NULL;
}

/* [rows, columns] of the cells that a picture has. */
static PetscErrorCode read_grid(Reader *reader, const Node *node)
{
  static const Param side = {"images.grid", PARAM_INT, .min = 1, .max = 1e6};
  int64_t *to[2] = {&reader->experiment->image_rows, &reader->experiment->image_columns};

  PetscFunctionBegin;
  if (node->kind != NODE_LIST || node->count != 2) {
    MISTAKE(reader, node, "images.grid takes [rows, columns] of a picture's cells, as in [14, 14]");
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  for (int i = 0; i < 2; i++) {
    char *value;
    PetscCall(ReadScalar(reader, &side, node->item[i].value, &value));
    *to[i] = strtoll(value, NULL, 10);
    free(value);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode LooksRead(Reader *reader, const Node *root)
{
  const Words keys = {2, {"folder", "grid"}};
  const Node *images = node_get(root, "images"), *texts = node_get(root, "texts"), *folder = images;

  PetscFunctionBegin;
  if (images && images->kind == NODE_MAP) {
    const Node *grid = node_get(images, "grid");
    check_keys(reader, images, "images", &keys);
    folder = node_get(images, "folder");
    if (!folder) MISTAKE(reader, images, "images.folder is missing: the folder of the pictures");
    if (grid) PetscCall(read_grid(reader, grid));
  }
  if (folder) reader->experiment->images = read_path(reader, "images", folder, true);
  if (texts) reader->experiment->texts = read_path(reader, "texts", texts, false);
  PetscFunctionReturn(PETSC_SUCCESS);
}
