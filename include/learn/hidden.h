/* A hidden layer before an encoder's rows: a = max(0, gain n + offset), n the layer norm of W xc +
   b (Ba et al. 2016, arXiv:1607.06450). docs/numerics.md section 3. */
#pragma once
#include "learn/sae.h"

/* Its parameters, borrowed: W [width x d] packed, the others [width]. */
typedef struct {
  const Packed *W;
  const float *bias, *gain, *offset;
} Hidden;

/* Names of its tensors: W, bias, gain, offset; each held by all ranks. */
enum { HIDDEN_W, HIDDEN_BIAS, HIDDEN_GAIN, HIDDEN_OFFSET, HIDDEN_TENSORS };
extern const char *const hidden_names[HIDDEN_TENSORS];

/* A [n x width] of n centred tokens xc [n x d]; norm [n x width] and inverse [n]: n and what it was
   multiplied by to become so, or both NULL. */
void hidden_forward(const Kernels *kernels, const Hidden *hidden, int64_t n, const float *xc,
                    float *norm, float *inverse, float *A);
/* That of a model in training. */
Hidden hidden_of(SAE *sae);
/* HiddenBack - gradients of the layer, and what it adds to that of the centring bias, from the
   slopes of this step's codes: by h, those of the auxiliary loss by h times aux, and lift of each
   silent atom's scores. Collective. */
PetscErrorCode HiddenBack(SAE *sae, float h, float aux, float lift);

/* count numbers of a random start of encoders from that index on, uniform within bound of 0. */
void encoder_draw(const SAE *sae, int64_t index, int64_t count, double bound, float *x);
