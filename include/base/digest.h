/* Digests of 128 bits (MurmurHash3 x64, Austin Appleby, public domain): they name content, they are
 * no protection against malice. */
#pragma once
#include "base/error.h"

#define DIGEST_LENGTH 33 /* 32 hexadecimal digits and the end */

typedef struct {
  uint64_t h[2];
  int64_t length;
  unsigned char rest[16];
  int kept;
} Digest;

void digest_begin(Digest *digest);
void digest_add(Digest *digest, const void *bytes, size_t count);
void digest_text(Digest *digest, const char *text); /* adds the text and its end */
void digest_end(Digest *digest, char hex[DIGEST_LENGTH]);
/* DigestFile - digest of a file's bytes. Not collective. *found false if it cannot be read. */
PetscErrorCode DigestFile(const char *path, char hex[DIGEST_LENGTH], bool *found);
