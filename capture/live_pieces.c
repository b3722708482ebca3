#include "capture/live_pieces.h"

#include <string.h>

#include "common/snapshot_write.h"

static struct snap_live_piece *new_piece(struct snap_live *l)
{
	if (l->num_pieces < SNAP_LIVE_MAX_PIECES)
		return &l->pieces[l->num_pieces++];
	l->pieces_left_out++;
	return NULL;
}

void snap_live_keep_omission(void *arg, const struct snap_omission *omission)
{
	struct snap_live_piece *piece = new_piece(arg);
	if (piece)
		*piece =
			(struct snap_live_piece){.kind = SNAP_LIVE_OMISSION, .omission = *omission};
}

/* Replace *bytes by a copy. False if there is no room. */
static bool keep_bytes(struct snap_live *l, struct snap_bytes *bytes)
{
	uint8_t *to = l->arena + l->arena_len;
	if (bytes->len > l->arena_size - l->arena_len) {
		l->pieces_left_out++;
		return false;
	}
	if (bytes->len > 0)
		memcpy(to, bytes->data, bytes->len);
	l->arena_len += bytes->len;
	if (bytes->data)
		bytes->data = to;
	return true;
}

void snap_live_keep_range(void *arg, const struct snap_memory_range *range)
{
	struct snap_live *l = arg;
	struct snap_memory_range copy = *range;
	if (!keep_bytes(l, &copy.data) || !keep_bytes(l, &copy.name))
		return;
	struct snap_live_piece *piece = new_piece(l);
	if (piece)
		*piece = (struct snap_live_piece){.kind = SNAP_LIVE_RANGE, .range = copy};
}

void snap_live_keep_tag(void *arg, const struct snap_tag *tag)
{
	struct snap_live *l = arg;
	struct snap_tag copy = *tag;
	if (!keep_bytes(l, &copy.key) || !keep_bytes(l, &copy.value))
		return;
	struct snap_live_piece *piece = new_piece(l);
	if (piece)
		*piece = (struct snap_live_piece){.kind = SNAP_LIVE_TAG, .tag = copy};
}

/* Annotations tell of a message and no more words. */
void snap_live_keep_log(void *arg, const struct snap_log *log)
{
	struct snap_live *l = arg;
	struct snap_log copy = *log;
	if (!keep_bytes(l, &copy.message))
		return;
	struct snap_live_piece *piece = new_piece(l);
	if (piece)
		*piece = (struct snap_live_piece){.kind = SNAP_LIVE_LOG, .log = copy};
}

void snap_live_write_pieces(struct snap_live *l, size_t first, size_t end)
{
	struct snap_emit *e = &l->emit;
	for (size_t i = first; i < end; i++) {
		const struct snap_live_piece *piece = &l->pieces[i];
		switch (piece->kind) {
		case SNAP_LIVE_RANGE:
			e->sink.range(e, &piece->range);
			break;
		case SNAP_LIVE_OMISSION:
			e->sink.omission(e, &piece->omission);
			break;
		case SNAP_LIVE_TAG:
			(void)snap_write_tag(&e->writer, &piece->tag); /* its error sticks */
			break;
		case SNAP_LIVE_LOG:
			(void)snap_write_log(&e->writer, &piece->log);
			break;
		}
	}
}
