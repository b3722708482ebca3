/* analyze/symbols/plt: stubs of every form and machine, made by hand, and those of real linkers as
 * objdump names them. */
#include "analyze/symbols/plt.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <gelf.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

static struct snap_plt plt;
static struct snap_error err;

/* ---------------------------------------------------------------- made up */

/* Sections of the made-up file. */
enum { NAMES = 1, PLT, DYNSTR, DYNSYM, RELOCATIONS, DYNAMIC };
#define PLT_ADDR 0x1000u
#define GOT_ADDR 0x3000u /* DT_PLTGOT */

/* Instructions of 4 bytes. */
#define LE(w) (w) & 0xff, (w) >> 8 & 0xff, (w) >> 16 & 0xff, (w) >> 24 & 0xff
#define BE(w) (w) >> 24 & 0xff, (w) >> 16 & 0xff, (w) >> 8 & 0xff, (w)&0xff

struct form {
	const char *what, *section;
	uint16_t machine;
	uint8_t elf_class, elf_data;
	uint32_t flags;
	uint64_t slots[2]; /* relocations "first" and "second" */
	struct {
		uint16_t start, end;
	} stubs[2]; /* into code; where the two jump from */
	size_t len;
	uint8_t code[128];
};

static const struct form forms[] = {
	{"x86-64, lazy", ".plt", EM_X86_64, ELFCLASS64, ELFDATA2LSB, 0, {0x3018, 0x3020},
		{{16, 32}, {32, 48}}, 48,
		{0xff, 0x35, 0x02, 0x20, 0, 0, 0xff, 0x25, 0x04, 0x20, 0, 0, 0x0f, 0x1f, 0x40, 0,
			0xff, 0x25, 0x02, 0x20, 0, 0, 0x68, 0, 0, 0, 0, 0xe9, 0xe0, 0xff, 0xff,
			0xff, 0xff, 0x25, 0xfa, 0x1f, 0, 0, 0x68, 1, 0, 0, 0, 0xe9, 0xd0, 0xff,
			0xff, 0xff}},
	{"x86-64, through the GOT", ".plt.got", EM_X86_64, ELFCLASS64, ELFDATA2LSB, 0,
		{0x3018, 0x3020}, {{0, 8}, {8, 16}}, 16,
		{0xff, 0x25, 0x12, 0x20, 0, 0, 0x66, 0x90, 0xff, 0x25, 0x12, 0x20, 0, 0, 0x66,
			0x90}},
	{"x86-64, indirect branch tracking", ".plt.sec", EM_X86_64, ELFCLASS64, ELFDATA2LSB, 0,
		{0x3018, 0x3020}, {{0, 16}, {16, 32}}, 32,
		{0xf3, 0x0f, 0x1e, 0xfa, 0xf2, 0xff, 0x25, 0x0d, 0x20, 0, 0, 0x0f, 0x1f, 0x44, 0, 0,
			0xf3, 0x0f, 0x1e, 0xfa, 0xff, 0x25, 0x06, 0x20, 0, 0, 0x66, 0x0f, 0x1f,
			0x44, 0, 0}},
	{"x86-64, bound", ".plt.bnd", EM_X86_64, ELFCLASS64, ELFDATA2LSB, 0, {0x3018, 0x3020},
		{{0, 8}, {8, 16}}, 16,
		{0xf2, 0xff, 0x25, 0x11, 0x20, 0, 0, 0x90, 0xf2, 0xff, 0x25, 0x11, 0x20, 0, 0,
			0x90}},
	{"x86-64, of mold", ".plt", EM_X86_64, ELFCLASS64, ELFDATA2LSB, 0, {0x3018, 0x3020},
		{{0, 16}, {16, 32}}, 32,
		{0xf3, 0x0f, 0x1e, 0xfa, 0x41, 0xbb, 0, 0, 0, 0, 0xff, 0x25, 0x08, 0x20, 0, 0, 0xf3,
			0x0f, 0x1e, 0xfa, 0x41, 0xbb, 1, 0, 0, 0, 0xff, 0x25, 0, 0x20, 0, 0}},
	{"x86-64, slots below, x32", ".plt.got", EM_X86_64, ELFCLASS32, ELFDATA2LSB, 0,
		{0x800, 0x808}, {{0, 8}, {8, 16}}, 16,
		{0xff, 0x25, 0xfa, 0xf7, 0xff, 0xff, 0x66, 0x90, 0xff, 0x25, 0xfa, 0xf7, 0xff, 0xff,
			0x66, 0x90}},
	{"i386, relative", ".plt", EM_386, ELFCLASS32, ELFDATA2LSB, 0, {0x300c, 0x2ff8},
		{{0, 16}, {16, 24}}, 24,
		{0xff, 0xa3, 0x0c, 0, 0, 0, 0x68, 0, 0, 0, 0, 0xe9, 0xe0, 0xff, 0xff, 0xff, 0xff,
			0xa3, 0xf8, 0xff, 0xff, 0xff, 0x66, 0x90}},
	{"i386, absolute, indirect branch tracking", ".plt.sec", EM_386, ELFCLASS32, ELFDATA2LSB, 0,
		{0x300c, 0x3010}, {{0, 16}, {16, 24}}, 24,
		{0xf3, 0x0f, 0x1e, 0xfb, 0xff, 0x25, 0x0c, 0x30, 0, 0, 0x66, 0x0f, 0x1f, 0x44, 0, 0,
			0xff, 0x25, 0x10, 0x30, 0, 0, 0x66, 0x90}},
	{"aarch64", ".plt", EM_AARCH64, ELFCLASS64, ELFDATA2LSB, 0, {0x3018, 0x3020},
		{{32, 48}, {48, 64}}, 64,
		{LE(0xa9bf7bf0), LE(0xd0000010), LE(0xf9400a11), LE(0x91004210), LE(0xd61f0220),
			LE(0xd503201f), LE(0xd503201f), LE(0xd503201f), LE(0xd0000010),
			LE(0xf9400e11), LE(0x91006210), LE(0xd61f0220), LE(0xd0000010),
			LE(0xf9401211), LE(0x91008210), LE(0xd61f0220)}},
	{"aarch64, bti and pac, slots below, big-endian", ".plt", EM_AARCH64, ELFCLASS64,
		ELFDATA2MSB, 0, {0x18, 0x20}, {{0, 24}, {24, 48}}, 48,
		{LE(0xd503245f), LE(0xf0fffff0), LE(0xf9400e11), LE(0x91006210), LE(0xd61f0220),
			LE(0xd503201f), LE(0xf0fffff0), LE(0xf9401211), LE(0x91008210),
			LE(0xd503219f), LE(0xd61f0220), LE(0xd503201f)}},
	{"aarch64, bti and pac at once", ".plt", EM_AARCH64, ELFCLASS64, ELFDATA2LSB, 0,
		{0x3018, 0x3020}, {{0, 24}, {24, 48}}, 48,
		{LE(0xd503245f), LE(0xd0000010), LE(0xf9400e11), LE(0x91006210), LE(0xd503219f),
			LE(0xd61f0220), LE(0xd503245f), LE(0xd0000010), LE(0xf9401211),
			LE(0x91008210), LE(0xd503219f), LE(0xd61f0220)}},
	{"arm, one of them also for Thumb", ".plt", EM_ARM, ELFCLASS32, ELFDATA2LSB, 0,
		{0x300c, 0x3010}, {{0, 12}, {12, 28}}, 28,
		{LE(0xe28fc600), LE(0xe28cca02), LE(0xe5bcf004), LE(0xe7fd4778), LE(0xe28fc600),
			LE(0xe28cca01), LE(0xe5bcfff8)}},
	{"arm, long", ".plt", EM_ARM, ELFCLASS32, ELFDATA2LSB, 0, {0x300c, 0x3010},
		{{0, 16}, {16, 32}}, 32,
		{LE(0xe28fc200), LE(0xe28cc600), LE(0xe28cca02), LE(0xe5bcf004), LE(0xe59fc004),
			LE(0xe08cc00f), LE(0xe59cf000), LE(0x00001ff4)}},
	{"arm, big-endian", ".plt", EM_ARM, ELFCLASS32, ELFDATA2MSB, 0, {0x300c, 0x3010},
		{{0, 12}, {12, 28}}, 28,
		{BE(0xe28fc600), BE(0xe28cca02), BE(0xe5bcf004), BE(0x477846c0), BE(0xe28fc600),
			BE(0xe28cca01), BE(0xe5bcfff8)}},
	{"arm, big-endian data", ".plt", EM_ARM, ELFCLASS32, ELFDATA2MSB, EF_ARM_BE8,
		{0x300c, 0x3010}, {{0, 12}, {12, 24}}, 24,
		{LE(0xe28fc600), LE(0xe28cca02), LE(0xe5bcf004), LE(0xe28fc600), LE(0xe28cca01),
			LE(0xe5bcfffc)}},
	{"riscv64", ".plt", EM_RISCV, ELFCLASS64, ELFDATA2LSB, 0, {0x3018, 0x3050},
		{{32, 48}, {48, 64}}, 64,
		{LE(0x00002397), LE(0x41c30333), LE(0x0003be03), LE(0xfd430313), LE(0x00038293),
			LE(0x00135313), LE(0x0082b283), LE(0x000e0067), LE(0x00002e17),
			LE(0xff8e3e03), LE(0x000e0367), LE(0x00000013), LE(0x00002e17),
			LE(0x020e3e03), LE(0x000e0367), LE(0x00000013)}},
	{"riscv32", ".plt", EM_RISCV, ELFCLASS32, ELFDATA2LSB, 0, {0x300c, 0x3010},
		{{0, 16}, {16, 32}}, 32,
		{LE(0x00002e17), LE(0x00ce2e03), LE(0x000e0367), LE(0x00000013), LE(0x00002e17),
			LE(0x000e2e03), LE(0x000e0367), LE(0x00000013)}},
};

