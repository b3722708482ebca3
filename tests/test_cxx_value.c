/* analyze/explain/cxx_value: what a thrown text or number says, from memory that is made here,
 * captured or not, and what makes no sense. */
#include "analyze/explain/cxx_value.h"

#include <elf.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#define MEMORY	  0x7000u
#define LIBSTDCXX "NSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEEE"
#define LIBCXX	  "NSt3__112basic_stringIcNS_11char_traitsIcEENS_9allocatorIcEEEE"
#define VIEW	  "St17basic_string_viewIcSt11char_traitsIcEE"
#define LLVM_VIEW "NSt3__117basic_string_viewIcNS_11char_traitsIcEEEE"

static struct snap_crash crash;
static uint8_t memory[4096];

static void begin(uint8_t elf_data)
{
	snap_crash_init(&crash, "test");
	crash.arch = elf_data == ELFDATA2MSB ? snap_arch_find(EM_PPC64, ELFCLASS64, elf_data)
					     : snap_arch_find(EM_X86_64, ELFCLASS64, elf_data);
	assert_non_null(crash.arch);
	const struct snap_memory_segment segment = {
		.start = MEMORY, .len = sizeof(memory), .data = memory};
	assert_int_equal(snap_memory_add(&crash.memory, &segment, NULL), 0);
	assert_int_equal(snap_memory_finish(&crash.memory, NULL), 0);
	memset(memory, 0, sizeof(memory));
}

static void end(void)
{
	snap_crash_deinit(&crash);
}

static void put(size_t at, uint64_t value)
{
	for (size_t i = 0; i < 8; i++)
		memory[at + i] =
			(uint8_t)(value >> 8 * (crash.arch->elf_data == ELFDATA2MSB ? 7 - i : i));
}

static void put_text(size_t at, const char *text)
{
	memcpy(memory + at, text, strlen(text) + 1);
}

static void assert_value_is(
	const struct snap_cxx_value *value, enum snap_exception_text state, const char *text)
{
	assert_int_equal(value->state, state);
	if (text) {
		assert_non_null(value->text);
		assert_string_equal(value->text, text);
	} else {
		assert_null(value->text);
	}
}

static void assert_at(
	uint64_t addr, const char *mangled, enum snap_exception_text state, const char *text)
{
	struct snap_cxx_value value;
	assert_int_equal(snap_cxx_value_read(&crash, mangled, addr, &value), 0);
	assert_value_is(&value, state, text);
}

#define assert_says(mangled, text) assert_at(MEMORY, mangled, SNAP_EXCEPTION_TEXT_KNOWN, text)
#define assert_lacks(mangled, text)                                                                \
	assert_at(MEMORY, mangled, SNAP_EXCEPTION_TEXT_NOT_CAPTURED, text)
#define assert_unknown(mangled) assert_at(MEMORY, mangled, SNAP_EXCEPTION_TEXT_UNKNOWN, NULL)

static void test_cxx_value_kinds(void **state)
{
	(void)state;
	assert_int_equal(snap_cxx_kind("i"), SNAP_CXX_NUMBER);
	assert_int_equal(snap_cxx_kind("PKc"), SNAP_CXX_TEXT);
	assert_int_equal(snap_cxx_kind(LIBSTDCXX), SNAP_CXX_TEXT);
	assert_int_equal(snap_cxx_kind("St13runtime_error"), SNAP_CXX_OTHER);
	assert_int_equal(snap_cxx_kind(""), SNAP_CXX_OTHER);
	assert_string_equal(snap_cxx_short_name(LIBCXX), "std::string");
	assert_null(snap_cxx_short_name("PKc"));
	assert_null(snap_cxx_short_name("N3app5ErrorE"));
}

