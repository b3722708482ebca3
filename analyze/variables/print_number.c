#include "analyze/variables/printer.h"

#include <dwarf.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "analyze/dwarf/children.h"
#include "analyze/dwarf/names.h"

/* ---------------------------------------------------------------- numbers */

void snap_print_integer(
	struct snap_printer *p, const struct snap_type *type, uint64_t value, unsigned int bits)
{
	bool is_signed = type->encoding == DW_ATE_signed || type->encoding == DW_ATE_signed_char;
	int64_t extended =
		bits < 64 ? (int64_t)(value << (64 - bits)) >> (64 - bits) : (int64_t)value;
	/* Rust's; C++'s have names of their own. */
	static const struct snap_character of_rust = {4, "", ""};
	if (type->encoding == DW_ATE_boolean && value <= 1) {
		snap_text_add(p->text, value ? "true" : "false");
		return;
	}
	if (is_signed)
		snap_text_addf(p->text, "%" PRId64, extended);
	else
		snap_text_addf(p->text, "%" PRIu64, value);
	const struct snap_character *character = snap_type_character(type);
	if (!character && type->encoding == DW_ATE_UTF && type->size == 4)
		character = &of_rust;
	if (!character)
		return;
	snap_text_addf(p->text, " %s'", character->prefix);
	snap_print_character(p, character, (uint32_t)value, '\'');
	snap_text_add(p->text, "'");
}

/* IEEE 754's binary16. */
static double half(uint16_t v)
{
	int exponent = v >> 10 & 31;
	double fraction = v & 1023, sign = v & 0x8000 ? -1 : 1;
	if (exponent == 0)
		return sign * ldexp(fraction, -24);
	if (exponent == 31)
		return fraction != 0 ? NAN : sign * INFINITY;
	return sign * ldexp(fraction + 1024, exponent - 25);
}

static void print_double(
	struct snap_printer *p, double d, uint64_t payload, bool is_negative, const char *format)
{
	char buf[64];
	if (isnan(d)) {
		snap_text_addf(p->text, "%snan(0x%" PRIx64 ")", is_negative ? "-" : "", payload);
		return;
	}
	if (isinf(d)) {
		snap_text_add(p->text, d < 0 ? "-inf" : "inf");
		return;
	}
	(void)snprintf(buf, sizeof(buf),
		format[0] == 'f'   ? "%.9g"
		: format[0] == 'h' ? "%.5g"
				   : "%.17g",
		d);
	snap_text_add(p->text, buf);
}

/*
 * What x86's compilers call a number of IEEE 754's binary128; all others of 16 bytes are x87's. As
 * gdb has it: i386_floatformat_for_type(), gdb/i386-tdep.c.
 */
static bool is_quad(const struct snap_type *type)
{
	static const char *const names[] = {"__float128", "_Float128", "_Complex _Float128",
		"complex _Float128", "_Complex __float128", "complex __float128", "real(kind=16)",
		"complex(kind=16)", "real*16", "complex*32", "f128"};
	for (size_t i = 0; type->name && i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(type->name, names[i]) == 0)
			return true;
	return false;
}

#if defined(__x86_64__) || defined(__i386__)
/* To what a long double can hold of it. */
static long double quad(uint64_t high, uint64_t low)
{
	const uint64_t one = UINT64_C(1) << 48;
	int exponent = high >> 48 & 0x7fff;
	long double sign = high >> 63 ? -1 : 1;
	uint64_t top = high & (one - 1);
	if (exponent == 0x7fff)
		return top || low ? NAN : sign * INFINITY;
	top |= exponent ? one : 0;
	exponent += exponent ? 0 : 1;
	return sign * (ldexpl((long double)top, exponent - 16383 - 48) +
			      ldexpl((long double)low, exponent - 16383 - 112));
}
#endif

