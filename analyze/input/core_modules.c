/*
 * A core's modules, their build IDs read from its memory.
 *
 * The kernel since 3.7 and gcore name the mapped files in NT_FILE. Other cores (older kernels,
 * qemu's user emulation, notes that were cut) have no names: there, modules are the ELF headers
 * that segments begin with, and the dynamic linker's list says what they are called.
 */
#include "analyze/input/core.h"

#include <elf.h>
#include <errno.h>
#include <string.h>

#include "analyze/input/exe_image.h"
#include "analyze/input/link_map.h"
#include "common/elf_image.h"

/* More than any program has. */
#define MAX_IMAGES 16384u
/* In which build IDs are searched for, in all. */
#define MAX_SEARCHED_BYTES (64u << 20)

/* The modules as they are added. */
struct list {
	struct snap_core *core;
	size_t capacity;
	size_t num_images; /* so many from the first on are in ascending order and disjoint */
};

static ssize_t read_memory(void *arg, uint64_t addr, void *buf, size_t len)
{
	return snap_memory_read(arg, addr, buf, len);
}

static int read_image(struct snap_core *core, uint64_t addr, struct snap_elf_image *ret)
{
	return snap_elf_image_read(read_memory, &core->crash->memory, addr, ret);
}

static int append(struct list *list, const struct snap_module *module, struct snap_error *err)
{
	struct snap_crash *crash = list->core->crash;
	struct snap_crash_module *modules = snap_arena_grow(&crash->arena, crash->modules,
		crash->num_modules, &list->capacity, sizeof(*modules));
	if (!modules)
		return snap_error_no_memory(err);
	crash->modules = modules;
	modules[crash->num_modules++] = (struct snap_crash_module){.record = *module};
	return 0;
}

/* len may be 0: none. */
static int set_build_id(struct list *list, struct snap_module *module, const uint8_t *build_id,
	size_t len, struct snap_error *err)
{
	if (len == 0)
		return 0;
	const char *copy = snap_arena_copy(&list->core->crash->arena, snap_bytes(build_id, len));
	if (!copy)
		return snap_error_no_memory(err);
	module->build_id = snap_bytes(copy, len);
	module->build_id_status = SNAP_BUILD_ID_FOUND;
	return 0;
}

/* What the image in memory says of itself, into the module. */
static int describe(struct list *list, const struct snap_elf_image *image,
	struct snap_module *module, struct snap_error *err)
{
	module->has_load_bias = true;
	module->load_bias = image->load_bias;
	module->build_id_status = image->status;
	return set_build_id(list, module, image->build_id, image->build_id_len, err);
}

/* ---------------------------------------------------------------- by NT_FILE */

/* Whether a file's mapping of its first page may be its beginning, not its data segment's. */
static bool is_beginning(const struct snap_core *core, const struct snap_core_file *file)
{
	const struct snap_mapping *mapping = snap_crash_mapping_at(core->crash, file->start);
	return file->offset == 0 && file->start < file->end &&
	       !(mapping && mapping->permissions & SNAP_MAPPING_WRITE &&
		       !(mapping->permissions & SNAP_MAPPING_EXEC));
}

/* The end of the adjacent mappings of the same file from index i on, up to where it starts anew. */
static uint64_t end_of_file_mappings(const struct snap_core *core, size_t i)
{
	const struct snap_core_file *files = core->files;
	uint64_t end = files[i].end;
	for (size_t j = i + 1; j < core->num_files; j++) {
		if (is_beginning(core, &files[j]) ||
			!snap_bytes_equal(files[j].path, files[i].path))
			break;
		end = files[j].end;
	}
	return end;
}

/*
 * What an image claims to cover ends where another file is mapped, or the vDSO: with segments aligned
 * to 64 KiB on a kernel with smaller pages there are holes in it, where the kernel may put that.
 */
static uint64_t end_of_image(const struct snap_core *core, size_t i, uint64_t end)
{
	const struct snap_core_file *files = core->files;
	uint64_t vdso;
	if (snap_core_auxv_find(core, AT_SYSINFO_EHDR, &vdso) && vdso > files[i].start &&
		vdso < end)
		end = vdso;
	for (size_t j = i + 1; j < core->num_files && files[j].start < end; j++)
		if (files[j].start > files[i].start &&
			!snap_bytes_equal(files[j].path, files[i].path))
			return files[j].start;
	return end;
}