static void test_cxx_value_numbers(void **state)
{
	(void)state;
	begin(ELFDATA2LSB);
	put(0, UINT64_MAX - 4);
	assert_says("i", "-5");
	assert_says("j", "4294967291");
	assert_says("l", "-5");
	assert_says("y", "18446744073709551611");
	assert_unknown("N3app5ErrorE");
	assert_at(MEMORY + sizeof(memory) - 4, "i", SNAP_EXCEPTION_TEXT_KNOWN, "0");
	assert_at(MEMORY + sizeof(memory) - 4, "l", SNAP_EXCEPTION_TEXT_NOT_CAPTURED, NULL);
	assert_at(UINT64_MAX - 3, "l", SNAP_EXCEPTION_TEXT_NOT_CAPTURED, NULL);
	end();
}

static void test_cxx_value_c_strings(void **state)
{
	(void)state;
	begin(ELFDATA2LSB);
	put(0, MEMORY + 100);
	assert_says("PKc", "");
	put_text(100, "tab \t, \x1b[31m, \xc3\xbc, \xff");
	assert_says("PKc", "tab \t, \x1b[31m, \xc3\xbc, \\xff");
	assert_says("Pc", "tab \t, \x1b[31m, \xc3\xbc, \\xff");
	/* 1,024 bytes are told, and not a part of a character. */
	memset(memory + 100, 'x', 1024);
	memory[1124] = '\0';
	struct snap_cxx_value value;
	assert_int_equal(snap_cxx_value_read(&crash, "PKc", MEMORY, &value), 0);
	assert_int_equal(strlen(value.text), 1024);
	memory[1124] = 'y';
	assert_int_equal(snap_cxx_value_read(&crash, "PKc", MEMORY, &value), 0);
	assert_int_equal(value.state, SNAP_EXCEPTION_TEXT_KNOWN);
	assert_int_equal(strlen(value.text), 1027);
	assert_string_equal(value.text + 1022, "xx...");
	memcpy(memory + 1122, "\xe4\xb8\xad", 3);
	assert_int_equal(snap_cxx_value_read(&crash, "PKc", MEMORY, &value), 0);
	assert_string_equal(value.text + 1020, "xx...");
	/* Only its beginning, or nothing; and what is none. */
	put_text(sizeof(memory) - 4, "abc");
	memory[sizeof(memory) - 1] = 'd';
	put(0, MEMORY + sizeof(memory) - 4);
	assert_lacks("PKc", "abcd...");
	put(0, MEMORY + sizeof(memory));
	assert_lacks("PKc", NULL);
	put(0, UINT64_MAX);
	assert_lacks("PKc", NULL);
	put(0, 0);
	assert_unknown("PKc");
	assert_at(MEMORY + sizeof(memory) - 7, "PKc", SNAP_EXCEPTION_TEXT_NOT_CAPTURED, NULL);
	end();
}

