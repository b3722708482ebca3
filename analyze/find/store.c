#include "analyze/find/store.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "analyze/file_open.h"
#include "analyze/find/debuginfod.h"
#include "analyze/find/package_note.h"
#include "analyze/find/places.h"
#include "analyze/find/search.h"
#include "analyze/find/split.h"
#include "analyze/find/vdso.h"
#include "analyze/sandbox/note.h"
#include "analyze/sandbox/remote.h"
#include "analyze/symbols/object.h"
#include "common/escape.h"

/* Of one input, so many modules' files are looked for: each look opens files. The largest programs
 * have some thousands. */
#define MAX_SEARCHES 8192
/* What is said of all searches of a run takes no more. */
#define MAX_WORDS_BYTES ((size_t)64 << 20)
/* Of one input, so many modules are asked for: each question may take its time. */
#define MAX_FETCHES 256
#define NUM_BUCKETS 1024 /* a power of 2 */

/* What was found (or not) for one build. */
struct stored {
	struct stored *next; /* in its bucket */
	uint8_t build_id[SNAP_MAX_BUILD_ID];
	size_t build_id_len; /* 0: it was found by its path */
	/* Its files belong to the object, once there is one. Its path is the module's that it was
	 * made for: what was not found may be there at another's path. */
	struct snap_search search;
	struct snap_split split;
	struct snap_object *object;	    /* NULL: nothing was found */
	bool fetched;			    /* debuginfod was asked */
	const char *why;		    /* in the words' arena, or static; NULL */
	const struct snap_package *package; /* NULL: its file says none */
};

/* The modules of one input as they are resolved. */
struct resolution {
	size_t num_searches, num_skipped;
	bool has_vdso;
};

struct snap_store {
	struct snap_places places;
	struct snap_arena arena; /* of what was found */
	struct snap_arena words; /* of what is said of it, and of what was not found; limited */
	struct stored *buckets[NUM_BUCKETS];
	/* Objects that gave way to better ones: a crash may still point into them. */
	struct snap_object **retired;
	size_t num_retired, retired_capacity;
	struct snap_debuginfod *debuginfod; /* NULL: nothing is fetched */
};

int snap_store_create(
	const struct snap_options *options, struct snap_store **ret, struct snap_error *err)
{
	struct snap_store *store = calloc(1, sizeof(*store));
	if (!store)
		return snap_error_no_memory(err);
	if (snap_places_init(&store->places, options, err) < 0) {
		free(store);
		return -1;
	}
	if (options->debuginfod && snap_debuginfod_create(options->on_fetch, options->on_fetch_data,
					   &store->debuginfod, err) < 0) {
		snap_places_deinit(&store->places);
		free(store);
		return -1;
	}
	snap_arena_init(&store->arena, SIZE_MAX);
	snap_arena_init(&store->words, MAX_WORDS_BYTES);
	*ret = store;
	return 0;
}

void snap_store_destroy(struct snap_store *store)
{
	if (!store)
		return;
	for (size_t i = 0; i < NUM_BUCKETS; i++)
		for (struct stored *stored = store->buckets[i]; stored; stored = stored->next)
			snap_object_destroy(stored->object);
	for (size_t i = 0; i < store->num_retired; i++)
		snap_object_destroy(store->retired[i]);
	snap_debuginfod_destroy(store->debuginfod);
	snap_arena_deinit(&store->arena);
	snap_arena_deinit(&store->words);
	snap_places_deinit(&store->places);
	free(store);
}

void snap_store_keep(struct snap_store *store)
{
	for (size_t i = 0; i < NUM_BUCKETS; i++)
		for (struct stored *stored = store->buckets[i]; stored; stored = stored->next)
			if (stored->object)
				snap_object_keep(stored->object);
}

/* ---------------------------------------------------------------- what is stored */

static struct stored **bucket_of(struct snap_store *store, struct snap_bytes build_id)
{
	uint32_t hash = 2166136261u; /* FNV-1a */
	for (size_t i = 0; i < build_id.len; i++)
		hash = (hash ^ build_id.data[i]) * 16777619u;
	return &store->buckets[hash & (NUM_BUCKETS - 1)];
}

/* Modules of one build ID, without its executable or library, that are looked for by paths of their
 * own. */
#define MAX_OTHER_PATHS 4

