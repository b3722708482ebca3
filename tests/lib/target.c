#include "tests/lib/target.h"

#include <elf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "analyze/symbols/elf_file.h"
#include "analyze/unwind/unwind.h"

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

enum {
	MAX_SYMBOLS = 32,
	MAX_DESCRIPTIONS = 32,
	MAX_PROGRAM = 128,
	SYMBOLS_OFF = 0x9000,
	STRINGS_OFF = 0xa000,
	STRINGS_LEN = 0x1000,
	SECTIONS_OFF = 0xb000,
};

/* As linkers do it, the index stands before what it is of: libdw relies on it. */
enum { NONE, TEXT, SYMTAB, STRTAB, INDEX, FRAMES, NUM_SECTIONS };

struct description {
	uint64_t vaddr, size;
	bool is_signal;
	size_t len;
	uint8_t program[MAX_PROGRAM];
	uint64_t fde_vaddr;
};

struct symbol {
	char name[32];
	uint64_t vaddr, size;
};

struct snap_crash target_crash;
struct snap_crash_thread target_thread;
struct snap_object *target_object;
uint8_t *target_file;
uint64_t target_entry, target_steps_left, target_words_left;

static const struct snap_arch *arch;
static enum target_cfi cfi;
static struct symbol symbols[MAX_SYMBOLS];
static struct description descriptions[MAX_DESCRIPTIONS];
static size_t num_symbols, num_descriptions;
static uint8_t text[TARGET_TEXT_LEN], stack[TARGET_STACK_LEN], pr_reg[1024];
static bool is_captured_in_part;
static struct snap_mapping mappings[5];
static struct snap_crash_module module;
static struct snap_error err;
static struct {
	const char *name;
	uint64_t value;
} more_registers[8];
static size_t num_more_registers;

/* ---------------------------------------------------------------- bytes */

static void put(void *bytes, unsigned int size, uint64_t value)
{
	for (unsigned int i = 0; i < size; i++)
		((uint8_t *)bytes)[i] = (uint8_t)(value >> 8 * i);
}

static uint8_t *put_uleb(uint8_t *p, uint64_t value)
{
	do {
		*p++ = (uint8_t)((value & 0x7f) | (value > 0x7f ? 0x80 : 0));
		value >>= 7;
	} while (value > 0);
	return p;
}

unsigned int target_word_len(void)
{
	return snap_arch_word(arch);
}

unsigned int target_fp(void)
{
	return (unsigned int)snap_fp_column(arch);
}

unsigned int target_lr(void)
{
	return (unsigned int)snap_lr_column(arch);
}

/* ---------------------------------------------------------------- the module */

void target_set_cfi(enum target_cfi which)
{
	cfi = which;
}

void target_symbol(const char *name, uint64_t vaddr, uint64_t size)
{
	assert_true(num_symbols < MAX_SYMBOLS && strlen(name) < sizeof(symbols->name));
	struct symbol *symbol = &symbols[num_symbols++];
	strcpy(symbol->name, name);
	symbol->vaddr = vaddr;
	symbol->size = size;
}

void target_describe(uint64_t vaddr, uint64_t size, bool is_signal, const void *program, size_t len)
{
	assert_true(num_descriptions < MAX_DESCRIPTIONS && len <= MAX_PROGRAM);
	struct description *d = &descriptions[num_descriptions++];
	*d = (struct description){.vaddr = vaddr, .size = size, .is_signal = is_signal, .len = len};
	memcpy(d->program, program, len);
}

void target_function(const char *name, uint64_t vaddr, uint64_t size, unsigned int frame_len)
{
	uint8_t program[16], *p = program;
	*p++ = 0x0c; /* DW_CFA_def_cfa */
	p = put_uleb(p, arch->dwarf_sp);
	p = put_uleb(p, frame_len);
	*p++ = (uint8_t)(0x80 | arch->dwarf_ra); /* DW_CFA_offset */
	*p++ = 1;
	target_symbol(name, vaddr, size);
	target_describe(vaddr, size, false, program, (size_t)(p - program));
}

void target_outermost(const char *name, uint64_t vaddr, uint64_t size)
{
	uint8_t program[16], *p = program;
	*p++ = 0x0c; /* DW_CFA_def_cfa */
	p = put_uleb(p, arch->dwarf_sp);
	p = put_uleb(p, 16);
	*p++ = 0x07; /* DW_CFA_undefined */
	p = put_uleb(p, arch->dwarf_ra);
	target_symbol(name, vaddr, size);
	target_describe(vaddr, size, false, program, (size_t)(p - program));
}

