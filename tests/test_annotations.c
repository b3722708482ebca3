/* capture/annotations: what a process tells of itself, and what it may lie. */
#include "capture/annotations.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* The target's memory: an area at AREA, a pointer to it at POINTER, some bytes at BYTES_AT. */
#define AREA	 0x10000000ull
#define POINTER	 0x20000000ull
#define BYTES_AT 0x30000000ull
#define BYTES	 (200u << 10)

struct target {
	struct snap_lib_area area;
	uint64_t pointer;
	uint8_t bytes[BYTES];
	/* What the target does between two reads of the area. */
	void (*between)(struct snap_lib_area *area);
	unsigned int num_reads;
};

static ssize_t read_from(
	uint64_t addr, void *buf, size_t len, uint64_t start, const void *from, size_t size)
{
	if (addr < start || addr - start >= size)
		return 0;
	size_t off = (size_t)(addr - start);
	if (len > size - off)
		len = size - off;
	memcpy(buf, (const uint8_t *)from + off, len);
	return (ssize_t)len;
}

static ssize_t read_target(void *arg, uint64_t addr, void *buf, size_t len)
{
	struct target *t = arg;
	ssize_t n = read_from(addr, buf, len, AREA, &t->area, sizeof(t->area));
	if (n == sizeof(t->area) && t->num_reads++ == 0 && t->between)
		t->between(&t->area);
	if (n == 0)
		n = read_from(addr, buf, len, POINTER, &t->pointer, sizeof(t->pointer));
	if (n == 0)
		n = read_from(addr, buf, len, BYTES_AT, t->bytes, sizeof(t->bytes));
	return n > 0 ? n : -EIO;
}

/* What came out. */
struct result {
	size_t num_tags, num_logs, num_ranges, num_omissions;
	uint64_t dropped, range_bytes, left_out_bytes;
	char tags[4096];
	struct snap_log first_log, last_log;
	char first_text[512], last_text[512];
	struct snap_memory_range last_range;
	char last_name[65];
	struct snap_omission omissions[512];
};

static void keep_text(char *to, struct snap_bytes from)
{
	memcpy(to, from.data, from.len);
	to[from.len] = '\0';
}

static void take_tag(void *arg, const struct snap_tag *tag)
{
	struct result *r = arg;
	size_t len = strlen(r->tags);
	r->num_tags++;
	assert_in_range(tag->key.len, 1, 64);
	assert_in_range(tag->value.len, 0, 1024);
	if (sizeof(r->tags) - len > 1200)
		(void)snprintf(r->tags + len, sizeof(r->tags) - len, "%.*s=%.*s;",
			(int)tag->key.len, (const char *)tag->key.data, (int)tag->value.len,
			(const char *)tag->value.data);
}

static void take_log(void *arg, const struct snap_log *log)
{
	struct result *r = arg;
	if (log->has_dropped) {
		assert_null(log->message.data);
		r->dropped += log->dropped;
		return;
	}
	assert_in_range(log->message.len, 0, 480);
	if (r->num_logs++ == 0) {
		r->first_log = *log;
		keep_text(r->first_text, log->message);
	}
	r->last_log = *log;
	keep_text(r->last_text, log->message);
}

static void take_range(void *arg, const struct snap_memory_range *range)
{
	struct result *r = arg;
	r->num_ranges++;
	r->range_bytes += range->data.len;
	r->last_range = *range;
	assert_int_equal(range->reason, SNAP_MEMORY_ANNOTATED);
	keep_text(r->last_name, range->name);
}

static void take_omission(void *arg, const struct snap_omission *omission)
{
	struct result *r = arg;
	if (r->num_omissions < 512)
		r->omissions[r->num_omissions] = *omission;
	r->num_omissions++;
	r->left_out_bytes += omission->bytes;
}

static struct snap_annotations annotations;
static struct target target;
static struct result result;

static int begin(void **state)
{
	(void)state;
	memset(&target, 0, sizeof(target));
	target.area.magic = SNAP_LIB_AREA_MAGIC;
	target.area.version = SNAP_LIB_AREA_VERSION;
	target.area.size = sizeof(target.area);
	target.area.log_next = 1;
	target.pointer = AREA;
	for (size_t i = 0; i < BYTES; i++)
		target.bytes[i] = (uint8_t)(i * 7);
	snap_annotations_init(&annotations, read_target, &target);
	return 0;
}

