/* analyze/symbols/symtab: the symbols of this very program, and made-up tables that decide between
 * several names and lie about their places. */
#include "analyze/symbols/symtab.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <dlfcn.h>
#include <elf.h>
#include <fcntl.h>
#include <gelf.h>
#include <link.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

static struct snap_symtab table;
static struct snap_error err;

static int init(Elf *elf, uint32_t sh_type)
{
	struct snap_symtab_source source = {elf, sh_type, 0};
	return snap_symtab_init(&table, &source, 1, &err);
}

/* ---------------------------------------------------------------- this program */

/* Several names of one function, of every binding; and one that lies within another. */
__asm__(".pushsection .text.snap_test, \"ax\", @progbits\n"
	".globl snap_test_global\n"
	".weak snap_test_a\n"
	".type snap_test_global, @function\n"
	".type snap_test_a, @function\n"
	".type snap_test_b, @function\n"
	".type snap_test_inner, @function\n"
	"snap_test_b:\n"
	"snap_test_a:\n"
	"snap_test_global:\n"
	".skip 16\n"
	"snap_test_inner:\n"
	".skip 8\n"
	".size snap_test_inner, 8\n"
	".skip 8\n"
	".size snap_test_global, 32\n"
	".size snap_test_a, 32\n"
	".size snap_test_b, 32\n"
	".popsection\n");

extern const char snap_test_global[];

static int first_base(struct dl_phdr_info *info, size_t size, void *arg)
{
	(void)size;
	*(uint64_t *)arg = info->dlpi_addr;
	return 1; /* the program itself comes first */
}

static void assert_found(uint64_t vaddr, const char *name)
{
	const struct snap_symbol *symbol = snap_symtab_find(&table, vaddr);
	if (!symbol || !name) {
		if (symbol || name)
			fail_msg("0x%llx: %s, not %s", (unsigned long long)vaddr,
				symbol ? symbol->name : "nothing", name ? name : "nothing");
		return;
	}
	assert_string_equal(symbol->name, name);
	assert_true(vaddr >= symbol->start && vaddr < symbol->end);
}

static void test_symtab_of_this_program(void **state)
{
	(void)state;
	int fd = open("/proc/self/exe", O_RDONLY);
	assert_true(fd >= 0);
	Elf *elf = elf_begin(fd, ELF_C_READ_MMAP, NULL);
	assert_non_null(elf);
	assert_int_equal(init(elf, SHT_SYMTAB), 0);
	if (table.num_symbols == 0)
		skip(); /* stripped */
	uint64_t base = 0;
	dl_iterate_phdr(first_base, &base);

	uint64_t here = (uintptr_t)test_symtab_of_this_program - base;
	assert_found(here, "test_symtab_of_this_program");
	assert_found(here + 20, "test_symtab_of_this_program");
	assert_found((uintptr_t)snap_symtab_find - base, "snap_symtab_find");
	uint64_t global = (uintptr_t)snap_test_global - base;
	assert_found(global, "snap_test_global");
	assert_found(global + 15, "snap_test_global");
	assert_found(global + 16, "snap_test_inner");
	assert_found(global + 23, "snap_test_inner");
	/* Behind the inner one the outer one goes on. */
	assert_found(global + 24, "snap_test_global");
	assert_found(global + 31, "snap_test_global");
	/* Data is no function. */
	assert_null(snap_symtab_find(&table, (uintptr_t)&table - base));

	for (size_t i = 0; i < table.num_symbols; i++) {
		assert_true(i == 0 || table.symbols[i].start > table.symbols[i - 1].start);
		assert_true(table.symbols[i].end > table.symbols[i].start);
	}
	snap_symtab_deinit(&table);
	elf_end(elf);
	close(fd);
}

static void test_symtab_dynamic_symbols_of_a_library(void **state)
{
	(void)state;
	Dl_info info;
	assert_int_not_equal(dladdr(dlsym(RTLD_DEFAULT, "elf_strptr"), &info), 0);
	int fd = open(info.dli_fname, O_RDONLY);
	assert_true(fd >= 0);
	Elf *elf = elf_begin(fd, ELF_C_READ_MMAP, NULL);
	assert_non_null(elf);
	assert_int_equal(init(elf, SHT_DYNSYM), 0);
	assert_true(table.num_symbols > 50);
	assert_found((uintptr_t)info.dli_saddr - (uintptr_t)info.dli_fbase + 3, "elf_strptr");
	snap_symtab_deinit(&table);
	elf_end(elf);
	close(fd);
}

/* ---------------------------------------------------------------- made up */

struct symbol {
	const char *name;
	uint64_t value, size;
	uint8_t binding, type;
	uint32_t section; /* beyond 0xffff: written into SHT_SYMTAB_SHNDX */
};

/* Sections of the made-up file. */
enum { TEXT = 1, DATA = 2, FINI = 3, STRTAB = 4, SYMTAB = 5, SHNDX = 6, FAR_TEXT = 70000 };
#define TEXT_ADDR 0x1000u
#define TEXT_LEN  0x100u
#define FINI_ADDR 0x1100u /* right behind */
#define FAR_ADDR  0x8000u /* of a section numbered beyond 65,279, made if a symbol is in it */

