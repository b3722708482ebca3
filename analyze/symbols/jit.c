#include "analyze/symbols/jit.h"

#include <elf.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/symbols/elf_file.h"
#include "analyze/symbols/jit_image.h"
#include "analyze/symbols/object.h"

#define DESCRIPTOR "__jit_debug_descriptor"
/* Every library that makes code may have one of its own. */
#define MAX_DESCRIPTORS 64
/* Of all lists. Some register each function by itself. */
#define MAX_ENTRIES 16384
/* Stretches of code in all. */
#define MAX_PIECES 65536
/* Read in all: what is needed of the images, which is far less than they are. */
#define MAX_BYTES (64u << 20)
/* Sections are put next to each other with padding: as far apart they are still one stretch. */
#define MAX_PADDING 4096

/* An entry of a list: where the image is. */
struct registration {
	uint64_t addr, len;
	size_t order; /* in the lists, which begin with the newest */
};

/* A stretch of code that an image describes. */
struct piece {
	uint64_t start, end;
	size_t order; /* of its registration */
	struct snap_object *object;
	const char *why;
};

/* All arrays are on the heap. */
struct snap_jit {
	struct snap_object **objects;
	size_t num_objects, objects_capacity;
	struct piece *pieces;
	size_t num_pieces, pieces_capacity;
	struct snap_jit_range *ranges;
	size_t num_ranges;
};

/* What could not be had. */
struct losses {
	bool list_not_captured, list_malformed, list_too_long;
	size_t not_captured, malformed, too_large;
};

struct resolution {
	struct snap_crash *crash;
	struct snap_jit *jit;
	struct snap_jit_reader reader;
	struct registration *registrations; /* on the heap */
	size_t num_registrations, registrations_capacity;
	struct losses losses;
};

/* Room for one more in an array on the heap. */
static void *grow(void *array, size_t num, size_t *capacity, size_t item_len)
{
	if (num < *capacity)
		return array;
	size_t wanted = *capacity ? 2 * *capacity : 64;
	void *grown = reallocarray(array, wanted, item_len);
	if (grown)
		*capacity = wanted;
	return grown;
}

/* ---------------------------------------------------------------- is it worth looking */

/* Executable memory of the process's own that is in no module: without it there is no such code. */
static bool has_unknown_code(const struct snap_crash *crash)
{
	for (size_t i = 0; i < crash->num_mappings; i++) {
		const struct snap_mapping *mapping = &crash->mappings[i];
		bool is_code =
			!mapping->has_permissions || mapping->permissions & SNAP_MAPPING_EXEC;
		/* The upper half is the kernel's: [vsyscall]. */
		bool is_kernel = snap_arch_word(crash->arch) == 8 && mapping->start >> 63;
		if (is_code && !is_kernel && !snap_crash_module_at(crash, mapping->start))
			return true;
	}
	return false;
}

static bool is_executable(const struct snap_crash *crash, uint64_t addr)
{
	const struct snap_mapping *mapping = snap_crash_mapping_at(crash, addr);
	return mapping && (!mapping->has_permissions || mapping->permissions & SNAP_MAPPING_EXEC);
}

/* ---------------------------------------------------------------- the lists */

static uint64_t load(const struct resolution *r, const uint8_t *bytes, unsigned int size)
{
	return snap_arch_load(r->crash->arch, bytes, size);
}

/*
 * struct jit_code_entry {next_entry, prev_entry, symfile_addr; uint64_t symfile_size;}. *ret_next:
 * where the next one is, 0 behind the last.
 */
static enum snap_jit_result read_entry(
	struct resolution *r, uint64_t addr, uint64_t *ret_next, struct registration *ret)
{
	const struct snap_arch *arch = r->crash->arch;
	unsigned int word = snap_arch_word(arch);
	/* Most 32-bit psABIs align it to 8 bytes, i386's to 4, m68k's to 2. */
	bool is_packed = arch->elf_machine == EM_386 || arch->elf_machine == EM_68K;
	unsigned int size_off = word == 8 ? 24 : is_packed ? 12 : 16;
	uint8_t entry[32];
	enum snap_jit_result result = snap_jit_read(&r->reader, addr, entry, size_off + 8);
	if (result != SNAP_JIT_OK)
		return result;
	*ret_next = load(r, entry, word);
	ret->addr = load(r, entry + 2 * word, word);
	ret->len = load(r, entry + size_off, 8);
	return SNAP_JIT_OK;
}

