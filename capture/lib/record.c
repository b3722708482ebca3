#include "capture/lib/record.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "common/crc32c.h"
#include "common/escape.h"
#include "common/wire.h"

#define MAX_TEXT 1024

/* ---------------------------------------------------------------- messages */

/* Bytes of a varint, at most 10. */
static size_t encode(uint8_t *to, uint64_t value)
{
	size_t len = 0;
	for (; value >= 0x80; value >>= 7)
		to[len++] = (uint8_t)(value | 0x80);
	to[len++] = (uint8_t)value;
	return len;
}

static size_t encode_tag(uint8_t *to, uint32_t field, enum snap_wire_type type)
{
	return encode(to, (uint64_t)field << 3 | type);
}

static size_t encode_fixed(uint8_t *to, uint64_t value, size_t size)
{
	for (size_t i = 0; i < size; i++)
		to[i] = (uint8_t)(value >> (8 * i));
	return size;
}

void snap_lib_message_init(struct snap_lib_message *m)
{
	m->len = 0;
	m->full = false;
}

/* head, then body: both or neither. */
static void append(
	struct snap_lib_message *m, const uint8_t *head, size_t head_len, struct snap_bytes body)
{
	size_t room = sizeof(m->data) - m->len;
	if (head_len > room || body.len > room - head_len) {
		m->full = true;
		return;
	}
	memcpy(m->data + m->len, head, head_len);
	if (body.len > 0)
		memcpy(m->data + m->len + head_len, body.data, body.len);
	m->len += head_len + body.len;
}

void snap_lib_put_number(struct snap_lib_message *m, uint32_t field, uint64_t value)
{
	uint8_t head[16];
	size_t len = encode_tag(head, field, SNAP_WIRE_VARINT);
	len += encode(head + len, value);
	append(m, head, len, snap_bytes(NULL, 0));
}

static void put_fixed(struct snap_lib_message *m, uint32_t field, uint64_t value, size_t size)
{
	uint8_t head[16];
	size_t len = encode_tag(head, field, size == 8 ? SNAP_WIRE_FIXED64 : SNAP_WIRE_FIXED32);
	len += encode_fixed(head + len, value, size);
	append(m, head, len, snap_bytes(NULL, 0));
}

void snap_lib_put_bytes(struct snap_lib_message *m, uint32_t field, struct snap_bytes bytes)
{
	uint8_t head[16];
	if (!bytes.data)
		return;
	size_t len = encode_tag(head, field, SNAP_WIRE_BYTES);
	len += encode(head + len, bytes.len);
	append(m, head, len, bytes);
}

void snap_lib_put_text(struct snap_lib_message *m, uint32_t field, struct snap_bytes text)
{
	/* One thread at a time writes a snapshot. */
	static char escaped[4 * MAX_TEXT + 1];
	if (!text.data)
		return;
	if (text.len > MAX_TEXT)
		text.len = MAX_TEXT;
	(void)snap_escape(text, SNAP_ESCAPE_INVALID, escaped, sizeof(escaped)); /* fits */
	snap_lib_put_bytes(m, field, snap_bytes_str(escaped));
}

void snap_lib_put_message(
	struct snap_lib_message *m, uint32_t field, const struct snap_lib_message *inner)
{
	snap_lib_put_bytes(m, field, snap_bytes(inner->data, inner->len));
}

/* ---------------------------------------------------------------- records */

void snap_lib_writer_init(struct snap_lib_writer *w, int fd)
{
	w->fd = fd;
	w->error = 0;
	w->len = 0;
	w->crc = 0;
	w->buf_len = 0;
}

static void flush(struct snap_lib_writer *w)
{
	w->crc = snap_crc32c(w->crc, w->buf, w->buf_len);
	for (size_t done = 0; done < w->buf_len && w->error == 0;) {
		ssize_t n = write(w->fd, w->buf + done, w->buf_len - done);
		if (n > 0)
			done += (size_t)n;
		else if (n == 0)
			w->error = -EIO;
		else if (errno != EINTR)
			w->error = -errno;
	}
	w->buf_len = 0;
}

