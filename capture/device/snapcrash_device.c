/*
 * The file format, written by hand: the Protocol Buffers encoding (varints, tags, lengths before
 * nested messages). Crash-time, freestanding.
 *
 * The length of a nested message stands before it, so each is gone through twice: first nothing is
 * written and its bytes are counted. Member numbers are those of proto/snapshot.proto.
 */
#include "capture/device/snapcrash_device.h"

enum wire_type {
	WIRE_VARINT = 0,
	WIRE_FIXED64 = 1,
	WIRE_BYTES = 2,
	WIRE_FIXED32 = 5,
};

#define MAX_RELATED_DEPTH 4
#define APART		  __attribute__((noinline))
/* What a checkpoint takes: tag 2, length 1, offset 1 + 8, CRC32C 1 + 4, final 2. */
#define CHECKPOINT_BYTES (CHECKPOINT_LEN + 3)
#define CHECKPOINT_LEN	 16
/* The Omission that snapcrash_device_finish() adds: tag 2, length 1, what 2, why 2, count 6. */
#define LEFT_OUT_BYTES 13

/* ---------------------------------------------------------------- bytes */

uint32_t snapcrash_device_crc32c(uint32_t crc, const void *bytes, size_t len)
{
	/* Of four bits followed by zeros; the polynomial is that of common/crc32c.h. */
	static const uint32_t table[16] = {0x00000000, 0x105ec76f, 0x20bd8ede, 0x30e349b1,
		0x417b1dbc, 0x5125dad3, 0x61c69362, 0x7198540d, 0x82f63b78, 0x92a8fc17, 0xa24bb5a6,
		0xb21572c9, 0xc38d26c4, 0xd3d3e1ab, 0xe330a81a, 0xf36e6f75};
	const uint8_t *p = bytes;
	crc = ~crc;
	for (; len > 0; len--) {
		crc ^= *p++;
		crc = crc >> 4 ^ table[crc & 15];
		crc = crc >> 4 ^ table[crc & 15];
	}
	return ~crc;
}

static void hand_on(struct snapcrash_device_writer *w, const void *bytes, size_t len)
{
	if (w->error == 0 && len > 0)
		w->error = w->write(w->context, bytes, len);
}

static void flush(struct snapcrash_device_writer *w)
{
	hand_on(w, w->scratch, w->scratch_len);
	w->scratch_len = 0;
}

/* Whether nothing is written any more, or for now. */
static bool is_off(const struct snapcrash_device_writer *w)
{
	return w->error != 0 || w->finished || w->skipping;
}

/* All that is written or counted comes through here. */
static void put(struct snapcrash_device_writer *w, const void *bytes, size_t len)
{
	if (w->counting > 0) {
		w->count += len;
		return;
	}
	if (is_off(w))
		return;
	w->len += len;
	if (w->marked)
		w->crc = snapcrash_device_crc32c(w->crc, bytes, len);
	if (len > w->scratch_size - w->scratch_len)
		flush(w);
	if (len > w->scratch_size) {
		hand_on(w, bytes, len);
		return;
	}
	const uint8_t *p = bytes;
	for (; len > 0; len--)
		w->scratch[w->scratch_len++] = *p++;
}

/* How far what is being written, or counted, has come. */
static size_t position(const struct snapcrash_device_writer *w)
{
	return w->counting > 0 ? w->count : w->len;
}

/* Between these nothing is written. Returns what count_end() wants back; that returns the length.
 */
static size_t count_begin(struct snapcrash_device_writer *w)
{
	size_t outer = w->count;
	w->counting++;
	w->count = 0;
	return outer;
}

static size_t count_end(struct snapcrash_device_writer *w, size_t outer)
{
	size_t len = w->count;
	w->counting--;
	w->count = outer;
	return len;
}

/* ---------------------------------------------------------------- fields */

