#include "analyze/signature/levels.h"

#include <inttypes.h>
#include <sha2.h>
#include <stdio.h>
#include <string.h>

#include "analyze/explain/explain.h"
#include "common/escape.h"

#define ID_BYTES       16
#define SEPARATOR      " | "
#define NAMELESS       "!?"

size_t snap_signature_depth_frames(enum snap_signature_depth depth)
{
	static const size_t frames[] = {1, 2, 3, 5, SNAP_PICK_ALL};
	return frames[depth];
}

const char *snap_signature_depth_name(enum snap_signature_depth depth)
{
	static const char *const names[] = {"1", "2", "3", "5", "all"};
	return names[depth];
}

const char *snap_signature_level_name(enum snap_signature_level level)
{
	static const char *const names[] = {"logical", "physical", "address"};
	return names[level];
}

/* A text that grows; NULL once there was no memory. */
struct text {
	struct snap_arena *arena;
	char *chars;
	size_t len, size;
};

static void append(struct text *text, const char *s, size_t len)
{
	if (!text->chars || len >= SIZE_MAX / 4 - text->len) {
		text->chars = NULL;
		return;
	}
	if (text->len + len + 1 > text->size) {
		size_t size = 2 * (text->len + len + 1);
		char *chars = snap_arena_alloc(text->arena, size);
		if (chars)
			memcpy(chars, text->chars, text->len);
		text->chars = chars;
		text->size = size;
		if (!chars)
			return;
	}
	memcpy(text->chars + text->len, s, len);
	text->len += len;
	text->chars[text->len] = '\0';
}

static void append_str(struct text *text, const char *s)
{
	append(text, s, strlen(s));
}

/* A module's name comes from the input. */
static void append_module(struct text *text, struct snap_bytes module)
{
	size_t size = snap_escape(module, SNAP_ESCAPE_INVALID, NULL, 0) + 1;
	char *name = snap_arena_alloc(text->arena, size);
	if (!name) {
		text->chars = NULL;
		return;
	}
	(void)snap_escape(module, SNAP_ESCAPE_INVALID, name, size); /* fits */
	append_str(text, name);
}

static void text_begin(struct text *text, struct snap_arena *arena, enum snap_kind kind)
{
	*text = (struct text){.arena = arena, .size = 256};
	text->chars = snap_arena_alloc(arena, text->size);
	append_str(text, snap_kind_name(kind));
}

/* "libfoo.so" of "libfoo.so.1.2". */
static struct snap_bytes without_version(struct snap_bytes module)
{
	static const char mark[] = ".so.";
	const uint8_t *so =
		module.len > 0 ? memmem(module.data, module.len, mark, strlen(mark)) : NULL;
	return so ? snap_bytes(module.data, (size_t)(so - module.data) + 3) : module;
}

static void append_line(struct text *text, const struct snap_signature_line *line)
{
	if (line->function) {
		append_str(text, line->function);
	} else {
		append_module(text, without_version(line->module));
		append_str(text, NAMELESS);
	}
}

const char *snap_signature_line_text(
	const struct snap_signature_line *line, struct snap_arena *arena)
{
	struct text text = {.arena = arena};
	if (line->function)
		return line->function;
	text.size = line->module.len + sizeof(NAMELESS);
	text.chars = snap_arena_alloc(arena, text.size);
	append_line(&text, line);
	return text.chars;
}

/* NULL if nothing is kept, or without memory (then text->chars is NULL). */
static const char *join_names(struct text *text, const struct snap_signature_stack *stack,
	const struct snap_picked *picked)
{
	text_begin(text, text->arena, stack->kind);
	for (size_t i = 0; i < picked->num_kept; i++) {
		append_str(text, SEPARATOR);
		append_line(text, &stack->lines[picked->order[i]]);
	}
	if (stack->message) {
		append_str(text, SEPARATOR "\"");
		append_str(text, stack->message);
		append_str(text, "\"");
	}
	return picked->num_kept > 0 ? text->chars : NULL;
}

