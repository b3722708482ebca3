#include "analyze/fields/unknown.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/snapshot.h"
#include "proto/snapshot.pb-c.h"

/* Pigweed's, whose bytes we show nowhere: listed as if it was not known. */
#define TRACE_DATA	21
#define TRACE_DATA_NAME "trace_data"
/* Our own numbers, and those of any user of Pigweed's. */
#define FIRST_OF_OURS 1032

/* Of our messages: fields, and messages in messages (SNAP_MAX_NESTING is of what others write). */
#define MAX_KNOWN_FIELDS 128
#define MAX_DEPTH	 8
/* Power of two, twice as many as there are fields. */
#define NUM_SLOTS 512
#define NONE	  SIZE_MAX

/* A message that is walked through, in the one that it is in. */
struct place {
	const struct place *parent;	       /* NULL: the snapshot */
	const struct snap_schema_field *field; /* by which it is in that */
	size_t index;			       /* of the field's, if that is repeated */
	struct snap_bytes payload;
	const struct snap_schema_message *known; /* its type, of ours */
	/* What the user says of it. */
	const struct snap_schema_message *overlays[SNAP_MAX_OVERLAYS];
	size_t num_overlays;
	size_t path; /* index into paths; NONE: not yet looked up */
	/* Entries that it has something of; NONE: there are none. */
	size_t first_pending, last_pending;
};

/* Messages of one kind in messages of one kind. */
struct path {
	size_t parent; /* index; NONE: of the snapshot */
	const struct snap_schema_field *field;
};

/* A field's entry while it is made. */
struct entry {
	struct snap_unknown_field field;
	size_t path;
	struct snap_field_found *found;
	size_t capacity;
	/* What the message that is walked through has of it. */
	struct snap_raw_list pending;
	uint64_t pending_left_out;
	bool is_pending;
	size_t next_pending; /* in the same message; NONE: it is the last */
};

struct walk {
	const struct snap_schema_message *snapshot; /* of ours */
	bool is_foreign;
	struct snap_arena *arena;
	struct snap_decoder decoder;
	struct path *paths;
	size_t num_paths, paths_capacity;
	struct entry *entries;
	size_t num_entries, entries_capacity;
	uint16_t *slots; /* of entries, plus one; NULL: none yet */
	uint64_t left_out, bytes_left_out;
	struct snap_bytes thread; /* whose id is known; absent: none's */
	bool has_tid;
	uint64_t tid;
	struct snap_error *err;
};

/* ---------------------------------------------------------------- entries */

/* NONE: no memory. The snapshot's own is 0. */
static size_t find_path(struct walk *w, const struct place *place)
{
	if (!place->parent)
		return 0;
	size_t parent =
		place->parent->path == NONE ? find_path(w, place->parent) : place->parent->path;
	if (parent == NONE)
		return NONE;
	for (size_t i = 1; i < w->num_paths; i++)
		if (w->paths[i].parent == parent && w->paths[i].field == place->field)
			return i;
	struct path *grown = snap_arena_grow(
		w->arena, w->paths, w->num_paths, &w->paths_capacity, sizeof(*grown));
	if (!grown)
		return NONE;
	w->paths = grown;
	grown[w->num_paths] = (struct path){parent, place->field};
	return w->num_paths++;
}

/* "threads.linux_thread." of a path; NULL: no memory. */
static const char *path_prefix(struct walk *w, size_t path)
{
	char text[1024] = "";
	for (; path != 0; path = w->paths[path].parent) {
		/* Our own names, which are short. */
		const char *name = w->paths[path].field->name;
		size_t len = strlen(name), had = strlen(text);
		if (len + 1 + had >= sizeof(text))
			break;
		memmove(text + len + 1, text, had + 1);
		memcpy(text, name, len);
		text[len] = '.';
	}
	return snap_arena_copy(w->arena, snap_bytes_str(text));
}

