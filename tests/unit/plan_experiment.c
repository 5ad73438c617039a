/* Specs over small families: groups, runs, seeds, merging, grids, ids, the resolved spec, plan.csv.
   RUN ranks=1 */
#include "../tap.h"
#include "plan_fakes.h"
#include <unistd.h>

#define HEAD "schema: 1\nname: t\ntokens: a.h5\n"
#define SEEDS "seeds: {init: 1..4, data: 1..4, anchors: 1..4}\n"
#define SETS                                                                                       \
  "anchors:\n  own: {method: {name: kmeans, iterations: 10}, count: 64}\n"                         \
  "  common: {method: kmeans, count: 64, sharing: shared}\n"

static Text told;

/* The experiment of a spec that has no mistake; bound to tokens named digest. */
static Experiment *plan(const char *spec, const char *digest)
{
  Experiment *experiment = fake_read(spec, &told);
  Mistakes *mistakes;
  int64_t n_train[8];
  for (int i = 0; i < 8; i++) n_train[i] = 5000;
  if (!experiment) fprintf(stderr, "# %s", told.s);
  if (!experiment) MPI_Abort(MPI_COMM_WORLD, 1);
  RUN(MistakesCreate(&mistakes));
  RUN(ExperimentBind(experiment, &fakes, digest, n_train, 16, mistakes));
  mistakes_print(mistakes, stderr);
  RUN(MistakesDestroy(&mistakes));
  return experiment;
}

static const char *get(const Experiment *e, int64_t run, const char *path)
{
  const char *value = settings_get(&e->run[run].settings, path);
  return value ? value : "(none)";
}

static void seeds(void)
{
  Experiment *e =
      plan(HEAD SEEDS "models:\n  t: {method: sae, width: 8, code: {name: topk, k: 2}}\n"
                      "  k: {method: kmeans, width: 8}\n",
           "d");
  OK(e->runs == 8 && e->groups == 2 && e->shares == 1, "four runs of each");
  OK(e->run[1].seed[0] == 2 && e->run[1].seed[1] == 2 && e->run[1].seed[2] == -1,
     "zipped; a free dictionary has no anchors seed");
  OK(e->run[4].seed[0] == 1 && e->run[4].seed[1] == -1, "k-means has no data seed");
  RUN(ExperimentDestroy(&e));
  e = plan(HEAD "seeds: {init: [5, 7..8], data: 1..2, combine: cross}\n"
                "models:\n  t: {method: sae, width: 8, code: relu, seeds: {data: 3}}\n"
                "  k: {method: kmeans, width: 8}\n"
                "  u: {method: sae, width: 8, code: relu}\n",
           "d");
  OK(e->runs == 3 + 3 + 6 && e->run[0].seed[1] == 3, "a model's own seeds, key by key");
  OK(e->run[3].seed[0] == 5 && e->run[4].seed[0] == 7 && e->run[4].seed[1] == -1,
     "runs that differ in an unused seed are one");
  OK(e->run[7].seed[0] == 5 && e->run[7].seed[1] == 2 && e->run[8].seed[0] == 7,
     "crossed, init slowest");
  RUN(ExperimentDestroy(&e));
}

/* Is block b of the group these five numbers of its runs? */
static bool block_is(const Group *group, int64_t b, const int64_t *five)
{
  return !memcmp(group->block + 5 * b, five, 5 * sizeof(*five));
}

static bool seeds_are(const Run *run, int64_t init, int64_t data, int64_t anchors)
{
  return run->seed[0] == init && run->seed[1] == data && run->seed[2] == anchors;
}

