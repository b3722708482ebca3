#include "analyze/symbols/object_names.h"

#include <stdlib.h>
#include <string.h>

#include <elf.h>
#include <gelf.h>

#include "analyze/cache/cache_dir.h"
#include "analyze/symbols/demangle.h"
#include "analyze/symbols/hash_seed.h"
#include "analyze/symbols/plt.h"
#include "common/arena.h"
#include "common/escape.h"

/* An address looked up before. */
struct found {
	uint64_t vaddr;
	const struct snap_source_frame *frames; /* in the arena; NULL: a free slot */
	size_t num;
};

struct snap_object_names {
	struct snap_object_files files; /* borrowed */
	struct snap_bytes build_id;

	bool index_tried;
	struct snap_code_index *index;

	bool symtab_tried;
	struct snap_symtab symtab;
	char **demangled; /* by index into symtab, made when asked for; "": as it is */
	bool plt_tried;
	struct snap_plt plt;

	const char *data_name; /* the data symbol looked for last; NULL: none yet */
	bool has_data;	       /* it is there, at data_vaddr */
	uint64_t data_vaddr;

	struct snap_arena arena;
	struct found *found; /* a hash table with open addressing, num_slots a power of 2 */
	size_t num_found, num_slots;
};

int snap_object_names_create(const struct snap_object_files *files, struct snap_bytes build_id,
	struct snap_object_names **ret, struct snap_error *err)
{
	struct snap_object_names *names = calloc(1, sizeof(*names));
	if (!names)
		return snap_error_no_memory(err);
	names->files = *files;
	names->build_id = build_id;
	snap_arena_init(&names->arena, SIZE_MAX);
	*ret = names;
	return 0;
}

void snap_object_names_destroy(struct snap_object_names *names)
{
	if (!names)
		return;
	for (size_t i = 0; names->demangled && i < names->symtab.num_symbols; i++)
		free(names->demangled[i]);
	free(names->demangled);
	free(names->found);
	snap_arena_deinit(&names->arena);
	snap_symtab_deinit(&names->symtab);
	snap_plt_deinit(&names->plt);
	snap_code_index_destroy(names->index);
	free(names);
}

/* ---------------------------------------------------------------- the files' tables */

/* The file with the debug information; NULL: none has any. */
static struct snap_elf_file *dwarf_file(const struct snap_object_names *names)
{
	return names->files.debug && names->files.debug->has_debug_info ? names->files.debug
	       : names->files.main && names->files.main->has_debug_info ? names->files.main
									: NULL;
}

/* Where the section of code is; false if there is none of that name. */
static bool text_addr(const struct snap_elf_file *file, uint64_t *ret)
{
	size_t strings;
	GElf_Shdr shdr;
	if (elf_getshdrstrndx(file->elf, &strings) < 0)
		return false;
	for (Elf_Scn *scn = NULL; (scn = elf_nextscn(file->elf, scn));) {
		const char *name = gelf_getshdr(scn, &shdr)
					   ? elf_strptr(file->elf, strings, shdr.sh_name)
					   : NULL;
		if (name && strcmp(name, ".text") == 0) {
			*ret = shdr.sh_addr;
			return true;
		}
	}
	return false;
}

/*
 * What the file's addresses have on top of main's: a prelinked executable or library was moved
 * after its debug file had been made.
 */
static uint64_t bias_of(const struct snap_object_names *names, const struct snap_elf_file *file)
{
	uint64_t here, there;
	if (!names->files.main || file != names->files.debug ||
		!text_addr(names->files.main, &here) || !text_addr(file, &there))
		return 0;
	return there - here;
}

/*
 * Try the table of a file, together with another of mini, if there is one. False if it names
 * nothing.
 */
static bool read_symtab(
	struct snap_object_names *names, const struct snap_elf_file *file, uint32_t sh_type)
{
	struct snap_symtab_source sources[2];
	size_t num = 0;
	if (file && (sh_type == SHT_SYMTAB ? file->has_symtab : file->has_dynsym))
		sources[num++] = (struct snap_symtab_source){
			file->elf, sh_type, -(int64_t)bias_of(names, file)};
	/* It leaves out what .dynsym has. */
	if (file == names->files.main && sh_type == SHT_DYNSYM && names->files.mini)
		sources[num++] = (struct snap_symtab_source){names->files.mini->elf, SHT_SYMTAB, 0};
	if (num == 0)
		return false;
	snap_symtab_deinit(&names->symtab);
	return snap_symtab_init(&names->symtab, sources, num, NULL) == 0 &&
	       names->symtab.num_symbols > 0;
}

