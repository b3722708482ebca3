/*
 * Names and signatures, on models made by hand.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/signature/name.h"
#include "analyze/signature/signature.h"

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

static struct snap_rules *rules;

/* As the built-in rules have it, in no module; to be freed. */
static char *name_of(const char *function)
{
	const struct snap_rules_place nowhere = snap_rules_place(rules, snap_bytes(NULL, 0), 0);
	char *name = snap_signature_name(function, rules, &nowhere, NULL);
	assert_non_null(name);
	return name;
}

static void test_names(void **state)
{
	static const struct {
		const char *in, *out;
	} cases[] = {
		{"main", "main"},
		{"std::vector<int, std::allocator<int> >::push_back", "std::vector<T>::push_back"},
		{"a<b<c>>::d<e>", "a<T>::d<T>"},
		{"operator<", "operator<"},
		{"operator<<", "operator<<"},
		{"ns::operator<< <char>", "ns::operator<< <T>"},
		{"S::operator->", "S::operator->"},
		{"S::operator()", "S::operator()"},
		{"operator<=><A>", "operator<=><T>"},
		{"S<int>::operator<", "S<T>::operator<"},
		{"my_operator<int>", "my_operator<T>"},
		{"call<void (*)() -> int>", "call<T>"},
		{"<alloc::vec::Vec<T> as core::ops::Drop>::drop",
			"<alloc::vec::Vec<T> as core::ops::Drop>::drop"},
		{"<a::B<u8> as c::D<u16>>::e", "<a::B<T> as c::D<T>>::e"},
		{"core::ptr::drop_in_place<a::B>", "core::ptr::drop_in_place<T>"},
		{"run::{lambda(int, char)#2}::operator()", "run::{lambda}::operator()"},
		{"(anonymous namespace)::f", "(anonymous namespace)::f"},
		{"a::{anonymous}::f", "a::(anonymous namespace)::f"},
		{"_GLOBAL__N_1::f", "(anonymous namespace)::f"},
		{"main::$_0::operator()", "main::{lambda}::operator()"},
		{"main::$_12::__invoke", "main::{lambda}::__invoke"},
		{"a$_0", "a$_0"},
		{"$_x", "$_x"},
		{"f::'lambda'(int)::operator()", "f::{lambda}::operator()"},
		{"f::'lambda1'(int, char)::operator()", "f::{lambda}::operator()"},
		{"f::'lambdas'", "f::'lambdas'"},
		{"S::name[abi:cxx11]", "S::name"},
		{"std::__cxx11::basic_string<char>::substr", "std::basic_string<T>::substr"},
		{"std::__1::vector<int>::at", "std::vector<T>::at"},
		{"f(std::__ndk1::string)::{lambda()#1}::operator()", "f(std::string)::{lambda}::operator()"},
		{"std::__cxx1998::f", "std::__cxx1998::f"},
		{"a::b::h0123456789abcdef", "a::b"},
		{"a::b::h0123456789abcdeg", "a::b::h0123456789abcdeg"},
		{"a::b::h0123456789abcdef.llvm.12", "a::b"},
		{"__strlen_avx2", "strlen"},
		{"__strlen_avx2_rtm", "strlen"},
		{"__memmove_avx_unaligned_erms", "memmove"},
		{"__memcpy_ssse3", "memcpy"},
		{"__wcslen_evex512", "wcslen"},
		{"__GI___strlen_sse2", "strlen"},
		{"__memcpy_chk", "__memcpy_chk"},
		{"strlen_avx2", "strlen_avx2"},
		{"__my_avx2", "__my_avx2"},
		{"f.constprop.0", "f"},
		{"f.isra.0.part.1.cold", "f"},
		{"f.llvm.1234567890", "f"},
		{"f.123", "f"},
		{"f [clone .cold]", "f"},
		{"memcpy@@GLIBC_2.14", "memcpy"},
		{"memcpy@plt", "memcpy@plt"},
		{"__GI_raise", "raise"},
		{"IA__gtk_main", "gtk_main"},
		{"__GI_", "__GI_"},
		{"__GI___libc_free", "free"},
		{"__libc_start_main", "__libc_start_main"},
		{"unclosed<int", "unclosed<int"},
		{"<<<<<<<<<<<<", "<<<<<<<<<<<<"},
		{"", ""},
		{"@", "@"},
		{".cold", ".cold"},
		{"bad\xff", "bad\\xff"},
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char *name = name_of(cases[i].in);
		assert_string_equal(cases[i].out, name);
		free(name);
	}
}

