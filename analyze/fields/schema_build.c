/*
 * The declarations of a descriptor set, one file's at a time.
 */
#include "analyze/fields/schema_build.h"

#include <stdlib.h>
#include <string.h>

#include "common/wire.h"

/* Messages in messages: as deep as protoc's own parser goes. */
#define MAX_NESTING 32
/* Of an identifier: as long as any that someone wrote. */
#define MAX_IDENTIFIER 255
#define MAX_NUMBER     ((1u << 29) - 1)

/* descriptor.proto's fields. */
enum {
	FILE_PACKAGE = 2,
	FILE_MESSAGE = 4,
	FILE_ENUM = 5,
	FILE_EXTENSION = 7,
	MESSAGE_NAME = 1,
	MESSAGE_FIELD = 2,
	MESSAGE_NESTED = 3,
	MESSAGE_ENUM = 4,
	MESSAGE_EXTENSION = 6,
	MESSAGE_OPTIONS = 7,
	OPTIONS_MAP_ENTRY = 7,
	FIELD_NAME = 1,
	FIELD_EXTENDEE = 2,
	FIELD_NUMBER = 3,
	FIELD_LABEL = 4,
	FIELD_TYPE = 5,
	FIELD_TYPE_NAME = 6,
	LABEL_REPEATED = 3,
	ENUM_NAME = 1,
	ENUM_VALUE = 2,
	VALUE_NAME = 1,
	VALUE_NUMBER = 2,
};

int snap_schema_build_no_memory(struct snap_schema_builder *b)
{
	if (b->schema->arena.exhausted)
		return snap_error_set(b->err, SNAP_ERROR_LIMIT,
			"the descriptor set's tables would take more than %zu bytes",
			SNAP_SCHEMA_MAX_TABLES);
	return snap_error_no_memory(b->err);
}

int snap_schema_build_malformed(struct snap_schema_builder *b, const char *what, const char *name)
{
	return snap_error_set(b->err, SNAP_ERROR_MALFORMED, "broken descriptor set: %s%s%s", what,
		name ? " " : "", name ? name : "");
}

#define GROW(b, array, num, capacity)                                                              \
	__extension__({                                                                            \
		void *grown_ = snap_arena_grow(                                                    \
			&(b)->schema->arena, array, num, &(capacity), sizeof(*(array)));           \
		if (grown_)                                                                        \
			array = grown_;                                                            \
		grown_ != NULL;                                                                    \
	})

/* ---------------------------------------------------------------- names */