static int fill_entry(
	struct walk *w, struct entry *entry, uint32_t number, const struct place *place)
{
	char text[16];
	struct snap_unknown_field *field = &entry->field;
	const char *prefix = path_prefix(w, entry->path);
	if (!prefix)
		return -1;
	int len = snprintf(text, sizeof(text), "%u", number);
	size_t prefix_len = strlen(prefix);
	char *path = snap_arena_alloc(w->arena, prefix_len + (size_t)len + 1);
	if (!path)
		return -1;
	memcpy(path, prefix, prefix_len);
	memcpy(path + prefix_len, text, (size_t)len);
	field->path = path;
	field->number = number;
	if (entry->path == 0 && number == TRACE_DATA)
		field->name = TRACE_DATA_NAME;
	for (size_t i = 0; i < place->num_overlays && !field->declared; i++) {
		field->declared = snap_schema_field_find(place->overlays[i], number);
		field->overlay = place->overlays[i];
	}
	if (field->declared)
		field->name = field->declared->name;
	else
		field->overlay = NULL;
	return 0;
}

static size_t slot_of(size_t path, uint32_t number)
{
	return (size_t)((path * 0x9e3779b1u + number) * UINT64_C(0x9e3779b97f4a7c15) >> 32) &
	       (NUM_SLOTS - 1);
}

/*
 * The entry of that number in messages like this one, whose path is known. 1; 0 if there are too
 * many already; -1: no memory.
 */
static int find_entry(struct walk *w, const struct place *place, uint32_t number, size_t *ret)
{
	if (!w->slots && !(w->slots = snap_arena_alloc(w->arena, NUM_SLOTS * sizeof(*w->slots))))
		return -1;
	size_t path = place->path, slot = slot_of(path, number);
	for (; w->slots[slot] != 0; slot = (slot + 1) & (NUM_SLOTS - 1)) {
		size_t index = w->slots[slot] - 1u;
		if (w->entries[index].path == path && w->entries[index].field.number == number) {
			*ret = index;
			return 1;
		}
	}
	if (w->num_entries == SNAP_MAX_UNKNOWN_FIELDS)
		return 0;
	struct entry *grown = snap_arena_grow(
		w->arena, w->entries, w->num_entries, &w->entries_capacity, sizeof(*grown));
	if (!grown)
		return -1;
	w->entries = grown;
	struct entry *entry = &grown[w->num_entries];
	*entry = (struct entry){.path = path};
	if (fill_entry(w, entry, number, place) < 0)
		return -1;
	*ret = w->num_entries++;
	w->slots[slot] = (uint16_t)w->num_entries;
	return 1;
}

/* ---------------------------------------------------------------- what is found */

/* "threads[2].linux_thread"; NULL: no memory. */
static const char *describe(struct walk *w, const struct place *place)
{
	char text[1024] = "";
	for (; place->parent; place = place->parent) {
		char part[512];
		size_t had = strlen(text);
		int len = place->field->is_repeated
				  ? snprintf(part, sizeof(part), "%s[%zu]", place->field->name,
					    place->index)
				  : snprintf(part, sizeof(part), "%s", place->field->name);
		if (len < 0 || (size_t)len + 1 + had >= sizeof(text))
			break;
		memmove(text + len + (had > 0), text, had + 1);
		memcpy(text, part, (size_t)len);
		if (had > 0)
			text[len] = '.';
	}
	return snap_arena_copy(w->arena, snap_bytes_str(text));
}

/* Of the thread that it is in, which is looked through once. */
static void find_tid(struct walk *w, const struct place *place, struct snap_field_found *found)
{
	enum { THREAD_ID = 12 };
	struct snap_raw_field field;
	size_t off = 0;
	while (place->parent && place->parent->parent)
		place = place->parent;
	if (!place->parent || place->field->number != SNAP_RECORD_THREAD)
		return;
	if (w->thread.data != place->payload.data) {
		w->thread = place->payload;
		w->has_tid = false;
		while (snap_raw_next(w->thread, &off, &field) > 0)
			if (field.number == THREAD_ID && field.wire == SNAP_RAW_VARINT) {
				w->tid = field.value;
				w->has_tid = true;
			}
	}
	found->has_tid = w->has_tid;
	found->tid = w->has_tid ? w->tid : 0;
}

