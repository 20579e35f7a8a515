/*
 * Words made from the rows: --help, the manual pages, completion.
 * All print to `out`; a write error shows in its error flag.
 */
#ifndef BW_CLI_HELP_H
#define BW_CLI_HELP_H

#include "base/command.h"
#include "cli/commands.h"

/* The list of commands, by group. */
void bw_help_overview(FILE *out, const struct bw_command_group *groups);

/* One command, or one verb when `parent` is not NULL. */
void bw_help_command_page(FILE *out, const struct bw_command *parent, const struct bw_command *command);

/* breakwater-NAME.1 in man(7) markup. */
void bw_help_man_page(FILE *out, const struct bw_command *command);

void bw_complete_bash(FILE *out, const struct bw_command *const *commands);
void bw_complete_zsh(FILE *out, const struct bw_command *const *commands);
void bw_complete_fish(FILE *out, const struct bw_command *const *commands);

/* "FILE", or what fits the row's kind; NULL for a flag. */
const char *bw_option_value_name(const struct bw_option *row);

#endif
