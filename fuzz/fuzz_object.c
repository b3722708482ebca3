/* A whole ELF file: its symbols, code, call frame information and debug information. */
#include "analyze/symbols/object.h"

#include <stdlib.h>
#include <string.h>

#include "analyze/find/links.h"
#include "analyze/find/mini.h"
#include "analyze/symbols/code_index.h"
#include "common/escape.h"
#include "fuzz/fuzz.h"

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t len, size_t max_len, unsigned int seed)
{
	return fuzz_mutate_elf(data, len, max_len, seed);
}

static void look_up(struct snap_object *object)
{
	struct snap_source_frame frames[SNAP_MAX_INLINE_DEPTH];
	uint64_t base = 0, entry = 0, start = 0, end = 0;
	(void)snap_object_base(object, &base);
	if (!snap_object_entry(object, &entry))
		entry = base + 0x1000;
	for (uint64_t i = 0; i < 96; i++) {
		uint64_t vaddr = i < 32 ? base + 0x1000 + 64 * i : entry + 16 * (i - 32);
		uint8_t code[16];
		size_t num = snap_object_look_up(object, vaddr, frames, SNAP_MAX_INLINE_DEPTH);
		FUZZ_REQUIRE(num <= SNAP_MAX_INLINE_DEPTH);
		for (size_t j = 0; j < num; j++)
			if (frames[j].function)
				FUZZ_REQUIRE(strlen(frames[j].function) <= 1u << 20);
		(void)snap_object_cfi_row(object, vaddr);
		(void)snap_object_function(object, vaddr, &start, &end);
		(void)snap_object_read(object, vaddr, code, sizeof(code));
	}
	struct snap_code_index *index = snap_object_code_index(object);
	struct snap_call_site sites[8];
	if (index) {
		(void)snap_code_index_site(index, entry + 0x21, sites);
		FUZZ_REQUIRE(snap_code_index_tail_calls(index, entry, sites, 8) <= 8);
	}
	(void)snap_object_find_name(object, "main", &start);
	(void)snap_object_find_data(object, "__jit_debug_descriptor", &start);
	(void)snap_object_exidx(object);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct snap_error err = SNAP_ERROR_INIT;
	struct snap_object_files files = {.main = calloc(1, sizeof(*files.main))};
	struct snap_object *object;
	struct snap_debuglink link;
	struct snap_altlink altlink;
	FUZZ_REQUIRE(files.main);
	if (snap_elf_file_from_unpacked(
		    fuzz_copy(snap_bytes(data, len)), len, "fuzz", files.main, &err) < 0) {
		free(files.main);
		return 0;
	}
	(void)snap_debuglink_read(files.main, &link, &err);
	(void)snap_altlink_read(files.main, &altlink, &err);
	if (snap_mini_unpack(files.main, &files.mini, &err) < 0)
		FUZZ_REQUIRE(err.text[0]);
	if (snap_object_create(&files, &object, &err) < 0)
		return 0;
	look_up(object);
	snap_object_destroy(object);
	return 0;
}
