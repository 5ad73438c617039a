/* Digests: the published answers of MurmurHash3, and pieces of any size give the digest of the
   whole.
   RUN ranks=1 */
#include "../tap.h"
#include "base/digest.h"
#include "base/file.h"
#include <unistd.h>

static void known(const char *text, const char *expected)
{
  Digest digest;
  char hex[DIGEST_LENGTH];
  digest_begin(&digest);
  digest_add(&digest, text, strlen(text));
  digest_end(&digest, hex);
  OK(!strcmp(hex, expected), "'%s' is %s", text, hex);
}

int main(int argc, char **argv)
{
  TestBegin(&argc, &argv);
  known("", "00000000000000000000000000000000");
  known("hello", "cbd8a7b341bd9b025b1e906a48ae1d19");
  known("hello, world", "342fac623a5ebc8e4cdcbc079642414d");
  known("19 Jan 2038 at 3:14:07 AM", "b89e5988b737affc664fc2950231b2cb");
  known("The quick brown fox jumps over the lazy dog.", "cd99481f9ee902c9695da1a38987b6e7");
  known("The quick brown fox jumps over the lazy dog", "e34bbc7bbc071b6c7a433ca9c49a9347");

  unsigned char bytes[300];
  char whole[DIGEST_LENGTH], parts[DIGEST_LENGTH], other[DIGEST_LENGTH];
  Digest digest;
  bool same = true, differ = true, found;
  for (size_t i = 0; i < sizeof(bytes); i++) bytes[i] = (unsigned char)(i * 7 + i / 13);
  for (size_t length = 0; length < sizeof(bytes); length++) {
    digest_begin(&digest);
    digest_add(&digest, bytes, length);
    digest_end(&digest, whole);
    digest_begin(&digest);
    for (size_t at = 0, step = 1; at < length; at += step, step = step * 3 % 31)
      digest_add(&digest, bytes + at, step < length - at ? step : length - at);
    digest_end(&digest, parts);
    same &= !strcmp(whole, parts);
    if (!length) continue;
    bytes[length / 2] ^= 1;
    digest_begin(&digest);
    digest_add(&digest, bytes, length);
    digest_end(&digest, other);
    bytes[length / 2] ^= 1;
    differ &= strcmp(whole, other) != 0;
  }
  OK(same, "in pieces or at once: the same");
  OK(differ, "one bit changed: another");

  digest_begin(&digest);
  digest_text(&digest, "ab"), digest_text(&digest, "c");
  digest_end(&digest, whole);
  digest_begin(&digest);
  digest_text(&digest, "a"), digest_text(&digest, "bc");
  digest_end(&digest, parts);
  OK(strcmp(whole, parts) != 0, "texts keep their ends");

  RUN(FileWrite("base_digest.test", "hello, world", 12));
  RUN(DigestFile("base_digest.test", whole, &found));
  OK(found && !strcmp(whole, "342fac623a5ebc8e4cdcbc079642414d"), "a file's digest is its bytes'");
  unlink("base_digest.test");
  RUN(DigestFile("base_digest.test", whole, &found));
  OK(!found, "a file that is not there has none");
  return TestEnd();
}
