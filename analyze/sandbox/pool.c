#include "analyze/sandbox/pool.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "analyze/command.h"
#include "analyze/sandbox/note.h"
#include "analyze/sandbox/result.h"
#include "common/escape.h"

/* So often an input is begun anew without a module. */
#define MAX_RETRIES 4
/* A module that so many inputs died of is left out of all that follow. */
#define DEATHS_TO_REMEMBER 2
#define MAX_REMEMBERED	   64
/* A worker is looked at for its size after so many inputs. */
#define INPUTS_PER_LOOK 16

#define NS_PER_S INT64_C(1000000000)

enum task_state {
	TASK_FREE,
	TASK_WAITING,
	TASK_RUNNING,
	TASK_READY, /* to be printed */
};

/* An input that is being worked on, or whose result waits for its turn. */
struct task {
	enum task_state state;
	size_t index;
	int status; /* enum snap_exit */
	struct snap_result result;
	unsigned int num_retries;
	struct snap_command command; /* with what is left out */
};

/* Why a worker is ended by us. */
enum cause {
	CAUSE_NONE,
	CAUSE_LIBRARY, /* another goes on that has it */
	CAUSE_TIME,
	CAUSE_CLOCK,
	CAUSE_OUTPUT,
	CAUSE_REQUESTS,
	CAUSE_NONSENSE,
	CAUSE_SPOOL, /* no fault of its own */
};

struct worker {
	pid_t pid;	 /* 0: none */
	int socket, commands; /* ours */
	struct snap_note_page *page;
	struct snap_broker_peer peer;
	struct task *task; /* NULL: it waits */
	struct task *next; /* told already; NULL */
	bool is_told_to_finish; /* after what it was given */
	bool is_finishing, is_gone;
	enum cause cause;
	uint64_t num_inputs, num_requests;
	clockid_t cpu_clock;
	int64_t cpu_base_ns, clock_base_ns;
	rlim_t cpu_limit_s; /* what the kernel was told */
};

/* A build ID that inputs died of. */
struct remembered {
	struct snap_quarantined module;
	unsigned int num_deaths;
	size_t last_index; /* of the input */
};

struct pool {
	const struct snap_pool_config *config;
	struct snap_broker broker;
	struct worker *workers;
	size_t num_workers;
	struct task *tasks;
	size_t num_tasks;
	size_t next_index, next_printed; /* of the inputs */
	size_t num_done;
	bool libraries[SNAP_NUM_LIBRARIES];
	struct remembered remembered[MAX_REMEMBERED];
	size_t num_remembered;
	bool has_printed;
	int worst;
	rlim_t max_cpu_s; /* our own hard limit */
};

static int64_t clock_ns(clockid_t clock)
{
	struct timespec now = {0};
	(void)clock_gettime(clock, &now); /* of a dead process: 0 */
	return now.tv_sec * NS_PER_S + now.tv_nsec;
}

static void reset_clocks(struct worker *worker)
{
	worker->cpu_base_ns = clock_ns(worker->cpu_clock);
	worker->clock_base_ns = clock_ns(CLOCK_MONOTONIC);
}

/* The pool itself was busy for so long: no worker's fault. */
static void shift_clocks(struct pool *pool, int64_t begun_ns)
{
	int64_t ns = clock_ns(CLOCK_MONOTONIC) - begun_ns;
	for (size_t i = 0; i < pool->num_workers; i++)
		pool->workers[i].clock_base_ns += ns;
}

/* ---------------------------------------------------------------- printing */

/* How far it is, of many inputs; else what a worker says is shown. */
static bool has_progress(const struct pool *pool)
{
	return pool->config->job->num_inputs > 1 && !pool->config->is_streaming;
}

static void show_progress(struct pool *pool)
{
	size_t num = pool->config->job->num_inputs;
	char text[80];
	if (!has_progress(pool))
		return;
	(void)snprintf(text, sizeof(text), "%zu of %zu inputs", pool->num_done, num);
	snap_progress_tell(pool->config->progress, SNAP_PROGRESS_UPDATE, text);
}

static void hide_progress(struct pool *pool)
{
	if (has_progress(pool))
		snap_progress_tell(pool->config->progress, SNAP_PROGRESS_HIDE, NULL);
}

static void separate(struct pool *pool)
{
	if (pool->has_printed && pool->config->separates)
		(void)putchar('\n'); /* that stdout failed is found at the end */
	pool->has_printed = true;
}

