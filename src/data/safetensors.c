/* The container: eight bytes with the header's length, the header (a JSON object of tensors), then
   their numbers. */
#include "base/json.h"
#include "data/arrays.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LONGEST = 100 << 20 };

static void set_type(FileArray *array, const char *word)
{
  static const struct {
    const char *word;
    H5Kind kind;
  } kinds[] = {{"F16", H5_F16}, {"BF16", H5_BF16}, {"F32", H5_F32},
               {"F64", H5_F64}, {"I32", H5_I32},   {"I64", H5_I64}};
  array->type = (char *)(uintptr_t)word;
  array->numeric = false;
  for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
    if (!strcmp(word, kinds[i].word)) array->numeric = true, array->kind = kinds[i].kind;
}

/* A whole number from 0 on; false: it is none. */
static bool whole(const char *text, int64_t *value)
{
  char *end;
  *value = strtoll(text, &end, 10);
  return end > text && !*end && *value >= 0 && strspn(text, "0123456789") == strlen(text) &&
         strlen(text) < 19;
}

/* The number that ends `path` after `before`, such as 1 of "x.shape.1"; -1: it ends otherwise. */
static int64_t place_in(const char *path, const char *before, size_t *stem)
{
  const char *dot = strrchr(path, '.');
  const size_t length = strlen(before);
  int64_t place;
  if (!dot || (size_t)(dot - path) < length || strncmp(dot - length, before, length) ||
      !whole(dot + 1, &place))
    return -1;
  *stem = (size_t)(dot - path) - length;
  return place;
}

/* A tensor while its rows of the flattened header go by. */
typedef struct {
  FileArray array;
  Text name;
  int64_t range[2];
  int ranges;
  bool bad;
} Next;

/* Takes one row of the flattened header into the tensor; *stem: the length of its name in path. */
static void take_row(Next *next, const char *path, const char *value, size_t *stem)
{
  const size_t length = strlen(path);
  int64_t place, number = 0;
  if (length > 6 && !strcmp(path + length - 6, ".dtype")) {
    *stem = length - 6;
    set_type(&next->array, value);
  } else if ((place = place_in(path, ".shape", stem)) >= 0) {
    next->bad |= place >= FILE_ARRAY_RANK || !whole(value, &number);
    if (!next->bad) next->array.dims[place] = number, next->array.rank = (int)place + 1;
  } else if ((place = place_in(path, ".data_offsets", stem)) >= 0) {
    next->bad |= place > 1 || !whole(value, &number);
    if (!next->bad) next->range[place] = number, next->ranges++;
  } else {
    next->bad = true;
  }
}

static PetscErrorCode Finish(FileArrays *arrays, int64_t data, Next *next, Mistakes *mistakes)
{
  PetscFunctionBegin;
  if (!next->name.s) PetscFunctionReturn(PETSC_SUCCESS);
  FileArray *array = &next->array;
  array->name = next->name.s;
  array->offset = data + next->range[0];
  file_array_plain(array);
  if (next->bad || next->ranges != 2 || !array->type || next->range[1] < next->range[0]) {
    mistake(mistakes, arrays->path, 0, 0,
            "is no safetensors file: its header does not give %s a dtype, a shape and data_offsets",
            array->name);
  } else {
    const int64_t count = arrays->count;
    PetscCall(FileArraysAdd(arrays, array, array->offset, data + next->range[1], mistakes));
    const FileArray *added = arrays->count > count ? &arrays->array[count] : NULL;
    if (added && added->numeric &&
        added->count * (int64_t)h5_size(added->kind) != next->range[1] - next->range[0])
      mistake(mistakes, arrays->path, 0, 0, "%s has %" PRId64 " bytes, its shape needs %" PRId64,
              added->name, next->range[1] - next->range[0],
              added->count * (int64_t)h5_size(added->kind));
  }
  text_clear(&next->name);
  *next = (Next){0};
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ReadHeader(FileArrays *arrays, int64_t data, const Table *header,
                                 Mistakes *mistakes)
{
  Next next = {0};

  PetscFunctionBegin;
  for (int64_t row = 0; row < header->rows; row++) {
    const char *path = table_cell(header, row, "path"), *value = table_cell(header, row, "value");
    size_t stem = 0;
    Next seen = {.bad = false};
    if (!strncmp(path, "__metadata__.", 13)) continue;
    take_row(&seen, path, value, &stem);
    if (!next.name.s || next.name.length != stem || strncmp(next.name.s, path, stem)) {
      PetscCall(Finish(arrays, data, &next, mistakes));
      text_append(&next.name, path, stem ? stem : strlen(path));
    }
    take_row(&next, path, value, &stem);
  }
  PetscCall(Finish(arrays, data, &next, mistakes));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode SafetensorsRead(FileArrays *arrays, Mistakes *mistakes)
{
  unsigned char begin[8] = {0};
  uint64_t length = 0;
  bool valid = false;
  Table *header;

  PetscFunctionBegin;
  const bool complete = pread(arrays->fd, begin, 8, 0) == 8;
  for (int i = 0; i < 8; i++) length |= (uint64_t)begin[i] << 8 * i;
  const bool fits = complete && length <= LONGEST && (int64_t)length <= arrays->size - 8;
  char *json = fits ? calloc(length + 1, 1) : NULL;
  if (!json || pread(arrays->fd, json, length, 8) != (int64_t)length) {
    mistake(mistakes, arrays->path, 0, 0,
            "is cut short or no safetensors file: its header should have %" PRIu64 " bytes",
            length);
  } else {
    PetscCall(TableCreate("path,value", &header));
    PetscCall(JsonFlatten(json, length, header, &valid));
    if (!valid || json[strspn(json, " \t\r\n")] != '{')
      mistake(mistakes, arrays->path, 0, 0,
              "is no safetensors file: its header is not JSON as it should be");
    else
      PetscCall(ReadHeader(arrays, 8 + (int64_t)length, header, mistakes));
    PetscCall(TableDestroy(&header));
  }
  free(json);
  PetscFunctionReturn(PETSC_SUCCESS);
}
