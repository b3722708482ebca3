/*
 * The machine that evaluates one expression of a variable (evaluate.h), for the parts that it is
 * made of: what they find goes onto its stack, or makes it fail with the reason.
 */
#ifndef SNAP_ANALYZE_VARIABLES_MACHINE_H
#define SNAP_ANALYZE_VARIABLES_MACHINE_H

#include "analyze/dwarf/cursor.h"
#include "analyze/dwarf/operators.h"
#include "analyze/variables/evaluate.h"

/* Expressions that take others to evaluate: frame bases, entry values, calls. */
#define SNAP_MACHINE_MAX_NESTING 8

struct snap_machine {
	const struct snap_view *view;
	struct snap_dwarf_unit *unit; /* that the expression stands in */
	struct snap_cursor c;
	const uint8_t *begun;
	unsigned int nesting;
	struct snap_dwarf_stack stack;
	const struct snap_subject *subject; /* NULL: none */
	/* Set by what ends a description, until a piece takes it or the expression ends. */
	bool has_simple;
	struct snap_piece simple;
	struct snap_location *location;
	bool failed;
	struct snap_piece failure;
};

/* The first reason counts. */
void snap_machine_fail(struct snap_machine *m, enum snap_bits bits, const char *why);
/* Because the expression makes no sense. */
void snap_machine_malformed(struct snap_machine *m);

/* Bytes of an address. */
static inline uint8_t snap_machine_word(const struct snap_machine *m)
{
	return m->stack.word;
}

void snap_machine_push(struct snap_machine *m, uint64_t bits);
void snap_machine_push_value(struct snap_machine *m, struct snap_dwarf_value value);
uint64_t snap_machine_pop(struct snap_machine *m);
struct snap_dwarf_value snap_machine_pop_value(struct snap_machine *m);

/* The low bytes of a register's size bytes, as a number. False: it has failed. */
bool snap_machine_read_register(
	struct snap_machine *m, uint64_t number, unsigned int size, uint64_t *ret);
void snap_machine_push_register(struct snap_machine *m, uint64_t number, int64_t offset);
bool snap_machine_read_memory(
	struct snap_machine *m, uint64_t addr, unsigned int size, uint64_t *ret);
void snap_machine_push_frame_base(struct snap_machine *m, int64_t offset);
/* The base type at an offset in the unit; 0 is the generic one. */
bool snap_machine_base_type(
	struct snap_machine *m, uint64_t off, enum snap_dwarf_kind *ret_kind, uint8_t *ret_size);

/* What the caller passed: in the register (parameter NULL), or as that formal parameter. */
void snap_machine_push_passed(
	struct snap_machine *m, uint64_t number, const struct snap_die *parameter);
/* The block is a register, or an expression of what it was at the function's beginning. */
void snap_machine_push_entry_value(struct snap_machine *m, struct snap_bytes block);

/* As snap_evaluate_location(), with the nesting that it has come to. False if it is nowhere. */
bool snap_machine_run(const struct snap_view *view, struct snap_dwarf_unit *unit,
	struct snap_bytes expression, const struct snap_given *given, unsigned int nesting,
	struct snap_location *ret);
/* The number that an expression leaves, whatever kind of location it might be elsewhere. False, and
 * why, if there is none. */
bool snap_machine_value(const struct snap_view *view, struct snap_dwarf_unit *unit,
	struct snap_bytes expression, unsigned int nesting, struct snap_dwarf_value *ret,
	struct snap_piece *ret_failure);

#endif