static void print_task(struct pool *pool, struct task *task)
{
	int64_t begun_ns = clock_ns(CLOCK_MONOTONIC);
	if (!pool->config->is_streaming) {
		if (task->result.len > 0 || task->result.num_messages > 0)
			hide_progress(pool);
		if (task->result.len > 0)
			separate(pool);
		int r = snap_result_print(&task->result, stdout, pool->config->complain);
		if (r < 0) {
			char text[128];
			(void)snprintf(text, sizeof(text), "cannot read a result back: %s",
				strerror(-r));
			pool->config->complain(text);
			task->status = SNAP_EXIT_FAILED;
		}
	}
	if (task->status > pool->worst)
		pool->worst = task->status;
	snap_result_deinit(&task->result);
	*task = (struct task){.state = TASK_FREE};
	snap_result_init(&task->result);
	pool->num_done++;
	shift_clocks(pool, begun_ns);
}

static struct task *find_task(struct pool *pool, enum task_state state, size_t index)
{
	for (size_t i = 0; i < pool->num_tasks; i++)
		if (pool->tasks[i].state == state && pool->tasks[i].index == index)
			return &pool->tasks[i];
	return NULL;
}

static void print_ready(struct pool *pool)
{
	struct task *task;
	bool any = false;
	if (pool->config->is_unordered) {
		for (size_t i = 0; i < pool->num_tasks; i++)
			if (pool->tasks[i].state == TASK_READY) {
				print_task(pool, &pool->tasks[i]);
				any = true;
			}
	} else {
		while ((task = find_task(pool, TASK_READY, pool->next_printed))) {
			pool->next_printed++;
			print_task(pool, task);
			any = true;
		}
	}
	if (any)
		show_progress(pool);
}

/* ---------------------------------------------------------------- why one failed */

static const char *signal_name(int signo)
{
	return sigabbrev_np(signo) ? sigabbrev_np(signo) : "?";
}

/* What became of it, as in "its worker ...". wait_status: as of waitpid(2). */
static void describe_end(
	const struct pool *pool, enum cause cause, int wait_status, char *ret, size_t size)
{
	const struct snap_limits *limits = &pool->config->limits;
	int signo = WIFSIGNALED(wait_status) ? WTERMSIG(wait_status) : 0;
	if (cause == CAUSE_TIME || (cause == CAUSE_NONE && signo == SIGXCPU))
		(void)snprintf(ret, size, "took more than %" PRIu64 " s of CPU time (--worker-time)",
			limits->time_s);
	else if (cause == CAUSE_CLOCK)
		(void)snprintf(ret, size, "took more than %" PRIu64 " s (--worker-time)",
			limits->time_s * SNAP_CLOCK_PER_CPU);
	else if (cause == CAUSE_OUTPUT)
		(void)snprintf(ret, size, "printed more than %" PRIu64 " bytes (--worker-output)",
			limits->output_bytes);
	else if (cause == CAUSE_REQUESTS)
		(void)snprintf(ret, size, "asked for files more than %" PRIu64
					  " times (--worker-requests)",
			limits->num_requests);
	else if (cause == CAUSE_NONSENSE)
		(void)snprintf(ret, size, "asked for what no analysis asks for");
	else if (cause == CAUSE_SPOOL)
		(void)snprintf(ret, size, "printed more than there is room for in temporary files");
	else if (signo == SIGSYS)
		(void)snprintf(ret, size, "tried a forbidden system call (SIGSYS)");
	else if (signo == SIGXFSZ)
		(void)snprintf(ret, size, "wrote too large a file (SIGXFSZ)");
	else if (signo)
		(void)snprintf(ret, size, "was ended by SIG%s", signal_name(signo));
	else
		(void)snprintf(ret, size, "ended early, with status %d",
			WIFEXITED(wait_status) ? WEXITSTATUS(wait_status) : -1);
}

/* Whether the file that was being read can be to blame: somebody's SIGKILL is not it. */
static bool is_of_the_file(enum cause cause, int wait_status)
{
	if (cause != CAUSE_NONE)
		return cause == CAUSE_TIME || cause == CAUSE_CLOCK;
	int signo = WIFSIGNALED(wait_status) ? WTERMSIG(wait_status) : 0;
	return signo == SIGSEGV || signo == SIGBUS || signo == SIGABRT || signo == SIGFPE ||
	       signo == SIGILL || signo == SIGXCPU || signo == SIGSYS || signo == SIGTRAP;
}