#define FUNC(name, value, size)                                                                    \
	{                                                                                          \
		name, value, size, STB_GLOBAL, STT_FUNC, TEXT                                      \
	}

static Elf *made;
static int made_fd;
static uint16_t made_machine = EM_X86_64;
static size_t made_text_len = TEXT_LEN;
static bool made_unterminated; /* the last name goes on behind the strings */

static Elf_Scn *add_section(
	uint32_t type, uint64_t flags, uint64_t addr, void *data, size_t len, Elf_Type data_type)
{
	Elf_Scn *scn = elf_newscn(made);
	assert_non_null(scn);
	GElf_Shdr shdr;
	assert_non_null(gelf_getshdr(scn, &shdr));
	shdr.sh_type = type;
	shdr.sh_flags = flags;
	shdr.sh_addr = addr;
	if (type == SHT_SYMTAB_SHNDX)
		shdr.sh_link = SYMTAB;
	if (type == SHT_SYMTAB) {
		shdr.sh_link = STRTAB;
		shdr.sh_entsize = gelf_fsize(made, ELF_T_SYM, 1, EV_CURRENT);
	}
	assert_int_not_equal(gelf_update_shdr(scn, &shdr), 0);
	Elf_Data *elf_data = elf_newdata(scn);
	assert_non_null(elf_data);
	elf_data->d_buf = data;
	elf_data->d_size = len;
	elf_data->d_type = data_type;
	elf_data->d_version = EV_CURRENT;
	elf_data->d_align = 1;
	return scn;
}

/* Leaves the file open for reading in made. */
static void make_file(int elf_class, const struct symbol *symbols, size_t num)
{
	uint8_t *code = calloc(1, made_text_len);
	GElf_Sym *syms = calloc(num + 1, sizeof(*syms));
	uint32_t *extended = calloc(num + 1, sizeof(*extended));
	size_t strings_len = 1;
	bool is_extended = false;
	for (size_t i = 0; i < num; i++)
		strings_len += symbols[i].name ? strlen(symbols[i].name) + 1 : 0;
	char *strings = calloc(1, strings_len);
	assert_true(code && syms && extended && strings);
	made_fd = memfd_create("elf", MFD_CLOEXEC);
	assert_true(made_fd >= 0);
	made = elf_begin(made_fd, ELF_C_WRITE, NULL);
	assert_non_null(made);
	assert_non_null(gelf_newehdr(made, elf_class));
	GElf_Ehdr ehdr;
	assert_non_null(gelf_getehdr(made, &ehdr));
	ehdr.e_type = ET_DYN;
	ehdr.e_machine = made_machine;
	ehdr.e_version = EV_CURRENT;
	assert_int_not_equal(gelf_update_ehdr(made, &ehdr), 0);

	(void)add_section(SHT_PROGBITS, SHF_ALLOC | SHF_EXECINSTR, TEXT_ADDR, code, made_text_len,
		ELF_T_BYTE);
	(void)add_section(SHT_PROGBITS, SHF_ALLOC | SHF_WRITE, 0x3000, code, TEXT_LEN, ELF_T_BYTE);
	(void)add_section(
		SHT_PROGBITS, SHF_ALLOC | SHF_EXECINSTR, FINI_ADDR, code, 0x10, ELF_T_BYTE);
	strings_len = 1;
	for (size_t i = 0; i < num; i++) {
		bool is_far = symbols[i].section > 0xffff;
		is_extended = is_extended || is_far;
		extended[i + 1] = is_far ? symbols[i].section : 0;
		syms[i + 1] =
			(GElf_Sym){.st_name = symbols[i].name ? (uint32_t)strings_len : 0xfffffff,
				.st_info = GELF_ST_INFO(symbols[i].binding, symbols[i].type),
				.st_shndx = is_far ? SHN_XINDEX : (uint16_t)symbols[i].section,
				.st_value = symbols[i].value,
				.st_size = symbols[i].size};
		if (!symbols[i].name)
			continue;
		strcpy(strings + strings_len, symbols[i].name);
		strings_len += strlen(symbols[i].name) + 1;
	}
	if (made_unterminated)
		strings_len--;
	(void)add_section(SHT_STRTAB, 0, 0, strings, strings_len, ELF_T_BYTE);

	Elf_Scn *scn = add_section(SHT_SYMTAB, 0, 0, NULL, 0, ELF_T_SYM);
	Elf_Data *data = elf_getdata(scn, NULL);
	data->d_size = (num + 1) * gelf_fsize(made, ELF_T_SYM, 1, EV_CURRENT);
	data->d_buf = calloc(1, data->d_size);
	assert_non_null(data->d_buf);
	for (size_t i = 0; i <= num; i++)
		assert_int_not_equal(gelf_update_sym(data, (int)i, &syms[i]), 0);
	void *buf = data->d_buf;
	if (is_extended) {
		(void)add_section(SHT_SYMTAB_SHNDX, 0, 0, extended, (num + 1) * sizeof(*extended),
			ELF_T_WORD);
		for (size_t i = SHNDX + 1; i < FAR_TEXT; i++)
			assert_non_null(elf_newscn(made));
		(void)add_section(
			SHT_PROGBITS, SHF_ALLOC | SHF_EXECINSTR, FAR_ADDR, code, 0x10, ELF_T_BYTE);
	}
	assert_true(elf_update(made, ELF_C_WRITE) > 0);
	elf_end(made);
	free(buf);
	free(code);
	free(syms);
	free(extended);
	free(strings);
	made = elf_begin(made_fd, ELF_C_READ, NULL);
	assert_non_null(made);
}

