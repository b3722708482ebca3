/*
 * Sources: gcc 12's <bits/basic_string.h>, <bits/cow_string.h>, <string_view>; LLVM 14's
 * libcxx/include/string and libcxx/src/include/refstring.h. All of machines with 64 bits.
 */
#include "analyze/explain/cxx_value.h"

#include <elf.h>
#include <inttypes.h>
#include <string.h>

#include "analyze/symbols/static_memory.h"
#include "common/escape.h"

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

/* No memory is as low, and no text as long. */
#define MIN_ADDR UINT64_C(4096)
#define MAX_LEN	 (UINT64_C(1) << 48)
/* In front of characters that are counted there: where their number is. */
#define COUNTED_LEN 24u

enum layout {
	SIGNED_32,
	UNSIGNED_32,
	SIGNED_64,
	UNSIGNED_64,
	POINTER, /* to characters up to a NUL */
	STRING,	 /* libstdc++'s: pointer, length, room or the characters themselves */
	COUNTED, /* the one from before C++11: a pointer to characters that are counted in front */
	LLVM,	 /* libc++'s: room, length, pointer, or the characters themselves */
	VIEW,	 /* libstdc++'s: length, pointer */
	LLVM_VIEW, /* libc++'s: pointer, length */
};

static const struct value_type {
	const char *mangled;
	enum layout layout;
	const char *short_name;
} value_types[] = {
	{"i", SIGNED_32, NULL},
	{"j", UNSIGNED_32, NULL},
	{"l", SIGNED_64, NULL},
	{"x", SIGNED_64, NULL},
	{"m", UNSIGNED_64, NULL},
	{"y", UNSIGNED_64, NULL},
	{"PKc", POINTER, NULL},
	{"Pc", POINTER, NULL},
	{"NSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEEE", STRING, "std::string"},
	{"Ss", COUNTED, "std::string"},
	{"NSt3__112basic_stringIcNS_11char_traitsIcEENS_9allocatorIcEEEE", LLVM, "std::string"},
	{"NSt6__ndk112basic_stringIcNS_11char_traitsIcEENS_9allocatorIcEEEE", LLVM, "std::string"},
	{"St17basic_string_viewIcSt11char_traitsIcEE", VIEW, "std::string_view"},
	{"NSt3__117basic_string_viewIcNS_11char_traitsIcEEEE", LLVM_VIEW, "std::string_view"},
	{"NSt6__ndk117basic_string_viewIcNS_11char_traitsIcEEEE", LLVM_VIEW, "std::string_view"},
};

static const struct value_type *find_type(const char *mangled)
{
	for (size_t i = 0; i < ARRAY_LEN(value_types); i++)
		if (strcmp(mangled, value_types[i].mangled) == 0)
			return &value_types[i];
	return NULL;
}

enum snap_cxx_kind snap_cxx_kind(const char *mangled)
{
	const struct value_type *type = find_type(mangled);
	return !type ? SNAP_CXX_OTHER : type->layout < POINTER ? SNAP_CXX_NUMBER : SNAP_CXX_TEXT;
}

const char *snap_cxx_short_name(const char *mangled)
{
	const struct value_type *type = find_type(mangled);
	return type ? type->short_name : NULL;
}

/* ---------------------------------------------------------------- texts */

/* len bytes at addr; is_c: only those up to a NUL, if there is one. */
static int tell(struct snap_crash *crash, uint64_t addr, uint64_t len, bool is_c,
	struct snap_cxx_value *ret)
{
	uint8_t bytes[SNAP_CXX_MAX_TEXT + 1];
	static const char ellipsis[] = "...";
	char text[SNAP_CXX_MAX_TEXT + sizeof(ellipsis)];
	size_t want = len < sizeof(bytes) ? (size_t)len : sizeof(bytes);
	size_t have = snap_static_read(crash, addr, bytes, want);
	const uint8_t *nul = is_c && have > 0 ? memchr(bytes, '\0', have) : NULL;
	bool is_whole = nul || have == len;
	ret->state =
		nul || have == want ? SNAP_EXCEPTION_TEXT_KNOWN : SNAP_EXCEPTION_TEXT_NOT_CAPTURED;
	if (have == 0 && want > 0)
		return 0;
	/* What does not fit is left out by whole characters. */
	struct snap_bytes shown = snap_bytes(bytes, nul ? (size_t)(nul - bytes) : have);
	is_whole &= snap_escape(shown, SNAP_ESCAPE_INVALID, text, SNAP_CXX_MAX_TEXT + 1) <=
		    SNAP_CXX_MAX_TEXT;
	if (!is_whole)
		strcat(text, ellipsis); /* there is room */
	ret->text = snap_arena_copy(&crash->arena, snap_bytes_str(text));
	return ret->text ? 0 : -1;
}

static int tell_c_string(struct snap_crash *crash, uint64_t addr, struct snap_cxx_value *ret)
{
	return addr < MIN_ADDR ? 0 : tell(crash, addr, UINT64_MAX, true, ret);
}

