#include "analyze/find/split.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Of a module whose .dwo files are missing, so many are told. */
#define MAX_TOLD 8

/* A place where a file may be. */
struct spot {
	enum snap_root root;
	char path[SNAP_MAX_PATH_BYTES];
};

/* That is told only when all places were tried. */
static void note_bad(struct snap_split *split, enum snap_candidate_fate fate, const char *name,
	const char *why)
{
	struct snap_split_bad *bad = split->is_dwp ? &split->bad_dwp : &split->bad_dwo;
	if (fate == SNAP_FATE_NOT_FOUND || bad->num == SNAP_SPLIT_MAX_BAD)
		return;
	const char *path = snap_search_format(split->search, "%s", name);
	const char *detail = why && *why ? snap_search_format(split->search, "%s", why) : NULL;
	bad->list[bad->num++] = (struct snap_candidate){
		SNAP_WHERE_SPLIT, SNAP_ROLE_SPLIT, fate, path, detail};
}

/* The file at the spot. 1 and *ret; 0: none that can be used; -1 without memory. */
static int open_spot(
	struct snap_split *split, const struct spot *spot, struct snap_elf_file **ret)
{
	char name[2 * SNAP_MAX_PATH_BYTES];
	struct snap_error err = {0};
	int fd = snap_places_open(split->search->places, spot->root, spot->path, &err);
	snap_places_name(split->search->places, spot->root, spot->path, name);
	if (fd < 0) {
		note_bad(split, snap_candidate_fate_of(&err), name, err.text);
		return 0;
	}
	struct snap_elf_file *file = malloc(sizeof(*file));
	/* The descriptor goes with the file, whichever way. */
	if (snap_elf_file_open_part(fd, name, file ? file : &(struct snap_elf_file){0}, &err) < 0) {
		if (file)
			note_bad(split, SNAP_FATE_MALFORMED, name, err.text);
		free(file);
		return file ? 0 : -1;
	}
	*ret = file;
	return file ? 1 : -1;
}

static const struct snap_origin *origin(const struct snap_search *search, size_t i)
{
	const struct snap_origin *at = i == 0 ? &search->main_at : &search->debug_at;
	const struct snap_elf_file *file = i == 0 ? search->files.main : search->files.debug;
	return file && at->has_path ? at : NULL;
}

/* Notes lack for want of memory alone, which whoever reads the debug information meets, too. */
static void tell_bad(struct snap_split *split, struct snap_split_bad *bad)
{
	for (size_t i = 0; i < bad->num; i++)
		(void)snap_search_note(split->search, &bad->list[i], NULL);
	bad->num = 0;
}

static void refuse(void *context, const struct snap_elf_file *file, const char *why)
{
	struct snap_split *split = context;
	note_bad(split, split->is_dwp ? SNAP_FATE_MALFORMED : SNAP_FATE_WRONG_BUILD_ID, file->path,
		why);
}

/* By the name that it had where it was built, from the root on if that is known. */
static void miss(void *context, const char *comp_dir, const char *dwo_name, bool is_left_out)
{
	struct snap_split *split = context;
	char path[SNAP_MAX_PATH_BYTES];
	bool is_joined = dwo_name[0] != '/' && comp_dir && snap_path_join(path, comp_dir, dwo_name);
	const struct snap_candidate missing = {SNAP_WHERE_SPLIT, SNAP_ROLE_SPLIT,
		SNAP_FATE_NOT_FOUND, is_joined ? path : dwo_name,
		is_left_out ? "not looked for everywhere: too many files of that kind were others'"
			    : "neither at its own path, nor beside the executable, nor in a "
			      "--symbols tree"};
	bool has_bad = split->bad_dwo.num > 0;
	tell_bad(split, &split->bad_dwp);
	if (split->num_told++ >= MAX_TOLD) {
		split->search->candidates.num_untold++;
		split->bad_dwo.num = 0;
		return;
	}
	tell_bad(split, &split->bad_dwo);
	if (!has_bad || is_left_out)
		(void)snap_search_note(split->search, &missing, NULL);
}

/* ---------------------------------------------------------------- .dwo */

/* The places before those that are found by base name. */
enum {
	DWO_AT_ITS_PATH,
	DWO_BESIDE_MAIN,
	DWO_BESIDE_DEBUG,
	DWO_IN_TREES,
};

static bool leaves_its_directory(const char *name)
{
	return strcmp(name, "..") == 0 || strncmp(name, "../", 3) == 0 || strstr(name, "/../") ||
	       (strlen(name) > 3 && strcmp(name + strlen(name) - 3, "/..") == 0);
}

static bool own_path(const struct snap_search *search, const char *comp_dir, const char *dwo_name,
	struct spot *ret)
{
	char path[SNAP_MAX_PATH_BYTES];
	if (dwo_name[0] != '/' && (!comp_dir || !snap_path_join(path, comp_dir, dwo_name)))
		return false;
	return snap_places_target_root(search->places, &ret->root) &&
	       snap_places_is_path(snap_bytes_str(dwo_name[0] == '/' ? dwo_name : path), ret->path);
}