static void put(struct snap_lib_writer *w, const uint8_t *data, size_t len)
{
	w->len += len;
	while (len > 0) {
		size_t n = sizeof(w->buf) - w->buf_len;
		if (n > len)
			n = len;
		memcpy(w->buf + w->buf_len, data, n);
		w->buf_len += n;
		data += n;
		len -= n;
		if (w->buf_len == sizeof(w->buf))
			flush(w);
	}
}

/* A record's tag and its length. */
static void begin_record(struct snap_lib_writer *w, uint32_t number, uint64_t body_len)
{
	uint8_t head[24];
	size_t len = encode_tag(head, number, SNAP_WIRE_BYTES);
	len += encode(head + len, body_len);
	put(w, head, len);
}

void snap_lib_write_bytes(struct snap_lib_writer *w, uint32_t number, struct snap_bytes bytes)
{
	if (w->error != 0)
		return;
	begin_record(w, number, bytes.len);
	put(w, bytes.data, bytes.len);
}

void snap_lib_write_record(
	struct snap_lib_writer *w, uint32_t number, const struct snap_lib_message *m)
{
	snap_lib_write_bytes(w, number, snap_bytes(m->data, m->len));
}

void snap_lib_write_header(struct snap_lib_writer *w, const char *program)
{
	static struct snap_lib_message m;
	snap_lib_message_init(&m);
	put_fixed(&m, 1, SNAP_FORMAT_MAGIC, 8);
	snap_lib_put_number(&m, 2, SNAP_FORMAT_VERSION);
	snap_lib_put_bytes(&m, 3, snap_bytes_str(program));
	snap_lib_write_record(w, SNAP_RECORD_HEADER, &m);
}

int snap_lib_write_checkpoint(struct snap_lib_writer *w, bool final)
{
	static struct snap_lib_message m;
	if (w->error != 0)
		return w->error;
	snap_lib_message_init(&m);
	put_fixed(&m, 1, w->len, 8);
	put_fixed(&m, 2, snap_crc32c(w->crc, w->buf, w->buf_len), 4);
	snap_lib_put_number(&m, 3, final);
	snap_lib_write_record(w, SNAP_RECORD_CHECKPOINT, &m);
	flush(w);
	return w->error;
}

void snap_lib_write_memory(struct snap_lib_writer *w, const struct snap_memory_range *range)
{
	static struct snap_lib_message m;
	uint8_t head[24];
	if (w->error != 0)
		return;
	snap_lib_message_init(&m);
	snap_lib_put_number(&m, 1, range->address);
	snap_lib_put_number(&m, 3, range->reason);
	if (range->has_tid)
		snap_lib_put_number(&m, 4, range->tid);
	snap_lib_put_bytes(&m, 5, range->name);
	size_t len = encode_tag(head, 2, SNAP_WIRE_BYTES);
	len += encode(head + len, range->data.len);
	begin_record(w, SNAP_RECORD_MEMORY, m.len + len + range->data.len);
	put(w, m.data, m.len);
	put(w, head, len);
	put(w, range->data.data, range->data.len);
}

void snap_lib_write_omission(struct snap_lib_writer *w, const struct snap_omission *omission)
{
	static struct snap_lib_message m;
	snap_lib_message_init(&m);
	snap_lib_put_number(&m, 1, omission->what);
	snap_lib_put_number(&m, 2, omission->why);
	if (omission->has_tid)
		snap_lib_put_number(&m, 3, omission->tid);
	if (omission->has_range) {
		snap_lib_put_number(&m, 4, omission->address);
		snap_lib_put_number(&m, 5, omission->bytes);
	}
	if (omission->has_count)
		snap_lib_put_number(&m, 6, omission->count);
	if (omission->has_error)
		snap_lib_put_number(&m, 7, omission->error);
	snap_lib_write_record(w, SNAP_RECORD_OMISSION, &m);
}
