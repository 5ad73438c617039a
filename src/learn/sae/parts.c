/* The registries that a sparse autoencoder is composed of. */
#include "learn/sae.h"

#define X(name) extern const SAECode sae_code_##name;
#include "sae-code.def" /* written by the Makefile from the folder's listing, as all below */
#undef X
#define X(name) extern const SAEAtoms sae_atoms_##name;
#include "sae-atoms.def"
#undef X
#define X(name) extern const SAEStart sae_start_##name;
#include "sae-start.def"
#undef X
#define X(name) extern const SAEEncoder sae_encoder_##name;
#include "sae-encoder.def"
#undef X
#define X(name) extern const SAEGoal sae_goal_##name;
#include "sae-goal.def"
#undef X
#define X(name) extern const SAERevive sae_revive_##name;
#include "sae-revive.def"
#undef X

#define X(name) &sae_code_##name.entry,
static const Entry *const codes[] = {
#include "sae-code.def"
    NULL};
#undef X
#define X(name) &sae_atoms_##name.entry,
static const Entry *const atoms[] = {
#include "sae-atoms.def"
    NULL};
#undef X
#define X(name) &sae_start_##name.entry,
static const Entry *const starts[] = {
#include "sae-start.def"
    NULL};
#undef X
#define X(name) &sae_encoder_##name.entry,
static const Entry *const encoders[] = {
#include "sae-encoder.def"
    NULL};
#undef X
#define X(name) &sae_goal_##name.entry,
static const Entry *const goals[] = {
#include "sae-goal.def"
    NULL};
#undef X
#define X(name) &sae_revive_##name.entry,
static const Entry *const revivals[] = {
#include "sae-revive.def"
    NULL};
#undef X

const Family sae_codes = {"code", "codes", codes};
const Family sae_atoms = {"atoms", "atoms", atoms};
const Family sae_starts = {"start", "starts", starts};
const Family sae_encoders = {"encoder", "encoders", encoders};
const Family sae_goals = {"goal", "goals", goals};
const Family sae_revivals = {"revive", "revivals", revivals};
