#include "analyze/variables/evaluate.h"

#include <dwarf.h>
#include <elf.h>

#include "analyze/dwarf/locations.h"
#include "analyze/variables/machine.h"

/* Steps of one expression: those that loop have no end. */
#define MAX_STEPS 4096

/* Operations of GNU's that dwarf.h of elfutils has or has not. */
enum {
	OP_GNU_PUSH_TLS_ADDRESS = 0xe0,
	OP_GNU_UNINIT = 0xf0,
	OP_GNU_IMPLICIT_POINTER = 0xf2,
	OP_GNU_ENTRY_VALUE = 0xf3,
	OP_GNU_CONST_TYPE = 0xf4,
	OP_GNU_REGVAL_TYPE = 0xf5,
	OP_GNU_DEREF_TYPE = 0xf6,
	OP_GNU_CONVERT = 0xf7,
	OP_GNU_REINTERPRET = 0xf9,
	OP_GNU_PARAMETER_REF = 0xfa,
	OP_GNU_ADDR_INDEX = 0xfb,
	OP_GNU_CONST_INDEX = 0xfc,
	OP_GNU_VARIABLE_VALUE = 0xfd,
};

/* ---------------------------------------------------------------- other entries */

/* DW_OP_call2, _call4, _call_ref: the location of that entry, in place. */
static void call(struct snap_machine *m, struct snap_die die)
{
	static const uint16_t names[] = {DW_AT_location};
	struct snap_attr attr;
	struct snap_dwarf_value value;
	struct snap_piece failure;
	if (m->nesting >= SNAP_MACHINE_MAX_NESTING ||
		!snap_view_attrs(m->view, die, names, &attr, 1)) {
		snap_machine_malformed(m);
		return;
	}
	/* What compilers call leaves a number. */
	if (!attr.block.data || !snap_machine_value(m->view, die.unit, attr.block, m->nesting + 1,
					&value, &failure))
		snap_machine_fail(m, SNAP_BITS_ERROR, "a location that is not supported");
	else
		snap_machine_push_value(m, value);
}

/* What a variable of the frame is worth, which is no larger than a word. */
static void push_variable(struct snap_machine *m, struct snap_die die)
{
	static const uint16_t names[] = {DW_AT_location, DW_AT_const_value};
	struct snap_attr attrs[2];
	struct snap_location location;
	struct snap_bytes block;
	uint64_t value;
	if (m->nesting >= SNAP_MACHINE_MAX_NESTING ||
		!snap_view_attrs(m->view, die, names, attrs, 2)) {
		snap_machine_malformed(m);
		return;
	}
	if (snap_attr_unsigned(&attrs[1], &value)) {
		snap_machine_push(m, value);
		return;
	}
	if (snap_dwarf_location(die.unit, &attrs[0], m->view->vaddr,
		    &m->view->views->left.list_bytes, &block) != SNAP_LOCATION_FOUND ||
		!snap_machine_run(m->view, die.unit, block, NULL, m->nesting + 1, &location) ||
		!location.is_whole) {
		snap_machine_fail(m, SNAP_BITS_OPTIMIZED_OUT, NULL);
		return;
	}
	const struct snap_piece *piece = &location.pieces[0];
	if (piece->kind == SNAP_PIECE_MEMORY) {
		if (snap_machine_read_memory(m, piece->address, snap_machine_word(m), &value))
			snap_machine_push(m, value);
	} else if (piece->kind == SNAP_PIECE_REGISTER) {
		snap_machine_push_register(m, piece->number, 0);
	} else if (piece->kind == SNAP_PIECE_VALUE && piece->value_len == snap_machine_word(m)) {
		snap_machine_push(
			m, snap_arch_load(m->view->arch, piece->value, snap_machine_word(m)));
	} else {
		snap_machine_fail(m, SNAP_BITS_OPTIMIZED_OUT, NULL);
	}
}

