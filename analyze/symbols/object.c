#include "analyze/symbols/object.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>

#include <dwarf.h>
#include <elf.h>
#include <gelf.h>

#include "analyze/cache/cache_dir.h"
#include "analyze/symbols/demangle.h"
#include "analyze/symbols/plt.h"
#include "analyze/symbols/symtab.h"
#include "analyze/unwind/exidx.h"
#include "common/elf_load.h"
#include "common/escape.h"

/* What is known of the call frame information for a range of addresses. */
struct row_range {
	uint64_t start, end;
	const struct snap_cfi_row *row; /* in the arena; NULL: there is none */
};

/* An address looked up before. */
struct found {
	uint64_t vaddr;
	const struct snap_source_frame *frames; /* in the arena; NULL: a free slot */
	size_t num;
};

/* Where call frame information may be, in the order of the search. */
enum {
	CFI_EH_FRAME,	    /* .eh_frame through its index .eh_frame_hdr, if it has one */
	CFI_EH_FRAME_PLAIN, /* .eh_frame from entry to entry: where an index leads astray */
	CFI_DEBUG_FRAME,    /* .debug_frame of the executable or library */
	CFI_SEPARATE_DEBUG_FRAME,
	CFI_NUM_SOURCES,
};

struct cfi_source {
	bool tried;
	Dwarf_CFI *cfi;
	bool is_own;  /* of .eh_frame: to be ended; others belong to their Dwarf */
	Elf *elf;     /* a handle for it alone; NULL */
	Dwarf *dwarf; /* likewise */
};

struct snap_object {
	struct snap_elf_file *main, *debug, *alternate, *mini;
	struct snap_bytes build_id;
	enum snap_symbols symbols;
	const char *symbol_file;

	bool dwarf_tried;
	Dwarf *dwarf, *alternate_dwarf;
	struct snap_split_source split;
	struct snap_cache *cache;
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

	const struct snap_arch *arch; /* NULL: not known */
	struct cfi_source cfi[CFI_NUM_SOURCES];
	bool exidx_tried;
	struct snap_exidx *exidx;
	void *rows; /* struct row_range in the arena, disjoint: a tree of search.h */
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
	struct snap_elf_file *main = files->main;
	struct snap_object *object = calloc(1, sizeof(*object));
	if (!object) {
		struct snap_object_files unused = *files;
		snap_object_files_deinit(&unused);
		return snap_error_no_memory(err);
	}
	object->main = main;
	object->debug = files->debug;
	object->alternate = files->alternate;
	object->mini = files->mini;
	object->split = files->split;
	object->cache = files->cache;
	snap_arena_init(&object->arena, SIZE_MAX);
	object->build_id = main ? main->build_id : files->debug->build_id;
	if (main)
		object->arch = snap_arch_find(main->elf_machine, main->elf_class, main->elf_data);
	choose_names(object);
	*ret = object;
	return 0;
}

static void close_cfi(struct cfi_source *source)
{
	if (source->is_own && source->cfi)
		(void)dwarf_cfi_end(source->cfi); /* can only fail on NULL */
	(void)dwarf_end(source->dwarf);		  /* nothing is written */
	(void)elf_end(source->elf);		  /* a count of references */
}

/* Ranges go with the arena. */
static void keep_range(void *range)
{
	(void)range;
}

void snap_object_destroy(struct snap_object *object)
{
	if (!object)
		return;
	for (size_t i = 0; i < CFI_NUM_SOURCES; i++)
		close_cfi(&object->cfi[i]);
	tdestroy(object->rows, keep_range);
	snap_exidx_destroy(object->exidx);
	for (size_t i = 0; object->demangled && i < object->symtab.num_symbols; i++)
		free(object->demangled[i]);
	free(object->demangled);
	free(object->found);
	snap_arena_deinit(&object->arena);
	snap_symtab_deinit(&object->symtab);
	snap_plt_deinit(&object->plt);
	snap_code_index_destroy(object->index);
	(void)dwarf_end(object->dwarf);
	(void)dwarf_end(object->alternate_dwarf);
	snap_elf_file_destroy(object->main);
	snap_elf_file_destroy(object->debug);
	snap_elf_file_destroy(object->alternate);
	snap_elf_file_destroy(object->mini);
	free(object);
}

