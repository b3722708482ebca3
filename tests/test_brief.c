/* analyze/report/brief: whatever the crash, it fits on a screen. */
#include "analyze/report/brief.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/report/columns.h"

#define DEPTH 200
#define STEPS 20

static struct snap_frame frames[DEPTH];
static struct snap_listed_frame listed[DEPTH];
static struct snap_next_step steps[STEPS];
static struct snap_crash_thread thread;
static struct snap_crash crash;
static char filler[5000];

/* Everything is as long as it can be. */
static void begin(const char *fill)
{
	filler[0] = '\0';
	while (strlen(filler) + strlen(fill) < sizeof(filler))
		strcat(filler, fill);
	snap_crash_init(&crash, "test");
	for (size_t i = 0; i < DEPTH; i++) {
		frames[i] = (struct snap_frame){.pc = 0x1000 + i, .trust = SNAP_TRUST_CFI};
		listed[i] = (struct snap_listed_frame){.frame = i,
			.is_inline = i % 3 == 0,
			.function = filler,
			.file = filler,
			.line = UINT32_MAX};
	}
	for (size_t i = 0; i < STEPS; i++)
		steps[i] = (struct snap_next_step){.kind = SNAP_NEXT_SYMBOLS, .text = filler};
	thread = (struct snap_crash_thread){.frames = frames,
		.num_frames = DEPTH,
		.listed = listed,
		.num_listed = DEPTH,
		.crashed = true,
		.end = SNAP_END_TRUNCATED,
		.end_reason = filler,
		.record = {.has_tid = true, .tid = UINT32_MAX, .name = snap_bytes_str(filler)}};
	crash.threads = &thread;
	crash.num_threads = 1;
	crash.process.comm = snap_bytes_str(filler);
	crash.has_signal = true;
	crash.signal = (struct snap_signal){.has_signo = true, .signo = 11};
	crash.cause.signal = "SIGSEGV";
	crash.cause.explanation = filler;
	crash.abort_message.text = snap_bytes_str(filler);
	crash.next_steps = steps;
	crash.num_next_steps = STEPS;
	crash.signature.id = filler;
}

static size_t num_lines, most_columns;

static char *print(size_t columns, bool color)
{
	char *text = NULL;
	size_t size;
	struct snap_error err = SNAP_ERROR_INIT;
	FILE *out = open_memstream(&text, &size);
	const struct snap_brief_style style = {.color = color, .columns = columns};
	assert_int_equal(snap_report_brief(&crash, &style, out, &err), 0);
	fclose(out);
	char *copy = strdup(text), *rest = copy;
	num_lines = most_columns = 0;
	for (char *line; (line = strsep(&rest, "\n")) && rest; num_lines++)
		if (snap_columns(line) > most_columns)
			most_columns = snap_columns(line);
	free(copy);
	return text;
}

static void check_screen(const char *fill)
{
	for (int color = 0; color < 2; color++) {
		begin(fill);
		char *text = print(80, color);
		assert_in_range(num_lines, 20, 23);
		assert_in_range(most_columns, 70, 80);
		assert_non_null(strstr(text, "SIGSEGV"));
		assert_non_null(strstr(text, "Where: thread 4294967295"));
		assert_non_null(strstr(text, "  #0 "));
		assert_non_null(strstr(text, "  - "));
		assert_non_null(strstr(text, "without --brief"));
		assert_non_null(strstr(text, "Signature "));
		free(text);
		snap_crash_deinit(&crash);
	}
}

static void test_brief_fits_words(void **state)
{
	(void)state;
	check_screen("words of text ");
}

static void test_brief_fits_one_long_word(void **state)
{
	(void)state;
	check_screen("x");
}

static void test_brief_fits_wide_characters(void **state)
{
	(void)state;
	check_screen("\xe6\xbc\xa2");
}

static void test_brief_fits_marks(void **state)
{
	(void)state;
	check_screen("e\xcc\x81");
}

