/* ardis inspect: what an HDF5 file of ours holds. */
#include "base/digest.h"
#include "base/h5.h"
#include "cli/args.h"
#include "cli/command.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static const char usage[] =
    "usage: ardis inspect FILE [FILE ...] [--digest]\n\n"
    "Prints the arrays of HDF5 files (tokens, models, anchors, checkpoints) with their shapes and\n"
    "attributes. Needs no mpirun.\n\n"
    "  --digest   prints one digest of all arrays and attributes and the file's name instead\n\n"
    "Exit codes: 0 done, 2 a file is missing, broken or no HDF5 file.\n";

enum { PIECE_BYTES = 8 << 20 };

static const char *const kinds[] = {"float16", "bfloat16", "float32", "float64",
                                    "int32",   "int64",    "uint8",   "text"};

/* "float32 [12 x 768]" */
static void describe_shape(const H5Info *info, Text *text)
{
  text_add(text, "%s", kinds[info->kind]);
  for (int i = 0; i < info->rank && i < 4; i++)
    text_add(text, "%s%" PRId64, i ? " x " : " [", info->dims[i]);
  if (info->rank) text_add(text, "]");
}

/* Attributes of an object, as lines of the given indentation. */
static PetscErrorCode DescribeAttributes(H5Reader *reader, const char *object, const char *indent,
                                         Text *text)
{
  PetscFunctionBeginUser;
  int64_t count;
  char **names;
  PetscCall(H5ReaderAttributes(reader, object, &count, &names));
  for (int64_t a = 0; a < count; a++) {
    Text value = {0};
    text_add(text, "%s%s = ", indent, names[a]);
    PetscCall(H5ReaderDescribe(reader, object, names[a], &value));
    for (const char *line = value.s ? value.s : "", *end; *line; line = end + (*end == '\n')) {
      end = line + strcspn(line, "\n");
      const bool several = end[0] && end[1];
      if (line > value.s || several) text_add(text, "\n%s  ", indent);
      text_append(text, line, (size_t)(end - line));
    }
    text_add(text, "\n");
    text_clear(&value);
  }
  PetscCall(H5NamesFree(count, &names));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Adds an array's content, a few megabytes at a time. */
static PetscErrorCode AddContent(H5Reader *reader, const char *name, const H5Info *info,
                                 Digest *digest)
{
  PetscFunctionBeginUser;
  const int64_t rows = info->rank ? info->dims[0] : 1;
  const int stored = info->rank + (info->kind == H5_TEXT);
  size_t bytes = h5_size(info->kind);
  for (int i = info->rank ? 1 : 0; i < stored && i < 4; i++) bytes *= (size_t)info->dims[i];
  if (!bytes) PetscFunctionReturn(PETSC_SUCCESS); /* text of variable length has no bytes of ours */
  const int64_t piece = 1 + (int64_t)(PIECE_BYTES / bytes);
  void *data;
  PetscCall(PetscMalloc((size_t)piece * bytes, &data));
  for (int64_t row = 0; row < rows; row += piece) {
    const int64_t count = rows - row < piece ? rows - row : piece;
    PetscCall(H5ReaderRows(reader, name, row, count, info->kind, data));
    digest_add(digest, data, (size_t)count * bytes);
  }
  PetscCall(PetscFree(data));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* One file as text or, with a digest, added to it. */
static PetscErrorCode Describe(H5Reader *reader, Text *text, Digest *digest)
{
  PetscFunctionBeginUser;
  int64_t count;
  char **names;
  PetscCall(DescribeAttributes(reader, NULL, "  ", text));
  PetscCall(H5ReaderNames(reader, &count, &names));
  for (int64_t a = 0; a < count; a++) {
    H5Info info;
    bool found;
    PetscCall(H5ReaderInfo(reader, names[a], &info, &found));
    text_add(text, "/%s  ", names[a]);
    describe_shape(&info, text);
    text_add(text, "\n");
    PetscCall(DescribeAttributes(reader, names[a], "    ", text));
    if (digest) PetscCall(AddContent(reader, names[a], &info, digest));
  }
  PetscCall(H5NamesFree(count, &names));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Inspect(const char *path, bool digests, Mistakes *mistakes)
{
  PetscFunctionBeginUser;
  H5Reader *reader;
  Digest digest;
  Text text = {0};
  char hex[DIGEST_LENGTH];
  PetscCall(H5ReaderOpen(path, mistakes, &reader));
  if (!reader) PetscFunctionReturn(PETSC_SUCCESS);
  digest_begin(&digest);
  PetscCall(Describe(reader, &text, digests ? &digest : NULL));
  if (digests) {
    digest_text(&digest, text.s ? text.s : "");
    digest_end(&digest, hex);
    printf("%s  %s\n", hex, path);
  } else {
    printf("%s\n%s", path, text.s ? text.s : "");
  }
  text_clear(&text);
  PetscCall(H5ReaderClose(&reader));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static int inspect_main(int argc, char **argv)
{
  Option options[] = {{.name = "digest", .flag = true}, {0}};
  Mistakes *mistakes;
  int count, code = 0;
  const char **files = calloc((size_t)argc + 1, sizeof(*files));
  if (!files || MistakesCreate(&mistakes)) return 1;
  args_read(argc, argv, options, mistakes, files, &count);
  if (!count) mistake(mistakes, NULL, 0, 0, "no file is given");
  for (int i = 0; i < count && !code; i++)
    if (Inspect(files[i], option_value(options, "digest") != NULL, mistakes)) code = 1;
  free(files);
  return command_end(&mistakes, code);
}

const Command command_inspect = {
    .entry = {.name = "inspect", .summary = "prints what a file of ours holds, or its digest"},
    .usage = usage,
    .alone = true,
    .main = inspect_main,
};
