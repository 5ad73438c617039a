/* Loops of avx512_nearest.c that the table of avx512.c names. */
#pragma once
#include "compute/backend.h"

extern const Screens avx512_screens;
