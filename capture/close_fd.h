/*
 * Closing what may be closed already.
 */
#ifndef SNAP_CAPTURE_CLOSE_FD_H
#define SNAP_CAPTURE_CLOSE_FD_H

#include <unistd.h>

/* Of a descriptor that nothing was written to; *fd is -1 then. */
static inline void snap_close_fd(int *fd)
{
	if (*fd >= 0)
		(void)close(*fd); /* nothing was written: nothing to lose */
	*fd = -1;
}

#endif
