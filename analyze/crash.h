/*
 * The model: one input, and what each stage found out about it.
 *
 *   input/     fills  everything up to "resolved"       from the file alone
 *   find/      fills  module.symbols ...                resolve
 *   tokens/    fills  crash.log_facts, texts            detokenise
 *   unwind/    fills  thread.frames, thread.end         unwind
 *   symbols/   fills  thread.listed                     symbolise
 *   find/      fills  crash.source                      read source
 *   variables/ fills  listed.arguments, listed.locals   read variables
 *   explain/   fills  crash.cause                       explain
 *   signature/ fills  crash.signature                   sign
 *   explain/   fills  crash.next_steps                      say what to do next
 *   report/    reads it and prints                      print
 *
 * Data flows in this direction only. All of it lives until snap_crash_deinit(), in crash.arena or
 * (names and paths of symbols) in the objects of the symbol store, which outlives every crash.
 * Bytes and strings that came from the input are as they were: a printer escapes them.
 */
#ifndef SNAP_ANALYZE_CRASH_H
#define SNAP_ANALYZE_CRASH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analyze/memory.h"
#include "analyze/tokens/detokenise.h"
#include "common/arch.h"
#include "common/arena.h"
#include "common/bytes.h"
#include "common/cpu_state.h"
#include "common/error.h"
#include "common/snapshot.h"
#include "common/snapshot_read.h"

/* Addresses below are reached through a null pointer; nothing is ever mapped there
 * (vm.mmap_min_addr is 64 KiB). */
#define SNAP_NULL_END (64u << 10)

struct snap_input;	/* input/input.h */
struct snap_object;	/* symbols/object.h */
struct snap_jit;	/* symbols/jit.h */
struct snap_candidates; /* find/candidate.h */
struct snap_package;	/* find/package_note.h */

/* How the pc of a frame came to be known, from sure to guessed. */
enum snap_trust {
	SNAP_TRUST_CONTEXT,   /* the thread's own registers */
	SNAP_TRUST_CFI,	      /* call frame information of the frame below */
	SNAP_TRUST_FP,	      /* the frame pointer's chain */
	SNAP_TRUST_SCAN,      /* a plausible return address on the stack, or in the link register */
	SNAP_TRUST_PREWALKED, /* the device's own backtrace */
};

/* Why a thread's stack ends where it ends. */
enum snap_end {
	SNAP_END_COMPLETE,    /* the outermost frame was reached */
	SNAP_END_TRUNCATED,   /* the bytes needed next were not captured */
	SNAP_END_CORRUPT,     /* what was found can't be a stack */
	SNAP_END_LIMIT,	      /* --max-frames */
	SNAP_END_UNAVAILABLE, /* no registers, or nothing known about how to go on */
};

/* One activation on the stack (inlined functions are no frames here). */
struct snap_frame {
	uint64_t pc;
	uint64_t cfa; /* canonical frame address, if has_cfa */
	bool has_cfa;
	bool is_signal;	   /* a signal trampoline: the frame above it was interrupted, not called */
	bool is_exception; /* is_signal: what a processor's exception interrupted; pc is EXC_RETURN */
	bool exact_pc;	   /* pc is the instruction itself (innermost, interrupted), not a return
			    * address: look it up as it is, not pc - 1 */
	bool is_tail_call; /* its own call was its last act, and its stack is gone: the call sites
			    * of DWARF prove that it was there. No CFA, no registers. */
	enum snap_trust trust;
	bool is_from_lr; /* SNAP_TRUST_SCAN: the link register alone tells of it */
	uint64_t known_regs;  /* bit n: regs[n] is known */
	const uint64_t *regs; /* by snap_arch_column(), snap_arch_num_columns() of them */
	const struct snap_crash_module *module; /* NULL: in none */
	bool is_place_unknown; /* of a text: which module is known, but not where in it pc is */
	/* The stack goes on, but so many bytes of it were not captured before the next frame; about
	 * how many frames they held. 0: no gap. With is_gap_unlisted they were captured, and the
	 * number is exact: so many frames are of no interest. */
	uint64_t gap_bytes, gap_frames;
	bool is_gap_unlisted;
};

