/* The commands of the program. */
#include "cli/command.h"

#define X(name) extern const Command command_##name;
#include "command.def" /* written by the Makefile from the folder's listing */
#undef X

static const Entry *const entries[] = {
#define X(name) &command_##name.entry,
#include "command.def"
#undef X
    NULL,
};

const Family commands = {"command", "commands", entries};
