#include "common/words.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "common/escape.h"

#define ARRAY_LEN(a)   (sizeof(a) / sizeof((a)[0]))
#define NAME(names, n) ((n) < ARRAY_LEN(names) ? (names)[n] : NULL)

/* 32 and 33 are the C library's own; SIGRTMIN is what programs see of it. */
static const char *const signal_names[] = {
	[1] = "SIGHUP",
	"SIGINT",
	"SIGQUIT",
	"SIGILL",
	"SIGTRAP",
	"SIGABRT",
	"SIGBUS",
	"SIGFPE",
	"SIGKILL",
	"SIGUSR1",
	"SIGSEGV",
	"SIGUSR2",
	"SIGPIPE",
	"SIGALRM",
	"SIGTERM",
	"SIGSTKFLT",
	"SIGCHLD",
	"SIGCONT",
	"SIGSTOP",
	"SIGTSTP",
	"SIGTTIN",
	"SIGTTOU",
	"SIGURG",
	"SIGXCPU",
	"SIGXFSZ",
	"SIGVTALRM",
	"SIGPROF",
	"SIGWINCH",
	"SIGIO",
	"SIGPWR",
	"SIGSYS",
	"SIG32",
	"SIG33",
	"SIGRTMIN",
	"SIGRTMIN+1",
	"SIGRTMIN+2",
	"SIGRTMIN+3",
	"SIGRTMIN+4",
	"SIGRTMIN+5",
	"SIGRTMIN+6",
	"SIGRTMIN+7",
	"SIGRTMIN+8",
	"SIGRTMIN+9",
	"SIGRTMIN+10",
	"SIGRTMIN+11",
	"SIGRTMIN+12",
	"SIGRTMIN+13",
	"SIGRTMIN+14",
	"SIGRTMIN+15",
	"SIGRTMAX-14",
	"SIGRTMAX-13",
	"SIGRTMAX-12",
	"SIGRTMAX-11",
	"SIGRTMAX-10",
	"SIGRTMAX-9",
	"SIGRTMAX-8",
	"SIGRTMAX-7",
	"SIGRTMAX-6",
	"SIGRTMAX-5",
	"SIGRTMAX-4",
	"SIGRTMAX-3",
	"SIGRTMAX-2",
	"SIGRTMAX-1",
	"SIGRTMAX",
};
_Static_assert(ARRAY_LEN(signal_names) == 65, "Linux has 64 signals");

const char *snap_signal_name(int32_t signo)
{
	return signo > 0 && (size_t)signo < ARRAY_LEN(signal_names) ? signal_names[signo] : NULL;
}

const char *snap_thread_state_name(uint32_t state)
{
	static const char *const names[] = {"unknown", "interrupt-handler", "running", "ready",
		"suspended", "blocked", "inactive"};
	return NAME(names, state);
}

const char *snap_capture_method_name(uint32_t method)
{
	static const char *const names[] = {"unknown", "core-pattern", "ptrace", "core-file",
		"coredump-socket", "library", "in-process"};
	return NAME(names, method);
}

const char *snap_omission_what_name(uint32_t what)
{
	static const char *const names[] = {"other", "stack", "registers", "thread", "code",
		"mapping", "module", "cmdline", "vdso", "auxv", "process", "memory", "open-file",
		"kernel-stack", "syscall", "environ", "cgroup", "namespace", "log", "tag",
		"annotation", "abort-message", "tls", "system"};
	return NAME(names, what);
}

const char *snap_omission_why_name(uint32_t why)
{
	static const char *const names[] = {"unstated", "cap", "unreadable", "deadline", "gone"};
	return NAME(names, why);
}

const char *snap_capture_storage_name(uint32_t storage)
{
	static const char *const names[] = {"unstated", "server", "own", "named"};
	return NAME(names, storage);
}

const char *snap_memory_reason_name(uint32_t reason)
{
	static const char *const names[] = {"other", "stack", "code", "vdso", "indirect", "pointer",
		"fault", "abort-message", "annotated", "tls", "lock"};
	return NAME(names, reason);
}

const char *snap_namespace_name(uint32_t kind)
{
	static const char *const names[] = {
		"unknown", "mnt", "pid", "user", "net", "uts", "ipc", "cgroup", "time"};
	return NAME(names, kind);
}

const char *snap_open_file_kind_name(uint32_t kind)
{
	static const char *const names[] = {
		"unknown", "path", "pipe", "socket", "anonymous", "memfd", "other"};
	return NAME(names, kind);
}

const char *snap_abort_source_name(uint32_t source)
{
	static const char *const names[] = {"unknown", "c-library", "program"};
	return NAME(names, source);
}

const char *snap_log_level_name(uint32_t level)
{
	static const char *const names[] = {
		NULL, "debug", "info", "warning", "error", "critical", NULL, "fatal"};
	return NAME(names, level);
}

