#include "analyze/unwind/exidx.h"

#include <stdlib.h>

#include <gelf.h>

#include "common/elf_load.h"

#define ENTRY_BYTES 8
#define CANTUNWIND  1u

enum { SP = 13, LR = 14, PC = 15 };

/* The bytes of a PT_LOAD that are in the file: [start, end) of the file's virtual addresses. */
struct segment {
	uint32_t start, end;
	const uint8_t *bytes; /* into the file */
	bool is_code;
};

struct snap_exidx {
	struct segment *segments; /* sorted, not overlapping */
	size_t num_segments;
	const uint8_t *index; /* into the file; num_entries, sorted by their functions */
	uint32_t index_addr;
	uint32_t num_entries;
};

static uint32_t load_word(const uint8_t *bytes)
{
	return (uint32_t)snap_elf_load(bytes, 4, ELFDATA2LSB);
}

/* A place-relative offset of 31 bits (EHABI32, 5.4.2) in a word at addr. */
static uint32_t prel31(uint32_t word, uint32_t addr)
{
	return addr + ((word & 0x7fffffff) ^ 0x40000000) - 0x40000000;
}

static uint32_t entry_function(const struct snap_exidx *exidx, uint32_t i)
{
	uint32_t word = load_word(exidx->index + (size_t)i * ENTRY_BYTES);
	return prel31(word, exidx->index_addr + i * ENTRY_BYTES) & ~1u;
}

static const struct segment *find_segment(const struct snap_exidx *exidx, uint32_t addr)
{
	size_t low = 0, high = exidx->num_segments;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct segment *segment = &exidx->segments[middle];
		if (addr < segment->start)
			high = middle;
		else if (addr >= segment->end)
			low = middle + 1;
		else
			return segment;
	}
	return NULL;
}

/* The file's bytes from addr on and how many words there are; NULL: none. */
static const uint8_t *words_at(const struct snap_exidx *exidx, uint32_t addr, size_t *ret_num)
{
	const struct segment *segment = find_segment(exidx, addr);
	if (!segment || segment->end - addr < 4)
		return NULL;
	*ret_num = (segment->end - addr) / 4;
	return segment->bytes + (addr - segment->start);
}

/* ---------------------------------------------------------------- the table */

static int add_segment(struct snap_exidx *exidx, const GElf_Phdr *phdr, const uint8_t *file,
	size_t file_len, struct snap_error *err)
{
	uint64_t len = phdr->p_filesz;
	if (phdr->p_offset >= file_len || len == 0)
		return 0;
	if (len > file_len - phdr->p_offset)
		len = file_len - phdr->p_offset;
	/* The last byte of the address space would make an end that no uint32_t holds. */
	if (phdr->p_vaddr > UINT32_MAX || len > UINT32_MAX - phdr->p_vaddr)
		return snap_error_set(
			err, SNAP_ERROR_MALFORMED, "a segment goes round the address space");
	struct segment *last = exidx->segments + exidx->num_segments;
	if (exidx->num_segments > 0 && last[-1].end > phdr->p_vaddr)
		return snap_error_set(err, SNAP_ERROR_MALFORMED, "segments out of order");
	*last = (struct segment){
		.start = (uint32_t)phdr->p_vaddr,
		.end = (uint32_t)(phdr->p_vaddr + len),
		.bytes = file + phdr->p_offset,
		.is_code = phdr->p_flags & PF_X,
	};
	exidx->num_segments++;
	return 0;
}

static int load_segments(struct snap_exidx *exidx, Elf *elf, size_t num_phdrs, GElf_Phdr *ret_index,
	struct snap_error *err)
{
	size_t file_len = 0;
	const uint8_t *file = (const uint8_t *)elf_rawfile(elf, &file_len);
	if (!file)
		return snap_error_set(err, SNAP_ERROR_MALFORMED, "%s", elf_errmsg(-1));
	exidx->segments = calloc(num_phdrs, sizeof(*exidx->segments));
	if (!exidx->segments)
		return snap_error_no_memory(err);
	for (size_t i = 0; i < num_phdrs; i++) {
		GElf_Phdr phdr;
		if (!gelf_getphdr(elf, (int)i, &phdr))
			return snap_error_set(err, SNAP_ERROR_MALFORMED, "%s", elf_errmsg(-1));
		if (phdr.p_type == PT_ARM_EXIDX && ret_index->p_type != PT_ARM_EXIDX)
			*ret_index = phdr;
		else if (phdr.p_type == PT_LOAD &&
			 add_segment(exidx, &phdr, file, file_len, err) < 0)
			return -1;
	}
	return 0;
}

