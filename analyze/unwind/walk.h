/*
 * What the ways from a frame to its caller have in common: the walk over one thread's stack, the
 * registers as they are at one frame, and questions about code addresses.
 *
 * Each way (cfi_step.h, sigreturn.h, frame_record.h, scan.h) takes the frame and its registers and
 * gives the caller's. unwind.c decides which way is asked when, and whether to believe it.
 */
#ifndef SNAP_ANALYZE_UNWIND_WALK_H
#define SNAP_ANALYZE_UNWIND_WALK_H

#include "analyze/crash.h"

/* The registers at one frame. */
struct snap_registers {
	uint64_t pc;
	bool is_thumb; /* arm: the pc is in Thumb code */
	bool exact_pc; /* as in struct snap_frame */
	enum snap_trust trust;
	bool is_from_lr; /* likewise */
	uint64_t known;				   /* bit n: values[n] is known */
	uint64_t values[SNAP_ARCH_MAX_DWARF_REGS]; /* by snap_arch_column() */
};

/* How a step ended. */
enum snap_step {
	SNAP_STEP_DONE,	     /* the caller's registers were found */
	SNAP_STEP_OUTERMOST, /* there is no caller; the walk's reason says how that is known */
	SNAP_STEP_UNKNOWN,   /* this way has nothing to say about the frame */
	SNAP_STEP_FAILED,    /* it has, but leads nowhere: the walk's end and reason say why */
};

/* How many frames at the base of a very deep stack are kept. */
#define SNAP_WALK_BASE_FRAMES 128

/* What a Cortex-M does at a frame. */
enum snap_mode {
	SNAP_MODE_UNKNOWN, /* also of other machines */
	SNAP_MODE_THREAD,
	SNAP_MODE_HANDLER, /* of an exception */
};

struct snap_walk {
	struct snap_crash *crash;
	struct snap_crash_thread *thread;
	const struct snap_arch *arch;
	const struct snap_mapping *stack; /* where its stack pointer is; NULL */
	bool lacks_mappings; /* the process had more than the input tells of */
	uint64_t pac_mask; /* bits of an instruction address that may be a signature (aarch64) */
	bool has_pac_mask;
	enum snap_mode mode;
	uint64_t *steps_left; /* of DWARF expressions, for all threads */
	uint64_t *words_left; /* of stack scans, likewise */
	bool is_guessed;      /* a frame so far was found by less than call frame information: what
			       * follows hangs on that */
	/* Nothing below belongs to the next frame: where the stack pointer is not known. */
	bool has_floor;
	uint64_t floor;

	/* Behind a part of the stack that was not captured: whether the call found there goes to a
	 * function that stood before it, and whether one since went to another function than the
	 * one that it led to; how many frames there are since. */
	bool is_beyond_gap, is_bridged, has_odd_call;
	size_t num_beyond_gap;

	struct snap_frame *frames;
	size_t num_frames, capacity;
	size_t num_walked;			/* those that were let go included */
	uint64_t *spare[SNAP_WALK_BASE_FRAMES]; /* registers of frames that were let go */
	size_t num_spare;

	/* How the walk ends, if the last step was the last one. */
	enum snap_end end;
	const char *end_reason;
	bool is_return_0;    /* a return address of 0 was met */
	bool lacks_register; /* a failed step needed a register that is not known */
	/* The memory that a failed step needed, which the stack has but the input has not. */
	bool has_missing;
	uint64_t missing_addr;
};

/* ---------------------------------------------------------------- registers */

static inline bool snap_register_known(const struct snap_registers *r, unsigned int column)
{
	return r->known >> column & 1;
}

static inline void snap_register_set(struct snap_registers *r, unsigned int column, uint64_t value)
{
	r->values[column] = value;
	r->known |= UINT64_C(1) << column;
}

/*
 * The columns of the stack pointer, of the frame pointer and of the link register; the last two are
 * -1 where the machine has none that is carried.
 */
unsigned int snap_sp_column(const struct snap_arch *arch);
int snap_fp_column(const struct snap_arch *arch);
int snap_lr_column(const struct snap_arch *arch);

/* All ones for addresses of the machine: 32 or 64 bits. */
uint64_t snap_word_mask(const struct snap_arch *arch);

/* Put a return address as it was found into r->pc: without PAC signature and Thumb bit. */
void snap_set_return_address(const struct snap_walk *w, struct snap_registers *r, uint64_t value);

