/* The HDF5 door: what is written is read back, the bytes do not depend on the ranks, broken files
   are refused by name.
   RUN ranks=1
   RUN ranks=2
   RUN ranks=3 */
#include "../tap.h"
#include "base/array.h"
#include "base/digest.h"
#include "base/file.h"
#include "base/h5.h"
#include <stdlib.h>
#include <unistd.h>

#define COMM PETSC_COMM_WORLD
enum { ROWS = 101, COLS = 7 };
static const char path[] = "base_h5.test.h5";

static PetscErrorCode WriteOne(MPI_Comm comm, Mistakes *mistakes, bool late)
{
  PetscFunctionBeginUser;
  H5Writer *writer;
  int a, b, c, s;
  PetscCall(H5WriterCreate(comm, path, &writer));
  PetscCall(H5WriterInteger(writer, NULL, "schema", 1));
  PetscCall(H5WriterText(writer, NULL, "digest", "0123456789"));
  PetscCall(H5WriterArray(writer, "deep/er/x", H5_F32, 2, (int64_t[]){ROWS, COLS}, &a));
  PetscCall(H5WriterArray(writer, "half", H5_BF16, 1, (int64_t[]){ROWS}, &b));
  PetscCall(H5WriterArray(writer, "names", H5_TEXT, 1, (int64_t[]){2, 5}, &c));
  PetscCall(H5WriterArray(writer, "number", H5_I64, 0, NULL, &s));
  PetscCall(H5WriterReals(writer, "half", "pair", 2, (double[]){0.1, -2}));
  PetscCall(H5WriterLayout(writer, mistakes));
  int64_t first, count;
  int rank, size;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  PetscCallMPI(MPI_Comm_size(comm, &size));
  part_of(ROWS, 1, rank, size, &first, &count);
  float *x;
  uint16_t *h;
  PetscCall(ArrayCreate(count * COLS, &x));
  PetscCall(ArrayCreate(count, &h));
  for (int64_t i = 0; i < count * COLS; i++) x[i] = (float)(first * COLS + i);
  for (int64_t i = 0; i < count; i++) h[i] = (uint16_t)(0x3f80 + first + i);
  PetscCall(H5WriterRows(writer, a, first, count, x));
  PetscCall(H5WriterRows(writer, b, first, count, h));
  if (rank == 0) {
    PetscCall(H5WriterRows(writer, c, 0, 2, "one\0\0three"));
    PetscCall(H5WriterRows(writer, s, 0, 1, (int64_t[]){-42}));
  }
  if (late) PetscCall(H5WriterLateText(writer, NULL, "digest", "abc"));
  PetscCall(H5WriterCommit(&writer, mistakes));
  PetscCall(ArrayDestroy(&x));
  PetscCall(ArrayDestroy(&h));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ReadOne(Mistakes *mistakes)
{
  PetscFunctionBeginUser;
  H5Reader *reader;
  H5Info info;
  bool found;
  double x[ROWS * COLS], half[3], pair[2];
  int64_t integer = 0, number = 0, count;
  char *text, **names, strings[10];
  PetscCall(H5ReaderOpen(path, mistakes, &reader));
  PetscCall(H5ReaderInfo(reader, "deep/er/x", &info, &found));
  OK(found && info.plain && info.rank == 2 && info.dims[0] == ROWS && info.dims[1] == COLS &&
         info.kind == H5_F32,
     "an array's shape and kind are read back");
  PetscCall(H5ReaderRows(reader, "deep/er/x", 1, ROWS - 1, H5_F64, x));
  OK(x[0] == COLS && x[(ROWS - 1) * COLS - 1] == ROWS * COLS - 1, "rows are read and converted");
  PetscCall(H5ReaderRows(reader, "half", 0, 2, H5_F64, half));
  OK(half[0] == 1.0 && half[1] == 1.0 + 1 / 128.0, "bfloat16 is widened");
  PetscCall(H5ReaderInfo(reader, "names", &info, &found));
  OK(found && info.kind == H5_TEXT && info.rank == 1 && info.dims[1] == 5, "text has a length");
  PetscCall(H5ReaderRows(reader, "names", 0, 2, H5_TEXT, strings));
  OK(!memcmp(strings, "one\0\0three", 10), "text is read back");
  PetscCall(H5ReaderRows(reader, "number", 0, 1, H5_I64, &number));
  OK(number == -42, "a scalar is read back");
  PetscCall(H5ReaderInfo(reader, "nothing", &info, &found));
  OK(!found, "an array that is not there is not found");
  PetscCall(H5ReaderInteger(reader, NULL, "schema", &integer, &found));
  OK(found && integer == 1, "an integer attribute");
  PetscCall(H5ReaderText(reader, NULL, "digest", &text, &found));
  OK(found && !strcmp(text, "abc"), "a text attribute set late");
  free(text);
  PetscCall(H5ReaderReals(reader, "half", "pair", 2, pair, &found));
  OK(found && pair[0] == 0.1 && pair[1] == -2, "an attribute of two numbers");
  PetscCall(H5ReaderNames(reader, &count, &names));
  OK(count == 4 && !strcmp(names[0], "deep/er/x") && !strcmp(names[3], "number"),
     "the arrays are listed");
  PetscCall(H5NamesFree(count, &names));
  PetscCall(H5ReaderClose(&reader));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Is a file that begins like ours, cut to size bytes (-1: not there), refused with the word? */
static PetscErrorCode Refused(int64_t size, const char *word)
{
  PetscFunctionBeginUser;
  char name[64], *said = NULL;
  size_t length = 0;
  snprintf(name, sizeof(name), "base_h5.broken.%d.h5", tap_rank);
  Mistakes *mistakes;
  H5Reader *reader;
  PetscCall(MistakesCreate(&mistakes));
  if (size >= 0) {
    Text whole = {0};
    bool found;
    PetscCall(FileRead(path, &whole, &found));
    if (size == 4096) memset(whole.s, 'x', 512);
    PetscCall(FileWrite(name, whole.s, (size_t)size));
    text_clear(&whole);
  }
  PetscCall(H5ReaderOpen(name, mistakes, &reader));
  FILE *memory = open_memstream(&said, &length);
  mistakes_print(mistakes, memory);
  fclose(memory);
  OK(!reader && strstr(said, word) && strstr(said, name), "a bad file is refused: %s", word);
  free(said);
  unlink(name);
  PetscCall(MistakesDestroy(&mistakes));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode NotWritten(void)
{
  PetscFunctionBeginUser;
  Mistakes *mistakes;
  H5Writer *writer;
  PetscCall(MistakesCreate(&mistakes));
  PetscCall(H5WriterCreate(COMM, "no/such/folder/x.h5", &writer));
  PetscCall(H5WriterInteger(writer, NULL, "schema", 1));
  PetscCall(H5WriterLayout(writer, mistakes));
  OK(mistakes_count(mistakes) > 0, "a folder that is not there is a mistake on every rank");
  PetscCall(H5WriterAbandon(&writer));
  PetscCall(MistakesDestroy(&mistakes));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  TestBegin(&argc, &argv);
  Mistakes *mistakes;
  char first[DIGEST_LENGTH], second[DIGEST_LENGTH];
  bool found;
  RUN(MistakesCreate(&mistakes));
  RUN(WriteOne(COMM, mistakes, false));
  RUN(WriteOne(COMM, mistakes, true));
  MPI_Barrier(COMM);
  RUN(DigestFile(path, first, &found));
  OK(found && mistakes_count(mistakes) == 0, "written without a mistake");
  char *beside = temporary_name("base_h5.test.h5");
  OK(!file_exists(beside), "nothing is left beside it");
  free(beside);
  RUN(ReadOne(mistakes));
  MPI_Barrier(COMM);
  sleep(1);
  RUN(WriteOne(COMM, mistakes, true));
  MPI_Barrier(COMM);
  RUN(DigestFile(path, second, &found));
  OK(!strcmp(first, second), "the same bytes a second later");
  MPI_Barrier(COMM);
  if (tap_rank == 0) RUN(WriteOne(PETSC_COMM_SELF, mistakes, true));
  MPI_Barrier(COMM);
  RUN(DigestFile(path, second, &found));
  OK(!strcmp(first, second), "the same bytes on one rank");
  RUN(Refused(-1, "cannot be read"));
  RUN(Refused(0, "empty"));
  RUN(Refused(1000, "cut short"));
  RUN(Refused(4096, "not an HDF5"));
  RUN(NotWritten());
  RUN(MistakesDestroy(&mistakes));
  MPI_Barrier(COMM);
  if (tap_rank == 0) unlink(path);
  return TestEnd();
}
