#include "analyze/explain/explain.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>

#include "analyze/explain/signals.h"
#include "analyze/explain/stack_overflow.h"

/* Addresses below are reached through a null pointer; nothing is ever mapped there
 * (vm.mmap_min_addr is 64 KiB). */
#define NULL_END (64u << 10)
/* An access so close to a mapping is worth saying so. */
#define NEAR_MAPPING (64u << 10)

/* What the rules look at, gathered once. */
struct evidence {
	struct snap_crash *crash;
	int32_t signo;
	bool raised; /* by the kernel, for what the thread did; else sent */
	bool has_pc, has_sp;
	uint64_t pc, sp;
	bool has_fault;
	uint64_t fault;
	bool maps_known;		  /* all mappings, with permissions */
	const struct snap_mapping *stack; /* that overflowed */
};

const char *snap_kind_name(enum snap_kind kind)
{
	static const char *const names[] = {
		[SNAP_KIND_NONE] = "none",
		[SNAP_KIND_STACK_OVERFLOW] = "stack-overflow",
		[SNAP_KIND_EXEC_BAD_PC] = "exec-bad-pc",
		[SNAP_KIND_SEGV_NULL] = "segv-null",
		[SNAP_KIND_SEGV] = "segv",
		[SNAP_KIND_ABORT] = "abort",
		[SNAP_KIND_ILL] = "ill",
		[SNAP_KIND_FPE] = "fpe",
		[SNAP_KIND_BUS] = "bus",
		[SNAP_KIND_TRAP] = "trap",
		[SNAP_KIND_SYS] = "sys",
		[SNAP_KIND_SIGNAL] = "signal",
	};
	return names[kind];
}

/* ---------------------------------------------------------------- evidence */

static bool are_maps_known(const struct snap_crash *crash)
{
	if (crash->num_mappings == 0 || crash->integrity == SNAP_INTEGRITY_TRUNCATED ||
		crash->integrity == SNAP_INTEGRITY_CORRUPT)
		return false;
	for (size_t i = 0; i < crash->num_omissions; i++)
		if (crash->omissions[i].what == SNAP_OMITTED_MAPPING)
			return false;
	for (size_t i = 0; i < crash->num_mappings; i++)
		if (!crash->mappings[i].has_permissions)
			return false;
	return true;
}

static struct evidence gather(struct snap_crash *crash)
{
	const struct snap_signal *signal = &crash->signal;
	struct evidence e = {
		.crash = crash,
		.signo = signal->signo,
		.raised = !signal->has_code || signal->code > 0,
		.maps_known = are_maps_known(crash),
	};
	/* Where the kernel raises a signal without an address, the member reads as 0. */
	bool told = !(signal->has_code && signal->code == SNAP_SI_KERNEL && signal->address == 0);
	if (e.raised && signal->has_address && told) {
		e.has_fault = true;
		e.fault = signal->address;
	}
	const struct snap_crash_thread *thread = snap_crash_crashed_thread(crash);
	if (thread && crash->arch && thread->pr_reg.data) {
		struct snap_bytes regs = thread->pr_reg;
		e.has_pc =
			snap_arch_reg_get(crash->arch, crash->arch->pc, regs.data, regs.len, &e.pc);
		e.has_sp =
			snap_arch_reg_get(crash->arch, crash->arch->sp, regs.data, regs.len, &e.sp);
	}
	return e;
}

static bool is_pc_bad(const struct evidence *e)
{
	if (!e->has_pc)
		return false;
	if (e->maps_known) {
		const struct snap_mapping *mapping = snap_crash_mapping_at(e->crash, e->pc);
		return !mapping || !(mapping->permissions & SNAP_MAPPING_EXEC);
	}
	return e->has_fault && e->fault == e->pc;
}

