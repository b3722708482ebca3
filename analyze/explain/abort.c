#include "analyze/explain/abort.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "analyze/explain/abort_text.h"
#include "analyze/explain/address.h"
#include "analyze/explain/assert_call.h"
#include "analyze/explain/cxx_exception.h"
#include "analyze/explain/rust_panic.h"

#define ARRAY_LEN(a)   (sizeof(a) / sizeof((a)[0]))
#define FORMAT(e, ...) snap_crash_format((e)->crash, __VA_ARGS__)

/* What ends a program stands among the innermost frames. */
#define LOOK_AT 32
/* Of a text of the program's, so much is put into a sentence. */
#define MAX_QUOTED 400

const char *snap_failure_name(enum snap_failure failure)
{
	static const char *const names[] = {
		[SNAP_FAILURE_ABORT] = "abort",
		[SNAP_FAILURE_ASSERTION] = "assertion",
		[SNAP_FAILURE_DOUBLE_FREE] = "double-free",
		[SNAP_FAILURE_INVALID_FREE] = "invalid-free",
		[SNAP_FAILURE_HEAP_CORRUPTION] = "heap-corruption",
		[SNAP_FAILURE_STACK_SMASHING] = "stack-smashing",
		[SNAP_FAILURE_BUFFER_OVERFLOW] = "buffer-overflow",
		[SNAP_FAILURE_FORMAT_STRING] = "format-string",
		[SNAP_FAILURE_BAD_LONGJMP] = "bad-longjmp",
		[SNAP_FAILURE_PURE_VIRTUAL_CALL] = "pure-virtual-call",
		[SNAP_FAILURE_UNCAUGHT_EXCEPTION] = "uncaught-exception",
		[SNAP_FAILURE_NOEXCEPT_VIOLATION] = "noexcept-violation",
		[SNAP_FAILURE_OUT_OF_MEMORY] = "out-of-memory",
		[SNAP_FAILURE_TERMINATE] = "terminate",
		[SNAP_FAILURE_PANIC] = "panic",
		[SNAP_FAILURE_STACK_OVERFLOW] = "stack-overflow",
		[SNAP_FAILURE_SANITIZER] = "sanitizer",
	};
	return names[failure];
}

/* ---------------------------------------------------------------- functions */

/*
 * Functions that end the program, and what their being on the stack says. Where several are, the
 * first of this list counts: those behind it are called by it.
 */
