/* Call frame information: .eh_frame in a file that somebody keeps, and the same in an image that
 * came with an input, of which less is believed. */
#include <elf.h>
#include <stdlib.h>

#include "analyze/symbols/object_cfi.h"
#include "fuzz/fuzz.h"

static const struct {
	uint16_t machine;
	uint8_t elf_class;
} machines[] = {{EM_X86_64, ELFCLASS64}, {EM_AARCH64, ELFCLASS64}, {EM_386, ELFCLASS32},
	{EM_ARM, ELFCLASS32}, {EM_RISCV, ELFCLASS64}};

static void look_up(const struct snap_elf_file *file)
{
	struct snap_error err = SNAP_ERROR_INIT;
	struct snap_object_cfi *cfi;
	FUZZ_REQUIRE(snap_object_cfi_create(file, NULL, &cfi, &err) == 0);
	for (uint64_t vaddr = 0x1000; vaddr < 0x1400; vaddr += 16)
		(void)snap_object_cfi_find(cfi, vaddr);
	(void)snap_object_cfi_find(cfi, 0);
	(void)snap_object_cfi_find(cfi, UINT64_MAX);
	snap_object_cfi_destroy(cfi);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct fuzz_input input = {data, len};
	uint8_t flags = (uint8_t)fuzz_number(&input, 1);
	size_t which = (flags & 7) % (sizeof(machines) / sizeof(machines[0]));
	struct fuzz_elf shape = {.machine = machines[which].machine,
		.elf_class = machines[which].elf_class,
		.num_sections = 1};
	shape.sections[0] = (struct fuzz_section){flags & 8 ? ".debug_frame" : ".eh_frame",
		SHT_PROGBITS, 0x2000, fuzz_bytes(&input, input.len)};
	size_t image_len;
	struct snap_error err = SNAP_ERROR_INIT;
	struct snap_elf_file file;
	uint8_t *image = fuzz_elf_image(&shape, &image_len);
	/* Of a file on disk libdw is told all; so it is here, unless the image is the input's. */
	int r = flags & 16 ? snap_elf_file_from_unpacked(image, image_len, "fuzz", &file, &err)
			   : snap_elf_file_from_memory(image, image_len, "fuzz", &file, &err);
	FUZZ_REQUIRE(r == 0);
	look_up(&file);
	snap_elf_file_deinit(&file);
	return 0;
}
