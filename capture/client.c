/*
 * snapcrash-client: what the kernel starts through core_pattern when a process crashes.
 *
 * Crash-time, privileged, parses hostile input. The crashed process is held until standard input is
 * closed, so that comes as soon as everything that needs the process is written (to the page
 * cache); only then is anything waited for. No allocation: all storage is static, and does not grow
 * with the target.
 *
 * Sources: core(5); the kernel's fs/coredump.c, fs/binfmt_elf.c.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "capture/chain.h"
#include "capture/client_args.h"
#include "capture/client_file.h"
#include "capture/config.h"
#include "capture/crash.h"
#include "capture/identity.h"
#include "capture/prefault.h"
#include "capture/priority.h"
#include "capture/privileges.h"
#include "capture/program.h"
#include "capture/sanitized.h"
#include "capture/seal.h"
#include "capture/spool.h"
#include "common/escape.h"
#include "common/standard_fds.h"

#define PROGRAM SNAP_CLIENT_PROGRAM

/* Seconds, from the time on when the capture is to be brought to an end, until it is killed. */
#define DEADLINE_GRACE_S 2
/* Seconds for a slow disk, when nobody waits any more. */
#define FINISH_S      120
#define ADDRESS_SPACE (64u << 20)
/* Milliseconds that a process may take to end before we go on beside it. */
#define END_MS 200

static struct snap_client_args args;
static struct snap_chain chain = SNAP_CHAIN_INIT;
static struct snap_config config;
static struct snap_crash crash;

static int priority; /* to be restored */
static volatile sig_atomic_t timed_out;

static void on_alarm(int signo)
{
	(void)signo;
	timed_out = 1;
}

/*
 * Two deadlines: SIGALRM asks the capture to end. Where it waits for memory that never comes (a
 * mapped file of a file system whose server hangs, or is the crashed process itself), only SIGKILL
 * wakes it; what was written until then stays, for the server to adopt.
 */
static void set_deadline(unsigned int seconds)
{
	static timer_t killer;
	static bool has_killer;
	struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGKILL};
	struct itimerspec when = {.it_value = {.tv_sec = seconds + DEADLINE_GRACE_S}};
	(void)alarm(seconds);
	if (!has_killer)
		has_killer = timer_create(CLOCK_MONOTONIC, &event, &killer) == 0;
	if (has_killer)
		(void)timer_settime(killer, 0, &when, NULL); /* valid arguments: can't fail */
}

