/*
 * Sources: glibc 2.31 to 2.42, sysdeps/nptl/bits/struct_mutex.h (pthread_mutex_t begins with the
 * word that is waited at, a count and the owner's tid), nptl/pthread_mutex_lock.c,
 * nptl/pthread_join_common.c (the word has the tid of the thread that is to end, and is waited at
 * as long as it has); the kernel's include/uapi/linux/futex.h.
 */
#include "analyze/explain/locks.h"

#include <elf.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/explain/address.h"
#include "analyze/explain/wait.h"
#include "analyze/symbols/object.h"

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

/* Lines of a stack that are looked at for the function that waits. */
#define LOOK_AT 8
/* Of a deadlock so many threads are named in a sentence, and so many deadlocks. */
#define MAX_NAMED     4
#define MAX_DEADLOCKS 4
/* Threads of which it is told what they wait for. */
#define MAX_TOLD 64

/* FUTEX_CMD_MASK, and what waits. */
#define FUTEX_FLAGS	  (128u | 256u)
#define FUTEX_WAIT	  0
#define FUTEX_LOCK_PI	  6
#define FUTEX_WAIT_BITSET 9
#define FUTEX_LOCK_PI2	  13

/* Where pthread_mutex_t has them, and the bit of its kind that says it is shared with others. */
#define OWNER_OFF   8u
#define KIND_OFF_64 16u
#define KIND_OFF_32 12u
#define KIND_SHARED 128u

/* ---------------------------------------------------------------- one thread */

/* A function's name without what glibc's own names for it begin with. */
static const char *bare_name(const char *name)
{
	while (name[0] == '_')
		name++;
	return strncmp(name, "GI_", 3) == 0 ? name + 3 + strspn(name + 3, "_") : name;
}

static bool is_in(const struct snap_crash_thread *thread, const char *const *names, size_t num)
{
	for (size_t i = 0; i < thread->num_listed && i < LOOK_AT; i++)
		for (size_t j = 0; thread->listed[i].function && j < num; j++)
			if (strcmp(bare_name(thread->listed[i].function), names[j]) == 0)
				return true;
	return false;
}

static bool read_u32(struct snap_crash *crash, uint64_t addr, uint32_t *ret)
{
	uint8_t bytes[4];
	if (!snap_memory_read_all(&crash->memory, addr, bytes, sizeof(bytes)))
		return false;
	*ret = (uint32_t)snap_arch_load(crash->arch, bytes, sizeof(bytes));
	return true;
}

static void find_mutex(struct snap_crash *crash, uint64_t addr, struct snap_lock *ret)
{
	uint32_t word, owner, kind;
	uint64_t kind_off = crash->arch->elf_class == ELFCLASS64 ? KIND_OFF_64 : KIND_OFF_32;
	ret->kind = SNAP_LOCK_MUTEX;
	ret->address = addr;
	if (!read_u32(crash, addr, &word) || !read_u32(crash, addr + OWNER_OFF, &owner) ||
		!read_u32(crash, addr + kind_off, &kind))
		return;
	/* Free, or just about to be; or its owner may be another process's. */
	if (word == 0 || owner == 0 || owner > INT32_MAX || kind & KIND_SHARED)
		return;
	ret->has_owner = true;
	ret->owner = owner;
}

/* The lock that the thread waits for. */
static void find_lock(
	struct snap_crash *crash, const struct snap_crash_thread *thread, struct snap_lock *ret)
{
	static const char *const locks[] = {"pthread_mutex_lock", "pthread_mutex_lock_full",
		"pthread_mutex_timedlock", "pthread_mutex_clocklock",
		"pthread_mutex_clocklock_common", "pthread_mutex_cond_lock"};
	static const char *const joins[] = {"pthread_join", "pthread_clockjoin_ex",
		"pthread_timedjoin_np", "pthread_clockjoin_np"};
	struct snap_wait wait;
	if (!snap_thread_wait(crash, thread, &wait) || !wait.syscall_name ||
		strncmp(wait.syscall_name, "futex", 5) != 0 || wait.num_arguments < 3)
		return;
	uint64_t command = wait.arguments[1] & ~(uint64_t)FUTEX_FLAGS & UINT32_MAX;
	bool waits = command == FUTEX_WAIT || command == FUTEX_WAIT_BITSET;
	ret->is_timed = wait.num_arguments > 3 && wait.arguments[3] != 0;
	bool is_inheriting = command == FUTEX_LOCK_PI || command == FUTEX_LOCK_PI2;
	if ((waits || is_inheriting) && is_in(thread, locks, ARRAY_LEN(locks))) {
		find_mutex(crash, wait.arguments[0], ret);
	} else if (waits && is_in(thread, joins, ARRAY_LEN(joins))) {
		uint32_t tid = (uint32_t)wait.arguments[2];
		ret->kind = SNAP_LOCK_JOIN;
		ret->has_owner = tid > 0 && tid <= INT32_MAX;
		ret->owner = tid;
	}
}

