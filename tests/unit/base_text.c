/* Growing strings: printing, escaping for HTML, CSV and JSON, numbers that read back.
   RUN ranks=1 */
#include "../tap.h"
#include "base/random.h"
#include "base/text.h"
#include <stdlib.h>

static void escaped(void (*escape)(Text *, const char *), const char *s, const char *expected)
{
  Text text = {0};
  escape(&text, s);
  OK(!strcmp(text.s, expected), "%s", text.s);
  text_clear(&text);
}

static void numbers(void)
{
  static const struct {
    double x;
    const char *text;
  } shown[] = {{0, "0"},
               {3, "3"},
               {-17, "-17"},
               {0.1, "0.1"},
               {1e-5, "1e-05"},
               {1.5, "1.5"},
               {123456789, "123456789"}};
  for (size_t i = 0; i < sizeof(shown) / sizeof(*shown); i++) {
    Text text = {0};
    text_number(&text, shown[i].x);
    OK(!strcmp(text.s, shown[i].text), "%s is written %s", shown[i].text, text.s);
    text_clear(&text);
  }
  bool back = true;
  for (uint64_t i = 0; i < 5000; i++) {
    const RandomBits bits = random_bits(1, RANDOM_SYNTH, i);
    double x;
    memcpy(&x, bits.word, sizeof(x));
    if (!isfinite(x)) continue;
    Text text = {0};
    text_number(&text, x);
    back &= strtod(text.s, NULL) == x;
    text_clear(&text);
  }
  OK(back, "numbers of any bits read back as they were");
}

int main(int argc, char **argv)
{
  TestBegin(&argc, &argv);
  Text text = {0};
  text_add(&text, "%d atoms", 12);
  text_append(&text, " and more", 4);
  OK(!strcmp(text.s, "12 atoms and") && text.length == 12, "%s", text.s);
  for (int i = 0; i < 10000; i++) text_add(&text, "%04d", i);
  OK(text.length == 40012 && !strcmp(text.s + 40008, "9999"), "it grows");
  text_clear(&text);
  OK(!text.s && !text.length, "and is emptied");
  escaped(text_html, "<a href=\"x\">Tom & 'Jerry'\x01</a>",
          "&lt;a href=&quot;x&quot;&gt;Tom &amp; &#39;Jerry&#39;&lt;/a&gt;");
  escaped(text_html, "caf\xc3\xa9 \xf0\x9f\x90\x88", "caf\xc3\xa9 \xf0\x9f\x90\x88");
  escaped(text_csv, "plain text", "plain text");
  escaped(text_csv, "a,b", "\"a,b\"");
  escaped(text_csv, "say \"no\"", "\"say \"\"no\"\"\"");
  escaped(text_csv, "two\nlines", "\"two\nlines\"");
  escaped(text_json, "a\"b\\c\n\t\x01", "\"a\\\"b\\\\c\\u000a\\u0009\\u0001\"");
  numbers();
  char *copy = text_copy(NULL);
  OK(!strcmp(copy, ""), "a copy of nothing is empty");
  free(copy);
  return TestEnd();
}