static void print_float(struct snap_printer *p, const struct snap_type *type,
	const struct snap_source *source, uint64_t off, uint64_t size)
{
	uint64_t bits;
	float f;
	double d;
	if (size == 4 && snap_printer_take_word(p, source, off, 4, &bits)) {
		uint32_t low = (uint32_t)bits;
		memcpy(&f, &low, sizeof(f));
		print_double(p, (double)f, bits & 0x7fffff, bits >> 31, "f");
	} else if (size == 8 && snap_printer_take_word(p, source, off, 8, &bits)) {
		memcpy(&d, &bits, sizeof(d));
		print_double(p, d, bits & ((UINT64_C(1) << 52) - 1), bits >> 63, "d");
	} else if (size == 2 && snap_printer_take_word(p, source, off, 2, &bits)) {
		print_double(p, half((uint16_t)bits), bits & 0x3ff, bits >> 15 & 1, "h");
	} else if (size != 2 && size != 4 && size != 8) {
		uint8_t bytes[16];
		size_t len = size > sizeof(bytes) ? sizeof(bytes) : (size_t)size;
		/* x87's has ten bytes, whatever its padding. */
		bool is_ieee = len == 16 && is_quad(type);
		bool is_x87 = (p->view->arch->elf_machine == EM_X86_64 ||
				      p->view->arch->elf_machine == EM_386) &&
			      len >= 10 && !is_ieee;
		if (!snap_printer_take(p, source, off, bytes, is_x87 ? 10 : len))
			return;
#if defined(__x86_64__) || defined(__i386__)
		if (is_x87 || is_ieee) {
			char buf[64];
			long double ld = 0;
			if (is_x87)
				memcpy(&ld, bytes, 10);
			else
				ld = quad(snap_arch_load(p->view->arch, bytes + 8, 8),
					snap_arch_load(p->view->arch, bytes, 8));
			(void)snprintf(buf, sizeof(buf), "%.18Lg", ld);
			snap_text_add(p->text, buf);
			return;
		}
#endif
		snap_text_add(p->text, "0x");
		for (size_t i = 0; i < len; i++)
			snap_text_addf(
				p->text, "%02x", bytes[snap_printer_is_big(p) ? i : len - 1 - i]);
	}
}

static void print_wide_integer(struct snap_printer *p, const struct snap_type *type,
	const struct snap_source *source, uint64_t off)
{
	uint8_t bytes[16];
	unsigned __int128 v = 0;
	char digits[48];
	size_t at = sizeof(digits) - 1;
	if (!snap_printer_take(p, source, off, bytes, sizeof(bytes)))
		return;
	for (size_t i = 0; i < sizeof(bytes); i++)
		v = v << 8 | bytes[snap_printer_is_big(p) ? i : sizeof(bytes) - 1 - i];
	bool is_negative = type->encoding == DW_ATE_signed && v >> 127;
	if (is_negative)
		v = -v;
	digits[at] = '\0';
	do {
		digits[--at] = (char)('0' + (int)(v % 10));
		v /= 10;
	} while (v > 0);
	snap_text_addf(p->text, "%s%s", is_negative ? "-" : "", digits + at);
}

void snap_print_base(struct snap_printer *p, const struct snap_type *type,
	const struct snap_source *source, uint64_t off)
{
	uint64_t value;
	switch (type->encoding) {
	case DW_ATE_float:
	case DW_ATE_imaginary_float:
		print_float(p, type, source, off, type->size);
		return;
	case DW_ATE_complex_float:
		print_float(p, type, source, off, type->size / 2);
		snap_text_add(p->text, " + ");
		print_float(p, type, source, off + type->size / 2, type->size / 2);
		snap_text_add(p->text, "i");
		return;
	}
	if (type->size == 0 && type->name && strcmp(type->name, "()") == 0) {
		p->counts.num[SNAP_BITS_KNOWN]++;
		snap_text_add(p->text, "()"); /* Rust's type of one value */
	} else if (type->size == 16) {
		print_wide_integer(p, type, source, off);
	} else if (type->size == 0 || type->size > 8) {
		p->counts.num[SNAP_BITS_ERROR]++;
		snap_text_add(p->text, "<a type that is not supported>");
	} else if (snap_printer_take_word(p, source, off, (unsigned int)type->size, &value)) {
		snap_print_integer(p, type, value, (unsigned int)(8 * type->size));
	}
}

/* ---------------------------------------------------------------- enumerations */

#define MAX_ENUMERATORS 4096

