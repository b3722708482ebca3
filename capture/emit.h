/*
 * Writes the records that the client and the debugger have in common, and keeps count of whether
 * the snapshot is all that it should be.
 *
 * Crash-time: no allocation. Errors stick in the writer.
 */
#ifndef SNAP_CAPTURE_EMIT_H
#define SNAP_CAPTURE_EMIT_H

#include <stdbool.h>
#include <stdint.h>

#include "capture/annotations.h"
#include "capture/config.h"
#include "capture/memory.h"
#include "common/snapshot.h"
#include "common/snapshot_write.h"
#include "common/stack_budget.h"

/*
 * What is written next, in the order of a file. Each may take so much of the limit that something
 * is left for those that come.
 */
enum snap_emit_stage {
	SNAP_EMIT_FIRST,   /* what happened; the thread that matters most */
	SNAP_EMIT_LAYOUT,  /* mappings, modules */
	SNAP_EMIT_THREADS, /* the other threads, and what they point to */
	SNAP_EMIT_REST,	   /* the process, the system */
	SNAP_EMIT_END,	   /* what is missing, how it was captured */
};

struct snap_emit {
	uint64_t max_bytes; /* of the whole file */
	/* Something is missing that is no matter of limits: exit status 1. */
	bool partial;
	struct snap_memory_sink sink; /* writes ranges and omissions at once */
	struct snap_writer writer;
	uint8_t buf[SNAP_MEMORY_MAX]; /* for snap_memory_take() */
};

/* fd: as for snap_writer_init(). config: how long the file may get; NULL: the default. */
void snap_emit_init(struct snap_emit *e, int fd, const struct snap_config *config);

void snap_emit_stage(struct snap_emit *e, enum snap_emit_stage stage);
/* Bytes that records may still take in this stage. What is longer is left out, and counted. */
uint64_t snap_emit_room(const struct snap_emit *e);
/* Tell of what was left out for want of room; in the last stage. */
void snap_emit_refused(struct snap_emit *e);

/* What the configuration says of memory; config may be NULL. */
struct snap_memory_limits snap_emit_memory_limits(const struct snap_config *config);

/* A warning in words; partial: see above. */
void snap_emit_note(struct snap_emit *e, bool partial, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* A thing left out of a thread (tid 0: of the whole); error: errno or 0. */
void snap_emit_omission(struct snap_emit *e, enum snap_omission_what what,
	enum snap_omission_why why, uint64_t tid, int error);
/* count things left out; none: nothing is written. */
void snap_emit_omission_count(struct snap_emit *e, enum snap_omission_what what,
	enum snap_omission_why why, uint64_t count);

/* 16 random bytes with the version and variant of RFC 9562, section 5.4. */
void snap_emit_uuid(uint8_t uuid[static 16]);

/* program: name and version. */
void snap_emit_header(struct snap_emit *e, const char *program);
/* config: whose device and software it is, or NULL. reason: UTF-8. */
void snap_emit_metadata(struct snap_emit *e, const struct snap_config *config, const char *reason,
	bool fatal, const uint8_t uuid[static 16]);

/*
 * The signal that ended the process. siginfo: as NT_SIGINFO has it, or nothing; elf_class,
 * elf_data: whose numbers it has.
 */
void snap_emit_signal(struct snap_emit *e, int32_t signo, uint64_t tid, struct snap_bytes siginfo,
	uint8_t elf_class, uint8_t elf_data);

/* The address that such a signal is about, if it is about one. */
bool snap_emit_fault_addr(int32_t signo, struct snap_bytes siginfo, uint8_t elf_class,
	uint8_t elf_data, uint64_t *ret);

/* What annotation areas tell; same_tids: as for snap_annotations_read(). */
void snap_emit_annotations(
	struct snap_emit *e, struct snap_annotations *annotations, bool same_tids);

#endif
