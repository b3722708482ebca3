/* common/elf_notes: both byte orders, both paddings, and notes that lie about their sizes. */
#include "common/elf_notes.h"

#include <elf.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

static uint8_t notes[256];
static size_t notes_len;
static uint8_t *copy; /* what note points into */
static struct snap_elf_note note;

static void put32(uint32_t value, uint8_t elf_data)
{
	for (unsigned int i = 0; i < 4; i++)
		notes[notes_len++] = (uint8_t)(value >> 8 * (elf_data == ELFDATA2LSB ? i : 3 - i));
}

static void put(const void *data, size_t len, unsigned int align)
{
	memcpy(notes + notes_len, data, len);
	notes_len += len;
	while (notes_len % align != 0)
		notes[notes_len++] = 0xee; /* padding has no meaning */
}

static void put_note(uint8_t elf_data, unsigned int align, uint32_t type, const char *name,
	size_t namesz, const char *desc, size_t descsz)
{
	put32((uint32_t)namesz, elf_data);
	put32((uint32_t)descsz, elf_data);
	put32(type, elf_data);
	put(name, namesz, align);
	put(desc, descsz, align);
}

/* The first len bytes, in memory of exactly that size. */
static int next_of(size_t len, size_t *offset, uint8_t elf_data, unsigned int align)
{
	free(copy);
	copy = malloc(len ? len : 1);
	assert_non_null(copy);
	memcpy(copy, notes, len);
	size_t before = *offset;
	int r = snap_elf_note_next(snap_bytes(copy, len), offset, elf_data, align, &note);
	if (r == 1) {
		assert_true(*offset > before && *offset <= len);
		assert_true(note.name.data >= copy && note.name.data + note.name.len <= copy + len);
		assert_true(note.desc.data >= copy && note.desc.data + note.desc.len <= copy + len);
	} else {
		assert_int_equal(*offset, before);
	}
	return r;
}

static void assert_note(uint32_t type, const char *name, const char *desc)
{
	assert_int_equal(note.type, type);
	assert_true(snap_bytes_equal_str(note.name, name));
	assert_true(snap_bytes_equal_str(note.desc, desc));
}

static void assert_walk(uint8_t elf_data, unsigned int align)
{
	size_t offset = 0;
	notes_len = 0;
	put_note(elf_data, align, 3, "GNU", 4, "0123456789", 10);
	put_note(elf_data, align, 0xfffffff0, "CORE", 5, "", 0);
	put_note(elf_data, align, 1, "", 0, "abc", 3);
	put_note(elf_data, align, 5, "NoNul", 5, "12345678", 8);
	assert_int_equal(next_of(notes_len, &offset, elf_data, align), 1);
	assert_note(3, "GNU", "0123456789");
	assert_int_equal(next_of(notes_len, &offset, elf_data, align), 1);
	assert_note(0xfffffff0, "CORE", "");
	assert_int_equal(next_of(notes_len, &offset, elf_data, align), 1);
	assert_note(1, "", "abc");
	assert_int_equal(next_of(notes_len, &offset, elf_data, align), 1);
	assert_note(5, "NoNul", "12345678");
	assert_int_equal(offset, notes_len);
	assert_int_equal(next_of(notes_len, &offset, elf_data, align), 0);
}

static void test_elf_notes_little_endian(void **state)
{
	(void)state;
	assert_walk(ELFDATA2LSB, 4);
}

static void test_elf_notes_big_endian(void **state)
{
	(void)state;
	assert_walk(ELFDATA2MSB, 4);
}

static void test_elf_notes_padded_to_8(void **state)
{
	(void)state;
	assert_walk(ELFDATA2LSB, 8);
	assert_walk(ELFDATA2MSB, 8);
	/* GNU properties as linkers write them: their name ends at 16, where the descriptor begins
	 * with either padding; the next note does not. */
	size_t offset = 0;
	notes_len = 0;
	put_note(ELFDATA2LSB, 8, NT_GNU_PROPERTY_TYPE_0, "GNU", 4, "123456789abc", 12);
	put_note(ELFDATA2LSB, 8, NT_GNU_BUILD_ID, "GNU", 4, "id", 2);
	assert_int_equal(next_of(notes_len, &offset, ELFDATA2LSB, 8), 1);
	assert_int_equal(offset, 32);
	assert_int_equal(next_of(notes_len, &offset, ELFDATA2LSB, 8), 1);
	assert_note(NT_GNU_BUILD_ID, "GNU", "id");
}

