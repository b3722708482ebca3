#include "analyze/sandbox/jail.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Made when this is built. */
#include "analyze/sandbox/filter.h"

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

/* Files that an analysis may have open at once: modules with several each. */
#define MAX_FILES 4096
/* No core is larger that is kept in a temporary file (input/input.c). */
#define MAX_FILE_BYTES ((rlim_t)65 << 30)

/*
 * Sanitizers open and map what they need when they report, and keep shadows of all memory: in such
 * builds system calls, files and memory are left free.
 */
const char *snap_jail_missing(void)
{
#ifdef SNAP_SANITIZED
	return "a build with sanitizers: system calls, files and memory are not restricted";
#else
	return NULL;
#endif
}

#ifndef SNAP_SANITIZED
/*
 * fstat(3) of glibc before 2.39 asks by newfstatat(), which takes paths, too, and so can't be
 * allowed; libelf calls it. To be dropped when no such glibc is around.
 */
int snap_own_fstat(int fd, struct stat *st) __asm__("fstat");
int snap_own_fstat(int fd, struct stat *st)
{
	return (int)syscall(SYS_fstat, fd, st);
}

int snap_own_fstat64(int fd, struct stat64 *st) __asm__("fstat64");
int snap_own_fstat64(int fd, struct stat64 *st)
{
	return (int)syscall(SYS_fstat, fd, st);
}
#endif

static void limit(int resource, rlim_t value)
{
	struct rlimit old, new = {value, value};
	if (getrlimit((__rlimit_resource_t)resource, &old) == 0 && old.rlim_max < value)
		new.rlim_cur = new.rlim_max = old.rlim_max;
	(void)setrlimit((__rlimit_resource_t)resource, &new); /* lower is always possible */
}

static void set_limits(const struct snap_limits *limits)
{
	struct rlimit files;
	/* A crash of ours is reported by the parent; its core would have the input in it. */
	limit(RLIMIT_CORE, 0);
	limit(RLIMIT_FSIZE, MAX_FILE_BYTES);
	if (getrlimit(RLIMIT_NOFILE, &files) == 0)
		limit(RLIMIT_NOFILE, files.rlim_cur < MAX_FILES ? files.rlim_cur : MAX_FILES);
#ifdef SNAP_SANITIZED
	(void)limits;
#else
	/* Not RLIMIT_AS: symbol files are mapped, and may be larger than all memory. */
	limit(RLIMIT_DATA, limits->memory_bytes);
#endif
	/* Time is counted for each input, by the parent. */
}

#ifndef SNAP_SANITIZED

/* <linux/landlock.h> of 2021 knows no more than the first version. */
#define LANDLOCK_FS_V1	 ((1ull << 13) - 1)
#define LANDLOCK_REFER	 (1ull << 13) /* from version 2 on */
#define LANDLOCK_TRUNC	 (1ull << 14) /* 3 */
#define LANDLOCK_IOCTL	 (1ull << 15) /* 5 */
#define LANDLOCK_NET_TCP 3ull	      /* 4: bind, connect */
#define LANDLOCK_SCOPES	 3ull	      /* 6: abstract sockets, signals */

/* All that the kernel knows, and nothing allowed. Without Landlock the filter does alone. */
static void deny_files(void)
{
	struct {
		uint64_t fs, net, scoped;
	} ruleset = {.fs = LANDLOCK_FS_V1};
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
	if (abi < 1)
		return;
	ruleset.fs |= (abi >= 2 ? LANDLOCK_REFER : 0) | (abi >= 3 ? LANDLOCK_TRUNC : 0) |
		      (abi >= 5 ? LANDLOCK_IOCTL : 0);
	ruleset.net = abi >= 4 ? LANDLOCK_NET_TCP : 0;
	ruleset.scoped = abi >= 6 ? LANDLOCK_SCOPES : 0;
	size_t size = abi >= 6 ? 24 : abi >= 4 ? 16 : 8;
	int fd = (int)syscall(SYS_landlock_create_ruleset, &ruleset, size, 0);
	if (fd < 0)
		return;
	(void)syscall(SYS_landlock_restrict_self, fd, 0); /* the filter is what counts */
	(void)close(fd);
}

static int filter_calls(bool may_fork, struct snap_error *err)
{
	struct sock_filter steps[ARRAY_LEN(filter) > ARRAY_LEN(filter_forking)
					 ? ARRAY_LEN(filter)
					 : ARRAY_LEN(filter_forking)];
	size_t num = may_fork ? ARRAY_LEN(filter_forking) : ARRAY_LEN(filter);
	memcpy(steps, may_fork ? filter_forking : filter, num * sizeof(steps[0]));
	for (size_t i = 0; i < num; i++)
		if (steps[i].k == SNAP_FILTER_PID)
			steps[i].k = (uint32_t)getpid();
	const struct sock_fprog program = {.len = (unsigned short)num, .filter = steps};
	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) < 0)
		return snap_error_errno(err, errno,
			"system calls can't be filtered here (--no-sandbox does without)");
	return 0;
}

#endif

/* First to last, both included. */
static void close_range_of(unsigned int first, unsigned int last)
{
	if (first > last || syscall(SYS_close_range, first, last, 0) == 0)
		return;
	/* Linux before 5.9. */
	long max = sysconf(_SC_OPEN_MAX);
	for (unsigned int fd = first; fd <= last && fd < (unsigned long)max; fd++)
		(void)close((int)fd); /* most are none */
}

/* 0, 1, 2 and those of keep are left. */
static void close_others(const int *keep, size_t num_keep)
{
	unsigned int first = 3;
	/* From the lowest on. */
	for (size_t i = 0; i < num_keep; i++) {
		unsigned int next = ~0u;
		for (size_t j = 0; j < num_keep; j++)
			if ((unsigned int)keep[j] >= first && (unsigned int)keep[j] < next)
				next = (unsigned int)keep[j];
		if (next == ~0u)
			break;
		close_range_of(first, next - 1);
		first = next + 1;
	}
	close_range_of(first, ~0u);
}

int snap_jail_enter(const struct snap_limits *limits, const int *keep, size_t num_keep,
	bool may_fork, struct snap_error *err)
{
	close_others(keep, num_keep);
	/* No attaching by others of this user, and nothing of ours in their /proc. */
	(void)prctl(PR_SET_DUMPABLE, 0);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return snap_error_errno(err, errno,
			"privileges can't be given up here (--no-sandbox does without)");
	set_limits(limits);
#ifdef SNAP_SANITIZED
	(void)may_fork;
	return 0;
#else
	deny_files();
	return filter_calls(may_fork, err);
#endif
}
