#include "capture/spool_usage.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "capture/dir_walk.h"
#include "capture/lock.h"
#include "capture/skipped.h"
#include "capture/rate.h"
#include "capture/spool_name.h"

#define AUTO_FREE_BYTES	 (16u << 20)
#define AUTO_FREE_INODES 100
#define AUTO_SHARE	 64
#define NOBODY		 ((uint64_t)UINT32_MAX + 1)

/* ---------------------------------------------------------------- what there is */

/* A snapshot of the spool, as the walk comes to it. */
struct file {
	const char *name;
	struct snap_spool_name parts;
	uint64_t bytes;
};

/* Whether name is a snapshot in dir_fd; fills *ret then. */
static bool look_at(int dir_fd, const char *name, struct file *ret)
{
	struct stat st;
	if (!snap_spool_name_parse(name, &ret->parts) ||
		fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISREG(st.st_mode))
		return false;
	ret->name = name;
	ret->bytes = (uint64_t)st.st_blocks * 512;
	return true;
}

/* Files of ours that are no snapshots. */
static bool is_part_of_spool(const char *name)
{
	static const char *const names[] = {
		SNAP_SPOOL_INCOMING, SNAP_SKIPPED_FILE, SNAP_RATE_FILE, SNAP_SKIPPED_NEW_FILE};
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(name, names[i]) == 0)
			return true;
	return false;
}

