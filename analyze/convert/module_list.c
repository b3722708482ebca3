#include "analyze/convert/module_list.h"

#include "analyze/convert/auxv.h"
#include "analyze/convert/elf_build.h"
#include "analyze/convert/elf_view.h"

/* More than any linker makes. */
#define MAX_DYNAMIC_BYTES (64u << 10)
/* Where the kernel lets nobody map anything by default (vm.mmap_min_addr), and the unit in which a
 * place for the list is looked for: no machine has larger pages. */
#define LOWEST_ADDR 0x10000u
#define ROOM_ALIGN  0x10000u

/* A process and the executable that it runs. */
struct linked {
	struct snap_crash *crash;
	const struct snap_crash_module *exe;
	uint64_t dynamic_addr; /* of the executable's dynamic section */
};

/* What the dynamic linker would list: libraries, itself among them, not the executable. */
static bool is_listed(const struct linked *l, const struct snap_crash_module *module)
{
	return module != l->exe && module->record.path.len > 0 &&
	       module->record.path.data[0] != '[' && module->record.has_load_bias;
}

/* Where the library's dynamic section is; 0: not known. */
static uint64_t dynamic_addr(struct snap_crash *crash, const struct snap_crash_module *module)
{
	struct snap_elf_view view;
	struct snap_elf_segment dynamic;
	if (!snap_elf_view_open(crash, module, &view) ||
		!snap_elf_view_find(&view, PT_DYNAMIC, &dynamic))
		return 0;
	return dynamic.vaddr + module->record.load_bias;
}

/* What the process had next: [*ret_start, *ret_end), in ascending order; false at the end. */
struct occupied {
	const struct snap_crash *crash;
	size_t mapping, segment;
};

static bool next_occupied(struct occupied *o, uint64_t *ret_start, uint64_t *ret_end)
{
	const struct snap_crash *crash = o->crash;
	const struct snap_memory *memory = &crash->memory;
	bool mapping = o->mapping < crash->num_mappings;
	if (mapping && o->segment < memory->num_segments)
		mapping = crash->mappings[o->mapping].start <= memory->segments[o->segment].start;
	if (mapping) {
		*ret_start = crash->mappings[o->mapping].start;
		*ret_end = crash->mappings[o->mapping++].end;
		return true;
	}
	if (o->segment == memory->num_segments)
		return false;
	const struct snap_memory_segment *segment = &memory->segments[o->segment++];
	*ret_start = segment->start;
	/* The top of the address space has no end that is a number. */
	*ret_end = segment->start + (segment->len - 1);
	*ret_end += *ret_end < UINT64_MAX;
	return true;
}

/* The lowest place for len bytes where the process had nothing; 0 if there is none. */
static uint64_t find_room(const struct snap_crash *crash, uint64_t len)
{
	/* User space on every machine. */
	uint64_t limit = UINT64_C(1) << (crash->arch->elf_class == ELFCLASS64 ? 38 : 31);
	uint64_t at = LOWEST_ADDR, start, end;
	struct occupied occupied = {.crash = crash};
	while (next_occupied(&occupied, &start, &end)) {
		if (start >= at && start - at >= len)
			break;
		if (end >= limit)
			return 0;
		if (end > at)
			at = (end + ROOM_ALIGN - 1) / ROOM_ALIGN * ROOM_ALIGN;
	}
	return at < limit && len <= limit - at ? at : 0;
}

/* struct link_map and its name, at addr + build->len. Returns where in build its l_next stands. */
static size_t build_entry(struct snap_elf_build *build, uint64_t addr, uint64_t load_bias,
	uint64_t dynamic, uint64_t previous, struct snap_bytes name)
{
	unsigned int word = snap_elf_build_word_size(build);
	uint64_t name_addr = addr + build->len + 5 * word;
	snap_elf_build_word(build, load_bias); /* l_addr */
	snap_elf_build_word(build, name_addr);
	snap_elf_build_word(build, dynamic); /* l_ld */
	size_t next_off = build->len;
	snap_elf_build_word(build, 0);
	snap_elf_build_word(build, previous);
	snap_elf_build_bytes(build, name);
	snap_elf_build_number(build, 0, 1);
	snap_elf_build_align(build, word);
	return next_off;
}

/* struct r_debug and the list, to be at addr. Returns how many libraries are not in it. */
static size_t build_list(const struct linked *l, uint64_t addr, struct snap_elf_build *build)
{
	struct snap_crash *crash = l->crash;
	unsigned int word = snap_elf_build_word_size(build);
	uint64_t linker = 0;
	size_t num_left_out = 0;
	(void)snap_auxv_find(crash, AT_BASE, &linker); /* else 0, as without a dynamic linker */

	snap_elf_build_number(build, 1, 4); /* r_version */
	snap_elf_build_align(build, word);
	snap_elf_build_word(build, addr + 5 * word); /* r_map */
	snap_elf_build_word(build, 0);		     /* r_brk: nobody runs to it */
	snap_elf_build_number(build, 0, 4);	     /* r_state: RT_CONSISTENT */
	snap_elf_build_align(build, word);
	snap_elf_build_word(build, linker); /* r_ldbase */

	/* The dynamic linker leaves the executable's name empty. */
	uint64_t previous = addr + build->len;
	size_t next_off = build_entry(
		build, addr, l->exe->record.load_bias, l->dynamic_addr, 0, snap_bytes(NULL, 0));
	for (size_t i = 0; i < crash->num_modules; i++) {
		const struct snap_crash_module *module = &crash->modules[i];
		if (!is_listed(l, module))
			continue;
		uint64_t dynamic = i < SNAP_MODULE_LIST_MAX ? dynamic_addr(crash, module) : 0;
		if (dynamic == 0) {
			num_left_out++;
			continue;
		}
		uint64_t here = addr + build->len;
		snap_elf_build_set(build, next_off, here, word);
		next_off = build_entry(build, addr, module->record.load_bias, dynamic, previous,
			module->record.path);
		previous = here;
	}
	return num_left_out;
}

