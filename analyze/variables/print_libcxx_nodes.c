/*
 * libc++'s containers whose elements stand in nodes of their own, or in blocks: lists, trees, hash
 * tables, deques.
 *
 * Where a node has its element, the node's own type tells, for which the container has an
 * allocator. Sources: libcxx/include/list, forward_list, __tree, __hash_table, deque of LLVM 14;
 * what was half of a __compressed_pair there is a member of its own since LLVM 20.
 */
#include "analyze/variables/nodes.h"

#include <dwarf.h>
#include <inttypes.h>

/* A number without sign at the first of two paths that is there. */
static bool find_size(struct snap_printer *p, const struct snap_part *in, const char *old,
	const char *now, const struct snap_source *source, uint64_t *ret)
{
	return snap_part_size(p, in, old, source, ret) || snap_part_size(p, in, now, source, ret);
}

/*
 * The elements of nodes, by the type of these: what the allocator is for that is the other half of
 * the pair `old`, or the member `now`. is_map: the element is a pair, or a class that holds one.
 */
static bool find_elements(struct snap_printer *p, const struct snap_part *in, const char *old,
	const char *now, struct snap_node_elements *elements)
{
	struct snap_part holder, node = {0}, element, pair;
	struct snap_part allocator = {0};
	if (snap_part_find(p, in, old, &holder) &&
		snap_part_parameter(p, &holder, "_T2", &allocator.die))
		snap_type_read(p->view, allocator.die, &allocator.type);
	else if (!snap_part_find(p, in, now, &allocator))
		return false;
	if (!snap_part_parameter(p, &allocator, "_Tp", &node.die))
		return false;
	snap_type_read(p->view, node.die, &node.type);
	if (!snap_part_find(p, &node, "__value_", &element))
		return false;
	if (elements->is_map && (snap_part_find(p, &element, "__cc", &pair) ||
					snap_part_find(p, &element, "__cc_", &pair)))
		element = pair;
	elements->type = element.die;
	elements->off = element.off;
	return true;
}

/* ---------------------------------------------------------------- lists */

bool snap_libcxx_list(struct snap_printer *p, const struct snap_part *in,
	const struct snap_source *source, int depth)
{
	struct snap_part end, next, before;
	struct snap_nodes nodes;
	struct snap_node_elements elements = {.name = "std::list"};
	uint64_t first, last, count;
	if (!source->in_memory || !snap_part_find(p, in, "__end_", &end) ||
		!snap_part_pointer(p, &end, "__next_", source, &next, &first) ||
		!snap_part_pointer(p, &end, "__prev_", source, &before, &last) ||
		!find_size(p, in, "__size_alloc_/__value_", "__size_", source, &count) ||
		count > SNAP_NODES_MAX_COUNT ||
		!find_elements(p, in, "__size_alloc_", "__node_alloc_", &elements))
		return false;
	const struct snap_list_links links = {
		.next = next.off - end.off, .back = before.off - end.off, .has_back = true};
	return snap_nodes_follow(p, &links, first, source->addr + end.off, count, &nodes) &&
	       snap_nodes_print(p, &elements, &nodes, depth);
}

bool snap_libcxx_forward_list(struct snap_printer *p, const struct snap_part *in,
	const struct snap_source *source, int depth)
{
	static const struct snap_list_links links = {0};
	struct snap_part next;
	struct snap_nodes nodes;
	struct snap_node_elements elements = {.name = "std::forward_list"};
	uint64_t first;
	return (snap_part_pointer(
			p, in, "__before_begin_/__value_/__next_", source, &next, &first) ||
		       snap_part_pointer(
			       p, in, "__before_begin_/__next_", source, &next, &first)) &&
	       find_elements(p, in, "__before_begin_", "__alloc_", &elements) &&
	       snap_nodes_follow(p, &links, first, 0, UINT64_MAX, &nodes) &&
	       snap_nodes_print(p, &elements, &nodes, depth);
}

/* ---------------------------------------------------------------- hash tables */

static bool print_hash(struct snap_printer *p, const struct snap_part *in,
	const struct snap_source *source, int depth, struct snap_node_elements *elements)
{
	static const struct snap_list_links links = {0};
	struct snap_part table, next;
	struct snap_nodes nodes;
	uint64_t first;
	elements->has_count = true;
	return snap_part_find(p, in, "__table_", &table) &&
	       (snap_part_pointer(p, &table, "__p1_/__value_/__next_", source, &next, &first) ||
		       snap_part_pointer(
			       p, &table, "__first_node_/__next_", source, &next, &first)) &&
	       find_size(p, &table, "__p2_/__value_", "__size_", source, &elements->count) &&
	       elements->count <= SNAP_NODES_MAX_COUNT &&
	       find_elements(p, &table, "__p1_", "__node_alloc_", elements) &&
	       snap_nodes_follow(p, &links, first, 0, elements->count, &nodes) &&
	       snap_nodes_print(p, elements, &nodes, depth);
}

