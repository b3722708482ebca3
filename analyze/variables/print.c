#include "analyze/variables/print.h"

#include <dwarf.h>
#include <elf.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/dwarf/children.h"
#include "analyze/dwarf/names.h"
#include "analyze/symbols/demangle.h"
#include "analyze/symbols/object.h"
#include "analyze/variables/types.h"
#include "common/escape.h"

/* Structures in structures and arrays in arrays. */
#define MAX_DEPTH 8
/* What is listed of an array or a string; runs of equal elements count as REPEATS. */
#define MAX_ELEMENTS 200
#define REPEATS	     10
/* What is looked at for such runs. */
#define MAX_LOOKED_AT 65536
/* Members of one structure. */
#define MAX_MEMBERS 256
#define MAX_VIRTUAL_BASES 64
/* Of a value that is not all in memory. */
#define MAX_COPY 65536

/* Where the bytes of a value come from. */
struct source {
	bool in_memory;
	uint64_t addr;
	/* Else: */
	const uint8_t *bytes, *states; /* each an enum snap_bits */
	uint64_t len;
	const char *why; /* of those that are not known */
	const struct snap_piece *pointer; /* all of it points to what is nowhere; NULL */
};

struct printer {
	const struct snap_view *view;
	struct snap_text *text;
	struct snap_print_counts counts;
	/* Addresses, or types, of virtual bases that stand there already. */
	uint64_t virtual_bases[MAX_VIRTUAL_BASES];
	size_t num_virtual_bases;
};

static void print_type(
	struct printer *p, struct snap_die die, const struct source *source, uint64_t off, int depth);

static bool is_big(const struct printer *p)
{
	return p->view->arch->elf_data == ELFDATA2MSB;
}

/* ---------------------------------------------------------------- bytes */

/* len bytes at off; their state is that of the worst of them. */
static enum snap_bits peek(struct printer *p, const struct source *source, uint64_t off,
	uint8_t *buf, size_t len)
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

/* What stands for bits that are not known; where: an address, if they have one. */
static void print_lack(struct printer *p, enum snap_bits bits, const struct source *source,
	uint64_t off)
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
			snap_text_addf(p->text, "<not captured: 0x%" PRIx64 ">", source->addr + off);
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

/* False, and a word why not, if they are not all known. */
static bool take(struct printer *p, const struct source *source, uint64_t off, uint8_t *buf,
	size_t len)
{
	enum snap_bits bits = peek(p, source, off, buf, len);
	if (bits == SNAP_BITS_KNOWN) {
		p->counts.num[SNAP_BITS_KNOWN]++;
		return true;
	}
	print_lack(p, bits, source, off);
	return false;
}

static bool take_word(struct printer *p, const struct source *source, uint64_t off,
	unsigned int size, uint64_t *ret)
{
	uint8_t bytes[8];
	if (!take(p, source, off, bytes, size))
		return false;
	uint64_t v = 0;
	for (unsigned int i = 0; i < size; i++)
		v = v << 8 | bytes[is_big(p) ? i : size - 1 - i];
	*ret = v;
	return true;
}

/* ---------------------------------------------------------------- characters */

/* One character within quotes, as C has it. */
static void print_escaped(struct printer *p, uint32_t c, char quote)
{
	static const char from[] = "\a\b\t\n\v\f\r", to[] = "abtnvfr";
	const char *found = c > 0 && c < 128 ? strchr(from, (int)c) : NULL;
	if (c == (unsigned char)quote || c == '\\')
		snap_text_addf(p->text, "\\%c", (char)c);
	else if (found)
		snap_text_addf(p->text, "\\%c", to[found - from]);
	else if (c >= 0x20 && c < 0x7f)
		snap_text_addf(p->text, "%c", (char)c);
	else
		snap_text_addf(p->text, c > 255 ? "\\x%x" : "\\%03o", c);
}

/* What gdb makes of runs: "ab", 'c' <repeats 20 times>, "d". */
static void print_characters(struct printer *p, const uint8_t *bytes, size_t len, bool goes_on)
{
	bool in_quotes = false, any = false;
	for (size_t i = 0; i < len && !p->text->is_cut;) {
		size_t run = 1;
		while (i + run < len && bytes[i + run] == bytes[i])
			run++;
		if (run > REPEATS) {
			snap_text_add(p->text, in_quotes ? "\", '" : any ? ", '" : "'");
			print_escaped(p, bytes[i], '\'');
			snap_text_addf(p->text, "' <repeats %zu times>", run);
			in_quotes = false;
			i += run;
		} else {
			if (!in_quotes)
				snap_text_add(p->text, any ? ", \"" : "\"");
			in_quotes = true;
			/* A digit behind an octal number is no part of it: that has three. */
			print_escaped(p, bytes[i++], '"');
		}
		any = true;
	}
	snap_text_add(p->text, in_quotes ? "\"" : any ? "" : "\"\"");
	if (goes_on)
		snap_text_add(p->text, "...");
}

