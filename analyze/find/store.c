#include "analyze/find/store.h"

#include <ctype.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <elfutils/libdwelf.h>

#include "analyze/file_open.h"
#include "analyze/find/dir_index.h"
#include "analyze/symbols/object.h"
#include "common/escape.h"

#define DEFAULT_DEBUG_DIR "/usr/lib/debug"
/* No vDSO is larger; the capture half takes no more either. */
#define MAX_VDSO_BYTES (64u << 10)
#define MAX_PATH_BYTES 4096
/* Of one input, so many modules' files are looked for: each look opens files. The largest programs
 * have some thousands. */
#define MAX_SEARCHES 8192

/* What was found (or not) for one build ID. */
struct stored {
	uint8_t build_id[SNAP_MAX_BUILD_ID];
	size_t build_id_len;
	struct snap_object *object;
	const char *why; /* part of it must not be used; NULL */
};

/* The modules of one input as they are resolved. */
struct resolution {
	size_t num_searches, num_skipped;
	bool has_vdso;
};

struct snap_store {
	const struct snap_options *options;
	int root_fd; /* of --sysroot; -1: none */
	struct snap_dir_index trees;
	bool trees_read;
	struct stored *stored; /* in the order of their first use */
	size_t num_stored, capacity;
};

int snap_store_create(
	const struct snap_options *options, struct snap_store **ret, struct snap_error *err)
{
	struct snap_store *store = calloc(1, sizeof(*store));
	if (!store)
		return snap_error_no_memory(err);
	store->options = options;
	store->root_fd = -1;
	if (options->sysroot) {
		struct snap_error why = SNAP_ERROR_INIT;
		store->root_fd = snap_directory_open(AT_FDCWD, options->sysroot, true, &why);
		if (store->root_fd < 0) {
			free(store);
			return snap_error_set(err, why.code, "--sysroot: %s", why.text);
		}
	}
	*ret = store;
	return 0;
}

void snap_store_destroy(struct snap_store *store)
{
	if (!store)
		return;
	for (size_t i = 0; i < store->num_stored; i++)
		snap_object_destroy(store->stored[i].object);
	free(store->stored);
	snap_dir_index_deinit(&store->trees);
	if (store->root_fd >= 0)
		(void)close(store->root_fd); /* a directory: nothing can be lost */
	free(store);
}

/* ---------------------------------------------------------------- candidates */

/* A search for the files of one build ID. */
struct search {
	struct snap_store *store;
	struct snap_crash *crash;
	struct snap_bytes build_id;
	struct snap_elf_file *main, *debug; /* on the heap */
	bool mismatch;			    /* a file of another build was found */
	const char *why;		    /* the most telling failure so far; crash's arena */
};

static bool is_whole(const struct search *s)
{
	return s->main && (s->main->has_debug_info || s->debug);
}

static const char *hex_of(struct snap_crash *crash, struct snap_bytes bytes)
{
	char hex[2 * SNAP_MAX_BUILD_ID + 1];
	if (bytes.len == 0 || bytes.len > SNAP_MAX_BUILD_ID)
		return "none";
	snap_hex(bytes, hex);
	return snap_crash_format(crash, "%s", hex);
}

/* Where a path is looked up. */
enum place {
	HERE,	    /* on this machine */
	IN_SYSROOT, /* below --sysroot, as if that were "/" */
};

/*
 * Look at one file. expected: it stands where only this build ID's file belongs, so that a failure
 * is worth telling. Memory for the heap copy is the only failure that ends a run.
 */
static int try_file(
	struct search *s, enum place place, const char *path, bool expected, struct snap_error *err)
{
	const struct snap_store *store = s->store;
	struct snap_error why = SNAP_ERROR_INIT;
	char whole[2 * MAX_PATH_BYTES], shown[512];
	(void)snprintf(whole, sizeof(whole), "%s%s",
		place == IN_SYSROOT ? store->options->sysroot : "", path);
	(void)snap_escape(snap_bytes_str(whole), SNAP_ESCAPE_TERMINAL, shown, sizeof(shown));
	int fd = place == IN_SYSROOT ? snap_file_open_in_root(store->root_fd, path, NULL, &why)
				     : snap_file_open(path, NULL, &why);
	struct snap_elf_file *file = malloc(sizeof(*file));
	if (!file)
		return snap_error_no_memory(err);
	if (fd < 0 || snap_elf_file_open(fd, whole, file, &why) < 0) {
		free(file);
		if (expected && !s->why)
			s->why = snap_crash_format(s->crash, "'%s': %s", shown, why.text);
		return 0;
	}
	if (!snap_bytes_equal(file->build_id, s->build_id)) {
		if (expected) {
			s->mismatch = true;
			s->why = snap_crash_format(s->crash,
				"'%s' is of another build (build ID %s)", shown,
				hex_of(s->crash, file->build_id));
		}
		snap_elf_file_destroy(file);
		return 0;
	}
	if (file->has_code_frames && !s->main) {
		s->main = file;
	} else if (!file->has_code_frames && file->has_debug_info && !s->debug) {
		s->debug = file;
	} else {
		snap_elf_file_destroy(file);
	}
	return 0;
}