static void fail_task(struct pool *pool, struct task *task, const char *what,
	const struct snap_note *note)
{
	const struct snap_job *job = pool->config->job;
	char text[2048], name[512], module[512] = "", hex[2 * SNAP_MAX_BUILD_ID + 1];
	const char *file = job->name(task->index, job->data);
	bool is_stdin = strcmp(file, "-") == 0;
	(void)snap_escape(snap_bytes_str(file), SNAP_ESCAPE_TERMINAL, name, sizeof(name));
	if (note) {
		(void)snap_escape(snap_bytes(note->name, note->name_len), SNAP_ESCAPE_TERMINAL,
			module, sizeof(module));
		snap_hex(snap_bytes(note->build_id, note->build_id_len), hex);
	}
	(void)snprintf(text, sizeof(text), "cannot analyse %s%s%s: its worker %s%s%s%s%s%s",
		is_stdin ? "" : "'", is_stdin ? "standard input" : name, is_stdin ? "" : "'", what,
		note ? " while it read files of '" : "", module, note ? "' (build ID " : "",
		note ? hex : "", note ? ")" : "");
	/* What it had said so far was not the whole. */
	snap_result_deinit(&task->result);
	if (pool->config->is_streaming)
		pool->config->complain(text);
	else
		snap_result_complain(&task->result, text);
	task->state = TASK_READY;
	task->status = SNAP_EXIT_FAILED;
}

/* ---------------------------------------------------------------- quarantine */

static bool leave_out(struct snap_command *command, const struct snap_quarantined *module)
{
	for (uint32_t i = 0; i < command->num_quarantined; i++)
		if (command->quarantined[i].len == module->len &&
			memcmp(command->quarantined[i].build_id, module->build_id, module->len) == 0)
			return false;
	if (command->num_quarantined == SNAP_MAX_QUARANTINED)
		return false;
	command->quarantined[command->num_quarantined++] = *module;
	return true;
}

/* One input's word is not enough for others: the worker that died may have been taken over. */
static void remember(struct pool *pool, const struct snap_quarantined *module, size_t index)
{
	for (size_t i = 0; i < pool->num_remembered; i++) {
		struct remembered *r = &pool->remembered[i];
		if (r->module.len != module->len ||
			memcmp(r->module.build_id, module->build_id, module->len) != 0)
			continue;
		r->num_deaths += r->last_index != index;
		r->last_index = index;
		return;
	}
	if (pool->num_remembered < MAX_REMEMBERED)
		pool->remembered[pool->num_remembered++] =
			(struct remembered){.module = *module, .num_deaths = 1, .last_index = index};
}

static void leave_out_remembered(struct pool *pool, struct snap_command *command)
{
	for (size_t i = 0; i < pool->num_remembered; i++)
		if (pool->remembered[i].num_deaths >= DEATHS_TO_REMEMBER)
			(void)leave_out(command, &pool->remembered[i].module); /* as many as fit */
}

/* Begin anew without the module; false: it was left out already, or there were enough of those. */
static bool retry_without(
	struct pool *pool, struct task *task, const struct snap_note *note, const char *what)
{
	struct snap_quarantined module = {.len = note->build_id_len};
	memcpy(module.build_id, note->build_id, note->build_id_len);
	(void)snprintf(module.why, sizeof(module.why),
		"its files are left out: a worker that read them %.120s", what);
	if (task->num_retries == MAX_RETRIES || !leave_out(&task->command, &module))
		return false;
	task->num_retries++;
	remember(pool, &module, task->index);
	snap_result_deinit(&task->result);
	task->state = TASK_WAITING;
	return true;
}

/* ---------------------------------------------------------------- the life of a worker */

static void close_fd(int *fd)
{
	if (*fd >= 0)
		(void)close(*fd); /* a socket: nothing can be lost */
	*fd = -1;
}

