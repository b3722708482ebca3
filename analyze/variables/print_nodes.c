/*
 * libstdc++'s containers whose elements stand in nodes of their own, or in blocks: lists, trees,
 * hash tables, deques.
 *
 * Hostile: nodes may lead anywhere and round in circles. No more are followed than are listed, nor
 * more than the container says that it has; each link has to fit the one before, as far as it is
 * followed, or the container is shown as the structure that it is.
 */
#include "analyze/variables/container.h"

#include <dwarf.h>
#include <inttypes.h>

/* No tree of a real program is deeper: twice the logarithm of how many nodes there may be. */
#define MAX_TREE_DEPTH 128
#define MAX_COUNT      (UINT64_C(1) << 40)

/* Nodes in the order of their elements. */
struct nodes {
	uint64_t addrs[SNAP_PRINT_MAX_ELEMENTS];
	size_t num;
	uint64_t lost; /* where a link was to be read that was not captured, behind the last one; 0:
			  none */
	bool has_more;
};

enum link {
	LINK_READ,
	LINK_NOT_CAPTURED,
	LINK_BAD, /* too much work */
};

static enum link read_link(struct snap_printer *p, uint64_t addr, uint64_t *ret)
{
	const struct snap_source memory = {.in_memory = true, .addr = addr};
	uint64_t *left = &p->view->views->left.steps;
	if (*left == 0)
		return LINK_BAD;
	(*left)--;
	return snap_part_load(p, &memory, 0, snap_arch_word(p->view->arch), ret)
		       ? LINK_READ
		       : LINK_NOT_CAPTURED;
}

/* ---------------------------------------------------------------- what is in the nodes */

struct elements {
	const char *name;     /* "std::map" */
	struct snap_die type; /* of each */
	uint64_t off;	      /* in a node */
	bool is_map, has_count;
	uint64_t count;
};

/* Behind the links, which take `links` bytes: only if no alignment moves it from there. */
static bool place_elements(struct snap_printer *p, uint64_t links, struct elements *elements)
{
	uint64_t align = snap_part_align(p, elements->type);
	elements->off = links;
	return align > 0 && links % align == 0;
}

/* "["key"] = value"; false if it is no pair. */
static bool print_entry(struct snap_printer *p, const struct elements *elements,
	const struct snap_source *node, int depth)
{
	struct snap_part pair = {.die = elements->type, .off = elements->off}, first, second;
	snap_type_read(p->view, pair.die, &pair.type);
	if (!snap_part_find(p, &pair, "first", &first) ||
		!snap_part_find(p, &pair, "second", &second))
		return false;
	snap_text_add(p->text, "[");
	snap_print_type(p, first.die, node, first.off, depth + 1);
	snap_text_add(p->text, "] = ");
	snap_print_type(p, second.die, node, second.off, depth + 1);
	return true;
}

static bool print_elements(struct snap_printer *p, const struct elements *elements,
	const struct nodes *nodes, int depth)
{
	size_t begun = p->text->len;
	if (elements->has_count)
		snap_text_addf(p->text, "%s with %" PRIu64 " element%s", elements->name,
			elements->count, elements->count == 1 ? "" : "s");
	else
		snap_text_addf(p->text, "%s%s", nodes->num == 0 && nodes->lost == 0 ? "empty " : "",
			elements->name);
	p->counts.num[SNAP_BITS_KNOWN]++;
	if (nodes->num == 0 && nodes->lost == 0)
		return true;
	snap_text_add(p->text, " = {");
	for (size_t i = 0; i < nodes->num && !p->text->is_cut; i++) {
		const struct snap_source node = {.in_memory = true, .addr = nodes->addrs[i]};
		snap_text_add(p->text, i > 0 ? ", " : "");
		if (elements->is_map && !print_entry(p, elements, &node, depth)) {
			snap_text_rewind(p->text, begun);
			return false;
		}
		if (!elements->is_map) {
			snap_text_addf(p->text, "[%zu] = ", i);
			snap_print_type(p, elements->type, &node, elements->off, depth + 1);
		}
	}
	if (nodes->lost) {
		const struct snap_source lost = {.in_memory = true, .addr = nodes->lost};
		snap_text_add(p->text, nodes->num > 0 ? ", " : "");
		snap_printer_lack(p, SNAP_BITS_NOT_CAPTURED, &lost, 0);
		snap_text_add(p->text, "...");
	} else if (nodes->has_more) {
		snap_text_add(p->text, "...");
	}
	snap_text_add(p->text, "}");
	return true;
}