static int read_trees(struct snap_store *store, struct snap_error *err)
{
	if (store->trees_read)
		return 0;
	store->trees_read = true;
	for (size_t i = 0; i < store->options->num_symbol_dirs; i++)
		if (snap_dir_index_add(&store->trees, store->options->symbol_dirs[i], err) < 0)
			return -1;
	snap_dir_index_sort(&store->trees);
	return 0;
}

static int search_trees(struct search *s, struct snap_error *err)
{
	if (read_trees(s->store, err) < 0)
		return -1;
	const struct snap_dir_index *trees = &s->store->trees;
	const struct snap_dir_entry *entry = snap_dir_index_find(trees, s->build_id);
	const struct snap_dir_entry *end = trees->entries + trees->num_entries;
	for (; entry && entry < end && !is_whole(s) &&
		snap_bytes_equal(snap_bytes(entry->build_id, entry->build_id_len), s->build_id);
		entry++)
		if (try_file(s, HERE, entry->path, false, err) < 0)
			return -1;
	return 0;
}

/* dir/.build-id/xx/yyyy with each of the suffixes. */
static int search_build_id_tree(
	struct search *s, enum place place, const char *dir, struct snap_error *err)
{
	static const char *const suffixes[] = {".debug", ""};
	char hex[2 * SNAP_MAX_BUILD_ID + 1], path[MAX_PATH_BYTES];
	if (s->build_id.len < 2)
		return 0;
	snap_hex(s->build_id, hex);
	for (size_t i = 0; i < 2 && !is_whole(s); i++) {
		int n = snprintf(path, sizeof(path), "%s/.build-id/%.2s/%s%s", dir, hex, hex + 2,
			suffixes[i]);
		if (n > 0 && (size_t)n < sizeof(path) && try_file(s, place, path, false, err) < 0)
			return -1;
	}
	return 0;
}

static int search_debug_dirs(struct search *s, struct snap_error *err)
{
	const struct snap_options *options = s->store->options;
	for (size_t i = 0; i < options->num_debug_dirs; i++)
		if (search_build_id_tree(s, HERE, options->debug_dirs[i], err) < 0)
			return -1;
	if (options->num_debug_dirs > 0 || options->sysroot || options->no_local)
		return 0;
	return search_build_id_tree(s, HERE, DEFAULT_DEBUG_DIR, err);
}

/* A path from a snapshot: only absolute ones, none of the kernel's own. */
static bool is_local_path(struct snap_bytes path, char *ret, size_t size)
{
	if (path.len == 0 || path.len >= size || path.data[0] != '/' ||
		memchr(path.data, '\0', path.len))
		return false;
	memcpy(ret, path.data, path.len);
	ret[path.len] = '\0';
	return strncmp(ret, "/proc/", 6) != 0 && strncmp(ret, "/dev/", 5) != 0 &&
	       strncmp(ret, "/sys/", 5) != 0;
}

/* The path that a module or a file names for another, on the system that it is from. */
static int search_path(
	struct search *s, struct snap_bytes name, bool expected, struct snap_error *err)
{
	const struct snap_options *options = s->store->options;
	char path[MAX_PATH_BYTES];
	if (!is_local_path(name, path, sizeof(path)))
		return 0;
	if (options->sysroot)
		return try_file(s, IN_SYSROOT, path, expected, err);
	return options->no_local ? 0 : try_file(s, HERE, path, expected, err);
}

/* Where distributions keep debug files, and (Fedora) links to what is installed. */
static int search_sysroot_trees(struct search *s, struct snap_error *err)
{
	if (!s->store->options->sysroot || is_whole(s))
		return 0;
	if (search_build_id_tree(s, IN_SYSROOT, DEFAULT_DEBUG_DIR, err) < 0)
		return -1;
	return s->main ? 0 : search_build_id_tree(s, IN_SYSROOT, "/usr/lib", err);
}

