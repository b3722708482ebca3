/*
 * analyze/sandbox: what a parser that was taken over can't do in a worker, what it costs when it
 * tries, crashes, hangs or grows, and that the inputs beside it come through.
 */
#include "analyze/sandbox/pool.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "analyze/command.h"
#include "analyze/file_open.h"
#include "analyze/sandbox/jail.h"
#include "analyze/sandbox/note.h"
#include "analyze/sandbox/remote.h"

/* ---------------------------------------------------------------- running a job */

static char printed[1 << 16], complained[1 << 14];
static off_t printed_len;
static size_t num_complaints;

static void complain(const char *text)
{
	size_t len = strlen(complained);
	(void)snprintf(complained + len, sizeof(complained) - len, "%s\n", text);
	num_complaints++;
}

static const char *name_of(size_t index, void *data)
{
	static char name[32];
	(void)data;
	(void)snprintf(name, sizeof(name), "input %zu", index);
	return name;
}

static const struct snap_limits defaults = SNAP_DEFAULT_LIMITS;
static struct snap_options options;
static char *files[] = {"/etc/passwd", "/nonexistent"};

static struct snap_pool_config config_for(const struct snap_job *job)
{
	static struct snap_broker_config broker;
	broker = (struct snap_broker_config){
		.options = &options, .files = files, .num_files = 2, .takes_inputs = true};
	return (struct snap_pool_config){
		.job = job,
		.limits = defaults,
		.num_workers = 1,
		.broker = &broker,
		.complain = complain,
	};
}

/* What the pool prints goes to printed. */
static int run_config(const struct snap_pool_config *config)
{
	char name[] = "/tmp/snap-test-sandbox-XXXXXX";
	int fd = mkstemp(name), saved = dup(STDOUT_FILENO);
	assert_true(fd >= 0 && saved >= 0);
	(void)unlink(name);
	complained[0] = '\0';
	num_complaints = 0;
	(void)fflush(stdout);
	assert_int_equal(dup2(fd, STDOUT_FILENO), STDOUT_FILENO);
	int status = snap_pool_run(config);
	(void)fflush(stdout);
	(void)dup2(saved, STDOUT_FILENO);
	(void)close(saved);
	ssize_t n = pread(fd, printed, sizeof(printed) - 1, 0);
	printed_len = lseek(fd, 0, SEEK_END);
	(void)close(fd);
	assert_true(n >= 0);
	printed[n] = '\0';
	return status;
}

static int run_job(size_t num_inputs, int (*fn)(size_t index, void *data))
{
	const struct snap_job job = {.num_inputs = num_inputs, .run = fn, .name = name_of};
	const struct snap_pool_config config = config_for(&job);
	return run_config(&config);
}

/* The second of three does something bad. */
static int (*bad)(void);

static int bad_second(size_t index, void *data)
{
	(void)data;
	printf("begun %zu\n", index);
	(void)fflush(stdout);
	int status = index == 1 ? bad() : 0;
	printf("done %zu\n", index);
	return status;
}

/* It dies for that reason; the others don't. */
static void assert_dies(int (*fn)(void), const char *reason)
{
	char wanted[256];
	bad = fn;
	assert_int_equal(run_job(3, bad_second), SNAP_EXIT_FAILED);
	(void)snprintf(wanted, sizeof(wanted), "cannot analyse 'input 1': its worker %s\n", reason);
	assert_string_equal(complained, wanted);
	assert_string_equal(printed, "begun 0\ndone 0\nbegun 2\ndone 2\n");
}

static pid_t parent; /* the pool's process; a worker can't ask for it */

static bool is_free(void)
{
	if (!snap_jail_missing())
		return false;
	print_message("%s\n", snap_jail_missing());
	skip();
	return true;
}

/* The worker's ends, which a parser that was taken over can use as it likes: 0, the line; 1, the work. */
static int find_socket(int number)
{
	for (int fd = 3; fd < 64; fd++) {
		struct stat st;
		if (fstat(fd, &st) == 0 && S_ISSOCK(st.st_mode) && number-- == 0)
			return fd;
	}
	return -1;
}

/* ---------------------------------------------------------------- deaths */

