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

/* The instruction's operand that has the address; NULL: none. */
const struct snap_operand *snap_fault_operand_at(const struct snap_evidence *e, uint64_t addr);

/*
 * The first operand that is not aligned to its size, or to max_align if that is less: fills operand,
 * is_misaligned, source, has_fault and fault if there is one.
 */
void snap_fault_find_misaligned(struct snap_evidence *e, uint32_t max_align);

/* "read", "write", "exec" by the evidence; NULL: not known. */
const char *snap_fault_access(const struct snap_evidence *e);

/* Whether the access was through a null pointer, or near one. */
bool snap_fault_is_null(const struct snap_evidence *e);

/* "wrote 4 bytes", "read or wrote memory"; access: as in struct snap_cause, where the operand is not
 * known. NULL if memory is exhausted, as with all that follows. */
const char *snap_fault_deed_words(const struct snap_evidence *e, const char *access);
/* ": rax is 0x..., ..." of the operand; "" if there is nothing to say. */
const char *snap_fault_operand_words(const struct snap_evidence *e);
/* The same of an access through a null pointer. */
const char *snap_fault_null_words(const struct snap_evidence *e);

/* Whether the kernel says that something is mapped at the address, be it in the input or not. */
bool snap_fault_is_known_mapped(const struct snap_evidence *e);
/* "which is not mapped", "which lies in ...": e->fault. */
const char *snap_fault_place_words(const struct snap_evidence *e);

/*
 * Of a signal that the program sent to itself, "; most likely a handler passed on a fault: ...", if
 * the instruction where it stands can't do what it is to do; "" else. Handlers that set the default
 * action and raise the signal once more leave the thread where it faulted.
 */
const char *snap_fault_passed_on_words(const struct snap_evidence *e);

/* One sentence each, in the crash's arena or static; NULL if memory is exhausted. */
const char *snap_fault_explain_segv(const struct snap_evidence *e); /* and segv-null */
const char *snap_fault_explain_bus(const struct snap_evidence *e);
const char *snap_fault_explain_fpe(const struct snap_evidence *e);
const char *snap_fault_explain_trap(const struct snap_evidence *e); /* SIGILL and SIGTRAP */

#endif