/* In halves: to shift 64 bits, some compilers call a library. */
static void put_varint(struct snapcrash_device_writer *w, uint64_t value)
{
	uint32_t low = (uint32_t)value, high = (uint32_t)(value >> 32);
	uint8_t bytes[10];
	size_t len = 0;
	for (; high > 0 || low > 0x7f; high >>= 7) {
		bytes[len++] = (uint8_t)(low | 0x80);
		low = low >> 7 | high << 25;
	}
	bytes[len++] = (uint8_t)low;
	put(w, bytes, len);
}

static size_t varint_len(uint64_t value)
{
	uint32_t low = (uint32_t)value, high = (uint32_t)(value >> 32);
	size_t len = 1;
	for (; high > 0 || low > 0x7f; high >>= 7, len++)
		low = low >> 7 | high << 25;
	return len;
}

static void put_tag(struct snapcrash_device_writer *w, uint32_t number, enum wire_type type)
{
	put_varint(w, (uint64_t)number << 3 | (uint32_t)type);
}

static void put_number(struct snapcrash_device_writer *w, uint32_t number, uint64_t value)
{
	put_tag(w, number, WIRE_VARINT);
	put_varint(w, value);
}

static void put_number_if(
	struct snapcrash_device_writer *w, bool has, uint32_t number, uint64_t value)
{
	if (has)
		put_number(w, number, value);
}

static void put_fixed(
	struct snapcrash_device_writer *w, uint32_t number, enum wire_type type, uint64_t value)
{
	uint32_t half = (uint32_t)value;
	uint8_t bytes[8];
	size_t len = type == WIRE_FIXED64 ? 8 : 4;
	for (size_t i = 0; i < len; i++, half >>= 8) {
		if (i == 4)
			half = (uint32_t)(value >> 32);
		bytes[i] = (uint8_t)half;
	}
	put_tag(w, number, type);
	put(w, bytes, len);
}

/* What is before the bytes of a nested message or string. */
static void put_head(struct snapcrash_device_writer *w, uint32_t number, size_t len)
{
	put_tag(w, number, WIRE_BYTES);
	put_varint(w, len);
}

static void put_bytes(
	struct snapcrash_device_writer *w, uint32_t number, struct snapcrash_device_bytes bytes)
{
	if (!bytes.data)
		return;
	put_head(w, number, bytes.len);
	put(w, bytes.data, bytes.len);
}

/* ---------------------------------------------------------------- text */

struct snapcrash_device_bytes snapcrash_device_text(const char *s)
{
	struct snapcrash_device_bytes bytes = {s, 0};
	while (s && s[bytes.len] != '\0')
		bytes.len++;
	return bytes;
}

/* The length of the UTF-8 character that p[0 .. left) begins with, 0 if there is none: RFC 3629,
 * section 4. NUL counts as none, as in all files of ours. */
static size_t character_len(const uint8_t *p, size_t left)
{
	if (p[0] < 0x80)
		return p[0] != 0;
	size_t len = p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2;
	if (p[0] < 0xc2 || p[0] > 0xf4 || len > left)
		return 0;
	/* Overlong forms, surrogates, and what is beyond U+10FFFF, show in the second byte. */
	if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) ||
		(p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f))
		return 0;
	for (size_t i = 1; i < len; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	return len;
}

/* How many bytes in front are valid. */
static size_t valid_len(const uint8_t *p, size_t left)
{
	size_t len = 0, next;
	while (len < left && (next = character_len(p + len, left - len)) > 0)
		len += next;
	return len;
}

static bool is_valid(struct snapcrash_device_bytes text)
{
	return valid_len(text.data, text.len) == text.len;
}

static void put_escaped(struct snapcrash_device_writer *w, struct snapcrash_device_bytes text)
{
	static const char digits[16] = "0123456789abcdef";
	const uint8_t *p = text.data;
	for (size_t left = text.len; left > 0;) {
		size_t len = valid_len(p, left);
		put(w, p, len);
		p += len;
		left -= len;
		if (left > 0) {
			char escape[4] = {'\\', 'x', digits[*p >> 4], digits[*p & 15]};
			put(w, escape, sizeof(escape));
			p++;
			left--;
		}
	}
}

