#include <elf.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "capture/debugger/text_parts.h"
#include "common/words.h"

/* No table has more general registers. */
#define MAX_REGS 64
/* Bytes shown round what a register points to: whole rows, of which so many are before. */
#define ROW	    16
#define ROWS_BEFORE 1
#define ROWS_AFTER  3
/* Words of a thread's stacks that are listed. */
#define MAX_WORDS 256
#define LINE	  78

static const struct snap_regset *find_regset(const struct snap_thread *thread, uint32_t type)
{
	for (size_t i = 0; i < thread->num_regsets; i++)
		if (thread->regsets[i].type == type)
			return &thread->regsets[i];
	return NULL;
}

static bool get(const struct snap_text_view *v, const struct snap_regset *regs, unsigned int index,
	uint64_t *ret)
{
	return v->arch && regs &&
	       snap_arch_reg_get(v->arch, index, regs->data.data, regs->data.len, ret);
}

static void print_bytes(FILE *out, struct snap_bytes bytes)
{
	for (size_t i = 0; i < bytes.len; i++)
		fprintf(out, "%s%02x", i % 32 == 0 ? "\n    " : " ", bytes.data[i]);
	fputc('\n', out);
}

static void print_registers(
	FILE *out, const struct snap_text_view *v, const struct snap_regset *regs)
{
	if (!v->arch) {
		fputs("  registers as the kernel has them", out);
		print_bytes(out, regs->data);
		return;
	}
	unsigned int name_width = 0;
	for (unsigned int i = 0; i < v->arch->num_regs; i++) {
		size_t len = strlen(v->arch->regs[i].name);
		name_width = len > name_width ? (unsigned int)len : name_width;
	}
	fputs("  registers\n", out);
	unsigned int column = 0;
	for (unsigned int i = 0; i < v->arch->num_regs; i++) {
		const struct snap_arch_reg *reg = &v->arch->regs[i];
		unsigned int digits = 2u * reg->size, width = name_width + 2 * 8 + 5;
		uint64_t value;
		if (!get(v, regs, i, &value))
			continue;
		if (column > 0 && column + width > LINE) {
			fputc('\n', out);
			column = 0;
		}
		fprintf(out, "%s%-*s 0x%0*" PRIx64, column == 0 ? "    " : "  ", (int)name_width,
			reg->name, (int)digits, value);
		column += name_width + 5 + digits;
	}
	fputc('\n', out);
}

/* ---------------------------------------------------------------- memory round registers */

struct pointer {
	uint64_t value;
	const char *name;
};

static int by_value(const void *a, const void *b)
{
	const struct pointer *x = a, *y = b;
	return (x->value > y->value) - (x->value < y->value);
}

/* One row of memory, of which only what was captured is shown. */
static void print_row(FILE *out, const struct snap_text_view *v, uint64_t addr)
{
	uint8_t bytes[ROW];
	bool there[ROW], any = false;
	for (unsigned int i = 0; i < ROW; i++) {
		struct snap_bytes from = snap_text_memory(v, addr + i);
		there[i] = from.len > 0;
		bytes[i] = there[i] ? from.data[0] : 0;
		any |= there[i];
	}
	if (!any)
		return;
	fprintf(out, "    %012" PRIx64 " ", addr);
	for (unsigned int i = 0; i < ROW; i++) {
		fputs(i == ROW / 2 ? "  " : " ", out);
		if (there[i])
			fprintf(out, "%02x", bytes[i]);
		else
			fputs("  ", out);
	}
	fputs("  |", out);
	for (unsigned int i = 0; i < ROW; i++)
		fputc(!there[i] ? ' ' : bytes[i] >= 0x20 && bytes[i] < 0x7f ? bytes[i] : '.', out);
	fputs("|\n", out);
}

static void print_names(
	FILE *out, const struct snap_text_view *v, const struct pointer *p, size_t num)
{
	for (size_t i = 0; i < num; i++) {
		if (i > 0 && p[i].value == p[i - 1].value) {
			fprintf(out, " = %s", p[i].name);
			continue;
		}
		fprintf(out, "%s%s 0x%" PRIx64 " ", i > 0 ? ", " : "", p[i].name, p[i].value);
		(void)snap_text_place(out, v, p[i].value); /* it is mapped */
	}
}

