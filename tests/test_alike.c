/* analyze/explain/alike: what makes two threads stand alike, and what does not. */
#include "analyze/explain/alike.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_THREADS 64
#define DEPTH	    3

static struct snap_frame frames[MAX_THREADS][DEPTH];
static struct snap_listed_frame listed[MAX_THREADS][DEPTH];
static struct snap_thread_facts facts[MAX_THREADS];
static struct snap_crash_thread threads[MAX_THREADS];
static struct snap_crash crash;

/* So many threads that stand alike, with ids from 100 on. */
static void begin(size_t num)
{
	static const char *const functions[DEPTH] = {"wait", "work", "start"};
	snap_crash_init(&crash, "test");
	crash.threads = threads;
	crash.num_threads = num;
	for (size_t i = 0; i < num; i++) {
		facts[i] = (struct snap_thread_facts){0};
		threads[i] = (struct snap_crash_thread){
			.frames = frames[i],
			.num_frames = DEPTH,
			.listed = listed[i],
			.num_listed = DEPTH,
			.end = SNAP_END_COMPLETE,
			.end_reason = "",
			.record = {.has_tid = true, .tid = 100 + i},
		};
		for (size_t j = 0; j < DEPTH; j++) {
			frames[i][j] = (struct snap_frame){
				.pc = 0x1000 * (j + 1), .trust = SNAP_TRUST_CFI};
			listed[i][j] = (struct snap_listed_frame){.frame = j,
				.function = functions[j],
				.file = j == 0 ? NULL : "/s/a.c",
				.line = j == 0 ? 0 : 10 * (uint32_t)j};
		}
	}
}

/* "100,101;102;" */
static const char *found(void)
{
	static char text[4096];
	size_t len = 0;
	struct snap_error err = SNAP_ERROR_INIT;
	assert_int_equal(snap_find_alike(&crash, &err), 0);
	text[0] = '\0';
	for (size_t i = 0; i < crash.num_groups; i++)
		for (size_t j = 0; j < crash.groups[i].num; j++) {
			const struct snap_crash_thread *thread =
				&threads[crash.groups[i].threads[j]];
			assert_int_equal(thread->group, i);
			len += (size_t)snprintf(text + len, sizeof(text) - len, "%d%s",
				(int)thread->record.tid,
				j + 1 < crash.groups[i].num ? "," : ";");
		}
	snap_crash_deinit(&crash);
	return text;
}

static void test_alike_none(void **state)
{
	(void)state;
	begin(0);
	assert_string_equal(found(), "");
}

static void test_alike_all(void **state)
{
	(void)state;
	begin(4);
	assert_string_equal(found(), "100,101,102,103;");
}

static void test_alike_crashing_thread_stands_alone(void **state)
{
	(void)state;
	begin(3);
	threads[1].crashed = true;
	assert_string_equal(found(), "100,102;101;");
}

static void test_alike_order(void **state)
{
	(void)state;
	begin(5);
	for (size_t i = 1; i < 5; i += 2)
		frames[i][0].pc = 0x9000;
	threads[0].record.tid = 900; /* last of its group, which is still the first */
	assert_string_equal(found(), "102,104,900;101,103;");
}

/* Where lines are known, it is these that a report shows. */
static void test_alike_other_instruction_of_the_same_line(void **state)
{
	(void)state;
	begin(2);
	frames[1][1].pc += 4;
	assert_string_equal(found(), "100,101;");
	begin(2);
	frames[1][0].pc += 4; /* has no line */
	assert_string_equal(found(), "100;101;");
}

/* Each stack is at addresses of its own. */
static void test_alike_end_reasons_but_for_addresses(void **state)
{
	(void)state;
	static const struct {
		const char *reason;
		bool same;
	} reasons[] = {
		{"the stack at 0x7fed9c97dea8, which is needed, was not captured", true},
		{"the stack at 0x7f, which is needed, was not captured", true},
		{"the stack at 0x", false},
		{"the stack at 12, which is needed, was not captured", false},
		{"the stack at 0x7f, which is needed, was not captured, either", false},
		{"the stack at 0x7f", false},
		{"", false},
		{NULL, false},
	};
	for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++) {
		begin(2);
		threads[0].end = threads[1].end = SNAP_END_TRUNCATED;
		threads[0].end_reason = reasons[0].reason;
		threads[1].end_reason = reasons[i].reason;
		assert_string_equal(found(), reasons[i].same ? "100,101;" : "100;101;");
	}
}

