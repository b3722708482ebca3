/*
 * A snapshot's records as text, one by one, as they stand in the file.
 */
#ifndef SNAP_ANALYZE_REPORT_RECORDS_H
#define SNAP_ANALYZE_REPORT_RECORDS_H

#include <stdbool.h>
#include <stdio.h>

#include "common/cpu_state.h"
#include "common/snapshot_read.h"

/* family: whose registers field 20 has. full: all bytes of long values, not only the first ones. */
void snap_record_print(
	FILE *out, const struct snap_record *record, enum snap_cpu_family family, bool full);

#endif
