/*
 * What the faulting instruction tells of a crash: which access failed, why, and with which values.
 */
#ifndef SNAP_ANALYZE_EXPLAIN_FAULT_H
#define SNAP_ANALYZE_EXPLAIN_FAULT_H

#include "analyze/explain/evidence.h"

/*
 * Read the instruction and find the operand that faulted, and the address, where the kernel does
 * not tell it. Fills e->instruction and all that follows it, source, has_fault and fault.
 */
void snap_fault_find(struct snap_evidence *e);

/* "read", "write", "exec" by the evidence; NULL: not known. */
const char *snap_fault_access(const struct snap_evidence *e);

/* Whether the access was through a null pointer, or near one. */
bool snap_fault_is_null(const struct snap_evidence *e);

/* One sentence each, in the crash's arena or static; NULL if memory is exhausted. */
const char *snap_fault_explain_segv(const struct snap_evidence *e); /* and segv-null */
const char *snap_fault_explain_bus(const struct snap_evidence *e);
const char *snap_fault_explain_fpe(const struct snap_evidence *e);
const char *snap_fault_explain_trap(const struct snap_evidence *e); /* SIGILL and SIGTRAP */

#endif
