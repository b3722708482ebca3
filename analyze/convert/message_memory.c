#include "analyze/convert/message_memory.h"

#include "analyze/convert/elf_build.h"
#include "analyze/explain/core_message.h"

static int add(struct snap_crash *crash, struct snap_memory *memory, uint64_t addr,
	struct snap_elf_build *build, struct snap_error *err)
{
	const char *bytes =
		build->failed ? NULL
			      : snap_arena_copy(&crash->arena, snap_bytes(build->data, build->len));
	if (!bytes)
		return snap_error_no_memory(err);
	const struct snap_memory_segment segment = {
		.start = addr, .len = build->len, .data = (const uint8_t *)bytes, .fd = -1};
	return addr <= UINT64_MAX - build->len ? snap_memory_add(memory, &segment, err) : 0;
}

int snap_message_memory_add(
	struct snap_crash *crash, struct snap_memory *memory, struct snap_error *err)
{
	const struct snap_abort_message *message = &crash->abort_message;
	uint64_t variable;
	if (crash->is_core || !message->text.data || !message->has_address ||
		message->source != SNAP_ABORT_C_LIBRARY ||
		message->text.len > SNAP_MAX_ABORT_MESSAGE ||
		!snap_core_message_variable(crash, &variable))
		return 0;
	struct snap_elf_build text, pointer;
	snap_elf_build_init(&text, crash->arch->elf_class, crash->arch->elf_data);
	snap_elf_build_init(&pointer, crash->arch->elf_class, crash->arch->elf_data);
	/* struct abort_msg_s (core_message.h): how long it is with this number, and the text. */
	snap_elf_build_number(&text, 4 + message->text.len + 1, 4);
	snap_elf_build_bytes(&text, message->text);
	snap_elf_build_number(&text, 0, 1);
	snap_elf_build_word(&pointer, message->address);
	int r = add(crash, memory, message->address, &text, err);
	if (r == 0)
		r = add(crash, memory, variable, &pointer, err);
	snap_elf_build_deinit(&text);
	snap_elf_build_deinit(&pointer);
	return r;
}