static enum snap_kind find_kind(struct evidence *e)
{
	if (e->signo == SIGABRT)
		return SNAP_KIND_ABORT;
	if (!e->raised)
		return SNAP_KIND_SIGNAL;
	switch (e->signo) {
	case SIGSEGV:
		if (e->has_sp &&
			snap_stack_overflowed(e->crash, e->sp, e->has_fault, e->fault, &e->stack))
			return SNAP_KIND_STACK_OVERFLOW;
		if (is_pc_bad(e))
			return SNAP_KIND_EXEC_BAD_PC;
		return e->has_fault && e->fault < NULL_END ? SNAP_KIND_SEGV_NULL : SNAP_KIND_SEGV;
	case SIGILL:
		return SNAP_KIND_ILL;
	case SIGFPE:
		return SNAP_KIND_FPE;
	case SIGBUS:
		return SNAP_KIND_BUS;
	case SIGTRAP:
		return SNAP_KIND_TRAP;
	case SIGSYS:
		return SNAP_KIND_SYS;
	default:
		return SNAP_KIND_SIGNAL;
	}
}

/* ---------------------------------------------------------------- words */

/* A name from the input, cut to what a sentence can bear. */
#define NAME_MAX_BYTES 200
#define NAME_ARGS(bytes)                                                                           \
	(int)((bytes).len < NAME_MAX_BYTES ? (bytes).len : NAME_MAX_BYTES),                        \
		(const char *)(bytes).data

static struct snap_bytes base_name(struct snap_bytes path)
{
	const void *slash = path.len > 0 ? memrchr(path.data, '/', path.len) : NULL;
	if (!slash)
		return path;
	size_t skip = (size_t)((const uint8_t *)slash - path.data) + 1;
	return snap_bytes(path.data + skip, path.len - skip);
}

/* "read-only memory of libfoo.so". */
static const char *mapping_words(struct snap_crash *crash, const struct snap_mapping *mapping)
{
	const char *access = "memory";
	if (mapping->has_permissions) {
		bool r = mapping->permissions & SNAP_MAPPING_READ;
		bool w = mapping->permissions & SNAP_MAPPING_WRITE;
		bool x = mapping->permissions & SNAP_MAPPING_EXEC;
		access = !r && !w && !x ? "inaccessible memory"
			 : w && x	? "writable and executable memory"
			 : w		? "writable, non-executable memory"
			 : x		? "executable, read-only memory"
					: "read-only memory";
	}
	struct snap_bytes name = base_name(mapping->path);
	if (name.len == 0)
		return mapping->has_permissions && access[0] == 'i'
			       ? "memory that is set aside and inaccessible (a guard page or a "
				 "reservation)"
			       : access;
	if (snap_bytes_equal_str(name, "[stack]"))
		return snap_crash_format(crash, "the main thread's stack (%s)", access);
	if (snap_bytes_equal_str(name, "[heap]"))
		return snap_crash_format(crash, "the heap (%s)", access);
	return snap_crash_format(crash, "%s of %.*s", access, NAME_ARGS(name));
}

/* ", 16 bytes beyond the end of the heap (...)"; "" if no mapping is near. */
static const char *neighbour_words(struct snap_crash *crash, uint64_t addr)
{
	size_t low = 0, high = crash->num_mappings;
	while (low < high) {
		size_t mid = low + (high - low) / 2;
		if (crash->mappings[mid].start <= addr)
			low = mid + 1;
		else
			high = mid;
	}
	const struct snap_mapping *below = low > 0 ? &crash->mappings[low - 1] : NULL;
	const struct snap_mapping *above = low < crash->num_mappings ? &crash->mappings[low] : NULL;
	uint64_t past = below && addr >= below->end ? addr - below->end : UINT64_MAX;
	uint64_t before = above ? above->start - addr : UINT64_MAX;
	const char *words;
	if (past < NEAR_MAPPING && past <= before) {
		words = mapping_words(crash, below);
		return words && past == 0
			       ? snap_crash_format(crash, ", right behind the end of %s", words)
		       : words ? snap_crash_format(crash,
					 ", %" PRIu64 " bytes behind the end of %s", past, words)
			       : NULL;
	}
	if (before <= NEAR_MAPPING) {
		words = mapping_words(crash, above);
		return words ? snap_crash_format(crash,
				       ", %" PRIu64 " bytes before the start of %s", before, words)
			     : NULL;
	}
	return "";
}