void target_code(uint64_t vaddr, const void *bytes, size_t len)
{
	assert_true(vaddr >= TARGET_TEXT && vaddr + len <= TARGET_TEXT + TARGET_TEXT_LEN);
	memcpy(text + (vaddr - TARGET_TEXT), bytes, len);
}

static void put_instruction(uint64_t vaddr, uint32_t word)
{
	uint8_t bytes[4];
	put(bytes, 4, word);
	target_code(vaddr - 4, bytes, 4);
}

void target_call(uint64_t vaddr, uint64_t callee)
{
	uint8_t bytes[5] = {0xe8};
	uint32_t from_end = (uint32_t)(callee - vaddr), off = from_end + 4;
	switch (arch->elf_machine) {
	case EM_X86_64:
	case EM_386:
		put(bytes + 1, 4, from_end);
		target_code(vaddr - 5, bytes, 5);
		break;
	case EM_AARCH64: /* bl */
		put_instruction(vaddr, 0x94000000 | (off >> 2 & 0x03ffffff));
		break;
	case EM_ARM:
		if (arch->is_m_profile) { /* bl, of Thumb code: J1 and J2 are the inverted I1 and I2 */
			uint32_t sign = from_end >> 31, i = from_end >> 22;
			uint32_t j1 = (i >> 1 & 1) == sign, j2 = (i & 1) == sign;
			uint32_t high = 0xf000 | sign << 10 | (from_end >> 12 & 0x3ff);
			put_instruction(vaddr, (0xd000 | j1 << 13 | j2 << 11 | (from_end >> 1 & 0x7ff)) << 16 |
						       high);
			break;
		}
		/* bl, of ARM code */
		put_instruction(vaddr, 0xeb000000 | ((from_end - 4) >> 2 & 0x00ffffff));
		break;
	case EM_RISCV: /* jal ra */
		put_instruction(vaddr, 0x000000ef | (off >> 20 & 1) << 31 |
					       (off >> 1 & 0x3ff) << 21 | (off >> 11 & 1) << 20 |
					       (off >> 12 & 0xff) << 12);
		break;
	default:
		fail_msg("no calls of machine %u", arch->elf_machine);
	}
}

void target_call_any(uint64_t vaddr)
{
	switch (arch->elf_machine) {
	case EM_X86_64:
	case EM_386:
		target_code(vaddr - 2, "\xff\xd0", 2); /* call *%rax */
		break;
	case EM_AARCH64:
		put_instruction(vaddr, 0xd63f0000); /* blr x0 */
		break;
	case EM_ARM: /* blx r3 */
		if (arch->is_m_profile)
			target_code(vaddr - 2, "\x98\x47", 2);
		else
			put_instruction(vaddr, 0xe12fff33);
		break;
	case EM_RISCV:
		put_instruction(vaddr, 0x000780e7); /* jalr ra, a5 */
		break;
	default:
		fail_msg("no calls of machine %u", arch->elf_machine);
	}
}

/* ---------------------------------------------------------------- the file */

