/* analyze/symbols/symbol_image: what was encoded is told, for its sources and its version only;
 * each byte changed, or the file cut anywhere: refused, or failed, or the very same answers. */
#include "analyze/symbols/symbol_image.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/symbols/symbol_image_format.h"
#include "analyze/symbols/unit_table.h"
#include "common/crc32c.h"

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

enum { NUM_NAMES = 300, NUM_SYMBOLS = 200, NUM_UNITS = 40, NUM_RESTS = 10 };

static const struct snap_image_sources sources = {
	.build_id = {1, 2, 3}, .build_id_len = 3, .file_len = {1000, 2000, 0, 4}};

static char texts[NUM_NAMES][2][64];
static struct snap_image_name names[NUM_NAMES];
static struct snap_image_symbol symbols[NUM_SYMBOLS];
static struct snap_image_rest rests[NUM_RESTS];
static struct snap_image_by_name by_name[NUM_SYMBOLS];
static struct snap_image_map_entry map[2 * NUM_UNITS];
static struct snap_image_table tables[NUM_UNITS];

/* Some table of a unit, with names. */
static struct snap_bytes make_table(uint32_t i)
{
	struct snap_unit_part part = {0x1000 + 64 * i, 0x1000 + 64 * i + 60};
	struct snap_unit_node node = {.name = i + 1, .num_parts = 1};
	struct snap_unit_place places[40];
	for (uint32_t j = 0; j <= i; j++)
		places[j] = (struct snap_unit_place){part.start + j, 1, j + 2, j, 3};
	const struct snap_unit_contents contents = {.nodes = &node,
		.num_nodes = 1,
		.parts = &part,
		.num_parts = 1,
		.places = places,
		.num_places = i + 1};
	struct snap_bytes bytes;
	assert_int_equal(snap_unit_table_encode(&contents, NUM_NAMES, &bytes), 0);
	return bytes;
}

static struct snap_image_contents make_contents(void)
{
	for (int i = 0; i < NUM_NAMES; i++) {
		/* Ascending: an image has them in this order, and so their numbers stay. */
		(void)snprintf(texts[i][0], 64, i % 3 ? "name%03d" : "name%03d@@VERSION", i);
		(void)snprintf(texts[i][1], 64, i % 3 ? "name%03d, at some length" : "name%03d", i);
		names[i] = (struct snap_image_name){texts[i][0], texts[i][i % 2]};
	}
	for (uint32_t i = 0; i < NUM_SYMBOLS; i++) {
		symbols[i] = (struct snap_image_symbol){0x1000 + 16 * i, 0x1000 + 16 * i + 8, i, 0};
		by_name[i] = (struct snap_image_by_name){
			symbols[i].start, i, snap_image_hash(names[i].raw)};
	}
	by_name[NUM_SYMBOLS - 1] = by_name[7]; /* of two places */
	by_name[NUM_SYMBOLS - 1].start++;
	for (uint32_t i = 0; i < NUM_RESTS; i++)
		rests[i] = (struct snap_image_rest){
			0x1000 + 320 * i + 8, 0x1000 + 320 * i + 12, 20 * i};
	for (uint32_t i = 0; i < NUM_UNITS; i++) {
		map[2 * i] = (struct snap_image_map_entry){0x1000 + 64 * i, i + 1};
		map[2 * i + 1] = (struct snap_image_map_entry){0x1000 + 64 * i + 60, 0};
		tables[i].state = i % 5 == 0   ? SNAP_IMAGE_MISSING
				  : i % 5 == 1 ? SNAP_IMAGE_NO_TABLE
					       : SNAP_IMAGE_TABLE;
		tables[i].unit_off = UINT64_C(0x10000) * i + 11;
		if (!tables[i].bytes.data)
			tables[i].bytes = make_table(i);
	}
	return (struct snap_image_contents){.sources = &sources,
		.map = map,
		.tables = tables,
		.names = names,
		.symbols = symbols,
		.rests = rests,
		.by_name = by_name,
		.num_map = 2 * NUM_UNITS,
		.num_tables = NUM_UNITS,
		.num_names = NUM_NAMES,
		.num_symbols = NUM_SYMBOLS,
		.num_rests = NUM_RESTS,
		.num_by_name = NUM_SYMBOLS,
		.has_map = true,
		.is_map_thorough = true,
		.has_symbols = true};
}