/* 0, or a negative errno. */
static int start_worker(struct pool *pool, struct worker *worker)
{
	const struct snap_pool_config *config = pool->config;
	int sockets[2] = {-1, -1}, commands[2] = {-1, -1};
	pid_t parent = getpid();
	if (!worker->page && !(worker->page = snap_note_page_create()))
		return -ENOMEM;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets) < 0 ||
		socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, commands) < 0) {
		int r = -errno;
		close_fd(&sockets[0]);
		close_fd(&sockets[1]);
		return r;
	}
	worker->page->current = 0;
	pid_t pid = fork();
	if (pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			_exit(1);
		struct snap_worker_setup setup = {
			.job = config->job,
			.limits = config->limits,
			.socket = sockets[1],
			.commands = commands[1],
			.is_streaming = config->is_streaming,
			.page = worker->page,
			.keeps_stdin = config->keeps_stdin,
			.may_fork = config->may_fork,
		};
		memcpy(setup.libraries, pool->libraries, sizeof(setup.libraries));
		snap_worker_main(&setup);
	}
	int r = pid < 0 ? -errno : 0;
	(void)close(sockets[1]);
	(void)close(commands[1]);
	if (pid < 0) {
		close_fd(&sockets[0]);
		close_fd(&commands[0]);
		return r;
	}
	struct snap_note_page *page = worker->page;
	*worker = (struct worker){
		.pid = pid,
		.socket = sockets[0],
		.commands = commands[0],
		.page = page,
	};
	snap_broker_peer_init(&worker->peer);
	if (clock_getcpuclockid(pid, &worker->cpu_clock) != 0)
		worker->cpu_clock = CLOCK_MONOTONIC;
	return 0;
}

/* Reap it. Returns its wait status. */
static int bury(struct worker *worker)
{
	int status = 0;
	while (waitpid(worker->pid, &status, 0) < 0 && errno == EINTR)
		continue;
	worker->pid = 0;
	worker->is_gone = false;
	close_fd(&worker->socket);
	close_fd(&worker->commands);
	snap_broker_peer_deinit(&worker->peer);
	return status;
}

/* It has said that it ends. */
static void let_go(struct worker *worker)
{
	(void)waitpid(worker->pid, NULL, WNOHANG); /* else whoever comes after us does */
	worker->pid = 0;
	close_fd(&worker->socket);
	close_fd(&worker->commands);
	snap_broker_peer_deinit(&worker->peer);
}

static void end_worker(struct worker *worker, enum cause cause)
{
	worker->cause = cause;
	(void)kill(worker->pid, SIGKILL); /* a child that was not reaped yet */
}

/* It has ended, or was ended, and is to be reaped. */
static void take_death(struct pool *pool, struct worker *worker)
{
	struct task *task = worker->task;
	struct snap_note note;
	char what[256];
	bool was_finishing = worker->is_finishing;
	enum cause cause = worker->cause;
	int status = bury(worker);
	worker->task = NULL;
	if (worker->next)
		worker->next->state = TASK_WAITING;
	worker->next = NULL;
	if (!task) {
		if (was_finishing && !(WIFEXITED(status) && WEXITSTATUS(status) == 0)) {
			char text[512];
			describe_end(pool, cause, status, what, sizeof(what));
			(void)snprintf(text, sizeof(text),
				"not all that was found out could be kept: a worker %s", what);
			pool->config->complain(text);
		}
		return;
	}
	if (cause == CAUSE_LIBRARY) {
		snap_result_deinit(&task->result);
		task->state = TASK_WAITING;
		return;
	}
	describe_end(pool, cause, status, what, sizeof(what));
	bool has_note = is_of_the_file(cause, status) && snap_note_page_read(worker->page, &note);
	if (has_note && !pool->config->is_streaming && retry_without(pool, task, &note, what))
		return;
	fail_task(pool, task, what, has_note ? &note : NULL);
}

/* It keeps what it found out, and ends. */
static void finish_worker(struct worker *worker)
{
	const struct snap_command command = {.op = SNAP_COMMAND_FINISH};
	if (worker->is_told_to_finish)
		return;
	worker->is_told_to_finish = true;
	if (!worker->task) {
		worker->is_finishing = true;
		reset_clocks(worker);
		worker->num_requests = 0;
	}
	/* If that fails it is dead, which is seen. */
	(void)snap_packet_send(worker->commands, &command, SNAP_COMMAND_HEAD, -1, MSG_DONTWAIT);
}

/* Objects of all its inputs are kept: whether that takes half of what it may. */
static bool is_grown(const struct pool *pool, const struct worker *worker)
{
	char path[40], text[128] = "";
	unsigned long long data = 0;
	(void)snprintf(path, sizeof(path), "/proc/%d/statm", (int)worker->pid);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd >= 0 ? read(fd, text, sizeof(text) - 1) : -1;
	if (fd >= 0)
		(void)close(fd); /* only read from */
	if (n <= 0 || sscanf(text, "%*u %*u %*u %*u %*u %llu", &data) != 1)
		return false;
	return data * (unsigned long long)sysconf(_SC_PAGESIZE) >
	       pool->config->limits.memory_bytes / 2;
}

/* ---------------------------------------------------------------- giving work */

