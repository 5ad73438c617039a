/* What runs cost. */
#include "run/cost.h"
#include <math.h>
#include <string.h>

enum { TILE = 256, RELU_SHARE = 4 };

CostShape cost_shape(const Settings *settings, int64_t n, int64_t d, int64_t p)
{
  const double m = (double)settings_int(settings, "width"),
               batch = settings_real(settings, "train.batch"),
               kept = settings_real(settings, "code.k"),
               support = settings_real(settings, "atoms.support"),
               epochs = settings_real(settings, "train.epochs"),
               given = settings_real(settings, "train.steps");
  const char *atoms = settings_get(settings, "atoms.name");
  CostShape shape = {.kmeans = isnan(batch), .n = (double)n, .d = (double)d, .m = m};
  if (shape.kmeans) {
    shape.steps = (double)settings_int(settings, "iterations");
    if (!(shape.steps >= 1)) shape.steps = 1;
    shape.batch = (double)n;
    return shape;
  }
  shape.batch = fmin(batch, (double)n);
  shape.steps = isnan(given) || given < 1 ? epochs * ceil((double)n / batch) : given;
  shape.active = isnan(kept) ? m / RELU_SHARE : fmin(kept, m);
  if (atoms && !strncmp(atoms, "hull", 4)) {
    shape.anchors = (double)p;
    shape.support = support > 0 ? fmin(support, (double)p) : 0;
    shape.renew = fmax(settings_real(settings, "atoms.renew"), 1);
    shape.relaxed = !strcmp(atoms, "hull_relaxed");
  }
  return shape;
}

CostGroup cost_alone(void)
{
  return (CostGroup){.ranks = 1, .nodes = 1, .busy = 1, .link = INFINITY};
}

/* Weights of W that an atom has. */
static double weights(const CostShape *s)
{
  return s->support > 0 ? s->support : s->anchors;
}

/* Mixing atoms of their anchors, and the weights: all, by dense products, or those of the support,
   whose rows are gathered; now and then the support is found by the dense product of one. */
static double mixing(const Machine *machine, const CostShape *s, double R)
{
  const double w = weights(s), dense = 2 * s->d * machine->mix * s->anchors;
  const double products =
      s->support > 0 ? w * s->d * machine->gather + dense / s->renew : 2 * dense;
  return s->m / R * (products + w * machine->weight);
}

static StepShape step_shape(const CostShape *s, const CostGroup *group)
{
  return (StepShape){.b = (int64_t)s->batch,
                     .m = (int64_t)s->m,
                     .d = (int64_t)s->d,
                     .k = s->active,
                     .ranks = group->ranks,
                     .nodes = group->nodes};
}

/* Bytes of a step that another node made and this node gets (on one node: another rank and this
   rank): the route's, and the new atoms, encoder and biases. */
static double step_bytes(const CostShape *s, const CostGroup *group, Route route)
{
  const StepShape shape = step_shape(s, group);
  const double parts = group->nodes > 1 ? group->nodes : group->ranks;
  return route_bytes(route, &shape) + 8 * (s->m * s->d + s->m) * (parts - 1) / parts;
}

/* How much longer work takes than on a core that has the node for itself. */
static double slower(const Machine *machine, const CostGroup *group)
{
  const double used = fmin(group->busy, machine->cores);
  const double crowd =
      machine->cores > 1 ? 1 + (machine->crowd - 1) * (used - 1) / (machine->cores - 1) : 1;
  return crowd * fmax(1, group->busy / machine->cores);
}

/* Of all ranks of a step one after another, and what is the same for each of them. */
static double step_compute(const Machine *machine, const CostShape *s, const CostGroup *group)
{
  const double R = group->ranks, md = s->m * s->d;
  const double rows = ceil(s->batch / R); /* of the rank that has most */
  /* all encoder rows are read, however few tokens there are for them */
  const double scores = fmax(rows * md * curve_at(&machine->score, md), 4 * md / machine->read);
  const double dense = scores + rows * s->d * machine->token;
  const double active = fmin(s->active, s->m / 4); /* past it the dense products are cheaper */
  const double sparse = s->batch / R * active * s->d * curve_at(&machine->sparse, md);
  const double update = md / R * curve_at(&machine->update, md);
  const double list = s->batch * s->active * (R - 1) / R * machine->list;
  return machine->step + dense + sparse + list + update + mixing(machine, s, R);
}

