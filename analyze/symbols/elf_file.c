#include "analyze/symbols/elf_file.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <elfutils/libdwelf.h>
#include <gelf.h>

#include "analyze/symbols/cfi_check.h"
#include "common/elf_load.h"
#include "common/snapshot.h"

/*
 * libdw decompresses every debug section on opening a file, and all may claim the same bytes.
 * Together they may grow to so many times the file, or to so many bytes whatever its size.
 */
#define MAX_GROWTH	   32
#define MAX_SMALL_UNPACKED (64u << 20)

/* What a section takes when decompressed; 0: it is not compressed. */
static uint64_t unpacked_bytes(Elf_Scn *scn, const GElf_Shdr *shdr, const char *name)
{
	GElf_Chdr chdr;
	if (shdr->sh_flags & SHF_COMPRESSED)
		return gelf_getchdr(scn, &chdr) ? chdr.ch_size : 0;
	/* GNU's older form: "ZLIB" and the size, big-endian. */
	Elf_Data *data = strncmp(name, ".zdebug", 7) == 0 ? elf_rawdata(scn, NULL) : NULL;
	if (!data || !data->d_buf || data->d_size < 12 || memcmp(data->d_buf, "ZLIB", 4) != 0)
		return 0;
	uint64_t size;
	memcpy(&size, (const char *)data->d_buf + 4, sizeof(size));
	return be64toh(size);
}

static void find_sections(struct snap_elf_file *file)
{
	size_t names;
	if (elf_getshdrstrndx(file->elf, &names) < 0)
		return; /* no section headers: no symbols, but frames may be found by segment */
	Elf_Scn *scn = NULL;
	size_t file_len = 0;
	uint64_t unpacked = 0;
	(void)elf_rawfile(file->elf, &file_len);
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
		uint64_t len = unpacked_bytes(scn, &shdr, name);
		unpacked = len > UINT64_MAX - unpacked ? UINT64_MAX : unpacked + len;
		/* Firmware's sections have all kinds of names. */
		bool is_code = shdr.sh_type == SHT_PROGBITS && shdr.sh_flags & SHF_EXECINSTR;
		if (is_code || strcmp(name, ".eh_frame") == 0 || strcmp(name, ".text") == 0)
			file->has_code_frames = true;
		else if (strcmp(name, ".debug_frame") == 0 || strcmp(name, ".zdebug_frame") == 0)
			file->has_debug_frame = true;
		else if (strcmp(name, ".debug_info") == 0 || strcmp(name, ".zdebug_info") == 0 ||
			 (file->elf_type == ET_REL && strcmp(name, ".debug_info.dwo") == 0))
			file->has_debug_info = true;
	}
	if (unpacked > MAX_SMALL_UNPACKED && unpacked / MAX_GROWTH > file_len) {
		file->has_debug_info = false;
		file->no_dwarf = "its compressed debug sections claim to hold too much";
	}
}

/*
 * What came with an input is trusted less than a file that somebody keeps: no debug information,
 * which no vDSO has, and call frame information only as far as it was looked through.
 */
static void restrict_image(struct snap_elf_file *file)
{
	size_t names, num = 0;
	GElf_Shdr shdr;
	GElf_Phdr phdr;
	file->has_debug_info = false;
	file->no_dwarf = "it is an image from memory";
	file->no_cfi = "its unwind information is not that of a vDSO";
	if (elf_getshdrstrndx(file->elf, &names) < 0 || elf_getphdrnum(file->elf, &num) < 0)
		return;
	Elf_Scn *scn = NULL;
	Elf_Data *frames = NULL;
	size_t num_frames = 0;
	while ((scn = elf_nextscn(file->elf, scn))) {
		const char *name = gelf_getshdr(scn, &shdr)
					   ? elf_strptr(file->elf, names, shdr.sh_name)
					   : NULL;
		if (!name)
			continue;
		if (strcmp(name, ".eh_frame") == 0) {
			frames = shdr.sh_type == SHT_PROGBITS ? elf_rawdata(scn, NULL) : NULL;
			num_frames++;
		} else if (strcmp(name, ".eh_frame_hdr") == 0) {
			/* Without the index libdw goes from entry to entry, as the check does. It
			 * finds the index by name, whatever its type. */
			shdr.sh_name = UINT32_MAX;
			if (!gelf_update_shdr(scn, &shdr))
				return;
		}
	}
	for (size_t i = 0; i < num; i++)
		if (gelf_getphdr(file->elf, (int)i, &phdr) && phdr.p_type == PT_GNU_EH_FRAME) {
			phdr.p_type = PT_NULL;
			if (!gelf_update_phdr(file->elf, (int)i, &phdr))
				return;
		}
	if (num_frames == 0)
		file->no_cfi = "it has no unwind information";
	else if (num_frames == 1 && frames && snap_cfi_is_harmless(file->elf, frames))
		file->no_cfi = NULL;
}