/* ---------------------------------------------------------------- symbols */

static void open_symtab(struct snap_object_names *names)
{
	names->symtab_tried = true;
	(void)(read_symtab(names, names->files.debug, SHT_SYMTAB) ||
		read_symtab(names, names->files.main, SHT_SYMTAB) ||
		read_symtab(names, names->files.main, SHT_DYNSYM) ||
		read_symtab(names, names->files.debug, SHT_DYNSYM)); /* without: no symbols */
	names->demangled = calloc(names->symtab.num_symbols + 1, sizeof(*names->demangled));
}

/* ---------------------------------------------------------------- the index, and the cache */

/* Shorter ones are no hashes: different builds could have the same. */
#define MIN_BUILD_ID 8
/* So much of .debug_info is read whole for the cache, when some of it was needed. */
#define MAX_SMALL_DEBUG_LEN (UINT64_C(4) << 20)
/* Symbol tables below that are read as fast as a cache is looked into. */
#define MIN_KEPT_SYMBOLS 500

/* NULL: nothing is kept of this object. */
static struct snap_cache_dir *cache_dir(
	const struct snap_object_names *names, char key[2 * SNAP_MAX_BUILD_ID + 1])
{
	const struct snap_bytes build_id = names->build_id;
	if (!names->files.cache || build_id.len < MIN_BUILD_ID ||
		build_id.len > SNAP_MAX_BUILD_ID || (names->files.main && names->files.main->image))
		return NULL;
	snap_hex(build_id, key);
	return snap_cache_get(names->files.cache, NULL);
}

static void set_sources(const struct snap_object_names *names, struct snap_image_sources *ret)
{
	const struct snap_elf_file *const files[] = {
		names->files.main, names->files.debug, names->files.alternate, names->files.mini};
	*ret = (struct snap_image_sources){.build_id_len = (uint32_t)names->build_id.len};
	if (names->build_id.len > 0 && names->build_id.len <= SNAP_MAX_BUILD_ID)
		memcpy(ret->build_id, names->build_id.data, names->build_id.len);
	for (size_t i = 0; i < 4; i++) {
		size_t len = 0;
		if (files[i])
			(void)elf_rawfile(files[i]->elf, &len);
		ret->file_len[i] = len;
	}
}

struct snap_code_index *snap_object_names_code_index(struct snap_object_names *names)
{
	if (names->index_tried)
		return names->index;
	names->index_tried = true;
	char key[2 * SNAP_MAX_BUILD_ID + 1];
	struct snap_cache_dir *dir = cache_dir(names, key);
	const struct snap_elf_file *file = dwarf_file(names);
	struct snap_code_sources sources = {
		.file = file,
		.bias = file ? bias_of(names, file) : 0,
		.alternate = names->files.alternate,
		.split = &names->files.split,
		.image = dir ? snap_cache_map(dir, SNAP_SYMBOLS_KIND, key) : snap_bytes(NULL, 0),
	};
	set_sources(names, &sources.made_of);
	(void)snap_code_index_create(&sources, &names->index, NULL); /* without memory: NULL */
	return names->index;
}

static int keep(struct snap_object_names *names, struct snap_cache_dir *dir, const char *key,
	uint64_t *ret_bytes, struct snap_error *err)
{
	struct snap_bytes image;
	if (!names->symtab_tried)
		open_symtab(names);
	if (snap_code_index_encode(names->index, &names->symtab, &image, err) < 0)
		return -1;
	const struct iovec part = {(void *)image.data, image.len};
	int r = snap_cache_write(dir, SNAP_SYMBOLS_KIND, key, &part, 1, err);
	free((void *)image.data);
	*ret_bytes = image.len;
	return r;
}

void snap_object_names_keep(struct snap_object_names *names)
{
	char key[2 * SNAP_MAX_BUILD_ID + 1];
	uint64_t bytes;
	struct snap_cache_dir *dir = names->index ? cache_dir(names, key) : NULL;
	bool has_news = dir && (snap_code_index_has_news(names->index) ||
				       names->symtab.num_symbols >= MIN_KEPT_SYMBOLS);
	if (!has_news)
		return;
	if (snap_code_index_debug_len(names->index) <= MAX_SMALL_DEBUG_LEN)
		(void)snap_code_index_make_all(names->index, 1, NULL, NULL, NULL);
	(void)keep(names, dir, key, &bytes, NULL);
}

