/* A sparse autoencoder written a second time, in plain float64 loops: the loss of one batch, for
   tests that hold gradients against its differences. */
#pragma once
#include "sae_task.h"
#include "tap.h"
#include "learn/simplex.h"

enum { D = 10, WIDEST = 24 }; /* width of the tokens, and of a hidden layer at most */

/* A model in float64, and what a step of it sees. Selections, residuals of the auxiliary loss and
 * their variance are those of the starting point, as the gradient's definition has it. */
typedef struct {
  int64_t m, d, mixed, b, k, aux_k; /* mixed: columns of W */
  int64_t inputs;                   /* numbers that an encoder row takes */
  double l0, width;                 /* weight of the number of codes; of the kernel */
  double l1, aux_weight, total;     /* total: codes of the batch, of batchtopk; else 0 */
  double unchosen;                  /* weight of the error with unchosen codes too */
  double lift;                      /* of reanimation, for each silent atom */
  bool lift_all;                    /* lift is divided by all atoms, else by the silent ones */
  SAELevels levels;
  bool unit; /* free atoms: rows are divided by their norm */
  int tensors;
  const char *name[SAE_TENSORS];
  int64_t count[SAE_TENSORS];
  double *value[SAE_TENSORS]; /* all rows */
  const float *C;
  int32_t *support; /* [m x mixed] anchors of the columns of W; NULL: all */
  double *x;        /* [b x d] */
  char *dead;
  double *atoms, *scores, *score; /* [m x d], [b x m], a row of them: scratch */
  double *xc, *counts;            /* [b x d], [b] */
  bool gated, tied;
  int64_t picks; /* of mp; which is in pick [b x picks] */
  int64_t *pick;
  double *z, *atoms0, *xc0; /* gated: [m] magnitudes of a token; atoms and centred tokens that count
                               as constant */
  double *residual, variance;        /* [b x d] */
  unsigned char *kept, *kept_by_aux; /* [b x m] */
  unsigned char *positive;           /* [b x inputs] of a hidden layer */
  bool frozen;
} Plain;

static inline double *value_of(const Plain *a, const char *name)
{
  for (int i = 0; i < a->tensors; i++)
    if (!strcmp(a->name[i], name)) return a->value[i];
  return NULL;
}

/* The anchor that column q of row j of W belongs to. */
static inline int64_t anchor_of(const Plain *a, int64_t j, int64_t q)
{
  return a->support ? a->support[j * a->mixed + q] : q;
}

static inline void form_atoms(Plain *a)
{
  const double *free_rows = value_of(a, "atoms"), *W = value_of(a, "W"),
               *L = value_of(a, "relaxation"), *s = value_of(a, "log_multiplier");
  for (int64_t j = 0; j < a->m; j++) {
    double *row = a->atoms + j * a->d, square = 0;
    for (int64_t i = 0; i < a->d; i++) {
      row[i] = free_rows ? free_rows[j * a->d + i] : L ? L[j * a->d + i] : 0;
      for (int64_t q = 0; W && q < a->mixed; q++)
        row[i] += W[j * a->mixed + q] * (double)a->C[anchor_of(a, j, q) * a->d + i];
      if (s) row[i] *= exp(s[0]);
      square += row[i] * row[i];
    }
    for (int64_t i = 0; a->unit && i < a->d; i++) row[i] /= sqrt(square);
  }
}

/* Marks the k largest of the scores above 0 among candidates, lowest index first. */
static inline void choose(const Plain *a, const double *score, const char *candidate, int64_t k,
                          unsigned char *kept)
{
  memset(kept, 0, (size_t)a->m);
  for (int64_t turn = 0; turn < k; turn++) {
    int64_t best = -1;
    for (int64_t j = 0; j < a->m; j++)
      if (!kept[j] && score[j] > 0 && (!candidate || candidate[j]) &&
          (best < 0 || score[j] > score[best]))
        best = j;
    if (best < 0) return;
    kept[best] = 1;
  }
}

/* The same among all scores of the batch, lowest token first. */
static inline void choose_of_batch(const Plain *a, const double *scores, int64_t k,
                                   unsigned char *kept)
{
  const int64_t count = a->b * a->m;
  memset(kept, 0, (size_t)count);
  for (int64_t turn = 0; turn < k; turn++) {
    int64_t best = -1;
    for (int64_t q = 0; q < count; q++)
      if (!kept[q] && scores[q] > 0 && (best < 0 || scores[q] > scores[best])) best = q;
    if (best < 0) return;
    kept[best] = 1;
  }
}