/* ---------------------------------------------------------------- all of them */

struct by_tid {
	uint64_t tid;
	size_t index;
};

static int compare_tids(const void *a, const void *b)
{
	const struct by_tid *x = a, *y = b;
	return x->tid < y->tid ? -1 : x->tid > y->tid;
}

/* The thread's id as the process itself knows it, in its own namespace. */
static bool own_tid(
	const struct snap_crash *crash, const struct snap_crash_thread *thread, uint64_t *ret)
{
	const struct snap_process *process = &crash->process;
	bool is_same = !process->has_ns_pid || !process->has_pid || process->ns_pid == process->pid;
	*ret = thread->record.has_ns_tid ? thread->record.ns_tid : thread->record.tid;
	return thread->record.has_ns_tid || (thread->record.has_tid && is_same);
}

static int find_owners(struct snap_crash *crash, struct snap_error *err)
{
	size_t num = 0, num_waiting = 0;
	bool are_all_known;
	for (size_t i = 0; i < crash->num_threads; i++)
		num_waiting += crash->threads[i].lock.has_owner;
	if (num_waiting == 0)
		return 0;
	struct by_tid *list = calloc(crash->num_threads, sizeof(*list));
	if (!list)
		return snap_error_no_memory(err);
	for (size_t i = 0; i < crash->num_threads; i++) {
		uint64_t tid;
		if (own_tid(crash, &crash->threads[i], &tid))
			list[num++] = (struct by_tid){tid, i};
	}
	are_all_known = num == crash->num_threads;
	qsort(list, num, sizeof(*list), compare_tids);
	for (size_t i = 0; i < crash->num_threads; i++) {
		struct snap_lock *lock = &crash->threads[i].lock;
		const struct by_tid key = {.tid = lock->owner};
		const struct by_tid *found =
			lock->has_owner ? bsearch(&key, list, num, sizeof(*list), compare_tids)
					: NULL;
		lock->owner_index = found ? found->index : SIZE_MAX;
		/* It may be one of those whose ids in the namespace are not known. */
		lock->has_owner &= found || are_all_known;
	}
	free(list);
	return 0;
}

static size_t next_of(const struct snap_crash *crash, size_t index)
{
	const struct snap_lock *lock = &crash->threads[index].lock;
	return lock->has_owner && !lock->is_timed ? lock->owner_index : SIZE_MAX;
}

/* Each thread waits for one other at most, so that a circle is met again where one goes on. */
static int find_circles(struct snap_crash *crash, struct snap_error *err)
{
	/* By the thread at which the walk began that came here first; 0: none came. */
	size_t *seen = calloc(crash->num_threads + 1, sizeof(*seen));
	if (!seen)
		return snap_error_no_memory(err);
	int r = 0;
	for (size_t i = 0; i < crash->num_threads && r == 0; i++) {
		size_t at = i, num = 1;
		while (at != SIZE_MAX && !seen[at]) {
			seen[at] = i + 1;
			at = next_of(crash, at);
		}
		if (at == SIZE_MAX || seen[at] != i + 1)
			continue;
		for (size_t j = next_of(crash, at); j != at; j = next_of(crash, j))
			num++;
		size_t *threads = snap_arena_alloc(&crash->arena, num * sizeof(*threads));
		struct snap_deadlock *deadlocks = snap_arena_grow(&crash->arena, crash->deadlocks,
			crash->num_deadlocks, &crash->deadlocks_capacity, sizeof(*deadlocks));
		if (!threads || !deadlocks) {
			r = snap_error_no_memory(err);
			break;
		}
		for (size_t j = 0; j < num; j++, at = next_of(crash, at))
			threads[j] = at;
		deadlocks[crash->num_deadlocks++] = (struct snap_deadlock){threads, num};
		crash->deadlocks = deadlocks;
	}
	free(seen);
	return r;
}