/* Whether it is known that code is executed from there. */
static bool has_code(const struct snap_core *core, uint64_t start, uint64_t end)
{
	const struct snap_crash *crash = core->crash;
	const struct snap_mapping *mapping = snap_crash_mapping_at(crash, start);
	for (; mapping && mapping < crash->mappings + crash->num_mappings && mapping->start < end;
		mapping++)
		if (mapping->has_permissions && mapping->permissions & SNAP_MAPPING_EXEC)
			return true;
	return false;
}

/* The end of what is mapped of that file right behind index i on, up to where it starts anew. */
static uint64_t end_of_adjacent(const struct snap_core *core, size_t i)
{
	const struct snap_core_file *files = core->files;
	uint64_t end = files[i].end;
	for (size_t j = i + 1;
		j < core->num_files && files[j].start == end && files[j].offset != 0 &&
		snap_bytes_equal(files[j].path, files[i].path);
		j++)
		end = files[j].end;
	return end;
}

/*
 * A file that is no ELF image, or whose mapping is not of its beginning, is a module if code is
 * executed from there, as it is one in a snapshot: what a just-in-time compiler writes to a file in
 * memory, or a library that was truncated. *end: up to where was looked.
 */
static int add_plain_code(struct list *list, size_t i, uint64_t *end, struct snap_error *err)
{
	const struct snap_core_file *file = &list->core->files[i];
	*end = end_of_adjacent(list->core, i);
	if (file->start >= file->end || !has_code(list->core, file->start, *end))
		return 0;
	const struct snap_module module = {
		.start = file->start,
		.end = *end,
		.path = file->path,
		.deleted = file->deleted,
		.build_id_status = SNAP_BUILD_ID_NO_NOTE,
	};
	return append(list, &module, err);
}

/* Without its first page, a file of which nothing is executable is taken for data. */
static bool may_have_code(const struct snap_core *core, uint64_t start, uint64_t end)
{
	const struct snap_crash *crash = core->crash;
	const struct snap_mapping *mapping = snap_crash_mapping_at(crash, start);
	if (!mapping)
		return true;
	for (; mapping < crash->mappings + crash->num_mappings && mapping->start < end; mapping++)
		if (!mapping->has_permissions || mapping->permissions & SNAP_MAPPING_EXEC)
			return true;
	return false;
}

static int add_by_files(struct list *list, struct snap_error *err)
{
	struct snap_core *core = list->core;
	/* Of what was looked at last; and of the image before, whatever else is mapped there. */
	uint64_t end_before = 0, image_end = 0;
	struct snap_bytes path_before = {0}, image_path = {0};
	for (size_t i = 0; i < core->num_files; i++) {
		const struct snap_core_file *file = &core->files[i];
		struct snap_elf_image image;
		if (file->start < end_before && snap_bytes_equal(file->path, path_before))
			continue;
		if (!is_beginning(core, file)) {
			if (file->start < image_end && snap_bytes_equal(file->path, image_path))
				continue;
			if (add_plain_code(list, i, &end_before, err) < 0)
				return -1;
			path_before = file->path;
			continue;
		}
		struct snap_module module = {
			.start = file->start,
			.path = file->path,
			.deleted = file->deleted,
		};
		int r = read_image(core, file->start, &image);
		if (r == -ENOEXEC) {
			/* Most often data: a locale archive, a font. */
			if (add_plain_code(list, i, &end_before, err) < 0)
				return -1;
			path_before = file->path;
			continue;
		}
		if (r == 0) {
			module.end = image.end > file->start ? end_of_image(core, i, image.end)
							     : end_of_file_mappings(core, i);
			if (describe(list, &image, &module, err) < 0)
				return -1;
		} else {
			module.end = end_of_file_mappings(core, i);
			module.build_id_status = SNAP_BUILD_ID_UNREADABLE;
			if (!may_have_code(core, module.start, module.end))
				continue;
		}
		if (append(list, &module, err) < 0)
			return -1;
		end_before = module.end;
		image_end = r == 0 && image.end > module.end ? image.end : module.end;
		path_before = image_path = module.path;
	}
	return 0;
}

