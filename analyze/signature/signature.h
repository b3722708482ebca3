/*
 * Sign: a short text, and an id made of it, that are the same for the same bug.
 *
 * Version 0, provisional: "kind | frame | frame | frame" of the first functions of the crashing
 * thread that say something. docs/signature.rst will have the rules of version 1.
 */
#ifndef SNAP_ANALYZE_SIGNATURE_SIGNATURE_H
#define SNAP_ANALYZE_SIGNATURE_SIGNATURE_H

#include "analyze/crash.h"
#include "common/error.h"

/* Fill crash->signature. -1 only if memory is exhausted. */
int snap_sign(struct snap_crash *crash, struct snap_error *err);

#endif
