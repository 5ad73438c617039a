/* The canvas: elements with light colours in place, and classes for the dark ones. */
#include "report/svg.h"
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
  unsigned light, dark;
} inks[INK_SCALE] = {
    [INK_PAPER] = {0xffffff, 0x11161c},      [INK_WORDS] = {0x1b2430, 0xe9edf2},
    [INK_QUIET] = {0x576271, 0xa9b4c0},      [INK_RULE] = {0x8a95a3, 0x6d7986},
    [INK_GRID] = {0xe4e8ed, 0x2a323c},       [INK_MODEL] = {0x0a5ca8, 0x74bbf5},
    [INK_START] = {0x1b2430, 0xe9edf2},      [INK_CHANCE] = {0xb0500a, 0xf2a65e},
    [INK_BAND] = {0xf8efe5, 0x2b231a},       [INK_SERIES + 0] = {0x0a6cb0, 0x57b0ec},
    [INK_SERIES + 1] = {0xcf5400, 0xff9147}, [INK_SERIES + 2] = {0x00896a, 0x35cda2},
    [INK_SERIES + 3] = {0xa83d8f, 0xe795cd}, [INK_SERIES + 4] = {0x8a6a00, 0xf0c044},
    [INK_SERIES + 5] = {0x3c9ad6, 0xa5d9fb}, [INK_SERIES + 6] = {0x4d5560, 0xbcc4cd},
    [INK_SERIES + 7] = {0x8c2050, 0xe0718f},
};
/* The scale runs through these. */
static const unsigned scale_stops[2][5] = {
    {0xeef2f6, 0xc3d7e8, 0x7fb0d6, 0x2f74b0, 0x08306b},
    {0x1d2530, 0x1d4058, 0x25618c, 0x4d9ad2, 0xd9eeff},
};

static unsigned ink_colour(Ink ink, bool dark)
{
  if (ink == INK_OVER) return dark ? 0x0b1118 : 0xffffff;
  if (ink < INK_SCALE) return dark ? inks[ink].dark : inks[ink].light;
  const int at = (int)ink - INK_SCALE, stop = at == 20 ? 3 : at / 5, part = at - 5 * stop;
  unsigned colour = 0;
  for (int shift = 16; shift >= 0; shift -= 8) {
    const int a = (scale_stops[dark][stop] >> shift) & 255,
              b = (scale_stops[dark][stop + 1] >> shift) & 255;
    colour |= (unsigned)((a * (5 - part) + b * part + 2) / 5) << shift;
  }
  return colour;
}

/* 0.1 units are finer than any screen; -0 is 0. */
static void place(Text *to, const char *name, double value)
{
  text_add(to, " %s=\"", name);
  const double tenth = isfinite(value) ? round(value * 10) : 0;
  if (fabs(tenth) < 1e9 && fmod(tenth, 10) == 0)
    text_add(to, "%.0f\"", tenth / 10 + 0.0);
  else
    text_add(to, "%.1f\"", tenth / 10);
}

static void put_look(Text *to, Look look)
{
  const char *between = "";
  if (look.fill || look.line) {
    text_add(to, " class=\"");
    if (look.fill) text_add(to, "f%d", look.fill), between = " ";
    if (look.line) text_add(to, "%ss%d", between, look.line);
    text_add(to, "\"");
  }
  if (look.fill)
    text_add(to, " fill=\"#%06x\"", ink_colour(look.fill, false));
  else
    text_add(to, " fill=\"none\"");
  if (look.line) text_add(to, " stroke=\"#%06x\"", ink_colour(look.line, false));
  if (look.line && look.width > 0) place(to, "stroke-width", look.width);
  if (look.line && look.dash) text_add(to, " stroke-dasharray=\"%s\"", look.dash);
  if (look.opacity > 0 && look.opacity < 1) place(to, "opacity", look.opacity);
}

void svg_line(Svg *svg, double x1, double y1, double x2, double y2, Look look)
{
  Text *to = &svg->body;
  text_add(to, "<line");
  place(to, "x1", x1), place(to, "y1", y1), place(to, "x2", x2), place(to, "y2", y2);
  put_look(to, look);
  text_add(to, "/>\n");
}