static void end_file(void)
{
	snap_symtab_deinit(&table);
	elf_end(made);
	close(made_fd);
}

static void load(const struct symbol *symbols, size_t num)
{
	make_file(ELFCLASS64, symbols, num);
	assert_int_equal(init(made, SHT_SYMTAB), 0);
}

static void test_symtab_which_name_of_several(void **state)
{
	(void)state;
	static const struct symbol symbols[] = {
		/* sized before sizeless, whatever else they are */
		{"sizeless", TEXT_ADDR, 0, STB_GLOBAL, STT_FUNC, TEXT},
		{"sized_but_local", TEXT_ADDR, 8, STB_LOCAL, STT_FUNC, TEXT},
		/* global before weak before local */
		{"a", TEXT_ADDR + 0x10, 8, STB_LOCAL, STT_FUNC, TEXT},
		{"bb", TEXT_ADDR + 0x10, 8, STB_WEAK, STT_FUNC, TEXT},
		{"global", TEXT_ADDR + 0x10, 8, STB_GLOBAL, STT_FUNC, TEXT},
		{"a2", TEXT_ADDR + 0x20, 8, STB_LOCAL, STT_FUNC, TEXT},
		{"weak", TEXT_ADDR + 0x20, 8, STB_WEAK, STT_FUNC, TEXT},
		/* the shortest, then the lexically smallest */
		{"__memcpy", TEXT_ADDR + 0x30, 8, STB_GLOBAL, STT_FUNC, TEXT},
		{"memcpy", TEXT_ADDR + 0x30, 8, STB_GLOBAL, STT_FUNC, TEXT},
		{"nb", TEXT_ADDR + 0x40, 8, STB_GLOBAL, STT_FUNC, TEXT},
		{"na", TEXT_ADDR + 0x40, 8, STB_GLOBAL, STT_GNU_IFUNC, TEXT},
	};
	load(symbols, ARRAY_LEN(symbols));
	assert_found(TEXT_ADDR, "sized_but_local");
	assert_found(TEXT_ADDR + 0x10, "global");
	assert_found(TEXT_ADDR + 0x20, "weak");
	assert_found(TEXT_ADDR + 0x30, "memcpy");
	assert_found(TEXT_ADDR + 0x40, "na");
	assert_int_equal(table.num_symbols, 5);
	end_file();
}

static void test_symtab_order_of_the_table_does_not_matter(void **state)
{
	(void)state;
	struct symbol symbols[] = {
		FUNC("one", TEXT_ADDR, 16),
		FUNC("uno", TEXT_ADDR, 16),
		{"eins", TEXT_ADDR, 16, STB_WEAK, STT_FUNC, TEXT},
		FUNC("two", TEXT_ADDR + 16, 16),
		{"three", TEXT_ADDR + 32, 0, STB_GLOBAL, STT_NOTYPE, TEXT},
		FUNC("four", TEXT_ADDR + 64, 4),
	};
	srandom(15);
	for (int round = 0; round < 3; round++) {
		for (size_t i = ARRAY_LEN(symbols) - 1; i > 0; i--) {
			size_t j = (size_t)random() % (i + 1);
			struct symbol swapped = symbols[i];
			symbols[i] = symbols[j];
			symbols[j] = swapped;
		}
		load(symbols, ARRAY_LEN(symbols));
		assert_int_equal(table.num_symbols, 4);
		assert_found(TEXT_ADDR + 15, "one");
		assert_found(TEXT_ADDR + 16, "two");
		assert_found(TEXT_ADDR + 63, "three");
		assert_found(TEXT_ADDR + 64, "four");
		assert_found(TEXT_ADDR + 68, NULL);
		end_file();
	}
}

static void test_symtab_sizeless_reaches_to_the_next_or_the_section_end(void **state)
{
	(void)state;
	static const struct symbol symbols[] = {
		{"_start", TEXT_ADDR, 0, STB_GLOBAL, STT_NOTYPE, TEXT},
		{"_start2", TEXT_ADDR, 0, STB_GLOBAL, STT_NOTYPE, TEXT},
		FUNC("f", TEXT_ADDR + 0x20, 8),
		{"last", TEXT_ADDR + 0x80, 0, STB_GLOBAL, STT_FUNC, TEXT},
		{"fini", FINI_ADDR + 8, 0, STB_GLOBAL, STT_FUNC, FINI},
	};
	load(symbols, ARRAY_LEN(symbols));
	assert_found(TEXT_ADDR + 0x1f, "_start");
	assert_true(snap_symtab_find(&table, TEXT_ADDR)->end == TEXT_ADDR + 0x20);
	assert_found(TEXT_ADDR + 0x20, "f");
	assert_found(TEXT_ADDR + 0x28, NULL);
	assert_found(TEXT_ADDR + TEXT_LEN - 1, "last");
	/* Not into the section behind. */
	assert_found(FINI_ADDR, NULL);
	assert_found(FINI_ADDR + 8, "fini");
	assert_found(FINI_ADDR + 0xf, "fini");
	assert_found(FINI_ADDR + 0x10, NULL);
	assert_found(0, NULL);
	assert_found(UINT64_MAX, NULL);
	end_file();
}