static void print_string_at(struct printer *p, uint64_t addr)
{
	uint8_t bytes[MAX_ELEMENTS + 1];
	size_t len = snap_view_read(p->view, addr, bytes, sizeof(bytes));
	const uint8_t *nul = len > 0 ? memchr(bytes, '\0', len) : NULL;
	if (!nul && len <= MAX_ELEMENTS)
		p->counts.num[SNAP_BITS_NOT_CAPTURED]++;
	if (len == 0) {
		snap_text_add(p->text, " <not captured>");
		return;
	}
	snap_text_add(p->text, " ");
	if (nul)
		print_characters(p, bytes, (size_t)(nul - bytes), false);
	else
		print_characters(p, bytes, len > MAX_ELEMENTS ? MAX_ELEMENTS : len, true);
	if (!nul && len <= MAX_ELEMENTS)
		snap_text_add(p->text, " <not captured further>");
}

/* ---------------------------------------------------------------- pointers */

/* " <function+4>" behind an address of code or a named object. */
static void print_symbol(struct printer *p, uint64_t addr)
{
	const struct snap_crash_module *module = snap_crash_module_at(p->view->views->crash, addr);
	char name[300];
	if (!module || !module->object || !module->record.has_load_bias)
		return;
	uint64_t start, end, vaddr = addr - module->record.load_bias;
	const char *data_name;
	if (snap_object_function(module->object, vaddr, &start, &end)) {
		size_t num;
		const struct snap_source_frame *frames =
			snap_object_find(module->object, vaddr, &num);
		if (num == 0 || !frames[num - 1].function)
			return;
		(void)snprintf(name, sizeof(name), "%s", frames[num - 1].function);
		start = frames[num - 1].start;
	} else if (snap_object_data_at(module->object, vaddr, &data_name, &start)) {
		char *demangled = snap_demangle(data_name);
		(void)snprintf(name, sizeof(name), "%s", demangled ? demangled : data_name);
		free(demangled);
	} else {
		return;
	}
	snap_text_add(p->text, " <");
	snap_text_add(p->text, name);
	if (vaddr > start)
		snap_text_addf(p->text, "+%" PRIu64, vaddr - start);
	snap_text_add(p->text, ">");
}

static void print_pointer(struct printer *p, const struct snap_type *type,
	const struct source *source, uint64_t off)
{
	uint64_t addr;
	unsigned int size = type->size == 4 ? 4 : snap_arch_word(p->view->arch);
	if (source->pointer) {
		p->counts.num[SNAP_BITS_OPTIMIZED_OUT]++;
		snap_text_add(p->text, "<synthetic pointer>");
		return;
	}
	if (!take_word(p, source, off, size, &addr))
		return;
	snap_text_addf(p->text, "0x%" PRIx64, addr);
	if (addr == 0)
		return;
	struct snap_type target;
	snap_type_read(p->view, type->target, &target);
	print_symbol(p, addr);
	if (snap_type_is_character(&target))
		print_string_at(p, addr);
}

static void print_reference(struct printer *p, const struct snap_type *type,
	const struct source *source, uint64_t off, int depth)
{
	uint64_t addr;
	if (source->pointer) {
		p->counts.num[SNAP_BITS_OPTIMIZED_OUT]++;
		snap_text_add(p->text, "<synthetic pointer>");
		return;
	}
	if (!take_word(p, source, off, snap_arch_word(p->view->arch), &addr))
		return;
	const struct source target = {.in_memory = true, .addr = addr};
	snap_text_addf(p->text, "@0x%" PRIx64, addr);
	/* Members that refer to others would lead far. */
	if (depth > 0)
		return;
	snap_text_add(p->text, ": ");
	print_type(p, type->target, &target, 0, depth + 1);
}

/* The name of a class's member at an offset, or of its virtual function of that number; false if it
 * has none. */
