#include "analyze/explain/fault.h"

#include <elf.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "analyze/explain/address.h"
#include "analyze/explain/pointer.h"
#include "analyze/explain/signal_frame.h"
#include "analyze/explain/signals.h"
#include "analyze/explain/trap.h"

/* si_code of SIGSEGV, SIGBUS, SIGFPE and SIGTRAP, as the target's kernel numbers them. */
#define CODE_MAPERR 1
#define CODE_ACCERR 2
#define CODE_ADRALN 1
#define CODE_ADRERR 2
#define CODE_INTDIV 1
#define CODE_BRKPT  1
#define X86_INT3    0xcc
#define X86_INT1    0xf1
/* What an operand of unknown size may reach: xsave's area. */
#define MAX_UNKNOWN 4096u

static bool is_x86(const struct snap_evidence *e)
{
	return e->crash->arch &&
	       (e->crash->arch->elf_machine == EM_X86_64 || e->crash->arch->elf_machine == EM_386);
}

/* ---------------------------------------------------------------- finding */

/* x86-64 with four levels of page tables: bits 63 to 47 are alike. */
static bool is_canonical(const struct snap_arch *arch, uint64_t addr)
{
	uint64_t top = addr >> 47;
	return arch->elf_machine != EM_X86_64 || arch->elf_class != ELFCLASS64 || top == 0 ||
	       top == 0x1ffff;
}

/* aarch64's top byte is a tag, which the kernel does not tell: bit 55 says which half of the address
 * space it is (arch/arm64/include/asm/uaccess.h, untagged_addr()). */
static uint64_t without_tag(const struct snap_arch *arch, uint64_t addr)
{
	const uint64_t top = UINT64_C(0xff) << 56;
	if (arch->elf_machine != EM_AARCH64)
		return addr;
	return addr & UINT64_C(1) << 55 ? addr | top : addr & ~top;
}

const struct snap_operand *snap_fault_operand_at(const struct snap_evidence *e, uint64_t addr)
{
	for (unsigned int i = 0; i < e->instruction.num_operands; i++) {
		const struct snap_operand *operand = &e->instruction.operands[i];
		uint64_t begin = without_tag(e->crash->arch, operand->address);
		uint64_t len = operand->size ? operand->size : MAX_UNKNOWN;
		if (operand->has_address && without_tag(e->crash->arch, addr) - begin < len)
			return operand;
	}
	return NULL;
}

/* The kernel tells no address where the processor does not: general protection. */
static void find_refused(struct snap_evidence *e)
{
	const struct snap_arch *arch = e->crash->arch;
	const struct snap_operand *found = NULL;
	uint64_t target;
	for (unsigned int i = 0; i < e->instruction.num_operands && !found; i++) {
		const struct snap_operand *operand = &e->instruction.operands[i];
		if (operand->has_address && !is_canonical(arch, operand->address))
			found = operand;
	}
	if (!found && snap_instruction_target(e->crash, e->thread, &e->instruction, &target) &&
		!is_canonical(arch, target)) {
		e->is_refused = e->is_refused_target = true;
		e->fault = target;
		e->source = SNAP_ADDRESS_OPERAND;
		e->has_fault = true;
		return;
	}
	for (unsigned int i = 0; i < e->instruction.num_operands && !found; i++) {
		const struct snap_operand *operand = &e->instruction.operands[i];
		if (operand->has_address && operand->align && operand->address % operand->align) {
			found = operand;
			e->is_misaligned = true;
		}
	}
	if (!found)
		return;
	e->is_refused = true;
	e->operand = found;
	e->fault = found->address;
	e->source = SNAP_ADDRESS_OPERAND;
	e->has_fault = true;
}

/* Whether the program may not access that memory so. False also if that is not known. */
static bool is_forbidden(const struct snap_evidence *e, const struct snap_operand *operand)
{
	uint64_t addr = without_tag(e->crash->arch, operand->address);
	const struct snap_mapping *mapping = snap_crash_mapping_at(e->crash, addr);
	if (!mapping)
		return e->maps_known;
	return mapping->has_permissions &&
	       ((operand->is_read && !(mapping->permissions & SNAP_MAPPING_READ)) ||
		       (operand->is_written && !(mapping->permissions & SNAP_MAPPING_WRITE)));
}

