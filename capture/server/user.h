/*
 * Users by name, from /etc/passwd itself: NSS may load libraries, ask daemons, and wait for them.
 * And how a child becomes one, for good.
 */
#ifndef SNAP_CAPTURE_SERVER_USER_H
#define SNAP_CAPTURE_SERVER_USER_H

#include <sys/types.h>

struct snap_user {
	uid_t uid;
	gid_t gid;
};

/*
 * The user of that name, or number (whose group is then the entry's or, without one, the same
 * number), in file (NULL: /etc/passwd). Returns 0, or a negative errno: -ENOENT if there is no such
 * user.
 */
int snap_user_find(const char *name, const char *file, struct snap_user *ret);

/*
 * Become the user, without any further groups, capabilities, or ways to gain some. Returns 0 or a
 * negative errno: then nothing may be done any more.
 */
int snap_user_become(const struct snap_user *user);

#endif
