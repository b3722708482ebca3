/*
 * The configuration file that all capture programs share: `key = value` lines, `#` comments.
 *
 * A comment begins with a `#` that starts the line or follows a blank. docs/capture.rst describes
 * every key. Of two lines with one key the later counts, but for `ignore` and `only`, whose lines
 * add up.
 */
#ifndef SNAP_CAPTURE_CONFIG_H
#define SNAP_CAPTURE_CONFIG_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"

#define SNAP_CONFIG_DEFAULT_FILE   "/etc/snapcrash.conf"
#define SNAP_CONFIG_DEFAULT_SPOOL  "/var/lib/snapcrash"
#define SNAP_CONFIG_DEFAULT_SOCKET "/run/snapcrash/server.sock"

/* Bytes of a line, without its newline, and of the whole file. */
#define SNAP_CONFIG_MAX_LINE 4096
#define SNAP_CONFIG_MAX_FILE (64u << 10)

/* sizeof(sockaddr_un.sun_path) */
#define SNAP_CONFIG_SOCKET_MAX 108
#define SNAP_CONFIG_TEXT_MAX   256
#define SNAP_CONFIG_MAX_RULES  32
/* A number that is not told: it follows from something else. */
#define SNAP_CONFIG_AUTO UINT64_MAX

enum snap_config_memory {
	SNAP_CONFIG_MEMORY_STACKS,   /* stacks, and what the crash itself speaks of */
	SNAP_CONFIG_MEMORY_INDIRECT, /* what the crashing thread's stack points to as well */
};

enum snap_config_log {
	SNAP_CONFIG_LOG_AUTO,
	SNAP_CONFIG_LOG_JOURNAL,
	SNAP_CONFIG_LOG_SYSLOG,
	SNAP_CONFIG_LOG_STDERR,
};

/* One `ignore` or `only` line: PATTERN, uid=N, or both. */
struct snap_config_rule {
	char pattern[SNAP_CONFIG_TEXT_MAX]; /* fnmatch(3); "": any executable. With a '/': its path,
					       else its last part */
	bool has_uid;
	uint32_t uid;
};

struct snap_config_rules {
	size_t num;
	struct snap_config_rule rules[SNAP_CONFIG_MAX_RULES];
};

struct snap_config {
	char spool[PATH_MAX];
	char socket[SNAP_CONFIG_SOCKET_MAX];
	char app_socket[SNAP_CONFIG_SOCKET_MAX];
	char coredump_socket[SNAP_CONFIG_SOCKET_MAX]; /* "": there is none */
	char client[PATH_MAX];			      /* "": beside the program that asks */

	/* The spool. */
	uint64_t max_bytes, max_files;
	uint64_t min_free_bytes, min_free_inodes; /* or SNAP_CONFIG_AUTO */
	char group[SNAP_CONFIG_TEXT_MAX];	  /* name or number; "": root alone */
	bool owner_access;
	struct snap_config_rules ignore, only;

	/* Time and number. */
	uint64_t max_dumps;	  /* at a time */
	uint64_t max_queue;	  /* that wait for their turn */
	uint64_t dump_time_s;	  /* for a whole dump */
	uint64_t rate_burst;	  /* crashes of one executable and uid at once; 0: no limit */
	uint64_t rate_interval_s; /* until another one is allowed */
	uint64_t app_rate_burst, app_rate_interval_s; /* snapshots on demand, by uid */
	uint64_t app_max_bytes;			      /* of those in the spool, by uid */
	uint64_t chain_time_s;			      /* for the former handler */
	uint64_t core_pipe_limit;		      /* what `snapcrashctl enable` sets */

	/* What is taken. */
	uint64_t max_snapshot_bytes;
	uint64_t stack_first_bytes;    /* of the crashing thread's stack */
	uint64_t stack_second_bytes;   /* of each of the next ... */
	uint64_t stack_second_threads; /* ... so many */
	uint64_t stack_threads;	       /* those after these have registers only */
	enum snap_config_memory memory;
	bool vector_registers; /* the floating point and vector sets of every thread */
	bool environ;
	uint64_t open_files;

	/* Which device, which software; "": not told. */
	char project[SNAP_CONFIG_TEXT_MAX];
	char device[SNAP_CONFIG_TEXT_MAX];
	char software_version[SNAP_CONFIG_TEXT_MAX];
	uint8_t software_build_uuid[32]; /* raw bytes */
	size_t software_build_uuid_len;

	/* What is started when a snapshot was published. */
	char hook[SNAP_CONFIG_MAX_LINE]; /* an absolute path and words, parted by blanks */
	char hook_user[SNAP_CONFIG_TEXT_MAX];
	uint64_t hook_fd;
	uint64_t hook_time_s;

	enum snap_config_log log;
};

/*
 * Read the file (NULL: the default one, which may be missing). Returns 0, or -1 with the first
 * thing wrong as "FILE:LINE: what" in *err. *ret is usable in both cases: what is wrong is left
 * out, and what is left out has its default.
 */
int snap_config_read(const char *file, struct snap_config *ret, struct snap_error *err);

/*
 * The index-th key and its default as the file would have it ("" where there is none; that is no
 * value a file can give). False if there are no more.
 */
bool snap_config_key(size_t index, const char **ret_key, const char **ret_default);

#endif
