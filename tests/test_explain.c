/*
 * Kinds and explanations, on models made by hand.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <elf.h>
#include <signal.h>
#include <string.h>

#include "analyze/explain/abort.h"
#include "analyze/explain/address.h"
#include "analyze/explain/explain.h"
#include "analyze/explain/pointer.h"
#include "analyze/explain/signals.h"
#include "analyze/explain/stack_overflow.h"

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

#define R  SNAP_MAPPING_READ
#define W  SNAP_MAPPING_WRITE
#define X  SNAP_MAPPING_EXEC
#define RW (R | W)

#define CODE_PC	    0x401136
#define STACK_START 0x7ffc00000000
#define STACK_END   0x7ffc00800000
#define TSTACK	    0x7f0000001000 /* of a thread, above its guard page */
#define TSTACK_END  0x7f0000801000

struct model {
	struct snap_crash crash;
	struct snap_crash_thread thread;
	uint8_t pr_reg[216];
};

static const struct {
	uint64_t start, end;
	uint32_t permissions;
	const char *path;
} layout[] = {
	{0x400000, 0x401000, R, "/bin/victim"},
	{0x401000, 0x402000, R | X, "/bin/victim"},
	{0x402000, 0x403000, R, "/bin/victim"},
	{0x403000, 0x404000, RW, "/bin/victim"},
	{0x1000000, 0x1021000, RW, "[heap]"},
	{0x7f0000000000, TSTACK, 0, NULL},
	{TSTACK, TSTACK_END, RW, NULL},
	/* The next thread's: its guard begins where this one's stack ends. */
	{TSTACK_END, TSTACK_END + 0x1000, 0, NULL},
	{TSTACK_END + 0x1000, TSTACK_END + 0x801000, RW, NULL},
	{0x7f0080000000, 0x7f0080001000, R, "/usr/share/data.bin"},
	{STACK_START, STACK_END, RW, "[stack]"},
};

static struct snap_mapping mappings[ARRAY_LEN(layout)];

static void set_reg(struct model *m, unsigned int index, uint64_t value)
{
	memcpy(m->pr_reg + m->crash.arch->regs[index].offset, &value, sizeof(value));
}

static int setup(void **state)
{
	static struct model model;
	struct model *m = &model;
	for (size_t i = 0; i < ARRAY_LEN(layout); i++)
		mappings[i] = (struct snap_mapping){
			.start = layout[i].start,
			.end = layout[i].end,
			.has_permissions = true,
			.permissions = layout[i].permissions,
			.path = snap_bytes_str(layout[i].path),
		};
	memset(m, 0, sizeof(*m));
	snap_crash_init(&m->crash, "test.snap");
	m->crash.arch = snap_arch_find(EM_X86_64, ELFCLASS64, ELFDATA2LSB);
	m->crash.mappings = mappings;
	m->crash.num_mappings = ARRAY_LEN(mappings);
	m->thread = (struct snap_crash_thread){
		.crashed = true,
		.pr_reg = snap_bytes(m->pr_reg, sizeof(m->pr_reg)),
		.record = {.has_tid = true, .tid = 100},
	};
	m->crash.threads = &m->thread;
	m->crash.num_threads = 1;
	m->crash.process = (struct snap_process){.has_pid = true, .pid = 100};
	set_reg(m, m->crash.arch->pc, CODE_PC);
	set_reg(m, m->crash.arch->sp, STACK_END - 0x1000);
	*state = m;
	return 0;
}

static int teardown(void **state)
{
	struct model *m = *state;
	snap_crash_deinit(&m->crash);
	return 0;
}

static void raise_fault(struct model *m, int32_t signo, int32_t code, uint64_t address)
{
	m->crash.has_signal = true;
	m->crash.signal = (struct snap_signal){
		.has_signo = true,
		.signo = signo,
		.has_code = true,
		.code = code,
		.has_address = code > 0,
		.address = address,
		.has_tid = true,
		.tid = 100,
		.has_sender = code <= 0,
		.sender_pid = 100,
	};
	assert_int_equal(0, snap_explain(&m->crash, NULL));
	assert_non_null(m->crash.cause.explanation);
	/* One sentence with its full stop. */
	const char *text = m->crash.cause.explanation;
	assert_int_equal('.', text[strlen(text) - 1]);
	assert_null(strstr(text, "(null)"));
}

#define assert_kind(m, wanted) assert_string_equal(wanted, snap_kind_name((m)->crash.cause.kind))
#define assert_says(m, words)                                                                      \
	do {                                                                                       \
		if (!strstr((m)->crash.cause.explanation, words))                                  \
			fail_msg("\"%s\" is not in \"%s\"", words, (m)->crash.cause.explanation);  \
	} while (0)

/* ---------------------------------------------------------------- names */

