#include "analyze/find/package_note.h"

#include <elf.h>
#include <string.h>

#include <gelf.h>
#include <jansson.h>

#include "common/elf_load.h"
#include "common/elf_notes.h"

#define PACKAGE_NOTE_TYPE 0xcafe1a7e
/* Those of distributions have some 200 bytes. */
#define MAX_NOTE_BYTES	4096
#define MAX_STRING	256
#define MAX_NOTES_BYTES (1u << 20)
#define PAGE_BYTES	4096

static const char *string_of(const json_t *object, const char *key, struct snap_arena *arena)
{
	const char *value = json_string_value(json_object_get(object, key));
	return value && *value && strlen(value) <= MAX_STRING
		       ? snap_arena_copy(arena, snap_bytes_str(value))
		       : NULL;
}

static const struct snap_package *parse(struct snap_bytes desc, struct snap_arena *arena)
{
	/* The text ends with a NUL, or with several as padding. */
	size_t len = strnlen((const char *)desc.data, desc.len);
	struct snap_package *package = NULL;
	json_t *object =
		len <= MAX_NOTE_BYTES ? json_loadb((const char *)desc.data, len, 0, NULL) : NULL;
	if (json_is_object(object) && (package = snap_arena_alloc(arena, sizeof(*package))))
		*package = (struct snap_package){
			.type = string_of(object, "type", arena),
			.name = string_of(object, "name", arena),
			.version = string_of(object, "version", arena),
			.architecture = string_of(object, "architecture", arena),
			.os_cpe = string_of(object, "osCpe", arena),
		};
	json_decref(object);
	return package;
}

/* Among the notes of one segment or section. NULL: none, or not a good one. */
static const struct snap_package *find_note(
	struct snap_bytes notes, uint8_t elf_data, unsigned int align, struct snap_arena *arena)
{
	size_t offset = 0;
	struct snap_elf_note note;
	while (snap_elf_note_next(notes, &offset, elf_data, align, &note) > 0)
		if (note.type == PACKAGE_NOTE_TYPE && snap_bytes_equal_str(note.name, "FDO"))
			return parse(note.desc, arena);
	return NULL;
}

void snap_package_note_read(
	const struct snap_elf_file *file, struct snap_arena *arena, const struct snap_package **ret)
{
	size_t num, size;
	const uint8_t *raw = (const uint8_t *)elf_rawfile(file->elf, &size);
	*ret = NULL;
	if (!raw || elf_getphdrnum(file->elf, &num) != 0)
		return;
	for (size_t i = 0; i < num && !*ret; i++) {
		GElf_Phdr ph;
		if (!gelf_getphdr(file->elf, (int)i, &ph) || ph.p_type != PT_NOTE ||
			ph.p_offset > size || ph.p_filesz > size - ph.p_offset ||
			ph.p_filesz > MAX_NOTES_BYTES)
			continue;
		*ret = find_note(snap_bytes(raw + ph.p_offset, (size_t)ph.p_filesz), file->elf_data,
			ph.p_align == 8 ? 8 : 4, arena);
	}
}

/* ---------------------------------------------------------------- in memory */

void snap_package_note_read_memory(struct snap_memory *memory, uint64_t start,
	struct snap_arena *arena, const struct snap_package **ret)
{
	uint8_t page[PAGE_BYTES];
	*ret = NULL;
	ssize_t n = snap_memory_read(memory, start, page, sizeof(page));
	if (n < (ssize_t)sizeof(Elf64_Ehdr) || memcmp(page, ELFMAG, SELFMAG) != 0 ||
		(page[EI_CLASS] != ELFCLASS64 && page[EI_CLASS] != ELFCLASS32))
		return;
	size_t len = (size_t)n;
	uint8_t class = page[EI_CLASS], data = page[EI_DATA];
	uint64_t off = SNAP_ELF_CLASS_MEMBER(page, Ehdr, e_phoff, class, data);
	uint64_t num = SNAP_ELF_CLASS_MEMBER(page, Ehdr, e_phnum, class, data);
	size_t entry = class == ELFCLASS64 ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr);
	if (SNAP_ELF_CLASS_MEMBER(page, Ehdr, e_phentsize, class, data) != entry || off > len)
		return;
	for (uint64_t i = 0; i < num && (len - off) / entry > i && !*ret; i++) {
		const uint8_t *ph = page + off + i * entry;
		/* The first page is that of the file. */
		uint64_t at = SNAP_ELF_CLASS_MEMBER(ph, Phdr, p_offset, class, data);
		uint64_t bytes = SNAP_ELF_CLASS_MEMBER(ph, Phdr, p_filesz, class, data);
		if (SNAP_ELF_CLASS_MEMBER(ph, Phdr, p_type, class, data) == PT_NOTE && at <= len &&
			bytes <= len - at)
			*ret = find_note(snap_bytes(page + at, (size_t)bytes), data,
				SNAP_ELF_CLASS_MEMBER(ph, Phdr, p_align, class, data) == 8 ? 8 : 4,
				arena);
	}
}
