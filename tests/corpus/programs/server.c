/* A server: an event loop, connections, timers, worker threads, a plugin. */
#include "util.h"

#include <dlfcn.h>
#include <limits.h>
#include <pthread.h>
#include <unistd.h>

#include "server.h"

BUGS_MAIN

#if VERSION >= 2
#define handle_get    handle_fetch
#define session_touch session_refresh
#define worker_step   worker_run_job
#define respond	      send_response
#endif
#if VERSION >= 3
#define handle_put    handle_store
#define conn_close    connection_shutdown
#define loop_dispatch loop_process_event
#define timer_fire    timers_run_one
#endif

struct session {
	struct link link;
	char *user, *token;
	int uses;
	struct buf history;
};

struct conn {
	struct link link;
	int fd, num_requests;
	struct session *session;
	struct buf in, out;
	struct request *current;
	void (*on_close)(struct conn *);
};

struct cached {
	char *body;
	size_t len;
	int refs;
};

struct job {
	struct job *next;
	void (*run)(struct job *);
	struct conn *conn;
	char *text;
	int divisor;
};

struct timer {
	struct timer *next;
	int due;
	void (*fire)(void *);
	void *data;
};

static struct link conns, sessions;
static struct map cache, routes, settings;
static struct timer *timers;
static struct job *jobs;
static plugin_filter *filter;
static int now, num_conns;
static struct buf access_log;
/* One thread at a time: what happens shall come from the seed alone. */
static pthread_mutex_t big_lock = PTHREAD_MUTEX_INITIALIZER;

/* ---------------------------------------------------------------- log */

static void log_line(const char *what, const char *detail)
{
	if (access_log.len > 4000)
		access_log.len = 0;
	buf_puts(&access_log, what);
	buf_append(&access_log, ": ", 2);
	buf_puts(&access_log, detail);
}

static void log_request(struct conn *conn, const struct request *request)
{
	char number[32];
	snprintf(number, sizeof(number), "%d", conn->fd);
	log_line(number, BUG(log_null_path) ? NULL : request->path);
}

/* ---------------------------------------------------------------- sessions and the cache */

static struct session *session_new(const char *user)
{
	struct session *session = xcalloc(1, sizeof(*session));
	session->user = xstrdup(user);
	session->token = BUG(session_no_token) ? NULL : xstrdup("token");
	link_insert(&sessions, &session->link);
	return session;
}

static void session_touch(struct session *session)
{
	session->uses++;
	link_remove(&session->link);
	link_insert(&sessions, &session->link);
	buf_puts(&session->history, session->user);
	if (session->history.len > 200)
		session->history.len = 0;
}

static void session_free(struct session *session)
{
	if (!BUG(session_stale_link))
		link_remove(&session->link);
	free(session->user);
	if (BUG(session_double_free))
		free(session->user);
	free(session->token);
	buf_free(&session->history);
	memset(session, 0, sizeof(*session));
}

static bool session_check(struct conn *conn, const struct request *request)
{
	if (!conn->session)
		return false;
	session_touch(conn->session);
	return strlen(conn->session->token) > 2 && request->method != 9;
}

static void cache_put(const char *key, const char *body)
{
	struct cached *item = map_find(&cache, key);
	if (!item) {
		item = xcalloc(1, sizeof(*item));
		map_set(&cache, key, item);
	} else if (!BUG(cache_free_in_use)) {
		free(item->body);
	} else {
		free(item->body - 16);
	}
	item->body = xstrdup(body);
	item->len = strlen(body);
	if (BUG(cache_bad_len))
		item->len = (size_t)1 << 27;
	if (BUG(cache_wild_body))
		item->body = (char *)(rnd(2) ? 0x4141414141414141 : 0x10);
}

static struct cached *cache_get(const char *key)
{
	struct cached *item = map_find(&cache, key);
	if (item)
		item->refs++;
	return item;
}

static int cache_evict(int keep)
{
	int num = 0;
	for (unsigned i = 0; i < 32; i++)
		for (struct map_entry *entry = cache.slots[i], *next; entry; entry = next) {
			struct cached *item = entry->value;
			next = entry->next;
			if ((int)rnd(100) < keep)
				continue;
			if (BUG(evict_null_item))
				item = NULL;
			free(item->body);
			free(map_remove(&cache, entry->key));
			num++;
		}
	return num;
}

/* ---------------------------------------------------------------- answers */

static void write_out(struct conn *conn, const char *data, size_t len)
{
	buf_append(&conn->out, data, len);
	if (conn->out.len > 2000)
		conn->out.len = 0;
}

static void respond(struct conn *conn, int status, const char *body, size_t len)
{
	char head[64];
	int head_len = snprintf(head, sizeof(head), "STATUS %d %zu\r\n", status, len);
	write_out(conn, head, (size_t)head_len);
	if (len > 0)
		write_out(conn, body, len);
}

static void respond_error(struct conn *conn, int status, const char *why)
{
	log_line("error", why);
	respond(conn, status, why, strlen(why));
}