/* ---------------------------------------------------------------- the alternate file */

static int search_alternate(struct search *s, struct snap_elf_file **ret, struct snap_error *err)
{
	*ret = NULL;
	const struct snap_elf_file *file = s->debug				? s->debug
					   : s->main && s->main->has_debug_info ? s->main
										: NULL;
	if (!file)
		return 0;
	Dwarf *dwarf = dwarf_begin_elf(file->elf, DWARF_C_READ, NULL);
	const char *name;
	const void *id;
	ssize_t len = dwarf ? dwelf_dwarf_gnu_debugaltlink(dwarf, &name, &id) : 0;
	int r = 0;
	if (len > 0 && len <= SNAP_MAX_BUILD_ID) {
		struct search alternate = {
			.store = s->store,
			.crash = s->crash,
			.build_id = snap_bytes(id, (size_t)len),
		};
		r = search_trees(&alternate, err);
		if (r == 0 && !alternate.debug)
			r = search_debug_dirs(&alternate, err);
		if (r == 0 && !alternate.debug)
			r = search_sysroot_trees(&alternate, err);
		if (r == 0 && !alternate.debug)
			r = search_path(&alternate, snap_bytes_str(name), false, err);
		*ret = alternate.debug;
		snap_elf_file_destroy(alternate.main);
	}
	(void)dwarf_end(dwarf); /* nothing is written */
	return r;
}

/* ---------------------------------------------------------------- modules */

static bool is_vdso(const struct snap_module *module)
{
	return snap_bytes_equal_str(module->path, "[vdso]");
}

/* The vDSO is in no file: its captured bytes are the ELF image. *ret is on the heap. */
static int read_vdso(struct search *s, const struct snap_module *module, struct snap_elf_file **ret,
	struct snap_error *err)
{
	*ret = NULL;
	uint64_t len = module->end - module->start;
	if (len == 0 || len > MAX_VDSO_BYTES) {
		s->why = "its size is not that of a vDSO";
		return 0;
	}
	uint8_t *image = malloc(len);
	struct snap_elf_file *file = malloc(sizeof(*file));
	if (!image || !file) {
		free(image);
		free(file);
		return snap_error_no_memory(err);
	}
	struct snap_error why = SNAP_ERROR_INIT;
	ssize_t n = snap_memory_read(&s->crash->memory, module->start, image, len);
	if (n <= 0) {
		free(image);
		free(file);
		s->why = "its memory was not captured";
		return 0;
	}
	if (snap_elf_file_from_memory(image, (size_t)n, "[vdso]", file, &why) < 0) {
		free(file);
		s->why = snap_crash_format(s->crash, "its captured memory: %s", why.text);
		return 0;
	}
	*ret = file;
	return 0;
}

/*
 * image: of a module that lives in memory only, else absent. An object made from the bytes of one
 * input serves another only if these are the same: their build ID is the input's own claim.
 */
static struct stored *find_stored(
	struct snap_store *store, struct snap_bytes build_id, struct snap_bytes image)
{
	for (size_t i = 0; i < store->num_stored; i++) {
		struct stored *stored = &store->stored[i];
		if (snap_bytes_equal(
			    snap_bytes(stored->build_id, stored->build_id_len), build_id) &&
			snap_bytes_equal(snap_object_image(stored->object), image))
			return stored;
	}
	return NULL;
}

static int keep(struct snap_store *store, struct snap_bytes build_id, struct snap_object *object,
	const char *why, struct snap_error *err)
{
	if (store->num_stored == store->capacity) {
		size_t capacity = store->capacity ? 2 * store->capacity : 16;
		struct stored *grown = reallocarray(store->stored, capacity, sizeof(*grown));
		if (!grown) {
			snap_object_destroy(object);
			return snap_error_no_memory(err);
		}
		store->stored = grown;
		store->capacity = capacity;
	}
	struct stored *stored = &store->stored[store->num_stored++];
	memcpy(stored->build_id, build_id.data, build_id.len);
	stored->build_id_len = build_id.len;
	stored->object = object;
	stored->why = why;
	return 0;
}

