#include "capture/annotations.h"

#include <string.h>

_Static_assert(SNAP_ANNOTATIONS_RANGE_BYTES <= SNAP_MEMORY_MAX, "as of other ranges");

void snap_annotations_init(struct snap_annotations *a, snap_memory_read_fn *read, void *arg)
{
	a->read = read;
	a->arg = arg;
	a->num_areas = 0;
	a->room = SNAP_ANNOTATIONS_BYTES;
}

static bool read_exactly(struct snap_annotations *a, uint64_t addr, void *to, size_t len)
{
	return a->read(a->arg, addr, to, len) == (ssize_t)len;
}

/* Up to there, nothing but numbers. */
#define HEAD_BYTES __builtin_offsetof(struct snap_lib_area, ranges)

static void offer(struct snap_annotations *a, uint64_t addr)
{
	if (a->num_areas == SNAP_ANNOTATIONS_MAX_AREAS)
		return;
	for (size_t i = 0; i < a->num_areas; i++)
		if (a->areas[i] == addr)
			return;
	struct snap_lib_area *head = &a->area;
	if (!read_exactly(a, addr, head, HEAD_BYTES) || head->magic != SNAP_LIB_AREA_MAGIC ||
		head->version != SNAP_LIB_AREA_VERSION || head->size != sizeof(*head))
		return;
	a->areas[a->num_areas++] = addr;
}

void snap_annotations_offer_mapping(struct snap_annotations *a, const struct snap_mapping *mapping)
{
	if (mapping->inode == 0 &&
		snap_bytes_equal_str(mapping->path, "[anon:" SNAP_LIB_AREA_NAME "]"))
		offer(a, mapping->start);
}

void snap_annotations_offer_pointer(struct snap_annotations *a, uint64_t addr)
{
	uint64_t area;
	if (addr != 0 && a->num_areas < SNAP_ANNOTATIONS_MAX_AREAS &&
		read_exactly(a, addr, &area, sizeof(area)) && area != 0)
		offer(a, area);
}

bool snap_annotations_find_captured(
	struct snap_annotations *a, struct snap_annotations_captured *ret)
{
	for (size_t i = 0; i < a->num_areas; i++) {
		const struct snap_lib_area *head = &a->area;
		if (!read_exactly(a, a->areas[i], &a->area, HEAD_BYTES) ||
			head->captured != SNAP_LIB_CAPTURED)
			continue;
		ret->pid = head->captured_pid;
		ret->tid = head->captured_tid;
		ret->signo = head->captured_signo;
		memcpy(ret->uuid, head->captured_uuid, sizeof(ret->uuid));
		return true;
	}
	return false;
}

/* ---------------------------------------------------------------- slots */

/* Whether the slot was whole when it was read. */
static bool is_whole(uint32_t state, uint32_t state_again)
{
	return !(state & 1) && state == state_again;
}

static void leave_out(
	const struct snap_annotations_sink *sink, enum snap_omission_what what, uint64_t count)
{
	/* It was being written: what it was is gone, what it should be is not there yet. */
	struct snap_omission omission = {
		.what = what,
		.why = SNAP_OMITTED_GONE,
		.has_count = true,
		.count = count,
	};
	if (count > 0)
		sink->omission(sink->arg, &omission);
}

static void read_tags(const struct snap_annotations *a, const struct snap_lib_area *again,
	const struct snap_annotations_sink *sink)
{
	uint64_t num_torn = 0;
	for (size_t i = 0; i < SNAP_LIB_TAGS; i++) {
		const struct snap_lib_tag *slot = &a->area.tags[i];
		if (!is_whole(slot->state, again->tags[i].state)) {
			num_torn++;
			continue;
		}
		if (slot->key_len == 0 || slot->key_len > sizeof(slot->key) ||
			slot->value_len > sizeof(slot->value))
			continue;
		struct snap_tag tag = {
			.key = snap_bytes(slot->key, slot->key_len),
			.value = snap_bytes(slot->value, slot->value_len),
		};
		sink->tag(sink->arg, &tag);
	}
	leave_out(sink, SNAP_OMITTED_TAG, num_torn);
}

