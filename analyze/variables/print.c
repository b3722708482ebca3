#include "analyze/variables/printer.h"

#include <dwarf.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* Of a value that is not all in memory. */
#define MAX_COPY SNAP_SUBJECT_MAX_LEN

/* ---------------------------------------------------------------- bytes */

enum snap_bits snap_printer_peek(struct snap_printer *p, const struct snap_source *source,
	uint64_t off, uint8_t *buf, size_t len)
{
	if (source->in_memory)
		return snap_view_read(p->view, source->addr + off, buf, len) == len
			       ? SNAP_BITS_KNOWN
			       : SNAP_BITS_NOT_CAPTURED;
	if (off > source->len || len > source->len - off)
		return SNAP_BITS_ERROR;
	enum snap_bits worst = SNAP_BITS_KNOWN;
	for (size_t i = 0; i < len; i++) {
		if (source->states[off + i] > worst)
			worst = source->states[off + i];
		buf[i] = source->bytes[off + i];
	}
	return worst;
}

void snap_printer_lack(
	struct snap_printer *p, enum snap_bits bits, const struct snap_source *source, uint64_t off)
{
	p->counts.num[bits]++;
	switch (bits) {
	case SNAP_BITS_KNOWN:
		break;
	case SNAP_BITS_OPTIMIZED_OUT:
		snap_text_add(p->text, "<optimized out>");
		break;
	case SNAP_BITS_NOT_CAPTURED:
		if (source->in_memory)
			snap_text_addf(
				p->text, "<not captured: 0x%" PRIx64 ">", source->addr + off);
		else if (source->why)
			snap_text_addf(p->text, "<not captured: %s>", source->why);
		else
			snap_text_add(p->text, "<not captured>");
		break;
	case SNAP_BITS_ERROR:
		snap_text_addf(p->text, "<%s>", source->why ? source->why : "malformed");
		break;
	}
}

bool snap_printer_take(struct snap_printer *p, const struct snap_source *source, uint64_t off,
	uint8_t *buf, size_t len)
{
	enum snap_bits bits = snap_printer_peek(p, source, off, buf, len);
	if (bits == SNAP_BITS_KNOWN) {
		p->counts.num[SNAP_BITS_KNOWN]++;
		return true;
	}
	snap_printer_lack(p, bits, source, off);
	return false;
}

bool snap_printer_take_word(struct snap_printer *p, const struct snap_source *source, uint64_t off,
	unsigned int size, uint64_t *ret)
{
	uint8_t bytes[8];
	if (!snap_printer_take(p, source, off, bytes, size))
		return false;
	uint64_t v = 0;
	for (unsigned int i = 0; i < size; i++)
		v = v << 8 | bytes[snap_printer_is_big(p) ? i : size - 1 - i];
	*ret = v;
	return true;
}

/* ---------------------------------------------------------------- any type */