static bool beside(const struct snap_search *search, size_t i, const char *name, struct spot *ret)
{
	char dir[SNAP_MAX_PATH_BYTES];
	const struct snap_origin *at = origin(search, i);
	if (!at)
		return false;
	snap_path_dir(at->path, dir);
	ret->root = at->root;
	return snap_path_join(ret->path, dir, name);
}

/*
 * The place number *place, which counts on. 1 and *ret, if there is such a path; 0: not in this
 * case; -1: no more.
 */
static int dwo_spot(struct snap_search *search, const char *comp_dir, const char *dwo_name,
	size_t place, struct spot *ret)
{
	const struct snap_options *options = search->places->options;
	*ret = (struct spot){.root = SNAP_ROOT_HERE};
	switch (place) {
	case DWO_AT_ITS_PATH:
		return own_path(search, comp_dir, dwo_name, ret);
	case DWO_BESIDE_MAIN:
	case DWO_BESIDE_DEBUG:
		return beside(search, place - DWO_BESIDE_MAIN, snap_path_base(dwo_name), ret);
	default:
		place -= DWO_IN_TREES;
		if (place < options->num_symbol_dirs)
			return dwo_name[0] != '/' && !leaves_its_directory(dwo_name) &&
			       snap_path_join(ret->path, options->symbol_dirs[place], dwo_name);
		place -= options->num_symbol_dirs;
		const char *path;
		if (snap_places_named(
			    search->places, snap_path_base(dwo_name), place, &path, NULL) < 0 ||
			!path)
			return -1;
		return snprintf(ret->path, sizeof(ret->path), "%s", path) < (int)sizeof(ret->path);
	}
}

static int open_dwo(void *context, const char *comp_dir, const char *dwo_name, size_t *place,
	struct snap_elf_file **ret)
{
	struct snap_split *split = context;
	struct spot spot;
	split->is_dwp = false;
	if (*place == 0)
		split->bad_dwo.num = 0;
	if (!*snap_path_base(dwo_name))
		return 0;
	for (;;) {
		int r = dwo_spot(split->search, comp_dir, dwo_name, *place, &spot);
		if (r < 0)
			return 0;
		(*place)++;
		if (r > 0)
			r = open_spot(split, &spot, ret);
		if (r != 0)
			return r;
	}
}

/* ---------------------------------------------------------------- .dwp */

/* What the package may be called in a tree: as the module is, or as the files that were found. */
static const char *dwp_base(
	const struct snap_search *search, size_t i, char out[SNAP_MAX_PATH_BYTES])
{
	const char *base = NULL;
	if (i < 2) {
		const struct snap_origin *at = origin(search, i);
		base = at ? snap_path_base(at->path) : NULL;
	} else if (snap_places_is_path(search->path, out)) {
		base = snap_path_base(out);
	}
	if (!base || !*base)
		return NULL;
	char name[SNAP_MAX_PATH_BYTES];
	if (snprintf(name, sizeof(name), "%s.dwp", base) >= (int)sizeof(name))
		return NULL;
	memcpy(out, name, strlen(name) + 1);
	return out;
}

static int open_dwp(void *context, size_t *place, struct snap_elf_file **ret)
{
	/* place / STRIDE: which name; place % STRIDE: the file beside, then those of the trees. */
	enum { NUM_NAMES = 3, STRIDE = 1 << 20 };
	struct snap_split *split = context;
	split->is_dwp = true;
	while (*place < (size_t)NUM_NAMES * STRIDE) {
		struct spot spot = {.root = SNAP_ROOT_HERE};
		char name[SNAP_MAX_PATH_BYTES];
		size_t which = *place / STRIDE, nth = *place % STRIDE;
		const struct snap_origin *at = which < 2 ? origin(split->search, which) : NULL;
		bool is_there = false;
		const char *path = NULL;
		(*place)++;
		if (nth == 0) {
			if (at) {
				spot.root = at->root;
				is_there = snprintf(spot.path, sizeof(spot.path), "%s.dwp",
						   at->path) < (int)sizeof(spot.path);
			}
		} else if (dwp_base(split->search, which, name) &&
			   snap_places_named(split->search->places, name, nth - 1, &path, NULL) ==
				   0 &&
			   path) {
			is_there = snprintf(spot.path, sizeof(spot.path), "%s", path) <
				   (int)sizeof(spot.path);
		} else {
			*place = (which + 1) * STRIDE;
		}
		int r = is_there ? open_spot(split, &spot, ret) : 0;
		if (r != 0)
			return r;
	}
	return 0;
}

struct snap_split_source snap_split_source(struct snap_split *split)
{
	return (struct snap_split_source){
		.context = split,
		.open_dwo = open_dwo,
		.open_dwp = open_dwp,
		.refuse = refuse,
		.miss = miss,
	};
}
