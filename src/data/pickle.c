/* Python's pickle format (protocol 2, PEP 307, and what Python's pickletools says of each
   instruction), as far as dictionaries of tensors go. Nothing is ever called: the names below are
   all that may stand in a file, and each has its one meaning here. */
#include "pickle.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { MARK = -1, MOST = 1 << 24 };

typedef struct {
  const char *path;
  const unsigned char *bytes;
  int64_t size, at;
  Mistakes *mistakes;
  Pickle *pickle;
  int64_t *stack, *memo; /* numbers of values; MARK on the stack, MARK in the memo: nothing */
  int64_t depth, space, memos;
  bool bad, stopped;
} Machine;

static const char *const names[] = {"torch._utils _rebuild_tensor_v2",
                                    "torch._utils _rebuild_parameter",
                                    "collections OrderedDict",
                                    "torch FloatStorage",
                                    "torch HalfStorage",
                                    "torch BFloat16Storage",
                                    "torch DoubleStorage",
                                    "torch IntStorage",
                                    "torch LongStorage",
                                    "torch ShortStorage",
                                    "torch CharStorage",
                                    "torch ByteStorage",
                                    "torch BoolStorage",
                                    "torch Size",
                                    NULL};

static void fail(Machine *machine, const char *what)
{
  if (!machine->bad)
    mistake(machine->mistakes, machine->path, 0, 0,
            "data.pkl is broken at its byte %" PRId64 ": %s", machine->at, what);
  machine->bad = true;
}

/* Room for one more element where count is a power of two; false: too many. */
static bool grow(Machine *machine, void **array, int64_t count, size_t size)
{
  if (count & (count - 1)) return true;
  void *grown = count < MOST ? realloc(*array, (size_t)(count ? 2 * count : 1) * size) : NULL;
  if (!grown) {
    fail(machine, "it has more values than a model can have");
    return false;
  }
  *array = grown;
  return true;
}

static PickleValue *value_at(Machine *machine, int64_t number)
{
  return number < 0 ? NULL : &machine->pickle->value[number];
}

static void push(Machine *machine, int64_t number)
{
  if (!machine->bad && grow(machine, (void **)&machine->stack, machine->depth, sizeof(int64_t)))
    machine->stack[machine->depth++] = number;
}

static int64_t pop(Machine *machine)
{
  if (machine->depth) return machine->stack[--machine->depth];
  fail(machine, "it takes a value where there is none");
  return MARK;
}

/* A fresh value on the stack; its number, or MARK. */
static int64_t push_new(Machine *machine, PickleValue value)
{
  Pickle *pickle = machine->pickle;
  value.first = value.last = -1;
  if (machine->bad || !grow(machine, (void **)&pickle->value, pickle->values, sizeof(value))) {
    free(value.text);
    return MARK;
  }
  pickle->value[pickle->values] = value;
  push(machine, pickle->values);
  return pickle->values++;
}

static void add_link(Machine *machine, int64_t to, int64_t key, int64_t value)
{
  Pickle *pickle = machine->pickle;
  if (machine->bad || !grow(machine, (void **)&pickle->link, pickle->links, sizeof(PickleLink)))
    return;
  PickleValue *list = &pickle->value[to];
  pickle->link[pickle->links] = (PickleLink){key, value, -1};
  if (list->last >= 0)
    pickle->link[list->last].next = pickle->links;
  else
    list->first = pickle->links;
  list->last = pickle->links++;
  list->length++;
}

/* Where the last mark is on the stack; -1, a mistake: nowhere. */
static int64_t find_mark(Machine *machine)
{
  for (int64_t i = machine->depth - 1; i >= 0; i--)
    if (machine->stack[i] == MARK) return i;
  fail(machine, "it goes back to a mark that is not there");
  return -1;
}

