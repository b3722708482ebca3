/* analyze/fields: what a snapshot has that we do not know, counted, and decoded by descriptor sets
 * that are made here, good and bad. */
#include "analyze/fields/unknown.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "analyze/report/json_fields.h"
#include "analyze/report/text_fields.h"

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

/* ---------------------------------------------------------------- writing messages */

struct message {
	uint8_t *data;
	size_t len, capacity;
};

static void put(struct message *m, const void *data, size_t len)
{
	while (m->len + len > m->capacity) {
		m->capacity = m->capacity ? 2 * m->capacity : 256;
		m->data = realloc(m->data, m->capacity);
		assert_non_null(m->data);
	}
	if (len > 0)
		memcpy(m->data + m->len, data, len);
	m->len += len;
}

static void put_varint(struct message *m, uint64_t value)
{
	do {
		uint8_t byte = (uint8_t)((value & 0x7f) | (value > 0x7f ? 0x80 : 0));
		put(m, &byte, 1);
		value >>= 7;
	} while (value > 0);
}

static void put_tag(struct message *m, uint32_t number, unsigned int wire)
{
	put_varint(m, (uint64_t)number << 3 | wire);
}

static void put_number(struct message *m, uint32_t number, uint64_t value)
{
	put_tag(m, number, 0);
	put_varint(m, value);
}

static void put_fixed(struct message *m, uint32_t number, uint64_t value, size_t size)
{
	put_tag(m, number, size == 8 ? 1 : 5);
	for (size_t i = 0; i < size; i++)
		put(m, &(uint8_t){(uint8_t)(value >> (8 * i))}, 1);
}

static void put_bytes(struct message *m, uint32_t number, const void *data, size_t len)
{
	put_tag(m, number, 2);
	put_varint(m, len);
	put(m, data, len);
}

static void put_text(struct message *m, uint32_t number, const char *text)
{
	put_bytes(m, number, text, strlen(text));
}

/* Ends inner. */
static void put_message(struct message *m, uint32_t number, struct message *inner)
{
	put_bytes(m, number, inner->data, inner->len);
	free(inner->data);
	*inner = (struct message){0};
}

/* ---------------------------------------------------------------- writing descriptors */

/* type_name: NULL for scalars. */
static void put_field(struct message *type, const char *name, uint32_t number, int kind,
	const char *type_name, bool is_repeated)
{
	struct message field = {0};
	put_text(&field, 1, name);
	put_number(&field, 3, number);
	put_number(&field, 4, is_repeated ? 3 : 1);
	put_number(&field, 5, (uint64_t)kind);
	if (type_name)
		put_text(&field, 6, type_name);
	put_message(type, 2, &field);
}

static void put_enum_value(struct message *e, const char *name, int32_t number)
{
	struct message value = {0};
	put_text(&value, 1, name);
	put_number(&value, 2, (uint64_t)(int64_t)number);
	put_message(e, 2, &value);
}

static void put_map_entry(
	struct message *type, const char *name, int key, int value, const char *value_type)
{
	struct message entry = {0}, options = {0};
	put_text(&entry, 1, name);
	put_field(&entry, "key", 1, key, NULL, false);
	put_field(&entry, "value", 2, value, value_type, false);
	put_number(&options, 7, 1);
	put_message(&entry, 7, &options);
	put_message(type, 3, &entry);
}

/* All that there is, as message t.All in the field 2000 of t.Snapshot. */
static struct message make_set(void)
{
	static const struct {
		const char *name;
		int kind;
	} scalars[] = {{"f_double", 1}, {"f_float", 2}, {"f_int64", 3}, {"f_uint64", 4},
		{"f_int32", 5}, {"f_fixed64", 6}, {"f_fixed32", 7}, {"f_bool", 8}, {"f_string", 9},
		{"f_bytes", 12}, {"f_uint32", 13}, {"f_sfixed32", 15}, {"f_sfixed64", 16},
		{"f_sint32", 17}, {"f_sint64", 18}};
	struct message set = {0}, file = {0}, all = {0}, snapshot = {0}, thread = {0}, e = {0};
	put_text(&file, 1, "t.proto");
	put_text(&file, 2, "t");

	put_text(&all, 1, "All");
	for (size_t i = 0; i < ARRAY_LEN(scalars); i++)
		put_field(&all, scalars[i].name, (uint32_t)scalars[i].kind, scalars[i].kind, NULL,
			false);
	put_field(&all, "f_enum", 14, 14, ".t.Color", false);
	put_field(&all, "f_message", 11, 11, ".t.All", false);
	put_field(&all, "f_group", 10, 10, ".t.All", false);
	put_field(&all, "r_int32", 21, 5, NULL, true);
	put_field(&all, "r_double", 22, 1, NULL, true);
	put_field(&all, "r_fixed32", 23, 7, NULL, true);
	put_field(&all, "r_string", 24, 9, NULL, true);
	put_field(&all, "r_message", 25, 11, ".t.All", true);
	put_field(&all, "r_enum", 26, 14, ".t.Color", true);
	put_field(&all, "m_text", 31, 11, ".t.All.MTextEntry", true);
	put_field(&all, "m_int", 32, 11, ".t.All.MIntEntry", true);
	put_field(&all, "m_bool", 33, 11, ".t.All.MBoolEntry", true);
	put_field(&all, "missing", 41, 11, ".t.Missing", false);
	put_field(&all, "missing_enum", 42, 14, ".t.Missing", false);
	put_map_entry(&all, "MTextEntry", 9, 5, NULL);
	put_map_entry(&all, "MIntEntry", 17, 11, ".t.All");
	put_map_entry(&all, "MBoolEntry", 8, 14, ".t.Color");
	put_message(&file, 4, &all);

	put_text(&thread, 1, "Thread");
	put_field(&thread, "load", 1040, 13, NULL, false);
	put_message(&file, 4, &thread);

	put_text(&snapshot, 1, "Snapshot");
	put_field(&snapshot, "all", 2000, 11, ".t.All", false);
	put_field(&snapshot, "many", 2001, 11, ".t.All", true);
	put_field(&snapshot, "threads", 18, 11, ".t.Thread", true);
	put_field(&snapshot, "metadata", 16, 9, NULL, false); /* not as a message: not gone into */
	put_field(&snapshot, "numbers", 2002, 13, NULL, true);
	put_message(&file, 4, &snapshot);

	put_text(&e, 1, "Color");
	put_enum_value(&e, "RED", 0);
	put_enum_value(&e, "BLUE", 2);
	put_enum_value(&e, "BLEU", 2); /* an alias: the first one counts */
	put_enum_value(&e, "NEGATIVE", -1);
	put_message(&file, 5, &e);
	put_message(&set, 1, &file);
	return set;
}

/* ---------------------------------------------------------------- reading */