static void blocks(void)
{
  Experiment *e = plan(HEAD SETS "seeds: {combine: blocks, init: [5, 7, 6, 9], data: 11..14,\n"
                                 "  anchors: 21..24}\nmodels:\n"
                                 "  t: {method: sae, width: 8, code: relu}\n"
                                 "  a: {method: sae, width: 8, code: relu, atoms: {name: hull, "
                                 "anchors: own}, seeds: {init: 1..4}}\n"
                                 "  k: {method: kmeans, width: 8}\n",
                       "d");
  OK(e->group[0].blocks == 2 && e->group[0].runs == 8 && e->runs == 8 + 8 + 4,
     "two blocks of five; runs that differ in an unused seed are one");
  OK(seeds_are(&e->run[0], 5, 11, -1) && seeds_are(&e->run[1], 7, 11, -1) &&
         seeds_are(&e->run[2], 5, 12, -1) && seeds_are(&e->run[3], 7, 12, -1) &&
         seeds_are(&e->run[4], 6, 13, -1) && seeds_are(&e->run[7], 9, 14, -1),
     "(i, d), (i', d), (i, d'), (i', d') with fresh seeds in each block");
  OK(block_is(&e->group[0], 0, (int64_t[]){0, 1, 2, 0, 3}) &&
         block_is(&e->group[0], 1, (int64_t[]){4, 5, 6, 4, 7}),
     "the run of other anchors seeds is the first one, for a model without anchors");
  OK(block_is(&e->group[1], 1, (int64_t[]){4, 4, 5, 6, 7}) &&
         seeds_are(&e->run[e->group[0].runs + 6], -1, 13, 24),
     "atoms of anchors: no init seed, and a run of other anchors");
  OK(block_is(&e->group[2], 1, (int64_t[]){2, 3, 2, 2, 3}), "k-means has two runs in a block");
  char *text = text_copy(e->resolved.s);
  Experiment *again = plan(text, "d");
  OK(again->runs == e->runs && block_is(&again->group[1], 1, (int64_t[]){4, 4, 5, 6, 7}) &&
         !strcmp(again->run[13].id, e->run[13].id) && !strcmp(text, again->resolved.s),
     "the resolved spec has the same blocks");
  free(text);
  RUN(ExperimentDestroy(&again));
  RUN(ExperimentDestroy(&e));
  e = plan(HEAD "seeds: {combine: blocks, blocks: 4}\n"
                "models:\n  t: {method: sae, width: 8, code: relu}\n",
           "d");
  OK(e->group[0].blocks == 4 && seeds_are(&e->run[15], 8, 8, -1), "a number of blocks: seeds 1..8");
  RUN(ExperimentDestroy(&e));
}

static void subsamples(void)
{
  Experiment *e = plan(HEAD SETS "seeds: {init: 1..2, data: 1..2, anchors: 1..2, subsample: 3..4}\n"
                                 "subsample: 0.5\nmodels:\n"
                                 "  t: {method: sae, width: 8, code: relu}\n"
                                 "  w: {method: sae, width: 8, code: relu, subsample: 1}\n"
                                 "  g: {method: kmeans, width: 8, grid: {subsample: [0.5, 1]}}\n"
                                 "  a: {method: sae, width: 8, code: relu, atoms: {name: hull, "
                                 "anchors: own}}\n",
                       "d");
  Experiment *before = plan(HEAD SETS "seeds: {init: 1..2, data: 1..2, anchors: 1..2}\nmodels:\n"
                                      "  w: {method: sae, width: 8, code: relu}\n"
                                      "  a: {method: sae, width: 8, code: relu, atoms: {name: "
                                      "hull, anchors: own}}\n",
                            "d");
  OK(e->run[0].seed[3] == 3 && e->run[1].seed[3] == 4 && e->run[2].seed[3] == -1,
     "a share of the groups is a factor where it is below 1");
  OK(!strcmp(e->run[2].id, before->run[0].id) && strcmp(e->run[0].id, before->run[0].id),
     "without one a run keeps its id");
  OK(e->run[4].seed[3] == 3 && e->run[6].seed[3] == -1 && e->groups == 5, "a grid ranges over it");
  OK(e->shares == 2 && e->share[0].subsample == .5 && e->share[e->group[0].share].held_out == .1,
     "which tokens are trained on");
  OK(!strcmp(e->anchors[e->run[8].anchors].id, before->anchors[before->run[2].anchors].id),
     "anchors are made from all training tokens");
  Table *t, *u;
  RUN(PlanTable(e, &t));
  RUN(PlanTable(before, &u));
  OK(!strcmp(table_cell(t, 1, "seed_subsample"), "4") &&
         !strcmp(table_cell(t, 2, "seed_subsample"), "-") &&
         !strcmp(table_cell(t, 0, "subsample"), "0.5") &&
         !strcmp(table_cell(t, 2, "subsample"), "1"),
     "its column and its seed's");
  OK(table_column(u, "seed_subsample") < 0 && table_column(u, "subsample") < 0,
     "plans without one have no such column");
  char *text = text_copy(e->resolved.s);
  Experiment *again = plan(text, "d");
  OK(!strcmp(text, again->resolved.s) && !strcmp(again->run[1].id, e->run[1].id),
     "the resolved spec has the same seeds");
  free(text);
  RUN(TableDestroy(&t));
  RUN(TableDestroy(&u));
  RUN(ExperimentDestroy(&again));
  RUN(ExperimentDestroy(&before));
  RUN(ExperimentDestroy(&e));
}

