/*
 * libstdc++'s containers whose elements stand in nodes of their own, or in blocks: lists, trees,
 * hash tables, deques.
 */
#include "analyze/variables/nodes.h"

#include <dwarf.h>
#include <inttypes.h>

/* ---------------------------------------------------------------- lists */

bool snap_print_list(struct snap_printer *p, const struct snap_part *in,
	const struct snap_source *source, int depth)
{
	struct snap_part next, before;
	struct snap_nodes nodes;
	struct snap_node_elements elements = {.name = "std::list"};
	uint64_t first, last, count;
	unsigned int word = snap_arch_word(p->view->arch);
	return source->in_memory &&
	       snap_part_pointer(p, in, "_M_impl/_M_node/_M_next", source, &next, &first) &&
	       snap_part_pointer(p, in, "_M_impl/_M_node/_M_prev", source, &before, &last) &&
	       before.off == next.off + word &&
	       snap_part_size(p, in, "_M_impl/_M_node/_M_size", source, &count) &&
	       count <= SNAP_NODES_MAX_COUNT && snap_part_parameter(p, in, "_Tp", &elements.type) &&
	       snap_nodes_place_elements(p, 2 * word, &elements) &&
	       snap_nodes_follow(p, &(struct snap_list_links){.back = word, .has_back = true},
		       first, source->addr + next.off, count, &nodes) &&
	       snap_nodes_print(p, &elements, &nodes, depth);
}

bool snap_print_forward_list(struct snap_printer *p, const struct snap_part *in,
	const struct snap_source *source, int depth)
{
	struct snap_part head;
	struct snap_nodes nodes;
	struct snap_node_elements elements = {.name = "std::forward_list"};
	uint64_t first;
	return snap_part_pointer(p, in, "_M_impl/_M_head/_M_next", source, &head, &first) &&
	       snap_part_parameter(p, in, "_Tp", &elements.type) &&
	       snap_nodes_place_elements(p, snap_arch_word(p->view->arch), &elements) &&
	       snap_nodes_follow(p, &(struct snap_list_links){0}, first, 0, UINT64_MAX, &nodes) &&
	       snap_nodes_print(p, &elements, &nodes, depth);
}

/* ---------------------------------------------------------------- hash tables */

static bool print_hash(struct snap_printer *p, const struct snap_part *in,
	const struct snap_source *source, int depth, struct snap_node_elements *elements)
{
	struct snap_part table, head, buckets;
	struct snap_nodes nodes;
	uint64_t first, buckets_addr;
	elements->has_count = true;
	return snap_part_find(p, in, "_M_h", &table) &&
	       snap_part_parameter(p, &table, "_Value", &elements->type) &&
	       snap_part_pointer(p, in, "_M_h/_M_before_begin/_M_nxt", source, &head, &first) &&
	       snap_part_pointer(p, in, "_M_h/_M_buckets", source, &buckets, &buckets_addr) &&
	       buckets_addr != 0 &&
	       snap_part_size(p, in, "_M_h/_M_element_count", source, &elements->count) &&
	       elements->count <= SNAP_NODES_MAX_COUNT &&
	       snap_nodes_place_elements(p, snap_arch_word(p->view->arch), elements) &&
	       snap_nodes_follow(
		       p, &(struct snap_list_links){0}, first, 0, elements->count, &nodes) &&
	       snap_nodes_print(p, elements, &nodes, depth);
}

SNAP_NODES_PRINTER(snap_print_hash_map, print_hash, "std::unordered_map", true)
SNAP_NODES_PRINTER(snap_print_hash_multimap, print_hash, "std::unordered_multimap", true)
SNAP_NODES_PRINTER(snap_print_hash_set, print_hash, "std::unordered_set", false)
SNAP_NODES_PRINTER(snap_print_hash_multiset, print_hash, "std::unordered_multiset", false)

/* ---------------------------------------------------------------- trees */

static bool print_tree(struct snap_printer *p, const struct snap_part *in,
	const struct snap_source *source, int depth, struct snap_node_elements *elements)
{
	struct snap_part all, header, parent, left, right;
	struct snap_nodes nodes;
	uint64_t root, first, last, size;
	elements->has_count = true;
	if (!source->in_memory || !snap_part_find(p, in, "_M_t", &all) ||
		!snap_part_parameter(p, &all, "_Val", &elements->type) ||
		!snap_part_find(p, in, "_M_t/_M_impl/_M_header", &header) ||
		!snap_part_pointer(p, &header, "_M_parent", source, &parent, &root) ||
		!snap_part_pointer(p, &header, "_M_left", source, &left, &first) ||
		!snap_part_pointer(p, &header, "_M_right", source, &right, &last) ||
		!snap_part_size(p, in, "_M_t/_M_impl/_M_node_count", source, &elements->count) ||
		elements->count > SNAP_NODES_MAX_COUNT || (root == 0) != (elements->count == 0) ||
		(size = snap_type_size(p->view, &header.type)) == 0 ||
		!snap_nodes_place_elements(p, size, elements))
		return false;
	const struct snap_tree_links tree = {
		.header = source->addr + header.off,
		.parent = parent.off - header.off,
		.left = left.off - header.off,
		.right = right.off - header.off,
	};
	return snap_nodes_walk(p, &tree, first, elements->count, &nodes) &&
	       snap_nodes_print(p, elements, &nodes, depth);
}

SNAP_NODES_PRINTER(snap_print_tree_map, print_tree, "std::map", true)
SNAP_NODES_PRINTER(snap_print_tree_multimap, print_tree, "std::multimap", true)
SNAP_NODES_PRINTER(snap_print_tree_set, print_tree, "std::set", false)
SNAP_NODES_PRINTER(snap_print_tree_multiset, print_tree, "std::multiset", false)

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
		map_size > SNAP_NODES_MAX_COUNT || map > UINT64_MAX - map_size * word)
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
		const struct snap_source lost = {.in_memory = true, .addr = node};
		if ((i == 0 || at % block == 0) && !snap_part_load(p, &lost, 0, word, &addr)) {
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
