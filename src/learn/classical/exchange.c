/* Block principal pivoting (Portugal, Judice and Vicente 1994, Math. Comput. 63, 625; Kim and Park
   2011, SIAM J. Sci. Comput. 33, 3261): all atoms of the wrong sign change sides at once, as long
   as they become fewer. It starts from the atoms that a few sweeps of coordinate descent in float32
   leave in use. Where M = K^-1 is there, the sweeps look for the slopes y of the atoms: with u = M
   b these minimise y M y / 2 + y u over y >= 0, then z = u + M y, and an atom is in use where it
   has no slope. As many sweeps over the codes of atoms that are much alike would leave too few in
   use. Where most atoms are in use, the turns are about slopes too, of those that are not. */
#include "exchange.h"
#include "base/eigen.h"
#include "lanes.h"
#include <math.h>
#include <string.h>

enum { SWEEPS = 6, TURNS = 24, TRIES = 3 };
#define LEAST 0x1p-21 /* of the largest product with a unit atom: what counts as no wish of one */

/* A token's search. */
typedef struct {
  bool dual, open, found;
  int tries;
  int64_t size, fewest; /* atoms in the set; of the wrong sign at best */
  double least;
} Search;

struct Exchange {
  const Kernels *kernels;
  CodeRule rule;
  int64_t m, ld; /* ld: m + 1, up to a multiple of 8 */
  double constant;
  double *K, *M; /* [m + 1 x ld] the last row and column 0 */
  bool inverse;  /* M is there */
  Descent descent;
  float *K32, *inverse32;       /* [m up to 4 x m up to 4], [m] what it descends by: K or M */
  double *C, *U;                /* [ROWS x ld] right sides: products; - u */
  double *left;                 /* [ld] of one token */
  double *length, *each;        /* [ld] of the atoms, 1 on the simplex; that, 0 for 0, by the
                                   square: how much weight a wish is */
  int64_t words;                /* of a set of atoms, a bit each */
  uint64_t *in, *minus, *wrong; /* [ROWS x words] the sets, those of negative sign; [words] */
  float *P;                     /* [ROWS x m] products for the descent */
  Search search[EXCHANGE_ROWS];
  int64_t start[EXCHANGE_ROWS + 1];
  int32_t order[EXCHANGE_ROWS];
  bool solved[EXCHANGE_ROWS];
  double multiplier[EXCHANGE_ROWS];
  int32_t *row;   /* [ROWS x m] */
  double *y;      /* [ROWS x m] */
  int64_t *count; /* [m + 2] tokens by size */
  float *work;
  double *work64;
};

