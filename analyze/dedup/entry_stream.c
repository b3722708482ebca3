#include "analyze/dedup/entry_stream.h"

#include "analyze/dedup/entry.h"

/* Each entry stands behind its length, the least byte first. */
#define LENGTH_BYTES 4

enum snap_exit snap_entry_stream_give(
	struct snap_crash *crash, const struct snap_arguments *arguments, void *data)
{
	struct snap_collector *collector = data;
	struct snap_error err = SNAP_ERROR_INIT;
	struct snap_arena arena;
	struct snap_entry entry;
	struct snap_bytes packed;
	snap_arena_init(&arena, SIZE_MAX);
	int r = snap_entry_read(crash, arguments->rules, &arena, &entry, &err);
	if (r == 0)
		r = snap_entry_pack(&entry, &arena, &packed, &err);
	uint8_t *framed = r == 0 ? snap_arena_alloc(&arena, LENGTH_BYTES + packed.len) : NULL;
	if (framed) {
		for (int i = 0; i < LENGTH_BYTES; i++)
			framed[i] = (uint8_t)(packed.len >> 8 * i);
		memcpy(framed + LENGTH_BYTES, packed.data, packed.len);
		snap_collector_add(collector, snap_bytes(framed, LENGTH_BYTES + packed.len));
	} else {
		snap_complain("out of memory");
	}
	snap_arena_deinit(&arena);
	if (!framed)
		return SNAP_EXIT_FAILED;
	return snap_crash_is_partial(crash) ? SNAP_EXIT_PARTIAL : SNAP_EXIT_DONE;
}

bool snap_entry_stream_next(struct snap_bytes *stream, struct snap_bytes *ret)
{
	if (stream->len < LENGTH_BYTES)
		return false;
	size_t len = 0;
	for (int i = 0; i < LENGTH_BYTES; i++)
		len |= (size_t)stream->data[i] << 8 * i;
	if (len > stream->len - LENGTH_BYTES)
		return false;
	*ret = snap_bytes(stream->data + LENGTH_BYTES, len);
	*stream = snap_bytes(
		stream->data + LENGTH_BYTES + len, stream->len - LENGTH_BYTES - len);
	return true;
}

struct snap_arguments snap_entry_stream_arguments(const struct snap_arguments *arguments)
{
	struct snap_arguments ret = *arguments;
	ret.options.only_crashed_thread = true;
	ret.options.no_instruction = true;
	return ret;
}