/* Of the next snapshot: whether another program wrote it. */
static bool is_foreign;

struct reading {
	struct snap_overlays *overlays;
	struct snap_arena arena;
	struct snap_fields fields;
	uint8_t *snapshot; /* on the heap, so that a read behind its end is seen */
};

static void begin(struct reading *r, const struct message *set, const char *name)
{
	struct snap_error err = SNAP_ERROR_INIT;
	*r = (struct reading){.overlays = snap_overlays_create(&err)};
	assert_non_null(r->overlays);
	snap_arena_init(&r->arena, SIZE_MAX);
	if (set && snap_overlays_add(
			   r->overlays, snap_bytes(set->data, set->len), "t.binpb", name, &err) < 0)
		fail_msg("%s", err.text);
}

/* Ends snapshot. */
static void find(struct reading *r, struct message *snapshot)
{
	struct snap_error err = SNAP_ERROR_INIT;
	r->snapshot = malloc(snapshot->len ? snapshot->len : 1);
	assert_non_null(r->snapshot);
	if (snapshot->len > 0)
		memcpy(r->snapshot, snapshot->data, snapshot->len);
	assert_int_equal(snap_fields_find(snap_bytes(r->snapshot, snapshot->len), is_foreign,
				 r->overlays, &r->arena, &r->fields, &err),
		0);
	free(snapshot->data);
	*snapshot = (struct message){0};
}

static void end(struct reading *r)
{
	snap_arena_deinit(&r->arena);
	snap_overlays_destroy(r->overlays);
	free(r->snapshot);
}

static char *text_of(const struct reading *r)
{
	char *text;
	size_t len;
	FILE *out = open_memstream(&text, &len);
	assert_non_null(out);
	snap_text_field_list(&r->fields, "", out);
	assert_int_equal(fclose(out), 0);
	return text;
}

/* "fields", parsed: so it is JSON, and no key is there twice. */
static json_t *json_of(const struct reading *r)
{
	char *text;
	size_t len;
	json_error_t err;
	struct snap_out *buffer = malloc(sizeof(*buffer));
	struct snap_json json;
	FILE *out = open_memstream(&text, &len);
	assert_non_null(buffer);
	assert_non_null(out);
	snap_out_init(buffer, out);
	snap_json_init(&json, buffer, false);
	snap_json_begin_object(&json, NULL);
	snap_json_put_fields(&json, &r->fields);
	snap_json_end_object(&json);
	snap_out_flush(buffer);
	assert_int_equal(fclose(out), 0);
	json_t *ret = json_loads(text, JSON_REJECT_DUPLICATES, &err);
	if (!ret)
		fail_msg("%s: %s", err.text, text);
	free(text);
	free(buffer);
	return ret;
}

/* The value of the first field's first message, as compact JSON with sorted keys. */
static void check_json(const struct reading *r, const char *wanted)
{
	json_t *report = json_of(r);
	json_t *field = json_array_get(json_object_get(report, "fields"), 0);
	json_t *found = json_array_get(json_object_get(field, "decoded"), 0);
	char *got = json_dumps(
		json_object_get(found, "value"), JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY);
	assert_non_null(got);
	assert_string_equal(got, wanted);
	free(got);
	json_decref(report);
}

static void check_text(const struct reading *r, const char *wanted)
{
	char *got = text_of(r);
	assert_string_equal(got, wanted);
	free(got);
}

/* What a t.All of these fields is. Ends all. */
static void check_all(struct message *all, const char *text, const char *json)
{
	struct message set = make_set(), snapshot = {0};
	struct reading r;
	char *got;
	put_message(&snapshot, 2000, all);
	begin(&r, &set, "t.Snapshot");
	find(&r, &snapshot);
	assert_int_equal(r.fields.num, 1);
	got = text_of(&r);
	/* The line of the list, and the braces, are the same for all. */
	char *line = strchr(got, '\n');
	assert_non_null(line);
	if (text)
		assert_string_equal(line + 1, text);
	if (json)
		check_json(&r, json);
	free(got);
	end(&r);
	free(set.data);
}

/* ---------------------------------------------------------------- values */

static void test_every_scalar(void **state)
{
	(void)state;
	struct message all = {0};
	put_fixed(&all, 1, 0x3ff8000000000000, 8);
	put_fixed(&all, 2, 0x3dcccccd, 4);
	put_number(&all, 3, (uint64_t)INT64_MIN);
	put_number(&all, 4, UINT64_MAX);
	put_number(&all, 5, (uint64_t)(int64_t)-5);
	put_fixed(&all, 6, 0x8000000000000000, 8);
	put_fixed(&all, 7, 0xffffffff, 4);
	put_number(&all, 8, 300);
	put_text(&all, 9, "a\"b\\\n\xc3\xa4\x1b");
	put_bytes(&all, 12, "\0\xff\xc3\xa4z", 5);
	put_number(&all, 13, 0xffffffff);
	put_number(&all, 14, 2);
	put_fixed(&all, 15, 0xfffffffe, 4);
	put_fixed(&all, 16, (uint64_t)-3, 8);
	put_number(&all, 17, 3);	  /* -2 */
	put_number(&all, 18, UINT64_MAX); /* INT64_MIN */
	check_all(&all,
		"  all {\n"
		"    f_double: 1.5\n"
		"    f_float: 0.1\n"
		"    f_int64: -9223372036854775808\n"
		"    f_uint64: 18446744073709551615\n"
		"    f_int32: -5\n"
		"    f_fixed64: 9223372036854775808\n"
		"    f_fixed32: 4294967295\n"
		"    f_bool: true\n"
		"    f_string: \"a\\\"b\\\\\\n\xc3\xa4\\033\"\n"
		"    f_bytes: \"\\000\\377\\303\\244z\"\n"
		"    f_uint32: 4294967295\n"
		"    f_enum: BLUE\n"
		"    f_sfixed32: -2\n"
		"    f_sfixed64: -3\n"
		"    f_sint32: -2\n"
		"    f_sint64: -9223372036854775808\n"
		"  }\n",
		"{\"all\":{\"f_bool\":true,\"f_bytes\":\"00ffc3a47a\",\"f_double\":1.5,\"f_enum\":"
		"\"BLUE\","
		"\"f_fixed32\":4294967295,\"f_fixed64\":\"9223372036854775808\",\"f_float\":0."
		"10000000000000001,"
		"\"f_int32\":-5,\"f_int64\":-9223372036854775808,\"f_sfixed32\":-2,\"f_sfixed64\":-"
		"3,"
		"\"f_sint32\":-2,\"f_sint64\":-9223372036854775808,"
		"\"f_string\":\"a\\\"b\\\\\\n\xc3\xa4\\u001B\",\"f_uint32\":4294967295,"
		"\"f_uint64\":\"18446744073709551615\"}}");
}

