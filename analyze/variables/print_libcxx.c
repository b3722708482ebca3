/*
 * What containers of libc++ hold (LLVM's C++ library, ABI version 1), shown as libstdc++'s are.
 *
 * As in print_container.c, a name proves nothing. Members have moved: what was the first half of a
 * __compressed_pair, an inner `__value_`, is a member of its own since LLVM 20; strings have bit
 * fields since LLVM 15. Sources: libcxx/include/string, vector, optional, variant, tuple,
 * __memory/shared_ptr.h and compressed_pair.h of LLVM 14, and what LLVM 20 calls their members.
 */
#include "analyze/variables/container.h"

#include <dwarf.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* ---------------------------------------------------------------- strings */

/*
 * Three words: room, length, address; or, if one bit of the first byte says so, a byte with the
 * length and, where the next character may be, the characters themselves. The bit is the lowest one
 * of little-endian machines, whose short length is in the others, and the highest one of big-endian
 * ones.
 */
bool snap_libcxx_string(struct snap_printer *p, const struct snap_part *in,
	const struct snap_source *source, int depth)
{
	struct snap_part rep, pointer, len_part, local;
	uint64_t addr, len, first, room, size, word = snap_arch_word(p->view->arch);
	bool is_big = snap_printer_is_big(p);
	const struct snap_character *of;
	(void)depth;
	if ((!snap_part_find(p, in, "__r_/__value_", &rep) &&
		    !snap_part_find(p, in, "__rep_", &rep)) ||
		snap_type_size(p->view, &rep.type) != 3 * word ||
		!snap_part_find(p, &rep, "__l/__data_", &pointer) ||
		!snap_part_find(p, &rep, "__l/__size_", &len_part) ||
		!snap_part_find(p, &rep, "__s/__data_", &local) ||
		/* Of another order (_LIBCPP_ABI_ALTERNATE_STRING_LAYOUT) the bit is elsewhere. */
		pointer.off != rep.off + 2 * word || len_part.off != rep.off + word ||
		local.type.tag != DW_TAG_array_type ||
		(size = snap_type_size(p->view, &local.type)) == 0 || size >= 3 * word ||
		!(of = snap_part_characters(p, &rep, "__l/__data_", source, &pointer, &addr)) ||
		local.off != rep.off + of->size || !snap_part_load(p, source, rep.off, 1, &first))
		return false;
	if (first & (is_big ? 0x80 : 0x01)) {
		uint64_t flag = is_big ? UINT64_C(1) << (8 * word - 1) : 1;
		if (!snap_part_size(p, &rep, "__l/__size_", source, &len) ||
			!snap_part_load(p, source, rep.off, (unsigned int)word, &room) || addr == 0)
			return false;
		room &= ~flag; /* with the NUL at the end */
	} else {
		if (!source->in_memory)
			return false;
		addr = source->addr + local.off;
		len = is_big ? first & 0x7f : first >> 1;
		room = size / of->size;
	}
	if (len >= room || room > SNAP_HELD_MAX_LENGTH)
		return false;
	return snap_held_cxx_string(p, of, "", addr, len);
}

bool snap_libcxx_string_view(struct snap_printer *p, const struct snap_part *in,
	const struct snap_source *source, int depth)
{
	struct snap_part pointer;
	uint64_t addr, len;
	const struct snap_character *of =
		snap_part_characters(p, in, "__data_", source, &pointer, &addr);
	(void)depth;
	/* Without the last "_" up to LLVM 15. */
	if (!of)
		of = snap_part_characters(p, in, "__data", source, &pointer, &addr);
	if (!of ||
		(!snap_part_size(p, in, "__size_", source, &len) &&
			!snap_part_size(p, in, "__size", source, &len)) ||
		(addr == 0 && len > 0))
		return false;
	return snap_held_cxx_string(p, of, "_view", addr, len);
}

/* ---------------------------------------------------------------- vectors */

bool snap_libcxx_vector(struct snap_printer *p, const struct snap_part *in,
	const struct snap_source *source, int depth)
{
	struct snap_part first, last, end;
	struct snap_type target;
	uint64_t start_addr, finish_addr, end_addr, len;
	if (!snap_part_pointer(p, in, "__begin_", source, &first, &start_addr) ||
		!snap_part_pointer(p, in, "__end_", source, &last, &finish_addr) ||
		(!snap_part_pointer(p, in, "__end_cap_/__value_", source, &end, &end_addr) &&
			!snap_part_pointer(p, in, "__cap_", source, &end, &end_addr)) ||
		(len = snap_part_target_size(p, &first, &target)) == 0 ||
		start_addr > finish_addr || finish_addr > end_addr ||
		(finish_addr - start_addr) % len != 0 || (end_addr - start_addr) % len != 0 ||
		(start_addr == 0 && end_addr != 0) || end_addr - start_addr > SNAP_HELD_MAX_LENGTH)
		return false;
	uint64_t count = (finish_addr - start_addr) / len;
	snap_text_addf(p->text, "std::vector of length %" PRIu64 ", capacity %" PRIu64, count,
		(end_addr - start_addr) / len);
	snap_held_elements(p, &first, start_addr, count, len, depth);
	return true;
}

