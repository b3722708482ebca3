/* Variables of a few frames, by debug information that is an input as fuzz_dwarf.c's; and then the
 * cause, and the reports. What that would have in the second file is here what was captured. */
#include <elf.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/explain/explain.h"
#include "analyze/explain/repeats.h"
#include "analyze/path_map.h"
#include "analyze/symbols/object.h"
#include "analyze/symbols/symbolise.h"
#include "analyze/variables/variables.h"
#include "common/escape.h"
#include "fuzz/dwarf_input.h"

enum {
	CAPTURED_MEMORY,    /* from MEMORY on */
	CAPTURED_REGISTERS, /* eight bytes each, of all frames */
	CAPTURED_PCS,	    /* four bytes each: the frames, innermost first */
	MAX_FRAMES = 8,
	MAX_LEN = 0x10000,
};
#define MEMORY UINT64_C(0x700000)
/* More than all limits together let through for so few frames. */
#define MAX_SHOWN 8192

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t len, size_t max_len, unsigned int seed)
{
	return fuzz_dwarf_mutate(data, len, max_len, seed);
}

static struct snap_bytes captured(const struct made *other, int which)
{
	return snap_bytes(other->sections[which].data, other->sections[which].len);
}

static void make_frames(const struct made *other, const struct snap_crash_module *module,
	struct snap_frame *frames, uint64_t *regs, size_t num)
{
	struct fuzz_input registers = {
		captured(other, CAPTURED_REGISTERS).data, captured(other, CAPTURED_REGISTERS).len};
	struct fuzz_input pcs = {
		captured(other, CAPTURED_PCS).data, captured(other, CAPTURED_PCS).len};
	for (size_t i = 0; i < SNAP_ARCH_MAX_DWARF_REGS; i++)
		regs[i] = registers.len > 0 ? fuzz_number(&registers, 8) : MEMORY + 8 * i;
	for (size_t i = 0; i < num; i++) {
		uint64_t pc = pcs.len > 0 ? fuzz_number(&pcs, 4) : 0x1000 + 16 * i;
		frames[i] = (struct snap_frame){
			.pc = pc & 0xffffff,
			.cfa = MEMORY + 0x80 + 0x40 * i,
			.has_cfa = true,
			.exact_pc = i == 0 || pc >> 31,
			.trust = i == 0 ? SNAP_TRUST_CONTEXT : SNAP_TRUST_CFI,
			.known_regs = pc >> 30 & 1 ? 0x55555 : UINT64_MAX,
			.regs = regs,
			.module = module,
		};
	}
}

static void check(const struct snap_listed_frame *frame)
{
	const struct snap_variable *lists[] = {frame->arguments, frame->locals};
	const size_t nums[] = {frame->num_arguments, frame->num_locals};
	for (size_t i = 0; i < 2; i++)
		for (size_t j = 0; j < nums[i]; j++) {
			FUZZ_REQUIRE(lists[i][j].value && lists[i][j].type);
			FUZZ_REQUIRE(strlen(lists[i][j].value) < MAX_SHOWN);
			FUZZ_REQUIRE(strlen(lists[i][j].type) < MAX_SHOWN);
			/* What is known in part says what is not. */
			FUZZ_REQUIRE(
				lists[i][j].state == SNAP_VARIABLE_VALUE || lists[i][j].value[0]);
		}
}

static void analyse(struct snap_crash *crash, struct snap_object *object, const struct made *made,
	const struct made *other)
{
	struct snap_error err = SNAP_ERROR_INIT;
	struct snap_arch arch = *snap_arch_find(EM_X86_64, ELFCLASS64, ELFDATA2LSB);
	struct snap_crash_module module = {
		.record = {.start = 0, .end = 0x1000000, .has_load_bias = true},
		.symbols = snap_object_symbols(object),
		.object = object,
	};
	uint64_t regs[SNAP_ARCH_MAX_DWARF_REGS];
	struct snap_frame frames[MAX_FRAMES];
	struct snap_crash_thread thread = {
		.crashed = true,
		.record = {.has_tid = true, .tid = 1},
		.frames = frames,
		.num_frames = MAX_FRAMES,
		.end = SNAP_END_COMPLETE,
		.end_reason = "",
	};
	const struct snap_path_map map = {0};
	arch.elf_class = made->is_64bit ? ELFCLASS64 : ELFCLASS32;
	arch.elf_data = made->big_endian ? ELFDATA2MSB : ELFDATA2LSB;
	make_frames(other, &module, frames, regs, MAX_FRAMES);
	crash->arch = &arch;
	crash->modules = &module;
	crash->num_modules = 1;
	crash->threads = &thread;
	crash->num_threads = 1;
	crash->has_signal = true;
	crash->signal = (struct snap_signal){
		.has_signo = true,
		.signo = 11,
		.has_code = true,
		.code = 1,
		.has_address = true,
		.address = regs[0],
	};
	struct snap_bytes memory = captured(other, CAPTURED_MEMORY);
	if (memory.len > MAX_LEN)
		memory.len = MAX_LEN;
	const struct snap_memory_segment segment = {
		.start = MEMORY, .len = memory.len, .data = memory.data, .fd = -1};
	FUZZ_REQUIRE(memory.len == 0 || snap_memory_add(&crash->memory, &segment, &err) == 0);
	FUZZ_REQUIRE(snap_memory_finish(&crash->memory, &err) == 0);
	FUZZ_REQUIRE(snap_symbolise(crash, &map, &err) == 0);
	FUZZ_REQUIRE(snap_variables_read(crash, SNAP_VARIABLES_ALL, &err) == 0);
	for (size_t i = 0; i < thread.num_listed; i++)
		check(&thread.listed[i]);
	FUZZ_REQUIRE(snap_find_repeats(crash, &err) == 0 && snap_explain(crash, &err) == 0);
	fuzz_print(crash);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct made made, other;
	struct fuzz_input input = {data, len};
	struct snap_error err = SNAP_ERROR_INIT;
	struct snap_object *object;
	struct snap_crash crash;
	uint8_t flags = fuzz_dwarf_read(&input, &made, &other);
	made.is_split = false;
	struct snap_object_files files = {
		.main = made_elf(&made, (enum snap_dwarf_section)(flags >> 5))};
	snap_crash_init(&crash, "fuzz");
	FUZZ_REQUIRE(snap_object_create(&files, &object, &err) == 0);
	analyse(&crash, object, &made, &other);
	crash.threads = NULL;
	crash.num_threads = 0;
	snap_crash_deinit(&crash);
	snap_object_destroy(object);
	fuzz_dwarf_free(&made);
	fuzz_dwarf_free(&other);
	return 0;
}