static void test_numbers_are_cut_to_their_type(void **state)
{
	(void)state;
	struct message all = {0};
	put_number(&all, 5, 0x1fffffff0);
	put_number(&all, 13, 0x100000007);
	put_number(&all, 14, 0x100000002);
	put_number(&all, 17, 0x100000001);
	check_all(&all,
		"  all {\n    f_int32: -16\n    f_uint32: 7\n    f_enum: BLUE\n    f_sint32: -1\n  "
		"}\n",
		NULL);
}

static void test_reals_that_are_none(void **state)
{
	(void)state;
	static const uint64_t values[] = {0x7ff0000000000000, 0xfff0000000000000,
		0x7ff8000000000000, 0x8000000000000000, 0x3fb999999999999a, 0x3fd3333333333334,
		0x44b52d02c7e14af6, 1};
	struct message all = {0}, packed = {0};
	for (size_t i = 0; i < ARRAY_LEN(values); i++)
		for (size_t j = 0; j < 8; j++)
			put(&packed, &(uint8_t){(uint8_t)(values[i] >> (8 * j))}, 1);
	put_fixed(&all, 2, 0x7fc00000, 4);
	put_message(&all, 22, &packed);
	check_all(&all,
		"  all {\n    f_float: nan\n    r_double: [inf, -inf, nan, -0, 0.1, "
		"0.30000000000000004, 1e+23, "
		"4.9406564584125e-324]\n  }\n",
		"{\"all\":{\"f_float\":\"NaN\",\"r_double\":[\"Infinity\",\"-Infinity\",\"NaN\",0,"
		"0.10000000000000001,0.30000000000000004,9.9999999999999992e22,4.9406564584124654e-"
		"324]}}");
}

static void test_enums(void **state)
{
	(void)state;
	struct message all = {0};
	put_number(&all, 14, UINT64_MAX);
	put_bytes(&all, 26, "\0\2\1", 3);
	put_number(&all, 42, 7); /* of a type that is not there */
	check_all(&all,
		"  all {\n    f_enum: NEGATIVE\n    r_enum: [RED, BLUE, 1]\n    missing_enum: 7\n  "
		"}\n",
		"{\"all\":{\"f_enum\":\"NEGATIVE\",\"missing_enum\":7,\"r_enum\":[\"RED\",\"BLUE\","
		"1]}}");
}

/* ---------------------------------------------------------------- lists, messages, maps */

static void test_lists_packed_or_not(void **state)
{
	(void)state;
	struct message all = {0};
	put_number(&all, 21, 1);
	put_bytes(&all, 21, "\2\x83\0", 3);
	put_text(&all, 24, "x");
	put_number(&all, 21, 4);
	put_bytes(&all, 23, "\1\0\0\0\2\0\0\0", 8);
	put_fixed(&all, 23, 3, 4);
	put_bytes(&all, 22, "", 0); /* of no values */
	put_text(&all, 24, "");
	check_all(&all,
		"  all {\n    r_int32: [1, 2, 3, 4]\n    r_fixed32: [1, 2, 3]\n    r_string: "
		"\"x\"\n"
		"    r_string: \"\"\n  }\n",
		"{\"all\":{\"r_fixed32\":[1,2,3],\"r_int32\":[1,2,3,4],\"r_string\":[\"x\",\"\"]}"
		"}");
}

static void test_lists_that_are_broken(void **state)
{
	(void)state;
	struct message all = {0};
	put_bytes(&all, 21, "\1\x82", 2);
	check_all(&all,
		"  all {\n    r_int32: 1\n    # a packed list does not end with a whole value\n  "
		"}\n",
		"{\"all\":{\"$trouble\":\"a packed list does not end with a whole "
		"value\",\"r_int32\":[1]}}");
	put_bytes(&all, 23, "\1\0\0", 3);
	check_all(&all, "  all {\n    # a packed list does not end with a whole value\n  }\n",
		"{\"all\":{\"$trouble\":\"a packed list does not end with a whole value\"}}");
}

static void test_one_of_several(void **state)
{
	(void)state;
	struct message all = {0}, first = {0}, second = {0};
	put_number(&all, 5, 1);
	put_number(&first, 5, 1);
	put_number(&first, 21, 1);
	put_number(&second, 21, 2);
	put_number(&second, 5, 9);
	put_message(&all, 11, &first);
	put_number(&all, 5, 2);
	put_message(&all, 11, &second);
	/* The last one counts; messages are merged. */
	check_all(&all,
		"  all {\n    f_int32: 2\n    f_message {\n      f_int32: 9\n      r_int32: [1, "
		"2]\n    }\n  }\n",
		"{\"all\":{\"f_int32\":2,\"f_message\":{\"f_int32\":9,\"r_int32\":[1,2]}}}");
}

static void test_maps(void **state)
{
	(void)state;
	struct message all = {0}, entry = {0}, empty = {0};
	put_text(&entry, 1, "b");
	put_number(&entry, 2, 1);
	put_message(&all, 31, &entry);
	put_number(&entry, 2, 5); /* the key is "" */
	put_message(&all, 31, &entry);
	put_number(&entry, 2, 7); /* behind, which is none of our business */
	put_text(&entry, 1, "b");
	put_message(&all, 31, &entry);
	put_number(&entry, 1, 2);
	put_message(&entry, 2, &empty);
	put_message(&all, 32, &entry);
	put_number(&entry, 1, 1);
	put_message(&all, 32, &entry); /* -1, and no value */
	put_message(&all, 33, &empty); /* nothing at all */
	put_number(&entry, 1, 1);
	put_number(&entry, 2, 1);
	put_message(&all, 33, &entry);
	put_number(&entry, 1, 300); /* true, too */
	put_number(&entry, 2, 2);
	put_message(&all, 33, &entry);
	check_all(&all,
		"  all {\n"
		"    m_text {\n      key: \"\"\n      value: 5\n    }\n"
		"    m_text {\n      key: \"b\"\n      value: 7\n    }\n"
		"    m_int {\n      key: -1\n      value {\n      }\n    }\n"
		"    m_int {\n      key: 1\n      value {\n      }\n    }\n"
		"    m_bool {\n      key: false\n      value: RED\n    }\n"
		"    m_bool {\n      key: true\n      value: BLUE\n    }\n"
		"  }\n",
		"{\"all\":{\"m_bool\":{\"false\":\"RED\",\"true\":\"BLUE\"},\"m_int\":{\"-1\":{},"
		"\"1\":{}},"
		"\"m_text\":{\"\":5,\"b\":7}}}");
}