/* Whether an atom that is kept is of one of the levels 0 .. l. */
static inline bool in_level(const Plain *a, const unsigned char *kept, int64_t j, int l)
{
  int64_t before = 0;
  if (l + 1 == a->levels.count) return true;
  if (a->levels.by_atom) return j < a->levels.bound[l];
  for (int64_t i = 0; i < a->m; i++)
    before += kept[i] && (a->score[i] > a->score[j] || (a->score[i] == a->score[j] && i < j));
  return before < a->levels.bound[l];
}

enum { MAIN_GATED = -2, GATE = -3 };

/* |sum of kept z D - target|^2, and l1 sum_j z |D_j|; target + that goes to error. Only codes of
   levels 0 .. level. */
static inline double square_error(const Plain *a, const unsigned char *kept, int level,
                                  const double *target, double *error, double *penalty)
{
  const double *value = level == MAIN_GATED ? a->z : a->score,
               *atoms = level == GATE ? a->atoms0 : a->atoms;
  double square = 0;
  for (int64_t i = 0; i < a->d; i++) error[i] = -target[i];
  for (int64_t j = 0; j < a->m; j++) {
    double norm = 0;
    if (!kept[j] || (level >= 0 && !in_level(a, kept, j, level))) continue;
    for (int64_t i = 0; i < a->d; i++) {
      error[i] += value[j] * atoms[j * a->d + i];
      norm += a->atoms[j * a->d + i] * a->atoms[j * a->d + i];
    }
    if (penalty) *penalty += a->l1 * a->score[j] * sqrt(norm);
  }
  for (int64_t i = 0; i < a->d; i++) square += error[i] * error[i];
  return square;
}

static inline double variance_of(const Plain *a)
{
  double variance = 0;
  for (int64_t i = 0; i < a->d; i++) {
    double mean = 0;
    for (int64_t t = 0; t < a->b; t++) mean += a->residual[t * a->d + i] / (double)a->b;
    for (int64_t t = 0; t < a->b; t++)
      variance += (a->residual[t * a->d + i] - mean) * (a->residual[t * a->d + i] - mean);
  }
  return variance;
}

/* What matching pursuit leaves of a token; picks as at the start. */
static inline double pursuit(const Plain *a, const double *xc, int64_t *pick)
{
  double left[D], square = 0;
  memcpy(left, xc, sizeof(left));
  for (int64_t i = 0; i < a->picks; i++) {
    double best = -1e300;
    for (int64_t j = 0; j < a->m; j++) {
      double dot = 0;
      if (a->frozen && j != pick[i]) continue;
      for (int64_t x = 0; x < a->d; x++) dot += left[x] * a->atoms[j * a->d + x];
      if (dot > best) best = dot, pick[i] = j;
    }
    for (int64_t x = 0; x < a->d; x++) left[x] -= best * a->atoms[pick[i] * a->d + x];
  }
  for (int64_t x = 0; x < a->d; x++) square += left[x] * left[x];
  return square;
}

/* Atoms that no token keeps. */
static inline void find_silent(Plain *a)
{
  int64_t silent = 0;
  for (int64_t j = 0; j < a->m; j++) {
    a->dead[j] = 1;
    for (int64_t t = 0; t < a->b; t++)
      if (a->kept[t * a->m + j]) a->dead[j] = 0;
    silent += a->dead[j];
  }
  a->lift /= (double)(a->lift_all ? a->m : silent);
}

/* The squared error by the codes kept and the aux_k best others. */
static inline double with_unchosen(Plain *a, const unsigned char *kept, unsigned char *others,
                                   const double *target)
{
  double error[D];
  for (int64_t j = 0; j < a->m; j++) a->dead[j] = !kept[j];
  if (!a->frozen) {
    choose(a, a->score, a->dead, a->aux_k, others);
    for (int64_t j = 0; j < a->m; j++) others[j] |= kept[j];
  }
  return square_error(a, others, -1, target, error, NULL);
}

/* What the hidden layer of encoder mlp makes of a centred token; positive [inputs] as at the
   start. */
