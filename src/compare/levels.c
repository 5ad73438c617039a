/* levels.csv: models compared where they are equally sparse or explain equally much. */
#include "compare/levels.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "base/array.h"
#include "base/exact.h"
#include "compare/entered.h"

static const char *const levelled[] = {"l0", "r2"};
enum { LEVELLED = sizeof(levelled) / sizeof(levelled[0]) };

typedef struct {
  double x, y;
} Point;

/* One measure of one model over its grid points, by level. */
typedef struct {
  int64_t points;
  Point *point; /* [points] x ascending, all different */
  Text note;    /* what stands beside any of them */
} Curve;

/* What the rows of stability.csv are about. */
typedef struct {
  const Table *table;
  double *level; /* [rows] */
  int64_t models, kinds;
  int64_t *model, *kind; /* [models], [kinds] the first row of each */
} Rows;

/* Up to the first space: the model without its grid point. */
static size_t name_length(const char *model)
{
  return strcspn(model, " ");
}

/* Is the row of a model trained on surrogate tokens ("topk k=8 surrogate")? That is a null of its
   grid point, not a point. */
static bool is_surrogate(const Table *t, int64_t row)
{
  static const char end[] = " surrogate";
  const char *model = table_cell(t, row, "model");
  const size_t length = strlen(model), tail = sizeof(end) - 1;
  return length > tail && !strcmp(model + length - tail, end);
}

static bool same_model(const Table *t, int64_t a, int64_t b)
{
  const char *x = table_cell(t, a, "model"), *y = table_cell(t, b, "model");
  return name_length(x) == name_length(y) && !strncmp(x, y, name_length(x));
}

static bool same_kind(const Table *t, int64_t a, int64_t b)
{
  return !strcmp(table_cell(t, a, "measure"), table_cell(t, b, "measure")) &&
         !strcmp(table_cell(t, a, "centring"), table_cell(t, b, "centring"));
}

/* Adds a row to a list of different ones. */
static void add_new(const Table *t, bool (*same)(const Table *, int64_t, int64_t), int64_t row,
                    int64_t *count, int64_t *list)
{
  for (int64_t i = 0; i < *count; i++)
    if (same(t, list[i], row)) return;
  list[(*count)++] = row;
}

/* Held-out mean of a metric. */
static double level_of(const Table *groups, const char *model, const char *metric)
{
  for (int64_t r = 0; r < groups->rows; r++)
    if (!strcmp(table_cell(groups, r, "model"), model) &&
        !strcmp(table_cell(groups, r, "metric"), metric) &&
        !strcmp(table_cell(groups, r, "split"), "held_out"))
      return table_real(groups, r, "mean");
  return NAN;
}

static int by_level(const void *a, const void *b)
{
  const Point *p = a, *q = b;
  return p->x != q->x ? (p->x > q->x) - (p->x < q->x) : (p->y > q->y) - (p->y < q->y);
}

static bool has_part(const char *all, const char *part, size_t length)
{
  while (all && *all) {
    const size_t own = strcspn(all, ";");
    if (own == length && !strncmp(all, part, own)) return true;
    all += own + strspn(all + own, "; ");
  }
  return false;
}

/* Adds the parts of a row's note that are not there yet. */
static void add_parts(const char *note, Text *to)
{
  while (*note) {
    const size_t length = strcspn(note, ";");
    if (!has_part(to->s, note, length)) note_add(to, "%.*s", (int)length, note);
    note += length + strspn(note + length, "; ");
  }
}

