/* Code made at run time, without a frame pointer, that is described by an ELF image in memory:
 * GDB's JIT interface, as LLVM and others use it. It calls back into a crash.
 *
 *   jit_registered [exec|rel]   an executable, or an object file whose sections know their places */
#include <elf.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

struct jit_code_entry {
	struct jit_code_entry *next_entry, *prev_entry;
	const char *symfile_addr;
	uint64_t symfile_size;
};

/* The names and the layout are the interface's. */
struct {
	uint32_t version, action_flag;
	struct jit_code_entry *relevant_entry, *first_entry;
} __jit_debug_descriptor = {.version = 1};

__attribute__((noinline)) void __jit_debug_register_code(void)
{
	__asm__ volatile("");
}

static volatile int *volatile nothing;

__attribute__((noinline)) int crashes(void)
{
	return *nothing + 1;
}

/* sub rsp, 24; call rdi; add rsp, 24; ret */
static const unsigned char code[] = {0x48, 0x83, 0xec, 24, 0xff, 0xd7, 0x48, 0x83, 0xc4, 24, 0xc3};

enum { NONE, TEXT, EH_FRAME, SYMTAB, STRTAB, SHSTRTAB, NUM_SECTIONS };

static struct image {
	Elf64_Ehdr header;
	Elf64_Shdr sections[NUM_SECTIONS];
	Elf64_Sym symbols[2];
	char names[8];
	char section_names[48];
	struct __attribute__((packed)) {
		struct __attribute__((packed)) {
			uint32_t length, id;
			uint8_t version, augmentation, code_align, data_align, ra, rules[5], pad[2];
		} cie;
		struct __attribute__((packed)) {
			uint32_t length, cie;
			uint64_t begin, size;
			uint8_t rules[6], pad[2];
		} fde;
		uint32_t end;
	} eh_frame;
	unsigned char text[sizeof(code)];
} image = {
	.header = {.e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
		.e_machine = EM_X86_64,
		.e_version = EV_CURRENT,
		.e_ehsize = sizeof(Elf64_Ehdr),
		.e_shoff = offsetof(struct image, sections),
		.e_shentsize = sizeof(Elf64_Shdr),
		.e_shnum = NUM_SECTIONS,
		.e_shstrndx = SHSTRTAB},
	.names = "\0made",
	.section_names = "\0.text\0.eh_frame\0.symtab\0.strtab\0.shstrtab",
	/* DW_CFA_def_cfa rsp 8; DW_CFA_offset RA cfa-8 */
	.eh_frame.cie = {16, 0, 1, 0, 1, 0x78, 16, {0x0c, 7, 8, 0x90, 1}, {0}},
	/* DW_CFA_advance_loc 4; DW_CFA_def_cfa_offset 32; DW_CFA_advance_loc 6;
	   DW_CFA_def_cfa_offset 8 */
	.eh_frame.fde = {28, 24, 0, sizeof(code), {0x44, 0x0e, 32, 0x46, 0x0e, 8}, {0}},
};

static void section(
	int i, const char *name, int type, uint64_t flags, const void *data, size_t size)
{
	Elf64_Shdr *header = &image.sections[i];

	for (const char *at = image.section_names + 1; strcmp(at, name); at += strlen(at) + 1)
		header->sh_name = (Elf64_Word)(at + strlen(at) + 1 - image.section_names);
	if (!header->sh_name)
		header->sh_name = 1;
	header->sh_type = (Elf64_Word)type;
	header->sh_flags = flags;
	header->sh_offset = (uint64_t)((const char *)data - (const char *)&image);
	header->sh_size = size;
	header->sh_addralign = 1;
}

__attribute__((noinline)) void describes(const void *made, int is_rel)
{
	static struct jit_code_entry entry = {
		.symfile_addr = (const char *)&image, .symfile_size = sizeof(image)};

	image.header.e_type = is_rel ? ET_REL : ET_EXEC;
	memcpy(image.text, code, sizeof(code));
	image.eh_frame.fde.begin = (uintptr_t)made;
	image.symbols[1] = (Elf64_Sym){.st_name = 1,
		.st_info = ELF64_ST_INFO(STB_GLOBAL, STT_FUNC),
		.st_shndx = TEXT,
		.st_value = is_rel ? 0 : (uintptr_t)made,
		.st_size = sizeof(code)};
	section(TEXT, ".text", SHT_PROGBITS, SHF_ALLOC | SHF_EXECINSTR, image.text,
		sizeof(image.text));
	image.sections[TEXT].sh_addr = (uintptr_t)made;
	section(EH_FRAME, ".eh_frame", SHT_PROGBITS, SHF_ALLOC, &image.eh_frame,
		sizeof(image.eh_frame));
	image.sections[EH_FRAME].sh_addr = (uintptr_t)&image.eh_frame;
	section(SYMTAB, ".symtab", SHT_SYMTAB, 0, image.symbols, sizeof(image.symbols));
	image.sections[SYMTAB].sh_entsize = sizeof(Elf64_Sym);
	image.sections[SYMTAB].sh_link = STRTAB;
	image.sections[SYMTAB].sh_info = 1;
	section(STRTAB, ".strtab", SHT_STRTAB, 0, image.names, sizeof(image.names));
	section(SHSTRTAB, ".shstrtab", SHT_STRTAB, 0, image.section_names,
		sizeof(image.section_names));
	__jit_debug_descriptor.first_entry = __jit_debug_descriptor.relevant_entry = &entry;
	__jit_debug_descriptor.action_flag = 1;
	__jit_debug_register_code();
}

__attribute__((noinline)) int runs(int (*made)(int (*)(void)))
{
	return made(crashes) + 1;
}

int main(int argc, char **argv)
{
	void *made = mmap(
		NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	memcpy(made, code, sizeof(code));
	describes(made, argc > 1 && strcmp(argv[1], "rel") == 0);
	return runs((int (*)(int (*)(void)))made) + 1;
}