/* How much is known of a variable's value. */
enum snap_variable_state {
	SNAP_VARIABLE_VALUE,	     /* all of it */
	SNAP_VARIABLE_PARTIAL,	     /* some of it: the text says what not */
	SNAP_VARIABLE_OPTIMIZED_OUT, /* the program did not keep it */
	SNAP_VARIABLE_NOT_CAPTURED,  /* it is in memory or registers that the input has not */
	SNAP_VARIABLE_ERROR, /* what tells where it is makes no sense, or is not supported */
};

struct snap_variable {
	const char *name;  /* NULL: it has none */
	const char *type;  /* as one declares it: "const char *" */
	const char *value; /* text */
	enum snap_variable_state state;
	bool has_address; /* all of it is, or would be, in memory at address */
	uint64_t address;
};

/* One line of a backtrace as people see it: a frame, or a function inlined into one. */
struct snap_listed_frame {
	size_t frame; /* index into frames */
	bool is_inline;
	const char *function;	  /* demangled, without parameters; NULL: not known */
	const char *raw_function; /* as in the symbol table or DWARF's linkage name */
	bool has_offset;
	uint64_t offset;	/* pc - start of the function; of frames that are not inlined */
	const char *file;	/* NULL: not known */
	const char *built_file; /* the same before --path-map */
	uint32_t line;		/* 0: not known */
	uint32_t column;	/* 0: not known */
	/* variables */
	const struct snap_variable *arguments, *locals;
	size_t num_arguments, num_locals;
	size_t num_left_out; /* variables of both kinds beyond the limits */
};

/* What a thread waits for, that another has. */
enum snap_lock_kind {
	SNAP_LOCK_NONE, /* it does not wait for one, or that is not known */
	SNAP_LOCK_MUTEX,
	SNAP_LOCK_JOIN, /* for the other's end */
};

struct snap_lock {
	enum snap_lock_kind kind;
	uint64_t address; /* of the mutex */
	bool has_owner;
	uint64_t owner;	    /* its tid */
	size_t owner_index; /* into threads; SIZE_MAX: it is none of them */
	bool is_timed;	    /* it does not wait forever */
	const char *words;  /* "thread 12 waits for ..."; NULL: there are many, or nothing to say */
};

/* How much of its stack a microcontroller's thread uses; in bytes. */
struct snap_stack_use {
	bool has_size, has_used, has_peak;
	uint64_t size, used, peak; /* peak: used at least */
	bool is_overflow, was_overflow; /* it uses more than it has; once it did */
	bool is_elsewhere; /* the stack pointer is far from the stack: nothing is known of its use */
};

struct snap_crash_thread {
	struct snap_thread record;
	const struct snap_thread_facts *facts; /* NULL: none were captured */
	bool crashed;
	struct snap_bytes pr_reg; /* the general registers, absent if not captured */
	uint64_t absent_regs; /* bit n: register n of crash.arch was not captured all the same */
	struct snap_stack_use stack_use;
	/* unwind */
	/* pr_reg is what was found on a stack (unwind/saved_context.h): whose way of saving it that
	 * is, in words. NULL: pr_reg is the input's. */
	const char *saved_by;
	const struct snap_frame *frames;
	size_t num_frames;
	enum snap_end end;
	const char *end_reason; /* a sentence part about the end, never NULL once unwound */
	/* Of an end that is truncated: bytes of the stack that were not captured from there on. */
	uint64_t missing_bytes;
	/* symbolise */
	const struct snap_listed_frame *listed;
	size_t num_listed;
	const struct snap_repeat *repeats; /* ascending, not overlapping */
	size_t num_repeats;
	size_t group; /* index into the crash's groups */
	/* explain */
	struct snap_lock lock;
};

/* Threads that wait in a circle: each for what the next has, the last for what the first has. */
struct snap_deadlock {
	const size_t *threads; /* indices */
	size_t num;	       /* 1: it waits for itself */
};

/* Threads that stand alike (explain/alike.h). */
struct snap_thread_group {
	const size_t *threads; /* indices into the crash's threads, ascending by tid */
	size_t num;	       /* > 0 */
};

/* Recursion: listed lines that stand there several times. */
struct snap_repeat {
	size_t first, length; /* the lines [first, first + length) of listed */
	size_t count;	      /* how often they stand there in all, > 1 */
};