struct snap_bytes snap_object_image(const struct snap_object *object)
{
	const struct snap_elf_file *file = object->main;
	return file && file->image ? snap_bytes(file->image, file->image_len) : snap_bytes(NULL, 0);
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

/*
 * Tell libdw where the alternate file is, or that there is none: left alone it would open the path
 * that the file names. (Dwarf *) -1 is what elfutils itself notes after a search without a result
 * (libdw/dwarf_getalt.c, 0.188); a later version that treats it otherwise fails
 * tests/cli_hostile_links.sh.
 */
static void set_alternate(struct snap_object *object)
{
	if (object->alternate)
		object->alternate_dwarf =
			dwarf_begin_elf(object->alternate->elf, DWARF_C_READ, NULL);
	dwarf_setalt(object->dwarf,
		object->alternate_dwarf ? object->alternate_dwarf : (Dwarf *)(intptr_t)-1);
}

/* The file with the debug information; NULL: none has any. */
static struct snap_elf_file *dwarf_file(const struct snap_object *object)
{
	return object->debug && object->debug->has_debug_info ? object->debug
	       : object->main && object->main->has_debug_info ? object->main
							      : NULL;
}

/* libdw's view of it: only its .debug_frame is used. */
static void open_dwarf(struct snap_object *object)
{
	object->dwarf_tried = true;
	struct snap_elf_file *file = dwarf_file(object);
	if (!file)
		return;
	object->dwarf = dwarf_begin_elf(file->elf, DWARF_C_READ, NULL);
	if (object->dwarf)
		set_alternate(object);
}

/*
 * Try the table of a file, together with another of mini, if there is one. False if it names
 * nothing.
 */
static bool read_symtab(
	struct snap_object *object, const struct snap_elf_file *file, uint32_t sh_type)
{
	struct snap_symtab_source sources[2];
	size_t num = 0;
	if (file && (sh_type == SHT_SYMTAB ? file->has_symtab : file->has_dynsym))
		sources[num++] = (struct snap_symtab_source){file->elf, sh_type, 0};
	/* It leaves out what .dynsym has. */
	if (file == object->main && sh_type == SHT_DYNSYM && object->mini)
		sources[num++] = (struct snap_symtab_source){object->mini->elf, SHT_SYMTAB, 0};
	if (num == 0)
		return false;
	snap_symtab_deinit(&object->symtab);
	return snap_symtab_init(&object->symtab, sources, num, NULL) == 0 &&
	       object->symtab.num_symbols > 0;
}

/* ---------------------------------------------------------------- symbols */

static void open_symtab(struct snap_object *object)
{
	object->symtab_tried = true;
	(void)(read_symtab(object, object->debug, SHT_SYMTAB) ||
		read_symtab(object, object->main, SHT_SYMTAB) ||
		read_symtab(object, object->main, SHT_DYNSYM) ||
		read_symtab(object, object->debug, SHT_DYNSYM)); /* without: no symbols */
	object->demangled = calloc(object->symtab.num_symbols + 1, sizeof(*object->demangled));
}

/* ---------------------------------------------------------------- the index, and the cache */

#define CACHE_KIND "symbols"
/* Shorter ones are no hashes: different builds could have the same. */
#define MIN_BUILD_ID 8
/* So much of .debug_info is read whole for the cache, when some of it was needed. */
#define MAX_SMALL_DEBUG_LEN (UINT64_C(4) << 20)
/* Symbol tables below that are read as fast as a cache is looked into. */
#define MIN_KEPT_SYMBOLS 500

/* NULL: nothing is kept of this object. */
static struct snap_cache_dir *cache_dir(
	const struct snap_object *object, char key[2 * SNAP_MAX_BUILD_ID + 1])
{
	const struct snap_bytes build_id = object->build_id;
	if (!object->cache || build_id.len < MIN_BUILD_ID || build_id.len > SNAP_MAX_BUILD_ID ||
		(object->main && object->main->image))
		return NULL;
	snap_hex(build_id, key);
	return snap_cache_get(object->cache, NULL);
}

static void set_sources(const struct snap_object *object, struct snap_image_sources *ret)
{
	const struct snap_elf_file *const files[] = {
		object->main, object->debug, object->alternate, object->mini};
	*ret = (struct snap_image_sources){.build_id_len = (uint32_t)object->build_id.len};
	if (object->build_id.len > 0 && object->build_id.len <= SNAP_MAX_BUILD_ID)
		memcpy(ret->build_id, object->build_id.data, object->build_id.len);
	for (size_t i = 0; i < 4; i++) {
		size_t len = 0;
		if (files[i])
			(void)elf_rawfile(files[i]->elf, &len);
		ret->file_len[i] = len;
	}
}

struct snap_code_index *snap_object_code_index(struct snap_object *object)
{
	if (object->index_tried)
		return object->index;
	object->index_tried = true;
	char key[2 * SNAP_MAX_BUILD_ID + 1];
	struct snap_cache_dir *dir = cache_dir(object, key);
	struct snap_code_sources sources = {
		.file = dwarf_file(object),
		.alternate = object->alternate,
		.split = &object->split,
		.image = dir ? snap_cache_map(dir, CACHE_KIND, key) : snap_bytes(NULL, 0),
	};
	set_sources(object, &sources.made_of);
	(void)snap_code_index_create(&sources, &object->index, NULL); /* without memory: NULL */
	return object->index;
}

static int keep(struct snap_object *object, struct snap_cache_dir *dir, const char *key,
	uint64_t *ret_bytes, struct snap_error *err)
{
	struct snap_bytes image;
	if (!object->symtab_tried)
		open_symtab(object);
	if (snap_code_index_encode(object->index, &object->symtab, &image, err) < 0)
		return -1;
	const struct iovec part = {(void *)image.data, image.len};
	int r = snap_cache_write(dir, CACHE_KIND, key, &part, 1, err);
	free((void *)image.data);
	*ret_bytes = image.len;
	return r;
}

void snap_object_keep(struct snap_object *object)
{
	char key[2 * SNAP_MAX_BUILD_ID + 1];
	uint64_t bytes;
	struct snap_cache_dir *dir = object->index ? cache_dir(object, key) : NULL;
	bool has_news = dir && (snap_code_index_has_news(object->index) ||
				       object->symtab.num_symbols >= MIN_KEPT_SYMBOLS);
	if (!has_news)
		return;
	if (snap_code_index_debug_len(object->index) <= MAX_SMALL_DEBUG_LEN)
		(void)snap_code_index_make_all(object->index, 1, NULL, NULL, NULL);
	(void)keep(object, dir, key, &bytes, NULL);
}

int snap_object_keep_all(struct snap_object *object, size_t num_jobs,
	void (*told)(size_t done, size_t all, void *data), void *data, uint64_t *ret_bytes,
	struct snap_error *err)
{
	char key[2 * SNAP_MAX_BUILD_ID + 1];
	struct snap_cache_dir *dir = cache_dir(object, key);
	if (!dir && object->build_id.len < MIN_BUILD_ID)
		return snap_error_set(err, SNAP_ERROR_UNSUPPORTED,
			"it has no build ID, by which it would be kept");
	if (!dir || !snap_object_code_index(object))
		return snap_error_set(err, SNAP_ERROR_SYSTEM, "there is no cache to keep it in");
	if (snap_code_index_make_all(object->index, num_jobs, told, data, err) < 0)
		return -1;
	return keep(object, dir, key, ret_bytes, err);
}

/* ---------------------------------------------------------------- look-ups */

static const struct snap_symbol *find_in_symtab(struct snap_object *object, uint64_t vaddr)
{
	if (!object->symtab_tried)
		open_symtab(object);
	return snap_symtab_find(&object->symtab, vaddr);
}

static const char *demangled_name(struct snap_object *object, const struct snap_symbol *symbol)
{
	if (!object->demangled)
		return symbol->name;
	char **slot = &object->demangled[symbol - object->symtab.symbols];
	if (!*slot && !(*slot = snap_demangle(symbol->name))) {
		/* "name@@VERSION": the version is the linker's business. */
		size_t len = strcspn(symbol->name, "@");
		*slot = strndup(symbol->name, symbol->name[len] ? len : 0);
	}
	return *slot && **slot ? *slot : symbol->name;
}

/* From the cache, or else from the files. False if there is none. */
static bool find_symbol(
	struct snap_object *object, uint64_t vaddr, struct snap_kept_symbol *ret)
{
	struct snap_code_index *index = snap_object_code_index(object);
	enum snap_kept kept = index ? snap_code_index_symbol(index, vaddr, ret) : SNAP_KEPT_NOT;
	if (kept != SNAP_KEPT_NOT)
		return kept == SNAP_KEPT_FOUND;
	const struct snap_symbol *symbol = find_in_symtab(object, vaddr);
	if (!symbol)
		return false;
	*ret = (struct snap_kept_symbol){symbol->start, symbol->end, symbol->name,
		demangled_name(object, symbol)};
	return true;
}

/* A name that lives as long as the object, with the suffix of stubs; NULL without memory. */
static const char *stub_name(struct snap_object *object, const char *name)
{
	size_t len = strlen(name);
	char *ret = snap_arena_alloc(&object->arena, len + sizeof(SNAP_PLT_SUFFIX));
	if (!ret)
		return NULL;
	memcpy(ret, name, len);
	memcpy(ret + len, SNAP_PLT_SUFFIX, sizeof(SNAP_PLT_SUFFIX));
	return ret;
}

/*
 * As if a stub were a function of its own. It is none to snap_object_function(): a call to it is
 * one to another function.
 */
static bool find_stub(struct snap_object *object, uint64_t vaddr, struct snap_source_frame *ret)
{
	if (!object->plt_tried && object->main)
		(void)snap_plt_init(&object->plt, object->main->elf, NULL); /* without: none */
	object->plt_tried = true;
	const struct snap_symbol *stub = snap_plt_find(&object->plt, vaddr);
	if (!stub)
		return false;
	char *demangled = snap_demangle(stub->name);
	*ret = (struct snap_source_frame){0};
	ret->function = stub_name(object, demangled ? demangled : stub->name);
	ret->raw_function = stub_name(object, stub->name);
	ret->start = stub->start;
	free(demangled);
	return ret->function && ret->raw_function;
}

void snap_object_prepare(
	struct snap_object *object, const uint64_t *vaddrs, size_t num, size_t num_jobs)
{
	struct snap_code_index *index = snap_object_code_index(object);
	if (index)
		snap_code_index_prepare(index, vaddrs, num, num_jobs);
}

size_t snap_object_look_up(
	struct snap_object *object, uint64_t vaddr, struct snap_source_frame *frames, size_t max)
{
	struct snap_code_index *index = snap_object_code_index(object);
	size_t num = index ? snap_code_index_find(index, vaddr, frames, max) : 0;
	struct snap_source_frame *outermost = num > 0 ? &frames[num - 1] : &frames[0];
	if (num > 0 && outermost->function && !outermost->is_unmangled)
		return num;
	struct snap_kept_symbol symbol;
	bool has_symbol = find_symbol(object, vaddr, &symbol);
	if (!has_symbol && num == 0)
		return find_stub(object, vaddr, &frames[0]) ? 1 : 0;
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
	size_t i = (size_t)(vaddr * UINT64_C(0x9e3779b97f4a7c15) >> 32) & (num_slots - 1);
	while (slots[i].frames && slots[i].vaddr != vaddr)
		i = (i + 1) & (num_slots - 1);
	return &slots[i];
}

static bool grow_found(struct snap_object *object)
{
	size_t num_slots = object->num_slots ? 2 * object->num_slots : 64;
	struct found *slots = calloc(num_slots, sizeof(*slots));
	if (!slots)
		return false;
	for (size_t i = 0; i < object->num_slots; i++)
		if (object->found[i].frames)
			*found_slot(slots, num_slots, object->found[i].vaddr) = object->found[i];
	free(object->found);
	object->found = slots;
	object->num_slots = num_slots;
	return true;
}

const struct snap_source_frame *snap_object_find(
	struct snap_object *object, uint64_t vaddr, size_t *ret_num)
{
	*ret_num = 0;
	if (2 * (object->num_found + 1) > object->num_slots && !grow_found(object))
		return NULL;
	struct found *slot = found_slot(object->found, object->num_slots, vaddr);
	if (!slot->frames) {
		struct snap_source_frame frames[SNAP_MAX_INLINE_DEPTH + 1];
		size_t num = snap_object_look_up(object, vaddr, frames, SNAP_MAX_INLINE_DEPTH + 1);
		struct snap_source_frame *kept =
			snap_arena_alloc(&object->arena, num * sizeof(*kept));
		if (!kept)
			return NULL;
		memcpy(kept, frames, num * sizeof(*kept));
		*slot = (struct found){vaddr, kept, num};
		object->num_found++;
	}
	*ret_num = slot->num;
	return slot->frames;
}


bool snap_object_find_name(struct snap_object *object, const char *name, uint64_t *ret)
{
	struct snap_code_index *index = snap_object_code_index(object);
	enum snap_kept kept =
		index ? snap_code_index_find_name(index, name, ret) : SNAP_KEPT_NOT;
	if (kept != SNAP_KEPT_NOT)
		return kept == SNAP_KEPT_FOUND;
	if (!object->symtab_tried)
		open_symtab(object);
	return snap_symtab_find_name(&object->symtab, name, ret);
}

bool snap_object_find_data(struct snap_object *object, const char *name, uint64_t *ret)
{
	if (!object->data_name || strcmp(object->data_name, name) != 0) {
		const struct snap_elf_file *files[] = {object->main, object->debug};
		object->data_name = name;
		object->has_data = false;
		for (size_t i = 0; i < 2 && !object->has_data; i++)
			object->has_data =
				files[i] && (snap_symtab_find_data(files[i]->elf, SHT_DYNSYM, name,
						     &object->data_vaddr) ||
						    snap_symtab_find_data(files[i]->elf, SHT_SYMTAB,
							    name, &object->data_vaddr));
	}
	if (object->has_data)
		*ret = object->data_vaddr;
	return object->has_data;
}

/* ---------------------------------------------------------------- code */

bool snap_object_function(
	struct snap_object *object, uint64_t vaddr, uint64_t *ret_start, uint64_t *ret_end)
{
	struct snap_kept_symbol symbol;
	if (!find_symbol(object, vaddr, &symbol))
		return false;
	*ret_start = symbol.start;
	*ret_end = symbol.end;
	return true;
}

size_t snap_object_read(const struct snap_object *object, uint64_t vaddr, void *buf, size_t len)
{
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

bool snap_object_entry(const struct snap_object *object, uint64_t *ret)
{
	GElf_Ehdr ehdr;
	if (!object->main || !gelf_getehdr(object->main->elf, &ehdr) || ehdr.e_entry == 0)
		return false;
	*ret = ehdr.e_entry;
	return true;
}

/* ---------------------------------------------------------------- call frame information */

/*
 * Whether .eh_frame_hdr (Linux Standard Base, "Exception Frames") is fit for a binary search: then
 * an address that it does not lead to has no entry.
 */
static bool is_index_sane(Elf *elf)
{
	enum { VERSION = 0, POINTER = 1, COUNT = 2, TABLE = 3, HEADER = 4, ENTRY = 8 };
	size_t num, size;
	GElf_Phdr ph;
	const uint8_t *raw = (const uint8_t *)elf_rawfile(elf, &size);
	GElf_Ehdr ehdr;
	if (!raw || !gelf_getehdr(elf, &ehdr) || elf_getphdrnum(elf, &num) != 0)
		return false;
	size_t i = 0;
	while (i < num && (!gelf_getphdr(elf, (int)i, &ph) || ph.p_type != PT_GNU_EH_FRAME))
		i++;
	if (i == num)
		return true; /* none: libdw goes from entry to entry anyway */
	if (ph.p_offset > size || ph.p_filesz > size - ph.p_offset ||
		ph.p_filesz < HEADER + 2 * sizeof(uint32_t))
		return false;
	const uint8_t *header = raw + ph.p_offset;
	/* The only encodings that linkers write, and that libdw searches. */
	if (header[VERSION] != 1 || header[POINTER] != (DW_EH_PE_pcrel | DW_EH_PE_sdata4) ||
		header[COUNT] != DW_EH_PE_udata4 ||
		header[TABLE] != (DW_EH_PE_datarel | DW_EH_PE_sdata4))
		return header[VERSION] == 1 && header[TABLE] == DW_EH_PE_omit;
	uint64_t count = snap_elf_load(header + HEADER + 4, 4, ehdr.e_ident[EI_DATA]);
	if (count > (ph.p_filesz - HEADER - 8) / ENTRY)
		return false;
	int32_t before = INT32_MIN;
	for (uint64_t j = 0; j < count; j++) {
		int32_t start = (int32_t)snap_elf_load(
			header + HEADER + 8 + j * ENTRY, 4, ehdr.e_ident[EI_DATA]);
		if (start < before)
			return false;
		before = start;
	}
	return true;
}

/*
 * A handle of its own, private and writable, so that libdw can be kept from seeing the index: it
 * looks by program header first, and then by section.
 */
static void open_plain_eh_frame(struct snap_object *object, struct cfi_source *source)
{
	size_t names, num;
	GElf_Phdr ph;
	GElf_Shdr shdr;
	if (object->main->fd < 0 || is_index_sane(object->main->elf))
		return; /* an image from memory has lost its index already */
	Elf *elf = source->elf = elf_begin(object->main->fd, ELF_C_READ_MMAP_PRIVATE, NULL);
	if (!elf || elf_getphdrnum(elf, &num) != 0 || elf_getshdrstrndx(elf, &names) != 0)
		return;
	for (size_t i = 0; i < num; i++) {
		if (!gelf_getphdr(elf, (int)i, &ph) || ph.p_type != PT_GNU_EH_FRAME)
			continue;
		ph.p_type = PT_NULL;
		if (!gelf_update_phdr(elf, (int)i, &ph))
			return;
	}
	for (Elf_Scn *scn = NULL; (scn = elf_nextscn(elf, scn));) {
		const char *name =
			gelf_getshdr(scn, &shdr) ? elf_strptr(elf, names, shdr.sh_name) : NULL;
		if (!name || strcmp(name, ".eh_frame_hdr") != 0)
			continue;
		shdr.sh_name = UINT32_MAX; /* libdw finds it by name, whatever its type */
		if (!gelf_update_shdr(scn, &shdr))
			return;
	}
	source->cfi = dwarf_getcfi_elf(elf);
	source->is_own = true;
}

/* Opening a Dwarf decompresses all its sections: not for a file without .debug_frame. */
static void open_debug_frame(
	struct snap_object *object, struct snap_elf_file *file, struct cfi_source *source)
{
	if (!file || !file->has_debug_frame || file->no_dwarf)
		return;
	if (file->has_debug_info && !object->dwarf_tried)
		open_dwarf(object);
	bool is_shared = object->dwarf && dwarf_getelf(object->dwarf) == file->elf;
	if (!is_shared)
		source->dwarf = dwarf_begin_elf(file->elf, DWARF_C_READ, NULL);
	Dwarf *dwarf = is_shared ? object->dwarf : source->dwarf;
	source->cfi = dwarf ? dwarf_getcfi(dwarf) : NULL;
}

static Dwarf_CFI *cfi_source(struct snap_object *object, unsigned int which)
{
	struct cfi_source *source = &object->cfi[which];
	if (source->tried)
		return source->cfi;
	source->tried = true;
	struct snap_elf_file *main = object->main;
	bool has_eh_frame = main && main->has_code_frames && !main->no_cfi;
	if (which == CFI_EH_FRAME && has_eh_frame) {
		source->cfi = dwarf_getcfi_elf(main->elf);
		source->is_own = true;
	} else if (which == CFI_EH_FRAME_PLAIN && has_eh_frame) {
		open_plain_eh_frame(object, source);
	} else if (which == CFI_DEBUG_FRAME) {
		open_debug_frame(object, main, source);
	} else if (which == CFI_SEPARATE_DEBUG_FRAME) {
		open_debug_frame(object, object->debug, source);
	}
	return source->cfi;
}

/* *ret: in the arena; NULL if no source has one. -1 without memory. */
static int read_row(struct snap_object *object, uint64_t vaddr, const struct snap_cfi_row **ret)
{
	*ret = NULL;
	for (unsigned int i = 0; i < CFI_NUM_SOURCES && object->arch; i++) {
		Dwarf_CFI *cfi = cfi_source(object, i);
		Dwarf_Frame *frame;
		if (!cfi || dwarf_cfi_addrframe(cfi, vaddr, &frame) != 0)
			continue;
		struct snap_cfi_row *row = snap_arena_alloc(&object->arena, sizeof(*row));
		int r = row ? snap_cfi_row_init(row, frame, object->arch, &object->arena) : -1;
		free(frame);
		if (r < 0)
			return -1;
		*ret = row;
		return 0;
	}
	return 0;
}

/* Ranges that overlap are equal: of disjoint ones, the one that has an address is found. */
static int compare_ranges(const void *a, const void *b)
{
	const struct row_range *x = a, *y = b;
	return x->end <= y->start ? -1 : x->start >= y->end;
}

const struct snap_cfi_row *snap_object_cfi_row(struct snap_object *object, uint64_t vaddr)
{
	struct row_range range = {.start = vaddr, .end = vaddr + 1};
	struct row_range **found = tfind(&range, &object->rows, compare_ranges);
	if (found)
		return (*found)->row;
	if (range.end == 0 || read_row(object, vaddr, &range.row) < 0)
		return NULL;
	const struct snap_cfi_row *row = range.row;
	struct row_range *kept = snap_arena_alloc(&object->arena, sizeof(*kept));
	if (!kept)
		return row;
	*kept = range;
	if (row && row->start <= vaddr && row->end > vaddr) {
		kept->start = row->start;
		kept->end = row->end;
	}
	found = tsearch(kept, &object->rows, compare_ranges);
	/* Sources may contradict each other: what is known keeps its place. */
	if (found && *found != kept) {
		*kept = range;
		(void)tsearch(kept, &object->rows, compare_ranges); /* without: looked up again */
	}
	return row;
}

const struct snap_exidx *snap_object_exidx(struct snap_object *object)
{
	if (object->exidx_tried || !object->main)
		return object->exidx;
	object->exidx_tried = true;
	(void)snap_exidx_create(object->main->elf, &object->exidx, NULL); /* without: NULL */
	return object->exidx;
}