int snap_object_names_keep_all(struct snap_object_names *names, size_t num_jobs,
	void (*told)(size_t done, size_t all, void *data), void *data, uint64_t *ret_bytes,
	struct snap_error *err)
{
	char key[2 * SNAP_MAX_BUILD_ID + 1];
	struct snap_cache_dir *dir = cache_dir(names, key);
	if (!dir && names->build_id.len < MIN_BUILD_ID)
		return snap_error_set(err, SNAP_ERROR_UNSUPPORTED,
			"it has no build ID, by which it would be kept");
	if (!dir || !snap_object_names_code_index(names))
		return snap_error_set(err, SNAP_ERROR_SYSTEM, "there is no cache to keep it in");
	if (snap_code_index_make_all(names->index, num_jobs, told, data, err) < 0)
		return -1;
	return keep(names, dir, key, ret_bytes, err);
}

/* ---------------------------------------------------------------- look-ups */

static const struct snap_symbol *find_in_symtab(struct snap_object_names *names, uint64_t vaddr)
{
	if (!names->symtab_tried)
		open_symtab(names);
	return snap_symtab_find(&names->symtab, vaddr);
}

static const char *demangled_name(struct snap_object_names *names, const struct snap_symbol *symbol)
{
	if (!names->demangled)
		return symbol->name;
	char **slot = &names->demangled[symbol - names->symtab.symbols];
	if (!*slot && !(*slot = snap_demangle(symbol->name))) {
		/* "name@@VERSION": the version is the linker's business. */
		size_t len = strcspn(symbol->name, "@");
		*slot = strndup(symbol->name, symbol->name[len] ? len : 0);
	}
	return *slot && **slot ? *slot : symbol->name;
}

/* From the cache, or else from the files. False if there is none. */
static bool find_symbol(
	struct snap_object_names *names, uint64_t vaddr, struct snap_kept_symbol *ret)
{
	struct snap_code_index *index = snap_object_names_code_index(names);
	enum snap_kept kept = index ? snap_code_index_symbol(index, vaddr, ret) : SNAP_KEPT_NOT;
	if (kept != SNAP_KEPT_NOT)
		return kept == SNAP_KEPT_FOUND;
	const struct snap_symbol *symbol = find_in_symtab(names, vaddr);
	if (!symbol)
		return false;
	*ret = (struct snap_kept_symbol){
		symbol->start, symbol->end, symbol->name, demangled_name(names, symbol)};
	return true;
}

/* A name that lives as long as the object, with the suffix of stubs; NULL without memory. */
static const char *stub_name(struct snap_object_names *names, const char *name)
{
	size_t len = strlen(name);
	char *ret = snap_arena_alloc(&names->arena, len + sizeof(SNAP_PLT_SUFFIX));
	if (!ret)
		return NULL;
	memcpy(ret, name, len);
	memcpy(ret + len, SNAP_PLT_SUFFIX, sizeof(SNAP_PLT_SUFFIX));
	return ret;
}

/*
 * As if a stub were a function of its own. It is none to snap_object_names_function(): a call to it
 * is one to another function.
 */
static bool find_stub(
	struct snap_object_names *names, uint64_t vaddr, struct snap_source_frame *ret)
{
	if (!names->plt_tried && names->files.main)
		(void)snap_plt_init(&names->plt, names->files.main->elf, NULL); /* without: none */
	names->plt_tried = true;
	const struct snap_symbol *stub = snap_plt_find(&names->plt, vaddr);
	if (!stub)
		return false;
	char *demangled = snap_demangle(stub->name);
	*ret = (struct snap_source_frame){0};
	ret->function = stub_name(names, demangled ? demangled : stub->name);
	ret->raw_function = stub_name(names, stub->name);
	ret->start = stub->start;
	free(demangled);
	return ret->function && ret->raw_function;
}

void snap_object_names_prepare(
	struct snap_object_names *names, const uint64_t *vaddrs, size_t num, size_t num_jobs)
{
	struct snap_code_index *index = snap_object_names_code_index(names);
	if (index)
		snap_code_index_prepare(index, vaddrs, num, num_jobs);
}

