/*
 * What the standard libraries of C++ and Rust hold: strings, vectors, pointers that own, as they
 * are laid out by libstdc++ and by Rust's core and alloc (libc++'s: print_libcxx.c).
 *
 * A type's name alone proves nothing: each member that is read has to be there, of the kind that is
 * expected, and what they say has to make sense together. If not, the structure is shown as it is.
 */
#include "analyze/variables/container.h"

#include <dwarf.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "analyze/dwarf/names.h"

/* ---------------------------------------------------------------- what they hold */

bool snap_held_string(struct snap_printer *p, const char *kind, const struct snap_character *of,
	uint64_t addr, uint64_t len)
{
	const struct snap_source text = {.in_memory = true, .addr = addr};
	uint8_t bytes[4];
	if (len > SNAP_HELD_MAX_LENGTH / of->size)
		return false;
	if (len == 0) {
		p->counts.num[SNAP_BITS_KNOWN]++;
		snap_text_addf(p->text, "%s\"\"", of->prefix);
		return true;
	}
	/* How long it is, is known then all the same. */
	if (snap_view_read(p->view, addr, bytes, of->size) < of->size)
		snap_text_addf(p->text, "%s of length %" PRIu64 " = ", kind, len);
	snap_print_text(p, of, &text, 0, len, true);
	return true;
}

bool snap_held_cxx_string(struct snap_printer *p, const struct snap_character *of,
	const char *suffix, uint64_t addr, uint64_t len)
{
	char kind[32];
	(void)snprintf(kind, sizeof(kind), "std::%s%s", of->strings, suffix); /* they fit */
	return snap_held_string(p, kind, of, addr, len);
}

void snap_held_elements(struct snap_printer *p, const struct snap_part *pointer, uint64_t addr,
	uint64_t count, uint64_t len, int depth)
{
	const struct snap_source source = {.in_memory = true, .addr = addr};
	const struct snap_print_elements elements = {pointer->type.target, count, len};
	p->counts.num[SNAP_BITS_KNOWN]++;
	if (count == 0)
		return;
	snap_text_add(p->text, " = ");
	snap_print_elements(p, &elements, &source, 0, depth);
}

void snap_held_pointer(
	struct snap_printer *p, const struct snap_part *pointer, const struct snap_source *source)
{
	snap_text_add(p->text, " = {get() = ");
	snap_print_pointer(p, &pointer->type, source, pointer->off);
	snap_text_add(p->text, "}");
}

bool snap_held_name(
	struct snap_printer *p, const char *name, const struct snap_part *in, const char *parameter)
{
	char buf[256];
	struct snap_text of;
	struct snap_die type;
	if (!snap_part_parameter(p, in, parameter, &type))
		return false;
	snap_text_init(&of, buf, sizeof(buf));
	snap_type_name(p->view, type, &of);
	snap_text_addf(p->text, "%s<%s>", name, buf);
	return true;
}

bool snap_held_counted(struct snap_printer *p, const char *name, const struct snap_part *in,
	const struct snap_source *source, const char *pointer_path, const char *counted_path,
	snap_counts_fn *print_counts)
{
	struct snap_part pointer, counted;
	uint64_t addr, counted_addr;
	size_t begun = p->text->len;
	if (!snap_part_pointer(p, in, pointer_path, source, &pointer, &addr) ||
		!snap_part_pointer(p, in, counted_path, source, &counted, &counted_addr) ||
		!snap_held_name(p, name, in, "_Tp"))
		return false;
	if (!print_counts(p, &counted, counted_addr)) {
		snap_text_rewind(p->text, begun);
		return false;
	}
	snap_held_pointer(p, &pointer, source);
	return true;
}

void snap_held_bits(struct snap_printer *p, uint64_t addr, uint64_t count, uint64_t capacity)
{
	const struct snap_source bits = {.in_memory = true, .addr = addr};
	unsigned int word = snap_arch_word(p->view->arch);
	uint64_t value = 0;
	p->counts.num[SNAP_BITS_KNOWN]++;
	snap_text_addf(p->text, "std::vector<bool> of length %" PRIu64 ", capacity %" PRIu64, count,
		capacity);
	if (count == 0)
		return;
	snap_text_add(p->text, " = {");
	for (uint64_t i = 0; i < count && !p->text->is_cut; i++) {
		snap_text_add(p->text, i > 0 ? ", " : "");
		if (i == SNAP_PRINT_MAX_ELEMENTS) {
			snap_text_add(p->text, "...");
			break;
		}
		if (i % (8 * word) == 0 && !snap_printer_take_word(p, &bits, i / 8, word, &value)) {
			snap_text_add(p->text, "...");
			break;
		}
		snap_text_add(p->text, value >> i % (8 * word) & 1 ? "true" : "false");
	}
	snap_text_add(p->text, "}");
}