/* As large as a hostile symbol table allows; must end at once. */
static void test_name_hostile(void **state)
{
	enum { LEN = 1 << 20 };
	(void)state;
	for (int how = 0; how < 3; how++) {
		char *in = malloc(LEN + 1);
		assert_non_null(in);
		for (size_t i = 0; i < LEN; i++)
			in[i] = how == 0 ? '<' : how == 1 ? "<a as "[i % 6] : "<>"[i >= LEN / 2];
		in[LEN] = '\0';
		char *name = name_of(in);
		assert_true(strlen(name) <= LEN);
		free(name);
		free(in);
	}
}

/* ---------------------------------------------------------------- signatures */

enum place {
	PROGRAM,
	LIBC,
	LIBSTDCXX,
	LIBFOO,
	NOWHERE,
};

struct line {
	const char *function, *raw_function;
	enum place place;
	enum snap_trust trust;
	bool is_inline, is_signal;
};

#define MAX_LINES 16

struct model {
	struct snap_crash crash;
	struct snap_crash_thread thread;
	struct snap_crash_module modules[4];
	struct snap_frame frames[MAX_LINES];
	struct snap_listed_frame listed[MAX_LINES];
	uint8_t pr_reg[216];
};

static int load_rules(void **state)
{
	(void)state;
	rules = snap_rules_load(NULL, NULL);
	return rules ? 0 : -1;
}

static int free_rules(void **state)
{
	(void)state;
	snap_rules_free(rules);
	return 0;
}

static int setup(void **state)
{
	static struct model model;
	struct model *m = &model;
	memset(m, 0, sizeof(*m));
	snap_crash_init(&m->crash, "test.snap");
	m->crash.arch = snap_arch_find(EM_X86_64, ELFCLASS64, ELFDATA2LSB);
	m->modules[PROGRAM].record.path = snap_bytes_str("/usr/bin/prog");
	m->modules[LIBC].record.path = snap_bytes_str("/lib/libc.so.6");
	m->modules[LIBSTDCXX].record.path = snap_bytes_str("/lib/libstdc++.so.6");
	m->modules[LIBFOO].record.path = snap_bytes_str("/opt/libfoo\x1b.so");
	m->crash.modules = m->modules;
	m->crash.num_modules = ARRAY_LEN(m->modules);
	m->thread = (struct snap_crash_thread){
		.crashed = true,
		.frames = m->frames,
		.listed = m->listed,
		.pr_reg = snap_bytes(m->pr_reg, sizeof(m->pr_reg)),
	};
	m->crash.threads = &m->thread;
	m->crash.num_threads = 1;
	m->crash.cause.kind = SNAP_KIND_ABORT;
	*state = m;
	return 0;
}

static int teardown(void **state)
{
	struct model *m = *state;
	snap_crash_deinit(&m->crash);
	return 0;
}

static const char *sign(struct model *m, const struct line *lines, size_t num)
{
	m->thread.num_frames = m->thread.num_listed = num;
	for (size_t i = 0; i < num; i++) {
		const struct line *l = &lines[i];
		m->frames[i] = (struct snap_frame){
			.trust = l->trust,
			.is_signal = l->is_signal,
			.module = l->place == NOWHERE ? NULL : &m->modules[l->place],
		};
		m->listed[i] = (struct snap_listed_frame){
			.frame = i,
			.function = l->function,
			.raw_function = l->raw_function,
			.is_inline = l->is_inline,
		};
	}
	assert_int_equal(0, snap_sign(&m->crash, rules, NULL));
	assert_int_equal(m->crash.signature.id == NULL, m->crash.signature.text == NULL);
	return m->crash.signature.text;
}

/* A line of a backtrace; more members may follow. */
#define F(function_, place_, ...)                                                                  \
	{                                                                                          \
		.function = function_, .place = place_, __VA_ARGS__                                \
	}
#define SIGN(m, ...)                                                                               \
	sign(m, (const struct line[]){__VA_ARGS__},                                                \
		sizeof((const struct line[]){__VA_ARGS__}) / sizeof(struct line))

