#include "capture/ctl/client_program.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "capture/config.h"
#include "common/escape.h"

#define INSTALLED "libexec/snapcrash/" SNAP_CLIENT_NAME

struct shown {
	char text[256];
};

static const char *show(const char *path, struct shown *shown)
{
	(void)snap_escape(snap_bytes_str(path), SNAP_ESCAPE_TERMINAL, shown->text,
		sizeof(shown->text)); /* cut to fit */
	return shown->text;
}

/* Cut the last part off an absolute path: "/a/b" to "/a", "/a" to "". */
static void cut_last(char *path)
{
	char *slash = strrchr(path, '/');
	if (slash)
		*slash = '\0';
}

static bool join(char to[static PATH_MAX], const char *dir, const char *name)
{
	int len = snprintf(to, PATH_MAX, "%s/%s", dir, name);
	return len > 0 && len < PATH_MAX;
}

int snap_client_program_find(
	const char *configured, struct snap_client_program *ret, struct snap_error *err)
{
	struct shown shown;
	char self[PATH_MAX];
	ssize_t len = readlink("/proc/self/exe", self, sizeof(self) - 1);
	if (len < 0)
		return snap_error_errno(err, errno, "cannot tell where this program is");
	self[len] = '\0';
	cut_last(self);

	ret->in_build_tree = false;
	if (*configured != '\0') {
		(void)snprintf(ret->path, sizeof(ret->path), "%s", configured); /* same size */
		char dir[PATH_MAX];
		if (realpath(ret->path, dir)) {
			cut_last(dir);
			ret->in_build_tree = strcmp(dir, self) == 0;
		}
		return 0;
	}
	if (join(ret->path, self, SNAP_CLIENT_NAME) && access(ret->path, F_OK) == 0) {
		ret->in_build_tree = true;
		return 0;
	}
	char beside[PATH_MAX];
	(void)memcpy(beside, ret->path, sizeof(beside));
	cut_last(self);
	if (join(ret->path, self, INSTALLED) && access(ret->path, F_OK) == 0)
		return 0;
	struct shown shown_too;
	return snap_error_set(err, SNAP_ERROR_SYSTEM,
		"there is neither '%s' nor '%s': where it is can be configured as 'client'",
		show(beside, &shown), show(ret->path, &shown_too));
}

int snap_client_program_check(const char *path, struct snap_error *err)
{
	struct shown shown;
	struct stat st;
	if (stat(path, &st) < 0)
		return snap_error_errno(err, errno, "the client '%s'", show(path, &shown));
	if (!S_ISREG(st.st_mode))
		return snap_error_set(err, SNAP_ERROR_SYSTEM, "the client '%s' is no regular file",
			show(path, &shown));
	if ((st.st_mode & 0111) == 0)
		return snap_error_set(err, SNAP_ERROR_SYSTEM, "the client '%s' is not executable",
			show(path, &shown));
	return 0;
}

/* Whether root alone can change what stands at path: its content or, of a directory, its entries.
 */
static int check_one(const char *path, struct snap_error *err)
{
	struct shown shown;
	struct stat st;
	if (lstat(path, &st) < 0)
		return snap_error_errno(err, errno, "'%s'", show(path, &shown));
	if (st.st_uid != 0)
		return snap_error_set(err, SNAP_ERROR_SYSTEM,
			"'%s' belongs to user %lu and not to root", show(path, &shown),
			(unsigned long)st.st_uid);
	/* A link's own mode says nothing; in a sticky directory only owners change entries. */
	if (S_ISLNK(st.st_mode) || (S_ISDIR(st.st_mode) && (st.st_mode & S_ISVTX)))
		return 0;
	if ((st.st_mode & 022) != 0)
		return snap_error_set(err, SNAP_ERROR_SYSTEM,
			"'%s' can be changed by others than root (mode %04o)", show(path, &shown),
			(unsigned int)st.st_mode & 07777);
	return 0;
}

static int check_all_above(const char *path, struct snap_error *err)
{
	char partial[PATH_MAX];
	size_t len = strlen(path);
	if (len >= sizeof(partial))
		return snap_error_errno(err, ENAMETOOLONG, "the client's path");
	memcpy(partial, path, len + 1);
	while (partial[0] != '\0') {
		if (check_one(partial, err) < 0)
			return -1;
		cut_last(partial);
	}
	return check_one("/", err);
}

