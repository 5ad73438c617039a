/* The atlas as a section of the page, and as files. */
#include "base/file.h"
#include "report/atlas.h"
#include "report/chart.h"
#include "report/html.h"
#include "report/tex.h"
#include <string.h>

enum { MOST_MODELS = 16 };                      /* with pictures in the page */
static const size_t EMBEDDED = (size_t)4 << 20; /* bytes of pictures in the page, as base64 */

static const char heading[] = "What are the most and the least stable atoms?";

static const char words[] =
    "For each model its most stable atoms, and its least stable ones among the half that fires "
    "most often. Each group is one atom in every run, side by side: for the most stable the "
    "members of a group over runs, for the least stable an atom of the first run and its partner "
    "in each other run, or where it has none the atom that is nearest to it. Under each atom are "
    "the tokens of the training sample on which it fires "
    "most, at most one of a group of tokens (an image, a document), the strongest first. "
    "Pictures show five by five cells around the token, whose own cell is framed. If the concept "
    "is the same in every run, one sees it; if it is not, one sees that, "
    "too.";

/* The groups of one model. */
static PetscErrorCode GroupsOf(const Table *groups, const char *model, Table **made)
{
  PetscFunctionBegin;
  PetscCall(TableCreate("kind,group,runs,cosine,label,labelled,tokens,atoms", made));
  for (int64_t g = 0; g < groups->rows; g++) {
    if (strcmp(table_cell(groups, g, "model"), model)) continue;
    PetscCall(TableAddRow(*made));
    for (int c = 0; c < (*made)->columns; c++)
      table_text(*made, (*made)->names[c], table_cell(groups, g, (*made)->names[c]));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void put_drawing(Text *page, const Report *report, const Images *images, const Table *groups,
                        int64_t model, double width, const char *suffix)
{
  const char *name = table_cell(report->models, model, "model");
  Svg svg = {.width = width};
  Text id = {0}, title = {0};
  draw_atlas(&svg, report, images, groups, name);
  text_add(&id, "atlas-%lld-%s", (long long)model + 1, suffix);
  text_add(&title, "%s: most and least stable atoms", name);
  svg_inline(&svg, id.s, title.s, "The table below says what the picture shows.", page);
  text_clear(&id), text_clear(&title), text_clear(&svg.body);
}

static PetscErrorCode PutModel(Text *page, const Report *report, const Images *images,
                               const Table *groups, int64_t model, bool open)
{
  const char *name = table_cell(report->models, model, "model");
  Table *table;
  Text warning = {0}, caption = {0};

  PetscFunctionBegin;
  PetscCall(GroupsOf(groups, name, &table));
  if (table->rows) {
    row_warnings(report, report->stability,
                 measure_row(report->stability, name, primary_measure, "raw"), &warning);
    text_add(&caption, "Groups of atoms of %s", name);
    text_add(page, "<details class=\"model\"%s><summary><h3>", open ? " open=\"open\"" : "");
    text_safe(page, name), text_add(page, "</h3>");
    if (warning.length)
      text_add(page, " <small>"), text_safe(page, warning.s), text_add(page, "</small>");
    text_add(page, "</summary>\n");
    if (model < MOST_MODELS) {
      text_add(page, "<div class=\"wide\">\n");
      put_drawing(page, report, images, groups, model, 900, "wide");
      text_add(page, "</div>\n<div class=\"narrow\">\n");
      put_drawing(page, report, images, groups, model, 360, "narrow");
      text_add(page, "</div>\n");
    }
    html_table(page, table, caption.s, 100);
    text_add(page,
             "<p class=\"files\">The picture: <a "
             "href=\"atlas-%lld.svg\">atlas-%lld.svg</a></p>\n</details>\n",
             (long long)model + 1, (long long)model + 1);
  }
  PetscCall(TableDestroy(&table));
  text_clear(&warning), text_clear(&caption);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode PutAtlas(Text *page, const Report *report, const Images *images)
{
  Table *groups;

  PetscFunctionBegin;
  if (!report->atlas->rows) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(AtlasTabulate(report, &groups));
  put_heading(page, "atlas", heading);
  text_add(page, "<p class=\"words\">"), text_safe(page, words), text_add(page, "</p>\n");
  if (images->count) {
    text_add(page, "<svg class=\"defs\" xmlns=\"http://www.w3.org/2000/svg\" width=\"0\" "
                   "height=\"0\" aria-hidden=\"true\"><defs>\n");
    put_images(page, report, images, 0, report->atlas->rows, EMBEDDED, "../atlas");
    text_add(page, "</defs></svg>\n");
  }
  for (int64_t m = 0; m < report->models->rows; m++)
    PetscCall(PutModel(page, report, images, groups, m, m == 0));
  text_add(page,
           "<p class=\"files\">Every token that is shown: <a href=\"../atlas.csv\">atlas.csv</a>; "
           "the groups: <a href=\"atlas.csv\">atlas.csv</a>, <a href=\"atlas.tex\">atlas.tex"
           "</a></p>\n</section>\n");
  PetscCall(TableDestroy(&groups));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* One model's picture with the images in it. */
static PetscErrorCode WriteModel(const Report *report, const Images *images, const Table *groups,
                                 int64_t model, const char *folder)
{
  const char *name = table_cell(report->models, model, "model");
  Svg svg = {.width = 900};
  Text path = {0}, file = {0}, title = {0}, body = {0};
  int64_t first = 0, end = report->atlas->rows;

  PetscFunctionBegin;
  while (first < end && strcmp(table_cell(report->atlas, first, "model"), name)) first++;
  while (end > first && strcmp(table_cell(report->atlas, end - 1, "model"), name)) end--;
  text_add(&path, "%s/atlas-%lld.svg", folder, (long long)model + 1);
  if (first < end) {
    draw_atlas(&svg, report, images, groups, name);
    text_add(&body, "<defs>\n");
    put_images(&body, report, images, first, end, EMBEDDED, "../atlas");
    text_add(&body, "</defs>\n");
    text_append(&body, svg.body.s ? svg.body.s : "", svg.body.length);
    text_clear(&svg.body);
    svg.body = body;
    text_add(&title, "%s: most and least stable atoms", name);
    svg_file(&svg, title.s, words, &file);
    PetscCall(FileWrite(path.s, file.s, file.length));
  }
  text_clear(&svg.body), text_clear(&path), text_clear(&file), text_clear(&title);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode AtlasWrite(const Report *report, const Images *images, const char *folder)
{
  Table *groups;
  Text path = {0}, tex = {0};

  PetscFunctionBegin;
  if (!report->atlas->rows) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(AtlasTabulate(report, &groups));
  text_add(&path, "%s/atlas.csv", folder);
  PetscCall(TableWrite(groups, path.s));
  tex_table(&tex, groups, "atlas", "The most and the least stable groups of atoms", groups->rows);
  text_clear(&path), text_add(&path, "%s/atlas.tex", folder);
  PetscCall(FileWrite(path.s, tex.s, tex.length));
  for (int64_t m = 0; m < report->models->rows; m++)
    PetscCall(WriteModel(report, images, groups, m, folder));
  PetscCall(TableDestroy(&groups));
  text_clear(&path), text_clear(&tex);
  PetscFunctionReturn(PETSC_SUCCESS);
}