static void test_maps_with_odd_entries_are_lists(void **state)
{
	(void)state;
	struct message all = {0}, entry = {0};
	put_text(&entry, 1, "k");
	put_number(&entry, 2, 1);
	put_message(&all, 31, &entry);
	put_text(&entry, 1, "k");
	put_number(&entry, 2, 2);
	put_number(&entry, 3, 3);
	put_message(&all, 31, &entry);
	check_all(&all, NULL,
		"{\"all\":{\"m_text\":[{\"key\":\"k\",\"value\":1},{\"3\":[{\"declared\":null,"
		"\"value\":3,"
		"\"wire\":\"varint\"}],\"key\":\"k\",\"value\":2}]}}");
	/* Two keys that would look the same. */
	put_text(&entry, 1, "\xff");
	put_message(&all, 31, &entry);
	put_text(&entry, 1, "\\xff");
	put_message(&all, 31, &entry);
	check_all(
		&all, NULL, "{\"all\":{\"m_text\":[{\"key\":\"\\\\xff\"},{\"key\":\"\\\\xff\"}]}}");
	/* No message. */
	put_bytes(&all, 31, "\xff", 1);
	check_all(&all, NULL,
		"{\"all\":{\"m_text\":[{\"$trouble\":\"not a message from byte 0 of its 1 "
		"on\"}]}}");
}

/* ---------------------------------------------------------------- what is not as declared */

static void test_mismatches(void **state)
{
	(void)state;
	struct message all = {0};
	put_number(&all, 9, 5);
	put_text(&all, 9, "good");
	put_bytes(&all, 5, "\1", 1); /* packed, but not declared as a list */
	put_fixed(&all, 11, 1, 4);
	put_text(&all, 41, "x"); /* of a type that is not there */
	put_number(&all, 99, 150);
	put_fixed(&all, 99, 2, 8);
	check_all(&all,
		"  all {\n"
		"    5: \"\\001\"  # bytes, but declared as int32 f_int32\n"
		"    f_string: \"good\"\n"
		"    9: 5  # varint, but declared as string f_string\n"
		"    11: 0x00000001  # fixed32, but declared as t.All f_message\n"
		"    41: \"x\"  # bytes, but declared as t.Missing missing\n"
		"    99: 150\n"
		"    99: 0x0000000000000002\n"
		"  }\n",
		"{\"all\":{\"11\":[{\"declared\":\"t.All\",\"value\":\"0x1\",\"wire\":\"fixed32\"}]"
		","
		"\"41\":[{\"declared\":\"t.Missing\",\"value\":\"78\",\"wire\":\"bytes\"}],"
		"\"5\":[{\"declared\":\"int32\",\"value\":\"01\",\"wire\":\"bytes\"}],"
		"\"9\":[{\"declared\":\"string\",\"value\":5,\"wire\":\"varint\"}],"
		"\"99\":[{\"declared\":null,\"value\":150,\"wire\":\"varint\"},"
		"{\"declared\":null,\"value\":\"0x2\",\"wire\":\"fixed64\"}],"
		"\"f_string\":\"good\"}}");
}

static void test_messages_that_are_none(void **state)
{
	(void)state;
	struct message all = {0};
	put_bytes(&all, 11, "\x28\x01\x0b", 3); /* a group that does not end */
	put_bytes(&all, 25, "\x2a\x05zzzz", 6);
	check_all(&all,
		"  all {\n"
		"    f_message {\n      f_int32: 1\n      # not a message from byte 2 of its 3 "
		"on\n    }\n"
		"    r_message {\n      # not a message from byte 0 of its 6 on\n    }\n"
		"  }\n",
		NULL);
}

static void test_groups(void **state)
{
	(void)state;
	struct message all = {0};
	put_tag(&all, 10, 3);
	put_number(&all, 5, 1);
	put_tag(&all, 77, 3); /* in it, and not declared */
	put_text(&all, 1, "x");
	put_tag(&all, 77, 4);
	put_tag(&all, 10, 4);
	put_number(&all, 5, 2);
	check_all(&all,
		"  all {\n    f_int32: 2\n    f_group {\n      f_int32: 1\n      77 {\n        1: "
		"\"x\"\n"
		"      }\n    }\n  }\n",
		"{\"all\":{\"f_group\":{\"77\":[{\"declared\":null,\"value\":{\"1\":[{\"declared\":"
		"null,"
		"\"value\":\"78\",\"wire\":\"bytes\"}]},\"wire\":\"group\"}],\"f_int32\":1},\"f_"
		"int32\":2}}");
	/* Ended by another one's end. */
	put_tag(&all, 10, 3);
	put_tag(&all, 11, 4);
	check_all(&all, "  all {\n    # not a message from byte 0 of its 2 on\n  }\n", NULL);
	/* As deep as is read, and deeper. */
	for (int extra = 0; extra < 2; extra++) {
		for (int i = 0; i < SNAP_WIRE_MAX_GROUPS + extra; i++)
			put_tag(&all, 77, 3);
		for (int i = 0; i < SNAP_WIRE_MAX_GROUPS + extra; i++)
			put_tag(&all, 77, 4);
		struct message set = make_set(), snapshot = {0};
		struct reading r;
		put_message(&snapshot, 2000, &all);
		begin(&r, &set, "t.Snapshot");
		find(&r, &snapshot);
		const struct snap_message *found =
			r.fields.list[0].found[0].message.members[0].values[0].message;
		assert_int_equal(found->num_members, extra ? 0 : 1);
		assert_int_equal(found->trouble != NULL, extra);
		end(&r);
		free(set.data);
	}
}

/* ---------------------------------------------------------------- limits */

static void test_nesting_is_bounded(void **state)
{
	(void)state;
	struct message all = {0}, set = make_set(), snapshot = {0};
	struct reading r;
	size_t depth = 0;
	put_number(&all, 5, 1);
	for (int i = 0; i < 200; i++) {
		struct message outer = {0};
		put_message(&outer, 11, &all);
		all = outer;
	}
	put_message(&snapshot, 2000, &all);
	begin(&r, &set, "t.Snapshot");
	find(&r, &snapshot);
	const struct snap_message *m = &r.fields.list[0].found[0].message;
	for (; m->num_members > 0; m = m->members[0].values[0].message)
		depth++;
	assert_int_equal(depth, SNAP_DECODE_MAX_DEPTH + 1);
	assert_non_null(strstr(m->trouble, "deeper"));
	json_decref(json_of(&r));
	end(&r);
	free(set.data);
}

