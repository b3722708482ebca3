/*
 * Prints a snapshot as text, without symbols, for who has nothing but the device: registers, memory
 * round what they point to, what on the stacks points into code, mappings, modules, open files.
 *
 * What it says comes from the records alone, so it is the same as 'snapanalyze report' would have
 * to go by. Every string that the target made up is escaped.
 */
#ifndef SNAP_CAPTURE_DEBUGGER_TEXT_H
#define SNAP_CAPTURE_DEBUGGER_TEXT_H

#include <stdio.h>

#include "common/bytes.h"
#include "common/error.h"

/*
 * Print the snapshot file. Returns 0, or -1 with the reason if it is none. What out can't take is
 * left to ferror(out).
 */
int snap_text_print(struct snap_bytes file, FILE *out, struct snap_error *err);

#endif
