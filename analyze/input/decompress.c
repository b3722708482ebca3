#include "analyze/input/decompress.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <archive.h>
#include <lzma.h>

#include "analyze/sandbox/remote.h"
#include "common/escape.h"

#define LIBRARY	     SNAP_ARCHIVE_LIBRARY
#define BUFFER_BYTES 65536u

/*
 * What a decompressor may take: 128 MiB for the data that may be referred to, which the file says how
 * much of there is, and a little. xz takes 64 MiB at its highest level, and its format allows 4 GiB.
 * libzstd has this limit of its own, of the same 128 MiB (ZSTD_WINDOWLOG_LIMIT_DEFAULT), and the other
 * two formats can't ask for more than 4 MiB.
 */
#define MAX_XZ_BYTES (UINT64_C(129) << 20)

static struct library {
	__typeof__(archive_read_new) *read_new;
	__typeof__(archive_read_free) *read_free;
	__typeof__(archive_read_support_filter_gzip) *filter_gzip;
	__typeof__(archive_read_support_filter_zstd) *filter_zstd;
	__typeof__(archive_read_support_filter_lz4) *filter_lz4;
	__typeof__(archive_read_support_format_raw) *format_raw;
	__typeof__(archive_read_open) *open;
	__typeof__(archive_read_next_header) *next_header;
	__typeof__(archive_read_data) *data;
	__typeof__(archive_error_string) *error_string;
	bool loaded;
} library;

struct snap_decompressor {
	struct archive *archive; /* NULL: xz */
	lzma_stream xz;
	bool xz_has_ended;
	int fd;
	struct snap_bytes start; /* not yet handed over */
	bool ran_out;		 /* fd had no more bytes */
	int failed_errnum;	 /* fd could not be read (further); 0: it could */
	uint64_t num_taken;
	uint8_t buf[BUFFER_BYTES];
};

const char *snap_compression(struct snap_bytes start)
{
	static const struct {
		const char *name;
		struct snap_bytes magic;
	} known[] = {
		{"gzip", {(const uint8_t *)"\x1f\x8b", 2}},
		{"xz", {(const uint8_t *)"\xfd"
					 "7zXZ\0",
			       6}},
		{"zstd", {(const uint8_t *)"\x28\xb5\x2f\xfd", 4}},
		{"lz4", {(const uint8_t *)"\x04\x22\x4d\x18", 4}},
	};
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (start.len >= known[i].magic.len &&
			memcmp(start.data, known[i].magic.data, known[i].magic.len) == 0)
			return known[i].name;
	return NULL;
}

static int load_library(struct snap_error *err)
{
	if (library.loaded)
		return 0;
	snap_remote_need_library(SNAP_LIBRARY_ARCHIVE);
	void *handle = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
	if (!handle)
		return snap_error_set(err, SNAP_ERROR_UNSUPPORTED,
			"is compressed, and %s, which decompresses, is not installed", LIBRARY);
	struct {
		const char *name;
		void *pointer; /* to a pointer to a function */
	} symbols[] = {
		{"archive_read_new", &library.read_new},
		{"archive_read_free", &library.read_free},
		{"archive_read_support_filter_gzip", &library.filter_gzip},
		{"archive_read_support_filter_zstd", &library.filter_zstd},
		{"archive_read_support_filter_lz4", &library.filter_lz4},
		{"archive_read_support_format_raw", &library.format_raw},
		{"archive_read_open", &library.open},
		{"archive_read_next_header", &library.next_header},
		{"archive_read_data", &library.data},
		{"archive_error_string", &library.error_string},
	};
	for (size_t i = 0; i < sizeof(symbols) / sizeof(symbols[0]); i++) {
		void *symbol = dlsym(handle, symbols[i].name);
		if (!symbol)
			return snap_error_set(err, SNAP_ERROR_UNSUPPORTED,
				"is compressed, and %s has no %s", LIBRARY, symbols[i].name);
		memcpy(symbols[i].pointer, &symbol, sizeof(symbol)); /* as dlsym(3) has it */
	}
	library.loaded = true;
	return 0;
}

static la_ssize_t give_bytes(struct archive *archive, void *arg, const void **ret)
{
	struct snap_decompressor *d = arg;
	(void)archive; /* its message would be less than errno's */
	if (d->start.len > 0) {
		*ret = d->start.data;
		la_ssize_t len = (la_ssize_t)d->start.len;
		d->start.len = 0;
		d->num_taken += (uint64_t)len;
		return len;
	}
	ssize_t n = -1;
	while (d->failed_errnum == 0) {
		n = read(d->fd, d->buf, sizeof(d->buf));
		if (n >= 0)
			break;
		d->failed_errnum = errno == EINTR ? 0 : errno;
	}
	*ret = d->buf;
	d->ran_out = n == 0;
	d->num_taken += n > 0 ? (uint64_t)n : 0;
	return n;
}

static int fail_for_memory(struct snap_error *err)
{
	return snap_error_set(err, SNAP_ERROR_LIMIT,
		"cannot be decompressed: that takes more than 128 MiB of memory");
}

static int fail_to_read(const struct snap_decompressor *d, struct snap_error *err)
{
	return snap_error_errno(err, d->failed_errnum, "cannot be decompressed");
}