static inline void hidden_layer(const Plain *a, const double *xc, unsigned char *positive,
                                double *in)
{
  const double *W = value_of(a, "encoder/hidden"), *b = value_of(a, "encoder/hidden_bias"),
               *gain = value_of(a, "encoder/gain"), *offset = value_of(a, "encoder/offset");
  const int64_t width = a->inputs;
  double u[WIDEST], mean = 0, variance = 0;
  for (int64_t h = 0; h < width; h++) {
    u[h] = b[h];
    for (int64_t i = 0; i < a->d; i++) u[h] += W[h * a->d + i] * xc[i];
    mean += u[h] / (double)width;
  }
  for (int64_t h = 0; h < width; h++) variance += (u[h] - mean) * (u[h] - mean) / (double)width;
  for (int64_t h = 0; h < width; h++) {
    const double x = gain[h] * (u[h] - mean) / sqrt(variance + 1e-5) + offset[h];
    if (!a->frozen) positive[h] = x > 0;
    in[h] = positive[h] ? x : 0;
  }
}

static inline double loss(Plain *a)
{
  const double *output = value_of(a, "encoder/output"),
               *E = output ? output : value_of(a, "encoder/weight"),
               *b_enc = value_of(a, "encoder/bias"), *bias = value_of(a, "bias");
  double square = 0, penalty = 0, aux = 0, lifted = 0, error[D];
  form_atoms(a);
  for (int64_t t = 0; t < a->b; t++) {
    double *xc = a->xc + t * a->d, *score = a->scores + t * a->m;
    for (int64_t i = 0; i < a->d; i++) xc[i] = a->x[t * a->d + i] - bias[i];
    double in[WIDEST];
    memcpy(in, xc, sizeof(*in) * (size_t)a->d);
    if (output) hidden_layer(a, xc, a->positive + t * a->inputs, in);
    for (int64_t j = 0; j < a->m; j++) {
      score[j] = b_enc ? b_enc[j] : 0;
      for (int64_t i = 0; i < a->inputs; i++)
        score[j] += in[i] * (a->tied ? a->atoms[j * a->d + i] : E ? E[j * a->inputs + i] : i == j);
    }
  }
  if (!a->frozen && a->total > 0) choose_of_batch(a, a->scores, llrint(a->total), a->kept);
  for (int64_t t = 0; t < a->b; t++) {
    const double *xc = a->xc + t * a->d;
    unsigned char *kept = a->kept + t * a->m, *by_aux = a->kept_by_aux + t * a->m;
    double *residual = a->residual + t * a->d, whole = 0;
    a->score = a->scores + t * a->m;
    if (!a->frozen) {
      if (!(a->total > 0)) choose(a, a->score, NULL, a->k, kept);
      for (int64_t j = 0; a->width > 0 && j < a->m; j++)
        kept[j] = a->score[j] > exp(value_of(a, "code/log_threshold")[j]);
      choose(a, a->score, a->dead, a->aux_k, by_aux);
      for (int64_t i = 0; i < a->d; i++) whole += xc[i] * xc[i];
      a->counts[t] = a->levels.relative ? (double)a->d / whole : 1; /* constant, as the token is */
    }
    if (a->gated) {
      const double *r = value_of(a, "code/log_scale"), *b = value_of(a, "code/bias");
      for (int64_t j = 0; j < a->m; j++) a->z[j] = exp(r[j]) * (a->score[j] - b_enc[j]) + b[j];
      for (int64_t j = 0; !a->frozen && j < a->m; j++) {
        kept[j] = a->score[j] > 0 && a->z[j] > 0;
        by_aux[j] = a->score[j] > 0;
      }
      if (!a->frozen && t == 0)
        memcpy(a->atoms0, a->atoms, sizeof(double) * (size_t)(a->m * a->d)),
            memcpy(a->xc0, a->xc, sizeof(double) * (size_t)(a->b * a->d));
      square += square_error(a, kept, MAIN_GATED, xc, error, NULL);
      square += square_error(a, by_aux, GATE, a->xc0 + t * a->d, error, &penalty);
    }
    if (a->picks) square += pursuit(a, xc, a->pick + t * a->picks);
    for (int l = 0; l < a->levels.count && !a->gated && !a->picks; l++)
      square += a->counts[t] * a->levels.weight[l] *
                square_error(a, kept, l, xc, error, l + 1 == a->levels.count ? &penalty : NULL);
    if (a->unchosen > 0) square += a->unchosen * with_unchosen(a, kept, by_aux, xc);
    for (int64_t i = 0; !a->frozen && i < a->d; i++) residual[i] = -error[i];
    if (a->aux_weight > 0) aux += square_error(a, by_aux, -1, residual, error, NULL);
  }
  if (!a->frozen) a->variance = variance_of(a);
  if (!a->frozen && a->lift > 0) find_silent(a);
  a->frozen = true;
  double number = 0;
  for (int64_t q = 0; a->l0 > 0 && q < a->b * a->m; q++) number += a->kept[q];
  for (int64_t q = 0; a->lift > 0 && q < a->b * a->m; q++)
    if (a->dead[q % a->m]) lifted += a->lift * a->scores[q] / (double)a->b;
  return square / (double)(a->b * a->d) - lifted + penalty / (double)a->b +
         a->l0 * number / (double)a->b +
         (a->aux_weight > 0 ? a->aux_weight * aux / a->variance : 0);
}

