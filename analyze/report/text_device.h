/*
 * The parts of a microcontroller's text report.
 */
#ifndef SNAP_ANALYZE_REPORT_TEXT_DEVICE_H
#define SNAP_ANALYZE_REPORT_TEXT_DEVICE_H

#include "analyze/report/text_parts.h"

/* What happened to which device, in one line. */
void snap_text_device_headline(const struct snap_text *p);

/* The exception, the status registers and their bits; nothing of a process. */
void snap_text_fault(const struct snap_text *p);

#endif
