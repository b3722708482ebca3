/*
 * What messages are made of, read from a FileDescriptorSet: the tables by which fields are decoded
 * that this program does not know.
 *
 * The set may hold anything: its wire data, its names, types that are missing, types that contain
 * themselves. It is read by hand (common/wire.h), since unpacking it as protobuf-c does takes many
 * times its size and recurses without a limit. The numbers are those of
 * google/protobuf/descriptor.proto (protobuf 21).
 */
#ifndef SNAP_ANALYZE_FIELDS_SCHEMA_H
#define SNAP_ANALYZE_FIELDS_SCHEMA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/arena.h"
#include "common/error.h"

/* Of a descriptor set's file. */
#define SNAP_SCHEMA_MAX_BYTES ((size_t)16 << 20)

/* FieldDescriptorProto.Type */
enum snap_field_type {
	SNAP_FIELD_DOUBLE = 1,
	SNAP_FIELD_FLOAT = 2,
	SNAP_FIELD_INT64 = 3,
	SNAP_FIELD_UINT64 = 4,
	SNAP_FIELD_INT32 = 5,
	SNAP_FIELD_FIXED64 = 6,
	SNAP_FIELD_FIXED32 = 7,
	SNAP_FIELD_BOOL = 8,
	SNAP_FIELD_STRING = 9,
	SNAP_FIELD_GROUP = 10,
	SNAP_FIELD_MESSAGE = 11,
	SNAP_FIELD_BYTES = 12,
	SNAP_FIELD_UINT32 = 13,
	SNAP_FIELD_ENUM = 14,
	SNAP_FIELD_SFIXED32 = 15,
	SNAP_FIELD_SFIXED64 = 16,
	SNAP_FIELD_SINT32 = 17,
	SNAP_FIELD_SINT64 = 18,
};

struct snap_schema_enum_value {
	int32_t number;
	uint32_t order; /* in the file */
	const char *name;
};

struct snap_schema_enum {
	const char *name;
	const struct snap_schema_enum_value
		*values; /* ascending, of several names the first one's */
	size_t num_values;
};

struct snap_schema_field {
	uint32_t number; /* 1 to 2^29 - 1 */
	enum snap_field_type type;
	bool is_repeated;
	const char *name;
	const char *type_name; /* "demo.Rail", or "uint32" */
	/* Of SNAP_FIELD_MESSAGE and _GROUP; NULL: the set does not have it. */
	const struct snap_schema_message *message;
	/* Of SNAP_FIELD_ENUM; NULL likewise. */
	const struct snap_schema_enum *values;
};

struct snap_schema_message {
	const char *name;		  /* "demo.Snapshot.Rail" */
	struct snap_schema_field *fields; /* ascending by number, each once */
	size_t num_fields, capacity;
	bool is_map_entry;
	bool is_of_last_file; /* not of one that was only imported */
};

struct snap_schema {
	struct snap_arena arena;
	/* Both ascending by name. Names are identifiers with dots between, of less than 1024 bytes.
	 */
	struct snap_schema_message **messages;
	struct snap_schema_enum **enums;
	size_t num_messages, num_enums;
};

/*
 * Whether bytes look like a FileDescriptorSet: records of its one field, and nothing else. Text
 * never does.
 */
bool snap_schema_is_set(struct snap_bytes bytes);

/*
 * Read a set. The caller ends *ret with snap_schema_deinit(), and may let go of the bytes. -1 and
 * *err, with nothing to end: SNAP_ERROR_MALFORMED, _LIMIT or _NO_MEMORY.
 */
int snap_schema_read(struct snap_bytes set, struct snap_schema *ret, struct snap_error *err);
void snap_schema_deinit(struct snap_schema *schema);

/* NULL: there is none of that name. */
const struct snap_schema_message *snap_schema_find(
	const struct snap_schema *schema, const char *name);
/* NULL: it has none of that number. message may be NULL. */
const struct snap_schema_field *snap_schema_field_find(
	const struct snap_schema_message *message, uint32_t number);
/* NULL: no value of that number has a name. values may be NULL. */
const char *snap_schema_enum_name(const struct snap_schema_enum *values, int32_t number);

#endif