static void test_cxx_value_strings(void **state)
{
	(void)state;
	begin(ELFDATA2LSB);
	/* In itself. */
	put(0, MEMORY + 16);
	assert_says(LIBSTDCXX, "");
	put(8, 15);
	put_text(16, "123456789012345");
	assert_says(LIBSTDCXX, "123456789012345");
	put(8, 14);
	assert_unknown(LIBSTDCXX); /* no NUL is behind it */
	put(8, 16);
	assert_unknown(LIBSTDCXX);
	/* Elsewhere. */
	put(0, MEMORY + 100);
	put(8, 5);
	put(16, 16);
	memcpy(memory + 100, "a\0b\xff\"", 6);
	assert_says(LIBSTDCXX, "a\\x00b\\xff\"");
	put(16, 15);
	assert_unknown(LIBSTDCXX);
	put(8, 17);
	put(16, 16);
	assert_unknown(LIBSTDCXX);
	put(8, UINT64_MAX);
	put(16, UINT64_MAX);
	assert_unknown(LIBSTDCXX);
	put(0, 0);
	put(8, 5);
	assert_unknown(LIBSTDCXX);
	/* Not captured, as a whole or in part. */
	put(0, 0x19000);
	assert_lacks(LIBSTDCXX, NULL);
	put(0, MEMORY + sizeof(memory) - 3);
	memcpy(memory + sizeof(memory) - 3, "end", 3);
	assert_lacks(LIBSTDCXX, "end...");
	put(8, 3);
	assert_says(LIBSTDCXX, "end");
	assert_at(MEMORY + sizeof(memory) - 16, LIBSTDCXX, SNAP_EXCEPTION_TEXT_NOT_CAPTURED, NULL);
	/* Long ones are cut. */
	memset(memory + 100, 'x', 2000);
	put(0, MEMORY + 100);
	put(8, 2000);
	put(16, 2000);
	struct snap_cxx_value value;
	assert_int_equal(snap_cxx_value_read(&crash, LIBSTDCXX, MEMORY, &value), 0);
	assert_int_equal(value.state, SNAP_EXCEPTION_TEXT_KNOWN);
	assert_int_equal(strlen(value.text), 1027);
	/* Escapes take four each, and none is cut. */
	memset(memory + 101, 0xff, 1999);
	assert_int_equal(snap_cxx_value_read(&crash, LIBSTDCXX, MEMORY, &value), 0);
	assert_int_equal(strlen(value.text), 1 + 4 * 255 + 3);
	/* From before C++11. */
	put(0, MEMORY + 224);
	put(200, 3);
	memcpy(memory + 224, "a\0b", 4);
	assert_says("Ss", "a\\x00b");
	assert_int_equal(snap_cxx_what_read(&crash, MEMORY, &value), 0);
	assert_value_is(&value, SNAP_EXCEPTION_TEXT_KNOWN, "a");
	put(200, 2);
	assert_unknown("Ss");
	end();
}

static void test_cxx_value_libcxx_strings(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 2; i++) {
		begin(i ? ELFDATA2MSB : ELFDATA2LSB);
		/* In itself. */
		memory[0] = (uint8_t)(i ? 22 : 22 << 1);
		put_text(1, "1234567890123456789012");
		assert_says(LIBCXX, "1234567890123456789012");
		memory[0] = (uint8_t)(i ? 21 : 21 << 1);
		assert_unknown(LIBCXX);
		memory[0] = (uint8_t)(i ? 23 : 23 << 1);
		assert_unknown(LIBCXX);
		memory[0] = 0;
		memory[1] = 0;
		assert_says(LIBCXX, "");
		/* Elsewhere. */
		uint64_t flag = i ? UINT64_C(1) << 63 : 1;
		put(0, 32 | flag);
		put(8, 25);
		put(16, MEMORY + 100);
		put_text(100, "abcdefghijklmnopqrstuvwxy");
		assert_says(LIBCXX, "abcdefghijklmnopqrstuvwxy");
		put(8, 32);
		assert_unknown(LIBCXX);
		put(8, 31);
		put(16, 0x19000);
		assert_lacks(LIBCXX, NULL);
		put(16, 0);
		assert_unknown(LIBCXX);
		put(0, UINT64_MAX);
		put(8, UINT64_MAX / 2 - 1);
		put(16, MEMORY + 100);
		assert_unknown(LIBCXX);
		end();
	}
}

static void test_cxx_value_views(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 2; i++) {
		const char *mangled = i ? LLVM_VIEW : VIEW;
		begin(ELFDATA2LSB);
		size_t len_at = i ? 8 : 0, addr_at = i ? 0 : 8;
		assert_says(mangled, "");
		put_text(100, "paper and ink");
		put(len_at, 5);
		put(addr_at, MEMORY + 100);
		assert_says(mangled, "paper");
		put(len_at, UINT64_MAX);
		assert_unknown(mangled);
		put(len_at, 1);
		put(addr_at, 0x19000);
		assert_lacks(mangled, NULL);
		put(addr_at, 0);
		assert_unknown(mangled);
		end();
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cxx_value_kinds),
		cmocka_unit_test(test_cxx_value_numbers),
		cmocka_unit_test(test_cxx_value_c_strings),
		cmocka_unit_test(test_cxx_value_strings),
		cmocka_unit_test(test_cxx_value_libcxx_strings),
		cmocka_unit_test(test_cxx_value_views),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
