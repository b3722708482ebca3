#include "analyze/symbols/object_cfi.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>

#include <dwarf.h>
#include <elfutils/libdw.h>
#include <gelf.h>

#include "analyze/symbols/cfi_check.h"
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

/* .eh_frame's index. */
struct eh_index {
	enum {
		INDEX_NONE,
		INDEX_GOOD,
		INDEX_BAD, /* not to be searched in */
	} state;
	const uint8_t *header;
	uint8_t elf_data;
	uint64_t vaddr, count;
	int64_t frames_distance; /* from the index to .eh_frame */
	Elf_Data frames;	 /* .eh_frame and all behind it */
};

struct snap_object_cfi {
	const struct snap_elf_file *main, *debug; /* borrowed; NULL: there is none */
	const struct snap_arch *arch;		  /* NULL: not known */
	struct cfi_source sources[CFI_NUM_SOURCES];
	struct eh_index index; /* once CFI_EH_FRAME was tried */
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

/* ---------------------------------------------------------------- the index */

/* .eh_frame_hdr (Linux Standard Base, "Exception Frames"), in the one form that linkers write. */
enum { VERSION = 0, POINTER = 1, COUNT = 2, TABLE = 3, HEADER_BYTES = 4, ENTRY_BYTES = 8 };

static int64_t index_number(const struct eh_index *index, uint64_t off)
{
	return (int32_t)snap_elf_load(index->header + off, 4, index->elf_data);
}

/* Where an entry says that code begins. */
static uint64_t index_start(const struct eh_index *index, uint64_t i)
{
	return index->vaddr + (uint64_t)index_number(index, HEADER_BYTES + 8 + i * ENTRY_BYTES);
}

/*
 * Whether it is fit for a binary search: then an address that it does not lead to has no entry.
 * And whether no two readers can take it differently.
 */
static bool is_index_sane(const struct eh_index *index, uint64_t len, uint8_t elf_class)
{
	const uint8_t *header = index->header;
	uint64_t last = elf_class == ELFCLASS32 ? UINT32_MAX : UINT64_MAX, before = 0;
	if (len < HEADER_BYTES + 8 || header[VERSION] != 1 ||
		header[POINTER] != (DW_EH_PE_pcrel | DW_EH_PE_sdata4) ||
		header[COUNT] != DW_EH_PE_udata4 ||
		header[TABLE] != (DW_EH_PE_datarel | DW_EH_PE_sdata4) ||
		index->count > (len - HEADER_BYTES - 8) / ENTRY_BYTES)
		return false;
	for (uint64_t i = 0; i < index->count; i++) {
		uint64_t start = index_start(index, i);
		bool wraps = index_number(index, HEADER_BYTES + 8 + i * ENTRY_BYTES) < 0
				     ? start > index->vaddr
				     : start < index->vaddr;
		if (wraps || start > last || start < before)
			return false;
		before = start;
	}
	return true;
}

/* Sections, if there are any, say the same of .eh_frame and .eh_frame_hdr as the program header. */
static bool do_sections_agree(
	Elf *elf, const GElf_Phdr *ph, uint64_t frames_off, uint64_t frames_vaddr)
{
	size_t names;
	GElf_Shdr shdr;
	if (elf_getshdrstrndx(elf, &names) != 0)
		return true;
	for (Elf_Scn *scn = NULL; (scn = elf_nextscn(elf, scn));) {
		const char *name =
			gelf_getshdr(scn, &shdr) ? elf_strptr(elf, names, shdr.sh_name) : NULL;
		if (name && strcmp(name, ".eh_frame_hdr") == 0 &&
			(shdr.sh_addr != ph->p_vaddr || shdr.sh_offset != ph->p_offset))
			return false;
		if (name && strcmp(name, ".eh_frame") == 0 &&
			(shdr.sh_addr != frames_vaddr || shdr.sh_offset != frames_off))
			return false;
	}
	return true;
}

static bool has_section(Elf *elf, const char *wanted)
{
	size_t names;
	GElf_Shdr shdr;
	if (elf_getshdrstrndx(elf, &names) != 0)
		return false;
	for (Elf_Scn *scn = NULL; (scn = elf_nextscn(elf, scn));) {
		const char *name =
			gelf_getshdr(scn, &shdr) ? elf_strptr(elf, names, shdr.sh_name) : NULL;
		if (name && strcmp(name, wanted) == 0)
			return true;
	}
	return false;
}

static void find_index(struct snap_object_cfi *cfi)
{
	struct eh_index *index = &cfi->index;
	Elf *elf = cfi->main->elf;
	size_t num, size, i = 0;
	GElf_Phdr ph;
	uint8_t *raw = (uint8_t *)elf_rawfile(elf, &size);
	index->state = INDEX_BAD;
	if (!raw || elf_getphdrnum(elf, &num) != 0)
		return;
	while (i < num && (!gelf_getphdr(elf, (int)i, &ph) || ph.p_type != PT_GNU_EH_FRAME))
		i++;
	if (i == num) {
		if (!has_section(elf, ".eh_frame_hdr"))
			index->state = INDEX_NONE;
		return;
	}
	if (ph.p_offset > size || ph.p_filesz > size - ph.p_offset ||
		ph.p_filesz < HEADER_BYTES + 8)
		return;
	index->header = raw + ph.p_offset;
	index->elf_data = cfi->main->elf_data;
	index->vaddr = ph.p_vaddr;
	index->count = (uint32_t)index_number(index, HEADER_BYTES + 4);
	int64_t distance = HEADER_BYTES + index_number(index, HEADER_BYTES);
	uint64_t frames_off = ph.p_offset + (uint64_t)distance;
	if (!is_index_sane(index, ph.p_filesz, cfi->main->elf_class) || frames_off > size ||
		!do_sections_agree(elf, &ph, frames_off, ph.p_vaddr + (uint64_t)distance))
		return;
	index->frames_distance = distance;
	index->frames = (Elf_Data){.d_buf = raw + frames_off,
		.d_type = ELF_T_BYTE,
		.d_version = EV_CURRENT,
		.d_size = size - frames_off};
	index->state = INDEX_GOOD;
}

/* Of an index: whether the entry that libdw is led to is one that it can be given. */
static bool is_entry_bounded(const struct snap_object_cfi *cfi, uint64_t vaddr)
{
	const struct eh_index *index = &cfi->index;
	uint64_t low = 0, high = index->count;
	/* As libdw searches: of several that begin at one address the same one is found. */
	while (low < high) {
		uint64_t mid = (low + high) / 2;
		if (vaddr < index_start(index, mid)) {
			high = mid;
			continue;
		}
		low = mid + 1;
		if (low < index->count && vaddr >= index_start(index, low))
			continue;
		int64_t off = index_number(index, HEADER_BYTES + 12 + mid * ENTRY_BYTES) -
			      index->frames_distance;
		return off >= 0 && snap_cfi_entry_is_bounded(cfi->main->elf,
					   (Elf_Data *)&index->frames, (uint64_t)off);
	}
	return true; /* there is none */
}

/* All sections of the name, without an index: libdw goes from entry to entry. */
static bool are_sections_bounded(Elf *elf, const char *wanted, bool is_eh)
{
	size_t names;
	GElf_Shdr shdr;
	if (!elf || elf_getshdrstrndx(elf, &names) != 0)
		return false;
	for (Elf_Scn *scn = NULL; (scn = elf_nextscn(elf, scn));) {
		const char *name =
			gelf_getshdr(scn, &shdr) ? elf_strptr(elf, names, shdr.sh_name) : NULL;
		if (!name || strcmp(name, wanted) != 0 || shdr.sh_type == SHT_NOBITS)
			continue;
		Elf_Data *data = elf_rawdata(scn, NULL);
		if (data && data->d_buf && !snap_cfi_is_bounded(elf, data, is_eh))
			return false;
	}
	return true;
}

/* ---------------------------------------------------------------- the sources */

/*
 * A handle of its own, private and writable, so that libdw can be kept from seeing the index: it
 * looks by program header first, and then by section.
 */
static void open_plain_eh_frame(struct snap_object_cfi *cfi, struct cfi_source *source)
{
	size_t names, num;
	GElf_Phdr ph;
	GElf_Shdr shdr;
	if (cfi->main->fd < 0)
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
	if (!are_sections_bounded(elf, ".eh_frame", true))
		return;
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
	/* Headers of compressed sections are changed: ours are not to be written to. */
	if (file->fd >= 0)
		source->elf = elf_begin(file->fd, ELF_C_READ_MMAP_PRIVATE, NULL);
	Elf *elf = source->elf ? source->elf : file->elf;
	if (file->map && !source->elf)
		return;
	source->dwarf = dwarf_begin_elf(elf, DWARF_C_READ, NULL);
	/* Compressed ones are not any more. */
	if (source->dwarf && are_sections_bounded(elf, ".debug_frame", false) &&
		are_sections_bounded(elf, ".zdebug_frame", false))
		source->cfi = dwarf_getcfi(source->dwarf);
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
		find_index(cfi);
		if (cfi->index.state == INDEX_BAD ||
			(cfi->index.state == INDEX_NONE &&
				!are_sections_bounded(main->elf, ".eh_frame", true)))
			return NULL;
		source->cfi = dwarf_getcfi_elf(main->elf);
		source->is_own = true;
	} else if (which == CFI_EH_FRAME_PLAIN && has_eh_frame && cfi->index.state == INDEX_BAD) {
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
		if (!source ||
			(i == CFI_EH_FRAME && cfi->index.state == INDEX_GOOD &&
				!is_entry_bounded(cfi, vaddr)) ||
			dwarf_cfi_addrframe(source, vaddr, &frame) != 0)
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