static void test_signal_names(void **state)
{
	(void)state;
	assert_string_equal("SIGHUP", snap_signal_name(1));
	assert_string_equal("SIGSEGV", snap_signal_name(SIGSEGV));
	assert_string_equal("SIGSYS", snap_signal_name(31));
	assert_string_equal("SIGRTMIN", snap_signal_name(34));
	assert_string_equal("SIGRTMAX", snap_signal_name(64));
	assert_null(snap_signal_name(0));
	assert_null(snap_signal_name(65));
	assert_null(snap_signal_name(-1));
	for (int i = 1; i < 32; i++) {
		const char *abbreviation = sigabbrev_np(i);
		/* SIGIO has two names. */
		if (i != SIGIO)
			assert_string_equal(abbreviation, snap_signal_name(i) + 3);
	}
}

static void test_code_names(void **state)
{
	(void)state;
	assert_string_equal("SEGV_MAPERR", snap_signal_code_name(SIGSEGV, SEGV_MAPERR));
	assert_string_equal("BUS_ADRERR", snap_signal_code_name(SIGBUS, BUS_ADRERR));
	assert_string_equal("ILL_ILLOPN", snap_signal_code_name(SIGILL, ILL_ILLOPN));
	assert_string_equal("FPE_INTDIV", snap_signal_code_name(SIGFPE, FPE_INTDIV));
	assert_string_equal("SI_USER", snap_signal_code_name(SIGSEGV, SI_USER));
	assert_string_equal("SI_TKILL", snap_signal_code_name(SIGABRT, SI_TKILL));
	assert_string_equal("SI_KERNEL", snap_signal_code_name(SIGTRAP, SI_KERNEL));
	assert_null(snap_signal_code_name(SIGSEGV, 99));
	/* A code belongs to its signal. */
	assert_null(snap_signal_code_name(SIGTERM, 1));
}

/* ---------------------------------------------------------------- kinds */

static void test_null(void **state)
{
	struct model *m = *state;
	raise_fault(m, SIGSEGV, SEGV_MAPERR, 0x10);
	assert_kind(m, "segv-null");
	assert_says(m, "null pointer plus 16 bytes");
	assert_true(m->crash.cause.has_address);
	assert_int_equal(0x10, m->crash.cause.address);
	assert_null(m->crash.cause.access);
	raise_fault(m, SIGSEGV, SEGV_MAPERR, 0xffff);
	assert_kind(m, "segv-null");
	raise_fault(m, SIGSEGV, SEGV_MAPERR, 0x10000);
	assert_kind(m, "segv");
}

static void test_wild(void **state)
{
	struct model *m = *state;
	raise_fault(m, SIGSEGV, SEGV_MAPERR, 0x1021010);
	assert_kind(m, "segv");
	assert_says(m, "16 bytes past the end of the heap");
	raise_fault(m, SIGSEGV, SEGV_ACCERR, 0x7f0080000010);
	assert_kind(m, "segv");
	assert_says(m, "read-only memory of data.bin");
	assert_says(m, "wrote to");
}

static void test_address_not_told(void **state)
{
	struct model *m = *state;
	set_reg(m, 0, 0xdead000000001234);
	raise_fault(m, SIGSEGV, SI_KERNEL, 0);
	assert_kind(m, "segv");
	assert_false(m->crash.cause.has_address);
	assert_says(m, "not canonical");
	assert_says(m, "rax holds 0xdead000000001234");
	assert_null(strstr(m->crash.cause.explanation, "0x0"));
	/* A kernel address is canonical, and so may the values of all registers be. */
	set_reg(m, 0, 0xffffffff81000000);
	raise_fault(m, SIGSEGV, SI_KERNEL, 0);
	assert_null(strstr(m->crash.cause.explanation, "rax"));
}

/* The kernel says that there is something, and the input does not have it. */
static void test_left_out_mapping(void **state)
{
	struct model *m = *state;
	struct snap_omission omission = {.what = SNAP_OMITTED_MAPPING};
	m->crash.omissions = &omission;
	m->crash.num_omissions = 1;
	raise_fault(m, SIGSEGV, SEGV_ACCERR, 0x100000000000);
	assert_says(m, "there is memory that does not permit it");
	assert_null(strstr(m->crash.cause.explanation, "not mapped"));
	assert_string_equal("protected-access", m->crash.cause.severity.name);
	raise_fault(m, SIGSEGV, SEGV_MAPERR, 0x100000000000);
	assert_says(m, "which is not mapped");
	set_reg(m, m->crash.arch->pc, 0x100000000000);
	raise_fault(m, SIGSEGV, SEGV_ACCERR, 0x100000000000);
	assert_kind(m, "exec-bad-pc");
	assert_says(m, "there is memory that does not permit it");
	assert_string_equal("exec-of-data", m->crash.cause.severity.name);
	m->crash.num_omissions = 0;
}