static bool print_member_name(struct printer *p, struct snap_die class_die, uint64_t number,
	bool is_function)
{
	static const uint16_t names[] = {DW_AT_name, DW_AT_data_member_location,
		DW_AT_vtable_elem_location, DW_AT_external};
	struct snap_children children;
	struct snap_child child;
	snap_children_begin(&children, class_die, &p->view->views->left.entries);
	while (snap_children_next(&children, &child)) {
		struct snap_attr attrs[4];
		uint64_t at = 0;
		char buf[256];
		struct snap_text class_name;
		if (child.abbrev->tag != (is_function ? DW_TAG_subprogram : DW_TAG_member) ||
			!snap_view_attrs(p->view, child.die, names, attrs, 4) ||
			(!is_function && snap_attr_flag(&attrs[3])))
			continue;
		if (is_function &&
			(!attrs[2].block.data || !snap_evaluate_number(p->view, child.die.unit,
							 attrs[2].block, NULL, &at)))
			continue;
		const char *name = snap_attr_string(child.die.unit, &attrs[0]);
		if ((!is_function && !snap_attr_unsigned(&attrs[1], &at)) || at != number || !name)
			continue;
		snap_text_init(&class_name, buf, sizeof(buf));
		snap_type_name(p->view, class_die, &class_name);
		snap_text_addf(p->text, "&%s%s::%s", is_function ? "virtual " : "", buf, name);
		return true;
	}
	return false;
}

/* The Itanium C++ ABI, section 2.3. */
static void print_member_pointer(struct printer *p, const struct snap_type *type,
	const struct source *source, uint64_t off)
{
	static const uint16_t names[] = {DW_AT_containing_type};
	struct snap_attr attr;
	struct snap_die class_die = {0};
	struct snap_type target;
	uint64_t value, adjust;
	unsigned int size = snap_arch_word(p->view->arch);
	snap_type_read(p->view, type->target, &target);
	if (snap_view_attrs(p->view, type->die, names, &attr, 1))
		(void)snap_view_reference(p->view, type->die.unit, &attr, &class_die);
	if (!take_word(p, source, off, size, &value))
		return;
	if (target.tag != DW_TAG_subroutine_type) {
		if (value == (size == 4 ? UINT32_MAX : UINT64_MAX))
			snap_text_add(p->text, "NULL");
		else if (!print_member_name(p, class_die, value, false))
			snap_text_addf(p->text, "offset %" PRIu64, value);
		return;
	}
	/* Which of the two words tells a virtual function, differs. */
	if (value & 1 && p->view->arch->elf_machine != EM_AARCH64 &&
		p->view->arch->elf_machine != EM_ARM) {
		if (!print_member_name(p, class_die, (value - 1) / size, true))
			snap_text_addf(p->text, "virtual at offset %" PRIu64, value - 1);
	} else {
		if (value == 0)
			snap_text_add(p->text, "NULL");
		else
			snap_text_addf(p->text, "0x%" PRIx64, value);
		if (value != 0)
			print_symbol(p, value);
	}
	if (take_word(p, source, off + size, size, &adjust) && adjust != 0)
		snap_text_addf(p->text, ", this adjustment %" PRId64, (int64_t)adjust);
}

/* ---------------------------------------------------------------- numbers */

static void print_integer(struct printer *p, const struct snap_type *type, uint64_t value,
	unsigned int bits)
{
	bool is_signed = type->encoding == DW_ATE_signed || type->encoding == DW_ATE_signed_char;
	int64_t extended = bits < 64 ? (int64_t)(value << (64 - bits)) >> (64 - bits)
				     : (int64_t)value;
	static const struct {
		const char *name, *prefix;
	} wide[] = {{"wchar_t", "L"}, {"char16_t", "u"}, {"char32_t", "U"}};
	if (type->encoding == DW_ATE_boolean && value <= 1) {
		snap_text_add(p->text, value ? "true" : "false");
		return;
	}
	if (is_signed)
		snap_text_addf(p->text, "%" PRId64, extended);
	else
		snap_text_addf(p->text, "%" PRIu64, value);
	const char *prefix = snap_type_is_character(type) ? "" : NULL;
	for (size_t i = 0; i < sizeof(wide) / sizeof(wide[0]); i++)
		if ((type->alias && strcmp(type->alias, wide[i].name) == 0) ||
			(type->name && strcmp(type->name, wide[i].name) == 0))
			prefix = wide[i].prefix;
	if (!prefix)
		return;
	snap_text_addf(p->text, " %s'", prefix);
	print_escaped(p, (uint32_t)value, '\'');
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

static void print_double(struct printer *p, double d, uint64_t payload, bool is_negative,
	const char *format)
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
	(void)snprintf(buf, sizeof(buf), format[0] == 'f' ? "%.9g" : format[0] == 'h' ? "%.5g" : "%.17g", d);
	snap_text_add(p->text, buf);
}