/* An entry by an offset of .debug_info. */
static bool info_die(struct snap_machine *m, uint64_t off, struct snap_die *ret)
{
	*ret = (struct snap_die){snap_dwarf_file_unit_at(m->unit->file, off, false), off};
	if (ret->unit && snap_dwarf_unit_open(ret->unit))
		return true;
	snap_machine_malformed(m);
	return false;
}

static bool unit_die(struct snap_machine *m, uint64_t off, struct snap_die *ret)
{
	*ret = (struct snap_die){m->unit, m->unit->off + off};
	if (off < m->unit->end - m->unit->off)
		return true;
	snap_machine_malformed(m);
	return false;
}

/* DWARF 2 has it as wide as an address. */
static uint64_t read_reference(struct snap_machine *m)
{
	const struct snap_dwarf_encoding *encoding = &m->unit->encoding;
	return snap_cursor_unsigned(
		&m->c, encoding->version <= 2 ? encoding->address_size : encoding->offset_size);
}

/* ---------------------------------------------------------------- one operation */

static struct snap_bytes read_block(struct snap_machine *m, uint64_t len)
{
	if (len > snap_cursor_left(&m->c)) {
		(void)snap_cursor_fail(&m->c);
		return snap_bytes(NULL, 0);
	}
	struct snap_bytes block = snap_bytes(m->c.p, len);
	m->c.p += len;
	return block;
}

static void branch(struct snap_machine *m, int16_t distance)
{
	int64_t to = (m->c.p - m->begun) + distance;
	if (to < 0 || to > m->c.end - m->begun)
		snap_machine_malformed(m);
	else
		m->c.p = m->begun + to;
}

static void set_simple(struct snap_machine *m, struct snap_piece piece)
{
	m->simple = piece;
	m->has_simple = true;
}

static void push_addr(struct snap_machine *m, uint64_t addr)
{
	snap_machine_push(m, addr + m->view->load_bias);
}

static void push_indexed(struct snap_machine *m, bool is_address)
{
	uint64_t value;
	if (!snap_dwarf_unit_address(m->unit, snap_cursor_uleb(&m->c), &value))
		snap_machine_malformed(m);
	else if (is_address)
		push_addr(m, value);
	else
		snap_machine_push(m, value);
}

/* Operations with a type; false if it is none of them. */
static bool step_typed(struct snap_machine *m, uint8_t op)
{
	enum snap_dwarf_kind kind;
	uint8_t size;
	uint64_t value;
	switch (op) {
	case DW_OP_const_type:
	case OP_GNU_CONST_TYPE: {
		uint64_t off = snap_cursor_uleb(&m->c);
		uint8_t len = snap_cursor_u8(&m->c);
		struct snap_bytes block = read_block(m, len);
		if (!snap_machine_base_type(m, off, &kind, &size))
			return true;
		if (len != size || !block.data)
			snap_machine_malformed(m);
		else
			snap_machine_push_value(
				m, (struct snap_dwarf_value){
					   snap_arch_load(m->view->arch, block.data, size), kind,
					   size});
		return true;
	}
	case DW_OP_regval_type:
	case OP_GNU_REGVAL_TYPE: {
		uint64_t number = snap_cursor_uleb(&m->c);
		if (snap_machine_base_type(m, snap_cursor_uleb(&m->c), &kind, &size) &&
			snap_machine_read_register(m, number, size, &value))
			snap_machine_push_value(m, (struct snap_dwarf_value){value, kind, size});
		return true;
	}
	case DW_OP_deref_type:
	case OP_GNU_DEREF_TYPE: {
		uint8_t len = snap_cursor_u8(&m->c);
		if (!snap_machine_base_type(m, snap_cursor_uleb(&m->c), &kind, &size))
			return true;
		if (len != size)
			snap_machine_malformed(m);
		else if (snap_machine_read_memory(m, snap_machine_pop(m), size, &value))
			snap_machine_push_value(m, (struct snap_dwarf_value){value, kind, size});
		return true;
	}
	case DW_OP_convert:
	case OP_GNU_CONVERT:
		if (snap_machine_base_type(m, snap_cursor_uleb(&m->c), &kind, &size))
			snap_dwarf_convert(&m->stack, kind, size);
		break;
	case DW_OP_reinterpret:
	case OP_GNU_REINTERPRET:
		if (snap_machine_base_type(m, snap_cursor_uleb(&m->c), &kind, &size))
			snap_dwarf_reinterpret(&m->stack, kind, size);
		break;
	default:
		return false;
	}
	if (m->stack.failed)
		snap_machine_malformed(m);
	return true;
}