/* What became of a module's symbols (DESIGN names these in JSON). */
enum snap_symbols {
	SNAP_SYMBOLS_NONE,
	SNAP_SYMBOLS_MISMATCH, /* files were found, of another build */
	SNAP_SYMBOLS_DYNSYM,
	SNAP_SYMBOLS_SYMTAB,
	SNAP_SYMBOLS_DWARF,
};

struct snap_crash_module {
	struct snap_module record;
	/* resolve */
	enum snap_symbols symbols;
	struct snap_object *object; /* borrowed from the store; NULL if symbols is NONE, MISMATCH */
	const char *symbol_file;    /* the file that the names come from; NULL */
	const char *why;	    /* in words, why symbols are no better than they are; NULL */
	/* The files that were looked at, and what became of them; the store's; NULL: none were. */
	const struct snap_candidates *candidates;
	const struct snap_package *package; /* what it was a part of; NULL: not known */
	bool has_frame;			    /* after unwinding: some thread has a frame here */
	bool has_crashed_frame;		    /* the crashing thread has */
};

/* DESIGN section 4, "kind". */
enum snap_kind {
	SNAP_KIND_NONE,
	SNAP_KIND_STACK_OVERFLOW,
	SNAP_KIND_EXEC_BAD_PC,
	SNAP_KIND_SEGV_NULL,
	SNAP_KIND_SEGV,
	SNAP_KIND_ABORT,
	SNAP_KIND_ILL,
	SNAP_KIND_FPE,
	SNAP_KIND_BUS,
	SNAP_KIND_TRAP,
	SNAP_KIND_SYS,
	SNAP_KIND_SIGNAL,
	/* Of microcontrollers. */
	SNAP_KIND_HARDFAULT,
	SNAP_KIND_BUSFAULT,
	SNAP_KIND_USAGEFAULT,
	SNAP_KIND_MEMMANAGE,
	SNAP_KIND_ASSERT,
	/* Of backtraces that came as text (input/text.h) alone. */
	SNAP_KIND_SANITIZER, /* a sanitizer's report, of what raises no signal */
	SNAP_KIND_UNKNOWN,   /* the text does not say */
};

/*
 * What the program, or a library of it, found wrong before it aborted the process, by what they
 * said and by the functions on the stack.
 */
enum snap_failure {
	SNAP_FAILURE_NONE,  /* not known, or nothing was found wrong */
	SNAP_FAILURE_ABORT, /* abort() was called, and nothing tells why */
	SNAP_FAILURE_ASSERTION,
	SNAP_FAILURE_DOUBLE_FREE,
	SNAP_FAILURE_INVALID_FREE,
	SNAP_FAILURE_HEAP_CORRUPTION,
	SNAP_FAILURE_STACK_SMASHING,
	SNAP_FAILURE_BUFFER_OVERFLOW, /* _FORTIFY_SOURCE */
	SNAP_FAILURE_FORMAT_STRING,
	SNAP_FAILURE_BAD_LONGJMP,
	SNAP_FAILURE_PURE_VIRTUAL_CALL,
	SNAP_FAILURE_UNCAUGHT_EXCEPTION,
	SNAP_FAILURE_NOEXCEPT_VIOLATION,
	SNAP_FAILURE_OUT_OF_MEMORY, /* std::bad_alloc, or Rust's allocator */
	SNAP_FAILURE_TERMINATE,	    /* std::terminate() without an exception that is known */
	SNAP_FAILURE_PANIC,
	SNAP_FAILURE_STACK_OVERFLOW, /* a handler of the program's own said so */
	SNAP_FAILURE_SANITIZER,
};

/* Parts of an assertion; NULL: not known. */
struct snap_assertion {
	const char *expression, *file, *function;
	bool has_line;
	uint32_t line;
};

enum snap_exception_text {
	SNAP_EXCEPTION_TEXT_UNKNOWN, /* it has none, or where it keeps it is not known */
	SNAP_EXCEPTION_TEXT_NOT_CAPTURED, /* or not all of it */
	SNAP_EXCEPTION_TEXT_KNOWN,
};

