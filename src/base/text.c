/* A growing string. */
#include "base/text.h"
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void reserve(Text *text, size_t more)
{
  if (text->length + more + 1 <= text->space) return;
  size_t space = text->space ? text->space : 64;
  while (space < text->length + more + 1) space *= 2;
  char *s = realloc(text->s, space);
  if (!s) abort(); /* no memory for a message */
  text->s = s, text->space = space;
}

void text_add(Text *text, const char *format, ...)
{
  va_list list;
  va_start(list, format);
  const int length = vsnprintf(NULL, 0, format, list);
  va_end(list);
  reserve(text, (size_t)length);
  va_start(list, format);
  vsnprintf(text->s + text->length, (size_t)length + 1, format, list);
  va_end(list);
  text->length += (size_t)length;
}

void text_append(Text *text, const char *bytes, size_t count)
{
  reserve(text, count);
  if (count) memcpy(text->s + text->length, bytes, count);
  text->length += count;
  text->s[text->length] = 0;
}

void text_html(Text *text, const char *s)
{
  for (; *s; s++) switch (*s) {
    case '<':
      text_append(text, "&lt;", 4);
      break;
    case '>':
      text_append(text, "&gt;", 4);
      break;
    case '&':
      text_append(text, "&amp;", 5);
      break;
    case '"':
      text_append(text, "&quot;", 6);
      break;
    case '\'':
      text_append(text, "&#39;", 5);
      break;
    default:
      if ((unsigned char)*s >= 32 || *s == '\n' || *s == '\t') text_append(text, s, 1);
    }
}

void text_csv(Text *text, const char *s)
{
  if (!strpbrk(s, ",\"\r\n")) {
    text_append(text, s, strlen(s));
    return;
  }
  text_append(text, "\"", 1);
  for (; *s; s++) text_append(text, *s == '"' ? "\"\"" : s, *s == '"' ? 2 : 1);
  text_append(text, "\"", 1);
}

void text_json(Text *text, const char *s)
{
  text_append(text, "\"", 1);
  for (; *s; s++) {
    const unsigned char c = (unsigned char)*s;
    if (c == '"' || c == '\\')
      text_add(text, "\\%c", c);
    else if (c < 32)
      text_add(text, "\\u%04x", c);
    else
      text_append(text, s, 1);
  }
  text_append(text, "\"", 1);
}

void text_number(Text *text, double x)
{
  char buffer[40];
  for (int digits = 1; digits <= 17; digits++) {
    snprintf(buffer, sizeof(buffer), "%.*g", digits, x);
    if (strtod(buffer, NULL) == x || isnan(x)) break;
  }
  if (fabs(x) < 1e15 && x == floor(x)) snprintf(buffer, sizeof(buffer), "%.0f", x);
  text_append(text, buffer, strlen(buffer));
}

void text_clear(Text *text)
{
  free(text->s);
  memset(text, 0, sizeof(*text));
}

char *text_copy(const char *s)
{
  char *copy = strdup(s ? s : "");
  if (!copy) abort();
  return copy;
}