/* Decode what this message has of the field. */
static int flush_entry(struct walk *w, struct entry *entry, const struct place *place)
{
	struct snap_field_found found = {0};
	entry->is_pending = false;
	/* Of what is beyond the limits, only how much there is. */
	if (entry->pending.num == 0 && entry->field.num_found > 0) {
		entry->found[entry->field.num_found - 1].message.left_out +=
			entry->pending_left_out;
		entry->pending_left_out = 0;
		return 0;
	}
	if (place->parent && !(found.within = describe(w, place)))
		return snap_error_no_memory(w->err);
	find_tid(w, place, &found);
	if (snap_decode(
		    &w->decoder, entry->field.overlay, &entry->pending, &found.message, w->err) < 0)
		return -1;
	found.message.left_out += entry->pending_left_out;
	entry->pending.num = 0;
	entry->pending_left_out = 0;
	struct snap_field_found *grown = snap_arena_grow(
		w->arena, entry->found, entry->field.num_found, &entry->capacity, sizeof(*grown));
	if (!grown)
		return snap_error_no_memory(w->err);
	entry->found = grown;
	grown[entry->field.num_found++] = found;
	entry->field.found = grown;
	return 0;
}

static int take_unknown(struct walk *w, struct place *place, const struct snap_raw_field *raw)
{
	size_t index;
	if (place->path == NONE)
		place->path = find_path(w, place);
	int r = place->path == NONE ? -1 : find_entry(w, place, raw->number, &index);
	if (r < 0)
		return snap_error_no_memory(w->err);
	if (r == 0) {
		w->left_out++;
		w->bytes_left_out += raw->size;
		return 0;
	}
	struct entry *entry = &w->entries[index];
	struct snap_unknown_field *field = &entry->field;
	if (field->count++ == 0)
		field->wire = raw->wire;
	field->is_mixed |= field->wire != raw->wire;
	field->bytes += raw->size;
	if (!field->declared)
		return 0;
	if (!entry->is_pending) {
		entry->is_pending = true;
		entry->next_pending = NONE;
		if (place->first_pending == NONE)
			place->first_pending = index;
		else
			w->entries[place->last_pending].next_pending = index;
		place->last_pending = index;
	}
	bool is_taken;
	if (snap_raw_list_add(&w->decoder, &entry->pending, raw, &is_taken, w->err) < 0)
		return -1;
	entry->pending_left_out += !is_taken;
	return 0;
}

/* ---------------------------------------------------------------- the walk */

/* Whether the field, which is ours or NULL, is not to be taken for that. */
static bool is_unknown(const struct walk *w, const struct place *place, uint32_t number,
	const struct snap_schema_field *field)
{
	if (!field || (!place->parent && number == TRACE_DATA))
		return true;
	for (size_t i = 0; i < place->num_overlays && w->is_foreign && number >= FIRST_OF_OURS; i++)
		if (snap_schema_field_find(place->overlays[i], number))
			return true;
	return false;
}

static int walk_message(struct walk *w, struct place *place, unsigned int depth);

/* A message of ours in that place. */
static int walk_inner(struct walk *w, const struct place *place,
	const struct snap_schema_field *field, size_t index, struct snap_bytes payload,
	unsigned int depth)
{
	struct place inner = {
		.parent = place,
		.field = field,
		.index = index,
		.payload = payload,
		.known = field->message,
		.path = NONE,
		.first_pending = NONE,
	};
	for (size_t i = 0; i < place->num_overlays; i++) {
		const struct snap_schema_field *own =
			snap_schema_field_find(place->overlays[i], field->number);
		if (own && own->type == SNAP_FIELD_MESSAGE && own->message)
			inner.overlays[inner.num_overlays++] = own->message;
	}
	return walk_message(w, &inner, depth);
}

static int walk_message(struct walk *w, struct place *place, unsigned int depth)
{
	uint32_t counts[MAX_KNOWN_FIELDS] = {0};
	struct snap_raw_field raw;
	size_t off = 0;
	int r = 0;
	/* Where it is no message any more, integrity says so. */
	while (r == 0 && snap_raw_next(place->payload, &off, &raw) > 0) {
		const struct snap_schema_field *field =
			snap_schema_field_find(place->known, raw.number);
		if (is_unknown(w, place, raw.number, field)) {
			r = take_unknown(w, place, &raw);
			continue;
		}
		size_t at = (size_t)(field - place->known->fields);
		/* Related snapshots are inputs of their own. */
		if (field->message && raw.wire == SNAP_RAW_BYTES && at < MAX_KNOWN_FIELDS &&
			field->message != w->snapshot && depth < MAX_DEPTH)
			r = walk_inner(w, place, field, counts[at]++, raw.payload, depth + 1);
	}
	for (size_t i = place->first_pending; r == 0 && i != NONE; i = w->entries[i].next_pending)
		r = flush_entry(w, &w->entries[i], place);
	return r;
}

