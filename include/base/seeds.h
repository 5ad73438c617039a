/* What seeds are for. */
#pragma once
#include "base/param.h"
#include "base/table.h"

/* In the order of the SEED_* bits: init, data, anchors, subsample. */
enum { SEED_PURPOSES = 4 };
extern const char *const seed_purposes[SEED_PURPOSES];

/* "seed_init,seed_data,seed_anchors", and ",seed_subsample" where that is among drawn (SEED_*):
   tables had three before it came. */
void seed_columns(unsigned drawn, Text *columns);
/* One row's seeds, -1 ("-"): not drawn from. */
void table_seeds(Table *table, const int64_t seed[SEED_PURPOSES]);
/* The SEED_* that are drawn from: those that are not -1. */
unsigned seeds_drawn(const int64_t seed[SEED_PURPOSES]);