/* Operations that take other entries, the caller or the thread; false if it is none of them. */
static bool step_far(struct snap_machine *m, uint8_t op)
{
	struct snap_die die;
	switch (op) {
	case DW_OP_entry_value:
	case OP_GNU_ENTRY_VALUE: {
		struct snap_bytes block = read_block(m, snap_cursor_uleb(&m->c));
		if (!m->c.failed)
			snap_machine_push_entry_value(m, block);
		return true;
	}
	case OP_GNU_PARAMETER_REF:
		if (unit_die(m, snap_cursor_u32(&m->c), &die))
			snap_machine_push_passed(m, 0, &die);
		return true;
	case DW_OP_implicit_pointer:
	case OP_GNU_IMPLICIT_POINTER: {
		uint64_t off = read_reference(m);
		int64_t pointee_off = snap_cursor_sleb(&m->c);
		if (info_die(m, off, &die))
			set_simple(m, (struct snap_piece){.kind = SNAP_PIECE_POINTER,
					      .pointee = die,
					      .pointee_off = pointee_off});
		return true;
	}
	case DW_OP_call2:
		if (unit_die(m, snap_cursor_u16(&m->c), &die))
			call(m, die);
		return true;
	case DW_OP_call4:
		if (unit_die(m, snap_cursor_u32(&m->c), &die))
			call(m, die);
		return true;
	case DW_OP_call_ref:
		if (info_die(m, read_reference(m), &die))
			call(m, die);
		return true;
	case OP_GNU_VARIABLE_VALUE:
		if (info_die(m, read_reference(m), &die))
			push_variable(m, die);
		return true;
	case DW_OP_form_tls_address:
	case OP_GNU_PUSH_TLS_ADDRESS:
		snap_machine_fail(m, SNAP_BITS_NOT_CAPTURED, "thread-local");
		return true;
	}
	return false;
}

static void push_subject(struct snap_machine *m)
{
	if (m->subject)
		snap_machine_push(m, m->subject->addr);
	else
		snap_machine_fail(m, SNAP_BITS_OPTIMIZED_OUT, NULL);
}

static void push_cfa(struct snap_machine *m)
{
	if (m->view->frame->has_cfa && m->view->frame->trust <= SNAP_TRUST_FP)
		snap_machine_push(m, m->view->frame->cfa);
	else
		snap_machine_fail(m, SNAP_BITS_NOT_CAPTURED, "its frame is not known");
}

/* Operations that only look at the stack. */
static void operate(struct snap_machine *m, uint8_t op, uint64_t operand)
{
	if (!snap_dwarf_operate(&m->stack, op, operand))
		snap_machine_fail(m, SNAP_BITS_ERROR, "a location that is not supported");
	else if (m->stack.failed)
		snap_machine_malformed(m);
}