/* "segv | BUILD-ID+0x1234 | ...": as they are, without any rule. */
static const char *join_addresses(
	struct text *text, const struct snap_signature_stack *stack, size_t depth)
{
	size_t num = 0;
	text_begin(text, text->arena, stack->kind);
	for (size_t i = 0; i < stack->num_lines && num < depth; i++) {
		const struct snap_signature_line *line = &stack->lines[i];
		char offset[32];
		if (!line->has_offset)
			continue;
		append_str(text, SEPARATOR);
		if (line->build_id.len > 0 && line->build_id.len <= SNAP_MAX_BUILD_ID) {
			char hex[2 * SNAP_MAX_BUILD_ID + 1];
			snap_hex(line->build_id, hex);
			append_str(text, hex);
		} else {
			append_module(text, line->module);
		}
		(void)snprintf(offset, sizeof(offset), "+0x%" PRIx64, line->offset); /* fits */
		append_str(text, offset);
		num++;
	}
	return num > 0 ? text->chars : NULL;
}

static const char *make_id(struct snap_crash *crash, const char *text)
{
	SHA2_CTX context;
	uint8_t digest[SHA256_DIGEST_LENGTH];
	char hex[2 * ID_BYTES + 1];
	SHA256Init(&context);
	SHA256Update(&context, (const uint8_t *)text, strlen(text));
	SHA256Final(digest, &context);
	snap_hex(snap_bytes(digest, ID_BYTES), hex);
	return snap_crash_format(crash, SNAP_SIGNATURE_VERSION ":%s", hex);
}

/* The innermost line that is kept; of the frames alone, if there are any. */
static size_t innermost(const struct snap_picked *picked, bool frames)
{
	size_t ret = SIZE_MAX;
	for (size_t i = 0; i < picked->num_kept; i++) {
		size_t line = picked->order[i];
		if (line < ret && (!frames || picked->picks[line] == SNAP_PICK_FRAME))
			ret = line;
	}
	return ret < SIZE_MAX || !frames ? ret : innermost(picked, false);
}

typedef const char *texts_of_levels[SNAP_SIGNATURE_NUM_LEVELS][SNAP_SIGNATURE_NUM_DEPTHS];

/* That of a smaller depth, or of another level, with the same text; NULL: there is none. */
static const char *known_id(
	const struct snap_signature *signature, texts_of_levels texts, int level, int depth)
{
	const char *text = texts[level][depth];
	if (depth > 0 && texts[level][depth - 1] && strcmp(texts[level][depth - 1], text) == 0)
		return signature->ids[level][depth - 1];
	if (level > 0 && texts[level - 1][depth] && strcmp(texts[level - 1][depth], text) == 0)
		return signature->ids[level - 1][depth];
	return NULL;
}

int snap_signature_levels(struct snap_crash *crash, const struct snap_signature_stack *stack,
	struct snap_arena *arena, struct snap_signature *ret, struct snap_error *err)
{
	struct snap_picked picked = {
		.picks = snap_arena_alloc(arena, stack->num_lines * sizeof(picked.picks[0])),
		.order = snap_arena_alloc(arena, stack->num_lines * sizeof(picked.order[0])),
	};
	texts_of_levels texts = {{NULL}};
	if (!picked.picks || !picked.order)
		return snap_error_no_memory(err);
	for (int level = 0; level < SNAP_SIGNATURE_NUM_LEVELS; level++) {
		for (int depth = 0; depth < SNAP_SIGNATURE_NUM_DEPTHS; depth++) {
			struct text text = {.arena = arena};
			size_t frames =
				snap_signature_depth_frames((enum snap_signature_depth)depth);
			const char *joined;
			if (level == SNAP_SIGNATURE_ADDRESS) {
				joined = join_addresses(&text, stack, frames);
			} else {
				snap_pick(stack, frames, level == SNAP_SIGNATURE_PHYSICAL, &picked);
				joined = join_names(&text, stack, &picked);
			}
			if (!text.chars)
				return snap_error_no_memory(err);
			if (!joined)
				continue;
			texts[level][depth] = joined;
			const char *id = known_id(ret, texts, level, depth);
			if (!id)
				id = make_id(crash, joined);
			if (!id)
				return snap_error_no_memory(err);
			ret->ids[level][depth] = id;
			if (level != SNAP_SIGNATURE_LOGICAL || depth != (int)stack->depth)
				continue;
			ret->id = id;
			ret->text = snap_crash_format(crash, "%s", joined);
			ret->first = innermost(&picked, false);
			ret->first_frame = innermost(&picked, true);
			if (!ret->text)
				return snap_error_no_memory(err);
		}
	}
	return 0;
}
