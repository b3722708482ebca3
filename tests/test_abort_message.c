/* common/elf_symbol, common/abort_message: a symbol is found in an image that is mapped, this
 * program's own C library; the text is found where it may be, and nothing that lies is believed
 * further than it reaches. */
#include "common/abort_message.h"

#include <dlfcn.h>
#include <elf.h>
#include <errno.h>
#include <link.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/elf_symbol.h"

static ssize_t read_self(void *arg, uint64_t addr, void *buf, size_t len)
{
	ssize_t n = pread(*(int *)arg, buf, len, (off_t)addr);
	return n < 0 ? -errno : n;
}

static int self_fd;
static struct snap_elf_image libc_image;

static int find_libc(struct dl_phdr_info *info, size_t size, void *arg)
{
	(void)size;
	(void)arg;
	if (!strstr(info->dlpi_name, "/libc.so"))
		return 0;
	return snap_elf_image_read(read_self, &self_fd, info->dlpi_addr, &libc_image) == 0;
}

static int set_up(void **state)
{
	(void)state;
	self_fd = open("/proc/self/mem", O_RDONLY);
	return self_fd < 0 || dl_iterate_phdr(find_libc, NULL) != 1;
}

static void test_symbols_are_where_the_linker_says(void **state)
{
	(void)state;
	static const char *const names[] = {"puts", "strtoul", "environ", "fclose", "getpid"};
	uint64_t addr = 1;
	void *libc = dlopen("libc.so.6", RTLD_NOW | RTLD_NOLOAD);
	assert_non_null(libc);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		assert_int_equal(
			snap_elf_symbol_find(read_self, &self_fd, &libc_image, names[i], &addr), 0);
		assert_ptr_equal((void *)(uintptr_t)addr, dlsym(libc, names[i]));
	}
	/* Static executables have none, nor has anybody these. */
	static const char *const missing[] = {"", "no_such_function", "put", "putss", "main"};
	for (size_t i = 0; i < sizeof(missing) / sizeof(missing[0]); i++)
		assert_int_equal(
			snap_elf_symbol_find(read_self, &self_fd, &libc_image, missing[i], &addr),
			-ENOENT);
	char name[SNAP_ELF_SYMBOL_NAME_MAX + 2] = "";
	memset(name, 'a', sizeof(name) - 1);
	assert_int_equal(
		snap_elf_symbol_find(read_self, &self_fd, &libc_image, name, &addr), -EINVAL);
	struct snap_elf_image image = libc_image;
	image.dynamic_addr = 0;
	assert_int_equal(snap_elf_symbol_find(read_self, &self_fd, &image, "puts", &addr), -ENOENT);
	image.dynamic_addr = 8;
	assert_true(snap_elf_symbol_find(read_self, &self_fd, &image, "puts", &addr) < 0);
}

/* ---------------------------------------------------------------- made memory */

#define BASE 0x10000u

static uint8_t memory[0x10000];

static ssize_t read_memory(void *arg, uint64_t addr, void *buf, size_t len)
{
	(void)arg;
	if (addr < BASE || addr >= BASE + sizeof(memory))
		return -EIO;
	size_t n = BASE + sizeof(memory) - addr;
	n = n < len ? n : len;
	memcpy(buf, memory + (addr - BASE), n);
	return (ssize_t)n;
}

static void put(uint64_t addr, uint64_t value, size_t size)
{
	for (size_t i = 0; i < size; i++)
		memory[addr - BASE + i] = (uint8_t)(value >> 8 * i);
}

static void put_text(uint64_t addr, uint32_t size, const char *text)
{
	put(addr, size, 4);
	memcpy(memory + (addr + 4 - BASE), text, strlen(text) + 1);
}

static int clear(void **state)
{
	(void)state;
	memset(memory, 0, sizeof(memory));
	return 0;
}

/* A table whose chain has no end, or goes round, or is nowhere. */
static void test_tables_that_lie(void **state)
{
	(void)state;
	struct snap_elf_image image = {.elf_class = ELFCLASS64,
		.elf_data = ELFDATA2LSB,
		.start = BASE,
		.end = BASE + sizeof(memory),
		.dynamic_addr = BASE,
		.dynamic_len = UINT64_MAX};
	uint64_t addr;
	static const uint64_t tags[] = {DT_GNU_HASH, DT_SYMTAB, DT_STRTAB};
	for (uint64_t values = 0; values < 64; values++) {
		memset(memory, (int)(values % 4 == 3 ? 0x41 : 0), sizeof(memory));
		for (size_t i = 0; i < 3; i++) {
			static const uint64_t places[] = {
				BASE + 0x1000, 0x10, UINT64_MAX - 4, BASE + sizeof(memory) - 4};
			put(BASE + 16 * i, tags[i], 8);
			put(BASE + 16 * i + 8, places[values >> 2 * i & 3], 8);
		}
		put(BASE + 48, DT_NULL, 8);
		put(BASE + 0x1000, 1, 4); /* one bucket, and hashes that never end it */
		put(BASE + 0x1010, 1, 4);
		(void)snap_elf_symbol_find(read_memory, NULL, &image, "x", &addr);
	}
	/* No bucket at all: no division by it. */
	memset(memory, 0, sizeof(memory));
	for (size_t i = 0; i < 3; i++) {
		put(BASE + 16 * i, tags[i], 8);
		put(BASE + 16 * i + 8, BASE + 0x1000, 8);
	}
	assert_int_equal(snap_elf_symbol_find(read_memory, NULL, &image, "x", &addr), -ENOENT);
}

static struct snap_areas areas;
static uint8_t text[SNAP_MAX_ABORT_MESSAGE];

