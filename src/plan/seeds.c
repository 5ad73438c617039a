/* Seeds: lists and ranges, crossed or zipped. */
#include "plan/reader.h"
#include <stdlib.h>
#include <string.h>

enum {
  MOST = 10000, /* numbers in one range, tuples of seeds */
  BLOCK = 5     /* runs of a block */
};

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

/* Seeds as lists of numbers, one for each purpose. */
typedef struct {
  int64_t count[SEED_PURPOSES], *number[SEED_PURPOSES];
} Lists;

/* Numbers of tuples for lists of these lengths; 0 after a mistake. */
static int64_t tuples(Reader *reader, const Node *map, bool cross, const int64_t *count)
{
  int64_t total = 1;
  if (cross) {
    for (int i = 0; i < SEED_PURPOSES; i++) total = total > MOST ? total : total * count[i];
  } else {
    for (int i = 0; i < SEED_PURPOSES; i++) {
      if (count[i] == 1) continue;
      if (total > 1 && count[i] != total) {
        const Node *node = node_get(map, seed_purposes[i]);
        MISTAKE(reader, node,
                "seeds.%s has %lld values where another purpose has %lld; combine: zip needs equal "
                "numbers, or one that serves all (combine: cross takes every combination)",
                seed_purposes[i], (long long)count[i], (long long)total);
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
        Text text = {0};
        for (int p = 0; p < SEED_PURPOSES; p++)
          if (p < 3 || node_get(map, seed_purposes[p]))
            text_add(&text, "%s%s %lld", p ? ", " : "", seed_purposes[p],
                     (long long)seeds->tuple[i][p]);
        MISTAKE(reader, map, "the seeds %s come twice", text.s);
        text_clear(&text);
        return;
      }
}

static PetscErrorCode Allocate(int64_t tuples, int64_t blocks, Seeds *seeds)
{
  PetscFunctionBegin;
  memset(seeds, 0, sizeof(*seeds));
  seeds->tuple = calloc((size_t)(tuples + 1), sizeof(*seeds->tuple));
  seeds->block = blocks ? calloc((size_t)(blocks * BLOCK), sizeof(*seeds->block)) : NULL;
  PetscCheck(seeds->tuple && (!blocks || seeds->block), PETSC_COMM_SELF, PETSC_ERR_MEM,
             "no memory");
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Every combination (the first purpose slowest), or one of each at a time. */
static PetscErrorCode combine_lists(Reader *reader, const Node *map, bool cross, const Lists *lists,
                                    Seeds *seeds)
{
  const int64_t total = tuples(reader, map, cross, lists->count);

  PetscFunctionBegin;
  PetscCall(Allocate(total, 0, seeds));
  seeds->count = total;
  for (int64_t t = 0; t < total; t++) {
    int64_t rest = t;
    for (int i = SEED_PURPOSES - 1; i >= 0; rest /= lists->count[i--])
      seeds->tuple[t][i] = lists->number[i][cross                  ? rest % lists->count[i]
                                            : lists->count[i] == 1 ? 0
                                                                   : t];
  }
  if (map) check_repeats(reader, map, seeds);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The number of blocks: seeds.blocks, or half as many as a purpose has values. 0: a mistake. */
static PetscErrorCode count_blocks(Reader *reader, const Node *map, const Lists *lists,
                                   int64_t *blocks)
{
  static const Param param = {"seeds.blocks", PARAM_INT, .initial = "0", .min = 2,
                              .max = MOST / BLOCK};
  const Node *given = node_get(map, "blocks");
  char *value = NULL;

  PetscFunctionBegin;
  *blocks = 0;
  if (given) PetscCall(ReadScalar(reader, &param, given, &value));
  if (given) *blocks = strtoll(value, NULL, 10);
  free(value);
  for (int i = 0; i < 3 && !given && !*blocks; i++)
    if (node_get(map, seed_purposes[i])) *blocks = lists->count[i] / 2;
  if (!given && *blocks < 2) {
    MISTAKE(reader, map,
            "combine: blocks makes blocks of five runs and needs at least 2 of them (4 or more for "
            "an interval of use): give seeds.blocks, or two values of each purpose for each block");
    *blocks = 0;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A purpose in blocks: two fresh seeds for each, 1 .. 2 blocks where none are given. */
static PetscErrorCode check_block_seeds(Reader *reader, const Node *node, int purpose,
                                        int64_t blocks, Lists *lists)
{
  int64_t *number = lists->number[purpose], count = lists->count[purpose];

  PetscFunctionBegin;
  if (node && count != 2 * blocks) {
    MISTAKE(reader, node, "seeds.%s has %lld values; %lld blocks need %lld, two for each",
            seed_purposes[purpose], (long long)count, (long long)blocks, (long long)(2 * blocks));
  } else if (!node) {
    free(number);
    number = lists->number[purpose] = calloc((size_t)(2 * blocks + 1), sizeof(*number));
    PetscCheck(number, PETSC_COMM_SELF, PETSC_ERR_MEM, "no memory");
    for (int64_t i = 0; i < 2 * blocks; i++) number[i] = i + 1;
    count = lists->count[purpose] = 2 * blocks;
  }
  for (int64_t i = 0; i < count; i++)
    for (int64_t j = 0; j < i; j++)
      if (number[i] == number[j]) {
        MISTAKE(reader, node, "seeds.%s: %lld comes twice, and every block needs fresh seeds",
                seed_purposes[purpose], (long long)number[i]);
        PetscFunctionReturn(PETSC_SUCCESS);
      }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Blocks of (i, d, a), (i', d, a), (i, d', a), (i, d, a'), (i', d', a'), whose ten pairs share
   every subset of the three. */
static PetscErrorCode combine_blocks(Reader *reader, const Node *map, Lists *lists, Seeds *seeds)
{
  static const bool second[BLOCK][3] = {
      {false, false, false}, {true, false, false}, {false, true, false},
      {false, false, true},  {true, true, true},
  };
  const int before = reader->told;
  int64_t blocks;

  PetscFunctionBegin;
  if (lists->count[3] > 1)
    MISTAKE(reader, node_get(map, "subsample"),
            "seeds.subsample cannot vary in blocks: their five runs tell the shares of init, data "
            "and anchors apart, and no more; give one value");
  PetscCall(count_blocks(reader, map, lists, &blocks));
  for (int i = 0; i < 3 && blocks; i++)
    PetscCall(check_block_seeds(reader, node_get(map, seed_purposes[i]), i, blocks, lists));
  if (reader->told > before) blocks = 0;
  PetscCall(Allocate(BLOCK * blocks, blocks, seeds));
  seeds->blocks = blocks;
  seeds->count = BLOCK * blocks;
  for (int64_t t = 0; t < seeds->count; t++) {
    seeds->block[t] = t;
    for (int i = 0; i < 3; i++)
      seeds->tuple[t][i] = lists->number[i][2 * (t / BLOCK) + second[t % BLOCK][i]];
    seeds->tuple[t][3] = lists->number[3][0];
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode SeedsRead(Reader *reader, const Node *map, Seeds *seeds)
{
  static const char *const ways[] = {"zip", "cross", "blocks", NULL};
  static const Param combine = {"seeds.combine", PARAM_WORD, .initial = "zip", .words = ways};
  const Words words = {6, {"init", "data", "anchors", "subsample", "combine", "blocks"}};
  Lists lists;
  char *way;

  PetscFunctionBegin;
  if (!is_map(reader, "seeds", map)) map = NULL;
  check_keys(reader, map, "seeds", &words);
  PetscCall(ReadScalar(reader, &combine, node_get(map, "combine"), &way));
  const bool blocks = !strcmp(way, "blocks");
  if (!blocks && node_get(map, "blocks"))
    MISTAKE(reader, node_get(map, "blocks"), "seeds.blocks is for combine: blocks");
  for (int i = 0; i < SEED_PURPOSES; i++)
    PetscCall(read_purpose(reader, seed_purposes[i], node_get(map, seed_purposes[i]),
                           &lists.count[i], &lists.number[i]));
  if (blocks)
    PetscCall(combine_blocks(reader, map, &lists, seeds));
  else
    PetscCall(combine_lists(reader, map, !strcmp(way, "cross"), &lists, seeds));
  for (int i = 0; i < SEED_PURPOSES; i++) free(lists.number[i]);
  free(way);
  PetscFunctionReturn(PETSC_SUCCESS);
}

void seeds_clear(Seeds *seeds)
{
  free(seeds->tuple);
  free(seeds->block);
  memset(seeds, 0, sizeof(*seeds));
}

PetscErrorCode SeedsUsed(const Seeds *seeds, unsigned used, Seeds *out)
{
  int64_t *number; /* of each tuple in out */

  PetscFunctionBegin;
  PetscCall(Allocate(seeds->count, seeds->blocks, out));
  number = calloc((size_t)seeds->count + 1, sizeof(*number));
  PetscCheck(number, PETSC_COMM_SELF, PETSC_ERR_MEM, "no memory");
  for (int64_t t = 0; t < seeds->count; t++) {
    int64_t *tuple = out->tuple[out->count], s = 0;
    for (int i = 0; i < SEED_PURPOSES; i++) tuple[i] = used >> i & 1 ? seeds->tuple[t][i] : -1;
    while (memcmp(out->tuple[s], tuple, sizeof(*out->tuple)) != 0) s++;
    number[t] = s;
    out->count += s == out->count;
  }
  out->blocks = seeds->blocks;
  for (int64_t i = 0; i < BLOCK * out->blocks; i++) out->block[i] = number[seeds->block[i]];
  free(number);
  PetscFunctionReturn(PETSC_SUCCESS);
}
