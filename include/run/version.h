/* What was built: for --version and for manifests. */
#pragma once

extern const char ardis_version[]; /* "0.1.0" */
extern const char ardis_commit[];  /* of the source, or "unknown" */
extern const char ardis_flags[];   /* of the compiler */
extern const char ardis_compiler[];
