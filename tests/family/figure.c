/* Laws of every figure: its table and picture are there or nothing is, words of any kind stay
   words, the same tables give the same bytes. RUN ranks=1 */
#include "../tap.h"
#include "base/json.h"
#include "report/atlas.h"
#include "report/figure.h"
#include "report/report.h"
#include <stdlib.h>

/* Is text one well-formed XML element (after a declaration and before nothing)? No entities but
   XML's own, every tag closed in order, no control characters, valid attributes. */
static bool well_formed(const char *s)
{
  const char *open[64];
  size_t length[64];
  int depth = 0, roots = 0;
  if (!strncmp(s, "<?xml", 5)) s = strchr(s, '>') + 1;
  while (*s) {
    if ((unsigned char)*s < 32 && *s != '\n' && *s != '\t') return false;
    if (*s == '&') {
      static const char *const known[] = {"&lt;", "&gt;", "&amp;", "&quot;", "&#39;", "&#160;"};
      bool any = false;
      for (int i = 0; i < 6; i++) any = any || !strncmp(s, known[i], strlen(known[i]));
      if (!any || !depth) return false;
    }
    if (*s != '<') {
      if (!depth && !strchr(" \n", *s)) return false;
      s++;
      continue;
    }
    const bool closes = s[1] == '/';
    const char *name = s + 1 + closes;
    const size_t n = strcspn(name, " \n/>");
    for (s = name + n; *s && *s != '>'; s++) {
      if (*s == '<') return false;
      if (*s != '"') continue;
      for (s++; *s && *s != '"'; s++)
        if (*s == '<') return false;
    }
    if (!*s || !n) return false;
    if (closes) {
      if (!depth || length[depth - 1] != n || strncmp(open[depth - 1], name, n)) return false;
      depth--;
    } else if (s[-1] != '/') {
      if (depth == 64) return false;
      roots += depth == 0;
      open[depth] = name, length[depth++] = n;
    }
    s++;
  }
  return depth == 0 && roots == 1;
}

static const char *const columns[] = {
    "run,model,seed_init,seed_data,seed_anchors,anchors,method,width,code.name",
    "run,model,seed_init,status,reason,r2,r2_train,mse,cosine,l0,l1,dead",
    "model,metric,split,runs,mean,sd,low,high",
    "model,run_a,run_b,measure,centring,stage,value,atoms_a,atoms_b",
    "model,measure,centring,runs,value,low,high,initial,null_random,null_gaussian,null_tokens,"
    "anchors,dead,note,role,lambda,null_surrogate,end_start,with_dead,nearest,effective_rank,"
    "basins",
    "model,method,width,anchors,runs,done",
    "model,run,step,tokens,loss,averaged,quantity",
    "run,path,value",
    "model,centring,step,runs,value,low,high",
    "model,t,runs,s,share,chance",
    "model,measure,centring,term,value,low,high,blocks",
    "model_a,model_b,measure,centring,runs_a,runs_b,difference,low,high,design,p,p_holm,role",
    "model_a,model_b,at,level,measure,centring,value_a,value_b,difference",
    "model,runs,t,groups,edges,chance_edges,inconsistent",
    "model,kind,group,run,atom,cosine,rank,token,value,token_group,position,label,name,text,image,"
    "row,column,rows,columns",
    "model,low,high,atoms,found,cosine",
    "model_a,model_b,measure,centring,pairs,value,low,high,unmatched_a,unmatched_b,with_unmatched,"
    "note",
};
enum { TABLES = sizeof(columns) / sizeof(*columns) };

