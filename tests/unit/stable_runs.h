/* Runs of a planted dictionary in run folders, for tests of what groups of runs share. */
#pragma once
#include "../tap.h"
#include "base/random.h"
#include "compare/stable_parts.h"
#include "random_tokens.h"
#include "run_folder.h"

#define COMM PETSC_COMM_WORLD
enum { RUNS = 6, MOST = 300, MOST_WIDTH = 48, TOKENS = 600 };
static const char tokens_path[] = "compare_stable.test.h5", out[] = "compare_stable.test";
static bool viewed;
static char folder[RUNS][40];
static const char *const ids[RUNS] = {"r5", "r2", "r4", "r1", "r3", "r0"};
static const Kernels *kernels;
static TestView test;
static Mistakes *mistakes;

/* What one run of a planted dictionary holds: m atoms [m x d] in an order of its own; those of
   truths 0 .. shared - 1 return in every run with noise, the others are the run's own. Every tenth
   place holds a dead atom, a copy of truth 0. */
typedef struct {
  int64_t m, d, shared;
  double likeness; /* mean cosine of two copies */
} Plan;
static float planted[RUNS][MOST * MOST_WIDTH];
static int64_t truth_of[RUNS][MOST], fires[RUNS][MOST];

static bool is_dead(int64_t j)
{
  return j % 10 == 9;
}

/* Tokens of that width in the place of those before. */
static PetscErrorCode UseTokens(int64_t d)
{
  PetscFunctionBeginUser;
  if (viewed) PetscCall(TestViewDestroy(&test));
  PetscCall(RandomTokens(COMM, kernels, tokens_path, TOKENS, d, mistakes));
  PetscCall(TestViewCreate(COMM, kernels, tokens_path, .25, mistakes, &test));
  viewed = true;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Plant(const Plan *plan)
{
  static float start[MOST * MOST_WIDTH];
  const int64_t m = plan->m, d = plan->d;
  PetscFunctionBeginUser;
  PetscCall(UseTokens(d));
  for (int r = 0; r < RUNS; r++) {
    const uint64_t seed = 100 + (uint64_t)r;
    for (int64_t j = 0; j < m; j++) {
      const int64_t truth = is_dead(j) ? 0 : random_permuted(seed, RANDOM_LAST, 0, m, j);
      const bool shared = truth < plan->shared;
      truth_of[r][j] = shared && !is_dead(j) ? truth : -1;
      fires[r][j] = is_dead(j) ? 0 : 1 + truth % 50;
      for (int64_t i = 0; i < d; i++) {
        const double own = random_normal(seed, RANDOM_LAST, (uint64_t)(1000000 + j * d + i));
        const double common = random_normal(7, RANDOM_LAST, (uint64_t)(truth * d + i));
        const double mixed = sqrt(plan->likeness) * common + sqrt(1 - plan->likeness) * own;
        planted[r][j * d + i] = (float)((1 + (double)(j % 4)) * (shared ? mixed : own));
        start[j * d + i] = (float)own;
      }
    }
    snprintf(folder[r], sizeof(folder[r]), "%s.%s", out, ids[r]);
    if (tap_rank == 0)
      PetscCall(RunFolderWrite(folder[r], m, d, start, planted[r], fires[r], mistakes));
  }
  PetscCallMPI(MPI_Barrier(COMM));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The tables of all runs in the given order. */
static PetscErrorCode Find(MPI_Comm comm, const int *order, double t, Centring centring,
                           Table *tables[STABLE_TABLES])
{
  const PartnerRule rule = {t, centring, TOKENS};
  ComparedRun run[RUNS];
  const ComparedGroup group = {"planted", "none", &test.view, RUNS, run};
  PetscFunctionBeginUser;
  for (int r = 0; r < RUNS; r++)
    run[r] = (ComparedRun){
        .id = ids[order[r]], .folder = folder[order[r]], .seed = {order[r], order[r], -1, -1}};
  PetscCall(StableGroups(comm, kernels, out, 1, &group, &rule, mistakes, tables));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void forget(Table *tables[STABLE_TABLES])
{
  for (int i = 0; i < STABLE_TABLES; i++) RUN(TableDestroy(&tables[i]));
}

static int run_number(const char *id)
{
  for (int r = 0; r < RUNS; r++)
    if (!strcmp(ids[r], id)) return r;
  return -1;
}