static Elf *made;
static int made_fd;
static bool made_twice; /* another section has the same code 8 bytes on */

static void add_section(const char *name, uint32_t type, uint64_t flags, uint64_t addr,
	uint32_t link, void *data, size_t len, Elf_Type data_type)
{
	static const char names[] = "\0.names\0.plt\0.plt.got\0.plt.sec\0.plt.bnd\0.text\0other";
	Elf_Scn *scn = elf_newscn(made);
	assert_non_null(scn);
	GElf_Shdr shdr;
	assert_non_null(gelf_getshdr(scn, &shdr));
	for (size_t i = 0; i < sizeof(names); i++)
		if (strcmp(names + i, name) == 0)
			shdr.sh_name = (uint32_t)i;
	shdr.sh_type = type;
	shdr.sh_flags = flags;
	shdr.sh_addr = addr;
	shdr.sh_link = link;
	assert_int_not_equal(gelf_update_shdr(scn, &shdr), 0);
	Elf_Data *elf_data = elf_newdata(scn);
	assert_non_null(elf_data);
	elf_data->d_buf = data ? data : (void *)(uintptr_t)names;
	elf_data->d_size = data ? len : sizeof(names);
	elf_data->d_type = data_type;
	elf_data->d_version = EV_CURRENT;
	elf_data->d_align = 1;
}

