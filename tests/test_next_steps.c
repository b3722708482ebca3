/* analyze/explain/next_steps: each is said if what it rests on is there, and only then. */
#include "analyze/explain/next_steps.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

static struct snap_frame frames[2];
static struct snap_listed_frame listed[2];
static struct snap_crash_thread thread;
static struct snap_crash_module modules[5];
static struct snap_crash crash;
static const uint8_t build_id[] = {0xab, 0xcd};

/* A crash of which nothing is missing. */
static void begin(void)
{
	snap_crash_init(&crash, "test");
	for (size_t i = 0; i < 5; i++)
		modules[i] = (struct snap_crash_module){
			.record = {.path = snap_bytes_str("/lib/libx.so"),
				.build_id = snap_bytes(build_id, sizeof(build_id)),
				.has_load_bias = true,
				.load_bias = 0x1000},
			.symbols = SNAP_SYMBOLS_DWARF};
	frames[0] = (struct snap_frame){.pc = 0x1234, .module = &modules[0]};
	frames[1] = (struct snap_frame){
		.pc = 0x1300, .module = &modules[0], .trust = SNAP_TRUST_CFI};
	listed[0] = (struct snap_listed_frame){
		.function = "inner", .file = "/s/a.c", .line = 7};
	listed[1] = (struct snap_listed_frame){.frame = 1, .function = "outer"};
	thread = (struct snap_crash_thread){.frames = frames,
		.num_frames = 2,
		.listed = listed,
		.num_listed = 2,
		.crashed = true,
		.end = SNAP_END_COMPLETE};
	crash.threads = &thread;
	crash.num_threads = 1;
	crash.modules = modules;
	crash.num_modules = 5;
	crash.integrity = SNAP_INTEGRITY_COMPLETE;
	crash.has_signal = true;
	crash.signal = (struct snap_signal){.has_signo = true, .signo = 11, .has_code = true, .code = 1};
	crash.process.has_pid = true;
	crash.process.pid = 100;
	crash.signature.id = "s";
}

/* The steps, a line each. */
static const char *found(void)
{
	static char text[4096];
	struct snap_error err = SNAP_ERROR_INIT;
	size_t len = 0;
	assert_int_equal(snap_find_next_steps(&crash, false, &err), 0);
	text[0] = '\0';
	for (size_t i = 0; i < crash.num_next_steps; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%s: %s\n",
			snap_next_name(crash.next_steps[i].kind), crash.next_steps[i].text);
	snap_crash_deinit(&crash);
	return text;
}

static void test_next_steps_where_to_look(void **state)
{
	(void)state;
	begin();
	assert_string_equal(found(), "look: Look at inner, /s/a.c:7 (#0).\n");
	begin();
	crash.signature.first_frame = 1;
	assert_string_equal(found(), "look: Look at outer in libx.so (#1).\n");
	begin();
	listed[0].function = NULL;
	assert_string_equal(found(),
		"look: Look at libx.so+0x234: no function's name is known there (#0).\n");
	begin();
	listed[0].function = NULL;
	frames[0].module = NULL;
	frames[0].trust = SNAP_TRUST_SCAN;
	assert_string_equal(found(), "look: Look at address 0x1234: no function's name is known "
				     "there (#0, guessed from the stack).\n");
	begin();
	frames[0].trust = SNAP_TRUST_SCAN;
	frames[0].is_from_lr = true;
	assert_string_equal(
		found(), "look: Look at inner, /s/a.c:7 (#0, by the link register).\n");
	begin();
	thread.num_listed = 0;
	assert_string_equal(found(), "");
}

static void test_next_steps_tokens(void **state)
{
	(void)state;
	static const struct snap_log_facts facts[] = {
		{.message.kind = SNAP_TOKEN_UNKNOWN},
		{.message.kind = SNAP_TOKEN_WHOLE},
		{.message.kind = SNAP_TOKEN_UNKNOWN},
	};
	begin();
	thread.num_listed = 0;
	crash.log_facts = facts;
	crash.num_logs = 3;
	assert_string_equal(found(), "device: Name the token database of this build, --tokens FILE: 2 "
				     "lines of the log can't be read without it.\n");
	begin();
	thread.num_listed = 0;
	crash.log_facts = facts;
	crash.num_logs = 1;
	assert_non_null(strstr(found(), "FILE: 1 line of the log"));
	begin();
	thread.num_listed = 0;
	crash.log_facts = &facts[1];
	crash.num_logs = 1;
	assert_string_equal(found(), "");
}