static void print_float(struct printer *p, const struct source *source, uint64_t off, uint64_t size)
{
	uint64_t bits;
	float f;
	double d;
	if (size == 4 && take_word(p, source, off, 4, &bits)) {
		uint32_t low = (uint32_t)bits;
		memcpy(&f, &low, sizeof(f));
		print_double(p, (double)f, bits & 0x7fffff, bits >> 31, "f");
	} else if (size == 8 && take_word(p, source, off, 8, &bits)) {
		memcpy(&d, &bits, sizeof(d));
		print_double(p, d, bits & ((UINT64_C(1) << 52) - 1), bits >> 63, "d");
	} else if (size == 2 && take_word(p, source, off, 2, &bits)) {
		print_double(p, half((uint16_t)bits), bits & 0x3ff, bits >> 15 & 1, "h");
	} else if (size != 2 && size != 4 && size != 8) {
		uint8_t bytes[16];
		size_t len = size > sizeof(bytes) ? sizeof(bytes) : (size_t)size;
		/* x87's has ten bytes, whatever its padding. */
		bool is_x87 = (p->view->arch->elf_machine == EM_X86_64 ||
				      p->view->arch->elf_machine == EM_386) &&
			      len >= 10;
		if (!take(p, source, off, bytes, is_x87 ? 10 : len))
			return;
#if defined(__x86_64__) || defined(__i386__)
		if (is_x87) {
			char buf[64];
			long double ld = 0;
			memcpy(&ld, bytes, 10);
			(void)snprintf(buf, sizeof(buf), "%.18Lg", ld);
			snap_text_add(p->text, buf);
			return;
		}
#endif
		snap_text_add(p->text, "0x");
		for (size_t i = 0; i < len; i++)
			snap_text_addf(p->text, "%02x", bytes[is_big(p) ? i : len - 1 - i]);
	}
}

