/* capture/core_stream: the notes of whole, cut, and lying cores, and that no byte behind them is
 * read. */
#include "capture/core_stream.h"

#include <elf.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static struct snap_core_stream stream;
static struct snap_core_note note;

/* A core under construction. */
static uint8_t core[1 << 20];
static size_t core_len;

static void put(const void *data, size_t len)
{
	assert_true(len <= sizeof(core) - core_len);
	memcpy(core + core_len, data, len);
	core_len += len;
}

/* Size fields of the note are taken as given; desc has desc_len bytes. */
static void put_lying_note(uint32_t namesz, uint32_t descsz, uint32_t type, const char *name,
	const void *desc, size_t desc_len)
{
	static const uint8_t zeros[4];
	uint32_t header[3] = {namesz, descsz, type};
	put(header, sizeof(header));
	put(name, strlen(name) + 1);
	put(zeros, -core_len & 3);
	put(desc, desc_len);
	put(zeros, -core_len & 3);
}

static void put_note(uint32_t type, const char *name, const void *desc, size_t desc_len)
{
	put_lying_note((uint32_t)strlen(name) + 1, (uint32_t)desc_len, type, name, desc, desc_len);
}

/* Headers of a 64-bit core with phnum segments, the first of them the notes. */
static void begin(uint16_t phnum, size_t num_headers)
{
	core_len = 0;
	Elf64_Ehdr ehdr = {
		.e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
		.e_type = ET_CORE,
		.e_machine = EM_X86_64,
		.e_phoff = sizeof(Elf64_Ehdr),
		.e_phentsize = sizeof(Elf64_Phdr),
		.e_phnum = phnum,
	};
	put(&ehdr, sizeof(ehdr));
	Elf64_Phdr ph = {.p_type = PT_NOTE, .p_align = 4};
	for (size_t i = 0; i < num_headers; i++) {
		put(&ph, sizeof(ph));
		ph.p_type = PT_LOAD;
	}
}

static Elf64_Ehdr *ehdr_of(void)
{
	return (Elf64_Ehdr *)(void *)core;
}

static Elf64_Phdr *phdr_of(void)
{
	return (Elf64_Phdr *)(void *)(core + sizeof(Elf64_Ehdr));
}

/* The notes go from where the headers end to here. */
static void finish(size_t num_headers)
{
	phdr_of()->p_offset = sizeof(Elf64_Ehdr) + num_headers * sizeof(Elf64_Phdr);
	phdr_of()->p_filesz = core_len - phdr_of()->p_offset;
}

static int open_bytes(size_t len)
{
	static int fd = -1;
	if (fd >= 0)
		(void)close(fd);
	fd = memfd_create("core", MFD_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, core, len), len);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	return snap_core_stream_open(&stream, fd, NULL);
}

/* Two threads' notes. */
static void make_core(void)
{
	uint8_t desc[336];
	begin(1, 1);
	memset(desc, 1, sizeof(desc));
	put_note(NT_PRSTATUS, "CORE", desc, sizeof(desc));
	put_note(NT_SIGINFO, "CORE", "12345", 5);
	put_note(NT_X86_XSTATE, "LINUX", desc, 7);
	memset(desc, 2, sizeof(desc));
	put_note(NT_PRSTATUS, "CORE", desc, sizeof(desc));
	finish(1);
}

