/* dedup/entry, dedup/entry_stream: what workers hand over of a crash, whole, cut, and damaged. */
#include "analyze/dedup/entry.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/dedup/entry_stream.h"

static struct snap_arena arena;

static int setup(void **state)
{
	(void)state;
	snap_arena_init(&arena, SIZE_MAX);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	snap_arena_deinit(&arena);
	return 0;
}

static const uint8_t uuid[16] = {1, 2, 3, 0, 5};
static const char *functions[] = {"strlen", NULL, "print_owner"};

static struct snap_entry some_entry(void)
{
	struct snap_entry entry = {
		.line = 12,
		.uuid = {uuid, sizeof(uuid)},
		.has_time = true,
		.captured_ns = 1795000000123456789,
		.completeness = 77,
		.kind = "segv-null",
		.id = "s1:00112233445566778899aabbccddeeff",
		.text = "segv-null | strlen | print_owner",
		.physical_id = "s1:ffeeddccbbaa99887766554433221100",
		.evidence = {.num_nameless = 1, .num_symbols_only = 2, .frames = {5, 6, 7}, .num_frames = 3,
			.first = 99, .num_decisive = 2, .num_telling = 1, .functions = functions,
			.num_functions = 3, .kept = {{"print_owner", 42}}, .num_kept = 1},
		.project = "p\xc3\xa4",
		.version = "1.2",
		.num_tags = 2,
	};
	entry.tags[0].key = "site";
	entry.tags[0].value = "north";
	entry.tags[1].key = "";
	entry.tags[1].value = "";
	return entry;
}

static struct snap_bytes pack(const struct snap_entry *entry)
{
	struct snap_bytes ret;
	assert_int_equal(snap_entry_pack(entry, &arena, &ret, NULL), 0);
	return ret;
}

static void test_entry_is_what_it_was(void **state)
{
	(void)state;
	struct snap_entry in = some_entry(), out;
	assert_int_equal(snap_entry_unpack(pack(&in), &arena, &out, NULL), 0);
	assert_int_equal(out.line, 12);
	assert_int_equal(out.uuid.len, sizeof(uuid));
	assert_memory_equal(out.uuid.data, uuid, sizeof(uuid));
	assert_true(out.has_time);
	assert_int_equal(out.captured_ns, in.captured_ns);
	assert_int_equal(out.completeness, 77);
	assert_string_equal(out.kind, in.kind);
	assert_string_equal(out.id, in.id);
	assert_string_equal(out.text, in.text);
	assert_string_equal(out.physical_id, in.physical_id);
	assert_string_equal(out.project, in.project);
	assert_null(out.device);
	assert_string_equal(out.version, "1.2");
	assert_int_equal(out.num_tags, 2);
	assert_string_equal(out.tags[0].key, "site");
	assert_string_equal(out.tags[0].value, "north");
	assert_string_equal(out.tags[1].key, "");
	assert_int_equal(out.evidence.num_nameless, 1);
	assert_int_equal(out.evidence.num_symbols_only, 2);
	assert_int_equal(out.evidence.num_frames, 3);
	assert_memory_equal(out.evidence.frames, in.evidence.frames, 3 * sizeof(uint64_t));
	assert_int_equal(out.evidence.first, 99);
	assert_int_equal(out.evidence.num_decisive, 2);
	assert_int_equal(out.evidence.num_telling, 1);
	assert_int_equal(out.evidence.num_functions, 3);
	assert_string_equal(out.evidence.functions[0], "strlen");
	assert_null(out.evidence.functions[1]);
	assert_int_equal(out.evidence.num_kept, 1);
	assert_string_equal(out.evidence.kept[0].function, "print_owner");
	assert_int_equal(out.evidence.kept[0].build, 42);
}

static void test_entry_without_a_signature(void **state)
{
	(void)state;
	struct snap_entry in = {.kind = "none"}, out;
	assert_int_equal(snap_entry_unpack(pack(&in), &arena, &out, NULL), 0);
	assert_null(out.id);
	assert_null(out.text);
	assert_false(out.has_time);
	assert_int_equal(out.uuid.len, 0);
}

