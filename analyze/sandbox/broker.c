#include "analyze/sandbox/broker.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "analyze/file_open.h"
#include "analyze/find/debuginfod.h"
#include "analyze/find/source.h"
#include "analyze/find/symbol_dir.h"
#include "analyze/find/tree_scan.h"
#include "analyze/sandbox/remote.h"

int snap_broker_init(struct snap_broker *broker, const struct snap_broker_config *config,
	struct snap_error *err)
{
	struct snap_error why = SNAP_ERROR_INIT;
	const struct snap_options *options = config->takes_symbols ? config->options : NULL;
	*broker = (struct snap_broker){.config = *config, .sysroot_fd = -1};
	if (snap_policy_init(&broker->policy, options, config->takes_inputs ? NULL : config->files,
		    config->takes_inputs ? 0 : config->num_files, config->symbol_dir != NULL,
		    err) < 0)
		return -1;
	if (!options || !options->sysroot)
		return 0;
	broker->sysroot_fd = snap_directory_open(AT_FDCWD, options->sysroot, true, &why);
	if (broker->sysroot_fd >= 0)
		return 0;
	snap_policy_deinit(&broker->policy);
	return snap_error_set(err, why.code, "--sysroot: %s", why.text);
}

void snap_broker_deinit(struct snap_broker *broker)
{
	if (broker->has_output)
		snap_output_file_deinit(&broker->output);
	snap_debuginfod_destroy(broker->debuginfod);
	if (broker->sysroot_fd >= 0)
		(void)close(broker->sysroot_fd); /* a directory: nothing can be lost */
	snap_policy_deinit(&broker->policy);
}

void snap_broker_peer_init(struct snap_broker_peer *peer)
{
	*peer = (struct snap_broker_peer){0};
	for (size_t i = 0; i < SNAP_NUM_RECENT; i++)
		peer->recent[i] = -1;
}

void snap_broker_peer_set_input(struct snap_broker_peer *peer, size_t input)
{
	peer->input = input;
	peer->has_temporary = false;
}

static void drop_writing(struct snap_broker_peer *peer)
{
	if (peer->is_writing)
		snap_cache_abandon(&peer->writing);
	peer->is_writing = false;
}

void snap_broker_peer_deinit(struct snap_broker_peer *peer)
{
	drop_writing(peer);
	for (size_t i = 0; i < SNAP_NUM_RECENT; i++)
		if (peer->recent[i] >= 0)
			(void)close(peer->recent[i]); /* only read from */
	snap_broker_peer_init(peer);
}

/* ---------------------------------------------------------------- files */

static int open_input(
	struct snap_broker *broker, struct snap_broker_peer *peer, struct snap_error *err)
{
	if (peer->input >= broker->config.num_files)
		return snap_error_set(err, SNAP_ERROR_USAGE, "there is no input");
	return snap_file_open(broker->config.files[peer->input], NULL, err);
}

int snap_broker_open_input(const struct snap_broker *broker, size_t input)
{
	const char *file = input < broker->config.num_files ? broker->config.files[input] : "-";
	return broker->config.takes_inputs && strcmp(file, "-") != 0
		       ? snap_file_open(file, NULL, NULL)
		       : -1;
}

static int open_path(struct snap_broker *broker, const struct snap_request_view *request,
	struct snap_error *err)
{
	char path[SNAP_MAX_STRING + 1];
	int fd;
	if (request->number == SNAP_REMOTE_SYSROOT && broker->sysroot_fd >= 0) {
		fd = snap_file_open_in_root(
			broker->sysroot_fd, request->text[0], NULL, err);
	} else {
		if (snap_policy_path(&broker->policy, request->text[0], path, err) < 0)
			return -1;
		fd = snap_file_open(path, NULL, err);
	}
	if (fd >= 0 && snap_policy_check_elf(fd, err) < 0) {
		(void)close(fd); /* only read from */
		fd = -1;
	}
	return fd;
}

/* Of --store, files are named later by when they were opened. */
static void remember(struct snap_broker_peer *peer, int fd)
{
	if (peer->recent[SNAP_NUM_RECENT - 1] >= 0)
		(void)close(peer->recent[SNAP_NUM_RECENT - 1]); /* only read from */
	memmove(peer->recent + 1, peer->recent, sizeof(int) * (SNAP_NUM_RECENT - 1));
	peer->recent[0] = fcntl(fd, F_DUPFD_CLOEXEC, 3); /* without: it can't be kept */
}