/*
 * Circles are found by remembering one entry and moving it on at each power of two (Brent, "An
 * improved Monte Carlo factorization algorithm", 1980). Returns -1 without memory.
 */
static int read_list(struct resolution *r, uint64_t first)
{
	uint64_t remembered = 0;
	size_t steps = 0, power = 1;
	for (uint64_t at = first, next = 0; at != 0; at = next) {
		struct registration registration = {.order = r->num_registrations};
		if (at == remembered) {
			r->losses.list_malformed = true;
			return 0;
		}
		if (++steps == power) {
			remembered = at;
			power *= 2;
		}
		if (r->num_registrations == MAX_ENTRIES) {
			r->losses.list_too_long = true;
			return 0;
		}
		switch (read_entry(r, at, &next, &registration)) {
		case SNAP_JIT_OK:
			break;
		case SNAP_JIT_NO_MEMORY:
			return -1;
		case SNAP_JIT_LIMIT:
			r->losses.list_too_long = true;
			return 0;
		case SNAP_JIT_NOT_CAPTURED:
		case SNAP_JIT_MALFORMED:
			r->losses.list_not_captured = true;
			return 0;
		}
		struct registration *grown = grow(r->registrations, r->num_registrations,
			&r->registrations_capacity, sizeof(*grown));
		if (!grown)
			return -1;
		r->registrations = grown;
		grown[r->num_registrations++] = registration;
	}
	return 0;
}

/*
 * struct jit_descriptor {uint32_t version, action_flag; relevant_entry, first_entry;}. That it was
 * not captured is what is to be expected of a snapshot.
 */
static int read_descriptor(struct resolution *r, uint64_t addr)
{
	enum { VERSION = 1, POINTERS = 8 };
	unsigned int word = snap_arch_word(r->crash->arch);
	uint8_t descriptor[POINTERS + 2 * 8];
	enum snap_jit_result result =
		snap_jit_read(&r->reader, addr, descriptor, POINTERS + 2 * word);
	if (result == SNAP_JIT_NO_MEMORY)
		return -1;
	if (result != SNAP_JIT_OK || load(r, descriptor, 4) != VERSION)
		return 0;
	return read_list(r, load(r, descriptor + POINTERS + word, word));
}

static int read_lists(struct resolution *r)
{
	struct snap_crash *crash = r->crash;
	uint64_t mask = snap_arch_word(crash->arch) == 8 ? UINT64_MAX : UINT32_MAX;
	size_t num = 0;
	for (size_t i = 0; i < crash->num_modules && num < MAX_DESCRIPTORS; i++) {
		const struct snap_crash_module *module = &crash->modules[i];
		uint64_t vaddr;
		if (!module->object || !module->record.has_load_bias ||
			!snap_object_find_data(module->object, DESCRIPTOR, &vaddr))
			continue;
		num++;
		if (read_descriptor(r, (vaddr + module->record.load_bias) & mask) < 0)
			return -1;
	}
	return 0;
}

/* ---------------------------------------------------------------- the images */

static int compare_registrations(const void *a, const void *b)
{
	const struct registration *x = a, *y = b;
	if (x->addr != y->addr)
		return x->addr < y->addr ? -1 : 1;
	return x->order < y->order ? -1 : x->order > y->order;
}

/* Takes over the bytes. *ret stays NULL if libelf does not take them for an ELF file. */
static int make_object(struct snap_jit *jit, struct snap_jit_image *image, struct snap_object **ret,
	const char **ret_why)
{
	struct snap_object **objects =
		grow(jit->objects, jit->num_objects, &jit->objects_capacity, sizeof(*objects));
	if (objects)
		jit->objects = objects;
	struct snap_elf_file *file = malloc(sizeof(*file));
	struct snap_error ignored = SNAP_ERROR_INIT;
	if (!objects || !file) {
		free(file);
		return -1;
	}
	uint8_t *bytes = image->bytes;
	image->bytes = NULL;
	if (snap_elf_file_from_memory(bytes, image->len, SNAP_JIT_PATH, file, &ignored) < 0) {
		free(file);
		return 0;
	}
	*ret_why = image->no_cfi  ? image->no_cfi
		   : file->no_cfi ? "its unwind information is not as compilers write it"
				  : NULL;
	if (snap_object_create(&(struct snap_object_files){.main = file}, ret, NULL) < 0)
		return -1;
	jit->objects[jit->num_objects++] = *ret;
	return 0;
}

