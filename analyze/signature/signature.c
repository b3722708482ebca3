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

/*
 * Whether a frame's place on the stack is certain. Beyond a guess everything is guessed, but for
 * the caller of a bad pc, which has no call frame information: its return address is what a call
 * pushed last, and stands where the stack pointer points, or is in the link register.
 */
static bool is_trusted(const struct snap_crash *crash, const struct snap_crash_thread *thread,
	const struct snap_frame *frame)
{
	uint64_t sp;
	if (frame->trust <= SNAP_TRUST_FP)
		return true;
	return frame == &thread->frames[1] && frame->trust == SNAP_TRUST_SCAN &&
	       crash->cause.kind == SNAP_KIND_EXEC_BAD_PC && thread->frames[0].has_cfa &&
	       crash->arch &&
	       snap_arch_reg_get(crash->arch, crash->arch->sp, thread->pr_reg.data,
		       thread->pr_reg.len, &sp) &&
	       thread->frames[0].cfa ==
		       sp + (crash->arch->call_pushes_ra ? snap_arch_word(crash->arch) : 0);
}

/*
 * How many listed frames from the top belong to the libraries' ways to end a program: those up to
 * the last one that a rule names, without names in between. -1 without memory.
 */
static ssize_t count_ending(
	const struct snap_crash *crash, const struct snap_crash_thread *thread, bool libc)
{
	ssize_t num = 0;
	for (size_t i = 0; i < thread->num_listed; i++) {
		const struct snap_listed_frame *listed = &thread->listed[i];
		const struct snap_frame *frame = &thread->frames[listed->frame];
		struct snap_bytes module = module_name(frame->module);
		if (!is_trusted(crash, thread, frame) || !snap_signature_may_skip(module, libc))
			break;
		if (!listed->function)
			continue;
		char *name = snap_signature_name(listed->function);
		if (!name)
			return -1;
		bool skips = snap_signature_skips(name, module, libc);
		free(name);
		/* A statically linked program is all one module: only the run itself counts. */
		if (skips)
			num = (ssize_t)i + 1;
		else if (!libc)
			break;
	}
	return num;
}

static void free_picked(char *picked[], int num)
{
	while (num > 0)
		free(picked[--num]);
}

/* The frames of the signature, heap strings; which line the first is. Returns how many, or -1
 * without memory. */
static int pick_frames(const struct snap_crash *crash, const struct snap_crash_thread *thread,
	char *picked[MAX_FRAMES], size_t *ret_first)
{
	ssize_t start = count_ending(crash, thread, has_libc(crash));
	int num = 0;
	if (start < 0)
		return -1;
	for (size_t i = (size_t)start; i < thread->num_listed && num < MAX_FRAMES; i++) {
		const struct snap_listed_frame *listed = &thread->listed[i];
		const struct snap_frame *frame = &thread->frames[listed->frame];
		struct snap_bytes module = module_name(frame->module);
		if (!is_trusted(crash, thread, frame))
			break;
		if (frame->is_signal || (!listed->function && module.len == 0))
			continue;
		char *name =
			listed->function ? snap_signature_name(listed->function) : nameless(module);
		if (!name) {
			free_picked(picked, num);
			return -1;
		}
		bool again = !listed->function && num > 0 && strcmp(picked[num - 1], name) == 0;
		if (again || (listed->function && snap_signature_drops(name))) {
			free(name);
		} else {
			if (num == 0)
				*ret_first = i;
			picked[num++] = name;
		}
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
	size_t first = 0;
	int num = pick_frames(crash, thread, picked, &first);
	if (num < 0)
		return snap_error_no_memory(err);
	if (num == 0)
		return 0;
	struct snap_signature signature = {.text = join(crash, picked, num), .first = first};
	free_picked(picked, num);
	if (signature.text)
		signature.id = make_id(crash, signature.text);
	if (!signature.id)
		return snap_error_no_memory(err);
	crash->signature = signature;
	return 0;
}