static bool is_letter(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

/* Identifiers with dots between; at most so many. */
static bool is_name(struct snap_bytes name, bool may_have_dots)
{
	size_t len = 0;
	if (name.len > SNAP_SCHEMA_MAX_NAME)
		return false;
	for (size_t i = 0; i < name.len; i++) {
		uint8_t c = name.data[i];
		if (c == '.' && may_have_dots && len > 0 && i + 1 < name.len)
			len = 0;
		else if (is_letter(c) || (c >= '0' && c <= '9' && len > 0))
			len++;
		else
			return false;
		if (len > MAX_IDENTIFIER)
			return false;
	}
	return len > 0;
}

/* The text of the last field of that number; absent: there is none. */
static int find_text(struct snap_schema_builder *b, struct snap_bytes message, uint32_t number,
	struct snap_bytes *ret)
{
	struct snap_wire_field field;
	size_t off = 0;
	int r;
	*ret = snap_bytes(NULL, 0);
	while ((r = snap_wire_next(message, &off, &field)) > 0)
		if (field.number == number && field.type == SNAP_WIRE_BYTES)
			*ret = field.payload;
	return r == 0 ? 0
		      : snap_schema_build_malformed(
				b, "a message does not end where it should", NULL);
}

/* "scope.name", or the name alone; NULL and the error. */
static const char *join(struct snap_schema_builder *b, const char *scope, struct snap_bytes name)
{
	size_t len = strlen(scope);
	if (!is_name(name, false) || len + 1 + name.len > SNAP_SCHEMA_MAX_NAME) {
		(void)snap_schema_build_malformed(
			b, "a name is none, or too long, in", *scope ? scope : "a file");
		return NULL;
	}
	char *ret = snap_arena_alloc(&b->schema->arena, len + 1 + name.len + 1);
	if (!ret) {
		(void)snap_schema_build_no_memory(b);
		return NULL;
	}
	memcpy(ret, scope, len);
	if (len > 0)
		ret[len++] = '.';
	memcpy(ret + len, name.data, name.len);
	return ret;
}

/* Of a type: ".demo.Rail", fully qualified, as protoc always writes it. */
static const char *copy_type_name(struct snap_schema_builder *b, struct snap_bytes name)
{
	if (name.len > 0 && name.data[0] == '.')
		name = snap_bytes(name.data + 1, name.len - 1);
	if (!is_name(name, true)) {
		(void)snap_schema_build_malformed(b, "a type's name is none, or too long", NULL);
		return NULL;
	}
	const char *ret = snap_arena_copy(&b->schema->arena, name);
	if (!ret)
		(void)snap_schema_build_no_memory(b);
	return ret;
}

/* ---------------------------------------------------------------- declarations */

static int read_value(struct snap_schema_builder *b, struct snap_bytes payload,
	struct snap_schema_enum *e, struct snap_schema_enum_value **values, size_t *capacity)
{
	struct snap_bytes name;
	struct snap_wire_field field;
	size_t off = 0;
	struct snap_schema_enum_value value = {.order = (uint32_t)e->num_values};
	if (find_text(b, payload, VALUE_NAME, &name) < 0)
		return -1;
	if (!is_name(name, false))
		return snap_schema_build_malformed(b, "a value has no name in", e->name);
	while (snap_wire_next(payload, &off, &field) > 0)
		if (field.number == VALUE_NUMBER && field.type == SNAP_WIRE_VARINT)
			value.number = (int32_t)(uint32_t)field.value;
	value.name = snap_arena_copy(&b->schema->arena, name);
	if (!value.name || !GROW(b, *values, e->num_values, *capacity))
		return snap_schema_build_no_memory(b);
	(*values)[e->num_values++] = value;
	return 0;
}

static int compare_values(const void *a, const void *b)
{
	const struct snap_schema_enum_value *x = a, *y = b;
	if (x->number != y->number)
		return x->number < y->number ? -1 : 1;
	return x->order < y->order ? -1 : x->order > y->order;
}

static int read_enum(struct snap_schema_builder *b, struct snap_bytes payload, const char *scope)
{
	struct snap_schema *schema = b->schema;
	struct snap_schema_enum *e = snap_arena_alloc(&schema->arena, sizeof(*e));
	struct snap_schema_enum_value *values = NULL;
	struct snap_bytes name;
	struct snap_wire_field field;
	size_t off = 0, capacity = 0, num = 0;
	if (!e || !GROW(b, schema->enums, schema->num_enums, b->enums_capacity))
		return snap_schema_build_no_memory(b);
	if (find_text(b, payload, ENUM_NAME, &name) < 0 || !(e->name = join(b, scope, name)))
		return -1;
	schema->enums[schema->num_enums++] = e;
	while (snap_wire_next(payload, &off, &field) > 0)
		if (field.number == ENUM_VALUE && field.type == SNAP_WIRE_BYTES &&
			read_value(b, field.payload, e, &values, &capacity) < 0)
			return -1;
	if (e->num_values > 0)
		qsort(values, e->num_values, sizeof(*values), compare_values);
	for (size_t i = 0; i < e->num_values; i++)
		if (num == 0 || values[num - 1].number != values[i].number)
			values[num++] = values[i];
	e->values = values;
	e->num_values = num;
	return 0;
}

const char *snap_schema_scalar_name(enum snap_field_type type)
{
	static const char *const names[] = {
		[SNAP_FIELD_DOUBLE] = "double",
		[SNAP_FIELD_FLOAT] = "float",
		[SNAP_FIELD_INT64] = "int64",
		[SNAP_FIELD_UINT64] = "uint64",
		[SNAP_FIELD_INT32] = "int32",
		[SNAP_FIELD_FIXED64] = "fixed64",
		[SNAP_FIELD_FIXED32] = "fixed32",
		[SNAP_FIELD_BOOL] = "bool",
		[SNAP_FIELD_STRING] = "string",
		[SNAP_FIELD_BYTES] = "bytes",
		[SNAP_FIELD_UINT32] = "uint32",
		[SNAP_FIELD_SFIXED32] = "sfixed32",
		[SNAP_FIELD_SFIXED64] = "sfixed64",
		[SNAP_FIELD_SINT32] = "sint32",
		[SNAP_FIELD_SINT64] = "sint64",
	};
	return (size_t)type < sizeof(names) / sizeof(names[0]) ? names[type] : NULL;
}

/* What a field's numbers say, checked. */
static int read_field_numbers(
	struct snap_schema_builder *b, struct snap_bytes payload, struct snap_schema_field *ret)
{
	struct snap_wire_field field;
	size_t off = 0;
	uint64_t number = 0, type = 0;
	while (snap_wire_next(payload, &off, &field) > 0) {
		if (field.type != SNAP_WIRE_VARINT)
			continue;
		if (field.number == FIELD_NUMBER)
			number = field.value;
		else if (field.number == FIELD_TYPE)
			type = field.value;
		else if (field.number == FIELD_LABEL)
			ret->is_repeated = field.value == LABEL_REPEATED;
	}
	if (number == 0 || number > MAX_NUMBER)
		return snap_schema_build_malformed(
			b, "no number that a field can have, of field", ret->name);
	if (type > SNAP_FIELD_SINT64)
		return snap_schema_build_malformed(
			b, "a type that there is not, of field", ret->name);
	ret->number = (uint32_t)number;
	ret->type = (enum snap_field_type)type;
	return 0;
}

static int read_field(
	struct snap_schema_builder *b, struct snap_bytes payload, struct snap_schema_field *ret)
{
	struct snap_bytes name, type_name;
	struct snap_schema_field field = {0};
	if (find_text(b, payload, FIELD_NAME, &name) < 0 ||
		find_text(b, payload, FIELD_TYPE_NAME, &type_name) < 0)
		return -1;
	if (!is_name(name, false))
		return snap_schema_build_malformed(b, "a field has no name", NULL);
	field.name = snap_arena_copy(&b->schema->arena, name);
	if (!field.name)
		return snap_schema_build_no_memory(b);
	if (read_field_numbers(b, payload, &field) < 0)
		return -1;
	field.type_name = snap_schema_scalar_name(field.type);
	if (!field.type_name && !(field.type_name = copy_type_name(b, type_name)))
		return -1;
	*ret = field;
	return 0;
}

int snap_schema_build_add(struct snap_schema_builder *b, struct snap_schema_message *message,
	const struct snap_schema_field *field)
{
	if (!GROW(b, message->fields, message->num_fields, message->capacity))
		return snap_schema_build_no_memory(b);
	message->fields[message->num_fields++] = *field;
	return 0;
}

/* Its name is what protoc's text has for it: "[demo.extra]". */
static int read_extension(
	struct snap_schema_builder *b, struct snap_bytes payload, const char *scope)
{
	struct snap_bytes extendee;
	struct snap_schema_extension extension;
	if (find_text(b, payload, FIELD_EXTENDEE, &extendee) < 0 ||
		read_field(b, payload, &extension.field) < 0 ||
		!(extension.extendee = copy_type_name(b, extendee)))
		return -1;
	if (!GROW(b, b->extensions, b->num_extensions, b->extensions_capacity))
		return snap_schema_build_no_memory(b);
	const char *full = join(b, scope, snap_bytes_str(extension.field.name));
	size_t len = full ? strlen(full) : 0;
	char *name = full ? snap_arena_alloc(&b->schema->arena, len + 3) : NULL;
	if (!full)
		return -1;
	if (!name)
		return snap_schema_build_no_memory(b);
	name[0] = '[';
	memcpy(name + 1, full, len);
	name[len + 1] = ']';
	extension.field.name = name;
	b->extensions[b->num_extensions++] = extension;
	return 0;
}

static void read_options(struct snap_bytes payload, struct snap_schema_message *message)
{
	struct snap_wire_field field;
	size_t off = 0;
	while (snap_wire_next(payload, &off, &field) > 0)
		if (field.number == OPTIONS_MAP_ENTRY && field.type == SNAP_WIRE_VARINT)
			message->is_map_entry = field.value != 0;
}

static int read_message(struct snap_schema_builder *b, struct snap_bytes payload, const char *scope,
	unsigned int depth);

static int read_message_part(struct snap_schema_builder *b, const struct snap_wire_field *part,
	struct snap_schema_message *message, unsigned int depth)
{
	struct snap_schema_field field;
	switch (part->number) {
	case MESSAGE_FIELD:
		return read_field(b, part->payload, &field) < 0
			       ? -1
			       : snap_schema_build_add(b, message, &field);
	case MESSAGE_NESTED:
		return read_message(b, part->payload, message->name, depth + 1);
	case MESSAGE_ENUM:
		return read_enum(b, part->payload, message->name);
	case MESSAGE_EXTENSION:
		return read_extension(b, part->payload, message->name);
	case MESSAGE_OPTIONS:
		read_options(part->payload, message);
		return 0;
	}
	return 0;
}

static int read_message(struct snap_schema_builder *b, struct snap_bytes payload, const char *scope,
	unsigned int depth)
{
	struct snap_schema *schema = b->schema;
	struct snap_schema_message *message = snap_arena_alloc(&schema->arena, sizeof(*message));
	struct snap_bytes name;
	struct snap_wire_field part;
	size_t off = 0;
	if (!message || !GROW(b, schema->messages, schema->num_messages, b->messages_capacity))
		return snap_schema_build_no_memory(b);
	if (depth > MAX_NESTING)
		return snap_schema_build_malformed(b, "messages are nested too deep in", scope);
	if (find_text(b, payload, MESSAGE_NAME, &name) < 0 ||
		!(message->name = join(b, scope, name)))
		return -1;
	message->is_of_last_file = b->is_last_file;
	schema->messages[schema->num_messages++] = message;
	while (snap_wire_next(payload, &off, &part) > 0)
		if (part.type == SNAP_WIRE_BYTES && read_message_part(b, &part, message, depth) < 0)
			return -1;
	return 0;
}

int snap_schema_build_file(struct snap_schema_builder *b, struct snap_bytes payload)
{
	struct snap_bytes package;
	struct snap_wire_field part;
	size_t off = 0;
	int r = 0;
	if (find_text(b, payload, FILE_PACKAGE, &package) < 0)
		return -1;
	if (package.len > 0 && !is_name(package, true))
		return snap_schema_build_malformed(
			b, "a package's name is none, or too long", NULL);
	const char *scope = snap_arena_copy(&b->schema->arena, package);
	if (!scope)
		return snap_schema_build_no_memory(b);
	while (r == 0 && snap_wire_next(payload, &off, &part) > 0) {
		if (part.type != SNAP_WIRE_BYTES)
			continue;
		if (part.number == FILE_MESSAGE)
			r = read_message(b, part.payload, scope, 1);
		else if (part.number == FILE_ENUM)
			r = read_enum(b, part.payload, scope);
		else if (part.number == FILE_EXTENSION)
			r = read_extension(b, part.payload, scope);
	}
	return r;
}
