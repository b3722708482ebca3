#include "analyze/dedup/known.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/escape.h"

void snap_known_deinit(struct snap_known *known)
{
	for (size_t i = 0; i < known->num; i++)
		free(known->ids[i]);
	free(known->ids);
	*known = (struct snap_known){0};
}

static int add(struct snap_known *known, const char *id, size_t len, struct snap_error *err)
{
	if (known->num == known->capacity) {
		size_t capacity = known->capacity ? 2 * known->capacity : 64;
		char **grown = reallocarray(known->ids, capacity, sizeof(*grown));
		if (!grown)
			return snap_error_no_memory(err);
		known->ids = grown;
		known->capacity = capacity;
	}
	char *copy = strndup(id, len);
	if (!copy)
		return snap_error_no_memory(err);
	known->ids[known->num++] = copy;
	return 0;
}

static int add_member(struct snap_known *known, const json_t *object, struct snap_error *err)
{
	const char *id = json_string_value(json_object_get(object, "id"));
	return id ? add(known, id, strlen(id), err) : 0;
}

static int add_json(
	struct snap_known *known, const char *text, size_t len, const char *name, struct snap_error *err)
{
	json_error_t error;
	json_t *root = json_loadb(text, len, 0, &error), *group, *signature;
	size_t i, j;
	if (!root)
		return snap_error_set(err, SNAP_ERROR_USAGE, "%s:%d: this is no JSON", name, error.line);
	json_t *groups = json_object_get(root, "groups");
	int r = json_is_array(groups) ? 0
				      : snap_error_set(err, SNAP_ERROR_USAGE,
						"%s: this JSON has no groups", name);
	json_array_foreach(groups, i, group) {
		if (r == 0)
			r = add_member(known, group, err);
		json_array_foreach(json_object_get(group, "signatures"), j, signature)
			if (r == 0)
				r = add_member(known, signature, err);
	}
	json_decref(root);
	return r;
}

static int add_lines(struct snap_known *known, const char *text, struct snap_error *err)
{
	int r = 0;
	while (r == 0 && *text) {
		const char *word = text + strspn(text, " \t");
		size_t len = strcspn(word, " \t\r\n");
		if (len > 0 && word[0] != '#')
			r = add(known, word, len, err);
		text = strchr(text, '\n');
		if (!text)
			break;
		text++;
	}
	return r;
}

static int compare_ids(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* All of it, with a NUL behind; *ret is to be freed. */
static int read_whole(
	const char *file, const char *name, char **ret, size_t *ret_len, struct snap_error *err)
{
	FILE *in = fopen(file, "re");
	char *text = NULL;
	size_t size = 1 << 16, len = 0;
	int r = in ? 0 : snap_error_errno(err, errno, "cannot open '%s'", name);
	while (r == 0) {
		char *grown = realloc(text, size + 1);
		if (!grown) {
			r = snap_error_no_memory(err);
			break;
		}
		text = grown;
		errno = 0;
		len += fread(text + len, 1, size - len, in);
		if (ferror(in))
			r = snap_error_errno(err, errno, "cannot read '%s'", name);
		else if (len < size)
			break;
		else if (size >= SNAP_KNOWN_MAX_BYTES)
			r = snap_error_set(err, SNAP_ERROR_LIMIT, "'%s' is too large", name);
		size *= 2;
	}
	if (in)
		(void)fclose(in); /* only read from */
	if (r < 0) {
		free(text);
		return -1;
	}
	text[len] = '\0';
	*ret = text;
	*ret_len = len;
	return 0;
}

int snap_known_read(const char *file, struct snap_known *ret, struct snap_error *err)
{
	char name[256], *text;
	size_t len;
	(void)snap_escape(snap_bytes_str(file), SNAP_ESCAPE_TERMINAL, name, sizeof(name));
	if (read_whole(file, name, &text, &len, err) < 0)
		return -1;
	int r = text[strspn(text, " \t\r\n")] == '{' ? add_json(ret, text, len, name, err)
						     : add_lines(ret, text, err);
	free(text);
	if (r == 0 && ret->num > 0)
		qsort(ret->ids, ret->num, sizeof(ret->ids[0]), compare_ids);
	return r;
}

static bool has(const struct snap_known *known, const char *id)
{
	return known->num > 0 &&
	       bsearch(&id, known->ids, known->num, sizeof(known->ids[0]), compare_ids);
}

bool snap_known_has(const struct snap_known *known, const struct snap_group *group)
{
	if (has(known, group->id))
		return true;
	for (size_t i = 0; i < group->num_ids; i++)
		if (has(known, group->ids[i].id))
			return true;
	return false;
}