/* Leaves the file open for reading in made. Relocations name symbols [1] and [2], or none. */
static void make_file(const struct form *form, const char *section, bool with_symbols)
{
	static char strings[] = "\0first\0second";
	static uint8_t code[128], buf[3][256];
	memcpy(code, form->code, sizeof(code));
	memset(buf, 0, sizeof(buf));
	made_fd = memfd_create("elf", MFD_CLOEXEC);
	assert_true(made_fd >= 0);
	made = elf_begin(made_fd, ELF_C_WRITE, NULL);
	assert_non_null(made);
	assert_non_null(gelf_newehdr(made, form->elf_class));
	GElf_Ehdr ehdr;
	assert_non_null(gelf_getehdr(made, &ehdr));
	ehdr.e_ident[EI_DATA] = form->elf_data;
	ehdr.e_type = ET_DYN;
	ehdr.e_machine = form->machine;
	ehdr.e_version = EV_CURRENT;
	ehdr.e_flags = form->flags;
	ehdr.e_shstrndx = NAMES;
	assert_int_not_equal(gelf_update_ehdr(made, &ehdr), 0);

	bool is_rel = form->machine == EM_386 || form->machine == EM_ARM;
	size_t sym_len = gelf_fsize(made, ELF_T_SYM, 1, EV_CURRENT);
	size_t reloc_len = gelf_fsize(made, is_rel ? ELF_T_REL : ELF_T_RELA, 1, EV_CURRENT);
	add_section(".names", SHT_STRTAB, 0, 0, 0, NULL, 0, ELF_T_BYTE);
	add_section(section, SHT_PROGBITS, SHF_ALLOC | SHF_EXECINSTR, PLT_ADDR, 0, code, form->len,
		ELF_T_BYTE);
	add_section("other", SHT_STRTAB, SHF_ALLOC, 0, 0, strings, sizeof(strings), ELF_T_BYTE);
	add_section("other", SHT_DYNSYM, SHF_ALLOC, 0, DYNSTR, buf[0], 3 * sym_len, ELF_T_SYM);
	add_section("other", is_rel ? SHT_REL : SHT_RELA, SHF_ALLOC, 0, DYNSYM, buf[1],
		3 * reloc_len, is_rel ? ELF_T_REL : ELF_T_RELA);
	add_section("other", SHT_DYNAMIC, SHF_ALLOC, 0, DYNSTR, buf[2],
		2 * gelf_fsize(made, ELF_T_DYN, 1, EV_CURRENT), ELF_T_DYN);
	if (made_twice)
		add_section(".plt.sec", SHT_PROGBITS, SHF_ALLOC | SHF_EXECINSTR, PLT_ADDR + 8, 0,
			code, form->len, ELF_T_BYTE);

	Elf_Data *symbols = elf_getdata(elf_getscn(made, DYNSYM), NULL);
	Elf_Data *relocations = elf_getdata(elf_getscn(made, RELOCATIONS), NULL);
	for (int i = 0; i < 2; i++) {
		GElf_Sym sym = {.st_name = i == 0 ? 1 : 7, .st_info = STT_FUNC};
		assert_int_not_equal(gelf_update_sym(symbols, i + 1, &sym), 0);
		uint64_t slot = form->slots[i];
		uint64_t info = GELF_R_INFO(with_symbols ? (uint64_t)i + 1 : 0, 7);
		GElf_Rel rel = {.r_offset = slot, .r_info = info};
		GElf_Rela rela = {.r_offset = slot, .r_info = info, .r_addend = 0};
		/* The last one first: their order says nothing. */
		assert_int_not_equal(is_rel ? gelf_update_rel(relocations, 1 - i, &rel)
					    : gelf_update_rela(relocations, 1 - i, &rela),
			0);
	}
	GElf_Dyn dyn = {.d_tag = DT_PLTGOT, .d_un.d_ptr = GOT_ADDR};
	assert_int_not_equal(
		gelf_update_dyn(elf_getdata(elf_getscn(made, DYNAMIC), NULL), 0, &dyn), 0);
	assert_true(elf_update(made, ELF_C_WRITE) > 0);
	elf_end(made);
	made = elf_begin(made_fd, ELF_C_READ, NULL);
	assert_non_null(made);
}

