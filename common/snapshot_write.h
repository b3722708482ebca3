/*
 * Writes a snapshot file record by record.
 *
 * Crash-time: no allocation, no message, bounded memory (the struct itself), negative errno.
 * The caller decides the order (most valuable first, docs/format.rst), begins with
 * snap_write_header() and ends with a final checkpoint.
 *
 * A failed write sticks: every later call returns the same error and writes nothing, so that
 * checking the final checkpoint's result alone is enough. What is over the limit does not: -ENOSPC
 * is returned for that record alone, w->error stays 0.
 */
#ifndef SNAP_COMMON_SNAPSHOT_WRITE_H
#define SNAP_COMMON_SNAPSHOT_WRITE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/snapshot.h"

struct snap_writer {
	int fd;	      /* borrowed */
	int error;    /* negative errno of the first failure, else 0 */
	uint64_t len; /* bytes of the file so far, those still in buf included */
	uint32_t crc; /* CRC32C of those bytes but for the last buf_len - summed_len */
	size_t buf_len;
	size_t summed_len; /* so many bytes of buf are in crc */
	bool lazy;	   /* checkpoints but the final one don't flush: nobody could read them */
	/* A record that would make the file longer than this is not written, checkpoints excepted;
	 * the caller may change it between records. UINT64_MAX: no limit. */
	uint64_t limit;
	uint64_t num_refused; /* records that were left out for that */
	/* Written where the file's length is a multiple of it: file systems take whole blocks of
	 * memory in half the time. */
	uint8_t buf[32768];
};

/* fd: open for writing, positioned at the start of an empty file or a pipe. There is no limit. */
void snap_writer_init(struct snap_writer *w, int fd);

/*
 * To go on with a file of which len bytes are written, crc being their CRC32C: fd is positioned
 * behind them, and the last of them ends a record.
 */
void snap_writer_resume(struct snap_writer *w, int fd, uint64_t len, uint32_t crc);

/* program: name and version of the writing program. */
int snap_write_header(struct snap_writer *w, const char *program);

/*
 * Flushes (but see lazy), and vouches for everything before it. With final, nothing may follow.
 * Returns 0 when all bytes were handed to the kernel (write(2), not fsync(2)), else the negative
 * errno.
 */
int snap_write_checkpoint(struct snap_writer *w, bool final);

int snap_write_metadata(struct snap_writer *w, const struct snap_metadata *metadata);
/* Key and value as they are; the writer escapes and adds a raw record where needed. A key or
 * value longer than 4096 bytes gives -EMSGSIZE, and only that record is left out. */
int snap_write_tag(struct snap_writer *w, const struct snap_tag *tag);
/* At most SNAP_MAX_REGSETS register sets, else -EMSGSIZE. */
int snap_write_thread(struct snap_writer *w, const struct snap_thread *thread);
/* Of a message longer than SNAP_MAX_LOG_MESSAGE: -EMSGSIZE, and only that record is left out; the
 * names are cut at 1023 bytes of the file. */
int snap_write_log(struct snap_writer *w, const struct snap_log *log);
int snap_write_thread_facts(struct snap_writer *w, const struct snap_thread_facts *facts);
int snap_write_process(struct snap_writer *w, const struct snap_process *process);
int snap_write_open_file(struct snap_writer *w, const struct snap_open_file *file);
int snap_write_abort_message(struct snap_writer *w, const struct snap_abort_message *message);
int snap_write_signal(struct snap_writer *w, const struct snap_signal *signal);
/* Of more than SNAP_MAX_RECORD_BYTES - 64 bytes: -EMSGSIZE, and only that record is left out. */
int snap_write_memory(struct snap_writer *w, const struct snap_memory_range *range);
int snap_write_mapping(struct snap_writer *w, const struct snap_mapping *mapping);
int snap_write_module(struct snap_writer *w, const struct snap_module *module);
int snap_write_system(struct snap_writer *w, const struct snap_system *system);
int snap_write_capture(struct snap_writer *w, const struct snap_capture *capture);
int snap_write_omission(struct snap_writer *w, const struct snap_omission *omission);
/* text is escaped where it is not valid UTF-8, and cut at 1024 bytes. */
int snap_write_note(struct snap_writer *w, const char *text);

#endif