static void test_notes_in_order(void **state)
{
	(void)state;
	make_core();
	assert_int_equal(open_bytes(core_len), 0);
	assert_int_equal(stream.elf_machine, EM_X86_64);
	assert_int_equal(stream.elf_class, ELFCLASS64);
	assert_int_equal(snap_core_stream_next(&stream, &note), 1);
	assert_int_equal(note.type, NT_PRSTATUS);
	assert_true(snap_bytes_equal_str(note.name, "CORE"));
	assert_int_equal(note.desc_len, 336);
	assert_int_equal(note.desc.len, 336);
	assert_int_equal(note.desc.data[335], 1);
	assert_int_equal(snap_core_stream_next(&stream, &note), 1);
	assert_true(snap_bytes_equal_str(note.desc, "12345"));
	assert_int_equal(snap_core_stream_next(&stream, &note), 1);
	assert_true(snap_bytes_equal_str(note.name, "LINUX"));
	assert_int_equal(snap_core_stream_next(&stream, &note), 1);
	assert_int_equal(note.desc.data[0], 2);
	assert_int_equal(snap_core_stream_next(&stream, &note), 0);
	assert_int_equal(snap_core_stream_next(&stream, &note), 0);
}

static void test_nothing_behind_the_notes_is_read(void **state)
{
	(void)state;
	make_core();
	int fds[2];
	assert_int_equal(pipe(fds), 0);
	assert_int_equal(write(fds[1], core, core_len), core_len);
	assert_int_equal(write(fds[1], "memory", 6), 6);
	assert_int_equal(snap_core_stream_open(&stream, fds[0], NULL), 0);
	while (snap_core_stream_next(&stream, &note) > 0)
		;
	char rest[16];
	assert_int_equal(read(fds[0], rest, sizeof(rest)), 6);
	assert_memory_equal(rest, "memory", 6);
	assert_int_equal(close(fds[0]), 0);
	assert_int_equal(close(fds[1]), 0);
}

/* With what comes behind them, the copy is the core, however much of it was of no interest. */
static void test_copy_is_what_was_read(void **state)
{
	(void)state;
	make_core();
	int fds[2];
	struct snap_core_copy copy = {.fd = memfd_create("copy", MFD_CLOEXEC)};
	assert_true(copy.fd >= 0);
	assert_int_equal(pipe(fds), 0);
	assert_int_equal(write(fds[1], core, core_len), core_len);
	assert_int_equal(write(fds[1], "memory", 6), 6);
	assert_int_equal(snap_core_stream_open(&stream, fds[0], &copy), 0);
	assert_int_equal(snap_core_stream_next(&stream, &note), 1);
	for (int round = 0; round < 2; round++) {
		/* First in the midst of the notes, then behind them. */
		static uint8_t whole[sizeof(core) + 6];
		assert_int_equal(copy.error, 0);
		assert_int_equal(pread(copy.fd, whole, sizeof(whole), 0), copy.len);
		assert_memory_equal(whole, core, copy.len);
		while (round == 0 && snap_core_stream_next(&stream, &note) > 0)
			;
	}
	assert_int_equal(copy.len, core_len);
	assert_int_equal(close(copy.fd), 0);

	/* One that can't be written is no reason to read less. */
	copy = (struct snap_core_copy){.fd = open("/dev/full", O_WRONLY | O_CLOEXEC)};
	assert_true(copy.fd >= 0);
	int fd = memfd_create("core", MFD_CLOEXEC);
	assert_int_equal(pwrite(fd, core, core_len, 0), core_len);
	assert_int_equal(snap_core_stream_open(&stream, fd, &copy), 0);
	size_t num = 0;
	while (snap_core_stream_next(&stream, &note) > 0)
		num++;
	assert_int_equal(num, 4);
	assert_int_equal(copy.error, -ENOSPC);
	assert_int_equal(copy.len, 0);
	assert_int_equal(close(copy.fd), 0);
	assert_int_equal(close(fd), 0);
	assert_int_equal(close(fds[0]), 0);
	assert_int_equal(close(fds[1]), 0);
}

static void test_more_than_65535_segments(void **state)
{
	(void)state;
	/* Their number stands elsewhere; the notes begin far behind the first header. */
	begin(PN_XNUM, 9000);
	put_note(NT_PRSTATUS, "CORE", "x", 1);
	finish(9000);
	assert_int_equal(open_bytes(core_len), 0);
	assert_int_equal(snap_core_stream_next(&stream, &note), 1);
	assert_int_equal(note.type, NT_PRSTATUS);
	assert_int_equal(snap_core_stream_next(&stream, &note), 0);
}

