/* Draws the atlas of one model. */
#include "report/atlas.h"
#include "report/chart.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { WINDOW = 5, MOST_TOKENS = 16 }; /* cells around a patch that are shown, each way */

/* The runs that a model's rows name, in plan order, with their numbers there. */
typedef struct {
  int count;
  const char *id[64];
  int number[64];
} Runs;

/* What is drawn, and where. */
typedef struct {
  Svg *svg;
  const Report *report;
  const Images *images;
  const char *model;
  Runs runs;
  bool pictures;
  double left, width; /* of a column of groups */
} Sheet;

static const char *cell(const Sheet *sheet, int64_t row, const char *column)
{
  return table_cell(sheet->report->atlas, row, column);
}

static double number(const Sheet *sheet, int64_t row, const char *column)
{
  return table_real(sheet->report->atlas, row, column);
}

static Runs list_runs(const Report *report, const char *model)
{
  const Table *plan = report->plan, *atlas = report->atlas;
  Runs runs = {0};
  for (int64_t r = 0, n = 0; r < plan->rows && runs.count < 64; r++) {
    if (strcmp(table_cell(plan, r, "model"), model)) continue;
    n++;
    for (int64_t i = 0; i < atlas->rows; i++)
      if (!strcmp(table_cell(atlas, i, "run"), table_cell(plan, r, "run")) &&
          !strcmp(table_cell(atlas, i, "model"), model)) {
        runs.number[runs.count] = (int)n;
        runs.id[runs.count++] = table_cell(plan, r, "run");
        break;
      }
  }
  return runs;
}

/* What a token is, in words, and where it is. */
static void token_words(const Sheet *sheet, int64_t row, Text *to)
{
  const char *text = cell(sheet, row, "text"), *name = cell(sheet, row, "name"),
             *label = cell(sheet, row, "label"), *group = cell(sheet, row, "token_group");
  if (*text)
    text_add(to, "%s", text);
  else if (*name)
    text_add(to, "%s", name);
  else if (*label)
    text_add(to, "label %s", label);
  if (to->length) text_add(to, " \xc2\xb7 ");
  text_add(to, "token %s", cell(sheet, row, "token"));
  if (*group && !*text) text_add(to, ", group %s", group);
}

/* Where a token's picture is cut out: WINDOW cells around its own, or all of it. Gives the cell's
   place in the picture in patch (x, y, width, height); its width is 0 where none is known. */
static void cut_out(const Sheet *sheet, int64_t row, const Image *image, double window[4],
                    double patch[4])
{
  const double rows = number(sheet, row, "rows"), columns = number(sheet, row, "columns"),
               r = number(sheet, row, "row"), c = number(sheet, row, "column"),
               width = (double)image->width, height = (double)image->height;
  window[0] = window[1] = patch[0] = patch[1] = patch[2] = patch[3] = 0;
  window[2] = width, window[3] = height;
  if (!(rows > 0 && columns > 0 && r >= 0 && c >= 0 && r < rows && c < columns)) return;
  patch[2] = width / columns, patch[3] = height / rows;
  patch[0] = c * patch[2], patch[1] = r * patch[3];
  window[2] = fmin(width, WINDOW * patch[2]), window[3] = fmin(height, WINDOW * patch[3]);
  window[0] = fmin(fmax(patch[0] + patch[2] / 2 - window[2] / 2, 0), width - window[2]);
  window[1] = fmin(fmax(patch[1] + patch[3] / 2 - window[3] / 2, 0), height - window[3]);
}

static void draw_picture(const Sheet *sheet, int64_t row, int64_t index, double x, double y,
                         double side)
{
  const Image *image = &sheet->images->image[index];
  double window[4], patch[4];
  Text words = {0};
  cut_out(sheet, row, image, window, patch);
  token_words(sheet, row, &words);
  svg_begin(sheet->svg, words.s);
  text_clear(&words);
  const double scale = side / fmax(window[2], window[3]), w = window[2] * scale,
               h = window[3] * scale;
  svg_image(sheet->svg, x, y, w, h, window, index);
  if (patch[2] > 0) {
    const double px = x + (patch[0] - window[0]) * scale, py = y + (patch[1] - window[1]) * scale;
    svg_rect(sheet->svg, px - 1.5, py - 1.5, patch[2] * scale + 3, patch[3] * scale + 3, 0,
             (Look){.line = INK_PAPER, .width = 2});
    svg_rect(sheet->svg, px, py, patch[2] * scale, patch[3] * scale, 0,
             (Look){.line = INK_WORDS, .width = 1});
  }
  svg_end(sheet->svg);
}

