#include "analyze/fields/schema.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/fields/schema_build.h"
#include "common/wire.h"

/* FileDescriptorSet.file */
#define SET_FILE 1

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
	struct snap_schema_enum **found = schema->num_enums > 0
						  ? bsearch(&key, schema->enums, schema->num_enums,
							    sizeof(*found), compare_enums)
						  : NULL;
	return found ? *found : NULL;
}

static int sort_names(struct snap_schema_builder *b)
{
	struct snap_schema *schema = b->schema;
	if (schema->num_messages > 0)
		qsort(schema->messages, schema->num_messages, sizeof(*schema->messages),
			compare_messages);
	if (schema->num_enums > 0)
		qsort(schema->enums, schema->num_enums, sizeof(*schema->enums), compare_enums);
	for (size_t i = 1; i < schema->num_messages; i++)
		if (compare_messages(&schema->messages[i - 1], &schema->messages[i]) == 0)
			return snap_schema_build_malformed(
				b, "declared twice: message", schema->messages[i]->name);
	for (size_t i = 1; i < schema->num_enums; i++)
		if (compare_enums(&schema->enums[i - 1], &schema->enums[i]) == 0)
			return snap_schema_build_malformed(
				b, "declared twice: enum", schema->enums[i]->name);
	return 0;
}

/* What is not in the set stays NULL: its fields are shown as far as they can be without it. */
static void resolve(const struct snap_schema *schema, struct snap_schema_field *field)
{
	if (snap_schema_scalar_name(field->type))
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
static int sort_fields(struct snap_schema_builder *b, struct snap_schema_message *message)
{
	struct snap_schema_field *fields = message->fields;
	size_t num = message->num_fields;
	if (num == 0)
		return 0;
	qsort(fields, num, sizeof(*fields), compare_names);
	for (size_t i = 1; i < num; i++)
		if (compare_names(&fields[i - 1], &fields[i]) == 0)
			return snap_schema_build_malformed(
				b, "a name is given twice in", message->name);
	qsort(fields, num, sizeof(*fields), compare_fields);
	for (size_t i = 1; i < num; i++)
		if (fields[i - 1].number == fields[i].number)
			return snap_schema_build_malformed(
				b, "a number is given twice in", message->name);
	return 0;
}

/* "map<string, int32>" instead of an entry's type, which nobody wrote. */
static int name_map(struct snap_schema_builder *b, struct snap_schema_field *field)
{
	if (!field->is_repeated || !field->message || !field->message->is_map_entry)
		return 0;
	const struct snap_schema_field *key = snap_schema_field_find(field->message, 1);
	const struct snap_schema_field *value = snap_schema_field_find(field->message, 2);
	if (!key || !value)
		return 0;
	char name[2 * (SNAP_SCHEMA_MAX_NAME + 1) + 16];
	int len = snprintf(name, sizeof(name), "map<%s, %s>", key->type_name, value->type_name);
	field->type_name = snap_arena_copy(&b->schema->arena, snap_bytes(name, (size_t)len));
	return field->type_name ? 0 : snap_schema_build_no_memory(b);
}

static int finish(struct snap_schema_builder *b)
{
	struct snap_schema *schema = b->schema;
	if (sort_names(b) < 0)
		return -1;
	for (size_t i = 0; i < b->num_extensions; i++) {
		struct snap_schema_message *message =
			find_message(schema, b->extensions[i].extendee);
		if (message && snap_schema_build_add(b, message, &b->extensions[i].field) < 0)
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
	struct snap_schema_builder b = {.schema = ret, .err = err};
	struct snap_wire_field file;
	size_t off = 0;
	int r = 0;
	*ret = (struct snap_schema){0};
	snap_arena_init(&ret->arena, SNAP_SCHEMA_MAX_TABLES);
	if (!snap_schema_is_set(set))
		r = snap_schema_build_malformed(&b, "it is not made of files", NULL);
	while (r == 0 && snap_wire_next(set, &off, &file) > 0) {
		/* protoc puts what a file imports before it. */
		b.is_last_file = off == set.len;
		r = snap_schema_build_file(&b, file.payload);
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

const struct snap_schema_message *snap_schema_find(
	const struct snap_schema *schema, const char *name)
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