/* What is at an address: "which is not mapped", "which lies in ...". */
static const char *place_words(const struct evidence *e, uint64_t addr)
{
	struct snap_crash *crash = e->crash;
	const struct snap_mapping *mapping = snap_crash_mapping_at(crash, addr);
	if (mapping) {
		const char *words = mapping_words(crash, mapping);
		return words ? snap_crash_format(crash, "which lies in %s", words) : NULL;
	}
	if (addr >= NULL_END && crash->num_mappings > 0) {
		const char *near = neighbour_words(crash, addr);
		return near ? snap_crash_format(crash, "which is not mapped%s", near) : NULL;
	}
	if (e->maps_known || (crash->signal.has_code && crash->signal.code == 1))
		return "which is not mapped";
	return "of which the input does not say what was mapped there";
}

/* A function that stands often among the innermost frames; NULL if there is none. */
static const char *repeated_function(const struct snap_crash_thread *thread)
{
	enum { LOOK_AT = 64, MANY = 8 };
	size_t num = thread && thread->num_listed < LOOK_AT ? thread->num_listed
		     : thread				    ? LOOK_AT
							    : 0;
	for (size_t i = 0; i < num && i < LOOK_AT / MANY; i++) {
		const char *name = thread->listed[i].function;
		size_t count = 0;
		for (size_t j = 0; name && j < num; j++)
			if (thread->listed[j].function &&
				strcmp(thread->listed[j].function, name) == 0)
				count++;
		if (count >= MANY)
			return name;
	}
	return NULL;
}

static const char *explain_stack_overflow(const struct evidence *e)
{
	struct snap_crash *crash = e->crash;
	const struct snap_crash_thread *thread = snap_crash_crashed_thread(crash);
	const char *repeated = repeated_function(thread);
	const char *why =
		repeated ? snap_crash_format(crash,
				   "%.200s calls itself, directly or through others, over and over",
				   repeated)
			 : "calls are nested too deeply, or local variables are too large";
	if (!why)
		return NULL;
	if (!e->has_fault)
		return snap_crash_format(crash,
			"The stack overflowed: it begins at 0x%" PRIx64
			", the stack pointer is 0x%" PRIx64
			", and the kernel found no room for a signal handler's frame; %s.",
			e->stack->start, e->sp, why);
	return snap_crash_format(crash,
		"The stack overflowed: the program used address 0x%" PRIx64 ", %" PRIu64
		" bytes below the lowest address of its stack (0x%" PRIx64 "); %s.",
		e->fault, e->stack->start - e->fault, e->stack->start, why);
}

static const char *explain_bad_pc(const struct evidence *e)
{
	struct snap_crash *crash = e->crash;
	if (e->pc == 0)
		return "The program jumped to address 0x0: a call through a null function pointer.";
	const char *place = place_words(e, e->pc);
	if (!place)
		return NULL;
	const char *why = e->pc < NULL_END
				  ? "a call through a function pointer that was read from near null"
				  : "a call through a bad function pointer, or a return to an "
				    "overwritten address";
	return snap_crash_format(
		crash, "The program jumped to address 0x%" PRIx64 ", %s: %s.", e->pc, place, why);
}

static const char *explain_segv_null(const struct evidence *e)
{
	if (e->fault == 0)
		return "The program read or wrote memory at address 0x0, which is not mapped: a "
		       "null "
		       "pointer was followed.";
	return snap_crash_format(e->crash,
		"The program read or wrote memory at address 0x%" PRIx64
		", which is not mapped: a null pointer plus %" PRIu64
		" bytes, most likely a member of a structure or an element of an array reached "
		"through a null pointer.",
		e->fault, e->fault);
}

/* A general register whose value is no canonical address (bits 63 to 47 alike): what an access
 * that the processor refuses without an address most often comes from. */