/* A C++ exception that was not caught. NULL: not known. */
struct snap_exception {
	const char *type;
	const char *short_type;	       /* what people call it: "std::string"; NULL: the same */
	const char *what;	       /* of what is derived from std::exception */
	const char *value;	       /* of a number or text that was thrown */
	bool value_is_text;
	enum snap_exception_text text; /* what became of either */
	const char *thrown_in;	       /* the function */
};

/* A Rust panic. NULL: not known. */
struct snap_panic {
	const char *message;
	bool is_cut; /* it says more, which is not known */
	const char *file;
	uint32_t line, column; /* if there is a file */
};

/* The pointer or reference through which a bad access was made. */
struct snap_bad_variable {
	const char *name; /* NULL: not known, and so is the rest */
	const char *type, *expression;
	uint64_t value;
};

/* A hint at how bad it is. Both are static. */
struct snap_severity {
	const char *name; /* "null-read"; NULL: nothing crashed */
	const char *rule; /* from what that follows, as a sentence part */
};

struct snap_cause {
	enum snap_kind kind;
	const char *signal; /* "SIGSEGV"; NULL: no signal, or an unknown number */
	const char *code;   /* "SEGV_MAPERR"; NULL likewise */
	/* Where the fault was. Absent also where the kernel gives 0 for "not told" (SI_KERNEL). */
	bool has_address;
	uint64_t address;
	const char *access;	 /* "read", "write", "exec"; NULL: not known */
	const char *instruction; /* the faulting one, disassembled; NULL: not known */
	const char *explanation; /* one sentence with its full stop */
	enum snap_failure failure;
	bool has_assertion;
	struct snap_assertion assertion;
	bool has_exception;
	struct snap_exception exception;
	bool has_panic;
	struct snap_panic panic;
	struct snap_bad_variable variable;
	const char *memory_hint; /* that memory was short, a sentence; NULL: nothing says so */
	struct snap_severity severity;
};

/* Of which lines an id is made (docs/signatures.rst). */
enum snap_signature_level {
	SNAP_SIGNATURE_LOGICAL,	 /* functions, inlined ones too */
	SNAP_SIGNATURE_PHYSICAL, /* functions that have a symbol */
	SNAP_SIGNATURE_ADDRESS,	 /* build IDs and places in the code */
	SNAP_SIGNATURE_NUM_LEVELS,
};

/* Of how many. */
enum snap_signature_depth {
	SNAP_SIGNATURE_DEPTH_1,
	SNAP_SIGNATURE_DEPTH_2,
	SNAP_SIGNATURE_DEPTH_3,
	SNAP_SIGNATURE_DEPTH_5,
	SNAP_SIGNATURE_DEPTH_ALL,
	SNAP_SIGNATURE_NUM_DEPTHS,
};

struct snap_signature {
	const char *id;	  /* "s1:..."; NULL: no usable frame */
	const char *text; /* "kind | frame | frame"; NULL likewise */
	/* Indices into the crashing thread's listed: the first of the lines in it, and of those
	 * that do not belong to libraries, if there are any. */
	size_t first, first_frame;
	/* NULL likewise. id is that of the logical level of the depth that rules say. */
	const char *ids[SNAP_SIGNATURE_NUM_LEVELS][SNAP_SIGNATURE_NUM_DEPTHS];
};

enum snap_next_kind {
	SNAP_NEXT_LOOK,	   /* at a place in the code */
	SNAP_NEXT_SENDER,  /* who sent the signal */
	SNAP_NEXT_FILE,	   /* get the whole of it */
	SNAP_NEXT_SYMBOLS, /* get them */
	SNAP_NEXT_STACK,   /* how to have more of it, or what damaged it */
	SNAP_NEXT_THREADS, /* of a live process */
	SNAP_NEXT_DEVICE,  /* a microcontroller's settings, or those of its program */
};

/* What to do next (explain/next_steps.h). */
struct snap_next_step {
	enum snap_next_kind kind;
	const char *text;			/* one or two sentences */
	const struct snap_crash_module *module; /* whose symbols to get; NULL */
};

/* A register of the crashing thread that points somewhere. */
struct snap_pointer {
	const char *reg; /* its name */
	uint64_t value;
	const char *words; /* where to: "main+0x8, executable, read-only memory of a.out" */
};

