#include "capture/adopt.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "capture/dir_walk.h"
#include "capture/origin.h"
#include "capture/sanitized.h"
#include "capture/seal.h"
#include "capture/spool_name.h"
#include "common/snapshot_read.h"

/* What the child may use: the largest file, as much for what is unpacked from it, and some. */
#define CHILD_MEMORY  (2 * (uint64_t)SNAP_MAX_FILE_BYTES + (128u << 20))
#define CHILD_TIME_S  10
#define CHILD_ID      65534
#define NAME_ATTEMPTS 4

#define WHY "its writer ended early, and it was adopted"

/* What the name is made of. */
struct facts {
	bool has_time, has_pid, has_uuid, has_comm;
	int64_t time_s;
	uint64_t pid;
	uint8_t uuid[16];
	uint8_t comm[64];
	uint64_t comm_len;
};

/* ---------------------------------------------------------------- what is in it */

static void take_comm(struct facts *facts, struct snap_bytes comm)
{
	if (comm.len == 0 || comm.len > sizeof(facts->comm))
		return;
	facts->has_comm = true;
	memcpy(facts->comm, comm.data, comm.len);
	facts->comm_len = comm.len;
}

static void take_record(struct facts *facts, const struct snap_record *record)
{
	if (!record->decoded)
		return;
	switch (record->number) {
	case SNAP_RECORD_METADATA: {
		struct snap_bytes uuid = record->u.metadata.snapshot_uuid;
		if (!uuid.data || uuid.len != sizeof(facts->uuid))
			break;
		facts->has_uuid = true;
		memcpy(facts->uuid, uuid.data, uuid.len);
		break;
	}
	case SNAP_RECORD_PROCESS:
		if (record->u.process.has_pid) {
			facts->has_pid = true;
			facts->pid = record->u.process.pid;
		}
		take_comm(facts, record->u.process.comm);
		break;
	case SNAP_RECORD_THREAD:
		/* The first one is the crashing one; the process's name comes late. */
		if (!facts->has_comm)
			take_comm(facts, record->u.thread.name);
		break;
	case SNAP_RECORD_CAPTURE:
		if (record->u.capture.has_time) {
			facts->has_time = true;
			facts->time_s = record->u.capture.time_s;
		}
		break;
	}
}

static void read_facts(int fd, uint64_t len, struct facts *facts)
{
	struct snap_reader reader;
	struct snap_record record;
	struct snap_error err = SNAP_ERROR_INIT;
	if (len == 0)
		return;
	void *data = mmap(NULL, len, PROT_READ, MAP_PRIVATE, fd, 0);
	if (data == MAP_FAILED)
		return;
	snap_reader_init(&reader, snap_bytes(data, len), len);
	int r;
	while ((r = snap_reader_next(&reader, &record, &err)) != 0)
		if (r > 0)
			take_record(facts, &record);
	snap_reader_deinit(&reader);
	(void)munmap(data, len); /* can't fail */
}

/* What the snapshot did not tell. */
static void complete_facts(
	const struct snap_origin *origin, const struct stat *st, struct facts *facts)
{
	if (!facts->has_time)
		facts->time_s = st->st_mtime;
	if (!facts->has_comm && origin) {
		const uint8_t *slash = memrchr(origin->exe, '/', origin->exe_len);
		size_t start = slash ? (size_t)(slash + 1 - origin->exe) : 0;
		size_t len = origin->exe_len - start;
		/* As long as a comm is. */
		take_comm(facts, snap_bytes(origin->exe + start, len < 15 ? len : 15));
	}
	if (!facts->has_uuid) {
		char random[17];
		snap_spool_random(random, 16);
		memcpy(facts->uuid, random, sizeof(facts->uuid));
	}
}

static void make_name(const struct facts *facts, char name[static SNAP_SPOOL_NAME_MAX])
{
	snap_spool_name(name, facts->time_s, snap_bytes(facts->comm, facts->comm_len), facts->pid,
		facts->uuid);
}

void snap_adopt_prepare(int fd, const struct snap_origin *origin, const char *program,
	const char *why, struct snap_adopt_prepared *ret)
{
	struct facts facts = {0};
	struct snap_seal seal;
	struct stat st;
	memset(ret, 0, sizeof(*ret));
	/* Before anything is written: its time is the crash's. */
	if (fstat(fd, &st) < 0) {
		ret->error = -errno;
		return;
	}
	ret->empty = st.st_size == 0;
	if (ret->empty)
		return;
	ret->error = snap_seal(fd, program, why, &seal);
	if (ret->error < 0)
		return;
	ret->complete = seal.complete;
	read_facts(fd, seal.keep_len, &facts);
	complete_facts(origin, &st, &facts);
	make_name(&facts, ret->name);
}

/* ---------------------------------------------------------------- in a child */

static void set_limit(int resource, uint64_t value)
{
	struct rlimit limit = {value, value};
	(void)setrlimit(resource, &limit); /* what the system has not can't be limited */
}

