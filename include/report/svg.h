/* A canvas: lines, shapes and words in user units, y downwards. Colours are inks with a light and a
   dark value: the light one stands in the element, so that a file shows alone anywhere; on a page
   the style sheet of svg_style() replaces it when the reader prefers dark. */
#pragma once
#include "base/text.h"

typedef enum {
  INK_NONE,
  INK_PAPER,                  /* the ground */
  INK_WORDS,                  /* text */
  INK_QUIET,                  /* second text */
  INK_RULE,                   /* axes and frames */
  INK_GRID,                   /* grid lines */
  INK_MODEL,                  /* what was trained */
  INK_START,                  /* the same at step 0 */
  INK_CHANCE,                 /* what chance reaches */
  INK_BAND,                   /* the ground up to there */
  INK_SERIES,                 /* eight inks of a palette that colour-blind readers can tell apart */
  INK_SCALE = INK_SERIES + 8, /* 21 steps from 0 to 1 */
  INK_OVER = INK_SCALE + 21,  /* words on dark steps of the scale */
  INK_COUNT,
} Ink;

typedef struct {
  Ink fill, line;
  double width;     /* of the line; 0: 1 */
  double opacity;   /* 0: 1 */
  const char *dash; /* NULL: a whole line */
} Look;

typedef struct {
  Ink ink;     /* INK_NONE: INK_WORDS */
  double size; /* 0: 13 */
  char anchor; /* 's'tart (also 0), 'm'iddle, 'e'nd */
  bool bold, italic;
  double room; /* longest width; the rest becomes …; 0: no limit */
} Type;

typedef struct {
  double width, height; /* height may be set until the end */
  Text body;
} Svg;

void svg_line(Svg *svg, double x1, double y1, double x2, double y2, Look look);
void svg_rect(Svg *svg, double x, double y, double width, double height, double round, Look look);
void svg_circle(Svg *svg, double x, double y, double radius, Look look);
/* One of eight shapes (circle, square, diamond, triangle, cross …) about the size of a circle of
 * that radius. */
void svg_mark(Svg *svg, int shape, double x, double y, double radius, Look look);
/* A line through n points (x[i], y[i]). */
void svg_path(Svg *svg, int64_t n, const double *x, const double *y, Look look);
/* Upright strokes at x[i], from y - reach to y + reach, as one element. */
void svg_ticks(Svg *svg, int64_t n, const double *x, double y, double reach, Look look);
/* Words, any bytes: made valid and escaped. The whole text is in a tooltip where it was shortened.
 */
void svg_words(Svg *svg, double x, double y, Type type, const char *words);
void svg_print(Svg *svg, double x, double y, Type type, const char *format, ...)
    __attribute__((format(printf, 5, 6)));
/* The part window (x, y, width, height, in its own units) of the element image-<id>, drawn
   elsewhere, in a frame. */
void svg_image(Svg *svg, double x, double y, double width, double height, const double window[4],
               int64_t id);
/* A group that shows the words when pointed at; ends with svg_end. */
void svg_begin(Svg *svg, const char *tooltip);
void svg_end(Svg *svg);
/* About how wide the words will be. */
double svg_width(const char *words, double size, bool bold);

/* The element for a page: title and description are what a screen reader says; id must be unique.
 */
void svg_inline(const Svg *svg, const char *id, const char *title, const char *description,
                Text *to);
/* A whole file, with title above and note below the picture. */
void svg_file(const Svg *svg, const char *title, const char *note, Text *to);
/* The style sheet: dark values of all inks. */
void svg_style(Text *to);

/* Adds any bytes as text: valid UTF-8 only (else U+FFFD), escaped for HTML and XML. */
void text_safe(Text *to, const char *bytes);
/* How many bytes the next character has; *point gets it, U+FFFD for bytes that are none. */
int text_point(const char *at, unsigned *point);

/* From values to places. */
typedef struct {
  double low, high; /* values */
  double from, to;  /* places */
  bool log;         /* low > 0 */
} Scale;

/* A scale whose ends are round numbers around low..high. */
Scale scale_around(double low, double high, bool log, double from, double to);
double scale_at(const Scale *scale, double value);
/* Round numbers on it, at most about most; gives how many (at most 16). */
int scale_ticks(const Scale *scale, int most, double *tick);
/* A tick, or another number, in few words: 0.25, 1,200, 3M. */
void text_short(Text *to, double value);
/* With so many decimals and a true minus sign; a dash for NaN. */
void text_fixed(Text *to, double value, int decimals);