static struct task *next_task(struct pool *pool)
{
	struct task *free_task = NULL, *waiting = NULL;
	size_t oldest = pool->next_index;
	for (size_t i = 0; i < pool->num_tasks; i++) {
		struct task *task = &pool->tasks[i];
		if (task->state == TASK_FREE)
			free_task = task;
		else if (task->state == TASK_WAITING &&
			 (!waiting || task->index < waiting->index))
			waiting = task;
		if (task->state != TASK_FREE && task->index < oldest)
			oldest = task->index;
	}
	if (waiting)
		return waiting;
	if (!free_task || pool->next_index >= pool->config->job->num_inputs)
		return NULL;
	*free_task = (struct task){
		.state = TASK_WAITING,
		.index = pool->next_index++,
	};
	snap_result_init(&free_task->result);
	leave_out_remembered(pool, &free_task->command);
	return free_task;
}

/* Whether another input may still have to be given. */
static bool has_more(const struct pool *pool)
{
	if (pool->next_index < pool->config->job->num_inputs)
		return true;
	for (size_t i = 0; i < pool->num_tasks; i++)
		if (pool->tasks[i].state == TASK_WAITING)
			return true;
	return false;
}

/* What was given comes to be worked on. */
static void begin_task(struct pool *pool, struct worker *worker, struct task *task)
{
	worker->task = task;
	worker->num_inputs++;
	worker->num_requests = 0;
	reset_clocks(worker);
	snap_broker_peer_set_input(&worker->peer, task->index);
	/* Should the pool itself be held up, by who reads what it prints. */
	rlim_t limit_s = (rlim_t)(worker->cpu_base_ns / NS_PER_S) + pool->config->limits.time_s + 2;
	if (pool->config->is_streaming || limit_s == worker->cpu_limit_s)
		return;
	const struct rlimit limit = {
		.rlim_cur = limit_s < pool->max_cpu_s ? limit_s : pool->max_cpu_s,
		.rlim_max = pool->max_cpu_s,
	};
	worker->cpu_limit_s = limit_s;
	(void)prlimit(worker->pid, RLIMIT_CPU, &limit, NULL); /* see above */
}

static void give(struct pool *pool, struct worker *worker, struct task *task)
{
	task->command.op = SNAP_COMMAND_RUN;
	task->command.index = (uint32_t)task->index;
	task->state = TASK_RUNNING;
	size_t len = SNAP_COMMAND_HEAD +
		     task->command.num_quarantined * sizeof(task->command.quarantined[0]);
	int fd = snap_broker_open_input(&pool->broker, task->index);
	/* If that fails it is dead, which is seen. */
	(void)snap_packet_send(worker->commands, &task->command, len, fd, MSG_DONTWAIT);
	if (fd >= 0)
		(void)close(fd); /* the worker has its own */
	if (worker->task)
		worker->next = task;
	else
		begin_task(pool, worker, task);
	/* It need not wait to be told. */
	if (!has_more(pool))
		finish_worker(worker);
}

/* False: none could be started, and there is none. */
static bool get_worker(struct pool *pool, struct worker *worker)
{
	int r = start_worker(pool, worker);
	if (r == 0)
		return true;
	for (size_t i = 0; i < pool->num_workers; i++)
		if (pool->workers[i].pid)
			return true; /* later, or by those that there are */
	char text[128];
	(void)snprintf(text, sizeof(text), "cannot start a worker: %s", strerror(-r));
	pool->config->complain(text);
	return false;
}

/* -1: no worker could be started, and there is none. */
static int give_work(struct pool *pool)
{
	struct task *task;
	for (size_t i = 0; i < pool->num_workers; i++) {
		struct worker *worker = &pool->workers[i];
		if (worker->is_gone)
			(void)bury(worker); /* it has said so: how it ends does not matter */
		if (worker->pid && (worker->task || worker->is_told_to_finish))
			continue;
		if (!(task = next_task(pool)))
			return 0;
		if (!worker->pid && !get_worker(pool, worker))
			return -1;
		if (worker->pid)
			give(pool, worker, task);
	}
	/* What each does next, so that it need not wait; the last ones go to who is ready first. */
	for (size_t i = 0; i < pool->num_workers && !pool->config->is_streaming; i++) {
		struct worker *worker = &pool->workers[i];
		if (!worker->task || worker->next || worker->is_told_to_finish || worker->cause ||
			worker->num_inputs >= pool->config->limits.num_inputs ||
			pool->config->job->num_inputs - pool->next_index < pool->num_workers)
			continue;
		if (!(task = next_task(pool)))
			return 0;
		give(pool, worker, task);
	}
	return 0;
}