/* *ret is the list's address, 0 if there is no room for it; *ret_num_left_out how many libraries it
 * lacks. */
static int add_list(const struct linked *l, struct snap_memory *memory, uint64_t *ret,
	size_t *ret_num_left_out, struct snap_error *err)
{
	struct snap_crash *crash = l->crash;
	struct snap_elf_build build;
	snap_elf_build_init(&build, crash->arch->elf_class, crash->arch->elf_data);
	/* Once for its length, then for its place. */
	(void)build_list(l, 0, &build);
	*ret = build.failed ? 0 : find_room(crash, build.len);
	build.len = 0;
	*ret_num_left_out = build_list(l, *ret, &build);
	const char *bytes =
		build.failed ? NULL
			     : snap_arena_copy(&crash->arena, snap_bytes(build.data, build.len));
	const struct snap_memory_segment segment = {
		.start = *ret,
		.len = *ret == 0 ? 0 : build.len,
		.data = (const uint8_t *)bytes,
		.fd = -1,
	};
	snap_elf_build_deinit(&build);
	return bytes ? snap_memory_add(memory, &segment, err) : snap_error_no_memory(err);
}

/* Offset of the value of DT_DEBUG into a dynamic section; 0 if it has none. */
static size_t find_dt_debug(const struct snap_arch *arch, const uint8_t *dynamic, size_t len)
{
	unsigned int word = snap_arch_word(arch);
	for (size_t off = 0; off + 2 * word <= len; off += 2 * word) {
		uint64_t tag = snap_arch_load(arch, dynamic + off, word);
		if (tag == DT_DEBUG)
			return off + word;
		if (tag == DT_NULL)
			break;
	}
	return 0;
}

static const struct snap_crash_module *find_executable(const struct snap_crash *crash)
{
	uint64_t addr;
	if (snap_auxv_find(crash, AT_PHDR, &addr) || snap_auxv_find(crash, AT_ENTRY, &addr))
		return snap_crash_module_at(crash, addr);
	return NULL;
}

/* With the list made, DT_DEBUG's value is put into dynamic[off ..]. */
static int add_dynamic(const struct linked *l, struct snap_memory *memory, uint8_t *dynamic,
	size_t len, struct snap_module_list_report *ret, struct snap_error *err)
{
	struct snap_crash *crash = l->crash;
	unsigned int word = snap_arch_word(crash->arch);
	size_t off = find_dt_debug(crash->arch, dynamic, len);
	uint8_t value[8];
	uint64_t list;
	if (off == 0)
		return 0;
	if (snap_memory_read_all(&crash->memory, l->dynamic_addr + off, value, word)) {
		ret->status = SNAP_MODULE_LIST_CAPTURED;
		return 0;
	}
	if (add_list(l, memory, &list, &ret->num_left_out, err) < 0)
		return -1;
	if (list == 0)
		return 0;
	struct snap_elf_build build = {.elf_class = crash->arch->elf_class,
		.elf_data = crash->arch->elf_data,
		.data = dynamic,
		.len = len};
	snap_elf_build_set(&build, off, list, word);
	ret->status = SNAP_MODULE_LIST_MADE;
	const struct snap_memory_segment segment = {
		.start = l->dynamic_addr, .len = len, .data = dynamic, .fd = -1};
	return snap_memory_add(memory, &segment, err);
}

int snap_module_list_add(struct snap_crash *crash, struct snap_memory *memory,
	struct snap_module_list_report *ret, struct snap_error *err)
{
	struct linked l = {.crash = crash, .exe = find_executable(crash)};
	struct snap_elf_view view;
	struct snap_elf_segment dynamic;

	*ret = (struct snap_module_list_report){.status = SNAP_MODULE_LIST_IMPOSSIBLE};
	if (!l.exe || !l.exe->record.has_load_bias || !snap_elf_view_open(crash, l.exe, &view))
		return 0;
	if (!snap_elf_view_find(&view, PT_DYNAMIC, &dynamic)) {
		ret->status = SNAP_MODULE_LIST_NONE;
		return 0;
	}
	l.dynamic_addr = dynamic.vaddr + l.exe->record.load_bias;
	const struct snap_module *record = &l.exe->record;
	if (dynamic.filesz > MAX_DYNAMIC_BYTES || l.dynamic_addr < record->start ||
		l.dynamic_addr >= record->end || dynamic.filesz > record->end - l.dynamic_addr)
		return 0;
	uint8_t *bytes = snap_arena_alloc(&crash->arena, dynamic.filesz);
	if (!bytes)
		return snap_error_no_memory(err);
	if (!snap_elf_view_read(&view, l.dynamic_addr, bytes, dynamic.filesz))
		return 0;
	return add_dynamic(&l, memory, bytes, dynamic.filesz, ret, err);
}
