#include "analyze/find/candidate.h"

#include <errno.h>

#include "analyze/sandbox/remote.h"

int snap_candidates_add(struct snap_candidates *candidates, struct snap_arena *arena,
	const struct snap_candidate *candidate, struct snap_error *err)
{
	if (candidates->num == SNAP_MAX_CANDIDATES) {
		candidates->num_untold++;
		return 0;
	}
	struct snap_candidate *list = snap_arena_grow(
		arena, candidates->list, candidates->num, &candidates->capacity, sizeof(*list));
	struct snap_candidate copy = *candidate;
	if (list) {
		candidates->list = list;
		copy.path = snap_arena_copy(arena, snap_bytes_str(candidate->path));
		if (candidate->detail)
			copy.detail = snap_arena_copy(arena, snap_bytes_str(candidate->detail));
	}
	if (list && copy.path && (!candidate->detail || copy.detail)) {
		list[candidates->num++] = copy;
		return 0;
	}
	if (!arena->exhausted)
		return snap_error_no_memory(err);
	candidates->num_untold++;
	return 0;
}

const struct snap_candidate *snap_candidates_split(const struct snap_candidates *candidates)
{
	for (size_t i = 0; candidates && i < candidates->num; i++)
		if (candidates->list[i].where == SNAP_WHERE_SPLIT &&
			candidates->list[i].fate != SNAP_FATE_OK &&
			candidates->list[i].fate != SNAP_FATE_UNUSED)
			return &candidates->list[i];
	return NULL;
}

const char *snap_candidate_where_name(enum snap_candidate_where where)
{
	static const char *const names[] = {"symbols", "local", "sysroot", "debug-dir", "debuglink",
		"altlink", "debugdata", "split", "debuginfod", "memory", "elf"};
	return names[where];
}

const char *snap_candidate_role_name(enum snap_candidate_role role)
{
	static const char *const names[] = {
		"executable", "debug", "alternate", "mini", "split", "source"};
	return names[role];
}

const char *snap_candidate_fate_name(enum snap_candidate_fate fate)
{
	static const char *const names[] = {"ok", "unused", "not-found", "wrong-build-id",
		"no-build-id", "crc-differs", "malformed", "not-a-file", "no-permission", "refused",
		"fetch-failed", "error"};
	return names[fate];
}

const char *snap_candidate_fate_words(enum snap_candidate_fate fate)
{
	static const char *const words[] = {"used", "right, but not needed", "not found",
		"of another build", "without a build ID", "not the file that was meant",
		"malformed", "not a regular file", "no permission", "refused", "fetch failed",
		"not readable"};
	return words[fate];
}

enum snap_candidate_fate snap_candidate_fate_of(const struct snap_error *err)
{
	if (err->errnum == SNAP_NOT_ELF)
		return SNAP_FATE_MALFORMED;
	if (err->code == SNAP_ERROR_UNSUPPORTED)
		return SNAP_FATE_NOT_A_FILE;
	switch (err->errnum) {
	case ENOENT:
	case ENOTDIR:
		return SNAP_FATE_NOT_FOUND;
	case EACCES:
	case EPERM:
		return SNAP_FATE_NO_PERMISSION;
	default:
		return SNAP_FATE_ERROR;
	}
}