/* --elf may name different files for the same build ID's devices: all but one are wrong. */
static bool has_same_elfs(const struct snap_search *a, const struct snap_search *b)
{
	if (a->is_device != b->is_device || a->num_elfs != b->num_elfs)
		return false;
	for (size_t i = 0; i < a->num_elfs; i++)
		if (strcmp(a->elfs[i], b->elfs[i]) != 0)
			return false;
	return true;
}

/*
 * image: of a module that lives in memory only, else absent. An object made from the bytes of one
 * input serves another only if these are the same: their build ID is the input's own claim.
 *
 * Of one that has only its debug file, another's path may lead to the rest: a program that prints
 * its own backtrace has debug files mapped.
 */
static struct stored *find_stored(
	struct snap_store *store, const struct snap_search *search, struct snap_bytes image)
{
	struct stored *stored = *bucket_of(store, search->build_id), *other = NULL;
	size_t num_others = 0;
	for (; stored; stored = stored->next) {
		if (!snap_bytes_equal(
			    snap_bytes(stored->build_id, stored->build_id_len), search->build_id) ||
			stored->search.any_build_id != search->any_build_id ||
			stored->search.is_deleted != search->is_deleted ||
			!has_same_elfs(&stored->search, search))
			continue;
		bool same_path = snap_bytes_equal(stored->search.path, search->path);
		if (!stored->object || search->by_path) {
			if (!image.data && same_path)
				return stored;
		} else if (snap_bytes_equal(snap_object_image(stored->object), image)) {
			if (stored->search.files.main || same_path)
				return stored;
			other = stored;
			num_others++;
		}
	}
	return num_others < MAX_OTHER_PATHS ? NULL : other;
}

/* A copy of what was found, or was not, for the module of build ID key. NULL: there is no room for
 * it. */
static struct stored *keep(struct snap_store *store, struct snap_bytes key,
	const struct snap_search *search, bool found)
{
	struct snap_arena *arena = found ? &store->arena : &store->words;
	struct stored *stored = snap_arena_alloc(arena, sizeof(*stored));
	char *path = snap_arena_copy(arena, search->path);
	if (!stored || !path)
		return NULL;
	stored->search = *search;
	stored->search.path.data = (const uint8_t *)path;
	if (key.len > 0)
		memcpy(stored->build_id, key.data, key.len);
	stored->build_id_len = key.len;
	/* Of one that was found by its path, it is in the file. */
	if (key.len > 0)
		stored->search.build_id.data = stored->build_id;
	stored->split.search = &stored->search;
	struct stored **bucket = bucket_of(store, key);
	stored->next = *bucket;
	*bucket = stored;
	return stored;
}

/* ---------------------------------------------------------------- the object */

static const char *why_restricted(
	const struct snap_elf_file *main, const struct snap_elf_file *debug)
{
	if (main && main->no_cfi)
		return main->no_cfi;
	/* An image from memory has no debug information to miss. */
	if (main && main->no_dwarf && !main->image)
		return main->no_dwarf;
	return debug ? debug->no_dwarf : NULL;
}

/* Why symbols are no better than they are, from the gravest reason on; NULL: nothing is missing. */
static const char *why_of(const struct snap_search *search)
{
	const struct snap_elf_file *main = search->files.main, *debug = search->files.debug;
	if (!main && !debug)
		return search->why	   ? search->why
		       : search->why_fetch ? search->why_fetch
					   : "no file of its build ID was found";
	if (!main)
		return "only its debug file was found: unwinding needs the executable or library "
		       "too";
	const char *why = why_restricted(main, debug);
	if (!why && search->by_path && search->main_at.where == SNAP_WHERE_ELF)
		why = "named by --elf: the device's build ID is not known";
	else if (!why && main && search->main_at.where == SNAP_WHERE_ELF && main->build_id.len == 0)
		why = "named by --elf: it has no build ID";
	else if (!why && search->by_path)
		why = search->any_build_id ? "found by its path alone: its build ID is not known"
					   : "found by its path alone: it has no build ID";
	if (!why && !snap_search_has_dwarf(search))
		why = search->why ? search->why : search->why_fetch;
	return why ? why : search->why_alternate;
}

static int make_object(struct stored *stored, struct snap_error *err)
{
	struct snap_search *search = &stored->search;
	if (!search->files.main && !search->files.debug)
		return 0;
	search->files.split = snap_split_source(&stored->split);
	search->files.cache = search->places->options->cache;
	if (search->files.main)
		snap_package_note_read(search->files.main, search->arena, &stored->package);
	if (snap_object_create(&search->files, &stored->object, err) < 0) {
		search->files = (struct snap_object_files){0}; /* they are gone */
		return -1;
	}
	return 0;
}

