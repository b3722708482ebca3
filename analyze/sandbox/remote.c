#include "analyze/sandbox/remote.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int line = -1, work = -1; /* the sockets */
static bool is_unheard;
static int input = -1; /* open already */
static bool libraries[SNAP_NUM_LIBRARIES];

bool snap_remote_is_on(void)
{
	return line >= 0;
}

void snap_remote_start(int socket, int work_socket)
{
	line = socket;
	work = work_socket;
}

void snap_remote_set_unheard(bool is_so)
{
	is_unheard = is_so;
}

void snap_remote_set_input(int fd)
{
	if (input >= 0)
		(void)close(input); /* nobody wanted it */
	input = fd;
}

void snap_remote_close(void)
{
	if (line >= 0)
		(void)close(line); /* a socket: nothing can be lost */
	if (work >= 0)
		(void)close(work); /* likewise */
}

/* ---------------------------------------------------------------- a request */

struct answer {
	int fd; /* -1: none came */
	uint32_t number;
	char text[SNAP_REPLY_STRINGS][SNAP_MAX_STRING + 1];
};

/* What was printed and not sent yet. */
static struct snap_request output;

static void wake(void)
{
	static const struct snap_request request = {.op = SNAP_REQUEST_WAKE};
	if (snap_packet_send(line, &request, SNAP_REQUEST_HEAD, -1, 0) < 0)
		_exit(1);
}

static void send_output(enum snap_request_op op, uint32_t number)
{
	output.op = op;
	output.number = number;
	size_t len = SNAP_REQUEST_HEAD + output.len[0];
	int r = snap_packet_send(work, &output, len, -1, is_unheard ? MSG_DONTWAIT : 0);
	if (r == -EAGAIN) {
		wake();
		r = snap_packet_send(work, &output, len, -1, 0);
	}
	if (r < 0)
		_exit(1);
	output.len[0] = 0;
}

void snap_remote_print(const void *bytes, size_t len, bool at_once)
{
	const char *p = bytes;
	while (len > 0) {
		size_t room = sizeof(output.bytes) - output.len[0], n = len < room ? len : room;
		memcpy(output.bytes + output.len[0], p, n);
		output.len[0] += (uint32_t)n;
		p += n;
		len -= n;
		if (output.len[0] == sizeof(output.bytes) || at_once)
			send_output(SNAP_REQUEST_OUTPUT, 0);
	}
}

void snap_remote_done(int status, bool wakes)
{
	send_output(SNAP_REQUEST_DONE, (uint32_t)status);
	if (wakes && is_unheard)
		wake();
}

static void send_request(
	enum snap_request_op op, uint32_t number, struct snap_bytes a, struct snap_bytes b)
{
	static struct snap_request request;
	if (output.len[0] > 0)
		send_output(SNAP_REQUEST_OUTPUT, 0);
	request.op = op;
	request.number = number;
	request.len[0] = (uint32_t)a.len;
	request.len[1] = (uint32_t)b.len;
	if (a.len > 0)
		memcpy(request.bytes, a.data, a.len);
	if (b.len > 0)
		memcpy(request.bytes + a.len, b.data, b.len);
	if (snap_packet_send(line, &request, SNAP_REQUEST_HEAD + a.len + b.len, -1, 0) < 0)
		_exit(1);
}

static int fail_too_long(struct snap_error *err)
{
	snap_error_set(err, SNAP_ERROR_SYSTEM, "%s", strerror(ENAMETOOLONG));
	if (err)
		err->errnum = ENAMETOOLONG;
	return -1;
}

void snap_remote_bye(void)
{
	send_request(SNAP_REQUEST_BYE, 0, snap_bytes(NULL, 0), snap_bytes(NULL, 0));
}

/* ret: untouched where the broker says no. */
static int ask(enum snap_request_op op, uint32_t number, struct snap_bytes a, struct snap_bytes b,
	struct answer *ret, struct snap_error *err)
{
	static struct snap_reply reply;
	int fd;
	if (a.len > SNAP_MAX_STRING || b.len > SNAP_MAX_STRING)
		return fail_too_long(err);
	send_request(op, number, a, b);
	ssize_t n = snap_packet_receive(line, &reply, sizeof(reply), &fd, 0);
	size_t len = 0;
	for (size_t i = 0; i < SNAP_REPLY_STRINGS; i++)
		len += n >= (ssize_t)SNAP_REPLY_HEAD ? reply.len[i] : 0;
	if (n < (ssize_t)SNAP_REPLY_HEAD || len != (size_t)n - SNAP_REPLY_HEAD)
		_exit(1);
	size_t off = 0;
	for (size_t i = 0; i < SNAP_REPLY_STRINGS; i++) {
		if (reply.len[i] > SNAP_MAX_STRING)
			_exit(1);
		memcpy(ret->text[i], reply.bytes + off, reply.len[i]);
		ret->text[i][reply.len[i]] = '\0';
		off += reply.len[i];
	}
	ret->fd = fd;
	ret->number = reply.number;
	if (reply.result == 0)
		return 0;
	(void)snap_error_set(err, (enum snap_error_code)reply.code, "%s", ret->text[0]);
	if (err)
		err->errnum = reply.errnum;
	return -1;
}

static const struct snap_bytes nothing;
static struct answer answer;

static int ask_fd(enum snap_request_op op, uint32_t number, const char *a, const char *b,
	struct snap_error *err)
{
	if (ask(op, number, a ? snap_bytes_str(a) : nothing, b ? snap_bytes_str(b) : nothing,
		    &answer, err) < 0)
		return -1;
	if (answer.fd < 0)
		_exit(1);
	return answer.fd;
}