/* Nobody tells the address: it is that of the only operand that is not allowed. */
static void find_forbidden(struct snap_evidence *e)
{
	const struct snap_operand *found = NULL;
	unsigned int num = 0;
	for (unsigned int i = 0; i < e->instruction.num_operands; i++)
		if (e->instruction.operands[i].has_address &&
			is_forbidden(e, &e->instruction.operands[i])) {
			found = &e->instruction.operands[i];
			num++;
		}
	if (num != 1)
		return;
	e->operand = found;
	e->fault = without_tag(e->crash->arch, found->address);
	e->source = SNAP_ADDRESS_OPERAND;
	e->has_fault = true;
}

/* x86's alignment check exception, of which the kernel gives no address (arch/x86/kernel/traps.c,
 * #AC). */
static bool is_alignment_checked(const struct snap_evidence *e)
{
	return is_x86(e) && e->signo == SIGBUS && e->has_code && e->code == CODE_ADRALN &&
	       !e->has_fault;
}

void snap_fault_find_misaligned(struct snap_evidence *e, uint32_t max_align)
{
	for (unsigned int i = 0; i < e->instruction.num_operands && !e->operand; i++) {
		struct snap_operand *operand = &e->instruction.operands[i];
		uint32_t align = operand->size < max_align ? operand->size : max_align;
		if (!operand->has_address || align < 2 || align & (align - 1) ||
			operand->address % align == 0)
			continue;
		operand->align = align;
		e->is_misaligned = true;
		e->operand = operand;
		e->fault = operand->address;
		e->source = SNAP_ADDRESS_OPERAND;
		e->has_fault = true;
	}
}

/* The first byte of the code at pc is that one. */
static bool is_code(const struct snap_evidence *e, uint64_t pc, uint8_t byte)
{
	struct snap_instruction one;
	(void)snap_instruction_read(e->crash, e->thread, pc, &one); /* its byte is enough */
	return one.len > 0 && one.bytes[0] == byte;
}

/*
 * The instruction that trapped, from the program counter, which is behind int3 and int1; but some
 * hypervisors hand on int1 with the program counter at it.
 */
static bool find_x86_trap(const struct snap_evidence *e, uint64_t *pc)
{
	if (*pc > 0 && (is_code(e, *pc - 1, X86_INT3) || is_code(e, *pc - 1, X86_INT1))) {
		*pc -= 1;
		return true;
	}
	return e->has_code && e->code == CODE_BRKPT && is_code(e, *pc, X86_INT1);
}

static void find_fault(struct snap_evidence *e)
{
	struct snap_crash *crash = e->crash;
	if (!e->raised || !e->has_pc || !crash->arch)
		return;
	uint64_t pc = e->pc;
	if (e->signo == SIGTRAP && is_x86(e) && !find_x86_trap(e, &pc))
		return; /* a trap of another kind: the instruction before has done its work */
	e->has_instruction = snap_instruction_read(crash, e->thread, pc, &e->instruction);
	if (!e->has_instruction)
		return;
	if (e->signo != SIGSEGV && e->signo != SIGBUS)
		return;
	if (is_alignment_checked(e)) {
		snap_fault_find_misaligned(e, UINT32_MAX);
		e->is_refused = e->is_misaligned;
		return;
	}
	if (e->has_fault) {
		e->operand = snap_fault_operand_at(e, e->fault);
		e->is_misaligned =
			e->operand && e->signo == SIGBUS && e->has_code && e->code == CODE_ADRALN;
		return;
	}
	if (e->has_code && e->code == SNAP_SI_KERNEL)
		find_refused(e);
	/* Some cores have no siginfo (qemu-user's). A full stack is told of as SI_KERNEL, and so is
	 * a fault whose handler can't be begun. */
	bool is_told = e->has_code && e->code != SNAP_SI_KERNEL;
	if (!e->has_fault && !is_told && e->instruction.action != SNAP_ACTION_PRIVILEGED &&
		e->instruction.action != SNAP_ACTION_SEGMENT)
		find_forbidden(e);
}

