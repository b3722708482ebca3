/*
 * Backtraces as text: what is read of each format, and of texts that are hostile. What real programs print
 * is in cli_from.sh.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <jansson.h>

#include "analyze/analysis.h"
#include "analyze/input/text_trace.h"
#include "analyze/signature/levels.h"
#include "analyze/signature/rules.h"
#include "common/arena.h"
#include "tests/lib/temp_tree.h"

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

static struct snap_rules *rules;

/* ---------------------------------------------------------------- helpers */

/* A text being read: its next traces, one after the other. */
struct reading {
	struct snap_options options;
	struct snap_text *text;
	struct snap_crash crash;
	bool has_crash;
	struct snap_error err;
};

static void begin_bytes(
	struct reading *r, enum snap_text_format format, const void *bytes, size_t len)
{
	const char *path = in_top("input");
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	assert_int_equal(fwrite(bytes, 1, len, file), len);
	assert_int_equal(fclose(file), 0);
	*r = (struct reading){.options = {.rules = rules, .from = format}};
	if (snap_text_open(path, format, &r->text, &r->err) < 0)
		fail_msg("%s", r->err.text);
}

static void begin(struct reading *r, enum snap_text_format format, const char *text)
{
	begin_bytes(r, format, text, strlen(text));
}

/* What snap_analysis_text() returns. */
static int next(struct reading *r)
{
	if (r->has_crash)
		snap_crash_deinit(&r->crash);
	int ret = snap_analysis_text(r->text, &r->options, &r->crash, &r->err);
	r->has_crash = ret > 0;
	return ret;
}

static void end(struct reading *r)
{
	if (r->has_crash)
		snap_crash_deinit(&r->crash);
	snap_text_close(r->text);
}

static const struct snap_crash_thread *thread_of(const struct reading *r)
{
	const struct snap_crash_thread *thread = snap_crash_crashed_thread(&r->crash);
	assert_non_null(thread);
	return thread;
}

/* The text of the only trace's signature; in a static buffer. */
static const char *sign(enum snap_text_format format, const char *text)
{
	static char signature[1024];
	struct reading r;
	begin(&r, format, text);
	if (next(&r) != 1)
		fail_msg("%s", r.err.text);
	(void)snprintf(signature, sizeof(signature), "%s",
		r.crash.signature.text ? r.crash.signature.text : "-");
	assert_int_equal(next(&r), 0);
	end(&r);
	return signature;
}

static void assert_refused(enum snap_text_format format, const char *text, const char *why)
{
	struct reading r;
	begin(&r, format, text);
	assert_int_equal(next(&r), -1);
	if (!strstr(r.err.text, why))
		fail_msg("'%s' is not in '%s'", why, r.err.text);
	end(&r);
}

/* ---------------------------------------------------------------- names */

static void test_names(void **state)
{
	static const struct {
		const char *in, *out;
	} cases[] = {
		{"main", "main"},
		{"f(int)", "f"},
		{"a::f(int, char) const", "a::f"},
		{"a::f() volatile &&", "a::f"},
		{"void f<int>(int)", "f<int>"},
		{"std::vector<int, std::allocator<int> > g<a, b>(a, b)", "g<a, b>"},
		{"operator()", "operator()"},
		{"a::operator()", "a::operator()"},
		{"a::operator()(int) const", "a::operator()"},
		{"operator new(unsigned long)", "operator new"},
		{"operator<(a const&, a const&)", "operator<"},
		{"std::ostream& operator<< <a>(std::ostream&, a const&)", "operator<< <a>"},
		{"bool a::operator==<b>(b) const", "a::operator==<b>"},
		{"a::operator bool() const", "a::operator bool"},
		{"my_operator(int)", "my_operator"},
		{"(anonymous namespace)::f(int)", "(anonymous namespace)::f"},
		{"void (anonymous namespace)::f<int>(int)", "(anonymous namespace)::f<int>"},
		{"f(int (*)(char (*)()))", "f"},
		{"f(int) [clone .cold]", "f"},
		{"non-virtual thunk to a::f(int)", "non-virtual thunk to a::f"},
		{"run()::<lambda(int)>::operator()(int) const",
			"run()::{lambda(int)}::operator()"},
		{"run()::{lambda(int)#1}::operator()(int) const",
			"run()::{lambda(int)#1}::operator()"},
		{"<alloc::vec::Vec<T> as core::ops::Drop>::drop",
			"<alloc::vec::Vec<T> as core::ops::Drop>::drop"},
		{")", ")"},
		{"()", "()"},
		{"f(int))", "f(int))"},
		{"", ""},
	};
	(void)state;
	struct snap_text text = {0};
	snap_arena_init(&text.arena, SIZE_MAX);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct snap_bytes name =
			snap_text_name_clean(&text, snap_bytes_str(cases[i].in));
		if (!snap_bytes_equal_str(name, cases[i].out))
			fail_msg("'%s' is '%.*s', not '%s'", cases[i].in, (int)name.len,
				(const char *)name.data, cases[i].out);
	}
	snap_arena_deinit(&text.arena);
}