static void surrogates(void)
{
  Experiment *e = plan(HEAD SETS "seeds: {init: 1..2, data: 1..2, anchors: 1..2}\n"
                                 "null_surrogate: true\nmodels:\n"
                                 "  t: {method: sae, code: relu, grid: {width: [8, 9]}}\n"
                                 "  a: {method: sae, width: 8, code: relu, atoms: {name: hull, "
                                 "anchors: own}}\n"
                                 "  k: {method: kmeans, width: 8, null_surrogate: false}\n",
                       "d");
  Experiment *before = plan(HEAD SETS "seeds: {init: 1..2, data: 1..2, anchors: 1..2}\nmodels:\n"
                                      "  t: {method: sae, code: relu, grid: {width: [8, 9]}}\n"
                                      "  a: {method: sae, width: 8, code: relu, atoms: {name: "
                                      "hull, anchors: own}}\n",
                            "d");
  OK(e->groups == 7 && !strcmp(e->group[2].model, "t width=8 surrogate") &&
         !strcmp(e->group[2].folder, "t") && e->group[2].is_surrogate && !e->group[0].is_surrogate,
     "a group on surrogate tokens for each group of a model");
  OK(e->group[0].surrogate == 2 && e->group[1].surrogate == 3 && e->group[4].surrogate == 5 &&
         e->group[2].surrogate == -1 && e->group[6].surrogate == -1,
     "each group knows its surrogate");
  OK(!strcmp(e->run[0].id, before->run[0].id) && !strcmp(e->run[8].id, before->run[4].id),
     "the models' own runs keep their ids");
  OK(strcmp(e->run[4].id, e->run[0].id) && e->run[4].seed[0] == e->run[0].seed[0] &&
         !strcmp(get(e, 4, "tokens"), "surrogate") && !strcmp(get(e, 0, "tokens"), "(none)"),
     "the same seeds, other tokens");
  OK(e->anchors_count == 4 && e->run[8].anchors != e->run[10].anchors &&
         strcmp(e->anchors[e->run[8].anchors].id, e->anchors[e->run[10].anchors].id),
     "anchors of surrogate tokens are their own");
  char *text = text_copy(e->resolved.s);
  Experiment *again = plan(text, "d");
  OK(again->groups == 7 && !strcmp(text, again->resolved.s) &&
         !strcmp(again->run[5].id, e->run[5].id),
     "the resolved spec plans them too");
  free(text);
  RUN(ExperimentDestroy(&again));
  RUN(ExperimentDestroy(&before));
  RUN(ExperimentDestroy(&e));
}

