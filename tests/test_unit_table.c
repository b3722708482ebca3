/* analyze/symbols/unit_table: what was encoded is found, against a search through all of it; a
 * table of which any byte was changed is looked up within its bounds. */
#include "analyze/symbols/unit_table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

static uint32_t seed = 1;

static uint32_t random_below(uint32_t n)
{
	seed = seed * 1664525 + 1013904223;
	return (seed >> 8) % n;
}

/* ---------------------------------------------------------------- contents at random */

enum { MAX = 200, NAMES = 50 };

static struct snap_unit_node nodes[MAX];
static struct snap_unit_part parts[3 * MAX];
static struct snap_unit_place places[MAX];
static struct snap_unit_site sites[MAX];
static struct snap_unit_contents contents;
static uint64_t base;

/* A name plus one: mostly known, now and then one beyond the pool, which counts as unknown. */
static uint32_t random_name(void)
{
	return random_below(NAMES + 1);
}

static uint32_t random_line(uint32_t last)
{
	switch (random_below(4)) {
	case 0:
		return last + random_below(25);
	case 1:
		return last - (last > 12 ? random_below(12) : 0);
	case 2:
		return random_below(100000);
	default:
		return random_below(3) ? 0 : UINT32_MAX;
	}
}

static void make_contents(size_t num_nodes, size_t num_places, size_t num_sites)
{
	size_t num_parts = 0;
	uint64_t at = base;
	uint32_t line = 0;
	for (size_t i = 0; i < num_nodes; i++) {
		nodes[i] = (struct snap_unit_node){.name = random_name()};
		if (i > 0 && random_below(3) > 0) {
			nodes[i].parent = 1 + random_below((uint32_t)i);
			nodes[i].call_file = random_name();
			nodes[i].call_line = random_below(1000);
			nodes[i].call_column = random_below(2) ? UINT32_MAX : random_below(100);
			continue;
		}
		nodes[i].entry_off = random_below(2) ? 11 + random_below(100000) : UINT64_MAX;
		nodes[i].first_part = (uint32_t)num_parts;
		nodes[i].num_parts = random_below(3);
		for (uint32_t j = 0; j < nodes[i].num_parts; j++) {
			uint64_t start = base - 100 + random_below(2000);
			parts[num_parts++] =
				(struct snap_unit_part){start, start + 1 + random_below(1000)};
		}
	}
	for (size_t i = 0; i < num_places; i++) {
		at += i == 0 ? 0 : 1 + random_below(random_below(5) ? 10 : 1000);
		line = random_line(line);
		places[i] = (struct snap_unit_place){
			.start = at,
			.node = num_nodes && random_below(4) ? 1 + random_below((uint32_t)num_nodes)
							     : 0,
			.file = random_name(),
			.line = line,
			.column = random_below(3) ? random_below(100) : 0,
		};
	}
	at = base;
	for (size_t i = 0; i < num_sites; i++) {
		at += random_below(4) ? 1 + random_below(20) : 0;
		sites[i] =
			(struct snap_unit_site){at, random_below(2) ? base + random_below(500) : 0,
				random_name(), random_below(2)};
	}
	contents = (struct snap_unit_contents){nodes, num_nodes, parts, num_parts, places,
		num_places, sites, num_sites, random_below(2)};
}

/* ---------------------------------------------------------------- one after the other */

static const struct snap_unit_place *naive_place(uint64_t addr)
{
	const struct snap_unit_place *found = NULL;
	for (size_t i = 0; i < contents.num_places && places[i].start <= addr; i++)
		found = &places[i];
	return found;
}

static size_t naive_find(uint64_t addr, struct snap_unit_frame *frames, size_t max)
{
	const struct snap_unit_place *place = naive_place(addr);
	size_t num = 0;
	if (!place || (place->node == 0 && place->file == 0))
		return 0;
	struct snap_unit_frame frame = {
		.file = place->file, .line = place->line, .column = place->column};
	for (uint32_t i = place->node; i > 0 && num < max; i = nodes[i - 1].parent) {
		const struct snap_unit_node *node = &nodes[i - 1];
		frame.name = node->name;
		frame.is_inline = node->parent > 0;
		for (uint32_t j = 0; j < node->num_parts && node->parent == 0; j++)
			if (addr >= parts[node->first_part + j].start &&
				addr < parts[node->first_part + j].end)
				frame.start = parts[node->first_part + j].start;
		frames[num++] = frame;
		frame = (struct snap_unit_frame){.file = node->call_file,
			.line = node->call_line,
			.column = node->call_column};
	}
	if (num == 0)
		frames[num++] = frame;
	frames[num - 1].is_inline = false;
	return num;
}

