/*
 * Fields of a snapshot that are not ours, by a descriptor set that is as hostile: two bytes with
 * the set's length, one that says which of its messages, the set, and the snapshot.
 */
#include "analyze/fields/unknown.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "analyze/report/json_fields.h"
#include "analyze/report/text_fields.h"
#include "common/escape.h"
#include "fuzz/fuzz.h"

static void check_text(const struct snap_fields *fields)
{
	char *text = NULL, *save = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);
	FUZZ_REQUIRE(out);
	snap_text_field_list(fields, "", out);
	FUZZ_REQUIRE(fclose(out) == 0);
	FUZZ_REQUIRE(strlen(text) == len);
	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		FUZZ_REQUIRE(snap_escape_unneeded(snap_bytes_str(line), SNAP_ESCAPE_TERMINAL));
	free(text);
}

static void check_json(const struct snap_fields *fields)
{
	static struct snap_out buffer;
	struct snap_json json;
	json_error_t error;
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);
	FUZZ_REQUIRE(out);
	snap_out_init(&buffer, out);
	snap_json_init(&json, &buffer, false);
	snap_json_begin_object(&json, NULL);
	snap_json_put_fields(&json, fields);
	snap_json_end_object(&json);
	snap_out_flush(&buffer);
	FUZZ_REQUIRE(fclose(out) == 0);
	json_t *value = json_loadb(text, len, JSON_ALLOW_NUL | JSON_REJECT_DUPLICATES, &error);
	if (!value)
		(void)fprintf(stderr, "%s at byte %d\n", error.text, error.position);
	FUZZ_REQUIRE(value);
	json_decref(value);
	free(text);
}

static size_t count_values(const struct snap_message *message, unsigned int depth)
{
	size_t num = 0;
	FUZZ_REQUIRE(depth <= SNAP_DECODE_MAX_DEPTH + 1);
	for (size_t i = 0; i < message->num_members; i++) {
		const struct snap_member *member = &message->members[i];
		FUZZ_REQUIRE(member->num_values > 0);
		for (size_t j = 0; j < member->num_values; j++)
			num += 1 +
			       (member->values[j].message
					       ? count_values(member->values[j].message, depth + 1)
					       : 0);
		/* What is not in a map's entries is there by default. */
		if (member->shape == SNAP_MEMBER_MAP)
			num -= 2 * member->num_values;
	}
	return num;
}

static void check(const struct snap_fields *fields)
{
	size_t num = 0;
	FUZZ_REQUIRE(fields->num <= SNAP_MAX_UNKNOWN_FIELDS);
	for (size_t i = 0; i < fields->num; i++) {
		const struct snap_unknown_field *field = &fields->list[i];
		FUZZ_REQUIRE(field->count > 0);
		FUZZ_REQUIRE(!field->declared == (field->num_found == 0));
		for (size_t j = 0; j < field->num_found; j++)
			num += count_values(&field->found[j].message, 0);
	}
	FUZZ_REQUIRE(num <= SNAP_DECODE_MAX_VALUES);
	check_text(fields);
	check_json(fields);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct fuzz_input input = {data, len};
	struct snap_error err = SNAP_ERROR_INIT;
	size_t set_len = (size_t)fuzz_number(&input, 2), which = (size_t)fuzz_number(&input, 1);
	struct snap_bytes set = fuzz_bytes(&input, set_len);
	uint8_t *set_copy = fuzz_copy(set);
	/* Once: what we know ourselves is the same for all. */
	static struct snap_overlays *overlays;
	if (!overlays)
		overlays = snap_overlays_create(&err);
	FUZZ_REQUIRE(overlays);
	struct snap_schema *schema = &overlays->list[0].schema;
	overlays->list[0].message = NULL;
	if (snap_schema_read(snap_bytes(set_copy, set.len), schema, &err) == 0) {
		overlays->num = 1;
		if (schema->num_messages > 0)
			overlays->list[0].message = schema->messages[which % schema->num_messages];
	} else {
		FUZZ_REQUIRE(err.text[0]);
		FUZZ_REQUIRE(snap_escape_unneeded(snap_bytes_str(err.text), SNAP_ESCAPE_TERMINAL));
	}
	free(set_copy);

	struct snap_bytes snapshot = snap_bytes(input.data, input.len);
	uint8_t *copy = fuzz_copy(snapshot);
	struct snap_arena arena;
	struct snap_fields fields;
	snap_arena_init(&arena, SIZE_MAX);
	FUZZ_REQUIRE(snap_fields_find(snap_bytes(copy, snapshot.len), which & 0x80, overlays,
			     &arena, &fields, &err) == 0);
	check(&fields);
	snap_arena_deinit(&arena);
	free(copy);
	if (overlays->num > 0)
		snap_schema_deinit(schema);
	overlays->num = 0;
	return 0;
}