void snap_print_type(struct snap_printer *p, struct snap_die die, const struct snap_source *source,
	uint64_t off, int depth)
{
	struct snap_type type;
	uint64_t value, size;
	snap_type_read(p->view, die, &type);
	if (p->text->is_cut)
		return;
	switch (type.tag) {
	case DW_TAG_base_type:
		snap_print_base(p, &type, source, off);
		break;
	case DW_TAG_pointer_type:
		snap_print_pointer(p, &type, source, off);
		break;
	case DW_TAG_reference_type:
	case DW_TAG_rvalue_reference_type:
		snap_print_reference(p, &type, source, off, depth);
		break;
	case DW_TAG_ptr_to_member_type:
		snap_print_member_pointer(p, &type, source, off);
		break;
	case DW_TAG_enumeration_type:
		size = snap_type_size(p->view, &type);
		if (size == 0 || size > 8) {
			p->counts.num[SNAP_BITS_ERROR]++;
			snap_text_add(p->text, "<incomplete type>");
		} else if (snap_printer_take_word(p, source, off, (unsigned int)size, &value)) {
			snap_print_enum(p, &type, value, (unsigned int)(8 * size));
		}
		break;
	case DW_TAG_array_type:
		snap_print_array(p, &type, source, off, depth);
		break;
	case DW_TAG_string_type:
		snap_print_string(p, &type, source, off);
		break;
	case DW_TAG_structure_type:
	case DW_TAG_class_type:
	case DW_TAG_union_type:
	case DW_TAG_interface_type:
		if (!snap_print_container(p, &type, source, off, depth))
			snap_print_structure(p, &type, source, off, depth);
		break;
	case DW_TAG_subroutine_type:
		p->counts.num[SNAP_BITS_KNOWN]++;
		snap_text_addf(p->text, "0x%" PRIx64, source->addr + off);
		snap_print_symbol(p, source->addr + off);
		break;
	case DW_TAG_unspecified_type:
		if (snap_printer_take_word(p, source, off, snap_arch_word(p->view->arch), &value))
			snap_text_addf(p->text, "0x%" PRIx64, value);
		break;
	default:
		p->counts.num[SNAP_BITS_ERROR]++;
		snap_text_add(p->text, "<a type that is not known>");
	}
}

/* ---------------------------------------------------------------- pieces */

/* Bits [from, from + num) of one piece to bits [to, ..) of the value: little-endian machines, or
 * whole bytes. */
static bool copy_bits(uint8_t *to, uint64_t to_bit, const uint8_t *from, uint64_t from_bit,
	uint64_t num, bool big)
{
	if ((to_bit | from_bit | num) % 8 == 0) {
		memcpy(to + to_bit / 8, from + from_bit / 8, (size_t)(num / 8));
		return true;
	}
	if (big)
		return false;
	for (uint64_t i = 0; i < num; i++) {
		uint64_t t = to_bit + i, f = from_bit + i;
		uint8_t bit = from[f / 8] >> (f % 8) & 1u;
		to[t / 8] =
			(uint8_t)((to[t / 8] & ~(1u << (t % 8))) | (unsigned int)bit << (t % 8));
	}
	return true;
}

/* The bytes of a piece into buf[0 .. len). */
static enum snap_bits piece_bytes(struct snap_printer *p, const struct snap_piece *piece,
	uint8_t *buf, size_t len, size_t *ret_have, struct snap_source *source)
{
	uint8_t reg[SNAP_VIEW_MAX_REGISTER];
	size_t have = 0;
	const uint8_t *from = NULL;
	*ret_have = len;
	switch (piece->kind) {
	case SNAP_PIECE_MEMORY:
		have = snap_view_read(p->view, piece->address, buf, len);
		return have == len ? SNAP_BITS_KNOWN : SNAP_BITS_NOT_CAPTURED;
	case SNAP_PIECE_REGISTER:
		have = snap_view_register(p->view, piece->number, reg);
		from = reg;
		if (have == 0) {
			source->why = "in a register that is not known";
			return SNAP_BITS_NOT_CAPTURED;
		}
		if (len > have) {
			source->why = "larger than its register";
			return SNAP_BITS_ERROR;
		}
		break;
	case SNAP_PIECE_VALUE:
		from = piece->value;
		have = piece->value_len;
		if (len > have) {
			memset(buf, 0, len);
			source->why = "larger than its value";
			return SNAP_BITS_ERROR;
		}
		break;
	case SNAP_PIECE_BYTES:
		/* Padding is left out. */
		*ret_have = piece->bytes.len < len ? piece->bytes.len : len;
		if (*ret_have > 0)
			memcpy(buf, piece->bytes.data, *ret_have);
		return SNAP_BITS_KNOWN;
	case SNAP_PIECE_POINTER:
		return SNAP_BITS_OPTIMIZED_OUT;
	case SNAP_PIECE_NOTHING:
		source->why = piece->why;
		return piece->bits;
	}
	if (!from)
		return SNAP_BITS_ERROR;
	/* The low bytes are what counts. */
	memcpy(buf, snap_printer_is_big(p) ? from + have - len : from, len);
	return SNAP_BITS_KNOWN;
}