static const struct snap_arch_reg *non_canonical_register(
	const struct evidence *e, uint64_t *ret_value)
{
	const struct snap_arch *arch = e->crash->arch;
	const struct snap_crash_thread *thread = snap_crash_crashed_thread(e->crash);
	if (!arch || arch->elf_class != 2 || !thread)
		return NULL;
	for (unsigned int i = 0; i < arch->num_regs; i++) {
		uint64_t value;
		if (arch->regs[i].dwarf >= arch->num_dwarf_regs ||
			!snap_arch_reg_get(
				arch, i, thread->pr_reg.data, thread->pr_reg.len, &value))
			continue;
		uint64_t top = value >> 47;
		if (top != 0 && top != 0x1ffff) {
			*ret_value = value;
			return &arch->regs[i];
		}
	}
	return NULL;
}

static const char *explain_segv(const struct evidence *e)
{
	struct snap_crash *crash = e->crash;
	if (!e->has_fault) {
		if (!crash->signal.has_code || crash->signal.code != SNAP_SI_KERNEL)
			return "The program made an access to memory that was not permitted; the "
			       "address is not recorded.";
		uint64_t value;
		const struct snap_arch_reg *reg = non_canonical_register(e, &value);
		if (reg)
			return snap_crash_format(crash,
				"The processor refused an access, and the kernel does not tell its "
				"address: most likely one that is not canonical, as register %s "
				"holds 0x%" PRIx64 ", which can't be the address of anything.",
				reg->name, value);
		return "The processor refused an access, and the kernel does not tell its address: "
		       "it is not a canonical one, or not aligned as the instruction demands.";
	}
	const char *place = place_words(e, e->fault);
	if (!place)
		return NULL;
	const struct snap_mapping *mapping = snap_crash_mapping_at(crash, e->fault);
	bool read_only = mapping && mapping->has_permissions &&
			 mapping->permissions & SNAP_MAPPING_READ &&
			 !(mapping->permissions & SNAP_MAPPING_WRITE);
	const char *words = crash->signal.has_code && crash->signal.code > 2
				    ? snap_signal_code_words(e->signo, crash->signal.code)
				    : NULL;
	return snap_crash_format(crash, "The program %s memory at address 0x%" PRIx64 ", %s%s%s.",
		read_only ? "wrote to" : "read or wrote", e->fault, place, words ? ": " : "",
		words ? words : "");
}

/* Functions that end the program, and what their being on the stack says. */
static const struct {
	const char *function;
	const char *words;
} ends[] = {
	{"__assert_fail", "an assertion failed"},
	{"__assert_perror_fail", "an assertion failed"},
	{"__stack_chk_fail", "a function found its stack frame overwritten (stack smashing)"},
	{"__fortify_fail", "a checked library function found a buffer too small"},
	{"__chk_fail", "a checked library function found a buffer too small"},
	{"malloc_printerr", "the allocator found the heap damaged or a bad pointer freed"},
	{"__cxa_pure_virtual", "a pure virtual function was called"},
	{"__cxa_throw", "a C++ exception was not caught"},
	{"__cxa_rethrow", "a C++ exception was not caught"},
	{"std::terminate", "std::terminate() was called"},
	{"rust_panic", "a Rust panic was not caught"},
	{"abort", "it called abort()"},
};

static const char *abort_reason(const struct snap_crash_thread *thread)
{
	enum { LOOK_AT = 24 };
	static const char internal[] = "__GI_"; /* glibc's own calls of its public functions */
	size_t best = sizeof(ends) / sizeof(ends[0]);
	for (size_t i = 0; thread && i < thread->num_listed && i < LOOK_AT; i++) {
		const char *name = thread->listed[i].function;
		if (name && strncmp(name, internal, sizeof(internal) - 1) == 0)
			name += sizeof(internal) - 1;
		for (size_t j = 0; name && j < best; j++)
			if (strcmp(name, ends[j].function) == 0)
				best = j;
	}
	return best < sizeof(ends) / sizeof(ends[0]) ? ends[best].words : NULL;
}

