#include "analyze/report/sections.h"

#include <string.h>

static const char *const names[] = {
	[SNAP_SECTION_CAUSE] = "cause",
	[SNAP_SECTION_STACK] = "stack",
	[SNAP_SECTION_REGISTERS] = "registers",
	[SNAP_SECTION_THREADS] = "threads",
	[SNAP_SECTION_MODULES] = "modules",
	[SNAP_SECTION_MISSING] = "missing",
	[SNAP_SECTION_LOG] = "log",
	[SNAP_SECTION_PROCESS] = "process",
	[SNAP_SECTION_FILES] = "files",
	[SNAP_SECTION_FIELDS] = "fields",
	[SNAP_SECTION_NOTES] = "notes",
	[SNAP_SECTION_SIGNATURE] = "signature",
	[SNAP_SECTION_MEMORY] = "memory",
};

const char *snap_section_names(void)
{
	static char all[SNAP_NUM_SECTIONS * 16];
	char *end = all;
	for (size_t i = 0; i < SNAP_NUM_SECTIONS; i++)
		end = stpcpy(stpcpy(end, i > 0 ? ", " : ""), names[i]);
	return all;
}

bool snap_sections_parse(
	const char *list, unsigned int *ret, const char **ret_unknown, size_t *ret_len)
{
	unsigned int sections = 0;
	for (const char *p = list;; p++) {
		size_t len = strcspn(p, ","), i = 0;
		while (i < SNAP_NUM_SECTIONS &&
			(strlen(names[i]) != len || strncmp(names[i], p, len) != 0))
			i++;
		if (i == SNAP_NUM_SECTIONS) {
			*ret_unknown = p;
			*ret_len = len;
			return false;
		}
		sections |= 1u << i;
		p += len;
		if (!*p)
			break;
	}
	*ret = sections;
	return true;
}
