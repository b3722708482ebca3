#include "analyze/dedup/entry.h"

#include <stdlib.h>
#include <string.h>

#include "analyze/explain/explain.h"
#include "common/escape.h"
#include "proto/entry.pb-c.h"

#define MAX_UUID 64
/* 2000 and 2262: what comes after that has no number in nanoseconds. */
#define MIN_TIME_S INT64_C(946684800)
#define MAX_TIME_S INT64_C(9223372035)
/* What unpacking may take beside the bytes themselves. */
#define MAX_UNPACK_BYTES (8u << 20)

/* ---------------------------------------------------------------- from the model */

/* Valid UTF-8, cut; NULL if text is absent or empty, or (then *failed) without memory. */
static const char *read_text(struct snap_bytes text, struct snap_arena *arena, bool *failed)
{
	char buffer[SNAP_ENTRY_MAX_STRING];
	if (text.len == 0)
		return NULL;
	(void)snap_escape(text, SNAP_ESCAPE_INVALID, buffer, sizeof(buffer)); /* cut to fit */
	const char *ret = snap_arena_copy(arena, snap_bytes_str(buffer));
	*failed |= !ret;
	return ret;
}

/* In this order: a whole file, a whole stack, names, what was inlined, how much was captured. */
static uint64_t rate_completeness(
	const struct snap_crash *crash, const struct snap_evidence *evidence)
{
	const struct snap_crash_thread *thread = snap_crash_crashed_thread(crash);
	const uint64_t most = 63, max_bytes = (UINT64_C(1) << 40) - 1;
	uint64_t nameless = evidence->num_nameless, symbols = evidence->num_symbols_only;
	uint64_t rate = crash->integrity == SNAP_INTEGRITY_COMPLETE || crash->is_core;
	rate = rate << 1 | (thread && thread->end == SNAP_END_COMPLETE);
	rate = rate << 6 | (most - (nameless < most ? nameless : most));
	rate = rate << 6 | (most - (symbols < most ? symbols : most));
	return rate << 40 | (crash->file_bytes < max_bytes ? crash->file_bytes : max_bytes);
}

int snap_entry_read(const struct snap_crash *crash, const struct snap_rules *rules,
	struct snap_arena *arena, struct snap_entry *ret, struct snap_error *err)
{
	const struct snap_metadata *metadata = &crash->metadata;
	bool failed = false;
	*ret = (struct snap_entry){
		.line = crash->text_line,
		.kind = snap_kind_name(crash->cause.kind),
		.id = crash->signature.id,
		.text = crash->signature.text,
		.physical_id =
			crash->signature.ids[SNAP_SIGNATURE_PHYSICAL][snap_rules_depth(rules)],
		.project = read_text(metadata->project_name, arena, &failed),
		.device = read_text(metadata->device_name, arena, &failed),
		.version = read_text(metadata->software_version, arena, &failed),
	};
	if (metadata->snapshot_uuid.len > 0 && metadata->snapshot_uuid.len <= MAX_UUID)
		ret->uuid = metadata->snapshot_uuid;
	if (crash->capture.has_time && crash->capture.time_s >= MIN_TIME_S &&
		crash->capture.time_s <= MAX_TIME_S) {
		ret->has_time = true;
		ret->captured_ns = crash->capture.time_s * 1000000000 +
				   crash->capture.time_ns % 1000000000;
	}
	for (size_t i = 0; i < crash->num_tags && ret->num_tags < SNAP_ENTRY_MAX_TAGS; i++) {
		const char *key = read_text(crash->tags[i].key, arena, &failed);
		const char *value = read_text(crash->tags[i].value, arena, &failed);
		ret->tags[ret->num_tags].key = key ? key : "";
		ret->tags[ret->num_tags++].value = value ? value : "";
	}
	if (failed)
		return snap_error_no_memory(err);
	if (snap_evidence_read(crash, rules, arena, &ret->evidence, err) < 0)
		return -1;
	ret->completeness = rate_completeness(crash, &ret->evidence);
	return 0;
}

/* ---------------------------------------------------------------- packed */