static void gather(struct snap_printer *p, const struct snap_location *location,
	struct snap_source *source, uint8_t *bytes, uint8_t *states)
{
	uint64_t at = 0, all = 8 * source->len;
	memset(states, SNAP_BITS_OPTIMIZED_OUT, (size_t)source->len);
	for (size_t i = 0; i < location->num_pieces && at < all; i++) {
		const struct snap_piece *piece = &location->pieces[i];
		uint64_t num = location->is_whole ? all : piece->num_bits;
		if (num > all - at)
			num = all - at;
		uint8_t *buf = calloc(1, (size_t)((num + piece->bit_off) / 8 + 2));
		if (!buf)
			return;
		size_t len = (size_t)((num + piece->bit_off + 7) / 8), have;
		enum snap_bits bits = len > MAX_COPY
					      ? SNAP_BITS_ERROR
					      : piece_bytes(p, piece, buf, len, &have, source);
		if (bits == SNAP_BITS_KNOWN &&
			!copy_bits(bytes, at, buf, piece->bit_off, num, snap_printer_is_big(p)))
			bits = SNAP_BITS_ERROR;
		free(buf);
		/* Of some, only the beginning is known. */
		if (bits == SNAP_BITS_KNOWN && have < len && piece->bit_off == 0 && num > 8 * have)
			num = 8 * have;
		for (uint64_t j = at / 8; num > 0 && j <= (at + num - 1) / 8; j++)
			if (at % 8 == 0 || j > at / 8 || bits > states[j])
				states[j] = (uint8_t)bits;
		at += num;
	}
}

/* Of what is not all in memory; 0: not known, or too many. */
static uint64_t size_of_pieces(const struct snap_view *view, const struct snap_type *type,
	const struct snap_location *location)
{
	struct snap_shape shape;
	uint64_t size = snap_type_size(view, type), bits = 0;
	/* How long a descriptor is, its type does not say. */
	if (size == 0 && type->tag == DW_TAG_array_type && !location->is_whole) {
		snap_shape_read(view, type, NULL, &shape);
		for (size_t i = 0; shape.is_elsewhere && i < location->num_pieces; i++)
			bits += location->pieces[i].num_bits;
		size = bits / 8;
	}
	return size <= MAX_COPY ? size : 0;
}

void snap_print_value(const struct snap_view *view, struct snap_die type_die,
	const struct snap_location *location, struct snap_text *text,
	struct snap_print_counts *ret_counts)
{
	struct snap_printer p = {.view = view, .text = text};
	struct snap_source source = {0};
	struct snap_type type;
	const struct snap_piece *first = &location->pieces[0];
	snap_type_read(view, type_die, &type);
	if (location->is_whole && first->kind == SNAP_PIECE_MEMORY) {
		source = (struct snap_source){.in_memory = true, .addr = first->address};
		snap_print_type(&p, type_die, &source, 0, 0);
	} else if (location->is_whole && first->kind == SNAP_PIECE_NOTHING) {
		source.why = first->why;
		if (first->has_address) {
			source.in_memory = true;
			source.addr = first->address;
		}
		snap_printer_lack(&p, first->bits, &source, 0);
	} else {
		uint64_t size = size_of_pieces(view, &type, location);
		uint8_t *bytes = size > 0 ? calloc(2, (size_t)size) : NULL;
		if (!bytes) {
			source.why = "of a size that is not known, or too large";
			snap_printer_lack(&p, SNAP_BITS_ERROR, &source, 0);
		} else {
			source.bytes = bytes;
			source.states = bytes + size;
			source.len = size;
			if (location->is_whole && first->kind == SNAP_PIECE_POINTER)
				source.pointer = first;
			gather(&p, location, &source, bytes, bytes + size);
			snap_print_type(&p, type_die, &source, 0, 0);
		}
		free(bytes);
	}
	*ret_counts = p.counts;
}
