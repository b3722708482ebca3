/*
 * The records of a snapshot file as plain structs: the vocabulary that the capture half fills, the
 * writer serialises, the reader delivers and the analysis half works on. Each stands for the
 * message of the same name in proto/snapshot.proto, which says what every field means, in which
 * unit, and who may lie about it.
 *
 * Nothing here owns memory: whoever hands a record out says how long its bytes live. A scalar that
 * can be absent has a has_ flag beside it; bytes are absent when their data is NULL.
 */
#ifndef SNAP_COMMON_SNAPSHOT_H
#define SNAP_COMMON_SNAPSHOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/bytes.h"
#include "common/snapshot_numbers.h"

/* Limits of a file, for writer and reader alike (docs/format.rst). */
#define SNAP_MAX_FILE_BYTES   (256u << 20)
#define SNAP_MAX_RECORD_BYTES (64u << 20)
#define SNAP_MAX_NESTING      8
#define SNAP_MAX_THREADS      65536
#define SNAP_MAX_BUILD_ID     64
#define SNAP_MAX_REGSETS      32

/* What a writer of ours takes at most of what a target can stretch, in bytes. */
#define SNAP_MAX_LINK	       4095 /* a path as readlink(2) gives it */
#define SNAP_MAX_CGROUP	       1023
#define SNAP_MAX_ENVIRON       16384
#define SNAP_MAX_OPEN_FILES    256 /* descriptors */
#define SNAP_MAX_WCHAN	       63
#define SNAP_MAX_KERNEL_STACK  2048
#define SNAP_MAX_ABORT_MESSAGE 4096
#define SNAP_MAX_LOG_MESSAGE   4096
#define SNAP_MAX_RANGE_NAME    64

struct snap_header {
	uint32_t format_version;
	struct snap_bytes writer;
};

struct snap_metadata {
	struct snap_bytes reason;
	bool has_fatal, fatal;
	struct snap_bytes project_name;
	struct snap_bytes software_version;
	struct snap_bytes software_build_uuid;
	struct snap_bytes device_name;
	struct snap_bytes snapshot_uuid;
	bool has_cpu_arch;
	uint32_t cpu_arch; /* enum snap_cpu_arch, or a number beyond it */
};

struct snap_tag {
	struct snap_bytes key;
	struct snap_bytes value;
};

/* Pigweed's log entry. */
struct snap_log {
	struct snap_bytes message; /* as it was: the writer escapes, the reader undoes it */
	bool has_line_level, has_flags, has_timestamp, has_time_since_last, has_dropped, has_tid;
	uint32_t line_level, flags;
	int64_t timestamp;	 /* nanoseconds since 1970 in files of ours */
	int64_t time_since_last; /* either this or timestamp */
	uint32_t dropped;
	struct snap_bytes module, file, thread;
	uint64_t tid;
};

/* Of line_level. */
static inline uint32_t snap_log_level(const struct snap_log *log)
{
	return log->line_level & 7;
}

static inline uint32_t snap_log_line(const struct snap_log *log)
{
	return log->line_level >> 3;
}

/* Pigweed's EpochType. */
enum snap_epoch {
	SNAP_EPOCH_UNKNOWN = 0,
	SNAP_EPOCH_BOOT = 1,
	SNAP_EPOCH_UTC = 2,
	SNAP_EPOCH_GPS = 3,
	SNAP_EPOCH_TAI = 4,
};

/* Pigweed's TimePoint. */
struct snap_time_point {
	bool has_ticks, has_period; /* has_period: both of its parts */
	int64_t ticks;
	int32_t period_numerator, period_denominator; /* of a second, for a tick */
	uint32_t epoch;				      /* enum snap_epoch */
};

struct snap_regset {
	uint32_t type; /* NT_PRSTATUS and so on */
	struct snap_bytes data;
};

struct snap_thread {
	bool has_tid;
	uint64_t tid;
	struct snap_bytes name; /* as it was: the writer escapes, the reader undoes it */
	bool has_state;
	uint32_t state; /* enum snap_thread_state, or a number beyond it */
	const struct snap_regset *regsets;
	size_t num_regsets;
	bool has_ns_tid, has_tls_base;
	uint32_t ns_tid;
	uint64_t tls_base;
	/* Pigweed's, of microcontrollers. */
	bool active;
	const uint64_t *backtrace; /* return addresses, innermost first */
	size_t num_backtrace;
	const struct snap_bytes *symbolized; /* the same in words, as others found them */
	size_t num_symbolized;
	struct snap_bytes raw_stack;
	bool has_stack_start, has_stack_end, has_stack_pointer, has_stack_peak, has_cpu_usage;
	uint64_t stack_start, stack_end, stack_pointer, stack_peak;
	uint32_t cpu_usage; /* hundredths of a percent */
};

