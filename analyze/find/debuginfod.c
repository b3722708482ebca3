#include "analyze/find/debuginfod.h"

#include <dlfcn.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "analyze/sandbox/remote.h"
#include "common/escape.h"
#include "common/snapshot.h"

#define URLS_VARIABLE "DEBUGINFOD_URLS"
/* Several servers are asked at once, and the answer does not tell which of them failed: so many
 * failures in a row are taken for that of all. */
#define MAX_FAILURES_OF_SEVERAL 3

/* As <elfutils/debuginfod.h> has them (elfutils 0.179 and later); the library is not linked: that
 * takes 8 ms of every start. */
typedef int progress_fn(void *client, long done, long all);
struct library {
	void *handle;
	void *(*begin)(void);
	void (*end)(void *client);
	int (*find_debuginfo)(void *client, const unsigned char *build_id, int len, char **path);
	int (*find_executable)(void *client, const unsigned char *build_id, int len, char **path);
	int (*find_source)(void *client, const unsigned char *build_id, int len, const char *file,
		char **path);
	void (*set_progressfn)(void *client, progress_fn *fn);
	const char *(*get_url)(void *client);
};

struct snap_debuginfod {
	snap_fetch_fn *fn;
	void *data;
	struct library library;
	void *client; /* the library's; NULL: not yet */
	unsigned int max_s;
	unsigned int num_failures; /* in a row */
	bool is_given_up;
	char why_given_up[512];
	/* Of the request that is going on. */
	struct snap_fetch fetch;
	struct timespec begun;
	bool has_begun, is_late;
};

int snap_debuginfod_create(
	snap_fetch_fn *fn, void *data, struct snap_debuginfod **ret, struct snap_error *err)
{
	struct snap_debuginfod *client = calloc(1, sizeof(*client));
	if (!client)
		return snap_error_no_memory(err);
	client->fn = fn;
	client->data = data;
	client->max_s = SNAP_DEBUGINFOD_MAX_S;
	*ret = client;
	return 0;
}

void snap_debuginfod_destroy(struct snap_debuginfod *client)
{
	if (!client)
		return;
	if (client->client)
		client->library.end(client->client);
	/* The library stays: those that it is made of don't expect to be unloaded. */
	free(client);
}

void snap_debuginfod_set_max_s(struct snap_debuginfod *client, unsigned int max_s)
{
	client->max_s = max_s;
}

/* ---------------------------------------------------------------- what does not come back */

/*
 * The library opens files in its cache without a look at what they are: of a pipe that somebody has
 * put there, open(2) waits for ever, and the library calls nobody meanwhile. A signal that comes,
 * and does nothing, lets it fail (EINTR, signal(7)); the library then goes on as if the file were
 * not there. It takes no harm: what waits for servers is called again, and says so once a second.
 */
#define MAX_SILENCE_S 2

static void do_nothing(int signo)
{
	(void)signo;
}

/* In MAX_SILENCE_S from now, and then every second; 0: no more. */
static void interrupt_in(int seconds)
{
	const struct itimerval timer = {
		.it_value = {.tv_sec = seconds}, .it_interval = {.tv_sec = seconds > 0 ? 1 : 0}};
	(void)setitimer(ITIMER_REAL, &timer, NULL); /* without: it may hang, as it did */
}

struct interruption {
	struct sigaction action;
	sigset_t mask;
};

static void begin_interruption(struct interruption *before)
{
	const struct sigaction action = {.sa_handler = do_nothing}; /* without SA_RESTART */
	sigset_t alarm;
	(void)sigemptyset(&alarm); /* these don't fail with such arguments */
	(void)sigaddset(&alarm, SIGALRM);
	(void)sigaction(SIGALRM, &action, &before->action);
	(void)pthread_sigmask(SIG_UNBLOCK, &alarm, &before->mask);
	interrupt_in(MAX_SILENCE_S);
}

static void end_interruption(const struct interruption *before)
{
	interrupt_in(0);
	(void)pthread_sigmask(SIG_SETMASK, &before->mask, NULL);
	(void)sigaction(SIGALRM, &before->action, NULL);
}

/* ---------------------------------------------------------------- the listener */

static void tell(struct snap_debuginfod *client, enum snap_fetch_event event)
{
	client->fetch.event = event;
	if (client->fn)
		client->fn(&client->fetch, client->data);
}

