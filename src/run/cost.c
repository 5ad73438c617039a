/* What runs cost. */
#include "run/cost.h"
#include <math.h>
#include <string.h>

enum { LEAF = 1024, TILE = 256, RELU_SHARE = 4 };

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

/* Bytes that all ranks together make known to all others in a step. Owner: centred tokens and
   residuals, three numbers for each code, one for each token; then atoms, encoder and bias.
   Allreduce: instead of the first three each rank's sums for every atom. */
static double step_bytes(const CostShape *s, CostRoute route, int ranks)
{
  const double parameters = 4 * (2 * s->m * s->d + 2 * s->m);
  if (route == ROUTE_OWNER)
    return 8 * s->batch * s->d + 12 * s->batch * s->active + 8 * s->batch + parameters;
  return parameters * ranks + parameters;
}

CostRoute cost_route(const CostShape *s, const CostGroup *group)
{
  if (s->route != ROUTE_AUTO) return s->route;
  const bool can = !s->kmeans && group->ranks <= ceil(s->batch / LEAF);
  return can && step_bytes(s, ROUTE_ALLREDUCE, group->ranks) <
                     step_bytes(s, ROUTE_OWNER, group->ranks)
             ? ROUTE_ALLREDUCE
             : ROUTE_OWNER;
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
  const double R = group->ranks, md = s->m * s->d, w = weights(s);
  const double rows = ceil(s->batch / R); /* of the rank that has most */
  const double dense = rows * (md * curve_at(&machine->score, md) + s->d * machine->token);
  const double active = fmin(s->active, s->m / 4); /* past it the dense products are cheaper */
  const double sparse = s->batch / R * active * s->d * curve_at(&machine->sparse, md);
  const double update = md / R * curve_at(&machine->update, md);
  const double mixing =
      s->m / R * (4 * w * s->d * machine->mix + (s->anchors > 0 ? w * machine->weight : 0));
  return machine->step + dense + sparse + update + mixing;
}

static Cost kmeans_cost(const Machine *machine, const CostShape *s, const CostGroup *group)
{
  const double R = group->ranks, kd = s->m * s->d, nodes = group->nodes;
  Cost cost = {.route = ROUTE_OWNER};
  cost.compute = slower(machine, group) *
                 (ceil(s->n / R) * (kd * curve_at(&machine->assign, kd) + s->d * machine->sum) +
                  kd * machine->renew);
  cost.shared = 8 * kd;
  cost.sent = R > 1 ? 2 * 8 * kd * (R - 1) / R : 0; /* sums, reduced and given back */
  const double inside = R > nodes ? cost.sent / machine->link : 0,
               outside = nodes > 1 ? 2 * 8 * kd * (nodes - 1) / nodes / group->link : 0;
  cost.messages = inside + outside + 2 * ceil(log2(R)) * fmax(machine->latency, group->latency);
  cost.rank = kd * (8 + 4 + 4) + kd * 6 + TILE * s->d * 4;
  cost.memory = cost.rank;
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

Cost cost_of(const Machine *machine, const CostShape *s, const CostGroup *group)
{
  const double R = group->ranks, nodes = group->nodes;
  Cost cost = {.route = cost_route(s, group)};
  if (s->kmeans) {
    cost = kmeans_cost(machine, s, group);
  } else {
    const double all = step_bytes(s, cost.route, group->ranks);
    cost.compute = slower(machine, group) * step_compute(machine, s, group);
    cost.shared = R > 1 ? all / R : 0;
    cost.sent = all / R * (nodes - 1);
    /* two exchanges of rows, which go to every other node, and three sums by a tree */
    const double exchanges = 2 * (nodes - 1) + 3 * 2 * ceil(log2(nodes)),
                 barriers = R > nodes ? 12 * machine->latency : 0;
    cost.messages =
        barriers +
        (nodes > 1 ? all * (nodes - 1) / nodes / group->link + exchanges * group->latency : 0);
    step_memory(s, group, &cost);
  }
  cost.step = cost.compute + cost.messages;
  cost.run = s->steps * cost.step;
  return cost;
}
