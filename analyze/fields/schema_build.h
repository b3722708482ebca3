/*
 * A schema while it is made of a descriptor set.
 */
#ifndef SNAP_ANALYZE_FIELDS_SCHEMA_BUILD_H
#define SNAP_ANALYZE_FIELDS_SCHEMA_BUILD_H

#include "analyze/fields/schema.h"

/* Of names, with dots between. */
#define SNAP_SCHEMA_MAX_NAME 1023
/* What the tables of a set may take. */
#define SNAP_SCHEMA_MAX_TABLES ((size_t)128 << 20)

/* A field that was declared outside of the message that it belongs to. */
struct snap_schema_extension {
	const char *extendee;
	struct snap_schema_field field;
};

struct snap_schema_builder {
	struct snap_schema *schema;
	size_t messages_capacity, enums_capacity;
	struct snap_schema_extension *extensions;
	size_t num_extensions, extensions_capacity;
	bool is_last_file;
	struct snap_error *err;
};

/*
 * Add what a FileDescriptorProto declares: messages and enums as they come, with the types of their
 * fields by name. 0, or -1 and *err.
 */
int snap_schema_build_file(struct snap_schema_builder *b, struct snap_bytes file);

int snap_schema_build_add(struct snap_schema_builder *b, struct snap_schema_message *message,
	const struct snap_schema_field *field);

/* "double" and so on; NULL for types that have names of their own, or are none. */
const char *snap_schema_scalar_name(enum snap_field_type type);

/* Fill *err and return -1. name: of what, or NULL. */
int snap_schema_build_no_memory(struct snap_schema_builder *b);
int snap_schema_build_malformed(struct snap_schema_builder *b, const char *what, const char *name);

#endif
