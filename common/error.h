/*
 * Errors outside of crash-time code: a caller-owned struct that carries what went wrong, in which
 * file, and the words for it. Library code fills it and returns -1; main prints it, once.
 */
#ifndef SNAP_COMMON_ERROR_H
#define SNAP_COMMON_ERROR_H

enum snap_error_code {
	SNAP_ERROR_NONE = 0,
	SNAP_ERROR_SYSTEM,	/* a system call failed: errnum says how */
	SNAP_ERROR_MALFORMED,	/* the input contradicts its format */
	SNAP_ERROR_LIMIT,	/* the input is larger or deeper than is read */
	SNAP_ERROR_UNSUPPORTED, /* a valid input of a kind that is not handled */
	SNAP_ERROR_NO_MEMORY,
	SNAP_ERROR_USAGE,  /* the command line or a configuration file */
	SNAP_ERROR_OUTPUT, /* the result could not be written */
};

struct snap_error {
	enum snap_error_code code;
	int errnum;	/* errno of SNAP_ERROR_SYSTEM, else 0 */
	char text[512]; /* one line, no full stop, safe to print; "" while there is no error */
};

#define SNAP_ERROR_INIT                                                                            \
	{                                                                                          \
		0                                                                                  \
	}

/*
 * Fill *err (NULL: nobody wants it) and return -1. Text that came from outside must be escaped by
 * the caller; the result is cut to fit.
 */
int snap_error_set(struct snap_error *err, enum snap_error_code code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* The same for a failed system call; ": " and errnum's description are appended. */
int snap_error_errno(struct snap_error *err, int errnum, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* SNAP_ERROR_NO_MEMORY. */
int snap_error_no_memory(struct snap_error *err);

#endif