#ifndef SNAP_SANITIZED
static int crash(void)
{
	(void)raise(SIGSEGV);
	return 0;
}
static int give_up(void)
{
	abort();
}
#endif
static int leave(void)
{
	_exit(3);
}
static volatile bool go_on = true;
static int loop_for_ever(void)
{
	while (go_on)
		;
	return 0;
}
static int sleep_for_ever(void)
{
	const struct timespec long_time = {.tv_sec = 1000};
	(void)nanosleep(&long_time, NULL);
	return 0;
}
/* It has no line any more, and lives on. */
static int close_lines(void)
{
	for (int fd = 3; fd < 64; fd++)
		(void)close(fd); /* most are none */
	return sleep_for_ever();
}
static int close_work(void)
{
	(void)close(find_socket(1));
	return sleep_for_ever();
}
static int print_much(void)
{
	static char block[1 << 16];
	memset(block, 'x', sizeof(block));
	while (go_on)
		(void)fwrite(block, 1, sizeof(block), stdout);
	return 0;
}

static void test_sandbox_crashes_cost_one_input(void **state)
{
	(void)state;
#ifndef SNAP_SANITIZED
	assert_dies(crash, "was ended by SIGSEGV");
	assert_dies(give_up, "was ended by SIGABRT");
#endif
	assert_dies(leave, "ended early, with status 3");
}

/* Nobody waits for one that nobody can hear. */
static void test_sandbox_silent_worker_is_ended(void **state)
{
	(void)state;
	time_t begun = time(NULL);
	assert_dies(close_lines, "was ended by SIGKILL");
	assert_dies(close_work, "was ended by SIGKILL");
	assert_true(time(NULL) - begun < 30);
}

static void test_sandbox_time_is_limited(void **state)
{
	(void)state;
	const struct snap_job job = {.num_inputs = 3, .run = bad_second, .name = name_of};
	struct snap_pool_config config = config_for(&job);
	config.limits.time_s = 1;
	bad = loop_for_ever;
	assert_int_equal(run_config(&config), SNAP_EXIT_FAILED);
	assert_string_equal(complained, "cannot analyse 'input 1': its worker took more than 1 s of "
					"CPU time (--worker-time)\n");
	assert_string_equal(printed, "begun 0\ndone 0\nbegun 2\ndone 2\n");
}

static void test_sandbox_waiting_is_limited(void **state)
{
	(void)state;
	const struct snap_job job = {.num_inputs = 3, .run = bad_second, .name = name_of};
	struct snap_pool_config config = config_for(&job);
	config.limits.time_s = 1;
	bad = sleep_for_ever;
	assert_int_equal(run_config(&config), SNAP_EXIT_FAILED);
	assert_string_equal(complained, "cannot analyse 'input 1': its worker took more than 10 s "
					"(--worker-time)\n");
}

static void test_sandbox_output_is_limited(void **state)
{
	(void)state;
	const struct snap_job job = {.num_inputs = 3, .run = bad_second, .name = name_of};
	struct snap_pool_config config = config_for(&job);
	config.limits.output_bytes = 3 << 20;
	bad = print_much;
	assert_int_equal(run_config(&config), SNAP_EXIT_FAILED);
	assert_string_equal(complained, "cannot analyse 'input 1': its worker printed more than "
					"3145728 bytes (--worker-output)\n");
	assert_string_equal(printed, "begun 0\ndone 0\nbegun 2\ndone 2\n");
}

/* ---------------------------------------------------------------- system calls */

static int make_socket(void)
{
	return socket(AF_INET, SOCK_STREAM, 0) >= 0;
}
static int make_pair(void)
{
	int fds[2];
	return socketpair(AF_UNIX, SOCK_STREAM, 0, fds);
}
static int run_program(void)
{
	return execl("/bin/true", "true", (char *)NULL);
}
static int kill_parent(void)
{
	return kill(parent, SIGTERM);
}
static int kill_thread(void)
{
	return (int)syscall(SYS_tkill, getpid(), SIGTERM);
}
static int trace(void)
{
	return ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0;
}
static int make_child(void)
{
	return fork() < 0;
}
static int make_namespace(void)
{
	return (int)syscall(SYS_unshare, 0x10000000 /* CLONE_NEWUSER */);
}
static int read_process(void)
{
	char byte;
	struct iovec local = {&byte, 1}, remote = {&byte, 1};
	return (int)syscall(SYS_process_vm_readv, parent, &local, 1, &remote, 1, 0);
}

