#include "analyze/variables/machine.h"

#include <dwarf.h>
#include <elf.h>

#include "analyze/dwarf/locations.h"

/* ---------------------------------------------------------------- failures */

void snap_machine_fail(struct snap_machine *m, enum snap_bits bits, const char *why)
{
	if (m->failed)
		return;
	m->failed = true;
	m->failure = (struct snap_piece){.kind = SNAP_PIECE_NOTHING, .bits = bits, .why = why};
}

void snap_machine_malformed(struct snap_machine *m)
{
	snap_machine_fail(m, SNAP_BITS_ERROR, "malformed location");
}

static void lacks_memory(struct snap_machine *m, uint64_t addr)
{
	if (m->failed)
		return;
	snap_machine_fail(m, SNAP_BITS_NOT_CAPTURED, NULL);
	m->failure.address = addr;
	m->failure.has_address = true;
}

static void lacks_register(struct snap_machine *m)
{
	snap_machine_fail(m, SNAP_BITS_NOT_CAPTURED, "in a register that is not known");
}

/* ---------------------------------------------------------------- the stack */

static void look_at_stack(struct snap_machine *m)
{
	if (m->stack.failed)
		snap_machine_malformed(m);
}

void snap_machine_push(struct snap_machine *m, uint64_t bits)
{
	snap_dwarf_push(&m->stack, bits);
	look_at_stack(m);
}

void snap_machine_push_value(struct snap_machine *m, struct snap_dwarf_value value)
{
	snap_dwarf_push_value(&m->stack, value);
	look_at_stack(m);
}

uint64_t snap_machine_pop(struct snap_machine *m)
{
	return snap_machine_pop_value(m).bits;
}

struct snap_dwarf_value snap_machine_pop_value(struct snap_machine *m)
{
	struct snap_dwarf_value value = snap_dwarf_pop_value(&m->stack);
	look_at_stack(m);
	return value;
}

/* ---------------------------------------------------------------- registers and memory */

/* The low bytes of a register's size bytes, as a number. */
bool snap_machine_read_register(
	struct snap_machine *m, uint64_t number, unsigned int size, uint64_t *ret)
{
	uint8_t bytes[SNAP_VIEW_MAX_REGISTER];
	size_t len = snap_view_register(m->view, number, bytes);
	if (len == 0 || size > 8) {
		lacks_register(m);
		return false;
	}
	if (size > len)
		size = (unsigned int)len;
	bool is_big = m->view->arch->elf_data == ELFDATA2MSB;
	*ret = snap_arch_load(m->view->arch, is_big ? bytes + len - size : bytes, size);
	return true;
}

void snap_machine_push_register(struct snap_machine *m, uint64_t number, int64_t offset)
{
	uint64_t value;
	if (snap_machine_read_register(m, number, snap_machine_word(m), &value))
		snap_machine_push(m, value + (uint64_t)offset);
}

/* Of an object that is in no memory; false if that is not what the address is of. */
static bool read_subject(
	struct snap_machine *m, uint64_t addr, unsigned int size, uint8_t bytes[8], bool *ret_known)
{
	const struct snap_subject *subject = m->subject;
	uint64_t off = subject ? addr - subject->addr : 0;
	if (!subject || !subject->bytes || off >= subject->len)
		return false;
	*ret_known = false;
	if (size > subject->len - off) {
		snap_machine_malformed(m);
		return true;
	}
	enum snap_bits worst = SNAP_BITS_KNOWN;
	for (unsigned int i = 0; i < size; i++) {
		bytes[i] = subject->bytes[off + i];
		if (subject->states[off + i] > worst)
			worst = subject->states[off + i];
	}
	if (worst != SNAP_BITS_KNOWN)
		snap_machine_fail(m, worst, NULL);
	*ret_known = worst == SNAP_BITS_KNOWN;
	return true;
}

