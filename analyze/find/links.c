#include "analyze/find/links.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <zlib.h>

#include "analyze/file_read.h"
#include "common/elf_load.h"
#include "common/snapshot.h"

/* No debug file is larger; a file with holes may claim to be. */
#define MAX_CRC_BYTES (UINT64_C(16) << 30)

/* The string at the start of the section; NULL if it has no end. *ret_len: without its NUL. */
static const char *first_string(struct snap_bytes section, size_t *ret_len)
{
	const char *text = (const char *)section.data;
	*ret_len = strnlen(text, section.len);
	return *ret_len < section.len ? text : NULL;
}

int snap_debuglink_read(
	const struct snap_elf_file *file, struct snap_debuglink *ret, struct snap_error *err)
{
	struct snap_bytes section = snap_elf_file_section(file, ".gnu_debuglink");
	if (!section.data)
		return 0;
	size_t len;
	const char *name = first_string(section, &len);
	size_t crc_off = (len + 1 + 3) & ~(size_t)3;
	if (!name || len == 0 || crc_off > section.len || section.len - crc_off < 4)
		return snap_error_set(err, SNAP_ERROR_MALFORMED, "its .gnu_debuglink is malformed");
	if (strchr(name, '/') || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return snap_error_set(err, SNAP_ERROR_MALFORMED,
			"its .gnu_debuglink does not hold the name of a file");
	ret->name = name;
	ret->crc = (uint32_t)snap_elf_load(section.data + crc_off, 4, file->elf_data);
	return 1;
}

int snap_altlink_read(
	const struct snap_elf_file *file, struct snap_altlink *ret, struct snap_error *err)
{
	struct snap_bytes section = snap_elf_file_section(file, ".gnu_debugaltlink");
	if (!section.data)
		return 0;
	size_t len;
	const char *name = first_string(section, &len);
	if (!name || len == 0 || section.len - len - 1 == 0 ||
		section.len - len - 1 > SNAP_MAX_BUILD_ID)
		return snap_error_set(
			err, SNAP_ERROR_MALFORMED, "its .gnu_debugaltlink is malformed");
	ret->name = name;
	ret->build_id = snap_bytes(section.data + len + 1, section.len - len - 1);
	return 1;
}

int snap_file_crc32(int fd, uint32_t *ret, struct snap_error *err)
{
	uint8_t buffer[65536];
	struct stat st;
	if (fstat(fd, &st) < 0)
		return snap_error_errno(err, errno, "cannot be read");
	if ((uint64_t)st.st_size > MAX_CRC_BYTES)
		return snap_error_set(
			err, SNAP_ERROR_LIMIT, "it is too large for its CRC to be checked");
	uLong crc = crc32(0, NULL, 0);
	for (off_t off = 0; off < st.st_size;) {
		ssize_t n = snap_file_read_at(fd, buffer, sizeof(buffer), (uint64_t)off);
		if (n < 0)
			return snap_error_errno(err, (int)-n, "cannot be read");
		if (n == 0)
			break; /* it became shorter meanwhile */
		crc = crc32(crc, buffer, (uInt)n);
		off += n;
	}
	*ret = (uint32_t)crc;
	return 0;
}
