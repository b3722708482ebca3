/*
 * Line number programs (DWARF 5, section 6.2; versions 2 to 5).
 *
 * Hostile: a program makes at most one row for each of its bytes.
 */
#ifndef SNAP_ANALYZE_DWARF_LINES_H
#define SNAP_ANALYZE_DWARF_LINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analyze/dwarf/file.h"

struct snap_line_row {
	uint64_t addr;
	uint32_t file; /* as DW_AT_call_file and DW_AT_decl_file number them */
	uint32_t line; /* 0: no line stands for this address */
	uint16_t column;
	bool is_statement;
	bool ends; /* the first address behind a sequence: nothing is said of it */
};

struct snap_line_file {
	const char *name;
	uint64_t dir; /* index into dirs */
};

/* One unit's rows and files. May be read into again and again. */
struct snap_lines {
	struct snap_line_row *rows; /* ascending by address; sequences one after the other, of equal
				     * addresses as the program has them */
	size_t num_rows, rows_capacity;
	uint16_t version;
	const char *comp_dir; /* the unit's; NULL */
	const char **dirs;    /* by index; NULL: not known */
	size_t num_dirs, dirs_capacity;
	struct snap_line_file *files; /* by index; the name is NULL where there is none */
	size_t num_files, files_capacity;
};

void snap_lines_deinit(struct snap_lines *lines);

/* The program of the unit (for a split one: of its skeleton). -1 only without memory. */
int snap_lines_read(const struct snap_dwarf_unit *unit, struct snap_lines *lines);

/*
 * The path of a file as DWARF puts it together of its name, its directory and the compilation's,
 * into buf. NULL if there is no such file.
 */
const char *snap_lines_path(const struct snap_lines *lines, uint64_t file, char *buf, size_t size);

#endif