size_t snap_object_names_look_up(struct snap_object_names *names, uint64_t vaddr,
	struct snap_source_frame *frames, size_t max)
{
	struct snap_code_index *index = snap_object_names_code_index(names);
	size_t num = index ? snap_code_index_find(index, vaddr, frames, max) : 0;
	struct snap_source_frame *outermost = num > 0 ? &frames[num - 1] : &frames[0];
	if (num > 0 && outermost->function && !outermost->is_unmangled)
		return num;
	struct snap_kept_symbol symbol;
	bool has_symbol = find_symbol(names, vaddr, &symbol);
	if (!has_symbol && num == 0)
		return find_stub(names, vaddr, &frames[0]) ? 1 : 0;
	/* Compilers leave DW_AT_linkage_name out of what is local to a file; the linker's table has
	 * it all the same, and says more: parameters of templates, which lambda. */
	if (!has_symbol || (num > 0 && outermost->function &&
				   (symbol.start != outermost->start ||
					   strcmp(symbol.raw, symbol.shown) == 0)))
		return num;
	if (num == 0)
		*outermost = (struct snap_source_frame){0};
	outermost->function = symbol.shown;
	outermost->raw_function = symbol.raw;
	outermost->start = symbol.start;
	return num > 0 ? num : 1;
}

static struct found *found_slot(struct found *slots, size_t num_slots, uint64_t vaddr)
{
	size_t i = (size_t)snap_hash_number(snap_hash_seed(), vaddr) & (num_slots - 1);
	while (slots[i].frames && slots[i].vaddr != vaddr)
		i = (i + 1) & (num_slots - 1);
	return &slots[i];
}

static bool grow_found(struct snap_object_names *names)
{
	size_t num_slots = names->num_slots ? 2 * names->num_slots : 64;
	struct found *slots = calloc(num_slots, sizeof(*slots));
	if (!slots)
		return false;
	for (size_t i = 0; i < names->num_slots; i++)
		if (names->found[i].frames)
			*found_slot(slots, num_slots, names->found[i].vaddr) = names->found[i];
	free(names->found);
	names->found = slots;
	names->num_slots = num_slots;
	return true;
}

const struct snap_source_frame *snap_object_names_find(
	struct snap_object_names *names, uint64_t vaddr, size_t *ret_num)
{
	*ret_num = 0;
	if (2 * (names->num_found + 1) > names->num_slots && !grow_found(names))
		return NULL;
	struct found *slot = found_slot(names->found, names->num_slots, vaddr);
	if (!slot->frames) {
		struct snap_source_frame frames[SNAP_MAX_INLINE_DEPTH + 1];
		size_t num =
			snap_object_names_look_up(names, vaddr, frames, SNAP_MAX_INLINE_DEPTH + 1);
		struct snap_source_frame *kept =
			snap_arena_alloc(&names->arena, num * sizeof(*kept));
		if (!kept)
			return NULL;
		memcpy(kept, frames, num * sizeof(*kept));
		*slot = (struct found){vaddr, kept, num};
		names->num_found++;
	}
	*ret_num = slot->num;
	return slot->frames;
}

bool snap_object_names_find_name(struct snap_object_names *names, const char *name, uint64_t *ret)
{
	struct snap_code_index *index = snap_object_names_code_index(names);
	enum snap_kept kept = index ? snap_code_index_find_name(index, name, ret) : SNAP_KEPT_NOT;
	if (kept != SNAP_KEPT_NOT)
		return kept == SNAP_KEPT_FOUND;
	if (!names->symtab_tried)
		open_symtab(names);
	return snap_symtab_find_name(&names->symtab, name, ret);
}

bool snap_object_names_find_data(struct snap_object_names *names, const char *name, uint64_t *ret)
{
	if (!names->data_name || strcmp(names->data_name, name) != 0) {
		const struct snap_elf_file *files[] = {names->files.main, names->files.debug};
		names->data_name = name;
		names->has_data = false;
		for (size_t i = 0; i < 2 && !names->has_data; i++)
			names->has_data =
				files[i] && (snap_symtab_find_data(files[i]->elf, SHT_DYNSYM, name,
						     &names->data_vaddr) ||
						    snap_symtab_find_data(files[i]->elf, SHT_SYMTAB,
							    name, &names->data_vaddr));
	}
	if (names->has_data)
		*ret = names->data_vaddr;
	return names->has_data;
}

bool snap_object_names_function(
	struct snap_object_names *names, uint64_t vaddr, uint64_t *ret_start, uint64_t *ret_end)
{
	struct snap_kept_symbol symbol;
	if (!find_symbol(names, vaddr, &symbol))
		return false;
	*ret_start = symbol.start;
	*ret_end = symbol.end;
	return true;
}
