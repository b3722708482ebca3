/*
 * A hint at how bad a crash is: the class that people who sort crashes by their danger put it in,
 * in the manner of !exploitable and CrashWrangler. No more than that: what a rule can't see (how
 * the bad value came about, who can choose it) is not known.
 */
#ifndef SNAP_ANALYZE_EXPLAIN_SEVERITY_H
#define SNAP_ANALYZE_EXPLAIN_SEVERITY_H

#include "analyze/explain/device_fault.h"
#include "analyze/explain/evidence.h"

/* By all that is known: the cause's kind, access and failure are set. */
struct snap_severity snap_severity_find(const struct snap_evidence *e);

/* Of what did not crash: by its locks alone. */
struct snap_severity snap_severity_of_live(const struct snap_crash *crash);

/* Of a microcontroller's fault that is no stack overflow. */
struct snap_severity snap_severity_of_device(
	const struct snap_evidence *e, const struct snap_device_fault *fault);

#endif
