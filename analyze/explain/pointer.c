#include "analyze/explain/pointer.h"

#include <elf.h>
#include <string.h>

#include "analyze/explain/evidence.h"

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

static const char deadbeef[] =
	"0xdeadbeef is what memory is filled with that must not be used: freed, or not initialised";

/* Four bytes that are repeated. Bytes that are all alike first: */
static const struct {
	uint32_t value;
	enum snap_pointer_origin origin;
	const char *words;
} patterns[] = {
	{0x5a5a5a5a, SNAP_POINTER_FREED,
		"0x5a bytes are what jemalloc fills freed memory with: a use after free"},
	{0x6b6b6b6b, SNAP_POINTER_FREED,
		"0x6b bytes are what freed memory is filled with where slab poisoning is the "
		"model: a use after free"},
	{0xa5a5a5a5, SNAP_POINTER_UNINITIALISED,
		"0xa5 bytes are what jemalloc fills new memory with: an uninitialised value"},
	{0xaaaaaaaa, SNAP_POINTER_UNINITIALISED,
		"0xaa bytes are what clang's -ftrivial-auto-var-init=pattern fills variables with: "
		"an uninitialised value"},
	{0xfefefefe, SNAP_POINTER_UNINITIALISED,
		"0xfe bytes are what gcc's -ftrivial-auto-var-init=pattern fills variables with: "
		"an uninitialised value"},
	{0xbebebebe, SNAP_POINTER_UNINITIALISED,
		"0xbe bytes are what AddressSanitizer fills new memory with: an uninitialised "
		"value"},
	{0xcdcdcdcd, SNAP_POINTER_UNINITIALISED,
		"0xcd bytes are what debugging allocators fill new memory with: an uninitialised "
		"value"},
	{0xdddddddd, SNAP_POINTER_FREED,
		"0xdd bytes are what debugging allocators fill freed memory with: a use after "
		"free"},
	{0xdeadbeef, SNAP_POINTER_UNUSABLE, deadbeef},
	{0xbaadf00d, SNAP_POINTER_UNINITIALISED,
		"0xbaadf00d is what new memory is filled with by debugging allocators: an "
		"uninitialised value"},
	{0xfeeefeee, SNAP_POINTER_FREED,
		"0xfeee is what debugging allocators fill freed memory with: a use after free"},
};

/* What a member's offset changes in such a pointer. */
#define OFFSET_BITS 12

/* Its index in the list; -1: none of them. */
static int find_pattern(const struct snap_arch *arch, uint64_t value)
{
	for (size_t i = 0; i < ARRAY_LEN(patterns); i++) {
		uint64_t pattern = patterns[i].value;
		if (arch->elf_class == ELFCLASS64)
			pattern |= pattern << 32;
		/* The offset may have carried into what is above it; small ones do not. A pointer
		 * that begins in the middle of 64 bits: 0xdeadbeef itself. */
		if (value >> OFFSET_BITS == pattern >> OFFSET_BITS ||
			(patterns[i].words == deadbeef && arch->elf_class == ELFCLASS64 &&
				value >> OFFSET_BITS == 0xdeadbeef >> OFFSET_BITS))
			return (int)i;
	}
	return -1;
}

/* Eight equal bytes, but for an offset; what is all zeros or ones is small, or the kernel's. */
static bool is_filled(uint64_t value)
{
	uint64_t byte = value >> 56;
	return byte != 0 && byte != 0xff &&
	       value >> OFFSET_BITS == byte * UINT64_C(0x0101010101010101) >> OFFSET_BITS;
}

const char *snap_pointer_pattern(const struct snap_arch *arch, uint64_t value)
{
	int found = find_pattern(arch, value);
	return found < 0 ? NULL : patterns[found].words;
}

enum snap_pointer_origin snap_pointer_origin(const struct snap_arch *arch, uint64_t value)
{
	char text[9];
	int found = find_pattern(arch, value);
	if (found >= 0)
		return patterns[found].origin;
	if (arch->elf_class != ELFCLASS64)
		return SNAP_POINTER_PLAIN;
	return snap_pointer_text(arch, value, text) ? SNAP_POINTER_TEXT
	       : is_filled(value)		    ? SNAP_POINTER_FILLED
						    : SNAP_POINTER_PLAIN;
}

/* Bits below are what pointers to one object and the next differ by. */
#define LOWEST_FLIP 32
/* Nothing may be mapped so near: it would be as good an explanation. */
#define FAR (UINT64_C(1) << 30)

static bool is_lonely(const struct snap_crash *crash, uint64_t addr)
{
	size_t low = 0, high = crash->num_mappings;
	while (low < high) {
		size_t mid = low + (high - low) / 2;
		if (crash->mappings[mid].end <= addr)
			low = mid + 1;
		else
			high = mid;
	}
	if (low > 0 && addr - crash->mappings[low - 1].end < FAR)
		return false;
	return low == crash->num_mappings ||
	       (crash->mappings[low].start > addr && crash->mappings[low].start - addr >= FAR);
}

bool snap_pointer_flipped_bit(const struct snap_crash *crash, uint64_t addr, uint32_t permissions,
	unsigned int *ret_bit, uint64_t *ret_addr)
{
	unsigned int found = 0;
	if (!crash->arch || crash->arch->elf_class != ELFCLASS64 || addr < SNAP_NULL_END ||
		!is_lonely(crash, addr))
		return false;
	for (unsigned int bit = LOWEST_FLIP; bit < 64; bit++) {
		uint64_t other = addr ^ UINT64_C(1) << bit;
		const struct snap_mapping *mapping = snap_crash_mapping_at(crash, other);
		if (!mapping || !mapping->has_permissions ||
			(mapping->permissions & permissions) != permissions)
			continue;
		found++;
		*ret_bit = bit;
		*ret_addr = other;
	}
	return found == 1;
}

bool snap_pointer_text(const struct snap_arch *arch, uint64_t value, char ret[9])
{
	unsigned int word = snap_arch_word(arch);
	for (unsigned int i = 0; i < word; i++) {
		unsigned int shift = arch->elf_data == ELFDATA2MSB ? (word - 1 - i) * 8 : i * 8;
		ret[i] = (char)(value >> shift & 0xff);
		if (ret[i] < 0x20 || ret[i] > 0x7e)
			return false;
	}
	ret[word] = '\0';
	return true;
}

const char *snap_pointer_words(struct snap_crash *crash, uint64_t value)
{
	char text[9];
	const char *pattern = snap_pointer_pattern(crash->arch, value);
	if (pattern)
		return snap_crash_format(crash, " (%s)", pattern);
	/* Four bytes are text too often. */
	if (crash->arch->elf_class == ELFCLASS64 && snap_pointer_text(crash->arch, value, text))
		return snap_crash_format(
			crash, " (the text \"%s\": the pointer was overwritten by a string)", text);
	if (crash->arch->elf_class == ELFCLASS64 && is_filled(value))
		return snap_crash_format(crash,
			" (0x%02x bytes: memory was filled with them, by memset() or by an "
			"allocator "
			"that fills what is new or freed, as glibc's does with MALLOC_PERTURB_)",
			(unsigned int)(value >> 56));
	return "";
}
