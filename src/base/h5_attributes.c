/* Reading the attributes of HDF5 files. */
#include "h5_types.h"
#include <stdlib.h>
#include <string.h>

/* The attribute opened, or a negative number. */
static hid_t open_attribute(H5Reader *reader, const char *object, const char *name)
{
  const hid_t id = H5Oopen(h5_file_of(reader), object ? object : "/", H5P_DEFAULT);
  if (id < 0) return -1;
  const hid_t attribute = H5Aexists(id, name) > 0 ? H5Aopen(id, name, H5P_DEFAULT) : -1;
  H5Oclose(id);
  return attribute;
}

static int64_t elements(hid_t attribute)
{
  const hid_t space = H5Aget_space(attribute);
  const hssize_t n = H5Sget_simple_extent_npoints(space);
  H5Sclose(space);
  return (int64_t)n;
}

/* One text, of fixed or variable length, in fresh memory; NULL: not text, or several. */
static char *read_text(hid_t attribute)
{
  const hid_t type = H5Aget_type(attribute);
  char *value = NULL;
  if (H5Tget_class(type) == H5T_STRING && elements(attribute) == 1) {
    if (H5Tis_variable_str(type) > 0) {
      char *given = NULL;
      const hid_t memory = H5Tcopy(H5T_C_S1);
      H5Tset_size(memory, H5T_VARIABLE);
      H5Tset_cset(memory, H5Tget_cset(type));
      if (H5Aread(attribute, memory, &given) >= 0 && given) value = text_copy(given);
      if (given) H5free_memory(given);
      H5Tclose(memory);
    } else {
      char *bytes = calloc(H5Tget_size(type) + 1, 1);
      if (H5Aread(attribute, type, bytes) >= 0) value = text_copy(bytes);
      free(bytes);
    }
  }
  H5Tclose(type);
  return value;
}

PetscErrorCode H5ReaderText(H5Reader *reader, const char *object, const char *name, char **value,
                            bool *found)
{
  PetscFunctionBeginUser;
  const hid_t attribute = open_attribute(reader, object, name);
  *value = attribute >= 0 ? read_text(attribute) : NULL;
  *found = *value != NULL;
  if (attribute >= 0) H5Aclose(attribute);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode H5ReaderReals(H5Reader *reader, const char *object, const char *name, int64_t count,
                             double *values, bool *found)
{
  PetscFunctionBeginUser;
  const hid_t attribute = open_attribute(reader, object, name);
  *found = attribute >= 0 && elements(attribute) == count &&
           H5Aread(attribute, H5T_NATIVE_DOUBLE, values) >= 0;
  if (attribute >= 0) H5Aclose(attribute);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode H5ReaderInteger(H5Reader *reader, const char *object, const char *name,
                               int64_t *value, bool *found)
{
  PetscFunctionBeginUser;
  const hid_t attribute = open_attribute(reader, object, name);
  *found = false;
  if (attribute >= 0) {
    const hid_t type = H5Aget_type(attribute);
    *found = H5Tget_class(type) == H5T_INTEGER && elements(attribute) == 1 &&
             H5Aread(attribute, H5T_NATIVE_INT64, value) >= 0;
    H5Tclose(type);
    H5Aclose(attribute);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode H5ReaderDescribe(H5Reader *reader, const char *object, const char *name, Text *value)
{
  PetscFunctionBeginUser;
  const hid_t attribute = open_attribute(reader, object, name);
  if (attribute < 0) PetscFunctionReturn(PETSC_SUCCESS);
  const hid_t type = H5Aget_type(attribute);
  const H5T_class_t class = H5Tget_class(type);
  const int64_t n = elements(attribute);
  char *text = read_text(attribute);
  if (text) {
    text_add(value, "%s", text);
  } else if (class == H5T_INTEGER || class == H5T_FLOAT) {
    double *reals;
    PetscCall(PetscMalloc1(n, &reals));
    int64_t *integers = (int64_t *)reals;
    if (class == H5T_FLOAT)
      H5Aread(attribute, H5T_NATIVE_DOUBLE, reals);
    else
      H5Aread(attribute, H5T_NATIVE_INT64, integers);
    for (int64_t i = 0; i < n; i++) {
      if (class == H5T_FLOAT)
        text_add(value, "%s%.17g", i ? " " : "", reals[i]);
      else
        text_add(value, "%s%" PRId64, i ? " " : "", integers[i]);
    }
    PetscCall(PetscFree(reals));
  } else {
    text_add(value, "(%" PRId64 " values of another type)", n);
  }
  free(text);
  H5Tclose(type);
  H5Aclose(attribute);
  PetscFunctionReturn(PETSC_SUCCESS);
}
