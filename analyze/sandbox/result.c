#include "analyze/sandbox/result.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "analyze/file_open.h"
#include "analyze/file_read.h"

void snap_result_init(struct snap_result *result)
{
	*result = (struct snap_result){.file = -1};
}

void snap_result_deinit(struct snap_result *result)
{
	for (size_t i = 0; i < result->num_messages; i++)
		free(result->messages[i].text);
	free(result->messages);
	free(result->memory);
	if (result->file >= 0)
		(void)close(result->file); /* unnamed: gone */
	snap_result_init(result);
}

static bool reserve(struct snap_result *result, size_t len)
{
	if (result->memory_len + len <= result->memory_size)
		return true;
	size_t size = 2 * (result->memory_len + len);
	uint8_t *grown = realloc(result->memory, size);
	if (!grown)
		return false;
	result->memory = grown;
	result->memory_size = size;
	return true;
}

static int write_all(int fd, const uint8_t *bytes, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, bytes, len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -EIO;
		bytes += n;
		len -= (size_t)n;
	}
	return 0;
}

int snap_result_add(struct snap_result *result, const void *bytes, size_t len)
{
	result->len += len;
	if (result->file < 0 && result->memory_len + len <= SNAP_RESULT_MEMORY) {
		if (!reserve(result, len))
			return -ENOMEM;
		memcpy(result->memory + result->memory_len, bytes, len);
		result->memory_len += len;
		return 0;
	}
	if (result->file < 0) {
		struct snap_error err = SNAP_ERROR_INIT;
		result->file = snap_file_temporary(&err);
		if (result->file < 0)
			return err.errnum ? -err.errnum : -EIO;
	}
	return write_all(result->file, bytes, len);
}

void snap_result_complain(struct snap_result *result, const char *text)
{
	struct snap_result_message *grown = NULL;
	char *copy = NULL;
	if (result->num_messages < SNAP_RESULT_MAX_MESSAGES) {
		grown = reallocarray(
			result->messages, result->num_messages + 1, sizeof(*grown));
		if (grown)
			result->messages = grown;
		copy = grown ? strdup(text) : NULL;
	}
	if (!copy) {
		result->num_dropped++;
		return;
	}
	result->messages[result->num_messages++] =
		(struct snap_result_message){.off = result->len, .text = copy};
}

/* Those said before byte off. */
static void print_messages(const struct snap_result *result, size_t *next, uint64_t off,
	void (*complain)(const char *text))
{
	while (*next < result->num_messages && result->messages[*next].off <= off)
		complain(result->messages[(*next)++].text);
}

/* bytes: those of the output from off on. */
static void print_bytes(const struct snap_result *result, const uint8_t *bytes, size_t len,
	uint64_t off, size_t *next, FILE *out, void (*complain)(const char *text))
{
	while (len > 0) {
		size_t n = len;
		print_messages(result, next, off, complain);
		if (*next < result->num_messages && result->messages[*next].off - off < n)
			n = (size_t)(result->messages[*next].off - off);
		(void)fwrite(bytes, 1, n, out); /* for the caller to see */
		bytes += n;
		off += n;
		len -= n;
	}
}

/* The messages from the next on. */
static void print_rest(
	const struct snap_result *result, size_t next, void (*complain)(const char *text))
{
	print_messages(result, &next, UINT64_MAX, complain);
	if (result->num_dropped > 0) {
		char text[64];
		(void)snprintf(text, sizeof(text), "%zu more messages are left out",
			result->num_dropped);
		complain(text);
	}
}

int snap_result_print(
	const struct snap_result *result, FILE *out, void (*complain)(const char *text))
{
	size_t next = 0;
	print_bytes(result, result->memory, result->memory_len, 0, &next, out, complain);
	uint64_t off = result->memory_len;
	int r = 0;
	while (result->file >= 0 && off < result->len && !ferror(out)) {
		static uint8_t buffer[1 << 16];
		ssize_t n = pread(result->file, buffer, sizeof(buffer),
			(off_t)(off - result->memory_len));
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			r = n < 0 ? -errno : -EIO;
			break;
		}
		print_bytes(result, buffer, (size_t)n, off, &next, out, complain);
		off += (uint64_t)n;
	}
	print_rest(result, next, complain);
	return r;
}

uint8_t *snap_result_read(const struct snap_result *result, uint64_t max)
{
	if (result->len > max)
		return NULL;
	uint8_t *ret = malloc(result->len + 1);
	if (!ret)
		return NULL;
	if (result->memory_len > 0)
		memcpy(ret, result->memory, result->memory_len);
	size_t rest = result->len - result->memory_len;
	if (rest > 0 && snap_file_read_at(result->file, ret + result->memory_len, rest, 0) !=
				(ssize_t)rest) {
		free(ret);
		return NULL;
	}
	return ret;
}

void snap_result_print_messages(
	const struct snap_result *result, void (*complain)(const char *text))
{
	print_rest(result, 0, complain);
}