static struct snap_bytes encode(void)
{
	struct snap_image_contents contents = make_contents();
	struct snap_bytes bytes;
	struct snap_error err;
	assert_int_equal(snap_symbol_image_encode(&contents, &bytes, &err), 0);
	uint8_t *copy = malloc(bytes.len); /* not a byte more */
	assert_non_null(copy);
	memcpy(copy, bytes.data, bytes.len);
	free((void *)(uintptr_t)bytes.data);
	return snap_bytes(copy, bytes.len);
}

/* Whether the answer was wrong, unless the image has failed. */
#define WRONG(image, what) (!(what) && !snap_symbol_image_has_failed(image))

static bool check_units(struct snap_symbol_image *image)
{
	for (uint32_t i = 0; i < NUM_UNITS; i++) {
		struct snap_bytes bytes;
		uint64_t at = 0x1000 + 64 * i;
		if (WRONG(image, snap_symbol_image_unit_at(image, at) == i + 1) ||
			WRONG(image, snap_symbol_image_unit_at(image, at + 59) == i + 1) ||
			WRONG(image, snap_symbol_image_unit_at(image, at + 60) == 0))
			return false;
		enum snap_image_state state = snap_symbol_image_table(image, i, &bytes);
		if (WRONG(image, state == tables[i].state))
			return false;
		if (state == SNAP_IMAGE_TABLE && !snap_bytes_equal(bytes, tables[i].bytes))
			return false;
		uint64_t off;
		bool has_off = snap_symbol_image_unit_off(image, i, &off);
		if (WRONG(image, has_off) || (has_off && off != tables[i].unit_off))
			return false;
	}
	return !WRONG(image, snap_symbol_image_unit_at(image, 0xfff) == 0);
}

static bool check_names(struct snap_symbol_image *image)
{
	for (uint32_t i = 0; i < NUM_NAMES; i++) {
		const char *raw, *shown;
		bool found = snap_symbol_image_name(image, i, &raw, &shown);
		if (WRONG(image, found) || (found && (strcmp(raw, names[i].raw) != 0 ||
							     strcmp(shown, names[i].shown) != 0)))
			return false;
	}
	for (uint32_t i = 0; i < NUM_SYMBOLS - 1; i++) {
		uint64_t start;
		bool found = snap_symbol_image_find_name(image, names[i].raw, &start);
		if (WRONG(image, found == (i != 7)) || (found && start != symbols[i].start))
			return false;
	}
	uint64_t start;
	return !snap_symbol_image_find_name(image, "none", &start) &&
	       !WRONG(image, snap_symbol_image_find_name(image, "name003", &start));
}

static bool check_symbols(struct snap_symbol_image *image)
{
	for (uint32_t i = 0; i < NUM_SYMBOLS; i++) {
		static const uint8_t places[] = {0, 7, 8, 11, 12, 15};
		for (size_t j = 0; j < ARRAY_LEN(places); j++) {
			uint64_t start, end;
			uint32_t name;
			bool is_there = places[j] < 8 || (i % 20 == 0 && places[j] < 12);
			bool found = snap_symbol_image_symbol(
				image, symbols[i].start + places[j], &start, &end, &name);
			if (WRONG(image, found == is_there) ||
				(found && (!is_there || start != symbols[i].start ||
						  end != symbols[i].end || name != i)))
				return false;
		}
	}
	return true;
}

