#include "analyze/input/input.h"

#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "analyze/file_open.h"
#include "common/escape.h"
#include "common/snapshot.h"

#define COPY_BYTES 65536u

static ssize_t read_retry(int fd, void *buf, size_t len)
{
	ssize_t n;
	do
		n = read(fd, buf, len);
	while (n < 0 && errno == EINTR);
	return n;
}

/* Until len bytes or the end. */
static ssize_t read_full(int fd, uint8_t *buf, size_t len)
{
	size_t done = 0;
	while (done < len) {
		ssize_t n = read_retry(fd, buf + done, len - done);
		if (n < 0)
			return -1;
		if (n == 0)
			break;
		done += (size_t)n;
	}
	return (ssize_t)done;
}

/* A core from a pipe needs a place where it can be read back and forth. */
static int spool_core(int fd, const uint8_t *start, size_t start_len, struct snap_input *input,
	struct snap_error *err)
{
	int out = snap_file_temporary(err);
	if (out < 0)
		return -1;
	uint8_t *buf = malloc(COPY_BYTES);
	if (!buf) {
		(void)close(out); /* unnamed: gone */
		return snap_error_no_memory(err);
	}
	memcpy(buf, start, start_len);
	ssize_t n = (ssize_t)start_len;
	uint64_t size = 0;
	int errnum = 0;
	while (n > 0 && errnum == 0) {
		for (ssize_t done = 0; done < n && errnum == 0;) {
			ssize_t w = write(out, buf + done, (size_t)(n - done));
			if (w > 0)
				done += w;
			else if (w == 0 || errno != EINTR)
				errnum = w == 0 ? EIO : errno;
		}
		size += (uint64_t)n;
		n = read_retry(fd, buf, COPY_BYTES);
		if (n < 0)
			errnum = errno;
	}
	free(buf);
	if (errnum) {
		(void)close(out);
		return snap_error_errno(err, errnum, "cannot keep the core of standard input");
	}
	input->fd = out;
	input->size = size;
	return 0;
}

/* The rest of a snapshot into memory. expected: its size if known, else 0. */
static int read_snapshot(int fd, const uint8_t *start, size_t start_len, uint64_t expected,
	struct snap_input *input, struct snap_error *err)
{
	if (expected > SNAP_MAX_FILE_BYTES)
		return snap_error_set(err, SNAP_ERROR_LIMIT,
			"has %llu bytes, more than the %u that a snapshot may have",
			(unsigned long long)expected, SNAP_MAX_FILE_BYTES);
	size_t capacity = expected > start_len ? expected + 1 : COPY_BYTES;
	uint8_t *data = malloc(capacity);
	if (!data)
		return snap_error_no_memory(err);
	memcpy(data, start, start_len);
	size_t len = start_len;
	for (;;) {
		ssize_t n = read_full(fd, data + len, capacity - len);
		if (n < 0) {
			free(data);
			return snap_error_set(err, SNAP_ERROR_SYSTEM, "%s", strerror(errno));
		}
		len += (size_t)n;
		if (len < capacity)
			break;
		if (len > SNAP_MAX_FILE_BYTES) {
			free(data);
			return snap_error_set(err, SNAP_ERROR_LIMIT,
				"has more than the %u bytes that a snapshot may have",
				SNAP_MAX_FILE_BYTES);
		}
		capacity *= 2;
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

static int open_fd(int fd, bool owned, struct snap_input *input, struct snap_error *err)
{
	uint8_t start[SELFMAG];
	struct stat st;
	bool regular = fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
	ssize_t n = read_full(fd, start, sizeof(start));
	if (n < 0)
		return snap_error_set(err, SNAP_ERROR_SYSTEM, "%s", strerror(errno));
	if (n == 0)
		return snap_error_set(err, SNAP_ERROR_MALFORMED, "is empty");
	input->is_core = n == SELFMAG && memcmp(start, ELFMAG, SELFMAG) == 0;
	if (!input->is_core)
		return read_snapshot(fd, start, (size_t)n,
			regular && st.st_size > 0 ? (uint64_t)st.st_size : 0, input, err);
	if (!regular || !owned)
		return spool_core(fd, start, (size_t)n, input, err);
	input->size = (uint64_t)st.st_size;
	input->fd = dup(fd);
	if (input->fd < 0)
		return snap_error_set(err, SNAP_ERROR_SYSTEM, "%s", strerror(errno));
	return 0;
}

int snap_input_open(const char *file, struct snap_input *ret, struct snap_error *err)
{
	struct snap_error why = SNAP_ERROR_INIT;
	struct snap_input input = {.fd = -1};
	int r;
	if (strcmp(file, "-") == 0) {
		r = open_fd(STDIN_FILENO, false, &input, &why);
	} else {
		int fd = snap_file_open(file, NULL, &why);
		r = fd < 0 ? -1 : open_fd(fd, true, &input, &why);
		if (fd >= 0)
			(void)close(fd); /* only read from */
	}
	if (r < 0) {
		char name[256];
		(void)snap_escape(
			snap_bytes_str(file), SNAP_ESCAPE_TERMINAL, name, sizeof(name));
		bool standard = strcmp(file, "-") == 0;
		return snap_error_set(err, why.code, "cannot read %s%s%s: %s", standard ? "" : "'",
			standard ? "standard input" : name, standard ? "" : "'", why.text);
	}
	*ret = input;
	return 0;
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
