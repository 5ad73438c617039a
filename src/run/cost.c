/* What runs cost. */
#include "run/cost.h"
#include <math.h>

enum { UNIT_LEAF = 1024 }; /* tokens that a rank takes at a time, of methods of units */

CostGroup cost_alone(void)
{
  return (CostGroup){.ranks = 1, .nodes = 1, .busy = 1, .link = INFINITY};
}

/* Weights of W that an atom has. */
static double weights(const CostShape *s)
{
  return s->support > 0 ? s->support : s->anchors;
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

/* How much longer work takes than on a core that has the node for itself: with all cores at work it
   is `crowd` times; ranks that share cores take turns. */
static double slower(const Machine *machine, const CostGroup *group, double crowd)
{
  const double used = fmin(group->busy, machine->cores),
               all = machine->cores > 1 ? (used - 1) / (machine->cores - 1) : 0;
  return 1 + (crowd - 1) * all;
}

/* How much longer work takes where ranks share cores. meets: they wait for each other so often that
   the ranks of the fullest core hold up the others, about half of the time. */
static double shared_cores(const Machine *machine, const CostGroup *group, bool meets)
{
  const double each = fmax(group->busy / machine->cores, 1);
  return meets && group->ranks > 1 ? (each + ceil(each)) / 2 : each;
}

/* Of gathered rows: how much longer they take where their starts fall into few parts of caches,
   which is so where a power of two above 1,024 divides their bytes. */
static double strides(const Machine *machine, const CostShape *s)
{
  int64_t bytes = 4 * (int64_t)s->d, halvings = 0;
  for (; bytes && bytes % 2048 == 0 && halvings < 4; bytes /= 2) halvings++;
  return 1 + (machine->stride - 1) * (double)halvings;
}

/* Finding the codes of a rank's tokens: dense products, or a filter that stands for them. All
   encoder rows are read, however few tokens there are. */
static double scores(const Machine *machine, const CostShape *s, double rows)
{
  const double md = s->m * (s->hidden > 0 ? s->hidden : s->d), dense = 2 * md * machine->mix,
               each = s->filtered ? md * curve_at(&machine->score, md) : s->scans * dense;
  const double hidden = 6 * s->hidden * s->d * machine->mix;
  return fmax(rows * each, s->scans * 4 * md / machine->read) + rows * hidden;
}

/* Pursuit: the products of all atoms with each other, half of them by the ranks of a node together;
   with each pick a row of them, in 16 bits, is read and the scores, which stay near, become others.
 */
static double pursuit(const Machine *machine, const CostShape *s, const CostGroup *group,
                      double rows)
{
  if (!(s->picks > 0)) return 0;
  const double ranks = (double)group->ranks / group->nodes;
  return s->m * s->m * s->d * machine->mix / ranks + rows * s->picks * 6 * s->m / machine->read;
}

/* Mixing atoms of their anchors, and the weights: all, by dense products, or those of the support,
   whose rows are gathered; now and then the support is found by the dense product of one. */
static double mixing(const Machine *machine, const CostShape *s, double R)
{
  const double dense = 2 * s->d * machine->mix * s->anchors;
  const double products =
      s->support > 0 ? s->support * s->d * machine->gather + dense / s->renew : 2 * dense;
  return s->m / R * products;
}

/* Decoding, slopes and sums of the tokens' active atoms; past a quarter of all atoms dense products
   are cheaper. */
static double sparse(const Machine *machine, const CostShape *s, double R)
{
  const double active = fmin(s->active, s->m / 4) * (s->gate ? 2 : 1);
  return s->batch / R * active * s->d * curve_at(&machine->sparse, s->m * s->d) *
         strides(machine, s);
}

static double step_compute(const Machine *machine, const CostShape *s, const CostGroup *group)
{
  const double R = group->ranks, md = s->m * s->d,
               rows = ceil(s->batch / R); /* of the rank that has most */
  const double list = s->batch * s->active * (R - 1) / R * machine->list,
               tokens = scores(machine, s, rows) + pursuit(machine, s, group, rows) +
                        rows * s->d * machine->token * (s->levels + s->apart),
               update = md / R * curve_at(&machine->update, md) +
                        s->m / R * weights(s) * machine->weight;
  return shared_cores(machine, group, true) *
         (machine->step + list + mixing(machine, s, R) +
          slower(machine, group, machine->crowd) * tokens +
          slower(machine, group, machine->crowd_rows) * sparse(machine, s, R) +
          slower(machine, group, machine->crowd_update) * update);
}

/* Seconds of a step in which bytes come in from other nodes: the new parameters and (owner) codes
   and residuals go from each rank to every other node, (allreduce) parts of sums to the nodes that
   join them; three sums of whole numbers go by a tree. */
static double step_messages(const Machine *machine, const CostGroup *group, double bytes)
{
  const double nodes = group->nodes,
               waits = group->busy > machine->cores ? machine->turns : machine->meet,
               barriers = group->ranks > nodes ? waits : 0;
  const double exchanges = 2 * (nodes - 1) + 3 * 2 * ceil(log2(nodes));
  return barriers + (nodes > 1 ? bytes / group->link + exchanges * group->latency : 0);
}

static void steps_cost(const Machine *machine, const CostShape *s, const CostGroup *group,
                       Cost *cost)
{
  const StepShape shape = step_shape(s, group);
  const double each = (double)group->ranks / group->nodes, md = s->m * s->d;
  cost->route = s->route != ROUTE_AUTO ? s->route : route_choose(&shape);
  const double bytes = group->ranks > 1 ? step_bytes(s, group, cost->route) : 0;
  cost->compute = step_compute(machine, s, group);
  *(group->nodes > 1 ? &cost->sent : &cost->shared) = group->nodes > 1 ? bytes / each : bytes;
  cost->messages = step_messages(machine, group, bytes);
  cost->disk = 8 * (2 * md + s->m * weights(s) + (s->relaxed ? md : 0)) + 40 * s->m;
}

/* Numbers that all ranks add up and get back: inside a node through memory, between nodes of it. */
static double joined(const Machine *machine, const CostGroup *group, double bytes)
{
  const double R = group->ranks, nodes = group->nodes, hops = 2 * ceil(log2(R));
  const double inside = R > nodes ? bytes * 2 * (R - 1) / R / machine->link : 0,
               outside = nodes > 1 ? bytes * 2 * (nodes - 1) / nodes / group->link : 0;
  return inside + outside +
         hops * (nodes > 1 ? fmax(machine->latency, group->latency) : machine->latency);
}

static void kmeans_cost(const Machine *machine, const CostShape *s, const CostGroup *group,
                        Cost *cost)
{
  const double R = group->ranks, kd = s->m * s->d, nodes = group->nodes, c = s->oversized;
  const double longer =
                   slower(machine, group, machine->crowd) * shared_cores(machine, group, false),
               assign = curve_at(&machine->assign, kd);
  cost->compute = longer * (ceil(s->n / R) * (kd * assign + s->d * machine->sum) +
                            kd * machine->renew / (R / nodes));
  cost->once = longer * s->d / R *
               (s->n * (s->drawn * machine->drawn + c * assign) + c * s->m * machine->drawn);
  cost->shared = 8 * kd;
  cost->sent = R > 1 ? 2 * 8 * kd * (R - 1) / R : 0; /* sums, reduced and given back */
  cost->messages = joined(machine, group, 8 * kd);
  cost->disk = 4 * 2 * kd + 4 * s->n;
}

/* Seconds of so many operations at the machine's rates. */
static double at_rates(const Machine *machine, double products, double exact, double touched)
{
  return machine->mix * (products + 2 * exact) + touched / machine->read;
}

/* A method that says what it has to do: leaves are dealt to the ranks in turn, the sums of each
   round of them are joined. */
static void units_cost(const Machine *machine, const CostShape *s, const CostGroup *group,
                       Cost *cost)
{
  const MethodWork *w = &s->work;
  const MethodRate rate = machine_rate(machine, s->method);
  const double R = group->ranks, leaf = w->leaf > 0 ? w->leaf : UNIT_LEAF,
               rounds = ceil(ceil(s->batch / leaf) / R), tokens = fmin(rounds * leaf, s->batch),
               first = fmin(w->first, s->steps);
  const double longer =
                   slower(machine, group, machine->crowd) * shared_cores(machine, group, false),
               read = at_rates(machine, 0, 0, 10 * s->d),
               token = at_rates(machine, w->products, w->exact, w->touched),
               end = at_rates(machine, w->after + w->spread / R, w->after_exact, 0);
  const double bytes = 8 * w->sums * rounds;
  cost->compute = w->units > 0
                      ? longer * (tokens * (read + curve_at(&rate.token, s->m * s->d) * token) +
                                  rate.after * end)
                      : 0;
  cost->once =
      longer * (rate.once * at_rates(machine, 0, w->once, 0) + w->gathered / R * machine->sum) +
      (R > 1 ? joined(machine, group, 2 * w->gathered) : 0) +
      first * longer * tokens * (read + rate.before * machine->mix * w->before);
  cost->sent = R > 1 && group->nodes > 1 ? bytes : 0;
  cost->shared = R > 1 && group->nodes == 1 ? bytes : 0;
  cost->messages = R > 1 && w->units > 0 ? joined(machine, group, bytes) : 0;
  cost->disk = 8 * s->m * (2 * s->d + s->anchors);
}

Cost cost_of(const Machine *machine, const CostShape *s, const CostGroup *group)
{
  Cost cost = {.route = ROUTE_OWNER};
  const double first = s->kind == COST_UNITS ? fmin(s->work.first, s->steps) : 0;
  if (s->kind == COST_KMEANS)
    kmeans_cost(machine, s, group, &cost);
  else if (s->kind == COST_UNITS)
    units_cost(machine, s, group, &cost);
  else
    steps_cost(machine, s, group, &cost);
  cost_memory(s, group, &cost);
  cost.step = cost.compute + cost.messages;
  cost.run = (s->steps - first) * cost.step + cost.once;
  return cost;
}