static void test_values_are_bounded(void **state)
{
	(void)state;
	struct message all = {0}, packed = {0}, set = make_set(), snapshot = {0}, more = {0};
	struct reading r;
	for (size_t i = 0; i < SNAP_DECODE_MAX_VALUES + 100; i++)
		put_varint(&packed, 1);
	put_message(&all, 21, &packed);
	put_message(&snapshot, 2000, &all);
	put_number(&snapshot, 2002, 1);
	begin(&r, &set, "t.Snapshot");
	find(&r, &snapshot);
	/* Walked through first, then decoded: these three were taken before. */
	const struct snap_message *m =
		r.fields.list[0].found[0].message.members[0].values[0].message;
	assert_int_equal(m->members[0].num_values, SNAP_DECODE_MAX_VALUES - 3);
	assert_int_equal(m->left_out, 103);
	end(&r);

	/* Fields, and what comes when nothing is left. */
	for (size_t i = 0; i < SNAP_DECODE_MAX_VALUES + 100; i++)
		put_number(&snapshot, 2002, 1);
	for (int i = 0; i < 3; i++) {
		put_number(&more, 1040, 7);
		put_message(&snapshot, 18, &more);
	}
	begin(&r, &set, "t.Snapshot");
	find(&r, &snapshot);
	assert_int_equal(r.fields.num, 2);
	assert_int_equal(r.fields.list[0].count, SNAP_DECODE_MAX_VALUES + 100);
	m = &r.fields.list[0].found[0].message;
	assert_int_equal(m->members[0].num_values, SNAP_DECODE_MAX_VALUES);
	assert_int_equal(m->left_out, 100);
	assert_int_equal(r.fields.list[1].count, 3);
	assert_int_equal(r.fields.list[1].num_found, 1);
	assert_int_equal(r.fields.list[1].found[0].message.left_out, 3);
	json_decref(json_of(&r));
	end(&r);
	free(set.data);
}

static void test_text_is_bounded(void **state)
{
	(void)state;
	static char text[SNAP_DECODE_MAX_TEXT + 5];
	struct message all = {0}, set = make_set(), snapshot = {0};
	struct reading r;
	memset(text, 'x', sizeof(text) - 1);
	/* A character that ends one byte too late is left out whole. */
	memcpy(text + SNAP_DECODE_MAX_TEXT - 1, "\xc3\xa4", 2);
	put_text(&all, 9, text);
	put_bytes(&all, 12, text, SNAP_DECODE_MAX_TEXT);
	put_message(&snapshot, 2000, &all);
	for (size_t i = 0; i < SNAP_DECODE_MAX_BYTES / SNAP_DECODE_MAX_TEXT; i++) {
		put_bytes(&all, 24, text, SNAP_DECODE_MAX_TEXT);
		put_message(&snapshot, 2001, &all);
	}
	begin(&r, &set, "t.Snapshot");
	find(&r, &snapshot);
	const struct snap_message *m =
		r.fields.list[1].found[0].message.members[0].values[0].message;
	if (r.fields.list[0].number == 2000)
		m = r.fields.list[0].found[0].message.members[0].values[0].message;
	size_t total = 0;
	for (size_t i = 0; i < r.fields.num; i++) {
		const struct snap_member *member = &r.fields.list[i].found[0].message.members[0];
		for (size_t j = 0; j < member->num_values; j++)
			for (size_t k = 0; k < member->values[j].message->num_members; k++)
				total += member->values[j].message->members[k].values[0].bytes.len;
	}
	assert_true(total <= SNAP_DECODE_MAX_BYTES);
	assert_true(total > SNAP_DECODE_MAX_BYTES - SNAP_DECODE_MAX_TEXT);
	const struct snap_value *cut = &m->members[0].values[0];
	assert_true(cut->left_out > 0);
	assert_int_equal(cut->bytes.len, SNAP_DECODE_MAX_TEXT - 1);
	json_decref(json_of(&r));
	char *shown = text_of(&r);
	assert_non_null(strstr(shown, "xx\"  # and "));
	free(shown);
	end(&r);
	free(set.data);
}

static void test_kinds_are_bounded(void **state)
{
	(void)state;
	struct message snapshot = {0};
	struct reading r;
	for (uint32_t i = 0; i < 1000; i++)
		put_fixed(&snapshot, 5000 + (i * 7919) % 1000, i, 8);
	put_fixed(&snapshot, 5000, 1, 8); /* known already */
	begin(&r, NULL, NULL);
	find(&r, &snapshot);
	assert_int_equal(r.fields.num, SNAP_MAX_UNKNOWN_FIELDS);
	assert_int_equal(r.fields.left_out, 1000 - SNAP_MAX_UNKNOWN_FIELDS);
	assert_int_equal(r.fields.bytes_left_out, 8 * (1000 - SNAP_MAX_UNKNOWN_FIELDS));
	for (size_t i = 1; i < r.fields.num; i++)
		assert_true(r.fields.list[i - 1].number < r.fields.list[i].number);
	assert_int_equal(r.fields.list[0].count, 2);
	char *text = text_of(&r);
	assert_non_null(strstr(text, "\n744 more, of other numbers: 5952 bytes\n"));
	free(text);
	json_t *json = json_of(&r);
	assert_int_equal(json_integer_value(json_object_get(json, "fields_left_out")), 744);
	json_decref(json);
	end(&r);
}

/* ---------------------------------------------------------------- where fields are */

static struct message make_places(void)
{
	struct message snapshot = {0}, thread = {0}, linux_thread = {0}, metadata = {0},
		       related = {0};
	put_text(&metadata, 1, "why");
	put_text(&metadata, 1050, "xyz");
	put_message(&snapshot, 16, &metadata);
	put_number(&snapshot, 8, 3);
	put_text(&snapshot, 8, "three");
	put_text(&thread, 1, "idle");
	put_message(&snapshot, 18, &thread);
	put_number(&thread, 1040, 300);
	put_number(&thread, 12, 77);
	put_fixed(&linux_thread, 9, 1, 4);
	put_message(&thread, 1032, &linux_thread);
	put_message(&snapshot, 18, &thread);
	put_bytes(&snapshot, 21, "\1\2\3", 3);
	/* A snapshot in it, whose fields are its own. */
	put_number(&related, 9, 1);
	put_message(&snapshot, 19, &related);
	return snapshot;
}

static void test_places(void **state)
{
	(void)state;
	struct message set = make_set(), snapshot = make_places();
	struct reading r;
	begin(&r, NULL, NULL);
	find(&r, &snapshot);
	check_text(&r, "8: mixed, 2 times, 6 bytes\n"
		       "21 trace_data: bytes, 1 time, 3 bytes\n"
		       "metadata.1050: bytes, 1 time, 3 bytes\n"
		       "threads.1040: varint, 1 time, 2 bytes\n"
		       "threads.linux_thread.9: fixed32, 1 time, 4 bytes\n");
	json_t *json = json_of(&r);
	json_t *field = json_array_get(json_object_get(json, "fields"), 0);
	assert_true(json_is_null(json_object_get(field, "decoded")));
	json_decref(json);
	end(&r);

	/* Those of threads are gone into; metadata is no message in the overlay. */
	snapshot = make_places();
	begin(&r, &set, "Snapshot");
	find(&r, &snapshot);
	check_text(&r, "8: mixed, 2 times, 6 bytes\n"
		       "21 trace_data: bytes, 1 time, 3 bytes\n"
		       "metadata.1050: bytes, 1 time, 3 bytes\n"
		       "threads.1040 load (uint32): varint, 1 time, 2 bytes\n"
		       "  threads[1], thread 77:\n"
		       "    load: 300\n"
		       "threads.linux_thread.9: fixed32, 1 time, 4 bytes\n");
	end(&r);
	free(set.data);
}