static int add_pieces(struct resolution *r, const struct snap_jit_image *image, size_t order,
	struct snap_object *object, const char *why)
{
	for (size_t i = 0; i < image->num_code; i++) {
		struct piece piece = {
			.start = image->code[i].addr,
			.end = image->code[i].addr + image->code[i].len,
			.order = order,
			.object = object,
			.why = why,
		};
		/* Registered still, but gone. */
		if (!is_executable(r->crash, piece.start))
			continue;
		struct snap_jit *jit = r->jit;
		if (jit->num_pieces == MAX_PIECES) {
			r->losses.too_large++;
			return 0;
		}
		struct piece *grown =
			grow(jit->pieces, jit->num_pieces, &jit->pieces_capacity, sizeof(*grown));
		if (!grown)
			return -1;
		jit->pieces = grown;
		grown[jit->num_pieces++] = piece;
	}
	return 0;
}

static int read_image(struct resolution *r, const struct registration *registration)
{
	struct snap_jit_image image;
	struct snap_object *object = NULL;
	const char *why = NULL;
	switch (snap_jit_image_read(&r->reader, registration->addr, registration->len, &image)) {
	case SNAP_JIT_OK:
		break;
	case SNAP_JIT_NOT_CAPTURED:
		r->losses.not_captured++;
		return 0;
	case SNAP_JIT_MALFORMED:
		r->losses.malformed++;
		return 0;
	case SNAP_JIT_LIMIT:
		r->losses.too_large++;
		return 0;
	case SNAP_JIT_NO_MEMORY:
		return -1;
	}
	int result = make_object(r->jit, &image, &object, &why);
	if (result == 0 && !object)
		r->losses.malformed++;
	else if (result == 0)
		result = add_pieces(r, &image, registration->order, object, why);
	snap_jit_image_deinit(&image);
	return result;
}

static int read_images(struct resolution *r)
{
	if (r->num_registrations > 0)
		qsort(r->registrations, r->num_registrations, sizeof(*r->registrations),
			compare_registrations);
	for (size_t i = 0; i < r->num_registrations; i++) {
		const struct registration *registration = &r->registrations[i];
		/* The same one again, as by a list that is entered twice. */
		if (i > 0 && registration->addr == registration[-1].addr)
			continue;
		if (read_image(r, registration) < 0)
			return -1;
	}
	return 0;
}

/* ---------------------------------------------------------------- the modules */

static int compare_pieces(const void *a, const void *b)
{
	const struct piece *x = a, *y = b;
	if (x->start != y->start)
		return x->start < y->start ? -1 : 1;
	return x->order < y->order ? -1 : x->order > y->order;
}

/* Ascending, disjoint, of one image in a row as one. Where they overlap, the lower one stays. */
static void join_pieces(struct snap_jit *jit)
{
	size_t kept = 0;
	if (jit->num_pieces > 0)
		qsort(jit->pieces, jit->num_pieces, sizeof(*jit->pieces), compare_pieces);
	for (size_t i = 0; i < jit->num_pieces; i++) {
		struct piece piece = jit->pieces[i];
		struct piece *before = kept > 0 ? &jit->pieces[kept - 1] : NULL;
		if (before && piece.start < before->end)
			piece.start = before->end;
		if (piece.start >= piece.end)
			continue;
		if (before && before->object == piece.object &&
			piece.start - before->end < MAX_PADDING)
			before->end = piece.end;
		else
			jit->pieces[kept++] = piece;
	}
	jit->num_pieces = kept;
}

