#include "analyze/signature/signature.h"

#include <sha2.h>
#include <stdio.h>
#include <stdlib.h>

#include "analyze/explain/explain.h"
#include "analyze/signature/name.h"
#include "analyze/signature/rules.h"
#include "common/escape.h"

#define VERSION_PREFIX "s0:"
#define MAX_FRAMES     3
#define ID_BYTES       16

static struct snap_bytes module_name(const struct snap_crash_module *module)
{
	struct snap_bytes path = module ? module->record.path : snap_bytes(NULL, 0);
	const uint8_t *slash = path.len > 0 ? memrchr(path.data, '/', path.len) : NULL;
	return slash ? snap_bytes(slash + 1, path.len - (size_t)(slash + 1 - path.data)) : path;
}

static bool has_libc(const struct snap_crash *crash)
{
	for (size_t i = 0; i < crash->num_modules; i++)
		if (snap_signature_is_libc(module_name(&crash->modules[i])))
			return true;
	return false;
}

/* "libfoo.so!?": a frame in a module without a name. */
static char *nameless(struct snap_bytes module)
{
	size_t size = snap_escape(module, SNAP_ESCAPE_INVALID, NULL, 0) + 1;
	char *name = malloc(size + 2);
	if (!name)
		return NULL;
	(void)snap_escape(module, SNAP_ESCAPE_INVALID, name, size); /* fits */
	memcpy(name + size - 1, "!?", 3);
	return name;
}

/* The frames of the signature, heap strings. Returns how many, or -1 without memory. */
static int pick_frames(const struct snap_crash *crash, const struct snap_crash_thread *thread,
	char *picked[MAX_FRAMES])
{
	bool libc = has_libc(crash), at_top = true;
	int num = 0;
	for (size_t i = 0; i < thread->num_listed && num < MAX_FRAMES; i++) {
		const struct snap_listed_frame *listed = &thread->listed[i];
		const struct snap_frame *frame = &thread->frames[listed->frame];
		/* Beyond a guess everything is guessed. */
		if (frame->trust > SNAP_TRUST_FP)
			break;
		struct snap_bytes module = module_name(frame->module);
		if (frame->is_signal || (!listed->function && module.len == 0))
			continue;
		char *name = listed->function ? snap_signature_name(listed->function)
					      : nameless(module);
		if (!name) {
			while (num > 0)
				free(picked[--num]);
			return -1;
		}
		bool skip = listed->function &&
			((at_top && snap_signature_skips(name, module, libc)) ||
				snap_signature_drops(name));
		bool again = !listed->function && num > 0 && strcmp(picked[num - 1], name) == 0;
		if (skip || again) {
			free(name);
			continue;
		}
		at_top = false;
		picked[num++] = name;
	}
	return num;
}

static const char *join(struct snap_crash *crash, char *const picked[], int num)
{
	const char *kind = snap_kind_name(crash->cause.kind);
	size_t len = strlen(kind);
	for (int i = 0; i < num; i++)
		len += strlen(" | ") + strlen(picked[i]);
	char *text = snap_arena_alloc(&crash->arena, len + 1);
	if (!text)
		return NULL;
	char *end = stpcpy(text, kind);
	for (int i = 0; i < num; i++)
		end = stpcpy(stpcpy(end, " | "), picked[i]);
	return text;
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
	return snap_crash_format(crash, VERSION_PREFIX "%s", hex);
}

int snap_sign(struct snap_crash *crash, struct snap_error *err)
{
	char *picked[MAX_FRAMES];
	crash->signature = (struct snap_signature){0};
	const struct snap_crash_thread *thread = snap_crash_crashed_thread(crash);
	if (!thread || crash->cause.kind == SNAP_KIND_NONE)
		return 0;
	int num = pick_frames(crash, thread, picked);
	if (num < 0)
		return snap_error_no_memory(err);
	if (num == 0)
		return 0;
	struct snap_signature signature = {.text = join(crash, picked, num)};
	while (num > 0)
		free(picked[--num]);
	if (signature.text)
		signature.id = make_id(crash, signature.text);
	if (!signature.id)
		return snap_error_no_memory(err);
	crash->signature = signature;
	return 0;
}