static void print_wide_integer(
	struct printer *p, const struct snap_type *type, const struct source *source, uint64_t off)
{
	uint8_t bytes[16];
	unsigned __int128 v = 0;
	char digits[48];
	size_t at = sizeof(digits) - 1;
	if (!take(p, source, off, bytes, sizeof(bytes)))
		return;
	for (size_t i = 0; i < sizeof(bytes); i++)
		v = v << 8 | bytes[is_big(p) ? i : sizeof(bytes) - 1 - i];
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

static void print_base(
	struct printer *p, const struct snap_type *type, const struct source *source, uint64_t off)
{
	uint64_t value;
	switch (type->encoding) {
	case DW_ATE_float:
	case DW_ATE_imaginary_float:
		print_float(p, source, off, type->size);
		return;
	case DW_ATE_complex_float:
		print_float(p, source, off, type->size / 2);
		snap_text_add(p->text, " + ");
		print_float(p, source, off + type->size / 2, type->size / 2);
		snap_text_add(p->text, "i");
		return;
	}
	if (type->size == 16) {
		print_wide_integer(p, type, source, off);
	} else if (type->size == 0 || type->size > 8) {
		p->counts.num[SNAP_BITS_ERROR]++;
		snap_text_add(p->text, "<a type that is not supported>");
	} else if (take_word(p, source, off, (unsigned int)type->size, &value)) {
		print_integer(p, type, value, (unsigned int)(8 * type->size));
	}
}

/* ---------------------------------------------------------------- enumerations */

#define MAX_ENUMERATORS 4096

/* With the scopes that it stands in, that of its own enumeration included if it needs that. */
static void print_enumerator(struct printer *p, const struct snap_type *type, const char *name)
{
	static const uint16_t names[] = {DW_AT_enum_class};
	struct snap_attr attr;
	char buf[512], own[256];
	bool is_class = snap_view_attrs(p->view, type->die, names, &attr, 1) && snap_attr_flag(&attr);
	(void)snprintf(own, sizeof(own), "%s%s%s", is_class && type->name ? type->name : "",
		is_class && type->name ? "::" : "", name);
	if (snap_dwarf_unit_has_scopes(type->die.unit) &&
		snap_dwarf_qualify(type->die, own, buf, sizeof(buf)))
		snap_text_add(p->text, buf);
	else
		snap_text_add(p->text, own);
}

static bool enumerator(struct printer *p, struct snap_die die, unsigned int bits, const char **ret_name,
	uint64_t *ret_value)
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
static void print_flags(struct printer *p, const struct snap_type *type, uint64_t value,
	unsigned int bits)
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

static void print_enum(struct printer *p, const struct snap_type *type, uint64_t value, unsigned int bits)
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

/* ---------------------------------------------------------------- arrays */

static void print_text_array(
	struct printer *p, const struct source *source, uint64_t off, uint64_t count)
{
	uint8_t bytes[MAX_LOOKED_AT];
	size_t len = count > sizeof(bytes) ? sizeof(bytes) : (size_t)count;
	enum snap_bits bits = peek(p, source, off, bytes, len);
	bool goes_on = false;
	if (bits != SNAP_BITS_KNOWN && len > MAX_ELEMENTS) {
		len = MAX_ELEMENTS;
		goes_on = true;
		bits = peek(p, source, off, bytes, len);
	}
	if (bits != SNAP_BITS_KNOWN && source->in_memory) {
		/* What there is at its beginning. */
		size_t have = snap_view_read(p->view, source->addr + off, bytes, len);
		if (have > 0) {
			p->counts.num[SNAP_BITS_KNOWN]++;
			print_characters(p, bytes, have, true);
			snap_text_add(p->text, " ");
			off += have;
		}
	}
	if (bits != SNAP_BITS_KNOWN) {
		print_lack(p, bits, source, off);
		return;
	}
	p->counts.num[SNAP_BITS_KNOWN]++;
	/* The NUL at the end is no news. What repeats itself counts less. */
	if (len == count && len > 0 && bytes[len - 1] == '\0')
		len--;
	size_t shown = 0, listed = 0;
	while (shown < len && listed < MAX_ELEMENTS) {
		size_t run = 1;
		while (shown + run < len && bytes[shown + run] == bytes[shown])
			run++;
		listed += run > REPEATS ? REPEATS : run;
		shown += run;
	}
	if (listed > MAX_ELEMENTS && shown > listed - MAX_ELEMENTS)
		shown -= listed - MAX_ELEMENTS;
	print_characters(p, bytes, shown, goes_on || shown < len || len + 1 < count);
}

/* Dimension number `dimension` of an array, and those within it. */
static void print_dimension(struct printer *p, const struct snap_type *array,
	unsigned int dimension, unsigned int num_dimensions, const struct source *source,
	uint64_t off, uint64_t len, int depth)
{
	uint64_t count, element_len;
	struct snap_type element;
	snap_type_read(p->view, array->target, &element);
	if (!snap_type_count(p->view, array, dimension, &count)) {
		snap_text_add(p->text, "<of unknown length>");
		p->counts.num[SNAP_BITS_KNOWN]++;
		return;
	}
	if (dimension + 1 == num_dimensions && snap_type_is_character(&element)) {
		print_text_array(p, source, off, count);
		return;
	}
	if (depth >= MAX_DEPTH) {
		snap_text_add(p->text, "{...}");
		return;
	}
	element_len = dimension + 1 == num_dimensions ? snap_type_size(p->view, &element)
		      : count > 0			? len / count
							: 0;
	snap_text_add(p->text, "{");
	size_t last = 0, last_len = 0, repeats = 0, listed = 0;
	for (uint64_t i = 0; i < count && !p->text->is_cut; i++) {
		size_t begun = p->text->len;
		if (i == MAX_LOOKED_AT || element_len == 0 || listed >= MAX_ELEMENTS) {
			snap_text_add(p->text, "...");
			break;
		}
		if (i > 0)
			snap_text_add(p->text, ", ");
		size_t here = p->text->len;
		struct snap_print_counts counts = p->counts;
		p->num_virtual_bases = 0;
		if (dimension + 1 < num_dimensions)
			print_dimension(p, array, dimension + 1, num_dimensions, source,
				off + i * element_len, element_len, depth + 1);
		else
			print_type(p, array->target, source, off + i * element_len, depth + 1);
		size_t here_len = p->text->len - here;
		bool is_same = i > 0 && !p->text->is_cut && here_len == last_len &&
			       memcmp(p->text->data + here, p->text->data + last, here_len) == 0;
		/* Where the captured part ends, is said once. */
		if (source->in_memory &&
			counts.num[SNAP_BITS_NOT_CAPTURED] < p->counts.num[SNAP_BITS_NOT_CAPTURED] &&
			counts.num[SNAP_BITS_KNOWN] == p->counts.num[SNAP_BITS_KNOWN]) {
			if (i + 1 < count)
				snap_text_add(p->text, "...");
			break;
		}
		if (!is_same) {
			repeats = 0;
			last = here;
			last_len = here_len;
			listed++;
			continue;
		}
		/* The last one's text stands there once, and perhaps how often. */
		repeats++;
		listed += repeats < REPEATS;
		if (repeats < REPEATS)
			continue;
		/* Back to behind the first of the run. */
		snap_text_rewind(p->text, begun);
		uint64_t run = repeats + 1;
		size_t first_end = last + last_len;
		while (i + 1 < count && i + 1 < MAX_LOOKED_AT && !p->text->is_cut) {
			size_t at = p->text->len;
			counts = p->counts;
			p->num_virtual_bases = 0;
			if (dimension + 1 < num_dimensions)
				print_dimension(p, array, dimension + 1, num_dimensions, source,
					off + (i + 1) * element_len, element_len, depth + 1);
			else
				print_type(p, array->target, source, off + (i + 1) * element_len,
					depth + 1);
			bool same = !p->text->is_cut && p->text->len - at == last_len &&
				    memcmp(p->text->data + at, p->text->data + last, last_len) == 0;
			if (p->text->is_cut)
				break;
			snap_text_rewind(p->text, at);
			if (!same) {
				p->counts = counts;
				break;
			}
			run++;
			i++;
		}
		snap_text_rewind(p->text, first_end);
		snap_text_addf(p->text, " <repeats %" PRIu64 " times>", run);
		repeats = 0;
		last_len = SIZE_MAX; /* what follows is another */
	}
	snap_text_add(p->text, "}");
}

/* ---------------------------------------------------------------- structures */

enum {
	M_NAME,
	M_TYPE,
	M_LOCATION,
	M_BIT_SIZE,
	M_DATA_BIT_OFFSET,
	M_BIT_OFFSET,
	M_BYTE_SIZE,
	M_EXTERNAL,
	M_DECLARATION,
	M_VIRTUALITY,
	NUM_MEMBER_ATTRS
};
static const uint16_t member_names[NUM_MEMBER_ATTRS] = {
	[M_NAME] = DW_AT_name,
	[M_TYPE] = DW_AT_type,
	[M_LOCATION] = DW_AT_data_member_location,
	[M_BIT_SIZE] = DW_AT_bit_size,
	[M_DATA_BIT_OFFSET] = DW_AT_data_bit_offset,
	[M_BIT_OFFSET] = DW_AT_bit_offset,
	[M_BYTE_SIZE] = DW_AT_byte_size,
	[M_EXTERNAL] = DW_AT_external,
	[M_DECLARATION] = DW_AT_declaration,
	[M_VIRTUALITY] = DW_AT_virtuality,
};

/* Where a member is in the structure; false if that can't be told. */
static bool member_offset(struct printer *p, struct snap_die die, const struct snap_attr *attr,
	const struct source *source, uint64_t off, uint64_t *ret)
{
	uint64_t object = source->addr + off, addr;
	if (!snap_attr_is_there(attr)) {
		*ret = 0;
		return true;
	}
	if (snap_attr_unsigned(attr, ret))
		return true;
	if (!attr->block.data)
		return false;
	/* DWARF 2 has constants so; virtual bases need the object itself. */
	struct snap_cursor c = snap_cursor(attr->block, 0, is_big(p));
	if (snap_cursor_u8(&c) == DW_OP_plus_uconst) {
		*ret = snap_cursor_uleb(&c);
		if (!c.failed && c.p == c.end)
			return true;
	}
	if (!source->in_memory || !snap_evaluate_number(p->view, die.unit, attr->block, &object, &addr))
		return false;
	*ret = addr - object;
	return true;
}

static void print_bit_field(struct printer *p, const struct snap_attr *attrs,
	struct snap_die type_die, const struct source *source, uint64_t off)
{
	uint64_t bits = 0, first, storage, value = 0;
	struct snap_type type;
	snap_type_read(p->view, type_die, &type);
	(void)snap_attr_unsigned(&attrs[M_BIT_SIZE], &bits); /* else 0 */
	if (!snap_attr_unsigned(&attrs[M_BYTE_SIZE], &storage))
		storage = snap_type_size(p->view, &type);
	if (!snap_attr_unsigned(&attrs[M_DATA_BIT_OFFSET], &first)) {
		/* Counted from the most significant bit of the storage (DWARF 3, section 5.6.6). */
		int64_t from = snap_attr_is_there(&attrs[M_BIT_OFFSET])
				       ? (int64_t)attrs[M_BIT_OFFSET].value
				       : 0;
		int64_t at = is_big(p) ? from : (int64_t)(8 * storage) - from - (int64_t)bits;
		first = (uint64_t)at;
		if (at < 0 || storage > 16)
			bits = 0;
	}
	if (bits == 0 || bits > 64 || first > UINT32_MAX) {
		p->counts.num[SNAP_BITS_ERROR]++;
		snap_text_add(p->text, "<malformed>");
		return;
	}
	uint8_t bytes[9];
	uint64_t byte = first / 8;
	unsigned int bit = first % 8;
	size_t len = (size_t)((bit + bits + 7) / 8);
	if (!take(p, source, off + byte, bytes, len))
		return;
	for (unsigned int i = 0; i < bits; i++) {
		unsigned int at = bit + i;
		if (is_big(p))
			value = value << 1 | (bytes[at / 8] >> (7 - at % 8) & 1u);
		else
			value |= (uint64_t)(bytes[at / 8] >> (at % 8) & 1u) << i;
	}
	if (type.tag == DW_TAG_enumeration_type)
		print_enum(p, &type, value, (unsigned int)bits);
	else
		print_integer(p, &type, value, (unsigned int)bits);
}

static void print_member(struct printer *p, const struct snap_child *child,
	const struct snap_attr *attrs, const struct source *source, uint64_t off, int depth)
{
	struct snap_die type = {0};
	uint64_t at;
	const char *name = snap_attr_string(child->die.unit, &attrs[M_NAME]);
	(void)snap_view_reference(p->view, child->die.unit, &attrs[M_TYPE], &type);
	if (child->abbrev->tag == DW_TAG_inheritance) {
		char buf[256];
		struct snap_text base;
		struct snap_type base_type;
		snap_text_init(&base, buf, sizeof(buf));
		snap_type_read(p->view, type, &base_type);
		snap_type_name(p->view, base_type.die, &base);
		snap_text_addf(p->text, "<%s> = ", buf);
	} else if (name && *name) {
		snap_text_addf(p->text, "%.400s = ", name);
	}
	if (!member_offset(p, child->die, &attrs[M_LOCATION], source, off, &at)) {
		p->counts.num[SNAP_BITS_NOT_CAPTURED]++;
		snap_text_add(p->text, "<not captured>");
		return;
	}
	if (snap_attr_is_there(&attrs[M_BIT_SIZE]))
		print_bit_field(p, attrs, type, source, off + at);
	else
		print_type(p, type, source, off + at, depth + 1);
}

/* Several classes share a virtual base: only the first shows it. */
static bool was_shown(struct printer *p, const struct snap_child *child,
	const struct snap_attr *attrs, const struct source *source, uint64_t off)
{
	uint64_t at, virtuality;
	struct snap_die type = {0};
	if (child->abbrev->tag != DW_TAG_inheritance ||
		!snap_attr_unsigned(&attrs[M_VIRTUALITY], &virtuality) ||
		virtuality != DW_VIRTUALITY_virtual)
		return false;
	(void)snap_view_reference(p->view, child->die.unit, &attrs[M_TYPE], &type);
	/* Where it is, is told by what may not be captured; its type is as good. */
	uint64_t addr = member_offset(p, child->die, &attrs[M_LOCATION], source, off, &at)
				? source->addr + off + at
				: type.off;
	for (size_t i = 0; i < p->num_virtual_bases; i++)
		if (p->virtual_bases[i] == addr)
			return true;
	if (p->num_virtual_bases < MAX_VIRTUAL_BASES)
		p->virtual_bases[p->num_virtual_bases++] = addr;
	return false;
}

static void print_structure(struct printer *p, const struct snap_type *type,
	const struct source *source, uint64_t off, int depth)
{
	struct snap_children children;
	struct snap_child child;
	unsigned int num = 0, num_fields = 0;
	if (type->is_declaration) {
		p->counts.num[SNAP_BITS_KNOWN]++;
		snap_text_add(p->text, "<incomplete type>");
		return;
	}
	if (depth >= MAX_DEPTH) {
		snap_text_add(p->text, "{...}");
		return;
	}
	snap_text_add(p->text, "{");
	snap_children_begin(&children, type->die, &p->view->views->left.entries);
	while (!p->text->is_cut && snap_children_next(&children, &child)) {
		struct snap_attr attrs[NUM_MEMBER_ATTRS];
		if ((child.abbrev->tag != DW_TAG_member &&
			    child.abbrev->tag != DW_TAG_inheritance) ||
			!snap_view_attrs(p->view, child.die, member_names, attrs, NUM_MEMBER_ATTRS) ||
			(child.abbrev->tag == DW_TAG_member &&
				(snap_attr_flag(&attrs[M_EXTERNAL]) ||
					snap_attr_flag(&attrs[M_DECLARATION]))) ||
			was_shown(p, &child, attrs, source, off))
			continue;
		num_fields += child.abbrev->tag == DW_TAG_member;
		if (num > 0)
			snap_text_add(p->text, ", ");
		if (num++ == MAX_MEMBERS) {
			snap_text_add(p->text, "...");
			break;
		}
		print_member(p, &child, attrs, source, off, depth);
	}
	if (num == 0)
		p->counts.num[SNAP_BITS_KNOWN]++;
	if (num_fields == 0)
		snap_text_add(p->text, num > 0 ? ", <No data fields>" : "<No data fields>");
	snap_text_add(p->text, "}");
}

/* ---------------------------------------------------------------- any type */

static void print_type(
	struct printer *p, struct snap_die die, const struct source *source, uint64_t off, int depth)
{
	struct snap_type type;
	uint64_t value, size;
	snap_type_read(p->view, die, &type);
	if (p->text->is_cut)
		return;
	switch (type.tag) {
	case DW_TAG_base_type:
		print_base(p, &type, source, off);
		break;
	case DW_TAG_pointer_type:
		print_pointer(p, &type, source, off);
		break;
	case DW_TAG_reference_type:
	case DW_TAG_rvalue_reference_type:
		print_reference(p, &type, source, off, depth);
		break;
	case DW_TAG_ptr_to_member_type:
		print_member_pointer(p, &type, source, off);
		break;
	case DW_TAG_enumeration_type:
		size = snap_type_size(p->view, &type);
		if (size == 0 || size > 8) {
			p->counts.num[SNAP_BITS_ERROR]++;
			snap_text_add(p->text, "<incomplete type>");
		} else if (take_word(p, source, off, (unsigned int)size, &value)) {
			print_enum(p, &type, value, (unsigned int)(8 * size));
		}
		break;
	case DW_TAG_array_type:
		print_dimension(p, &type, 0, snap_type_num_dimensions(p->view, &type), source, off,
			snap_type_size(p->view, &type), depth);
		break;
	case DW_TAG_structure_type:
	case DW_TAG_class_type:
	case DW_TAG_union_type:
	case DW_TAG_interface_type:
		print_structure(p, &type, source, off, depth);
		break;
	case DW_TAG_subroutine_type:
		p->counts.num[SNAP_BITS_KNOWN]++;
		snap_text_addf(p->text, "0x%" PRIx64, source->addr + off);
		print_symbol(p, source->addr + off);
		break;
	case DW_TAG_unspecified_type:
		if (take_word(p, source, off, snap_arch_word(p->view->arch), &value))
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
static bool copy_bits(
	uint8_t *to, uint64_t to_bit, const uint8_t *from, uint64_t from_bit, uint64_t num, bool big)
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
		to[t / 8] = (uint8_t)((to[t / 8] & ~(1u << (t % 8))) | (unsigned int)bit << (t % 8));
	}
	return true;
}

/* The bytes of a piece into buf[0 .. len). */
static enum snap_bits piece_bytes(struct printer *p, const struct snap_piece *piece, uint8_t *buf,
	size_t len, size_t *ret_have, struct source *source)
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
	/* The low bytes are what counts. */
	memcpy(buf, is_big(p) ? from + have - len : from, len);
	return SNAP_BITS_KNOWN;
}

