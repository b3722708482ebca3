#include "analyze/input/exe_image.h"

#include <elf.h>
#include <string.h>

#include "common/elf_load.h"
#include "common/elf_notes.h"

/* More than any linker makes. */
#define MAX_PHDRS      128
#define MAX_NOTE_BYTES 4096
#define PAGE_BYTES     4096u

#define PHDR(process, bytes, member)                                                               \
	SNAP_ELF_CLASS_MEMBER(bytes, Phdr, member, (process)->elf_class, (process)->elf_data)

unsigned int snap_process_word(const struct snap_process_memory *process)
{
	return process->elf_class == ELFCLASS32 ? 4 : 8;
}

bool snap_process_read_word(const struct snap_process_memory *process, uint64_t addr, uint64_t *ret)
{
	uint8_t bytes[8];
	unsigned int word = snap_process_word(process);
	if (!snap_memory_read_all(process->memory, addr, bytes, word))
		return false;
	*ret = snap_elf_load(bytes, word, process->elf_data);
	return true;
}

static size_t phdr_bytes(const struct snap_process_memory *process)
{
	return process->elf_class == ELFCLASS32 ? sizeof(Elf32_Phdr) : sizeof(Elf64_Phdr);
}

static const uint8_t *find(const struct snap_process_memory *process, const uint8_t *phdrs,
	uint64_t num, uint32_t type)
{
	for (uint64_t i = 0; i < num; i++) {
		const uint8_t *ph = phdrs + i * phdr_bytes(process);
		if (PHDR(process, ph, p_type) == type)
			return ph;
	}
	return NULL;
}

/*
 * Where the linker put the program headers: PT_PHDR says it. Without (static executables), they
 * follow the ELF header, with which the first PT_LOAD begins.
 */
static uint64_t find_load_bias(const struct snap_process_memory *process, const uint8_t *phdrs,
	uint64_t num, uint64_t phdr_addr)
{
	const uint8_t *ph = find(process, phdrs, num, PT_PHDR);
	if (ph)
		return phdr_addr - PHDR(process, ph, p_vaddr);
	uint64_t header_bytes =
		process->elf_class == ELFCLASS32 ? sizeof(Elf32_Ehdr) : sizeof(Elf64_Ehdr);
	ph = find(process, phdrs, num, PT_LOAD);
	if (ph && (phdr_addr - header_bytes) % PAGE_BYTES == 0 && PHDR(process, ph, p_offset) == 0)
		return phdr_addr - header_bytes - PHDR(process, ph, p_vaddr);
	return 0;
}

static void find_build_id(
	const struct snap_process_memory *process, const uint8_t *ph, struct snap_exe_image *image)
{
	uint8_t buf[MAX_NOTE_BYTES];
	uint64_t filesz = PHDR(process, ph, p_filesz);
	size_t len = filesz < sizeof(buf) ? (size_t)filesz : sizeof(buf);
	if (!snap_memory_read_all(
		    process->memory, PHDR(process, ph, p_vaddr) + image->load_bias, buf, len)) {
		image->build_id_status = SNAP_BUILD_ID_UNREADABLE;
		return;
	}
	struct snap_elf_note note;
	size_t offset = 0;
	unsigned int align = PHDR(process, ph, p_align) == 8 ? 8 : 4;
	while (snap_elf_note_next(snap_bytes(buf, len), &offset, process->elf_data, align, &note) >
		0) {
		if (note.type != NT_GNU_BUILD_ID || !snap_bytes_equal_str(note.name, "GNU"))
			continue;
		image->build_id_status = SNAP_BUILD_ID_MALFORMED;
		if (note.desc.len == 0 || note.desc.len > SNAP_MAX_BUILD_ID)
			return;
		memcpy(image->build_id, note.desc.data, note.desc.len);
		image->build_id_len = note.desc.len;
		image->build_id_status = SNAP_BUILD_ID_FOUND;
		return;
	}
}

bool snap_exe_image_read(const struct snap_process_memory *process, uint64_t phdr_addr,
	uint64_t num_phdrs, struct snap_exe_image *ret)
{
	uint8_t phdrs[MAX_PHDRS * sizeof(Elf64_Phdr)];
	size_t size = phdr_bytes(process);
	if (phdr_addr == 0 || num_phdrs == 0 || num_phdrs > MAX_PHDRS ||
		!snap_memory_read_all(process->memory, phdr_addr, phdrs, num_phdrs * size))
		return false;
	struct snap_exe_image image = {
		.load_bias = find_load_bias(process, phdrs, num_phdrs, phdr_addr),
		.build_id_status = SNAP_BUILD_ID_NO_NOTE,
	};
	uint64_t low = UINT64_MAX, high = 0;
	for (uint64_t i = 0; i < num_phdrs; i++) {
		const uint8_t *ph = phdrs + i * size;
		uint64_t vaddr = PHDR(process, ph, p_vaddr), memsz = PHDR(process, ph, p_memsz);
		switch (PHDR(process, ph, p_type)) {
		case PT_LOAD:
			if (memsz > UINT64_MAX - PAGE_BYTES - vaddr)
				return false;
			low = vaddr < low ? vaddr : low;
			high = vaddr + memsz > high ? vaddr + memsz : high;
			break;
		case PT_DYNAMIC:
			image.dynamic_addr = vaddr + image.load_bias;
			image.dynamic_len = memsz;
			break;
		case PT_INTERP:
			image.interpreter_addr = vaddr + image.load_bias;
			image.interpreter_len = PHDR(process, ph, p_filesz);
			break;
		case PT_NOTE:
			if (image.build_id_len == 0)
				find_build_id(process, ph, &image);
			break;
		}
	}
	if (low >= high)
		return false;
	uint64_t mask = ~(uint64_t)(PAGE_BYTES - 1);
	image.start = (low & mask) + image.load_bias;
	image.end = ((high + PAGE_BYTES - 1) & mask) + image.load_bias;
	if (image.start >= image.end)
		return false;
	*ret = image;
	return true;
}
