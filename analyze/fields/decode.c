#include "analyze/fields/decode.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/fields/decode_parts.h"
#include "common/wire.h"

void snap_decoder_init(struct snap_decoder *decoder, struct snap_arena *arena)
{
	*decoder = (struct snap_decoder){
		.arena = arena,
		.values_left = SNAP_DECODE_MAX_VALUES,
		.bytes_left = SNAP_DECODE_MAX_BYTES,
	};
}

void snap_raw_list_deinit(struct snap_raw_list *list)
{
	free(list->fields);
	*list = (struct snap_raw_list){0};
}

int snap_raw_list_add(struct snap_decoder *decoder, struct snap_raw_list *list,
	const struct snap_raw_field *field, bool *ret_taken, struct snap_error *err)
{
	*ret_taken = decoder->values_left > 0;
	if (!*ret_taken)
		return 0;
	if (list->num == list->capacity) {
		size_t capacity = list->capacity ? 2 * list->capacity : 16;
		struct snap_raw_field *grown =
			reallocarray(list->fields, capacity, sizeof(*list->fields));
		if (!grown)
			return snap_error_no_memory(err);
		list->fields = grown;
		list->capacity = capacity;
	}
	decoder->values_left--;
	list->fields[list->num++] = *field;
	return 0;
}

bool snap_member_reserve(struct snap_decoder *d, struct snap_member *member, size_t num)
{
	member->values = snap_arena_alloc(d->arena, num * sizeof(*member->values));
	member->capacity = member->values ? num : 0;
	return member->values != NULL;
}

struct snap_value *snap_member_add(struct snap_decoder *d, struct snap_member *member)
{
	struct snap_value *grown = snap_arena_grow(
		d->arena, member->values, member->num_values, &member->capacity, sizeof(*grown));
	if (!grown)
		return NULL;
	member->values = grown;
	return &grown[member->num_values++];
}

static void note_trouble(struct snap_message *message, const char *text)
{
	if (!message->trouble)
		message->trouble = text;
}

/* A list in one piece. */
static int unpack(struct snap_decoder *d, const struct snap_schema_field *field,
	struct snap_bytes packed, struct snap_member *member, struct snap_message *message,
	struct snap_error *err)
{
	enum snap_raw_wire wire = snap_field_wire(field->type);
	size_t size = wire == SNAP_RAW_FIXED64 ? 8 : 4, off = 0;
	while (off < packed.len) {
		uint64_t value = 0;
		if (wire == SNAP_RAW_VARINT) {
			if (snap_wire_varint(packed, &off, &value) < 0)
				break;
		} else {
			if (packed.len - off < size)
				break;
			for (size_t i = 0; i < size; i++)
				value |= (uint64_t)packed.data[off + i] << (8 * i);
			off += size;
		}
		if (d->values_left == 0) {
			message->left_out++;
			continue;
		}
		d->values_left--;
		struct snap_value *to = snap_member_add(d, member);
		if (!to)
			return snap_error_no_memory(err);
		*to = (struct snap_value){.wire = SNAP_RAW_BYTES};
		snap_value_take_number(field, value, to);
	}
	if (off < packed.len)
		note_trouble(message, "a packed list does not end with a whole value");
	return 0;
}

/* ---------------------------------------------------------------- messages */

/* What stands in a payload; *message gets what is wrong with it. */
static int collect(struct snap_decoder *d, struct snap_bytes payload, struct snap_raw_list *list,
	struct snap_message *message, struct snap_error *err)
{
	struct snap_raw_field field;
	size_t off = 0;
	bool is_taken;
	int r;
	while ((r = snap_raw_next(payload, &off, &field)) > 0) {
		if (snap_raw_list_add(d, list, &field, &is_taken, err) < 0)
			return -1;
		message->left_out += !is_taken;
	}
	if (r == 0)
		return 0;
	char text[128];
	int len = snprintf(
		text, sizeof(text), "not a message from byte %zu of its %zu on", off, payload.len);
	const char *copy = snap_arena_copy(d->arena, snap_bytes(text, (size_t)len));
	if (!copy)
		return snap_error_no_memory(err);
	note_trouble(message, copy);
	return 0;
}

static int decode_list(struct snap_decoder *d, const struct snap_schema_message *type,
	struct snap_raw_list *list, unsigned int depth, struct snap_message *ret,
	struct snap_error *err);

/*
 * The message of these fields, which all are of one: what Protocol Buffers call merging is to
 * decode one payload behind the other.
 */