static void end_file(void)
{
	snap_plt_deinit(&plt);
	elf_end(made);
	close(made_fd);
}

static void test_plt_forms(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
		const struct form *form = &forms[i];
		make_file(form, form->section, true);
		assert_int_equal(snap_plt_init(&plt, made, &err), 0);
		for (size_t at = 0; at <= form->len; at++) {
			const char *wanted = NULL;
			for (int j = 0; j < 2; j++)
				if (at >= form->stubs[j].start && at < form->stubs[j].end)
					wanted = j == 0 ? "first" : "second";
			const struct snap_symbol *found = snap_plt_find(&plt, PLT_ADDR + at);
			if ((wanted != NULL) != (found != NULL) ||
				(found && strcmp(found->name, wanted) != 0))
				fail_msg("%s, +%zu: %s, not %s", form->what, at,
					found ? found->name : "nothing",
					wanted ? wanted : "nothing");
		}
		assert_null(snap_plt_find(&plt, PLT_ADDR - 1));
		end_file();
	}
}

static void test_plt_without_a_name(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
		/* As of IRELATIVE. */
		make_file(&forms[i], forms[i].section, false);
		assert_int_equal(snap_plt_init(&plt, made, &err), 0);
		assert_int_equal(plt.num, 0);
		end_file();
		/* Code that is no stub. */
		make_file(&forms[i], ".text", true);
		assert_int_equal(snap_plt_init(&plt, made, &err), 0);
		assert_int_equal(plt.num, 0);
		end_file();
		/* Slots that no relocation fills. */
		struct form other = forms[i];
		other.slots[0] += 1;
		other.slots[1] += 1;
		make_file(&other, other.section, true);
		assert_int_equal(snap_plt_init(&plt, made, &err), 0);
		assert_int_equal(plt.num, 0);
		end_file();
	}
}