/* What a log entry says besides its message: "module" and so on of pw_log_tokenized. */
struct snap_log_field {
	struct snap_bytes key, value;
};

/* What was made of a log entry (tokens/apply.h). */
struct snap_log_facts {
	/* On the log's own clock: of the entry, or added up since the last that had it. */
	bool has_ticks;
	int64_t ticks;
	struct snap_detokenised message; /* how the entry's came about, which is cut out of its text */
	struct snap_bytes raw;		 /* the message before; absent: it is as it was */
	const struct snap_log_field *fields; /* that have no place in the entry itself */
	size_t num_fields;
};

/* Source round the line of a frame. */
struct snap_source_text {
	const char *path;	    /* NULL: none was found */
	uint32_t first;		    /* the number of lines[0] */
	struct snap_bytes lines[3]; /* without their ends, cut if they are long */
	size_t num_lines;
	bool is_too_short; /* the file has not so many lines: it must be another version */
	/* It was changed after the module's files were; told once for each file. */
	bool is_newer;
};

#define SNAP_VICINITY_LINE 16

/* Memory round such a place. */
struct snap_memory_line {
	uint64_t addr; /* a multiple of SNAP_VICINITY_LINE */
	uint8_t bytes[SNAP_VICINITY_LINE];
	uint16_t known; /* bit n: bytes[n] was captured; not 0 */
};

/* A bit of a status register that tells what went wrong. All static. */
struct snap_fault_bit {
	const char *reg;   /* "CFSR" */
	const char *name;  /* "DIVBYZERO" */
	const char *words; /* a sentence part: "an integer was divided by zero" */
};

#define SNAP_MAX_FAULT_BITS 64

/* What only a microcontroller's snapshot has. */
struct snap_device {
	/* input/ */
	bool is_device; /* the snapshot is one's; else all that follows is absent */
	enum snap_cpu_family family;
	bool has_state; /* its registers were captured */
	struct snap_cpu_state state;
	struct snap_time_point *timestamps;
	size_t num_timestamps;
	struct snap_bytes trace_data;
	/* resolve */
	bool is_laid_out; /* the mappings tell where the firmware is (symbols/firmware.h) */
	/* unwind/: the frame of the thread that was interrupted, once a walk came to it */
	bool has_interrupted, is_interrupted_basic;
	uint64_t interrupted_addr;
	/* explain/ */
	const struct snap_time_point *log_clock; /* whose ticks the log's are; NULL: not known */
	struct snap_fault_bit fault_bits[SNAP_MAX_FAULT_BITS]; /* those that are set */
	size_t num_fault_bits;
	const char *exception; /* which one was taken: "HardFault", "SysTick", "IRQ 5"; NULL */
	const char *handler;   /* the function that the vector table has for it; NULL */
	bool is_default_handler; /* which many exceptions have */
	const char *mode; /* what the processor did before: "Thread mode, process stack"; NULL */
	/* The fault, if that is the cause: "UsageFault", "divide by zero", "DIVBYZERO". Static;
	 * NULL: not known. */
	const char *fault_name, *fault_title, *fault_bit;
	bool is_escalated;	  /* it became a HardFault */
	const char *message_from; /* where abort_message's text was found: "log", "reason"; NULL */
};
struct snap_fields;

struct snap_crash {
	struct snap_arena arena;
	struct snap_input *input;  /* owned: the bytes or the descriptor behind all that follows */
	struct snap_reader reader; /* of a snapshot: what the records point to */

	/* input/: how it was stored */
	const char *file;   /* the name given by the user; "-" for standard input */
	bool is_related; /* it is a snapshot that was within another */
	uint64_t text_line; /* of a text with several backtraces, where this one begins; else 0 */
	bool is_core;
	uint64_t file_bytes;
	enum snap_integrity integrity;
	const char *integrity_why; /* "" if complete */
	bool is_unreadable;	   /* these two tell that the file could not be read somewhere */