static void test_abort(void **state)
{
	struct model *m = *state;
	assert_string_equal("abort | check<T> | run",
		SIGN(m, F("__pthread_kill_implementation", LIBC), F("__GI_raise", LIBC),
			F("__GI_abort", LIBC), F("__assert_fail_base.cold", LIBC), F(NULL, LIBC),
			F("__assert_fail", LIBC), F("check<int>", PROGRAM), F("run", PROGRAM),
			F("__libc_start_call_main", LIBC), F("_start", PROGRAM)));
	/* printf 'abort | check<T> | run' | sha256sum */
	assert_string_equal("s1:3c92a888ecef4bfde7957152d7ca6f08", m->crash.signature.id);
}

static void test_three_frames(void **state)
{
	struct model *m = *state;
	assert_string_equal(
		"abort | a | b | c", SIGN(m, F("a", PROGRAM), F("b", PROGRAM, .is_inline = true),
					     F("c", LIBFOO), F("d", PROGRAM)));
}

/* Procedures of modules are shown as gdb has them, and are in signatures as in symbol tables. */
static void test_fortran(void **state)
{
	struct model *m = *state;
	assert_string_equal("abort | __m_MOD_a | __m_MOD_b | m::c",
		SIGN(m, F("m::a", PROGRAM, .raw_function = "__m_MOD_a.constprop.0"),
			F("m::b", PROGRAM, .raw_function = "__m_MOD_b@@V1"),
			F("m::c", PROGRAM, .raw_function = "_ZN1m1cEv")));
}

/* A firmware is one module, with libraries, kernel and all. */
static void test_microcontroller(void **state)
{
	struct model *m = *state;
	m->crash.device.is_device = true;
	m->modules[PROGRAM].record.path = snap_bytes_str("firmware");
	m->crash.modules = m->modules;
	m->crash.num_modules = 1;
	m->crash.cause.kind = SNAP_KIND_USAGEFAULT;
	assert_string_equal("usagefault | __aeabi_uidiv | mean | sample | run",
		SIGN(m, F("__aeabi_idiv0", PROGRAM), F("__aeabi_uidiv", PROGRAM),
			F("mean", PROGRAM), F("sample", PROGRAM), F("run", PROGRAM),
			F("prvTaskExitError", PROGRAM)));
	/* That something is in the firmware tells nothing. */
	assert_null(SIGN(m, F(NULL, PROGRAM)));
	assert_string_equal("usagefault | main",
		SIGN(m, F(NULL, PROGRAM), F("main", PROGRAM), F("Reset_Handler", PROGRAM)));
	/* The fault's own handler is not to blame; another is, and not what it interrupted. */
	assert_string_equal("usagefault | mean",
		SIGN(m, F("HardFault_Handler", PROGRAM),
			F(NULL, NOWHERE, .is_signal = true), F("mean", PROGRAM),
			F("main", PROGRAM)));
	assert_string_equal("usagefault | adc_handler",
		SIGN(m, F("adc_handler", PROGRAM), F(NULL, NOWHERE, .is_signal = true),
			F("mean", PROGRAM), F("main", PROGRAM)));
	m->crash.cause.kind = SNAP_KIND_ASSERT;
	m->crash.cause.has_assertion = true;
	m->crash.cause.assertion.expression = "n < 5";
	m->crash.abort_message.text = snap_bytes_str("Check failed: n (=7) < 5 (=5).");
	assert_string_equal("assert | adc_handler | \"assertion 'n < N'\"",
		SIGN(m, F("abort", PROGRAM), F("__assert_func", PROGRAM),
			F("adc_handler", PROGRAM), F(NULL, NOWHERE, .is_signal = true),
			F("main", PROGRAM)));
	/* A process that is called so keeps its ids. */
	m->crash.device.is_device = false;
	m->crash.cause.kind = SNAP_KIND_SEGV;
	assert_string_equal("segv | firmware!?", SIGN(m, F(NULL, PROGRAM)));
}

static void test_cxx(void **state)
{
	struct model *m = *state;
	assert_string_equal("abort | parse",
		SIGN(m, F("raise", LIBC), F("abort", LIBC), F(NULL, LIBSTDCXX),
			F("std::terminate", LIBSTDCXX), F("__cxa_throw", LIBSTDCXX),
			F("parse", PROGRAM), F("main", PROGRAM)));
}