/* What is longer than an entry may have is cut, between characters. */
static void test_entry_long_strings(void **state)
{
	(void)state;
	struct snap_entry in = some_entry(), out;
	size_t len = 3 * SNAP_ENTRY_MAX_STRING;
	char *text = malloc(len + 1);
	for (size_t i = 0; i < len; i += 3)
		memcpy(text + i, "\xe2\x82\xac", 4);
	in.text = text;
	assert_int_equal(snap_entry_unpack(pack(&in), &arena, &out, NULL), 0);
	assert_int_equal(strlen(out.text), SNAP_ENTRY_MAX_STRING / 3 * 3);
	free(text);
}

static bool refuses(const struct snap_entry *entry)
{
	struct snap_error err = SNAP_ERROR_INIT;
	struct snap_entry out;
	return snap_entry_unpack(pack(entry), &arena, &out, &err) < 0 && err.text[0];
}

static void test_entry_that_makes_no_sense(void **state)
{
	(void)state;
	struct snap_entry entry = some_entry();
	assert_false(refuses(&entry));
	entry.text = NULL;
	assert_true(refuses(&entry)); /* a signature in part */
	entry = some_entry();
	entry.kind = NULL;
	assert_true(refuses(&entry));
	entry = some_entry();
	entry.project = "\xff";
	assert_true(refuses(&entry)); /* no UTF-8 */
	entry = some_entry();
	entry.evidence.num_decisive = 4;
	assert_true(refuses(&entry)); /* more than all */
	entry = some_entry();
	entry.evidence.num_telling = 4;
	assert_true(refuses(&entry));
	entry = some_entry();
	entry.evidence.kept[0].function = NULL;
	assert_true(refuses(&entry));
	uint8_t long_uuid[65] = {0};
	entry = some_entry();
	entry.uuid = snap_bytes(long_uuid, sizeof(long_uuid));
	assert_true(refuses(&entry));
	assert_int_equal(snap_entry_unpack(snap_bytes("", 0), &arena, &entry, NULL), -1);
}

/* Cut anywhere, and with each byte changed: it is refused, or still keeps what is promised. */
static void test_entry_damaged(void **state)
{
	(void)state;
	struct snap_entry in = some_entry(), out;
	struct snap_bytes packed = pack(&in);
	uint8_t *copy = malloc(packed.len);
	size_t num_refused = 0;
	for (size_t len = 0; len < packed.len; len++) {
		memcpy(copy, packed.data, len);
		num_refused += snap_entry_unpack(snap_bytes(copy, len), &arena, &out, NULL) < 0;
	}
	assert_true(num_refused > packed.len / 2);
	for (size_t i = 0; i < packed.len; i++) {
		for (int bit = 0; bit < 8; bit++) {
			memcpy(copy, packed.data, packed.len);
			copy[i] ^= (uint8_t)(1 << bit);
			if (snap_entry_unpack(
				    snap_bytes(copy, packed.len), &arena, &out, NULL) < 0)
				continue;
			assert_non_null(out.kind);
			assert_true(out.evidence.num_frames <= SNAP_EVIDENCE_MAX_FRAMES);
			assert_true(out.evidence.num_decisive <= out.evidence.num_frames);
			assert_true(!out.id == !out.text);
		}
	}
	free(copy);
}

static void test_stream(void **state)
{
	(void)state;
	static const uint8_t bytes[] = {3, 0, 0, 0, 'a', 'b', 'c', 0, 0, 0, 0, 1, 0, 0, 0};
	struct snap_bytes stream = snap_bytes(bytes, sizeof(bytes)), entry;
	assert_true(snap_entry_stream_next(&stream, &entry));
	assert_true(snap_bytes_equal_str(entry, "abc"));
	assert_true(snap_entry_stream_next(&stream, &entry));
	assert_int_equal(entry.len, 0);
	/* What is announced is not there. */
	assert_false(snap_entry_stream_next(&stream, &entry));
	static const uint8_t huge[] = {0xff, 0xff, 0xff, 0xff, 'a'};
	stream = snap_bytes(huge, sizeof(huge));
	assert_false(snap_entry_stream_next(&stream, &entry));
	stream = snap_bytes(huge, 3);
	assert_false(snap_entry_stream_next(&stream, &entry));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_entry_is_what_it_was),
		cmocka_unit_test(test_entry_without_a_signature),
		cmocka_unit_test(test_entry_long_strings),
		cmocka_unit_test(test_entry_that_makes_no_sense),
		cmocka_unit_test(test_entry_damaged),
		cmocka_unit_test(test_stream),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