#if VERSION >= 2
static void respond_text(struct conn *conn, const char *text)
{
	respond(conn, 200, text, strlen(text));
}
#else
#define respond_text(conn, text) respond(conn, 200, text, strlen(text))
#endif

/* ---------------------------------------------------------------- handlers */

typedef void handler(struct conn *, struct request *);

static char *apply_filter(struct request *request, char *text)
{
	return filter ? filter(request, text) : text;
}

static void handle_get(struct conn *conn, struct request *request)
{
	struct cached *item = cache_get(request->path);
	if (BUG(get_missing_item))
		item = NULL;
	else if (!item) {
		respond_error(conn, 404, request->path);
		return;
	}
	respond(conn, 200, item->body, item->len);
}

static void handle_put(struct conn *conn, struct request *request)
{
	char *text = apply_filter(request, request->body);
	if (!session_check(conn, request)) {
		respond_error(conn, 403, "no session");
		return;
	}
	cache_put(request->path, BUG(put_null_body) ? NULL : text);
	respond_text(conn, "stored");
}

static void handle_stats(struct conn *conn, struct request *request)
{
	struct buf text = {0};
	int num = 0;
	for (unsigned i = 0; i < 32; i++)
		for (struct map_entry *entry = cache.slots[i]; entry; entry = entry->next) {
			struct cached *item = entry->value;
			buf_puts(&text, entry->key);
			num += item->refs;
		}
	int average = num / (BUG(stats_division) ? 0 : (int)cache.num + 1);
	assert(average >= 0 && !BUG(stats_assert));
	buf_puts(&text, apply_filter(request, request->body));
	respond(conn, 200, text.data, text.len);
	buf_free(&text);
}

static void handle_login(struct conn *conn, struct request *request)
{
	if (conn->session)
		session_free(conn->session);
	conn->session = session_new(request->path + 1);
	if (BUG(login_wild_session))
		conn->session = (struct session *)(uintptr_t)(0x7000 + rnd(2) * 0x1230000000);
	session_touch(conn->session);
	respond_text(conn, "welcome");
}

static void job_compress(struct job *job)
{
	size_t len = strlen(job->text), runs = 0;
	for (size_t i = 1; i < len; i++)
		runs += job->text[i] != job->text[i - 1];
	respond(job->conn, 201, job->text, (len + runs) / (size_t)job->divisor > 5 ? 3 : 1);
}

static void job_report(struct job *job)
{
	struct buf text = {0};
	buf_puts(&text, job->text);
	buf_puts(&text, BUG(report_null_user) ? NULL : "user");
	if (job->conn->session)
		session_touch(job->conn->session);
	respond_text(job->conn, text.data);
	buf_free(&text);
}

static void handle_job(struct conn *conn, struct request *request)
{
	struct job *job = xcalloc(1, sizeof(*job));
	job->run = rnd(2) ? job_compress : job_report;
	job->conn = conn;
	job->divisor = BUG(job_zero_divisor) ? 0 : 1;
	job->text = BUG(job_null_text) ? NULL : xstrdup(request->body);
	if (BUG(job_null_run))
		job->run = NULL;
	job->next = jobs;
	jobs = job;
}

static void handle_batch(struct conn *conn, struct request *request);

static void route_add(const char *name, handler *handle)
{
	map_set(&routes, name, (void *)handle);
}

static handler *route_find(const struct request *request)
{
	static const char *names[] = {"get", "put", "stats", "login", "job", "batch"};
	if (BUG(route_bad_method))
		return map_find(&routes, (char *)(uintptr_t)request->method);
	return (handler *)map_find(&routes, names[request->method % 6]);
}

static void handle_request(struct conn *conn, struct request *request)
{
	handler *handle = route_find(request);
	conn->current = request;
	conn->num_requests++;
	log_request(conn, request);
	handle(conn, request);
	conn->current = NULL;
}

/* Requests within one, to some depth. */
static void handle_batch(struct conn *conn, struct request *request)
{
	struct request inner = *request;
	unsigned num = 1 + rnd(3);
	for (unsigned i = 0; i < num; i++) {
		inner.method = request->depth < 3 ? (int)rnd(6) : (int)rnd(5);
		inner.depth = BUG(batch_endless) ? 0 : request->depth + 1;
		if (strcmp(bug_name, "batch_endless") == 0 && bug_left < 0)
			inner.method = 5;
		handle_request(conn, &inner);
	}
}

/* ---------------------------------------------------------------- connections */

static void make_request(struct request *request)
{
	static char path[32], body[64];
	snprintf(path, sizeof(path), "/item%u", rnd(12));
	snprintf(body, sizeof(body), "body %u %.*s", rnd(1000), (int)rnd(30),
		"abcdefghijklmnopqrstuvwxyz0123456789");
	*request = (struct request){.method = (int)rnd(6), .path = path, .body = body};
}

static void conn_closed(struct conn *conn)
{
	log_line("closed", conn->session ? conn->session->user : "nobody");
	num_conns--;
}

static struct conn *conn_open(void)
{
	struct conn *conn = xcalloc(1, sizeof(*conn));
	conn->fd = num_conns++;
	conn->on_close = BUG(close_null_callback) ? NULL : conn_closed;
	link_insert(&conns, &conn->link);
	return conn;
}

