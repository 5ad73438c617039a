/* MurmurHash3, 128 bits for x64 (Austin Appleby, public domain), in pieces. */
#include "base/digest.h"
#include <stdio.h>
#include <string.h>

static uint64_t turn(uint64_t x, int by)
{
  return x << by | x >> (64 - by);
}

static uint64_t finish(uint64_t k)
{
  k = (k ^ (k >> 33)) * 0xff51afd7ed558ccdu;
  k = (k ^ (k >> 33)) * 0xc4ceb9fe1a85ec53u;
  return k ^ (k >> 33);
}

static const uint64_t c1 = 0x87c37b91114253d5u, c2 = 0x4cf5ad432745937fu;

static void block(uint64_t h[2], const unsigned char *bytes)
{
  uint64_t k1, k2;
  memcpy(&k1, bytes, 8);
  memcpy(&k2, bytes + 8, 8);
  h[0] ^= turn(k1 * c1, 31) * c2;
  h[0] = (turn(h[0], 27) + h[1]) * 5 + 0x52dce729;
  h[1] ^= turn(k2 * c2, 33) * c1;
  h[1] = (turn(h[1], 31) + h[0]) * 5 + 0x38495ab5;
}

void digest_begin(Digest *digest)
{
  memset(digest, 0, sizeof(*digest));
}

void digest_add(Digest *digest, const void *bytes, size_t count)
{
  const unsigned char *p = bytes;
  digest->length += (int64_t)count;
  while (count) {
    if (!digest->kept && count >= 16) {
      const size_t whole = count / 16;
      for (size_t i = 0; i < whole; i++) block(digest->h, p + 16 * i);
      p += 16 * whole, count -= 16 * whole;
      continue;
    }
    digest->rest[digest->kept++] = *p++, count--;
    if (digest->kept == 16) block(digest->h, digest->rest), digest->kept = 0;
  }
}

void digest_text(Digest *digest, const char *text)
{
  digest_add(digest, text, strlen(text) + 1);
}

void digest_end(Digest *digest, char hex[DIGEST_LENGTH])
{
  uint64_t k[2] = {0, 0}, h1 = digest->h[0], h2 = digest->h[1];
  for (int i = 0; i < digest->kept; i++) k[i >> 3] |= (uint64_t)digest->rest[i] << 8 * (i & 7);
  if (digest->kept > 8) h2 ^= turn(k[1] * c2, 33) * c1;
  if (digest->kept) h1 ^= turn(k[0] * c1, 31) * c2;
  h1 ^= (uint64_t)digest->length, h2 ^= (uint64_t)digest->length;
  h1 += h2, h2 += h1;
  h1 = finish(h1), h2 = finish(h2);
  h1 += h2, h2 += h1;
  snprintf(hex, DIGEST_LENGTH, "%016llx%016llx", (unsigned long long)h1, (unsigned long long)h2);
}

PetscErrorCode DigestFile(const char *path, char hex[DIGEST_LENGTH], bool *found)
{
  static const size_t size = 1 << 16;
  char buffer[1 << 16];
  Digest digest;
  PetscFunctionBegin;
  FILE *f = fopen(path, "rb");
  *found = f != NULL;
  hex[0] = 0;
  if (!f) PetscFunctionReturn(PETSC_SUCCESS);
  digest_begin(&digest);
  for (size_t got; (got = fread(buffer, 1, size, f)) > 0;) digest_add(&digest, buffer, got);
  *found = !ferror(f);
  fclose(f);
  digest_end(&digest, hex);
  PetscFunctionReturn(PETSC_SUCCESS);
}
