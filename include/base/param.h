/* Settings declared once: from a Param come reading, checking, defaulting, help and provenance.
   Every registered struct starts with an Entry; a Family is the list of the entries of one kind. */
#pragma once
#include "base/mistakes.h"
#include "base/text.h"

typedef struct Family Family;
struct Settings;
typedef struct Entry Entry;

typedef enum {
  PARAM_INT,     /* int64_t */
  PARAM_REAL,    /* double */
  PARAM_BOOL,    /* bool: true | false */
  PARAM_WORD,    /* int: index into words */
  PARAM_TEXT,    /* char *, owned */
  PARAM_SHARE,   /* Share: "5%" or a whole number */
  PARAM_ANCHORS, /* char *, owned: name of a candidate set of the spec */
  PARAM_CHOICE,  /* Choice: an entry of family with its own settings */
} ParamType;

typedef struct {
  double value; /* percent: 0..100 */
  bool percent;
} Share;

typedef struct {
  const Entry *entry;
  void *params; /* entry->params_size bytes, owned; NULL if it has none */
} Choice;

/* One setting: read, checked, defaulted, printed and stored from this line alone. */
typedef struct {
  const char *name; /* the key in the YAML; "train.epochs" is the key epochs of the mapping train */
  ParamType type;
  size_t offset;       /* of the field in the entry's parameter struct */
  const char *initial; /* the default, as YAML would say it (a choice: the word); NULL: must be
                          given; "": may be left out, then text and anchors are NULL, numbers 0
                          (reals NaN) */
  double min, max;     /* bounds of INT, REAL and SHARE (of the value), both included; 0, 0: none */
  const char *doc;     /* what it is, with the unit */
  const char *const *words; /* PARAM_WORD: ended by NULL */
  const Family *family;     /* PARAM_CHOICE */
  bool open_min;            /* min itself is not allowed */
  const char *instead;      /* another setting of this table that takes the place of this one: where
                               that one is given this one has no value; giving both is a mistake */
  bool quiet; /* while it has its default it is not among what names a run: neither in the hash, nor
                 in a model's attributes, nor in plan.csv. For settings added to entries that runs
                 were made with before */
} Param;

/* Which seeds an entry draws from: a model that never draws from a purpose has no factor there. */
enum { SEED_INIT = 1, SEED_DATA = 2, SEED_ANCHORS = 4, SEED_SUBSAMPLE = 8 };

struct Entry {
  const char *name;    /* the word in the YAML, and the file's name */
  const char *summary; /* one line, for `ardis list` and the report */
  const char *cite;    /* paper and equation; NULL: none */
  const Param *params; /* ends with {0}; NULL: none */
  size_t params_size;
  unsigned seeds; /* SEED_* it draws from, whatever its settings */
  unsigned (*draws)(
      const void *params); /* further SEED_* that depend on its settings; NULL: none. A candidate
                              set made per seed draws from SEED_ANCHORS by itself. */
  /* Further checks on filled-in params and the whole run's settings (NULL: none): returns NULL, or
     the reason in fresh memory and, in path, the setting it is about (relative to the entry, static
     text). all holds more than settings where it is known: "anchors.count" (candidates of the set
     that the model uses), and once the tokens are open "tokens.train" (training tokens),
     "tokens.width" and "tokens.minimum" (the least value where that is below 0, else 0);
     settings_int gives 0 while it is not known. */
  char *(*check)(const void *params, const struct Settings *all, const char **path);
};

struct Family {
  const char *kind;            /* "code" */
  const char *plural;          /* "codes": the word of `ardis list` */
  const Entry *const *entries; /* sorted by name, ended by NULL */
};

/* The entry of that name, or NULL. */
const Entry *family_find(const Family *family, const char *name);

/* Settings of one run as flat, ordered (path, value) pairs: "code.name" = "topk", "code.k" = "16".
 * Values are canonical text. */
typedef struct Settings {
  int64_t count;
  struct {
    char *path, *value;
    bool quiet; /* Param.quiet, at its default */
  } * items;
} Settings;

void settings_set(Settings *settings, const char *path,
                  const char *value); /* replaces or appends; copies */
void settings_quiet(Settings *settings,
                    const char *path); /* marks what is there, until it is set */
const char *settings_get(const Settings *settings, const char *path); /* NULL: not there */
double settings_real(const Settings *settings, const char *path);     /* NaN: not there */
int64_t settings_int(const Settings *settings, const char *path);     /* 0: not there */
void settings_copy(Settings *to, const Settings *from);
void settings_clear(Settings *settings);
/* Fills in what is not set yet of such params below prefix ("" or "code."): the default of every
   setting, and of every choice's settings. A candidate set is named own. */
void settings_fill(Settings *settings, const char *prefix, const Param *params);

/* What a value may be, in words: "1 to 100", "above 0", "mean or rms". Adds nothing where all goes.
 */
void param_bounds(const Param *param, Text *text);

/* ParamScalar - checks the text of one scalar setting (not CHOICE). Gives the canonical text in
   *canonical (free), or what is wrong with it and what would be right in *complaint (free). Not
   collective. */
PetscErrorCode ParamScalar(const Param *param, const char *text, char **canonical,
                           char **complaint);

/* ParamsRead - fills out (params_size bytes) from resolved settings whose paths begin with prefix
   ("" or "code."). The settings were checked before: a missing or bad one is a bug. ParamsRelease
   frees what it owns. Not collective. */
PetscErrorCode ParamsRead(const Settings *settings, const char *prefix, const Param *params,
                          void *out);
PetscErrorCode ParamsRelease(const Param *params, void *out);
/* ChoiceRead - the entry named by "<path>.name" with its settings. ChoiceRelease frees. */
PetscErrorCode ChoiceRead(const Settings *settings, const char *path, const Family *family,
                          Choice *choice);
PetscErrorCode ChoiceRelease(Choice *choice);