static const struct {
	const char *function; /* with a '*' at its end: any that begins so */
	enum snap_failure failure;
	const char *words;
} ends[] = {
	{"__asan::*", SNAP_FAILURE_SANITIZER, "AddressSanitizer found a bad access to memory"},
	{"__hwasan::*", SNAP_FAILURE_SANITIZER, "HWAddressSanitizer found a bad access to memory"},
	{"__tsan::*", SNAP_FAILURE_SANITIZER, "ThreadSanitizer found a race"},
	{"__msan::*", SNAP_FAILURE_SANITIZER, "MemorySanitizer found a use of uninitialised memory"},
	{"__ubsan::*", SNAP_FAILURE_SANITIZER,
		"UndefinedBehaviorSanitizer found undefined behaviour"},
	{"__assert_fail", SNAP_FAILURE_ASSERTION, "an assertion failed"},
	{"__assert_perror_fail", SNAP_FAILURE_ASSERTION, "an assertion failed"},
	{"std::__glibcxx_assert_fail", SNAP_FAILURE_ASSERTION,
		"an assertion of the C++ library failed"},
	{"std::__replacement_assert", SNAP_FAILURE_ASSERTION,
		"an assertion of the C++ library failed"},
	{"__stack_chk_fail", SNAP_FAILURE_STACK_SMASHING,
		"a function found its stack frame overwritten (stack smashing)"},
	{"____longjmp_chk", SNAP_FAILURE_BAD_LONGJMP,
		"longjmp() was to go to a function that had returned already"},
	{"__chk_fail", SNAP_FAILURE_BUFFER_OVERFLOW,
		"a checked library function found a buffer too small"},
	{"__fortify_fail", SNAP_FAILURE_BUFFER_OVERFLOW,
		"a checked library function found a buffer too small"},
	{"malloc_printerr", SNAP_FAILURE_HEAP_CORRUPTION,
		"the allocator found the heap damaged or a bad pointer freed"},
	{"__cxa_pure_virtual", SNAP_FAILURE_PURE_VIRTUAL_CALL,
		"a pure virtual function was called: by a constructor or destructor of the class "
		"that "
		"declares it, or through a pointer to an object that was destroyed"},
	{"__cxa_deleted_virtual", SNAP_FAILURE_PURE_VIRTUAL_CALL,
		"a deleted virtual function was called"},
	{"std::alloc::rust_oom", SNAP_FAILURE_OUT_OF_MEMORY,
		"memory is exhausted (Rust's allocator got none)"},
	{"alloc::alloc::handle_alloc_error", SNAP_FAILURE_OUT_OF_MEMORY,
		"memory is exhausted (Rust's allocator got none)"},
	{"core::panicking::panic_bounds_check", SNAP_FAILURE_PANIC,
		"a Rust panic was not caught: an index is out of bounds"},
	{"core::slice::index::slice_*", SNAP_FAILURE_PANIC,
		"a Rust panic was not caught: a range is out of a slice's bounds"},
	{"core::option::unwrap_failed", SNAP_FAILURE_PANIC,
		"a Rust panic was not caught: unwrap() of a None"},
	{"core::option::expect_failed", SNAP_FAILURE_PANIC,
		"a Rust panic was not caught: expect() of a None"},
	{"core::result::unwrap_failed", SNAP_FAILURE_PANIC,
		"a Rust panic was not caught: unwrap() or expect() of an Err"},
	{"core::cell::panic_already_borrowed", SNAP_FAILURE_PANIC,
		"a Rust panic was not caught: a RefCell is borrowed already"},
	{"core::cell::panic_already_mutably_borrowed", SNAP_FAILURE_PANIC,
		"a Rust panic was not caught: a RefCell is borrowed already"},
	{"core::panicking::panic_const::panic_const_div_by_zero", SNAP_FAILURE_PANIC,
		"a Rust panic was not caught: a division by zero"},
	{"core::panicking::panic_const::*", SNAP_FAILURE_PANIC,
		"a Rust panic was not caught: a result that does not fit its type"},
	/* What was thrown no longer stands on the stack: that was unwound to where it must end. */
	{"core::panicking::panic_in_cleanup", SNAP_FAILURE_PANIC,
		"a Rust panic was to leave a destructor while another panic unwound the stack"},
	{"core::panicking::panic_cannot_unwind", SNAP_FAILURE_PANIC,
		"a Rust panic was to leave a function that can't be unwound"},
	/* Not all of std::panicking: catch_unwind() and try() stand below every main() and thread. */
	{"core::panicking::*", SNAP_FAILURE_PANIC, "a Rust panic was not caught"},
	{"std::panicking::panic_*", SNAP_FAILURE_PANIC, "a Rust panic was not caught"},
	{"std::panicking::begin_panic*", SNAP_FAILURE_PANIC, "a Rust panic was not caught"},
	{"std::panicking::rust_panic*", SNAP_FAILURE_PANIC, "a Rust panic was not caught"},
	{"std::panicking::resume_unwind*", SNAP_FAILURE_PANIC, "a Rust panic was not caught"},
	{"std::panic::panic_any*", SNAP_FAILURE_PANIC, "a Rust panic was not caught"},
	{"std::panic::resume_unwind*", SNAP_FAILURE_PANIC, "a Rust panic was not caught"},
	{"__rustc::rust_panic", SNAP_FAILURE_PANIC, "a Rust panic was not caught"},
	{"__rustc::rust_begin_unwind", SNAP_FAILURE_PANIC, "a Rust panic was not caught"},
	{"rust_panic", SNAP_FAILURE_PANIC, "a Rust panic was not caught"},
	{"rust_begin_unwind", SNAP_FAILURE_PANIC, "a Rust panic was not caught"},
	/* It aborts if the address is in a guard page, and else returns to the fault. */
	{"std::sys::pal::unix::stack_overflow::imp::signal_handler", SNAP_FAILURE_STACK_OVERFLOW,
		"a stack overflowed (Rust's handler of SIGSEGV found that)"},
	{"std::sys::unix::stack_overflow::imp::signal_handler", SNAP_FAILURE_STACK_OVERFLOW,
		"a stack overflowed (Rust's handler of SIGSEGV found that)"},
	{"runtime.fatalpanic", SNAP_FAILURE_PANIC, "a Go panic was not recovered from"},
	{"__cxa_call_terminate", SNAP_FAILURE_NOEXCEPT_VIOLATION,
		"a C++ exception was to leave a function that promises not to throw (noexcept), or "
		"a destructor"},
	{"__clang_call_terminate", SNAP_FAILURE_NOEXCEPT_VIOLATION,
		"a C++ exception was to leave a function that promises not to throw (noexcept), or "
		"a destructor"},
	/* glibc's libstdc++ does not export the first of them: who finds no handler ends it. */
	{"__gxx_personality_v0", SNAP_FAILURE_NOEXCEPT_VIOLATION,
		"a C++ exception was to leave a function that promises not to throw (noexcept), or "
		"a destructor"},
	{"__cxa_call_unexpected", SNAP_FAILURE_NOEXCEPT_VIOLATION,
		"a C++ exception was thrown that its function's throw() does not name"},
	{"__cxa_throw", SNAP_FAILURE_UNCAUGHT_EXCEPTION, "a C++ exception was not caught"},
	{"__cxa_rethrow", SNAP_FAILURE_UNCAUGHT_EXCEPTION,
		"a C++ exception was thrown again and not caught, or there was none to throw "
		"again"},
	{"std::rethrow_exception", SNAP_FAILURE_UNCAUGHT_EXCEPTION,
		"a C++ exception was not caught"},
	{"std::terminate", SNAP_FAILURE_TERMINATE, "std::terminate() was called"},
	{"std::process::abort", SNAP_FAILURE_ABORT, "it called abort()"},
	{"abort", SNAP_FAILURE_ABORT, "it called abort()"},
};

