/* Every composition of a sparse autoencoder either trains to finite values, with its model read
   back and encoding, or is refused with a reason: the whole product of codes, atoms, goals,
   encoders and revivals, found from the registries. RUN ranks=1 time=120 */
#include "../sae_task.h"
#include "../tap.h"
#include "learn/dictionary.h"

enum { N = 96, D = 6, WIDTH = 6 };
static const char tokens_path[] = "learn_product.test.h5", saved_path[] = "learn_product.saved.h5";

/* What the entries say against each other: checks of the chosen entry under prefix, and of what it
   chooses in turn. The reason is left in why. */
static PetscErrorCode Check(const Param *params, const char *prefix, const Settings *all, Text *why)
{
  PetscFunctionBeginUser;
  for (const Param *param = params; param && param->name && !why->s; param++) {
    Text path = {0}, inner = {0};
    Choice choice;
    const char *at = "";
    if (param->type != PARAM_CHOICE) continue;
    text_add(&path, "%s%s", prefix, param->name);
    text_add(&inner, "%s.", path.s);
    PetscCall(ChoiceRead(all, path.s, param->family, &choice));
    char *reason = choice.entry->check ? choice.entry->check(choice.params, all, &at) : NULL;
    if (reason) text_add(why, "%s.%s: %s", path.s, at, reason);
    free(reason);
    PetscCall(Check(choice.entry->params, inner.s, all, why));
    PetscCall(ChoiceRelease(&choice));
    text_clear(&path);
    text_clear(&inner);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static bool finite_model(const SAE *sae)
{
  bool fine = true;
  for (int i = 0; i < sae->tensors; i++)
    for (int64_t q = 0; q < sae->tensor[i].rows * sae->tensor[i].cols; q++)
      fine &= isfinite(sae->tensor[i].p[q]);
  for (int64_t i = 0; i < sae->m * sae->d; i++) fine &= isfinite(sae->D[i]);
  return fine;
}

/* 3 steps; the model reads back and encodes some tokens to finite values. */
static PetscErrorCode Train(SAETask *t, bool *fine)
{
  PetscFunctionBeginUser;
  const Method *method = (const Method *)family_find(&methods, "sae");
  SAE *sae;
  StepReport report;
  Dictionary *dictionary;
  Codes codes = {0};
  float X[8 * D], Y[8 * D];
  PetscCall(SAECreate(&t->task, &sae));
  for (int s = 0; s < 3; s++) PetscCall(SAEStep(sae, &report));
  *fine = report.state == STEP_DONE && finite_model(sae);
  for (int i = 0; i < report.values; i++) *fine &= isfinite(report.value[i].value);
  PetscCall(ModelWrite(&t->task, method, sae, saved_path, "all steps done", t->mistakes));
  PetscCall(DictionaryRead(saved_path, t->kernels, t->mistakes, &dictionary));
  *fine &= dictionary && !mistakes_count(t->mistakes);
  PetscCall(ViewRead(&t->task.view, 8, (const int64_t[]){0, 1, 2, 3, 4, 5, 6, 7}, X));
  if (dictionary) {
    PetscCall(DictionaryEncode(dictionary, 8, X, &codes));
    PetscCall(DictionaryDecode(dictionary, &codes, Y));
    for (int i = 0; i < 8 * D; i++) *fine &= isfinite(Y[i]);
    for (int64_t r = 0; r < 8; r++)
      for (int64_t q = codes.start[r] + 1; q < codes.start[r + 1]; q++)
        *fine &= codes.atom[q] > codes.atom[q - 1];
  }
  codes_clear(&codes);
  PetscCall(DictionaryDestroy(&dictionary));
  PetscCall(SAEDestroy(&sae));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Compose(const char *words, int *trained, int *refused)
{
  PetscFunctionBeginUser;
  SAETask t;
  Text why = {0};
  bool fine = true;
  PetscCall(SAETaskOpen(PETSC_COMM_SELF, tokens_path, words, 8, &t));
  Settings all = {0};
  settings_copy(&all, &t.settings);
  settings_set(&all, "anchors.count", "8");
  settings_set(&all, "tokens.width", "6");
  settings_set(&all, "tokens.train", "96");
  PetscCall(Check(sae_params, "", &all, &why));
  if (!why.s) PetscCall(Train(&t, &fine));
  *trained += !why.s, *refused += why.s != NULL;
  if (why.s && getenv("TEST_VERBOSE")) fprintf(stderr, "# %s: %s\n", words, why.s);
  if (!fine || (why.s && strlen(why.s) < 20)) OK(false, "%s", words);
  settings_clear(&all);
  text_clear(&why);
  PetscCall(SAETaskClose(&t));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  TestBegin(&argc, &argv);
  RUN(SAETaskTokens(tokens_path, N, D));
  for (const Entry *const *code = sae_codes.entries; *code; code++) {
    int trained = 0, refused = 0;
    for (const Entry *const *atoms = sae_atoms.entries; *atoms; atoms++)
      for (const Entry *const *goal = sae_goals.entries; *goal; goal++)
        for (const Entry *const *encoder = sae_encoders.entries; *encoder; encoder++)
          for (const Entry *const *revive = sae_revivals.entries; *revive; revive++) {
            Text words = {0};
            text_add(
                &words,
                "width=%d train.batch=40 train.steps=3 code.name=%s atoms.name=%s goal.name=%s "
                "encoder.name=%s revive.name=%s revive.dead_after=1",
                WIDTH, (*code)->name, (*atoms)->name, (*goal)->name, (*encoder)->name,
                (*revive)->name);
            if (strstr((*code)->name, "topk") || strstr((*code)->name, "mp"))
              text_add(&words, " code.k=2");
            if (!strcmp((*goal)->name, "matryoshka")) text_add(&words, " goal.levels=2");
            RUN(Compose(words.s, &trained, &refused));
            text_clear(&words);
          }
    OK(trained > 0, "%s: %d compositions train, %d are refused with a reason", (*code)->name,
       trained, refused);
  }
  unlink(tokens_path), unlink(saved_path);
  return TestEnd();
}
