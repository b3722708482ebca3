#include "analyze/symbols/unit_table.h"

#include <endian.h>
#include <stdlib.h>

#include "analyze/dwarf/cursor.h"
#include "analyze/symbols/encode.h"
#include "analyze/symbols/hash_seed.h"

#define MAGIC		0x32745553u /* "SUt2" */
#define SITES_PER_CHUNK 32

enum {
	HEADER_BYTES = 48,
	HAS_SCOPES = 1, /* of the flags */
	/* A place's first byte: what has changed, and in the upper five bits the difference of the
	 * line, LINE_ZERO being none, or LINE_FOLLOWS. */
	NODE_CHANGED = 1,
	FILE_CHANGED = 2,
	COLUMN_CHANGED = 4,
	LINE_SHIFT = 3,
	LINE_ZERO = 10,
	LINE_FOLLOWS = 31,
};

/* ---------------------------------------------------------------- encoding */

/* The parts of a table as they grow, and the unit's own numbers for names. */
struct encoder {
	const struct snap_unit_contents *contents;
	uint64_t base;
	struct snap_encoded chunks, site_chunks, offsets, site_offsets, refs, nodes, places, sites,
		targets;
	uint32_t *ref_of; /* by name - 1: ref plus one; 0: none yet */
	uint32_t num_refs;
	size_t num_names;
	uint32_t *node_offs; /* by index */
};

static uint64_t ref_of(struct encoder *e, uint32_t name)
{
	if (name == 0 || name > e->num_names)
		return 0;
	uint32_t *ref = &e->ref_of[name - 1];
	if (*ref == 0) {
		*ref = ++e->num_refs;
		snap_encode_u32(&e->refs, name - 1);
	}
	return *ref;
}

static void encode_nodes(struct encoder *e)
{
	const struct snap_unit_contents *c = e->contents;
	for (size_t i = 0; i < c->num_nodes; i++) {
		const struct snap_unit_node *node = &c->nodes[i];
		uint32_t off = (uint32_t)e->nodes.len;
		e->node_offs[i] = off;
		snap_encode_uleb(&e->nodes, ref_of(e, node->name));
		if (node->parent > 0) {
			snap_encode_uleb(&e->nodes, off - e->node_offs[node->parent - 1]);
			snap_encode_uleb(&e->nodes, ref_of(e, node->call_file));
			snap_encode_uleb(&e->nodes, node->call_line);
			snap_encode_uleb(&e->nodes, node->call_column);
			continue;
		}
		snap_encode_uleb(&e->nodes, 0);
		snap_encode_uleb(&e->nodes, node->entry_off);
		snap_encode_uleb(&e->nodes, node->num_parts);
		for (size_t j = 0; j < node->num_parts; j++) {
			const struct snap_unit_part *part = &c->parts[node->first_part + j];
			snap_encode_sleb(&e->nodes, (int64_t)(part->start - e->base));
			snap_encode_uleb(&e->nodes, part->end - part->start);
		}
	}
}

struct state {
	uint64_t addr, node, file;
	uint32_t line, column;
};

static void encode_places(struct encoder *e)
{
	const struct snap_unit_contents *c = e->contents;
	struct state state = {0};
	for (size_t i = 0; i < c->num_places; i++) {
		const struct snap_unit_place *place = &c->places[i];
		if (i % SNAP_PLACES_PER_CHUNK == 0) {
			state = (struct state){.addr = place->start};
			snap_encode_u64(&e->chunks, place->start);
			snap_encode_u32(&e->offsets, (uint32_t)e->places.len);
		}
		uint64_t node = place->node ? (uint64_t)e->node_offs[place->node - 1] + 1 : 0;
		uint64_t file = ref_of(e, place->file);
		int64_t line = (int64_t)place->line - (int64_t)state.line;
		bool is_short = line >= -LINE_ZERO && line + LINE_ZERO < LINE_FOLLOWS;
		uint8_t flags =
			(uint8_t)((is_short ? line + LINE_ZERO : LINE_FOLLOWS) << LINE_SHIFT);
		flags |= node != state.node ? NODE_CHANGED : 0;
		flags |= file != state.file ? FILE_CHANGED : 0;
		flags |= place->column != state.column ? COLUMN_CHANGED : 0;
		snap_encode_bytes(&e->places, &flags, 1);
		snap_encode_uleb(&e->places, place->start - state.addr);
		if (flags & NODE_CHANGED)
			snap_encode_sleb(&e->places, (int64_t)(node - state.node));
		if (flags & FILE_CHANGED)
			snap_encode_uleb(&e->places, file);
		if (!is_short)
			snap_encode_sleb(&e->places, line);
		if (flags & COLUMN_CHANGED)
			snap_encode_uleb(&e->places, place->column);
		state = (struct state){place->start, node, file, place->line, place->column};
	}
}

