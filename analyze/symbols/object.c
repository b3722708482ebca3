#include "analyze/symbols/object.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <elf.h>
#include <gelf.h>

#include "analyze/sandbox/note.h"
#include "analyze/symbols/object_cfi.h"
#include "analyze/symbols/object_data.h"
#include "analyze/symbols/object_names.h"
#include "analyze/unwind/exidx.h"
#include "analyze/tokens/database_elf.h"

struct snap_object {
	struct snap_elf_file *main, *debug, *alternate, *mini;
	struct snap_bytes build_id;
	enum snap_symbols symbols;
	const char *symbol_file;
	struct snap_object_names *names;
	struct snap_object_cfi *cfi;
	bool exidx_tried;
	bool data_tried;
	struct snap_object_data *data; /* NULL: not needed yet, or no memory */
	struct snap_exidx *exidx;
	uint32_t note; /* of the module whose files these are (sandbox/note.h) */
};

static void choose_names(struct snap_object *object)
{
	const struct snap_elf_file *files[] = {object->debug, object->main};
	for (size_t i = 0; i < 2; i++) {
		if (!files[i])
			continue;
		enum snap_symbols has = files[i]->has_debug_info ? SNAP_SYMBOLS_DWARF
					: files[i]->has_symtab	 ? SNAP_SYMBOLS_SYMTAB
					: files[i]->has_dynsym	 ? SNAP_SYMBOLS_DYNSYM
								 : SNAP_SYMBOLS_NONE;
		if (has > object->symbols || !object->symbol_file) {
			object->symbols = has;
			object->symbol_file = files[i]->path;
		}
	}
	if (object->mini && object->symbols < SNAP_SYMBOLS_SYMTAB) {
		object->symbols = SNAP_SYMBOLS_SYMTAB;
		object->symbol_file = object->mini->path;
	}
}

void snap_object_files_deinit(struct snap_object_files *files)
{
	snap_elf_file_destroy(files->main);
	snap_elf_file_destroy(files->debug);
	snap_elf_file_destroy(files->alternate);
	snap_elf_file_destroy(files->mini);
	*files = (struct snap_object_files){0};
}

int snap_object_create(
	const struct snap_object_files *files, struct snap_object **ret, struct snap_error *err)
{
	struct snap_object *object = calloc(1, sizeof(*object));
	if (!object) {
		struct snap_object_files unused = *files;
		snap_object_files_deinit(&unused);
		return snap_error_no_memory(err);
	}
	object->main = files->main;
	object->debug = files->debug;
	object->alternate = files->alternate;
	object->mini = files->mini;
	object->build_id = files->main ? files->main->build_id : files->debug->build_id;
	object->note = snap_note_current();
	choose_names(object);
	if (snap_object_names_create(files, object->build_id, &object->names, err) < 0 ||
		snap_object_cfi_create(files->main, files->debug, &object->cfi, err) < 0) {
		snap_object_destroy(object);
		return -1;
	}
	*ret = object;
	return 0;
}

void snap_object_destroy(struct snap_object *object)
{
	if (!object)
		return;
	snap_object_names_destroy(object->names);
	snap_object_cfi_destroy(object->cfi);
	snap_object_data_destroy(object->data);
	snap_exidx_destroy(object->exidx);
	snap_elf_file_destroy(object->main);
	snap_elf_file_destroy(object->debug);
	snap_elf_file_destroy(object->alternate);
	snap_elf_file_destroy(object->mini);
	free(object);
}

int snap_object_add_tokens(
	const struct snap_object *object, struct snap_tokens *tokens, struct snap_error *err)
{
	SNAP_READING_SLOT(object->note);
	const struct snap_elf_file *files[] = {object->main, object->debug};
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		if (files[i] && snap_tokens_add_elf_file(tokens, files[i], err) < 0)
			return -1;
	return 0;
}

struct snap_bytes snap_object_image(const struct snap_object *object)
{
	const struct snap_elf_file *file = object->main;
	return file && file->image ? snap_bytes(file->image, file->image_len) : snap_bytes(NULL, 0);
}

bool snap_object_changed(const struct snap_object *object, struct timespec *ret)
{
	const struct snap_elf_file *const files[] = {object->main, object->debug};
	bool found = false;
	struct stat st;
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		if (!files[i] || files[i]->fd < 0 || fstat(files[i]->fd, &st) < 0)
			continue;
		if (!found || st.st_mtim.tv_sec > ret->tv_sec ||
			(st.st_mtim.tv_sec == ret->tv_sec && st.st_mtim.tv_nsec > ret->tv_nsec))
			*ret = st.st_mtim;
		found = true;
	}
	return found;
}

struct snap_bytes snap_object_build_id(const struct snap_object *object)
{
	return object->build_id;
}

enum snap_symbols snap_object_symbols(const struct snap_object *object)
{
	return object->symbols;
}

const char *snap_object_symbol_file(const struct snap_object *object)
{
	return object->symbol_file;
}

bool snap_object_has_code(const struct snap_object *object)
{
	return object->main != NULL;
}