static void merging(void)
{
  Experiment *e = plan(
      HEAD
      "normalise: {center: min}\nheld_out: 0.2\n"
      "train: {epochs: 3, batch: 64, optimizer: {name: adam, lr: 5e-4}, warmup: 10%}\nmodels:\n"
      "  a: {method: sae, width: 8, code: relu, train: {steps: 100, optimizer: adam}}\n"
      "  b: {method: sae, width: 8, code: relu, train: {optimizer: sgd}, normalise: {scale: "
      "std}}\n"
      "  c: {method: sae, width: 8, code: relu, train: {optimizer: {lr: 1}}, held_out: 0}\n"
      "  k: {method: kmeans, width: 8}\n",
      "d");
  OK(!strcmp(get(e, 0, "train.steps"), "100") && !strcmp(get(e, 0, "train.epochs"), ""),
     "steps take the place of the common epochs");
  OK(!strcmp(get(e, 0, "train.optimizer.lr"), "0.0005"), "the same word keeps the common settings");
  OK(!strcmp(get(e, 1, "train.optimizer.lr"), "0.001") &&
         !strcmp(get(e, 1, "train.optimizer.name"), "sgd"),
     "another word starts from defaults");
  OK(!strcmp(get(e, 1, "normalise.center"), "min") && !strcmp(get(e, 1, "normalise.scale"), "std"),
     "normalise is merged key by key");
  OK(!strcmp(get(e, 2, "train.optimizer.lr"), "1") && !strcmp(get(e, 2, "train.batch"), "64"),
     "one setting of a choice");
  OK(!strcmp(get(e, 2, "held_out"), "0") && e->shares == 2 && e->group[2].share == 1, "held_out");
  OK(!strcmp(get(e, 3, "train.batch"), "(none)") && !strcmp(get(e, 3, "method"), "kmeans"),
     "k-means does not train by steps");
  OK(!strcmp(e->group[0].origin[0].from, "spec") && e->group[0].origin[0].line == 8,
     "where a value came from");
  RUN(ExperimentDestroy(&e));
}

static void grids(void)
{
  Experiment *e =
      plan(HEAD "grid: {width: [16, 32], code.k: [2, 4]}\nmodels:\n"
                "  t: {method: sae, code: {name: topk, k: 2}}\n"
                "  r: {method: sae, width: 8, code: relu, grid: {code.l1: [1e-3, 0.01]}}\n"
                "  c: {method: sae, width: 8, grid: [{code: topk, code.k: 3, train.steps: 5}, "
                "{code: {name: relu, l1: 2}, train.steps: 6}]}\n"
                "  k: {method: kmeans, width: 8, grid: {iterations: 1..3}}\n",
           "d");
  OK(e->groups == 4 + 4 + 4 + 6, "points of each model: %lld", (long long)e->groups);
  OK(!strcmp(e->group[0].model, "t width=16 code.k=2") && !strcmp(e->group[0].folder, "t"), "%s",
     e->group[0].model);
  OK(!strcmp(e->group[5].model, "r width=16 code.l1=0.01"),
     "a path that a model lacks is left out");
  OK(!strcmp(e->group[8].model, "c width=16 code=topk code.k=3 train.steps=5"), "%s",
     e->group[8].model);
  OK(!strcmp(e->group[9].model, "c width=16 code=relu(l1=2) train.steps=6"), "%s",
     e->group[9].model);
  OK(!strcmp(settings_get(&e->group[9].settings, "train.epochs"), ""), "steps by the grid");
  OK(!strcmp(e->group[12].model, "k width=16 iterations=1"), "ranges in a grid");
  RUN(ExperimentDestroy(&e));
  e = plan(HEAD "grid: [{width: 16, code.k: 2}, {width: 16, code.k: 4}]\nmodels:\n"
                "  t: {method: sae, width: 1, code: {name: topk, k: 1}}\n"
                "  k: {method: kmeans, width: 8}\n",
           "d");
  OK(e->groups == 3 && !strcmp(e->group[2].model, "k width=16"),
     "points that become equal are one");
  RUN(ExperimentDestroy(&e));
}

#define HULL "{method: sae, width: 8, code: relu, atoms: {name: hull, anchors: "

