/* Which atoms survive a change of seed: the main picture. */
#include "report/chart.h"
#include "report/figure.h"

static PetscErrorCode Tabulate(const Report *report, Table **data, Table **shown)
{
  PetscFunctionBegin;
  *shown = NULL;
  PetscCall(TabulateStability(report, true, data));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Draw(const Report *report, const Table *data, Svg *svg)
{
  double y = 0;

  PetscFunctionBegin;
  draw_stability_keys(svg, data, &y);
  PetscCall(DrawStability(report, data, primary_measure, svg, &y));
  svg->height = y;
  PetscFunctionReturn(PETSC_SUCCESS);
}

const Figure figure_stability = {
    .entry = {"stability", "stability by model, with chance and step 0"},
    .place = 2,
    .heading = "Do the atoms survive a change of seed?",
    .words =
        "The atoms of two runs are matched one to one so that the sum of their cosines is "
        "greatest; "
        "the value is the mean cosine of the matched atoms, and 1 means the same atoms in both. "
        "It estimates the expected value over two independent draws of every seed that varies, "
        "given the tokens, "
        "the split, the settings and whatever the runs share. Dead atoms, which fire on no "
        "training token, are left out.\n"
        "The filled dot is the mean over all pairs of runs, the bar its 95 % interval over runs, a "
        "thin tick one pair. "
        "The hollow dot is the same figure at step 0, before training. The vertical lines are "
        "chance, for as many "
        "atoms: random directions (dotted), Gaussian directions with the tokens\xe2\x80\x99 mean "
        "and covariance (dashed), random tokens (solid). "
        "Only what lies beyond both, chance and step 0, was found by training. "
        "Where there is a hollow diamond, it compares a trained model with the other "
        "run\xe2\x80\x99s start: a value near it was inherited, not learned. "
        "Atoms that share a mean direction look alike, so the second panel repeats all of it "
        "without the mean atom.",
    .tabulate = Tabulate,
    .draw = Draw,
    .nothing =
        "Stability compares runs of one model, so it needs at least two finished runs of it.",
};
