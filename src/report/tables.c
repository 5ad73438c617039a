/* The page's tables that compare models, and what the words mean. */
#include "report/html.h"
#include "report/pages.h"
#include "report/svg.h"

enum { MOST_ROWS = 400 };

static void put_table(Text *page, const Table *table, const char *name, const char *heading,
                      const char *words)
{
  Text file = {0};
  if (!table->rows) return;
  text_add(&file, "../%s.csv", name);
  text_add(page, "<h3>"), text_safe(page, heading), text_add(page, "</h3>\n<p class=\"words\">");
  text_safe(page, words), text_add(page, "</p>\n");
  html_details(page, heading, table, MOST_ROWS, file.s);
  text_add(page,
           "<p class=\"files\"><a href=\"../%s.csv\">%s.csv</a>, for a paper "
           "<a href=\"%s.tex\">%s.tex</a></p>\n",
           name, name, name, name);
  text_clear(&file);
}

PetscErrorCode PutDifferences(Text *page, const Report *report)
{
  PetscFunctionBegin;
  if (!report->differences->rows && !report->levels->rows && !report->stable->rows &&
      !report->across->rows)
    PetscFunctionReturn(PETSC_SUCCESS);
  put_heading(page, "differences", "Models against each other");
  put_table(page, report->differences, "differences", "Differences in stability",
            "model_a minus model_b, with a 95 % interval. Paired: the runs of both have the same "
            "seeds, and the interval is that of the pairwise differences; else Welch\xe2\x80\x99s. "
            "Of each two models one row "
            "is primary, and its p_holm is adjusted for all pairs of models of the table; the "
            "others are secondary, and theirs is adjusted for the rows of these two models.");
  put_table(page, report->levels, "levels", "At equal sparsity or fidelity",
            "Models compared at the same l0 or r\xc2\xb2, by interpolation between the points of "
            "their grids.");
  put_table(page, report->across, "across", "Atoms of one model in another",
            "The dictionaries of two models compared, each run of the one with those of the other "
            "that share no seed with it. unmatched_a and unmatched_b are the atoms that are left "
            "over because the other model has fewer; with_unmatched counts them as 0.");
  put_table(page, report->stable, "stable", "Groups of atoms over all runs",
            "Atoms that are each other\xe2\x80\x99s best match with a cosine of at least t are "
            "joined over runs where every pair of the group agrees. chance_edges is how many such "
            "matches random directions make, chance_gaussian and chance_tokens Gaussian directions "
            "and random tokens; inconsistent is the share of matches that no group holds.");
  text_add(page, "</section>\n");
  PetscFunctionReturn(PETSC_SUCCESS);
}

void put_terms(Text *page)
{
  static const char *const terms[][2] = {
      {"Stability (estimand)",
       "The expected value of a measure over two independent draws of every seed that varies, "
       "given the tokens, the split, the "
       "settings and whatever is shared. \xe2\x80\x9cgiven these anchors\xe2\x80\x9d says that the "
       "runs share their anchors: other anchors "
       "could give another value."},
      {"Interval", "Pairs share runs, so they are not independent. With h the value of a pair, U "
                   "the mean over all pairs, S runs and P pairs: "
                   "U \xc2\xb1 t(S\xe2\x88\x92"
                   "1) \xe2\x88\x9a"
                   "max(J, F), where J is the jackknife variance over runs and F = \xce\xa3(h "
                   "\xe2\x88\x92 U)\xc2\xb2 / (P(P\xe2\x88\x92"
                   "1)) keeps it from vanishing. Simulated coverage is 95 to 99 % from three runs "
                   "on when run effects are Gaussian, and lower for skewed populations of runs."},
      {"Matched",
       "The one-to-one assignment of the atoms of two runs with the greatest sum of signed "
       "cosines. With unequal numbers of atoms the smaller side is matched in full."},
      {"Raw, centred", "Centred atoms have the mean atom of their dictionary taken away first. "
                       "Atoms with a common offset look alike whatever they mean."},
      {"Step 0", "The same comparison of the same runs before training. Where every seed varies it "
                 "is the null of untrained models."},
      {"Chance", "Three nulls for the same number of atoms: isotropic random directions; Gaussian "
                 "directions with the tokens\xe2\x80\x99 mean and covariance; "
                 "random tokens, drawn anew for each run, which can score as high as a trained "
                 "archetypal model. Each is the mean of as many pairs, at least two, as bring its "
                 "standard error below .002."},
      {"Dead", "An atom that fires on no token of the training sample at the end of the run. Dead "
               "atoms are left out, at the end and at step 0 alike."},
      {"r\xc2\xb2",
       "1 \xe2\x88\x92 \xce\xa3|x \xe2\x88\x92 x\xcc\x82|\xc2\xb2 / \xce\xa3|x \xe2\x88\x92 "
       "mean|\xc2\xb2, with the mean token of the split; in units of the normalised tokens."},
      {"l0", "The mean number of atoms that are active (z > 0) for a token."},
  };
  put_heading(page, "terms", "Terms");
  text_add(page, "<dl class=\"words\">\n");
  for (size_t i = 0; i < sizeof(terms) / sizeof(*terms); i++) {
    text_add(page, "<div><dt>"), text_safe(page, terms[i][0]);
    text_add(page, "</dt><dd>"), text_safe(page, terms[i][1]);
    text_add(page, "</dd></div>\n");
  }
  text_add(page, "</dl>\n</section>\n");
}
