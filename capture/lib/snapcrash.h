/*
 * libsnapcrash: what a program can tell Snapcrash about itself, and ask of it.
 *
 * Tags, log lines and registered memory stand in the program's own memory. Whoever makes a snapshot
 * of it (the kernel's handler when it crashes, snapcrash-debugger, snapcrash_snapshot() below)
 * takes them from there: nothing has to run in a process that has crashed, no server has to be
 * there, and it costs nothing until then. snapcrash_snapshot() asks the server for a snapshot of a
 * process that goes on. snapcrash_install() is for processes whose crashes core_pattern does not
 * bring to Snapcrash.
 *
 * Functions that can fail return 0, or a positive number of <errno.h>. Every function may be called
 * from every thread at any time. None may be called from a signal handler unless that is said of
 * it. After fork() the child has a copy of all that its parent has set.
 *
 * Link with `pkg-config --libs snapcrash`. The library needs the C library and nothing else.
 */
#ifndef SNAPCRASH_H
#define SNAPCRASH_H

#include <stdarg.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

#ifdef __GNUC__
#pragma GCC visibility push(default)
#endif

/* Of the interface that this header describes: it grows with every addition. */
#define SNAPCRASH_API_VERSION 1

/* ---------------------------------------------------------------- tags */

/* Bytes of a key and of a value, without their NUL, and how many tags there can be. */
#define SNAPCRASH_MAX_KEY   63
#define SNAPCRASH_MAX_VALUE 1023
#define SNAPCRASH_MAX_TAGS  64

/*
 * Attach a tag, or give the one of this key another value. Both are copied, and should be UTF-8.
 *
 * EINVAL: key is NULL or empty, or value is NULL. EMSGSIZE: one of them is too long; nothing is
 * cut. ENOSPC: there are SNAPCRASH_MAX_TAGS already. ENOMEM. EBUSY: other threads kept changing
 * tags for a tenth of a second.
 */
int snapcrash_tag_set(const char *key, const char *value);

/* Take a tag away. ENOENT: there is none of this key; EINVAL; EBUSY as above. */
int snapcrash_tag_unset(const char *key);

/* ---------------------------------------------------------------- log lines */

/* Pigweed's levels. Other numbers from 0 to 7 are kept as they are, greater ones as 7. */
enum snapcrash_level {
	SNAPCRASH_DEBUG = 1,
	SNAPCRASH_INFO = 2,
	SNAPCRASH_WARN = 3,
	SNAPCRASH_ERROR = 4,
	SNAPCRASH_CRITICAL = 5,
	SNAPCRASH_FATAL = 7
};

/* Bytes of a line that are kept, and how many of the newest lines are. */
#define SNAPCRASH_MAX_LOG_LINE	480
#define SNAPCRASH_MAX_LOG_LINES 256

/*
 * Note a line, as printf(3) formats it, in a ring in memory; a newline at its end is dropped. The
 * newest lines replace the oldest. Nothing is ever waited for: a line whose place another thread is
 * just writing is lost, and counted. Keeps errno.
 */
void snapcrash_log(int level, const char *format, ...)
#ifdef __GNUC__
	__attribute__((format(printf, 2, 3)))
#endif
	;
void snapcrash_vlog(int level, const char *format, va_list args)
#ifdef __GNUC__
	__attribute__((format(printf, 2, 0)))
#endif
	;
/* The same of len bytes as they are. May be called from a signal handler. */
void snapcrash_log_text(int level, const char *text, size_t len);

/* ---------------------------------------------------------------- registered memory */

/* Bytes of a name without its NUL, and how many ranges there can be. */
#define SNAPCRASH_MAX_RANGE_NAME 63
#define SNAPCRASH_MAX_RANGES	 32

/*
 * Have the len bytes at start taken into every snapshot, as they are when it is made, as far as
 * limits allow (the first 64 KiB of each range, 256 KiB of all). The memory need not be readable,
 * or mapped, when this is called. name says what it is.
 *
 * A range that starts where one is registered already replaces it. EINVAL: no bytes, no name, or
 * the range ends beyond the address space. EMSGSIZE: the name is too long. ENOSPC, ENOMEM, EBUSY:
 * as of tags.
 */
