#include "analyze/symbols/object_cfi.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>

#include <dwarf.h>
#include <elfutils/libdw.h>
#include <gelf.h>

#include "common/arch.h"
#include "common/arena.h"
#include "common/elf_load.h"

/* What is known of the call frame information for a range of addresses. */
struct row_range {
	uint64_t start, end;
	const struct snap_cfi_row *row; /* in the arena; NULL: there is none */
};

/* Where call frame information may be, in the order of the search. */
enum {
	CFI_EH_FRAME,	    /* .eh_frame through its index .eh_frame_hdr, if it has one */
	CFI_EH_FRAME_PLAIN, /* .eh_frame from entry to entry: where an index leads astray */
	CFI_DEBUG_FRAME,    /* .debug_frame of the executable or library */
	CFI_SEPARATE_DEBUG_FRAME,
	CFI_NUM_SOURCES,
};

struct cfi_source {
	bool tried;
	Dwarf_CFI *cfi;
	bool is_own;  /* of .eh_frame: to be ended; others belong to their Dwarf */
	Elf *elf;     /* a handle for it alone; NULL */
	Dwarf *dwarf; /* likewise */
};

struct snap_object_cfi {
	const struct snap_elf_file *main, *debug; /* borrowed; NULL: there is none */
	const struct snap_arch *arch;		  /* NULL: not known */
	struct cfi_source sources[CFI_NUM_SOURCES];
	struct snap_arena arena;
	void *rows; /* struct row_range in the arena, disjoint: a tree of search.h */
};

int snap_object_cfi_create(const struct snap_elf_file *main, const struct snap_elf_file *debug,
	struct snap_object_cfi **ret, struct snap_error *err)
{
	struct snap_object_cfi *cfi = calloc(1, sizeof(*cfi));
	if (!cfi)
		return snap_error_no_memory(err);
	cfi->main = main;
	cfi->debug = debug;
	if (main)
		cfi->arch = snap_arch_find(main->elf_machine, main->elf_class, main->elf_data);
	snap_arena_init(&cfi->arena, SIZE_MAX);
	*ret = cfi;
	return 0;
}

static void close_cfi(struct cfi_source *source)
{
	if (source->is_own && source->cfi)
		(void)dwarf_cfi_end(source->cfi); /* can only fail on NULL */
	(void)dwarf_end(source->dwarf);		  /* nothing is written */
	(void)elf_end(source->elf);		  /* a count of references */
}

/* Ranges go with the arena. */
static void keep_range(void *range)
{
	(void)range;
}

void snap_object_cfi_destroy(struct snap_object_cfi *cfi)
{
	if (!cfi)
		return;
	for (size_t i = 0; i < CFI_NUM_SOURCES; i++)
		close_cfi(&cfi->sources[i]);
	tdestroy(cfi->rows, keep_range);
	snap_arena_deinit(&cfi->arena);
	free(cfi);
}

/*
 * Whether .eh_frame_hdr (Linux Standard Base, "Exception Frames") is fit for a binary search: then
 * an address that it does not lead to has no entry.
 */
static bool is_index_sane(Elf *elf)
{
	enum { VERSION = 0, POINTER = 1, COUNT = 2, TABLE = 3, HEADER = 4, ENTRY = 8 };
	size_t num, size;
	GElf_Phdr ph;
	const uint8_t *raw = (const uint8_t *)elf_rawfile(elf, &size);
	GElf_Ehdr ehdr;
	if (!raw || !gelf_getehdr(elf, &ehdr) || elf_getphdrnum(elf, &num) != 0)
		return false;
	size_t i = 0;
	while (i < num && (!gelf_getphdr(elf, (int)i, &ph) || ph.p_type != PT_GNU_EH_FRAME))
		i++;
	if (i == num)
		return true; /* none: libdw goes from entry to entry anyway */
	if (ph.p_offset > size || ph.p_filesz > size - ph.p_offset ||
		ph.p_filesz < HEADER + 2 * sizeof(uint32_t))
		return false;
	const uint8_t *header = raw + ph.p_offset;
	/* The only encodings that linkers write, and that libdw searches. */
	if (header[VERSION] != 1 || header[POINTER] != (DW_EH_PE_pcrel | DW_EH_PE_sdata4) ||
		header[COUNT] != DW_EH_PE_udata4 ||
		header[TABLE] != (DW_EH_PE_datarel | DW_EH_PE_sdata4))
		return header[VERSION] == 1 && header[TABLE] == DW_EH_PE_omit;
	uint64_t count = snap_elf_load(header + HEADER + 4, 4, ehdr.e_ident[EI_DATA]);
	if (count > (ph.p_filesz - HEADER - 8) / ENTRY)
		return false;
	int32_t before = INT32_MIN;
	for (uint64_t j = 0; j < count; j++) {
		int32_t start = (int32_t)snap_elf_load(
			header + HEADER + 8 + j * ENTRY, 4, ehdr.e_ident[EI_DATA]);
		if (start < before)
			return false;
		before = start;
	}
	return true;
}

/*
 * A handle of its own, private and writable, so that libdw can be kept from seeing the index: it
 * looks by program header first, and then by section.
 */