/* Rows of one group of atoms: first to end - 1 of atlas.csv. */
static int64_t group_end(const Table *atlas, int64_t first)
{
  static const char *const same[] = {"model", "kind", "group"};
  int64_t end = first + 1;
  for (; end < atlas->rows; end++)
    for (int i = 0; i < 3; i++)
      if (strcmp(table_cell(atlas, end, same[i]), table_cell(atlas, first, same[i]))) return end;
  return end;
}

/* The tokens of one run in a group: pictures two by two, or lines of words. */
static void draw_run(const Sheet *sheet, int64_t first, int64_t end, int run, double x, double y,
                     double width, double side)
{
  int shown = 0;
  for (int64_t r = first; r < end && shown < 4; r++) {
    if (strcmp(cell(sheet, r, "run"), sheet->runs.id[run])) continue;
    const int64_t image = image_index(sheet->images, cell(sheet, r, "image"));
    if (!shown) {
      Text words = {0};
      text_add(&words, "run %d, atom %s", sheet->runs.number[run], cell(sheet, r, "atom"));
      svg_words(sheet->svg, x, y + 10, (Type){.size = 9.5, .ink = INK_QUIET, .room = width - 4},
                words.s);
      text_clear(&words);
    }
    if (sheet->pictures && image >= 0) {
      draw_picture(sheet, r, image, x + (shown % 2) * (side + 3), y + 15 + (shown / 2) * (side + 3),
                   side);
    } else {
      Text words = {0};
      token_words(sheet, r, &words);
      svg_words(sheet->svg, x, y + 25 + 14 * shown, (Type){.size = 11, .room = width - 8}, words.s);
      text_clear(&words);
    }
    shown++;
  }
  if (!shown)
    svg_print(sheet->svg, x, y + 10, (Type){.size = 9.5, .ink = INK_QUIET, .room = width - 4},
              "run %d: none", sheet->runs.number[run]);
}

static double run_width(const Sheet *sheet, int *abreast)
{
  const double least = sheet->pictures ? 78 : 150;
  int most = (int)(sheet->width / least);
  most = most < 1 ? 1 : most;
  *abreast = sheet->runs.count < most ? sheet->runs.count : most;
  return fmin(sheet->width / (*abreast ? *abreast : 1), sheet->pictures ? 124 : 300);
}

/* One group: what it is, then its runs side by side. Gives the y below. */
static double draw_group(const Sheet *sheet, const Table *groups, int64_t number_of, int64_t first,
                         int64_t end, double y)
{
  int abreast;
  const double width = run_width(sheet, &abreast), side = fmin((width - 12) / 2, 56),
               height = sheet->pictures ? 22 + 2 * (side + 3) : 28 + 14 * 4;
  const char *label = table_cell(groups, number_of, "label");
  Text words = {0};
  text_add(&words, "group %s", table_cell(groups, number_of, "group"));
  if (*table_cell(groups, number_of, "cosine")) {
    text_add(&words, ": mean cosine ");
    text_fixed(&words, table_real(groups, number_of, "cosine"), 2);
  }
  if (*label)
    text_add(&words, " \xc2\xb7 %s of %s tokens: %s", table_cell(groups, number_of, "labelled"),
             table_cell(groups, number_of, "tokens"), label);
  svg_words(sheet->svg, sheet->left, y + 13,
            (Type){.size = 12, .bold = true, .room = sheet->width - 8}, words.s);
  text_clear(&words);
  y += 17;
  for (int i = 0; i < sheet->runs.count; i++) {
    draw_run(sheet, first, end, i, sheet->left + (i % abreast) * width, y, width, side);
    if (i % abreast == abreast - 1 && i + 1 < sheet->runs.count) y += height;
  }
  return y + height + 10;
}

