#include "analyze/variables/nodes.h"

#include <inttypes.h>

/* No tree of a real program is deeper: twice the logarithm of how many nodes there may be. */
#define MAX_TREE_DEPTH 128

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

bool snap_nodes_place_elements(
	struct snap_printer *p, uint64_t links, struct snap_node_elements *elements)
{
	uint64_t align = snap_part_align(p, elements->type);
	elements->off = links;
	return align > 0 && links % align == 0;
}

/* "["key"] = value"; false if it is no pair. */
static bool print_entry(struct snap_printer *p, const struct snap_node_elements *elements,
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

bool snap_nodes_print(struct snap_printer *p, const struct snap_node_elements *elements,
	const struct snap_nodes *nodes, int depth)
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

bool snap_nodes_follow(struct snap_printer *p, const struct snap_list_links *links, uint64_t addr,
	uint64_t end, uint64_t count, struct snap_nodes *ret)
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
		for (size_t i = 0; !links->has_back && i < ret->num; i++)
			if (ret->addrs[i] == addr)
				return false; /* in a circle */
		if (links->has_back &&
			(link = read_link(p, addr + links->back, &its)) != LINK_READ) {
			ret->lost = addr + links->back;
			return link == LINK_NOT_CAPTURED;
		}
		if (links->has_back && its != before)
			return false;
		uint64_t next;
		if ((link = read_link(p, addr + links->next, &next)) != LINK_READ) {
			ret->lost = addr + links->next;
			return link == LINK_NOT_CAPTURED;
		}
		ret->addrs[ret->num++] = addr;
		before = addr;
		addr = next;
	}
	return count == UINT64_MAX || ret->num == count;
}

/* ---------------------------------------------------------------- trees */

/* A child of a node, which has to know its parent; 0: none. */
static enum link read_child(struct snap_printer *p, const struct snap_tree_links *tree,
	uint64_t addr, uint64_t off, uint64_t *ret, uint64_t *ret_lost)
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
static enum link step(struct snap_printer *p, const struct snap_tree_links *tree, uint64_t *addr,
	uint64_t *ret_lost)
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

bool snap_nodes_walk(struct snap_printer *p, const struct snap_tree_links *tree, uint64_t first,
	uint64_t count, struct snap_nodes *ret)
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