static bool is_function(const char *name, const char *wanted)
{
	static const char internal[] = "__GI_"; /* glibc's own calls of its public functions */
	size_t len = strlen(wanted);
	if (strncmp(name, internal, sizeof(internal) - 1) == 0)
		name += sizeof(internal) - 1;
	return wanted[len - 1] == '*' ? strncmp(name, wanted, len - 1) == 0
				      : strcmp(name, wanted) == 0;
}

/* Who calls std::terminate() where no exception is. */
static const struct {
	const char *function;
	const char *words;
} terminates[] = {
	{"std::thread::~thread",
		"a std::thread was destroyed that was neither joined nor detached"},
	{"std::thread::operator=",
		"a std::thread was assigned to that was neither joined nor detached"},
};

static const char *terminate_words(const struct snap_crash_thread *thread)
{
	for (size_t i = 0; i < thread->num_listed && i < LOOK_AT; i++)
		for (size_t j = 0; thread->listed[i].function && j < ARRAY_LEN(terminates); j++)
			if (strcmp(thread->listed[i].function, terminates[j].function) == 0)
				return terminates[j].words;
	return NULL;
}

/* The outermost line that an entry of the list names, into *ret_line; -1: none is there. */
static int find_end(const struct snap_crash_thread *thread, size_t *ret_line)
{
	int best = -1;
	for (size_t i = 0; thread && i < thread->num_listed && i < LOOK_AT; i++) {
		const char *name = thread->listed[i].function;
		for (size_t j = 0; name && j < ARRAY_LEN(ends) && (best < 0 || (int)j <= best); j++)
			if (is_function(name, ends[j].function)) {
				best = (int)j;
				*ret_line = i;
				break;
			}
	}
	return best;
}

static const struct snap_crash_module *module_of(
	const struct snap_crash_thread *thread, size_t line)
{
	return thread->frames[thread->listed[line].frame].module;
}

/*
 * The function that called into the library that aborted; NULL: its name is not known, or there is
 * no such library.
 */
static const char *function_outside(const struct snap_crash_thread *thread, bool inlined_too)
{
	if (!thread || thread->num_listed == 0 || !module_of(thread, 0))
		return NULL;
	const struct snap_crash_module *library = module_of(thread, 0);
	for (size_t i = 1; i < thread->num_listed && i < LOOK_AT; i++)
		if (module_of(thread, i) != library &&
			(inlined_too || !thread->listed[i].is_inline))
			return thread->listed[i].function;
	return NULL;
}

/* ---------------------------------------------------------------- finding */

/* A copy with a NUL; NULL: absent, or no memory, which *ret_failed tells. */
static const char *keep(struct snap_crash *crash, struct snap_bytes bytes, bool *ret_failed)
{
	if (!bytes.data)
		return NULL;
	const char *copy =
		snap_crash_format(crash, "%.*s", (int)bytes.len, (const char *)bytes.data);
	*ret_failed |= !copy;
	return copy;
}

static int keep_assertion(struct snap_crash *crash, const struct snap_assert_text *text)
{
	struct snap_cause *cause = &crash->cause;
	bool failed = false;
	cause->has_assertion = true;
	cause->assertion = (struct snap_assertion){
		.expression = keep(crash, text->expression, &failed),
		.file = keep(crash, text->file, &failed),
		.function = keep(crash, text->function, &failed),
		.has_line = text->has_line,
		.line = text->line,
	};
	return failed ? -1 : 0;
}

/* What the process is called by its C library: the last part of its first argument. */
static struct snap_bytes program_name(const struct snap_crash *crash)
{
	struct snap_bytes name = crash->process.cmdline;
	const void *nul = name.len > 0 ? memchr(name.data, '\0', name.len) : NULL;
	if (nul)
		name.len = (size_t)((const uint8_t *)nul - name.data);
	return snap_path_name(name);
}

/* By the functions' names and the C library's words alone. *ret_end: into ends, or -1; *ret_line: of
 * that function. */
