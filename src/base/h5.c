/* Reading HDF5 files, serially. */
#include "h5_types.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct H5Reader {
  hid_t file;
  char *path;
};

size_t h5_size(H5Kind kind)
{
  switch (kind) {
  case H5_F16:
  case H5_BF16:
    return 2;
  case H5_F32:
  case H5_I32:
    return 4;
  case H5_F64:
  case H5_I64:
    return 8;
  default:
    return 1;
  }
}

void h5_begin(void)
{
  setenv("HDF5_USE_FILE_LOCKING", "FALSE", 0);
  H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
}

static hid_t half_type(void)
{
  const hid_t type = H5Tcopy(H5T_IEEE_F32LE);
  H5Tset_fields(type, 15, 10, 5, 0, 10);
  H5Tset_size(type, 2);
  H5Tset_ebias(type, 15);
  return type;
}

hid_t h5_file_type(H5Kind kind, int64_t length)
{
  switch (kind) {
  case H5_F16:
    return half_type();
  case H5_BF16:
    return H5Tcopy(H5T_STD_U16LE);
  case H5_F32:
    return H5Tcopy(H5T_IEEE_F32LE);
  case H5_F64:
    return H5Tcopy(H5T_IEEE_F64LE);
  case H5_I32:
    return H5Tcopy(H5T_STD_I32LE);
  case H5_I64:
    return H5Tcopy(H5T_STD_I64LE);
  case H5_U8:
    return H5Tcopy(H5T_STD_U8LE);
  default:
    break;
  }
  const hid_t type = H5Tcopy(H5T_C_S1);
  H5Tset_size(type, length > 0 ? (size_t)length : 1);
  H5Tset_cset(type, H5T_CSET_UTF8);
  H5Tset_strpad(type, H5T_STR_NULLPAD);
  return type;
}

static herr_t first_reason(unsigned n, const H5E_error2_t *error, void *text)
{
  if (n == 0) snprintf(text, 256, "%s", error->desc ? error->desc : "");
  return 0;
}

void h5_reason(char *text, size_t size)
{
  char reason[256] = "";
  H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, first_reason, reason);
  snprintf(text, size, "%s", *reason ? reason : errno ? strerror(errno) : "HDF5 gives no reason");
}

bool h5_recognised(const char *path)
{
  unsigned char begin[8] = {0};
  FILE *file = fopen(path, "rb");
  if (!file) return false;
  const size_t n = fread(begin, 1, sizeof(begin), file);
  fclose(file);
  return n == sizeof(begin) && !memcmp(begin, "\x89HDF\r\n\x1a\n", 8);
}