/* For members of type `string`: one byte that is no UTF-8, and other tools reject the whole file.
 */
static void put_text(
	struct snapcrash_device_writer *w, uint32_t number, struct snapcrash_device_bytes text)
{
	if (!text.data)
		return;
	size_t outer = count_begin(w);
	put_escaped(w, text);
	put_head(w, number, count_end(w, outer));
	put_escaped(w, text);
}

/* ---------------------------------------------------------------- records */

static size_t add(size_t a, size_t b)
{
	return a > SIZE_MAX - b ? SIZE_MAX : a + b;
}

static bool fits(const struct snapcrash_device_writer *w, size_t len)
{
	if (w->limit == 0 || w->counting > 0 || w->depth > 0)
		return true;
	size_t reserve = w->marked ? CHECKPOINT_BYTES + LEFT_OUT_BYTES : 0;
	return add(add(w->len, len), reserve) <= w->limit;
}

/* Whether a record of len bytes, its tag and length included, has room. If not it is counted. */
static bool has_room(struct snapcrash_device_writer *w, size_t len)
{
	bool room = fits(w, len);
	w->num_left_out += !room;
	return room;
}

/* Begins a record whose bytes follow; false: it is left out. */
static bool begin(struct snapcrash_device_writer *w, uint32_t number, size_t len)
{
	if (!has_room(w, add(len, varint_len((uint64_t)number << 3) + varint_len(len))))
		return false;
	put_head(w, number, len);
	return true;
}

/* With what follows it, in braces, that writes the message: done twice, the first time to count. */
#define RECORD(w, number)                                                                          \
	for (size_t outer_ = count_begin(w), pass_ = 0;                                            \
		pass_ < 2 && (pass_ == 0 || begin(w, number, count_end(w, outer_))); pass_++)

void snapcrash_device_init(struct snapcrash_device_writer *w, snapcrash_device_write_fn *write,
	void *context, void *scratch, size_t scratch_size)
{
	*w = (struct snapcrash_device_writer){
		.write = write,
		.context = context,
		.scratch = scratch,
		.scratch_size = scratch ? scratch_size : 0,
	};
}

void snapcrash_device_header(struct snapcrash_device_writer *w, const char *writer)
{
	if (w->len > 0 || w->counting > 0)
		return;
	w->marked = true;
	RECORD(w, SNAP_RECORD_HEADER)
	{
		put_fixed(w, 1, WIRE_FIXED64, SNAP_FORMAT_MAGIC);
		put_number(w, 2, SNAP_FORMAT_VERSION);
		put_text(w, 3, snapcrash_device_text(writer));
	}
}

/* Whatever the limit: fits() keeps room for one. */
static int checkpoint(struct snapcrash_device_writer *w, bool final)
{
	if (w->depth > 0 || w->counting > 0)
		return w->error;
	if (w->marked) {
		size_t offset = w->len;
		uint32_t crc = w->crc;
		put_head(w, SNAP_RECORD_CHECKPOINT, CHECKPOINT_LEN);
		put_fixed(w, 1, WIRE_FIXED64, offset);
		put_fixed(w, 2, WIRE_FIXED32, crc);
		put_number(w, 3, final);
	}
	flush(w);
	return w->error;
}

int snapcrash_device_checkpoint(struct snapcrash_device_writer *w)
{
	/* One that would leave no room for the final one vouches for nothing that that won't. */
	if (w->finished || !fits(w, CHECKPOINT_BYTES))
		return w->error;
	return checkpoint(w, false);
}

int snapcrash_device_finish(struct snapcrash_device_writer *w)
{
	if (w->finished || w->depth > 0)
		return w->error;
	if (w->marked && w->num_left_out > 0) {
		w->limit = 0;
		snapcrash_device_omission(
			w, &(struct snapcrash_device_omission){
				   .why = SNAP_OMITTED_CAP, .count = w->num_left_out});
	}
	int error = checkpoint(w, true);
	w->finished = true;
	return error;
}

