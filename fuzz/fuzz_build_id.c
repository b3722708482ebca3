/* Build IDs and what else an image in memory says of itself, by each of its readers. */
#include <stdlib.h>
#include <string.h>

#include "analyze/find/links.h"
#include "analyze/find/package_note.h"
#include "analyze/input/exe_image.h"
#include "analyze/memory.h"
#include "common/elf_image.h"
#include "fuzz/fuzz.h"

#define BASE UINT64_C(0x400000)

struct image {
	const uint8_t *data;
	size_t len;
};

static ssize_t read_image(void *arg, uint64_t addr, void *buf, size_t len)
{
	const struct image *image = arg;
	if (addr < BASE || addr - BASE >= image->len)
		return 0;
	size_t there = image->len - (size_t)(addr - BASE);
	len = len < there ? len : there;
	memcpy(buf, image->data + (addr - BASE), len);
	return (ssize_t)len;
}

static void read_file(const uint8_t *data, size_t len)
{
	struct snap_error err = SNAP_ERROR_INIT;
	struct snap_elf_file file;
	struct snap_debuglink link;
	struct snap_altlink altlink;
	struct snap_arena arena;
	const struct snap_package *package = NULL;
	if (snap_elf_file_from_memory(fuzz_copy(snap_bytes(data, len)), len, "fuzz", &file, &err) <
		0)
		return;
	(void)snap_debuglink_read(&file, &link, &err);
	(void)snap_altlink_read(&file, &altlink, &err);
	snap_arena_init(&arena, SIZE_MAX);
	snap_package_note_read(&file, &arena, &package);
	snap_arena_deinit(&arena);
	snap_elf_file_deinit(&file);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	uint8_t *copy = fuzz_copy(snap_bytes(data, len));
	struct image image = {copy, len};
	struct snap_elf_image elf;
	if (snap_elf_image_read(read_image, &image, BASE, &elf) == 0)
		FUZZ_REQUIRE(elf.build_id_len <= SNAP_MAX_BUILD_ID);
	if (len > 64) {
		struct snap_error err = SNAP_ERROR_INIT;
		struct snap_memory memory;
		struct snap_exe_image exe;
		struct snap_arena arena;
		const struct snap_package *package = NULL;
		snap_memory_init(&memory);
		const struct snap_memory_segment segment = {
			.start = BASE, .len = len, .data = copy, .fd = -1};
		FUZZ_REQUIRE(snap_memory_add(&memory, &segment, &err) == 0);
		FUZZ_REQUIRE(snap_memory_finish(&memory, &err) == 0);
		const struct snap_process_memory process = {
			&memory, (uint16_t)(data[18] | data[19] << 8), data[4], data[5]};
		(void)snap_exe_image_read(
			&process, BASE + (data[4] == 1 ? 52 : 64), data[44], &exe);
		snap_arena_init(&arena, SIZE_MAX);
		snap_package_note_read_memory(&memory, BASE, &arena, &package);
		snap_arena_deinit(&arena);
		snap_memory_deinit(&memory);
	}
	free(copy);
	read_file(data, len);
	return 0;
}
