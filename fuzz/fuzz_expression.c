/* DWARF expressions, operation by operation. */
#include "analyze/unwind/expression.h"

#include <dwarf.h>
#include <elf.h>
#include <stdlib.h>

#include "fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct fuzz_input input = {data, len};
	uint8_t flags = (uint8_t)fuzz_number(&input, 1);
	struct snap_arch arch = {.name = "fuzz",
		.elf_class = flags & 1 ? ELFCLASS32 : ELFCLASS64,
		.elf_data = flags & 2 ? ELFDATA2MSB : ELFDATA2LSB,
		.num_dwarf_regs = 16};
	uint64_t regs[SNAP_ARCH_MAX_DWARF_REGS];
	for (size_t i = 0; i < SNAP_ARCH_MAX_DWARF_REGS; i++)
		regs[i] = 0x1000 + 8 * i;
	uint8_t *memory_bytes = fuzz_copy(snap_bytes(data, len));
	struct snap_error err = SNAP_ERROR_INIT;
	struct snap_memory memory;
	snap_memory_init(&memory);
	if (len > 0) {
		const struct snap_memory_segment segment = {
			.start = 0x1000, .len = len, .data = memory_bytes, .fd = -1};
		FUZZ_REQUIRE(snap_memory_add(&memory, &segment, &err) == 0);
	}
	FUZZ_REQUIRE(snap_memory_finish(&memory, &err) == 0);

	size_t max = input.len / 2 + 1, num = 0;
	Dwarf_Op *ops = calloc(max, sizeof(*ops));
	FUZZ_REQUIRE(ops);
	uint64_t offset = 0;
	while (input.len > 0 && num < max) {
		Dwarf_Op *op = &ops[num++];
		op->atom = (uint8_t)fuzz_number(&input, 1);
		uint8_t shape = (uint8_t)fuzz_number(&input, 1);
		/* Small and large numbers, and branches that mostly lead somewhere. */
		op->number = fuzz_number(&input, shape & 7 ? shape & 7 : 8);
		op->number2 = shape & 8 ? fuzz_number(&input, 1) : 0;
		if (op->atom == DW_OP_bra || op->atom == DW_OP_skip)
			op->number =
				shape & 16 ? op->number : (Dwarf_Word)(int64_t)(int8_t)op->number;
		op->offset = offset;
		offset += 1 + (shape >> 5 & 3);
	}
	uint64_t steps_left = 100000, value = 0, fault = 0;
	enum snap_expression_result kind = SNAP_EXPRESSION_VALUE;
	struct snap_expression_context context = {.arch = &arch,
		.memory = &memory,
		.regs = regs,
		.known_regs = flags & 4 ? 0xff : UINT64_MAX,
		.load_bias = 0x400000,
		.has_cfa = flags & 8,
		.cfa = 0x1010,
		.steps_left = flags & 16 ? NULL : &steps_left};
	enum snap_expression_status status =
		snap_expression_evaluate(&context, ops, num, &value, &kind, &fault);
	FUZZ_REQUIRE(status <= SNAP_EXPRESSION_INVALID);
	if (status == SNAP_EXPRESSION_OK && arch.elf_class == ELFCLASS32 &&
		kind == SNAP_EXPRESSION_ADDRESS)
		FUZZ_REQUIRE(value <= UINT32_MAX);
	free(ops);
	snap_memory_deinit(&memory);
	free(memory_bytes);
	return 0;
}
