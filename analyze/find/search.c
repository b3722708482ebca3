#include "analyze/find/search.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "analyze/find/links.h"
#include "analyze/find/mini.h"
#include "common/escape.h"

/* ---------------------------------------------------------------- words */

const char *snap_search_format(struct snap_search *search, const char *format, ...)
{
	char text[3 * SNAP_MAX_PATH_BYTES];
	va_list args;
	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args); /* cut to fit */
	va_end(args);
	const char *kept = snap_arena_copy(search->arena, snap_bytes_str(text));
	return kept ? kept : "there is no more room for the reason";
}

int snap_search_note(
	struct snap_search *search, const struct snap_candidate *candidate, struct snap_error *err)
{
	return snap_candidates_add(&search->candidates, search->arena, candidate, err);
}

static const char *hex_of(struct snap_bytes bytes, char hex[2 * SNAP_MAX_BUILD_ID + 1])
{
	if (bytes.len == 0 || bytes.len > SNAP_MAX_BUILD_ID)
		return "none";
	snap_hex(bytes, hex);
	return hex;
}

/* ---------------------------------------------------------------- what was found */

bool snap_search_has_dwarf(const struct snap_search *search)
{
	const struct snap_object_files *files = &search->files;
	return (files->main && files->main->has_debug_info) ||
	       (files->debug && files->debug->has_debug_info);
}

bool snap_search_is_whole(const struct snap_search *search)
{
	if (search->is_alternate)
		return search->files.alternate != NULL;
	return search->files.main && snap_search_has_dwarf(search);
}

/* The file whose debug information is read. */
static const struct snap_elf_file *dwarf_file(
	const struct snap_search *search, const struct snap_origin **ret_at)
{
	const struct snap_object_files *files = &search->files;
	if (files->debug && files->debug->has_debug_info) {
		*ret_at = &search->debug_at;
		return files->debug;
	}
	*ret_at = &search->main_at;
	return files->main && files->main->has_debug_info ? files->main : NULL;
}

/* Into the slot that it fills; NULL: it has nothing that is missing. */
static struct snap_elf_file **choose_slot(
	struct snap_search *search, const struct snap_elf_file *file, enum snap_candidate_role *ret)
{
	struct snap_object_files *files = &search->files;
	*ret = SNAP_ROLE_ALTERNATE;
	if (search->is_alternate)
		return files->alternate ? NULL : &files->alternate;
	*ret = file->has_code_frames ? SNAP_ROLE_EXECUTABLE : SNAP_ROLE_DEBUG;
	if (file->has_code_frames && !files->main)
		return &files->main;
	bool has_symtab = (files->main && files->main->has_symtab) || files->debug;
	/* One that was never stripped serves as the debug file of its stripped copy. */
	if ((file->has_debug_info && !snap_search_has_dwarf(search)) ||
		(file->has_symtab && !has_symtab)) {
		*ret = SNAP_ROLE_DEBUG;
		return &files->debug;
	}
	return NULL;
}

static void keep_origin(
	struct snap_search *search, const struct snap_attempt *attempt, struct snap_origin *ret)
{
	*ret = (struct snap_origin){
		.has_path = !attempt->has_fd,
		.root = attempt->root,
		.where = attempt->where,
		.path = snap_arena_copy(search->arena, snap_bytes_str(attempt->path)),
	};
	/* Without room for it, nothing beside the file is found. */
	ret->has_path &= ret->path != NULL;
}

/* ---------------------------------------------------------------- one file */

/* Some devices tell only the beginning of their build ID (Pigweed's 16 bytes for a UUID). */
#define MIN_PREFIX_BYTES 8

static bool is_same_build(const struct snap_search *search, struct snap_bytes build_id)
{
	struct snap_bytes wanted = search->build_id;
	if (search->is_device && wanted.len >= MIN_PREFIX_BYTES && wanted.len < build_id.len)
		build_id.len = wanted.len;
	return build_id.len > 0 && snap_bytes_equal(build_id, wanted);
}