static void test_bad_pc(void **state)
{
	struct model *m = *state;
	set_reg(m, m->crash.arch->pc, 0);
	raise_fault(m, SIGSEGV, SEGV_MAPERR, 0);
	assert_kind(m, "exec-bad-pc");
	assert_says(m, "null function pointer");
	assert_string_equal("exec", m->crash.cause.access);

	/* What is read from near null faults there: the pointer itself is small. */
	set_reg(m, m->crash.arch->pc, 0x91c6);
	raise_fault(m, SIGSEGV, SEGV_MAPERR, 0x91c6);
	assert_kind(m, "exec-bad-pc");
	assert_says(m, "a call through a function pointer that holds a small number");

	set_reg(m, m->crash.arch->pc, 0x403010);
	raise_fault(m, SIGSEGV, SEGV_ACCERR, 0x403010);
	assert_kind(m, "exec-bad-pc");
	assert_says(m, "non-executable memory of victim");

	/* Code that is there can be executed, even if it reads itself. */
	set_reg(m, m->crash.arch->pc, CODE_PC);
	raise_fault(m, SIGSEGV, SEGV_ACCERR, CODE_PC);
	assert_kind(m, "segv");
}

static void test_bad_pc_without_permissions(void **state)
{
	struct model *m = *state;
	for (size_t i = 0; i < m->crash.num_mappings; i++)
		mappings[i].has_permissions = false;
	raise_fault(m, SIGSEGV, SEGV_MAPERR, 0x12345678);
	assert_kind(m, "segv");
	set_reg(m, m->crash.arch->pc, 0x12345678);
	raise_fault(m, SIGSEGV, SEGV_MAPERR, 0x12345678);
	assert_kind(m, "exec-bad-pc");
}

/* What is not in a cut snapshot may have been in the process. */
static void test_bad_pc_truncated(void **state)
{
	struct model *m = *state;
	set_reg(m, m->crash.arch->pc, 0x7f1234567890);
	m->crash.integrity = SNAP_INTEGRITY_TRUNCATED;
	raise_fault(m, SIGSEGV, SEGV_MAPERR, 0x10);
	assert_kind(m, "segv-null");
	m->crash.integrity = SNAP_INTEGRITY_COMPLETE;
	raise_fault(m, SIGSEGV, SEGV_MAPERR, 0x10);
	assert_kind(m, "exec-bad-pc");
}

static void test_sent(void **state)
{
	struct model *m = *state;
	raise_fault(m, SIGSEGV, SI_USER, 0);
	assert_kind(m, "signal");
	assert_says(m, "sent SIGSEGV to itself, as a handler does that passes on a fault");
	assert_false(m->crash.cause.has_address);
	m->crash.signal.sender_pid = 7;
	m->crash.signal.sender_uid = 1000;
	assert_int_equal(0, snap_explain(&m->crash, NULL));
	assert_says(m, "process 7 (uid 1000)");
	raise_fault(m, SIGFPE, SI_TKILL, 0);
	assert_kind(m, "signal");
	raise_fault(m, SIGQUIT, SI_KERNEL, 0);
	assert_kind(m, "signal");
	raise_fault(m, 64, SI_QUEUE, 0);
	assert_kind(m, "signal");
	raise_fault(m, 99, SI_QUEUE, 0);
	assert_null(m->crash.cause.signal);
	assert_says(m, "99");
}

static void test_others(void **state)
{
	static const struct {
		int signo, code;
		const char *kind;
	} cases[] = {
		{SIGABRT, SI_TKILL, "abort"},
		{SIGABRT, SI_USER, "abort"},
		{SIGABRT, SI_KERNEL, "abort"},
		{SIGILL, ILL_ILLOPN, "ill"},
		{SIGFPE, FPE_INTDIV, "fpe"},
		{SIGBUS, BUS_ADRERR, "bus"},
		{SIGTRAP, SI_KERNEL, "trap"},
		{SIGTRAP, TRAP_BRKPT, "trap"},
		{SIGSYS, 1, "sys"},
	};
	struct model *m = *state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		raise_fault(m, cases[i].signo, cases[i].code, cases[i].code > 0 ? CODE_PC : 0);
		assert_kind(m, cases[i].kind);
		/* The instruction's address is no access. */
		if (cases[i].signo != SIGBUS)
			assert_null(m->crash.cause.access);
	}
	/* int3 has no address: what reads as 0 is not shown. */
	raise_fault(m, SIGTRAP, SI_KERNEL, 0);
	assert_false(m->crash.cause.has_address);
}

static void test_system_call_number(void **state)
{
	struct model *m = *state;
	static uint8_t siginfo[128];
	siginfo[24] = 101;
	raise_fault(m, SIGSYS, 1, CODE_PC);
	m->crash.signal.siginfo = snap_bytes(siginfo, sizeof(siginfo));
	assert_int_equal(0, snap_explain(&m->crash, NULL));
	assert_says(m, "number 101");
	assert_says(m, "seccomp");
}

static void test_abort_reasons(void **state)
{
	static const struct snap_listed_frame listed[] = {
		{.function = "__GI_raise"},
		{.function = "__GI_abort"},
		{.function = "__assert_fail"},
		{.function = "check_range"},
	};
	struct model *m = *state;
	m->thread.listed = listed;
	m->thread.num_listed = ARRAY_LEN(listed);
	raise_fault(m, SIGABRT, SI_TKILL, 0);
	assert_says(m, "assertion failed");
	m->thread.num_listed = 2;
	raise_fault(m, SIGABRT, SI_TKILL, 0);
	assert_says(m, "abort()");
	m->crash.signal.sender_pid = 1;
	assert_int_equal(0, snap_explain(&m->crash, NULL));
	assert_says(m, "sent by process 1");
}