void snapcrash_device_metadata(
	struct snapcrash_device_writer *w, const struct snapcrash_device_metadata *metadata)
{
	RECORD(w, SNAP_RECORD_METADATA)
	{
		put_bytes(w, 1, metadata->reason);
		put_number(w, 2, metadata->fatal);
		put_bytes(w, 3, metadata->project_name);
		put_text(w, 4, metadata->software_version);
		put_bytes(w, 5, metadata->build_uuid);
		put_bytes(w, 6, metadata->device_name);
		put_bytes(w, 7, metadata->snapshot_uuid);
		put_number(w, 8, (uint64_t)metadata->cpu_arch);
	}
}

void snapcrash_device_armv7m(
	struct snapcrash_device_writer *w, const struct snapcrash_device_armv7m *state)
{
	RECORD(w, SNAP_RECORD_CPU_STATE)
	{
		for (uint32_t i = 0; i < SNAPCRASH_ARMV7M_REGISTERS; i++)
			put_number_if(w, state->has >> i & 1, i + 1, state->value[i]);
	}
}

/* The member numbers follow the registers, but two stand out of line. */
static uint32_t riscv_number(uint32_t i)
{
	return i == SNAPCRASH_RISCV_A7	  ? 29
	       : i == SNAPCRASH_RISCV_S11 ? 39
	       : i > SNAPCRASH_RISCV_S11  ? i - SNAPCRASH_RISCV_T3 + 30
					  : i + 1;
}

void snapcrash_device_riscv(
	struct snapcrash_device_writer *w, const struct snapcrash_device_riscv *state)
{
	RECORD(w, SNAP_RECORD_CPU_STATE)
	{
		for (uint32_t i = 0; i < SNAPCRASH_RISCV_REGISTERS; i++)
			put_number_if(w, state->has[i / 32] >> i % 32 & 1, riscv_number(i),
				state->value[i]);
	}
}

/* Of packed numbers. */
static void put_addresses(
	struct snapcrash_device_writer *w, uint32_t number, const uintptr_t *addresses, size_t num)
{
	size_t len = 0;
	for (size_t i = 0; i < num; i++)
		len += varint_len(addresses[i]);
	if (num == 0)
		return;
	put_head(w, number, len);
	for (size_t i = 0; i < num; i++)
		put_varint(w, addresses[i]);
}

/* Not thread->raw_stack. */
static void put_thread(struct snapcrash_device_writer *w,
	const struct snapcrash_device_thread *thread, struct snapcrash_device_bytes raw_stack)
{
	RECORD(w, SNAP_RECORD_THREAD)
	{
		put_bytes(w, 1, thread->name);
		put_number(w, 3, (uint64_t)thread->state);
		put_addresses(w, 4, thread->backtrace, thread->num_backtrace);
		put_number_if(w, thread->has_stack_start, 7, thread->stack_start);
		put_number_if(w, thread->has_stack_end, 8, thread->stack_end);
		put_number_if(w, thread->has_stack_pointer, 9, thread->stack_pointer);
		put_number_if(w, thread->has_cpu_usage, 10, thread->cpu_usage_hundredths);
		put_number_if(w, thread->has_est_peak, 11, thread->est_peak);
		put_number_if(w, thread->has_id, 12, thread->id);
		put_bytes(w, 6, raw_stack);
	}
}

void snapcrash_device_thread(
	struct snapcrash_device_writer *w, const struct snapcrash_device_thread *thread)
{
	put_thread(w, thread, thread->raw_stack);
}

/* These two have structs on the stack, which should not count for what is called elsewhere. */
APART static void put_stack_range(struct snapcrash_device_writer *w,
	const struct snapcrash_device_thread *thread, struct snapcrash_device_bytes taken)
{
	snapcrash_device_memory(w, &(struct snapcrash_device_memory){
					   .address = (uintptr_t)taken.data,
					   .bytes = taken,
					   .reason = SNAP_MEMORY_STACK,
					   .has_thread_id = thread->has_id,
					   .thread_id = thread->id,
				   });
}

