#include "common/elf_image.h"

#include <elf.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "common/elf_load.h"
#include "common/elf_notes.h"

/* More than any linker makes; a process that claims more is not believed. */
#define MAX_PHDRS      128
#define MAX_NOTE_BYTES 4096
#define PAGE_BYTES     4096u
#define WINDOW_BYTES   2048u

/* libsnapcrash's note (capture/lib/area.h). */
#define AREA_NOTE_NAME "Snapcrash"
#define AREA_NOTE_TYPE 1

/* The parts of a program header that matter, for both classes. */
struct phdr {
	uint32_t type;
	uint64_t offset, vaddr, filesz, memsz, align;
};

/* The target's memory; the first bytes of the image, where nearly all of it stands, read once. */
struct source {
	snap_memory_read_fn *read;
	void *arg;
	uint64_t base;
	bool build_id_seen; /* the first one counts, good or not */
	size_t window_len;
	uint8_t window[WINDOW_BYTES];
};

static int read_exactly(struct source *source, uint64_t addr, void *buf, size_t len)
{
	uint64_t off = addr - source->base;
	if (off <= source->window_len && len <= source->window_len - off) {
		memcpy(buf, source->window + off, len);
		return 0;
	}
	ssize_t n = source->read(source->arg, addr, buf, len);
	if (n < 0)
		return (int)n;
	return (size_t)n == len ? 0 : -EFAULT;
}

static struct phdr decode_phdr(const uint8_t *p, const struct snap_elf_image *image)
{
	uint8_t class = image->elf_class, data = image->elf_data;
	return (struct phdr){
		.type = (uint32_t)SNAP_ELF_CLASS_MEMBER(p, Phdr, p_type, class, data),
		.offset = SNAP_ELF_CLASS_MEMBER(p, Phdr, p_offset, class, data),
		.vaddr = SNAP_ELF_CLASS_MEMBER(p, Phdr, p_vaddr, class, data),
		.filesz = SNAP_ELF_CLASS_MEMBER(p, Phdr, p_filesz, class, data),
		.memsz = SNAP_ELF_CLASS_MEMBER(p, Phdr, p_memsz, class, data),
		.align = SNAP_ELF_CLASS_MEMBER(p, Phdr, p_align, class, data),
	};
}

static void take_build_id(
	struct source *source, struct snap_bytes desc, struct snap_elf_image *image)
{
	if (source->build_id_seen)
		return;
	source->build_id_seen = true;
	if (desc.len == 0 || desc.len > SNAP_MAX_BUILD_ID) {
		image->status = SNAP_BUILD_ID_MALFORMED;
		return;
	}
	memcpy(image->build_id, desc.data, desc.len);
	image->build_id_len = desc.len;
	image->status = SNAP_BUILD_ID_FOUND;
}

/* desc_addr: where the descriptor stands, from which its distance counts. */
static void take_area_pointer(
	struct snap_bytes desc, uint64_t desc_addr, struct snap_elf_image *image)
{
	if (desc.len != 4)
		return;
	int32_t distance = (int32_t)snap_elf_load(desc.data, 4, image->elf_data);
	image->area_pointer_addr = desc_addr + (uint64_t)(int64_t)distance;
}

/* Look for the notes that are known in one PT_NOTE. */
static void search_notes(struct source *source, const struct phdr *ph, struct snap_elf_image *image)
{
	uint8_t buf[MAX_NOTE_BYTES];
	size_t len = ph->filesz < sizeof(buf) ? (size_t)ph->filesz : sizeof(buf);
	if (read_exactly(source, ph->vaddr + image->load_bias, buf, len) < 0) {
		if (!source->build_id_seen)
			image->status = SNAP_BUILD_ID_UNREADABLE;
		return;
	}
	struct snap_elf_note note;
	size_t offset = 0;
	int r;
	while ((r = snap_elf_note_next(snap_bytes(buf, len), &offset, image->elf_data,
			ph->align == 8 ? 8 : 4, &note)) > 0) {
		if (note.type == NT_GNU_BUILD_ID && snap_bytes_equal_str(note.name, "GNU"))
			take_build_id(source, note.desc, image);
		else if (note.type == AREA_NOTE_TYPE &&
			 snap_bytes_equal_str(note.name, AREA_NOTE_NAME))
			take_area_pointer(note.desc,
				ph->vaddr + image->load_bias + (uint64_t)(note.desc.data - buf),
				image);
	}
	/* A segment longer than the buffer may end within a note: that is no fault of the file. */
	if (r < 0 && len == ph->filesz && !source->build_id_seen)
		image->status = SNAP_BUILD_ID_MALFORMED;
}