PetscErrorCode ExchangeCreate(const Kernels *kernels, int64_t m, const CodeRule *rule,
                              Exchange **out)
{
  const int64_t square = (m + 3) / 4 * 4;
  Exchange *x;

  PetscFunctionBegin;
  PetscCall(ArrayCreate(1, &x));
  *out = x;
  x->kernels = kernels, x->rule = *rule, x->m = m;
  x->ld = (m + 8) / 8 * 8;
  x->descent = (Descent){.m = m, .ld = square, .either_sign = rule->either_sign};
  if (rule->either_sign) x->descent.cost = (float)rule->l1;
  PetscCall(ArrayCreate((m + 1) * x->ld, &x->K));
  PetscCall(ArrayCreate((m + 1) * x->ld, &x->M));
  PetscCall(ArrayCreate(square * square, &x->K32));
  PetscCall(ArrayCreate(m, &x->inverse32));
  PetscCall(ArrayCreate(EXCHANGE_ROWS * x->ld, &x->C));
  PetscCall(ArrayCreate(EXCHANGE_ROWS * x->ld, &x->U));
  PetscCall(ArrayCreate(x->ld, &x->left));
  PetscCall(ArrayCreate(x->ld, &x->length));
  PetscCall(ArrayCreate(x->ld, &x->each));
  x->words = (m + 63) / 64;
  PetscCall(ArrayCreate(EXCHANGE_ROWS * x->words, &x->in));
  PetscCall(ArrayCreate(EXCHANGE_ROWS * x->words, &x->minus));
  PetscCall(ArrayCreate(x->words, &x->wrong));
  PetscCall(ArrayCreate(EXCHANGE_ROWS * m, &x->P));
  PetscCall(ArrayCreate(EXCHANGE_ROWS * m, &x->row));
  PetscCall(ArrayCreate(EXCHANGE_ROWS * m, &x->y));
  PetscCall(ArrayCreate(m + 2, &x->count));
  PetscCall(ArrayCreate(descend_work(m), &x->work));
  PetscCall(ArrayCreate(solve_sets_work(m), &x->work64));
  x->descent.K = x->K32, x->descent.inverse = x->inverse32;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ExchangeDestroy(Exchange **exchange)
{
  Exchange *x = *exchange;

  PetscFunctionBegin;
  if (!x) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(ArrayDestroy(&x->K));
  PetscCall(ArrayDestroy(&x->M));
  PetscCall(ArrayDestroy(&x->K32));
  PetscCall(ArrayDestroy(&x->inverse32));
  PetscCall(ArrayDestroy(&x->C));
  PetscCall(ArrayDestroy(&x->U));
  PetscCall(ArrayDestroy(&x->left));
  PetscCall(ArrayDestroy(&x->length));
  PetscCall(ArrayDestroy(&x->each));
  PetscCall(ArrayDestroy(&x->in));
  PetscCall(ArrayDestroy(&x->minus));
  PetscCall(ArrayDestroy(&x->wrong));
  PetscCall(ArrayDestroy(&x->P));
  PetscCall(ArrayDestroy(&x->row));
  PetscCall(ArrayDestroy(&x->y));
  PetscCall(ArrayDestroy(&x->count));
  PetscCall(ArrayDestroy(&x->work));
  PetscCall(ArrayDestroy(&x->work64));
  PetscCall(ArrayDestroy(exchange));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* M or K in float32 for the descent, on the simplex with a pull of an eighth of its mean diagonal.
 */
static void renew_descent(Exchange *x)
{
  const int64_t m = x->m, ld = x->ld, square = x->descent.ld;
  const double *from = x->inverse ? x->M : x->K;
  double mean = 0;
  for (int64_t j = 0; j < m; j++) mean += (x->K[j * ld + j] - x->constant) / (double)m;
  x->descent.pull = x->rule.simplex ? (float)(mean > 0 ? mean / 8 : 1) : 0;
  for (int64_t j = 0; j < m; j++) {
    for (int64_t l = 0; l < m; l++)
      x->K32[j * square + l] = (float)(from[j * ld + l] - x->constant) + x->descent.pull;
    const float diagonal = x->K32[j * square + j];
    x->inverse32[j] = diagonal > 0 ? 1 / diagonal : 0;
  }
}

/* M, where no atom depends on the others: what each adds to them is above 2^-20 of its square. */
static PetscErrorCode RenewInverse(Exchange *x)
{
  const int64_t m = x->m, ld = x->ld;
  double *R, *Y;

  PetscFunctionBegin;
  if (x->rule.simplex || x->rule.either_sign || x->rule.l1 > 0) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(ArrayCreate(m * m, &R));
  PetscCall(ArrayCreate(m * m, &Y));
  for (int64_t i = 0; i < m * m; i++) R[i] = x->K[i / m * ld + i % m];
  x->inverse = cholesky(m, R);
  for (int64_t j = 0; j < m; j++)
    x->inverse = x->inverse && R[j * m + j] * R[j * m + j] > 0x1p-20 * x->K[j * ld + j];
  if (x->inverse) {
    for (int64_t j = 0; j < m; j++) Y[j * m + j] = 1;
    PetscCall(SolveFactored(x->kernels, m, m, R, Y));
    for (int64_t j = 0; j < m; j++)
      for (int64_t l = 0; l <= j; l++)
        x->M[j * ld + l] = x->M[l * ld + j] = (Y[j * m + l] + Y[l * m + j]) / 2;
  }
  PetscCall(ArrayDestroy(&R));
  PetscCall(ArrayDestroy(&Y));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ExchangeRenew(Exchange *x, const double *K, int64_t ld, double constant)
{
  const int64_t m = x->m;

  PetscFunctionBegin;
  x->constant = constant;
  for (int64_t j = 0; j < m; j++) {
    const double square = K[j * ld + j] - constant;
    memcpy(x->K + j * x->ld, K + j * ld, (size_t)m * sizeof(*x->K));
    x->length[j] = x->rule.simplex ? 1 : sqrt(square);
    x->each[j] = square > 0 ? x->length[j] / square : 0;
  }
  PetscCall(RenewInverse(x));
  renew_descent(x);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Right sides and searches of the tokens; costs of codes of one sign are part of the right side. */
static void begin(Exchange *x, int64_t rows, const float *S)
{
  const int64_t m = x->m;
  for (int64_t t = 0; t < rows; t++) {
    double *c = x->C + t * x->ld, most = 0;
    for (int64_t j = 0; j < m; j++) {
      c[j] = (double)S[t * m + j] + x->constant;
      const double size = fabs(c[j]) * (x->rule.simplex ? 1 : x->each[j]);
      most = size > most ? size : most;
      if (!x->rule.either_sign) c[j] -= x->rule.l1;
    }
    x->search[t] = (Search){.open = true, .tries = TRIES, .fewest = m + 1, .least = LEAST * most};
  }
}

static const double *right_side(const Exchange *x, int64_t t)
{
  return (x->search[t].dual ? x->U : x->C) + t * x->ld;
}

/* The atoms in use of a token from where its descent ended, or where they are more than half and M
   is there, the others. */
static void take_set(Exchange *x, int64_t t, const float *z)
{
  const int64_t m = x->m, words = x->words;
  Search *search = &x->search[t];
  uint64_t *in = x->in + t * words, *minus = x->minus + t * words;
  int64_t above = 0;
  for (int64_t j = 0; j < m; j++) above += z[j] > 0;
  search->dual = x->inverse && 2 * above < m;
  for (int64_t w = 0; w < words; w++) {
    in[w] = minus[w] = 0;
    for (int64_t j = 64 * w; j < min_i64(m, 64 * w + 64); j++) {
      const bool positive = z[j] > 0, negative = z[j] < 0;
      in[w] |= (uint64_t)((positive || negative) != (x->inverse && !search->dual)) << (j & 63);
      minus[w] |= (uint64_t)negative << (j & 63);
    }
    search->size += __builtin_popcountll(in[w]);
  }
  if (!x->rule.simplex || search->size) return;
  const double *c = x->C + t * x->ld;
  int64_t nearest = 0;
  for (int64_t j = 1; j < m; j++)
    if (x->K[j * (x->ld + 1)] / 2 - c[j] < x->K[nearest * (x->ld + 1)] / 2 - c[nearest])
      nearest = j;
  in[nearest / 64] = (uint64_t)1 << nearest % 64, search->size = 1;
}

/* First sets. Z is scratch. */
static void first_sets(Exchange *x, int64_t rows, float *Z)
{
  const int64_t m = x->m, ld = x->ld;
  if (x->inverse) {
    memset(x->U, 0, (size_t)(rows * ld) * sizeof(*x->U));
    x->kernels->subtract64(rows, m, ld, x->C, ld, x->M, ld, NULL, x->U, ld);
  }
  const double *right = x->inverse ? x->U : x->C;
  for (int64_t t = 0; t < rows; t++)
    for (int64_t j = 0; j < m; j++) x->P[t * m + j] = (float)(right[t * ld + j] - x->constant);
  x->kernels->descend(rows, &x->descent, SWEEPS, x->P, Z, x->work);
  for (int64_t t = 0; t < rows; t++) take_set(x, t, Z + t * m);
}

/* Tokens whose search is open, those of few atoms first; gives how many. */
static int64_t put_in_order(Exchange *x, int64_t rows, bool dual)
{
  const int64_t m = x->m;
  int64_t n = 0;
  memset(x->count, 0, (size_t)(m + 2) * sizeof(*x->count));
  for (int64_t t = 0; t < rows; t++)
    if (x->search[t].open && x->search[t].dual == dual) x->count[x->search[t].size + 1]++, n++;
  for (int64_t s = 0; s < m; s++) x->count[s + 1] += x->count[s];
  for (int64_t t = 0; t < rows; t++)
    if (x->search[t].open && x->search[t].dual == dual)
      x->order[x->count[x->search[t].size]++] = (int32_t)t;
  return n;
}

/* Which of `count` atoms, at most 64, wish for more than `cost`, with what their lengths add.
   Arrays go on to a multiple of 2. */
static uint64_t find_wishes(int64_t count, bool either, double cost, double enters, double leaves,
                            const double *left, const double *length, const double *each)
{
  const Mask size = {either ? INT64_MAX : -1, either ? INT64_MAX : -1};
  Mask bit = {1, 2}, wishes = {0};
  for (int64_t j = 0; j < count; j += 2, bit <<= 2) {
    const Lanes wish = (Lanes)(*(const Mask *)(left + j) & size),
                least = cost + enters * *(const Lanes *)(length + j) -
                        leaves * *(const Lanes *)(each + j);
    wishes |= (wish > least) & bit;
  }
  return (uint64_t)(wishes[0] | wishes[1]) & (~(uint64_t)0 >> (64 - count));
}

/* x->wrong: atoms of the set whose weight y is not of their sign, and those outside that should not
   be there; gives how many. What is left of the products is in x->left. A weight counts as none
   where the atom would not wish enough to come in without it. */
static int64_t find_wrong(Exchange *x, const Search *search, const uint64_t *in,
                          const uint64_t *minus, const double *y, double multiplier)
{
  const bool either = x->rule.either_sign, dual = search->dual;
  const double least = search->least, stay = dual ? -least : 0, weight_stays = dual ? 0 : least,
               cost = (either ? x->rule.l1 : 0) + multiplier, wish_enters = dual ? 0 : least,
               weight_leaves = dual ? least : 0;
  int64_t count = 0, q = 0;
  for (int64_t w = 0; w < x->words; w++) {
    const double *left = x->left + 64 * w, *length = x->length + 64 * w, *each = x->each + 64 * w;
    const uint64_t wishes = find_wishes(min_i64(64, x->m - 64 * w), either, cost, wish_enters,
                                        weight_leaves, left, length, each);
    uint64_t turned = 0;
    for (uint64_t bits = in[w]; bits; bits &= bits - 1, q++) {
      const int j = __builtin_ctzll(bits);
      const double weight = minus[w] >> j & 1 ? -y[q] : y[q];
      turned |= (uint64_t) !(weight > stay * length[j] + weight_stays * each[j]) << j;
    }
    x->wrong[w] = (wishes & ~in[w]) | turned;
    count += __builtin_popcountll(x->wrong[w]);
  }
  return count;
}

/* All atoms on the wrong side change it. */
static void change_sides(Exchange *x, Search *search, uint64_t *in, uint64_t *minus)
{
  search->size = 0;
  for (int64_t w = 0; w < x->words; w++) {
    uint64_t below = 0;
    for (uint64_t bits = x->wrong[w]; bits && x->rule.either_sign; bits &= bits - 1) {
      const int j = __builtin_ctzll(bits);
      below |= (uint64_t)(x->left[64 * w + j] < 0) << j;
    }
    in[w] ^= x->wrong[w];
    minus[w] = (minus[w] & ~x->wrong[w]) | (below & in[w]);
    search->size += __builtin_popcountll(in[w]);
  }
}

/* The code from the solution y. */
static void take_code(const Exchange *x, bool dual, const uint64_t *in, const double *y, float *z)
{
  for (int64_t j = 0; j < x->m; j++) z[j] = dual && x->left[j] < 0 ? (float)-x->left[j] : 0;
  for (int64_t w = 0, q = 0; w < x->words; w++)
    for (uint64_t bits = in[w]; bits; bits &= bits - 1, q++)
      z[64 * w + __builtin_ctzll(bits)] = dual ? 0 : (float)y[q];
}

/* Looks at a solution y of a token's set: it is found, or the set changes, or the search ends. Z:
   the code. */
static void look(Exchange *x, int64_t t, const int32_t *row, const double *y, double multiplier,
                 float *z)
{
  const int64_t wide = (x->m + 7) / 8 * 8;
  Search *search = &x->search[t];
  uint64_t *in = x->in + t * x->words, *minus = x->minus + t * x->words;
  memcpy(x->left, right_side(x, t), (size_t)wide * sizeof(*x->left));
  x->kernels->subtract64(1, search->size, wide, y, search->size, search->dual ? x->M : x->K, x->ld,
                         row, x->left, wide);
  const int64_t wrong = find_wrong(x, search, in, minus, y, multiplier);
  search->found = wrong == 0;
  search->open = wrong > 0 && (wrong < search->fewest || search->tries-- > 0);
  if (wrong < search->fewest) search->fewest = wrong, search->tries = TRIES;
  if (search->found) take_code(x, search->dual, in, y, z);
  if (search->open) change_sides(x, search, in, minus);
}

/* The systems of n tokens in their order. */
static void gather_sets(Exchange *x, int64_t n)
{
  const double l1 = x->rule.either_sign ? x->rule.l1 : 0;
  int64_t at = 0;
  for (int64_t s = 0; s < n; s++) {
    const uint64_t *in = x->in + x->order[s] * x->words, *minus = x->minus + x->order[s] * x->words;
    const double *c = right_side(x, x->order[s]);
    x->start[s] = at;
    for (int64_t w = 0; w < x->words; w++)
      for (uint64_t bits = in[w]; bits; bits &= bits - 1) {
        const int j = __builtin_ctzll(bits);
        x->row[at] = (int32_t)(64 * w + j);
        x->y[at++] = c[64 * w + j] - (minus[w] >> j & 1 ? -l1 : l1);
      }
  }
  x->start[n] = at;
}

/* One turn of all open searches of a kind; gives how many there were. */
static int64_t take_turn(Exchange *x, int64_t rows, bool dual, float *Z)
{
  const int64_t n = put_in_order(x, rows, dual);
  const bool sum = x->rule.simplex;
  gather_sets(x, n);
  x->kernels->solve_sets(n, x->start, x->row, x->m, dual ? x->M : x->K, x->ld, x->y,
                         sum ? x->multiplier : NULL, x->solved, x->work64);
  for (int64_t s = 0; s < n; s++) {
    const int64_t t = x->order[s], from = x->start[s];
    if (!x->solved[s] || (sum && x->start[s + 1] == from))
      x->search[t].open = false;
    else
      look(x, t, x->row + from, x->y + from, sum ? x->multiplier[s] : 0, Z + t * x->m);
  }
  return n;
}

void exchange_rows(Exchange *x, int64_t rows, const float *S, float *Z, bool *found)
{
  begin(x, rows, S);
  first_sets(x, rows, Z);
  for (int turn = 0; turn < TURNS; turn++)
    if (!(take_turn(x, rows, false, Z) + take_turn(x, rows, true, Z))) break;
  for (int64_t t = 0; t < rows; t++) found[t] = x->search[t].found;
}