/* Whether it is this build's file; if not, candidate says why, in detail's size bytes. */
static bool check_identity(struct snap_search *search, const struct snap_attempt *attempt,
	const struct snap_elf_file *file, struct snap_candidate *candidate, char *detail,
	size_t size)
{
	char hex[2 * SNAP_MAX_BUILD_ID + 1];
	if (is_same_build(search, file->build_id)) {
		candidate->fate = SNAP_FATE_OK;
	} else if (file->build_id.len > 0 && search->build_id.len > 0) {
		candidate->fate = SNAP_FATE_WRONG_BUILD_ID;
		(void)snprintf(detail, size, "its build ID is %s", hex_of(file->build_id, hex));
	} else if (attempt->where == SNAP_WHERE_ELF) {
		candidate->fate = SNAP_FATE_OK;
	} else if (search->by_path && !search->files.main) {
		candidate->fate = SNAP_FATE_OK;
		if (file->build_id.len > 0 && !search->any_build_id) {
			candidate->fate = SNAP_FATE_WRONG_BUILD_ID;
			(void)snprintf(detail, size, "it has a build ID, and the module has none");
		}
	} else if (attempt->has_crc) {
		uint32_t crc;
		struct snap_error why = SNAP_ERROR_INIT;
		candidate->fate = SNAP_FATE_OK;
		if (snap_file_crc32(file->fd, &crc, &why) < 0) {
			candidate->fate = SNAP_FATE_ERROR;
			(void)snprintf(detail, size, "%s", why.text);
		} else if (crc != attempt->crc) {
			candidate->fate = SNAP_FATE_CRC_DIFFERS;
			(void)snprintf(detail, size, "its CRC is %08x, the link's %08x", crc,
				attempt->crc);
		}
	} else {
		candidate->fate = SNAP_FATE_NO_BUILD_ID;
	}
	candidate->detail = *detail ? detail : NULL;
	return candidate->fate == SNAP_FATE_OK;
}

/* Remember the most telling failure: that of another build before that of no file. */
static void tell_failure(struct snap_search *search, const struct snap_attempt *attempt,
	const struct snap_candidate *candidate, const struct snap_elf_file *file)
{
	if (attempt->where == SNAP_WHERE_DEBUGINFOD) {
		search->why_fetch = snap_search_format(search, "what debuginfod sent is %s: %s",
			snap_candidate_fate_words(candidate->fate),
			candidate->detail ? candidate->detail : "no build ID");
		return;
	}
	if (!attempt->expected || search->files.main || search->files.debug) {
		/* What is found makes up for it, unless the link leads to the wrong file. */
		if (attempt->where != SNAP_WHERE_DEBUGLINK || search->why ||
			(candidate->fate != SNAP_FATE_WRONG_BUILD_ID &&
				candidate->fate != SNAP_FATE_CRC_DIFFERS))
			return;
	}
	char shown[1024], hex[2 * SNAP_MAX_BUILD_ID + 1];
	(void)snap_escape(
		snap_bytes_str(candidate->path), SNAP_ESCAPE_TERMINAL, shown, sizeof(shown));
	if (attempt->where == SNAP_WHERE_DEBUGLINK) {
		search->why = snap_search_format(search, "the debug file '%s' is another one's: %s",
			shown, candidate->detail);
	} else if (file) {
		search->mismatch = true;
		search->why = snap_search_format(search, "'%s' is of another build (build ID %s)",
			shown, hex_of(file->build_id, hex));
	} else if (!search->why) {
		search->why = snap_search_format(search, "'%s': %s", shown,
			candidate->detail ? candidate->detail
					  : snap_candidate_fate_words(candidate->fate));
	}
}

/* The file is right: keep it or not. It is taken over. */
static void take_file(struct snap_search *search, const struct snap_attempt *attempt,
	struct snap_elf_file *file, struct snap_candidate *candidate)
{
	struct snap_elf_file **slot = choose_slot(search, file, &candidate->role);
	if (!slot) {
		candidate->fate = SNAP_FATE_UNUSED;
		snap_elf_file_destroy(file);
		return;
	}
	/* One that has names only gives way to one that has all. */
	snap_elf_file_destroy(*slot);
	*slot = file;
	search->alternate_tried = false; /* it may name one */
	candidate->detail = file->no_dwarf;
	keep_origin(search, attempt,
		slot == &search->files.main ? &search->main_at : &search->debug_at);
}