/* Bits in words, from the least significant one on; the room is counted in words. */
bool snap_libcxx_vector_bool(struct snap_printer *p, const struct snap_part *in,
	const struct snap_source *source, int depth)
{
	struct snap_part first;
	uint64_t addr, count, words;
	unsigned int word = snap_arch_word(p->view->arch);
	(void)depth;
	if (!snap_part_pointer(p, in, "__begin_", source, &first, &addr) ||
		!snap_part_size(p, in, "__size_", source, &count) ||
		(!snap_part_size(p, in, "__cap_alloc_/__value_", source, &words) &&
			!snap_part_size(p, in, "__cap_", source, &words)) ||
		words > SNAP_HELD_MAX_LENGTH || count > 8 * word * words ||
		(addr == 0 && words != 0))
		return false;
	snap_held_bits(p, addr, count, 8 * word * words);
	return true;
}

/* ---------------------------------------------------------------- pointers */

/* "__ptr_", of old within a pair. */
static bool find_pointer(struct snap_printer *p, const struct snap_part *in,
	const struct snap_source *source, struct snap_part *ret, uint64_t *ret_addr)
{
	return snap_part_pointer(p, in, "__ptr_/__value_", source, ret, ret_addr) ||
	       snap_part_pointer(p, in, "__ptr_", source, ret, ret_addr);
}

bool snap_libcxx_unique_ptr(struct snap_printer *p, const struct snap_part *in,
	const struct snap_source *source, int depth)
{
	struct snap_part pointer;
	uint64_t addr;
	(void)depth;
	if (!find_pointer(p, in, source, &pointer, &addr) ||
		!snap_held_name(p, "std::unique_ptr", in, "_Tp"))
		return false;
	snap_held_pointer(p, &pointer, source);
	return true;
}

/* Where the counts stand; clang leaves their class to libc++ to describe, which has a vtable there:
 * then behind that, as they always did. */
static bool find_counts(struct snap_printer *p, const struct snap_part *counted, uint64_t *ret_use,
	uint64_t *ret_weak)
{
	struct snap_part block = {.die = counted->type.target}, use, weak;
	unsigned int word = snap_arch_word(p->view->arch);
	snap_type_read(p->view, block.die, &block.type);
	if (block.type.is_declaration && block.type.name &&
		strcmp(block.type.name, "__shared_weak_count") == 0) {
		*ret_use = word;
		*ret_weak = 2 * word;
		return true;
	}
	if (!snap_part_find(p, &block, "__shared_owners_", &use) ||
		!snap_part_find(p, &block, "__shared_weak_owners_", &weak) ||
		use.type.size != word || weak.type.size != word)
		return false;
	*ret_use = use.off;
	*ret_weak = weak.off;
	return true;
}

/* Both counts are one less than they mean: of owners, and of those that only look, with one for all
 * owners together. */
static bool print_counts(struct snap_printer *p, const struct snap_part *counted, uint64_t addr)
{
	const struct snap_source memory = {.in_memory = true, .addr = addr};
	unsigned int word = snap_arch_word(p->view->arch);
	const uint64_t mask = word == 8 ? UINT64_MAX : UINT32_MAX;
	uint64_t num_use, num_weak, use_off, weak_off;
	if (addr == 0) {
		snap_text_add(p->text, " (empty)");
		return true;
	}
	if (!find_counts(p, counted, &use_off, &weak_off))
		return false;
	if (!snap_part_load(p, &memory, use_off, word, &num_use) ||
		!snap_part_load(p, &memory, weak_off, word, &num_weak)) {
		snap_text_add(p->text, " (");
		snap_printer_lack(p, SNAP_BITS_NOT_CAPTURED, &memory, use_off);
		snap_text_add(p->text, ")");
		return true;
	}
	num_use = (num_use + 1) & mask;
	if (num_use == 0)
		snap_text_addf(
			p->text, " (expired, weak count %" PRIu64 ")", (num_weak + 1) & mask);
	else
		snap_text_addf(p->text, " (use count %" PRIu64 ", weak count %" PRIu64 ")", num_use,
			num_weak);
	return true;
}

static bool print_counted(struct snap_printer *p, const char *name, const struct snap_part *in,
	const struct snap_source *source)
{
	return snap_held_counted(p, name, in, source, "__ptr_", "__cntrl_", print_counts);
}