APART static void omit_stack(struct snapcrash_device_writer *w,
	const struct snapcrash_device_thread *thread, enum snap_omission_why why, uintptr_t start,
	uintptr_t end)
{
	if (w->marked)
		snapcrash_device_omission(w, &(struct snapcrash_device_omission){
						     .what = SNAP_OMITTED_STACK,
						     .why = why,
						     .has_thread_id = thread->has_id,
						     .thread_id = thread->id,
						     .has_range = end > start,
						     .address = start,
						     .len = end - start,
					     });
}

void snapcrash_device_thread_with_stack(
	struct snapcrash_device_writer *w, const struct snapcrash_device_thread *thread, size_t max)
{
	uintptr_t sp = thread->stack_pointer, start = thread->stack_start, end = thread->stack_end;
	struct snapcrash_device_bytes none = {NULL, 0};
	if (!thread->has_stack_start || !thread->has_stack_end || end > start) {
		put_thread(w, thread, none);
		omit_stack(w, thread, SNAP_OMITTED_UNREADABLE, 0, 0);
		return;
	}
	bool lost = !thread->has_stack_pointer || sp > start;
	bool inside = !lost && sp >= end;
	uintptr_t from = inside ? sp : end;
	size_t len = start - from < max ? start - from : max;
	if (lost)
		from = start - len;
	struct snapcrash_device_bytes taken = {(const void *)from, len};
	put_thread(w, thread, inside ? taken : none);
	if (!inside)
		put_stack_range(w, thread, taken);
	if (lost && from > end)
		omit_stack(w, thread, SNAP_OMITTED_CAP, end, from);
	else if (from + len < start)
		omit_stack(w, thread, SNAP_OMITTED_CAP, from + len, start);
}

uintptr_t snapcrash_device_stack_peak(uintptr_t stack_end, uintptr_t stack_start, uint8_t paint)
{
	while (stack_end < stack_start && *(const volatile uint8_t *)stack_end == paint)
		stack_end++;
	return stack_end;
}

void snapcrash_device_tag(struct snapcrash_device_writer *w, struct snapcrash_device_bytes key,
	struct snapcrash_device_bytes value)
{
	RECORD(w, SNAP_RECORD_TAG)
	{
		put_text(w, 1, key);
		put_text(w, 2, value);
	}
	if (!w->marked || (is_valid(key) && is_valid(value)))
		return;
	RECORD(w, SNAP_RECORD_RAW_TAG)
	{
		put_bytes(w, 1, key);
		put_bytes(w, 2, value);
	}
}

void snapcrash_device_log(struct snapcrash_device_writer *w, const struct snapcrash_device_log *log)
{
	uint32_t line_level = log->line << 3 | (log->level & 7);
	RECORD(w, SNAP_RECORD_LOG)
	{
		put_bytes(w, 1, log->message);
		put_number_if(w, line_level != 0, 2, line_level);
		put_number_if(w, log->flags != 0, 3, log->flags);
		put_number_if(w, log->has_timestamp, 4, (uint64_t)log->timestamp);
		put_number_if(w, log->has_time_since_last, 5, (uint64_t)log->time_since_last);
		put_number_if(w, log->dropped != 0, 6, log->dropped);
		put_bytes(w, 7, log->module);
		put_bytes(w, 8, log->file);
		put_bytes(w, 9, log->thread);
	}
}

static void put_clock(
	struct snapcrash_device_writer *w, const struct snapcrash_device_timestamp *timestamp)
{
	put_number(w, 1, (uint64_t)(int64_t)timestamp->numerator);
	put_number(w, 2, (uint64_t)(int64_t)timestamp->denominator);
	put_number(w, 3, (uint64_t)timestamp->epoch);
}

void snapcrash_device_timestamp(
	struct snapcrash_device_writer *w, const struct snapcrash_device_timestamp *timestamp)
{
	RECORD(w, SNAP_RECORD_TIMESTAMP)
	{
		put_number(w, 1, (uint64_t)timestamp->ticks);
		size_t outer = count_begin(w);
		put_clock(w, timestamp);
		put_head(w, 2, count_end(w, outer));
		put_clock(w, timestamp);
	}
}

