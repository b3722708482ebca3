/*
 * Backtraces as text, on threads made by hand.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/explain/repeats.h"
#include "analyze/report/backtrace.h"

/* What is printed of a stack of one frame with these listed functions. */
static char *print(
	const struct snap_listed_frame *listed, size_t num, const struct snap_frame *frame)
{
	const struct snap_crash_thread thread = {
		.frames = frame,
		.num_frames = 1,
		.listed = listed,
		.num_listed = num,
		.end = SNAP_END_COMPLETE,
		.end_reason = "",
	};
	char *text;
	size_t len;
	FILE *out = open_memstream(&text, &len);
	assert_non_null(out);
	struct snap_rules *rules = snap_rules_load(NULL, NULL);
	assert_non_null(rules);
	snap_backtrace_print(&thread,
		&(struct snap_backtrace_style){.rules = rules, .colors = &SNAP_COLORS_OFF}, out);
	snap_rules_free(rules);
	assert_int_equal(fclose(out), 0);
	return text;
}

static void test_backtrace_short_names_stand_as_they_are(void **state)
{
	(void)state;
	const struct snap_frame frame = {.pc = 0x1000, .exact_pc = true};
	const struct snap_listed_frame listed = {.function = "a::sort<int, std::less<int> >",
		.file = "/s/a.cc",
		.line = 7,
		.column = 3};
	char *text = print(&listed, 1, &frame);
	assert_string_equal(text, "  #0  a::sort<int, std::less<int> >  /s/a.cc:7:3\n");
	free(text);
}

static void test_backtrace_long_names_lose_their_arguments(void **state)
{
	(void)state;
	const struct snap_frame frame = {.pc = 0x1000, .exact_pc = true};
	const struct snap_listed_frame listed = {
		.function =
			"ns::transform<std::map<std::string, std::vector<std::pair<int, long> > >, "
			"std::less<std::string> >::operator<<",
		.file = "/s/a.cc",
		.line = 7,
	};
	char *text = print(&listed, 1, &frame);
	assert_string_equal(text, "  #0  ns::transform<T>::operator<<  /s/a.cc:7\n");
	free(text);
}

static void test_backtrace_marks_inlined_and_tail_calls(void **state)
{
	(void)state;
	const struct snap_frame frame = {
		.pc = 0x1000, .trust = SNAP_TRUST_CFI, .is_tail_call = true};
	const struct snap_listed_frame listed[] = {
		{.is_inline = true, .function = "in", .file = "/s/a.c", .line = 1},
		{.function = "out", .file = "/s/a.c", .line = 2},
	};
	char *text = print(listed, 2, &frame);
	assert_string_equal(text, "  #0  in   /s/a.c:1  [inlined]\n"
				  "  #1  out  /s/a.c:2  [tail call]\n");
	free(text);
}

static void test_backtrace_escapes_what_a_terminal_would_act_on(void **state)
{
	(void)state;
	const struct snap_frame frame = {.pc = 0x1000, .exact_pc = true};
	const struct snap_listed_frame listed = {
		.function = "f\033[31m", .file = "/s/\n", .line = 1};
	char *text = print(&listed, 1, &frame);
	assert_null(strchr(text, '\033'));
	assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1);
	free(text);
}

/* ---------------------------------------------------------------- recursion, gaps, ends */

/*
 * A stack with a line for each letter, named by it: a capital one is inlined into the frame of the
 * line below. Recursion is looked for as in a report.
 */
static struct snap_frame frames[256];
static struct snap_listed_frame lines[256];
static struct snap_crash_thread stack;

static void set_lines(const char *letters)
{
	static char names['z' + 1][2];
	memset(frames, 0, sizeof(frames));
	memset(lines, 0, sizeof(lines));
	stack = (struct snap_crash_thread){
		.frames = frames, .listed = lines, .end = SNAP_END_COMPLETE, .end_reason = ""};
	for (; *letters; letters++) {
		size_t frame = stack.num_frames;
		bool is_inline = *letters >= 'A' && *letters <= 'Z';
		names[(uint8_t)*letters][0] = *letters;
		lines[stack.num_listed++] = (struct snap_listed_frame){.frame = frame,
			.is_inline = is_inline,
			.function = names[(uint8_t)*letters],
			.file = "/f",
			.line = 1};
		frames[frame].pc = (uint8_t)*letters;
		frames[frame].trust = SNAP_TRUST_CFI;
		stack.num_frames += !is_inline;
	}
}