static Cost kmeans_cost(const Machine *machine, const CostShape *s, const CostGroup *group)
{
  const double R = group->ranks, kd = s->m * s->d, nodes = group->nodes;
  Cost cost = {.route = ROUTE_OWNER};
  cost.compute = slower(machine, group) *
                 (ceil(s->n / R) * (kd * curve_at(&machine->assign, kd) + s->d * machine->sum) +
                  kd * machine->renew / (R / nodes));
  cost.shared = 8 * kd;
  cost.sent = R > 1 ? 2 * 8 * kd * (R - 1) / R : 0; /* sums, reduced and given back */
  const double inside = R > nodes ? cost.sent / machine->link : 0,
               outside = nodes > 1 ? 2 * 8 * kd * (nodes - 1) / nodes / group->link : 0;
  cost.messages = inside + outside + 2 * ceil(log2(R)) * fmax(machine->latency, group->latency);
  cost.rank = kd * 8 + TILE * s->d * 4; /* sums; centroids twice and as whole numbers */
  cost.node = kd * (4 + 4 + 6);
  cost.memory = cost.rank + cost.node / (R / nodes);
  cost.disk = 4 * 2 * kd + 4 * s->n;
  return cost;
}

static void step_memory(const CostShape *s, const CostGroup *group, Cost *cost)
{
  const double R = group->ranks, md = s->m * s->d, w = s->m * weights(s);
  const double parameters = 2 * md + 2 * s->m + w + (s->relaxed ? md : 0);
  cost->rank = 20 * parameters / R + 16 * md / R + 4 * TILE * s->m +
               8 * s->batch / R * (s->d + 2 * s->active) + 32 * s->m;
  if (cost->route == ROUTE_ALLREDUCE) cost->rank += 8 * md;
  cost->node = 12 * md + 12 * s->batch * s->d + 12 * s->batch * s->active + 8 * s->anchors * s->d;
  cost->memory = cost->rank + cost->node / fmax(R / group->nodes, 1);
  cost->disk = 8 * (2 * md + w + (s->relaxed ? md : 0)) + 40 * s->m;
}

/* Seconds of a step in which bytes come in from other nodes: the new parameters and (owner) codes
   and residuals go from each rank to every other node, (allreduce) parts of sums to the nodes that
   join them; three sums of whole numbers go by a tree. */
static double step_messages(const Machine *machine, const CostGroup *group, double bytes)
{
  const double nodes = group->nodes, barriers = group->ranks > nodes ? machine->meet : 0;
  const double exchanges = 2 * (nodes - 1) + 3 * 2 * ceil(log2(nodes));
  return barriers + (nodes > 1 ? bytes / group->link + exchanges * group->latency : 0);
}

Cost cost_of(const Machine *machine, const CostShape *s, const CostGroup *group)
{
  const StepShape shape = step_shape(s, group);
  const double each = (double)group->ranks / group->nodes;
  Cost cost = {.route = s->route != ROUTE_AUTO ? s->route : route_choose(&shape)};
  if (s->kmeans) {
    cost = kmeans_cost(machine, s, group);
  } else {
    const double bytes = group->ranks > 1 ? step_bytes(s, group, cost.route) : 0;
    cost.compute = slower(machine, group) * step_compute(machine, s, group);
    if (group->nodes > 1)
      cost.sent = bytes / each;
    else
      cost.shared = bytes;
    cost.messages = step_messages(machine, group, bytes);
    step_memory(s, group, &cost);
  }
  cost.step = cost.compute + cost.messages;
  cost.run = s->steps * cost.step;
  return cost;
}
