/* The keeper's own side: what the child does until the server closes its end. */
#include "capture/server/keeper.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "capture/origin.h"
#include "capture/server/admit.h"
#include "capture/server/fd_pass.h"
#include "capture/server/log.h"
#include "capture/spool.h"
#include "common/bytes.h"

/* Orphans that are handed over at a time; the server asks for more when it is done with these. */
#define MAX_ORPHANS 64

struct keeper {
	int socket;
	const struct snap_config *config;
	struct snap_admit admit;
};

/* Large, and touched as far as it is used. */
static struct keeper keeper;

static void answer(struct keeper *k, struct snap_keeper_message *message, int fd)
{
	/* If nobody hears it, the next receive tells. */
	(void)snap_fd_send(k->socket, message, sizeof(*message), fd, 0);
}

/* ---------------------------------------------------------------- a new file */

static const char deleted[] = " (deleted)";

/* As /proc has it, without the mark of a file that is gone. */
static struct snap_bytes exe_of(const struct snap_keeper_message *m)
{
	struct snap_bytes exe = snap_bytes_str(m->exe[0] != '\0' ? m->exe : m->comm);
	size_t mark = sizeof(deleted) - 1;
	if (m->exe[0] == '/' && exe.len > mark &&
		memcmp(exe.data + exe.len - mark, deleted, mark) == 0)
		exe.len -= mark;
	return exe;
}

static void open_file(struct keeper *k, struct snap_keeper_message *m)
{
	struct snap_spool_file file = SNAP_SPOOL_FILE_INIT;
	struct snap_origin origin;
	snap_origin_init(&origin, m->uid, exe_of(m));
	origin.on_demand = m->on_demand != 0;
	m->op = SNAP_KEEPER_OPENED;
	m->refusal = 0;
	m->error = snap_spool_open(k->config->spool, true, &file.dir_fd, &file.incoming_fd);
	if (m->error == 0)
		m->refusal = snap_admit_ask(&k->admit, &origin, m->signo, file.dir_fd);
	if (m->error == 0 && m->refusal == 0)
		m->error = snap_spool_create_at(file.dir_fd, file.incoming_fd, &file);
	if (m->error < 0) {
		snap_log(SNAP_LOG_ERROR, "cannot create a file in the spool '%s': %s",
			k->config->spool, snap_spool_strerror(m->error));
	} else if (m->refusal == 0) {
		(void)snap_origin_write(file.fd, &origin); /* some file systems can't */
		memcpy(m->part, file.part, sizeof(m->part));
	}
	answer(k, m, file.fd);
	snap_spool_file_deinit(&file);
}

/* ---------------------------------------------------------------- publishing */