static void use(const struct stored *stored, struct snap_crash_module *module)
{
	struct snap_object *object = stored->object;
	module->candidates = &stored->search.candidates;
	module->object = object;
	module->why = stored->why;
	if (stored->package)
		module->package = stored->package;
	if (!object) {
		module->symbols =
			stored->search.mismatch ? SNAP_SYMBOLS_MISMATCH : SNAP_SYMBOLS_NONE;
		return;
	}
	module->symbols = snap_object_symbols(object);
	module->symbol_file = snap_object_symbol_file(object);
	uint64_t base;
	if (!module->record.has_load_bias && snap_object_base(object, &base)) {
		module->record.has_load_bias = true;
		module->record.load_bias = module->record.start - base;
	}
}

/* ---------------------------------------------------------------- modules */

/* Whether it has a build ID to go by; else module->why says why not. */
static bool has_build_id(struct snap_crash_module *module)
{
	if (module->record.build_id.len > 0 && module->record.build_id.len <= SNAP_MAX_BUILD_ID)
		return true;
	static const char *const reasons[] = {"", "it has no build ID",
		"its build ID could not be read", "its build ID is malformed"};
	uint32_t status = module->record.build_id_status;
	module->why = status < 4 ? reasons[status] : "its build ID is not known";
	return false;
}

/*
 * What --elf names for a microcontroller: for its device's name; else what is for the input itself, and
 * for a snapshot within it by the build ID alone.
 */
static int add_elfs(struct snap_store *store, const struct snap_crash *crash, bool has_id,
	struct snap_search *search, struct snap_error *err)
{
	const struct snap_options *options = store->places.options;
	search->is_device = crash->device.is_device;
	if (!search->is_device || options->num_elfs == 0)
		return 0;
	const char **elfs =
		snap_arena_alloc(&store->arena, options->num_elfs * sizeof(*elfs));
	if (!elfs)
		return snap_error_no_memory(err);
	search->elfs = elfs;
	for (size_t i = 0; i < options->num_elfs; i++)
		if (options->elfs[i].device.len > 0 &&
			snap_bytes_equal(options->elfs[i].device, crash->metadata.device_name))
			elfs[search->num_elfs++] = options->elfs[i].path;
	bool is_named = search->num_elfs > 0;
	for (size_t i = 0; i < options->num_elfs && !is_named; i++)
		if (options->elfs[i].device.len == 0 && (has_id || !crash->is_related))
			elfs[search->num_elfs++] = options->elfs[i].path;
	return 0;
}

/* Search, once it is clear that it is stored nowhere. */
static int search_and_keep(struct snap_store *store, struct snap_search *search,
	struct snap_crash_module *module, struct snap_error *err)
{
	bool is_vdso = snap_vdso_is(&module->record);
	const struct snap_bytes key = search->build_id;
	/* An image from the input is the input's own: it may claim to be anything. */
	SNAP_READING(is_vdso ? snap_bytes(NULL, 0) : key, search->path);
	if (!is_vdso &&
		(snap_search_files(search, err) < 0 || snap_search_dependents(search, err) < 0)) {
		snap_object_files_deinit(&search->files);
		return -1;
	}
	bool found = search->files.main || search->files.debug;
	struct stored *stored = keep(store, key, search, found);
	if (stored) {
		stored->why = why_of(&stored->search);
		if (make_object(stored, err) < 0)
			return -1;
		use(stored, module);
		return 0;
	}
	if (found) {
		snap_object_files_deinit(&search->files);
		return snap_error_no_memory(err);
	}
	module->symbols = search->mismatch ? SNAP_SYMBOLS_MISMATCH : SNAP_SYMBOLS_NONE;
	module->why = why_of(search);
	return 0;
}

