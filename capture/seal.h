/*
 * Ends a snapshot that its writer did not end: one that was killed, or whose disk was full.
 *
 * The file is cut back to its last whole record that can be believed; a note says why, and a
 * checkpoint, which is not the final one, vouches for all that is there: it reads as truncated.
 *
 * The file's content is hostile. Crash-time: no allocation, negative errno.
 */
#ifndef SNAP_CAPTURE_SEAL_H
#define SNAP_CAPTURE_SEAL_H

#include <stdbool.h>
#include <stdint.h>

struct snap_seal {
	uint64_t file_len; /* before */
	uint64_t keep_len; /* what is left of it, without the end that was added */
	bool complete;	   /* it is a whole snapshot */
	bool left_alone;   /* it is of a newer format */
};

/*
 * fd: open for reading and writing, of a regular file that nobody else writes to. program: name and
 * version of this one, for a file of which nothing could be kept. why: one clause of the note.
 * Where the end does not fit, more is cut off. Returns 0 and fills *ret, or a negative errno; the
 * file then ends with its last whole record.
 */
int snap_seal(int fd, const char *program, const char *why, struct snap_seal *ret);

#endif
