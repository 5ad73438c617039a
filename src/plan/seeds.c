/* Seeds: lists and ranges, crossed or zipped. */
#include "plan/reader.h"
#include <stdlib.h>
#include <string.h>

enum { MOST = 10000 }; /* numbers in one range, tuples of seeds */

static const char *const purposes[] = {"init", "data", "anchors"};
static const Param seed_param = {"seed", PARAM_INT, .initial = "1", .min = 0,
                                 .max = 9007199254740992.0};

PetscErrorCode RangeRead(Reader *reader, const Node *node, Node *list, bool *is)
{
  long long first, last;
  int end = 0;

  PetscFunctionBegin;
  *is = node->kind == NODE_SCALAR && !node->quoted && strstr(node->text, "..") &&
        !node->text[strspn(node->text, "0123456789.-+")];
  if (!*is) PetscFunctionReturn(PETSC_SUCCESS);
  if (strlen(node->text) > 40 || sscanf(node->text, "%lld..%lld%n", &first, &last, &end) != 2 ||
      node->text[end]) {
    MISTAKE(reader, node, "'%s' is no range; a range is written 1..8, both ends included",
            node->text);
  } else if (first > last) {
    MISTAKE(reader, node, "the range %s goes down; did you mean %lld..%lld?", node->text, last,
            first);
  } else if (last - first >= MOST || last - first < 0) {
    MISTAKE(reader, node, "the range %s is longer than %d numbers", node->text, MOST);
  } else {
    for (long long x = first; x <= last; x++) {
      char text[32];
      snprintf(text, sizeof(text), "%lld", x);
      Node *number = node_scalar(reader->tree, text, node->line, node->column);
      node_put(list, NULL, node->line, node->column, number);
    }
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The numbers of one purpose: a number, a range, or a list of them. At least one, also after a
   mistake. */
static PetscErrorCode read_purpose(Reader *reader, const char *purpose, Node *node, int64_t *count,
                                   int64_t **numbers)
{
  bool is;

  PetscFunctionBegin;
  Node *list = node_new(reader->tree, NODE_LIST, node ? node->line : 0, node ? node->column : 0);
  Node *given = node_new(reader->tree, NODE_LIST, list->line, list->column);
  if (node && node->kind == NODE_LIST) given = node;
  if (node && node->kind != NODE_LIST) node_put(given, NULL, node->line, node->column, node);
  if (node && !given->count) MISTAKE(reader, node, "seeds.%s: the list is empty", purpose);
  for (int64_t i = 0; i < given->count; i++) {
    Node *value = given->item[i].value;
    PetscCall(RangeRead(reader, value, list, &is));
    if (!is) node_put(list, NULL, value->line, value->column, value);
  }
  *numbers = calloc((size_t)list->count + 1, sizeof(**numbers));
  PetscCheck(*numbers, PETSC_COMM_SELF, PETSC_ERR_MEM, "no memory");
  *count = 0, (*numbers)[0] = 1;
  Text name = {0};
  text_add(&name, "seeds.%s", purpose);
  Param param = seed_param;
  param.name = name.s;
  for (int64_t i = 0; i < list->count; i++) {
    char *value;
    PetscCall(ReadScalar(reader, &param, list->item[i].value, &value));
    if (*value) (*numbers)[(*count)++] = strtoll(value, NULL, 10);
    free(value);
  }
  if (!*count) *count = 1;
  text_clear(&name);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Numbers of tuples for lists of these lengths; 0 after a mistake. */
static int64_t tuples(Reader *reader, const Node *map, bool cross, const int64_t count[3])
{
  int64_t total = 1;
  if (cross) {
    for (int i = 0; i < 3; i++) total = total > MOST ? total : total * count[i];
  } else {
    for (int i = 0; i < 3; i++) {
      if (count[i] == 1) continue;
      if (total > 1 && count[i] != total) {
        const Node *node = node_get(map, purposes[i]);
        MISTAKE(reader, node,
                "seeds.%s has %lld values where another purpose has %lld; combine: zip needs equal "
                "numbers, or one that serves all (combine: cross takes every combination)",
                purposes[i], (long long)count[i], (long long)total);
        return 0;
      }
      total = count[i];
    }
  }
  if (total <= MOST) return total;
  MISTAKE(reader, map, "these seeds make more than %d runs of each model", MOST);
  return 0;
}

static void check_repeats(Reader *reader, const Node *map, const Seeds *seeds)
{
  for (int64_t i = 0; i < seeds->count; i++)
    for (int64_t j = 0; j < i; j++)
      if (!memcmp(seeds->tuple[i], seeds->tuple[j], sizeof(*seeds->tuple))) {
        const int64_t *t = seeds->tuple[i];
        MISTAKE(reader, map, "the seeds init %lld, data %lld, anchors %lld come twice",
                (long long)t[0], (long long)t[1], (long long)t[2]);
        return;
      }
}

PetscErrorCode SeedsRead(Reader *reader, const Node *map, Seeds *seeds)
{
  static const char *const ways[] = {"zip", "cross", NULL};
  static const Param combine = {"seeds.combine", PARAM_WORD, .initial = "zip", .words = ways};
  const Words words = {4, {"init", "data", "anchors", "combine"}};
  int64_t count[3], *numbers[3];
  char *way;

  PetscFunctionBegin;
  memset(seeds, 0, sizeof(*seeds));
  if (!is_map(reader, "seeds", map)) map = NULL;
  check_keys(reader, map, "seeds", &words);
  for (int i = 0; i < 3; i++)
    PetscCall(
        read_purpose(reader, purposes[i], node_get(map, purposes[i]), &count[i], &numbers[i]));
  PetscCall(ReadScalar(reader, &combine, node_get(map, "combine"), &way));
  const bool cross = !strcmp(way, "cross");
  const int64_t total = tuples(reader, map, cross, count);
  seeds->tuple = calloc((size_t)(total + 1), sizeof(*seeds->tuple));
  PetscCheck(seeds->tuple, PETSC_COMM_SELF, PETSC_ERR_MEM, "no memory");
  seeds->count = total;
  for (int64_t t = 0; t < total; t++) {
    const int64_t at[3] = {t / (count[1] * count[2]), t / count[2] % count[1], t % count[2]};
    for (int i = 0; i < 3; i++)
      seeds->tuple[t][i] = numbers[i][cross ? at[i] : count[i] == 1 ? 0 : t];
  }
  if (map) check_repeats(reader, map, seeds);
  for (int i = 0; i < 3; i++) free(numbers[i]);
  free(way);
  PetscFunctionReturn(PETSC_SUCCESS);
}

void seeds_clear(Seeds *seeds)
{
  free(seeds->tuple);
  memset(seeds, 0, sizeof(*seeds));
}

PetscErrorCode SeedsUsed(const Seeds *seeds, unsigned used, Seeds *out)
{
  PetscFunctionBegin;
  out->count = 0;
  out->tuple = calloc((size_t)(seeds->count + 1), sizeof(*out->tuple));
  PetscCheck(out->tuple, PETSC_COMM_SELF, PETSC_ERR_MEM, "no memory");
  for (int64_t t = 0; t < seeds->count; t++) {
    int64_t *tuple = out->tuple[out->count];
    bool new = true;
    for (int i = 0; i < 3; i++) tuple[i] = used & (1U << i) ? seeds->tuple[t][i] : -1;
    for (int64_t s = 0; s < out->count && new; s++)
      new = memcmp(out->tuple[s], tuple, sizeof(*out->tuple)) != 0;
    out->count += new;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}
