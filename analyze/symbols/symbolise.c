#include "analyze/symbols/symbolise.h"

#include "analyze/symbols/object.h"

/* Of all threads: a frame can have over a hundred functions inlined, and there can be hundreds of
 * thousands of frames. */
#define MAX_INLINES_IN_ALL 262144
/* A power of 2. Most frames are of few files, and a file's path is one string. */
#define NUM_MAPPED 64
/* Of what --path-map makes of a path; with more it stays as it is. */
#define MAX_PATH_BYTES 8192

/* A path and what it is mapped to, which is in the crash's arena or the path itself. */
struct mapped {
	const char *from, *to;
};

struct list {
	struct snap_listed_frame *items;
	size_t num, capacity;
	size_t inlines_left; /* of all threads */
	bool limited;
	const struct snap_path_map *map;
	struct mapped mapped[NUM_MAPPED]; /* of each slot the last one */
};

/* path: of an object. *ret outlives the crash or is in its arena. */
static int map_path(struct snap_crash *crash, struct list *list, const char *path, const char **ret,
	struct snap_error *err)
{
	*ret = path;
	if (list->map->num == 0 || !path)
		return 0;
	size_t slot = (size_t)((uintptr_t)path * UINT64_C(0x9e3779b97f4a7c15) >> 32);
	struct mapped *mapped = &list->mapped[slot & (NUM_MAPPED - 1)];
	if (mapped->from != path) {
		char buf[MAX_PATH_BYTES];
		const char *to = snap_path_map_apply(list->map, path, buf, sizeof(buf));
		if (to == buf && !(to = snap_arena_copy(&crash->arena, snap_bytes_str(buf))))
			return snap_error_no_memory(err);
		*mapped = (struct mapped){path, to};
	}
	*ret = mapped->to;
	return 0;
}

static int append(struct snap_crash *crash, struct list *list, const struct snap_listed_frame *item,
	struct snap_error *err)
{
	struct snap_listed_frame *items = snap_arena_grow(
		&crash->arena, list->items, list->num, &list->capacity, sizeof(*items));
	if (!items)
		return snap_error_no_memory(err);
	list->items = items;
	items[list->num++] = *item;
	return 0;
}

static int symbolise_frame(struct snap_crash *crash, struct list *list,
	const struct snap_frame *frame, size_t frame_index, struct snap_error *err)
{
	const struct snap_crash_module *module = frame->module;
	const struct snap_source_frame *sources = NULL;
	size_t num = 0;
	uint64_t vaddr = 0;
	if (module && module->object && module->record.has_load_bias) {
		vaddr = frame->pc - module->record.load_bias;
		/* A return address may already belong to what follows the call. */
		bool as_it_is = frame->exact_pc || frame->is_signal;
		sources = snap_object_find(module->object, as_it_is ? vaddr : vaddr - 1, &num);
	}
	/* Beyond the limit only the function itself, which is the last. */
	if (num > 1 && num - 1 > list->inlines_left) {
		sources += num - 1;
		num = 1;
		list->limited = true;
	}
	list->inlines_left -= num > 1 ? num - 1 : 0;
	for (size_t i = 0; i < num; i++) {
		const struct snap_source_frame *source = &sources[i];
		struct snap_listed_frame item = {
			.frame = frame_index,
			.is_inline = source->is_inline,
			.function = source->function,
			.raw_function = source->raw_function,
			.has_offset = !source->is_inline && source->function,
			.offset = vaddr - source->start,
			.built_file = source->file,
			.line = source->line,
			.column = source->column,
		};
		if (map_path(crash, list, source->file, &item.file, err) < 0 ||
			append(crash, list, &item, err) < 0)
			return -1;
	}
	struct snap_listed_frame unknown = {.frame = frame_index};
	return num > 0 ? 0 : append(crash, list, &unknown, err);
}

/* What a device says of a frame of its own backtrace, where we know no name. */
static int add_device_name(struct snap_crash *crash, const struct snap_crash_thread *thread,
	size_t frame_index, struct snap_listed_frame *listed, struct snap_error *err)
{
	const struct snap_thread *record = &thread->record;
	const struct snap_frame *frame = &thread->frames[frame_index];
	size_t from_end = thread->num_frames - frame_index;
	if (frame->trust != SNAP_TRUST_PREWALKED || listed->function ||
		record->num_symbolized != record->num_backtrace || from_end > record->num_backtrace)
		return 0;
	size_t i = record->num_backtrace - from_end;
	/* Of a list that was cut short, it is another's. */
	if ((record->backtrace[i] | 1) != (frame->pc | 1) || record->symbolized[i].len == 0)
		return 0;
	listed->function = snap_arena_copy(&crash->arena, record->symbolized[i]);
	return listed->function ? 0 : snap_error_no_memory(err);
}

int snap_symbolise(
	struct snap_crash *crash, const struct snap_path_map *map, struct snap_error *err)
{
	struct list list = {.inlines_left = MAX_INLINES_IN_ALL, .map = map};
	for (size_t i = 0; i < crash->num_threads; i++) {
		struct snap_crash_thread *thread = &crash->threads[i];
		list.items = NULL;
		list.num = list.capacity = 0;
		for (size_t j = 0; j < thread->num_frames; j++)
			if (symbolise_frame(crash, &list, &thread->frames[j], j, err) < 0 ||
				add_device_name(crash, thread, j, &list.items[list.num - 1], err) < 0)
				return -1;
		thread->listed = list.items;
		thread->num_listed = list.num;
	}
	if (list.limited)
		return snap_crash_note(crash,
			snap_bytes_str(
				"inlined functions are not shown of all frames: there are too "
				"many"),
			err);
	return 0;
}
