#include "analyze/sandbox/worker.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdio_ext.h>
#include <stdlib.h>
#include <sys/prctl.h>
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

/* Ended by what it does, whatever the parent does about such signals. */
static void reset_signals(void)
{
#ifndef SNAP_SANITIZED
	static const int signals[] = {
		SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL, SIGTRAP, SIGSYS, SIGXCPU, SIGXFSZ};
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

_Noreturn void snap_worker_main(const struct snap_worker_setup *setup)
{
	const struct snap_job *job = setup->job;
	struct snap_error err = SNAP_ERROR_INIT;
	bool has_started = false;
	int start_status = SNAP_EXIT_DONE;
	reset_signals();
	replace_streams(setup);
	load_libraries(setup);
	snap_remote_start(setup->socket);
	snap_note_start(setup->page);
	const int keep[] = {setup->socket, setup->commands};
	if (snap_jail_enter(&setup->limits, keep, 2, setup->may_fork, &err) < 0) {
		has_started = true;
		start_status = SNAP_EXIT_FAILED;
	}
	for (;;) {
		static struct snap_command command;
		int input;
		ssize_t n = snap_packet_receive(
			setup->commands, &command, sizeof(command), &input, 0);
		if (n < (ssize_t)SNAP_COMMAND_HEAD)
			_exit(1); /* the parent is gone */
		snap_remote_set_input(input);
		if (command.op == SNAP_COMMAND_FINISH) {
			if (has_started && start_status == SNAP_EXIT_DONE && job->finish)
				job->finish(job->data);
			snap_remote_bye();
			_exit(0);
		}
		if (err.code) {
			snap_remote_complain(err.text);
		} else {
			snap_note_set_quarantined(command.quarantined, command.num_quarantined);
			if (!has_started && job->start)
				start_status = job->start(job->data);
			has_started = true;
		}
		int status = start_status;
		if (status == SNAP_EXIT_DONE)
			status = job->run(command.index, job->data);
		(void)snap_note_enter(0);
		(void)fflush(stdout); /* it can't fail */
		snap_remote_done(status);
	}
}
