#include "capture/debugger/report_run.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define NAME "snapanalyze"

static bool is_program(const char *path)
{
	struct stat st;
	return stat(path, &st) == 0 && S_ISREG(st.st_mode) && access(path, X_OK) == 0;
}

int snap_report_program_find(struct snap_report_program *ret, struct snap_error *err)
{
	static const char *const dirs[] = {"/usr/local/bin", "/usr/bin", "/bin"};
	char own[PATH_MAX];
	ssize_t len = readlink("/proc/self/exe", own, sizeof(own));
	if (len > 0 && (size_t)len < sizeof(own)) {
		own[len] = '\0';
		char *slash = strrchr(own, '/');
		if (slash) {
			*slash = '\0';
			int n = snprintf(ret->path, sizeof(ret->path), "%s/" NAME, own);
			if (n > 0 && (size_t)n < sizeof(ret->path) && is_program(ret->path))
				return 0;
		}
	}
	for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++) {
		(void)snprintf(ret->path, sizeof(ret->path), "%s/" NAME, dirs[i]);
		if (is_program(ret->path))
			return 0;
	}
	return snap_error_set(err, SNAP_ERROR_SYSTEM,
		NAME " is not installed here (it is neither beside this program nor in "
		     "/usr/local/bin, /usr/bin or /bin): write a file, and run '" NAME
		     " report FILE' where it is");
}

int snap_report_program_run(
	const struct snap_report_program *program, int fd, int *ret_status, struct snap_error *err)
{
	if (lseek(fd, 0, SEEK_SET) < 0)
		return snap_error_errno(err, errno, "cannot read the snapshot");
	if (fflush(stdout) != 0 || ferror(stdout))
		return snap_error_errno(err, errno, "cannot write standard output");
	pid_t pid = fork();
	if (pid < 0)
		return snap_error_errno(err, errno, "cannot start " NAME);
	if (pid == 0) {
		/* It has its own mind about pipes that nobody reads. */
		(void)signal(SIGPIPE, SIG_DFL);
		if (dup2(fd, STDIN_FILENO) == STDIN_FILENO)
			(void)execl(program->path, NAME, "report", "-", (char *)NULL);
		_exit(127);
	}
	int status;
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return snap_error_errno(err, errno, "cannot wait for " NAME);
	if (WIFSIGNALED(status))
		return snap_error_set(
			err, SNAP_ERROR_SYSTEM, NAME " was ended by signal %d", WTERMSIG(status));
	if (WEXITSTATUS(status) == 127)
		return snap_error_set(err, SNAP_ERROR_SYSTEM, "cannot run '%s'", program->path);
	*ret_status = WEXITSTATUS(status);
	return 0;
}
