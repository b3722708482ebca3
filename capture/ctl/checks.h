/*
 * What `snapcrashctl status` looks at, each finding with its weight and one sentence.
 */
#ifndef SNAP_CAPTURE_CTL_CHECKS_H
#define SNAP_CAPTURE_CTL_CHECKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "capture/ctl/ctl.h"
#include "capture/ctl/settings.h"

enum snap_check_state {
	SNAP_CHECK_OK,
	SNAP_CHECK_NOTE, /* fine, and worth knowing */
	SNAP_CHECK_WARN, /* crashes are captured, but something is not as it should be */
	SNAP_CHECK_BAD,	 /* the next crash is not captured */
};

struct snap_check {
	const char *about; /* one word */
	enum snap_check_state state;
	char text[1100];
};

/* More than there are. */
#define SNAP_CHECKS_MAX 32

struct snap_checks {
	size_t num;
	enum snap_check_state worst;
	struct snap_check list[SNAP_CHECKS_MAX];

	/* Facts for programs, as far as they could be found out. */
	bool has_settings;
	struct snap_settings settings;
	bool by_socket; /* the kernel connects to the server */
	bool has_usage;
	uint64_t num_files, bytes, free_bytes;
	uint64_t num_writing, num_abandoned; /* in incoming */
	uint64_t num_skipped;
	bool server_listens;
};

/* Text that came from outside must be escaped by the caller. */
void snap_checks_add(struct snap_checks *checks, enum snap_check_state state, const char *about,
	const char *format, ...) __attribute__((format(printf, 4, 5)));

/* "ok", "note", "warn", "bad". */
const char *snap_check_state_name(enum snap_check_state state);

/* core_pattern and what it starts, core_pipe_limit, limits of processes, the kernel. */
void snap_check_kernel(const struct snap_ctl *ctl, struct snap_checks *checks);

/* Whether the server listens; after snap_check_kernel(). */
void snap_check_server(const struct snap_ctl *ctl, struct snap_checks *checks);

/*
 * Whether somebody listens at the path, found out without connecting: to the server that would be a
 * crash.
 */
bool snap_socket_is_listening(const char *path);

/* The spool: there, ours, room in it, what waits in it and what is missing from it. */
void snap_check_spool(const struct snap_ctl *ctl, struct snap_checks *checks);

#endif