static void check(const char *expected)
{
	struct snap_crash crash;
	struct snap_error err;
	char *text;
	size_t len;
	snap_crash_init(&crash, "test");
	crash.threads = &stack;
	crash.num_threads = 1;
	assert_int_equal(snap_find_repeats(&crash, &err), 0);
	FILE *out = open_memstream(&text, &len);
	assert_non_null(out);
	snap_backtrace_print(
		&stack, &(struct snap_backtrace_style){.colors = &SNAP_COLORS_OFF}, out);
	assert_int_equal(fclose(out), 0);
	assert_string_equal(text, expected);
	free(text);
	snap_crash_deinit(&crash);
}

static void test_backtrace_folds_recursion(void **state)
{
	(void)state;
	set_lines("xaaaaam");
	check("  #0  x  /f:1\n"
	      "  #1  a  /f:1\n"
	      "  ... #2 to #5: the same, 4 times more\n"
	      "  #6  m  /f:1\n");
	set_lines("abcabcabcabcabm");
	check("  #0   a  /f:1\n"
	      "  #1   b  /f:1\n"
	      "  #2   c  /f:1\n"
	      "  ... #3 to #11: the same 3 lines, 3 times more\n"
	      "  #12  a  /f:1\n"
	      "  #13  b  /f:1\n"
	      "  #14  m  /f:1\n");
	set_lines("AbAbAbAb");
	check("  #0  A  /f:1  [inlined]\n"
	      "  #1  b  /f:1\n"
	      "  ... #2 to #7: the same 2 lines, 3 times more\n");
}

static void test_backtrace_folds_long_cycles(void **state)
{
	(void)state;
	char letters[4 * 32 + 1], expected[4096];
	size_t len = 0;
	for (size_t i = 0; i < 4 * 32; i++)
		letters[i] = i % 32 < 26 ? (char)('a' + i % 32) : (char)('0' + i % 32 - 26);
	letters[4 * 32] = '\0';
	set_lines(letters);
	for (size_t i = 0; i < 32; i++)
		len += (size_t)snprintf(expected + len, sizeof(expected) - len,
			"  #%-3zu  %c  /f:1\n", i, letters[i]);
	(void)snprintf(expected + len, sizeof(expected) - len,
		"  ... #32 to #127: the same 32 lines, 3 times more\n");
	check(expected);
}

static void test_backtrace_gaps(void **state)
{
	(void)state;
	/* Without recursion: frames, if they could be estimated. */
	set_lines("abm");
	frames[1].gap_bytes = 1234567;
	check("  #0  a  /f:1\n"
	      "  #1  b  /f:1\n"
	      "  ... 1,234,567 bytes of the stack were not captured here\n"
	      "  #2  m  /f:1\n");
	frames[1].gap_frames = 41349;
	check("  #0  a  /f:1\n"
	      "  #1  b  /f:1\n"
	      "  ... 1,234,567 bytes of the stack were not captured here: about 41,300 frames\n"
	      "  #2  m  /f:1\n");
	/* Behind all lines of the frame. */
	set_lines("aBbm");
	frames[1].gap_bytes = 8192;
	check("  #0  a  /f:1\n"
	      "  #1  B  /f:1  [inlined]\n"
	      "  #2  b  /f:1\n"
	      "  ... 8,192 bytes of the stack were not captured here\n"
	      "  #3  m  /f:1\n");
	/* At the very end. */
	set_lines("a");
	frames[0].gap_bytes = 8;
	check("  #0  a  /f:1\n"
	      "  ... 8 bytes of the stack were not captured here\n");
}