static void anchors(void)
{
  Experiment *e = plan(HEAD SEEDS SETS "models:\n  a: " HULL "own}}\n  b: " HULL "common}}\n"
                                       "  c: " HULL "own}, normalise: {scale: none}}\n"
                                       "  d: " HULL "own}}\n",
                       "d");
  OK(e->runs == 16 && e->run[0].seed[2] == 1 && e->run[3].seed[2] == 4,
     "anchors seeds are a factor");
  OK(e->anchors_count == 4 + 1 + 4, "per seed, shared, and once for each normalisation");
  OK(e->run[4].anchors == e->run[7].anchors && e->run[0].anchors != e->run[1].anchors, "sharing");
  OK(e->run[12].anchors == e->run[0].anchors, "two models use the same made set");
  const AnchorRun *run = &e->anchors[e->run[0].anchors];
  OK(!strcmp(settings_get(&run->settings, "method"), "kmeans") &&
         settings_int(&run->settings, "width") == 64 && run->seed == 1 &&
         !strcmp(settings_get(&run->settings, "normalise.scale"), "rms"),
     "a set is made by a run of its method");
  OK(!strcmp(get(e, 0, "atoms.anchors"), run->id) && strlen(run->id) == 16, "named by its id");
  OK(e->run[0].seed[0] == -1, "what starts from anchors has no init seed");
  OK(!strcmp(e->run[0].id, e->run[12].id), "equal runs of two models have one id");
  RUN(ExperimentDestroy(&e));
  e = plan(HEAD SEEDS SETS "models:\n  a: " HULL "common, pick: identity}}\n  b: " HULL
                           "own, pick: identity}}\n",
           "d");
  OK(e->runs == 8 && e->run[0].seed[2] == -1 && e->run[0].anchors == 0 && e->run[4].seed[2] == 1,
     "a shared set taken as it is draws from no anchors seed");
  RUN(ExperimentDestroy(&e));
}

/* Number of runs of b whose id is that of the same run of a. */
static int64_t same_ids(const Experiment *a, const Experiment *b)
{
  int64_t same = 0;
  for (int64_t i = 0; i < a->runs && i < b->runs; i++) same += !strcmp(a->run[i].id, b->run[i].id);
  return same;
}

/* A grid over what stability may depend on: centring, anchors, pick, and whole choices. */
static void factors(void)
{
  Experiment *e = plan(
      HEAD SEEDS
      "anchors: {own: {method: kmeans, count: 64}, common: {method: kmeans, count: 64, sharing: "
      "shared}}\n"
      "grid: {normalise.center: [none, mean], atoms.pick: [identity, permuted]}\nmodels:\n"
      "  a: {method: sae, width: 8, code: relu, atoms: {name: hull, anchors: own}, "
      "grid: {atoms.anchors: [own, common]}}\n"
      "  b: {method: sae, width: 8, grid: {atoms: [free, {name: hull, anchors: common}], "
      "code: [relu, {name: topk, k: 2}]}}\n",
      "d");
  OK(e->groups == 8 + 8 && !strcmp(e->group[3].model, "a normalise.center=none "
                                                      "atoms.pick=permuted atoms.anchors=common"),
     "crossed: %s", e->group[3].model);
  OK(!strcmp(e->group[11].model, "b normalise.center=none atoms=hull(anchors=common) "
                                 "code=topk(k=2)") &&
         settings_get(&e->group[8].settings, "atoms.anchors") == NULL &&
         !strcmp(settings_get(&e->group[10].settings, "atoms.anchors"), "common"),
     "whole choices, with their own settings: %s", e->group[11].model);
  OK(e->group[0].set == 0 && e->group[1].set == 1 && e->group[8].set == -1, "the sets of a grid");
  OK(e->run[0].seed[2] == 1 && e->run[4].seed[2] == -1 && e->run[12].seed[2] == 1,
     "a shared set taken as it is draws from no anchors seed");
  OK(!strcmp(e->run[8].id, e->run[12].id) && e->run[12].first == 8 && e->run[13].first == 13,
     "the first seed's own anchors are the shared ones: that run is trained once");
  char *text = text_copy(e->resolved.s);
  Experiment *again = plan(text, "d");
  bool same = again->groups == e->groups;
  for (int64_t g = 0; same && g < e->groups; g++)
    same = !strcmp(again->group[g].model, e->group[g].model);
  OK(same && same_ids(e, again) == e->runs, "the resolved spec has the same groups and runs");
  free(text);
  RUN(ExperimentDestroy(&again));
  RUN(ExperimentDestroy(&e));
}

