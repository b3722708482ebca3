#include "analyze/symbols/plt.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <gelf.h>

#include "common/elf_load.h"

/* Sections of either kind that are read: linkers write four at most. */
#define MAX_SECTIONS 16
/* Of stubs, together: a hundred times the largest. Any number of sections can claim the same. */
#define MAX_STUB_BYTES (32u << 20)
/* Longer names are hostile. */
#define MAX_NAME_BYTES 16384

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

struct code {
	const uint8_t *bytes;
	size_t len;
	uint64_t addr;	   /* of bytes */
	uint64_t got_addr; /* what DT_PLTGOT says; i386 */
	uint8_t order;	   /* ELFDATA2LSB or ELFDATA2MSB, of instructions */
};

/* The length of the stub that starts at code->bytes, 0: none does; and the slot that it reads. */
typedef size_t decode_fn(const struct code *code, uint64_t *ret_slot);

static bool has(const struct code *code, size_t at, const char *bytes, size_t len)
{
	return at <= code->len && len <= code->len - at &&
	       memcmp(code->bytes + at, bytes, len) == 0;
}

static uint32_t word(const struct code *code, size_t at)
{
	return at <= code->len && code->len - at >= 4
		       ? (uint32_t)snap_elf_load(code->bytes + at, 4, code->order)
		       : 0;
}

static uint64_t sign_extend(uint32_t value)
{
	return (uint64_t)(int64_t)(int32_t)value;
}

/*
 * x86: [endbr] [mov $N, %r11d] [bnd] jmp *SLOT, and what fills it up to 8 or 16 bytes: nops, or
 * what binds lazily (push $N; jmp). i386: the slot is an address, or relative to %ebx.
 */
static size_t decode_x86(const struct code *code, bool is_64, uint64_t *ret_slot)
{
	size_t at = 0;
	if (has(code, at, is_64 ? "\xf3\x0f\x1e\xfa" : "\xf3\x0f\x1e\xfb", 4))
		at += 4;
	if (is_64 && has(code, at, "\x41\xbb", 2)) /* mold */
		at += 6;
	if (has(code, at, "\xf2", 1))
		at++;
	bool is_relative = !is_64 && has(code, at, "\xff\xa3", 2);
	if (!(is_relative || has(code, at, "\xff\x25", 2)) || code->len - at < 6)
		return 0;
	uint64_t value = snap_elf_load(code->bytes + at + 2, 4, ELFDATA2LSB);
	at += 6;
	if (is_64)
		*ret_slot = code->addr + at + sign_extend((uint32_t)value);
	else
		*ret_slot = (uint32_t)(value + (is_relative ? code->got_addr : 0));
	return at > 8 || has(code, at, "\x68", 1) ? 16 : 8;
}

static size_t decode_x86_64(const struct code *code, uint64_t *ret_slot)
{
	return decode_x86(code, true, ret_slot);
}

static size_t decode_i386(const struct code *code, uint64_t *ret_slot)
{
	return decode_x86(code, false, ret_slot);
}

/* [bti c]; adrp x16, PAGE; ldr x17, [x16, #LOW]; add x16, x16, #LOW; [autia1716]; br x17; [nop] */
static size_t decode_aarch64(const struct code *code, uint64_t *ret_slot)
{
	size_t at = word(code, 0) == 0xd503245f ? 4 : 0;
	uint32_t adrp = word(code, at), ldr = word(code, at + 4);
	bool is_ilp32 = (ldr & 0xffc003ff) == 0xb9400211;
	if ((adrp & 0x9f00001f) != 0x90000010 || (!is_ilp32 && (ldr & 0xffc003ff) != 0xf9400211) ||
		(word(code, at + 8) & 0xffc003ff) != 0x91000210)
		return 0;
	uint64_t pages = (adrp >> 5 & 0x7ffff) << 2 | (adrp >> 29 & 3);
	pages = (pages ^ 0x100000) - 0x100000; /* signed, of 21 bits */
	*ret_slot = ((code->addr + at) & ~UINT64_C(0xfff)) + (pages << 12) +
		    ((uint64_t)(ldr >> 10 & 0xfff) << (is_ilp32 ? 2 : 3));
	at += 12;
	if (word(code, at) == 0xd503219f)
		at += 4;
	if (word(code, at) != 0xd61f0220)
		return 0;
	return at + 4 > 16 ? 24 : 16;
}