/* The points of a model's curve; points of one level become their mean. */
static PetscErrorCode CurveCreate(const Rows *all, int64_t model, int64_t kind, Curve *curve)
{
  int64_t n = 0;
  PetscFunctionBeginUser;
  *curve = (Curve){0};
  PetscCall(ArrayCreate(all->table->rows, &curve->point));
  for (int64_t r = 0; r < all->table->rows; r++) {
    if (!same_model(all->table, r, model) || !same_kind(all->table, r, kind) ||
        is_surrogate(all->table, r))
      continue;
    const Point p = {all->level[r], table_real(all->table, r, "value")};
    if (isnan(p.x) || isnan(p.y)) continue;
    curve->point[n++] = p;
    add_parts(table_cell(all->table, r, "note"), &curve->note);
  }
  qsort(curve->point, (size_t)n, sizeof(Point), by_level);
  for (int64_t i = 0, next; i < n; i = next) {
    Exact sum = {0};
    for (next = i; next < n && curve->point[next].x == curve->point[i].x; next++)
      exact_add(&sum, curve->point[next].y);
    curve->point[curve->points++] =
        (Point){curve->point[i].x, exact_value(&sum) / (double)(next - i)};
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The curve at x; NaN outside. */
static double value_at(const Curve *curve, double x)
{
  for (int64_t i = 0; i < curve->points; i++) {
    const Point *p = &curve->point[i];
    if (p->x == x) return p->y;
    if (p->x < x) continue;
    if (i == 0) break;
    return p[-1].y + (p->y - p[-1].y) * ((x - p[-1].x) / (p->x - p[-1].x));
  }
  return NAN;
}

static PetscErrorCode AddLevels(const Rows *all, int64_t a, int64_t b, int64_t kind, const char *at,
                                Table *levels)
{
  const Table *t = all->table;
  Text note = {0};
  Curve A, B;
  PetscFunctionBeginUser;
  PetscCall(CurveCreate(all, a, kind, &A));
  PetscCall(CurveCreate(all, b, kind, &B));
  note_two(A.note.s, B.note.s, &note);
  for (int64_t i = 0, j = 0; i < A.points || j < B.points;) {
    const double x = j == B.points || (i < A.points && A.point[i].x < B.point[j].x) ? A.point[i].x
                                                                                    : B.point[j].x;
    const double value_a = value_at(&A, x), value_b = value_at(&B, x);
    i += i < A.points && A.point[i].x == x;
    j += j < B.points && B.point[j].x == x;
    if (isnan(value_a) || isnan(value_b)) continue;
    const char *model_a = table_cell(t, a, "model"), *model_b = table_cell(t, b, "model");
    char name[2][256];
    snprintf(name[0], sizeof(name[0]), "%.*s", (int)name_length(model_a), model_a);
    snprintf(name[1], sizeof(name[1]), "%.*s", (int)name_length(model_b), model_b);
    PetscCall(TableAddRow(levels));
    table_text(levels, "model_a", name[0]);
    table_text(levels, "model_b", name[1]);
    table_text(levels, "at", at);
    table_number(levels, "level", x);
    table_text(levels, "measure", table_cell(t, kind, "measure"));
    table_text(levels, "centring", table_cell(t, kind, "centring"));
    table_number(levels, "value_a", value_a);
    table_number(levels, "value_b", value_b);
    table_number(levels, "difference", value_a - value_b);
    table_text(levels, "note", note.s ? note.s : "");
  }
  text_clear(&note);
  text_clear(&A.note);
  text_clear(&B.note);
  PetscCall(ArrayDestroy(&B.point));
  PetscCall(ArrayDestroy(&A.point));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode LevelsTable(const Table *stability, const Table *groups, Table **levels)
{
  Rows all = {.table = stability};
  PetscFunctionBeginUser;
  PetscCall(TableCreate("model_a,model_b,at,level,measure,centring,value_a,value_b,difference,note",
                        levels));
  PetscCall(ArrayCreate(stability->rows, &all.level));
  PetscCall(ArrayCreate(stability->rows, &all.model));
  PetscCall(ArrayCreate(stability->rows, &all.kind));
  for (int64_t r = 0; r < stability->rows; r++) {
    add_new(stability, same_model, r, &all.models, all.model);
    add_new(stability, same_kind, r, &all.kinds, all.kind);
  }
  for (int at = 0; at < LEVELLED; at++) {
    for (int64_t r = 0; r < stability->rows; r++)
      all.level[r] = level_of(groups, table_cell(stability, r, "model"), levelled[at]);
    for (int64_t a = 0; a < all.models; a++)
      for (int64_t b = a + 1; b < all.models; b++)
        for (int64_t k = 0; k < all.kinds; k++)
          PetscCall(
              AddLevels(&all, all.model[a], all.model[b], all.kind[k], levelled[at], *levels));
  }
  PetscCall(ArrayDestroy(&all.kind));
  PetscCall(ArrayDestroy(&all.model));
  PetscCall(ArrayDestroy(&all.level));
  PetscFunctionReturn(PETSC_SUCCESS);
}
