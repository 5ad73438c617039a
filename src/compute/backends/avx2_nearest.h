/* Loops of avx2_nearest.c that the table of avx2.c names. */
#pragma once
#include "compute/backend.h"

extern const Screens avx2_screens;