void snap_fault_find(struct snap_evidence *e)
{
	find_fault(e);
	if (e->raised && e->has_pc && e->crash->arch && !e->is_refused && !e->stack &&
		e->signo == SIGSEGV && e->has_code && e->code == SNAP_SI_KERNEL)
		snap_signal_frame_find(e);
}

/* The mapping lets the program read there, but not write. */
static bool is_read_only(const struct snap_evidence *e)
{
	const struct snap_mapping *mapping = snap_crash_mapping_at(e->crash, e->fault);
	return mapping && mapping->has_permissions && mapping->permissions & SNAP_MAPPING_READ &&
	       !(mapping->permissions & SNAP_MAPPING_WRITE);
}

/* Where the instruction has only one operand in memory, and only its address is not known: that. */
static const struct snap_operand *unaddressed(const struct snap_evidence *e)
{
	const struct snap_operand *operand = &e->instruction.operands[0];
	return e->has_instruction && !e->operand && e->instruction.num_operands == 1 &&
			       !operand->has_address && !(e->has_pc && e->fault == e->pc)
		       ? operand
		       : NULL;
}

const char *snap_fault_access(const struct snap_evidence *e)
{
	if (!e->has_fault || (e->signo != SIGSEGV && e->signo != SIGBUS))
		return NULL;
	/* SIGILL and the like have the instruction's address, which is no access. */
	if (e->is_refused_target || (e->has_pc && e->fault == e->pc && !e->operand))
		return "exec";
	/* What is read and written at once has to be writable. */
	const struct snap_operand *operand = e->operand ? e->operand : unaddressed(e);
	if (operand)
		return operand->is_written ? "write" : "read";
	if (e->source == SNAP_ADDRESS_KERNEL && e->signo == SIGSEGV && e->has_code &&
		e->code == CODE_ACCERR && is_read_only(e))
		return "write";
	return NULL;
}

/* ---------------------------------------------------------------- words */

/* Text in the crash's arena, put together; "" stays if memory is exhausted, and the whole fails. */
#define FORMAT(e, ...) snap_crash_format((e)->crash, __VA_ARGS__)

const char *snap_fault_deed_words(const struct snap_evidence *e, const char *access)
{
	const struct snap_operand *operand = e->operand ? e->operand : unaddressed(e);
	if (!operand)
		return access && access[0] == 'w'   ? "wrote to memory"
		       : access && access[0] == 'r' ? "read memory"
						    : "read or wrote memory";
	const char *verb = !operand->is_written			  ? "read"
			   : !operand->is_read || is_read_only(e) ? "wrote"
								  : "read and wrote";
	if (operand->size == 0)
		return FORMAT(e, "%s memory", verb);
	if (operand->size == 1)
		return FORMAT(e, "%s a byte", verb);
	return FORMAT(e, "%s %" PRIu32 " bytes", verb, operand->size);
}

static const char *deed_words(const struct snap_evidence *e)
{
	return snap_fault_deed_words(e, snap_fault_access(e));
}

/* "rbx + rcx * 8 + 16", of registers that there are. */
static const char *sum_words(const struct snap_evidence *e, const struct snap_operand *operand)
{
	char scale[16] = "", disp[32] = "";
	if (operand->index_shift > 0)
		(void)snprintf(scale, sizeof(scale), " * %u", 1u << (operand->index_shift & 31));
	if (operand->disp != 0)
		(void)snprintf(disp, sizeof(disp), " %c 0x%" PRIx64, operand->disp < 0 ? '-' : '+',
			operand->disp < 0 ? -(uint64_t)operand->disp : (uint64_t)operand->disp);
	return FORMAT(e, "%s %s %s%s%s", operand->base.name, operand->is_subtracted ? "-" : "+",
		operand->index.name, scale, disp);
}

/* Whether the instruction goes through a vector of addresses (gathers and scatters them). */
static bool is_of_vector(const struct snap_operand *operand)
{
	return operand && operand->index.is_unknown && operand->index.name &&
	       strncmp(operand->index.name + 1, "mm", 2) == 0;
}