/* The values above `from` become a tuple or list in their place; below it nothing changes. */
static void collect(Machine *machine, int64_t from, PickleKind kind, bool marked)
{
  const int64_t end = machine->depth, begin = from + marked;
  if (machine->bad || from < 0) {
    fail(machine, "it takes a value where there is none");
    return;
  }
  for (int64_t i = begin; i < end; i++)
    if (machine->stack[i] == MARK) fail(machine, "it has a mark in place of a value");
  const int64_t made = push_new(machine, (PickleValue){.kind = kind});
  for (int64_t i = begin; made >= 0 && i < end; i++) add_link(machine, made, -1, machine->stack[i]);
  machine->depth = from;
  if (made >= 0) push(machine, made);
}

/* Adds what is above the mark to the list or dict below it. */
static void add_many(Machine *machine, PickleKind kind)
{
  const int64_t mark = find_mark(machine), to = mark > 0 ? machine->stack[mark - 1] : MARK;
  const int64_t step = kind == PICKLE_DICT ? 2 : 1;
  if (machine->bad) return;
  if (to < 0 || value_at(machine, to)->kind != kind || (machine->depth - mark - 1) % step) {
    fail(machine, "it adds members to what has none");
    return;
  }
  for (int64_t i = mark + 1; i < machine->depth; i += step)
    add_link(machine, to, step == 2 ? machine->stack[i] : -1, machine->stack[i + step - 1]);
  machine->depth = mark;
}

static void add_one(Machine *machine, PickleKind kind)
{
  const int64_t value = pop(machine), key = kind == PICKLE_DICT ? pop(machine) : -1;
  const int64_t to = machine->depth ? machine->stack[machine->depth - 1] : MARK;
  if (machine->bad) return;
  if (to < 0 || value < 0 || (kind == PICKLE_DICT && key < 0) ||
      value_at(machine, to)->kind != kind)
    fail(machine, "it adds a member to what has none");
  else
    add_link(machine, to, key, value);
}

/* count bytes ahead, or NULL. */
static const unsigned char *take(Machine *machine, int64_t count)
{
  if (machine->bad || count < 0 || count > machine->size - machine->at) {
    fail(machine, "it is cut short");
    return NULL;
  }
  machine->at += count;
  return machine->bytes + machine->at - count;
}

static int64_t take_number(Machine *machine, int count, bool is_signed)
{
  const unsigned char *bytes = take(machine, count);
  uint64_t value = 0;
  if (!bytes) return 0;
  for (int i = 0; i < count; i++) value |= (uint64_t)bytes[i] << 8 * i;
  if (is_signed && count && count < 8 && bytes[count - 1] >> 7) value |= ~0ULL << 8 * count;
  return (int64_t)value;
}

static char *take_text(Machine *machine, int64_t count)
{
  const unsigned char *bytes = take(machine, count);
  char *text = bytes ? calloc((size_t)count + 1, 1) : NULL;
  if (text) memcpy(text, bytes, (size_t)count);
  if (text && strlen(text) != (size_t)count) fail(machine, "a text has a zero byte");
  return text;
}

static char *take_line(Machine *machine)
{
  const unsigned char *at = machine->bytes + machine->at;
  const unsigned char *end = memchr(at, '\n', (size_t)(machine->size - machine->at));
  char *line = take_text(machine, end ? end - at : machine->size);
  if (line) machine->at++;
  return line;
}

static void take_global(Machine *machine)
{
  char *module = take_line(machine), *name = take_line(machine);
  Text both = {0};
  if (module && name) text_add(&both, "%s %s", module, name);
  bool known = false;
  for (const char *const *n = names; both.s && *n; n++) known |= !strcmp(*n, both.s);
  if (both.s && !known && !machine->bad) {
    mistake(machine->mistakes, machine->path, 0, 0,
            "holds a Python object, %s.%s, not tensors alone; objects are not loaded: save the "
            "model's state_dict()",
            module, name);
    machine->bad = true;
  }
  if (!machine->bad) push_new(machine, (PickleValue){.kind = PICKLE_GLOBAL, .text = both.s});
  if (machine->bad && both.s) text_clear(&both);
  free(module);
  free(name);
}

