#include "analyze/symbols/object.h"

#include <stdlib.h>
#include <string.h>

#include <elf.h>
#include <gelf.h>

#include "analyze/symbols/demangle.h"
#include "analyze/symbols/symtab.h"

/* Rows are looked up by pc again and again: many threads wait in the same functions. */
#define ROW_SLOTS 256

struct row_slot {
	bool used;
	uint64_t vaddr;
	Dwarf_Frame *row; /* NULL: known to be none; owned, from malloc */
};

/* An address looked up before. */
struct found {
	uint64_t vaddr;
	const struct snap_source_frame *frames; /* in the arena; NULL: a free slot */
	size_t num;
};

struct snap_object {
	struct snap_elf_file *main, *debug, *alternate;
	struct snap_bytes build_id;
	enum snap_symbols symbols;
	const char *symbol_file;

	bool dwarf_tried;
	Dwarf *dwarf, *alternate_dwarf;
	struct snap_dwarf_index *index;

	bool symtab_tried;
	struct snap_symtab symtab;
	char **demangled; /* by index into symtab, made when asked for; "": as it is */

	struct snap_arena arena;
	struct found *found; /* a hash table with open addressing, num_slots a power of 2 */
	size_t num_found, num_slots;

	bool cfi_tried;
	Dwarf_CFI *eh_frame;	   /* ours to end */
	Dwarf *frame_dwarf[2];	   /* owner of debug_frame where it is not dwarf */
	Dwarf_CFI *debug_frame[2]; /* owned by their Dwarf */
	struct row_slot rows[ROW_SLOTS];
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
}

int snap_object_create(struct snap_elf_file *main, struct snap_elf_file *debug,
	struct snap_elf_file *alternate, struct snap_object **ret, struct snap_error *err)
{
	struct snap_object *object = calloc(1, sizeof(*object));
	if (!object) {
		snap_elf_file_destroy(main);
		snap_elf_file_destroy(debug);
		snap_elf_file_destroy(alternate);
		return snap_error_no_memory(err);
	}
	object->main = main;
	object->debug = debug;
	object->alternate = alternate;
	snap_arena_init(&object->arena, SIZE_MAX);
	object->build_id = main ? main->build_id : debug->build_id;
	choose_names(object);
	*ret = object;
	return 0;
}