static bool is_right(struct snap_bytes bytes)
{
	bool right = true;
	/* Each kind of answer as the first one. */
	bool (*const checks[])(struct snap_symbol_image *) = {
		check_units, check_names, check_symbols};
	for (size_t i = 0; i < ARRAY_LEN(checks) && right; i++) {
		struct snap_symbol_image *image = snap_symbol_image_open(bytes, &sources);
		if (!image)
			return true;
		right = checks[i](image) && check_units(image) && check_names(image) &&
			check_symbols(image);
		snap_symbol_image_close(image);
	}
	return right;
}

static void test_symbol_image_round_trip(void **state)
{
	(void)state;
	struct snap_bytes bytes = encode();
	struct snap_symbol_image *image = snap_symbol_image_open(bytes, &sources);
	assert_non_null(image);
	assert_true(check_units(image) && check_names(image) && check_symbols(image));
	assert_false(snap_symbol_image_has_failed(image));
	struct snap_image_info info, peeked;
	snap_symbol_image_info(image, &info);
	assert_int_equal(info.num_units, NUM_UNITS);
	assert_int_equal(info.num_units_kept, NUM_UNITS - NUM_UNITS / 5);
	assert_int_equal(info.num_names, NUM_NAMES);
	assert_int_equal(info.num_symbols, NUM_SYMBOLS);
	assert_false(info.is_whole);
	assert_true(info.has_map && info.is_map_thorough && info.has_symbols);
	assert_true(snap_symbol_image_peek(bytes, &peeked));
	assert_memory_equal(&info, &peeked, sizeof(info));
	/* What is not there is no answer, and no fault of the reader. */
	const char *raw, *shown;
	assert_false(snap_symbol_image_name(image, NUM_NAMES, &raw, &shown));
	assert_true(snap_symbol_image_has_failed(image));
	assert_int_equal(snap_symbol_image_unit_at(image, 0x1000), 0);
	snap_symbol_image_close(image);
	free((void *)(uintptr_t)bytes.data);
}

static void test_symbol_image_of_nothing(void **state)
{
	(void)state;
	struct snap_image_contents contents = {.sources = &sources};
	struct snap_bytes bytes;
	uint64_t start, end;
	uint32_t name;
	assert_int_equal(snap_symbol_image_encode(&contents, &bytes, NULL), 0);
	struct snap_symbol_image *image = snap_symbol_image_open(bytes, &sources);
	assert_non_null(image);
	assert_int_equal(snap_symbol_image_unit_at(image, 0x1000), 0);
	assert_false(snap_symbol_image_symbol(image, 0x1000, &start, &end, &name));
	assert_false(snap_symbol_image_find_name(image, "main", &start));
	assert_false(snap_symbol_image_has_failed(image));
	snap_symbol_image_close(image);
	free((void *)(uintptr_t)bytes.data);
}

static void test_symbol_image_of_other_sources(void **state)
{
	(void)state;
	struct snap_bytes bytes = encode();
	uint8_t *data = (uint8_t *)(uintptr_t)bytes.data;
	for (size_t i = 0; i < 7; i++) {
		struct snap_image_sources others = sources;
		if (i < 4)
			others.file_len[i]++;
		else if (i == 4)
			others.build_id[2]++;
		else if (i == 5)
			others.build_id_len++;
		else
			others.build_id[SNAP_MAX_BUILD_ID - 1]++;
		assert_null(snap_symbol_image_open(bytes, &others));
	}
	/* Another version, with a CRC that is right. */
	size_t crc_off = 24 + sizeof(sources) + 16 * 10 + 12;
	uint32_t crc;
	memcpy(&crc, data + crc_off, sizeof(crc));
	assert_int_equal(crc, snap_crc32c(0, data, crc_off));
	data[8]++;
	crc = snap_crc32c(0, data, crc_off);
	memcpy(data + crc_off, &crc, sizeof(crc));
	struct snap_image_info info;
	assert_false(snap_symbol_image_peek(bytes, &info));
	assert_null(snap_symbol_image_open(bytes, &sources));
	data[8]--;
	crc = snap_crc32c(0, data, crc_off);
	memcpy(data + crc_off, &crc, sizeof(crc));
	assert_true(is_right(bytes));
	/* Sections anywhere, likewise. */
	for (size_t i = 24 + sizeof(sources); i < crc_off; i++) {
		uint8_t was = data[i];
		for (unsigned int j = 0; j < 8; j++) {
			data[i] = was ^ (uint8_t)(1u << j);
			crc = snap_crc32c(0, data, crc_off);
			memcpy(data + crc_off, &crc, sizeof(crc));
			struct snap_symbol_image *image = snap_symbol_image_open(bytes, &sources);
			if (image) {
				(void)check_units(image);
				(void)check_names(image);
				(void)check_symbols(image);
				/* So many that it is looked at in another way. */
				for (uint64_t k = 0; k < 300; k++)
					(void)snap_symbol_image_unit_at(image, 0x1000 + k);
			}
			snap_symbol_image_close(image);
		}
		data[i] = was;
	}
	free(data);
}

