/* A run folder as one page: what was found, drawn and in words, with every number beside it. */
#pragma once
#include "base/mistakes.h"
#include "base/param.h"
#include "base/table.h"

/* What was read of a run folder. Tables are never NULL; without a file they have no rows. */
typedef struct Report {
  char *name; /* of the experiment */
  char *dir;  /* the run folder */
  Text spec;  /* spec.yaml */
  Table *plan, *runs, *groups, *pairs, *stability;
  /* These have no rows where the folder has no such file. */
  Table *trajectory, *recurrence, *purposes, *differences, *levels, *stable, *across, *atlas;
  Table *models; /* model, runs, done, width, anchors: one row each, in plan order */
  Table *steps;  /* model, run, step, tokens, loss, averaged, quantity: the "step" events of every
                    log.jsonl */
  Table *facts;  /* run, path, value: every manifest.json */
  Table *frequency; /* model, low, high, atoms, found, cosine: atoms.csv and partners.csv of all
                       runs, by how often an atom fires (low to high - 1 tokens of the training
                       sample): in what share of the other runs it is found, and its mean cosine
                       with its partners */
} Report;

/*
  ReportWrite - DIR/report/index.html, and one .svg and one .csv for each figure

  Reads only files of the run folder, and writes the same bytes whenever they are the same. A folder
  that lacks plan.csv or another table, or holds a broken one, is a mistake; nothing is written
  then. A run without log or manifest (it failed, or goes on) is shown without them.

  Not collective: one rank calls it.

  in     dir       the run folder
  inout  mistakes  gets what is missing or broken
*/
PetscErrorCode ReportWrite(const char *dir, Mistakes *mistakes);

/* ReportRead, ReportDestroy - the tables of a run folder. Not collective. */
PetscErrorCode ReportRead(const char *dir, Mistakes *mistakes, Report **report);
PetscErrorCode ReportDestroy(Report **report);

/* ReportPage - the whole page. picture[i] is figure i (in the order of the family) as drawn for
   wide and narrow pages, with its tables. Not collective. */
typedef struct {
  Text wide, narrow; /* <svg> elements; empty: nothing to show */
  Table *data, *shown;
} Picture;
typedef struct Images Images; /* of the atlas */
PetscErrorCode ReportPage(const Report *report, const Picture *picture, const Images *images,
                          Text *page);
/* ReportPictures - draws all figures. Not collective. PicturesDestroy frees them. */
PetscErrorCode ReportPictures(const Report *report, Picture **picture);
PetscErrorCode PicturesDestroy(Picture **picture);