/* ---------------------------------------------------------------- files */

int snap_remote_input(struct snap_error *err)
{
	int fd = input;
	input = -1;
	/* Where there is none, the broker says why. */
	return fd >= 0 ? fd : ask_fd(SNAP_REQUEST_INPUT, 0, NULL, NULL, err);
}

int snap_remote_open(enum snap_remote_root root, const char *path, struct snap_error *err)
{
	return ask_fd(SNAP_REQUEST_OPEN, root, path, NULL, err);
}

int snap_remote_temporary(struct snap_error *err)
{
	return ask_fd(SNAP_REQUEST_TEMPORARY, 0, NULL, NULL, err);
}

char *snap_remote_real_path(const char *path)
{
	if (ask(SNAP_REQUEST_REAL_PATH, 0, snap_bytes_str(path), nothing, &answer, NULL) < 0)
		return NULL;
	return strdup(answer.text[0]);
}

int snap_remote_source(size_t tree, const char *path, struct snap_error *err)
{
	return ask_fd(SNAP_REQUEST_SOURCE, (uint32_t)tree, path, NULL, err);
}

int snap_remote_scan(const char *path, struct snap_error *err)
{
	return ask_fd(SNAP_REQUEST_SCAN, 0, path, NULL, err);
}

/* ---------------------------------------------------------------- the cache */

int snap_remote_cache_open(const char *kind, const char *key, bool is_use)
{
	return ask_fd(SNAP_REQUEST_CACHE_OPEN, is_use, kind, key, NULL);
}

int snap_remote_cache_begin(const char *kind, struct snap_error *err)
{
	return ask_fd(SNAP_REQUEST_CACHE_BEGIN, 0, kind, NULL, err);
}

int snap_remote_cache_publish(const char *key, struct snap_error *err)
{
	return ask(SNAP_REQUEST_CACHE_PUBLISH, 0, snap_bytes_str(key), nothing, &answer, err);
}

/* ---------------------------------------------------------------- debuginfod */

bool snap_remote_fetch(
	const struct snap_debuginfod_request *request, struct snap_debuginfod_answer *ret)
{
	struct snap_bytes name = request->name;
	*ret = (struct snap_debuginfod_answer){.fd = -1};
	if (name.len > 255 && request->role != SNAP_ROLE_SOURCE)
		name.len = 255;
	/* A NUL would end it anyway. */
	const uint8_t *nul = name.len > 0 ? memchr(name.data, '\0', name.len) : NULL;
	if (nul)
		name.len = (size_t)(nul - name.data);
	int r = ask(SNAP_REQUEST_FETCH, request->role, request->build_id, name, &answer, NULL);
	(void)snprintf(ret->detail, sizeof(ret->detail), "%.511s", answer.text[0]);
	if (r < 0)
		return false;
	(void)snprintf(ret->path, sizeof(ret->path), "%.4095s", answer.text[1]);
	(void)snprintf(ret->url, sizeof(ret->url), "%.1023s", answer.text[2]);
	ret->fate = (enum snap_candidate_fate)answer.number;
	ret->fd = answer.fd;
	return true;
}

/* ---------------------------------------------------------------- what is written */

int snap_remote_output_open(bool *ret_is_stdout, struct snap_error *err)
{
	int fd = ask_fd(SNAP_REQUEST_OUTPUT_OPEN, 0, NULL, NULL, err);
	*ret_is_stdout = fd >= 0 && answer.number;
	return fd;
}

int snap_remote_output_publish(struct snap_error *err)
{
	return ask(SNAP_REQUEST_OUTPUT_PUBLISH, 0, nothing, nothing, &answer, err);
}

int snap_remote_store_open(const char *xx, const char *name)
{
	return ask_fd(SNAP_REQUEST_STORE_OPEN, 0, xx, name, NULL);
}

int snap_remote_store_place(
	const char *xx, const char *name, unsigned int number, bool *ret_not_linked)
{
	struct snap_error err = SNAP_ERROR_INIT;
	int r = ask(SNAP_REQUEST_STORE_PLACE, number, snap_bytes_str(xx), snap_bytes_str(name),
		&answer, &err);
	*ret_not_linked = r == 0 && answer.number;
	return r == 0 ? 0 : err.errnum > 0 ? -err.errnum : -EIO;
}

/* ---------------------------------------------------------------- words */

void snap_remote_complain(const char *text)
{
	struct snap_bytes bytes = snap_bytes_str(text);
	if (bytes.len > SNAP_MAX_STRING)
		bytes.len = SNAP_MAX_STRING;
	(void)ask(SNAP_REQUEST_COMPLAIN, 0, bytes, nothing, &answer, NULL); /* always taken */
}

void snap_remote_progress(enum snap_progress_event event, const char *text)
{
	struct snap_bytes bytes = text ? snap_bytes_str(text) : nothing;
	if (bytes.len > SNAP_MAX_STRING)
		bytes.len = SNAP_MAX_STRING;
	(void)ask(SNAP_REQUEST_PROGRESS, event, bytes, nothing, &answer, NULL); /* always taken */
}

/* ---------------------------------------------------------------- libraries */

void snap_remote_set_library(enum snap_library library)
{
	libraries[library] = true;
}

void snap_remote_need_library(enum snap_library library)
{
	if (line < 0 || libraries[library])
		return;
	(void)ask(SNAP_REQUEST_LIBRARY, library, nothing, nothing, &answer, NULL);
	_exit(1); /* if the parent has not ended it */
}
