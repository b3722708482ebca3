/*
 * Nodes of containers, and what stands in them: what the printers of libstdc++'s and of libc++'s
 * share.
 *
 * Hostile: nodes may lead anywhere and round in circles. No more are followed than are listed, nor
 * more than the container says that it has; each link has to fit the one before, as far as it is
 * followed, or the container is shown as the structure that it is.
 */
#ifndef SNAP_ANALYZE_VARIABLES_NODES_H
#define SNAP_ANALYZE_VARIABLES_NODES_H

#include "analyze/variables/container.h"

/* No container has more. */
#define SNAP_NODES_MAX_COUNT (UINT64_C(1) << 40)

/* Nodes in the order of their elements. */
struct snap_nodes {
	uint64_t addrs[SNAP_PRINT_MAX_ELEMENTS];
	size_t num;
	uint64_t lost; /* where a link was to be read that was not captured, behind the last one; 0:
			  none */
	bool has_more;
};

struct snap_node_elements {
	const char *name;     /* "std::map" */
	struct snap_die type; /* of each */
	uint64_t off;	      /* in a node */
	bool is_map, has_count;
	uint64_t count;
};

/* Behind the links, which take `links` bytes: only if no alignment moves it from there. */
bool snap_nodes_place_elements(
	struct snap_printer *p, uint64_t links, struct snap_node_elements *elements);

/* The container. False, and nothing is printed, if elements of a map are no pairs. */
bool snap_nodes_print(struct snap_printer *p, const struct snap_node_elements *elements,
	const struct snap_nodes *nodes, int depth);

/*
 * A function that prints one kind of containers by another one that takes elements; its_name: "std::map".
 */
#define SNAP_NODES_PRINTER(function, print, its_name, its_is_map)                                  \
	bool function(struct snap_printer *p, const struct snap_part *in,                          \
		const struct snap_source *source, int depth)                                       \
	{                                                                                          \
		struct snap_node_elements elements = {.name = (its_name), .is_map = (its_is_map)}; \
		return print(p, in, source, depth, &elements);                                     \
	}

/* Where the links stand in a node of a list. */
struct snap_list_links {
	uint64_t next, back;
	bool has_back;
};

/*
 * Nodes from addr on, each with the address of the next one; `end` is behind the last. count: how
 * many there are; UINT64_MAX: not known. False if they don't fit.
 */
bool snap_nodes_follow(struct snap_printer *p, const struct snap_list_links *links, uint64_t addr,
	uint64_t end, uint64_t count, struct snap_nodes *ret);

/* Where the links stand in a node of a binary tree. */
struct snap_tree_links {
	uint64_t header; /* the address of the node that is above the root */
	uint64_t parent, left, right;
};

/* From the leftmost one on. False if they don't fit. */
bool snap_nodes_walk(struct snap_printer *p, const struct snap_tree_links *tree, uint64_t first,
	uint64_t count, struct snap_nodes *ret);

#endif