static int resolve_module(struct snap_store *store, struct snap_crash *crash,
	struct snap_crash_module *module, struct resolution *resolution, struct snap_error *err)
{
	bool by_path = !has_build_id(module);
	struct snap_search device = {0};
	if (add_elfs(store, crash, !by_path, &device, err) < 0)
		return -1;
	if (by_path && device.num_elfs == 0 &&
		(!store->places.options->trust_path || snap_vdso_is(&module->record)))
		return 0;
	struct snap_search search = {
		.is_device = device.is_device,
		.elfs = device.elfs,
		.num_elfs = device.num_elfs,
		.places = &store->places,
		.arena = &store->words,
		.build_id = by_path ? snap_bytes(NULL, 0) : module->record.build_id,
		.path = module->record.path,
		.by_path = by_path,
		.any_build_id = by_path && module->record.build_id_status != SNAP_BUILD_ID_NO_NOTE,
		.is_deleted = by_path && module->record.deleted,
		.why = by_path ? module->why : NULL,
	};
	bool is_vdso = snap_vdso_is(&module->record);
	const char *quarantined = is_vdso ? NULL : snap_note_quarantined(search.build_id);
	if (quarantined) {
		module->why = snap_crash_format(crash, "%s", quarantined);
		return module->why ? 0 : snap_error_no_memory(err);
	}
	if (is_vdso && resolution->has_vdso) {
		module->why = "a process has one vDSO, and this is another";
		return 0;
	}
	resolution->has_vdso |= is_vdso;
	if (is_vdso && snap_vdso_search(&search, crash, &module->record, err) < 0) {
		snap_object_files_deinit(&search.files);
		return -1;
	}
	const struct snap_elf_file *image = search.files.main;
	const struct stored *stored = find_stored(store, &search,
		image ? snap_bytes(image->image, image->image_len) : snap_bytes(NULL, 0));
	if (stored) {
		snap_object_files_deinit(&search.files);
		use(stored, module);
		return 0;
	}
	if (!is_vdso && resolution->num_searches++ >= MAX_SEARCHES) {
		resolution->num_skipped++;
		module->why = "it is one of too many modules: its files were not looked for";
		return 0;
	}
	return search_and_keep(store, &search, module, err);
}

int snap_store_resolve_module(struct snap_store *store, struct snap_crash *crash,
	struct snap_crash_module *module, struct snap_error *err)
{
	struct resolution resolution = {0};
	return resolve_module(store, crash, module, &resolution, err);
}

/* What is in such a file is missing without another sign. */
static int note_unreadable(
	struct snap_store *store, struct snap_crash *crash, struct snap_error *err)
{
	size_t num = store->places.trees.num_unreadable;
	if (num == 0)
		return 0;
	const char *note =
		snap_crash_format(crash, "%zu %s in the trees of --symbols could not be read", num,
			num == 1 ? "file or directory" : "files and directories");
	return note ? snap_crash_note(crash, snap_bytes_str(note), err) : snap_error_no_memory(err);
}

/* For which of --elf there is a snapshot. */
static void mark_elfs(const struct snap_options *options, const struct snap_crash *crash)
{
	if (options->elf_marks)
		options->elf_marks[0] = 1;
	for (size_t i = 0; i < options->num_elfs && crash->device.is_device; i++) {
		const struct snap_elf_option *elf = &options->elfs[i];
		if (elf->mark && (elf->device.len == 0 ||
					 snap_bytes_equal(elf->device, crash->metadata.device_name)))
			*elf->mark = 1;
	}
}

int snap_store_resolve(struct snap_store *store, struct snap_crash *crash, struct snap_error *err)
{
	struct resolution resolution = {0};
	mark_elfs(store->places.options, crash);
	for (size_t i = 0; i < crash->num_modules; i++) {
		struct snap_crash_module *module = &crash->modules[i];
		if (resolve_module(store, crash, module, &resolution, err) < 0)
			return -1;
		/* Without the file, its first page may have been captured. */
		if (!module->object || !snap_object_has_code(module->object))
			snap_package_note_read_memory(&crash->memory, module->record.start,
				&crash->arena, &module->package);
	}
	if (note_unreadable(store, crash, err) < 0)
		return -1;
	if (resolution.num_skipped == 0)
		return 0;
	const char *note = snap_crash_format(crash,
		"the files of %zu modules were not looked for: more than %d modules",
		resolution.num_skipped, MAX_SEARCHES);
	return note ? snap_crash_note(crash, snap_bytes_str(note), err) : snap_error_no_memory(err);
}

/* ---------------------------------------------------------------- debuginfod */