/* "process 12 (uid 0)"; NULL if the sender is unknown or the process itself. */
static const char *sender_words(const struct evidence *e, bool *ret_self)
{
	const struct snap_crash *crash = e->crash;
	const struct snap_signal *signal = &crash->signal;
	*ret_self = false;
	if (!signal->has_sender || e->raised)
		return NULL;
	if (crash->process.has_pid && signal->sender_pid >= 0 &&
		(uint32_t)signal->sender_pid == crash->process.pid) {
		*ret_self = true;
		return NULL;
	}
	/* A sender that the target's PID namespace doesn't know has number 0. */
	if (signal->sender_pid == 0)
		return snap_crash_format(e->crash, "a process outside its PID namespace (uid %u)",
			signal->sender_uid);
	return snap_crash_format(
		e->crash, "process %d (uid %u)", signal->sender_pid, signal->sender_uid);
}

static const char *explain_abort(const struct evidence *e)
{
	struct snap_crash *crash = e->crash;
	bool self;
	const char *sender = sender_words(e, &self);
	if (sender)
		return snap_crash_format(crash,
			"SIGABRT was sent by %s; the program did not abort by itself.", sender);
	const char *why = abort_reason(snap_crash_crashed_thread(crash));
	if (why)
		return snap_crash_format(crash, "The program aborted itself: %s.", why);
	return "The program aborted itself, as abort(), a failed assertion or a check in a library "
	       "does.";
}

static const char *explain_signal(const struct evidence *e)
{
	struct snap_crash *crash = e->crash;
	char number[32];
	const char *name = crash->cause.signal;
	if (!name) {
		(void)snprintf(number, sizeof(number), "Signal %d", e->signo);
		name = number;
	}
	bool self;
	const char *sender = sender_words(e, &self);
	if (self)
		return snap_crash_format(crash, "The program sent %s to itself.", name);
	if (sender)
		return snap_crash_format(crash,
			"%s was sent by %s; it is not the fault of what the thread was doing.",
			name, sender);
	const char *words = crash->signal.has_code
				    ? snap_signal_code_words(e->signo, crash->signal.code)
				    : NULL;
	return snap_crash_format(crash, "%s ended the program%s%s%s.", name, words ? " (" : "",
		words ? words : "", words ? ")" : "");
}

static const char *explain_bus(const struct evidence *e)
{
	struct snap_crash *crash = e->crash;
	const char *words = crash->signal.has_code
				    ? snap_signal_code_words(e->signo, crash->signal.code)
				    : NULL;
	if (!words)
		words = "bus error";
	if (!e->has_fault)
		return snap_crash_format(
			crash, "An access to memory failed (%s); its address is not told.", words);
	const struct snap_mapping *mapping = snap_crash_mapping_at(crash, e->fault);
	struct snap_bytes name = mapping ? base_name(mapping->path) : snap_bytes(NULL, 0);
	if (crash->signal.has_code && crash->signal.code == 2 && name.len > 0 &&
		name.data[0] != '[')
		return snap_crash_format(crash,
			"The program accessed address 0x%" PRIx64
			" in its mapping of %.*s, where the file has no bytes: the file is shorter "
			"than the mapping, or could not be read.",
			e->fault, NAME_ARGS(name));
	const char *place = place_words(e, e->fault);
	return place ? snap_crash_format(crash,
			       "An access to memory at address 0x%" PRIx64 ", %s, failed: %s.",
			       e->fault, place, words)
		     : NULL;
}

/* si_syscall of a SIGSYS: include/uapi/asm-generic/siginfo.h, struct _sigsys. */
static bool get_system_call(const struct snap_crash *crash, uint64_t *ret)
{
	if (!crash->arch)
		return false;
	unsigned int word = snap_arch_word(crash->arch);
	size_t off = (word == 8 ? 16 : 12) + word;
	if (crash->signal.siginfo.len < off + 4)
		return false;
	*ret = snap_arch_load(crash->arch, crash->signal.siginfo.data + off, 4);
	return true;
}