static void read_all(bool running)
{
	const struct snap_annotations_sink sink = {
		take_tag, take_log, take_range, take_omission, &result};
	memset(&result, 0, sizeof(result));
	snap_annotations_read(&annotations, running, true, &sink);
}

static void set_tag(size_t i, const char *key, const char *value)
{
	struct snap_lib_tag *tag = &target.area.tags[i];
	tag->key_len = (uint16_t)strlen(key);
	tag->value_len = (uint16_t)strlen(value);
	memcpy(tag->key, key, tag->key_len);
	memcpy(tag->value, value, tag->value_len);
}

static void add_log(uint32_t number, const char *text)
{
	struct snap_lib_log *log = &target.area.logs[number % SNAP_LIB_LOGS];
	log->state = 2 * number;
	log->tid = 77;
	log->time_ns = number;
	log->level = 3;
	log->len = (uint16_t)strlen(text);
	memcpy(log->text, text, log->len);
}

static void set_range(size_t i, uint64_t address, uint64_t len, const char *name)
{
	struct snap_lib_range *range = &target.area.ranges[i];
	range->address = address;
	range->len = len;
	range->name_len = (uint32_t)strlen(name);
	memcpy(range->name, name, range->name_len);
}

/* ---------------------------------------------------------------- how it is found */

static void test_found_by_pointer(void **state)
{
	(void)state;
	set_tag(3, "a", "b");
	snap_annotations_offer_pointer(&annotations, 0);
	assert_int_equal(annotations.num_areas, 0);
	snap_annotations_offer_pointer(&annotations, POINTER);
	snap_annotations_offer_pointer(&annotations, POINTER); /* the same one */
	assert_int_equal(annotations.num_areas, 1);
	read_all(false);
	assert_string_equal(result.tags, "a=b;");
	assert_int_equal(result.num_omissions, 0);
}

static void offer_name(const char *name, uint64_t inode)
{
	const struct snap_mapping mapping = {
		.start = AREA,
		.end = AREA + 0x31000,
		.path = snap_bytes_str(name),
		.inode = inode,
	};
	snap_annotations_offer_mapping(&annotations, &mapping);
}

static void test_found_by_name(void **state)
{
	(void)state;
	offer_name("[anon:snapcrash", 0);
	offer_name("[anon:snapcrash]x", 0);
	offer_name("[anon:snapcrash]", 5);
	offer_name("", 0);
	assert_int_equal(annotations.num_areas, 0);
	offer_name("[anon:snapcrash]", 0);
	snap_annotations_offer_pointer(&annotations, POINTER);
	assert_int_equal(annotations.num_areas, 1);
}

static void test_no_area(void **state)
{
	(void)state;
	const uint64_t pointers[] = {0, 1, AREA + 8, POINTER, UINT64_MAX, UINT64_MAX - 4,
		AREA + sizeof(target.area) - 8, INT64_MAX};
	for (size_t i = 0; i < sizeof(pointers) / sizeof(pointers[0]); i++) {
		target.pointer = pointers[i];
		snap_annotations_offer_pointer(&annotations, POINTER);
		snap_annotations_offer_pointer(&annotations, pointers[i]);
	}
	target.pointer = AREA;
	target.area.version = 2;
	snap_annotations_offer_pointer(&annotations, POINTER);
	target.area.version = 1;
	target.area.size--;
	snap_annotations_offer_pointer(&annotations, POINTER);
	target.area.size++;
	target.area.magic++;
	snap_annotations_offer_pointer(&annotations, POINTER);
	assert_int_equal(annotations.num_areas, 0);
	read_all(false);
	assert_int_equal(result.num_tags + result.num_omissions, 0);
}

/* ---------------------------------------------------------------- slots */

