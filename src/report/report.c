/* From a run folder to its report: read, draw, write. */
#include "report/report.h"
#include "base/file.h"
#include "report/atlas.h"
#include "report/figure.h"
#include "report/pages.h"
#include "report/tex.h"
#include <stdlib.h>
#include <string.h>

static PetscErrorCode DrawFor(const Report *report, const Figure *figure, const Table *data,
                              double width, const char *suffix, Text *to)
{
  Svg svg = {.width = width};
  Text id = {0};

  PetscFunctionBegin;
  PetscCall(figure->draw(report, data, &svg));
  text_add(&id, "figure-%s-%s", figure->entry.name, suffix);
  svg_inline(&svg, id.s, figure->heading, figure->words, to);
  text_clear(&id), text_clear(&svg.body);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ReportPictures(const Report *report, Picture **picture)
{
  int count = 0;

  PetscFunctionBegin;
  while (figures.entries[count]) count++;
  *picture = calloc((size_t)count + 1, sizeof(**picture));
  PetscCheck(*picture, PETSC_COMM_SELF, PETSC_ERR_MEM, "no memory");
  for (int i = 0; i < count; i++) {
    const Figure *figure = (const Figure *)figures.entries[i];
    Picture *one = &(*picture)[i];
    PetscCall(figure->tabulate(report, &one->data, &one->shown));
    if (!one->data->rows) continue;
    PetscCall(DrawFor(report, figure, one->data, 900, "wide", &one->wide));
    PetscCall(DrawFor(report, figure, one->data, 360, "narrow", &one->narrow));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode PicturesDestroy(Picture **picture)
{
  PetscFunctionBegin;
  for (int i = 0; *picture && figures.entries[i]; i++) {
    Picture *one = &(*picture)[i];
    text_clear(&one->wide), text_clear(&one->narrow);
    PetscCall(TableDestroy(&one->data));
    PetscCall(TableDestroy(&one->shown));
  }
  free(*picture);
  *picture = NULL;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode WriteText(const char *folder, const char *name, const char *suffix,
                                const Text *text)
{
  Text path = {0};

  PetscFunctionBegin;
  text_add(&path, "%s/%s%s", folder, name, suffix);
  PetscCall(FileWrite(path.s, text->s, text->length));
  text_clear(&path);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* One of an earlier report goes. */
static PetscErrorCode Remove(const char *folder, const char *name, const char *suffix)
{
  Text path = {0};

  PetscFunctionBegin;
  text_add(&path, "%s/%s%s", folder, name, suffix);
  if (file_exists(path.s)) PetscCall(FileRemove(path.s));
  text_clear(&path);
  PetscFunctionReturn(PETSC_SUCCESS);
}

enum { MOST_ROWS = 400 };

static PetscErrorCode WriteTex(const char *folder, const char *name, const char *caption,
                               const Table *table)
{
  Text text = {0};

  PetscFunctionBegin;
  if (table->rows) {
    tex_table(&text, table, name, caption, MOST_ROWS);
    PetscCall(WriteText(folder, name, ".tex", &text));
    text_clear(&text);
  } else {
    PetscCall(Remove(folder, name, ".tex"));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The tables that are no figure's. */
static PetscErrorCode WriteTables(const Report *report, const char *folder)
{
  Table *glance, *runs, *settings;
  Text path = {0};

  PetscFunctionBegin;
  PetscCall(GlanceTabulate(report, &glance));
  PetscCall(RunsTabulate(report, &runs));
  PetscCall(DifferentTabulate(report, &settings));
  text_add(&path, "%s/glance.csv", folder);
  PetscCall(TableWrite(glance, path.s));
  PetscCall(WriteTex(folder, "glance", "Stability, fidelity and sparsity by model", glance));
  PetscCall(WriteTex(folder, "runs", "Runs", runs));
  PetscCall(WriteTex(folder, "settings", "Settings that differ between models", settings));
  PetscCall(WriteTex(folder, "differences", "Differences between models", report->differences));
  PetscCall(WriteTex(folder, "levels", "Models at equal sparsity or fidelity", report->levels));
  PetscCall(WriteTex(folder, "across", "Atoms of one model in another", report->across));
  PetscCall(WriteTex(folder, "stable", "Groups of atoms over all runs", report->stable));
  PetscCall(TableDestroy(&glance));
  PetscCall(TableDestroy(&runs));
  PetscCall(TableDestroy(&settings));
  text_clear(&path);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The picture alone, with its heading and how to read it, and its numbers. Without rows there is no
   picture. */
static PetscErrorCode WriteFigure(const Report *report, const Figure *figure,
                                  const Picture *picture, const char *folder)
{
  const char *name = figure->entry.name;
  Svg svg = {.width = 900};
  Text path = {0}, file = {0};

  PetscFunctionBegin;
  text_add(&path, "%s/%s.csv", folder, name);
  PetscCall(TableWrite(picture->data, path.s));
  PetscCall(WriteTex(folder, name, figure->entry.summary,
                     picture->shown ? picture->shown : picture->data));
  if (picture->data->rows) {
    PetscCall(figure->draw(report, picture->data, &svg));
    svg_file(&svg, figure->heading, figure->words, &file);
    PetscCall(WriteText(folder, name, ".svg", &file));
  } else {
    PetscCall(Remove(folder, name, ".svg"));
  }
  text_clear(&path), text_clear(&file), text_clear(&svg.body);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ReportWrite(const char *dir, Mistakes *mistakes)
{
  Report *report = NULL;
  Picture *picture = NULL;
  Images images = {0};
  Text page = {0};
  char *folder = path_join(dir, "report");

  PetscFunctionBegin;
  PetscCall(ReportRead(dir, mistakes, &report));
  if (!mistakes_count(mistakes)) {
    PetscCall(ReportPictures(report, &picture));
    PetscCall(ImagesRead(report, &images));
    PetscCall(ReportPage(report, picture, &images, &page));
    PetscCall(FileMakeFolder(folder));
    for (int i = 0; figures.entries[i]; i++)
      PetscCall(WriteFigure(report, (const Figure *)figures.entries[i], &picture[i], folder));
    PetscCall(WriteTables(report, folder));
    PetscCall(WriteText(folder, "index", ".html", &page));
    PetscCall(AtlasWrite(report, &images, folder));
    PetscCall(PicturesDestroy(&picture));
    PetscCall(ImagesDestroy(&images));
  }
  PetscCall(ReportDestroy(&report));
  text_clear(&page);
  free(folder);
  PetscFunctionReturn(PETSC_SUCCESS);
}
