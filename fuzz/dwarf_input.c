#include "fuzz/dwarf_input.h"

#include <stdlib.h>
#include <string.h>

enum { PART_HEAD = 5 };

uint8_t fuzz_dwarf_read(struct fuzz_input *input, struct made *made, struct made *other)
{
	uint8_t flags = (uint8_t)fuzz_number(input, 1);
	bool big_endian = flags & FUZZ_DWARF_BIG_ENDIAN;
	uint8_t address_size = flags & FUZZ_DWARF_32BIT ? 4 : 8;
	made_begin(made, big_endian, 5, address_size, 4);
	made_begin(other, big_endian, 5, address_size, 4);
	made->is_split = flags & FUZZ_DWARF_SPLIT;
	other->is_split = flags & FUZZ_DWARF_OTHER_DWO;
	while (input->len > 0) {
		uint8_t which = (uint8_t)fuzz_number(input, 1);
		size_t len = fuzz_number(input, 4);
		struct snap_bytes bytes = fuzz_bytes(input, len);
		struct made *to = which & 0x80 ? other : made;
		out_bytes(&to->sections[(which & 0x7f) % SNAP_DWARF_NUM_SECTIONS], bytes.data,
			bytes.len);
	}
	return flags;
}

void fuzz_dwarf_free(struct made *made)
{
	for (size_t i = 0; i < SNAP_DWARF_NUM_SECTIONS; i++)
		free(made->sections[i].data);
}

size_t fuzz_dwarf_mutate(uint8_t *data, size_t len, size_t max_len, unsigned int seed)
{
	size_t starts[64], num = 0;
	for (size_t at = 1; num < 64 && at + PART_HEAD <= len;) {
		uint32_t part;
		memcpy(&part, data + at + 1, sizeof(part));
		if (part > len - at - PART_HEAD)
			break;
		starts[num++] = at;
		at += PART_HEAD + part;
	}
	if (num == 0 || seed % 32 == 0)
		return LLVMFuzzerMutate(data, len, max_len);
	size_t at = starts[seed / 32 % num];
	uint32_t part;
	memcpy(&part, data + at + 1, sizeof(part));
	/* A copy with room to grow, and what follows it behind. */
	size_t room = part + (max_len > len ? (max_len - len < 64 ? max_len - len : 64) : 0);
	size_t rest = len - at - PART_HEAD - part;
	uint8_t *copy = malloc(room + 1), *tail = malloc(rest + 1);
	FUZZ_REQUIRE(copy && tail);
	memcpy(copy, data + at + PART_HEAD, part);
	memcpy(tail, data + at + PART_HEAD + part, rest);
	uint32_t changed = room > 0 ? (uint32_t)LLVMFuzzerMutate(copy, part, room) : 0;
	memcpy(data + at + 1, &changed, sizeof(changed));
	memcpy(data + at + PART_HEAD, copy, changed);
	memcpy(data + at + PART_HEAD + changed, tail, rest);
	free(copy);
	free(tail);
	return at + PART_HEAD + changed + rest;
}