/* ---------------------------------------------------------------- words */

/* "thread 12 'worker'". */
static const char *thread_words(struct snap_crash *crash, const struct snap_crash_thread *thread)
{
	struct snap_bytes name = thread->record.name;
	if (name.len == 0)
		return snap_crash_format(crash, "thread %" PRIu64, thread->record.tid);
	return snap_crash_format(
		crash, "thread %" PRIu64 " '%.*s'", thread->record.tid, SNAP_NAME_ARGS(name));
}

/* "the mutex queue_lock at 0x...". */
static const char *mutex_words(struct snap_crash *crash, uint64_t addr)
{
	const struct snap_crash_module *module = snap_crash_module_at(crash, addr);
	const char *name;
	uint64_t start, vaddr;
	if (module && module->object && module->record.has_load_bias) {
		vaddr = addr - module->record.load_bias;
		if (snap_object_data_at(module->object, vaddr, &name, &start))
			return start == vaddr
				       ? snap_crash_format(crash, "the mutex %.200s at 0x%" PRIx64,
						 name, addr)
				       : snap_crash_format(crash,
						 "the mutex %.200s+0x%" PRIx64 " at 0x%" PRIx64,
						 name, vaddr - start, addr);
	}
	return snap_crash_format(crash, "the mutex at 0x%" PRIx64, addr);
}

static const char *lock_words(struct snap_crash *crash, const struct snap_crash_thread *thread)
{
	const struct snap_lock *lock = &thread->lock;
	const char *self = thread_words(crash, thread), *other = NULL;
	if (lock->owner_index != SIZE_MAX)
		other = &crash->threads[lock->owner_index] == thread
				? "it itself"
				: thread_words(crash, &crash->threads[lock->owner_index]);
	else
		other = snap_crash_format(
			crash, "thread %" PRIu64 ", which is none of those here,", lock->owner);
	if (!self || !other)
		return NULL;
	if (lock->kind == SNAP_LOCK_JOIN)
		return snap_crash_format(crash, "%s waits for the end of %s", self, other);
	const char *mutex = mutex_words(crash, lock->address);
	return mutex ? snap_crash_format(
			       crash, "%s waits for %s, which %s holds", self, mutex, other)
		     : NULL;
}

/* ---------------------------------------------------------------- the whole */

static bool is_sent(const struct snap_crash *crash)
{
	return crash->has_signal && crash->signal.has_code && crash->signal.code <= 0;
}

int snap_locks_find(struct snap_crash *crash, struct snap_error *err)
{
	for (size_t i = 0; i < crash->num_threads; i++) {
		struct snap_crash_thread *thread = &crash->threads[i];
		thread->lock = (struct snap_lock){.owner_index = SIZE_MAX};
		/* The one that crashed by what it did runs. */
		if (crash->arch && (!thread->crashed || is_sent(crash)))
			find_lock(crash, thread, &thread->lock);
	}
	if (find_owners(crash, err) < 0 || find_circles(crash, err) < 0)
		return -1;
	for (size_t i = 0, num = 0; i < crash->num_threads && num < MAX_TOLD; i++) {
		struct snap_lock *lock = &crash->threads[i].lock;
		if (!lock->has_owner)
			continue;
		num++;
		lock->words = lock_words(crash, &crash->threads[i]);
		if (!lock->words)
			return snap_error_no_memory(err);
	}
	return 0;
}

static const char *circle_words(struct snap_crash *crash, const struct snap_deadlock *deadlock)
{
	const char *text = deadlock->num == 1
				   ? "a thread waits for itself"
				   : snap_crash_format(crash, "%zu threads wait for each other",
					     deadlock->num);
	for (size_t i = 0; text && i < deadlock->num && i < MAX_NAMED; i++) {
		const char *one = lock_words(crash, &crash->threads[deadlock->threads[i]]);
		text = one ? snap_crash_format(crash, "%s%s %s", text, i == 0 ? ":" : ", and", one)
			   : NULL;
	}
	return text;
}

const char *snap_deadlock_words(struct snap_crash *crash)
{
	const char *text = "";
	for (size_t i = 0; text && i < crash->num_deadlocks && i < MAX_DEADLOCKS; i++) {
		const char *one = circle_words(crash, &crash->deadlocks[i]);
		text = one ? snap_crash_format(crash, "%s; a deadlock: %s", text, one) : NULL;
	}
	return text;
}