static uint64_t window_start(uint64_t value)
{
	value -= value % ROW;
	return value > ROWS_BEFORE * ROW ? value - ROWS_BEFORE * ROW : 0;
}

static uint64_t window_end(uint64_t value)
{
	value -= value % ROW;
	return value < UINT64_MAX - ROWS_AFTER * ROW ? value + ROWS_AFTER * ROW : value;
}

/* Round each register that points to mapped memory; what overlaps is one block. */
static void print_pointed(FILE *out, const struct snap_text_view *v, const struct snap_regset *regs)
{
	struct pointer pointers[MAX_REGS];
	size_t num = 0;
	for (unsigned int i = 0; v->arch && i < v->arch->num_regs && num < MAX_REGS; i++) {
		uint64_t value;
		if (get(v, regs, i, &value) && snap_text_mapping(v, value))
			pointers[num++] = (struct pointer){value, v->arch->regs[i].name};
	}
	if (num == 0)
		return;
	qsort(pointers, num, sizeof(pointers[0]), by_value);
	fputs("  memory round what they point to\n", out);
	for (size_t i = 0; i < num;) {
		size_t end = i + 1;
		while (end < num &&
			window_start(pointers[end].value) <= window_end(pointers[end - 1].value))
			end++;
		fputs("    ", out);
		print_names(out, v, pointers + i, end - i);
		uint64_t first = window_start(pointers[i].value);
		uint64_t stop = window_end(pointers[end - 1].value);
		bool any = false;
		for (uint64_t a = first; a < stop && !any; a++)
			any = snap_text_memory(v, a).len > 0;
		fputs(any ? ":\n" : ": not captured\n", out);
		for (uint64_t a = first; a < stop; a += ROW)
			print_row(out, v, a);
		i = end;
	}
}

/* ---------------------------------------------------------------- stacks */

/* Bits of a code address that pointer authentication has signed; 0: none. */
static uint64_t signed_bits(const struct snap_text_view *v, const struct snap_thread *thread)
{
	/* struct user_pac_mask of the kernel's arch/arm64/include/uapi/asm/ptrace.h. */
	const struct snap_regset *mask = find_regset(thread, NT_ARM_PAC_MASK);
	return v->arch && mask && mask->data.len >= 16
		       ? snap_arch_load(v->arch, mask->data.data + 8, 8)
		       : 0;
}

static bool points_into_code(const struct snap_text_view *v, uint64_t value)
{
	const struct snap_mapping *mapping = snap_text_mapping(v, value);
	return mapping && mapping->permissions & SNAP_MAPPING_EXEC;
}

static void print_stack_words(FILE *out, const struct snap_text_view *v,
	const struct snap_thread *thread, const struct snap_regset *regs)
{
	size_t num_ranges;
	const struct snap_memory_range *ranges = snap_text_stacks(v, thread->tid, &num_ranges);
	if (!v->arch || num_ranges == 0)
		return;
	unsigned int word = snap_arch_word(v->arch);
	uint64_t bits = signed_bits(v, thread), sp = 0;
	const struct snap_thread_facts *facts = snap_text_facts(v, thread->tid);
	if (!get(v, regs, v->arch->sp, &sp) && facts && facts->has_stack_pointer)
		sp = facts->stack_pointer;
	unsigned long num = 0;
	for (size_t i = 0; i < num_ranges; i++) {
		const struct snap_memory_range *range = &ranges[i];
		size_t off = -range->address & (word - 1);
		/* Below the stack pointer is what was left behind. */
		if (sp > range->address && sp - range->address < range->data.len)
			off = (size_t)((sp - range->address + word - 1) & ~(uint64_t)(word - 1));
		for (; off + word <= range->data.len; off += word) {
			uint64_t value = snap_arch_load(v->arch, range->data.data + off, word);
			if (!points_into_code(v, value) &&
				(bits == 0 || !points_into_code(v, value &= ~bits)))
				continue;
			if (num == 0)
				fputs("  words on the stack that point into code\n", out);
			if (num++ >= MAX_WORDS)
				continue;
			uint64_t at = range->address + off;
			fprintf(out, "    %012" PRIx64, at);
			if (at >= sp && sp != 0)
				fprintf(out, " %s+0x%-5" PRIx64, v->arch->regs[v->arch->sp].name,
					at - sp);
			fprintf(out, "  0x%0*" PRIx64 "  ", 2 * (int)word, value);
			(void)snap_text_place(out, v, value); /* it is mapped */
			fputc('\n', out);
		}
	}
	if (num > MAX_WORDS)
		fprintf(out, "    and %lu more\n", num - MAX_WORDS);
}

