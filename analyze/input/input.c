#include "analyze/input/input.h"

#include <elf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "analyze/file_open.h"
#include "analyze/input/decompress.h"
#include "analyze/input/foreign.h"
#include "common/escape.h"
#include "common/snapshot.h"

#define COPY_BYTES 65536u
/* A core that is read through a temporary file: a bomb shall not fill the disk. */
#define MAX_SPOOLED_BYTES (64ull << 30)

/*
 * What is compressed may grow to so many bytes, and to so many times what it takes besides: a few
 * kilobytes can stand for any number of zeros. Where that is too little for a core of much empty
 * memory, it can be decompressed by hand: files have no limit.
 */
#define MIN_GROWN_BYTES (1ull << 30)
#define MAX_GROWTH	256

/* Where an input's bytes come from: first those that were read to see what it is. */
struct source {
	int fd;
	struct snap_bytes start;
	struct snap_decompressor *decompressor; /* NULL: as they are */
	struct snap_input *input;		/* what is lost is noted here */
	bool is_text;				/* no snapshot, and no core */
	uint64_t num_read;
};

static ssize_t read_retry(int fd, void *buf, size_t len, struct snap_error *err)
{
	ssize_t n;
	do
		n = read(fd, buf, len);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		(void)snap_error_set(err, SNAP_ERROR_SYSTEM, "%s", strerror(errno));
	return n;
}

/* The end of what can be decompressed is the end, if there was anything before it. */
static ssize_t read_decompressed(
	struct source *source, void *buf, size_t len, struct snap_error *err)
{
	struct snap_error why = SNAP_ERROR_INIT;
	uint64_t taken = snap_decompressor_taken(source->decompressor);
	if (source->num_read >= MIN_GROWN_BYTES &&
		source->num_read - MIN_GROWN_BYTES > MAX_GROWTH * taken) {
		(void)snprintf(source->input->lost, sizeof(source->input->lost),
			"it grows too much: %llu bytes were decompressed (a file that is not "
			"compressed has no limit)",
			(unsigned long long)source->num_read);
		return 0;
	}
	ssize_t n = snap_decompressor_read(source->decompressor, buf, len, &why);
	if (n < 0 && source->num_read == 0) {
		*err = why;
		return -1;
	}
	if (n >= 0) {
		source->num_read += (uint64_t)n;
		return n;
	}
	bool ran_out = snap_decompressor_ran_out(source->decompressor);
	bool is_limit = why.code == SNAP_ERROR_LIMIT;
	source->input->is_damaged = !ran_out && !is_limit;
	bool is_unreadable = why.code == SNAP_ERROR_SYSTEM;
	(void)snprintf(source->input->lost, sizeof(source->input->lost),
		"the compressed file %s%s: %llu bytes could be decompressed",
		is_limit	? "takes more than 128 MiB of memory"
		: is_unreadable ? "can't be read further: "
		: ran_out	? "ends early"
				: "is damaged",
		is_unreadable ? strerror(why.errnum) : "", (unsigned long long)source->num_read);
	return 0;
}

/* Up to len bytes; 0 at the end, -1 and *err. */
static ssize_t source_read(struct source *source, void *buf, size_t len, struct snap_error *err)
{
	if (source->decompressor)
		return read_decompressed(source, buf, len, err);
	if (source->start.len > 0) {
		size_t n = source->start.len < len ? source->start.len : len;
		memcpy(buf, source->start.data, n);
		source->start.data += n;
		source->start.len -= n;
		return (ssize_t)n;
	}
	return read_retry(source->fd, buf, len, err);
}

/* Until len bytes or the end. */
static ssize_t source_read_full(
	struct source *source, uint8_t *buf, size_t len, struct snap_error *err)
{
	size_t done = 0;
	while (done < len) {
		ssize_t n = source_read(source, buf + done, len - done, err);
		if (n < 0)
			return -1;
		if (n == 0)
			break;
		done += (size_t)n;
	}
	return (ssize_t)done;
}