static PetscErrorCode Blank(Report **made)
{
  PetscFunctionBegin;
  Report *r = *made = calloc(1, sizeof(*r));
  Table **tables[TABLES] = {
      &r->plan,   &r->runs,   &r->groups,     &r->pairs,      &r->stability, &r->models,
      &r->steps,  &r->facts,  &r->trajectory, &r->recurrence, &r->purposes,  &r->differences,
      &r->levels, &r->stable, &r->atlas,      &r->frequency,  &r->across};
  for (int i = 0; i < TABLES; i++) PetscCall(TableCreate(columns[i], tables[i]));
  r->name = text_copy("a name");
  r->dir = text_copy("none");
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Fills the last row: names get word, all else the number. */
static PetscErrorCode Row(Table *table, const char *model, const char *run, double number)
{
  PetscFunctionBegin;
  PetscCall(TableAddRow(table));
  for (int c = 0; c < table->columns; c++) table_number(table, table->names[c], number);
  if (table_column(table, "model") >= 0) table_text(table, "model", model);
  if (table_column(table, "run") >= 0) table_text(table, "run", run);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What comes once for each of two runs, though it need not be about a run. */
static PetscErrorCode FillRun(Report *r, const char *model, const char *run, double number)
{
  PetscFunctionBegin;
  PetscCall(Row(r->trajectory, model, run, number));
  table_text(r->trajectory, "centring", "raw");
  table_integer(r->trajectory, "step", strstr(run, "aa") ? 0 : 10);
  PetscCall(Row(r->recurrence, model, run, number));
  table_integer(r->recurrence, "s", strstr(run, "aa") ? 1 : 2);
  PetscCall(Row(r->frequency, model, run, number));
  for (int kind = 0; kind < 2; kind++) {
    PetscCall(Row(r->atlas, model, run, number));
    table_text(r->atlas, "kind", kind ? "least" : "most");
    table_text(r->atlas, "name", model), table_text(r->atlas, "text", model);
    table_text(r->atlas, "image", "");
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Two runs of one model, all of its numbers number and all of its words model. */
static PetscErrorCode Fill(Report *r, const char *model, double number)
{
  static const char *const run[] = {"00000000000000aa", "00000000000000bb"};

  PetscFunctionBegin;
  PetscCall(Row(r->models, model, "", 2));
  table_text(r->models, "method", "sae");
  for (int i = 0; i < 2; i++) {
    PetscCall(Row(r->plan, model, run[i], number));
    table_text(r->plan, "code.name", model), table_text(r->plan, "method", "sae"),
        table_integer(r->plan, "width", 8);
    PetscCall(Row(r->runs, model, run[i], number));
    table_text(r->runs, "status", "done"), table_text(r->runs, "reason", model);
    for (int step = 1; step < 4; step++) {
      PetscCall(Row(r->steps, model, run[i], number));
      table_integer(r->steps, "step", step);
    }
    PetscCall(Row(r->facts, model, run[i], number));
    table_text(r->facts, "path", model), table_text(r->facts, "value", model);
    PetscCall(FillRun(r, model, run[i], number));
  }
  PetscCall(Row(r->across, model, "", number));
  table_text(r->across, "model_a", model), table_text(r->across, "model_b", model),
      table_text(r->across, "note", model);
  PetscCall(Row(r->groups, model, "", number));
  table_text(r->groups, "metric", "r2"), table_text(r->groups, "split", "held_out");
  PetscCall(Row(r->groups, model, "", number));
  table_text(r->groups, "metric", "l0"), table_text(r->groups, "split", "held_out");
  PetscCall(Row(r->purposes, model, "", number));
  table_text(r->purposes, "measure", "matched_cosine"), table_text(r->purposes, "centring", "raw");
  table_text(r->purposes, "term", "core");
  for (int i = 0; i < 4; i++) {
    PetscCall(Row(r->stability, model, "", number));
    table_text(r->stability, "measure", i < 2 ? "matched_cosine" : model);
    table_text(r->stability, "centring", i % 2 ? "centred" : "raw");
    table_text(r->stability, "note", model);
    PetscCall(Row(r->pairs, model, "", number));
    table_text(r->pairs, "run_a", run[0]), table_text(r->pairs, "run_b", run[1]);
    table_text(r->pairs, "measure", "matched_cosine"),
        table_text(r->pairs, "stage", i < 2 ? "end" : "initial");
    table_text(r->pairs, "centring", i % 2 ? "centred" : "raw");
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CheckReport(const Report *r, const char *what, bool rows)
{
  Picture *picture = NULL, *again = NULL;
  const Images none = {0};
  Text page = {0};

  PetscFunctionBegin;
  PetscCall(ReportPictures(r, &picture));
  PetscCall(ReportPictures(r, &again));
  for (int i = 0; figures.entries[i]; i++) {
    const char *name = figures.entries[i]->name;
    OK((picture[i].wide.length > 0) == rows && (picture[i].narrow.length > 0) == rows,
       "%s, %s: a picture where there are rows", name, what);
    if (!picture[i].wide.length) continue;
    OK(well_formed(picture[i].wide.s) && well_formed(picture[i].narrow.s), "%s, %s: well-formed",
       name, what);
    OK(!strstr(picture[i].wide.s, "nan") && !strstr(picture[i].wide.s, "inf\""),
       "%s, %s: every place is a number", name, what);
    OK(strstr(picture[i].wide.s, "<title") && strstr(picture[i].wide.s, "<desc"),
       "%s, %s: title and description", name, what);
    OK(picture[i].wide.length == again[i].wide.length &&
           !memcmp(picture[i].wide.s, again[i].wide.s, again[i].wide.length),
       "%s, %s: the same bytes again", name, what);
  }
  PetscCall(ReportPage(r, picture, &none, &page));
  OK(well_formed(strchr(page.s, '\n')), "page, %s: well-formed", what);
  OK(!strstr(page.s, "<script") && !strstr(page.s, "<img"),
     "page, %s: nothing of what was written became markup", what);
  text_clear(&page);
  PetscCall(PicturesDestroy(&picture));
  PetscCall(PicturesDestroy(&again));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CheckWith(const char *model, double number, const char *what)
{
  Report *r = NULL;

  PetscFunctionBegin;
  PetscCall(Blank(&r));
  PetscCall(Fill(r, "plain", 0.5));
  PetscCall(Fill(r, model, number));
  PetscCall(CheckReport(r, what, true));
  PetscCall(ReportDestroy(&r));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Finds every value of nested JSON, and refuses what is none. */
static PetscErrorCode CheckJson(void)
{
  static const char good[] =
      "{\"a\": {\"b\": [1, \"x\\u00e9\\n\"]}, \"c\": null, \"d\": -2.5e3, \"e\": []}";
  static const char *const bad[] = {
      "", "{", "{\"a\" 1}", "[1,]", "nul", "{\"a\": 1} 2", "\"\\u12g4\"", "[1"};
  Table *table = NULL;
  bool valid;

  PetscFunctionBegin;
  PetscCall(TableCreate("path,value", &table));
  PetscCall(JsonFlatten(good, sizeof(good) - 1, table, &valid));
  OK(valid && table->rows == 4, "json: %lld values", (long long)table->rows);
  OK(!strcmp(table_cell(table, 0, "path"), "a.b.0") && !strcmp(table_cell(table, 0, "value"), "1"),
     "json: path of a nested value");
  OK(!strcmp(table_cell(table, 1, "value"), "x\xc3\xa9\n"), "json: escapes");
  OK(!strcmp(table_cell(table, 3, "path"), "d") && table_real(table, 3, "value") == -2500,
     "json: numbers");
  PetscCall(TableDestroy(&table));
  for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
    PetscCall(TableCreate("path,value", &table));
    PetscCall(JsonFlatten(bad[i], strlen(bad[i]), table, &valid));
    OK(!valid, "json: %s is refused", bad[i]);
    PetscCall(TableDestroy(&table));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void check_scales(void)
{
  static const double range[][3] = {{0, 1, 0}, {.31, .82, 0}, {1, 71, 1},    {1e-9, 3, 1},
                                    {5, 5, 0}, {-.2, 1, 0},   {NAN, NAN, 0}, {2e6, 9e6, 1}};
  for (size_t i = 0; i < sizeof(range) / sizeof(*range); i++) {
    const Scale scale = scale_around(range[i][0], range[i][1], range[i][2] > 0, 0, 100);
    double tick[16];
    const int count = scale_ticks(&scale, 8, tick);
    bool inside = count >= 2 && count <= 16;
    for (int t = 0; inside && t < count; t++)
      inside = scale_at(&scale, tick[t]) > -1e-6 && scale_at(&scale, tick[t]) < 100 + 1e-6 &&
               (!t || tick[t] > tick[t - 1]);
    OK(inside && !(scale.low > range[i][0]) && !(scale.high < range[i][1]),
       "scale %zu: holds its values, %d ticks in order", i, count);
  }
}

int main(int argc, char **argv)
{
  Report *empty = NULL;
  char *xs = malloc(10001);

  TestBegin(&argc, &argv);
  for (int i = 0; figures.entries[i]; i++) {
    const Figure *f = (const Figure *)figures.entries[i];
    OK(f->heading && f->words && f->nothing && f->tabulate && f->draw && f->entry.summary,
       "%s: complete", f->entry.name);
  }
  RUN(Blank(&empty));
  RUN(CheckReport(empty, "empty tables", false));
  RUN(ReportDestroy(&empty));
  memset(xs, 'x', 10000), xs[10000] = 0;
  RUN(CheckWith("<script>alert(1)</script>", 0.7, "markup"));
  RUN(CheckWith("\"quotes\" 'and' & <img src=x>", 0.7, "quotes"));
  RUN(CheckWith("\xf0\x9f\xa6\x8a and \xe6\xbc\xa2", 0.7, "emoji"));
  RUN(CheckWith("\x01\x1b[31m \xff\xfe \xed\xa0\x80 \xf0\x9f", 0.7, "bytes that are no text"));
  RUN(CheckWith(xs, 0.7, "10,000 characters"));
  RUN(CheckWith("a\nb\tc", -3, "negative numbers"));
  RUN(CheckWith("zero", 0, "zeros"));
  RUN(CheckWith("huge", 1e300, "huge numbers"));
  RUN(CheckJson());
  check_scales();
  free(xs);
  return TestEnd();
}