static void give_up(struct snap_debuginfod *client, const char *why)
{
	client->is_given_up = true;
	(void)snprintf(client->why_given_up, sizeof(client->why_given_up), "%s", why);
	client->fetch.text = client->why_given_up;
	tell(client, SNAP_FETCH_GIVE_UP);
}

/* Whose request is out: the library tells a function nothing but its own client. */
static _Thread_local struct snap_debuginfod *current;

/* Called while a request is out, at least once a second; not for what the cache answers. */
static int progress(void *c, long done, long all)
{
	struct snap_debuginfod *client = current;
	(void)c;
	struct timespec now;
	interrupt_in(MAX_SILENCE_S);
	(void)clock_gettime(CLOCK_MONOTONIC, &now); /* there is such a clock */
	client->fetch.done_len = all > 0 && done > 0 ? (uint64_t)done : 0;
	client->fetch.all_len = all > 0 ? (uint64_t)all : 0;
	tell(client, client->has_begun ? SNAP_FETCH_PROGRESS : SNAP_FETCH_BEGIN);
	client->has_begun = true;
	client->is_late = now.tv_sec - client->begun.tv_sec >= (time_t)client->max_s;
	return client->is_late;
}

/* ---------------------------------------------------------------- the library */

/*
 * A second try after a time-out takes as long again, and in elfutils 0.188 it compares a handle
 * that was freed: where memory is not reused at once, what timed out becomes "not found", and is
 * remembered so for ten minutes (debuginfod-client.c, target_handle after query_in_parallel). Who
 * sets the variable wants it so. To be dropped when that version is.
 */
static void try_once(void)
{
	(void)setenv("DEBUGINFOD_RETRY_LIMIT", "0", 0); /* without: as slow as before */
}

static bool load(struct snap_debuginfod *client)
{
	struct library *l = &client->library;
	try_once();
	const struct {
		const char *name;
		void *slot;
	} symbols[] = {
		{"debuginfod_begin", &l->begin},
		{"debuginfod_end", &l->end},
		{"debuginfod_find_debuginfo", &l->find_debuginfo},
		{"debuginfod_find_executable", &l->find_executable},
		{"debuginfod_find_source", &l->find_source},
		{"debuginfod_set_progressfn", &l->set_progressfn},
		{"debuginfod_get_url", &l->get_url},
	};
	l->handle = dlopen("libdebuginfod.so.1", RTLD_NOW | RTLD_LOCAL);
	if (!l->handle) {
		give_up(client, "libdebuginfod.so.1 is not installed here");
		return false;
	}
	for (size_t i = 0; i < sizeof(symbols) / sizeof(symbols[0]); i++) {
		void *symbol = dlsym(l->handle, symbols[i].name);
		if (!symbol) {
			give_up(client, "libdebuginfod.so.1 is too old");
			return false;
		}
		memcpy(symbols[i].slot, &symbol, sizeof(symbol));
	}
	client->client = l->begin();
	if (!client->client) {
		give_up(client, "libdebuginfod can't be used");
		return false;
	}
	l->set_progressfn(client->client, progress);
	return true;
}

/* ---------------------------------------------------------------- a request */

static size_t num_servers(void)
{
	const char *urls = getenv(URLS_VARIABLE);
	size_t num = 0;
	while (urls && *(urls += strspn(urls, " "))) {
		num++;
		urls += strcspn(urls, " ");
	}
	return num;
}

/* No answer at all: others will come as little, and each takes its time. */
static bool is_unreachable(int errnum)
{
	return errnum == ECONNREFUSED || errnum == EHOSTUNREACH || errnum == ENETUNREACH ||
	       errnum == ETIME || errnum == ETIMEDOUT || errnum == ECONNRESET;
}

static void count_failure(struct snap_debuginfod *client, int errnum)
{
	bool is_several = num_servers() > 1;
	client->num_failures = is_unreachable(errnum) ? client->num_failures + 1 : 0;
	if (client->num_failures < (is_several ? MAX_FAILURES_OF_SEVERAL : 1))
		return;
	char urls[384], what[512];
	(void)snap_escape(
		snap_bytes_str(getenv(URLS_VARIABLE)), SNAP_ESCAPE_TERMINAL, urls, sizeof(urls));
	(void)snprintf(what, sizeof(what), "'%s': %s", urls, strerror(errnum));
	give_up(client, what);
}