static void test_symtab_sizes_end_with_the_section(void **state)
{
	(void)state;
	static const struct symbol symbols[] = {
		FUNC("lies", TEXT_ADDR + 0x10, UINT64_MAX),
		FUNC("lies2", TEXT_ADDR + 0x20, 0x1000),
	};
	load(symbols, ARRAY_LEN(symbols));
	assert_found(TEXT_ADDR + 0x1f, "lies");
	assert_found(TEXT_ADDR + TEXT_LEN - 1, "lies2");
	assert_found(TEXT_ADDR + TEXT_LEN, NULL);
	end_file();
}

static void test_symtab_what_is_no_function(void **state)
{
	(void)state;
	static const struct symbol symbols[] = {
		{"undefined", TEXT_ADDR, 8, STB_GLOBAL, STT_FUNC, SHN_UNDEF},
		{"absolute", TEXT_ADDR, 8, STB_GLOBAL, STT_FUNC, SHN_ABS},
		{"common", TEXT_ADDR, 8, STB_GLOBAL, STT_FUNC, SHN_COMMON},
		{"object", TEXT_ADDR, 8, STB_GLOBAL, STT_OBJECT, TEXT},
		{"file.c", TEXT_ADDR, 0, STB_LOCAL, STT_FILE, TEXT},
		{"section", TEXT_ADDR, 0, STB_LOCAL, STT_SECTION, TEXT},
		{"tls", TEXT_ADDR, 8, STB_GLOBAL, STT_TLS, TEXT},
		{"data", 0x3000, 8, STB_GLOBAL, STT_NOTYPE, DATA},
		{"before", TEXT_ADDR - 1, 8, STB_GLOBAL, STT_FUNC, TEXT},
		{"behind", TEXT_ADDR + TEXT_LEN, 8, STB_GLOBAL, STT_FUNC, TEXT},
		{"far", UINT64_MAX, 8, STB_GLOBAL, STT_FUNC, TEXT},
		{"nosection", TEXT_ADDR, 8, STB_GLOBAL, STT_NOTYPE, 77},
		{"", TEXT_ADDR, 8, STB_GLOBAL, STT_FUNC, TEXT},
		{NULL, TEXT_ADDR, 8, STB_GLOBAL, STT_FUNC, TEXT}, /* beyond the strings */
		{"$x", TEXT_ADDR, 8, STB_LOCAL, STT_NOTYPE, TEXT},
		{"$a", TEXT_ADDR, 0, STB_LOCAL, STT_NOTYPE, TEXT},
		{"$d.17", TEXT_ADDR, 0, STB_LOCAL, STT_NOTYPE, TEXT},
		{"$t", TEXT_ADDR, 0, STB_LOCAL, STT_NOTYPE, TEXT},
		{"$xrv64i2p1_m2p0", TEXT_ADDR, 0, STB_LOCAL, STT_NOTYPE, TEXT},
		{".L12", TEXT_ADDR, 0, STB_LOCAL, STT_NOTYPE, TEXT},
	};
	load(symbols, ARRAY_LEN(symbols));
	assert_int_equal(table.num_symbols, 0);
	assert_found(TEXT_ADDR, NULL);
	end_file();
}

static void test_symtab_enclosing_function(void **state)
{
	(void)state;
	static const struct symbol symbols[] = {
		FUNC("outer", TEXT_ADDR, 0x80),
		FUNC("middle", TEXT_ADDR + 0x10, 0x20),
		FUNC("inner", TEXT_ADDR + 0x18, 4),
	};
	load(symbols, ARRAY_LEN(symbols));
	assert_found(TEXT_ADDR + 0x0f, "outer");
	assert_found(TEXT_ADDR + 0x17, "middle");
	assert_found(TEXT_ADDR + 0x1b, "inner");
	assert_found(TEXT_ADDR + 0x1c, "middle");
	assert_found(TEXT_ADDR + 0x30, "outer");
	assert_found(TEXT_ADDR + 0x80, NULL);
	end_file();
}

static void test_symtab_unterminated_name(void **state)
{
	(void)state;
	static const struct symbol symbols[] = {
		FUNC("first", TEXT_ADDR, 8), FUNC("last", TEXT_ADDR + 8, 8)};
	made_unterminated = true;
	load(symbols, ARRAY_LEN(symbols));
	made_unterminated = false;
	assert_int_equal(table.num_symbols, 1);
	assert_found(TEXT_ADDR, "first");
	end_file();
}