bool snap_libcxx_shared_ptr(struct snap_printer *p, const struct snap_part *in,
	const struct snap_source *source, int depth)
{
	(void)depth;
	return print_counted(p, "std::shared_ptr", in, source);
}

bool snap_libcxx_weak_ptr(struct snap_printer *p, const struct snap_part *in,
	const struct snap_source *source, int depth)
{
	(void)depth;
	return print_counted(p, "std::weak_ptr", in, source);
}

/* ---------------------------------------------------------------- one of several, or several */

bool snap_libcxx_optional(struct snap_printer *p, const struct snap_part *in,
	const struct snap_source *source, int depth)
{
	struct snap_part engaged, value;
	uint64_t has;
	if (!snap_part_find(p, in, "__engaged_", &engaged) ||
		engaged.type.encoding != DW_ATE_boolean || engaged.type.size != 1 ||
		!snap_part_find(p, in, "__val_", &value) ||
		!snap_part_load(p, source, engaged.off, 1, &has) || has > 1 ||
		!snap_held_name(p, "std::optional", in, "_Tp"))
		return false;
	if (!has) {
		p->counts.num[SNAP_BITS_KNOWN]++;
		snap_text_add(p->text, " [no contained value]");
		return true;
	}
	snap_text_add(p->text, " = {[contained value] = ");
	snap_print_type(p, value.die, source, value.off, depth + 1);
	snap_text_add(p->text, "}");
	return true;
}

/* Of a variant or a tuple so many. */
#define MAX_ALTERNATIVES 256

/* Each alternative is a union's `__head`, or within its `__tail`. */
bool snap_libcxx_variant(struct snap_printer *p, const struct snap_part *in,
	const struct snap_source *source, int depth)
{
	struct snap_part impl, which, part;
	struct snap_die type;
	uint64_t index;
	if ((!snap_part_find(p, in, "__impl_", &impl) && !snap_part_find(p, in, "__impl", &impl)) ||
		!snap_part_find(p, &impl, "__index", &which) ||
		which.type.tag != DW_TAG_base_type || which.type.encoding == DW_ATE_signed ||
		which.type.size == 0 || which.type.size > 4 ||
		!snap_part_find(p, &impl, "__data", &part) ||
		!snap_part_load(p, source, which.off, (unsigned int)which.type.size, &index))
		return false;
	if (index == UINT64_MAX >> (64 - 8 * which.type.size)) {
		p->counts.num[SNAP_BITS_KNOWN]++;
		snap_text_add(p->text, "std::variant [no contained value]");
		return true;
	}
	if (index >= MAX_ALTERNATIVES || !snap_part_pack(p, in, index, &type))
		return false;
	for (uint64_t i = 0; i < index; i++)
		if (!snap_part_find(p, &part, "__tail", &part))
			return false;
	if (!snap_part_find(p, &part, "__head/__value", &part))
		return false;
	snap_text_addf(p->text, "std::variant [index %" PRIu64 "] = {", index);
	snap_print_type(p, type, source, part.off, depth + 1);
	snap_text_add(p->text, "}");
	return true;
}

#define MAX_TUPLE 64

/* Each element is in a base of its own, "__tuple_leaf<0ul, int, false>"; one without size is that
 * base itself, and then the tuple is shown as it is. */
bool snap_libcxx_tuple(struct snap_printer *p, const struct snap_part *in,
	const struct snap_source *source, int depth)
{
	struct snap_part base, leaf, values[MAX_TUPLE];
	struct snap_die type;
	unsigned int num = 0;
	if (!snap_part_pack(p, in, 0, &type)) {
		/* It has no members then, and what has none may be anything. */
		if (strcmp(in->type.name, "tuple<>") != 0)
			return false;
		p->counts.num[SNAP_BITS_KNOWN]++;
		snap_text_add(p->text, "empty std::tuple");
		return true;
	}
	if (!snap_part_find(p, in, "__base_", &base))
		return false;
	for (; num < MAX_TUPLE && snap_part_pack(p, in, num, &type); num++) {
		char name[32];
		(void)snprintf(name, sizeof(name), "__tuple_leaf<%u", num);
		if (!snap_part_base(p, &base, name, &leaf) ||
			strchr("uU,", leaf.type.name[strlen(name)]) == NULL ||
			!snap_part_find(p, &leaf, "__value_", &values[num]))
			return false;
	}
	if (num == MAX_TUPLE)
		return false;
	snap_text_add(p->text, "std::tuple containing = {");
	for (unsigned int i = 0; i < num && !p->text->is_cut; i++) {
		snap_text_addf(p->text, "%s[%u] = ", i > 0 ? ", " : "", i + 1);
		snap_print_type(p, values[i].die, source, values[i].off, depth + 1);
	}
	snap_text_add(p->text, "}");
	return true;
}