/* One that has a length, and a NUL behind it. What is not there does not speak against it. */
static int tell_string(struct snap_crash *crash, uint64_t addr, uint64_t len, bool is_c,
	struct snap_cxx_value *ret)
{
	uint8_t end;
	if (addr < MIN_ADDR || len > MAX_LEN ||
		(snap_static_read(crash, addr + len, &end, 1) == 1 && end != '\0'))
		return 0;
	return tell(crash, addr, len, is_c, ret);
}

static int tell_counted(
	struct snap_crash *crash, uint64_t addr, bool is_c, struct snap_cxx_value *ret)
{
	uint64_t len;
	if (addr < MIN_ADDR)
		return 0;
	return snap_static_word(crash, addr - COUNTED_LEN, &len)
		       ? tell_string(crash, addr, len, is_c, ret)
		       : tell_c_string(crash, addr, ret);
}

/* What does not fit into the string itself is elsewhere, with more room than that has. */
static int tell_libstdcxx(struct snap_crash *crash, uint64_t object, const uint64_t words[3],
	struct snap_cxx_value *ret)
{
	const uint64_t own_room = 16; /* with the NUL */
	bool is_own = words[0] == object + 16;
	if (is_own ? words[1] >= own_room : words[2] < own_room || words[1] > words[2])
		return 0;
	return tell_string(crash, words[0], words[1], false, ret);
}

/* A bit of the first byte says which of the two it is (print_libcxx.c). */
static int tell_llvm(struct snap_crash *crash, uint64_t object, const uint64_t words[3],
	struct snap_cxx_value *ret)
{
	const uint64_t own_room = 23;
	bool is_big = crash->arch->elf_data == ELFDATA2MSB;
	uint64_t first = is_big ? words[0] >> 56 : words[0] & 0xff;
	uint64_t flag = is_big ? UINT64_C(1) << 63 : 1;
	if (words[0] & flag)
		return words[1] < (words[0] & ~flag)
			       ? tell_string(crash, words[2], words[1], false, ret)
			       : 0;
	uint64_t len = is_big ? first : first >> 1;
	return len < own_room ? tell_string(crash, object + 1, len, false, ret) : 0;
}

/* ---------------------------------------------------------------- values */

static int tell_number(
	struct snap_crash *crash, enum layout layout, uint64_t addr, struct snap_cxx_value *ret)
{
	uint8_t bytes[8];
	unsigned int size = layout == SIGNED_32 || layout == UNSIGNED_32 ? 4 : 8;
	if (snap_static_read(crash, addr, bytes, size) != size) {
		ret->state = SNAP_EXCEPTION_TEXT_NOT_CAPTURED;
		return 0;
	}
	uint64_t value = snap_arch_load(crash->arch, bytes, size);
	ret->state = SNAP_EXCEPTION_TEXT_KNOWN;
	ret->text = layout == SIGNED_32
			    ? snap_crash_format(crash, "%" PRId32, (int32_t)(uint32_t)value)
		    : layout == SIGNED_64 ? snap_crash_format(crash, "%" PRId64, (int64_t)value)
					  : snap_crash_format(crash, "%" PRIu64, value);
	return ret->text ? 0 : -1;
}

int snap_cxx_value_read(
	struct snap_crash *crash, const char *mangled, uint64_t addr, struct snap_cxx_value *ret)
{
	static const unsigned int num_words[] = {[POINTER] = 1,
		[COUNTED] = 1,
		[STRING] = 3,
		[LLVM] = 3,
		[VIEW] = 2,
		[LLVM_VIEW] = 2};
	const struct value_type *type = find_type(mangled);
	uint64_t words[3] = {0};
	*ret = (struct snap_cxx_value){0};
	if (!type)
		return 0;
	if (type->layout < POINTER)
		return tell_number(crash, type->layout, addr, ret);
	for (unsigned int i = 0; i < num_words[type->layout]; i++)
		if (!snap_static_word(crash, addr + 8 * (uint64_t)i, &words[i])) {
			ret->state = SNAP_EXCEPTION_TEXT_NOT_CAPTURED;
			return 0;
		}
	switch (type->layout) {
	case POINTER:
		return tell_c_string(crash, words[0], ret);
	case COUNTED:
		return tell_counted(crash, words[0], false, ret);
	case STRING:
		return tell_libstdcxx(crash, addr, words, ret);
	case LLVM:
		return tell_llvm(crash, addr, words, ret);
	default: {
		bool is_llvm = type->layout == LLVM_VIEW;
		uint64_t text_addr = words[is_llvm ? 0 : 1], len = words[is_llvm ? 1 : 0];
		return len > MAX_LEN || (text_addr < MIN_ADDR && len > 0)
			       ? 0
			       : tell(crash, text_addr, len, false, ret);
	}
	}
}

int snap_cxx_what_read(struct snap_crash *crash, uint64_t addr, struct snap_cxx_value *ret)
{
	uint64_t text_addr;
	*ret = (struct snap_cxx_value){0};
	if (!snap_static_word(crash, addr, &text_addr)) {
		ret->state = SNAP_EXCEPTION_TEXT_NOT_CAPTURED;
		return 0;
	}
	return tell_counted(crash, text_addr, true, ret);
}