void snapcrash_device_memory(
	struct snapcrash_device_writer *w, const struct snapcrash_device_memory *memory)
{
	RECORD(w, SNAP_RECORD_MEMORY)
	{
		put_number(w, 1, memory->address);
		put_number(w, 3, (uint64_t)memory->reason);
		put_number_if(w, memory->has_thread_id, 4, memory->thread_id);
		put_bytes(w, 5, memory->name);
		put_bytes(w, 2, memory->bytes);
	}
}

void snapcrash_device_abort_message(
	struct snapcrash_device_writer *w, struct snapcrash_device_bytes text)
{
	RECORD(w, SNAP_RECORD_ABORT_MESSAGE)
	{
		put_bytes(w, 1, text);
		put_number(w, 2, SNAP_ABORT_PROGRAM);
	}
}

void snapcrash_device_note(struct snapcrash_device_writer *w, const char *text)
{
	struct snapcrash_device_bytes bytes = snapcrash_device_text(text);
	if (!bytes.data)
		return;
	size_t outer = count_begin(w);
	put_escaped(w, bytes);
	if (begin(w, SNAP_RECORD_NOTE, count_end(w, outer)))
		put_escaped(w, bytes);
}

void snapcrash_device_omission(
	struct snapcrash_device_writer *w, const struct snapcrash_device_omission *omission)
{
	RECORD(w, SNAP_RECORD_OMISSION)
	{
		put_number(w, 1, (uint64_t)omission->what);
		put_number(w, 2, (uint64_t)omission->why);
		put_number_if(w, omission->has_thread_id, 3, omission->thread_id);
		put_number_if(w, omission->has_range, 4, omission->address);
		put_number_if(w, omission->has_range, 5, omission->len);
		put_number_if(w, omission->count != 0, 6, omission->count);
	}
}

void snapcrash_device_user_bytes(
	struct snapcrash_device_writer *w, uint32_t number, struct snapcrash_device_bytes bytes)
{
	if (bytes.data && begin(w, number, bytes.len))
		put(w, bytes.data, bytes.len);
}

void snapcrash_device_user_number(
	struct snapcrash_device_writer *w, uint32_t number, uint64_t value)
{
	if (has_room(w, varint_len((uint64_t)number << 3) + varint_len(value)))
		put_number(w, number, value);
}

/* ---------------------------------------------------------------- records in pieces */

static void fail(struct snapcrash_device_writer *w)
{
	if (w->error == 0)
		w->error = SNAPCRASH_DEVICE_MISUSE;
}

void snapcrash_device_record_begin(struct snapcrash_device_writer *w, uint32_t number, size_t len)
{
	w->skipping = !begin(w, number, len);
	w->record_end = add(position(w), len);
}

void snapcrash_device_record_put(struct snapcrash_device_writer *w, const void *bytes, size_t len)
{
	if (is_off(w))
		return;
	if (len > w->record_end - position(w))
		fail(w);
	put(w, bytes, len);
}

void snapcrash_device_record_end(struct snapcrash_device_writer *w)
{
	if (!is_off(w) && position(w) != w->record_end)
		fail(w);
	w->skipping = false;
}

void snapcrash_device_related(struct snapcrash_device_writer *w,
	void (*body)(struct snapcrash_device_writer *w, void *context), void *context)
{
	if (w->depth == MAX_RELATED_DEPTH) {
		/* Counted once: what is within another is gone through again and again. */
		w->num_left_out += w->counting == 0;
		return;
	}
	w->depth++;
	size_t outer = count_begin(w);
	body(w, context);
	size_t len = count_end(w, outer);
	w->depth--;
	if (!begin(w, SNAP_RECORD_RELATED, len))
		return;
	size_t end = add(position(w), len);
	w->depth++;
	body(w, context);
	w->depth--;
	if (!is_off(w) && position(w) != end)
		fail(w);
}
