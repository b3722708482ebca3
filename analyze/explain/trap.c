#include "analyze/explain/trap.h"

#include <elf.h>

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

#define BUILTIN_TRAP                                                                               \
	"a compiler puts it where the program must not get: __builtin_trap(), unreachable code, "  \
	"or "                                                                                      \
	"a check that failed"
#define DEBUG_TRAP                                                                                 \
	"__builtin_debugtrap() or the like in the program, or what a debugger left behind"
#define PERMANENTLY_UNDEFINED "it is undefined for good, and software puts it where it is to end"
#define POINTER_AUTH "a signed pointer (arm64e) was not authentic"

/* In the order of a fetch from memory. A number: bits [number_from, number_from + 8) of the code.
 */
static const struct {
	uint16_t machine;
	bool is_thumb;
	uint8_t size;
	uint64_t mask, value;
	const char *name;
	const char *meaning; /* NULL: the number says it */
	bool is_breakpoint;
	uint8_t number_from;
} traps[] = {
	/* llvm/lib/Target/X86/X86MCInstLower.cpp, UBSAN_UD1: ud1l number(%eax), %eax. */
	{EM_X86_64, false, 5, 0xffffffff, 0x40b90f67, "ud1", NULL, false, 32},
	{EM_X86_64, false, 4, 0xffffffff, 0x00b90f67, "ud1", NULL, false, 24}, /* number 0 */
	{EM_X86_64, false, 2, 0xffff, 0x0b0f, "ud2", BUILTIN_TRAP, false, 0},
	{EM_X86_64, false, 2, 0xffff, 0xb90f, "ud1", BUILTIN_TRAP, false, 0},
	{EM_X86_64, false, 1, 0xff, 0xcc, "int3", DEBUG_TRAP, true, 0},
	{EM_X86_64, false, 1, 0xff, 0xf1, "int1", DEBUG_TRAP, true, 0},
	{EM_386, false, 4, 0xffffff, 0x40b90f, "ud1", NULL, false, 24},
	{EM_386, false, 3, 0xffffff, 0x00b90f, "ud1", NULL, false, 16},
	{EM_386, false, 2, 0xffff, 0x0b0f, "ud2", BUILTIN_TRAP, false, 0},
	{EM_386, false, 2, 0xffff, 0xb90f, "ud1", BUILTIN_TRAP, false, 0},
	{EM_386, false, 1, 0xff, 0xcc, "int3", DEBUG_TRAP, true, 0},
	{EM_386, false, 1, 0xff, 0xf1, "int1", DEBUG_TRAP, true, 0},
	/* llvm/lib/Target/AArch64/AArch64InstrInfo.td, ubsantrap: brk #0x5500 + number. */
	{EM_AARCH64, false, 4, 0xffffe01f, 0xd42aa000, "brk", NULL, false, 5},
	{EM_AARCH64, false, 4, 0xffffffff, 0xd4207d00, "brk #0x3e8", BUILTIN_TRAP, false,
		0}, /* gcc */
	{EM_AARCH64, false, 4, 0xffffffff, 0xd4200020, "brk #1", BUILTIN_TRAP, false,
		0}, /* clang */
	{EM_AARCH64, false, 4, 0xffffffff, 0xd43e0000, "brk #0xf000", DEBUG_TRAP, true, 0},
	/* Keys IA, IB, DA and DB: AArch64AsmPrinter.cpp. */
	{EM_AARCH64, false, 4, 0xffffff9f, 0xd4388e00, "brk", POINTER_AUTH, false, 0},
	{EM_AARCH64, false, 4, 0xffffe01f, 0xd4212000, "brk",
		"a memory tag did not match (HWAddressSanitizer)", false, 0},
	{EM_AARCH64, false, 4, 0xffffffff, 0xd4200000, "brk #0", DEBUG_TRAP, true, 0},
	{EM_AARCH64, false, 4, 0xffff0000, 0, "udf", BUILTIN_TRAP, false, 0},
	{EM_ARM, false, 4, 0xffffffff, 0xe7f000f0, "udf #0", BUILTIN_TRAP, false, 0}, /* gcc */
	{EM_ARM, false, 4, 0xffffffff, 0xe7ffdefe, "udf #65006", BUILTIN_TRAP, false,
		0},								    /* clang */
	{EM_ARM, false, 4, 0xffffffff, 0xe7f001f0, "udf #16", DEBUG_TRAP, true, 0}, /* ptrace.c */
	{EM_ARM, true, 2, 0xffff, 0xdeff, "udf #255", BUILTIN_TRAP, false, 0},
	{EM_ARM, true, 2, 0xffff, 0xdefe, "udf #254", BUILTIN_TRAP, false, 0},
	{EM_ARM, true, 2, 0xffff, 0xde01, "udf #1", DEBUG_TRAP, true, 0},
	{EM_ARM, true, 2, 0xff00, 0xde00, "udf", PERMANENTLY_UNDEFINED, false, 0},
	{EM_ARM, true, 4, 0xf000fff0, 0xa000f7f0, "udf.w", PERMANENTLY_UNDEFINED, false, 0},
	/* Semihosting for A and R profile machines and Cortex-M, version 2.0 (ARM DUI 0471). */
	{EM_ARM, true, 2, 0xffff, 0xbeab, "bkpt #0xab",
		"a semihosting request (text for a debugger's console, a file on its machine)", true,
		0},
	{EM_ARM, true, 2, 0xff00, 0xbe00, "bkpt", DEBUG_TRAP, true, 0},
	{EM_RISCV, false, 4, 0xffffffff, 0x00100073, "ebreak", BUILTIN_TRAP, true, 0},
	{EM_RISCV, false, 2, 0xffff, 0x9002, "ebreak", BUILTIN_TRAP, true, 0},
	{EM_RISCV, false, 4, 0xffffffff, 0xc0001073, "unimp", BUILTIN_TRAP, false, 0},
	{EM_RISCV, false, 2, 0xffff, 0x0000, "unimp", BUILTIN_TRAP, false, 0},
};

