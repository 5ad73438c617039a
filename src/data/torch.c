/* What torch.save leaves: a zip archive with data.pkl, a pickled dictionary of tensors, and the
   numbers of each storage in a file of its own. */
#include "data/arrays.h"
#include "pickle.h"
#include "zip.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { DEEPEST = 8, LONGEST = 64 << 20, MOST_VISITS = 1 << 20 };

typedef struct {
  FileArrays *arrays;
  Mistakes *mistakes;
  int64_t entries;
  ZipEntry *entry;
  Text folder; /* "archive/" */
  Pickle pickle;
  Text name; /* of what is being looked at */
  int64_t visits;
} Torch;

static const ZipEntry *entry_named(const Torch *torch, const char *name)
{
  for (int64_t i = 0; i < torch->entries; i++)
    if (!strncmp(torch->entry[i].name, torch->folder.s, torch->folder.length) &&
        !strcmp(torch->entry[i].name + torch->folder.length, name))
      return &torch->entry[i];
  return NULL;
}

/* The archive's one folder, from the place of data.pkl in it. */
static const ZipEntry *find_pickle(Torch *torch)
{
  text_append(&torch->folder, "", 0);
  for (int64_t i = 0; i < torch->entries; i++) {
    const char *slash = strrchr(torch->entry[i].name, '/');
    if (!slash || strcmp(slash + 1, "data.pkl")) continue;
    text_append(&torch->folder, torch->entry[i].name, (size_t)(slash + 1 - torch->entry[i].name));
    return &torch->entry[i];
  }
  return NULL;
}

static void set_type(FileArray *array, const char *storage)
{
  static const struct {
    const char *word;
    H5Kind kind;
  } kinds[] = {{"torch HalfStorage", H5_F16},  {"torch BFloat16Storage", H5_BF16},
               {"torch FloatStorage", H5_F32}, {"torch DoubleStorage", H5_F64},
               {"torch IntStorage", H5_I32},   {"torch LongStorage", H5_I64}};
  array->type = (char *)(uintptr_t)storage;
  for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
    if (!strcmp(storage, kinds[i].word)) array->numeric = true, array->kind = kinds[i].kind;
}

/* A tuple of whole numbers; how many, -1: it is none. */
static int take_sizes(const Pickle *pickle, const PickleValue *tuple, int64_t *values)
{
  if (!tuple || tuple->kind != PICKLE_TUPLE || tuple->length > FILE_ARRAY_RANK) return -1;
  for (int64_t i = 0; i < tuple->length; i++) {
    const PickleValue *item = pickle_item(pickle, tuple, i);
    if (item->kind != PICKLE_INT) return -1;
    values[i] = item->i;
  }
  return (int)tuple->length;
}

/* The arguments of a rebuilt tensor are storage, offset, size, stride and what training needs; the
   tuple of a storage is the word "storage", its type, the name of its file, place, length. */
