#include "analyze/convert/module_heads.h"

#include "analyze/convert/elf_build.h"
#include "analyze/convert/elf_view.h"

/* Linkers put the notes next to the program headers; none is that long. */
#define MAX_HEAD_BYTES (64u << 10)
/*
 * Where a made-up image has its program headers: apart from the place where linkers put them, which
 * is where AT_PHDR points to. gdb, when it finds others there than in its file of the executable,
 * takes that for the wrong file, and does not relocate it.
 */
#define MADE_UP_PHOFF 2048u
/* No machine has smaller pages. */
#define MIN_MODULE_BYTES 4096u

static int add(struct snap_memory *memory, uint64_t addr, const void *bytes, size_t len,
	struct snap_error *err)
{
	const struct snap_memory_segment segment = {
		.start = addr, .len = len, .data = bytes, .fd = -1};
	return snap_memory_add(memory, &segment, err);
}

/* From the beginning to the end of the last note, all of which the first PT_LOAD maps. */
static int add_known(
	const struct snap_elf_view *view, struct snap_memory *memory, struct snap_error *err)
{
	const struct snap_module *record = &view->module->record;
	uint64_t len = view->phoff + view->num_phdrs * view->phdr_len;
	struct snap_elf_segment segment, first;
	if (!snap_elf_view_find(view, PT_LOAD, &first) || first.offset != 0)
		return 0;
	if (len < view->ehdr_len)
		len = view->ehdr_len;
	for (size_t i = 0; snap_elf_view_segment(view, i, &segment); i++)
		if (segment.type == PT_NOTE && segment.filesz <= first.filesz &&
			segment.offset <= first.filesz - segment.filesz &&
			segment.offset + segment.filesz > len)
			len = segment.offset + segment.filesz;
	if (len > first.filesz || len > MAX_HEAD_BYTES || len > record->end - record->start)
		return 0;
	uint8_t *bytes = snap_arena_alloc(&view->crash->arena, len);
	if (!bytes)
		return snap_error_no_memory(err);
	if (!snap_elf_view_read(view, record->start, bytes, len))
		return 0;
	return add(memory, record->start, bytes, len, err);
}

static void build_phdr(
	struct snap_elf_build *build, uint32_t type, uint64_t offset, uint64_t vaddr, uint64_t size)
{
	bool wide = build->elf_class == ELFCLASS64;
	snap_elf_build_number(build, type, 4);
	if (wide)
		snap_elf_build_number(build, PF_R, 4);
	snap_elf_build_word(build, offset);
	snap_elf_build_word(build, vaddr);
	snap_elf_build_word(build, vaddr); /* p_paddr */
	snap_elf_build_word(build, size);
	snap_elf_build_word(build, size);
	if (!wide)
		snap_elf_build_number(build, PF_R, 4);
	snap_elf_build_word(build, type == PT_LOAD ? MIN_MODULE_BYTES : 4);
}

/* The ELF header of an image that says no more than its place and its build ID. */
static void build_ehdr(
	const struct snap_arch *arch, uint64_t load_bias, struct snap_elf_build *build)
{
	bool wide = arch->elf_class == ELFCLASS64;
	const uint8_t ident[EI_NIDENT] = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, arch->elf_class,
		arch->elf_data, EV_CURRENT, ELFOSABI_NONE};
	snap_elf_build_bytes(build, snap_bytes(ident, sizeof(ident)));
	snap_elf_build_number(build, load_bias == 0 ? ET_EXEC : ET_DYN, 2);
	snap_elf_build_number(build, arch->elf_machine, 2);
	snap_elf_build_number(build, EV_CURRENT, 4);
	snap_elf_build_word(build, 0); /* e_entry */
	snap_elf_build_word(build, MADE_UP_PHOFF);
	snap_elf_build_word(build, 0);	    /* e_shoff */
	snap_elf_build_number(build, 0, 4); /* e_flags */
	snap_elf_build_number(build, wide ? sizeof(Elf64_Ehdr) : sizeof(Elf32_Ehdr), 2);
	snap_elf_build_number(build, wide ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr), 2);
	snap_elf_build_number(build, 2, 2); /* e_phnum */
	snap_elf_build_number(build, 0, 2); /* e_shentsize, e_shnum, e_shstrndx */
	snap_elf_build_number(build, 0, 2);
	snap_elf_build_number(build, 0, 2);
}

static void build_phdrs_and_note(const struct snap_arch *arch, const struct snap_module *record,
	struct snap_elf_build *build)
{
	size_t phdr_len = arch->elf_class == ELFCLASS64 ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr);
	uint64_t vaddr = record->start - record->load_bias;
	uint64_t note_off = MADE_UP_PHOFF + 2 * phdr_len;
	size_t note_len = sizeof(Elf64_Nhdr) + sizeof("GNU") + record->build_id.len;
	build_phdr(build, PT_LOAD, 0, vaddr, record->end - record->start);
	build_phdr(build, PT_NOTE, note_off, vaddr + note_off, note_len);
	snap_elf_build_number(build, sizeof("GNU"), 4);
	snap_elf_build_number(build, record->build_id.len, 4);
	snap_elf_build_number(build, NT_GNU_BUILD_ID, 4);
	snap_elf_build_bytes(build, snap_bytes("GNU", sizeof("GNU")));
	snap_elf_build_bytes(build, record->build_id);
}

static int add_made_up(struct snap_crash *crash, const struct snap_module *record,
	struct snap_memory *memory, struct snap_error *err)
{
	const uint64_t offs[2] = {0, MADE_UP_PHOFF};
	int r = 0;
	for (size_t i = 0; i < 2 && r == 0; i++) {
		struct snap_elf_build build;
		snap_elf_build_init(&build, crash->arch->elf_class, crash->arch->elf_data);
		if (i == 0)
			build_ehdr(crash->arch, record->load_bias, &build);
		else
			build_phdrs_and_note(crash->arch, record, &build);
		const char *bytes = build.failed ? NULL
						 : snap_arena_copy(&crash->arena,
							   snap_bytes(build.data, build.len));
		r = bytes ? add(memory, record->start + offs[i], bytes, build.len, err)
			  : snap_error_no_memory(err);
		snap_elf_build_deinit(&build);
	}
	return r;
}

static bool can_make_up(struct snap_crash *crash, const struct snap_module *record)
{
	return record->has_load_bias && record->build_id.len > 0 &&
	       record->build_id.len <= SNAP_MAX_BUILD_ID &&
	       record->end - record->start >= MIN_MODULE_BYTES &&
	       /* What is there is no ELF header that we understand. */
	       !snap_memory_find(&crash->memory, record->start);
}

int snap_module_heads_add(
	struct snap_crash *crash, struct snap_memory *memory, struct snap_error *err)
{
	struct snap_elf_view view;
	for (size_t i = 0; i < crash->num_modules && i < SNAP_MODULE_HEADS_MAX; i++) {
		const struct snap_crash_module *module = &crash->modules[i];
		int r = 0;
		if (snap_bytes_equal_str(module->record.path, "[vdso]"))
			continue;
		if (snap_elf_view_open(crash, module, &view))
			r = add_known(&view, memory, err);
		else if (can_make_up(crash, &module->record))
			r = add_made_up(crash, &module->record, memory, err);
		if (r < 0)
			return -1;
	}
	return 0;
}