static void test_each_message_has_its_own(void **state)
{
	(void)state;
	struct message set = make_set(), snapshot = {0}, thread = {0};
	struct reading r;
	for (uint32_t i = 0; i < 3; i++) {
		put_number(&thread, 12, 70 + i);
		if (i != 1)
			put_number(&thread, 1040, i);
		put_message(&snapshot, 18, &thread);
	}
	begin(&r, &set, "t.Snapshot");
	find(&r, &snapshot);
	check_text(&r, "threads.1040 load (uint32): varint, 2 times, 2 bytes\n"
		       "  threads[0], thread 70:\n    load: 0\n"
		       "  threads[2], thread 72:\n    load: 2\n");
	const struct snap_unknown_field *field = &r.fields.list[0];
	for (size_t i = 0; i < field->num_found; i++)
		assert_int_equal(field->found[i].message.left_out, 0);
	assert_null(field->found[0].message.trouble);
	end(&r);

	/* Lists do not go on from one to the next. */
	struct message file = {0}, type = {0}, list = {0};
	put_text(&type, 1, "S");
	put_field(&type, "threads", 18, 11, ".T", true);
	put_message(&file, 4, &type);
	put_text(&type, 1, "T");
	put_field(&type, "loads", 1040, 13, NULL, true);
	put_message(&file, 4, &type);
	put_message(&list, 1, &file);
	for (uint32_t i = 0; i < 2; i++) {
		put_number(&thread, 1040, i);
		put_message(&snapshot, 18, &thread);
	}
	begin(&r, &list, "S");
	find(&r, &snapshot);
	check_text(&r, "threads.1040 loads (uint32): varint, 2 times, 2 bytes\n"
		       "  threads[0]:\n    loads: 0\n"
		       "  threads[1]:\n    loads: 1\n");
	end(&r);
	free(list.data);
	free(set.data);
}

static void test_the_first_overlay_counts(void **state)
{
	(void)state;
	struct message set = make_set(), other = {0}, file = {0}, type = {0}, snapshot = {0};
	struct snap_error err = SNAP_ERROR_INIT;
	struct reading r;
	put_text(&type, 1, "Other"); /* of no package */
	put_field(&type, "mine", 2002, 17, NULL, true);
	put_field(&type, "too", 9, 13, NULL, false);
	put_message(&file, 4, &type);
	put_message(&other, 1, &file);
	put_number(&snapshot, 2002, 3);
	put_number(&snapshot, 9, 3);
	begin(&r, &set, "t.Snapshot");
	assert_int_equal(snap_overlays_add(r.overlays, snap_bytes(other.data, other.len), "o",
				 ".Other", &err),
		0);
	find(&r, &snapshot);
	check_text(&r, "9 too (uint32): varint, 1 time, 1 byte\n  too: 3\n"
		       "2002 numbers (uint32): varint, 1 time, 1 byte\n  numbers: 3\n");
	for (int i = 2; i < SNAP_MAX_OVERLAYS; i++)
		assert_int_equal(snap_overlays_add(r.overlays, snap_bytes(other.data, other.len),
					 "o", "Other", &err),
			0);
	assert_int_equal(snap_overlays_add(
				 r.overlays, snap_bytes(other.data, other.len), "o", "Other", &err),
		-1);
	assert_int_equal(err.code, SNAP_ERROR_USAGE);
	end(&r);
	free(other.data);
	free(set.data);
}

/* Numbers that we took, and others may have, too. */
static void test_numbers_of_ours_in_foreign_files(void **state)
{
	(void)state;
	struct message set = {0}, file = {0}, type = {0}, thread = {0}, snapshot = {0}, inner = {0};
	struct reading r;
	put_text(&type, 1, "S");
	put_field(&type, "mine", 1034, 9, NULL, false);
	put_field(&type, "tags", 17, 9, NULL, false); /* Pigweed's, so not his */
	put_field(&type, "threads", 18, 11, ".T", true);
	put_message(&file, 4, &type);
	put_text(&thread, 1, "T");
	put_field(&thread, "also_mine", 1032, 13, NULL, false);
	put_message(&file, 4, &thread);
	put_message(&set, 1, &file);
	for (int i = 0; i < 2; i++) {
		put_text(&snapshot, 1034, "text");
		put_number(&inner, 1032, 5);
		put_message(&snapshot, 18, &inner);
		put_bytes(&snapshot, 17, "\n\1x", 3);
		put_bytes(&snapshot, 1035, "", 0); /* not declared: ours */
		begin(&r, &set, "S");
		is_foreign = i;
		find(&r, &snapshot);
		check_text(&r, i ? "1034 mine (string): bytes, 1 time, 4 bytes\n  mine: \"text\"\n"
				   "threads.1032 also_mine (uint32): varint, 1 time, 1 byte\n"
				   "  threads[0]:\n    also_mine: 5\n"
				 : "");
		end(&r);
	}
	is_foreign = false;
	free(set.data);
}

/* Where memory ends, at whatever place, that is said, and nothing else happens. */
static void test_no_memory(void **state)
{
	(void)state;
	struct message set = make_set();
	size_t limit = 0;
	int result = -1;
	for (; result < 0; limit += 16) {
		struct message snapshot = make_places(), all = {0}, entry = {0}, inner = {0};
		struct snap_error err = SNAP_ERROR_INIT;
		struct reading r;
		put_number(&inner, 5, 1);
		put_message(&all, 11, &inner);
		put_bytes(&all, 21, "\1\2\3", 3);
		put_message(&all, 31, &entry);
		put_text(&all, 24, "x");
		put_number(&all, 99, 1);
		put_bytes(&all, 25, "\xff", 1);
		put_message(&snapshot, 2000, &all);
		begin(&r, &set, "t.Snapshot");
		snap_arena_init(&r.arena, limit);
		result = snap_fields_find(snap_bytes(snapshot.data, snapshot.len), false,
			r.overlays, &r.arena, &r.fields, &err);
		assert_true(result == 0 || err.code == SNAP_ERROR_NO_MEMORY);
		free(snapshot.data);
		end(&r);
	}
	assert_true(limit > 4096);
	free(set.data);
}