/* Linker scripts of firmware put the note among constants or code; no more bytes are looked at. */
#define MAX_SEARCHED_BYTES (32u << 20)

static struct snap_bytes find_note(const uint8_t *data, size_t len, uint8_t elf_data)
{
	enum { HEAD = 16 };
	for (size_t at = 0; at + HEAD <= len; at += 4) {
		if (memcmp(data + at + 12, "GNU", 4) != 0 ||
			snap_elf_load(data + at, 4, elf_data) != 4 ||
			snap_elf_load(data + at + 8, 4, elf_data) != NT_GNU_BUILD_ID)
			continue;
		uint64_t id_len = snap_elf_load(data + at + 4, 4, elf_data);
		if (id_len > 0 && id_len <= SNAP_MAX_BUILD_ID && id_len <= len - at - HEAD)
			return snap_bytes(data + at + HEAD, (size_t)id_len);
	}
	return snap_bytes(NULL, 0);
}

/* A microcontroller's program, whose build ID is in no note section. */
static void find_firmware_build_id(struct snap_elf_file *file)
{
	size_t names, searched = 0, num;
	GElf_Phdr ph;
	if (file->elf_type != ET_EXEC || file->elf_class != ELFCLASS32 ||
		(file->elf_machine != EM_ARM && file->elf_machine != EM_RISCV) ||
		elf_getshdrstrndx(file->elf, &names) < 0 || elf_getphdrnum(file->elf, &num) < 0)
		return;
	for (size_t i = 0; i < num; i++)
		if (gelf_getphdr(file->elf, (int)i, &ph) && ph.p_type == PT_INTERP)
			return;
	for (Elf_Scn *scn = NULL; file->build_id.len == 0 && (scn = elf_nextscn(file->elf, scn));) {
		GElf_Shdr shdr;
		const char *name = gelf_getshdr(scn, &shdr)
					   ? elf_strptr(file->elf, names, shdr.sh_name)
					   : NULL;
		if (!name || shdr.sh_type == SHT_NOBITS ||
			(!(shdr.sh_flags & SHF_ALLOC) && strcmp(name, ".note.gnu.build-id") != 0))
			continue;
		const Elf_Data *data = elf_rawdata(scn, NULL);
		if (!data || !data->d_buf || data->d_size > MAX_SEARCHED_BYTES - searched)
			continue;
		searched += data->d_size;
		file->build_id = find_note(data->d_buf, data->d_size, file->elf_data);
	}
}

static int open_elf(Elf *elf, bool is_part, struct snap_elf_file *file, struct snap_error *err)
{
	GElf_Ehdr ehdr;
	if (!elf || elf_kind(elf) != ELF_K_ELF || !gelf_getehdr(elf, &ehdr))
		return snap_error_set(err, SNAP_ERROR_MALFORMED, "not an ELF file");
	if (ehdr.e_type != ET_EXEC && ehdr.e_type != ET_DYN && !(is_part && ehdr.e_type == ET_REL))
		return snap_error_set(
			err, SNAP_ERROR_UNSUPPORTED, "neither an executable nor a library");
	file->elf_type = ehdr.e_type;
	file->elf_machine = ehdr.e_machine;
	file->elf_class = ehdr.e_ident[EI_CLASS];
	file->elf_data = ehdr.e_ident[EI_DATA];
	const void *build_id;
	ssize_t len = dwelf_elf_gnu_build_id(elf, &build_id);
	if (len > 0)
		file->build_id = snap_bytes(build_id, (size_t)len);
	else
		find_firmware_build_id(file);
	find_sections(file);
	return 0;
}