/* ---------------------------------------------------------------- lists */

/*
 * Nodes from addr on, each the address of the next one; `end` is behind the last. count: how many
 * there are; UINT64_MAX: not known. back: where in a node the address of the one before stands; 0:
 * nowhere. False if they don't fit.
 */
static bool follow(struct snap_printer *p, uint64_t addr, uint64_t end, uint64_t count,
	uint64_t back, struct nodes *ret)
{
	uint64_t before = end, its;
	enum link link;
	ret->num = 0;
	ret->lost = 0;
	ret->has_more = false;
	while (addr != end) {
		if (addr == 0 || ret->num >= count)
			return false;
		if (ret->num == SNAP_PRINT_MAX_ELEMENTS) {
			ret->has_more = true;
			return true;
		}
		for (size_t i = 0; back == 0 && i < ret->num; i++)
			if (ret->addrs[i] == addr)
				return false; /* in a circle */
		if (back > 0 && (link = read_link(p, addr + back, &its)) != LINK_READ) {
			ret->lost = addr + back;
			return link == LINK_NOT_CAPTURED;
		}
		if (back > 0 && its != before)
			return false;
		uint64_t next;
		if ((link = read_link(p, addr, &next)) != LINK_READ) {
			ret->lost = addr;
			return link == LINK_NOT_CAPTURED;
		}
		ret->addrs[ret->num++] = addr;
		before = addr;
		addr = next;
	}
	return count == UINT64_MAX || ret->num == count;
}

bool snap_print_list(struct snap_printer *p, const struct snap_part *in,
	const struct snap_source *source, int depth)
{
	struct snap_part next, before;
	struct nodes nodes;
	struct elements elements = {.name = "std::list"};
	uint64_t first, last, count;
	unsigned int word = snap_arch_word(p->view->arch);
	return source->in_memory &&
	       snap_part_pointer(p, in, "_M_impl/_M_node/_M_next", source, &next, &first) &&
	       snap_part_pointer(p, in, "_M_impl/_M_node/_M_prev", source, &before, &last) &&
	       before.off == next.off + word &&
	       snap_part_size(p, in, "_M_impl/_M_node/_M_size", source, &count) &&
	       count <= MAX_COUNT && snap_part_parameter(p, in, "_Tp", &elements.type) &&
	       place_elements(p, 2 * word, &elements) &&
	       follow(p, first, source->addr + next.off, count, word, &nodes) &&
	       print_elements(p, &elements, &nodes, depth);
}

bool snap_print_forward_list(struct snap_printer *p, const struct snap_part *in,
	const struct snap_source *source, int depth)
{
	struct snap_part head;
	struct nodes nodes;
	struct elements elements = {.name = "std::forward_list"};
	uint64_t first;
	return snap_part_pointer(p, in, "_M_impl/_M_head/_M_next", source, &head, &first) &&
	       snap_part_parameter(p, in, "_Tp", &elements.type) &&
	       place_elements(p, snap_arch_word(p->view->arch), &elements) &&
	       follow(p, first, 0, UINT64_MAX, 0, &nodes) &&
	       print_elements(p, &elements, &nodes, depth);
}

/* ---------------------------------------------------------------- hash tables */

static bool print_hash(struct snap_printer *p, const struct snap_part *in,
	const struct snap_source *source, int depth, struct elements *elements)
{
	struct snap_part table, head, buckets;
	struct nodes nodes;
	uint64_t first, buckets_addr;
	elements->has_count = true;
	return snap_part_find(p, in, "_M_h", &table) &&
	       snap_part_parameter(p, &table, "_Value", &elements->type) &&
	       snap_part_pointer(p, in, "_M_h/_M_before_begin/_M_nxt", source, &head, &first) &&
	       snap_part_pointer(p, in, "_M_h/_M_buckets", source, &buckets, &buckets_addr) &&
	       buckets_addr != 0 &&
	       snap_part_size(p, in, "_M_h/_M_element_count", source, &elements->count) &&
	       elements->count <= MAX_COUNT &&
	       place_elements(p, snap_arch_word(p->view->arch), elements) &&
	       follow(p, first, 0, elements->count, 0, &nodes) &&
	       print_elements(p, elements, &nodes, depth);
}

#define HASH(function, its_name, its_is_map)                                                       \
	bool function(struct snap_printer *p, const struct snap_part *in,                          \
		const struct snap_source *source, int depth)                                       \
	{                                                                                          \
		struct elements elements = {.name = (its_name), .is_map = (its_is_map)};           \
		return print_hash(p, in, source, depth, &elements);                                \
	}
