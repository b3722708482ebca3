/*
 * What the standard libraries of C++ and Rust hold: strings, vectors, pointers that own, as they
 * are laid out by libstdc++ and by Rust's core and alloc.
 *
 * A type's name alone proves nothing: each member that is read has to be there, of the kind that is
 * expected, and what they say has to make sense together. If not, the structure is shown as it is.
 */
#include "analyze/variables/printer.h"

#include <dwarf.h>
#include <inttypes.h>
#include <string.h>

#include "analyze/dwarf/children.h"
#include "analyze/dwarf/names.h"

/* Bases, and members without a name, that a member is looked for in. */
#define MAX_BASES 8
/* No container is as long. */
#define MAX_LENGTH (UINT64_C(1) << 48)

/* A container, or a part of it. */
struct part {
	struct snap_die die; /* of its type, as it was declared */
	struct snap_type type;
	uint64_t off; /* in the source */
};

/* ---------------------------------------------------------------- members */

enum { P_NAME, P_TYPE, P_LOCATION, P_EXTERNAL, P_DECLARATION, P_BIT_SIZE, P_VIRTUALITY, NUM_ATTRS };
static const uint16_t attr_names[NUM_ATTRS] = {
	[P_NAME] = DW_AT_name,
	[P_TYPE] = DW_AT_type,
	[P_LOCATION] = DW_AT_data_member_location,
	[P_EXTERNAL] = DW_AT_external,
	[P_DECLARATION] = DW_AT_declaration,
	[P_BIT_SIZE] = DW_AT_bit_size,
	[P_VIRTUALITY] = DW_AT_virtuality,
};

/* Where a member is, or a base; false if it is none whose place is a number. */
static bool read_part(struct snap_printer *p, const struct part *in, const struct snap_child *child,
	const struct snap_attr *attrs, struct part *ret)
{
	uint64_t at = 0;
	if (snap_attr_flag(&attrs[P_EXTERNAL]) || snap_attr_flag(&attrs[P_DECLARATION]) ||
		snap_attr_is_there(&attrs[P_BIT_SIZE]) ||
		snap_attr_is_there(&attrs[P_VIRTUALITY]) ||
		(snap_attr_is_there(&attrs[P_LOCATION]) &&
			!snap_attr_unsigned(&attrs[P_LOCATION], &at)) ||
		!snap_view_reference(p->view, child->die.unit, &attrs[P_TYPE], &ret->die))
		return false;
	snap_type_read(p->view, ret->die, &ret->type);
	ret->off = in->off + at;
	return true;
}

/* The member of that name (len bytes of it), also in bases. False if there is none. */
static bool find_member(struct snap_printer *p, const struct part *in, const char *name, size_t len,
	int depth, struct part *ret)
{
	struct snap_children children;
	struct snap_child child;
	snap_children_begin(&children, in->type.die, &p->view->views->left.entries);
	while (snap_children_next(&children, &child)) {
		struct snap_attr attrs[NUM_ATTRS];
		struct part part;
		bool is_base = child.abbrev->tag == DW_TAG_inheritance;
		if ((!is_base && child.abbrev->tag != DW_TAG_member) ||
			!snap_view_attrs(p->view, child.die, attr_names, attrs, NUM_ATTRS) ||
			!read_part(p, in, &child, attrs, &part))
			continue;
		const char *its = snap_attr_string(child.die.unit, &attrs[P_NAME]);
		if (!is_base && its && strlen(its) == len && memcmp(its, name, len) == 0) {
			*ret = part;
			return true;
		}
		if ((is_base || !its) && depth < MAX_BASES &&
			find_member(p, &part, name, len, depth + 1, ret))
			return true;
	}
	return false;
}

/* A member of a member: "a/b". */
static bool find(struct snap_printer *p, const struct part *in, const char *path, struct part *ret)
{
	struct part part = *in;
	for (const char *name = path; *name;) {
		size_t len = strcspn(name, "/");
		if (!find_member(p, &part, name, len, 0, &part))
			return false;
		name += len + (name[len] == '/');
	}
	*ret = part;
	return true;
}