/* A dollar is as good as a letter in names of functions. */
static void test_symtab_dollar_names(void **state)
{
	(void)state;
	static const struct symbol symbols[] = {
		FUNC("$a", TEXT_ADDR, 8),
		{"$tart", TEXT_ADDR + 8, 8, STB_GLOBAL, STT_NOTYPE, TEXT},
		{"$ver", TEXT_ADDR + 16, 0, STB_GLOBAL, STT_NOTYPE, TEXT},
	};
	load(symbols, ARRAY_LEN(symbols));
	assert_found(TEXT_ADDR, "$a");
	assert_found(TEXT_ADDR + 8, "$tart");
	assert_found(TEXT_ADDR + 16, "$ver");
	end_file();
}

static void test_symtab_longer_alias_goes_on(void **state)
{
	(void)state;
	static const struct symbol symbols[] = {
		FUNC("entry", TEXT_ADDR, 0x10),
		{"longest", TEXT_ADDR, 0x40, STB_LOCAL, STT_FUNC, TEXT},
		{"longer", TEXT_ADDR, 0x20, STB_LOCAL, STT_FUNC, TEXT},
		{"longer2", TEXT_ADDR, 0x20, STB_LOCAL, STT_FUNC, TEXT},
		{"x", TEXT_ADDR, 8, STB_LOCAL, STT_FUNC, TEXT},
	};
	load(symbols, ARRAY_LEN(symbols));
	assert_found(TEXT_ADDR, "entry");
	assert_found(TEXT_ADDR + 0xf, "entry");
	assert_found(TEXT_ADDR + 0x10, "longer");
	assert_found(TEXT_ADDR + 0x1f, "longer");
	assert_found(TEXT_ADDR + 0x20, "longest");
	assert_found(TEXT_ADDR + 0x3f, "longest");
	assert_found(TEXT_ADDR + 0x40, NULL);
	assert_int_equal(table.num_symbols, 3);
	end_file();
}

static void test_symtab_overlapping(void **state)
{
	(void)state;
	static const struct symbol symbols[] = {
		FUNC("a", TEXT_ADDR, 0x10),
		FUNC("b", TEXT_ADDR + 8, 0x10),
		FUNC("c", TEXT_ADDR + 0x0c, 4),
	};
	load(symbols, ARRAY_LEN(symbols));
	assert_found(TEXT_ADDR + 7, "a");
	assert_found(TEXT_ADDR + 8, "b");
	assert_found(TEXT_ADDR + 0x0c, "c");
	assert_found(TEXT_ADDR + 0x10, "b");
	assert_found(TEXT_ADDR + 0x17, "b");
	assert_found(TEXT_ADDR + 0x18, NULL);
	end_file();
}

/* A label in a function is no function. */
static void test_symtab_sizeless_inside_sized(void **state)
{
	(void)state;
	static const struct symbol symbols[] = {
		FUNC("f", TEXT_ADDR, 0x20),
		{"label", TEXT_ADDR + 8, 0, STB_GLOBAL, STT_NOTYPE, TEXT},
		FUNC("g", TEXT_ADDR + 0x30, 0x10),
		{"behind", TEXT_ADDR + 0x20, 0, STB_LOCAL, STT_NOTYPE, TEXT},
	};
	uint64_t addr;
	load(symbols, ARRAY_LEN(symbols));
	assert_found(TEXT_ADDR + 8, "f");
	assert_found(TEXT_ADDR + 0x1f, "f");
	assert_found(TEXT_ADDR + 0x20, "behind");
	assert_found(TEXT_ADDR + 0x2f, "behind");
	assert_found(TEXT_ADDR + 0x30, "g");
	assert_true(snap_symtab_find_name(&table, "label", &addr));
	assert_true(addr == TEXT_ADDR + 8);
	end_file();
}

static void test_symtab_indirect_function(void **state)
{
	(void)state;
	static const struct symbol symbols[] = {
		{"memcpy", TEXT_ADDR, 8, STB_GLOBAL, STT_GNU_IFUNC, TEXT}};
	load(symbols, ARRAY_LEN(symbols));
	assert_found(TEXT_ADDR, "memcpy");
	end_file();
}

static void test_symtab_thumb_bit(void **state)
{
	(void)state;
	static const struct symbol symbols[] = {
		FUNC("thumb", TEXT_ADDR + 1, 8),
		FUNC("arm", TEXT_ADDR + 8, 8),
		{"plain", TEXT_ADDR + 0x11, 8, STB_GLOBAL, STT_NOTYPE, TEXT},
	};
	made_machine = EM_ARM;
	make_file(ELFCLASS32, symbols, ARRAY_LEN(symbols));
	made_machine = EM_X86_64;
	assert_int_equal(init(made, SHT_SYMTAB), 0);
	assert_found(TEXT_ADDR, "thumb");
	assert_found(TEXT_ADDR + 7, "thumb");
	assert_found(TEXT_ADDR + 8, "arm");
	assert_found(TEXT_ADDR + 0x10, NULL);
	assert_found(TEXT_ADDR + 0x11, "plain");
	end_file();
}

