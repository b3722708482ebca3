/*
 * renameat2(2) with RENAME_NOREPLACE, which musl has only since 1.2.5.
 */
#ifndef SNAP_CAPTURE_RENAME_H
#define SNAP_CAPTURE_RENAME_H

#include <sys/syscall.h>
#include <unistd.h>

/* As renameat(2), but for EEXIST if there is something of the new name. */
static inline int snap_rename_noreplace(
	int from_dir_fd, const char *from, int to_dir_fd, const char *to)
{
	/* RENAME_NOREPLACE of the kernel's include/uapi/linux/fs.h. */
	return (int)syscall(SYS_renameat2, from_dir_fd, from, to_dir_fd, to, 1u);
}

#endif
