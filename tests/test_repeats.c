/* analyze/explain/repeats: recursion of every length, and what ends it. */
#include "analyze/explain/repeats.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))
#define MAX_LINES    512

static struct snap_frame frames[MAX_LINES];
static struct snap_listed_frame listed[MAX_LINES];
static struct snap_crash_thread thread;
static struct snap_crash crash;

static void begin(void)
{
	memset(frames, 0, sizeof(frames));
	memset(listed, 0, sizeof(listed));
	snap_crash_init(&crash, "test");
	thread = (struct snap_crash_thread){.frames = frames, .listed = listed};
	crash.threads = &thread;
	crash.num_threads = 1;
}

/*
 * A line for each letter: a capital one is a function inlined into the frame of the line below. '|'
 * is a gap behind the line before.
 */
static void set_lines(const char *pattern)
{
	static const char names[256];
	begin();
	for (; *pattern; pattern++) {
		size_t frame = thread.num_frames;
		if (*pattern == '|') {
			frames[frame - 1].gap_bytes = 4096;
			continue;
		}
		bool is_inline = *pattern >= 'A' && *pattern <= 'Z';
		listed[thread.num_listed++] = (struct snap_listed_frame){.frame = frame,
			.is_inline = is_inline,
			.function = &names[(uint8_t)*pattern],
			.line = (uint8_t)*pattern};
		if (is_inline)
			continue;
		frames[frame] = (struct snap_frame){
			.pc = 0x1000u * (uint8_t)*pattern, .trust = SNAP_TRUST_CFI};
		thread.num_frames++;
	}
}

/* "first,length,count;" of each. */
static const char *found(void)
{
	static char text[1024];
	size_t len = 0;
	struct snap_error err;
	assert_int_equal(snap_find_repeats(&crash, &err), 0);
	text[0] = '\0';
	for (size_t i = 0; i < thread.num_repeats; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%zu,%zu,%zu;",
			thread.repeats[i].first, thread.repeats[i].length, thread.repeats[i].count);
	snap_crash_deinit(&crash);
	return text;
}

static void test_repeats_patterns(void **state)
{
	(void)state;
	static const struct {
		const char *lines, *expected;
	} cases[] = {
		{"", ""},
		{"a", ""},
		{"abcdefg", ""},
		{"aaa", ""}, /* too few */
		{"aaaa", "0,1,4;"},
		{"xaaaaay", "1,1,5;"},
		{"ababab", ""},
		{"abababab", "0,2,4;"},
		{"ababababa", "0,2,4;"}, /* not a whole one */
		{"abcabcabcabc", "0,3,4;"},
		{"xyabcabcabcabcabcabz", "2,3,5;"},
		{"aabaabaabaab", "0,3,4;"},
		/* The shortest that recurs, and the next one behind it. */
		{"aaaabaaaab", "0,1,4;5,1,4;"},
		{"aaaabbbbb", "0,1,4;4,1,5;"},
		{"aaaabcbcbcbc", "0,1,4;4,2,4;"},
		/* Functions inlined into the frames that recur. */
		{"AbAbAbAb", "0,2,4;"},
		{"XAbcXAbcXAbcXAbc", "0,4,4;"},
		/* The same frames, not the same lines. */
		{"AbBbAbBb", ""},
		/* A gap is where it ends, and where another begins. */
		{"aaaa|aaaaa", "0,1,4;4,1,5;"},
		{"aaa|aaa", ""},
		{"aa|aaaaa", "2,1,5;"},
		{"abababab|abababab", "0,2,4;8,2,4;"},
		{"ababababa|babababab", "0,2,4;9,2,4;"},
		{"aaaa|", "0,1,4;"},
		{"AbAbAbAb|AbAbAb", "0,2,4;"},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		set_lines(cases[i].lines);
		const char *text = found();
		if (strcmp(text, cases[i].expected) != 0)
			fail_msg("\"%s\": %s", cases[i].lines, text);
	}
}

static void test_repeats_longest(void **state)
{
	(void)state;
	for (size_t length = 30; length <= 34; length++) {
		char lines[5 * 34 + 1], expected[32] = "";
		for (size_t i = 0; i < 4 * length; i++)
			lines[i] = (char)('0' + i % length);
		lines[4 * length] = '\0';
		if (length <= SNAP_MAX_REPEAT_LENGTH)
			(void)snprintf(expected, sizeof(expected), "0,%zu,4;", length);
		/* Digits and what follows them up to the capital letters. */
		for (size_t i = 0; i < 4 * length; i++)
			if (lines[i] >= 'A' && lines[i] <= 'Z')
				lines[i] = (char)(lines[i] - 'A' + 'a');
		set_lines(lines);
		assert_string_equal(found(), expected);
	}
}

/* What two lines must have in common. */
static void test_repeats_lines_that_differ(void **state)
{
	(void)state;
	for (int what = 0; what <= 5; what++) {
		set_lines("aaaaaaa");
		switch (what) {
		case 1:
			frames[3].pc++;
			break;
		case 2:
			frames[3].trust = SNAP_TRUST_SCAN;
			break;
		case 3:
			listed[3].is_inline = true;
			break;
		case 4:
			listed[3].function = "b";
			break;
		case 5:
			listed[3].line++;
			break;
		}
		const char *text = found();
		if (strcmp(text, what == 0 ? "0,1,7;" : "") != 0)
			fail_msg("%d: %s", what, text);
	}
}

/* Each thread's are its own. */
static void test_repeats_of_every_thread(void **state)
{
	(void)state;
	set_lines("aaaaaa");
	struct snap_crash_thread threads[] = {thread, {.frames = NULL}, thread};
	struct snap_error err;
	threads[2].num_listed = 5;
	crash.threads = threads;
	crash.num_threads = 3;
	assert_int_equal(snap_find_repeats(&crash, &err), 0);
	assert_int_equal(threads[0].num_repeats, 1);
	assert_int_equal(threads[0].repeats[0].count, 6);
	assert_int_equal(threads[1].num_repeats, 0);
	assert_int_equal(threads[2].num_repeats, 1);
	assert_int_equal(threads[2].repeats[0].count, 5);
	snap_crash_deinit(&crash);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_repeats_patterns),
		cmocka_unit_test(test_repeats_longest),
		cmocka_unit_test(test_repeats_lines_that_differ),
		cmocka_unit_test(test_repeats_of_every_thread),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
