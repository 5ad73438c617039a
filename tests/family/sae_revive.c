/* Laws of the revivals: while no atom is dead they change nothing; of weight 0 they change nothing
   at all; and auxk and reanimation bring silent atoms back, auxk counting silence in tokens.
   RUN ranks=1
   RUN ranks=3 */
#include "../sae_task.h"
#include "../tap.h"

#define COMM PETSC_COMM_WORLD
enum { N = 600, D = 8, M = 40, STEPS = 150 };
static const char path[] = "sae_revive.test.h5";
#define BASE                                                                                       \
  "width=40 train.batch=50 train.steps=150 train.optimizer.lr=0.01 code.name=topk code.k=2 "

typedef struct {
  float D[M * D], E[M * D];
  int64_t silent; /* atoms that never fired */
  double dead;    /* as the last step told */
} Trained;

static PetscErrorCode Train(const char *words, Trained *end)
{
  PetscFunctionBeginUser;
  SAETask t;
  SAE *sae;
  StepReport report;
  bool counts = true;
  PetscCall(SAETaskOpen(COMM, path, words, 0, &t));
  PetscCall(SAECreate(&t.task, &sae));
  Tensor *biases = tensor_named(sae, "encoder/bias");
  for (int64_t j = 0; j < sae->rows; j++) /* most atoms begin far too shy to be among the best */
    if ((sae->first + j) % 4) biases->p[j] = -2;
  PetscCall(SAEPublish(sae));
  for (int s = 0; s < STEPS; s++) {
    PetscCall(SAEStep(sae, &report));
    for (int64_t j = 0; j < M; j++)
      counts &= sae->silent[j] >= 0 && sae->silent[j] <= 50 * (s + 1) && sae->silent[j] % 50 == 0;
  }
  OK(counts && report.state == STEP_DONE, "%s: silence is counted in tokens", words + strlen(BASE));
  *end = (Trained){0};
  memcpy(end->D, sae->D, sizeof(end->D));
  memcpy(end->E, sae->E, sizeof(end->E));
  for (int64_t j = 0; j < M; j++) end->silent += sae->silent[j] == 50 * STEPS;
  for (int i = 0; i < report.values; i++)
    if (!strcmp(report.value[i].name, "dead")) end->dead = report.value[i].value;
  PetscCall(SAEDestroy(&sae));
  PetscCall(SAETaskClose(&t));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static bool same(const Trained *a, const Trained *b)
{
  return !memcmp(a->D, b->D, sizeof(a->D)) && !memcmp(a->E, b->E, sizeof(a->E));
}

int main(int argc, char **argv)
{
  TestBegin(&argc, &argv);
  static Trained none, now;
  RUN(SAETaskTokens(path, N, D));
  RUN(Train(BASE "revive.name=none", &none));
  OK(none.silent >= 5 && none.dead == 0, "without help %d atoms never fire", (int)none.silent);
  for (const Entry *const *entry = sae_revivals.entries; *entry; entry++) {
    Text words = {0};
    const SAERevive *how = (const SAERevive *)*entry;
    const bool at_once = how->lift || how->unchosen; /* helps from the first batch on */
    text_add(&words, BASE "revive.name=%s%s", (*entry)->name, at_once ? " revive.weight=0" : "");
    RUN(Train(words.s, &now));
    OK(same(&none, &now), "%s: by default nothing is dead after %d tokens", (*entry)->name,
       50 * STEPS);
    text_clear(&words);
    if (!at_once) continue;
    text_add(&words, BASE "revive.name=%s revive.weight=1", (*entry)->name);
    RUN(Train(words.s, &now));
    /* atoms whose scores are never above 0 are not among unchosen codes either */
    OK(!same(&none, &now) && (how->unchosen || now.silent <= none.silent * 3 / 4),
       "with %s %d atoms never fire, without %d", (*entry)->name, (int)now.silent,
       (int)none.silent);
    text_clear(&words);
  }
  RUN(Train(BASE "revive.name=auxk revive.dead_after=100 revive.weight=0", &now));
  OK(same(&none, &now), "auxk of weight 0 is none");
  RUN(Train(BASE "revive.name=auxk revive.dead_after=100 revive.weight=2 revive.k=8", &now));
  OK(!same(&none, &now) && now.silent <= none.silent * 3 / 4,
     "with auxk %d atoms never fire, without %d", (int)now.silent, (int)none.silent);
  static Trained filtered, steps;
  RUN(Train(BASE
            "revive.name=auxk revive.dead_after=2 revive.count=steps revive.weight=2 revive.k=8",
            &steps));
  OK(same(&steps, &now), "auxk: 2 steps of 50 tokens are 100 tokens");
  RUN(Train(BASE "revive.name=auxk revive.count=epoch revive.weight=2 revive.k=8", &steps));
  OK(!same(&steps, &now) && steps.silent <= none.silent * 3 / 4,
     "auxk: atoms silent since the epoch began, of which %d never fire", (int)steps.silent);
  setenv("ARDIS_ENCODER", "int16", 1);
  RUN(Train(BASE "revive.name=auxk revive.dead_after=100 revive.weight=2 revive.k=8", &filtered));
  unsetenv("ARDIS_ENCODER");
  OK(same(&filtered, &now), "auxk: the same where dead atoms are scored alone");
  RUN(Train(BASE "revive.name=resample revive.every=20 revive.dead_after=2 revive.times=3", &now));
  OK(!same(&none, &now) && now.silent <= none.silent / 4,
     "with resample %d atoms never fire, without %d", (int)now.silent, (int)none.silent);
  const SAERevive *auxk = (const SAERevive *)family_find(&sae_revivals, "auxk");
  const struct {
    int64_t k, dead_after;
    double weight;
    int count;
  } params = {0, 7, 0.5, DEAD_BY_STEPS};
  OK(auxk->aux(&params, 100).k == 50 && auxk->aux(&params, 1).k == 1,
     "auxk: by default half the tokens' width");
  const SAERevive *attached = (const SAERevive *)family_find(&sae_revivals, "auxk_attached");
  const struct {
    int64_t k;
    double weight;
  } all = {0, 0.25}, few = {7, 0.25};
  OK(attached->unchosen(&all, 100).k == 50 && attached->unchosen(&all, 1).k == 1 &&
         attached->unchosen(&few, 100).k == 7 && attached->unchosen(&few, 5).k == 5 &&
         attached->unchosen(&few, 100).weight == 0.25,
     "auxk_attached: by default half of all atoms, and never more than there are");
  MPI_Barrier(COMM);
  if (tap_rank == 0) unlink(path);
  return TestEnd();
}