static void assert_frames(const struct snap_unit_table *table, uint64_t addr, size_t max)
{
	struct snap_unit_frame found[16], expected[16];
	size_t num = naive_find(addr, expected, max);
	assert_int_equal(snap_unit_table_find(table, addr, found, max), num);
	for (size_t i = 0; i < num; i++) {
		assert_int_equal(found[i].is_inline, expected[i].is_inline);
		assert_int_equal(found[i].name, expected[i].name);
		assert_int_equal(found[i].file, expected[i].file);
		assert_int_equal(found[i].line, expected[i].line);
		assert_int_equal(found[i].column, expected[i].column);
		assert_true(found[i].start == expected[i].start);
	}
}

/* That of the outermost one, if a part of it has the address. */
static void assert_function(const struct snap_unit_table *table, uint64_t addr)
{
	struct snap_unit_frame frames[MAX];
	uint64_t entry_off = 1, start = 1;
	const struct snap_unit_place *place = naive_place(addr);
	uint32_t function = place ? place->node : 0;
	while (function > 0 && nodes[function - 1].parent > 0)
		function = nodes[function - 1].parent;
	size_t num = naive_find(addr, frames, MAX);
	bool has = function > 0 && frames[num - 1].start != 0;
	assert_int_equal(snap_unit_table_function(table, addr, &entry_off, &start), has);
	if (has) {
		assert_true(entry_off == nodes[function - 1].entry_off);
		assert_true(start == frames[num - 1].start);
	}
}

static void assert_same_site(const struct snap_unit_site *a, const struct snap_unit_site *b)
{
	assert_true(a->return_vaddr == b->return_vaddr);
	assert_true(a->target_start == b->target_start);
	assert_int_equal(a->target_name, b->target_name);
	assert_int_equal(a->is_tail_call, b->is_tail_call);
}

static void assert_sites(const struct snap_unit_table *table)
{
	struct snap_unit_site site;
	for (size_t i = 0; i < contents.num_sites; i++) {
		assert_true(snap_unit_table_site(table, sites[i].return_vaddr, &site));
		/* Of several at one address, one that is there. */
		size_t first = i, same = i;
		while (first > 0 && sites[first - 1].return_vaddr == sites[i].return_vaddr)
			first--;
		for (same = first; same < contents.num_sites - 1 &&
				   sites[same].return_vaddr == sites[i].return_vaddr &&
				   (sites[same].target_name != site.target_name ||
					   sites[same].target_start != site.target_start ||
					   sites[same].is_tail_call != site.is_tail_call);
			same++)
			continue;
		assert_same_site(&site, &sites[same]);
		bool follows = i + 1 < contents.num_sites &&
			       sites[i + 1].return_vaddr <= sites[i].return_vaddr + 1;
		if (!follows)
			assert_false(snap_unit_table_site(table, sites[i].return_vaddr + 1, &site));
	}
	assert_false(snap_unit_table_site(table, base - 1, &site));
}

static void assert_tail_calls(const struct snap_unit_table *table, uint64_t addr)
{
	struct snap_unit_site found[3 * MAX];
	const struct snap_unit_place *place = naive_place(addr);
	size_t num = snap_unit_table_tail_calls(table, addr, found, ARRAY_LEN(found)), n = 0;
	uint32_t function = place ? place->node : 0;
	while (function > 0 && nodes[function - 1].parent > 0)
		function = nodes[function - 1].parent;
	for (uint32_t j = 0; function > 0 && j < nodes[function - 1].num_parts; j++) {
		const struct snap_unit_part *part = &parts[nodes[function - 1].first_part + j];
		for (size_t i = 0; i < contents.num_sites; i++)
			if (sites[i].is_tail_call && sites[i].return_vaddr > part->start &&
				sites[i].return_vaddr <= part->end)
				assert_same_site(&sites[i], &found[n++]);
	}
	assert_int_equal(num, n);
}

static void test_unit_table_at_random(void **state)
{
	(void)state;
	static const uint64_t bases[] = {
		0x1000, 0x400000, UINT32_MAX - 500, UINT64_MAX / 2, UINT64_MAX - 300000};
	for (int round = 0; round < 300; round++) {
		base = bases[round % 5];
		make_contents(random_below(MAX), random_below(MAX), random_below(MAX));
		struct snap_bytes bytes;
		struct snap_unit_table table;
		assert_int_equal(snap_unit_table_encode(&contents, NAMES, &bytes), 0);
		assert_true(snap_unit_table_open(bytes, &table));
		assert_int_equal(table.has_scopes, contents.has_scopes);
		for (size_t i = 0; i < contents.num_places; i++) {
			for (uint64_t d = 0; d < 4; d++)
				assert_frames(&table, places[i].start + d - 1, 1 + (i + d) % 16);
			assert_function(&table, places[i].start);
			assert_tail_calls(&table, places[i].start);
		}
		assert_frames(&table, 0, 16);
		assert_frames(&table, UINT64_MAX, 16);
		if (contents.num_sites > 0)
			assert_sites(&table);
		/* Not with a byte more or less. */
		struct snap_unit_table unused;
		for (size_t len = 0; len < bytes.len; len++)
			assert_false(snap_unit_table_open(snap_bytes(bytes.data, len), &unused));
		free((void *)(uintptr_t)bytes.data);
	}
}