int snap_search_try(
	struct snap_search *search, const struct snap_attempt *attempt, struct snap_error *err)
{
	char name[2 * SNAP_MAX_PATH_BYTES], detail[512] = "";
	struct snap_error why = SNAP_ERROR_INIT;
	struct snap_candidate candidate = {.where = attempt->where, .role = attempt->role};
	snap_places_name(search->places, attempt->root, attempt->path, name);
	candidate.path = attempt->url ? attempt->url : name;
	int fd = attempt->has_fd
			 ? attempt->fd
			 : snap_places_open(search->places, attempt->root, attempt->path, &why);
	struct snap_elf_file *file = malloc(sizeof(*file));
	if (!file) {
		if (fd >= 0)
			(void)close(fd); /* only read from */
		return snap_error_no_memory(err);
	}
	int r = fd < 0		       ? -1
		: search->is_alternate ? snap_elf_file_open_part(fd, name, file, &why)
				       : snap_elf_file_open(fd, name, file, &why);
	if (r < 0) {
		free(file);
		candidate.fate = fd < 0 ? snap_candidate_fate_of(&why) : SNAP_FATE_MALFORMED;
		candidate.detail = why.text;
		tell_failure(search, attempt, &candidate, NULL);
		if (candidate.fate == SNAP_FATE_NOT_FOUND)
			candidate.detail = NULL; /* no more than the fate says */
		return snap_search_note(search, &candidate, err);
	}
	if (check_identity(search, attempt, file, &candidate, detail, sizeof(detail))) {
		take_file(search, attempt, file, &candidate);
	} else {
		tell_failure(search, attempt, &candidate, file);
		snap_elf_file_destroy(file);
	}
	return snap_search_note(search, &candidate, err);
}

/* ---------------------------------------------------------------- the places */

static int search_elfs(struct snap_search *search, struct snap_error *err)
{
	for (size_t i = 0; i < search->num_elfs && !search->files.main; i++) {
		const struct snap_attempt attempt = {
			.where = SNAP_WHERE_ELF, .path = search->elfs[i], .expected = true};
		if (snap_search_try(search, &attempt, err) < 0)
			return -1;
	}
	return 0;
}

static int search_trees(struct snap_search *search, struct snap_error *err)
{
	if (search->build_id.len == 0)
		return 0;
	const struct snap_dir_index *trees = snap_places_trees(search->places, err);
	if (!trees)
		return -1;
	struct snap_bytes build_id = search->build_id;
	const struct snap_dir_entry *entry = snap_dir_index_find(trees, build_id);
	if (!entry && search->is_device && build_id.len >= MIN_PREFIX_BYTES) {
		entry = snap_dir_index_find_prefix(trees, build_id);
		if (entry)
			build_id = snap_bytes(entry->build_id, entry->build_id_len);
	}
	const struct snap_dir_entry *end = entry ? trees->entries + trees->num_entries : NULL;
	for (; entry < end && !snap_search_is_whole(search) &&
		snap_bytes_equal(snap_bytes(entry->build_id, entry->build_id_len), build_id);
		entry++) {
		const struct snap_attempt attempt = {
			.where = SNAP_WHERE_SYMBOLS,
			.path = entry->path,
		};
		if (snap_search_try(search, &attempt, err) < 0)
			return -1;
	}
	return 0;
}

/* dir/.build-id/xx/yyyy with each of the suffixes. */
static int search_build_id_tree(struct snap_search *search, enum snap_candidate_where where,
	enum snap_root root, const char *dir, struct snap_error *err)
{
	static const char *const suffixes[] = {".debug", ""};
	char hex[2 * SNAP_MAX_BUILD_ID + 1], path[SNAP_MAX_PATH_BYTES];
	if (search->build_id.len < 2)
		return 0;
	snap_hex(search->build_id, hex);
	for (size_t i = 0; i < 2 && !snap_search_is_whole(search); i++) {
		int n = snprintf(path, sizeof(path), "%s/.build-id/%.2s/%s%s", dir, hex, hex + 2,
			suffixes[i]);
		const struct snap_attempt attempt = {
			.where = where,
			.role = i == 0 ? SNAP_ROLE_DEBUG : SNAP_ROLE_EXECUTABLE,
			.root = root,
			.path = path,
		};
		if (n > 0 && (size_t)n < sizeof(path) && snap_search_try(search, &attempt, err) < 0)
			return -1;
	}
	return 0;
}

static int search_debug_dirs(struct snap_search *search, struct snap_error *err)
{
	for (size_t i = 0; i < snap_places_num_debug_dirs(search->places); i++)
		if (search_build_id_tree(search, SNAP_WHERE_DEBUG_DIR, SNAP_ROOT_HERE,
			    snap_places_debug_dir(search->places, i), err) < 0)
			return -1;
	return 0;
}