/* A call: only those of which something is known are in the list of names. */
static void reduce(Machine *machine)
{
  const int64_t arguments = pop(machine), function = pop(machine);
  if (machine->bad || arguments < 0 || function < 0) {
    fail(machine, "it calls what is no function");
    return;
  }
  const PickleValue *f = value_at(machine, function), *a = value_at(machine, arguments);
  const char *name = f->kind == PICKLE_GLOBAL && a->kind == PICKLE_TUPLE ? f->text : "";
  if (!strcmp(name, names[0]))
    push_new(machine, (PickleValue){.kind = PICKLE_TENSOR, .i = arguments});
  else if (!strcmp(name, names[1]) && a->length) /* a parameter is its tensor */
    push(machine, machine->pickle->link[a->first].value);
  else if (!strcmp(name, names[2]) && !a->length)
    push_new(machine, (PickleValue){.kind = PICKLE_DICT});
  else if (!strcmp(name, "torch Size") && a->length)
    push(machine, machine->pickle->link[a->first].value);
  else
    fail(machine, "it calls what dictionaries of tensors do not need");
}

static double take_real(Machine *machine)
{
  const unsigned char *bytes = take(machine, 8);
  uint64_t bits = 0;
  double x;
  for (int i = 0; bytes && i < 8; i++) bits = bits << 8 | bytes[i];
  memcpy(&x, &bits, sizeof(x));
  return x;
}

static void memo_put(Machine *machine, int64_t place)
{
  const int64_t top = machine->depth ? machine->stack[machine->depth - 1] : MARK;
  if (machine->bad) return;
  if (top < 0 || place < 0 || place >= machine->size) {
    fail(machine, "it remembers what is no value");
    return;
  }
  while (machine->memos <= place) {
    if (!grow(machine, (void **)&machine->memo, machine->memos, sizeof(int64_t))) return;
    machine->memo[machine->memos++] = MARK;
  }
  machine->memo[place] = top;
}

static void memo_get(Machine *machine, int64_t place)
{
  if (machine->bad || place < 0 || place >= machine->memos || machine->memo[place] < 0)
    fail(machine, "it recalls what it has not remembered");
  else
    push(machine, machine->memo[place]);
}

static void long_integer(Machine *machine)
{
  const int64_t count = take_number(machine, 1, false);
  if (count > 8) fail(machine, "a whole number has more than 64 bits");
  push_new(machine, (PickleValue){.kind = PICKLE_INT, .i = take_number(machine, (int)count, true)});
}

static void storage(Machine *machine)
{
  const int64_t tuple = pop(machine);
  if (tuple < 0 || value_at(machine, tuple)->kind != PICKLE_TUPLE)
    fail(machine, "a storage has no tuple that names it");
  else
    push_new(machine, (PickleValue){.kind = PICKLE_STORAGE, .i = tuple});
}

/* A state beside an object: of an ordered dictionary its metadata, which say nothing of numbers. */
static void build(Machine *machine)
{
  const int64_t state = pop(machine),
                to = machine->depth ? machine->stack[machine->depth - 1] : MARK;
  if (state < 0 || to < 0 || value_at(machine, to)->kind != PICKLE_DICT)
    fail(machine, "it gives a state to what has none");
}

static void push_scalar(Machine *machine, PickleKind kind, int64_t value)
{
  push_new(machine, (PickleValue){.kind = kind, .i = value});
}