/* What we know needs no overlay, and nothing of ours is unknown to us. */
static void test_nothing_of_ours_is_unknown(void **state)
{
	(void)state;
	struct message snapshot = {0}, inner = {0};
	struct reading r;
	begin(&r, NULL, NULL);
	const struct snap_schema_message *ours = snap_overlays_known(r.overlays, NULL);
	assert_non_null(ours);
	for (size_t i = 0; i < ours->num_fields; i++) {
		const struct snap_schema_field *field = &ours->fields[i];
		if (field->number == 21)
			continue;
		for (size_t j = 0; field->message && j < field->message->num_fields; j++)
			put_number(&inner, field->message->fields[j].number, 1);
		put_message(&snapshot, field->number, &inner);
	}
	find(&r, &snapshot);
	assert_int_equal(r.fields.num, 0);
	end(&r);
}

/* ---------------------------------------------------------------- descriptor sets */

/* 0 or the error's code. Ends set. */
static int read_set(struct message *set, char text[static 512])
{
	struct snap_schema schema;
	struct snap_error err = SNAP_ERROR_INIT;
	uint8_t *copy = malloc(set->len ? set->len : 1);
	assert_non_null(copy);
	if (set->len > 0)
		memcpy(copy, set->data, set->len);
	int r = snap_schema_read(snap_bytes(copy, set->len), &schema, &err);
	if (r == 0)
		snap_schema_deinit(&schema);
	free(copy);
	free(set->data);
	*set = (struct message){0};
	memcpy(text, err.text, sizeof(err.text));
	return r == 0 ? 0 : (int)err.code;
}

/* A set of one message. Ends type. */
static struct message set_of(struct message *type)
{
	struct message set = {0}, file = {0};
	put_message(&file, 4, type);
	put_message(&set, 1, &file);
	return set;
}

static void check_refused(struct message *type, const char *why)
{
	char text[512];
	struct message set = set_of(type);
	assert_int_equal(read_set(&set, text), SNAP_ERROR_MALFORMED);
	if (!strstr(text, why))
		fail_msg("'%s' does not say '%s'", text, why);
}

static void test_sets_that_are_refused(void **state)
{
	(void)state;
	static char long_name[257];
	struct message type = {0}, set = {0};
	char text[512];
	assert_int_equal(read_set(&set, text), SNAP_ERROR_MALFORMED);
	put_text(&set, 2, "x");
	assert_int_equal(read_set(&set, text), SNAP_ERROR_MALFORMED);

	check_refused(&type, "a name is none");
	put_text(&type, 1, "a b");
	check_refused(&type, "a name is none");
	put_text(&type, 1, "a.b");
	check_refused(&type, "a name is none");
	put_text(&type, 1, "1a");
	check_refused(&type, "a name is none");
	memset(long_name, 'a', 256);
	put_text(&type, 1, long_name);
	check_refused(&type, "a name is none");
	put_text(&type, 1, "A");
	put_field(&type, "x\n", 1, 5, NULL, false);
	check_refused(&type, "a field has no name");
	put_text(&type, 1, "A");
	put_field(&type, "x", 0, 5, NULL, false);
	check_refused(&type, "no number that a field can have, of field x");
	put_text(&type, 1, "A");
	put_field(&type, "x", 1u << 29, 5, NULL, false);
	check_refused(&type, "no number that a field can have, of field x");
	put_text(&type, 1, "A");
	put_field(&type, "x", 1, 19, NULL, false);
	check_refused(&type, "a type that there is not, of field x");
	put_text(&type, 1, "A");
	put_field(&type, "x", 1, 11, ".a..b", false);
	check_refused(&type, "a type's name");
	put_text(&type, 1, "A");
	put_field(&type, "x", 1, 11, NULL, false);
	check_refused(&type, "a type's name");
	put_text(&type, 1, "A");
	put_field(&type, "x", 1, 5, NULL, false);
	put_field(&type, "y", 1, 5, NULL, false);
	check_refused(&type, "a number is given twice in A");
	put_text(&type, 1, "A");
	put_field(&type, "x", 1, 5, NULL, false);
	put_field(&type, "x", 2, 5, NULL, false);
	check_refused(&type, "a name is given twice in A");
	put_text(&type, 1, "A");
	put_bytes(&type, 3, "\n\1B", 3);
	put_bytes(&type, 3, "\n\1B", 3);
	check_refused(&type, "declared twice: message A.B");
	put_text(&type, 1, "A");
	put_bytes(&type, 4, "\n\1B", 3);
	put_bytes(&type, 4, "\n\1B", 3);
	check_refused(&type, "declared twice: enum A.B");
	put_text(&type, 1, "A");
	put_tag(&type, 2, 2);
	check_refused(&type, "does not end where it should");
}

static void test_sets_nested_too_deep(void **state)
{
	(void)state;
	for (int depth = 32; depth <= 33; depth++) {
		struct message type = {0}, set;
		char text[512];
		put_text(&type, 1, "A");
		for (int i = 1; i < depth; i++) {
			struct message outer = {0};
			put_text(&outer, 1, "A");
			put_message(&outer, 3, &type);
			type = outer;
		}
		set = set_of(&type);
		assert_int_equal(read_set(&set, text), depth == 32 ? 0 : SNAP_ERROR_MALFORMED);
	}
}

static void test_sets_that_are_too_large(void **state)
{
	(void)state;
	/* Of a few bytes each, with tables of a hundred times that. */
	struct message file = {0}, set = {0};
	char text[512], name[16];
	for (int i = 0; i < 400000; i++) {
		struct message type = {0};
		(void)snprintf(name, sizeof(name), "A%d", i);
		put_text(&type, 1, name);
		put_bytes(&type, 2, "\n\1x\x18\1\x28\5", 7);
		put_message(&file, 4, &type);
	}
	put_message(&set, 1, &file);
	assert_int_equal(read_set(&set, text), SNAP_ERROR_LIMIT);
}

/* Cut at each byte, and with each byte another one: refused or understood, but no more than that.
 */
static void test_sets_that_are_damaged(void **state)
{
	(void)state;
	struct message set = make_set();
	size_t num_read = 0;
	for (size_t i = 0; i < set.len; i++) {
		for (int how = 0; how < 3; how++) {
			struct message damaged = {0}, all = {0}, snapshot = {0};
			char text[512];
			put(&damaged, set.data, how == 0 ? i : set.len);
			if (how > 0)
				damaged.data[i] ^= how == 1 ? 0xff : 1;
			struct snap_overlays *overlays = snap_overlays_create(NULL);
			assert_non_null(overlays);
			if (snap_overlays_add(overlays, snap_bytes(damaged.data, damaged.len), "x",
				    "t.Snapshot", NULL) == 0) {
				struct reading r = {.overlays = overlays};
				snap_arena_init(&r.arena, SIZE_MAX);
				put_text(&all, 9, "x");
				put_number(&all, 5, 1);
				put_bytes(&all, 31, "\n\1k", 3);
				put_message(&snapshot, 2000, &all);
				find(&r, &snapshot);
				json_decref(json_of(&r));
				end(&r);
				num_read++;
			} else {
				snap_overlays_destroy(overlays);
			}
			(void)read_set(&damaged, text);
		}
	}
	assert_true(num_read > 10);
	free(set.data);
}

