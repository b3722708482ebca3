#include "analyze/sandbox/worker.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdio_ext.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "analyze/command.h"
#include "analyze/explain/disassembler.h"
#include "analyze/input/decompress.h"
#include "analyze/sandbox/jail.h"
#include "analyze/sandbox/remote.h"

/* ---------------------------------------------------------------- standard output */

/* As fopencookie(3) has it. cookie: whether it is wanted at once. */
static ssize_t print(void *cookie, const char *bytes, size_t len)
{
	snap_remote_print(bytes, len, *(const bool *)cookie);
	return (ssize_t)len;
}

static void send_stdout(const struct snap_worker_setup *setup)
{
	static char buffer[1 << 16];
	static bool at_once;
	at_once = setup->is_streaming;
	FILE *sent = fopencookie(&at_once, "w", (cookie_io_functions_t){.write = print});
	if (!sent)
		_exit(1);
	(void)setvbuf(sent, buffer, _IOFBF, sizeof(buffer));
	stdout = sent;
}

/* ---------------------------------------------------------------- getting ready */

/* What another process group member's terminal or files are is none of a worker's. */
static void replace_streams(const struct snap_worker_setup *setup)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	__fpurge(stdout); /* the parent prints what stands there */
	if (null < 0 || dup2(null, STDOUT_FILENO) < 0 ||
		(!setup->keeps_stdin && dup2(null, STDIN_FILENO) < 0))
		_exit(1);
	send_stdout(setup);
#ifndef SNAP_SANITIZED
	/* What libraries print before they abort is not ours to pass on; sanitizers' reports are. */
	if (dup2(null, STDERR_FILENO) < 0)
		_exit(1);
#endif
}

/* Ended by what it does, whatever the parent does about such signals. That a file may not grow
 * (SIGXFSZ) fails the write alone, as without a sandbox. */
static void reset_signals(void)
{
#ifndef SNAP_SANITIZED
	static const int signals[] = {
		SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL, SIGTRAP, SIGSYS, SIGXCPU};
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		(void)signal(signals[i], SIG_DFL); /* there are such signals */
#endif
}

static void load_libraries(const struct snap_worker_setup *setup)
{
	static const char *const names[SNAP_NUM_LIBRARIES] = {
		[SNAP_LIBRARY_ARCHIVE] = SNAP_ARCHIVE_LIBRARY,
		[SNAP_LIBRARY_DEFLATE] = "libdeflate.so.0",
		[SNAP_LIBRARY_ZSTD] = "libzstd.so.1",
		[SNAP_LIBRARY_CAPSTONE] = SNAP_DISASSEMBLER_LIBRARY,
	};
	for (size_t i = 0; i < SNAP_NUM_LIBRARIES; i++) {
		if (!setup->libraries[i])
			continue;
		/* Whoever wants it finds it loaded, or is told that it is not installed. */
		(void)dlopen(names[i], RTLD_NOW | RTLD_LOCAL);
		snap_remote_set_library((enum snap_library)i);
	}
}

/* ---------------------------------------------------------------- the work */

/* Of a group of inputs: those that are open already. */
struct given {
	struct snap_command command;
	int files[SNAP_MAX_GIVEN];
};

/* False: there is nothing now (MSG_DONTWAIT). */
static bool receive_work(const struct snap_worker_setup *setup, struct given *ret, int flags)
{
	ssize_t n = snap_packet_receive_fds(
		setup->work, &ret->command, sizeof(ret->command), ret->files, flags);
	if (n == -EAGAIN && flags)
		return false;
	if (n < (ssize_t)SNAP_COMMAND_HEAD || ret->command.num_inputs > SNAP_MAX_GIVEN)
		_exit(1); /* the parent is gone */
	return true;
}

/* What the job's start() and the jail came to. */
struct state {
	struct snap_error err; /* of the jail */
	bool has_started;
	int status;
};

static int work_on(const struct snap_job *job, struct state *state, uint32_t index)
{
	if (state->err.code) {
		snap_remote_complain(state->err.text);
		return SNAP_EXIT_FAILED;
	}
	if (!state->has_started && job->start)
		state->status = job->start(job->data);
	state->has_started = true;
	return state->status == SNAP_EXIT_DONE ? job->run(index, job->data) : state->status;
}

static _Noreturn void finish(const struct snap_job *job, const struct state *state)
{
	if (state->has_started && state->status == SNAP_EXIT_DONE && job->finish)
		job->finish(job->data);
	snap_remote_bye();
	_exit(0);
}

_Noreturn void snap_worker_main(const struct snap_worker_setup *setup)
{
	/* One is worked on, the other may have come already. */
	static struct given given[2];
	struct given *now = &given[0], *next = &given[1];
	struct state state = {.err = SNAP_ERROR_INIT, .status = SNAP_EXIT_DONE};
	bool has_next = false;
	reset_signals();
	replace_streams(setup);
	load_libraries(setup);
	snap_remote_start(setup->socket, setup->work);
	snap_note_start(setup->page);
	const int keep[] = {setup->socket, setup->work};
	(void)snap_jail_enter(&setup->limits, keep, 2, setup->may_fork, &state.err); /* said later */
	for (;;) {
		if (!has_next)
			(void)receive_work(setup, next, 0); /* waits */
		has_next = false;
		struct given *done = now;
		now = next;
		next = done;
		const struct snap_command *command = &now->command;
		if (command->op == SNAP_COMMAND_FINISH)
			finish(setup->job, &state);
		snap_remote_set_unheard(command->is_unheard);
		snap_note_set_quarantined(command->quarantined, command->num_quarantined);
		const int *file = now->files;
		for (uint32_t i = 0; i < command->num_inputs; i++) {
			snap_remote_set_input(command->has_file >> i & 1 ? *file++ : -1);
			int status = work_on(setup->job, &state, command->index + i);
			(void)snap_note_enter(0);
			(void)fflush(stdout); /* it can't fail */
			bool is_last = i + 1 == command->num_inputs;
			if (is_last)
				has_next = receive_work(setup, next, MSG_DONTWAIT);
			snap_remote_done(status,
				is_last && !(has_next && next->command.op == SNAP_COMMAND_RUN));
		}
	}
}