static void use_object(struct snap_crash *crash, struct snap_crash_module *module,
	struct snap_object *object, const char *why)
{
	module->object = object;
	module->symbols = snap_object_symbols(object);
	module->symbol_file = snap_object_symbol_file(object);
	module->why = why;
	uint64_t base;
	if (!module->record.has_load_bias && snap_object_base(object, &base)) {
		module->record.has_load_bias = true;
		module->record.load_bias = module->record.start - base;
	}
	if (!snap_object_has_code(object))
		module->why = snap_crash_format(crash, "only its debug file was found: unwinding "
						       "needs the executable or library too");
}

static int search_all(struct search *s, const struct snap_module *module, struct snap_error *err)
{
	if (search_trees(s, err) < 0)
		return -1;
	if (!s->main && search_path(s, module->path, true, err) < 0)
		return -1;
	if (search_sysroot_trees(s, err) < 0)
		return -1;
	if (!is_whole(s) && search_debug_dirs(s, err) < 0)
		return -1;
	return 0;
}

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

static int resolve(struct snap_store *store, struct snap_crash *crash,
	struct snap_crash_module *module, struct resolution *resolution, struct snap_error *err)
{
	struct snap_bytes build_id = module->record.build_id;
	if (build_id.len == 0 || build_id.len > SNAP_MAX_BUILD_ID) {
		static const char *const reasons[] = {"", "it has no build ID",
			"its build ID could not be read", "its build ID is malformed"};
		uint32_t status = module->record.build_id_status;
		module->why = status < 4 ? reasons[status] : "its build ID is not known";
		return 0;
	}
	struct search s = {.store = store, .crash = crash, .build_id = build_id};
	struct snap_elf_file *alternate = NULL;
	if (is_vdso(&module->record) && resolution->has_vdso) {
		module->why = "a process has one vDSO, and this is another";
		return 0;
	}
	resolution->has_vdso |= is_vdso(&module->record);
	if (is_vdso(&module->record) && read_vdso(&s, &module->record, &s.main, err) < 0)
		return -1;
	const struct stored *stored = find_stored(store, build_id,
		s.main ? snap_bytes(s.main->image, s.main->image_len) : snap_bytes(NULL, 0));
	if (stored) {
		snap_elf_file_destroy(s.main);
		use_object(crash, module, stored->object, stored->why);
		return 0;
	}
	if (!is_vdso(&module->record) && resolution->num_searches++ >= MAX_SEARCHES) {
		resolution->num_skipped++;
		module->why = "it is one of too many modules: its files were not looked for";
		return 0;
	}
	if (!is_vdso(&module->record) && search_all(&s, &module->record, err) < 0)
		return -1;
	if (!s.main && !s.debug) {
		module->symbols = s.mismatch ? SNAP_SYMBOLS_MISMATCH : SNAP_SYMBOLS_NONE;
		module->why = s.why ? s.why : "no file of its build ID was found";
		return 0;
	}
	struct snap_object *object;
	const char *why = why_restricted(s.main, s.debug);
	if (search_alternate(&s, &alternate, err) < 0 ||
		snap_object_create(&(struct snap_object_files){.main = s.main,
					   .debug = s.debug,
					   .alternate = alternate},
			&object, err) < 0 ||
		keep(store, build_id, object, why, err) < 0)
		return -1;
	use_object(crash, module, object, why);
	return 0;
}

int snap_store_resolve(struct snap_store *store, struct snap_crash *crash, struct snap_error *err)
{
	struct resolution resolution = {0};
	for (size_t i = 0; i < crash->num_modules; i++)
		if (resolve(store, crash, &crash->modules[i], &resolution, err) < 0)
			return -1;
	if (resolution.num_skipped == 0)
		return 0;
	const char *note = snap_crash_format(crash,
		"the files of %zu modules were not looked for: more than %d modules",
		resolution.num_skipped, MAX_SEARCHES);
	return note ? snap_crash_note(crash, snap_bytes_str(note), err) : snap_error_no_memory(err);
}

int snap_store_open(struct snap_store *store, const char *file_or_build_id,
	struct snap_object **ret, struct snap_error *err)
{
	struct snap_elf_file *file = calloc(1, sizeof(*file));
	int fd = file ? snap_file_open(file_or_build_id, NULL, err) : -1;
	if (fd < 0 || snap_elf_file_open(fd, file_or_build_id, file, err) < 0) {
		free(file);
		return -1;
	}
	struct snap_object_files files = {0};
	if (file->has_code_frames)
		files.main = file;
	else
		files.debug = file;
	if (snap_object_create(&files, ret, err) < 0)
		return -1;
	return keep(store, file->build_id, *ret, NULL, err);
}
