/* analyze/report/json: what the report of a thread says of what is missing and of what recurs, and
 * what becomes of hostile tags and words of the system. The whole of it is held against its schema
 * by tests/lib/validate_json.py. */
#include "analyze/report/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

static struct snap_frame frames[4];
static struct snap_listed_frame listed[5];
static struct snap_crash_thread thread;

static void set_up(void)
{
	memset(frames, 0, sizeof(frames));
	for (size_t i = 0; i < 5; i++)
		listed[i] = (struct snap_listed_frame){
			.frame = i < 2 ? i : i - 1, .is_inline = i == 1, .function = "f"};
	thread = (struct snap_crash_thread){.crashed = true,
		.frames = frames,
		.num_frames = 4,
		.listed = listed,
		.num_listed = 5,
		.end = SNAP_END_COMPLETE,
		.end_reason = ""};
}

/* The thread's members of these names, as compact JSON with sorted keys, one per line. */
static void check(const char *missing_bytes, const char *gaps, const char *repeats)
{
	const struct snap_json_style style = {0};
	const char *const keys[] = {"missing_bytes", "gaps", "repeats"};
	const char *const expected[] = {missing_bytes, gaps, repeats};
	struct snap_crash crash;
	struct snap_error err;
	json_error_t json_err;
	char *text;
	size_t len;
	snap_crash_init(&crash, "test");
	crash.threads = &thread;
	crash.num_threads = 1;
	FILE *out = open_memstream(&text, &len);
	assert_non_null(out);
	assert_int_equal(snap_report_json(&crash, &style, out, &err), 0);
	assert_int_equal(fclose(out), 0);
	json_t *report = json_loads(text, 0, &json_err);
	assert_non_null(report);
	json_t *found = json_array_get(json_object_get(report, "threads"), 0);
	for (size_t i = 0; i < 3; i++) {
		char *value = json_dumps(json_object_get(found, keys[i]),
			JSON_ENCODE_ANY | JSON_COMPACT | JSON_SORT_KEYS);
		assert_non_null(value);
		assert_string_equal(value, expected[i]);
		free(value);
	}
	json_decref(report);
	free(text);
	snap_crash_deinit(&crash);
}

static void test_json_nothing_missing(void **state)
{
	(void)state;
	set_up();
	check("null", "[]", "[]");
	/* Only of an end that it explains. */
	thread.missing_bytes = 4096;
	check("null", "[]", "[]");
	thread.end = SNAP_END_TRUNCATED;
	check("4096", "[]", "[]");
	thread.missing_bytes = 0; /* not known */
	check("null", "[]", "[]");
}

static void test_json_gaps(void **state)
{
	(void)state;
	/* After the last line of a frame: index 1 is inlined into the frame of index 2. */
	set_up();
	frames[1].gap_bytes = 8192;
	frames[1].gap_frames = 170;
	check("null", "[{\"after_index\":2,\"bytes\":8192,\"frames_estimated\":170}]", "[]");
	frames[1].gap_frames = 0;
	frames[3].gap_bytes = UINT64_C(1) << 40;
	frames[3].gap_frames = 1;
	check("null",
		"[{\"after_index\":2,\"bytes\":8192,\"frames_estimated\":null},"
		"{\"after_index\":4,\"bytes\":1099511627776,\"frames_estimated\":1}]",
		"[]");
}

static void test_json_repeats(void **state)
{
	(void)state;
	static const struct snap_repeat repeats[] = {{0, 1, 4}, {4, 32, 41300}};
	set_up();
	thread.repeats = repeats;
	thread.num_repeats = 2;
	check("null", "[]",
		"[{\"count\":4,\"first_index\":0,\"length\":1},"
		"{\"count\":41300,\"first_index\":4,\"length\":32}]");
}

/* The member at object.key of the report (object NULL: of it itself) as compact JSON. */
static void check_member(
	struct snap_crash *crash, const char *object, const char *key, const char *expected)
{
	const struct snap_json_style style = {0};
	struct snap_error err;
	json_error_t json_err;
	char *text;
	size_t len;
	FILE *out = open_memstream(&text, &len);
	assert_non_null(out);
	assert_int_equal(snap_report_json(crash, &style, out, &err), 0);
	assert_int_equal(fclose(out), 0);
	json_t *report = json_loads(text, JSON_REJECT_DUPLICATES, &json_err);
	assert_non_null(report);
	json_t *found = json_object_get(object ? json_object_get(report, object) : report, key);
	char *value = json_dumps(found, JSON_ENCODE_ANY | JSON_COMPACT);
	assert_non_null(value);
	assert_string_equal(value, expected);
	free(value);
	json_decref(report);
	free(text);
}

#define BYTES(literal) snap_bytes(literal, sizeof(literal) - 1)

static void test_json_tags(void **state)
{
	(void)state;
	/* Two keys that differ may look the same. A tag without a key is none. */
	struct snap_tag tags[] = {
		{BYTES("z"), BYTES("1")},
		{BYTES("a\xff"), BYTES("2")},
		{{NULL, 0}, BYTES("3")},
		{BYTES(""), {NULL, 0}},
		{BYTES("z"), BYTES("4")},
		{BYTES("a\\xff"), BYTES("\"\xfe")},
		{BYTES("z"), BYTES("5")},
	};
	struct snap_crash crash;
	snap_crash_init(&crash, "test");
	check_member(&crash, NULL, "tags", "{}");
	crash.tags = tags;
	crash.num_tags = sizeof(tags) / sizeof(tags[0]);
	check_member(&crash, NULL, "tags", "{\"z\":\"5\",\"a\\\\xff\":\"\\\"\\\\xfe\",\"\":null}");
	snap_crash_deinit(&crash);
}

static void test_json_command_line(void **state)
{
	(void)state;
	struct snap_crash crash;
	snap_crash_init(&crash, "test");
	check_member(&crash, "process", "cmdline", "null");
	crash.process.cmdline = BYTES("");
	check_member(&crash, "process", "cmdline", "\"\"");
	crash.process.cmdline = BYTES("\0");
	check_member(&crash, "process", "cmdline", "\"\"");
	crash.process.cmdline = BYTES("a\0\0-b\xff\0c");
	check_member(&crash, "process", "cmdline", "\"a  -b\\\\xff c\"");
	crash.process.cmdline = BYTES("a\0c\0");
	check_member(&crash, "process", "cmdline", "\"a c\"");
	snap_crash_deinit(&crash);
}

static void test_json_kernel(void **state)
{
	(void)state;
	struct snap_crash crash;
	snap_crash_init(&crash, "test");
	check_member(&crash, "device", "kernel", "null");
	crash.system.sysname = BYTES("Linux");
	check_member(&crash, "device", "kernel", "\"Linux\"");
	crash.system.release = BYTES("6.1\n");
	check_member(&crash, "device", "kernel", "\"Linux 6.1\\n\"");
	crash.system.sysname = BYTES("");
	check_member(&crash, "device", "kernel", "\"6.1\\n\"");
	snap_crash_deinit(&crash);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_json_nothing_missing),
		cmocka_unit_test(test_json_gaps),
		cmocka_unit_test(test_json_repeats),
		cmocka_unit_test(test_json_tags),
		cmocka_unit_test(test_json_command_line),
		cmocka_unit_test(test_json_kernel),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
