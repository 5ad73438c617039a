/* The filter in 16-bit integers changes no code: random, trained-like, tied, huge and tiny tokens
   and rows, rows of zeros, NaN and infinities, lists too short for what is left, one token and
   many. RUN ranks=1 time=120 RUN ranks=2 time=120 */
#include "../kernel_values.h"
#include "../sae_task.h"
#include "../tap.h"
#include "base/random.h"
#include "learn/encoder.h"

typedef struct {
  int64_t n, m, d, k;
  float *X, *E, *b;
  const char *code; /* NULL: topk */
} Problem;

static Problem problem_of(int64_t n, int64_t m, int64_t d, int64_t k, int kind)
{
  Problem p = {n,   m, d, k, hold(fill(n * d, kind)), hold(fill(m * d, kind)), hold(fill(m, kind)),
               NULL};
  for (int64_t j = 0; j < m; j++) p.b[j] *= 0.01f;
  return p;
}

/* The encoder learns of other rows before it learns of these. */
static PetscErrorCode RenewTwice(const Problem *p, Encoder *encoder)
{
  PetscFunctionBeginUser;
  for (int turn = 0; turn < 2; turn++) {
    for (int64_t i = 0; i < p->m * p->d; i++) p->E[i] = -p->E[i];
    MPI_Barrier(PETSC_COMM_WORLD);
    PetscCall(EncoderRenew(encoder));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Encoded(const Problem *p, Nodes *nodes, const Kernels *kernels,
                              EncoderUse use, int64_t room, Codes *codes, const char **word,
                              int64_t *refused)
{
  Settings settings = {0};
  Choice code;
  Encoder *encoder;
  Text words = {0};

  PetscFunctionBeginUser;
  const char *name = p->code ? p->code : "topk";
  text_add(&words, "code.name=%s code.k=%lld", name, (long long)p->k);
  settings_words(&settings, words.s);
  settings_defaults(&settings, "code.", family_find(&sae_codes, name)->params);
  PetscCall(ChoiceRead(&settings, "code", &sae_codes, &code));
  const CodeNow now = code_now(&code);
  PetscCall(EncoderCreate(kernels, nodes, &now, p->m, p->d, p->E, p->b, use, room, &encoder));
  PetscCall(RenewTwice(p, encoder));
  PetscCall(CodesReserve(codes, p->n, 0));
  codes->rows = 0, codes->start[0] = 0;
  PetscCall(EncoderCodes(encoder, p->n, p->X, NULL, codes));
  *word = encoder_word(encoder), *refused = encoder_refused(encoder);
  PetscCall(EncoderDestroy(&encoder));
  PetscCall(ChoiceRelease(&code));
  settings_clear(&settings);
  text_clear(&words);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static bool same_codes(const Codes *a, const Codes *b)
{
  if (a->rows != b->rows) return false;
  const int64_t total = a->start[a->rows];
  return !memcmp(a->start, b->start, (size_t)(a->rows + 1) * sizeof(*a->start)) &&
         !memcmp(a->atom, b->atom, (size_t)total * sizeof(*a->atom)) &&
         !memcmp(a->value, b->value, (size_t)total * sizeof(*a->value));
}

/* The same codes with the filter and without; gives the tokens it refused, -1 where it was not
 * used.
 */
static int64_t law(const Problem *p, Nodes *nodes, const Kernels *kernels, int64_t room,
                   const char *called)
{
  Codes plain = {0}, filtered = {0};
  const char *first, *second;
  int64_t none, refused;
  RUN(Encoded(p, nodes, kernels, ENCODER_FP32, 0, &plain, &first, &none));
  RUN(Encoded(p, nodes, kernels, ENCODER_INT16, room, &filtered, &second, &refused));
  OK(!strcmp(first, "fp32") && !none, "%s, %s: forced to float32", kernels->entry.name, called);
  OK(same_codes(&plain, &filtered), "%s, %s: the filter changes nothing", kernels->entry.name,
     called);
  codes_clear(&plain);
  codes_clear(&filtered);
  return strcmp(second, "int16") ? -1 : refused;
}

/* Rows near the tokens: as after training. */
static void align(Problem *p)
{
  for (int64_t j = 0; j < p->m; j++)
    for (int64_t i = 0; i < p->d; i++)
      p->E[j * p->d + i] = p->X[j % p->n * p->d + i] + 0.3f * p->E[j * p->d + i];
}

static void cases(Nodes *nodes, const Kernels *kernels)
{
  Problem p = problem_of(150, 500, 96, 16, PLAIN);
  OK(law(&p, nodes, kernels, 0, "random") == 0, "nothing refused");
  OK(law(&p, nodes, kernels, 16, "lists of k") > 0, "full lists are refused");
  OK(law(&p, nodes, kernels, 1, "lists of one") == p.n, "every list is full");
  align(&p);
  OK(law(&p, nodes, kernels, 0, "aligned") == 0, "nothing refused");
  for (int64_t j = 0; j + 4 < p.m; j += 5) /* equal rows, and rows that differ in the last bit */
    for (int64_t i = 0; i < 2 * p.d; i++)
      p.E[(j + 1) * p.d + i] = i == p.d ? nextafterf(p.E[j * p.d], 0.0f) : p.E[j * p.d + i % p.d];
  p.b[1] = p.b[0], p.b[6] = p.b[5];
  OK(law(&p, nodes, kernels, 500, "almost equal rows") == 0, "nothing refused");
  for (int64_t i = 0; i < p.d; i++) p.E[7 * p.d + i] = 0.0f, p.X[3 * p.d + i] = 0.0f;
  memset(p.E + 100 * p.d, 0, (size_t)(20 * p.d) * sizeof(float));
  OK(law(&p, nodes, kernels, 0, "rows and tokens of zeros") == 1, "the token of zeros is refused");
  for (int64_t i = 0; i < p.d; i++) p.X[5 * p.d + i] *= 1e6f, p.E[9 * p.d + i] *= 1e4f;
  OK(law(&p, nodes, kernels, 0, "one long token") > 1, "those far shorter are refused");
  p.X[8 * p.d + 1] = NAN, p.X[9 * p.d + 2] = INFINITY, p.X[77 * p.d] = -INFINITY;
  OK(law(&p, nodes, kernels, 0, "tokens that are not finite") > 3, "they are refused");
  p.E[4 * p.d + 5] = INFINITY;
  OK(law(&p, nodes, kernels, 0, "a row that is not finite") < 0, "then there is no filter");
  const struct {
    const char *called;
    float x, e;
  } scales[] = {{"huge", 1e12f, 1e11f},
                {"tiny", 1e-9f, 1e-10f},
                {"subnormal", 1e-15f, 1e-28f},
                {"too large", 1e20f, 1e10f}};
  for (int s = 0; s < 4; s++) {
    p = problem_of(60, 200, 65, 8, PLAIN);
    for (int64_t i = 0; i < p.n * p.d; i++) p.X[i] *= scales[s].x;
    for (int64_t i = 0; i < p.m * p.d; i++) p.E[i] *= scales[s].e;
    if (s) memset(p.b, 0, (size_t)p.m * sizeof(float));
    law(&p, nodes, kernels, 0, scales[s].called);
  }
  p = problem_of(60, 300, 70, 12, TIED);
  law(&p, nodes, kernels, 300, "ties");
  p = problem_of(40, 130, 67, 9, AWKWARD);
  law(&p, nodes, kernels, 0, "awkward values");
  let_go();
}

/* Tokens that rows at right angles to each other hardly explain, whose scores differ by less than
   what integers are off by. */
static Problem hard_tokens(const Kernels *kernels, int64_t n, int64_t m, int64_t d)
{
  Problem p = problem_of(n, m, d, 3, PLAIN);
  for (int64_t j = 0; j < m + n; j++) {
    float *x = j < m ? p.E + j * d : p.X + (j - m) * d;
    const double size = sqrt(kernels->square64(d, x));
    for (int64_t a = 0; a < m && a < j; a++) {
      const double close =
          size * (3e-4 + 1e-5 * random_normal(8, RANDOM_SYNTH, (uint64_t)(j * m + a)));
      double product = 0;
      for (int64_t i = 0; i < d; i++) product += (double)x[i] * (double)p.E[a * d + i];
      for (int64_t i = 0; i < d; i++)
        x[i] -= (float)((product - (j < m ? 0 : close)) * (double)p.E[a * d + i]);
    }
    if (j < m) kernels->unit(d, x);
  }
  return p;
}

/* First scores of pursuits: rows of length 1, of which some are equal or almost. */
static void pursuits(Nodes *nodes, const Kernels *kernels)
{
  const char *const codes[] = {"mp", "omp"};
  for (int turn = 0; turn < 24; turn++) {
    const int64_t m = 1 + size_of(300), k = 3 + below(12);
    Problem p = problem_of(1 + size_of(140), m, 1 + size_of(130), k, PLAIN);
    p.code = codes[turn % 2];
    if (turn % 3) align(&p);
    for (int64_t j = 0; j < m; j++) kernels->unit(p.d, p.E + j * p.d);
    for (int64_t j = 0; j + 1 < m; j += 4) {
      memcpy(p.E + (j + 1) * p.d, p.E + j * p.d, (size_t)p.d * sizeof(float));
      if (j % 8) p.E[(j + 1) * p.d] *= 1 + 0x1p-22f;
    }
    for (int64_t t = 0; t < p.n; t += 9) /* some are not for integers */
      for (int64_t i = 0; i < p.d; i++) p.X[t * p.d + i] *= t % 2 ? 0 : 1e-20f;
    OK(law(&p, turn % 4 ? NULL : nodes, kernels, 0, p.code) == (m < 3 ? -1 : 0), "%s", p.code);
    let_go();
    p = hard_tokens(kernels, 40, 6, 16 + turn);
    p.code = "mp";
    OK(law(&p, NULL, kernels, 0, "tokens hardly explained") == 0, "in integers");
    p.E[turn] = INFINITY;
    OK(law(&p, NULL, kernels, 0, "a row that is not finite") < 0, "in float32");
    let_go();
  }
}

/* The unit matrix: scores as the chain over its rows gives them. */
static void unit_rows(const Kernels *kernels)
{
  enum { D = 70, ROWS = 40 };
  const SAECode code = {.entry = {.name = "any"}};
  const CodeNow now = {.code = &code};
  Problem p = problem_of(ROWS, D, D, 1, PLAIN);
  Encoder *encoder;
  float *S = hold(fill(ROWS * D, PLAIN));
  bool same = true;
  memset(p.b, 0, D * sizeof(float));
  p.X[3] = -0.0f, p.X[D] = INFINITY, p.X[2 * D + 1] = NAN, p.X[3 * D] = 1e-42f;
  p.X[4 * D] = INFINITY, p.X[4 * D + 1] = -INFINITY;
  RUN(EncoderCreate(kernels, NULL, &now, D, D, NULL, p.b, ENCODER_INT16, 0, &encoder));
  RUN(EncoderRenew(encoder));
  encoder_scores(encoder, ROWS, p.X, S);
  for (int64_t q = 0; q < ROWS * D; q++) {
    float s = 0;
    for (int64_t i = 0; i < D; i++) s = fmaf(p.X[q / D * D + i], i == q % D, s);
    same &= isnan(s) ? isnan(S[q]) : s == S[q] && !signbit(s) == !signbit(S[q]);
  }
  RUN(EncoderDestroy(&encoder));
  OK(same, "%s: scores by the unit matrix", kernels->entry.name);
  let_go();
}

static void shapes(Nodes *nodes, const Kernels *kernels)
{
  for (int turn = 0; turn < 40; turn++) {
    const int64_t m = 1 + size_of(300);
    Problem p = problem_of(size_of(140), m, 1 + size_of(130), 1 + below(m), turn % 3);
    if (turn % 2 && p.n) align(&p);
    law(&p, nodes, kernels, turn % 5 ? 0 : 1 + below(40), "a random shape");
    let_go();
  }
}

int main(int argc, char **argv)
{
  TestBegin(&argc, &argv);
  Nodes *nodes;
  RUN(NodesCreate(PETSC_COMM_WORLD, &nodes));
  for (const Entry *const *entry = backends.entries; *entry; entry++) {
    const Kernels *kernels = (const Kernels *)*entry;
    if (!kernels->usable()) continue;
    if (!strcmp((*entry)->name, "ref") && cpu_has_fma()) kernels = &kernels_ref_fma;
    counter = 0;
    cases(nodes, kernels);
    shapes(NULL, kernels);
    pursuits(nodes, kernels);
    unit_rows(kernels);
  }
  RUN(NodesDestroy(&nodes));
  return TestEnd();
}