/* Instructions that put something on the stack that was not there; false: it is none of them. */
static bool make(Machine *machine, int op)
{
  switch (op) {
  case '(':
    push(machine, MARK);
    break;
  case ')':
    push_new(machine, (PickleValue){.kind = PICKLE_TUPLE});
    break;
  case ']':
    push_new(machine, (PickleValue){.kind = PICKLE_LIST});
    break;
  case '}':
    push_new(machine, (PickleValue){.kind = PICKLE_DICT});
    break;
  case 'N':
    push_scalar(machine, PICKLE_NONE, 0);
    break;
  case 0x88:
    push_scalar(machine, PICKLE_BOOL, 1);
    break;
  case 0x89:
    push_scalar(machine, PICKLE_BOOL, 0);
    break;
  case 'J':
    push_scalar(machine, PICKLE_INT, take_number(machine, 4, true));
    break;
  case 'K':
    push_scalar(machine, PICKLE_INT, take_number(machine, 1, false));
    break;
  case 'M':
    push_scalar(machine, PICKLE_INT, take_number(machine, 2, false));
    break;
  case 0x8a:
    long_integer(machine);
    break;
  case 'G':
    push_new(machine, (PickleValue){.kind = PICKLE_REAL, .x = take_real(machine)});
    break;
  case 'X':
    push_new(machine, (PickleValue){.kind = PICKLE_TEXT,
                                    .text = take_text(machine, take_number(machine, 4, false))});
    break;
  case 'c':
    take_global(machine);
    break;
  default:
    return false;
  }
  return true;
}

static bool obey(Machine *machine, int op)
{
  switch (op) {
  case 't':
    collect(machine, find_mark(machine), PICKLE_TUPLE, true);
    break;
  case 0x85:
    collect(machine, machine->depth - 1, PICKLE_TUPLE, false);
    break;
  case 0x86:
    collect(machine, machine->depth - 2, PICKLE_TUPLE, false);
    break;
  case 0x87:
    collect(machine, machine->depth - 3, PICKLE_TUPLE, false);
    break;
  case 'a':
    add_one(machine, PICKLE_LIST);
    break;
  case 'e':
    add_many(machine, PICKLE_LIST);
    break;
  case 's':
    add_one(machine, PICKLE_DICT);
    break;
  case 'u':
    add_many(machine, PICKLE_DICT);
    break;
  case 'q':
    memo_put(machine, take_number(machine, 1, false));
    break;
  case 'r':
    memo_put(machine, take_number(machine, 4, false));
    break;
  case 'h':
    memo_get(machine, take_number(machine, 1, false));
    break;
  case 'j':
    memo_get(machine, take_number(machine, 4, false));
    break;
  case 'Q':
    storage(machine);
    break;
  case 'R':
    reduce(machine);
    break;
  case 'b':
    build(machine);
    break;
  case '.':
    machine->stopped = true;
    break;
  default:
    return false;
  }
  return true;
}

PetscErrorCode PickleRead(const char *path, const unsigned char *bytes, int64_t size,
                          Mistakes *mistakes, Pickle *pickle)
{
  Machine machine = {
      .path = path, .bytes = bytes, .size = size, .mistakes = mistakes, .pickle = pickle};

  PetscFunctionBegin;
  *pickle = (Pickle){0};
  if (size < 2 || bytes[0] != 0x80 || bytes[1] != 2)
    fail(&machine, "it is no pickle of protocol 2, which torch.save writes");
  machine.at = 2;
  while (!machine.bad && !machine.stopped) {
    const unsigned char *op = take(&machine, 1);
    if (op && !make(&machine, *op) && !obey(&machine, *op)) {
      machine.at--;
      fail(&machine, "an instruction that dictionaries of tensors do not need");
    }
  }
  pickle->top = machine.bad ? MARK : pop(&machine);
  if (!machine.bad && (pickle->top < 0 || machine.depth))
    fail(&machine, "it does not end with one value");
  free(machine.stack);
  free(machine.memo);
  if (machine.bad) pickle_free(pickle);
  PetscFunctionReturn(PETSC_SUCCESS);
}

void pickle_free(Pickle *pickle)
{
  for (int64_t i = 0; i < pickle->values; i++) free(pickle->value[i].text);
  free(pickle->value);
  free(pickle->link);
  *pickle = (Pickle){0};
}

const PickleValue *pickle_item(const Pickle *pickle, const PickleValue *value, int64_t i)
{
  if (!value || (value->kind != PICKLE_TUPLE && value->kind != PICKLE_LIST)) return NULL;
  for (int64_t at = value->first; at >= 0; at = pickle->link[at].next)
    if (i-- == 0) return &pickle->value[pickle->link[at].value];
  return NULL;
}