/* ": it is that of one element of the vector, rax + ymm2 * 8, rax being 0x7000". */
static const char *vector_words(const struct snap_evidence *e, const struct snap_operand *operand)
{
	uint64_t value;
	if (operand->base.index < 0 ||
		!snap_register_value(e->crash->arch, &operand->base, e->pr_reg, &value))
		return FORMAT(
			e, ": it is that of one element of the vector %s", operand->index.name);
	const char *sum = sum_words(e, operand), *words = snap_pointer_words(e->crash, value);
	return sum && words ? FORMAT(e,
				      ": it is that of one element of the vector, %s, %s being "
				      "0x%" PRIx64 "%s",
				      sum, operand->base.name, value, words)
			    : NULL;
}

/* C libraries have the thread pointer in fs on x86-64, in gs on i386. */
static const char *segment_words(const struct snap_evidence *e, const struct snap_operand *operand)
{
	const char *name = operand->segment.name;
	bool is_wide = e->crash->arch->elf_class == ELFCLASS64;
	if (!name || name[0] == (is_wide ? 'f' : 'g'))
		return ": it is counted from the thread pointer";
	return FORMAT(e, ": it is counted from where segment %.2s begins", name);
}

const char *snap_fault_operand_words(const struct snap_evidence *e)
{
	const struct snap_operand *operand = e->operand;
	if (is_of_vector(unaddressed(e)))
		return vector_words(e, unaddressed(e));
	if (!operand || !operand->has_address)
		return "";
	bool has_base = operand->base.index >= 0, has_index = operand->index.index >= 0;
	if (!has_base && !has_index)
		return operand->segment.index < 0 ? ": the address is a constant of the instruction"
						  : segment_words(e, operand);
	if (!has_base)
		return FORMAT(
			e, ": index %s is 0x%" PRIx64, operand->index.name, operand->index_value);
	const char *value = snap_pointer_words(e->crash, operand->base_value);
	if (!value)
		return NULL;
	const char *role =
		operand->base.index == (int)e->crash->arch->sp ? "the stack pointer " : "";
	if (!has_index)
		return FORMAT(e, ": %s%s is 0x%" PRIx64 "%s", role, operand->base.name,
			operand->base_value, value);
	const char *sum = sum_words(e, operand);
	return sum ? FORMAT(e, ": it is %s, %s being 0x%" PRIx64 "%s and %s 0x%" PRIx64, sum,
			     operand->base.name, operand->base_value, value, operand->index.name,
			     operand->index_value)
		   : NULL;
}

/* ". ..." that the pointer may have one bit wrong. "" if nothing speaks for it. */
static const char *flip_words(const struct snap_evidence *e)
{
	unsigned int bit;
	uint64_t other;
	if (!e->operand || !e->maps_known ||
		(e->operand->base.index >= 0 &&
			snap_pointer_pattern(e->crash->arch, e->operand->base_value)))
		return "";
	uint32_t permissions = (e->operand->is_read ? SNAP_MAPPING_READ : 0) |
			       (e->operand->is_written ? SNAP_MAPPING_WRITE : 0);
	if (!snap_pointer_flipped_bit(e->crash, e->fault, permissions, &bit, &other))
		return "";
	const char *place = snap_address_words(e->crash, other, true);
	return place ? FORMAT(e,
			       "; with bit %u flipped it would be 0x%" PRIx64 ", %s: perhaps a %s",
			       bit, other, place,
			       /* Programs keep tags in what is no part of an address. */
			       bit >= 47 ? "tag in the pointer, or a flipped bit (confidence: low)"
					 : "flipped bit (confidence: medium)")
		     : NULL;
}

/* ---------------------------------------------------------------- SIGSEGV */