static void test_sandbox_forbidden_calls_are_deadly(void **state)
{
	(void)state;
	static int (*const calls[])(void) = {make_socket, make_pair, run_program, kill_parent,
		kill_thread, trace, make_child, make_namespace, read_process};
	if (is_free())
		return;
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		assert_dies(calls[i], "tried a forbidden system call (SIGSYS)");
}

static void say(const char *what, long r)
{
	printf("%s: %s\n", what, r < 0 ? strerrorname_np(errno) : "done");
}

static int try_things(size_t index, void *data)
{
	(void)index;
	(void)data;
	struct stat st;
	struct rlimit more = {RLIM_INFINITY, RLIM_INFINITY};
	char buf[8], *page = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	say("open", open("/etc/passwd", O_RDONLY));
	say("open to write", open("/tmp/snap-test-sandbox-out", O_WRONLY | O_CREAT, 0600));
	say("open /proc", open("/proc/self/mem", O_RDWR));
	say("stat", stat("/etc/passwd", &st));
	say("stat by descriptor", fstat(STDOUT_FILENO, &st));
	say("access", access("/etc/passwd", R_OK));
	say("readlink", readlink("/proc/self/exe", buf, sizeof(buf)));
	say("unlink", unlink("/tmp/snap-test-sandbox-x"));
	say("mkdir", mkdir("/tmp/snap-test-sandbox-x", 0700));
	say("more memory", setrlimit(RLIMIT_DATA, &more));
	say("dumpable", prctl(PR_SET_DUMPABLE, 1));
	say("shared memory",
		(long)mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
	say("memory file", memfd_create("x", 0));
	say("code", (long)mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
	say("code later", mprotect(page, 4096, PROT_READ | PROT_EXEC));
	say("another's signal", syscall(SYS_tgkill, parent, parent, SIGTERM));
	struct flock lock = {.l_type = F_WRLCK};
	say("a lock", fcntl(STDOUT_FILENO, F_SETLK, &lock));
	say("a lease", fcntl(STDOUT_FILENO, F_SETLEASE, F_RDLCK));
	say("signals of a descriptor", fcntl(STDOUT_FILENO, F_SETOWN, parent));
	/* The lines to the parent, and the input. */
	int num = 0;
	for (int fd = 3; fd < 1024; fd++)
		num += fcntl(fd, F_GETFD) >= 0;
	printf("%d descriptors\n", num);
	return 0;
}

static void test_sandbox_nothing_can_be_opened(void **state)
{
	(void)state;
	if (is_free())
		return;
	int fd = open("/etc/passwd", O_RDONLY | O_CLOEXEC); /* is not inherited */
	assert_int_equal(dup2(fd, 40), 40);
	assert_int_equal(run_job(1, try_things), SNAP_EXIT_DONE);
	(void)close(40);
	(void)close(fd);
	assert_string_equal(complained, "");
	assert_string_equal(printed,
		"open: EPERM\nopen to write: EPERM\nopen /proc: EPERM\nstat: EPERM\n"
		"stat by descriptor: done\naccess: EPERM\nreadlink: EPERM\nunlink: EPERM\n"
		"mkdir: EPERM\nmore memory: EPERM\ndumpable: EPERM\nshared memory: EPERM\n"
		"memory file: EPERM\ncode: EPERM\ncode later: EPERM\nanother's signal: EPERM\n"
		"a lock: EPERM\na lease: EPERM\nsignals of a descriptor: EPERM\n3 descriptors\n");
}

/*
 * Own signals alone, as far as the filter goes. Landlock's scope would give EPERM, too, where there
 * is one, but not for a thread that the process has not: the kernel looks for that before (ESRCH;
 * EINVAL for no process at all).
 */
static int try_signals(size_t index, void *data)
{
	(void)index;
	(void)data;
	int own = getpid(), thread = gettid();
	say("own thread", syscall(SYS_tgkill, own, thread, 0));
	say("no own thread", syscall(SYS_tgkill, own, parent, 0));
	say("no thread of the parent", syscall(SYS_tgkill, parent, thread, 0));
	say("no thread of init", syscall(SYS_tgkill, 1, thread, 0));
	say("any process", syscall(SYS_tgkill, -1, thread, 0));
	say("process 0", syscall(SYS_tgkill, 0, thread, 0));
	say("own thread, in 64 bits", syscall(SYS_tgkill, own + (1L << 32), thread, 0));
	return 0;
}

static void test_sandbox_signals_reach_itself_alone(void **state)
{
	(void)state;
	if (is_free())
		return;
	const struct snap_job job = {.num_inputs = 1, .run = try_signals, .name = name_of};
	struct snap_pool_config config = config_for(&job);
	for (int may_fork = 0; may_fork <= 1; may_fork++) {
		config.may_fork = may_fork;
		assert_int_equal(run_config(&config), SNAP_EXIT_DONE);
		assert_string_equal(complained, "");
		assert_string_equal(printed,
			"own thread: done\nno own thread: ESRCH\n"
			"no thread of the parent: EPERM\nno thread of init: EPERM\n"
			"any process: EPERM\nprocess 0: EPERM\nown thread, in 64 bits: EPERM\n");
	}
}

static int allocate(size_t index, void *data)
{
	(void)index;
	(void)data;
	static char *volatile blocks[4096]; /* so that no compiler leaves them out */
	size_t num = 0;
	while (num < 4096 && (blocks[num] = malloc(1 << 20))) {
		memset(blocks[num], 1, 1 << 20);
		num++;
	}
	printf("%s\n", num > 40 && num < 64 ? "64 MiB at most" : "too much, or too little");
	return 0;
}

static void test_sandbox_memory_is_limited(void **state)
{
	(void)state;
	if (is_free())
		return;
	const struct snap_job job = {.num_inputs = 1, .run = allocate, .name = name_of};
	struct snap_pool_config config = config_for(&job);
	config.limits.memory_bytes = 64 << 20;
	assert_int_equal(run_config(&config), SNAP_EXIT_DONE);
	assert_string_equal(printed, "64 MiB at most\n");
}

static int spread(size_t index, void *data)
{
	(void)index;
	(void)data;
	pid_t pid = fork();
	if (pid == 0)
		_exit(open("/etc/passwd", O_RDONLY) < 0 && errno == EPERM ? 7 : 8);
	int status = 0;
	(void)waitpid(pid, &status, 0);
	printf("%d\n", WEXITSTATUS(status));
	return 0;
}

static void test_sandbox_children_are_in_it_too(void **state)
{
	(void)state;
	if (is_free())
		return;
	const struct snap_job job = {.num_inputs = 1, .run = spread, .name = name_of};
	struct snap_pool_config config = config_for(&job);
	config.may_fork = true;
	assert_int_equal(run_config(&config), SNAP_EXIT_DONE);
	assert_string_equal(printed, "7\n");
}

/* ---------------------------------------------------------------- the line to the broker */

static struct snap_request request;

static int send_nonsense_by(int number, size_t len)
{
	static struct snap_reply reply;
	int line = find_socket(number);
	if (snap_packet_send(line, &request, len, -1, 0) < 0)
		return SNAP_EXIT_USAGE;
	(void)snap_packet_receive(line, &reply, sizeof(reply), NULL, 0);
	return 0;
}
static int send_nonsense(size_t len)
{
	return send_nonsense_by(0, len);
}
static int send_short(void)
{
	request.op = SNAP_REQUEST_OPEN;
	return send_nonsense(3);
}
static int send_unknown(void)
{
	request.op = SNAP_NUM_REQUESTS + 5;
	return send_nonsense(SNAP_REQUEST_HEAD);
}
static int send_too_long(void)
{
	request.op = SNAP_REQUEST_OPEN;
	request.len[0] = UINT32_MAX;
	return send_nonsense(sizeof(request));
}
static int send_wrong_length(void)
{
	request.op = SNAP_REQUEST_OPEN;
	request.len[0] = 100;
	return send_nonsense(SNAP_REQUEST_HEAD + 10);
}
static int send_nul(void)
{
	request.op = SNAP_REQUEST_OPEN;
	request.len[0] = 4;
	memcpy(request.bytes, "/a\0b", 4);
	return send_nonsense(SNAP_REQUEST_HEAD + 4);
}
static int send_twice(void)
{
	request = (struct snap_request){.op = SNAP_REQUEST_TEMPORARY};
	(void)send_nonsense(SNAP_REQUEST_HEAD);
	return send_nonsense(SNAP_REQUEST_HEAD);
}
static int say_unknown_status(void)
{
	request = (struct snap_request){.op = SNAP_REQUEST_DONE, .number = 4711};
	return send_nonsense_by(1, SNAP_REQUEST_HEAD);
}
static int be_done_on_the_line(void)
{
	request = (struct snap_request){.op = SNAP_REQUEST_DONE};
	return send_nonsense(SNAP_REQUEST_HEAD);
}
static int ask_by_the_work(void)
{
	request = (struct snap_request){.op = SNAP_REQUEST_INPUT};
	return send_nonsense_by(1, SNAP_REQUEST_HEAD);
}
static int print_too_short(void)
{
	request = (struct snap_request){.op = SNAP_REQUEST_OUTPUT, .len = {7}};
	return send_nonsense_by(1, SNAP_REQUEST_HEAD + 6);
}
static int say_bye(void)
{
	request = (struct snap_request){.op = SNAP_REQUEST_BYE};
	return send_nonsense(SNAP_REQUEST_HEAD);
}
static int want_unknown_library(void)
{
	request = (struct snap_request){.op = SNAP_REQUEST_LIBRARY, .number = 99};
	return send_nonsense(SNAP_REQUEST_HEAD);
}

static void test_sandbox_nonsense_ends_a_worker(void **state)
{
	(void)state;
	static int (*const calls[])(void) = {send_short, send_unknown, send_too_long,
		send_wrong_length, send_nul, send_twice, say_unknown_status, be_done_on_the_line,
		ask_by_the_work, print_too_short, say_bye, want_unknown_library};
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		assert_dies(calls[i], "asked for what no analysis asks for");
}

static int ask_without_end(void)
{
	struct snap_error err = SNAP_ERROR_INIT;
	while (go_on)
		(void)snap_remote_open(SNAP_REMOTE_HERE, "/nonexistent", &err);
	return 0;
}

static void test_sandbox_requests_are_limited(void **state)
{
	(void)state;
	const struct snap_job job = {.num_inputs = 3, .run = bad_second, .name = name_of};
	struct snap_pool_config config = config_for(&job);
	config.limits.num_requests = 1000;
	bad = ask_without_end;
	assert_int_equal(run_config(&config), SNAP_EXIT_FAILED);
	assert_string_equal(complained, "cannot analyse 'input 1': its worker asked for files more "
					"than 1000 times (--worker-requests)\n");
}

static int read_input(size_t index, void *data)
{
	struct snap_error err = SNAP_ERROR_INIT;
	char bytes[5] = "";
	(void)data;
	int fd = snap_file_open_input("not looked at", &err);
	if (fd >= 0 && read(fd, bytes, 4) == 4)
		printf("%zu: %s\n", index, bytes);
	else
		printf("%zu: %s\n", index, err.text);
	(void)fflush(stdout);
	/* No other file: nothing of modules is looked for. */
	if (snap_file_open("/proc/self/exe", NULL, &err) < 0)
		printf("%s\n", err.text);
	snap_complain("that was %zu\033", index);
	printf("end\n");
	return 0;
}

static void test_sandbox_input_is_handed_over(void **state)
{
	(void)state;
	assert_int_equal(run_job(2, read_input), SNAP_EXIT_DONE);
	assert_string_equal(printed, "0: root\nOperation not permitted\nend\n"
				     "1: No such file or directory\nOperation not permitted\nend\n");
	/* Whatever a worker says is safe to print. */
	assert_string_equal(complained, "that was 0\\x1b\nthat was 1\\x1b\n");
}

/* ---------------------------------------------------------------- many inputs */

static int answer_slowly(size_t index, void *data)
{
	(void)data;
	const struct timespec t = {.tv_nsec = index % 7 * 2000000};
	(void)nanosleep(&t, NULL);
	if (index % 50 == 13)
		_exit(1);
	printf("%zu\n", index);
	return 0;
}

static void test_sandbox_order_is_kept(void **state)
{
	(void)state;
	const struct snap_job job = {.num_inputs = 300, .run = answer_slowly, .name = name_of};
	struct snap_pool_config config = config_for(&job);
	config.num_workers = 4;
	config.limits.num_inputs = 20; /* of a worker: it is replaced */
	assert_int_equal(run_config(&config), SNAP_EXIT_FAILED);
	assert_int_equal(num_complaints, 6);
	const char *p = printed;
	for (size_t i = 0; i < 300; i++) {
		char line[16];
		if (i % 50 == 13)
			continue;
		(void)snprintf(line, sizeof(line), "%zu\n", i);
		assert_memory_equal(p, line, strlen(line));
		p += strlen(line);
	}
	assert_string_equal(p, "");

	/* A worker for each. */
	char before[sizeof(printed)];
	memcpy(before, printed, sizeof(before));
	config.limits.num_inputs = 1;
	config.num_workers = 2;
	assert_int_equal(run_config(&config), SNAP_EXIT_FAILED);
	assert_string_equal(printed, before);

	config.is_unordered = true;
	assert_int_equal(run_config(&config), SNAP_EXIT_FAILED);
	size_t num = 0, sum = 0;
	for (p = printed; *p; p = strchr(p, '\n') + 1) {
		sum += strtoul(p, NULL, 10);
		num++;
	}
	assert_int_equal(num, 294);
	assert_int_equal(sum, 300 * 299 / 2 - (13 + 63 + 113 + 163 + 213 + 263));
}

static int answer_quickly(size_t index, void *data)
{
	(void)data;
	if (index % 90 == 77)
		_exit(1);
	printf("%zu\n", index);
	return 0;
}

/* What was done before a worker died is not lost with what it had still to do, nor is that. */
static void test_sandbox_much_given_ahead(void **state)
{
	(void)state;
	enum { NUM = 1000 };
	const struct snap_job job = {.num_inputs = NUM, .run = answer_quickly, .name = name_of};
	struct snap_pool_config config = config_for(&job);
	for (int round = 0; round < 10; round++) {
		config.num_workers = 1 + (size_t)round % 3;
		assert_int_equal(run_config(&config), SNAP_EXIT_FAILED);
		assert_int_equal(num_complaints, 11);
		const char *p = printed, *c = complained;
		for (size_t i = 0; i < NUM; i++) {
			char line[80];
			if (i % 90 == 77) {
				(void)snprintf(line, sizeof(line),
					"cannot analyse 'input %zu': its worker ended early, with "
					"status 1\n", i);
				assert_memory_equal(c, line, strlen(line));
				c += strlen(line);
				continue;
			}
			(void)snprintf(line, sizeof(line), "%zu\n", i);
			assert_memory_equal(p, line, strlen(line));
			p += strlen(line);
		}
		assert_string_equal(p, "");
	}
}

static int answer_at_length(size_t index, void *data)
{
	static char block[1000];
	(void)data;
	memset(block, 'a' + (int)(index % 26), sizeof(block));
	for (int i = 0; i < 300; i++)
		(void)fwrite(block, 1, sizeof(block), stdout);
	return 0;
}

/* More than the socket takes, and than the parent keeps in memory. */
static void test_sandbox_much_output_of_many(void **state)
{
	(void)state;
	const struct snap_job job = {.num_inputs = 100, .run = answer_at_length, .name = name_of};
	struct snap_pool_config config = config_for(&job);
	for (size_t num = 1; num <= 2; num++) {
		config.num_workers = num;
		assert_int_equal(run_config(&config), SNAP_EXIT_DONE);
		assert_int_equal(printed_len, 100 * 300 * 1000);
		assert_string_equal(complained, "");
	}
}

/* ---------------------------------------------------------------- modules */

#ifndef SNAP_SANITIZED
static const uint8_t id_a[] = {1, 2, 3, 4}, id_b[] = {5, 6, 7, 8};

static void read_module(const uint8_t *id, const char *name, bool is_bad)
{
	struct snap_bytes build_id = snap_bytes(id, 4);
	const char *why = snap_note_quarantined(build_id);
	if (why) {
		printf("%s: %s\n", name, why);
		return;
	}
	SNAP_READING(build_id, snap_bytes_str(name));
	if (is_bad)
		(void)raise(SIGBUS);
	printf("%s is fine\n", name);
}

static int read_modules(size_t index, void *data)
{
	(void)data;
	read_module(id_a, "libgood", false);
	read_module(id_b, "libbad", index != 1);
	return 0;
}

static void test_sandbox_module_is_left_out(void **state)
{
	(void)state;
	assert_int_equal(run_job(2, read_modules), SNAP_EXIT_DONE);
	assert_string_equal(complained, "");
	/* Another input has it still. */
	assert_string_equal(printed, "libgood is fine\nlibbad: its files are left out: a worker that "
				     "read them was ended by SIGBUS\n"
				     "libgood is fine\nlibbad is fine\n");
}

static int note_anything(size_t index, void *data)
{
	static uint8_t id[4];
	(void)data;
	/* Each time another one is to blame. */
	for (uint8_t i = 1; i < 100; i++) {
		id[0] = i;
		if (snap_note_quarantined(snap_bytes(id, 4)))
			continue;
		if (index > 0)
			break;
		SNAP_READING(snap_bytes(id, 4), snap_bytes_str("\033libx"));
		(void)raise(SIGSEGV);
	}
	printf("fine\n");
	return 0;
}

static void test_sandbox_retries_end(void **state)
{
	(void)state;
	assert_int_equal(run_job(2, note_anything), SNAP_EXIT_FAILED);
	assert_string_equal(complained, "cannot analyse 'input 0': its worker was ended by SIGSEGV "
					"while it read files of '\\x1blibx' (build ID 05000000)\n");
	assert_string_equal(printed, "fine\n");
}

static void test_sandbox_two_deaths_leave_a_module_out(void **state)
{
	(void)state;
	const struct snap_job job = {.num_inputs = 6, .run = read_modules, .name = name_of};
	struct snap_pool_config config = config_for(&job);
	assert_int_equal(run_config(&config), SNAP_EXIT_DONE);
	size_t num = 0;
	for (const char *p = printed; (p = strstr(p, "left out")); p++)
		num++;
	assert_int_equal(num, 5);
}
#endif

int main(void)
{
	parent = getpid();
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sandbox_crashes_cost_one_input),
		cmocka_unit_test(test_sandbox_silent_worker_is_ended),
		cmocka_unit_test(test_sandbox_time_is_limited),
		cmocka_unit_test(test_sandbox_waiting_is_limited),
		cmocka_unit_test(test_sandbox_output_is_limited),
		cmocka_unit_test(test_sandbox_forbidden_calls_are_deadly),
		cmocka_unit_test(test_sandbox_nothing_can_be_opened),
		cmocka_unit_test(test_sandbox_signals_reach_itself_alone),
		cmocka_unit_test(test_sandbox_memory_is_limited),
		cmocka_unit_test(test_sandbox_children_are_in_it_too),
		cmocka_unit_test(test_sandbox_nonsense_ends_a_worker),
		cmocka_unit_test(test_sandbox_requests_are_limited),
		cmocka_unit_test(test_sandbox_input_is_handed_over),
		cmocka_unit_test(test_sandbox_order_is_kept),
		cmocka_unit_test(test_sandbox_much_given_ahead),
		cmocka_unit_test(test_sandbox_much_output_of_many),
#ifndef SNAP_SANITIZED
		cmocka_unit_test(test_sandbox_module_is_left_out),
		cmocka_unit_test(test_sandbox_retries_end),
		cmocka_unit_test(test_sandbox_two_deaths_leave_a_module_out),
#endif
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