static struct snap_crash_module module_of(const struct piece *piece, uint64_t start, uint64_t end)
{
	return (struct snap_crash_module){
		.record =
			{
				.start = start,
				.end = end,
				.build_id_status = SNAP_BUILD_ID_NO_NOTE,
				.has_load_bias = true,
				.load_bias = 0,
				.path = snap_bytes_str(SNAP_JIT_PATH),
			},
		.symbols = snap_object_symbols(piece->object),
		.object = piece->object,
		.symbol_file = snap_object_symbol_file(piece->object),
		.why = piece->why,
	};
}

/*
 * Merge the pieces into the modules, which keep their places: between any two of them a piece
 * leaves at most one module.
 */
static int add_modules(struct snap_crash *crash, const struct snap_jit *jit)
{
	size_t most = crash->num_modules + (crash->num_modules + 1) + jit->num_pieces, num = 0;
	struct snap_crash_module *modules =
		snap_arena_alloc(&crash->arena, most * sizeof(*modules));
	if (!modules)
		return -1;
	size_t at = 0;
	uint64_t free_from = 0;
	for (size_t i = 0; i <= crash->num_modules; i++) {
		bool is_last = i == crash->num_modules;
		uint64_t free_to = is_last ? UINT64_MAX : crash->modules[i].record.start;
		while (at < jit->num_pieces && jit->pieces[at].start < free_to) {
			const struct piece *piece = &jit->pieces[at];
			uint64_t start = piece->start > free_from ? piece->start : free_from;
			uint64_t end = piece->end < free_to ? piece->end : free_to;
			if (start < end)
				modules[num++] = module_of(piece, start, end);
			if (piece->end > free_to)
				break; /* it may go on behind the module */
			at++;
		}
		if (!is_last) {
			free_from = crash->modules[i].record.end;
			modules[num++] = crash->modules[i];
		}
	}
	crash->modules = modules;
	crash->num_modules = num;
	return 0;
}

/* ---------------------------------------------------------------- all of it */

static int note_losses(struct resolution *r, struct snap_error *err)
{
	const struct losses *l = &r->losses;
	const char *list = l->list_not_captured ? "not all of the list was captured; "
			   : l->list_malformed	? "the list runs in a circle; "
			   : l->list_too_long	? "the list is too long; "
						: "";
	if (!*list && l->not_captured + l->malformed + l->too_large == 0)
		return 0;
	const char *note = snap_crash_format(r->crash,
		"of the code registered by a JIT compiler, not all is known: %s"
		"of %zu images, %zu were not captured, %zu are malformed, %zu too large",
		list, r->num_registrations, l->not_captured, l->malformed, l->too_large);
	return note ? snap_crash_note(r->crash, snap_bytes_str(note), err)
		    : snap_error_no_memory(err);
}

int snap_jit_find(struct snap_crash *crash, struct snap_error *err)
{
	if (!crash->arch || !has_unknown_code(crash))
		return 0;
	struct snap_jit *jit = crash->jit = calloc(1, sizeof(*jit));
	if (!jit)
		return snap_error_no_memory(err);
	struct resolution r = {
		.crash = crash,
		.jit = jit,
		.reader = {.memory = &crash->memory, .arch = crash->arch, .bytes_left = MAX_BYTES},
	};
	bool done = read_lists(&r) == 0 && read_images(&r) == 0;
	jit->ranges = r.reader.ranges;
	jit->num_ranges = r.reader.num_ranges;
	free(r.registrations);
	join_pieces(jit);
	return done ? note_losses(&r, err) : snap_error_no_memory(err);
}

int snap_jit_resolve(struct snap_crash *crash, struct snap_error *err)
{
	if (snap_jit_find(crash, err) < 0)
		return -1;
	if (crash->jit && crash->jit->num_pieces > 0 && add_modules(crash, crash->jit) < 0)
		return snap_error_no_memory(err);
	return 0;
}

const struct snap_jit_range *snap_jit_ranges(const struct snap_crash *crash, size_t *ret_num)
{
	*ret_num = crash->jit ? crash->jit->num_ranges : 0;
	return crash->jit ? crash->jit->ranges : NULL;
}

void snap_jit_destroy(struct snap_jit *jit)
{
	if (!jit)
		return;
	for (size_t i = 0; i < jit->num_objects; i++)
		snap_object_destroy(jit->objects[i]);
	free(jit->objects);
	free(jit->pieces);
	free(jit->ranges);
	free(jit);
}