static void test_tags(void **state)
{
	(void)state;
	char longest[1025];
	memset(longest, 'v', 1024);
	longest[1024] = '\0';
	set_tag(0, "empty", "");
	set_tag(5, "x", "y");
	set_tag(6, "being written", "now");
	target.area.tags[6].state = 7;
	set_tag(63, "last", longest);
	offer_name("[anon:snapcrash]", 0);
	read_all(false);
	assert_int_equal(result.num_tags, 3);
	assert_int_equal(strncmp(result.tags, "empty=;x=y;last=vvv", 19), 0);
	assert_int_equal(result.num_omissions, 1);
	assert_int_equal(result.omissions[0].what, SNAP_OMITTED_TAG);
	assert_int_equal(result.omissions[0].count, 1);
}

static void test_logs_in_order(void **state)
{
	(void)state;
	char text[32];
	offer_name("[anon:snapcrash]", 0);
	for (uint32_t n = 1; n <= 300; n++) {
		(void)snprintf(text, sizeof(text), "line %u", n);
		add_log(n, text);
	}
	target.area.log_next = 301;
	/* One was being written, one was lost to that. */
	target.area.logs[100].state = 2 * 356 + 1;
	target.area.logs[200].state = 0;
	target.area.logs[250].cut = 1;
	read_all(false);
	assert_int_equal(result.num_logs, 254);
	assert_int_equal(result.dropped, 44 + 2);
	assert_string_equal(result.first_text, "line 45");
	assert_string_equal(result.last_text, "line 300");
	assert_true(result.first_log.has_tid);
	assert_int_equal(result.first_log.tid, 77);
	assert_int_equal(result.first_log.timestamp, 45);
	assert_int_equal(result.first_log.line_level, 3);
	assert_int_equal(result.num_omissions, 1);
	assert_int_equal(result.omissions[0].what, SNAP_OMITTED_LOG);
}

static void test_logs_round_the_counter(void **state)
{
	(void)state;
	offer_name("[anon:snapcrash]", 0);
	add_log(UINT32_MAX, "before");
	add_log(1, "after");
	target.area.log_next = 2;
	read_all(false);
	/* Only what certainly is of this round. */
	assert_int_equal(result.num_logs, 1);
	assert_string_equal(result.last_text, "after");
	target.area.log_next = 0;
	read_all(false);
	assert_in_range(result.num_logs, 0, SNAP_LIB_LOGS);
	target.area.log_next = UINT32_MAX;
	read_all(false);
	assert_int_equal(result.num_logs, 0);
}

static void test_ranges_within_limits(void **state)
{
	(void)state;
	offer_name("[anon:snapcrash]", 0);
	set_range(0, BYTES_AT + 10, 100, "small");
	set_range(1, BYTES_AT, 100 << 10, "large");
	set_range(2, 0x40000000, 50, "not there");
	set_range(3, BYTES_AT + BYTES - 8, 16, "its end is not");
	set_range(4, UINT64_MAX - 3, 5, "round the end");
	set_range(5, UINT64_MAX - 3, UINT64_MAX, "everything");
	set_range(6, BYTES_AT, 4, "a name that is too long");
	target.area.ranges[6].name_len = SNAP_LIB_MAX_NAME + 1;
	read_all(false);
	assert_int_equal(result.num_ranges, 3);
	assert_int_equal(result.range_bytes, 100 + (64 << 10) + 8);
	assert_string_equal(result.last_name, "its end is not");
	assert_int_equal(result.num_omissions, 3);
	assert_int_equal(result.omissions[0].why, SNAP_OMITTED_CAP);
	assert_int_equal(result.omissions[0].bytes, 36 << 10);
	assert_int_equal(result.omissions[0].address, BYTES_AT + (64 << 10));
	assert_int_equal(result.omissions[1].why, SNAP_OMITTED_UNREADABLE);
	assert_int_equal(result.omissions[2].bytes, 8);
	/* All of them together. */
	for (size_t i = 0; i < SNAP_LIB_RANGES; i++)
		set_range(i, BYTES_AT, UINT64_MAX - BYTES_AT, "all");
	snap_annotations_init(&annotations, read_target, &target);
	offer_name("[anon:snapcrash]", 0);
	read_all(false);
	assert_int_equal(result.range_bytes, SNAP_ANNOTATIONS_BYTES);
	assert_int_equal(result.num_ranges, 4);
	assert_int_equal(result.num_omissions, SNAP_LIB_RANGES);
}

/* ---------------------------------------------------------------- a process that runs on */