static int fail(const struct snap_decompressor *d, struct snap_error *err)
{
	char text[256];
	if (d->failed_errnum != 0)
		return fail_to_read(d, err);
	const char *why = library.error_string(d->archive);
	/* libzstd's words for a window that is too large. */
	if (why && strstr(why, "requires too much memory"))
		return fail_for_memory(err);
	(void)snap_escape(snap_bytes_str(why ? why : "unknown error"), SNAP_ESCAPE_TERMINAL, text,
		sizeof(text));
	return snap_error_set(err, SNAP_ERROR_MALFORMED, "cannot be decompressed: %s", text);
}

static int create_archive(struct snap_decompressor *d, struct snap_error *err)
{
	/* Only filters that are part of the library: others would start programs. */
	struct archive_entry *entry;
	d->archive = library.read_new();
	if (!d->archive)
		return snap_error_no_memory(err);
	if (library.filter_gzip(d->archive) == ARCHIVE_OK &&
		library.filter_zstd(d->archive) == ARCHIVE_OK &&
		library.filter_lz4(d->archive) == ARCHIVE_OK &&
		library.format_raw(d->archive) == ARCHIVE_OK &&
		library.open(d->archive, d, NULL, give_bytes, NULL) == ARCHIVE_OK &&
		library.next_header(d->archive, &entry) == ARCHIVE_OK)
		return 0;
	return fail(d, err);
}

/* ---------------------------------------------------------------- xz */

/* By liblzma itself, since libarchive grants a gigabyte. */
static int create_xz(struct snap_decompressor *d, struct snap_error *err)
{
	d->xz_has_ended = false;
	if (lzma_stream_decoder(&d->xz, MAX_XZ_BYTES, LZMA_CONCATENATED) != LZMA_OK)
		return snap_error_no_memory(err);
	return 0;
}

static ssize_t read_xz(
	struct snap_decompressor *d, void *buf, size_t len, struct snap_error *err)
{
	d->xz.next_out = buf;
	d->xz.avail_out = len;
	while (d->xz.avail_out > 0 && !d->xz_has_ended) {
		const void *bytes;
		if (d->xz.avail_in == 0 && !d->ran_out) {
			la_ssize_t n = give_bytes(NULL, d, &bytes);
			if (n < 0 && d->xz.avail_out < len)
				break;
			if (n < 0)
				return fail_to_read(d, err);
			d->xz.next_in = bytes;
			d->xz.avail_in = (size_t)n;
		}
		lzma_ret r = lzma_code(&d->xz, d->ran_out ? LZMA_FINISH : LZMA_RUN);
		size_t n = len - d->xz.avail_out;
		d->xz_has_ended = r == LZMA_STREAM_END;
		if (r == LZMA_OK || r == LZMA_STREAM_END)
			continue;
		/* What came before the fault is good; it is met again. */
		if (n > 0)
			return (ssize_t)n;
		if (r == LZMA_MEM_ERROR)
			return snap_error_no_memory(err);
		if (r == LZMA_MEMLIMIT_ERROR)
			return fail_for_memory(err);
		return snap_error_set(err, SNAP_ERROR_MALFORMED, "cannot be decompressed: xz: %s",
			r == LZMA_BUF_ERROR ? "it ends early" : "it is damaged");
	}
	return (ssize_t)(len - d->xz.avail_out);
}

/* ---------------------------------------------------------------- all of them */

int snap_decompressor_create(
	int fd, struct snap_bytes start, struct snap_decompressor **ret, struct snap_error *err)
{
	const char *name = snap_compression(start);
	bool is_xz = name && strcmp(name, "xz") == 0;
	if (!is_xz && load_library(err) < 0)
		return -1;
	struct snap_decompressor *d = malloc(sizeof(*d));
	if (!d)
		return snap_error_no_memory(err);
	d->archive = NULL;
	d->xz = (lzma_stream)LZMA_STREAM_INIT;
	d->fd = fd;
	d->start = start;
	d->ran_out = false;
	d->failed_errnum = 0;
	d->num_taken = 0;
	int r = is_xz ? create_xz(d, err) : create_archive(d, err);
	if (r < 0) {
		snap_decompressor_destroy(d);
		return -1;
	}
	*ret = d;
	return 0;
}

void snap_decompressor_destroy(struct snap_decompressor *decompressor)
{
	if (!decompressor)
		return;
	if (decompressor->archive)
		(void)library.read_free(decompressor->archive); /* nothing is written */
	else
		lzma_end(&decompressor->xz);
	free(decompressor);
}

ssize_t snap_decompressor_read(
	struct snap_decompressor *decompressor, void *buf, size_t len, struct snap_error *err)
{
	if (!decompressor->archive)
		return read_xz(decompressor, buf, len, err);
	la_ssize_t n = library.data(decompressor->archive, buf, len);
	return n >= 0 ? (ssize_t)n : fail(decompressor, err);
}

uint64_t snap_decompressor_taken(const struct snap_decompressor *decompressor)
{
	return decompressor->num_taken;
}

bool snap_decompressor_ran_out(const struct snap_decompressor *decompressor)
{
	return decompressor->ran_out;
}