static void test_next_steps_sender(void **state)
{
	(void)state;
	static const struct {
		bool has_sender;
		int32_t code, pid;
		bool told;
	} cases[] = {
		{true, 0, 12, true},
		{true, -6, 12, true},
		{false, 0, 12, false},
		{true, 1, 12, false},  /* the kernel's own: no sender */
		{true, 0, 100, false}, /* itself */
		{true, 0, 0, false},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		begin();
		crash.signal.has_sender = cases[i].has_sender;
		crash.signal.code = cases[i].code;
		crash.signal.sender_pid = cases[i].pid;
		crash.signal.sender_uid = 7;
		const char *text = found();
		assert_string_equal(text,
			cases[i].told ? "sender: Find out why process 12 (uid 7) sent the "
					"signal.\nlook: Look at inner, /s/a.c:7 (#0).\n"
				      : "look: Look at inner, /s/a.c:7 (#0).\n");
	}
}

static void test_next_steps_file(void **state)
{
	(void)state;
	begin();
	crash.integrity = SNAP_INTEGRITY_TRUNCATED;
	crash.integrity_why = "its end is missing";
	assert_non_null(strstr(found(), "file: Get the snapshot anew, if it is whole where it came "
					"from: this is truncated (its end is missing).\n"));
	begin();
	crash.is_core = true;
	crash.integrity = SNAP_INTEGRITY_CORRUPT;
	crash.integrity_why = "";
	assert_non_null(strstr(found(), "file: Get the core anew, if it is whole where it came "
					"from: this is corrupt.\n"));
	begin();
	crash.integrity = SNAP_INTEGRITY_UNMARKED;
	assert_null(strstr(found(), "file: "));
}

static void test_next_steps_symbols(void **state)
{
	(void)state;
	begin();
	modules[0].symbols = SNAP_SYMBOLS_NONE; /* no frame is there */
	assert_null(strstr(found(), "symbols: "));
	begin();
	modules[0].symbols = SNAP_SYMBOLS_DYNSYM;
	modules[1].symbols = SNAP_SYMBOLS_NONE;
	modules[0].has_crashed_frame = modules[1].has_crashed_frame = true;
	modules[1].record.path = snap_bytes_str("/lib/liby.so");
	assert_non_null(strstr(found(),
		"symbols: Get symbols of liby.so (no symbols were found): build ID abcd. Put its "
		"file and debug file into DIR and add --symbols DIR; or set DEBUGINFOD_URLS, if a "
		"server has them.\n"
		"symbols: Get symbols of libx.so (only the names that it exports are known, no "
		"source lines): build ID abcd.\n"));
	begin();
	modules[0].symbols = SNAP_SYMBOLS_NONE;
	modules[0].has_crashed_frame = true;
	modules[0].record.build_id.len = 0;
	assert_non_null(strstr(found(), "It has no build ID"));
	begin();
	modules[0].symbols = SNAP_SYMBOLS_SYMTAB;
	modules[0].has_crashed_frame = true;
	modules[0].record.path = snap_bytes_str("[vdso]");
	assert_null(strstr(found(), "symbols: "));
	begin();
	for (size_t i = 0; i < 5; i++) {
		modules[i].symbols = SNAP_SYMBOLS_NONE;
		modules[i].has_crashed_frame = true;
	}
	assert_non_null(strstr(found(), "symbols: Get symbols of 2 more modules "));
	/* Of a live process, any thread's. */
	begin();
	thread.crashed = false;
	modules[0].symbols = SNAP_SYMBOLS_NONE;
	modules[0].has_frame = true;
	assert_string_equal(found(),
		"threads: See what its thread does.\n"
		"symbols: Get symbols of libx.so (no symbols were found): build ID abcd. Put its "
		"file and debug file into DIR and add --symbols DIR; or set DEBUGINFOD_URLS, if a "
		"server has them.\n");
}

static void test_next_steps_stack(void **state)
{
	(void)state;
	static const struct {
		enum snap_end end;
		const char *text;
	} cases[] = {
		{SNAP_END_COMPLETE, NULL},
		{SNAP_END_UNAVAILABLE, NULL},
		{SNAP_END_TRUNCATED, "stack: Have more of the stack captured next time "},
		{SNAP_END_LIMIT, "stack: Ask for more frames (--max-frames)"},
		{SNAP_END_CORRUPT, "stack: Find out what overwrote the stack: it is damaged beyond #1.\n"},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		begin();
		thread.end = cases[i].end;
		const char *text = found();
		if (cases[i].text)
			assert_non_null(strstr(text, cases[i].text));
		else
			assert_null(strstr(text, "stack: "));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_next_steps_where_to_look),
		cmocka_unit_test(test_next_steps_tokens),
		cmocka_unit_test(test_next_steps_sender),
		cmocka_unit_test(test_next_steps_file),
		cmocka_unit_test(test_next_steps_symbols),
		cmocka_unit_test(test_next_steps_stack),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