static void test_plt_overlapping_sections(void **state)
{
	(void)state;
	/* The second stub of one section and the first of the other lead to the same slot. */
	made_twice = true;
	make_file(&forms[0], forms[0].section, true);
	made_twice = false;
	assert_int_equal(snap_plt_init(&plt, made, &err), 0);
	assert_true(plt.num >= 2);
	for (size_t i = 1; i < plt.num; i++)
		assert_true(plt.stubs[i].start >= plt.stubs[i - 1].end);
	end_file();
}

static void test_plt_of_another_machine(void **state)
{
	(void)state;
	struct form form = forms[0];
	form.machine = EM_S390;
	make_file(&form, form.section, true);
	assert_int_equal(snap_plt_init(&plt, made, &err), 0);
	assert_int_equal(plt.num, 0);
	end_file();
}

/* The file, and nothing behind it: every cut of the code, then damage anywhere. */
static void test_plt_damaged_file(void **state)
{
	(void)state;
	srandom(7);
	for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
		struct form form = forms[i];
		for (form.len = 1; form.len <= forms[i].len; form.len++) {
			make_file(&form, form.section, true);
			assert_int_equal(snap_plt_init(&plt, made, &err), 0);
			for (size_t j = 0; j < plt.num; j++)
				assert_true(plt.stubs[j].end <= PLT_ADDR + form.len);
			if (form.len < forms[i].len)
				end_file();
		}
		off_t len = lseek(made_fd, 0, SEEK_END);
		for (int round = 0; round < 3000; round++) {
			char *copy = malloc((size_t)len);
			assert_non_null(copy);
			assert_int_equal(pread(made_fd, copy, (size_t)len, 0), len);
			for (long j = random() % 4; j >= 0; j--)
				copy[random() % len] ^= (char)(1u << random() % 8);
			size_t cut =
				random() % 8 == 0 ? (size_t)random() % (size_t)len : (size_t)len;
			struct snap_plt damaged;
			GElf_Ehdr ehdr;
			Elf *elf = elf_memory(copy, cut);
			if (elf && elf_kind(elf) == ELF_K_ELF && gelf_getehdr(elf, &ehdr)) {
				assert_int_equal(snap_plt_init(&damaged, elf, &err), 0);
				for (size_t j = 0; j < damaged.num; j++) {
					assert_true(strlen(damaged.stubs[j].name) < 100);
					assert_true(damaged.stubs[j].start < damaged.stubs[j].end);
					assert_true(j == 0 || damaged.stubs[j].start >=
								      damaged.stubs[j - 1].end);
				}
				snap_plt_deinit(&damaged);
			}
			elf_end(elf);
			free(copy);
		}
		end_file();
	}
}

/* ---------------------------------------------------------------- real ones */

static const char source[] = "#include <stdio.h>\\n#include <stdlib.h>\\n#include <unistd.h>\\n"
			     "int (*volatile pointer)(void) = (int (*)(void))getppid;"
			     "int main(int argc, char **argv) {"
			     "if (argc > 5) { free(malloc(3)); puts(argv[0]); abort(); }"
			     "int (*volatile p)(const char *) = puts;"
			     "return p(\"\") + pointer() + getppid() + printf(\"%d\", argc); }";

