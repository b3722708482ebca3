/*
 * What the printers of text (text.c, text_threads.c) share.
 */
#ifndef SNAP_CAPTURE_DEBUGGER_TEXT_PARTS_H
#define SNAP_CAPTURE_DEBUGGER_TEXT_PARTS_H

#include <stdint.h>
#include <stdio.h>

#include "capture/debugger/text_view.h"

/* The whole string, however long, escaped for terminals. */
void snap_text_string(FILE *out, struct snap_bytes text);

/* Where an address is: "libc.so.6+0x2a1c" (an address in that file), "[heap]+0x10", or "". Returns
 * whether anything is mapped there. */
bool snap_text_place(FILE *out, const struct snap_text_view *view, uint64_t addr);

/* All threads. */
void snap_text_threads(FILE *out, const struct snap_text_view *view);

#endif
