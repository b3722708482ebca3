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

/* "SNAPCRSH" read as a little-endian number. */
#define SNAP_FORMAT_MAGIC   0x4853524350414e53ull
#define SNAP_FORMAT_VERSION 1

/* Field numbers of the records (top-level fields). */
enum snap_record_number {
	SNAP_RECORD_METADATA = 16,
	SNAP_RECORD_TAG = 17,
	SNAP_RECORD_THREAD = 18,
	SNAP_RECORD_RELATED = 19,
	SNAP_RECORD_CPU_STATE = 20,
	SNAP_RECORD_HEADER = 1032,
	SNAP_RECORD_CHECKPOINT = 1033,
	SNAP_RECORD_PROCESS = 1034,
	SNAP_RECORD_SIGNAL = 1035,
	SNAP_RECORD_MEMORY = 1036,
	SNAP_RECORD_MAPPING = 1037,
	SNAP_RECORD_MODULE = 1038,
	SNAP_RECORD_SYSTEM = 1039,
	SNAP_RECORD_CAPTURE = 1040,
	SNAP_RECORD_OMISSION = 1041,
	SNAP_RECORD_NOTE = 1042,
	SNAP_RECORD_RAW_TAG = 1043,
};

/* Limits of a file, for writer and reader alike (docs/format.rst). */
#define SNAP_MAX_FILE_BYTES   (256u << 20)
#define SNAP_MAX_RECORD_BYTES (64u << 20)
#define SNAP_MAX_NESTING      8
#define SNAP_MAX_THREADS      65536
#define SNAP_MAX_BUILD_ID     64
#define SNAP_MAX_REGSETS      32

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
	uint32_t cpu_arch; /* Pigweed's CpuArchitecture */
};

struct snap_tag {
	struct snap_bytes key;
	struct snap_bytes value;
};

/* Pigweed's ThreadState. */
enum snap_thread_state {
	SNAP_THREAD_UNKNOWN = 0,
	SNAP_THREAD_INTERRUPT_HANDLER = 1,
	SNAP_THREAD_RUNNING = 2,
	SNAP_THREAD_READY = 3,
	SNAP_THREAD_SUSPENDED = 4,
	SNAP_THREAD_BLOCKED = 5,
	SNAP_THREAD_INACTIVE = 6,
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
};

struct snap_process {
	bool has_pid, has_uid, has_gid, has_exe_deleted, has_uptime, has_dumpable, has_rlimit_core,
		has_elf, has_identity_unverified, has_num_threads;
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

enum snap_memory_reason {
	SNAP_MEMORY_OTHER = 0,
	SNAP_MEMORY_STACK = 1,
	SNAP_MEMORY_CODE = 2,
	SNAP_MEMORY_VDSO = 3,
	SNAP_MEMORY_INDIRECT = 4,
};

struct snap_memory_range {
	uint64_t address;
	struct snap_bytes data;
	uint32_t reason; /* enum snap_memory_reason */
	bool has_tid;
	uint64_t tid;
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

struct snap_system {
	struct snap_bytes sysname, release, version, machine, os;
};

enum snap_capture_method {
	SNAP_CAPTURE_UNKNOWN = 0,
	SNAP_CAPTURE_CORE_PATTERN = 1,
	SNAP_CAPTURE_PTRACE = 2,
	SNAP_CAPTURE_CORE_FILE = 3,
};

struct snap_capture {
	bool has_method, has_time, has_hold_time, has_pause_time;
	uint32_t method; /* enum snap_capture_method */
	int64_t time_s;
	uint32_t time_ns;
	uint64_t hold_time_ns;
	uint64_t pause_time_ns;
};

enum snap_omission_what {
	SNAP_OMITTED_OTHER = 0,
	SNAP_OMITTED_STACK = 1,
	SNAP_OMITTED_REGISTERS = 2,
	SNAP_OMITTED_THREAD = 3,
	SNAP_OMITTED_CODE = 4,
	SNAP_OMITTED_MAPPING = 5,
	SNAP_OMITTED_MODULE = 6,
	SNAP_OMITTED_CMDLINE = 7,
	SNAP_OMITTED_VDSO = 8,
	SNAP_OMITTED_AUXV = 9,
	SNAP_OMITTED_PROCESS = 10,
	SNAP_OMITTED_MEMORY = 11,
};

enum snap_omission_why {
	SNAP_OMITTED_UNSTATED = 0,
	SNAP_OMITTED_CAP = 1,
	SNAP_OMITTED_UNREADABLE = 2,
	SNAP_OMITTED_DEADLINE = 3,
	SNAP_OMITTED_GONE = 4,
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