/* Numbers of another pool. */
static void test_unit_table_renumber(void **state)
{
	(void)state;
	uint32_t map[NAMES];
	base = 0x1000;
	for (uint32_t i = 0; i < NAMES; i++)
		map[i] = 1000 - 7 * i;
	make_contents(MAX, MAX, MAX);
	struct snap_bytes bytes;
	struct snap_unit_table table;
	assert_int_equal(snap_unit_table_encode(&contents, NAMES, &bytes), 0);
	uint8_t *data = (uint8_t *)(uintptr_t)bytes.data;
	assert_false(snap_unit_table_renumber(data, bytes.len - 1, map, NAMES));
	uint8_t *copy = malloc(bytes.len);
	memcpy(copy, data, bytes.len);
	assert_false(snap_unit_table_renumber(copy, bytes.len, map, NAMES / 2));
	free(copy);
	assert_true(snap_unit_table_renumber(data, bytes.len, map, NAMES));
	for (size_t i = 0; i < MAX; i++) {
		nodes[i].name = nodes[i].name ? map[nodes[i].name - 1] + 1 : 0;
		nodes[i].call_file = nodes[i].call_file ? map[nodes[i].call_file - 1] + 1 : 0;
		places[i].file = places[i].file ? map[places[i].file - 1] + 1 : 0;
		sites[i].target_name = sites[i].target_name ? map[sites[i].target_name - 1] + 1 : 0;
	}
	assert_true(snap_unit_table_open(bytes, &table));
	for (size_t i = 0; i < MAX; i++)
		assert_frames(&table, places[i].start, 16);
	assert_sites(&table);
	free(data);
}

static void look_up(struct snap_bytes bytes)
{
	struct snap_unit_table table;
	struct snap_unit_frame frames[16];
	struct snap_unit_site found[16];
	if (!snap_unit_table_open(bytes, &table))
		return;
	for (uint64_t addr = base - 1; addr < base + 1000; addr += 61) {
		assert_true(snap_unit_table_find(&table, addr, frames, 16) <= 16);
		(void)snap_unit_table_site(&table, addr, found);
		assert_true(snap_unit_table_tail_calls(&table, addr, found, 16) <= 16);
	}
}

static void test_unit_table_damage(void **state)
{
	(void)state;
	static const uint8_t changes[] = {0x01, 0x40, 0x80, 0xff};
	base = 0x1000;
	for (int round = 0; round < 3; round++) {
		make_contents(40, 70, 70);
		struct snap_bytes bytes;
		uint32_t map[NAMES] = {0};
		assert_int_equal(snap_unit_table_encode(&contents, NAMES, &bytes), 0);
		/* Bytes of its very length, so that a read beyond them is seen. */
		uint8_t *copy = malloc(bytes.len);
		memcpy(copy, bytes.data, bytes.len);
		free((void *)(uintptr_t)bytes.data);
		bytes = snap_bytes(copy, bytes.len);
		for (size_t i = 0; i < bytes.len; i++) {
			uint8_t was = copy[i];
			for (size_t j = 0; j < ARRAY_LEN(changes); j++) {
				copy[i] = was ^ changes[j];
				look_up(bytes);
			}
			copy[i] = was;
		}
		/* Runs of bytes that make all numbers large. */
		for (size_t i = 0; i + 12 <= bytes.len; i++) {
			uint8_t were[12];
			memcpy(were, copy + i, 12);
			memset(copy + i, 0xff, 12);
			look_up(bytes);
			memcpy(copy + i, were, 12);
		}
		(void)snap_unit_table_renumber(copy, bytes.len, map, NAMES);
		look_up(bytes);
		free(copy);
	}
}

/* A stranger's call sites, of which the targets fall together under the golden ratio. */
static void test_unit_table_chosen_targets(void **state)
{
	(void)state;
	enum { NUM = 200000 };
	struct snap_unit_site *chosen = calloc(NUM, sizeof(*chosen));
	struct snap_bytes bytes;
	assert_non_null(chosen);
	for (uint64_t i = 0; i < NUM; i++)
		chosen[i] = (struct snap_unit_site){
			i, (i + 1) * UINT64_C(0xf1de83e19937733d), 0, false};
	const struct snap_unit_contents all = {.sites = chosen, .num_sites = NUM};
	clock_t begun = clock();
	assert_int_equal(snap_unit_table_encode(&all, 0, &bytes), 0);
	/* It takes some hundredths; one after the other, half a minute. */
	assert_true(clock() - begun < 3 * CLOCKS_PER_SEC);
	free((void *)(uintptr_t)bytes.data);
	free(chosen);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_unit_table_at_random),
		cmocka_unit_test(test_unit_table_renumber),
		cmocka_unit_test(test_unit_table_damage),
		cmocka_unit_test(test_unit_table_chosen_targets),
	};
	return cmocka_run_group_tests_name("unit_table", tests, NULL, NULL);
}
