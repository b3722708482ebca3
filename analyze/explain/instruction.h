/*
 * The instruction at which a thread stopped: its text, what it does, and which memory it accesses
 * with the values that its registers had.
 *
 * The code is the target's own as far as it was captured, else that of the module's file. Hostile:
 * both may be anything; what can't be decoded is not known.
 */
#ifndef SNAP_ANALYZE_EXPLAIN_INSTRUCTION_H
#define SNAP_ANALYZE_EXPLAIN_INSTRUCTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/arch.h"
#include "common/bytes.h"

#define SNAP_INSTRUCTION_MAX_BYTES 16
#define SNAP_INSTRUCTION_MAX_TEXT  (32 + 160) /* capstone's mnemonic and operands */
/* Two that are written out (x86's movs) and the stack's. */
#define SNAP_INSTRUCTION_MAX_OPERANDS 3

/* A general register in an instruction, or a part of one. */
struct snap_register {
	int16_t index;	  /* into arch->regs; -1: none */
	uint8_t shift;	  /* the part begins at this bit */
	uint8_t bits;	  /* of the part */
	bool is_unknown;  /* there is one, but not among the general registers */
	const char *name; /* as the instruction calls it; static */
};

enum snap_extend {
	SNAP_EXTEND_ZERO,
	SNAP_EXTEND_SIGN,
};

/* Memory that an instruction accesses. */
struct snap_operand {
	bool is_read, is_written;
	bool is_implicit; /* the stack, by push, call and the like */
	uint32_t size;	  /* bytes; 0: not known, or it varies */
	uint32_t align;	  /* what its address has to be a multiple of; 0: any will do */
	/* segment + base + (index << shift) + disp; without base: disp is the address. */
	struct snap_register segment, base, index;
	enum snap_extend extend; /* of an index that is a part of a register */
	bool is_subtracted;	 /* the index */
	uint8_t index_shift;
	int64_t disp;
	/* With the registers of the thread: */
	bool has_address;
	uint64_t base_value, index_value, address;
};

enum snap_action {
	SNAP_ACTION_OTHER,
	SNAP_ACTION_CALL,
	SNAP_ACTION_JUMP,
	SNAP_ACTION_RETURN,
	SNAP_ACTION_DIVIDE,
	SNAP_ACTION_PRIVILEGED, /* allowed to the kernel alone */
	SNAP_ACTION_SEGMENT,	/* loads a segment register */
};

struct snap_instruction {
	uint64_t addr;
	uint8_t bytes[SNAP_INSTRUCTION_MAX_BYTES];
	uint8_t size; /* bytes that are the instruction's; 0: it can't be decoded */
	uint8_t len;  /* bytes that there are */
	bool is_thumb;
	char text[SNAP_INSTRUCTION_MAX_TEXT]; /* "" if it can't be decoded */
	enum snap_action action;
	struct snap_operand operands[SNAP_INSTRUCTION_MAX_OPERANDS];
	unsigned int num_operands;
	/* Of a call, jump or division whose target or divisor is in a register. */
	struct snap_register value;
	bool is_signed; /* the division */
	uint8_t width;	/* the division's bytes */
};

struct snap_crash;
struct snap_crash_thread;

/*
 * Load the disassembler if explaining the crash takes it: in a worker, the input may be begun anew by
 * one that has it. False: the code is not in the input; to be tried again when its modules' files
 * are open.
 */
bool snap_instruction_prepare(struct snap_crash *crash);

/*
 * The one at addr, with the registers of the thread. False if there are no bytes, or they can't be
 * decoded: *ret then has the bytes that there are, no size and no text.
 */
bool snap_instruction_read(struct snap_crash *crash, const struct snap_crash_thread *thread,
	uint64_t addr, struct snap_instruction *ret);

enum snap_instruction_kind {
	SNAP_INSTRUCTION_ANY,
	SNAP_INSTRUCTION_MOVE, /* "mov" */
	SNAP_INSTRUCTION_CALL,
};

struct snap_instruction_place {
	uint64_t addr;
	bool is_thumb;			 /* which of arm's instruction sets stands there */
	enum snap_instruction_kind kind; /* no other is looked for, though it may be found */
};

/* The same where more is known of it. */
bool snap_instruction_find(struct snap_crash *crash, const struct snap_crash_thread *thread,
	const struct snap_instruction_place *place, struct snap_instruction *ret);

/*
 * Where a call, jump or return leads, by registers and captured memory; false if that is not known,
 * or it is none of these.
 */
bool snap_instruction_target(struct snap_crash *crash, const struct snap_crash_thread *thread,
	const struct snap_instruction *instruction, uint64_t *ret);

/* Why there is no text where there are bytes: a sentence part, or NULL. Static. */
const char *snap_instruction_why_missing(const struct snap_crash *crash);

/* A register's value; false if it is not known. */
bool snap_register_value(const struct snap_arch *arch, const struct snap_register *reg,
	struct snap_bytes pr_reg, uint64_t *ret);

/* The register of that name, or the part of one: rax, eax, ah, x3, w3. False: none. */
bool snap_register_find(const struct snap_arch *arch, const char *name, struct snap_register *ret);

/* Fill in the operands' addresses. */
void snap_instruction_resolve(const struct snap_arch *arch, struct snap_bytes pr_reg,
	struct snap_instruction *instruction);

#endif