/* ---------------------------------------------------------------- libstdc++ */

/*
 * Where a string's characters are, and of what kind: a pointer in a class of its own, which clang
 * leaves to libstdc++ to describe. Then it is what is as large as a pointer, between the beginning
 * and the length.
 */
static const struct snap_character *find_characters(struct snap_printer *p,
	const struct snap_part *in, const struct snap_source *source, uint64_t *ret_addr)
{
	struct snap_part holder, pointer, len;
	struct snap_type type;
	struct snap_die die;
	unsigned int word = snap_arch_word(p->view->arch);
	const struct snap_character *of =
		snap_part_characters(p, in, "_M_dataplus/_M_p", source, &pointer, ret_addr);
	if (of || !snap_part_find(p, in, "_M_dataplus", &holder) || !holder.type.is_declaration ||
		!holder.type.name || strcmp(holder.type.name, "_Alloc_hider") != 0 ||
		!snap_part_find(p, in, "_M_string_length", &len) || len.off != holder.off + word ||
		!snap_part_parameter(p, in, "_CharT", &die))
		return of;
	snap_type_read(p->view, die, &type);
	of = snap_type_character(&type);
	return of && snap_part_load(p, source, holder.off, word, ret_addr) ? of : NULL;
}

static bool cxx_string(struct snap_printer *p, const struct snap_part *in,
	const struct snap_source *source, int depth)
{
	struct snap_part local;
	uint64_t addr, len, capacity, room;
	const struct snap_character *of = find_characters(p, in, source, &addr);
	(void)depth;
	if (!of || !snap_part_size(p, in, "_M_string_length", source, &len) ||
		!snap_part_find(p, in, "_M_local_buf", &local) ||
		local.type.tag != DW_TAG_array_type ||
		(room = snap_type_size(p->view, &local.type) / of->size) == 0 ||
		!snap_part_size(p, in, "_M_allocated_capacity", source, &capacity))
		return false;
	/* What does not fit into the string itself is elsewhere, with more room than that has. */
	if (source->in_memory && addr == source->addr + local.off)
		capacity = room - 1;
	else if (capacity < room)
		return false;
	if (addr == 0 || len > capacity)
		return false;
	return snap_held_cxx_string(p, of, "", addr, len);
}

static bool cxx_string_view(struct snap_printer *p, const struct snap_part *in,
	const struct snap_source *source, int depth)
{
	struct snap_part pointer;
	uint64_t addr, len;
	const struct snap_character *of =
		snap_part_characters(p, in, "_M_str", source, &pointer, &addr);
	(void)depth;
	if (!of || !snap_part_size(p, in, "_M_len", source, &len) || (addr == 0 && len > 0))
		return false;
	return snap_held_cxx_string(p, of, "_view", addr, len);
}