/* Functions of the program that are called like the C library's. */
static void test_own_names(void **state)
{
	struct model *m = *state;
	assert_string_equal("abort | abort | raise",
		SIGN(m, F("abort", PROGRAM), F("raise", LIBFOO), F("main", PROGRAM)));
	/* What the C library does that ends nothing is kept. */
	assert_string_equal("abort | strlen | measure",
		SIGN(m, F("strlen", LIBC), F("measure", PROGRAM), F("main", PROGRAM)));
	assert_string_equal(
		"abort | raise | main", SIGN(m, F("raise", LIBSTDCXX), F("main", PROGRAM)));
	/* Only from the top. */
	assert_string_equal("abort | handler | raise | f",
		SIGN(m, F("handler", PROGRAM), F("raise", LIBC), F("f", PROGRAM)));
}

static void test_static_program(void **state)
{
	struct model *m = *state;
	m->crash.num_modules = 1;
	assert_string_equal("abort | give_up",
		SIGN(m, F("__pthread_kill_implementation", PROGRAM), F("raise", PROGRAM),
			F("abort", PROGRAM), F("give_up", PROGRAM), F("main", PROGRAM)));
}

static void test_guesses_end_it(void **state)
{
	struct model *m = *state;
	assert_string_equal(
		"abort | a | b", SIGN(m, F("a", PROGRAM), F("b", PROGRAM, .trust = SNAP_TRUST_FP),
					 F("c", PROGRAM, .trust = SNAP_TRUST_SCAN),
					 F("d", PROGRAM, .trust = SNAP_TRUST_CFI)));
	assert_null(SIGN(m, F("a", PROGRAM, .trust = SNAP_TRUST_SCAN), F("b", PROGRAM)));
	assert_null(SIGN(m, F("a", PROGRAM, .trust = SNAP_TRUST_PREWALKED)));
}

/* The caller of a null function pointer is where the call left its address. */
static void test_caller_of_bad_pc(void **state)
{
	struct model *m = *state;
	uint64_t sp = 0x7ffc00000ff8;
	memcpy(m->pr_reg + m->crash.arch->regs[m->crash.arch->sp].offset, &sp, sizeof(sp));
	m->crash.cause.kind = SNAP_KIND_EXEC_BAD_PC;
	const struct line lines[] = {F(NULL, NOWHERE),
		F("close_it", PROGRAM, .trust = SNAP_TRUST_SCAN),
		F("main", PROGRAM, .trust = SNAP_TRUST_CFI)};
	/* Without a CFA nothing says where it was found. */
	assert_null(sign(m, lines, ARRAY_LEN(lines)));
	m->frames[0].has_cfa = true;
	m->frames[0].cfa = sp + 8;
	assert_int_equal(0, snap_sign(&m->crash, rules, NULL));
	assert_string_equal("exec-bad-pc | close_it", m->crash.signature.text);
	m->frames[0].cfa = sp + 16;
	assert_int_equal(0, snap_sign(&m->crash, rules, NULL));
	assert_null(m->crash.signature.text);
	/* If nothing else, which program it was. */
	m->crash.process.exe = snap_bytes_str("/usr/bin/prog");
	assert_int_equal(0, snap_sign(&m->crash, rules, NULL));
	assert_string_equal("exec-bad-pc | prog!?", m->crash.signature.text);
	assert_null(m->crash.signature.ids[SNAP_SIGNATURE_ADDRESS][SNAP_SIGNATURE_DEPTH_3]);
	m->frames[0].cfa = sp + 8;
	assert_int_equal(0, snap_sign(&m->crash, rules, NULL));
	assert_string_equal("exec-bad-pc | close_it", m->crash.signature.text);
	m->crash.cause.kind = SNAP_KIND_SEGV;
	assert_int_equal(0, snap_sign(&m->crash, rules, NULL));
	assert_null(m->crash.signature.text);
}

static void test_no_names(void **state)
{
	struct model *m = *state;
	assert_string_equal("abort | prog!? | libfoo\x1b.so!?",
		SIGN(m, F(NULL, PROGRAM), F(NULL, PROGRAM), F(NULL, NOWHERE), F(NULL, LIBFOO),
			F("main", PROGRAM)));
}