static PetscErrorCode AddTensor(Torch *torch, const PickleValue *tensor)
{
  const Pickle *pickle = &torch->pickle;
  const PickleValue *arguments = &pickle->value[tensor->i];
  const PickleValue *storage = pickle_item(pickle, arguments, 0),
                    *offset = pickle_item(pickle, arguments, 1),
                    *tuple = storage && storage->kind == PICKLE_STORAGE ? &pickle->value[storage->i]
                                                                        : NULL,
                    *type = pickle_item(pickle, tuple, 1), *key = pickle_item(pickle, tuple, 2);
  FileArray array = {.name = torch->name.s};
  Text file = {0};

  PetscFunctionBegin;
  array.rank = take_sizes(pickle, pickle_item(pickle, arguments, 2), array.dims);
  const int strides = take_sizes(pickle, pickle_item(pickle, arguments, 3), array.stride);
  const bool good = array.rank >= 0 && strides == array.rank && offset &&
                    offset->kind == PICKLE_INT && offset->i >= 0 && type &&
                    type->kind == PICKLE_GLOBAL && key && key->kind == PICKLE_TEXT && key->text;
  if (good) text_add(&file, "data/%s", key->text);
  const ZipEntry *entry = good ? entry_named(torch, file.s) : NULL;
  if (!good) {
    mistake(torch->mistakes, torch->arrays->path, 0, 0,
            "%s is no tensor as torch.save writes it (storage, offset, size, stride)", array.name);
  } else if (!entry) {
    mistake(torch->mistakes, torch->arrays->path, 0, 0,
            "has no %s%s, which holds the numbers of %s", torch->folder.s, file.s, array.name);
  } else {
    int64_t skip = 0;
    set_type(&array, type->text);
    if (__builtin_mul_overflow(offset->i, array.numeric ? (int64_t)h5_size(array.kind) : 1,
                               &skip) ||
        skip > entry->size)
      skip = entry->size + 1;
    array.offset = entry->offset + skip;
    PetscCall(FileArraysAdd(torch->arrays, &array, entry->offset, entry->offset + entry->size,
                            torch->mistakes));
  }
  text_clear(&file);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode AddFact(Torch *torch, const PickleValue *value)
{
  Table *facts = torch->arrays->facts;

  PetscFunctionBegin;
  PetscCall(TableAddRow(facts));
  table_text(facts, "path", torch->name.s);
  if (value->kind == PICKLE_TEXT) table_text(facts, "value", value->text ? value->text : "");
  if (value->kind == PICKLE_INT) table_integer(facts, "value", value->i);
  if (value->kind == PICKLE_REAL) table_number(facts, "value", value->x);
  if (value->kind == PICKLE_BOOL) table_text(facts, "value", value->i ? "true" : "false");
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Visit(Torch *torch, int64_t number, int depth);

/* The members of a dictionary, each under its key; keys that are no texts have no name. */
static PetscErrorCode VisitMembers(Torch *torch, const PickleValue *value, int depth)
{
  const size_t length = torch->name.length;

  PetscFunctionBegin;
  for (int64_t at = value->first; at >= 0; at = torch->pickle.link[at].next) {
    const PickleLink *link = &torch->pickle.link[at];
    const PickleValue *key = &torch->pickle.value[link->key];
    if (key->kind != PICKLE_TEXT || !key->text) continue;
    text_add(&torch->name, "%s%s", length ? "." : "", key->text);
    PetscCall(Visit(torch, link->value, depth + 1));
    torch->name.s[torch->name.length = length] = 0;
    if (mistakes_count(torch->mistakes)) break;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Visit(Torch *torch, int64_t number, int depth)
{
  const PickleValue *value = &torch->pickle.value[number];

  PetscFunctionBegin;
  if (depth > DEEPEST || ++torch->visits > MOST_VISITS)
    mistake(torch->mistakes, torch->arrays->path, 0, 0,
            "its dictionaries are deeper than %d or have more than %d members", DEEPEST,
            MOST_VISITS);
  else if (value->kind == PICKLE_DICT)
    PetscCall(VisitMembers(torch, value, depth));
  else if (value->kind == PICKLE_TENSOR)
    PetscCall(AddTensor(torch, value));
  else if (value->kind <= PICKLE_TEXT)
    PetscCall(AddFact(torch, value));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static bool read_entry(const Torch *torch, const ZipEntry *entry, unsigned char *to)
{
  return pread(torch->arrays->fd, to, (size_t)entry->size, entry->offset) == entry->size;
}

/* Refuses numbers whose bytes are in the other order. */
static void check_order(Torch *torch)
{
  const ZipEntry *entry = entry_named(torch, "byteorder");
  unsigned char word[16] = {0};
  if (entry && (entry->size > 15 || !read_entry(torch, entry, word) ||
                strcmp((const char *)word, "little") != 0))
    mistake(torch->mistakes, torch->arrays->path, 0, 0,
            "its numbers are big-endian (%sbyteorder): save it on a little-endian machine",
            torch->folder.s);
}

static PetscErrorCode ReadPickle(Torch *torch)
{
  const char *path = torch->arrays->path;
  const ZipEntry *entry = find_pickle(torch);
  unsigned char *bytes = NULL;

  PetscFunctionBegin;
  if (!entry || entry->size > LONGEST || !(bytes = malloc((size_t)entry->size + 1)) ||
      !read_entry(torch, entry, bytes)) {
    mistake(torch->mistakes, path, 0, 0,
            "is a zip archive, but torch.save would have put a data.pkl into it");
  } else {
    check_order(torch);
    PetscCall(PickleRead(path, bytes, entry->size, torch->mistakes, &torch->pickle));
  }
  text_append(&torch->name, "", 0);
  if (torch->pickle.values) PetscCall(Visit(torch, torch->pickle.top, 0));
  free(bytes);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TorchRead(FileArrays *arrays, Mistakes *mistakes)
{
  Torch torch = {.arrays = arrays, .mistakes = mistakes};
  const int before = mistakes_count(mistakes);

  PetscFunctionBegin;
  PetscCall(
      ZipRead(arrays->path, arrays->fd, arrays->size, mistakes, &torch.entries, &torch.entry));
  if (mistakes_count(mistakes) == before) PetscCall(ReadPickle(&torch));
  pickle_free(&torch.pickle);
  zip_free(torch.entries, torch.entry);
  text_clear(&torch.folder);
  text_clear(&torch.name);
  PetscFunctionReturn(PETSC_SUCCESS);
}
