#include "analyze/fields/overlay.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/fields/protoc.h"
#include "analyze/user_text.h"
#include "common/escape.h"

#include "analyze/fields/known_set.h"

/* The bytes of a descriptor set of proto/snapshot.proto. */
static const uint8_t known_set[] = {SNAP_KNOWN_SET};

#define NAME_SIZE 256

struct snap_overlays *snap_overlays_create(struct snap_error *err)
{
	struct snap_overlays *overlays = calloc(1, sizeof(*overlays));
	if (!overlays)
		(void)snap_error_no_memory(err);
	return overlays;
}

const struct snap_schema_message *snap_overlays_known(
	struct snap_overlays *overlays, struct snap_error *err)
{
	if (!overlays->snapshot &&
		snap_schema_read(snap_bytes(known_set, sizeof(known_set)), &overlays->known, err) == 0)
		overlays->snapshot = snap_schema_find(&overlays->known, "snapcrash.Snapshot");
	return overlays->snapshot;
}

void snap_overlays_destroy(struct snap_overlays *overlays)
{
	if (!overlays)
		return;
	for (size_t i = 0; i < overlays->num; i++)
		snap_schema_deinit(&overlays->list[i].schema);
	snap_schema_deinit(&overlays->known);
	free(overlays);
}

/* ---------------------------------------------------------------- messages by name */

static bool ends_with(const char *name, const char *end)
{
	size_t len = strlen(name), end_len = strlen(end);
	return len > end_len && name[len - end_len - 1] == '.' &&
	       strcmp(name + len - end_len, end) == 0;
}

/* Those that are called so at their end, or with NULL all of the file itself; not those of maps. */
static bool is_wanted(const struct snap_schema_message *message, const char *end)
{
	if (message->is_map_entry)
		return false;
	return end ? ends_with(message->name, end) : message->is_of_last_file;
}

/* Their names, and how many there are; those that do not fit are counted in words. */
static size_t list_messages(
	const struct snap_schema *schema, const char *end, char *out, size_t size)
{
	size_t num = 0, num_listed = 0, len = 0;
	*out = '\0';
	for (size_t i = 0; i < schema->num_messages; i++) {
		const char *name = schema->messages[i]->name;
		if (!is_wanted(schema->messages[i], end))
			continue;
		num++;
		if (num_listed + 1 < num ||
			len + strlen(name) + 2 >= size - sizeof(" and 1000000 more"))
			continue;
		len += (size_t)sprintf(out + len, "%s%s", num > 1 ? ", " : "", name);
		num_listed++;
	}
	if (num_listed < num)
		(void)snprintf(out + len, size - len, " and %zu more", num - num_listed);
	return num;
}

/* NULL and *err. */
static const struct snap_schema_message *find_message(const struct snap_schema *schema,
	const char *file, const char *wanted, struct snap_error *err)
{
	const char *bare = wanted[0] == '.' ? wanted + 1 : wanted;
	const struct snap_schema_message *found = snap_schema_find(schema, bare);
	char list[256], name[80];
	if (found)
		return found;
	(void)snap_escape(snap_bytes_str(wanted), SNAP_ESCAPE_TERMINAL, name, sizeof(name));
	size_t num = *bare && wanted == bare ? list_messages(schema, bare, list, sizeof(list)) : 0;
	for (size_t i = 0; i < schema->num_messages && num == 1; i++)
		if (is_wanted(schema->messages[i], bare))
			return schema->messages[i];
	if (num > 1)
		(void)snap_error_set(err, SNAP_ERROR_USAGE, "'%s' has several messages '%s': %s",
			file, name, list);
	else if (list_messages(schema, NULL, list, sizeof(list)) > 0)
		(void)snap_error_set(err, SNAP_ERROR_USAGE, "'%s' has no message '%s'; it has %s",
			file, name, list);
	else
		(void)snap_error_set(err, SNAP_ERROR_USAGE,
			"'%s' has no message '%s', and no other", file, name);
	return NULL;
}

int snap_overlays_add(struct snap_overlays *overlays, struct snap_bytes set, const char *file,
	const char *message, struct snap_error *err)
{
	struct snap_overlay *overlay = &overlays->list[overlays->num];
	struct snap_error why = SNAP_ERROR_INIT;
	char name[NAME_SIZE];
	(void)snap_escape(snap_bytes_str(file), SNAP_ESCAPE_TERMINAL, name, sizeof(name));
	if (overlays->num == SNAP_MAX_OVERLAYS)
		return snap_error_set(err, SNAP_ERROR_USAGE, "at most %d messages can be given",
			SNAP_MAX_OVERLAYS);
	if (snap_schema_read(set, &overlay->schema, &why) < 0)
		return snap_error_set(err, why.code, "cannot read '%s': %s", name, why.text);
	overlay->message = find_message(&overlay->schema, name, message, err);
	if (!overlay->message) {
		snap_schema_deinit(&overlay->schema);
		return -1;
	}
	overlays->num++;
	return 0;
}

/* ---------------------------------------------------------------- what the user wrote */

/* No byte that a .proto can't have. */
static bool is_text(struct snap_bytes bytes)
{
	for (size_t i = 0; i < bytes.len; i++)
		if (bytes.data[i] < ' ' && !strchr("\t\n\v\f\r", bytes.data[i]))
			return false;
	return !memchr(bytes.data, '\0', bytes.len);
}

static int load(struct snap_overlays *overlays, const char *file, const char *message,
	const char *const *dirs, size_t num_dirs, struct snap_error *err)
{
	size_t len;
	char name[NAME_SIZE];
	char *bytes = snap_user_bytes_read(file, SNAP_SCHEMA_MAX_BYTES, &len, err);
	if (!bytes)
		return -1;
	struct snap_bytes content = snap_bytes(bytes, len);
	int r = -1;
	if (snap_schema_is_set(content)) {
		r = snap_overlays_add(overlays, content, file, message, err);
	} else if (is_text(content)) {
		uint8_t *set = snap_protoc_compile(file, dirs, num_dirs, &len, err);
		if (set)
			r = snap_overlays_add(overlays, snap_bytes(set, len), file, message, err);
		free(set);
	} else {
		(void)snap_escape(snap_bytes_str(file), SNAP_ESCAPE_TERMINAL, name, sizeof(name));
		(void)snap_error_set(err, SNAP_ERROR_USAGE,
			"'%s' is neither a descriptor set nor the text of a .proto", name);
	}
	free(bytes);
	return r;
}

int snap_overlays_load(struct snap_overlays *overlays, const char *spec, const char *const *dirs,
	size_t num_dirs, struct snap_error *err)
{
	const char *colon = strrchr(spec, ':');
	char name[NAME_SIZE];
	if (!colon || colon == spec || colon[1] == '\0') {
		(void)snap_escape(snap_bytes_str(spec), SNAP_ESCAPE_TERMINAL, name, sizeof(name));
		return snap_error_set(err, SNAP_ERROR_USAGE,
			"--proto takes FILE:MESSAGE, as in fields.proto:demo.Snapshot, not '%s'",
			name);
	}
	char *file = strndup(spec, (size_t)(colon - spec));
	if (!file)
		return snap_error_no_memory(err);
	int r = load(overlays, file, colon + 1, dirs, num_dirs, err);
	free(file);
	return r;
}