/* ---------------------------------------------------------------- by ELF headers in memory */

static bool begins_with_elf_header(struct snap_core *core, uint64_t addr)
{
	uint8_t magic[SELFMAG];
	return snap_memory_read_all(&core->crash->memory, addr, magic, sizeof(magic)) &&
	       memcmp(magic, ELFMAG, SELFMAG) == 0;
}

/* Every mapping that begins with an ELF header: in ascending order, disjoint. */
static int add_by_headers(struct list *list, struct snap_error *err)
{
	struct snap_crash *crash = list->core->crash;
	size_t num_tried = 0;
	for (size_t i = 0; i < crash->num_mappings && num_tried < MAX_IMAGES; i++) {
		uint64_t start = crash->mappings[i].start;
		struct snap_elf_image image;
		if (!begins_with_elf_header(list->core, start))
			continue;
		num_tried++;
		if (read_image(list->core, start, &image) < 0 || image.end <= start)
			continue;
		struct snap_module module = {
			.start = start,
			.end = image.end,
			.path = crash->mappings[i].path, /* the vDSO's */
		};
		if (describe(list, &image, &module, err) < 0)
			return -1;
		struct snap_module *before =
			crash->num_modules > 0 ? &crash->modules[crash->num_modules - 1].record
					       : NULL;
		if (before && start < before->end) {
			/* A file whose data segment begins in its first page is one module. */
			if (snap_bytes_equal(before->build_id, module.build_id))
				continue;
			before->end = start;
		}
		if (append(list, &module, err) < 0)
			return -1;
	}
	return 0;
}

/* The image that contains addr, or NULL. Valid until the next one is added. */
static struct snap_module *image_at(const struct list *list, uint64_t addr)
{
	const struct snap_crash images = {
		.modules = list->core->crash->modules,
		.num_modules = list->num_images,
	};
	struct snap_crash_module *module = snap_crash_module_at(&images, addr);
	return module ? &module->record : NULL;
}

/*
 * A module of which no header was captured: what is known of it is in known, and that it covers the
 * mappings of the addresses low to high.
 */
static int add_headless(struct list *list, uint64_t low, uint64_t high,
	const struct snap_module *known, struct snap_error *err)
{
	const struct snap_crash *crash = list->core->crash;
	const struct snap_mapping *first = snap_crash_mapping_at(crash, low);
	const struct snap_mapping *last = snap_crash_mapping_at(crash, high);
	if (!last)
		return 0;
	if (!first || first > last)
		first = last;
	struct snap_module module = *known;
	module.start = first->start;
	module.end = last->end;
	module.build_id_status = SNAP_BUILD_ID_UNREADABLE;
	return append(list, &module, err);
}

/* ---------------------------------------------------------------- the executable */

/* The executable as the auxiliary vector shows it. */
struct exe {
	struct snap_process_memory process;
	uint64_t phdr_addr;
	struct snap_bytes path;
	bool deleted;
	bool has_image; /* its program headers were captured */
	struct snap_exe_image image;
};

static bool find_exe(struct snap_core *core, struct exe *ret)
{
	uint64_t num = 0;
	*ret = (struct exe){
		.process =
			{
				.memory = &core->crash->memory,
				.elf_machine = core->elf_machine,
				.elf_class = core->elf_class,
				.elf_data = core->elf_data,
			},
	};
	if (!snap_core_auxv_find(core, AT_PHDR, &ret->phdr_addr) || ret->phdr_addr == 0)
		return false;
	const struct snap_core_file *file = snap_core_file_at(core, ret->phdr_addr);
	if (file) {
		ret->path = file->path;
		ret->deleted = file->deleted;
	}
	ret->has_image = snap_core_auxv_find(core, AT_PHNUM, &num) &&
			 snap_exe_image_read(&ret->process, ret->phdr_addr, num, &ret->image);
	return true;
}

/*
 * What its program headers in memory say, for a file whose ELF header was not captured, or points
 * to where they are in the file but not in memory (as patchelf leaves them).
 */
