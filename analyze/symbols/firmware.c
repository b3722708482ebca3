#include "analyze/symbols/firmware.h"

#include <stdlib.h>
#include <string.h>

#include <elf.h>

#include "analyze/symbols/object.h"

/* Linker scripts make a few; more are not followed. */
#define MAX_SEGMENTS 128
/* Pieces of segments, by section; and how often sections are looked through for them. */
#define MAX_PIECES 1024
#define MAX_LOOKS  256

struct pieces {
	struct snap_mapping list[MAX_PIECES];
	size_t num, num_looks;
};

static uint32_t permissions_of(uint32_t p_flags)
{
	return (p_flags & PF_R ? SNAP_MAPPING_READ : 0) | (p_flags & PF_W ? SNAP_MAPPING_WRITE : 0) |
	       (p_flags & PF_X ? SNAP_MAPPING_EXEC : 0);
}

static void add_piece(struct pieces *pieces, uint64_t start, uint64_t end, uint32_t permissions)
{
	struct snap_mapping *last = pieces->num > 0 ? &pieces->list[pieces->num - 1] : NULL;
	if (start >= end)
		return;
	if (last && last->end == start && last->permissions == permissions) {
		last->end = end;
		return;
	}
	if (pieces->num < MAX_PIECES)
		pieces->list[pieces->num++] = (struct snap_mapping){
			.start = start,
			.end = end,
			.has_permissions = true,
			.permissions = permissions,
			.path = snap_bytes_str("firmware"),
		};
}

/*
 * One segment. Linkers put code, constants (the vector table is no code), and sometimes all that there
 * is into one that may be executed: the sections tell them apart.
 */
static void add_segment(
	struct pieces *pieces, const struct snap_object *object, const struct snap_segment *segment)
{
	uint32_t permissions = permissions_of(segment->flags);
	uint64_t start = segment->start, end = segment->end, from, to;
	bool has_code = segment->flags & PF_X;
	while (has_code && pieces->num_looks++ < MAX_LOOKS &&
		snap_object_next_code(object, start, &from, &to) && from < end) {
		if (to > end)
			to = end;
		add_piece(pieces, start, from, permissions & ~(uint32_t)SNAP_MAPPING_EXEC);
		add_piece(pieces, from > start ? from : start, to, permissions);
		start = to;
	}
	add_piece(pieces, start, end,
		has_code && snap_object_next_code(object, 0, &from, &to)
			? permissions & ~(uint32_t)SNAP_MAPPING_EXEC
			: permissions);
}

/* What of a piece no mapping has yet; known: how many of them are ascending and disjoint. */
static size_t add_around(struct snap_mapping *mappings, size_t num, size_t known, size_t max,
	struct snap_mapping piece)
{
	for (size_t i = 0; i < known && piece.start < piece.end; i++) {
		const struct snap_mapping *taken = &mappings[i];
		if (taken->end <= piece.start || taken->start >= piece.end)
			continue;
		if (taken->start > piece.start && num < max) {
			mappings[num] = piece;
			mappings[num++].end = taken->start;
		}
		piece.start = taken->end;
	}
	if (piece.start < piece.end && num < max)
		mappings[num++] = piece;
	return num;
}

static int compare_mappings(const void *a, const void *b)
{
	const struct snap_mapping *x = a, *y = b;
	return x->start < y->start ? -1 : x->start > y->start;
}

static int add_mappings(
	struct snap_crash *crash, const struct pieces *pieces, struct snap_error *err)
{
	size_t known = crash->num_mappings, num = known;
	/* Each stack cuts a piece once more. */
	size_t max = 2 * known + pieces->num;
	struct snap_mapping *mappings = snap_arena_alloc(&crash->arena, max * sizeof(*mappings));
	if (!mappings)
		return snap_error_no_memory(err);
	if (known > 0)
		memcpy(mappings, crash->mappings, known * sizeof(*mappings));
	for (size_t i = 0; i < pieces->num; i++) {
		size_t before = num;
		num = add_around(mappings, num, known, max, pieces->list[i]);
		/* Segments that overlap are not the rule: the first one counts. */
		for (size_t j = before; j < num; j++)
			for (size_t k = known; k < before; k++)
				if (mappings[j].start < mappings[k].end &&
					mappings[k].start < mappings[j].end)
					mappings[j].end = mappings[j].start;
	}
	size_t kept = 0;
	for (size_t i = 0; i < num; i++)
		if (mappings[i].start < mappings[i].end)
			mappings[kept++] = mappings[i];
	qsort(mappings, kept, sizeof(*mappings), compare_mappings);
	crash->mappings = mappings;
	crash->num_mappings = kept;
	return 0;
}

int snap_firmware_lay_out(struct snap_crash *crash, struct snap_error *err)
{
	struct snap_crash_module *module = crash->num_modules == 1 ? &crash->modules[0] : NULL;
	if (!crash->device.is_device || crash->device.is_laid_out || !module || !module->object ||
		!snap_object_has_code(module->object))
		return 0;
	struct pieces *pieces = calloc(1, sizeof(*pieces));
	if (!pieces)
		return snap_error_no_memory(err);
	struct snap_segment segment;
	uint64_t start = UINT64_MAX, end = 0;
	for (size_t i = 0;
		i < MAX_SEGMENTS && snap_object_segment(module->object, i, &segment); i++) {
		if (segment.start >= segment.end || segment.end > module->record.end)
			continue;
		add_segment(pieces, module->object, &segment);
		start = segment.start < start ? segment.start : start;
		end = segment.end > end ? segment.end : end;
	}
	int r = pieces->num > 0 ? add_mappings(crash, pieces, err) : 0;
	if (r == 0 && pieces->num > 0) {
		module->record.start = start;
		module->record.end = end;
		crash->device.is_laid_out = true;
	}
	free(pieces);
	return r;
}

bool snap_firmware_can_execute(const struct snap_crash *crash, uint64_t addr)
{
	return snap_firmware_may_be_code(crash, addr) ||
	       (!crash->device.is_laid_out && addr >= 0x20000000 && addr < 0x40000000);
}

bool snap_firmware_may_be_code(const struct snap_crash *crash, uint64_t addr)
{
	if (crash->device.is_laid_out || !crash->arch)
		return false; /* the mappings say all that is known */
	return !crash->arch->is_m_profile || addr < 0x20000000 ||
	       (addr >= 0x60000000 && addr < 0xa0000000);
}