static bool cxx_vector(struct snap_printer *p, const struct snap_part *in,
	const struct snap_source *source, int depth)
{
	struct snap_part first, last, end;
	struct snap_type target;
	uint64_t start_addr, finish_addr, end_addr, len;
	if (!snap_part_pointer(p, in, "_M_impl/_M_start", source, &first, &start_addr) ||
		!snap_part_pointer(p, in, "_M_impl/_M_finish", source, &last, &finish_addr) ||
		!snap_part_pointer(p, in, "_M_impl/_M_end_of_storage", source, &end, &end_addr) ||
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

/* Its pointer is the first part of a tuple, whose other one is what deletes. */
static bool cxx_unique_ptr(struct snap_printer *p, const struct snap_part *in,
	const struct snap_source *source, int depth)
{
	struct snap_part tuple, impl, head, pointer;
	uint64_t addr;
	(void)depth;
	/* _M_t of unique_ptr, of what implements it; the tuple's base, and that one's own which is
	 * none. */
	if (!snap_part_find(p, in, "_M_t/_M_t", &tuple) ||
		!snap_part_base(p, &tuple, "_Tuple_impl<0", &impl) ||
		!snap_part_base(p, &impl, "_Head_base<0", &head))
		return false;
	if (!snap_part_pointer(p, &head, "_M_head_impl", source, &pointer, &addr) ||
		!snap_held_name(p, "std::unique_ptr", in, "_Tp"))
		return false;
	snap_held_pointer(p, &pointer, source);
	return true;
}

static bool print_cxx_counts(struct snap_printer *p, const struct snap_part *counted, uint64_t addr)
{
	struct snap_part block = {.die = counted->type.target}, use, weak;
	const struct snap_source memory = {.in_memory = true, .addr = addr};
	uint64_t num_use, num_weak;
	if (addr == 0) {
		snap_text_add(p->text, " (empty)");
		return true;
	}
	snap_type_read(p->view, block.die, &block.type);
	if (!snap_part_find(p, &block, "_M_use_count", &use) ||
		!snap_part_find(p, &block, "_M_weak_count", &weak) || use.type.size != 4 ||
		weak.type.size != 4)
		return false;
	if (!snap_part_load(p, &memory, use.off, 4, &num_use) ||
		!snap_part_load(p, &memory, weak.off, 4, &num_weak)) {
		snap_text_add(p->text, " (");
		snap_printer_lack(p, SNAP_BITS_NOT_CAPTURED, &memory, use.off);
		snap_text_add(p->text, ")");
	} else if (num_use == 0) {
		snap_text_addf(p->text, " (expired, weak count %" PRIu64 ")", num_weak);
	} else {
		/* All that share it count as one weak one. */
		snap_text_addf(p->text, " (use count %" PRIu64 ", weak count %" PRIu64 ")", num_use,
			num_weak - 1);
	}
	return true;
}

static bool cxx_counted_ptr(struct snap_printer *p, const char *name, const struct snap_part *in,
	const struct snap_source *source)
{
	return snap_held_counted(
		p, name, in, source, "_M_ptr", "_M_refcount/_M_pi", print_cxx_counts);
}

static bool cxx_shared_ptr(struct snap_printer *p, const struct snap_part *in,
	const struct snap_source *source, int depth)
{
	(void)depth;
	return cxx_counted_ptr(p, "std::shared_ptr", in, source);
}

static bool cxx_weak_ptr(struct snap_printer *p, const struct snap_part *in,
	const struct snap_source *source, int depth)
{
	(void)depth;
	return cxx_counted_ptr(p, "std::weak_ptr", in, source);
}

static bool cxx_optional(struct snap_printer *p, const struct snap_part *in,
	const struct snap_source *source, int depth)
{
	struct snap_part engaged, value;
	uint64_t has;
	if (!snap_part_find(p, in, "_M_payload/_M_engaged", &engaged) ||
		engaged.type.encoding != DW_ATE_boolean || engaged.type.size != 1 ||
		!snap_part_find(p, in, "_M_payload/_M_payload/_M_value", &value) ||
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

static bool cxx_pair(struct snap_printer *p, const struct snap_part *in,
	const struct snap_source *source, int depth)
{
	struct snap_part first, second;
	if (!snap_part_find(p, in, "first", &first) || !snap_part_find(p, in, "second", &second))
		return false;
	snap_text_add(p->text, "{first = ");
	snap_print_type(p, first.die, source, first.off, depth + 1);
	snap_text_add(p->text, ", second = ");
	snap_print_type(p, second.die, source, second.off, depth + 1);
	snap_text_add(p->text, "}");
	return true;
}

/* Of a tuple so many, each in a base of the one before. */
#define MAX_TUPLE 64

/* Where its number i is; *impl: the base that has it, then the next one. False: there is none, or
 * it is a base itself, of no size. */
static bool find_head(struct snap_printer *p, unsigned int i, struct snap_part *impl,
	bool *ret_is_end, struct snap_part *ret)
{
	char name[32];
	struct snap_part head, next;
	(void)snprintf(name, sizeof(name), "_Tuple_impl<%u", i);
	*ret_is_end = !snap_part_base(p, impl, name, &next);
	if (*ret_is_end)
		return false;
	(void)snprintf(name, sizeof(name), "_Head_base<%u", i);
	*impl = next;
	return snap_part_base(p, impl, name, &head) &&
	       snap_part_find(p, &head, "_M_head_impl", ret);
}

static bool cxx_tuple(struct snap_printer *p, const struct snap_part *in,
	const struct snap_source *source, int depth)
{
	struct snap_part impl = *in, heads[MAX_TUPLE];
	struct snap_die none;
	unsigned int num = 0;
	bool is_end = false;
	while (num < MAX_TUPLE && find_head(p, num, &impl, &is_end, &heads[num]))
		num++;
	/* The last base has all but the heads before: what follows would be of another layout. */
	if (!is_end || (num == 0 && snap_part_pack(p, in, 0, &none)) ||
		(num > 0 && snap_part_pack(p, in, num, &none)))
		return false;
	p->counts.num[SNAP_BITS_KNOWN] += num == 0;
	snap_text_add(p->text, num > 0 ? "std::tuple containing = {" : "empty std::tuple");
	for (unsigned int i = 0; i < num && !p->text->is_cut; i++) {
		snap_text_addf(p->text, "%s[%u] = ", i > 0 ? ", " : "", i + 1);
		snap_print_type(p, heads[i].die, source, heads[i].off, depth + 1);
	}
	if (num > 0)
		snap_text_add(p->text, "}");
	return true;
}

/* Which one it is, by number; the storage of each is within that of all that follow. */
static bool cxx_variant(struct snap_printer *p, const struct snap_part *in,
	const struct snap_source *source, int depth)
{
	struct snap_part which, part;
	struct snap_die type;
	uint64_t index;
	if (!snap_part_find(p, in, "_M_index", &which) || which.type.tag != DW_TAG_base_type ||
		which.type.encoding == DW_ATE_signed || which.type.size == 0 ||
		which.type.size > 2 || !snap_part_find(p, in, "_M_u", &part) ||
		!snap_part_load(p, source, which.off, (unsigned int)which.type.size, &index))
		return false;
	if (index == (which.type.size == 1 ? UINT8_MAX : UINT16_MAX)) {
		p->counts.num[SNAP_BITS_KNOWN]++;
		snap_text_add(p->text, "std::variant [no contained value]");
		return true;
	}
	if (!snap_part_pack(p, in, index, &type))
		return false;
	for (uint64_t i = 0; i < index; i++)
		if (!snap_part_find(p, &part, "_M_rest", &part))
			return false;
	if (!snap_part_find(p, &part, "_M_first/_M_storage", &part))
		return false;
	snap_text_addf(p->text, "std::variant [index %" PRIu64 "] = {", index);
	snap_print_type(p, type, source, part.off, depth + 1);
	snap_text_add(p->text, "}");
	return true;
}

/* Bits in words, from the least significant one on; iterators are a word's address and a bit. */
static bool cxx_vector_bool(struct snap_printer *p, const struct snap_part *in,
	const struct snap_source *source, int depth)
{
	struct snap_part first, last, end, part;
	uint64_t start_addr, finish_addr, end_addr, offset;
	unsigned int word = snap_arch_word(p->view->arch);
	(void)depth;
	if (!snap_part_pointer(p, in, "_M_impl/_M_start/_M_p", source, &first, &start_addr) ||
		!snap_part_pointer(p, in, "_M_impl/_M_finish/_M_p", source, &last, &finish_addr) ||
		!snap_part_pointer(p, in, "_M_impl/_M_end_of_storage", source, &end, &end_addr) ||
		!snap_part_find(p, in, "_M_impl/_M_start/_M_offset", &part) ||
		part.type.size != 4 || !snap_part_load(p, source, part.off, 4, &offset) ||
		offset != 0 || !snap_part_find(p, in, "_M_impl/_M_finish/_M_offset", &part) ||
		part.type.size != 4 || !snap_part_load(p, source, part.off, 4, &offset) ||
		offset >= 8 * word || start_addr > finish_addr || finish_addr > end_addr ||
		start_addr % word != 0 || finish_addr % word != 0 || end_addr % word != 0 ||
		(start_addr == 0 && (end_addr != 0 || offset != 0)) ||
		(finish_addr == end_addr && offset != 0) ||
		end_addr - start_addr > SNAP_HELD_MAX_LENGTH)
		return false;
	snap_held_bits(p, start_addr, 8 * (finish_addr - start_addr) + offset,
		8 * (end_addr - start_addr));
	return true;
}

/* ---------------------------------------------------------------- Rust */

/* What its texts are in: UTF-8. */
static const struct snap_character rust_byte = {1, "", ""};

/* A reference to bytes that are text, or to elements. */
static bool rust_slice(struct snap_printer *p, const struct snap_part *in,
	const struct snap_source *source, int depth)
{
	struct snap_part pointer;
	struct snap_type target;
	uint64_t addr, count, len;
	const char *name = in->type.name;
	if (!snap_part_pointer(p, in, "data_ptr", source, &pointer, &addr) ||
		!snap_part_size(p, in, "length", source, &count) || addr == 0 ||
		(len = snap_part_target_size(p, &pointer, &target)) == 0 ||
		count > SNAP_HELD_MAX_LENGTH / len)
		return false;
	size_t name_len = strlen(name);
	if (name_len >= 3 && strcmp(name + name_len - 3, "str") == 0)
		return len == 1 && snap_held_string(p, "&str", &rust_byte, addr, count);
	snap_text_addf(p->text, "%.200s(size=%" PRIu64 ")", name, count);
	snap_held_elements(p, &pointer, addr, count, len, depth);
	return true;
}

/* Where a Vec's elements are: its buffer has been rearranged from time to time. */
static bool find_buffer(struct snap_printer *p, const struct snap_part *vec,
	const struct snap_source *source, struct snap_part *ret, uint64_t *ret_addr)
{
	static const char *const paths[] = {
		"buf/inner/ptr/pointer/pointer", /* from 1.83 on: of bytes */
		"buf/ptr/pointer/pointer",
		"buf/ptr/pointer",
	};
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
		if (snap_part_pointer(p, vec, paths[i], source, ret, ret_addr))
			return *ret_addr != 0;
	return false;
}

static bool rust_vec(struct snap_printer *p, const struct snap_part *in,
	const struct snap_source *source, int depth)
{
	struct snap_part pointer;
	struct snap_type element;
	uint64_t addr, count, len;
	if (!find_buffer(p, in, source, &pointer, &addr) ||
		!snap_part_size(p, in, "len", source, &count) ||
		!snap_part_parameter(p, in, "T", &pointer.type.target))
		return false;
	snap_type_read(p->view, pointer.type.target, &element);
	len = snap_type_size(p->view, &element);
	if (len == 0 || count > SNAP_HELD_MAX_LENGTH / len)
		return false;
	snap_text_addf(p->text, "Vec(size=%" PRIu64 ")", count);
	snap_held_elements(p, &pointer, addr, count, len, depth);
	return true;
}

static bool rust_string(struct snap_printer *p, const struct snap_part *in,
	const struct snap_source *source, int depth)
{
	struct snap_part vec, pointer;
	uint64_t addr, count;
	(void)depth;
	if (!snap_part_find(p, in, "vec", &vec) || !find_buffer(p, &vec, source, &pointer, &addr) ||
		!snap_part_size(p, &vec, "len", source, &count) || count > SNAP_HELD_MAX_LENGTH)
		return false;
	return snap_held_string(p, "String", &rust_byte, addr, count);
}

/* ---------------------------------------------------------------- which one */

/* libc++'s inline namespace: everybody's, Android's, Chromium's, Fuchsia's. */
static const char *const libcxx_scopes[] = {"std::__1", "std::__ndk1", "std::__Cr", "std::__2"};
#define LIBCXX "std::__1"

static const struct {
	const char *scope; /* NULL: none; LIBCXX: any of those above */
	const char *name;  /* what has "<" or ends with "[" goes on behind it */
	bool is_rust;
	snap_container_fn *print;
} containers[] = {
	{"std::__cxx11", "basic_string<", false, cxx_string},
	{"std", "basic_string_view<", false, cxx_string_view},
	{"std", "vector<bool", false, cxx_vector_bool},
	{"std", "vector<", false, cxx_vector},
	{"std", "pair<", false, cxx_pair},
	{"std", "tuple<", false, cxx_tuple},
	{"std", "variant<", false, cxx_variant},
	{"std::__cxx11", "list<", false, snap_print_list},
	{"std", "forward_list<", false, snap_print_forward_list},
	{"std", "deque<", false, snap_print_deque},
	{"std", "map<", false, snap_print_tree_map},
	{"std", "multimap<", false, snap_print_tree_multimap},
	{"std", "set<", false, snap_print_tree_set},
	{"std", "multiset<", false, snap_print_tree_multiset},
	{"std", "unordered_map<", false, snap_print_hash_map},
	{"std", "unordered_multimap<", false, snap_print_hash_multimap},
	{"std", "unordered_set<", false, snap_print_hash_set},
	{"std", "unordered_multiset<", false, snap_print_hash_multiset},
	{"std", "unique_ptr<", false, cxx_unique_ptr},
	{"std", "shared_ptr<", false, cxx_shared_ptr},
	{"std", "weak_ptr<", false, cxx_weak_ptr},
	{"std", "optional<", false, cxx_optional},
	{LIBCXX, "basic_string<", false, snap_libcxx_string},
	{LIBCXX, "basic_string_view<", false, snap_libcxx_string_view},
	{LIBCXX, "vector<bool", false, snap_libcxx_vector_bool},
	{LIBCXX, "vector<", false, snap_libcxx_vector},
	{LIBCXX, "pair<", false, cxx_pair},
	{LIBCXX, "tuple<", false, snap_libcxx_tuple},
	{LIBCXX, "variant<", false, snap_libcxx_variant},
	{LIBCXX, "list<", false, snap_libcxx_list},
	{LIBCXX, "forward_list<", false, snap_libcxx_forward_list},
	{LIBCXX, "deque<", false, snap_libcxx_deque},
	{LIBCXX, "map<", false, snap_libcxx_map},
	{LIBCXX, "multimap<", false, snap_libcxx_multimap},
	{LIBCXX, "set<", false, snap_libcxx_set},
	{LIBCXX, "multiset<", false, snap_libcxx_multiset},
	{LIBCXX, "unordered_map<", false, snap_libcxx_hash_map},
	{LIBCXX, "unordered_multimap<", false, snap_libcxx_hash_multimap},
	{LIBCXX, "unordered_set<", false, snap_libcxx_hash_set},
	{LIBCXX, "unordered_multiset<", false, snap_libcxx_hash_multiset},
	{LIBCXX, "unique_ptr<", false, snap_libcxx_unique_ptr},
	{LIBCXX, "shared_ptr<", false, snap_libcxx_shared_ptr},
	{LIBCXX, "weak_ptr<", false, snap_libcxx_weak_ptr},
	{LIBCXX, "optional<", false, snap_libcxx_optional},
	{NULL, "&str", true, rust_slice},
	{NULL, "&mut str", true, rust_slice},
	{NULL, "&[", true, rust_slice},
	{NULL, "&mut [", true, rust_slice},
	{"alloc::vec", "Vec<", true, rust_vec},
	{"alloc::string", "String", true, rust_string},
};

static bool has_name(const char *name, const char *wanted)
{
	size_t len = strlen(wanted);
	char last = wanted[len - 1];
	return last == '<' || last == '[' || strchr(wanted, '<') ? strncmp(name, wanted, len) == 0
								 : strcmp(name, wanted) == 0;
}

/* name: with "::" behind it. */
static bool is_scope(const char *name, const char *scope)
{
	size_t len = strlen(scope);
	return strncmp(name, scope, len) == 0 && strcmp(name + len, "::") == 0;
}

/* Looked for last: a unit's scopes have to be read for it. */
static bool is_in_scope(const struct snap_type *type, const char *scope)
{
	char name[512];
	if (!scope)
		return true;
	if (!snap_dwarf_qualify(type->die, "", name, sizeof(name)))
		return false;
	if (strcmp(scope, LIBCXX) != 0)
		return is_scope(name, scope);
	for (size_t i = 0; i < sizeof(libcxx_scopes) / sizeof(libcxx_scopes[0]); i++)
		if (is_scope(name, libcxx_scopes[i]))
			return true;
	return false;
}

/* Whether nothing of it is there; then that is said once, not of each member. */
static bool is_absent(
	struct snap_printer *p, const struct snap_part *in, const struct snap_source *source)
{
	uint8_t byte;
	uint64_t size = snap_type_size(p->view, &in->type);
	if (!source->in_memory || size == 0 ||
		snap_view_read(p->view, source->addr + in->off, &byte, 1) > 0 ||
		snap_view_read(p->view, source->addr + in->off + size - 1, &byte, 1) > 0)
		return false;
	snap_printer_lack(p, SNAP_BITS_NOT_CAPTURED, source, in->off);
	return true;
}

bool snap_print_container(struct snap_printer *p, const struct snap_type *type,
	const struct snap_source *source, uint64_t off, int depth)
{
	if (!type->name || type->is_declaration || !snap_dwarf_unit_has_scopes(type->die.unit) ||
		depth >= SNAP_PRINT_MAX_DEPTH)
		return false;
	bool is_rust = type->die.unit->language == DW_LANG_Rust;
	const struct snap_part in = {.die = type->die, .type = *type, .off = off};
	for (size_t i = 0; i < sizeof(containers) / sizeof(containers[0]); i++)
		if (containers[i].is_rust == is_rust && has_name(type->name, containers[i].name) &&
			is_in_scope(type, containers[i].scope))
			return is_absent(p, &in, source) ||
			       containers[i].print(p, &in, source, depth);
	return false;
}
