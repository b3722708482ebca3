/* The notes of a core, of any machine, in a core that has memory besides; and notes as such. */
#include <elf.h>
#include <stdlib.h>
#include <string.h>

#include "common/elf_notes.h"
#include "fuzz/fuzz.h"

static const uint16_t machines[] = {
	EM_X86_64, EM_AARCH64, EM_ARM, EM_RISCV, EM_386, EM_PPC64, EM_S390, EM_MIPS};

static void walk(struct snap_bytes notes, uint8_t elf_data, unsigned int align)
{
	struct snap_elf_note note;
	size_t off = 0, before = 0;
	unsigned int sum = 0;
	while (snap_elf_note_next(notes, &off, elf_data, align, &note) > 0) {
		FUZZ_REQUIRE(off > before && off <= notes.len);
		before = off;
		for (size_t i = 0; i < note.name.len; i++)
			sum += note.name.data[i];
		for (size_t i = 0; i < note.desc.len; i++)
			sum += note.desc.data[i];
	}
	static volatile unsigned int used;
	used = sum;
	(void)used;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct fuzz_input input = {data, len};
	uint8_t flags = (uint8_t)fuzz_number(&input, 1);
	uint16_t machine = machines[flags & 7];
	size_t notes_len = fuzz_number(&input, 2);
	uint8_t *copy = fuzz_copy(snap_bytes(input.data, input.len));
	walk(snap_bytes(copy, input.len), flags & 8 ? ELFDATA2MSB : ELFDATA2LSB, 4);
	walk(snap_bytes(copy, input.len), ELFDATA2LSB, 8);
	free(copy);
	if (machine == EM_ARM || machine == EM_386)
		return 0; /* "core" has them: what follows is for 64 bits */

	struct snap_bytes notes = fuzz_bytes(&input, notes_len);
	bool big = machine == EM_S390 || machine == EM_PPC64 ? flags & 8 : false;
	Elf64_Ehdr ehdr = {.e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
		.e_type = ET_CORE,
		.e_machine = machine,
		.e_version = EV_CURRENT,
		.e_phoff = sizeof(ehdr),
		.e_ehsize = sizeof(ehdr),
		.e_phentsize = sizeof(Elf64_Phdr),
		.e_phnum = 2};
	if (big)
		return 0;
	size_t head = sizeof(ehdr) + 2 * sizeof(Elf64_Phdr);
	Elf64_Phdr phdrs[2] = {
		{.p_type = PT_NOTE, .p_offset = head, .p_filesz = notes.len, .p_align = 4},
		{.p_type = PT_LOAD,
			.p_offset = head + notes.len,
			.p_vaddr = 0x7fff00000000,
			.p_filesz = input.len,
			.p_memsz = input.len,
			.p_flags = PF_R | PF_W,
			.p_align = 1}};
	size_t core_len = head + notes.len + input.len;
	uint8_t *core = malloc(core_len);
	FUZZ_REQUIRE(core);
	memcpy(core, &ehdr, sizeof(ehdr));
	memcpy(core + sizeof(ehdr), phdrs, sizeof(phdrs));
	if (notes.len > 0)
		memcpy(core + head, notes.data, notes.len);
	if (input.len > 0)
		memcpy(core + head + notes.len, input.data, input.len);
	fuzz_analyse(fuzz_file(core, core_len));
	free(core);
	return 0;
}
