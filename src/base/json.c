/* Just enough JSON to read a log and a manifest: every value with its path. */
#include "base/json.h"
#include <string.h>

enum { DEEPEST = 32 };

typedef struct {
  const char *at, *end;
  Text path;
  Table *table;
  int depth;
  bool bad;
} Reader;

static void skip_space(Reader *reader)
{
  while (reader->at < reader->end && strchr(" \t\r\n", *reader->at) && *reader->at) reader->at++;
}

static bool take(Reader *reader, char c)
{
  skip_space(reader);
  if (reader->at >= reader->end || *reader->at != c) return false;
  reader->at++;
  return true;
}

static unsigned hex4(Reader *reader)
{
  unsigned value = 0;
  for (int i = 0; i < 4; i++) {
    static const char digits[] = "0123456789abcdef";
    const char c = reader->at < reader->end ? *reader->at : 0;
    const char *digit = c ? strchr(digits, c >= 'A' && c <= 'F' ? c + 32 : c) : NULL;
    if (!digit) {
      reader->bad = true;
      return 0;
    }
    value = value << 4 | (unsigned)(digit - digits);
    reader->at++;
  }
  return value;
}

static void put_point(Text *to, unsigned u)
{
  char s[4];
  if (u < 0x80)
    text_append(to, (const char[]){(char)u}, 1);
  else if (u < 0x800)
    s[0] = (char)(0xc0 | u >> 6), s[1] = (char)(0x80 | (u & 63)), text_append(to, s, 2);
  else if (u < 0x10000)
    s[0] = (char)(0xe0 | u >> 12), s[1] = (char)(0x80 | (u >> 6 & 63)),
    s[2] = (char)(0x80 | (u & 63)), text_append(to, s, 3);
  else
    s[0] = (char)(0xf0 | u >> 18), s[1] = (char)(0x80 | (u >> 12 & 63)),
    s[2] = (char)(0x80 | (u >> 6 & 63)), s[3] = (char)(0x80 | (u & 63)), text_append(to, s, 4);
}

static void read_escape(Reader *reader, Text *to)
{
  static const char from[] = "\"\\/bfnrt", into[] = "\"\\/\b\f\n\r\t";
  const char c = reader->at < reader->end ? *reader->at++ : 0;
  const char *found = c ? strchr(from, c) : NULL;
  if (found) {
    text_append(to, &into[found - from], 1);
  } else if (c == 'u') {
    unsigned u = hex4(reader);
    if (u >= 0xd800 && u < 0xdc00 && reader->end - reader->at > 6 &&
        !memcmp(reader->at, "\\u", 2)) {
      reader->at += 2;
      u = 0x10000 + ((u - 0xd800) << 10) + ((hex4(reader) - 0xdc00) & 0x3ff);
    }
    put_point(to, u ? u : 0xfffd);
  } else {
    reader->bad = true;
  }
}

/* A string, its opening quote already taken. */
static void read_string(Reader *reader, Text *to)
{
  text_append(to, "", 0);
  while (!reader->bad) {
    const char *start = reader->at;
    while (reader->at < reader->end && *reader->at != '"' && *reader->at != '\\') reader->at++;
    text_append(to, start, (size_t)(reader->at - start));
    if (reader->at >= reader->end)
      reader->bad = true;
    else if (*reader->at++ == '"')
      return;
    else
      read_escape(reader, to);
  }
}

static PetscErrorCode Put(Reader *reader, const char *value)
{
  PetscFunctionBegin;
  PetscCall(TableAddRow(reader->table));
  table_text(reader->table, "path", reader->path.s ? reader->path.s : "");
  table_text(reader->table, "value", value);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Numbers, true, false, null: as written. */
static PetscErrorCode ReadWord(Reader *reader)
{
  char word[64];
  size_t length = 0;

  PetscFunctionBegin;
  while (reader->at < reader->end && *reader->at && length + 1 < sizeof(word) &&
         strchr("+-.0123456789abcdefghijklmnopqrstuvwxyzE", *reader->at))
    word[length++] = *reader->at++;
  word[length] = 0;
  const bool number = strchr("-0123456789", word[0]) && word[0];
  if (!number && strcmp(word, "true") && strcmp(word, "false") && strcmp(word, "null"))
    reader->bad = true;
  else
    PetscCall(Put(reader, strcmp(word, "null") ? word : ""));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ReadValue(Reader *reader);

/* The members of an object or array, its opening bracket already taken. */
static PetscErrorCode ReadMembers(Reader *reader, bool object)
{
  const size_t length = reader->path.length;
  const char close = object ? '}' : ']';

  PetscFunctionBegin;
  if (++reader->depth > DEEPEST) reader->bad = true;
  if (!reader->bad && take(reader, close)) goto done;
  for (int64_t i = 0; !reader->bad; i++) {
    if (length) text_add(&reader->path, ".");
    if (!object) {
      text_add(&reader->path, "%lld", (long long)i);
    } else if (take(reader, '"')) {
      read_string(reader, &reader->path);
      if (!take(reader, ':')) reader->bad = true;
    } else {
      reader->bad = true;
    }
    if (!reader->bad) PetscCall(ReadValue(reader));
    if (reader->path.s) reader->path.s[reader->path.length = length] = 0;
    if (reader->bad || take(reader, close)) break;
    if (!take(reader, ',')) reader->bad = true;
  }
done:
  reader->depth--;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ReadValue(Reader *reader)
{
  PetscFunctionBegin;
  if (take(reader, '{')) {
    PetscCall(ReadMembers(reader, true));
  } else if (take(reader, '[')) {
    PetscCall(ReadMembers(reader, false));
  } else if (take(reader, '"')) {
    Text value = {0};
    read_string(reader, &value);
    if (!reader->bad) PetscCall(Put(reader, value.s));
    text_clear(&value);
  } else {
    PetscCall(ReadWord(reader));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode JsonFlatten(const char *text, size_t length, Table *paths, bool *valid)
{
  Reader reader = {.at = text, .end = text + length, .table = paths};

  PetscFunctionBegin;
  PetscCall(ReadValue(&reader));
  skip_space(&reader);
  *valid = !reader.bad && reader.at == reader.end;
  text_clear(&reader.path);
  PetscFunctionReturn(PETSC_SUCCESS);
}