static void test_backtrace_recursion_with_a_gap(void **state)
{
	(void)state;
	set_lines("aaaaaaam");
	frames[6].gap_bytes = 8000000;
	frames[6].gap_frames = 123956;
	check("  #0  a  /f:1\n"
	      "  ... #1 to #6: the same, 6 times more\n"
	      "  ... 8,000,000 bytes of the stack were not captured here: the last frame repeated "
	      "about 124,000 times\n"
	      "  #7  m  /f:1\n");

	set_lines("abcabcabcabcm");
	frames[11].gap_bytes = 8000000;
	frames[11].gap_frames = 123956;
	check("  #0   a  /f:1\n"
	      "  #1   b  /f:1\n"
	      "  #2   c  /f:1\n"
	      "  ... #3 to #11: the same 3 lines, 3 times more\n"
	      "  ... 8,000,000 bytes of the stack were not captured here: the last 3 frames "
	      "repeated about 41,300 times\n"
	      "  #12  m  /f:1\n");

	/* Cut within the cycle, whose lines are not all frames. */
	set_lines("aBbcaBbcaBbcaBbcaBbm");
	frames[3 * 4 + 1].gap_bytes = 4096;
	frames[3 * 4 + 1].gap_frames = 30;
	check("  #0   a  /f:1\n"
	      "  #1   B  /f:1  [inlined]\n"
	      "  #2   b  /f:1\n"
	      "  #3   c  /f:1\n"
	      "  ... #4 to #15: the same 4 lines, 3 times more\n"
	      "  #16  a  /f:1\n"
	      "  #17  B  /f:1  [inlined]\n"
	      "  #18  b  /f:1\n"
	      "  ... 4,096 bytes of the stack were not captured here: the last 3 frames repeated "
	      "about 10 times\n"
	      "  #19  m  /f:1\n");

	/* Of less than two rounds the number of frames says more. */
	set_lines("abcabcabcabcm");
	frames[11].gap_bytes = 320;
	frames[11].gap_frames = 5;
	check("  #0   a  /f:1\n"
	      "  #1   b  /f:1\n"
	      "  #2   c  /f:1\n"
	      "  ... #3 to #11: the same 3 lines, 3 times more\n"
	      "  ... 320 bytes of the stack were not captured here: about 5 frames\n"
	      "  #12  m  /f:1\n");

	/* Both ends of one recursion. */
	set_lines("aaaaaaaam");
	frames[3].gap_bytes = 4800;
	frames[3].gap_frames = 100;
	check("  #0  a  /f:1\n"
	      "  ... #1 to #3: the same, 3 times more\n"
	      "  ... 4,800 bytes of the stack were not captured here: the last frame repeated "
	      "about 100 times\n"
	      "  #4  a  /f:1\n"
	      "  ... #5 to #7: the same, 3 times more\n"
	      "  #8  m  /f:1\n");

	/* Where it goes on within the cycle. */
	set_lines("ababababababab");
	frames[4].gap_bytes = 8;
	check("  #0   a  /f:1\n"
	      "  #1   b  /f:1\n"
	      "  #2   a  /f:1\n"
	      "  #3   b  /f:1\n"
	      "  #4   a  /f:1\n"
	      "  ... 8 bytes of the stack were not captured here\n"
	      "  #5   b  /f:1\n"
	      "  #6   a  /f:1\n"
	      "  ... #7 to #12: the same 2 lines, 3 times more\n"
	      "  #13  b  /f:1\n");

	/* A gap far behind the recursion has nothing to do with it. */
	set_lines("aaaabcdm");
	frames[6].gap_bytes = 4800;
	frames[6].gap_frames = 100;
	check("  #0  a  /f:1\n"
	      "  ... #1 to #3: the same, 3 times more\n"
	      "  #4  b  /f:1\n"
	      "  #5  c  /f:1\n"
	      "  #6  d  /f:1\n"
	      "  ... 4,800 bytes of the stack were not captured here: about 100 frames\n"
	      "  #7  m  /f:1\n");
}

