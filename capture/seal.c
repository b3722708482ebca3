#include "capture/seal.h"

#include <errno.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/crc32c.h"
#include "common/snapshot_read.h"
#include "common/snapshot_write.h"

/* What the end takes, at least; each time that it does not fit, twice as much is cut off. */
#define ROOM 512

static void scan(const void *data, uint64_t len, struct snap_seal *seal)
{
	struct snap_error err = SNAP_ERROR_INIT;
	struct snap_scan found;
	/* Beyond what a reader takes in number of records: half of it may be within. */
	for (; len > 0; len /= 2) {
		if (snap_snapshot_scan(snap_bytes(data, len), &found, &err) == 0)
			break;
		if (err.code == SNAP_ERROR_UNSUPPORTED) {
			seal->left_alone = true;
			return;
		}
		if (err.code != SNAP_ERROR_LIMIT)
			return;
	}
	if (len == 0 || !found.has_header)
		return;
	/* What follows a final checkpoint is of no use, and no harm. */
	struct snap_scan kept;
	seal->keep_len = found.readable_len;
	seal->complete =
		snap_snapshot_scan(snap_bytes(data, found.readable_len), &kept, &err) == 0 &&
		kept.integrity == SNAP_INTEGRITY_COMPLETE;
}

/* Look at the first max_len bytes. */
static int examine(int fd, uint64_t max_len, struct snap_seal *ret)
{
	struct snap_seal seal = {0};
	struct stat st;
	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	uint64_t len = (uint64_t)st.st_size;
	/* Of a file that is too long the last record that fits has to be found, and the end has to
	 * fit, too. */
	seal.file_len = len;
	if (len > SNAP_MAX_FILE_BYTES)
		len = SNAP_MAX_FILE_BYTES - 2 * ROOM;
	if (len > max_len)
		len = max_len;
	if (len > 0) {
		void *data = mmap(NULL, len, PROT_READ, MAP_PRIVATE, fd, 0);
		if (data == MAP_FAILED)
			return -errno;
		scan(data, len, &seal);
		(void)munmap(data, len); /* can't fail */
	}
	*ret = seal;
	return 0;
}

static int sum(int fd, uint64_t len, uint32_t *ret)
{
	uint8_t buf[16384];
	uint32_t crc = 0;
	for (uint64_t off = 0; off < len;) {
		size_t want = len - off < sizeof(buf) ? (size_t)(len - off) : sizeof(buf);
		ssize_t n = pread(fd, buf, want, (off_t)off);
		if (n <= 0)
			return n < 0 ? -errno : -EIO;
		crc = snap_crc32c(crc, buf, (size_t)n);
		off += (uint64_t)n;
	}
	*ret = crc;
	return 0;
}

/* Cut the file, and write the end. */
static int write_end(int fd, const struct snap_seal *seal, const char *program, const char *why)
{
	uint32_t crc = 0;
	if (seal->left_alone)
		return 0;
	int r = sum(fd, seal->keep_len, &crc);
	if (r < 0)
		return r;
	if (ftruncate(fd, (off_t)seal->keep_len) < 0)
		return -errno;
	if (seal->complete)
		return 0;
	if (lseek(fd, (off_t)seal->keep_len, SEEK_SET) < 0)
		return -errno;

	struct snap_writer writer;
	char note[256];
	snap_writer_resume(&writer, fd, seal->keep_len, crc);
	if (seal->keep_len == 0)
		(void)snap_write_header(&writer, program); /* its error sticks */
	(void)snprintf(note, sizeof(note), "%s: %llu of its %llu bytes are kept", why,
		(unsigned long long)seal->keep_len, (unsigned long long)seal->file_len);
	(void)snap_write_note(&writer, note); /* cut, if need be; its error sticks */
	r = snap_write_checkpoint(&writer, false);
	if (r < 0 && ftruncate(fd, (off_t)seal->keep_len) < 0)
		return -errno;
	return r;
}

int snap_seal(int fd, const char *program, const char *why, struct snap_seal *ret)
{
	struct snap_seal seal;
	uint64_t max_len = UINT64_MAX, file_len = 0;
	for (uint64_t room = ROOM;; room *= 2) {
		int r = examine(fd, max_len, &seal);
		if (r < 0)
			return r;
		if (max_len == UINT64_MAX)
			file_len = seal.file_len;
		seal.file_len = file_len; /* as it was before anything was cut off */
		r = write_end(fd, &seal, program, why);
		if ((r == -ENOSPC || r == -EDQUOT || r == -EFBIG) && seal.keep_len > 0) {
			max_len = seal.keep_len > room ? seal.keep_len - room : 0;
			continue;
		}
		if (r == 0)
			*ret = seal;
		return r;
	}
}
