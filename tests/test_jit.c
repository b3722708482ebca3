/* analyze/symbols/jit: lists and images made by hand, in every class and byte order, and hostile
 * ones. */
#include "analyze/symbols/jit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <elf.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/symbols/elf_file.h"
#include "analyze/symbols/object.h"

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

/* ---------------------------------------------------------------- a process */

/* All of its memory that was captured. */
#define WORLD	  0x10000000u
#define WORLD_LEN (2u << 20)
/* A library with the descriptor, and a second one in the middle of what the JIT compiler made. */
#define LIB	 0x08000000u
#define LIB_LEN	 0x1000u
#define ISLAND	 0x20010000u
#define CODE	 0x20000000u /* executable, anonymous */
#define CODE_LEN 0x100000u

#define DESCRIPTOR (WORLD + 0x40)
#define ENTRIES	   (WORLD + 0x1000)
#define IMAGES	   (WORLD + 0x100000)

static uint8_t world[WORLD_LEN];
static struct snap_crash crash;
static struct snap_crash_module modules[2];
static struct snap_mapping mappings[2];
static struct snap_object *library;
static struct snap_error err;

static uint8_t elf_class, elf_data; /* of the process */
static uint16_t elf_machine;

#define SIZE(kind) (elf_class == ELFCLASS64 ? sizeof(Elf64_##kind) : sizeof(Elf32_##kind))

static void put(void *bytes, unsigned int size, uint64_t value)
{
	for (unsigned int i = 0; i < size; i++)
		((uint8_t *)bytes)[elf_data == ELFDATA2MSB ? size - 1 - i : i] =
			(uint8_t)(value >> 8 * i);
}