/* A target that was encoded. */
struct target {
	uint32_t name;
	uint32_t off; /* plus one; 0: a free slot */
	uint64_t start;
};

/* Each target once; *ret_offs, on the heap: by site. */
static bool encode_targets(struct encoder *e, uint32_t **ret_offs)
{
	const struct snap_unit_contents *c = e->contents;
	const uint64_t seed = snap_hash_seed();
	size_t num_slots = 16;
	while (num_slots < 2 * c->num_sites)
		num_slots *= 2;
	uint32_t *offs = *ret_offs = calloc(c->num_sites + 1, sizeof(*offs));
	struct target *slots = calloc(num_slots, sizeof(*slots));
	if (!offs || !slots) {
		free(slots);
		return false;
	}
	for (size_t i = 0; i < c->num_sites; i++) {
		const struct snap_unit_site *site = &c->sites[i];
		uint64_t hash = snap_hash_number(
			snap_hash_number(seed, site->target_name), site->target_start);
		size_t at = (size_t)hash & (num_slots - 1);
		while (slots[at].off && (slots[at].name != site->target_name ||
						slots[at].start != site->target_start))
			at = (at + 1) & (num_slots - 1);
		if (!slots[at].off) {
			slots[at] = (struct target){site->target_name, (uint32_t)e->targets.len + 1,
				site->target_start};
			snap_encode_uleb(&e->targets,
				ref_of(e, site->target_name) << 1 | (site->target_start != 0));
			if (site->target_start != 0)
				snap_encode_sleb(
					&e->targets, (int64_t)(site->target_start - e->base));
		}
		offs[i] = slots[at].off - 1;
	}
	free(slots);
	return true;
}

static bool encode_sites(struct encoder *e)
{
	const struct snap_unit_contents *c = e->contents;
	uint32_t *targets;
	bool done = encode_targets(e, &targets);
	uint64_t addr = 0;
	for (size_t i = 0; done && i < c->num_sites; i++) {
		const struct snap_unit_site *site = &c->sites[i];
		if (i % SITES_PER_CHUNK == 0) {
			addr = site->return_vaddr;
			snap_encode_u64(&e->site_chunks, addr);
			snap_encode_u32(&e->site_offsets, (uint32_t)e->sites.len);
		}
		snap_encode_uleb(&e->sites, site->return_vaddr - addr);
		snap_encode_uleb(&e->sites, (uint64_t)targets[i] << 1 | site->is_tail_call);
		addr = site->return_vaddr;
	}
	free(targets);
	return done;
}

static void join(struct snap_encoded *all, const struct encoder *e)
{
	snap_encode_u32(all, MAGIC);
	snap_encode_u32(all, 0); /* the length, when it is known */
	snap_encode_u32(all, e->num_refs);
	snap_encode_u32(all, (uint32_t)(e->chunks.len / 8));
	snap_encode_u32(all, (uint32_t)(e->site_chunks.len / 8));
	snap_encode_u32(all, (uint32_t)e->nodes.len);
	snap_encode_u32(all, (uint32_t)e->places.len);
	snap_encode_u32(all, (uint32_t)e->sites.len);
	snap_encode_u32(all, (uint32_t)e->targets.len);
	snap_encode_u32(all, e->contents->has_scopes ? HAS_SCOPES : 0);
	snap_encode_u64(all, e->base);
	const struct snap_encoded *const parts[] = {&e->chunks, &e->site_chunks, &e->offsets,
		&e->site_offsets, &e->refs, &e->nodes, &e->places, &e->sites, &e->targets};
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		snap_encode_bytes(all, parts[i]->data, parts[i]->len);
		all->failed |= parts[i]->failed;
	}
	uint32_t len = htole32((uint32_t)all->len);
	if (!all->failed)
		memcpy(all->data + 4, &len, sizeof(len));
}