#define SNAP_SYSCALL_ARGUMENTS 6

struct snap_thread_facts {
	bool has_tid, has_letter, has_running, has_syscall_number, has_stack_pointer,
		has_program_counter, has_cpu, has_user_ms, has_system_ms;
	uint64_t tid;
	uint32_t letter; /* 'R', 'S', ... */
	struct snap_bytes wchan;
	bool running;
	int64_t syscall_number; /* -1: none */
	uint64_t syscall_arguments[SNAP_SYSCALL_ARGUMENTS];
	size_t num_syscall_arguments;
	uint64_t stack_pointer, program_counter;
	struct snap_bytes kernel_stack;
	uint32_t cpu;
	uint64_t user_ms, system_ms;
};

enum snap_namespace_kind {
	SNAP_NAMESPACE_UNKNOWN = 0,
	SNAP_NAMESPACE_MNT = 1,
	SNAP_NAMESPACE_PID = 2,
	SNAP_NAMESPACE_USER = 3,
	SNAP_NAMESPACE_NET = 4,
	SNAP_NAMESPACE_UTS = 5,
	SNAP_NAMESPACE_IPC = 6,
	SNAP_NAMESPACE_CGROUP = 7,
	SNAP_NAMESPACE_TIME = 8,
};

/* The kernel has as many kinds, and as many are read. */
#define SNAP_NAMESPACES 8

struct snap_namespace {
	uint32_t kind; /* enum snap_namespace_kind */
	uint64_t inode;
	bool has_differs, differs;
};

struct snap_process {
	bool has_pid, has_uid, has_gid, has_exe_deleted, has_uptime, has_dumpable, has_rlimit_core,
		has_elf, has_identity_unverified, has_num_threads;
	bool has_ns_pid, has_ppid, has_pgid, has_sid;
	bool has_euid, has_suid, has_fsuid, has_egid, has_sgid, has_fsgid, has_ns_uid, has_ns_gid;
	bool has_vm_bytes, has_vm_peak_bytes, has_rss_bytes, has_rss_peak_bytes, has_swap_bytes;
	bool has_oom_score_adj, has_seccomp, has_no_new_privs, has_tracer_pid, has_start_time,
		has_capabilities, has_rlimit_stack, has_rlimit_as, has_rlimit_nofile,
		has_num_open_files;
	uint32_t pid, uid, gid;
	struct snap_bytes comm;
	struct snap_bytes exe;
	bool exe_deleted;
	struct snap_bytes cmdline; /* NUL after each argument */
	uint64_t uptime_ms;
	uint32_t dumpable;
	uint64_t rlimit_core;
	uint32_t elf_machine, elf_class, elf_data;
	struct snap_bytes auxv;
	bool identity_unverified;
	uint32_t num_threads;
	uint32_t ns_pid, ppid, pgid, sid;
	uint32_t euid, suid, fsuid, egid, sgid, fsgid;
	uint32_t ns_uid, ns_gid;
	struct snap_bytes cgroup, unit, container_id;
	struct snap_namespace namespaces[SNAP_NAMESPACES];
	size_t num_namespaces;
	struct snap_bytes environment; /* NUL after each variable */
	uint64_t vm_bytes, vm_peak_bytes, rss_bytes, rss_peak_bytes, swap_bytes;
	int32_t oom_score_adj;
	uint32_t seccomp;
	bool no_new_privs;
	uint32_t tracer_pid;
	uint64_t start_time_ms; /* since the machine started */
	uint64_t capabilities;
	uint64_t rlimit_stack, rlimit_as, rlimit_nofile;
	struct snap_bytes cwd, root;
	uint64_t num_open_files;
	/* Of the group that limits its memory; levels above its own. */
	bool has_cgroup_memory_limit, has_cgroup_memory_current, has_cgroup_memory_peak;
	bool has_cgroup_oom, has_cgroup_oom_kill, has_cgroup_levels_up;
	uint64_t cgroup_memory_limit, cgroup_memory_current, cgroup_memory_peak;
	uint64_t cgroup_oom, cgroup_oom_kill;
	uint32_t cgroup_levels_up;
};

