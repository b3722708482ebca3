/*
 * What the parsers of options share.
 */
#ifndef SNAP_ANALYZE_OPTION_PARSER_H
#define SNAP_ANALYZE_OPTION_PARSER_H

#include <stdbool.h>
#include <stdint.h>

#include "analyze/command.h"

struct snap_option_parser {
	const struct snap_verb *verb;
	struct snap_arguments arguments;
};

/* "text 'what' (see ...)"; what may be NULL. */
void snap_option_complain(
	const struct snap_option_parser *p, const char *text, const char *what);

/* Digits, or 0x and such, with which text begins; *ret_end: what follows. */
bool snap_option_number(const char *text, uint64_t *ret, const char **ret_end);

/*
 * Of --elf: DEVICE=FILE, or FILE; what is before "=" has no slash. False if the program is to exit with
 * *ret_status, which is SNAP_EXIT_USAGE before.
 */
bool snap_option_add_elf(
	struct snap_option_parser *p, const char *text, enum snap_exit *ret_status);
void snap_elf_options_deinit(struct snap_arguments *arguments);

/* Of dedup and ingest (options_grouping.c); optarg is the argument. False if the program is to exit with *ret_status. */
bool snap_option_take_grouping(
	struct snap_option_parser *p, int id, enum snap_exit *ret_status);
/* What --proto names; complained of. False if the program is to exit with *ret_status. */
bool snap_option_read_protos(struct snap_option_parser *p, enum snap_exit *ret_status);
/* What excludes and needs what; complained of. */
bool snap_option_check_grouping(const struct snap_option_parser *p);

#endif