static int find_said(struct snap_evidence *e, int *ret_end, size_t *ret_line)
{
	struct snap_crash *crash = e->crash;
	struct snap_cause *cause = &crash->cause;
	const struct snap_abort_message *message = &crash->abort_message;
	int end = *ret_end = find_end(e->thread, ret_line);
	if (end >= 0) {
		cause->failure = ends[end].failure;
		e->failure_words = ends[end].words;
		const char *better = cause->failure == SNAP_FAILURE_TERMINATE
					     ? terminate_words(e->thread)
					     : NULL;
		if (better)
			e->failure_words = better;
	}
	if (message->text.len > 0 && message->source == SNAP_ABORT_C_LIBRARY) {
		struct snap_abort_text text =
			snap_abort_text_read(message->text, program_name(crash));
		if (text.failure != SNAP_FAILURE_NONE) {
			cause->failure = text.failure;
			e->failure_words = text.words;
			e->is_failure_said = true;
		}
		if (text.has_assertion && keep_assertion(crash, &text.assertion) < 0)
			return -1;
	}
	return 0;
}

int snap_abort_find_said(struct snap_evidence *e)
{
	int end;
	size_t line = 0;
	return find_said(e, &end, &line);
}

int snap_abort_find(struct snap_evidence *e)
{
	const struct snap_cause *cause = &e->crash->cause;
	int end;
	size_t line = 0;
	if (find_said(e, &end, &line) < 0)
		return -1;
	switch (cause->failure) {
	case SNAP_FAILURE_ASSERTION:
		if (!cause->has_assertion && end >= 0)
			snap_assert_call_find(e, ends[end].function, line);
		return 0;
	case SNAP_FAILURE_PANIC:
		return snap_rust_panic_find(e);
	case SNAP_FAILURE_UNCAUGHT_EXCEPTION:
	case SNAP_FAILURE_NOEXCEPT_VIOLATION:
	case SNAP_FAILURE_TERMINATE:
		return snap_cxx_exception_find(e);
	default:
		return 0;
	}
}

/* ---------------------------------------------------------------- words */

/* ": `n > 0' in decode (decode.c:88)"; of what is not known nothing is said. */
static const char *assertion_words(const struct snap_evidence *e)
{
	const struct snap_assertion *assertion = &e->crash->cause.assertion;
	char line[16] = "";
	if (!e->crash->cause.has_assertion)
		return "";
	if (assertion->has_line)
		(void)snprintf(line, sizeof(line), ":%" PRIu32, assertion->line);
	const char *place = "", *expression = "";
	if (assertion->file)
		place = assertion->function
				? FORMAT(e, " in %.*s (%.*s%s)", MAX_QUOTED, assertion->function,
					  MAX_QUOTED, assertion->file, line)
				: FORMAT(e, " in %.*s%s", MAX_QUOTED, assertion->file, line);
	if (assertion->expression)
		expression = FORMAT(e, " `%.*s'", MAX_QUOTED, assertion->expression);
	return place && expression ? FORMAT(e, ":%s%s", expression, place) : NULL;
}

const char *snap_abort_explain(const struct snap_evidence *e)
{
	const struct snap_cause *cause = &e->crash->cause;
	const char *where = NULL, *parts = "";
	if (!e->failure_words)
		return "The program aborted itself, as abort(), a failed assertion or a check in a "
		       "library does.";
	switch (cause->failure) {
	case SNAP_FAILURE_ASSERTION:
	case SNAP_FAILURE_HEAP_CORRUPTION:
	case SNAP_FAILURE_DOUBLE_FREE:
	case SNAP_FAILURE_INVALID_FREE:
		parts = assertion_words(e);
		if (cause->failure != SNAP_FAILURE_ASSERTION)
			where = function_outside(e->thread, true);
		break;
	case SNAP_FAILURE_STACK_SMASHING:
	case SNAP_FAILURE_BUFFER_OVERFLOW:
	case SNAP_FAILURE_FORMAT_STRING:
	case SNAP_FAILURE_BAD_LONGJMP:
		/* The C library's headers inline what calls its checked functions. */
		where = function_outside(e->thread, false);
		break;
	case SNAP_FAILURE_PANIC:
		parts = snap_rust_panic_words(e);
		break;
	case SNAP_FAILURE_UNCAUGHT_EXCEPTION:
	case SNAP_FAILURE_NOEXCEPT_VIOLATION:
	case SNAP_FAILURE_OUT_OF_MEMORY:
	case SNAP_FAILURE_TERMINATE:
		parts = snap_cxx_exception_words(e);
		break;
	default:
		break;
	}
	if (!parts)
		return NULL;
	return FORMAT(e, "The program aborted itself: %s%s%s%.*s.", e->failure_words, parts,
		where ? ", in " : "", where ? MAX_QUOTED : 0, where ? where : "");
}
