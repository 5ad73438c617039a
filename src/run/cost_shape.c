/* What settings mean for the cost of a run. */
#include "base/array.h"
#include "learn/kmeans.h"
#include "learn/pursue.h"
#include "learn/sae.h"
#include "run/cost.h"
#include <math.h>
#include <string.h>

enum {
  RELU_SHARE = 4, /* of all atoms are active where no number is kept, on the average of a run */
  RELU_FIRST = 2, /* and in the first steps */
  DRAWS = 5       /* rounds of k-means||, of 2 K tokens each */
};

static void kmeans_shape(const KMeansParams *params, CostShape *s)
{
  const char *init = params->init.entry->name;
  s->kind = COST_KMEANS;
  s->steps = fmax((double)params->iterations, 1);
  s->batch = s->n;
  if (!strcmp(init, "plusplus")) s->drawn = s->m;
  if (!strcmp(init, "scalable")) s->oversized = fmin(DRAWS * 2 * s->m, s->n);
}

static void units_shape(const Method *method, const void *params, double p, CostShape *s)
{
  s->kind = COST_UNITS;
  s->work = method->work(params, s->n, s->d, p);
  s->anchors = p;
  s->steps = fmax(s->work.units, 1);
  s->batch = s->work.batch > 0 ? fmin(s->work.batch, s->n) : s->n;
}

/* Codes: how many of a token are active, how many are held, and what they are found by. */
static void codes_shape(const SAEParams *params, double kept, CostShape *s)
{
  const SAECode *code = (const SAECode *)params->code.entry;
  const SAEGoal *goal = (const SAEGoal *)params->goal.entry;
  const CodeNow now = code_now(&params->code);
  SAELevels levels;
  goal->levels(params->goal.params, params->width, code_k(&now), &levels);
  if (levels.k) kept = (double)levels.k;
  s->active = isnan(kept) ? s->m / RELU_SHARE : fmin(kept, s->m);
  s->filtered = code->largest != NULL;
  s->levels = levels.count;
  s->gate = code->gate;
  const bool gram = code->pursue && gram_helps((int64_t)s->m, s->active);
  s->picks = gram ? s->active : 0;
  s->unrolled = code->unrolled;
  s->scans = code->pursue && !gram ? s->active : 1;
  s->entries = !isnan(kept)                   ? s->active
               : code->learned && !code->gate ? s->m / RELU_SHARE /* above thresholds */
                                              : s->m / RELU_FIRST;
  s->bytes = 36 + 6 * (code->learned != NULL) + 6 * code->more + 24 * code->gate +
             (levels.count > 1 ? 12 * levels.count : 0) + 12 * code->unrolled;
  /* all scores above 0, before the batch's largest are kept */
  if (code->settle && !isnan(kept)) s->bytes += 12 * s->m / RELU_FIRST / s->active;
  s->apart = levels.count > 1 || levels.relative || code->unrolled;
}

static void atoms_shape(const Settings *settings, double p, CostShape *s)
{
  const char *atoms = settings_get(settings, "atoms.name");
  const double support = settings_real(settings, "atoms.support");
  if (!atoms || strncmp(atoms, "hull", 4)) return;
  s->anchors = p;
  s->support = support > 0 ? fmin(support, p) : 0;
  s->renew = fmax(settings_real(settings, "atoms.renew"), 1);
  s->relaxed = !strcmp(atoms, "hull_relaxed");
}

static void steps_shape(const SAEParams *params, const Settings *settings, double p, CostShape *s)
{
  const double batch = (double)params->batch;
  const SAEEncoder *encoder = (const SAEEncoder *)params->encoder.entry;
  const int rows = encoder->rows;
  const SAERevive *revive = (const SAERevive *)params->revive.entry;
  const Average *average = (const Average *)params->average.entry;
  s->kind = COST_STEPS;
  s->points = p;
  s->batch = fmin(batch, s->n);
  s->steps = params->steps ? (double)params->steps : (double)params->epochs * ceil(s->n / batch);
  codes_shape(params, settings_real(settings, "code.k"), s);
  atoms_shape(settings, p, s);
  s->tied = rows == ROWS_ATOMS || rows == ROWS_IDENTITY;
  s->hidden = encoder->hidden ? (double)encoder->hidden(params->encoder.params, (int64_t)s->d) : 0;
  if (rows == ROWS_IDENTITY) s->scans = 0;
  s->averaged = average->decay && average->decay(params->average.params) > 0;
  s->revived = revive->aux != NULL;
  if (revive->unchosen) s->levels++, s->apart = true;
}

PetscErrorCode CostShapeOf(const Settings *settings, int64_t n, int64_t d, int64_t p,
                           CostShape *shape)
{
  const Method *method = (const Method *)family_find(&methods, settings_get(settings, "method"));
  const Entry *entry = &method->entry;
  void *params;

  PetscFunctionBegin;
  *shape = (CostShape){.method = entry->name,
                       .n = (double)n,
                       .d = (double)d,
                       .m = (double)settings_int(settings, "width")};
  PetscCall(ArrayCreateBytes((int64_t)entry->params_size, 1, &params));
  PetscCall(ParamsRead(settings, "", entry->params, params));
  if (method->work)
    units_shape(method, params, (double)p, shape);
  else if (entry->params == sae_params)
    steps_shape(params, settings, (double)p, shape);
  else
    kmeans_shape(params, shape);
  PetscCall(ParamsRelease(entry->params, params));
  PetscCall(ArrayDestroyBytes(&params));
  PetscFunctionReturn(PETSC_SUCCESS);
}