static void read_logs(const struct snap_annotations *a, const struct snap_lib_area *again,
	bool same_tids, const struct snap_annotations_sink *sink)
{
	/* Lines are numbered from 1; each in the ring is there, or it is lost. */
	uint32_t next = a->area.log_next, first = next > SNAP_LIB_LOGS ? next - SNAP_LIB_LOGS : 1;
	uint32_t num_lost = first - 1;
	uint64_t num_cut = 0;
	for (uint32_t number = first; number != next && number - first < SNAP_LIB_LOGS; number++) {
		const struct snap_lib_log *slot = &a->area.logs[number % SNAP_LIB_LOGS];
		if (slot->state != 2 * number ||
			again->logs[number % SNAP_LIB_LOGS].state != slot->state ||
			slot->len > sizeof(slot->text)) {
			num_lost++;
			continue;
		}
		if (num_lost > 0) {
			struct snap_log lost = {.has_dropped = true, .dropped = num_lost};
			sink->log(sink->arg, &lost);
			num_lost = 0;
		}
		struct snap_log log = {
			.message = snap_bytes(slot->text, slot->len),
			.has_line_level = true,
			.line_level = slot->level & 7,
			.has_timestamp = true,
			.timestamp = slot->time_ns,
			.has_tid = same_tids,
			.tid = slot->tid,
		};
		sink->log(sink->arg, &log);
		num_cut += slot->cut != 0;
	}
	if (num_lost > 0) {
		struct snap_log lost = {.has_dropped = true, .dropped = num_lost};
		sink->log(sink->arg, &lost);
	}
	struct snap_omission omission = {
		.what = SNAP_OMITTED_LOG,
		.why = SNAP_OMITTED_CAP,
		.has_count = true,
		.count = num_cut,
	};
	if (num_cut > 0)
		sink->omission(sink->arg, &omission);
}

/* A registered range, or its part that is taken. */
static void read_range(struct snap_annotations *a, const struct snap_lib_range *slot,
	const struct snap_annotations_sink *sink)
{
	struct snap_omission omission = {
		.what = SNAP_OMITTED_MEMORY,
		.has_range = true,
		.address = slot->address,
		.bytes = slot->len,
	};
	uint64_t wanted = slot->len < sizeof(a->buf) ? slot->len : sizeof(a->buf);
	if (wanted > a->room)
		wanted = a->room;
	ssize_t n = wanted > 0 ? a->read(a->arg, slot->address, a->buf, (size_t)wanted) : 0;
	uint64_t len = n > 0 ? (uint64_t)n : 0;
	if (len > 0) {
		struct snap_memory_range range = {
			.address = slot->address,
			.data = snap_bytes(a->buf, (size_t)len),
			.reason = SNAP_MEMORY_ANNOTATED,
			.name = snap_bytes(slot->name, slot->name_len),
		};
		sink->range(sink->arg, &range);
		a->room -= len;
	}
	omission.address += len;
	omission.bytes -= len;
	if (omission.bytes == 0)
		return;
	omission.why = len < wanted ? SNAP_OMITTED_UNREADABLE : SNAP_OMITTED_CAP;
	omission.has_error = n < 0;
	omission.error = n < 0 ? (uint32_t)-n : 0;
	sink->omission(sink->arg, &omission);
}

static void read_ranges(struct snap_annotations *a, const struct snap_lib_area *again,
	const struct snap_annotations_sink *sink)
{
	uint64_t num_torn = 0;
	for (size_t i = 0; i < SNAP_LIB_RANGES; i++) {
		const struct snap_lib_range *slot = &a->area.ranges[i];
		if (!is_whole(slot->state, again->ranges[i].state))
			num_torn++;
		else if (slot->len > 0 && slot->name_len <= sizeof(slot->name) &&
			 slot->address + (slot->len - 1) >= slot->address)
			read_range(a, slot, sink);
	}
	leave_out(sink, SNAP_OMITTED_ANNOTATION, num_torn);
}

void snap_annotations_read(struct snap_annotations *a, bool running, bool same_tids,
	const struct snap_annotations_sink *sink)
{
	for (size_t i = 0; i < a->num_areas; i++) {
		if (!read_exactly(a, a->areas[i], &a->area, sizeof(a->area))) {
			leave_out(sink, SNAP_OMITTED_ANNOTATION, 1);
			continue;
		}
		/* A slot whose state is the same before and after was not written meanwhile. */
		if (running && !read_exactly(a, a->areas[i], &a->again, sizeof(a->again)))
			continue;
		const struct snap_lib_area *again = running ? &a->again : &a->area;
		read_tags(a, again, sink);
		read_logs(a, again, same_tids, sink);
		read_ranges(a, again, sink);
	}
}