static int complete_exe(struct list *list, const struct exe *exe, struct snap_error *err)
{
	struct snap_crash *crash = list->core->crash;
	const struct snap_exe_image *image = &exe->image;
	struct snap_module *module = NULL;
	for (size_t i = 0; i < crash->num_modules && !module; i++) {
		struct snap_module *record = &crash->modules[i].record;
		if (exe->phdr_addr >= record->start && exe->phdr_addr < record->end)
			module = record;
	}
	if (!exe->has_image || (module && module->has_load_bias))
		return 0;
	struct snap_module added = {.path = exe->path, .deleted = exe->deleted};
	struct snap_module *described = module ? module : &added;
	described->start = image->start;
	described->end = image->end;
	described->has_load_bias = true;
	described->load_bias = image->load_bias;
	described->build_id_status = image->build_id_status;
	if (set_build_id(list, described, image->build_id, image->build_id_len, err) < 0)
		return -1;
	return module ? 0 : append(list, &added, err);
}

/* Without NT_FILE: the path that execve(2) was given. */
static int name_exe(struct list *list, struct exe *exe, struct snap_error *err)
{
	struct snap_core *core = list->core;
	uint64_t addr;
	if (snap_core_auxv_find(core, AT_EXECFN, &addr) &&
		snap_process_read_string(
			&exe->process, addr, &core->crash->arena, &exe->path, err) < 0)
		return -1;
	core->crash->process.exe = exe->path;
	if (exe->path.len == 0)
		exe->path = snap_bytes_str("[exe]");
	struct snap_module *module = image_at(list, exe->phdr_addr);
	if (module) {
		module->path = exe->path;
		return 0;
	}
	if (exe->has_image)
		return 0; /* complete_exe() adds it */
	if (!snap_core_auxv_find(core, AT_ENTRY, &addr))
		addr = exe->phdr_addr;
	const struct snap_module known = {.path = exe->path};
	return add_headless(list, exe->phdr_addr, addr, &known, err);
}

/* ---------------------------------------------------------------- what the dynamic linker loaded
 */

static int name_linker(struct list *list, const struct exe *exe, struct snap_error *err)
{
	uint64_t base;
	if (!snap_core_auxv_find(list->core, AT_BASE, &base))
		return 0;
	struct snap_module *linker = image_at(list, base);
	if (!linker || linker->path.len > 0)
		return 0;
	return snap_process_read_string(&exe->process, exe->image.interpreter_addr,
		&list->core->crash->arena, &linker->path, err);
}

static int name_by_link_maps(struct list *list, const struct exe *exe, struct snap_error *err)
{
	struct snap_crash *crash = list->core->crash;
	struct snap_link_maps maps;
	if (snap_link_maps_read(&exe->process, &exe->image, &crash->arena, &maps, err) < 0)
		return -1;
	for (size_t i = 0; i < maps.num; i++) {
		const struct snap_link_map *map = &maps.maps[i];
		struct snap_module *module = image_at(list, map->dynamic_addr);
		if (module && module->path.len == 0)
			module->path = map->name;
		if (module || map->name.len == 0)
			continue;
		const struct snap_module known = {
			.path = map->name,
			.has_load_bias = true,
			.load_bias = map->load_bias,
		};
		if (add_headless(list, map->load_bias ? map->load_bias : map->dynamic_addr,
			    map->dynamic_addr, &known, err) < 0)
			return -1;
	}
	if (!maps.broken)
		return 0;
	const char *text = snap_crash_format(
		crash, "the dynamic linker's list of modules is not whole: %s", maps.broken);
	return text ? snap_crash_note(crash, snap_bytes_str(text), err) : snap_error_no_memory(err);
}

/* ---------------------------------------------------------------- build IDs without headers */

/* The descriptor's length, if a build ID's note (gABI, "Note Section") begins here; else 0. */
static uint32_t build_id_note(const struct snap_core *core, const uint8_t *p, size_t len)
{
	enum { HEAD = 16 };
	if (len < HEAD || snap_core_load(core, p, 4) != 4 ||
		snap_core_load(core, p + 8, 4) != NT_GNU_BUILD_ID || memcmp(p + 12, "GNU", 4) != 0)
		return 0;
	uint64_t desc = snap_core_load(core, p + 4, 4);
	return desc <= SNAP_MAX_BUILD_ID && desc <= len - HEAD ? (uint32_t)desc : 0;
}