/* The snapshot's own fields first. */
static int compare_fields(const void *a, const void *b)
{
	const struct snap_unknown_field *x = a, *y = b;
	const char *dot_x = strrchr(x->path, '.'), *dot_y = strrchr(y->path, '.');
	size_t len_x = dot_x ? (size_t)(dot_x - x->path) : 0;
	size_t len_y = dot_y ? (size_t)(dot_y - y->path) : 0;
	int r = memcmp(x->path, y->path, len_x < len_y ? len_x : len_y);
	if (r != 0 || len_x != len_y)
		return r ? r : len_x < len_y ? -1 : 1;
	return x->number < y->number ? -1 : x->number > y->number;
}

static int finish(struct walk *w, struct snap_fields *ret)
{
	struct snap_unknown_field *list =
		snap_arena_alloc(w->arena, w->num_entries * sizeof(*list));
	if (!list)
		return snap_error_no_memory(w->err);
	for (size_t i = 0; i < w->num_entries; i++)
		list[i] = w->entries[i].field;
	if (w->num_entries > 0)
		qsort(list, w->num_entries, sizeof(*list), compare_fields);
	*ret = (struct snap_fields){
		.list = list,
		.num = w->num_entries,
		.left_out = w->left_out,
		.bytes_left_out = w->bytes_left_out,
	};
	return 0;
}

/*
 * Whether there is any field that is not ours. Asked first: mostly there is none, and the descriptors
 * for that are in the program, whereas those that have names and types for people are read first.
 */
static bool has_unknown(
	struct snap_bytes payload, const ProtobufCMessageDescriptor *known, unsigned int depth)
{
	const bool is_snapshot = known == &snapcrash__snapshot__descriptor;
	struct snap_raw_field raw;
	size_t off = 0;
	while (snap_raw_next(payload, &off, &raw) > 0) {
		const ProtobufCFieldDescriptor *field =
			protobuf_c_message_descriptor_get_field(known, raw.number);
		if (!field || (is_snapshot && raw.number == TRACE_DATA))
			return true;
		/* As the walk goes. */
		if (field->type == PROTOBUF_C_TYPE_MESSAGE && raw.wire == SNAP_RAW_BYTES &&
			field->descriptor != &snapcrash__snapshot__descriptor &&
			depth < MAX_DEPTH &&
			has_unknown(raw.payload, field->descriptor, depth + 1))
			return true;
	}
	return false;
}

int snap_fields_find(struct snap_bytes snapshot, bool is_foreign,
	struct snap_overlays *overlays, struct snap_arena *arena, struct snap_fields *ret,
	struct snap_error *err)
{
	*ret = (struct snap_fields){0};
	if (overlays->num == 0 && !has_unknown(snapshot, &snapcrash__snapshot__descriptor, 1))
		return 0;
	struct walk w = {
		.snapshot = snap_overlays_known(overlays, err),
		.is_foreign = is_foreign,
		.arena = arena,
		.num_paths = 1,
		.err = err,
	};
	struct place place = {
		.payload = snapshot,
		.known = w.snapshot,
		.num_overlays = overlays->num,
		.path = NONE,
		.first_pending = NONE,
	};
	if (!w.snapshot)
		return -1;
	struct path *paths = snap_arena_grow(arena, NULL, 0, &w.paths_capacity, sizeof(*paths));
	if (!paths)
		return snap_error_no_memory(err);
	w.paths = paths;
	snap_decoder_init(&w.decoder, arena);
	for (size_t i = 0; i < overlays->num; i++)
		place.overlays[i] = overlays->list[i].message;
	int r = walk_message(&w, &place, 1);
	if (r == 0)
		r = finish(&w, ret);
	for (size_t i = 0; i < w.num_entries; i++)
		snap_raw_list_deinit(&w.entries[i].pending);
	return r;
}