static void test_signal_frames(void **state)
{
	struct model *m = *state;
	assert_string_equal("abort | on_signal | loop",
		SIGN(m, F("on_signal", PROGRAM), F("__restore_rt", LIBC, .is_signal = true),
			F("loop", PROGRAM)));
}

static void test_tails(void **state)
{
	struct model *m = *state;
	assert_string_equal("abort | worker",
		SIGN(m, F("worker", PROGRAM), F("start_thread", LIBC), F("clone3", LIBC)));
	assert_null(SIGN(m, F("start_thread", LIBC), F("__clone3", LIBC)));
	assert_null(SIGN(m, F("_start", PROGRAM)));
}

/* ---------------------------------------------------------------- version 1 */

/* What the program called counts as no frame, whatever the library does within. */
static void test_libraries(void **state)
{
	struct model *m = *state;
	const struct line called[] = {
		F("raise", LIBC), F("abort", LIBC), F("free", LIBC), F("a", PROGRAM)};
	assert_string_equal("abort | free | a", sign(m, called, ARRAY_LEN(called)));
	assert_int_equal(2, m->crash.signature.first);
	assert_int_equal(3, m->crash.signature.first_frame);
	assert_string_equal("abort | strlen | a | b | c",
		SIGN(m, F("__strlen_avx2", LIBC), F("a", PROGRAM), F("b", PROGRAM), F("c", PROGRAM),
			F("d", PROGRAM)));
	assert_string_equal("abort | std::vector<T>::push_back | a",
		SIGN(m, F("__libc_malloc", LIBC), F("operator new", LIBSTDCXX),
			F("std::vector<int>::_M_realloc_insert", PROGRAM),
			F("std::vector<int>::push_back", PROGRAM), F("a", PROGRAM)));
	/* What a library calls back is the program's. */
	assert_string_equal("abort | compare | qsort | a",
		SIGN(m, F("compare", PROGRAM), F("msort_with_tmp", LIBC), F(NULL, LIBC),
			F("qsort", LIBC), F("a", PROGRAM)));
	/* Nothing else is there. */
	assert_string_equal(
		"abort | puts | main", SIGN(m, F(NULL, LIBC), F("puts", LIBC), F("main", PROGRAM)));
	assert_string_equal("abort | puts", SIGN(m, F(NULL, LIBC), F("puts", LIBC)));
}

static void test_rust(void **state)
{
	struct model *m = *state;
	assert_string_equal("abort | <app::S as app::T>::run | app::start",
		SIGN(m, F("raise", LIBC), F("abort", LIBC), F("rust_begin_unwind", PROGRAM),
			F("core::panicking::panic_fmt", PROGRAM),
			F("core::option::expect_failed", PROGRAM),
			F("<app::S as app::T>::run", PROGRAM), F("app::start", PROGRAM),
			F("core::ops::function::FnOnce::call_once", PROGRAM),
			F("std::rt::lang_start::{{closure}}", PROGRAM), F("main", PROGRAM)));
	/* As Rust 1.95 has it: by its debug information, and by its symbols. */
	assert_string_equal("abort | app::run",
		SIGN(m, F("abort", LIBC), F("std::process::abort", PROGRAM),
			F("std::rt::__rust_abort", PROGRAM),
			F("panic_abort::__rust_start_panic", PROGRAM),
			F("std::panicking::rust_panic", PROGRAM), F("app::run", PROGRAM)));
	assert_string_equal("abort | app::run",
		SIGN(m, F("abort", LIBC), F("__rustc::__rust_abort", PROGRAM),
			F("__rustc::__rust_start_panic", PROGRAM),
			F("__rustc::rust_panic", PROGRAM),
			F("std::panicking::panic_with_hook", PROGRAM),
			F("__rustc::rust_begin_unwind", PROGRAM),
			F("core::panicking::panic_fmt", PROGRAM), F("app::run", PROGRAM)));
	/* What catches panics begins threads and programs, by its older name, too; it ends none. */
	assert_string_equal("abort | puts | app::run",
		SIGN(m, F("abort", LIBC), F("puts", LIBC), F("app::run", PROGRAM),
			F("std::panicking::try::do_call", PROGRAM), F("__rust_try", PROGRAM),
			F("std::panicking::try", PROGRAM), F("std::panic::catch_unwind", PROGRAM),
			F("std::rt::lang_start_internal", PROGRAM), F("main", PROGRAM)));
	assert_null(SIGN(m, F("abort", LIBC), F("std::panicking::try", PROGRAM)));
	assert_string_equal("abort | app::run",
		SIGN(m, F("abort", LIBC), F("std::process::abort", PROGRAM), F("app::run", PROGRAM),
			F("std::sys::backtrace::__rust_begin_short_backtrace", PROGRAM),
			F("std::thread::lifecycle::spawn_unchecked::{{closure}}::{{closure}}", PROGRAM),
			F("std::panicking::catch_unwind::do_call", PROGRAM),
			F("std::panic::catch_unwind", PROGRAM),
			F("std::thread::lifecycle::spawn_unchecked::{{closure}}", PROGRAM),
			F("<alloc::boxed::Box<T> as core::ops::function::FnOnce<T>>::call_once", PROGRAM),
			F("<T>::new::thread_start", PROGRAM), F("start_thread", LIBC),
			F("clone3", LIBC)));
}

