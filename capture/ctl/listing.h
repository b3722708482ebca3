/*
 * What is in the spool: the snapshots by their names, and what each says of its crash.
 *
 * Hostile: anybody may have called a process anything, and the content is the target's. Files are
 * opened through the spool's descriptor, under names that snap_spool_name_parse() knows, and only
 * if they are regular.
 */
#ifndef SNAP_CAPTURE_CTL_LISTING_H
#define SNAP_CAPTURE_CTL_LISTING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "capture/spool.h"
#include "capture/spool_name.h"
#include "common/error.h"
#include "common/snapshot_read.h"

struct snap_listed {
	char name[SNAP_SPOOL_NAME_MAX];
	struct snap_spool_name parts;
	uint64_t bytes;
};

struct snap_listing {
	struct snap_listed *entries; /* the oldest first */
	size_t num;
	uint64_t bytes;	     /* of all */
	uint64_t num_others; /* files that are no snapshots, by their name or kind */
};
#define SNAP_LISTING_INIT                                                                          \
	{                                                                                          \
		0                                                                                  \
	}

/* The spool's descriptor, or -1. */
int snap_listing_open(const char *spool, struct snap_error *err);

/* Read the directory. Returns 0 or -1. *ret is to be ended by _deinit() in both cases. */
int snap_listing_read(int dir_fd, struct snap_listing *ret, struct snap_error *err);
void snap_listing_deinit(struct snap_listing *listing);

/* What is read of a snapshot for a table. */
struct snap_summary {
	enum snap_integrity integrity;
	bool has_pid, has_signo, has_uid, has_tid, has_address, has_registers;
	uint64_t pid, tid;
	int32_t signo;
	uint32_t uid;
	uint64_t address;
	size_t exe_len;
	uint8_t exe[512]; /* its last part is whole, or it is cut at its beginning */
	size_t num_threads;
	bool has_stack; /* of the crashing thread */
};

/* Open a snapshot for reading. Returns its descriptor, or -1. */
int snap_listing_open_file(int dir_fd, const char *name, struct snap_error *err);

/* Read one through its descriptor. Returns 0, or -1 if it is no snapshot or can't be read. */
int snap_summary_read(int fd, struct snap_summary *ret, struct snap_error *err);

#endif
