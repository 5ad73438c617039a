/* Files of several arrays: what they hold is read, strides and all; files with bytes changed at
   random or cut short are read or refused, never more. An argument: how many such files of each
   kind. RUN ranks=1 */
#include "../tap.h"
#include "base/array.h"
#include "base/file.h"
#include "base/random.h"
#include "data/arrays.h"
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void add_number(Text *text, uint64_t value, int bytes)
{
  for (int i = 0; i < bytes; i++) text_append(text, &(const char){(char)(value >> 8 * i)}, 1);
}

/* A file of a zip archive, and its record in the directory. */
static void add_file(Text *zip, Text *directory, const char *name, const char *bytes, size_t count)
{
  const size_t at = zip->length;
  Text common = {0};
  for (int i = 0; i < 4; i++) add_number(&common, i ? 0 : 20, i == 3 ? 4 : 2);
  add_number(&common, 0, 4); /* checksum: not looked at */
  add_number(&common, count, 4), add_number(&common, count, 4);
  add_number(&common, strlen(name), 2), add_number(&common, 0, 2);
  text_append(zip, "PK\3\4", 4);
  text_append(zip, common.s, common.length);
  text_add(zip, "%s", name);
  text_append(zip, bytes, count);
  text_append(directory, "PK\1\2\24\0", 6);
  text_append(directory, common.s, common.length);
  add_number(directory, 0, 8), add_number(directory, 0, 2), add_number(directory, at, 4);
  text_add(directory, "%s", name);
  text_clear(&common);
}

/* {"a": a tensor [2 x 3] stored by columns, "k": 7} as torch.save has it. */
static Text torch_file(void)
{
  static const char pickle[] =
      "\x80\2ccollections\nOrderedDict\n)Rq\0(X\1\0\0\0actorch._utils\n_rebuild_tensor_v2\n"
      "((X\7\0\0\0storagectorch\nFloatStorage\nX\1\0\0\0"
      "0X\3\0\0\0cpuK\6tQK\0K\2K\3\x86K\1K\2\x86"
      "\x89"
      "ccollections\nOrderedDict\n)RtRX\1\0\0\0kK\7u.";
  const float x[] = {1, 4, 2, 5, 3, 6};
  Text zip = {0}, directory = {0};
  add_file(&zip, &directory, "m/data.pkl", pickle, sizeof(pickle) - 1);
  add_file(&zip, &directory, "m/data/0", (const char *)x, sizeof(x));
  const size_t at = zip.length;
  text_append(&zip, directory.s, directory.length);
  text_append(&zip, "PK\5\6\0\0\0\0\2\0\2\0", 12);
  add_number(&zip, directory.length, 4), add_number(&zip, at, 4), add_number(&zip, 0, 2);
  text_clear(&directory);
  return zip;
}

static Text safetensors_file(void)
{
  static const char header[] = "{\"__metadata__\":{\"k\":\"7\"},\"a\":{\"dtype\":\"F32\",\"shape\":"
                               "[2,3],\"data_offsets\":[0,24]}}";
  const float x[] = {1, 2, 3, 4, 5, 6};
  Text file = {0};
  add_number(&file, sizeof(header) - 1, 8);
  text_append(&file, header, sizeof(header) - 1);
  text_append(&file, (const char *)x, sizeof(x));
  return file;
}

static int64_t silent; /* files that were neither taken nor refused with a reason */

/* Whether the file is taken; its arrays of up to 100 numbers are read. */
static bool taken(const char *path, const Kernels *kernels, bool exact)
{
  Mistakes *mistakes;
  FileArrays *arrays;
  bool good = true;
  RUN(MistakesCreate(&mistakes));
  RUN(FileArraysOpen(path, mistakes, &arrays));
  const bool opened = arrays != NULL;
  if (opened == (mistakes_count(mistakes) > 0)) silent++;
  for (int64_t i = 0; opened && i < arrays->count; i++) {
    float x[100] = {0};
    const FileArray *array = &arrays->array[i];
    if (!array->numeric || array->count > 100) continue;
    RUN(FileArrayRead(arrays, array, kernels, x));
    for (int j = 0; exact && j < 6; j++) good &= x[j] == (float)(j + 1);
  }
  good &= !exact || (opened && arrays->count == 1 && file_array_named(arrays, "a"));
  RUN(FileArraysClose(&arrays));
  RUN(MistakesDestroy(&mistakes));
  return opened && good;
}

static void check(const char *what, const Text *whole, int64_t rounds, const Kernels *kernels)
{
  const char *path = "arrays.tmp.bin";
  int64_t refused = 0, quiet = 0;
  RUN(FileWrite(path, whole->s, whole->length));
  OK(taken(path, kernels, true), "%s: its array is read", what);
  char *bytes = malloc(whole->length);
  for (int64_t r = 0; bytes && r < rounds; r++) {
    memcpy(bytes, whole->s, whole->length);
    const int64_t flips = random_below(1, RANDOM_LAST, (uint64_t)r * 16, 6);
    for (int64_t f = 0; f <= flips; f++)
      bytes[random_below(2, RANDOM_LAST, (uint64_t)(r * 16 + f), (int64_t)whole->length)] =
          (char)random_below(3, RANDOM_LAST, (uint64_t)(r * 16 + f), 256);
    const size_t length = r % 4 ? whole->length : (size_t)r % whole->length;
    FILE *file = fopen(path, "wb");
    if (!file) break;
    fwrite(bytes, 1, length, file);
    fclose(file);
    if (taken(path, kernels, false))
      quiet++;
    else
      refused++;
  }
  OK(refused + quiet == rounds && refused > rounds / 4 && !silent,
     "%s: %lld changed files, %lld refused", what, (long long)rounds, (long long)refused);
  free(bytes);
  unlink(path);
}

int main(int argc, char **argv)
{
  TestBegin(&argc, &argv);
  const Kernels *kernels;
  Mistakes *mistakes;
  const int64_t rounds = argc > 1 ? strtoll(argv[argc - 1], NULL, 10) : 2000;
  Text torch = torch_file(), safetensors = safetensors_file();
  RUN(MistakesCreate(&mistakes));
  RUN(KernelsChoose("ref", mistakes, &kernels));
  check("torch", &torch, rounds, kernels);
  check("safetensors", &safetensors, rounds, kernels);
  text_clear(&torch);
  text_clear(&safetensors);
  RUN(MistakesDestroy(&mistakes));
  return TestEnd();
}