static void change_one(struct snap_lib_area *area)
{
	area->tags[0].state += 2;
	area->logs[2].state += 2 * SNAP_LIB_LOGS;
	area->ranges[0].state++;
}

static void test_changed_meanwhile(void **state)
{
	(void)state;
	offer_name("[anon:snapcrash]", 0);
	set_tag(0, "changed", "x");
	set_tag(1, "stays", "y");
	add_log(1, "stays");
	add_log(2, "changed");
	target.area.log_next = 3;
	set_range(0, BYTES_AT, 10, "changed");
	target.between = change_one;
	read_all(true);
	assert_string_equal(result.tags, "stays=y;");
	assert_int_equal(result.num_logs, 1);
	assert_string_equal(result.last_text, "stays");
	assert_int_equal(result.dropped, 1);
	assert_int_equal(result.num_ranges, 0);
}

/* ---------------------------------------------------------------- lies */

static void test_garbage(void **state)
{
	(void)state;
	srand(1);
	for (int round = 0; round < 200; round++) {
		uint8_t *bytes = (uint8_t *)&target.area;
		for (size_t i = 16; i < sizeof(target.area); i++)
			bytes[i] = (uint8_t)(round == 0 ? 0xff : round == 1 ? 0x7f : rand());
		/* Some states even, so that more of it counts. */
		for (size_t i = 0; i < SNAP_LIB_TAGS; i++)
			target.area.tags[i].state &= ~1u;
		for (size_t i = 0; i < SNAP_LIB_RANGES; i++)
			target.area.ranges[i].state &= ~1u;
		snap_annotations_init(&annotations, read_target, &target);
		offer_name("[anon:snapcrash]", 0);
		read_all(round % 2);
		assert_in_range(result.num_tags, 0, SNAP_LIB_TAGS);
		assert_in_range(result.num_logs, 0, SNAP_LIB_LOGS);
		assert_in_range(result.range_bytes, 0, SNAP_ANNOTATIONS_BYTES);
	}
}

static void test_many_areas(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 100; i++) {
		annotations.num_areas =
			i < SNAP_ANNOTATIONS_MAX_AREAS ? i : SNAP_ANNOTATIONS_MAX_AREAS;
		offer_name("[anon:snapcrash]", 0);
		for (size_t k = 0; k < annotations.num_areas; k++)
			annotations.areas[k] =
				AREA + 0x100000 * (k + 1); /* none of them is there */
	}
	assert_int_equal(annotations.num_areas, SNAP_ANNOTATIONS_MAX_AREAS);
	read_all(false);
	assert_int_equal(result.num_omissions, SNAP_ANNOTATIONS_MAX_AREAS);
	assert_int_equal(result.omissions[0].what, SNAP_OMITTED_ANNOTATION);
}

static void test_captured(void **state)
{
	(void)state;
	struct snap_annotations_captured captured;
	offer_name("[anon:snapcrash]", 0);
	assert_false(snap_annotations_find_captured(&annotations, &captured));
	target.area.captured = SNAP_LIB_CAPTURED;
	target.area.captured_pid = 12;
	target.area.captured_tid = 13;
	target.area.captured_signo = 11;
	target.area.captured_uuid[15] = 9;
	assert_true(snap_annotations_find_captured(&annotations, &captured));
	assert_int_equal(captured.pid, 12);
	assert_int_equal(captured.tid, 13);
	assert_int_equal(captured.signo, 11);
	assert_int_equal(captured.uuid[15], 9);
	target.area.captured = 0xffffffff;
	assert_false(snap_annotations_find_captured(&annotations, &captured));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_found_by_pointer, begin),
		cmocka_unit_test_setup(test_found_by_name, begin),
		cmocka_unit_test_setup(test_no_area, begin),
		cmocka_unit_test_setup(test_tags, begin),
		cmocka_unit_test_setup(test_logs_in_order, begin),
		cmocka_unit_test_setup(test_logs_round_the_counter, begin),
		cmocka_unit_test_setup(test_ranges_within_limits, begin),
		cmocka_unit_test_setup(test_changed_meanwhile, begin),
		cmocka_unit_test_setup(test_garbage, begin),
		cmocka_unit_test_setup(test_many_areas, begin),
		cmocka_unit_test_setup(test_captured, begin),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