static enum snap_candidate_where where_of(enum snap_root root)
{
	return root == SNAP_ROOT_SYSROOT ? SNAP_WHERE_SYSROOT : SNAP_WHERE_LOCAL;
}

/* The module's path, on the system that it is from. */
static int search_path(struct snap_search *search, struct snap_error *err)
{
	char path[SNAP_MAX_PATH_BYTES];
	enum snap_root root;
	if (!snap_places_target_root(search->places, &root) ||
		!snap_places_is_path(search->path, path))
		return 0;
	return snap_search_try(search,
		&(struct snap_attempt){
			.where = where_of(root), .root = root, .path = path, .expected = true},
		err);
}

/* Where distributions keep debug files, and (Fedora) links to what is installed. */
static int search_sysroot_trees(struct snap_search *search, struct snap_error *err)
{
	if (!search->places->options->sysroot || snap_search_is_whole(search))
		return 0;
	if (search_build_id_tree(
		    search, SNAP_WHERE_SYSROOT, SNAP_ROOT_SYSROOT, SNAP_DEFAULT_DEBUG_DIR, err) < 0)
		return -1;
	return search->files.main ? 0
				  : search_build_id_tree(search, SNAP_WHERE_SYSROOT,
					    SNAP_ROOT_SYSROOT, "/usr/lib", err);
}

/* ---------------------------------------------------------------- .gnu_debuglink */

static int try_link(struct snap_search *search, enum snap_root root, const char *dir,
	const char *below, const struct snap_debuglink *link, struct snap_error *err)
{
	char path[SNAP_MAX_PATH_BYTES];
	int n = snprintf(path, sizeof(path), "%s%s/%s", dir, below, link->name);
	if (n < 0 || (size_t)n >= sizeof(path) || snap_search_has_dwarf(search))
		return 0;
	return snap_search_try(search,
		&(struct snap_attempt){
			.where = SNAP_WHERE_DEBUGLINK,
			.role = SNAP_ROLE_DEBUG,
			.root = root,
			.path = path,
			.has_crc = true,
			.crc = link->crc,
		},
		err);
}

/* DIR/NAME, DIR/.debug/NAME and DEBUG-DIR/DIR/NAME: GDB's order. */
static int search_debuglink(struct snap_search *search, struct snap_error *err)
{
	const struct snap_origin *at = &search->main_at;
	struct snap_debuglink link;
	struct snap_error why = SNAP_ERROR_INIT;
	if (!search->files.main || snap_search_has_dwarf(search))
		return 0;
	int r = snap_debuglink_read(search->files.main, &link, &why);
	if (r == 0)
		return 0;
	if (r < 0) {
		const struct snap_candidate refused = {SNAP_WHERE_DEBUGLINK, SNAP_ROLE_DEBUG,
			SNAP_FATE_REFUSED, search->files.main->path, why.text};
		return snap_search_note(search, &refused, err);
	}
	char dir[SNAP_MAX_PATH_BYTES], path[SNAP_MAX_PATH_BYTES];
	if (at->has_path) {
		snap_path_dir(at->path, dir);
		if (try_link(search, at->root, dir, "", &link, err) < 0 ||
			try_link(search, at->root, dir, "/.debug", &link, err) < 0)
			return -1;
	}
	/* Below the debug directories lie files of the target's directories. */
	if (!snap_places_is_path(search->path, path))
		return 0;
	snap_path_dir(path, dir);
	if (search->places->options->sysroot &&
		try_link(search, SNAP_ROOT_SYSROOT, SNAP_DEFAULT_DEBUG_DIR, dir, &link, err) < 0)
		return -1;
	for (size_t i = 0; i < snap_places_num_debug_dirs(search->places); i++)
		if (try_link(search, SNAP_ROOT_HERE, snap_places_debug_dir(search->places, i), dir,
			    &link, err) < 0)
			return -1;
	return 0;
}

/* Without build ID: the module's name in the trees, and its path. */
static int search_names(struct snap_search *search, struct snap_error *err)
{
	char path[SNAP_MAX_PATH_BYTES];
	const char *found = NULL;
	if (!snap_places_is_path(search->path, path) || !*snap_path_base(path))
		return 0;
	for (size_t i = 0; !search->files.main; i++) {
		if (snap_places_named(search->places, snap_path_base(path), i, &found, err) < 0)
			return -1;
		if (!found)
			break;
		if (snap_search_try(search,
			    &(struct snap_attempt){.where = SNAP_WHERE_SYMBOLS, .path = found},
			    err) < 0)
			return -1;
	}
	if (!search->files.main && !search->is_deleted && search_path(search, err) < 0)
		return -1;
	if (search->files.main) /* which may say what its debug file's build ID is */
		search->build_id = search->files.main->build_id;
	return 0;
}