#define PUT(base, kind, member, value)                                                             \
	(elf_class == ELFCLASS64 ? put((uint8_t *)(base) + offsetof(Elf64_##kind, member),         \
					   sizeof(((Elf64_##kind *)NULL)->member), (value))        \
				 : put((uint8_t *)(base) + offsetof(Elf32_##kind, member),         \
					   sizeof(((Elf32_##kind *)NULL)->member), (value)))

static unsigned int word(void)
{
	return elf_class == ELFCLASS64 ? 8 : 4;
}

static uint8_t *at(uint64_t addr)
{
	assert_true(addr >= WORLD && addr < WORLD + WORLD_LEN);
	return world + (addr - WORLD);
}

/* ---------------------------------------------------------------- images */

enum { TEXT = 1, SYMTAB, STRTAB, CFI, MORE, NUM_SECTIONS = MORE + 8 };

static const char names[] = "\0.text\0.symtab\0.strtab\0.eh_frame\0.debug_frame\0made";
enum {
	TEXT_NAME = 1,
	SYMTAB_NAME = 7,
	STRTAB_NAME = 15,
	EH_NAME = 23,
	DF_NAME = 33,
	MADE_NAME = 46
};

/* Where the parts of an image stand in it. */
enum {
	HEADERS_OFF = 64,
	STRINGS_OFF = HEADERS_OFF + NUM_SECTIONS * 64,
	SYMBOLS_OFF = STRINGS_OFF + 64,
	CFI_OFF = SYMBOLS_OFF + 2 * 24,
	IMAGE_LEN = CFI_OFF + 128,
};

enum style {
	EXEC,	     /* absolute, .eh_frame relative to itself */
	REL,	     /* symbols relative to sections */
	REL_LOADED,  /* and .eh_frame relocated only where it was put */
	DEBUG_FRAME, /* absolute addresses in .debug_frame */
};

static uint8_t *section(uint8_t *image, size_t index)
{
	return image + HEADERS_OFF + index * SIZE(Shdr);
}

static void put_section(uint8_t *image, size_t index, uint32_t name, uint32_t type, uint64_t flags,
	uint64_t addr, uint64_t off, uint64_t size)
{
	uint8_t *s = section(image, index);
	PUT(s, Shdr, sh_name, name);
	PUT(s, Shdr, sh_type, type);
	PUT(s, Shdr, sh_flags, flags);
	PUT(s, Shdr, sh_addr, addr);
	PUT(s, Shdr, sh_offset, off);
	PUT(s, Shdr, sh_size, size);
}

static void put_code(uint8_t *image, size_t index, uint64_t addr, uint64_t size)
{
	put_section(image, index, TEXT_NAME, SHT_NOBITS, SHF_ALLOC | SHF_EXECINSTR, addr, 0, size);
}

/* A function that has pushed nothing: the CFA is register 7 + one word. Returns its length. */
static size_t put_eh_frame(uint8_t *bytes, uint64_t own_addr, uint64_t start, uint64_t size)
{
	memset(bytes, 0, 64);
	put(bytes, 4, 20);
	memcpy(bytes + 8, "\1zR\0\1\x78\x10\1\x1b\x0c\7", 11);
	bytes[19] = (uint8_t)word();
	put(bytes + 24, 4, 16);
	put(bytes + 28, 4, 28);
	put(bytes + 32, 4, start - (own_addr + 32));
	put(bytes + 36, 4, size);
	return 44;
}

static size_t put_debug_frame(uint8_t *bytes, uint64_t start, uint64_t size)
{
	memset(bytes, 0, 64);
	put(bytes, 4, 12);
	memcpy(bytes + 4, "\xff\xff\xff\xff\1\0\1\x78\x10\x0c\7", 11);
	bytes[15] = (uint8_t)word();
	put(bytes + 16, 4, 4 + 2 * word() + 4);
	put(bytes + 24, word(), start);
	put(bytes + 24 + word(), word(), size);
	return 24 + 2 * word() + 4;
}

/* An image at addr of a function "made" at [start, start + size). */
static void put_image(uint64_t addr, enum style style, uint64_t start, uint64_t size)
{
	uint8_t *image = at(addr);
	bool is_rel = style == REL || style == REL_LOADED;
	memset(image, 0, IMAGE_LEN);
	memcpy(image, ELFMAG, SELFMAG);
	image[EI_CLASS] = elf_class;
	image[EI_DATA] = elf_data;
	image[EI_VERSION] = EV_CURRENT;
	PUT(image, Ehdr, e_type, is_rel ? ET_REL : ET_EXEC);
	PUT(image, Ehdr, e_machine, elf_machine);
	PUT(image, Ehdr, e_version, EV_CURRENT);
	PUT(image, Ehdr, e_shoff, HEADERS_OFF);
	PUT(image, Ehdr, e_ehsize, SIZE(Ehdr));
	PUT(image, Ehdr, e_shentsize, SIZE(Shdr));
	PUT(image, Ehdr, e_shnum, NUM_SECTIONS);
	PUT(image, Ehdr, e_shstrndx, STRTAB);
	memcpy(image + STRINGS_OFF, names, sizeof(names));
	put_code(image, TEXT, start, size);
	put_section(image, STRTAB, STRTAB_NAME, SHT_STRTAB, 0, 0, STRINGS_OFF, sizeof(names));
	put_section(image, SYMTAB, SYMTAB_NAME, SHT_SYMTAB, 0, 0, SYMBOLS_OFF, 2 * SIZE(Sym));
	PUT(section(image, SYMTAB), Shdr, sh_link, STRTAB);
	PUT(section(image, SYMTAB), Shdr, sh_entsize, SIZE(Sym));
	uint8_t *symbol = image + SYMBOLS_OFF + SIZE(Sym);
	PUT(symbol, Sym, st_name, MADE_NAME);
	PUT(symbol, Sym, st_info, ELF64_ST_INFO(STB_GLOBAL, STT_FUNC));
	PUT(symbol, Sym, st_shndx, TEXT);
	PUT(symbol, Sym, st_value, is_rel ? 0 : start);
	PUT(symbol, Sym, st_size, size);

	uint8_t *cfi = image + CFI_OFF;
	uint64_t loaded = addr + IMAGE_LEN,
		 cfi_addr = style == REL_LOADED ? loaded : addr + CFI_OFF;
	size_t len = style == DEBUG_FRAME ? put_debug_frame(cfi, start, size)
					  : put_eh_frame(cfi, cfi_addr, start, size);
	put_section(image, CFI, style == DEBUG_FRAME ? DF_NAME : EH_NAME, SHT_PROGBITS,
		style == DEBUG_FRAME ? 0 : SHF_ALLOC, style == DEBUG_FRAME ? 0 : cfi_addr, CFI_OFF,
		len);
	if (style == REL_LOADED) {
		memcpy(at(loaded), cfi, len);
		put(cfi + 32, 4, 0);
		put_section(image, MORE, 0, SHT_RELA, 0, 0, CFI_OFF, 1);
		PUT(section(image, MORE), Shdr, sh_info, CFI);
	}
}

/* The library's file: it has nothing but the descriptor's symbol. */
static void make_library(void)
{
	static const char strings[] = "\0__jit_debug_descriptor";
	uint8_t *image = calloc(1, IMAGE_LEN);
	assert_non_null(image);
	memcpy(image, ELFMAG, SELFMAG);
	image[EI_CLASS] = elf_class;
	image[EI_DATA] = elf_data;
	image[EI_VERSION] = EV_CURRENT;
	PUT(image, Ehdr, e_type, ET_DYN);
	PUT(image, Ehdr, e_machine, elf_machine);
	PUT(image, Ehdr, e_version, EV_CURRENT);
	PUT(image, Ehdr, e_shoff, HEADERS_OFF);
	PUT(image, Ehdr, e_shentsize, SIZE(Shdr));
	PUT(image, Ehdr, e_shnum, STRTAB + 1);
	PUT(image, Ehdr, e_shstrndx, STRTAB);
	memcpy(image + STRINGS_OFF, strings, sizeof(strings));
	put_section(image, TEXT, 0, SHT_NOBITS, SHF_ALLOC | SHF_WRITE, DESCRIPTOR - LIB, 0, 64);
	put_section(image, STRTAB, 0, SHT_STRTAB, 0, 0, STRINGS_OFF, sizeof(strings));
	put_section(image, SYMTAB, 0, SHT_SYMTAB, 0, 0, SYMBOLS_OFF, 2 * SIZE(Sym));
	PUT(section(image, SYMTAB), Shdr, sh_link, STRTAB);
	PUT(section(image, SYMTAB), Shdr, sh_entsize, SIZE(Sym));
	uint8_t *symbol = image + SYMBOLS_OFF + SIZE(Sym);
	PUT(symbol, Sym, st_name, 1);
	PUT(symbol, Sym, st_info, ELF64_ST_INFO(STB_GLOBAL, STT_OBJECT));
	PUT(symbol, Sym, st_shndx, TEXT);
	PUT(symbol, Sym, st_value, DESCRIPTOR - LIB);
	struct snap_elf_file *file = malloc(sizeof(*file));
	assert_non_null(file);
	assert_int_equal(snap_elf_file_from_memory(image, IMAGE_LEN, "lib", file, &err), 0);
	assert_int_equal(
		snap_object_create(&(struct snap_object_files){.main = file}, &library, &err), 0);
}

/* ---------------------------------------------------------------- lists */

static void put_descriptor(uint32_t version, uint64_t first)
{
	uint8_t *d = at(DESCRIPTOR);
	put(d, 4, version);
	put(d + 8 + word(), word(), first);
}

/* u64_align: of the machine's psABI. */
static void put_entry_aligned(
	uint64_t addr, uint64_t next, uint64_t image, uint64_t len, unsigned int u64_align)
{
	uint8_t *e = at(addr);
	put(e, word(), next);
	put(e + 2 * word(), word(), image);
	put(e + (3 * word() + u64_align - 1) / u64_align * u64_align, 8, len);
}

static void put_entry(uint64_t addr, uint64_t next, uint64_t image, uint64_t len)
{
	put_entry_aligned(addr, next, image, len, elf_machine == EM_386 ? 4 : 8);
}

/* As many images in a list, of one kind, 0x100 bytes of code each, 0x2000 apart. */
static void put_list(size_t num, enum style style)
{
	put_descriptor(1, num > 0 ? ENTRIES : 0);
	for (size_t i = 0; i < num; i++) {
		uint64_t image = IMAGES + i * 0x1000;
		put_entry(ENTRIES + i * 32, i + 1 < num ? ENTRIES + (i + 1) * 32 : 0, image,
			IMAGE_LEN);
		put_image(image, style, CODE + i * 0x2000, 0x100);
	}
}

static void begin(uint16_t machine, uint8_t class, uint8_t data)
{
	elf_machine = machine;
	elf_class = class;
	elf_data = data;
	memset(world, 0, sizeof(world));
	snap_crash_init(&crash, "test");
	crash.arch = snap_arch_find(machine, class, data);
	assert_non_null(crash.arch);
	make_library();
	mappings[0] = (struct snap_mapping){.start = WORLD,
		.end = WORLD + WORLD_LEN,
		.has_permissions = true,
		.permissions = SNAP_MAPPING_READ};
	mappings[1] = (struct snap_mapping){.start = CODE,
		.end = CODE + CODE_LEN,
		.has_permissions = true,
		.permissions = SNAP_MAPPING_READ | SNAP_MAPPING_EXEC};
	crash.mappings = mappings;
	crash.num_mappings = 2;
	modules[0] = (struct snap_crash_module){
		.record = {.start = LIB,
			.end = LIB + LIB_LEN,
			.has_load_bias = true,
			.load_bias = LIB},
		.object = library,
	};
	modules[1] = (struct snap_crash_module){
		.record = {.start = ISLAND, .end = ISLAND + 0x1000},
	};
	crash.modules = modules;
	crash.num_modules = 2;
}

static void begin_x86_64(void)
{
	begin(EM_X86_64, ELFCLASS64, ELFDATA2LSB);
}

static void add_memory(uint64_t addr, uint64_t len)
{
	struct snap_memory_segment segment = {.start = addr, .len = len, .data = at(addr)};
	assert_int_equal(snap_memory_add(&crash.memory, &segment, &err), 0);
}

static void resolve(void)
{
	assert_int_equal(snap_memory_finish(&crash.memory, &err), 0);
	assert_int_equal(snap_jit_resolve(&crash, &err), 0);
	for (size_t i = 0; i < crash.num_modules; i++) {
		const struct snap_module *m = &crash.modules[i].record;
		assert_true(m->start < m->end);
		assert_true(i == 0 || m->start >= crash.modules[i - 1].record.end);
	}
}

static void resolve_all(void)
{
	add_memory(WORLD, WORLD_LEN);
	resolve();
}

static void end(void)
{
	snap_crash_deinit(&crash);
	snap_object_destroy(library);
}

static size_t num_jit_modules(void)
{
	size_t num = 0;
	for (size_t i = 0; i < crash.num_modules; i++)
		num += snap_bytes_equal_str(crash.modules[i].record.path, SNAP_JIT_PATH);
	return num;
}

static bool has_note(const char *text)
{
	for (size_t i = 0; i < crash.num_notes; i++)
		if (memmem(crash.notes[i].data, crash.notes[i].len, text, strlen(text)))
			return true;
	return false;
}

/* The function "made" is there, with its name and its frame. */
static void assert_made(uint64_t start, uint64_t end)
{
	struct snap_crash_module *module = snap_crash_module_at(&crash, start);
	size_t num;
	assert_non_null(module);
	assert_true(snap_bytes_equal_str(module->record.path, SNAP_JIT_PATH));
	assert_int_equal(module->record.start, start);
	assert_int_equal(module->record.end, end);
	assert_int_equal(module->symbols, SNAP_SYMBOLS_SYMTAB);
	assert_null(module->why);
	const struct snap_source_frame *frames =
		snap_object_find(module->object, start + 0x20, &num);
	assert_int_equal(num, 1);
	assert_string_equal(frames[0].function, "made");
	assert_int_equal(frames[0].start, start);
	assert_non_null(snap_object_cfi_row(module->object, start + 0x20));
	assert_null(snap_object_cfi_row(module->object, start + 0x100));
}

/* ---------------------------------------------------------------- what is found */

static void test_jit_every_machine_and_style(void **state)
{
	(void)state;
	static const struct {
		uint16_t machine;
		uint8_t class, data;
	} machines[] = {
		{EM_X86_64, ELFCLASS64, ELFDATA2LSB},
		{EM_AARCH64, ELFCLASS64, ELFDATA2LSB},
		{EM_386, ELFCLASS32, ELFDATA2LSB}, /* a uint64_t is aligned to 4 bytes */
		{EM_ARM, ELFCLASS32, ELFDATA2LSB}, /* and here to 8 */
		{EM_S390, ELFCLASS64, ELFDATA2MSB},
	};
	for (size_t i = 0; i < ARRAY_LEN(machines); i++)
		for (enum style style = EXEC; style <= DEBUG_FRAME; style++) {
			begin(machines[i].machine, machines[i].class, machines[i].data);
			put_list(3, style);
			resolve_all();
			assert_int_equal(num_jit_modules(), 3);
			assert_int_equal(crash.num_modules, 5);
			assert_int_equal(crash.num_notes, 0);
			for (uint64_t j = 0; j < 3; j++)
				assert_made(CODE + j * 0x2000, CODE + j * 0x2000 + 0x100);
			assert_ptr_equal(snap_crash_module_at(&crash, LIB)->object, library);
			end();
		}
}

static void test_jit_nothing_registered(void **state)
{
	(void)state;
	begin_x86_64();
	put_list(0, EXEC);
	resolve_all();
	assert_int_equal(crash.num_modules, 2);
	assert_int_equal(crash.num_notes, 0);
	end();
}

static void test_jit_not_looked_for_without_code_in_no_module(void **state)
{
	(void)state;
	begin_x86_64();
	put_list(1, EXEC);
	mappings[1].permissions = SNAP_MAPPING_READ;
	resolve_all();
	assert_null(crash.jit);
	end();

	begin_x86_64();
	put_list(1, EXEC);
	mappings[1].start |= UINT64_C(1) << 63; /* the kernel's */
	mappings[1].end |= UINT64_C(1) << 63;
	resolve_all();
	assert_null(crash.jit);
	end();
}

static void test_jit_descriptor_of_another_version(void **state)
{
	(void)state;
	begin_x86_64();
	put_list(1, EXEC);
	put_descriptor(2, ENTRIES);
	resolve_all();
	assert_int_equal(num_jit_modules(), 0);
	end();
}

static void test_jit_sections_in_a_row_are_one_module(void **state)
{
	(void)state;
	begin_x86_64();
	put_list(2, EXEC);
	uint8_t *image = at(IMAGES);
	put_code(image, MORE, CODE + 0x110, 0x40);
	put_code(image, MORE + 1, CODE + 0x150, 0x10);
	/* Behind another image's, and so one of its own. */
	put_code(image, MORE + 2, CODE + 0x2100, 0x10);
	/* Too far away for padding. */
	put_code(image, MORE + 3, CODE + 0x5000, 0x10);
	resolve_all();
	assert_int_equal(num_jit_modules(), 4);
	assert_made(CODE, CODE + 0x160);
	assert_made(CODE + 0x2000, CODE + 0x2100);
	const struct snap_crash_module *far = snap_crash_module_at(&crash, CODE + 0x5000);
	assert_ptr_equal(far->object, snap_crash_module_at(&crash, CODE)->object);
	assert_ptr_equal(far->object, snap_crash_module_at(&crash, CODE + 0x2100)->object);
	assert_int_equal(far->record.start, CODE + 0x5000);
	end();
}

static void test_jit_ranges_are_all_that_is_needed(void **state)
{
	(void)state;
	for (enum style style = EXEC; style <= DEBUG_FRAME; style++) {
		struct snap_jit_range ranges[64];
		size_t num;
		begin_x86_64();
		put_list(2, style);
		add_memory(WORLD, WORLD_LEN);
		assert_int_equal(snap_memory_finish(&crash.memory, &err), 0);
		assert_int_equal(snap_jit_find(&crash, &err), 0);
		assert_ptr_equal(crash.modules, modules); /* as they were */
		const struct snap_jit_range *found = snap_jit_ranges(&crash, &num);
		assert_true(num > 0 && num <= ARRAY_LEN(ranges));
		memcpy(ranges, found, num * sizeof(*ranges));
		end();

		begin_x86_64();
		put_list(2, style);
		for (size_t i = 0; i < num; i++)
			add_memory(ranges[i].addr, ranges[i].len);
		resolve();
		assert_int_equal(crash.num_notes, 0);
		assert_made(CODE, CODE + 0x100);
		assert_made(CODE + 0x2000, CODE + 0x2100);
		end();
	}
	begin_x86_64();
	size_t num = 1;
	assert_null(snap_jit_ranges(&crash, &num));
	assert_int_equal(num, 0);
	end();
}

/* ---------------------------------------------------------------- what is missing */

static void test_jit_list_not_captured(void **state)
{
	(void)state;
	/* Nothing of it: as in a small snapshot. */
	begin_x86_64();
	put_list(2, EXEC);
	resolve();
	assert_int_equal(num_jit_modules(), 0);
	assert_int_equal(crash.num_notes, 0);
	end();

	begin_x86_64();
	put_list(2, EXEC);
	add_memory(DESCRIPTOR, 64);
	resolve();
	assert_int_equal(num_jit_modules(), 0);
	assert_true(has_note("not all of the list was captured"));
	end();

	begin_x86_64();
	put_list(3, EXEC);
	add_memory(DESCRIPTOR, 64);
	add_memory(ENTRIES, 2 * 32);
	add_memory(IMAGES, 3 * 0x1000);
	resolve();
	assert_int_equal(num_jit_modules(), 2);
	assert_true(has_note("not all of the list was captured"));
	end();
}

static void test_jit_images_not_captured(void **state)
{
	(void)state;
	begin_x86_64();
	put_list(3, EXEC);
	add_memory(WORLD, IMAGES - WORLD);
	add_memory(IMAGES + 0x1000, 0x1000);
	resolve();
	assert_int_equal(num_jit_modules(), 1);
	assert_made(CODE + 0x2000, CODE + 0x2100);
	assert_true(has_note("of 3 images, 2 were not captured, 0 are malformed, 0 too large"));
	end();

	/* Without the symbols there is still the frame, and the other way round. */
	begin_x86_64();
	put_list(2, EXEC);
	PUT(section(at(IMAGES), SYMTAB), Shdr, sh_offset, UINT64_MAX);
	PUT(section(at(IMAGES + 0x1000), CFI), Shdr, sh_size, UINT64_MAX);
	resolve_all();
	assert_int_equal(num_jit_modules(), 2);
	struct snap_crash_module *module = snap_crash_module_at(&crash, CODE);
	size_t num;
	assert_int_equal(module->symbols, SNAP_SYMBOLS_NONE);
	assert_non_null(snap_object_cfi_row(module->object, CODE));
	module = snap_crash_module_at(&crash, CODE + 0x2000);
	assert_string_equal(module->why, "its unwind information is malformed");
	assert_non_null(snap_object_find(module->object, CODE + 0x2000, &num));
	assert_int_equal(num, 1);
	assert_null(snap_object_cfi_row(module->object, CODE + 0x2000));
	end();

	/* The image's own .eh_frame is not relocated: it must not be used. */
	begin_x86_64();
	put_list(1, REL_LOADED);
	add_memory(WORLD, IMAGES + IMAGE_LEN - WORLD);
	resolve();
	module = snap_crash_module_at(&crash, CODE);
	assert_string_equal(module->why, "its unwind information was not captured");
	assert_null(snap_object_cfi_row(module->object, CODE));
	end();
}

/* ---------------------------------------------------------------- hostile */

static void test_jit_circles(void **state)
{
	(void)state;
	static const struct {
		size_t num, back_to;
	} circles[] = {{1, 0}, {2, 0}, {2, 1}, {5, 2}, {100, 0}, {100, 63}, {100, 99}};
	for (size_t i = 0; i < ARRAY_LEN(circles); i++) {
		size_t last = circles[i].num - 1;
		begin_x86_64();
		put_list(circles[i].num, EXEC);
		put(at(ENTRIES + last * 32), 8, ENTRIES + circles[i].back_to * 32);
		resolve_all();
		/* One is where a module is already. */
		size_t num = circles[i].num;
		assert_int_equal(num_jit_modules(), num > 8 ? num - 1 : num);
		assert_true(has_note("the list runs in a circle"));
		end();
	}
}

static void test_jit_too_many_entries(void **state)
{
	(void)state;
	begin_x86_64();
	put_descriptor(1, ENTRIES);
	for (uint64_t i = 0; i < 20000; i++)
		put_entry(ENTRIES + i * 32, ENTRIES + (i + 1) * 32, IMAGES, IMAGE_LEN);
	put_image(IMAGES, EXEC, CODE, 0x100);
	resolve_all();
	assert_made(CODE, CODE + 0x100);
	assert_true(has_note("the list is too long"));
	end();
}

static void test_jit_malformed_images(void **state)
{
	(void)state;
	static const struct {
		size_t off;
		uint8_t value;
	} faults[] = {
		{0, 'x'},			   /* the magic */
		{EI_CLASS, ELFCLASS32},		   /* another class */
		{EI_DATA, ELFDATA2MSB},		   /* another byte order */
		{offsetof(Elf64_Ehdr, e_type), 4}, /* a core */
		{offsetof(Elf64_Ehdr, e_machine), EM_386}, {offsetof(Elf64_Ehdr, e_shentsize), 63},
		{offsetof(Elf64_Ehdr, e_shnum), 0},
		{offsetof(Elf64_Ehdr, e_shnum) + 1, 4}, /* beyond the image */
		{offsetof(Elf64_Ehdr, e_shoff) + 7, 255}, {offsetof(Elf64_Ehdr, e_shstrndx), 200},
		{offsetof(Elf64_Ehdr, e_shstrndx), TEXT},			/* no bytes */
		{HEADERS_OFF + 64 + offsetof(Elf64_Shdr, sh_flags), SHF_ALLOC}, /* no code */
		{HEADERS_OFF + 64 + offsetof(Elf64_Shdr, sh_size) + 7, 255},	/* all memory */
	};
	for (size_t i = 0; i < ARRAY_LEN(faults); i++) {
		begin_x86_64();
		put_list(2, EXEC);
		at(IMAGES)[faults[i].off] = faults[i].value;
		resolve_all();
		if (num_jit_modules() != 1 || !has_note("1 are malformed"))
			fail_msg("fault %zu", i);
		assert_made(CODE + 0x2000, CODE + 0x2100);
		end();
	}
}

static void test_jit_sizes_of_images(void **state)
{
	(void)state;
	static const struct {
		uint64_t len;
		bool good;
	} sizes[] = {{0, false}, {63, false}, {64, false}, {IMAGE_LEN, true},
		/* Only what is needed is read. */
		{UINT64_C(1) << 46, true}, {UINT64_MAX, false}, {UINT64_MAX - IMAGES, true}};
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		begin_x86_64();
		put_list(1, EXEC);
		put_entry(ENTRIES, 0, IMAGES, sizes[i].len);
		resolve_all();
		if ((num_jit_modules() == 1) != sizes[i].good)
			fail_msg("size %zu", i);
		assert_true(sizes[i].good || has_note("1 are malformed"));
		end();
	}
	/* An entry and an image at the end of the address space. */
	begin_x86_64();
	put_list(1, EXEC);
	put_entry(ENTRIES, UINT64_MAX - 3, UINT64_MAX - 3, 64);
	resolve_all();
	assert_true(has_note("not all of the list was captured"));
	end();
}

static void test_jit_modules_keep_their_places(void **state)
{
	(void)state;
	begin_x86_64();
	put_list(2, EXEC);
	/* Over the module in the middle and beyond the mapping's end; the second within the first.
	 */
	put_image(IMAGES, EXEC, CODE + 0x100, 0x200000);
	resolve_all();
	assert_int_equal(crash.num_modules, 4);
	assert_int_equal(crash.modules[1].record.start, CODE + 0x100);
	assert_int_equal(crash.modules[1].record.end, ISLAND);
	assert_int_equal(crash.modules[2].record.start, ISLAND);
	assert_null(crash.modules[2].object);
	assert_int_equal(crash.modules[3].record.start, ISLAND + 0x1000);
	assert_int_equal(crash.modules[3].record.end, CODE + 0x200100);
	assert_ptr_equal(crash.modules[3].object, crash.modules[1].object);
	end();

	/* Within a module, over its start, over its end. */
	begin_x86_64();
	put_list(3, EXEC);
	put_image(IMAGES, EXEC, ISLAND + 0x10, 0x100);
	put_image(IMAGES + 0x1000, EXEC, ISLAND - 0x10, 0x100);
	put_image(IMAGES + 0x2000, EXEC, ISLAND + 0xff0, 0x100);
	resolve_all();
	assert_int_equal(num_jit_modules(), 2);
	assert_int_equal(crash.modules[1].record.end, ISLAND);
	assert_int_equal(crash.modules[3].record.start, ISLAND + 0x1000);
	end();

	/* Two of the same place: the one registered last is the first in the list. */
	begin_x86_64();
	put_list(2, EXEC);
	put_image(IMAGES + 0x1000, EXEC, CODE, 0x200);
	resolve_all();
	assert_int_equal(num_jit_modules(), 2);
	assert_made(CODE, CODE + 0x100);
	assert_int_equal(snap_crash_module_at(&crash, CODE + 0x100)->record.end, CODE + 0x200);
	end();

	/* Where no code is: in data, in no mapping. */
	begin_x86_64();
	put_list(2, EXEC);
	put_image(IMAGES, EXEC, WORLD + 0x10, 0x100);
	put_image(IMAGES + 0x1000, EXEC, 0x1000, 0x100);
	resolve_all();
	assert_int_equal(num_jit_modules(), 0);
	end();
}

/* What may be registered is as hostile as what stands in a vDSO: libdw must not run it. */
static void test_jit_harmful_cfi_is_refused(void **state)
{
	(void)state;
	static const struct {
		size_t off, len;
		const char *bytes;
	} faults[] = {
		{17, 4, "\x0a\x0a\x0a\x0a"},	     /* sanity: few states are fine; see below */
		{17, 6, "\x07\xff\xff\xff\xff\x07"}, /* a register far beyond all */
		{16, 1, "\x2b"},		     /* funcrel, which libdw reads otherwise */
		{16, 1, "\x9b"},		     /* indirect */
		{9, 3, "zX"},			     /* unknown augmentation */
		{28, 4, "\x10\0\0\0"},		     /* no common entry there */
		{24, 4, "\xff\xff\xff\x7f"},	     /* beyond the section */
	};
	for (size_t i = 0; i < ARRAY_LEN(faults); i++) {
		begin_x86_64();
		put_list(1, EXEC);
		memcpy(at(IMAGES) + CFI_OFF + faults[i].off, faults[i].bytes, faults[i].len);
		resolve_all();
		assert_int_equal(num_jit_modules(), 1);
		const char *why = snap_crash_module_at(&crash, CODE)->why;
		if (!why != (i == 0))
			fail_msg("fault %zu: %s", i, why ? why : "none");
		(void)snap_object_cfi_row(snap_crash_module_at(&crash, CODE)->object, CODE);
		end();
	}
}

static void test_jit_damaged(void **state)
{
	(void)state;
	static uint8_t whole[WORLD_LEN];
	srandom(2024);
	for (enum style style = EXEC; style <= DEBUG_FRAME; style++) {
		begin_x86_64();
		put_list(4, style);
		memcpy(whole, world, sizeof(whole));
		end();
		for (int round = 0; round < 3000; round++) {
			begin_x86_64();
			/* The rest is zero in all. */
			memcpy(world, whole, 0x2000);
			memcpy(at(IMAGES), whole + (IMAGES - WORLD), 0x4000);
			for (long i = random() % 6; i >= 0; i--) {
				uint64_t addr =
					random() % 4 == 0
						? ENTRIES + (uint64_t)random() % 128
						: IMAGES + (uint64_t)(random() % 4) * 0x1000 +
							  (uint64_t)random() % IMAGE_LEN;
				*at(addr) ^= (uint8_t)(random() & 1 ? 1u << random() % 8
								    : (unsigned long)random());
			}
			resolve_all();
			for (size_t i = 0; i < crash.num_modules; i++) {
				const struct snap_crash_module *m = &crash.modules[i];
				size_t num;
				if (!m->object)
					continue;
				for (uint64_t off = 0; off < 0x100; off += 0x1f) {
					uint64_t vaddr =
						m->record.start + off - m->record.load_bias;
					(void)snap_object_find(m->object, vaddr, &num);
					(void)snap_object_cfi_row(m->object, vaddr);
				}
			}
			end();
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_jit_every_machine_and_style),
		cmocka_unit_test(test_jit_nothing_registered),
		cmocka_unit_test(test_jit_not_looked_for_without_code_in_no_module),
		cmocka_unit_test(test_jit_descriptor_of_another_version),
		cmocka_unit_test(test_jit_sections_in_a_row_are_one_module),
		cmocka_unit_test(test_jit_ranges_are_all_that_is_needed),
		cmocka_unit_test(test_jit_list_not_captured),
		cmocka_unit_test(test_jit_images_not_captured),
		cmocka_unit_test(test_jit_circles),
		cmocka_unit_test(test_jit_too_many_entries),
		cmocka_unit_test(test_jit_malformed_images),
		cmocka_unit_test(test_jit_sizes_of_images),
		cmocka_unit_test(test_jit_modules_keep_their_places),
		cmocka_unit_test(test_jit_harmful_cfi_is_refused),
		cmocka_unit_test(test_jit_damaged),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