/* Where a name ends before arguments, however they look. */
static void test_name_ends(void **state)
{
	static const char *const names[] = {"f", "a::f", "operator()", "a::operator()<int>",
		"operator<", "operator<< <a>", "operator->", "(anonymous namespace)::f",
		"void (anonymous namespace)::f<int>(int)", "f(int)", "f<g(int) (*)(char)>",
		"f<'('>", "f<(char)40>", "app::run<fn(i32) -> bool>", "operator new", "f::{lambda()#1}",
		"core::ops::FnOnce::call_once{{vtable.shim}}", "_start"};
	static const char *const behind[] = {" ()", " (x=1)", " (s=0x12 \"a) at (b\", c=40 '(')"};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		for (size_t j = 0; j < ARRAY_LEN(behind); j++) {
			char line[256];
			(void)snprintf(line, sizeof(line), "%s%s", names[i], behind[j]);
			size_t len = snap_text_name_len(snap_bytes_str(line), false);
			if (len != strlen(names[i]))
				fail_msg("'%s' is cut to %zu", line, len);
		}
}

static void test_libraries(void **state)
{
	static const struct {
		const char *file, *function, *module;
	} cases[] = {
		{"./nptl/pthread_kill.c", "__pthread_kill_implementation", "libc.so.6"},
		{"../sysdeps/posix/raise.c", "raise", "libc.so.6"},
		{"csu/../csu/libc-start.c", "__libc_start_main", "libc.so.6"},
		{"nptl/./nptl/pthread_create.c", "start_thread", "libc.so.6"},
		{"/usr/src/debug/glibc-2.38-4.x86_64/stdlib/msort.c", "qsort_r", "libc.so.6"},
		{"./debug/fortify_fail.c", "__GI___fortify_fail", "libc.so.6"},
		{"./debug/console.c", "print_all", NULL},
		{"abort.c", "abort", "libc.so.6"},
		{"abort.c", "abort_order", "libc.so.6"},
		{"malloc.c", "my_malloc", NULL},
		{"../../../../src/libstdc++-v3/libsupc++/eh_terminate.cc", "std::terminate",
			"libstdc++.so.6"},
		{"../../../src/libgcc/unwind.inc", "_Unwind_Resume", "libgcc_s.so.1"},
		{"../../../../src/libsanitizer/asan/asan_malloc_linux.cpp", "malloc", "libasan.so"},
		{"/srv/app/malloc/pool.c", "pool_get", NULL},
		{"van.c", "van_load", NULL},
		{"", "f", NULL},
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct snap_bytes got = snap_text_library_of(
			snap_bytes_str(cases[i].file), snap_bytes_str(cases[i].function));
		if (!snap_bytes_equal(got, snap_bytes_str(cases[i].module)))
			fail_msg("%s in %s is of '%.*s'", cases[i].function, cases[i].file,
				(int)got.len, (const char *)got.data);
	}
}

/* ---------------------------------------------------------------- gdb */

static void test_gdb_frames(void **state)
{
	struct reading r;
	(void)state;
	begin(&r, SNAP_TEXT_GDB,
		"Program received signal SIGSEGV, Segmentation fault.\n"
		"#0  0x0000000000401136 in a (x=4) at src/in l.c:3\n"
		"#1  b (x=x@entry=3) at inl.c:4\n"
		"#2  c (x=x@entry=3) at inl.c:5\n"
		"#3  0x0000000000401048 in d () from /lib/my lib.so\n"
		"#4  0x0000000000401050 in ?? ()\n"
		"#5  <signal handler called>\n"
		"#6  0x0000000000401060 in main (argc=1, argv=0x7fff) at inl.c:8\n");
	assert_int_equal(next(&r), 1);
	const struct snap_crash_thread *thread = thread_of(&r);
	assert_int_equal(thread->num_listed, 7);
	assert_int_equal(thread->num_frames, 5);
	static const struct {
		const char *function, *file;
		size_t frame;
		bool is_inline;
		uint32_t line;
	} wanted[] = {
		{"a", "src/in l.c", 0, true, 3},
		{"b", "inl.c", 0, true, 4},
		{"c", "inl.c", 0, false, 5},
		{"d", NULL, 1, false, 0},
		{NULL, NULL, 2, false, 0},
		{NULL, NULL, 3, false, 0},
		{"main", "inl.c", 4, false, 8},
	};
	for (size_t i = 0; i < ARRAY_LEN(wanted); i++) {
		const struct snap_listed_frame *listed = &thread->listed[i];
		assert_int_equal(listed->frame, wanted[i].frame);
		assert_int_equal(listed->is_inline, wanted[i].is_inline);
		assert_int_equal(listed->line, wanted[i].line);
		if (wanted[i].function)
			assert_string_equal(listed->function, wanted[i].function);
		else
			assert_null(listed->function);
		if (wanted[i].file)
			assert_string_equal(listed->file, wanted[i].file);
		else
			assert_null(listed->file);
	}
	assert_int_equal(thread->frames[0].pc, 0x401136);
	assert_int_equal(thread->frames[0].trust, SNAP_TRUST_CONTEXT);
	assert_int_equal(thread->frames[1].trust, SNAP_TRUST_CFI);
	assert_true(snap_bytes_equal_str(thread->frames[1].module->record.path, "/lib/my lib.so"));
	assert_true(thread->frames[1].is_place_unknown);
	assert_true(thread->frames[3].is_signal);
	assert_int_equal(thread->end, SNAP_END_COMPLETE);
	assert_string_equal(r.crash.cause.signal, "SIGSEGV");
	/* Where in its module a frame is, the text does not say. */
	assert_null(r.crash.signature.ids[SNAP_SIGNATURE_ADDRESS][SNAP_SIGNATURE_DEPTH_3]);
	assert_string_equal(r.crash.signature.text, "segv | a | b | c");
	assert_int_equal(next(&r), 0);
	end(&r);
}