/* What catches panics stands below every main() and thread of Rust; it is no panic. */
static void test_rust_aborts(void **state)
{
	static const struct {
		const char *function;
		const char *words;
	} cases[] = {
		{"std::panicking::catch_unwind", NULL},
		{"std::panicking::catch_unwind::do_call::<rt::init::{closure#0}, isize>", NULL},
		{"std::panicking::try", NULL},
		{"std::panicking::try::do_call", NULL},
		{"std::panic::catch_unwind", NULL},
		{"__rust_try", NULL},
		{"core::slice::index::<impl core::ops::index::Index<I> for [T]>::index", NULL},
		{"std::panicking::rust_panic_with_hook", "a Rust panic was not caught"},
		{"std::panicking::panic_with_hook", "a Rust panic was not caught"},
		{"std::panicking::begin_panic::<&str>", "a Rust panic was not caught"},
		{"std::panicking::begin_panic_handler::{{closure}}", "a Rust panic was not caught"},
		{"std::panicking::resume_unwind", "a Rust panic was not caught"},
		{"std::panic::panic_any::<i32>", "a Rust panic was not caught"},
		{"__rustc::rust_begin_unwind", "a Rust panic was not caught"},
		{"__rustc::rust_panic", "a Rust panic was not caught"},
		{"rust_begin_unwind", "a Rust panic was not caught"},
		{"core::panicking::panic_fmt", "a Rust panic was not caught"},
		{"core::panicking::assert_failed_inner", "a Rust panic was not caught"},
		{"core::panicking::panic_in_cleanup", "to leave a destructor while another panic"},
		{"core::panicking::panic_cannot_unwind",
			"to leave a function that can't be unwound"},
		{"core::slice::index::slice_end_index_len_fail", "out of a slice's bounds"},
		{"core::slice::index::slice_index_fail::do_panic::runtime",
			"out of a slice's bounds"},
	};
	struct model *m = *state;
	struct snap_listed_frame listed[] = {
		{.function = "__GI_raise"},
		{.function = "__GI_abort"},
		{.function = "app::run"},
		{.function = NULL},
		{.function = "main"},
	};
	m->thread.listed = listed;
	m->thread.num_listed = ARRAY_LEN(listed);
	/* Without a frame there is nothing to read a panic's arguments from. */
	static struct snap_frame frames[1];
	m->thread.frames = frames;
	m->thread.num_frames = ARRAY_LEN(frames);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		listed[3].function = cases[i].function;
		raise_fault(m, SIGABRT, SI_TKILL, 0);
		assert_string_equal(cases[i].words ? "panic" : "abort",
			snap_failure_name(m->crash.cause.failure));
		assert_says(m, cases[i].words ? cases[i].words : "it called abort()");
	}
	listed[3].function = "std::sys::pal::unix::stack_overflow::imp::signal_handler";
	raise_fault(m, SIGABRT, SI_TKILL, 0);
	assert_string_equal("stack-overflow", snap_failure_name(m->crash.cause.failure));
	assert_says(m, "a stack overflowed");
	/* Of a C library without names, Rust's own says so. */
	listed[0].function = listed[1].function = NULL;
	listed[2].function = "std::process::abort";
	listed[3].function = "std::panicking::try";
	raise_fault(m, SIGABRT, SI_TKILL, 0);
	assert_says(m, "it called abort()");
	m->thread.num_listed = 0;
}

static void test_memory_hints(void **state)
{
	struct model *m = *state;
	struct snap_process *p = &m->crash.process;
	static const struct {
		uint64_t limit, current, peak, oom, kills;
		uint32_t levels;
		const char *words;
	} cases[] = {
		{64 << 20, 1 << 20, 0, 0, 0, 0, NULL},
		{64 << 20, 1 << 20, 60 << 20, 0, 0, 0, NULL},
		{64 << 20, 1 << 20, 64 << 20, 0, 0, 0,
			"Its control group had used 100 % of its 64 MiB."},
		{64 << 20, 63 << 20, 0, 0, 1, 0,
			"Its control group had used 98 % of its 64 MiB; the kernel had killed 1 "
			"process there for want of memory."},
		{3 << 19, 3 << 19, 0, 2, 0, 1,
			"A control group above its own had used 100 % of its 1.5 MiB; the limit had "
			"left it without memory 2 times."},
		{4096, 0, 5000, 0, 0, 0, "Its control group had used 100 % of its 4096 bytes."},
		{UINT64_MAX, 0, UINT64_MAX, 0, 0, 0,
			"Its control group had used 100 % of its 16777215.9 TiB."},
		{UINT64_MAX, 0, UINT64_MAX - UINT64_MAX / 50, 0, 0, 0,
			"Its control group had used 98 % of its 16777215.9 TiB."},
		{0, 0, 1, 0, 0, 0, NULL},
		{0, 0, 1, 0, 3, 0,
			"In its control group, the kernel had killed 3 processes for want of "
			"memory."},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		p->has_cgroup_memory_limit = cases[i].limit > 0;
		p->cgroup_memory_limit = cases[i].limit;
		p->has_cgroup_memory_current = true;
		p->cgroup_memory_current = cases[i].current;
		p->has_cgroup_memory_peak = cases[i].peak > 0;
		p->cgroup_memory_peak = cases[i].peak;
		p->has_cgroup_oom = p->has_cgroup_oom_kill = true;
		p->cgroup_oom = cases[i].oom;
		p->cgroup_oom_kill = cases[i].kills;
		p->has_cgroup_levels_up = true;
		p->cgroup_levels_up = cases[i].levels;
		raise_fault(m, SIGABRT, SI_TKILL, 0);
		const char *hint = m->crash.cause.memory_hint;
		assert_int_equal(cases[i].words != NULL, hint != NULL);
		if (hint)
			assert_string_equal(hint, cases[i].words);
	}
}