bool snap_object_base(const struct snap_object *object, uint64_t *ret)
{
	SNAP_READING_SLOT(object->note);
	size_t num;
	if (!object->main || elf_getphdrnum(object->main->elf, &num) != 0)
		return false;
	for (size_t i = 0; i < num; i++) {
		GElf_Phdr ph;
		if (gelf_getphdr(object->main->elf, (int)i, &ph) && ph.p_type == PT_LOAD) {
			*ret = ph.p_vaddr & ~UINT64_C(4095);
			return true;
		}
	}
	return false;
}

/* ---------------------------------------------------------------- names */

const struct snap_source_frame *snap_object_find(
	struct snap_object *object, uint64_t vaddr, size_t *ret_num)
{
	SNAP_READING_SLOT(object->note);
	return snap_object_names_find(object->names, vaddr, ret_num);
}

size_t snap_object_look_up(
	struct snap_object *object, uint64_t vaddr, struct snap_source_frame *frames, size_t max)
{
	SNAP_READING_SLOT(object->note);
	return snap_object_names_look_up(object->names, vaddr, frames, max);
}

void snap_object_prepare(
	struct snap_object *object, const uint64_t *vaddrs, size_t num, size_t num_jobs)
{
	SNAP_READING_SLOT(object->note);
	snap_object_names_prepare(object->names, vaddrs, num, num_jobs);
}

bool snap_object_function(
	struct snap_object *object, uint64_t vaddr, uint64_t *ret_start, uint64_t *ret_end)
{
	SNAP_READING_SLOT(object->note);
	return snap_object_names_function(object->names, vaddr, ret_start, ret_end);
}

struct snap_code_index *snap_object_code_index(struct snap_object *object)
{
	SNAP_READING_SLOT(object->note);
	return snap_object_names_code_index(object->names);
}

bool snap_object_find_name(struct snap_object *object, const char *name, uint64_t *ret)
{
	SNAP_READING_SLOT(object->note);
	return snap_object_names_find_name(object->names, name, ret);
}

bool snap_object_find_data(struct snap_object *object, const char *name, uint64_t *ret)
{
	SNAP_READING_SLOT(object->note);
	return snap_object_names_find_data(object->names, name, ret);
}

bool snap_object_data_at(
	struct snap_object *object, uint64_t vaddr, const char **ret_name, uint64_t *ret_start)
{
	SNAP_READING_SLOT(object->note);
	if (!object->data_tried) {
		const struct snap_elf_file *files[] = {object->debug, object->main};
		object->data_tried = true;
		object->data = snap_object_data_create(files, 2);
	}
	return object->data && snap_object_data_find(object->data, vaddr, ret_name, ret_start);
}

void snap_object_keep(struct snap_object *object)
{
	SNAP_READING_SLOT(object->note);
	snap_object_names_keep(object->names);
}

int snap_object_keep_all(struct snap_object *object, size_t num_jobs,
	void (*told)(size_t done, size_t all, void *data), void *data, uint64_t *ret_bytes,
	struct snap_error *err)
{
	SNAP_READING_SLOT(object->note);
	return snap_object_names_keep_all(object->names, num_jobs, told, data, ret_bytes, err);
}

/* ---------------------------------------------------------------- code */

size_t snap_object_read(const struct snap_object *object, uint64_t vaddr, void *buf, size_t len)
{
	SNAP_READING_SLOT(object->note);
	size_t num, size;
	const char *raw = object->main ? elf_rawfile(object->main->elf, &size) : NULL;
	if (!raw || elf_getphdrnum(object->main->elf, &num) != 0)
		return 0;
	for (size_t i = 0; i < num; i++) {
		GElf_Phdr ph;
		if (!gelf_getphdr(object->main->elf, (int)i, &ph) || ph.p_type != PT_LOAD ||
			vaddr < ph.p_vaddr || vaddr - ph.p_vaddr >= ph.p_filesz)
			continue;
		uint64_t skip = vaddr - ph.p_vaddr, left = ph.p_filesz - skip;
		if (ph.p_offset > size || skip >= size - ph.p_offset)
			return 0;
		if (left > size - ph.p_offset - skip)
			left = size - ph.p_offset - skip;
		if (len > left)
			len = (size_t)left;
		memcpy(buf, raw + ph.p_offset + skip, len);
		return len;
	}
	return 0;
}

/* Firmware has some tens of sections. */
#define MAX_CODE_SECTIONS 16384

bool snap_object_segment(const struct snap_object *object, size_t i, struct snap_segment *ret)
{
	SNAP_READING_SLOT(object->note);
	size_t num, at = 0;
	GElf_Phdr ph;
	if (!object->main || elf_getphdrnum(object->main->elf, &num) != 0)
		return false;
	for (; at < num; at++)
		if (gelf_getphdr(object->main->elf, (int)at, &ph) && ph.p_type == PT_LOAD && i-- == 0)
			break;
	if (at == num)
		return false;
	*ret = (struct snap_segment){ph.p_vaddr, ph.p_vaddr, ph.p_flags};
	if (ph.p_memsz <= UINT64_MAX - ph.p_vaddr)
		ret->end += ph.p_memsz;
	return true;
}