#define MODELS                                                                                     \
  "models:\n  t: {method: sae, width: 8, code: {name: topk, k: 2}}\n"                              \
  "  a: {method: sae, width: 8, code: relu, atoms: {name: hull, anchors: own}}\n"

static void ids(void)
{
  static const struct {
    const char *spec, *digest;
    int64_t same;
    const char *what;
  } cases[] = {
      {HEAD SEEDS SETS MODELS "measure: [r2]\ncompare: []\ncheckpoint: {minutes: 3}\n", "d", 8,
       "measure, compare and checkpoint change no id"},
      {"schema: 1\nname: other\ntokens: [b.h5]\n" SEEDS SETS MODELS, "d", 8,
       "nor do the name of the experiment and of the tokens' file"},
      {HEAD SEEDS "anchors: {own: {method: {name: kmeans, iterations: 10}, count: 64}}\n" MODELS,
       "d", 8, "nor sets that are not used"},
      {HEAD "seeds: {init: 1..5, data: 1..5, anchors: 1..5}\n" SETS
            "models:\n  t: {method: sae, width: 8, code: {name: topk, k: 2}}\n",
       "d", 4, "another seed adds runs"},
      {HEAD SEEDS SETS MODELS, "e", 0, "other tokens change all"},
      {HEAD SEEDS SETS "train: {epochs: 19}\n" MODELS, "d", 0, "a setting changes all"},
      {HEAD SEEDS SETS "train: {epochs: 20}\n" MODELS, "d", 8,
       "a default that is written out: none"},
      {HEAD SEEDS "anchors: {own: {method: {name: kmeans, iterations: 11}, count: 64}}\n" MODELS,
       "d", 4, "another making of the anchors changes those that use them"},
  };
  Experiment *a = plan(HEAD SEEDS SETS MODELS, "d");
  for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
    Experiment *b = plan(cases[i].spec, cases[i].digest);
    OK(same_ids(a, b) == cases[i].same, "%s (%lld)", cases[i].what, (long long)same_ids(a, b));
    RUN(ExperimentDestroy(&b));
  }
  for (int64_t i = 0; i < a->runs; i++)
    for (int64_t j = 0; j < i; j++)
      if (!strcmp(a->run[i].id, a->run[j].id)) OK(false, "runs %d and %d", (int)i, (int)j);
  Experiment *b =
      plan(HEAD SEEDS "anchors: {x: {method: {name: kmeans, iterations: 10}, count: 64}}\n"
                      "models:\n  t: " HULL "x}}\n",
           "d");
  Experiment *c = plan(HEAD SEEDS SETS "models:\n  t: " HULL "own}}\n", "d");
  OK(same_ids(b, c) == 4, "the name of a candidate set changes no id");
  RUN(ExperimentDestroy(&a));
  RUN(ExperimentDestroy(&b));
  RUN(ExperimentDestroy(&c));
}

static void resolved(void)
{
  Experiment *a =
      plan("schema: 1\nname: t\ntokens: ['?.h5']\nseeds: {init: 1..2, data: [4, 9]}\n" SETS
           "train: {batch: 32, warmup: 7}\nheld_out: 0.25\ngrid: {width: [16, 32]}\nmodels:\n"
           "  a: {method: sae, code: relu, atoms: {name: hull, anchors: common}, train: {steps: 7},"
           " grid: {code.l1: [1, 2]}}\n"
           "  c: {method: sae, grid: {code: [relu, {name: topk, k: 4}]}}\n"
           "  d: {method: sae, grid: [{code: relu, train.steps: 5}, {code: {name: relu, l1: 2}}]}\n"
           "measure: [{name: density, at: 0.25}]\n"
           "compare: {comparisons: [], across: [[a, c], [d, d]]}\n",
           "d");
  char *text = text_copy(a->resolved.s);
  Experiment *b = plan(text, "d");
  OK(a->token_files == 2 && b->token_files == 2, "globs are spelt out");
  OK(a->runs == b->runs && same_ids(a, b) == a->runs && a->runs == 24, "it plans the same runs");
  bool same = true;
  for (int64_t i = 0; i < a->runs; i++) same &= !strcmp(a->run[i].model, b->run[i].model);
  OK(same, "of the same names");
  OK(!strcmp(text, b->resolved.s), "resolved again it is the same text");
  OK(b->metrics_count == 1 && b->comparisons_count == 0, "the same metrics");
  OK(b->across_count == 2 && !strcmp(b->across[0][1], "c") && !strcmp(b->across[1][0], "d") &&
         !b->across_all,
     "the same couples of models");
  OK(strstr(text, "warmup: 7\n") || strstr(text, "warmup: 7}"), "it holds what was given");
  free(text);
  RUN(ExperimentDestroy(&a));
  RUN(ExperimentDestroy(&b));
}

