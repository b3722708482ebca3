#include "analyze/dedup/input_list.h"

#include <elf.h>
#include <errno.h>
#include <fts.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "analyze/file_open.h"
#include "analyze/file_read.h"
#include "common/escape.h"
#include "common/snapshot.h"

void snap_input_list_deinit(struct snap_input_list *list)
{
	for (size_t i = 0; i < list->num; i++)
		free(list->inputs[i].path);
	free(list->inputs);
	*list = (struct snap_input_list){0};
}

/* ---------------------------------------------------------------- what is an input */

static bool ends_with(const char *name, const char *end)
{
	size_t len = strlen(name), end_len = strlen(end);
	return len > end_len && strcmp(name + len - end_len, end) == 0;
}

static bool begins_with(const uint8_t *head, size_t len, const char *bytes, size_t num)
{
	return len >= num && memcmp(head, bytes, num) == 0;
}

static bool is_compressed(const uint8_t *head, size_t len)
{
	return begins_with(head, len, "\x1f\x8b", 2) ||
	       begins_with(head, len, "\xfd" "7zXZ", 5) ||
	       begins_with(head, len, "\x28\xb5\x2f\xfd", 4) ||
	       begins_with(head, len, "\x04\x22\x4d\x18", 4);
}

/* e_type is the first member after e_ident, in the file's own order of bytes. */
static bool is_core(const uint8_t *head, size_t len)
{
	if (!begins_with(head, len, ELFMAG, SELFMAG) || len < EI_NIDENT + 2)
		return false;
	bool is_big = head[EI_DATA] == ELFDATA2MSB;
	return head[EI_NIDENT + is_big] == ET_CORE && head[EI_NIDENT + !is_big] == 0;
}

static bool is_input(const char *name, const uint8_t *head, size_t len)
{
	/* The tag of the first record, a message, as a varint of two bytes. */
	static const char tag[] = {(char)(((SNAP_RECORD_HEADER << 3 | 2) & 0x7f) | 0x80),
		(char)((SNAP_RECORD_HEADER << 3 | 2) >> 7)};
	/* A device's file may have no such record. */
	if (ends_with(name, ".snap") || begins_with(head, len, tag, sizeof(tag)) || is_core(head, len))
		return true;
	return is_compressed(head, len) && (strstr(name, ".snap.") || strncmp(name, "core", 4) == 0 ||
						   strstr(name, ".core"));
}

static bool takes(const struct snap_input_list *list, const char *path, const char *name)
{
	uint8_t head[64];
	struct snap_error err = SNAP_ERROR_INIT;
	int fd = snap_file_open(path, NULL, &err);
	if (fd < 0)
		return ends_with(name, ".snap") || err.errnum == EACCES; /* the analysis will tell */
	ssize_t n = snap_file_read_at(fd, head, sizeof(head), 0);
	(void)close(fd); /* only read from */
	size_t len = n > 0 ? (size_t)n : 0;
	return list->is_text ? len > 0 && !memchr(head, 0, len) : is_input(name, head, len);
}

/* Hidden, or still being written. */
static bool is_ignored(const char *name)
{
	return name[0] == '.' || ends_with(name, ".part");
}

bool snap_input_list_takes(const struct snap_input_list *list, const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;
	return !is_ignored(name) && takes(list, path, name);
}

/* ---------------------------------------------------------------- the list */

static int add(struct snap_input_list *list, const char *path, const struct stat *st, bool is_named,
	struct snap_error *err)
{
	if (list->num == list->capacity) {
		size_t capacity = list->capacity ? 2 * list->capacity : 64;
		struct snap_listed_input *grown =
			reallocarray(list->inputs, capacity, sizeof(*grown));
		if (!grown)
			return snap_error_no_memory(err);
		list->inputs = grown;
		list->capacity = capacity;
	}
	char *copy = strdup(path);
	if (!copy)
		return snap_error_no_memory(err);
	list->inputs[list->num++] =
		(struct snap_listed_input){.path = copy, .st = *st, .is_named = is_named};
	return 0;
}

static int compare_names(const FTSENT **a, const FTSENT **b)
{
	return strcmp((*a)->fts_name, (*b)->fts_name);
}