static void test_symtab_many_sections(void **state)
{
	(void)state;
	static const struct symbol symbols[] = {
		FUNC("near", TEXT_ADDR, 8),
		{"far", FAR_ADDR, 8, STB_GLOBAL, STT_FUNC, FAR_TEXT},
		{"nowhere", FAR_ADDR + 8, 8, STB_GLOBAL, STT_NOTYPE, FAR_TEXT + 1},
	};
	for (int elf_class = ELFCLASS32; elf_class <= ELFCLASS64; elf_class++) {
		make_file(elf_class, symbols, ARRAY_LEN(symbols));
		assert_int_equal(init(made, SHT_SYMTAB), 0);
		assert_int_equal(table.num_symbols, 2);
		assert_found(TEXT_ADDR, "near");
		assert_found(FAR_ADDR, "far");
		end_file();
	}
}

/* Of a file that sections were taken out of. */
static void test_symtab_stale_section_numbers(void **state)
{
	(void)state;
	static const struct symbol symbols[] = {
		FUNC("f", TEXT_ADDR, 8),
		{"g", TEXT_ADDR + 8, 8, STB_GLOBAL, STT_FUNC, DATA},
		{"h", TEXT_ADDR + 16, 0x1000, STB_GLOBAL, STT_FUNC, FINI},
		{"i", FINI_ADDR + 1, 1, STB_GLOBAL, STT_GNU_IFUNC, TEXT},
		{"j", FINI_ADDR + 2, 1, STB_GLOBAL, STT_FUNC, 77},
		{"nowhere", FINI_ADDR + 0x10, 1, STB_GLOBAL, STT_FUNC, TEXT},
		{"label", FINI_ADDR + 3, 0, STB_GLOBAL, STT_NOTYPE, DATA},
	};
	load(symbols, ARRAY_LEN(symbols));
	assert_int_equal(table.num_symbols, 5);
	assert_found(TEXT_ADDR + 8, "g");
	assert_found(TEXT_ADDR + TEXT_LEN - 1, "h");
	assert_found(FINI_ADDR, NULL);
	assert_found(FINI_ADDR + 1, "i");
	assert_found(FINI_ADDR + 2, "j");
	assert_found(FINI_ADDR + 3, NULL);
	end_file();
}

static void test_symtab_several_sources(void **state)
{
	(void)state;
	static const struct symbol exported[] = {
		FUNC("exported", TEXT_ADDR, 0x10),
		FUNC("both", TEXT_ADDR + 0x10, 0x10),
	};
	/* As MiniDebugInfo has it, and as if it had been moved by 0x1000. */
	static const struct symbol others[] = {
		{"both_local", TEXT_ADDR + 0x10, 0x10, STB_LOCAL, STT_FUNC, TEXT},
		{"inside", TEXT_ADDR + 8, 4, STB_LOCAL, STT_FUNC, TEXT},
		{"local", TEXT_ADDR + 0x20, 8, STB_LOCAL, STT_FUNC, TEXT},
	};
	make_file(ELFCLASS64, others, ARRAY_LEN(others));
	Elf *mini = made;
	int mini_fd = made_fd;
	make_file(ELFCLASS64, exported, ARRAY_LEN(exported));
	struct snap_symtab_source sources[] = {
		{made, SHT_SYMTAB, 0x1000},
		{made, SHT_DYNSYM, 0}, /* there is none */
		{mini, SHT_SYMTAB, 0x1000},
	};
	for (int bias = 0x1000; bias >= -0x1000; bias -= 0x800) {
		uint64_t text = TEXT_ADDR + (uint64_t)(int64_t)bias, addr;
		sources[0].bias = sources[2].bias = bias;
		assert_int_equal(snap_symtab_init(&table, sources, ARRAY_LEN(sources), &err), 0);
		assert_found(text, "exported");
		assert_found(text + 8, "inside");
		assert_found(text + 0x0c, "exported");
		assert_found(text + 0x10, "both");
		assert_found(text + 0x20, "local");
		assert_found(text + 0x28, NULL);
		assert_true(snap_symtab_find_name(&table, "both_local", &addr));
		assert_true(addr == text + 0x10);
		snap_symtab_deinit(&table);
	}
	elf_end(mini);
	close(mini_fd);
	end_file();
}

/* Which one has the address, by trying all: names of one length and binding in order of the
 * alphabet. */
static const struct symbol *expect(const struct symbol *symbols, size_t num, uint64_t addr)
{
	const struct symbol *preferred = NULL, *shortest = NULL;
	uint64_t start = 0;
	for (size_t i = 0; i < num; i++)
		if (addr >= symbols[i].value && addr < symbols[i].value + symbols[i].size &&
			symbols[i].value > start)
			start = symbols[i].value;
	for (size_t i = 0; i < num; i++) {
		if (symbols[i].value != start)
			continue;
		if (!preferred)
			preferred = &symbols[i];
		if (addr < start + symbols[i].size &&
			(!shortest || symbols[i].size < shortest->size))
			shortest = &symbols[i];
	}
	if (addr >= TEXT_ADDR + TEXT_LEN || !preferred)
		return NULL;
	return addr < start + preferred->size ? preferred : shortest;
}

