#include "analyze/report/json_fields.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "analyze/report/json_values.h"
#include "analyze/report/words.h"

/* ---------------------------------------------------------------- values */

/* JSON has no numbers that are none; what they are called is as in Protocol Buffers' own mapping.
 */
static void put_real(struct snap_json *w, const struct snap_value *value)
{
	char words[32];
	if (isnan(value->real))
		snap_json_put_string(w, NULL, "NaN");
	else if (isinf(value->real))
		snap_json_put_string(w, NULL, value->real < 0 ? "-Infinity" : "Infinity");
	else
		snap_json_put_digits(w, NULL,
			snap_real_words(value->real, value->kind == SNAP_VALUE_FLOAT, words));
}

/* Readers hold integers in 64 bits with a sign. */
static void put_unsigned(struct snap_json *w, uint64_t number)
{
	char digits[24];
	if (number <= INT64_MAX) {
		snap_json_put_number(w, NULL, number);
		return;
	}
	(void)snprintf(digits, sizeof(digits), "%" PRIu64, number);
	snap_json_put_string(w, NULL, digits);
}

static void put_plain_bytes(struct snap_json *w, const char *key, const struct snap_value *value)
{
	if (value->kind == SNAP_VALUE_TEXT)
		snap_json_put_text(w, key, value->bytes);
	else
		snap_json_put_hex_bytes(w, key, value->bytes);
}

/* What was cut is no string, so that nobody takes it for the whole. */
static void put_bytes(struct snap_json *w, const struct snap_value *value)
{
	if (value->left_out == 0) {
		put_plain_bytes(w, NULL, value);
		return;
	}
	snap_json_begin_object(w, NULL);
	put_plain_bytes(w, "$cut", value);
	snap_json_put_number(w, "$left_out", value->left_out);
	snap_json_end_object(w);
}

static void put_message(struct snap_json *w, const char *key, const struct snap_message *message);

static void put_value(struct snap_json *w, const struct snap_value *value)
{
	switch (value->kind) {
	case SNAP_VALUE_SIGNED:
		snap_json_put_signed(w, NULL, (int64_t)value->number);
		break;
	case SNAP_VALUE_UNSIGNED:
		put_unsigned(w, value->number);
		break;
	case SNAP_VALUE_FLOAT:
	case SNAP_VALUE_DOUBLE:
		put_real(w, value);
		break;
	case SNAP_VALUE_BOOL:
		snap_json_put_bool(w, NULL, value->number != 0);
		break;
	case SNAP_VALUE_ENUM:
		if (value->name)
			snap_json_put_string(w, NULL, value->name);
		else
			snap_json_put_signed(w, NULL, (int64_t)value->number);
		break;
	case SNAP_VALUE_FIXED32:
	case SNAP_VALUE_FIXED64:
		snap_json_put_hex(w, NULL, value->number);
		break;
	case SNAP_VALUE_TEXT:
	case SNAP_VALUE_BYTES:
		put_bytes(w, value);
		break;
	case SNAP_VALUE_MESSAGE:
		put_message(w, NULL, value->message);
		break;
	}
}

/* ---------------------------------------------------------------- messages */

static void put_map_key(struct snap_json *w, const struct snap_value *key)
{
	char digits[24];
	if (key->kind == SNAP_VALUE_TEXT) {
		snap_json_put_key(w, key->bytes);
		return;
	}
	if (key->kind == SNAP_VALUE_BOOL)
		(void)snprintf(digits, sizeof(digits), "%s", key->number ? "true" : "false");
	else if (key->kind == SNAP_VALUE_SIGNED)
		(void)snprintf(digits, sizeof(digits), "%" PRId64, (int64_t)key->number);
	else
		(void)snprintf(digits, sizeof(digits), "%" PRIu64, key->number);
	snap_json_put_key(w, snap_bytes_str(digits));
}

static void put_map(struct snap_json *w, const struct snap_member *member)
{
	snap_json_begin_object(w, NULL);
	for (size_t i = 0; i < member->num_values; i++) {
		put_map_key(w, snap_map_key(&member->values[i]));
		put_value(w, snap_map_value(&member->values[i]));
	}
	snap_json_end_object(w);
}

/* By its number, which no name is like: how it stands there, too. */
static void put_undeclared(struct snap_json *w, const struct snap_member *member)
{
	char number[16];
	(void)snprintf(number, sizeof(number), "%" PRIu32, member->number);
	snap_json_begin_array(w, number);
	for (size_t i = 0; i < member->num_values; i++) {
		snap_json_begin_object(w, NULL);
		snap_json_put_string(w, "wire", snap_raw_wire_name(member->values[i].wire));
		snap_json_put_string(
			w, "declared", member->declared ? member->declared->type_name : NULL);
		snap_json_put_key(w, snap_bytes_str("value"));
		put_value(w, &member->values[i]);
		snap_json_end_object(w);
	}
	snap_json_end_array(w);
}

static void put_member(struct snap_json *w, const struct snap_member *member)
{
	if (!member->field) {
		put_undeclared(w, member);
		return;
	}
	snap_json_put_key(w, snap_bytes_str(member->field->name));
	switch (member->shape) {
	case SNAP_MEMBER_ONE:
		put_value(w, &member->values[0]);
		break;
	case SNAP_MEMBER_MAP:
		put_map(w, member);
		break;
	case SNAP_MEMBER_LIST:
		snap_json_begin_array(w, NULL);
		for (size_t i = 0; i < member->num_values; i++)
			put_value(w, &member->values[i]);
		snap_json_end_array(w);
		break;
	}
}

static void put_message(struct snap_json *w, const char *key, const struct snap_message *message)
{
	snap_json_begin_object(w, key);
	for (size_t i = 0; i < message->num_members; i++)
		put_member(w, &message->members[i]);
	if (message->left_out > 0)
		snap_json_put_number(w, "$left_out", message->left_out);
	if (message->trouble)
		snap_json_put_string(w, "$trouble", message->trouble);
	snap_json_end_object(w);
}

/* ---------------------------------------------------------------- the list */

static void put_found(struct snap_json *w, const struct snap_field_found *found)
{
	snap_json_begin_object(w, NULL);
	snap_json_put_string(w, "within", found->within);
	snap_json_maybe_number(w, "tid", found->has_tid, found->tid);
	put_message(w, "value", &found->message);
	snap_json_end_object(w);
}

static void put_field(struct snap_json *w, const struct snap_unknown_field *field)
{
	snap_json_begin_object(w, NULL);
	snap_json_put_string(w, "path", field->path);
	snap_json_put_number(w, "number", field->number);
	snap_json_put_string(
		w, "wire", field->is_mixed ? "mixed" : snap_raw_wire_name(field->wire));
	snap_json_put_number(w, "count", field->count);
	snap_json_put_number(w, "bytes", field->bytes);
	snap_json_put_string(w, "name", field->name);
	snap_json_put_string(w, "type", field->declared ? field->declared->type_name : NULL);
	snap_json_put_string(w, "overlay", field->overlay ? field->overlay->name : NULL);
	if (snap_json_maybe_array(w, "decoded", field->declared != NULL)) {
		for (size_t i = 0; i < field->num_found; i++)
			put_found(w, &field->found[i]);
		snap_json_end_array(w);
	}
	snap_json_end_object(w);
}

void snap_json_put_fields(struct snap_json *w, const struct snap_fields *fields)
{
	snap_json_begin_array(w, "fields");
	for (size_t i = 0; fields && i < fields->num; i++)
		put_field(w, &fields->list[i]);
	snap_json_end_array(w);
	snap_json_put_number(w, "fields_left_out", fields ? fields->left_out : 0);
}
