/*
 * Writes records of a snapshot file from within a signal handler: without protobuf-c, which the
 * programs that use the library would have to link, and whose closure allocates. The numbers of
 * fields are those of proto/snapshot.proto.
 *
 * Runs in signal handlers. A failed write sticks.
 */
#ifndef SNAP_CAPTURE_LIB_RECORD_H
#define SNAP_CAPTURE_LIB_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/bytes.h"
#include "common/snapshot.h"

struct snap_lib_writer {
	int fd;	   /* borrowed */
	int error; /* negative errno of the first failure */
	uint64_t len;
	uint32_t crc; /* of the bytes before those in buf */
	size_t buf_len;
	uint8_t buf[8192];
};

/* A message that grows. A field for which there is no room is left out. */
struct snap_lib_message {
	size_t len;
	bool full; /* something was left out */
	uint8_t data[8192];
};

void snap_lib_message_init(struct snap_lib_message *m);
/* int32, int64, uint32, uint64, bool, enum; a negative number as its 64-bit two's complement. */
void snap_lib_put_number(struct snap_lib_message *m, uint32_t field, uint64_t value);
/* Absent bytes are left out. */
void snap_lib_put_bytes(struct snap_lib_message *m, uint32_t field, struct snap_bytes bytes);
/* The same with what is not valid UTF-8 escaped. At most 1024 bytes are taken. */
void snap_lib_put_text(struct snap_lib_message *m, uint32_t field, struct snap_bytes text);
void snap_lib_put_message(
	struct snap_lib_message *m, uint32_t field, const struct snap_lib_message *inner);

void snap_lib_writer_init(struct snap_lib_writer *w, int fd);
/* A record whose type is a message. */
void snap_lib_write_record(
	struct snap_lib_writer *w, uint32_t number, const struct snap_lib_message *m);
/* A record whose type is a string or bytes. */
void snap_lib_write_bytes(struct snap_lib_writer *w, uint32_t number, struct snap_bytes bytes);
void snap_lib_write_header(struct snap_lib_writer *w, const char *program);
/* Returns 0, or the negative errno that sticks. */
int snap_lib_write_checkpoint(struct snap_lib_writer *w, bool final);
/* Ranges may be of any length. */
void snap_lib_write_memory(struct snap_lib_writer *w, const struct snap_memory_range *range);
void snap_lib_write_omission(struct snap_lib_writer *w, const struct snap_omission *omission);

#endif
