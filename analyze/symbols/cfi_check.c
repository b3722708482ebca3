#include "analyze/symbols/cfi_check.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <dwarf.h>
#include <elfutils/libdw.h>
#include <gelf.h>

/* What the entries of a file may ask for. */
struct limits {
	uint64_t max_register;
	ptrdiff_t max_program_bytes; /* the instructions of one entry */
	unsigned int max_remembered; /* states put aside at a time */
};

/* Of a vDSO. No architecture has so many registers in its rules but for special ones, which nobody
 * saves; the largest program known has 70 bytes, and puts 2 states aside. */
static const struct limits vdso_limits = {127, 1024, 16};
/* Of files: PowerPC numbers its vector registers from 1124 on; functions can be of any length. */
static const struct limits file_limits = {2047, 1 << 20, 64};

struct program {
	const struct limits *limits;
	const uint8_t *at, *end;
	bool failed;
	unsigned int remembered;
};

static uint8_t next_byte(struct program *p)
{
	if (p->at == p->end) {
		p->failed = true;
		return 0;
	}
	return *p->at++;
}

static void skip(struct program *p, uint64_t len)
{
	if (len > (uint64_t)(p->end - p->at))
		p->failed = true;
	else
		p->at += len;
}

/* Of signed ones only the length matters. */
static uint64_t next_leb128(struct program *p)
{
	uint64_t value = 0;
	for (unsigned int shift = 0; shift < 64 && !p->failed; shift += 7) {
		uint8_t byte = next_byte(p);
		value |= (uint64_t)(byte & 0x7f) << shift;
		if (!(byte & 0x80))
			return value;
	}
	p->failed = true;
	return 0;
}

static void next_register(struct program *p)
{
	if (next_leb128(p) > p->limits->max_register)
		p->failed = true;
}

/* DWARF 5, section 6.4.2, and the extensions that libdw knows. */
static void next_instruction(struct program *p)
{
	uint8_t opcode = next_byte(p);
	switch (opcode & 0xc0) {
	case DW_CFA_advance_loc:
	case DW_CFA_restore:
		return;
	case DW_CFA_offset:
		(void)next_leb128(p);
		return;
	}
	switch (opcode) {
	case DW_CFA_restore_state:
		p->remembered -= p->remembered > 0;
		break;
	case DW_CFA_nop:
	case DW_CFA_GNU_window_save: /* also DW_CFA_AARCH64_negate_ra_state */
		break;
	case DW_CFA_advance_loc1:
		skip(p, 1);
		break;
	case DW_CFA_advance_loc2:
		skip(p, 2);
		break;
	case DW_CFA_advance_loc4:
		skip(p, 4);
		break;
	case DW_CFA_remember_state:
		if (++p->remembered > p->limits->max_remembered)
			p->failed = true;
		break;
	case DW_CFA_restore_extended:
	case DW_CFA_undefined:
	case DW_CFA_same_value:
	case DW_CFA_def_cfa_register:
		next_register(p);
		break;
	case DW_CFA_register:
		next_register(p);
		next_register(p);
		break;
	case DW_CFA_offset_extended:
	case DW_CFA_offset_extended_sf:
	case DW_CFA_def_cfa:
	case DW_CFA_def_cfa_sf:
	case DW_CFA_val_offset:
	case DW_CFA_val_offset_sf:
	case DW_CFA_GNU_negative_offset_extended:
		next_register(p);
		(void)next_leb128(p);
		break;
	case DW_CFA_def_cfa_offset:
	case DW_CFA_def_cfa_offset_sf:
	case DW_CFA_GNU_args_size:
		(void)next_leb128(p);
		break;
	case DW_CFA_expression:
	case DW_CFA_val_expression:
		next_register(p);
		skip(p, next_leb128(p));
		break;
	case DW_CFA_def_cfa_expression:
		skip(p, next_leb128(p));
		break;
	default: /* DW_CFA_set_loc among them: no compiler writes it */
		p->failed = true;
	}
}

static bool is_harmless(struct program p)
{
	if (p.end - p.at > p.limits->max_program_bytes)
		return false;
	while (!p.failed && p.at < p.end)
		next_instruction(&p);
	return !p.failed;
}

/* The bytes of an encoded address (Linux Standard Base, "DWARF Extensions"); 0: not of fixed size.
 */
static size_t encoded_bytes(uint8_t encoding, size_t word)
{
	static const uint8_t sizes[8] = {
		[DW_EH_PE_udata2] = 2, [DW_EH_PE_udata4] = 4, [DW_EH_PE_udata8] = 8};
	uint8_t application = encoding & 0xf0;
	if (application != DW_EH_PE_absptr && application != DW_EH_PE_pcrel)
		return 0;
	return (encoding & 0x0f) == DW_EH_PE_absptr ? word : sizes[encoding & 0x07];
}

/*
 * What a common entry's augmentation says of the entries that belong to it: the bytes of an
 * address, and whether data of their own follow. False for one that libdw may read otherwise.
 */