/* The type that a template's parameter of that name stands for. */
static bool find_parameter(
	struct snap_printer *p, const struct part *in, const char *name, struct snap_die *ret)
{
	static const uint16_t names[] = {DW_AT_name, DW_AT_type};
	struct snap_children children;
	struct snap_child child;
	snap_children_begin(&children, in->type.die, &p->view->views->left.entries);
	while (snap_children_next(&children, &child)) {
		struct snap_attr attrs[2];
		const char *its;
		if (child.abbrev->tag == DW_TAG_template_type_parameter &&
			snap_view_attrs(p->view, child.die, names, attrs, 2) &&
			(its = snap_attr_string(child.die.unit, &attrs[0])) &&
			strcmp(its, name) == 0)
			return snap_view_reference(p->view, child.die.unit, &attrs[1], ret);
	}
	return false;
}

static bool load(struct snap_printer *p, const struct snap_source *source, uint64_t off,
	unsigned int size, uint64_t *ret)
{
	uint8_t bytes[8];
	if (snap_printer_peek(p, source, off, bytes, size) != SNAP_BITS_KNOWN)
		return false;
	*ret = 0;
	for (unsigned int i = 0; i < size; i++)
		*ret = *ret << 8 | bytes[snap_printer_is_big(p) ? i : size - 1 - i];
	return true;
}

/* A pointer; *ret_target: of its type. */
static bool find_pointer(struct snap_printer *p, const struct part *in, const char *path,
	const struct snap_source *source, struct part *ret, uint64_t *ret_addr)
{
	unsigned int word = snap_arch_word(p->view->arch);
	return find(p, in, path, ret) && ret->type.tag == DW_TAG_pointer_type &&
	       (ret->type.size == 0 || ret->type.size == word) &&
	       load(p, source, ret->off, word, ret_addr);
}

/* A number without sign, as wide as an address. */
static bool find_size(struct snap_printer *p, const struct part *in, const char *path,
	const struct snap_source *source, uint64_t *ret)
{
	struct part part;
	unsigned int word = snap_arch_word(p->view->arch);
	return find(p, in, path, &part) && part.type.tag == DW_TAG_base_type &&
	       part.type.encoding == DW_ATE_unsigned && part.type.size == word &&
	       load(p, source, part.off, word, ret);
}

/* Bytes of what a pointer leads to; 0: not known. */
static uint64_t target_size(
	struct snap_printer *p, const struct part *pointer, struct snap_type *ret_target)
{
	snap_type_read(p->view, pointer->type.target, ret_target);
	return snap_type_size(p->view, ret_target);
}

/* ---------------------------------------------------------------- what they hold */

static bool print_string(struct snap_printer *p, const char *kind, uint64_t addr, uint64_t len)
{
	const struct snap_source text = {.in_memory = true, .addr = addr};
	uint8_t byte;
	if (len == 0) {
		p->counts.num[SNAP_BITS_KNOWN]++;
		snap_text_add(p->text, "\"\"");
		return true;
	}
	/* How long it is, is known then all the same. */
	if (snap_view_read(p->view, addr, &byte, 1) == 0)
		snap_text_addf(p->text, "%s of length %" PRIu64 " = ", kind, len);
	snap_print_text(p, &text, 0, len, true);
	return true;
}

