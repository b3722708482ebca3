#include "analyze/find/mini.h"

#include <stdlib.h>

#include <lzma.h>

/* xz's dictionary at its highest level is 64 MiB. */
#define MAX_DECODER_BYTES (UINT64_C(96) << 20)
/* A symbol table compresses to a fifth: what grows so much more, or beyond so much, is none. */
#define MAX_GROWTH	   32
#define MAX_SMALL_UNPACKED ((size_t)64 << 20)
#define MAX_UNPACKED	   ((size_t)128 << 20)

static const char *words_of(lzma_ret r)
{
	switch (r) {
	case LZMA_FORMAT_ERROR:
		return "it is not in the xz format";
	case LZMA_MEMLIMIT_ERROR:
		return "it takes too much memory to unpack";
	case LZMA_BUF_ERROR:
		return "it is cut short";
	default:
		return "it is corrupt";
	}
}

/* *ret is on the heap, with *ret_len bytes. */
static int unpack(struct snap_bytes packed, uint8_t **ret, size_t *ret_len, struct snap_error *err)
{
	size_t limit =
		packed.len > MAX_UNPACKED / MAX_GROWTH ? MAX_UNPACKED : packed.len * MAX_GROWTH;
	if (limit < MAX_SMALL_UNPACKED)
		limit = MAX_SMALL_UNPACKED;
	lzma_stream stream = LZMA_STREAM_INIT;
	lzma_ret r = lzma_stream_decoder(&stream, MAX_DECODER_BYTES, 0);
	if (r != LZMA_OK)
		return snap_error_no_memory(err);
	uint8_t *out = NULL;
	size_t len = 0, capacity = 0;
	stream.next_in = packed.data;
	stream.avail_in = packed.len;
	while (r == LZMA_OK) {
		if (len == capacity) {
			capacity = capacity ? 2 * capacity : (size_t)256 << 10;
			/* One more than may be, so that more is seen. */
			capacity = capacity > limit ? limit + 1 : capacity;
			uint8_t *grown = len <= limit ? realloc(out, capacity) : NULL;
			if (!grown)
				break;
			out = grown;
		}
		stream.next_out = out + len;
		stream.avail_out = capacity - len;
		r = lzma_code(&stream, LZMA_FINISH);
		len = capacity - stream.avail_out;
	}
	lzma_end(&stream);
	if (r == LZMA_STREAM_END && len <= limit) {
		*ret = out;
		*ret_len = len;
		return 0;
	}
	free(out);
	if (len > limit)
		return snap_error_set(err, SNAP_ERROR_LIMIT,
			"its .gnu_debugdata: it unpacks to more than %zu bytes", limit);
	if (r == LZMA_OK || r == LZMA_MEM_ERROR)
		return snap_error_no_memory(err);
	return snap_error_set(err, SNAP_ERROR_MALFORMED, "its .gnu_debugdata: %s", words_of(r));
}

int snap_mini_unpack(
	const struct snap_elf_file *main, struct snap_elf_file **ret, struct snap_error *err)
{
	struct snap_bytes packed = snap_elf_file_section(main, ".gnu_debugdata");
	struct snap_error why = SNAP_ERROR_INIT;
	uint8_t *image = NULL;
	size_t len = 0;
	if (!packed.data)
		return 0;
	if (unpack(packed, &image, &len, err) < 0)
		return -1;
	struct snap_elf_file *file = malloc(sizeof(*file));
	if (!file) {
		free(image);
		return snap_error_no_memory(err);
	}
	if (snap_elf_file_from_unpacked(image, len, main->path, file, &why) < 0) {
		free(file);
		return snap_error_set(err, why.code, "its .gnu_debugdata, unpacked: %s", why.text);
	}
	const char *wrong = file->elf_machine != main->elf_machine ||
					    file->elf_class != main->elf_class ||
					    file->elf_data != main->elf_data
				    ? "of another machine"
			    : !file->has_symtab ? "without a symbol table"
						: NULL;
	if (wrong) {
		snap_elf_file_destroy(file);
		return snap_error_set(
			err, SNAP_ERROR_MALFORMED, "its .gnu_debugdata, unpacked: it is %s", wrong);
	}
	/* Names are all that it is for. */
	file->has_debug_info = file->has_debug_frame = file->has_code_frames = false;
	*ret = file;
	return 1;
}