static void test_live(void **state)
{
	struct model *m = *state;
	m->crash.capture.method = SNAP_CAPTURE_PTRACE;
	m->crash.metadata.has_fatal = true;
	assert_int_equal(0, snap_explain(&m->crash, NULL));
	assert_kind(m, "none");
	assert_string_equal("A live process, looked at while it went on; nothing crashed.",
		m->crash.cause.explanation);
	m->crash.metadata.fatal = true;
	assert_int_equal(0, snap_explain(&m->crash, NULL));
	assert_kind(m, "none");
	assert_null(strstr(m->crash.cause.explanation, "live"));
}

static void test_no_registers(void **state)
{
	struct model *m = *state;
	m->thread.pr_reg = snap_bytes(NULL, 0);
	raise_fault(m, SIGSEGV, SEGV_MAPERR, 8);
	assert_kind(m, "segv-null");
	m->crash.arch = NULL;
	raise_fault(m, SIGSEGV, SEGV_MAPERR, 8);
	assert_kind(m, "segv-null");
	raise_fault(m, SIGSEGV, SI_KERNEL, 0);
	assert_kind(m, "segv");
	m->crash.num_threads = 0;
	raise_fault(m, SIGSYS, 1, 8);
	assert_kind(m, "sys");
	m->crash.num_mappings = 0;
	raise_fault(m, SIGSEGV, SEGV_ACCERR, 0x12345678);
	assert_kind(m, "segv");
	m->crash.signal = (struct snap_signal){.has_signo = true, .signo = SIGSEGV};
	assert_int_equal(0, snap_explain(&m->crash, NULL));
	assert_kind(m, "segv");
}

/* Names from the input may be long and anything: the sentence stays one. */
static void test_hostile_path(void **state)
{
	static char path[5000];
	struct model *m = *state;
	memset(path, '%', sizeof(path));
	mappings[9].path = snap_bytes(path, sizeof(path));
	raise_fault(m, SIGSEGV, SEGV_ACCERR, 0x7f0080000010);
	raise_fault(m, SIGBUS, BUS_ADRERR, 0x7f0080000010);
	raise_fault(m, SIGSEGV, SEGV_MAPERR, 0x7f0080001000);
	assert_says(m, "right past the end");
	raise_fault(m, SIGSEGV, SEGV_MAPERR, UINT64_MAX);
}

/* ---------------------------------------------------------------- addresses */

static void test_address_words(void **state)
{
	static const struct {
		uint64_t addr;
		const char *words;
	} cases[] = {
		{0x8, "which is not mapped"},
		{0x400010, "which lies in read-only memory of victim"},
		{0x401010, "which lies in executable, read-only memory of victim"},
		{0x403010, "which lies in writable, non-executable memory of victim"},
		{0x404000, "which is not mapped, right past the end of writable, non-executable memory "
			   "of victim"},
		{0x404001, "which is not mapped, 1 byte past the end of writable, non-executable "
			   "memory of victim"},
		{0x1000008, "which lies in the heap (writable, non-executable memory)"},
		{0x1021044, "which is not mapped, 68 bytes past the end of the heap (writable, "
			    "non-executable memory)"},
		{0xffffff, "which is not mapped, 1 byte before the start of the heap (writable, "
			   "non-executable memory)"},
		/* 64 KiB are near, more is not. */
		{0xff0000, "which is not mapped, 65536 bytes before the start of the heap (writable, "
			   "non-executable memory)"},
		{0xfeffff, "which is not mapped"},
		{0x1021000 + 0x10000, "which is not mapped"},
		{TSTACK - 8, "which lies in the guard page below the stack of thread 7 'worker' "
			     "(inaccessible memory)"},
		{TSTACK + 8, "which lies in the stack of thread 7 'worker' (writable, non-executable "
			     "memory)"},
		/* Nobody's stack pointer is above this one. */
		{TSTACK_END + 8, "which lies in memory that is set aside and inaccessible (a guard "
				 "page or a reservation)"},
		{TSTACK_END + 0x1008, "which lies in writable, non-executable memory"},
		{STACK_END - 8, "which lies in the main thread's stack (writable, non-executable "
				"memory)"},
		{0xffffffff81000000, "which belongs to the kernel, not to programs"},
	};
	struct model *m = *state;
	struct snap_crash_thread threads[2] = {m->thread, m->thread};
	uint8_t pr_reg[sizeof(m->pr_reg)];
	uint64_t sp = TSTACK_END - 0x100;
	memcpy(pr_reg, m->pr_reg, sizeof(pr_reg));
	memcpy(pr_reg + m->crash.arch->regs[m->crash.arch->sp].offset, &sp, sizeof(sp));
	threads[1].crashed = false;
	threads[1].record.tid = 7;
	threads[1].record.name = snap_bytes_str("worker");
	threads[1].pr_reg = snap_bytes(pr_reg, sizeof(pr_reg));
	m->crash.threads = threads;
	m->crash.num_threads = 2;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_string_equal(
			cases[i].words, snap_address_words(&m->crash, cases[i].addr, true));
	m->crash.num_mappings = 0;
	assert_string_equal("of which the input does not say what was mapped there",
		snap_address_words(&m->crash, 0x400010, false));
}

