/*
 * The dynamic linker's list of modules, by which debuggers find them: DT_DEBUG in the executable's
 * dynamic section points to a struct r_debug, and that to a list of struct link_map (<link.h>).
 * Small snapshots have captured none of it.
 *
 * The dynamic section was in the process's memory as it is in the executable's file, but for
 * DT_DEBUG. The list is made up of what the input says of the modules, at an address where the
 * process had nothing.
 */
#ifndef SNAP_ANALYZE_CONVERT_MODULE_LIST_H
#define SNAP_ANALYZE_CONVERT_MODULE_LIST_H

#include "analyze/crash.h"
#include "common/error.h"

/* What became of the list. */
enum snap_module_list_status {
	SNAP_MODULE_LIST_IMPOSSIBLE, /* the executable's dynamic section is not known */
	SNAP_MODULE_LIST_NONE,	     /* a program without one: statically linked */
	SNAP_MODULE_LIST_CAPTURED,   /* it is in the captured memory */
	SNAP_MODULE_LIST_MADE,
};

struct snap_module_list_report {
	enum snap_module_list_status status;
	/* Libraries that a list made up does not have: gdb puts a library where its dynamic section
	 * is, and that is only known if its file was found. */
	size_t num_left_out;
};

/*
 * Add the list and the dynamic section to memory, to which all captured memory was added before (so
 * that it keeps its bytes) and which is not finished yet. The crash's arch is known and its modules
 * are resolved. Bytes are in the crash's arena. -1 only without memory.
 */
int snap_module_list_add(struct snap_crash *crash, struct snap_memory *memory,
	struct snap_module_list_report *ret, struct snap_error *err);

/* More modules than any process has; those beyond are not listed. */
#define SNAP_MODULE_LIST_MAX 8192

#endif