static void test_notes_not_the_first_segment(void **state)
{
	(void)state;
	begin(3, 3);
	put_note(NT_PRSTATUS, "CORE", "x", 1);
	finish(3);
	phdr_of()[2] = phdr_of()[0];
	phdr_of()[0].p_type = PT_LOAD;
	assert_int_equal(open_bytes(core_len), 0);
	assert_int_equal(snap_core_stream_next(&stream, &note), 1);
}

static void test_32_bit_core(void **state)
{
	(void)state;
	core_len = 0;
	Elf32_Ehdr ehdr = {
		.e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS32, ELFDATA2LSB, EV_CURRENT},
		.e_type = ET_CORE,
		.e_machine = EM_386,
		.e_phoff = sizeof(Elf32_Ehdr),
		.e_phentsize = sizeof(Elf32_Phdr),
		.e_phnum = 1,
	};
	Elf32_Phdr ph = {
		.p_type = PT_NOTE,
		.p_offset = sizeof(ehdr) + sizeof(ph),
		.p_filesz = 12 + 8 + 4,
	};
	put(&ehdr, sizeof(ehdr));
	put(&ph, sizeof(ph));
	put_note(NT_PRSTATUS, "CORE", "abcd", 4);
	assert_int_equal(open_bytes(core_len), 0);
	assert_int_equal(stream.elf_machine, EM_386);
	assert_int_equal(snap_core_stream_next(&stream, &note), 1);
	assert_true(snap_bytes_equal_str(note.desc, "abcd"));
	assert_int_equal(snap_core_stream_next(&stream, &note), 0);
}

static void test_every_truncation_is_told(void **state)
{
	(void)state;
	make_core();
	for (size_t len = 0; len < core_len; len++) {
		int r = open_bytes(len);
		if (r == 0)
			while ((r = snap_core_stream_next(&stream, &note)) > 0)
				;
		assert_int_equal(r, -ENODATA);
	}
}

static void test_long_descriptor_is_cut_not_kept(void **state)
{
	(void)state;
	static uint8_t desc[100001];
	memset(desc, 7, sizeof(desc));
	begin(1, 1);
	put_note(NT_FILE, "CORE", desc, sizeof(desc));
	put_note(NT_PRSTATUS, "CORE", "x", 1);
	finish(1);
	assert_int_equal(open_bytes(core_len), 0);
	assert_int_equal(snap_core_stream_next(&stream, &note), 1);
	assert_int_equal(note.desc_len, sizeof(desc));
	assert_int_equal(note.desc.len, SNAP_CORE_MAX_DESC);
	assert_int_equal(snap_core_stream_next(&stream, &note), 1);
	assert_int_equal(note.type, NT_PRSTATUS);
	assert_int_equal(snap_core_stream_next(&stream, &note), 0);
}

static void test_long_name_is_passed_over(void **state)
{
	(void)state;
	begin(1, 1);
	put_note(1, "a name that no kernel ever wrote into a core", "abcd", 4);
	put_note(NT_PRSTATUS, "CORE", "x", 1);
	finish(1);
	assert_int_equal(open_bytes(core_len), 0);
	assert_int_equal(snap_core_stream_next(&stream, &note), 1);
	assert_null(note.name.data);
	assert_true(snap_bytes_equal_str(note.desc, "abcd"));
	assert_int_equal(snap_core_stream_next(&stream, &note), 1);
	assert_true(snap_bytes_equal_str(note.name, "CORE"));
}