/* Never returns. Of all descriptors only two are left, and they are 0 and 1 then. */
static void run_child(
	int fd, int out, const struct snap_origin *origin, const struct snap_adopt_options *options)
{
	/* Both moved out of the way first: either may be 0 or 1 now. */
	int high_fd = fcntl(fd, F_DUPFD, 10), high_out = fcntl(out, F_DUPFD, 10);
	if (high_fd < 0 || high_out < 0 || dup2(high_fd, 0) < 0 || dup2(high_out, 1) < 0 ||
		syscall(SYS_close_range, 2u, ~0u, 0u) < 0)
		_exit(1);
	/* A fault in here is no crash to be captured: with 1 the kernel starts no handler. */
	set_limit(RLIMIT_CORE, 1);
	set_limit(RLIMIT_CPU, CHILD_TIME_S);
	if (!SNAP_SANITIZED)
		set_limit(RLIMIT_AS, CHILD_MEMORY);
	if (geteuid() == 0 &&
		(setgroups(0, NULL) < 0 || setresgid(CHILD_ID, CHILD_ID, CHILD_ID) < 0 ||
			setresuid(CHILD_ID, CHILD_ID, CHILD_ID) < 0))
		_exit(1);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		_exit(1);
	struct snap_adopt_prepared prepared;
	snap_adopt_prepare(0, origin, options->program, WHY, &prepared);
	_exit(write(1, &prepared, sizeof(prepared)) == (ssize_t)sizeof(prepared) ? 0 : 1);
}

