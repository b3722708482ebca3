/*
 * Serialised fields as a tree of values, by the tables of a schema.
 *
 * Hostile input: what is decoded of one input is bounded in depth, values and bytes of text, and
 * what is beyond is counted. What does not fit to the schema is shown as it stands, not refused.
 */
#ifndef SNAP_ANALYZE_FIELDS_DECODE_H
#define SNAP_ANALYZE_FIELDS_DECODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analyze/fields/raw.h"
#include "analyze/fields/schema.h"
#include "common/arena.h"
#include "common/error.h"

/* Messages in messages. */
#define SNAP_DECODE_MAX_DEPTH 16
/* Of one input: values, and bytes of strings and bytes. */
#define SNAP_DECODE_MAX_VALUES 65536
#define SNAP_DECODE_MAX_BYTES  ((size_t)4 << 20)
/* Of one string or bytes. */
#define SNAP_DECODE_MAX_TEXT 16384

enum snap_value_kind {
	SNAP_VALUE_SIGNED, /* number is an int64_t */
	SNAP_VALUE_UNSIGNED,
	SNAP_VALUE_FLOAT, /* real is one */
	SNAP_VALUE_DOUBLE,
	SNAP_VALUE_BOOL,
	SNAP_VALUE_ENUM,    /* number is an int32_t, name its name */
	SNAP_VALUE_FIXED32, /* not declared: it may be a number or a float */
	SNAP_VALUE_FIXED64,
	SNAP_VALUE_TEXT, /* declared as a string; may hold anything nevertheless */
	SNAP_VALUE_BYTES,
	SNAP_VALUE_MESSAGE,
};

struct snap_value {
	enum snap_value_kind kind;
	enum snap_raw_wire wire; /* as it stood in the file */
	uint64_t number;
	double real;
	const char *name;	 /* NULL: it has none */
	struct snap_bytes bytes; /* of _TEXT and _BYTES; borrowed from the input */
	size_t left_out;	 /* bytes of these behind it, beyond the limits */
	const struct snap_message *message;
};

enum snap_member_shape {
	SNAP_MEMBER_ONE,  /* declared as one: of several in the file the last, or all merged */
	SNAP_MEMBER_LIST, /* declared as repeated, or not declared */
	SNAP_MEMBER_MAP,  /* values are entries, ascending by key, each key once */
};

/* All that a message has of one number. */
struct snap_member {
	uint32_t number;
	/* NULL: not declared, or not in this wire type. */
	const struct snap_schema_field *field;
	/* Of the latter: what is declared. */
	const struct snap_schema_field *declared;
	enum snap_member_shape shape;
	struct snap_value *values; /* at least one */
	size_t num_values, capacity;
};

struct snap_message {
	const struct snap_schema_message *type; /* NULL: not known */
	/* Ascending by number; of the same number the one that is as declared first. */
	struct snap_member *members;
	size_t num_members, capacity;
	const char *trouble; /* what is wrong with it, without a full stop; NULL: nothing */
	uint64_t left_out;   /* values beyond the limits */
};

struct snap_decoder {
	struct snap_arena *arena; /* of what is found */
	size_t values_left, bytes_left;
};

/* With the limits above. arena is borrowed. */
void snap_decoder_init(struct snap_decoder *decoder, struct snap_arena *arena);

/* Fields on their way to be decoded. */
struct snap_raw_list {
	struct snap_raw_field *fields;
	size_t num, capacity;
};

void snap_raw_list_deinit(struct snap_raw_list *list);
/* *ret_taken: there was room for it within the limits. 0, or -1 and *err: no memory. */
int snap_raw_list_add(struct snap_decoder *decoder, struct snap_raw_list *list,
	const struct snap_raw_field *field, bool *ret_taken, struct snap_error *err);

/*
 * Decode the fields of a list, whose payloads outlive *ret, as those of a message of this type
 * (NULL: nothing is known of it). 0, or -1 and *err: no memory.
 */
int snap_decode(struct snap_decoder *decoder, const struct snap_schema_message *type,
	struct snap_raw_list *list, struct snap_message *ret, struct snap_error *err);

/* Of an entry of a map, which has both. */
const struct snap_value *snap_map_key(const struct snap_value *entry);
const struct snap_value *snap_map_value(const struct snap_value *entry);

#endif