/* What helps silent atoms. */
static inline void read_revival(const Settings *settings, const int64_t *silent, Plain *a)
{
  const char *name = settings_get(settings, "revive.name");
  if (!strcmp(name, "auxk")) {
    a->aux_k = settings_int(settings, "revive.k");
    a->aux_weight = settings_real(settings, "revive.weight");
    for (int64_t j = 0; j < a->m; j++)
      a->dead[j] = silent[j] >= settings_int(settings, "revive.dead_after");
  }
  if (!strcmp(name, "auxk_attached")) {
    a->aux_k = settings_int(settings, "revive.k");
    a->unchosen = settings_real(settings, "revive.weight");
  }
  if (!strcmp(name, "reanimation")) {
    a->lift = settings_real(settings, "revive.weight");
    a->lift_all = !strcmp(settings_get(settings, "revive.over"), "all");
  }
}

/* The tensors of all ranks, the batch that the next step takes, and the dead atoms. */
static inline PetscErrorCode PlainCreate(SAE *sae, Plain *a)
{
  PetscFunctionBeginUser;
  const Settings *settings = sae->task->settings;
  *a = (Plain){.m = sae->m, .d = sae->d, .inputs = sae->d, .tensors = sae->tensors};
  const char *hidden = settings_get(settings, "encoder.hidden");
  if (hidden && *hidden) a->inputs = settings_int(settings, "encoder.hidden");
  a->levels = sae->levels;
  a->gated = !strcmp(settings_get(settings, "code.name"), "gated");
  a->tied = !strcmp(settings_get(settings, "encoder.name"), "tied");
  if (!strcmp(settings_get(settings, "code.name"), "jumprelu")) {
    a->width = settings_real(settings, "code.bandwidth") * sae->now.unit;
    const bool of_number = !strcmp(settings_get(settings, "code.sparsity.name"), "l0");
    *(of_number ? &a->l0 : &a->l1) = settings_real(settings, "code.sparsity.weight");
  }
  a->k = sae->now.k                                            ? sae->now.k
         : strcmp(settings_get(settings, "code.name"), "topk") ? a->m
                                                               : settings_int(settings, "code.k");
  if (settings_get(settings, "code.l1")) a->l1 = settings_real(settings, "code.l1");
  const char *norm = settings_get(settings, "atoms.norm");
  a->unit = tensor_named(sae, "atoms") && !(norm && !strcmp(norm, "ball"));
  if (sae->task->anchors)
    a->C = sae->task->anchors->points, a->mixed = tensor_named(sae, "W")->cols;
  if (sae->support) {
    PetscCall(ArrayCreate(a->m * a->mixed, &a->support));
    memcpy(a->support + sae->first * a->mixed, sae->support->anchor,
           (size_t)(sae->rows * a->mixed) * sizeof(*a->support));
    PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, a->support, (int)(a->m * a->mixed), MPI_INT32_T,
                               MPI_SUM, sae->comm));
  }
  for (int i = 0; i < sae->tensors; i++) {
    const Tensor *t = &sae->tensor[i];
    a->name[i] = t->name, a->count[i] = (t->shared ? 1 : sae->m) * t->cols;
    PetscCall(ArrayCreate(a->count[i], &a->value[i]));
    for (int64_t q = 0; q < t->rows * t->cols; q++)
      a->value[i][(t->shared ? 0 : sae->first * t->cols) + q] = (double)t->p[q];
    if (!t->shared)
      PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, a->value[i], (int)a->count[i], MPI_DOUBLE, MPI_SUM,
                                 sae->comm));
  }
  const int64_t start = sae->step % sae->per_epoch * sae->params.batch;
  const Order order = {(uint64_t)sae->task->seed_data, sae->n_train};
  a->b = min_i64(sae->params.batch, sae->n_train - start);
  if (!strcmp(settings_get(settings, "code.name"), "batchtopk"))
    a->total = settings_real(settings, "code.k") * (double)a->b;
  float *x;
  PetscCall(ArrayCreate(a->d, &x));
  PetscCall(ArrayCreate(a->b * a->d, &a->x));
  PetscCall(ArrayCreate(a->b * a->d, &a->residual));
  PetscCall(ArrayCreate(a->m * a->d, &a->atoms));
  PetscCall(ArrayCreate(a->b * a->m, &a->scores));
  PetscCall(ArrayCreate(a->b * a->d, &a->xc));
  PetscCall(ArrayCreate(a->b, &a->counts));
  PetscCall(ArrayCreate(a->m, &a->z));
  if (!strcmp(settings_get(settings, "code.name"), "mp")) {
    a->picks = settings_int(settings, "code.k");
    PetscCall(ArrayCreate(a->b * a->picks, &a->pick));
  }
  PetscCall(ArrayCreate(a->m * a->d, &a->atoms0));
  PetscCall(ArrayCreate(a->b * a->d, &a->xc0));
  PetscCall(ArrayCreate(a->b * a->m, &a->kept));
  PetscCall(ArrayCreate(a->b * a->inputs, &a->positive));
  PetscCall(ArrayCreate(a->b * a->m, &a->kept_by_aux));
  PetscCall(ArrayCreate(a->m, &a->dead));
  for (int64_t t = 0; t < a->b; t++) {
    const int64_t row = order_at(&order, sae->step / sae->per_epoch, start + t);
    PetscCall(ViewRead(&sae->task->view, 1, &row, x));
    for (int64_t i = 0; i < a->d; i++) a->x[t * a->d + i] = (double)x[i];
  }
  PetscCall(ArrayDestroy(&x));
  read_revival(settings, sae->silent, a);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static inline PetscErrorCode PlainDestroy(Plain *a)
{
  PetscFunctionBeginUser;
  for (int i = 0; i < a->tensors; i++) PetscCall(ArrayDestroy(&a->value[i]));
  PetscCall(ArrayDestroy(&a->x));
  PetscCall(ArrayDestroy(&a->residual));
  PetscCall(ArrayDestroy(&a->atoms));
  PetscCall(ArrayDestroy(&a->scores));
  PetscCall(ArrayDestroy(&a->xc));
  PetscCall(ArrayDestroy(&a->counts));
  PetscCall(ArrayDestroy(&a->z));
  PetscCall(ArrayDestroy(&a->pick));
  PetscCall(ArrayDestroy(&a->atoms0));
  PetscCall(ArrayDestroy(&a->xc0));
  PetscCall(ArrayDestroy(&a->kept));
  PetscCall(ArrayDestroy(&a->positive));
  PetscCall(ArrayDestroy(&a->kept_by_aux));
  PetscCall(ArrayDestroy(&a->dead));
  PetscCall(ArrayDestroy(&a->support));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The gradient of jumprelu's thresholds by its formula, with the rectangle: no difference of the
   loss shows it. numbers: theta and width are those of the starting point. */
static inline double surrogate(Plain *a, int64_t j)
{
  const double theta = exp(value_of(a, "code/log_threshold")[j]);
  double sum = 0, norm = 0, error[D], other[D];
  for (int64_t i = 0; i < a->d; i++) norm += a->atoms[j * a->d + i] * a->atoms[j * a->d + i];
  for (int64_t t = 0; t < a->b; t++) {
    a->score = a->scores + t * a->m;
    if (fabs(a->score[j] - theta) >= a->width / 2) continue;
    double dot = 0;
    square_error(a, a->kept + t * a->m, -1, a->xc + t * a->d, error, NULL);
    square_error(a, a->kept_by_aux + t * a->m, -1, a->xc + t * a->d, other, NULL);
    for (int64_t i = 0; i < a->d; i++)
      dot += (error[i] + a->unchosen * other[i]) * a->atoms[j * a->d + i];
    sum += -theta / a->width * (theta * (2 * dot / (double)a->d + a->l1 * sqrt(norm)) + a->l0);
  }
  return sum / (double)a->b;
}
