#include "analyze/fields/protoc.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "analyze/fields/schema.h"
#include "analyze/file_read.h"
#include "common/escape.h"

extern char **environ;

/* Of protoc's words the first ones. */
#define MAX_WORDS 1024

/* A run of it. */
struct run {
	const char *name; /* of the file, escaped */
	char *path;	  /* of the file, with a directory */
	char **argv;
	size_t num_args;
	int set_fd, words_fd; /* what it writes: lies in memory */
	struct snap_error *err;
};

static int add_arg(struct run *run, const char *prefix, const char *text)
{
	char *arg;
	if (asprintf(&arg, "%s%s", prefix, text) < 0)
		return snap_error_no_memory(run->err);
	run->argv[run->num_args++] = arg;
	return 0;
}

/* protoc takes a list with colons between. */
static int add_dir(struct run *run, const char *dir)
{
	char name[256];
	if (!strchr(dir, ':'))
		return add_arg(run, "--proto_path=", dir);
	(void)snap_escape(snap_bytes_str(dir), SNAP_ESCAPE_TERMINAL, name, sizeof(name));
	return snap_error_set(run->err, SNAP_ERROR_USAGE,
		"protoc takes no directory with a colon in its name: '%s'", name);
}

static int make_args(struct run *run, const char *const *dirs, size_t num_dirs)
{
	run->argv = calloc(num_dirs + 8, sizeof(*run->argv));
	if (!run->argv)
		return snap_error_no_memory(run->err);
	char *slash = strrchr(run->path, '/');
	char *dir = strndup(run->path, slash == run->path ? 1 : (size_t)(slash - run->path));
	int r = dir ? add_arg(run, "protoc", "") : snap_error_no_memory(run->err);
	if (r == 0)
		r = add_dir(run, dir);
	free(dir);
	for (size_t i = 0; i < num_dirs && r == 0; i++)
		r = add_dir(run, dirs[i]);
	if (r == 0)
		r = add_arg(run, "--include_imports", "");
	if (r == 0)
		r = add_arg(run, "--descriptor_set_out=", "/proc/self/fd/1");
	return r == 0 ? add_arg(run, run->path, "") : -1;
}

static int spawn(const struct run *run, pid_t *ret)
{
	posix_spawn_file_actions_t actions;
	int r = posix_spawn_file_actions_init(&actions);
	if (r != 0)
		return r;
	r = posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	if (r == 0)
		r = posix_spawn_file_actions_adddup2(&actions, run->set_fd, STDOUT_FILENO);
	if (r == 0)
		r = posix_spawn_file_actions_adddup2(&actions, run->words_fd, STDERR_FILENO);
	if (r == 0)
		r = posix_spawnp(ret, "protoc", &actions, NULL, run->argv, environ);
	(void)posix_spawn_file_actions_destroy(&actions);
	return r;
}

/* protoc's words, in one line. */
static int complain_of_words(const struct run *run)
{
	/* A line has a byte and its end at least, and gets two in front. */
	char words[MAX_WORDS + 1], line[2 * MAX_WORDS + 1] = "", shown[2 * MAX_WORDS + 1];
	ssize_t len = snap_file_read_at(run->words_fd, words, MAX_WORDS, 0);
	words[len > 0 ? len : 0] = '\0';
	char *save = NULL, *end = line;
	for (char *p = strtok_r(words, "\n", &save); p; p = strtok_r(NULL, "\n", &save))
		end += snprintf(end, sizeof(line) - (size_t)(end - line), "%s%s",
			end > line ? "; " : "", p);
	(void)snap_escape(snap_bytes_str(line), SNAP_ESCAPE_TERMINAL, shown, sizeof(shown));
	return snap_error_set(run->err, SNAP_ERROR_USAGE, "protoc cannot compile '%s': %s",
		run->name, shown[0] ? shown : "it does not say why");
}

static int run_protoc(const struct run *run)
{
	pid_t pid;
	int status, r = spawn(run, &pid);
	if (r == ENOENT)
		return snap_error_set(run->err, SNAP_ERROR_USAGE,
			"'%s' needs protoc to be read (Debian's package protobuf-compiler), which "
			"is "
			"not in PATH; a descriptor set does not",
			run->name);
	if (r != 0)
		return snap_error_errno(run->err, r, "cannot run protoc");
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return snap_error_errno(run->err, errno, "cannot wait for protoc");
	if (WIFSIGNALED(status))
		return snap_error_set(run->err, SNAP_ERROR_USAGE,
			"protoc cannot compile '%s': it was ended by signal %d", run->name,
			WTERMSIG(status));
	return WEXITSTATUS(status) == 0 ? 0 : complain_of_words(run);
}

static uint8_t *read_set(const struct run *run, size_t *ret_len)
{
	struct stat st;
	if (fstat(run->set_fd, &st) < 0) {
		(void)snap_error_errno(run->err, errno, "cannot read what protoc wrote");
		return NULL;
	}
	size_t len = (size_t)st.st_size;
	if (len > SNAP_SCHEMA_MAX_BYTES) {
		(void)snap_error_set(run->err, SNAP_ERROR_LIMIT,
			"the descriptor set of '%s' is longer than the %zu bytes that it may have",
			run->name, SNAP_SCHEMA_MAX_BYTES);
		return NULL;
	}
	uint8_t *set = malloc(len + 1);
	ssize_t n = set ? snap_file_read_at(run->set_fd, set, len, 0) : 0;
	if (set && n == (ssize_t)len) {
		*ret_len = len;
		return set;
	}
	if (!set)
		(void)snap_error_no_memory(run->err);
	else
		(void)snap_error_errno(
			run->err, n < 0 ? (int)-n : EIO, "cannot read what protoc wrote");
	free(set);
	return NULL;
}

uint8_t *snap_protoc_compile(const char *file, const char *const *dirs, size_t num_dirs,
	size_t *ret_len, struct snap_error *err)
{
	char name[256];
	uint8_t *set = NULL;
	struct run run = {
		.name = name,
		.set_fd = memfd_create("descriptor set", MFD_CLOEXEC),
		.words_fd = memfd_create("words", MFD_CLOEXEC),
		.err = err,
	};
	(void)snap_escape(snap_bytes_str(file), SNAP_ESCAPE_TERMINAL, name, sizeof(name));
	if (run.set_fd < 0 || run.words_fd < 0)
		(void)snap_error_errno(err, errno, "cannot make a file in memory");
	/* With a directory a name is no option, and no file of options. */
	else if (asprintf(&run.path, "%s%s", strchr(file, '/') ? "" : "./", file) < 0)
		(void)snap_error_no_memory(err);
	else if (make_args(&run, dirs, num_dirs) == 0 && run_protoc(&run) == 0)
		set = read_set(&run, ret_len);
	for (size_t i = 0; i < run.num_args; i++)
		free(run.argv[i]);
	free(run.argv);
	free(run.path);
	if (run.set_fd >= 0)
		(void)close(run.set_fd);
	if (run.words_fd >= 0)
		(void)close(run.words_fd);
	return set;
}
