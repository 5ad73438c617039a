/* Stretches of training tokens: stored bytes come from a helper thread into one of two places, the
   other one holds what learners work on. */
#include "data/reader.h"
#include "base/array.h"
#include "data/token_reading.h"
#include <pthread.h>
#include <signal.h>

/* A stretch and its stored rows. */
typedef struct {
  Stretch stretch;
  bool there;   /* stretch and row are filled in, stored is or is being filled */
  bool follows; /* continues the stretch filled before it */
  int64_t *row;
  char *stored;
  int64_t space; /* rows there is room for */
  bool failed;
  FetchFailure failure;
} Place;

struct Reader {
  View view;
  Place place[2];
  int now;  /* the place that learners work on */
  float *X; /* [space x d] its first `ready` rows */
  int64_t ready, space;
  pthread_t thread;
  bool threaded;
  pthread_mutex_t lock; /* of the two below */
  pthread_cond_t changed;
  Place *work; /* what the thread is to fill or fills; NULL: nothing */
  bool end;
  atomic_bool stop; /* what is being filled is not wanted any more */
};

static bool same_stretch(const Stretch *a, const Stretch *b)
{
  return a->shuffled == b->shuffled && a->seed == b->seed && a->epoch == b->epoch &&
         a->first == b->first && a->count == b->count;
}

/* File rows of a stretch. */
static void find_rows(const View *view, const Stretch *stretch, int64_t *row)
{
  const Order order = {(uint64_t)stretch->seed, split_count(view->split, false)};
  for (int64_t t = 0; t < stretch->count; t++) {
    const int64_t at = stretch->first + t;
    row[t] = split_row(view->split, false,
                       stretch->shuffled ? order_at(&order, stretch->epoch, at) : at);
  }
}

/* Rows come from chunks that are scattered over the file. The system is told of each chunk a window
   before it is needed, by the rank that is at its place in the window now; where the stretch does
   not continue the last one, of all chunks of its window. */
static void ask_ahead(const View *view, const Place *place)
{
  const Stretch *stretch = &place->stretch;
  const Order order = {(uint64_t)stretch->seed, split_count(view->split, false)};
  const int64_t chunks = (order.n + ORDER_CHUNK - 1) / ORDER_CHUNK,
                first = (stretch->first + ORDER_CHUNK - 1) / ORDER_CHUNK,
                end = (stretch->first + stretch->count + ORDER_CHUNK - 1) / ORDER_CHUNK,
                window = first / ORDER_WINDOW * ORDER_WINDOW;
  for (int64_t c = window; c < min_i64(window + ORDER_WINDOW, chunks) && !place->follows; c++)
    tokens_ask(view->tokens, split_row(view->split, false, order_chunk(&order, stretch->epoch, c)),
               ORDER_CHUNK);
  for (int64_t c = first; c < end; c++) {
    const bool next = c + ORDER_WINDOW >= chunks; /* the first window of the next epoch */
    const int64_t at = next ? c % ORDER_WINDOW : c + ORDER_WINDOW;
    if (at < chunks)
      tokens_ask(view->tokens,
                 split_row(view->split, false, order_chunk(&order, stretch->epoch + next, at)),
                 ORDER_CHUNK);
  }
}

static void fill(Reader *reader, Place *place)
{
  find_rows(&reader->view, &place->stretch, place->row);
  if (place->stretch.shuffled && place->stretch.count) ask_ahead(&reader->view, place);
  place->failed = !tokens_fetch(reader->view.tokens, place->stretch.count, place->row,
                                place->stored, &reader->stop, &place->failure);
}

/* The helper thread: plain reads and arithmetic alone. */
static void *help(void *argument)
{
  Reader *reader = argument;
  pthread_mutex_lock(&reader->lock);
  for (;;) {
    while (!reader->work && !reader->end) pthread_cond_wait(&reader->changed, &reader->lock);
    if (reader->end) break;
    pthread_mutex_unlock(&reader->lock);
    fill(reader, reader->work);
    pthread_mutex_lock(&reader->lock);
    reader->work = NULL;
    pthread_cond_broadcast(&reader->changed);
  }
  pthread_mutex_unlock(&reader->lock);
  return NULL;
}