static int open_fd(
	int fd, const char *path, bool is_part, struct snap_elf_file *ret, struct snap_error *err)
{
	struct snap_elf_file file = {.fd = fd, .path = strdup(path)};
	if (!file.path) {
		(void)close(fd); /* only read from */
		return snap_error_no_memory(err);
	}
	(void)elf_version(EV_CURRENT);
	/* Mapped by ourselves, so that pages that were read can be let go of. */
	struct stat st;
	if (fstat(fd, &st) == 0 && st.st_size > 0) {
		void *map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
		file.map = map == MAP_FAILED ? NULL : map;
		file.map_len = (size_t)st.st_size;
	}
	file.elf = file.map ? elf_memory((char *)file.map, file.map_len)
			    : elf_begin(fd, ELF_C_READ_MMAP, NULL);
	if (open_elf(file.elf, is_part, &file, err) < 0) {
		snap_elf_file_deinit(&file);
		return -1;
	}
	*ret = file;
	return 0;
}

int snap_elf_file_open(int fd, const char *path, struct snap_elf_file *ret, struct snap_error *err)
{
	return open_fd(fd, path, false, ret, err);
}

int snap_elf_file_open_part(
	int fd, const char *path, struct snap_elf_file *ret, struct snap_error *err)
{
	return open_fd(fd, path, true, ret, err);
}

int snap_elf_file_from_unpacked(uint8_t *image, size_t len, const char *name,
	struct snap_elf_file *ret, struct snap_error *err)
{
	struct snap_elf_file file = {
		.fd = -1, .image = image, .image_len = len, .path = strdup(name)};
	if (!file.path) {
		free(image);
		return snap_error_no_memory(err);
	}
	(void)elf_version(EV_CURRENT);
	file.elf = elf_memory((char *)image, len);
	if (open_elf(file.elf, false, &file, err) < 0) {
		snap_elf_file_deinit(&file);
		return -1;
	}
	*ret = file;
	return 0;
}

int snap_elf_file_from_memory(uint8_t *image, size_t len, const char *name,
	struct snap_elf_file *ret, struct snap_error *err)
{
	if (snap_elf_file_from_unpacked(image, len, name, ret, err) < 0)
		return -1;
	restrict_image(ret);
	return 0;
}

struct snap_bytes snap_elf_file_section(const struct snap_elf_file *file, const char *name)
{
	size_t names;
	GElf_Shdr shdr;
	if (elf_getshdrstrndx(file->elf, &names) < 0)
		return snap_bytes(NULL, 0);
	for (Elf_Scn *scn = NULL; (scn = elf_nextscn(file->elf, scn));) {
		const char *its = gelf_getshdr(scn, &shdr)
					  ? elf_strptr(file->elf, names, shdr.sh_name)
					  : NULL;
		if (!its || strcmp(its, name) != 0)
			continue;
		const Elf_Data *data =
			shdr.sh_type != SHT_NOBITS && !(shdr.sh_flags & SHF_COMPRESSED)
				? elf_rawdata(scn, NULL)
				: NULL;
		return data && data->d_buf ? snap_bytes(data->d_buf, data->d_size)
					   : snap_bytes(NULL, 0);
	}
	return snap_bytes(NULL, 0);
}

void snap_elf_file_let_go(const struct snap_elf_file *file)
{
	if (file->map)
		(void)madvise(file->map, file->map_len, MADV_DONTNEED); /* only advice */
}

void snap_elf_file_deinit(struct snap_elf_file *file)
{
	if (file->elf)
		(void)elf_end(file->elf); /* a count of references */
	if (file->map)
		(void)munmap(file->map, file->map_len); /* as it was mapped */
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