static void limit_ourselves(void)
{
	struct sigaction action = {.sa_handler = on_alarm};
	(void)sigaction(SIGALRM, &action, NULL); /* none of these can fail, or is worth failing */
	(void)signal(SIGPIPE, SIG_IGN);
	(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	if (!SNAP_SANITIZED) {
		struct rlimit limit = {ADDRESS_SPACE, ADDRESS_SPACE};
		(void)setrlimit(RLIMIT_AS, &limit);
	}
}

/*
 * The process's threads end now, one by one: not to take a processor from them is why the rest waits
 * for the last.
 */
static void let_it_end(void)
{
	struct pollfd ended = {.fd = args.facts.pidfd, .events = POLLIN};
	if (args.facts.pidfd >= 0)
		(void)poll(&ended, 1, END_MS); /* else it goes on beside them */
}

static void release_target(struct timespec *ret_when)
{
	/* Before, not after: close() wakes the dying process, and the time that it takes to tear
	 * itself down on this processor would count as ours. */
	(void)clock_gettime(CLOCK_MONOTONIC, ret_when); /* can't fail */
	(void)close(STDIN_FILENO);
	snap_priority_restore(priority);
	let_it_end();
	set_deadline(FINISH_S);
}

/*
 * What was written before the disk was full is worth having: cut it back until it can be read to
 * its end, and says so. False if nothing is left.
 */
static bool rescue(struct snap_client_file *file, int error)
{
	struct snap_seal seal;
	char why[64];
	fprintf(snap_standard_error(), PROGRAM ": cannot write the snapshot: %s\n",
		strerror(-error));
	(void)snprintf(why, sizeof(why), "%s",
		error == -ENOSPC || error == -EDQUOT ? "the disk was full"
						     : "it could not be written to its end");
	return snap_seal(file->fd, PROGRAM " " SNAP_VERSION, why, &seal) == 0 && seal.keep_len > 0;
}

/* r: what the writer has to say. */
static int publish(struct snap_client_file *file, int r)
{
	if (r < 0 && !rescue(file, r)) {
		snap_client_file_discard(file, &config, &args.facts, SNAP_SKIPPED_DISK);
		return EXIT_NOTHING;
	}
	struct snap_client_file_end end = {
		.uuid = crash.uuid,
		.owner = snap_crash_owner_allowed(&crash) ? (uint32_t)args.facts.uid
							  : SNAP_OWNER_NONE,
		.cut = r < 0,
	};
	int p = snap_client_file_publish(file, &config, &args.facts, &end);
	if (file->access_error < 0)
		fprintf(snap_standard_error(), PROGRAM ": only root can read the snapshot: %s\n",
			strerror(-file->access_error));
	if (p == -EDQUOT) {
		fprintf(snap_standard_error(), PROGRAM ": the spool '%s' is full\n", config.spool);
		return EXIT_NOTHING;
	}
	if (p < 0)
		fprintf(snap_standard_error(), PROGRAM ": cannot publish 'incoming/%s': %s\n",
			file->part, snap_spool_strerror(p));
	return r < 0 || p < 0 || crash.emit.partial ? EXIT_PARTIAL : EXIT_COMPLETE;
}

/* Returns what publish() does. */
static int capture_into(
	struct snap_client_file *file, const struct timespec *start, const char *config_fault)
{
	args.facts.config = &config;
	args.facts.storage = file->server_error == 0 ? SNAP_STORAGE_SERVER : SNAP_STORAGE_OWN;
	args.facts.queue_time_ns = file->queue_time_ns;
	snap_privileges_drop();
	snap_crash_begin(
		&crash, &args.facts, file->fd, PROGRAM " " SNAP_VERSION, start, &timed_out);
	if (config_fault)
		snap_emit_note(&crash.emit, false, "configuration: %s", config_fault);
	/* That there is none is a choice. */
	if (file->server_error < 0 && file->server_error != -ENOENT &&
		file->server_error != -ECONNREFUSED)
		snap_emit_note(&crash.emit, false, "the server gave no file: %s",
			strerror(-file->server_error));
	snap_crash_capture(&crash, STDIN_FILENO);
	struct timespec released;
	if (chain.child > 0) {
		/* What is ours first: what the other handler does may take any time. */
		snap_emit_note(&crash.emit, false,
			"the process is held for longer than is told here: its core goes on to "
			"the former handler");
		(void)clock_gettime(CLOCK_MONOTONIC, &released); /* can't fail */
		snap_priority_restore(priority);
		set_deadline(FINISH_S);
	} else {
		release_target(&released);
	}
	if (crash.has_snapshot) {
		snap_client_file_discard(file, &config, &args.facts, SNAP_SKIPPED_LIBRARY);
		return EXIT_COMPLETE;
	}
	return publish(file, snap_crash_finish(&crash, &released));
}

/* ---------------------------------------------------------------- the former handler */

static void complain_of_chain(int error)
{
	fprintf(snap_standard_error(),
		PROGRAM ": cannot hand the core on to a former handler: %s\n",
		error == -ENOENT   ? "none was saved"
		: error == -EINVAL ? "what was saved is no program"
		: error == -ELOOP  ? "that is this program"
				   : strerror(-error));
}

/* As early as may be: it is to have nothing of our limits, and all of our rights. */
static void prepare_former_handler(void)
{
	int r = snap_chain_start(&chain, args.facts.pidfd, priority);
	if (r < 0)
		complain_of_chain(r);
}

static void find_former_handler(void)
{
	int r = snap_chain_find(&chain, config.socket, args.facts.pid);
	if (r < 0)
		complain_of_chain(r);
	else
		args.facts.core_copy = &chain.copy;
}

/* captured: crash.identity has been found. */
static void feed_former_handler(bool captured)
{
	struct snap_chain_end end;
	struct snap_core_facts facts = {
		.pid = args.facts.pid,
		.tid = args.facts.tid,
		.signo = args.facts.signo,
		.time_s = args.facts.time_s,
		.dumpable = args.facts.dumpable,
		.uid = args.facts.uid,
		.gid = args.facts.gid,
		.rlimit_core = args.facts.rlimit_core,
		.pidfd = args.facts.pidfd,
		.comm = snap_bytes_str(args.facts.comm),
	};
	char program[2 * SNAP_CORE_PATTERN_SIZE], status[48] = "";
	(void)snap_escape(snap_core_pattern_program(chain.saved.pattern), SNAP_ESCAPE_TERMINAL,
		program, sizeof(program)); /* cut to fit */
	if (!captured)
		(void)snap_identity_find(args.facts.pid, args.facts.tid, args.facts.pidfd,
			&crash.identity); /* without it, less is told */
	set_deadline((unsigned int)config.chain_time_s);
	snap_chain_feed(&chain, &facts, crash.identity.task_fd, STDIN_FILENO,
		(unsigned int)config.chain_time_s, &end);
	if (end.has_status && WIFSIGNALED(end.status))
		(void)snprintf(
			status, sizeof(status), ", ended by signal %d", WTERMSIG(end.status));
	else if (end.has_status)
		(void)snprintf(status, sizeof(status), ", exit status %d", WEXITSTATUS(end.status));
	fprintf(snap_standard_error(), PROGRAM ": handed %llu bytes of core on to '%s'%s%s%s\n",
		(unsigned long long)end.bytes, program, status, end.error < 0 ? ": " : "",
		end.error == -EPIPE	  ? "it did not read them all"
		: end.error == -ETIMEDOUT ? "it took too long"
		: end.error < 0		  ? strerror(-end.error)
					  : "");
}

/* ---------------------------------------------------------------- the whole */

static int capture(const struct timespec *start)
{
	struct snap_error err = SNAP_ERROR_INIT;
	static struct snap_client_file file;
	int status = EXIT_NOTHING;
	int config_read = snap_config_read(args.config_file, &config, &err);
	set_deadline((unsigned int)config.dump_time_s);
	if (chain.child > 0)
		find_former_handler();
	snap_client_file_ask(&file, &config, &args.facts);
	/* What takes its time while the server has to do; and who waits finds its processor asleep. */
	if (file.server_error == 0) {
		snap_crash_look(&crash, &args.facts);
		snap_crash_prefault(&crash);
	}
	int r = snap_client_file_take(&file, &config, &args.facts);
	bool captured = r == 0;
	if (captured) {
		status = capture_into(&file, start, config_read < 0 ? err.text : NULL);
	} else if (chain.child <= 0) {
		struct timespec released;
		release_target(&released);
	}
	/* Of a crash loop, the kernel's log need not know each time. */
	if (r < 0)
		fprintf(snap_standard_error(),
			PROGRAM ": cannot create a file in the spool '%s': %s\n", config.spool,
			snap_spool_strerror(r));
	r = snap_client_file_count(&file, &config, &args.facts);
	if (r < 0)
		fprintf(snap_standard_error(),
			PROGRAM ": cannot record what is not captured in '%s': %s\n", config.spool,
			snap_spool_strerror(r));
	if (chain.child > 0)
		feed_former_handler(captured);
	return status;
}

int main(int argc, char **argv)
{
	struct timespec start;
	(void)clock_gettime(CLOCK_MONOTONIC, &start); /* can't fail */
	priority = snap_priority_raise();
	snap_prefault_program();
	snap_program_begin();
	/*
	 * The kernel starts us with 1 and 2 closed. What is said on 2 then goes to its log, the only
	 * place where somebody may find it.
	 */
	snap_standard_fds_bind("/dev/kmsg");
	if (SNAP_SANITIZED)
		(void)snap_standard_error(); /* the sanitizers write to the descriptor */
	int status = snap_client_args_parse(argc, argv, &args);
	if (status >= 0)
		return status;
	if (args.chain)
		prepare_former_handler();
	limit_ourselves();
	return capture(&start);
}