/*
 * The page with a file's headers may be missing where another one of its first pages, with the
 * note of its build ID, was captured. It counts only if it is the only one there.
 */
static int search_build_id(
	struct list *list, struct snap_module *module, uint64_t *left, struct snap_error *err)
{
	enum { SEARCHED = 65536, PAGE = 4096, HEAD = 16 };
	struct snap_core *core = list->core;
	uint8_t page[PAGE + HEAD + SNAP_MAX_BUILD_ID], build_id[SNAP_MAX_BUILD_ID];
	size_t build_id_len = 0;
	for (uint64_t off = 0; off < SEARCHED && off < module->end - module->start; off += PAGE) {
		const struct snap_mapping *mapping =
			snap_crash_mapping_at(core->crash, module->start + off);
		if (!mapping || mapping->permissions & SNAP_MAPPING_WRITE || *left < PAGE)
			break;
		ssize_t n = snap_memory_read(
			&core->crash->memory, module->start + off, page, sizeof(page));
		*left -= PAGE;
		for (ssize_t i = 0; i < n && i < PAGE; i += 4) {
			uint32_t len = build_id_note(core, page + i, (size_t)(n - i));
			if (len == 0)
				continue;
			if (build_id_len > 0)
				return 0;
			memcpy(build_id, page + i + HEAD, len);
			build_id_len = len;
		}
	}
	return set_build_id(list, module, build_id, build_id_len, err);
}

static int search_build_ids(struct list *list, struct snap_error *err)
{
	struct snap_crash *crash = list->core->crash;
	uint64_t left = MAX_SEARCHED_BYTES;
	size_t num_unknown = 0;
	for (size_t i = 0; i < crash->num_modules; i++) {
		struct snap_module *module = &crash->modules[i].record;
		if (module->build_id_status != SNAP_BUILD_ID_UNREADABLE)
			continue;
		if (search_build_id(list, module, &left, err) < 0)
			return -1;
		num_unknown += module->build_id.len == 0;
	}
	/* Of a core that can't be read, that is told instead: the kernel may have written them. */
	if (num_unknown == 0 || crash->memory.failed_errnum != 0)
		return 0;
	const char *text = snap_crash_format(crash,
		"the core lacks the first pages of %zu of its %zu modules, and so their build IDs: "
		"no symbols can be found for them (bit 4 of core(5)'s coredump_filter adds these "
		"pages)",
		num_unknown, crash->num_modules);
	return text ? snap_crash_note(crash, snap_bytes_str(text), err) : snap_error_no_memory(err);
}

/* ---------------------------------------------------------------- all of them */

static int add_vdso(struct list *list, struct snap_error *err)
{
	uint64_t addr;
	struct snap_elf_image image;
	if (!snap_core_auxv_find(list->core, AT_SYSINFO_EHDR, &addr) || addr == 0 ||
		read_image(list->core, addr, &image) < 0)
		return 0;
	struct snap_module module = {
		.start = image.start,
		.end = image.end,
		.path = snap_bytes_str("[vdso]"),
	};
	return describe(list, &image, &module, err) < 0 ? -1 : append(list, &module, err);
}

int snap_core_add_modules(struct snap_core *core, struct snap_error *err)
{
	struct list list = {.core = core};
	struct exe exe;
	bool has_exe = find_exe(core, &exe);
	if (core->num_files > 0) {
		if (add_by_files(&list, err) < 0 || add_vdso(&list, err) < 0)
			return -1;
	} else if (add_by_headers(&list, err) < 0) {
		return -1;
	} else if (has_exe) {
		list.num_images = core->crash->num_modules;
		if (name_exe(&list, &exe, err) < 0)
			return -1;
		if (exe.has_image && (name_by_link_maps(&list, &exe, err) < 0 ||
					     name_linker(&list, &exe, err) < 0))
			return -1;
	}
	if (has_exe && complete_exe(&list, &exe, err) < 0)
		return -1;
	return search_build_ids(&list, err);
}