static void table(void)
{
  Experiment *e = plan(HEAD SEEDS SETS MODELS "  k: {method: kmeans, width: 9}\n", "d");
  Table *t;
  RUN(PlanTable(e, &t));
  Text names = {0};
  for (int c = 0; c < 10; c++) text_add(&names, "%s,", t->names[c]);
  OK(!strcmp(names.s, "run,model,seed_init,seed_data,seed_anchors,anchors,method,width,code.name,"
                      "code.k,"),
     "the columns: %s", names.s);
  OK(t->rows == 12 && table_column(t, "code.l1") > table_column(t, "normalise.center"),
     "settings follow as they first appear");
  OK(!strcmp(table_cell(t, 0, "seed_anchors"), "-") && !strcmp(table_cell(t, 0, "anchors"), ""),
     "seeds that are not used, and no anchors");
  OK(!strcmp(table_cell(t, 4, "seed_anchors"), "1") && strlen(table_cell(t, 4, "anchors")) == 16,
     "seeds and anchors that are");
  OK(!strcmp(table_cell(t, 8, "method"), "kmeans") && !strcmp(table_cell(t, 8, "width"), "9") &&
         !strcmp(table_cell(t, 8, "code.name"), "") &&
         !strcmp(table_cell(t, 8, "iterations"), "50"),
     "cells that do not apply are empty");
  text_clear(&names);
  RUN(TableDestroy(&t));
  RUN(ExperimentDestroy(&e));
}

static void binding(void)
{
  Experiment *e = fake_read(HEAD SETS "train: {batch: 100}\nmodels:\n  a: " HULL "own}}\n", &told);
  Mistakes *mistakes;
  const int64_t n_train = 50;
  char line[500];
  RUN(MistakesCreate(&mistakes));
  RUN(ExperimentBind(e, &fakes, "d", &n_train, 16, mistakes));
  FILE *file = tmpfile();
  mistakes_print(mistakes, file);
  rewind(file);
  Text text = {0};
  while (fgets(line, sizeof(line), file)) text_add(&text, "%s", line);
  fclose(file);
  OK(mistakes_count(mistakes) == 2 && !e->run[0].id, "what the tokens do not allow: no ids");
  OK(strstr(text.s, "spec.yaml:7:16: train.batch: 100 is more than the 50 training tokens"),
     "the batch, where it is set");
  OK(strstr(text.s, "spec.yaml:5:3: anchors: own has a count of 64"), "the anchors' count");
  text_clear(&text);
  RUN(MistakesDestroy(&mistakes));
  RUN(ExperimentDestroy(&e));
}

int main(int argc, char **argv)
{
  TestBegin(&argc, &argv);
  if (!mkdtemp(fake_folder)) return 1;
  seeds();
  blocks();
  subsamples();
  surrogates();
  merging();
  grids();
  anchors();
  factors();
  ids();
  resolved();
  table();
  binding();
  text_clear(&told);
  for (const char *const *name = (const char *const[]){"a.h5", "b.h5", "spec.yaml", NULL}; *name;
       name++) {
    char path[200];
    snprintf(path, sizeof(path), "%s/%s", fake_folder, *name);
    unlink(path);
  }
  rmdir(fake_folder);
  return TestEnd();
}
