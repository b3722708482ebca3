/*
 * Maps, which are lists of entries: messages of a key, 1, and a value, 2 (the Protocol Buffers
 * encoding specification, "Maps").
 */
#include <stdlib.h>

#include "analyze/fields/decode_parts.h"
#include "common/escape.h"

const struct snap_value *snap_map_key(const struct snap_value *entry)
{
	return &entry->message->members[0].values[0];
}

const struct snap_value *snap_map_value(const struct snap_value *entry)
{
	return &entry->message->members[1].values[0];
}

/* What an entry does not say is what its type has by default. */
static int add_default(struct snap_decoder *d, const struct snap_schema_field *field,
	struct snap_message *entry, struct snap_error *err)
{
	struct snap_member *grown = snap_arena_grow(
		d->arena, entry->members, entry->num_members, &entry->capacity, sizeof(*grown));
	if (!grown)
		return snap_error_no_memory(err);
	entry->members = grown;
	size_t at = field->number == 1 ? 0 : entry->num_members;
	memmove(&grown[at + 1], &grown[at], (entry->num_members - at) * sizeof(*grown));
	entry->num_members++;
	grown[at] = (struct snap_member){.number = field->number, .field = field};
	struct snap_value *value = snap_member_add(d, &grown[at]);
	struct snap_message *empty = snap_arena_alloc(d->arena, sizeof(*empty));
	if (!value || !empty)
		return snap_error_no_memory(err);
	*value = (struct snap_value){.wire = snap_field_wire(field->type)};
	if (snap_field_is_message(field->type)) {
		empty->type = field->message;
		value->kind = SNAP_VALUE_MESSAGE;
		value->message = empty;
	} else if (field->type == SNAP_FIELD_STRING || field->type == SNAP_FIELD_BYTES) {
		snap_value_take_bytes(d,
			field->type == SNAP_FIELD_STRING ? SNAP_VALUE_TEXT : SNAP_VALUE_BYTES,
			snap_bytes_str(""), value);
	} else {
		snap_value_take_number(field, 0, value);
	}
	return 0;
}

/* "Any integral or string type". */
static bool is_key(enum snap_field_type type)
{
	return !snap_field_is_message(type) && type != SNAP_FIELD_BYTES &&
	       type != SNAP_FIELD_FLOAT && type != SNAP_FIELD_DOUBLE && type != SNAP_FIELD_ENUM;
}

/* Whether it is a key and a value and nothing else; what it does not say may be a default. */
static bool is_entry(const struct snap_message *entry)
{
	if (entry->trouble || entry->left_out > 0)
		return false;
	for (uint32_t number = 1; number <= 2; number++) {
		const struct snap_schema_field *field = snap_schema_field_find(entry->type, number);
		if (!field || field->is_repeated || (number == 1 && !is_key(field->type)) ||
			(snap_field_is_message(field->type) && !field->message))
			return false;
	}
	for (size_t i = 0; i < entry->num_members; i++) {
		const struct snap_member *member = &entry->members[i];
		const struct snap_value *value = &member->values[0];
		if (!member->field || member->number > 2)
			return false;
		/* A key that was cut, or has to be escaped, may look like another one. */
		if (member->number == 1 && value->kind == SNAP_VALUE_TEXT &&
			(value->left_out > 0 ||
				!snap_escape_unneeded(value->bytes, SNAP_ESCAPE_INVALID)))
			return false;
	}
	return true;
}

static int complete_entry(
	struct snap_decoder *d, const struct snap_value *value, struct snap_error *err)
{
	/* Made here, and not yet shown to anyone. */
	struct snap_message *entry = (struct snap_message *)value->message;
	bool has[3] = {false};
	for (size_t i = 0; i < entry->num_members; i++)
		has[entry->members[i].number] = true;
	for (uint32_t number = 1; number <= 2; number++)
		if (!has[number] &&
			add_default(d, snap_schema_field_find(entry->type, number), entry, err) < 0)
			return -1;
	return 0;
}

static int compare_keys(const struct snap_value *x, const struct snap_value *y)
{
	if (x->kind == SNAP_VALUE_TEXT) {
		size_t len = x->bytes.len < y->bytes.len ? x->bytes.len : y->bytes.len;
		int r = len > 0 ? memcmp(x->bytes.data, y->bytes.data, len) : 0;
		return r ? r : (x->bytes.len > y->bytes.len) - (x->bytes.len < y->bytes.len);
	}
	if (x->kind == SNAP_VALUE_SIGNED) {
		int64_t a = (int64_t)x->number, b = (int64_t)y->number;
		return (a > b) - (a < b);
	}
	return (x->number > y->number) - (x->number < y->number);
}

/* The place in the file stands in number until the entries are in order. */
static int compare_entries(const void *a, const void *b)
{
	const struct snap_value *x = a, *y = b;
	int r = compare_keys(snap_map_key(x), snap_map_key(y));
	return r ? r : (x->number > y->number) - (x->number < y->number);
}

int snap_member_make_map(struct snap_decoder *d, struct snap_member *member, struct snap_error *err)
{
	size_t num = 0;
	for (size_t i = 0; i < member->num_values; i++)
		if (!is_entry(member->values[i].message))
			return 0;
	for (size_t i = 0; i < member->num_values; i++) {
		if (complete_entry(d, &member->values[i], err) < 0)
			return -1;
		member->values[i].number = i;
	}
	qsort(member->values, member->num_values, sizeof(*member->values), compare_entries);
	for (size_t i = 0; i < member->num_values; i++) {
		/* Of a key that is there twice, the last one counts. */
		if (num > 0 && compare_keys(snap_map_key(&member->values[num - 1]),
				       snap_map_key(&member->values[i])) == 0)
			num--;
		member->values[num++] = member->values[i];
	}
	member->num_values = num;
	member->shape = SNAP_MEMBER_MAP;
	return 0;
}
