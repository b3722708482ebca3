/* ARM's unwind tables: .ARM.extab and .ARM.exidx in a file made here. */
#include "analyze/unwind/exidx.h"

#include <elf.h>
#include <stdlib.h>

#include "fuzz/fuzz.h"

#define STACK_ADDR 0x40000000u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct fuzz_input input = {data, len};
	size_t extab_len = fuzz_number(&input, 2);
	uint32_t known_bits = (uint32_t)fuzz_number(&input, 2);
	struct fuzz_elf shape = {.machine = EM_ARM,
		.elf_class = ELFCLASS32,
		.segment = PT_ARM_EXIDX,
		.num_sections = 2};
	shape.sections[0] = (struct fuzz_section){
		".ARM.extab", SHT_PROGBITS, 0x1000, fuzz_bytes(&input, extab_len)};
	size_t exidx_at = (0x1000 + shape.sections[0].bytes.len + 7) & ~(size_t)7;
	shape.sections[1] = (struct fuzz_section){
		".ARM.exidx", SHT_ARM_EXIDX, exidx_at, fuzz_bytes(&input, input.len)};
	size_t image_len;
	uint8_t *image = fuzz_elf_image(&shape, &image_len);
	(void)elf_version(EV_CURRENT);
	Elf *elf = elf_memory((char *)image, image_len);
	FUZZ_REQUIRE(elf);
	struct snap_error err = SNAP_ERROR_INIT;
	struct snap_exidx *exidx = NULL;
	struct snap_memory memory;
	snap_memory_init(&memory);
	uint8_t *stack = fuzz_copy(snap_bytes(data, len));
	if (len > 0) {
		const struct snap_memory_segment segment = {
			.start = STACK_ADDR, .len = len, .data = stack, .fd = -1};
		FUZZ_REQUIRE(snap_memory_add(&memory, &segment, &err) == 0);
	}
	FUZZ_REQUIRE(snap_memory_finish(&memory, &err) == 0);
	if (snap_exidx_create(elf, &exidx, &err) == 0 && exidx) {
		uint64_t entries = shape.sections[1].bytes.len / 8;
		for (uint64_t i = 0; i < 64 && i <= entries; i++) {
			uint64_t regs[SNAP_EXIDX_NUM_REGS], known = known_bits | 1u << 13;
			uint64_t start = 0, end = 0, cfa = 0, fault = 0;
			/* In the gap before the tables, at each entry's likely function. */
			uint64_t vaddr = 64 * i;
			for (size_t r = 0; r < SNAP_EXIDX_NUM_REGS; r++)
				regs[r] = STACK_ADDR + 4 * r;
			if (snap_exidx_function(exidx, vaddr, &start, &end)) {
				FUZZ_REQUIRE(start <= vaddr && vaddr < end);
				(void)snap_exidx_step(
					exidx, &memory, start, regs, &known, &cfa, &fault);
			}
			(void)snap_exidx_step(exidx, &memory, vaddr, regs, &known, &cfa, &fault);
		}
	}
	snap_exidx_destroy(exidx);
	(void)elf_end(elf);
	snap_memory_deinit(&memory);
	free(stack);
	free(image);
	return 0;
}