static int64_t now_ms(void)
{
	struct timespec now;
	(void)clock_gettime(CLOCK_MONOTONIC, &now); /* can't fail */
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* All that the child has to say, in time; nothing in it is believed yet. */
static bool read_prepared(int from, struct snap_adopt_prepared *ret)
{
	int64_t end_ms = now_ms() + CHILD_TIME_S * 1000;
	size_t len = 0;
	while (len < sizeof(*ret)) {
		int64_t left_ms = end_ms - now_ms();
		struct pollfd ready = {.fd = from, .events = POLLIN};
		if (left_ms <= 0)
			return false;
		int n = poll(&ready, 1, (int)left_ms);
		if (n < 0 && errno != EINTR)
			return false;
		if (n <= 0)
			continue;
		ssize_t got = read(from, (uint8_t *)ret + len, sizeof(*ret) - len);
		if (got <= 0)
			return false;
		len += (size_t)got;
	}
	return true;
}

/* Whether what the child says can be used. */
static bool check_prepared(struct snap_adopt_prepared *p)
{
	/* A bool from there may be any byte. */
	uint8_t empty, complete;
	struct snap_spool_name name;
	memcpy(&empty, &p->empty, 1);
	memcpy(&complete, &p->complete, 1);
	p->empty = empty != 0;
	p->complete = complete != 0;
	if (p->error < 0 || p->empty)
		return true;
	return memchr(p->name, '\0', sizeof(p->name)) != NULL &&
	       snap_spool_name_parse(p->name, &name);
}

/* False if the child could make nothing of it. */
static bool prepare_confined(int fd, const struct snap_origin *origin,
	const struct snap_adopt_options *options, struct snap_adopt_prepared *ret)
{
	int ends[2];
	if (pipe2(ends, O_CLOEXEC) < 0) {
		ret->error = -errno;
		return true;
	}
	pid_t child = fork();
	if (child == 0)
		run_child(fd, ends[1], origin, options);
	int error = child < 0 ? -errno : 0;
	(void)close(ends[1]); /* so that its end is seen */
	bool said = false;
	if (child > 0) {
		said = read_prepared(ends[0], ret);
		(void)kill(child, SIGKILL); /* not reaped yet: it is no other process */
		while (waitpid(child, NULL, 0) < 0 && errno == EINTR)
			;
	} else {
		ret->error = error;
	}
	(void)close(ends[0]);
	return child < 0 || (said && check_prepared(ret));
}

static void prepare(int fd, const struct snap_origin *origin,
	const struct snap_adopt_options *options, struct snap_adopt_prepared *ret)
{
	struct stat st;
	if (fstat(fd, &st) < 0) {
		ret->error = -errno;
		return;
	}
	if (options->unconfined) {
		snap_adopt_prepare(fd, origin, options->program, WHY, ret);
	} else if (!prepare_confined(fd, origin, options, ret)) {
		/* Published as it is, for whoever can make something of it. */
		struct facts facts = {0};
		memset(ret, 0, sizeof(*ret));
		complete_facts(origin, &st, &facts);
		make_name(&facts, ret->name);
	}
}

/* ---------------------------------------------------------------- adoption */

/* Another one has that name: put other digits in the place of the UUID's. */
static void rename_randomly(char *name)
{
	char random[9];
	snap_spool_random(random, 8);
	memcpy(name + strlen(name) - strlen("01234567.snap"), random, 8);
}

int snap_adopt_file(struct snap_spool_file *file, const struct snap_adopt_options *options,
	struct snap_adopt_prepared *ret)
{
	struct snap_access access = SNAP_ACCESS_INIT;
	struct snap_origin origin;
	bool has_origin = snap_origin_read(file->fd, &origin) == 0;
	if (options->access)
		access = *options->access;
	access.has_owner = false;
	prepare(file->fd, has_origin ? &origin : NULL, options, ret);
	if (ret->error < 0)
		return ret->error;
	if (ret->empty) {
		snap_spool_discard(file);
		return 0;
	}
	int r = snap_access_set_file(file->fd, &access);
	for (int attempt = 0; attempt < NAME_ATTEMPTS && r == 0; attempt++) {
		r = snap_spool_publish(file, ret->name);
		if (r != -EEXIST || attempt + 1 == NAME_ATTEMPTS)
			break;
		rename_randomly(ret->name);
		r = 0;
	}
	ret->error = r;
	return r;
}

/*
 * The abandoned file of that name. Returns 0; -EWOULDBLOCK if somebody has it; -ENOENT if it has
 * just gone; -EINVAL if it is no regular file; or another negative errno.
 */
static int take(int dir_fd, int incoming_fd, const char *part, struct snap_spool_file *ret)
{
	struct stat of_fd, of_name;
	/* Looked at before it is opened, for opening a device can do harm. */
	if (fstatat(incoming_fd, part, &of_name, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	if (!S_ISREG(of_name.st_mode))
		return -EINVAL;
	int fd = openat(incoming_fd, part, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0)
		return errno == ELOOP ? -EINVAL : -errno;
	int r = flock(fd, LOCK_EX | LOCK_NB) < 0 ? -errno : 0;
	/* Who had the lock until now may have published or removed it. */
	if (r == 0 && (fstat(fd, &of_fd) < 0 ||
			      fstatat(incoming_fd, part, &of_name, AT_SYMLINK_NOFOLLOW) < 0))
		r = -errno;
	else if (r == 0 && (of_fd.st_dev != of_name.st_dev || of_fd.st_ino != of_name.st_ino))
		r = -ENOENT;
	if (r < 0) {
		(void)close(fd);
		return r;
	}
	*ret = (struct snap_spool_file)SNAP_SPOOL_FILE_INIT;
	ret->dir_fd = dir_fd;
	ret->incoming_fd = incoming_fd;
	ret->fd = fd;
	memcpy(ret->part, part, strlen(part) + 1);
	return 0;
}

static void adopt(struct snap_spool_file *file, const struct snap_adopt_options *options,
	struct snap_adopt_counts *counts)
{
	struct snap_adopt_prepared prepared;
	struct snap_adopted adopted = {.part = file->part};
	adopted.error = snap_adopt_file(file, options, &prepared);
	if (adopted.error == 0 && !prepared.empty) {
		adopted.name = prepared.name;
		adopted.complete = prepared.complete;
	}
	if (adopted.error < 0)
		counts->num_failed++;
	else if (!adopted.name)
		counts->num_empty++;
	else if (adopted.complete)
		counts->num_complete++;
	else
		counts->num_truncated++;
	if (options->report)
		options->report(options->context, &adopted);
}

static bool is_safe(const char *part)
{
	for (; *part != '\0'; part++)
		if (*part < '!' || *part > '~')
			return false;
	return true;
}

int snap_adopt_all(
	const char *spool, const struct snap_adopt_options *options, struct snap_adopt_counts *ret)
{
	struct snap_adopt_counts counts = {0};
	struct snap_dir_walk walk;
	int dir_fd, incoming_fd;
	const char *part;
	int r = snap_spool_open(spool, false, &dir_fd, &incoming_fd);
	if (r < 0)
		return r;
	r = snap_dir_walk_init(&walk, incoming_fd);
	while (r == 0 && (r = snap_dir_walk_next(&walk, &part)) > 0) {
		struct snap_spool_file file;
		int t = snap_spool_is_part(part) && is_safe(part)
				? take(dir_fd, incoming_fd, part, &file)
				: -EINVAL;
		if (t == 0) {
			adopt(&file, options, &counts);
			(void)close(file.fd); /* fsync() has told of failures */
		} else if (t == -EINVAL) {
			counts.num_foreign++;
		} else if (t == -EWOULDBLOCK) {
			counts.num_busy++;
		} else if (t != -ENOENT) {
			counts.num_failed++;
			if (options->report)
				options->report(options->context,
					&(struct snap_adopted){.part = part, .error = t});
		}
		r = 0;
	}
	if (walk.fd >= 0)
		snap_dir_walk_deinit(&walk);
	(void)close(incoming_fd);
	(void)close(dir_fd);
	if (r == 0)
		*ret = counts;
	return r;
}