static void test_elf_notes_last_one_may_lack_its_padding(void **state)
{
	(void)state;
	notes_len = 0;
	put_note(ELFDATA2LSB, 4, 3, "GNU", 4, "12345", 5);
	for (size_t len = 12 + 4 + 5; len <= notes_len; len++) {
		size_t offset = 0;
		assert_int_equal(next_of(len, &offset, ELFDATA2LSB, 4), 1);
		assert_note(3, "GNU", "12345");
		assert_int_equal(offset, len);
		assert_int_equal(next_of(len, &offset, ELFDATA2LSB, 4), 0);
	}
}

static void test_elf_notes_truncated_header(void **state)
{
	(void)state;
	notes_len = 0;
	put_note(ELFDATA2LSB, 4, 3, "GNU", 4, "12345", 5);
	size_t second = notes_len;
	put_note(ELFDATA2LSB, 4, 3, "GNU", 4, "12345", 5);
	for (size_t len = 1; len < SNAP_NOTE_HEADER_BYTES; len++) {
		size_t offset = 0;
		assert_int_equal(next_of(len, &offset, ELFDATA2LSB, 4), -EBADMSG);
		offset = second;
		assert_int_equal(next_of(second + len, &offset, ELFDATA2LSB, 4), -EBADMSG);
	}
}

static void test_elf_notes_truncated_name(void **state)
{
	(void)state;
	notes_len = 0;
	put_note(ELFDATA2LSB, 4, 3, "A long name", 12, "", 0);
	for (size_t len = SNAP_NOTE_HEADER_BYTES; len < notes_len; len++) {
		size_t offset = 0;
		assert_int_equal(next_of(len, &offset, ELFDATA2LSB, 4), -EBADMSG);
	}
}

static void test_elf_notes_truncated_descriptor(void **state)
{
	(void)state;
	notes_len = 0;
	put_note(ELFDATA2LSB, 4, 3, "GNU", 4, "12345678", 8);
	for (size_t len = 16; len < notes_len; len++) {
		size_t offset = 0;
		assert_int_equal(next_of(len, &offset, ELFDATA2LSB, 4), -EBADMSG);
	}
}

static void test_elf_notes_lying_sizes(void **state)
{
	(void)state;
	static const uint32_t lies[] = {65, 0x1000, 0x7fffffff, 0x80000000, 0xfffffff0, 0xfffffff4,
		0xfffffffc, 0xfffffffd, 0xffffffff};
	for (unsigned int align = 4; align <= 8; align += 4) {
		for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
			for (int which = 0; which < 3; which++) {
				size_t offset = 0;
				notes_len = 0;
				put32(which != 1 ? lies[i] : 4, ELFDATA2LSB);
				put32(which != 0 ? lies[i] : 4, ELFDATA2LSB);
				put32(3, ELFDATA2LSB);
				put("GNU", 4, 4);
				put("0123456789abcdef0123456789abcdef0123456789abcdef", 48, 4);
				assert_int_equal(
					next_of(notes_len, &offset, ELFDATA2LSB, align), -EBADMSG);
			}
		}
	}
}

static void test_elf_notes_random_bytes(void **state)
{
	(void)state;
	srandom(5);
	for (int round = 0; round < 50000; round++) {
		notes_len = (size_t)random() % 64;
		for (size_t i = 0; i < notes_len; i++)
			notes[i] = (uint8_t)(i % 4 == 0	    ? random() % 20
					     : random() % 9 ? 0
							    : random());
		size_t offset = 0, steps = 0;
		uint8_t elf_data = random() & 1 ? ELFDATA2LSB : ELFDATA2MSB;
		unsigned int align = random() & 1 ? 4 : 8;
		int r;
		while ((r = next_of(notes_len, &offset, elf_data, align)) == 1)
			steps++;
		assert_true(r == 0 ? offset == notes_len : r == -EBADMSG);
		assert_true(steps <= notes_len / SNAP_NOTE_HEADER_BYTES);
	}
}

static int free_copy(void **state)
{
	(void)state;
	free(copy);
	copy = NULL;
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_elf_notes_little_endian),
		cmocka_unit_test(test_elf_notes_big_endian),
		cmocka_unit_test(test_elf_notes_padded_to_8),
		cmocka_unit_test(test_elf_notes_last_one_may_lack_its_padding),
		cmocka_unit_test(test_elf_notes_truncated_header),
		cmocka_unit_test(test_elf_notes_truncated_name),
		cmocka_unit_test(test_elf_notes_truncated_descriptor),
		cmocka_unit_test(test_elf_notes_lying_sizes),
		cmocka_unit_test(test_elf_notes_random_bytes),
	};
	return cmocka_run_group_tests(tests, NULL, free_copy);
}
