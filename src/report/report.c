/* From a run folder to its report: read, draw, write. */
#include "report/report.h"
#include "base/file.h"
#include "report/figure.h"
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

/* The picture alone, with its heading and how to read it, and its numbers. Without rows there is no
   picture, and one of an earlier report goes. */
static PetscErrorCode WriteFigure(const Report *report, const Figure *figure,
                                  const Picture *picture, const char *folder)
{
  Svg svg = {.width = 900};
  Text text = {0};

  PetscFunctionBegin;
  text_add(&text, "%s/%s.csv", folder, figure->entry.name);
  PetscCall(TableWrite(picture->data, text.s));
  strcpy(text.s + text.length - 3, "svg");
  if (picture->data->rows) {
    Text file = {0};
    PetscCall(figure->draw(report, picture->data, &svg));
    svg_file(&svg, figure->heading, figure->words, &file);
    PetscCall(FileWrite(text.s, file.s, file.length));
    text_clear(&file);
  } else if (file_exists(text.s)) {
    PetscCall(FileRemove(text.s));
  }
  text_clear(&text), text_clear(&svg.body);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ReportWrite(const char *dir, Mistakes *mistakes)
{
  Report *report = NULL;
  Picture *picture = NULL;
  Text page = {0};
  char *folder = path_join(dir, "report");

  PetscFunctionBegin;
  PetscCall(ReportRead(dir, mistakes, &report));
  if (!mistakes_count(mistakes)) {
    PetscCall(ReportPictures(report, &picture));
    PetscCall(ReportPage(report, picture, &page));
    PetscCall(FileMakeFolder(folder));
    for (int i = 0; figures.entries[i]; i++)
      PetscCall(WriteFigure(report, (const Figure *)figures.entries[i], &picture[i], folder));
    PetscCall(WriteText(folder, "index", ".html", &page));
    PetscCall(PicturesDestroy(&picture));
  }
  PetscCall(ReportDestroy(&report));
  text_clear(&page);
  free(folder);
  PetscFunctionReturn(PETSC_SUCCESS);
}
