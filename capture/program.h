/*
 * What the programs of the capture half have in common as programs.
 */
#ifndef SNAP_CAPTURE_PROGRAM_H
#define SNAP_CAPTURE_PROGRAM_H

/* Exit statuses. */
enum {
	EXIT_COMPLETE = 0,
	EXIT_PARTIAL = 1,
	EXIT_NOTHING = 2,
	EXIT_USAGE = 64,
};

/*
 * To be called first: from here on standard error gets whole lines, each in one write(2), whatever
 * the C library does by itself. The client's may be the kernel's log, where a write is a record.
 */
void snap_program_begin(void);

/*
 * After help or version was printed: the status to exit with, EXIT_NOTHING and a message where
 * standard output could not take it.
 */
int snap_program_shown(const char *program);

#endif