static void test_lying_sizes(void **state)
{
	(void)state;
	static const uint32_t sizes[][2] = {
		{5, 5},
		{5, UINT32_MAX},
		{UINT32_MAX, 1},
		{UINT32_MAX, UINT32_MAX},
		{0x7fffffff, 0x7fffffff},
		{13, 1},
	};
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		begin(1, 1);
		put_note(NT_SIGINFO, "CORE", "x", 1);
		put_lying_note(sizes[i][0], sizes[i][1], NT_PRSTATUS, "CORE", "abcd", 4);
		finish(1);
		/* Memory follows the notes, but is none of theirs. */
		static const uint8_t memory[4096];
		size_t notes_end = core_len;
		put(memory, sizeof(memory));
		assert_int_equal(open_bytes(core_len), 0);
		assert_int_equal(snap_core_stream_next(&stream, &note), 1);
		assert_int_equal(snap_core_stream_next(&stream, &note), -EBADMSG);
		assert_true(stream.offset <= notes_end);
	}
}

static void test_last_note_may_lack_padding_but_not_its_header(void **state)
{
	(void)state;
	begin(1, 1);
	put_note(NT_PRSTATUS, "CORE", "abc", 3);
	core_len--;
	finish(1);
	assert_int_equal(open_bytes(core_len), 0);
	assert_int_equal(snap_core_stream_next(&stream, &note), 1);
	assert_int_equal(snap_core_stream_next(&stream, &note), 0);
	core_len++;
	put("12345678901", 11);
	finish(1);
	assert_int_equal(open_bytes(core_len), 0);
	assert_int_equal(snap_core_stream_next(&stream, &note), 1);
	assert_int_equal(snap_core_stream_next(&stream, &note), -EBADMSG);
}

static void test_what_is_no_core(void **state)
{
	(void)state;
	make_core();
	ehdr_of()->e_type = ET_EXEC;
	assert_int_equal(open_bytes(core_len), -ENOEXEC);
	make_core();
	core[0] = 0;
	assert_int_equal(open_bytes(core_len), -ENOEXEC);
	make_core();
	ehdr_of()->e_ident[EI_CLASS] = 3;
	assert_int_equal(open_bytes(core_len), -ENOEXEC);
	make_core();
	ehdr_of()->e_phnum = 0;
	assert_int_equal(open_bytes(core_len), -ENOEXEC);
	make_core();
	phdr_of()->p_type = PT_LOAD;
	assert_int_equal(open_bytes(core_len), -ENOEXEC);
	memset(core, 'g', 4096);
	assert_int_equal(open_bytes(4096), -ENOEXEC);
}

static void test_lying_headers(void **state)
{
	(void)state;
	make_core();
	ehdr_of()->e_phentsize = 1;
	assert_int_equal(open_bytes(core_len), -EBADMSG);
	make_core();
	ehdr_of()->e_phoff = 8; /* within the ELF header */
	assert_int_equal(open_bytes(core_len), -EBADMSG);
	make_core();
	ehdr_of()->e_phoff = UINT64_MAX;
	assert_int_equal(open_bytes(core_len), -ENODATA);
	make_core();
	phdr_of()->p_offset = 0;
	assert_int_equal(open_bytes(core_len), -EBADMSG);
	make_core();
	phdr_of()->p_offset = UINT64_MAX;
	assert_int_equal(open_bytes(core_len), -EBADMSG);
	make_core();
	phdr_of()->p_filesz = UINT64_MAX;
	assert_int_equal(open_bytes(core_len), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_notes_in_order),
		cmocka_unit_test(test_nothing_behind_the_notes_is_read),
		cmocka_unit_test(test_copy_is_what_was_read),
		cmocka_unit_test(test_more_than_65535_segments),
		cmocka_unit_test(test_notes_not_the_first_segment),
		cmocka_unit_test(test_32_bit_core),
		cmocka_unit_test(test_every_truncation_is_told),
		cmocka_unit_test(test_long_descriptor_is_cut_not_kept),
		cmocka_unit_test(test_long_name_is_passed_over),
		cmocka_unit_test(test_lying_sizes),
		cmocka_unit_test(test_last_note_may_lack_padding_but_not_its_header),
		cmocka_unit_test(test_what_is_no_core),
		cmocka_unit_test(test_lying_headers),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
