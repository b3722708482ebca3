#include "capture/layout.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

/* Looks for an ELF header: what isn't a module costs time too. */
#define MAX_LOOKS 8192

void snap_layout_init(struct snap_layout *l, struct snap_emit *emit, const struct snap_areas *areas,
	int mem_fd, uint64_t vdso_addr, struct snap_annotations *annotations, bool aborted)
{
	memset(l, 0, offsetof(struct snap_layout, path));
	l->emit = emit;
	l->areas = areas;
	l->mem_fd = mem_fd;
	l->vdso_addr = vdso_addr;
	l->annotations = annotations;
	l->aborted = aborted;
	snap_abort_finder_init(&l->abort_finder, snap_memory_read, &l->mem_fd);
	snap_mapping_quota_init(&l->quota, areas->num_telling);
}

void snap_layout_want(struct snap_layout *l, uint64_t addr)
{
	snap_mapping_quota_want(&l->quota, l->areas, addr);
}

static void flush_module(struct snap_layout *l)
{
	if (!l->active)
		return;
	l->active = false;
	if (!l->has_image && !l->executable)
		return;
	if (l->num_modules == SNAP_MAX_MODULES_TAKEN) {
		l->modules_left_out++;
		return;
	}
	l->num_modules++;
	struct snap_module module = {
		.start = l->first.start,
		.end = l->end,
		.path = l->first.path,
		.deleted = l->first.deleted,
		.build_id_status = l->has_image ? l->image.status : l->status,
		.has_load_bias = l->has_image,
		.load_bias = l->image.load_bias,
	};
	if (l->has_image && l->image.build_id_len > 0)
		module.build_id = snap_bytes(l->image.build_id, l->image.build_id_len);
	(void)snap_write_module(&l->emit->writer, &module); /* its error sticks */
}

static void begin_module(struct snap_layout *l, const struct snap_mapping *mapping, bool at_header)
{
	l->active = true;
	l->has_image = false;
	l->image.load_bias = 0;
	l->executable = mapping->permissions & SNAP_MAPPING_EXEC;
	/* Where the header would be is not mapped, or not looked at. */
	l->status = SNAP_BUILD_ID_UNREADABLE;
	l->first = *mapping;
	l->end = mapping->end;
	size_t len = mapping->path.len < sizeof(l->path) ? mapping->path.len : sizeof(l->path);
	memcpy(l->path, mapping->path.data, len);
	l->first.path = snap_bytes(l->path, len);

	if (!at_header || l->num_modules == SNAP_MAX_MODULES_TAKEN || l->num_looks == MAX_LOOKS)
		return;
	l->num_looks++;
	int r = snap_elf_image_read(snap_memory_read, &l->mem_fd, mapping->start, &l->image);
	l->has_image = r == 0;
	if (l->has_image && l->annotations)
		snap_annotations_offer_pointer(l->annotations, l->image.area_pointer_addr);
	if (l->has_image && l->aborted)
		snap_abort_finder_offer_image(&l->abort_finder, l->first.path, &l->image);
	if (r == -ENOEXEC)
		l->status = SNAP_BUILD_ID_NO_NOTE;
}

/* Whether the mapping belongs to the module that goes by. */
static bool continues_module(const struct snap_layout *l, const struct snap_mapping *mapping)
{
	if (!l->active || mapping->inode != l->first.inode ||
		mapping->device_major != l->first.device_major ||
		mapping->device_minor != l->first.device_minor)
		return false;
	/* A small file's first page can be mapped more than once: the image's extent decides. */
	if (l->has_image)
		return mapping->start >= l->image.start && mapping->start < l->image.end;
	return mapping->file_offset != 0 && mapping->start == l->end;
}

void snap_layout_add(void *arg, const struct snap_mapping *mapping)
{
	struct snap_layout *l = arg;
	if (l->annotations)
		snap_annotations_offer_mapping(l->annotations, mapping);
	snap_abort_finder_offer_mapping(&l->abort_finder, mapping);
	if (snap_mapping_quota_take(&l->quota, mapping))
		(void)snap_write_mapping(&l->emit->writer, mapping); /* its error sticks */

	bool vdso = snap_bytes_equal_str(mapping->path, "[vdso]") ||
		    (l->vdso_addr != 0 && mapping->start == l->vdso_addr);
	if (vdso) {
		struct snap_mapping named = *mapping;
		named.path = snap_bytes_str("[vdso]");
		flush_module(l);
		begin_module(l, &named, true);
		flush_module(l);
		l->vdso_start = mapping->start;
		l->vdso_end = mapping->end;
	} else if (snap_mapping_is_file(mapping)) {
		if (continues_module(l, mapping)) {
			l->end = mapping->end;
			if (mapping->permissions & SNAP_MAPPING_EXEC)
				l->executable = true;
			return;
		}
		flush_module(l);
		begin_module(l, mapping, mapping->file_offset == 0);
	}
}

void snap_layout_finish(struct snap_layout *l)
{
	struct snap_emit *e = l->emit;
	flush_module(l);
	snap_emit_omission_count(e, SNAP_OMITTED_MAPPING, SNAP_OMITTED_CAP, l->quota.num_left_out);
	snap_emit_omission_count(e, SNAP_OMITTED_MODULE, SNAP_OMITTED_CAP, l->modules_left_out);

	uint64_t len = l->vdso_end - l->vdso_start;
	struct snap_memory_plan plan;
	if (len > 0) {
		snap_memory_plan_vdso(l->vdso_start, len, &plan);
		snap_memory_take(l->mem_fd, &plan, e->buf, &e->sink);
	}
	size_t position = 0;
	for (unsigned int i = 0;
		i < SNAP_NUM_TRAMPOLINES && snap_memory_plan_trampoline(l->areas, &position, &plan);
		i++)
		snap_memory_take(l->mem_fd, &plan, e->buf, &e->sink);
}

void snap_layout_write_abort_message(struct snap_layout *l, bool guess, uint8_t elf_data)
{
	struct snap_abort_message message;
	_Static_assert(sizeof(l->emit->buf) >= SNAP_MAX_ABORT_MESSAGE, "no room");
	if (l->aborted && l->mem_fd >= 0 &&
		snap_abort_message_read(
			&l->abort_finder, l->areas, guess, elf_data, l->emit->buf, &message))
		(void)snap_write_abort_message(&l->emit->writer, &message); /* its error sticks */
}