static int take_message(struct snap_decoder *d, const struct snap_schema_message *type,
	const struct snap_raw_field *const *raws, size_t num, unsigned int depth,
	struct snap_value *ret, struct snap_error *err)
{
	struct snap_message *message = snap_arena_alloc(d->arena, sizeof(*message));
	if (!message)
		return snap_error_no_memory(err);
	message->type = type;
	ret->kind = SNAP_VALUE_MESSAGE;
	ret->wire = raws[0]->wire;
	ret->message = message;
	if (depth >= SNAP_DECODE_MAX_DEPTH) {
		message->trouble = "nested deeper than 16 messages: not decoded";
		return 0;
	}
	struct snap_raw_list list = {0};
	int r = 0;
	for (size_t i = 0; i < num && r == 0; i++)
		r = collect(d, raws[i]->payload, &list, message, err);
	if (r == 0)
		r = decode_list(d, type, &list, depth + 1, message, err);
	snap_raw_list_deinit(&list);
	return r;
}

static int take_declared(struct snap_decoder *d, const struct snap_schema_field *field,
	const struct snap_raw_field *const *raws, size_t num, unsigned int depth,
	struct snap_value *ret, struct snap_error *err)
{
	const struct snap_raw_field *last = raws[num - 1];
	*ret = (struct snap_value){.wire = last->wire};
	if (snap_field_is_message(field->type))
		return take_message(d, field->message, raws, num, depth, ret, err);
	if (field->type == SNAP_FIELD_STRING || field->type == SNAP_FIELD_BYTES)
		snap_value_take_bytes(d,
			field->type == SNAP_FIELD_STRING ? SNAP_VALUE_TEXT : SNAP_VALUE_BYTES,
			last->payload, ret);
	else
		snap_value_take_number(field, last->value, ret);
	return 0;
}

static int take_undeclared(struct snap_decoder *d, const struct snap_raw_field *raw,
	unsigned int depth, struct snap_value *ret, struct snap_error *err)
{
	*ret = (struct snap_value){.wire = raw->wire, .number = raw->value};
	switch (raw->wire) {
	case SNAP_RAW_VARINT:
		ret->kind = SNAP_VALUE_UNSIGNED;
		break;
	case SNAP_RAW_FIXED32:
		ret->kind = SNAP_VALUE_FIXED32;
		break;
	case SNAP_RAW_FIXED64:
		ret->kind = SNAP_VALUE_FIXED64;
		break;
	case SNAP_RAW_BYTES:
		snap_value_take_bytes(d, SNAP_VALUE_BYTES, raw->payload, ret);
		break;
	case SNAP_RAW_GROUP:
		return take_message(d, NULL, &raw, 1, depth, ret, err);
	}
	return 0;
}

/* ---------------------------------------------------------------- members */

static struct snap_member *add_member(
	struct snap_decoder *d, struct snap_message *message, uint32_t number)
{
	struct snap_member *grown = snap_arena_grow(d->arena, message->members,
		message->num_members, &message->capacity, sizeof(*grown));
	if (!grown)
		return NULL;
	message->members = grown;
	grown[message->num_members] = (struct snap_member){.number = number};
	return &grown[message->num_members++];
}

/* How many values of a repeated field there may be room for. */
static size_t num_values(const struct snap_decoder *d, const struct snap_schema_field *field,
	const struct snap_raw_field *const *raws, size_t num)
{
	size_t ret = 0, num_packed = 0;
	for (size_t i = 0; i < num; i++) {
		const struct snap_raw_field *raw = raws[i];
		if (!snap_field_is_packed(field, raw)) {
			ret++;
			continue;
		}
		enum snap_raw_wire wire = snap_field_wire(field->type);
		if (wire != SNAP_RAW_VARINT)
			num_packed += raw->payload.len / (wire == SNAP_RAW_FIXED64 ? 8 : 4);
		/* Each has one byte without a mark that another follows. */
		for (size_t j = 0; j < raw->payload.len && wire == SNAP_RAW_VARINT; j++)
			num_packed += !(raw->payload.data[j] & 0x80);
	}
	return ret + (num_packed < d->values_left ? num_packed : d->values_left);
}

/* Of a field that is declared so: raws are what there is of it, all fitting. */
static int fill_member(struct snap_decoder *d, const struct snap_schema_field *field,
	const struct snap_raw_field *const *raws, size_t num, unsigned int depth,
	struct snap_member *member, struct snap_message *message, struct snap_error *err)
{
	member->field = field;
	if (!snap_member_reserve(
		    d, member, field->is_repeated ? num_values(d, field, raws, num) : 1))
		return snap_error_no_memory(err);
	if (!field->is_repeated) {
		member->num_values = 1;
		return take_declared(d, field, raws, num, depth, &member->values[0], err);
	}
	member->shape = SNAP_MEMBER_LIST;
	for (size_t i = 0; i < num; i++) {
		int r;
		if (snap_field_is_packed(field, raws[i])) {
			r = unpack(d, field, raws[i]->payload, member, message, err);
		} else {
			struct snap_value *value = snap_member_add(d, member);
			r = value ? take_declared(d, field, &raws[i], 1, depth, value, err)
				  : snap_error_no_memory(err);
		}
		if (r < 0)
			return -1;
	}
	if (field->type == SNAP_FIELD_MESSAGE && field->message->is_map_entry)
		return snap_member_make_map(d, member, err);
	return 0;
}

