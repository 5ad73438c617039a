/* Registries: finding an entry by its word. */
#include "base/param.h"
#include <string.h>

const Entry *family_find(const Family *family, const char *name)
{
  for (const Entry *const *entry = family->entries; *entry; entry++)
    if (!strcmp((*entry)->name, name)) return *entry;
  return NULL;
}
