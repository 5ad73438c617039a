/* libyaml events -> tree. */
#include "plan/yaml.h"
#include <string.h>
#include <yaml.h>

enum { DEEPEST = 50 };

typedef struct {
  yaml_parser_t parser;
  const char *file;
  const Text *text;
  Tree *tree;
  Mistakes *mistakes;
  bool failed; /* the text cannot be read on */
} Source;

static void refuse(Source *source, yaml_mark_t at, const char *what)
{
  mistake(source->mistakes, source->file, (int)at.line + 1, (int)at.column + 1, "%s", what);
}

/* The place of a byte: what cannot be decoded has no mark of libyaml's. */
static yaml_mark_t place_of(const Source *source, size_t offset)
{
  yaml_mark_t at = {.index = offset};
  for (size_t i = 0; i < offset && i < source->text->length; i++) {
    const bool end = source->text->s[i] == '\n';
    at.line += end;
    at.column = end ? 0 : at.column + 1;
  }
  return at;
}

/* The next event; false, with a mistake, where the text is no YAML. */
static bool next(Source *source, yaml_event_t *event)
{
  if (source->failed) return false;
  if (yaml_parser_parse(&source->parser, event)) return true;
  const yaml_parser_t *p = &source->parser;
  const char *problem = p->problem ? p->problem : "it cannot be read";
  yaml_mark_t at = p->problem_mark;
  if (p->error == YAML_READER_ERROR) at = place_of(source, p->problem_offset);
  Text text = {0};
  text_add(&text, "this is not YAML: %s", problem);
  if (p->context)
    text_add(&text, " (%s that began on line %d)", p->context, (int)p->context_mark.line + 1);
  if (strstr(problem, "cannot start any token"))
    text_add(&text, "; a tab is not allowed for indenting, and words that begin with %%, @ or ` "
                    "need quotes");
  if (strstr(problem, "did not find expected key"))
    text_add(&text, "; keys of one mapping stand in one column");
  if (strstr(problem, "mapping values are not allowed"))
    text_add(&text, "; is the line indented too far, or a quote missing?");
  mistake(source->mistakes, source->file, (int)at.line + 1, (int)at.column + 1, "%s", text.s);
  text_clear(&text);
  source->failed = true;
  return false;
}

/* Tags and anchors are not used in specs. */
static void check_plain(Source *source, yaml_mark_t at, const yaml_char_t *anchor,
                        const yaml_char_t *tag)
{
  if (anchor)
    refuse(source, at, "YAML anchors (&name) are not used in a spec: write the value out");
  if (tag) refuse(source, at, "YAML tags (!name) are not used in a spec");
}

static Node *read_node(Source *source, yaml_event_t *event, int depth);

static Node *read_scalar(Source *source, yaml_event_t *event)
{
  Node *node = node_new(source->tree, NODE_SCALAR, (int)event->start_mark.line + 1,
                        (int)event->start_mark.column + 1);
  check_plain(source, event->start_mark, event->data.scalar.anchor, event->data.scalar.tag);
  node->quoted = event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
  node->text =
      tree_text(source->tree, (const char *)event->data.scalar.value, event->data.scalar.length);
  if (strlen(node->text) != event->data.scalar.length)
    refuse(source, event->start_mark, "a text may not hold the character 0");
  if (!node->quoted && (!strcmp(node->text, "~") || !strcmp(node->text, "null"))) node->text = "";
  return node;
}

static void read_list(Source *source, Node *list, int depth)
{
  yaml_event_t event;
  while (next(source, &event)) {
    const bool end = event.type == YAML_SEQUENCE_END_EVENT;
    Node *value = end ? NULL : read_node(source, &event, depth);
    yaml_event_delete(&event);
    if (end) return;
    if (value) node_put(list, NULL, value->line, value->column, value);
  }
}

static void read_pair(Source *source, Node *map, yaml_event_t *event, int depth)
{
  yaml_event_t second;
  Node *key = read_node(source, event, depth), *value = NULL;
  if (!next(source, &second)) return;
  value = read_node(source, &second, depth);
  yaml_event_delete(&second);
  if (!key || !value) return;
  if (key->kind != NODE_SCALAR) {
    mistake(source->mistakes, source->file, key->line, key->column,
            "a key must be one word, not a mapping or a list");
    return;
  }
  for (int64_t i = 0; i < map->count; i++)
    if (!strcmp(map->item[i].key, key->text)) {
      mistake(source->mistakes, source->file, key->line, key->column,
              "the key '%s' is given twice; it was given on line %d already", key->text,
              map->item[i].line);
      return;
    }
  node_put(map, key->text, key->line, key->column, value);
}

static void read_map(Source *source, Node *map, int depth)
{
  yaml_event_t event;
  while (next(source, &event)) {
    const bool end = event.type == YAML_MAPPING_END_EVENT;
    if (!end) read_pair(source, map, &event, depth);
    yaml_event_delete(&event);
    if (end) return;
  }
}

/* The node that the event begins. */
static Node *read_node(Source *source, yaml_event_t *event, int depth)
{
  const int line = (int)event->start_mark.line + 1, column = (int)event->start_mark.column + 1;
  if (depth > DEEPEST) {
    if (!source->failed) refuse(source, event->start_mark, "this is nested too deeply");
    source->failed = true;
    return NULL;
  }
  switch (event->type) {
  case YAML_SCALAR_EVENT:
    return read_scalar(source, event);
  case YAML_SEQUENCE_START_EVENT: {
    Node *list = node_new(source->tree, NODE_LIST, line, column);
    check_plain(source, event->start_mark, event->data.sequence_start.anchor,
                event->data.sequence_start.tag);
    read_list(source, list, depth + 1);
    return list;
  }
  case YAML_MAPPING_START_EVENT: {
    Node *map = node_new(source->tree, NODE_MAP, line, column);
    check_plain(source, event->start_mark, event->data.mapping_start.anchor,
                event->data.mapping_start.tag);
    read_map(source, map, depth + 1);
    return map;
  }
  case YAML_ALIAS_EVENT:
    refuse(source, event->start_mark,
           "YAML aliases (*name) are not used in a spec: write the value out, or in quotes");
    source->failed = true;
    return NULL;
  default:
    return NULL;
  }
}

PetscErrorCode YamlRead(const char *file, const Text *text, Tree *tree, Mistakes *mistakes,
                        Node **root)
{
  Source source = {.file = file, .text = text, .tree = tree, .mistakes = mistakes};
  yaml_event_t event;

  PetscFunctionBegin;
  *root = NULL;
  CheckThat(yaml_parser_initialize(&source.parser), "libyaml does not start");
  yaml_parser_set_input_string(&source.parser, (const unsigned char *)(text->s ? text->s : ""),
                               text->length);
  for (bool end = false; !end && next(&source, &event);) {
    end = event.type == YAML_STREAM_END_EVENT;
    if (event.type == YAML_DOCUMENT_START_EVENT && *root) {
      refuse(&source, event.start_mark, "a spec is one YAML document; here a second one begins");
      end = true;
    }
    Node *node = end ? NULL : read_node(&source, &event, 0);
    if (node) *root = node;
    yaml_event_delete(&event);
  }
  if (source.failed) *root = NULL;
  yaml_parser_delete(&source.parser);
  PetscFunctionReturn(PETSC_SUCCESS);
}
