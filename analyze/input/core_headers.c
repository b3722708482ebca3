/*
 * A core's ELF header and program headers, of either class and byte order, however many.
 */
#include "analyze/input/core.h"

#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/input/foreign.h"

/* A core of more than this is not of this world; each of them costs memory. */
#define MAX_SEGMENTS (1u << 20)
/* So many program headers are read at once. */
#define BATCH 512u

#define EHDR(core, bytes, member)                                                                  \
	SNAP_ELF_CLASS_MEMBER(bytes, Ehdr, member, (core)->elf_class, (core)->elf_data)
#define PHDR(core, bytes, member)                                                                  \
	SNAP_ELF_CLASS_MEMBER(bytes, Phdr, member, (core)->elf_class, (core)->elf_data)

static size_t phdr_bytes(const struct snap_core *core)
{
	return core->elf_class == ELFCLASS64 ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr);
}

static struct snap_core_segment decode(const struct snap_core *core, const uint8_t *bytes)
{
	return (struct snap_core_segment){
		.type = (uint32_t)PHDR(core, bytes, p_type),
		.flags = (uint32_t)PHDR(core, bytes, p_flags),
		.offset = PHDR(core, bytes, p_offset),
		.vaddr = PHDR(core, bytes, p_vaddr),
		.filesz = PHDR(core, bytes, p_filesz),
		.memsz = PHDR(core, bytes, p_memsz),
	};
}

static int check_type(uint64_t type, struct snap_error *err)
{
	if (type == ET_CORE)
		return 0;
	return snap_error_set(err, SNAP_ERROR_UNSUPPORTED, "is an ELF %s, not a core",
		type == ET_EXEC || type == ET_DYN ? "executable or library"
		: type == ET_REL		  ? "object file"
						  : "file of unknown type");
}

static const struct snap_arch *find_arch(const struct snap_core *core)
{
	/* The n32 ABI has 64-bit registers in 32-bit files, and there is no table for it. */
	if (core->elf_machine == EM_MIPS && core->elf_class == ELFCLASS32 &&
		core->elf_flags & EF_MIPS_ABI2)
		return NULL;
	return snap_arch_find(core->elf_machine, core->elf_class, core->elf_data);
}

/*
 * The number of segments when it does not fit into e_phnum: sh_info of section header 0 (gABI,
 * PN_XNUM). The kernel writes that behind all memory, so that a cut core lacks it; but it puts the
 * first segment's bytes right behind the program headers.
 */
static int count_by_section(struct snap_core *core, const uint8_t *ehdr, uint64_t phoff,
	uint64_t *ret, struct snap_error *err)
{
	uint8_t bytes[sizeof(Elf64_Shdr)];
	uint64_t shoff = EHDR(core, ehdr, e_shoff);
	bool wide = core->elf_class == ELFCLASS64;
	int r = shoff == 0 ? -ENODATA
			   : snap_core_read_at(core, shoff, bytes,
				     wide ? sizeof(Elf64_Shdr) : sizeof(Elf32_Shdr));
	if (r == 0) {
		*ret = SNAP_ELF_CLASS_MEMBER(bytes, Shdr, sh_info, core->elf_class, core->elf_data);
		return 0;
	}
	if (shoff != 0 && r == -ENODATA)
		core->cut = "the file ends before its section header";
	r = snap_core_read_at(core, phoff, bytes, phdr_bytes(core));
	if (r < 0)
		return snap_core_fail_read(r, "its program headers",
			"a core whose number of segments can't be read", err);
	uint64_t first = decode(core, bytes).offset;
	if (first <= phoff || (first - phoff) / phdr_bytes(core) < PN_XNUM)
		return snap_error_set(
			err, SNAP_ERROR_MALFORMED, "a core whose number of segments can't be read");
	*ret = (first - phoff) / phdr_bytes(core);
	return 0;
}

static int read_segments(
	struct snap_core *core, uint64_t phoff, uint64_t num, struct snap_error *err)
{
	size_t size = phdr_bytes(core);
	/* Each must be in the file: no allocation beyond its size. */
	uint64_t present = snap_core_present(core, phoff, num * size) / size;
	if (present == 0)
		return snap_error_set(
			err, SNAP_ERROR_MALFORMED, "a core cut within its program headers");
	if (present < num)
		core->cut = "the file ends within its program headers";
	core->segments = calloc(present, sizeof(*core->segments));
	if (!core->segments)
		return snap_error_no_memory(err);
	uint8_t bytes[BATCH * sizeof(Elf64_Phdr)];
	while (core->num_segments < present) {
		uint64_t left = present - core->num_segments;
		size_t n = left < BATCH ? (size_t)left : BATCH;
		int r = snap_core_read_at(core, phoff + core->num_segments * size, bytes, n * size);
		if (r < 0)
			return snap_core_fail_read(r, "its program headers",
				"a core cut within its program headers", err);
		for (size_t i = 0; i < n; i++)
			core->segments[core->num_segments++] = decode(core, bytes + i * size);
	}
	return 0;
}

static int read_header(struct snap_core *core, uint8_t *ehdr, size_t len, struct snap_error *err)
{
	int r = snap_core_read_at(core, 0, ehdr, len);
	return r < 0 ? snap_core_fail_read(
			       r, "its ELF header", "an ELF file cut within its header", err)
		     : 0;
}

int snap_core_read_headers(struct snap_core *core, struct snap_error *err)
{
	uint8_t ehdr[sizeof(Elf64_Ehdr)];
	if (read_header(core, ehdr, EI_NIDENT, err) < 0)
		return -1;
	core->elf_class = ehdr[EI_CLASS];
	core->elf_data = ehdr[EI_DATA];
	if ((core->elf_class != ELFCLASS32 && core->elf_class != ELFCLASS64) ||
		(core->elf_data != ELFDATA2LSB && core->elf_data != ELFDATA2MSB))
		return snap_error_set(err, SNAP_ERROR_UNSUPPORTED,
			"is an ELF file of unknown class %u or byte order %u", core->elf_class,
			core->elf_data);
	bool wide = core->elf_class == ELFCLASS64;
	if (read_header(core, ehdr, wide ? sizeof(Elf64_Ehdr) : sizeof(Elf32_Ehdr), err) < 0)
		return -1;
	if (check_type(EHDR(core, ehdr, e_type), err) < 0)
		return -1;
	const char *foreign = snap_foreign_osabi(ehdr[EI_OSABI]);
	if (foreign)
		return snap_error_set(err, SNAP_ERROR_UNSUPPORTED, "%s", foreign);
	core->elf_machine = (uint16_t)EHDR(core, ehdr, e_machine);
	core->elf_flags = (uint32_t)EHDR(core, ehdr, e_flags);
	core->arch = find_arch(core);

	uint64_t num = EHDR(core, ehdr, e_phnum), phoff = EHDR(core, ehdr, e_phoff);
	uint64_t phentsize = EHDR(core, ehdr, e_phentsize);
	if (num == PN_XNUM && phentsize == phdr_bytes(core) &&
		count_by_section(core, ehdr, phoff, &num, err) < 0)
		return -1;
	if (num == 0 || phentsize != phdr_bytes(core))
		return snap_error_set(err, SNAP_ERROR_MALFORMED, "a core without program headers");
	if (num > MAX_SEGMENTS)
		return snap_error_set(err, SNAP_ERROR_LIMIT,
			"a core with %llu segments, more than %u", (unsigned long long)num,
			MAX_SEGMENTS);
	return read_segments(core, phoff, num, err);
}