const char *snap_fault_null_words(const struct snap_evidence *e)
{
	const struct snap_operand *operand = e->operand;
	if (is_of_vector(unaddressed(e)))
		return snap_fault_operand_words(e);
	if (!operand || !operand->has_address) {
		if (e->fault == 0)
			return ": a null pointer was followed";
		return FORMAT(e,
			": a null pointer plus %" PRIu64
			" bytes, most likely a member of a structure or an element of an array "
			"reached through a null pointer",
			e->fault);
	}
	bool has_base = operand->base.index >= 0, has_index = operand->index.index >= 0;
	if (!has_base || operand->base_value >= SNAP_NULL_END) {
		/* base + index may have been written the other way round. */
		return snap_fault_operand_words(e);
	}
	if (has_index && operand->index_value != 0 && operand->base_value == 0)
		return FORMAT(e,
			": %s is null, and index %s is %" PRIu64
			": an element of an array reached through a null pointer",
			operand->base.name, operand->index.name, operand->index_value);
	if (has_index)
		return snap_fault_operand_words(e);
	if (operand->base_value != 0)
		return FORMAT(e,
			": %s is 0x%" PRIx64 ", which is a null pointer plus %" PRIu64
			", or a small number taken for a pointer",
			operand->base.name, operand->base_value, operand->base_value);
	if (operand->disp == 0)
		return FORMAT(e, ": %s is null", operand->base.name);
	return FORMAT(e,
		": %s is null, offset %" PRId64
		" (a member of a structure or an element of an array reached through a "
		"null pointer)",
		operand->base.name, operand->disp);
}

/* What stands before a null pointer, as container_of() makes of one. */
static bool is_below_null(const struct snap_evidence *e)
{
	const struct snap_operand *operand = e->operand;
	return operand && operand->has_address && operand->base.index >= 0 &&
	       operand->base_value == 0 && operand->disp < 0 && operand->index.index < 0 &&
	       operand->base.index != (int)e->crash->arch->sp;
}

bool snap_fault_is_null(const struct snap_evidence *e)
{
	return e->has_fault && (e->fault < SNAP_NULL_END || is_below_null(e));
}

static const char *explain_refused(const struct snap_evidence *e)
{
	const struct snap_operand *operand = e->operand;
	const char *text = e->instruction.text;
	if (e->is_refused_target) {
		const char *value = snap_pointer_words(e->crash, e->fault);
		const char *how = e->instruction.action == SNAP_ACTION_RETURN
					  ? "returned to an overwritten return address"
				  : e->instruction.action == SNAP_ACTION_CALL
					  ? "called a function through a bad pointer"
					  : "jumped through a bad pointer";
		return value ? FORMAT(e,
				       "The program %s: 0x%" PRIx64
				       ", which is not canonical, and so no address of anything%s.",
				       how, e->fault, value)
			     : NULL;
	}
	if (e->is_misaligned) {
		const char *of = snap_fault_operand_words(e), *how = deed_words(e);
		bool is_stack = operand->base.index == (int)e->crash->arch->sp ||
				operand->base.index == (int)e->crash->arch->fp;
		return of && how ? FORMAT(e,
					   "The program %s at address 0x%" PRIx64
					   ", which is not a multiple of %" PRIu32
					   ", as this instruction (%s) demands%s%s.",
					   how, e->fault, operand->align, text, of,
					   is_stack ? "; the stack is misaligned, which code that "
						      "calls without keeping to the ABI leads to"
						    : "")
				 : NULL;
	}
	const char *deed = deed_words(e), *of = snap_fault_operand_words(e), *flip = flip_words(e);
	return deed && of && flip ? FORMAT(e,
					    "The program %s at address 0x%" PRIx64
					    ", which is not canonical, and so no address of "
					    "anything%s%s.",
					    deed, e->fault, of, flip)
				  : NULL;
}

/* A general register whose value is no canonical address: what an access that the processor refuses
 * without an address most often comes from, where the instruction is not known. */
static const struct snap_arch_reg *non_canonical_register(
	const struct snap_evidence *e, uint64_t *ret_value)
{
	const struct snap_arch *arch = e->crash->arch;
	if (!arch || arch->elf_class != ELFCLASS64 || e->has_instruction)
		return NULL;
	for (unsigned int i = 0; i < arch->num_regs; i++) {
		uint64_t value;
		if (arch->regs[i].dwarf >= arch->num_dwarf_regs ||
			!snap_arch_reg_get(arch, i, e->pr_reg.data, e->pr_reg.len, &value))
			continue;
		if (!is_canonical(arch, value)) {
			*ret_value = value;
			return &arch->regs[i];
		}
	}
	return NULL;
}

