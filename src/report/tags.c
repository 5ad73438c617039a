/* Names of models beside a plot. */
#include "report/chart.h"
#include <math.h>
#include <stdlib.h>

static int by_height(const void *a, const void *b)
{
  const Tag *s = a, *t = b;
  return s->y < t->y ? -1 : s->y > t->y ? 1 : s->model < t->model ? -1 : 1;
}

/* Labels keep the order of the marks, at least 19 apart, as near to them as that allows. */
static void spread_labels(Tag *tag, int64_t count, double top, double bottom)
{
  const double apart = 19;
  for (int64_t i = 0; i < count; i++)
    tag[i].label = fmax(tag[i].y, i ? tag[i - 1].label + apart : top + 6);
  for (int64_t i = count - 1; i >= 0; i--)
    tag[i].label = fmin(tag[i].label, i < count - 1 ? tag[i + 1].label - apart : bottom - 6);
}

void draw_mark(Svg *svg, double x, double y, int64_t model)
{
  svg_mark(svg, model_shape(model), x, y, 6,
           (Look){.fill = model_ink(model), .line = INK_PAPER, .width = 1, .opacity = 0.9});
}

void draw_tags(Svg *svg, const Report *report, int64_t count, Tag *tag, double right, double top,
               double bottom)
{
  qsort(tag, (size_t)count, sizeof(*tag), by_height);
  spread_labels(tag, count, top, bottom);
  for (int64_t i = 0; i < count; i++) {
    const double x = svg_wide(svg) ? right + 26 : 12,
                 y = svg_wide(svg) ? tag[i].label : bottom + 62 + 21 * (double)i;
    if (svg_wide(svg)) {
      const double px[] = {tag[i].x + 9, right + 4, right + 16},
                   py[] = {tag[i].y, tag[i].label, tag[i].label};
      svg_path(svg, 3, px, py, (Look){.line = model_ink(tag[i].model), .opacity = 0.45});
    }
    draw_mark(svg, x, y, tag[i].model);
    svg_words(svg, x + 13, y + 4.5, (Type){.size = 13, .room = svg->width - x - 13},
              table_cell(report->models, tag[i].model, "model"));
    svg->height = fmax(svg->height, y + 16);
  }
}