/* Where objdump has other names, it is objdump that is wrong: of aarch64's TLS descriptors. */
static size_t compare_with_objdump(const char *objdump, const char *path)
{
	char command[512], line[4096];
	(void)snprintf(command, sizeof(command),
		"%s -d -j .plt -j .plt.sec -j .plt.got '%s' 2>/dev/null", objdump, path);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	Elf *elf = elf_begin(fd, ELF_C_READ_MMAP, NULL);
	assert_int_equal(snap_plt_init(&plt, elf, &err), 0);
	FILE *out = popen(command, "r");
	assert_non_null(out);
	size_t num = 0;
	while (fgets(line, sizeof(line), out)) {
		unsigned long long addr;
		char name[4096];
		if (sscanf(line, "%llx <%4095[^@>]@plt>:", &addr, name) != 2 ||
			!strstr(line, "@plt>:"))
			continue;
		const struct snap_symbol *stub = snap_plt_find(&plt, addr);
		if (!stub || stub->start != addr || strcmp(stub->name, name) != 0)
			fail_msg("%s: 0x%llx: %s, not %s", path, addr,
				stub ? stub->name : "nothing", name);
		num++;
	}
	assert_int_equal(pclose(out), 0);
	if (plt.num != num)
		fail_msg("%s: %zu stubs, not %zu", path, plt.num, num);
	snap_plt_deinit(&plt);
	elf_end(elf);
	close(fd);
	return num;
}

static void test_plt_of_linkers(void **state)
{
	(void)state;
	static const struct {
		const char *prefix, *flags;
		bool optional; /* a linker or compiler that may not be there */
	} builds[] = {
		{"", "-Wl,-z,lazy", false},
		{"", "-Wl,-z,now", false},
		{"", "-Wl,-z,lazy -no-pie", false},
		{"", "-Wl,-z,lazy,-z,ibtplt -fcf-protection", false},
		{"", "-Wl,-z,now,-z,ibtplt -fcf-protection", false},
		{"", "-Wl,-z,lazy -fuse-ld=gold", true},
		{"", "-Wl,-z,now -fuse-ld=gold", true},
		{"", "-Wl,-z,lazy -fuse-ld=lld", true},
		{"", "-Wl,-z,now,-z,force-ibt -fuse-ld=lld", true},
		{"i686-linux-gnu-", "-Wl,-z,lazy", true},
		{"i686-linux-gnu-", "-no-pie", true},
		{"i686-linux-gnu-", "-Wl,-z,now,-z,ibtplt -fcf-protection", true},
		{"x86_64-linux-gnux32-", "", true},
		{"aarch64-linux-gnu-", "", true},
		{"aarch64-linux-gnu-", "-Wl,-z,force-bti,-z,pac-plt", true},
		{"arm-linux-gnueabihf-", "-marm", true},
		{"arm-linux-gnueabihf-", "-mthumb -O2", true},
		{"riscv64-linux-gnu-", "", true},
	};
	char dir[] = "/tmp/test_plt.XXXXXX", path[64], command[1024], objdump[64];
	assert_non_null(mkdtemp(dir));
	(void)snprintf(path, sizeof(path), "%s/program", dir);
	for (size_t i = 0; i < ARRAY_LEN(builds); i++) {
		(void)snprintf(command, sizeof(command),
			"printf '%%b' '%s' | %sgcc %s -o %s -x c - 2>/dev/null", source,
			builds[i].prefix, builds[i].flags, path);
		if (system(command) != 0) {
			if (!builds[i].optional)
				fail_msg("cannot build with %s", builds[i].flags);
			continue;
		}
		(void)snprintf(objdump, sizeof(objdump), "%sobjdump", builds[i].prefix);
		size_t num = compare_with_objdump(objdump, path);
		if (num < 4)
			fail_msg("%sgcc %s: only %zu", builds[i].prefix, builds[i].flags, num);
		(void)unlink(path);
	}
	(void)rmdir(dir);
}

static void test_plt_of_libraries(void **state)
{
	(void)state;
	static const char *const paths[] = {
		"/lib/x86_64-linux-gnu/libstdc++.so.6", "/lib/x86_64-linux-gnu/libelf.so.1"};
	for (size_t i = 0; i < ARRAY_LEN(paths); i++)
		if (access(paths[i], R_OK) == 0)
			assert_true(compare_with_objdump("objdump", paths[i]) > 50);
}

static int setup(void **state)
{
	(void)state;
	return elf_version(EV_CURRENT) == EV_NONE ? -1 : 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plt_forms),
		cmocka_unit_test(test_plt_without_a_name),
		cmocka_unit_test(test_plt_overlapping_sections),
		cmocka_unit_test(test_plt_of_another_machine),
		cmocka_unit_test(test_plt_damaged_file),
		cmocka_unit_test(test_plt_of_linkers),
		cmocka_unit_test(test_plt_of_libraries),
	};
	return cmocka_run_group_tests(tests, setup, NULL);
}
