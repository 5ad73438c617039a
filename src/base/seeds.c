/* What seeds are for, and their columns. */
#include "base/seeds.h"

const char *const seed_purposes[SEED_PURPOSES] = {"init", "data", "anchors", "subsample"};

void seed_columns(unsigned drawn, Text *columns)
{
  for (int i = 0; i < SEED_PURPOSES; i++)
    if (i < 3 || (drawn >> i & 1)) text_add(columns, "%sseed_%s", i ? "," : "", seed_purposes[i]);
}

void table_seeds(Table *table, const int64_t seed[SEED_PURPOSES])
{
  for (int i = 0; i < SEED_PURPOSES; i++) {
    Text column = {0};
    text_add(&column, "seed_%s", seed_purposes[i]);
    if (table_column(table, column.s) >= 0) {
      if (seed[i] < 0)
        table_text(table, column.s, "-");
      else
        table_integer(table, column.s, seed[i]);
    }
    text_clear(&column);
  }
}

unsigned seeds_drawn(const int64_t seed[SEED_PURPOSES])
{
  unsigned drawn = 0;
  for (int i = 0; i < SEED_PURPOSES; i++) drawn |= (unsigned)(seed[i] >= 0) << i;
  return drawn;
}