static void test_alike_equal_names_at_different_places(void **state)
{
	(void)state;
	char function[] = "work", file[] = "/s/a.c";
	begin(2);
	frames[1][1].pc += 4;
	listed[1][1].function = function;
	listed[1][1].file = file;
	assert_string_equal(found(), "100,101;");
}

static void set_function(void)
{
	frames[1][1].pc += 4;
	listed[1][1].function = "other";
}
static void set_no_function(void)
{
	frames[1][1].pc += 4;
	listed[1][1].function = NULL;
}
static void set_file(void)
{
	frames[1][1].pc += 4;
	listed[1][1].file = "/s/b.c";
}
static void set_line(void)
{
	frames[1][1].pc += 4;
	listed[1][1].line++;
}
static void set_column(void)
{
	frames[1][1].pc += 4;
	listed[1][1].column++;
}
static void set_trust(void)
{
	frames[1][2].trust = SNAP_TRUST_SCAN;
}
static void set_inline(void)
{
	listed[1][1].is_inline = true;
}
static void set_gap(void)
{
	frames[1][1].gap_bytes = 4096;
}
static void set_depth(void)
{
	threads[1].num_listed--;
}
static void set_end(void)
{
	threads[1].end = SNAP_END_TRUNCATED;
}
static void set_reason(void)
{
	threads[0].end = threads[1].end = SNAP_END_CORRUPT;
	threads[1].end_reason = "something else";
}
static void set_syscall(void)
{
	facts[0].has_syscall_number = facts[1].has_syscall_number = true;
	facts[1].syscall_number = 3;
	threads[0].facts = &facts[0];
	threads[1].facts = &facts[1];
}
static void set_facts(void)
{
	threads[1].facts = &facts[1];
}
static void set_letter(void)
{
	set_facts();
	threads[0].facts = &facts[0];
	facts[0].has_letter = facts[1].has_letter = true;
	facts[0].letter = 'S';
	facts[1].letter = 'R';
}
static void set_kernel_stack(void)
{
	set_facts();
	threads[0].facts = &facts[0];
	facts[1].kernel_stack = snap_bytes_str("futex_wait");
}
static void set_wchan(void)
{
	set_facts();
	threads[0].facts = &facts[0];
	facts[1].wchan = snap_bytes_str("pipe_read");
}

static void test_alike_not(void **state)
{
	(void)state;
	static void (*const changes[])(void) = {set_function, set_no_function, set_file, set_line,
		set_column, set_trust, set_inline, set_gap, set_depth, set_end, set_reason,
		set_facts, set_syscall, set_letter, set_kernel_stack, set_wchan};
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		begin(2);
		changes[i]();
		const char *text = found();
		if (strcmp(text, "100;101;") != 0)
			fail_msg("change %zu: %s", i, text);
	}
}

/* The hash does not look at names: somebody may make many stacks of one. */
static void test_alike_many_of_one_hash(void **state)
{
	(void)state;
	static char names[MAX_THREADS][8];
	begin(MAX_THREADS);
	for (size_t i = 0; i < MAX_THREADS; i++) {
		(void)snprintf(names[i], sizeof(names[i]), "f%zu", i / 2);
		frames[i][1].pc = 0x10000 + i;
		listed[i][1].function = names[i];
	}
	struct snap_error err = SNAP_ERROR_INIT;
	assert_int_equal(snap_find_alike(&crash, &err), 0);
	/* Never together what differs; together what is equal, of the first few. */
	for (size_t i = 0; i < crash.num_groups; i++)
		for (size_t j = 1; j < crash.groups[i].num; j++)
			assert_int_equal(crash.groups[i].threads[j] / 2,
				crash.groups[i].threads[0] / 2);
	assert_int_equal(threads[0].group, threads[1].group);
	snap_crash_deinit(&crash);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_alike_none),
		cmocka_unit_test(test_alike_all),
		cmocka_unit_test(test_alike_crashing_thread_stands_alone),
		cmocka_unit_test(test_alike_order),
		cmocka_unit_test(test_alike_other_instruction_of_the_same_line),
		cmocka_unit_test(test_alike_end_reasons_but_for_addresses),
		cmocka_unit_test(test_alike_equal_names_at_different_places),
		cmocka_unit_test(test_alike_not),
		cmocka_unit_test(test_alike_many_of_one_hash),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