enum snap_open_file_kind {
	SNAP_OPEN_UNKNOWN = 0,
	SNAP_OPEN_PATH = 1,
	SNAP_OPEN_PIPE = 2,
	SNAP_OPEN_SOCKET = 3,
	SNAP_OPEN_ANONYMOUS = 4,
	SNAP_OPEN_MEMFD = 5,
	SNAP_OPEN_OTHER = 6,
};

struct snap_open_file {
	bool has_fd, has_flags, has_position;
	uint32_t fd;
	struct snap_bytes path;
	uint32_t flags; /* O_ */
	uint64_t position;
	uint32_t kind; /* enum snap_open_file_kind */
	bool deleted;
};

struct snap_abort_message {
	struct snap_bytes text;
	uint32_t source; /* enum snap_abort_source */
	bool has_address;
	uint64_t address;
};

struct snap_signal {
	bool has_signo, has_code, has_tid, has_address, has_sender;
	int32_t signo;
	int32_t code;
	uint64_t tid;
	uint64_t address;
	int32_t sender_pid;
	uint32_t sender_uid;
	struct snap_bytes siginfo;
};

struct snap_memory_range {
	uint64_t address;
	struct snap_bytes data;
	uint32_t reason; /* enum snap_memory_reason */
	bool has_tid;
	uint64_t tid;
	struct snap_bytes name;
};

#define SNAP_MAPPING_READ   1u
#define SNAP_MAPPING_WRITE  2u
#define SNAP_MAPPING_EXEC   4u
#define SNAP_MAPPING_SHARED 8u

struct snap_mapping {
	uint64_t start, end;
	uint64_t file_offset;
	bool has_permissions; /* a core's NT_FILE does not tell them */
	uint32_t permissions;
	struct snap_bytes path;
	bool deleted;
	bool has_device;
	uint32_t device_major, device_minor;
	uint64_t inode;
};

enum snap_build_id_status {
	SNAP_BUILD_ID_FOUND = 0,
	SNAP_BUILD_ID_NO_NOTE = 1,
	SNAP_BUILD_ID_UNREADABLE = 2,
	SNAP_BUILD_ID_MALFORMED = 3,
};

struct snap_module {
	uint64_t start, end;
	struct snap_bytes build_id;
	uint32_t build_id_status; /* enum snap_build_id_status */
	bool has_load_bias;
	uint64_t load_bias;
	struct snap_bytes path;
	bool deleted;
};

#define SNAP_LOADS 3 /* of 1, 5 and 15 minutes */

struct snap_system {
	struct snap_bytes sysname, release, version, machine, os, hostname;
	bool has_uptime, has_memory_total, has_memory_free, has_memory_available, has_swap_total,
		has_swap_free, has_num_cpus;
	uint64_t uptime_ms;
	struct snap_bytes boot_id;
	uint32_t load_hundredths[SNAP_LOADS];
	size_t num_loads;
	uint64_t memory_total, memory_free, memory_available, swap_total, swap_free; /* bytes */
	uint32_t num_cpus;
};

enum snap_capture_method {
	SNAP_CAPTURE_UNKNOWN = 0,
	SNAP_CAPTURE_CORE_PATTERN = 1,
	SNAP_CAPTURE_PTRACE = 2,
	SNAP_CAPTURE_CORE_FILE = 3,
	SNAP_CAPTURE_COREDUMP_SOCKET = 4,
	SNAP_CAPTURE_LIBRARY = 5,
	SNAP_CAPTURE_IN_PROCESS = 6,
};

enum snap_capture_storage {
	SNAP_STORAGE_UNSTATED = 0,
	SNAP_STORAGE_SERVER = 1,
	SNAP_STORAGE_OWN = 2,
	SNAP_STORAGE_NAMED = 3,
};

struct snap_capture {
	bool has_method, has_time, has_hold_time, has_pause_time, has_storage, has_queue_time;
	uint32_t method; /* enum snap_capture_method */
	int64_t time_s;
	uint32_t time_ns;
	uint64_t hold_time_ns;
	uint64_t pause_time_ns;
	uint32_t storage; /* enum snap_capture_storage */
	uint64_t queue_time_ns;
};

struct snap_omission {
	uint32_t what; /* enum snap_omission_what */
	uint32_t why;  /* enum snap_omission_why */
	bool has_tid, has_range, has_count, has_error;
	uint64_t tid;
	uint64_t address, bytes;
	uint64_t count;
	uint32_t error;
};

#endif
