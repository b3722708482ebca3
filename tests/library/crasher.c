/*
 * A program with snapcrash_install(), for cli_library.sh: crasher HOW [DIRECTORY], where the
 * directory takes the snapshot when there is no server.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <snapcrash.h>

#define NUM_THREADS 8

static pthread_barrier_t barrier;
static volatile int sink;

__attribute__((noinline)) static void crash(void)
{
	*(volatile int *)(uintptr_t)16 = 1;
}

__attribute__((noinline)) static int overflow(int depth)
{
	volatile char frame[1024];
	frame[0] = (char)depth;
	if (depth >= 0)
		sink = overflow(depth + 1);
	return frame[0];
}

__attribute__((noinline)) static void break_heap(void)
{
	/* What glibc notices in free(), and aborts within malloc's own locks. */
	char *p = malloc(64);
	for (int i = 1; i <= 8; i++)
		((volatile char *)p)[-i] = 0x41;
	free(p);
}

static void *thread_overflow(void *arg)
{
	(void)arg;
	int r = snapcrash_thread_init();
	if (r != 0)
		exit(9);
	sink = overflow(0);
	return NULL;
}

static void *thread_crash(void *arg)
{
	(void)arg;
	pthread_barrier_wait(&barrier);
	crash();
	return NULL;
}

static void *thread_free(void *arg)
{
	(void)arg;
	for (;;)
		free(malloc(1000));
	return NULL;
}

/* ---------------------------------------------------------------- handlers that were there */

static void say(const char *text)
{
	(void)!write(STDOUT_FILENO, text, strlen(text));
}

static void exiting_handler(int signo)
{
	say(signo == SIGSEGV ? "former handler: SIGSEGV\n" : "former handler: another\n");
	_exit(42);
}

static sigjmp_buf back;

static void recovering_handler(int signo, siginfo_t *info, void *context)
{
	(void)signo;
	(void)context;
	say(info->si_addr == (void *)(uintptr_t)16 ? "former handler: right address\n"
						   : "former handler: wrong address\n");
	siglongjmp(back, 1);
}

static void set(int signo, void (*handler)(int))
{
	struct sigaction action = {.sa_handler = handler};
	sigaction(signo, &action, NULL);
}

static void set_recovering(void)
{
	struct sigaction action = {.sa_sigaction = recovering_handler, .sa_flags = SA_SIGINFO};
	sigaction(SIGSEGV, &action, NULL);
}

/* ---------------------------------------------------------------- */

static void install(const char *dir)
{
	struct snapcrash_options options = SNAPCRASH_OPTIONS_INIT;
	options.snapshot_dir = dir;
	int fd = -1;
	if (dir && strncmp(dir, "fd:", 3) == 0) {
		fd = open(dir + 3, O_RDWR | O_CREAT | O_TRUNC, 0600);
		options.snapshot_dir = NULL;
		options.snapshot_fd = fd;
	}
	int r = snapcrash_install(&options);
	if (r != 0) {
		fprintf(stderr, "snapcrash_install: %s\n", strerror(r));
		exit(9);
	}
	if (snapcrash_install(&options) != EALREADY)
		exit(9);
}

static void start(void *(*function)(void *))
{
	pthread_t thread;
	if (pthread_create(&thread, NULL, function, NULL) != 0)
		exit(9);
}

int main(int argc, char **argv)
{
	const char *how = argc > 1 ? argv[1] : "";
	const char *dir = argc > 2 ? argv[2] : NULL;
	if (strcmp(how, "former") == 0)
		set(SIGSEGV, exiting_handler);
	if (strcmp(how, "recover") == 0)
		set_recovering();
	if (strcmp(how, "ignored") == 0)
		set(SIGABRT, SIG_IGN);
	snapcrash_log(SNAPCRASH_INFO, "started");
	(void)snapcrash_tag_set("how", how);
	install(dir);

	if (strcmp(how, "segv") == 0 || strcmp(how, "former") == 0) {
		crash();
	} else if (strcmp(how, "abort") == 0) {
		abort();
	} else if (strcmp(how, "heap") == 0) {
		/* Others wait for the lock that the crashing thread has. */
		start(thread_free);
		start(thread_free);
		usleep(20000);
		break_heap();
	} else if (strcmp(how, "trap") == 0) {
		__builtin_trap();
	} else if (strcmp(how, "breakpoint") == 0) {
		raise(SIGTRAP);
	} else if (strcmp(how, "sent") == 0) {
		kill(getpid(), SIGSEGV);
		pause();
	} else if (strcmp(how, "overflow") == 0) {
		sink = overflow(0);
	} else if (strcmp(how, "overflow-thread") == 0) {
		start(thread_overflow);
		pause();
	} else if (strcmp(how, "many") == 0) {
		pthread_barrier_init(&barrier, NULL, NUM_THREADS);
		for (int i = 0; i < NUM_THREADS; i++)
			start(thread_crash);
		pause();
	} else if (strcmp(how, "recover") == 0) {
		for (volatile int i = 0; i < 2; i++)
			if (sigsetjmp(back, 1) == 0)
				crash();
		say("goes on\n");
		return 0;
	} else if (strcmp(how, "ignored") == 0) {
		kill(getpid(), SIGABRT);
		say("goes on\n");
		return 0;
	} else if (strcmp(how, "fork") == 0) {
		pid_t child = fork();
		if (child == 0)
			crash();
		int status;
		waitpid(child, &status, 0);
		if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGSEGV)
			return 9;
		crash();
	} else if (strcmp(how, "vfork") == 0) {
		pid_t child = vfork();
		if (child == 0)
			crash();
		int status;
		waitpid(child, &status, 0);
		crash();
	} else if (strcmp(how, "closed") == 0) {
		/* As daemons do; and the numbers are used again. */
		for (int fd = 3; fd < 100; fd++)
			close(fd);
		for (int i = 0; i < 10; i++)
			(void)!open(argv[3], O_RDWR | O_CREAT, 0600);
		crash();
	} else if (strcmp(how, "undumpable") == 0) {
		prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
		crash();
	} else if (strcmp(how, "uninstall") == 0) {
		if (snapcrash_uninstall() != 0 || snapcrash_uninstall() != EINVAL)
			return 9;
		crash();
	}
	return 64;
}
