/* What the files that read a spec share. Inside plan only. */
#pragma once
#include "plan/experiment.h"
#include "plan/yaml.h"

typedef struct {
  const char *path; /* of the spec, as given: for messages */
  Mistakes *mistakes;
  int told; /* how often a mistake was met, repeated ones too */
  Tree *tree;
  const SpecFamilies *families;
  Experiment *experiment;
  int64_t first_anchors_seed; /* of the common seeds: makes shared candidate sets */
  Text metrics, comparisons;  /* the chosen ones as a YAML list */
} Reader;

/* A mistake at a node, or at anything with a line and a column. */
#define MISTAKE(reader, at, ...)                                                                   \
  ((reader)->told++,                                                                               \
   mistake((reader)->mistakes, (reader)->path, (at)->line, (at)->column, __VA_ARGS__))

/* A path as the spec says it, in fresh memory: relative to the spec's folder. */
char *spec_path(const Experiment *experiment, const char *path);

/* A list of words for suggestions. Zero-initialised is empty; what is past its end is left out. */
typedef struct {
  int count;
  const char *word[256]; /* ended by NULL */
} Words;
/* How atoms may be centred: the names of compare/pair.h, which is a later layer. */
extern const Words centring_words;
void words_add(Words *words, const char *word);
void words_family(Words *words, const Family *family);
/* "did you mean x?" or "there are a, b and c", for what was written. */
void words_suggest(const Words *words, const char *written, Text *text);

/* Adds a mistake for each key of map that is not among words; what: "key", "setting of topk". */
void check_keys(Reader *reader, const Node *map, const char *what, const Words *words);
/* Is it a map (a mistake otherwise)? A NULL is none, silently. */
bool is_map(Reader *reader, const char *what, const Node *node);
/* A scalar's text; NULL with a mistake otherwise. */
const char *scalar_text(Reader *reader, const char *what, const Node *node);
/* May it name a folder: letters, digits, . _ + -, not beginning with a dot? A mistake otherwise. */
bool check_name(Reader *reader, const char *what, const char *name, int line, int column);
/* ReadScalar - one setting by a Param outside of any model; its default where node is NULL. ""
   after a mistake. Fresh memory. */
PetscErrorCode ReadScalar(Reader *reader, const Param *param, const Node *node, char **value);

/* Settings of one model, candidate set, metric, …, being filled in. */
typedef struct {
  Reader *reader;
  Settings settings;
  Origin *origin; /* [settings.count] */
  int set;        /* candidate set named by a setting; -1: none */
  bool no_sets;   /* naming one is a mistake */
} Resolve;
void resolve_clear(Resolve *resolve);
void resolve_set(Resolve *resolve, const char *path, const char *value, const char *from,
                 const Node *node);

/* ResolveParams - the settings of a table from a map (NULL: all defaults), under prefix. owner is
   where a missing one is missing. Keys that the table lacks are mistakes; beside names further keys
   that are somebody else's (NULL: none). Not collective. */
PetscErrorCode ResolveParams(Resolve *resolve, const Node *map, const Param *params,
                             const char *prefix, const Node *owner, const char *owner_name,
                             const Words *beside);
/* Two settings of which one takes the place of the other, both given: a mistake at the second. */
void both_given(Reader *reader, const char *a, const Node *at_a, const char *b, const Node *at_b);
/* ResolveParam - one setting. */
PetscErrorCode ResolveParam(Resolve *resolve, const Node *node, const Param *param,
                            const char *path, const Node *owner);
/* ResolveChecks - Entry.check of an entry and of those chosen below it; mistakes where the setting
   was given. all: settings with further facts; where: ends each message (" (...)" or ""). */
PetscErrorCode ResolveChecks(Mistakes *mistakes, const char *file, const Entry *entry,
                             const char *prefix, const Settings *settings, const Origin *origin,
                             const Settings *all, const char *where, int line, int column);