static ProtobufCBinaryData pack_str(const char *s)
{
	size_t len = s ? strlen(s) : 0;
	if (len > SNAP_ENTRY_MAX_STRING)
		/* Between characters. */
		for (len = SNAP_ENTRY_MAX_STRING; len > 0 && ((uint8_t)s[len] & 0xc0) == 0x80;)
			len--;
	return (ProtobufCBinaryData){.data = (uint8_t *)s, .len = len};
}

#define PACK_STR(message, field, s)                                                                \
	do {                                                                                       \
		(message).has_##field = (s) != NULL;                                               \
		(message).field = pack_str(s);                                                     \
	} while (0)

static Snapcrash__Index__Function **pack_functions(
	const struct snap_evidence *evidence, struct snap_arena *arena)
{
	size_t num = evidence->num_functions;
	Snapcrash__Index__Function **ret = snap_arena_alloc(arena, num * sizeof(ret[0]));
	Snapcrash__Index__Function *functions = snap_arena_alloc(arena, num * sizeof(functions[0]));
	if (!ret || !functions)
		return NULL;
	for (size_t i = 0; i < num; i++) {
		snapcrash__index__function__init(&functions[i]);
		PACK_STR(functions[i], name, evidence->functions[i]);
		ret[i] = &functions[i];
	}
	return ret;
}

static Snapcrash__Index__Kept **pack_kept(
	const struct snap_evidence *evidence, struct snap_arena *arena)
{
	size_t num = evidence->num_kept;
	Snapcrash__Index__Kept **ret = snap_arena_alloc(arena, num * sizeof(ret[0]));
	Snapcrash__Index__Kept *kept = snap_arena_alloc(arena, num * sizeof(kept[0]));
	if (!ret || !kept)
		return NULL;
	for (size_t i = 0; i < num; i++) {
		snapcrash__index__kept__init(&kept[i]);
		PACK_STR(kept[i], function, evidence->kept[i].function);
		kept[i].has_build = evidence->kept[i].build != 0;
		kept[i].build = evidence->kept[i].build;
		ret[i] = &kept[i];
	}
	return ret;
}

static Snapcrash__Index__Tag **pack_tags(const struct snap_entry *entry, struct snap_arena *arena)
{
	Snapcrash__Index__Tag **ret = snap_arena_alloc(arena, entry->num_tags * sizeof(ret[0]));
	Snapcrash__Index__Tag *tags = snap_arena_alloc(arena, entry->num_tags * sizeof(tags[0]));
	if (!ret || !tags)
		return NULL;
	for (size_t i = 0; i < entry->num_tags; i++) {
		snapcrash__index__tag__init(&tags[i]);
		PACK_STR(tags[i], key, entry->tags[i].key);
		PACK_STR(tags[i], value, entry->tags[i].value);
		ret[i] = &tags[i];
	}
	return ret;
}