void svg_rect(Svg *svg, double x, double y, double width, double height, double rounded, Look look)
{
  Text *to = &svg->body;
  text_add(to, "<rect");
  place(to, "x", x), place(to, "y", y);
  place(to, "width", fmax(width, 0)), place(to, "height", fmax(height, 0));
  if (rounded > 0) place(to, "rx", rounded);
  put_look(to, look);
  text_add(to, "/>\n");
}

void svg_circle(Svg *svg, double x, double y, double radius, Look look)
{
  Text *to = &svg->body;
  text_add(to, "<circle");
  place(to, "cx", x), place(to, "cy", y), place(to, "r", radius);
  put_look(to, look);
  text_add(to, "/>\n");
}

static void put_points(Text *to, const char *element, int64_t n, const double *x, const double *y)
{
  text_add(to, "<%s points=\"", element);
  for (int64_t i = 0; i < n; i++) text_add(to, "%s%.1f,%.1f", i ? " " : "", x[i], y[i]);
  text_add(to, "\"");
}

void svg_mark(Svg *svg, int shape, double x, double y, double r, Look look)
{
  static const int8_t corner[7][12][2] = {
      {{-9, -9}, {9, -9}, {9, 9}, {-9, 9}},
      {{0, -13}, {13, 0}, {0, 13}, {-13, 0}},
      {{0, -13}, {12, 9}, {-12, 9}},
      {{0, 13}, {12, -9}, {-12, -9}},
      {{-4, -12},
       {4, -12},
       {4, -4},
       {12, -4},
       {12, 4},
       {4, 4},
       {4, 12},
       {-4, 12},
       {-4, 4},
       {-12, 4},
       {-12, -4},
       {-4, -4}},
      {{-6, -11}, {6, -11}, {12, 0}, {6, 11}, {-6, 11}, {-12, 0}},
      {{0, -12}, {11, -4}, {7, 10}, {-7, 10}, {-11, -4}},
  };
  static const int corners[7] = {4, 4, 3, 3, 12, 6, 5};
  double px[12], py[12];
  shape = shape < 0 ? 0 : shape % 8;
  if (!shape) {
    svg_circle(svg, x, y, r, look);
    return;
  }
  for (int i = 0; i < corners[shape - 1]; i++) {
    px[i] = x + r * corner[shape - 1][i][0] / 10;
    py[i] = y + r * corner[shape - 1][i][1] / 10;
  }
  put_points(&svg->body, "polygon", corners[shape - 1], px, py);
  put_look(&svg->body, look);
  text_add(&svg->body, "/>\n");
}

void svg_path(Svg *svg, int64_t n, const double *x, const double *y, Look look)
{
  put_points(&svg->body, "polyline", n, x, y);
  put_look(&svg->body, look);
  text_add(&svg->body, " stroke-linejoin=\"round\"/>\n");
}

void svg_ticks(Svg *svg, int64_t n, const double *x, double y, double reach, Look look)
{
  text_add(&svg->body, "<path d=\"");
  for (int64_t i = 0; i < n; i++)
    text_add(&svg->body, "M%.1f %.1fv%.1f", x[i], y - reach, 2 * reach);
  text_add(&svg->body, "\"");
  put_look(&svg->body, look);
  text_add(&svg->body, "/>\n");
}

int text_point(const char *at, unsigned *point)
{
  const unsigned char *s = (const unsigned char *)at;
  const int more = s[0] < 0x80                   ? 0
                   : s[0] >= 0xc2 && s[0] < 0xe0 ? 1
                   : s[0] >= 0xe0 && s[0] < 0xf0 ? 2
                   : s[0] >= 0xf0 && s[0] < 0xf5 ? 3
                                                 : -1;
  unsigned u = more <= 0 ? s[0] : s[0] & (0x3fu >> more);
  for (int i = 1; i <= more; i++) {
    if ((s[i] & 0xc0) != 0x80) return *point = 0xfffd, 1;
    u = u << 6 | (s[i] & 0x3f);
  }
  const bool bad = more < 0 || (more == 2 && u < 0x800) ||
                   (more == 3 && (u < 0x10000 || u > 0x10ffff)) || (u >= 0xd800 && u < 0xe000) ||
                   u == 0xfffe || u == 0xffff || u == 0x7f || (u >= 0x80 && u < 0xa0) ||
                   (u < 32 && u != '\n' && u != '\t');
  *point = bad ? 0xfffd : u;
  return more < 0 ? 1 : more + 1;
}