bool snap_object_next_code(
	const struct snap_object *object, uint64_t vaddr, uint64_t *ret_start, uint64_t *ret_end)
{
	SNAP_READING_SLOT(object->note);
	GElf_Shdr sh;
	size_t num;
	bool found = false;
	if (!object->main || elf_getshdrnum(object->main->elf, &num) != 0 ||
		num > MAX_CODE_SECTIONS)
		return false;
	for (Elf_Scn *scn = NULL; (scn = elf_nextscn(object->main->elf, scn));) {
		if (!gelf_getshdr(scn, &sh) || !(sh.sh_flags & SHF_ALLOC) ||
			!(sh.sh_flags & SHF_EXECINSTR) || sh.sh_size == 0 ||
			sh.sh_size > UINT64_MAX - sh.sh_addr || sh.sh_addr + sh.sh_size <= vaddr ||
			(found && sh.sh_addr >= *ret_start))
			continue;
		*ret_start = sh.sh_addr;
		*ret_end = sh.sh_addr + sh.sh_size;
		found = true;
	}
	return found;
}

uint32_t snap_object_note(const struct snap_object *object)
{
	return object->note;
}

bool snap_object_is_constant(const struct snap_object *object, uint64_t vaddr)
{
	SNAP_READING_SLOT(object->note);
	size_t num;
	bool is_constant = false;
	if (!object->main || elf_getphdrnum(object->main->elf, &num) != 0)
		return false;
	for (size_t i = 0; i < num; i++) {
		GElf_Phdr ph;
		if (!gelf_getphdr(object->main->elf, (int)i, &ph) ||
			(ph.p_type != PT_LOAD && ph.p_type != PT_GNU_RELRO) || vaddr < ph.p_vaddr ||
			vaddr - ph.p_vaddr >= ph.p_memsz)
			continue;
		/* Relocations are written to what is read-only afterwards. */
		if (ph.p_type == PT_GNU_RELRO || ph.p_flags & PF_W)
			return false;
		is_constant |= vaddr - ph.p_vaddr < ph.p_filesz;
	}
	return is_constant;
}

bool snap_object_is_relro(const struct snap_object *object, uint64_t vaddr, uint64_t len)
{
	SNAP_READING_SLOT(object->note);
	size_t num;
	bool is_protected = false, is_loaded = false;
	if (!object->main || elf_getphdrnum(object->main->elf, &num) != 0)
		return false;
	for (size_t i = 0; i < num; i++) {
		GElf_Phdr ph;
		if (!gelf_getphdr(object->main->elf, (int)i, &ph) || vaddr < ph.p_vaddr)
			continue;
		uint64_t off = vaddr - ph.p_vaddr;
		is_protected |= ph.p_type == PT_GNU_RELRO && off < ph.p_memsz &&
				len <= ph.p_memsz - off;
		is_loaded |= ph.p_type == PT_LOAD && off < ph.p_filesz && len <= ph.p_filesz - off;
	}
	return is_protected && is_loaded &&
	       !snap_relocated_any(object->main->elf, vaddr, len);
}

const char *snap_object_section(const struct snap_object *object, uint64_t vaddr)
{
	SNAP_READING_SLOT(object->note);
	size_t names;
	if (!object->main || elf_getshdrstrndx(object->main->elf, &names) != 0)
		return NULL;
	for (Elf_Scn *scn = NULL; (scn = elf_nextscn(object->main->elf, scn));) {
		GElf_Shdr sh;
		/* .tbss takes no room. */
		if (!gelf_getshdr(scn, &sh) || !(sh.sh_flags & SHF_ALLOC) ||
			(sh.sh_flags & SHF_TLS && sh.sh_type == SHT_NOBITS) || vaddr < sh.sh_addr ||
			vaddr - sh.sh_addr >= sh.sh_size)
			continue;
		const char *name = elf_strptr(object->main->elf, names, sh.sh_name);
		return name && name[0] ? name : NULL;
	}
	return NULL;
}

bool snap_object_relocated(
	const struct snap_object *object, uint64_t vaddr, struct snap_relocated *ret)
{
	SNAP_READING_SLOT(object->note);
	return object->main && snap_relocated_find(object->main->elf, vaddr, ret);
}

bool snap_object_entry(const struct snap_object *object, uint64_t *ret)
{
	GElf_Ehdr ehdr;
	if (!object->main || !gelf_getehdr(object->main->elf, &ehdr) || ehdr.e_entry == 0)
		return false;
	*ret = ehdr.e_entry;
	return true;
}

/* ---------------------------------------------------------------- unwinding */

const struct snap_cfi_row *snap_object_cfi_row(struct snap_object *object, uint64_t vaddr)
{
	SNAP_READING_SLOT(object->note);
	return snap_object_cfi_find(object->cfi, vaddr);
}

const struct snap_exidx *snap_object_exidx(struct snap_object *object)
{
	SNAP_READING_SLOT(object->note);
	if (object->exidx_tried || !object->main)
		return object->exidx;
	object->exidx_tried = true;
	(void)snap_exidx_create(object->main->elf, &object->exidx, NULL); /* without: NULL */
	return object->exidx;
}