static void test_symtab_any_overlaps(void **state)
{
	(void)state;
	srandom(4);
	for (int round = 0; round < 2000; round++) {
		struct symbol symbols[12];
		char names[ARRAY_LEN(symbols)][4];
		size_t num = 1 + (size_t)random() % ARRAY_LEN(symbols);
		uint64_t spread = 1 + (uint64_t)random() % 40;
		for (size_t i = 0; i < num; i++) {
			names[i][0] = (char)('a' + i);
			names[i][1] = '\0';
			symbols[i] = (struct symbol)FUNC(names[i],
				TEXT_ADDR + TEXT_LEN - 60 + (uint64_t)random() % spread,
				1 + (uint64_t)random() % spread);
		}
		load(symbols, num);
		for (uint64_t at = TEXT_ADDR + TEXT_LEN - 61; at <= TEXT_ADDR + TEXT_LEN; at++) {
			const struct symbol *expected = expect(symbols, num, at);
			assert_found(at, expected ? expected->name : NULL);
		}
		for (size_t i = 1; i < table.num_rests; i++)
			assert_true(table.rests[i].start >= table.rests[i - 1].end);
		for (size_t i = 1; i < table.num_symbols; i++)
			assert_true(table.symbols[i].start >= table.symbols[i - 1].start);
		end_file();
	}
}

static void test_symtab_hostile_overlaps(void **state)
{
	(void)state;
	enum { NUM = 100000, LEN = 2 * NUM };
	struct symbol *symbols = calloc(NUM, sizeof(*symbols));
	assert_non_null(symbols);
	/* Each one inside the one before: their rests are behind the middle. */
	for (uint64_t i = 0; i < NUM; i++)
		symbols[i] = (struct symbol)FUNC("nested", TEXT_ADDR + i, LEN - 2 * i);
	made_text_len = LEN;
	load(symbols, NUM);
	assert_int_equal(table.num_symbols, NUM);
	for (int round = 0; round < 3; round++)
		for (uint64_t i = 0; i < LEN; i++) {
			const struct snap_symbol *symbol = snap_symtab_find(&table, TEXT_ADDR + i);
			assert_true(
				symbol && symbol->start == TEXT_ADDR + (i < NUM ? i : LEN - 1 - i));
		}
	end_file();
	/* All of one address: each of another length, then all alike. */
	for (uint64_t i = 0; i < NUM; i++) {
		symbols[i].value = TEXT_ADDR;
		symbols[i].size = 1 + (i * 7919) % NUM;
	}
	load(symbols, NUM);
	assert_found(TEXT_ADDR + NUM - 1, "nested");
	assert_found(TEXT_ADDR + NUM, NULL);
	end_file();
	for (uint64_t i = 0; i < NUM; i++)
		symbols[i].size = 8;
	load(symbols, NUM);
	assert_int_equal(table.num_symbols, 1);
	end_file();
	made_text_len = TEXT_LEN;
	free(symbols);
}

static void test_symtab_32_bits(void **state)
{
	(void)state;
	static const struct symbol symbols[] = {
		FUNC("f", TEXT_ADDR + 0x10, 8), FUNC("g", TEXT_ADDR + 0x20, 8)};
	make_file(ELFCLASS32, symbols, ARRAY_LEN(symbols));
	assert_int_equal(init(made, SHT_SYMTAB), 0);
	assert_found(TEXT_ADDR + 0x17, "f");
	assert_found(TEXT_ADDR + 0x18, NULL);
	assert_found(TEXT_ADDR + 0x20, "g");
	end_file();
}

static void test_symtab_by_name(void **state)
{
	(void)state;
	static const struct symbol symbols[] = {
		FUNC("memcpy@@GLIBC_2.14", TEXT_ADDR, 8),
		FUNC("memcpy@GLIBC_2.2.5", TEXT_ADDR + 0x10, 8),
		FUNC("alias", TEXT_ADDR + 0x20, 8),
		{"original", TEXT_ADDR + 0x20, 8, STB_LOCAL, STT_FUNC, TEXT},
		FUNC("versioned@@V1", TEXT_ADDR + 0x28, 8),
		FUNC("prefix", TEXT_ADDR + 0x30, 8),
		FUNC("prefixed", TEXT_ADDR + 0x38, 8),
		{"helper", TEXT_ADDR + 0x40, 8, STB_LOCAL, STT_FUNC, TEXT},
		{"helper", TEXT_ADDR + 0x48, 8, STB_LOCAL, STT_FUNC, TEXT},
		{"twice", TEXT_ADDR + 0x50, 8, STB_LOCAL, STT_FUNC, TEXT},
		{"twice", TEXT_ADDR + 0x50, 8, STB_GLOBAL, STT_FUNC, TEXT},
	};
	load(symbols, ARRAY_LEN(symbols));
	static const struct {
		const char *name;
		uint64_t addr; /* 0: not to be found */
	} cases[] = {
		{"alias", TEXT_ADDR + 0x20},
		{"original", TEXT_ADDR + 0x20}, /* not the name that an address gets */
		{"versioned", TEXT_ADDR + 0x28},
		{"versioned@V9", TEXT_ADDR + 0x28},
		{"prefix", TEXT_ADDR + 0x30},
		{"prefixed", TEXT_ADDR + 0x38},
		{"twice", TEXT_ADDR + 0x50},
		{"memcpy", 0}, /* which of the two? */
		{"helper", 0},
		{"prefi", 0},
		{"zzz", 0},
		{"", 0},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		uint64_t addr = 0;
		assert_int_equal(
			snap_symtab_find_name(&table, cases[i].name, &addr), cases[i].addr != 0);
		if (cases[i].addr != 0)
			assert_true(addr == cases[i].addr);
	}
	end_file();
}