int snap_entry_pack(const struct snap_entry *entry, struct snap_arena *arena,
	struct snap_bytes *ret, struct snap_error *err)
{
	const struct snap_evidence *evidence = &entry->evidence;
	Snapcrash__Index__Entry message = SNAPCRASH__INDEX__ENTRY__INIT;
	message.has_line = entry->line > 0;
	message.line = entry->line;
	message.has_uuid = entry->uuid.len > 0;
	message.uuid = (ProtobufCBinaryData){.data = (uint8_t *)entry->uuid.data, .len = entry->uuid.len};
	message.has_captured_ns = entry->has_time;
	message.captured_ns = entry->captured_ns;
	message.has_completeness = true;
	message.completeness = entry->completeness;
	PACK_STR(message, kind, entry->kind);
	PACK_STR(message, id, entry->id);
	PACK_STR(message, text, entry->text);
	PACK_STR(message, physical_id, entry->physical_id);
	PACK_STR(message, project, entry->project);
	PACK_STR(message, device, entry->device);
	PACK_STR(message, version, entry->version);
	message.has_num_nameless = message.has_num_symbols_only = message.has_num_decisive = true;
	message.num_nameless = evidence->num_nameless;
	message.num_symbols_only = evidence->num_symbols_only;
	message.num_decisive = (uint32_t)evidence->num_decisive;
	message.has_num_telling = true;
	message.num_telling = (uint32_t)evidence->num_telling;
	message.has_first = true;
	message.first = evidence->first;
	message.n_frames = evidence->num_frames;
	message.frames = (uint64_t *)evidence->frames;
	message.n_functions = evidence->num_functions;
	message.functions = pack_functions(evidence, arena);
	message.n_kept = evidence->num_kept;
	message.kept = pack_kept(evidence, arena);
	message.n_tags = entry->num_tags;
	message.tags = pack_tags(entry, arena);
	if (!message.functions || !message.kept || !message.tags)
		return snap_error_no_memory(err);
	/* The functions are the least of it, but there are most of them. */
	size_t len = snapcrash__index__entry__get_packed_size(&message);
	if (len > SNAP_ENTRY_MAX_BYTES) {
		message.n_functions = 0;
		len = snapcrash__index__entry__get_packed_size(&message);
	}
	if (len > SNAP_ENTRY_MAX_BYTES) {
		message.n_tags = 0;
		len = snapcrash__index__entry__get_packed_size(&message);
	}
	uint8_t *data = snap_arena_alloc(arena, len);
	if (!data)
		return snap_error_no_memory(err);
	*ret = snap_bytes(data, snapcrash__index__entry__pack(&message, data));
	return 0;
}

/* ---------------------------------------------------------------- unpacked */

static void *allocate(void *data, size_t len)
{
	return snap_arena_alloc(data, len);
}

static void release(void *data, void *pointer)
{
	/* With the arena. */
	(void)data;
	(void)pointer;
}

/* A string as they are promised; *ok: whether it is. */
static const char *unpack_str(
	protobuf_c_boolean has, ProtobufCBinaryData data, struct snap_arena *arena, bool *ok)
{
	struct snap_bytes bytes = snap_bytes(data.data, data.len);
	if (!has)
		return NULL;
	if (data.len > SNAP_ENTRY_MAX_STRING || !snap_escape_unneeded(bytes, SNAP_ESCAPE_INVALID)) {
		*ok = false;
		return NULL;
	}
	const char *ret = snap_arena_copy(arena, bytes);
	*ok &= ret != NULL;
	return ret;
}

static bool unpack_evidence(const Snapcrash__Index__Entry *message, struct snap_arena *arena,
	struct snap_evidence *evidence)
{
	bool ok = message->n_frames <= SNAP_EVIDENCE_MAX_FRAMES &&
		  message->num_decisive <= message->n_frames &&
		  message->num_telling <= message->n_frames &&
		  message->n_functions <= SNAP_EVIDENCE_MAX_FUNCTIONS &&
		  message->n_kept <= SNAP_EVIDENCE_MAX_KEPT;
	if (!ok)
		return false;
	evidence->num_nameless = message->num_nameless;
	evidence->num_symbols_only = message->num_symbols_only;
	evidence->num_decisive = message->num_decisive;
	evidence->num_telling = message->num_telling;
	evidence->first = message->first;
	evidence->num_frames = message->n_frames;
	if (message->n_frames > 0)
		memcpy(evidence->frames, message->frames,
			message->n_frames * sizeof(evidence->frames[0]));
	evidence->functions =
		snap_arena_alloc(arena, message->n_functions * sizeof(evidence->functions[0]));
	if (!evidence->functions)
		return false;
	for (size_t i = 0; i < message->n_functions; i++) {
		const Snapcrash__Index__Function *function = message->functions[i];
		evidence->functions[i] = unpack_str(function->has_name, function->name, arena, &ok);
	}
	evidence->num_functions = message->n_functions;
	for (size_t i = 0; i < message->n_kept; i++) {
		const Snapcrash__Index__Kept *kept = message->kept[i];
		evidence->kept[i].function =
			unpack_str(kept->has_function, kept->function, arena, &ok);
		evidence->kept[i].build = kept->build;
		ok &= evidence->kept[i].function != NULL;
	}
	evidence->num_kept = message->n_kept;
	return ok;
}