int snap_unit_table_encode(
	const struct snap_unit_contents *contents, size_t num_names, struct snap_bytes *ret)
{
	struct encoder e = {.contents = contents, .num_names = num_names};
	struct snap_encoded all = {0};
	e.base = contents->num_places > 0 ? contents->places[0].start : 0;
	e.ref_of = calloc(num_names + 1, sizeof(*e.ref_of));
	e.node_offs = calloc(contents->num_nodes + 1, sizeof(*e.node_offs));
	bool done = e.ref_of && e.node_offs;
	if (done) {
		encode_nodes(&e);
		encode_places(&e);
		done = encode_sites(&e);
		join(&all, &e);
	}
	struct snap_encoded *const parts[] = {&e.chunks, &e.site_chunks, &e.offsets,
		&e.site_offsets, &e.refs, &e.nodes, &e.places, &e.sites, &e.targets};
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		free(parts[i]->data);
	free(e.ref_of);
	free(e.node_offs);
	if (!done || all.failed || all.len > UINT32_MAX) {
		free(all.data);
		return -1;
	}
	*ret = snap_bytes(all.data, all.len);
	return 0;
}

/* ---------------------------------------------------------------- looking up */

static uint32_t get_u32(const uint8_t *p)
{
	uint32_t v;
	memcpy(&v, p, sizeof(v));
	return le32toh(v);
}

static uint64_t get_u64(const uint8_t *p)
{
	uint64_t v;
	memcpy(&v, p, sizeof(v));
	return le64toh(v);
}

bool snap_unit_table_open(struct snap_bytes bytes, struct snap_unit_table *ret)
{
	const uint8_t *p = bytes.data;
	if (bytes.len < HEADER_BYTES || get_u32(p) != MAGIC || get_u32(p + 4) != bytes.len)
		return false;
	struct snap_unit_table t = {
		.bytes = bytes,
		.num_refs = get_u32(p + 8),
		.num_chunks = get_u32(p + 12),
		.num_site_chunks = get_u32(p + 16),
		.has_scopes = get_u32(p + 36) & HAS_SCOPES,
		.base = get_u64(p + 40),
	};
	uint64_t off = HEADER_BYTES;
	t.chunks = p + off;
	off += UINT64_C(8) * t.num_chunks;
	uint64_t site_chunks_off = off;
	off += UINT64_C(8) * t.num_site_chunks;
	uint64_t offsets_off = off;
	off += UINT64_C(4) * t.num_chunks + UINT64_C(4) * t.num_site_chunks;
	uint64_t refs_off = off;
	off += UINT64_C(4) * t.num_refs;
	uint64_t streams_off = off;
	for (int i = 0; i < 4; i++)
		off += get_u32(p + 20 + 4 * i);
	if (off != bytes.len)
		return false;
	t.site_chunks = p + site_chunks_off;
	t.offsets = p + offsets_off;
	t.refs = p + refs_off;
	struct snap_bytes *const streams[] = {&t.nodes, &t.places, &t.sites, &t.targets};
	for (int i = 0; i < 4; i++) {
		*streams[i] = snap_bytes(p + streams_off, get_u32(p + 20 + 4 * i));
		streams_off += streams[i]->len;
	}
	*ret = t;
	return true;
}

/* The name behind a ref plus one, plus one. */
static uint32_t name_of(const struct snap_unit_table *table, uint64_t ref)
{
	return ref > 0 && ref <= table->num_refs ? get_u32(table->refs + 4 * (ref - 1)) + 1 : 0;
}

/* The last of num ascending addresses that is not above vaddr; num if none is. */
static uint32_t find_chunk(const uint8_t *chunks, uint32_t num, uint64_t vaddr)
{
	uint32_t low = 0, high = num;
	while (low < high) {
		uint32_t mid = low + (high - low) / 2;
		if (get_u64(chunks + UINT64_C(8) * mid) <= vaddr)
			low = mid + 1;
		else
			high = mid;
	}
	return low > 0 ? low - 1 : num;
}

/* The stream from one chunk to the next one. */
static struct snap_cursor open_chunk(const struct snap_unit_table *table, struct snap_bytes stream,
	uint32_t first_offset, uint32_t chunk, uint32_t num)
{
	const uint8_t *offset = table->offsets + UINT64_C(4) * (first_offset + chunk);
	uint64_t start = get_u32(offset);
	uint64_t end = chunk + 1 < num ? get_u32(offset + 4) : stream.len;
	if (end > stream.len || start > end)
		return snap_cursor(snap_bytes(stream.data, 0), 1, false);
	return snap_cursor(snap_bytes(stream.data, end), start, false);
}