static int load_index(struct snap_exidx *exidx, const GElf_Phdr *phdr, struct snap_error *err)
{
	size_t num_words = 0;
	if (phdr->p_vaddr <= UINT32_MAX)
		exidx->index = words_at(exidx, (uint32_t)phdr->p_vaddr, &num_words);
	if (!exidx->index || phdr->p_memsz / 4 > num_words)
		return snap_error_set(err, SNAP_ERROR_MALFORMED, "its unwind index is not in it");
	exidx->index_addr = (uint32_t)phdr->p_vaddr;
	exidx->num_entries = (uint32_t)(phdr->p_memsz / ENTRY_BYTES);
	for (uint32_t i = 1; i < exidx->num_entries; i++)
		if (entry_function(exidx, i) < entry_function(exidx, i - 1))
			return snap_error_set(
				err, SNAP_ERROR_MALFORMED, "its unwind index is not sorted");
	return 0;
}

static void destroy_exidx(struct snap_exidx **exidx)
{
	snap_exidx_destroy(*exidx);
}

int snap_exidx_create(Elf *elf, struct snap_exidx **ret, struct snap_error *err)
{
	GElf_Ehdr ehdr;
	size_t num_phdrs;
	if (!gelf_getehdr(elf, &ehdr) || ehdr.e_machine != EM_ARM ||
		ehdr.e_ident[EI_CLASS] != ELFCLASS32 || ehdr.e_ident[EI_DATA] != ELFDATA2LSB ||
		elf_getphdrnum(elf, &num_phdrs) < 0 || num_phdrs == 0) {
		*ret = NULL;
		return 0;
	}
	__attribute__((cleanup(destroy_exidx))) struct snap_exidx *exidx =
		calloc(1, sizeof(*exidx));
	if (!exidx)
		return snap_error_no_memory(err);
	GElf_Phdr index = {.p_type = PT_NULL};
	if (load_segments(exidx, elf, num_phdrs, &index, err) < 0)
		return -1;
	if (index.p_type != PT_ARM_EXIDX || index.p_memsz < ENTRY_BYTES) {
		*ret = NULL;
		return 0;
	}
	if (load_index(exidx, &index, err) < 0)
		return -1;
	*ret = exidx;
	exidx = NULL;
	return 0;
}

void snap_exidx_destroy(struct snap_exidx *exidx)
{
	if (!exidx)
		return;
	free(exidx->segments);
	free(exidx);
}

/* The last entry whose function starts at or before vaddr, which must be code. */
static bool find_entry(const struct snap_exidx *exidx, uint64_t vaddr, uint32_t *ret)
{
	const struct segment *segment =
		vaddr <= UINT32_MAX ? find_segment(exidx, (uint32_t)vaddr) : NULL;
	if (!segment || !segment->is_code)
		return false;
	uint32_t low = 0, high = exidx->num_entries;
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		if (entry_function(exidx, middle) <= vaddr)
			low = middle + 1;
		else
			high = middle;
	}
	/* One of a segment below says nothing of this one. */
	if (low == 0 || entry_function(exidx, low - 1) < segment->start)
		return false;
	*ret = low - 1;
	return true;
}

bool snap_exidx_function(
	const struct snap_exidx *exidx, uint64_t vaddr, uint64_t *ret_start, uint64_t *ret_end)
{
	uint32_t i;
	if (!find_entry(exidx, vaddr, &i))
		return false;
	uint64_t end = find_segment(exidx, (uint32_t)vaddr)->end;
	if (i + 1 < exidx->num_entries && entry_function(exidx, i + 1) < end)
		end = entry_function(exidx, i + 1);
	*ret_start = entry_function(exidx, i);
	*ret_end = end;
	return true;
}