static int give_real_path(struct snap_broker *broker, const struct snap_request_view *request,
	struct snap_reply *reply)
{
	char *whole = realpath(request->text[0], NULL);
	int r = -1;
	if (whole && snap_policy_allow_beside(&broker->policy, request->text[0], whole) == 0 &&
		snap_reply_add(reply, 0, whole))
		r = 0;
	free(whole);
	return r;
}

static int open_source(struct snap_broker *broker, const struct snap_request_view *request,
	struct snap_error *err)
{
	const struct snap_options *options = broker->config.options;
	if (!broker->config.takes_symbols || request->number >= options->num_source_dirs)
		return snap_error_set(err, SNAP_ERROR_SYSTEM, "%s", strerror(EPERM));
	return snap_source_open_below(
		options->source_dirs[request->number], request->text[0], err);
}

static int scan(struct snap_broker *broker, const struct snap_request_view *request,
	struct snap_error *err)
{
	if (!snap_policy_is_tree(&broker->policy, request->text[0]))
		return snap_error_set(err, SNAP_ERROR_SYSTEM, "%s", strerror(EPERM));
	return snap_tree_scan(request->text[0], err);
}

/* ---------------------------------------------------------------- the cache */

static struct snap_cache_dir *cache_of(const struct snap_broker *broker, const char *kind)
{
	return snap_policy_is_cache_kind(kind) ? snap_cache_get(broker->config.options->cache, NULL)
					       : NULL;
}

static int cache_begin(struct snap_broker *broker, struct snap_broker_peer *peer,
	const struct snap_request_view *request, struct snap_error *err)
{
	struct snap_cache_dir *dir = cache_of(broker, request->text[0]);
	drop_writing(peer);
	if (!dir)
		return snap_error_set(err, SNAP_ERROR_UNSUPPORTED, "no cache is used");
	int fd = snap_cache_begin(dir, request->text[0], &peer->writing, err);
	peer->is_writing = fd >= 0;
	return fd;
}

static int cache_publish(struct snap_broker *broker, struct snap_broker_peer *peer,
	const struct snap_request_view *request, struct snap_error *err)
{
	uint64_t len;
	if (!peer->is_writing)
		return snap_error_set(err, SNAP_ERROR_USAGE, "nothing was written");
	int r = snap_cache_written_len(&peer->writing, &len);
	if (r < 0) {
		drop_writing(peer);
		return snap_error_errno(err, -r, "cache");
	}
	peer->is_writing = false;
	return snap_cache_publish(snap_cache_get(broker->config.options->cache, NULL),
		&peer->writing, request->text[0], len, err);
}

/* ---------------------------------------------------------------- debuginfod */

static int fetch(struct snap_broker *broker, const struct snap_request_view *request,
	struct snap_reply *reply, int *ret_fd)
{
	static struct snap_debuginfod_answer answer;
	const struct snap_options *options = broker->config.options;
	const struct snap_debuginfod_request asked = {
		.build_id = snap_bytes(request->text[0], request->len[0]),
		.role = (enum snap_candidate_role)request->number,
		.name = snap_bytes(request->text[1], request->len[1]),
	};
	if (!options->debuginfod || request->len[0] == 0 ||
		request->len[0] > SNAP_MAX_BUILD_ID || request->number > SNAP_ROLE_SOURCE ||
		(request->number == SNAP_ROLE_SOURCE && !options->fetch_source))
		return -1;
	if (!broker->debuginfod && snap_debuginfod_create(options->on_fetch,
					   options->on_fetch_data, &broker->debuginfod, NULL) < 0)
		return -1;
	bool was_asked = snap_debuginfod_fetch(broker->debuginfod, &asked, &answer);
	reply->number = answer.fate;
	/* All three are shorter than there is room. */
	(void)snap_reply_add(reply, 0, answer.detail);
	(void)snap_reply_add(reply, 1, answer.path);
	(void)snap_reply_add(reply, 2, answer.url);
	*ret_fd = answer.fd;
	return was_asked ? 0 : -1;
}

/* ---------------------------------------------------------------- what is written */

/* Standard output is the worker's own then, to write to without a detour. */
static int open_output(struct snap_broker *broker, uint32_t *ret_is_stdout, bool *ret_is_own,
	struct snap_error *err)
{
	if (!broker->config.output || broker->has_output)
		return snap_error_set(err, SNAP_ERROR_USAGE, "there is no output to open");
	if (snap_output_file_open(broker->config.output, &broker->output, err) < 0)
		return -1;
	broker->has_output = true;
	*ret_is_stdout = broker->output.stream == stdout;
	*ret_is_own = false;
	(void)fflush(broker->output.stream); /* nothing was written yet */
	return fileno(broker->output.stream);
}