void snap_object_destroy(struct snap_object *object)
{
	if (!object)
		return;
	for (size_t i = 0; i < ROW_SLOTS; i++)
		free(object->rows[i].row);
	if (object->eh_frame)
		(void)dwarf_cfi_end(object->eh_frame); /* can only fail on NULL */
	for (size_t i = 0; i < 2; i++)
		(void)dwarf_end(object->frame_dwarf[i]); /* nothing is written */
	for (size_t i = 0; object->demangled && i < object->symtab.num_symbols; i++)
		free(object->demangled[i]);
	free(object->demangled);
	free(object->found);
	snap_arena_deinit(&object->arena);
	snap_symtab_deinit(&object->symtab);
	snap_dwarf_index_destroy(object->index);
	(void)dwarf_end(object->dwarf);
	(void)dwarf_end(object->alternate_dwarf);
	snap_elf_file_destroy(object->main);
	snap_elf_file_destroy(object->debug);
	snap_elf_file_destroy(object->alternate);
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

static void open_dwarf(struct snap_object *object)
{
	object->dwarf_tried = true;
	struct snap_elf_file *file = object->debug && object->debug->has_debug_info ? object->debug
				     : object->main && object->main->has_debug_info ? object->main
										    : NULL;
	if (!file)
		return;
	object->dwarf = dwarf_begin_elf(file->elf, DWARF_C_READ, NULL);
	if (!object->dwarf)
		return;
	set_alternate(object);
	(void)snap_dwarf_index_create(object->dwarf, &object->index, NULL); /* without: NULL */
}

static void open_symtab(struct snap_object *object)
{
	object->symtab_tried = true;
	struct snap_elf_file *files[] = {object->debug, object->main};
	for (int pass = 0; pass < 2 && object->symtab.num_symbols == 0; pass++)
		for (size_t i = 0; i < 2 && object->symtab.num_symbols == 0; i++)
			if (files[i] && (pass == 0 ? files[i]->has_symtab : files[i]->has_dynsym)) {
				snap_symtab_deinit(&object->symtab);
				(void)snap_symtab_init(&object->symtab, files[i]->elf,
					pass == 0 ? SHT_SYMTAB : SHT_DYNSYM, NULL);
			}
	object->demangled = calloc(object->symtab.num_symbols + 1, sizeof(*object->demangled));
}

static const struct snap_symbol *find_symbol(
	struct snap_object *object, uint64_t vaddr, const char **ret_name)
{
	if (!object->symtab_tried)
		open_symtab(object);
	const struct snap_symbol *symbol = snap_symtab_find(&object->symtab, vaddr);
	if (!symbol)
		return NULL;
	*ret_name = symbol->name;
	if (!object->demangled)
		return symbol;
	char **slot = &object->demangled[symbol - object->symtab.symbols];
	if (!*slot && !(*slot = snap_demangle(symbol->name))) {
		/* "name@@VERSION": the version is the linker's business. */
		size_t len = strcspn(symbol->name, "@");
		*slot = strndup(symbol->name, symbol->name[len] ? len : 0);
	}
	if (*slot && **slot)
		*ret_name = *slot;
	return symbol;
}

static size_t look_up(
	struct snap_object *object, uint64_t vaddr, struct snap_source_frame *frames, size_t max)
{
	if (!object->dwarf_tried)
		open_dwarf(object);
	size_t num = object->index ? snap_dwarf_index_find(object->index, vaddr, frames, max) : 0;
	struct snap_source_frame *outermost = num > 0 ? &frames[num - 1] : &frames[0];
	if (num > 0 && outermost->function)
		return num;
	const char *name;
	const struct snap_symbol *symbol = find_symbol(object, vaddr, &name);
	if (!symbol)
		return num;
	if (num == 0)
		*outermost = (struct snap_source_frame){0};
	outermost->function = name;
	outermost->raw_function = symbol->name;
	outermost->start = symbol->start;
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
		size_t num = look_up(object, vaddr, frames, SNAP_MAX_INLINE_DEPTH + 1);
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

struct snap_dwarf_index *snap_object_dwarf_index(struct snap_object *object)
{
	if (!object->dwarf_tried)
		open_dwarf(object);
	return object->index;
}

bool snap_object_find_name(struct snap_object *object, const char *name, uint64_t *ret)
{
	if (!object->symtab_tried)
		open_symtab(object);
	return snap_symtab_find_name(&object->symtab, name, ret);
}

/* ---------------------------------------------------------------- call frame information */

static void open_cfi(struct snap_object *object)
{
	object->cfi_tried = true;
	if (object->main && object->main->has_code_frames && !object->main->no_cfi)
		object->eh_frame = dwarf_getcfi_elf(object->main->elf);
	struct snap_elf_file *files[] = {object->main, object->debug};
	for (size_t i = 0; i < 2; i++) {
		if (!files[i] || files[i]->no_dwarf)
			continue;
		object->frame_dwarf[i] = dwarf_begin_elf(files[i]->elf, DWARF_C_READ, NULL);
		if (object->frame_dwarf[i])
			object->debug_frame[i] = dwarf_getcfi(object->frame_dwarf[i]);
	}
}

Dwarf_Frame *snap_object_cfi_row(struct snap_object *object, uint64_t vaddr)
{
	if (!object->cfi_tried)
		open_cfi(object);
	struct row_slot *slot = &object->rows[(vaddr * UINT64_C(0x9e3779b97f4a7c15)) >> 56];
	if (slot->used && slot->vaddr == vaddr)
		return slot->row;
	Dwarf_Frame *row = NULL;
	Dwarf_CFI *sources[] = {object->eh_frame, object->debug_frame[0], object->debug_frame[1]};
	for (size_t i = 0; i < 3 && !row; i++)
		if (sources[i] && dwarf_cfi_addrframe(sources[i], vaddr, &row) != 0)
			row = NULL;
	free(slot->row);
	*slot = (struct row_slot){true, vaddr, row};
	return row;
}