static void print_vector(struct snap_printer *p, const struct part *pointer, uint64_t addr,
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

static void print_owned(
	struct snap_printer *p, const struct part *pointer, const struct snap_source *source)
{
	snap_text_add(p->text, " = {get() = ");
	snap_print_pointer(p, &pointer->type, source, pointer->off);
	snap_text_add(p->text, "}");
}

/* "std::unique_ptr<T>", by the template's parameter. False if it has none of that name. */
static bool print_of(
	struct snap_printer *p, const char *name, const struct part *in, const char *parameter)
{
	char buf[256];
	struct snap_text of;
	struct snap_die type;
	if (!find_parameter(p, in, parameter, &type))
		return false;
	snap_text_init(&of, buf, sizeof(buf));
	snap_type_name(p->view, type, &of);
	snap_text_addf(p->text, "%s<%s>", name, buf);
	return true;
}

/* ---------------------------------------------------------------- libstdc++ */

/*
 * Where a string's characters are: a pointer in a class of its own, which clang leaves to libstdc++
 * to describe. Then it is what is as large as a pointer, between the beginning and the length.
 */
static bool find_characters(struct snap_printer *p, const struct part *in,
	const struct snap_source *source, uint64_t *ret_addr)
{
	struct part holder, pointer, len;
	struct snap_type character;
	struct snap_die character_die;
	unsigned int word = snap_arch_word(p->view->arch);
	if (find_pointer(p, in, "_M_dataplus/_M_p", source, &pointer, ret_addr))
		return target_size(p, &pointer, &character) == 1 &&
		       snap_type_is_character(&character);
	if (!find(p, in, "_M_dataplus", &holder) || !holder.type.is_declaration ||
		!holder.type.name || strcmp(holder.type.name, "_Alloc_hider") != 0 ||
		!find(p, in, "_M_string_length", &len) || len.off != holder.off + word ||
		!find_parameter(p, in, "_CharT", &character_die))
		return false;
	snap_type_read(p->view, character_die, &character);
	return snap_type_is_character(&character) && load(p, source, holder.off, word, ret_addr);
}

static bool cxx_string(
	struct snap_printer *p, const struct part *in, const struct snap_source *source, int depth)
{
	struct part local;
	uint64_t addr, len, capacity, room;
	(void)depth;
	if (!find_characters(p, in, source, &addr) ||
		!find_size(p, in, "_M_string_length", source, &len) ||
		!find(p, in, "_M_local_buf", &local) || local.type.tag != DW_TAG_array_type ||
		(room = snap_type_size(p->view, &local.type)) == 0 ||
		!find_size(p, in, "_M_allocated_capacity", source, &capacity))
		return false;
	/* What does not fit into the string itself is elsewhere, with more room than that has. */
	if (source->in_memory && addr == source->addr + local.off)
		capacity = room - 1;
	else if (capacity < room)
		return false;
	if (addr == 0 || len > capacity || len > MAX_LENGTH)
		return false;
	return print_string(p, "std::string", addr, len);
}

static bool cxx_string_view(
	struct snap_printer *p, const struct part *in, const struct snap_source *source, int depth)
{
	struct part pointer;
	struct snap_type target;
	uint64_t addr, len;
	(void)depth;
	if (!find_pointer(p, in, "_M_str", source, &pointer, &addr) ||
		target_size(p, &pointer, &target) != 1 || !snap_type_is_character(&target) ||
		!find_size(p, in, "_M_len", source, &len) || len > MAX_LENGTH ||
		(addr == 0 && len > 0))
		return false;
	return print_string(p, "std::string_view", addr, len);
}

static bool cxx_vector(
	struct snap_printer *p, const struct part *in, const struct snap_source *source, int depth)
{
	struct part first, last, end;
	struct snap_type target;
	uint64_t start_addr, finish_addr, end_addr, len;
	if (!find_pointer(p, in, "_M_impl/_M_start", source, &first, &start_addr) ||
		!find_pointer(p, in, "_M_impl/_M_finish", source, &last, &finish_addr) ||
		!find_pointer(p, in, "_M_impl/_M_end_of_storage", source, &end, &end_addr) ||
		(len = target_size(p, &first, &target)) == 0 || start_addr > finish_addr ||
		finish_addr > end_addr || (finish_addr - start_addr) % len != 0 ||
		(end_addr - start_addr) % len != 0 || (start_addr == 0 && end_addr != 0) ||
		end_addr - start_addr > MAX_LENGTH)
		return false;
	uint64_t count = (finish_addr - start_addr) / len;
	snap_text_addf(p->text, "std::vector of length %" PRIu64 ", capacity %" PRIu64, count,
		(end_addr - start_addr) / len);
	print_vector(p, &first, start_addr, count, len, depth);
	return true;
}

/* Its pointer is the first part of a tuple, whose other one is what deletes. */
static bool cxx_unique_ptr(
	struct snap_printer *p, const struct part *in, const struct snap_source *source, int depth)
{
	struct part tuple, impl, head, pointer;
	uint64_t addr;
	struct snap_children children;
	struct snap_child child;
	bool found = false;
	(void)depth;
	/* _M_t of unique_ptr, of what implements it, and the tuple's one base. */
	if (!find(p, in, "_M_t/_M_t", &tuple))
		return false;
	impl = tuple;
	for (int i = 0; i < 2; i++) {
		/* The tuple's base; and that base's own which is no tuple. */
		found = false;
		snap_children_begin(&children, impl.type.die, &p->view->views->left.entries);
		while (snap_children_next(&children, &child)) {
			struct snap_attr attrs[NUM_ATTRS];
			if (child.abbrev->tag != DW_TAG_inheritance ||
				!snap_view_attrs(
					p->view, child.die, attr_names, attrs, NUM_ATTRS) ||
				!read_part(p, &impl, &child, attrs, &head) || !head.type.name ||
				strncmp(head.type.name, i == 0 ? "_Tuple_impl<0" : "_Head_base<0",
					i == 0 ? 13 : 12) != 0)
				continue;
			found = true;
			break;
		}
		if (!found)
			return false;
		impl = head;
	}
	if (!find_pointer(p, &impl, "_M_head_impl", source, &pointer, &addr) ||
		!print_of(p, "std::unique_ptr", in, "_Tp"))
		return false;
	print_owned(p, &pointer, source);
	return true;
}

static bool print_counts(struct snap_printer *p, const struct part *counted, uint64_t addr)
{
	struct part block = {.die = counted->type.target}, use, weak;
	const struct snap_source memory = {.in_memory = true, .addr = addr};
	uint64_t num_use, num_weak;
	if (addr == 0) {
		snap_text_add(p->text, " (empty)");
		return true;
	}
	snap_type_read(p->view, block.die, &block.type);
	if (!find(p, &block, "_M_use_count", &use) || !find(p, &block, "_M_weak_count", &weak) ||
		use.type.size != 4 || weak.type.size != 4)
		return false;
	if (!load(p, &memory, use.off, 4, &num_use) || !load(p, &memory, weak.off, 4, &num_weak)) {
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

static bool cxx_counted_ptr(struct snap_printer *p, const char *name, const struct part *in,
	const struct snap_source *source)
{
	struct part pointer, counted;
	uint64_t addr, counted_addr;
	size_t begun = p->text->len;
	if (!find_pointer(p, in, "_M_ptr", source, &pointer, &addr) ||
		!find_pointer(p, in, "_M_refcount/_M_pi", source, &counted, &counted_addr) ||
		!print_of(p, name, in, "_Tp"))
		return false;
	if (!print_counts(p, &counted, counted_addr)) {
		snap_text_rewind(p->text, begun);
		return false;
	}
	print_owned(p, &pointer, source);
	return true;
}

static bool cxx_shared_ptr(
	struct snap_printer *p, const struct part *in, const struct snap_source *source, int depth)
{
	(void)depth;
	return cxx_counted_ptr(p, "std::shared_ptr", in, source);
}

static bool cxx_weak_ptr(
	struct snap_printer *p, const struct part *in, const struct snap_source *source, int depth)
{
	(void)depth;
	return cxx_counted_ptr(p, "std::weak_ptr", in, source);
}

static bool cxx_optional(
	struct snap_printer *p, const struct part *in, const struct snap_source *source, int depth)
{
	struct part engaged, value;
	uint64_t has;
	if (!find(p, in, "_M_payload/_M_engaged", &engaged) ||
		engaged.type.encoding != DW_ATE_boolean || engaged.type.size != 1 ||
		!find(p, in, "_M_payload/_M_payload/_M_value", &value) ||
		!load(p, source, engaged.off, 1, &has) || has > 1 ||
		!print_of(p, "std::optional", in, "_Tp"))
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

/* ---------------------------------------------------------------- Rust */

/* A reference to bytes that are text, or to elements. */
static bool rust_slice(
	struct snap_printer *p, const struct part *in, const struct snap_source *source, int depth)
{
	struct part pointer;
	struct snap_type target;
	uint64_t addr, count, len;
	const char *name = in->type.name;
	if (!find_pointer(p, in, "data_ptr", source, &pointer, &addr) ||
		!find_size(p, in, "length", source, &count) || addr == 0 ||
		(len = target_size(p, &pointer, &target)) == 0 || count > MAX_LENGTH / len)
		return false;
	size_t name_len = strlen(name);
	if (name_len >= 3 && strcmp(name + name_len - 3, "str") == 0)
		return len == 1 && print_string(p, "&str", addr, count);
	snap_text_addf(p->text, "%.200s(size=%" PRIu64 ")", name, count);
	print_vector(p, &pointer, addr, count, len, depth);
	return true;
}

/* Where a Vec's elements are: its buffer has been rearranged from time to time. */
static bool find_buffer(struct snap_printer *p, const struct part *vec,
	const struct snap_source *source, struct part *ret, uint64_t *ret_addr)
{
	static const char *const paths[] = {
		"buf/inner/ptr/pointer/pointer", /* from 1.83 on: of bytes */
		"buf/ptr/pointer/pointer",
		"buf/ptr/pointer",
	};
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
		if (find_pointer(p, vec, paths[i], source, ret, ret_addr))
			return *ret_addr != 0;
	return false;
}

static bool rust_vec(
	struct snap_printer *p, const struct part *in, const struct snap_source *source, int depth)
{
	struct part pointer;
	struct snap_type element;
	uint64_t addr, count, len;
	if (!find_buffer(p, in, source, &pointer, &addr) ||
		!find_size(p, in, "len", source, &count) ||
		!find_parameter(p, in, "T", &pointer.type.target))
		return false;
	snap_type_read(p->view, pointer.type.target, &element);
	len = snap_type_size(p->view, &element);
	if (len == 0 || count > MAX_LENGTH / len)
		return false;
	snap_text_addf(p->text, "Vec(size=%" PRIu64 ")", count);
	print_vector(p, &pointer, addr, count, len, depth);
	return true;
}

static bool rust_string(
	struct snap_printer *p, const struct part *in, const struct snap_source *source, int depth)
{
	struct part vec, pointer;
	uint64_t addr, count;
	(void)depth;
	if (!find(p, in, "vec", &vec) || !find_buffer(p, &vec, source, &pointer, &addr) ||
		!find_size(p, &vec, "len", source, &count) || count > MAX_LENGTH)
		return false;
	return print_string(p, "String", addr, count);
}

/* ---------------------------------------------------------------- which one */

static const struct {
	const char *scope; /* NULL: none */
	const char *name;  /* what ends with "<" or "[" goes on behind it */
	bool is_rust;
	bool (*print)(struct snap_printer *p, const struct part *in,
		const struct snap_source *source, int depth);
} containers[] = {
	{"std::__cxx11", "basic_string<", false, cxx_string},
	{"std", "basic_string_view<", false, cxx_string_view},
	{"std", "vector<", false, cxx_vector},
	{"std", "unique_ptr<", false, cxx_unique_ptr},
	{"std", "shared_ptr<", false, cxx_shared_ptr},
	{"std", "weak_ptr<", false, cxx_weak_ptr},
	{"std", "optional<", false, cxx_optional},
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
	return last == '<' || last == '[' ? strncmp(name, wanted, len) == 0
					  : strcmp(name, wanted) == 0;
}

/* Looked for last: a unit's scopes have to be read for it. */
static bool is_in_scope(const struct snap_type *type, const char *scope)
{
	char name[512];
	if (!scope)
		return true;
	size_t len = strlen(scope);
	return snap_dwarf_qualify(type->die, "", name, sizeof(name)) &&
	       strncmp(name, scope, len) == 0 && strcmp(name + len, "::") == 0;
}

/* Whether nothing of it is there; then that is said once, not of each member. */
static bool is_absent(
	struct snap_printer *p, const struct part *in, const struct snap_source *source)
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
	const struct part in = {.die = type->die, .type = *type, .off = off};
	for (size_t i = 0; i < sizeof(containers) / sizeof(containers[0]); i++)
		if (containers[i].is_rust == is_rust && has_name(type->name, containers[i].name))
			return is_in_scope(type, containers[i].scope) &&
			       (is_absent(p, &in, source) ||
				       containers[i].print(p, &in, source, depth));
	return false;
}