int snap_client_program_check_owner(const char *path, struct snap_error *err)
{
	struct shown shown;
	char resolved[PATH_MAX];
	if (!realpath(path, resolved))
		return snap_error_errno(err, errno, "the client '%s'", show(path, &shown));
	return check_all_above(path, err) < 0 || check_all_above(resolved, err) < 0 ? -1 : 0;
}

/* Whether the kernel, which splits at blanks and expands '%', leaves it as it is. */
static int check_word(const char *word, struct snap_error *err)
{
	struct shown shown;
	for (const char *p = word; *p; p++)
		if ((uint8_t)*p <= ' ' || *p == '%' || *p == 0x7f || (uint8_t)*p == 0xa0)
			return snap_error_set(err, SNAP_ERROR_UNSUPPORTED,
				"a path with blanks or '%%' can't be used in core_pattern: '%s'",
				show(word, &shown));
	return 0;
}

int snap_client_pattern(const char *path, bool chain, const char *config_file,
	char ret[static SNAP_CORE_PATTERN_SIZE], struct snap_error *err)
{
	struct shown shown;
	char config[PATH_MAX] = "", pattern[2 * PATH_MAX + 64];
	if (config_file && !realpath(config_file, config))
		return snap_error_errno(err, errno, "cannot open '%s'", show(config_file, &shown));
	if (check_word(path, err) < 0 || check_word(config, err) < 0)
		return -1;
	int len = snprintf(pattern, sizeof(pattern), "|%s%s%s%s %s", path, chain ? " --chain" : "",
		config_file ? " --config " : "", config, SNAP_CLIENT_WORDS);
	if (len < SNAP_CORE_PATTERN_SIZE) {
		memcpy(ret, pattern, (size_t)len + 1);
		return 0;
	}
	return snap_error_set(err, SNAP_ERROR_LIMIT,
		"the core_pattern would have %d bytes, and the kernel takes %d: use shorter paths "
		"for the client%s ('%s')",
		len, SNAP_CORE_PATTERN_SIZE - 1, config_file ? " or the configuration" : "",
		show(pattern, &shown));
}

static bool is_client(const char *path)
{
	const char *slash = strrchr(path, '/');
	return strcmp(slash ? slash + 1 : path, SNAP_CLIENT_NAME) == 0;
}

/* The next word of a pattern, "" at its end. Returns what is behind it. */
static const char *next_word(const char *p, char word[static SNAP_CORE_PATTERN_SIZE])
{
	p += strspn(p, " \t");
	size_t len = strcspn(p, " \t");
	memcpy(word, p, len); /* a part of a pattern, and so shorter */
	word[len] = '\0';
	return p + len;
}

bool snap_client_command_parse(const char *pattern, struct snap_client_command *ret)
{
	struct snap_client_command command = {0};
	char resolved[PATH_MAX], word[SNAP_CORE_PATTERN_SIZE];
	if (snap_core_pattern_kind(pattern) != SNAP_CORE_PATTERN_PIPE ||
		strlen(pattern) >= SNAP_CORE_PATTERN_SIZE)
		return false;
	const char *p = next_word(pattern + 1, command.program);
	if (!is_client(command.program) &&
		!(realpath(command.program, resolved) && is_client(resolved)))
		return false;
	for (;;) {
		const char *behind = next_word(p, word);
		if (strcmp(word, "--chain") == 0)
			command.chain = true;
		else if (strcmp(word, "--config") == 0)
			behind = next_word(behind, command.config_file);
		else
			break;
		p = behind;
	}
	p += strspn(p, " \t");
	command.words_are_right = strcmp(p, SNAP_CLIENT_WORDS) == 0;
	*ret = command;
	return true;
}

static bool is_default_config(const char *file)
{
	return strcmp(file, SNAP_CONFIG_DEFAULT_FILE) == 0;
}

bool snap_client_pattern_is_ours(
	const char *pattern, const char *config_file, const char *coredump_socket)
{
	struct snap_client_command command;
	char resolved[PATH_MAX];
	if (snap_core_pattern_kind(pattern) == SNAP_CORE_PATTERN_SOCKET)
		return *coredump_socket != '\0' && strncmp(pattern, "@@", 2) == 0 &&
		       strcmp(pattern + 2, coredump_socket) == 0;
	if (!snap_client_command_parse(pattern, &command))
		return false;
	bool theirs_is_default =
		command.config_file[0] == '\0' || is_default_config(command.config_file);
	if (!config_file || is_default_config(config_file))
		return theirs_is_default;
	return strcmp(config_file, command.config_file) == 0 ||
	       (realpath(config_file, resolved) && strcmp(resolved, command.config_file) == 0);
}