static void test_patterns(void **state)
{
	struct model *m = *state;
	const struct snap_arch *arch = m->crash.arch;
	assert_non_null(strstr(snap_pointer_pattern(arch, 0x5a5a5a5a5a5a5a5a), "use after free"));
	/* An offset was added. */
	assert_non_null(snap_pointer_pattern(arch, 0x6b6b6b6b6b6b6c00));
	assert_null(snap_pointer_pattern(arch, 0x6b6b6b6b6b6bab6b));
	assert_non_null(snap_pointer_pattern(arch, 0xdeadbeef));
	assert_non_null(snap_pointer_pattern(arch, 0xdeadbeefdeadbeef));
	/* Half of one is a number like others. */
	assert_null(snap_pointer_pattern(arch, 0x5a5a5a5a));
	assert_null(snap_pointer_pattern(arch, 0));
	assert_null(snap_pointer_pattern(arch, 0x7f0000001000));
	const struct snap_arch *arm = snap_arch_find(EM_ARM, ELFCLASS32, ELFDATA2LSB);
	assert_non_null(snap_pointer_pattern(arm, 0x5a5a5a5a));
	char text[9];
	assert_true(snap_pointer_text(arch, 0x2e6f6c6c65482021, text));
	assert_string_equal("! Hello.", text);
	assert_false(snap_pointer_text(arch, 0x006f6c6c65482021, text));
}

static void test_flipped_bit(void **state)
{
	struct model *m = *state;
	unsigned int bit = 0;
	uint64_t other = 0;
	assert_true(snap_pointer_flipped_bit(
		&m->crash, 0x1000010 ^ UINT64_C(1) << 40, RW, &bit, &other));
	assert_int_equal(40, bit);
	assert_int_equal(0x1000010, other);
	/* Not where such an access is not allowed, for low bits, for two of them, near what is mapped. */
	assert_false(snap_pointer_flipped_bit(
		&m->crash, 0x401010 ^ UINT64_C(1) << 40, RW, &bit, &other));
	assert_true(snap_pointer_flipped_bit(
		&m->crash, 0x401010 ^ UINT64_C(1) << 40, R, &bit, &other));
	assert_false(snap_pointer_flipped_bit(
		&m->crash, 0x1000010 ^ UINT64_C(1) << 31, R, &bit, &other));
	assert_false(snap_pointer_flipped_bit(
		&m->crash, 0x1000010 ^ UINT64_C(3) << 40, R, &bit, &other));
	assert_false(snap_pointer_flipped_bit(&m->crash, 0x7f0082000000, R, &bit, &other));
	/* Null with a bit set is null. */
	assert_false(snap_pointer_flipped_bit(&m->crash, 0x100, R, &bit, &other));
}

static void test_raised_by_kernel(void **state)
{
	struct model *m = *state;
	raise_fault(m, SIGXCPU, SI_KERNEL, 0);
	assert_says(m, "RLIMIT_CPU");
	raise_fault(m, SIGQUIT, SI_KERNEL, 0);
	assert_says(m, "quit character");
	raise_fault(m, SIGXFSZ, SI_USER, 0);
	assert_says(m, "RLIMIT_FSIZE");
	m->crash.signal.sender_pid = 7;
	assert_int_equal(0, snap_explain(&m->crash, NULL));
	assert_says(m, "process 7");
}

/* ---------------------------------------------------------------- stack overflow */

static bool overflowed(struct model *m, uint64_t sp, uint64_t fault)
{
	set_reg(m, m->crash.arch->sp, sp);
	raise_fault(m, SIGSEGV, SEGV_MAPERR, fault);
	bool ret = m->crash.cause.kind == SNAP_KIND_STACK_OVERFLOW;
	if (ret)
		assert_says(m, "stack overflowed");
	return ret;
}