const char *snap_build_id_status_words(uint32_t status)
{
	static const char *const words[] = {"found", "the image has none",
		"its memory could not be read", "what stands there is malformed"};
	return NAME(words, status);
}

/* snprintf() to the end of what out has so far. */
#define APPEND(out, size, ...)                                                                     \
	((void)snprintf((out) + strlen(out), (size)-strlen(out), __VA_ARGS__))

void snap_omission_words(const struct snap_omission *o, char *out, size_t size)
{
	static const struct {
		const char *one, *many;
	} what[] = {
		{"something", "things"},
		{"the stack", "stacks"},
		{"the registers", "sets of registers"},
		{"a thread", "threads"},
		{"code", "pieces of code"},
		{"a mapping", "mappings"},
		{"a module", "modules"},
		{"the command line", "command lines"},
		{"the vDSO", "vDSOs"},
		{"the auxiliary vector", "auxiliary vectors"},
		{"facts about the process", "facts about the process"},
		{"memory pointed to", "pieces of memory pointed to"},
		{"an open file", "open files"},
		{"the kernel stack", "kernel stacks"},
		{"the system call", "system calls"},
		{"the environment", "environments"},
		{"the control group", "control groups"},
		{"a namespace", "namespaces"},
		{"an entry of the log", "entries of the log"},
		{"a tag", "tags"},
		{"registered memory", "pieces of registered memory"},
		{"the abort message", "abort messages"},
		{"the thread control block", "thread control blocks"},
		{"facts about the machine", "facts about the machine"},
	};
	static const char *const why[] = {"for a reason not stated",
		"beyond the limit on what is taken", "could not be read", "time ran out",
		"it was gone"};
	out[0] = '\0';
	if (o->has_count && o->count != 1)
		APPEND(out, size, "%" PRIu64 " %s", o->count,
			o->what < ARRAY_LEN(what) ? what[o->what].many : "things");
	else if (o->has_range)
		APPEND(out, size, "%" PRIu64 " bytes of %s", o->bytes,
			o->what < ARRAY_LEN(what) ? what[o->what].one : "something");
	else
		APPEND(out, size, "%s",
			o->what < ARRAY_LEN(what) ? what[o->what].one : "something");
	if (o->what >= ARRAY_LEN(what))
		APPEND(out, size, " (of unknown kind %" PRIu32 ")", o->what);
	if (o->has_tid)
		APPEND(out, size, " of thread %" PRIu64, o->tid);
	if (o->has_range)
		APPEND(out, size, " at 0x%" PRIx64, o->address);
	if (o->why < ARRAY_LEN(why))
		APPEND(out, size, ": %s", why[o->why]);
	else
		APPEND(out, size, ": for unknown reason %" PRIu32, o->why);
	if (o->has_error)
		APPEND(out, size, " (%s)",
			o->error <= INT16_MAX ? strerror((int)o->error) : "unknown error");
}

void snap_time_words(int64_t seconds, uint32_t nanoseconds, char out[40])
{
	time_t time = (time_t)seconds;
	struct tm tm;
	out[0] = '\0';
	/* RFC 3339 has four digits for the year. */
	if (nanoseconds > 999999999 || !gmtime_r(&time, &tm) || tm.tm_year < -1900 ||
		tm.tm_year > 9999 - 1900)
		return;
	size_t len = strftime(out, 40, "%4Y-%m-%dT%H:%M:%S", &tm);
	if (nanoseconds)
		(void)snprintf(out + len, 40 - len, ".%09" PRIu32, nanoseconds);
	(void)strcat(out, "Z");
}

struct snap_bytes snap_base_name(struct snap_bytes path)
{
	const uint8_t *slash = path.len > 0 ? memrchr(path.data, '/', path.len) : NULL;
	/* "/" at the end leaves nothing to show. */
	if (!slash || slash + 1 == path.data + path.len)
		return path;
	return snap_bytes(slash + 1, path.len - (size_t)(slash + 1 - path.data));
}

size_t snap_print_to(struct snap_bytes text, char out[SNAP_PRINT_MAX + 4])
{
	/* Escaping never shortens: what lies further behind would be cut anyway. */
	if (text.len > SNAP_PRINT_MAX + 1)
		text.len = SNAP_PRINT_MAX + 1;
	size_t len = snap_escape(text, SNAP_ESCAPE_TERMINAL, out, SNAP_PRINT_MAX + 1);
	if (len > SNAP_PRINT_MAX) {
		len = strlen(out);
		memcpy(out + len, "...", 4);
		len += 3;
	}
	return len;
}

void snap_print(FILE *out, struct snap_bytes text)
{
	char escaped[SNAP_PRINT_MAX + 4];
	(void)fwrite(escaped, 1, snap_print_to(text, escaped), out);
}

void snap_print_str(FILE *out, const char *text)
{
	snap_print(out, snap_bytes_str(text));
}
