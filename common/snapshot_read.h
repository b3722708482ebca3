/*
 * Reads a snapshot file that lies in memory record by record, as far as common/snapshot_scan.h
 * found it to be reliable.
 *
 * Hostile input. Records are found by a bounded scanner (common/wire.h) and unpacked one at a time
 * after their nesting was checked; what unpacking may allocate is limited for the whole file.
 * docs/format.rst has the rules and the limits.
 */
#ifndef SNAP_COMMON_SNAPSHOT_READ_H
#define SNAP_COMMON_SNAPSHOT_READ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/arena.h"
#include "common/error.h"
#include "common/snapshot.h"
#include "common/snapshot_scan.h"

/* A record; the member of u that goes with number. Numbers that have none are given raw only. */
struct snap_record {
	uint32_t number;
	size_t off; /* of its tag */
	size_t end;
	bool is_bytes;		   /* wire type "length-delimited" */
	struct snap_bytes payload; /* points into the file; if is_bytes, and of a group */
	uint64_t value;		   /* of the others */
	bool decoded;		   /* u is filled */
	union {
		struct snap_header header;
		struct snap_metadata metadata;
		struct snap_tag tag; /* of SNAP_RECORD_TAG and SNAP_RECORD_RAW_TAG */
		struct snap_thread thread;
		struct snap_process process;
		struct snap_signal signal;
		struct snap_memory_range memory;
		struct snap_mapping mapping;
		struct snap_module module;
		struct snap_system system;
		struct snap_capture capture;
		struct snap_omission omission;
		struct snap_bytes note;
		struct snap_log log;
		struct snap_open_file open_file;
		struct snap_thread_facts thread_facts;
		struct snap_abort_message abort_message;
		struct snap_time_point timestamp;
		struct snap_bytes trace_data;
	} u;
};

struct snap_reader {
	struct snap_bytes file;
	size_t off;
	struct snap_arena arena;
};

/* file must outlive the reader; len is snap_scan's readable_len. */
void snap_reader_init(struct snap_reader *reader, struct snap_bytes file, size_t len);
/* Ends the life of all that its records point to, but for bytes of the file itself. */
void snap_reader_deinit(struct snap_reader *reader);

/*
 * The next record. Returns 1 and fills *ret, 0 at the end, -1 and *err if the record is refused
 * (nested too deep, too much to unpack) or does not decode as its number demands; the call after
 * goes on behind it. What *ret points to lives until snap_reader_deinit().
 */
int snap_reader_next(struct snap_reader *reader, struct snap_record *ret, struct snap_error *err);

#endif