static void step(struct snap_machine *m, uint8_t op)
{
	struct snap_cursor *c = &m->c;
	uint64_t value;
	if (op >= DW_OP_breg0 && op <= DW_OP_breg31) {
		snap_machine_push_register(m, (uint64_t)op - DW_OP_breg0, snap_cursor_sleb(c));
		return;
	}
	if (op >= DW_OP_reg0 && op <= DW_OP_reg31) {
		set_simple(m, (struct snap_piece){.kind = SNAP_PIECE_REGISTER,
				      .number = (uint64_t)op - DW_OP_reg0});
		return;
	}
	switch (op) {
	case OP_GNU_UNINIT:
		break;
	case DW_OP_addr:
		push_addr(m, snap_cursor_unsigned(c, m->unit->encoding.address_size));
		break;
	case DW_OP_addrx:
	case OP_GNU_ADDR_INDEX:
		push_indexed(m, true);
		break;
	case DW_OP_constx:
	case OP_GNU_CONST_INDEX:
		push_indexed(m, false);
		break;
	case DW_OP_const1u:
		snap_machine_push(m, snap_cursor_u8(c));
		break;
	case DW_OP_const1s:
		snap_machine_push(m, (uint64_t)(int8_t)snap_cursor_u8(c));
		break;
	case DW_OP_const2u:
		snap_machine_push(m, snap_cursor_u16(c));
		break;
	case DW_OP_const2s:
		snap_machine_push(m, (uint64_t)(int16_t)snap_cursor_u16(c));
		break;
	case DW_OP_const4u:
		snap_machine_push(m, snap_cursor_u32(c));
		break;
	case DW_OP_const4s:
		snap_machine_push(m, (uint64_t)(int32_t)snap_cursor_u32(c));
		break;
	case DW_OP_const8u:
	case DW_OP_const8s:
		snap_machine_push(m, snap_cursor_u64(c));
		break;
	case DW_OP_constu:
		snap_machine_push(m, snap_cursor_uleb(c));
		break;
	case DW_OP_consts:
		snap_machine_push(m, (uint64_t)snap_cursor_sleb(c));
		break;
	case DW_OP_regx:
		set_simple(m, (struct snap_piece){
				      .kind = SNAP_PIECE_REGISTER, .number = snap_cursor_uleb(c)});
		break;
	case DW_OP_bregx:
		value = snap_cursor_uleb(c);
		snap_machine_push_register(m, value, snap_cursor_sleb(c));
		break;
	case DW_OP_fbreg:
		if (m->nesting >= SNAP_MACHINE_MAX_NESTING)
			snap_machine_malformed(m);
		else
			snap_machine_push_frame_base(m, snap_cursor_sleb(c));
		break;
	case DW_OP_call_frame_cfa:
		push_cfa(m);
		break;
	case DW_OP_push_object_address:
		push_subject(m);
		break;
	case DW_OP_pick:
		operate(m, op, snap_cursor_u8(c));
		break;
	case DW_OP_plus_uconst:
		operate(m, op, snap_cursor_uleb(c));
		break;
	case DW_OP_deref:
		if (snap_machine_read_memory(m, snap_machine_pop(m), snap_machine_word(m), &value))
			snap_machine_push(m, value);
		break;
	case DW_OP_deref_size: {
		uint8_t size = snap_cursor_u8(c);
		if (size > snap_machine_word(m))
			snap_machine_malformed(m);
		else if (snap_machine_read_memory(m, snap_machine_pop(m), size, &value))
			snap_machine_push(m, value);
		break;
	}
	case DW_OP_skip:
		branch(m, (int16_t)snap_cursor_u16(c));
		break;
	case DW_OP_bra: {
		int16_t distance = (int16_t)snap_cursor_u16(c);
		if (snap_machine_pop(m) != 0)
			branch(m, distance);
		break;
	}
	case DW_OP_stack_value: {
		struct snap_dwarf_value v = snap_machine_pop_value(m);
		struct snap_piece piece = {.kind = SNAP_PIECE_VALUE, .value_len = v.size};
		for (unsigned int i = 0; i < v.size; i++)
			piece.value[m->view->arch->elf_data == ELFDATA2MSB ? v.size - 1u - i : i] =
				(uint8_t)(v.bits >> (8 * i));
		set_simple(m, piece);
		break;
	}
	case DW_OP_implicit_value: {
		struct snap_bytes block = read_block(m, snap_cursor_uleb(c));
		set_simple(m, (struct snap_piece){.kind = SNAP_PIECE_BYTES, .bytes = block});
		break;
	}
	default:
		if (step_typed(m, op) || step_far(m, op))
			break;
		operate(m, op, 0);
	}
}

