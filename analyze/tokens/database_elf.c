#include "analyze/tokens/database_elf.h"

#include <libelf.h>
#include <gelf.h>
#include <limits.h>

#include "analyze/symbols/elf_file.h"

#define SECTION	   ".pw_tokenizer.entries"
#define MAGIC	   0xBAA98DEEu
#define HEADER_LEN 16u

_Static_assert(SNAP_TOKENS_MAX_ENTRIES <= INT_MAX, "numbers of entries are returned as int");

bool snap_tokens_is_elf(struct snap_bytes bytes)
{
	return bytes.len >= SELFMAG && memcmp(bytes.data, ELFMAG, SELFMAG) == 0;
}

static uint32_t get_u32(const uint8_t *p, bool is_big_endian)
{
	if (is_big_endian)
		return p[3] | (uint32_t)p[2] << 8 | (uint32_t)p[1] << 16 | (uint32_t)p[0] << 24;
	return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

/* Up to the first NUL, which stands at the end if the compiler wrote it. */
static struct snap_bytes text_of(const uint8_t *p, uint32_t len)
{
	const uint8_t *nul = len > 0 ? memchr(p, '\0', len) : NULL;
	return snap_bytes(p, nul ? (size_t)(nul - p) : len);
}

int snap_tokens_add_section(struct snap_tokens *tokens, struct snap_bytes section,
	bool is_big_endian, struct snap_error *err)
{
	int num = 0;
	uint8_t *copy = snap_tokens_alloc(tokens, section.len, err);
	if (!copy)
		return -1;
	if (section.len > 0)
		memcpy(copy, section.data, section.len);
	for (size_t off = 0; section.len - off >= HEADER_LEN; num++) {
		const uint8_t *p = copy + off;
		uint32_t magic = get_u32(p, is_big_endian);
		uint32_t domain_len = get_u32(p + 8, is_big_endian);
		uint32_t string_len = get_u32(p + 12, is_big_endian);
		size_t left = section.len - off - HEADER_LEN;
		if (magic != MAGIC)
			return snap_error_set(err, SNAP_ERROR_MALFORMED,
				SECTION ": no entry at byte %zu, but 0x%08x", off, magic);
		if (domain_len > left || string_len > left - domain_len)
			return snap_error_set(err, SNAP_ERROR_MALFORMED,
				SECTION ": the entry at byte %zu ends behind the section", off);
		p += HEADER_LEN;
		const struct snap_token_entry entry = {
			.token = get_u32(copy + off + 4, is_big_endian),
			.removed = SNAP_TOKEN_PRESENT,
			.domain = text_of(p, domain_len),
			.string = text_of(p + domain_len, string_len),
		};
		if (snap_tokens_add(tokens, &entry, err) < 0)
			return -1;
		off += HEADER_LEN + (size_t)domain_len + string_len;
	}
	return num;
}

/* The linker may have left them apart, with a number behind the name. */
static bool is_section(const char *name)
{
	size_t len = strlen(SECTION);
	return name && strncmp(name, SECTION, len) == 0 && (name[len] == '\0' || name[len] == '.');
}

/* Of one section, if it is one of these. */
static int add_one(struct snap_tokens *tokens, Elf *elf, Elf_Scn *scn, size_t names,
	bool is_big_endian, struct snap_error *err)
{
	GElf_Shdr header;
	if (!gelf_getshdr(scn, &header) || header.sh_type == SHT_NOBITS ||
		!is_section(elf_strptr(elf, names, header.sh_name)))
		return 0;
	if (header.sh_flags & SHF_COMPRESSED)
		return snap_error_set(
			err, SNAP_ERROR_UNSUPPORTED, SECTION ": the section is compressed");
	const Elf_Data *data = elf_rawdata(scn, NULL);
	if (!data)
		return snap_error_set(
			err, SNAP_ERROR_MALFORMED, SECTION ": the section is not in the file");
	return snap_tokens_add_section(tokens,
		snap_bytes(data->d_buf, data->d_buf ? data->d_size : 0), is_big_endian, err);
}

static int add_all(struct snap_tokens *tokens, Elf *elf, struct snap_error *err)
{
	GElf_Ehdr header;
	size_t names;
	int num = 0;
	if (elf_kind(elf) != ELF_K_ELF || !gelf_getehdr(elf, &header))
		return snap_error_set(err, SNAP_ERROR_MALFORMED, "no ELF file");
	if (elf_getshdrstrndx(elf, &names) < 0)
		return 0;
	for (Elf_Scn *scn = NULL; (scn = elf_nextscn(elf, scn));) {
		int r = add_one(
			tokens, elf, scn, names, header.e_ident[EI_DATA] == ELFDATA2MSB, err);
		if (r < 0)
			return -1;
		num += r;
	}
	return num;
}

int snap_tokens_add_elf(struct snap_tokens *tokens, struct snap_bytes bytes, struct snap_error *err)
{
	if (!snap_tokens_is_elf(bytes))
		return snap_error_set(err, SNAP_ERROR_MALFORMED, "no ELF file");
	(void)elf_version(EV_CURRENT);
	/* libelf does not write to what it only reads, but says so of nothing. */
	Elf *elf = elf_memory((char *)(uintptr_t)bytes.data, bytes.len);
	if (!elf)
		return snap_error_set(err, SNAP_ERROR_MALFORMED, "no ELF file");
	int num = add_all(tokens, elf, err);
	(void)elf_end(elf);
	return num;
}

int snap_tokens_add_elf_file(
	struct snap_tokens *tokens, const struct snap_elf_file *file, struct snap_error *err)
{
	return add_all(tokens, file->elf, err);
}
