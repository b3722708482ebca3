#include "analyze/symbols/elf_file.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <elfutils/libdwelf.h>
#include <gelf.h>

static void find_sections(struct snap_elf_file *file)
{
	size_t names;
	if (elf_getshdrstrndx(file->elf, &names) < 0)
		return; /* no section headers: no symbols, but frames may be found by segment */
	Elf_Scn *scn = NULL;
	while ((scn = elf_nextscn(file->elf, scn))) {
		GElf_Shdr shdr;
		if (!gelf_getshdr(scn, &shdr))
			continue;
		if (shdr.sh_type == SHT_SYMTAB)
			file->has_symtab = true;
		else if (shdr.sh_type == SHT_DYNSYM)
			file->has_dynsym = true;
		const char *name = elf_strptr(file->elf, names, shdr.sh_name);
		if (!name || shdr.sh_type == SHT_NOBITS)
			continue;
		if (strcmp(name, ".eh_frame") == 0 || strcmp(name, ".text") == 0)
			file->has_code_frames = true;
		else if (strcmp(name, ".debug_info") == 0 || strcmp(name, ".zdebug_info") == 0)
			file->has_debug_info = true;
	}
}

static int open_elf(Elf *elf, struct snap_elf_file *file, struct snap_error *err)
{
	GElf_Ehdr ehdr;
	if (!elf || elf_kind(elf) != ELF_K_ELF || !gelf_getehdr(elf, &ehdr))
		return snap_error_set(err, SNAP_ERROR_MALFORMED, "not an ELF file");
	if (ehdr.e_type != ET_EXEC && ehdr.e_type != ET_DYN)
		return snap_error_set(
			err, SNAP_ERROR_UNSUPPORTED, "neither an executable nor a library");
	file->elf_type = ehdr.e_type;
	file->elf_machine = ehdr.e_machine;
	const void *build_id;
	ssize_t len = dwelf_elf_gnu_build_id(elf, &build_id);
	if (len > 0)
		file->build_id = snap_bytes(build_id, (size_t)len);
	find_sections(file);
	return 0;
}

int snap_elf_file_open(int fd, const char *path, struct snap_elf_file *ret, struct snap_error *err)
{
	struct snap_elf_file file = {.fd = fd, .path = strdup(path)};
	if (!file.path) {
		(void)close(fd); /* only read from */
		return snap_error_no_memory(err);
	}
	(void)elf_version(EV_CURRENT);
	file.elf = elf_begin(fd, ELF_C_READ_MMAP, NULL);
	if (open_elf(file.elf, &file, err) < 0) {
		snap_elf_file_deinit(&file);
		return -1;
	}
	*ret = file;
	return 0;
}

int snap_elf_file_from_memory(uint8_t *image, size_t len, const char *name,
	struct snap_elf_file *ret, struct snap_error *err)
{
	struct snap_elf_file file = {.fd = -1, .image = image, .image_len = len, .path = strdup(name)};
	if (!file.path) {
		free(image);
		return snap_error_no_memory(err);
	}
	(void)elf_version(EV_CURRENT);
	file.elf = elf_memory((char *)image, len);
	if (open_elf(file.elf, &file, err) < 0) {
		snap_elf_file_deinit(&file);
		return -1;
	}
	*ret = file;
	return 0;
}

void snap_elf_file_deinit(struct snap_elf_file *file)
{
	if (file->elf)
		(void)elf_end(file->elf); /* a count of references */
	if (file->fd >= 0)
		(void)close(file->fd); /* only read from */
	free(file->image);
	free(file->path);
	*file = (struct snap_elf_file){.fd = -1};
}

void snap_elf_file_destroy(struct snap_elf_file *file)
{
	if (!file)
		return;
	snap_elf_file_deinit(file);
	free(file);
}