bool snap_machine_read_memory(
	struct snap_machine *m, uint64_t addr, unsigned int size, uint64_t *ret)
{
	uint8_t bytes[8];
	bool is_known = true;
	if (size != 1 && size != 2 && size != 4 && size != 8) {
		/* 3, 5, 6 and 7 are DW_OP_deref_size's. */
		uint64_t v = 0;
		if (size == 0 || size > 8) {
			snap_machine_malformed(m);
			return false;
		}
		if (!read_subject(m, addr, size, bytes, &is_known) &&
			snap_view_read(m->view, addr, bytes, size) < size) {
			lacks_memory(m, addr);
			return false;
		}
		if (!is_known)
			return false;
		bool is_big = m->view->arch->elf_data == ELFDATA2MSB;
		for (unsigned int i = 0; i < size; i++)
			v = v << 8 | bytes[is_big ? i : size - 1 - i];
		*ret = v;
		return true;
	}
	if (!read_subject(m, addr, size, bytes, &is_known) &&
		snap_view_read(m->view, addr, bytes, size) < size) {
		lacks_memory(m, addr);
		return false;
	}
	if (!is_known)
		return false;
	*ret = snap_arch_load(m->view->arch, bytes, size);
	return true;
}

void snap_machine_push_frame_base(struct snap_machine *m, int64_t offset)
{
	static const uint16_t names[] = {DW_AT_frame_base};
	struct snap_attr attr;
	struct snap_bytes block;
	struct snap_location location;
	struct snap_dwarf_unit *unit = m->view->function.unit;
	if (!snap_view_attrs(m->view, m->view->function, names, &attr, 1) ||
		snap_dwarf_location(unit, &attr, m->view->vaddr, &m->view->views->left.list_bytes,
			&block) != SNAP_LOCATION_FOUND) {
		snap_machine_fail(m, SNAP_BITS_OPTIMIZED_OUT, NULL);
		return;
	}
	if (!snap_machine_run(m->view, unit, block, NULL, m->nesting + 1, &location) ||
		!location.is_whole) {
		if (location.pieces[0].kind == SNAP_PIECE_NOTHING && !m->failed) {
			m->failed = true;
			m->failure = location.pieces[0];
		}
		snap_machine_malformed(m);
		return;
	}
	const struct snap_piece *piece = &location.pieces[0];
	if (piece->kind == SNAP_PIECE_MEMORY)
		snap_machine_push(m, piece->address + (uint64_t)offset);
	else if (piece->kind == SNAP_PIECE_REGISTER)
		snap_machine_push_register(m, piece->number, offset);
	else if (piece->kind == SNAP_PIECE_VALUE && piece->value_len == snap_machine_word(m))
		snap_machine_push(
			m, snap_arch_load(m->view->arch, piece->value, snap_machine_word(m)) +
				   (uint64_t)offset);
	else
		snap_machine_malformed(m);
}

/* ---------------------------------------------------------------- types */

/* The base type at an offset in the unit; 0 is the generic one. */
bool snap_machine_base_type(
	struct snap_machine *m, uint64_t off, enum snap_dwarf_kind *ret_kind, uint8_t *ret_size)
{
	static const uint16_t names[] = {DW_AT_encoding, DW_AT_byte_size};
	struct snap_attr attrs[2];
	uint64_t encoding, size;
	*ret_kind = SNAP_DWARF_GENERIC;
	*ret_size = (uint8_t)snap_machine_word(m);
	if (off == 0)
		return true;
	struct snap_die die = {m->unit, m->unit->off + off};
	const struct snap_abbrev *abbrev = off < m->unit->end - m->unit->off
						   ? snap_view_attrs(m->view, die, names, attrs, 2)
						   : NULL;
	if (!abbrev || abbrev->tag != DW_TAG_base_type ||
		!snap_attr_unsigned(&attrs[0], &encoding) ||
		!snap_attr_unsigned(&attrs[1], &size)) {
		snap_machine_malformed(m);
		return false;
	}
	*ret_kind = encoding == DW_ATE_float ? SNAP_DWARF_FLOAT
		    : encoding == DW_ATE_signed || encoding == DW_ATE_signed_char
			    ? SNAP_DWARF_SIGNED
			    : SNAP_DWARF_UNSIGNED;
	*ret_size = (uint8_t)size;
	if (size == 1 || size == 2 || size == 4 || size == 8)
		return true;
	snap_machine_fail(m, SNAP_BITS_ERROR, "a value of a type that is not supported");
	return false;
}