static void test_recursion(void **state)
{
	struct model *m = *state;
	const struct line mutual[] = {F("b", PROGRAM), F("a", PROGRAM), F("b", PROGRAM),
		F("a", PROGRAM), F("b", PROGRAM), F("a", PROGRAM), F("b", PROGRAM),
		F("start", PROGRAM)};
	assert_string_equal("abort | a | b | start", sign(m, mutual, ARRAY_LEN(mutual)));
	/* Interrupted one call later. */
	assert_string_equal("abort | a | b | start", sign(m, mutual + 1, ARRAY_LEN(mutual) - 1));
	/* Twice is not yet recursion, but of one function. */
	assert_string_equal("abort | b | a | b", sign(m, mutual + 2, ARRAY_LEN(mutual) - 4));
	assert_string_equal("abort | f | g",
		SIGN(m, F("f", PROGRAM), F("f", PROGRAM), F("f", PROGRAM), F("g", PROGRAM)));
	/* What it called is kept, but where the stack ended. */
	const struct line leaf[] = {F("leaf", PROGRAM), F("f", PROGRAM), F("f", PROGRAM),
		F("f", PROGRAM), F("g", PROGRAM)};
	assert_string_equal("abort | leaf | f | g", sign(m, leaf, ARRAY_LEN(leaf)));
	m->crash.cause.kind = SNAP_KIND_STACK_OVERFLOW;
	assert_string_equal("stack-overflow | f", sign(m, leaf, ARRAY_LEN(leaf)));
	assert_int_equal(1, m->crash.signature.first);
	/* What led to it has been captured of a core, but not of a snapshot. */
	assert_string_equal("stack-overflow | a | b", sign(m, mutual, ARRAY_LEN(mutual)));
	/* What is part of a larger one did not fill the stack. */
	assert_string_equal("stack-overflow | f | x | f",
		SIGN(m, F("f", PROGRAM), F("f", PROGRAM), F("f", PROGRAM), F("x", PROGRAM),
			F("f", PROGRAM), F("f", PROGRAM), F("f", PROGRAM), F("y", PROGRAM)));
}

/* Of large frames less than two turns may be captured. */
static void test_recursion_before_a_gap(void **state)
{
	struct model *m = *state;
	const struct line lines[] = {F("b", PROGRAM), F("a", PROGRAM), F("b", PROGRAM),
		F("a", PROGRAM), F("main", PROGRAM, .trust = SNAP_TRUST_SCAN)};
	for (size_t first = 0; first < 3; first++) {
		size_t num = ARRAY_LEN(lines) - first;
		m->crash.cause.kind = SNAP_KIND_STACK_OVERFLOW;
		(void)sign(m, lines + first, num);
		m->frames[num - 2].gap_bytes = 1000;
		assert_int_equal(0, snap_sign(&m->crash, rules, NULL));
		/* Once is not twice. */
		assert_string_equal(first < 2 ? "stack-overflow | a | b" : "stack-overflow | b | a",
			m->crash.signature.text);
		/* Nor does any other crash fill its stack. */
		m->crash.cause.kind = SNAP_KIND_SEGV;
		assert_int_equal(0, snap_sign(&m->crash, rules, NULL));
		assert_string_equal(first == 0	 ? "segv | b | a | b"
				    : first == 1 ? "segv | a | b | a"
						 : "segv | b | a",
			m->crash.signature.text);
	}
	/* What was called last stands above. Nothing was found beyond the gap. */
	m->crash.cause.kind = SNAP_KIND_STACK_OVERFLOW;
	m->thread.end = SNAP_END_TRUNCATED;
	assert_string_equal("stack-overflow | f",
		SIGN(m, F("leaf", PROGRAM), F("f", PROGRAM), F("f", PROGRAM)));
	m->thread.end = SNAP_END_COMPLETE;
	assert_string_equal("stack-overflow | leaf | f",
		SIGN(m, F("leaf", PROGRAM), F("f", PROGRAM), F("f", PROGRAM)));
}