/* ---------------------------------------------------------------- what the kernel tells */

static void print_kernel_stack(FILE *out, struct snap_bytes text)
{
	if (text.len == 0)
		return;
	fputs("  kernel stack\n", out);
	while (text.len > 0) {
		const uint8_t *end = memchr(text.data, '\n', text.len);
		size_t len = end ? (size_t)(end - text.data) : text.len;
		fputs("    ", out);
		snap_text_string(out, snap_bytes(text.data, len));
		fputc('\n', out);
		len += end ? 1 : 0;
		text = snap_bytes(text.data + len, text.len - len);
	}
}

static void print_facts(FILE *out, const struct snap_thread_facts *f)
{
	if (f->wchan.len > 0) {
		fputs("  waits in ", out);
		snap_text_string(out, f->wchan);
		fputc('\n', out);
	}
	if (f->has_syscall_number && f->syscall_number >= 0) {
		fprintf(out, "  in system call %" PRId64 " (", f->syscall_number);
		for (size_t i = 0; i < f->num_syscall_arguments; i++)
			fprintf(out, "%s0x%" PRIx64, i > 0 ? ", " : "", f->syscall_arguments[i]);
		fputs(")\n", out);
	}
	if (f->has_user_ms && f->has_system_ms) {
		fprintf(out, "  has run for %" PRIu64 " ms, and %" PRIu64 " ms in the kernel",
			f->user_ms, f->system_ms);
		if (f->has_cpu)
			fprintf(out, ", last on processor %" PRIu32, f->cpu);
		fputc('\n', out);
	}
	print_kernel_stack(out, f->kernel_stack);
}

/* ---------------------------------------------------------------- threads */

static void print_thread(
	FILE *out, const struct snap_text_view *v, const struct snap_thread *thread)
{
	const struct snap_regset *regs = find_regset(thread, NT_PRSTATUS);
	const struct snap_thread_facts *facts = snap_text_facts(v, thread->tid);
	uint64_t pc = 0;
	fprintf(out, "\nthread %" PRIu64 " \"", thread->tid);
	snap_text_string(out, thread->name);
	fputc('"', out);
	const char *state = thread->has_state ? snap_thread_state_name(thread->state) : NULL;
	if (state)
		fprintf(out, ", %s", state);
	if (facts && facts->has_letter && facts->letter > ' ' && facts->letter < 0x7f)
		fprintf(out, " (%c)", (int)facts->letter);
	fputc('\n', out);
	bool has_pc = regs && get(v, regs, v->arch ? v->arch->pc : 0, &pc);
	if (!regs && facts && facts->has_program_counter && facts->program_counter != 0) {
		has_pc = true;
		pc = facts->program_counter;
	}
	if (has_pc) {
		fprintf(out, "  at 0x%" PRIx64 " ", pc);
		(void)snap_text_place(out, v, pc); /* if it is anywhere */
		fputc('\n', out);
	}
	if (facts)
		print_facts(out, facts);
	if (!regs) {
		fputs("  its registers are not there\n", out);
	} else {
		print_registers(out, v, regs);
		print_pointed(out, v, regs);
	}
	print_stack_words(out, v, thread, regs);
}

void snap_text_threads(FILE *out, const struct snap_text_view *v)
{
	for (size_t i = 0; i < v->threads.num; i++)
		print_thread(out, v, &v->threads.items[i]);
}
