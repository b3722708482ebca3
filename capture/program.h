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
 * After help or version was printed: the status to exit with, EXIT_NOTHING and a message where
 * standard output could not take it.
 */
int snap_program_shown(const char *program);

#endif