/* What "add ip, ..., #N" adds: 8 bits, rotated. */
static uint32_t arm_immediate(uint32_t insn)
{
	uint32_t value = insn & 0xff, rotate = (insn >> 8 & 0xf) * 2;
	return rotate ? value >> rotate | value << (32 - rotate) : value;
}

/*
 * [bx pc; nop, for callers in Thumb]; add ip, pc, #N; add ip, ip, #N (once or twice);
 * ldr pc, [ip, #N]!. lld's long form: ldr ip, [pc, #4]; add ip, ip, pc; ldr pc, [ip]; N
 */
static size_t decode_arm(const struct code *code, uint64_t *ret_slot)
{
	uint16_t half[2] = {0};
	for (size_t i = 0; i < 2 && code->len >= 4; i++)
		half[i] = (uint16_t)snap_elf_load(code->bytes + 2 * i, 2, code->order);
	size_t at = half[0] == 0x4778 && (half[1] == 0x46c0 || half[1] == 0xe7fd) ? 4 : 0;
	uint64_t addr = code->addr + at + 8; /* what pc reads as */
	if (word(code, at) == 0xe59fc004 && word(code, at + 4) == 0xe08cc00f &&
		word(code, at + 8) == 0xe59cf000 && code->len - at >= 16) {
		*ret_slot = (uint32_t)(addr + 4 + word(code, at + 12));
		return at + 16;
	}
	if ((word(code, at) & 0xfffff000) != 0xe28fc000)
		return 0;
	addr += arm_immediate(word(code, at));
	at += 4;
	for (int i = 0; i < 2 && (word(code, at) & 0xfffff000) == 0xe28cc000; i++, at += 4)
		addr += arm_immediate(word(code, at));
	if ((word(code, at) & 0xfffff000) != 0xe5bcf000)
		return 0;
	*ret_slot = (uint32_t)(addr + (word(code, at) & 0xfff));
	return at + 4;
}

/* auipc t3, HIGH; ld (lw) t3, LOW(t3); jalr t1, t3; nop */
static size_t decode_riscv(const struct code *code, bool is_64, uint64_t *ret_slot)
{
	uint32_t auipc = word(code, 0), load = word(code, 4);
	if ((auipc & 0xfff) != 0xe17 || (load & 0xfffff) != (is_64 ? 0xe3e03 : 0xe2e03) ||
		word(code, 8) != 0x000e0367 || code->len < 16)
		return 0;
	uint64_t low = (uint64_t)(load >> 20 ^ 0x800) - 0x800; /* signed, of 12 bits */
	*ret_slot = code->addr + sign_extend(auipc & 0xfffff000) + low;
	if (!is_64)
		*ret_slot = (uint32_t)*ret_slot;
	return 16;
}

static size_t decode_riscv64(const struct code *code, uint64_t *ret_slot)
{
	return decode_riscv(code, true, ret_slot);
}

static size_t decode_riscv32(const struct code *code, uint64_t *ret_slot)
{
	return decode_riscv(code, false, ret_slot);
}

static const struct machine {
	uint16_t elf_machine;
	uint8_t elf_class; /* ELFCLASSNONE: any */
	uint8_t align;	   /* stubs start at multiples of it */
	decode_fn *decode;
} machines[] = {
	{EM_X86_64, ELFCLASSNONE, 8, decode_x86_64},
	{EM_386, ELFCLASS32, 8, decode_i386},
	{EM_AARCH64, ELFCLASSNONE, 4, decode_aarch64},
	{EM_ARM, ELFCLASS32, 4, decode_arm},
	{EM_RISCV, ELFCLASS64, 4, decode_riscv64},
	{EM_RISCV, ELFCLASS32, 4, decode_riscv32},
};

/* ---------------------------------------------------------------- stubs */

struct stub {
	uint64_t slot, start, end;
	const char *name;
};

struct stubs {
	struct stub *items;
	size_t num, capacity;
};

static int add_stub(
	struct stubs *stubs, uint64_t slot, uint64_t start, uint64_t end, struct snap_error *err)
{
	if (stubs->num == stubs->capacity) {
		size_t capacity = stubs->capacity ? 2 * stubs->capacity : 64;
		struct stub *items = reallocarray(stubs->items, capacity, sizeof(*items));
		if (!items)
			return snap_error_no_memory(err);
		stubs->items = items;
		stubs->capacity = capacity;
	}
	stubs->items[stubs->num++] = (struct stub){slot, start, end, NULL};
	return 0;
}