	/* input/: what it says. Absent fields as common/snapshot.h says. */
	struct snap_header header;
	struct snap_metadata metadata;
	struct snap_process process;
	bool has_signal;
	struct snap_signal signal;
	struct snap_system system;
	struct snap_capture capture;
	struct snap_abort_message abort_message; /* absent: its text is */
	/* Of a core: whose variable told where it is (explain/core_message.h); NULL: the snapshot
	 * has it. */
	const struct snap_crash_module *abort_message_module;
	struct snap_tag *tags;
	size_t num_tags;
	struct snap_log *logs; /* oldest first */
	size_t num_logs;
	struct snap_open_file *open_files; /* ascending by descriptor */
	size_t num_open_files;
	struct snap_bytes *notes; /* the capturing program's words, then the loader's */
	size_t num_notes, notes_capacity;
	struct snap_omission *omissions;
	size_t num_omissions;
	struct snap_mapping *mappings; /* ascending */
	size_t num_mappings;
	struct snap_crash_module *modules; /* ascending, not overlapping */
	size_t num_modules;
	struct snap_crash_thread *threads; /* the crashing one first */
	size_t num_threads;
	struct snap_bytes *related_records; /* of snapshots within it */
	size_t num_related_records;
	struct snap_device device;
	struct snap_memory memory;
	struct snap_memory_range *regions; /* of memory: what the program gave names to */
	size_t num_regions;
	struct snap_jit *jit;	      /* owned: code made at run time, once resolved; NULL: none */
	const struct snap_arch *arch; /* NULL: not known or not supported */

	/* the later stages */
	const struct snap_log_facts *log_facts; /* of each of logs; NULL: nothing is to be said */
	const struct snap_thread_group *groups; /* of all threads */
	size_t num_groups;
	struct snap_deadlock *deadlocks;
	size_t num_deadlocks, deadlocks_capacity;
	struct snap_cause cause;
	/* Of each listed line of the crashing thread; NULL without --source (find/source.h). */
	const struct snap_source_text *source;
	/* If options.vicinity asked for it (explain/vicinity.h). */
	const struct snap_pointer *pointers; /* in the order of the registers */
	size_t num_pointers;
	const struct snap_memory_line *vicinity; /* ascending, each once */
	size_t num_vicinity;
	struct snap_signature signature;
	const struct snap_fields *fields; /* that we do not know (fields/unknown.h); NULL: not asked for */
	const struct snap_next_step *next_steps; /* the most useful first */
	size_t num_next_steps;
	/* The snapshots within it, analysed likewise; of those beyond the limits there is a note.
	 */
	struct snap_crash *related;
	size_t num_related;
};

/* How deeply snapshots may be in others, and how many in all, to be analysed (analysis.c). */
#define SNAP_MAX_RELATED_DEPTH 4
#define SNAP_MAX_RELATED       64

/* "segv-null" and so on. Static. */
const char *snap_kind_name(enum snap_kind kind);
/* The kind of that name; false: there is none, or it is "none". */
bool snap_kind_find(struct snap_bytes name, enum snap_kind *ret);

/* Register index of the machine's table, as the thread had it. False if it was not captured. */
bool snap_crash_register(const struct snap_crash *crash, const struct snap_crash_thread *thread,
	unsigned int index, uint64_t *ret);

/* NULL for addresses in no module. */
struct snap_crash_module *snap_crash_module_at(const struct snap_crash *crash, uint64_t addr);
/* NULL for addresses in no mapping. */
const struct snap_mapping *snap_crash_mapping_at(const struct snap_crash *crash, uint64_t addr);
/* NULL if the input has none (a live process, no threads). */
struct snap_crash_thread *snap_crash_crashed_thread(const struct snap_crash *crash);

/* When, on the log's own clock; false: that is not known. index < num_logs. */
bool snap_log_ticks(const struct snap_crash *crash, size_t index, int64_t *ret);

/* Add to notes: something the reader of the report should know about the input. */
int snap_crash_note(struct snap_crash *crash, struct snap_bytes text, struct snap_error *err);

/*
 * Where reading the file has failed by now (memory.failed_errnum), let integrity say so: what lies
 * there is missing in all that is found. 0, or -1 and *err.
 */
int snap_crash_tell_unreadable(struct snap_crash *crash, struct snap_error *err);

/* Formatted into the crash's arena; NULL if memory is exhausted. */
const char *snap_crash_format(struct snap_crash *crash, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

void snap_crash_init(struct snap_crash *crash, const char *file);
void snap_crash_deinit(struct snap_crash *crash);

#endif