/* ResolveSeeds - the SEED_* that an entry and those chosen below it draw from. */
PetscErrorCode ResolveSeeds(const Entry *entry, const char *prefix, const Settings *settings,
                            unsigned *seeds);
/* Where path was given, or its .name, or the mapping around it. */
void origin_of(const Settings *settings, const Origin *origin, const char *path, int *line,
               int *column);

/* The common settings normalise.* and held_out. */
extern const Param common_params[];

/* Seeds of a model: tuples in order of the plan. */
typedef struct {
  int64_t count;
  int64_t (*tuple)[SEED_PURPOSES];
  int64_t blocks; /* of `combine: blocks`; 0: another way */
  int64_t *block; /* [blocks x 5] numbers of tuples, as Group.block */
} Seeds;
/* SeedsRead - from the mapping `seeds` (NULL: 1 each). */
PetscErrorCode SeedsRead(Reader *reader, const Node *map, Seeds *seeds);
void seeds_clear(Seeds *seeds);
/* SeedsUsed - without the purposes that are not in used: those become -1, and equal tuples one;
   with the numbers of blocks following. */
PetscErrorCode SeedsUsed(const Seeds *seeds, unsigned used, Seeds *out);
/* RangeRead - the numbers of "1..8" into a list of scalars; *is false where text is no range. A bad
   one is a mistake. */
PetscErrorCode RangeRead(Reader *reader, const Node *node, Node *list, bool *is);

/* One grid point: values by path. */
typedef struct {
  const char *path;
  int line, column;
  Node *value;
} GridValue;
typedef struct {
  int count;
  GridValue *value;
} GridPoint;
typedef struct {
  int64_t count;
  GridPoint *point;
} Grid;
/* GridRead - the points of a grid: crossed lists, or a list of points. No node: one empty point. */
PetscErrorCode GridRead(Reader *reader, const Node *node, Grid *grid);
/* GridCross - every point of a with every point of b, a slowest. */
PetscErrorCode GridCross(Reader *reader, const Grid *a, const Grid *b, Grid *grid);
void grid_clear(Grid *grid);

/* TokensPathsRead, AnchorSetsRead, ChosenRead, ModelsRead - the parts of a spec, each into
   reader->experiment. Mistakes are collected. */
PetscErrorCode TokensPathsRead(Reader *reader, const Node *root);
PetscErrorCode AnchorSetsRead(Reader *reader, const Node *node);
PetscErrorCode ChosenRead(Reader *reader, const Node *root);
/* AcrossRead - compare.across, into the experiment; across_yaml - the same as YAML, nothing where
   it is not given; AcrossForget frees. Not collective. */
PetscErrorCode AcrossRead(Reader *reader, const Node *root);
void across_yaml(const Experiment *experiment, Text *text);
PetscErrorCode AcrossForget(Experiment *experiment);
PetscErrorCode ModelsRead(Reader *reader, const Node *root);
/* LooksRead - images and texts. */
PetscErrorCode LooksRead(Reader *reader, const Node *root);
/* ResolvedBegin, ResolvedModel, ResolvedEnd - write experiment->resolved: what stands before the
   models, one model with its groups first .. first + count - 1 (points: their grid points), and
   what stands after them. Not collective. */
PetscErrorCode ResolvedBegin(Reader *reader, const Seeds *common);
PetscErrorCode ResolvedModel(Reader *reader, const char *name, const Settings *base, int64_t first,
                             const Grid *points, const Seeds *seeds, bool surrogates);
PetscErrorCode ResolvedEnd(Reader *reader);
/* The setting at path as flow YAML: a scalar, or a mapping of all below it. */
void setting_yaml(const Settings *settings, const char *path, Text *text);
/* Is there a setting, or a choice, at path? */
bool setting_there(const Settings *settings, const char *path);

/* AnchorRunFind - the AnchorRun of a group's candidate set for a seed: found or added. */
PetscErrorCode AnchorRunFind(Experiment *experiment, const Group *group, int64_t seed, int *number);
