/*
 * What the rules of explain/ look at, gathered once for each crash.
 */
#ifndef SNAP_ANALYZE_EXPLAIN_EVIDENCE_H
#define SNAP_ANALYZE_EXPLAIN_EVIDENCE_H

#include <stdbool.h>
#include <stdint.h>

#include "analyze/crash.h"
#include "analyze/explain/instruction.h"

/* Where the fault's address comes from. */
enum snap_address_source {
	SNAP_ADDRESS_UNKNOWN,
	SNAP_ADDRESS_KERNEL,  /* siginfo */
	SNAP_ADDRESS_OPERAND, /* the kernel does not tell it; the instruction's operand does */
};

/* What the heap has to do with a bad access. */
enum snap_heap {
	SNAP_HEAP_PLAIN,    /* nothing that is known */
	SNAP_HEAP_BOOKS,    /* the allocator was led astray by what it keeps */
	SNAP_HEAP_BAD_FREE, /* it was given a bad pointer */
	SNAP_HEAP_FREED,    /* the bad pointer is what the allocator keeps in a freed block */
};

/* Whether the kernel itself ended the program at a signal's handler. */
enum snap_signal_frame {
	SNAP_SIGNAL_FRAME_NONE,
	SNAP_SIGNAL_FRAME_READ,		  /* the handler's return failed */
	SNAP_SIGNAL_FRAME_WRITTEN,	  /* it could not be begun */
	SNAP_SIGNAL_FRAME_WRITTEN_LIKELY, /* most likely the same */
	SNAP_SIGNAL_FRAME_EITHER,	  /* one of these */
};

struct snap_evidence {
	struct snap_crash *crash;
	const struct snap_crash_thread *thread; /* that crashed; NULL */
	struct snap_bytes pr_reg;
	int32_t signo;
	bool has_code; /* of the signal */
	int32_t code;
	bool raised; /* by the kernel, for what the thread did; else sent */
	bool has_pc, has_sp;
	uint64_t pc, sp;
	enum snap_address_source source;
	bool has_fault; /* source is not UNKNOWN */
	uint64_t fault;
	bool maps_known;		  /* all mappings, with permissions */
	const struct snap_mapping *stack; /* that overflowed */
	/* The faulting instruction; num_operands is 0 if it is not known. */
	bool has_instruction;
	struct snap_instruction instruction;
	const struct snap_operand *operand; /* that faulted; NULL: not known */
	bool is_refused;	/* by the processor: no canonical address, or not aligned */
	bool is_misaligned;	/* for that reason */
	bool is_refused_target; /* the address is where a call, jump or return led to */
	enum snap_signal_frame signal_frame;
	enum snap_heap heap;
	const char *heap_function;  /* of the allocator, which was led astray; else NULL */
	uint64_t freed;		    /* the freed block */
	const char *freed_register; /* that leads there; static */
	bool is_sent;		    /* by another process */
	/* Of an abort: what is wrong, as a sentence part (NULL: not known), and whether the C
	 * library said so, or what a function that stands on the stack was called with. */
	const char *failure_words;
	bool is_failure_said, is_failure_passed;
};

#endif