/* ---------------------------------------------------------------- instructions */

/* Unwinding instructions: the rest of a word, its most significant byte first, then more words. */
struct code {
	uint32_t word;
	unsigned int num_bytes; /* of word */
	const uint8_t *next;
	size_t num_words; /* from next on */
};

/* The frame while it is unwound. */
struct frame {
	struct snap_memory *memory;
	struct code code;
	uint32_t vsp, regs[SNAP_EXIDX_NUM_REGS];
	uint32_t known, restored; /* bit n: regs[n] */
	uint64_t fault;
};

/* False: there is none left. */
static bool next_byte(struct code *code, uint8_t *ret)
{
	if (code->num_bytes == 0) {
		if (code->num_words == 0)
			return false;
		code->word = load_word(code->next);
		code->num_bytes = 4;
		code->next += 4;
		code->num_words--;
	}
	*ret = (uint8_t)(code->word >> 24);
	code->word <<= 8;
	code->num_bytes--;
	return true;
}

/* An operand: the description cannot end before it. */
static bool next_uleb128(struct code *code, uint32_t *ret)
{
	uint64_t value = 0;
	uint8_t byte = 0x80;
	for (unsigned int shift = 0; byte & 0x80; shift += 7) {
		if (shift > 28 || !next_byte(code, &byte))
			return false;
		value |= (uint64_t)(byte & 0x7f) << shift;
	}
	*ret = (uint32_t)value;
	return value <= UINT32_MAX;
}

/* The registers of mask, bit n being r[n]: the lowest is at vsp. */
static enum snap_exidx_status pop(struct frame *frame, uint32_t mask)
{
	for (unsigned int reg = 0; reg < SNAP_EXIDX_NUM_REGS; reg++) {
		uint8_t bytes[4];
		if (!(mask >> reg & 1))
			continue;
		if (!snap_memory_read_all(frame->memory, frame->vsp, bytes, sizeof(bytes))) {
			frame->fault = frame->vsp;
			return SNAP_EXIDX_NO_MEMORY;
		}
		frame->regs[reg] = load_word(bytes);
		frame->vsp += sizeof(bytes);
	}
	frame->known |= mask;
	frame->restored |= mask;
	/* A popped sp counts once the whole instruction is done (EHABI32, 10.3, remark b). */
	if (mask >> SP & 1)
		frame->vsp = frame->regs[SP];
	return SNAP_EXIDX_STEPPED;
}

static enum snap_exidx_status set_vsp(struct frame *frame, unsigned int reg)
{
	if (reg == SP || reg == PC) /* reserved */
		return SNAP_EXIDX_MALFORMED;
	if (!(frame->known >> reg & 1))
		return SNAP_EXIDX_NO_REGISTER;
	frame->vsp = frame->regs[reg];
	return SNAP_EXIDX_STEPPED;
}

/*
 * Registers of 8 bytes that are not carried: they only take room. range: the first one and how many
 * follow it, 4 bits each, of those below limit; extra: what stands beside them.
 */
static enum snap_exidx_status skip(
	struct frame *frame, unsigned int range, unsigned int limit, unsigned int extra)
{
	unsigned int num = (range & 0xf) + 1;
	if ((range >> 4) + num > limit)
		return SNAP_EXIDX_MALFORMED;
	frame->vsp += 8 * num + extra;
	return SNAP_EXIDX_STEPPED;
}

#define FSTMFDX_EXTRA 4 /* the format word */