/* ---------------------------------------------------------------- whole expressions */

/* What the expression has described so far, as a piece. */
static struct snap_piece take_piece(struct snap_machine *m)
{
	struct snap_piece piece = {.kind = SNAP_PIECE_NOTHING, .bits = SNAP_BITS_OPTIMIZED_OUT};
	if (m->failed) {
		piece = m->failure;
	} else if (m->has_simple) {
		piece = m->simple;
	} else if (m->stack.depth > 0) {
		piece = (struct snap_piece){
			.kind = SNAP_PIECE_MEMORY, .address = snap_machine_pop(m)};
	}
	m->has_simple = false;
	return piece;
}

static void add_piece(struct snap_machine *m, uint64_t num_bits, uint64_t bit_off)
{
	struct snap_location *location = m->location;
	/* Of one that is not known, the others may be. */
	struct snap_piece piece = take_piece(m);
	m->failed = m->stack.failed = false;
	m->stack.depth = 0;
	location->is_whole = false;
	if (location->num_pieces == SNAP_MAX_PIECES) {
		snap_machine_malformed(m);
		return;
	}
	piece.num_bits = num_bits;
	piece.bit_off = bit_off;
	location->pieces[location->num_pieces++] = piece;
}

/* Operations behind a failure are passed over up to the next piece. */
static void run_steps(struct snap_machine *m)
{
	uint64_t *left = &m->view->views->left.steps;
	for (unsigned int steps = 0; m->c.p < m->c.end; steps++) {
		if (steps == MAX_STEPS || *left == 0) {
			m->failed = false;
			snap_machine_fail(m, SNAP_BITS_ERROR, "its location takes too much work");
			m->location->num_pieces = 0;
			m->location->is_whole = true;
			return;
		}
		--*left;
		uint8_t op = snap_cursor_u8(&m->c);
		if (op == DW_OP_piece) {
			uint64_t len = snap_cursor_uleb(&m->c);
			if (len > UINT32_MAX)
				snap_machine_malformed(m);
			add_piece(m, len <= UINT32_MAX ? 8 * len : 0, 0);
		} else if (op == DW_OP_bit_piece) {
			uint64_t len = snap_cursor_uleb(&m->c), off = snap_cursor_uleb(&m->c);
			if (len > UINT32_MAX || off > UINT32_MAX)
				snap_machine_malformed(m);
			add_piece(m, len <= UINT32_MAX ? len : 0, off <= UINT32_MAX ? off : 0);
		} else if (m->failed || m->has_simple) {
			/* Where the next piece begins can't be told without knowing each
			 * operation's length; so what fails, fails as a whole. */
			if (m->has_simple && op != OP_GNU_UNINIT)
				snap_machine_malformed(m);
			if (m->failed)
				break;
		} else {
			step(m, op);
		}
		if (m->c.failed) {
			snap_machine_malformed(m);
			break;
		}
	}
}

bool snap_machine_run(const struct snap_view *view, struct snap_dwarf_unit *unit,
	struct snap_bytes expression, const struct snap_given *given, unsigned int nesting,
	struct snap_location *ret)
{
	struct snap_machine m = {
		.view = view,
		.unit = unit,
		.c = snap_cursor(expression, 0, view->arch->elf_data == ELFDATA2MSB),
		.begun = expression.data,
		.stack.word = (uint8_t)snap_arch_word(view->arch),
		.nesting = nesting,
		.subject = given ? given->subject : NULL,
		.location = ret,
	};
	ret->is_whole = true;
	ret->num_pieces = 0;
	if (given && given->first)
		snap_machine_push(&m, *given->first);
	if (nesting > SNAP_MACHINE_MAX_NESTING)
		snap_machine_malformed(&m);
	else
		run_steps(&m);
	if (ret->is_whole || m.failed) {
		ret->is_whole = true;
		ret->pieces[0] = take_piece(&m);
		ret->num_pieces = 1;
	}
	return !(ret->is_whole && ret->pieces[0].kind == SNAP_PIECE_NOTHING);
}