/* With the scopes that it stands in, that of its own enumeration included if it needs that. */
static void print_enumerator(struct snap_printer *p, const struct snap_type *type, const char *name)
{
	static const uint16_t names[] = {DW_AT_enum_class};
	struct snap_attr attr;
	char buf[512], own[256];
	bool is_class =
		snap_view_attrs(p->view, type->die, names, &attr, 1) && snap_attr_flag(&attr);
	(void)snprintf(own, sizeof(own), "%s%s%s", is_class && type->name ? type->name : "",
		is_class && type->name ? "::" : "", name);
	if (snap_dwarf_unit_has_scopes(type->die.unit) &&
		snap_dwarf_qualify(type->die, own, buf, sizeof(buf)))
		snap_text_add(p->text, buf);
	else
		snap_text_add(p->text, own);
}

static bool enumerator(struct snap_printer *p, struct snap_die die, unsigned int bits,
	const char **ret_name, uint64_t *ret_value)
{
	static const uint16_t names[] = {DW_AT_name, DW_AT_const_value};
	struct snap_attr attrs[2];
	if (!snap_view_attrs(p->view, die, names, attrs, 2))
		return false;
	*ret_name = snap_attr_string(die.unit, &attrs[0]);
	*ret_value = bits < 64 ? attrs[1].value & ((UINT64_C(1) << bits) - 1) : attrs[1].value;
	return *ret_name != NULL;
}

/* Whether each enumerator is one bit, or some that no other has. */
static void print_flags(
	struct snap_printer *p, const struct snap_type *type, uint64_t value, unsigned int bits)
{
	struct snap_children children;
	struct snap_child child;
	const char *name;
	uint64_t flag;
	bool any = false;
	snap_children_begin(&children, type->die, &p->view->views->left.entries);
	snap_text_add(p->text, "(");
	while (snap_children_next(&children, &child)) {
		if (child.abbrev->tag != DW_TAG_enumerator ||
			!enumerator(p, child.die, bits, &name, &flag) || (value & flag) == 0)
			continue;
		snap_text_add(p->text, any ? " | " : "");
		print_enumerator(p, type, name);
		value &= ~flag;
		any = true;
	}
	if (value != 0)
		snap_text_addf(p->text, "%sunknown: 0x%" PRIx64, any ? " | " : "", value);
	snap_text_add(p->text, ")");
}

void snap_print_enum(
	struct snap_printer *p, const struct snap_type *type, uint64_t value, unsigned int bits)
{
	struct snap_children children;
	struct snap_child child;
	struct snap_type target;
	uint64_t mask = 0, known;
	bool are_flags = true;
	const char *name;
	unsigned int num = 0;
	snap_type_read(p->view, type->target, &target);
	bool is_signed = target.encoding == DW_ATE_signed || target.encoding == DW_ATE_signed_char;
	unsigned int full = (unsigned int)(8 * snap_type_size(p->view, type));
	if (is_signed && bits < 64 && value >> (bits - 1) & 1)
		value |= ~UINT64_C(0) << bits;
	if (full < 64)
		value &= (UINT64_C(1) << full) - 1;
	snap_children_begin(&children, type->die, &p->view->views->left.entries);
	while (num < MAX_ENUMERATORS && snap_children_next(&children, &child)) {
		if (child.abbrev->tag != DW_TAG_enumerator ||
			!enumerator(p, child.die, full, &name, &known))
			continue;
		if (known == value) {
			print_enumerator(p, type, name);
			return;
		}
		num++;
		are_flags &= (known & mask) == 0 && __builtin_popcountll(known) <= 1;
		mask |= known;
		if (is_signed && full > 0 && known >> (full - 1) & 1)
			are_flags = false;
	}
	if (are_flags && num > 0 && num < MAX_ENUMERATORS) {
		if (value == 0)
			snap_text_add(p->text, "0");
		else
			print_flags(p, type, value, full);
	} else if (is_signed && full < 64 && full > 0) {
		snap_text_addf(p->text, "%" PRId64, (int64_t)(value << (64 - full)) >> (64 - full));
	} else if (is_signed) {
		snap_text_addf(p->text, "%" PRId64, (int64_t)value);
	} else {
		snap_text_addf(p->text, "%" PRIu64, value);
	}
}