/* Where it is looked for, as far as that is one place. */
static void name_url(const struct snap_debuginfod_request *request, const char *hex,
	const char *source, struct snap_debuginfod_answer *answer)
{
	const char *urls = getenv(URLS_VARIABLE);
	const char *what = request->role == SNAP_ROLE_EXECUTABLE ? "executable"
			   : request->role == SNAP_ROLE_SOURCE	 ? "source"
								 : "debuginfo";
	size_t len = urls ? strlen(urls) : 0;
	if (num_servers() == 1 && len > 0) {
		while (len > 0 && (urls[len - 1] == '/' || urls[len - 1] == ' '))
			len--;
		(void)snprintf(answer->url, sizeof(answer->url), "%.*s/buildid/%s/%s%s", (int)len,
			urls + strspn(urls, " "), hex, what, source);
	} else {
		(void)snprintf(answer->url, sizeof(answer->url), "%s", urls ? urls : "");
	}
}

static void take_failure(
	struct snap_debuginfod *client, int errnum, struct snap_debuginfod_answer *answer)
{
	if (client->is_late || errnum == ETIME) /* "Timer expired" says less */
		errnum = ETIMEDOUT;
	answer->fate = errnum == ENOENT ? SNAP_FATE_NOT_FOUND : SNAP_FATE_FETCH_FAILED;
	if (errnum != ENOENT)
		(void)snprintf(answer->detail, sizeof(answer->detail), "%s", strerror(errnum));
	else if (!client->has_begun)
		(void)snprintf(answer->detail, sizeof(answer->detail),
			"not asked again: it was not there a short time ago");
	count_failure(client, errnum);
}

/* Length 0: the build ID is a string of hex digits. */
static int find(struct snap_debuginfod *client, enum snap_candidate_role role, const char *hex,
	const char *source, char **ret_path)
{
	const struct library *l = &client->library;
	const unsigned char *id = (const unsigned char *)hex;
	return role == SNAP_ROLE_EXECUTABLE ? l->find_executable(client->client, id, 0, ret_path)
	       : role == SNAP_ROLE_SOURCE ? l->find_source(client->client, id, 0, source, ret_path)
					  : l->find_debuginfo(client->client, id, 0, ret_path);
}

bool snap_debuginfod_fetch(struct snap_debuginfod *client,
	const struct snap_debuginfod_request *request, struct snap_debuginfod_answer *answer)
{
	char hex[2 * SNAP_MAX_BUILD_ID + 1] = "", name[512], source[4096] = "", *path = NULL;
	if (snap_remote_is_on())
		return snap_remote_fetch(request, answer);
	*answer = (struct snap_debuginfod_answer){.fd = -1};
	if (request->role == SNAP_ROLE_SOURCE) {
		answer->fate = SNAP_FATE_REFUSED;
		if (request->build_id.len == 0 || request->name.len == 0 ||
			request->name.len >= sizeof(source) || request->name.data[0] != '/')
			return true;
		memcpy(source, request->name.data, request->name.len);
	}
	if (request->build_id.len > 0 && request->build_id.len <= SNAP_MAX_BUILD_ID)
		snap_hex(request->build_id, hex);
	(void)snap_escape(request->name, SNAP_ESCAPE_INVALID, name, sizeof(name));
	client->fetch = (struct snap_fetch){.role = request->role, .name = name, .build_id = hex};
	if (client->is_given_up || (!client->client && !load(client))) {
		(void)snprintf(answer->detail, sizeof(answer->detail), "%s", client->why_given_up);
		return false;
	}
	name_url(request, hex, source, answer);
	client->has_begun = client->is_late = false;
	(void)clock_gettime(CLOCK_MONOTONIC, &client->begun); /* there is such a clock */
	current = client;
	struct interruption before;
	begin_interruption(&before);
	int fd = find(client, request->role, hex, source, &path);
	end_interruption(&before);
	if (client->has_begun)
		tell(client, SNAP_FETCH_END);
	if (fd < 0) {
		take_failure(client, -fd, answer);
		return true;
	}
	struct stat st;
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
		(void)close(fd); /* nothing was read from it */
		free(path);
		answer->fate = SNAP_FATE_NOT_A_FILE;
		(void)snprintf(answer->detail, sizeof(answer->detail),
			"what is in libdebuginfod's cache is not a regular file");
		return true;
	}
	const char *url = client->library.get_url(client->client);
	client->num_failures = 0;
	answer->fd = fd;
	answer->fate = SNAP_FATE_OK;
	if (url && *url)
		(void)snprintf(answer->url, sizeof(answer->url), "%s", url);
	(void)snprintf(answer->path, sizeof(answer->path), "%s", path ? path : answer->url);
	free(path);
	return true;
}
