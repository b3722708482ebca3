#include "capture/client_file.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "capture/origin.h"
#include "capture/spool.h"

/* The process is gone by then: nobody is held by it. */
#define PUBLISH_WAIT_MS 10000

/* Where /proc/PID/exe points to; the server counts by it. */
static struct snap_bytes read_exe(uint64_t pid, char *buf, size_t size)
{
	char name[40];
	(void)snprintf(name, sizeof(name), "/proc/%llu/exe", (unsigned long long)pid); /* fits */
	ssize_t n = readlink(name, buf, size - 1);
	buf[n > 0 ? n : 0] = '\0';
	return snap_bytes(buf, n > 0 ? (size_t)n : 0);
}

static int ask_server(struct snap_client_file *file, const struct snap_config *config,
	const struct snap_crash_facts *facts, const char *exe, enum snap_refusal *ret_refusal)
{
	union snap_message request;
	snap_message_init(&request, SNAP_MESSAGE_REQUEST);
	request.request.pid = facts->pid;
	request.request.tid = facts->tid;
	request.request.signo = (uint32_t)facts->signo;
	request.request.time_s = (int64_t)facts->time_s;
	request.request.uid = (uint32_t)facts->uid;
	snap_message_set_text(request.request.comm, sizeof(request.request.comm), facts->comm);
	snap_message_set_text(request.request.exe, sizeof(request.request.exe), exe);
	struct snap_server_file given;
	int r = snap_server_link_request(&file->link, config->socket, &request);
	if (r == 0)
		r = snap_server_link_wait(&file->link, &given, ret_refusal);
	if (r == 0) {
		file->fd = given.fd;
		memcpy(file->part, given.part, sizeof(file->part));
	}
	return r;
}

int snap_client_file_open(struct snap_client_file *ret, const struct snap_config *config,
	const struct snap_crash_facts *facts, enum snap_refusal *ret_refusal)
{
	char exe[PATH_MAX];
	*ret = (struct snap_client_file){.fd = -1, .link = SNAP_SERVER_LINK_INIT};
	struct snap_bytes path = read_exe(facts->pid, exe, sizeof(exe));
	enum snap_refusal refusal;
	/* Of a long one the end tells more. */
	const char *told =
		path.len > SNAP_ORIGIN_EXE_MAX ? exe + path.len - SNAP_ORIGIN_EXE_MAX : exe;
	int r = ask_server(ret, config, facts, told, &refusal);
	if (r == 0)
		return 0;
	if (r == 1 && snap_refusal_is_final(refusal)) {
		*ret_refusal = refusal;
		return 1;
	}
	ret->server_error = r == 1 ? -EBUSY : r;

	struct snap_spool_file own;
	r = snap_spool_create(config->spool, &own);
	if (r < 0)
		return r;
	struct snap_origin origin;
	snap_origin_init(
		&origin, (uint32_t)facts->uid, path.len > 0 ? path : snap_bytes_str(facts->comm));
	(void)snap_origin_write(own.fd, &origin); /* some file systems can't */
	ret->fd = own.fd;
	memcpy(ret->part, own.part, sizeof(ret->part));
	own.fd = -1;
	snap_spool_file_deinit(&own);
	return 0;
}

static int publish_by_ourselves(struct snap_client_file *file, const struct snap_config *config,
	const struct snap_crash_facts *facts, const struct snap_client_file_end *end)
{
	char name[SNAP_SPOOL_NAME_MAX];
	snap_spool_name(
		name, (int64_t)facts->time_s, snap_bytes_str(facts->comm), facts->pid, end->uuid);
	struct snap_spool_file own;
	int r = snap_spool_attach(config->spool, file->part, file->fd, &own);
	if (r == 0) {
		r = snap_spool_publish(&own, name);
		own.fd = -1; /* stays ours */
		snap_spool_file_deinit(&own);
	}
	return r;
}

int snap_client_file_publish(struct snap_client_file *file, const struct snap_config *config,
	const struct snap_crash_facts *facts, const struct snap_client_file_end *end)
{
	union snap_message complete;
	snap_message_init(&complete, SNAP_MESSAGE_COMPLETE);
	memcpy(complete.complete.uuid, end->uuid, sizeof(complete.complete.uuid));
	complete.complete.owner = end->owner;
	complete.complete.cut = end->cut;
	int by_server = snap_server_link_complete(&file->link, &complete);
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

void snap_client_file_discard(struct snap_client_file *file, const struct snap_config *config)
{
	struct snap_spool_file own;
	if (snap_spool_attach(config->spool, file->part, file->fd, &own) == 0) {
		snap_spool_discard(&own);
		own.fd = -1; /* stays ours */
		snap_spool_file_deinit(&own);
	}
}