static bool read_augmentation(
	const Dwarf_CIE *cie, size_t word, size_t *ret_address, bool *ret_has_data)
{
	const char *letter = cie->augmentation;
	*ret_address = word;
	*ret_has_data = *letter == 'z';
	if (*letter == '\0')
		return true;
	if (*letter++ != 'z')
		return false;
	struct program p = {.limits = &vdso_limits,
		.at = cie->augmentation_data,
		.end = cie->augmentation_data + cie->augmentation_data_size};
	for (; *letter == 'P' || *letter == 'L' || *letter == 'R'; letter++) {
		uint8_t encoding = next_byte(&p);
		size_t len = encoded_bytes(encoding & ~DW_EH_PE_indirect, word);
		if (*letter == 'P')
			skip(&p, len);
		else if (*letter == 'R')
			*ret_address = encoded_bytes(encoding, word);
		if (*letter != 'L' && len == 0)
			return false;
	}
	/* Without data: a signal frame, a return address signed with key B. */
	return !p.failed && p.at == p.end && *ret_address > 0 &&
	       letter[strspn(letter, "SB")] == '\0';
}

static bool is_harmless_cie(const struct limits *limits, const Dwarf_CIE *cie)
{
	return is_harmless((struct program){.limits = limits,
		.at = cie->initial_instructions,
		.end = cie->initial_instructions_end});
}

/* is_eh: an entry of .eh_frame; those of .debug_frame have plain addresses. */
static bool is_harmless_fde(const struct limits *limits, const Dwarf_FDE *fde, const Dwarf_CIE *cie,
	size_t word, bool is_eh)
{
	size_t len = word;
	bool has_data = false;
	struct program p = {.limits = limits, .at = fde->start, .end = fde->end};
	if (is_eh ? !read_augmentation(cie, word, &len, &has_data) : cie->augmentation[0] != '\0')
		return false;
	skip(&p, 2 * len);
	if (has_data)
		skip(&p, next_leb128(&p));
	return !p.failed && is_harmless(p);
}

/* From its augmentation on: the part whose length is not bounded. */
static size_t cie_bytes(const Dwarf_CIE *cie)
{
	return (size_t)(cie->initial_instructions_end - (const uint8_t *)cie->augmentation);
}

/* An ELF file's call frame information. */
struct frames {
	const struct limits *limits;
	const unsigned char *e_ident;
	size_t word;
	Elf_Data *data;
	bool is_eh;
	/* Of common entries looked at again for each that belongs to them: all have short ones. */
	size_t bytes_left;
};

static struct frames frames_of(const struct limits *limits, Elf *elf, Elf_Data *data, bool is_eh)
{
	const char *ident = elf_getident(elf, NULL);
	return (struct frames){
		.limits = limits,
		.e_ident = (const unsigned char *)ident,
		.word = ident[EI_CLASS] == ELFCLASS64 ? 8 : 4,
		.data = data,
		.is_eh = is_eh,
		.bytes_left = 4096 + 4 * data->d_size,
	};
}

static bool is_harmless_entry(struct frames *f, Dwarf_CFI_Entry *entry)
{
	Dwarf_CFI_Entry cie;
	Dwarf_Off behind;
	if (dwarf_cfi_cie_p(entry))
		return is_harmless_cie(f->limits, &entry->cie);
	/* The common entry need not be one that is met on the way. */
	if (dwarf_next_cfi(f->e_ident, f->data, f->is_eh, entry->fde.CIE_pointer, &behind, &cie) !=
			0 ||
		!dwarf_cfi_cie_p(&cie) || !is_harmless_cie(f->limits, &cie.cie) ||
		!is_harmless_fde(f->limits, &entry->fde, &cie.cie, f->word, f->is_eh) ||
		cie_bytes(&cie.cie) > f->bytes_left)
		return false;
	f->bytes_left -= cie_bytes(&cie.cie);
	return true;
}

static bool are_all_harmless(struct frames *f)
{
	Dwarf_Off off = 0, next;
	Dwarf_CFI_Entry entry;
	int r;
	while ((r = dwarf_next_cfi(f->e_ident, f->data, f->is_eh, off, &next, &entry)) == 0) {
		if (!is_harmless_entry(f, &entry) || next <= off)
			return false;
		off = next;
	}
	return r > 0;
}

bool snap_cfi_is_harmless(Elf *elf, Elf_Data *data)
{
	struct frames f = frames_of(&vdso_limits, elf, data, true);
	return are_all_harmless(&f);
}

bool snap_cfi_is_bounded(Elf *elf, Elf_Data *data, bool is_eh)
{
	struct frames f = frames_of(&file_limits, elf, data, is_eh);
	return are_all_harmless(&f);
}

bool snap_cfi_entry_is_bounded(Elf *elf, Elf_Data *data, uint64_t off)
{
	struct frames f = frames_of(&file_limits, elf, data, true);
	Dwarf_CFI_Entry entry;
	Dwarf_Off next;
	return dwarf_next_cfi(f.e_ident, data, true, off, &next, &entry) == 0 &&
	       is_harmless_entry(&f, &entry);
}