int snapcrash_range_add(const void *start, size_t len, const char *name);

/* Forget the range that starts there: before its memory is freed, and means something else. ENOENT,
 * EBUSY. */
int snapcrash_range_remove(const void *start);

/* ---------------------------------------------------------------- snapshots on demand */

#define SNAPCRASH_DEFAULT_SOCKET "/run/snapcrash/app.sock"

/*
 * Bytes of the path of the server's socket for programs, with its NUL. The path is, in this order:
 * what snapcrash_set_socket() was given, the environment's SNAPCRASH_SOCKET (not in a program that
 * runs with more rights than its user has), SNAPCRASH_DEFAULT_SOCKET.
 */
#define SNAPCRASH_MAX_SOCKET 108

/* NULL: forget what was set before. EINVAL: not an absolute path. EMSGSIZE: too long. */
int snapcrash_set_socket(const char *path);

/* Bytes of a reason that are kept. */
#define SNAPCRASH_MAX_REASON 255

/*
 * Have the server make a snapshot of this process, the calling thread first, which then goes on.
 * Its threads stand still for some milliseconds. reason: for people, UTF-8; NULL: "on demand".
 * Returns when the snapshot is published, or after at most 12 seconds.
 *
 * ENOENT or ECONNREFUSED: no server there. EAGAIN: the user has asked too often, or the server has
 * too much to do; ask again later. EDQUOT: the user's snapshots fill what they may. ETIMEDOUT.
 * EPERM: the server must not look at this process. EIO: it could not write. EPROTO: it answers what
 * is not understood, or went away.
 */
int snapcrash_snapshot(const char *reason);

/* ---------------------------------------------------------------- crashes */

struct snapcrash_options {
	/* sizeof(struct snapcrash_options), as SNAPCRASH_OPTIONS_INIT sets it. */
	size_t size;
	/*
	 * Where the snapshot is written that this process makes of itself where no server answers
	 * within two seconds; -1: nowhere. It stays the caller's, has to be open for as long as the
	 * handler is installed, and takes one snapshot only.
	 */
	int snapshot_fd;
	/*
	 * Or a directory: the snapshot then gets a name there, as those in the spool have. It is
	 * opened at once, and so is a file without a name where the file system has such. NULL:
	 * none.
	 */
	const char *snapshot_dir;
};
#define SNAPCRASH_OPTIONS_INIT                                                                     \
	{                                                                                          \
		sizeof(struct snapcrash_options), -1, NULL                                         \
	}

/*
 * Handle SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGTRAP and SIGSYS: have the server make a
 * snapshot (or else make a small one), then do what would have been done without: call the handler
 * that was there before, or let the process end by that very signal. Only one thread at a time is
 * captured.
 *
 * Needed only where core_pattern is not Snapcrash's: in containers, or without root. Where it is,
 * the kernel's handler sees that the snapshot is there already. The calling thread gets an
 * alternate signal stack as of snapcrash_thread_init().
 *
 * options: NULL is SNAPCRASH_OPTIONS_INIT. EINVAL: their size is unknown. EALREADY: installed.
 * Errors of open(2), of mmap(2).
 */
int snapcrash_install(const struct snapcrash_options *options);

/* Bring back the former handlers where ours still is the current one. EINVAL: not installed. */
int snapcrash_uninstall(void);

/*
 * Give the calling thread an alternate signal stack with a guard page, so that the overflow of its
 * own stack is handled too, unless it has a large enough one already. To be called at the start of
 * each thread; it is freed when the thread ends. Errors of mmap(2), ENOMEM.
 */
int snapcrash_thread_init(void);

#ifdef __GNUC__
#pragma GCC visibility pop
#endif

#ifdef __cplusplus
}
#endif

#endif