/* ---------------------------------------------------------------- what a worker says */

static void take_output(struct pool *pool, struct worker *worker, struct snap_bytes bytes)
{
	struct task *task = worker->task;
	if (bytes.len == 0 || !task)
		return;
	if (!pool->config->is_streaming) {
		if (bytes.len > pool->config->limits.output_bytes - task->result.len)
			end_worker(worker, CAUSE_OUTPUT);
		else if (snap_result_add(&task->result, bytes.data, bytes.len) < 0)
			end_worker(worker, CAUSE_SPOOL);
		return;
	}
	int64_t begun_ns = clock_ns(CLOCK_MONOTONIC);
	if (task->result.len == 0)
		separate(pool);
	task->result.len += bytes.len;
	(void)fwrite(bytes.data, 1, bytes.len, stdout);
	(void)fflush(stdout); /* that it failed is seen by the caller */
	shift_clocks(pool, begun_ns);
	reset_clocks(worker);
}

static void reply_to(struct worker *worker, struct snap_reply *reply, int fd)
{
	size_t len = SNAP_REPLY_HEAD;
	for (size_t i = 0; i < SNAP_REPLY_STRINGS; i++)
		len += reply->len[i];
	/* It waits for it, so that there is room: else it speaks out of turn. */
	int r = snap_packet_send(worker->socket, reply, len, fd, MSG_DONTWAIT);
	if (r == -EAGAIN)
		end_worker(worker, CAUSE_NONSENSE);
}

/* A worker's words, which may be anything if it was taken over. */
static void take_complaint(
	struct pool *pool, struct worker *worker, const struct snap_request_view *request)
{
	char text[2048];
	(void)snap_escape(
		snap_bytes_str(request->text[0]), SNAP_ESCAPE_TERMINAL, text, sizeof(text));
	if (worker->task && !pool->config->is_streaming)
		snap_result_complain(&worker->task->result, text);
	else
		pool->config->complain(text);
}

static void take_progress(struct pool *pool, const struct snap_request_view *request)
{
	char text[512];
	if (request->number > SNAP_PROGRESS_END)
		return;
	(void)snap_escape(
		snap_bytes_str(request->text[0]), SNAP_ESCAPE_TERMINAL, text, sizeof(text));
	/* Those of several workers would come in each other's way. */
	if (has_progress(pool) ? request->number == SNAP_PROGRESS_UPDATE : pool->num_workers == 1)
		snap_progress_tell(pool->config->progress,
			(enum snap_progress_event)request->number,
			request->number == SNAP_PROGRESS_UPDATE ? text : NULL);
}

static void take_done(
	struct pool *pool, struct worker *worker, const struct snap_request_view *request)
{
	struct task *task = worker->task;
	static const int known[] = {SNAP_EXIT_DONE, SNAP_EXIT_PARTIAL, SNAP_EXIT_FAILED,
		SNAP_EXIT_USAGE, SNAP_EXIT_OUTPUT};
	bool is_known = false;
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		is_known |= request->number == (uint32_t)known[i];
	if (!task || !is_known) {
		end_worker(worker, CAUSE_NONSENSE);
		return;
	}
	take_output(pool, worker, request->output);
	if (worker->cause)
		return;
	task->status = (int)request->number;
	task->state = TASK_READY;
	worker->task = NULL;
	struct task *next = worker->next;
	worker->next = NULL;
	if (next) {
		begin_task(pool, worker, next);
	} else if (worker->is_told_to_finish) {
		worker->is_finishing = true;
		reset_clocks(worker);
		worker->num_requests = 0;
	}
	if (has_more(pool) && (worker->num_inputs >= pool->config->limits.num_inputs ||
				(worker->num_inputs % INPUTS_PER_LOOK == 0 &&
					is_grown(pool, worker))))
		finish_worker(worker);
}

/* False: it has to be begun anew by one that has the library. */
static void take_library(
	struct pool *pool, struct worker *worker, const struct snap_request_view *request)
{
	if (request->number >= SNAP_NUM_LIBRARIES || pool->libraries[request->number] ||
		!worker->task || (pool->config->is_streaming && worker->task->result.len > 0)) {
		end_worker(worker, CAUSE_NONSENSE);
		return;
	}
	pool->libraries[request->number] = true;
	end_worker(worker, CAUSE_LIBRARY);
}