void text_safe(Text *to, const char *bytes)
{
  for (int step; *bytes; bytes += step) {
    unsigned point;
    char one[5] = "";
    step = text_point(bytes, &point);
    memcpy(one, bytes, (size_t)step);
    text_html(to, point == 0xfffd ? "\xef\xbf\xbd" : one);
  }
}

/* Of the common faces the widest are this much wider than the table says. */
#define WIDER 1.12
#define WIDER_BOLD 1.2

static double point_width(unsigned u)
{
  static const char widths[] = /* of ' ' … '~', in 1/20 em, for common sans serif faces */
      "\6\6\7\14\14\22\15\4\7\7\10\14\6\7\6\6\14\14\14\14\14\14\14\14\14\14\6\6\14\14\14\14\24"
      "\15\15\17\17\15\14\20\17\6\12\15\13\21\17\20\15\20\17\15\14\17\15\23\15\15\14\6\6\6\12\14\7"
      "\14\14\12\14\14\6\14\14\5\5\12\5\21\14\14\14\14\7\12\6\14\12\17\12\12\12\7\5\7\14";
  if (u >= 32 && u < 127) return widths[u - 32] / 20.0;
  return u < 0x1100 || (u >= 0x2000 && u < 0x2e80) ? 0.62 : 1.15;
}

double svg_width(const char *words, double size, bool bold)
{
  double width = 0;
  for (unsigned point; *words;) words += text_point(words, &point), width += point_width(point);
  return width * size * (bold ? WIDER_BOLD : WIDER);
}

/* The first bytes of words that fit in room with an ellipsis; the length of words if all do. */
static size_t fitting(const char *words, const Type *type, double size)
{
  const double room = (type->room / size) / (type->bold ? WIDER_BOLD : WIDER);
  double width = 0;
  size_t fits = 0, at = 0;
  while (words[at]) {
    unsigned point;
    const int step = text_point(words + at, &point);
    if (width + 0.9 <= room) fits = at;
    width += point_width(point);
    at += (size_t)step;
    if (width > room) return fits;
  }
  return at;
}

static void put_start(Text *to, const char *words)
{
  const size_t length = strlen(words), most = 300;
  char start[301 + 4];
  snprintf(start, most + 1, "%s", words);
  if (length > most) memcpy(start + most, "\xe2\x80\xa6", 4);
  text_safe(to, start);
}

void svg_words(Svg *svg, double x, double y, Type type, const char *words)
{
  Text *to = &svg->body;
  const double size = type.size > 0 ? type.size : 13;
  const size_t all = strlen(words), fits = type.room > 0 ? fitting(words, &type, size) : all;
  const Ink ink = type.ink ? type.ink : INK_WORDS;
  text_add(to, "<text");
  place(to, "x", x), place(to, "y", y), place(to, "font-size", size);
  text_add(to, " class=\"f%d\" fill=\"#%06x\"", ink, ink_colour(ink, false));
  if (type.anchor == 'm' || type.anchor == 'e')
    text_add(to, " text-anchor=\"%s\"", type.anchor == 'm' ? "middle" : "end");
  if (type.bold) text_add(to, " font-weight=\"600\"");
  if (type.italic) text_add(to, " font-style=\"italic\"");
  text_add(to, ">");
  if (fits < all) {
    char *start = text_copy(words);
    start[fits] = 0;
    text_add(to, "<title>"), put_start(to, words), text_add(to, "</title>");
    text_safe(to, start), text_add(to, "\xe2\x80\xa6");
    free(start);
  } else {
    text_safe(to, words);
  }
  text_add(to, "</text>\n");
}

void svg_print(Svg *svg, double x, double y, Type type, const char *format, ...)
{
  char words[1024];
  va_list list;
  va_start(list, format);
  vsnprintf(words, sizeof(words), format, list);
  va_end(list);
  svg_words(svg, x, y, type, words);
}