PetscErrorCode H5ReaderOpen(const char *path, Mistakes *mistakes, H5Reader **reader)
{
  PetscFunctionBeginUser;
  *reader = NULL;
  h5_begin();
  FILE *there = fopen(path, "rb");
  if (!there || fgetc(there) == EOF) {
    mistake(mistakes, path, 0, 0, there && !ferror(there) ? "is empty" : "cannot be read: %s",
            strerror(errno));
    if (there) fclose(there);
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  fclose(there);
  const hid_t access = H5Pcreate(H5P_FILE_ACCESS);
  H5Pset_fclose_degree(access, H5F_CLOSE_STRONG);
  H5Pset_cache(access, 0, 10007, 64 << 20, 0.75);
  const hid_t file = H5Fopen(path, H5F_ACC_RDONLY, access);
  char reason[256];
  if (file < 0) h5_reason(reason, sizeof(reason)); /* the next call forgets it */
  H5Pclose(access);
  if (file < 0) {
    if (h5_recognised(path))
      mistake(mistakes, path, 0, 0, "is damaged or cut short: %s", reason);
    else
      mistake(mistakes, path, 0, 0, "is not an HDF5 file");
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(PetscNew(reader));
  (*reader)->file = file;
  (*reader)->path = text_copy(path);
  PetscFunctionReturn(PETSC_SUCCESS);
}

hid_t h5_file_of(H5Reader *reader)
{
  return reader->file;
}

PetscErrorCode H5ReaderClose(H5Reader **reader)
{
  PetscFunctionBeginUser;
  if (!*reader) PetscFunctionReturn(PETSC_SUCCESS);
  H5Fclose((*reader)->file);
  free((*reader)->path);
  PetscCall(PetscFree(*reader));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Is the float type IEEE's half (or bfloat16)? */
static bool float_fields(hid_t type, size_t exponent, size_t mantissa)
{
  size_t sign, epos, esize, mpos, msize;
  H5Tget_fields(type, &sign, &epos, &esize, &mpos, &msize);
  return esize == exponent && msize == mantissa;
}

/* Has a dataset of uint16 the attribute dtype = bfloat16? */
static bool says_bfloat(hid_t set)
{
  char text[16] = "";
  if (H5Aexists(set, "dtype") <= 0) return false;
  const hid_t attribute = H5Aopen(set, "dtype", H5P_DEFAULT), type = H5Aget_type(attribute);
  if (H5Tget_class(type) == H5T_STRING && H5Tis_variable_str(type) == 0 &&
      H5Tget_size(type) < sizeof(text))
    H5Aread(attribute, type, text);
  H5Tclose(type);
  H5Aclose(attribute);
  return !strcmp(text, "bfloat16");
}

/* The kind nearest to a stored type, and whether its bytes are ours as they lie. */
static H5Kind kind_of(hid_t type, hid_t set, bool *same)
{
  const H5T_class_t class = H5Tget_class(type);
  const size_t size = H5Tget_size(type);
  *same = H5Tget_order(type) != H5T_ORDER_BE;
  if (class == H5T_STRING) return H5_TEXT;
  if (class == H5T_FLOAT) {
    if (size == 2) {
      if (float_fields(type, 8, 7)) return H5_BF16;
      *same &= float_fields(type, 5, 10);
      return H5_F16;
    }
    *same &= size == 4 || size == 8;
    return size == 4 ? H5_F32 : H5_F64;
  }
  if (size == 2 && class == H5T_INTEGER && says_bfloat(set)) return H5_BF16;
  const bool sign = class == H5T_INTEGER && H5Tget_sign(type) == H5T_SGN_2;
  *same &= (size == 1 && !sign) || (size == 4 && sign) || size == 8;
  if (size == 1 && !sign) return H5_U8;
  return size < 4 || (size == 4 && sign) ? H5_I32 : H5_I64;
}

PetscErrorCode H5ReaderInfo(H5Reader *reader, const char *name, H5Info *info, bool *found)
{
  PetscFunctionBeginUser;
  *info = (H5Info){0};
  const hid_t set = H5Dopen2(reader->file, name, H5P_DEFAULT);
  *found = set >= 0;
  if (!*found) PetscFunctionReturn(PETSC_SUCCESS);
  const hid_t type = H5Dget_type(set), space = H5Dget_space(set), plist = H5Dget_create_plist(set);
  hsize_t dims[H5S_MAX_RANK] = {0};
  info->rank = H5Sget_simple_extent_dims(space, dims, NULL);
  for (int i = 0; i < 4 && i < info->rank; i++) info->dims[i] = (int64_t)dims[i];
  bool same;
  info->kind = kind_of(type, set, &same);
  if (info->kind == H5_TEXT && info->rank < 4)
    info->dims[info->rank] = H5Tis_variable_str(type) > 0 ? 0 : (int64_t)H5Tget_size(type);
  const haddr_t offset = H5Dget_offset(set);
  info->plain = same && H5Pget_layout(plist) == H5D_CONTIGUOUS && offset != HADDR_UNDEF &&
                H5Pget_external_count(plist) == 0;
  info->offset = offset == HADDR_UNDEF ? 0 : (int64_t)offset;
  H5Pclose(plist);
  H5Sclose(space);
  H5Tclose(type);
  H5Dclose(set);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The type an array of kind `from` is read as for `to`; bfloat16 is widened afterwards. */
static hid_t memory_type(H5Kind from, H5Kind to, const H5Info *info)
{
  if (from == H5_BF16 && to != H5_BF16) return H5Tcopy(H5T_STD_U16LE);
  return h5_file_type(to, to == H5_TEXT && info->rank < 4 ? info->dims[info->rank] : 1);
}

/* In place, from the last: bits of bfloat16 to kind. */
static void widen_in_place(int64_t count, H5Kind kind, void *data)
{
  const uint16_t *from = data;
  for (int64_t i = count - 1; i >= 0; i--) {
    const uint32_t bits = (uint32_t)from[i] << 16;
    float x;
    memcpy(&x, &bits, sizeof(x));
    if (kind == H5_F32)
      ((float *)data)[i] = x;
    else
      ((double *)data)[i] = (double)x;
  }
}

PetscErrorCode H5ReaderRows(H5Reader *reader, const char *name, int64_t first, int64_t rows,
                            H5Kind kind, void *data)
{
  PetscFunctionBeginUser;
  H5Info info;
  bool found;
  PetscCall(H5ReaderInfo(reader, name, &info, &found));
  CheckThat(found, "%s: no array %s", reader->path, name);
  if (info.rank > 0 && rows == 0) PetscFunctionReturn(PETSC_SUCCESS);
  const hid_t set = H5Dopen2(reader->file, name, H5P_DEFAULT), space = H5Dget_space(set);
  const hid_t type = memory_type(info.kind, kind, &info);
  hsize_t start[4] = {(hsize_t)first, 0, 0, 0}, count[4];
  int64_t values = info.rank ? rows : 1;
  for (int i = 0; i < 4; i++) count[i] = i ? (hsize_t)info.dims[i] : (hsize_t)rows;
  for (int i = 1; i < info.rank && i < 4; i++) values *= info.dims[i];
  hid_t memory = H5S_ALL, chosen = H5S_ALL;
  if (info.rank > 0) {
    H5Sselect_hyperslab(space, H5S_SELECT_SET, start, NULL, count, NULL);
    memory = H5Screate_simple(info.rank, count, NULL);
    chosen = space;
  }
  const herr_t error = H5Dread(set, type, memory, chosen, H5P_DEFAULT, data);
  char reason[256];
  if (error < 0) h5_reason(reason, sizeof(reason));
  if (memory != H5S_ALL) H5Sclose(memory);
  H5Tclose(type);
  H5Sclose(space);
  H5Dclose(set);
  PetscCheck(error >= 0, PETSC_COMM_SELF, PETSC_ERR_FILE_READ, "%s: %s: %s", reader->path, name,
             reason);
  if (info.kind == H5_BF16 && kind != H5_BF16) widen_in_place(values, kind, data);
  PetscFunctionReturn(PETSC_SUCCESS);
}

typedef struct {
  int64_t count, space;
  char **name;
} Names;

static void add_name(Names *names, const char *name)
{
  if (names->count == names->space) {
    names->space = names->space ? 2 * names->space : 16;
    names->name = realloc(names->name, (size_t)names->space * sizeof(char *));
  }
  names->name[names->count++] = text_copy(name);
}

static int by_name(const void *a, const void *b)
{
  return strcmp(*(char *const *)a, *(char *const *)b);
}

static herr_t visit_object(hid_t object, const char *name, const H5O_info_t *info, void *names)
{
  (void)object;
  if (info->type == H5O_TYPE_DATASET) add_name(names, name);
  return 0;
}

static herr_t visit_attribute(hid_t object, const char *name, const H5A_info_t *info, void *names)
{
  (void)object;
  (void)info;
  add_name(names, name);
  return 0;
}

PetscErrorCode H5ReaderNames(H5Reader *reader, int64_t *count, char ***names)
{
  PetscFunctionBeginUser;
  Names all = {0};
  H5Ovisit(reader->file, H5_INDEX_NAME, H5_ITER_NATIVE, visit_object, &all);
  if (all.count) qsort(all.name, (size_t)all.count, sizeof(char *), by_name);
  *count = all.count;
  *names = all.name;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode H5ReaderAttributes(H5Reader *reader, const char *object, int64_t *count,
                                  char ***names)
{
  PetscFunctionBeginUser;
  Names all = {0};
  const hid_t id = H5Oopen(reader->file, object ? object : "/", H5P_DEFAULT);
  if (id >= 0) {
    H5Aiterate2(id, H5_INDEX_NAME, H5_ITER_NATIVE, NULL, visit_attribute, &all);
    H5Oclose(id);
  }
  if (all.count) qsort(all.name, (size_t)all.count, sizeof(char *), by_name);
  *count = all.count;
  *names = all.name;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode H5NamesFree(int64_t count, char ***names)
{
  PetscFunctionBeginUser;
  for (int64_t i = 0; i < count; i++) free((*names)[i]);
  free(*names);
  *names = NULL;
  PetscFunctionReturn(PETSC_SUCCESS);
}

void h5_version(char text[32])
{
  unsigned major = 0, minor = 0, release = 0;
  H5get_libversion(&major, &minor, &release);
  snprintf(text, 32, "%u.%u.%u", major, minor, release);
}