/* All fields of one number. pointers has room for them. */
static int decode_number(struct snap_decoder *d, const struct snap_schema_field *field,
	const struct snap_raw_field *raws, size_t num, const struct snap_raw_field **pointers,
	unsigned int depth, struct snap_message *message, struct snap_error *err)
{
	struct snap_member *member;
	size_t num_fitting = 0;
	for (size_t i = 0; field && i < num; i++)
		if (snap_field_fits(field, &raws[i]))
			pointers[num_fitting++] = &raws[i];
	if (num_fitting > 0) {
		member = add_member(d, message, raws[0].number);
		if (!member)
			return snap_error_no_memory(err);
		if (fill_member(d, field, pointers, num_fitting, depth, member, message, err) < 0)
			return -1;
		/* An empty list in one piece, or nothing but what is beyond the limits. */
		if (member->num_values == 0)
			message->num_members--;
	}
	if (num_fitting == num)
		return 0;
	member = add_member(d, message, raws[0].number);
	if (!member)
		return snap_error_no_memory(err);
	member->shape = SNAP_MEMBER_LIST;
	member->declared = field;
	if (!snap_member_reserve(d, member, num - num_fitting))
		return snap_error_no_memory(err);
	for (size_t i = 0; i < num; i++) {
		if (field && snap_field_fits(field, &raws[i]))
			continue;
		struct snap_value *value = snap_member_add(d, member);
		if (!value)
			return snap_error_no_memory(err);
		if (take_undeclared(d, &raws[i], depth, value, err) < 0)
			return -1;
	}
	return 0;
}

static int compare_pointers(const void *a, const void *b)
{
	const struct snap_raw_field *const *x = a, *const *y = b;
	if ((*x)->number != (*y)->number)
		return (*x)->number < (*y)->number ? -1 : 1;
	return *x < *y ? -1 : *x > *y; /* of one array: in the order of the file */
}

/* By number, those of the same in the order of the file. */
static int sort_list(struct snap_raw_list *list, const struct snap_raw_field **pointers)
{
	bool is_sorted = true;
	for (size_t i = 1; i < list->num && is_sorted; i++)
		is_sorted = list->fields[i - 1].number <= list->fields[i].number;
	if (is_sorted)
		return 0;
	struct snap_raw_field *sorted = reallocarray(NULL, list->num, sizeof(*sorted));
	if (!sorted)
		return -1;
	for (size_t i = 0; i < list->num; i++)
		pointers[i] = &list->fields[i];
	qsort(pointers, list->num, sizeof(*pointers), compare_pointers);
	for (size_t i = 0; i < list->num; i++)
		sorted[i] = *pointers[i];
	free(list->fields);
	list->fields = sorted;
	list->capacity = list->num;
	return 0;
}

static int decode_list(struct snap_decoder *d, const struct snap_schema_message *type,
	struct snap_raw_list *list, unsigned int depth, struct snap_message *ret,
	struct snap_error *err)
{
	if (list->num == 0)
		return 0;
	const struct snap_raw_field **pointers = reallocarray(NULL, list->num, sizeof(*pointers));
	if (!pointers || sort_list(list, pointers) < 0) {
		free(pointers);
		return snap_error_no_memory(err);
	}
	size_t num_numbers = 1;
	for (size_t i = 1; i < list->num; i++)
		num_numbers += list->fields[i].number != list->fields[i - 1].number;
	ret->members = snap_arena_alloc(d->arena, num_numbers * sizeof(*ret->members));
	ret->capacity = ret->members ? num_numbers : 0;
	int r = ret->members ? 0 : snap_error_no_memory(err);
	for (size_t i = 0, num; i < list->num && r == 0; i += num) {
		uint32_t number = list->fields[i].number;
		for (num = 1; i + num < list->num && list->fields[i + num].number == number;)
			num++;
		r = decode_number(d, snap_schema_field_find(type, number), &list->fields[i], num,
			pointers, depth, ret, err);
	}
	free(pointers);
	return r;
}

int snap_decode(struct snap_decoder *decoder, const struct snap_schema_message *type,
	struct snap_raw_list *list, struct snap_message *ret, struct snap_error *err)
{
	*ret = (struct snap_message){.type = type};
	return decode_list(decoder, type, list, 0, ret, err);
}