static int add_found(struct snap_input_list *list, FTS *tree, FTSENT *entry,
	void (*complain)(const char *format, ...), struct snap_error *err)
{
	char name[1024];
	switch (entry->fts_info) {
	case FTS_D:
		if (entry->fts_level > 0 && entry->fts_name[0] == '.')
			(void)fts_set(tree, entry, FTS_SKIP); /* of such an entry it can't fail */
		return 0;
	case FTS_F:
		if (is_ignored(entry->fts_name))
			return 0;
		if (takes(list, entry->fts_path, entry->fts_name))
			return add(list, entry->fts_path, entry->fts_statp, false, err);
		list->num_passed_over++;
		return 0;
	case FTS_DNR:
	case FTS_ERR:
	case FTS_NS:
		(void)snap_escape(snap_bytes_str(entry->fts_path), SNAP_ESCAPE_TERMINAL, name,
			sizeof(name));
		complain("cannot read '%s': %s", name, strerror(entry->fts_errno));
		list->num_unreadable++;
		return 0;
	default:
		return 0;
	}
}

static int add_tree(struct snap_input_list *list, char *path,
	void (*complain)(const char *format, ...), struct snap_error *err)
{
	char *const paths[] = {path, NULL};
	FTS *tree = fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR | FTS_COMFOLLOW, compare_names);
	FTSENT *entry;
	int r = tree ? 0 : snap_error_no_memory(err);
	errno = 0;
	while (r == 0 && (entry = fts_read(tree))) {
		r = add_found(list, tree, entry, complain, err);
		errno = 0;
	}
	if (r == 0 && errno != 0)
		r = snap_error_errno(err, errno, "cannot read a directory to its end");
	if (tree)
		(void)fts_close(tree); /* nothing was changed */
	return r;
}

int snap_input_list_add(struct snap_input_list *list, const char *path,
	void (*complain)(const char *format, ...), struct snap_error *err)
{
	struct stat st = {0};
	if (strcmp(path, "-") == 0)
		return add(list, path, &st, true, err);
	if (stat(path, &st) < 0) {
		/* The analysis will say what is wrong. */
		st = (struct stat){0};
		return add(list, path, &st, true, err);
	}
	/* By one name, whatever way leads there. */
	char *own = list->is_absolute ? realpath(path, NULL) : strdup(path);
	if (!own)
		return snap_error_no_memory(err);
	size_t len = strlen(own);
	while (len > 1 && own[len - 1] == '/')
		own[--len] = '\0';
	int r = S_ISDIR(st.st_mode) ? add_tree(list, own, complain, err)
				    : add(list, own, &st, true, err);
	free(own);
	return r;
}

/* ---------------------------------------------------------------- each once */

static int compare_files(const void *a, const void *b)
{
	const struct snap_listed_input *x = *(struct snap_listed_input *const *)a;
	const struct snap_listed_input *y = *(struct snap_listed_input *const *)b;
	if (x->st.st_dev != y->st.st_dev)
		return x->st.st_dev < y->st.st_dev ? -1 : 1;
	if (x->st.st_ino != y->st.st_ino)
		return x->st.st_ino < y->st.st_ino ? -1 : 1;
	return x < y ? -1 : x > y;
}

void snap_input_list_finish(struct snap_input_list *list)
{
	struct snap_listed_input **sorted = malloc((list->num + 1) * sizeof(sorted[0]));
	if (!sorted)
		return; /* then some are read twice */
	for (size_t i = 0; i < list->num; i++)
		sorted[i] = &list->inputs[i];
	qsort(sorted, list->num, sizeof(sorted[0]), compare_files);
	for (size_t i = 1; i < list->num; i++)
		if (sorted[i]->st.st_ino != 0 && sorted[i]->st.st_ino == sorted[i - 1]->st.st_ino &&
			sorted[i]->st.st_dev == sorted[i - 1]->st.st_dev) {
			/* The first of them stays the one that the next are compared with. */
			free(sorted[i]->path);
			sorted[i]->path = NULL;
			sorted[i] = sorted[i - 1];
		}
	free(sorted);
	size_t num = 0;
	for (size_t i = 0; i < list->num; i++)
		if (list->inputs[i].path)
			list->inputs[num++] = list->inputs[i];
	list->num = num;
}