/* Another handle of an open file: the first belongs to an object. NULL without memory. */
static int open_again(struct snap_elf_file **file, struct snap_error *err)
{
	struct snap_elf_file *again = NULL;
	if (!*file)
		return 0;
	int fd = fcntl((*file)->fd, F_DUPFD_CLOEXEC, 0);
	if (fd >= 0 && (again = malloc(sizeof(*again))) &&
		snap_elf_file_open_part(fd, (*file)->path, again, err) == 0) {
		*file = again;
		return 0;
	}
	if (fd >= 0 && !again)
		(void)close(fd); /* only read from */
	free(again);
	*file = NULL;
	return snap_error_no_memory(err);
}

static int retire(struct snap_store *store, struct snap_object *object, struct snap_error *err)
{
	struct snap_object **retired = snap_arena_grow(&store->arena, store->retired,
		store->num_retired, &store->retired_capacity, sizeof(struct snap_object *));
	if (!retired)
		return snap_error_no_memory(err);
	store->retired = retired;
	retired[store->num_retired++] = object;
	return 0;
}

/* Make an object of the files that there were and those that came. */
static int fetch_stored(
	struct snap_store *store, struct stored *stored, bool *ret_again, struct snap_error *err)
{
	struct snap_search *search = &stored->search;
	const struct snap_object_files before = search->files;
	SNAP_READING(search->build_id, search->path);
	search->files.mini = NULL;
	if (open_again(&search->files.main, err) < 0 || open_again(&search->files.debug, err) < 0 ||
		open_again(&search->files.alternate, err) < 0 ||
		snap_search_fetch(search, store->debuginfod, err) < 0)
		return -1;
	stored->why = why_of(search);
	const struct snap_object_files *files = &search->files;
	bool has_new_main = files->main && !before.main;
	bool has_new_debug = files->debug && strcmp(files->debug->path,
						     before.debug ? before.debug->path : "") != 0;
	if (!has_new_main && !has_new_debug && !(files->alternate && !before.alternate)) {
		snap_object_files_deinit(&search->files);
		search->files = before;
		return 0;
	}
	*ret_again |= has_new_main || (has_new_debug && files->debug->has_debug_frame);
	struct snap_object *old = stored->object;
	stored->object = NULL;
	return old && retire(store, old, err) < 0 ? -1 : make_object(stored, err);
}

/* What could be fetched for the module; NULL: nothing, or that was tried already. */
static struct stored *find_fetchable(struct snap_store *store, const struct snap_crash *crash,
	struct snap_crash_module *module)
{
	struct snap_search search = {
		.build_id = module->record.build_id, .path = module->record.path};
	if (add_elfs(store, crash, search.build_id.len > 0, &search, NULL) < 0)
		return NULL;
	if (snap_note_quarantined(search.build_id) || !module->has_frame || snap_vdso_is(&module->record) || search.build_id.len == 0 ||
		search.build_id.len > SNAP_MAX_BUILD_ID)
		return NULL;
	struct stored *stored = find_stored(store, &search, snap_bytes(NULL, 0));
	return stored && !stored->fetched &&
			       (!snap_search_is_whole(&stored->search) ||
				       stored->search.why_alternate)
		       ? stored
		       : NULL;
}

int snap_store_fetch(
	struct snap_store *store, struct snap_crash *crash, bool *ret_again, struct snap_error *err)
{
	size_t num_fetched = 0, num_skipped = 0;
	*ret_again = false;
	for (size_t i = 0; store->debuginfod && i < crash->num_modules; i++) {
		struct snap_crash_module *module = &crash->modules[i];
		struct stored *stored = find_fetchable(store, crash, module);
		if (!stored)
			continue;
		if (num_fetched == MAX_FETCHES) {
			num_skipped++;
			continue;
		}
		num_fetched++;
		stored->fetched = true;
		if (fetch_stored(store, stored, ret_again, err) < 0)
			return -1;
		for (size_t j = 0; j < crash->num_modules; j++)
			if (snap_bytes_equal(
				    crash->modules[j].record.build_id, module->record.build_id) &&
				!snap_vdso_is(&crash->modules[j].record))
				use(stored, &crash->modules[j]);
	}
	if (num_skipped == 0)
		return 0;
	const char *note =
		snap_crash_format(crash, "the files of %zu modules were not fetched: more than %d",
			num_skipped, MAX_FETCHES);
	return note ? snap_crash_note(crash, snap_bytes_str(note), err) : snap_error_no_memory(err);
}

/* ---------------------------------------------------------------- by name */