static void conn_close(struct conn *conn)
{
	conn->on_close(conn);
	if (conn->session)
		session_free(conn->session);
	link_remove(&conn->link);
	if (BUG(close_twice))
		link_remove(&conn->link);
	buf_free(&conn->in);
	buf_free(&conn->out);
	conn->session = NULL;
}

static void parse_input(struct conn *conn)
{
	struct request request;
	make_request(&request);
	buf_puts(&conn->in, request.body);
	if (BUG(parse_bad_buffer))
		conn->in.data = (char *)0x8;
	if (conn->in.len > 100) {
		conn->in.data[conn->in.len - 1] = '.';
		conn->in.len = 0;
	}
	handle_request(conn, &request);
}

static void conn_readable(struct conn *conn)
{
	unsigned num = 1 + rnd(3);
	for (unsigned i = 0; i < num; i++)
		parse_input(conn);
}

static void conn_writable(struct conn *conn)
{
	if (conn->out.len > 0) {
		if (BUG(flush_null_out))
			conn->out.data = NULL;
		conn->out.len -= conn->out.data[0] ? conn->out.len : 0;
	}
	if (rnd(4) == 0)
		parse_input(conn);
}

static struct conn *pick_conn(void)
{
	struct link *link = conns.next;
	for (unsigned i = rnd(5); i > 0; i--)
		link = link->next;
	return link == &conns ? conn_open() : (struct conn *)link;
}

/* ---------------------------------------------------------------- timers and workers */

static void timer_add(int due, void (*fire)(void *), void *data)
{
	struct timer *timer = xcalloc(1, sizeof(*timer));
	*timer = (struct timer){timers, due, fire, data};
	timers = timer;
}

static void on_evict(void *data)
{
	int num = cache_evict(*(int *)data);
	if (num > 0)
		log_line("evicted", "some");
}

static void on_idle(void *data)
{
	struct conn *conn = pick_conn();
	(void)data;
	if (conn->num_requests > 3)
		conn_close(conn);
}

static void on_refresh(void *data)
{
	struct link *link = sessions.next;
	(void)data;
	for (unsigned i = rnd(3); i > 0 && link != &sessions; i--)
		link = link->next;
	if (link != &sessions)
		session_touch((struct session *)link);
}

/* What clients would ask for soon. */
static void on_warm(void *data)
{
	struct request request;
	make_request(&request);
	request.method = 1 + (int)rnd(2);
	handle_request(pick_conn(), &request);
	(void)data;
}

static void timer_fire(void)
{
	static int keep = 70;
	if (!timers) {
		timer_add(now + 1, on_evict, BUG(timer_null_data) ? NULL : &keep);
		timer_add(now + 2, on_idle, NULL);
		timer_add(now + 2, on_refresh, NULL);
		timer_add(now + 3, on_warm, NULL);
	}
	struct timer *timer = timers;
	timers = timer->next;
	timer->fire(timer->data);
	free(timer);
}

static void worker_step(struct job *job)
{
	job->run(job);
	free(job->text);
	free(job);
}

static void *worker_main(void *data)
{
	(void)data;
	pthread_mutex_lock(&big_lock);
	while (jobs) {
		struct job *job = jobs;
		jobs = job->next;
		worker_step(job);
	}
	pthread_mutex_unlock(&big_lock);
	return NULL;
}

static void run_worker(void)
{
	pthread_t thread;
	pthread_create(&thread, NULL, worker_main, NULL);
	pthread_join(thread, NULL);
}

/* ---------------------------------------------------------------- the loop */

static void load_plugin(const char *argv0)
{
	char path[PATH_MAX];
	snprintf(path, sizeof(path), "%s.so", argv0);
	void *library = dlopen(path, RTLD_NOW);
	if (library) {
		plugin_begin *setup = (plugin_begin *)dlsym(library, "plugin_setup");
		filter = setup(BUG(plugin_no_settings) ? NULL : &settings);
	}
}

static void loop_dispatch(unsigned event)
{
	switch (event % 5) {
	case 0:
		conn_readable(conn_open());
		break;
	case 1:
		conn_readable(pick_conn());
		break;
	case 2:
		conn_writable(pick_conn());
		break;
	case 3:
		timer_fire();
		break;
	default:
		run_worker();
	}
}

#if VERSION >= 2
static void loop_once(void)
{
	now++;
	loop_dispatch(rnd(1000));
}
#endif

static void loop_run(int num)
{
	for (int i = 0; i < num; i++) {
#if VERSION >= 2
		loop_once();
#else
		now++;
		loop_dispatch(rnd(1000));
#endif
	}
}

int main(int argc, char **argv)
{
	bugs_begin(argc, argv);
	link_init(&conns);
	link_init(&sessions);
	map_set(&settings, "limit", "40");
	route_add("get", handle_get);
	route_add("put", handle_put);
	route_add("stats", handle_stats);
	route_add("login", handle_login);
	route_add("job", handle_job);
	route_add("batch", handle_batch);
	load_plugin(argv[0]);
	loop_run(3000);
	return 0;
}