static void open_plain_eh_frame(struct snap_object_cfi *cfi, struct cfi_source *source)
{
	size_t names, num;
	GElf_Phdr ph;
	GElf_Shdr shdr;
	if (cfi->main->fd < 0 || is_index_sane(cfi->main->elf))
		return; /* an image from memory has lost its index already */
	Elf *elf = source->elf = elf_begin(cfi->main->fd, ELF_C_READ_MMAP_PRIVATE, NULL);
	if (!elf || elf_getphdrnum(elf, &num) != 0 || elf_getshdrstrndx(elf, &names) != 0)
		return;
	for (size_t i = 0; i < num; i++) {
		if (!gelf_getphdr(elf, (int)i, &ph) || ph.p_type != PT_GNU_EH_FRAME)
			continue;
		ph.p_type = PT_NULL;
		if (!gelf_update_phdr(elf, (int)i, &ph))
			return;
	}
	for (Elf_Scn *scn = NULL; (scn = elf_nextscn(elf, scn));) {
		const char *name =
			gelf_getshdr(scn, &shdr) ? elf_strptr(elf, names, shdr.sh_name) : NULL;
		if (!name || strcmp(name, ".eh_frame_hdr") != 0)
			continue;
		shdr.sh_name = UINT32_MAX; /* libdw finds it by name, whatever its type */
		if (!gelf_update_shdr(scn, &shdr))
			return;
	}
	source->cfi = dwarf_getcfi_elf(elf);
	source->is_own = true;
}

/*
 * Opening a Dwarf decompresses all its sections: not for a file without .debug_frame. Nothing else
 * of it is asked for, and so the files that it names are not opened.
 */
static void open_debug_frame(const struct snap_elf_file *file, struct cfi_source *source)
{
	if (!file || !file->has_debug_frame || file->no_dwarf)
		return;
	source->dwarf = dwarf_begin_elf(file->elf, DWARF_C_READ, NULL);
	source->cfi = source->dwarf ? dwarf_getcfi(source->dwarf) : NULL;
}

static Dwarf_CFI *cfi_source(struct snap_object_cfi *cfi, unsigned int which)
{
	struct cfi_source *source = &cfi->sources[which];
	if (source->tried)
		return source->cfi;
	source->tried = true;
	const struct snap_elf_file *main = cfi->main;
	bool has_eh_frame = main && main->has_code_frames && !main->no_cfi;
	if (which == CFI_EH_FRAME && has_eh_frame) {
		source->cfi = dwarf_getcfi_elf(main->elf);
		source->is_own = true;
	} else if (which == CFI_EH_FRAME_PLAIN && has_eh_frame) {
		open_plain_eh_frame(cfi, source);
	} else if (which == CFI_DEBUG_FRAME) {
		open_debug_frame(main, source);
	} else if (which == CFI_SEPARATE_DEBUG_FRAME) {
		open_debug_frame(cfi->debug, source);
	}
	return source->cfi;
}

/* *ret: in the arena; NULL if no source has one. -1 without memory. */
static int read_row(struct snap_object_cfi *cfi, uint64_t vaddr, const struct snap_cfi_row **ret)
{
	*ret = NULL;
	for (unsigned int i = 0; i < CFI_NUM_SOURCES && cfi->arch; i++) {
		Dwarf_CFI *source = cfi_source(cfi, i);
		Dwarf_Frame *frame;
		if (!source || dwarf_cfi_addrframe(source, vaddr, &frame) != 0)
			continue;
		struct snap_cfi_row *row = snap_arena_alloc(&cfi->arena, sizeof(*row));
		int r = row ? snap_cfi_row_init(row, frame, cfi->arch, &cfi->arena) : -1;
		free(frame);
		if (r < 0)
			return -1;
		*ret = row;
		return 0;
	}
	return 0;
}

/* Ranges that overlap are equal: of disjoint ones, the one that has an address is found. */
static int compare_ranges(const void *a, const void *b)
{
	const struct row_range *x = a, *y = b;
	return x->end <= y->start ? -1 : x->start >= y->end;
}

const struct snap_cfi_row *snap_object_cfi_find(struct snap_object_cfi *cfi, uint64_t vaddr)
{
	struct row_range range = {.start = vaddr, .end = vaddr + 1};
	struct row_range **found = tfind(&range, &cfi->rows, compare_ranges);
	if (found)
		return (*found)->row;
	if (range.end == 0 || read_row(cfi, vaddr, &range.row) < 0)
		return NULL;
	const struct snap_cfi_row *row = range.row;
	struct row_range *kept = snap_arena_alloc(&cfi->arena, sizeof(*kept));
	if (!kept)
		return row;
	*kept = range;
	if (row && row->start <= vaddr && row->end > vaddr) {
		kept->start = row->start;
		kept->end = row->end;
	}
	found = tsearch(kept, &cfi->rows, compare_ranges);
	/* Sources may contradict each other: what is known keeps its place. */
	if (found && *found != kept) {
		*kept = range;
		(void)tsearch(kept, &cfi->rows, compare_ranges); /* without: looked up again */
	}
	return row;
}
