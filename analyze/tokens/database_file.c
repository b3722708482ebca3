#include "analyze/tokens/database_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "analyze/file_open.h"
#include "analyze/file_read.h"
#include "analyze/symbols/elf_file.h"
#include "analyze/tokens/database_binary.h"
#include "analyze/tokens/database_csv.h"
#include "analyze/tokens/database_elf.h"
#include "analyze/user_text.h"
#include "common/escape.h"

#define MAX_FILE_BYTES SNAP_TOKENS_MAX_BYTES
#define MAX_FILES      10000
#define NAME_SIZE      256

static int fail(
	struct snap_error *err, const char *what, const char *path, const struct snap_error *why)
{
	char name[NAME_SIZE];
	(void)snap_escape(snap_bytes_str(path), SNAP_ESCAPE_TERMINAL, name, sizeof(name));
	return snap_error_set(err, why->code == SNAP_ERROR_NO_MEMORY ? why->code : SNAP_ERROR_USAGE,
		"%s '%s': %s", what, name, why->text);
}

/* ELF files are mapped: all but a small part of a large one is never looked at. fd is closed. */
static int add_elf(struct snap_tokens *tokens, int fd, const char *path, bool is_listed,
	struct snap_error *err)
{
	struct snap_error why = SNAP_ERROR_INIT;
	struct snap_elf_file file;
	if (snap_elf_file_open_part(fd, path, &file, &why) < 0)
		return is_listed && why.code != SNAP_ERROR_NO_MEMORY
			       ? 0
			       : fail(err, "cannot read", path, &why);
	int num = snap_tokens_add_elf_file(tokens, &file, &why);
	snap_elf_file_deinit(&file);
	if (num == 0 && !is_listed)
		(void)snap_error_set(&why, SNAP_ERROR_MALFORMED,
			"it has no tokens, no section .pw_tokenizer.entries");
	return num < 0 || (num == 0 && !is_listed) ? fail(err, "no token database", path, &why) : 0;
}

static int add_other(struct snap_tokens *tokens, const char *path, struct snap_error *err)
{
	struct snap_error why = SNAP_ERROR_INIT;
	size_t len;
	char *text = snap_user_bytes_read(path, MAX_FILE_BYTES, &len, err);
	if (!text)
		return -1;
	struct snap_bytes bytes = snap_bytes(text, len);
	int r;
	if (!snap_tokens_is_binary(bytes)) {
		r = snap_tokens_add_csv(tokens, bytes, path, err);
	} else {
		r = snap_tokens_add_binary(tokens, bytes, &why);
		if (r < 0)
			(void)fail(err, "no token database", path, &why);
	}
	free(text);
	return r;
}

static bool ends_in(const char *name, const char *suffix)
{
	size_t len = strlen(name), suffix_len = strlen(suffix);
	return len > suffix_len && strcmp(name + len - suffix_len, suffix) == 0;
}

static bool has_suffix(const char *name)
{
	return ends_in(name, ".csv") || ends_in(name, ".binary") || ends_in(name, ".db");
}

/* is_listed: it was found in a directory. *ret_num: so many were read, added to. */
static int add_file(struct snap_tokens *tokens, const char *path, bool is_listed, size_t *ret_num,
	struct snap_error *err)
{
	struct snap_error why = SNAP_ERROR_INIT;
	uint8_t head[SELFMAG];
	int fd = snap_file_open(path, NULL, &why);
	/* In a directory, others than these are nobody's business. */
	if (fd < 0 && is_listed && !has_suffix(path))
		return 0;
	if (fd < 0)
		return fail(err, "cannot open", path, &why);
	ssize_t len = snap_file_read_at(fd, head, sizeof(head), 0);
	if (len > 0 && snap_tokens_is_elf(snap_bytes(head, (size_t)len))) {
		++*ret_num;
		return add_elf(tokens, fd, path, is_listed, err);
	}
	(void)close(fd); /* only read from */
	if (is_listed && !has_suffix(path))
		return 0;
	++*ret_num;
	return add_other(tokens, path, err);
}

/* ---------------------------------------------------------------- directories */

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void free_names(char **names, size_t num)
{
	for (size_t i = 0; i < num; i++)
		free(names[i]);
	free(names);
}

/* The paths of what is in it, sorted: which of two files is wrong is said alike each time. */
static int list(
	DIR *dir, const char *path, char ***ret_names, size_t *ret_num, struct snap_error *err)
{
	char **names = NULL;
	size_t num = 0;
	struct dirent *entry;
	while (errno = 0, (entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		char **grown =
			num < MAX_FILES ? reallocarray(names, num + 1, sizeof(*names)) : NULL;
		if (grown)
			names = grown;
		if (!grown || asprintf(&names[num], "%s/%s", path, entry->d_name) < 0) {
			free_names(names, num);
			struct snap_error why = SNAP_ERROR_INIT;
			if (num < MAX_FILES)
				return snap_error_no_memory(err);
			(void)snap_error_set(
				&why, SNAP_ERROR_LIMIT, "it has more than %d files", MAX_FILES);
			return fail(err, "cannot read", path, &why);
		}
		num++;
	}
	int errnum = errno;
	if (errnum) {
		struct snap_error why = SNAP_ERROR_INIT;
		free_names(names, num);
		(void)snap_error_set(&why, SNAP_ERROR_SYSTEM, "%s", strerror(errnum));
		return fail(err, "cannot read", path, &why);
	}
	if (num > 0)
		qsort(names, num, sizeof(*names), compare_names);
	*ret_names = names;
	*ret_num = num;
	return 0;
}

/* dir is closed. */
static int add_directory(
	struct snap_tokens *tokens, DIR *dir, const char *path, struct snap_error *err)
{
	char **names = NULL;
	size_t num = 0, num_read = 0;
	int r = list(dir, path, &names, &num, err);
	(void)closedir(dir); /* only read from */
	if (r < 0)
		return -1;
	for (size_t i = 0; i < num && r == 0; i++)
		r = add_file(tokens, names[i], true, &num_read, err);
	free_names(names, num);
	if (r == 0 && num_read == 0) {
		struct snap_error why = SNAP_ERROR_INIT;
		(void)snap_error_set(&why, SNAP_ERROR_USAGE,
			"it has no file *.csv, *.binary or *.db, and no ELF file");
		return fail(err, "no token database", path, &why);
	}
	return r;
}

int snap_tokens_add_path(struct snap_tokens *tokens, const char *path, struct snap_error *err)
{
	size_t num = 0;
	int fd = snap_directory_open(AT_FDCWD, path, true, NULL);
	if (fd < 0)
		return add_file(tokens, path, false, &num, err);
	DIR *dir = fdopendir(fd);
	if (!dir) {
		(void)close(fd); /* only read from */
		return snap_error_no_memory(err);
	}
	return add_directory(tokens, dir, path, err);
}