/* As many lines as are looked at, and turns of every length. */
static void test_recursion_long(void **state)
{
	struct model *m = *state;
	enum { NUM = 3000 };
	static struct snap_listed_frame listed[NUM];
	static char names[26][2];
	(void)SIGN(m, F("x", PROGRAM));
	for (size_t length = 1; length <= 26; length++) {
		for (size_t i = 0; i < NUM; i++) {
			names[i % 26][0] = (char)('a' + i % 26);
			listed[i] = (struct snap_listed_frame){.function = names[i % length]};
		}
		m->thread.listed = listed;
		m->thread.num_listed = NUM;
		assert_int_equal(0, snap_sign(&m->crash, rules, NULL));
		assert_string_equal(length == 1	  ? "abort | a"
				    : length == 2 ? "abort | a | b"
						  : "abort | a | b | c",
			m->crash.signature.text);
	}
	m->thread.listed = m->listed;
}

/* A handler that reports and aborts; one that goes wrong itself is a bug of its own. */
static void test_handlers(void **state)
{
	struct model *m = *state;
	const struct line lines[] = {F("raise", LIBC), F("abort", LIBC), F("report", PROGRAM),
		F("on_segv", PROGRAM), F("__restore_rt", LIBC, .is_signal = true),
		F("strlen", LIBC), F("a", PROGRAM), F("b", PROGRAM)};
	assert_string_equal("abort | strlen | a | b", sign(m, lines, ARRAY_LEN(lines)));
	assert_string_equal(
		"abort | report | on_segv | strlen | a", sign(m, lines + 2, ARRAY_LEN(lines) - 2));
	/* Nothing is known of what was interrupted. */
	assert_string_equal("abort | report | on_segv", sign(m, lines, 5));
	const struct line again[] = {F("raise", LIBC), F("on_abort", PROGRAM),
		F("__restore_rt", LIBC, .is_signal = true), F("raise", LIBC), F("abort", LIBC),
		F("a", PROGRAM)};
	assert_string_equal("abort | a", sign(m, again, ARRAY_LEN(again)));
}

static void test_messages(void **state)
{
	struct model *m = *state;
	const struct line lines[] = {F("a", PROGRAM)};
	static const struct {
		const char *in, *out;
	} cases[] = {
		{"free(): invalid pointer", "free(): invalid pointer"},
		{"double free in tcache 2", "double free in tcache N"},
		{"at 0x7ffc00de, 12 of 0X1f", "at ADDR, N of ADDR"},
		{"a1 b2c 3d _4", "a1 b2c 3d _4"},
		{"/usr/lib/x.so: bad / or /home/me/y.c:12", "x.so: bad / or y.c:N"},
		{"two\n  lines\n", "two lines"},
		{"bad\xff", "bad\\xff"},
		{"", NULL},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char text[256];
		m->crash.abort_message.text = snap_bytes_str(cases[i].in);
		(void)snprintf(text, sizeof(text),
			cases[i].out ? "abort | a | \"%s\"" : "abort | a", cases[i].out);
		assert_string_equal(text, sign(m, lines, 1));
	}
	static char text[5000];
	memset(text, '7', sizeof(text) - 1);
	memset(text, 'x', 70);
	m->crash.abort_message.text = snap_bytes_str(text);
	assert_int_equal(strlen("abort | a | \"\"") + 80, strlen(sign(m, lines, 1)));
	m->crash.abort_message.text = snap_bytes_str("app: a.c:12: f: Assertion `p' failed.");
	m->crash.cause.has_assertion = true;
	m->crash.cause.assertion.expression = "p != 0x12 && n < 30";
	assert_string_equal("abort | a | \"assertion 'p != ADDR && n < N'\"", sign(m, lines, 1));
	/* Of other kinds, nobody said anything of the crash. */
	m->crash.cause.kind = SNAP_KIND_SEGV;
	assert_string_equal("segv | a", sign(m, lines, 1));
	m->crash.cause = (struct snap_cause){.kind = SNAP_KIND_ABORT};
	m->crash.abort_message.text = snap_bytes(NULL, 0);
}