static void test_backtrace_frames_not_listed(void **state)
{
	(void)state;
	set_lines("abm");
	frames[1] = (struct snap_frame){
		.trust = SNAP_TRUST_CFI, .is_gap_unlisted = true, .gap_frames = 12345};
	check("  #0  a  /f:1\n"
	      "  #1  b  /f:1\n"
	      "  ... 12,345 frames are not listed\n"
	      "  #2  m  /f:1\n");
	set_lines("ababababm");
	frames[7].is_gap_unlisted = true;
	frames[7].gap_bytes = 4096;
	frames[7].gap_frames = 1280;
	check("  #0  a  /f:1\n"
	      "  #1  b  /f:1\n"
	      "  ... #2 to #7: the same 2 lines, 3 times more\n"
	      "  ... 1,280 frames are not listed: the last 2 frames repeated about 640 times\n"
	      "  #8  m  /f:1\n");
}

static void test_backtrace_about(void **state)
{
	(void)state;
	static const struct {
		uint64_t frames;
		const char *words;
	} cases[] = {
		{1, "1"},
		{999, "999"},
		{1000, "1,000"},
		{1004, "1,000"},
		{1005, "1,010"},
		{9995, "10,000"},
		{123456, "123,000"},
		{999600, "1,000,000"},
		{UINT64_C(1) << 40, "1,100,000,000,000"},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char expected[200];
		set_lines("am");
		frames[0].gap_bytes = 1;
		frames[0].gap_frames = cases[i].frames;
		(void)snprintf(expected, sizeof(expected),
			"  #0  a  /f:1\n  ... 1 bytes of the stack were not captured here: about "
			"%s "
			"frames\n  #1  m  /f:1\n",
			cases[i].words);
		check(expected);
	}
}

static void test_backtrace_says_how_frames_are_known_and_stacks_end(void **state)
{
	(void)state;
	set_lines("abcd");
	frames[1].trust = SNAP_TRUST_FP;
	frames[2].trust = SNAP_TRUST_SCAN;
	frames[3].trust = SNAP_TRUST_PREWALKED;
	stack.end = SNAP_END_TRUNCATED;
	stack.end_reason = "the rest is\033 away";
	check("  #0  a  /f:1\n"
	      "  #1  b  /f:1  [by frame pointer]\n"
	      "  #2  c  /f:1  [guessed from the stack]\n"
	      "  #3  d  /f:1  [walked by the device]\n"
	      "  The stack goes on, but was not captured further: the rest is\\x1b away.\n");
	set_lines("ab");
	frames[1].trust = SNAP_TRUST_SCAN;
	frames[1].is_from_lr = true;
	check("  #0  a  /f:1\n  #1  b  /f:1  [by the link register]\n");
	set_lines("a");
	stack.end = SNAP_END_CORRUPT;
	stack.end_reason = "so";
	check("  #0  a  /f:1\n  The stack is damaged from here on: so.\n");
	stack.end = SNAP_END_LIMIT;
	check("  #0  a  /f:1\n"
	      "  The stack goes on, but no more frames are wanted (--max-frames).\n");
	stack.end = SNAP_END_UNAVAILABLE;
	check("  #0  a  /f:1\n  The stack can't be followed further: so.\n");
	set_lines("");
	check("  (no frames)\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_backtrace_short_names_stand_as_they_are),
		cmocka_unit_test(test_backtrace_long_names_lose_their_arguments),
		cmocka_unit_test(test_backtrace_marks_inlined_and_tail_calls),
		cmocka_unit_test(test_backtrace_escapes_what_a_terminal_would_act_on),
		cmocka_unit_test(test_backtrace_folds_recursion),
		cmocka_unit_test(test_backtrace_folds_long_cycles),
		cmocka_unit_test(test_backtrace_gaps),
		cmocka_unit_test(test_backtrace_recursion_with_a_gap),
		cmocka_unit_test(test_backtrace_frames_not_listed),
		cmocka_unit_test(test_backtrace_about),
		cmocka_unit_test(test_backtrace_says_how_frames_are_known_and_stacks_end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
