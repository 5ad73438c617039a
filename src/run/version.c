/* What was built; the Makefile gives the words. */
#include "run/version.h"

const char ardis_version[] = ARDIS_VERSION;
const char ardis_commit[] = ARDIS_COMMIT;
const char ardis_flags[] = ARDIS_FLAGS;
const char ardis_compiler[] = __VERSION__;