int snap_search_files(struct snap_search *search, struct snap_error *err)
{
	if (search_elfs(search, err) < 0)
		return -1;
	if (search->by_path && search_names(search, err) < 0)
		return -1;
	if (search_trees(search, err) < 0)
		return -1;
	if (!search->by_path && !snap_search_is_whole(search) && search_path(search, err) < 0)
		return -1;
	if (search_sysroot_trees(search, err) < 0)
		return -1;
	if (!snap_search_is_whole(search) && search_debug_dirs(search, err) < 0)
		return -1;
	return search_debuglink(search, err);
}

/* ---------------------------------------------------------------- debuginfod */

static struct snap_bytes base_of(struct snap_bytes path)
{
	const uint8_t *slash = path.len > 0 ? memrchr(path.data, '/', path.len) : NULL;
	return slash ? snap_bytes(slash + 1, path.len - (size_t)(slash + 1 - path.data)) : path;
}

static int fetch(struct snap_search *search, struct snap_debuginfod *client,
	enum snap_candidate_role role, struct snap_error *err)
{
	struct snap_debuginfod_answer answer;
	const struct snap_debuginfod_request request = {
		.build_id = search->build_id,
		.role = role,
		.name = base_of(search->path),
	};
	bool asked = snap_debuginfod_fetch(client, &request, &answer);
	if (answer.fd < 0 && answer.fate != SNAP_FATE_NOT_FOUND)
		search->why_fetch = snap_search_format(search, "its %s could not be fetched: %s",
			role == SNAP_ROLE_EXECUTABLE ? "file" : "debug file", answer.detail);
	if (!asked)
		return 0;
	if (answer.fd < 0) {
		const struct snap_candidate failed = {SNAP_WHERE_DEBUGINFOD, role, answer.fate,
			answer.url, *answer.detail ? answer.detail : NULL};
		return snap_search_note(search, &failed, err);
	}
	return snap_search_try(search,
		&(struct snap_attempt){
			.where = SNAP_WHERE_DEBUGINFOD,
			.role = role,
			.path = answer.path,
			.has_fd = true,
			.fd = answer.fd,
			.url = answer.url,
		},
		err);
}

int snap_search_fetch(
	struct snap_search *search, struct snap_debuginfod *client, struct snap_error *err)
{
	search->client = client;
	int r = 0;
	bool is_known = search->build_id.len > 0;
	if (is_known && !search->files.main)
		r = fetch(search, client, SNAP_ROLE_EXECUTABLE, err);
	if (r == 0 && is_known && !snap_search_has_dwarf(search))
		r = fetch(search, client, SNAP_ROLE_DEBUG, err);
	if (r == 0)
		r = snap_search_dependents(search, err);
	search->client = NULL;
	return r;
}

/* ---------------------------------------------------------------- the alternate file */

/* The path that the link names, seen from the file that has it. */
static int search_altlink_path(struct snap_search *alternate, const struct snap_origin *at,
	const char *name, struct snap_error *err)
{
	char dir[SNAP_MAX_PATH_BYTES], path[SNAP_MAX_PATH_BYTES];
	struct snap_attempt attempt = {
		.where = SNAP_WHERE_ALTLINK,
		.role = SNAP_ROLE_ALTERNATE,
		.path = path,
	};
	if (name[0] == '/') {
		if (!snap_places_target_root(alternate->places, &attempt.root) ||
			!snap_places_is_path(snap_bytes_str(name), path))
			return 0;
	} else {
		if (!at->has_path)
			return 0;
		attempt.root = at->root;
		snap_path_dir(at->path, dir);
		if (!snap_path_join(path, dir, name))
			return 0;
	}
	return snap_search_try(alternate, &attempt, err);
}

