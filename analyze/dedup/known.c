#include "analyze/dedup/known.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/user_text.h"

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
	struct snap_known *known, const char *text, const char *file, struct snap_error *err)
{
	json_error_t error;
	json_t *root = json_loads(text, 0, &error), *group, *signature;
	size_t i, j;
	if (!root)
		return snap_user_text_fault(file, (size_t)error.line, "this is no JSON", err);
	json_t *groups = json_object_get(root, "groups");
	int r = json_is_array(groups) ? 0
				      : snap_user_text_fault(
						file, 1, "this JSON has no groups", err);
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

int snap_known_read(const char *file, struct snap_known *ret, struct snap_error *err)
{
	char *text = snap_user_text_read(file, SNAP_KNOWN_MAX_BYTES, err);
	if (!text)
		return -1;
	int r = text[strspn(text, " \t\r\n")] == '{' ? add_json(ret, text, file, err)
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