/* Without any address, nothing is known of inlining. */
static void test_gdb_no_addresses(void **state)
{
	struct reading r;
	(void)state;
	begin(&r, SNAP_TEXT_GDB, "#0  a () at a.c:1\n#1  b () at a.c:2\n");
	assert_int_equal(next(&r), 1);
	assert_int_equal(thread_of(&r)->num_frames, 2);
	end(&r);
}

#define STACK "#0  0x0000000000401136 in f () at a.c:3\n#1  0x0000000000401139 in g () at a.c:9\n"

static void test_gdb_kinds(void **state)
{
	static const struct {
		const char *text, *signature;
	} cases[] = {
		{STACK, "unknown | f | g"},
		{"Program received signal SIGSEGV, Segmentation fault.\n" STACK, "segv | f | g"},
		{"Program terminated with signal 11, Segmentation fault.\n" STACK, "segv | f | g"},
		{"Program terminated with signal SIGFPE, Arithmetic exception.\n" STACK, "fpe | f | g"},
		{"Thread 3 \"x\" received signal SIGBUS, Bus error.\n" STACK, "bus | f | g"},
		{"Program received signal SIGILL, Illegal instruction.\n" STACK, "ill | f | g"},
		{"Program received signal SIGTRAP, Trace/breakpoint trap.\n" STACK, "trap | f | g"},
		{"Program received signal SIGSYS, Bad system call.\n" STACK, "sys | f | g"},
		{"Program received signal SIGUSR1, User defined signal 1.\n" STACK, "signal | f | g"},
		{"Program received signal SIGSEGV, Segmentation fault.\n" STACK
		 "Cannot access memory at address 0x8\n",
			"segv-null | f | g"},
		{"Program received signal SIGSEGV, Segmentation fault.\n" STACK
		 "Cannot access memory at address 0x7fff12345678\n",
			"segv | f | g"},
		{"Program received signal SIGSEGV, Segmentation fault.\n" STACK
		 "$1 = {si_signo = 11, _sifields = {_sigfault = {si_addr = 0x10}}}\n",
			"segv-null | f | g"},
		/* SI_KERNEL: no address is told. */
		{"Program received signal SIGSEGV, Segmentation fault.\n" STACK
		 "$1 = {si_signo = 11, si_code = 128, _sifields = {_sigfault = {si_addr = 0x0}}}\n",
			"segv | f | g"},
		{"Program received signal SIGSEGV, Segmentation fault.\n"
		 "#0  0x0000000000000000 in ?? ()\n#1  0x0000000000401139 in g () at a.c:9\n",
			"exec-bad-pc | g"},
		{"Program received signal SIGSEGV, Segmentation fault.\n"
		 "#0  0x4141414141414141 in ?? ()\n#1  0x0000000000401139 in g () at a.c:9\n",
			"exec-bad-pc | g"},
		/* No signal is named, but what ends programs is on top. */
		{"#0  0x00007f12 in raise () from /lib/libc.so.6\n"
		 "#1  0x00007f13 in abort () from /lib/libc.so.6\n"
		 "#2  0x0000000000401139 in g () at a.c:9\n",
			"abort | g"},
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_string_equal(sign(SNAP_TEXT_GDB, cases[i].text), cases[i].signature);
}

static void test_gdb_messages(void **state)
{
#define ABORT                                                                                      \
	"Program received signal SIGABRT, Aborted.\n"                                              \
	"#0  0x00007f11 in ?? () from /lib/libc.so.6\n#1  0x00007f12 in raise () from "            \
	"/lib/libc.so.6\n#2  0x00007f13 in abort () from /lib/libc.so.6\n"
#define CALLER "#3  0x0000000000401139 in g () at a.c:9\n"
	static const struct {
		const char *text, *signature;
	} cases[] = {
		{"prog: a.c:9: g: Assertion `n > 0' failed.\n\n" ABORT CALLER,
			"abort | g | \"assertion 'n > N'\""},
		{"free(): invalid pointer\n" ABORT CALLER, "abort | g | \"free(): invalid pointer\""},
		/* The last that was said, but nothing that is not the C library's. */
		{"free(): invalid pointer\nmunmap_chunk(): invalid pointer\nbye\n" ABORT CALLER,
			"abort | g | \"munmap_chunk(): invalid pointer\""},
		{"terminate called without an active exception\n" ABORT CALLER, "abort | g"},
		/* What a crash before said, is not this one's. */
		{ABORT "#3  0x00007f14 in __assert_fail_base (fmt=0x12 \"%s\", assertion=0x55 \"s[0] == "
		       "\\\"x\\\" && \\\\n\", file=0x56 \"a.c\", line=line@entry=9, function=0x57 "
		       "\"g\") at assert.c:92\n#4  0x0000000000401139 in g () at a.c:9\n",
			"abort | g | \"assertion 's[N] == \"x\" && \\n'\""},
		{ABORT "#3  0x00007f14 in __GI___fortify_fail (msg=msg@entry=0x12 \"stack smashing "
		       "detected\") at ./debug/fortify_fail.c:26\n"
		       "#4  0x0000000000401139 in g () at a.c:9\n",
			"abort | g | \"*** stack smashing detected ***: terminated\""},
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_string_equal(sign(SNAP_TEXT_GDB, cases[i].text), cases[i].signature);
}

/* Which of the threads crashed. */
static void test_gdb_threads(void **state)
{
#define THREADS                                                                                    \
	"Thread 3 (Thread 0x7f3 (LWP 13) \"c\"):\n#0  0x3 in three () at a.c:3\n\n"                \
	"Thread 2 (Thread 0x7f2 (LWP 12)):\n#0  0x2 in two () at a.c:2\n\n"                        \
	"Thread 1 (Thread 0x7f1 (LWP 11)):\n#0  0x1 in one () at a.c:1\n#1  0x4 in main () at a.c:4\n"
	static const struct {
		const char *text, *signature;
	} cases[] = {
		{THREADS, "unknown | one"},
		{"[Current thread is 2 (Thread 0x7f2 (LWP 12))]\n" THREADS, "unknown | two"},
		{"Thread 3 \"c\" received signal SIGSEGV, Segmentation fault.\n" THREADS,
			"segv | three"},
		{"Program received signal SIGSEGV, Segmentation fault.\n"
		 "[Switching to Thread 0x7f2 (LWP 12)]\n" THREADS,
			"segv | two"},
		/* "bt" is of the thread that gdb is at, whatever list follows or stands before. */
		{"Program received signal SIGSEGV, Segmentation fault.\n"
		 "#0  0x2 in two () at a.c:2\n" THREADS,
			"segv | two"},
		{"Program received signal SIGSEGV, Segmentation fault.\n" THREADS
		 "\n(gdb) bt\nThread 9 (\n#0  0x2 in two () at a.c:2\n",
			"segv | two"},
		/* Of a core, its innermost frame comes first. */
		{"Program terminated with signal SIGSEGV, Segmentation fault.\n#0  0x1 in one () at "
		 "a.c:1\n" THREADS,
			"segv | one"},
		/* The user looks at another thread. */
		{"Program received signal SIGSEGV, Segmentation fault.\n#0  0x2 in two () at a.c:2\n"
		 "[Switching to thread 3 (Thread 0x7f3 (LWP 13))]\n#0  0x3 in three () at a.c:3\n",
			"segv | two"},
		/* Twice the same. */
		{"Program received signal SIGSEGV, Segmentation fault.\n" THREADS "\n" THREADS,
			"segv | one"},
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_string_equal(sign(SNAP_TEXT_GDB, cases[i].text), cases[i].signature);
}

/* Several crashes in one text, each with its own words, and the line where it begins. */
static void test_gdb_several(void **state)
{
	static const struct {
		const char *file, *signature;
	} wanted[] = {
		{"input:3", "abort | f | g | \"free(): invalid pointer\""},
		{"input:7", "segv | f | g"},
		/* What stands before and behind it is its beginning. */
		{"input:12", "unknown | h | g"},
		{"input:17", "unknown | h | i"},
	};
	struct reading r;
	(void)state;
	begin(&r, SNAP_TEXT_GDB,
		"free(): invalid pointer\nProgram received signal SIGABRT, Aborted.\n" STACK
		"munmap_chunk(): invalid pointer\n"
		"Program received signal SIGSEGV, Segmentation fault.\n" STACK
		"\n#0  0x99 in h () at h.c:1\n\n#0  0x99 in h () at h.c:1\n#1  0x98 in g () at h.c:2\n"
		"\n#0  0x99 in h () at h.c:1\n\n#0  0x99 in h () at h.c:1\n#1  0x97 in i () at h.c:9\n");
	for (size_t i = 0; i < ARRAY_LEN(wanted); i++) {
		assert_int_equal(next(&r), 1);
		assert_string_equal(strrchr(r.crash.file, '/') + 1, wanted[i].file);
		assert_string_equal(r.crash.signature.text, wanted[i].signature);
	}
	assert_int_equal(next(&r), 0);
	assert_int_equal(next(&r), 0);
	end(&r);
}

/* Of lists of threads without a word on a signal, each is another crash's. */
static void test_gdb_lists(void **state)
{
	struct reading r;
	(void)state;
	begin(&r, SNAP_TEXT_GDB, THREADS "\n" THREADS);
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(next(&r), 1);
		assert_string_equal(r.crash.signature.text, "unknown | one");
	}
	assert_int_equal(next(&r), 0);
	end(&r);
}

static void test_gdb_ends(void **state)
{
	static const struct {
		const char *text;
		enum snap_end end;
		size_t num;
	} cases[] = {
		{STACK, SNAP_END_COMPLETE, 2},
		{STACK "(More stack frames follow...)\n", SNAP_END_LIMIT, 2},
		{STACK "Backtrace stopped: previous frame identical to this frame (corrupt stack?)\n",
			SNAP_END_CORRUPT, 2},
		{STACK "#5  0x0000000000401139 in h () at a.c:9\n", SNAP_END_TRUNCATED, 2},
		/* What gdb itself called is none of the program's. */
		{"#0  0x1 in x () at a.c:3\n#1  <function called from gdb>\n#2  0x2 in y () at a.c:3\n",
			SNAP_END_COMPLETE, 1},
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct reading r;
		begin(&r, SNAP_TEXT_GDB, cases[i].text);
		assert_int_equal(next(&r), 1);
		assert_int_equal(thread_of(&r)->end, cases[i].end);
		assert_int_equal(thread_of(&r)->num_listed, cases[i].num);
		end(&r);
	}
}

/* ---------------------------------------------------------------- sanitizers */

static void test_sanitizer_frames(void **state)
{
	struct reading r;
	(void)state;
	begin(&r, SNAP_TEXT_ASAN,
		"\033[1m\033[31m==7==ERROR: AddressSanitizer: heap-buffer-overflow on address 0x60 at\033[0m\r\n"
		"    #0 0x401000 in a::f(int) /srv/my dir/a.cc:31:17\n"
		"    #1 0x401000 in g /srv/a.cc:40\n"
		"    #2 0x401020 in h+0x12 (/srv/x (1).so+0x1020) (BuildId: 00fF)\n"
		"    #3 0x401030  (/srv/x (1).so+0x1030)\n"
		"    #4 0x401040 in i rel.c:5:1\n"
		"    #5 0x401040 in i rel.c:5:1\n"
		"freed by thread T0 here:\n    #0 0x1 in other a.c:1:1\n");
	assert_int_equal(next(&r), 1);
	const struct snap_crash_thread *thread = thread_of(&r);
	assert_int_equal(thread->num_listed, 6);
	assert_int_equal(thread->num_frames, 5);
	assert_string_equal(thread->listed[0].function, "a::f");
	assert_string_equal(thread->listed[0].file, "/srv/my dir/a.cc");
	assert_int_equal(thread->listed[0].line, 31);
	assert_int_equal(thread->listed[0].column, 17);
	assert_true(thread->listed[0].is_inline);
	assert_int_equal(thread->listed[1].line, 40);
	assert_string_equal(thread->listed[2].function, "h");
	assert_null(thread->listed[3].function);
	assert_string_equal(thread->listed[4].file, "rel.c");
	const struct snap_crash_module *module = thread->frames[1].module;
	assert_true(snap_bytes_equal_str(module->record.path, "/srv/x (1).so"));
	assert_int_equal(module->record.build_id.len, 2);
	assert_memory_equal(module->record.build_id.data, "\x00\xff", 2);
	assert_ptr_equal(thread->frames[2].module, module);
	assert_int_equal(thread->frames[2].pc - module->record.load_bias, 0x1030);
	assert_string_equal(r.crash.signature.text,
		"sanitizer | a::f | g | h | \"heap-buffer-overflow\"");
	assert_non_null(r.crash.signature.ids[SNAP_SIGNATURE_ADDRESS][SNAP_SIGNATURE_DEPTH_3]);
	assert_int_equal(next(&r), 0);
	end(&r);
}

static void test_sanitizer_heads(void **state)
{
	static const struct {
		const char *head, *signature;
	} cases[] = {
		{"==1==ERROR: AddressSanitizer: attempting double-free on 0x60 in thread T0:",
			"sanitizer | f | \"attempting double-free\""},
		{"==1==ERROR: AddressSanitizer: alloc-dealloc-mismatch (operator new [] vs free) on 0x6",
			"sanitizer | f | \"alloc-dealloc-mismatch\""},
		{"==1==ERROR: AddressSanitizer: negative-size-param: (size=-1)",
			"sanitizer | f | \"negative-size-param\""},
		{"==1==ERROR: HWAddressSanitizer: tag-mismatch on address 0x6 at pc 0x5",
			"sanitizer | f | \"tag-mismatch\""},
		{"WARNING: ThreadSanitizer: lock-order-inversion (potential deadlock) (pid=1)",
			"sanitizer | f | \"lock-order-inversion\""},
		{"==1==AddressSanitizer: CHECK failed: asan_x.cpp:12 \"((0)) != (0)\" (0x0, 0x0)",
			"sanitizer | f | \"CHECK failed\""},
		{"==1== ERROR: libFuzzer: deadly signal", "sanitizer | f | \"deadly signal\""},
		{"==1==ERROR: AddressSanitizer: SEGV on unknown address 0x10 (pc 0x4 bp 0x1 sp 0x2 T0)",
			"segv-null | f"},
		{"==1==ERROR: AddressSanitizer: SEGV on unknown address 0x7f0000000000 (pc 0x4 T0)",
			"segv | f"},
		{"==1==ERROR: AddressSanitizer: SEGV on unknown address 0x0 (pc 0x0 T0)\n"
		 "==1==Hint: pc points to the zero page.",
			"exec-bad-pc | f"},
		{"==1==ERROR: AddressSanitizer: ABRT on unknown address 0x3e8 (pc 0x4 T0)", "abort | f"},
		{"==1==ERROR: AddressSanitizer: ILL on unknown address 0x4 (pc 0x4 T0)", "ill | f"},
		{"==1==ERROR: AddressSanitizer: BUS on unknown address (pc 0x4 T0)", "bus | f"},
		{"a.c:3:5: runtime error: null pointer passed as argument 1",
			"sanitizer | f | \"null pointer passed as argument N\""},
		{"[12:30:01] a.c:3:5: runtime error: division by zero",
			"sanitizer | f | \"division by zero\""},
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char text[512];
		(void)snprintf(text, sizeof(text), "%s\n    #0 0x4 in f /srv/a.c:1:2\n", cases[i].head);
		assert_string_equal(sign(SNAP_TEXT_ASAN, text), cases[i].signature);
	}
}

/* ---------------------------------------------------------------- plain */

static void test_plain_frames(void **state)
{
	static const struct {
		const char *text, *signature;
	} cases[] = {
		{"f\ng", "unknown | f | g"},
		{"kind: segv-null\nf\n", "segv-null | f"},
		{"kind: abort\nmessage: a: b.c:1: f: Assertion `x' failed.\nf\n",
			"abort | f | \"assertion 'x'\""},
		{"kind: sanitizer\nmessage: heap-use-after-free\nf\n",
			"sanitizer | f | \"heap-use-after-free\""},
		{"#0 f at a b.c:12\n#1 g\n", "unknown | f | g"},
		{"libx.so.1!f+0x12\nlibx.so.1!?\nlibx.so.1!??\n", "unknown | f | libx.so!?"},
		{"libx.so.1+0x12\nf+0x12\n", "unknown | libx.so!? | f"},
		{"0x12 in f\n0x13 g\n", "unknown | f | g"},
		{"operator!=\na!operator!=\n", "unknown | operator!="},
		{"f(int, char) const\nvoid g<int>(int)\n", "unknown | f | g<T>"},
		{"f [inlined]\ng\n", "unknown | f | g"},
		{"_ZN1a1fEi\n", "unknown | a::f"},
		{" 0  app!f [a.c : 12 + 0x5]\n 1  app!g [a.c : 13]\n", "unknown | f | g"},
		{"@ 0x12 f\n    @     0x13 (unknown)\n@ 0x14 g\n", "unknown | f | g"},
		{"./app(f+0x15) [0x400123]\n./app(+0x99) [0x400199]\n", "unknown | f | app!?"},
		{"#0  0x0012 f (app + 0x12)\n#1  0x0013 n/a (app + 0x13)\n", "unknown | f | app!?"},
		{"??\n?\n<signal handler called>\n", "-"},
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_string_equal(sign(SNAP_TEXT_PLAIN, cases[i].text), cases[i].signature);
}

static void test_plain_physical(void **state)
{
	struct reading r;
	(void)state;
	begin(&r, SNAP_TEXT_PLAIN, "f [inlined]\ng\n\n\n\ng\n");
	assert_int_equal(next(&r), 1);
	char id[64];
	(void)snprintf(id, sizeof(id), "%s",
		r.crash.signature.ids[SNAP_SIGNATURE_PHYSICAL][SNAP_SIGNATURE_DEPTH_3]);
	assert_string_equal(strrchr(r.crash.file, '/') + 1, "input:1");
	assert_int_equal(next(&r), 1);
	assert_string_equal(strrchr(r.crash.file, '/') + 1, "input:6");
	assert_string_equal(r.crash.signature.id, id);
	end(&r);
}

/* ---------------------------------------------------------------- reports in JSON */

static void check_levels(const struct snap_crash *crash, const json_t *report)
{
	const json_t *signature = json_object_get(report, "signature");
	const json_t *levels = json_object_get(signature, "levels");
	assert_string_equal(
		crash->signature.id, json_string_value(json_object_get(signature, "id")));
	for (int i = 0; i < SNAP_SIGNATURE_NUM_LEVELS; i++) {
		const json_t *level = json_object_get(
			levels, snap_signature_level_name((enum snap_signature_level)i));
		assert_true(json_is_object(level));
		for (int j = 0; j < SNAP_SIGNATURE_NUM_DEPTHS; j++) {
			const char *id = json_string_value(json_object_get(
				level, snap_signature_depth_name((enum snap_signature_depth)j)));
			assert_true((id == NULL) == (crash->signature.ids[i][j] == NULL));
			if (id)
				assert_string_equal(crash->signature.ids[i][j], id);
		}
	}
}

/* All levels of a report's signature are found anew. */
static void test_json_levels(void **state)
{
	static const char *const fixtures[] = {
		"segv-null", "cxx-inline", "signal-frame", "thread", "two-modules", "aarch64-jump-null"};
	size_t num = 0;
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(fixtures); i++) {
		char path[256];
		struct snap_options options = {.rules = rules, .from = SNAP_TEXT_JSON};
		struct snap_error err = SNAP_ERROR_INIT;
		struct snap_text *text;
		struct snap_crash crash;
		(void)snprintf(path, sizeof(path), "tests/fixtures/%s/report.json", fixtures[i]);
		json_t *report = json_load_file(path, 0, NULL);
		if (!report)
			continue;
		if (snap_text_open(path, SNAP_TEXT_JSON, &text, &err) < 0 ||
			snap_analysis_text(text, &options, &crash, &err) != 1)
			fail_msg("%s", err.text);
		check_levels(&crash, report);
		assert_string_equal(crash.file, path);
		snap_crash_deinit(&crash);
		assert_int_equal(snap_analysis_text(text, &options, &crash, &err), 0);
		snap_text_close(text);
		json_decref(report);
		num++;
	}
	assert_true(num >= 4);
}

#define REPORT                                                                                     \
	"{\"schema\":\"snapcrash-report/1\",\"snapshot\":{\"uuid\":\"00ff\",\"captured_at\":"      \
	"\"2024-02-29T23:59:58.25Z\",\"integrity\":\"complete\"},\"device\":{\"project\":\"p\","   \
	"\"device\":\"d\",\"software_version\":\"1.2\"},\"tags\":{\"a\":\"b\",\"c\":\"\"},"        \
	"\"crash\":{\"kind\":\"segv\",\"signal\":\"SIGSEGV\",\"address\":\"0x7f0000000010\"},"     \
	"\"threads\":[{\"tid\":1,\"crashed\":false,\"frames\":[]},{\"tid\":2,\"crashed\":true,"    \
	"\"end\":\"complete\",\"end_reason\":\"x\",\"frames\":[{\"pc\":\"0x10\",\"trust\":"        \
	"\"context\",\"function\":\"f\",\"line\":18446744073709551615}]}],\"modules\":[]}"

static void test_json_facts(void **state)
{
	struct reading r;
	(void)state;
	begin(&r, SNAP_TEXT_JSON, "[\n" REPORT ",\n" REPORT "\n]\n");
	assert_int_equal(next(&r), 1);
	const struct snap_metadata *metadata = &r.crash.metadata;
	assert_int_equal(metadata->snapshot_uuid.len, 2);
	assert_true(snap_bytes_equal_str(metadata->project_name, "p"));
	assert_true(snap_bytes_equal_str(metadata->device_name, "d"));
	assert_true(snap_bytes_equal_str(metadata->software_version, "1.2"));
	assert_true(r.crash.capture.has_time);
	assert_int_equal(r.crash.capture.time_s, 1709251198);
	assert_int_equal(r.crash.capture.time_ns, 250000000);
	assert_int_equal(r.crash.num_tags, 2);
	assert_true(snap_bytes_equal_str(r.crash.tags[0].key, "a"));
	assert_true(snap_bytes_equal_str(r.crash.tags[0].value, "b"));
	assert_int_equal(thread_of(&r)->record.tid, 2);
	assert_string_equal(r.crash.signature.text, "segv | f");
	assert_string_equal(strrchr(r.crash.file, '/') + 1, "input:2");
	assert_int_equal(next(&r), 1);
	assert_string_equal(strrchr(r.crash.file, '/') + 1, "input:3");
	assert_int_equal(next(&r), 0);
	end(&r);
}

/* What stands before a fault in the text is still told. */
static void test_json_bad(void **state)
{
	struct reading r;
	(void)state;
	begin(&r, SNAP_TEXT_JSON, REPORT "\n{\"schema\":");
	assert_int_equal(next(&r), 1);
	assert_string_equal(r.crash.signature.text, "segv | f");
	assert_int_equal(next(&r), -1);
	assert_non_null(strstr(r.err.text, "line 2: no JSON begins there"));
	end(&r);
	assert_refused(SNAP_TEXT_JSON, "{}\n", "line 1: what begins there is no report");
	assert_refused(SNAP_TEXT_JSON, "\n\n{\"schema\":\"x\"}", "line 3: what begins there is no report");
	assert_refused(SNAP_TEXT_JSON, "[]\n", "no report of a crash in it");
	assert_refused(SNAP_TEXT_JSON, "\xff\n", "no JSON begins there");
}

/* ---------------------------------------------------------------- hostile ones */

static void test_nothing(void **state)
{
	(void)state;
	assert_refused(SNAP_TEXT_GDB, "hello\n", "there is no backtrace of gdb's in it");
	assert_refused(SNAP_TEXT_GDB, "#1 see a (b)\n# 0\n#0 \n", "there is no backtrace of gdb's in it");
	assert_refused(SNAP_TEXT_ASAN, "==1==ERROR: AddressSanitizer: x\n",
		"there is no report of a sanitizer with a stack in it");
	assert_refused(SNAP_TEXT_ASAN, "    #0 0x4 in f a.c:1\n",
		"there is no report of a sanitizer with a stack in it");
	assert_refused(SNAP_TEXT_PLAIN, "\n \n\t\n", "there is no frame in it");
	assert_refused(SNAP_TEXT_PLAIN, "kind: bad\x1b\nf\n", "line 1: there is no kind 'bad\\x1b'");
	assert_refused(SNAP_TEXT_PLAIN, "kind: none\nf\n", "there is no kind 'none'");
}

static void test_nul(void **state)
{
	struct reading r;
	(void)state;
	begin_bytes(&r, SNAP_TEXT_PLAIN, "f\ng\0h\n", 6);
	assert_int_equal(next(&r), -1);
	assert_non_null(strstr(r.err.text, "line 2 has a NUL"));
	end(&r);
}

static char *repeat(const char *before, const char *text, size_t num)
{
	size_t len = strlen(text);
	char *ret = malloc(strlen(before) + num * len + 1);
	assert_non_null(ret);
	char *at = stpcpy(ret, before);
	for (size_t i = 0; i < num; i++)
		at = mempcpy(at, text, len);
	*at = '\0';
	return ret;
}

static double seconds(void)
{
	struct timespec now;
	assert_int_equal(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now), 0);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Each of these would take hours, or all memory, if something were done anew for each line. */
static void test_long(void **state)
{
	static const struct {
		enum snap_text_format format;
		const char *before, *text;
	} cases[] = {
		{SNAP_TEXT_GDB, "#0  0x1 in f () at a.c:1\n", "["},
		{SNAP_TEXT_GDB, "#0  0x1 in f () at a.c:1\n", "#0 0x1 in\nx (\n"},
		{SNAP_TEXT_GDB, "#0  0x1 in f () at a.c:1\n", "#0 0x1 in f<(((<<< \n"},
		{SNAP_TEXT_GDB, "#0  0x1 in f () at a.c:1\n", "Thread 1 (x):\n#0 0x1 in f (\n"},
		{SNAP_TEXT_GDB, "#0  0x1 in ", "<("},
		{SNAP_TEXT_GDB, "#0  0x1 in f () at a.c:1\n", "\n#1  g () at b:"},
		{SNAP_TEXT_GDB, "#0  0x1 in f (x=\"", "\\\""},
		{SNAP_TEXT_GDB, "#0  0x1 in f () at a.c:1\n", "> > > [12:30] #"},
		{SNAP_TEXT_ASAN, "==1==ERROR: AddressSanitizer: x\n", "#0 0x1 in f (((((\n"},
		{SNAP_TEXT_ASAN, "==1==ERROR: AddressSanitizer: x\n#0 0x1 in f", " (/a+0x1)"},
		{SNAP_TEXT_PLAIN, "f", " at "},
		{SNAP_TEXT_PLAIN, "f\n", "a!b!c [ : ] (\n"},
		{SNAP_TEXT_PLAIN, "f\n", "\n\nf\n"},
		{SNAP_TEXT_JSON, REPORT, "[[{\"a\":"},
	};
	enum { TEXT_BYTES = 4 << 20 };
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct reading r;
		size_t num = 0;
		char *text = repeat(
			cases[i].before, cases[i].text, TEXT_BYTES / strlen(cases[i].text));
		double start = seconds();
		begin(&r, cases[i].format, text);
		while (next(&r) > 0)
			num++;
		end(&r);
		free(text);
		if (num > SNAP_TEXT_MAX_TRACES || seconds() - start > 20)
			fail_msg("case %zu: %zu traces in %.1f s", i, num, seconds() - start);
	}
}

static void test_limits(void **state)
{
	struct reading r;
	(void)state;
	char *text = repeat("", "f\n", SNAP_TEXT_MAX_FRAMES + 10);
	begin(&r, SNAP_TEXT_PLAIN, text);
	assert_int_equal(next(&r), 1);
	assert_int_equal(thread_of(&r)->num_listed, SNAP_TEXT_MAX_FRAMES);
	assert_int_equal(thread_of(&r)->end, SNAP_END_LIMIT);
	end(&r);
	free(text);

	text = repeat("", "f\n\n", SNAP_TEXT_MAX_TRACES);
	begin(&r, SNAP_TEXT_PLAIN, text);
	size_t num = 0;
	while (next(&r) > 0)
		num++;
	assert_int_equal(num, SNAP_TEXT_MAX_TRACES);
	assert_int_equal(r.err.code, SNAP_ERROR_NONE);
	end(&r);
	free(text);

	text = repeat("", "f\n\n", SNAP_TEXT_MAX_TRACES + 1);
	begin(&r, SNAP_TEXT_PLAIN, text);
	int last;
	while ((last = next(&r)) > 0)
		;
	assert_int_equal(last, -1);
	assert_int_equal(r.err.code, SNAP_ERROR_LIMIT);
	end(&r);
	free(text);

	/* A line is cut, and does not go on as the next one. */
	text = repeat("", "f", SNAP_TEXT_MAX_LINE + 10);
	begin(&r, SNAP_TEXT_PLAIN, text);
	assert_int_equal(next(&r), 1);
	assert_int_equal(thread_of(&r)->num_listed, 1);
	assert_int_equal(strlen(thread_of(&r)->listed[0].function), SNAP_TEXT_MAX_LINE);
	end(&r);
	free(text);
}

static int setup(void **state)
{
	(void)state;
	rules = snap_rules_load(NULL, NULL);
	return rules && mkdtemp(top) ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	snap_rules_free(rules);
	remove_tree(top);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_name_ends),
		cmocka_unit_test(test_libraries),
		cmocka_unit_test(test_gdb_frames),
		cmocka_unit_test(test_gdb_no_addresses),
		cmocka_unit_test(test_gdb_kinds),
		cmocka_unit_test(test_gdb_messages),
		cmocka_unit_test(test_gdb_threads),
		cmocka_unit_test(test_gdb_several),
		cmocka_unit_test(test_gdb_lists),
		cmocka_unit_test(test_gdb_ends),
		cmocka_unit_test(test_sanitizer_frames),
		cmocka_unit_test(test_sanitizer_heads),
		cmocka_unit_test(test_plain_frames),
		cmocka_unit_test(test_plain_physical),
		cmocka_unit_test(test_json_levels),
		cmocka_unit_test(test_json_facts),
		cmocka_unit_test(test_json_bad),
		cmocka_unit_test(test_nothing),
		cmocka_unit_test(test_nul),
		cmocka_unit_test(test_long),
		cmocka_unit_test(test_limits),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
