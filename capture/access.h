/*
 * Who may read a snapshot: root; a group, if one is configured; and the user whose process it was,
 * if that is configured and the process had no more rights than its user.
 *
 * Rights are set by descriptor, before a file is published. A file never belongs to anyone but the
 * writer, and its group is never one that the process chose.
 *
 * Crash-time: no allocation, negative errno. Nothing is looked up through NSS.
 */
#ifndef SNAP_CAPTURE_ACCESS_H
#define SNAP_CAPTURE_ACCESS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/bytes.h"

struct snap_access {
	bool has_group;
	gid_t group;	   /* may read all */
	bool owner_access; /* is configured: users must get through the directory */
	bool has_owner;
	uid_t owner; /* may read this one */
};
#define SNAP_ACCESS_INIT                                                                           \
	{                                                                                          \
		0                                                                                  \
	}

/*
 * The id of a group: a number, or a name that stands in file (NULL: /etc/group). Returns 0 or a
 * negative errno: -ENOENT if there is no such group.
 */
int snap_access_group(const char *name, const char *file, gid_t *ret);

/* What the kernel says of a process, in so far as it decides on its user's access. */
struct snap_access_facts {
	uint64_t dumpable;	/* core_pattern's %d */
	uint64_t uid, gid;	/* its %u and %g */
	bool identity_verified; /* nothing speaks against the process being the one that crashed */
	struct snap_bytes auxv; /* as the core's note has it */
	uint8_t elf_class;	/* ELFCLASS32, ELFCLASS64 */
	uint8_t elf_data;	/* ELFDATA2LSB, ELFDATA2MSB */
};

/*
 * Whether the process's user may read its snapshot: only if it was dumpable in the ordinary way,
 * did not start with more rights than its user (AT_SECURE), and its ids, real and effective, at
 * start and now, are all the same. False where anything is unknown. True for root, too.
 */
bool snap_access_owner_allowed(const struct snap_access_facts *facts);

/* Give the file its rights. Returns 0, or the first negative errno; it is never too open then. */
int snap_access_set_file(int fd, const struct snap_access *access);

/*
 * Let those through the spool who may read something in it; rights that it has already stay.
 * Returns 0 or a negative errno.
 */
int snap_access_set_directory(int dir_fd, const struct snap_access *access);

#endif