static const char *id(
	const struct model *m, enum snap_signature_level level, enum snap_signature_depth depth)
{
	const char *ret = m->crash.signature.ids[level][depth];
	return ret ? ret : "-";
}

static void test_levels(void **state)
{
	struct model *m = *state;
	const struct line lines[] = {F("small", PROGRAM, .is_inline = true), F("a", PROGRAM),
		F("b", PROGRAM), F("c", PROGRAM), F("d", PROGRAM), F("e", PROGRAM)};
	(void)sign(m, lines, ARRAY_LEN(lines));
	char *logical = strdup(id(m, SNAP_SIGNATURE_LOGICAL, SNAP_SIGNATURE_DEPTH_3));
	assert_string_equal(m->crash.signature.id, logical);
	char *physical = strdup(id(m, SNAP_SIGNATURE_PHYSICAL, SNAP_SIGNATURE_DEPTH_5));
	char *address = strdup(id(m, SNAP_SIGNATURE_ADDRESS, SNAP_SIGNATURE_DEPTH_5));
	assert_string_not_equal(logical, id(m, SNAP_SIGNATURE_PHYSICAL, SNAP_SIGNATURE_DEPTH_3));
	/* Without what debug information says, the physical ones stay. */
	(void)sign(m, lines + 1, ARRAY_LEN(lines) - 1);
	assert_string_equal(physical, id(m, SNAP_SIGNATURE_PHYSICAL, SNAP_SIGNATURE_DEPTH_5));
	assert_string_equal(physical, id(m, SNAP_SIGNATURE_LOGICAL, SNAP_SIGNATURE_DEPTH_5));
	assert_string_not_equal(logical, m->crash.signature.id);
	/* Without any names, those of addresses do. */
	const struct line nameless[] = {F(NULL, PROGRAM), F(NULL, PROGRAM), F(NULL, PROGRAM),
		F(NULL, PROGRAM), F(NULL, PROGRAM)};
	(void)sign(m, nameless, ARRAY_LEN(nameless));
	assert_string_equal(address, id(m, SNAP_SIGNATURE_ADDRESS, SNAP_SIGNATURE_DEPTH_5));
	assert_string_equal("abort | prog!?", m->crash.signature.text);
	free(logical);
	free(physical);
	free(address);
	/* Of no module there is no address. */
	assert_null(SIGN(m, F(NULL, NOWHERE)));
	assert_string_equal("-", id(m, SNAP_SIGNATURE_ADDRESS, SNAP_SIGNATURE_DEPTH_ALL));
}

static void test_nothing_to_sign(void **state)
{
	struct model *m = *state;
	assert_null(sign(m, NULL, 0));
	m->crash.cause.kind = SNAP_KIND_NONE;
	assert_null(SIGN(m, F("main", PROGRAM)));
	m->crash.cause.kind = SNAP_KIND_SEGV;
	m->crash.num_threads = 0;
	assert_int_equal(0, snap_sign(&m->crash, rules, NULL));
	assert_null(m->crash.signature.id);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_name_hostile),
		TEST(test_abort),
		TEST(test_three_frames),
		TEST(test_fortran),
		TEST(test_microcontroller),
		TEST(test_cxx),
		TEST(test_own_names),
		TEST(test_static_program),
		TEST(test_guesses_end_it),
		TEST(test_caller_of_bad_pc),
		TEST(test_no_names),
		TEST(test_signal_frames),
		TEST(test_tails),
		TEST(test_libraries),
		TEST(test_rust),
		TEST(test_recursion),
		TEST(test_recursion_before_a_gap),
		TEST(test_recursion_long),
		TEST(test_handlers),
		TEST(test_messages),
		TEST(test_levels),
		TEST(test_nothing_to_sign),
	};
	return cmocka_run_group_tests(tests, load_rules, free_rules);
}
