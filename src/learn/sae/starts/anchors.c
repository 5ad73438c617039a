/* The same directions that archetypal atoms start from. */
#include "learn/sae.h"
#include "learn/pick.h"

typedef struct {
  char *anchors;
  int pick;
} Anchored;

static const Param params[] = {
    {"anchors", PARAM_ANCHORS, offsetof(Anchored, anchors), NULL,
     .doc = "name of the candidate set"},
    {"pick", PARAM_WORD, offsetof(Anchored, pick), "default", .doc = PICK_DOC, .words = pick_words},
    {0},
};

static unsigned draws(const void *settings)
{
  return ((const Anchored *)settings)->pick == PICK_IDENTITY ? 0 : SEED_ANCHORS;
}

static char *check(const void *settings, const Settings *all, const char **path)
{
  *path = "pick";
  return pick_check(((const Anchored *)settings)->pick, all);
}

static PetscErrorCode start(const void *settings, SAE *sae, float *rows)
{
  const Anchors *anchors = sae->task->anchors;
  const int64_t d = sae->d;

  PetscFunctionBegin;
  for (int64_t j = 0; j < sae->rows; j++) {
    const AnchorPick pick =
        anchor_pick((Pick)((const Anchored *)settings)->pick, (uint64_t)sae->task->seed_anchors,
                    sae->m, anchors->p, sae->first + j);
    const float *a = anchors->points + pick.q[0] * d, *b = anchors->points + pick.q[1] * d;
    for (int64_t i = 0; i < d; i++)
      rows[j * d + i] = pick.w[1] != 0 ? pick.w[0] * a[i] + pick.w[1] * b[i] : a[i];
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

const SAEStart sae_start_anchors = {
    .entry = {"anchors", "the directions that archetypal atoms start from (the control for them)",
              "Ablating Archetypes, arXiv:2606.02061, its k-means start", params, sizeof(Anchored),
              .draws = draws, .check = check},
    .start = start,
};