void svg_image(Svg *svg, double x, double y, double width, double height, const double window[4],
               int64_t id)
{
  Text *to = &svg->body;
  text_add(to, "<svg");
  place(to, "x", x), place(to, "y", y), place(to, "width", width), place(to, "height", height);
  text_add(to,
           " viewBox=\"%.6g %.6g %.6g %.6g\" class=\"part\"><use href=\"#image-%lld\"/></svg>\n",
           window[0], window[1], window[2], window[3], (long long)id);
}

void svg_begin(Svg *svg, const char *tooltip)
{
  text_add(&svg->body, "<g><title>");
  put_start(&svg->body, tooltip);
  text_add(&svg->body, "</title>\n");
}

void svg_end(Svg *svg)
{
  text_add(&svg->body, "</g>\n");
}

#define FACES "system-ui,-apple-system,'Segoe UI',Roboto,'Helvetica Neue',Arial,sans-serif"

void svg_inline(const Svg *svg, const char *id, const char *title, const char *description,
                Text *to)
{
  text_add(to, "<svg viewBox=\"0 0 %.0f %.0f\" role=\"img\" aria-labelledby=\"%s-t %s-d\"",
           svg->width, svg->height, id, id);
  text_add(to, " font-family=\"" FACES "\" xmlns=\"http://www.w3.org/2000/svg\">\n");
  text_add(to, "<title id=\"%s-t\">", id), text_safe(to, title);
  text_add(to, "</title>\n<desc id=\"%s-d\">", id), text_safe(to, description);
  text_add(to, "</desc>\n");
  text_append(to, svg->body.s ? svg->body.s : "", svg->body.length);
  text_add(to, "</svg>\n");
}

/* Sets words in lines of at most room, from y on; gives the y after the last. */
static double put_lines(Svg *svg, double y, double room, Type type, const char *words)
{
  while (*words) {
    size_t end = 0, at = 0;
    double width = 0;
    do {
      unsigned point;
      at += (size_t)text_point(words + at, &point);
      width += point_width(point) * type.size * WIDER;
      if (strchr(" \n", words[at])) end = width <= room || !end ? at : end;
    } while (words[at] && words[at] != '\n' && width <= room);
    char *line = text_copy(words);
    line[end] = 0;
    svg_words(svg, 20, y, type, line);
    free(line);
    y += type.size * 1.45;
    words += end + (words[end] != 0);
  }
  return y;
}

void svg_file(const Svg *svg, const char *title, const char *note, Text *to)
{
  Svg frame = {.width = svg->width + 40};
  const double top = 56;
  svg_words(&frame, 20, 34, (Type){.size = 20, .bold = true, .room = svg->width}, title);
  text_add(&frame.body, "<g transform=\"translate(20 %.0f)\">\n", top);
  text_append(&frame.body, svg->body.s ? svg->body.s : "", svg->body.length);
  text_add(&frame.body, "</g>\n");
  const double bottom = put_lines(&frame, top + svg->height + 26, svg->width,
                                  (Type){.size = 11.5, .ink = INK_QUIET}, note);
  frame.height = bottom + 6;
  text_add(to,
           "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<svg xmlns=\"http://www.w3.org/2000/svg\"");
  text_add(to, " width=\"%.0f\" height=\"%.0f\" viewBox=\"0 0 %.0f %.0f\" role=\"img\"",
           frame.width, frame.height, frame.width, frame.height);
  text_add(to, " font-family=\"" FACES "\">\n<title>"), text_safe(to, title);
  text_add(to, "</title>\n<desc>"), text_safe(to, note);
  text_add(to, "</desc>\n<rect width=\"100%%\" height=\"100%%\" fill=\"#ffffff\"/>\n");
  text_append(to, frame.body.s, frame.body.length);
  text_add(to, "</svg>\n");
  text_clear(&frame.body);
}

void svg_style(Text *to)
{
  for (Ink ink = INK_PAPER; ink < INK_COUNT; ink++)
    text_add(to, ".f%d{fill:#%06x}.s%d{stroke:#%06x}%s", ink, ink_colour(ink, true), ink,
             ink_colour(ink, true), ink % 4 ? "" : "\n");
}
