/*
 * The frames of gdb's backtraces (text_gdb_frame.c), for what reads its sessions (text_gdb.c).
 */
#ifndef SNAP_ANALYZE_INPUT_TEXT_GDB_H
#define SNAP_ANALYZE_INPUT_TEXT_GDB_H

#include "analyze/input/text_trace.h"

struct snap_gdb_frame {
	uint64_t number;
	struct snap_text_frame frame;
	bool has_pc;		    /* gdb printed an address */
	bool is_call;		    /* "<function called from gdb>": no frame of the program's */
	struct snap_bytes said;	    /* what the C library was told to print; absent: nothing */
};

/*
 * Whether line begins a frame; then the lines that it goes on in, as mails and narrow terminals have
 * them, are read as well: *at is where the next line begins.
 */
bool snap_gdb_frame_read(struct snap_text *text, struct snap_text_place *at, struct snap_bytes line,
	struct snap_gdb_frame *ret);

#endif