static int scan(struct stubs *stubs, const struct machine *machine, struct code code,
	struct snap_error *err)
{
	while (code.len > 0) {
		uint64_t slot;
		size_t len = machine->decode(&code, &slot);
		bool is_stub = len > 0;
		if (!is_stub)
			len = machine->align;
		if (len > code.len)
			len = code.len;
		if (is_stub && add_stub(stubs, slot, code.addr, code.addr + len, err) < 0)
			return -1;
		code.bytes += len;
		code.len -= len;
		code.addr += len;
	}
	return 0;
}

/* DT_PLTGOT; 0: there is none. */
static uint64_t find_got(Elf *elf)
{
	GElf_Shdr shdr;
	GElf_Dyn dyn;
	for (Elf_Scn *scn = NULL; (scn = elf_nextscn(elf, scn));) {
		if (!gelf_getshdr(scn, &shdr) || shdr.sh_type != SHT_DYNAMIC)
			continue;
		Elf_Data *data = elf_getdata(scn, NULL);
		for (int i = 0; data && gelf_getdyn(data, i, &dyn) && dyn.d_tag != DT_NULL; i++)
			if (dyn.d_tag == DT_PLTGOT)
				return dyn.d_un.d_ptr;
		break;
	}
	return 0;
}

/* .plt, .plt.sec, .plt.got, .plt.bnd, .iplt */
static bool is_plt(const char *name)
{
	return name && (strcmp(name, ".iplt") == 0 || strcmp(name, ".plt") == 0 ||
			       strncmp(name, ".plt.", 5) == 0);
}

static int read_stubs(Elf *elf, struct stubs *stubs, struct snap_error *err)
{
	GElf_Ehdr ehdr;
	GElf_Shdr shdr;
	size_t names, num_sections = 0, num_bytes = 0;
	const struct machine *machine = NULL;
	if (!gelf_getehdr(elf, &ehdr) || elf_getshdrstrndx(elf, &names) != 0)
		return 0;
	for (size_t i = 0; i < ARRAY_LEN(machines) && !machine; i++)
		if (machines[i].elf_machine == ehdr.e_machine &&
			(machines[i].elf_class == ELFCLASSNONE ||
				machines[i].elf_class == ehdr.e_ident[EI_CLASS]))
			machine = &machines[i];
	if (!machine)
		return 0;
	struct code code = {.order = ELFDATA2LSB};
	/* Of the machines here, only old big-endian arm has instructions in that order. */
	if (ehdr.e_machine == EM_ARM && ehdr.e_ident[EI_DATA] == ELFDATA2MSB &&
		!(ehdr.e_flags & EF_ARM_BE8))
		code.order = ELFDATA2MSB;
	if (ehdr.e_machine == EM_386)
		code.got_addr = find_got(elf);
	for (Elf_Scn *scn = NULL; (scn = elf_nextscn(elf, scn)) && num_sections < MAX_SECTIONS;) {
		if (!gelf_getshdr(scn, &shdr) || shdr.sh_type != SHT_PROGBITS ||
			!(shdr.sh_flags & SHF_EXECINSTR) ||
			!is_plt(elf_strptr(elf, names, shdr.sh_name)))
			continue;
		Elf_Data *data = elf_rawdata(scn, NULL);
		num_sections++;
		if (!data || !data->d_buf || data->d_size > UINT64_MAX - shdr.sh_addr ||
			data->d_size > MAX_STUB_BYTES - num_bytes)
			continue;
		num_bytes += data->d_size;
		code.bytes = data->d_buf;
		code.len = data->d_size;
		code.addr = shdr.sh_addr;
		if (scan(stubs, machine, code, err) < 0)
			return -1;
	}
	return 0;
}

/* ---------------------------------------------------------------- names */

static int compare_slots(const void *a, const void *b)
{
	const struct stub *x = a, *y = b;
	return x->slot < y->slot ? -1 : x->slot > y->slot;
}

static const char *symbol_name(Elf *elf, Elf_Data *symbols, size_t strings, uint64_t index)
{
	GElf_Sym sym;
	if (!symbols || index > INT32_MAX || !gelf_getsym(symbols, (int)index, &sym))
		return NULL;
	const char *name = elf_strptr(elf, strings, sym.st_name);
	return name && name[0] != '\0' && strnlen(name, MAX_NAME_BYTES) < MAX_NAME_BYTES ? name
											 : NULL;
}