static void read_origin(int dir_fd, const struct file *file, struct snap_origin *ret)
{
	int fd = openat(
		dir_fd, file->name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	bool found = fd >= 0 && snap_origin_read(fd, ret) == 0;
	if (fd >= 0)
		(void)close(fd); /* nothing was written */
	if (!found) {
		snap_origin_init(ret, 0, snap_bytes(file->parts.comm, file->parts.comm_len));
		ret->has_uid = false;
	}
}

static int read_free(int dir_fd, struct snap_spool_usage *usage)
{
	struct statvfs fs;
	if (fstatvfs(dir_fd, &fs) < 0)
		return -errno;
	usage->free_bytes = (uint64_t)fs.f_bavail * fs.f_frsize;
	usage->total_bytes = (uint64_t)fs.f_blocks * fs.f_frsize;
	usage->counts_bytes = fs.f_blocks > 0;
	usage->counts_inodes = fs.f_files > 0;
	usage->free_inodes = fs.f_favail;
	usage->total_inodes = fs.f_files;
	return 0;
}

int snap_spool_usage_read(int dir_fd, struct snap_spool_usage *ret)
{
	struct snap_spool_usage usage = {0};
	struct snap_dir_walk walk;
	const char *name;
	int r = read_free(dir_fd, &usage);
	if (r == 0)
		r = snap_dir_walk_init(&walk, dir_fd);
	if (r < 0)
		return r;
	while ((r = snap_dir_walk_next(&walk, &name)) > 0) {
		struct file file;
		if (look_at(dir_fd, name, &file)) {
			usage.num_files++;
			usage.bytes += file.bytes;
		} else if (!is_part_of_spool(name)) {
			usage.num_foreign++;
		}
	}
	snap_dir_walk_deinit(&walk);
	if (r == 0)
		*ret = usage;
	return r;
}

int snap_spool_usage_on_demand(int dir_fd, uint32_t uid, uint64_t *ret_num, uint64_t *ret_bytes)
{
	uint64_t num = 0, bytes = 0;
	struct snap_dir_walk walk;
	const char *name;
	int r = snap_dir_walk_init(&walk, dir_fd);
	if (r < 0)
		return r;
	while ((r = snap_dir_walk_next(&walk, &name)) > 0) {
		struct file file;
		struct snap_origin origin;
		if (!look_at(dir_fd, name, &file))
			continue;
		read_origin(dir_fd, &file, &origin);
		if (origin.has_uid && origin.uid == uid && origin.on_demand) {
			num++;
			bytes += file.bytes;
		}
	}
	snap_dir_walk_deinit(&walk);
	if (r == 0) {
		*ret_num = num;
		*ret_bytes = bytes;
	}
	return r;
}

/* ---------------------------------------------------------------- the limits */

struct snap_spool_limits snap_spool_limits_of(const struct snap_config *config)
{
	return (struct snap_spool_limits){
		.max_files = config->max_files,
		.max_bytes = config->max_bytes,
		.min_free_bytes = config->min_free_bytes,
		.min_free_inodes = config->min_free_inodes,
	};
}

static uint64_t automatic(uint64_t limit, uint64_t usual, uint64_t total)
{
	if (limit != SNAP_CONFIG_AUTO)
		return limit;
	return total / AUTO_SHARE < usual ? total / AUTO_SHARE : usual;
}

static bool lacks_free(const struct snap_spool_limits *limits, const struct snap_spool_usage *usage)
{
	return (usage->counts_bytes &&
		       usage->free_bytes < automatic(limits->min_free_bytes, AUTO_FREE_BYTES,
						   usage->total_bytes)) ||
	       (usage->counts_inodes &&
		       usage->free_inodes < automatic(limits->min_free_inodes, AUTO_FREE_INODES,
						    usage->total_inodes));
}

int snap_spool_check_free(int dir_fd, const struct snap_spool_limits *limits)
{
	struct snap_spool_usage usage = {0};
	int r = read_free(dir_fd, &usage);
	return r < 0 ? r : lacks_free(limits, &usage) ? -ENOSPC : 0;
}

static int check(const struct snap_spool_limits *limits, const struct snap_spool_usage *usage,
	uint64_t num_more)
{
	if (usage->num_files + num_more > limits->max_files || usage->bytes > limits->max_bytes)
		return -EDQUOT;
	return lacks_free(limits, usage) ? -ENOSPC : 0;
}

/* ---------------------------------------------------------------- what may go */

/* A polynomial in a random place: without knowing that, nobody finds two of one value. */
static uint64_t hash_exe(const struct snap_spool_evict *e, const struct snap_origin *origin)
{
	const uint64_t prime = 0x7fffffff;
	const uint64_t x = e->hash_key % prime, y = (e->hash_key >> 32) % prime;
	/* What a program asks for is no crash of its executable. */
	uint64_t a = 2 * origin->exe_len + (origin->on_demand ? 2 : 1), b = a;
	for (size_t i = 0; i < origin->exe_len; i++) {
		a = (a * x + origin->exe[i] + 1) % prime;
		b = (b * y + origin->exe[i] + 1) % prime;
	}
	return a << 32 | b;
}

static uint64_t owner_id(const struct snap_origin *origin)
{
	return origin->has_uid ? origin->uid : NOBODY;
}

#define TABLE_LEN (2 * SNAP_SPOOL_EVICT_MAX)

/* Where that owner stands or, if there is none, may be put. */
static uint32_t find_owner(const struct snap_spool_evict *e, uint64_t id)
{
	uint32_t at = (uint32_t)((id * 0x9e3779b97f4a7c15ull) >> 32) % TABLE_LEN;
	while (e->owners[at].used && e->owners[at].id != id)
		at = (at + 1) % TABLE_LEN;
	return at;
}

static uint32_t find_exe(const struct snap_spool_evict *e, uint64_t hash)
{
	uint32_t at = (uint32_t)(hash ^ hash >> 32) % TABLE_LEN;
	while (e->exes[at].used && e->exes[at].hash != hash)
		at = (at + 1) % TABLE_LEN;
	return at;
}

static bool is_newer(int64_t time_s, const char *name, const struct snap_spool_candidate *than)
{
	return time_s != than->time_s ? time_s > than->time_s : strcmp(name, than->name) > 0;
}

static bool order_is_newer(const struct snap_spool_evict *e, size_t a, size_t b)
{
	const struct snap_spool_candidate *c = &e->candidates[e->order[a]];
	return is_newer(c->time_s, c->name, &e->candidates[e->order[b]]);
}

/* order[0, num) is a heap, the newest at its top, but for the one at `at`. */
static void sift_down(struct snap_spool_evict *e, size_t at, size_t num)
{
	for (;;) {
		size_t newest = at;
		for (size_t child = 2 * at + 1; child <= 2 * at + 2 && child < num; child++)
			if (order_is_newer(e, child, newest))
				newest = child;
		if (newest == at)
			return;
		uint16_t swapped = e->order[at];
		e->order[at] = e->order[newest];
		e->order[newest] = swapped;
		at = newest;
	}
}

static void sift_up(struct snap_spool_evict *e, size_t at)
{
	while (at > 0 && order_is_newer(e, at, (at - 1) / 2)) {
		uint16_t swapped = e->order[at];
		e->order[at] = e->order[(at - 1) / 2];
		e->order[(at - 1) / 2] = swapped;
		at = (at - 1) / 2;
	}
}

static void fill(struct snap_spool_candidate *candidate, const struct file *file)
{
	candidate->time_s = file->parts.time_s;
	candidate->bytes = file->bytes;
	candidate->fate = SNAP_SPOOL_MAY_GO;
	memcpy(candidate->name, file->name, strlen(file->name) + 1); /* a published name fits */
}

/* The oldest so many, whatever their number. */
static void offer(struct snap_spool_evict *e, const struct file *file)
{
	if (e->num < SNAP_SPOOL_EVICT_MAX) {
		e->order[e->num] = (uint16_t)e->num;
		fill(&e->candidates[e->num], file);
		sift_up(e, e->num++);
		return;
	}
	struct snap_spool_candidate *newest = &e->candidates[e->order[0]];
	if (!is_newer(file->parts.time_s, file->name, newest)) {
		fill(newest, file);
		sift_down(e, 0, e->num);
	}
}

/* From a heap to ascending order: the oldest first. */
static void sort(struct snap_spool_evict *e)
{
	for (size_t num = e->num; num > 1; num--) {
		uint16_t newest = e->order[0];
		e->order[0] = e->order[num - 1];
		e->order[num - 1] = newest;
		sift_down(e, 0, num - 1);
	}
}

static bool is_fresh(const struct snap_spool_evict *e, const char *name)
{
	return e->fresh && strcmp(name, e->fresh) == 0;
}

/* Usage, and the candidates in order. */
static int collect(int dir_fd, struct snap_spool_evict *e)
{
	struct snap_dir_walk walk;
	const char *name;
	memset(&e->usage, 0, sizeof(e->usage));
	e->num = 0;
	int r = read_free(dir_fd, &e->usage);
	if (r == 0)
		r = snap_dir_walk_init(&walk, dir_fd);
	if (r < 0)
		return r;
	while ((r = snap_dir_walk_next(&walk, &name)) > 0) {
		struct file file;
		if (look_at(dir_fd, name, &file)) {
			e->usage.num_files++;
			e->usage.bytes += file.bytes;
			if (!is_fresh(e, name) &&
				(!e->has_floor || is_newer(file.parts.time_s, name, &e->floor)))
				offer(e, &file);
		} else if (!is_part_of_spool(name)) {
			e->usage.num_foreign++;
		}
	}
	snap_dir_walk_deinit(&walk);
	sort(e);
	return r;
}

/* One that is newer than all candidates: those of its executable are not the last ones. */
static void take_newer(int dir_fd, const struct file *file, struct snap_spool_evict *e)
{
	struct snap_origin origin;
	read_origin(dir_fd, file, &origin);
	uint32_t owner = find_owner(e, owner_id(&origin));
	if (e->owners[owner].used)
		e->owners[owner].bytes += file->bytes;
	uint32_t exe = find_exe(e, hash_exe(e, &origin));
	if (e->exes[exe].used)
		e->exes[exe].has_newer = true;
}

/* Those for which there was no place among the candidates. */
static int look_at_the_others(int dir_fd, struct snap_spool_evict *e)
{
	struct snap_dir_walk walk;
	const char *name;
	const struct snap_spool_candidate *newest = &e->candidates[e->order[e->num - 1]];
	int r = snap_dir_walk_init(&walk, dir_fd);
	if (r < 0)
		return r;
	while ((r = snap_dir_walk_next(&walk, &name)) > 0) {
		struct file file;
		if (look_at(dir_fd, name, &file) && !is_fresh(e, name) &&
			is_newer(file.parts.time_s, name, newest))
			take_newer(dir_fd, &file, e);
	}
	snap_dir_walk_deinit(&walk);
	return r;
}

/* Decide on all candidates. */
static int classify(int dir_fd, const struct snap_origin *exe, struct snap_spool_evict *e)
{
	memset(e->owners, 0, sizeof(e->owners));
	memset(e->exes, 0, sizeof(e->exes));
	if (e->num == 0)
		return 0;
	if (getrandom(&e->hash_key, sizeof(e->hash_key), GRND_NONBLOCK) !=
		(ssize_t)sizeof(e->hash_key))
		e->hash_key = 0x9e3779b97f4a7c15; /* early at boot nobody attacks yet */

	for (size_t i = 0; i < e->num; i++) {
		struct snap_spool_candidate *candidate = &e->candidates[e->order[i]];
		struct snap_origin origin;
		struct file file;
		/* One that has gone meanwhile has an origin by its name. */
		file.name = candidate->name;
		(void)snap_spool_name_parse(candidate->name, &file.parts); /* it was one */
		read_origin(dir_fd, &file, &origin);
		candidate->owner = find_owner(e, owner_id(&origin));
		e->owners[candidate->owner].used = true;
		e->owners[candidate->owner].id = owner_id(&origin);
		e->owners[candidate->owner].bytes += candidate->bytes;
		candidate->exe_hash = hash_exe(e, &origin);
		candidate->exe = find_exe(e, candidate->exe_hash);
		e->exes[candidate->exe].used = true;
		e->exes[candidate->exe].hash = candidate->exe_hash;
		e->exes[candidate->exe].newest = e->order[i];
	}
	if (e->num == SNAP_SPOOL_EVICT_MAX) {
		int r = look_at_the_others(dir_fd, e);
		if (r < 0)
			return r;
	}
	struct file fresh;
	if (e->fresh && look_at(dir_fd, e->fresh, &fresh))
		take_newer(dir_fd, &fresh, e);
	uint64_t own = exe ? hash_exe(e, exe) : 0;
	for (size_t i = 0; i < e->num; i++) {
		struct snap_spool_candidate *candidate = &e->candidates[i];
		if (e->exes[candidate->exe].newest == i && !e->exes[candidate->exe].has_newer)
			candidate->fate = exe && candidate->exe_hash == own ? SNAP_SPOOL_LAST_RESORT
									    : SNAP_SPOOL_STAYS;
	}
	return 0;
}

/* The oldest of the owner who has most, of those with that fate; NULL if there is none. */
static struct snap_spool_candidate *pick(struct snap_spool_evict *e, int fate)
{
	struct snap_spool_candidate *picked = NULL;
	for (size_t i = 0; i < e->num; i++) {
		struct snap_spool_candidate *candidate = &e->candidates[e->order[i]];
		if ((int)candidate->fate == fate &&
			(!picked ||
				e->owners[candidate->owner].bytes > e->owners[picked->owner].bytes))
			picked = candidate;
	}
	return picked;
}

/* Returns 0 or a negative errno; in both cases the file is no candidate any more. */
static int evict(int dir_fd, struct snap_spool_candidate *candidate, struct snap_spool_evict *e)
{
	candidate->fate = SNAP_SPOOL_STAYS;
	/* Who got ahead of us has removed it for the same reason. */
	if (unlinkat(dir_fd, candidate->name, 0) < 0 && errno != ENOENT)
		return -errno;
	e->owners[candidate->owner].bytes -= candidate->bytes;
	e->usage.num_files--;
	e->usage.bytes -= candidate->bytes;
	/* A file system may take its time to free them: what will be free counts. */
	e->usage.free_bytes += candidate->bytes;
	e->usage.free_inodes++;
	e->num_evicted++;
	return 0;
}

static int make_room(int dir_fd, const struct snap_spool_limits *limits, uint64_t num_more,
	const struct snap_origin *exe, struct snap_spool_evict *work)
{
	int failed = 0;
	work->has_floor = false;
	for (;;) {
		uint64_t before = work->num_evicted;
		int r = collect(dir_fd, work);
		if (r < 0 || check(limits, &work->usage, num_more) == 0)
			return r;
		r = classify(dir_fd, exe, work);
		if (r < 0)
			return r;
		for (int fate = SNAP_SPOOL_MAY_GO; fate <= SNAP_SPOOL_LAST_RESORT; fate++) {
			struct snap_spool_candidate *picked;
			while ((r = check(limits, &work->usage, num_more)) < 0 &&
				(picked = pick(work, fate)) != NULL) {
				int e = evict(dir_fd, picked, work);
				if (failed == 0)
					failed = e;
			}
		}
		if (r == 0)
			return 0;
		if (work->num < SNAP_SPOOL_EVICT_MAX)
			return failed < 0 ? failed : r;
		/* There are more than were looked at. */
		if (work->num_evicted == before) {
			work->has_floor = true;
			work->floor = work->candidates[work->order[work->num - 1]];
		}
	}
}

static int make_room_locked(int dir_fd, const struct snap_spool_limits *limits, uint64_t num_more,
	const struct snap_origin *exe, struct snap_spool_evict *work)
{
	work->num_evicted = 0;
	/* Two at once would remove twice as much as need be. Better that than nothing. */
	int lock_fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (lock_fd >= 0)
		(void)snap_lock(lock_fd, SNAP_LOCK_HELD_MS);
	int r = make_room(dir_fd, limits, num_more, exe, work);
	if (lock_fd >= 0)
		(void)close(lock_fd); /* and so unlocked */
	return r;
}

int snap_spool_make_room(int dir_fd, const struct snap_spool_limits *limits, uint64_t num_more,
	const struct snap_origin *exe, struct snap_spool_evict *work)
{
	work->fresh = NULL;
	return make_room_locked(dir_fd, limits, num_more, exe, work);
}

int snap_spool_keep_limits(int dir_fd, const struct snap_spool_limits *limits, const char *name,
	struct snap_spool_evict *work)
{
	work->fresh = name;
	return make_room_locked(dir_fd, limits, 0, NULL, work);
}