HASH(snap_print_hash_map, "std::unordered_map", true)
HASH(snap_print_hash_multimap, "std::unordered_multimap", true)
HASH(snap_print_hash_set, "std::unordered_set", false)
HASH(snap_print_hash_multiset, "std::unordered_multiset", false)

/* ---------------------------------------------------------------- trees */

/* Where the links stand in a node. */
struct tree {
	uint64_t header; /* the address of the node that is above the root */
	uint64_t parent, left, right;
};

/* A child of a node, which has to know its parent; 0: none. */
static enum link read_child(struct snap_printer *p, const struct tree *tree, uint64_t addr,
	uint64_t off, uint64_t *ret, uint64_t *ret_lost)
{
	uint64_t parent;
	*ret_lost = addr + off;
	enum link link = read_link(p, addr + off, ret);
	if (link != LINK_READ || *ret == 0)
		return link;
	*ret_lost = *ret + tree->parent;
	link = read_link(p, *ret + tree->parent, &parent);
	return link == LINK_READ && parent != addr ? LINK_BAD : link;
}

/* The next one in order: *addr becomes it, or the header. */
static enum link step(
	struct snap_printer *p, const struct tree *tree, uint64_t *addr, uint64_t *ret_lost)
{
	uint64_t next, below;
	enum link link = read_child(p, tree, *addr, tree->right, &next, ret_lost);
	if (link != LINK_READ)
		return link;
	if (next != 0) {
		for (int i = 0; i < MAX_TREE_DEPTH; i++) {
			*addr = next;
			link = read_child(p, tree, *addr, tree->left, &next, ret_lost);
			if (link != LINK_READ || next == 0)
				return link;
		}
		return LINK_BAD;
	}
	for (int i = 0; i < MAX_TREE_DEPTH; i++) {
		below = *addr;
		*ret_lost = below + tree->parent;
		link = read_link(p, *ret_lost, addr);
		if (link != LINK_READ || *addr == tree->header)
			return link;
		*ret_lost = *addr + tree->right;
		link = read_link(p, *ret_lost, &next);
		if (link != LINK_READ || next != below)
			return link;
	}
	return LINK_BAD;
}

/* From the leftmost one on. False if they don't fit. */
static bool walk(struct snap_printer *p, const struct tree *tree, uint64_t first, uint64_t count,
	struct nodes *ret)
{
	uint64_t addr = first;
	ret->num = 0;
	ret->lost = 0;
	ret->has_more = false;
	while (addr != tree->header) {
		if (addr == 0 || ret->num >= count)
			return false;
		if (ret->num == SNAP_PRINT_MAX_ELEMENTS) {
			ret->has_more = true;
			return true;
		}
		ret->addrs[ret->num++] = addr;
		uint64_t lost;
		enum link link = step(p, tree, &addr, &lost);
		if (link != LINK_READ) {
			ret->lost = lost;
			return link == LINK_NOT_CAPTURED;
		}
	}
	return ret->num == count;
}

static bool print_tree(struct snap_printer *p, const struct snap_part *in,
	const struct snap_source *source, int depth, struct elements *elements)
{
	struct snap_part all, header, parent, left, right;
	struct nodes nodes;
	uint64_t root, first, last, size;
	elements->has_count = true;
	if (!source->in_memory || !snap_part_find(p, in, "_M_t", &all) ||
		!snap_part_parameter(p, &all, "_Val", &elements->type) ||
		!snap_part_find(p, in, "_M_t/_M_impl/_M_header", &header) ||
		!snap_part_pointer(p, &header, "_M_parent", source, &parent, &root) ||
		!snap_part_pointer(p, &header, "_M_left", source, &left, &first) ||
		!snap_part_pointer(p, &header, "_M_right", source, &right, &last) ||
		!snap_part_size(p, in, "_M_t/_M_impl/_M_node_count", source, &elements->count) ||
		elements->count > MAX_COUNT || (root == 0) != (elements->count == 0) ||
		(size = snap_type_size(p->view, &header.type)) == 0 ||
		!place_elements(p, size, elements))
		return false;
	const struct tree tree = {
		.header = source->addr + header.off,
		.parent = parent.off - header.off,
		.left = left.off - header.off,
		.right = right.off - header.off,
	};
	return walk(p, &tree, first, elements->count, &nodes) &&
	       print_elements(p, elements, &nodes, depth);
}

