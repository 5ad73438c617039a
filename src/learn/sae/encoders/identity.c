/* Scores are the centred tokens. */
#include "learn/sae.h"

static const Param params[] = {
    ENCODER_BIAS(EncoderParams),
    {0},
};

static char *check(const void *settings, const Settings *all, const char **path)
{
  Text why = {0};
  const int64_t width = settings_int(all, "width"), d = settings_int(all, "tokens.width");
  (void)settings;
  *path = "name";
  if (width && d && width != d)
    text_add(&why,
             "the centred token itself is the scores, so width must be the tokens' %lld, not "
             "%lld",
             (long long)d, (long long)width);
  return why.s;
}

const SAEEncoder sae_encoder_identity = {
    .entry = {"identity", "the centred token itself is the scores, for as many atoms as dimensions",
              "KempnerInstitute/overcomplete v0.3, identity encoder", params, sizeof(EncoderParams),
              .check = check},
    .rows = ROWS_IDENTITY,
};