/* "s1:" and 32 hexadecimal digits. */
static bool is_id(const char *id)
{
	const char *colon = id ? strchr(id, ':') : NULL;
	return !id || (id[0] == 's' && colon && colon > id + 1 &&
			      strspn(id + 1, "0123456789") == (size_t)(colon - id - 1) &&
			      strlen(colon + 1) == 32 && strspn(colon + 1, "0123456789abcdef") == 32);
}

static bool is_kind(const char *name)
{
	enum snap_kind kind;
	return name && (snap_kind_find(snap_bytes_str(name), &kind) ||
			       strcmp(name, snap_kind_name(SNAP_KIND_NONE)) == 0);
}

static bool unpack_members(
	const Snapcrash__Index__Entry *message, struct snap_arena *arena, struct snap_entry *ret)
{
	bool ok = message->uuid.len <= MAX_UUID && message->n_tags <= SNAP_ENTRY_MAX_TAGS;
	if (!ok)
		return false;
	ret->line = message->line;
	if (message->has_uuid)
		ret->uuid = snap_bytes(message->uuid.data, message->uuid.len);
	ret->has_time = message->has_captured_ns;
	ret->captured_ns = message->captured_ns;
	ret->completeness = message->completeness;
	ret->kind = unpack_str(message->has_kind, message->kind, arena, &ok);
	ret->id = unpack_str(message->has_id, message->id, arena, &ok);
	ret->text = unpack_str(message->has_text, message->text, arena, &ok);
	ret->physical_id = unpack_str(message->has_physical_id, message->physical_id, arena, &ok);
	ret->project = unpack_str(message->has_project, message->project, arena, &ok);
	ret->device = unpack_str(message->has_device, message->device, arena, &ok);
	ret->version = unpack_str(message->has_version, message->version, arena, &ok);
	for (size_t i = 0; i < message->n_tags; i++) {
		const Snapcrash__Index__Tag *tag = message->tags[i];
		ret->tags[i].key = unpack_str(tag->has_key, tag->key, arena, &ok);
		ret->tags[i].value = unpack_str(tag->has_value, tag->value, arena, &ok);
		ok &= ret->tags[i].key && ret->tags[i].value;
	}
	ret->num_tags = message->n_tags;
	bool is_signed = ret->id && ret->text && ret->physical_id;
	bool is_unsigned = !ret->id && !ret->text && !ret->physical_id;
	bool is_time = !ret->has_time || (ret->captured_ns >= MIN_TIME_S * 1000000000 &&
						 ret->captured_ns <= MAX_TIME_S * 1000000000);
	return ok && is_kind(ret->kind) && is_id(ret->id) && is_id(ret->physical_id) && is_time &&
	       (is_signed || is_unsigned) && message->completeness < 2 * SNAP_ENTRY_WHOLE &&
	       unpack_evidence(message, arena, &ret->evidence);
}

int snap_entry_unpack(struct snap_bytes packed, struct snap_arena *arena, struct snap_entry *ret,
	struct snap_error *err)
{
	struct snap_arena unpacked;
	*ret = (struct snap_entry){0};
	if (packed.len == 0 || packed.len > SNAP_ENTRY_MAX_BYTES)
		return snap_error_set(err, SNAP_ERROR_MALFORMED, "an entry of %zu bytes", packed.len);
	snap_arena_init(&unpacked, MAX_UNPACK_BYTES + packed.len);
	ProtobufCAllocator allocator = {.alloc = allocate, .free = release, .allocator_data = &unpacked};
	/* Messages within it hold no others: nothing nests. */
	Snapcrash__Index__Entry *message =
		snapcrash__index__entry__unpack(&allocator, packed.len, packed.data);
	bool ok = message && unpack_members(message, arena, ret);
	if (ok && ret->uuid.len > 0) {
		const char *copy = snap_arena_copy(arena, ret->uuid);
		ret->uuid.data = (const uint8_t *)copy;
		ok = copy != NULL;
	}
	snap_arena_deinit(&unpacked);
	return ok ? 0 : snap_error_set(err, SNAP_ERROR_MALFORMED, "an entry makes no sense");
}