static void test_symtab_none(void **state)
{
	(void)state;
	make_file(ELFCLASS64, NULL, 0);
	assert_int_equal(init(made, SHT_SYMTAB), 0);
	assert_int_equal(table.num_symbols, 0);
	assert_found(TEXT_ADDR, NULL);
	snap_symtab_deinit(&table);
	assert_int_equal(init(made, SHT_DYNSYM), 0);
	assert_int_equal(table.num_symbols, 0);
	end_file();
	snap_symtab_deinit(&table);
}

static void test_symtab_damaged_file(void **state)
{
	(void)state;
	static const struct symbol symbols[] = {FUNC("first", TEXT_ADDR, 8),
		FUNC("second", TEXT_ADDR + 8, 0),
		{"local", TEXT_ADDR + 16, 4, STB_LOCAL, STT_FUNC, TEXT}};
	make_file(ELFCLASS64, symbols, ARRAY_LEN(symbols));
	elf_end(made);
	off_t len = lseek(made_fd, 0, SEEK_END);
	uint8_t *image = malloc((size_t)len);
	assert_non_null(image);
	assert_int_equal(pread(made_fd, image, (size_t)len, 0), len);
	close(made_fd);
	srandom(16);
	for (int round = 0; round < 30000; round++) {
		uint8_t *copy = malloc((size_t)len);
		assert_non_null(copy);
		memcpy(copy, image, (size_t)len);
		/* Behind the code, where the tables and the section headers are. */
		for (long i = random() % 3; i >= 0; i--) {
			size_t off = random() % 8 == 0 ? (size_t)random() % 64
						       : (size_t)(len - 1 - random() % 700);
			copy[off] ^= (uint8_t)(random() & 1 ? 1u << random() % 8 : random());
		}
		size_t cut = random() % 8 == 0 ? (size_t)random() % (size_t)len : (size_t)len;
		Elf *elf = elf_memory((char *)copy, cut);
		/* As elf_file.c looks at a file before anyone else does. */
		GElf_Ehdr ehdr;
		if (elf && elf_kind(elf) == ELF_K_ELF && gelf_getehdr(elf, &ehdr)) {
			if (init(elf, SHT_SYMTAB) == 0) {
				for (uint64_t at = TEXT_ADDR - 4; at < TEXT_ADDR + 32; at++) {
					const struct snap_symbol *s = snap_symtab_find(&table, at);
					assert_true(!s || strlen(s->name) < 8192);
				}
				snap_symtab_deinit(&table);
			}
		}
		elf_end(elf);
		free(copy);
	}
	free(image);
}

static int setup(void **state)
{
	(void)state;
	return elf_version(EV_CURRENT) == EV_NONE ? -1 : 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_symtab_of_this_program),
		cmocka_unit_test(test_symtab_dynamic_symbols_of_a_library),
		cmocka_unit_test(test_symtab_which_name_of_several),
		cmocka_unit_test(test_symtab_order_of_the_table_does_not_matter),
		cmocka_unit_test(test_symtab_sizeless_reaches_to_the_next_or_the_section_end),
		cmocka_unit_test(test_symtab_sizes_end_with_the_section),
		cmocka_unit_test(test_symtab_what_is_no_function),
		cmocka_unit_test(test_symtab_enclosing_function),
		cmocka_unit_test(test_symtab_unterminated_name),
		cmocka_unit_test(test_symtab_dollar_names),
		cmocka_unit_test(test_symtab_longer_alias_goes_on),
		cmocka_unit_test(test_symtab_overlapping),
		cmocka_unit_test(test_symtab_sizeless_inside_sized),
		cmocka_unit_test(test_symtab_indirect_function),
		cmocka_unit_test(test_symtab_thumb_bit),
		cmocka_unit_test(test_symtab_many_sections),
		cmocka_unit_test(test_symtab_stale_section_numbers),
		cmocka_unit_test(test_symtab_several_sources),
		cmocka_unit_test(test_symtab_any_overlaps),
		cmocka_unit_test(test_symtab_hostile_overlaps),
		cmocka_unit_test(test_symtab_32_bits),
		cmocka_unit_test(test_symtab_by_name),
		cmocka_unit_test(test_symtab_none),
		cmocka_unit_test(test_symtab_damaged_file),
	};
	return cmocka_run_group_tests(tests, setup, NULL);
}
