/*
 * A core's mappings: its PT_LOAD segments (or what a note of ours says), with the files that
 * NT_FILE names.
 */
#include "analyze/input/core.h"

#include <elf.h>
#include <string.h>

#include "analyze/input/load.h"

#define MAX_FILES 65536u
/* As many as there may be segments. */
#define MAX_MAPPINGS (1u << 20)

/* /proc/PID/maps marks a file that is gone so; the core has the same text. */
static void set_path(struct snap_core_file *file, struct snap_bytes path)
{
	static const char mark[] = " (deleted)";
	size_t len = sizeof(mark) - 1;
	file->path = path;
	if (path.len > len && memcmp(path.data + path.len - len, mark, len) == 0) {
		file->path.len -= len;
		file->deleted = true;
	}
}

/* NT_FILE: number of entries, page size; start, end, offset in pages of each; their names. */
static int read_files(struct snap_core *core, struct snap_error *err)
{
	struct snap_bytes note = core->file_note;
	unsigned int word = snap_core_word(core);
	if (note.len < 2 * word)
		return 0;
	uint64_t num = snap_core_load(core, note.data, word);
	uint64_t page = snap_core_load(core, note.data + word, word);
	if (num > (note.len - 2 * word) / (3 * word) || num > MAX_FILES)
		return snap_crash_note(
			core->crash, snap_bytes_str("the core's NT_FILE note is malformed"), err);
	core->files = snap_arena_alloc(&core->crash->arena, num * sizeof(*core->files));
	if (!core->files)
		return snap_error_no_memory(err);
	const uint8_t *names = note.data + (2 + 3 * num) * word;
	const uint8_t *end = note.data + note.len;
	for (uint64_t i = 0; i < num; i++) {
		const uint8_t *entry = note.data + (2 + 3 * i) * word;
		const uint8_t *name_end =
			names < end ? memchr(names, '\0', (size_t)(end - names)) : NULL;
		if (!name_end)
			break;
		struct snap_core_file *file = &core->files[core->num_files++];
		*file = (struct snap_core_file){
			.start = snap_core_load(core, entry, word),
			.end = snap_core_load(core, entry + word, word),
			.offset = snap_core_load(core, entry + 2 * word, word) * page,
		};
		set_path(file, snap_bytes(names, (size_t)(name_end - names)));
		names = name_end + 1;
	}
	return 0;
}

const struct snap_core_file *snap_core_file_at(const struct snap_core *core, uint64_t addr)
{
	size_t low = 0, high = core->num_files; /* the kernel writes them in order */
	while (low < high) {
		size_t mid = low + (high - low) / 2;
		if (addr < core->files[mid].start)
			high = mid;
		else if (addr >= core->files[mid].end)
			low = mid + 1;
		else
			return &core->files[mid];
	}
	return NULL;
}

/* What the auxiliary vector says about mappings that no file backs. */
struct landmarks {
	bool has_vdso, has_random;
	uint64_t vdso, random;
};

static struct snap_mapping mapping_of(const struct snap_core *core,
	const struct landmarks *landmarks, const struct snap_core_segment *ph)
{
	struct snap_mapping mapping = {
		.start = ph->vaddr,
		.end = ph->vaddr + ph->memsz,
		.has_permissions = true,
		.permissions = (ph->flags & PF_R ? SNAP_MAPPING_READ : 0) |
			       (ph->flags & PF_W ? SNAP_MAPPING_WRITE : 0) |
			       (ph->flags & PF_X ? SNAP_MAPPING_EXEC : 0),
	};
	const struct snap_core_file *file = snap_core_file_at(core, mapping.start);
	if (file) {
		mapping.file_offset = file->offset + (mapping.start - file->start);
		mapping.path = file->path;
		mapping.deleted = file->deleted;
	} else if (landmarks->has_vdso && mapping.start == landmarks->vdso) {
		mapping.path = snap_bytes_str("[vdso]");
	} else if (landmarks->has_random && landmarks->random >= mapping.start &&
		   landmarks->random < mapping.end) {
		/* AT_RANDOM's bytes lie on the main thread's stack. */
		mapping.path = snap_bytes_str("[stack]");
	}
	return mapping;
}

