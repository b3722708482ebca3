#include "analyze/fields/schema.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/wire.h"

/* Messages in messages: as deep as protoc's own parser goes. */
#define MAX_NESTING 32
/* Of an identifier, and of several with dots between: as long as any that someone wrote. */
#define MAX_IDENTIFIER 255
#define MAX_NAME       1023
/* What the tables of a set may take. */
#define MAX_TABLE_BYTES ((size_t)128 << 20)
#define MAX_NUMBER	((1u << 29) - 1)

/* descriptor.proto's fields. */
enum {
	SET_FILE = 1,
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

/* A field that was declared outside of the message that it belongs to. */
struct extension {
	const char *extendee;
	struct snap_schema_field field;
};

struct builder {
	struct snap_schema *schema;
	size_t messages_capacity, enums_capacity;
	struct extension *extensions;
	size_t num_extensions, extensions_capacity;
	bool is_last_file;
	struct snap_error *err;
};

static int no_memory(struct builder *b)
{
	if (b->schema->arena.exhausted)
		return snap_error_set(b->err, SNAP_ERROR_LIMIT,
			"the descriptor set's tables would take more than %zu bytes", MAX_TABLE_BYTES);
	return snap_error_no_memory(b->err);
}

static int malformed(struct builder *b, const char *what, const char *name)
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
	if (name.len > MAX_NAME)
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
static int find_text(
	struct builder *b, struct snap_bytes message, uint32_t number, struct snap_bytes *ret)
{
	struct snap_wire_field field;
	size_t off = 0;
	int r;
	*ret = snap_bytes(NULL, 0);
	while ((r = snap_wire_next(message, &off, &field)) > 0)
		if (field.number == number && field.type == SNAP_WIRE_BYTES)
			*ret = field.payload;
	return r == 0 ? 0 : malformed(b, "a message does not end where it should", NULL);
}

/* "scope.name", or the name alone; NULL and the error. */
static const char *join(struct builder *b, const char *scope, struct snap_bytes name)
{
	size_t len = strlen(scope);
	if (!is_name(name, false) || len + 1 + name.len > MAX_NAME) {
		(void)malformed(b, "a name is none, or too long, in", *scope ? scope : "a file");
		return NULL;
	}
	char *ret = snap_arena_alloc(&b->schema->arena, len + 1 + name.len + 1);
	if (!ret) {
		(void)no_memory(b);
		return NULL;
	}
	memcpy(ret, scope, len);
	if (len > 0)
		ret[len++] = '.';
	memcpy(ret + len, name.data, name.len);
	return ret;
}

/* Of a type: ".demo.Rail", fully qualified, as protoc always writes it. */
static const char *copy_type_name(struct builder *b, struct snap_bytes name)
{
	if (name.len > 0 && name.data[0] == '.')
		name = snap_bytes(name.data + 1, name.len - 1);
	if (!is_name(name, true)) {
		(void)malformed(b, "a type's name is none, or too long", NULL);
		return NULL;
	}
	const char *ret = snap_arena_copy(&b->schema->arena, name);
	if (!ret)
		(void)no_memory(b);
	return ret;
}

/* ---------------------------------------------------------------- declarations */

static int read_value(struct builder *b, struct snap_bytes payload, struct snap_schema_enum *e,
	struct snap_schema_enum_value **values, size_t *capacity)
{
	struct snap_bytes name;
	struct snap_wire_field field;
	size_t off = 0;
	struct snap_schema_enum_value value = {.order = (uint32_t)e->num_values};
	if (find_text(b, payload, VALUE_NAME, &name) < 0)
		return -1;
	if (!is_name(name, false))
		return malformed(b, "a value has no name in", e->name);
	while (snap_wire_next(payload, &off, &field) > 0)
		if (field.number == VALUE_NUMBER && field.type == SNAP_WIRE_VARINT)
			value.number = (int32_t)(uint32_t)field.value;
	value.name = snap_arena_copy(&b->schema->arena, name);
	if (!value.name || !GROW(b, *values, e->num_values, *capacity))
		return no_memory(b);
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

static int read_enum(struct builder *b, struct snap_bytes payload, const char *scope)
{
	struct snap_schema *schema = b->schema;
	struct snap_schema_enum *e = snap_arena_alloc(&schema->arena, sizeof(*e));
	struct snap_schema_enum_value *values = NULL;
	struct snap_bytes name;
	struct snap_wire_field field;
	size_t off = 0, capacity = 0, num = 0;
	if (!e || !GROW(b, schema->enums, schema->num_enums, b->enums_capacity))
		return no_memory(b);
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

static const char *scalar_name(enum snap_field_type type)
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
	struct builder *b, struct snap_bytes payload, struct snap_schema_field *ret)
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
		return malformed(b, "no number that a field can have, of field", ret->name);
	if (type > SNAP_FIELD_SINT64)
		return malformed(b, "a type that there is not, of field", ret->name);
	ret->number = (uint32_t)number;
	ret->type = (enum snap_field_type)type;
	return 0;
}

static int read_field(
	struct builder *b, struct snap_bytes payload, struct snap_schema_field *ret)
{
	struct snap_bytes name, type_name;
	struct snap_schema_field field = {0};
	if (find_text(b, payload, FIELD_NAME, &name) < 0 ||
		find_text(b, payload, FIELD_TYPE_NAME, &type_name) < 0)
		return -1;
	if (!is_name(name, false))
		return malformed(b, "a field has no name", NULL);
	field.name = snap_arena_copy(&b->schema->arena, name);
	if (!field.name)
		return no_memory(b);
	if (read_field_numbers(b, payload, &field) < 0)
		return -1;
	field.type_name = scalar_name(field.type);
	if (!field.type_name && !(field.type_name = copy_type_name(b, type_name)))
		return -1;
	*ret = field;
	return 0;
}

static int add_field(struct builder *b, struct snap_schema_message *message,
	const struct snap_schema_field *field)
{
	if (!GROW(b, message->fields, message->num_fields, message->capacity))
		return no_memory(b);
	message->fields[message->num_fields++] = *field;
	return 0;
}

/* Its name is what protoc's text has for it: "[demo.extra]". */
static int read_extension(struct builder *b, struct snap_bytes payload, const char *scope)
{
	struct snap_bytes extendee;
	struct extension extension;
	if (find_text(b, payload, FIELD_EXTENDEE, &extendee) < 0 ||
		read_field(b, payload, &extension.field) < 0 ||
		!(extension.extendee = copy_type_name(b, extendee)))
		return -1;
	if (!GROW(b, b->extensions, b->num_extensions, b->extensions_capacity))
		return no_memory(b);
	const char *full = join(b, scope, snap_bytes_str(extension.field.name));
	size_t len = full ? strlen(full) : 0;
	char *name = full ? snap_arena_alloc(&b->schema->arena, len + 3) : NULL;
	if (!full)
		return -1;
	if (!name)
		return no_memory(b);
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

static int read_message(
	struct builder *b, struct snap_bytes payload, const char *scope, unsigned int depth);

static int read_message_part(struct builder *b, const struct snap_wire_field *part,
	struct snap_schema_message *message, unsigned int depth)
{
	struct snap_schema_field field;
	switch (part->number) {
	case MESSAGE_FIELD:
		return read_field(b, part->payload, &field) < 0 ? -1 : add_field(b, message, &field);
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

static int read_message(
	struct builder *b, struct snap_bytes payload, const char *scope, unsigned int depth)
{
	struct snap_schema *schema = b->schema;
	struct snap_schema_message *message = snap_arena_alloc(&schema->arena, sizeof(*message));
	struct snap_bytes name;
	struct snap_wire_field part;
	size_t off = 0;
	if (!message || !GROW(b, schema->messages, schema->num_messages, b->messages_capacity))
		return no_memory(b);
	if (depth > MAX_NESTING)
		return malformed(b, "messages are nested too deep in", scope);
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

static int read_file(struct builder *b, struct snap_bytes payload)
{
	struct snap_bytes package;
	struct snap_wire_field part;
	size_t off = 0;
	int r = 0;
	if (find_text(b, payload, FILE_PACKAGE, &package) < 0)
		return -1;
	if (package.len > 0 && !is_name(package, true))
		return malformed(b, "a package's name is none, or too long", NULL);
	const char *scope = snap_arena_copy(&b->schema->arena, package);
	if (!scope)
		return no_memory(b);
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

/* ---------------------------------------------------------------- all of it */

static int compare_messages(const void *a, const void *b)
{
	const struct snap_schema_message *const *x = a, *const *y = b;
	return strcmp((*x)->name, (*y)->name);
}

static int compare_enums(const void *a, const void *b)
{
	const struct snap_schema_enum *const *x = a, *const *y = b;
	return strcmp((*x)->name, (*y)->name);
}

static int compare_fields(const void *a, const void *b)
{
	const struct snap_schema_field *x = a, *y = b;
	return x->number < y->number ? -1 : x->number > y->number;
}

static struct snap_schema_message *find_message(const struct snap_schema *schema, const char *name)
{
	const struct snap_schema_message wanted = {.name = name}, *key = &wanted;
	struct snap_schema_message **found =
		schema->num_messages > 0 ? bsearch(&key, schema->messages, schema->num_messages,
						   sizeof(*found), compare_messages)
					 : NULL;
	return found ? *found : NULL;
}

static const struct snap_schema_enum *find_enum(const struct snap_schema *schema, const char *name)
{
	const struct snap_schema_enum wanted = {.name = name}, *key = &wanted;
	struct snap_schema_enum **found =
		schema->num_enums > 0 ? bsearch(&key, schema->enums, schema->num_enums,
						sizeof(*found), compare_enums)
				      : NULL;
	return found ? *found : NULL;
}

static int sort_names(struct builder *b)
{
	struct snap_schema *schema = b->schema;
	if (schema->num_messages > 0)
		qsort(schema->messages, schema->num_messages, sizeof(*schema->messages),
			compare_messages);
	if (schema->num_enums > 0)
		qsort(schema->enums, schema->num_enums, sizeof(*schema->enums), compare_enums);
	for (size_t i = 1; i < schema->num_messages; i++)
		if (compare_messages(&schema->messages[i - 1], &schema->messages[i]) == 0)
			return malformed(b, "declared twice: message", schema->messages[i]->name);
	for (size_t i = 1; i < schema->num_enums; i++)
		if (compare_enums(&schema->enums[i - 1], &schema->enums[i]) == 0)
			return malformed(b, "declared twice: enum", schema->enums[i]->name);
	return 0;
}

/* What is not in the set stays NULL: its fields are shown as far as they can be without it. */
static void resolve(const struct snap_schema *schema, struct snap_schema_field *field)
{
	if (scalar_name(field->type))
		return;
	struct snap_schema_message *message = find_message(schema, field->type_name);
	const struct snap_schema_enum *values = find_enum(schema, field->type_name);
	/* "If type_name is set, this need not be set." */
	if (field->type == 0)
		field->type = message || !values ? SNAP_FIELD_MESSAGE : SNAP_FIELD_ENUM;
	if (field->type == SNAP_FIELD_ENUM)
		field->values = values;
	else
		field->message = message;
}

static int compare_names(const void *a, const void *b)
{
	const struct snap_schema_field *x = a, *y = b;
	return strcmp(x->name, y->name);
}

/* By number; neither that nor a name is there twice. */
static int sort_fields(struct builder *b, struct snap_schema_message *message)
{
	struct snap_schema_field *fields = message->fields;
	size_t num = message->num_fields;
	if (num == 0)
		return 0;
	qsort(fields, num, sizeof(*fields), compare_names);
	for (size_t i = 1; i < num; i++)
		if (compare_names(&fields[i - 1], &fields[i]) == 0)
			return malformed(b, "a name is given twice in", message->name);
	qsort(fields, num, sizeof(*fields), compare_fields);
	for (size_t i = 1; i < num; i++)
		if (fields[i - 1].number == fields[i].number)
			return malformed(b, "a number is given twice in", message->name);
	return 0;
}

/* "map<string, int32>" instead of an entry's type, which nobody wrote. */
static int name_map(struct builder *b, struct snap_schema_field *field)
{
	if (!field->is_repeated || !field->message || !field->message->is_map_entry)
		return 0;
	const struct snap_schema_field *key = snap_schema_field_find(field->message, 1);
	const struct snap_schema_field *value = snap_schema_field_find(field->message, 2);
	if (!key || !value)
		return 0;
	char name[2 * (MAX_NAME + 1) + 16];
	int len = snprintf(name, sizeof(name), "map<%s, %s>", key->type_name, value->type_name);
	field->type_name = snap_arena_copy(&b->schema->arena, snap_bytes(name, (size_t)len));
	return field->type_name ? 0 : no_memory(b);
}

static int finish(struct builder *b)
{
	struct snap_schema *schema = b->schema;
	if (sort_names(b) < 0)
		return -1;
	for (size_t i = 0; i < b->num_extensions; i++) {
		struct snap_schema_message *message =
			find_message(schema, b->extensions[i].extendee);
		if (message && add_field(b, message, &b->extensions[i].field) < 0)
			return -1;
	}
	for (size_t i = 0; i < schema->num_messages; i++) {
		struct snap_schema_message *message = schema->messages[i];
		if (sort_fields(b, message) < 0)
			return -1;
		for (size_t j = 0; j < message->num_fields; j++)
			resolve(schema, &message->fields[j]);
	}
	for (size_t i = 0; i < schema->num_messages; i++)
		for (size_t j = 0; j < schema->messages[i]->num_fields; j++)
			if (name_map(b, &schema->messages[i]->fields[j]) < 0)
				return -1;
	return 0;
}

bool snap_schema_is_set(struct snap_bytes bytes)
{
	struct snap_wire_field file;
	size_t off = 0;
	int r;
	while ((r = snap_wire_next(bytes, &off, &file)) > 0)
		if (file.number != SET_FILE || file.type != SNAP_WIRE_BYTES)
			return false;
	return r == 0 && bytes.len > 0;
}

int snap_schema_read(struct snap_bytes set, struct snap_schema *ret, struct snap_error *err)
{
	struct builder b = {.schema = ret, .err = err};
	struct snap_wire_field file;
	size_t off = 0;
	int r = 0;
	*ret = (struct snap_schema){0};
	snap_arena_init(&ret->arena, MAX_TABLE_BYTES);
	if (!snap_schema_is_set(set))
		r = malformed(&b, "it is not made of files", NULL);
	while (r == 0 && snap_wire_next(set, &off, &file) > 0) {
		/* protoc puts what a file imports before it. */
		b.is_last_file = off == set.len;
		r = read_file(&b, file.payload);
	}
	if (r == 0)
		r = finish(&b);
	if (r < 0)
		snap_schema_deinit(ret);
	return r;
}

void snap_schema_deinit(struct snap_schema *schema)
{
	snap_arena_deinit(&schema->arena);
}

const struct snap_schema_message *snap_schema_find(const struct snap_schema *schema, const char *name)
{
	return find_message(schema, name);
}

const struct snap_schema_field *snap_schema_field_find(
	const struct snap_schema_message *message, uint32_t number)
{
	size_t low = 0, high = message ? message->num_fields : 0;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct snap_schema_field *field = &message->fields[middle];
		if (field->number == number)
			return field;
		if (field->number < number)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

const char *snap_schema_enum_name(const struct snap_schema_enum *values, int32_t number)
{
	size_t low = 0, high = values ? values->num_values : 0;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (values->values[middle].number == number)
			return values->values[middle].name;
		if (values->values[middle].number < number)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}