/* The relocations of one section; stubs are sorted by slot. */
static void read_relocations(Elf *elf, Elf_Scn *scn, const GElf_Shdr *shdr, struct stubs *stubs)
{
	GElf_Shdr symbols_shdr;
	Elf_Data *data = elf_getdata(scn, NULL);
	Elf_Scn *symbols_scn = elf_getscn(elf, shdr->sh_link);
	if (!data || !symbols_scn || !gelf_getshdr(symbols_scn, &symbols_shdr))
		return;
	Elf_Data *symbols = elf_getdata(symbols_scn, NULL);
	bool is_rela = shdr->sh_type == SHT_RELA;
	for (int i = 0;; i++) {
		GElf_Rela rela;
		GElf_Rel rel;
		if (is_rela ? !gelf_getrela(data, i, &rela) : !gelf_getrel(data, i, &rel))
			return;
		uint64_t slot = is_rela ? rela.r_offset : rel.r_offset;
		uint64_t symbol = GELF_R_SYM(is_rela ? rela.r_info : rel.r_info);
		/* Without a symbol: RELATIVE, IRELATIVE. */
		if (symbol == 0 || slot < stubs->items[0].slot ||
			slot > stubs->items[stubs->num - 1].slot)
			continue;
		size_t low = 0, high = stubs->num;
		while (low < high) {
			size_t mid = low + (high - low) / 2;
			if (stubs->items[mid].slot < slot)
				low = mid + 1;
			else
				high = mid;
		}
		/* The first relocation names all stubs of the slot. */
		if (stubs->items[low].slot != slot || stubs->items[low].name)
			continue;
		const char *name = symbol_name(elf, symbols, symbols_shdr.sh_link, symbol);
		for (; name && low < stubs->num && stubs->items[low].slot == slot; low++)
			stubs->items[low].name = name;
	}
}

static void name_stubs(Elf *elf, struct stubs *stubs)
{
	GElf_Shdr shdr;
	size_t num_sections = 0;
	for (Elf_Scn *scn = NULL; (scn = elf_nextscn(elf, scn)) && num_sections < MAX_SECTIONS;)
		if (gelf_getshdr(scn, &shdr) && (shdr.sh_flags & SHF_ALLOC) &&
			(shdr.sh_type == SHT_RELA || shdr.sh_type == SHT_REL)) {
			read_relocations(elf, scn, &shdr, stubs);
			num_sections++;
		}
}

/* ---------------------------------------------------------------- the table */

static int compare_starts(const void *a, const void *b)
{
	const struct snap_symbol *x = a, *y = b;
	return x->start < y->start ? -1 : x->start > y->start;
}

/* Those that have a name, without overlaps. */
static int keep_named(struct snap_plt *plt, const struct stubs *stubs, struct snap_error *err)
{
	size_t num = 0, kept = 0;
	struct snap_symbol *symbols = calloc(stubs->num, sizeof(*symbols));
	if (!symbols)
		return snap_error_no_memory(err);
	for (size_t i = 0; i < stubs->num; i++)
		if (stubs->items[i].name)
			symbols[num++] = (struct snap_symbol){
				stubs->items[i].start, stubs->items[i].end, stubs->items[i].name};
	if (num > 0)
		qsort(symbols, num, sizeof(*symbols), compare_starts);
	for (size_t i = 0; i < num; i++)
		if (kept == 0 || symbols[i].start >= symbols[kept - 1].end)
			symbols[kept++] = symbols[i];
	plt->stubs = symbols;
	plt->num = kept;
	return 0;
}

int snap_plt_init(struct snap_plt *plt, Elf *elf, struct snap_error *err)
{
	struct stubs stubs = {0};
	*plt = (struct snap_plt){0};
	int r = read_stubs(elf, &stubs, err);
	if (r == 0 && stubs.num > 0) {
		qsort(stubs.items, stubs.num, sizeof(*stubs.items), compare_slots);
		name_stubs(elf, &stubs);
		r = keep_named(plt, &stubs, err);
	}
	free(stubs.items);
	return r;
}

void snap_plt_deinit(struct snap_plt *plt)
{
	free(plt->stubs);
	*plt = (struct snap_plt){0};
}

const struct snap_symbol *snap_plt_find(const struct snap_plt *plt, uint64_t vaddr)
{
	size_t low = 0, high = plt->num;
	while (low < high) {
		size_t mid = low + (high - low) / 2;
		if (plt->stubs[mid].start <= vaddr)
			low = mid + 1;
		else
			high = mid;
	}
	return low > 0 && vaddr < plt->stubs[low - 1].end ? &plt->stubs[low - 1] : NULL;
}
