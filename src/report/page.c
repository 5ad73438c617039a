/* The page: what was found in one table, the pictures, then runs, settings and provenance. */
#include "report/atlas.h"
#include "report/figure.h"
#include "report/html.h"
#include "report/pages.h"
#include <string.h>

enum { MOST_ROWS = 400 };

/* The figures' numbers in the family, in the order of their places. */
static int in_order(int *order)
{
  int count = 0;
  for (; figures.entries[count]; count++) {
    int at = count;
    for (; at > 0; at--) {
      const Figure *before = (const Figure *)figures.entries[order[at - 1]];
      if (before->place <= ((const Figure *)figures.entries[count])->place) break;
      order[at] = order[at - 1];
    }
    order[at] = count;
  }
  return count;
}

/* Each line of words as a paragraph. */
static void put_paragraphs(Text *page, const char *words)
{
  while (*words) {
    const size_t length = strcspn(words, "\n");
    Text one = {0};
    text_append(&one, words, length);
    text_add(page, "<p class=\"words\">"), text_safe(page, one.s);
    text_add(page, "</p>\n");
    text_clear(&one);
    words += length + (words[length] != 0);
  }
}

static void put_figure(Text *page, const Figure *figure, const Picture *picture)
{
  const char *name = figure->entry.name;
  Text file = {0}, summary = {0};
  text_add(&file, "%s.csv", name), text_add(&summary, "The numbers: %s", figure->entry.summary);
  text_add(page, "<section id=\"%s\">\n<h2>", name), text_safe(page, figure->heading);
  text_add(page, "</h2>\n<figure>\n<div class=\"wide\">\n");
  text_append(page, picture->wide.s, picture->wide.length);
  text_add(page, "</div>\n<div class=\"narrow\">\n");
  text_append(page, picture->narrow.s, picture->narrow.length);
  text_add(page, "</div>\n<figcaption>"), put_paragraphs(page, figure->words);
  text_add(page,
           "</figcaption>\n</figure>\n<p class=\"files\">For a talk or a paper: "
           "<a href=\"%s.svg\">%s.svg</a>, <a href=\"%s.csv\">%s.csv</a>, "
           "<a href=\"%s.tex\">%s.tex</a></p>\n",
           name, name, name, name, name, name);
  html_details(page, summary.s, picture->shown ? picture->shown : picture->data, MOST_ROWS, file.s);
  text_add(page, "</section>\n");
  text_clear(&file), text_clear(&summary);
}

/* What this folder has no numbers for, and why. */
static void put_missing(Text *page, const Picture *picture, const int *order, int count)
{
  int missing = 0;
  for (int i = 0; i < count; i++) missing += !picture[order[i]].wide.length;
  if (!missing) return;
  text_add(page, "<section id=\"missing\">\n<h2>What is not shown, and why</h2>\n"
                 "<dl class=\"words\">\n");
  for (int i = 0; i < count; i++) {
    const Figure *figure = (const Figure *)figures.entries[order[i]];
    if (!picture[order[i]].wide.length) html_term(page, figure->heading, figure->nothing);
  }
  text_add(page, "</dl>\n</section>\n");
}

static void put_head(Text *page, const Report *report)
{
  text_add(page,
           "<!DOCTYPE html>\n<html lang=\"en\" xmlns=\"http://www.w3.org/1999/xhtml\">\n<head>\n"
           "<meta charset=\"utf-8\"/>\n"
           "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
           "style-src 'unsafe-inline'; img-src data: 'self' file:\"/>\n"
           "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n"
           "<meta name=\"color-scheme\" content=\"light dark\"/>\n"
           "<link rel=\"icon\" href=\"data:,\"/>\n<title>");
  text_safe(page, report->name), text_add(page, ": stability report</title>\n<style>\n");
  html_style(page);
  text_add(page, "</style>\n</head>\n<body>\n");
}

static void put_links(Text *page, const Report *report, const Picture *picture, const int *order,
                      int count)
{
  text_add(page, "<nav aria-label=\"Contents\">\n<a href=\"#glance\">Numbers</a>\n");
  for (int i = 0; i < count; i++) {
    const Entry *entry = figures.entries[order[i]];
    if (!picture[order[i]].wide.length) continue;
    text_add(page, "<a href=\"#%s\">%c%s</a>\n", entry->name, entry->name[0] - 'a' + 'A',
             entry->name + 1);
  }
  if (report->atlas->rows) text_add(page, "<a href=\"#atlas\">Atlas</a>\n");
  text_add(page, "<a href=\"#runs\">Runs</a>\n<a href=\"#settings\">Settings</a>\n"
                 "<a href=\"#provenance\">Provenance</a>\n<a href=\"#terms\">Terms</a></nav>\n");
}

PetscErrorCode ReportPage(const Report *report, const Picture *picture, const Images *images,
                          Text *page)
{
  int order[64];
  const int count = in_order(order);

  PetscFunctionBegin;
  put_head(page, report);
  text_add(page, "<header%s>\n<p class=\"kind\">Ardis: stability over seeds</p>\n<h1>",
           strlen(report->name) > 80 ? " class=\"long\"" : "");
  text_safe(page, report->name), text_add(page, "</h1>\n");
  put_lead(page, report);
  text_add(page, "</header>\n");
  put_links(page, report, picture, order, count);
  text_add(page, "<main>\n");
  for (int i = 0, drawn = 0; i < count; i++) { /* the first picture, then its numbers */
    const Picture *one = &picture[order[i]];
    if (one->wide.length) put_figure(page, (const Figure *)figures.entries[order[i]], one);
    if ((one->wide.length && !drawn++) || (i == count - 1 && !drawn)) put_glance(page, report);
  }
  PetscCall(PutAtlas(page, report, images));
  put_missing(page, picture, order, count);
  PetscCall(PutDifferences(page, report));
  PetscCall(PutRuns(page, report));
  PetscCall(PutSettings(page, report));
  PetscCall(PutProvenance(page, report));
  put_terms(page);
  text_add(
      page,
      "</main>\n<footer><p>Made by <code>ardis report</code> from the files of this run folder "
      "and nothing else: the same files give the same page.</p></footer>\n</body>\n</html>\n");
  PetscFunctionReturn(PETSC_SUCCESS);
}