/* Whose checksums are right, and which still lies: a part of a symbol that begins behind it; units
 * that are not there, asked for again and again. */
static void test_symbol_image_contradictions(void **state)
{
	(void)state;
	struct snap_image_contents contents = make_contents();
	struct snap_bytes bytes;
	uint64_t start = 0, end;
	uint32_t name;
	rests[5].symbol = NUM_SYMBOLS - 1;
	assert_int_equal(snap_symbol_image_encode(&contents, &bytes, NULL), 0);
	struct snap_symbol_image *image = snap_symbol_image_open(bytes, &sources);
	assert_non_null(image);
	assert_false(snap_symbol_image_symbol(image, rests[5].start, &start, &end, &name));
	assert_true(snap_symbol_image_has_failed(image));
	snap_symbol_image_close(image);

	uint8_t *data = (uint8_t *)(uintptr_t)bytes.data;
	struct snap_image_header header;
	memcpy(&header, data, sizeof(header));
	size_t page = (header.sections[SNAP_IMAGE_MAP_UNITS].off + 4096) / 4096 * 4096;
	header.sections[SNAP_IMAGE_MAP_UNITS].off = page;
	header.crc = snap_crc32c(0, &header, offsetof(struct snap_image_header, crc));
	memcpy(data, &header, sizeof(header));
	data[page] ^= 1;
	image = snap_symbol_image_open(bytes, &sources);
	assert_non_null(image);
	for (uint64_t i = 0; i < 600; i++)
		assert_int_equal(snap_symbol_image_unit_at(image, 0), 0);
	for (uint64_t i = 0; i < 600; i++)
		assert_int_equal(snap_symbol_image_unit_at(image, 0x1001), 0);
	assert_true(snap_symbol_image_has_failed(image));
	snap_symbol_image_close(image);
	free(data);
}

static void test_symbol_image_damage(void **state)
{
	(void)state;
	static const uint8_t changes[] = {0x01, 0x80, 0xff};
	struct snap_bytes bytes = encode();
	uint8_t *data = (uint8_t *)(uintptr_t)bytes.data;
	assert_true(is_right(bytes));
	for (size_t i = 0; i < bytes.len; i++) {
		/* Of the pages that are all the same to it, a few. */
		if (data[i] == 0 && i % 16 != 0)
			continue;
		data[i] ^= changes[i % 3];
		if (!is_right(bytes))
			fail_msg("byte %zu", i);
		data[i] ^= changes[i % 3];
	}
	for (size_t len = 0; len < bytes.len; len++) {
		uint8_t *cut = malloc(len ? len : 1);
		memcpy(cut, data, len);
		assert_null(snap_symbol_image_open(snap_bytes(cut, len), &sources));
		free(cut);
	}
	free(data);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_symbol_image_round_trip),
		cmocka_unit_test(test_symbol_image_of_nothing),
		cmocka_unit_test(test_symbol_image_of_other_sources),
		cmocka_unit_test(test_symbol_image_contradictions),
		cmocka_unit_test(test_symbol_image_damage),
	};
	return cmocka_run_group_tests_name("symbol_image", tests, NULL, NULL);
}