SNAP_NODES_PRINTER(snap_libcxx_hash_map, print_hash, "std::unordered_map", true)
SNAP_NODES_PRINTER(snap_libcxx_hash_multimap, print_hash, "std::unordered_multimap", true)
SNAP_NODES_PRINTER(snap_libcxx_hash_set, print_hash, "std::unordered_set", false)
SNAP_NODES_PRINTER(snap_libcxx_hash_multiset, print_hash, "std::unordered_multiset", false)

/* ---------------------------------------------------------------- trees */

/* The node above the root has but a left link, where every node has its own; then come the right
 * one, and the parent's (class __tree_node_base). */
static bool print_tree(struct snap_printer *p, const struct snap_part *in,
	const struct snap_source *source, int depth, struct snap_node_elements *elements)
{
	struct snap_part all, first_part, root_part;
	struct snap_nodes nodes;
	uint64_t root, first;
	unsigned int word = snap_arch_word(p->view->arch);
	elements->has_count = true;
	if (!source->in_memory || !snap_part_find(p, in, "__tree_", &all) ||
		!snap_part_pointer(p, &all, "__begin_node_", source, &first_part, &first) ||
		(!snap_part_pointer(
			 p, &all, "__pair1_/__value_/__left_", source, &root_part, &root) &&
			!snap_part_pointer(
				p, &all, "__end_node_/__left_", source, &root_part, &root)) ||
		!find_size(p, &all, "__pair3_/__value_", "__size_", source, &elements->count) ||
		elements->count > SNAP_NODES_MAX_COUNT || (root == 0) != (elements->count == 0) ||
		!find_elements(p, &all, "__pair1_", "__node_alloc_", elements) ||
		elements->off < 3 * word + 1)
		return false;
	const struct snap_tree_links tree = {
		.header = source->addr + root_part.off,
		.left = 0,
		.right = word,
		.parent = 2 * word,
	};
	return snap_nodes_walk(p, &tree, first, elements->count, &nodes) &&
	       snap_nodes_print(p, elements, &nodes, depth);
}

SNAP_NODES_PRINTER(snap_libcxx_map, print_tree, "std::map", true)
SNAP_NODES_PRINTER(snap_libcxx_multimap, print_tree, "std::multimap", true)
SNAP_NODES_PRINTER(snap_libcxx_set, print_tree, "std::set", false)
SNAP_NODES_PRINTER(snap_libcxx_multiset, print_tree, "std::multiset", false)

/* ---------------------------------------------------------------- deques */

/* Blocks have 4096 bytes, or 16 elements if these have 256 or more (__deque_block_size). */
static uint64_t block_of(uint64_t len)
{
	return len < 256 ? 4096 / len : 16;
}

/* Its elements from number __start_ on stand in the blocks whose addresses the map has from
 * __begin_ to __end_. */
bool snap_libcxx_deque(struct snap_printer *p, const struct snap_part *in,
	const struct snap_source *source, int depth)
{
	struct snap_part begin, end, element = {0};
	struct snap_type type;
	uint64_t map, map_end, start, count, len, addr = 0;
	unsigned int word = snap_arch_word(p->view->arch);
	if (!snap_part_pointer(p, in, "__map_/__begin_", source, &begin, &map) ||
		!snap_part_pointer(p, in, "__map_/__end_", source, &end, &map_end) ||
		!snap_part_size(p, in, "__start_", source, &start) ||
		!find_size(p, in, "__size_/__value_", "__size_", source, &count) ||
		!snap_part_parameter(p, in, "_Tp", &element.die))
		return false;
	snap_type_read(p->view, element.die, &type);
	len = snap_type_size(p->view, &type);
	if (len == 0 || map > map_end || (map_end - map) % word != 0 ||
		count > SNAP_NODES_MAX_COUNT || start > SNAP_NODES_MAX_COUNT)
		return false;
	uint64_t block = block_of(len), num_blocks = (map_end - map) / word;
	/* The beginning is in the first two blocks: others would have been given away. */
	if ((start + count + block - 1) / block > num_blocks || (count > 0 && start >= 2 * block))
		return false;
	p->counts.num[SNAP_BITS_KNOWN]++;
	snap_text_addf(
		p->text, "std::deque with %" PRIu64 " element%s", count, count == 1 ? "" : "s");
	if (count == 0)
		return true;
	snap_text_add(p->text, " = {");
	for (uint64_t i = 0; i < count && !p->text->is_cut; i++) {
		const uint64_t at = start + i;
		const struct snap_source slot = {
			.in_memory = true, .addr = map + at / block * word};
		snap_text_add(p->text, i > 0 ? ", " : "");
		if (i == SNAP_PRINT_MAX_ELEMENTS) {
			snap_text_add(p->text, "...");
			break;
		}
		if ((i == 0 || at % block == 0) && !snap_part_load(p, &slot, 0, word, &addr)) {
			snap_printer_lack(p, SNAP_BITS_NOT_CAPTURED, &slot, 0);
			snap_text_add(p->text, "...");
			break;
		}
		const struct snap_source memory = {.in_memory = true, .addr = addr};
		snap_print_type(p, element.die, &memory, at % block * len, depth + 1);
	}
	snap_text_add(p->text, "}");
	return true;
}
