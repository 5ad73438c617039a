/* A growing string. Zero-initialised is empty; text_clear frees. */
#pragma once
#include "base/error.h"

typedef struct {
  char *s; /* NULL while nothing was added */
  size_t length, space;
} Text;

void text_add(Text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
void text_append(Text *text, const char *bytes, size_t count);
/* Adds s with <, >, &, " and ' escaped for HTML and XML. */
void text_html(Text *text, const char *s);
/* Adds s as one CSV cell, quoted where needed. */
void text_csv(Text *text, const char *s);
/* Adds s as a JSON string with its quotes. */
void text_json(Text *text, const char *s);
/* Adds the shortest decimal that reads back as x: integers plain, else up to 17 digits. */
void text_number(Text *text, double x);
void text_clear(Text *text);
/* A copy of s that the caller frees with free(); never NULL. */
char *text_copy(const char *s);