#define SIZE(kind) (arch->elf_class == ELFCLASS64 ? sizeof(Elf64_##kind) : sizeof(Elf32_##kind))
#define PUT(base, kind, member, value)                                                             \
	(arch->elf_class == ELFCLASS64 ? put((uint8_t *)(base) + offsetof(Elf64_##kind, member),   \
						 sizeof(((Elf64_##kind *)NULL)->member), (value))  \
				       : put((uint8_t *)(base) + offsetof(Elf32_##kind, member),   \
						 sizeof(((Elf32_##kind *)NULL)->member), (value)))

/* DWARF 5, section 6.4.1, and the Linux Standard Base's "Exception Frames". Returns the end. */
static uint64_t put_entry(uint8_t *file, uint64_t off, struct description *d, bool is_eh)
{
	unsigned int word = snap_arch_word(arch);
	uint8_t *cie = file + off, *p = cie + 4, *fde;
	put(p, 4, is_eh ? 0 : UINT32_MAX);
	p += 4;
	*p++ = 1;
	const char *augmentation = !is_eh ? "" : d->is_signal ? "zRS" : "zR";
	strcpy((char *)p, augmentation);
	p += strlen(augmentation) + 1;
	*p++ = 1;		       /* code alignment */
	*p++ = (uint8_t)(0x80 - word); /* data alignment */
	*p++ = (uint8_t)arch->dwarf_ra;
	if (is_eh) {
		*p++ = 1;
		*p++ = 0x1b; /* relative to the place, 4 bytes */
	}
	while ((p - file) % word != 0)
		*p++ = 0;
	put(cie, 4, (uint64_t)(p - cie) - 4);

	fde = p;
	d->fde_vaddr = (uint64_t)(fde - file);
	p += 4;
	put(p, 4, is_eh ? (uint64_t)(p - cie) : off - TARGET_EH_FRAME);
	p += 4;
	unsigned int size = is_eh ? 4 : word;
	put(p, size, is_eh ? d->vaddr - (uint64_t)(p - file) : d->vaddr);
	p += size;
	put(p, size, d->size);
	p += size;
	if (is_eh)
		*p++ = 0;
	memcpy(p, d->program, d->len);
	p += d->len;
	while ((p - file) % word != 0)
		*p++ = 0;
	put(fde, 4, (uint64_t)(p - fde) - 4);
	return (uint64_t)(p - file);
}

static int compare_descriptions(const void *a, const void *b)
{
	const struct description *x = a, *y = b;
	return x->vaddr < y->vaddr ? -1 : x->vaddr > y->vaddr;
}

static void put_index(uint8_t *file)
{
	uint8_t *p = file + TARGET_INDEX;
	memcpy(p, "\1\x1b\3\x3b", 4);
	put(p + 4, 4, TARGET_EH_FRAME - (TARGET_INDEX + 4));
	put(p + 8, 4, num_descriptions);
	for (size_t i = 0; i < num_descriptions; i++) {
		put(p + 12 + 8 * i, 4, descriptions[i].vaddr - TARGET_INDEX);
		put(p + 16 + 8 * i, 4, descriptions[i].fde_vaddr - TARGET_INDEX);
	}
}

/* Names: ".text" and so on stand before those of symbols. */
static uint8_t *put_section(uint8_t *file, size_t index, size_t name, uint32_t type, uint64_t flags,
	uint64_t off, uint64_t len)
{
	uint8_t *s = file + SECTIONS_OFF + index * SIZE(Shdr);
	PUT(s, Shdr, sh_name, name);
	PUT(s, Shdr, sh_type, type);
	PUT(s, Shdr, sh_flags, flags);
	PUT(s, Shdr, sh_addr, flags & SHF_ALLOC ? off : 0);
	PUT(s, Shdr, sh_offset, off);
	PUT(s, Shdr, sh_size, len);
	return s;
}

static void put_segment(uint8_t *file, size_t index, uint32_t type, uint64_t off, uint64_t len)
{
	uint8_t *s = file + SIZE(Ehdr) + index * SIZE(Phdr);
	PUT(s, Phdr, p_type, type);
	PUT(s, Phdr, p_flags, PF_R | PF_X);
	PUT(s, Phdr, p_offset, off);
	PUT(s, Phdr, p_vaddr, off);
	PUT(s, Phdr, p_filesz, len);
	PUT(s, Phdr, p_memsz, len);
}

void target_build(void)
{
	static const char names[] = "\0.text\0.symtab\0.strtab\0.eh_frame\0.debug_frame\0"
				    ".eh_frame_hdr";
	uint8_t *file = target_file = calloc(1, TARGET_FILE_LEN);
	assert_non_null(file);
	memcpy(file, ELFMAG, SELFMAG);
	file[EI_CLASS] = arch->elf_class;
	file[EI_DATA] = ELFDATA2LSB;
	file[EI_VERSION] = EV_CURRENT;
	PUT(file, Ehdr, e_type, ET_DYN);
	PUT(file, Ehdr, e_machine, arch->elf_machine);
	PUT(file, Ehdr, e_version, EV_CURRENT);
	PUT(file, Ehdr, e_entry, target_entry);
	PUT(file, Ehdr, e_phoff, SIZE(Ehdr));
	PUT(file, Ehdr, e_shoff, SECTIONS_OFF);
	PUT(file, Ehdr, e_ehsize, SIZE(Ehdr));
	PUT(file, Ehdr, e_phentsize, SIZE(Phdr));
	PUT(file, Ehdr, e_phnum, cfi == TARGET_BY_INDEX ? 2 : 1);
	PUT(file, Ehdr, e_shentsize, SIZE(Shdr));
	PUT(file, Ehdr, e_shnum, NUM_SECTIONS);
	PUT(file, Ehdr, e_shstrndx, STRTAB);
	put_segment(file, 0, PT_LOAD, 0, TARGET_DATA);

	memcpy(file + TARGET_TEXT, text, sizeof(text));
	put_section(
		file, TEXT, 1, SHT_PROGBITS, SHF_ALLOC | SHF_EXECINSTR, TARGET_TEXT, sizeof(text));
	memcpy(file + STRINGS_OFF, names, sizeof(names));
	size_t name = sizeof(names);
	for (size_t i = 0; i < num_symbols; i++) {
		uint8_t *s = file + SYMBOLS_OFF + (i + 1) * SIZE(Sym);
		assert_true(name + sizeof(symbols->name) <= STRINGS_LEN);
		strcpy((char *)file + STRINGS_OFF + name, symbols[i].name);
		PUT(s, Sym, st_name, name);
		PUT(s, Sym, st_info, ELF64_ST_INFO(STB_GLOBAL, STT_FUNC));
		PUT(s, Sym, st_shndx, TEXT);
		PUT(s, Sym, st_value, symbols[i].vaddr);
		PUT(s, Sym, st_size, symbols[i].size);
		name += strlen(symbols[i].name) + 1;
	}
	put_section(file, STRTAB, 15, SHT_STRTAB, 0, STRINGS_OFF, STRINGS_LEN);
	uint8_t *table = put_section(
		file, SYMTAB, 7, SHT_SYMTAB, 0, SYMBOLS_OFF, (num_symbols + 1) * SIZE(Sym));
	PUT(table, Shdr, sh_link, STRTAB);
	PUT(table, Shdr, sh_entsize, SIZE(Sym));

	bool is_eh = cfi != TARGET_DEBUG_FRAME;
	uint64_t off = TARGET_EH_FRAME;
	qsort(descriptions, num_descriptions, sizeof(*descriptions), compare_descriptions);
	for (size_t i = 0; i < num_descriptions && cfi != TARGET_NO_CFI; i++)
		off = put_entry(file, off, &descriptions[i], is_eh);
	off += 4; /* a length of 0 ends them */
	assert_true(off <= TARGET_DATA);
	put_section(file, FRAMES, is_eh ? 23 : 33, SHT_PROGBITS, is_eh ? SHF_ALLOC : 0,
		TARGET_EH_FRAME, off - TARGET_EH_FRAME - (is_eh ? 0 : 4));
	if (cfi == TARGET_BY_INDEX) {
		uint64_t len = 12 + 8 * num_descriptions;
		put_index(file);
		put_segment(file, 1, PT_GNU_EH_FRAME, TARGET_INDEX, len);
		put_section(file, INDEX, 46, SHT_PROGBITS, SHF_ALLOC, TARGET_INDEX, len);
	}
}

struct snap_elf_file *target_open(void)
{
	int fd = memfd_create("target", 0);
	struct snap_elf_file *elf = malloc(sizeof(*elf));
	assert_non_null(elf);
	assert_true(fd >= 0);
	if (!target_file)
		target_build();
	assert_int_equal(write(fd, target_file, TARGET_FILE_LEN), TARGET_FILE_LEN);
	free(target_file);
	target_file = NULL;
	assert_int_equal(snap_elf_file_open(fd, "/target", elf, &err), 0);
	return elf;
}

/* ---------------------------------------------------------------- the process */

static const struct snap_bytes path = {(const uint8_t *)"/target", 7};

void target_begin(uint16_t elf_machine)
{
	bool is_64 = elf_machine != EM_386 && elf_machine != EM_ARM;
	arch = snap_arch_find(elf_machine, is_64 ? ELFCLASS64 : ELFCLASS32, ELFDATA2LSB);
	assert_non_null(arch);
	bool is_x86 = elf_machine == EM_X86_64 || elf_machine == EM_386;
	memset(text, is_x86 ? 0x90 : 0, sizeof(text));
	memset(stack, 0, sizeof(stack));
	num_symbols = num_descriptions = 0;
	cfi = TARGET_BY_INDEX;
	is_captured_in_part = false;
	num_more_registers = 0;
	target_entry = 0;
	target_steps_left = target_words_left = 1u << 20;
	snap_crash_init(&target_crash, "target");
	target_crash.arch = arch;

	enum { R = SNAP_MAPPING_READ, W = SNAP_MAPPING_WRITE, X = SNAP_MAPPING_EXEC };
	const struct snap_mapping all[] = {
		{.start = AT(0), .end = AT(TARGET_TEXT), .permissions = R, .path = path},
		{.start = AT(TARGET_TEXT),
			.end = AT(TARGET_TEXT + TARGET_TEXT_LEN),
			.permissions = R | X,
			.path = path},
		{.start = AT(TARGET_TEXT + TARGET_TEXT_LEN),
			.end = AT(TARGET_MODULE_LEN),
			.permissions = R | W,
			.path = path},
		{.start = TARGET_ANON, .end = TARGET_ANON + TARGET_ANON_LEN, .permissions = R | X},
		{.start = TARGET_STACK, .end = TARGET_STACK_END, .permissions = R | W},
	};
	memcpy(mappings, all, sizeof(all));
	for (size_t i = 0; i < ARRAY_LEN(mappings); i++)
		mappings[i].has_permissions = true;
	target_crash.mappings = mappings;
	target_crash.num_mappings = ARRAY_LEN(mappings);
	module = (struct snap_crash_module){.record = {.path = path,
						    .start = AT(0),
						    .end = AT(TARGET_MODULE_LEN),
						    .has_load_bias = true,
						    .load_bias = TARGET_MODULE}};
	target_crash.modules = &module;
	target_crash.num_modules = 1;
	target_thread =
		(struct snap_crash_thread){.record = {.has_tid = true, .tid = 1}, .crashed = true};
	target_crash.threads = &target_thread;
	target_crash.num_threads = 1;
}

void target_begin_device(const char *name)
{
	const struct snap_arch *device = snap_arch_find_name(name);
	assert_non_null(device);
	/* Its files are of this machine. */
	bool is_32 = device->elf_class == ELFCLASS32;
	target_begin(device->elf_machine == EM_RISCV && is_32 ? EM_ARM : device->elf_machine);
	arch = device;
	target_crash.arch = arch;
	target_crash.device.is_device = target_crash.device.is_laid_out = true;
}

void target_set_register(const char *name, uint64_t value)
{
	assert_true(num_more_registers < ARRAY_LEN(more_registers));
	more_registers[num_more_registers].name = name;
	more_registers[num_more_registers++].value = value;
}

void target_end(void)
{
	snap_crash_deinit(&target_crash);
	snap_object_destroy(target_object);
	target_object = NULL;
}

uint8_t *target_stack(uint64_t addr)
{
	assert_true(addr >= TARGET_STACK && addr < TARGET_STACK_END);
	return stack + (addr - TARGET_STACK);
}

void target_word(uint64_t addr, uint64_t value)
{
	put(target_stack(addr), target_word_len(), value);
}

void target_memory(uint64_t addr, const void *bytes, size_t len)
{
	const struct snap_memory_segment segment = {
		.start = addr, .len = len, .data = bytes, .fd = -1};
	assert_int_equal(snap_memory_add(&target_crash.memory, &segment, &err), 0);
}

void target_capture(uint64_t start, uint64_t end)
{
	is_captured_in_part = true;
	target_memory(start, target_stack(start), end - start);
}

void target_ready(void)
{
	if (!is_captured_in_part)
		target_memory(TARGET_STACK, stack, sizeof(stack));
	assert_int_equal(snap_memory_finish(&target_crash.memory, &err), 0);
	assert_int_equal(snap_object_create(&(struct snap_object_files){.main = target_open()},
				 &target_object, &err),
		0);
	module.object = target_object;
	module.symbols = snap_object_symbols(target_object);
}

/* ---------------------------------------------------------------- frames */

struct snap_registers target_registers(uint64_t pc, uint64_t sp)
{
	struct snap_registers registers = {.pc = pc, .exact_pc = true, .trust = SNAP_TRUST_CONTEXT};
	snap_register_set(&registers, snap_sp_column(arch), sp);
	return registers;
}

struct snap_frame target_frame(const struct snap_registers *registers)
{
	return (struct snap_frame){
		.pc = registers->pc,
		.exact_pc = registers->exact_pc,
		.trust = registers->trust,
		.module = snap_crash_module_at(
			&target_crash, registers->exact_pc ? registers->pc : registers->pc - 1),
	};
}

struct snap_walk target_walk(void)
{
	return (struct snap_walk){
		.crash = &target_crash,
		.thread = &target_thread,
		.arch = arch,
		.steps_left = &target_steps_left,
		.words_left = &target_words_left,
	};
}

void target_unwind(const struct snap_registers *registers, size_t max_frames)
{
	const struct snap_options options = {.max_frames = max_frames};
	memset(pr_reg, 0, sizeof(pr_reg));
	for (unsigned int i = 0; i < arch->num_regs; i++) {
		const struct snap_arch_reg *reg = &arch->regs[i];
		int column = snap_arch_column(arch, reg->dwarf);
		if (i == arch->pc)
			put(pr_reg + reg->offset, reg->size, registers->pc);
		else if (column >= 0 && snap_register_known(registers, (unsigned int)column))
			put(pr_reg + reg->offset, reg->size, registers->values[column]);
		for (size_t j = 0; j < num_more_registers; j++)
			if (strcmp(more_registers[j].name, reg->name) == 0)
				put(pr_reg + reg->offset, reg->size, more_registers[j].value);
	}
	target_thread.pr_reg = snap_bytes(pr_reg, snap_arch_regs_len(arch));
	assert_int_equal(snap_unwind(&target_crash, &options, &err), 0);
}