/* The array of mappings as it grows. */
struct list {
	struct snap_core *core;
	struct landmarks landmarks;
	size_t capacity;
};

static int append(struct list *list, const struct snap_core_segment *ph, struct snap_error *err)
{
	struct snap_crash *crash = list->core->crash;
	if (ph->memsz == 0 || ph->memsz > UINT64_MAX - ph->vaddr)
		return 0;
	struct snap_mapping *mappings = snap_arena_grow(&crash->arena, crash->mappings,
		crash->num_mappings, &list->capacity, sizeof(*mappings));
	if (!mappings)
		return snap_error_no_memory(err);
	crash->mappings = mappings;
	mappings[crash->num_mappings++] = mapping_of(list->core, &list->landmarks, ph);
	return 0;
}

/* A core that was made of a snapshot has segments for what was captured of its mappings only. */
static int append_noted(struct list *list, struct snap_bytes note, struct snap_error *err)
{
	enum { NUMBER = 8, ENTRY = 3 * NUMBER };
	for (size_t off = 0; note.len - off >= ENTRY && off / ENTRY < MAX_MAPPINGS; off += ENTRY) {
		const uint8_t *entry = note.data + off;
		uint64_t start = snap_core_load(list->core, entry, NUMBER);
		uint64_t end = snap_core_load(list->core, entry + NUMBER, NUMBER);
		const struct snap_core_segment mapping = {
			.vaddr = start,
			.memsz = end > start ? end - start : 0,
			.flags = (uint32_t)snap_core_load(list->core, entry + 2 * NUMBER, NUMBER),
		};
		if (append(list, &mapping, err) < 0)
			return -1;
	}
	return 0;
}

/* Whether a segment lies, at least in part, in [start, end); mappings are sorted. */
static bool is_listed(const struct snap_crash *crash, size_t num, uint64_t start, uint64_t end)
{
	size_t low = 0, high = num;
	while (low < high) {
		size_t mid = low + (high - low) / 2;
		if (crash->mappings[mid].end <= start)
			low = mid + 1;
		else
			high = mid;
	}
	return low < num && crash->mappings[low].start < end;
}

/* gdb's gcore has no segments for what it finds unchanged in the files, code for one; NT_FILE tells
 * of them, but not what may be done there. */
static int append_unlisted_files(struct list *list, struct snap_error *err)
{
	const struct snap_core *core = list->core;
	struct snap_crash *crash = core->crash;
	size_t num = crash->num_mappings;
	for (size_t i = 0; i < core->num_files; i++) {
		const struct snap_core_file *file = &core->files[i];
		const struct snap_core_segment mapping = {
			.vaddr = file->start,
			.memsz = file->end > file->start ? file->end - file->start : 0,
		};
		if (is_listed(crash, num, file->start, file->end))
			continue;
		if (append(list, &mapping, err) < 0)
			return -1;
		if (crash->num_mappings > num)
			crash->mappings[crash->num_mappings - 1].has_permissions = false;
	}
	return 0;
}

int snap_core_add_mappings(struct snap_core *core, struct snap_error *err)
{
	struct list list = {.core = core};
	struct landmarks *landmarks = &list.landmarks;
	landmarks->has_vdso = snap_core_auxv_find(core, AT_SYSINFO_EHDR, &landmarks->vdso) &&
			      landmarks->vdso != 0;
	landmarks->has_random =
		snap_core_auxv_find(core, AT_RANDOM, &landmarks->random) && landmarks->random != 0;
	if (read_files(core, err) < 0 || append_noted(&list, core->mappings_note, err) < 0)
		return -1;
	for (size_t i = 0; i < core->num_segments && core->mappings_note.len == 0; i++)
		if (core->segments[i].type == PT_LOAD && append(&list, &core->segments[i], err) < 0)
			return -1;
	snap_load_sort_mappings(core->crash);
	if (append_unlisted_files(&list, err) < 0)
		return -1;
	snap_load_sort_mappings(core->crash);
	return 0;
}