static const char *explain_not_told(const struct snap_evidence *e)
{
	if (!e->has_code || e->code != SNAP_SI_KERNEL)
		return "The program made an access to memory that was not permitted; the address "
		       "is "
		       "not recorded.";
	if (e->signal_frame != SNAP_SIGNAL_FRAME_NONE)
		return snap_signal_frame_explain(e);
	if (e->has_instruction && e->instruction.action == SNAP_ACTION_SEGMENT)
		return FORMAT(e,
			"The program loaded a segment register (%s) with what is no selector that "
			"it may use.",
			e->instruction.text);
	if (e->has_instruction && e->instruction.action == SNAP_ACTION_PRIVILEGED)
		return FORMAT(e,
			"The program executed an instruction (%s) that only the kernel may: "
			"damaged "
			"code, a jump into the middle of something, or code that is not for user "
			"programs.",
			e->instruction.text);
	if (is_x86(e) && e->crash->arch->elf_class == ELFCLASS32)
		return "The processor refused an access, and the kernel does not tell its address: "
		       "a segment register holds no selector, the address is beyond its segment, "
		       "or "
		       "not aligned as the instruction demands.";
	uint64_t value;
	const struct snap_arch_reg *reg = non_canonical_register(e, &value);
	if (reg)
		return FORMAT(e,
			"The processor refused an access, and the kernel does not tell its "
			"address: "
			"most likely one that is not canonical, as register %s holds 0x%" PRIx64
			", which can't be the address of anything.",
			reg->name, value);
	return "The processor refused an access, and the kernel does not tell its address: it is "
	       "not a canonical one, or not aligned as the instruction demands.";
}

bool snap_fault_is_known_mapped(const struct snap_evidence *e)
{
	return e->signo == SIGSEGV && e->source == SNAP_ADDRESS_KERNEL && e->has_code &&
	       e->code == CODE_ACCERR && e->fault >= SNAP_NULL_END && e->fault >> 63 == 0;
}

const char *snap_fault_place_words(const struct snap_evidence *e)
{
	if (snap_fault_is_known_mapped(e) && !snap_crash_mapping_at(e->crash, e->fault))
		return "where there is memory that does not permit it (the input does not say what "
		       "was mapped there)";
	return snap_address_words(
		e->crash, e->fault, e->maps_known || (e->has_code && e->code == CODE_MAPERR));
}

const char *snap_fault_explain_segv(const struct snap_evidence *e)
{
	if (!e->has_fault)
		return explain_not_told(e);
	if (e->is_refused)
		return explain_refused(e);
	const char *deed = deed_words(e);
	const char *place = snap_fault_place_words(e);
	const char *of = snap_fault_is_null(e) ? snap_fault_null_words(e) : snap_fault_operand_words(e);
	const char *flip = e->fault < SNAP_NULL_END || snap_crash_mapping_at(e->crash, e->fault)
				   ? ""
				   : flip_words(e);
	const char *words = e->has_code && e->code > CODE_ACCERR && e->code != SNAP_SI_KERNEL
				    ? snap_signal_code_words(e->signo, e->code)
				    : NULL;
	if (!deed || !place || !of || !flip)
		return NULL;
	return FORMAT(e, "The program %s at address 0x%" PRIx64 ", %s%s%s%s%s.", deed, e->fault,
		place, words ? ": " : "", words ? words : "", of, flip);
}

const char *snap_fault_passed_on_words(const struct snap_evidence *e)
{
	if ((e->signo != SIGSEGV && e->signo != SIGBUS) || !e->has_pc || !e->crash->arch)
		return "";
	/* What it would have been, had the kernel raised it and told no more. */
	struct snap_evidence fault = *e;
	fault.raised = true;
	fault.has_code = fault.has_fault = false;
	snap_fault_find(&fault);
	if (!fault.has_fault || !fault.operand)
		return "";
	const char *place = snap_address_words(e->crash, fault.fault, e->maps_known);
	return place ? FORMAT(e,
			       "; most likely a handler passed on a fault: the instruction where "
			       "the "
			       "thread stands (%s) can't access address 0x%" PRIx64 ", %s",
			       fault.instruction.text, fault.fault, place)
		     : NULL;
}