static void test_extensions(void **state)
{
	(void)state;
	struct message set = {0}, file = {0}, type = {0}, extension = {0}, snapshot = {0},
		       all = {0};
	struct reading r;
	put_text(&file, 2, "t");
	put_text(&extension, 1, "extra");
	put_text(&extension, 2, ".t.S");
	put_number(&extension, 3, 2001);
	put_number(&extension, 5, 9);
	put_message(&file, 7, &extension);
	put_text(&extension, 1, "nobody");
	put_text(&extension, 2, ".t.Nobody");
	put_number(&extension, 3, 2001);
	put_number(&extension, 5, 9);
	put_message(&file, 7, &extension);
	put_text(&type, 1, "S");
	put_field(&type, "s", 2000, 0, ".t.S", false); /* neither message nor enum is said */
	put_text(&extension, 1, "inner");
	put_text(&extension, 2, ".t.S");
	put_number(&extension, 3, 2002);
	put_number(&extension, 5, 13);
	put_message(&type, 6, &extension);
	put_message(&file, 4, &type);
	put_message(&set, 1, &file);
	put_text(&all, 2001, "a");
	put_number(&all, 2002, 5);
	put_message(&snapshot, 2000, &all);
	put_text(&snapshot, 2001, "b");
	begin(&r, &set, "t.S");
	find(&r, &snapshot);
	check_text(&r, "2000 s (t.S): bytes, 1 time, 7 bytes\n"
		       "  s {\n    [t.extra]: \"a\"\n    [t.S.inner]: 5\n  }\n"
		       "2001 [t.extra] (string): bytes, 1 time, 1 byte\n"
		       "  [t.extra]: \"b\"\n");
	end(&r);
	free(set.data);
}

static void test_messages_by_name(void **state)
{
	(void)state;
	static const struct {
		const char *name, *why; /* NULL: found */
	} cases[] = {
		{"t.Snapshot", NULL},
		{".t.Snapshot", NULL},
		{"Snapshot", NULL},
		{"napshot", "has no message 'napshot'; it has t.All, t.Snapshot, t.Thread"},
		{".Snapshot", "has no message '.Snapshot'; it has t.All, t.Snapshot, t.Thread"},
		{"t.Snap\x1b", "has no message 't.Snap\\x1b'"},
		{"", "has no message ''"},
	};
	struct message set = make_set(), file = {0}, type = {0}, twice = {0};
	struct snap_error err;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct snap_overlays *overlays = snap_overlays_create(NULL);
		assert_non_null(overlays);
		err = (struct snap_error)SNAP_ERROR_INIT;
		int r = snap_overlays_add(
			overlays, snap_bytes(set.data, set.len), "t.binpb", cases[i].name, &err);
		assert_int_equal(r, cases[i].why ? -1 : 0);
		if (cases[i].why && !strstr(err.text, cases[i].why))
			fail_msg("'%s' does not say '%s'", err.text, cases[i].why);
		snap_overlays_destroy(overlays);
	}
	/* A name that several end with; and more of them than are listed. */
	put_text(&file, 2, "u");
	for (int i = 0; i < 100; i++) {
		char name[32];
		(void)snprintf(name, sizeof(name), "Outer%d", i);
		put_text(&type, 1, name);
		put_bytes(&type, 3, "\n\5Inner", 7);
		put_message(&file, 4, &type);
	}
	put_message(&twice, 1, &file);
	struct snap_overlays *overlays = snap_overlays_create(NULL);
	assert_non_null(overlays);
	assert_int_equal(
		snap_overlays_add(overlays, snap_bytes(twice.data, twice.len), "u", "Inner", &err),
		-1);
	assert_non_null(
		strstr(err.text, "several messages 'Inner': u.Outer0.Inner, u.Outer1.Inner, "));
	assert_non_null(strstr(err.text, " more"));
	assert_int_equal(snap_overlays_add(overlays, snap_bytes(twice.data, twice.len), "u",
				 "Outer7.Inner", &err),
		0);
	snap_overlays_destroy(overlays);
	free(twice.data);
	free(set.data);
}

static void test_specs(void **state)
{
	(void)state;
	static const char *const specs[] = {"", ":", "x", "x:", ":x", "/nonexistent/x:y"};
	struct snap_overlays *overlays = snap_overlays_create(NULL);
	assert_non_null(overlays);
	for (size_t i = 0; i < ARRAY_LEN(specs); i++) {
		struct snap_error err = SNAP_ERROR_INIT;
		assert_int_equal(snap_overlays_load(overlays, specs[i], NULL, 0, &err), -1);
		assert_int_equal(err.code, SNAP_ERROR_USAGE);
	}
	snap_overlays_destroy(overlays);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_scalar),
		cmocka_unit_test(test_numbers_are_cut_to_their_type),
		cmocka_unit_test(test_reals_that_are_none),
		cmocka_unit_test(test_enums),
		cmocka_unit_test(test_lists_packed_or_not),
		cmocka_unit_test(test_lists_that_are_broken),
		cmocka_unit_test(test_one_of_several),
		cmocka_unit_test(test_maps),
		cmocka_unit_test(test_maps_with_odd_entries_are_lists),
		cmocka_unit_test(test_mismatches),
		cmocka_unit_test(test_messages_that_are_none),
		cmocka_unit_test(test_groups),
		cmocka_unit_test(test_nesting_is_bounded),
		cmocka_unit_test(test_values_are_bounded),
		cmocka_unit_test(test_text_is_bounded),
		cmocka_unit_test(test_kinds_are_bounded),
		cmocka_unit_test(test_places),
		cmocka_unit_test(test_each_message_has_its_own),
		cmocka_unit_test(test_the_first_overlay_counts),
		cmocka_unit_test(test_numbers_of_ours_in_foreign_files),
		cmocka_unit_test(test_no_memory),
		cmocka_unit_test(test_nothing_of_ours_is_unknown),
		cmocka_unit_test(test_sets_that_are_refused),
		cmocka_unit_test(test_sets_nested_too_deep),
		cmocka_unit_test(test_sets_that_are_too_large),
		cmocka_unit_test(test_sets_that_are_damaged),
		cmocka_unit_test(test_extensions),
		cmocka_unit_test(test_messages_by_name),
		cmocka_unit_test(test_specs),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