#define TREE(function, its_name, its_is_map)                                                       \
	bool function(struct snap_printer *p, const struct snap_part *in,                          \
		const struct snap_source *source, int depth)                                       \
	{                                                                                          \
		struct elements elements = {.name = (its_name), .is_map = (its_is_map)};           \
		return print_tree(p, in, source, depth, &elements);                                \
	}
TREE(snap_print_tree_map, "std::map", true)
TREE(snap_print_tree_multimap, "std::multimap", true)
TREE(snap_print_tree_set, "std::set", false)
TREE(snap_print_tree_multiset, "std::multiset", false)

/* ---------------------------------------------------------------- deques */

/* An end of it: an element in a block that the map has at `node`. */
struct end {
	uint64_t cur, first, last, node;
};

static bool find_end(struct snap_printer *p, const struct snap_part *in, const char *path,
	const struct snap_source *source, struct snap_part *ret_element, struct end *ret)
{
	struct snap_part end, part;
	return snap_part_find(p, in, path, &end) &&
	       snap_part_pointer(p, &end, "_M_cur", source, ret_element, &ret->cur) &&
	       snap_part_pointer(p, &end, "_M_first", source, &part, &ret->first) &&
	       snap_part_pointer(p, &end, "_M_last", source, &part, &ret->last) &&
	       snap_part_pointer(p, &end, "_M_node", source, &part, &ret->node);
}

/* Blocks have 512 bytes, or one element (_GLIBCXX_DEQUE_BUF_SIZE). */
#define BLOCK_BYTES 512

static bool is_sound(const struct end *end, uint64_t block, uint64_t len, uint64_t map,
	uint64_t map_end, unsigned int word)
{
	return end->node >= map && end->node < map_end && (end->node - map) % word == 0 &&
	       end->last - end->first == block * len && end->last > end->first &&
	       end->cur >= end->first && end->cur < end->last && (end->cur - end->first) % len == 0;
}

bool snap_print_deque(struct snap_printer *p, const struct snap_part *in,
	const struct snap_source *source, int depth)
{
	struct snap_part element, map_part;
	struct snap_type type;
	struct end begin, finish;
	uint64_t map, map_size, len;
	unsigned int word = snap_arch_word(p->view->arch);
	if (!snap_part_pointer(p, in, "_M_impl/_M_map", source, &map_part, &map) ||
		!snap_part_size(p, in, "_M_impl/_M_map_size", source, &map_size) ||
		!find_end(p, in, "_M_impl/_M_start", source, &element, &begin) ||
		!find_end(p, in, "_M_impl/_M_finish", source, &element, &finish) ||
		(len = snap_part_target_size(p, &element, &type)) == 0 || len > UINT32_MAX ||
		map_size > MAX_COUNT || map > UINT64_MAX - map_size * word)
		return false;
	uint64_t block = len < BLOCK_BYTES ? BLOCK_BYTES / len : 1, map_end = map + map_size * word;
	if (!is_sound(&begin, block, len, map, map_end, word) ||
		!is_sound(&finish, block, len, map, map_end, word) || begin.node > finish.node ||
		(begin.node == finish.node && begin.cur > finish.cur))
		return false;
	uint64_t blocks = (finish.node - begin.node) / word,
		 skipped = (begin.cur - begin.first) / len;
	uint64_t count = blocks * block + (finish.cur - finish.first) / len - skipped;
	p->counts.num[SNAP_BITS_KNOWN]++;
	snap_text_addf(
		p->text, "std::deque with %" PRIu64 " element%s", count, count == 1 ? "" : "s");
	if (count == 0)
		return true;
	snap_text_add(p->text, " = {");
	uint64_t addr = 0;
	for (uint64_t i = 0; i < count && !p->text->is_cut; i++) {
		uint64_t at = skipped + i;
		snap_text_add(p->text, i > 0 ? ", " : "");
		if (i == SNAP_PRINT_MAX_ELEMENTS) {
			snap_text_add(p->text, "...");
			break;
		}
		const uint64_t node = begin.node + at / block * word;
		if ((i == 0 || at % block == 0) && read_link(p, node, &addr) != LINK_READ) {
			const struct snap_source lost = {.in_memory = true, .addr = node};
			snap_printer_lack(p, SNAP_BITS_NOT_CAPTURED, &lost, 0);
			snap_text_add(p->text, "...");
			break;
		}
		const struct snap_source memory = {.in_memory = true, .addr = addr};
		snap_print_type(p, element.type.target, &memory, at % block * len, depth + 1);
	}
	snap_text_add(p->text, "}");
	return true;
}
