/* How much of the atoms that the tokens were made of a dictionary has: matched cosine with them,
   mean of the two runs of a pair. So its interval over runs is that of the runs' own values. */
#include "compare/comparison.h"
#include "compare/pair.h"

enum { SIGNED, ABSOLUTE };
static const char *const words[] = {"signed", "absolute", NULL};

typedef struct {
  int sign;
} Params;

static int64_t own_size(const Atoms *atoms, const void *params)
{
  (void)atoms, (void)params;
  return 1;
}

/* The sum of the matched cosines. */
static PetscErrorCode own(const Kernels *kernels, const Atoms *atoms, const void *params,
                          double *sum)
{
  const bool absolute = params && ((const Params *)params)->sign == ABSOLUTE;
  const Atoms truth = {atoms->truths, atoms->d, atoms->truth};
  AtomPair pair;
  PetscFunctionBeginUser;
  PetscCall(PairCreate(kernels, atoms, &truth, absolute ? NEED_ABSOLUTE : NEED_MATCHING, &pair));
  *sum = (double)(absolute ? pair.absolute.sum : pair.atoms.sum) * 0x1p-30;
  PetscCall(PairDestroy(&pair));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static double value(const AtomPair *pair, const void *params)
{
  const int64_t truths = pair->a.truths;
  (void)params;
  if (!truths || !pair->own_a || !pair->own_b) return (double)NAN;
  return (*pair->own_a / (double)min_i64(pair->of_a, truths) +
          *pair->own_b / (double)min_i64(pair->of_b, truths)) /
         2;
}

const Comparison comparison_gt_mcc = {
    .entry = {.name = "gt_mcc",
              .summary = "mean cosine of atoms matched one to one with those that the tokens were "
                         "made of, of both runs of a pair",
              .cite = "Song et al. 2025, arXiv:2505.20254",
              .params = (const Param[]){{"sign", PARAM_WORD, offsetof(Params, sign), "signed",
                                         .doc = "whether cosines keep their sign", .words = words},
                                        {0}},
              .params_size = sizeof(Params)},
    .needs = NEED_TRUTH,
    .laws = LAW_SYMMETRIC | LAW_ORDER,
    .value = value,
    .own_size = own_size,
    .own = own,
};