/* ---------------------------------------------------------------- SIGBUS */

const char *snap_fault_explain_bus(const struct snap_evidence *e)
{
	struct snap_crash *crash = e->crash;
	const char *words = e->has_code ? snap_signal_code_words(e->signo, e->code) : NULL;
	if (!words)
		words = "bus error";
	if (!e->has_fault)
		return FORMAT(
			e, "An access to memory failed (%s); its address is not told.", words);
	if (e->is_refused)
		return explain_refused(e);
	if (e->is_misaligned) {
		const char *of = snap_fault_operand_words(e), *deed = deed_words(e);
		return of && deed ? FORMAT(e,
					    "The program %s at address 0x%" PRIx64
					    ", which is not aligned as the instruction (%s) "
					    "demands%s.",
					    deed, e->fault, e->instruction.text, of)
				  : NULL;
	}
	const struct snap_mapping *mapping = snap_crash_mapping_at(crash, e->fault);
	struct snap_bytes name = mapping ? snap_path_name(mapping->path) : snap_bytes(NULL, 0);
	if (e->has_code && e->code == CODE_ADRERR && name.len > 0 && name.data[0] != '[') {
		bool is_code = !e->operand && e->has_pc && e->fault == e->pc;
		const char *deed = e->operand ? deed_words(e)
				   : is_code  ? "was to execute code"
					      : "accessed memory";
		return deed ? FORMAT(e,
				      "The program %s at address 0x%" PRIx64
				      " in its mapping of %.*s (offset 0x%" PRIx64
				      " of the file), where the file has no bytes: it is shorter "
				      "than "
				      "the mapping (truncated while it was mapped, or mapped "
				      "beyond its "
				      "end), or could not be read.",
				      deed, e->fault, SNAP_NAME_ARGS(name),
				      mapping->file_offset + (e->fault - mapping->start))
			    : NULL;
	}
	const char *place = snap_address_words(crash, e->fault, e->maps_known);
	return place ? FORMAT(e, "An access to memory at address 0x%" PRIx64 ", %s, failed: %s.",
			       e->fault, place, words)
		     : NULL;
}

/* ---------------------------------------------------------------- arithmetic */

/* The divisor's value, sign and all as so many bytes; and how it is called. */
static bool find_divisor(const struct snap_evidence *e, uint64_t *ret, const char **ret_name)
{
	const struct snap_instruction *instruction = &e->instruction;
	uint8_t bytes[8];
	if (instruction->value.index >= 0) {
		*ret_name = instruction->value.name;
		return snap_register_value(e->crash->arch, &instruction->value, e->pr_reg, ret);
	}
	const struct snap_operand *operand = &instruction->operands[0];
	if (instruction->num_operands == 0 || !operand->has_address || operand->size == 0 ||
		operand->size > sizeof(bytes) ||
		!snap_memory_read_all(&e->crash->memory, operand->address, bytes, operand->size))
		return false;
	*ret = snap_arch_load(e->crash->arch, bytes, operand->size);
	*ret_name = FORMAT(e, "the divisor at 0x%" PRIx64, operand->address);
	return *ret_name;
}

static const char *explain_division(const struct snap_evidence *e)
{
	uint64_t divisor;
	const char *name;
	unsigned int bits = e->instruction.width * 8u;
	if (bits == 0 || bits > 64 || !find_divisor(e, &divisor, &name))
		return FORMAT(e,
			"An integer division (%s) at 0x%" PRIx64
			" was by zero, or its result does not fit (the lowest number by -1).",
			e->instruction.text, e->instruction.addr);
	if (divisor == 0)
		return FORMAT(e, "An integer was divided by zero: %s is 0 (%s).", name,
			e->instruction.text);
	uint64_t ones = UINT64_MAX >> (64 - bits);
	if (e->instruction.is_signed && divisor == ones)
		return FORMAT(e,
			"An integer division overflowed: %s is -1, and the lowest number of its "
			"type, "
			"which has no positive counterpart, was divided by it (%s).",
			name, e->instruction.text);
	return FORMAT(e,
		"An integer division overflowed: the quotient by %s, which is 0x%" PRIx64
		", does not fit into %u bits (%s).",
		name, divisor, bits, e->instruction.text);
}