/* Hex digits, two for each byte. Returns how many bytes; 0 if it is no build ID. */
static size_t parse_build_id(const char *text, uint8_t build_id[SNAP_MAX_BUILD_ID])
{
	size_t len = strlen(text);
	if (len < 4 || len % 2 != 0 || len > 2 * SNAP_MAX_BUILD_ID ||
		strspn(text, "0123456789abcdefABCDEF") != len)
		return 0;
	for (size_t i = 0; i < len / 2; i++) {
		const char digits[] = {text[2 * i], text[2 * i + 1], '\0'};
		build_id[i] = (uint8_t)strtoul(digits, NULL, 16);
	}
	return len / 2;
}

/* What is longer is cut. */
#define MAX_SHOWN 512

/* As it may be shown on a terminal. */
static const char *shown(const char *path, char buf[MAX_SHOWN])
{
	(void)snap_escape(snap_bytes_str(path), SNAP_ESCAPE_TERMINAL, buf, MAX_SHOWN);
	return buf;
}

/* Start with the file itself. */
static int take_file(struct snap_store *store, const char *path, int fd, struct snap_search *search,
	struct snap_error *err)
{
	/* Others lie beside it, where it really is. */
	char *whole = snap_remote_is_on() ? snap_remote_real_path(path) : realpath(path, NULL);
	const char *kept = snap_arena_copy(&store->arena, snap_bytes_str(whole ? whole : path));
	struct snap_elf_file *file = malloc(sizeof(*file));
	free(whole);
	if (!kept || !file) {
		(void)close(fd); /* only read from */
		free(file);
		return snap_error_no_memory(err);
	}
	struct snap_error why = SNAP_ERROR_INIT;
	if (snap_elf_file_open(fd, path, file, &why) < 0) {
		char name[MAX_SHOWN];
		free(file);
		return snap_error_set(
			err, why.code, "cannot read '%s': %s", shown(path, name), why.text);
	}
	const struct snap_origin at = {
		.has_path = true, .root = SNAP_ROOT_HERE, .where = SNAP_WHERE_LOCAL, .path = kept};
	if (file->has_code_frames) {
		search->files.main = file;
		search->main_at = at;
	} else {
		search->files.debug = file;
		search->debug_at = at;
	}
	if (file->build_id.len <= SNAP_MAX_BUILD_ID)
		search->build_id = file->build_id;
	search->path = snap_bytes_str(kept);
	return 0;
}

int snap_store_open(struct snap_store *store, const char *file_or_build_id,
	struct snap_object **ret, struct snap_error *err)
{
	uint8_t build_id[SNAP_MAX_BUILD_ID];
	struct snap_search search = {.places = &store->places, .arena = &store->words};
	struct snap_error why = SNAP_ERROR_INIT;
	int fd = snap_file_open(file_or_build_id, NULL, &why);
	bool is_no_elf = fd < 0 && why.errnum == SNAP_NOT_ELF;
	size_t len = fd < 0 && !is_no_elf ? parse_build_id(file_or_build_id, build_id) : 0;
	char name[MAX_SHOWN];
	if (fd < 0 && len == 0)
		return snap_error_set(err, why.code, "cannot %s '%s': %s",
			is_no_elf ? "read" : "open", shown(file_or_build_id, name), why.text);
	if (fd >= 0 && take_file(store, file_or_build_id, fd, &search, err) < 0)
		return -1;
	if (len > 0)
		search.build_id = snap_bytes(build_id, len);
	if ((search.build_id.len > 0 && snap_search_files(&search, err) < 0) ||
		snap_search_dependents(&search, err) < 0 ||
		(store->debuginfod && search.build_id.len > 0 && !snap_search_is_whole(&search) &&
			snap_search_fetch(&search, store->debuginfod, err) < 0)) {
		snap_object_files_deinit(&search.files);
		return -1;
	}
	if (!search.files.main && !search.files.debug)
		return snap_error_set(err, SNAP_ERROR_SYSTEM, "no file of build ID %s: %s",
			shown(file_or_build_id, name), why_of(&search));
	struct stored *stored = keep(store, search.build_id, &search, true);
	if (!stored) {
		snap_object_files_deinit(&search.files);
		return snap_error_no_memory(err);
	}
	if (make_object(stored, err) < 0)
		return -1;
	*ret = stored->object;
	return 0;
}

struct snap_debuginfod *snap_store_debuginfod(const struct snap_store *store)
{
	return store->debuginfod;
}