static void test_overflow_of_main_stack(void **state)
{
	struct model *m = *state;
	/* A call's push, a push, a probe, a large frame. */
	assert_true(overflowed(m, STACK_START, STACK_START - 8));
	assert_true(overflowed(m, STACK_START + 8, STACK_START - 8));
	assert_true(overflowed(m, STACK_START - 0x1000, STACK_START - 0x1000));
	assert_true(overflowed(m, STACK_START + 0x2000, STACK_START - 0x2000));
	assert_true(overflowed(m, STACK_START - 0x80000, STACK_START - 0x10));
	assert_true(overflowed(m, STACK_START - 40000000, STACK_START - 40000000 - 8));
}

static void test_overflow_of_thread_stack(void **state)
{
	struct model *m = *state;
	assert_true(overflowed(m, TSTACK, TSTACK - 8));
	assert_true(overflowed(m, TSTACK + 0x100, TSTACK - 0x20));
	/* sp in the guard page already. */
	assert_true(overflowed(m, TSTACK - 0x800, TSTACK - 0x808));
	/* Split by mprotect() or madvise(): the lowest part counts. */
	mappings[6].end = TSTACK + 0x4000;
	mappings[7] = (struct snap_mapping){.start = TSTACK + 0x4000,
		.end = TSTACK_END,
		.has_permissions = true,
		.permissions = RW};
	assert_true(overflowed(m, TSTACK + 0x4100, TSTACK - 0x20));
	assert_says(m, "32 bytes below the lowest address of its stack");
}

/* gdb's cores call a guard page readable, as everything else. */
static void test_overflow_into_a_guard_that_reads_as_readable(void **state)
{
	struct model *m = *state;
	mappings[5].permissions = R;
	const struct snap_mapping guard = mappings[5];
	/* A snapshot has them as they were. */
	assert_false(overflowed(m, TSTACK - 0x800, TSTACK - 0x808));
	m->crash.is_core = true;
	assert_true(overflowed(m, TSTACK + 0x100, TSTACK - 0x20));
	assert_true(overflowed(m, TSTACK - 0x800, TSTACK - 0x808));
	/* Beyond it, by a large frame. */
	assert_true(overflowed(m, TSTACK - 0x80000, TSTACK - 0x7fff0));
	/* The kernel found no room for a signal's frame. */
	set_reg(m, m->crash.arch->sp, TSTACK + 0x100);
	raise_fault(m, SIGSEGV, SI_KERNEL, 0);
	assert_kind(m, "stack-overflow");
	/* Far from sp it is a bad pointer, to no stack. */
	assert_false(overflowed(m, TSTACK_END - 0x1000, TSTACK - 0x800));
	assert_says(m, "the guard page below the stack of thread 100");
	assert_false(overflowed(m, STACK_END - 0x1000, TSTACK - 0x800));
	assert_null(strstr(m->crash.cause.explanation, "stack"));
	/* A file's, code, or with nothing right above it: none. */
	mappings[5].path = snap_bytes_str("/usr/share/data.bin");
	assert_false(overflowed(m, TSTACK - 0x800, TSTACK - 0x808));
	mappings[5].path = snap_bytes_str(NULL);
	mappings[5].permissions = R | X;
	assert_false(overflowed(m, TSTACK - 0x800, TSTACK - 0x808));
	mappings[5].permissions = R;
	mappings[5].end = TSTACK - 0x1000;
	mappings[5].start = TSTACK - 0x2000;
	assert_false(overflowed(m, TSTACK - 0x1800, TSTACK - 0x1808));
	assert_null(strstr(m->crash.cause.explanation, "stack"));
	/* A part of the stack that was protected: something was pushed there. */
	static const uint8_t pushed[16] = {[8] = 1};
	const struct snap_memory_segment part = {
		.start = guard.start, .len = sizeof(pushed), .data = pushed, .fd = -1};
	mappings[5] = guard;
	assert_true(overflowed(m, TSTACK - 0x800, TSTACK - 0x808));
	assert_int_equal(0, snap_memory_add(&m->crash.memory, &part, NULL));
	assert_int_equal(0, snap_memory_finish(&m->crash.memory, NULL));
	assert_false(overflowed(m, TSTACK - 0x800, TSTACK - 0x808));
}

static void test_no_overflow(void **state)
{
	struct model *m = *state;
	/* Far from the stack's end, whatever the address. */
	assert_false(overflowed(m, STACK_END - 0x1000, STACK_START - 8));
	assert_false(overflowed(m, STACK_END - 0x1000, 0x12345678));
	/* Near sp, but not below the stack: behind its end, where the next guard is. */
	assert_false(overflowed(m, TSTACK_END - 0x100, TSTACK_END + 0x10));
	assert_false(overflowed(m, TSTACK_END - 8, TSTACK_END));
	/* Above sp in the stack itself (a fault there can't be, but a file can say so). */
	assert_false(overflowed(m, TSTACK + 0x100, TSTACK + 0x200));
	assert_false(overflowed(m, TSTACK + 0x200, TSTACK + 0x100));
	/* Another thread's guard page. */
	assert_false(overflowed(m, STACK_START + 0x100, TSTACK - 8));
	/* Null pointers at the end of a stack. */
	assert_false(overflowed(m, STACK_START, 0x10));
	/* sp that points nowhere, or into the heap, is no stack. */
	assert_false(overflowed(m, 0x41414141, 0x41414139));
	assert_false(overflowed(m, 0x1000000, 0xffffff));
	assert_false(overflowed(m, 0, (uint64_t)-8));
	assert_false(overflowed(m, UINT64_MAX, UINT64_MAX - 8));
	/* Code below a stack: a wild write to a library's text. */
	mappings[5].permissions = R | X;
	assert_false(overflowed(m, TSTACK - 0x800, TSTACK - 0x808));
}