static void serve(
	struct pool *pool, struct worker *worker, const struct snap_request_view *request)
{
	static struct snap_reply reply;
	int fd = -1;
	bool is_own = true;
	int64_t begun_ns = clock_ns(CLOCK_MONOTONIC);
	if (!snap_broker_serve(&pool->broker, &worker->peer, request, &reply, &fd, &is_own)) {
		end_worker(worker, CAUSE_NONSENSE);
		return;
	}
	if (request->op == SNAP_REQUEST_FETCH)
		shift_clocks(pool, begun_ns);
	if (request->op == SNAP_REQUEST_OPEN && pool->config->is_streaming)
		reset_clocks(worker);
	reply_to(worker, &reply, fd);
	if (fd >= 0 && is_own)
		(void)close(fd); /* the worker has its own */
}

/* False: it was ended, or its line is closed. */
static bool take_request(struct pool *pool, struct worker *worker,
	const struct snap_request *request, ssize_t len)
{
	static struct snap_request_view view;
	static struct snap_reply taken; /* zeros: no text, no failure */
	if (len < 0 || !snap_request_read(request, (size_t)len, &view)) {
		end_worker(worker, CAUSE_NONSENSE);
		return false;
	}
	if (view.op != SNAP_REQUEST_OUTPUT && view.op != SNAP_REQUEST_DONE &&
		++worker->num_requests > pool->config->limits.num_requests) {
		end_worker(worker, CAUSE_REQUESTS);
		return false;
	}
	switch (view.op) {
	case SNAP_REQUEST_OUTPUT:
		take_output(pool, worker, view.output);
		break;
	case SNAP_REQUEST_DONE:
		take_done(pool, worker, &view);
		break;
	case SNAP_REQUEST_COMPLAIN:
		take_complaint(pool, worker, &view);
		reply_to(worker, &taken, -1);
		break;
	case SNAP_REQUEST_PROGRESS:
		take_progress(pool, &view);
		reply_to(worker, &taken, -1);
		break;
	case SNAP_REQUEST_BYE:
		if (worker->is_finishing)
			worker->is_gone = true;
		else
			end_worker(worker, CAUSE_NONSENSE);
		break;
	case SNAP_REQUEST_LIBRARY:
		take_library(pool, worker, &view);
		break;
	default:
		serve(pool, worker, &view);
	}
	return !worker->cause;
}

/* Of one worker, so much at once. */
#define REQUESTS_AT_ONCE 16

static void listen_to(struct pool *pool, struct worker *worker)
{
	static struct snap_request request;
	for (int i = 0; i < REQUESTS_AT_ONCE; i++) {
		ssize_t n = snap_packet_receive(
			worker->socket, &request, sizeof(request), NULL, MSG_DONTWAIT);
		if (n == -EAGAIN)
			return;
		if (n == 0 || n == -ECONNRESET) {
			take_death(pool, worker);
			return;
		}
		/* One that is being ended may still have said something. */
		if (!worker->cause && !take_request(pool, worker, &request, n))
			return;
		/* It is answered, and works: what it does next takes longer than a look. */
		if (request.op != SNAP_REQUEST_OUTPUT && request.op != SNAP_REQUEST_DONE)
			return;
	}
}

/* ---------------------------------------------------------------- the watchdog */

/* How long it may still go on, in ns; ended if it is too late. */
static int64_t time_left(struct pool *pool, struct worker *worker)
{
	int64_t time_ns = (int64_t)pool->config->limits.time_s * NS_PER_S;
	int64_t by_clock_ns = clock_ns(CLOCK_MONOTONIC) - worker->clock_base_ns;
	/* It can't have had more of the CPU than has passed by the clock. */
	if (by_clock_ns < time_ns)
		return time_ns - by_clock_ns;
	int64_t cpu_ns = clock_ns(worker->cpu_clock) - worker->cpu_base_ns;
	int64_t left = time_ns - cpu_ns;
	if (left <= 0) {
		end_worker(worker, CAUSE_TIME);
	} else if (!pool->config->is_interactive) {
		int64_t clock_left = time_ns * SNAP_CLOCK_PER_CPU - by_clock_ns;
		if (clock_left <= 0)
			end_worker(worker, CAUSE_CLOCK);
		left = clock_left < left ? clock_left : left;
	}
	return left;
}