/* Whether name is another name of the file that fd is open at. */
static bool is_name_of(int dir_fd, const char *name, int fd)
{
	struct stat a, b;
	return fstatat(dir_fd, name, &a, AT_SYMLINK_NOFOLLOW) == 0 && fstat(fd, &b) == 0 &&
	       a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

/*
 * Whether the file ends with a checkpoint at its right place (docs/format.rst): tag and length,
 * then offset, CRC and final, as snap_write_checkpoint() writes them. A final one ends a whole
 * snapshot.
 */
static bool ends_well(int fd, bool cut)
{
	static const uint8_t begin[] = {0xca, 0x40, 16, 0x09};
	uint8_t tail[19];
	struct stat st;
	if (fstat(fd, &st) < 0 || st.st_size < (off_t)sizeof(tail) ||
		pread(fd, tail, sizeof(tail), st.st_size - (off_t)sizeof(tail)) !=
			(ssize_t)sizeof(tail))
		return false;
	uint64_t offset = 0;
	for (size_t i = 0; i < 8; i++)
		offset |= (uint64_t)tail[sizeof(begin) + i] << (8 * i);
	return memcmp(tail, begin, sizeof(begin)) == 0 &&
	       offset == (uint64_t)st.st_size - sizeof(tail) && tail[12] == 0x15 &&
	       tail[17] == 0x18 && (tail[18] == 1 || (cut && tail[18] == 0));
}

/* Now that there is one more. */
static int keep_limits(struct keeper *k, const struct snap_keeper_message *m, int dir_fd, int fd)
{
	struct snap_origin origin;
	if (snap_origin_read(fd, &origin) < 0)
		snap_origin_init(&origin, m->uid, exe_of(m));
	return snap_admit_published(&k->admit, dir_fd, m->name, &origin, m->signo);
}

static int publish_file(struct keeper *k, const struct snap_keeper_message *m, int fd)
{
	if (!m->as_it_is && !ends_well(fd, m->cut != 0))
		return -EBADMSG;
	struct snap_access access = k->admit.access;
	access.has_owner = access.owner_access && m->owner != SNAP_OWNER_NONE;
	access.owner = m->owner;
	struct snap_spool_file file;
	int r = snap_spool_attach(k->config->spool, m->part, fd, &file);
	if (r == -ENOENT) {
		/* Its client or a keeper before may have been quicker. */
		int dir_fd, incoming_fd;
		if (snap_spool_open(k->config->spool, false, &dir_fd, &incoming_fd) < 0)
			return r;
		if (is_name_of(dir_fd, m->name, fd))
			r = 0;
		(void)close(incoming_fd); /* only looked at */
		(void)close(dir_fd);
		return r;
	}
	if (r < 0)
		return r;
	int a = snap_access_set_file(fd, &access);
	if (a == 0)
		a = snap_access_set_directory(file.dir_fd, &access);
	if (a < 0)
		snap_log(SNAP_LOG_WARNING, "only root can read '%s': %s", m->name, strerror(-a));
	r = snap_spool_publish(&file, m->name);
	if (r == -ENOENT && is_name_of(file.dir_fd, m->name, fd))
		r = 0;
	if (r == 0)
		r = keep_limits(k, m, file.dir_fd, fd);
	file.fd = -1; /* the caller's */
	snap_spool_file_deinit(&file);
	return r;
}

static void publish(struct keeper *k, struct snap_keeper_message *m, int fd)
{
	m->op = SNAP_KEEPER_PUBLISHED;
	m->error = fd < 0 ? -EPROTO : publish_file(k, m, fd);
	answer(k, m, -1);
}

static void discard(struct keeper *k, const struct snap_keeper_message *m)
{
	struct snap_spool_file file = SNAP_SPOOL_FILE_INIT;
	if (!snap_message_part_is_valid(m->part) ||
		snap_spool_open(k->config->spool, false, &file.dir_fd, &file.incoming_fd) < 0)
		return; /* then there is nothing to remove */
	memcpy(file.part, m->part, sizeof(file.part));
	snap_spool_discard(&file);
	snap_spool_file_deinit(&file);
}

/* ---------------------------------------------------------------- orphans */

/* An abandoned file, locked, or -1. Nothing but regular files is opened, and no link followed. */
static int open_orphan(int incoming_fd, const char *name)
{
	struct stat st;
	if (!snap_message_part_is_valid(name) ||
		fstatat(incoming_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISREG(st.st_mode))
		return -1;
	int fd = openat(incoming_fd, name, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	struct stat now;
	if (fstat(fd, &now) < 0 || !S_ISREG(now.st_mode) || now.st_nlink != 1 ||
		flock(fd, LOCK_EX | LOCK_NB) < 0) {
		(void)close(fd); /* nothing was written */
		return -1;
	}
	/* Published in between? */
	if (fstatat(incoming_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0 || st.st_ino != now.st_ino ||
		st.st_dev != now.st_dev) {
		(void)close(fd); /* nothing was written */
		return -1;
	}
	return fd;
}

static void sweep(struct keeper *k, struct snap_keeper_message *m)
{
	unsigned int num = 0;
	int dir_fd = -1, incoming_fd = -1;
	int r = snap_spool_open(k->config->spool, true, &dir_fd, &incoming_fd);
	/* What fdopendir() has is not to be used otherwise. */
	int list_fd = r == 0 ? openat(incoming_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	DIR *dir = list_fd >= 0 ? fdopendir(list_fd) : NULL;
	if (!dir) {
		snap_log(SNAP_LOG_ERROR, "cannot look through the spool '%s': %s", k->config->spool,
			snap_spool_strerror(r < 0 ? r : errno));
		if (list_fd >= 0)
			(void)close(list_fd); /* only looked at */
	}
	m->more = 0;
	struct dirent *entry;
	while (dir && !m->more && (entry = readdir(dir)) != NULL) {
		int fd = open_orphan(incoming_fd, entry->d_name);
		if (fd < 0)
			continue;
		struct snap_keeper_message orphan = {.op = SNAP_KEEPER_ORPHAN};
		memcpy(orphan.part, entry->d_name, strlen(entry->d_name) + 1);
		answer(k, &orphan, fd);
		(void)close(fd); /* the server's now */
		m->more = ++num == MAX_ORPHANS;
	}
	if (dir)
		(void)closedir(dir); /* only read from */
	if (r == 0) {
		(void)close(incoming_fd); /* only looked at */
		(void)close(dir_fd);
	}
	m->op = SNAP_KEEPER_SWEPT;
	answer(k, m, -1);
}

/* ---------------------------------------------------------------- */

static void serve(struct keeper *k, struct snap_keeper_message *m, int fd)
{
	switch (m->op) {
	case SNAP_KEEPER_OPEN:
		open_file(k, m);
		break;
	case SNAP_KEEPER_PUBLISH:
		publish(k, m, fd);
		break;
	case SNAP_KEEPER_DISCARD:
		discard(k, m);
		break;
	case SNAP_KEEPER_SWEEP:
		sweep(k, m);
		break;
	}
	if (fd >= 0)
		(void)close(fd); /* fsync() has told of failures */
}

int snap_keeper_serve(int fd, const struct snap_config *config)
{
	struct keeper *k = &keeper;
	k->socket = fd;
	k->config = config;
	(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0); /* can't fail */
	snap_admit_init(&k->admit, config);
	for (;;) {
		struct pollfd asked = {.fd = fd, .events = POLLIN};
		if (poll(&asked, 1, snap_admit_wait_ms(&k->admit)) == 0) {
			snap_admit_flush(&k->admit);
			continue;
		}
		struct snap_keeper_message m;
		int passed_fd = -1;
		int r = snap_fd_receive(fd, &m, sizeof(m), &passed_fd, 0);
		if (r <= 0) {
			snap_admit_flush(&k->admit);
			return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
		}
		serve(k, &m, passed_fd);
		if (snap_admit_wait_ms(&k->admit) == 0)
			snap_admit_flush(&k->admit);
	}
}
