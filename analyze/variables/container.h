/*
 * What the printers of containers share: parts of a structure found by the names of its members.
 */
#ifndef SNAP_ANALYZE_VARIABLES_CONTAINER_H
#define SNAP_ANALYZE_VARIABLES_CONTAINER_H

#include "analyze/variables/printer.h"

/* A container, or a part of it. */
struct snap_part {
	struct snap_die die; /* of its type, as it was declared */
	struct snap_type type;
	uint64_t off; /* in the source */
};

/* A member, or a member of a member, "a/b"; also in bases. False if there is none. */
bool snap_part_find(struct snap_printer *p, const struct snap_part *in, const char *path,
	struct snap_part *ret);
/* A base whose type's name begins so. */
bool snap_part_base(struct snap_printer *p, const struct snap_part *in, const char *prefix,
	struct snap_part *ret);
/* The type that a template's parameter of that name stands for, or the index-th of its pack. */
bool snap_part_parameter(
	struct snap_printer *p, const struct snap_part *in, const char *name, struct snap_die *ret);
bool snap_part_pack(
	struct snap_printer *p, const struct snap_part *in, uint64_t index, struct snap_die *ret);

bool snap_part_load(struct snap_printer *p, const struct snap_source *source, uint64_t off,
	unsigned int size, uint64_t *ret);
/* A member that is a pointer, and its value. */
bool snap_part_pointer(struct snap_printer *p, const struct snap_part *in, const char *path,
	const struct snap_source *source, struct snap_part *ret, uint64_t *ret_addr);
/* The value of a member that is a number without sign, as wide as an address. */
bool snap_part_size(struct snap_printer *p, const struct snap_part *in, const char *path,
	const struct snap_source *source, uint64_t *ret);
/* Bytes of what a pointer leads to; 0: not known. */
uint64_t snap_part_target_size(
	struct snap_printer *p, const struct snap_part *pointer, struct snap_type *ret_target);

/* What a type's addresses are multiples of, at most: no ABI has more than natural alignment. 0: not
 * known. */
uint64_t snap_part_align(struct snap_printer *p, struct snap_die die);

/* ---------------------------------------------------------------- what they hold */

/* No container is as long. */
#define SNAP_HELD_MAX_LENGTH (UINT64_C(1) << 48)

/*
 * So many characters at the address; kind: "std::string", for one that is not there. False: there
 * can't be as many.
 */
bool snap_held_string(struct snap_printer *p, const char *kind, const struct snap_character *of,
	uint64_t addr, uint64_t len);
/* The same of C++'s, which are called by what they are made of; suffix: "" or "_view". */
bool snap_held_cxx_string(struct snap_printer *p, const struct snap_character *of,
	const char *suffix, uint64_t addr, uint64_t len);
/* A pointer to characters of any kind; NULL: it is none. */
const struct snap_character *snap_part_characters(struct snap_printer *p,
	const struct snap_part *in, const char *path, const struct snap_source *source,
	struct snap_part *ret, uint64_t *ret_addr);
/* " = {...}": elements of len bytes, of the type that pointer leads to; none: nothing. */
void snap_held_elements(struct snap_printer *p, const struct snap_part *pointer, uint64_t addr,
	uint64_t count, uint64_t len, int depth);
/* A vector of bits: words at the address, from the least significant bit on. */
void snap_held_bits(struct snap_printer *p, uint64_t addr, uint64_t count, uint64_t capacity);
/* " = {get() = 0x10}" */
void snap_held_pointer(
	struct snap_printer *p, const struct snap_part *pointer, const struct snap_source *source);
/* "std::unique_ptr<T>", by the template's parameter. False if it has none of that name. */
bool snap_held_name(struct snap_printer *p, const char *name, const struct snap_part *in,
	const char *parameter);
/* " (use count 2, weak count 1)" of what is counted, at addr. False if it makes no sense. */
typedef bool snap_counts_fn(struct snap_printer *p, const struct snap_part *counted, uint64_t addr);
/* A std::shared_ptr or its like, whose members are at these paths. */
bool snap_held_counted(struct snap_printer *p, const char *name, const struct snap_part *in,
	const struct snap_source *source, const char *pointer_path, const char *counted_path,
	snap_counts_fn *print_counts);

/* ---------------------------------------------------------------- print_nodes.c */

/* Each as snap_print_container(), of one kind of container. */
typedef bool snap_container_fn(struct snap_printer *p, const struct snap_part *in,
	const struct snap_source *source, int depth);
snap_container_fn snap_print_list, snap_print_forward_list, snap_print_tree_map,
	snap_print_tree_multimap, snap_print_tree_set, snap_print_tree_multiset,
	snap_print_hash_map, snap_print_hash_multimap, snap_print_hash_set,
	snap_print_hash_multiset, snap_print_deque;

/* ---------------------------------------------------------------- print_libcxx.c */

snap_container_fn snap_libcxx_string, snap_libcxx_string_view, snap_libcxx_vector,
	snap_libcxx_vector_bool, snap_libcxx_unique_ptr, snap_libcxx_shared_ptr,
	snap_libcxx_weak_ptr, snap_libcxx_optional, snap_libcxx_variant, snap_libcxx_tuple;

/* ---------------------------------------------------------------- print_libcxx_nodes.c */

snap_container_fn snap_libcxx_list, snap_libcxx_forward_list, snap_libcxx_deque, snap_libcxx_map,
	snap_libcxx_multimap, snap_libcxx_set, snap_libcxx_multiset, snap_libcxx_hash_map,
	snap_libcxx_hash_multimap, snap_libcxx_hash_set, snap_libcxx_hash_multiset;

#endif