/* The instructions that start with 1011. */
static enum snap_exidx_status execute_1011(struct frame *frame, uint8_t opcode)
{
	uint8_t operand = 0;
	uint32_t words;
	if (opcode >= 0xb8)
		return skip(frame, 0x80 | (opcode & 7), 16, FSTMFDX_EXTRA);
	switch (opcode) {
	case 0xb1:
		if (!next_byte(&frame->code, &operand) || operand == 0 || operand > 0xf)
			return SNAP_EXIDX_MALFORMED;
		return pop(frame, operand);
	case 0xb2:
		if (!next_uleb128(&frame->code, &words) || words > UINT32_MAX / 4)
			return SNAP_EXIDX_MALFORMED;
		frame->vsp += 0x204 + (words << 2);
		return SNAP_EXIDX_STEPPED;
	case 0xb3:
		if (!next_byte(&frame->code, &operand))
			return SNAP_EXIDX_MALFORMED;
		return skip(frame, operand, 16, FSTMFDX_EXTRA);
	case 0xb4: /* the return address's authentication code, which is kept apart from it */
		frame->vsp += 4;
		return SNAP_EXIDX_STEPPED;
	case 0xb5: /* the code was made with vsp as it is now */
		return SNAP_EXIDX_STEPPED;
	default:
		return SNAP_EXIDX_MALFORMED;
	}
}

/* The instructions that start with 11. */
static enum snap_exidx_status execute_11(struct frame *frame, uint8_t opcode)
{
	uint8_t operand = 0;
	if (opcode < 0xc6)
		return skip(frame, 0xa0 | (opcode & 7), 16, 0);
	if ((opcode & 0xf8) == 0xd0)
		return skip(frame, 0x80 | (opcode & 7), 32, 0);
	if (opcode > 0xc9 || !next_byte(&frame->code, &operand))
		return SNAP_EXIDX_MALFORMED;
	if (opcode == 0xc7) { /* Wireless MMX's control registers, of 4 bytes */
		if (operand == 0 || operand > 0xf)
			return SNAP_EXIDX_MALFORMED;
		frame->vsp += 4 * (uint32_t)__builtin_popcount(operand);
		return SNAP_EXIDX_STEPPED;
	}
	/* 0xc6: wR[0] to wR[15]; 0xc8: D[16] to D[31]; 0xc9: D[0] to D[31] */
	return skip(frame, operand, opcode == 0xc9 ? 32 : 16, 0);
}

static enum snap_exidx_status execute(struct frame *frame, uint8_t opcode)
{
	uint8_t operand;
	switch (opcode >> 4) {
	case 0x0 ... 0x3:
		frame->vsp += ((opcode & 0x3fu) << 2) + 4;
		return SNAP_EXIDX_STEPPED;
	case 0x4 ... 0x7:
		frame->vsp -= ((opcode & 0x3fu) << 2) + 4;
		return SNAP_EXIDX_STEPPED;
	case 0x8:
		if (!next_byte(&frame->code, &operand))
			return SNAP_EXIDX_MALFORMED;
		if (opcode == 0x80 && operand == 0)
			return SNAP_EXIDX_CANT_UNWIND;
		return pop(frame, (opcode & 0xfu) << 12 | (uint32_t)operand << 4);
	case 0x9:
		return set_vsp(frame, opcode & 0xf);
	case 0xa:
		return pop(frame, ((2u << (opcode & 7)) - 1) << 4 | (opcode & 8 ? 1u << LR : 0));
	case 0xb:
		return execute_1011(frame, opcode);
	default:
		return execute_11(frame, opcode);
	}
}

#define FINISH 0xb0

/* All of them, and what "finish", said or implied, does. */
static enum snap_exidx_status unwind(struct frame *frame)
{
	uint8_t opcode;
	while (next_byte(&frame->code, &opcode) && opcode != FINISH) {
		enum snap_exidx_status status = execute(frame, opcode);
		if (status != SNAP_EXIDX_STEPPED)
			return status;
	}
	if (!(frame->restored >> PC & 1)) {
		if (!(frame->known >> LR & 1))
			return SNAP_EXIDX_NO_REGISTER;
		frame->regs[PC] = frame->regs[LR];
		frame->restored |= 1u << LR;
	}
	return SNAP_EXIDX_STEPPED;
}

/* ---------------------------------------------------------------- a step */

/*
 * The instructions in an entry of the compact model (EHABI32, 7.3 and 10.2), which is followed by
 * num_words at next. Its personality routine's number says how long it is.
 */
