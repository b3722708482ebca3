/*
 * The parts of a microcontroller's JSON report.
 */
#ifndef SNAP_ANALYZE_REPORT_JSON_DEVICE_H
#define SNAP_ANALYZE_REPORT_JSON_DEVICE_H

#include "analyze/crash.h"
#include "analyze/report/json_writer.h"

/* "fault" of crash: null of a process, and where no registers were captured. */
void snap_json_fault(struct snap_json *w, const struct snap_crash *crash);

#endif