/* Note that the thread has a frame in the module; NULL: in none. */
void snap_walk_note_module(const struct snap_walk *w, struct snap_crash_module *module);

/* ---------------------------------------------------------------- ends */

/* Note how the walk ends; returns how, so that a step can end with it. reason NULL: no memory. */
enum snap_step snap_step_fails(struct snap_walk *w, enum snap_end end, const char *reason);
/* The same, for want of a register. */
enum snap_step snap_step_lacks_register(struct snap_walk *w, const char *reason);
enum snap_step snap_step_is_outermost(struct snap_walk *w, const char *reason);
/* A step needs the word at addr, and the input has not got it. */
enum snap_step snap_step_lacks(struct snap_walk *w, uint64_t addr);

/* ---------------------------------------------------------------- memory and code */

/* Whether a stack can be there: in what the program can write to, or in anonymous memory, whatever
 * became of the rights to it. */
bool snap_may_be_stack(const struct snap_walk *w, uint64_t addr);

/* A pointer of the target at addr. */
bool snap_walk_read_word(struct snap_walk *w, uint64_t addr, uint64_t *ret);

/* Whether the instruction at pc (before pc, of a return address: is_exact false) can be code: in an
 * executable mapping, or in a module where mappings are not known. */
bool snap_is_code(const struct snap_walk *w, uint64_t pc, bool is_exact);

enum snap_answer { SNAP_NO, SNAP_YES, SNAP_NOT_KNOWN };

/* Whether a call instruction ends at the return address; NOT_KNOWN without its code's bytes. */
enum snap_answer snap_is_call_site(struct snap_walk *w, uint64_t pc, bool is_thumb);
/*
 * Whether the address is one that functions return to: in code, behind a call instruction, or a
 * signal trampoline's. NOT_KNOWN where there may be code, but its bytes are not at hand; and in
 * code that was made at run time, which need not call to be returned to (HotSpot's interpreter).
 */
enum snap_answer snap_is_return_address(struct snap_walk *w, uint64_t pc, bool is_thumb);
/* Where that call goes, if the instruction tells. */
bool snap_call_site_target(struct snap_walk *w, uint64_t pc, bool is_thumb, uint64_t *ret);

/* Code at addr, from the input's memory or the module's file: how many bytes of len. */
size_t snap_walk_read_code(struct snap_walk *w, uint64_t addr, void *buf, size_t len);

/* A function, [start, end) in the target; start == end: not known. */
struct snap_function {
	uint64_t start, end;
};

static inline bool snap_function_is_known(const struct snap_function *extent)
{
	return extent->start < extent->end;
}

static inline bool snap_function_has(const struct snap_function *extent, uint64_t addr)
{
	return addr >= extent->start && addr < extent->end;
}

/* The function that contains an address, by symbol. */
struct snap_function snap_function_at(struct snap_walk *w, uint64_t addr);

/*
 * What a call that led to the frame must have gone to: its function or, of code in no module, any
 * place in its mapping.
 */
struct snap_function snap_callee_of(struct snap_walk *w, const struct snap_frame *frame);

/* How well a call fits the function that would return behind it. */
enum snap_call_fit {
	SNAP_CALL_MISFIT,    /* that function itself calls another there */
	SNAP_CALL_TO_OTHER,  /* it goes to another function, which may have jumped to it in the end
			      */
	SNAP_CALL_TO_ANY,    /* it goes through a register, memory or a stub */
	SNAP_CALL_TO_CALLEE, /* it goes to this very function */
};

/* callee: the function returned from; not known: all calls fit, whatever they go to. */
enum snap_call_fit snap_call_fit(
	struct snap_walk *w, const struct snap_function *callee, uint64_t pc, bool is_thumb);

/* Whether the frame can have been called by what it returns to: false if that calls another
 * function, which may still have jumped to the frame's at its end. */
bool snap_is_called_by(struct snap_walk *w, const struct snap_frame *frame,
	const struct snap_registers *caller);

/* Whether a symbol or call frame information covers it. */
bool snap_is_known_function(struct snap_walk *w, uint64_t addr);

/* The row of call frame information for an instruction of the target; NULL if there is none. */
const struct snap_cfi_row *snap_walk_row(struct snap_walk *w, uint64_t addr);

#endif