/* Which wait for the x87's exceptions: names that begin with f, and wait, of which some
 * disassemblers say so. SSE's never do (Intel SDM, volume 1, 8.6). */
static bool is_x87(const struct snap_instruction *instruction)
{
	return instruction->text[0] == 'f' || strncmp(instruction->text, "wait", 4) == 0;
}

const char *snap_fault_explain_fpe(const struct snap_evidence *e)
{
	if (e->has_instruction && e->instruction.action == SNAP_ACTION_DIVIDE && e->has_code &&
		e->code == CODE_INTDIV)
		return explain_division(e);
	const char *words = e->has_code && e->code != SNAP_SI_KERNEL
				    ? snap_signal_code_words(e->signo, e->code)
				    : NULL;
	char where[48] = "";
	if (e->has_fault || e->has_pc)
		(void)snprintf(
			where, sizeof(where), " at 0x%" PRIx64, e->has_fault ? e->fault : e->pc);
	/* x86 has one exception for both (Intel SDM, volume 3, #DE). */
	if (is_x86(e) && e->has_code && e->code == CODE_INTDIV)
		return FORMAT(e,
			"An integer division%s was by zero, or its result does not fit (the lowest "
			"number by -1).",
			where);
	if (words && e->has_instruction && is_x87(&e->instruction))
		return FORMAT(e,
			"An x87 instruction before the one%s failed: %s (the x87 tells it when the "
			"next one begins: %s).",
			where, words, e->instruction.text);
	return FORMAT(e, "An arithmetic instruction failed%s%s%s%s%s%s.", where, words ? ": " : "",
		words ? words : "", e->has_instruction ? " (" : "",
		e->has_instruction ? e->instruction.text : "", e->has_instruction ? ")" : "");
}

/* ---------------------------------------------------------------- traps */

static const char *trap_words(const struct snap_evidence *e, const struct snap_trap *trap)
{
	uint64_t addr = e->instruction.addr;
	if (trap->has_check) {
		const char *check = snap_trap_check_words(trap->check);
		if (check)
			return FORMAT(e,
				"A check of the compiler (-fsanitize-trap) failed at 0x%" PRIx64
				": %s.",
				addr, check);
		return FORMAT(e,
			"A check of the compiler (-fsanitize-trap) failed at 0x%" PRIx64
			": its number is %u.",
			addr, trap->check);
	}
	return FORMAT(e, "The program ran into a %s instruction (%s) at 0x%" PRIx64 ": %s.",
		trap->is_breakpoint ? "breakpoint" : "trap", trap->name, addr, trap->meaning);
}

const char *snap_fault_explain_trap(const struct snap_evidence *e)
{
	struct snap_trap trap;
	bool is_trap = e->signo == SIGTRAP;
	if (e->instruction.len > 0 && e->crash->arch &&
		snap_trap_find(e->crash->arch, &e->instruction, &trap))
		return trap_words(e, &trap);
	const char *words = e->has_code && e->code != SNAP_SI_KERNEL
				    ? snap_signal_code_words(e->signo, e->code)
				    : NULL;
	char where[48] = "";
	if (e->has_fault || e->has_pc)
		(void)snprintf(
			where, sizeof(where), " at 0x%" PRIx64, e->has_fault ? e->fault : e->pc);
	if (!is_trap && e->has_instruction && e->instruction.action == SNAP_ACTION_PRIVILEGED)
		return FORMAT(e,
			"The program executed an instruction (%s)%s that only the kernel may, or "
			"that "
			"asks for what the kernel does not let programs have.",
			e->instruction.text, where);
	const char *text = e->has_instruction ? FORMAT(e, " (%s)", e->instruction.text) : "";
	if (!text)
		return NULL;
	return FORMAT(e, "%s%s%s%s%s%s.",
		is_trap ? "The program ran into a breakpoint or trap instruction"
			: "The processor refused an instruction",
		text, where, words ? ": " : "", words ? words : "",
		is_trap ? ""
			: " (damaged code, a jump into data or the middle of an instruction, or "
			  "one "
			  "that this processor lacks)");
}