static void gather(struct printer *p, const struct snap_location *location, struct source *source,
	uint8_t *bytes, uint8_t *states)
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
		enum snap_bits bits =
			len > MAX_COPY ? SNAP_BITS_ERROR
				       : piece_bytes(p, piece, buf, len, &have, source);
		if (bits == SNAP_BITS_KNOWN &&
			!copy_bits(bytes, at, buf, piece->bit_off, num, is_big(p)))
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

void snap_print_value(const struct snap_view *view, struct snap_die type_die,
	const struct snap_location *location, struct snap_text *text,
	struct snap_print_counts *ret_counts)
{
	struct printer p = {.view = view, .text = text};
	struct source source = {0};
	struct snap_type type;
	const struct snap_piece *first = &location->pieces[0];
	snap_type_read(view, type_die, &type);
	if (location->is_whole && first->kind == SNAP_PIECE_MEMORY) {
		source = (struct source){.in_memory = true, .addr = first->address};
		print_type(&p, type_die, &source, 0, 0);
	} else if (location->is_whole && first->kind == SNAP_PIECE_NOTHING) {
		source.why = first->why;
		if (first->has_address) {
			source.in_memory = true;
			source.addr = first->address;
		}
		print_lack(&p, first->bits, &source, 0);
	} else {
		uint64_t size = snap_type_size(view, &type);
		uint8_t *bytes = size > 0 && size <= MAX_COPY ? calloc(2, (size_t)size) : NULL;
		if (!bytes) {
			source.why = "of a size that is not known, or too large";
			print_lack(&p, SNAP_BITS_ERROR, &source, 0);
		} else {
			source.bytes = bytes;
			source.states = bytes + size;
			source.len = size;
			if (location->is_whole && first->kind == SNAP_PIECE_POINTER)
				source.pointer = first;
			gather(&p, location, &source, bytes, bytes + size);
			print_type(&p, type_die, &source, 0, 0);
		}
		free(bytes);
	}
	*ret_counts = p.counts;
}