/* The number that an expression leaves: whatever kind of location it might be elsewhere. */
bool snap_machine_value(const struct snap_view *view, struct snap_dwarf_unit *unit,
	struct snap_bytes expression, unsigned int nesting, struct snap_dwarf_value *ret,
	struct snap_piece *ret_failure)
{
	struct snap_location location = {.is_whole = true};
	struct snap_machine m = {
		.view = view,
		.unit = unit,
		.c = snap_cursor(expression, 0, view->arch->elf_data == ELFDATA2MSB),
		.begun = expression.data,
		.stack.word = (uint8_t)snap_arch_word(view->arch),
		.nesting = nesting,
		.location = &location,
	};
	if (nesting > SNAP_MACHINE_MAX_NESTING)
		snap_machine_malformed(&m);
	else
		run_steps(&m);
	if (!m.failed && (location.num_pieces > 0 || m.has_simple))
		snap_machine_fail(&m, SNAP_BITS_OPTIMIZED_OUT, NULL);
	struct snap_dwarf_value value = {0};
	if (!m.failed)
		value = snap_machine_pop_value(&m);
	if (m.failed) {
		*ret_failure = m.failure;
		return false;
	}
	*ret = value;
	return true;
}

void snap_evaluate_location(const struct snap_view *view, struct snap_dwarf_unit *unit,
	struct snap_bytes expression, const struct snap_given *given, struct snap_location *ret)
{
	(void)snap_machine_run(view, unit, expression, given, 0, ret); /* why not is in ret */
}

void snap_evaluate_attribute(const struct snap_view *view, struct snap_dwarf_unit *unit,
	const struct snap_attr *attr, const struct snap_given *given, struct snap_location *ret)
{
	struct snap_bytes block;
	struct snap_piece piece = {.kind = SNAP_PIECE_NOTHING, .bits = SNAP_BITS_OPTIMIZED_OUT};
	if (snap_attr_is_there(attr)) {
		switch (snap_dwarf_location(
			unit, attr, view->vaddr, &view->views->left.list_bytes, &block)) {
		case SNAP_LOCATION_FOUND:
			snap_evaluate_location(view, unit, block, given, ret);
			return;
		case SNAP_LOCATION_NONE:
			break;
		case SNAP_LOCATION_UNREADABLE:
			piece.bits = SNAP_BITS_ERROR;
			piece.why = "malformed location";
			break;
		}
	}
	ret->is_whole = true;
	ret->num_pieces = 1;
	ret->pieces[0] = piece;
}

bool snap_evaluate_number(const struct snap_view *view, struct snap_dwarf_unit *unit,
	struct snap_bytes expression, const struct snap_given *given, uint64_t *ret,
	struct snap_piece *ret_lack)
{
	struct snap_location location;
	bool found = snap_machine_run(view, unit, expression, given, 0, &location);
	const struct snap_piece *piece = &location.pieces[0];
	if (found && location.is_whole && piece->kind == SNAP_PIECE_MEMORY) {
		*ret = piece->address;
		return true;
	}
	if (found && location.is_whole && piece->kind == SNAP_PIECE_VALUE) {
		*ret = snap_arch_load(view->arch, piece->value, (unsigned int)piece->value_len);
		return true;
	}
	if (ret_lack)
		*ret_lack = found ? (struct snap_piece){.kind = SNAP_PIECE_NOTHING,
					    .bits = SNAP_BITS_ERROR,
					    .why = "a location that is not supported"}
				  : *piece;
	return false;
}

uint64_t snap_subject_nowhere(const struct snap_view *view)
{
	uint64_t last = snap_arch_word(view->arch) == 4 ? UINT32_MAX : UINT64_MAX;
	return last - SNAP_SUBJECT_MAX_LEN + 1;
}
