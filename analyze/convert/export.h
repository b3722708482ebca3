/*
 * From the model to an ELF core that debuggers open.
 */
#ifndef SNAP_ANALYZE_CONVERT_EXPORT_H
#define SNAP_ANALYZE_CONVERT_EXPORT_H

#include <stdio.h>

#include "analyze/convert/core_file.h"
#include "analyze/convert/core_notes.h"
#include "analyze/convert/module_list.h"
#include "analyze/crash.h"
#include "common/error.h"

/* What of the input the core does not tell. */
struct snap_export_report {
	struct snap_module_list_report module_list;
	struct snap_core_notes_report notes;
	struct snap_core_report core;
};

/*
 * Write crash, loaded and with its modules resolved, to out. -1 and *err if it is of an unknown
 * machine or without memory; that out failed is up to the caller to see.
 */
int snap_export(struct snap_crash *crash, FILE *out, struct snap_export_report *ret,
	struct snap_error *err);

#endif