/* Begins to fill a place, by the thread if there is one. The thread is idle. */
static PetscErrorCode Begin(Reader *reader, Place *place, const Stretch *stretch)
{
  const Stretch *last = &reader->place[place == reader->place].stretch;

  PetscFunctionBegin;
  if (stretch->count > place->space) {
    PetscCall(ArrayDestroy(&place->row));
    PetscCall(ArrayDestroy(&place->stored));
    PetscCall(ArrayCreate(stretch->count, &place->row));
    PetscCall(ArrayCreate(stretch->count * (int64_t)tokens_stored_size(reader->view.tokens),
                          &place->stored));
    place->space = stretch->count;
  }
  place->follows = reader->place[place == reader->place].there && last->seed == stretch->seed &&
                   stretch->epoch <= last->epoch + 1 &&
                   (stretch->first > last->first || stretch->epoch > last->epoch);
  place->stretch = *stretch;
  place->there = true;
  place->failed = false;
  reader->stop = false;
  if (!reader->threaded) {
    fill(reader, place);
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  pthread_mutex_lock(&reader->lock);
  reader->work = place;
  pthread_cond_broadcast(&reader->changed);
  pthread_mutex_unlock(&reader->lock);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Waits until the thread is idle. */
static void wait_idle(Reader *reader)
{
  if (!reader->threaded) return;
  pthread_mutex_lock(&reader->lock);
  while (reader->work) pthread_cond_wait(&reader->changed, &reader->lock);
  pthread_mutex_unlock(&reader->lock);
}

/* Gives up what is being filled. */
static void give_up(Reader *reader, Place *place)
{
  reader->stop = true;
  wait_idle(reader);
  place->there = false;
}

PetscErrorCode ReaderCreate(const View *view, Reader **out)
{
  sigset_t all, before;
  Reader *reader;

  PetscFunctionBegin;
  PetscCall(ArrayCreate(1, &reader));
  reader->view = *view;
  pthread_mutex_init(&reader->lock, NULL);
  pthread_cond_init(&reader->changed, NULL);
  sigfillset(&all); /* signals are for the thread that computes */
  pthread_sigmask(SIG_SETMASK, &all, &before);
  reader->threaded = !pthread_create(&reader->thread, NULL, help, reader);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  *out = reader;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ReaderDestroy(Reader **out)
{
  Reader *reader = *out;

  PetscFunctionBegin;
  if (!reader) PetscFunctionReturn(PETSC_SUCCESS);
  if (reader->threaded) {
    give_up(reader, &reader->place[!reader->now]);
    pthread_mutex_lock(&reader->lock);
    reader->end = true;
    pthread_cond_broadcast(&reader->changed);
    pthread_mutex_unlock(&reader->lock);
    pthread_join(reader->thread, NULL);
  }
  pthread_mutex_destroy(&reader->lock);
  pthread_cond_destroy(&reader->changed);
  for (int p = 0; p < 2; p++) {
    PetscCall(ArrayDestroy(&reader->place[p].row));
    PetscCall(ArrayDestroy(&reader->place[p].stored));
  }
  PetscCall(ArrayDestroy(&reader->X));
  PetscCall(ArrayDestroy(out));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ReaderAsk(Reader *reader, const Stretch *now, const Stretch *next)
{
  const Place *held = &reader->place[reader->now];

  PetscFunctionBegin;
  if (!held->there || !same_stretch(&held->stretch, now)) {
    Place *place = &reader->place[!reader->now];
    if (!place->there || !same_stretch(&place->stretch, now)) {
      give_up(reader, place);
      PetscCall(Begin(reader, place, now));
    }
    wait_idle(reader);
    reader->now = !reader->now;
    reader->ready = 0;
    place->there = !place->failed;
    if (place->failed) PetscCall(TokensFetchError(reader->view.tokens, &place->failure));
  }
  Place *ahead = &reader->place[!reader->now];
  if (!next || (ahead->there && same_stretch(&ahead->stretch, next)) || !reader->threaded)
    PetscFunctionReturn(PETSC_SUCCESS);
  give_up(reader, ahead);
  PetscCall(Begin(reader, ahead, next));
  PetscFunctionReturn(PETSC_SUCCESS);
}

enum { PIECE = 4 }; /* rows that stay in the first cache while they are widened and scaled */

/* Rows at .. at + count - 1 of what was asked for, less shift unless that is NULL. */
static PetscErrorCode Unpack(const Reader *reader, int64_t at, int64_t count, const float *shift,
                             float *X)
{
  const View *view = &reader->view;
  const Place *place = &reader->place[reader->now];
  const Normaliser *normaliser = view->normaliser;
  const int64_t d = normaliser->d;
  const size_t size = tokens_stored_size(view->tokens);

  PetscFunctionBegin;
  for (int64_t t = at; t < at + count; t += PIECE, X += PIECE * d) {
    const int64_t rows = min_i64(PIECE, at + count - t);
    PetscCall(
        TokensUnpack(view->tokens, rows, place->row + t, place->stored + (size_t)t * size, X));
    view->kernels->normalise(rows, d, X, d, normaliser->mu, normaliser->inv);
    for (int64_t r = 0; shift && r < rows; r++)
      view->kernels->add_scaled(d, -1, shift, X + r * d); /* one rounding, that of the sum */
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CheckAsked(const Reader *reader, int64_t at, int64_t count)
{
  const Place *place = &reader->place[reader->now];

  PetscFunctionBegin;
  PetscCheck(place->there && at >= 0 && at + count <= place->stretch.count, PETSC_COMM_SELF,
             PETSC_ERR_ARG_OUTOFRANGE, "rows of a stretch that was not asked for");
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ReaderLess(const Reader *reader, int64_t at, int64_t count, const float *shift,
                          float *to)
{
  PetscFunctionBegin;
  PetscCall(CheckAsked(reader, at, count));
  PetscCall(Unpack(reader, at, count, shift, to));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ReaderRows(Reader *reader, int64_t at, int64_t count, const float **X)
{
  const Place *place = &reader->place[reader->now];
  const int64_t d = reader->view.normaliser->d, from = reader->ready;

  PetscFunctionBegin;
  PetscCall(CheckAsked(reader, at, count));
  if (reader->space < place->stretch.count) {
    PetscCall(ArrayDestroy(&reader->X));
    PetscCall(ArrayCreate(place->stretch.count * d, &reader->X));
    reader->space = place->stretch.count;
  }
  if (at + count > from)
    PetscCall(Unpack(reader, from, at + count - from, NULL, reader->X + from * d));
  reader->ready = max_i64(from, at + count);
  *X = reader->X + at * d;
  PetscFunctionReturn(PETSC_SUCCESS);
}