int snap_elf_image_read(
	snap_memory_read_fn *read, void *arg, uint64_t base, struct snap_elf_image *ret)
{
	struct source source = {.read = read, .arg = arg, .base = base};
	ssize_t n = read(arg, base, source.window, sizeof(source.window));
	/* Where the window is not readable as a whole, its parts may be. */
	if (n > 0)
		source.window_len =
			(size_t)n < sizeof(source.window) ? (size_t)n : sizeof(source.window);
	uint8_t ehdr[sizeof(Elf64_Ehdr)];
	int r = read_exactly(&source, base, ehdr, sizeof(ehdr));
	if (r < 0)
		return r;
	struct snap_elf_image image = {
		.elf_class = ehdr[EI_CLASS],
		.elf_data = ehdr[EI_DATA],
		.status = SNAP_BUILD_ID_NO_NOTE,
	};
	if (memcmp(ehdr, ELFMAG, SELFMAG) != 0 ||
		(image.elf_class != ELFCLASS32 && image.elf_class != ELFCLASS64) ||
		(image.elf_data != ELFDATA2LSB && image.elf_data != ELFDATA2MSB))
		return -ENOEXEC;

	bool wide = image.elf_class == ELFCLASS64;
	uint8_t data = image.elf_data;
	image.elf_type = (uint16_t)SNAP_ELF_MEMBER(ehdr, Elf64_Ehdr, e_type, data);
	image.elf_machine = (uint16_t)SNAP_ELF_MEMBER(ehdr, Elf64_Ehdr, e_machine, data);
	uint64_t phoff = SNAP_ELF_CLASS_MEMBER(ehdr, Ehdr, e_phoff, image.elf_class, data);
	uint64_t phnum = SNAP_ELF_CLASS_MEMBER(ehdr, Ehdr, e_phnum, image.elf_class, data);
	uint64_t phentsize = SNAP_ELF_CLASS_MEMBER(ehdr, Ehdr, e_phentsize, image.elf_class, data);
	if (phnum == 0 || phnum > MAX_PHDRS ||
		phentsize != (wide ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr)))
		return -ENOEXEC;

	uint8_t phdrs[MAX_PHDRS * sizeof(Elf64_Phdr)];
	r = read_exactly(&source, base + phoff, phdrs, phnum * phentsize);
	if (r < 0)
		return r;

	/* The PT_LOAD that maps file offset 0 is the one that base belongs to. */
	bool have_bias = false;
	uint64_t low = UINT64_MAX, high = 0;
	for (uint64_t i = 0; i < phnum; i++) {
		struct phdr ph = decode_phdr(phdrs + i * phentsize, &image);
		if (ph.type != PT_LOAD)
			continue;
		if (!have_bias && ph.offset < PAGE_BYTES) {
			image.load_bias = base - (ph.vaddr - ph.offset);
			have_bias = true;
		}
		if (ph.vaddr < low)
			low = ph.vaddr;
		if (ph.vaddr + ph.memsz > high)
			high = ph.vaddr + ph.memsz;
	}
	if (!have_bias || low >= high)
		return -ENOEXEC;
	image.start = (low & ~(uint64_t)(PAGE_BYTES - 1)) + image.load_bias;
	image.end = ((high + PAGE_BYTES - 1) & ~(uint64_t)(PAGE_BYTES - 1)) + image.load_bias;
	if (image.start >= image.end)
		return -ENOEXEC;

	for (uint64_t i = 0; i < phnum; i++) {
		struct phdr ph = decode_phdr(phdrs + i * phentsize, &image);
		if (ph.type == PT_NOTE && ph.filesz > 0)
			search_notes(&source, &ph, &image);
		if (ph.type == PT_DYNAMIC) {
			image.dynamic_addr = ph.vaddr + image.load_bias;
			image.dynamic_len = ph.memsz;
		}
	}
	*ret = image;
	return 0;
}