bool snap_trap_find(const struct snap_arch *arch, const struct snap_instruction *instruction,
	struct snap_trap *ret)
{
	for (size_t i = 0; i < ARRAY_LEN(traps); i++) {
		const uint8_t *bytes = instruction->bytes;
		if (traps[i].machine != arch->elf_machine ||
			traps[i].is_thumb != instruction->is_thumb ||
			instruction->len < traps[i].size)
			continue;
		uint64_t code = 0;
		for (unsigned int j = traps[i].size; j-- > 0;)
			code = code << 8 | bytes[j];
		if ((code & traps[i].mask) != traps[i].value)
			continue;
		*ret = (struct snap_trap){
			.name = traps[i].name,
			.meaning = traps[i].meaning,
			.is_breakpoint = traps[i].is_breakpoint,
			.has_check = !traps[i].meaning,
			.check = (uint8_t)(code >> traps[i].number_from),
		};
		return true;
	}
	return false;
}

/* clang/lib/CodeGen/CodeGenFunction.h, LIST_SANITIZER_CHECKS, of clang 14; later ones are added
 * behind. */
static const char *const checks[] = {
	"an addition overflowed",
	"__builtin_unreachable() was reached",
	"control flow integrity: a function or object of another type",
	"a division overflowed or was by zero",
	"an object is not of its type (vptr)",
	"a floating-point number does not fit into the type that it was converted to",
	"a function was called through a pointer of another type",
	"an implicit conversion changed the value",
	"a builtin function was given a value that it does not take (such as __builtin_clz(0))",
	"an Objective-C cast to another type",
	"a value that the type does not have was loaded (bool, enum)",
	"a function that returns a value ended without return",
	"a multiplication overflowed",
	"a negation overflowed",
	"a null argument where _Nonnull forbids it",
	"a null return value where _Nonnull forbids it",
	"a null argument where nonnull forbids it",
	"a null return value where returns_nonnull forbids it",
	"an array index out of bounds",
	"pointer arithmetic overflowed",
	"a shift by a number of bits that is negative or too large, or of a negative value",
	"a subtraction overflowed",
	"a null or misaligned pointer, or one to too small an object, was used",
	"an alignment that was assumed is not there",
	"a variable-length array with a size that is not positive",
};

const char *snap_trap_check_words(uint8_t check)
{
	return check < ARRAY_LEN(checks) ? checks[check] : NULL;
}