static bool find_place(const struct snap_unit_table *table, uint64_t vaddr, struct state *ret_state)
{
	uint32_t chunk = find_chunk(table->chunks, table->num_chunks, vaddr);
	if (chunk == table->num_chunks)
		return false;
	struct snap_cursor c = open_chunk(table, table->places, 0, chunk, table->num_chunks);
	struct state state = {.addr = get_u64(table->chunks + UINT64_C(8) * chunk)};
	bool found = false;
	while (c.p < c.end) {
		uint8_t flags = *c.p++;
		state.addr += snap_cursor_uleb(&c);
		if (state.addr > vaddr)
			break;
		if (flags & NODE_CHANGED)
			state.node += (uint64_t)snap_cursor_sleb(&c);
		if (flags & FILE_CHANGED)
			state.file = snap_cursor_uleb(&c);
		if (flags >> LINE_SHIFT == LINE_FOLLOWS)
			state.line += (uint32_t)snap_cursor_sleb(&c);
		else
			state.line += (uint32_t)((flags >> LINE_SHIFT) - LINE_ZERO);
		if (flags & COLUMN_CHANGED)
			state.column = (uint32_t)snap_cursor_uleb(&c);
		if (c.failed)
			return false;
		*ret_state = state;
		found = true;
	}
	return found;
}

/* A node as it stands. */
struct node {
	uint32_t name;
	uint64_t parent; /* offset plus one; 0: a function */
	uint32_t call_file, call_line, call_column;
	uint64_t entry_off;	  /* of a function */
	struct snap_cursor parts; /* likewise: num_parts follow */
	uint64_t num_parts;
};

static bool read_node(const struct snap_unit_table *table, uint64_t node, struct node *ret)
{
	struct snap_cursor c = snap_cursor(table->nodes, node - 1, false);
	*ret = (struct node){.name = name_of(table, snap_cursor_uleb(&c))};
	uint64_t back = snap_cursor_uleb(&c);
	if (back > node - 1)
		return false; /* parents stand before: so the walk up has an end */
	if (back == 0) {
		ret->entry_off = snap_cursor_uleb(&c);
		ret->num_parts = snap_cursor_uleb(&c);
		ret->parts = c;
	} else {
		ret->parent = node - back;
		ret->call_file = name_of(table, snap_cursor_uleb(&c));
		ret->call_line = (uint32_t)snap_cursor_uleb(&c);
		ret->call_column = (uint32_t)snap_cursor_uleb(&c);
	}
	return !c.failed;
}

/* The next part of a function. False after the last. */
static bool next_part(
	const struct snap_unit_table *table, struct node *node, struct snap_unit_part *ret)
{
	if (node->num_parts == 0)
		return false;
	node->num_parts--;
	ret->start = table->base + (uint64_t)snap_cursor_sleb(&node->parts);
	ret->end = ret->start + snap_cursor_uleb(&node->parts);
	return !node->parts.failed;
}

size_t snap_unit_table_find(const struct snap_unit_table *table, uint64_t vaddr,
	struct snap_unit_frame *frames, size_t max)
{
	struct state state;
	if (max == 0 || !find_place(table, vaddr, &state) || (state.node == 0 && state.file == 0))
		return 0;
	struct snap_unit_frame frame = {
		.file = name_of(table, state.file),
		.line = state.line,
		.column = state.column,
	};
	size_t num = 0;
	struct node node;
	while (state.node > 0 && num < max && read_node(table, state.node, &node)) {
		frame.name = node.name;
		frame.is_inline = node.parent > 0;
		struct snap_unit_part part;
		while (!frame.is_inline && next_part(table, &node, &part))
			if (vaddr >= part.start && vaddr < part.end)
				frame.start = part.start;
		frames[num++] = frame;
		if (!frame.is_inline)
			return num;
		frame = (struct snap_unit_frame){
			.file = node.call_file,
			.line = node.call_line,
			.column = node.call_column,
		};
		state.node = node.parent;
	}
	if (num == 0)
		frames[num++] = frame;
	frames[num - 1].is_inline = false; /* too deep: what is there is the outermost */
	return num;
}