static int publish_output(struct snap_broker *broker, struct snap_error *err)
{
	if (!broker->has_output)
		return snap_error_set(err, SNAP_ERROR_USAGE, "there is no output to publish");
	return snap_output_file_publish(&broker->output, err);
}

/* 0 or an errno, so that the worker knows when a name is taken. */
static int place(struct snap_broker *broker, struct snap_broker_peer *peer,
	const struct snap_request_view *request, struct snap_reply *reply)
{
	unsigned int back = request->number & 0xff;
	const struct snap_symbol_add_options options = {
		.link = request->number & SNAP_PLACE_LINK,
		.force = request->number & SNAP_PLACE_FORCE,
	};
	bool not_linked = false;
	int fd = back < SNAP_NUM_RECENT ? peer->recent[back] : -1;
	int r = !broker->config.symbol_dir || fd < 0
			? -EINVAL
			: snap_symbol_dir_place(broker->config.symbol_dir, fd, request->text[0],
				  request->text[1], &options, &not_linked);
	reply->number = not_linked;
	return -r;
}

/* ---------------------------------------------------------------- all of them */

bool snap_broker_serve(struct snap_broker *broker, struct snap_broker_peer *peer,
	const struct snap_request_view *request, struct snap_reply *reply, int *ret_fd,
	bool *ret_is_own)
{
	struct snap_error err = SNAP_ERROR_INIT;
	struct snap_cache_dir *cache;
	int fd = -1, r = 0;
	bool wants_fd = true, has_text = false;
	*reply = (struct snap_reply){.number = 0};
	*ret_is_own = true;
	switch (request->op) {
	case SNAP_REQUEST_INPUT:
		fd = open_input(broker, peer, &err);
		break;
	case SNAP_REQUEST_TEMPORARY:
		if (peer->has_temporary)
			return false;
		fd = snap_file_temporary(&err);
		peer->has_temporary = true;
		break;
	case SNAP_REQUEST_OPEN:
		fd = open_path(broker, request, &err);
		if (fd >= 0 && broker->config.symbol_dir)
			remember(peer, fd);
		break;
	case SNAP_REQUEST_SCAN:
		fd = scan(broker, request, &err);
		break;
	case SNAP_REQUEST_SOURCE:
		fd = open_source(broker, request, &err);
		break;
	case SNAP_REQUEST_CACHE_OPEN:
		cache = cache_of(broker, request->text[0]);
		if (cache)
			fd = snap_cache_open(
				cache, request->text[0], request->text[1], request->number);
		break;
	case SNAP_REQUEST_CACHE_BEGIN:
		fd = cache_begin(broker, peer, request, &err);
		break;
	case SNAP_REQUEST_OUTPUT_OPEN:
		fd = open_output(broker, &reply->number, ret_is_own, &err);
		break;
	case SNAP_REQUEST_STORE_OPEN:
		if (broker->config.symbol_dir)
			fd = snap_symbol_dir_open_kept(broker->config.symbol_dir, request->text[0],
				request->text[1], &err);
		break;
	case SNAP_REQUEST_CACHE_PUBLISH:
		wants_fd = false;
		r = cache_publish(broker, peer, request, &err);
		break;
	case SNAP_REQUEST_OUTPUT_PUBLISH:
		wants_fd = false;
		r = publish_output(broker, &err);
		break;
	case SNAP_REQUEST_STORE_PLACE:
		wants_fd = false;
		err.errnum = place(broker, peer, request, reply);
		r = err.errnum ? -1 : 0;
		break;
	case SNAP_REQUEST_REAL_PATH:
		wants_fd = false;
		has_text = true;
		r = give_real_path(broker, request, reply);
		break;
	case SNAP_REQUEST_FETCH:
		wants_fd = false;
		has_text = true;
		r = fetch(broker, request, reply, &fd);
		break;
	default:
		return false;
	}
	reply->result = wants_fd && fd < 0 ? -1 : r;
	if (reply->result < 0 && !has_text) {
		reply->code = err.code ? err.code : SNAP_ERROR_SYSTEM;
		reply->errnum = err.errnum;
		(void)snap_reply_add(reply, 0, err.text); /* shorter than there is room */
	}
	*ret_fd = fd;
	return true;
}