/* The groups of a kind, from y on. */
static double draw_kind(const Sheet *sheet, const Table *groups, const char *kind, double y)
{
  const Table *atlas = sheet->report->atlas;
  bool any = false;
  for (int64_t first = 0, g = 0, end; first < atlas->rows; first = end, g++) {
    end = group_end(atlas, first);
    if (strcmp(cell(sheet, first, "model"), sheet->model) ||
        strcmp(cell(sheet, first, "kind"), kind))
      continue;
    if (!any) {
      svg_words(sheet->svg, sheet->left, y + 14,
                (Type){.size = 13.5, .bold = true, .ink = INK_MODEL, .room = sheet->width},
                !strcmp(kind, "most") ? "most stable" : "least stable");
      y += 24;
    }
    any = true;
    y = draw_group(sheet, groups, g, first, end, y);
  }
  return y;
}

void draw_atlas(Svg *svg, const Report *report, const Images *images, const Table *groups,
                const char *model)
{
  Sheet sheet = {svg, report, images, model, list_runs(report, model), false, 0, svg->width};
  for (int64_t r = 0; r < report->atlas->rows && !sheet.pictures; r++)
    sheet.pictures = !strcmp(cell(&sheet, r, "model"), model) &&
                     image_index(images, cell(&sheet, r, "image")) >= 0;
  if (svg_wide(svg) && sheet.pictures && sheet.runs.count <= 5) {
    sheet.width = (svg->width - 40) / 2;
    const double most = draw_kind(&sheet, groups, "most", 0);
    sheet.left = sheet.width + 40;
    svg->height = fmax(most, draw_kind(&sheet, groups, "least", 0));
  } else {
    const double most = draw_kind(&sheet, groups, "most", 0);
    svg->height = draw_kind(&sheet, groups, "least", most + 8);
  }
}

/* The most frequent name among a group's rows, and how many have it. */
static const char *usual_name(const Table *atlas, int64_t first, int64_t end, int64_t *most)
{
  const char *usual = "";
  *most = 0;
  for (int64_t a = first; a < end; a++) {
    const char *name = table_cell(atlas, a, "name");
    int64_t count = 0;
    if (!*name) name = table_cell(atlas, a, "label");
    for (int64_t b = first; b < end && *name; b++) {
      const char *other = table_cell(atlas, b, "name");
      count += !strcmp(*other ? other : table_cell(atlas, b, "label"), name);
    }
    if (count > *most) *most = count, usual = name;
  }
  return usual;
}

PetscErrorCode AtlasTabulate(const Report *report, Table **table)
{
  const Table *atlas = report->atlas;

  PetscFunctionBegin;
  PetscCall(TableCreate("model,kind,group,runs,cosine,label,labelled,tokens,atoms", table));
  for (int64_t first = 0, end; first < atlas->rows; first = end) {
    Text atoms = {0};
    double sum = 0;
    int64_t runs = 0, cosines = 0, labelled;
    end = group_end(atlas, first);
    for (int64_t r = first; r < end; r++) {
      if (r > first && !strcmp(table_cell(atlas, r, "run"), table_cell(atlas, r - 1, "run")))
        continue;
      const double cosine = table_real(atlas, r, "cosine");
      if (isfinite(cosine)) sum += cosine, cosines++;
      text_add(&atoms, "%s%s", runs++ ? " " : "", table_cell(atlas, r, "atom"));
    }
    PetscCall(TableAddRow(*table));
    for (int c = 0; c < 3; c++)
      table_text(*table, (*table)->names[c], table_cell(atlas, first, (*table)->names[c]));
    table_integer(*table, "runs", runs);
    table_number(*table, "cosine", cosines ? sum / (double)cosines : (double)NAN);
    table_text(*table, "label", usual_name(atlas, first, end, &labelled));
    if (labelled) table_integer(*table, "labelled", labelled);
    table_integer(*table, "tokens", end - first);
    table_text(*table, "atoms", atoms.s);
    text_clear(&atoms);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}
