/* What the two halves of the HDF5 door share. */
#pragma once
#include "base/h5.h"
#include <hdf5.h>
#include <inttypes.h>

/* Makes HDF5 silent and independent of file locks; before every first call of a half. */
void h5_begin(void);
/* The type of an element as it lies in the file; text has length bytes. Closed by H5Tclose. */
hid_t h5_file_type(H5Kind kind, int64_t length);
/* What HDF5 last complained about, in its own words. */
void h5_reason(char *text, size_t size);
/* The open file of a reader. */
hid_t h5_file_of(H5Reader *reader);