/* Distributions keep them in .dwz of a debug directory: the same below the others. */
static int search_dwz_dirs(struct snap_search *alternate, const char *name, struct snap_error *err)
{
	const char *below = strstr(name, "/.dwz/");
	char path[SNAP_MAX_PATH_BYTES];
	if (!below)
		return 0;
	for (size_t i = 0; i < snap_places_num_debug_dirs(alternate->places); i++) {
		struct snap_attempt attempt = {
			.where = SNAP_WHERE_ALTLINK,
			.role = SNAP_ROLE_ALTERNATE,
			.path = path,
		};
		if (!alternate->files.alternate &&
			snap_path_join(
				path, snap_places_debug_dir(alternate->places, i), below + 1) &&
			snap_search_try(alternate, &attempt, err) < 0)
			return -1;
	}
	return 0;
}

static int search_alternate_files(struct snap_search *alternate, const struct snap_origin *at,
	const char *name, struct snap_error *err)
{
	int r = search_trees(alternate, err);
	if (r == 0 && !alternate->files.alternate)
		r = search_altlink_path(alternate, at, name, err);
	if (r == 0 && !alternate->files.alternate)
		r = search_sysroot_trees(alternate, err);
	if (r == 0 && !alternate->files.alternate)
		r = search_debug_dirs(alternate, err);
	if (r == 0 && !alternate->files.alternate)
		r = search_dwz_dirs(alternate, name, err);
	return r;
}

static int search_alternate(struct snap_search *search, struct snap_error *err)
{
	const struct snap_origin *at;
	const struct snap_elf_file *file = dwarf_file(search, &at);
	struct snap_altlink link;
	struct snap_error why = SNAP_ERROR_INIT;
	int r = file && !search->files.alternate ? snap_altlink_read(file, &link, &why) : 0;
	search->why_alternate = NULL;
	if (r == 0)
		return 0;
	if (r < 0) {
		const struct snap_candidate refused = {SNAP_WHERE_ALTLINK, SNAP_ROLE_ALTERNATE,
			SNAP_FATE_REFUSED, file->path, why.text};
		search->why_alternate = "part of its debug information is in another file, and "
					"what names that is malformed";
		return snap_search_note(search, &refused, err);
	}
	/* A search of its own, whose account is part of ours. */
	struct snap_search alternate = {
		.places = search->places,
		.arena = search->arena,
		.build_id = link.build_id,
		.path = search->path,
		.candidates = search->candidates,
		.is_alternate = true,
	};
	size_t first = search->candidates.num;
	r = search->alternate_tried ? 0 : search_alternate_files(&alternate, at, link.name, err);
	if (r == 0 && !alternate.files.alternate && search->client)
		r = fetch(&alternate, search->client, SNAP_ROLE_ALTERNATE, err);
	search->alternate_tried = true;
	search->candidates = alternate.candidates;
	for (size_t i = first; i < search->candidates.num; i++)
		search->candidates.list[i].role = SNAP_ROLE_ALTERNATE;
	search->files.alternate = alternate.files.alternate;
	if (r == 0 && !search->files.alternate) {
		char shown[512], hex[2 * SNAP_MAX_BUILD_ID + 1];
		(void)snap_escape(
			snap_bytes_str(link.name), SNAP_ESCAPE_TERMINAL, shown, sizeof(shown));
		search->why_alternate = snap_search_format(search,
			"part of its debug information is in another file that was not found: "
			"'%s' (build ID %s)",
			shown, hex_of(link.build_id, hex));
	}
	return r;
}

/* ---------------------------------------------------------------- MiniDebugInfo */

static int unpack_mini(struct snap_search *search, struct snap_error *err)
{
	struct snap_elf_file *main = search->files.main, *debug = search->files.debug;
	struct snap_error why = SNAP_ERROR_INIT;
	if (!main || main->image || main->has_symtab || (debug && debug->has_symtab) ||
		search->files.mini)
		return 0;
	int r = snap_mini_unpack(main, &search->files.mini, &why);
	if (r == 0)
		return 0;
	if (r < 0 && why.code == SNAP_ERROR_NO_MEMORY)
		return snap_error_no_memory(err);
	const struct snap_candidate candidate = {SNAP_WHERE_DEBUGDATA, SNAP_ROLE_MINI,
		r > 0 ? SNAP_FATE_OK : SNAP_FATE_MALFORMED, main->path, r > 0 ? NULL : why.text};
	return snap_search_note(search, &candidate, err);
}

int snap_search_dependents(struct snap_search *search, struct snap_error *err)
{
	return search_alternate(search, err) < 0 ? -1 : unpack_mini(search, err);
}
