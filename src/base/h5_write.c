/* Writing HDF5 files: rank 0 lays them out, every rank writes its rows beside HDF5. */
#include "h5_types.h"
#include "base/file.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { START_BYTES = 64 << 20 };

typedef struct {
  char *name;
  H5Kind kind;
  int rank;
  int64_t dims[3]; /* of H5_TEXT the last one is the length of a string */
  int64_t offset, rows;
  size_t row_bytes;
} WriterArray;

typedef enum { ATTRIBUTE_TEXT, ATTRIBUTE_REAL, ATTRIBUTE_REALS, ATTRIBUTE_INTEGER } AttributeType;
typedef struct {
  char *object, *name; /* object NULL: the root */
  AttributeType type;
  int64_t count; /* elements; of text its bytes with the end */
  void *value;
  bool late;
} Attribute;

struct H5Writer {
  MPI_Comm comm;
  int rank;
  char *path, *part;
  int arrays, array_space, attributes, attribute_space;
  WriterArray *array;
  Attribute *attribute;
  int fd, error;   /* errno of the first failure of this rank */
  int64_t waiting; /* bytes written since the disk was last set to work */
};

PetscErrorCode H5WriterCreate(MPI_Comm comm, const char *path, H5Writer **writer)
{
  PetscFunctionBeginUser;
  PetscCall(PetscNew(writer));
  (*writer)->comm = comm;
  PetscCallMPI(MPI_Comm_rank(comm, &(*writer)->rank));
  (*writer)->path = text_copy(path);
  (*writer)->part = temporary_name(path);
  int length = (int)strlen((*writer)->part) + 1;
  PetscCallMPI(MPI_Bcast(&length, 1, MPI_INT, 0, comm)); /* rank 0's name for all */
  (*writer)->part = realloc((*writer)->part, (size_t)length);
  PetscCheck((*writer)->part, PETSC_COMM_SELF, PETSC_ERR_MEM, "no memory");
  PetscCallMPI(MPI_Bcast((*writer)->part, length, MPI_CHAR, 0, comm));
  (*writer)->fd = -1;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode WriterDestroy(H5Writer **writer)
{
  PetscFunctionBeginUser;
  H5Writer *w = *writer;
  if (w->fd >= 0) close(w->fd);
  for (int a = 0; a < w->arrays; a++) free(w->array[a].name);
  for (int a = 0; a < w->attributes; a++) {
    free(w->attribute[a].object);
    free(w->attribute[a].name);
    PetscCall(PetscFree(w->attribute[a].value));
  }
  free(w->path);
  free(w->part);
  PetscCall(PetscFree(w->array));
  PetscCall(PetscFree(w->attribute));
  PetscCall(PetscFree(*writer));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Room for one more of count elements. */
static PetscErrorCode Room(int count, int *space, size_t size, void **list)
{
  PetscFunctionBeginUser;
  if (count == *space) {
    const int more = *space ? 2 * *space : 16;
    void *grown;
    PetscCall(PetscCalloc(more * size, (char **)&grown));
    if (count) memcpy(grown, *list, count * size);
    PetscCall(PetscFree(*list));
    *list = grown;
    *space = more;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode H5WriterArray(H5Writer *writer, const char *name, H5Kind kind, int rank,
                             const int64_t *dims, int *array)
{
  PetscFunctionBeginUser;
  PetscCheck(rank >= 0 && rank <= 2, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "%s: rank %d", name,
             rank);
  PetscCall(
      Room(writer->arrays, &writer->array_space, sizeof(*writer->array), (void **)&writer->array));
  WriterArray *a = &writer->array[ *array = writer->arrays++];
  a->name = text_copy(name);
  a->kind = kind;
  a->rank = rank;
  const int stored = rank + (kind == H5_TEXT);
  for (int i = 0; i < stored; i++) a->dims[i] = dims[i];
  a->rows = rank ? dims[0] : 1;
  a->row_bytes = h5_size(kind);
  for (int i = rank ? 1 : 0; i < stored; i++) a->row_bytes *= (size_t)dims[i];
  if (kind == H5_BF16) PetscCall(H5WriterText(writer, name, "dtype", "bfloat16"));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static Attribute *find_attribute(H5Writer *writer, const char *object, const char *name)
{
  for (int a = 0; a < writer->attributes; a++) {
    Attribute *x = &writer->attribute[a];
    const bool same = (object && x->object) ? !strcmp(object, x->object) : !object && !x->object;
    if (same && !strcmp(name, x->name)) return x;
  }
  return NULL;
}

static PetscErrorCode AddAttribute(H5Writer *writer, const char *object, const char *name,
                                   AttributeType type, int64_t count, size_t size,
                                   const void *value)
{
  PetscFunctionBeginUser;
  PetscCheck(!find_attribute(writer, object, name), PETSC_COMM_SELF, PETSC_ERR_ARG_WRONGSTATE,
             "attribute %s twice", name);
  PetscCall(Room(writer->attributes, &writer->attribute_space, sizeof(*writer->attribute),
                 (void **)&writer->attribute));
  Attribute *a = &writer->attribute[writer->attributes++];
  a->object = object ? text_copy(object) : NULL;
  a->name = text_copy(name);
  a->type = type;
  a->count = count;
  PetscCall(PetscCalloc(count * size, (char **)&a->value));
  if (count) memcpy(a->value, value, count * size);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode H5WriterText(H5Writer *writer, const char *object, const char *name,
                            const char *value)
{
  return AddAttribute(writer, object, name, ATTRIBUTE_TEXT, (int64_t)strlen(value) + 1, 1, value);
}

PetscErrorCode H5WriterReal(H5Writer *writer, const char *object, const char *name, double value)
{
  return AddAttribute(writer, object, name, ATTRIBUTE_REAL, 1, sizeof(value), &value);
}

PetscErrorCode H5WriterInteger(H5Writer *writer, const char *object, const char *name,
                               int64_t value)
{
  return AddAttribute(writer, object, name, ATTRIBUTE_INTEGER, 1, sizeof(value), &value);
}

PetscErrorCode H5WriterReals(H5Writer *writer, const char *object, const char *name, int64_t count,
                             const double *values)
{
  return AddAttribute(writer, object, name, ATTRIBUTE_REALS, count, sizeof(*values), values);
}

static PetscErrorCode SetLate(H5Writer *writer, const char *object, const char *name, int64_t count,
                              size_t size, const void *value)
{
  PetscFunctionBeginUser;
  Attribute *a = find_attribute(writer, object, name);
  PetscCheck(a && count <= a->count, PETSC_COMM_SELF, PETSC_ERR_ARG_WRONGSTATE,
             "attribute %s was not declared with this size", name);
  memset(a->value, 0, a->count * size);
  memcpy(a->value, value, count * size);
  a->late = true;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode H5WriterLateText(H5Writer *writer, const char *object, const char *name,
                                const char *value)
{
  return SetLate(writer, object, name, (int64_t)strlen(value) + 1, 1, value);
}

PetscErrorCode H5WriterLateReals(H5Writer *writer, const char *object, const char *name,
                                 int64_t count, const double *values)
{
  return SetLate(writer, object, name, count, sizeof(*values), values);
}

/* Type and memory type of an attribute's elements. */
static hid_t attribute_type(const Attribute *a)
{
  if (a->type == ATTRIBUTE_INTEGER) return H5Tcopy(H5T_STD_I64LE);
  return a->type == ATTRIBUTE_TEXT ? h5_file_type(H5_TEXT, a->count) : H5Tcopy(H5T_IEEE_F64LE);
}

/* Creates an attribute, or with again writes it anew. */
static bool put_attribute(hid_t file, const Attribute *a, bool again)
{
  const hsize_t count = (hsize_t)a->count;
  const hid_t object = H5Oopen(file, a->object ? a->object : "/", H5P_DEFAULT);
  const hid_t type = attribute_type(a);
  const hid_t space =
      a->type == ATTRIBUTE_REALS ? H5Screate_simple(1, &count, NULL) : H5Screate(H5S_SCALAR);
  const hid_t id = again ? H5Aopen(object, a->name, H5P_DEFAULT)
                         : H5Acreate2(object, a->name, type, space, H5P_DEFAULT, H5P_DEFAULT);
  bool done = id >= 0 && H5Awrite(id, type, a->value) >= 0;
  if (id >= 0) done &= H5Aclose(id) >= 0;
  H5Sclose(space);
  H5Tclose(type);
  if (object >= 0) H5Oclose(object);
  return done;
}

/* Makes the groups above name. */
static bool make_groups(hid_t file, const char *name)
{
  char *path = text_copy(name);
  bool done = true;
  const hid_t plist = H5Pcreate(H5P_GROUP_CREATE);
  H5Pset_obj_track_times(plist, false);
  for (char *slash = strchr(path, '/'); slash && done; slash = strchr(slash + 1, '/')) {
    *slash = 0;
    if (*path && H5Lexists(file, path, H5P_DEFAULT) <= 0) {
      const hid_t group = H5Gcreate2(file, path, H5P_DEFAULT, plist, H5P_DEFAULT);
      done = group >= 0 && H5Gclose(group) >= 0;
    }
    *slash = '/';
  }
  H5Pclose(plist);
  free(path);
  return done;
}

static bool put_array(hid_t file, WriterArray *a)
{
  if (!make_groups(file, a->name)) return false;
  const hsize_t dims[3] = {(hsize_t)a->dims[0], (hsize_t)a->dims[1], (hsize_t)a->dims[2]};
  const hid_t type = h5_file_type(a->kind, a->dims[a->rank]);
  const hid_t space = a->rank ? H5Screate_simple(a->rank, dims, NULL) : H5Screate(H5S_SCALAR);
  const hid_t plist = H5Pcreate(H5P_DATASET_CREATE);
  H5Pset_obj_track_times(plist, false);
  H5Pset_layout(plist, H5D_CONTIGUOUS);
  H5Pset_alloc_time(plist, H5D_ALLOC_TIME_EARLY);
  H5Pset_fill_time(plist, H5D_FILL_TIME_NEVER);
  H5Pset_attr_phase_change(plist, 1024, 1024);
  const hid_t set = H5Dcreate2(file, a->name, type, space, H5P_DEFAULT, plist, H5P_DEFAULT);
  bool done = set >= 0;
  if (done) {
    const haddr_t offset = H5Dget_offset(set);
    a->offset = offset == HADDR_UNDEF ? 0 : (int64_t)offset;
    done = (offset != HADDR_UNDEF || !a->rows || !a->row_bytes) && H5Dclose(set) >= 0;
  }
  H5Pclose(plist);
  H5Sclose(space);
  H5Tclose(type);
  return done;
}

static hid_t file_access(void)
{
  const hid_t plist = H5Pcreate(H5P_FILE_ACCESS);
  H5Pset_libver_bounds(plist, H5F_LIBVER_V18, H5F_LIBVER_V18);
  H5Pset_fclose_degree(plist, H5F_CLOSE_STRONG);
  return plist;
}

static bool lay_out(H5Writer *w)
{
  h5_begin();
  const hid_t access = file_access(), create = H5Pcreate(H5P_FILE_CREATE);
  H5Pset_obj_track_times(create, false);
  H5Pset_attr_phase_change(create, 1024, 1024);
  const hid_t file = H5Fcreate(w->part, H5F_ACC_TRUNC, create, access);
  bool done = file >= 0;
  for (int a = 0; a < w->arrays && done; a++) done = put_array(file, &w->array[a]);
  for (int a = 0; a < w->attributes && done; a++) {
    done = w->attribute[a].object ? true : put_attribute(file, &w->attribute[a], false);
  }
  for (int a = 0; a < w->attributes && done; a++)
    if (w->attribute[a].object) done = put_attribute(file, &w->attribute[a], false);
  if (file >= 0) done &= H5Fclose(file) >= 0;
  H5Pclose(create);
  H5Pclose(access);
  return done;
}

/* Bytes that the file will have at most, roughly. */
static int64_t expected_size(const H5Writer *w)
{
  int64_t size = 65536;
  for (int a = 0; a < w->arrays; a++)
    size += w->array[a].rows * (int64_t)w->array[a].row_bytes + 4096;
  for (int a = 0; a < w->attributes; a++) size += 8 * w->attribute[a].count + 512;
  return size;
}

/* Tries whether the file may be made and has room: HDF5 does not survive a write that fails. NULL,
   or why not. */
static const char *try_file(const H5Writer *w)
{
  const int fd = open(w->part, O_CREAT | O_RDWR | O_TRUNC | O_CLOEXEC, 0666);
  if (fd < 0) return strerror(errno);
  int error = fallocate(fd, 0, 0, expected_size(w)) ? errno : 0;
  if (error == EOPNOTSUPP || error == ENOSYS) error = 0;
  close(fd);
  return error ? strerror(error) : NULL;
}

/* The file on disk at full size; NULL, or why not (static or in text). */
static const char *begin_file(H5Writer *w, char *text, size_t size)
{
  temporary_sweep(w->path);
  const char *wrong = try_file(w);
  if (wrong) return wrong;
  errno = 0;
  if (!lay_out(w)) {
    h5_reason(text, size);
    return text;
  }
  struct stat info;
  const int fd = open(w->part, O_RDWR | O_CLOEXEC);
  if (fd < 0 || fstat(fd, &info)) return strerror(errno);
  const int error = posix_fallocate(fd, 0, info.st_size);
  close(fd);
  return error ? strerror(error) : NULL;
}

PetscErrorCode H5WriterLayout(H5Writer *writer, Mistakes *mistakes)
{
  PetscFunctionBeginUser;
  char text[256];
  if (writer->rank == 0) {
    const char *wrong = begin_file(writer, text, sizeof(text));
    if (wrong) mistake(mistakes, writer->path, 0, 0, "cannot be written: %s", wrong);
  }
  bool any;
  PetscCall(MistakesAgree(writer->comm, mistakes, &any));
  if (!any) {
    for (int a = 0; a < writer->arrays; a++)
      PetscCallMPI(MPI_Bcast(&writer->array[a].offset, 1, MPI_INT64_T, 0, writer->comm));
    writer->fd = open(writer->part, O_WRONLY | O_CLOEXEC);
    if (writer->fd < 0)
      mistake(mistakes, writer->path, 0, 0, "cannot be written: %s", strerror(errno));
    PetscCall(MistakesAgree(writer->comm, mistakes, &any));
  }
  if (any && writer->rank == 0) unlink(writer->part);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* All bytes at the offset; gives errno. */
static int write_all(int fd, const char *bytes, size_t count, int64_t offset)
{
  while (count) {
    const ssize_t n = pwrite(fd, bytes, count < (1u << 28) ? count : (1u << 28), offset);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return n ? errno : EIO;
    bytes += n;
    count -= (size_t)n;
    offset += n;
  }
  return 0;
}

PetscErrorCode H5WriterRows(H5Writer *writer, int array, int64_t first, int64_t rows,
                            const void *data)
{
  PetscFunctionBeginUser;
  const WriterArray *a = &writer->array[array];
  PetscCheck(first >= 0 && rows >= 0 && first + rows <= a->rows, PETSC_COMM_SELF,
             PETSC_ERR_ARG_OUTOFRANGE, "%s: rows %" PRId64 " to %" PRId64 " of %" PRId64, a->name,
             first, first + rows, a->rows);
  const int64_t offset = a->offset + first * (int64_t)a->row_bytes;
  if (!writer->error)
    writer->error = write_all(writer->fd, data, (size_t)rows * a->row_bytes, offset);
  writer->waiting += rows * (int64_t)a->row_bytes;
  if (writer->waiting >= START_BYTES) { /* begin now what fsync would wait for */
    sync_file_range(writer->fd, 0, 0, SYNC_FILE_RANGE_WRITE);
    writer->waiting = 0;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Attributes that came late; false where HDF5 fails. */
static bool write_late(H5Writer *w)
{
  bool any = false, done = true;
  for (int a = 0; a < w->attributes; a++) any |= w->attribute[a].late;
  if (!any) return true;
  h5_begin();
  const hid_t access = file_access(), file = H5Fopen(w->part, H5F_ACC_RDWR, access);
  done = file >= 0;
  for (int a = 0; a < w->attributes && done; a++)
    if (w->attribute[a].late) done = put_attribute(file, &w->attribute[a], true);
  if (file >= 0) done &= H5Fclose(file) >= 0;
  H5Pclose(access);
  return done;
}

/* Syncs the folder a file lies in. */
static void sync_folder(const char *path)
{
  char *folder = text_copy(path), *slash = strrchr(folder, '/');
  if (slash) slash[slash == folder] = 0;
  const int fd = open(slash ? folder : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd >= 0) fsync(fd), close(fd);
  free(folder);
}

/* Rank 0's last part: late attributes, sync, rename. Gives errno, or -1 for a complaint of HDF5. */
static int finish_file(H5Writer *w)
{
  errno = 0;
  if (!write_late(w)) return -1;
  const int fd = open(w->part, O_WRONLY | O_CLOEXEC);
  if (fd < 0) return errno;
  const int error = fsync(fd) ? errno : 0;
  close(fd);
  if (error) return error;
  if (rename(w->part, w->path)) return errno;
  sync_folder(w->path);
  return 0;
}

PetscErrorCode H5WriterCommit(H5Writer **writer, Mistakes *mistakes)
{
  PetscFunctionBeginUser;
  H5Writer *w = *writer;
  if (w->fd >= 0 && !w->error && fsync(w->fd)) w->error = errno;
  if (w->fd >= 0 && close(w->fd) && !w->error) w->error = errno;
  w->fd = -1;
  int worst;
  PetscCallMPI(MPI_Allreduce(&w->error, &worst, 1, MPI_INT, MPI_MAX, w->comm));
  char text[256] = "";
  if (!worst && w->rank == 0) worst = finish_file(w);
  if (worst < 0) h5_reason(text, sizeof(text));
  if (worst && w->rank == 0) {
    mistake(mistakes, w->path, 0, 0, "cannot be written: %s", *text ? text : strerror(worst));
    unlink(w->part);
  }
  bool any;
  PetscCall(MistakesAgree(w->comm, mistakes, &any));
  PetscCall(WriterDestroy(writer));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode H5WriterAbandon(H5Writer **writer)
{
  PetscFunctionBeginUser;
  if (!*writer) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCallMPI(MPI_Barrier((*writer)->comm));
  if ((*writer)->rank == 0) unlink((*writer)->part);
  PetscCall(WriterDestroy(writer));
  PetscFunctionReturn(PETSC_SUCCESS);
}