static enum snap_exidx_status read_compact(
	uint32_t entry, const uint8_t *next, size_t num_words, struct code *ret)
{
	switch (entry >> 24) {
	case 0x80:
		*ret = (struct code){.word = entry << 8, .num_bytes = 3};
		return SNAP_EXIDX_STEPPED;
	case 0x81:
	case 0x82:
		if ((entry >> 16 & 0xff) > num_words)
			return SNAP_EXIDX_MALFORMED;
		*ret = (struct code){.word = entry << 16,
			.num_bytes = 2,
			.next = next,
			.num_words = entry >> 16 & 0xff};
		return SNAP_EXIDX_STEPPED;
	default:
		return SNAP_EXIDX_MALFORMED;
	}
}

/*
 * The generic model leaves it to the personality routine what follows its address. Those of gcc and
 * LLVM, whatever the language, expect what assemblers write for ".personality": the number of
 * further words in a byte, then instructions.
 */
static enum snap_exidx_status read_generic(const uint8_t *next, size_t num_words, struct code *ret)
{
	if (num_words == 0)
		return SNAP_EXIDX_MALFORMED;
	uint32_t word = load_word(next);
	if (word >> 24 > num_words - 1)
		return SNAP_EXIDX_MALFORMED;
	*ret = (struct code){
		.word = word << 8, .num_bytes = 3, .next = next + 4, .num_words = word >> 24};
	return SNAP_EXIDX_STEPPED;
}

static enum snap_exidx_status read_entry(
	const struct snap_exidx *exidx, uint32_t i, struct code *ret)
{
	uint32_t entry = load_word(exidx->index + (size_t)i * ENTRY_BYTES + 4);
	if (entry == CANTUNWIND)
		return SNAP_EXIDX_CANT_UNWIND;
	if (entry >> 31)
		return read_compact(entry, NULL, 0, ret);
	size_t num_words;
	const uint8_t *table =
		words_at(exidx, prel31(entry, exidx->index_addr + i * ENTRY_BYTES + 4), &num_words);
	if (!table)
		return SNAP_EXIDX_MALFORMED;
	entry = load_word(table);
	return entry >> 31 ? read_compact(entry, table + 4, num_words - 1, ret)
			   : read_generic(table + 4, num_words - 1, ret);
}

/* r4 to r11 are the caller's unless they were restored. */
#define CALLEE_SAVED 0x0ff0u

enum snap_exidx_status snap_exidx_step(const struct snap_exidx *exidx, struct snap_memory *memory,
	uint64_t vaddr, uint64_t regs[SNAP_EXIDX_NUM_REGS], uint64_t *known, uint64_t *ret_cfa,
	uint64_t *ret_fault)
{
	uint32_t i;
	if (!find_entry(exidx, vaddr, &i))
		return SNAP_EXIDX_NONE;
	struct frame frame = {.memory = memory, .known = (uint32_t)*known & 0xffff};
	enum snap_exidx_status status = read_entry(exidx, i, &frame.code);
	if (status != SNAP_EXIDX_STEPPED)
		return status;
	if (!(frame.known >> SP & 1))
		return SNAP_EXIDX_NO_REGISTER;
	for (unsigned int reg = 0; reg < SNAP_EXIDX_NUM_REGS; reg++)
		frame.regs[reg] = (uint32_t)regs[reg];
	frame.vsp = frame.regs[SP];
	status = unwind(&frame);
	if (status == SNAP_EXIDX_NO_MEMORY)
		*ret_fault = frame.fault;
	if (status != SNAP_EXIDX_STEPPED)
		return status;
	frame.regs[SP] = frame.vsp;
	*known = (frame.known & CALLEE_SAVED) | frame.restored | 1u << SP | 1u << PC;
	for (unsigned int reg = 0; reg < SNAP_EXIDX_NUM_REGS; reg++)
		if (*known >> reg & 1)
			regs[reg] = frame.regs[reg];
	*ret_cfa = frame.vsp;
	return SNAP_EXIDX_STEPPED;
}