/* Milliseconds until somebody must be looked at again; -1: for ever. */
static int watch(struct pool *pool)
{
	int64_t least = INT64_MAX;
	for (size_t i = 0; i < pool->num_workers; i++) {
		struct worker *worker = &pool->workers[i];
		if (!worker->pid || worker->cause || (!worker->task && !worker->is_finishing))
			continue;
		int64_t left = time_left(pool, worker);
		least = left < least ? left : least;
	}
	if (least == INT64_MAX)
		return -1;
	least = least / 1000000 + 1;
	return least > 60000 ? 60000 : least < 1 ? 1 : (int)least;
}

/* ---------------------------------------------------------------- the loop */

/* Whether any worker is there. Waits, and takes what comes. */
static bool listen_to_workers(struct pool *pool, struct pollfd *polls)
{
	bool any = false;
	for (size_t i = 0; i < pool->num_workers; i++) {
		const struct worker *worker = &pool->workers[i];
		polls[i] = (struct pollfd){
			.fd = worker->pid ? worker->socket : -1, .events = POLLIN};
		any |= worker->pid && !worker->is_gone;
	}
	if (!any)
		return false;
	if (poll(polls, pool->num_workers, watch(pool)) <= 0)
		return true;
	for (size_t i = 0; i < pool->num_workers; i++) {
		struct worker *worker = &pool->workers[i];
		if (polls[i].revents && worker->pid)
			listen_to(pool, worker);
	}
	return true;
}

static void run(struct pool *pool, struct pollfd *polls)
{
	const size_t num = pool->config->job->num_inputs;
	while (pool->num_done < num && !ferror(stdout)) {
		if (give_work(pool) < 0 || !listen_to_workers(pool, polls)) {
			pool->worst = SNAP_EXIT_FAILED;
			break;
		}
		print_ready(pool);
	}
	hide_progress(pool);
	(void)fflush(stdout); /* that it failed is found at the end */
	for (size_t i = 0; i < pool->num_workers; i++) {
		struct worker *worker = &pool->workers[i];
		if (worker->pid && worker->task)
			end_worker(worker, CAUSE_LIBRARY); /* its work is not wanted any more */
		else if (worker->pid)
			finish_worker(worker);
	}
	while (listen_to_workers(pool, polls))
		continue;
	/* What takes longest of ending is giving memory back: that is not waited for. */
	for (size_t i = 0; i < pool->num_workers; i++)
		if (pool->workers[i].pid)
			let_go(&pool->workers[i]);
}

/*
 * A standard stream that was closed stays as good as closed (EBADF), but no socket of ours gets its
 * number.
 */
static void occupy_streams(void)
{
	int fd;
	do
		fd = open("/", O_PATH | O_CLOEXEC);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		(void)close(fd); /* O_PATH */
}

int snap_pool_run(const struct snap_pool_config *config)
{
	occupy_streams();
	struct snap_error err = SNAP_ERROR_INIT;
	struct pool pool = {
		.config = config,
		.num_workers = config->num_workers,
		.num_tasks = 4 * config->num_workers,
	};
	struct rlimit cpu = {RLIM_INFINITY, RLIM_INFINITY};
	(void)getrlimit(RLIMIT_CPU, &cpu); /* there is such a limit */
	pool.max_cpu_s = cpu.rlim_max;
	memcpy(pool.libraries, config->libraries, sizeof(pool.libraries));
	pool.workers = calloc(pool.num_workers, sizeof(*pool.workers));
	pool.tasks = calloc(pool.num_tasks, sizeof(*pool.tasks));
	struct pollfd *polls = calloc(pool.num_workers, sizeof(*polls));
	bool has_memory = pool.workers && pool.tasks && polls;
	for (size_t i = 0; has_memory && i < pool.num_tasks; i++)
		snap_result_init(&pool.tasks[i].result);
	if (!has_memory || snap_broker_init(&pool.broker, config->broker, &err) < 0) {
		config->complain(has_memory ? err.text : "out of memory");
		pool.worst = err.code == SNAP_ERROR_USAGE ? SNAP_EXIT_USAGE : SNAP_EXIT_FAILED;
	} else {
		if (has_progress(&pool))
			snap_progress_tell(config->progress, SNAP_PROGRESS_BEGIN, NULL);
		run(&pool, polls);
		if (has_progress(&pool))
			snap_progress_tell(config->progress, SNAP_PROGRESS_END, NULL);
		for (size_t i = 0; i < pool.num_tasks; i++)
			snap_result_deinit(&pool.tasks[i].result);
		for (size_t i = 0; i < pool.num_workers; i++)
			snap_note_page_destroy(pool.workers[i].page);
		snap_broker_deinit(&pool.broker);
	}
	free(pool.workers);
	free(pool.tasks);
	free(polls);
	return pool.worst;
}
