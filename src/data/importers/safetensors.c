/* A tensor of a safetensors file: file.safetensors:tensor. The header is JSON, of which this reads
   what the format allows: objects of texts, lists of whole numbers, and texts. */
#include "data/import.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LONGEST = 100 << 20 };

static bool probe(const Source *source, const unsigned char begin[16], const ImportOptions *options)
{
  const size_t length = strlen(source->path);
  const bool named = length > 12 && !strcmp(source->path + length - 12, ".safetensors");
  return !options->is_raw && (named || (begin[8] == '{' && begin[9] == '"' && !begin[7]));
}

/* Past white space, and past c if it is next. */
static bool take(const char **p, char c)
{
  while (**p == ' ' || **p == '\n' || **p == '\t' || **p == '\r') (*p)++;
  if (**p != c) return false;
  (*p)++;
  return true;
}

/* A JSON text, its escapes undone but for \u, in fresh memory; NULL: there is none. */
static char *take_text(const char **p)
{
  if (!take(p, '"')) return NULL;
  char *text = calloc(strlen(*p) < 1 << 16 ? strlen(*p) + 1 : 1 << 16, 1);
  size_t length = 0;
  while (**p && **p != '"' && length + 1 < 1 << 16) {
    if (**p == '\\' && (*p)[1] && (*p)[1] != 'u') (*p)++;
    text[length++] = *(*p)++;
  }
  if (take(p, '"')) return text;
  free(text);
  return NULL;
}

/* A list of whole numbers, at most most of them; how many, -1: it is none. */
static int take_list(const char **p, int most, int64_t *values)
{
  int count = 0;
  if (!take(p, '[')) return -1;
  while (!take(p, ']')) {
    char *end;
    if (count && !take(p, ',')) return -1;
    const long long value = strtoll(*p, &end, 10);
    if (end == *p || value < 0 || count == most) return -1;
    values[count++] = value;
    *p = end;
  }
  return count;
}

typedef struct {
  char *dtype;
  int rank;
  int64_t dims[8], range[2];
} Tensor;

/* The object that describes one tensor (or the metadata, whose members are texts). */
static bool take_tensor(const char **p, Tensor *tensor)
{
  if (!take(p, '{')) return false;
  for (bool first = true; !take(p, '}'); first = false) {
    if (!first && !take(p, ',')) return false;
    char *key = take_text(p);
    bool good = key && take(p, ':');
    if (good && !strcmp(key, "shape")) {
      good = (tensor->rank = take_list(p, 8, tensor->dims)) >= 0;
    } else if (good && !strcmp(key, "data_offsets")) {
      good = take_list(p, 2, tensor->range) == 2;
    } else if (good) {
      char *text = take_text(p);
      good = text != NULL;
      if (good && !strcmp(key, "dtype") && !tensor->dtype)
        tensor->dtype = text;
      else
        free(text);
    }
    free(key);
    if (!good) return false;
  }
  return true;
}

/* The tensor of that name (NULL: the only one) in *tensor; the names of all in list. False: the
 * header is broken. */
static bool find_tensor(const char *json, const char *name, Tensor *tensor, int *count, bool *found,
                        Text *list)
{
  const char *p = json;
  *count = 0;
  *found = false;
  if (!take(&p, '{')) return false;
  for (bool first = true; !take(&p, '}'); first = false) {
    Tensor next = {0};
    if (!first && !take(&p, ',')) return false;
    char *key = take_text(&p);
    const bool good = key && take(&p, ':') && take_tensor(&p, &next);
    const bool real = good && strcmp(key, "__metadata__");
    if (real && (name ? !strcmp(key, name) : *count == 0)) {
      free(tensor->dtype);
      *tensor = next;
      *found = true;
    } else {
      free(next.dtype);
    }
    if (real && *count < 20) text_add(list, "%s%s", *count ? ", " : "", key);
    *count += real;
    free(key);
    if (!good) return false;
  }
  return true;
}

static bool read_kind(const char *dtype, H5Kind *kind)
{
  static const char *const words[] = {"F16", "BF16", "F32", "F64"};
  for (int i = 0; i < 4 && dtype; i++)
    if (!strcmp(dtype, words[i])) {
      *kind = (H5Kind)i;
      return true;
    }
  return false;
}

/* Puts the tensor's place and shape into the source, or says what is wrong. */
static void accept_tensor(Source *source, const Tensor *tensor, int64_t data, int64_t size,
                          Mistakes *mistakes)
{
  int64_t bytes = 1;
  bool overflow = false;
  if (!read_kind(tensor->dtype, &source->kind)) {
    mistake(mistakes, source->path, 0, 0, "%s is of type %s; activations are F16, BF16, F32 or F64",
            source->inner, tensor->dtype ? tensor->dtype : "unknown");
    return;
  }
  source->rank = tensor->rank;
  for (int i = 0; i < tensor->rank; i++) {
    if (i < 4) source->dims[i] = tensor->dims[i];
    overflow |= __builtin_mul_overflow(bytes, tensor->dims[i], &bytes);
  }
  overflow |= __builtin_mul_overflow(bytes, (int64_t)h5_size(source->kind), &bytes);
  source->offset = data + tensor->range[0];
  if (overflow || tensor->range[1] - tensor->range[0] != bytes)
    mistake(mistakes, source->path, 0, 0, "%s has %" PRId64 " bytes, its shape needs %" PRId64,
            source->inner, tensor->range[1] - tensor->range[0], bytes);
  else if (source->offset + bytes > size)
    mistake(mistakes, source->path, 0, 0,
            "is cut short: %s ends at byte %" PRId64 ", the file at %" PRId64, source->inner,
            source->offset + bytes, size);
}

static PetscErrorCode OpenSafetensors(Source *source, const ImportOptions *options,
                                      Mistakes *mistakes)
{
  PetscFunctionBeginUser;
  (void)options;
  unsigned char begin[8] = {0};
  struct stat status = {0};
  uint64_t length = 0;
  fstat(source->fd, &status);
  const bool complete = pread(source->fd, begin, 8, 0) == 8;
  for (int i = 0; i < 8; i++) length |= (uint64_t)begin[i] << 8 * i;
  char *json = complete && length <= LONGEST ? calloc(length + 1, 1) : NULL;
  if (!json || pread(source->fd, json, length, 8) != (int64_t)length) {
    mistake(mistakes, source->path, 0, 0,
            "is cut short or no safetensors file: its header should have %" PRIu64 " bytes",
            length);
    free(json);
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  Tensor tensor = {0};
  Text list = {0};
  int count;
  bool found;
  if (!find_tensor(json, source->inner, &tensor, &count, &found, &list))
    mistake(mistakes, source->path, 0, 0,
            "is no safetensors file: its header is not JSON as it "
            "should be");
  else if (!found || (!source->inner && count != 1))
    mistake(mistakes, source->path, 0, 0,
            source->inner ? "has no tensor %s; it has %s" : "name a tensor as FILE:TENSOR%s: %s",
            source->inner ? source->inner : "", list.s ? list.s : "none");
  else {
    if (!source->inner) source->inner = text_copy(list.s);
    accept_tensor(source, &tensor, 8 + (int64_t)length, status.st_size, mistakes);
  }
  free(tensor.dtype);
  free(json);
  text_clear(&list);
  PetscFunctionReturn(PETSC_SUCCESS);
}

const Importer importer_safetensors = {
    .entry = {.name = "safetensors", .summary = "a tensor of a safetensors file (FILE:TENSOR)"},
    .probe = probe,
    .open = OpenSafetensors,
    .read = SourceReadPlain,
};
