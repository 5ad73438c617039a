/* The atlas: for each model its most and least stable groups of atoms, with the tokens on which
   they fire most in each run side by side. Read from atlas.csv and the pictures in the folder
   atlas. */
#pragma once
#include "report/report.h"
#include "report/svg.h"

/* Pictures of the run folder that the atlas shows: PNG and JPEG, as they are. */
typedef struct {
  char *name; /* of the file in DIR/atlas */
  int64_t width, height;
  Text uri; /* data: */
} Image;
struct Images {
  int64_t count;
  Image *image;
};

/* ImagesRead - those that atlas.csv names and that can be read. Not collective. ImagesDestroy frees
   them. */
PetscErrorCode ImagesRead(const Report *report, Images *images);
PetscErrorCode ImagesDestroy(Images *images);
/* The number of a picture, or -1. */
int64_t image_index(const Images *images, const char *name);
/* As elements with the ids image-0, image-1, …, which svg_image() shows: those that are named by
   rows first to end - 1 of atlas.csv. While they fit into most bytes they stand in the page, then
   as links to folder. */
void put_images(Text *to, const Report *report, const Images *images, int64_t first, int64_t end,
                size_t most, const char *folder);

/* AtlasTabulate - a row for each group of atoms: model, kind, group, runs, cosine (mean), label
   (the most frequent of the tokens shown), labelled (how many have it), tokens, atoms. Not
   collective. */
PetscErrorCode AtlasTabulate(const Report *report, Table **table);
/* Draws one model, for svg->width, and sets svg->height. */
void draw_atlas(Svg *svg, const Report *report, const Images *images, const Table *groups,
                const char *model);
/* PutAtlas - the section of the page; nothing without rows. AtlasWrite - atlas.csv and atlas.tex,
   and for each model atlas-N.svg. Not collective. */
PetscErrorCode PutAtlas(Text *page, const Report *report, const Images *images);
PetscErrorCode AtlasWrite(const Report *report, const Images *images, const char *folder);