static const char *explain_sys(const struct evidence *e)
{
	struct snap_crash *crash = e->crash;
	const char *words = crash->signal.has_code
				    ? snap_signal_code_words(e->signo, crash->signal.code)
				    : NULL;
	uint64_t number;
	if (!words)
		words = "refused";
	if (get_system_call(crash, &number))
		return snap_crash_format(
			crash, "System call number %" PRIu64 " was %s.", number, words);
	return snap_crash_format(crash, "A system call was %s.", words);
}

static const char *explain_instruction(const struct evidence *e)
{
	struct snap_crash *crash = e->crash;
	const char *words = crash->signal.has_code && crash->signal.code != SNAP_SI_KERNEL
				    ? snap_signal_code_words(e->signo, crash->signal.code)
				    : NULL;
	const char *what = e->signo == SIGTRAP
				   ? "The program ran into a breakpoint or trap instruction"
			   : e->signo == SIGFPE ? "An arithmetic instruction failed"
						: "The processor refused an instruction";
	char where[48] = "";
	if (e->has_fault || e->has_pc)
		(void)snprintf(
			where, sizeof(where), " at 0x%" PRIx64, e->has_fault ? e->fault : e->pc);
	return snap_crash_format(crash, "%s%s%s%s%s.", what, where, words ? ": " : "",
		words ? words : "",
		e->signo == SIGILL
			? " (a compiler's trap, damaged code, or an instruction that this "
			  "processor lacks)"
			: "");
}

static const char *explain(const struct evidence *e)
{
	switch (e->crash->cause.kind) {
	case SNAP_KIND_STACK_OVERFLOW:
		return explain_stack_overflow(e);
	case SNAP_KIND_EXEC_BAD_PC:
		return explain_bad_pc(e);
	case SNAP_KIND_SEGV_NULL:
		return explain_segv_null(e);
	case SNAP_KIND_SEGV:
		return explain_segv(e);
	case SNAP_KIND_ABORT:
		return explain_abort(e);
	case SNAP_KIND_BUS:
		return explain_bus(e);
	case SNAP_KIND_SYS:
		return explain_sys(e);
	case SNAP_KIND_ILL:
	case SNAP_KIND_FPE:
	case SNAP_KIND_TRAP:
		return explain_instruction(e);
	case SNAP_KIND_NONE:
	case SNAP_KIND_SIGNAL:
		break;
	}
	return explain_signal(e);
}

/* No signal: either there was none, or the record of it is not in the file. */
static const char *explain_no_signal(const struct snap_crash *crash)
{
	if (crash->metadata.has_fatal
			? crash->metadata.fatal
			: !crash->is_core && crash->capture.method != SNAP_CAPTURE_PTRACE)
		return "What happened is not recorded in this file.";
	return "A live process, looked at while it went on; nothing crashed.";
}

int snap_explain(struct snap_crash *crash, struct snap_error *err)
{
	struct snap_cause *cause = &crash->cause;
	const struct snap_signal *signal = &crash->signal;
	*cause = (struct snap_cause){.kind = SNAP_KIND_NONE};
	if (!crash->has_signal || !signal->has_signo || signal->signo == 0) {
		cause->explanation = explain_no_signal(crash);
		return 0;
	}

	struct evidence e = gather(crash);
	cause->signal = snap_signal_name(signal->signo);
	if (signal->has_code)
		cause->code = snap_signal_code_name(signal->signo, signal->code);
	cause->kind = find_kind(&e);
	cause->has_address = e.has_fault;
	cause->address = e.fault;
	/* SIGILL and the like have the instruction's address, which is no access. */
	if (e.has_fault && e.has_pc && e.fault == e.pc && (e.signo == SIGSEGV || e.signo == SIGBUS))
		cause->access = "exec";
	cause->explanation = explain(&e);
	return cause->explanation ? 0 : snap_error_no_memory(err);
}