static void add(uint64_t start, uint64_t end, uint32_t permissions, const char *path)
{
	const struct snap_mapping mapping = {.start = start,
		.end = end,
		.permissions = permissions,
		.path = snap_bytes_str(path)};
	snap_areas_add(&areas, &mapping);
}

static void assert_text(const struct snap_abort_message *message, const char *wanted)
{
	assert_int_equal(message->text.len, strlen(wanted));
	assert_memory_equal(message->text.data, wanted, strlen(wanted));
	assert_int_equal(message->source, SNAP_ABORT_C_LIBRARY);
}

static void test_named_memory(void **state)
{
	(void)state;
	struct snap_abort_finder finder;
	struct snap_abort_message message;
	struct snap_mapping mapping = {.start = BASE + 0x1000,
		.end = BASE + 0x2000,
		.path = snap_bytes_str("[anon: glibc: malloc arena]")};
	snap_areas_init(&areas);
	put_text(BASE + 0x1000, 0x1000, "double free\n");
	snap_abort_finder_init(&finder, read_memory, NULL);
	snap_abort_finder_offer_mapping(&finder, &mapping);
	assert_false(snap_abort_message_read(&finder, &areas, true, ELFDATA2LSB, text, &message));
	mapping.path = snap_bytes_str("[anon: glibc: fatal]");
	snap_abort_finder_offer_mapping(&finder, &mapping);
	assert_true(snap_abort_message_read(&finder, &areas, false, ELFDATA2LSB, text, &message));
	assert_text(&message, "double free\n");
	assert_int_equal(message.address, BASE + 0x1000);
	/* Cut where its memory ends, or where we end. */
	put(BASE + 0x1000, 10, 4);
	assert_true(snap_abort_message_read(&finder, &areas, false, ELFDATA2LSB, text, &message));
	assert_text(&message, "double");
	memset(memory + 0x1004, 'x', 0x8000);
	put(BASE + 0x1000, UINT32_MAX, 4);
	assert_true(snap_abort_message_read(&finder, &areas, false, ELFDATA2LSB, text, &message));
	assert_int_equal(message.text.len, SNAP_MAX_ABORT_MESSAGE);
	for (uint32_t size = 0; size <= 4; size++) {
		put(BASE + 0x1000, size, 4);
		assert_false(snap_abort_message_read(
			&finder, &areas, false, ELFDATA2LSB, text, &message));
	}
	finder.named_addr = 0x10;
	assert_false(snap_abort_message_read(&finder, &areas, false, ELFDATA2LSB, text, &message));
}

static void test_a_static_programs_is_guessed(void **state)
{
	(void)state;
	const uint32_t r = SNAP_MAPPING_READ, rw = r | SNAP_MAPPING_WRITE;
	struct snap_abort_finder finder;
	struct snap_abort_message message;
	snap_areas_init(&areas);
	add(BASE, BASE + 0x1000, rw, "[heap]");
	add(BASE + 0x1000, BASE + 0x2000, r, NULL);
	add(BASE + 0x3000, BASE + 0x4000, rw, NULL);
	add(BASE + 0x5000, BASE + 0x8000, rw, NULL);
	put_text(BASE, 0x1000, "not in a heap");
	put_text(BASE + 0x1000, 0x1000, "nobody wrote this");
	put_text(BASE + 0x3000, 0x2000, "larger than its memory");
	put_text(BASE + 0x5000, 0x1000, "*** stack smashing detected ***: terminated\n");
	snap_abort_finder_init(&finder, read_memory, NULL);
	assert_false(snap_abort_message_read(&finder, &areas, false, ELFDATA2LSB, text, &message));
	assert_true(snap_abort_message_read(&finder, &areas, true, ELFDATA2LSB, text, &message));
	assert_text(&message, "*** stack smashing detected ***: terminated\n");
	/* Whoever has a C library that would tell has nothing to be guessed. */
	finder.has_library = true;
	assert_false(snap_abort_message_read(&finder, &areas, true, ELFDATA2LSB, text, &message));
	finder.has_library = false;
	static const char *const wrong[] = {"short", "not\x01text, surely", ""};
	for (size_t i = 0; i < 3; i++) {
		put_text(BASE + 0x5000, 0x1000, wrong[i]);
		assert_false(snap_abort_message_read(
			&finder, &areas, true, ELFDATA2LSB, text, &message));
	}
	put_text(BASE + 0x5000, 0x1001, "no whole pages of memory");
	assert_false(snap_abort_message_read(&finder, &areas, true, ELFDATA2LSB, text, &message));
}

static void test_only_a_c_library_is_asked(void **state)
{
	(void)state;
	static const struct {
		const char *path;
		bool asked;
	} cases[] = {{"/lib/x86_64-linux-gnu/libc.so.6", true}, {"/opt/libc-2.31.so", true},
		{"libc.so.6", true}, {"/lib/libcap.so.2", false}, {"/libc.so.6/evil", false},
		{"/lib/libc", false}, {"", false}};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct snap_abort_finder finder;
		snap_abort_finder_init(&finder, read_self, &self_fd);
		snap_abort_finder_offer_image(&finder, snap_bytes_str(cases[i].path), &libc_image);
		assert_int_equal(finder.has_library, cases[i].asked);
		/* This program did not abort. */
		assert_int_equal(finder.library_addr, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_symbols_are_where_the_linker_says, set_up),
		cmocka_unit_test_setup(test_tables_that_lie, clear),
		cmocka_unit_test_setup(test_named_memory, clear),
		cmocka_unit_test_setup(test_a_static_programs_is_guessed, clear),
		cmocka_unit_test(test_only_a_c_library_is_asked),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