bool snap_unit_table_function(const struct snap_unit_table *table, uint64_t vaddr,
	uint64_t *ret_entry_off, uint64_t *ret_start)
{
	struct state state;
	struct node node;
	if (!find_place(table, vaddr, &state))
		return false;
	do
		if (state.node == 0 || !read_node(table, state.node, &node))
			return false;
	while ((state.node = node.parent) > 0);
	*ret_entry_off = node.entry_off;
	struct snap_unit_part part;
	bool found = false;
	while (next_part(table, &node, &part))
		if (vaddr >= part.start && vaddr < part.end) {
			*ret_start = part.start;
			found = true;
		}
	return found;
}

/* ---------------------------------------------------------------- call sites */

static void read_target(
	const struct snap_unit_table *table, uint64_t off, struct snap_unit_site *ret)
{
	struct snap_cursor c = snap_cursor(table->targets, off, false);
	uint64_t first = snap_cursor_uleb(&c);
	ret->target_name = name_of(table, first >> 1);
	ret->target_start = first & 1 ? table->base + (uint64_t)snap_cursor_sleb(&c) : 0;
}

/* A walk over sites. */
struct sites {
	const struct snap_unit_table *table;
	struct snap_cursor c;
	uint32_t chunk;
	uint64_t addr;
};

/* At the chunk that has the address, or would. */
static struct sites start_sites(const struct snap_unit_table *table, uint64_t vaddr)
{
	struct sites sites = {.table = table};
	sites.chunk = find_chunk(table->site_chunks, table->num_site_chunks, vaddr);
	if (sites.chunk == table->num_site_chunks)
		sites.chunk = 0; /* all are above */
	return sites;
}

static bool next_site(struct sites *sites, struct snap_unit_site *ret)
{
	const struct snap_unit_table *table = sites->table;
	while (sites->c.p == sites->c.end) {
		if (sites->c.failed || sites->chunk >= table->num_site_chunks)
			return false;
		sites->c = open_chunk(table, table->sites, table->num_chunks, sites->chunk,
			table->num_site_chunks);
		sites->addr = get_u64(table->site_chunks + UINT64_C(8) * sites->chunk);
		sites->chunk++;
	}
	sites->addr += snap_cursor_uleb(&sites->c);
	uint64_t target = snap_cursor_uleb(&sites->c);
	ret->return_vaddr = sites->addr;
	ret->is_tail_call = target & 1;
	read_target(table, target >> 1, ret);
	return !sites->c.failed;
}

bool snap_unit_table_site(
	const struct snap_unit_table *table, uint64_t return_vaddr, struct snap_unit_site *ret)
{
	struct sites sites = start_sites(table, return_vaddr);
	while (next_site(&sites, ret) && ret->return_vaddr <= return_vaddr)
		if (ret->return_vaddr == return_vaddr)
			return true;
	return false;
}

size_t snap_unit_table_tail_calls(const struct snap_unit_table *table, uint64_t vaddr,
	struct snap_unit_site *found, size_t max)
{
	struct state state;
	struct node node;
	size_t num = 0;
	if (!find_place(table, vaddr, &state))
		return 0;
	do
		if (state.node == 0 || !read_node(table, state.node, &node))
			return 0;
	while ((state.node = node.parent) > 0);
	struct snap_unit_part part;
	/* Parts that are one in the other, hostile ones, would have all sites looked at for each.
	 */
	uint64_t num_parts = node.num_parts < table->nodes.len ? node.num_parts : table->nodes.len;
	uint64_t left = table->sites.len + SITES_PER_CHUNK * num_parts;
	while (next_part(table, &node, &part)) {
		struct sites sites = start_sites(table, part.start);
		struct snap_unit_site site;
		/* The return address of a last call is the first one behind the part. */
		for (; num < max && left > 0 && next_site(&sites, &site) &&
			site.return_vaddr <= part.end;
			left--)
			if (site.is_tail_call && site.return_vaddr > part.start)
				found[num++] = site;
	}
	return num;
}

bool snap_unit_table_renumber(uint8_t *bytes, size_t len, const uint32_t *map, size_t num_map)
{
	struct snap_unit_table table;
	if (!snap_unit_table_open(snap_bytes(bytes, len), &table))
		return false;
	uint8_t *refs = bytes + (table.refs - bytes);
	for (uint32_t i = 0; i < table.num_refs; i++) {
		uint32_t ref = get_u32(refs + 4 * (size_t)i);
		if (ref >= num_map)
			return false;
		ref = htole32(map[ref]);
		memcpy(refs + 4 * (size_t)i, &ref, sizeof(ref));
	}
	return true;
}
