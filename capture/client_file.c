#include "capture/client_file.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "capture/access.h"
#include "capture/limits.h"
#include "capture/spool.h"

/* The process is gone by then: nobody is held by it. */
#define PUBLISH_WAIT_MS 5000

/*
 * Where the executable's path is: by the thread, whose links stay when the main one has ended. It
 * names what is counted, and is not opened.
 */
static struct snap_bytes read_exe(const struct snap_crash_facts *facts, char *buf, size_t size)
{
	static const char deleted[] = " (deleted)";
	const size_t mark = sizeof(deleted) - 1;
	size_t len;
	if (facts->exe) {
		len = strnlen(facts->exe, size - 1);
		memcpy(buf, facts->exe, len);
	} else {
		char name[64];
		(void)snprintf(name, sizeof(name), "/proc/%llu/task/%llu/exe",
			(unsigned long long)facts->pid, (unsigned long long)facts->tid); /* fits */
		ssize_t n = readlink(name, buf, size - 1);
		len = n > 0 ? (size_t)n : 0;
	}
	if (len > mark && memcmp(buf + len - mark, deleted, mark) == 0)
		len -= mark;
	buf[len] = '\0';
	return snap_bytes(buf, len);
}

static uint64_t now_ns(void)
{
	struct timespec now;
	(void)clock_gettime(CLOCK_MONOTONIC, &now); /* can't fail */
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

void snap_client_file_ask(struct snap_client_file *ret, const struct snap_config *config,
	const struct snap_crash_facts *facts)
{
	*ret = (struct snap_client_file){.fd = -1, .link = SNAP_SERVER_LINK_INIT};
	ret->exe = read_exe(facts, ret->path, sizeof(ret->path));
	union snap_message request;
	snap_message_init(&request, SNAP_MESSAGE_REQUEST);
	request.request.pid = facts->pid;
	request.request.tid = facts->tid;
	request.request.signo = (uint32_t)facts->signo;
	request.request.time_s = (int64_t)facts->time_s;
	request.request.uid = (uint32_t)facts->uid;
	request.request.on_demand = facts->method == SNAP_CAPTURE_LIBRARY;
	snap_message_set_text(request.request.comm, sizeof(request.request.comm), facts->comm);
	/* Of a long one the end tells more. */
	const char *told = ret->exe.len > SNAP_ORIGIN_EXE_MAX
				   ? ret->path + ret->exe.len - SNAP_ORIGIN_EXE_MAX
				   : ret->path;
	snap_message_set_text(request.request.exe, sizeof(request.request.exe), told);
	ret->asked_ns = now_ns();
	ret->server_error = snap_server_link_request(&ret->link, config->socket, &request);
}

/* Returns as snap_client_file_take(). */
static int take_from_server(struct snap_client_file *file)
{
	struct snap_server_file given;
	enum snap_refusal refusal;
	int r = snap_server_link_wait(&file->link, &given, &refusal);
	if (r == 0) {
		file->fd = given.fd;
		memcpy(file->part, given.part, sizeof(file->part));
	} else if (r == 1 && !snap_refusal_is_final(refusal)) {
		r = -EBUSY;
	}
	return r;
}

/* Returns as snap_client_file_take(). */
static int create(struct snap_client_file *file, const struct snap_config *config)
{
	int dir_fd, incoming_fd;
	struct snap_spool_file own;
	int r = snap_spool_open(config->spool, true, &dir_fd, &incoming_fd);
	if (r < 0)
		return r;
	r = snap_limits_check(config, dir_fd, &file->origin, &file->skipped_reason);
	if (r == 0)
		r = snap_spool_create_at(dir_fd, incoming_fd, &own);
	if (r != 0) {
		(void)close(incoming_fd); /* nothing was written */
		(void)close(dir_fd);
		return r;
	}
	(void)snap_origin_write(own.fd, &file->origin); /* some file systems can't */
	file->fd = own.fd;
	memcpy(file->part, own.part, sizeof(file->part));
	own.fd = -1;
	snap_spool_file_deinit(&own);
	return 0;
}

static int open_by_ourselves(
	struct snap_client_file *file, const struct snap_config *config, struct snap_bytes exe)
{
	int r = 1;
	if (snap_limits_want(config, exe, file->origin.uid))
		r = create(file, config);
	else
		file->skipped_reason = SNAP_SKIPPED_IGNORED;
	if (r < 0)
		file->skipped_reason =
			r == -ENOSPC || r == -EDQUOT ? SNAP_SKIPPED_DISK : SNAP_SKIPPED_FAILED;
	file->to_be_counted = r != 0;
	return r;
}

int snap_client_file_take(struct snap_client_file *file, const struct snap_config *config,
	const struct snap_crash_facts *facts)
{
	if (file->server_error == 0) {
		int r = take_from_server(file);
		file->queue_time_ns = now_ns() - file->asked_ns;
		if (r >= 0)
			return r;
		file->server_error = r;
	}
	if (file->exe.len == 0)
		file->exe = snap_bytes_str(facts->comm);
	snap_origin_init(&file->origin, (uint32_t)facts->uid, file->exe);
	file->origin.on_demand = facts->method == SNAP_CAPTURE_LIBRARY;
	return open_by_ourselves(file, config, file->exe);
}

int snap_client_file_open(struct snap_client_file *ret, const struct snap_config *config,
	const struct snap_crash_facts *facts)
{
	snap_client_file_ask(ret, config, facts);
	return snap_client_file_take(ret, config, facts);
}

int snap_client_file_count(struct snap_client_file *file, const struct snap_config *config,
	const struct snap_crash_facts *facts)
{
	if (!file->to_be_counted)
		return 0;
	file->to_be_counted = false;
	return snap_limits_skip(
		config, &file->origin, file->skipped_reason, facts->signo, (int64_t)facts->time_s);
}

static void skip(struct snap_client_file *file, enum snap_skipped_reason reason)
{
	file->skipped_reason = reason;
	file->to_be_counted = true;
}

/* The origin of a file that the server has made stands at the file. */
static void find_origin(struct snap_client_file *file, const struct snap_crash_facts *facts)
{
	if (file->server_error == 0 && snap_origin_read(file->fd, &file->origin) < 0)
		snap_origin_init(&file->origin, (uint32_t)facts->uid, snap_bytes_str(facts->comm));
}

static int publish_by_ourselves(struct snap_client_file *file, const struct snap_config *config,
	const struct snap_crash_facts *facts, const struct snap_client_file_end *end)
{
	char name[SNAP_SPOOL_NAME_MAX];
	snap_spool_name(
		name, (int64_t)facts->time_s, snap_bytes_str(facts->comm), facts->pid, end->uuid);
	struct snap_spool_file own;
	int r = snap_spool_attach(config->spool, file->part, file->fd, &own);
	if (r < 0)
		return r;
	const struct snap_access access = snap_limits_access(config, end->owner);
	/* What fails leaves it to root alone. */
	file->access_error = snap_access_set_file(own.fd, &access);
	if (file->access_error == 0)
		file->access_error = snap_access_set_directory(own.dir_fd, &access);
	r = snap_spool_publish(&own, name);
	if (r == 0 && snap_limits_keep(config, own.dir_fd, name) == -EDQUOT &&
		unlinkat(own.dir_fd, name, 0) == 0) {
		find_origin(file, facts);
		skip(file, SNAP_SKIPPED_FULL);
		r = -EDQUOT;
	}
	own.fd = -1; /* stays ours */
	snap_spool_file_deinit(&own);
	return r;
}

int snap_client_file_hand_over(
	struct snap_client_file *file, const struct snap_client_file_end *end)
{
	union snap_message complete;
	snap_message_init(&complete, SNAP_MESSAGE_COMPLETE);
	memcpy(complete.complete.uuid, end->uuid, sizeof(complete.complete.uuid));
	complete.complete.owner = end->owner;
	complete.complete.cut = end->cut;
	return snap_server_link_complete(&file->link, &complete);
}

int snap_client_file_publish(struct snap_client_file *file, const struct snap_config *config,
	const struct snap_crash_facts *facts, const struct snap_client_file_end *end)
{
	int by_server = snap_client_file_hand_over(file, end);
	if (by_server == 0)
		by_server = snap_server_link_done(&file->link, PUBLISH_WAIT_MS);
	if (by_server == 0)
		return 0;
	int r = publish_by_ourselves(file, config, facts, end);
	/* The server did it, but did not come to say so. */
	if (r == -ENOENT && by_server != -ENOTCONN)
		r = 0;
	return r;
}

void snap_client_file_discard(struct snap_client_file *file, const struct snap_config *config,
	const struct snap_crash_facts *facts, enum snap_skipped_reason reason)
{
	struct snap_spool_file own;
	find_origin(file, facts);
	skip(file, reason);
	/* The server may look at it before it hears that there is nothing. */
	(void)ftruncate(file->fd, 0); /* then it adopts what there is */
	if (snap_spool_attach(config->spool, file->part, file->fd, &own) == 0) {
		snap_spool_discard(&own);
		own.fd = -1; /* stays ours */
		snap_spool_file_deinit(&own);
	}
}