static void test_brief_fits_what_is_escaped(void **state)
{
	(void)state;
	check_screen("\033[31m\n\xff");
}

static void test_brief_fits_recursion_and_gaps(void **state)
{
	(void)state;
	static const struct snap_repeat repeats[] = {{0, 1, 5}, {5, 2, 10}, {25, 1, 20}, {50, 1, 3}};
	begin("f");
	thread.repeats = repeats;
	thread.num_repeats = sizeof(repeats) / sizeof(repeats[0]);
	for (size_t i = 0; i < DEPTH; i++)
		frames[i].gap_bytes = 4096;
	free(print(80, false));
	assert_in_range(num_lines, 20, 23);
	snap_crash_deinit(&crash);
}

static void test_brief_of_nothing(void **state)
{
	(void)state;
	snap_crash_init(&crash, "test");
	char *text = print(80, false);
	assert_string_equal(text, "Unknown event in a program of unknown name, 0 threads\n"
				  "\n"
				  "Where: no thread is in it\n"
				  "\n"
				  "Next\n"
				  "  - The whole report is the same without --brief.\n");
	free(text);
	snap_crash_deinit(&crash);
}

static void test_brief_of_many_threads(void **state)
{
	(void)state;
	static struct snap_crash_thread threads[100];
	static struct snap_thread_group groups[100];
	static size_t indices[100];
	begin("f");
	for (size_t i = 0; i < 100; i++) {
		threads[i] = thread;
		threads[i].crashed = false;
		indices[i] = i;
		groups[i] = (struct snap_thread_group){.threads = &indices[i], .num = 1};
	}
	crash.threads = threads;
	crash.num_threads = 100;
	crash.groups = groups;
	crash.num_groups = 100;
	/* A microcontroller's have no ids, as often as not. */
	threads[0].record = (struct snap_thread){.name = snap_bytes_str("radio")};
	threads[1].record.name = snap_bytes_str("net");
	threads[2].record.name = snap_bytes_str("net");
	threads[3].record.name = snap_bytes_str("ui");
	threads[4].record = (struct snap_thread){.has_tid = true, .tid = 7};
	groups[1].num = 3;
	char *text = print(80, false);
	assert_in_range(num_lines, 20, 23);
	assert_in_range(most_columns, 70, 80);
	assert_non_null(strstr(text, "Where: its threads"));
	assert_non_null(strstr(text, " more threads\n"));
	assert_non_null(strstr(text, "\n  thread \"radio\": "));
	assert_non_null(strstr(text, "\n  3 threads \"net\", \"ui\": "));
	free(text);
	snap_crash_deinit(&crash);
}

#define RELATED 10
static struct snap_crash related[RELATED];

static void begin_related(const char *fill, size_t num)
{
	begin(fill);
	for (size_t i = 0; i < num; i++) {
		snap_crash_init(&related[i], "test");
		related[i].has_signal = true;
		related[i].signal = (struct snap_signal){.has_signo = true, .signo = 7};
		related[i].cause.signal = "SIGBUS";
		related[i].process.comm = snap_bytes_str(filler);
	}
	crash.related = related;
	crash.num_related = num;
}

static void end_related(void)
{
	for (size_t i = 0; i < crash.num_related; i++)
		snap_crash_deinit(&related[i]);
	crash.related = NULL;
	crash.num_related = 0;
	snap_crash_deinit(&crash);
}

static size_t count(const char *text, const char *part)
{
	size_t num = 0;
	for (; (text = strstr(text, part)); text++)
		num++;
	return num;
}

/* Everything that there can be, as long as it can be. */
static void test_brief_fits_hint_and_related(void **state)
{
	(void)state;
	static const char *const fills[] = {
		"words of text ", "x", "\xe6\xbc\xa2", "e\xcc\x81", "\033[31m\n\xff"};
	for (size_t i = 0; i < sizeof(fills) / sizeof(fills[0]); i++) {
		begin_related(fills[i], RELATED);
		crash.cause.memory_hint = filler;
		char *text = print(80, i % 2);
		assert_in_range(num_lines, 20, 23);
		assert_in_range(most_columns, 70, 80);
		assert_non_null(strstr(text, "\nHint:"));
		assert_non_null(strstr(text, "10 related snapshots within it: read them without"));
		assert_non_null(strstr(text, "  #0 "));
		assert_non_null(strstr(text, "  - "));
		assert_non_null(strstr(text, "without --brief: it has more to do"));
		assert_non_null(strstr(text, "Signature "));
		free(text);
		end_related();
	}
}