static void test_overflow_wants_kernel(void **state)
{
	struct model *m = *state;
	set_reg(m, m->crash.arch->sp, STACK_START);
	raise_fault(m, SIGSEGV, SI_USER, 0);
	assert_kind(m, "signal");
}

/* The kernel found no room for the frame of a handler: SI_KERNEL, and no address. */
static void test_overflow_without_address(void **state)
{
	struct model *m = *state;
	set_reg(m, m->crash.arch->sp, STACK_START + 0x10);
	raise_fault(m, SIGSEGV, SI_KERNEL, 0);
	assert_kind(m, "stack-overflow");
	set_reg(m, m->crash.arch->sp, TSTACK + 0x10);
	raise_fault(m, SIGSEGV, SI_KERNEL, 0);
	assert_kind(m, "stack-overflow");
	set_reg(m, m->crash.arch->sp, TSTACK + 0x3000);
	raise_fault(m, SIGSEGV, SI_KERNEL, 0);
	assert_kind(m, "segv");
	/* The main stack grows: one that is small is not full. */
	mappings[10].start = STACK_END - 0x21000;
	set_reg(m, m->crash.arch->sp, STACK_END - 0x21000 + 0x10);
	raise_fault(m, SIGSEGV, SI_KERNEL, 0);
	assert_kind(m, "segv");
}

static void test_overflow_names_recursion(void **state)
{
	static struct snap_listed_frame listed[40];
	struct model *m = *state;
	for (size_t i = 0; i < ARRAY_LEN(listed); i++)
		listed[i].function = i % 2 ? "parse_list" : "parse_item";
	m->thread.listed = listed;
	m->thread.num_listed = ARRAY_LEN(listed);
	assert_true(overflowed(m, STACK_START, STACK_START - 8));
	assert_says(m, "parse_item calls itself, directly or through others, over and over");
}

/* Of large frames a snapshot has few, and then a part of the stack that was not captured. */
static void test_overflow_names_recursion_before_a_gap(void **state)
{
	enum { NUM = 4 };
	static const char *const functions[NUM] = {"leaf", "odd", "even", "odd"};
	static struct snap_listed_frame listed[NUM + 1];
	static struct snap_frame frames[NUM + 1];
	struct model *m = *state;
	for (size_t i = 0; i <= NUM; i++)
		listed[i] = (struct snap_listed_frame){
			.frame = i, .function = i < NUM ? functions[i] : "main"};
	m->thread.frames = frames;
	m->thread.listed = listed;
	m->thread.num_frames = m->thread.num_listed = NUM + 1;
	frames[NUM - 1].gap_bytes = 1 << 20;
	frames[NUM - 1].gap_frames = 40;
	assert_true(overflowed(m, STACK_START, STACK_START - 8));
	assert_says(m, "odd calls itself, directly or through others, over and over");
	/* No room for many; and where it stands there once. */
	frames[NUM - 1].gap_frames = 7;
	assert_true(overflowed(m, STACK_START, STACK_START - 8));
	assert_says(m, "calls are nested too deeply");
	frames[NUM - 1].gap_frames = 40;
	listed[1].function = "other";
	assert_true(overflowed(m, STACK_START, STACK_START - 8));
	assert_says(m, "calls are nested too deeply");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_signal_names),
		cmocka_unit_test(test_code_names),
		TEST(test_null),
		TEST(test_wild),
		TEST(test_address_not_told),
		TEST(test_left_out_mapping),
		TEST(test_bad_pc),
		TEST(test_bad_pc_without_permissions),
		TEST(test_bad_pc_truncated),
		TEST(test_sent),
		TEST(test_others),
		TEST(test_system_call_number),
		TEST(test_abort_reasons),
		TEST(test_rust_aborts),
		TEST(test_memory_hints),
		TEST(test_live),
		TEST(test_no_registers),
		TEST(test_hostile_path),
		TEST(test_address_words),
		TEST(test_patterns),
		TEST(test_flipped_bit),
		TEST(test_raised_by_kernel),
		TEST(test_overflow_of_main_stack),
		TEST(test_overflow_of_thread_stack),
		TEST(test_overflow_into_a_guard_that_reads_as_readable),
		TEST(test_no_overflow),
		TEST(test_overflow_wants_kernel),
		TEST(test_overflow_without_address),
		TEST(test_overflow_names_recursion),
		TEST(test_overflow_names_recursion_before_a_gap),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
