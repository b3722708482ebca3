/*
 * The sections of the text report, in the order in which they stand.
 */
#ifndef SNAP_ANALYZE_REPORT_SECTIONS_H
#define SNAP_ANALYZE_REPORT_SECTIONS_H

#include <stdbool.h>
#include <stddef.h>

enum snap_section {
	SNAP_SECTION_CAUSE,
	SNAP_SECTION_STACK,
	SNAP_SECTION_REGISTERS,
	SNAP_SECTION_THREADS,
	SNAP_SECTION_MODULES,
	SNAP_SECTION_MISSING,
	SNAP_SECTION_LOG,
	SNAP_SECTION_PROCESS,
	SNAP_SECTION_FILES,
	SNAP_SECTION_FIELDS,
	SNAP_SECTION_NOTES,
	SNAP_SECTION_SIGNATURE,
	SNAP_SECTION_MEMORY,
	SNAP_NUM_SECTIONS,
};

/* A bit for each section. */
#define SNAP_ALL_SECTIONS ((1u << SNAP_NUM_SECTIONS) - 1)

/* All names, with ", " between; static. */
const char *snap_section_names(void);

/*
 * "stack,cause": the bits of these, in whatever order. False: the name that begins at *ret_unknown
 * (in list) and has *ret_len bytes, perhaps none, is no section's.
 */
bool snap_sections_parse(
	const char *list, unsigned int *ret, const char **ret_unknown, size_t *ret_len);

#endif
