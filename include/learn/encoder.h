/* From centred tokens to codes: float32 scores of a tile and the code's choice among them; or, for
   codes that keep the largest scores, a filter in 16-bit integers that leaves few atoms for a
   token, whose float32 scores are then computed as docs/numerics.md defines them. Both give the
   same codes, bit for bit. */
#pragma once
#include "base/shared.h"
#include "learn/sae.h"

typedef struct Encoder Encoder;

/* What is wanted of an encoder: environment ARDIS_ENCODER = fp32 or int16 forces one, otherwise it
   is chosen by the shape and by how many atoms the filter left so far. */
typedef enum { ENCODER_AUTO, ENCODER_FP32, ENCODER_INT16 } EncoderUse;
EncoderUse encoder_use(void);

/*
  EncoderCreate - an encoder with rows E [m x d] and biases b [m], which it borrows; E NULL: those
  of the unit matrix, without biases

  Collective on the ranks of a node; nodes NULL: this rank alone. EncoderRenew (collective likewise,
  after a change of E or b, and once the ranks have met since they last encoded) makes it ready;
  what is derived from E is made by the node's ranks together and lies there once, but that a rank
  which needs float32 scores unforeseen packs the rows by itself. EncoderDestroy takes NULL too.

  in   now    what the scores become; read with every tile
  in   room   most atoms the filter may leave for a token; a token with more is scored in float32.
              0: enough for nearly all
*/
PetscErrorCode EncoderCreate(const Kernels *kernels, Nodes *nodes, const CodeNow *now, int64_t m,
                             int64_t d, const float *E, const float *b, EncoderUse use,
                             int64_t room, Encoder **encoder);
PetscErrorCode EncoderRenew(Encoder *encoder);
PetscErrorCode EncoderDestroy(Encoder **encoder);

/*
  EncoderCodes - appends the codes of n centred tokens X [n x d]

  Not collective. S [n x m]: their scores too (the codes are then made from them), or NULL.
*/
PetscErrorCode EncoderCodes(Encoder *encoder, int64_t n, const float *X, float *S, Codes *codes);

/* Whether the next tokens go through the filter, so that asking for all scores would cost more. */
bool encoder_filters(const Encoder *encoder);
/* EncoderSome - prepares for the scores of the atoms with which[j] != 0 alone: atom [count] are
   their numbers, ascending, until the next call; not with the unit matrix. encoder_some_scores:
   those scores S [n x count] of n centred tokens. Not collective. */
PetscErrorCode EncoderSome(Encoder *encoder, const uint8_t *which, int64_t *count,
                           const int32_t **atom);
void encoder_some_scores(Encoder *encoder, int64_t n, const float *X, float *S);

/* Scores S [n x m] of n centred tokens, of all atoms. Not collective. */
void encoder_scores(Encoder *encoder, int64_t n, const float *X, float *S);

/* How tokens were encoded so far: "fp32", "int16", "fp32 and int16"; atoms left by the filter for a
   token, on the average, and tokens that were scored in float32 in spite of it. */
const char *encoder_word(const Encoder *encoder);
double encoder_left(const Encoder *encoder);
int64_t encoder_refused(const Encoder *encoder);
