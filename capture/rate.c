#include "capture/rate.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "capture/lock.h"

/* The bucket of origin, or one that it may have from now on. */
static struct snap_rate_bucket *find_bucket(
	struct snap_rate *rate, const struct snap_origin *origin)
{
	struct snap_rate_bucket *least = &rate->buckets[0];
	for (size_t i = 0; i < rate->num; i++) {
		if (snap_origin_equal(&rate->buckets[i].origin, origin))
			return &rate->buckets[i];
		if (rate->buckets[i].full_ns < least->full_ns)
			least = &rate->buckets[i];
	}
	if (rate->num < SNAP_RATE_MAX)
		least = &rate->buckets[rate->num++];
	least->full_ns = 0;
	least->origin = *origin;
	return least;
}

static bool take_token(
	struct snap_rate_bucket *bucket, const struct snap_rate_limit *limit, uint64_t now_ns)
{
	const uint64_t interval = limit->interval_ns;
	/* The time that it takes to fill what is missing: never more than of a whole bucket, which
	 * may have been larger before. */
	uint64_t missing_ns = bucket->full_ns > now_ns ? bucket->full_ns - now_ns : 0;
	uint64_t whole_ns =
		limit->burst > UINT64_MAX / interval ? UINT64_MAX : limit->burst * interval;
	if (missing_ns > whole_ns)
		missing_ns = whole_ns;
	bool allowed = missing_ns <= whole_ns - interval;
	if (allowed)
		missing_ns += interval;
	bucket->full_ns = now_ns > UINT64_MAX - missing_ns ? UINT64_MAX : now_ns + missing_ns;
	return allowed;
}

bool snap_rate_allow(struct snap_rate *rate, const struct snap_rate_limit *limit,
	const struct snap_origin *origin, uint64_t now_ns)
{
	return limit->burst == 0 || limit->interval_ns == 0 ||
	       take_token(find_bucket(rate, origin), limit, now_ns);
}

/* ---------------------------------------------------------------- in a file */

/* One machine's own: native byte order and layout. */
struct file_head {
	char magic[8];
	uint64_t bucket_size;
	char boot_id[40];
	uint64_t num;
};

static const char magic[8] = "SNAPRATE";

static void read_boot_id(char out[static 40])
{
	memset(out, 0, 40);
	int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	(void)!read(fd, out, 36); /* unread, it is as if there were one boot only */
	(void)close(fd);
}

static void load(int fd, const char *boot_id, struct snap_rate *rate)
{
	struct file_head head;
	rate->num = 0;
	if (pread(fd, &head, sizeof(head), 0) != (ssize_t)sizeof(head) ||
		memcmp(head.magic, magic, sizeof(magic)) != 0 ||
		head.bucket_size != sizeof(rate->buckets[0]) ||
		memcmp(head.boot_id, boot_id, sizeof(head.boot_id)) != 0 ||
		head.num > SNAP_RATE_MAX)
		return;
	ssize_t len = (ssize_t)(head.num * sizeof(rate->buckets[0]));
	if (pread(fd, rate->buckets, (size_t)len, sizeof(head)) != len)
		return;
	for (size_t i = 0; i < head.num; i++)
		if (rate->buckets[i].origin.exe_len > SNAP_ORIGIN_EXE_MAX)
			return;
	rate->num = head.num;
}

/* Only what has changed is written. */
static int store(int fd, const char *boot_id, const struct snap_rate *rate,
	const struct snap_rate_bucket *changed)
{
	struct file_head head = {
		.bucket_size = sizeof(*changed),
		.num = rate->num,
	};
	memcpy(head.magic, magic, sizeof(magic));
	memcpy(head.boot_id, boot_id, sizeof(head.boot_id));
	off_t off = (off_t)sizeof(head) + (changed - rate->buckets) * (off_t)sizeof(*changed);
	errno = EIO;
	/* The bucket first: a head that counts more than there are is not believed. */
	if (pwrite(fd, changed, sizeof(*changed), off) != (ssize_t)sizeof(*changed) ||
		pwrite(fd, &head, sizeof(head), 0) != (ssize_t)sizeof(head))
		return -errno;
	return 0;
}

int snap_rate_file_allow(int dir_fd, const struct snap_rate_limit *limit,
	const struct snap_origin *origin, struct snap_rate *rate, bool *ret)
{
	*ret = true;
	if (limit->burst == 0 || limit->interval_ns == 0)
		return 0;
	int fd = openat(dir_fd, SNAP_RATE_FILE,
		O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	struct stat st;
	int r = fstat(fd, &st) < 0 ? -errno : S_ISREG(st.st_mode) ? 0 : -EINVAL;
	if (r == 0)
		r = snap_lock(fd, SNAP_LOCK_HELD_MS);
	if (r == 0) {
		char boot_id[40];
		struct timespec now;
		read_boot_id(boot_id);
		(void)clock_gettime(CLOCK_BOOTTIME, &now); /* can't fail */
		load(fd, boot_id, rate);
		struct snap_rate_bucket *bucket = find_bucket(rate, origin);
		uint64_t full_ns = bucket->full_ns;
		*ret = take_token(
			bucket, limit, (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec);
		if (bucket->full_ns != full_ns)
			r = store(fd, boot_id, rate, bucket);
	}
	(void)close(fd); /* and so unlocked */
	return r;
}
