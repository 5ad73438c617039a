/* Loops of ref_nearest.c that the tables of ref.c name. */
#pragma once
#include "compute/backend.h"

bool ref_screen_bytes(const GridTile *tile, uint64_t lanes[PANEL_ROWS]);
bool ref_screen_words(const GridTile *tile, uint64_t lanes[PANEL_ROWS]);
void ref_dots_bytes(int64_t ld, const char *x, const char *rows, int64_t count,
                    const int32_t *place, int32_t *dot);
void ref_dots_words(int64_t ld, const char *x, const char *rows, int64_t count,
                    const int32_t *place, int32_t *dot);
void ref_grid_write(const GridPanel *panel);
int ref_best(void);
