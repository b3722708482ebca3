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
	snap_backtrace_print(&thread, &SNAP_COLORS_OFF, out);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_backtrace_short_names_stand_as_they_are),
		cmocka_unit_test(test_backtrace_long_names_lose_their_arguments),
		cmocka_unit_test(test_backtrace_marks_inlined_and_tail_calls),
		cmocka_unit_test(test_backtrace_escapes_what_a_terminal_would_act_on),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