static bool is_zero(const uint8_t *buf, size_t len)
{
	return len > 0 && buf[0] == 0 && memcmp(buf, buf + 1, len - 1) == 0;
}

static int write_full(int fd, const uint8_t *buf, size_t len, struct snap_error *err)
{
	/* A hole instead; whoever ends the file sets its length. */
	if (len == COPY_BYTES && is_zero(buf, len) && lseek(fd, (off_t)len, SEEK_CUR) >= 0)
		return 0;
	while (len > 0) {
		ssize_t n = write(fd, buf, len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return snap_error_errno(err, n < 0 ? errno : EIO,
				"cannot keep the core in a temporary file");
		buf += n;
		len -= (size_t)n;
	}
	return 0;
}

/* A core from a pipe or a compressed file needs a place where it can be read back and forth. */
static int spool_core(struct source *source, const uint8_t *head, size_t head_len,
	struct snap_input *input, struct snap_error *err)
{
	int out = snap_file_temporary(err);
	if (out < 0)
		return -1;
	uint8_t *buf = malloc(COPY_BYTES);
	int r = buf ? write_full(out, head, head_len, err) : snap_error_no_memory(err);
	uint64_t size = head_len;
	ssize_t n = 0;
	while (r == 0 && (n = source_read(source, buf, COPY_BYTES, err)) > 0) {
		r = write_full(out, buf, (size_t)n, err);
		size += (uint64_t)n;
		if (size > MAX_SPOOLED_BYTES)
			r = snap_error_set(err, SNAP_ERROR_LIMIT,
				"has more than %llu bytes, too many for a temporary file",
				MAX_SPOOLED_BYTES);
	}
	free(buf);
	if (r == 0 && ftruncate(out, (off_t)size) < 0)
		r = snap_error_errno(err, errno, "cannot keep the core in a temporary file");
	if (r < 0 || n < 0) {
		(void)close(out); /* unnamed: gone */
		return -1;
	}
	input->fd = out;
	input->size = size;
	return 0;
}

/* A snapshot or text into memory. expected: its size if known, else 0. */
static int read_whole(struct source *source, const uint8_t *head, size_t head_len,
	uint64_t expected, struct snap_input *input, struct snap_error *err)
{
	const size_t max = source->is_text ? SNAP_INPUT_MAX_TEXT : SNAP_MAX_FILE_BYTES;
	const char *what = source->is_text ? "text" : "a snapshot";
	if (expected > max)
		return snap_error_set(err, SNAP_ERROR_LIMIT,
			"has %llu bytes, more than the %zu that %s may have",
			(unsigned long long)expected, max, what);
	size_t capacity = expected > head_len ? expected + 1 : COPY_BYTES;
	uint8_t *data = malloc(capacity);
	if (!data)
		return snap_error_no_memory(err);
	memcpy(data, head, head_len);
	size_t len = head_len;
	for (;;) {
		ssize_t n = source_read_full(source, data + len, capacity - len, err);
		if (n < 0) {
			free(data);
			return -1;
		}
		len += (size_t)n;
		if (len < capacity)
			break;
		if (len > max) {
			free(data);
			return snap_error_set(err, SNAP_ERROR_LIMIT,
				"has more than the %zu bytes that %s may have", max, what);
		}
		/* One byte more than there may be, to see that there are more. */
		capacity = capacity > max / 2 ? max + 1 : 2 * capacity;
		uint8_t *grown = realloc(data, capacity);
		if (!grown) {
			free(data);
			return snap_error_no_memory(err);
		}
		data = grown;
	}
	input->storage = data;
	input->data = snap_bytes(data, len);
	input->size = len;
	return 0;
}

/* regular: fd is a whole regular file at offset 0, of so many bytes. */
static int read_source(struct source *source, bool regular, uint64_t size, struct snap_input *input,
	struct snap_error *err)
{
	uint8_t head[SNAP_FOREIGN_BYTES];
	ssize_t n = source_read_full(source, head, sizeof(head), err);
	if (n < 0)
		return -1;
	if (n == 0)
		return snap_error_set(err, SNAP_ERROR_MALFORMED, "is empty");
	const char *foreign =
		source->is_text ? NULL : snap_foreign_file(snap_bytes(head, (size_t)n));
	if (foreign)
		return snap_error_set(err, SNAP_ERROR_UNSUPPORTED, "%s", foreign);
	input->is_core = n >= SELFMAG && memcmp(head, ELFMAG, SELFMAG) == 0;
	if (input->is_core && source->is_text)
		return snap_error_set(err, SNAP_ERROR_UNSUPPORTED,
			"is an ELF file, not text (without --from, cores are read)");
	bool in_place = regular && !source->decompressor;
	if (!input->is_core)
		return read_whole(source, head, (size_t)n, in_place ? size : 0, input, err);
	if (!in_place)
		return spool_core(source, head, (size_t)n, input, err);
	input->size = size;
	input->fd = dup(source->fd);
	if (input->fd < 0)
		return snap_error_set(err, SNAP_ERROR_SYSTEM, "%s", strerror(errno));
	return 0;
}

/* owned: nobody else moves fd's offset. */
static int open_fd(
	int fd, bool owned, bool is_text, struct snap_input *input, struct snap_error *err)
{
	uint8_t start[SNAP_COMPRESSION_MAGIC_BYTES];
	struct stat st;
	bool regular = owned && fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
	struct source source = {.fd = fd, .start = {start, 0}, .input = input, .is_text = is_text};
	/* Straight from fd: source_read() would give back what stands in start. */
	while (source.start.len < sizeof(start)) {
		ssize_t n = read_retry(
			fd, start + source.start.len, sizeof(start) - source.start.len, err);
		if (n < 0)
			return -1;
		if (n == 0)
			break;
		source.start.len += (size_t)n;
	}
	if (snap_compression(source.start) &&
		snap_decompressor_create(fd, source.start, &source.decompressor, err) < 0)
		return -1;
	int r = read_source(&source, regular, regular ? (uint64_t)st.st_size : 0, input, err);
	snap_decompressor_destroy(source.decompressor);
	return r;
}

static int open_input(
	const char *file, bool is_text, struct snap_input *ret, struct snap_error *err)
{
	struct snap_error why = SNAP_ERROR_INIT;
	struct snap_input input = {.fd = -1};
	int r;
	if (strcmp(file, "-") == 0) {
		r = open_fd(STDIN_FILENO, false, is_text, &input, &why);
	} else {
		int fd = snap_file_open_input(file, &why);
		r = fd < 0 ? -1 : open_fd(fd, true, is_text, &input, &why);
		if (fd >= 0)
			(void)close(fd); /* only read from */
	}
	if (r < 0) {
		char name[256];
		(void)snap_escape(snap_bytes_str(file), SNAP_ESCAPE_TERMINAL, name, sizeof(name));
		bool standard = strcmp(file, "-") == 0;
		return snap_error_set(err, why.code, "cannot read %s%s%s: %s", standard ? "" : "'",
			standard ? "standard input" : name, standard ? "" : "'", why.text);
	}
	*ret = input;
	return 0;
}

int snap_input_open(const char *file, struct snap_input *ret, struct snap_error *err)
{
	return open_input(file, false, ret, err);
}

int snap_input_open_text(const char *file, struct snap_input *ret, struct snap_error *err)
{
	return open_input(file, true, ret, err);
}

void snap_input_deinit(struct snap_input *input)
{
	if (input->fd >= 0)
		(void)close(input->fd); /* only read from */
	free(input->storage);
	*input = (struct snap_input){.fd = -1};
}

void snap_input_close(struct snap_input *input)
{
	if (!input)
		return;
	snap_input_deinit(input);
	free(input);
}
