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

/* ---------------------------------------------------------------- print_nodes.c */

/* Each as snap_print_container(), of one kind of container. */
typedef bool snap_container_fn(struct snap_printer *p, const struct snap_part *in,
	const struct snap_source *source, int depth);
snap_container_fn snap_print_list, snap_print_forward_list, snap_print_tree_map,
	snap_print_tree_multimap, snap_print_tree_set, snap_print_tree_multiset,
	snap_print_hash_map, snap_print_hash_multimap, snap_print_hash_set,
	snap_print_hash_multiset, snap_print_deque;

#endif