/* A hint stands whole where the rest is as short as it mostly is. */
static void test_brief_tells_memory_hint(void **state)
{
	(void)state;
	begin("f");
	crash.cause.explanation = "It ended.";
	crash.cause.memory_hint = "A control group above its own had used 99 % of its 16 MiB; the "
				  "kernel had killed 2 processes there for want of memory.";
	char *text = print(80, false);
	assert_non_null(strstr(text, "\nIt ended.\n"
				     "Hint: A control group above its own had used 99 % of its 16 "
				     "MiB; the kernel had\n      killed 2 processes there for want "
				     "of memory.\n"));
	free(text);
	snap_crash_deinit(&crash);
}

/* How many there are in any case; a line of each where the stack leaves room. */
static void test_brief_tells_related(void **state)
{
	(void)state;
	static const struct {
		size_t num, steps, frames, told;
		const char *words;
	} cases[] = {
		{1, 0, 3, 1, "1 related snapshot within it:\n  1  SIGBUS in ff"},
		{3, 0, 3, 3, "3 related snapshots within it:\n  1  SIGBUS in ff"},
		{10, 0, 3, 5, "10 related snapshots within it; the first:\n  1  SIGBUS in ff"},
		{2, 0, DEPTH, 1, "2 related snapshots within it; the first:\n  1  SIGBUS in ff"},
		{1, STEPS, DEPTH, 0, "1 related snapshot within it: read them without --brief\n"},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		begin_related("f", cases[i].num);
		thread.num_listed = cases[i].frames;
		thread.end = SNAP_END_COMPLETE;
		crash.num_next_steps = cases[i].steps;
		char *text = print(80, false);
		assert_in_range(num_lines, 15, 23);
		assert_non_null(strstr(text, cases[i].words));
		assert_int_equal(count(text, "  SIGBUS in "), cases[i].told);
		assert_true(count(text, "  #") >= (cases[i].frames < 2 ? cases[i].frames : 2));
		free(text);
		end_related();
	}
}

static void test_brief_narrow(void **state)
{
	(void)state;
	begin("words of text ");
	free(print(40, false));
	assert_in_range(most_columns, 30, 40);
	snap_crash_deinit(&crash);
}

/* What ended the program is a line; the rest begins where the signature does. */
static void test_brief_skips_what_ended_it(void **state)
{
	(void)state;
	begin("f");
	listed[2].function = "abort";
	listed[3].function = "caller";
	crash.signature.first = 3;
	char *text = print(80, false);
	assert_non_null(strstr(text, "  #0 to #2  how it ended, by abort\n  #3  caller"));
	assert_null(strstr(text, "  #1 "));
	free(text);
	snap_crash_deinit(&crash);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_brief_fits_words),
		cmocka_unit_test(test_brief_fits_one_long_word),
		cmocka_unit_test(test_brief_fits_wide_characters),
		cmocka_unit_test(test_brief_fits_marks),
		cmocka_unit_test(test_brief_fits_what_is_escaped),
		cmocka_unit_test(test_brief_fits_recursion_and_gaps),
		cmocka_unit_test(test_brief_of_nothing),
		cmocka_unit_test(test_brief_of_many_threads),
		cmocka_unit_test(test_brief_fits_hint_and_related),
		cmocka_unit_test(test_brief_tells_memory_hint),
		cmocka_unit_test(test_brief_tells_related),
		cmocka_unit_test(test_brief_narrow),
		cmocka_unit_test(test_brief_skips_what_ended_it),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
